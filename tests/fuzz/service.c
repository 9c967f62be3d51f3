/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/service.h"

#include <errno.h>
#include <string.h>

#define NODES 4u
#define OWN_ID 2u
#define OPERATIONS_MAX 200u

enum operation {
	REQUEST, /* a request with a correct header and any other bytes */
	RAW,     /* a request with any header */
	OWN,
	LOOP,    /* deliver this node's own messages */
	RING,    /* a message of another node */
	CONNECT, /* connect a client, or disconnect it */
	SYNC,    /* the next step of a synchronisation */
	ABORT,   /* a synchronisation is interrupted by another one */
	REFUSE,  /* the ring or a client has no room, or has room again */
	PASS,    /* time passes */
	OWN_TOO,
	OPERATIONS,
};

const char *const *const fuzz_words = NULL;

static uint64_t requests, refused, ring_messages, synchronisations;

const char *fuzz_summary(void)
{
	static char text[160];

	snprintf(text, sizeof(text), "%llu requests, %llu refused, %llu ring messages, %llu synchronisations",
		(unsigned long long)requests, (unsigned long long)refused, (unsigned long long)ring_messages,
		(unsigned long long)synchronisations);
	return text;
}

/* --- clients --- */

static void disconnect(struct fuzz_world *world, uint32_t i)
{
	if (world->clients[i] == NULL)
		return;
	if (world->ops->client_leave != NULL)
		world->ops->client_leave(world->self, world->clients[i]);
	mock_client_destroy(world->clients[i]);
	world->clients[i] = NULL;
}

static void connect_client(struct fuzz_world *world, uint32_t i)
{
	struct coterie_client *client = mock_client_create(world->host, world->ops->client_size, 100 + i / 2);

	client->uid = FUZZ_NOBODY;
	if (world->ops->client_join != NULL && world->ops->client_join(world->self, client) < 0) {
		mock_client_destroy(client);
		return;
	}
	world->clients[i] = client;
}

static const struct coterie_request *request_of(const struct fuzz_world *world, const void *message, size_t size)
{
	struct coterie_request_header header;

	if (size < sizeof(header))
		return NULL;
	memcpy(&header, message, sizeof(header));
	for (uint32_t i = 0; i < world->ops->request_count; i++)
		if (header.id >= 0 && world->ops->requests[i].id == (uint32_t)header.id)
			return &world->ops->requests[i];
	return NULL;
}

void fuzz_request(struct fuzz_world *world, uint32_t i, const void *message, size_t size)
{
	struct coterie_client *client = world->clients[i % FUZZ_CLIENTS];
	const struct coterie_request *entry = request_of(world, message, size);
	uint32_t answers;
	int rc;

	/* While services synchronise the executive itself refuses such requests. */
	if (client == NULL || (world->is_syncing && entry != NULL && (entry->flags & COTERIE_NEEDS_FLOW) != 0))
		return;
	answers = client->replies.count;
	rc = mock_request(client, world->ops, world->self, message, (uint32_t)size);
	FUZZ_CHECK(rc == COTERIE_REPLIED || rc == COTERIE_LATER || rc <= 0);
	FUZZ_CHECK(client->replies.count <= answers + 1);
	requests++;
	refused += rc < 0;
	mock_queue_clear(&client->replies);
	mock_queue_clear(&client->events);
	if (client->is_disconnected)
		disconnect(world, i % FUZZ_CLIENTS);
}

static void request_bytes(struct fuzz_world *world, struct script *script, uint8_t choice, bool is_raw)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	size_t head = is_raw ? 0 : sizeof(struct coterie_request_header);
	uint8_t *message = malloc(head + size + 1);
	struct coterie_request_header header = {.id = choice / FUZZ_CLIENTS % 16, .size = (int32_t)(head + size)};

	FUZZ_CHECK(message != NULL);
	memcpy(message, &header, head);
	if (size > 0)
		memcpy(message + head, bytes, size);
	fuzz_request(world, choice % FUZZ_CLIENTS, message, head + size);
	free(message);
}

/* --- the ring --- */

static void loop(struct fuzz_world *world)
{
	struct mock_queue queue = world->host->sent;

	memset(&world->host->sent, 0, sizeof(world->host->sent));
	for (uint32_t i = 0; i < queue.count; i++)
		(void)mock_deliver(world->ops, world->self, OWN_ID, false, &queue.list[i]);
	ring_messages += queue.count;
	mock_queue_clear(&queue);
}

static void ring_message(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	struct mock_message message = {.id = choice % 8u, .size = (uint32_t)size};

	message.data = malloc(size + 1);
	FUZZ_CHECK(message.data != NULL);
	if (size > 0)
		memcpy(message.data, bytes, size);
	(void)mock_deliver(world->ops, world->self, 1 + choice / 8u % NODES, (choice & 128) != 0, &message);
	ring_messages++;
	free(message.data);
}

