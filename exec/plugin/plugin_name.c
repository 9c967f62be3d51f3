/* SPDX-License-Identifier: BSD-3-Clause */
/* Names: of a plugin, of the file that holds it, of its kind. */
#include "exec/plugin/plugin_private.h"

#include <stdio.h>
#include <string.h>

const char *plugin_kind_name(uint32_t kind)
{
	switch (kind) {
	case COTERIE_KIND_TRANSPORT:
		return "transport";
	case COTERIE_KIND_SERVICE:
		return "service";
	case COTERIE_KIND_EXTENSION:
		return "extension";
	}
	return "unknown kind";
}

bool plugin_name_is_valid(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && length < 64 && name[length] == '\0';
}

void plugin_name_of_path(const char *path, char name[64])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t length = strcspn(base, ".");

	snprintf(name, 64, "%.*s", length < 64 ? (int)length : 63, base);
}
