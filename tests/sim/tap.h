/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read each packet when an engine sends it. Check that it is well-formed, and note in which frames messages begin and
 * end.
 */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/history.h"

struct tap {
	uint8_t type;                 /* enum wire_type */
	struct ring_id ring;          /* ring that the packet names, with rep 0 in joins */
	uint32_t seq;                 /* seq of a frame, or token_seq of a token */
	uint32_t aru, token_seq_high; /* token: aru and seq */
	uint32_t fcc, backlog;        /* token: the fields of the same names */
	bool is_new;                  /* of a frame: on the wire for the first time */
	uint32_t originator;          /* of a frame: index of the originator */
	char note[64];
};

/**
 * Read and check a packet that the life's engine sends. swap: the engine sends in the other byte order. window_size:
 * frames per rotation; 0: members differ.
 */
void tap_packet(struct history *history, struct life *life, bool swap, uint32_t window_size, uint64_t now_ns,
	const uint8_t *bytes, size_t size, struct tap *tap);

#endif
