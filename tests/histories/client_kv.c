/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of kv's table. Each waits for an answer before it sends the next request. tests/unit/plugins/kv/kv_order.c
 * checks the answers.
 *
 * The table exists only in memory. When all nodes that had it have restarted, the ring begins with an empty or an older
 * table, and a node logs that. Then check_loss() looks into all nodes, and fails if one of them still has the table.
 */
#include <stdlib.h>
#include <string.h>

#include "plugins/kv/kv.h"
#include "testkit/kit.h"
#include "tests/histories/client_watch.h"
#include "tests/histories/play.h"
#include "tests/unit/plugins/kv/kv_order.h"

#define KEYS 3u
#define RESETS_MAX 64u
#define SEARCH_MAX 20000u /* largest number of steps of a search */

struct kv_clients;

struct worker {
	struct kv_clients *clients;
	struct testkit_client *connection; /* NULL: none */
	uint32_t node, operation;
	bool is_waiting;
	bool is_served;           /* a write of this client was answered since the network became quiet */
	uint64_t last_seen[KEYS]; /* last revision of the key that this client has seen; 0: no key */
};

struct kv_clients {
	struct play *play;
	struct kv_history history;
	struct kv_reset resets[RESETS_MAX];
	uint32_t reset_count, losses;
	uint32_t failed_stores[HISTORY_NODES_MAX]; /* of each node when it last started the service */
	bool was_up[HISTORY_NODES_MAX];            /* whether the service ran at the last tick */
	struct kv_ring reset_ring;                 /* ring of the last reset that a node has logged */
	uint32_t reset_loads;                      /* loads until then */
	struct worker workers[HISTORY_CLIENTS];
	uint64_t last_value;
};

struct request {
	union {
		struct coterie_request_header header;
		struct kv_req_write write;
		struct kv_req_get get;
	};
	uint8_t room[64];
};

/* ---- Tables that are lost ------------------------------------------------- */

static void add_reset(struct kv_clients *clients, uint64_t revision)
{
	clients->play->tables_lost++;
	if (clients->reset_count == RESETS_MAX) {
		play_break(clients->play, "kv: more than %u tables were lost", RESETS_MAX);
		return;
	}
	clients->resets[clients->reset_count++] = (struct kv_reset){
		.start_ns = testkit_now_ns(clients->play->kit), .revision = revision};
}

/* Return the newest ring whose table a member of the node's ring has announced. */
static struct kv_ring newest_epoch(const struct kv *kv)
{
	struct kv_ring newest = {.seq = 0};

	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];

		if (member->has_announced && kv_ring_compare(&newest, &member->marker.ring) < 0)
			newest = member->marker.ring;
		if (member->has_announced && member->has_state && kv_ring_compare(&newest, &member->state.epoch) < 0)
			newest = member->state.epoch;
	}
	return newest;
}

/* Return whether a node has lost its files, or could not store one. */
static bool is_marker_missing(const struct play *play)
{
	bool is_missing = play->losses > 0;

	for (uint32_t node = 0; node < play->script->nodes; node++)
		is_missing |= play->kit->nodes[node].failed_stores > 0;
	return is_missing;
}

/*
 * Check a reset: no running node may still have the old table. Not checked if a node's marker files were lost, since
 * nothing is promised then.
 */
static void check_loss(struct kv_clients *clients, const struct kit_node *node, const struct kv *kv)
{
	if (is_marker_missing(clients->play))
		return;
	struct kv_ring newest = newest_epoch(kv);

	for (uint32_t other = 1; other <= clients->play->script->nodes; other++) {
		const struct kv *theirs = testkit_self(clients->play->kit, other, "kv");

		/* A node that has already formed this ring has the new table. */
		if (theirs != NULL && theirs->has_state && theirs->state.epoch.seq != 0 &&
			!kv_ring_equals(&theirs->state.epoch, &kv->ring) &&
			kv_ring_compare(&theirs->state.epoch, &newest) >= 0)
			play_break(clients->play, "kv: node %u gives the table of ring %ju up, and node %u has it",
				node->id, (uintmax_t)newest.seq, other);
	}
}

static void hear(void *self, struct kit_node *node, const char *text)
{
	struct kv_clients *clients = self;
	const char *older = strstr(text, "an older one goes on, of revision ");
	bool is_empty = strstr(text, "was given up: it is empty now") != NULL;

	const struct kv *kv = testkit_self(clients->play->kit, node->id, "kv");

	/*
	 * The plugin was loaded while the disk was full. It cannot read its marker, as if the state folder had been
	 * removed.
	 */
	if (strstr(text, "counts as one that never had a part of the table") != NULL)
		add_reset(clients, UINT64_MAX);
	if ((older == NULL && !is_empty) || kv == NULL)
		return;
	play_trace(clients->play, "kv: node %u: %s", node->id, text);
	check_loss(clients, node, kv);
	/* All members of a ring report the same reset, which is counted once. In one ring another one can only follow a load. */
	if (kv_ring_equals(&kv->ring, &clients->reset_ring) && clients->reset_loads == clients->play->loads)
		return;
	clients->reset_ring = kv->ring;
	clients->reset_loads = clients->play->loads;
	add_reset(clients, is_empty ? 0 : strtoull(strstr(older, "revision ") + strlen("revision "), NULL, 10));
}

