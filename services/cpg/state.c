/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state for a new version of the plugin: the members of groups, the messages that are not delivered yet, and the
 * clients with their iterations and shared buffers. It is saved between two messages of the ring and never during a
 * synchronisation. The state contains the descriptors of buffers: the new version duplicates them, and the old version
 * closes its own.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

/* States of version 1 have no data of compact messages, and those of version 2 do not count fragments. */
#define STATE_VERSION 3u
#define PROCESS_BYTES offsetof(struct cpg_process, sending)
#define SENDING_BYTES (3 * sizeof(uint32_t))
#define NAME_BYTES sizeof(struct cpg_wire_name)

/* Flags of a saved struct cpg_sending. */
enum {
	IS_OPEN = 1,
	IS_RESUMED = 2,
};

/* ---- Saving -------------------------------------------------------------- */

static void put_name(struct coterie_state_writer *writer, const struct cpg_wire_name *name)
{
	coterie_state_put(writer, name, NAME_BYTES);
}

static void put_handle(struct coterie_state_writer *writer, const struct cpg_handle *handle)
{
	coterie_state_put_u64(writer, handle->period);
	coterie_state_put_u32(writer, handle->number);
}

static void put_sending(struct coterie_state_writer *writer, const struct cpg_sending *sending)
{
	coterie_state_put_u32(writer, sending->size);
	coterie_state_put_u32(writer, sending->left);
	coterie_state_put_u32(writer, (sending->is_open ? IS_OPEN : 0) | (sending->is_resumed ? IS_RESUMED : 0));
}

static void put_groups(struct coterie_state_writer *writer, const struct cpg *cpg)
{
	coterie_state_put_u32(writer, cpg->group_count);
	for (uint32_t i = 0; i < cpg->group_count; i++) {
		const struct cpg_group *group = cpg->groups[i];

		put_name(writer, &group->name);
		coterie_state_put_u32(writer, group->count);
		for (uint32_t k = 0; k < group->count; k++) {
			coterie_state_put(writer, &group->members[k], PROCESS_BYTES);
			put_sending(writer, &group->members[k].sending);
		}
	}
}

static void put_leaving(struct coterie_state_writer *writer, const struct cpg *cpg)
{
	uint32_t count = 0;

	for (const struct cpg_leaving *one = cpg->leaving; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct cpg_leaving *one = cpg->leaving; one != NULL; one = one->next) {
		put_name(writer, &one->name);
		coterie_state_put_u32(writer, one->pid);
		coterie_state_put_u32(writer, one->is_sent);
		put_handle(writer, &one->handle);
	}
}

/* Flags of a saved connection. */
enum {
	IS_FINALIZED = 1,
	WANTS_TOTEM = 2,
	HAD_TOTEM = 4,
	IS_IN_GROUP = 8,
	HAS_LEAVING = 16,
};

static void put_connection(struct coterie_state_writer *writer, const struct cpg *cpg, const struct cpg_connection *one)
{
	static const struct cpg_wire_name none;

	coterie_state_put_u64(writer, cpg->host->client_id(one->client));
	coterie_state_put_u32(writer, one->state);
	coterie_state_put_u32(writer, one->pid);
	coterie_state_put_u32(writer, (one->is_finalized ? IS_FINALIZED : 0) | (one->wants_totem ? WANTS_TOTEM : 0) |
					      (one->had_totem ? HAD_TOTEM : 0) |
					      (one->group != NULL ? IS_IN_GROUP : 0) |
					      (one->leaving != NULL ? HAS_LEAVING : 0));
	coterie_state_put_u64(writer, one->changes);
	coterie_state_put_u64(writer, one->changes_at_first);
	put_sending(writer, &one->sending);
	put_handle(writer, &one->handle);
	put_name(writer, one->group != NULL ? &one->group->name : &none);
	cpg_iterations_save(one, writer);
	cpg_zero_copies_save(one, writer);
}

