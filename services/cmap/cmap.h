/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the cmap service. The executive owns the maps. The service handles requests of clients, and
 * sends one key to other nodes: totem.config_version.
 */
#ifndef CMAP_CMAP_H
#define CMAP_CMAP_H

#include <stdbool.h>

#include <corosync/corotypes.h>
#include <coterie/service.h>

#include "services/cmap/messages.h"

/* Limit of the size of all keys and values together. In an ordinary cluster they have about 20 kB. */
#define CMAP_MAP_SIZE_MAX (UINT64_C(16) << 20)

struct cmap;
struct coterie_state_reader;
struct coterie_state_writer;

/** An iteration of a client over its map. */
struct cmap_iterator {
	struct cmap_iterator *next;
	uint64_t number; /* number that the client uses for this iteration */
	struct coterie_map_iterator *walk;
	/*
	 * For a new version of this plugin, which has to start the iteration again: the prefix, and the last sent key.
	 */
	char prefix[COTERIE_MAP_NAME_MAX + 1];
	char last[COTERIE_MAP_NAME_MAX + 1]; /* last key that was sent to the client; "": none */
	/*
	 * After a new version took over: the key that the iterator has read beyond the last sent one. It is sent next.
	 */
	bool has_pending;
	char pending[COTERIE_MAP_NAME_MAX + 1];
	uint32_t pending_type, pending_size;
};

/** A client's tracker of changes. */
struct cmap_tracker {
	struct cmap_tracker *next;
	uint64_t number;
	uint64_t instance; /* the client's number, repeated in events */
	struct cmap *cmap;
	struct coterie_client *client;
	struct coterie_map_tracker *tracker;
	uint32_t events; /* bits: COTERIE_MAP_DELETED, _MODIFIED, _ADDED, _PREFIX */
	char key[];      /* key or prefix */
};

/** One client. The executive owns the memory (client_data). */
struct cmap_connection {
	struct coterie_client *client;
	struct cmap_connection *next, *previous; /* all connections, newest first */
	uint32_t which;                          /* COTERIE_MAP_CONFIG or COTERIE_MAP_STATS */
	uint32_t iterator_count, tracker_count;
	uint32_t prefix_count; /* trackers of prefixes of the statistics */
	uint64_t next_number;
	struct cmap_iterator *iterators;   /* newest first */
	struct cmap_tracker *trackers;     /* newest first */
	struct cmap_late *late, *late_end; /* late notifications, oldest first */
	struct cmap_late_user *late_user;  /* NULL: the client has no late notification */
	uint64_t late_bytes;
	uint32_t uid;
	bool is_given_up; /* the client has missed a notification, and will be disconnected */
};

/** The configuration versions of this node and of other nodes. */
struct cmap_version {
	struct coterie_map_tracker *tracker; /* tracks this node's key */
	struct coterie_timer *retry;         /* runs while a change waits for room on the ring */
	uint64_t own, highest;               /* versions in the current synchronisation */
	uint32_t member_count;
	bool has_ring;    /* the node has been in a ring, so messages may be sent */
	bool has_checked; /* this node was in a ring with other nodes: a different version no longer ends the daemon */
};

struct cmap {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct cmap_connection *connections;
	struct cmap_version version;
	uint64_t map_size;         /* size of all keys and values of the configuration together */
	struct cmap_owned **owned; /* keys that users own, ascending in byte order */
	size_t owned_count, owned_capacity;
	struct cmap_account *accounts;            /* of the users that own keys */
	const char *adjusted;                     /* key whose number a client is adding to now, or NULL */
	struct coterie_timer *drain;              /* runs while notifications are late */
	struct coterie_timer *turn;               /* runs in the next turn of the loop, after a notification */
	uint32_t told_count;                      /* notifications of this turn that the drain timer did not send */
	struct cmap_change *change;               /* the change for which trackers are being notified, referenced; or
						   * NULL */
	struct coterie_map_tracker *changes;      /* tracks all keys of the configuration, and is called after the
					      * trackers of clients */
	struct cmap_late_user *late_users;        /* users whose clients have late notifications */
	uint64_t copies;                          /* number of copied changes since the start */
	uint8_t value[COTERIE_MAP_VALUE_MAX + 1]; /* scratch for a value that will be stored */
};

/* --- cmap.c --- */

/**
 * Copy bytes that another process may be changing: a long request is in memory that the client can change. The caller
 * must then use only the copy.
 */
void cmap_snapshot(void *to, const void *from, size_t size);

