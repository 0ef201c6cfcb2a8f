#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "support.h"

enum { TASKS = 1000, WORKERS = 4 };

struct record {
    int times[TASKS];      /* plain ints: the thread sanitizer sees a task done twice */
    long scratch[WORKERS]; /* written by its worker only */
    atomic_int worst;      /* highest worker index */
    int threads;
};

static void note(int task, int worker, void *arg)
{
    struct record *r = arg;
    r->times[task]++;
    int worst = atomic_load(&r->worst);
    while (worker > worst && !atomic_compare_exchange_weak(&r->worst, &worst, worker))
        continue;
    if (worker < WORKERS)
        r->scratch[worker]++;
}

static void threads__do_each_task_once_when_many_jobs_follow(void **state)
{
    (void)state;
    static const int threads[] = {0, 1, 2, 3, 4};
    static const int tasks[] = {0, 1, 2, 3, 17, TASKS};
    for (int repeat = 0; repeat < 200; repeat++) {
        int n = tasks[repeat % 6], t = threads[repeat % 5];
        struct record r = {.threads = t};
        snas_parallel(t, n, note, &r);
        for (int i = 0; i < TASKS; i++)
            assert_int_equal(r.times[i], i < n);
        assert_true(atomic_load(&r.worst) < (t > 1 ? t : 1));
        long sum = 0;
        for (int i = 0; i < WORKERS; i++)
            sum += r.scratch[i];
        assert_int_equal(sum, n);
    }
}

static atomic_int inside;

static void meet(int task, int worker, void *arg)
{
    (void)task;
    (void)worker;
    atomic_int *together = arg;
    atomic_fetch_add(&inside, 1);
    double until = snas_seconds() + 5;
    while (atomic_load(&inside) < 2 && !atomic_load(together) && snas_seconds() < until)
        sched_yield();
    if (atomic_load(&inside) >= 2)
        atomic_store(together, 1);
    atomic_fetch_sub(&inside, 1);
}

static void threads__run_together_when_two_are_asked(void **state)
{
    (void)state;
    atomic_int together = 0;
    snas_parallel(2, 2, meet, &together);
    assert_int_equal(atomic_load(&together), 1);
}

static void inner(int task, int worker, void *arg)
{
    (void)worker;
    ((int *)arg)[task]++;
}

static void outer(int task, int worker, void *arg)
{
    (void)worker;
    snas_parallel(2, 10, inner, (int *)arg + 10 * task);
}

static void threads__run_in_the_task_when_nested(void **state)
{
    (void)state;
    int counts[50] = {0};
    snas_parallel(2, 5, outer, counts);
    for (int i = 0; i < 50; i++)
        assert_int_equal(counts[i], 1);
}

static void *other_caller(void *arg)
{
    for (int i = 0; i < 200; i++) {
        struct record r = {.threads = 2};
        snas_parallel(2, 50, note, &r);
        for (int k = 0; k < 50; k++)
            if (r.times[k] != 1)
                *(int *)arg = 1;
    }
    return NULL;
}

static void threads__stay_correct_when_two_threads_call(void **state)
{
    (void)state;
    int wrong[2] = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_caller, &wrong[0]), 0);
    other_caller(&wrong[1]);
    pthread_join(thread, NULL);
    assert_int_equal(wrong[0] + wrong[1], 0);
}

static void threads__are_available_when_asked(void **state)
{
    (void)state;
    assert_true(snas_threads_available() >= 1);
    snas_threads_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads__do_each_task_once_when_many_jobs_follow),
        cmocka_unit_test(threads__run_together_when_two_are_asked),
        cmocka_unit_test(threads__run_in_the_task_when_nested),
        cmocka_unit_test(threads__stay_correct_when_two_threads_call),
        cmocka_unit_test(threads__are_available_when_asked),
    };
    return snas_test_run(tests);
}
