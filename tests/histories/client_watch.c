/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches of kv: on each node a client watches all keys of the table. Its check:
 *
 * - Revisions grow. A watch that has missed changes is told so, with a revision that is not lower.
 * - All watches are told the same change for a revision, and it is the one that was answered with that revision.
 * - A watch is told each change that another client knows, or that it has missed some.
 *
 * A table that was lost begins again with a lower revision (client_kv.c), and a ring with a node like one of Corosync may lose
 * writes. Then nothing is checked.
 */
#include <stdlib.h>
#include <string.h>

#include "plugins/kv/kv.h"
#include "tests/histories/client_watch.h"
#include "tests/histories/play.h"

#define ACK_BYTES 512u /* acknowledge so many bytes of events at once */

/** Revisions between two events of a watch: none of them is a change. */
struct gap {
	uint64_t from, end; /* from the first one to the one before `end` */
};

struct watcher {
	struct watches *watches;
	struct testkit_client *connection; /* NULL: none */
	uint32_t node;
	bool is_asked, is_begun;
	uint64_t last; /* the last revision that it knows */
	uint64_t unacknowledged;
	struct gap *gaps; /* gap_count; owned */
	uint32_t gap_count, gap_capacity;
};

struct watches {
	struct play *play;
	struct watcher list[HISTORY_NODES_MAX];
};

/* ---- Changes ------------------------------------------------------------- */

static bool is_same(const struct play_change *a, const struct play_change *b)
{
	return a->op == b->op && a->key == b->key && a->value == b->value;
}

/* Return whether the watches are checked: no table was lost, and no node is like one of Corosync. */
static bool is_checked(const struct play *play) { return play->tables_lost == 0 && !play_has_plain(play); }

void play_change_note(struct play *play, uint64_t revision, struct play_change change, const char *who)
{
	struct play_changes *changes = &play->changes;

	if (!is_checked(play))
		return;
	if (revision >= changes->capacity) {
		uint64_t capacity = revision * 2 + 64;

		changes->list = realloc(changes->list, capacity * sizeof(*changes->list));
		if (changes->list == NULL)
			abort();
		memset(changes->list + changes->capacity, 0, (capacity - changes->capacity) * sizeof(*changes->list));
		changes->capacity = capacity;
	}
	struct play_change *known = &changes->list[revision];

	if (known->op == 0)
		*known = change;
	else if (!is_same(known, &change))
		play_break(play,
			"watch: %s: revision %ju is change %u of key %u to %ju, and for another client %u of %u to %ju",
			who, (uintmax_t)revision, change.op, change.key, (uintmax_t)change.value, known->op, known->key,
			(uintmax_t)known->value);
}

static void add_gap(struct watcher *watcher, uint64_t end)
{
	if (watcher->last + 1 >= end)
		return;
	if (watcher->gap_count == watcher->gap_capacity) {
		watcher->gap_capacity = watcher->gap_capacity * 2 + 16;
		watcher->gaps = realloc(watcher->gaps, watcher->gap_capacity * sizeof(*watcher->gaps));
		if (watcher->gaps == NULL)
			abort();
	}
	watcher->gaps[watcher->gap_count++] = (struct gap){.from = watcher->last + 1, .end = end};
}

static void on_change(struct watcher *watcher, const struct kv_event_change *event)
{
	struct play *play = watcher->watches->play;
	struct play_change change = {.op = event->op, .key = (uint32_t)event->bytes[1] - '0'};
	char who[32];

	if (event->value_size == sizeof(change.value))
		memcpy(&change.value, event->bytes + event->key_size, sizeof(change.value));
	if (event->revision <= watcher->last && is_checked(play))
		play_break(play, "watch: node %u is told revision %ju behind %ju", watcher->node,
			(uintmax_t)event->revision, (uintmax_t)watcher->last);
	add_gap(watcher, event->revision);
	watcher->last = event->revision;
	play->counts.watched++;
	snprintf(who, sizeof(who), "node %u", watcher->node);
	play_change_note(play, event->revision, change, who);
}

