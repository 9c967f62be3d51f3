/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/plugins/kv/kv_history.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

uint32_t kv_history_begin(struct kv_history *history, const struct kv_operation *operation)
{
	if (history->count == history->capacity) {
		history->capacity = history->capacity == 0 ? 1024 : 2 * history->capacity;
		history->list = realloc(history->list, history->capacity * sizeof(*history->list));
		if (history->list == NULL)
			abort();
	}
	history->list[history->count] = *operation;
	return history->count++;
}

void kv_history_free(struct kv_history *history)
{
	free(history->list);
	*history = (struct kv_history){0};
}

/* ---- Results of operations ----------------------------------------------- */

static bool is_write(const struct kv_operation *operation) { return operation->kind != KV_HISTORY_READ; }

/* Return whether the operation's place in the order is known from its answer. */
static bool has_place(const struct kv_operation *operation)
{
	if (is_write(operation))
		return operation->error == KV_HISTORY_OK;
	return operation->error == KV_HISTORY_OK || operation->error == KV_HISTORY_NOT_EXIST;
}

/* Return whether this is a write that has no clear answer, so that it may or may not have been done. */
static bool is_doubtful(const struct kv_operation *operation)
{
	return is_write(operation) &&
	       (operation->error == KV_HISTORY_UNKNOWN || operation->error == KV_HISTORY_INTERRUPT);
}

static uint32_t complain(FILE *out, const struct kv_operation *operation, const char *what)
{
	static const char *const kinds[] = {"put", "delete", "read"};

	fprintf(out,
		"%s of key %u, %" PRIu64 " .. %" PRIu64 " us, error %d, revision %" PRIu64 ", value %" PRIu64
		", modified %" PRIu64 ", expected %" PRIu64 ": %s\n",
		kinds[operation->kind], operation->key, operation->start_ns / 1000, operation->end_ns / 1000,
		operation->error, operation->revision, operation->value, operation->modified, operation->expected,
		what);
	return 1;
}

/* ---- Order and time ------------------------------------------------------ */

/*
 * An element of a list that is sorted by the time of the answers: an operation with a known place, and the operation
 * with the highest revision so far.
 */
struct ended {
	const struct kv_operation *operation, *highest;
};

/* Writes whose place is known, sorted by key and revision. */
struct index {
	const struct kv_history *history;
	struct ended *ended;
	const struct kv_operation **writes;
	const struct kv_operation **values; /* writes, sorted by the value that they write */
	uint32_t ended_count, write_count;
	uint64_t value_count;
};

static int compare_ended(const void *left, const void *right)
{
	const struct kv_operation *a = ((const struct ended *)left)->operation;
	const struct kv_operation *b = ((const struct ended *)right)->operation;

	return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

static int compare_writes(const void *left, const void *right)
{
	const struct kv_operation *a = *(const struct kv_operation *const *)left;
	const struct kv_operation *b = *(const struct kv_operation *const *)right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->revision > b->revision) - (a->revision < b->revision);
}

static void *allocate(uint64_t count, size_t size)
{
	void *memory = calloc(count + 1, size);

	if (memory == NULL)
		abort();
	return memory;
}

static void index_init(struct index *index, const struct kv_history *history)
{
	*index = (struct index){.history = history};
	index->ended = allocate(history->count, sizeof(*index->ended));
	index->writes = allocate(history->count, sizeof(*index->writes));
	for (uint32_t i = 0; i < history->count; i++) {
		const struct kv_operation *operation = &history->list[i];

		if (operation->kind == KV_HISTORY_PUT && operation->value >= index->value_count)
			index->value_count = operation->value + 1;
		if (!has_place(operation))
			continue;
		index->ended[index->ended_count++].operation = operation;
		if (is_write(operation))
			index->writes[index->write_count++] = operation;
	}
	index->values = allocate(index->value_count, sizeof(*index->values));
	for (uint32_t i = 0; i < history->count; i++) {
		if (history->list[i].kind == KV_HISTORY_PUT)
			index->values[history->list[i].value] = &history->list[i];
	}
	qsort(index->ended, index->ended_count, sizeof(*index->ended), compare_ended);
	qsort(index->writes, index->write_count, sizeof(*index->writes), compare_writes);
	for (uint32_t i = 0; i < index->ended_count; i++) {
		const struct kv_operation *highest = i == 0 ? NULL : index->ended[i - 1].highest;
		const struct kv_operation *own = index->ended[i].operation;

		index->ended[i].highest = highest == NULL || own->revision > highest->revision ? own : highest;
	}
}

static void index_fini(struct index *index)
{
	free(index->ended);
	free(index->writes);
	free(index->values);
}

