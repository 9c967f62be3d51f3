/*
 * Instances (book configuration, "Instances"): several daemons on one host, each with its own IPC names
 * and folders. And the folders of the default instance, with a way out for those who are not root.
 */
#ifndef EXEC_INSTANCE_H
#define EXEC_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#define INSTANCE_NAME_LENGTH_MAX 31

/** Folders of a daemon, absolute. */
struct instance_dirs {
	char state[4096]; /* ring ids */
	char run[4096];   /* pid file */
	bool is_fallback; /* the system's folders were not to be had: these are the user's own */
	const char *lock_file; /* borrowed; NULL: RUN/coterie.pid */
};

/** [a-z0-9][a-z0-9_-]{0,30} */
bool instance_name_is_valid(const char *name);

/**
 * Choose and make the folders. A configured state_dir must exist (but for the instance's own folder below
 * it); the others are made. STATE_DIRECTORY and RUNTIME_DIRECTORY, as a service manager sets them, come
 * before the compiled-in places.
 *
 * @param instance   NULL: the default one
 * @param state_dir  from the config; NULL: the default place
 * @param run_dir    the same for the pid file; made if it is missing
 * @param error      out: text for the operator
 * @return 0; exit code 16 (state) or 37 (an instance's folder)
 */
int instance_dirs_prepare(const char *instance, const char *state_dir, const char *run_dir,
	struct instance_dirs *dirs,
	char *error, uint32_t error_size);

/**
 * Find the state folder that instance_dirs_prepare() chooses where the config names none. No folder is made.
 *
 * @param instance  NULL: the default one
 * @param path      out: absolute
 * @return 0; -ENOENT: an ordinary user without a home; -ENAMETOOLONG
 */
int instance_state_dir(const char *instance, char path[4096]);

/**
 * Take the lock file and write our pid into it; it is held until the process ends.
 * @return a descriptor, kept open for life; or minus an exit code: 17, 18 (another daemon holds it)
 */
int instance_lock(const struct instance_dirs *dirs, char *error, uint32_t error_size);
void instance_unlock(const struct instance_dirs *dirs, int fd);

#endif
