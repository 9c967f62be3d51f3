/*
 * Notifications that come later. A change that many trackers see would hold the loop up: the first ones are told at
 * once, the others a few at a time. Each client is told in the order of the changes.
 */
#include "services/cmap/cmap.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* An event takes up to 30 us while its client does not read. */
#define DIRECT_MAX 48u          /* of one change */
#define BATCH_MAX 32u           /* each time */
#define BATCH_NS UINT64_C(1000000)
#define LATE_BYTES_MAX 4194304u /* of one client; a tracker for each of its keys takes far less */

struct cmap_late {
	struct cmap_late *next;
	uint64_t number; /* of the tracker */
	uint32_t size;
	uint8_t event[]; /* size bytes, the header left out */
};

static void drain(void *arg);

static void start_timer(struct cmap *cmap)
{
	uint64_t at_ns = cmap->host->now_ns(cmap->ctx) + BATCH_NS;

	/* Without memory the next change tries again. */
	if (cmap->drain == NULL && cmap->host->timer_add(cmap->ctx, at_ns, drain, cmap, &cmap->drain) < 0)
		cmap->drain = NULL;
}

static void pop(struct cmap_connection *connection)
{
	struct cmap_late *late = connection->late;

	connection->late = late->next;
	if (connection->late == NULL)
		connection->late_end = NULL;
	connection->late_bytes -= late->size;
	free(late);
}

/* @return false: the client is going away, perhaps gone */
static bool send_first(struct cmap *cmap, struct cmap_connection *connection)
{
	struct cmap_late *late = connection->late;
	struct iovec iov = {late->event, late->size};
	struct coterie_client *client = connection->client;

	connection->late = late->next;
	if (connection->late == NULL)
		connection->late_end = NULL;
	connection->late_bytes -= late->size;

	int rc = cmap->host->event(client, CMAP_EVENT_NOTIFY, &iov, 1);

	free(late);
	return rc == 0;
}

/* Some of each client in turn, so that one with many does not keep the others waiting. */
static void drain(void *arg)
{
	struct cmap *cmap = arg;
	uint32_t count = 0;
	bool has_more = true;

	cmap->drain = NULL;
	while (has_more && count < BATCH_MAX) {
		has_more = false;
		for (struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
			if (one->late == NULL)
				continue;
			count++;
			if (!send_first(cmap, one)) {
				start_timer(cmap); /* the list may have changed */
				return;
			}
			has_more = has_more || one->late != NULL;
			if (count >= BATCH_MAX)
				break;
		}
	}
	for (const struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		if (one->late != NULL) {
			start_timer(cmap);
			return;
		}
	}
}

void cmap_late_flush(struct cmap *cmap)
{
	for (struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		while (one->late != NULL && send_first(cmap, one))
			;
		cmap_late_free(one);
	}
}

void cmap_late_free(struct cmap_connection *connection)
{
	while (connection->late != NULL)
		pop(connection);
}

void cmap_late_forget(struct cmap_connection *connection, uint64_t number)
{
	struct cmap_late *last = NULL;

	for (struct cmap_late **at = &connection->late; *at != NULL;) {
		struct cmap_late *late = *at;

		if (late->number != number) {
			last = late;
			at = &late->next;
			continue;
		}
		*at = late->next;
		connection->late_bytes -= late->size;
		free(late);
	}
	connection->late_end = last;
}

static bool is_direct(struct cmap *cmap, const struct cmap_connection *connection, const char *key)
{
	uint64_t now_ns = cmap->host->now_ns(cmap->ctx);

	if (connection->late != NULL)
		return false;
	/* Another change, or the same memory again a while later. */
	if (key != cmap->told_key || now_ns - cmap->told_ns >= BATCH_NS) {
		cmap->told_key = key;
		cmap->told_ns = now_ns;
		cmap->told_count = 0;
	}
	return cmap->told_count++ < DIRECT_MAX;
}

static void put_off(struct cmap *cmap, struct cmap_connection *connection, uint64_t number,
	const struct iovec iov[3])
{
	size_t size = iov[0].iov_len + iov[1].iov_len + iov[2].iov_len;
	struct cmap_late *late = NULL;

	if (connection->late_bytes + size <= LATE_BYTES_MAX)
		late = malloc(sizeof(*late) + size);
	if (late == NULL) { /* without an event it would take the map for unchanged */
		cmap->host->log(cmap->ctx, LOG_WARNING,
			"a client has more trackers for one key than it can be told of: it is disconnected");
		cmap_late_free(connection);
		cmap->host->client_disconnect(connection->client);
		return;
	}
	late->next = NULL;
	late->number = number;
	late->size = (uint32_t)size;
	size = 0;
	for (int i = 0; i < 3; i++) {
		if (iov[i].iov_len > 0)
			memcpy(late->event + size, iov[i].iov_base, iov[i].iov_len);
		size += iov[i].iov_len;
	}
	if (connection->late_end != NULL)
		connection->late_end->next = late;
	else
		connection->late = late;
	connection->late_end = late;
	connection->late_bytes += late->size;
	start_timer(cmap);
}

void cmap_tell(struct cmap *cmap, struct coterie_client *client, uint64_t number, const char *key,
	const struct iovec iov[3])
{
	struct cmap_connection *connection = cmap->host->client_data(client);

	if (is_direct(cmap, connection, key))
		/* A client that is going away, or that has been given up, hears nothing. */
		(void)cmap->host->event(client, CMAP_EVENT_NOTIFY, iov, 3);
	else
		put_off(cmap, connection, number, iov);
}
