/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compact messages: if every member of the ring understands them, messages of a process carry a handle in place of its
 * group's name and its pid (docs/compact-messages.md).
 *
 * The nodes agree on compact messages in every synchronisation: each node that understands them announces this in its
 * DOWNLIST. Compact messages are on after the last member's announcement, at the same message of the order on all
 * nodes, and off when the next synchronisation starts. The time from one synchronisation to the next is a period. A
 * message defines a handle, and the handle ends with the period.
 *
 * A message that was queued when the ring changed arrives in a later period. Its handle has no meaning in that period,
 * and new nodes may not be able to read compact messages at all. So all nodes drop this message at the same place of
 * the order, and its sender sends it again as a plain message. Until the sender has sent all such messages, its
 * processes send no new ones, which could overtake the old ones.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <coterie/state.h>

#define RETRY_NS UINT64_C(1000000)
/*
 * How long the sender waits for the delivery of its next own message of an earlier period. Only if memory ran out is
 * such a message never delivered. A ring without a token delivers nothing, and the service cannot notice that. So this
 * time must be far longer than any cluster's token and consensus timeouts: a message that is delivered after this time
 * is lost.
 */
#define PATIENCE_NS UINT64_C(600000000000)
#define NUMBER 4u /* bytes of the number at the start of a body */

void cpg_compact_init(struct cpg *cpg)
{
	uint64_t is_allowed = 1;

	cpg->compact.period = 1; /* no handle belongs to period 0 */
	if (cpg->host->option_u64(cpg->ctx, "compact", &is_allowed) < 0)
		is_allowed = 1;
	cpg->compact.is_allowed = is_allowed != 0;
}

/* ---- Handles ------------------------------------------------------------- */

static struct cpg_alias *alias_find(const struct cpg_aliases *aliases, uint32_t number)
{
	return number < aliases->count && aliases->list[number].is_defined ? &aliases->list[number] : NULL;
}

static int alias_define(struct cpg_aliases *aliases, uint32_t number, const struct cpg_wire_name *name, uint32_t pid)
{
	if (cpg_reserve((void **)&aliases->list, &aliases->capacity, number + 1, sizeof(*aliases->list)) < 0)
		return -ENOMEM;
	while (aliases->count <= number)
		aliases->list[aliases->count++] = (struct cpg_alias){.is_defined = false};
	aliases->list[number] = (struct cpg_alias){.name = *name, .pid = pid, .is_defined = true};
	return 0;
}

static uint32_t alias_unused(const struct cpg_aliases *aliases)
{
	for (uint32_t i = 0; i < aliases->count; i++)
		if (!aliases->list[i].is_defined)
			return i;
	return aliases->count;
}

/* ---- Periods and agreement ----------------------------------------------- */

static void forget_speakers(struct cpg_compact *compact)
{
	for (uint32_t i = 0; i < compact->speaker_count; i++)
		free(compact->speakers[i].aliases.list);
	free(compact->speakers);
	compact->speakers = NULL;
	compact->speaker_count = 0;
	compact->announced = 0;
}

void cpg_compact_fini(struct cpg *cpg)
{
	struct cpg_compact *compact = &cpg->compact;

	forget_speakers(compact);
	free(compact->own.list);
	free(compact->parts);
	cpg->host->timer_del(cpg->ctx, compact->again_retry);
	while (compact->again != NULL) {
		struct cpg_again *again = compact->again;

		compact->again = again->next;
		free(again);
	}
}

static int add_speakers(struct cpg_compact *compact, const uint32_t *members, uint32_t count)
{
	compact->speakers = calloc(count + 1u, sizeof(*compact->speakers));
	if (compact->speakers == NULL)
		return -ENOMEM;
	compact->speaker_count = count;
	for (uint32_t i = 0; i < count; i++)
		compact->speakers[i].nodeid = members[i];
	return 0;
}

static struct cpg_speaker *find_speaker(const struct cpg_compact *compact, uint32_t nodeid)
{
	uint32_t low = 0, high = compact->speaker_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compact->speakers[middle].nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < compact->speaker_count && compact->speakers[low].nodeid == nodeid ? &compact->speakers[low] : NULL;
}

