/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state for a new version of the plugin: the clients with their iterations and trackers, the configuration versions
 * of the nodes, and the owners of keys. The new version starts its trackers before the old version ends, so no change of
 * a key is lost.
 */
#include "services/cmap/cmap.h"

#include <errno.h>

#include <coterie/state.h>

#define STATE_VERSION 2u
#define STATE_WITHOUT_OWNERS 1u

int cmap_state_save(void *self, void **blob, uint32_t *size)
{
	struct cmap *cmap = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	const struct cmap_connection *last = NULL;
	uint32_t count = 0;

	cmap_late_flush(cmap); /* the state does not contain late notifications */
	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put_u64(&writer, cmap->version.own);
	coterie_state_put_u64(&writer, cmap->version.highest);
	coterie_state_put_u32(&writer, cmap->version.member_count);
	coterie_state_put_u32(&writer, cmap->version.has_ring);
	coterie_state_put_u32(&writer, cmap->version.has_checked);
	coterie_state_put_u32(&writer, cmap->version.retry != NULL);
	for (const struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		last = one;
		count++;
	}
	coterie_state_put_u32(&writer, count); /* the connections follow, oldest first */
	for (; last != NULL; last = last->previous) {
		coterie_state_put_u64(&writer, cmap->host->client_id(last->client));
		coterie_state_put_u32(&writer, last->which);
		coterie_state_put_u64(&writer, last->next_number);
		cmap_iterators_save(last, &writer);
		cmap_trackers_save(last, &writer);
	}
	cmap_shares_save(cmap, &writer);
	return coterie_state_end(&writer, blob, size);
}

/* Read the state of a client. If the client has disconnected since the save, drop the state. */
static int take_connection(struct cmap *cmap, struct coterie_state_reader *reader)
{
	struct coterie_client *client = cmap->host->client_find(cmap->ctx, coterie_state_take_u64(reader));
	struct cmap_connection gone = {.client = NULL};
	struct cmap_connection *connection = client == NULL ? &gone : cmap->host->client_data(client);

	*connection = (struct cmap_connection){.client = client};
	connection->which = coterie_state_take_u32(reader);
	connection->next_number = coterie_state_take_u64(reader);
	if (client != NULL) {
		connection->next = cmap->connections;
		if (cmap->connections != NULL)
			cmap->connections->previous = connection;
		cmap->connections = connection;
		cmap->host->client_peer(client, NULL, &connection->uid, NULL);
	}
	int rc = cmap_iterators_load(cmap, connection, reader);
	return rc < 0 ? rc : cmap_trackers_load(cmap, connection, reader);
}

int cmap_state_load(void *self, const void *blob, uint32_t size)
{
	struct cmap *cmap = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};

	uint32_t version = coterie_state_take_u32(&reader);
	if (version != STATE_VERSION && version != STATE_WITHOUT_OWNERS)
		return -ENOTSUP;
	cmap->version.own = coterie_state_take_u64(&reader);
	cmap->version.highest = coterie_state_take_u64(&reader);
	cmap->version.member_count = coterie_state_take_u32(&reader);
	cmap->version.has_ring = coterie_state_take_u32(&reader) != 0;
	cmap->version.has_checked = coterie_state_take_u32(&reader) != 0;
	bool is_owed = coterie_state_take_u32(&reader) != 0;
	uint32_t count = coterie_state_take_count(&reader, 28);
	for (uint32_t i = 0; i < count; i++) {
		int rc = take_connection(cmap, &reader);

		if (rc < 0)
			return rc;
	}
	/* Without their owners, no user owns the keys that are in the map now. */
	if (version != STATE_WITHOUT_OWNERS) {
		int rc = cmap_shares_load(cmap, &reader);

		if (rc < 0)
			return rc;
	}
	if (!coterie_state_is_whole(&reader))
		return -ENOTSUP;
	if (is_owed)
		cmap_version_tell(cmap);
	return 0;
}
