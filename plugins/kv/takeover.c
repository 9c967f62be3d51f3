/*
 * Taking over a state from a donor, in turns of a bounded length.
 *
 * A received chunk waits in a queue of parts until its entries are written. The cursor follows the written entries.
 * Meanwhile writes of the ring are stored in the log. After the part that reaches the end of the changes, the log is
 * written too. For each write that is added to the log then, two writes of the log are done. When the log is empty, the
 * state is complete.
 *
 * A change of the ring drops the parts. The cursor that is announced then is that of the store, and the next donor
 * continues from there. But if no member that had the whole table comes along, this node may be the only one that has it.
 * If it has received all of it, it writes the parts and the log before it announces itself.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TURN_WORK 160u           /* entries in one turn, which takes 1.7 ms in a large table */
#define TURN_NS UINT64_C(200000) /* pause between two turns */
#define WRITE_WORK 2u            /* writes of the log that are done for each write that is added */
#define TOMBS_FEW 4096u          /* so many deletions stay in the processor's caches */
#define LOG_BLOCK (64u << 10)    /* bytes, unless one write is longer */
#define LOG_BYTES_MAX (64u << 20)
/*
 * No write makes a table larger than bytes_max, but a limit that was lowered since may be below what the table has. And
 * short-lived keys leave deletions: donors forget those that were sent to all from 65,536 on.
 */
#define TABLE_FACTOR 4u
#define TOMB_BYTES_MAX (65536u * (KV_KEY_MAX + KV_ENTRY_COST))
#define SWEEP_BYTES (1u << 20) /* bytes of blocks that are freed in a turn. At least one block is freed */
/*
 * Bytes that are still written in a synchronisation. All clients of the ring wait meanwhile. With writes of 100 bytes that
 * takes 0.6 s, and up to 3 s with the shortest ones.
 */
#define FINISH_BYTES_MAX (8u << 20)

/* A block of received bytes: one chunk of the state that is taken over, or several logged writes in sequence. */
struct kv_block {
	struct kv_block *next;
	uint64_t last;     /* revision of the last write. For a part of the table: the revision of its end */
	uint32_t size;     /* size of `bytes` */
	uint32_t used, at; /* bytes behind `at` are not written yet */
	uint32_t left;     /* entries of a part that are not written yet */
	uint64_t bytes[];
};

/* A write that was delivered during the transfer of the state. */
struct logged {
	uint64_t revision;
	uint64_t bytes_max; /* limit of the table when the write was delivered */
	uint32_t size;      /* size of msg, without the padding of its last word */
	uint32_t pad;
	uint64_t msg[]; /* a struct kv_ring_write */
};

static struct kv_block *block_create(uint32_t size)
{
	struct kv_block *block = malloc(sizeof(*block) + size);

	if (block != NULL)
		*block = (struct kv_block){.size = size};
	return block;
}

/* Move the first block of a list to the blocks that are freed in turns. */
static void block_drop(struct kv *kv, struct kv_block **list)
{
	struct kv_block *block = *list;

	*list = block->next;
	block->next = kv->blocks_dropped;
	kv->blocks_dropped = block;
	kv_sweep(kv);
}

bool kv_blocks_sweep(struct kv *kv)
{
	uint32_t done = 0;

	while (kv->blocks_dropped != NULL && done < SWEEP_BYTES) {
		struct kv_block *block = kv->blocks_dropped;

		kv->blocks_dropped = block->next;
		done += block->size;
		free(block);
	}
	return kv->blocks_dropped != NULL;
}

static void list_free(struct kv_block *block)
{
	while (block != NULL) {
		struct kv_block *next = block->next;

		free(block);
		block = next;
	}
}

void kv_takeover_free(struct kv *kv)
{
	kv->host->timer_del(kv->ctx, kv->takeover_timer);
	list_free(kv->parts);
	list_free(kv->log);
	list_free(kv->blocks_dropped);
}

/* ---- The log ------------------------------------------------------------- */

static struct logged *logged_at(struct kv_block *block)
{
	return (struct logged *)((uint8_t *)block->bytes + block->at);
}

