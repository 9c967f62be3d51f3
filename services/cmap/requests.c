/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of clients for single keys. */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

/*
 * Limit for keys that users without the right "administer" add, so that there is always room for keys of an
 * administrator.
 */
#define MAP_SIZE_OF_USERS (CMAP_MAP_SIZE_MAX - (UINT64_C(1) << 20))
/* Bytes that the store may need for an entry besides name and value. */
#define ENTRY_SIZE 128u

#define CLEAR "stats.clear."

static struct cmap_connection *connection_of(struct cmap *cmap, struct coterie_client *client)
{
	return cmap->host->client_data(client);
}

/* ---- Names and values ---------------------------------------------------- */

static bool is_name(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	size_t length = strlen(key);

	return length >= 3 && length <= COTERIE_MAP_NAME_MAX && strspn(key, allowed) == length;
}

/* Return the size of a number of this type. 0: the type is no number. */
static uint32_t size_of(uint32_t type)
{
	static const uint32_t sizes[] = {
		[COTERIE_MAP_I8] = 1,
		[COTERIE_MAP_U8] = 1,
		[COTERIE_MAP_I16] = 2,
		[COTERIE_MAP_U16] = 2,
		[COTERIE_MAP_I32] = 4,
		[COTERIE_MAP_U32] = 4,
		[COTERIE_MAP_I64] = 8,
		[COTERIE_MAP_U64] = 8,
		[COTERIE_MAP_FLOAT] = sizeof(float),
		[COTERIE_MAP_DOUBLE] = sizeof(double),
	};

	return type < sizeof(sizes) / sizeof(sizes[0]) ? sizes[type] : 0;
}

/*
 * Return the size of the value in cmap->value as it is stored, or -EINVAL. A string may be sent with
 * its NUL or without. Bytes behind the NUL contradict its length.
 */
static int clean_value(struct cmap *cmap, uint32_t type, uint32_t size)
{
	size_t length;

	switch (type) {
	case COTERIE_MAP_BINARY:
		return (int)size;
	case COTERIE_MAP_STRING:
		length = strnlen((const char *)cmap->value, size);
		if (size > length + 1)
			return -EINVAL;
		cmap->value[length] = 0;
		return (int)length + 1;
	default:
		return size != 0 && size == size_of(type) ? (int)size : -EINVAL;
	}
}

/* ---- Room in the map ----------------------------------------------------- */

uint64_t cmap_entry_size(const char *key, const struct coterie_map_value *value)
{
	return value == NULL || value->type == 0 ? 0 : ENTRY_SIZE + strlen(key) + value->size;
}

int cmap_room_init(struct cmap *cmap)
{
	struct coterie_map_iterator *walk;
	struct coterie_map_value value;
	int rc = cmap->host->map_iterate(cmap->ctx, COTERIE_MAP_CONFIG, NULL, &walk);

	if (rc < 0)
		return rc;
	for (const char *key; (key = cmap->host->map_iterate_next(walk, &value)) != NULL;)
		cmap->map_size += cmap_entry_size(key, &value);
	cmap->host->map_iterate_end(walk);
	return 0;
}

void cmap_room_change(struct cmap *cmap, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	uint64_t size = cmap_entry_size(key, before);

	/* The old value is not known if the value is memory of the executive. Then its size is the same. */
	if (event != COTERIE_MAP_MODIFIED || size > 0)
		cmap->map_size += cmap_entry_size(key, now) - size;
}

/* Return whether the map has room for `more` bytes of a client. */
static bool has_room(struct cmap *cmap, struct coterie_client *client, uint64_t more)
{
	uint64_t size_max = MAP_SIZE_OF_USERS;

	if (cmap->map_size >= size_max - more && cmap->host->client_may(client, COTERIE_RIGHT_ADMINISTER) == 0)
		size_max = CMAP_MAP_SIZE_MAX;
	if (cmap->map_size < size_max - more)
		return true;
	cmap->host->log(cmap->ctx, LOG_WARNING,
		"The configuration map is full: %s cannot add to it until keys are deleted",
		size_max == CMAP_MAP_SIZE_MAX ? "clients" : "clients that are no administrators");
	return false;
}

/* ---- Changing ------------------------------------------------------------ */

static bool begins_with(const char *key, const char *prefix) { return strncmp(key, prefix, strlen(prefix)) == 0; }

/*
 * Clear statistics. In the statistics map a client can set only keys that begin with CLEAR. The rest of the key is the
 * name of the statistics, and the value is ignored.
 */
static int set_stats(struct cmap *cmap, struct coterie_client *client, const char *key)
{
	static const char *const names[] = {"knet", "ipc", "totem", "schedmiss", "all"};
	const char *what = key + strlen(CLEAR);

	if (!begins_with(key, CLEAR))
		return -EACCES;
	/*
	 * Counters except "schedmiss" may show attacks, such as denied clients and rejected packets. So only an
	 * administrator may clear them.
	 */
	int rc = begins_with(what, "schedmiss") ? 0 : cmap->host->client_may(client, COTERIE_RIGHT_ADMINISTER);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (begins_with(what, names[i])) {
			/*
			 * Ignore an error: the statistics may not exist, for example those of knet on a ring without
			 * knet.
			 */
			(void)cmap->host->stats_clear(cmap->ctx, names[i]);
			return 0;
		}
	}
	return cmap->host->stats_clear(cmap->ctx, what) < 0 ? -ENOTSUP : 0;
}

