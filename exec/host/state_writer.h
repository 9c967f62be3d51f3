/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State files that plugins store without holding up the loop: a bounded queue, in order, over state_disk.h.
 */
#ifndef EXEC_STATE_WRITER_H
#define EXEC_STATE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct plugin;
struct state_writer;

#define STATE_STORES_MAX 64u         /* of one plugin */
#define STATE_STORES_SIZE (4u << 20) /* bytes of them together, except for a single one */
#define STATE_STORE_SIZE_MAX (16u << 20)

/** dir: absolute, borrowed until the end. NULL: out of memory */
struct state_writer *state_writer_create(struct loop *loop, const char *dir);
/** Store what is queued, and end. NULL is ignored. */
void state_writer_destroy(struct state_writer *writer);
/** As state_file_write of the host table, for a valid name. */
int state_writer_write(struct state_writer *writer, const char *name, const void *bytes, uint32_t size);
/** As state_file_store of the host table, for a valid name. */
int state_writer_store(struct state_writer *writer, struct plugin *plugin, const char *name, const void *bytes,
	uint32_t size, void (*done)(void *arg, int rc), void *arg);
/** The plugin has ended: store its files, and call none of its functions. writer NULL is ignored. */
void state_writer_forget(struct state_writer *writer, const struct plugin *plugin);

#endif
