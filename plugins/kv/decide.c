/*
 * The decision which table the ring uses. Every member decides from the same announcements, at the same place of the
 * order.
 *
 * 1. The newest epoch is that of the newest state or of the newest marker, whichever is newer. Any two rings
 *    that serve share a member that runs this service (votes.c), and markers survive restarts. So no acknowledged
 *    write has a newer epoch.
 *    (Without a quorum provider on all members this does not hold. Then the longest of all histories wins. With the
 *    option any_quorum it need not hold, and a write of a newer epoch is lost if no node that has it is here.)
 * 2. Of the states of that epoch the longest wins. Each of them has all acknowledged writes, since writes are
 *    delivered safe.
 * 3. It may be that no member has a state of that epoch: all nodes that had it are away, or have restarted.
 *    While one of them is away, the ring waits. When all are present, all have lost it. Then the newest
 *    other state is used, or an empty table.
 * 4. Members with the chosen state serve. Those that were taking it over continue, if all possible donors have
 *    kept the deletions since the takeover began, or since the last change that the member has. All others start from
 *    nothing.
 *
 * A member that unloads the service takes no part from then on (has_left). But the epochs that it has announced still
 * count in rule 1. If no other member has the table, the ring waits for it as for a node that has restarted. Otherwise the
 * ring could go on with an older table.
 *
 * In a synchronisation a member decides as soon as it has all announcements, and is done when its marker is stored. The disk
 * may take its time, since the token goes round. All members serve from the end of the synchronisation on, when
 * the marker of each is stored. A member whose disk is too slow logs that its marker is not.
 *
 * A ring that gets its quorum after the synchronisation decides then. All members store their markers, and each sends
 * that its own is stored. The ring serves from the last of these messages on (is_storing).
 *
 * A ring decides once (has_formed). The announcements describe the tables before that, so they say nothing about a table
 * that was written or taken over since. While no member has the whole table of the ring, nothing is served. It goes on
 * as soon as a member has taken the table over, since the parts and the log may have arrived completely.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <stdlib.h>
#include <string.h>

static bool has_quorum(const struct kv *kv)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (!kv_member_counts(&kv->members[i]))
			continue;
		if (!kv->members[i].is_quorate)
			return false;
		count++;
	}
	return count > 0;
}

static bool has_markers(const struct kv *kv)
{
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv->members[i].has_announced && !kv->members[i].has_marker)
			return false;
	}
	return true;
}

static struct kv_ring newest_epoch(const struct kv *kv)
{
	bool use_markers = has_markers(kv);
	struct kv_ring newest = {0};

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];

		if (!member->has_announced)
			continue;
		if (member->has_state && kv_ring_compare(&newest, &member->state.epoch) < 0)
			newest = member->state.epoch;
		if (use_markers && kv_ring_compare(&newest, &member->marker.ring) < 0)
			newest = member->marker.ring;
	}
	return newest;
}

/*
 * Return whether a state is newer than another one. Without a quorum provider every part of the ring continues, so
 * epochs do not show which writes were acknowledged. Then the longer history wins, so a node that has just started
 * loses.
 */
static bool is_newer(const struct kv_state_id *a, const struct kv_state_id *b, bool by_epoch)
{
	int rc = kv_ring_compare(&a->epoch, &b->epoch);

	if (rc != 0 && (by_epoch || a->revision == b->revision))
		return rc > 0;
	if (a->revision != b->revision)
		return a->revision > b->revision;
	return a->hash > b->hash;
}

/*
 * Return the member with the newest state, or NULL. Of several, return the one with the lowest node id. epoch: only
 * states of this epoch count; NULL: all states count.
 */
static const struct kv_member *newest_member(const struct kv *kv, const struct kv_ring *epoch)
{
	const struct kv_member *best = NULL;
	bool by_epoch = has_markers(kv);

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];

		if (!kv_member_counts(member) || !member->has_state ||
			(epoch != NULL && !kv_ring_equals(epoch, &member->state.epoch)))
			continue;
		if (best == NULL || is_newer(&member->state, &best->state, by_epoch))
			best = member;
	}
	return best;
}

/* ---- Waiting ------------------------------------------------------------- */

static bool is_here(const struct kv *kv, uint32_t nodeid)
{
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv->members[i].nodeid == nodeid)
			return kv_member_counts(&kv->members[i]);
	}
	return false;
}

/* List the members of an epoch that are not in the ring. The epoch's members are taken from the marker of a member. */
static uint32_t absent(const struct kv *kv, const struct kv_ring *epoch, uint32_t *nodeids, uint32_t room)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_marker *marker = &kv->members[i].marker;

		if (!kv->members[i].has_announced || !kv_ring_equals(&marker->ring, epoch))
			continue;
		for (uint32_t k = 0; k < marker->count; k++) {
			if (is_here(kv, marker->members[k]))
				continue;
			if (count < room)
				nodeids[count] = marker->members[k];
			count++;
		}
		break;
	}
	return count;
}

