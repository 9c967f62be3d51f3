/*
 * What the files of the reload share: reload.c, reload_apply.c, reload_count.c, reload_hangup.c, reload_key.c, reload_keys.c, reload_list.c,
 * reload_nodes.c, reload_peers.c and reload_quorum.c.
 * Nothing else includes this.
 */
#ifndef EXEC_RELOAD_PRIVATE_H
#define EXEC_RELOAD_PRIVATE_H

#include "exec/reload.h"

#include <stdbool.h>

#include "exec/config/model.h"
#include "exec/executive.h"
#include "exec/log.h"

/** A node that the transport knows although the node list does not. */
struct departing {
	uint32_t nodeid;
	uint32_t link_count;
	struct sockaddr_storage addresses[CONFIG_LINKS_MAX];
};

/** All of them, in no order. */
struct departing_list {
	struct departing *list;
	uint32_t count;
};

/** Why a file is refused, for the operator. */
struct reload_error {
	char text[512];
};

/** How a reload ended on this node. */
enum reload_result {
	RELOAD_APPLIED,
	RELOAD_UNCHANGED, /* taken, and all is as before */
	RELOAD_REFUSED,
	RELOAD_ERROR, /* no memory */
	RELOAD_RESULTS,
};

struct reload_counts {
	uint64_t results[RELOAD_RESULTS];
	uint64_t taken_ms; /* the last one that was not refused, since the epoch; 0: none */
};

struct job;
struct waiter;

/** What a first step has left for the second. */
struct reload_kept {
	struct config *config; /* NULL: nothing */
	struct config_messages messages;
	const void *owner;
};

struct reload {
	struct executive *executive;
	struct job *job;             /* the reading that is under way, or NULL */
	struct waiter *now, *next;   /* for its result; for that of the one behind it */
	struct reload_kept kept;
	struct departing_list departing;
	struct reload_counts counts;
	uint32_t opened_links; /* by bit: what a refusal has to close again */
	bool is_drop_due;
	struct map_tracker *trackers[2]; /* of keys that clients may change */
	bool is_applying;                /* the changes are ours */
	struct loop_timer *revision;     /* NULL: none is due */
	uint64_t revised_ns;             /* end of the last one; 0: none yet */
	struct log_limit type_limit, error_limit, notice_limit; /* clients can cause any number */
	bool is_revision_owed;           /* put off while a file is read or kept, which may be refused */
	bool is_hung_up, is_hung_up_again; /* SIGHUP: the file is being examined, and has to be once more */
	bool is_telling;                 /* waiters their result: who asks now waits for the next one */
};

/** Where a configuration comes from. */
enum reload_source {
	RELOAD_FILE,
	RELOAD_KEYS, /* the map: the keys are there already */
};

/** Fill in *error. @return rc */
int reload_fail(struct reload_error *error, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- reload_apply.c --- */

/**
 * Check a configuration against the running one and make it the running one.
 *
 * @param config  taken, unless it fails
 * @return 0; -EINVAL: refused; -ENOMEM. Nothing has changed then
 */
int reload_apply(struct reload *reload, struct config *config, enum reload_source source,
	struct reload_error *error);

/** Could it become the running one? Nothing changes. As reload_apply. */
int reload_check(const struct reload *reload, struct config *config, struct reload_error *error);

/* --- reload_count.c --- */

/** Offer stats.coterie.reload.*. 0; -ENOMEM */
int reload_count_init(struct reload *reload);
void reload_count_fini(struct reload *reload);
/** Would the configuration change anything before a restart? Not known for want of memory: it would. */
bool reload_is_change(const struct reload *reload, const struct config *config);
/** A reload has ended. rc: 0; -EINVAL; -ENOMEM */
void reload_count(struct reload *reload, int rc, bool is_change);

/* --- reload_quorum.c --- */

/** Could its quorum provider come? One that nobody asks for and that is not installed is taken out. -EINVAL. */
int reload_quorum_check(const struct reload *reload, struct config *config, struct reload_error *error);

/* --- reload_list.c --- */

/**
 * What a configuration would change: the lines of host->reload_prepare.
 * @param restarts  of the messages that came with it
 * @return caller frees; NULL: out of memory
 */
char *reload_list(const struct reload *reload, const struct config *config, char *const *restarts,
	uint32_t restart_count);

/* --- reload_keys.c --- */

/** Take what clients change in the sections totem and logging. -ENOMEM */
int reload_keys_init(struct reload *reload);
void reload_keys_fini(struct reload *reload);
/** Take them on the next turn of the loop, or later if they were taken a moment ago. */
void reload_keys_later(struct reload *reload);

/* --- reload_peers.c --- */

/**
 * No node that stays may have another address on a link it keeps, nor the address of one that is on its
 * way out; one link has to stay. 0; -EINVAL
 */
int reload_nodes_check(
	const struct reload *reload, const struct config *config, struct reload_error *error);
/** Can sockets be had on the addresses of links that are new here? -EINVAL */
int reload_links_check(
	const struct reload *reload, const struct config *config, struct reload_error *error);
/** Give the transport what is new. On failure it knows what it knew before. */
int reload_nodes_add(struct reload *reload, const struct config *config, struct reload_error *error);
/** Take it back: the rest of the reload has failed. */
void reload_nodes_undo(struct reload *reload, const struct config *config);
void reload_delete_peer(struct reload *reload, uint32_t nodeid, uint32_t link);
/** Close links that are gone; who departs is not on them any more. before: as below. */
void reload_links_remove(struct reload *reload, const struct config *before);

const struct config_node *reload_find_node(const struct config *config, uint32_t nodeid); /* or NULL */
struct departing *reload_find_departing(const struct reload *reload, uint32_t nodeid);    /* or NULL */
/** Where a node of the node list is on a link, or NULL. */
const struct sockaddr_storage *reload_address_of(const struct config_node *node, uint32_t link);

/* --- reload_nodes.c --- */

/** Of the ring's current configuration. */
bool reload_is_member(const struct reload *reload, uint32_t nodeid);
/**
 * Take from the transport what is gone, but for members of the ring: those join the departing.
 *
 * @param before  the configuration until now; executive->config is the new one
 */
void reload_nodes_remove(struct reload *reload, const struct config *before);

/** Node ids for the engine: those of the node list and the departing ones. */
struct reload_ids {
	uint32_t *ids; /* ascending; the caller frees them; NULL: all are welcome */
	uint32_t count;
};
/**
 * Whom the engine is to know under a configuration.
 *
 * @param before  its nodes are among them too while they are members; or NULL
 * @return 0; -ENOMEM
 */
int reload_ids_build(const struct reload *reload, const struct config *config,
	const struct config *before, struct reload_ids *ids);

#endif
