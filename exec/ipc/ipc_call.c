/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls: a plugin as a client of another service (call_open of the host table). Such a client has no connection. Its
 * requests wait in the call until a turn of the loop, and the service's answers and events likewise, so that code of
 * two plugins is never inside each other.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/plugin/plugin_watch.h"

#define CALLS_MAX 64u    /* most calls of one plugin */
#define REQUESTS_MAX 64u /* most requests that wait in one call */
#define REQUESTS_SIZE (2u << 20)
#define REQUESTS_AT_ONCE 16u /* most requests that a call runs in one turn of the loop */
#define REQUEST_SIZE_MIN sizeof(struct coterie_request_header)

struct letter {
	struct letter *next;
	uint32_t size;
	bool is_event;
	uint8_t bytes[] __attribute__((aligned(8)));
};

struct letters {
	struct letter *first, **last;
	uint32_t count, size;
};

struct coterie_call {
	struct ipc *ipc;
	struct plugin *plugin; /* the caller */
	struct coterie_caller caller;
	void *arg;
	struct coterie_client *client; /* NULL: it has ended */
	struct letters requests, messages;
	struct loop_timer *timer;
	bool is_in_turn, is_closed;
	/* A request has no answer yet. Later requests wait, so that answers come in the order of requests. */
	bool is_asking;
	struct coterie_call *next; /* in the list of all calls */
};

/* --- letters --- */

static struct letter *letter_create(uint32_t size, bool is_event)
{
	struct letter *letter = malloc(sizeof(*letter) + size);

	if (letter == NULL)
		return NULL;
	letter->next = NULL;
	letter->size = size;
	letter->is_event = is_event;
	return letter;
}

static void letters_add(struct letters *letters, struct letter *letter)
{
	*letters->last = letter;
	letters->last = &letter->next;
	letters->count++;
	letters->size += letter->size;
}

static struct letter *letters_take(struct letters *letters)
{
	struct letter *letter = letters->first;

	if (letter == NULL)
		return NULL;
	letters->first = letter->next;
	if (letters->first == NULL)
		letters->last = &letters->first;
	letters->count--;
	letters->size -= letter->size;
	return letter;
}

static void letters_drop(struct letters *letters)
{
	while (letters->first != NULL)
		free(letters_take(letters));
}

/* --- the end of a call --- */

static void call_free(struct coterie_call *call)
{
	struct coterie_call **place = &call->ipc->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	letters_drop(&call->requests);
	letters_drop(&call->messages);
	loop_timer_del(call->ipc->parts.loop, call->timer);
	free(call);
}

/* The service's client is ended in a later turn of the loop: its handler may be running. */
void ipc_call_close(struct coterie_call *call)
{
	if (call == NULL || call->is_closed)
		return;
	call->is_closed = true;
	if (call->client != NULL) {
		call->client->call = NULL;
		ipc_client_disconnect(call->client);
	}
	call->client = NULL;
	if (!call->is_in_turn)
		call_free(call);
}

void ipc_call_forget(struct ipc *ipc, const struct plugin *plugin)
{
	struct coterie_call *call = ipc != NULL ? ipc->calls : NULL, *next;

	for (; call != NULL; call = next) {
		next = call->next;
		if (call->plugin == plugin)
			ipc_call_close(call);
	}
}

/* --- turns --- */

static bool may_ask(const struct coterie_call *call)
{
	return call->client != NULL && call->client->kept == NULL && !call->is_asking;
}

/* Return whether the service answers this request. It also answers requests that it does not know. */
static bool has_answer(const struct coterie_call *call, const struct letter *letter)
{
	const struct coterie_request_header *header = (const void *)letter->bytes;
	const struct coterie_request *request = plugin_table_request(call->client->server->plugin, header->id);

	return request == NULL || (request->flags & COTERIE_NO_REPLY) == 0;
}

static void run_requests(struct coterie_call *call)
{
	for (uint32_t i = 0; i < REQUESTS_AT_ONCE && may_ask(call); i++) {
		struct letter *letter = letters_take(&call->requests);

		if (letter == NULL)
			return;
		call->is_asking = has_answer(call, letter);
		ipc_request_process(call->client, letter->bytes, letter->size);
		free(letter);
	}
}

/* Pass the waiting answers and events to the plugin. @return false: the plugin has closed the call */
static bool hand_out(struct coterie_call *call)
{
	struct letters now = call->messages;
	struct letter *letter = now.first;

	if (letter == NULL)
		return !call->is_closed;
	call->messages = (struct letters){.last = &call->messages.first};
	while (letter != NULL) {
		struct letter *next = letter->next;
		const struct coterie_response_header *message = (const void *)letter->bytes;
		struct plugin_call here;

		plugin_enter(&here, call->plugin, "function for answers of other services");
		if (!call->is_closed && !letter->is_event)
			call->caller.answered(call->arg, message);
		else if (!call->is_closed && call->caller.event != NULL)
			call->caller.event(call->arg, message);
		plugin_leave(&here);
		free(letter);
		letter = next;
	}
	return !call->is_closed;
}

