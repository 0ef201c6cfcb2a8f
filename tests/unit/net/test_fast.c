/* The vectorised units against the reference in double, beside the reference in float: whole
 * networks may not be farther from the truth than twice the float reference (ReLU and maximum turn
 * over in float), and networks small enough that nothing turns over must agree at 1e-4. */
#include "compare.h"

#include <pthread.h>
#include <stdatomic.h>

static struct snas_space test_space(void)
{
    struct snas_space space;
    fixture_net_space(&space);
    return space;
}

static void cell__agrees_at_1e_4_when_channels_and_sides_vary(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{1, 8, 1, 6, 6, 0},  {1, 5, 3, 5, 7, 1},
                                          {1, 16, 3, 4, 4, 0}, {1, 24, 2, 3, 3, 0},
                                          {1, 8, 3, 7, 9, 1},  {1, 1, 1, 2, 5, 0}};
    struct snas_space space = test_space();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int reduce = 0; reduce < 2; reduce++) {
            struct setup s = {.shape = shapes[i], .bn = SNAS_BN_BATCH_UPDATE};
            space.n_reduce_at = reduce;
            space.reduce_num[0] = 0;
            check(&space, &s, 1e-4);
        }
}

static void supernet__is_as_exact_as_the_reference_when_z_varies(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {3, 8, 1, 12, 12, 0}, {3, 6, 3, 9, 7, 1}, {2, 16, 3, 8, 8, 0}, {3, 24, 1, 5, 5, 0}};
    struct snas_space space = test_space();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int z = Z_ALL; z <= Z_HARD; z++) {
            struct setup s = {.shape = shapes[i], .z = (enum z_mode)z, .bn = SNAS_BN_BATCH_UPDATE};
            check(&space, &s, 0);
        }
}

static void
supernet__is_as_exact_as_the_reference_when_statistics_run_or_are_estimated(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    static const enum snas_bn_mode modes[] = {SNAS_BN_BATCH, SNAS_BN_RUNNING, SNAS_BN_ESTIMATE};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (int z = Z_ALL; z <= Z_SPARSE; z++) {
            struct setup s = {
                .shape = {3, 8, 1, 9, 10, 1}, .z = (enum z_mode)z, .bn = modes[i], .threads = 2};
            check(&space, &s, 0);
        }
}

static void supernet__is_as_exact_as_the_reference_when_paths_drop(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    for (int channels = 6; channels <= 8; channels += 2) {
        struct setup s = {
            .shape = {2, channels, 3, 8, 8, 1}, .bn = SNAS_BN_BATCH, .drop_path = 0.4};
        check(&space, &s, 0);
    }
}

/* Other ops, other stems: dense convolutions, chains without BN between, a stride in the stem. */
static void supernet__is_as_exact_as_the_reference_when_the_space_is_another(void **state)
{
    (void)state;
    static const char *const ops[] = {"none",         "skip_connect", "nor_conv_3x3",
                                      "conv_7x1_1x7", "conv_1x1",     "sep_conv_7x7"};
    struct snas_space space;
    fixture_space(&space, 3, 6, ops);
    space.stems[0] = fixture_steps(2, "conv3x3s2 bn relu conv3x3 bn");
    for (int channels = 5; channels <= 8; channels += 3) {
        struct setup s = {.shape = {3, channels, 3, 11, 9, 1}, .bn = SNAS_BN_BATCH};
        check(&space, &s, 0);
    }
}

/* A child: affine, no BN behind pools, one op twice from one slot, a dead node. */
static void child__is_as_exact_as_the_reference_when_affine(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    struct snas_genotype g = {0};
    for (int k = 0; k < 2; k++) {
        struct snas_genotype_cell *c = &g.cells[k];
        c->n_nodes = 3;
        c->n_choices[0] = 3;
        c->choices[0][0] = (struct snas_choice){4, 0};
        c->choices[0][1] = (struct snas_choice){4, 0};
        c->choices[0][2] = (struct snas_choice){1, 1};
        c->n_choices[1] = 2;
        c->choices[1][0] = (struct snas_choice){7, 1};
        c->choices[1][1] = (struct snas_choice){3, 2};
        c->n_concat = 3;
        for (int i = 0; i < 3; i++)
            c->concat[i] = i;
    }
    for (int channels = 8; channels <= 12; channels += 4) {
        struct setup s = {
            .shape = {4, channels, 3, 9, 12, 1}, .bn = SNAS_BN_BATCH_UPDATE, .genotype = &g};
        check(&space, &s, 0);
    }
}

static void same_bits(const struct result *a, const struct result *b)
{
    for (int part = 0; part < PARTS; part++) {
        assert_int_equal(a->n[part], b->n[part]);
        assert_memory_equal(a->v[part], b->v[part], a->n[part] * sizeof(double));
    }
}

