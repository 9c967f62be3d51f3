/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/totem/engine_case.h"

#include <check.h>

#include "tests/suite.h"

uint32_t deaf_a, deaf_b;

uint64_t patience_ms(void) { return (options.token_ns + options.consensus_ns) / MS; }

uint64_t held_ms(void) { return options.hold_ns / MS; }

uint32_t member_count(uint32_t id)
{
	const uint32_t *members;

	return totem_engine_members(node_of(id)->engine, &members);
}

void check_all_are_members(void)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (!node_of(id)->is_up)
			continue;
		ck_assert_msg(node_of(id)->evicted_count == 0, "node %u has removed one", id);
		ck_assert_uint_eq(member_count(id), net->node_count);
	}
}

void check_unmoved(void)
{
	run_for(4000);
	for (uint32_t i = 0; i < net->node_count; i++)
		ck_assert_msg(!net->nodes[i].is_up || net->nodes[i].gathered == 0, "node %u gathers", i + 1);
}

bool is_cut_off(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && (from == n->cut_from || to == n->cut_from);
}

bool is_deaf(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && to == n->cut_from;
}

bool is_between(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == deaf_a && to == deaf_b) || (from == deaf_b && to == deaf_a);
}
