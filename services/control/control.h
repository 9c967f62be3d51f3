/*
 * What the files of the control service share: requests that change plugins, and who runs which.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/control/messages.h"

/** A client that waits for the answer to a change. */
struct control_waiter {
	struct control *control;
	uint64_t client; /* number */
	uint32_t response_id;
	bool is_check; /* of a reload: nothing is to change */
	struct control_waiter *next;
};

/** A node's plugins, as it told them. */
struct control_list {
	uint32_t nodeid;
	uint32_t size; /* of text */
	char *text;    /* names, each with a NUL; malloc'd */
};

struct control {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct control_waiter *waiters;
	/* nodes.c */
	struct control_list *lists; /* ascending by node id */
	uint32_t list_count, list_capacity;
	struct coterie_map_tracker *tracker;
	struct coterie_timer *tell_timer;
};

#define CONTROL_CS_OK 1

/* --- nodes.c --- */

int control_nodes_init(struct control *control); /* -errno */
void control_nodes_fini(struct control *control);
void control_configuration(void *self, const struct coterie_configuration *configuration);
void control_deliver_plugins(void *self, uint32_t nodeid, void *msg, uint32_t size);
int control_handle_nodes(void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** Take one node's list, also from a state. -EINVAL: no list of texts; -ENOMEM. */
int control_list_set(struct control *control, uint32_t nodeid, const char *text, uint32_t size);

/* --- reload.c --- */

int control_handle_reload(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- state.c --- */

int control_state_save(void *self, void **blob, uint32_t *size);
int control_state_load(void *self, const void *blob, uint32_t size);

/* --- control.c --- */

struct control_waiter *control_waiter_add(struct control *control, uint64_t client, uint32_t response_id);
void control_waiter_forget(struct control_waiter *waiter);
/** Tell the client, if it is still there, and forget it. */
void control_waiter_end(struct control_waiter *waiter, int rc, const char *text);

#endif