static uint32_t check_time(const struct index *index, const struct kv_operation *later, FILE *out)
{
	uint32_t low = 0, high = index->ended_count;

	while (low < high) { /* how many operations were answered before this one was sent */
		uint32_t middle = low + (high - low) / 2;

		if (index->ended[middle].operation->end_ns < later->start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return 0;

	const struct kv_operation *earlier = index->ended[low - 1].highest;

	if (later->revision > earlier->revision || (!is_write(later) && later->revision == earlier->revision))
		return 0;
	complain(out, earlier, "was answered before");
	return complain(out, later, "was asked, and stands in front of it");
}

static int compare_places(const void *left, const void *right)
{
	const struct kv_operation *a = *(const struct kv_operation *const *)left;
	const struct kv_operation *b = *(const struct kv_operation *const *)right;

	return (a->revision > b->revision) - (a->revision < b->revision);
}

/* Check that no two writes have the same place. */
static uint32_t check_places(const struct index *index, FILE *out)
{
	const struct kv_operation **writes = allocate(index->write_count, sizeof(*writes));
	uint32_t wrong = 0;

	memcpy(writes, index->writes, index->write_count * sizeof(*writes));
	qsort(writes, index->write_count, sizeof(*writes), compare_places);
	for (uint32_t i = 1; i < index->write_count && wrong < 10; i++) {
		if (writes[i]->revision == writes[i - 1]->revision) {
			complain(out, writes[i - 1], "has the same place as");
			wrong += complain(out, writes[i], "this");
		}
	}
	free(writes);
	return wrong;
}

/* Return the index of the key's first write at or above a revision, or where it would be inserted. */
static uint32_t write_place(const struct index *index, uint32_t key, uint64_t revision)
{
	const struct kv_operation wanted = {.key = key, .revision = revision}, *at = &wanted;
	uint32_t low = 0, high = index->write_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_writes(&index->writes[middle], &at) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- Values -------------------------------------------------------------- */

/* Return an acknowledged write of the key between two revisions, both excluded; NULL: none. */
static const struct kv_operation *write_between(const struct index *index, uint32_t key, uint64_t from, uint64_t to)
{
	uint32_t place = write_place(index, key, from + 1);

	if (place == index->write_count || index->writes[place]->key != key || index->writes[place]->revision >= to)
		return NULL;
	return index->writes[place];
}

static const struct kv_operation *writer_of(const struct index *index, uint64_t value)
{
	return value < index->value_count ? index->values[value] : NULL;
}

static uint32_t check_value(const struct index *index, const struct kv_operation *read, FILE *out)
{
	const struct kv_operation *write = writer_of(index, read->value);

	if (write == NULL || write->key != read->key)
		return complain(out, read, "nobody has written that");
	if (!has_place(write) && !is_doubtful(write)) {
		complain(out, write, "was refused");
		return complain(out, read, "and was read");
	}
	if (write->start_ns > read->end_ns || (has_place(write) && write->revision != read->modified)) {
		complain(out, write, "does not fit");
		return complain(out, read, "what was read");
	}

	const struct kv_operation *between = write_between(index, read->key, read->modified, read->revision + 1);

	if (between != NULL) {
		complain(out, between, "was overlooked by");
		return complain(out, read, "this");
	}
	return 0;
}

/*
 * Check a read that found no key: the last acknowledged write before it must be a deletion, or a deletion without an
 * answer may have been done after it.
 */
static uint32_t check_absence(const struct index *index, const struct kv_operation *read, FILE *out)
{
	const struct kv_history *history = index->history;
	uint32_t place = write_place(index, read->key, read->revision + 1);
	const struct kv_operation *last = place > 0 && index->writes[place - 1]->key == read->key
						  ? index->writes[place - 1]
						  : NULL;

	if (last == NULL || last->kind == KV_HISTORY_DELETE)
		return 0;
	for (uint32_t i = 0; i < history->count; i++) {
		const struct kv_operation *write = &history->list[i];

		if (write->kind == KV_HISTORY_DELETE && is_doubtful(write) && write->key == read->key &&
			write->start_ns < read->end_ns)
			return 0;
	}
	complain(out, last, "is gone for");
	return complain(out, read, "this");
}

static uint32_t check_condition(const struct index *index, const struct kv_operation *write, FILE *out)
{
	const struct kv_operation *between;

	/*
	 * If the condition is that the key does not exist (expected 0), an unanswered deletion may have removed it. The
	 * checks of reads cover that case.
	 */
	if (write->expected == 0)
		return 0;
	between = write_between(index, write->key, write->expected, write->revision);
	if (between == NULL)
		return 0;
	complain(out, between, "came in between, and yet this was done:");
	return complain(out, write, "");
}

uint32_t kv_history_check(const struct kv_history *history, FILE *out)
{
	struct index index;

	index_init(&index, history);

	uint32_t wrong = check_places(&index, out);

	for (uint32_t i = 0; i < history->count && wrong < 10; i++) {
		const struct kv_operation *operation = &history->list[i];

		if (!has_place(operation))
			continue;
		wrong += check_time(&index, operation, out);
		if (operation->is_conditional)
			wrong += check_condition(&index, operation, out);
		if (operation->kind == KV_HISTORY_READ)
			wrong += operation->error == KV_HISTORY_OK ? check_value(&index, operation, out)
								   : check_absence(&index, operation, out);
	}
	index_fini(&index);
	return wrong;
}
