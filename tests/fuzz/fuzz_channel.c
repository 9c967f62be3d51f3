/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the rings of a fast channel. The client writes anything at any time, even while the service reads one of its
 * messages. The script is a list of records: a byte that selects the operation, and the operation's arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec/ipc/ipc_channel.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS 2u

const char *const *const fuzz_words = NULL;

static uint64_t messages, records, punished;
static volatile uint8_t sink;

static struct {
	struct plugin plugin;
	struct ipc_server server;
	struct ipc ipc;
	struct coterie_client clients[CLIENTS];
	struct totem_queue queue;
	struct script *script;
	uint64_t now_ns;
	bool is_synchronizing;
	int service_rc;
	uint32_t calls; /* calls of the service's handlers in this step */
	void (*timer)(void *arg), (*deferred)(void *arg);
} world;

/* The rings' memory is allocated once, and set to zero at the start of each run. */
static struct {
	struct coterie_channel_ring ring;
	bool is_taken;
} memory[2 * CLIENTS];

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu messages, %llu records, %llu clients sent away",
		(unsigned long long)messages, (unsigned long long)records, (unsigned long long)punished);
	return text;
}

/* --- memory --- */

int ipc_channel_memory_make(
	struct coterie_channel_ring *ring, struct ipc_channel_memory *guards, uint32_t size, int *fd)
{
	(void)guards;
	size_t place = 0;

	FUZZ_CHECK(size == coterie_channel_rounded(size));
	while (memory[place].is_taken)
		place++;
	*fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(*fd >= 0);
	if (memory[place].ring.control == NULL || memory[place].ring.size != size) {
		coterie_channel_unmap(&memory[place].ring);
		FUZZ_CHECK(ftruncate(*fd, (off_t)COTERIE_CHANNEL_DATA + size) == 0);
		FUZZ_CHECK(coterie_channel_map(&memory[place].ring, *fd, size) == 0);
	}
	memory[place].is_taken = true;
	*ring = memory[place].ring;
	return 0;
}

bool ipc_channel_memory_is_broken(const struct ipc_channel_memory *guards)
{
	(void)guards;
	return false;
}

void ipc_channel_memory_free(struct coterie_channel_ring *ring, struct ipc_channel_memory *guards)
{
	(void)guards;
	for (size_t i = 0; i < 2 * CLIENTS; i++)
		if (memory[i].ring.data == ring->data)
			memory[i].is_taken = false;
	madvise(ring->control, COTERIE_CHANNEL_DATA, MADV_REMOVE);
	madvise(ring->data, ring->size, MADV_REMOVE);
	ring->control = NULL;
}

void ipc_channel_memory_withdraw(const struct coterie_channel_ring *ring)
{
	madvise(ring->control, COTERIE_CHANNEL_DATA, MADV_REMOVE);
}

bool ipc_channel_memory_free_piece(struct coterie_channel_ring *ring, struct ipc_channel_memory *guards)
{
	if (ring->control != NULL)
		ipc_channel_memory_free(ring, guards);
	return true;
}

