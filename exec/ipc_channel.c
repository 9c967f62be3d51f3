/*
 * Fast channels: rings in memory shared with a client, beside its libqb connection. What both sides agree on is
 * in <coterie/channel.h>.
 *
 * Life of a channel. 1 ipc_channel_open makes two files that belong to the client's user. 2 The client's first
 * doorbell: it has mapped them, their names go; until then events wait in the backlog, in their order. 3 Send ring:
 * read when a doorbell comes; then at every visit of the token, the client does not ring, until it has been silent
 * for a while; then the client rings again (asleep). 4 Receive ring: written as events come up, told to the client, and
 * rung for, when the loop's turn has ended: the token is on its way by then. When it is full, events wait
 * in the client's backlog, and the client rings when it has made room. 5 The client refuses, or ends.
 *
 * The client can write whatever it likes into both rings at any time. All that is read there is read once and
 * checked: see coterie_channel_filled and coterie_channel_room. Who writes nonsense is disconnected.
 */
#include "exec/ipc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <coterie/channel.h>

#include "exec/plugin_watch.h"
#include "exec/ring.h"

#define CHANNELS_MAX 64u           /* each has two rings resident in memory */
#define SHARE (16u << 10)          /* bytes that a client may send before it is the next one's turn */
#define SILENT_VISITS 32u          /* then the client has to ring again */
#define VISIT_NS UINT64_C(1000000) /* without a token for this long we sleep */
#define DOORBELLS_MAX 32u          /* of one turn of the loop */

struct ipc_channel {
	struct coterie_client *client;
	struct coterie_channel_ring send, receive;
	struct coterie_channel_grant grant;
	bool has_names;    /* the files can be found */
	bool is_confirmed; /* the client has mapped them */
	bool is_awake, is_dirty;
	uint32_t silent; /* visits without a message */
	int64_t share;   /* bytes it may still send; below 0: taken in advance */
	uint64_t told;   /* position in the receive ring that the client knows of */
	uint64_t requests, dispatched;
	struct ipc_channel *awake_next, *dirty_next;
};

bool ipc_channel_is_open(const struct coterie_client *client) { return client->channel != NULL; }

bool ipc_channel_is_confirmed(const struct coterie_client *client)
{
	return client->channel != NULL && client->channel->is_confirmed;
}

uint64_t ipc_channel_requests(const struct coterie_client *client)
{
	return client->channel != NULL ? client->channel->requests : 0;
}

uint64_t ipc_channel_dispatched(const struct coterie_client *client)
{
	return client->channel != NULL ? client->channel->dispatched : 0;
}

/* --- the files --- */

/* A file of the client's user with all its memory, so that no access fails later. */
static int make_file(const struct coterie_client *client, char name[96], uint32_t size)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return -EAGAIN;
	snprintf(name, 96, "/dev/shm/coterie-%d-%u-%016jx", getpid(), client->pid, (uintmax_t)number);
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = -posix_fallocate(fd, 0, (off_t)COTERIE_CHANNEL_DATA + size);
	if (rc == 0 && client->uid != geteuid() && fchown(fd, client->uid, client->gid) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	unlink(name);
	close(fd);
	return rc;
}

static int make_ring(
	const struct coterie_client *client, struct coterie_channel_ring *ring, char name[96], uint32_t size)
{
	int fd = make_file(client, name, size);

	if (fd < 0)
		return fd;
	int rc = coterie_channel_map(ring, fd, size);
	if (rc < 0)
		unlink(name);
	close(fd);
	return rc;
}

static void drop_names(struct ipc_channel *channel)
{
	if (!channel->has_names)
		return;
	unlink(channel->grant.send_name);
	unlink(channel->grant.receive_name);
	channel->has_names = false;
}

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