static uint32_t logged_size(uint32_t size) { return (uint32_t)(sizeof(struct logged) + ((size + 7u) & ~7u)); }

void kv_log_clear(struct kv *kv, uint64_t up_to)
{
	kv->is_catching_up = false;
	while (kv->log != NULL && kv->log->last <= up_to) {
		kv->log_bytes -= kv->log->size;
		block_drop(kv, &kv->log);
	}
	while (kv->log != NULL && logged_at(kv->log)->revision <= up_to)
		kv->log->at += logged_size(logged_at(kv->log)->size);
	if (up_to != UINT64_MAX && kv->log_from < up_to)
		kv->log_from = up_to;
}

/* Return a block of the log that has room. NULL: the log is full, or out of memory. */
static struct kv_block *log_block(struct kv *kv, uint32_t size)
{
	if (kv->log != NULL && kv->log_last->size - kv->log_last->used >= size)
		return kv->log_last;

	uint32_t block_size = size > LOG_BLOCK ? size : LOG_BLOCK;
	struct kv_block *block = kv->log_bytes + block_size <= LOG_BYTES_MAX ? block_create(block_size) : NULL;

	if (block == NULL)
		return NULL;
	*(kv->log == NULL ? &kv->log : &kv->log_last->next) = block;
	kv->log_last = block;
	kv->log_bytes += block_size;
	return block;
}

/* Return the work for one entry. Its key is looked for among the keys and among the deletions. */
static uint32_t work_of_entry(const struct kv *kv) { return kv->store.tombs > TOMBS_FEW ? 2 : 1; }

/* Apply the first write of the log. @return 0; -ENOMEM */
static int log_step(struct kv *kv, uint32_t *done)
{
	struct kv_block *block = kv->log;
	struct logged *logged = logged_at(block);
	const struct kv_ring_write *write = (const struct kv_ring_write *)logged->msg;
	uint64_t revision = kv->state.revision, bytes_max = kv->bytes_max, ignored;

	kv->state.revision = logged->revision;
	kv->bytes_max = logged->bytes_max;

	bool is_done = kv_apply(kv, write, &ignored) != 0;

	kv->state.revision = revision;
	kv->bytes_max = bytes_max;
	if (!is_done)
		return -ENOMEM;
	kv->progress.cursor = logged->revision;
	kv->log_from = logged->revision;
	*done += work_of_entry(kv) + (logged->size >> 12);
	block->at += logged_size(logged->size);
	if (block->at == block->used) {
		kv->log_bytes -= block->size;
		block_drop(kv, &kv->log);
	}
	return 0;
}

/* ---- Parts --------------------------------------------------------------- */

const uint8_t *kv_item_read(const uint8_t *at, const uint8_t *end, struct kv_ring_item *item)
{
	if ((size_t)(end - at) < sizeof(*item))
		return NULL;
	memcpy(item, at, sizeof(*item));
	item->created = le64toh(item->created);
	item->modified = le64toh(item->modified);
	item->op = le32toh(item->op);
	item->key_size = le32toh(item->key_size);
	item->value_size = le32toh(item->value_size);
	at += sizeof(*item);
	if ((item->op != KV_OP_PUT && (item->op != KV_OP_DELETE || item->value_size != 0)) ||
		(item->op == KV_OP_PUT) != (item->created != 0) || item->created > item->modified || item->pad != 0 ||
		item->key_size < 1 || item->key_size > KV_KEY_MAX || item->value_size > KV_VALUE_MAX ||
		(size_t)(end - at) < item->key_size + item->value_size)
		return NULL;
	return at;
}

/* Return whether the table ends with this part, and the log has all writes since then. */
static bool is_end(const struct kv *kv, const struct kv_block *part)
{
	const struct kv_ring_chunk *chunk = (const struct kv_ring_chunk *)part->bytes;

	/* After a gap in the log, wait for a chunk that the donor made after the gap. */
	return (le32toh(chunk->flags) & KV_CHUNK_LAST) != 0 && kv->log_from <= le64toh(chunk->base);
}

