/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/votequorum/vote_ring.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

extern const struct coterie_plugin votequorum_LTX_coterie_plugin;

static const char *config_words;

/* ---- Configuration ------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static uint32_t type_of(const char *key)
{
	static const char *const numbers[] = {
		"expected_votes", "votes", "_window", "timeout", "nodeid", "local_node_pos"};
	static const char *const strings[] = {"model", "_node", "provider"};

	if (strcmp(key, "config.reload_status") == 0)
		return COTERIE_MAP_I32;
	if (ends_with(key, "two_node"))
		return COTERIE_MAP_U8;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (ends_with(key, strings[i]))
			return COTERIE_MAP_STRING;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (ends_with(key, numbers[i]))
			return COTERIE_MAP_U32;
	}
	return COTERIE_MAP_U8;
}

void vote_set_key(struct coterie_ctx *host, const char *key, const char *value)
{
	uint32_t type = type_of(key);
	uint32_t number = value != NULL ? (uint32_t)strtoul(value, NULL, 10) : 0;
	uint8_t byte = (uint8_t)number;
	int rc;

	if (value == NULL)
		rc = host->table.map_delete(host, key);
	else if (type == COTERIE_MAP_STRING)
		rc = host->table.map_set(host, key, type, value, (uint32_t)strlen(value) + 1);
	else if (type == COTERIE_MAP_U8)
		rc = host->table.map_set(host, key, type, &byte, 1);
	else
		rc = host->table.map_set(host, key, type, &number, 4);
	ck_assert_int_eq(rc, 0);
}

static void set_nodes(struct coterie_ctx *host, uint32_t count)
{
	char key[64], value[16];

	for (uint32_t i = 0; i < count; i++) {
		sprintf(key, "nodelist.node.%u.nodeid", i);
		sprintf(value, "%u", i + 1);
		vote_set_key(host, key, value);
	}
	sprintf(value, "%u", host->nodeid - 1);
	vote_set_key(host, "nodelist.local_node_pos", value);
}

static void prepare(struct coterie_ctx *host)
{
	char copy[512];

	ck_assert_uint_lt(strlen(config_words), sizeof(copy));
	strcpy(copy, config_words);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');
		char key[128];

		ck_assert_ptr_nonnull(value);
		*value++ = '\0';
		for (char *at = value; *at != '\0'; at++) {
			if (*at == ',') /* commas of a list become blanks */
				*at = ' ';
		}
		if (strcmp(word, "nodes") == 0) {
			set_nodes(host, (uint32_t)atoi(value));
			continue;
		}
		snprintf(key, sizeof(key), "%s%s", strncmp(word, "nodelist.", 9) == 0 ? "" : "quorum.", word);
		vote_set_key(host, key, value);
	}
}

void vote_ring_init(struct service_ring *ring)
{
	service_ring_init(ring, &votequorum_LTX_coterie_plugin);
	ring->prepare = prepare;
	config_words = "";
}

void vote_ring_config(const char *words) { config_words = words; }

/* ---- Requests ------------------------------------------------------------ */

int32_t vote_expected(struct service_user *user, uint32_t expected)
{
	struct votequorum_req_setexpected req = {.expected_votes = expected};

	return service_user_request(user, VOTEQUORUM_REQ_SETEXPECTED, &req, sizeof(req));
}

int32_t vote_votes(struct service_user *user, uint32_t nodeid, uint32_t votes)
{
	struct votequorum_req_setvotes req = {.votes = votes, .nodeid = nodeid};

	return service_user_request(user, VOTEQUORUM_REQ_SETVOTES, &req, sizeof(req));
}

int32_t vote_track(struct service_user *user, uint64_t context, uint32_t flags)
{
	struct votequorum_req_trackstart req = {.context = context, .track_flags = flags};

	return service_user_request(user, VOTEQUORUM_REQ_TRACKSTART, &req, sizeof(req));
}

int32_t vote_track_stop(struct service_user *user)
{
	struct votequorum_req_trackstop req;

	return service_user_request(user, VOTEQUORUM_REQ_TRACKSTOP, &req, sizeof(req));
}

static int32_t device_request(struct service_user *user, int32_t id, const char *name)
{
	struct votequorum_req_qdevice req = {.pad = 0};

	snprintf(req.name, sizeof(req.name), "%s", name);
	return service_user_request(user, id, &req, sizeof(req));
}

