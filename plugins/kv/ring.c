/*
 * Configurations, synchronisation and quorum.
 *
 * In a synchronisation every member announces its state. Messages of an older round may arrive late, so each message
 * names its ring. The quorum provider's verdict may change within a ring. Each member sends the verdict of its own
 * provider. So all have the same view at the same place of the order: the ring has quorum if all members report it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS UINT64_C(5000000)
/*
 * How long a synchronisation waits for the announcements of all members: both so many passes of the token and so long. One of
 * them may have no memory for its announcement, or not take part in this round.
 */
#define ANNOUNCE_PASSES 10u
#define ANNOUNCE_NS (UINT64_C(100) * 1000000u)

/* ---- Members ------------------------------------------------------------- */

struct kv_member *kv_member_find(struct kv *kv, uint32_t nodeid)
{
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv->members[i].nodeid == nodeid)
			return &kv->members[i];
	}
	return NULL;
}

bool kv_member_counts(const struct kv_member *member) { return member->has_announced && !member->has_left; }

struct kv_member *kv_member_self(struct kv *kv) { return kv_member_find(kv, kv->host->local_nodeid(kv->ctx)); }

void kv_members_free(struct kv *kv)
{
	for (uint32_t i = 0; i < kv->member_count; i++)
		free(kv->members[i].marker.members);
	free(kv->members);
	kv->members = NULL;
	kv->member_count = 0;
}

/* ---- Configurations ------------------------------------------------------ */

void kv_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct kv *kv = self;

	if (!configuration->is_regular)
		kv->is_transitional = true;
}

/* Note the other members that have the whole table, at the end of a ring. */
static void note_holders(struct kv *kv)
{
	const struct kv_member *self = kv_member_self(kv);

	free(kv->holders);
	kv->holders = calloc(kv->member_count + 1, sizeof(*kv->holders));
	kv->holder_count = 0;
	for (uint32_t i = 0; i < kv->member_count && kv->holders != NULL; i++)
		if (&kv->members[i] != self && kv_member_counts(&kv->members[i]) && kv->members[i].has_state)
			kv->holders[kv->holder_count++] = kv->members[i].nodeid;
}

/* Return whether one of these nodes had the whole table when the last ring ended. Out of memory: true */
static bool has_holder(const struct kv *kv, const uint32_t *nodeids, uint32_t count)
{
	for (uint32_t i = 0; i < kv->holder_count; i++)
		for (uint32_t k = 0; k < count; k++)
			if (kv->holders[i] == nodeids[k])
				return true;
	return kv->holders == NULL;
}

/*
 * Each member has sent that it begins the round before sync_start is called here, and what it had announced in an earlier
 * round of the same ring before that. So all announcements that are delivered from now on are of this round.
 */
void kv_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct kv *kv = self;

	if (!kv->is_syncing)
		note_holders(kv);
	kv->is_finishing = false;
	if (!has_holder(kv, transitional, transitional_count))
		kv_takeover_finish(kv);
	kv_transfer_stop(kv);
	kv_members_free(kv);
	kv->ring = (struct kv_ring){.seq = regular->ring.seq, .rep = regular->ring.representative};
	kv->is_transitional = false;
	kv->is_syncing = true;
	kv->is_serving = false;
	kv->has_formed = kv->is_fresh = false;
	kv->is_waiting = false;
	kv->can_forget = false;
	kv->tells_store = kv->is_storing = false;
	kv_marker_forget(kv);
	kv->has_told = false;
	kv->has_told_leave = false;
	kv->needs_standing = false;
	kv->donor = 0;
	kv->members = calloc(regular->member_count + 1, sizeof(*kv->members));
	if (kv->members == NULL) {
		/*
		 * This node does not announce itself, so no member relies on it. Its state is old as soon as this ring
		 * does writes.
		 */
		kv->host->log(kv->ctx, LOG_ERR, "out of memory: the table is not served in this ring");
		return;
	}
	for (uint32_t i = 0; i < regular->member_count; i++)
		kv->members[kv->member_count++].nodeid = regular->members[i];
}

/* ---- Announcing ---------------------------------------------------------- */

