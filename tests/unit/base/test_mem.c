#include "base/mem.h"

#include "support.h"

static void mem__fails_once_when_its_turn_comes(void **state)
{
    (void)state;
    struct snas_err err = {0};
    snas_mem_fail_at(2);
    void *a = snas_alloc(3, 4, &err), *b = snas_alloc(3, 4, &err), *c = snas_alloc(3, 4, &err);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    assert_int_equal(err.code, SNAS_E_NOMEM);
    assert_int_equal(snas_mem_fail_at(0), 3);
    snas_free(a);
    snas_free(c);
}

static void mem__refuses_when_the_size_overflows(void **state)
{
    (void)state;
    struct snas_err err = {0};
    /* Through a volatile, or the compiler sees the size and warns. */
    volatile size_t half = SIZE_MAX / 2;
    assert_null(snas_realloc(NULL, half, 3, &err));
    assert_int_equal(err.code, SNAS_E_NOMEM);
}

static void mem__gives_memory_when_the_size_is_zero(void **state)
{
    (void)state;
    void *p = snas_alloc(0, 8, NULL);
    assert_non_null(p);
    p = snas_realloc(p, 0, 8, NULL);
    assert_non_null(p);
    snas_free(p);
}

static void mem__formats_when_text_is_long(void **state)
{
    (void)state;
    char *s = snas_format(NULL, "%0500d|%s", 7, "end");
    assert_int_equal(strlen(s), 504);
    assert_string_equal(s + 499, "7|end");
    char *copy = snas_strdup(s, NULL);
    assert_string_equal(copy, s);
    snas_free(s);
    snas_free(copy);
}

static void arena__aligns_and_zeroes_when_committed(void **state)
{
    (void)state;
    struct snas_arena arena = {0};
    const size_t sizes[] = {1, 64, 65, 0, 1000};
    size_t offsets[5];
    for (int i = 0; i < 5; i++)
        offsets[i] = snas_arena_reserve(&arena, sizes[i]);
    const size_t wanted[] = {0, 64, 128, 256, 256};
    assert_memory_equal(offsets, wanted, sizeof wanted);
    assert_int_equal(arena.reserved, 256 + 1024);
    struct snas_err err = {0};
    assert_ok(snas_arena_commit(&arena, &err), &err);
    for (int i = 0; i < 5; i++) {
        unsigned char *p = snas_arena_at(&arena, offsets[i]);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xFF, sizes[i]);
    }
    snas_arena_clear(&arena);
    snas_arena_clear(&arena);
    assert_int_equal(arena.reserved, 0);
}

static void arena__refuses_when_the_plan_overflows(void **state)
{
    (void)state;
    struct snas_arena arena = {0};
    struct snas_err err = {0};
    snas_arena_reserve(&arena, SIZE_MAX - 10);
    snas_arena_reserve(&arena, SIZE_MAX - 10);
    assert_int_equal(snas_arena_commit(&arena, &err), SNAS_E_NOMEM);
    snas_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mem__fails_once_when_its_turn_comes),
        cmocka_unit_test(mem__refuses_when_the_size_overflows),
        cmocka_unit_test(mem__gives_memory_when_the_size_is_zero),
        cmocka_unit_test(mem__formats_when_text_is_long),
        cmocka_unit_test(arena__aligns_and_zeroes_when_committed),
        cmocka_unit_test(arena__refuses_when_the_plan_overflows),
    };
    return snas_test_run(tests);
}