/* Free the handles of this node, unless messages of an earlier period still wait for their delivery. */
static void forget_own(struct cpg_compact *compact)
{
	if (compact->stale == 0)
		compact->own.count = 0;
}

void cpg_compact_start(struct cpg *cpg, const uint32_t *members, uint32_t count)
{
	struct cpg_compact *compact = &cpg->compact;

	compact->is_on = false;
	compact->period++;
	compact->stale = compact->outstanding;
	compact->progress_ns = cpg->host->now_ns(cpg->ctx);
	forget_own(compact);
	forget_speakers(compact);
	if (add_speakers(compact, members, count) < 0)
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: compact messages are not understood");
}

void cpg_compact_announce(struct cpg *cpg, struct cpg_ring_downlist *list)
{
	struct cpg_ring_announcement announcement = {
		.magic = CPG_ANNOUNCEMENT_MAGIC, .features = CPG_ANNOUNCES_COMPACT};
	size_t used = offsetof(struct cpg_ring_downlist, nodeids) + list->left_count * sizeof(list->nodeids[0]);

	/* Send no announcement in a ring with Corosync nodes: these do not keep the promise of safe delivery. */
	if (!cpg->compact.is_allowed || used > CPG_ANNOUNCEMENT_AT || !COTERIE_HAS(cpg->host, is_safe_kept) ||
		cpg->host->is_safe_kept(cpg->ctx) == 0)
		return;
	memcpy((uint8_t *)list + CPG_ANNOUNCEMENT_AT, &announcement, sizeof(announcement));
}

void cpg_compact_heard(struct cpg *cpg, uint32_t nodeid, const void *list, uint32_t size)
{
	struct cpg_compact *compact = &cpg->compact;
	struct cpg_speaker *speaker = find_speaker(compact, nodeid);
	struct cpg_ring_announcement announcement;

	if (size != sizeof(struct cpg_ring_downlist) || speaker == NULL || speaker->has_announced)
		return;
	memcpy(&announcement, (const uint8_t *)list + CPG_ANNOUNCEMENT_AT, sizeof(announcement));
	if (memcmp(announcement.magic, CPG_ANNOUNCEMENT_MAGIC, sizeof(announcement.magic)) != 0 ||
		(announcement.features & CPG_ANNOUNCES_COMPACT) == 0)
		return;
	speaker->has_announced = true;
	compact->announced++;
	compact->is_on = compact->announced == compact->speaker_count;
}

/* ---- Sending ------------------------------------------------------------- */

