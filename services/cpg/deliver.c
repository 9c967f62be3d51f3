/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery of ring messages to the clients: the same messages in the same order on every node. */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Bytes of an event without its header, which the executive builds. */
#define AFTER_HEADER(type) (sizeof(struct type) - sizeof(struct cpg_response_header))

static void *after_header(void *event) { return (uint8_t *)event + sizeof(struct cpg_response_header); }

/* ---- Events -------------------------------------------------------------- */

/* Send an event. @return false: the client is or will be freed, so the caller must not use its connection any more */
static bool send_event(
	struct cpg *cpg, struct cpg_connection *connection, uint32_t id, const struct iovec *iov, uint32_t count)
{
	int rc = cpg->host->event(connection->client, id, iov, count);

	if (rc == -EMSGSIZE)
		cpg->host->log(cpg->ctx, LOG_WARNING, "an event is longer than clients can read");
	return rc == 0;
}

static bool hears(const struct cpg_connection *connection)
{
	return (connection->state == CPG_JOINED || connection->state == CPG_LEAVE_STARTED) && !connection->is_finalized;
}

void cpg_totem_confchg(struct cpg *cpg, struct cpg_connection *connection)
{
	struct cpg_event_totem_confchg event = {
		.ring_id = {.nodeid = cpg->ring.representative, .seq = cpg->ring.seq},
		.member_count = cpg->member_count,
	};
	/*
	 * The member list begins 4 bytes before the end of the structure. Four zero bytes behind the list complete the
	 * size.
	 */
	static const uint32_t tail;
	size_t fixed = offsetof(struct cpg_event_totem_confchg, members) - sizeof(struct cpg_response_header);
	struct iovec iov[] = {
		{after_header(&event), fixed},
		{cpg->members, cpg->member_count * sizeof(*cpg->members)},
		{(void *)(uintptr_t)&tail, sizeof(tail)},
	};

	if (!connection->is_finalized)
		send_event(cpg, connection, CPG_EVENT_TOTEM_CONFCHG, iov, 3);
}

/* ---- Configuration changes ----------------------------------------------- */

static bool has_process(
	const struct cpg_wire_address *list, uint32_t count, uint32_t nodeid, uint32_t pid, uint32_t reason)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i].nodeid == nodeid && list[i].pid == pid && list[i].reason == reason)
			return true;
	}
	return false;
}

/* List the group's members in the form for clients. @return false: out of memory */
static bool list_members(struct cpg *cpg, const struct cpg_group *group)
{
	if (cpg_reserve((void **)&cpg->addresses, &cpg->address_capacity, group->count, sizeof(*cpg->addresses)) < 0)
		return false;
	for (uint32_t i = 0; i < group->count; i++) {
		cpg->addresses[i] = (struct cpg_wire_address){
			.nodeid = group->members[i].nodeid,
			.pid = group->members[i].pid,
		};
	}
	return true;
}

static void tell_change(struct cpg *cpg, struct cpg_connection *connection, const struct iovec *iov, uint32_t count)
{
	connection->changes++;
	if (!send_event(cpg, connection, CPG_EVENT_CONFCHG, iov, count) || !connection->wants_totem)
		return;
	connection->wants_totem = false;
	connection->had_totem = true;
	cpg_totem_confchg(cpg, connection);
}

