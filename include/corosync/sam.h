/*
 * Supervision of one's own process: a parent watches it, warns it, ends it, and starts it again.
 *
 * sam_overview(3) introduces the library; each call has a page of its own. There is one state machine per
 * process and no handle. Every call returns CS_OK, or the codes listed with it; all of them
 * CS_ERR_BAD_HANDLE where the state does not allow the call, and those that tell the parent something
 * CS_ERR_LIBRARY when the parent is gone.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_SAM_H_DEFINED
#define COROSYNC_SAM_H_DEFINED

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What happens when a supervised process fails; the last two are added to one of the first. */
typedef enum {
	SAM_RECOVERY_POLICY_QUIT = 1,       /* the parent exits too */
	SAM_RECOVERY_POLICY_RESTART = 2,    /* a new instance is started */
	SAM_RECOVERY_POLICY_QUORUM = 0x08,  /* and run only while this node is quorate */
	SAM_RECOVERY_POLICY_QUORUM_QUIT = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_QUIT,
	SAM_RECOVERY_POLICY_QUORUM_RESTART = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_RESTART,
	SAM_RECOVERY_POLICY_CMAP = 0x10,    /* and keep resources.process.PID.* in the daemon's map */
	SAM_RECOVERY_POLICY_CONFDB = 0x10
} sam_recovery_policy_t;

/** A check of one's own health: 0 is well, anything else is not. Called in a thread of the library. */
typedef int (*sam_hc_callback_t)(void);

/**
 * Begin; the first call of all, once in the life of a process.
 *
 * @param time_interval    milliseconds without a sign of life after which the process is warned, then
 *     killed; 0 or less: no limit
 * @param recovery_policy  one of the first two policies, alone or with others added
 * @return CS_OK; CS_ERR_INVALID_PARAM: no such policy; with SAM_RECOVERY_POLICY_QUORUM the errors of
 *     quorum_initialize, quorum_trackstart and quorum_getquorate
 */
cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t recovery_policy);

/**
 * Stop being supervised, for good.
 *
 * @return CS_OK
 */
cs_error_t sam_finalize(void);

/**
 * Fork. The calling process stays inside and supervises; the new one returns and is the program. Each
 * restart returns from here once more.
 *
 * @param instance_id  out, may be NULL: 1 in the first process, 2 in the one after it, and so on
 * @return CS_OK in the child. In the parent, which only returns when it cannot go on: CS_ERR_LIBRARY,
 *     errno says why; with SAM_RECOVERY_POLICY_CMAP the errors of cmap_initialize and cmap_set
 */
cs_error_t sam_register(unsigned int *instance_id);

/**
 * Be supervised from now on. With SAM_RECOVERY_POLICY_QUORUM, wait until this node is quorate.
 *
 * @return CS_OK; errors of the parent's quorum and cmap connections
 */
cs_error_t sam_start(void);

/**
 * Suspend supervision; sam_start resumes it.
 *
 * @return CS_OK; errors of the parent's cmap connection
 */
cs_error_t sam_stop(void);

/**
 * Give a sign of life.
 *
 * @return CS_OK; CS_ERR_LIBRARY
 */
cs_error_t sam_hc_send(void);

/**
 * Have a thread give signs of life while cb returns 0. NULL: the program gives them itself again.
 *
 * @return CS_OK; CS_ERR_INVALID_PARAM: no interval, or the first call with NULL; CS_ERR_LIBRARY: no
 *     thread
 */
cs_error_t sam_hc_callback_register(sam_hc_callback_t cb);

/**
 * Choose the signal that warns before the end. SIGTERM if never called.
 *
 * @return CS_OK; CS_ERR_LIBRARY
 */
cs_error_t sam_warn_signal_set(int warn_signal);

/**
 * Keep bytes (copied) for the instances after this one. They replace what was kept.
 *
 * @param data  size bytes; NULL: keep nothing
 * @return CS_OK; CS_ERR_NO_MEMORY; CS_ERR_LIBRARY
 */
cs_error_t sam_data_store(const void *data, size_t size);

/**
 * @param size  out: bytes that are kept
 * @return CS_OK; CS_ERR_INVALID_PARAM: size is NULL, whatever the state
 */
cs_error_t sam_data_getsize(size_t *size);

/**
 * @param data  out: size bytes, of which those that are kept are written
 * @return CS_OK; CS_ERR_INVALID_PARAM: data is NULL, whatever the state, or size is too small
 */
cs_error_t sam_data_restore(void *data, size_t size);

/**
 * Be killed now, without a warning, and not be started again.
 *
 * @return CS_ERR_INVALID_PARAM: the policy is without SAM_RECOVERY_POLICY_CMAP; CS_ERR_LIBRARY
 */
cs_error_t sam_mark_failed(void);

#ifdef __cplusplus
}
#endif

#endif
