/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instances (book configuration, "Instances"): several daemons on one host, each with its own IPC names
 * and folders. Also the folders of the default instance, and other folders for users who are not root.
 */
#ifndef EXEC_INSTANCE_H
#define EXEC_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#define INSTANCE_NAME_LENGTH_MAX 31

/** Folders of a daemon, absolute. */
struct instance_dirs {
	char state[4096];      /* ring ids */
	char run[4096];        /* pid file */
	bool is_fallback;      /* the folders of the system cannot be used: these are in the user's home */
	const char *lock_file; /* borrowed, or NULL: RUN/coterie.pid */
};

/** Return whether a name matches [a-z0-9][a-z0-9_-]{0,30}. */
bool instance_name_is_valid(const char *name);

/**
 * Choose and create the folders. Only a configured state_dir must exist already. The folder of the instance
 * below it is created. STATE_DIRECTORY and RUNTIME_DIRECTORY, as a service manager sets them, come before the
 * compiled-in places.
 *
 * @param instance   NULL: the default one
 * @param state_dir  from the config; NULL: the default place
 * @param run_dir    the same for the pid file; made if it is missing
 * @param error      out: text for the operator
 * @return 0; exit code 16 (state) or 37 (an instance's folder)
 */
int instance_dirs_prepare(const char *instance, const char *state_dir, const char *run_dir, struct instance_dirs *dirs,
	char *error, uint32_t error_size);

/**
 * Find the state folder that instance_dirs_prepare() chooses if the config names none. No folder is created.
 *
 * @param instance  NULL: the default one
 * @param path      out: absolute
 * @return 0; -ENOENT: an ordinary user without a home; -ENAMETOOLONG
 */
int instance_state_dir(const char *instance, char path[4096]);

/**
 * Lock the lock file until the process ends, and write the own pid into it.
 * @return a descriptor, which stays open; or minus an exit code: 17, 18 (another daemon holds the lock)
 */
int instance_lock(const struct instance_dirs *dirs, char *error, uint32_t error_size);
void instance_unlock(const struct instance_dirs *dirs, int fd);

#endif