void cpg_confchg(struct cpg *cpg, struct cpg_group *group, const struct cpg_wire_address *left, uint32_t left_count,
	const struct cpg_wire_address *joined, uint32_t joined_count)
{
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	struct cpg_event_confchg event = {
		.group = group->name,
		.member_count = group->count,
		.left_count = left_count,
		.joined_count = joined_count,
	};
	struct cpg_connection *next;

	if (group->connections == NULL) { /* this node has no client to notify */
		cpg_group_release(cpg, group);
		return;
	}
	if (!list_members(cpg, group)) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: clients miss a change of their group");
		cpg_group_release(cpg, group);
		return;
	}

	struct iovec iov[] = {
		{after_header(&event), AFTER_HEADER(cpg_event_confchg)},
		{cpg->addresses, group->count * sizeof(*left)},
		{(void *)(uintptr_t)left, left_count * sizeof(*left)},
		{(void *)(uintptr_t)joined, joined_count * sizeof(*joined)},
	};

	group->pins++;
	for (struct cpg_connection *one = group->connections; one != NULL; one = next) {
		next = one->group_next;
		if (one->state == CPG_JOIN_STARTED &&
			has_process(joined, joined_count, local, one->pid, CPG_WIRE_REASON_JOIN))
			one->state = CPG_JOINED;

		bool is_told = hears(one);

		/* The client's own leave is its last event. Afterwards it may join again. */
		if (one->state == CPG_LEAVE_STARTED &&
			has_process(left, left_count, local, one->pid, CPG_WIRE_REASON_LEAVE)) {
			cpg_connection_detach(cpg, one);
			one->state = CPG_UNJOINED;
			one->pid = 0;
		}
		if (is_told)
			tell_change(cpg, one, iov, 4);
	}
	group->pins--;
	cpg_group_release(cpg, group);
}

/* ---- PROCJOIN and PROCLEAVE ---------------------------------------------- */

void cpg_deliver_procjoin(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	const struct cpg_ring_process *join = msg;
	struct cpg_wire_name name;

	(void)size;
	if (cpg_name_clean(&join->group, &name) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a join names a group of more than 128 bytes (node %u)", nodeid);
		return;
	}

	struct cpg_group *group = cpg_group_get(cpg, &name);
	int rc = group == NULL ? -ENOMEM : cpg_process_add(cpg, group, nodeid, join->pid);

	if (rc == -ENOMEM)
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: a join is lost (node %u)", nodeid);
	if (rc == -EDQUOT)
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"a join is dropped: its node has too many processes in groups (node %u)", nodeid);
	if (rc < 0) { /* -EEXIST: a JOINLIST has already added the process */
		if (group != NULL)
			cpg_group_release(cpg, group);
		return;
	}

	const struct cpg_wire_address joined = {
		.nodeid = nodeid,
		.pid = join->pid,
		.reason = CPG_WIRE_REASON_JOIN,
	};

	cpg_confchg(cpg, group, NULL, 0, &joined, 1);
}

/* Remove the record of a delivered leave. From now on the process may join again. */
static void forget_leaving(struct cpg *cpg, const struct cpg_wire_name *name, uint32_t pid)
{
	for (struct cpg_leaving **at = &cpg->leaving; *at != NULL; at = &(*at)->next) {
		struct cpg_leaving *leaving = *at;

		if (!leaving->is_sent || leaving->pid != pid || !cpg_name_equal(&leaving->name, name))
			continue;
		*at = leaving->next;
		free(leaving);
		return;
	}
}

void cpg_process_left(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid, uint32_t reason)
{
	if (nodeid == cpg->host->local_nodeid(cpg->ctx))
		forget_leaving(cpg, name, pid);

	struct cpg_group *group = cpg_group_find(cpg, name);
	struct cpg_process *process = group == NULL ? NULL : cpg_process_find(group, nodeid, pid);

	cpg_resync_left(cpg, nodeid, pid, name);
	if (process == NULL)
		return; /* ignore the leave of an unknown process: book services, "cpg" */

	const struct cpg_wire_address left = {.nodeid = nodeid, .pid = pid, .reason = reason};

	cpg_process_del(cpg, group, process);
	cpg_confchg(cpg, group, &left, 1, NULL, 0);
}

void cpg_deliver_procleave(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	const struct cpg_ring_process *leave = msg;
	struct cpg_wire_name name;

	(void)size;
	if (cpg_name_clean(&leave->group, &name) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a leave names a group of more than 128 bytes (node %u)", nodeid);
		return;
	}
	cpg_process_left(cpg, nodeid, &name, leave->pid, leave->reason);
}

