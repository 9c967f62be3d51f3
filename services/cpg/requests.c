/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of clients. Each request is checked, then answered or sent as a ring message. */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <coterie/channel.h>
#include <coterie/cpg_calls.h>

/* CPG_TYPE_SAFE of the client API. Every other value means agreed delivery. */
#define GUARANTEE_SAFE 3u
#define LEAVE_RETRY_NS UINT64_C(10000000)
/* CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF of the client API. */
#define INITIAL_TOTEM_CONF 1u
#define CS_OK 1

/* Plugins call the service with the structs of <coterie/cpg_calls.h>, which must have the same layout. */
#define SAME(ours, theirs) \
	_Static_assert(sizeof(struct ours) == sizeof(struct theirs), #ours " and " #theirs " have one layout")
#define SAME_PLACE(ours, member, theirs, their_member) \
	_Static_assert(offsetof(struct ours, member) == offsetof(struct theirs, their_member), #ours "." #member)
SAME(cpg_wire_name, coterie_cpg_call_group);
SAME(cpg_wire_address, coterie_cpg_call_process);
SAME_PLACE(cpg_wire_address, pid, coterie_cpg_call_process, pid);
SAME_PLACE(cpg_wire_address, reason, coterie_cpg_call_process, reason);
SAME(cpg_req_join, coterie_cpg_call_join);
SAME_PLACE(cpg_req_join, pid, coterie_cpg_call_join, pid);
SAME_PLACE(cpg_req_join, flags, coterie_cpg_call_join, flags);
SAME(cpg_req_leave, coterie_cpg_call_leave);
SAME_PLACE(cpg_req_leave, pid, coterie_cpg_call_leave, pid);
SAME(cpg_req_mcast, coterie_cpg_call_message);
SAME_PLACE(cpg_req_mcast, guarantee, coterie_cpg_call_message, guarantee);
SAME_PLACE(cpg_req_mcast, msglen, coterie_cpg_call_message, size);
SAME(cpg_event_deliver, coterie_cpg_call_delivered);
SAME_PLACE(cpg_event_deliver, msglen, coterie_cpg_call_delivered, size);
SAME_PLACE(cpg_event_deliver, nodeid, coterie_cpg_call_delivered, nodeid);
SAME_PLACE(cpg_event_deliver, pid, coterie_cpg_call_delivered, pid);
SAME(cpg_event_confchg, coterie_cpg_call_changed);
SAME_PLACE(cpg_event_confchg, member_count, coterie_cpg_call_changed, member_count);
SAME_PLACE(cpg_event_confchg, joined_count, coterie_cpg_call_changed, joined_count);
SAME_PLACE(cpg_event_confchg, left_count, coterie_cpg_call_changed, left_count);
_Static_assert(CPG_REQ_JOIN == COTERIE_CPG_CALL_JOIN && CPG_REQ_LEAVE == COTERIE_CPG_CALL_LEAVE &&
		       CPG_REQ_MCAST == COTERIE_CPG_CALL_SEND,
	"numbers of requests");
_Static_assert(CPG_EVENT_CONFCHG == COTERIE_CPG_CALL_CHANGED && CPG_EVENT_DELIVER == COTERIE_CPG_CALL_MESSAGE,
	"numbers of events");
_Static_assert(CPG_GROUP_NAME_MAX == COTERIE_CPG_CALL_NAME_MAX && CPG_ATOMIC_SIZE_MAX == COTERIE_CPG_CALL_MESSAGE_MAX &&
		       GUARANTEE_SAFE == COTERIE_CPG_CALL_SAFE,
	"limits and guarantees");

static struct cpg_connection *connection_of(struct cpg *cpg, struct coterie_client *client)
{
	return cpg->host->client_data(client);
}

/* ---- Joining and leaving ------------------------------------------------- */

static int send_process(
	struct cpg *cpg, uint32_t function, const struct cpg_wire_name *name, uint32_t pid, uint32_t reason)
{
	struct cpg_ring_process process = {.group = *name, .pid = pid, .reason = reason};
	struct iovec iov = {
		.iov_base = (uint8_t *)&process + sizeof(process.header),
		.iov_len = sizeof(process) - sizeof(process.header),
	};

	return cpg->host->ring_send(cpg->ctx, function, COTERIE_AGREED, &iov, 1);
}

/* Send the leave of a process, after all its messages. */
static int send_leave(struct cpg *cpg, const struct cpg_handle *handle, const struct cpg_wire_name *name, uint32_t pid,
	uint32_t reason)
{
	if (cpg_compact_waits(cpg))
		return -EAGAIN;
	if (handle->period == cpg->compact.period)
		return cpg_compact_send(cpg, handle, CPG_COMPACT_LEAVE, reason, COTERIE_AGREED, NULL, 0);
	return send_process(cpg, CPG_RING_PROCLEAVE, name, pid, reason);
}

/* Return whether a client of the process, which is finalized or not, has this state in the group. */
static bool has_client(const struct cpg_group *group, uint32_t pid, bool is_finalized, enum cpg_state state)
{
	for (const struct cpg_connection *one = group != NULL ? group->connections : NULL; one != NULL;
		one = one->group_next) {
		if (one->pid == pid && one->is_finalized == is_finalized && one->state == state)
			return true;
	}
	return false;
}

static bool is_leaving(const struct cpg *cpg, const struct cpg_wire_name *name, uint32_t pid)
{
	for (const struct cpg_leaving *one = cpg->leaving; one != NULL; one = one->next) {
		if (one->pid == pid && cpg_name_equal(&one->name, name))
			return true;
	}
	return false;
}

/* Return 0 if the client may join, otherwise the error of its answer. Keep the order of the checks: book ipc, "cpg". */
static int may_join(
	struct cpg *cpg, const struct cpg_connection *connection, const struct cpg_wire_name *name, uint32_t pid)
{
	struct cpg_group *group = cpg_group_find(cpg, name);
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);

	if (has_client(group, pid, false, CPG_JOIN_STARTED) || has_client(group, pid, false, CPG_JOINED))
		return -EEXIST;
	/* An earlier membership of this process may not have ended yet. Its client may even be finalized before its join
	 * is delivered. */
	if (has_client(group, pid, true, CPG_JOIN_STARTED) || is_leaving(cpg, name, pid) ||
		(group != NULL && cpg_process_find(group, local, pid) != NULL))
		return -EAGAIN;
	switch (connection->state) {
	case CPG_UNJOINED:
		return connection->is_finalized ? -EINVAL : 0;
	case CPG_JOIN_STARTED:
	case CPG_JOINED:
		return -EEXIST;
	case CPG_LEAVE_STARTED:
		return -EBUSY;
	}
	return -EINVAL;
}

/*
 * Return whether one more process of this node may join. All nodes drop joins above the limit of a node, and the client
 * would wait for its own join for ever.
 */
static bool has_room(const struct cpg *cpg)
{
	uint32_t count = cpg_tally_of(cpg, cpg->host->local_nodeid(cpg->ctx));

	if (count < CPG_PROCESSES_MAX / 2) /* joins that are not delivered yet cannot fill the other half, so do not
					    * count them */
		return true;
	for (const struct cpg_connection *one = cpg->connections; one != NULL; one = one->next)
		count += one->state == CPG_JOIN_STARTED;
	return count < CPG_PROCESSES_MAX;
}

/* Answer a join. If the request offers a fast channel, the answer contains the grant of the channel. */
static int answer_join(struct cpg *cpg, struct coterie_client *client, const void *msg, uint32_t size)
{
	const uint32_t plain = sizeof(struct cpg_req_join);
	const uint8_t *offer = (const uint8_t *)msg + plain;
	struct coterie_channel_grant grant;
	struct iovec iov = {&grant, sizeof(grant)};

	if (size == plain || !COTERIE_HAS(cpg->host, channel_open) ||
		cpg->host->channel_open(client, offer, size - plain, &grant) < 0)
		return 0;
	cpg->host->reply(client, CPG_RES_JOIN, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int handle_join(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = connection_of(cpg, client);
	struct cpg_req_join req;
	struct cpg_wire_name name;

	cpg_snapshot(&req, msg, sizeof(req));

	int rc = cpg_name_clean(&req.group, &name);

	if (rc == 0)
		rc = may_join(cpg, connection, &name, req.pid);
	if (rc < 0)
		return rc;

	if (!has_room(cpg))
		return -EAGAIN;

	struct cpg_group *group = cpg_group_get(cpg, &name);

	if (group == NULL)
		return -ENOMEM;
	if (connection->leaving == NULL)
		connection->leaving = calloc(1, sizeof(*connection->leaving));
	rc = connection->leaving == NULL ? -ENOMEM
					 : send_process(cpg, CPG_RING_PROCJOIN, &name, req.pid, CPG_WIRE_REASON_JOIN);
	if (rc < 0) {
		cpg_group_release(cpg, group);
		return rc;
	}
	connection->state = CPG_JOIN_STARTED;
	connection->sending = (struct cpg_sending){0};
	connection->pid = req.pid;
	connection->wants_totem = (req.flags & INITIAL_TOTEM_CONF) != 0 && !connection->had_totem;
	cpg_connection_attach(cpg, connection, group);
	return answer_join(cpg, client, msg, size);
}

/*
 * Leave the joined group with the pid of the join. Ignore the pid in the request, and refuse the name of any other
 * group. Otherwise a dead process could stay listed, or a client could remove another client's process
 * (book compatibility, "Client libraries").
 */
static int handle_leave(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = connection_of(cpg, client);
	struct cpg_req_leave req;
	struct cpg_wire_name name;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	int named = cpg_name_clean(&req.group, &name);

	if (named < 0)
		return named;
	switch (connection->state) {
	case CPG_UNJOINED:
	case CPG_LEAVE_STARTED:
		return -ENOENT;
	case CPG_JOIN_STARTED:
		return -EBUSY;
	case CPG_JOINED:
		break;
	}
	if (!cpg_name_equal(&connection->group->name, &name))
		return -ENOENT;

	int rc = send_leave(cpg, &connection->handle, &connection->group->name, connection->pid, CPG_WIRE_REASON_LEAVE);

	if (rc == 0) {
		connection->state = CPG_LEAVE_STARTED;
		connection->handle.period = 0;
	}
	return rc;
}

static int handle_finalize(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)msg, (void)size;
	connection_of(self, client)->is_finalized = true; /* the leave is sent when the client disconnects */
	return 0;
}

/* Send the leaves for which the ring had no room. */
static void send_leavings(void *arg)
{
	struct cpg *cpg = arg;

	cpg->leave_retry = NULL;
	for (struct cpg_leaving *one = cpg->leaving; one != NULL; one = one->next) {
		if (one->is_sent)
			continue;
		if (send_leave(cpg, &one->handle, &one->name, one->pid, CPG_WIRE_REASON_PROCDOWN) < 0) {
			uint64_t at_ns = cpg->host->now_ns(cpg->ctx) + LEAVE_RETRY_NS;

			if (cpg->host->timer_add(cpg->ctx, at_ns, send_leavings, cpg, &cpg->leave_retry) < 0)
				cpg->leave_retry = NULL; /* the next leave starts the timer again */
			return;
		}
		one->is_sent = true;
	}
}

void cpg_leavings_resume(struct cpg *cpg)
{
	if (cpg->leave_retry == NULL)
		return;
	cpg->host->timer_del(cpg->ctx, cpg->leave_retry);
	send_leavings(cpg);
}

void cpg_leavings_send(struct cpg *cpg)
{
	if (cpg->leave_retry == NULL)
		send_leavings(cpg);
}

void cpg_connection_drop(struct cpg *cpg, struct cpg_connection *connection)
{
	struct cpg_leaving *leaving = connection->leaving;

	connection->leaving = NULL;
	if (connection->state == CPG_JOIN_STARTED || connection->state == CPG_JOINED) {
		struct cpg_leaving **end = &cpg->leaving;

		while (*end != NULL)
			end = &(*end)->next;
		leaving->next = NULL;
		leaving->name = connection->group->name;
		leaving->pid = connection->pid;
		leaving->handle = connection->handle;
		leaving->is_sent = false;
		*end = leaving;
		cpg_leavings_send(cpg);
	} else {
		free(leaving);
	}
	connection->state = CPG_UNJOINED;
	cpg_connection_detach(cpg, connection);
}

/* ---- Sending ------------------------------------------------------------- */

bool cpg_may_send(const struct cpg *cpg, struct coterie_client *client)
{
	return !COTERIE_HAS(cpg->host, client_may_send) || cpg->host->client_may_send(client) == 0;
}

int cpg_send(struct cpg *cpg, struct cpg_connection *connection, uint32_t guarantee, const void *bytes, uint32_t size)
{
	if (connection->state != CPG_JOIN_STARTED && connection->state != CPG_JOINED) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a client sends without being in a group");
		return -ENOENT;
	}
	if (size > CPG_ATOMIC_SIZE_MAX)
		return -EMSGSIZE; /* the event would be too long for the members' clients */
	if (cpg_compact_waits(cpg))
		return -EAGAIN;

	uint32_t ring_guarantee = guarantee == GUARANTEE_SAFE ? COTERIE_SAFE : COTERIE_AGREED;

	if (cpg_compact_has(cpg, &connection->handle, &connection->group->name, connection->pid))
		return cpg_compact_send(cpg, &connection->handle, CPG_COMPACT_MESSAGE, 0, ring_guarantee, bytes, size);

	struct cpg_ring_mcast mcast = {
		.group = connection->group->name,
		.msglen = size,
		.pid = connection->pid,
		.source = {.nodeid = cpg->host->local_nodeid(cpg->ctx)},
	};
	struct iovec iov[] = {
		{(uint8_t *)&mcast + sizeof(mcast.header), sizeof(mcast) - sizeof(mcast.header)},
		{(void *)(uintptr_t)bytes, size},
	};

	return cpg->host->ring_send(cpg->ctx, CPG_RING_MCAST, ring_guarantee, iov, 2);
}

static int handle_mcast(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg_req_mcast req;

	cpg_snapshot(&req, msg, sizeof(req));
	if (req.msglen > size - sizeof(req))
		return -EINVAL;
	return cpg_send(
		self, connection_of(self, client), req.guarantee, (const uint8_t *)msg + sizeof(req), req.msglen);
}

int cpg_channel_message(void *self, struct coterie_client *client, uint32_t guarantee, const void *msg, uint32_t size)
{
	return cpg_send(self, connection_of(self, client), guarantee, msg, size);
}

static int send_fragment(
	struct cpg *cpg, struct cpg_connection *connection, const struct cpg_req_partial_mcast *req, const void *bytes)
{
	uint32_t guarantee = req->guarantee == GUARANTEE_SAFE ? COTERIE_SAFE : COTERIE_AGREED;

	if (cpg_compact_waits(cpg))
		return -EAGAIN;
	if (cpg_compact_has(cpg, &connection->handle, &connection->group->name, connection->pid))
		return cpg_compact_send(cpg, &connection->handle, CPG_COMPACT_FIRST + req->type - CPG_FRAGMENT_FIRST,
			req->msglen, guarantee, bytes, req->fraglen);

	struct cpg_ring_partial_mcast mcast = {
		.group = connection->group->name,
		.msglen = req->msglen,
		.fraglen = req->fraglen,
		.pid = connection->pid,
		.type = req->type,
		.source = {.nodeid = cpg->host->local_nodeid(cpg->ctx)},
	};
	struct iovec iov[] = {
		{(uint8_t *)&mcast + sizeof(mcast.header), sizeof(mcast) - sizeof(mcast.header)},
		{(void *)(uintptr_t)bytes, req->fraglen},
	};

	return cpg->host->ring_send(cpg->ctx, CPG_RING_PARTIAL_MCAST, guarantee, iov, 2);
}

static int handle_partial_mcast(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = connection_of(cpg, client);
	struct cpg_req_partial_mcast req;

	cpg_snapshot(&req, msg, sizeof(req));
	if (req.fraglen > size - sizeof(req) || req.fraglen > req.msglen || req.fraglen > CPG_ATOMIC_SIZE_MAX ||
		req.type < CPG_FRAGMENT_FIRST || req.type > CPG_FRAGMENT_LAST)
		return -EINVAL;
	if (connection->state != CPG_JOIN_STARTED && connection->state != CPG_JOINED)
		return -ENOENT;
	if (req.type == CPG_FRAGMENT_FIRST && !cpg_may_send(cpg, client))
		return -EAGAIN;
	/*
	 * Refuse the rest of a message if a process joined after its first fragment: the new member would receive a
	 * message without its start.
	 */
	if (req.type == CPG_FRAGMENT_FIRST)
		connection->changes_at_first = connection->changes;
	else if (connection->changes_at_first != connection->changes)
		return -EINTR;

	struct cpg_sending next = connection->sending;
	int rc = cpg_fragment_count(&next, cpg->message_max, (enum cpg_fragment_type)req.type, req.msglen, req.fraglen);

	/* Corosync's library sends an empty last fragment for each empty vector behind the end of a message. */
	if (rc == -ENOENT && req.type == CPG_FRAGMENT_LAST && req.fraglen == 0)
		return 0;
	if (rc == 0)
		rc = send_fragment(cpg, connection, &req, (const uint8_t *)msg + sizeof(req));
	if (rc != -EAGAIN)
		connection->sending = next;
	return rc == -EPROTO || rc == -ENOENT ? -EINVAL : rc;
}

/* ---- Queries ------------------------------------------------------------- */

static int handle_membership_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_membership_get req;
	struct cpg_res_membership_get res;
	struct cpg_wire_name name;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	int rc = cpg_name_clean(&req.group, &name);

	if (rc < 0)
		return rc;
	memset(&res, 0, sizeof(res));

	const struct cpg_group *group = cpg_group_find(cpg, &name);

	for (uint32_t i = 0; group != NULL && i < group->count && i < CPG_MEMBERSHIP_MAX; i++) {
		res.members[i].nodeid = group->members[i].nodeid;
		res.members[i].pid = group->members[i].pid;
		res.member_count = i + 1;
	}

	struct iovec iov = {(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)};

	cpg->host->reply(client, CPG_RES_MEMBERSHIP_GET, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int handle_local_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_res_local_get res = {.nodeid = cpg->host->local_nodeid(cpg->ctx)};
	struct iovec iov = {(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)};

	(void)msg, (void)size;
	cpg->host->reply(client, CPG_RES_LOCAL_GET, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

#define FLOW COTERIE_NEEDS_FLOW
#define OBSERVES COTERIE_OBSERVES

const struct coterie_request cpg_requests[CPG_REQUESTS] = {
	{CPG_REQ_JOIN, sizeof(struct cpg_req_join), FLOW, CPG_RES_JOIN, handle_join},
	{CPG_REQ_LEAVE, sizeof(struct cpg_req_leave), FLOW, CPG_RES_LEAVE, handle_leave},
	{CPG_REQ_MCAST, sizeof(struct cpg_req_mcast), FLOW | COTERIE_NO_REPLY, 0, handle_mcast},
	{CPG_REQ_MEMBERSHIP_GET, sizeof(struct cpg_req_membership_get), OBSERVES, CPG_RES_MEMBERSHIP_GET,
		handle_membership_get},
	{CPG_REQ_LOCAL_GET, sizeof(struct cpg_req_local_get), OBSERVES, CPG_RES_LOCAL_GET, handle_local_get},
	{CPG_REQ_ITERATION_INITIALIZE, sizeof(struct cpg_req_iteration_initialize), OBSERVES,
		CPG_RES_ITERATION_INITIALIZE, cpg_handle_iteration_initialize},
	{CPG_REQ_ITERATION_NEXT, sizeof(struct cpg_req_iteration_next), OBSERVES, CPG_RES_ITERATION_NEXT,
		cpg_handle_iteration_next},
	{CPG_REQ_ITERATION_FINALIZE, sizeof(struct cpg_req_iteration_finalize), OBSERVES, CPG_RES_ITERATION_FINALIZE,
		cpg_handle_iteration_finalize},
	{CPG_REQ_FINALIZE, sizeof(struct cpg_req_finalize), FLOW | OBSERVES, CPG_RES_FINALIZE, handle_finalize},
	/*
	 * Accept the next two requests without flow control, since they send nothing on the ring. Corosync's library
	 * ignores errors in their answers, so it would not notice "try again".
	 */
	{CPG_REQ_ZC_ALLOC, sizeof(struct cpg_req_zc_alloc), 0, CPG_RES_ZC_ALLOC, cpg_handle_zc_alloc},
	{CPG_REQ_ZC_FREE, sizeof(struct cpg_req_zc_free), 0, CPG_RES_ZC_FREE, cpg_handle_zc_free},
	{CPG_REQ_ZC_EXECUTE, sizeof(struct cpg_req_zc_execute), FLOW, CPG_RES_ZC_EXECUTE, cpg_handle_zc_execute},
	{CPG_REQ_PARTIAL_MCAST, sizeof(struct cpg_req_partial_mcast), FLOW, CPG_RES_PARTIAL_MCAST,
		handle_partial_mcast},
};