static void tell_end(struct coterie_call *call)
{
	struct plugin_call here;

	call->is_closed = true;
	plugin_enter(&here, call->plugin, "function for the end of another service");
	call->caller.ended(call->arg);
	plugin_leave(&here);
}

static bool is_due(const struct coterie_call *call)
{
	return call->messages.first != NULL || call->client == NULL || (call->requests.first != NULL && may_ask(call));
}

static void turn_later(struct coterie_call *call);

static void on_turn(void *arg)
{
	struct coterie_call *call = arg;
	struct ipc *ipc = call->ipc;

	call->timer = NULL;
	call->is_in_turn = true;
	run_requests(call);
	if (hand_out(call) && call->client == NULL && call->messages.first == NULL)
		tell_end(call);
	call->is_in_turn = false;
	if (call->is_closed)
		call_free(call);
	for (call = ipc->calls; call != NULL; call = call->next)
		if (is_due(call))
			turn_later(call);
}

/*
 * Run on_turn() in the next turn of the loop. If there is no memory for the timer, the next request or message of this
 * call sets it, or the next on_turn() of any call.
 */
static void turn_later(struct coterie_call *call)
{
	struct loop *loop = call->ipc->parts.loop;

	if (call->timer == NULL && !call->is_in_turn)
		call->timer = loop_timer_add(loop, loop_now_ns(loop), on_turn, call);
}

/* --- the service's side --- */

static int take(struct coterie_client *client, bool is_event, const struct iovec *iov, uint32_t count)
{
	struct coterie_call *call = client->call;
	size_t size = 0;

	if (call == NULL)
		return -ENOTCONN;
	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	struct letter *letter = letter_create((uint32_t)size, is_event);
	if (letter == NULL && !is_event)
		/* without the answer the plugin would wait for ever: its ended() is called instead */
		ipc_client_disconnect(client);
	if (letter == NULL)
		return -ENOMEM;
	uint8_t *at = letter->bytes;
	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	letters_add(&call->messages, letter);
	if (!is_event)
		call->is_asking = false;
	turn_later(call);
	return 0;
}

static void resume(struct coterie_client *client)
{
	if (client->call != NULL && client->call->requests.first != NULL)
		turn_later(client->call);
}

static void end(struct coterie_client *client)
{
	if (client->call == NULL)
		return;
	client->call->client = NULL;
	letters_drop(&client->call->requests);
	turn_later(client->call);
	client->call = NULL;
}

static const struct ipc_far_end far_end = {.take = take, .resume = resume, .end = end};

/* --- the caller's side --- */

static uint32_t count_calls(const struct ipc *ipc, const struct plugin *plugin)
{
	uint32_t count = 0;

	for (const struct coterie_call *call = ipc->calls; call != NULL; call = call->next)
		count += call->plugin == plugin;
	return count;
}

int ipc_call_open(struct ipc *ipc, struct plugin *plugin, const char *ipc_name, const struct coterie_caller *caller,
	void *arg, struct coterie_call **out)
{
	struct ipc_server *server = ipc != NULL ? ipc->servers : NULL;

	if (!COTERIE_HAS(caller, answered) || !COTERIE_HAS(caller, ended))
		return -ENOTSUP;
	if (caller->pad != 0)
		return -EINVAL;
	while (server != NULL && strcmp(server->plugin->service.ipc_name, ipc_name) != 0)
		server = server->next;
	if (server == NULL || server->plugin == plugin)
		return -ENOENT;
	if (!ipc->is_ready)
		return -EAGAIN;
	if (count_calls(ipc, plugin) == CALLS_MAX)
		return -ENOSPC;
	struct coterie_call *call = calloc(1, sizeof(*call));
	if (call == NULL)
		return -ENOMEM;
	call->ipc = ipc;
	call->plugin = plugin;
	memcpy(&call->caller, caller, caller->size < sizeof(*caller) ? caller->size : sizeof(*caller));
	call->arg = arg;
	call->requests.last = &call->requests.first;
	call->messages.last = &call->messages.first;
	call->next = ipc->calls;
	ipc->calls = call;
	int rc = ipc_server_join(server, &far_end, call, &call->client);
	if (rc < 0) {
		call_free(call);
		return rc;
	}
	*out = call;
	return 0;
}

int ipc_call_send(struct coterie_call *call, const void *msg, uint32_t size)
{
	if (size < REQUEST_SIZE_MIN || size > IPC_SIZE_MAX)
		return -EMSGSIZE;
	if (call->client == NULL)
		turn_later(call); /* the service has ended: call ended() of the plugin */
	if (call->client == NULL || call->client->is_leaving)
		return -ENOTCONN;
	if (call->requests.count == REQUESTS_MAX ||
		(call->requests.count > 0 && call->requests.size + size > REQUESTS_SIZE))
		return -EAGAIN;
	struct letter *letter = letter_create(size, false);
	if (letter == NULL)
		return -ENOMEM;
	memcpy(letter->bytes, msg, size);
	letters_add(&call->requests, letter);
	turn_later(call);
	return 0;
}
