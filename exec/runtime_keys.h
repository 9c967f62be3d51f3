/*
 * Keys by which operators control the running daemon: runtime.force_gather,
 * runtime.blackbox.dump_flight_data and .dump_state (book configuration, "Keys of the daemon";
 * book configuration, "Flight recorder").
 */
#ifndef EXEC_RUNTIME_KEYS_H
#define EXEC_RUNTIME_KEYS_H

struct executive;
struct runtime_keys;

/** Set them to "no" and wait for changes. NULL: out of memory. */
struct runtime_keys *runtime_keys_create(struct executive *executive);
void runtime_keys_destroy(struct runtime_keys *keys); /* before the map; NULL is ignored */

#endif
