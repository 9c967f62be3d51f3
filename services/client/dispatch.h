/*
 * Dispatching: receive the events of a channel and call a handler for each, in a mode of cs_dispatch_flags_t.
 *
 * No lock is held while an event is handled: the program's callback may call anything, the dispatch of the same handle
 * included.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_DISPATCH_H
#define SERVICES_CLIENT_DISPATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corosync/corotypes.h>

#include "services/client/channel.h"

struct dispatch_buffer;
struct fast_record;

/** Buffers for events. Each connection has this struct as a member. */
struct dispatch {
	pthread_mutex_t lock;
	struct dispatch_buffer *spare; /* free buffer, or NULL. Nested dispatches need more buffers */
};

void dispatch_init(struct dispatch *dispatch);
void dispatch_fini(struct dispatch *dispatch); /* no other thread may use `dispatch` */

/** The result of handling one event. */
struct dispatch_outcome {
	cs_error_t code; /* a code other than CS_OK ends the dispatch, which returns it */
	bool is_done;    /* the event counts as the one event of CS_DISPATCH_ONE */
};

/**
 * Results: {CS_OK, true} for a handled event; {CS_ERR_LIBRARY, true} for an event that a correct executive never sends.
 */
extern const struct dispatch_outcome dispatch_done, dispatch_malformed;

/**
 * Handle one event.
 *
 * @param id id in the event's header
 * @param bytes borrowed; the handler may change them; aligned to 8; `size` bytes, which is at least the header's 24
 */
typedef struct dispatch_outcome (*dispatch_event)(void *arg, int32_t id, uint8_t *bytes, size_t size);

/** Handle a message from a fast channel. The bytes are borrowed, may be changed, and are aligned to 8. */
typedef struct dispatch_outcome (*dispatch_message)(void *arg, const struct fast_record *record, uint8_t *bytes);

/**
 * Receive and handle events.
 *
 * @param message NULL: this library never opens a fast channel
 * @param type a value that is not in the enum acts as CS_DISPATCH_BLOCKING
 * @return CS_OK; CS_ERR_TRY_AGAIN: there is no event (only with CS_DISPATCH_ONE_NONBLOCKING); CS_ERR_BAD_HANDLE: the
 *     channel was interrupted; CS_ERR_NO_MEMORY; CS_ERR_LIBRARY: the connection is lost; or the code of an event's
 *     outcome
 */
cs_error_t dispatch_run(struct dispatch *dispatch, struct channel *channel, cs_dispatch_flags_t type,
	dispatch_event event, dispatch_message message, void *arg);

#endif
