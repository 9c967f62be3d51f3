/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that hold for every client library, with a daemon whose answers the test chooses. */
#ifndef TESTS_UNIT_LIB_CASE_H
#define TESTS_UNIT_LIB_CASE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <corosync/corotypes.h>

/** Functions that all libraries have. A handle is a number here. */
struct lib_calls {
	cs_error_t (*dispatch)(uint64_t handle, cs_dispatch_flags_t flags);
	cs_error_t (*fd_get)(uint64_t handle, int *fd);
	cs_error_t (*finalize)(uint64_t handle);
};

/** An event with one invalid field. */
struct spoilt_event {
	const char *name;
	int32_t id;
	size_t size; /* size of the event that is sent */
	size_t at;   /* offset of the u32 that is set to value */
	uint32_t value;
	cs_error_t code; /* expected result */
};

/** Put id and value into the event. bytes has room for the event, whose other bytes stay as they are. */
void spoilt_event_make(const struct spoilt_event *row, uint8_t *bytes);
/** Check that the row's event is the next one, is consumed, and that no event follows. */
void spoilt_event_expect(const struct spoilt_event *row, const struct lib_calls *calls, uint64_t handle);

/** Check dispatch without events: with invalid flags, with an invalid handle, and with nothing to do. */
void lib_expect_idle_dispatch(const struct lib_calls *calls, uint64_t handle);
/**
 * Check that finalizing the handle after after_ms ends a dispatch that waits then, and that a later dispatch ends at
 * once.
 */
void lib_expect_finalize_wakes(const struct lib_calls *calls, uint64_t handle, cs_dispatch_flags_t flags, int after_ms);
/** Check that a waiting dispatch returns when the daemon is killed, and that dispatch fails afterwards. */
void lib_expect_daemon_dies(const struct lib_calls *calls, uint64_t handle, pid_t daemon);
#define LIB_THREADS 4u
/**
 * Run a function in LIB_THREADS threads at once, to check that each thread gets its own answers. It returns arg, or
 * NULL if it got an answer of another thread. If meanwhile is not NULL, this thread calls it at the same time.
 */
void lib_run_in_threads(void *(*run)(void *arg), void (*meanwhile)(void));

#endif
