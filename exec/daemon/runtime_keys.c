/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/runtime_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <coterie/plugin.h>

#include "exec/log/flight.h"
#include "exec/log/log.h"
#include "exec/map/map.h"
#include "exec/ring/ring.h"

#define FORCE_GATHER "runtime.force_gather"
#define DUMP_FLIGHT_DATA "runtime.blackbox.dump_flight_data"
#define DUMP_STATE "runtime.blackbox.dump_state"
#define DUMP_ERROR "runtime.blackbox.dump_error" /* exists while the last dump has failed */

enum { KEYS = 3 };

struct runtime_keys {
	struct runtime_keys_parts parts;
	struct map_tracker *trackers[KEYS];
};

static void on_force_gather(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	const struct runtime_keys *keys = arg;

	(void)event, (void)before;
	if (now == NULL || (now->type == COTERIE_MAP_STRING && strcmp(now->bytes, "no") == 0))
		return;
	log_line("MAIN", LOG_ERR, "Forcing into GATHER state");
	map_set_string(keys->parts.map, key, "no");
	ring_force_gather(keys->parts.ring);
}

/*
 * Return whether the disk has room. Ring ids are kept in the same folder, and dumps that clients request must not fill
 * it.
 */
static bool has_room(const char *dir)
{
	struct statvfs disk;

	return statvfs(dir, &disk) < 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= 4 * (uint64_t)FLIGHT_SIZE;
}

static void on_dump_flight_data(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	const struct runtime_keys *keys = arg;
	const char *dir = keys->parts.state_dir;

	(void)event, (void)key, (void)before;
	if (now == NULL)
		return;
	int rc = has_room(dir) ? log_flight_write(dir) : -ENOSPC;
	if (rc < 0)
		map_set_string(
			keys->parts.map, DUMP_ERROR, rc == -ENOENT ? "the flight recorder is off" : strerror(-rc));
	else
		map_delete(keys->parts.map, DUMP_ERROR);
	if (rc == -ENOENT)
		log_line("MAIN", LOG_WARNING,
			"The flight recorder is off: take 'blackbox: off' out of section 'logging'");
	else if (rc < 0)
		log_line("MAIN", LOG_ERR, "Cannot write the flight recorder to '%s' (%s): make room there", dir,
			strerror(-rc));
}

static void on_dump_state(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	const struct runtime_keys *keys = arg;

	(void)event, (void)key, (void)before;
	if (now != NULL)
		keys->parts.dump(keys->parts.arg);
}

static const struct {
	const char *name;
	map_notify notify;
} table[KEYS] = {
	{FORCE_GATHER, on_force_gather},
	{DUMP_FLIGHT_DATA, on_dump_flight_data},
	{DUMP_STATE, on_dump_state},
};

struct runtime_keys *runtime_keys_create(const struct runtime_keys_parts *parts)
{
	struct runtime_keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL)
		return NULL;
	keys->parts = *parts;
	if (map_protect(parts->map, DUMP_ERROR, false) < 0) {
		free(keys);
		return NULL;
	}
	for (int i = 0; i < KEYS; i++) {
		if (map_set_string(parts->map, table[i].name, "no") == 0)
			keys->trackers[i] = map_track(parts->map, table[i].name, false, table[i].notify, keys);
		if (keys->trackers[i] == NULL) {
			runtime_keys_destroy(keys);
			return NULL;
		}
	}
	return keys;
}

void runtime_keys_destroy(struct runtime_keys *keys)
{
	if (keys == NULL)
		return;
	for (int i = 0; i < KEYS; i++)
		map_untrack(keys->parts.map, keys->trackers[i]);
	free(keys);
}
