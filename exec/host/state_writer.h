/* SPDX-License-Identifier: BSD-3-Clause */
/* State files that plugins store without blocking the loop: a bounded queue, in order, which uses state_disk.h. */
#ifndef EXEC_STATE_WRITER_H
#define EXEC_STATE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct plugin;
struct state_writer;

#define STATE_STORES_MAX 64u         /* most stores of one plugin in the queue */
#define STATE_STORES_SIZE (4u << 20) /* most bytes of a plugin's stores together. A single larger store is accepted */
#define STATE_STORE_SIZE_MAX (16u << 20)

/** Create the writer. dir: absolute, borrowed until state_writer_destroy. NULL: out of memory */
struct state_writer *state_writer_create(struct loop *loop, const char *dir);
/** Store the queued files, and destroy the writer. NULL is ignored. */
void state_writer_destroy(struct state_writer *writer);
/** As state_file_write of the host table, for a valid name. */
int state_writer_write(struct state_writer *writer, const char *name, const void *bytes, uint32_t size);
/** As state_file_store of the host table, for a valid name. */
int state_writer_store(struct state_writer *writer, struct plugin *plugin, const char *name, const void *bytes,
	uint32_t size, void (*done)(void *arg, int rc), void *arg);
/**
 * Note that the plugin has ended: its files are still stored, and none of its functions is called. writer NULL is
 * ignored.
 */
void state_writer_forget(struct state_writer *writer, const struct plugin *plugin);

#endif
