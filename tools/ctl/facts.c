/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts for several commands: keys, nodes, the verdict about quorum, and links. */
#include "tools/ctl/ctl.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/remote.h"

/* --- keys --- */

static enum control_map remote_map(enum ctl_service map)
{
	return map == CTL_STATS ? CONTROL_MAP_STATS : CONTROL_MAP_CONFIG;
}

static cmap_handle_t handle_of(struct ctl *ctl, enum ctl_service map)
{
	return map == CTL_STATS ? ctl->stats : ctl->config;
}

const char *fact_type_name(cmap_value_types_t type)
{
	static const char *const names[] = {[CMAP_VALUETYPE_INT8] = "i8",
		[CMAP_VALUETYPE_UINT8] = "u8",
		[CMAP_VALUETYPE_INT16] = "i16",
		[CMAP_VALUETYPE_UINT16] = "u16",
		[CMAP_VALUETYPE_INT32] = "i32",
		[CMAP_VALUETYPE_UINT32] = "u32",
		[CMAP_VALUETYPE_INT64] = "i64",
		[CMAP_VALUETYPE_UINT64] = "u64",
		[CMAP_VALUETYPE_FLOAT] = "flt",
		[CMAP_VALUETYPE_DOUBLE] = "dbl",
		[CMAP_VALUETYPE_STRING] = "str",
		[CMAP_VALUETYPE_BINARY] = "bin"};

	return (size_t)type < sizeof(names) / sizeof(names[0]) && names[type] != NULL ? names[type] : "bin";
}

cmap_value_types_t fact_type(const char *name)
{
	for (cmap_value_types_t type = CMAP_VALUETYPE_INT8; type < CMAP_VALUETYPE_BINARY; type++)
		if (strcmp(fact_type_name(type), name) == 0)
			return type;
	return CMAP_VALUETYPE_BINARY;
}

static struct json_object *hex_value(const uint8_t *bytes, size_t size)
{
	char *text = malloc(2 * size + 1);

	if (text == NULL)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	struct json_object *value = json_object_new_string(text);
	free(text);
	return value;
}

static_assert(CMAP_VALUETYPE_INT8 == COTERIE_MAP_I8 && CMAP_VALUETYPE_UINT64 == COTERIE_MAP_U64, "one numbering");

/* Return the value as JSON. Enough zeros for any number follow the bytes, so a text is terminated as well. */
static struct json_object *value_object(cmap_value_types_t type, const void *bytes, size_t size)
{
	int64_t whole;
	uint64_t beyond;
	double number;
	float small;

	switch (type) {
	case CMAP_VALUETYPE_UINT64:
		memcpy(&beyond, bytes, sizeof(beyond));
		return json_object_new_uint64(beyond);
	case CMAP_VALUETYPE_FLOAT:
		memcpy(&small, bytes, sizeof(small));
		return answers_real((double)small);
	case CMAP_VALUETYPE_DOUBLE:
		memcpy(&number, bytes, sizeof(number));
		return answers_real(number);
	case CMAP_VALUETYPE_STRING:
		return answers_text_value(bytes);
	default:
		return answers_whole((uint32_t)type, bytes, &whole) ? json_object_new_int64(whole)
								    : hex_value(bytes, size);
	}
}

/*
 * Return the value of another node's key as JSON. NULL: the key was not found. type: set if the key was found, may be
 * NULL.
 */
static struct json_object *value_there(
	struct ctl *ctl, enum ctl_service map, const char *name, cmap_value_types_t *type)
{
	const struct remote_key *key = remote_find(ctl, remote_map(map), name);

	if (key != NULL && type != NULL)
		*type = fact_type(key->type);
	return key != NULL ? remote_value(key) : NULL;
}

struct json_object *fact_value(struct ctl *ctl, enum ctl_service map, const char *key, cmap_value_types_t *type_out)
{
	cmap_value_types_t type;
	size_t size = 0;