static void part_end(struct kv *kv)
{
	if (kv->progress.cursor < kv->parts->last)
		kv->progress.cursor = kv->parts->last;
	kv->is_catching_up = is_end(kv, kv->parts);
	do {
		kv->parts_bytes -= kv->parts->size;
		block_drop(kv, &kv->parts);
	} while (kv->is_catching_up && kv->parts != NULL);
}

/* Write one entry of the first part, or finish the part if it has no more. @return 0; -ENOMEM */
static int part_step(struct kv *kv, uint32_t *done)
{
	struct kv_block *part = kv->parts;
	const uint8_t *begin = (const uint8_t *)part->bytes;
	struct kv_ring_item item;
	int rc = 0;

	*done += work_of_entry(kv);
	if (part->left == 0) {
		part_end(kv);
		return 0;
	}

	const uint8_t *at = kv_item_read(begin + part->at, begin + part->used, &item);

	if (item.modified <= kv->progress.cursor)
		rc = 0; /* an earlier donor has sent this entry */
	else if (item.op == KV_OP_DELETE)
		rc = kv_store_delete(&kv->store, at, item.key_size, item.modified, true);
	else
		rc = kv_store_put(&kv->store, at, item.key_size, at + item.key_size, item.value_size, item.modified,
			item.created);
	if (rc < 0)
		return rc;
	if (kv->progress.cursor < item.modified)
		kv->progress.cursor = item.modified;
	part->at = (uint32_t)(at - begin) + item.key_size + item.value_size;
	part->left--;
	*done += item.value_size >> 12;
	return 0;
}

/* ---- Turns --------------------------------------------------------------- */

static void complete(struct kv *kv)
{
	kv->has_state = true;
	kv_log_clear(kv, UINT64_MAX);
	kv->host->log(kv->ctx, LOG_NOTICE, "the table is whole: %llu keys, revision %llu",
		(unsigned long long)kv->store.keys, (unsigned long long)kv->state.revision);
	kv_watch_replaced(kv);
}

static void on_turn(void *arg);

/* Start the timer for the next turn. If that fails, the next chunk continues the work. */
static void turn_later(struct kv *kv)
{
	if (kv->takeover_timer == NULL &&
		kv->host->timer_add(kv->ctx, kv->host->now_ns(kv->ctx) + TURN_NS, on_turn, kv, &kv->takeover_timer) < 0)
		kv->takeover_timer = NULL;
}

/*
 * Apply up to `work` entries of the received table. The state may be complete then. @return 1: entries are left; 0: none;
 * -ENOMEM
 */
static int apply_some(struct kv *kv, uint32_t work)
{
	uint32_t done = 0;
	int rc = 0;

	while (rc == 0 && done < work) {
		if (kv->parts != NULL)
			rc = part_step(kv, &done);
		else if (kv->is_catching_up && kv->log != NULL)
			rc = log_step(kv, &done);
		else
			break;
	}
	if (rc < 0)
		return rc;
	if (kv->is_catching_up && kv->log == NULL)
		complete(kv);
	return kv->parts != NULL || kv->is_catching_up ? 1 : 0;
}

/*
 * Apply up to `work` entries. In a transitional configuration, and from a synchronisation until the ring has a table,
 * nothing is applied here, since this node announces how much of the table it has.
 */
static void advance(struct kv *kv, uint32_t work)
{
	if (kv->is_transitional || kv->is_syncing || !kv->has_formed || kv->has_state)
		return;

	int rc = apply_some(kv, work);

	if (rc < 0)
		kv_lose(kv, "out of memory");
	else if (rc > 0)
		turn_later(kv);
	if (rc < 0 || !kv->has_state)
		return;
	kv->needs_standing = true;
	kv_notice(kv);
}

/* ---- The end of a takeover without donor ---------------------------------- */

static bool is_received(const struct kv *kv)
{
	bool has_end = kv->is_catching_up;

	for (const struct kv_block *part = kv->parts; part != NULL; part = part->next)
		has_end = has_end || is_end(kv, part);
	return has_end && kv->parts_bytes + kv->log_bytes <= FINISH_BYTES_MAX;
}

