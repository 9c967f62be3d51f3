/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of connections in the statistics map: stats.ipcs.* (book configuration, "Statistics map").
 * The keys of a connection are added after its service has accepted it, and are removed before the
 * service is notified of its end.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/stats/stats.h"

#define KEY_MAX 256

enum field_id {
	DISPATCHED,
	FLOW_CONTROL,
	FLOW_CONTROL_COUNT,
	INVALID_REQUEST,
	OVERLOAD,
	PROCNAME,
	QUEUED,
	QUEUEING,
	RECV_RETRIES,
	REQUESTS,
	RESPONSES,
	SEND_RETRIES,
	SENT,
	FIELDS,
};

static const struct {
	const char *name;
	uint32_t type;
} fields[FIELDS] = {
	[DISPATCHED] = {"dispatched", COTERIE_MAP_U64},
	[FLOW_CONTROL] = {"flow_control", COTERIE_MAP_U32},
	[FLOW_CONTROL_COUNT] = {"flow_control_count", COTERIE_MAP_U64},
	[INVALID_REQUEST] = {"invalid_request", COTERIE_MAP_U64},
	[OVERLOAD] = {"overload", COTERIE_MAP_U64},
	[PROCNAME] = {"procname", COTERIE_MAP_STRING},
	[QUEUED] = {"queued", COTERIE_MAP_U32},
	[QUEUEING] = {"queueing", COTERIE_MAP_I32},
	[RECV_RETRIES] = {"recv_retries", COTERIE_MAP_U64},
	[REQUESTS] = {"requests", COTERIE_MAP_U64},
	[RESPONSES] = {"responses", COTERIE_MAP_U64},
	[SEND_RETRIES] = {"send_retries", COTERIE_MAP_U64},
	[SENT] = {"sent", COTERIE_MAP_U32},
};

struct ipc_stat {
	const struct coterie_client *client;
	enum field_id id;
};

