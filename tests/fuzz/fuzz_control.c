/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the control service. Clients send texts and requests for keys. Changes of plugins end at once, later or never.
 * Other nodes send lists, requests and answers. The plugin is replaced by new versions.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "services/control/messages.h"
#include "tests/fuzz/service.h"

extern const struct coterie_plugin control_LTX_coterie_plugin;

#define CHANGES_MAX 8u
#define ANSWER_MAX 64u

/* Changes of plugins under way, oldest first. */
static struct {
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
} changes[CHANGES_MAX];
static uint32_t change_count;

static int change_rc; /* result of the next change, 1: it ends at once */

static int change(void (*done)(void *arg, int rc, const char *text), void *arg)
{
	if (change_rc == 1) {
		done(arg, -EALREADY, "another is under way");
		return 0;
	}
	if (change_rc < 0 || change_count == CHANGES_MAX)
		return -ENOMEM;
	changes[change_count].done = done;
	changes[change_count++].arg = arg;
	return 0;
}

/* Read the whole text, so that a sanitizer sees invalid memory. */
static void read_text(const char *text) { FUZZ_CHECK(text == NULL || strlen(text) <= CONTROL_WORDS_SIZE_MAX); }

static int load(struct coterie_ctx *host, const char *what, const char *const *options, uint32_t count,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)host;
	FUZZ_CHECK(*what != '\0' && count < CONTROL_WORDS_MAX);
	read_text(what);
	for (uint32_t i = 0; i < count; i++)
		read_text(options[i]);
	return change(done, arg);
}

static int unload(struct coterie_ctx *host, const char *name, uint32_t drain_ms,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)host, (void)drain_ms;
	FUZZ_CHECK(*name != '\0');
	return change(done, arg);
}

static int replace(struct coterie_ctx *host, const char *name, const char *path, uint32_t forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)host, (void)forced;
	FUZZ_CHECK(*name != '\0');
	read_text(path);
	return change(done, arg);
}

/* Prepare the host: a key of each type, and the transport's status of two nodes. */
static void prepare(struct coterie_ctx *host)
{
	static const char *const addresses[] = {"10.0.0.1", "fd00::1"};
	static const uint32_t sizes[] = {[COTERIE_MAP_I8] = 1,
		[COTERIE_MAP_U8] = 1,
		[COTERIE_MAP_I16] = 2,
		[COTERIE_MAP_U16] = 2,
		[COTERIE_MAP_I32] = 4,
		[COTERIE_MAP_U32] = 4,
		[COTERIE_MAP_I64] = 8,
		[COTERIE_MAP_U64] = 8,
		[COTERIE_MAP_FLOAT] = 4,
		[COTERIE_MAP_DOUBLE] = 8,
		[COTERIE_MAP_STRING] = 5,
		[COTERIE_MAP_BINARY] = 8};
	char key[32];

	change_count = 0;
	change_rc = 0;
	host->table.plugin_load = load;
	host->table.plugin_unload = unload;
	host->table.plugin_replace = replace;
	for (uint32_t type = COTERIE_MAP_I8; type <= COTERIE_MAP_BINARY; type++) {
		snprintf(key, sizeof(key), "test.%u", type);
		host->table.map_set(host, key, type, "some\0\1\2", sizes[type]);
	}
	for (uint32_t nodeid = 1; nodeid <= 2; nodeid++) {
		struct coterie_node_status status = {.size = sizeof(status), .nodeid = nodeid, .is_reachable = 1};

		status.links[0].is_enabled = 1;
		mock_node_status(host, &status);
		mock_node_addresses(host, nodeid, addresses, nodeid);
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", nodeid);
		host->table.map_set(host, key, COTERIE_MAP_U32, &nodeid, sizeof(nodeid));
	}
}

/* --- clients --- */

static void ask_with_words(struct fuzz_world *world, struct script *script, uint32_t i, uint32_t id)
{
	static const char words[] = "kv\0a=b\0/tmp/x\0\0";
	union {
		struct control_req req;
		uint8_t bytes[sizeof(struct control_req) + sizeof(words)];
	} request = {.bytes = {0}};
	uint8_t how = script_u8(script);
	size_t size = how % (sizeof(words) + 1);

	memcpy(request.req.words, words, size);
	request.req.flags = how >> 6;
	for (size_t at = 0; at < size; at++)
		request.req.word_count += words[at] == '\0';
	if ((how & 32u) != 0)
		request.req.word_count = script_u32(script);
	size += sizeof(request.req);
	request.req.header.id = (int32_t)id;
	request.req.header.size = (int32_t)size;
	fuzz_request(world, i, &request, size);
}

static void deliver(
	struct fuzz_world *world, uint32_t nodeid, bool is_swapped, uint32_t function, const void *bytes, size_t size)
{
	struct mock_message message = {.id = function, .size = (uint32_t)size};

	message.data = malloc(size + 1); /* one byte more than the message: a sanitizer sees a read beyond it */
	FUZZ_CHECK(message.data != NULL);
	if (size > 0)
		memcpy(message.data, bytes, size);
	(void)mock_deliver(world->ops, world->self, nodeid, is_swapped, &message);
	free(message.data);
}

/* Let a client ask for keys. Mostly the node that is asked has been announced before. */
static void ask_for_keys(struct fuzz_world *world, struct script *script, uint32_t i)
{
	struct control_req_keys req = {.header = {.id = CONTROL_REQ_KEYS, .size = sizeof(req)}};
	uint8_t how = script_u8(script);

	req.nodeid = how % 8u;
	if (how / 8u % 4u != 3)
		deliver(world, req.nodeid, false, CONTROL_RING_PLUGINS, "control", 8);
	req.map = how / 8u % 4u;
	memset(req.prefix, 't', how / 32u % 2u * (how / 64u == 3 ? sizeof(req.prefix) : 1u));
	fuzz_request(world, i, &req, sizeof(req));
}

