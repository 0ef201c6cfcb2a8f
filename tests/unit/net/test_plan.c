/* Memory: what a plan says, what it refuses, what it leaves behind when memory runs out. */
#include "fixture.h"

#include <unistd.h>

static struct snas_network *make_network(int channels, int layers, int side)
{
    static struct snas_space space;
    struct snas_network_options o = {.channels = channels,
                                     .layers = layers,
                                     .input = {3, side, side},
                                     .classes = 10,
                                     .pool_bn = 1};
    struct snas_network *network = NULL;
    struct snas_err err = {0};
    fixture_darts(&space);
    assert_ok(snas_network_create(&space, &o, NULL, &network, &err), &err);
    return network;
}

static void plan__counts_what_creation_takes_when_asked_for_a_limit(void **state)
{
    (void)state;
    struct snas_network *network = make_network(4, 3, 9);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_plan_report report;
    struct snas_err err = {0};
    struct snas_net *net = NULL;
    assert_ok(snas_net_plan(network, &o, &report, &err), &err);
    o.memory_limit = report.total_bytes;
    o.memory = SNAS_MEMORY_NORMAL;
    assert_ok(snas_net_create(network, &o, &net, &err), &err);
    snas_net_destroy(net);
    o.memory_limit = report.total_bytes - 1;
    assert_int_equal(snas_net_create(network, &o, &net, &err), SNAS_E_LIMIT);
    assert_null(net);
    char number[32];
    snprintf(number, sizeof number, "%zu", report.total_bytes);
    assert_contains(err.text, number);
    snprintf(number, sizeof number, "%zu", report.total_bytes - 1);
    assert_contains(err.text, number);
    assert_contains(err.text, "memory: lean would fit");
    snas_plan_report_clear(&report);
    snas_network_destroy(network);
}

static struct snas_plan_report plan_of(const struct snas_network *network,
                                       const struct snas_net_options *o)
{
    struct snas_plan_report report;
    struct snas_err err = {0};
    assert_ok(snas_net_plan(network, o, &report, &err), &err);
    return report;
}

/* The limit decides how many units run twice: no more than it asks for. */
static void plan__keeps_what_the_limit_allows_when_memory_is_auto(void **state)
{
    (void)state;
    struct snas_network *network = make_network(8, 6, 16);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    o.batch = 64;
    struct snas_plan_report normal = plan_of(network, &o);
    assert_int_equal(normal.n_lean, 0);
    o.memory = SNAS_MEMORY_LEAN;
    struct snas_plan_report lean = plan_of(network, &o);
    assert_int_equal(lean.n_lean, 7);
    assert_true(lean.total_bytes < normal.total_bytes / 2);
    int before = 0;
    size_t bytes = normal.total_bytes;
    o.memory = SNAS_MEMORY_AUTO;
    for (o.memory_limit = normal.total_bytes; o.memory_limit > lean.total_bytes;
         o.memory_limit -= (normal.total_bytes - lean.total_bytes) / 10) {
        struct snas_plan_report r = plan_of(network, &o);
        assert_true(r.total_bytes <= o.memory_limit && r.total_bytes <= bytes);
        assert_true(r.n_lean >= before && r.n_lean <= lean.n_lean);
        bytes = r.total_bytes;
        before = r.n_lean;
        snas_plan_report_clear(&r);
    }
    assert_true(before > 2);
    snas_plan_report_clear(&normal);
    snas_plan_report_clear(&lean);
    snas_network_destroy(network);
}

static void create__names_a_batch_that_fits_when_even_lean_memory_does_not(void **state)
{
    (void)state;
    struct snas_network *network = make_network(8, 4, 16);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_net *net = NULL;
    struct snas_err err = {0};
    o.memory = SNAS_MEMORY_LEAN;
    o.batch = 17;
    struct snas_plan_report fits = plan_of(network, &o);
    o.batch = 40;
    o.memory_limit = fits.total_bytes;
    o.memory = SNAS_MEMORY_AUTO;
    assert_int_equal(snas_net_create(network, &o, &net, &err), SNAS_E_LIMIT);
    assert_contains(err.text, "a batch of 17 would fit");
    o.memory_limit = 1000;
    err = (struct snas_err){0};
    assert_int_equal(snas_net_create(network, &o, &net, &err), SNAS_E_LIMIT);
    assert_contains(err.text, "fewer channels or layers are needed");
    snas_plan_report_clear(&fits);
    snas_network_destroy(network);
}

