/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended virtual synchrony: C1 to C7 (book invariants, "Configurations") and D1 to D12
 * (book invariants, "Delivery"), checked at every configuration and every delivery.
 */
#ifndef SIM_CHECK_EVS_H
#define SIM_CHECK_EVS_H

#include "tests/sim/history.h"

struct totem_configuration;

/** life's engine reported a configuration. */
void evs_configured(struct history *history, struct life *life, const struct totem_configuration *configuration);
/** Note that life's engine delivered a message with the bytes of `message`. */
void evs_delivered(struct history *history, struct life *life, struct message *message);
/** Report that life's engine delivered a message that no node sent. */
void evs_delivered_nonsense(struct history *history, struct life *life, uint32_t source, const char *what);
/** The ring in force at life, or NULL. */
struct ring_record *evs_ring(const struct life *life);
/** Return whether life must deliver message, judged by the rings that it was in. */
bool evs_must_deliver(const struct life *life, const struct message *message);

#endif
