/*
 * Calls that connect and disconnect, and calls that send no request.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "services/client/error.h"

enum {
	/* How long cpg_finalize waits for room for its request if the executive does not read. */
	FINALIZE_PATIENCE_MS = 1000,
	FINALIZE_PAUSE_MS = 5,
};

static void connection_destroy(struct handle_object *object);

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

void pause_ms(unsigned int ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
		;
}

cs_error_t connection_get(cpg_handle_t handle, struct cpg_connection **connection)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	/* The cast is valid: the object is the first member of struct cpg_connection. */
	*connection = (struct cpg_connection *)object;
	return CS_OK;
}

void connection_put(struct cpg_connection *connection) { handle_put(&connections, &connection->client.object); }

static void connection_destroy(struct handle_object *object)
{
	struct cpg_connection *connection = (struct cpg_connection *)object;

	iterations_fini(connection);
	client_connection_close(&connection->client);
	zero_copy_fini(connection);
	assembly_list_fini(&connection->assemblies);
	pthread_mutex_destroy(&connection->fragments_lock);
	pthread_mutex_destroy(&connection->assemblies_lock);
	pthread_mutex_destroy(&connection->zero_copy_lock);
	pthread_mutex_destroy(&connection->iterations_lock);
	free(connection);
}

cs_error_t cpg_initialize(cpg_handle_t *handle, cpg_callbacks_t *callbacks)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1};

	if (callbacks != NULL) {
		model.cpg_deliver_fn = callbacks->cpg_deliver_fn;
		model.cpg_confchg_fn = callbacks->cpg_confchg_fn;
	}
	return cpg_model_initialize(handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, NULL);
}

cs_error_t cpg_model_initialize(cpg_handle_t *handle, cpg_model_t model, cpg_model_data_t *model_data, void *context)
{
	struct cpg_connection *connection;
	int rc;

	*handle = 0;
	if (model != CPG_MODEL_V1)
		return CS_ERR_INVALID_PARAM;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	if (model_data != NULL)
		connection->model = *(const cpg_model_v1_data_t *)model_data;
	assembly_list_init(&connection->assemblies);
	pthread_mutex_init(&connection->fragments_lock, NULL);
	pthread_mutex_init(&connection->assemblies_lock, NULL);
	pthread_mutex_init(&connection->zero_copy_lock, NULL);
	pthread_mutex_init(&connection->iterations_lock, NULL);

	rc = client_connection_open(&connection->client, "cpg", context);
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	/*
	 * Check the flags only after the connect: without a daemon the caller gets the connect error, even for invalid
	 * flags.
	 */
	rc = -EINVAL;
	if ((connection->model.flags & ~(unsigned int)CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF) == 0)
		rc = handle_open(&connections, &connection->client.object, handle);
	if (rc < 0)
		connection_destroy(&connection->client.object);
	return client_error(rc);
}

/*
 * Send FINALIZE, so that the executive has read all multicasts of this handle before the connection closes. The library
 * waits some time for a busy executive, and ignores the error in the answer.
 */
static cs_error_t finalize_request(struct channel *channel)
{
	struct cpg_req_finalize request = {.header = {.id = CPG_REQ_FINALIZE, .size = sizeof(request)}};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	struct cpg_res_plain response;
	unsigned int waited_ms = 0;
	ssize_t rc;

	for (;;) {
		rc = channel_call(channel, CHANNEL_GATE_ALL, &iov, 1, &response, sizeof(response));
		if (rc != -EAGAIN)
			return client_error(rc);
		if (waited_ms >= FINALIZE_PATIENCE_MS)
			return CS_OK;
		pause_ms(FINALIZE_PAUSE_MS);
		waited_ms += FINALIZE_PAUSE_MS;
	}
}

cs_error_t cpg_finalize(cpg_handle_t handle)
{
	struct handle_object *object;
	cs_error_t rc;

	if (handle_take(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	struct cpg_connection *connection = (struct cpg_connection *)object;
	rc = finalize_request(&connection->client.channel);
	client_leave(&connections, object);
	return rc;
}

cs_error_t cpg_fd_get(cpg_handle_t handle, int *fd) { return client_fd_get(&connections, handle, fd); }

cs_error_t cpg_context_get(cpg_handle_t handle, void **context)
{
	return client_context_get(&connections, handle, context);
}

cs_error_t cpg_context_set(cpg_handle_t handle, void *context)
{
	return client_context_set(&connections, handle, context);
}

cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t handle, uint32_t *size)
{
	struct cpg_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*size = CPG_ATOMIC_SIZE_MAX;
	connection_put(connection);
	return CS_OK;
}

/* Always report flow control as disabled: cpg_mcast_joined returns an error when a message cannot be sent. */
cs_error_t cpg_flow_control_state_get(cpg_handle_t handle, cpg_flow_control_state_t *flow_control_enabled)
{
	struct cpg_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*flow_control_enabled = CPG_FLOW_CONTROL_DISABLED;
	connection_put(connection);
	return CS_OK;
}