static void table__has_a_line_for_every_unit_when_whole(void **state)
{
    (void)state;
    struct snas_network *network = make_network(4, 5, 16);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    o.memory = SNAS_MEMORY_LEAN;
    struct snas_plan_report r = plan_of(network, &o);
    struct snas_text whole = {0}, compact = {0};
    snas_plan_text(&r, 1, &whole);
    snas_plan_text(&r, 0, &compact);
    assert_contains(whole.data, "stem0 ");
    assert_contains(whole.data, "cell4 ");
    assert_contains(whole.data, "shared ");
    assert_contains(compact.data, "cell0 "); /* the reductions are cells 1 and 3 */
    assert_null(strstr(compact.data, "cell0-"));
    assert_true(whole.n >= compact.n);
    snas_text_clear(&whole);
    snas_text_clear(&compact);
    snas_plan_report_clear(&r);
    snas_network_destroy(network);
    network = make_network(4, 8, 16);
    r = plan_of(network, &o);
    snas_plan_text(&r, 0, &compact);
    assert_contains(compact.data, "cell0-1 ");
    assert_contains(compact.data, "cell6-7 ");
    assert_null(strstr(compact.data, "cell1 "));
    snas_text_clear(&compact);
    snas_plan_report_clear(&r);
    snas_network_destroy(network);
}

static void plan__has_a_row_for_every_unit_and_adds_up(void **state)
{
    (void)state;
    struct snas_network *network = make_network(4, 3, 9);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_plan_report r;
    struct snas_err err = {0};
    assert_ok(snas_net_plan(network, &o, &r, &err), &err);
    assert_int_equal(r.n_rows, 5);
    assert_string_equal(r.rows[0].name, "stem0");
    assert_string_equal(r.rows[1].name, "cell0");
    assert_string_equal(r.rows[4].name, "head");
    assert_string_equal(r.isa, "ref");
    assert_true(r.reference_share == 1);
    size_t rows = 0;
    for (int i = 0; i < r.n_rows; i++)
        rows += r.rows[i].bytes;
    assert_true(rows > 0 && rows <= r.activation_bytes);
    assert_int_equal(r.parameter_bytes + r.activation_bytes + r.shared_bytes + r.scratch_bytes,
                     r.total_bytes);
    /* Stem: 3x3x3x12 multiply-adds on 81 pixels, forward and weight gradient, 2 each. */
    assert_true(r.rows[0].flops == 2.0 * 2 * 27 * 12 * 81);
    /* Head: 4 nodes x 16 channels x 10 classes, three products. */
    assert_true(r.rows[4].flops == 2.0 * 3 * 64 * 10);
    snas_plan_report_clear(&r);
    snas_network_destroy(network);
}

static void plan__needs_no_memory_when_the_network_is_huge(void **state)
{
    (void)state;
    struct snas_network *network = make_network(512, 20, 224);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_plan_report r;
    struct snas_err err = {0};
    o.batch = 4096;
    assert_ok(snas_net_plan(network, &o, &r, &err), &err);
    assert_true(r.total_bytes > (size_t)1 << 44);
    snas_plan_report_clear(&r);
    snas_network_destroy(network);
}

/* Evaluation keeps nothing for a backward: a fraction of what training takes. */
static void plan__is_modest_when_nothing_is_trained(void **state)
{
    (void)state;
    struct snas_network *network = make_network(16, 8, 32);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_plan_report train, eval;
    struct snas_err err = {0};
    o.batch = 128;
    assert_ok(snas_net_plan(network, &o, &train, &err), &err);
    o.training = 0;
    assert_ok(snas_net_plan(network, &o, &eval, &err), &err);
    assert_true(eval.total_bytes < (size_t)1 << 30);
    assert_true(eval.total_bytes < train.total_bytes / 4);
    snas_plan_report_clear(&train);
    snas_plan_report_clear(&eval);
    snas_network_destroy(network);
}

