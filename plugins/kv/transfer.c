/*
 * Sending a state to other members while writes continue.
 *
 * The donor sends entries in the order of their last changes, deletions included, one chunk at a time. An entry that is
 * written meanwhile moves to the end of that order, so it is sent again. The receiver cannot check conditions of writes
 * before it has the complete state, so it logs writes instead of applying them. Each chunk has the revision at which it
 * was made. Writes up to that revision need not be logged any longer. A chunk that reaches the end of the changes
 * completes the state of its revision. The log has the later writes (takeover.c).
 *
 * All members track the progress of the others, so that another donor can continue.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (96u << 10)     /* bytes of a chunk, unless one entry is longer */
#define CHUNK_COUNT_MAX 128u       /* limit of entries, since the receiver needs time to write them: 25 ms for 2,400 */
#define SEEK_WORK 8192u            /* entries that the donor passes in one turn */
#define SEEK_NS UINT64_C(200000)   /* pause between two turns */
#define SWEEP_WORK 2048u           /* entries that are freed in one turn. This takes less than a millisecond */
#define SWEEP_NS UINT64_C(1000000) /* pause between two turns */
#define RETRY_NS UINT64_C(5000000)
/*
 * If there are as many deletions as keys, and as this, those that all members have received are forgotten before the end
 * of a transfer. To forget some passes all entries, so half as many writes have to come between two times.
 */
#define TOMBS_MAX 65536u
#define IDLE_NS \
	UINT64_C(10000000) /* pause between chunks that only report that there are no more
			    * changes */

/* ---- Sending ------------------------------------------------------------- */

static uint64_t lowest_cursor(const struct kv *kv)
{
	uint64_t lowest = UINT64_MAX;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];

		if (kv_member_counts(member) && !member->has_state && member->progress.cursor < lowest)
			lowest = member->progress.cursor;
	}
	return lowest;
}

static uint32_t item_size(const struct kv_entry *entry)
{
	return (uint32_t)sizeof(struct kv_ring_item) + entry->key_size + entry->value_size;
}

static uint8_t *item_write(uint8_t *at, const struct kv_entry *entry)
{
	struct kv_ring_item item = {
		.created = htole64(entry->created),
		.modified = htole64(entry->modified),
		.op = htole32(entry->is_deleted ? KV_OP_DELETE : KV_OP_PUT),
		.key_size = htole32(entry->key_size),
		.value_size = htole32(entry->value_size),
	};

	memcpy(at, &item, sizeof(item));
	at += sizeof(item);
	memcpy(at, entry->key, entry->key_size);
	at += entry->key_size;
	if (entry->value_size > 0)
		memcpy(at, entry->value, entry->value_size);
	return at + entry->value_size;
}

/* Make the next chunk. @return bytes of the message, header included; 0: out of memory */
static uint32_t chunk_make(struct kv *kv, struct kv_ring_chunk **chunk)
{
	uint64_t from = lowest_cursor(kv);
	struct kv_entry *first = kv_store_after(&kv->store, from);
	struct kv_entry *end = first;
	uint64_t to = kv->state.revision;
	uint32_t size = sizeof(**chunk), count = 0;

	while (end != NULL && count < CHUNK_COUNT_MAX && (count == 0 || size + item_size(end) <= CHUNK_SIZE)) {
		size += item_size(end);
		count++;
		to = end->modified;
		end = end->newer;
	}
	if (end == NULL)
		to = kv->state.revision;
	*chunk = calloc(1, size);
	if (*chunk == NULL)
		return 0;
	(*chunk)->ring = kv_ring_to_wire(&kv->ring);
	(*chunk)->from = htole64(from);
	(*chunk)->to = htole64(to);
	(*chunk)->base = htole64(kv->state.revision);
	(*chunk)->flags = htole32(end == NULL ? KV_CHUNK_LAST : 0);
	(*chunk)->count = htole32(count);

	uint8_t *at = (*chunk)->bytes;

	for (const struct kv_entry *entry = first; entry != end; entry = entry->newer)
		at = item_write(at, entry);
	return size;
}