static int set_config(struct cmap *cmap, struct coterie_client *client, const char *key, uint32_t type, uint32_t size)
{
	struct coterie_map_value old, value = {.type = type, .bytes = cmap->value};
	int clean_size;

	clean_size = clean_value(cmap, type, size);
	if (clean_size < 0)
		return clean_size;
	value.size = (uint32_t)clean_size;
	if (cmap->host->map_read(cmap->ctx, COTERIE_MAP_CONFIG, key, &old) < 0) {
		if (!is_name(key))
			return -EOVERFLOW; /* CS_ERR_NAME_TOO_LONG is the answer to all invalid names */
		if (!has_room(cmap, client, cmap_entry_size(key, &value)))
			return -ENOSPC;
	} else if (value.size > old.size && !has_room(cmap, client, value.size - old.size)) {
		return -ENOSPC;
	}
	return cmap_shares_set(cmap, client, key, &value);
}

/*
 * Keys that control the daemon, its plugins or other daemons of the cluster. They are the sections of the config files,
 * and keys in which the daemon reports its state. The section resources is one of them: with the key "recovery" of a
 * process a client can make the watchdog restart the node.
 */
static bool is_steering(const char *key)
{
	static const char *const prefixes[] = {"totem.", "logging.", "uidgid.", "quorum.", "nodelist.", "resources.",
		"coterie.", "system.", "service.", "transport.", "nozzle.", "config.", "cfg.", "runtime.",
		"internal_configuration.", "pload."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (begins_with(key, prefixes[i]))
			return true;
	}
	return false;
}

/* Check the right to change a key. The access right "use" was checked before, by the table of requests. */
static int check_right(struct cmap *cmap, struct coterie_client *client, const char *key)
{
	return is_steering(key) ? cmap->host->client_may(client, COTERIE_RIGHT_ADMINISTER) : 0;
}

int cmap_handle_set(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_req_set request;
	const char *key;
	int rc;

	cmap_snapshot(&request, msg, sizeof(request));
	key = cmap_key(&request.name);
	if (key == NULL)
		return -EINVAL;
	if (connection_of(cmap, client)->which == COTERIE_MAP_STATS)
		return set_stats(cmap, client, key);
	if (cmap->host->map_is_protected(cmap->ctx, key))
		return -EACCES;
	rc = check_right(cmap, client, key);
	if (rc < 0)
		return rc;
	if (request.value_size > COTERIE_MAP_VALUE_MAX || request.value_size > size - sizeof(request))
		return -EINVAL;
	cmap_snapshot(cmap->value, (const uint8_t *)msg + sizeof(request), request.value_size);
	rc = set_config(cmap, client, key, request.type, (uint32_t)request.value_size);
	if (rc == -ENOSPC) {
		struct cmap_res_plain response = {0};

		return cmap_reply(cmap, client, CMAP_REQ_SET, rc, &response, sizeof(response));
	}
	return rc;
}

/* Return an error if the client may not change a key. The result does not depend on whether the key exists. */
static int may_change(struct cmap *cmap, struct coterie_client *client, const char *key)
{
	if (key == NULL)
		return -EINVAL;
	if (connection_of(cmap, client)->which == COTERIE_MAP_STATS)
		return begins_with(key, CLEAR) ? -ENOTSUP : -EACCES;
	return cmap->host->map_is_protected(cmap->ctx, key) ? -EACCES : check_right(cmap, client, key);
}

int cmap_handle_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	const struct cmap_req_delete *request = msg;
	struct cmap_wire_name name;

	(void)size;
	cmap_snapshot(&name, &request->name, sizeof(name));

	const char *key = cmap_key(&name);
	int rc = may_change(cmap, client, key);

	return rc < 0 ? rc : cmap->host->map_delete(cmap->ctx, key);
}

int cmap_handle_adjust(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_req_adjust request;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	const char *key = cmap_key(&request.name);
	int rc = may_change(cmap, client, key);

	return rc < 0 ? rc : cmap_shares_adjust(cmap, key, request.step);
}

/* ---- Reading ------------------------------------------------------------- */

int cmap_handle_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_req_get request;
	struct cmap_res_get response = {0};
	struct coterie_map_value value = {0};
	struct iovec iov[2] = {
		{(uint8_t *)&response + sizeof(response.header), sizeof(response) - sizeof(response.header)}};
	uint32_t which = connection_of(cmap, client)->which;
	int rc = -EINVAL;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	const char *key = cmap_key(&request.name);

	if (key != NULL)
		rc = cmap->host->map_read(cmap->ctx, which, key, &value);
	if (rc == 0 && request.room > 0 && request.room < value.size)
		rc = -EINVAL;
	if (rc < 0)
		return cmap_reply(cmap, client, CMAP_REQ_GET, rc, &response, sizeof(response));
	response.value_size = value.size;
	response.type = (uint8_t)value.type;
	if (request.room > 0)
		iov[1] = (struct iovec){(void *)(uintptr_t)value.bytes, value.size};
	cmap->host->reply(client, CMAP_REQ_GET, CS_OK, iov, request.room > 0 ? 2 : 1);
	return COTERIE_REPLIED;
}

/* ---- Choice of the map --------------------------------------------------- */

int cmap_handle_set_map(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = connection_of(cmap, client);
	struct cmap_req_set_map request;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));
	if (connection->iterators != NULL || connection->trackers != NULL)
		return -EBUSY;
	if (request.map != COTERIE_MAP_CONFIG && request.map != COTERIE_MAP_STATS)
		return -ENOENT;
	connection->which = (uint32_t)request.map;
	return 0;
}
