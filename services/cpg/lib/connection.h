/*
 * What stands behind a cpg_handle_t; private to libcpg.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_LIB_CONNECTION_H
#define SERVICES_CPG_LIB_CONNECTION_H

#include <pthread.h>
#include <stdint.h>

/* Everything of libcpg is hidden but what the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/cpg.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/cpg/lib/assembly.h"
#include "services/cpg/messages.h"

struct zero_copy_buffer;
struct iteration;

/*
 * 1. cpg_model_initialize connects and gives the handle out.
 * 2. Calls take a reference for their duration, a dispatch also while callbacks run.
 * 3. cpg_finalize kills the handle, tells the executive, cuts the connection if somebody is still
 *    inside.
 * 4. The last to leave closes the channel and frees the rest.
 */
struct cpg_connection {
	struct client_connection client; /* first */
	cpg_model_v1_data_t model;       /* the program's callbacks and flags */

	/* Held while the fragments of a message are sent: two such messages must not mix. */
	pthread_mutex_t fragments_lock;

	pthread_mutex_t assemblies_lock; /* never held in a callback */
	struct assembly_list assemblies;

	pthread_mutex_t zero_copy_lock;     /* held during each zero-copy call */
	struct zero_copy_buffer *zero_copy; /* newest first */

	pthread_mutex_t iterations_lock;
	struct iteration *iterations; /* newest first; each is in the table of iterations */
};

/**
 * Find the connection of a handle.
 *
 * @param connection set on success: referenced, given back with connection_put
 * @return CS_OK; CS_ERR_BAD_HANDLE
 */
cs_error_t connection_get(cpg_handle_t handle, struct cpg_connection **connection);

void connection_put(struct cpg_connection *connection);

/** A fast_note: the group of the messages that follow, as a struct cpg_name. */
void dispatch_note(uint8_t *context, const uint8_t *event, size_t size);

/** Make the handles of all iterations dead. */
void iterations_fini(struct cpg_connection *connection);

/** Free all zero-copy buffers; nobody else is inside. */
void zero_copy_fini(struct cpg_connection *connection);

/**
 * Send to the joined group what is longer than CPG_ATOMIC_SIZE_MAX.
 *
 * @param size bytes of iov together
 * @return as cpg_mcast_joined
 */
cs_error_t mcast_fragments(struct cpg_connection *connection, cpg_guarantee_t guarantee,
	const struct iovec *iov, unsigned int count, uint32_t size);

/** The public form of a name; CS_ERR_NAME_TOO_LONG when it cannot be one. */
cs_error_t name_from_wire(struct cpg_name *name, const struct cpg_wire_name *wire);

/** A name for the wire, cleared after its length. name->length is within bounds. */
void name_to_wire(struct cpg_wire_name *wire, const struct cpg_name *name);

/** Sleep while the executive is asked to repeat something. */
void pause_ms(unsigned int ms);

#endif