static bool has_provider(const struct kv *kv)
{
	struct coterie_quorum quorum = {.size = sizeof(quorum)};

	kv->host->quorum_get(kv->ctx, &quorum);
	return quorum.provider != NULL;
}

/*
 * Return whether this node has quorum. A verdict about an older ring does not count: the provider may synchronise after
 * this service.
 */
static bool is_quorate(struct kv *kv)
{
	struct coterie_quorum quorum = {.size = sizeof(quorum)};

	kv->host->quorum_get(kv->ctx, &quorum);
	return kv->host->is_quorate(kv->ctx) != 0 &&
	       (quorum.provider == NULL ||
		       (quorum.ring.seq == kv->ring.seq && quorum.ring.representative == kv->ring.rep)) &&
	       kv_is_backed(kv);
}

/* Return whether this node forms the table early: the executive stores files beside the loop. */
static bool is_early(const struct kv *kv) { return COTERIE_HAS(kv->host, state_file_store); }

static int announce_self(struct kv *kv)
{
	bool is_quorate_now = is_quorate(kv);
	uint32_t count = kv->marker.count;
	uint32_t *members = calloc(count + 1, sizeof(uint32_t));

	if (members == NULL)
		return -EAGAIN;
	for (uint32_t i = 0; i < count; i++)
		members[i] = htole32(kv->marker.members[i]);

	struct kv_ring_announce announce = {
		.ring = kv_ring_to_wire(&kv->ring),
		.epoch = kv_ring_to_wire(&kv->state.epoch),
		.revision = htole64(kv->state.revision),
		.hash = htole64(kv->state.hash),
		.cursor = htole64(kv->progress.cursor),
		.started = htole64(kv->progress.started),
		.kept_from = htole64(kv->is_keeping ? kv->progress.kept_from : kv->state.revision),
		.bytes_max = htole64(kv->option_bytes_max),
		.marker = kv_ring_to_wire(&kv->marker.ring),
		.flags = htole32((kv->has_state ? KV_HAS_STATE : 0) | (is_quorate_now ? KV_IS_QUORATE : 0) |
				 (has_provider(kv) ? KV_HAS_MARKER : 0) | KV_CAN_FORGET |
				 (is_early(kv) ? KV_IS_EARLY | KV_TELLS_STORE : 0)),
		.member_count = htole32(count),
	};
	struct iovec iov[] = {
		{(uint8_t *)&announce + sizeof(announce.header), sizeof(announce) - sizeof(announce.header)},
		{members, count * sizeof(uint32_t)},
	};
	int rc = kv->host->ring_send(kv->ctx, KV_RING_ANNOUNCE, COTERIE_AGREED, iov, count > 0 ? 2 : 1);

	free(members);
	if (rc == 0) {
		kv->has_told = true;
		kv->told_quorate = is_quorate_now;
		kv->told_bytes_max = kv->option_bytes_max;
		kv->told_ns = kv->host->now_ns(kv->ctx);
		kv->passes = 0;
	}
	return rc;
}

/* Return whether all members that run the service have announced themselves. Out of memory: false */
static bool have_all_announced(struct kv *kv)
{
	uint32_t *nodeids = calloc(kv->member_count + 1, sizeof(*nodeids));
	int count = nodeids == NULL ? -ENOMEM : kv->host->service_members(kv->ctx, nodeids, kv->member_count);
	bool have_all = count > 0 && (uint32_t)count <= kv->member_count;

	for (int i = 0; have_all && i < count; i++) {
		const struct kv_member *member = kv_member_find(kv, nodeids[i]);

		have_all = member != NULL && member->has_announced;
	}
	free(nodeids);
	return have_all;
}

/* Return whether all members that have announced themselves have sent this flag. An older version does not know the newer ones. */
static bool have_all(const struct kv *kv, uint32_t flag)
{
	for (uint32_t i = 0; i < kv->member_count; i++)
		if (kv->members[i].has_announced && (kv->members[i].flags & flag) == 0)
			return false;
	return true;
}

/*
 * Form the table as soon as all members have announced themselves. @return whether this node is done: its marker is stored,
 * or the time for this is over
 */
