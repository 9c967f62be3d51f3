/*
 * A new key of the ring for this node, in two steps, so that all nodes of a ring take it or none does.
 *
 * 1. rotate_prepare checks that the running configuration can go on with the new key. A helper thread writes the key
 *    into NAME.next beside the key file, since disks take their time. Nothing else changes.
 * 2. rotate_commit makes the transport load the key, as a reload does, and renames NAME.next to the name of the key
 *    file. rotate_drop forgets the key and removes NAME.next instead.
 *
 * If the transport refuses the key in the second step, NAME.next stays, since the other nodes of the ring have the key.
 * rotate_leave forgets the key and leaves NAME.next: other nodes may or may not have it. The next rotation replaces the file.
 * A node that ends between the decision of the ring and the rename starts with the key before, and NAME.next is left.
 * rotate_look writes that into the log.
 */
#ifndef EXEC_ROTATE_H
#define EXEC_ROTATE_H

#include <stddef.h>
#include <stdint.h>

struct executive;
struct rotate;

struct rotate *rotate_create(struct executive *executive); /* NULL: out of memory */
void rotate_destroy(struct rotate *rotate);                /* NULL is ignored */

/** As host->key_prepare. owner: for the other functions */
int rotate_prepare(struct rotate *rotate, const void *owner, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg);
/** As host->key_commit. */
int rotate_commit(struct rotate *rotate, const void *owner, char *text, uint32_t size);
/** As host->key_drop. */
void rotate_drop(struct rotate *rotate, const void *owner);
/** As host->key_leave. */
void rotate_leave(struct rotate *rotate, const void *owner);
/** The owner ends: as rotate_leave, or drop what it was not told of. It is not called any more. rotate NULL is ignored. */
void rotate_forget(struct rotate *rotate, const void *owner);

/** Log that a rotation has left a file, if one has. For the start: before the ring is there. */
void rotate_look(const struct executive *executive);

#endif
