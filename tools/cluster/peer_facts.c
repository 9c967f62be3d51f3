/*
 * Read the facts of a node from the answer of its helper.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "tools/cluster/agent.h"
#include "tools/cluster/peer.h"

/* Copy a text of the answer. Control characters become blanks, since the text is printed on one line. */
static void copy(struct json_object *answer, const char *name, char *text, size_t size)
{
	struct json_object *value = get(answer, name);

	snprintf(text, size, "%s", json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "");
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

static bool copy_bool(struct json_object *answer, const char *name)
{
	struct json_object *value = get(answer, name);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value) != 0;
}

static uint64_t copy_number(struct json_object *answer, const char *name)
{
	struct json_object *value = get(answer, name);
	int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

	return number > 0 ? (uint64_t)number : 0;
}

/* Copy the configuration file of the answer. NULL: there is none, or it contains a NUL. */
static char *copy_config(struct json_object *answer)
{
	struct json_object *value = get(answer, "config");
	char *text = NULL;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	ssize_t size = hex_decode(json_object_get_string(value), &text);

	if (size < 0 || size > (ssize_t)CONF_SIZE_MAX || strlen(text) != (size_t)size) {
		free(text);
		return NULL;
	}
	return text;
}

void peer_facts(struct json_object *answer, struct node_facts *facts)
{
	struct json_object *members = get(answer, "members");

	*facts = (struct node_facts){.is_reached = true};
	facts->protocol = (uint32_t)copy_number(answer, "protocol");
	copy(answer, "version", facts->version, sizeof(facts->version));
	copy(answer, "daemon", facts->daemon, sizeof(facts->daemon));
	copy(answer, "folder", facts->folder, sizeof(facts->folder));
	copy(answer, "write_error", facts->write_error, sizeof(facts->write_error));
	copy(answer, "file", facts->file, sizeof(facts->file));
	copy(answer, "key_file", facts->key_file, sizeof(facts->key_file));
	copy(answer, "cluster", facts->cluster, sizeof(facts->cluster));
	facts->has_config = copy_bool(answer, "has_config");
	facts->has_corosync_config = copy_bool(answer, "has_corosync_config");
	facts->has_key = copy_bool(answer, "has_key");
	facts->is_locked = copy_bool(answer, "is_locked");
	facts->is_open = copy_bool(answer, "is_open");
	facts->is_running = copy_bool(answer, "is_running");
	facts->is_corosync = copy_bool(answer, "is_corosync");
	facts->is_quorate = copy_bool(answer, "is_quorate");
	facts->id = (uint32_t)copy_number(answer, "id");
	facts->running_version = copy_number(answer, "running_version");
	facts->config = copy_config(answer);
	for (size_t i = 0; json_object_is_type(members, json_type_array) && i < json_object_array_length(members) &&
			   i < WORDS_NODES_MAX;
		i++)
		facts->members[facts->member_count++] = (uint64_t)json_object_get_int64(
			json_object_array_get_idx(members, i));
}
