/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/service_ring.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

/* ---- Nodes --------------------------------------------------------------- */

bool service_is_replaced(void) { return getenv("SERVICE_REPLACED") != NULL; }

void service_ring_init(struct service_ring *ring, const struct coterie_plugin *plugin)
{
	memset(ring, 0, sizeof(*ring));
	ring->plugin = plugin;
	ring->ops = plugin->ops;
	ring->is_replacing = service_is_replaced();
}

/*
 * Replace the service of a node by a new instance, if SERVICE_REPLACED is in the environment. Called before each event
 * of the node. No test may see a difference.
 */
static void refresh(struct service_ring *ring, struct service_node *node)
{
	if (!ring->is_replacing || ring->is_synchronising || ring->ops->state_save == NULL)
		return;
	int rc = mock_replace(node->host, ring->ops, &node->self, ring->replacements++ % 16 == 0);
	ck_assert_msg(rc == 0 || rc == -EAGAIN || rc == -ECANCELED, "replacing the service: %s", strerror(-rc));
}

void service_ring_start(struct service_ring *ring, uint32_t nodeid)
{
	struct service_node *node = &ring->nodes[nodeid];

	memset(node, 0, sizeof(*node));
	node->host = mock_host_create(ring->plugin);
	node->host->nodeid = nodeid;
	if (ring->prepare != NULL)
		ring->prepare(node->host);
	ck_assert_int_eq(ring->ops->init(&node->host->table, node->host, &node->self), 0);
}

void service_ring_kill(struct service_ring *ring, uint32_t nodeid)
{
	struct service_node *node = &ring->nodes[nodeid];

	if (node->host == NULL)
		return;
	ring->ops->fini(node->self);
	ck_assert_uint_eq(mock_host_destroy(node->host), 0);
	memset(node, 0, sizeof(*node));
}

void service_ring_fini(struct service_ring *ring)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		service_ring_kill(ring, i);
}

/* ---- Messages ------------------------------------------------------------ */

static bool is_same_ring(const struct service_node *a, const struct service_node *b)
{
	return a->host != NULL && b->host != NULL && a->ring_seq != 0 && a->ring_seq == b->ring_seq &&
	       a->ring_rep == b->ring_rep;
}

/*
 * Return the message as a node of the other byte order would have written it: swapped, except for
 * the header.
 */
static struct mock_message swapped(const struct coterie_service *ops, const struct mock_message *message)
{
	const struct coterie_ring_msg *entry = &ops->ring_msgs[message->id];
	struct mock_message copy = *message;
	uint8_t *whole = calloc(1, message->size + 16);

	copy.data = malloc(message->size);
	memcpy(whole + 16, message->data, message->size);
	if (entry->swap != NULL) {
		/*
		 * swap() computes the number of list entries from the message's size, not from a field. So it swaps in
		 * both directions.
		 */
		entry->swap(whole, entry->deliver != NULL ? message->size + 16 : entry->size_min);
	}
	memcpy(copy.data, whole + 16, message->size);
	free(whole);
	return copy;
}

static void deliver(struct service_ring *ring, uint32_t from, const struct mock_message *message)
{
	for (uint32_t to = 1; to <= SERVICE_RING_NODES; to++) {
		struct service_node *node = &ring->nodes[to];

		if (!is_same_ring(&ring->nodes[from], node))
			continue;
		refresh(ring, node);
		node->host->is_delivering = true;
		if (ring->has_swapped && to != from) {
			struct mock_message other = swapped(ring->ops, message);

			ck_assert_int_eq(mock_deliver(ring->ops, node->self, from, true, &other), 0);
			free(other.data);
		} else {
			ck_assert_int_eq(mock_deliver(ring->ops, node->self, from, false, message), 0);
		}
		node->host->is_delivering = false;
	}
}

bool service_ring_deliver_next(struct service_ring *ring, uint32_t nodeid)
{
	struct service_node *node = &ring->nodes[nodeid];

	if (node->host == NULL || node->ring_seq == 0 || node->host->sent.count == 0)
		return false;
	struct mock_queue *sent = &node->host->sent;
	struct mock_message first = sent->list[0];

	memmove(sent->list, sent->list + 1, --sent->count * sizeof(first));
	deliver(ring, nodeid, &first);
	free(first.data);
	return true;
}

/* Let each node deliver the messages of one rotation. @return number of delivered messages */
static uint32_t run_once(struct service_ring *ring)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < SERVICE_RING_NODES; i++) {
		uint32_t first = ring->first == 0 ? 1 : ring->first;
		uint32_t nodeid = (first - 1 + i) % SERVICE_RING_NODES + 1;
		struct service_node *node = &ring->nodes[nodeid];

		if (node->host == NULL || node->ring_seq == 0)
			continue;

		struct mock_queue sent = node->host->sent;

		memset(&node->host->sent, 0, sizeof(node->host->sent));
		for (uint32_t k = 0; k < sent.count; k++)
			deliver(ring, nodeid, &sent.list[k]);
		count += sent.count;
		mock_queue_clear(&sent);
	}
	return count;
}

void service_ring_run(struct service_ring *ring)
{
	while (run_once(ring) > 0)
		;
}

/* ---- Configurations ------------------------------------------------------ */