/* Resident bytes of this process. */
static size_t resident(void)
{
    char line[128] = "", *rest;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    (void)fclose(f);
    assert_true(strtoul(line, &rest, 10) > 0);
    return (size_t)strtoul(rest, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* The plan's memory is first touched by the passes, a group's images by the thread that works on
 * them: creating a net touches next to nothing of it. */
static void create__leaves_the_first_touch_to_the_step_when_memory_is_large(void **state)
{
    (void)state;
    struct snas_network *network = make_network(8, 3, 28);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_net *net = NULL;
    struct snas_err err = {0};
    o.batch = 64;
    struct snas_plan_report r = plan_of(network, &o);
    size_t before = resident();
    assert_ok(snas_net_create(network, &o, &net, &err), &err);
    size_t taken = resident() - before;
    assert_true(r.total_bytes > (size_t)100 << 20);
    if (taken > r.total_bytes / 10)
        fail_msg("%zu of %zu bytes are touched", taken, r.total_bytes);
    snas_net_destroy(net);
    snas_plan_report_clear(&r);
    snas_network_destroy(network);
}

static void evaluation_net__gives_the_training_nets_logits_when_values_are_equal(void **state)
{
    (void)state;
    struct fixture f = {.options = fixture_options(SNAS_PRECISION_F32)};
    struct snas_network_options o = fixture_network_options(3);
    struct snas_err err = {0};
    struct snas_net *net;
    struct snas_loss loss;
    fixture_net_space(&f.space);
    fixture_make(&f, &o, NULL);
    f.options.training = 0;
    assert_ok(snas_net_create(f.network, &f.options, &net, &err), &err);
    memcpy(snas_net_theta(net), snas_net_theta(f.net), snas_net_theta_size(net) * sizeof(float));
    memcpy(snas_net_stats(net), snas_net_stats(f.net), snas_net_stats_size(net) * sizeof(float));
    for (int mode = 0; mode < 2; mode++) {
        struct snas_forward forward = fixture_forward(&f);
        forward.bn = mode ? SNAS_BN_RUNNING : SNAS_BN_BATCH;
        assert_ok(snas_net_forward(f.net, &forward, &loss, &err), &err);
        assert_ok(snas_net_forward(net, &forward, &loss, &err), &err);
        assert_memory_equal(snas_net_logits(net), snas_net_logits(f.net),
                            BATCH * CLASSES * sizeof(float));
    }
    struct snas_backward b = {0};
    assert_int_equal(snas_net_backward(net, &b, &err), SNAS_E_STATE);
    snas_net_destroy(net);
    fixture_clear(&f);
}

static void create__leaves_nothing_behind_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_network *network = make_network(4, 2, 9);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F32);
    struct snas_net *net = NULL;
    struct snas_err err = {0};
    long n = 0;
    for (;;) {
        snas_mem_fail_at(++n);
        enum snas_status status = snas_net_create(network, &o, &net, &err);
        snas_mem_fail_at(0);
        if (status == SNAS_OK)
            break;
        assert_int_equal(status, SNAS_E_NOMEM);
        assert_null(net);
    }
    assert_true(n > 20);
    snas_net_destroy(net);
    snas_network_destroy(network);
}

static void create__refuses_when_options_are_out_of_range(void **state)
{
    (void)state;
    struct snas_network *network = make_network(4, 2, 9);
    struct snas_net *net;
    struct snas_err err = {0};
    struct snas_net_options o[7];
    for (int i = 0; i < 7; i++)
        o[i] = fixture_options(SNAS_PRECISION_F32);
    o[0].batch = 0;
    o[1].threads = -1;
    o[2].bn_eps = 0;
    o[3].bn_momentum = 1.5;
    o[4].label_smoothing = -0.1;
    o[5].drop_path = 1;
    o[6].drop_path = NAN;
    for (int i = 0; i < 7; i++)
        assert_int_equal(snas_net_create(network, &o[i], &net, &err), SNAS_E_ARG);
    snas_network_destroy(network);
}

static void init__gives_uniform_values_that_do_not_depend_on_the_rest(void **state)
{
    (void)state;
    struct snas_network *network = make_network(16, 2, 9);
    struct snas_net_options o = fixture_options(SNAS_PRECISION_F64);
    struct snas_net *net;
    struct snas_err err = {0};
    assert_ok(snas_net_create(network, &o, &net, &err), &err);
    snas_net_init(net, 1);
    int p = snas_network_param(network, "cell1.pre1.pw1.weight");
    const struct snas_param *param = &network->params[p];
    const double *w = (const double *)snas_net_theta(net) + snas_net_param_offset(net, p);
    double sum2 = 0;
    for (size_t i = 0; i < param->count; i++)
        sum2 += w[i] * w[i];
    double expected = 1.0 / (3.0 * param->fan_in); /* of a uniform in +-1/sqrt(fan_in) */
    assert_true(fabs(sum2 / (double)param->count / expected - 1) <
                5 * sqrt(2.0 / (double)param->count));
    double first = w[0];
    snas_net_init(net, 1);
    assert_true(w[0] == first);
    snas_net_init(net, 2);
    assert_true(w[0] != first);
    int v = snas_network_param(network, "stem0.bn1.var");
    assert_true(((double *)snas_net_stats(net))[snas_net_param_offset(net, v)] == 1);
    snas_net_destroy(net);
    snas_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan__counts_what_creation_takes_when_asked_for_a_limit),
        cmocka_unit_test(plan__keeps_what_the_limit_allows_when_memory_is_auto),
        cmocka_unit_test(create__names_a_batch_that_fits_when_even_lean_memory_does_not),
        cmocka_unit_test(table__has_a_line_for_every_unit_when_whole),
        cmocka_unit_test(create__leaves_the_first_touch_to_the_step_when_memory_is_large),
        cmocka_unit_test(plan__has_a_row_for_every_unit_and_adds_up),
        cmocka_unit_test(plan__needs_no_memory_when_the_network_is_huge),
        cmocka_unit_test(plan__is_modest_when_nothing_is_trained),
        cmocka_unit_test(evaluation_net__gives_the_training_nets_logits_when_values_are_equal),
        cmocka_unit_test(create__leaves_nothing_behind_when_an_allocation_fails),
        cmocka_unit_test(create__refuses_when_options_are_out_of_range),
        cmocka_unit_test(init__gives_uniform_values_that_do_not_depend_on_the_rest),
    };
    return snas_test_run(tests);
}
