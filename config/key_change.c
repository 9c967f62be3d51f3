/* SPDX-License-Identifier: BSD-3-Clause */
/* Change of the ring's key without a new configuration file: `coterie-ctl key rotate`. */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const struct config *config, const char *key)
{
	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].key, key) == 0)
			return config->entries[i].text;
	return NULL;
}

int config_replace_key(struct config *config, const void *key, uint32_t size, const char *path)
{
	void *bytes = arena_take_secret(config->arena, size);
	const char *name = arena_copy(config->arena, path, strlen(path));

	if (bytes == NULL || name == NULL)
		return -ENOMEM;
	config->key_path = name;
	memcpy(bytes, key, size);
	/* The configuration may stay for months. With the former key a recording of the ring could be read. */
	if (config->key != NULL)
		explicit_bzero((void *)(uintptr_t)config->key, config->key_size);
	config->key = bytes;
	config->key_size = size;
	return 0;
}

int config_key_place(const struct config *config, const char *state_dir, bool *is_named, char *path, size_t size)
{
	const char *file = text_of(config, "totem.keyfile");
	int length;

	*is_named = file != NULL;
	if (file == NULL && text_of(config, "totem.key") != NULL)
		return -ENOTSUP;
	if (file != NULL)
		length = snprintf(path, size, "%s", file);
	else if (config->format == CONFIG_FORMAT_COTERIE)
		length = snprintf(path, size, "%s/authkey", state_dir);
	else
		length = snprintf(path, size, "%s", SYSCONF_DIR "/corosync/authkey");
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}
