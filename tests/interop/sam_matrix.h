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

/** A scenario that runs: the process that was started for it. */
struct scenario {
	pid_t pid;
};

/**
 * Print the title and start run in a process. The scenario's result is that of this first process, unless it becomes
 * the supervisor.
 */
struct scenario scenario_start(const char *title, int (*run)(void));

/** Wait until the scenario has ended, and print how. A process that runs longer than LIMIT_MS is killed. */
void scenario_end(const char *title, struct scenario scenario);

/** Call scenario_start() and scenario_end(). */
void scenario(const char *title, int (*run)(void));

/**
 * Call sam_register(), and report if it fails. A process whose supervisor has ended ends after a while. @return the
 * instance
 */
unsigned int registered(void);

/** Handle the warn signal from now on: the program prints a word and goes on. */
void notice_signal(int number);

/**
 * Wait until `count` signals have arrived since the start, and report a failure if they do not. A busy machine may need
 * a while.
 */
void await_signals(int count);

/**
 * A pipe that lifeline_await() finds closed when the last process that was forked after lifeline_make() has ended. So
 * the output of those processes comes before what the caller prints next.
 */
struct lifeline {
	int held, seen;
};
struct lifeline lifeline_make(void);
void lifeline_await(struct lifeline *line);

/** Sleep for ever. */
int hang_on(void) __attribute__((noreturn));

/** Connect to the map to check its keys. Each process needs a connection of its own. */
cmap_handle_t map_open(void);

/** Print the keys of the map that describe a supervisor. */
void map_show(cmap_handle_t map, pid_t supervisor);

/** Wait until the supervisor's state in the map is this one, and report if this takes too long. */
void map_await(cmap_handle_t map, pid_t supervisor, const char *state);

/** Make the node quorate or not by changing its expected votes, and wait for the effect. */
void quorum_set(cmap_handle_t map, bool is_quorate);

/** The scenes with and without a daemon. */
void part_calls(pid_t daemon);
void part_calls_answered(pid_t daemon);
void part_supervision(pid_t daemon);
void part_keys(pid_t daemon);
void part_quorum(pid_t daemon);
void part_killed(pid_t daemon);
void part_gone(pid_t daemon);

#endif
