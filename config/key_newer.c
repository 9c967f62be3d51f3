/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Search for a key that an administrator has copied to the system's config folder, while the daemon uses the one in
 * the state folder.
 */
#include "config/tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE_MAX 4096

static bool has_bytes(const char *path, const void *key, uint32_t key_size)
{
	uint8_t bytes[KEY_SIZE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	bool is_same = size == (ssize_t)key_size && memcmp(bytes, key, key_size) == 0;

	explicit_bzero(bytes, sizeof(bytes));
	if (fd >= 0)
		close(fd);
	return is_same;
}

/*
 * Compare the times of change: a copied file may keep its time of modification, but has a new time
 * of change.
 */
static bool is_later(const struct stat *other, const struct stat *used)
{
	const struct timespec *a = &other->st_ctim, *b = &used->st_mtim;

	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

const char *key_newer_than(const char *used, const void *key, uint32_t size)
{
	static const char *const places[] = {SYSCONF_DIR "/coterie/authkey", SYSCONF_DIR "/corosync/authkey"};
	struct stat status, other;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(used, places[i]) == 0)
			return NULL;
	if (key == NULL || stat(used, &status) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (stat(places[i], &other) < 0 || !S_ISREG(other.st_mode) || !is_later(&other, &status) ||
			(other.st_dev == status.st_dev && other.st_ino == status.st_ino))
			continue;
		/* A file that the daemon's user cannot read counts as another key. */
		if (!has_bytes(places[i], key, size))
			return places[i];
	}
	return NULL;
}

const char *config_newer_key(const struct config *config)
{
	if (config->format != CONFIG_FORMAT_COTERIE || config->key_path == NULL)
		return NULL;
	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].key, "totem.keyfile") == 0)
			return NULL; /* the file is named in the configuration, so no other is searched */
	return key_newer_than(config->key_path, config->key, config->key_size);
}