int cpg_state_save(void *self, void **blob, uint32_t *size)
{
	struct cpg *cpg = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	const struct cpg_connection *last = NULL;
	uint32_t count = 0;

	if (cpg->resync.is_active || cpg->builds != NULL)
		return -EAGAIN;
	cpg_settle_all(cpg);
	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put_u64(&writer, cpg->process_seq);
	coterie_state_put_u64(&writer, cpg->next_token);
	coterie_state_put_u64(&writer, cpg->resync.round);
	coterie_state_put_u32(&writer, cpg->ring.representative);
	coterie_state_put_u64(&writer, cpg->ring.seq);
	coterie_state_put_u32(&writer, cpg->member_count);
	coterie_state_put(&writer, cpg->members, cpg->member_count * sizeof(cpg->members[0]));
	put_groups(&writer, cpg);
	put_leaving(&writer, cpg);
	for (const struct cpg_connection *one = cpg->connections; one != NULL; one = one->next) {
		last = one;
		count++;
	}
	/*
	 * Save the connections oldest first. The reader adds each connection in front of the list, which restores the
	 * order.
	 */
	coterie_state_put_u32(&writer, count);
	for (; last != NULL; last = last->previous)
		put_connection(&writer, cpg, last);
	cpg_compact_save(cpg, &writer);
	return coterie_state_end(&writer, blob, size);
}

/* ---- Loading ------------------------------------------------------------- */

static int take_name(struct coterie_state_reader *reader, struct cpg_wire_name *name)
{
	struct cpg_wire_name raw;

	coterie_state_take(reader, &raw, NAME_BYTES);
	return cpg_name_clean(&raw, name) < 0 ? -ENOTSUP : 0;
}

static void take_handle(const struct cpg *cpg, struct coterie_state_reader *reader, struct cpg_handle *handle)
{
	*handle = (struct cpg_handle){0};
	if (cpg->state_version < 2)
		return;
	handle->period = coterie_state_take_u64(reader);
	handle->number = coterie_state_take_u32(reader);
}

/* @return 0; -ENOTSUP: it is not valid */
static int take_sending(const struct cpg *cpg, struct coterie_state_reader *reader, struct cpg_sending *sending)
{
	*sending = (struct cpg_sending){.is_open = true, .is_resumed = true};
	if (cpg->state_version < 3)
		return 0;
	sending->size = coterie_state_take_u32(reader);
	sending->left = coterie_state_take_u32(reader);
	uint32_t flags = coterie_state_take_u32(reader);
	sending->is_open = (flags & IS_OPEN) != 0;
	sending->is_resumed = (flags & IS_RESUMED) != 0;
	return sending->left <= sending->size ? 0 : -ENOTSUP;
}

static int take_members(struct cpg *cpg, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, sizeof(cpg->members[0]));

	cpg->members = calloc(count + 1u, sizeof(cpg->members[0]));
	if (cpg->members == NULL)
		return -ENOMEM;
	cpg->member_count = count;
	coterie_state_take(reader, cpg->members, count * (uint32_t)sizeof(cpg->members[0]));
	return 0;
}

static int take_group(struct cpg *cpg, struct coterie_state_reader *reader)
{
	struct cpg_wire_name name;
	int rc = take_name(reader, &name);
	uint32_t count = coterie_state_take_count(reader, PROCESS_BYTES + (cpg->state_version < 3 ? 0 : SENDING_BYTES));
	struct cpg_group *group = rc == 0 ? cpg_group_get(cpg, &name) : NULL;

	if (group == NULL)
		return rc < 0 ? rc : -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct cpg_process process;

		coterie_state_take(reader, &process, PROCESS_BYTES);
		rc = take_sending(cpg, reader, &process.sending);
		if (rc == 0)
			rc = cpg_process_add(cpg, group, process.nodeid, process.pid);
		if (rc < 0)
			return rc == -EEXIST ? -ENOTSUP : rc;
		*cpg_process_find(group, process.nodeid, process.pid) = process;
	}
	return 0; /* cpg_state_load frees groups that have neither members nor connections */
}

static int take_leaving(struct cpg *cpg, struct coterie_state_reader *reader, struct cpg_leaving ***end)
{
	struct cpg_leaving *leaving = calloc(1, sizeof(*leaving));

	if (leaving == NULL)
		return -ENOMEM;
	int rc = take_name(reader, &leaving->name);
	leaving->pid = coterie_state_take_u32(reader);
	leaving->is_sent = coterie_state_take_u32(reader) != 0;
	take_handle(cpg, reader, &leaving->handle);
	**end = leaving;
	*end = &leaving->next;
	cpg->has_unsent = cpg->has_unsent || !leaving->is_sent;
	return rc;
}

