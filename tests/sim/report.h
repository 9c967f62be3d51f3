/* SPDX-License-Identifier: BSD-3-Clause */
/* The first property that a run broke (docs/protocol/invariants.md). */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"

struct report {
	bool is_broken;
	/*
	 * An event after which no engine can guarantee safety. A node accepted a forged packet, or a ring id was used twice
	 * after storage was lost, or a node like Corosync installed a ring before the others. From then on only what an
	 * engine guarantees without the others is checked.
	 */
	bool is_tainted;
	bool is_early; /* it was a node like Corosync that installed a ring early */
	char property[8];
	char text[400];
	uint64_t nodes; /* nodes that the violation concerns, bits by index */
	struct ring_id ring;
};

/**
 * Store the violation, if it is the first one. In a tainted run it counts only if the property holds whatever packets come.
 *
 * @param nodes  bits by index
 * @param ring   ring that it concerns, or NULL
 */
void report_violation(struct report *report, const char *property, uint64_t nodes, const struct ring_id *ring,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/** Return a sentence that describes a property. */
const char *report_property(const char *property);

#endif
