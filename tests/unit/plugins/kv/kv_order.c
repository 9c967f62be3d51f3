/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/plugins/kv/kv_order.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 8u

enum {
	KV_ANSWER_EXIST = 14,
	KV_ANSWER_FAILED = 21,
};

/** A key of the table. modified 0: the key does not exist. */
struct entry {
	uint64_t modified, value;
};

/** The table as it is after some operations of the order. */
struct table {
	uint64_t revision;
	struct entry keys[KEYS];
};

/** One operation of the order, as the search places it. */
struct placed {
	uint32_t operation; /* UINT32_MAX: a reset */
	struct table before;
};

struct search {
	const struct kv_history *history;
	const struct kv_reset *resets;
	uint32_t reset_count;
	uint32_t *open; /* operations without a place so far, sorted by their start; open_count of them */
	uint32_t open_count;
	/* Open operations whose answer has a revision, sorted by it; acknowledged_count of them. */
	uint32_t *acknowledged;
	uint32_t acknowledged_count;
	bool *is_placed; /* by number of the operation: it has a place in the order */
	bool *is_reset;  /* by number of the reset: it has a place in the order */
	uint64_t *marks; /* by number of the operation: a random mark */
	struct placed *order;
	uint32_t order_count, deepest;
	uint64_t steps_left, set; /* set: hash of the set of placed operations, the exclusive or of their marks */
	uint64_t *seen;           /* hash table of states: open addressing, seen_size is a power of 2 */
	uint64_t seen_size, seen_count;
	uint32_t stuck; /* operation that could not be placed behind the longest order */
};

/* ---- What is known of operations ------------------------------------------ */

static bool is_write(const struct kv_operation *operation) { return operation->kind != KV_HISTORY_READ; }

/* Return whether the operation was certainly done, at some place of the order. */
static bool is_done(const struct kv_operation *operation)
{
	switch (operation->error) {
	case KV_HISTORY_OK:
	case KV_HISTORY_NOT_EXIST:
		return true;
	case KV_ANSWER_EXIST:
	case KV_ANSWER_FAILED:
		return is_write(operation);
	default:
		return false;
	}
}

static bool may_be_done(const struct kv_operation *operation)
{
	return is_write(operation) &&
	       (operation->error == KV_HISTORY_UNKNOWN || operation->error == KV_HISTORY_INTERRUPT);
}

/* Return whether the answer has the revision that is the operation's place. */
static bool has_revision(const struct kv_operation *operation)
{
	return is_write(operation) && operation->error == KV_HISTORY_OK;
}

static uint64_t end_of(const struct kv_operation *operation)
{
	return is_done(operation) ? operation->end_ns : UINT64_MAX;
}

/* ---- The table ----------------------------------------------------------- */

static int32_t outcome(const struct table *table, const struct kv_operation *write)
{
	const struct entry *entry = &table->keys[write->key];

	if (!write->is_conditional)
		return entry->modified == 0 && write->kind == KV_HISTORY_DELETE ? KV_HISTORY_NOT_EXIST : KV_HISTORY_OK;
	if (entry->modified == 0)
		return write->expected == 0 && write->kind == KV_HISTORY_PUT ? KV_HISTORY_OK : KV_HISTORY_NOT_EXIST;
	if (write->expected == 0)
		return KV_ANSWER_EXIST;
	return write->expected == entry->modified ? KV_HISTORY_OK : KV_ANSWER_FAILED;
}

/* Apply an operation to the table. @return false: the table would have given another answer */
static bool apply(struct table *table, const struct kv_operation *operation)
{
	struct entry *entry = &table->keys[operation->key];

	if (!is_write(operation)) {
		bool is_there = operation->error == KV_HISTORY_OK;

		return operation->revision == table->revision && is_there == (entry->modified != 0) &&
		       (!is_there || (operation->value == entry->value && operation->modified == entry->modified));
	}
	int32_t error = outcome(table, operation);
	uint64_t revision = error == KV_HISTORY_OK ? table->revision + 1 : entry->modified;

	if (is_done(operation) && (error != operation->error || revision != operation->revision))
		return false;
	table->revision++;
	if (error == KV_HISTORY_OK && operation->kind == KV_HISTORY_PUT)
		*entry = (struct entry){.modified = table->revision, .value = operation->value};
	else if (error == KV_HISTORY_OK)
		*entry = (struct entry){.modified = 0};
	return true;
}