/* ---- Requests and answers -------------------------------------------------- */

static void on_message(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *message)
{
	struct worker *worker = arg;
	struct kv_clients *clients = worker->clients;
	struct kv_operation *operation = &clients->history.list[worker->operation];
	const void *bytes = message;

	(void)connection;
	if (is_event || !worker->is_waiting)
		return;
	worker->is_waiting = false;
	operation->end_ns = testkit_now_ns(clients->play->kit);
	operation->error = message->error;
	if (operation->kind == KV_HISTORY_READ && message->size >= (int32_t)sizeof(struct kv_res_get)) {
		const struct kv_res_get *response = bytes;

		operation->revision = response->revision;
		operation->modified = response->modified;
		if (message->error == KV_HISTORY_OK)
			memcpy(&operation->value, response->bytes, sizeof(operation->value));
		worker->last_seen[operation->key] = response->modified;
	} else if (message->size >= (int32_t)sizeof(struct kv_res_write)) {
		operation->revision = ((const struct kv_res_write *)bytes)->revision;
		if (message->error == KV_HISTORY_OK)
			worker->last_seen[operation->key] = operation->kind == KV_HISTORY_PUT ? operation->revision : 0;
		worker->is_served |= clients->play->is_quiet && message->error == KV_HISTORY_OK;
	}
}

static uint32_t fill(struct request *request, const struct kv_operation *operation)
{
	char key[8] = {'k', (char)('0' + operation->key)};
	uint8_t *bytes = (uint8_t *)request;

	memset(request, 0, sizeof(*request));
	if (operation->kind == KV_HISTORY_READ) {
		request->get = (struct kv_req_get){.header.id = KV_REQ_GET_ORDERED, .key_size = 2};
		memcpy(bytes + sizeof(struct kv_req_get), key, 2);
		return sizeof(struct kv_req_get) + 2;
	}
	request->write = (struct kv_req_write){
		.header.id = operation->kind == KV_HISTORY_PUT ? KV_REQ_PUT : KV_REQ_DELETE,
		.flags = operation->is_conditional ? KV_CONDITIONAL : 0,
		.expected = operation->expected,
		.key_size = 2,
		.value_size = operation->kind == KV_HISTORY_PUT ? sizeof(operation->value) : 0};
	memcpy(bytes + sizeof(struct kv_req_write), key, 2);
	memcpy(bytes + sizeof(struct kv_req_write) + 2, &operation->value, sizeof(operation->value));
	return (uint32_t)sizeof(struct kv_req_write) + 2 + request->write.value_size;
}

/* Send a request. dice: 0 .. 99, chooses its kind */
static void ask(struct worker *worker, uint64_t dice, uint32_t key)
{
	struct kv_clients *clients = worker->clients;
	struct request request;
	struct kv_operation operation = {
		.kind = dice < 40   ? KV_HISTORY_READ
			: dice < 88 ? KV_HISTORY_PUT
				    : KV_HISTORY_DELETE,
		.key = key % KEYS,
		.start_ns = testkit_now_ns(clients->play->kit),
		.end_ns = UINT64_MAX,
	};
	uint32_t size;

	if (worker->connection == NULL || worker->is_waiting)
		return;
	if (operation.kind != KV_HISTORY_READ && dice % 4 == 0) {
		operation.is_conditional = 1;
		operation.expected = worker->last_seen[operation.key];
	}
	if (operation.kind == KV_HISTORY_PUT)
		operation.value = ++clients->last_value;
	size = fill(&request, &operation);
	request.header.size = (int32_t)size;
	worker->operation = kv_history_begin(&clients->history, &operation);
	worker->is_waiting = testkit_send(worker->connection, &request, size) == 0;
}

/*
 * Note nodes that have lost their marker. Such a node does not know that there was a table. So the ring may go on with an
 * older table, which no node logs. The marker is lost with the files of the node, and if it starts again after it could
 * not store one: it logs then that it may forget writes.
 */
