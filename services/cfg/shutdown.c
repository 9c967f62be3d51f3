/* SPDX-License-Identifier: BSD-3-Clause */
/* Shutdown of the daemon, with votes of the clients that track shutdowns (book services, "cfg"). */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <syslog.h>

#define CS_OK 1
#define CS_ERR_BUSY 10

#define SHUTDOWN_TIMEOUT_MS 5000u /* used if the map has no cfg.shutdown_timeout */
#define RETRY_NS UINT64_C(10000000)
#define NS_PER_MS UINT64_C(1000000)

/* ---- The message on the ring --------------------------------------------- */

static int send_shutdown(struct cfg *cfg)
{
	return cfg->host->ring_send(cfg->ctx, CFG_RING_SHUTDOWN, COTERIE_SAFE, NULL, 0);
}

/* Send SHUTDOWN. If the ring has no room, try again later. */
static void insist_on_shutdown(void *arg)
{
	struct cfg *cfg = arg;

	cfg->shutdown_retry = NULL;
	if (send_shutdown(cfg) == 0)
		return;
	if (cfg->host->timer_add(cfg->ctx, cfg->host->now_ns(cfg->ctx) + RETRY_NS, insist_on_shutdown, cfg,
		    &cfg->shutdown_retry) < 0) {
		cfg->shutdown_retry = NULL;
		cfg->host->stop(cfg->ctx); /* stop without the message: the client was answered that the daemon stops */
	}
}

void cfg_deliver_shutdown(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;

	(void)msg, (void)size;
	cfg->host->log(cfg->ctx, LOG_NOTICE, "Node %u was shut down by sysadmin", nodeid);
	if (nodeid == cfg->host->local_nodeid(cfg->ctx))
		cfg->host->stop(cfg->ctx);
}

/* ---- The vote ------------------------------------------------------------ */

/* Return whether a client has to answer. The asker does not: its request means that it agrees. */
static bool has_vote(const struct cfg *cfg, const struct cfg_connection *connection)
{
	return connection->is_tracking && connection != cfg->vote.asker;
}

static void end_vote(struct cfg *cfg)
{
	cfg->host->timer_del(cfg->ctx, cfg->vote.timer);
	cfg->vote = (struct cfg_vote){0};
}

static void decide(struct cfg *cfg, bool is_agreed)
{
	struct coterie_client *asker = cfg->vote.asker->client;
	bool goes_ahead = is_agreed || cfg->vote.flags == CFG_SHUTDOWN_REGARDLESS;

	end_vote(cfg);
	cfg->host->reply(asker, CFG_RES_TRY_SHUTDOWN, goes_ahead ? CS_OK : CS_ERR_BUSY, NULL, 0);
	if (goes_ahead && cfg->shutdown_retry == NULL)
		insist_on_shutdown(cfg);
}

/* End the vote if all trackers have answered. */
static void count_votes(struct cfg *cfg)
{
	bool is_agreed = true;

	if (cfg->vote.asker == NULL)
		return;
	for (const struct cfg_connection *one = cfg->connections; one != NULL; one = one->next) {
		if (!has_vote(cfg, one))
			continue;
		if (one->answer == CFG_NOT_ANSWERED)
			return;
		is_agreed = is_agreed && one->answer == CFG_ANSWERED_YES;
	}
	decide(cfg, is_agreed);
}

static void on_timeout(void *arg)
{
	struct cfg *cfg = arg;

	cfg->vote.timer = NULL;
	decide(cfg, false);
}

static struct cfg_connection *next_to_ask(struct cfg *cfg)
{
	struct cfg_connection *one = cfg->connections;

	while (one != NULL && (one->is_asked || !has_vote(cfg, one)))
		one = one->next;
	return one;
}

/*
 * Send the event to all trackers. A client that cannot be sent the event is disconnected at once. That changes the list
 * and may end the vote, so search from the start of the list after each event.
 */
static void ask_trackers(struct cfg *cfg)
{
	struct cfg_event_test_shutdown event = {.flags = cfg->vote.flags};
	struct iovec iov = {(uint8_t *)&event + sizeof(event.header), sizeof(event) - sizeof(event.header)};
	struct cfg_connection *one;

	while (cfg->vote.asker != NULL && (one = next_to_ask(cfg)) != NULL) {
		one->is_asked = true;
		cfg->host->event(one->client, CFG_EVENT_TEST_SHUTDOWN, &iov, 1);
	}
}

static uint32_t timeout_ms(struct cfg *cfg)
{
	const void *value;
	uint32_t type;

	if (cfg->host->map_get(cfg->ctx, "cfg.shutdown_timeout", &type, &value, NULL) < 0 || type != COTERIE_MAP_U32)
		return SHUTDOWN_TIMEOUT_MS;
	return *(const uint32_t *)value;
}

static int start_vote(struct cfg *cfg, struct cfg_connection *asker, uint32_t flags)
{
	uint64_t at_ns = cfg->host->now_ns(cfg->ctx) + timeout_ms(cfg) * NS_PER_MS;
	int rc = cfg->host->timer_add(cfg->ctx, at_ns, on_timeout, cfg, &cfg->vote.timer);

	if (rc < 0) {
		cfg->vote.timer = NULL;
		return rc;
	}
	cfg->vote.asker = asker;
	cfg->vote.flags = flags;
	for (struct cfg_connection *one = cfg->connections; one != NULL; one = one->next) {
		one->is_asked = false;
		one->answer = CFG_NOT_ANSWERED;
	}
	ask_trackers(cfg);
	return COTERIE_LATER;
}

/* ---- Requests ------------------------------------------------------------ */

int cfg_handle_try_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_connection *asker = cfg_connection_of(cfg, client);
	struct cfg_req_try_shutdown req;

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));
	if (req.flags == CFG_SHUTDOWN_IMMEDIATE)
		return send_shutdown(cfg);
	if (cfg->vote.asker != NULL)
		return -EEXIST;
	for (const struct cfg_connection *one = cfg->connections; one != NULL; one = one->next) {
		if (one->is_tracking && one != asker)
			return start_vote(cfg, asker, req.flags);
	}
	return send_shutdown(cfg);
}

int cfg_handle_reply_to_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_connection *connection = cfg_connection_of(cfg, client);
	struct cfg_req_reply_to_shutdown req;

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));
	if (cfg->vote.asker == NULL || !has_vote(cfg, connection))
		return -EACCES;
	connection->answer = req.response != 0 ? CFG_ANSWERED_YES : CFG_ANSWERED_NO;
	count_votes(cfg);
	return 0;
}

int cfg_handle_trackstart(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_connection *connection = cfg_connection_of(cfg, client);

	(void)msg, (void)size;
	if (connection->is_tracking)
		return 0;
	connection->is_tracking = true;
	connection->is_asked = false;
	connection->answer = CFG_NOT_ANSWERED;
	/* Send the event of a running vote only after the answer to this request. */
	cfg->host->reply(client, CFG_RES_TRACKSTART, CS_OK, NULL, 0);
	ask_trackers(cfg);
	return COTERIE_REPLIED;
}

int cfg_handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;

	(void)msg, (void)size;
	cfg_tracker_leave(cfg, cfg_connection_of(cfg, client));
	return 0;
}

void cfg_tracker_leave(struct cfg *cfg, struct cfg_connection *connection)
{
	if (!connection->is_tracking)
		return;
	connection->is_tracking = false;
	count_votes(cfg); /* the vote may now be complete, since a tracker that has left does not object */
}

void cfg_asker_leave(struct cfg *cfg, const struct cfg_connection *connection)
{
	if (cfg->vote.asker == connection)
		end_vote(cfg);
}
