/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client: answers, events, the backlog of events that found no room in its ring, its end.
 *
 * An event goes straight from the parts that the service gives into the client's ring: libqb's, or that of its channel.
 * Only if that is full, the event is copied, and every later one queues behind it (ipc_backlog.c). A server is not
 * notified when a client has read over libqb. So each new event and each request of the client causes an attempt to
 * send, and a timer sends the rest. Jobs of libqb's loop would be too slow for that: they may wait 50 ms.
 *
 * An event over libqb costs a wake-up, and its reader makes room meanwhile. So one turn of the loop does not send all
 * of a backlog.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/channel.h>

#define FLUSH_NS_MIN UINT64_C(500000)
#define FLUSH_NS_MAX UINT64_C(32000000)
#define TURN_NS UINT64_C(2000000) /* longest time that one run of the flush timer sends, for all clients together */
#define EVENTS_AT_ONCE 32u        /* most events sent to one client, then the next client is served */
#define EVENTS_ALONG 4u           /* events of its backlog that a client gets before a new event is queued */
#define FLUSH_SIZE (1u << 20)     /* bytes that are sent to one client at once, plus the rest of an event */
#define PARTS_MAX 16              /* parts of an event for which no memory is allocated, header included */

_Static_assert(IPC_BACKLOG_MAX > 16 * IPC_SIZE_MAX, "a slow client is not yet a dead one");

/* --- the host table --- */

void *ipc_client_data(struct coterie_client *client) { return client->data; }

void ipc_client_peer(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid)
{
	if (pid != NULL)
		*pid = client->pid;
	if (uid != NULL)
		*uid = client->uid;
	if (gid != NULL)
		*gid = client->gid;
}

uint64_t ipc_client_id(struct coterie_client *client) { return client->id; }

struct coterie_client *ipc_client_find(const struct ipc_server *server, uint64_t id)
{
	struct coterie_client *client = server != NULL ? server->clients : NULL;

	while (client != NULL && (client->id != id || client->is_closed || !client->is_joined))
		client = client->next;
	return client;
}

/* --- parts --- */

/* Header and parts in one array: a fixed one if they fit, otherwise an allocated one. */
struct message {
	struct coterie_response_header header;
	struct iovec fixed[PARTS_MAX];
	struct iovec *iov;
	uint32_t count;
	uint32_t size;
};

/* Fill in a message. @return 0; -EMSGSIZE: longer than any client can read; -ENOMEM */
static int message_init(struct message *message, uint32_t id, int32_t error, const struct iovec *iov, uint32_t count)
{
	size_t size = sizeof(message->header);

	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > IPC_SIZE_MAX - size)
			return -EMSGSIZE;
		size += iov[i].iov_len;
	}
	message->header = (struct coterie_response_header){.id = (int32_t)id, .size = (int32_t)size, .error = error};
	message->size = (uint32_t)size;
	message->count = count + 1;
	message->iov = message->fixed;
	if (message->count > PARTS_MAX) {
		message->iov = calloc(message->count, sizeof(struct iovec));
		if (message->iov == NULL)
			return -ENOMEM;
	}
	message->iov[0] = (struct iovec){.iov_base = &message->header, .iov_len = sizeof(message->header)};
	if (count > 0)
		memcpy(message->iov + 1, iov, count * sizeof(*iov));
	return 0;
}

static void message_fini(struct message *message)
{
	if (message->iov != message->fixed)
		free(message->iov);
}

/* --- answers --- */

enum ipc_error ipc_error_from_errno(int rc)
{
	switch (-rc) {
	case EAGAIN:
		return IPC_TRY_AGAIN;
	case EEXIST:
		return IPC_EXIST;
	case ENOENT:
		return IPC_NOT_EXIST;
	case EBUSY:
		return IPC_BUSY;
	case EINVAL:
		return IPC_INVALID_PARAM;
	case EINTR:
		return IPC_INTERRUPT;
	case EOVERFLOW:
		return IPC_NAME_TOO_LONG;
	case ENOTSUP:
		return IPC_NOT_SUPPORTED;
	case ENOMEM:
		return IPC_NO_MEMORY;
	case EACCES:
		return IPC_ACCESS;
	case EMSGSIZE:
		return IPC_TOO_BIG;
	}
	return IPC_LIBRARY;
}

int ipc_client_reply(
	struct coterie_client *client, uint32_t response_id, int32_t error, const struct iovec *iov, uint32_t count)
{
	struct message message;

	if (client->is_closed)
		return -ENOTCONN;
	int rc = message_init(&message, response_id, error, iov, count);
	if (rc < 0)
		return rc;
	/* No room: the client sends requests and does not read the answers. */
	rc = client->connection != NULL ? qbs_reply(client->connection, message.iov, message.count)
					: client->far_end->take(client, false, message.iov, message.count);
	message_fini(&message);
	return rc;
}

