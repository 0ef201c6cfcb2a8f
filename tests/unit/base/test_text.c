#include "base/text.h"

#include "base/mem.h"
#include "support.h"

static void text__grows_when_added_to(void **state)
{
    (void)state;
    struct snas_text t = {0};
    struct snas_err err = {0};
    char *out;
    for (int i = 0; i < 1000; i++)
        snas_text_add(&t, "%03d,", i);
    assert_ok(snas_text_check(&t, &err), &err);
    assert_ok(snas_text_take(&t, &out, &err), &err);
    assert_int_equal(strlen(out), 4000);
    assert_string_equal(out + 3996, "999,");
    assert_null(t.data);
    snas_free(out);
    assert_ok(snas_text_take(&t, &out, &err), &err);
    assert_string_equal(out, "");
    snas_free(out);
}

static void text__says_so_when_memory_was_short_once(void **state)
{
    (void)state;
    struct snas_text t = {0};
    struct snas_err err = {0};
    char *out = "unset";
    snas_text_add(&t, "one");
    snas_mem_fail_at(1);
    snas_text_add(&t, "%01000d", 2);
    snas_mem_fail_at(0);
    snas_text_add(&t, "three");
    assert_string_equal(t.data, "one");
    assert_int_equal(snas_text_check(&t, &err), SNAS_E_NOMEM);
    assert_int_equal(snas_text_take(&t, &out, &err), SNAS_E_NOMEM);
    assert_null(out);
    assert_null(t.data);
    snas_text_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__grows_when_added_to),
        cmocka_unit_test(text__says_so_when_memory_was_short_once),
    };
    return snas_test_run(tests);
}
