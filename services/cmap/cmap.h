/*
 * What the files of the cmap service share. The maps themselves are the executive's; here is what
 * clients do with them, and the one key that nodes tell each other: totem.config_version.
 */
#ifndef CMAP_CMAP_H
#define CMAP_CMAP_H

#include <stdbool.h>

#include <corosync/corotypes.h>
#include <coterie/service.h>

#include "services/cmap/messages.h"

struct cmap;
struct coterie_state_reader;
struct coterie_state_writer;

/** A walk of a client through its map. */
struct cmap_iterator {
	struct cmap_iterator *next;
	uint64_t number; /* the client's name for it */
	struct coterie_map_iterator *walk;
	/* For a new version of this plugin, which walks anew: where to, and how far it is. */
	char prefix[COTERIE_MAP_NAME_MAX + 1];
	char last[COTERIE_MAP_NAME_MAX + 1]; /* key that was given out; "": none */
	/* A walk that was taken over, and was one key too far. */
	bool has_pending;
	char pending[COTERIE_MAP_NAME_MAX + 1];
	uint32_t pending_type, pending_size;
};

/** A client's interest in changes. */
struct cmap_tracker {
	struct cmap_tracker *next;
	uint64_t number;
	uint64_t instance; /* what the client calls it in events */
	struct cmap *cmap;
	struct coterie_client *client;
	struct coterie_map_tracker *tracker;
	uint32_t events; /* COTERIE_MAP_DELETED … */
	char key[];      /* or prefix */
};

/** One client. The memory is the executive's (client_data). */
struct cmap_connection {
	struct coterie_client *client;
	struct cmap_connection *next, *previous; /* all, newest first */
	uint32_t which; /* COTERIE_MAP_CONFIG or COTERIE_MAP_STATS */
	uint32_t iterator_count, tracker_count;
	uint32_t pad;
	uint64_t next_number;
	struct cmap_iterator *iterators; /* newest first */
	struct cmap_tracker *trackers;   /* newest first */
	struct cmap_late *late, *late_end; /* notifications that it has yet to get, oldest first */
	struct cmap_late_user *late_user;  /* NULL: it has none */
	uint64_t late_bytes;
	uint32_t uid;
	bool is_given_up; /* it has missed a notification, and is about to be disconnected */
};

/** Where this node stands with the others' configuration. */
struct cmap_version {
	struct coterie_map_tracker *tracker; /* of our own key */
	struct coterie_timer *retry;         /* a change that the ring had no room for */
	uint64_t own, highest;               /* of this synchronisation */
	uint32_t member_count;
	bool has_ring;    /* has been in one: messages may be sent */
	bool has_checked; /* after the first meeting with others no difference ends us */
};

struct cmap {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct cmap_connection *connections;
	struct cmap_version version;
	/* What keys and values may take together; estimate is never below the truth but for changes
	   that are not the clients'. */
	uint64_t estimate;
	uint64_t next_count_ns;
	uint64_t next_complaint_ns;
	struct coterie_timer *drain; /* notifications are late */
	const char *told_key;        /* of the last change; not to be looked into */
	uint64_t told_ns;            /* when the first client was told of it */
	uint32_t told_count;
	struct cmap_change *change;          /* referenced: the one of which trackers are being told; NULL: none */
	struct coterie_map_tracker *changes; /* of all keys of the configuration: told after those of clients */
	struct cmap_late_user *late_users;   /* that have late notifications */
	uint64_t copies;                     /* of changes, since the start */
	uint8_t value[COTERIE_MAP_VALUE_MAX + 1]; /* scratch: a value on its way into the map */
};

/* --- cmap.c --- */

/**
 * Copy bytes that somebody else may be changing (a long request is the client's own memory); afterwards
 * only the copy is looked at.
 */
void cmap_snapshot(void *to, const void *from, size_t size);

/** A client's key, terminated; NULL: it is not. Borrowed from name. */
const char *cmap_key(const struct cmap_wire_name *name);

/**
 * Answer with a whole response.
 *
 * @param rc        0 or negative errno; -EBADF: no such handle; -ENODATA: the end
 * @param response  size bytes, header included, which is filled in by the executive; borrowed
 * @return COTERIE_REPLIED
 */
int cmap_reply(struct cmap *cmap, struct coterie_client *client, uint32_t response_id, int rc,
	const void *response, size_t size);

/* --- late.c --- */

/**
 * Tell a client of a change, at once or later.
 *
 * @param number  of the tracker
 * @param key     the one that has changed
 * @param notify  the event; copied
 * @param values  what is behind it, the new and the old one; copied
 */
void cmap_tell(struct cmap *cmap, struct coterie_client *client, uint64_t number, const char *key,
	const struct cmap_event_notify *notify, const struct iovec values[2]);
/** All trackers have been told of a change: the next one has values of its own. */
void cmap_change_end(struct cmap *cmap);
/** Drop what a tracker that ends has not told yet. */
void cmap_late_forget(struct cmap *cmap, struct cmap_connection *connection, uint64_t number);
void cmap_late_free(struct cmap *cmap, struct cmap_connection *connection);
/** Tell all clients all at once. */
void cmap_late_flush(struct cmap *cmap);

/* --- requests.c --- */

int cmap_handle_set(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_adjust(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_set_map(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- iterate.c --- */

int cmap_handle_iter_init(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_iter_next(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_iter_finalize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** The connection ends. */
void cmap_iterators_free(struct cmap *cmap, struct cmap_connection *connection);
void cmap_iterators_save(const struct cmap_connection *connection, struct coterie_state_writer *writer);
int cmap_iterators_load(
	struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader);

/* --- track.c --- */

/** Learn when the trackers of a change have been told. Before those of clients. @return 0; -ENOMEM */
int cmap_track_init(struct cmap *cmap);
void cmap_track_fini(struct cmap *cmap);
int cmap_handle_track_add(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cmap_handle_track_delete(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** The connection ends. */
void cmap_trackers_free(struct cmap *cmap, struct cmap_connection *connection);
void cmap_trackers_save(const struct cmap_connection *connection, struct coterie_state_writer *writer);
int cmap_trackers_load(
	struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader);

/* --- state.c: a new version takes over --- */

int cmap_state_save(void *self, void **blob, uint32_t *size);
int cmap_state_load(void *self, const void *blob, uint32_t size);

/* --- version.c --- */

/** @return 0; -ENOMEM */
int cmap_version_init(struct cmap *cmap);
void cmap_version_fini(struct cmap *cmap);
/** Tell the others our version, as soon as there is room. */
void cmap_version_tell(struct cmap *cmap);
void cmap_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int cmap_sync_step(void *self);
void cmap_sync_done(void *self);
void cmap_deliver_values(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cmap_swap_values(void *msg, uint32_t size);

#endif
