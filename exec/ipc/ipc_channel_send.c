/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read messages from the clients' send rings, a share of each. This happens when the token arrives, and no more
 * messages are read than the ring can carry. Further messages stay in the send ring, so that the client sees a full
 * ring.
 */
#include "exec/ipc/ipc_channel.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"

#define SHARE (16 << 10) /* bytes that a client may send before it is the next one's turn */
#define MESSAGE_COST 192 /* queue space that the smallest message takes, in bytes */
/*
 * visits without a message after which the client has to send doorbells again: fewer than until an idle ring holds the
 * token
 */
#define SILENT_VISITS 16u
#define VISIT_NS UINT64_C(10000000) /* without a token for this long the daemon falls back to doorbells */
#define REFUSED_MAX 4096u /* a client that has hung up ends when the service has refused so many of its last messages */

/* --- one ring --- */

enum taken {
	TAKEN,   /* messages were read, and there may be more */
	EMPTY,   /* no message is left of those seen by look() */
	NO_ROOM, /* try again later */
};

static bool is_empty(const struct ipc_channel *channel) { return channel->send.at == channel->until; }

/*
 * Read the client's position. Messages that it writes later wait for the next look. So a client that writes as fast as
 * the daemon reads does not keep the daemon here.
 */
static void look(struct ipc_channel *channel)
{
	int64_t filled = coterie_channel_filled(&channel->send);

	if (filled < 0 || ipc_channel_memory_is_broken(&channel->send_memory))
		ipc_channel_punish(channel);
	else
		channel->until = channel->send.at + (uint64_t)filled;
}

static int call_service(struct ipc_channel *channel, const struct coterie_channel_message *head)
{
	struct coterie_client *client = channel->client;
	struct plugin *plugin = client->server->plugin;
	const uint8_t *bytes = coterie_channel_here(&channel->send) + sizeof(*head);

	client->is_in_handler = true;
	struct plugin_call call;

	plugin_enter(&call, plugin, "messages of channels");
	int rc = plugin->service.channel_message(plugin->self, client, head->guarantee, bytes, head->length);
	plugin_leave(&call);
	client->is_in_handler = false;
	return rc;
}

static enum taken take(struct ipc_channel *channel, bool is_sharing)
{
	struct coterie_channel_ring *ring = &channel->send;
	struct ipc *ipc = channel->client->server->ipc;
	struct coterie_channel_message head;

	if (is_empty(channel))
		return EMPTY;
	memcpy(&head, coterie_channel_here(ring), sizeof(head));
	/* read the head once only: the client may change it at any time */
	__asm__ volatile("" : : "r"(&head) : "memory");
	if (head.length > ring->size || coterie_channel_padded(sizeof(head), head.length) > channel->until - ring->at) {
		ipc_channel_punish(channel);
		return NO_ROOM;
	}
	int rc = call_service(channel, &head);
	if (rc == -EAGAIN)
		return NO_ROOM;
	int64_t cost = (int64_t)head.length + MESSAGE_COST;
	ring->at += coterie_channel_padded(sizeof(head), head.length);
	channel->share -= cost;
	ipc->pull_room -= cost;
	ipc->drain_room -= is_sharing ? 0 : cost;
	channel->refused += channel->is_last && rc < 0;
	channel->requests++;
	return TAKEN;
}

/*
 * Free the room of handled messages, and wake the client if it waits for room and half of the ring is free or nothing
 * is left to read.
 */