/* List the members that have left since the ring has decided. */
static uint32_t left(const struct kv *kv, uint32_t *nodeids, uint32_t room)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (!kv->members[i].has_left)
			continue;
		if (count < room)
			nodeids[count] = kv->members[i].nodeid;
		count++;
	}
	return count;
}

static uint32_t missing(const struct kv *kv, uint32_t *nodeids, uint32_t room)
{
	struct kv_ring epoch = newest_epoch(kv);

	return kv->has_formed ? left(kv, nodeids, room) : absent(kv, &epoch, nodeids, room);
}

uint32_t kv_missing(const struct kv *kv, uint32_t *nodeids, uint32_t room)
{
	return kv->is_waiting ? missing(kv, nodeids, room) : 0;
}

static void wait_for_table(struct kv *kv)
{
	uint32_t nodeid = 0;
	uint32_t count = missing(kv, &nodeid, 1);

	kv->is_serving = false;
	kv_pending_release(kv, false);
	if (kv->is_waiting)
		return;
	kv->is_waiting = true;
	if (count == 0)
		kv->host->log(kv->ctx, LOG_WARNING,
			"no node has the whole table any more: nothing is served before one has taken it over, or "
			"'coterie-kv recover' gives it up");
	else
		kv->host->log(kv->ctx, LOG_WARNING,
			"no node here has the whole table; node %u%s may have it: nothing is served before they are "
			"back, or 'coterie-kv recover' gives them up",
			nodeid, count > 1 ? " and others" : "");
}

/* ---- Forming ------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Return whether the member can continue its takeover. */
static bool goes_on(const struct kv_member *member, const struct kv_state_id *chosen, uint64_t kept_from)
{
	return kv_state_equals(&member->state, chosen) &&
	       (member->has_state || kept_from <= larger(member->progress.started, member->progress.cursor));
}

static uint64_t all_kept_from(const struct kv *kv, const struct kv_state_id *chosen)
{
	uint64_t kept_from = 0;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];

		if (kv_member_counts(member) && member->has_state && kv_state_equals(&member->state, chosen))
			kept_from = larger(kept_from, member->progress.kept_from);
	}
	return kept_from;
}

static void start_from_nothing(struct kv *kv, const struct kv_state_id *chosen, uint32_t from)
{
	if (kv->has_state && kv->state.revision > 0)
		kv->host->log(kv->ctx, LOG_NOTICE,
			"the table here, of revision %llu with %llu keys, is not that of the ring, and is "
			"dropped for that of node %u, of revision %llu",
			(unsigned long long)kv->state.revision, (unsigned long long)kv->store.keys, from,
			(unsigned long long)chosen->revision);
	kv->state = *chosen;
	kv_restart(kv);
}

/* Log that the table is empty, since all members have lost it. */
static void start_empty(struct kv *kv, const struct kv_ring *epoch)
{
	if (epoch->seq != 0)
		kv->host->log(kv->ctx, LOG_ERR,
			"every node that had the table has restarted or was given up: it is empty now");
	kv_store_drop(&kv->store);
	kv_sweep(kv);
	kv_takeover_stop(kv);
	kv_log_clear(kv, UINT64_MAX);
	kv->has_state = true;
	kv->is_keeping = false;
	kv->progress = (struct kv_progress){0};
	kv_watch_replaced(kv);
}

/* Take the table of `best` as that of the ring. It is not served yet. */
static void form(struct kv *kv, const struct kv_member *best, const struct kv_ring *epoch)
{
	struct kv_state_id chosen = best != NULL ? best->state : (struct kv_state_id){0};
	bool has_survived = best != NULL && kv->has_state && kv_state_equals(&kv->state, &chosen);
	uint64_t kept_from = all_kept_from(kv, &chosen);
	uint32_t from = best != NULL ? best->nodeid : 0;
	struct kv_member *self = kv_member_self(kv);

	kv_takeover_stop(kv); /* the donor sends again what is not written */
	for (uint32_t i = 0; i < kv->member_count; i++) {
		struct kv_member *member = &kv->members[i];
		bool has_same = best == NULL || goes_on(member, &chosen, kept_from);

		if (!member->has_announced)
			continue;
		if (best == NULL)
			member->has_state = true;
		if (!has_same) {
			member->has_state = false;
			member->progress = (struct kv_progress){0, chosen.revision, chosen.revision};
			if (member == self)
				start_from_nothing(kv, &chosen, from);
		}
	}
	if (best == NULL)
		start_empty(kv, epoch);
	kv->state = chosen;
	kv->state.epoch = kv->ring;
	if (!kv->has_formed) /* again after 'recover': the ring goes on with the wait that is under way, if any */
		kv->is_storing = kv->tells_store;
	kv->has_formed = true;
	kv->is_fresh = true;
	kv->has_survived = has_survived;
	if (!has_survived)
		kv_pending_release(kv, false);
	kv_marker_store(kv);
}