static void chunk_send(void *arg)
{
	struct kv *kv = arg;
	uint64_t now_ns = kv->host->now_ns(kv->ctx);
	struct kv_ring_chunk *chunk = NULL;

	kv->transfer_timer = NULL;
	if (!kv->has_formed || kv->donor != kv->host->local_nodeid(kv->ctx) || kv->is_chunk_out || !kv->has_state ||
		kv->is_transitional)
		return;
	/* A new donor may have many entries to pass, so this may take several turns. */
	if (!kv_store_seek(&kv->store, lowest_cursor(kv), SEEK_WORK)) {
		kv->next_chunk_ns = now_ns + SEEK_NS;
		kv_transfer_poke(kv);
		return;
	}

	uint32_t size = chunk_make(kv, &chunk);
	int rc = -ENOMEM;

	if (size > 0) {
		struct iovec iov = {&chunk->ring, size - sizeof(chunk->header)};
		uint64_t cost_ns = size * UINT64_C(1000000000) / kv->option_rate;

		kv->next_chunk_ns = now_ns + (chunk->count == 0 ? IDLE_NS : cost_ns);
		rc = kv->host->ring_send(kv->ctx, KV_RING_CHUNK, COTERIE_AGREED, &iov, 1);
	}
	free(chunk);
	kv->is_chunk_out = rc == 0;
	if (rc < 0) {
		kv->next_chunk_ns = now_ns + RETRY_NS;
		kv_transfer_poke(kv);
	}
}

void kv_transfer_poke(struct kv *kv)
{
	uint64_t now_ns = kv->host->now_ns(kv->ctx);

	if (kv->donor != kv->host->local_nodeid(kv->ctx) || kv->is_chunk_out || kv->transfer_timer != NULL ||
		!kv->has_formed)
		return;
	kv->host->timer_add(
		kv->ctx, kv->next_chunk_ns > now_ns ? kv->next_chunk_ns : now_ns, chunk_send, kv, &kv->transfer_timer);
}

void kv_transfer_stop(struct kv *kv)
{
	kv->host->timer_del(kv->ctx, kv->transfer_timer);
	kv->transfer_timer = NULL;
	kv->is_chunk_out = false;
}

/* ---- Starting from nothing ------------------------------------------------ */

static void on_sweep(void *arg)
{
	struct kv *kv = arg;

	kv->sweep_timer = NULL;
	if (kv_blocks_sweep(kv) || kv_store_sweep(&kv->store, SWEEP_WORK))
		kv_sweep(kv);
}

void kv_sweep(struct kv *kv)
{
	if (kv->sweep_timer == NULL &&
		kv->host->timer_add(kv->ctx, kv->host->now_ns(kv->ctx) + SWEEP_NS, on_sweep, kv, &kv->sweep_timer) < 0)
		kv->sweep_timer = NULL; /* a later timer frees the rest */
}

void kv_restart(struct kv *kv)
{
	kv->has_state = false;
	kv->is_keeping = true;
	kv->progress = (struct kv_progress){0, kv->state.revision, kv->state.revision};
	kv_store_drop(&kv->store);
	kv_sweep(kv);
	kv_takeover_stop(kv);
	kv_log_clear(kv, UINT64_MAX);
	kv->log_from = kv->state.revision;
	kv_watch_replaced(kv);
}

void kv_lose(struct kv *kv, const char *why)
{
	kv->host->log(kv->ctx, LOG_ERR, "%s: this node drops its table and takes over the one of another node", why);
	kv_restart(kv);
	kv->needs_standing = true;
	kv_notice(kv);
}

/* ---- Deletions ------------------------------------------------------------ */

/*
 * Return the revision up to which no member needs deletions. A member that takes over the table needs none from before
 * the oldest chunk that it has, and none that was sent to it. UINT64_MAX: no member takes it over.
 */
static uint64_t sent_to_all(const struct kv *kv)
{
	uint64_t lowest = UINT64_MAX;

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];
		const struct kv_progress *progress = &member->progress;
		uint64_t sent = progress->started > progress->cursor ? progress->started : progress->cursor;

		if (kv_member_counts(member) && !member->has_state && sent < lowest)
			lowest = sent;
	}
	return lowest;
}

/*
 * Forget deletions that all members have been sent, if there are many: a member may never finish. One that has not
 * written them yet begins again if the ring changes.
 */
static void forget_sent(struct kv *kv)
{
	uint64_t sent = sent_to_all(kv), most = kv->store.keys > TOMBS_MAX ? kv->store.keys : TOMBS_MAX;

	if (kv->store.purge != NULL)
		kv_sweep(kv);
	else if (kv->is_keeping && sent <= kv->state.revision && kv->store.tombs >= most &&
		 sent >= kv->progress.kept_from + most / 2) {
		kv->progress.kept_from = sent;
		kv_store_purge(&kv->store, sent);
		kv_sweep(kv);
	}
}

