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

/** Print a call and its code. */
#define CALL(call) say("%s = %d", #call, (int)(call))

/** The same below the number of a defect. */
#define DEFECT(number, call) say(number " %s = %d", #call, (int)(call))

/** Repeat a call on "try again" for up to 10 s. The value is the code that ends it. */
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

/** The calls that all libraries with events have. Each program defines its own. */
struct matrix_library {
	cs_error_t (*fd_get)(uint64_t handle, int *fd);
	cs_error_t (*dispatch)(uint64_t handle, cs_dispatch_flags_t type);
	cs_error_t (*finalize)(uint64_t handle);
};
extern const struct matrix_library matrix_library;

/** A part for one state of the daemon. The last one has no name. daemon is 0 without a daemon. */
struct matrix_part {
	const char *name;
	void (*run)(pid_t daemon);
};
extern const struct matrix_part matrix_parts[];

/** Print a line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Print a line and end the program, with status 2. */
void give_up(const char *text) __attribute__((noreturn));

/** To be counted up by each callback, for expect_events. */
extern unsigned int events_seen;

/** Return whether the library is ours, which survives calls that break Corosync's. */
bool is_careful(void);

/** From now on print a process id as this letter. P is the program itself. */
void process_name(pid_t pid, char name);

/** Return its letter, '0' for 0, or '?' for an unknown process. */
char process_letter(uint32_t pid);

void pause_ms(unsigned int ms);

/** An iovec for bytes that are only read. */
struct iovec vector_of(const void *bytes, size_t size);

/** Return size bytes that depend on the seed. The caller frees them. */
uint8_t *pattern(size_t size, uint32_t seed);

/** How many descriptors this process has open. */
int descriptors(void);

/** Return the result of poll for a connection at once, or -1 without a descriptor. */
short revents_of(uint64_t handle);

/** Dispatch until that many callbacks were called, or say what is missing after 10 s. */
void expect_events(uint64_t handle, unsigned int count);

/** Dispatch until no event has come for a while. */
void expect_quiet(uint64_t handle);

/** A thread inside a dispatch. */
struct blocked {
	uint64_t handle;
	cs_dispatch_flags_t type;
	cs_error_t code; /* result of the call, after it has ended */
	pthread_t thread;
};

void blocked_start(struct blocked *blocked, uint64_t handle, cs_dispatch_flags_t type);

/** Wait for the end of the blocked call. @return its code */
cs_error_t blocked_join(struct blocked *blocked);

/**
 * For in_child: finalize *handle, a uint64_t, while a thread waits in its dispatch. @return the code of that dispatch
 */
int finalize_blocked(void *handle);

/** For in_child: dispatch all of *handle, a uint64_t, on a stack of 64 KiB. */
int dispatch_on_small_stack(void *handle);

/** In a child: go on as user nobody. False when that is impossible. */
bool become_nobody(void);

/** In a child: go on without further descriptors. */
void forbid_descriptors(void);

/**
 * Run in a child, for what may not return or may crash.
 *
 * @return "returned" with its result, "signal", or "no return" after limit_ms
 */
const char *in_child(int (*run)(void *), void *argument, unsigned int limit_ms);

/** A child with its own connection, which is made before the daemon is stopped or killed. */
struct waiting_child {
	pid_t pid;
	int go;
};

/** connect makes the connection, whose handle run gets. */
struct waiting_child child_start(uint64_t (*connect)(void), int (*run)(uint64_t handle));

/** Let the child run. @return as in_child */
const char *child_go(struct waiting_child child, unsigned int limit_ms);

#endif
