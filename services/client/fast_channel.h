/*
 * The fast channel of a connection, the client's half of <coterie/channel.h>. Messages are written into a ring that
 * the executive reads, and events are read from another ring. The program still polls the descriptor of the
 * connection.
 *
 * The descriptor is readable as long as there is a record, so a program may dispatch one event at a time, in several
 * threads, and in its callbacks. For that, a doorbell stays in libqb's ring until the receive ring is empty. If there
 * is none, the library requests one.
 *
 * Any thread may send and receive.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_FAST_CHANNEL_H
#define SERVICES_CLIENT_FAST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct channel;
struct coterie_channel_offer;
struct fast_channel;

enum { FAST_CONTEXT_SIZE = 136 };

/** The facts about a record besides its bytes. */
struct fast_record {
	bool is_message;      /* otherwise a complete event */
	uint32_t nodeid, pid; /* of a message's sender */
	uint32_t size;
	uint8_t context[FAST_CONTEXT_SIZE]; /* context after the last event before it; zeros at first */
};

/**
 * Called with each event when it is taken from the ring, in order and by one thread at a time. It stores what later
 * messages do not contain. It must be short.
 */
typedef void (*fast_note)(uint8_t context[FAST_CONTEXT_SIZE], const uint8_t *event, size_t size);

/**
 * Make an offer, of the size that the environment requests (COTERIE_CPG_RING=BYTES; 0: no offer).
 *
 * @return a socket on which the answer is waited for, the caller's to close; -errno: do not make an offer
 */
int fast_channel_offer(struct channel *channel, struct coterie_channel_offer *offer);

/**
 * Open the channel that the executive has granted.
 *
 * @param socket  of the offer
 * @param answer  the response, size bytes, with a grant behind its first `plain` bytes, or shorter
 * @return 0, also without a grant, and if the channel cannot be used, which is reported to the executive;
 * -errno of channel_send
 */
int fast_channel_open(
	struct channel *channel, int socket, const void *answer, size_t size, size_t plain, fast_note note);
/** Free the channel. No thread may use it. NULL is ignored. */
void fast_channel_close(struct fast_channel *fast);

/**
 * Send. Waits a moment for room, but not inside a callback, nor while a record can be received.
 *
 * @param size  bytes of iov together, at most COTERIE_CHANNEL_SIZE_MIN less the head
 * @return 0; -EAGAIN: no room; -ENOTCONN
 */
int fast_send(struct channel *channel, uint32_t guarantee, const struct iovec *iov, unsigned int count, uint32_t size);

/** Begin to read events from the ring: the first doorbell has arrived. */
void fast_begin(struct fast_channel *fast);
bool fast_has_begun(struct fast_channel *fast);
/**
 * A callback of the program begins or ends. Calls that it makes meanwhile do not wait. NULL is ignored.
 */
void fast_callback(struct fast_channel *fast, bool is_beginning);
/**
 * Take the next record.
 *
 * @param buffer      CHANNEL_EVENT_SIZE_MAX bytes, filled in
 * @param is_waiting  wait for one without limit; signals do not end the wait
 * @return 0; -EAGAIN there is none; -EBADF interrupted; -ENOTCONN
 */
int fast_take(struct channel *channel, bool is_waiting, uint8_t *buffer, struct fast_record *record);

#endif
