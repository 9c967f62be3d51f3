/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reload for rings with a Corosync node. All nodes read their configuration again, at the same place of the order.
 * Each node decides about its own file (book services, "cfg"), as Corosync nodes do. agree.c describes the reload of
 * other rings.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define CS_OK 1
#define CS_ERR_INVALID_PARAM 7
#define CS_ERR_NO_MEMORY 8

static struct cfg_reload *reload_create(struct cfg *cfg, struct coterie_client *client)
{
	struct cfg_reload *reload = calloc(1, sizeof(*reload));
	struct cfg_reload **end = &cfg->reloads;

	if (reload == NULL)
		return NULL;
	while (*end != NULL)
		end = &(*end)->next;
	reload->cfg = cfg;
	reload->client = client;
	*end = reload;
	return reload;
}

static void reload_destroy(struct cfg_reload *reload)
{
	struct cfg_reload **place = &reload->cfg->reloads;

	while (*place != reload)
		place = &(*place)->next;
	*place = reload->next;
	free(reload);
}

/* Return the reload of this node with that cookie whose message has not come yet, or NULL. */
static struct cfg_reload *find_own(const struct cfg *cfg, uint64_t cookie)
{
	struct cfg_reload *reload = cfg->reloads;

	while (reload != NULL && (reload->cookie != cookie || reload->is_delivered))
		reload = reload->next;
	return reload;
}

/* Return whether the file will be read for a message that has been delivered. Another one then changes nothing. */
static bool is_any_waiting(const struct cfg *cfg)
{
	for (const struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next)
		if (one->is_delivered && !one->is_read)
			return true;
	return false;
}

/* Return the oldest reload for which the file was read, or NULL. */
static struct cfg_reload *find_read(const struct cfg *cfg)
{
	struct cfg_reload *reload = cfg->reloads;

	while (reload != NULL && !reload->is_read)
		reload = reload->next;
	return reload;
}

const char *cfg_reload_error(struct cfg *cfg)
{
	uint32_t type, size;
	const void *value;
	int rc = cfg->host->map_get(cfg->ctx, "config.reload_error_message", &type, &value, &size);

	return rc == 0 && type == COTERIE_MAP_STRING ? value : NULL;
}

/* Send a report that contains only this node, since other nodes do not send their results. */
static void report(struct cfg *cfg, struct coterie_client *client, int rc, const char *text)
{
	struct cfg_round *round = cfg_round_create(cfg, 0, 0, true);

	if (round == NULL) {
		cfg->host->reply(client, CFG_RES_RELOAD_REPORT, CS_ERR_NO_MEMORY, NULL, 0);
		return;
	}
	cfg_round_take(round->members, CFG_STAGE_HEARD, "", 0);
	cfg_round_take(round->members, rc == 0 ? CFG_STAGE_READY : CFG_STAGE_REFUSED, text, (uint32_t)strlen(text));
	const char *error = rc == 0 ? cfg_reload_error(cfg) : NULL;

	if (error != NULL)
		cfg_round_take(round->members, CFG_STAGE_FAILED, error, (uint32_t)strlen(error));
	else if (rc == 0)
		cfg_round_take(round->members, CFG_STAGE_APPLIED, "", 0);
	cfg_round_report(cfg, round, client, CFG_RES_RELOAD_REPORT, CFG_OUTCOME_EACH);
	cfg_round_destroy(round);
}

static void on_done(void *arg, int rc, const char *text)
{
	struct cfg *cfg = arg;
	int32_t error = rc == 0 ? CS_OK : rc == -ENOMEM ? CS_ERR_NO_MEMORY : CS_ERR_INVALID_PARAM;
	struct cfg_reload *reload;

	cfg->is_reading = false;
	while ((reload = find_read(cfg)) != NULL) {
		struct coterie_client *client = reload->client;
		bool wants_report = reload->wants_report;

		reload_destroy(reload);
		if (client != NULL && wants_report)
			report(cfg, client, rc, text);
		else if (client != NULL)
			cfg->host->reply(client, CFG_RES_RELOAD_CONFIG, error, NULL, 0);
	}
	cfg_rekey_reload_ends(cfg);
	cfg_reload_next(cfg);
}

