/*
 * The connection behind a cpg_handle_t. This header is private to libcpg.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_LIB_CONNECTION_H
#define SERVICES_CPG_LIB_CONNECTION_H

#include <pthread.h>
#include <stdint.h>

/* libcpg is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/cpg.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/cpg/lib/assembly.h"
#include "services/cpg/messages.h"

struct zero_copy_buffer;
struct iteration;

/*
 * Life of a connection:
 * 1. cpg_model_initialize connects and returns the handle.
 * 2. Each API call holds a reference until it returns. cpg_dispatch also holds it while callbacks run.
 * 3. cpg_finalize invalidates the handle and sends FINALIZE. It shuts the connection down if other threads are still in
 *    a call.
 * 4. The call that drops the last reference closes the channel and frees the memory.
 */
struct cpg_connection {
	struct client_connection client; /* must be the first member */
	cpg_model_v1_data_t model;       /* the program's callbacks and flags */

	/* Held while the fragments of a message are sent, so that the fragments of two messages do not mix. */
	pthread_mutex_t fragments_lock;

	pthread_mutex_t assemblies_lock; /* never held in a callback */
	struct assembly_list assemblies;

	pthread_mutex_t zero_copy_lock;     /* held during each zero-copy call */
	struct zero_copy_buffer *zero_copy; /* newest first */

	pthread_mutex_t iterations_lock;
	struct iteration *iterations; /* newest first. Each one is also in the handle table of all iterations */
};

/**
 * Find the connection of a handle.
 *
 * @param connection set on success: referenced; the caller drops the reference with connection_put
 * @return CS_OK; CS_ERR_BAD_HANDLE
 */
cs_error_t connection_get(cpg_handle_t handle, struct cpg_connection **connection);

void connection_put(struct cpg_connection *connection);

/** A fast_note function: store in the context the group of the messages that follow, as a struct cpg_name. */
void dispatch_note(uint8_t *context, const uint8_t *event, size_t size);

/** Invalidate the handles of all iterations. */
void iterations_fini(struct cpg_connection *connection);

/** Free all zero-copy buffers. No other thread may use them. */
void zero_copy_fini(struct cpg_connection *connection);

/**
 * Send a message that is longer than CPG_ATOMIC_SIZE_MAX to the joined group.
 *
 * @param size bytes of iov together
 * @return as cpg_mcast_joined
 */
cs_error_t mcast_fragments(struct cpg_connection *connection, cpg_guarantee_t guarantee, const struct iovec *iov,
	unsigned int count, uint32_t size);

/** Convert a received name to its public form. @return CS_OK; CS_ERR_NAME_TOO_LONG: the name is not valid */
cs_error_t name_from_wire(struct cpg_name *name, const struct cpg_wire_name *wire);

/**
 * Convert a name to its form in messages, with zeros behind its length. name->length must be at most
 * CPG_GROUP_NAME_MAX.
 */
void name_to_wire(struct cpg_wire_name *wire, const struct cpg_name *name);

/** Sleep before a request to the executive is repeated. */
void pause_ms(unsigned int ms);

#endif