/* ---- States of the search that led to no order ---------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct search *search, const struct table *table)
{
	uint64_t hash = mix(search->set, table->revision);

	for (uint32_t i = 0; i < KEYS; i++)
		hash = mix(mix(hash, table->keys[i].modified), table->keys[i].value);
	for (uint32_t i = 0; i < search->reset_count; i++)
		hash = mix(hash, search->is_reset[i]);
	/*
	 * If a reset may still bring back an older table, the state depends on the order so far, not only on the set.
	 */
	for (uint32_t i = 0; search->reset_count > 0 && i < search->order_count; i++)
		hash = mix(hash, search->order[i].operation);
	return hash | 1;
}

static bool seen_add(struct search *search, uint64_t hash);

static void seen_grow(struct search *search)
{
	uint64_t *old = search->seen, old_size = search->seen_size;

	search->seen_size = old_size == 0 ? 1024 : 2 * old_size;
	search->seen = calloc(search->seen_size, sizeof(*search->seen));
	if (search->seen == NULL)
		abort();
	search->seen_count = 0;
	for (uint64_t i = 0; i < old_size; i++)
		if (old[i] != 0)
			seen_add(search, old[i]);
	free(old);
}

/* Add the hash of a state. @return false: the search has had this state before */
static bool seen_add(struct search *search, uint64_t hash)
{
	if (2 * search->seen_count >= search->seen_size)
		seen_grow(search);
	uint64_t at = hash & (search->seen_size - 1);

	while (search->seen[at] != 0 && search->seen[at] != hash)
		at = (at + 1) & (search->seen_size - 1);
	if (search->seen[at] == hash)
		return false;
	search->seen[at] = hash;
	search->seen_count++;
	return true;
}

/* ---- The search ----------------------------------------------------------- */

static const struct kv_operation *at(const struct search *search, uint32_t i)
{
	return &search->history->list[search->open[i]];
}

/* Return the time of the first answer to an operation that was certainly done and has no place yet. */
static uint64_t first_answer(const struct search *search)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < search->open_count; i++) {
		const struct kv_operation *operation = at(search, i);

		if (operation->start_ns > first)
			break;
		if (!search->is_placed[search->open[i]] && end_of(operation) < first)
			first = end_of(operation);
	}
	return first;
}

static bool try_operation(struct search *search, struct table *table, uint32_t number)
{
	struct table before = *table;

	if (!apply(table, &search->history->list[number])) {
		*table = before;
		return false;
	}
	search->is_placed[number] = true;
	search->set ^= search->marks[number];
	search->order[search->order_count++] = (struct placed){.operation = number, .before = before};
	return true;
}

static void undo(struct search *search, struct table *table)
{
	const struct placed *last = &search->order[--search->order_count];

	*table = last->before;
	if (last->operation != UINT32_MAX) {
		search->is_placed[last->operation] = false;
		search->set ^= search->marks[last->operation];
	}
}

/* Place all reads that fit here. A read changes nothing, so placing it as early as possible loses no order. */
static void place_reads(struct search *search, struct table *table)
{
	uint64_t first = first_answer(search);
	bool has_changed = true;

	while (has_changed) {
		has_changed = false;
		for (uint32_t i = 0; i < search->open_count && at(search, i)->start_ns <= first; i++)
			if (!search->is_placed[search->open[i]] && !is_write(at(search, i)) &&
				try_operation(search, table, search->open[i]))
				has_changed = true;
		if (has_changed)
			first = first_answer(search);
	}
}

