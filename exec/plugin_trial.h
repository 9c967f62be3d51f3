/*
 * A plugin's start, tried out in a process of its own, `coterie --check-plugin FILE 3` (3: the descriptor under
 * which that process has the file): a crash or a hang in its constructors or its init shows there, where it costs
 * nothing. What it means that init refuses there is not known (options, devices, ports may be others): only a crash
 * and a hang count.
 */
#ifndef EXEC_PLUGIN_TRIAL_H
#define EXEC_PLUGIN_TRIAL_H

#include <stdint.h>

#define PLUGIN_TRIAL_NS UINT64_C(5000000000) /* then it hangs */

struct plugin_trial;

/**
 * Start a trial.
 * @param file  path of the plugin, for its name
 * @param fd    the file itself, open; borrowed
 * @return NULL: it cannot be tried out
 */
struct plugin_trial *plugin_trial_start(const char *program, const char *file, int fd, uint64_t now_ns);
/** 0: neither crashed nor hung; -EAGAIN: not known yet; -ETIMEDOUT: it hung; -EFAULT: it crashed. */
int plugin_trial_look(struct plugin_trial *trial, uint64_t now_ns);
/** Ends the process, if it still runs. NULL is ignored. */
void plugin_trial_destroy(struct plugin_trial *trial);

#endif
