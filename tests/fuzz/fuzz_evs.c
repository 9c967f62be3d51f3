/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the service evs on a mock host: requests of clients, and messages of other nodes. The script is a list of
 * records: one byte for the operation, one for the client and small choices, and the operation's arguments. A simple
 * model runs beside the service. It knows which client is in which groups, and so which clients must receive a message.
 */
#include <errno.h>
#include <string.h>

#include "services/evs/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin evs_LTX_coterie_plugin;

#define CLIENTS 4u
#define OWN_ID 2u
#define OPERATIONS_MAX 200u

enum operation {
	REQUEST, /* a request with a correct header and any other bytes */
	RAW,     /* a request with any header */
	GROUPS,  /* a correct join or leave of a few groups */
	SEND,    /* a correct multicast */
	LOOP,    /* deliver this node's own messages */
	RING,    /* a message of another node */
	CONNECT, /* connect a client, or disconnect it */
	CONFIGURE,
	REFUSE, /* the ring or a client has no room, or has room again */
	OPERATIONS,
};

/* The expected state of one client. */
struct model {
	struct evs_wire_group *groups; /* array of count, in no order */
	uint32_t count;
};

struct world {
	const struct coterie_service *ops;
	struct coterie_ctx *host;
	void *self;
	struct coterie_client *clients[CLIENTS];
	struct model models[CLIENTS];
	uint64_t ring_seq;
};

const char *const *const fuzz_words = NULL;

static uint64_t requests, refused, messages, deliveries, configurations;

const char *fuzz_summary(void)
{
	static char text[160];

	snprintf(text, sizeof(text), "%llu requests, %llu refused, %llu messages, %llu deliveries, %llu configurations",
		(unsigned long long)requests, (unsigned long long)refused, (unsigned long long)messages,
		(unsigned long long)deliveries, (unsigned long long)configurations);
	return text;
}

/* --- the model --- */

static void model_join(struct model *model, const uint8_t *groups, uint32_t count)
{
	model->groups = realloc(model->groups, (model->count + count + 1) * sizeof(struct evs_wire_group));
	FUZZ_CHECK(model->groups != NULL);
	memcpy(model->groups + model->count, groups, count * sizeof(struct evs_wire_group));
	model->count += count;
}

static uint32_t model_find(const struct model *model, const uint8_t *group)
{
	uint32_t i = 0;

	while (i < model->count && memcmp(&model->groups[i], group, sizeof(*model->groups)) != 0)
		i++;
	return i;
}

/* Remove groups. @return 0; -ENOENT: one is not there */
static int model_leave(struct model *model, const uint8_t *groups, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = model_find(model, groups + i * sizeof(*model->groups));

		if (at == model->count)
			return -ENOENT;
		model->groups[at] = model->groups[--model->count];
	}
	return 0;
}

static bool model_meets(const struct model *model, const uint8_t *groups, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (model_find(model, groups + i * sizeof(*model->groups)) < model->count)
			return true;
	}
	return false;
}

/* --- clients --- */

static void disconnect(struct world *world, uint32_t i)
{
	if (world->clients[i] == NULL)
		return;
	world->ops->client_leave(world->self, world->clients[i]);
	mock_client_destroy(world->clients[i]);
	world->clients[i] = NULL;
	free(world->models[i].groups);
	world->models[i] = (struct model){0};
}

static void connect_client(struct world *world, uint32_t i)
{
	world->clients[i] = mock_client_create(world->host, world->ops->client_size, 100 + i);
	FUZZ_CHECK(world->ops->client_join(world->self, world->clients[i]) == 0);
	FUZZ_CHECK(world->clients[i]->events.count == 1);
}

/* Apply a request to the model, and check that the service's answer is the model's. */
static void follow(struct world *world, uint32_t i, const uint8_t *message, size_t size, int rc)
{
	struct model *model = &world->models[i];
	struct evs_req_groups head;
	const uint8_t *groups = message + sizeof(head);

	if (size < sizeof(head))
		return;
	memcpy(&head, message, sizeof(head));
	if (head.header.size != (int32_t)size || head.group_count > EVS_REQUEST_GROUPS_MAX ||
		head.group_count > (size - sizeof(head)) / sizeof(struct evs_wire_group))
		return;
	if (head.header.id == EVS_REQ_JOIN && rc == 0)
		model_join(model, groups, head.group_count);
	if (head.header.id == EVS_REQ_LEAVE)
		FUZZ_CHECK(model_leave(model, groups, head.group_count) == rc);
}

