/*
 * Reading the configuration again while the daemon runs.
 *
 * 1. Somebody asks. The file is read and checked on a helper thread, since names may take their time and
 *    the ring must not wait; one file at a time. Whoever asks meanwhile waits for the next reading, all of
 *    them for the same.
 * 2. Back on the loop the result is held against what runs: what cannot change keeps its value and is
 *    named in the log; what must not change refuses the file as a whole (reload_apply.c).
 * 3. In one turn of the loop, between the keys that say that a reload is in progress, the map, the engine,
 *    the transport's peers, the log and the plugins' options take the new values.
 * 4. In two steps: the first ends with a configuration that is kept, checked, and a list of what it would
 *    change (reload_list.c); the second is 3. What clients set meanwhile has to wait.
 * 5. SIGHUP has the first step alone and writes into the log what a reload of this node would do
 *    (reload_hangup.c). Nothing changes: the other nodes have not been asked.
 * 6. A node that is gone from the node list stays known to engine and transport until it has left the ring
 *    (reload_nodes.c): it would be cut off in the middle of what it sends otherwise.
 */
#ifndef EXEC_RELOAD_H
#define EXEC_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct executive;
struct reload;

struct reload *reload_create(struct executive *executive); /* NULL: out of memory */
/** Nobody who waits is told; a file that is being read is forgotten. NULL is ignored. */
void reload_destroy(struct reload *reload);

/**
 * Ask for a reload.
 *
 * @param owner  for reload_forget
 * @param done   called once, on a later turn of the loop; rc as of host->reload; text is borrowed
 * @return 0; -ENOMEM
 */
int reload_request(struct reload *reload, const void *owner,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/**
 * The first of two steps: read and check the file, and keep what is in it.
 *
 * @param done  as host->reload_prepare's; else as reload_request
 */
int reload_prepare(struct reload *reload, const void *owner,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/** The second step, of what was kept for this owner. As host->reload_commit. */
int reload_commit(struct reload *reload, const void *owner);
void reload_drop(struct reload *reload, const void *owner);
/** As reload_prepare, but nothing is kept, nor is what another one keeps dropped. */
int reload_examine(struct reload *reload, const void *owner,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/**
 * Make a configuration that differs from the running one in the ring's key alone, and let it take the place of the
 * running one, or only check that it could. Reads no file. The watchers of host->rekey_watch are called before the
 * return.
 *
 * @param key   copied: size bytes
 * @param path  copied: its file
 * @param text  out, on errors: text_size bytes, why
 * @return 0; -EINVAL; -ENOMEM; nothing has changed on errors
 */
int reload_key(struct reload *reload, const void *key, uint32_t size, const char *path, bool is_check, char *text,
	size_t text_size);
/** This owner is not told of anything any more, and what is kept for it is dropped. */
void reload_forget(struct reload *reload, const void *owner);

/** Examine the file, and tell the log and config.reload_error_message. Before the ring is there: nothing. */
void reload_hangup(struct reload *reload);

/** A regular configuration of the ring: count members, ascending. May be called inside the engine. */
void reload_membership(struct reload *reload, const uint32_t *members, uint32_t count);

#endif
