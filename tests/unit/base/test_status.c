#include "base/status.h"

#include "support.h"

static void status__cuts_when_text_is_too_long(void **state)
{
    (void)state;
    struct snas_err err = {0};
    char text[8192];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(snas_fail(&err, SNAS_E_IO, "%s", text), SNAS_E_IO);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(err.code, SNAS_E_IO);
}

static void status__keeps_characters_whole_when_cut(void **state)
{
    (void)state;
    /* An e with an acute accent, two bytes, across the cut at either parity. */
    for (int lead = 0; lead < 2; lead++) {
        struct snas_err err = {0};
        char text[8192];
        size_t n = 0;
        if (lead)
            text[n++] = 'x';
        while (n + 2 < sizeof text) {
            text[n++] = (char)0xC3;
            text[n++] = (char)0xA9;
        }
        text[n] = '\0';
        snas_fail(&err, SNAS_E_IO, "%s", text);
        size_t length = strlen(err.text);
        assert_true(length >= sizeof err.text - 3);
        assert_int_equal((unsigned char)err.text[length - 1], 0xA9);
    }
}

static void status__accepts_null_when_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(snas_fail(NULL, SNAS_E_ARG, "x"), SNAS_E_ARG);
    assert_int_equal(snas_fail_more(NULL, SNAS_E_CONFIG, "x"), SNAS_E_CONFIG);
    snas_fail_context(NULL, "x");
}

static void status__reads_its_own_text_when_it_is_an_argument(void **state)
{
    (void)state;
    struct snas_err err = {0};
    snas_fail(&err, SNAS_E_IO, "inner");
    snas_fail(&err, SNAS_E_STATE, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
}

static void status__says_and_more_once_when_full(void **state)
{
    (void)state;
    struct snas_err err = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(snas_fail_more(&err, SNAS_E_CONFIG, "file:%d:1: wrong", i), SNAS_E_CONFIG);
    assert_int_equal(strncmp(err.text, "file:0:1: wrong\nfile:1:1: wrong\n", 32), 0);
    char *said = strstr(err.text, "\nand more");
    assert_non_null(said);
    assert_int_equal(said[9], '\0');
}

static void status__puts_context_before_when_asked(void **state)
{
    (void)state;
    struct snas_err err = {0};
    snas_fail(&err, SNAS_E_FORMAT, "truncated");
    assert_int_equal(snas_fail_context(&err, "run '%s'", "a"), SNAS_E_FORMAT);
    assert_string_equal(err.text, "run 'a': truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__cuts_when_text_is_too_long),
        cmocka_unit_test(status__keeps_characters_whole_when_cut),
        cmocka_unit_test(status__accepts_null_when_nobody_listens),
        cmocka_unit_test(status__reads_its_own_text_when_it_is_an_argument),
        cmocka_unit_test(status__says_and_more_once_when_full),
        cmocka_unit_test(status__puts_context_before_when_asked),
    };
    return snas_test_run(tests);
}