/** Return the key that a client has sent, borrowed from name. NULL: the key has no NUL. */
const char *cmap_key(const struct cmap_wire_name *name);

/**
 * Answer with a whole response.
 *
 * @param rc 0 or negative errno; -EBADF: no such handle; -ENODATA: end of the iteration
 * @param response size bytes with the header, which the executive writes; borrowed
 * @return COTERIE_REPLIED
 */
int cmap_reply(struct cmap *cmap, struct coterie_client *client, uint32_t response_id, int rc, const void *response,
	size_t size);

/* --- late.c --- */

/**
 * Notify a client of a change, at once or later.
 * @param number number of the tracker
 * @param key key that has changed
 * @param notify the event; copied
 * @param values new and old value, which follow the event; copied
 */
void cmap_tell(struct cmap *cmap, struct coterie_client *client, uint64_t number, const char *key,
	const struct cmap_event_notify *notify, const struct iovec values[2]);
/** End a change: all trackers have been notified. The next change gets a new copy of its values. */
void cmap_change_end(struct cmap *cmap);
/** Drop late notifications of a tracker that ends. */
void cmap_late_forget(struct cmap *cmap, struct cmap_connection *connection, uint64_t number);
void cmap_late_free(struct cmap *cmap, struct cmap_connection *connection);
/** Send all late notifications of all clients now. */
void cmap_late_flush(struct cmap *cmap);

/* --- shares.c --- */

/**
 * Set a key for a client. If the client is no administrator, its user owns the key then.
 * @param value  borrowed, its type is not 0
 * @return 0; -ENOSPC: its user has its share of the map; or an error of map_set
 */
int cmap_shares_set(
	struct cmap *cmap, struct coterie_client *client, const char *key, const struct coterie_map_value *value);
/** Add to a number for a client. The owner of the key stays. @return 0, or an error of map_adjust */
int cmap_shares_adjust(struct cmap *cmap, const char *key, int32_t step);
/** Call this for each changed key: it has no owner then, unless cmap_shares_set gives it one. */
void cmap_shares_change(struct cmap *cmap, const char *key);
void cmap_shares_fini(struct cmap *cmap);
void cmap_shares_save(const struct cmap *cmap, struct coterie_state_writer *writer);
/** @return 0; -ENOTSUP: the state is malformed; -ENOMEM */
int cmap_shares_load(struct cmap *cmap, struct coterie_state_reader *reader);

/* --- requests.c --- */

/** Return the size that counts for a key and its value. value: NULL, or type 0: there is no value. */
uint64_t cmap_entry_size(const char *key, const struct coterie_map_value *value);
/** Count the size of the map. Call this after cmap_track_init. @return 0; -ENOMEM */
int cmap_room_init(struct cmap *cmap);
/** Add a change to the size of the map. The parameters are those of coterie_map_notify. */
void cmap_room_change(struct cmap *cmap, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before);

int cmap_handle_set(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_adjust(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_set_map(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- iterate.c --- */

int cmap_handle_iter_init(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_iter_next(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_iter_finalize(void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** Free all iterators of a connection that ends. */
void cmap_iterators_free(struct cmap *cmap, struct cmap_connection *connection);
void cmap_iterators_save(const struct cmap_connection *connection, struct coterie_state_writer *writer);
int cmap_iterators_load(struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader);

/* --- track.c --- */

/**
 * Add a tracker that is called after all trackers of clients. Call this before a client adds the first tracker.
 * @return 0; -ENOMEM
 */
int cmap_track_init(struct cmap *cmap);
void cmap_track_fini(struct cmap *cmap);
int cmap_handle_track_add(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_track_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** End all trackers of a connection that ends. */
void cmap_trackers_free(struct cmap *cmap, struct cmap_connection *connection);
void cmap_trackers_save(const struct cmap_connection *connection, struct coterie_state_writer *writer);
int cmap_trackers_load(struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader);

/* --- state.c: a new version takes over --- */

int cmap_state_save(void *self, void **blob, uint32_t *size);
int cmap_state_load(void *self, const void *blob, uint32_t size);

/* --- version.c --- */

/** Track the key of the version. @return 0; -ENOMEM */
int cmap_version_init(struct cmap *cmap);
void cmap_version_fini(struct cmap *cmap);
/** Send this node's version to the other nodes, as soon as the ring has room. */
void cmap_version_tell(struct cmap *cmap);
void cmap_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int cmap_sync_step(void *self);
void cmap_sync_done(void *self);
void cmap_deliver_values(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cmap_swap_values(void *msg, uint32_t size);

#endif