/* ---- Receiving ----------------------------------------------------------- */

static bool is_well_formed(const struct kv *kv, const struct kv_ring_chunk *chunk, uint32_t size)
{
	const uint8_t *at = chunk->bytes, *end = (const uint8_t *)chunk + size;
	uint64_t last = le64toh(chunk->from), to = le64toh(chunk->to), base = le64toh(chunk->base);

	uint32_t flags = le32toh(chunk->flags);

	if (last > to || to > base || base > kv->state.revision || (flags & ~KV_CHUNK_LAST) != 0 ||
		(flags == KV_CHUNK_LAST && to != base))
		return false;
	for (uint32_t i = le32toh(chunk->count); i > 0; i--) {
		struct kv_ring_item item;

		at = kv_item_read(at, end, &item);
		if (at == NULL || item.modified <= last || item.modified > to)
			return false;
		last = item.modified;
		at += item.key_size + item.value_size;
	}
	return at == end;
}

void kv_deliver_chunk(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_chunk *chunk = msg;
	struct kv_ring ring = kv_ring_from_wire(&chunk->ring);
	uint64_t from = le64toh(chunk->from), to = le64toh(chunk->to), base = le64toh(chunk->base);

	if (kv->is_syncing || kv->is_transitional || !kv->has_formed || !kv_ring_equals(&ring, &kv->ring))
		return;
	if (nodeid == kv->host->local_nodeid(kv->ctx))
		kv->is_chunk_out = false;
	if (nodeid != kv->donor)
		return;
	if (!is_well_formed(kv, chunk, size)) {
		kv->host->log(kv->ctx, LOG_WARNING, "node %u sends a malformed part of the table: dropped", nodeid);
		return;
	}
	for (uint32_t i = 0; i < kv->member_count; i++) {
		struct kv_progress *progress = &kv->members[i].progress;

		if (kv->members[i].has_state || progress->cursor < from)
			continue;
		if (progress->cursor < to)
			progress->cursor = to;
		/* A chunk from before a member lost its table has keys that were deleted until then. */
		if (progress->started > base)
			progress->started = base;
	}
	forget_sent(kv);
	if (!kv->has_state)
		kv_takeover_chunk(kv, chunk, size);
	else if (kv->has_state && to >= kv->store.walk_from)
		(void)kv_store_seek(&kv->store, to, SEEK_WORK); /* this node may be the next donor, so keep its walk
								 * up to date */
	kv_transfer_poke(kv);
}

/* Note that a member has lost its table and begins again. */
static void lost(struct kv *kv, struct kv_member *member)
{
	member->has_state = false;
	member->progress = (struct kv_progress){0, kv->state.revision, kv->state.revision};
	if (member == kv_member_self(kv) && !kv->has_state)
		kv_restart(kv);
}

void kv_losses_apply(struct kv *kv)
{
	for (uint32_t i = 0; i < kv->member_count; i++)
		if (kv->members[i].has_lost)
			lost(kv, &kv->members[i]);
}

void kv_deliver_standing(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_standing *standing = msg;
	struct kv_ring ring = kv_ring_from_wire(&standing->ring);
	struct kv_member *member = kv_member_find(kv, nodeid);
	uint32_t flags = le32toh(standing->flags);
	bool has_state = (flags & KV_HAS_STATE) != 0;

	(void)size;
	if (member == NULL || !kv_member_counts(member) || !kv_ring_equals(&ring, &kv->ring))
		return;
	if (kv->can_forget && (flags & KV_IS_LEAVING) != 0) {
		kv_member_forget(kv, member);
		return;
	}
	if ((flags & KV_HAS_STORED) != 0) {
		member->has_stored = true;
		if (kv->is_storing && !kv->is_syncing && !kv->is_transitional)
			kv_decide(kv, false);
		return;
	}
	/*
	 * Some members have formed the table already, and others have not. It must be the same one. If a message of this
	 * kind is older than the announcement, others follow that say the same as the announcement.
	 */
	if (kv->is_syncing) {
		member->has_lost = !has_state;
		return;
	}
	if (has_state)
		member->has_state = true;
	else
		lost(kv, member);
	kv_standing_changed(kv);
	if (!kv->is_transitional)
		kv_decide(kv, false); /* it may be the first whole table again, or the last one that is lost */
}
