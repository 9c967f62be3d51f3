/* SPDX-License-Identifier: BSD-3-Clause */
/* Events for clients (book ipc, "quorum and votequorum requests"). */
#include "services/quorum/quorum.h"

#include <string.h>

/* Zero bytes behind each list: a list starts inside the padding of its struct, so 4 bytes are missing at the end. */
static const uint32_t tail;

static struct iovec part(const void *bytes, size_t size)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
}

#define HEAD sizeof(struct quorum_response_header)
/* The part of an event between the header, which the executive writes, and the list. */
#define BODY(event, list) part((const uint8_t *)&(event) + HEAD, offsetof(__typeof__(event), list) - HEAD)

static void send_verdict(
	const struct quorum *quorum, const struct coterie_quorum *verdict, const struct quorum_connection *connection)
{
	struct iovec list = part(verdict->members, verdict->member_count * sizeof(uint32_t));
	struct iovec end = part(&tail, sizeof(tail));

	if (connection->model == QUORUM_WIRE_MODEL_V0) {
		struct quorum_event_notification event = {
			.quorate = verdict->is_quorate != 0,
			.ring_seq = verdict->ring.seq,
			.view_count = verdict->member_count,
		};
		struct iovec iov[] = {BODY(event, view), list, end};

		quorum->host->event(connection->client, QUORUM_EVENT_NOTIFICATION, iov, 3);
	} else {
		struct quorum_event_v1_quorum event = {
			.quorate = verdict->is_quorate != 0,
			.ring_id = {.nodeid = verdict->ring.representative, .seq = verdict->ring.seq},
			.view_count = verdict->member_count,
		};
		struct iovec iov[] = {BODY(event, view), list, end};

		quorum->host->event(connection->client, QUORUM_EVENT_V1_QUORUM, iov, 3);
	}
}

void quorum_tell_verdict(
	struct quorum *quorum, const struct coterie_quorum *verdict, struct quorum_connection *connection)
{
	struct quorum_connection *next;

	if (connection != NULL) {
		send_verdict(quorum, verdict, connection);
		return;
	}
	for (connection = quorum->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->is_tracking)
			send_verdict(quorum, verdict, connection);
	}
}

static void send_nodelist(const struct quorum *quorum, const struct quorum_connection *connection,
	const struct quorum_list *joined, const struct quorum_list *left)
{
	struct quorum_event_v1_nodelist event = {
		.ring_id = {.nodeid = quorum->ring.representative, .seq = quorum->ring.seq},
		.member_count = quorum->members.count,
		.joined_count = joined->count,
		.left_count = left->count,
	};
	struct iovec iov[] = {
		BODY(event, lists),
		part(quorum->members.nodeids, quorum->members.count * sizeof(uint32_t)),
		part(joined->nodeids, joined->count * sizeof(uint32_t)),
		part(left->nodeids, left->count * sizeof(uint32_t)),
		part(&tail, sizeof(tail)),
	};

	if (connection->model == QUORUM_WIRE_MODEL_V1)
		quorum->host->event(connection->client, QUORUM_EVENT_V1_NODELIST, iov, 5);
}

void quorum_tell_nodelist(struct quorum *quorum, struct quorum_connection *connection)
{
	static const struct quorum_list none;
	struct quorum_connection *next;

	if (connection != NULL) {
		send_nodelist(quorum, connection, &none, &none);
		return;
	}
	for (connection = quorum->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->is_tracking)
			send_nodelist(quorum, connection, &quorum->joined, &quorum->left);
	}
}
