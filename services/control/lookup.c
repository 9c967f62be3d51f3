/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of other nodes. The request of a client is sent over the ring to the node whose keys it needs, and the answer is
 * sent back over the ring. All nodes receive both messages, and the other nodes drop them.
 *
 * 1. A client sends a request to this node. This creates a lookup, which exists until the answer arrives, the other
 *    node leaves, or LIMIT_NS have passed. No request is sent to a node that is not a member, or does not run this
 *    service.
 * 2. The other node writes its keys to a text (walk.c). If the ring has no room, the text waits. The number of these
 *    answers is bounded. A request beyond that is dropped, and its lookup ends at its time limit.
 * 3. The client gets the answer, if it is still connected.
 *
 * A client can request keys of this node as well. It has one request for keys under way. Further ones get "try again".
 */
#include "services/control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_NS UINT64_C(3000000000)
#define AGAIN_NS UINT64_C(20000000)
#define LOOKUPS_MAX 64u
#define WALKS_MAX 64u /* walks, above which clients of this node get "try again" */
#define ANSWERS_MAX 16u
#define ANSWERS_OF_NODE_MAX 4u /* answers to one node, and lookups of one node */

struct control_lookup {
	struct control *control;
	struct control_waiter *waiter;
	uint32_t nodeid, number;
	struct coterie_timer *timer;
	struct control_lookup *next;
};

struct control_answer {
	struct control *control;
	uint32_t nodeid, number, flags; /* nodeid and number of the request */
	bool is_listed;                 /* keys is complete */
	struct control_keys keys;
	struct control_answer *next;
};

/* ---- Requests of this node ----------------------------------------------- */

static void lookup_forget(struct control_lookup *lookup)
{
	struct control *control = lookup->control;
	struct control_lookup **place = &control->lookups;

	while (*place != lookup)
		place = &(*place)->next;
	*place = lookup->next;
	control->lookup_count--;
	control->host->timer_del(control->ctx, lookup->timer);
	free(lookup);
}

/* End a lookup with an error, and answer its client. */
static void lookup_fail(struct control_lookup *lookup, int rc)
{
	struct control_waiter *waiter = lookup->waiter;

	lookup_forget(lookup);
	control_waiter_end(waiter, rc, "");
}

static void on_limit(void *arg)
{
	struct control_lookup *lookup = arg;

	lookup->timer = NULL;
	lookup_fail(lookup, -ETIMEDOUT);
}

/*
 * How many requests for keys are under way: those to one node, and all of one user. All users but administrators share
 * a limit, of which one place is kept for administrators. One user has at most half of it.
 */
struct load {
	uint32_t to_node, own_to_node, own;
};

/* @param asking  a new waiter, which does not count */
static struct load load_of(const struct control *control, const struct control_waiter *asking, uint32_t nodeid)
{
	struct load load = {0};

	for (const struct control_waiter *one = control->waiters; one != NULL; one = one->next)
		load.own += one != asking && one->response_id == CONTROL_RES_KEYS && one->uid == asking->uid;
	for (const struct control_lookup *one = control->lookups; one != NULL; one = one->next) {
		load.to_node += one->nodeid == nodeid;
		load.own_to_node += one->nodeid == nodeid && one->waiter->uid == asking->uid;
	}
	return load;
}

/* @param all, own  requests under way of all clients, and of the client's user */
static bool has_share(
	const struct control *control, struct coterie_client *client, uint32_t all, uint32_t own, uint32_t max)
{
	if (control->host->client_may(client, COTERIE_RIGHT_ADMINISTER) == 0)
		return all < max;
	return all < max - 1 && own < max / 2;
}

/* Create a lookup and send its request. @return 0; -EAGAIN: too many lookups, or no room in the ring; -ENOMEM */
static int lookup_start(struct control *control, struct coterie_client *client, struct control_waiter *waiter,
	const struct control_req_keys *req)
{
	const struct load load = load_of(control, waiter, req->nodeid);
	struct control_ring_ask ask = {.nodeid = req->nodeid, .number = ++control->last_number, .map = req->map};
	struct iovec iov = {&ask.nodeid, sizeof(ask) - sizeof(ask.header)};
	struct control_lookup *lookup;

	if (!has_share(control, client, control->lookup_count, load.own, LOOKUPS_MAX) ||
		!has_share(control, client, load.to_node, load.own_to_node, ANSWERS_OF_NODE_MAX))
		return -EAGAIN;
	lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL)
		return -ENOMEM;
	*lookup = (struct control_lookup){.control = control,
		.waiter = waiter,
		.nodeid = req->nodeid,
		.number = ask.number,
		.next = control->lookups};
	control->lookups = lookup;
	control->lookup_count++;
	strcpy(ask.prefix, req->prefix);
	int rc = control->host->timer_add(
		control->ctx, control->host->now_ns(control->ctx) + LIMIT_NS, on_limit, lookup, &lookup->timer);
	if (rc == 0)
		rc = control->host->ring_send(control->ctx, CONTROL_RING_ASK, COTERIE_AGREED, &iov, 1);
	if (rc < 0)
		lookup_forget(lookup);
	return rc;
}

