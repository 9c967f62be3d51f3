/* The cfg service: status, shutdowns, reloads and their ends, nodes that are members and are
 * killed. */
#include <errno.h>
#include <stdio.h>

#include "services/cfg/messages.h"
#include "tests/fuzz/service.h"

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

#define NODES 4u

/* Every other node is a member, knows its addresses and has a status; knet has one for each link.
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

/* The executive has read a file, perhaps with new keys, which the transport takes or not. */
static void finish_reload(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	(void)script;
	world->host->rekey_rc = (choice & 64) != 0 ? -EIO : 0;
	mock_key(world->host, &choice, (choice & 32) != 0);
	if ((choice & 128) != 0)
		mock_rekey(world->host);
	if (world->host->reload_count > 0)
		mock_reload_done(world->host,
			choice % 3 == 0   ? 0
			: choice % 3 == 1 ? -EINVAL
					  : -ENOMEM,
			"");
}

/* A vote, which chance alone seldom makes: somebody tracks, asks or answers. */
static void vote(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	struct cfg_req_try_shutdown message = {
		.header = {.size = sizeof(message)}, .flags = choice / 16u % 4};
	static const int32_t ids[] = {CFG_REQ_TRACKSTART, CFG_REQ_TRY_SHUTDOWN,
		CFG_REQ_REPLY_TO_SHUTDOWN, CFG_REQ_TRACKSTOP};

	(void)script;
	message.header.id = ids[choice / FUZZ_CLIENTS % 4];
	fuzz_request(world, choice % FUZZ_CLIENTS, &message, sizeof(message));
}

const struct fuzz_service fuzz_service = {
	.plugin = &cfg_LTX_coterie_plugin,
	.prepare = prepare,
	.own = finish_reload,
	.own_too = vote,
};