void cpg_deliver_downlist(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cpg *cpg = self;

	/* Every node computes itself which processes have left. Only older peers need the lists of left nodes. */
	cpg->host->log(cpg->ctx, LOG_DEBUG, "downlist of %u bytes from node %u", size, nodeid);
	cpg_compact_heard(cpg, nodeid, msg, size);
}

/* ---- User messages ------------------------------------------------------- */

/*
 * Find the group that a message is for. NULL: no client of this node receives it. If the sending node has no process in
 * the group, the sender's join is not delivered here yet. Such a message is for no client.
 */
static struct cpg_group *find_receivers(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name)
{
	struct cpg_group *group = cpg_group_find(cpg, name);

	if (group == NULL || !cpg_group_has_node(group, nodeid)) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "Unknown node -> we will not deliver message (node %u)", nodeid);
		return NULL;
	}
	return group;
}

/*
 * Send a message in short form, if the client has a channel. @return false: it has none, so the caller sends the event
 */
static bool send_message(struct cpg *cpg, struct cpg_connection *connection, const struct cpg_event_deliver *event,
	const struct iovec *parts, uint32_t count)
{
	return COTERIE_HAS(cpg->host, channel_deliver) &&
	       cpg->host->channel_deliver(connection->client, event->nodeid, event->pid, parts, count) != -ENOENT;
}

/*
 * Send an event to the group's local members: its own part, then the message bytes from the frames.
 * @param whole the event, if it is a complete message, or NULL
 */
static void send_to_group(struct cpg *cpg, struct cpg_group *group, uint32_t id, struct iovec own,
	const struct iovec *parts, uint32_t count, const struct cpg_event_deliver *whole)
{
	struct cpg_connection *next;

	if (group->connections == NULL)
		return;
	if (cpg_reserve((void **)&cpg->parts, &cpg->part_capacity, count + 1, sizeof(*cpg->parts)) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: a message is lost");
		return;
	}
	cpg->parts[0] = own;
	if (count > 0)
		memcpy(cpg->parts + 1, parts, count * sizeof(*parts));
	group->pins++;
	for (struct cpg_connection *one = group->connections; one != NULL; one = next) {
		next = one->group_next;
		if (!hears(one))
			continue;
		if (whole == NULL || !send_message(cpg, one, whole, cpg->parts + 1, count))
			send_event(cpg, one, id, cpg->parts, count + 1);
	}
	group->pins--;
	cpg_group_release(cpg, group);
}

void cpg_message_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid,
	const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct cpg_group *group = find_receivers(cpg, nodeid, name);
	struct cpg_event_deliver event = {.group = *name, .msglen = size, .nodeid = nodeid, .pid = pid};
	struct iovec own = {after_header(&event), AFTER_HEADER(cpg_event_deliver)};

	if (group != NULL)
		send_to_group(cpg, group, CPG_EVENT_DELIVER, own, parts, count, &event);
}

/*
 * Find the sender of a fragment. Clients keep unfinished messages, and forget them when the sender leaves. So a process
 * that is no member must not begin one. Fragments of a member cannot come late: its leave is ordered behind them.
 */
static struct cpg_process *find_sender(struct cpg *cpg, struct cpg_group *group, uint32_t nodeid, uint32_t pid)
{
	struct cpg_process *sender = cpg_process_find(group, nodeid, pid);

	if (sender == NULL)
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"a part of a message is dropped: its sender is not in the group (node %u)", nodeid);
	return sender;
}

