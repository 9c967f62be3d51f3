/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery of the ring's messages and configurations to clients, in the same order on every node. */
#include "services/evs/evs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* The bytes of an event behind its header, which the executive writes. */
#define AFTER_HEADER(event) \
	{ \
		(uint8_t *)&(event) + sizeof(struct evs_response_header), \
			sizeof(event) - sizeof(struct evs_response_header) \
	}

static int reserve(void **array, size_t *capacity, size_t count, size_t element_size)
{
	if (count <= *capacity)
		return 0;

	void *grown = reallocarray(*array, count + count / 2, element_size);

	if (grown == NULL)
		return -ENOMEM;
	*array = grown;
	*capacity = count + count / 2;
	return 0;
}

/* ---- Messages ------------------------------------------------------------ */

/* Swap the bytes of a message from a node with another byte order. The executive has swapped the header. */
void evs_swap_mcast(void *msg, uint32_t size)
{
	struct evs_ring_mcast *mcast = msg;

	(void)size;
	mcast->group_count = __builtin_bswap64(mcast->group_count);
	mcast->msglen = __builtin_bswap64(mcast->msglen);
}

/*
 * Separate the groups from the message that follows them, both in parts as in the frames. Copy the groups to
 * evs->groups. Store the parts of the message in evs->parts, behind an element for the event's own bytes. @return
 * number of elements in evs->parts; -ENOMEM
 */
static int split(struct evs *evs, const struct iovec *parts, uint32_t count, size_t group_count)
{
	uint8_t *to;
	size_t missing = group_count * sizeof(*evs->groups);
	int used = 1;

	if (reserve((void **)&evs->groups, &evs->group_capacity, group_count + 1, sizeof(*evs->groups)) < 0 ||
		reserve((void **)&evs->parts, &evs->part_capacity, count + 1u, sizeof(*evs->parts)) < 0)
		return -ENOMEM;
	to = (uint8_t *)evs->groups;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *bytes = parts[i].iov_base;
		size_t taken = parts[i].iov_len < missing ? parts[i].iov_len : missing;

		if (taken > 0)
			memcpy(to, bytes, taken);
		to += taken;
		missing -= taken;
		if (taken < parts[i].iov_len)
			evs->parts[used++] = (struct iovec){
				(uint8_t *)(uintptr_t)bytes + taken, parts[i].iov_len - taken};
	}
	return used;
}

void evs_deliver_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct evs *evs = self;
	const struct evs_ring_mcast *mcast = head;
	uint64_t rest = size - sizeof(*mcast);
	struct evs_event_deliver event = {.nodeid = nodeid, .msglen = (uint32_t)mcast->msglen};
	struct evs_connection *next;

	/* Reject more groups: a client is never in more, so a correct node does not send them. */
	if (mcast->group_count > EVS_CONNECTION_GROUPS_MAX) {
		evs->host->log(evs->ctx, LOG_WARNING, "message of node %u dropped: it names too many groups", nodeid);
		return;
	}
	if (mcast->group_count > rest / sizeof(struct evs_wire_group) ||
		mcast->msglen != rest - mcast->group_count * sizeof(struct evs_wire_group)) {
		evs->host->log(
			evs->ctx, LOG_WARNING, "message of node %u dropped: it is not as long as it says", nodeid);
		return;
	}
	if (mcast->msglen > EVS_MESSAGE_SIZE_MAX) {
		evs->host->log(evs->ctx, LOG_WARNING, "message of node %u dropped: it is longer than clients can read",
			nodeid);
		return;
	}
	if (evs->connections == NULL)
		return;

	int used = split(evs, parts, count, mcast->group_count);

	if (used < 0 || evs_groups_prepare(evs, evs->groups, (uint32_t)mcast->group_count) < 0) {
		evs->host->log(evs->ctx, LOG_WARNING, "message of node %u dropped: out of memory", nodeid);
		return;
	}
	evs->parts[0] = (struct iovec)AFTER_HEADER(event);
	for (struct evs_connection *one = evs->connections; one != NULL; one = next) {
		next = one->next;
		/* Ignore an error: the client's connection is ending. */
		if (evs_groups_meet(evs, one, evs->groups, (uint32_t)mcast->group_count))
			(void)evs->host->event(one->client, EVS_EVENT_DELIVER, evs->parts, (uint32_t)used);
	}
}

/* ---- Configurations ------------------------------------------------------ */

/*
 * Return the flags of a configuration, which are valid for the messages that follow it. A transitional configuration is
 * followed by the remaining messages of the old ring, a regular one by those of the new ring.
 */
static uint32_t flags_now(struct evs *evs)
{
	if (COTERIE_HAS(evs->host, is_safe_kept) && evs->host->is_safe_kept(evs->ctx) != 0)
		return EVS_WIRE_SAFE_KEPT;
	return 0;
}

static void tell(struct evs *evs, struct evs_connection *connection, const struct coterie_configuration *configuration)
{
	struct evs_event_confchg event = {
		.ring_id = {.nodeid = configuration->ring.representative, .seq = configuration->ring.seq},
		.type = configuration->is_regular ? EVS_WIRE_REGULAR : EVS_WIRE_TRANSITIONAL,
		.flags = flags_now(evs),
		.member_count = configuration->member_count,
		.left_count = configuration->left_count,
		.joined_count = configuration->joined_count,
	};
	struct iovec iov[] = {
		AFTER_HEADER(event),
		{(void *)(uintptr_t)configuration->members, configuration->member_count * sizeof(uint32_t)},
		{(void *)(uintptr_t)configuration->left, configuration->left_count * sizeof(uint32_t)},
		{(void *)(uintptr_t)configuration->joined, configuration->joined_count * sizeof(uint32_t)},
	};

	(void)evs->host->event(connection->client, EVS_EVENT_CONFCHG, iov, 4);
}

void evs_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct evs *evs = self;
	struct evs_connection *next;

	for (struct evs_connection *one = evs->connections; one != NULL; one = next) {
		next = one->next;
		tell(evs, one, configuration);
	}
}

void evs_tell_present(struct evs *evs, struct evs_connection *connection)
{
	struct coterie_configuration present = {.size = sizeof(present), .is_regular = 1};

	evs->host->membership(evs->ctx, &present.ring, &present.members, &present.member_count);
	tell(evs, connection, &present);
}
