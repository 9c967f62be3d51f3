/*
 * Ordered writes and reads.
 *
 * The answer to a write depends on the ring in which it is delivered:
 *
 * - in a ring that serves: the result of the write
 * - in the last messages of that ring (transitional): the write is done, since members that are no longer here may have
 *   done it too. The answer waits until it is known whether this state survives.
 * - otherwise: nothing is done, "try again"
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MULTIPLIER UINT64_C(0x9ddfea08eb382d69)
#define DUE_NS UINT64_C(1000000) /* ordered reads are answered for this long in one turn of the loop */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * MULTIPLIER;
	return hash ^ (hash >> 29);
}

/* Hash the message from `expected` on: the serial before it is no part of the table. */
static uint64_t hash_write(uint64_t hash, const struct kv_ring_write *write, uint32_t size)
{
	const uint8_t *bytes = (const uint8_t *)&write->expected;
	uint32_t left = size - (uint32_t)offsetof(struct kv_ring_write, expected);
	uint64_t word;

	hash = mix(hash, left);
	for (; left >= sizeof(word); left -= (uint32_t)sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = mix(hash, le64toh(word));
	}
	word = 0;
	memcpy(&word, bytes, left);
	return mix(hash, le64toh(word));
}

static bool is_well_formed(const struct kv_ring_write *write, uint32_t size)
{
	uint32_t op = le32toh(write->op);
	uint32_t key_size = le32toh(write->key_size);
	uint32_t value_size = le32toh(write->value_size);

	return (op == KV_OP_PUT || (op == KV_OP_DELETE && value_size == 0)) && key_size >= 1 &&
	       key_size <= KV_KEY_MAX && value_size <= KV_VALUE_MAX && (le32toh(write->flags) & ~KV_CONDITIONAL) == 0 &&
	       size == sizeof(*write) + key_size + value_size;
}

/* @return 0: the condition holds; otherwise cs_error_t */
static int32_t check_condition(const struct kv_ring_write *write, const struct kv_entry *entry)
{
	uint64_t expected = le64toh(write->expected);

	if ((le32toh(write->flags) & KV_CONDITIONAL) == 0)
		return entry == NULL && le32toh(write->op) == KV_OP_DELETE ? KV_NOT_EXIST : 0;
	if (entry == NULL)
		return expected == 0 && le32toh(write->op) == KV_OP_PUT ? 0 : KV_NOT_EXIST;
	if (expected == 0)
		return KV_EXIST;
	return expected == entry->modified ? 0 : KV_FAILED_OPERATION;
}

int32_t kv_apply(struct kv *kv, const struct kv_ring_write *write, uint64_t *revision)
{
	uint32_t key_size = le32toh(write->key_size);
	uint32_t value_size = le32toh(write->value_size);
	const uint8_t *value = write->bytes + key_size;
	const struct kv_entry *entry = kv_store_find(&kv->store, write->bytes, key_size);
	int32_t error = check_condition(write, entry);
	uint32_t op = le32toh(write->op);
	int rc;

	*revision = entry != NULL ? entry->modified : 0;
	if (error != 0)
		return error;
	if (op == KV_OP_PUT) {
		uint64_t cost = kv_store_cost(key_size, value_size);
		uint64_t before = entry == NULL ? 0 : kv_store_cost(key_size, entry->value_size);

		/*
		 * A write that makes the table smaller is always allowed, even if the table is above the limit since
		 * the limit was lowered.
		 */
		if (cost > before && kv->store.bytes - before + cost > kv->bytes_max)
			return KV_NO_SPACE;
		rc = kv_store_put(&kv->store, write->bytes, key_size, value, value_size, kv->state.revision, 0);
	} else {
		rc = kv_store_delete(&kv->store, write->bytes, key_size, kv->state.revision, kv->is_keeping);
	}
	if (rc < 0)
		return 0;
	*revision = kv->state.revision;
	kv_watch_change(kv, op, write->bytes, key_size, op == KV_OP_PUT ? value : NULL, value_size);
	return KV_OK;
}

/* Answer a write of this node. error 0: the write was done, and its result is not known. */
static void answer_write(struct kv *kv, struct kv_pending *pending, int32_t error, uint64_t revision)
{
	if (pending == NULL)
		return;
	pending->revision = revision;
	if (error != 0 && kv->is_transitional) {
		/* Put the request back into the list, for kv_pending_release. */
		pending->is_held = true;
		pending->error = error;
		*kv->pending_end = pending;
		kv->pending_end = &pending->next;
		return;
	}
	kv_pending_answer(kv, pending, error != 0 ? error : KV_INTERRUPT);
}

/*
 * Return whether enough members run the service. A member may have unloaded the service without KV_IS_LEAVING, so this
 * is checked before each answer. If too few are left, the other members are informed.
 */
