/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that loads the configuration map until it is killed. It leaves iterators and trackers open, adds and deletes
 * keys, and dispatches changes sometimes or never.
 *
 *	cmap_load KEY [deaf]     the keys begin with KEY; deaf: never dispatch
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/cmap.h>

enum { OPEN = 40 };

static uint64_t changes;

static void on_change(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data)
{
	(void)handle, (void)tracker, (void)event, (void)key, (void)now, (void)before;
	(void)user_data;
	changes++;
}

static void connect_and_open(cmap_handle_t handles[2], cmap_iter_handle_t iterators[OPEN], const char *key)
{
	cmap_track_handle_t tracker;

	if (cmap_initialize(&handles[0]) != CS_OK || cmap_initialize_map(&handles[1], CMAP_MAP_STATS) != CS_OK) {
		fprintf(stderr, "cannot connect\n");
		exit(1);
	}
	for (int i = 0; i < OPEN; i++) {
		cmap_iter_init(handles[0], i % 2 == 0 ? "" : key, &iterators[i]);
		cmap_track_add(handles[0], i % 2 == 0 ? key : "runtime.", i % 16, on_change, NULL, &tracker);
		cmap_track_add(handles[1], "stats.ipcs.", 15, on_change, NULL, &tracker);
	}
}

int main(int argc, char **argv)
{
	static char text[8000];
	cmap_handle_t handles[2];
	cmap_iter_handle_t iterators[OPEN];
	cmap_track_handle_t tracker;
	char name[64], found[CMAP_KEYNAME_MAXLEN + 1];
	bool is_deaf = argc > 2;

	if (argc < 2 || strlen(argv[1]) > 40)
		return 64;
	connect_and_open(handles, iterators, argv[1]);
	memset(text, 't', sizeof(text) - 1);
	for (unsigned int i = 0;; i++) {
		snprintf(name, sizeof(name), "%s%u", argv[1], i % 100);
		text[i % 7000 + 100] = '\0';
		if (cmap_set_string(handles[0], name, text) == CS_ERR_LIBRARY)
			return is_deaf ? 0 : 1; /* the daemon has disconnected this client */
		text[i % 7000 + 100] = 't';
		if (i % 3 == 0)
			cmap_delete(handles[0], name);
		if (cmap_iter_next(handles[0], iterators[i % OPEN], found, NULL, NULL) != CS_OK) {
			cmap_iter_finalize(handles[0], iterators[i % OPEN]);
			cmap_iter_init(handles[0], "", &iterators[i % OPEN]);
		}
		if (i % 7 == 0 && cmap_track_add(handles[0], name, 7, on_change, NULL, &tracker) == CS_OK)
			cmap_track_delete(handles[0], tracker);
		if (!is_deaf && i % 10 == 0) {
			cmap_dispatch(handles[0], CS_DISPATCH_ALL);
			cmap_dispatch(handles[1], CS_DISPATCH_ALL);
		}
	}
}
