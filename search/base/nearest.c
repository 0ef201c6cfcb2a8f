#include "base/config.h"

#include <string.h>

enum { NAME_MAX_CHARS = 64 };

/* Edit distance with neighbours swapped counted as one (optimal string alignment); a name longer
 * than the table is far from everything. */
static int edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_CHARS || m > NAME_MAX_CHARS)
        return NAME_MAX_CHARS;
    int rows[3][NAME_MAX_CHARS + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = rows[i % 3], *above = rows[(i - 1) % 3], *higher = rows[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                higher[j - 2] + 1 < best)
                best = higher[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

/* Near: at most a third of the longer of the two is wrong, and at least one slip is allowed. */
int snas_nearest(const char *text, const char *const *names, size_t n)
{
    int nearest = -1, best = NAME_MAX_CHARS;
    for (size_t i = 0; i < n; i++) {
        size_t a = strlen(text), b = strlen(names[i]), longer = a > b ? a : b;
        int distance = edit_distance(text, names[i]), allowed = (int)(longer / 3);
        if (distance <= (allowed > 1 ? allowed : 1) && (size_t)distance < longer &&
            distance < best) {
            best = distance;
            nearest = (int)i;
        }
    }
    return nearest;
}
