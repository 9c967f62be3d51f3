/*
 * The connection behind an evs_handle_t. This header is private to libevs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_EVS_LIB_CONNECTION_H
#define SERVICES_EVS_LIB_CONNECTION_H

/* libevs is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/evs.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/evs/messages.h"

_Static_assert(sizeof(struct evs_group) == sizeof(struct evs_wire_group), "sent as they are");

struct evs_connection {
	struct client_connection client; /* must be the first member */
	evs_callbacks_t callbacks;       /* callbacks of the program */
};

/** Pass one event to the program's callback. This is a function of type client_event. */
struct dispatch_outcome evs_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size);

/**
 * Send a request that consists of several parts, and receive the response.
 *
 * @param iov borrowed; at most 64 elements
 * @param response filled in; room for *response_size bytes, which is set to the size of the response
 * @param size_want least bytes of a response with CS_OK
 * @return CS_ERR_BAD_HANDLE; otherwise client_error of the result of sending, or client_response_error of the answer
 */
cs_error_t evs_request(evs_handle_t handle, enum channel_gate gate, const struct iovec *iov, unsigned int count,
	void *response, size_t *response_size, size_t size_want);

/** Do the same as evs_request for a request whose response is only a header. */
cs_error_t evs_request_plain(evs_handle_t handle, enum channel_gate gate, const struct iovec *iov, unsigned int count);

#endif
