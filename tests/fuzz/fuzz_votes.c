/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the services quorum and votequorum of one node, each on a mock host: requests of clients, messages of other
 * nodes, keys that change, synchronisations, no room, time. The verdict that votequorum reports is passed to quorum.
 * The script is a list of records: one byte for the operation, one for small choices, and the operation's arguments.
 */
#include <errno.h>
#include <string.h>

#include "services/quorum/messages.h"
#include "services/votequorum/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin quorum_LTX_coterie_plugin;
extern const struct coterie_plugin votequorum_LTX_coterie_plugin;

#define CLIENTS 3u /* clients of each service */
#define NODES 5u
#define OWN_ID 2u
#define OPERATIONS_MAX 200u
#define SIZE_MAX_REQUEST 600u
#define VOTE 0u /* numbers of the services */
#define QUORUM 1u
#define SERVICES 2u

enum operation {
	REQUEST, /* a request of any kind, with at least its shortest size and any bytes */
	RAW,     /* a request with any header and size */
	DEVICE,  /* a request about a quorum device that is likely to succeed */
	LOOP,    /* deliver this node's own messages */
	RING,    /* a message of another node, with any bytes */
	INFO,    /* NODEINFO of another node, with small numbers */
	CONNECT, /* connect a client, or disconnect it */
	SYNC,    /* the next step of a synchronisation */
	ABORT,   /* a synchronisation is interrupted by another one */
	REFUSE,  /* the ring has no room, or has room again */
	PASS,    /* time passes */
	KEY,     /* a key of the configuration changes */
	DRAIN,   /* the service has to end */
	OPERATIONS,
};

struct service {
	const struct coterie_service *ops;
	struct coterie_ctx *host;
	void *self;
	struct coterie_client *clients[CLIENTS];
};

struct world {
	struct service services[SERVICES];
	uint32_t told; /* number of verdicts that were passed to the quorum service */
	uint64_t ring_seq;
	bool is_syncing, are_steps_done, has_told_itself;
};

const char *const *const fuzz_words = NULL;

static uint64_t requests, refused, ring_messages, synchronisations, verdicts;

const char *fuzz_summary(void)
{
	static char text[200];

	snprintf(text, sizeof(text),
		"%llu requests, %llu refused, %llu ring messages, %llu synchronisations, %llu "
		"verdicts",
		(unsigned long long)requests, (unsigned long long)refused, (unsigned long long)ring_messages,
		(unsigned long long)synchronisations, (unsigned long long)verdicts);
	return text;
}

/* --- clients --- */

static void disconnect(struct service *service, uint32_t i)
{
	if (service->clients[i] == NULL)
		return;
	service->ops->client_leave(service->self, service->clients[i]);
	mock_client_destroy(service->clients[i]);
	service->clients[i] = NULL;
}

static void connect_client(struct service *service, uint32_t i)
{
	service->clients[i] = mock_client_create(service->host, service->ops->client_size, 100 + i);
	FUZZ_CHECK(service->ops->client_join(service->self, service->clients[i]) == 0);
}

static void forget(struct service *service)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (service->clients[i] == NULL)
			continue;
		/* A client gets at most the answer to its present request, and to a registration before it. */
		FUZZ_CHECK(service->clients[i]->replies.count <= 2);
		mock_queue_clear(&service->clients[i]->replies);
		mock_queue_clear(&service->clients[i]->events);
	}
	mock_queue_clear(&service->host->logs);
}

static void request(struct service *service, uint32_t i, const void *message, uint32_t size)
{
	struct coterie_client *client = service->clients[i];
	uint32_t answers;

	if (client == NULL)
		return;
	answers = client->replies.count;

	int rc = mock_request(client, service->ops, service->self, message, size);

	FUZZ_CHECK(rc == COTERIE_LATER ? client->replies.count == answers : client->replies.count <= answers + 1);
	requests++;
	refused += rc < 0;
}

static void request_bytes(struct service *service, struct script *script, uint8_t choice, bool is_raw)
{
	uint8_t message[SIZE_MAX_REQUEST] = {0};
	size_t size = script_u8(script) * 2u;
	const uint8_t *bytes = script_bytes(script, &size);
	uint32_t id = script_u8(script) % (service->ops->request_count + 1);
	size_t head = is_raw ? 0 : sizeof(struct coterie_request_header);

	memcpy(message + head, bytes, size);
	size += head;
	if (!is_raw && id < service->ops->request_count && size < service->ops->requests[id].size_min)
		size = service->ops->requests[id].size_min;

	struct coterie_request_header header = {.id = (int32_t)id, .size = (int32_t)size};

	memcpy(message, &header, head);
	request(service, choice % CLIENTS, message, (uint32_t)size);
}