bool cpg_compact_waits(struct cpg *cpg)
{
	struct cpg_compact *compact = &cpg->compact;

	if (compact->stale > 0 && !cpg->resync.is_active &&
		cpg->host->now_ns(cpg->ctx) - compact->progress_ns > PATIENCE_NS) {
		cpg->host->log(cpg->ctx, LOG_ERR, "%ju messages of this node have not come back: they are given up",
			(uintmax_t)compact->stale);
		compact->outstanding -= compact->stale;
		compact->stale = 0;
		forget_own(compact);
	}
	return compact->stale > 0 || compact->again != NULL;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (uint32_t i = 0; i < NUMBER; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int cpg_compact_send(struct cpg *cpg, const struct cpg_handle *handle, enum cpg_compact_kind kind, uint32_t number,
	uint32_t guarantee, const void *bytes, uint32_t size)
{
	struct {
		struct cpg_ring_compact fixed;
		uint8_t number[NUMBER];
	} message = {.fixed = {
			     .handle = {(uint8_t)handle->number, (uint8_t)(handle->number >> 8)},
			     .kind = (uint8_t)kind,
			     .flags = guarantee == COTERIE_SAFE ? CPG_COMPACT_SAFE : 0,
		     }};
	size_t head = sizeof(message.fixed) - sizeof(message.fixed.header);
	struct iovec iov[] = {
		{(uint8_t *)&message + sizeof(message.fixed.header),
			kind == CPG_COMPACT_MESSAGE ? head : head + NUMBER},
		{(void *)(uintptr_t)bytes, size},
	};

	put_u32(message.number, number);

	int rc = cpg->host->ring_send(cpg->ctx, CPG_RING_COMPACT, guarantee, iov, size > 0 ? 2 : 1);

	if (rc == 0)
		cpg->compact.outstanding++;
	return rc;
}

bool cpg_compact_has(struct cpg *cpg, struct cpg_handle *handle, const struct cpg_wire_name *name, uint32_t pid)
{
	struct cpg_compact *compact = &cpg->compact;
	struct cpg_handle new = {.period = compact->period};

	if (handle->period == compact->period)
		return true;
	if (!compact->is_on)
		return false;
	new.number = alias_unused(&compact->own);
	if (new.number >= CPG_COMPACT_HANDLES || alias_define(&compact->own, new.number, name, pid) < 0)
		return false;
	if (cpg_compact_send(cpg, &new, CPG_COMPACT_DEFINE, pid, COTERIE_AGREED, name->value, name->length) < 0) {
		compact->own.list[new.number].is_defined = false;
		return false;
	}
	*handle = new;
	return true;
}

/* ---- Sending again ------------------------------------------------------- */

static void send_again(void *arg)
{
	struct cpg *cpg = arg;
	struct cpg_compact *compact = &cpg->compact;

	compact->again_retry = NULL;
	/*
	 * Send the messages only after the synchronisation has ended, so that nodes that joined the ring deliver them
	 * as well.
	 */
	while (compact->again != NULL && !cpg->resync.is_active) {
		struct cpg_again *again = compact->again;
		struct iovec iov = {again->bytes, again->size};

		if (cpg->host->ring_send(cpg->ctx, again->function, again->guarantee, &iov, 1) == -EAGAIN) {
			uint64_t at_ns = cpg->host->now_ns(cpg->ctx) + RETRY_NS;

			if (cpg->host->timer_add(cpg->ctx, at_ns, send_again, cpg, &compact->again_retry) < 0)
				compact->again_retry = NULL; /* the next compact message of this node that is delivered
							      * calls send_again() */
			return;
		}
		compact->again = again->next;
		free(again);
	}
}

void cpg_compact_done(struct cpg *cpg)
{
	cpg->compact.progress_ns = cpg->host->now_ns(cpg->ctx);
	if (cpg->compact.again_retry == NULL)
		send_again(cpg);
}

/* Queue a plain message of fixed + data bytes, header included. The caller writes its content. */
static struct cpg_again *queue_again(struct cpg *cpg, uint32_t function, uint32_t fixed, uint32_t data)
{
	struct cpg_compact *compact = &cpg->compact;
	uint32_t size = fixed - (uint32_t)sizeof(struct cpg_request_header) + data;
	struct cpg_again *again = malloc(sizeof(*again) + size);

	if (again == NULL) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: a message is lost");
		return NULL;
	}
	*again = (struct cpg_again){.function = function, .guarantee = COTERIE_AGREED, .size = size};
	if (compact->again == NULL)
		compact->again = again;
	else
		compact->again_last->next = again;
	compact->again_last = again;
	return again;
}

static void fill(
	struct cpg_again *again, const void *message, uint32_t fixed, const struct iovec *parts, uint32_t count)
{
	uint32_t at = fixed - (uint32_t)sizeof(struct cpg_request_header);

	memcpy(again->bytes, (const uint8_t *)message + sizeof(struct cpg_request_header), at);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(again->bytes + at, parts[i].iov_base, parts[i].iov_len);
		at += (uint32_t)parts[i].iov_len;
	}
}

/* ---- Delivery ------------------------------------------------------------ */

/* A delivered message and its parts. */
struct arrival {
	uint32_t nodeid, handle;
	uint8_t kind, flags;
	uint32_t number;
	const struct iovec *parts; /* data: size bytes */
	uint32_t count, size;
};

/* Copy bytes from the front of the parts. */
static void take_front(const struct iovec *parts, uint8_t *to, size_t size)
{
	for (; size > 0; parts++) {
		size_t taken = parts->iov_len < size ? parts->iov_len : size;

		memcpy(to, parts->iov_base, taken);
		to += taken;
		size -= taken;
	}
}

