/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control service, with which an administrator lists and changes plugins, reloads a node, and reads keys of other
 * nodes' maps. A request is answered when the change is done or refused, or when the other node has answered.
 */
#include "services/control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Waiting clients ----------------------------------------------------- */

struct control_waiter *control_waiter_add(struct control *control, uint64_t client, uint32_t response_id)
{
	struct control_waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return NULL;
	waiter->control = control;
	waiter->client = client;
	waiter->response_id = response_id;
	waiter->next = control->waiters;
	control->waiters = waiter;
	return waiter;
}

struct control_waiter *control_waiter_find(const struct control *control, uint64_t client, uint32_t response_id)
{
	struct control_waiter *waiter = control->waiters;

	while (waiter != NULL && (waiter->client != client || waiter->response_id != response_id))
		waiter = waiter->next;
	return waiter;
}

void control_waiter_forget(struct control_waiter *waiter)
{
	struct control_waiter **place = &waiter->control->waiters;

	while (*place != waiter)
		place = &(*place)->next;
	*place = waiter->next;
	free(waiter);
}

static void answer(
	const struct control *control, struct coterie_client *client, uint32_t response_id, int rc, const char *text)
{
	struct control_res res = {.rc = rc};
	struct iovec iov = {&res.rc, sizeof(res) - offsetof(struct control_res, rc)};

	strncpy(res.text, text, sizeof(res.text) - 1);
	control->host->reply(client, response_id, CONTROL_CS_OK, &iov, 1);
}

/* Answer a reload with a text. A text that is too long is cut. */
static void answer_reload(const struct control *control, struct coterie_client *client, int rc, const char *text)
{
	struct control_res_reload res = {.rc = rc, .nodeid = control->host->local_nodeid(control->ctx)};
	struct iovec iov[] = {
		{&res.rc, sizeof(res) - offsetof(struct control_res_reload, rc)},
		{(void *)(uintptr_t)text, strnlen(text, CONTROL_RELOAD_TEXT_MAX)},
	};

	control->host->reply(client, CONTROL_RES_RELOAD, CONTROL_CS_OK, iov, 2);
}

void control_answer_keys(const struct control *control, struct coterie_client *client, int rc, uint32_t flags,
	const char *text, uint32_t size)
{
	struct control_res_keys res = {.rc = rc, .flags = flags};
	struct iovec iov[] = {
		{&res.rc, sizeof(res) - offsetof(struct control_res_keys, rc)},
		{(void *)(uintptr_t)text, size},
	};

	control->host->reply(client, CONTROL_RES_KEYS, CONTROL_CS_OK, iov, 2);
}

void control_waiter_end(struct control_waiter *waiter, int rc, const char *text)
{
	struct control *control = waiter->control;
	struct coterie_client *client = control->host->client_find(control->ctx, waiter->client);

	if (client != NULL && waiter->response_id == CONTROL_RES_RELOAD)
		answer_reload(control, client, rc, text);
	else if (client != NULL && waiter->response_id == CONTROL_RES_KEYS)
		control_answer_keys(control, client, rc, 0, "", 0);
	else if (client != NULL)
		answer(control, client, waiter->response_id, rc, text);
	control_waiter_forget(waiter);
}

static void on_done(void *arg, int rc, const char *text) { control_waiter_end(arg, rc, text); }

/* ---- Requests ------------------------------------------------------------- */

/* The words of a request. They are copied, since the client may be changing the request. */
struct words {
	uint32_t count;
	uint32_t flags, drain_ms;
	const char *list[CONTROL_WORDS_MAX];
	char *bytes;
};

static int read_words(struct words *words, const void *msg, uint32_t size)
{
	struct control_req req;
	uint32_t left = size - (uint32_t)sizeof(req);

	memcpy(&req, msg, sizeof(req));
	if (left > CONTROL_WORDS_SIZE_MAX || req.word_count > CONTROL_WORDS_MAX)
		return -EINVAL;
	words->bytes = malloc(left + 1u);
	if (words->bytes == NULL)
		return -ENOMEM;
	memcpy(words->bytes, (const char *)msg + sizeof(req), left);
	const char *at = words->bytes;
	for (words->count = 0; words->count < req.word_count; words->count++) {
		size_t length = strnlen(at, left);

		if (length == left)
			break; /* no NUL was found */
		words->list[words->count] = at;
		at += length + 1;
		left -= (uint32_t)length + 1;
	}
	words->flags = req.flags;
	words->drain_ms = req.drain_ms;
	if (words->count == req.word_count && left == 0)
		return 0;
	free(words->bytes);
	return -EINVAL;
}