static bool is_prepared(struct kv *kv)
{
	uint64_t now_ns = kv->host->now_ns(kv->ctx);

	if (!is_early(kv) || !have_all(kv, KV_IS_EARLY))
		return true;
	if (!kv->has_formed && !have_all_announced(kv))
		return ++kv->passes >= ANNOUNCE_PASSES && now_ns - kv->told_ns >= ANNOUNCE_NS;
	if (!kv->has_formed) {
		kv_form_early(kv);
		kv->formed_ns = now_ns;
	}
	if (!kv->has_formed || kv->stores == 0)
		return true;
	if (now_ns - kv->formed_ns < KV_STORE_NS)
		return false;
	kv_marker_late(kv);
	return true;
}

int kv_sync_step(void *self)
{
	struct kv *kv = self;

	if (kv->members == NULL)
		return 0;
	if (kv->is_finishing)
		return -EAGAIN;
	int rc = kv->has_told ? 0 : announce_self(kv);

	return rc < 0 || is_prepared(kv) ? rc : -EAGAIN;
}

static bool is_of_this_ring(const struct kv *kv, const struct kv_wire_ring *wire)
{
	struct kv_ring ring = kv_ring_from_wire(wire);

	return kv_ring_equals(&ring, &kv->ring);
}

static bool take_marker(struct kv_member *member, const struct kv_ring_announce *announce, uint32_t count)
{
	uint32_t *members = calloc(count + 1, sizeof(uint32_t));

	if (members == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++)
		members[i] = le32toh(announce->members[i]);
	free(member->marker.members);
	member->marker = (struct kv_marker){kv_ring_from_wire(&announce->marker), members, count};
	return true;
}

/* Check an announcement: a state cannot be newer than its own writes, and revisions must stay below a limit. */
static bool is_plausible(const struct kv_ring_announce *announce, uint32_t size)
{
	uint32_t count = le32toh(announce->member_count);
	uint64_t revision = le64toh(announce->revision);

	return count <= KV_MEMBERS_MAX && size == sizeof(*announce) + count * sizeof(uint32_t) &&
	       revision <= KV_REVISION_MAX && le64toh(announce->cursor) <= revision &&
	       le64toh(announce->started) <= revision && le64toh(announce->kept_from) <= revision;
}

void kv_deliver_announce(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_announce *announce = msg;
	struct kv_member *member = kv_member_find(kv, nodeid);
	uint32_t count = le32toh(announce->member_count);
	uint32_t flags = le32toh(announce->flags);

	if (!kv->is_syncing || kv->is_transitional || member == NULL || !is_of_this_ring(kv, &announce->ring))
		return;
	/* Some members may have formed the table with the first one. None of an earlier round comes: see kv_sync_start. */
	if (member->has_announced) {
		kv->host->log(kv->ctx, LOG_WARNING,
			"node %u announces itself twice in one synchronisation: the first time counts", nodeid);
		return;
	}
	if (!is_plausible(announce, size)) {
		kv->host->log(kv->ctx, LOG_WARNING,
			"node %u announces itself with a malformed message: it takes no part", nodeid);
		return;
	}
	if (!take_marker(member, announce, count)) {
		kv->needs_stored = true; /* the others may count this node, which stores nothing */
		kv_lose(kv, "out of memory");
		kv_members_free(kv); /* this node must not decide without this member's announcement */
		return;
	}
	member->has_announced = true;
	member->has_state = (flags & KV_HAS_STATE) != 0;
	member->is_quorate = (flags & KV_IS_QUORATE) != 0;
	member->has_marker = (flags & KV_HAS_MARKER) != 0;
	member->flags = flags;
	member->state = (struct kv_state_id){
		kv_ring_from_wire(&announce->epoch), le64toh(announce->revision), le64toh(announce->hash)};
	member->progress = (struct kv_progress){
		le64toh(announce->cursor), le64toh(announce->started), le64toh(announce->kept_from)};
	member->bytes_max = le64toh(announce->bytes_max);
}

void kv_sync_done(void *self)
{
	struct kv *kv = self;

	kv->is_syncing = false;
	/* A table that a member has lost since its announcement counts as lost after the choice, on all nodes. */
	kv_form_early(kv);
	kv_losses_apply(kv);
	/* If an older version did not forget, it would count another limit, and its table would differ from the others. */
	kv->can_forget = have_all(kv, KV_CAN_FORGET);
	kv_decide(kv, false);
	/* Some members may have formed the table before this, so nobody waits for stores in kv_decide. */
	kv->tells_store = have_all(kv, KV_TELLS_STORE);
	kv_notice(kv);
}

