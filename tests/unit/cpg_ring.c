#include "tests/unit/cpg_ring.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

/* ---- Nodes --------------------------------------------------------------- */

void cpg_ring_init(struct cpg_ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->ops = cpg_LTX_coterie_plugin.ops;
}

void cpg_ring_start(struct cpg_ring *ring, uint32_t nodeid)
{
	struct cpg_node *node = &ring->nodes[nodeid];

	memset(node, 0, sizeof(*node));
	node->host = mock_host_create(&cpg_LTX_coterie_plugin);
	node->host->nodeid = nodeid;
	ck_assert_int_eq(ring->ops->init(&node->host->table, node->host, &node->self), 0);
}

void cpg_ring_kill(struct cpg_ring *ring, uint32_t nodeid)
{
	struct cpg_node *node = &ring->nodes[nodeid];

	if (node->host == NULL)
		return;
	ring->ops->fini(node->self);
	ck_assert_uint_eq(mock_host_destroy(node->host), 0);
	memset(node, 0, sizeof(*node));
}

void cpg_ring_fini(struct cpg_ring *ring)
{
	for (uint32_t i = 1; i <= CPG_RING_NODES; i++)
		cpg_ring_kill(ring, i);
}

/* ---- Messages ------------------------------------------------------------ */

static bool is_same_ring(const struct cpg_node *a, const struct cpg_node *b)
{
	return a->host != NULL && b->host != NULL && a->ring_seq != 0 &&
	       a->ring_seq == b->ring_seq && a->ring_rep == b->ring_rep;
}

/* What a node of the other byte order would have written: swapped, but for the header. */
static struct mock_message swapped(
	const struct coterie_service *ops, const struct mock_message *message)
{
	const struct coterie_ring_msg *entry = &ops->ring_msgs[message->id];
	struct mock_message copy = *message;
	uint8_t *whole = calloc(1, message->size + 16);

	copy.data = malloc(message->size);
	memcpy(whole + 16, message->data, message->size);
	if (entry->swap != NULL) {
		/* Lists are counted by their size, so both directions are the same function. */
		entry->swap(whole, entry->deliver != NULL ? message->size + 16 : entry->size_min);
	}
	memcpy(copy.data, whole + 16, message->size);
	free(whole);
	return copy;
}

static void deliver(struct cpg_ring *ring, uint32_t from, const struct mock_message *message)
{
	for (uint32_t to = 1; to <= CPG_RING_NODES; to++) {
		struct cpg_node *node = &ring->nodes[to];

		if (!is_same_ring(&ring->nodes[from], node))
			continue;
		if (ring->has_swapped && to != from) {
			struct mock_message other = swapped(ring->ops, message);

			ck_assert_int_eq(
				mock_deliver(ring->ops, node->self, from, true, &other), 0);
			free(other.data);
		} else {
			ck_assert_int_eq(
				mock_deliver(ring->ops, node->self, from, false, message), 0);
		}
	}
}

/* One turn of the token of everybody. @return messages delivered */
static uint32_t run_once(struct cpg_ring *ring)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CPG_RING_NODES; i++) {
		uint32_t first = ring->first == 0 ? 1 : ring->first;
		uint32_t nodeid = (first - 1 + i) % CPG_RING_NODES + 1;
		struct cpg_node *node = &ring->nodes[nodeid];

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

void cpg_ring_run(struct cpg_ring *ring)
{
	while (run_once(ring) > 0)
		;
}

/* ---- Configurations ------------------------------------------------------ */

static void start_ring(struct cpg_ring *ring, const uint32_t *members, uint32_t count)
{
	struct cpg_node before[CPG_RING_NODES + 1];

	memcpy(before, ring->nodes, sizeof(before));
	ring->seq += 4;
	for (uint32_t i = 0; i < count; i++) {
		ring->nodes[members[i]].ring_rep = members[0];
		ring->nodes[members[i]].ring_seq = ring->seq;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct cpg_node *node = &ring->nodes[members[i]];
		uint32_t transitional[CPG_RING_NODES];
		uint32_t transitional_count = 0;
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
		}
		ring->ops->sync_start(node->self, transitional, transitional_count, &regular);
	}
}

