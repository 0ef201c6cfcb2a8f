/* Where the time of a step goes, and its arithmetic. */
#include "fixture.h"
#include "net/profile.h"

static void make(struct fixture *f, enum snas_engine engine)
{
    memset(f, 0, sizeof *f);
    f->options = fixture_options(SNAS_PRECISION_F32);
    f->options.engine = engine;
    struct snas_network_options o = fixture_network_options(3);
    fixture_net_space(&f->space);
    fixture_make(f, &o, NULL);
}

static void step(struct fixture *f)
{
    struct snas_err err = {0};
    struct snas_loss loss;
    const struct snas_forward forward = {
        .batch = {f->images, f->labels, BATCH}, .z = f->z, .bn = SNAS_BN_BATCH};
    const struct snas_backward back = {0};
    assert_ok(snas_net_forward(f->net, &forward, &loss, &err), &err);
    assert_ok(snas_net_backward(f->net, &back, &err), &err);
}

static void profile__names_every_kind_of_unit_and_its_time_when_asked(void **state)
{
    (void)state;
    struct fixture f;
    make(&f, SNAS_ENGINE_AUTO);
    static struct snas_profile p;
    memset(&p, 0, sizeof p);
    step(&f);
    assert_int_equal(p.n, 0);
    snas_net_profile(f.net, &p);
    step(&f);
    int found[2][4] = {{0}};
    static const char *const kinds[] = {"stem", "cell", "head", "net"};
    double seconds = 0;
    for (int i = 0; i < p.n; i++) {
        const struct snas_profile_row *r = &p.rows[i];
        assert_true(r->calls > 0 && r->run >= 0 && r->finalise >= 0);
        seconds += r->run + r->finalise;
        for (int k = 0; k < 4; k++)
            found[r->backward][k] |= strcmp(r->unit, kinds[k]) == 0;
    }
    for (int k = 0; k < 4; k++)
        assert_true(found[0][k] && found[1][k]);
    assert_true(seconds > 0);
    const int rows = p.n;
    const int64_t calls = p.rows[0].calls;
    step(&f);
    assert_int_equal(p.n, rows);
    assert_int_equal(p.rows[0].calls, 2 * calls);
    snas_net_profile(f.net, NULL);
    step(&f);
    assert_int_equal(p.rows[0].calls, 2 * calls);
    fixture_clear(&f);
}

static void step_flops__are_the_plans_when_all_ops_are_live_and_fewer_when_not(void **state)
{
    (void)state;
    struct snas_err err = {0};
    struct snas_plan_report plan;
    struct fixture f;
    double all = 0;
    make(&f, SNAS_ENGINE_REF);
    for (int i = 0; i < f.network->n_z; i++)
        f.z[i] = 0.125;
    step(&f);
    assert_ok(snas_net_plan(f.network, &f.options, &plan, &err), &err);
    for (int i = 0; i < plan.n_rows; i++)
        all += plan.rows[i].flops;
    assert_true(fabs(snas_net_step_flops(f.net) - all) < 1e-9 * all);
    /* One op off on one edge: its own arithmetic is gone, nothing else. */
    const struct snas_edge *e = &f.network->edges[0];
    f.z[e->z + 4] = 0;
    step(&f);
    const double less = all - snas_net_step_flops(f.net);
    const struct snas_block *b = &f.network->blocks[e->first_block + 4];
    double madds = 0;
    for (int i = b->first_layer; i < b->first_layer + b->n_layers; i++) {
        const struct snas_layer *l = &f.network->layers[i];
        const double pixels = (double)l->out.h * l->out.w;
        if (l->step.kind == SNAS_STEP_DEPTHWISE)
            madds += pixels * l->in.c * 9;
        if (l->step.kind == SNAS_STEP_POINTWISE)
            madds += pixels * l->in.c * l->out.c;
    }
    assert_true(madds > 0 && fabs(less - 6 * madds) < 1e-6 * less);
    snas_plan_report_clear(&plan);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile__names_every_kind_of_unit_and_its_time_when_asked),
        cmocka_unit_test(step_flops__are_the_plans_when_all_ops_are_live_and_fewer_when_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
