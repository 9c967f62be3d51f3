/*
 * Shared by the programs of the matrices. Such a program uses a whole client library and prints all results. The
 * transcript must be the same with any library and any daemon (matrix.sh compares them). Whatever differs from run to
 * run, like process ids and handles, is normalised or not printed.
 *
 * A line that starts with a section number, "10.1 …", shows one of the known defects of Corosync 3.1.7: there the cells
 * may differ, as NAME_matrix.defects says.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_MATRIX_H
#define TESTS_INTEROP_MATRIX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <corosync/corotypes.h>

/** Print a call and its result code. */
#define CALL(call) say("%s = %d", #call, (int)(call))

/** Print the number of a defect, a call and its result code. */
#define DEFECT(number, call) say(number " %s = %d", #call, (int)(call))

/** Repeat a call on "try again" for up to 10 s. The value is the code of the last call. */
#define PATIENTLY(call) \
	({ \
		cs_error_t patiently_rc = (call); \
		for (int patiently_ms = 0; patiently_rc == CS_ERR_TRY_AGAIN && patiently_ms < PATIENCE_MS; \
			patiently_ms += 5) { \
			pause_ms(5); \
			patiently_rc = (call); \
		} \
		patiently_rc; \
	})

/** Repeat a call that connects until it succeeds. Ends the program after 10 s. */
#define CONNECT(call) \
	do { \
		int connect_ms = 0; \
		while ((call) != CS_OK) { \
			if (connect_ms >= PATIENCE_MS) \
				give_up("no daemon"); \
			pause_ms(20); \
			connect_ms += 20; \
		} \
	} while (0)

enum {
	PATIENCE_MS = 10000,
	QUIET_MS = 300,
};

/** Calls that each library with events has. Each program defines those of its library. */
struct matrix_library {
	cs_error_t (*fd_get)(uint64_t handle, int *fd);
	cs_error_t (*dispatch)(uint64_t handle, cs_dispatch_flags_t type);
	cs_error_t (*finalize)(uint64_t handle);
};
extern const struct matrix_library matrix_library;

/** The scenes for one state of the daemon. The last entry of a list has no name. run: gets 0 if there is no daemon. */
struct matrix_part {
	const char *name;
	void (*run)(pid_t daemon);
};
extern const struct matrix_part matrix_parts[];

/** Print a line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Print a line and end the program, with status 2. */
void give_up(const char *text) __attribute__((noreturn));

/** Each callback adds one. expect_events() reads it. */
extern unsigned int events_seen;

/** Return whether the library is Coterie's, which survives calls that break Corosync's. */
bool is_careful(void);

/** From now on print a process id as this letter. P is the program itself. */
void process_name(pid_t pid, char name);

/** Return the letter of a process id, '0' for 0, or '?' for an unknown process. */
char process_letter(uint32_t pid);

void pause_ms(unsigned int ms);

/** Return an iovec for bytes that are only read. */
struct iovec vector_of(const void *bytes, size_t size);

/** Return size bytes that depend on the seed. The caller frees them. */
uint8_t *pattern(size_t size, uint32_t seed);

/** Return how many descriptors this process has open. */
int descriptors(void);

/** Return the events that poll() reports for a connection now, or -1 if it has no descriptor. */
short revents_of(uint64_t handle);

/** Dispatch until that many callbacks were called. After 10 s, print how many are missing. */
void expect_events(uint64_t handle, unsigned int count);

/** Dispatch until no event has arrived for a while. */
void expect_quiet(uint64_t handle);

/** A thread that waits in a dispatch. */
struct blocked {
	uint64_t handle;
	cs_dispatch_flags_t type;
	cs_error_t code; /* result of the call, valid after blocked_join() */
	pthread_t thread;
};

void blocked_start(struct blocked *blocked, uint64_t handle, cs_dispatch_flags_t type);

/** Wait until the blocked call has returned. @return its result */
cs_error_t blocked_join(struct blocked *blocked);

/**
 * Finalize *handle, a uint64_t, while a thread waits in its dispatch. To be passed to in_child(). @return the result of
 * that dispatch
 */
int finalize_blocked(void *handle);

/** Dispatch all events of *handle, a uint64_t, on a stack of 64 KiB. To be passed to in_child(). */
int dispatch_on_small_stack(void *handle);

/** Continue as user nobody. To be called in a child. @return false: impossible */
bool become_nobody(void);

/** Forbid this process to open more descriptors. To be called in a child. */
void forbid_descriptors(void);

/**
 * Call a function that may not return or may crash, in a child process.
 *
 * @return "returned" with the function's result, "signal", or "no return" after limit_ms
 */
const char *in_child(int (*run)(void *), void *argument, unsigned int limit_ms);

/** A child with its own connection, which is made before the daemon is stopped or killed. */
struct waiting_child {
	pid_t pid;
	int go;
};

/** Start the child. connect makes the connection, whose handle is passed to run. */
struct waiting_child child_start(uint64_t (*connect)(void), int (*run)(uint64_t handle));

/** Let the child call its function. @return as in_child() */
const char *child_go(struct waiting_child child, unsigned int limit_ms);

#endif
