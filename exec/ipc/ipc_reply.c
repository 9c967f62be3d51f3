/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers that come later. A token stands for one answer: reply_later of the host table makes it while the request is
 * handled. A token ends in one of these ways, and is not found afterwards:
 *
 * - reply_finish answers.
 * - Its time is over: the service is notified, and the client gets "timeout".
 * - The client leaves: the service is notified.
 * - The handler returns another result than COTERIE_LATER. That result is the answer.
 * - The plugin is replaced, and its successor does not take it over: the client gets "try again".
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <stdlib.h>

#include "exec/plugin/plugin_watch.h"

struct ipc_reply {
	uint64_t token;
	struct coterie_client *client;
	uint32_t response_id;
	coterie_reply_gone gone;
	void *arg;
	/* While a plugin is replaced: the functions of the old one. */
	coterie_reply_gone old_gone;
	void *old_arg;
	bool is_adopted;
	struct loop_timer *timer; /* or NULL: no limit of time */
	/* chain of tokens with the same hash: the pointer to this token, and the next token */
	struct ipc_reply **hashed, *next_hashed;
	struct ipc_reply *previous, *next; /* in the list of the client */
};

static struct ipc_reply **bucket_of(struct ipc *ipc, uint64_t token)
{
	return &ipc->replies[token % IPC_REPLY_BUCKETS];
}

static void hash(struct ipc *ipc, struct ipc_reply *reply)
{
	reply->hashed = bucket_of(ipc, reply->token);
	reply->next_hashed = *reply->hashed;
	if (reply->next_hashed != NULL)
		reply->next_hashed->hashed = &reply->next_hashed;
	*reply->hashed = reply;
}

/* Take the token out of all lists, and free it. */
static void end(struct ipc_reply *reply)
{
	struct coterie_client *client = reply->client;
	struct ipc *ipc = client->server->ipc;

	*reply->hashed = reply->next_hashed;
	if (reply->next_hashed != NULL)
		reply->next_hashed->hashed = reply->hashed;
	if (reply->previous != NULL)
		reply->previous->next = reply->next;
	else
		client->replies = reply->next;
	if (reply->next != NULL)
		reply->next->previous = reply->previous;
	client->reply_count--;
	loop_timer_del(ipc->parts.loop, reply->timer);
	free(reply);
}

static void tell_gone(
	struct coterie_client *client, coterie_reply_gone gone, void *arg, uint64_t token, uint32_t reason)
{
	struct plugin_call call;

	if (gone == NULL)
		return;
	plugin_enter(&call, client->server->plugin, "function for answers that are gone");
	gone(arg, token, reason);
	plugin_leave(&call);
}

static void on_timeout(void *arg)
{
	struct ipc_reply *reply = arg, copy = *reply;

	reply->timer = NULL;
	end(reply);
	tell_gone(copy.client, copy.gone, copy.arg, copy.token, COTERIE_REPLY_TIMEOUT);
	ipc_client_respond(copy.client, copy.response_id, IPC_TIMEOUT);
}

/* --- the host table --- */

int ipc_reply_later(
	struct coterie_client *client, uint32_t timeout_ms, coterie_reply_gone gone, void *arg, uint64_t *token)
{
	struct ipc *ipc = client->server->ipc;
	struct loop *loop = ipc->parts.loop;

	if (client->handled == NULL)
		return -ENODATA;
	if ((client->handled->flags & COTERIE_NO_REPLY) != 0)
		return -ENOTSUP;
	if (client->token != 0)
		return -EALREADY;
	if (client->reply_count == IPC_REPLIES_MAX)
		return -EAGAIN;
	struct ipc_reply *reply = malloc(sizeof(*reply));
	if (reply == NULL)
		return -ENOMEM;
	*reply = (struct ipc_reply){.token = ipc->last_token + 1,
		.client = client,
		.response_id = client->handled->response_id,
		.gone = gone,
		.arg = arg,
		.next = client->replies};
	if (timeout_ms > 0)
		reply->timer = loop_timer_add(
			loop, loop_now_ns(loop) + UINT64_C(1000000) * timeout_ms, on_timeout, reply);
	if (timeout_ms > 0 && reply->timer == NULL) {
		free(reply);
		return -ENOMEM;
	}
	if (reply->next != NULL)
		reply->next->previous = reply;
	client->replies = reply;
	client->reply_count++;
	hash(ipc, reply);
	*token = client->token = ++ipc->last_token;
	return 0;
}

/* Return the token of one of this server's clients, or NULL */
static struct ipc_reply *find(const struct ipc_server *server, uint64_t token)
{
	struct ipc_reply *reply = server != NULL ? *bucket_of(server->ipc, token) : NULL;

	while (reply != NULL && reply->token != token)
		reply = reply->next_hashed;
	return reply != NULL && reply->client->server == server ? reply : NULL;
}

int ipc_reply_finish(
	const struct ipc_server *server, uint64_t token, int32_t error, const struct iovec *iov, uint32_t count)
{
	struct ipc_reply *reply = find(server, token);

	if (reply == NULL)
		return -ENOENT;
	struct coterie_client *client = reply->client;
	uint32_t response_id = reply->response_id;

	end(reply);
	int rc = ipc_client_reply(client, response_id, error, iov, count);
	/* The client still waits for an answer: send it the error. */
	if (rc == -EMSGSIZE || rc == -ENOMEM)
		ipc_client_respond(client, response_id, ipc_error_from_errno(rc));
	return rc;
}

int ipc_reply_adopt(const struct ipc_server *server, uint64_t token, coterie_reply_gone gone, void *arg)
{
	struct ipc_reply *reply = find(server, token);

	if (reply == NULL)
		return -ENOENT;
	reply->gone = gone;
	reply->arg = arg;
	reply->is_adopted = true;
	return 0;
}

/* --- a handler returns --- */

bool ipc_reply_settle(struct coterie_client *client, int rc)
{
	uint64_t token = client->token;

	client->token = 0;
	if (token == 0)
		return false;
	struct ipc_reply *reply = find(client->server, token);

	if (reply == NULL)
		return true; /* the handler itself has finished it */
	if (rc == COTERIE_LATER)
		return true;
	end(reply);
	return false;
}

/* --- the end of a client, another plugin --- */

void ipc_reply_left(struct coterie_client *client)
{
	while (client->replies != NULL) {
		struct ipc_reply copy = *client->replies;

		end(client->replies);
		tell_gone(client, copy.gone, copy.arg, copy.token, COTERIE_REPLY_LEFT);
	}
}

void ipc_reply_take(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next)
		for (struct ipc_reply *reply = client->replies; reply != NULL; reply = reply->next) {
			reply->old_gone = reply->gone;
			reply->old_arg = reply->arg;
			reply->gone = NULL;
			reply->is_adopted = false;
		}
}

void ipc_reply_undo(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next)
		for (struct ipc_reply *reply = client->replies; reply != NULL; reply = reply->next) {
			reply->gone = reply->old_gone;
			reply->arg = reply->old_arg;
		}
}

void ipc_reply_keep(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
		struct ipc_reply *next;

		for (struct ipc_reply *reply = client->replies; reply != NULL; reply = next) {
			uint32_t response_id = reply->response_id;

			next = reply->next;
			if (reply->is_adopted)
				continue;
			end(reply);
			ipc_client_respond(client, response_id, IPC_TRY_AGAIN);
		}
	}
}
