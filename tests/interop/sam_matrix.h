/*
 * One program that uses all of libsam. Each scenario is a process of its own, since a process can be
 * supervised once in its life: it becomes the supervisor, and its children print what they see.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_SAM_MATRIX_H
#define TESTS_INTEROP_SAM_MATRIX_H

#include <corosync/cmap.h>
#include <corosync/sam.h>

#include "tests/interop/matrix.h"

enum {
	INTERVAL_MS = 450,
	LIMIT_MS = 12000, /* time limit of one scenario */
};

/** A scenario on its way: the process that was started for it. */
struct scenario {
	pid_t pid;
};

/** Print the title and run it. Its result is that of the first process, unless it becomes the supervisor. */
struct scenario scenario_start(const char *title, int (*run)(void));

/** Wait for its end and print it. A process that runs longer than LIMIT_MS is killed. */
void scenario_end(const char *title, struct scenario scenario);

/** Run both of them. */
void scenario(const char *title, int (*run)(void));

/** Call sam_register. An orphan ends after a while. Reports a failure, and returns the instance. */
unsigned int registered(void);

/** Handle the warn signal from now on: print a word instead of dying. */
void notice_signal(int number);

/**
 * Wait until `count` signals have arrived since the start, and report a failure if they do not. A busy machine may need
 * a while.
 */
void await_signals(int count);

/**
 * A pipe that lifeline_await sees closed when the last process that was forked after lifeline_make has ended. So the
 * output of those processes comes first.
 */
struct lifeline {
	int held, seen;
};
struct lifeline lifeline_make(void);
void lifeline_await(struct lifeline *line);

/** Do nothing for ever. */
int hang_on(void) __attribute__((noreturn));

/** Connect to the map for checks of the keys, again in each process. */
cmap_handle_t map_open(void);

/** Print the keys of a supervisor. */
void map_show(cmap_handle_t map, pid_t supervisor);

/** Wait until the state is this one, and report if it is not reached. */
void map_await(cmap_handle_t map, pid_t supervisor, const char *state);

/** Make the node quorate or not, by its expected votes, and wait until it is. */
void quorum_set(cmap_handle_t map, bool is_quorate);

/** The parts with and without a daemon. */
void part_calls(pid_t daemon);
void part_calls_answered(pid_t daemon);
void part_supervision(pid_t daemon);
void part_keys(pid_t daemon);
void part_quorum(pid_t daemon);
void part_killed(pid_t daemon);
void part_gone(pid_t daemon);

#endif