static void give_back(struct ipc_channel *channel)
{
	struct coterie_channel_ring *ring = &channel->send;
	struct coterie_channel_control *control = ring->control;

	coterie_channel_release(ring, ring->at);
	if (!is_empty(channel) && channel->until - ring->at > ring->size / 2)
		return;
	if (coterie_channel_heard(&control->writer_waits))
		syscall(SYS_futex, &control->writer_waits, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Return whether there are messages to read. Those of a client that is held back stay in the ring. */
static bool has_any(const struct ipc_channel *channel) { return !is_empty(channel) && !channel->client->is_held; }

/* Messages of a client that the daemon ends are not read. */
static bool has_ended(const struct ipc_channel *channel) { return channel->client->is_leaving && !channel->is_last; }

static bool may_take(const struct ipc_channel *channel)
{
	const struct coterie_client *client = channel->client;

	return client->is_joined && !has_ended(channel) && client->server->ipc->level != IPC_LEVEL_CRITICAL &&
	       ipc_gate_of(client->server, COTERIE_NEEDS_FLOW | (client->server->needs_quorum ? COTERIE_NEEDS_QUORUM
											      : 0u)) == IPC_GATE_OPEN;
}

/*
 * Read messages until the client's share is used up, or, unless is_sharing, until drain_room is. @return TAKEN: it is
 * used up
 */
static enum taken take_some(struct ipc_channel *channel, bool is_sharing)
{
	struct ipc *ipc = channel->client->server->ipc;
	const int64_t *left = is_sharing ? &channel->share : &ipc->drain_room;
	uint64_t before = channel->requests;
	enum taken taken = NO_ROOM;

	if (may_take(channel)) {
		taken = TAKEN;
		while (taken == TAKEN && !has_ended(channel) && *left > 0)
			taken = take(channel, is_sharing);
	}
	if (is_empty(channel))
		taken = EMPTY;
	if (channel->requests != before) {
		channel->silent = 0;
		give_back(channel);
		ipc_gate(ipc); /* the queue may be fuller than before */
	}
	if (taken == EMPTY && channel->share > 0)
		channel->share = 0; /* an idle client does not accumulate a share */
	return taken;
}

bool ipc_channel_drain(struct coterie_client *client)
{
	struct ipc_channel *channel = client->channel;

	if (channel == NULL)
		return true;
	if (channel->is_last)
		return is_empty(channel); /* ipc_channel_last reads them */
	look(channel);
	if (client->is_leaving)
		return false; /* the remaining messages of a client that leaves are not handled */
	if (client->kept == NULL)
		channel->barrier = channel->until;
	enum taken taken = channel->send.at < channel->barrier ? take_some(channel, false) : EMPTY;
	if (channel->send.at >= channel->barrier)
		return true;
	if (taken == TAKEN)
		ipc_turn_later(client->server->ipc);
	ipc_channel_wake(channel);
	return false;
}

bool ipc_channel_last(struct coterie_client *client)
{
	struct ipc_channel *channel = client->channel;

	if (channel == NULL)
		return false;
	if (!channel->is_last) {
		look(channel);
		ipc_channel_fall_asleep(channel);
		channel->is_last = !client->is_leaving;
	}
	/* Those that find no room in the queue now are lost. */
	if (take_some(channel, false) != TAKEN)
		return false;
	if (channel->refused >= REFUSED_MAX) {
		channel->until = channel->send.at; /* the service would refuse the rest, too */
		return false;
	}
	ipc_turn_later(client->server->ipc);
	return true;
}

/* --- awake and asleep --- */

static void pull_later(struct ipc *ipc);

static void append_awake(struct ipc_channel *channel)
{
	struct ipc_channel **place = &channel->client->server->ipc->awake;

	while (*place != NULL)
		place = &(*place)->awake_next;
	channel->awake_next = NULL;
	*place = channel;
}

static void remove_awake(struct ipc_channel *channel)
{
	struct ipc_channel **place = &channel->client->server->ipc->awake;

	while (*place != channel)
		place = &(*place)->awake_next;
	*place = channel->awake_next;
}

void ipc_channel_fall_asleep(struct ipc_channel *channel)
{
	if (!channel->is_awake)
		return;
	channel->is_awake = false;
	remove_awake(channel);
}

/* The send ring is empty: let the client send a doorbell for its next message. */
static void arm(struct ipc_channel *channel)
{
	uint32_t *armed = &channel->send.control->reader_armed;

	coterie_channel_say(armed);
	look(channel);
	if (is_empty(channel))
		ipc_channel_fall_asleep(channel);
	else
		__atomic_store_n(armed, COTERIE_CHANNEL_AWAKE, __ATOMIC_SEQ_CST);
}

/* A doorbell can also arrive when its message has been read already: then the send ring is empty. */
void ipc_channel_wake(struct ipc_channel *channel)
{
	struct ipc *ipc = channel->client->server->ipc;

	channel->silent = 0;
	if (channel->is_awake || channel->is_last)
		return;
	__atomic_store_n(&channel->send.control->reader_armed, COTERIE_CHANNEL_AWAKE, __ATOMIC_RELAXED);
	channel->is_awake = true;
	append_awake(channel);
	look(channel);
	if (is_empty(channel))
		arm(channel);
	if (!channel->is_awake)
		return;
	pull_later(ipc);
	ipc_await_rung(ipc, loop_now_ns(ipc->parts.loop));
	channel->share = SHARE;
	if (has_any(channel))
		(void)take_some(channel, true);
}

/* --- all channels --- */

/* Return how many more bytes should be queued for the ring. */
static int64_t room(const struct ipc *ipc)
{
	struct totem_queue queue = {.total = 1};

	if (ipc->ring != NULL && ring_engine(ipc->ring) != NULL)
		totem_engine_queue(ring_engine(ipc->ring), &queue);
	return ((int64_t)queue.wanted - queue.used) * (IPC_QUEUE_BYTES / queue.total);
}

/*
 * Deficit round robin: read a share of each channel in turn, until all are empty or there is no room. The next visit
 * continues with the next channel. If requests also fill the queue, one share is read even without room.
 *
 * @return whether anything was taken
 */
static bool pull(struct ipc *ipc)
{
	uint32_t count = 0;
	bool has_more;

	ipc->pull_room = room(ipc);
	if (ipc->pull_room <= 0 && ipc->is_queue_shared)
		ipc->pull_room = 1;
	int64_t before = ipc->pull_room;
	ipc->is_queue_shared = false;
	for (struct ipc_channel *one = ipc->awake; one != NULL; one = one->awake_next, count++)
		look(one);
	do {
		has_more = false;
		for (uint32_t i = 0; i < count && ipc->pull_room > 0; i++) {
			struct ipc_channel *one = ipc->awake;

			remove_awake(one);
			append_awake(one);
			if (!has_any(one))
				continue;
			one->share += one->share < SHARE ? SHARE : 0;
			has_more |= one->share <= 0 || take_some(one, true) == TAKEN;
		}
	} while (has_more && ipc->pull_room > 0);
	return ipc->pull_room < before;
}

/*
 * Handle clients whose send ring is empty: run their requests that waited. They have to send doorbells again if
 * is_idle, or if they were silent for long enough.
 */
static void settle(struct ipc *ipc, bool is_idle)
{
	struct ipc_channel *next;

	for (struct ipc_channel *one = ipc->awake; one != NULL; one = next) {
		next = one->awake_next;
		if (one->client->kept != NULL && one->send.at >= one->barrier)
			ipc_turn_later(ipc);
		if (is_empty(one) && (++one->silent > SILENT_VISITS || is_idle))
			arm(one);
	}
}

static bool is_any_left(const struct ipc *ipc)
{
	for (const struct ipc_channel *one = ipc->awake; one != NULL; one = one->awake_next)
		if (has_any(one))
			return true;
	return false;
}

bool ipc_pull(struct ipc *ipc)
{
	if (ipc == NULL || ipc->awake == NULL)
		return false;
	ipc->pulled_ns = loop_now_ns(ipc->parts.loop);
	(void)pull(ipc);
	settle(ipc, false);
	return is_any_left(ipc);
}

/* Make all clients with an empty ring send a doorbell for the next message. */
static void leave_alone(struct ipc *ipc)
{
	ipc_await_left(ipc, ipc->pulled_ns);
	settle(ipc, true);
	if (ipc->awake == NULL)
		return;
	ipc_await_rung(ipc, ipc->pulled_ns);
	(void)pull(ipc);
}

/* Runs after the ring has sent its frames. */
static void on_await(void *arg)
{
	struct ipc *ipc = arg;

	ipc->await.is_due = false;
	if (ipc->awake == NULL)
		return;
	bool has_written = ipc_await(ipc);
	ipc->pulled_ns = loop_now_ns(ipc->parts.loop);
	if (!has_written || !pull(ipc))
		leave_alone(ipc);
}

static void await_later(struct ipc *ipc)
{
	if (!ipc->await.is_due)
		ipc->await.is_due = loop_defer(ipc->parts.loop, on_await, ipc) == 0;
	if (!ipc->await.is_due)
		leave_alone(ipc);
}

void ipc_pull_all(struct ipc *ipc)
{
	if (ipc == NULL || ipc->awake == NULL)
		return;
	ipc->pulled_ns = loop_now_ns(ipc->parts.loop);
	bool pays = ipc_await_pays(ipc);
	if (pays && pull(ipc))
		return;
	/* Do not wait for clients if there is no room for their messages. */
	if (pays && !is_any_left(ipc))
		await_later(ipc);
	else
		leave_alone(ipc);
}

/* No token has come by for a while: it is held, or lost, or there is none. */
static void on_pull_timer(void *arg)
{
	struct ipc *ipc = arg;

	ipc->pull_timer = NULL;
	if (loop_now_ns(ipc->parts.loop) - ipc->pulled_ns >= VISIT_NS) {
		(void)pull(ipc);
		settle(ipc, true);
	}
	if (ipc->awake != NULL)
		pull_later(ipc);
}

static void pull_later(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;

	if (ipc->pull_timer == NULL)
		ipc->pull_timer = loop_timer_add(loop, loop_now_ns(loop) + VISIT_NS, on_pull_timer, ipc);
}
