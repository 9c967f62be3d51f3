/*
 * Everything that libcmap can do. The defects have the numbers of
 * book compatibility, "Client libraries".
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_INTEROP_CMAP_MATRIX_H
#define TESTS_INTEROP_CMAP_MATRIX_H

#include <corosync/cmap.h>

#include "tests/interop/matrix.h"

/** Connect to the configuration map, or to the given map. Ends the program after 10 s without success. */
cmap_handle_t connect_cmap(void);
cmap_handle_t connect_map(cmap_map_t map);

/** Print what cmap_get() returns for a key: code, length, type, bytes. */
void show(cmap_handle_t handle, const char *key);

/** Print all keys with this prefix, with their lengths and types. */
void walk(cmap_handle_t handle, const char *prefix);

/** Delete all keys with this prefix. */
void wipe(cmap_handle_t handle, const char *prefix);

/** Print a change, and count it in events_seen. user_data: name of the tracker, a text. */
void print_change(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data);

/** Called by print_change() after it has printed. NULL: nothing is called. */
extern void (*change_hook)(cmap_handle_t handle, cmap_track_handle_t tracker);

/** Track a key with print_change() under a name, and print the code. @return 0: it failed */
cmap_track_handle_t track(cmap_handle_t handle, const char *key, int32_t type, const char *name);

/** The scenes for each state of the daemon. */
void part_absent(pid_t daemon);
void part_starting(pid_t daemon);
void part_live(pid_t daemon);
void part_values(pid_t daemon);
void part_track(pid_t daemon);
void part_stats(pid_t daemon);
void part_keys(pid_t daemon);
void part_defects(pid_t daemon);
void part_paused(pid_t daemon);
void part_dying(pid_t daemon, int signal_number);

#endif