/* Write the parts without their first `size` bytes to cpg->compact.parts. @return the number of written parts */
static uint32_t skip_front(struct cpg *cpg, const struct iovec *parts, uint32_t count, size_t size)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t skipped = parts[i].iov_len < size ? parts[i].iov_len : size;

		size -= skipped;
		if (parts[i].iov_len > skipped)
			cpg->compact.parts[kept++] = (struct iovec){
				(uint8_t *)parts[i].iov_base + skipped, parts[i].iov_len - skipped};
	}
	return kept;
}

/* Split a message into its fields. @return false: it is malformed, or memory ran out */
static bool take_apart(struct cpg *cpg, const struct cpg_ring_compact *head, struct arrival *arrival)
{
	uint8_t number[NUMBER];

	arrival->handle = head->handle[0] | (uint32_t)head->handle[1] << 8;
	arrival->kind = head->kind;
	arrival->flags = head->flags;
	if (arrival->kind < CPG_COMPACT_DEFINE || arrival->kind > CPG_COMPACT_LEAVE ||
		arrival->handle >= CPG_COMPACT_HANDLES)
		return false;
	if (arrival->kind == CPG_COMPACT_MESSAGE)
		return true;
	if (arrival->size < NUMBER)
		return false;
	if (cpg_reserve((void **)&cpg->compact.parts, &cpg->compact.part_capacity, arrival->count,
		    sizeof(*cpg->compact.parts)) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: a message is lost (node %u)", arrival->nodeid);
		return false;
	}
	take_front(arrival->parts, number, NUMBER);
	arrival->number = get_u32(number);
	arrival->count = skip_front(cpg, arrival->parts, arrival->count, NUMBER);
	arrival->parts = cpg->compact.parts;
	arrival->size -= NUMBER;
	switch (arrival->kind) {
	case CPG_COMPACT_DEFINE:
		return arrival->size <= CPG_GROUP_NAME_MAX;
	case CPG_COMPACT_LEAVE:
		return arrival->size == 0;
	default:
		return arrival->size <= arrival->number;
	}
}

static bool take_definition(struct cpg *cpg, struct cpg_speaker *speaker, const struct arrival *arrival)
{
	struct cpg_wire_name name = {.length = arrival->size};

	take_front(arrival->parts, name.value, name.length);
	if (alias_define(&speaker->aliases, arrival->handle, &name, arrival->number) == 0)
		return true;
	cpg->host->log(
		cpg->ctx, LOG_WARNING, "out of memory: messages of a process are lost (node %u)", arrival->nodeid);
	return false;
}

/* Deliver a message. @return false: it has no meaning in this period, so all nodes drop it */
static bool act(struct cpg *cpg, const struct arrival *arrival)
{
	struct cpg_compact *compact = &cpg->compact;
	struct cpg_speaker *speaker = compact->is_on ? find_speaker(compact, arrival->nodeid) : NULL;

	if (speaker == NULL)
		return false;
	if (arrival->kind == CPG_COMPACT_DEFINE)
		return take_definition(cpg, speaker, arrival);

	struct cpg_alias *alias = alias_find(&speaker->aliases, arrival->handle);

	if (alias == NULL)
		return false;
	switch (arrival->kind) {
	case CPG_COMPACT_MESSAGE:
		cpg_message_in(
			cpg, arrival->nodeid, &alias->name, alias->pid, arrival->parts, arrival->count, arrival->size);
		break;
	case CPG_COMPACT_LEAVE:
		alias->is_defined = false;
		if (arrival->nodeid == cpg->host->local_nodeid(cpg->ctx) &&
			alias_find(&compact->own, arrival->handle) != NULL)
			compact->own.list[arrival->handle].is_defined = false;
		cpg_process_left(cpg, arrival->nodeid, &alias->name, alias->pid, arrival->number);
		break;
	default:
		cpg_fragment_in(cpg, arrival->nodeid, &alias->name, alias->pid,
			arrival->kind - CPG_COMPACT_FIRST + CPG_FRAGMENT_FIRST, arrival->number, arrival->parts,
			arrival->count, arrival->size);
	}
	return true;
}

