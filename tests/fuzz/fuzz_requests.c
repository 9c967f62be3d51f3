/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the executive's checks of requests (exec/ipc/ipc_request.c). The handlers of the service check what service.h
 * guarantees. The script is a list of records: one byte for the results of the gates and the handler, one for the
 * request id, two for the size. A length and that many bytes of body follow.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "exec/ipc/ipc_private.h"
#include "exec/plugin/plugin_watch.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS 3u
#define ROOM_MESSAGE_MAX 900000u /* largest message that the ring accepts */

const char *const *const fuzz_words = NULL;

static uint64_t handled, refused, kept;

/* The present record of the script, and the calls that it has caused. */
static struct {
	bool is_synchronizing, is_quorate, is_lapsed, has_room;
	int handler_rc;
	const uint8_t *data; /* bytes that the client sent. NULL while a kept request runs */
	uint32_t size;
	uint32_t handled, answered;
} now;

static struct {
	struct plugin plugin;
	struct ipc_server server;
	struct ipc ipc;
	bool is_quorate;
	struct coterie_client clients[CLIENTS];
	uint32_t kept_sums[CLIENTS];
	uint64_t now_ns;
	bool is_turn_due; /* kept requests go on in the next turn */
} world;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu requests handled, %llu refused, %llu kept", (unsigned long long)handled,
		(unsigned long long)refused, (unsigned long long)kept);
	return text;
}

/* --- the service --- */

static uint32_t sum_of(const void *bytes, uint32_t size)
{
	const uint8_t *at = bytes;
	uint32_t sum = size;

	while (size-- > 0)
		sum = sum * 31 + *at++;
	return sum;
}

static const struct coterie_request *request_of(int32_t id) { return plugin_table_request(&world.plugin, id); }

static int handle(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct coterie_request_header header;

	FUZZ_CHECK(self == &world && !client->is_leaving && client->is_joined);
	memcpy(&header, msg, sizeof(header));
	const struct coterie_request *request = request_of(header.id);
	FUZZ_CHECK(request != NULL);
	FUZZ_CHECK(size >= request->size_min && size >= sizeof(header));
	FUZZ_CHECK(client->right >= ipc_right_of_flags(request->flags));
	FUZZ_CHECK(size <= client->size_max && size <= IPC_SIZE_MAX);
	FUZZ_CHECK((uintptr_t)msg % 8 == 0);
	FUZZ_CHECK((request->flags & COTERIE_NEEDS_QUORUM) == 0 || (now.is_quorate && !now.is_lapsed));
	FUZZ_CHECK((request->flags & COTERIE_NEEDS_FLOW) == 0 || !now.is_synchronizing);
	if (now.data != NULL) {
		FUZZ_CHECK(size == now.size && memcmp(msg, now.data, size) == 0);
		FUZZ_CHECK((request->flags & COTERIE_NEEDS_FLOW) == 0 || now.has_room ||
			   (request->flags & COTERIE_NO_REPLY) != 0);
	} else { /* a kept request must be unchanged */
		FUZZ_CHECK((request->flags & (COTERIE_NO_REPLY | COTERIE_NEEDS_QUORUM)) != 0);
		FUZZ_CHECK(sum_of(msg, size) == world.kept_sums[client - world.clients]);
	}
	world.now_ns += 400000; /* a few requests that waited fill a turn of the loop */
	now.handled++;
	handled++;
	return now.handler_rc;
}

static const struct coterie_request requests[] = {
	{.id = 0, .size_min = 16, .response_id = 100, .handle = handle},
	{.id = 1, .size_min = 0, .response_id = 101, .handle = handle},
	{.id = 2, .size_min = 40, .flags = COTERIE_NEEDS_FLOW, .response_id = 102, .handle = handle},
	{.id = 3, .size_min = 24, .flags = COTERIE_NEEDS_FLOW | COTERIE_NO_REPLY, .handle = handle},
	{.id = 5, .size_min = 5000, .flags = COTERIE_NEEDS_QUORUM, .response_id = 105, .handle = handle},
	{.id = 6, .size_min = 16, .flags = COTERIE_ADMINISTERS, .response_id = 106, .handle = handle},
	{.id = 7, .size_min = 16, .flags = COTERIE_OBSERVES, .response_id = 107, .handle = handle},
	{.id = 8, .size_min = 16, .flags = COTERIE_NO_REPLY, .handle = handle},
	{.id = 4000, .size_min = IPC_SIZE_MAX, .response_id = 104, .handle = handle},
};

