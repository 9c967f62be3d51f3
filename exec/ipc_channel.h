/*
 * What the files of the fast channels share: ipc_channel.c (their life), ipc_channel_memory.c, ipc_channel_send.c
 * (from the client), ipc_channel_await.c (when that will be) and ipc_channel_receive.c (to the client). Nothing else
 * includes this.
 *
 * Life of a channel. 1 ipc_channel_open makes the memory of two rings and hands it to the client. 2 The client's
 * first doorbell: it has mapped them; until then events wait in the backlog, in their order. 3 Send ring: read when
 * a doorbell comes; then at every visit of the token, the client does not ring, until it has been silent for a
 * while; then the client rings again (asleep). 4 Receive ring: written as events come up, told to the client, and
 * rung for, when the loop's turn has ended: the token is on its way by then. When it is full, events wait in the
 * client's backlog, and the client rings when it has made room. 5 The client refuses, or ends.
 *
 * The client can write whatever it likes into both rings at any time. All that is read there is read once and
 * checked: see coterie_channel_filled and coterie_channel_room. Who writes nonsense is disconnected.
 */
#ifndef EXEC_IPC_CHANNEL_H
#define EXEC_IPC_CHANNEL_H

#include <coterie/channel.h>

#include "exec/ipc_private.h"

/** One ring, and the guards of its two mappings. */
struct ipc_channel_memory {
	struct qbs_guard *control, *data; /* NULL: none */
};

struct ipc_channel {
	struct coterie_client *client;
	struct coterie_channel_ring send, receive;
	struct ipc_channel_memory send_memory, receive_memory;
	bool is_confirmed; /* the client has mapped them */
	bool is_awake, is_dirty;
	uint64_t until;   /* in the send ring, where what was looked at ends; never before send.at */
	uint64_t barrier; /* in the send ring: a request that waits was sent behind this */
	uint32_t silent;  /* visits without a message */
	int64_t share;    /* bytes it may still send; below 0: taken in advance */
	uint64_t told;    /* position in the receive ring that the client knows of */
	uint64_t requests, dispatched;
	struct ipc_channel *awake_next, *dirty_next;
};

/** The client has written what no library of ours writes: its connection ends. */
void ipc_channel_punish(struct ipc_channel *channel);

/* --- ipc_channel_memory.c --- */

/** Memory for a ring, mapped, guarded, and taken as pages are used; *fd is the caller's. -errno */
int ipc_channel_memory_make(
	struct coterie_channel_ring *ring, struct ipc_channel_memory *memory, uint32_t size, int *fd);
/** Unmap it, and take it away from whoever has it mapped still. */
void ipc_channel_memory_free(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory);
/** Return whether a page was missing at some access: the system has no memory for it. */
bool ipc_channel_memory_is_broken(const struct ipc_channel_memory *memory);
/**
 * Send descriptors to the socket that the client listens on.
 *
 * @param fds  of the send ring, of the receive ring; borrowed
 * @return 0; -EINVAL: no name of such a socket; -EPERM: it is somebody else's; -errno
 */
int ipc_channel_hand_over(const struct coterie_client *client, const char address[8],
	const uint8_t token[16], const int fds[2]);

/* --- ipc_channel_await.c --- */

/** Who sends has been left alone, and has to ring; one has rung. */
void ipc_await_left(struct ipc *ipc, uint64_t now_ns);
void ipc_await_rung(struct ipc *ipc, uint64_t now_ns);
/** By the last times, will one write again before a wake-up is over? */
bool ipc_await_pays(const struct ipc *ipc);
/** Wait for that, without sleep, others first. @return false: nobody has written in that time */
bool ipc_await(struct ipc *ipc);

/* --- ipc_channel_send.c --- */

/** A doorbell came: read what is there, and look again at every visit of the token. */
void ipc_channel_wake(struct ipc_channel *channel);
void ipc_channel_fall_asleep(struct ipc_channel *channel);

/* --- ipc_channel_receive.c --- */

/** A doorbell came: the client asks for one, perhaps. */
void ipc_channel_answer_bell(struct ipc_channel *channel);
void ipc_channel_forget_dirty(struct ipc_channel *channel);

#endif