/* Queue a dropped message of this node, to send it again as a plain message. */
static void repeat(struct cpg *cpg, const struct arrival *arrival)
{
	const struct cpg_alias *alias = alias_find(&cpg->compact.own, arrival->handle);
	const struct cpg_ring_source source = {.nodeid = arrival->nodeid};
	struct cpg_again *again;

	if (alias == NULL || arrival->kind == CPG_COMPACT_DEFINE)
		return;
	if (arrival->kind == CPG_COMPACT_MESSAGE) {
		struct cpg_ring_mcast mcast = {
			.group = alias->name, .msglen = arrival->size, .pid = alias->pid, .source = source};

		again = queue_again(cpg, CPG_RING_MCAST, sizeof(mcast), arrival->size);
		if (again != NULL)
			fill(again, &mcast, sizeof(mcast), arrival->parts, arrival->count);
	} else if (arrival->kind == CPG_COMPACT_LEAVE) {
		struct cpg_ring_process leave = {.group = alias->name, .pid = alias->pid, .reason = arrival->number};

		again = queue_again(cpg, CPG_RING_PROCLEAVE, sizeof(leave), 0);
		if (again != NULL)
			fill(again, &leave, sizeof(leave), NULL, 0);
	} else {
		struct cpg_ring_partial_mcast mcast = {
			.group = alias->name,
			.msglen = arrival->number,
			.fraglen = arrival->size,
			.pid = alias->pid,
			.type = arrival->kind - CPG_COMPACT_FIRST + CPG_FRAGMENT_FIRST,
			.source = source,
		};

		again = queue_again(cpg, CPG_RING_PARTIAL_MCAST, sizeof(mcast), arrival->size);
		if (again != NULL)
			fill(again, &mcast, sizeof(mcast), arrival->parts, arrival->count);
	}
	if (again != NULL && (arrival->flags & CPG_COMPACT_SAFE) != 0)
		again->guarantee = COTERIE_SAFE;
}

/* Count a delivered message if this node has sent it. @return whether this node has sent it */
static bool came_back(struct cpg *cpg, uint32_t nodeid)
{
	struct cpg_compact *compact = &cpg->compact;

	if (nodeid != cpg->host->local_nodeid(cpg->ctx) || compact->outstanding == 0)
		return false;
	compact->outstanding--;
	if (compact->stale > 0) {
		compact->stale--;
		compact->progress_ns = cpg->host->now_ns(cpg->ctx);
	}
	return true;
}

void cpg_deliver_compact(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_compact *compact = &cpg->compact;
	struct arrival arrival = {.nodeid = nodeid,
		.parts = parts,
		.count = count,
		.size = size - (uint32_t)sizeof(struct cpg_ring_compact)};
	bool was_stale = compact->stale > 0;
	bool is_own = came_back(cpg, nodeid);
	bool is_whole = take_apart(cpg, head, &arrival);

	if (!is_whole || !act(cpg, &arrival)) {
		compact->refused++;
		if (!is_whole)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "a compact message is not what it says (node %u)", nodeid);
		else if (is_own)
			repeat(cpg, &arrival);
	}
	if (is_own && was_stale) {
		forget_own(compact);
		if (compact->again != NULL && compact->again_retry == NULL)
			send_again(cpg);
	}
	/* The service may end as soon as its messages are delivered, and no other node would learn of the leaves. */
	if (is_own && !cpg_compact_waits(cpg))
		cpg_leavings_resume(cpg);
}

/* ---- A new version takes over -------------------------------------------- */

static void save_aliases(struct coterie_state_writer *writer, const struct cpg_aliases *aliases)
{
	coterie_state_put_u32(writer, aliases->count);
	coterie_state_put(writer, aliases->list, aliases->count * sizeof(*aliases->list));
}

