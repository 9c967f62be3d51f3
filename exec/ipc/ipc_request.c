/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request of a client (book ipc, "Requests"): the checks before the handler runs, its result, and requests that
 * must wait because no client would notice their loss.
 */
#include "exec/ipc/ipc_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/plugin/plugin_watch.h"

/*
 * Kept requests run for this long in one turn of the loop. The gates of all clients open at the same time: when a new ring
 * has its lease, or when a synchronisation is complete.
 */
#define TURN_NS UINT64_C(1000000)

static bool is_silent(const struct coterie_request *request) { return (request->flags & COTERIE_NO_REPLY) != 0; }

static void refuse(struct coterie_client *client, const struct coterie_request *request, int32_t id, size_t size)
{
	struct ipc_server *server = client->server;

	client->invalid_requests++;
	log_limited(&server->limit, loop_now_ns(server->ipc->parts.loop), "MAIN", LOG_WARNING,
		"Refused request %d of %d bytes from process %u (%s) at service %s: malformed or "
		"unknown",
		id, (int32_t)size, client->pid, client->process, server->name);
	if (request == NULL || !is_silent(request))
		ipc_client_respond(client, 0, IPC_INVALID_PARAM);
}

/* Return whether the client lacks the right that the request's flags require. */
static bool is_refused(struct coterie_client *client, const struct coterie_request *request, int32_t id)
{
	uint32_t right = ipc_right_of_flags(request->flags);

	client->request_id = id;
	if (client->right >= right)
		return false;
	ipc_access_refused(client, right);
	if (!is_silent(request))
		ipc_client_respond(client, request->response_id, IPC_ACCESS);
	return true;
}

/* --- requests that wait --- */

static void keep(struct coterie_client *client, const struct coterie_request *request, const void *msg, uint32_t size)
{
	struct ipc *ipc = client->server->ipc;

	assert(client->kept == NULL);
	client->kept_ns = loop_now_ns(ipc->parts.loop);
	client->kept = malloc(size);
	if (client->kept == NULL) {
		log_limited(&client->server->limit, client->kept_ns, "MAIN", LOG_ERR,
			"Out of memory for a request of process %u (%s): its connection to %s is "
			"closed",
			client->pid, client->process, client->server->name);
		ipc_client_disconnect(client);
		return;
	}
	memcpy(client->kept, msg, size);
	client->kept_size = size;
	client->kept_request = request;
	client->is_kept_silent = is_silent(request);
	client->kept_next = NULL;
	*ipc->kept_last = client;
	ipc->kept_last = &client->kept_next;
	ipc_client_listen(client);
	ipc_gate_check_later(ipc);
}

static void drop(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;
	struct coterie_client **place = &ipc->kept;

	if (client->kept == NULL)
		return;
	while (*place != client)
		place = &(*place)->kept_next;
	*place = client->kept_next;
	if (*place == NULL)
		ipc->kept_last = place;
	free(client->kept);
	client->kept = NULL;
}

/* --- the handler --- */

static int call_handler(
	struct coterie_client *client, const struct coterie_request *request, const void *msg, uint32_t size)
{
	struct plugin *plugin = client->server->plugin;
	struct plugin_call call;

	client->is_in_handler = true;
	client->handled = request;
	client->request_id = (int32_t)request->id;
	client->lacked = 0;
	plugin_enter_at(&call, plugin, "requests", request->id, (const void *)(uintptr_t)request->handle);
	int rc = request->handle(plugin->self, client, msg, size);
	plugin_leave(&call);
	client->is_in_handler = false;
	client->handled = NULL;
	if (rc == -EACCES && client->lacked != 0)
		ipc_access_refused(client, client->lacked);
	return rc;
}

/* Answer the request by the handler's result. */
static void finish(struct coterie_client *client, const struct coterie_request *request, int rc)
{
	if (ipc_reply_settle(client, rc) || is_silent(request) || rc == COTERIE_REPLIED || rc == COTERIE_LATER)
		return;
	ipc_client_respond(client, request->response_id, rc == 0 ? IPC_OK : ipc_error_from_errno(rc));
}

static void run(struct coterie_client *client, const struct coterie_request *request, const void *msg, uint32_t size)
{
	struct ipc *ipc = client->server->ipc;

	int rc = call_handler(client, request, msg, size);
	if (rc == -EAGAIN && is_silent(request))
		keep(client, request, msg, size);
	else
		finish(client, request, rc);
	if ((request->flags & COTERIE_NEEDS_FLOW) != 0) {
		ipc->is_queue_shared = true;
		ipc_hold_request(client, is_silent(request));
		ipc_gate(ipc); /* the queue may be fuller than before */
	}
}

/*
 * Return whether a kept request must be answered now. It waited for the lease or for earlier messages, and now there is
 * no quorum. Or it asks about quorum, and no ring was formed for too long.
 */
