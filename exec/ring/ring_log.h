/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of the engine as log lines for the operator (subsystem TOTEM). */
#ifndef EXEC_RING_LOG_H
#define EXEC_RING_LOG_H

#include <stdint.h>
#include <sys/socket.h>

#include "exec/log/log.h"
#include "exec/totem/engine.h"

struct ring_log {
	const struct totem_options *options; /* borrowed */
	uint32_t *left;                      /* members that left in the last transitional configuration */
	uint32_t left_count;
	struct log_limit refused, late, cannot_gather, source, backoff, lapse, contact, witnessed, seq_end;
	uint64_t lapsed_ns; /* when the lease ended, or 0: it is valid */
};

void ring_log_fini(struct ring_log *log);
void ring_log_trace(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace);
void ring_log_configuration(struct ring_log *log, const struct totem_configuration *configuration);
/** Log state and numbers of an engine, to find a fault. */
void ring_log_dump(const struct totem_engine *engine, const struct totem_queue *queue, const struct totem_probe *probe);
/** Log a packet whose header was refused, with the address of its sender. */
void ring_log_bad_packet(
	struct ring_log *log, uint64_t now_ns, const struct coterie_frame *frame, const struct sockaddr *from);

#endif
