/* SPDX-License-Identifier: BSD-3-Clause */
/* Run the daemon as its own user. Work that needs root is done before. Few rights of root are kept. */
#ifndef EXEC_CAGE_H
#define EXEC_CAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** A daemon of root that changes to its user. All zeros: it does not change. */
struct cage {
	uid_t uid;
	gid_t gid;
	bool is_open; /* the process can still become root */
};

/**
 * Act as a user, before any file of the daemon is opened. A daemon of root first gives the user the default folders of
 * state and run-time files, and itself the limits for real-time priority and locked memory. It keeps the capabilities
 * that coterie(8) lists, and can get no others. A daemon that is that user already changes nothing.
 *
 * @param user      name or number; borrowed
 * @param instance  NULL: the default one
 * @param error     out: one line, if the call fails
 * @return 0; 39, the exit code: there is no such user, or the daemon is not root
 */
int cage_enter(struct cage *cage, const char *user, const char *instance, char *error, uint32_t error_size);
/**
 * Give the user a file of root that it will append to, or create one for it. This is for a file in a folder that only
 * root can change. Other files stay as they are. The daemon reports errors when it opens them.
 *
 * @param path  absolute; borrowed
 */
void cage_give_file(const struct cage *cage, const char *path);
/**
 * Make this thread root between these two calls. A client sees the user that called listen(2) as the user of its
 * server, and Pacemaker accepts only root. The calls do nothing after the cage was closed.
 */
void cage_root_begin(const struct cage *cage);
void cage_root_end(const struct cage *cage);
/**
 * Change to the user for good, in all threads. Call this before the first byte of a client or node is read. @return 0;
 * -errno
 */
int cage_close(struct cage *cage);
/**
 * Keep capabilities from programs that the daemon starts. Under a unit with User= they are ambient, and would be
 * inherited.
 */
void cage_shed_ambient(void);

#endif