int32_t vote_register(struct service_user *user, const char *name)
{
	return device_request(user, VOTEQUORUM_REQ_QDEVICE_REGISTER, name);
}

int32_t vote_unregister(struct service_user *user, const char *name)
{
	return device_request(user, VOTEQUORUM_REQ_QDEVICE_UNREGISTER, name);
}

int32_t vote_update(struct service_user *user, const char *old_name, const char *new_name)
{
	struct votequorum_req_qdevice_update req = {.pad = {0}};

	snprintf(req.old_name, sizeof(req.old_name), "%s", old_name);
	snprintf(req.new_name, sizeof(req.new_name), "%s", new_name);
	return service_user_request(user, VOTEQUORUM_REQ_QDEVICE_UPDATE, &req, sizeof(req));
}

int32_t vote_poll(struct service_user *user, const char *name, uint32_t cast, uint64_t ring_seq)
{
	const struct service_node *node = &user->ring->nodes[user->nodeid];
	struct votequorum_req_qdevice_poll req = {
		.cast_vote = cast,
		.ring_id = {.nodeid = node->ring_rep, .seq = ring_seq != 0 ? ring_seq : node->ring_seq},
	};

	snprintf(req.name, sizeof(req.name), "%s", name);
	return service_user_request(user, VOTEQUORUM_REQ_QDEVICE_POLL, &req, sizeof(req));
}

int32_t vote_master_wins(struct service_user *user, const char *name, uint32_t allow)
{
	struct votequorum_req_qdevice_master_wins req = {.allow = allow};

	snprintf(req.name, sizeof(req.name), "%s", name);
	return service_user_request(user, VOTEQUORUM_REQ_QDEVICE_MASTER_WINS, &req, sizeof(req));
}

int32_t vote_set_extra(struct service_user *user, const void *bytes, uint32_t size)
{
	struct votequorum_req_set_extra req = {.size = size};

	memcpy(req.bytes, bytes, size < sizeof(req.bytes) ? size : sizeof(req.bytes));
	return service_user_request(user, VOTEQUORUM_REQ_SET_EXTRA, &req, sizeof(req));
}

const char *vote_extra(struct service_user *user, uint32_t nodeid)
{
	static char text[VOTEQUORUM_EXTRA_MAX + 16];
	struct votequorum_req_get_extra req = {.nodeid = nodeid};
	struct votequorum_res_get_extra res = {.size = 0};
	int32_t error = service_user_request(user, VOTEQUORUM_REQ_GET_EXTRA, &req, sizeof(req));
	const struct mock_message *reply = &user->client->replies.list[0];

	ck_assert_uint_eq(reply->id, VOTEQUORUM_RES_GET_EXTRA);
	ck_assert_uint_eq(reply->size, sizeof(res) - 24);
	memcpy((uint8_t *)&res + 24, reply->data, reply->size);
	sprintf(text, "error %d", error);
	if (error == 1)
		snprintf(text, sizeof(text), "%.*s", (int)res.size, (const char *)res.bytes);
	return text;
}

const char *vote_info(struct service_user *user, uint32_t nodeid)
{
	static char text[384];
	struct votequorum_req_getinfo req = {.nodeid = nodeid};
	struct votequorum_res_getinfo res;
	int32_t error = service_user_request(user, VOTEQUORUM_REQ_GETINFO, &req, sizeof(req));
	const struct mock_message *reply = &user->client->replies.list[0];

	ck_assert_uint_eq(reply->id, VOTEQUORUM_RES_GETINFO);
	ck_assert_uint_eq(reply->size, sizeof(res) - 24);
	if (error != 1) {
		for (uint32_t i = 0; i < reply->size; i++)
			ck_assert_uint_eq(reply->data[i], 0);
		sprintf(text, "error %d", error);
		return text;
	}
	memcpy((uint8_t *)&res + 24, reply->data, reply->size);
	ck_assert(nodeid == 0 ? res.nodeid == user->nodeid : res.nodeid == nodeid);
	sprintf(text, "%u of %u, need %u, flags %x, device %u '%s'", res.total_votes, res.expected_votes, res.quorum,
		res.flags, res.qdevice_votes, res.qdevice_name);
	return text;
}

