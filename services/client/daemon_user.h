/*
 * The users whose processes are trusted as the daemon. The names of its sockets are free for any process that binds them
 * first, so a client checks which user's process listens.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_DAEMON_USER_H
#define SERVICES_CLIENT_DAEMON_USER_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * Return whether a process of this user is trusted as the daemon. These users are trusted:
 *
 * 1. root;
 * 2. the effective user of this process;
 * 3. in a user namespace: users that have no number in it, since one of them can be the root of the host;
 * 4. the user that COTERIE_USER names, by name or number;
 * 5. the owner of the daemon's run-time folder, and of the folder of the instance in it. Only trusted users can have made
 *    these folders.
 *
 * @param uid       of the process that listens
 * @param instance  borrowed; a valid name; NULL or "": the default instance
 */
bool daemon_user_is_trusted(uid_t uid, const char *instance);

/** As daemon_user_is_trusted, with another folder in place of that of the build. @param folder  borrowed; absolute */
bool daemon_user_is_trusted_in(const char *folder, uid_t uid, const char *instance);

#endif