void ipc_client_respond(struct coterie_client *client, uint32_t response_id, enum ipc_error error)
{
	(void)ipc_client_reply(client, response_id, (int32_t)error, NULL, 0);
}

/* --- events --- */

/* Disconnect the client. A stream of events must not have a gap: if one event is lost, the stream has to end. */
static int give_up(struct coterie_client *client, const char *reason)
{
	struct ipc *ipc = client->server->ipc;

	if (!client->is_leaving)
		log_limited(&ipc->backlog_limit, loop_now_ns(ipc->parts.loop), "MAIN", LOG_WARNING,
			"Disconnecting process %u (%s) from %s: %s (%ju bytes of events were "
			"waiting for it)",
			client->pid, client->process, client->server->name, reason, (uintmax_t)client->backlog_size);
	ipc_backlog_drop(client);
	ipc_client_disconnect(client);
	return -ENOTCONN;
}

static int give_up_on(struct coterie_client *client, int rc)
{
	if (rc != -ENOTCONN)
		return give_up(client, strerror(-rc));
	ipc_backlog_drop(client);
	ipc_client_disconnect(client);
	return -ENOTCONN;
}

static uint64_t now_of(const struct coterie_client *client) { return loop_now_ns(client->server->ipc->parts.loop); }

/* Send an event through the client's channel, or over libqb. */
static int send_event(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	int rc = ipc_channel_is_open(client)  ? ipc_channel_put(client, head, iov, count)
		 : client->connection != NULL ? qbs_event(client->connection, iov, count)
					      : client->far_end->take(client, true, iov, count);

	if (rc == 0)
		client->server->ipc->fan.left -= head->size + IPC_FAN_EVENT;
	return rc;
}

static void flush_later(struct coterie_client *client);

/*
 * Arrange the next attempt to send the backlog. A full channel needs no timer: its client sends a doorbell when there
 * is room again.
 */
static void flush_rest(struct coterie_client *client, bool is_full)
{
	if (client->backlog == NULL) {
		log_line("MAIN", LOG_DEBUG, "Q empty, queued:%u sent:%u.", client->queued, client->sent);
		client->queued = client->sent = 0;
	} else if (!is_full || !ipc_channel_is_open(client)) {
		flush_later(client);
	}
}

/*
 * Send waiting events: at most `events_max` over libqb, or as many as a channel has room for, in both cases about
 * FLUSH_SIZE bytes. @return whether an event was sent
 */
static bool flush_client(struct coterie_client *client, uint32_t events_max)
{
	bool is_channel = ipc_channel_is_open(client), is_full = false;
	uint32_t events = 0, size = 0;

	while (client->backlog != NULL && (is_channel || events < events_max) && size < FLUSH_SIZE) {
		const struct ipc_event *event = client->backlog;
		const struct iovec iov = {event->body->bytes, event->size};

		if (client->is_held)
			ipc_hold(client, client->backlog_size - event->size);
		int sent = send_event(client, event, &iov, 1);

		is_full = sent == -EAGAIN;
		if (is_full)
			break;
		if (sent < 0) {
			give_up_on(client, sent);
			return events > 0;
		}
		size += event->size;
		events++;
		ipc_backlog_pop(client);
		client->sent++;
	}
	if (events > 0)
		client->read_ns = now_of(client);
	flush_rest(client, is_full);
	return events > 0;
}

static bool has_stalled(const struct coterie_client *client, uint64_t more)
{
	uint64_t size = client->backlog_size + more;

	if (size <= IPC_BACKLOG_MAX)
		return false;
	return size > IPC_BACKLOG_LIMIT || now_of(client) - client->read_ns > IPC_STALL_NS;
}

/*
 * The waiting events of all clients exceed the daemon's limit: disconnect the client that has most of them, of the user
 * who has most. Otherwise one user could fill the memory up to the limit, and clients of other users would be
 * disconnected.
 */
static void give_up_most(struct ipc *ipc)
{
	struct coterie_client *most = ipc_backlog_most(ipc);

	if (most != NULL)
		give_up(most, "clients do not read their events");
}

/*
 * Return whether all clients together may exceed the limit for now. The events of a client that has ended are freed in
 * turns, which make more room. Otherwise each large event of the next milliseconds would end one
 * more client, at last one of a user that has few events.
 */
static bool may_exceed(const struct ipc *ipc, uint64_t cost)
{
	uint64_t limit = ipc->backlog_size_max;

	return ipc->dropped != NULL && ipc->backlog_size + cost <= limit + limit / IPC_BACKLOG_EXCESS;
}

