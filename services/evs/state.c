/* SPDX-License-Identifier: BSD-3-Clause */
/* The state for a new version of the plugin: the clients and their groups. */
#include "services/evs/evs.h"

#include <errno.h>

#include <coterie/state.h>

#define STATE_VERSION 1u

int evs_state_save(void *self, void **blob, uint32_t *size)
{
	const struct evs *evs = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	uint32_t connections = 0;

	for (const struct evs_connection *one = evs->connections; one != NULL; one = one->next)
		connections++;
	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put_u32(&writer, connections);
	for (const struct evs_connection *one = evs->connections; one != NULL; one = one->next) {
		coterie_state_put_u64(&writer, evs->host->client_id(one->client));
		coterie_state_put_u32(&writer, one->group_count);
		coterie_state_put(&writer, one->groups, one->group_count * sizeof(one->groups[0]));
	}
	return coterie_state_end(&writer, blob, size);
}

/* Add saved groups to a connection. They need not be sorted: evs_groups_insert sorts them. */
static int add_groups(struct evs_connection *connection, const void *bytes, uint32_t count)
{
	int rc = 0;

	for (uint32_t done = 0; rc == 0 && done < count;) {
		uint32_t some = count - done < EVS_REQUEST_GROUPS_MAX ? count - done : EVS_REQUEST_GROUPS_MAX;

		rc = evs_groups_insert(connection, (const struct evs_wire_group *)bytes + done, some);
		done += some;
	}
	return rc;
}

static int take_connection(struct evs *evs, struct coterie_state_reader *reader, struct evs_connection **last)
{
	struct coterie_client *client = evs->host->client_find(evs->ctx, coterie_state_take_u64(reader));
	uint32_t count = coterie_state_take_count(reader, sizeof(struct evs_wire_group));
	const void *groups = coterie_state_view(reader, count * (uint32_t)sizeof(struct evs_wire_group));

	if (groups == NULL)
		return -ENOTSUP;
	if (client == NULL)
		return 0; /* the client has disconnected */
	struct evs_connection *connection = evs->host->client_data(client);
	connection->client = client;
	evs->host->client_peer(client, NULL, &connection->uid, NULL);
	connection->previous = *last;
	if (*last != NULL)
		(*last)->next = connection;
	else
		evs->connections = connection;
	*last = connection;
	return add_groups(connection, groups, count);
}

int evs_state_load(void *self, const void *blob, uint32_t size)
{
	struct evs *evs = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};
	struct evs_connection *last = NULL;

	if (coterie_state_take_u32(&reader) != STATE_VERSION)
		return -ENOTSUP;
	uint32_t count = coterie_state_take_count(&reader, 12);
	for (uint32_t i = 0; i < count; i++) {
		int rc = take_connection(evs, &reader, &last);

		if (rc < 0)
			return rc;
	}
	return coterie_state_is_whole(&reader) ? 0 : -ENOTSUP;
}
