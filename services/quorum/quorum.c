/* SPDX-License-Identifier: BSD-3-Clause */
/* The quorum service: clients of this node get the quorum verdict and the ring's members. */
#include "services/quorum/quorum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <corosync/corotypes.h>

/* ---- Requests ------------------------------------------------------------ */

static struct coterie_quorum verdict_now(const struct quorum *quorum)
{
	struct coterie_quorum verdict = {.size = sizeof(verdict)};

	quorum->host->quorum_get(quorum->ctx, &verdict);
	return verdict;
}

static int answer_u32(struct quorum *quorum, struct coterie_client *client, uint32_t response_id, uint32_t value)
{
	const uint32_t body[2] = {value, 0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)body, .iov_len = sizeof(body)};

	quorum->host->reply(client, response_id, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static uint32_t type_now(const struct quorum *quorum)
{
	return verdict_now(quorum).provider != NULL; /* 1: QUORUM_SET; 0: QUORUM_FREE */
}

static int handle_getquorate(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct quorum *quorum = self;

	(void)msg, (void)size;
	return answer_u32(quorum, client, QUORUM_RES_GETQUORATE, verdict_now(quorum).is_quorate != 0);
}

static int handle_trackstart(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct quorum *quorum = self;
	const struct quorum_req_trackstart *req = msg;
	struct quorum_connection *connection = quorum->host->client_data(client);

	(void)size;
	if ((req->track_flags & (CS_TRACK_CURRENT | CS_TRACK_CHANGES)) != 0) {
		const struct coterie_quorum verdict = verdict_now(quorum);

		quorum_tell_nodelist(quorum, connection);
		quorum_tell_verdict(quorum, &verdict, connection);
	}
	if (connection->is_tracking)
		return -EEXIST;
	connection->is_tracking = (req->track_flags & (CS_TRACK_CHANGES | CS_TRACK_CHANGES_ONLY)) != 0;
	return 0;
}

/* Stop tracking. The answer is CS_OK even if the client did not track. */
static int handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct quorum *quorum = self;
	struct quorum_connection *connection = quorum->host->client_data(client);

	(void)msg, (void)size;
	connection->is_tracking = false;
	return 0;
}

static int handle_gettype(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct quorum *quorum = self;

	(void)msg, (void)size;
	return answer_u32(quorum, client, QUORUM_RES_GETTYPE, type_now(quorum));
}

static int handle_model_gettype(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct quorum *quorum = self;
	const struct quorum_req_model_gettype *req = msg;
	struct quorum_connection *connection = quorum->host->client_data(client);

	(void)size;
	if (req->model != QUORUM_WIRE_MODEL_V0 && req->model != QUORUM_WIRE_MODEL_V1)
		return -EINVAL;
	connection->model = req->model;
	return answer_u32(quorum, client, QUORUM_RES_MODEL_GETTYPE, type_now(quorum));
}

static const struct coterie_request requests[] = {
	{QUORUM_REQ_GETQUORATE, sizeof(struct quorum_req_plain), COTERIE_OBSERVES | COTERIE_TELLS_QUORUM,
		QUORUM_RES_GETQUORATE, handle_getquorate},
	{QUORUM_REQ_TRACKSTART, sizeof(struct quorum_req_trackstart), COTERIE_OBSERVES | COTERIE_TELLS_QUORUM,
		QUORUM_RES_TRACKSTART, handle_trackstart},
	{QUORUM_REQ_TRACKSTOP, sizeof(struct quorum_req_plain), COTERIE_OBSERVES, QUORUM_RES_TRACKSTOP,
		handle_trackstop},
	{QUORUM_REQ_GETTYPE, sizeof(struct quorum_req_plain), COTERIE_OBSERVES, QUORUM_RES_GETTYPE, handle_gettype},
	{QUORUM_REQ_MODEL_GETTYPE, sizeof(struct quorum_req_model_gettype), COTERIE_OBSERVES, QUORUM_RES_MODEL_GETTYPE,
		handle_model_gettype},
};

/* ---- Connections --------------------------------------------------------- */

static int client_join(void *self, struct coterie_client *client)
{
	struct quorum *quorum = self;
	struct quorum_connection *connection = quorum->host->client_data(client);

	*connection = (struct quorum_connection){.client = client, .next = quorum->connections};
	if (quorum->connections != NULL)
		quorum->connections->previous = connection;
	quorum->connections = connection;
	return 0;
}

static void client_leave(void *self, struct coterie_client *client)
{
	struct quorum *quorum = self;
	struct quorum_connection *connection = quorum->host->client_data(client);

	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		quorum->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
}

/* ---- Life ---------------------------------------------------------------- */

static void on_verdict(void *arg, const struct coterie_quorum *verdict) { quorum_tell_verdict(arg, verdict, NULL); }

static void fini(void *self)
{
	struct quorum *quorum = self;

	quorum_sync_fini(quorum);
	free(quorum->before.nodeids);
	free(quorum);
}

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct quorum *quorum = calloc(1, sizeof(*quorum));
	int rc;

	if (quorum == NULL)
		return -ENOMEM;
	quorum->host = host;
	quorum->ctx = ctx;
	rc = host->quorum_watch(ctx, on_verdict, quorum);
	if (rc < 0) {
		free(quorum);
		return rc;
	}
	*self = quorum;
	return 0;
}

static void dump(void *self)
{
	const struct quorum *quorum = self;
	const struct coterie_quorum verdict = verdict_now(quorum);

	quorum->host->log(quorum->ctx, LOG_INFO, "provider %s, quorate %u, ring %u.%jx, %u members",
		verdict.provider != NULL ? verdict.provider : "none", verdict.is_quorate, quorum->ring.representative,
		(uintmax_t)quorum->ring.seq, quorum->members.count);
}

static const struct coterie_service quorum_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = QUORUM_SERVICE_ID,
	.ipc_name = "quorum",
	.title = "corosync cluster quorum service v0.1",
	.client_size = sizeof(struct quorum_connection),
	.priority = 1,
	.init = init,
	.fini = fini,
	.client_join = client_join,
	.client_leave = client_leave,
	.sync_start = quorum_sync_start,
	.sync_step = quorum_sync_step,
	.sync_done = quorum_sync_done,
	.state_save = quorum_state_save,
	.state_load = quorum_state_load,
	COTERIE_REQUESTS(requests),
	.dump = dump,
};

COTERIE_PLUGIN(quorum, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "the quorum verdict and the ring's members for clients",
	.needs = COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_QUORUM,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &quorum_ops);
