/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stable storage of a node: one ring sequence (book membership, "Ring ids"), kept or lost over a
 * crash.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct disk {
	uint64_t ring_seq;
	uint64_t fresh;    /* the number at which the node began when it last had none */
	uint32_t failures; /* number of the next writes that fail */
};

static inline int disk_store(struct disk *disk, uint64_t ring_seq)
{
	if (disk->failures > 0) {
		disk->failures--;
		return -EIO;
	}
	disk->ring_seq = ring_seq;
	return 0;
}

/* Lose the ring sequence. fresh: the number at which the node begins then, random for nodes of Coterie, or 0. */
static inline void disk_wipe(struct disk *disk, uint64_t fresh) { disk->ring_seq = disk->fresh = fresh; }

#endif
