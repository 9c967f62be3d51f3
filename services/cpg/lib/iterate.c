/*
 * Iterations over groups and members. The executive has the snapshot. The object of a handle has the snapshot's number.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <stdlib.h>

#include "services/client/error.h"

struct iteration {
	struct handle_object object; /* must be the first member */
	cpg_handle_t connection;     /* may be invalid by now */
	cpg_iteration_handle_t handle;
	uint64_t remote;        /* the executive's number of its snapshot */
	struct iteration *next; /* protected by the connection's iterations_lock */
};

static void iteration_destroy(struct handle_object *object) { free(object); /* the object is the first member */ }

static struct handle_table iterations = HANDLE_TABLE_INITIALIZER(iteration_destroy);

/* Take references to the iteration and to its connection, both or none. */
static cs_error_t iteration_get(
	cpg_iteration_handle_t handle, struct iteration **iteration, struct cpg_connection **connection)
{
	struct handle_object *object;
	cs_error_t rc;

	if (handle_get(&iterations, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	*iteration = (struct iteration *)object;
	rc = connection_get((*iteration)->connection, connection);
	if (rc != CS_OK)
		handle_put(&iterations, object);
	return rc;
}

static void iteration_put(struct iteration *iteration, struct cpg_connection *connection)
{
	handle_put(&iterations, &iteration->object);
	connection_put(connection);
}

/*
 * Remove an iteration. The caller holds the connection's iterations_lock. CS_ERR_BAD_HANDLE: another thread has removed
 * it.
 */
static cs_error_t iteration_remove(struct cpg_connection *connection, struct iteration *iteration)
{
	struct iteration **link = &connection->iterations;
	struct handle_object *object;

	if (handle_take(&iterations, iteration->handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	while (*link != iteration)
		link = &(*link)->next;
	*link = iteration->next;
	handle_put(&iterations, object);
	return CS_OK;
}

void iterations_fini(struct cpg_connection *connection)
{
	pthread_mutex_lock(&connection->iterations_lock);
	while (connection->iterations != NULL)
		(void)iteration_remove(connection, connection->iterations);
	pthread_mutex_unlock(&connection->iterations_lock);
}

static cs_error_t remote_finalize(struct cpg_connection *connection, uint64_t remote)
{
	struct cpg_req_iteration_finalize request = {
		.header = {.id = CPG_REQ_ITERATION_FINALIZE, .size = sizeof(request)},
		.iteration = remote,
	};
	struct cpg_res_plain response;

	return channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
}

/* Make a handle for the executive's snapshot and add it to the connection's list. */
static cs_error_t iteration_create(struct cpg_connection *connection, cpg_handle_t handle, uint64_t remote,
	cpg_iteration_handle_t *iteration_handle)
{
	struct iteration *iteration = calloc(1, sizeof(*iteration));
	int rc;

	if (iteration == NULL)
		return CS_ERR_NO_MEMORY;
	iteration->connection = handle;
	iteration->remote = remote;
	pthread_mutex_lock(&connection->iterations_lock);
	rc = handle_open(&iterations, &iteration->object, &iteration->handle);
	if (rc == 0) {
		iteration->next = connection->iterations;
		connection->iterations = iteration;
		*iteration_handle = iteration->handle;
	} else {
		free(iteration);
	}
	pthread_mutex_unlock(&connection->iterations_lock);
	return client_error(rc);
}

cs_error_t cpg_iteration_initialize(cpg_handle_t handle, cpg_iteration_type_t iteration_type,
	const struct cpg_name *group, cpg_iteration_handle_t *cpg_iteration_handle)
{
	struct cpg_res_iteration_initialize response;
	struct cpg_connection *connection;
	cs_error_t rc;

	if (group != NULL && group->length > CPG_MAX_NAME_LENGTH)
		return CS_ERR_NAME_TOO_LONG;
	if (cpg_iteration_handle == NULL)
		return CS_ERR_INVALID_PARAM;
	if ((iteration_type == CPG_ITERATION_ONE_GROUP) != (group != NULL))
		return CS_ERR_INVALID_PARAM;
	if (iteration_type != CPG_ITERATION_NAME_ONLY && iteration_type != CPG_ITERATION_ONE_GROUP &&
		iteration_type != CPG_ITERATION_ALL)
		return CS_ERR_INVALID_PARAM;
	rc = connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	struct cpg_req_iteration_initialize request = {
		.header = {.id = CPG_REQ_ITERATION_INITIALIZE, .size = sizeof(request)},
		.iteration_type = (uint32_t)iteration_type,
	};
	if (group != NULL)
		name_to_wire(&request.group, group);
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	if (rc == CS_OK) {
		rc = iteration_create(connection, handle, response.iteration, cpg_iteration_handle);
		if (rc != CS_OK)
			(void)remote_finalize(connection, response.iteration);
	}
	connection_put(connection);
	return rc;
}

cs_error_t cpg_iteration_next(cpg_iteration_handle_t handle, struct cpg_iteration_description_t *description)
{
	struct cpg_req_iteration_next request = {.header = {.id = CPG_REQ_ITERATION_NEXT, .size = sizeof(request)}};
	struct cpg_res_iteration_next response;
	struct cpg_connection *connection;
	struct iteration *iteration;
	cs_error_t rc;

	if (description == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = iteration_get(handle, &iteration, &connection);
	if (rc != CS_OK)
		return rc;
	request.iteration = iteration->remote;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	if (rc == CS_OK && name_from_wire(&description->group, &response.group) != CS_OK)
		rc = CS_ERR_LIBRARY;
	if (rc == CS_OK) {
		description->nodeid = response.nodeid;
		description->pid = response.pid;
	}
	iteration_put(iteration, connection);
	return rc;
}

/* Invalidate the handle, whichever answer the executive sends. */
cs_error_t cpg_iteration_finalize(cpg_iteration_handle_t handle)
{
	struct cpg_connection *connection;
	struct iteration *iteration;
	cs_error_t rc = iteration_get(handle, &iteration, &connection);

	if (rc != CS_OK)
		return rc;
	pthread_mutex_lock(&connection->iterations_lock);
	rc = iteration_remove(connection, iteration);
	pthread_mutex_unlock(&connection->iterations_lock);
	if (rc == CS_OK)
		rc = remote_finalize(connection, iteration->remote);
	iteration_put(iteration, connection);
	return rc;
}