/* ---- Changes within a ring ------------------------------------------------ */

static void notice_later(void *arg)
{
	struct kv *kv = arg;

	kv->notice_timer = NULL;
	kv_notice(kv);
}

static void notice_retry(struct kv *kv)
{
	if (kv->notice_timer == NULL)
		kv->host->timer_add(kv->ctx, kv->host->now_ns(kv->ctx) + RETRY_NS, notice_later, kv, &kv->notice_timer);
}

static int standing_send(struct kv *kv, uint32_t flags)
{
	struct kv_ring_standing standing = {
		.ring = kv_ring_to_wire(&kv->ring), .flags = htole32(flags | (kv->has_state ? KV_HAS_STATE : 0))};
	struct iovec iov = {&standing.ring, sizeof(standing) - sizeof(standing.header)};

	return kv->host->ring_send(kv->ctx, KV_RING_STANDING, COTERIE_SAFE, &iov, 1);
}

static void tell_standing(struct kv *kv)
{
	if (kv->needs_standing && standing_send(kv, 0) == 0)
		kv->needs_standing = false;
	if (kv->needs_stored && standing_send(kv, KV_HAS_STORED) == 0)
		kv->needs_stored = false;
	if (kv->needs_standing || kv->needs_stored)
		notice_retry(kv);
}

/*
 * Send each KV_RING_STANDING that is due, and KV_RING_NOTICE if the quorum or the limit of this node has changed. A notice
 * is sent only after the synchronisation.
 */
void kv_notice(void *arg)
{
	struct kv *kv = arg;
	bool is_quorate_now = is_quorate(kv);
	struct kv_ring_notice notice = {
		.ring = kv_ring_to_wire(&kv->ring),
		.bytes_max = htole64(kv->option_bytes_max),
		.flags = htole32(is_quorate_now ? KV_IS_QUORATE : 0),
	};
	struct iovec iov = {&notice.ring, sizeof(notice) - sizeof(notice.header)};

	if (kv->has_told_leave)
		return;
	tell_standing(kv);
	if (!kv->has_told || kv->is_syncing || kv->is_transitional ||
		(kv->told_quorate == is_quorate_now && kv->told_bytes_max == kv->option_bytes_max))
		return;
	if (kv->host->ring_send(kv->ctx, KV_RING_NOTICE, COTERIE_AGREED, &iov, 1) == 0) {
		kv->told_quorate = is_quorate_now;
		kv->told_bytes_max = kv->option_bytes_max;
	} else {
		notice_retry(kv);
	}
}

/*
 * A member that this node has announced itself to counts it in this ring. During a change of the ring it is not known yet
 * which members these will be.
 */
int kv_leave(struct kv *kv)
{
	int rc;

	if (kv->members == NULL || kv->has_told_leave)
		return 0;
	if (kv->is_syncing || kv->is_transitional)
		return -EAGAIN;
	if (!kv->can_forget)
		return 0;
	rc = standing_send(kv, KV_IS_LEAVING);
	kv->has_told_leave = rc == 0;
	return rc;
}

void kv_deliver_notice(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_notice *notice = msg;
	struct kv_member *member = kv_member_find(kv, nodeid);

	(void)size;
	if (kv->is_syncing || kv->is_transitional || member == NULL || !kv_member_counts(member) ||
		!is_of_this_ring(kv, &notice->ring))
		return;
	member->is_quorate = (le32toh(notice->flags) & KV_IS_QUORATE) != 0;
	member->bytes_max = le64toh(notice->bytes_max);
	kv_decide(kv, false);
}

void kv_deliver_recover(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_recover *recover = msg;

	(void)size;
	if (kv->is_syncing || kv->is_transitional || !kv->is_waiting || !is_of_this_ring(kv, &recover->ring))
		return;
	kv->host->log(kv->ctx, LOG_WARNING,
		"an operator at node %u gives up the nodes that were waited for: what only they have is lost", nodeid);
	kv_decide(kv, true);
}