static void start_ring(struct service_ring *ring, const uint32_t *members, uint32_t count)
{
	struct service_node before[SERVICE_RING_NODES + 1];

	memcpy(before, ring->nodes, sizeof(before));
	ring->seq += 4;
	for (uint32_t i = 0; i < count; i++) {
		ring->nodes[members[i]].ring_rep = members[0];
		ring->nodes[members[i]].ring_seq = ring->seq;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct service_node *node = &ring->nodes[members[i]];
		uint32_t transitional[SERVICE_RING_NODES], joined[SERVICE_RING_NODES];
		uint32_t transitional_count = 0, joined_count = 0;
		struct coterie_configuration regular = {
			.size = sizeof(regular),
			.is_regular = 1,
			.ring = {.representative = members[0], .seq = ring->seq},
			.members = members,
			.member_count = count,
		};

		for (uint32_t k = 0; k < count; k++) {
			if (is_same_ring(&before[members[i]], &before[members[k]]))
				transitional[transitional_count++] = members[k];
			else
				joined[joined_count++] = members[k];
		}
		regular.joined = joined;
		regular.joined_count = joined_count;
		memcpy(node->host->members, members, count * sizeof(*members));
		node->host->member_count = count;
		if (ring->ops->configuration != NULL)
			ring->ops->configuration(node->self, &regular);
		if (ring->ops->sync_start != NULL)
			ring->ops->sync_start(node->self, transitional, transitional_count, &regular);
	}
}

static void form_start(struct service_ring *ring, const char *rings)
{
	uint32_t members[SERVICE_RING_NODES];
	uint32_t count = 0;

	for (const char *at = rings;; at++) {
		if (*at >= '1' && *at <= '9')
			members[count++] = (uint32_t)(*at - '0');
		if (*at != '|' && *at != '\0')
			continue;
		start_ring(ring, members, count);
		count = 0;
		if (*at == '\0')
			return;
	}
}

void service_ring_form_start(struct service_ring *ring, const char *rings)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (ring->nodes[i].host != NULL && ring->nodes[i].ring_seq != 0)
			refresh(ring, &ring->nodes[i]);
	ring->is_synchronising = true;
	form_start(ring, rings);
}
void service_ring_form_steps(struct service_ring *ring)
{
	bool has_more = true;

	while (has_more) {
		has_more = false;
		for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++) {
			struct service_node *node = &ring->nodes[i];

			if (node->host == NULL || node->ring_seq == 0)
				continue;

			int rc = ring->ops->sync_step(node->self);

			ck_assert(rc == 0 || rc == -EAGAIN);
			if (rc == -EAGAIN)
				node->host->ring_send_rc = 0; /* the token has passed, so there is room again */
			has_more = has_more || rc != 0;
		}
	}
	service_ring_run(ring);
}

void service_ring_form_done(struct service_ring *ring)
{
	ring->is_synchronising = false;
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++) {
		if (ring->nodes[i].host != NULL && ring->nodes[i].ring_seq != 0)
			ring->ops->sync_done(ring->nodes[i].self);
	}
}

void service_ring_form(struct service_ring *ring, const char *rings)
{
	service_ring_form_start(ring, rings);
	service_ring_form_steps(ring);
	service_ring_form_done(ring);
}

/* ---- Clients ------------------------------------------------------------- */

struct service_user service_user_create(struct service_ring *ring, uint32_t nodeid, uint32_t pid)
{
	struct service_node *node = &ring->nodes[nodeid];
	struct service_user user = {.ring = ring, .nodeid = nodeid};

	refresh(ring, node);
	user.client = mock_client_create(node->host, ring->ops->client_size, pid);
	ck_assert_int_eq(ring->ops->client_join(node->self, user.client), 0);
	return user;
}

void service_user_close(struct service_user *user)
{
	if (user->client == NULL)
		return;
	refresh(user->ring, &user->ring->nodes[user->nodeid]);
	user->ring->ops->client_leave(user->ring->nodes[user->nodeid].self, user->client);
	mock_client_destroy(user->client);
	user->client = NULL;
}

int service_user_send(struct service_user *user, int32_t id, void *msg, uint32_t size)
{
	struct coterie_request_header header = {.id = id, .size = (int32_t)size};

	refresh(user->ring, &user->ring->nodes[user->nodeid]);
	memcpy(msg, &header, sizeof(header));
	mock_queue_clear(&user->client->replies);
	return mock_request(user->client, user->ring->ops, user->ring->nodes[user->nodeid].self, msg, size);
}

int32_t service_user_request(struct service_user *user, int32_t id, void *msg, uint32_t size)
{
	int rc = service_user_send(user, id, msg, size);

	if (user->client->replies.count == 0)
		return rc == -EINVAL ? 7 : 0;
	ck_assert_uint_eq(user->client->replies.count, 1);
	return user->client->replies.list[0].error;
}

const char *service_user_event(
	struct service_user *user, char *text, void (*write)(char *text, uint32_t id, const void *event, uint32_t size))
{
	const struct mock_queue *events = &user->client->events;

	text[0] = '\0';
	if (user->seen == events->count)
		return text;

	const struct mock_message *message = &events->list[user->seen++];
	uint8_t *event = calloc(1, message->size + 24);

	memcpy(event + 24, message->data, message->size);
	write(text, message->id, event, message->size + 24);
	free(event);
	return text;
}