static bool go_on(struct search *search, struct table *table);

/* Place an operation next and continue the search. @return whether that leads to an order of all operations */
static bool follow(struct search *search, struct table *table, uint32_t number)
{
	if (!try_operation(search, table, number))
		return false;
	if (go_on(search, table))
		return true;
	undo(search, table);
	return false;
}

/* Find the last state in the order in which the table had this revision. */
static bool find_table(const struct search *search, uint64_t revision, struct table *table)
{
	if (revision == 0) {
		*table = (struct table){.revision = 0};
		return true;
	}
	for (uint32_t i = search->order_count; i > 0; i--)
		if (search->order[i - 1].before.revision == revision) {
			*table = search->order[i - 1].before;
			return true;
		}
	return false;
}

static bool try_reset(struct search *search, struct table *table, uint32_t number, uint64_t revision)
{
	struct table before = *table;

	if (revision >= before.revision || !find_table(search, revision, table))
		return false;
	search->is_reset[number] = true;
	search->order[search->order_count++] = (struct placed){.operation = UINT32_MAX, .before = before};
	if (go_on(search, table))
		return true;
	undo(search, table);
	search->is_reset[number] = false;
	return false;
}

static bool follow_resets(struct search *search, struct table *table, uint64_t first)
{
	for (uint32_t i = 0; i < search->reset_count; i++) {
		const struct kv_reset *reset = &search->resets[i];

		if (search->is_reset[i] || reset->start_ns > first)
			continue;
		if (reset->revision != UINT64_MAX && try_reset(search, table, i, reset->revision))
			return true;
		for (uint64_t to = table->revision; reset->revision == UINT64_MAX && to > 0; to--)
			if (try_reset(search, table, i, to - 1))
				return true;
	}
	return false;
}

static bool has_reset(const struct search *search)
{
	for (uint32_t i = 0; i < search->reset_count; i++)
		if (!search->is_reset[i])
			return true;
	return false;
}

/*
 * Return the place in `acknowledged` of the first write with this revision, or of one with a higher revision.
 */