/* Write the list of all nodes of the mask, and always this node. @return their number */
static uint32_t put_nodes(uint32_t *nodes, uint32_t mask)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id <= NODES; id++) {
		if (id == OWN_ID || (mask >> id & 1) != 0)
			nodes[count++] = id;
	}
	return count;
}

static void sync_start(struct fuzz_world *world, uint8_t choice, bool is_first)
{
	uint32_t transitional[NODES];
	uint32_t joined[NODES];
	struct coterie_ctx *host = world->host;
	struct coterie_configuration regular = {.size = sizeof(regular), .is_regular = 1};

	host->member_count = put_nodes(host->members, choice);
	world->ring_seq += 4;
	host->ring = (struct coterie_ring_id){.representative = host->members[0], .seq = world->ring_seq};
	regular.ring = host->ring;
	regular.members = host->members;
	regular.member_count = host->member_count;
	regular.joined = joined;
	/* Only members can have come along from the ring before. */
	uint32_t came = is_first ? 0 : put_nodes(transitional, choice & choice >> 3);

	if (world->ops->configuration != NULL)
		world->ops->configuration(world->self, &regular);
	if (world->ops->sync_start != NULL)
		world->ops->sync_start(world->self, transitional, came, &regular);
	world->is_syncing = true;
	world->are_steps_done = false;
	synchronisations++;
}

static void sync_next(struct fuzz_world *world, uint8_t choice)
{
	if (!world->is_syncing) {
		sync_start(world, choice, world->ring_seq == 0);
	} else if (!world->are_steps_done) {
		int rc = world->ops->sync_step == NULL ? 0 : world->ops->sync_step(world->self);

		FUZZ_CHECK(rc == 0 || rc == -EAGAIN);
		world->are_steps_done = rc == 0;
	} else {
		loop(world); /* the barrier arrives after the messages that the steps have sent */
		if (world->ops->sync_done != NULL)
			world->ops->sync_done(world->self);
		world->is_syncing = false;
	}
}

/* --- the script --- */

static void step(struct fuzz_world *world, struct script *script)
{
	enum operation operation = script_u8(script) % OPERATIONS;
	uint8_t choice = script_u8(script);
	uint32_t i = choice % FUZZ_CLIENTS;

	switch (operation) {
	case REQUEST:
	case RAW:
		request_bytes(world, script, choice, operation == RAW);
		break;
	case OWN:
		if (fuzz_service.own != NULL)
			fuzz_service.own(world, script, choice);
		break;
	case LOOP:
		loop(world);
		break;
	case RING:
		ring_message(world, script, choice);
		break;
	case CONNECT:
		if (world->clients[i] != NULL)
			disconnect(world, i);
		else
			connect_client(world, i);
		break;
	case SYNC:
		sync_next(world, choice);
		break;
	case ABORT:
		if (world->is_syncing) {
			if (world->ops->sync_abort != NULL)
				world->ops->sync_abort(world->self);
			sync_start(world, choice, false);
		}
		break;
	case REFUSE:
		world->host->ring_send_rc = (choice & 64) != 0 ? -EAGAIN : 0;
		if (world->clients[i] != NULL)
			world->clients[i]->event_rc = (choice & 128) != 0 ? -ENOMEM : 0;
		break;
	case PASS:
		mock_host_advance(world->host, choice * UINT64_C(10000000));
		break;
	case OWN_TOO:
		if (fuzz_service.own_too != NULL)
			fuzz_service.own_too(world, script, choice);
		break;
	case OPERATIONS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct fuzz_world world = {.ops = fuzz_service.plugin->ops};

	world.host = mock_host_create(fuzz_service.plugin);
	world.host->nodeid = OWN_ID;
	if (fuzz_service.prepare != NULL)
		fuzz_service.prepare(world.host);
	FUZZ_CHECK(world.ops->init(&world.host->table, world.host, &world.self) == 0);
	for (uint32_t i = 0; i < FUZZ_CLIENTS; i++)
		connect_client(&world, i);
	for (uint32_t i = 0; i < 3; i++) /* the first configuration, of this node alone */
		sync_next(&world, 0);
	for (uint32_t i = 0; i < OPERATIONS_MAX && script.left > 0; i++) {
		step(&world, &script);
		if (fuzz_service.check != NULL)
			fuzz_service.check(&world);
	}
	for (uint32_t i = 0; i < FUZZ_CLIENTS; i++)
		disconnect(&world, i);
	world.ops->fini(world.self);
	FUZZ_CHECK(mock_host_destroy(world.host) == 0);
	return 0;
}
