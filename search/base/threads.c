#include "base/threads.h"

#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* One job at a time. A worker joins the open job under the lock, takes tasks from the shared
 * counter, and leaves under the lock. The caller works as worker 0; when the tasks are all handed
 * out it closes the job and waits for those that have joined, never for those that have not. So a
 * worker that sleeps because its core is taken costs nothing but its help. */

enum {
    WORKERS_MAX = 255,
    /* Looks before anything else: some 10 us. */
    SPINS = 400,
    /* Then looks between yields, which cost the core only when nobody else wants it. In a virtual
     * machine it takes this long to wake a thread whose core has gone to sleep. */
    YIELD_NS = 100000,
    YIELDED_NS = 20000 /* a yield that took longer gave the core to somebody: sleep now */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened; /* for the workers */
    pthread_cond_t left;   /* for the caller */
    int workers;           /* created so far */

    /* The job, written under the lock. */
    void (*fn)(int task, int worker, void *arg);
    void *arg;
    int tasks, places;   /* places: workers that may still join; 0 when closed */
    int joined;          /* so far: gives the worker index */
    atomic_uint number;  /* of the job: what workers watch */
    atomic_uint working; /* joined and not yet left */
    atomic_int next;     /* task to hand out */

    atomic_flag busy; /* a call is running */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .opened = PTHREAD_COND_INITIALIZER,
          .left = PTHREAD_COND_INITIALIZER,
          .busy = ATOMIC_FLAG_INIT};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* Looks at *v until whether it is `value` is `wanted`, while that is cheaper than sleeping. */
static void watch(atomic_uint *v, unsigned value, int wanted)
{
    for (int i = 0; i < SPINS; i++) {
        if ((atomic_load(v) == value) == wanted)
            return;
        relax();
    }
    const long begin = now_ns();
    for (long at = begin, before = begin; at - begin < YIELD_NS && at - before < YIELDED_NS;) {
        if ((atomic_load(v) == value) == wanted)
            return;
        before = at;
        sched_yield();
        at = now_ns();
    }
}

static void take_tasks(void (*fn)(int, int, void *), void *arg, int tasks, int worker)
{
    for (;;) {
        int task = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (task >= tasks)
            return;
        fn(task, worker, arg);
    }
}

static void *worker_main(void *unused)
{
    unsigned seen = 0;
    for (;;) {
        watch(&pool.number, seen, 0);
        pthread_mutex_lock(&pool.lock);
        while (atomic_load(&pool.number) == seen)
            pthread_cond_wait(&pool.opened, &pool.lock);
        seen = atomic_load(&pool.number);
        if (pool.places == 0) {
            pthread_mutex_unlock(&pool.lock);
            continue;
        }
        pool.places--;
        int worker = ++pool.joined, tasks = pool.tasks;
        void (*fn)(int, int, void *) = pool.fn;
        void *arg = pool.arg;
        atomic_fetch_add(&pool.working, 1);
        pthread_mutex_unlock(&pool.lock);

        take_tasks(fn, arg, tasks, worker);

        pthread_mutex_lock(&pool.lock);
        if (atomic_fetch_sub(&pool.working, 1) == 1)
            pthread_cond_signal(&pool.left);
        pthread_mutex_unlock(&pool.lock);
    }
    return unused;
}

/* Detached workers that never get a signal: those are for the thread that runs the program. When
 * the system refuses one, the work is done by those that are there. */
static void grow(int wanted)
{
    if (wanted > WORKERS_MAX)
        wanted = WORKERS_MAX;
    if (pool.workers >= wanted)
        return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.workers < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, worker_main, NULL) != 0)
            break;
        pthread_detach(thread);
        pool.workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void open_job(int helpers, int tasks, void (*fn)(int, int, void *), void *arg)
{
    pthread_mutex_lock(&pool.lock);
    pool.fn = fn;
    pool.arg = arg;
    pool.tasks = tasks;
    pool.places = helpers;
    pool.joined = 0;
    atomic_store(&pool.next, 0);
    atomic_fetch_add(&pool.number, 1);
    pthread_cond_broadcast(&pool.opened);
    pthread_mutex_unlock(&pool.lock);
}

static void close_job(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.places = 0;
    pthread_mutex_unlock(&pool.lock);
    watch(&pool.working, 0, 1);
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.working) > 0)
        pthread_cond_wait(&pool.left, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void snas_parallel(int threads, int tasks, void (*fn)(int task, int worker, void *arg), void *arg)
{
    int helpers = (threads < tasks ? threads : tasks) - 1;
    if (helpers <= 0 || atomic_flag_test_and_set(&pool.busy)) {
        for (int task = 0; task < tasks; task++)
            fn(task, 0, arg);
        return;
    }
    grow(helpers);
    open_job(helpers, tasks, fn, arg);
    take_tasks(fn, arg, tasks, 0);
    close_job();
    atomic_flag_clear(&pool.busy);
}

int snas_threads_available(void)
{
    cpu_set_t set;
    long n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                         : sysconf(_SC_NPROCESSORS_ONLN);
    return n > 1 ? (int)n : 1;
}

void snas_threads_init(void)
{
    openblas_set_num_threads(1);
}
