/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file with the ring's key, and the one beside it, NAME.next, with the key that a rotation brings. All of this works
 * on the folder that was opened first, so that both names are in one folder.
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
	bool is_folder_closed; /* the call that failed was one that needs rights over the folder */
	bool is_folder_shared; /* refused: other users can change the folder, or exchange a part of the path */
};

/**
 * Open the folder of a key file. The file itself need not exist. A link in its place is followed, and stays. A process
 * with rights that its user has not given it refuses a path that users without these rights can lead elsewhere
 * (common/trust.h). May wait for the disk.
 *
 * @param path  absolute
 * @return 0; -ENAMETOOLONG; -EPERM or -ELOOP with is_folder_shared; -errno of the folder. key_file_close is needed only after 0
 */
int key_file_open(struct key_file *file, const char *path);
/**
 * Write NAME.next, durably, in place of a former one. No link is followed. Its mode is 0400, and group rights to read
 * stay. Its owner is that of the key file, if the process may give files away. Waits for the disk: use a helper thread.
 * @param key  borrowed: size bytes
 * @return 0; -errno: there is no NAME.next
 */
int key_file_write_next(struct key_file *file, const void *key, size_t size);
/** Put NAME.next in the place of the key file. It is durable after key_file_sync. 0; -errno */
int key_file_use_next(const struct key_file *file);
/** Remove NAME.next. The absence of the file is no error. */
void key_file_drop_next(const struct key_file *file);
/** Write the folder to the disk. Waits for it: use a helper thread. 0; -errno */
int key_file_sync(const struct key_file *file);
void key_file_close(struct key_file *file);

#endif