const char *vote_node_info(struct service_ring *ring, uint32_t nodeid)
{
	struct service_user user = service_user_create(ring, nodeid, 99);
	const char *text = vote_info(&user, 0);

	service_user_close(&user);
	return text;
}

/* ---- Events -------------------------------------------------------------- */

static char *write_word(char *at, const char *word, uint64_t context)
{
	at += sprintf(at, "%s", word);
	return context != 0 ? at + sprintf(at, "/%ju", (uintmax_t)context) : at;
}

/* Write an event as text. size includes the header of 24 bytes with which the event begins. */
static void write_event(char *at, uint32_t id, const void *event, uint32_t size)
{
	const struct votequorum_event_quorum *quorum = event;
	const struct votequorum_event_expected_votes *expected = event;
	const struct votequorum_event_nodelist *list = event;
	const struct votequorum_event_extra *extra = event;

	switch (id) {
	case VOTEQUORUM_EVENT_QUORUM:
		ck_assert_uint_eq(size, sizeof(*quorum) + 8 * quorum->node_count);
		at = write_word(at, "quorum", quorum->context);
		at += sprintf(at, " %u [", quorum->quorate);
		for (uint32_t i = 0; i < quorum->node_count; i++)
			at += sprintf(
				at, "%s%u:%u", i == 0 ? "" : " ", quorum->nodes[i].nodeid, quorum->nodes[i].state);
		break;
	case VOTEQUORUM_EVENT_NODELIST:
		ck_assert_uint_eq(size, sizeof(*list) + 4 * list->node_count);
		at = write_word(at, "nodes", list->context);
		at += sprintf(at, " %u.%jx [", list->ring_id.nodeid, (uintmax_t)list->ring_id.seq);
		for (uint32_t i = 0; i < list->node_count; i++)
			at += sprintf(at, "%s%u", i == 0 ? "" : " ", list->nodes[i]);
		break;
	case VOTEQUORUM_EVENT_EXPECTED_VOTES:
		ck_assert_uint_eq(size, sizeof(*expected));
		at = write_word(at, "expected", expected->context);
		sprintf(at, " %u", expected->expected_votes);
		return;
	case VOTEQUORUM_EVENT_EXTRA:
		ck_assert_uint_eq(size, sizeof(*extra) + extra->size);
		at = write_word(at, "extra", extra->context);
		at += sprintf(at, " %u [%.*s", extra->nodeid, (int)extra->size, (const char *)extra->bytes);
		break;
	default:
		ck_abort_msg("event %u", id);
	}
	sprintf(at, "]");
}

const char *vote_event(struct service_user *user)
{
	static char text[4096];

	return service_user_event(user, text, write_event);
}

/* ---- Messages ------------------------------------------------------------ */

const char *vote_queued(struct service_ring *ring, uint32_t nodeid, uint32_t index)
{
	static char text[640];
	const struct mock_queue *sent = &ring->nodes[nodeid].host->sent;
	union {
		uint8_t bytes[528];
		struct votequorum_ring_nodeinfo info;
		struct votequorum_ring_reconfigure change;
		struct votequorum_ring_qdevice_reg device;
		struct votequorum_ring_qdevice_reconfigure rename;
	} message = {.bytes = {0}};

	if (index >= sent->count)
		return "";
	ck_assert_uint_le(sent->list[index].size, sizeof(message) - 16);
	memcpy(message.bytes + 16, sent->list[index].data, sent->list[index].size);
	switch (sent->list[index].id) {
	case VOTEQUORUM_RING_NODEINFO:
		sprintf(text, "info %u votes %u of %u flags %x", message.info.nodeid, message.info.votes,
			message.info.expected_votes, message.info.flags);
		break;
	case VOTEQUORUM_RING_RECONFIGURE:
		sprintf(text, "change %u node %u value %u", message.change.param, message.change.nodeid,
			message.change.value);
		break;
	case VOTEQUORUM_RING_QDEVICE_REG:
		sprintf(text, "device %u '%s'", message.device.operation, message.device.name);
		break;
	case VOTEQUORUM_RING_QDEVICE_RECONFIGURE:
		sprintf(text, "rename '%s' '%s'", message.rename.old_name, message.rename.new_name);
		break;
	default:
		ck_abort_msg("message %u", sent->list[index].id);
	}
	return text;
}
