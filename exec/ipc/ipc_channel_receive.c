/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events to the clients: their receive rings, and doorbells. A client learns of written events at the end of the loop's
 * turn, once for all of them.
 */
#include "exec/ipc/ipc_channel.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define DOORBELLS_MAX 32u /* doorbells that are sent in one turn of the loop */

static void send_doorbell(struct coterie_client *client)
{
	struct coterie_response_header bell = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(bell)};

	/* No room: the client has many doorbells that it has not read. */
	(void)qbs_event(client->connection, &(struct iovec){&bell, sizeof(bell)}, 1);
}

/* Notify the client of the events in its receive ring. @return whether a doorbell was sent */
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

/* @return how many doorbells were sent */
static uint32_t ring_doorbells(struct ipc *ipc)
{
	uint32_t rung = 0;

	ipc->is_flush_due = false;
	while (ipc->dirty != NULL && rung < DOORBELLS_MAX) {
		struct ipc_channel *channel = ipc->dirty;

		ipc->dirty = channel->dirty_next;
		channel->is_dirty = false;
		rung += tell(channel);
	}
	/*
	 * DOORBELLS_MAX was reached. A timer sends the remaining doorbells in a later turn of the loop, behind the
	 * packets of the cluster's ring.
	 */
	if (ipc->dirty != NULL && ipc->doorbell_timer == NULL)
		ipc->doorbell_timer = loop_timer_add(
			ipc->parts.loop, loop_now_ns(ipc->parts.loop), on_doorbell_timer, ipc);
	return rung;
}

static void flush_dirty(void *arg) { (void)ring_doorbells(arg); }

void ipc_tell(struct ipc *ipc)
{
	/* Let the clients that were woken run first, since the next steps wake others. */
	if (ipc != NULL && ring_doorbells(ipc) > 0)
		sched_yield();
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
		ipc->is_flush_due = loop_defer(ipc->parts.loop, flush_dirty, ipc) == 0;
}

/* @return 0: there is room; -EAGAIN: the client sends a doorbell when there is room; -EPROTO */
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
	if (room < 0 || ipc_channel_memory_is_broken(&channel->receive_memory))
		return -EPROTO;
	return room < size ? -EAGAIN : 0;
}

void ipc_channel_forget_dirty(struct ipc_channel *channel)
{
	struct ipc_channel **place = &channel->client->server->ipc->dirty;

	if (!channel->is_dirty)
		return;
	while (*place != channel)
		place = &(*place)->dirty_next;
	*place = channel->dirty_next;
	channel->is_dirty = false;
}

int ipc_channel_put(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
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
			ipc_channel_punish(channel);
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

void ipc_channel_answer_bell(struct ipc_channel *channel)
{
	if (coterie_channel_turn(
		    &channel->receive.control->reader_armed, COTERIE_CHANNEL_ASKING, COTERIE_CHANNEL_AWAKE))
		send_doorbell(channel->client);
}
