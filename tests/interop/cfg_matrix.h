/*
 * Shared by the files of cfg_matrix.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_CFG_MATRIX_H
#define TESTS_INTEROP_CFG_MATRIX_H

#include <corosync/cfg.h>

#include "tests/interop/matrix.h"

/** Callbacks that print the flags of a shutdown request. */
extern const corosync_cfg_callbacks_t printing;

/** Connect with the printing callback. Ends the program on failure. */
corosync_cfg_handle_t connect_printing(void);

/** A client that requests a shutdown, and waits for the answer in a thread. */
struct asker {
	corosync_cfg_handle_t handle;
	corosync_cfg_shutdown_flags_t flags;
	cs_error_t code; /* result of the call, valid after asker_join() */
	pthread_t thread;
};
void asker_start(struct asker *asker, corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags);
/** Wait for the answer. @return the result of the call */
cs_error_t asker_join(struct asker *asker);

/**
 * Print a title and call run in a child process. The child's connections end with it, even if its library leaves some
 * open. The next scene starts when the daemon has noticed that.
 */
void scene(const char *title, void (*run)(void));

void part_calls(pid_t daemon);
void part_status(pid_t daemon);
void part_votes(pid_t daemon);
void part_alone(pid_t daemon);
void part_agree(pid_t daemon);
void part_regardless(pid_t daemon);
void part_silence(pid_t daemon);
void part_immediate(pid_t daemon);
void part_absent(pid_t daemon);
void part_starting(pid_t daemon);
void part_reload(pid_t daemon);
void part_logs(pid_t daemon);
void part_defects(pid_t daemon);
void part_paused(pid_t daemon);
void part_suicide(pid_t daemon);
void part_dying(pid_t daemon, int signal_number);

#endif
