/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the reload: reload.c, reload_apply.c, reload_count.c, reload_error.c, reload_hangup.c,
 * reload_key.c, reload_keys.c, reload_list.c, reload_nodes.c, reload_peers.c and reload_quorum.c. No other file
 * includes this.
 */
#ifndef EXEC_RELOAD_PRIVATE_H
#define EXEC_RELOAD_PRIVATE_H

#include "exec/reload/reload.h"

#include <stdbool.h>

#include "config/model.h"
#include "exec/log/log.h"

/** A node that the transport knows although the node list does not. */
struct departing {
	uint32_t nodeid;
	uint32_t link_count;
	struct sockaddr_storage addresses[CONFIG_LINKS_MAX];
};

/** All departing nodes, in no order. */
struct departing_list {
	struct departing *list;
	uint32_t count;
};

/** The reason why a file is refused, for the operator. */
struct reload_error {
	char text[512];
};

/** How a reload ended on this node. */
enum reload_result {
	RELOAD_APPLIED,
	RELOAD_UNCHANGED, /* the file was accepted, but changed nothing */
	RELOAD_REFUSED,
	RELOAD_ERROR, /* no memory */
	RELOAD_RESULTS,
};

struct reload_counts {
	uint64_t results[RELOAD_RESULTS];
	uint64_t taken_ms; /* time of the last reload that was not refused, milliseconds since the epoch, or 0: none */
};

struct job;
struct waiter;

/** The result of a first step, for the second one. */
struct reload_kept {
	struct config *config; /* the kept configuration, or NULL: none */
	struct config_messages messages;
	const void *owner;
};

struct reload {
	struct reload_parts parts;
	struct job *job;           /* the reading that is under way, or NULL */
	struct waiter *now, *next; /* waiters for the result of this reading, and for that of the next one */
	struct reload_kept kept;
	struct departing_list departing;
	struct reload_counts counts;
	uint32_t opened_links; /* by bit: links that a refusal must close again */
	bool is_drop_due;
	struct map_tracker *trackers[2];                        /* trackers of the keys that clients may change */
	bool is_applying;                                       /* the reload itself is changing keys */
	struct loop_timer *revision;                            /* timer of the next revision, or NULL: none is due */
	uint64_t revised_ns;                                    /* end of the last revision, or 0: none yet */
	struct log_limit type_limit, error_limit, notice_limit; /* limits for log lines that clients can cause */
	/* changed keys wait, since a file is being read or kept. They are applied later if the file is refused */
	bool is_revision_owed;
	/* after SIGHUP: the file is being examined, and will be examined again */
	bool is_hung_up, is_hung_up_again;
	int transport_rc;     /* result of the transport's last reload: 0, or the errno of its refusal, negative */
	char part_error[256]; /* why a part of the last applied file has no effect. "": none */
	bool is_removed;      /* this node has accepted a node list without it, and stays until it is stopped */
	bool is_telling;      /* waiters are being called. New ones wait for the next reading */
};

/** Return the running configuration. */
static inline struct config *reload_running(const struct reload *reload) { return *reload->parts.config; }

/** The origin of a configuration. */
enum reload_source {
	RELOAD_FILE,
	RELOAD_KEYS, /* a client has set keys in the map: the map is up to date */
	RELOAD_KEY,  /* the ring has a new key, and nothing else changes */
};

/* --- reload_error.c --- */

