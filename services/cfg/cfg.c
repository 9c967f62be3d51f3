/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration service. It reports the state of nodes and links, kills a node, stops the daemon if the tracking
 * clients agree, reads the configuration again and reopens the log files.
 */
#include "services/cfg/cfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define CS_OK 1
#define EXIT_KILLED 255

struct cfg_connection *cfg_connection_of(struct cfg *cfg, struct coterie_client *client)
{
	return cfg->host->client_data(client);
}

void cfg_snapshot(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	/* Without this line the compiler may read `from` again where `to` is used. */
	__asm__ volatile("" : : "r"(to) : "memory");
}

/* ---- Connections --------------------------------------------------------- */

static int cfg_client_join(void *self, struct coterie_client *client)
{
	struct cfg *cfg = self;
	struct cfg_connection *connection = cfg_connection_of(cfg, client);

	memset(connection, 0, sizeof(*connection));
	connection->client = client;
	connection->next = cfg->connections;
	if (cfg->connections != NULL)
		cfg->connections->previous = connection;
	cfg->connections = connection;
	return 0;
}

static void cfg_client_leave(void *self, struct coterie_client *client)
{
	struct cfg *cfg = self;
	struct cfg_connection *connection = cfg_connection_of(cfg, client);

	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		cfg->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	cfg_reloads_forget(cfg, client);
	cfg_agreement_forget(cfg, client);
	cfg_asker_leave(cfg, connection);
	cfg_tracker_leave(cfg, connection);
}

/* ---- Small requests ------------------------------------------------------ */

static int handle_ring_reenable(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	return -ENOTSUP;
}

static int handle_local_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_res_local_get res = {.nodeid = cfg->host->local_nodeid(cfg->ctx)};
	struct iovec iov = {(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)};

	(void)msg, (void)size;
	cfg->host->reply(client, CFG_RES_LOCAL_GET, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int handle_reopen_log_files(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;

	(void)client, (void)msg, (void)size;
	return cfg->host->log_reopen(cfg->ctx);
}

/* ---- Killing a node ------------------------------------------------------ */

/* Take the members from the ring and not from the map, in which clients may write the keys of runtime.members. */
static bool is_member(struct cfg *cfg, uint32_t nodeid)
{
	const uint32_t *members;
	uint32_t count;

	cfg->host->membership(cfg->ctx, NULL, &members, &count);
	for (uint32_t i = 0; i < count; i++)
		if (members[i] == nodeid)
			return true;
	return false;
}

static int handle_kill_node(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_req_kill_node req;
	struct cfg_ring_kill_node kill;

	(void)client, (void)size;
	cfg_snapshot(&req, msg, sizeof(req));
	if (req.reason.length > CFG_REASON_SIZE)
		return -EINVAL;
	if (!is_member(cfg, req.nodeid))
		return -ENOENT;
	memset(&kill, 0, sizeof(kill));
	kill.nodeid = req.nodeid;
	kill.reason.length = req.reason.length;
	memcpy(kill.reason.text, req.reason.text, req.reason.length);

	struct iovec iov = {(uint8_t *)&kill + sizeof(kill.header), sizeof(kill) - sizeof(kill.header)};

	return cfg->host->ring_send(cfg->ctx, CFG_RING_KILL_NODE, COTERIE_SAFE, &iov, 1);
}

static void swap_kill_node(void *msg, uint32_t size)
{
	struct cfg_ring_kill_node *kill = msg;

	(void)size;
	kill->nodeid = __builtin_bswap32(kill->nodeid);
	kill->reason.length = __builtin_bswap16(kill->reason.length);
}

static void deliver_kill_node(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_kill_node *kill = msg;
	char text[CFG_REASON_SIZE + 1], reason[CFG_REASON_SIZE + 64];
	size_t length = kill->reason.length;

	(void)size;
	if (kill->nodeid != cfg->host->local_nodeid(cfg->ctx))
		return;
	if (length > CFG_REASON_SIZE)
		length = CFG_REASON_SIZE;
	length = strnlen(kill->reason.text, length);
	for (size_t i = 0; i < length; i++) /* the reason is printed in logs and on terminals */
		text[i] = iscntrl((unsigned char)kill->reason.text[i]) ? '?' : kill->reason.text[i];
	text[length] = '\0';
	snprintf(reason, sizeof(reason), "Killed by node %u : %s", nodeid, text);
	cfg->host->die(cfg->ctx, EXIT_KILLED, reason);
}

/* ---- Ring messages without effect ---------------------------------------- */

static void deliver_ignored(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self, (void)nodeid, (void)msg, (void)size;
}

/* ---- Life ---------------------------------------------------------------- */

static int cfg_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct cfg *cfg = calloc(1, sizeof(*cfg));

	if (cfg == NULL)
		return -ENOMEM;
	cfg->host = host;
	cfg->ctx = ctx;
	cfg->next_cookie = 1;
	cfg_agreement_init(cfg);

	int rc = cfg_status_init(cfg);

	if (rc < 0)
		goto release;
	rc = cfg_rekey_init(cfg);
	if (rc < 0)
		goto end_status;
	*self = cfg;
	return 0;
end_status:
	cfg_status_fini(cfg);
release:
	free(cfg);
	return rc;
}

