/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Check that users without the daemon's rights cannot change or replace files that it runs or writes with these
 * rights.
 */
#ifndef COMMON_TRUST_H
#define COMMON_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Return whether files of this user are trusted: root, and the user that runs the daemon. */
bool trust_owner(uid_t uid);
/**
 * Trust this user as well from now on. A daemon that was started as root will later run as this user.
 * @return the user that was trusted in this way before, or (uid_t)-1: none
 */
uid_t trust_user(uid_t uid);
/** Return whether the process has rights that its user has not given it: root, or a capability. */
bool trust_is_needed(void);
/**
 * Check that only trusted users can create, rename or remove files in a folder. Every folder above it must have a
 * trusted owner, and must be writable by no other user, or sticky. The folder itself must not be writable at all.
 *
 * @param folder   absolute, without links (realpath(3)); changed during the call, and restored
 * @param culprit  out, on -EPERM: points to size bytes that receive the path others can change
 * @return 0; -EPERM; -errno of a file or folder that cannot be examined
 */
int trust_folder(char *folder, char *culprit, size_t size);
/**
 * Check the same as trust_folder for a regular file that is open. Also check that path still names this file.
 * @param path  absolute, without links
 * @return 0; -EPERM, culprit as above; -errno; -ESTALE: path names another file by now
 */
int trust_file(const char *path, int fd, char *culprit, size_t size);
/**
 * Open a file. A link on the path is followed only if a trusted user owns it. If the file itself is a link, its folder
 * must be private as well: only trusted users can change it, and no other user can replace it. A signal handler may call
 * this.
 *
 * @param flags, mode  of open(2)
 * @param is_private   out: whether the folder of the file is private
 * @return descriptor; -ELOOP: a link that is not followed; -EISDIR: the path ends in "/"; -errno of open(2)
 */
int trust_open(const char *path, int flags, mode_t mode, bool *is_private);
/**
 * Open the folder of a file as trust_open opens the file. The file itself need not exist.
 *
 * @param name  out: NAME_MAX + 1 bytes: the file's name in that folder, which is no link
 * @return descriptor for reading; errors of trust_open
 */
int trust_open_folder(const char *path, char *name, bool *is_private);

#endif
