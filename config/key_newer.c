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

bool config_file_has_key(int fd, const void *key, uint32_t size)
{
	uint8_t bytes[512];
	uint32_t done = 0;
	ssize_t got = 0;
	bool is_same = true;

	while (is_same && (got = read(fd, bytes, sizeof(bytes))) > 0) {
		is_same = (size_t)got <= size - done && memcmp(bytes, (const uint8_t *)key + done, (size_t)got) == 0;
		done += (uint32_t)got;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return is_same && got == 0 && done == size;
}

static bool has_key(const char *path, const void *key, uint32_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_same = fd >= 0 && config_file_has_key(fd, key, size);

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
		if (!has_key(places[i], key, size))
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
