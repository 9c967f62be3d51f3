/*
 * Dispatching: events of a channel become calls, in one of the modes of cs_dispatch_flags_t.
 *
 * No lock is held while an event is handled: the program's callback may call anything, the dispatch
 * of the same handle included.
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

/** Buffers for events, a member of each connection. */
struct dispatch {
	pthread_mutex_t lock;
	struct dispatch_buffer *spare; /* or NULL. Nested dispatches need further buffers */
};

void dispatch_init(struct dispatch *dispatch);
void dispatch_fini(struct dispatch *dispatch); /* no other thread may use it */

/** The result of handling one event. */
struct dispatch_outcome {
	cs_error_t code; /* a code other than CS_OK ends the dispatch, which returns it */
	bool is_done;    /* counts as the one event of CS_DISPATCH_ONE */
};

/**
 * Results for a complete event: {CS_OK, true}; for one that the executive never sends:
 * {CS_ERR_LIBRARY, true}.
 */
extern const struct dispatch_outcome dispatch_done, dispatch_malformed;

/**
 * Handle one event.
 *
 * @param id     of its header
 * @param bytes  borrowed, may be changed; aligned to 8; size bytes, at least the 24 of the header
 */
typedef struct dispatch_outcome (*dispatch_event)(void *arg, int32_t id, uint8_t *bytes, size_t size);

/** Handle a message that came through a fast channel: its bytes are borrowed, may be changed; aligned to 8. */
typedef struct dispatch_outcome (*dispatch_message)(void *arg, const struct fast_record *record, uint8_t *bytes);

/**
 * Dispatch.
 *
 * @param message  NULL: the channel is never a fast one
 * @param type  any other value than those of the enum acts as CS_DISPATCH_BLOCKING
 * @return CS_OK; CS_ERR_TRY_AGAIN: nothing there (CS_DISPATCH_ONE_NONBLOCKING alone);
 * CS_ERR_BAD_HANDLE: the channel was interrupted; CS_ERR_NO_MEMORY; CS_ERR_LIBRARY: the connection is
 * lost; or the code of an event's outcome
 */
cs_error_t dispatch_run(struct dispatch *dispatch, struct channel *channel, cs_dispatch_flags_t type,
	dispatch_event event, dispatch_message message, void *arg);

#endif
