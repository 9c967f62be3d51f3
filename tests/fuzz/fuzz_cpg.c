/*
 * Requests of clients, and messages of other nodes, at the CPG service on a mock host. The script is a
 * list of records: one byte for the operation, one for the client or node and small choices, and what
 * the operation needs. The host keeps the order that service.h promises; everything else is free.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cpg/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

#define CLIENTS 4u
#define NODES 4u
#define OWN_ID 2u
#define OPERATIONS_MAX 200u
#define MESSAGE_SIZE_MAX 65536u
#define NOBODY 0xfffffffeu /* a user that owns no file */

enum operation {
	REQUEST, /* bytes behind a correct header */
	RAW,     /* the same with whatever header */
	JOIN,    /* a correct one, to one of a few groups */
	LOOP,    /* our own messages come back from the ring */
	RING,    /* a message of another node */
	CONNECT, /* or disconnect */
	SYNC,    /* the next step of a synchronisation */
	ABORT,   /* a synchronisation is overtaken by another */
	REFUSE,  /* the ring or a client has no room, or again */
	PASS,    /* time passes */
	FILE_,   /* a client's shared buffer */
	OPERATIONS,
};

struct world {
	const struct coterie_service *ops;
	struct coterie_ctx *host;
	void *self;
	struct coterie_client *clients[CLIENTS];
	uint64_t ring_seq;
	bool is_syncing, are_steps_done;
};

const char *const *const fuzz_words = NULL;

static uint64_t requests, refused, ring_messages, synchronisations;
static char folder[64]; /* for shared buffers; "": not made yet */

const char *fuzz_summary(void)
{
	static char text[160];

	snprintf(text, sizeof(text),
		"%llu requests, %llu refused, %llu ring messages, %llu synchronisations",
		(unsigned long long)requests, (unsigned long long)refused,
		(unsigned long long)ring_messages, (unsigned long long)synchronisations);
	return text;
}

/* --- clients --- */

static void disconnect(struct world *world, uint32_t i)
{
	if (world->clients[i] == NULL)
		return;
	world->ops->client_leave(world->self, world->clients[i]);
	mock_client_destroy(world->clients[i]);
	world->clients[i] = NULL;
}

static void connect_client(struct world *world, uint32_t i)
{
	struct coterie_client *client =
		mock_client_create(world->host, world->ops->client_size, 100 + i / 2);

	client->uid = NOBODY;
	if (world->ops->client_join(world->self, client) < 0) {
		mock_client_destroy(client);
		return;
	}
	world->clients[i] = client;
}

static bool needs_flow(const struct world *world, const void *message, size_t size)
{
	struct coterie_request_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, message, sizeof(header));
	if (header.id < 0 || (uint32_t)header.id >= world->ops->request_count)
		return false;
	return (world->ops->requests[header.id].flags & COTERIE_NEEDS_FLOW) != 0;
}

static void request(struct world *world, uint32_t i, const void *message, size_t size)
{
	struct coterie_client *client = world->clients[i % CLIENTS];
	uint32_t answers;
	int rc;

	/* The executive refuses these itself while services synchronise. */
	if (client == NULL || (world->is_syncing && needs_flow(world, message, size)))
		return;
	answers = client->replies.count;
	rc = mock_request(client, world->ops, world->self, message, (uint32_t)size);
	FUZZ_CHECK(rc == COTERIE_REPLIED || rc <= 0);
	FUZZ_CHECK(client->replies.count <= answers + 1);
	requests++;
	refused += rc < 0;
	mock_queue_clear(&client->replies);
	mock_queue_clear(&client->events);
	if (client->is_disconnected)
		disconnect(world, i % CLIENTS);
}

static void request_bytes(struct world *world, struct script *script, uint8_t choice, bool is_raw)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	size_t head = is_raw ? 0 : sizeof(struct coterie_request_header);
	uint8_t *message = malloc(head + size + 1);
	struct coterie_request_header header = {
		.id = choice / CLIENTS % 16, .size = (int32_t)(head + size)};

	FUZZ_CHECK(message != NULL);
	memcpy(message, &header, head);
	if (size > 0)
		memcpy(message + head, bytes, size);
	request(world, choice % CLIENTS, message, head + size);
	free(message);
}

static struct cpg_wire_name group_name(uint8_t choice)
{
	struct cpg_wire_name name = {.length = 1 + choice % 3u};

	memset(name.value, 'a' + choice % 2, sizeof(name.value));
	return name;
}

static void join(struct world *world, uint8_t choice)
{
	struct cpg_req_join message = {
		.header = {.id = CPG_REQ_JOIN, .size = sizeof(message)},
		.group = group_name(choice / CLIENTS),
		.pid = 100 + choice / 16u % 4,
		.flags = choice / 64u,
	};

	request(world, choice % CLIENTS, &message, sizeof(message));
}

/* --- the ring --- */