static int make_channel(struct coterie_client *client, const struct coterie_channel_offer *offer)
{
	struct ipc_channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return -ENOMEM;
	struct coterie_channel_grant *grant = &channel->grant;
	grant->features = COTERIE_CHANNEL_RINGS;
	grant->send_size = coterie_channel_rounded(offer->send_size);
	grant->receive_size = coterie_channel_rounded(
		offer->receive_size < COTERIE_CHANNEL_RECEIVE_MIN ? COTERIE_CHANNEL_RECEIVE_MIN
								   : offer->receive_size);
	memcpy(grant->magic, COTERIE_CHANNEL_MAGIC, sizeof(grant->magic));
	int rc = make_ring(client, &channel->send, grant->send_name, grant->send_size);
	if (rc < 0)
		goto free_channel;
	rc = make_ring(client, &channel->receive, grant->receive_name, grant->receive_size);
	if (rc < 0)
		goto unmap_send;
	channel->client = client;
	channel->has_names = true;
	channel->send.control->reader_armed = COTERIE_CHANNEL_ARMED;
	client->channel = channel;
	client->server->ipc->channels++;
	return 0;

unmap_send:
	unlink(grant->send_name);
	coterie_channel_unmap(&channel->send);
free_channel:
	free(channel);
	return rc;
}

int ipc_channel_open(struct coterie_client *client, const void *offer, uint32_t size,
	struct coterie_channel_grant *grant)
{
	struct coterie_channel_offer wanted;
	int rc = check_offer(offer, size, &wanted);

	if (rc < 0 || client->server->plugin->service.channel_message == NULL)
		return -ENOTSUP;
	if (client->is_closed || client->is_leaving)
		return -ENOTCONN;
	if (client->channel == NULL) {
		/* What waits in the backlog is to go over libqb. */
		if (client->backlog != NULL || client->server->ipc->channels >= CHANNELS_MAX)
			return -EAGAIN;
		rc = make_channel(client, &wanted);
		if (rc < 0) {
			log_limited(&client->server->limit, loop_now_ns(client->server->ipc->executive->loop),
				"MAIN", LOG_NOTICE, "No fast channel for process %u (%s) at service %s: %s",
				client->pid, client->process, client->server->name, strerror(-rc));
			return rc;
		}
	}
	*grant = client->channel->grant;
	return 0;
}

/* --- ending --- */

static void leave_list(struct ipc_channel **place, const struct ipc_channel *channel, size_t link)
{
	while (*place != NULL && *place != channel)
		place = (struct ipc_channel **)(void *)((char *)*place + link);
	if (*place != NULL)
		*place = *(struct ipc_channel **)(void *)((char *)*place + link);
}

static void fall_asleep(struct ipc_channel *channel)
{
	struct ipc *ipc = channel->client->server->ipc;

	if (!channel->is_awake)
		return;
	channel->is_awake = false;
	leave_list(&ipc->awake, channel, offsetof(struct ipc_channel, awake_next));
}

static void destroy(struct coterie_client *client)
{
	struct ipc_channel *channel = client->channel;
	struct ipc *ipc = client->server->ipc;

	fall_asleep(channel);
	leave_list(&ipc->dirty, channel, offsetof(struct ipc_channel, dirty_next));
	drop_names(channel);
	coterie_channel_unmap(&channel->send);
	coterie_channel_unmap(&channel->receive);
	client->channel = NULL;
	ipc->channels--;
	free(channel);
}

void ipc_channel_close(struct coterie_client *client)
{
	if (client->channel != NULL)
		destroy(client);
}

void ipc_channels_end(struct ipc_server *server)
{
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next)
		if (client->channel != NULL)
			ipc_client_disconnect(client);
}

/* A ring that no library of ours leaves behind. */
static void punish(struct ipc_channel *channel)
{
	struct coterie_client *client = channel->client;

	if (client->is_leaving)
		return;
	client->invalid_requests++;
	log_limited(&client->server->limit, loop_now_ns(client->server->ipc->executive->loop), "MAIN",
		LOG_WARNING, "Disconnecting process %u (%s) from %s: what it wrote into its channel makes no sense",
		client->pid, client->process, client->server->name);
	ipc_client_disconnect(client);
}