static bool is_hopeless(const struct coterie_client *client)
{
	const struct ipc *ipc = client->server->ipc;
	uint32_t flags = client->kept_request->flags;

	if (is_silent(client->kept_request))
		return false;
	return ((flags & COTERIE_NEEDS_QUORUM) != 0 && !*ipc->parts.is_quorate) ||
	       ((flags & COTERIE_TELLS_QUORUM) != 0 &&
		       loop_now_ns(ipc->parts.loop) - client->kept_ns >= ipc->question_ns);
}

void ipc_requests_resume(struct ipc *ipc)
{
	struct coterie_client *client = ipc->kept;
	uint64_t end_ns = loop_now_ns(ipc->parts.loop) + TURN_NS;
	bool has_run = false;

	while (client != NULL) {
		struct coterie_client *next = client->kept_next;
		const struct coterie_request *request = client->kept_request;

		if (!client->is_leaving && ipc_gate_of(client->server, request->flags) == IPC_GATE_OPEN &&
			ipc_channel_drain(client)) {
			int rc = call_handler(client, request, client->kept, client->kept_size);

			if (rc == -EAGAIN && is_silent(request))
				return; /* the ring is still full: the requests behind this one wait, too */
			finish(client, request, rc);
			next = client->kept_next;
			drop(client);
			ipc_client_listen(client);
			has_run = true;
		} else if (!client->is_leaving && is_hopeless(client)) {
			ipc_client_respond(client, 0, IPC_TRY_AGAIN);
			drop(client);
			ipc_client_listen(client);
			has_run = true;
		}
		client = next;
		if (has_run && client != NULL && loop_now_ns(ipc->parts.loop) >= end_ns) {
			ipc_turn_later(ipc);
			return;
		}
	}
}

void ipc_requests_inherit(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
		if (client->kept == NULL)
			continue;
		client->kept_request = plugin_table_request(
			server->plugin, *(const int32_t *)(const void *)client->kept);
		if (client->kept_request != NULL && client->kept_request->size_min <= client->kept_size &&
			is_silent(client->kept_request) == client->is_kept_silent &&
			client->right >= ipc_right_of_flags(client->kept_request->flags))
			continue;
		drop(client);
		ipc_client_disconnect(client);
	}
}

void ipc_request_last(struct coterie_client *client)
{
	const struct coterie_request *request = client->kept_request;
	struct ipc_server *server = client->server;

	if (client->kept == NULL)
		return;
	if (!is_silent(request)) { /* no client waits for the answer */
		drop(client);
		return;
	}
	if (ipc_gate_of(server, request->flags) != IPC_GATE_OPEN ||
		call_handler(client, request, client->kept, client->kept_size) == -EAGAIN)
		log_limited(&server->limit, loop_now_ns(server->ipc->parts.loop), "MAIN", LOG_WARNING,
			"Process %u (%s) is gone from %s before its last request found room: it is lost", client->pid,
			client->process, server->name);
	drop(client);
}

/* --- a request as it arrives --- */

static void process(struct coterie_client *client, const void *data, uint32_t sent)
{
	struct ipc *ipc = client->server->ipc;
	struct coterie_request_header header = {.id = -1};

	if (sent < sizeof(header)) {
		refuse(client, NULL, header.id, sent);
		return;
	}
	memcpy(&header, data, sizeof(header));
	int32_t id = header.id;
	uint32_t size = (uint32_t)header.size; /* a negative size becomes a huge one */
	if (ipc_channel_request(client, id))
		return;
	const struct coterie_request *request = plugin_table_request(client->server->plugin, id);
	uint32_t size_min = sizeof(struct coterie_request_header);

	if (request != NULL && request->size_min > size_min)
		size_min = request->size_min;
	if (request == NULL || size < size_min || size > sent) {
		refuse(client, request, id, size);
		return;
	}
	if (is_refused(client, request, id))
		return;
	bool is_flow = (request->flags & COTERIE_NEEDS_FLOW) != 0;
	int room = is_flow ? ipc_gate_room(ipc, size) : 0;
	if (room == -EMSGSIZE) {
		refuse(client, request, id, size);
		return;
	}
	/* The messages in the client's channel were sent before this request: handle them first. */
	if (is_flow && !ipc_channel_drain(client)) {
		keep(client, request, data, size);
		return;
	}
	/*
	 * A message without an answer is passed to the handler in any case. If the ring refuses it, it is kept until
	 * there is room.
	 */
	enum ipc_gate gate = ipc_gate_of(client->server, request->flags);
	if ((room == 0 || is_silent(request)) && gate == IPC_GATE_OPEN) {
		run(client, request, data, size);
		return;
	}
	client->overloads++;
	if (is_silent(request) || gate == IPC_GATE_LAPSED)
		keep(client, request, data, size);
	else
		ipc_client_respond(client, 0, IPC_TRY_AGAIN);
	if (is_flow)
		ipc_gate(ipc);
}

int ipc_request_process(struct coterie_client *client, const void *msg, uint32_t size)
{
	if (!client->is_joined || client->is_leaving)
		return -ENOBUFS;
	ipc_fan_renew(client->server->ipc);
	process(client, msg, size);
	return client->kept != NULL || client->is_leaving ? -ENOBUFS : 0;
}
