/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast channels: opening, closing, and requests of a client about its channel. See ipc_channel.h. */
#include "exec/ipc/ipc_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FREE_NS UINT64_C(1000000)     /* time between two pieces of memory that are freed */
#define PARCEL_NS UINT64_C(250000000) /* time between two looks at descriptors that are not taken */
#define CHANNELS_MAX 256u /* most channels in the daemon. The memory of their rings is allocated as it is used */
#define CHANNELS_BYTES_MAX \
	(640u << 20) /* limit for all rings together: enough for CHANNELS_MAX channels of the smallest size */

/* --- opening --- */

static int check_offer(const void *bytes, uint32_t size, struct coterie_channel_offer *offer)
{
	if (size < sizeof(*offer))
		return -ENOTSUP;
	memcpy(offer, bytes, sizeof(*offer));
	if (memcmp(offer->magic, COTERIE_CHANNEL_MAGIC, sizeof(offer->magic)) != 0 ||
		(offer->features & COTERIE_CHANNEL_RINGS) == 0)
		return -ENOTSUP;
	return 0;
}

static uint32_t bytes_of(const struct ipc_channel *channel) { return channel->send.size + channel->receive.size; }

/* Return how many bytes the channels of this client's user may still take. */
static uint32_t bytes_left(const struct coterie_client *client)
{
	const struct ipc *ipc = client->server->ipc;
	uint32_t left = CHANNELS_BYTES_MAX - ipc->channel_bytes, used = 0;

	if (client->right == COTERIE_RIGHT_ADMINISTER)
		return left;
	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (const struct coterie_client *one = server->clients; one != NULL; one = one->next)
			if (one->uid == client->uid && one->channel != NULL)
				used += bytes_of(one->channel);
	for (const struct ipc_channel *one = ipc->ended; one != NULL; one = one->ended_next)
		if (one->uid == client->uid)
			used += bytes_of(one);
	uint32_t share = used < IPC_CHANNEL_BYTES_OF_USER ? IPC_CHANNEL_BYTES_OF_USER - used : 0;
	return share < left ? share : left;
}

/* Grant the sizes that the client wants. If all channels together would then be too large, grant the smallest sizes. */
static int fill_grant(const struct coterie_client *client, const struct coterie_channel_offer *offer,
	struct coterie_channel_grant *grant)
{
	uint32_t left = bytes_left(client);

	*grant = (struct coterie_channel_grant){
		.features = COTERIE_CHANNEL_RINGS,
		.send_size = coterie_channel_rounded(offer->send_size),
		.receive_size = coterie_channel_rounded(offer->receive_size < COTERIE_CHANNEL_RECEIVE_MIN
								? COTERIE_CHANNEL_RECEIVE_MIN
								: offer->receive_size),
	};
	memcpy(grant->magic, COTERIE_CHANNEL_MAGIC, sizeof(grant->magic));
	if (grant->send_size + grant->receive_size > left) {
		grant->send_size = COTERIE_CHANNEL_SIZE_MIN;
		grant->receive_size = COTERIE_CHANNEL_RECEIVE_MIN;
	}
	if (client->server->ipc->channels >= CHANNELS_MAX || grant->send_size + grant->receive_size > left ||
		getrandom(grant->token, sizeof(grant->token), GRND_NONBLOCK) != sizeof(grant->token))
		return -EAGAIN;
	return 0;
}

/* Create the memory of both rings, and send its descriptors to the client. */
static int make_rings(const struct coterie_client *client, struct ipc_channel *channel,
	const struct coterie_channel_offer *offer, const struct coterie_channel_grant *grant)
{
	int fds[2];
	int rc = ipc_channel_memory_make(&channel->send, &channel->send_memory, grant->send_size, &fds[0]);

	if (rc < 0)
		return rc;
	rc = ipc_channel_memory_make(&channel->receive, &channel->receive_memory, grant->receive_size, &fds[1]);
	if (rc == 0) {
		channel->send.control->reader_armed = COTERIE_CHANNEL_ARMED;
		rc = channel->parcel = ipc_channel_hand_over(client, offer->address, grant->token, fds);
		close(fds[1]);
	}
	close(fds[0]);
	if (rc < 0) {
		ipc_channel_memory_free(&channel->send, &channel->send_memory);
		ipc_channel_memory_free(&channel->receive, &channel->receive_memory);
	}
	return rc < 0 ? rc : 0;
}

static int make_channel(
	struct coterie_client *client, const struct coterie_channel_offer *offer, struct coterie_channel_grant *grant)
{
	struct ipc *ipc = client->server->ipc;
	struct ipc_channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return -ENOMEM;
	int rc = make_rings(client, channel, offer, grant);
	if (rc < 0) {
		free(channel);
		return rc;
	}
	channel->client = client;
	client->channel = channel;
	ipc->channels++;
	ipc->channel_bytes += grant->send_size + grant->receive_size;
	return 0;
}

int ipc_channel_open(
	struct coterie_client *client, const void *offer, uint32_t size, struct coterie_channel_grant *grant)
{
	struct ipc_server *server = client->server;
	struct coterie_channel_offer wanted;
	int rc = check_offer(offer, size, &wanted);

