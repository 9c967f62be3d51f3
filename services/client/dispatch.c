#include "services/client/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qb/qbipc_common.h>

#include "services/client/error.h"

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

/* A nested dispatch finds no spare buffer and takes another. */
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

static struct dispatch_outcome handle_bytes(
	dispatch_event handle, void *arg, uint8_t *bytes, size_t size)
{
	struct qb_ipc_response_header header;

	if (size < sizeof(header))
		return dispatch_malformed;
	memcpy(&header, bytes, sizeof(header));
	return handle(arg, header.id, bytes, size);
}

static cs_error_t run(struct channel *channel, cs_dispatch_flags_t type, dispatch_event handle,
	void *arg, uint8_t *bytes)
{
	bool is_waiting = type != CS_DISPATCH_ALL && type != CS_DISPATCH_ONE_NONBLOCKING;
	bool is_one = type == CS_DISPATCH_ONE || type == CS_DISPATCH_ONE_NONBLOCKING;
	bool is_idle = true;

	for (;;) {
		ssize_t size = channel_receive(channel, bytes, is_waiting);

		if (size == -EAGAIN)
			return type == CS_DISPATCH_ONE_NONBLOCKING && is_idle ? CS_ERR_TRY_AGAIN
									      : CS_OK;
		if (size < 0)
			return client_error(size);
		is_idle = false;
		struct dispatch_outcome outcome = handle_bytes(handle, arg, bytes, (size_t)size);
		if (channel_is_interrupted(channel))
			return CS_ERR_BAD_HANDLE;
		if (outcome.code != CS_OK || (is_one && outcome.is_done))
			return outcome.code;
	}
}

cs_error_t dispatch_run(struct dispatch *dispatch, struct channel *channel, cs_dispatch_flags_t type,
	dispatch_event handle, void *arg)
{
	struct dispatch_buffer *buffer = buffer_take(dispatch);

	if (buffer == NULL)
		return CS_ERR_NO_MEMORY;
	cs_error_t rc = run(channel, type, handle, arg, buffer->bytes);
	buffer_give(dispatch, buffer);
	return rc;
}