static bool is_member(const uint32_t *members, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++)
		if (members[i] == nodeid)
			return true;
	return false;
}

static uint32_t flags_of(const struct control *control, const struct control_keys *keys)
{
	return (keys->is_cut ? CONTROL_KEYS_CUT : 0) |
	       (control->host->is_quorate(control->ctx) ? CONTROL_KEYS_QUORATE : 0);
}

/* The keys of this node are listed. */
static void on_listed_here(void *arg, struct control_keys *keys)
{
	struct control_waiter *waiter = arg;
	struct control *control = waiter->control;
	struct coterie_client *client = control->host->client_find(control->ctx, waiter->client);

	if (client != NULL)
		control_answer_keys(control, client, 0, flags_of(control, keys), keys->bytes, keys->size);
	control_waiter_forget(waiter);
}

static int walk_start(struct control *control, struct coterie_client *client, struct control_waiter *waiter,
	const struct control_req_keys *req)
{
	const struct load load = load_of(control, waiter, req->nodeid);

	if (!has_share(control, client, control->walk_count, load.own, WALKS_MAX))
		return -EAGAIN;
	return control_walk_begin(control, req->map, req->prefix, on_listed_here, waiter);
}

int control_handle_keys(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct control *control = self;
	struct control_req_keys req;
	const uint32_t *members;
	uint64_t id = control->host->client_id(client);
	bool is_here;
	uint32_t count;

	(void)size;
	memcpy(&req, msg, sizeof(req));
	if (req.map > CONTROL_MAP_PEERS || memchr(req.prefix, '\0', sizeof(req.prefix)) == NULL)
		return -EINVAL;
	control->host->membership(control->ctx, NULL, &members, &count);
	is_here = req.nodeid == control->host->local_nodeid(control->ctx);
	if (!is_here && (!is_member(members, count, req.nodeid) || !control_has_told(control, req.nodeid))) {
		control_answer_keys(
			control, client, is_member(members, count, req.nodeid) ? -ENOTSUP : -ENOENT, 0, "", 0);
		return COTERIE_REPLIED;
	}
	if (control_waiter_find(control, id, CONTROL_RES_KEYS) != NULL)
		return -EAGAIN;
	struct control_waiter *waiter = control_waiter_add(control, id, CONTROL_RES_KEYS);
	if (waiter == NULL)
		return -ENOMEM;
	control->host->client_peer(client, NULL, &waiter->uid, NULL);
	int rc = is_here ? walk_start(control, client, waiter, &req) : lookup_start(control, client, waiter, &req);
	if (rc < 0)
		control_waiter_forget(waiter);
	return rc < 0 ? rc : COTERIE_LATER;
}

/* End the walk for a client that has gone. A lookup for it ends with the answer. */
void control_client_leave(void *self, struct coterie_client *client)
{
	struct control *control = self;
	struct control_waiter *waiter = control_waiter_find(
		control, control->host->client_id(client), CONTROL_RES_KEYS);

	if (waiter != NULL && control_walk_drop(control, waiter))
		control_waiter_forget(waiter);
}

void control_lookup_configuration(struct control *control, const struct coterie_configuration *configuration)
{
	struct control_lookup *next;

	for (struct control_lookup *lookup = control->lookups; lookup != NULL; lookup = next) {
		next = lookup->next;
		if (!is_member(configuration->members, configuration->member_count, lookup->nodeid))
			lookup_fail(lookup, -ENOENT);
	}
}

void control_lookup_gone(struct control *control, uint32_t nodeid)
{
	struct control_lookup *next;

	for (struct control_lookup *lookup = control->lookups; lookup != NULL; lookup = next) {
		next = lookup->next;
		if (lookup->nodeid == nodeid)
			lookup_fail(lookup, -ENOTSUP);
	}
}

/* ---- Requests of other nodes --------------------------------------------- */

static int answer_send(struct control *control, const struct control_answer *answer)
{
	struct control_ring_keys head = {.nodeid = answer->nodeid, .number = answer->number, .flags = answer->flags};
	struct iovec iov[] = {
		{&head.nodeid, sizeof(head) - sizeof(head.header)},
		{answer->keys.bytes, answer->keys.size},
	};

	return control->host->ring_send(control->ctx, CONTROL_RING_KEYS, COTERIE_AGREED, iov, 2);
}

static void answer_free(struct control *control, struct control_answer *answer)
{
	control->answer_count--;
	control_keys_fini(&answer->keys);
	free(answer);
}