void cpg_ring_form_start(struct cpg_ring *ring, const char *rings)
{
	uint32_t members[CPG_RING_NODES];
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

void cpg_ring_form_steps(struct cpg_ring *ring)
{
	bool has_more = true;

	while (has_more) {
		has_more = false;
		for (uint32_t i = 1; i <= CPG_RING_NODES; i++) {
			struct cpg_node *node = &ring->nodes[i];

			if (node->host == NULL || node->ring_seq == 0)
				continue;

			int rc = ring->ops->sync_step(node->self);

			ck_assert(rc == 0 || rc == -EAGAIN);
			if (rc == -EAGAIN)
				node->host->ring_send_rc =
					0; /* the token has passed: there is room */
			has_more = has_more || rc != 0;
		}
	}
	cpg_ring_run(ring);
}

void cpg_ring_form_done(struct cpg_ring *ring)
{
	for (uint32_t i = 1; i <= CPG_RING_NODES; i++) {
		if (ring->nodes[i].host != NULL && ring->nodes[i].ring_seq != 0)
			ring->ops->sync_done(ring->nodes[i].self);
	}
}

void cpg_ring_form(struct cpg_ring *ring, const char *rings)
{
	cpg_ring_form_start(ring, rings);
	cpg_ring_form_steps(ring);
	cpg_ring_form_done(ring);
}

/* ---- Clients ------------------------------------------------------------- */

struct cpg_user cpg_user_create(struct cpg_ring *ring, uint32_t nodeid, uint32_t pid)
{
	struct cpg_node *node = &ring->nodes[nodeid];
	struct cpg_user user = {.ring = ring, .nodeid = nodeid};

	user.client = mock_client_create(node->host, ring->ops->client_size, pid);
	ck_assert_int_eq(ring->ops->client_join(node->self, user.client), 0);
	return user;
}

void cpg_user_close(struct cpg_user *user)
{
	if (user->client == NULL)
		return;
	user->ring->ops->client_leave(user->ring->nodes[user->nodeid].self, user->client);
	mock_client_destroy(user->client);
	user->client = NULL;
}

static int request(struct cpg_user *user, int32_t id, void *msg, uint32_t size)
{
	struct coterie_request_header header = {.id = id, .size = (int32_t)size};

	memcpy(msg, &header, sizeof(header));
	mock_queue_clear(&user->client->replies);
	return mock_request(
		user->client, user->ring->ops, user->ring->nodes[user->nodeid].self, msg, size);
}

int32_t cpg_user_request(struct cpg_user *user, int32_t id, void *msg, uint32_t size)
{
	int rc = request(user, id, msg, size);

	if (user->client->replies.count == 0)
		return rc == -EINVAL ? 7 : 0;
	ck_assert_uint_eq(user->client->replies.count, 1);
	return user->client->replies.list[0].error;
}

struct cpg_wire_name cpg_wire_name(const void *bytes, uint32_t length)
{
	struct cpg_wire_name name = {.length = length};

	memcpy(name.value, bytes, length < sizeof(name.value) ? length : sizeof(name.value));
	return name;
}

int32_t cpg_user_join(struct cpg_user *user, const char *group, uint32_t flags)
{
	struct cpg_req_join req = {
		.group = cpg_wire_name(group, (uint32_t)strlen(group)),
		.pid = user->client->pid,
		.flags = flags,
	};

	user->group = req.group;
	return cpg_user_request(user, CPG_REQ_JOIN, &req, sizeof(req));
}

int32_t cpg_user_leave(struct cpg_user *user)
{
	struct cpg_req_leave req = {.group = user->group, .pid = user->client->pid};

	return cpg_user_request(user, CPG_REQ_LEAVE, &req, sizeof(req));
}

int cpg_user_mcast(struct cpg_user *user, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	struct cpg_req_mcast *req = calloc(1, sizeof(*req) + length);

	req->guarantee = 2;
	req->msglen = length;
	memcpy(req->message, text, length);

	int rc = request(user, CPG_REQ_MCAST, req, (uint32_t)sizeof(*req) + length);

	ck_assert_uint_eq(user->client->replies.count, 0);
	free(req);
	return rc;
}

/* ---- Events in words ----------------------------------------------------- */

static char *write_list(char *at, const char *word, const struct cpg_wire_address *list,
	uint32_t count, bool has_reason)
{
	at += sprintf(at, " %s[", word);
	for (uint32_t i = 0; i < count; i++) {
		at += sprintf(at, "%s%u:%u", i == 0 ? "" : " ", list[i].nodeid, list[i].pid);
		if (has_reason)
			at += sprintf(at, "/%u", list[i].reason);
		else
			ck_assert_uint_eq(list[i].reason, 0);
	}
	return at + sprintf(at, "]");
}

/* event: with 24 bytes in front for the header, size counts them. */
static void write_event(char *at, uint32_t id, const void *event, uint32_t size)
{
	const struct cpg_event_confchg *change = event;
	const struct cpg_event_deliver *message = event;
	const struct cpg_event_partial_deliver *part = event;
	const struct cpg_event_totem_confchg *totem = event;
	const struct cpg_wire_address *list;

	switch (id) {
	case CPG_EVENT_CONFCHG:
		ck_assert_uint_eq(
			size, sizeof(*change) + 24 * (change->member_count + change->left_count +
							     change->joined_count));
		at += sprintf(at, "confchg %.*s", (int)change->group.length, change->group.value);
		list = change->lists;
		at = write_list(at, "", list, change->member_count, false);
		list += change->member_count;
		at = write_list(at, "left ", list, change->left_count, true);
		list += change->left_count;
		write_list(at, "joined ", list, change->joined_count, true);
		return;
	case CPG_EVENT_DELIVER:
		ck_assert_uint_eq(size, sizeof(*message) + message->msglen);
		sprintf(at, "deliver %.*s %u:%u %.*s", (int)message->group.length,
			message->group.value, message->nodeid, message->pid,
			(int)(message->msglen < 200 ? message->msglen : 200), message->message);
		return;
	case CPG_EVENT_PARTIAL_DELIVER:
		ck_assert_uint_eq(size, sizeof(*part) + part->fraglen);
		sprintf(at, "partial %.*s %u:%u %u %u/%u %.*s", (int)part->group.length,
			part->group.value, part->nodeid, part->pid, part->type, part->fraglen,
			part->msglen, (int)part->fraglen, part->fragment);
		return;
	case CPG_EVENT_TOTEM_CONFCHG:
		ck_assert_uint_eq(size, sizeof(*totem) + 4 * totem->member_count);
		at += sprintf(
			at, "totem %u.%jx [", totem->ring_id.nodeid, (uintmax_t)totem->ring_id.seq);
		for (uint32_t i = 0; i < totem->member_count; i++)
			at += sprintf(at, "%s%u", i == 0 ? "" : " ", totem->members[i]);
		sprintf(at, "]");
		return;
	default:
		ck_abort_msg("event %u", id);
	}
}

const char *cpg_user_event(struct cpg_user *user)
{
	static char text[65536];
	const struct mock_queue *events = &user->client->events;

	text[0] = '\0';
	if (user->seen == events->count)
		return text;

	const struct mock_message *message = &events->list[user->seen++];
	uint8_t *event = calloc(1, message->size + 24);

	memcpy(event + 24, message->data, message->size);
	write_event(text, message->id, event, message->size + 24);
	free(event);
	return text;
}