int ipc_channel_hand_over(
	const struct coterie_client *client, const char address[8], const uint8_t token[16], const int fds[2])
{
	(void)client, (void)address, (void)token, (void)fds;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool ipc_channel_parcel_waits(int parcel)
{
	(void)parcel;
	return false;
}

/* --- the client --- */

/* Change one word of the shared memory, or the head of the next message. */
static void scribble(struct ipc_channel *channel)
{
	uint8_t where = script_u8(world.script);
	struct coterie_channel_ring *ring = (where & 1) != 0 ? &channel->receive : &channel->send;
	uint32_t value = script_u32(world.script);
	uint64_t position = ring->at + (uint64_t)(int64_t)(int16_t)value;

	if ((where & 0x80) != 0)
		position = (uint64_t)value << (where & 0x20);
	switch (where >> 1 & 7) {
	case 0:
		ring->control->reader_armed = value % 4;
		break;
	case 1:
		ring->control->writer_waits = value % 3;
		break;
	case 2:
		ring->control->consumed = position;
		break;
	case 3:
		ring->control->written = position;
		break;
	case 4:
		memcpy(ring->data + value % ring->size, &value, sizeof(value));
		break;
	default: /* the length of the next message */
		memcpy(coterie_channel_here(ring), &value, sizeof(value));
	}
}

/* Write a message as the library does, with any bytes. */
static void write_message(struct ipc_channel *channel)
{
	struct coterie_channel_ring *ring = &channel->send;
	uint64_t written = ring->control->written;
	struct coterie_channel_message head = {.length = script_u32(world.script) % (ring->size - 8)};
	uint32_t size = coterie_channel_padded(sizeof(head), head.length);

	if (written - ring->at > ring->size || written - ring->at + size > ring->size || written % 8 != 0)
		return;
	memcpy(ring->data + written % ring->size, &head, sizeof(head));
	ring->control->written = written + size;
}

/* --- the service --- */

static int take_message(void *self, struct coterie_client *client, uint32_t guarantee, const void *msg, uint32_t size)
{
	const struct coterie_channel_ring *ring = &client->channel->send;
	const uint8_t *bytes = msg;

	(void)guarantee;
	FUZZ_CHECK(self == &world && client->is_joined && !client->is_leaving);
	FUZZ_CHECK(!world.is_synchronizing && world.ipc.level != IPC_LEVEL_CRITICAL);
	FUZZ_CHECK(bytes >= ring->data + 8 && size <= ring->size - 8);
	FUZZ_CHECK(bytes + size <= ring->data + 2 * (size_t)ring->size && (uintptr_t)bytes % 8 == 0);
	if (size > 0)
		sink ^= bytes[0] ^ bytes[size - 1];
	if (world.script->left > 0 && *world.script->at % 4 == 0)
		scribble(client->channel);
	messages++;
	/*
	 * The handler is called at most once for each message that both rings can hold at the start and at the end of
	 * the step.
	 */
	FUZZ_CHECK(++world.calls <= 4 * CLIENTS * (COTERIE_CHANNEL_RECEIVE_MIN / 8));
	return world.service_rc;
}

/* --- the rest of the executive --- */

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return world.now_ns;
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	(void)loop, (void)at_ns;
	FUZZ_CHECK(arg == &world.ipc);
	world.timer = run;
	return (struct loop_timer *)&world;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer) { (void)loop, (void)timer; }

bool loop_may_wait(const struct loop *loop)
{
	(void)loop;
	return true;
}

int loop_defer(struct loop *loop, void (*run)(void *), void *arg)
{
	(void)loop;
	FUZZ_CHECK(arg == &world.ipc);
	world.deferred = run;
	return 0;
}

void log_line(const char *subsystem, int prio, const char *format, ...) { (void)subsystem, (void)prio, (void)format; }

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	(void)limit, (void)now_ns, (void)subsystem, (void)prio, (void)format;
	punished++;
}

const struct plugin_call *plugin_call_now;

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	(void)plugin, (void)ran_ns, (void)what;
}

struct totem_engine *ring_engine(struct ring *ring) { return (struct totem_engine *)ring; }

void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue)
{
	(void)engine;
	*queue = world.queue;
}

enum ipc_gate ipc_gate_of(const struct ipc_server *server, uint32_t needs)
{
	(void)server, (void)needs;
	return world.is_synchronizing ? IPC_GATE_CLOSED : IPC_GATE_OPEN;
}

void ipc_gate(struct ipc *ipc) { (void)ipc; }
void ipc_turn_later(struct ipc *ipc) { ipc->drain_room = IPC_DRAIN_SIZE; }
void ipc_client_flush(struct coterie_client *client) { (void)client; }

int ipc_client_may(struct coterie_client *client, uint32_t right)
{
	(void)client, (void)right;
	return 0;
}

void ipc_client_disconnect(struct coterie_client *client) { client->is_leaving = true; }

void ipc_client_respond(struct coterie_client *client, uint32_t response_id, enum ipc_error error)
{
	(void)client;
	FUZZ_CHECK(response_id == COTERIE_CHANNEL_REFUSED && error == IPC_OK);
}

bool qbs_refuse_descriptors(int fd)
{
	(void)fd;
	return true;
}

void qbs_close(struct qbs_host *host, int fd)
{
	(void)host;
	close(fd);
}

int qbs_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	(void)connection, (void)iov, (void)count;
	return 0;
}

/* --- the script --- */

static void open_channel(struct coterie_client *client)
{
	struct coterie_channel_offer offer = {.features = COTERIE_CHANNEL_RINGS};
	struct coterie_channel_grant grant;

	memcpy(offer.magic, COTERIE_CHANNEL_MAGIC, sizeof(offer.magic));
	FUZZ_CHECK(ipc_channel_open(client, &offer, sizeof(offer), &grant) == 0);
	FUZZ_CHECK(ipc_channel_open(client, &offer, sizeof(offer), &grant) == -EALREADY);
}

