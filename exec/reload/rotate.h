/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replace the ring's key at this node, in two steps, so that all nodes of a ring take it or none does.
 *
 * 1. rotate_prepare checks that the running configuration can go on with the new key. A helper thread writes the key
 *    into NAME.next beside the key file, since disks take their time. Nothing else changes.
 * 2. rotate_commit makes the transport load the key, as a reload does, and renames NAME.next to the name of the key
 *    file. The function rotate_drop forgets the key instead, and removes NAME.next.
 *
 * If the transport refuses the key in the second step, NAME.next stays, since the other nodes of the ring have the key.
 * The function rotate_leave forgets the key and leaves NAME.next, since other nodes may have it. The next rotation
 * replaces the file. If a node ends between the decision of the ring and the rename, it starts with the old key, and
 * NAME.next is left. The function rotate_look logs that.
 */
#ifndef EXEC_ROTATE_H
#define EXEC_ROTATE_H

#include <stddef.h>
#include <stdint.h>

struct config;
struct loop;
struct reload;
struct ring;
struct rotate;

/** The parts that a rotation uses. All are borrowed until rotate_destroy. */
struct rotate_parts {
	struct loop *loop;
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	const char *state_dir;
	struct reload *reload;
	struct ring *ring;
};

/** Create the object. parts: copied. NULL: out of memory */
struct rotate *rotate_create(const struct rotate_parts *parts);
void rotate_destroy(struct rotate *rotate); /* NULL is ignored */

/** As host->key_prepare. owner: identifies the caller for the other functions */
int rotate_prepare(struct rotate *rotate, const void *owner, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/** As host->key_commit. */
int rotate_commit(struct rotate *rotate, const void *owner, char *text, uint32_t size);
/** As host->key_drop. */
void rotate_drop(struct rotate *rotate, const void *owner);
/** As host->key_leave. */
void rotate_leave(struct rotate *rotate, const void *owner);
/**
 * Forget an owner that ends: do as rotate_leave. A key that is still being written is dropped. rotate NULL is ignored.
 */
void rotate_forget(struct rotate *rotate, const void *owner);

/** Log that a rotation has left NAME.next, if there is such a file. Called at the start, before the ring exists. */
void rotate_look(const struct config *config, const char *state_dir);

#endif