	if (rc < 0 || server->plugin->service.channel_message == NULL || client->connection == NULL)
		return -ENOTSUP;
	if (client->is_closed || client->is_leaving)
		return -ENOTCONN;
	rc = ipc_client_may(client, COTERIE_RIGHT_USE);
	if (rc < 0)
		return rc;
	if (client->channel != NULL)
		return -EALREADY;
	/* The events of the backlog have to be sent over libqb first. */
	rc = client->backlog != NULL ? -EAGAIN : fill_grant(client, &wanted, grant);
	if (rc < 0)
		return rc;
	rc = make_channel(client, &wanted, grant);
	if (rc < 0)
		log_limited(&server->limit, loop_now_ns(server->ipc->parts.loop), "MAIN", LOG_NOTICE,
			"No fast channel for process %u (%s) at service %s: %s", client->pid, client->process,
			server->name, strerror(-rc));
	return rc;
}

/* --- ending --- */

static void close_parcel(const struct ipc *ipc, struct ipc_channel *channel)
{
	if (channel->parcel >= 0)
		qbs_close(ipc->host, channel->parcel);
	channel->parcel = -1;
}

static void append_ended(struct ipc *ipc, struct ipc_channel *channel)
{
	struct ipc_channel **place = &ipc->ended;

	while (*place != NULL)
		place = &(*place)->ended_next;
	channel->ended_next = NULL;
	*place = channel;
}

/* Forget a channel whose memory is free. */
static void forget(struct ipc *ipc, struct ipc_channel *channel)
{
	close_parcel(ipc, channel);
	ipc->channels--;
	ipc->channel_bytes -= bytes_of(channel);
	free(channel);
}

static void on_free_timer(void *arg);

/* Return whether a channel that has ended has memory. The others wait until their descriptors are taken. */
static bool has_memory(const struct ipc *ipc)
{
	const struct ipc_channel *one = ipc->ended;

	while (one != NULL && one->send.control == NULL && one->receive.control == NULL)
		one = one->ended_next;
	return one != NULL;
}

static void free_later(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;
	uint64_t at_ns = loop_now_ns(loop) + (has_memory(ipc) ? FREE_NS : PARCEL_NS);

	if (ipc->free_timer == NULL)
		ipc->free_timer = loop_timer_add(loop, at_ns, on_free_timer, ipc);
	if (ipc->free_timer == NULL)
		ipc_channels_free(ipc);
}

/*
 * Free a piece of the first channel, and let it wait behind the others: a client can make its memory take long. A channel
 * whose descriptors are not taken counts on. The kernel allows this user only so many descriptors under way, and one
 * client could use them up for all others.
 */
static void on_free_timer(void *arg)
{
	struct ipc *ipc = arg;
	struct ipc_channel *channel = ipc->ended;

	ipc->free_timer = NULL;
	ipc->ended = channel->ended_next;
	if (ipc_channel_memory_free_piece(&channel->send, &channel->send_memory) &&
		ipc_channel_memory_free_piece(&channel->receive, &channel->receive_memory) &&
		!ipc_channel_parcel_waits(channel->parcel))
		forget(ipc, channel);
	else
		append_ended(ipc, channel);
	if (ipc->ended != NULL)
		free_later(ipc);
}

void ipc_channels_free(struct ipc *ipc)
{
	loop_timer_del(ipc->parts.loop, ipc->free_timer);
	ipc->free_timer = NULL;
	while (ipc->ended != NULL) {
		struct ipc_channel *channel = ipc->ended;

		ipc->ended = channel->ended_next;
		ipc_channel_memory_free(&channel->send, &channel->send_memory);
		ipc_channel_memory_free(&channel->receive, &channel->receive_memory);
		forget(ipc, channel);
	}
}

static void destroy(struct coterie_client *client)
{
	struct ipc_channel *channel = client->channel;
	struct ipc *ipc = client->server->ipc;

	ipc_channel_fall_asleep(channel);
	ipc_channel_forget_dirty(channel);
	ipc_channel_memory_withdraw(&channel->send);
	ipc_channel_memory_withdraw(&channel->receive);
	channel->uid = client->uid;
	channel->client = NULL;
	client->channel = NULL;
	append_ended(ipc, channel);
	free_later(ipc);
}

void ipc_channel_close(struct coterie_client *client)
{
	if (client->channel == NULL)
		return;
	if (client->channel->send.at != client->channel->until)
		log_limited(&client->server->limit, loop_now_ns(client->server->ipc->parts.loop), "MAIN", LOG_WARNING,
			"Process %u (%s) is gone from %s before its last messages found room: they are lost",
			client->pid, client->process, client->server->name);
	destroy(client);
}

void ipc_channels_end(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
		if (client->channel == NULL)
			continue;
		ipc_client_disconnect(client);
		client->channel->is_last = false; /* no plugin handles its last messages */
	}
}

/* --- requests --- */

static void on_doorbell(struct coterie_client *client)
{
	client->channel->is_confirmed = true;
	if (!ipc_channel_parcel_waits(client->channel->parcel))
		close_parcel(client->server->ipc, client->channel);
	ipc_client_flush(client);
	if (client->is_leaving)
		return;
	ipc_channel_answer_bell(client->channel);
	ipc_channel_wake(client->channel);
}

bool ipc_channel_request(struct coterie_client *client, int32_t id)
{
	if (client->channel == NULL)
		return false;
	switch (id) {
	case COTERIE_CHANNEL_DOORBELL:
		on_doorbell(client);
		return true;
	case COTERIE_CHANNEL_REFUSED:
		if (client->channel->is_confirmed)
			return false;
		destroy(client);
		ipc_client_flush(client);
		ipc_client_respond(client, COTERIE_CHANNEL_REFUSED, IPC_OK);
		return true;
	default:
		return false;
	}
}
