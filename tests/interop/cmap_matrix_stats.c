/*
 * The statistics, and which keys there are in both maps.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cmap_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY };

static void refused(cmap_handle_t handle)
{
	static const char *const keys[] = {"stats.srp.mcast_tx", "stats.clear.knet",
		"stats.clear.ipc", "stats.clear.totem", "stats.clear.schedmiss", "stats.clear.all",
		"stats.clear.allx", "stats.clear.knet.more", "stats.clear.", "stats.clear",
		"stats.clear.nothing", "stats.absent", "totem.version", "x", "matrix.key"};
	cmap_value_types_t type;
	size_t size;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		say("%s: set %d, set string %d, set badly %d, inc %d, dec %d, delete %d", keys[i],
			(int)cmap_set_uint32(handle, keys[i], 1),
			(int)cmap_set_string(handle, keys[i], "yes"),
			(int)cmap_set(handle, keys[i], "1234567", 7, CMAP_VALUETYPE_UINT8),
			(int)cmap_inc(handle, keys[i]), (int)cmap_dec(handle, keys[i]),
			(int)cmap_delete(handle, keys[i]));
		say("  get %d", (int)cmap_get(handle, keys[i], NULL, &size, &type));
	}
}

static void trackers_refused(cmap_handle_t handle)
{
	for (int type = 0; type <= 16; type++) {
		cmap_track_handle_t one = track(handle, "stats.srp.mcast_tx", type, "one");
		cmap_track_handle_t all = track(handle, NULL, type, "all");
		cmap_track_handle_t none = track(handle, "stats.absent", type, "absent");

		if (one != 0)
			CALL(cmap_track_delete(handle, one));
		if (all != 0)
			CALL(cmap_track_delete(handle, all));
		if (none != 0)
			CALL(cmap_track_delete(handle, none));
	}
}

/* Connections come and go: the number in the middle of their keys is left out. */
static void print_connection(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event,
	const char *key, struct cmap_notify_value now, struct cmap_notify_value before,
	void *user_data)
{
	const char *dot = strrchr(key, '.');

	(void)handle, (void)tracker, (void)user_data;
	say("  event %d %.19s …%s types %d %d", event, key, dot == NULL ? "" : dot, (int)now.type,
		(int)before.type);
	events_seen++;
}

static void connections(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;
	cmap_handle_t other;

	CALL(cmap_track_add(handle, "stats.ipcs.service0.", ALL | CMAP_TRACK_PREFIX,
		print_connection, NULL, &tracker));
	other = connect_cmap();
	expect_events(handle, 13);
	CALL(cmap_finalize(other));
	expect_events(handle, 13);
	expect_quiet(handle);
	CALL(cmap_track_delete(handle, tracker));
}

/* A single key is looked at now and then. */
static void counter(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;
	cmap_handle_t other;
	uint64_t closed, later;

	CALL(cmap_get_uint64(handle, "stats.ipcs.global.closed", &closed));
	CALL(cmap_track_add(handle, "stats.ipcs.global.closed", CMAP_TRACK_MODIFY, print_connection,
		NULL, &tracker));
	other = connect_cmap();
	CALL(cmap_finalize(other));
	expect_events(handle, 1);
	CALL(cmap_get_uint64(handle, "stats.ipcs.global.closed", &later));
	say("one more: %s", later == closed + 1 ? "yes" : "no");
	CALL(cmap_track_delete(handle, tracker));
}

static void clearing(cmap_handle_t handle)
{
	static const char *const keys[] = {"stats.srp.orf_token_tx", "stats.srp.mcast_tx",
		"stats.srp.operational_entered", "stats.ipcs.global.closed"};
	uint64_t before[4], after[4];

	for (int i = 0; i < 4; i++)
		cmap_get_uint64(handle, keys[i], &before[i]);
	CALL(cmap_set_uint32(handle, "stats.clear.all", 1));
	for (int i = 0; i < 4; i++) {
		cmap_get_uint64(handle, keys[i], &after[i]);
		say("%s: %s, then %s", keys[i], before[i] > 0 ? "counted" : "0",
			after[i] < before[i] ? "less" : "not less");
	}
	show(handle, "stats.clear.all");
}

void part_stats(pid_t daemon)
{
	cmap_handle_t handle = connect_map(CMAP_MAP_STATS);
	size_t size = 0;
	cmap_value_types_t type = (cmap_value_types_t)0;

	(void)daemon;
	refused(handle);
	walk(handle, "stats.srp.");
	walk(handle, "stats.pg.");
	walk(handle, "stats.ipcs.global.");
	walk(handle, "stats.clear.");
	walk(handle, "totem.");
	CALL(cmap_get(handle, "stats.srp.mcast_tx", NULL, &size, &type));
	say("type %d length %zu", (int)type, size);
	trackers_refused(handle);
	connections(handle);
	counter(handle);
	clearing(handle);
	CALL(cmap_finalize(handle));
}

/* All keys but those whose names are not the same at each start. */
static void list(cmap_handle_t handle)
{
	char key[CMAP_KEYNAME_MAXLEN + 1], name[64];
	cmap_iter_handle_t iterator;
	cmap_value_types_t type;
	size_t size;
	unsigned int length;

	snprintf(name, sizeof(name), ".%d.", (int)getpid());
	CALL(cmap_iter_init(handle, NULL, &iterator));
	while (cmap_iter_next(handle, iterator, key, &size, &type) == CS_OK) {
		const char *own = strstr(key, name);

		if (strncmp(key, "stats.schedmiss.", 16) == 0)
			continue;
		if (strncmp(key, "stats.ipcs.service", 18) != 0) {
			length = type == CMAP_VALUETYPE_STRING ? 0 : (unsigned int)size;
			say("  %s type %d length %u", key, (int)type, length);
		} else if (own != NULL) {
			say("  %.*s.…%s type %d length %zu", (int)(own - key), key,
				strrchr(key, '.'), (int)type, size);
		}
	}
	CALL(cmap_iter_finalize(handle, iterator));
}

void part_keys(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();
	char *text = NULL;

	(void)daemon;
	list(handle);
	CALL(cmap_get_string(handle, "runtime.members.1.ip", &text));
	say("address %s", text == NULL ? "(none)" : text);
	free(text);
	CALL(cmap_finalize(handle));
	handle = connect_map(CMAP_MAP_STATS);
	list(handle);
	CALL(cmap_finalize(handle));
}