static uint32_t first_claimant(const struct search *search, uint64_t revision)
{
	uint32_t low = 0, high = search->acknowledged_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (search->history->list[search->acknowledged[middle]].revision < revision)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Place an acknowledged write whose answer has the next revision. No other write can have it, except that after a reset
 * revisions are used again. is_claimed: there is such a write without a place, now or later
 */
static bool follow_claimants(struct search *search, struct table *table, uint64_t first, bool *is_claimed)
{
	uint64_t revision = table->revision + 1;

	*is_claimed = false;
	for (uint32_t i = first_claimant(search, revision); i < search->acknowledged_count; i++) {
		uint32_t number = search->acknowledged[i];

		if (search->history->list[number].revision != revision)
			break;
		if (search->is_placed[number])
			continue;
		*is_claimed = true;
		if (search->history->list[number].start_ns <= first && follow(search, table, number))
			return true;
	}
	return false;
}

static void note_deepest(struct search *search, uint64_t first)
{
	if (search->order_count < search->deepest)
		return;
	search->deepest = search->order_count;
	for (uint32_t i = 0; i < search->open_count; i++)
		if (!search->is_placed[search->open[i]] && end_of(at(search, i)) == first)
			search->stuck = search->open[i];
}

static bool follow_writes(struct search *search, struct table *table, uint64_t first)
{
	bool is_claimed;

	if (follow_claimants(search, table, first, &is_claimed))
		return true;
	if (is_claimed && !has_reset(search))
		return false;
	for (uint32_t i = 0; i < search->open_count && at(search, i)->start_ns <= first; i++) {
		uint32_t number = search->open[i];

		if (!search->is_placed[number] && is_write(at(search, i)) && !has_revision(at(search, i)) &&
			follow(search, table, number))
			return true;
	}
	return follow_resets(search, table, first);
}

static bool go_on(struct search *search, struct table *table)
{
	uint32_t before = search->order_count;

	if (search->steps_left == 0)
		return false;
	search->steps_left--;
	place_reads(search, table);
	uint64_t first = first_answer(search);

	if (first == UINT64_MAX)
		return true; /* all operations that were certainly done have a place */
	note_deepest(search, first);
	if (seen_add(search, hash_of(search, table)) && follow_writes(search, table, first))
		return true;
	while (search->order_count > before)
		undo(search, table);
	return false;
}

/* ---- Begin and end -------------------------------------------------------- */

static int by_start(const void *left, const void *right, void *arg)
{
	const struct kv_history *history = arg;
	const struct kv_operation *a = &history->list[*(const uint32_t *)left];
	const struct kv_operation *b = &history->list[*(const uint32_t *)right];

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static int by_revision(const void *left, const void *right, void *arg)
{
	const struct kv_history *history = arg;
	const struct kv_operation *a = &history->list[*(const uint32_t *)left];
	const struct kv_operation *b = &history->list[*(const uint32_t *)right];

	return (a->revision > b->revision) - (a->revision < b->revision);
}

static void *allocate(uint64_t count, size_t size)
{
	void *memory = calloc(count + 1, size);

	if (memory == NULL)
		abort();
	return memory;
}

static void search_init(struct search *search)
{
	const struct kv_history *history = search->history;
	uint64_t mark = 1;

	search->open = allocate(history->count, sizeof(*search->open));
	search->acknowledged = allocate(history->count, sizeof(*search->acknowledged));
	search->is_placed = allocate(history->count, sizeof(*search->is_placed));
	search->is_reset = allocate(search->reset_count, sizeof(*search->is_reset));
	search->marks = allocate(history->count, sizeof(*search->marks));
	search->order = allocate((uint64_t)history->count + search->reset_count, sizeof(*search->order));
	for (uint32_t i = 0; i < history->count; i++) {
		const struct kv_operation *operation = &history->list[i];

		search->marks[i] = mark = mix(mark, i + 1);
		if (is_done(operation) || may_be_done(operation))
			search->open[search->open_count++] = i;
		if (has_revision(operation))
			search->acknowledged[search->acknowledged_count++] = i;
	}
	qsort_r(search->open, search->open_count, sizeof(*search->open), by_start, (void *)(uintptr_t)history);
	qsort_r(search->acknowledged, search->acknowledged_count, sizeof(*search->acknowledged), by_revision,
		(void *)(uintptr_t)history);
}

static void search_fini(struct search *search)
{
	free(search->open);
	free(search->acknowledged);
	free(search->is_placed);
	free(search->is_reset);
	free(search->marks);
	free(search->order);
	free(search->seen);
}

static void report(const struct search *search, FILE *out)
{
	static const char *const kinds[] = {"put", "delete", "read"};
	const struct kv_operation *operation = &search->history->list[search->stuck];

	fprintf(out,
		"behind %u of %u operations there is no place for the %s of key %u, %" PRIu64 " .. %" PRIu64
		" us, error %d, revision %" PRIu64 ", value %" PRIu64 ", modified %" PRIu64 ", expected %" PRIu64 "\n",
		search->deepest, search->open_count, kinds[operation->kind], operation->key, operation->start_ns / 1000,
		operation->end_ns / 1000, operation->error, operation->revision, operation->value, operation->modified,
		operation->expected);
}

enum kv_verdict kv_order_check(
	const struct kv_history *history, const struct kv_reset *resets, uint32_t count, uint64_t steps_max, FILE *out)
{
	struct search search = {.history = history, .resets = resets, .reset_count = count, .steps_left = steps_max};
	struct table table = {.revision = 0};
	enum kv_verdict verdict = KV_ORDERED;

	search_init(&search);
	if (!go_on(&search, &table)) {
		verdict = search.steps_left == 0 ? KV_UNDECIDED : KV_UNORDERED;
		report(&search, out);
	}
	search_fini(&search);
	return verdict;
}