static void request(struct world *world, uint32_t i, const void *message, size_t size)
{
	struct coterie_client *client = world->clients[i];
	int rc;

	if (client == NULL)
		return;
	rc = mock_request(client, world->ops, world->self, message, (uint32_t)size);
	FUZZ_CHECK(rc == COTERIE_REPLIED || rc <= 0);
	FUZZ_CHECK(client->replies.count <= 1);
	FUZZ_CHECK(client->events.count <= 1); /* at most the first configuration, which waits */
	requests++;
	refused += rc < 0;
	mock_queue_clear(&client->replies);
	mock_queue_clear(&client->events);
	follow(world, i, message, size, rc);
}

static void request_bytes(struct world *world, struct script *script, uint8_t choice, bool is_raw)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	size_t head = is_raw ? 0 : sizeof(struct coterie_request_header);
	uint8_t *message = malloc(head + size + 1);
	struct coterie_request_header header = {.id = choice / CLIENTS % 8, .size = (int32_t)(head + size)};

	FUZZ_CHECK(message != NULL);
	memcpy(message, &header, head);
	if (size > 0)
		memcpy(message + head, bytes, size);
	request(world, choice % CLIENTS, message, head + size);
	free(message);
}

/* Put group names into a request. Each byte of the script selects one of a few names. @return number of groups */
static uint32_t put_groups(struct script *script, struct evs_wire_group *groups, uint32_t max)
{
	uint32_t count = script_u8(script) % (max + 1);

	memset(groups, 0, count * sizeof(*groups));
	for (uint32_t i = 0; i < count; i++) {
		uint8_t name = script_u8(script);

		groups[i].key[(name & 128) != 0 ? 31 : 0] = name % 8;
	}
	return count;
}

static void join_or_leave(struct world *world, struct script *script, uint8_t choice)
{
	union {
		struct evs_req_groups req;
		uint8_t bytes[sizeof(struct evs_req_groups) + 52 * sizeof(struct evs_wire_group)];
	} message = {.req = {.header = {.id = (choice & 64) != 0 ? EVS_REQ_LEAVE : EVS_REQ_JOIN}}};

	message.req.group_count = put_groups(script, message.req.groups, 52);
	message.req.header.size = (int32_t)(sizeof(message.req) +
					    message.req.group_count * sizeof(struct evs_wire_group));
	request(world, choice % CLIENTS, &message, (size_t)message.req.header.size);
}

static void send_some(struct world *world, struct script *script, uint8_t choice)
{
	union {
		struct evs_req_mcast_groups req;
		uint8_t bytes[4096];
	} message = {.req = {.header = {.id = EVS_REQ_MCAST_GROUPS}, .guarantee = choice / 64u}};
	size_t room;

	message.req.group_count = put_groups(script, message.req.groups, 8);
	room = sizeof(message.req) + message.req.group_count * sizeof(struct evs_wire_group);

	size_t size = script_u8(script) * 8u;
	const uint8_t *bytes = script_bytes(script, &size);

	if (size > 0)
		memcpy(message.bytes + room, bytes, size);
	message.req.msglen = (uint32_t)size;
	message.req.header.size = (int32_t)(room + size);
	request(world, choice % CLIENTS, &message, room + size);
}

/* --- the ring --- */