/* --- the rest of the executive --- */

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return world.now_ns;
}

void ipc_turn_later(struct ipc *ipc)
{
	(void)ipc;
	world.is_turn_due = true;
}

void log_line(const char *subsystem, int prio, const char *format, ...) { (void)subsystem, (void)prio, (void)format; }

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	(void)limit, (void)now_ns, (void)subsystem, (void)prio, (void)format;
}

void ipc_client_respond(struct coterie_client *client, uint32_t response_id, enum ipc_error error)
{
	FUZZ_CHECK(!client->is_closed);
	if (response_id == 0)
		FUZZ_CHECK(
			error == IPC_INVALID_PARAM || error == IPC_TRY_AGAIN || (error == IPC_OK && now.handled > 0));
	now.answered++;
}

void ipc_access_refused(struct coterie_client *client, uint32_t right) { FUZZ_CHECK(client->right < right); }

enum ipc_error ipc_error_from_errno(int rc) { return rc == -EAGAIN ? IPC_TRY_AGAIN : IPC_LIBRARY; }

void ipc_client_disconnect(struct coterie_client *client) { client->is_leaving = true; }

void ipc_client_listen(struct coterie_client *client) { (void)client; }

enum ipc_gate ipc_gate_of(const struct ipc_server *server, uint32_t needs)
{
	bool is_closed = ((needs & COTERIE_NEEDS_QUORUM) != 0 && !now.is_quorate) ||
			 ((needs & COTERIE_NEEDS_FLOW) != 0 && now.is_synchronizing);

	(void)server;
	if (!is_closed && (needs & (COTERIE_NEEDS_QUORUM | COTERIE_TELLS_QUORUM)) != 0 && now.is_lapsed)
		return IPC_GATE_LAPSED;
	return is_closed ? IPC_GATE_CLOSED : IPC_GATE_OPEN;
}

int ipc_gate_room(const struct ipc *ipc, uint32_t size)
{
	(void)ipc;
	if (size > ROOM_MESSAGE_MAX)
		return -EMSGSIZE;
	return now.has_room ? 0 : -EAGAIN;
}

const struct plugin_call *plugin_call_now;

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	(void)plugin, (void)ran_ns, (void)what;
}

void ipc_gate(struct ipc *ipc) { (void)ipc; }

void ipc_gate_check_later(struct ipc *ipc) { (void)ipc; }

bool ipc_reply_settle(struct coterie_client *client, int rc)
{
	(void)client, (void)rc;
	return false;
}

void ipc_fan_renew(struct ipc *ipc) { (void)ipc; }

void ipc_hold_request(struct coterie_client *client, bool is_silent) { (void)client, (void)is_silent; }

/* Replacement: no client has a channel. */
bool ipc_channel_is_open(const struct coterie_client *client)
{
	(void)client;
	return false;
}

bool ipc_channel_request(struct coterie_client *client, int32_t id)
{
	(void)client;
	(void)id;
	return false;
}

bool ipc_channel_drain(struct coterie_client *client)
{
	(void)client;
	return true;
}

/* --- the script --- */

static void set_up(void)
{
	memset(&world, 0, sizeof(world));
	world.plugin.service = (struct coterie_service){COTERIE_REQUESTS(requests)};
	world.plugin.self = &world;
	world.ipc.parts.is_quorate = &world.is_quorate;
	world.ipc.kept_last = &world.ipc.kept;
	world.server.ipc = &world.ipc;
	world.server.plugin = &world.plugin;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		world.clients[i].server = &world.server;
		world.clients[i].is_joined = true;
		world.clients[i].size_max = i == 0 ? 8192 : IPC_SIZE_MAX;
		world.clients[i].right = COTERIE_RIGHT_OBSERVE + i % 3;
	}
}

static int32_t choose_id(struct script *script)
{
	uint8_t choice = script_u8(script);

	if (choice < 16)
		return choice;
	if (choice < 32)
		return 4000;
	return (int32_t)((uint32_t)choice << 24 | script_u16(script));
}

/* Choose a size close to one of the limits, or any size. */
static size_t choose_size(struct script *script, int32_t id)
{
	const struct coterie_request *request = request_of(id);
	uint8_t choice = script_u8(script);
	uint8_t little = script_u8(script);
	const size_t borders[] = {
		request != NULL ? request->size_min : 0, 16, 24, 4096, IPC_SIZE_MAX, 8192, ROOM_MESSAGE_MAX, 0};
	size_t border = borders[choice % 8];

	if (choice < 192)
		/* A result below 0 becomes a huge size, as a negative field of a request does. */
		return border + little % 8 - 4;
	return (size_t)(int64_t)(int32_t)((uint32_t)choice << 24 | (uint32_t)little << 12);
}

