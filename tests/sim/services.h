/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The services and users of a node. The services synchronise after a change (book sync, "A round", with one barrier
 * here). Both send messages as soon as the engine accepts them. All of this runs inside a step of the node.
 */
#ifndef SIM_SERVICES_H
#define SIM_SERVICES_H

#include "tests/sim/node.h"

void services_deliver(struct node *node, const struct totem_message *delivered);
void services_configure(struct node *node, const struct totem_configuration *configuration);
/** Send a message of a user. It waits while the engine has no room or the services synchronise. */
void services_offer(struct node *node, uint32_t guarantee, uint32_t payload_size);
void services_hand_over(struct node *node); /* send waiting messages while the engine accepts them */
/**
 * Let the users whose messages were delivered in this step send their next ones. Called while the node keeps the token.
 */
void services_answer(struct node *node);
void services_pay(struct node *node); /* send the barrier if it is due */

#endif