static bool is_still_backed(struct kv *kv)
{
	if (kv_is_backed(kv))
		return true;
	kv_notice(kv);
	return false;
}

/*
 * Return whether the write may be missing at other members: a node like one of Corosync is in the ring, and the write was
 * sent in an earlier ring. The ring may have changed in the middle of the message. Then members that have come since lack
 * its first part. In such a ring it is not sent again from its start.
 */
static bool may_be_missing(struct kv *kv, const struct kv_ring_write *write)
{
	return (uint32_t)(le64toh(write->serial) >> 32) != (uint32_t)kv->ring.seq &&
	       COTERIE_HAS(kv->host, is_safe_kept) && kv->host->is_safe_kept(kv->ctx) == 0;
}

void kv_deliver_write(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_write *write = msg;
	struct kv_pending *pending = NULL;
	uint64_t revision = 0;
	int32_t error = 0;

	if (nodeid == kv->host->local_nodeid(kv->ctx))
		pending = kv_pending_take(kv, le64toh(write->serial));
	if (!is_well_formed(write, size)) {
		if (pending != NULL)
			kv_pending_answer(kv, pending, KV_INVALID_PARAM);
		return;
	}
	if (kv->is_syncing || !kv->is_serving || may_be_missing(kv, write)) {
		if (pending != NULL)
			kv_pending_answer(kv, pending, KV_TRY_AGAIN);
		return;
	}
	/* Only a forged announcement takes a table there. All nodes would refuse the announcement of a higher one. */
	if (kv->state.revision >= KV_REVISION_MAX) {
		if (pending != NULL)
			kv_pending_answer(kv, pending, KV_NO_SPACE);
		return;
	}
	kv->state.revision++;
	kv->state.hash = hash_write(kv->state.hash, write, size);
	if (kv->has_state) {
		error = kv_apply(kv, write, &revision);
		if (error == 0)
			kv_lose(kv, "out of memory");
	} else {
		kv_log_write(kv, write, size);
	}
	if (pending != NULL && !is_still_backed(kv))
		error = 0; /* a later ring may not have this write */
	answer_write(kv, pending, error, revision);
}

/* ---- Ordered reads ---------------------------------------------------------- */

/* Answer a read from the table as it is now: it has at least the writes that were ordered before the read. */
static void answer_due(struct kv *kv, struct kv_pending *pending)
{
	bool is_right = !kv->is_syncing && !kv->is_transitional && kv->is_serving && kv->has_state &&
			is_still_backed(kv);

	kv_pending_answer(kv, pending, is_right ? KV_OK : KV_TRY_AGAIN);
}

static struct kv_pending *due_take(struct kv *kv)
{
	struct kv_pending *pending = kv->due;

	kv->due = pending->next;
	if (kv->due == NULL)
		kv->due_end = &kv->due;
	return pending;
}

static void on_due(void *arg);

/* Begin the time for the answers of this turn. @return whether a later turn continues */
static bool due_begin(struct kv *kv)
{
	uint64_t now_ns = kv->host->now_ns(kv->ctx);

	kv->due_until_ns = now_ns + DUE_NS;
	if (kv->host->timer_add(kv->ctx, now_ns, on_due, kv, &kv->due_timer) == 0)
		return true;
	kv->due_timer = NULL;
	return false;
}

static void on_due(void *arg)
{
	struct kv *kv = arg;

	kv->due_timer = NULL;
	if (kv->due == NULL)
		return;
	bool has_next = due_begin(kv);

	do {
		answer_due(kv, due_take(kv));
	} while (kv->due != NULL && (!has_next || kv->host->now_ns(kv->ctx) < kv->due_until_ns));
}

/*
 * Thousands of reads can be delivered in one turn of the loop, and each can take more than half a millisecond. So they
 * are answered for DUE_NS of a turn, in their order.
 */
static void due_add(struct kv *kv, struct kv_pending *pending)
{
	if (kv->due == NULL &&
		(kv->due_timer == NULL ? (due_begin(kv), true) : kv->host->now_ns(kv->ctx) < kv->due_until_ns)) {
		answer_due(kv, pending);
		return;
	}
	pending->next = NULL;
	*kv->due_end = pending;
	kv->due_end = &pending->next;
}

void kv_due_end(struct kv *kv, int32_t error)
{
	while (kv->due != NULL)
		kv_pending_answer(kv, due_take(kv), error);
}

void kv_deliver_read(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_ring_read *read = msg;

	(void)size;
	if (nodeid != kv->host->local_nodeid(kv->ctx))
		return;

	struct kv_pending *pending = kv_pending_take(kv, le64toh(read->serial));

	if (pending != NULL)
		due_add(kv, pending);
}
