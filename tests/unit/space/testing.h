#ifndef SNAS_TESTS_SPACE_TESTING_H
#define SNAS_TESTS_SPACE_TESTING_H

#include "support.h"

#include "base/mem.h"
#include "fixture.h"

static inline struct snas_network *make_network(const struct snas_space *space,
                                                const struct snas_network_options *o,
                                                const struct snas_genotype *g)
{
    struct snas_network *net = NULL;
    struct snas_err err = {0};
    assert_ok(snas_network_create(space, o, g, &net, &err), &err);
    return net;
}

/* The search supernet of the paper. */
static inline struct snas_network_options search_options(void)
{
    return (struct snas_network_options){
        .channels = 16, .layers = 8, .input = {3, 32, 32}, .classes = 10, .pool_bn = 1};
}

/* The evaluation network of the papers. */
static inline struct snas_network_options evaluation_options(void)
{
    return (struct snas_network_options){
        .channels = 36, .layers = 20, .input = {3, 32, 32}, .classes = 10, .affine = 1};
}

static inline void read_space(const char *name, struct snas_space *space)
{
    struct snas_err err = {0};
    assert_ok(snas_space_read(name, space, &err), &err);
}

static inline enum snas_status parse_space(const char *text, struct snas_space *space,
                                           struct snas_err *err)
{
    return snas_space_parse("s.yaml", text, strlen(text), space, err);
}

static inline void read_genotype(const char *name, const struct snas_space *space,
                                 struct snas_genotype *g)
{
    struct snas_err err = {0};
    assert_ok(snas_genotype_read(name, space, g, &err), &err);
}

/* Runs `attempt` with its first, second, ... allocation failing, until it has none left to fail.
 * It must answer SNAS_E_NOMEM until then, and free what it had (the sanitizer build looks). */
static inline void
fail_every_allocation(enum snas_status (*attempt)(void *arg, struct snas_err *err), void *arg)
{
    for (long nth = 1;; nth++) {
        struct snas_err err = {0};
        snas_mem_fail_at(nth);
        enum snas_status status = attempt(arg, &err);
        long made = snas_mem_fail_at(0);
        if (made < nth) {
            assert_ok(status, &err);
            assert_true(nth > 1);
            return;
        }
        if (status != SNAS_E_NOMEM)
            fail_msg("allocation %ld fails, the answer is %d: %s", nth, (int)status, err.text);
    }
}

#endif