int cfg_reload_start(struct cfg *cfg, uint32_t flags, void (*done)(void *arg, int rc, const char *text))
{
	const struct coterie_host *host = cfg->host;

	if (COTERIE_HAS(host, reload_with))
		return host->reload_with(cfg->ctx, flags, done, cfg);
	if ((flags & COTERIE_RELOAD_PREPARE) != 0)
		return host->reload_prepare(cfg->ctx, done, cfg);
	return host->reload(cfg->ctx, done, cfg);
}

void cfg_reload_next(struct cfg *cfg)
{
	cfg_agreement_next(cfg);
	if (cfg->is_reading || cfg_agreement_is_busy(cfg) || !is_any_waiting(cfg) || !cfg_rekey_allows_reload(cfg))
		return;
	for (struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next)
		one->is_read = one->is_delivered;
	cfg->is_reading = true;

	/* Force the reload, since Corosync nodes also apply a file in which a running node is missing. */
	int rc = cfg_reload_start(cfg, COTERIE_RELOAD_FORCED, on_done);

	if (rc < 0)
		on_done(cfg, rc, "");
}

int cfg_reload_send(struct cfg *cfg, struct coterie_client *client, bool wants_report)
{
	struct cfg_reload *reload = reload_create(cfg, client);

	if (reload == NULL)
		return -ENOMEM;
	reload->wants_report = wants_report;
	reload->cookie = cfg->next_cookie++;

	struct cfg_ring_reload_config message = {.nodeid = cfg->host->local_nodeid(cfg->ctx), .cookie = reload->cookie};
	struct iovec iov = {(uint8_t *)&message + sizeof(message.header), sizeof(message) - sizeof(message.header)};
	int rc = cfg->host->ring_send(cfg->ctx, CFG_RING_RELOAD_CONFIG, COTERIE_SAFE, &iov, 1);

	if (rc < 0)
		reload_destroy(reload);
	return rc;
}

int cfg_handle_reload_config(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	int rc = cfg_agreement_ask(self, client, CFG_RES_RELOAD_CONFIG, 0);

	(void)msg, (void)size;
	return rc < 0 ? rc : COTERIE_LATER;
}

int cfg_handle_reload_report(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg_req_reload_report req;

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));
	int rc = cfg_agreement_ask(
		self, client, CFG_RES_RELOAD_REPORT, req.flags & (uint32_t)(CFG_RELOAD_CHECK | CFG_RELOAD_FORCE));

	return rc < 0 ? rc : COTERIE_LATER;
}

void cfg_swap_reload_config(void *msg, uint32_t size)
{
	struct cfg_ring_reload_config *message = msg;

	(void)size;
	message->nodeid = __builtin_bswap32(message->nodeid);
	message->cookie = __builtin_bswap64(message->cookie);
}

void cfg_deliver_reload_config(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_config *message = msg;
	bool is_ours = nodeid == cfg->host->local_nodeid(cfg->ctx);
	struct cfg_reload *reload = is_ours ? find_own(cfg, message->cookie) : NULL;

	(void)size;
	cfg_rekey_reload_asked(cfg);
	/* However many messages come while the file cannot be read, one reload answers them all. */
	if (reload == NULL && is_any_waiting(cfg))
		return;
	cfg->host->log(cfg->ctx, LOG_NOTICE, "Config reload requested by node %u", nodeid);
	cfg->host->log(cfg->ctx, LOG_INFO,
		"Nodes of Corosync's are in the ring: each node takes its own file, whatever the others do");
	if (reload == NULL)
		reload = reload_create(cfg, NULL);
	if (reload == NULL) {
		cfg->host->log(cfg->ctx, LOG_ERR, "Unable to reload config file: out of memory");
		return;
	}
	reload->is_delivered = true;
	cfg_reload_next(cfg);
}

void cfg_reloads_forget(struct cfg *cfg, const struct coterie_client *client)
{
	for (struct cfg_reload *one = cfg->reloads; one != NULL; one = one->next) {
		if (one->client == client)
			one->client = NULL;
	}
}

void cfg_reloads_free(struct cfg *cfg)
{
	while (cfg->reloads != NULL)
		reload_destroy(cfg->reloads);
}
