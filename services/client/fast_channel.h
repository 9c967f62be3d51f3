/*
 * The fast channel of a connection, the client's half of <coterie/channel.h>: messages go into a ring that the
 * executive reads, events come out of one, in place. The descriptor that a program polls stays the connection's.
 *
 * The descriptor is readable as long as there is a record, so that a program may dispatch one at a time: a
 * doorbell stays in libqb's ring until the receive ring is empty, and fast_settle asks for one where there is none.
 *
 * Any thread may send and receive. No lock is held while a record is in use.
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

/** A record of the receive ring, borrowed until it is given back; the program may write into it. */
struct fast_record {
	bool is_message; /* else an event, whole */
	uint32_t nodeid, pid; /* of a message's sender */
	uint32_t size;
	uint8_t *bytes; /* aligned to 8 */
};

/** Called with each event when it is taken from the ring, one at a time and in order; must be short. */
typedef void (*fast_note)(void *arg, const uint8_t *event, size_t size);

/**
 * Make an offer, as the environment says: COTERIE_CPG_RING=BYTES.
 *
 * @return false: none is to be made
 */
bool fast_channel_offer(struct coterie_channel_offer *offer);

/**
 * Open what the executive has granted. Once: a second grant is for the same channel.
 *
 * @param answer  the response, size bytes, with a grant behind its first `plain` bytes, or shorter
 * @return 0, also without a grant and when it cannot be used, which the executive has been told; -errno of
 *     channel_send
 */
int fast_channel_open(struct channel *channel, const void *answer, size_t size, size_t plain, fast_note note,
	void *arg);
/** Nobody is inside. NULL is ignored. */
void fast_channel_close(struct fast_channel *fast);

/** Longest message that goes this way. */
size_t fast_size_max(const struct fast_channel *fast);
/**
 * Send. Waits a moment for room, but not inside a callback.
 *
 * @param size  bytes of iov together, at most fast_size_max
 * @return 0; -EAGAIN: no room; -ENOTCONN
 */
int fast_send(struct channel *channel, uint32_t guarantee, const struct iovec *iov, unsigned int count,
	uint32_t size);

/** The first doorbell has come, or another: events are in the ring from now on. */
void fast_begin(struct fast_channel *fast);
bool fast_has_begun(struct fast_channel *fast);
/**
 * Take the next record.
 *
 * @param record      in: the one before, which is given back when `has_record`; out
 * @param is_waiting  wait for one without limit; signals do not end the wait
 * @return 0; -EAGAIN there is none; -EBADF interrupted; -ENOTCONN. Nothing is held then.
 */
int fast_take(struct channel *channel, bool is_waiting, bool has_record, struct fast_record *record);
/** The caller stops taking: give the last one back if there is one, and see to it that the descriptor says what
 * is left. */
void fast_settle(struct channel *channel, bool has_record);

#endif
