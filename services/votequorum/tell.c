/* SPDX-License-Identifier: BSD-3-Clause */
/* Events for clients that track (book ipc, "quorum and votequorum requests"). */
#include "services/votequorum/votequorum.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* An event without the header, which the executive writes. */
struct event {
	uint32_t id;
	uint8_t *body;
	uint32_t size;       /* bytes of body */
	uint32_t context_at; /* offset of the client's context in body */
};

/* Send an event to one client, or with connection NULL to all clients that track. */
static void send_event(struct votequorum *vq, struct votequorum_connection *connection, const struct event *event)
{
	struct iovec iov = {.iov_base = event->body, .iov_len = event->size};
	struct votequorum_connection *next;

	if (connection != NULL) {
		memcpy(event->body + event->context_at, &connection->context, sizeof(uint64_t));
		vq->host->event(connection->client, event->id, &iov, 1);
		return;
	}
	for (connection = vq->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (!connection->is_tracking)
			continue;
		memcpy(event->body + event->context_at, &connection->context, sizeof(uint64_t));
		vq->host->event(connection->client, event->id, &iov, 1);
	}
}

#define HEAD sizeof(struct votequorum_response_header)

static void complain_memory(struct votequorum *vq)
{
	vq->host->log(vq->ctx, LOG_WARNING, "out of memory: clients are not told of a change");
}

void votequorum_tell_quorum(struct votequorum *vq, struct votequorum_connection *connection)
{
	const struct vote_calc *calc = &vq->calc;
	struct votequorum_event_quorum *event = calloc(
		1, sizeof(*event) + (calc->node_count + 1) * sizeof(event->nodes[0]));

	if (event == NULL) {
		complain_memory(vq);
		return;
	}
	event->quorate = votequorum_shows_quorum(vq);
	for (uint32_t i = 0; i < calc->node_count; i++)
		event->nodes[event->node_count++] = (struct votequorum_wire_node){
			calc->nodes[i].nodeid, calc->nodes[i].state};
	if (votequorum_is_registered(vq))
		event->node_count++; /* the device: node 0, state 0 */

	const struct event sent = {
		.id = VOTEQUORUM_EVENT_QUORUM,
		.body = (uint8_t *)event + HEAD,
		.size = (uint32_t)(sizeof(*event) - HEAD + event->node_count * sizeof(event->nodes[0])),
		.context_at = offsetof(struct votequorum_event_quorum, context) - HEAD,
	};

	send_event(vq, connection, &sent);
	free(event);
}

void votequorum_tell_nodelist(struct votequorum *vq, struct votequorum_connection *connection)
{
	const struct vote_list *members = &vq->calc.members;
	size_t list_size = members->count * sizeof(uint32_t);
	struct votequorum_event_nodelist *event = calloc(1, sizeof(*event) + list_size);

	if (event == NULL) {
		complain_memory(vq);
		return;
	}
	event->ring_id.nodeid = vq->ring.representative;
	event->ring_id.seq = vq->ring.seq;
	event->node_count = members->count;
	if (members->count > 0)
		memcpy(event->nodes, members->nodeids, list_size);

	const struct event sent = {
		.id = VOTEQUORUM_EVENT_NODELIST,
		.body = (uint8_t *)event + HEAD,
		.size = (uint32_t)(sizeof(*event) - HEAD + list_size),
		.context_at = offsetof(struct votequorum_event_nodelist, context) - HEAD,
	};

	send_event(vq, connection, &sent);
	free(event);
}

void votequorum_tell_expected(struct votequorum *vq, uint32_t expected)
{
	struct votequorum_event_expected_votes event = {.expected_votes = expected};
	const struct event sent = {
		.id = VOTEQUORUM_EVENT_EXPECTED_VOTES,
		.body = (uint8_t *)&event + HEAD,
		.size = sizeof(event) - HEAD,
		.context_at = offsetof(struct votequorum_event_expected_votes, context) - HEAD,
	};

	send_event(vq, NULL, &sent);
}

void votequorum_tell_extra(struct votequorum *vq, uint32_t nodeid, const uint8_t *bytes, uint32_t size)
{
	struct votequorum_event_extra event = {.nodeid = nodeid, .size = size};
	struct iovec iov[2] = {
		{.iov_base = (uint8_t *)&event + HEAD, .iov_len = sizeof(event) - HEAD},
		{.iov_base = (void *)(uintptr_t)bytes, .iov_len = size},
	};
	struct votequorum_connection *next;

	for (struct votequorum_connection *one = vq->connections; one != NULL; one = next) {
		next = one->next;
		if (!one->is_tracking || !one->takes_extra)
			continue;
		event.context = one->context;
		vq->host->event(one->client, VOTEQUORUM_EVENT_EXTRA, iov, size == 0 ? 1 : 2);
	}
}