static void device(struct world *world, uint8_t choice)
{
	struct service *service = &world->services[VOTE];
	const char *name = (choice & 64) != 0 ? "other" : "device";
	struct votequorum_req_qdevice plain = {.pad = 0};
	struct votequorum_req_qdevice_poll poll = {
		.cast_vote = (choice & 128) != 0,
		.ring_id = {.nodeid = service->host->ring.representative, .seq = world->ring_seq},
	};
	struct votequorum_req_qdevice_master_wins master = {.allow = (choice & 128) != 0};
	struct coterie_request_header header = {.id = VOTEQUORUM_REQ_QDEVICE_REGISTER + choice / CLIENTS % 5};

	strcpy(plain.name, name);
	strcpy(poll.name, name);
	strcpy(master.name, name);
	switch (header.id) {
	case VOTEQUORUM_REQ_QDEVICE_REGISTER:
	case VOTEQUORUM_REQ_QDEVICE_UNREGISTER:
		header.size = sizeof(plain);
		memcpy(&plain, &header, sizeof(header));
		request(service, choice % CLIENTS, &plain, sizeof(plain));
		break;
	case VOTEQUORUM_REQ_QDEVICE_POLL:
		header.size = sizeof(poll);
		memcpy(&poll, &header, sizeof(header));
		request(service, choice % CLIENTS, &poll, sizeof(poll));
		break;
	case VOTEQUORUM_REQ_QDEVICE_MASTER_WINS:
		header.size = sizeof(master);
		memcpy(&master, &header, sizeof(header));
		request(service, choice % CLIENTS, &master, sizeof(master));
		break;
	default:
		break;
	}
}

/* --- the ring --- */

/* Check that the NODEINFO of a device is sent after that of its node. A daemon of Corosync 3.1 ends otherwise. */
static void check_order(struct world *world, const struct mock_queue *queue)
{
	bool is_behind_itself = false;

	for (uint32_t i = 0; i < queue->count; i++) {
		uint32_t nodeid;

		if (queue->list[i].id != VOTEQUORUM_RING_NODEINFO) {
			is_behind_itself = false;
			continue;
		}
		memcpy(&nodeid, queue->list[i].data, sizeof(nodeid));
		FUZZ_CHECK(nodeid == OWN_ID || (nodeid == 0 && is_behind_itself));
		is_behind_itself = nodeid == OWN_ID;
		world->has_told_itself = true;
	}
}

static void loop(struct world *world)
{
	struct service *service = &world->services[VOTE];
	struct mock_queue queue = service->host->sent;

	memset(&service->host->sent, 0, sizeof(service->host->sent));
	check_order(world, &queue);
	for (uint32_t i = 0; i < queue.count; i++)
		(void)mock_deliver(service->ops, service->self, OWN_ID, false, &queue.list[i]);
	ring_messages += queue.count;
	mock_queue_clear(&queue);
}

static void deliver(struct world *world, uint8_t choice, uint32_t function, void *data, uint32_t size)
{
	struct service *service = &world->services[VOTE];
	struct mock_message message = {.id = function, .size = size, .data = data};

	(void)mock_deliver(service->ops, service->self, 1 + choice / 8u % NODES, (choice & 128) != 0, &message);
	ring_messages++;
}

static void ring_bytes(struct world *world, struct script *script, uint8_t choice)
{
	uint8_t message[SIZE_MAX_REQUEST] = {0};
	size_t size = script_u8(script) * 2u;
	const uint8_t *bytes = script_bytes(script, &size);
	uint32_t least = 0;

	memcpy(message, bytes, size);
	if (choice % 5u < 4)
		least = world->services[VOTE].ops->ring_msgs[choice % 5u].size_min - 16;
	if (size < least)
		size = least;
	deliver(world, choice, choice % 5u, message, (uint32_t)size);
}

