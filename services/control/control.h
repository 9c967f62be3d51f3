/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the control service. They handle requests that change plugins, the lists of all nodes'
 * plugins, and requests for keys of other nodes.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/control/messages.h"

/** A client that waits for the answer to a change. */
struct control_waiter {
	struct control *control;
	uint64_t client; /* the client's number */
	uint32_t uid;    /* its user, also when the client has gone */
	uint32_t response_id;
	bool is_check; /* the client waits for a reload that only checks the file */
	struct control_waiter *next;
};

/** The list of plugins that a node has sent. */
struct control_list {
	uint32_t nodeid;
	uint32_t size; /* bytes of text */
	char *text;    /* names, each with a NUL; malloc'd */
};

struct control {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct control_waiter *waiters;
	/* nodes.c */
	struct control_list *lists; /* ascending by node id */
	uint32_t list_count, list_capacity;
	struct coterie_map_tracker *tracker;
	struct coterie_timer *tell_timer;
	bool is_leaving; /* this node has announced that the service ends */
	/* lookup.c */
	struct control_lookup *lookups; /* requests of this node's clients to other nodes */
	struct control_answer *answers; /* answers to other nodes that wait for room in the ring, oldest first */
	uint32_t lookup_count, answer_count, last_number;
	struct coterie_timer *answer_timer;
	/* walk.c */
	struct control_walk *walks; /* walks over this node's keys. The first one runs next */
	uint32_t walk_count;
	struct coterie_timer *walk_timer;
};

/** Text of keys, as in struct control_res_keys, of at most CONTROL_KEYS_SIZE_MAX bytes. */
struct control_keys {
	char *bytes; /* NULL: there is no text */
	uint32_t size, room;
	bool is_cut; /* there are more keys than fit, or memory ran out */
};

#define CONTROL_CS_OK 1

/* --- nodes.c --- */

int control_nodes_init(struct control *control); /* @return 0; -errno */
void control_nodes_fini(struct control *control);
int control_drain(void *self);
void control_configuration(void *self, const struct coterie_configuration *configuration);
void control_deliver_plugins(void *self, uint32_t nodeid, void *msg, uint32_t size);
int control_handle_nodes(void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** Return whether a member of the ring has sent its plugins, so that it runs this service. */
bool control_has_told(const struct control *control, uint32_t nodeid);
/**
 * Store the list of one node, from a message or a saved state. @return 0; -EINVAL: it is not a list of texts; -ENOMEM
 */
int control_list_set(struct control *control, uint32_t nodeid, const char *text, uint32_t size);

/* --- reload.c --- */

int control_handle_reload(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- keys.c --- */

/** Add a key to the text. */
void control_keys_put(struct control_keys *keys, const char *name, const struct coterie_map_value *value);
/** Add the transport's information about a node to the text. */
void control_keys_put_node(struct control_keys *keys, uint32_t nodeid, const struct coterie_node_status *status);
void control_keys_fini(struct control_keys *keys);

/* --- walk.c --- */

/**
 * List this node's keys that begin with the prefix, in later turns of the loop.
 *
 * @param map   enum control_map
 * @param done  called once, and not before this function has returned. It may move the text out of keys
 * @param arg   of done. Names the walk for control_walk_drop
 * @return 0; -ENOMEM
 */
int control_walk_begin(struct control *control, uint32_t map, const char *prefix,
	void (*done)(void *arg, struct control_keys *keys), void *arg);
/** End a walk without a call of done. @return whether there was one */
bool control_walk_drop(struct control *control, const void *arg);
void control_walks_fini(struct control *control);

/* --- lookup.c --- */

void control_lookup_fini(struct control *control);
void control_lookup_configuration(struct control *control, const struct coterie_configuration *configuration);
/** End the requests to a node that does not run the service any more. */
void control_lookup_gone(struct control *control, uint32_t nodeid);
void control_client_leave(void *self, struct coterie_client *client);
int control_handle_keys(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void control_swap_ask(void *msg, uint32_t size);
void control_swap_keys(void *msg, uint32_t size);
void control_deliver_ask(void *self, uint32_t nodeid, void *msg, uint32_t size);
void control_deliver_keys(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* --- state.c --- */

int control_state_save(void *self, void **blob, uint32_t *size);
int control_state_load(void *self, const void *blob, uint32_t size);

/* --- control.c --- */

struct control_waiter *control_waiter_add(struct control *control, uint64_t client, uint32_t response_id);
/** Return a waiter of this client for this response, or NULL. */
struct control_waiter *control_waiter_find(const struct control *control, uint64_t client, uint32_t response_id);
void control_waiter_forget(struct control_waiter *waiter);
/** Answer a request for keys with `size` bytes of text, as in struct control_res_keys. */
void control_answer_keys(const struct control *control, struct coterie_client *client, int rc, uint32_t flags,
	const char *text, uint32_t size);
/** Answer the client, if it is still connected, and free the waiter. */
void control_waiter_end(struct control_waiter *waiter, int rc, const char *text);

#endif
