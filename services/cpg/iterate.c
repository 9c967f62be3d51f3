/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterations over a snapshot of all memberships. corosync-cpgtool uses them. */
#include "services/cpg/iterate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

#define CS_OK 1
#define CS_ERR_LIBRARY 2
#define CS_ERR_NO_SECTIONS 27

/* Limits per client: open iterations, and entries of all of these. Beyond a limit a new iteration is refused. */
#define ITERATIONS_MAX 64
#define ENTRIES_OPEN_MAX 49152u

void cpg_iteration_free(struct cpg_iteration *iteration)
{
	if (iteration == NULL)
		return;
	free(iteration->entries);
	free(iteration);
}

void cpg_iterations_free(struct cpg_connection *connection)
{
	while (connection->iterations != NULL) {
		struct cpg_iteration *iteration = connection->iterations;

		connection->iterations = iteration->next;
		cpg_iteration_free(iteration);
	}
	cpg_snapshot_drop(connection);
}

void cpg_iterations_save(const struct cpg_connection *connection, struct coterie_state_writer *writer)
{
	uint32_t count = 0;

	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next) {
		coterie_state_put_u64(writer, one->token);
		coterie_state_put_u32(writer, one->at);
		coterie_state_put_u32(writer, one->count);
		coterie_state_put(writer, one->entries, one->count * sizeof(one->entries[0]));
	}
}

int cpg_iterations_load(struct cpg_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 16);
	struct cpg_iteration **end = &connection->iterations;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t token = coterie_state_take_u64(reader);
		uint32_t at = coterie_state_take_u32(reader);
		uint32_t entries = coterie_state_take_count(reader, sizeof(struct cpg_iteration_entry));
		struct cpg_iteration *iteration = calloc(1, sizeof(*iteration));

		if (iteration == NULL)
			return -ENOMEM;
		iteration->entries = calloc(entries + 1u, sizeof(iteration->entries[0]));
		if (iteration->entries == NULL) {
			free(iteration);
			return -ENOMEM;
		}
		iteration->token = token;
		iteration->at = at;
		iteration->count = entries;
		coterie_state_take(reader, iteration->entries, entries * (uint32_t)sizeof(struct cpg_iteration_entry));
		*end = iteration;
		end = &iteration->next;
		if (at > entries)
			return -ENOTSUP;
	}
	return 0;
}

static struct cpg_iteration **find(struct cpg_connection *connection, uint64_t token)
{
	struct cpg_iteration **at = &connection->iterations;

	while (*at != NULL && (*at)->token != token)
		at = &(*at)->next;
	return at;
}

void cpg_iteration_open(struct cpg *cpg, struct cpg_connection *connection, struct cpg_iteration *iteration)
{
	iteration->token = cpg->next_token++;
	iteration->next = connection->iterations;
	connection->iterations = iteration;

	struct iovec iov = {.iov_base = &iteration->token, .iov_len = sizeof(iteration->token)};

	cpg->host->reply(connection->client, CPG_RES_ITERATION_INITIALIZE, CS_OK, &iov, 1);
}

int cpg_handle_iteration_initialize(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_req_iteration_initialize req;
	struct cpg_wire_name name = {0};
	uint32_t open = 0;
	uint64_t entries = 0;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	if (req.iteration_type < CPG_NAME_ONLY || req.iteration_type > CPG_ALL)
		return -EINVAL;
	/* Use the name only with CPG_ONE_GROUP: with other types Corosync's library does not set it. */
	if (req.iteration_type == CPG_ONE_GROUP) {
		int rc = cpg_name_clean(&req.group, &name);

		if (rc < 0)
			return rc;
	}
	for (const struct cpg_iteration *one = connection->iterations; one != NULL; one = one->next) {
		open++;
		entries += one->count;
	}

	if (connection->build != NULL) /* a client may build only one snapshot at a time */
		return -EAGAIN;
	if (open >= ITERATIONS_MAX || entries > ENTRIES_OPEN_MAX)
		return -ENOMEM;
	return cpg_snapshot_take(cpg, connection, req.iteration_type, &name);
}

/*
 * Answer with the next entry. After the last entry one request is refused, and the request after that returns the first
 * entry.
 */
int cpg_handle_iteration_next(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_iteration_next req;
	struct cpg_iteration_entry none = {.nodeid = 0};
	struct iovec iov = {.iov_base = &none, .iov_len = sizeof(none)};
	int32_t error = CS_OK;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_iteration *iteration = *find(cpg->host->client_data(client), req.iteration);

	if (iteration == NULL) {
		error = CS_ERR_LIBRARY;
	} else if (iteration->at == iteration->count) {
		error = CS_ERR_NO_SECTIONS;
		iteration->at = 0;
	} else {
		iov.iov_base = &iteration->entries[iteration->at++];
	}
	cpg->host->reply(client, CPG_RES_ITERATION_NEXT, error, &iov, 1);
	return COTERIE_REPLIED;
}

int cpg_handle_iteration_finalize(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_iteration_finalize req;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_iteration **at = find(cpg->host->client_data(client), req.iteration);
	struct cpg_iteration *iteration = *at;

	if (iteration == NULL) {
		cpg->host->reply(client, CPG_RES_ITERATION_FINALIZE, CS_ERR_LIBRARY, NULL, 0);
		return COTERIE_REPLIED;
	}
	*at = iteration->next;
	cpg_iteration_free(iteration);
	return 0;
}