/** Fill in *error. @return rc */
int reload_fail(struct reload_error *error, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- reload_apply.c --- */

/**
 * Check a configuration against the running one and make it the running one.
 *
 * @param config  taken, unless the call fails
 * @return 0; -EINVAL: refused; -ENOMEM. Nothing has changed then
 */
int reload_apply(struct reload *reload, struct config *config, enum reload_source source, struct reload_error *error);

/** Check whether a configuration could become the running one. Nothing changes. Returns as reload_apply. */
int reload_check(const struct reload *reload, struct config *config, struct reload_error *error);

/* --- reload_count.c --- */

/** Offer stats.coterie.reload.*. 0; -ENOMEM */
int reload_count_init(struct reload *reload);
void reload_count_fini(struct reload *reload);
/** Return whether the configuration changes anything that needs no restart. True if out of memory. */
bool reload_is_change(const struct reload *reload, const struct config *config);
/** Count a reload that has ended. rc: 0; -EINVAL; -ENOMEM */
void reload_count(struct reload *reload, int rc, bool is_change);

/* --- reload_quorum.c --- */

/**
 * Check whether the configured quorum provider can be loaded. If it is a mere default and not installed, remove it.
 * -EINVAL
 */
int reload_quorum_check(const struct reload *reload, struct config *config, struct reload_error *error);

/* --- reload_list.c --- */

/**
 * Write the list of changes that a configuration makes: the lines of host->reload_prepare.
 * @param restarts  messages about changes that need a restart
 * @return caller frees; NULL: out of memory
 */
char *reload_list(
	const struct reload *reload, const struct config *config, char *const *restarts, uint32_t restart_count);

/* --- reload_keys.c --- */

/** Follow the keys of the sections totem and logging that clients change. -ENOMEM */
int reload_keys_init(struct reload *reload);
void reload_keys_fini(struct reload *reload);
/** Apply changed keys on the next turn of the loop, or a little later after another change. */
void reload_keys_later(struct reload *reload);

/* --- reload_peers.c --- */

/**
 * Check the addresses of nodes. A node that stays must not change its address on a link that it keeps, and must not
 * have the address of a departing node. At least one link must stay. 0; -EINVAL
 */
int reload_nodes_check(const struct reload *reload, const struct config *config, struct reload_error *error);
/** Check that sockets can be opened on the addresses of links that are new at this node. -EINVAL */
int reload_links_check(const struct reload *reload, const struct config *config, struct reload_error *error);
/** Add new nodes and links to the transport. If that fails, the transport is as before. */
int reload_nodes_add(struct reload *reload, const struct config *config, struct reload_error *error);
/** Undo reload_nodes_add, if a later step of the reload has failed. */
void reload_nodes_undo(struct reload *reload, const struct config *config);
void reload_delete_peer(struct reload *reload, uint32_t nodeid, uint32_t link);
/**
 * Close links that the new configuration does not have, also for departing nodes. before: as for reload_nodes_remove.
 */
void reload_links_remove(struct reload *reload, const struct config *before);

const struct config_node *reload_find_node(const struct config *config, uint32_t nodeid); /* or NULL */
struct departing *reload_find_departing(const struct reload *reload, uint32_t nodeid);    /* or NULL */
/** Return the address of a node of the node list on a link, or NULL. */
const struct sockaddr_storage *reload_address_of(const struct config_node *node, uint32_t link);

/** Return whether a node is a member of the ring's present configuration. */
bool reload_is_member(const struct reload *reload, uint32_t nodeid);

/* --- reload_nodes.c --- */

/** Check whether nodes that run and that the file does not have may be removed. -EINVAL */
int reload_departure_check(const struct reload *reload, const struct config *config, struct reload_error *error);
/**
 * Remove nodes that are missing in the new node list from the transport. Members of the ring become departing nodes
 * first.
 *
 * @param before  the configuration until now; reload_running is the new one
 */
void reload_nodes_remove(struct reload *reload, const struct config *before);

/** Node ids for the engine: those of the node list and the departing ones. */
struct reload_ids {
	uint32_t *ids; /* ascending, the caller frees them. NULL: any node may join */
	uint32_t count;
};
/**
 * Collect the node ids that the engine must know under a configuration.
 *
 * @param before  its nodes are included, too, while they are members; or NULL
 * @return 0; -ENOMEM
 */
int reload_ids_build(
	const struct reload *reload, const struct config *config, const struct config *before, struct reload_ids *ids);

#endif
