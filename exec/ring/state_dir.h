/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring sequence on stable storage: book membership, "Ring ids";
 * book configuration, "State folder".
 */
#ifndef EXEC_STATE_DIR_H
#define EXEC_STATE_DIR_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read the stored ring sequence of a node. If there is none, read the one that Corosync left on this host.
 *
 * @return 0, *seq is 0 if none was ever stored (Corosync stores 0 before its first ring); -EBADMSG: the file has not 8
 *     bytes; -errno
 */
int state_ring_seq_load(const char *dir, uint32_t nodeid, uint64_t *seq);
/** Store the ring sequence of a node. It is durable when the function returns 0. -errno. */
int state_ring_seq_store(const char *dir, uint32_t nodeid, uint64_t seq);

/**
 * Read at most `size` bytes.
 *
 * @return size of the file; -ENOENT; -EFBIG; -EBADMSG: it is no regular file; -EPERM: other users can write to the folder, and
 *     the file may be theirs; -errno
 */
int state_file_read(const char *dir, const char *name, void *bytes, size_t size);
/** Replace `name` durably: after a crash the file has either the old content or the new one. */
int state_file_replace(int dir, const char *name, const void *bytes, size_t size);

#endif
