#include "testing.h"

static void step__reads_back_what_it_wrote_when_it_is_of_any_kind(void **state)
{
    (void)state;
    static const char *const texts[] = {"relu",   "dw3",     "dw7s2",   "dw5d2",         "dw5d2s2",
                                        "pw",     "pws2",    "pw:4C",   "pws2:C",        "pw:3C/2",
                                        "bn",     "conv3x3", "conv1x7", "conv7x1s2",     "max3",
                                        "max3s2", "avg5",    "avg3s2",  "conv3x3s2:C/2", "fr",
                                        "fr:2C",  "gap",     "linear",  "avg2s2",        "max2s2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct snas_step step;
        char back[64];
        if (snas_step_parse(texts[i], &step) != 0)
            fail_msg("'%s' is not read", texts[i]);
        snas_step_format(&step, back, sizeof back);
        assert_string_equal(back, texts[i]);
    }
}

static void step__has_the_numbers_of_its_text_when_they_are_given(void **state)
{
    (void)state;
    struct snas_step step;
    assert_int_equal(snas_step_parse("dw5d2s2", &step), 0);
    assert_int_equal(step.kind, SNAS_STEP_DEPTHWISE);
    assert_int_equal(step.kh, 5);
    assert_int_equal(step.kw, 5);
    assert_int_equal(step.dilation, 2);
    assert_int_equal(step.stride, 2);
    assert_int_equal(step.mul, 0);
    assert_int_equal(snas_step_parse("conv1x7:3C/4", &step), 0);
    assert_int_equal(step.kh, 1);
    assert_int_equal(step.kw, 7);
    assert_int_equal(step.stride, 1);
    assert_int_equal(step.mul, 3);
    assert_int_equal(step.div, 4);
    assert_int_equal(snas_step_parse("fr", &step), 0);
    assert_int_equal(step.stride, 2);
    assert_int_equal(snas_step_parse("avg2s2", &step), 0);
    assert_int_equal(step.kind, SNAS_STEP_AVG_POOL);
    assert_int_equal(step.kw, 2);
}

static void step__is_refused_when_the_text_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",        "rel",       "relus2", "dw",      "dw2",     "dw4",           "dw0",   "dw-3",
        "dw17",    "dw3s3",     "dw3s",   "dw3s2d2", "dw3d2d2", "dw99999999999", "conv3", "conv3x",
        "conv3x2", "conv3x3d2", "pw:",    "pw:4",    "pw:C/",   "pw:C/0",        "pw:0C", "dw3:C",
        "bn2",     "gap ",      " gap",   "linear1", "max3d2",  "fr2",           "frs2",  "pw s2",
        "dw3s2s2", "avg2",      "max2",   "avg4s2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct snas_step step;
        if (snas_step_parse(texts[i], &step) == 0)
            fail_msg("'%s' is read as a step", texts[i]);
    }
}

static void op__halves_or_keeps_the_side_when_it_is_built_in(void **state)
{
    (void)state;
    int count = 0;
    for (const struct snas_op *op; (op = snas_op_builtin_at(count)) != NULL; count++) {
        assert_ptr_equal(snas_op_builtin(op->name), op);
        for (int s = 0; s < 2 && !op->zero; s++) {
            int stride = 1;
            for (int i = 0; i < op->n_steps[s]; i++)
                stride *= op->steps[s][i].stride;
            if (stride != s + 1)
                fail_msg("%s: stride %d where %d is wanted", op->name, stride, s + 1);
        }
    }
    assert_int_equal(count, 14);
    assert_null(snas_op_builtin("sep_conv"));
}

/* Steps of a built-in op as text. */
static void assert_steps(const char *name, int stride, const char *want)
{
    const struct snas_op *op = snas_op_builtin(name);
    char have[256] = "";
    assert_non_null(op);
    for (int i = 0; i < op->n_steps[stride - 1]; i++) {
        char text[32];
        snas_step_format(&op->steps[stride - 1][i], text, sizeof text);
        size_t n = strlen(have);
        snprintf(have + n, sizeof have - n, "%s%s", i ? " " : "", text);
    }
    assert_string_equal(have, want);
}

static void op__is_made_of_the_published_steps_when_it_is_built_in(void **state)
{
    (void)state;
    assert_steps("sep_conv_3x3", 1, "relu dw3 pw bn relu dw3 pw bn");
    assert_steps("sep_conv_5x5", 2, "relu dw5s2 pw bn relu dw5 pw bn");
    assert_steps("dil_conv_5x5", 2, "relu dw5d2s2 pw bn");
    assert_steps("max_pool_3x3", 2, "max3s2 bn");
    assert_steps("avg_pool_3x3", 1, "avg3 bn");
    assert_steps("skip_connect", 1, "");
    assert_steps("skip_connect", 2, "relu fr bn");
    assert_steps("conv_7x1_1x7", 2, "relu conv1x7 conv7x1s2 bn");
    assert_steps("nor_conv_1x1", 1, "relu pw bn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__reads_back_what_it_wrote_when_it_is_of_any_kind),
        cmocka_unit_test(step__has_the_numbers_of_its_text_when_they_are_given),
        cmocka_unit_test(step__is_refused_when_the_text_is_none),
        cmocka_unit_test(op__halves_or_keeps_the_side_when_it_is_built_in),
        cmocka_unit_test(op__is_made_of_the_published_steps_when_it_is_built_in),
    };
    return snas_test_run(tests);
}