/* Return whether a member has not sent yet that its marker is stored. */
static bool is_storing(struct kv *kv)
{
	if (!kv->is_storing)
		return false;
	for (uint32_t i = 0; i < kv->member_count; i++)
		if (kv_member_counts(&kv->members[i]) && !kv->members[i].has_stored)
			return true;
	kv->is_storing = false;
	return false;
}

/* Serve the table that the ring has formed, if it has not been served in this ring yet. */
static void serve(struct kv *kv)
{
	kv->is_serving = true;
	kv->is_waiting = false;
	if (!kv->is_fresh)
		return;
	kv->is_fresh = false;
	kv_standing_changed(kv);
	kv_pending_release(kv, kv->has_survived);
	kv_watch_resume(kv);
}

void kv_standing_changed(struct kv *kv)
{
	uint32_t sender = 0, incomplete = 0;

	for (uint32_t i = kv->member_count; i-- > 0;) {
		if (!kv_member_counts(&kv->members[i]))
			continue;
		if (!kv->members[i].has_state)
			incomplete++;
		else if (sender == 0 || sender != kv->donor) /* the present donor is preferred */
			sender = kv->members[i].nodeid;
	}
	if (!kv->has_formed || kv->is_fresh)
		return; /* serve() does the rest */
	kv->donor = incomplete > 0 ? sender : 0;
	if (sender == 0)
		kv->is_serving = false; /* all members run this at the same place of the order */
	if (incomplete > 0 && !kv->is_keeping) {
		kv->is_keeping = true;
		kv_store_purge_end(&kv->store);
		kv->progress.kept_from = kv->state.revision;
	} else if (incomplete == 0 && kv->is_keeping) {
		kv->is_keeping = false;
		kv_store_purge(&kv->store, UINT64_MAX);
		kv_sweep(kv);
	}
	kv_transfer_poke(kv);
}

/* Return the member with the best state when all have lost the newest table. NULL: no member has a table. */
static const struct kv_member *last_resort(const struct kv *kv)
{
	const struct kv_member *best = newest_member(kv, NULL);

	if (best != NULL)
		kv->host->log(kv->ctx, LOG_ERR,
			"every node that had the newest table has restarted or was given up: an older one goes "
			"on, of revision %llu from node %u; what was written since is lost",
			(unsigned long long)best->state.revision, best->nodeid);
	return best;
}

static void limit_update(struct kv *kv)
{
	kv->bytes_max = UINT64_MAX;
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv_member_counts(&kv->members[i]) && kv->members[i].bytes_max < kv->bytes_max)
			kv->bytes_max = kv->members[i].bytes_max;
	}
}

/* Return whether a member has the whole table of this ring. */
static bool is_held(const struct kv *kv)
{
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv_member_counts(&kv->members[i]) && kv->members[i].has_state)
			return true;
	}
	return false;
}

/* Form the table of the ring. @return false: no member has it, and the ring waits for others */
static bool choose(struct kv *kv, bool is_forced)
{
	struct kv_ring epoch = kv->has_formed ? kv->ring : newest_epoch(kv);
	const struct kv_member *best = kv->has_formed ? NULL : newest_member(kv, has_markers(kv) ? &epoch : NULL);

	if (best == NULL && !is_forced && (kv->has_formed || missing(kv, NULL, 0) > 0))
		return false;
	if (best == NULL)
		best = last_resort(kv);
	form(kv, best, &epoch);
	return true;
}

void kv_decide(struct kv *kv, bool is_forced)
{
	limit_update(kv);
	if (!has_quorum(kv) || kv_member_self(kv) == NULL) {
		kv->is_serving = false;
		kv->is_waiting = false;
		kv_pending_release(kv, false);
		return;
	}
	if (!(kv->has_formed && is_held(kv)) && !choose(kv, is_forced))
		wait_for_table(kv);
	else if (is_storing(kv))
		kv->is_waiting = false;
	else
		serve(kv);
}

void kv_form_early(struct kv *kv)
{
	if (!kv->has_formed && has_quorum(kv) && kv_member_self(kv) != NULL)
		(void)choose(kv, false);
}

/*
 * In the last messages of a ring (transitional) members that are no longer here may have forgotten the member before. Their
 * tables must not differ from this one, so the limit changes here, too. Whether the ring serves is decided in the next ring.
 */
void kv_member_forget(struct kv *kv, struct kv_member *member)
{
	member->has_left = true;
	limit_update(kv);
	kv_standing_changed(kv);
	if (kv->is_transitional)
		return;
	kv_decide(kv, false);
	kv_notice(kv); /* without that member this node may have too few others that run the service */
}
