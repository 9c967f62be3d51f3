/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file with the ring's key, and NAME.next beside it, with the new key of a rotation. All functions work on the
 * folder that was opened first, so that both names are in the same folder.
 */
#ifndef EXEC_KEY_FILE_H
#define EXEC_KEY_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_file {
	int folder; /* descriptor; -1: not open */
	char name[NAME_MAX + 1], next[NAME_MAX + 8];
	bool is_folder_closed; /* a call failed since the process has no rights over the folder */
	/* the path was refused: other users can change the folder, or exchange a part of the path */
	bool is_folder_shared;
};

/**
 * Open the folder of a key file. The file itself need not exist. If the key file is a link, the link is followed, and
 * stays. A process with more rights than its user refuses a path that users without these rights can redirect
 * (common/trust.h). May wait for the disk.
 *
 * @param path  absolute
 * @return 0; -ENAMETOOLONG; -EPERM or -ELOOP with is_folder_shared; -errno of the folder. key_file_close is needed only
 *         after 0
 */
int key_file_open(struct key_file *file, const char *path);
/**
 * Write NAME.next, durably, in place of a former one. No link is followed. Its mode is 0400, and group rights to read
 * stay. Its owner is that of the key file, if the process may give files away. Waits for the disk: use a helper thread.
 * @param key  borrowed: size bytes
 * @return 0; -errno: there is no NAME.next
 */
int key_file_write_next(struct key_file *file, const void *key, size_t size);
/**
 * If NAME.next has this key, which is in use, rename it to the name of the key file: an earlier rename has failed. May wait
 * for the disk.
 * @param key  borrowed: size bytes
 * @return 0; -errno: it has the key, and cannot be renamed
 */
int key_file_settle(const struct key_file *file, const void *key, uint32_t size);
/** Rename NAME.next to the name of the key file. This is durable after key_file_sync. 0; -errno */
int key_file_use_next(const struct key_file *file);
/** Remove NAME.next. The absence of the file is no error. */
void key_file_drop_next(const struct key_file *file);
/** Write the folder to the disk. This waits for the disk: use a helper thread. 0; -errno */
int key_file_sync(const struct key_file *file);
void key_file_close(struct key_file *file);

#endif