/* Fewer threads than groups of images, more than groups, more than cores; batches of fewer images
 * than groups and of no multiple of them. */
static void supernet__gives_the_same_bits_when_threads_vary(void **state)
{
    (void)state;
    static const int threads[] = {2, 3, 5, 9, 33};
    struct snas_space space = test_space();
    for (int i = 0; i < 4; i++) {
        struct setup s = {.shape = {3, 8, 1, 10, 10, 0},
                          .bn = SNAS_BN_BATCH_UPDATE,
                          .z = i & 1 ? Z_SPARSE : Z_ALL,
                          .batch = i & 1 ? 5 : 19,
                          .memory = i / 2 ? SNAS_MEMORY_LEAN : SNAS_MEMORY_NORMAL};
        const char *isa = snas_kernels_get()->isa;
        struct result one = run(&space, &s, SNAS_PRECISION_F32, isa);
        for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
            s.threads = threads[t];
            struct result many = run(&space, &s, SNAS_PRECISION_F32, isa);
            same_bits(&one, &many);
            result_clear(&many);
        }
        result_clear(&one);
    }
}

static void *keep_busy(void *stop)
{
    while (!atomic_load((atomic_int *)stop))
        ;
    return NULL;
}

/* Every core is wanted by somebody else too: the step must end (a deadlock runs into ctest's time
 * limit) and say the same. */
static void supernet__gives_the_same_bits_when_cores_are_busy(void **state)
{
    (void)state;
    enum { NEIGHBOURS = 4 };
    struct snas_space space = test_space();
    struct setup s = {.shape = {3, 8, 1, 10, 10, 0}, .bn = SNAS_BN_BATCH_UPDATE};
    const char *isa = snas_kernels_get()->isa;
    struct result alone = run(&space, &s, SNAS_PRECISION_F32, isa);
    pthread_t neighbours[NEIGHBOURS];
    atomic_int stop = 0;
    for (int i = 0; i < NEIGHBOURS; i++)
        assert_int_equal(pthread_create(&neighbours[i], NULL, keep_busy, &stop), 0);
    s.threads = 4;
    struct result beside = run(&space, &s, SNAS_PRECISION_F32, isa);
    atomic_store(&stop, 1);
    for (int i = 0; i < NEIGHBOURS; i++)
        pthread_join(neighbours[i], NULL);
    same_bits(&alone, &beside);
    result_clear(&alone);
    result_clear(&beside);
}

/* Every engine, with drop path, sparse z, running statistics that follow: a unit's second forward
 * may leave no trace. */
static void supernet__gives_the_same_bits_when_memory_is_lean(void **state)
{
    (void)state;
    struct snas_space space = test_space();
    static const struct {
        enum snas_precision precision;
        int fast;
    } engines[] = {{SNAS_PRECISION_F64, 0}, {SNAS_PRECISION_F32, 0}, {SNAS_PRECISION_F32, 1}};
    for (size_t i = 0; i < 2 * sizeof engines / sizeof engines[0]; i++) {
        struct setup s = {.shape = {3, i % 2 ? 6 : 8, 3, 10, 9, 1},
                          .z = i % 2 ? Z_SPARSE : Z_ALL,
                          .bn = SNAS_BN_BATCH_UPDATE,
                          .drop_path = i % 2 ? 0.4 : 0,
                          .threads = 2,
                          .memory = SNAS_MEMORY_NORMAL};
        const char *isa = engines[i / 2].fast ? snas_kernels_get()->isa : NULL;
        struct result normal = run(&space, &s, engines[i / 2].precision, isa);
        s.memory = SNAS_MEMORY_LEAN;
        struct result lean = run(&space, &s, engines[i / 2].precision, isa);
        for (int part = 0; part < PARTS; part++)
            if (memcmp(normal.v[part], lean.v[part], normal.n[part] * sizeof(double)) != 0)
                fail_msg("engine %zu: %s differs", i / 2, part_names[part]);
        result_clear(&normal);
        result_clear(&lean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell__agrees_at_1e_4_when_channels_and_sides_vary),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_z_varies),
        cmocka_unit_test(
            supernet__is_as_exact_as_the_reference_when_statistics_run_or_are_estimated),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_paths_drop),
        cmocka_unit_test(supernet__is_as_exact_as_the_reference_when_the_space_is_another),
        cmocka_unit_test(child__is_as_exact_as_the_reference_when_affine),
        cmocka_unit_test(supernet__gives_the_same_bits_when_threads_vary),
        cmocka_unit_test(supernet__gives_the_same_bits_when_cores_are_busy),
        cmocka_unit_test(supernet__gives_the_same_bits_when_memory_is_lean),
    };
    return snas_test_run(tests);
}