static int cfg_drain(void *self)
{
	int rc = cfg_agreement_drain(self);

	return rc < 0 ? rc : cfg_rekey_drain(self);
}

/* The executive has ended all connections before this call. */
static void cfg_fini(void *self)
{
	struct cfg *cfg = self;

	cfg->host->timer_del(cfg->ctx, cfg->vote.timer);
	cfg->host->timer_del(cfg->ctx, cfg->shutdown_retry);
	cfg_agreement_fini(cfg);
	cfg_reloads_free(cfg);
	cfg_rekey_fini(cfg);
	cfg_status_fini(cfg);
	free(cfg);
}

static void cfg_dump(void *self)
{
	const struct cfg *cfg = self;
	uint32_t connections = 0, trackers = 0, reloads = cfg_agreement_count(cfg);

	for (const struct cfg_connection *one = cfg->connections; one != NULL; one = one->next) {
		connections++;
		trackers += one->is_tracking;
	}
	for (const struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next)
		reloads++;
	cfg->host->log(cfg->ctx, LOG_NOTICE, "%u clients, %u of them track shutdowns; %s; %u reloads under way; %s",
		connections, trackers,
		cfg->vote.asker != NULL ? "a shutdown is being decided" : "no shutdown is being decided", reloads,
		cfg_rekey_text(cfg));
}

#define FLOW COTERIE_NEEDS_FLOW
#define OBSERVES COTERIE_OBSERVES
#define ADMINISTERS COTERIE_ADMINISTERS

/* A client that tracks shutdowns can prevent them, so tracking needs the access right "use". */
static const struct coterie_request cfg_requests[] = {
	{CFG_REQ_RING_STATUS_GET, sizeof(struct cfg_req_plain), FLOW | OBSERVES, CFG_RES_RING_STATUS_GET,
		cfg_handle_ring_status_get},
	{CFG_REQ_RING_REENABLE, sizeof(struct cfg_req_plain), FLOW | ADMINISTERS, CFG_RES_RING_REENABLE,
		handle_ring_reenable},
	{CFG_REQ_KILL_NODE, sizeof(struct cfg_req_kill_node), FLOW | ADMINISTERS, CFG_RES_KILL_NODE, handle_kill_node},
	{CFG_REQ_TRY_SHUTDOWN, sizeof(struct cfg_req_try_shutdown), FLOW | ADMINISTERS, CFG_RES_TRY_SHUTDOWN,
		cfg_handle_try_shutdown},
	{CFG_REQ_REPLY_TO_SHUTDOWN, sizeof(struct cfg_req_reply_to_shutdown), FLOW, CFG_RES_REPLY_TO_SHUTDOWN,
		cfg_handle_reply_to_shutdown},
	{CFG_REQ_GET_NODE_ADDRS, sizeof(struct cfg_req_get_node_addrs), OBSERVES, CFG_RES_GET_NODE_ADDRS,
		cfg_handle_get_node_addrs},
	{CFG_REQ_LOCAL_GET, sizeof(struct cfg_req_plain), OBSERVES, CFG_RES_LOCAL_GET, handle_local_get},
	{CFG_REQ_RELOAD_CONFIG, sizeof(struct cfg_req_plain), FLOW | ADMINISTERS, CFG_RES_RELOAD_CONFIG,
		cfg_handle_reload_config},
	{CFG_REQ_REOPEN_LOG_FILES, sizeof(struct cfg_req_plain), ADMINISTERS, CFG_RES_REOPEN_LOG_FILES,
		handle_reopen_log_files},
	{CFG_REQ_NODE_STATUS_GET, sizeof(struct cfg_req_node_status_get), OBSERVES, CFG_RES_NODE_STATUS_GET,
		cfg_handle_node_status_get},
	{CFG_REQ_TRACKSTART, sizeof(struct cfg_req_trackstart), FLOW, CFG_RES_TRACKSTART, cfg_handle_trackstart},
	{CFG_REQ_TRACKSTOP, sizeof(struct cfg_req_plain), FLOW | OBSERVES, CFG_RES_TRACKSTOP, cfg_handle_trackstop},
	{CFG_REQ_RELOAD_REPORT, sizeof(struct cfg_req_reload_report), FLOW | ADMINISTERS, CFG_RES_RELOAD_REPORT,
		cfg_handle_reload_report},
	{CFG_REQ_KEY_ROTATE, sizeof(struct cfg_req_key_rotate), FLOW | ADMINISTERS, CFG_RES_KEY_ROTATE,
		cfg_handle_key_rotate},
};

