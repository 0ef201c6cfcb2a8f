#include "net/profile.h"

#include <string.h>

#include "base/clock.h"
#include "net/unit.h"

void snas_net_profile(struct snas_net *net, struct snas_profile *profile)
{
    net->profile = profile;
}

double snas_profile_now(const struct snas_net *net)
{
    return net->profile ? snas_seconds() : 0;
}

static struct snas_profile_row *row_of(struct snas_profile *p, const struct snas_profile_row *key)
{
    for (int i = 0; i < p->n; i++) {
        struct snas_profile_row *r = &p->rows[i];
        if (r->a == key->a && r->b == key->b && r->backward == key->backward &&
            strcmp(r->pass, key->pass) == 0 && strcmp(r->unit, key->unit) == 0)
            return r;
    }
    if (p->n == SNAS_PROFILE_ROWS)
        return NULL;
    p->rows[p->n] = *key;
    return &p->rows[p->n++];
}

static void add(struct snas_profile *p, const struct snas_profile_row *key, double run,
                double finalise)
{
    struct snas_profile_row *r = row_of(p, key);
    if (!r)
        return;
    r->run += run;
    r->finalise += finalise;
    r->calls++;
}

void snas_profile_pass(struct snas_net *net, const struct snas_unit *unit,
                       const struct snas_pass *pass, const double at[3])
{
    static const char *const kinds[] = {
        [SNAS_UNIT_STEM] = "stem", [SNAS_UNIT_CELL] = "cell", [SNAS_UNIT_HEAD] = "head"};
    if (!net->profile)
        return;
    const int backward = pass >= unit->backward && pass < unit->backward + unit->n_backward;
    const struct snas_profile_row key = {.unit = kinds[unit->kind],
                                         .pass = pass->name,
                                         .a = pass->a,
                                         .b = pass->b,
                                         .backward = backward};
    add(net->profile, &key, at[1] - at[0], at[2] - at[1]);
}

void snas_profile_stretch(struct snas_net *net, const char *name, int backward, double *since)
{
    if (!net->profile)
        return;
    const double now = snas_seconds();
    const struct snas_profile_row key = {.unit = "net", .pass = name, .backward = backward};
    add(net->profile, &key, now - *since, 0);
    *since = now;
}

double snas_net_step_flops(const struct snas_net *net)
{
    double sum = 0;
    for (int b = 0; b < net->network->n_blocks; b++)
        if (net->live_block[b])
            sum += snas_net_block_flops(net, b);
    return sum;
}
