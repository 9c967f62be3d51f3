/* Clients of the table kv. Each waits for its answer before it asks again. tests/unit/kv_history.c checks the answers. */
#include <stdlib.h>
#include <string.h>

#include "plugins/kv/messages.h"
#include "tests/histories/play.h"
#include "tests/unit/kv_history.h"

#define KEYS 3u

struct kv_clients;

struct worker {
	struct kv_clients *clients;
	struct testkit_client *connection; /* NULL: none */
	uint32_t node, operation;
	bool is_waiting;
	bool is_served;              /* it has written something since the network is quiet */
	uint64_t last_seen[KEYS];    /* revision of the key, as far as it knows; 0: no key */
};

struct kv_clients {
	struct play *play;
	struct kv_history history;
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

static void on_message(void *arg, struct testkit_client *connection, int is_event,
	const struct coterie_response_header *message)
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
	clients->play->counts.kv_answered += message->error == KV_HISTORY_OK;
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
			worker->last_seen[operation->key] =
				operation->kind == KV_HISTORY_PUT ? operation->revision : 0;
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

/* @param dice  0 .. 99, what to do */
static void ask(struct worker *worker, uint64_t dice, uint32_t key)
{
	struct kv_clients *clients = worker->clients;
	struct request request;
	struct kv_operation operation = {
		.kind = dice < 40 ? KV_HISTORY_READ : dice < 88 ? KV_HISTORY_PUT : KV_HISTORY_DELETE,
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

static void tick(void *self)
{
	struct kv_clients *clients = self;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		struct worker *worker = &clients->workers[i];

		if (worker->connection != NULL && !testkit_is_connected(worker->connection)) {
			testkit_disconnect(worker->connection);
			worker->connection = NULL;
			worker->is_waiting = false; /* never answered: it may have been done for all it knows */
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

/* All nodes of a ring may crash at about the same time. Then the newest of the table is lost, and a node logs that. */
static bool has_forgotten(const struct play *play)
{
	return testkit_has_logged(play->kit, TESTKIT_ALL, "it is empty now") ||
	       testkit_has_logged(play->kit, TESTKIT_ALL, "an older one goes on");
}

/* All replicas are the same. */
static void check_replicas(struct kv_clients *clients)
{
	struct kv_req_plain request = {.header = {.id = KV_REQ_STATUS, .size = sizeof(request)}};
	uint64_t revision = 0, hash = 0;
	bool is_first = true;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		const struct coterie_response_header *header =
			testkit_call(clients->workers[i].connection, &request, sizeof(request));
		const void *bytes = header;
		const struct kv_res_status *status = bytes;

		if (header == NULL || header->error != KV_HISTORY_OK) {
			play_break(clients->play, "kv: the network is quiet, and node %u does not answer", clients->workers[i].node);
			return;
		}
		if (!is_first && (status->revision != revision || status->hash != hash))
			play_break(clients->play, "kv: the network is quiet, and node %u is at revision %ju, another one at %ju%s",
				clients->workers[i].node, (uintmax_t)status->revision, (uintmax_t)revision,
				status->hash != hash ? ", with other values" : "");
		revision = status->revision;
		hash = status->hash;
		is_first = false;
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
	uint32_t wrong = has_forgotten(clients->play) ? 0 : kv_history_check(&clients->history, out);
	fclose(out);
	for (char *end = text; wrong > 0 && (end = strchr(end, '\n')) != NULL;)
		*end = ' ';
	if (wrong > 0)
		play_break(clients->play, "kv: the answers fit no order: %u: %s", wrong, text);
	free(text);
}

static void *create(struct play *play)
{
	struct kv_clients *clients = calloc(1, sizeof(*clients));

	if (clients == NULL)
		abort();
	clients->play = play;
	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		clients->workers[i] = (struct worker){.clients = clients, .node = 1 + i % play->script->nodes};
	return clients;
}

static void destroy(void *self)
{
	struct kv_clients *clients = self;

	kv_history_free(&clients->history);
	free(clients);
}

const struct play_part play_kv = {.name = "kv", .create = create, .tick = tick, .act = act, .is_settled = is_settled,
	.check = check, .destroy = destroy};