void cpg_compact_save(const struct cpg *cpg, struct coterie_state_writer *writer)
{
	const struct cpg_compact *compact = &cpg->compact;
	uint32_t count = 0;

	coterie_state_put_u64(writer, compact->period);
	coterie_state_put_u64(writer, compact->outstanding);
	coterie_state_put_u64(writer, compact->stale);
	coterie_state_put_u64(writer, compact->progress_ns);
	coterie_state_put_u64(writer, compact->refused);
	coterie_state_put_u32(writer, compact->speaker_count);
	for (uint32_t i = 0; i < compact->speaker_count; i++) {
		const struct cpg_speaker *speaker = &compact->speakers[i];

		coterie_state_put_u32(writer, speaker->nodeid);
		coterie_state_put_u32(writer, speaker->has_announced);
		save_aliases(writer, &speaker->aliases);
	}
	save_aliases(writer, &compact->own);
	for (const struct cpg_again *one = compact->again; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct cpg_again *one = compact->again; one != NULL; one = one->next) {
		coterie_state_put_u32(writer, one->function);
		coterie_state_put_u32(writer, one->guarantee);
		coterie_state_put_u32(writer, one->size);
		coterie_state_put(writer, one->bytes, one->size);
	}
}

static int load_aliases(struct cpg_aliases *aliases, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, sizeof(*aliases->list));

	if (cpg_reserve((void **)&aliases->list, &aliases->capacity, count, sizeof(*aliases->list)) < 0)
		return -ENOMEM;
	coterie_state_take(reader, aliases->list, count * (uint32_t)sizeof(*aliases->list));
	aliases->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct cpg_alias *alias = &aliases->list[i];

		/* Older versions have saved any bytes for a handle that is not defined. */
		if (!alias->is_defined)
			*alias = (struct cpg_alias){.is_defined = false};
		else if (cpg_name_clean(&alias->name, &(struct cpg_wire_name){0}) < 0)
			return -ENOTSUP;
	}
	return 0;
}

static int load_again(struct cpg *cpg, struct coterie_state_reader *reader)
{
	uint32_t function = coterie_state_take_u32(reader);
	uint32_t guarantee = coterie_state_take_u32(reader);
	uint32_t size = coterie_state_take_count(reader, 1);
	struct cpg_again *again = queue_again(cpg, function, (uint32_t)sizeof(struct cpg_request_header), size);

	if (again == NULL)
		return -ENOMEM;
	again->guarantee = guarantee;
	coterie_state_take(reader, again->bytes, size);
	return 0;
}

int cpg_compact_load(struct cpg *cpg, struct coterie_state_reader *reader)
{
	struct cpg_compact *compact = &cpg->compact;

	compact->period = coterie_state_take_u64(reader);
	compact->outstanding = coterie_state_take_u64(reader);
	compact->stale = coterie_state_take_u64(reader);
	compact->progress_ns = coterie_state_take_u64(reader);
	compact->refused = coterie_state_take_u64(reader);

	uint32_t count = coterie_state_take_count(reader, 3 * sizeof(uint32_t));
	int rc = 0;

	compact->speakers = calloc(count + 1u, sizeof(*compact->speakers));
	if (compact->speakers == NULL)
		return -ENOMEM;
	for (; rc == 0 && compact->speaker_count < count;) {
		struct cpg_speaker *speaker = &compact->speakers[compact->speaker_count++];

		speaker->nodeid = coterie_state_take_u32(reader);
		speaker->has_announced = coterie_state_take_u32(reader) != 0;
		compact->announced += speaker->has_announced;
		rc = load_aliases(&speaker->aliases, reader);
	}
	compact->is_on = count > 0 && compact->announced == count;
	if (rc == 0)
		rc = load_aliases(&compact->own, reader);
	count = coterie_state_take_count(reader, 3 * sizeof(uint32_t));
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = load_again(cpg, reader);
	/* Start the timer, since this version may not send until it is the running service. */
	if (rc == 0 && compact->again != NULL)
		rc = cpg->host->timer_add(
			cpg->ctx, cpg->host->now_ns(cpg->ctx), send_again, cpg, &compact->again_retry);
	return rc;
}
