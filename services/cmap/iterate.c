/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterations of clients over their map. If the map changes, a running iteration reads the changed map. */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

/*
 * Limits of open iterators of one client, and of all clients of one user. An iterator takes up to 1.5 KB, and a request
 * searches those of its client.
 */
#define ITERATORS_MAX 256u
#define USER_ITERATORS_MAX 1024u

static struct cmap_iterator **find(struct cmap_connection *connection, uint64_t number)
{
	struct cmap_iterator **at = &connection->iterators;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static void iterator_free(struct cmap *cmap, struct cmap_connection *connection, struct cmap_iterator **at)
{
	struct cmap_iterator *iterator = *at;

	*at = iterator->next;
	connection->iterator_count--;
	cmap->host->map_iterate_end(iterator->walk);
	free(iterator);
}

void cmap_iterators_free(struct cmap *cmap, struct cmap_connection *connection)
{
	while (connection->iterators != NULL)
		iterator_free(cmap, connection, &connection->iterators);
}

/* ---- A new version takes over -------------------------------------------- */

void cmap_iterators_save(const struct cmap_connection *connection, struct coterie_state_writer *writer)
{
	coterie_state_put_u32(writer, connection->iterator_count);
	for (const struct cmap_iterator *one = connection->iterators; one != NULL; one = one->next) {
		coterie_state_put_u64(writer, one->number);
		coterie_state_put(writer, one->prefix, sizeof(one->prefix));
		coterie_state_put(writer, one->last, sizeof(one->last));
	}
}

/*
 * Iterate up to the last key that was sent, since keys have an ascending order. If that key was deleted, the iterator
 * has read one key too far.
 */
static void catch_up(struct cmap *cmap, struct cmap_iterator *iterator)
{
	struct coterie_map_value value = {0};
	const char *key = "";
	int order = iterator->last[0] == '\0' ? 0 : -1;

	while (order < 0 && (key = cmap->host->map_iterate_next(iterator->walk, &value)) != NULL)
		order = strcmp(key, iterator->last);
	if (key == NULL || order <= 0)
		return;
	iterator->has_pending = true;
	snprintf(iterator->pending, sizeof(iterator->pending), "%s", key);
	iterator->pending_type = value.type;
	iterator->pending_size = value.size;
}

static int take_iterator(struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader)
{
	struct cmap_iterator *iterator = calloc(1, sizeof(*iterator));
	int rc = -ENOMEM;

	if (iterator == NULL)
		return rc;
	iterator->number = coterie_state_take_u64(reader);
	coterie_state_take(reader, iterator->prefix, sizeof(iterator->prefix));
	coterie_state_take(reader, iterator->last, sizeof(iterator->last));
	iterator->prefix[sizeof(iterator->prefix) - 1] = iterator->last[sizeof(iterator->last) - 1] = '\0';
	if (connection->client != NULL)
		rc = cmap->host->map_iterate(cmap->ctx, connection->which, iterator->prefix, &iterator->walk);
	if (rc < 0) {
		free(iterator);
		return connection->client == NULL ? 0 : rc;
	}
	catch_up(cmap, iterator);
	struct cmap_iterator **end = &connection->iterators;
	while (*end != NULL)
		end = &(*end)->next;
	*end = iterator;
	connection->iterator_count++;
	return 0;
}

int cmap_iterators_load(struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 2 * (COTERIE_MAP_NAME_MAX + 1) + 8);
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_iterator(cmap, connection, reader);
	return rc;
}

/* ---- Requests ------------------------------------------------------------ */

static uint32_t of_user(const struct cmap *cmap, uint32_t uid)
{
	uint32_t count = 0;

	for (const struct cmap_connection *one = cmap->connections; one != NULL; one = one->next)
		count += one->uid == uid ? one->iterator_count : 0;
	return count;
}

/* Return whether a client may have one more iterator. */
static bool has_share(struct cmap *cmap, struct cmap_connection *connection)
{
	cmap->host->client_peer(connection->client, NULL, &connection->uid, NULL);
	return connection->iterator_count < ITERATORS_MAX && of_user(cmap, connection->uid) < USER_ITERATORS_MAX;
}

int cmap_handle_iter_init(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);
	struct cmap_iterator *iterator = NULL;
	struct cmap_req_iter_init request;
	struct cmap_res_iter_init response = {0};
	int rc;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	const char *prefix = request.prefix.length == 0 ? "" : cmap_key(&request.prefix);

	rc = prefix == NULL ? -EINVAL : has_share(cmap, connection) ? 0 : -ENOSPC;
	if (rc == 0) {
		iterator = calloc(1, sizeof(*iterator));
		rc = iterator == NULL ? -ENOMEM
				      : cmap->host->map_iterate(cmap->ctx, connection->which, prefix, &iterator->walk);
	}
	if (rc < 0) {
		free(iterator);
		return cmap_reply(cmap, client, CMAP_REQ_ITER_INIT, rc, &response, sizeof(response));
	}
	snprintf(iterator->prefix, sizeof(iterator->prefix), "%s", prefix);
	iterator->number = connection->next_number++;
	iterator->next = connection->iterators;
	connection->iterators = iterator;
	connection->iterator_count++;
	response.iterator = iterator->number;
	return cmap_reply(cmap, client, CMAP_REQ_ITER_INIT, 0, &response, sizeof(response));
}

/* Return the next key, or NULL at the end. */
static const char *next(struct cmap *cmap, struct cmap_iterator *iterator, struct coterie_map_value *value)
{
	const char *key = iterator->pending;

	if (iterator->has_pending) {
		iterator->has_pending = false;
		value->type = iterator->pending_type;
		value->size = iterator->pending_size;
	} else {
		key = cmap->host->map_iterate_next(iterator->walk, value);
	}
	if (key != NULL)
		snprintf(iterator->last, sizeof(iterator->last), "%s", key);
	return key;
}

int cmap_handle_iter_next(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);
	struct cmap_req_iter_next request;
	struct cmap_res_iter_next response = {0};
	struct coterie_map_value value = {0};

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	struct cmap_iterator *iterator = *find(connection, request.iterator);
	const char *key = iterator == NULL ? NULL : next(cmap, iterator, &value);

	if (key == NULL)
		return cmap_reply(cmap, client, CMAP_REQ_ITER_NEXT, iterator == NULL ? -EBADF : -ENODATA, &response,
			sizeof(response));
	response.name.length = (uint16_t)strnlen(key, COTERIE_MAP_NAME_MAX);
	memcpy(response.name.value, key, response.name.length);
	response.value_size = value.size;
	response.type = (uint8_t)value.type;
	return cmap_reply(cmap, client, CMAP_REQ_ITER_NEXT, 0, &response, sizeof(response));
}

int cmap_handle_iter_finalize(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);
	struct cmap_req_iter_finalize request;
	struct cmap_res_plain response = {0};
	int rc = -EBADF;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	struct cmap_iterator **at = find(connection, request.iterator);

	if (*at != NULL) {
		iterator_free(cmap, connection, at);
		rc = 0;
	}
	return cmap_reply(cmap, client, CMAP_REQ_ITER_FINALIZE, rc, &response, sizeof(response));
}
