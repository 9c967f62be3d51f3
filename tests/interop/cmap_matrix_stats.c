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
	static const char *const keys[] = {"stats.srp.mcast_tx", "stats.clear.knet", "stats.clear.ipc",
		"stats.clear.totem", "stats.clear.schedmiss", "stats.clear.all", "stats.clear.allx",
		"stats.clear.knet.more", "stats.clear.", "stats.clear", "stats.clear.nothing", "stats.absent",
		"totem.version", "x", "matrix.key"};
	cmap_value_types_t type;
	size_t size;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		say("%s: set %d, set string %d, set badly %d, inc %d, dec %d, delete %d", keys[i],
			(int)cmap_set_uint32(handle, keys[i], 1), (int)cmap_set_string(handle, keys[i], "yes"),
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

/* Keys of a connection, with a number in the middle. Connections begin and end in any order. */
static struct connection_key {
	char name[40];
	int32_t event;
	int types[2];
} connection_keys[40];
static unsigned int connection_key_count;

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct connection_key *)a)->name, ((const struct connection_key *)b)->name);
}

static void note_connection(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data)
{
	struct connection_key *one = &connection_keys[connection_key_count % 40];
	const char *dot = strrchr(key, '.');

	(void)handle, (void)tracker, (void)user_data;
	connection_key_count++;
	snprintf(one->name, sizeof(one->name), "%s", dot == NULL ? "" : dot);
	one->event = event;
	one->types[0] = (int)now.type;
	one->types[1] = (int)before.type;
	events_seen++;
}

static void expect_connection(cmap_handle_t handle)
{
	connection_key_count = 0;
	expect_events(handle, 13);
	qsort(connection_keys, connection_key_count, sizeof(connection_keys[0]), compare_keys);
	for (unsigned int i = 0; i < connection_key_count && i < 40; i++)
		say("  event %d %s types %d %d", connection_keys[i].event, connection_keys[i].name,
			connection_keys[i].types[0], connection_keys[i].types[1]);
}

static void print_one(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data)
{
	(void)handle, (void)tracker, (void)user_data;
	say("  event %d %s types %d %d", event, key, (int)now.type, (int)before.type);
	events_seen++;
}

static void connections(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;
	cmap_handle_t other;

	CALL(cmap_track_add(handle, "stats.ipcs.service0.", ALL | CMAP_TRACK_PREFIX, note_connection, NULL, &tracker));
	other = connect_cmap();
	expect_connection(handle);
	CALL(cmap_finalize(other));
	expect_connection(handle);
	expect_quiet(handle);
	CALL(cmap_track_delete(handle, tracker));
}

/* Track a single key. The daemon looks at its value only now and then. */
static void counter(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;
	cmap_handle_t other;
	uint64_t closed, later;

	CALL(cmap_get_uint64(handle, "stats.ipcs.global.closed", &closed));
	CALL(cmap_track_add(handle, "stats.ipcs.global.closed", CMAP_TRACK_MODIFY, print_one, NULL, &tracker));
	other = connect_cmap();
	CALL(cmap_finalize(other));
	expect_events(handle, 1);
	CALL(cmap_get_uint64(handle, "stats.ipcs.global.closed", &later));
	say("one more: %s", later == closed + 1 ? "yes" : "no");
	CALL(cmap_track_delete(handle, tracker));
}

static void clearing(cmap_handle_t handle)
{
	static const char *const keys[] = {
		"stats.srp.mcast_tx", "stats.srp.operational_entered", "stats.ipcs.global.closed"};
	uint64_t before[3], after[3];

	for (int i = 0; i < 3; i++)
		cmap_get_uint64(handle, keys[i], &before[i]);
	CALL(cmap_set_uint32(handle, "stats.clear.all", 1));
	for (int i = 0; i < 3; i++) {
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

/*
 * Return whether only one of the daemons has the key. It may belong to a service that the other daemon does not load,
 * or only Coterie has it.
 */
static bool is_others(const char *key)
{
	static const char *const beginnings[] = {"internal_configuration.service.4.",
		"internal_configuration.service.6.", "internal_configuration.service.7.",
		"internal_configuration.service.32.", "internal_configuration.service.34.", "runtime.services.pload.",
		"runtime.services.mon.", "runtime.services.wd.", "runtime.services.evs.", "runtime.services.cfg.5.",
		"runtime.services.cfg.6.", "runtime.services.cfg.7.", "runtime.services.cfg.8.",
		"runtime.services.cfg.9.", "runtime.services.control.",
		"runtime.config.totem.interface.0.mcastport", /* since 3.1.10 */
		"runtime.services.votequorum.4.",             /* later */
		"resources.", "stats.schedmiss.", "stats.coterie.", "stats.plugins."};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(key, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* List all keys except those whose names differ from one start of the daemon to the next. */
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

		if (is_others(key))
			continue;
		if (strncmp(key, "stats.ipcs.service", 18) != 0) {
			length = type == CMAP_VALUETYPE_STRING ? 0 : (unsigned int)size;
			say("  %s type %d length %u", key, (int)type, length);
		} else if (own != NULL) {
			say("  %.*s.…%s type %d length %zu", (int)(own - key), key, strrchr(key, '.'), (int)type, size);
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