static void note_markers(struct kv_clients *clients)
{
	struct play *play = clients->play;

	while (clients->losses < play->losses) {
		clients->losses++;
		add_reset(clients, UINT64_MAX);
	}
	for (uint32_t node = 0; node < play->script->nodes; node++) {
		uint32_t failed = play->kit->nodes[node].failed_stores;
		bool is_up = testkit_self(play->kit, node + 1, "kv") != NULL;

		if (is_up && !clients->was_up[node] && failed > clients->failed_stores[node])
			add_reset(clients, UINT64_MAX);
		if (is_up && !clients->was_up[node])
			clients->failed_stores[node] = failed;
		clients->was_up[node] = is_up;
	}
}

static void tick(void *self)
{
	struct kv_clients *clients = self;

	note_markers(clients);
	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		struct worker *worker = &clients->workers[i];

		if (worker->connection != NULL && !testkit_is_connected(worker->connection)) {
			testkit_disconnect(worker->connection);
			worker->connection = NULL;
			worker->is_waiting = false; /* no answer will arrive: the operation may have been done */
		}
		if (worker->connection == NULL) {
			if (testkit_connect(clients->play->kit, worker->node, "kv", &worker->connection) < 0)
				worker->connection = NULL;
			else
				testkit_watch(worker->connection, on_message, worker);
		}
		if (clients->play->is_quiet && !worker->is_served)
			ask(worker, 41, i);
	}
}

static void act(void *self, const struct step *step)
{
	struct kv_clients *clients = self;

	if (step->kind == STEP_KV)
		ask(&clients->workers[step->client], step->value, step->count);
}

static bool is_settled(void *self)
{
	const struct kv_clients *clients = self;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		if (clients->workers[i].is_waiting || !clients->workers[i].is_served)
			return false;
	return true;
}

/* Check that the table is the same on all nodes. */
static void check_replicas(struct kv_clients *clients)
{
	struct kv_req_plain request = {.header = {.id = KV_REQ_STATUS, .size = sizeof(request)}};
	uint64_t revision = 0, hash = 0;
	bool is_first = true;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		const struct coterie_response_header *header = testkit_call(
			clients->workers[i].connection, &request, sizeof(request));
		const void *bytes = header;
		const struct kv_res_status *status = bytes;

		if (header == NULL || header->error != KV_HISTORY_OK) {
			play_break(clients->play, "kv: the network is quiet, and node %u does not answer",
				clients->workers[i].node);
			return;
		}
		if (!is_first && (status->revision != revision || status->hash != hash))
			play_break(clients->play,
				"kv: the network is quiet, and node %u is at revision %ju, another one at %ju%s",
				clients->workers[i].node, (uintmax_t)status->revision, (uintmax_t)revision,
				status->hash != hash ? ", with other values" : "");
		revision = status->revision;
		hash = status->hash;
		is_first = false;
	}
}

/* Note the writes that were answered, for the comparison with what watches were told. */
static void note_changes(struct kv_clients *clients)
{
	for (uint32_t i = 0; i < clients->history.count; i++) {
		const struct kv_operation *operation = &clients->history.list[i];

		if (operation->kind != KV_HISTORY_READ && operation->error == KV_HISTORY_OK)
			play_change_note(clients->play, operation->revision,
				(struct play_change){
					.op = operation->kind == KV_HISTORY_PUT ? KV_OP_PUT : KV_OP_DELETE,
					.key = operation->key,
					.value = operation->value,
				},
				"an answer");
	}
}

static void check(void *self)
{
	struct kv_clients *clients = self;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	check_replicas(clients);
	/* If a node has no safe delivery, a write that was acknowledged may be lost, so the history is not checked. */
	if (play_has_plain(clients->play)) {
		clients->play->counts.kv_undecided++;
		fclose(out);
		free(text);
		return;
	}
	note_changes(clients);
	enum kv_verdict verdict = kv_order_check(
		&clients->history, clients->resets, clients->reset_count, SEARCH_MAX, out);
	fclose(out);
	text[strcspn(text, "\n")] = '\0';
	if (verdict == KV_UNORDERED)
		play_break(clients->play, "kv: the answers fit no order: %s", text);
	for (uint32_t i = 0; i < clients->history.count && verdict == KV_ORDERED; i++)
		clients->play->counts.kv_answered += clients->history.list[i].error == KV_HISTORY_OK;
	clients->play->counts.kv_undecided += verdict == KV_UNDECIDED;
	free(text);
}

static void *create(struct play *play)
{
	struct kv_clients *clients = calloc(1, sizeof(*clients));

	if (clients == NULL)
		abort();
	clients->play = play;
	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		clients->workers[i] = (struct worker){.clients = clients, .node = play_client_node(play, i)};
	return clients;
}

static void destroy(void *self)
{
	struct kv_clients *clients = self;

	kv_history_free(&clients->history);
	free(clients);
}

const struct play_part play_kv = {.name = "kv",
	.create = create,
	.tick = tick,
	.act = act,
	.is_settled = is_settled,
	.hear = hear,
	.check = check,
	.destroy = destroy};
