/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the fast channels. No other file includes this. docs/fast-channel.md describes the channel.
 *
 * - ipc_channel.c: the life of a channel
 * - ipc_channel_state.c: its state, for the other files
 * - ipc_channel_memory.c: memory of the rings
 * - ipc_channel_send.c: messages of the client
 * - ipc_channel_await.c: a short wait for these
 * - ipc_channel_receive.c: events to the client
 *
 * Life of a channel:
 *
 * 1. ipc_channel_open makes the memory of two rings and sends it to the client.
 * 2. The first doorbell of the client shows that it has mapped them. Until then events wait in the backlog.
 * 3. Send ring. After a doorbell the daemon reads it, and again at each visit of the token. The client sends no
 *    doorbell during that time. When the client has been silent for a while, the ring is asleep, and the client sends a
 *    doorbell with its next message.
 * 4. Receive ring. The daemon writes events when they occur. At the end of the loop's turn it writes the new position
 *    and sends a doorbell: the token is on its way by then. If the ring is full, events wait in the client's backlog.
 *    The client sends a doorbell when it has made room.
 * 5. The client refuses the channel, or ends. The memory is freed in pieces, in later turns of the loop. It counts for
 *    its user until then.
 *
 * The client can write any bytes into both rings at any time. All data there is read once and checked: see
 * coterie_channel_filled and coterie_channel_room. A client that writes invalid data is disconnected.
 */
#ifndef EXEC_IPC_CHANNEL_H
#define EXEC_IPC_CHANNEL_H

#include <coterie/channel.h>

#include "exec/ipc/ipc_private.h"

/** One ring, and the guards of its two mappings. */
struct ipc_channel_memory {
	struct qbs_guard *control, *data; /* or NULL: none */
	uint32_t freed;                   /* bytes of data whose pages ipc_channel_memory_free_piece has freed */
};

struct ipc_channel {
	struct coterie_client *client;
	struct coterie_channel_ring send, receive;
	struct ipc_channel_memory send_memory, receive_memory;
	bool is_confirmed; /* the client has mapped them */
	int parcel;        /* socket that the descriptors were sent on, until the client has taken them; -1: none */
	bool is_awake, is_dirty;
	bool is_last;     /* the client has hung up, and the messages up to `until` are its last ones */
	uint32_t refused; /* number of these that the service has refused */
	uint64_t until;   /* end of the checked part of the send ring, never before send.at */
	/*
	 * position in the send ring: the client has sent its waiting request after the messages in front of this
	 * position
	 */
	uint64_t barrier;
	uint32_t silent; /* visits of the token since the last message */
	int64_t share;   /* bytes that may still be read from it in its turn, negative after a longer message */
	uint64_t told;   /* position in the receive ring that the client was last notified of */
	uint64_t requests, dispatched;
	struct ipc_channel *awake_next, *dirty_next;
	/* When the channel has ended, until its memory is free: client is NULL. */
	struct ipc_channel *ended_next;
	uint32_t uid; /* user of the client */
};

/* --- ipc_channel_state.c --- */

/** End the connection of a client that has written invalid data. */
void ipc_channel_punish(struct ipc_channel *channel);

/* --- ipc_channel_memory.c --- */

/** Make the memory of a ring: mapped, guarded, pages taken as they are used. The caller owns *fd. -errno */
int ipc_channel_memory_make(
	struct coterie_channel_ring *ring, struct ipc_channel_memory *memory, uint32_t size, int *fd);
/** Unmap the ring, and remove its pages also from processes that still have it mapped. A used ring takes long. */
void ipc_channel_memory_free(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory);
/** Remove the page of control, also from processes that have it mapped: they notice that the channel has ended. */
void ipc_channel_memory_withdraw(const struct coterie_channel_ring *ring);
/**
 * Do one step of ipc_channel_memory_free: at most 1 MiB of pages.
 *
 * @return true: the ring is unmapped
 */
bool ipc_channel_memory_free_piece(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory);
/** Return whether an access to the ring failed, since the system had no memory for a page. */
bool ipc_channel_memory_is_broken(const struct ipc_channel_memory *memory);
/**
 * Send descriptors to the socket that the client listens on.
 *
 * @param fds  descriptors of the send ring and of the receive ring; borrowed
 * @return the socket, which the caller closes; -EINVAL: no name of such a socket; -EPERM: it belongs to another process; -errno
 */
int ipc_channel_hand_over(
	const struct coterie_client *client, const char address[8], const uint8_t token[16], const int fds[2]);

/** Return whether the client has not taken the descriptors yet. They count among those of the daemon meanwhile. */
bool ipc_channel_parcel_waits(int parcel);

/* --- ipc_channel_await.c --- */

/** Note the time from which on clients must send a doorbell. */
void ipc_await_left(struct ipc *ipc, uint64_t now_ns);
/** Note that a client has sent a doorbell. */
void ipc_await_rung(struct ipc *ipc, uint64_t now_ns);
/** Return whether a client will probably write again within the time of a wake-up, as it did the last times. */
bool ipc_await_pays(const struct ipc *ipc);
/**
 * Wait for a message of a client without sleep, and let other processes run meanwhile. @return false: no client has
 * written
 */
bool ipc_await(struct ipc *ipc);

/* --- ipc_channel_send.c --- */

/** Handle a doorbell: read the send ring, now and at each visit of the token. */
void ipc_channel_wake(struct ipc_channel *channel);
void ipc_channel_fall_asleep(struct ipc_channel *channel);

/* --- ipc_channel_receive.c --- */

/** Handle a doorbell: if there are events, send a doorbell back, since the client may wait for it. */
void ipc_channel_answer_bell(struct ipc_channel *channel);
void ipc_channel_forget_dirty(struct ipc_channel *channel);

#endif
