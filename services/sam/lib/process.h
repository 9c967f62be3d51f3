/*
 * The one state machine of a process; private to libsam.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_PROCESS_H
#define SERVICES_SAM_LIB_PROCESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything of libsam is hidden but what the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/sam.h>
#pragma GCC visibility pop

#include <corosync/cmap.h>
#include <corosync/quorum.h>

/*
 * 1. NONE. sam_initialize makes it INITIALIZED, and connects to quorum if the policy says so.
 * 2. sam_register forks. The parent is SUPERVISING, which no call but its own knows; the child is
 *    REGISTERED, and owns one end of a socket pair whose other end is the parent's.
 * 3. sam_start and sam_stop: REGISTERED and STARTED, back and forth.
 * 4. sam_finalize: FINALIZED, for ever.
 */
enum process_state {
	PROCESS_NONE,
	PROCESS_INITIALIZED,
	PROCESS_SUPERVISING,
	PROCESS_REGISTERED,
	PROCESS_STARTED,
	PROCESS_FINALIZED,
};

/** Bytes that live longer than a process. */
struct kept_data {
	void *bytes; /* owned; NULL: nothing is kept, or nothing of size 0 */
	size_t size;
};

struct process {
	/* Held during a call that changes something or waits for the parent, so also by the thread that
	 * forks; sam_hc_send takes only the second. Order: call_lock, write_lock. */
	pthread_mutex_t call_lock;
	pthread_mutex_t write_lock; /* one message at a time */
	_Atomic int state;          /* enum process_state; written with call_lock */

	sam_recovery_policy_t policy; /* of the first two, without what was added */
	bool follows_quorum, keeps_keys;
	int interval_ms;
	int warn_signal;
	unsigned int instance;
	struct kept_data data;

	int parent_fd; /* in the child: to its supervisor */

	/* In the parent. The child has copies which it leaves alone. */
	quorum_handle_t quorum;
	int quorum_fd; /* -1: none, or the connection is lost */
	bool is_quorate;
	cmap_handle_t cmap;
};

/** Replace what is kept by a copy. bytes NULL: nothing. -ENOMEM: what was kept is still there. */
int kept_data_store(struct kept_data *data, const void *bytes, size_t size);

/** Connect to quorum, follow its changes, fetch its state into is_quorate; or quorum_fd is -1. */
cs_error_t process_quorum_open(struct process *process);

#endif