static void end_change(struct script *script)
{
	uint8_t how = script_u8(script);

	change_rc = how % 4u == 0 ? 1 : how % 4u == 1 ? -ENOMEM : 0;
	if (change_count == 0)
		return;
	change_count--;
	changes[change_count].done(changes[change_count].arg, how % 3u == 0 ? -ENOENT : 0, "why");
}

/* End the reading of a reload. */
static void end_reload(struct fuzz_world *world, uint8_t choice)
{
	world->host->prepare_rc = (choice & 128u) != 0 ? -EALREADY : 0;
	world->host->commit_rc = (choice & 64u) != 0 ? -EINVAL : 0;
	if (world->host->prepare_count > 0)
		mock_prepare_done(world->host, choice % 4u == 0 ? -EINVAL : 0, "change a 1 -> 2\n");
}

static void client(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	uint32_t i = choice % FUZZ_CLIENTS, id = choice / FUZZ_CLIENTS % 8u;

	if (id == CONTROL_REQ_KEYS)
		ask_for_keys(world, script, i);
	else if (id < CONTROL_REQ_KEYS)
		ask_with_words(world, script, i, id);
	else if (id == CONTROL_REQ_KEYS + 1)
		end_change(script);
	else
		end_reload(world, choice);
}

/* --- the ring --- */

static void be_asked(struct fuzz_world *world, struct script *script, uint32_t nodeid, bool is_swapped)
{
	struct control_ring_ask ask = {.nodeid = world->host->nodeid, .number = script_u8(script)};
	uint8_t how = script_u8(script);

	ask.map = how % 4u;
	memset(ask.prefix, 't', how / 4u % 2u * (how / 64u == 3 ? sizeof(ask.prefix) : 1u));
	if (is_swapped) {
		ask.nodeid = __builtin_bswap32(ask.nodeid);
		ask.map = __builtin_bswap32(ask.map);
	}
	deliver(world, nodeid, is_swapped, CONTROL_RING_ASK, &ask.nodeid, sizeof(ask) - sizeof(ask.header));
}

/* Deliver an answer of the node to the question that this node sent last. */
static void be_answered(struct fuzz_world *world, struct script *script, uint32_t nodeid)
{
	struct {
		struct control_ring_keys head;
		uint8_t text[ANSWER_MAX];
	} answer = {.head = {.nodeid = world->host->nodeid}};
	size_t size = script_u8(script) % (ANSWER_MAX + 1);
	const uint8_t *bytes = script_bytes(script, &size);

	for (uint32_t i = 0; i < world->host->sent.count; i++)
		if (world->host->sent.list[i].id == CONTROL_RING_ASK)
			memcpy(&answer.head.number, world->host->sent.list[i].data + sizeof(uint32_t),
				sizeof(uint32_t));
	if (size > 0)
		memcpy(answer.text, bytes, size);
	if (size > 0 && script_u8(script) % 4u != 0)
		answer.text[size - 1] = '\0';
	deliver(world, nodeid, false, CONTROL_RING_KEYS, &answer.head.nodeid,
		sizeof(answer.head) - sizeof(answer.head.header) + size);
}

static void be_told(struct fuzz_world *world, struct script *script, uint32_t nodeid)
{
	static const char names[] = "cpg\0kv\0udpu";

	deliver(world, nodeid, false, CONTROL_RING_PLUGINS, names, script_u8(script) % (sizeof(names) + 1));
}

static uint32_t read_kind(void *arg, void *value)
{
	(void)arg;
	memcpy(value, "service", 8);
	return 8;
}

/* Load or unload a plugin by its statistics keys. Without cfg there are no reloads. */
static void plugin_key(struct fuzz_world *world, uint8_t choice)
{
	static const char *const keys[] = {"stats.plugins.kv.kind", "stats.plugins.cfg.kind", "stats.plugins.kv.state"};
	const char *key = keys[choice % 3u];

	world->host->table.stat_del(world->host, key);
	if ((choice & 4u) != 0)
		(void)world->host->table.stat_add(world->host, key, COTERIE_MAP_STRING, read_kind, NULL);
}

/*
 * Replace the plugin. Clients that wait for a reload are disconnected with the old version, and the executive's result
 * of it is lost.
 */
static void take_over(struct fuzz_world *world, bool is_thorough)
{
	if (change_count > 0)
		return;
	world->host->prepare_count = 0;
	(void)mock_replace(world->host, world->ops, &world->self, is_thorough);
}

static void ring(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	uint32_t nodeid = 1 + choice / 8u % 4u;

	switch (choice % 8u) {
	case 0:
	case 1:
		be_told(world, script, nodeid);
		break;
	case 2:
		be_asked(world, script, nodeid, (choice & 128u) != 0);
		break;
	case 3:
	case 4:
		be_answered(world, script, nodeid);
		break;
	case 5:
		plugin_key(world, choice / 8u);
		break;
	case 6:
		(void)world->ops->drain(world->self);
		break;
	default:
		take_over(world, (choice & 128u) != 0);
		break;
	}
}

const struct fuzz_service fuzz_service = {
	.plugin = &control_LTX_coterie_plugin,
	.prepare = prepare,
	.own = client,
	.own_too = ring,
};