/* Send the answers that are listed, as far as the ring has room. */
static void send_answers(void *arg)
{
	struct control *control = arg;
	struct control_answer **place = &control->answers;
	bool is_full = false;

	control->answer_timer = NULL;
	while (*place != NULL && !is_full) {
		struct control_answer *answer = *place;

		is_full = answer->is_listed && answer_send(control, answer) == -EAGAIN;
		if (answer->is_listed && !is_full) {
			*place = answer->next;
			answer_free(control, answer);
		} else {
			place = &answer->next;
		}
	}
	/* If memory runs out, the next request sends the waiting answers. */
	uint64_t at_ns = control->host->now_ns(control->ctx) + AGAIN_NS;
	if (is_full && control->host->timer_add(control->ctx, at_ns, send_answers, control, &control->answer_timer) < 0)
		control->answer_timer = NULL;
}

static void on_listed(void *arg, struct control_keys *keys)
{
	struct control_answer *answer = arg;
	struct control *control = answer->control;

	answer->flags = flags_of(control, keys);
	answer->keys = *keys;
	*keys = (struct control_keys){.bytes = NULL};
	answer->is_listed = true;
	if (control->answer_timer == NULL)
		send_answers(control);
}

static uint32_t count_answers(const struct control *control, uint32_t nodeid)
{
	uint32_t count = 0;

	for (const struct control_answer *one = control->answers; one != NULL; one = one->next)
		count += one->nodeid == nodeid;
	return count;
}

/* @return NULL: too many answers are under way, or memory ran out */
static struct control_answer *answer_begin(struct control *control, uint32_t nodeid, const struct control_ring_ask *ask)
{
	bool is_full = control->answer_count == ANSWERS_MAX || count_answers(control, nodeid) == ANSWERS_OF_NODE_MAX;
	struct control_answer *answer = is_full ? NULL : calloc(1, sizeof(*answer));

	if (answer == NULL)
		return NULL;
	*answer = (struct control_answer){.control = control, .nodeid = nodeid, .number = ask->number};
	if (control_walk_begin(control, ask->map, ask->prefix, on_listed, answer) == 0)
		return answer;
	free(answer);
	return NULL;
}

void control_swap_ask(void *msg, uint32_t size)
{
	struct control_ring_ask *ask = msg;

	(void)size;
	ask->nodeid = __builtin_bswap32(ask->nodeid);
	ask->number = __builtin_bswap32(ask->number);
	ask->map = __builtin_bswap32(ask->map);
}

void control_deliver_ask(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct control *control = self;
	const struct control_ring_ask *ask = msg;

	(void)size;
	if (ask->nodeid != control->host->local_nodeid(control->ctx))
		return;
	if (ask->map > CONTROL_MAP_PEERS || memchr(ask->prefix, '\0', sizeof(ask->prefix)) == NULL) {
		control->host->log(control->ctx, 7, "node %u does not ask for keys properly", nodeid);
		return;
	}
	struct control_answer *answer = answer_begin(control, nodeid, ask);
	struct control_answer **place = &control->answers;

	if (answer == NULL) {
		control->host->log(control->ctx, 7, "node %u gets no keys: too many are asked for", nodeid);
		return;
	}
	while (*place != NULL)
		place = &(*place)->next;
	*place = answer;
	control->answer_count++;
}

/* ---- The answer ----------------------------------------------------------- */

void control_swap_keys(void *msg, uint32_t size)
{
	struct control_ring_keys *keys = msg;

	(void)size;
	keys->nodeid = __builtin_bswap32(keys->nodeid);
	keys->number = __builtin_bswap32(keys->number);
	keys->flags = __builtin_bswap32(keys->flags);
}

void control_deliver_keys(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct control *control = self;
	const struct control_ring_keys *keys = msg;
	uint32_t left = size - (uint32_t)sizeof(*keys);
	struct control_lookup *lookup = control->lookups;

	if (keys->nodeid != control->host->local_nodeid(control->ctx))
		return;
	while (lookup != NULL && (lookup->number != keys->number || lookup->nodeid != nodeid))
		lookup = lookup->next;
	if (lookup == NULL)
		return; /* the answer is too late, or is for no request of this node */
	if (left > CONTROL_KEYS_SIZE_MAX || (left > 0 && keys->text[left - 1] != '\0')) {
		control->host->log(control->ctx, 7, "node %u does not tell its keys properly", nodeid);
		lookup_fail(lookup, -EPROTO);
		return;
	}
	struct coterie_client *client = control->host->client_find(control->ctx, lookup->waiter->client);

	if (client != NULL)
		control_answer_keys(control, client, 0, keys->flags, keys->text, left);
	control_waiter_forget(lookup->waiter);
	lookup_forget(lookup);
}

void control_lookup_fini(struct control *control)
{
	while (control->lookups != NULL)
		lookup_forget(control->lookups);
	while (control->answers != NULL) {
		struct control_answer *answer = control->answers;

		control->answers = answer->next;
		answer_free(control, answer);
	}
	control->host->timer_del(control->ctx, control->answer_timer);
}
