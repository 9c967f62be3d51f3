/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the service cfg: status, shutdowns, reloads, changes of the key and their ends, nodes that are members and are
 * killed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "services/cfg/cfg.h"
#include "tests/fuzz/service.h"

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

#define NODES 4u

/*
 * Prepare the host: every other node is a member, its addresses are known, and it has a status (with knet one for each
 * link).
 */
static void prepare(struct coterie_ctx *host)
{
	static const char *const addresses[] = {"10.0.0.1", "fd00::1"};
	char key[64];

	for (uint32_t nodeid = 1; nodeid <= NODES; nodeid++) {
		struct coterie_node_status status = {
			.size = sizeof(status), .nodeid = nodeid, .is_reachable = nodeid % 2};

		mock_node_status(host, &status);
		mock_node_addresses(host, nodeid, addresses, nodeid % 3);
		snprintf(key, sizeof(key), "runtime.members.%u.status", nodeid);
		if (nodeid % 2 != 0)
			host->table.map_set(host, key, COTERIE_MAP_STRING, "joined", 7);
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", nodeid);
		host->table.map_set(host, key, COTERIE_MAP_U32, &nodeid, sizeof(nodeid));
	}
}

/* Finish the reading of the file, sometimes with new keys, which the transport accepts or refuses. */
static void finish_reload(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	(void)script;
	world->host->rekey_rc = (choice & 64) != 0 ? -EIO : 0;
	mock_key(world->host, &choice, (choice & 32) != 0);
	if ((choice & 128) != 0)
		mock_rekey(world->host);
	world->host->is_safe_kept = (choice & 16) == 0;
	world->host->commit_rc = (choice & 8) != 0 ? -EINVAL : 0;
	world->host->key_commit_rc = (choice & 8) == 0 ? 0 : (choice & 16) != 0 ? -EIO : -EINVAL;
	world->host->is_key_ignored = (choice & 4) != 0;
	if (world->host->prepare_count > 0)
		mock_prepare_done(world->host, choice % 3 == 0 ? -EINVAL : 0, "change a 1 -> 2\n");
	if (world->host->reload_count > 0)
		mock_reload_done(world->host, choice % 3 == 0 ? 0 : choice % 3 == 1 ? -EINVAL : -ENOMEM, "");
}

/* Send a new key of the ring. It is valid if this node sends it, and invalid from other nodes. */
static void send_key(struct fuzz_world *world, uint32_t from, uint64_t number)
{
	struct cfg wrapper = {.host = &world->host->table, .ctx = world->host};
	struct cfg_ring_key_rotate rotate = {.number = number};
	uint8_t key[CFG_KEY_SIZE] = {0};
	struct mock_message message = {.id = CFG_RING_KEY_ROTATE,
		.data = (uint8_t *)&rotate + sizeof(rotate.header),
		.size = (uint32_t)(sizeof(rotate) - sizeof(rotate.header))};

	(void)cfg_wrap_seal(&wrapper, key, &rotate.key);
	mock_deliver(world->ops, world->self, from, false, &message);
}

static void expire(struct fuzz_world *world, uint32_t from, uint32_t choice)
{
	struct cfg_ring_reload_expire order = {.number = choice % 4u, .asker = choice / 4u % NODES + 1};
	struct mock_message message = {.id = CFG_RING_RELOAD_EXPIRE,
		.data = (uint8_t *)&order + sizeof(order.header),
		.size = (uint32_t)(sizeof(order) - sizeof(order.header))};

	mock_deliver(world->ops, world->self, from, false, &message);
}

/* Deliver a message of a member about a running round, or let an operator start one. */
static void speak(struct fuzz_world *world, uint8_t choice)
{
	uint32_t from = choice / 8u % NODES + 1;

	if (choice % 8u == 6) {
		send_key(world, from, choice / 32u % 4);
		return;
	}
	if (choice % 8u == 0) {
		expire(world, from, choice / 16u);
		return;
	}
	for (uint64_t number = 1; number <= 8; number++) {
		struct cfg_ring_reload_word word = {
			.number = number, .asker = world->host->nodeid, .stage = choice % 8u};
		struct cfg_ring_reload_order order = {.number = number, .order = choice % 3u + 1};
		bool is_word = choice % 8u != 7;
		struct mock_message message = {.id = is_word ? CFG_RING_RELOAD_WORD : CFG_RING_RELOAD_ORDER,
			.data = (is_word ? (uint8_t *)&word : (uint8_t *)&order) + sizeof(word.header),
			.size = (uint32_t)((is_word ? sizeof(word) : sizeof(order)) - sizeof(word.header))};

		mock_deliver(world->ops, world->self, from, false, &message);
	}
}

/* Let a client track, ask for or answer a shutdown. Random requests alone would rarely produce a vote. */
static void vote(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	struct cfg_req_try_shutdown message = {.header = {.size = sizeof(message)}, .flags = choice / 16u % 4};
	static const int32_t ids[] = {CFG_REQ_TRACKSTART, CFG_REQ_TRY_SHUTDOWN, CFG_REQ_REPLY_TO_SHUTDOWN,
		CFG_REQ_TRACKSTOP, CFG_REQ_KEY_ROTATE};

	(void)script;
	if (choice >= 128) {
		speak(world, choice);
		return;
	}
	message.header.id = ids[choice / FUZZ_CLIENTS % 5];
	fuzz_request(world, choice % FUZZ_CLIENTS, &message, sizeof(message));
}

const struct fuzz_service fuzz_service = {
	.plugin = &cfg_LTX_coterie_plugin,
	.prepare = prepare,
	.own = finish_reload,
	.own_too = vote,
};