static const struct coterie_ring_msg cfg_ring_msgs[] = {
	{CFG_RING_REENABLE, sizeof(struct cfg_ring_plain), NULL, deliver_ignored, NULL},
	{CFG_RING_KILL_NODE, sizeof(struct cfg_ring_kill_node), swap_kill_node, deliver_kill_node, NULL},
	{CFG_RING_SHUTDOWN, sizeof(struct cfg_ring_plain), NULL, cfg_deliver_shutdown, NULL},
	{CFG_RING_RELOAD_CONFIG, sizeof(struct cfg_ring_reload_config), cfg_swap_reload_config,
		cfg_deliver_reload_config, NULL},
	{CFG_RING_CRYPTO_RECONFIG, sizeof(struct cfg_ring_crypto_reconfig), cfg_swap_crypto_reconfig,
		cfg_deliver_crypto_reconfig, NULL},
	{CFG_RING_RELOAD_ASK, sizeof(struct cfg_ring_reload_ask), cfg_swap_reload_ask, cfg_deliver_reload_ask, NULL},
	{CFG_RING_RELOAD_WORD, sizeof(struct cfg_ring_reload_word), cfg_swap_reload_word, cfg_deliver_reload_word,
		NULL},
	{CFG_RING_RELOAD_ORDER, sizeof(struct cfg_ring_reload_order), cfg_swap_reload_order, cfg_deliver_reload_order,
		NULL},
	{CFG_RING_KEY_ROTATE, sizeof(struct cfg_ring_key_rotate), cfg_swap_key_rotate, cfg_deliver_key_rotate, NULL},
	{CFG_RING_RELOAD_EXPIRE, sizeof(struct cfg_ring_reload_expire), cfg_swap_reload_expire,
		cfg_deliver_reload_expire, NULL},
};

static const struct coterie_service cfg_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = CFG_SERVICE_ID,
	.ipc_name = "cfg",
	.title = "corosync configuration service",
	.client_size = sizeof(struct cfg_connection),
	.priority = 1,
	.init = cfg_init,
	.fini = cfg_fini,
	.client_join = cfg_client_join,
	.client_leave = cfg_client_leave,
	.configuration = cfg_configuration,
	.drain = cfg_drain,
	.state_save = cfg_state_save,
	.state_load = cfg_state_load,
	COTERIE_REQUESTS(cfg_requests),
	COTERIE_RING_MSGS(cfg_ring_msgs),
	.dump = cfg_dump,
};

COTERIE_PLUGIN(cfg, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "administration: status, killing nodes, shutdown by consent, reload, logs",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_ADMIN |
		 COTERIE_CAP_RIGHTS,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &cfg_ops);
