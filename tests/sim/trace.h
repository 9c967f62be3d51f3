/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace of a run, one entry per event. The last few thousand are kept to explain a violation. All of
 * them go into a hash that proves two runs equal, and into a file if one is requested.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "exec/totem/ring_id.h"

enum trace_subject {
	/* a packet is sent. detail: enum wire_type; peer: destination, or ~0 for all; seq and value are set too */
	TRACE_PACKET,
	TRACE_LOST,       /* a packet to peer is lost on its way */
	TRACE_ENGINE,     /* detail: enum totem_trace_kind, peer: its node, seq, value, extra: state << 8 | cause */
	TRACE_SENT,       /* a user sent message seq. detail: guarantee; value: bytes */
	TRACE_DELIVERED,  /* message seq is delivered. peer: source */
	TRACE_CONFIGURED, /* detail: 1: a regular configuration; value: members by node index */
	TRACE_SYNCHRONIZED,
	TRACE_LIFE,  /* a node starts, crashes, leaves or pauses, as `note` says */
	TRACE_FAULT, /* a fault, named in `note` */
};

#define TRACE_NOBODY UINT32_MAX
#define TRACE_NOTE_SIZE 64

struct trace_entry {
	uint64_t at_ns;
	uint64_t value;
	struct ring_id ring;
	uint32_t node, peer; /* node indices, or TRACE_NOBODY */
	uint32_t seq, extra;
	uint8_t subject, detail;
	char note[TRACE_NOTE_SIZE];
};

#define TRACE_KEPT 16384u

struct trace {
	struct trace_entry *entries; /* circular buffer of TRACE_KEPT entries */
	uint64_t count;              /* entries since the start */
	uint64_t hash;
	FILE *file;          /* borrowed; NULL: none */
	const uint32_t *ids; /* node ids by index, borrowed */
};

void trace_init(struct trace *trace, const uint32_t *ids, FILE *file);
void trace_fini(struct trace *trace);
void trace_add(struct trace *trace, const struct trace_entry *entry);
/** Print the last `lines` entries that concern these nodes (bits by index) or this ring. */
void trace_print(const struct trace *trace, FILE *out, unsigned lines, uint64_t nodes, const struct ring_id *ring);

#endif
