/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys by which operators control the running daemon: runtime.force_gather, runtime.blackbox.dump_flight_data and
 * runtime.blackbox.dump_state (book configuration, "Keys of the daemon" and "Flight recorder").
 */
#ifndef EXEC_RUNTIME_KEYS_H
#define EXEC_RUNTIME_KEYS_H

struct map;
struct ring;
struct runtime_keys;

/** The parts that the keys control. All are borrowed until runtime_keys_destroy. */
struct runtime_keys_parts {
	struct map *map;
	struct ring *ring;
	const char *state_dir; /* folder for the flight recorder's file */
	/** Make all services log their state. */
	void (*dump)(void *arg);
	void *arg;
};

/** Set the keys to "no" and wait for changes. parts: copied. NULL: out of memory */
struct runtime_keys *runtime_keys_create(const struct runtime_keys_parts *parts);
void runtime_keys_destroy(struct runtime_keys *keys); /* before the map; NULL is ignored */

#endif
