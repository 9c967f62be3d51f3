/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/interop/cmap_matrix.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

void (*change_hook)(cmap_handle_t handle, cmap_track_handle_t tracker);

const struct matrix_library matrix_library = {cmap_fd_get, cmap_dispatch, cmap_finalize};

cmap_handle_t connect_map(cmap_map_t map)
{
	cmap_handle_t handle;

	CONNECT(cmap_initialize_map(&handle, map));
	return handle;
}

cmap_handle_t connect_cmap(void) { return connect_map(CMAP_MAP_DEFAULT); }

static void print_bytes(const void *bytes, size_t size)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < size && i < 16; i++)
		printf("%02x", ((const uint8_t *)bytes)[i]);
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const uint8_t *)bytes)[i]) * 16777619u;
	if (size > 16)
		printf("… sum %08x", sum);
}

void show(cmap_handle_t handle, const char *key)
{
	static uint8_t bytes[20000];
	size_t size = sizeof(bytes);
	cmap_value_types_t type = (cmap_value_types_t)77;
	cs_error_t rc;

	memset(bytes, 0xee, sizeof(bytes));
	rc = cmap_get(handle, key, bytes, &size, &type);
	printf("  %.40s: %d", key, (int)rc);
	if (rc == CS_OK) {
		printf(" type %d length %zu ", (int)type, size);
		print_bytes(bytes, size);
	}
	say("%s", "");
}

void walk(cmap_handle_t handle, const char *prefix)
{
	cmap_iter_handle_t iterator;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	size_t size;
	cmap_value_types_t type;
	cs_error_t rc;

	rc = cmap_iter_init(handle, prefix, &iterator);
	say("walk %s = %d", prefix == NULL ? "(null)" : prefix, (int)rc);
	if (rc != CS_OK)
		return;
	while ((rc = cmap_iter_next(handle, iterator, key, &size, &type)) == CS_OK)
		say("  %s type %d length %zu", key, (int)type, size);
	say("  end %d, again %d", (int)rc, (int)cmap_iter_next(handle, iterator, key, NULL, NULL));
	CALL(cmap_iter_finalize(handle, iterator));
}

void wipe(cmap_handle_t handle, const char *prefix)
{
	cmap_iter_handle_t iterator;
	char key[CMAP_KEYNAME_MAXLEN + 1];

	if (cmap_iter_init(handle, prefix, &iterator) != CS_OK)
		return;
	while (cmap_iter_next(handle, iterator, key, NULL, NULL) == CS_OK)
		cmap_delete(handle, key);
	cmap_iter_finalize(handle, iterator);
}

static void print_value(const char *title, const struct cmap_notify_value *value)
{
	printf(" %s %d/%zu ", title, (int)value->type, value->len);
	print_bytes(value->data, value->len);
}

void print_change(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data)
{
	printf("  [%s] event %d %s", (const char *)user_data, event, key);
	print_value("new", &now);
	print_value("old", &before);
	say("%s", "");
	events_seen++;
	if (change_hook != NULL)
		change_hook(handle, tracker);
}

cmap_track_handle_t track(cmap_handle_t handle, const char *key, int32_t type, const char *name)
{
	cmap_track_handle_t tracker = 0;
	cs_error_t rc = cmap_track_add(handle, key, type, print_change, (void *)(uintptr_t)name, &tracker);

	say("track %s as %s, type %d = %d", key == NULL ? "(null)" : key, name, type, (int)rc);
	return rc == CS_OK ? tracker : 0;
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"starting", part_starting},
	{"live", part_live},
	{"values", part_values},
	{"track", part_track},
	{"stats", part_stats},
	{"keys", part_keys},
	{"defects", part_defects},
	{"paused", part_paused},
	{"killed", part_killed},
	{"stopped", part_stopped},
	{NULL, NULL},
};
