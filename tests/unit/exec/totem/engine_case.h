/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by the tests of a ring's members that do not answer: times, checks, and packets that get lost. */
#ifndef UNIT_ENGINE_CASE_H
#define UNIT_ENGINE_CASE_H

#include "tests/unit/exec/totem/engine_net.h"

/** Return the time for which a silent member stays in the ring. */
uint64_t patience_ms(void);
/** Return the time for which the representative may hold the token of an idle ring. */
uint64_t held_ms(void);
/** Return the number of members of this node's ring. */
uint32_t member_count(uint32_t id);

/** Check that no running node has removed another one since the logs were cleared. */
void check_all_are_members(void);
/** Check that no node gathers for longer than any suspicion lasts. */
void check_unmoved(void);

/** Nodes for is_between(). */
extern uint32_t deaf_a, deaf_b;

/* Functions for net->drops. */

/** Node net->cut_from neither sends nor receives. */
bool is_cut_off(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
/** Nodes deaf_a and deaf_b receive nothing of each other. */
bool is_between(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
/** Node net->cut_from receives nothing. */
bool is_deaf(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);

#endif
