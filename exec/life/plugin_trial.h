/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trial of a plugin: its start in a separate process, `coterie --check-plugin FILE 3 BOUND_MS`. (3 is the
 * descriptor of the file in that process.) It shows without harm whether constructors or init crash, hang or call
 * exit(), or block the loop for too long. An error of init does not count, since options, devices and ports may differ
 * in that process.
 */
#ifndef EXEC_PLUGIN_TRIAL_H
#define EXEC_PLUGIN_TRIAL_H

#include <stdint.h>

#define PLUGIN_TRIAL_NS UINT64_C(5000000000) /* a trial that takes longer counts as a hang */
#define PLUGIN_START_MS_MAX 2000u            /* a start that takes longer costs a ring with default timers its token */

/** Exit statuses of the trial's process. Any other status comes from the plugin. */
#define PLUGIN_TRIAL_OVER 64
#define PLUGIN_TRIAL_SLOW 65

struct plugin_trial;

/**
 * Start a trial.
 * @param file      path of the plugin, for its name
 * @param fd        the file itself, open; borrowed
 * @param bound_ms  the longest start that the ring tolerates
 * @return NULL: the trial cannot be started
 */
struct plugin_trial *plugin_trial_start(
	const char *program, const char *file, int fd, uint32_t bound_ms, uint64_t now_ns);
/**
 * Get the result. 0: neither crashed nor hung; -EAGAIN: not known yet; -ETIMEDOUT: it hung; -EFAULT: it crashed;
 * -ECHILD: it ended the process; -ETIME: its start takes too long.
 */
int plugin_trial_look(struct plugin_trial *trial, uint64_t now_ns);
/** Kill the process if it still runs, and free the trial. NULL is ignored. */
void plugin_trial_destroy(struct plugin_trial *trial);

#endif