static bool may_deliver(struct cpg *cpg, struct cpg_process *sender, uint32_t type, uint32_t msglen, uint32_t size)
{
	int rc = cpg_fragment_count(&sender->sending, cpg->message_max, (enum cpg_fragment_type)type, msglen, size);

	if (rc == -EMSGSIZE)
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"a message is dropped: it is longer than message-max of this node (node %u)", sender->nodeid);
	if (rc == -EPROTO)
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"a part of a message is not what its first part announced (node %u)", sender->nodeid);
	return rc == 0; /* -ENOENT: this node has not delivered the first part, or has complained before */
}

void cpg_fragment_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid, uint32_t type,
	uint32_t msglen, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct cpg_group *group = find_receivers(cpg, nodeid, name);
	struct cpg_process *sender = group == NULL ? NULL : find_sender(cpg, group, nodeid, pid);
	struct cpg_event_partial_deliver event = {
		.group = *name,
		.msglen = msglen,
		.fraglen = size,
		.nodeid = nodeid,
		.pid = pid,
		.type = type,
	};
	struct iovec own = {after_header(&event), AFTER_HEADER(cpg_event_partial_deliver)};

	if (sender != NULL && may_deliver(cpg, sender, type, msglen, size))
		send_to_group(cpg, group, CPG_EVENT_PARTIAL_DELIVER, own, parts, count, NULL);
}

static bool take_name(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *wire, struct cpg_wire_name *name)
{
	if (cpg_name_clean(wire, name) == 0)
		return true;
	cpg->host->log(cpg->ctx, LOG_WARNING, "a message names a group of more than 128 bytes (node %u)", nodeid);
	return false;
}

void cpg_deliver_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct cpg *cpg = self;
	const struct cpg_ring_mcast *mcast = head;
	struct cpg_wire_name name;

	if (mcast->msglen != size - sizeof(*mcast)) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a message is not as long as it says (node %u)", nodeid);
		return;
	}
	if (take_name(cpg, nodeid, &mcast->group, &name))
		cpg_message_in(cpg, nodeid, &name, mcast->pid, parts, count, mcast->msglen);
}

void cpg_deliver_partial_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct cpg *cpg = self;
	const struct cpg_ring_partial_mcast *mcast = head;
	struct cpg_wire_name name;

	if (mcast->fraglen != size - sizeof(*mcast) || mcast->fraglen > mcast->msglen ||
		mcast->type < CPG_FRAGMENT_FIRST || mcast->type > CPG_FRAGMENT_LAST) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a fragment is not what it says (node %u)", nodeid);
		return;
	}

	if (take_name(cpg, nodeid, &mcast->group, &name))
		cpg_fragment_in(
			cpg, nodeid, &name, mcast->pid, mcast->type, mcast->msglen, parts, count, mcast->fraglen);
}

/* ---- Byte order of the bodies: book services, "Header" -------------------- */

static void swap32(uint32_t *value) { *value = __builtin_bswap32(*value); }

void cpg_swap_process(void *msg, uint32_t size)
{
	struct cpg_ring_process *process = msg;

	(void)size;
	swap32(&process->group.length);
	swap32(&process->pid);
	swap32(&process->reason);
}

void cpg_swap_joinlist(void *msg, uint32_t size)
{
	struct cpg_ring_joinlist *list = msg;
	size_t count = (size - sizeof(*list)) / sizeof(list->entries[0]);

	for (size_t i = 0; i < count; i++) {
		swap32(&list->entries[i].pid);
		swap32(&list->entries[i].group.length);
	}
}

void cpg_swap_mcast(void *msg, uint32_t size)
{
	struct cpg_ring_mcast *mcast = msg;

	(void)size;
	swap32(&mcast->group.length);
	swap32(&mcast->msglen);
	swap32(&mcast->pid);
}

void cpg_swap_partial_mcast(void *msg, uint32_t size)
{
	struct cpg_ring_partial_mcast *mcast = msg;

	(void)size;
	swap32(&mcast->group.length);
	swap32(&mcast->msglen);
	swap32(&mcast->fraglen);
	swap32(&mcast->pid);
	swap32(&mcast->type);
}
