/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read the configuration again while the daemon runs.
 *
 * 1. After a request the file is read and checked on a helper thread: the resolution of names may take long, and the
 *    ring must not wait. One file is read at a time. Requests that come meanwhile wait for the next reading, which
 *    serves all of them.
 * 2. On the loop the result is compared with the running configuration. A value that needs a restart stays, and the log
 *    names it. A few values must not change at all: then the node refuses the whole file (reload_apply.c).
 * 3. In one turn of the loop the map, the engine, the transport's peers, the log and the plugins' options take the new
 *    values. Keys of the map show that a reload is in progress.
 * 4. A reload in two steps: the first step ends with a checked configuration, which is kept, and a list of the changes
 *    (reload_list.c). The second step is 3. Changes of keys by clients wait meanwhile.
 * 5. SIGHUP runs the first step only. It logs the changes that a reload of this node would make (reload_hangup.c). They
 *    are not made, since the other nodes have not been asked.
 * 6. A node that the new node list does not have stays known to engine and transport until it has left the ring
 *    (reload_nodes.c). Otherwise it would be cut off while it sends. In a ring with Corosync's nodes, which cut it off,
 *    it is removed at once. That node itself accepts the file and keeps its configuration.
 */
#ifndef EXEC_RELOAD_H
#define EXEC_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct loop;
struct map;
struct plugin_life;
struct plugin_registry;
struct quorum;
struct rekey;
struct reload;
struct ring;
struct stats;

/** The parts that a reload uses. All are borrowed until reload_destroy. */
struct reload_parts {
	struct config **config; /* points to the running configuration, which a reload replaces and destroys */
	const char *local_name; /* --node, or NULL: not given */
	const char *instance;   /* NULL: the default one */
	const char *state_dir;
	uint32_t nodeid; /* of this node */
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct plugin_registry *plugins;
	struct plugin_life *life;
	struct quorum *quorum;
	struct rekey *rekey;
	struct ring *ring;
	/* Called before plugins get a key, or NULL. It returns 0, or an errno value below 0 and the reason. */
	int (*prepare_crypto)(char *error, size_t size);
};

/** Create the object. parts: copied. NULL: out of memory */
struct reload *reload_create(const struct reload_parts *parts);
/**
 * Drop all requests without a call of `done`. The result of a reading that is under way is ignored. NULL is ignored.
 */
void reload_destroy(struct reload *reload);

/**
 * Request a reload.
 *
 * @param owner      for reload_forget
 * @param is_forced  accept a coterie.conf in which nodes that run are missing
 * @param done       called once, on a later turn of the loop; rc as of host->reload; text is borrowed
 * @return 0; -ENOMEM
 */
int reload_request(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/**
 * Do the first of two steps: read and check the file, and keep the configuration.
 *
 * @param is_forced  as that of reload_request
 * @param done  as that of host->reload_prepare
 */
int reload_prepare(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/** Do the second step, with the configuration that was kept for this owner. Returns as host->reload_commit. */
int reload_commit(struct reload *reload, const void *owner);
void reload_drop(struct reload *reload, const void *owner);
/** As reload_prepare, but keep nothing, and drop nothing that is kept for another owner. */
int reload_examine(
	struct reload *reload, const void *owner, void (*done)(void *arg, int rc, const char *text), void *arg);
/**
 * Replace the running configuration by one that differs only in the ring's key, or only check that this is possible.
 * No file is read. The watchers of host->rekey_watch are called before the return.
 *
 * @param key   copied: size bytes
 * @param path  copied: the file of the key
 * @param text  out, on errors: the reason, text_size bytes
 * @return 0; -EINVAL; -ENOMEM. On errors nothing has changed, unless the transport has refused the key: then the running
 *     configuration has the new key, and the ring goes on with the old one
 */
int reload_key(struct reload *reload, const void *key, uint32_t size, const char *path, bool is_check, char *text,
	size_t text_size);
/** Forget an owner that ends: its functions are not called any more, and a configuration kept for it is dropped. */
void reload_forget(struct reload *reload, const void *owner);

/**
 * Examine the file. Log the result, and write it to config.reload_error_message. Does nothing before the ring exists.
 */
void reload_hangup(struct reload *reload);

/** Note a regular configuration of the ring: count members, ascending. May be called inside the engine. */
void reload_membership(struct reload *reload, const uint32_t *members, uint32_t count);

#endif
