/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The disk below the state folder, for files of plugins. A store waits for the disk, so it runs on a thread. The test
 * kit has its own disk, on simulated time.
 */
#ifndef EXEC_STATE_DISK_H
#define EXEC_STATE_DISK_H

#include <stdint.h>

struct loop;
struct state_disk;

/** Create the disk. dir: absolute, borrowed until state_disk_destroy. NULL: out of memory, or of descriptors */
struct state_disk *state_disk_create(struct loop *loop, const char *dir);
void state_disk_destroy(struct state_disk *disk); /* after state_disk_finish. NULL is ignored */
/** Replace a file durably before the function returns. 0; -errno */
int state_disk_write(struct state_disk *disk, const char *name, const void *bytes, uint32_t size);
/**
 * Begin to replace a file. There can be only one such store at a time.
 *
 * @param name, bytes  borrowed until the store has ended
 * @param finished     called on the loop thread, on a later turn. rc: as of state_disk_write
 * @return 0; -ENOMEM: no thread
 */
int state_disk_begin(struct state_disk *disk, const char *name, const void *bytes, uint32_t size,
	void (*finished)(void *arg, int rc), void *arg);
/**
 * Wait until the store under way has ended, if there is one. Its function `finished` is not called. @return its result
 */
int state_disk_finish(struct state_disk *disk);

#endif
