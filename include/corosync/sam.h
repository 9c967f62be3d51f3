/*
 * Supervision of a process: its parent watches it, warns it, ends it, and starts it again.
 *
 * sam_overview(3) introduces the library. Each call has a page of its own. A process has one state machine
 * and no handle. Every call returns CS_OK, or one of the codes listed with it. All calls return
 * CS_ERR_BAD_HANDLE if the state does not allow the call. Calls that send to the parent return
 * CS_ERR_LIBRARY if the parent is gone.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_SAM_H_DEFINED
#define COROSYNC_SAM_H_DEFINED

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Reactions to the failure of a supervised process. One of the first two, to which the last ones can be added. */
typedef enum {
	SAM_RECOVERY_POLICY_QUIT = 1,      /* the parent exits too */
	SAM_RECOVERY_POLICY_RESTART = 2,   /* a new instance is started */
	SAM_RECOVERY_POLICY_QUORUM = 0x08, /* also: run only while this node is quorate */
	SAM_RECOVERY_POLICY_QUORUM_QUIT = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_QUIT,
	SAM_RECOVERY_POLICY_QUORUM_RESTART = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_RESTART,
	SAM_RECOVERY_POLICY_CMAP = 0x10, /* also: keep resources.process.PID.* in the daemon's map */
	SAM_RECOVERY_POLICY_CONFDB = 0x10
} sam_recovery_policy_t;

/** A check of the process: 0 means healthy. Called in a thread of the library. */
typedef int (*sam_hc_callback_t)(void);

/**
 * Prepare the supervision. Call this first, and once in a process.
 *
 * @param time_interval    milliseconds without a sign of life after which the process is warned, then killed. 0 or
 *     less: no limit
 * @param recovery_policy  one of the first two policies, alone or with others added
 * @return CS_OK; CS_ERR_INVALID_PARAM: no such policy; with SAM_RECOVERY_POLICY_QUORUM the errors of quorum_initialize,
 *     quorum_trackstart and quorum_getquorate
 */
cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t recovery_policy);

/**
 * End the supervision for good.
 *
 * @return CS_OK
 */
cs_error_t sam_finalize(void);

/**
 * Fork. The calling process stays in this call and supervises. The new process returns and is the
 * program. After each restart this call returns again.
 *
 * @param instance_id  out, may be NULL: 1 in the first process, 2 in the next one, and so on
 * @return CS_OK in the child. The parent returns only if it cannot go on: CS_ERR_LIBRARY, with the reason
 *     in errno; with SAM_RECOVERY_POLICY_CMAP the errors of cmap_initialize and cmap_set
 */
cs_error_t sam_register(unsigned int *instance_id);

/**
 * Begin the supervision. With SAM_RECOVERY_POLICY_QUORUM, wait until this node is quorate.
 *
 * @return CS_OK; errors of the parent's quorum and cmap connections
 */
cs_error_t sam_start(void);

/**
 * Suspend the supervision. sam_start resumes it.
 *
 * @return CS_OK; errors of the parent's cmap connection
 */
cs_error_t sam_stop(void);

/**
 * Report that the process works (a sign of life).
 *
 * @return CS_OK; CS_ERR_LIBRARY
 */
cs_error_t sam_hc_send(void);

/**
 * Let a thread report signs of life while cb returns 0. NULL: from now on the program calls sam_hc_send itself.
 *
 * @return CS_OK; CS_ERR_INVALID_PARAM: there is no time interval, or the first call has NULL; CS_ERR_LIBRARY: the
 *     thread cannot be created
 */
cs_error_t sam_hc_callback_register(sam_hc_callback_t cb);

/**
 * Choose the signal that warns the process before it is killed. Without this call it is SIGTERM.
 *
 * @return CS_OK; CS_ERR_LIBRARY
 */
cs_error_t sam_warn_signal_set(int warn_signal);

/**
 * Store bytes (copied) for later instances. They replace those that were stored before.
 *
 * @param data  size bytes; NULL: store none
 * @return CS_OK; CS_ERR_NO_MEMORY; CS_ERR_LIBRARY
 */
cs_error_t sam_data_store(const void *data, size_t size);

/**
 * Get the number of stored bytes.
 *
 * @param size  out
 * @return CS_OK; CS_ERR_INVALID_PARAM: size is NULL, in any state
 */
cs_error_t sam_data_getsize(size_t *size);

/**
 * Get the stored bytes.
 *
 * @param data  out: room for size bytes
 * @return CS_OK; CS_ERR_INVALID_PARAM: data is NULL, in any state, or size is too small
 */
cs_error_t sam_data_restore(void *data, size_t size);

/**
 * Make the parent kill this process at once, without a warning, and not start it again.
 *
 * @return CS_ERR_INVALID_PARAM: the policy does not include SAM_RECOVERY_POLICY_CMAP; CS_ERR_LIBRARY
 */
cs_error_t sam_mark_failed(void);

#ifdef __cplusplus
}
#endif

#endif
