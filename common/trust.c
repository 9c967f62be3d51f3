/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#define UNMAPPED_UID 65534u /* uid that a user namespace shows for users outside of it */

/* A table of /proc that is read byte by byte. Each line has the first uid inside, the first one outside, and their number. */
struct uid_map {
	uid_t uid; /* is searched */
	bool has_uid;
	uint64_t numbers[3], number;
	unsigned int count; /* of the numbers of this line */
	bool is_in_number;
};

static void uid_map_read(struct uid_map *map, char byte)
{
	if (byte >= '0' && byte <= '9') {
		map->number = map->number * 10 + (uint64_t)(byte - '0');
		map->is_in_number = true;
		return;
	}
	if (map->is_in_number && map->count < 3)
		map->numbers[map->count++] = map->number;
	map->number = 0;
	map->is_in_number = false;
	if (byte == '\n') {
		map->has_uid |= map->count == 3 && map->uid >= map->numbers[0] &&
				map->uid - map->numbers[0] < map->numbers[2];
		map->count = 0;
	}
}

/*
 * Return whether the uid stands for users who have no number in this user namespace, such as root of the host. The
 * daemon has no rights over their files.
 */
static bool is_unmapped(uid_t uid)
{
	struct uid_map map = {.uid = uid};
	char bytes[512];

	if (uid != UNMAPPED_UID)
		return false;
	/* Without stdio, which a signal handler must not call. */
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (ssize_t size; (size = read(fd, bytes, sizeof(bytes))) > 0;) {
		for (ssize_t i = 0; i < size; i++)
			uid_map_read(&map, bytes[i]);
	}
	close(fd);
	return !map.has_uid;
}

static uid_t coming_user = (uid_t)-1;

uid_t trust_user(uid_t uid)
{
	uid_t before = coming_user;

	coming_user = uid;
	return before;
}

bool trust_owner(uid_t uid) { return uid == 0 || uid == geteuid() || uid == coming_user || is_unmapped(uid); }

bool trust_is_needed(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return geteuid() == 0 || syscall(SYS_capget, &header, data) < 0 || (data[0].permitted | data[1].permitted) != 0;
}

static int refuse(const char *path, char *culprit, size_t size)
{
	snprintf(culprit, size, "%s", path);
	return -EPERM;
}

static int check_one(const char *folder, bool may_be_sticky, char *culprit, size_t size)
{
	struct stat status;

	if (lstat(folder, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	bool is_writable = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
	bool is_sticky = (status.st_mode & S_ISVTX) != 0;
	if (!trust_owner(status.st_uid) || (is_writable && !(is_sticky && may_be_sticky)))
		return refuse(folder, culprit, size);
	return 0;
}

int trust_folder(char *folder, char *culprit, size_t size)
{
	int rc = strcmp(folder, "/") == 0 ? 0 : check_one("/", true, culprit, size);

	for (char *slash = strchr(folder + 1, '/'); rc == 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = check_one(folder, true, culprit, size);
		*slash = '/';
	}
	return rc == 0 ? check_one(folder, false, culprit, size) : rc;
}

int trust_file(const char *path, int fd, char *culprit, size_t size)
{
	struct stat opened, named;
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash - path >= PATH_MAX)
		return -EINVAL;
	snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	int rc = trust_folder(folder, culprit, size);
	if (rc < 0)
		return rc;
	if (fstat(fd, &opened) < 0 || lstat(path, &named) < 0)
		return -errno;
	if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
		return -ESTALE;
	if (!S_ISREG(opened.st_mode) || !trust_owner(opened.st_uid) || (opened.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(path, culprit, size);
	return 0;
}
