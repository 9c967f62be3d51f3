/*
 * The only state machine of a process. Private to libsam.
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

/* libsam hides every symbol that the public header does not declare. */
#pragma GCC visibility push(default)
#include <corosync/sam.h>
#pragma GCC visibility pop

#include <corosync/cmap.h>
#include <corosync/quorum.h>

/*
 * 1. The first state is NONE. sam_initialize makes it INITIALIZED, and connects to quorum if the
 *    policy requires it.
 * 2. sam_register forks. The parent is SUPERVISING inside this call, and the child is REGISTERED.
 *    Each has one end of a socket pair.
 * 3. sam_start changes REGISTERED to STARTED, and sam_stop changes it back.
 * 4. sam_finalize makes it FINALIZED for ever.
 */
enum process_state {
	PROCESS_NONE,
	PROCESS_INITIALIZED,
	PROCESS_SUPERVISING,
	PROCESS_REGISTERED,
	PROCESS_STARTED,
	PROCESS_FINALIZED,
};

/** Bytes that are stored for later instances of the process. */
struct kept_data {
	void *bytes; /* owned. NULL: nothing is stored, or size 0 */
	size_t size;
};

struct process {
	/*
	 * Held during a call that changes something or waits for the parent, and by the thread that
	 * forks. sam_hc_send takes only the second lock. Order: call_lock, write_lock.
	 */
	pthread_mutex_t call_lock;
	pthread_mutex_t write_lock; /* held while one message is sent */
	_Atomic int state;          /* enum process_state; written with call_lock */

	sam_recovery_policy_t policy; /* one of the first two, without additions */
	bool follows_quorum, keeps_keys;
	int interval_ms;
	int warn_signal;
	unsigned int instance;
	struct kept_data data;

	int parent_fd; /* in the child: socket to its supervisor */

	/* Connections of the parent. The child has copies that it does not use. */
	quorum_handle_t quorum;
	int quorum_fd; /* -1: none, or the connection is lost */
	bool is_quorate;
	cmap_handle_t cmap;
};

/**
 * Replace the stored bytes by a copy. bytes NULL: store nothing. -ENOMEM: the old bytes are still
 * stored.
 */
int kept_data_store(struct kept_data *data, const void *bytes, size_t size);

/**
 * Connect to quorum, track its changes, and read its state into is_quorate. On failure quorum_fd is
 * -1.
 */
cs_error_t process_quorum_open(struct process *process);

#endif
