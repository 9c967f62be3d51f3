/* SPDX-License-Identifier: BSD-3-Clause */
/* The state for a new version of the plugin: the ring's members, and the clients with their models. */
#include "services/quorum/quorum.h"

#include <errno.h>
#include <stdlib.h>

#include <coterie/state.h>

#define STATE_VERSION 1u

static void put_list(struct coterie_state_writer *writer, const struct quorum_list *list)
{
	coterie_state_put_u32(writer, list->count);
	coterie_state_put(writer, list->nodeids, list->count * sizeof(uint32_t));
}

int quorum_state_save(void *self, void **blob, uint32_t *size)
{
	const struct quorum *quorum = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	uint32_t connections = 0;

	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put_u32(&writer, quorum->is_known);
	coterie_state_put_u32(&writer, quorum->ring.representative);
	coterie_state_put_u64(&writer, quorum->ring.seq);
	put_list(&writer, &quorum->members);
	put_list(&writer, &quorum->joined);
	put_list(&writer, &quorum->left);
	put_list(&writer, &quorum->before);
	for (const struct quorum_connection *one = quorum->connections; one != NULL; one = one->next)
		connections++;
	coterie_state_put_u32(&writer, connections);
	for (const struct quorum_connection *one = quorum->connections; one != NULL; one = one->next) {
		coterie_state_put_u64(&writer, quorum->host->client_id(one->client));
		coterie_state_put_u32(&writer, one->model);
		coterie_state_put_u32(&writer, one->is_tracking);
	}
	return coterie_state_end(&writer, blob, size);
}

static int take_list(struct coterie_state_reader *reader, struct quorum_list *list)
{
	uint32_t count = coterie_state_take_count(reader, sizeof(uint32_t));

	list->nodeids = calloc(count + 1u, sizeof(uint32_t));
	if (list->nodeids == NULL)
		return -ENOMEM;
	list->count = count;
	coterie_state_take(reader, list->nodeids, count * (uint32_t)sizeof(uint32_t));
	return 0;
}

/* Read the clients, which were saved newest first. */
static void take_connections(struct quorum *quorum, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 16);
	struct quorum_connection *last = NULL;

	for (uint32_t i = 0; i < count; i++) {
		struct coterie_client *client = quorum->host->client_find(quorum->ctx, coterie_state_take_u64(reader));
		uint32_t model = coterie_state_take_u32(reader);
		bool is_tracking = coterie_state_take_u32(reader) != 0;

		if (client == NULL)
			continue;
		struct quorum_connection *connection = quorum->host->client_data(client);
		*connection = (struct quorum_connection){
			.client = client, .previous = last, .model = model, .is_tracking = is_tracking};
		if (last != NULL)
			last->next = connection;
		else
			quorum->connections = connection;
		last = connection;
	}
}

int quorum_state_load(void *self, const void *blob, uint32_t size)
{
	struct quorum *quorum = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};
	struct quorum_list *const lists[] = {&quorum->members, &quorum->joined, &quorum->left, &quorum->before};

	if (coterie_state_take_u32(&reader) != STATE_VERSION)
		return -ENOTSUP;
	quorum->is_known = coterie_state_take_u32(&reader) != 0;
	quorum->ring.representative = coterie_state_take_u32(&reader);
	quorum->ring.seq = coterie_state_take_u64(&reader);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int rc = take_list(&reader, lists[i]); /* after an error fini frees the lists that were read */

		if (rc < 0)
			return rc;
	}
	take_connections(quorum, &reader);
	return coterie_state_is_whole(&reader) ? 0 : -ENOTSUP;
}