static void loop(struct world *world)
{
	struct mock_queue queue = world->host->sent;

	memset(&world->host->sent, 0, sizeof(world->host->sent));
	for (uint32_t i = 0; i < queue.count; i++)
		(void)mock_deliver(world->ops, world->self, OWN_ID, false, &queue.list[i]);
	ring_messages += queue.count;
	mock_queue_clear(&queue);
}

static void ring_message(struct world *world, struct script *script, uint8_t choice)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	struct mock_message message = {.id = choice % 8u, .size = (uint32_t)size};

	message.data = malloc(size + 1);
	FUZZ_CHECK(message.data != NULL);
	if (size > 0)
		memcpy(message.data, bytes, size);
	(void)mock_deliver(world->ops, world->self, 1 + choice / 8u % NODES, (choice & 128) != 0,
		&message);
	ring_messages++;
	free(message.data);
}

/* All nodes of the mask, and always this one. */
static uint32_t put_nodes(uint32_t *nodes, uint32_t mask)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id <= NODES; id++) {
		if (id == OWN_ID || (mask >> id & 1) != 0)
			nodes[count++] = id;
	}
	return count;
}

static void sync_start(struct world *world, uint8_t choice, bool is_first)
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
	/* Those that came along are some of the members. */
	uint32_t came = is_first ? 0 : put_nodes(transitional, choice & choice >> 3);

	world->ops->sync_start(world->self, transitional, came, &regular);
	world->is_syncing = true;
	world->are_steps_done = false;
	synchronisations++;
}

static void sync_next(struct world *world, uint8_t choice)
{
	if (!world->is_syncing) {
		sync_start(world, choice, world->ring_seq == 0);
	} else if (!world->are_steps_done) {
		int rc = world->ops->sync_step(world->self);

		FUZZ_CHECK(rc == 0 || rc == -EAGAIN);
		world->are_steps_done = rc == 0;
	} else {
		loop(world); /* a barrier follows what the steps sent */
		world->ops->sync_done(world->self);
		world->is_syncing = false;
	}
}

/* --- shared buffers --- */

static void remove_folder(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/buffer", folder);
	unlink(path);
	rmdir(folder);
}

static void share(struct world *world, struct script *script, uint8_t choice)
{
	static uint8_t content[4096];
	struct cpg_req_zc_alloc message = {
		.header = {.id = CPG_REQ_ZC_ALLOC, .size = sizeof(message)}};
	size_t size = script_u16(script) % sizeof(content);
	size_t given = size;
	const uint8_t *bytes = script_bytes(script, &given);
	struct coterie_client *client = world->clients[choice % CLIENTS];

	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "/tmp/coterie-fuzz-XXXXXX");
		FUZZ_CHECK(mkdtemp(folder) != NULL);
		atexit(remove_folder);
	}
	snprintf(message.path, sizeof(message.path), "%s/buffer", folder);
	memset(content, 0, sizeof(content));
	if (given > 0)
		memcpy(content, bytes, given);

	int fd = open(message.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, content, size) == (ssize_t)size);
	message.map_size = (choice & 64) != 0 ? size : size + choice % 3;
	if (client != NULL)
		client->uid = (uint32_t)geteuid();
	request(world, choice % CLIENTS, &message, sizeof(message));
	if (world->clients[choice % CLIENTS] != NULL)
		world->clients[choice % CLIENTS]->uid = NOBODY;
	if ((choice & 128) != 0)
		FUZZ_CHECK(ftruncate(fd, (off_t)(size / 2)) == 0);
	close(fd);
}

/* --- the script --- */

static void step(struct world *world, struct script *script)
{
	enum operation operation = script_u8(script) % OPERATIONS;
	uint8_t choice = script_u8(script);
	uint32_t i = choice % CLIENTS;

	switch (operation) {
	case REQUEST:
	case RAW:
		request_bytes(world, script, choice, operation == RAW);
		break;
	case JOIN:
		join(world, choice);
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
	case FILE_:
		share(world, script, choice);
		break;
	case OPERATIONS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct world world = {.ops = cpg_LTX_coterie_plugin.ops};

	world.host = mock_host_create(&cpg_LTX_coterie_plugin);
	world.host->nodeid = OWN_ID;
	FUZZ_CHECK(world.ops->init(&world.host->table, world.host, &world.self) == 0);
	for (uint32_t i = 0; i < CLIENTS; i++)
		connect_client(&world, i);
	for (uint32_t i = 0; i < 3; i++) /* the first configuration: alone */
		sync_next(&world, 0);
	for (uint32_t i = 0; i < OPERATIONS_MAX && script.left > 0; i++)
		step(&world, &script);
	for (uint32_t i = 0; i < CLIENTS; i++)
		disconnect(&world, i);
	world.ops->fini(world.self);
	FUZZ_CHECK(mock_host_destroy(world.host) == 0);
	return 0;
}
