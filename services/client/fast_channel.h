/*
 * The fast channel of a connection: the client's half of <coterie/channel.h>. The library writes messages into a ring
 * in shared memory, which the executive reads, and reads events from another ring. The program still polls the
 * descriptor of the connection.
 *
 * The descriptor is readable as long as there is a record, so a program may dispatch one event at a time, in several
 * threads, and in its callbacks. To make this true, a doorbell (an event without content) stays in libqb's buffer until
 * the receive ring is empty. If there is no doorbell, the library requests one.
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

/** Properties of a record besides its bytes. */
struct fast_record {
	bool is_message;      /* false: the record is a complete event */
	uint32_t nodeid, pid; /* sender of a message */
	uint32_t size;
	uint8_t context[FAST_CONTEXT_SIZE]; /* context that the last event before this record has stored; at first
					     * zeros */
};

/**
 * A function that is called with each event from the ring, in their order and by one thread at a time. It stores data
 * that later messages do not contain. It must be fast, since a lock is held.
 */
typedef void (*fast_note)(uint8_t context[FAST_CONTEXT_SIZE], const uint8_t *event, size_t size);

/**
 * Make an offer of a channel, with the size from the environment (COTERIE_CPG_RING=BYTES; 0: no offer).
 *
 * @return a socket for fast_channel_open, which the caller closes with fast_channel_close_offer; -errno: make no offer
 */
int fast_channel_offer(struct channel *channel, struct coterie_channel_offer *offer);
/** Close the socket of an offer, without waiting for what other processes have sent to it. */
void fast_channel_close_offer(int socket);

/**
 * Open the channel that the executive has granted. A missing grant is no error. If the channel cannot be used, report
 * this to the executive.
 *
 * @param socket socket of the offer
 * @param answer the response, size bytes, with a grant behind its first `plain` bytes, or shorter
 * @return 0; -errno of channel_send
 */
int fast_channel_open(
	struct channel *channel, int socket, const void *answer, size_t size, size_t plain, fast_note note);
/** Free the channel. No thread may use it. NULL is ignored. */
void fast_channel_close(struct fast_channel *fast);

/**
 * Send a message. Wait a short time for room, but not inside a callback, and not while a record can be received.
 *
 * @param size bytes of iov together, at most COTERIE_CHANNEL_SIZE_MIN - sizeof(struct coterie_channel_message)
 * @return 0; -EAGAIN: no room; -ENOTCONN
 */
int fast_send(struct channel *channel, uint32_t guarantee, const struct iovec *iov, unsigned int count, uint32_t size);

/**
 * Return whether this event of libqb is the first doorbell. If so, events are read from the ring from now on. Called by
 * one thread at a time, before fast_has_begun is true. false: fast is NULL, or the event is another one
 */
bool fast_begins(struct fast_channel *fast, const uint8_t *event, size_t size);
/** Return whether events are read from the ring. false: also if fast is NULL */
bool fast_has_begun(struct fast_channel *fast);
/** Record that a callback of the program begins or ends. During a callback fast_send does not wait. NULL is ignored. */
void fast_callback(struct fast_channel *fast, bool is_beginning);
/**
 * Take the next record.
 *
 * @param buffer CHANNEL_EVENT_SIZE_MAX bytes, filled in
 * @param is_waiting wait for a record without a time limit; signals do not end the wait
 * @return 0; -EAGAIN: there is no record; -EBADF: the channel was interrupted; -ENOTCONN
 */
int fast_take(struct channel *channel, bool is_waiting, uint8_t *buffer, struct fast_record *record);

#endif