static void choose_state(uint8_t choice)
{
	static const int results[] = {0, COTERIE_REPLIED, COTERIE_LATER, -EAGAIN, -EAGAIN, -EINVAL, -EIO, 0};

	memset(&now, 0, sizeof(now));
	now.is_synchronizing = (choice & 1) != 0;
	now.is_quorate = (choice & 2) != 0;
	now.has_room = (choice & 4) != 0;
	now.is_lapsed = (choice & 0x21) == 0x20;
	now.handler_rc = results[choice >> 3 & 7];
	world.is_quorate = now.is_quorate;
}

static uint32_t answers_due(const struct coterie_request *request, bool is_refused)
{
	if (request != NULL && (request->flags & COTERIE_NO_REPLY) != 0)
		return 0;
	if (is_refused || now.handled == 0)
		return 1;
	return now.handler_rc == COTERIE_REPLIED || now.handler_rc == COTERIE_LATER ? 0 : 1;
}

static void take_request(struct script *script)
{
	uint8_t choice = script_u8(script);

	choose_state(choice);
	struct coterie_client *client = &world.clients[(choice >> 6) % CLIENTS];
	int32_t id = choose_id(script);
	size_t size = choose_size(script, id);
	const struct coterie_request *request = request_of(id);
	size_t body_size = script_u8(script);
	const uint8_t *body = script_bytes(script, &body_size);
	size_t room = size > client->size_max ? client->size_max : size; /* bytes that the client really sent */
	int32_t said = (int32_t)size;

	if (client->kept != NULL || client->is_leaving)
		return; /* the executive does not read the request */
	if (room < sizeof(struct coterie_request_header))
		room = sizeof(struct coterie_request_header);
	uint8_t *data = calloc(1, room);
	FUZZ_CHECK(data != NULL);
	memcpy(data, &id, sizeof(id));
	memcpy(data + offsetof(struct coterie_request_header, size), &said, sizeof(said));
	if (room > 16)
		memcpy(data + 16, body, body_size < room - 16 ? body_size : room - 16);
	now.data = data;
	now.size = (uint32_t)size;
	uint64_t refusals = client->invalid_requests;
	ipc_request_process(client, data, (uint32_t)room);
	bool is_refused = client->invalid_requests > refusals;
	bool is_fit = request != NULL && size >= request->size_min && size >= 16 && size <= client->size_max &&
		      ((request->flags & COTERIE_NEEDS_FLOW) == 0 || size <= ROOM_MESSAGE_MAX);
	FUZZ_CHECK(is_refused == !is_fit);
	FUZZ_CHECK(!is_refused || now.handled == 0);
	FUZZ_CHECK(now.answered == (client->kept != NULL ? 0 : answers_due(request, is_refused)));
	refused += is_refused;
	if (client->kept != NULL) {
		kept++;
		FUZZ_CHECK((request->flags & COTERIE_NO_REPLY) != 0 ||
			   ((request->flags & COTERIE_NEEDS_QUORUM) != 0 && now.is_lapsed));
		FUZZ_CHECK(client->kept_size == size);
		world.kept_sums[client - world.clients] = sum_of(data, (uint32_t)size);
	}
	free(data);
}

/* Return the number of clients that wait for an answer. */
static uint32_t count_waiting(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		count += world.clients[i].kept != NULL &&
			 (world.clients[i].kept_request->flags & COTERIE_NO_REPLY) == 0;
	return count;
}

static void resume(void)
{
	uint32_t waiting = count_waiting();

	do {
		world.is_turn_due = false;
		ipc_requests_resume(&world.ipc);
	} while (world.is_turn_due);
	waiting -= count_waiting();
	if (now.handler_rc == COTERIE_REPLIED || now.handler_rc == COTERIE_LATER)
		FUZZ_CHECK(now.answered <= waiting);
	else
		FUZZ_CHECK(now.answered == waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};

	set_up();
	while (script.left > 0) {
		take_request(&script);
		choose_state(script_u8(&script));
		resume();
	}
	for (uint32_t i = 0; i < CLIENTS; i++) {
		ipc_request_last(&world.clients[i]);
		FUZZ_CHECK(world.clients[i].kept == NULL);
	}
	FUZZ_CHECK(world.ipc.kept == NULL && world.ipc.kept_last == &world.ipc.kept);
	return 0;
}