static void info(struct world *world, struct script *script, uint8_t choice)
{
	struct votequorum_ring_nodeinfo message = {
		.nodeid = (choice & 64) != 0 ? 0 : 1 + choice / 8u % NODES,
		.votes = script_u8(script) % 8,
		.expected_votes = script_u8(script) % 16,
		.flags = script_u8(script),
	};

	deliver(world, choice & 127, VOTEQUORUM_RING_NODEINFO, (uint8_t *)&message + 16, sizeof(message) - 16);
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

static void sync_start(struct world *world, uint8_t choice)
{
	uint32_t members[NODES], transitional[NODES];
	struct coterie_configuration regular = {.size = sizeof(regular), .is_regular = 1};
	uint32_t came = world->ring_seq == 0 ? 0 : put_nodes(transitional, choice & choice >> 3);

	regular.member_count = put_nodes(members, choice);
	regular.members = members;
	world->ring_seq += 4;
	regular.ring = (struct coterie_ring_id){.representative = members[0], .seq = world->ring_seq};
	for (uint32_t i = 0; i < SERVICES; i++) {
		struct service *service = &world->services[i];

		service->host->ring = regular.ring;
		service->ops->sync_start(service->self, transitional, came, &regular);
	}
	world->is_syncing = true;
	world->are_steps_done = false;
	synchronisations++;
}

static void sync_next(struct world *world, uint8_t choice)
{
	struct service *vote = &world->services[VOTE];
	struct service *quorum = &world->services[QUORUM];

	if (!world->is_syncing) {
		sync_start(world, choice);
	} else if (!world->are_steps_done) {
		int rc = vote->ops->sync_step(vote->self);

		FUZZ_CHECK(rc == 0 || rc == -EAGAIN);
		FUZZ_CHECK(quorum->ops->sync_step(quorum->self) == 0);
		world->are_steps_done = rc == 0;
	} else {
		loop(world); /* the barrier arrives after the messages that the steps have sent */
		FUZZ_CHECK(world->has_told_itself);
		quorum->ops->sync_done(quorum->self);
		vote->ops->sync_done(vote->self);
		world->is_syncing = false;
	}
}

/* --- the configuration --- */

static void set_key(struct world *world, struct script *script, uint8_t choice)
{
	static const struct {
		const char *key;
		uint32_t type;
	} keys[] = {
		{"quorum.expected_votes", COTERIE_MAP_U32},
		{"quorum.two_node", COTERIE_MAP_U8},
		{"quorum.votes", COTERIE_MAP_U32},
		{"quorum.device.model", COTERIE_MAP_STRING},
		{"quorum.device.votes", COTERIE_MAP_U32},
		{"quorum.cancel_wait_for_all", COTERIE_MAP_U8},
		{"nodelist.node.0.quorum_votes", COTERIE_MAP_U32},
		{"nodelist.node.1.quorum_votes", COTERIE_MAP_U32},
		{"nodelist.local_node_pos", COTERIE_MAP_U32},
		{"config.totemconfig_reload_in_progress", COTERIE_MAP_U8},
		{"config.reload_status", COTERIE_MAP_I32},
		{"quorum.device.timeout", COTERIE_MAP_U32},
	};
	struct coterie_ctx *host = world->services[VOTE].host;
	size_t i = choice % (sizeof(keys) / sizeof(keys[0]));
	uint32_t value = script_u8(script) % 8;
	uint8_t byte = (uint8_t)value;

	if (choice >= 240)
		(void)host->table.map_delete(host, keys[i].key);
	else if (keys[i].type == COTERIE_MAP_STRING)
		host->table.map_set(host, keys[i].key, keys[i].type, value != 0 ? "net" : "", value != 0 ? 4 : 1);
	else if (keys[i].type == COTERIE_MAP_U8)
		host->table.map_set(host, keys[i].key, keys[i].type, &byte, sizeof(byte));
	else
		host->table.map_set(host, keys[i].key, keys[i].type, &value, sizeof(value));
}

/* Set a configuration that votequorum accepts. The first byte of the script selects it. */
static void configure(struct coterie_ctx *host, uint8_t choice)
{
	static const struct {
		const char *keys[3];
	} configs[] = {
		{{"quorum.expected_votes"}},
		{{"quorum.two_node"}},
		{{"quorum.wait_for_all"}},
		{{"quorum.last_man_standing"}},
		{{"quorum.allow_downscale"}},
		{{"quorum.auto_tie_breaker"}},
		{{"quorum.auto_tie_breaker", "quorum.last_man_standing"}},
		{{"quorum.expected_votes_tracking", "quorum.wait_for_all"}},
	};
	static const uint8_t one = 1;
	const char *const *keys = configs[choice % (sizeof(configs) / sizeof(configs[0]))].keys;

	for (uint32_t i = 0; i < 4; i++) {
		char key[64];
		uint32_t nodeid = i + 1;

		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		host->table.map_set(host, key, COTERIE_MAP_U32, &nodeid, sizeof(nodeid));
	}
	host->table.map_set(host, "nodelist.local_node_pos", COTERIE_MAP_U32, &(uint32_t){1}, sizeof(uint32_t));
	for (uint32_t i = 0; i < 3 && keys[i] != NULL; i++)
		host->table.map_set(host, keys[i], COTERIE_MAP_U8, &one, sizeof(one));
}

/* --- the script --- */

/* Pass votequorum's verdict to the quorum service, which must report it. */
static void pass_verdict(struct world *world)
{
	struct coterie_ctx *from = world->services[VOTE].host;

	if (from->verdicts == world->told)
		return;
	verdicts += from->verdicts - world->told;
	world->told = from->verdicts;
	mock_quorum(world->services[QUORUM].host, from->quorum.is_quorate != 0, &from->quorum.ring,
		from->quorum.members, from->quorum.member_count, "votequorum");
}

static void connect_or_not(struct service *service, uint32_t i)
{
	if (service->clients[i] != NULL)
		disconnect(service, i);
	else
		connect_client(service, i);
}

static void step(struct world *world, struct script *script)
{
	enum operation operation = script_u8(script) % OPERATIONS;
	uint8_t choice = script_u8(script);
	struct service *vote = &world->services[VOTE];
	struct service *either = &world->services[choice >> 7];

	switch (operation) {
	case REQUEST:
	case RAW:
		request_bytes(either, script, choice, operation == RAW);
		break;
	case DEVICE:
		device(world, choice);
		break;
	case LOOP:
		loop(world);
		break;
	case RING:
		ring_bytes(world, script, choice);
		break;
	case INFO:
		info(world, script, choice);
		break;
	case CONNECT:
		connect_or_not(either, choice % CLIENTS);
		break;
	case SYNC:
		sync_next(world, choice);
		break;
	case ABORT:
		if (world->is_syncing)
			sync_start(world, choice);
		break;
	case REFUSE:
		vote->host->ring_send_rc = (choice & 1) != 0 ? -EAGAIN : 0;
		vote->host->state_file_rc = (choice & 2) != 0 ? -EIO : 0;
		break;
	case PASS:
		mock_host_advance(vote->host, choice * UINT64_C(100000000));
		break;
	case KEY:
		set_key(world, script, choice);
		break;
	case DRAIN:
		if (choice < 16)
			(void)vote->ops->drain(vote->self);
		break;
	case OPERATIONS:
		break;
	}
	pass_verdict(world);
	forget(vote);
	forget(&world->services[QUORUM]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct coterie_plugin *const plugins[SERVICES] = {
		&votequorum_LTX_coterie_plugin, &quorum_LTX_coterie_plugin};
	struct script script = {.at = data, .left = size};
	struct world world = {.told = 0};
	uint8_t config = script_u8(&script);

	for (uint32_t i = 0; i < SERVICES; i++) {
		struct service *service = &world.services[i];

		service->ops = plugins[i]->ops;
		service->host = mock_host_create(plugins[i]);
		service->host->nodeid = OWN_ID;
		configure(service->host, config);
		FUZZ_CHECK(service->ops->init(&service->host->table, service->host, &service->self) == 0);
		for (uint32_t k = 0; k < CLIENTS; k++)
			connect_client(service, k);
	}
	for (uint32_t i = 0; i < 3; i++) /* the first configuration, of this node alone */
		sync_next(&world, 0);
	for (uint32_t i = 0; i < OPERATIONS_MAX && script.left > 0; i++)
		step(&world, &script);
	for (uint32_t i = 0; i < SERVICES; i++) {
		struct service *service = &world.services[i];

		for (uint32_t k = 0; k < CLIENTS; k++)
			disconnect(service, k);
		service->ops->fini(service->self);
		FUZZ_CHECK(mock_host_destroy(service->host) == 0);
	}
	return 0;
}
