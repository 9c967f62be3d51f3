/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's half of a fast channel, for clients of the test kit: <coterie/channel.h>. */
#ifndef HISTORIES_FAST_H
#define HISTORIES_FAST_H

#include <stdbool.h>

#include <coterie/channel.h>
#include <coterie/testkit.h>

struct fast {
	struct testkit_client *client;
	int socket;     /* listening socket to which the daemon passes the rings' memory; -1: none */
	bool is_open;   /* the rings are mapped */
	bool has_begun; /* the first doorbell has arrived, and so have all events from before it */
	bool is_held;   /* the client pauses reading */
	struct coterie_channel_ring send, receive;
};

/**
 * A record of the receive ring: a message of nodeid and pid, or an event. bytes: borrowed, a copy of those in the ring
 */
struct fast_record {
	bool is_message;
	uint32_t nodeid, pid, size;
	const void *bytes;
};

/** Make the offer that follows a request. @return false: there is no socket */
bool fast_offer(struct fast *fast, struct coterie_channel_offer *offer);
/** Open the channel if a grant follows the answer's fixed part. @return false: the grant is invalid */
bool fast_answer(struct fast *fast, struct testkit_client *client, const void *answer, uint32_t size, uint32_t plain);
/** Send a message. @return false: there is no room */
bool fast_send(struct fast *fast, uint32_t guarantee, const void *bytes, uint32_t size);
/**
 * Read all records, unless the client pauses reading or the first doorbell has not arrived. take() must not close the
 * channel. @return false: the ring is invalid
 */
bool fast_read(struct fast *fast, void (*take)(void *arg, const struct fast_record *record), void *arg);
/** Return whether events wait in the ring or for the first doorbell. */
bool fast_is_behind(struct fast *fast);
/** Close the channel in any state. */
void fast_close(struct fast *fast);

#endif
