#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/io.h"

/* The vectors of draft-eastlake-fnv. */
static void hash__is_that_of_the_draft_when_fed_in_pieces(void **state)
{
    (void)state;
    assert_true(snas_hash(SNAS_HASH_START, "", 0) == 0xcbf29ce484222325U);
    assert_true(snas_hash(SNAS_HASH_START, "a", 1) == 0xaf63dc4c8601ec8cU);
    assert_true(snas_hash(SNAS_HASH_START, "foobar", 6) == 0x85944171f73967e8U);
    assert_true(snas_hash(snas_hash(SNAS_HASH_START, "foo", 3), "bar", 3) == 0x85944171f73967e8U);
}

static void hash__of_a_file_is_that_of_its_bytes_when_it_can_be_read(void **state)
{
    (void)state;
    struct snas_err err = {0};
    char text[17], path[] = "/tmp/snas-hash-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "foobar", 6) == 6);
    close(fd);
    assert_int_equal(snas_hash_file(path, 100, text, &err), SNAS_OK);
    assert_string_equal(text, "85944171f73967e8");
    assert_int_not_equal(snas_hash_file(path, 5, text, &err), SNAS_OK);
    unlink(path);
    assert_int_equal(snas_hash_file(path, 100, text, &err), SNAS_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__is_that_of_the_draft_when_fed_in_pieces),
        cmocka_unit_test(hash__of_a_file_is_that_of_its_bytes_when_it_can_be_read),
    };
    return cmocka_run_group_tests_name("base.hash", tests, NULL, NULL);
}