static void set_up(struct script *script)
{
	memset(&world, 0, sizeof(world));
	world.script = script;
	world.plugin.service = (struct coterie_service){.channel_message = take_message};
	world.plugin.self = &world;
	world.queue.total = 2974;
	world.ipc.ring = (struct ring *)&world;
	world.ipc.drain_room = IPC_DRAIN_SIZE;
	world.server.ipc = &world.ipc;
	world.server.plugin = &world.plugin;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		world.clients[i].server = &world.server;
		world.clients[i].is_joined = true;
		world.clients[i].connection = (struct qbs_connection *)&world; /* a plugin as a client has none */
		open_channel(&world.clients[i]);
	}
}

static void put_record(struct coterie_client *client)
{
	static uint8_t bytes[IPC_SIZE_MAX];
	struct ipc_event head = {.kind = COTERIE_CHANNEL_EVENT, .size = script_u32(world.script) % IPC_SIZE_MAX};
	struct iovec iov = {bytes, head.size};
	struct ipc_channel *channel = client->channel;
	uint64_t before = channel->receive.at;

	if (client->is_leaving)
		return;
	int rc = ipc_channel_put(client, &head, &iov, 1);
	FUZZ_CHECK(rc == 0 || rc == -EAGAIN || (rc == -EPROTO && client->is_leaving));
	FUZZ_CHECK(rc != 0 || channel->is_confirmed);
	FUZZ_CHECK(channel->receive.at - before == (rc == 0 ? (uint64_t)coterie_channel_padded(16, head.size) : 0));
	FUZZ_CHECK(channel->receive.at - channel->receive.other <= channel->receive.size);
	records += rc == 0;
}

static void run_later(void (**place)(void *arg))
{
	void (*run)(void *arg) = *place;

	*place = NULL;
	if (run != NULL)
		run(&world.ipc);
}

static void set_state(uint8_t choice)
{
	static const int results[] = {0, 0, 0, -EAGAIN, -ENOENT, -EMSGSIZE, 0, 0};
	static const uint32_t used[] = {0, 10, 40, 2500};

	world.service_rc = results[choice & 7];
	world.is_synchronizing = (choice & 0x38) == 0x38;
	world.queue.used = used[choice >> 6];
	world.ipc.level = world.queue.used > 2000 ? IPC_LEVEL_CRITICAL : IPC_LEVEL_GOOD;
}

static void step(void)
{
	uint8_t choice = script_u8(world.script);
	struct coterie_client *client = &world.clients[choice & 1];

	world.calls = 0;
	if (client->channel == NULL)
		return;
	switch (choice >> 1 & 15) {
	case 0:
		set_state(script_u8(world.script));
		break;
	case 1:
		if (!client->is_leaving)
			FUZZ_CHECK(ipc_channel_request(client, COTERIE_CHANNEL_DOORBELL));
		break;
	case 2:
		if (!client->is_leaving && (choice & 0xe0) == 0)
			(void)ipc_channel_request(client, COTERIE_CHANNEL_REFUSED);
		break;
	case 3: /* a request that needs flow, either new or one that waits */
		client->kept = (choice & 0x20) != 0 ? (uint8_t *)&world : NULL;
		(void)ipc_channel_drain(client);
		break;
	case 4:
	case 5:
		world.queue.wanted = script_u8(world.script);
		ipc_pull(&world.ipc);
		break;
	case 6:
		world.now_ns += 1000000;
		run_later(&world.timer);
		break;
	case 7:
		run_later(&world.deferred);
		break;
	case 8:
	case 9:
		put_record(client);
		break;
	case 10:
	case 11:
	case 12:
		write_message(client->channel);
		break;
	case 13:
		world.ipc.is_queue_shared = true;
		break;
	default:
		scribble(client->channel);
	}
}

static void check_client(const struct coterie_client *client)
{
	const struct ipc_channel *channel = client->channel;

	if (channel == NULL)
		return;
	FUZZ_CHECK(channel->until - channel->send.at <= channel->send.size);
	FUZZ_CHECK(channel->send.at % 8 == 0 && channel->receive.at % 8 == 0);
	FUZZ_CHECK(channel->receive.at - channel->receive.other <= channel->receive.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};

	set_up(&script);
	while (script.left > 0) {
		step();
		for (uint32_t i = 0; i < CLIENTS; i++)
			check_client(&world.clients[i]);
	}
	for (uint32_t i = 0; i < CLIENTS; i++) {
		world.calls = 0;
		while (ipc_channel_last(&world.clients[i]))
			;
		ipc_channel_close(&world.clients[i]);
	}
	run_later(&world.timer);
	run_later(&world.deferred);
	ipc_channels_free(&world.ipc);
	FUZZ_CHECK(world.ipc.channels == 0 && world.ipc.channel_bytes == 0);
	FUZZ_CHECK(world.ipc.awake == NULL && world.ipc.dirty == NULL);
	return 0;
}