static void finish_later(struct kv *kv)
{
	turn_later(kv);
	kv->is_finishing = kv->takeover_timer != NULL;
}

/* The synchronisation goes on when all is written. If memory is missing, this node announces itself without a table. */
static void finish_some(struct kv *kv)
{
	int rc = apply_some(kv, TURN_WORK);

	kv->is_finishing = false;
	if (rc > 0)
		finish_later(kv);
	if (rc < 0) {
		kv->host->log(kv->ctx, LOG_ERR, "out of memory: the table that this node has received is dropped");
		kv_restart(kv);
	}
}

void kv_takeover_finish(struct kv *kv)
{
	kv->is_finishing = false;
	if (is_received(kv))
		finish_later(kv);
}

static void on_turn(void *arg)
{
	struct kv *kv = arg;

	kv->takeover_timer = NULL;
	if (kv->is_finishing)
		finish_some(kv);
	else
		advance(kv, TURN_WORK);
}

void kv_log_write(struct kv *kv, const struct kv_ring_write *write, uint32_t size)
{
	uint32_t length = logged_size(size);
	struct kv_block *block = log_block(kv, length);

	/*
	 * The next chunks can fill a gap in the log. But while the log is being written, chunks are dropped that all
	 * other members count.
	 */
	if (block == NULL) {
		if (kv->is_catching_up)
			kv_lose(kv, "more writes come than can be logged");
		else
			kv_log_clear(kv, kv->state.revision);
		return;
	}

	struct logged *logged = (struct logged *)((uint8_t *)block->bytes + block->used);

	*logged = (struct logged){.revision = kv->state.revision, .bytes_max = kv->bytes_max, .size = size};
	memcpy(logged->msg, write, size);
	block->last = kv->state.revision;
	block->used += length;
	if (kv->is_catching_up)
		advance(kv, WRITE_WORK * work_of_entry(kv));
}

/* Return the revision that the store will have reached when all waiting parts are written. */
static uint64_t end_of_parts(const struct kv *kv)
{
	return kv->parts != NULL && kv->parts_last->last > kv->progress.cursor ? kv->parts_last->last
									       : kv->progress.cursor;
}

/*
 * Return whether this node would hold more than it takes over of any donor. Then it begins again: it then needs none of
 * the deletions so far.
 */
static bool is_too_large(const struct kv *kv, uint32_t size)
{
	return kv->parts_bytes + kv->store.bytes + kv->store.tomb_bytes + size >
	       TABLE_FACTOR * kv->option_bytes_max + TOMB_BYTES_MAX;
}

void kv_takeover_chunk(struct kv *kv, const struct kv_ring_chunk *chunk, uint32_t size)
{
	struct kv_block *part;

	if (!kv->is_catching_up && end_of_parts(kv) >= le64toh(chunk->from)) {
		if (is_too_large(kv, size)) {
			kv_lose(kv, "the donor sends more than four times this node's bytes_max");
			return;
		}
		part = block_create(size);
		if (part == NULL) {
			kv_lose(kv, "out of memory");
			return;
		}
		memcpy(part->bytes, chunk, size);
		part->used = size;
		part->at = sizeof(*chunk);
		part->left = le32toh(chunk->count);
		part->last = le64toh(chunk->to);
		*(kv->parts == NULL ? &kv->parts : &kv->parts_last->next) = part;
		kv->parts_last = part;
		kv->parts_bytes += size;
		kv_log_clear(kv, le64toh(chunk->base));
		if (kv->progress.started > le64toh(chunk->base))
			kv->progress.started = le64toh(chunk->base);
	}
	advance(kv, TURN_WORK);
}

void kv_takeover_stop(struct kv *kv)
{
	kv->host->timer_del(kv->ctx, kv->takeover_timer);
	kv->takeover_timer = NULL;
	kv->is_catching_up = false;
	while (kv->parts != NULL)
		block_drop(kv, &kv->parts);
	kv->parts_bytes = 0;
}
