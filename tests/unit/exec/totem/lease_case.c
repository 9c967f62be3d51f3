/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/totem/lease_case.h"

#include <check.h>

uint64_t lease_ms(void) { return totem_engine_lease(node_of(1)->engine) / MS; }

uint64_t late_ms(void) { return lease_ms() / 16 + 1; }

bool has_lease(uint32_t id) { return totem_engine_has_lease(node_of(id)->engine, net->now_ns); }

void check_lease(uint32_t id, bool is_held)
{
	ck_assert_msg(has_lease(id) == is_held, "node %u: the lease is %sheld", id, is_held ? "not " : "");
	ck_assert_msg(node_of(id)->has_lease == is_held, "node %u: said the opposite", id);
}

void start_leased_ring(uint32_t count)
{
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(count);
	connect_all();
	run_for(2000);
	clear_logs();
}

static bool is_other_side(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return (from < n->cut_from) != (to < n->cut_from);
}

void cut(uint32_t from)
{
	net->cut_from = from;
	net->drops = is_other_side;
}

bool is_probe(const struct wire_header *header, const struct coterie_frame *frame)
{
	return header->type == WIRE_MERGE_DETECT && frame->size == WIRE_PROBE_SIZE;
}

bool is_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return header->type == WIRE_TOKEN && from != to;
}

bool drops_probes(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to;
	return is_probe(header, frame);
}

bool drops_all(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return from != to;
}