static uint32_t put_u32(void *value, uint32_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

/* Read a counter that exec/qb keeps for the connection. */
static uint32_t read_protocol(const struct ipc_stat *stat, void *value)
{
	const struct qbs_stats *stats = qbs_stats(stat->client->connection);

	switch (stat->id) {
	case DISPATCHED:
		return stats_put_u64(value, stats->events + ipc_channel_dispatched(stat->client));
	case FLOW_CONTROL:
		return put_u32(value, stats->flow);
	case FLOW_CONTROL_COUNT:
		return stats_put_u64(value, stats->flow_count);
	case RECV_RETRIES:
		return stats_put_u64(value, stats->recv_retries);
	case REQUESTS:
		return stats_put_u64(value, stats->requests + ipc_channel_requests(stat->client));
	case RESPONSES:
		return stats_put_u64(value, stats->responses);
	default:
		return stats_put_u64(value, stats->send_retries);
	}
}

static uint32_t read_field(void *arg, void *value)
{
	const struct ipc_stat *stat = arg;
	const struct coterie_client *client = stat->client;

	switch (stat->id) {
	case INVALID_REQUEST:
		return stats_put_u64(value, client->invalid_requests);
	case OVERLOAD:
		return stats_put_u64(value, client->overloads);
	case PROCNAME:
		strcpy(value, client->process); /* at most 31 characters */
		return (uint32_t)strlen(client->process) + 1;
	case QUEUED:
		return put_u32(value, client->queued);
	case QUEUEING:
		return put_u32(value, client->backlog != NULL);
	case SENT:
		return put_u32(value, client->sent);
	default:
		return read_protocol(stat, value);
	}
}

static void make_key(const struct coterie_client *client, enum field_id id, char key[KEY_MAX])
{
	/* Corosync has an address here. That would tell observers where the daemon's memory is. */
	snprintf(key, KEY_MAX, "stats.ipcs.service%u.%u.0x%012" PRIx64 ".%s", client->server->plugin->service.ring_id,
		client->pid, client->id, fields[id].name);
}

/* --- clients that have gone --- */

static const enum field_id account_fields[IPC_ACCOUNT_FIELDS] = {
	DISPATCHED, INVALID_REQUEST, OVERLOAD, REQUESTS, RESPONSES};

static struct ipc_account *account_of(const struct coterie_client *client)
{
	return &client->server->ipc->accounts[client->server->plugin->service.ring_id % IPC_ACCOUNTS];
}

/*
 * Add the keys of a service for its former clients. They stay when its plugin is unloaded, and continue when it is
 * loaded again.
 */
static void account_offer(const struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;
	struct ipc_account *account = account_of(client);
	char key[KEY_MAX];

	if (account->is_offered)
		return;
	account->is_offered = true;
	for (uint32_t i = 0; i < IPC_ACCOUNT_FIELDS; i++) {
		snprintf(key, sizeof(key), "stats.coterie.ipc.%s.%s", client->server->plugin->name,
			fields[account_fields[i]].name);
		stats_add_u64(ipc->parts.stats, ipc, key, &account->numbers[i]);
	}
}

static void account_add(struct coterie_client *client)
{
	struct ipc_account *account = account_of(client);

	for (uint32_t i = 0; i < IPC_ACCOUNT_FIELDS; i++) {
		uint64_t number = 0;

		read_field(&client->stats[account_fields[i]], &number);
		account->numbers[i] += number;
	}
}

/* --- a single connection --- */

void ipc_stats_come(struct coterie_client *client)
{
	struct stats *stats = client->server->ipc->parts.stats;
	char key[KEY_MAX];

	account_offer(client);
	client->stats = calloc(FIELDS, sizeof(*client->stats));
	for (enum field_id id = 0; client->stats != NULL && id < FIELDS; id++) {
		client->stats[id] = (struct ipc_stat){client, id};
		make_key(client, id, key);
		int rc = stats_add(stats, client, key, fields[id].type, read_field, &client->stats[id]);
		if (rc < 0)
			log_line("MAIN", LOG_DEBUG, "no statistic %s: %s", key, strerror(-rc));
	}
}

void ipc_stats_go(struct coterie_client *client)
{
	struct stats *stats = client->server->ipc->parts.stats;
	char key[KEY_MAX];

	for (enum field_id id = 0; client->stats != NULL && id < FIELDS; id++) {
		make_key(client, id, key);
		stats_del(stats, client, key);
	}
	if (client->stats != NULL)
		account_add(client);
	free(client->stats);
	client->stats = NULL;
}

/* --- all connections --- */

/* Set the counters to 0. The number of present connections is no counter, and stays. */
static void clear(void *arg)
{
	struct ipc *ipc = arg;

	ipc->closed = ipc->denied = ipc->refused = 0;
	for (uint32_t i = 0; i < IPC_ACCOUNTS; i++)
		memset(ipc->accounts[i].numbers, 0, sizeof(ipc->accounts[i].numbers));
	for (struct ipc_server *server = ipc->servers; server != NULL; server = server->next) {
		for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
			client->invalid_requests = client->overloads = 0;
			client->sent = 0;
			if (!client->is_closed && client->connection != NULL)
				qbs_stats_clear(client->connection);
		}
	}
}

int ipc_stats_init(struct ipc *ipc)
{
	struct stats *stats = ipc->parts.stats;
	int rc = stats_add_u64(stats, ipc, "stats.ipcs.global.active", &ipc->active);

	if (rc == 0)
		rc = stats_add_u64(stats, ipc, "stats.ipcs.global.closed", &ipc->closed);
	if (rc == 0)
		rc = stats_add_u64(stats, ipc, "stats.coterie.ipc.denied", &ipc->denied);
	if (rc == 0)
		rc = stats_add_u64(stats, ipc, "stats.coterie.ipc.refused", &ipc->refused);
	return rc < 0 ? rc : stats_on_clear(stats, ipc, "ipc", clear, ipc);
}

void ipc_stats_fini(struct ipc *ipc) { stats_forget(ipc->parts.stats, ipc); }
