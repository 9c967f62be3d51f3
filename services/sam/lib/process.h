/*
 * The state of the supervised process. This header is private to libsam.
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

/* libsam is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/sam.h>
#pragma GCC visibility pop

#include <corosync/cmap.h>
#include <corosync/quorum.h>

/*
 * The states of a process:
 * 1. The first state is NONE. sam_initialize sets INITIALIZED, and connects to quorum if the policy requires this.
 * 2. sam_register forks. The parent is SUPERVISING and stays in this call, and the child is REGISTERED. Each process
 *    has one end of a socket pair.
 * 3. sam_start changes REGISTERED to STARTED, and sam_stop changes it back.
 * 4. sam_finalize sets FINALIZED, which is the last state.
 */
enum process_state {
	PROCESS_NONE,
	PROCESS_INITIALIZED,
	PROCESS_SUPERVISING,
	PROCESS_REGISTERED,
	PROCESS_STARTED,
	PROCESS_FINALIZED,
};

/** Bytes that the program has stored, for use after a restart of the process. */
struct kept_data {
	void *bytes; /* owned. NULL: nothing is stored, or size is 0 */
	size_t size;
};

struct process {
	/*
	 * Held during a call that changes the process or waits for the parent, and by the thread that forks.
	 * sam_hc_send takes only write_lock. Lock call_lock before write_lock.
	 */
	pthread_mutex_t call_lock;
	pthread_mutex_t write_lock; /* held while one message is sent */
	_Atomic int state;          /* enum process_state; written with call_lock */

	sam_recovery_policy_t policy; /* SAM_RECOVERY_POLICY_QUIT or _RESTART, without flags */
	bool follows_quorum, keeps_keys;
	int interval_ms;
	int warn_signal;
	unsigned int instance;
	struct kept_data data;

	int parent_fd; /* in the child: socket to the supervisor */

	/* Connections of the parent. The child has copies that it does not use. */
	quorum_handle_t quorum;
	int quorum_fd; /* -1: there is no connection, or it is lost */
	bool is_quorate;
	cmap_handle_t cmap;
};

/**
 * Replace the stored bytes by a copy of `bytes`. NULL: store nothing. @return 0; -ENOMEM: the old bytes are still
 * stored
 */
int kept_data_store(struct kept_data *data, const void *bytes, size_t size);

/** Connect to quorum, track changes, and store the present verdict in is_quorate. After an error quorum_fd is -1. */
cs_error_t process_quorum_open(struct process *process);

#endif