/* Deliver a message, and check that the clients in its groups get it and no other clients. */
static void deliver(struct world *world, uint32_t nodeid, bool swap, const struct mock_message *message)
{
	uint64_t head[2] = {0, 0};
	const uint8_t *groups = message->data + sizeof(head);
	bool is_sound = message->size >= sizeof(head);

	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (world->clients[i] != NULL)
			mock_queue_clear(&world->clients[i]->events);
	}
	if (is_sound) {
		memcpy(head, message->data, sizeof(head));
		if (swap)
			head[0] = __builtin_bswap64(head[0]), head[1] = __builtin_bswap64(head[1]);
		is_sound = head[0] <= (message->size - sizeof(head)) / 32 &&
			   head[1] == message->size - sizeof(head) - 32 * head[0];
	}
	(void)mock_deliver(world->ops, world->self, nodeid, swap, message);
	messages++;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct coterie_client *client = world->clients[i];

		if (client == NULL)
			continue;
		bool is_due = is_sound && client->event_rc == 0 && model_meets(&world->models[i], groups, head[0]);

		FUZZ_CHECK(client->events.count == (is_due ? 1u : 0u));
		if (is_due) {
			const struct mock_message *event = &client->events.list[0];

			FUZZ_CHECK(event->id == EVS_EVENT_DELIVER && event->size == 16 + head[1]);
			FUZZ_CHECK(memcmp(event->data + 16, groups + 32 * head[0], head[1]) == 0);
			deliveries++;
		}
	}
}

static void loop(struct world *world)
{
	struct mock_queue queue = world->host->sent;

	memset(&world->host->sent, 0, sizeof(world->host->sent));
	for (uint32_t i = 0; i < queue.count; i++)
		deliver(world, OWN_ID, false, &queue.list[i]);
	mock_queue_clear(&queue);
}

static void ring_message(struct world *world, struct script *script, uint8_t choice)
{
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	struct mock_message message = {.id = choice % 2u, .size = (uint32_t)size};

	message.data = malloc(size + 1);
	FUZZ_CHECK(message.data != NULL);
	if (size > 0)
		memcpy(message.data, bytes, size);
	if (message.id == EVS_RING_MCAST)
		deliver(world, 1 + choice / 8u % 4, (choice & 128) != 0, &message);
	else
		FUZZ_CHECK(mock_deliver(world->ops, world->self, 1, false, &message) == -EINVAL);
	free(message.data);
}

static void configure(struct world *world, uint8_t choice)
{
	uint32_t lists[3][4] = {{0}}, counts[3] = {0};

	for (uint32_t id = 1; id <= 4; id++) {
		uint32_t which = id == OWN_ID ? 0 : choice >> id & 1 ? 0 : 1 + (choice & 1);

		lists[which][counts[which]++] = id;
	}

	struct coterie_configuration configuration = {
		.size = sizeof(configuration),
		.is_regular = choice & 1,
		.ring = {.representative = lists[0][0], .seq = world->ring_seq += 4},
		.members = lists[0],
		.left = lists[1],
		.joined = lists[2],
		.member_count = counts[0],
		.left_count = counts[1],
		.joined_count = counts[2],
	};

	world->host->is_safe_kept = (choice & 64) != 0;
	world->ops->configuration(world->self, &configuration);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct coterie_client *client = world->clients[i];

		if (client == NULL)
			continue;
		FUZZ_CHECK(client->event_rc != 0 || client->events.count > 0);
		mock_queue_clear(&client->events);
	}
	configurations++;
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
	case GROUPS:
		join_or_leave(world, script, choice);
		break;
	case SEND:
		send_some(world, script, choice);
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
	case CONFIGURE:
		configure(world, choice);
		break;
	case REFUSE:
		world->host->ring_send_rc = (choice & 64) != 0 ? -EAGAIN : 0;
		if (world->clients[i] != NULL)
			world->clients[i]->event_rc = (choice & 128) != 0 ? -ENOTCONN : 0;
		break;
	case OPERATIONS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct world world = {.ops = evs_LTX_coterie_plugin.ops};

	world.host = mock_host_create(&evs_LTX_coterie_plugin);
	world.host->nodeid = OWN_ID;
	world.host->members[0] = OWN_ID;
	world.host->member_count = 1;
	FUZZ_CHECK(world.ops->init(&world.host->table, world.host, &world.self) == 0);
	for (uint32_t i = 0; i < CLIENTS; i++)
		connect_client(&world, i);
	for (uint32_t i = 0; i < OPERATIONS_MAX && script.left > 0; i++)
		step(&world, &script);
	for (uint32_t i = 0; i < CLIENTS; i++)
		disconnect(&world, i);
	world.ops->fini(world.self);
	FUZZ_CHECK(mock_host_destroy(world.host) == 0);
	return 0;
}
