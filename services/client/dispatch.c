/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qb/qbipc_common.h>

#include "services/client/error.h"
#include "services/client/fast_channel.h"

struct dispatch_buffer {
	_Alignas(16) uint8_t bytes[CHANNEL_EVENT_SIZE_MAX];
};

const struct dispatch_outcome dispatch_done = {CS_OK, true};
const struct dispatch_outcome dispatch_malformed = {CS_ERR_LIBRARY, true};

void dispatch_init(struct dispatch *dispatch)
{
	pthread_mutex_init(&dispatch->lock, NULL);
	dispatch->spare = NULL;
}

void dispatch_fini(struct dispatch *dispatch)
{
	free(dispatch->spare);
	pthread_mutex_destroy(&dispatch->lock);
}

/* Take the spare buffer. A nested dispatch finds no spare buffer and allocates another one. */
static struct dispatch_buffer *buffer_take(struct dispatch *dispatch)
{
	struct dispatch_buffer *buffer;

	pthread_mutex_lock(&dispatch->lock);
	buffer = dispatch->spare;
	dispatch->spare = NULL;
	pthread_mutex_unlock(&dispatch->lock);
	return buffer != NULL ? buffer : malloc(sizeof(*buffer));
}

static void buffer_give(struct dispatch *dispatch, struct dispatch_buffer *buffer)
{
	pthread_mutex_lock(&dispatch->lock);
	if (dispatch->spare == NULL) {
		dispatch->spare = buffer;
		buffer = NULL;
	}
	pthread_mutex_unlock(&dispatch->lock);
	free(buffer);
}

/* The handlers of events and messages. */
struct handler {
	dispatch_event event;
	dispatch_message message;
	void *arg;
};

static struct dispatch_outcome handle_event(const struct handler *handler, uint8_t *bytes, size_t size)
{
	struct qb_ipc_response_header header;

	if (size < sizeof(header))
		return dispatch_malformed;
	memcpy(&header, bytes, sizeof(header));
	return handler->event(handler->arg, header.id, bytes, size);
}

static struct dispatch_outcome handle(const struct handler *handler, const struct fast_record *record, uint8_t *bytes)
{
	if (!record->is_message)
		return handle_event(handler, bytes, record->size);
	return handler->message(handler->arg, record, bytes);
}

/*
 * Receive the next event or message. Until the first doorbell events arrive over libqb, afterwards in the ring of the
 * channel.
 */
static int receive_next(struct channel *channel, bool is_waiting, uint8_t *buffer, struct fast_record *record)
{
	for (;;) {
		if (fast_has_begun(atomic_load(&channel->fast)))
			return fast_take(channel, is_waiting, buffer, record);
		ssize_t size = channel_receive(channel, buffer, is_waiting);
		if (size == -EALREADY)
			continue;
		if (size >= 0)
			*record = (struct fast_record){.size = (uint32_t)size};
		return size < 0 ? (int)size : 0;
	}
}

static cs_error_t run(struct channel *channel, cs_dispatch_flags_t type, const struct handler *handler, uint8_t *buffer)
{
	bool is_waiting = type != CS_DISPATCH_ALL && type != CS_DISPATCH_ONE_NONBLOCKING;
	bool is_one = type == CS_DISPATCH_ONE || type == CS_DISPATCH_ONE_NONBLOCKING;
	bool is_idle = true;

	/* Deliver no more records after the executive has ended, as libqb does. */
	if (fast_has_begun(atomic_load(&channel->fast)) && !channel_is_interrupted(channel) &&
		channel_is_hung_up(channel))
		return CS_ERR_LIBRARY;
	for (;;) {
		struct fast_record record;
		int rc = receive_next(channel, is_waiting, buffer, &record);

		if (rc == -EAGAIN)
			return type == CS_DISPATCH_ONE_NONBLOCKING && is_idle ? CS_ERR_TRY_AGAIN : CS_OK;
		if (rc < 0)
			return client_error(rc);
		is_idle = false;
		struct fast_channel *fast = atomic_load(&channel->fast);
		fast_callback(fast, true);
		struct dispatch_outcome outcome = handle(handler, &record, buffer);
		fast_callback(fast, false);
		if (channel_is_interrupted(channel))
			return CS_ERR_BAD_HANDLE;
		if (outcome.code != CS_OK || (is_one && outcome.is_done))
			return outcome.code;
	}
}

cs_error_t dispatch_run(struct dispatch *dispatch, struct channel *channel, cs_dispatch_flags_t type,
	dispatch_event event, dispatch_message message, void *arg)
{
	const struct handler handler = {event, message, arg};
	struct dispatch_buffer *buffer = buffer_take(dispatch);

	if (buffer == NULL)
		return CS_ERR_NO_MEMORY;
	cs_error_t rc = run(channel, type, &handler, buffer->bytes);
	buffer_give(dispatch, buffer);
	return rc;
}