static int append(struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	struct ipc *ipc = client->server->ipc;
	uint64_t cost = ipc_backlog_cost(head->size);

	if (has_stalled(client, cost))
		return give_up(client, "it does not read its events");
	if (ipc->backlog_size + cost > ipc->backlog_size_max && !ipc_backlog_make_room(ipc, cost) &&
		!may_exceed(ipc, cost))
		give_up_most(ipc);
	if (client->is_leaving)
		return -ENOTCONN;
	if (client->backlog == NULL)
		client->read_ns = now_of(client);
	if (ipc_backlog_add(client, head, iov, count) < 0)
		return give_up(client, "out of memory for its events");
	client->queued++;
	ipc_hold(client, client->backlog_size);
	return 0;
}

/*
 * Put an event in the queue without trying the client's ring. This turn of the loop has copied enough bytes of one
 * message (IPC_FAN_SIZE), so the other clients get the message in later turns.
 */
static int queue(struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	int rc = append(client, head, iov, count);

	if (rc == 0)
		flush_later(client);
	return rc;
}

/* Send an event, or put it in the queue behind the events that wait already. */
static int send_or_queue(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	struct ipc *ipc = client->server->ipc;

	if (ipc->fan.left <= 0)
		return queue(client, head, iov, count);
	if (client->backlog != NULL && (flush_client(client, EVENTS_ALONG), client->backlog != NULL))
		return append(client, head, iov, count);
	if (client->is_leaving)
		return -ENOTCONN;
	int sent = send_event(client, head, iov, count);
	if (sent == -EAGAIN) {
		int rc = append(client, head, iov, count);

		if (rc == 0)
			flush_rest(client, true);
		return rc;
	}
	return sent < 0 ? give_up_on(client, sent) : 0;
}

int ipc_client_event(struct coterie_client *client, uint32_t event_id, const struct iovec *iov, uint32_t count)
{
	struct message message;

	if (client->is_closed || client->is_leaving)
		return -ENOTCONN;
	int rc = message_init(&message, event_id, 0, iov, count);
	if (rc == -ENOMEM)
		return give_up(client, "out of memory for its events");
	if (rc < 0)
		return rc;
	const struct ipc_event head = {.kind = COTERIE_CHANNEL_EVENT, .size = message.size};
	if (message.size > client->size_max)
		rc = give_up(client, "its buffers are too small for an event");
	else
		rc = send_or_queue(client, &head, message.iov, message.count);
	message_fini(&message);
	return rc;
}

int ipc_channel_deliver(
	struct coterie_client *client, uint32_t nodeid, uint32_t pid, const struct iovec *iov, uint32_t count)
{
	struct ipc_event head = {.kind = COTERIE_CHANNEL_MESSAGE, .nodeid = nodeid, .pid = pid};

	if (client->is_closed || client->is_leaving)
		return -ENOTCONN;
	if (!ipc_channel_is_confirmed(client))
		return -ENOENT;
	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > IPC_SIZE_MAX - head.size)
			return -EMSGSIZE;
		head.size += (uint32_t)iov[i].iov_len;
	}
	return send_or_queue(client, &head, iov, count);
}

void ipc_client_flush(struct coterie_client *client)
{
	if (client->backlog != NULL && !client->is_leaving)
		flush_client(client, EVENTS_AT_ONCE);
}

/* --- the timer --- */

static void on_flush_timer(void *arg);

static void start_flush_timer(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;

	if (ipc->flush_timer != NULL)
		return;
	if (ipc->flush_delay_ns == 0)
		ipc->flush_delay_ns = FLUSH_NS_MIN;
	ipc->flush_timer = loop_timer_add(loop, loop_now_ns(loop) + ipc->flush_delay_ns, on_flush_timer, ipc);
}

static void flush_later(struct coterie_client *client)
{
	ipc_lagging_add(client);
	start_flush_timer(client->server->ipc);
}

/* Send a share of each waiting client's events. @return whether an event was sent */
static bool flush_round(struct ipc *ipc, uint64_t end_ns)
{
	bool has_moved = false;

	for (uint32_t left = ipc->lagging_count; left > 0 && loop_now_ns(ipc->parts.loop) < end_ns; left--) {
		struct coterie_client *client = ipc_lagging_take(ipc);

		if (client == NULL)
			break;
		has_moved |= flush_client(client, EVENTS_AT_ONCE);
		if (has_stalled(client, 0))
			give_up(client, "it does not read its events");
	}
	return has_moved;
}

static void on_flush_timer(void *arg)
{
	struct ipc *ipc = arg;
	uint64_t end_ns = loop_now_ns(ipc->parts.loop) + TURN_NS;
	bool has_moved = false;

	ipc->flush_timer = NULL;
	ipc_fan_renew(ipc);
	while (flush_round(ipc, end_ns))
		has_moved = true;
	if (has_moved)
		ipc->flush_delay_ns = FLUSH_NS_MIN;
	else if (ipc->flush_delay_ns < FLUSH_NS_MAX)
		ipc->flush_delay_ns *= 2;
	ipc_fan_renew(ipc);
	if (ipc->lagging_count > 0)
		start_flush_timer(ipc);
}
