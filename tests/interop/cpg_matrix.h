/*
 * One program that uses all of libcpg and prints what it gets, so that the same transcript must
 * come out of any library with any daemon. Process ids, handles and ring numbers are normalised.
 *
 * A line that starts with a section number, "10.1 …", shows one of the known defects of Corosync
 * 3.1.7 (spec 01 §10 and the sections that mention them): there the cells may differ.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_CPG_MATRIX_H
#define TESTS_INTEROP_CPG_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <corosync/cpg.h>

/** Print a call and its code. */
#define CALL(call) say("%s = %d", #call, (int)(call))

/** The same below the number of a defect. */
#define DEFECT(number, call) say(number " %s = %d", #call, (int)(call))

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Callbacks that print, and count into events_seen. */
extern cpg_callbacks_t printing;
extern cpg_model_v1_data_t printing_v1;
extern unsigned int events_seen;
extern bool is_silent; /* count, do not print */

/** Called by the printing deliver callback after the line, when set. */
extern void (*deliver_hook)(cpg_handle_t handle);

/** From now on a process id is printed as this letter. */
void process_name(pid_t pid, char name);

struct cpg_name name_of(const char *text);

/** An iovec for bytes that are only read. */
struct iovec vector_of(const void *bytes, size_t size);

/** A connection with printing callbacks; ends the program when there is none in 10 s. */
cpg_handle_t connect_printing(void);

/** cpg_join that repeats while told to try again; returns the code that ends it. */
cs_error_t join_patiently(cpg_handle_t handle, const struct cpg_name *name);

/** cpg_leave likewise. */
cs_error_t leave_patiently(cpg_handle_t handle, const struct cpg_name *name);

/** cpg_mcast_joined of one vector, likewise. */
cs_error_t send_patiently(cpg_handle_t handle, const void *message, size_t size);

/** Dispatch until that many callbacks were called, or say what is missing after 10 s. */
void expect_events(cpg_handle_t handle, unsigned int count);

/** Dispatch until nothing comes for a while. */
void expect_quiet(cpg_handle_t handle);

/**
 * Run in a child, for what may not return or may crash.
 *
 * @return "returned" with its result, "signal", or "no return" after limit_ms
 */
const char *in_child(int (*run)(void *), void *argument, unsigned int limit_ms);

/** A child with a connection of its own, made before something happens to the daemon. */
struct waiting_child {
	pid_t pid;
	int go;
};

struct waiting_child child_start(int (*run)(cpg_handle_t handle));

/** Let it run; the result is that of in_child. */
const char *child_go(struct waiting_child child, unsigned int limit_ms);

/** A message of size bytes that a checksum can be told from. */
uint8_t *pattern(size_t size, uint32_t seed);

/** What is done in which state of the daemon. */
void part_absent(void);
void part_starting(void);
void part_live(void);
void part_messages(void);
void part_defects(void);
void part_paused(pid_t daemon);
void part_dying(pid_t daemon, int signal_number);

/** A member that prints what it sees; each line on its standard input makes it send one. */
void part_ring(void);

#endif