static void on_missed(struct watcher *watcher, const struct kv_event_missed *event)
{
	struct play *play = watcher->watches->play;

	if (event->revision < watcher->last && is_checked(play))
		play_break(play, "watch: node %u has missed changes up to revision %ju, and knows %ju", watcher->node,
			(uintmax_t)event->revision, (uintmax_t)watcher->last);
	watcher->last = event->revision;
	play->counts.watched++;
}

static void on_message(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *message)
{
	struct watcher *watcher = arg;
	const void *bytes = message;

	(void)connection;
	if (!is_event) {
		watcher->is_begun = message->error == KV_OK;
		watcher->is_asked = watcher->is_begun;
		if (watcher->is_begun)
			watcher->last = ((const struct kv_res_watch *)bytes)->revision;
		return;
	}
	watcher->unacknowledged += (uint64_t)message->size;
	if (message->id == KV_EVENT_CHANGE)
		on_change(watcher, bytes);
	else
		on_missed(watcher, bytes);
}

/* ---- Clients ------------------------------------------------------------- */

static void begin(struct watcher *watcher)
{
	struct kv_req_watch request = {.header = {.id = KV_REQ_WATCH, .size = sizeof(request)}};
	struct testkit *kit = watcher->watches->play->kit;

	if (watcher->connection == NULL) {
		if (testkit_connect(kit, watcher->node, "kv", &watcher->connection) < 0)
			return;
		watcher->unacknowledged = 0;
		testkit_watch(watcher->connection, on_message, watcher);
	}
	watcher->is_asked = testkit_send(watcher->connection, &request, sizeof(request)) == 0;
}

static void acknowledge(struct watcher *watcher)
{
	struct kv_req_ack request = {
		.header = {.id = KV_REQ_ACK, .size = sizeof(request)}, .bytes = watcher->unacknowledged};

	if (testkit_send(watcher->connection, &request, sizeof(request)) == 0)
		watcher->unacknowledged = 0;
}

static void tick(void *self)
{
	struct watches *watches = self;

	for (uint32_t i = 0; i < watches->play->script->nodes; i++) {
		struct watcher *watcher = &watches->list[i];

		if (watcher->connection != NULL && !testkit_is_connected(watcher->connection)) {
			testkit_disconnect(watcher->connection);
			watcher->connection = NULL;
			watcher->is_asked = watcher->is_begun = false;
		}
		if (!watcher->is_asked)
			begin(watcher);
		else if (watcher->unacknowledged >= ACK_BYTES)
			acknowledge(watcher);
	}
}

static bool is_settled(void *self)
{
	const struct watches *watches = self;

	for (uint32_t i = 0; i < watches->play->script->nodes; i++)
		if (!watches->list[i].is_begun)
			return false;
	return true;
}

static void check_gap(struct play *play, const struct watcher *watcher, struct gap gap)
{
	for (uint64_t revision = gap.from; revision < gap.end && revision < play->changes.capacity; revision++)
		if (play->changes.list[revision].op != 0)
			play_break(play, "watch: node %u is not told the change of revision %ju", watcher->node,
				(uintmax_t)revision);
}

/* Check that no watch lacks a change. The answers have been noted. */
static void check(void *self)
{
	struct watches *watches = self;
	struct play *play = watches->play;

	if (!is_checked(play))
		return;
	for (uint32_t i = 0; i < play->script->nodes; i++) {
		struct watcher *watcher = &watches->list[i];

		add_gap(watcher, UINT64_MAX);
		for (uint32_t k = 0; k < watcher->gap_count; k++)
			check_gap(play, watcher, watcher->gaps[k]);
	}
}

static void *create(struct play *play)
{
	struct watches *watches = calloc(1, sizeof(*watches));

	if (watches == NULL)
		abort();
	watches->play = play;
	for (uint32_t i = 0; i < HISTORY_NODES_MAX; i++)
		watches->list[i] = (struct watcher){.watches = watches, .node = i + 1};
	return watches;
}

static void destroy(void *self)
{
	struct watches *watches = self;

	for (uint32_t i = 0; i < HISTORY_NODES_MAX; i++)
		free(watches->list[i].gaps);
	free(watches->play->changes.list);
	free(watches);
}

const struct play_part play_watch = {
	.name = "watch", .create = create, .tick = tick, .is_settled = is_settled, .check = check, .destroy = destroy};
