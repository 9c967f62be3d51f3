/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of clients. Each request is checked, then answered or sent as a ring message. */
#include "services/evs/evs.h"

#include <errno.h>
#include <string.h>

#define CS_OK 1
#define CS_ERR_TOO_MANY_GROUPS 30

static struct evs_connection *connection_of(struct evs *evs, struct coterie_client *client)
{
	return evs->host->client_data(client);
}

/* Copy a request, which its client may be changing. The caller must then use only the copy. */
static void snapshot(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	/* Without this line the compiler may read `from` again where `to` is used. */
	__asm__ volatile("" : : "r"(to) : "memory");
}

static int answer(struct evs *evs, struct coterie_client *client, uint32_t id, int32_t error)
{
	evs->host->reply(client, id, error, NULL, 0);
	return COTERIE_REPLIED;
}

/* ---- Groups -------------------------------------------------------------- */

static int handle_join(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct evs *evs = self;
	struct evs_req_groups req;
	const struct evs_wire_group *groups = (const void *)((const uint8_t *)msg + sizeof(req));

	snapshot(&req, msg, sizeof(req));
	if (req.group_count > EVS_REQUEST_GROUPS_MAX)
		return answer(evs, client, EVS_RES_JOIN, CS_ERR_TOO_MANY_GROUPS);
	if (req.group_count > (size - sizeof(req)) / sizeof(*groups))
		return -EINVAL;
	return evs_groups_add(evs, connection_of(evs, client), groups, req.group_count);
}

static int handle_leave(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct evs *evs = self;
	struct evs_req_groups req;
	const struct evs_wire_group *groups = (const void *)((const uint8_t *)msg + sizeof(req));
	struct evs_wire_group copies[EVS_REQUEST_GROUPS_MAX];

	snapshot(&req, msg, sizeof(req));
	if (req.group_count > EVS_REQUEST_GROUPS_MAX)
		return answer(evs, client, EVS_RES_LEAVE, CS_ERR_TOO_MANY_GROUPS);
	if (req.group_count > (size - sizeof(req)) / sizeof(*groups))
		return -EINVAL;
	snapshot(copies, groups, req.group_count * sizeof(*groups));
	return evs_groups_remove(connection_of(evs, client), copies, req.group_count);
}

/* ---- Sending ------------------------------------------------------------- */

/*
 * Send a message. Unordered and first-in-first-out messages are sent as agreed. A safe message is sent as safe on every
 * ring. Whether all nodes guarantee safe delivery depends on the configuration, and clients find this in its flag.
 */
static int send_message(struct evs *evs, uint32_t guarantee, const struct evs_wire_group *groups, uint32_t group_count,
	const void *bytes, uint32_t msglen)
{
	struct evs_ring_mcast mcast = {.group_count = group_count, .msglen = msglen};
	struct iovec iov[] = {
		{(uint8_t *)&mcast + sizeof(mcast.header), sizeof(mcast) - sizeof(mcast.header)},
		{(void *)(uintptr_t)groups, group_count * sizeof(*groups)},
		{(void *)(uintptr_t)bytes, msglen},
	};

	if (guarantee > EVS_WIRE_SAFE)
		return -EINVAL;
	if (msglen > EVS_MESSAGE_SIZE_MAX || msglen + (uint64_t)group_count * sizeof(*groups) > EVS_TOTAL_SIZE_MAX)
		return -EMSGSIZE;
	return evs->host->ring_send(
		evs->ctx, EVS_RING_MCAST, guarantee == EVS_WIRE_SAFE ? COTERIE_SAFE : COTERIE_AGREED, iov, 3);
}

/* Return whether a client may send. A client with many unread events may not. */
static bool may_send(const struct evs *evs, struct coterie_client *client)
{
	return !COTERIE_HAS(evs->host, client_may_send) || evs->host->client_may_send(client) == 0;
}

static int handle_mcast_joined(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct evs *evs = self;
	const struct evs_connection *connection = connection_of(evs, client);
	struct evs_req_mcast_joined req;

	snapshot(&req, msg, sizeof(req));
	if (req.msglen > size - sizeof(req))
		return -EINVAL;
	if (!may_send(evs, client))
		return -EAGAIN;
	return send_message(evs, req.guarantee, connection->groups, connection->group_count,
		(const uint8_t *)msg + sizeof(req), req.msglen);
}

static int handle_mcast_groups(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct evs *evs = self;
	struct evs_req_mcast_groups req;
	const struct evs_wire_group *groups = (const void *)((const uint8_t *)msg + sizeof(req));

	snapshot(&req, msg, sizeof(req));
	if (req.group_count > EVS_REQUEST_GROUPS_MAX)
		return answer(evs, client, EVS_RES_MCAST_GROUPS, CS_ERR_TOO_MANY_GROUPS);
	if (req.group_count > (size - sizeof(req)) / sizeof(*groups) ||
		req.msglen > size - sizeof(req) - req.group_count * sizeof(*groups))
		return -EINVAL;
	if (!may_send(evs, client))
		return -EAGAIN;
	return send_message(evs, req.guarantee, groups, req.group_count, groups + req.group_count, req.msglen);
}

/* ---- Queries ------------------------------------------------------------- */

static int handle_membership_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct evs *evs = self;
	const uint32_t *members;
	struct evs_res_membership_get res = {.local_nodeid = evs->host->local_nodeid(evs->ctx)};

	(void)msg, (void)size;
	evs->host->membership(evs->ctx, NULL, &members, &res.member_count);

	struct iovec iov[] = {
		{(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)},
		{(void *)(uintptr_t)members, res.member_count * sizeof(*members)},
	};

	evs->host->reply(client, EVS_RES_MEMBERSHIP_GET, CS_OK, iov, 2);
	return COTERIE_REPLIED;
}

#define FLOW COTERIE_NEEDS_FLOW

const struct coterie_request evs_requests[EVS_REQUESTS] = {
	{EVS_REQ_JOIN, sizeof(struct evs_req_groups), 0, EVS_RES_JOIN, handle_join},
	{EVS_REQ_LEAVE, sizeof(struct evs_req_groups), 0, EVS_RES_LEAVE, handle_leave},
	{EVS_REQ_MCAST_JOINED, sizeof(struct evs_req_mcast_joined), FLOW, EVS_RES_MCAST_JOINED, handle_mcast_joined},
	{EVS_REQ_MCAST_GROUPS, sizeof(struct evs_req_mcast_groups), FLOW, EVS_RES_MCAST_GROUPS, handle_mcast_groups},
	{EVS_REQ_MEMBERSHIP_GET, sizeof(struct evs_req_membership_get), COTERIE_OBSERVES, EVS_RES_MEMBERSHIP_GET,
		handle_membership_get},
};
