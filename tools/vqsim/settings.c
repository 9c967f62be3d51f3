/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/vqsim/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

enum { LINE_SIZE_MAX = 1024, DEPTH_MAX = 4 };

/* The position in the file: the names of the enclosing sections, as the beginning of a key. */
struct place {
	char prefix[64];
	size_t lengths[DEPTH_MAX]; /* length of prefix outside of each open section */
	size_t depth;
	size_t nodes;
};

static uint32_t type_of(const char *key)
{
	static const char *const strings[] = {"provider", "model", "auto_tie_breaker_node", "name"};
	static const char *const numbers[] = {"expected_votes", "votes", "quorum_votes", "last_man_standing_window",
		"timeout", "sync_timeout", "nodeid"};
	const char *last = strrchr(key, '.') + 1;

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (strcmp(last, strings[i]) == 0)
			return COTERIE_MAP_STRING;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(last, numbers[i]) == 0)
			return COTERIE_MAP_U32;
	return strncmp(key, "quorum.", 7) == 0 ? COTERIE_MAP_U8 : COTERIE_MAP_STRING;
}

static int add_setting(struct settings *settings, const char *key, const char *text)
{
	struct setting *list = realloc(settings->list, (settings->count + 1) * sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	settings->list = list;
	struct setting *setting = &list[settings->count++];
	*setting = (struct setting){.type = type_of(key), .number = (uint32_t)strtoul(text, NULL, 10)};
	snprintf(setting->key, sizeof(setting->key), "%s", key);
	snprintf(setting->text, sizeof(setting->text), "%s", text);
	return 0;
}

static int add_node(struct settings *settings, size_t position, uint32_t node_id)
{
	size_t count = position + 1 > settings->node_count ? position + 1 : settings->node_count;
	uint32_t *ids = realloc(settings->node_ids, count * sizeof(*ids));

	if (ids == NULL)
		return -ENOMEM;
	memset(ids + settings->node_count, 0, (count - settings->node_count) * sizeof(*ids));
	settings->node_ids = ids;
	settings->node_count = count;
	ids[position] = node_id;
	return 0;
}

static int open_section(struct place *place, const char *name)
{
	size_t length = strlen(place->prefix);
	int written;

	if (place->depth == DEPTH_MAX)
		return -EINVAL;
	place->lengths[place->depth++] = length;
	if (strcmp(place->prefix, "nodelist.") == 0 && strcmp(name, "node") == 0)
		written = snprintf(place->prefix + length, sizeof(place->prefix) - length, "node.%zu.", place->nodes++);
	else
		written = snprintf(place->prefix + length, sizeof(place->prefix) - length, "%s.", name);
	return length + (size_t)written < sizeof(place->prefix) ? 0 : -EINVAL;
}

static int take_value(struct settings *settings, const struct place *place, const char *name, const char *text)
{
	char key[64];

	if (strncmp(place->prefix, "quorum.", 7) != 0 && strncmp(place->prefix, "nodelist.", 9) != 0)
		return 0;
	if ((size_t)snprintf(key, sizeof(key), "%s%s", place->prefix, name) >= sizeof(key))
		return 0;
	int rc = add_setting(settings, key, text);
	if (rc == 0 && strcmp(name, "nodeid") == 0 && place->nodes > 0)
		rc = add_node(settings, place->nodes - 1, (uint32_t)strtoul(text, NULL, 10));
	return rc;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
		*--end = '\0';
	return text + strspn(text, " \t");
}

static int take_line(struct settings *settings, struct place *place, char *line)
{
	char *text = trim(line);
	char *at;

	if (*text == '\0' || *text == '#')
		return 0;
	if (*text == '}') {
		if (place->depth == 0)
			return -EINVAL;
		place->prefix[place->lengths[--place->depth]] = '\0';
		return 0;
	}
	if ((at = strchr(text, '{')) != NULL) {
		*at = '\0';
		return open_section(place, trim(text));
	}
	if ((at = strchr(text, ':')) == NULL)
		return -EINVAL;
	*at = '\0';
	return take_value(settings, place, trim(text), trim(at + 1));
}

int settings_read(struct settings *settings, const char *path)
{
	struct place place = {0};
	char line[LINE_SIZE_MAX];
	int rc = 0;

	*settings = (struct settings){0};
	FILE *in = fopen(path, "r");
	if (in == NULL)
		return -errno;
	while (rc == 0 && fgets(line, sizeof(line), in) != NULL)
		rc = take_line(settings, &place, line);
	fclose(in);
	return rc != 0 ? rc : place.depth == 0 ? 0 : -EINVAL;
}

void settings_free(struct settings *settings)
{
	free(settings->list);
	free(settings->node_ids);
	*settings = (struct settings){0};
}