static int fill_connection(
	struct cpg *cpg, struct cpg_connection *connection, uint32_t flags, const struct cpg_wire_name *name)
{
	connection->is_finalized = (flags & IS_FINALIZED) != 0;
	connection->wants_totem = (flags & WANTS_TOTEM) != 0;
	connection->had_totem = (flags & HAD_TOTEM) != 0;
	if ((flags & HAS_LEAVING) != 0) {
		connection->leaving = calloc(1, sizeof(*connection->leaving));
		if (connection->leaving == NULL)
			return -ENOMEM;
	}
	if ((flags & IS_IN_GROUP) == 0)
		return connection->state == CPG_UNJOINED ? 0 : -ENOTSUP;
	struct cpg_group *group = cpg_group_get(cpg, name);
	if (group == NULL)
		return -ENOMEM;
	cpg_connection_attach(cpg, connection, group);
	return 0;
}

/* Read the state of a client. If the client has disconnected since the save, drop this state and free its objects. */
static int take_connection(struct cpg *cpg, struct coterie_state_reader *reader)
{
	struct coterie_client *client = cpg->host->client_find(cpg->ctx, coterie_state_take_u64(reader));
	struct cpg_connection gone;
	struct cpg_connection *connection = client == NULL ? &gone : cpg->host->client_data(client);
	struct cpg_wire_name name;

	memset(connection, 0, sizeof(*connection));
	connection->client = client;
	connection->state = (enum cpg_state)coterie_state_take_u32(reader);
	connection->pid = coterie_state_take_u32(reader);
	uint32_t flags = coterie_state_take_u32(reader);
	connection->changes = coterie_state_take_u64(reader);
	connection->changes_at_first = coterie_state_take_u64(reader);
	int sending_rc = take_sending(cpg, reader, &connection->sending);
	take_handle(cpg, reader, &connection->handle);
	int rc = take_name(reader, &name);
	if (sending_rc < 0)
		rc = sending_rc;
	if (connection->state > CPG_LEAVE_STARTED)
		rc = -ENOTSUP;
	if (client != NULL) {
		connection->next = cpg->connections;
		if (cpg->connections != NULL)
			cpg->connections->previous = connection;
		cpg->connections = connection;
		if (rc == 0)
			rc = fill_connection(cpg, connection, flags, &name);
	}
	if (rc == 0)
		rc = cpg_iterations_load(connection, reader);
	if (rc == 0)
		rc = cpg_zero_copies_load(cpg, connection, reader);
	if (client == NULL) {
		cpg_iterations_free(connection);
		cpg_zero_copies_free(cpg, connection);
	}
	return rc;
}

/* Read all parts of a state. If this fails, cpg_fini frees the parts that were read. */
static int take_all(struct cpg *cpg, struct coterie_state_reader *reader)
{
	struct cpg_leaving **end = &cpg->leaving;
	int rc = take_members(cpg, reader);
	uint32_t count = coterie_state_take_count(reader, NAME_BYTES);

	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_group(cpg, reader);
	count = coterie_state_take_count(reader, NAME_BYTES);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_leaving(cpg, reader, &end);
	count = coterie_state_take_count(reader, NAME_BYTES);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_connection(cpg, reader);
	if (rc == 0 && cpg->state_version >= 2)
		rc = cpg_compact_load(cpg, reader);
	if (rc == 0 && !coterie_state_is_whole(reader))
		rc = -ENOTSUP;
	return rc;
}

int cpg_state_load(void *self, const void *blob, uint32_t size)
{
	struct cpg *cpg = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};

	cpg->state_version = coterie_state_take_u32(&reader);
	if (cpg->state_version == 0 || cpg->state_version > STATE_VERSION)
		return -ENOTSUP;
	uint64_t process_seq = coterie_state_take_u64(&reader);
	cpg->next_token = coterie_state_take_u64(&reader);
	cpg->resync.round = coterie_state_take_u64(&reader);
	cpg->ring.representative = coterie_state_take_u32(&reader);
	cpg->ring.seq = coterie_state_take_u64(&reader);
	int rc = take_all(cpg, &reader);
	cpg->process_seq = process_seq; /* take_all() has changed it when it added processes */
	for (uint32_t i = 0; rc == 0 && i < cpg->group_count;) {
		uint32_t count = cpg->group_count;

		cpg_group_release(cpg, cpg->groups[i]);
		if (cpg->group_count == count)
			i++;
	}
	if (rc == 0 && cpg->has_unsent)
		cpg_leavings_send(cpg);
	return rc;
}