	if (ctl->remote != NULL)
		return value_there(ctl, map, key, type_out);
	if (!ctl_try(ctl, map) || cmap_get(handle_of(ctl, map), key, NULL, &size, &type) != CS_OK)
		return NULL;
	/* The value may become longer before the second request. If it is longer than this room, the request fails. */
	size_t room = size + 64;
	char *bytes = calloc(1, room + 1);
	struct json_object *value = NULL;
	if (bytes != NULL && cmap_get(handle_of(ctl, map), key, bytes, &room, &type) == CS_OK)
		value = value_object(type, bytes, room);
	free(bytes);
	if (type_out != NULL)
		*type_out = type;
	return value;
}

char *fact_text(struct ctl *ctl, enum ctl_service map, const char *key)
{
	char *text = NULL;

	if (ctl->remote != NULL) {
		const struct remote_key *found = remote_find(ctl, remote_map(map), key);

		return found != NULL && strcmp(found->type, "str") == 0 ? strdup(found->value) : NULL;
	}
	if (!ctl_try(ctl, map) || cmap_get_string(handle_of(ctl, map), key, &text) != CS_OK)
		return NULL;
	return text;
}

int64_t fact_number(struct ctl *ctl, enum ctl_service map, const char *key, int64_t otherwise)
{
	struct json_object *value = fact_value(ctl, map, key, NULL);
	int64_t number = value != NULL ? json_object_get_int64(value) : otherwise;

	json_object_put(value);
	return number;
}

void fact_each(
	struct ctl *ctl, enum ctl_service map, const char *prefix, bool (*each)(void *arg, const char *key), void *arg)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t iterator;

	if (ctl->remote != NULL) {
		remote_each(ctl, remote_map(map), prefix != NULL ? prefix : "", each, arg);
		return;
	}
	if (!ctl_try(ctl, map) || cmap_iter_init(handle_of(ctl, map), prefix, &iterator) != CS_OK)
		return;
	while (cmap_iter_next(handle_of(ctl, map), iterator, key, NULL, NULL) == CS_OK)
		if (!each(arg, key))
			break;
	cmap_iter_finalize(handle_of(ctl, map), iterator);
}

/* --- nodes --- */

/* Search the names of the node list first, since a name may look like a number. */
uint32_t fact_find_node(struct json_object *nodes, const char *word)
{
	char *end;

	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		if (strcmp(get_text(node, "name"), word) == 0)
			return (uint32_t)get_number(node, "id");
	}
	errno = 0;
	unsigned long long id = strtoull(word, &end, 10);
	return errno == 0 && *word >= '0' && *word <= '9' && *end == '\0' && id <= UINT32_MAX ? (uint32_t)id : 0;
}

uint32_t fact_local(struct ctl *ctl)
{
	unsigned int nodeid = 0;

	if (ctl->remote != NULL)
		return remote_nodeid(ctl->remote);
	if (ctl_try(ctl, CTL_CFG) && corosync_cfg_local_get(ctl->cfg, &nodeid) == CS_OK)
		return nodeid;
	if (ctl_try(ctl, CTL_CPG) && cpg_local_get(ctl->cpg, &nodeid) == CS_OK)
		return nodeid;
	return (uint32_t)fact_number(ctl, CTL_CONFIG, "runtime.votequorum.this_node_id", 0);
}

/* --- verdict about quorum --- */

int fact_quorate(struct ctl *ctl)
{
	int quorate = 0;
	char *provider = fact_text(ctl, CTL_CONFIG, "quorum.provider");
	bool has_provider = provider != NULL;

	free(provider);
	if (has_provider && ctl->remote != NULL)
		return remote_is_quorate(ctl->remote);
	if (!has_provider || !ctl_try(ctl, CTL_QUORUM) || quorum_getquorate(ctl->quorum, &quorate) != CS_OK)
		return -1;
	return quorate != 0;
}

/* --- links --- */

bool fact_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status)
{
	memset(status, 0, sizeof(*status));
	if (ctl->remote != NULL)
		return remote_status(ctl, nodeid, status);
	return ctl_try(ctl, CTL_CFG) &&
	       corosync_cfg_node_status_get(ctl->cfg, nodeid, CFG_NODE_STATUS_V1, status) == CS_OK;
}
