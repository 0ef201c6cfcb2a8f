#ifndef SNAS_BASE_THREADS_H
#define SNAS_BASE_THREADS_H

/* The one place that starts compute threads: a small pool of POSIX threads. Not OpenMP, whose team
 * ends only when every member has come to the barrier: a member whose core another process has
 * taken holds up all. Here the call ends when the tasks are done, and a late worker finds nothing.
 */

/* Calls fn(task, worker, arg) for task = 0..tasks-1, each once, on up to `threads` workers
 * (worker in 0..threads-1: index of per-worker scratch). Tasks are handed out one at a time, so a
 * busy core slows only the task it holds. Returns when all are done. Results must not depend on
 * which worker ran a task. threads <= 1 runs in the caller, as does a call made inside a task or
 * while another thread's call runs. Nothing is allocated once that many workers exist. */
void snas_parallel(int threads, int tasks, void (*fn)(int task, int worker, void *arg), void *arg);

int snas_threads_available(void); /* cores this process may use, >= 1 */
/* Turns OpenBLAS' own threads off: our tasks are the parallelism. */
void snas_threads_init(void);

#endif