/* --- from the client: its send ring --- */

enum taken {
	TAKEN,   /* there may be more */
	EMPTY,
	NO_ROOM, /* try again later */
	NONSENSE,
};

static enum taken take(struct ipc_channel *channel)
{
	struct coterie_client *client = channel->client;
	struct plugin *plugin = client->server->plugin;
	struct coterie_channel_ring *ring = &channel->send;
	int64_t filled = coterie_channel_filled(ring);

	if (filled <= 0)
		return filled == 0 ? EMPTY : NONSENSE;
	const uint8_t *here = coterie_channel_here(ring);
	struct coterie_channel_message head;
	memcpy(&head, here, sizeof(head));
	__asm__ volatile("" : : "r"(&head) : "memory"); /* once: the client may change it while we look */
	if (head.length > ring->size || coterie_channel_padded(sizeof(head), head.length) > filled)
		return NONSENSE;
	client->is_in_handler = true;
	uint64_t began_ns = plugin_enter();
	int rc = plugin->service.channel_message(
		plugin->self, client, head.guarantee, here + sizeof(head), head.length);
	plugin_leave(plugin, began_ns, "messages of channels");
	client->is_in_handler = false;
	if (rc == -EAGAIN)
		return NO_ROOM;
	ring->at += coterie_channel_padded(sizeof(head), head.length);
	channel->share -= coterie_channel_padded(sizeof(head), head.length);
	channel->requests++;
	return TAKEN;
}

