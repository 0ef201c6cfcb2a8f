/* How much memory there is: the system's word, and a control group's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../support.h"
#include "base/available.h"

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void available__is_the_smaller_when_a_control_group_limits(void **state)
{
    (void)state;
    const char *const dirs[] = {"root", "root/proc", "root/sys", "root/sys/fs",
                                "root/sys/fs/cgroup"};
    assert_int_equal(snas_memory_available_in("nowhere"), 0);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        (void)mkdir(dirs[i], 0777);
    (void)remove("root/sys/fs/cgroup/memory.max");
    put("root/proc/meminfo", "MemTotal:    4000 kB\nMemAvailable:    3000 kB\nBuffers: 1 kB\n");
    assert_int_equal(snas_memory_available_in("root"), 3000 * 1024);
    put("root/sys/fs/cgroup/memory.max", "max\n");
    assert_int_equal(snas_memory_available_in("root"), 3000 * 1024);
    put("root/sys/fs/cgroup/memory.max", "1000000\n");
    assert_int_equal(snas_memory_available_in("root"), 1000000);
    put("root/proc/meminfo", "MemTotal:    4000 kB\n");
    assert_int_equal(snas_memory_available_in("root"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(available__is_the_smaller_when_a_control_group_limits),
    };
    return snas_test_run(tests);
}
