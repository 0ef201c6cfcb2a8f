#include "base/utf8.h"

#include "support.h"

static void utf8__refuses_when_bytes_are_no_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xC0\xAF",
                                      "\xC3",
                                      "\xC3(",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF"};
    uint32_t code;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(snas_utf8_next(bad[i], &code), 0);
}

static void utf8__decodes_when_characters_are_long(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        uint32_t code;
    } good[] = {{"a", 1, 'a'},
                {"\xC2\x80", 2, 0x80},
                {"\xE2\x82\xAC", 3, 0x20AC},
                {"\xF0\x9F\x98\x80", 4, 0x1F600},
                {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t code;
        assert_int_equal(snas_utf8_next(good[i].text, &code), good[i].n);
        assert_int_equal(code, good[i].code);
    }
}

static void utf8__marks_when_text_would_steer_the_terminal(void **state)
{
    (void)state;
    char text[] = "a\033[31m\xFF\xC2\x9B"
                  "b\xC3\xA9";
    snas_utf8_clean(text);
    assert_string_equal(text, "a?[31m???b\xC3\xA9");
}

static void utf8__counts_columns_when_wide_or_combining(void **state)
{
    (void)state;
    assert_int_equal(snas_utf8_columns("abc"), 3);
    assert_int_equal(snas_utf8_columns("\xE4\xB8\xAD"
                                       "a"),
                     3);                                 /* a Chinese character */
    assert_int_equal(snas_utf8_columns("e\xCC\x81"), 1); /* e and a combining accent */
}

static void utf8__cuts_between_characters_when_too_long(void **state)
{
    (void)state;
    for (int columns = 0; columns < 6; columns++) {
        static const char *const wanted[] = {"",
                                             "\xC3\xA9",
                                             "\xC3\xA9",
                                             "\xC3\xA9\xE4\xB8\xAD",
                                             "\xC3\xA9\xE4\xB8\xAD"
                                             "b",
                                             "\xC3\xA9\xE4\xB8\xAD"
                                             "b"};
        char text[] = "\xC3\xA9\xE4\xB8\xAD"
                      "b";
        snas_utf8_cut(text, columns);
        assert_string_equal(text, wanted[columns]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8__refuses_when_bytes_are_no_text),
        cmocka_unit_test(utf8__decodes_when_characters_are_long),
        cmocka_unit_test(utf8__marks_when_text_would_steer_the_terminal),
        cmocka_unit_test(utf8__counts_columns_when_wide_or_combining),
        cmocka_unit_test(utf8__cuts_between_characters_when_too_long),
    };
    return snas_test_run(tests);
}