/* Give the room back, and wake who waits for it: at half, or when there is nothing left to read. */
static void give_back(struct ipc_channel *channel, bool is_empty)
{
	struct coterie_channel_ring *ring = &channel->send;
	struct coterie_channel_control *control = ring->control;

	coterie_channel_release(ring, ring->at);
	if (!is_empty && ring->other - ring->at > ring->size / 2)
		return;
	if (coterie_channel_heard(&control->writer_waits))
		syscall(SYS_futex, &control->writer_waits, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static bool may_take(const struct coterie_client *client)
{
	return client->is_joined && !client->is_leaving &&
	       client->server->ipc->level != IPC_LEVEL_CRITICAL &&
	       !ipc_gate_is_closed(client->server, COTERIE_NEEDS_FLOW);
}

/* Messages until `share` is used up, or all. @return TAKEN: its share is used up */
static enum taken take_some(struct ipc_channel *channel, bool is_sharing)
{
	struct coterie_client *client = channel->client;
	enum taken taken = NO_ROOM;
	uint64_t before = channel->requests;

	if (may_take(client)) {
		do {
			taken = take(channel);
		} while (taken == TAKEN && !client->is_leaving && (!is_sharing || channel->share > 0));
	} else if (coterie_channel_filled(&channel->send) == 0) {
		taken = EMPTY;
	}
	if (taken == NONSENSE)
		punish(channel);
	if (channel->requests != before) {
		channel->silent = 0;
		give_back(channel, taken == EMPTY);
		ipc_gate(client->server->ipc); /* the queue may be fuller than before */
	}
	if (taken == EMPTY && channel->share > 0)
		channel->share = 0; /* who has nothing to send saves up nothing */
	return taken;
}

/* --- awake and asleep --- */

static void pull_later(struct ipc *ipc);

static void wake_up(struct ipc_channel *channel)
{
	struct ipc *ipc = channel->client->server->ipc;

	channel->silent = 0;
	if (channel->is_awake)
		return;
	__atomic_store_n(&channel->send.control->reader_armed, 0, __ATOMIC_RELAXED);
	channel->is_awake = true;
	channel->awake_next = ipc->awake;
	ipc->awake = channel;
	pull_later(ipc);
}

/* The send ring is empty: from now on the client rings. */
static void arm(struct ipc_channel *channel)
{
	uint32_t *armed = &channel->send.control->reader_armed;

	coterie_channel_say(armed);
	if (coterie_channel_filled(&channel->send) == 0)
		fall_asleep(channel);
	else
		__atomic_store_n(armed, 0, __ATOMIC_SEQ_CST);
}

static bool is_queue_fed(const struct ipc *ipc)
{
	struct totem_queue queue;

	if (ipc->executive->ring == NULL || ring_engine(ipc->executive->ring) == NULL)
		return false;
	totem_engine_queue(ring_engine(ipc->executive->ring), &queue);
	return queue.used * 8 >= queue.total;
}

/* Who comes first changes from visit to visit. */
static void rotate(struct ipc *ipc)
{
	struct ipc_channel *first = ipc->awake, **last = &ipc->awake;

	if (first == NULL || first->awake_next == NULL)
		return;
	ipc->awake = first->awake_next;
	while (*last != NULL)
		last = &(*last)->awake_next;
	*last = first;
	first->awake_next = NULL;
}

/* Deficit round robin: a share for each in turn, until all are empty or the queue has enough for a while. */
static void pull(struct ipc *ipc, bool is_idle)
{
	bool has_more;

	do {
		struct ipc_channel *next;

		has_more = false;
		for (struct ipc_channel *one = ipc->awake; one != NULL; one = next) {
			struct coterie_client *client = one->client;

			next = one->awake_next;
			one->share += one->share < (int64_t)SHARE ? SHARE : 0;
			enum taken taken = take_some(one, true);
			has_more |= taken == TAKEN;
			bool is_empty = taken == EMPTY;
			if (is_empty && client->kept != NULL)
				ipc_turn_later(ipc); /* a request waited for this */
			if (is_empty && (++one->silent > SILENT_VISITS || is_idle))
				arm(one);
		}
	} while (has_more && !is_queue_fed(ipc));
	rotate(ipc);
}

void ipc_pull(struct ipc *ipc)
{
	if (ipc == NULL || ipc->awake == NULL)
		return;
	ipc->pulled_ns = loop_now_ns(ipc->executive->loop);
	pull(ipc, false);
}

/* No token has come by for a while: it is held, or lost, or there is none. */
static void on_pull_timer(void *arg)
{
	struct ipc *ipc = arg;

	ipc->pull_timer = NULL;
	if (loop_now_ns(ipc->executive->loop) - ipc->pulled_ns >= VISIT_NS)
		pull(ipc, true);
	if (ipc->awake != NULL)
		pull_later(ipc);
}

static void pull_later(struct ipc *ipc)
{
	struct loop *loop = ipc->executive->loop;

	if (ipc->pull_timer == NULL)
		ipc->pull_timer = loop_timer_add(loop, loop_now_ns(loop) + VISIT_NS, on_pull_timer, ipc);
}

/* --- to the client: its receive ring --- */

static void send_doorbell(struct coterie_client *client)
{
	struct coterie_response_header bell = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(bell)};

	/* No room: the client has doorbells in plenty that it has not read. */
	ipc_enter(client->server->ipc);
	(void)qb_ipcs_event_send(client->connection, &bell, sizeof(bell));
}

/* @return whether it was rung */
static bool tell(struct ipc_channel *channel)
{
	if (channel->told == channel->receive.at)
		return false;
	channel->told = channel->receive.at;
	coterie_channel_publish(&channel->receive);
	if (!coterie_channel_heard(&channel->receive.control->reader_armed))
		return false;
	send_doorbell(channel->client);
	return true;
}

static void on_doorbell_timer(void *arg);

static void flush_dirty(void *arg)
{
	struct ipc *ipc = arg;
	uint32_t rung = 0;

	ipc->is_flush_due = false;
	while (ipc->dirty != NULL && rung < DOORBELLS_MAX) {
		struct ipc_channel *channel = ipc->dirty;

		ipc->dirty = channel->dirty_next;
		channel->is_dirty = false;
		rung += tell(channel);
	}
	/* The rest behind the ring's own traffic. */
	if (ipc->dirty != NULL && ipc->doorbell_timer == NULL)
		ipc->doorbell_timer = loop_timer_add(
			ipc->executive->loop, loop_now_ns(ipc->executive->loop), on_doorbell_timer, ipc);
}

static void on_doorbell_timer(void *arg)
{
	((struct ipc *)arg)->doorbell_timer = NULL;
	flush_dirty(arg);
}

static void set_dirty(struct ipc_channel *channel)
{
	struct ipc *ipc = channel->client->server->ipc;

	if (!channel->is_dirty) {
		channel->is_dirty = true;
		channel->dirty_next = ipc->dirty;
		ipc->dirty = channel;
	}
	if (!ipc->is_flush_due && ipc->doorbell_timer == NULL)
		ipc->is_flush_due = loop_defer(ipc->executive->loop, flush_dirty, ipc) == 0;
}

/* @return 0: there is room; -EAGAIN: the client rings when there is; -EPROTO */
static int find_room(struct ipc_channel *channel, uint32_t size)
{
	struct coterie_channel_ring *ring = &channel->receive;
	int64_t room = coterie_channel_room(ring);

	if (room >= 0 && room < size) {
		tell(channel);
		coterie_channel_say(&ring->control->writer_waits);
		room = coterie_channel_room(ring);
		if (room >= size)
			(void)coterie_channel_heard(&ring->control->writer_waits);
	}
	if (room < 0)
		return -EPROTO;
	return room < size ? -EAGAIN : 0;
}

int ipc_channel_put(struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov,
	uint32_t count)
{
	struct ipc_channel *channel = client->channel;
	struct coterie_channel_ring *ring = &channel->receive;
	const struct coterie_channel_record record = {
		.kind = head->kind, .length = head->size, .nodeid = head->nodeid, .pid = head->pid};
	uint32_t size = coterie_channel_padded(sizeof(record), record.length);

	if (!channel->is_confirmed)
		return -EAGAIN;
	int rc = find_room(channel, size);
	if (rc < 0) {
		if (rc == -EPROTO)
			punish(channel);
		return rc;
	}
	uint8_t *here = coterie_channel_here(ring);
	memcpy(here, &record, sizeof(record));
	coterie_channel_gather(here + sizeof(record), iov, count);
	memset(here + sizeof(record) + record.length, 0, size - sizeof(record) - record.length);
	ring->at += size;
	channel->dispatched++;
	set_dirty(channel);
	return 0;
}

/* --- requests --- */

bool ipc_channel_drain(struct coterie_client *client)
{
	if (client->channel == NULL || take_some(client->channel, false) == EMPTY)
		return true;
	wake_up(client->channel);
	return false;
}

void ipc_channel_last(struct coterie_client *client)
{
	if (client->channel == NULL)
		return;
	/* More than the queue takes now is lost. */
	if (take_some(client->channel, false) == NO_ROOM)
		log_line("MAIN", LOG_WARNING,
			"Process %u (%s) is gone from %s before its last messages found room: they are lost",
			client->pid, client->process, client->server->name);
}

static void on_doorbell(struct coterie_client *client)
{
	struct ipc_channel *channel = client->channel;

	channel->is_confirmed = true;
	drop_names(channel);
	ipc_client_flush(client);
	if (client->channel == NULL || client->is_leaving)
		return;
	if (coterie_channel_turn(&channel->receive.control->reader_armed, COTERIE_CHANNEL_ASKING,
		    COTERIE_CHANNEL_AWAKE))
		send_doorbell(client);
	wake_up(channel);
	channel->share = SHARE;
	if (take_some(channel, true) == EMPTY && client->kept != NULL)
		ipc_turn_later(client->server->ipc);
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
