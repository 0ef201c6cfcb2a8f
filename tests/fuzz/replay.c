/* Feeds a fuzz target without libFuzzer: every seed file as it is, then mutations of it, the same
 * ones every time. Without seeds: short random inputs. usage: NAME [SEED ...] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 1 << 20, MUTATIONS = 400, RANDOM_INPUTS = 2000, RANDOM_MAX = 300 };

static uint64_t state = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % n);
}

/* The bytes in a block of exactly their size, so that a sanitizer sees a read past the end. */
static void feed(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* One to four changes: a byte, a cut, a piece repeated, a piece removed. Returns the new size. */
static size_t mutate(uint8_t *bytes, size_t size)
{
    for (size_t left = 1 + random_below(4); left > 0 && size > 0; left--) {
        size_t at = random_below(size), n = 1 + random_below(16);
        n = n < size - at ? n : size - at;
        switch (random_below(4)) {
        case 0:
            bytes[at] = (uint8_t)random_below(256);
            break;
        case 1:
            if (random_below(8) == 0)
                size = at;
            break;
        case 2:
            memmove(bytes + at + n, bytes + at, size - at);
            size += n;
            break;
        default:
            memmove(bytes + at, bytes + at + n, size - at - n);
            size -= n;
        }
    }
    return size;
}

static int replay(const char *path)
{
    static uint8_t seed[SEED_MAX], bytes[SEED_MAX + 64];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t size = fread(seed, 1, sizeof seed, f);
    fclose(f);
    feed(seed, size);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, seed, size);
        feed(bytes, mutate(bytes, size));
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t bytes[RANDOM_MAX];
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) != 0)
            return 1;
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        size_t size = random_below(RANDOM_MAX);
        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)random_below(256);
        feed(bytes, size);
    }
    return 0;
}
