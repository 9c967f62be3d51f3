/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended virtual synchrony: C1 to C7 (book invariants, "Configurations") and D1 to D12
 * (book invariants, "Delivery"), checked at every configuration and every delivery.
 */
#ifndef SIM_CHECK_EVS_H
#define SIM_CHECK_EVS_H

#include "tests/sim/history.h"

struct totem_configuration;

/** Record and check a configuration that the life's engine reported. */
void evs_configured(struct history *history, struct life *life, const struct totem_configuration *configuration);
/** Record and check the delivery of a message whose bytes are those of `message`. */
void evs_delivered(struct history *history, struct life *life, struct message *message);
/**
 * Report as a violation that the life's engine delivered a message that no node sent. what: says what is wrong with it.
 */
void evs_delivered_nonsense(struct history *history, struct life *life, uint32_t source, const char *what);
/** Return the ring that is in force at the life, or NULL. */
struct ring_record *evs_ring(const struct life *life);
/** Return whether the life must deliver the message, by the rings that the life was in. */
bool evs_must_deliver(const struct life *life, const struct message *message);

#endif
