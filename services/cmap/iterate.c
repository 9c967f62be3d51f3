/* Walks of clients through their map, over whatever it holds when they come by. */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one client may keep open. */
#define ITERATORS_MAX 4096u

static struct cmap_iterator **find(struct cmap_connection *connection, uint64_t number)
{
	struct cmap_iterator **at = &connection->iterators;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static void iterator_free(struct cmap *cmap, struct cmap_connection *connection,
	struct cmap_iterator **at)
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

	rc = prefix == NULL ? -EINVAL : connection->iterator_count < ITERATORS_MAX ? 0 : -ENOSPC;
	if (rc == 0) {
		iterator = calloc(1, sizeof(*iterator));
		rc = iterator == NULL ? -ENOMEM
				      : cmap->host->map_iterate(cmap->ctx, connection->which,
						prefix, &iterator->walk);
	}
	if (rc < 0) {
		free(iterator);
		return cmap_reply(
			cmap, client, CMAP_REQ_ITER_INIT, rc, &response, sizeof(response));
	}
	iterator->number = connection->next_number++;
	iterator->next = connection->iterators;
	connection->iterators = iterator;
	connection->iterator_count++;
	response.iterator = iterator->number;
	return cmap_reply(cmap, client, CMAP_REQ_ITER_INIT, 0, &response, sizeof(response));
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
	const char *key =
		iterator == NULL ? NULL : cmap->host->map_iterate_next(iterator->walk, &value);

	if (key == NULL)
		return cmap_reply(cmap, client, CMAP_REQ_ITER_NEXT,
			iterator == NULL ? -EBADF : -ENODATA, &response, sizeof(response));
	response.name.length = (uint16_t)strnlen(key, COTERIE_MAP_NAME_MAX);
	memcpy(response.name.value, key, response.name.length);
	response.value_size = value.size;
	response.type = (uint8_t)value.type;
	return cmap_reply(cmap, client, CMAP_REQ_ITER_NEXT, 0, &response, sizeof(response));
}

int cmap_handle_iter_finalize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size)
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
