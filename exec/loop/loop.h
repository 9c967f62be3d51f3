/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop. libqb's loop serves descriptors. One timerfd serves all timers. One eventfd wakes the loop for calls
 * that threads have posted. (libqb's own timers have a resolution of a millisecond, and spin through the last one.) All
 * functions except loop_post run on the thread that calls loop_run.
 */
#ifndef EXEC_LOOP_H
#define EXEC_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <qb/qbloop.h>

struct loop;
struct loop_timer;

enum loop_priority {
	LOOP_URGENT, /* the ring's traffic and clients. libqb serves the other priorities only on each second turn */
	LOOP_NORMAL, /* descriptors of plugins, signals */
	LOOP_SLOW,   /* files, housekeeping */
};

typedef void (*loop_fd_run)(void *arg, int fd, uint32_t revents);
typedef void (*loop_late_run)(void *arg, uint64_t late_ns);

struct loop *loop_create(void); /* NULL: errno is set */
void loop_destroy(struct loop *loop);
void loop_run(struct loop *loop);                    /* until loop_stop */
void loop_stop(struct loop *loop);                   /* loop_run finishes the present turn before it returns */
uint64_t loop_now_ns(const struct loop *loop);       /* CLOCK_MONOTONIC, read at each call */
uint64_t loop_suspended_ns(const struct loop *loop); /* nanoseconds for which this host was suspended since it booted */
/**
 * Return whether a callback may wait some microseconds for another process, without sleep. At real-time priority
 * sched_yield() never lets the other process run.
 */
bool loop_may_wait(const struct loop *loop);
qb_loop_t *loop_qb(struct loop *loop); /* for libqb's IPC server; borrowed */

/** Call run(arg) once at at_ns. @return the timer, valid until it runs or is deleted; NULL: no memory */
struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg);
void loop_timer_del(struct loop *loop, struct loop_timer *timer); /* NULL is ignored */
/**
 * Set the timerfd to the earliest deadline. It is not changed when a deadline moves later, and may then wake the loop
 * in vain. Call this after deadlines have moved later, but not each time.
 */
void loop_timers_settle(struct loop *loop);
/**
 * Call run in each turn with the delay of the turn's first timer, before this timer runs. Only one function can be set.
 */
void loop_watch_timers(struct loop *loop, loop_late_run run, void *arg);

/** Watch a descriptor for events of poll(2). 0; -EEXIST; -ENOMEM; -errno of epoll_ctl. */
int loop_fd_add(struct loop *loop, int fd, uint32_t events, enum loop_priority priority, loop_fd_run run, void *arg);
/** Change the events that are watched. 0: the descriptor stays registered, and only errors are reported. -ENOENT. */
int loop_fd_mod(struct loop *loop, int fd, uint32_t events);
void loop_fd_del(struct loop *loop, int fd);

/** Run a function on the loop's thread at one of its next turns. From any thread. -ENOMEM. */
int loop_post(struct loop *loop, void (*run)(void *), void *arg);
/**
 * Run a function after the present callback has returned. Only from the loop's thread. Calls run in the order of
 * loop_defer. -ENOMEM.
 */
int loop_defer(struct loop *loop, void (*run)(void *), void *arg);

#endif