static int ask(struct control *control, uint32_t id, const struct words *words, struct control_waiter *waiter)
{
	const struct coterie_host *host = control->host;

	switch (id) {
	case CONTROL_REQ_PLUGIN_LOAD:
		return host->plugin_load(
			control->ctx, words->list[0], words->list + 1, words->count - 1, on_done, waiter);
	case CONTROL_REQ_PLUGIN_UNLOAD:
		return host->plugin_unload(control->ctx, words->list[0], words->drain_ms, on_done, waiter);
	default:
		return host->plugin_replace(control->ctx, words->list[0], words->count > 1 ? words->list[1] : NULL,
			words->flags & CONTROL_FORCE, on_done, waiter);
	}
}

static int handle(struct control *control, struct coterie_client *client, uint32_t id, uint32_t count_max,
	const void *msg, uint32_t size)
{
	struct words words;
	int rc = read_words(&words, msg, size);

	if (rc < 0)
		return rc;
	struct control_waiter *waiter = NULL;
	if (words.count < 1 || words.count > count_max || words.list[0][0] == '\0')
		rc = -EINVAL;
	if (rc == 0)
		waiter = control_waiter_add(control, control->host->client_id(client), id);
	if (rc == 0 && waiter == NULL)
		rc = -ENOMEM;
	if (rc == 0) {
		rc = ask(control, id, &words, waiter);
		if (rc < 0)
			control_waiter_forget(waiter);
	}
	free(words.bytes);
	return rc < 0 ? rc : COTERIE_LATER;
}

static int handle_load(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return handle(self, client, CONTROL_REQ_PLUGIN_LOAD, CONTROL_WORDS_MAX, msg, size);
}

static int handle_unload(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return handle(self, client, CONTROL_REQ_PLUGIN_UNLOAD, 1, msg, size);
}

static int handle_replace(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return handle(self, client, CONTROL_REQ_PLUGIN_REPLACE, 2, msg, size);
}

/* ---- Life ----------------------------------------------------------------- */

static int control_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return -ENOMEM;
	control->host = host;
	control->ctx = ctx;
	/*
	 * Start with a number from the clock: an answer to a request from before a restart must not match a new
	 * request.
	 */
	control->last_number = (uint32_t)(host->now_ns(ctx) / 1000);
	int rc = control_nodes_init(control);
	if (rc < 0) {
		free(control);
		return rc;
	}
	*self = control;
	return 0;
}

static void control_fini(void *self)
{
	struct control *control = self;

	while (control->waiters != NULL)
		control_waiter_forget(control->waiters);
	control_walks_fini(control);
	control_lookup_fini(control);
	control_nodes_fini(control);
	free(control);
}

static const struct coterie_request control_requests[] = {
	{CONTROL_REQ_PLUGIN_LOAD, sizeof(struct control_req), COTERIE_ADMINISTERS, CONTROL_RES_PLUGIN_LOAD,
		handle_load},
	{CONTROL_REQ_PLUGIN_UNLOAD, sizeof(struct control_req), COTERIE_ADMINISTERS, CONTROL_RES_PLUGIN_UNLOAD,
		handle_unload},
	{CONTROL_REQ_PLUGIN_REPLACE, sizeof(struct control_req), COTERIE_ADMINISTERS, CONTROL_RES_PLUGIN_REPLACE,
		handle_replace},
	{CONTROL_REQ_PLUGIN_NODES, sizeof(struct control_req), COTERIE_OBSERVES, CONTROL_RES_PLUGIN_NODES,
		control_handle_nodes},
	{CONTROL_REQ_RELOAD, sizeof(struct control_req), COTERIE_ADMINISTERS, CONTROL_RES_RELOAD,
		control_handle_reload},
	{CONTROL_REQ_KEYS, sizeof(struct control_req_keys), COTERIE_NEEDS_FLOW | COTERIE_OBSERVES, CONTROL_RES_KEYS,
		control_handle_keys},
};

static const struct coterie_ring_msg control_ring_msgs[] = {
	{CONTROL_RING_PLUGINS, sizeof(struct control_ring_plugins), NULL, control_deliver_plugins, NULL},
	{CONTROL_RING_ASK, sizeof(struct control_ring_ask), control_swap_ask, control_deliver_ask, NULL},
	{CONTROL_RING_KEYS, sizeof(struct control_ring_keys), control_swap_keys, control_deliver_keys, NULL},
};

static const struct coterie_service control_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = CONTROL_SERVICE_ID,
	.ipc_name = CONTROL_IPC_NAME,
	.title = "coterie control service",
	.priority = 1,
	.init = control_init,
	.fini = control_fini,
	.client_leave = control_client_leave,
	.configuration = control_configuration,
	.drain = control_drain,
	.state_save = control_state_save,
	.state_load = control_state_load,
	COTERIE_REQUESTS(control_requests),
	COTERIE_RING_MSGS(control_ring_msgs),
};

COTERIE_PLUGIN(control, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "control of the running daemon: its plugins, keys of other nodes",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_ADMIN |
		 COTERIE_CAP_LIFE | COTERIE_CAP_RIGHTS,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &control_ops);
