/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: what a new version of the plugin takes over. */
#include "services/cpg/cpg.h"
#include "tests/unit/services/cpg/cpg_case.h"

#include <string.h>

static const struct cpg *cpg_at(uint32_t nodeid) { return ring.nodes[nodeid].self; }

static void replace(uint32_t nodeid)
{
	ck_assert_int_eq(mock_replace(host(nodeid), ring.ops, &ring.nodes[nodeid].self, false), 0);
}

/* Deliver a compact message of node 2 to node 1. */
static void deliver(const char *bytes, uint32_t size)
{
	struct mock_message message = {.id = CPG_RING_COMPACT, .size = size, .data = (uint8_t *)(uintptr_t)bytes};

	mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message);
}

#define DELIVER(bytes) deliver(bytes, sizeof(bytes) - 1)

/* Older versions hand over any bytes for a handle that is not defined. */
START_TEST(a_handle_that_is_not_defined_is_handed_over)
{
	join_all("12");
	cpg_user_mcast(&users[1], "x");
	service_ring_run(&ring);
	DELIVER("\5\0\1\0\24\0\0\0grp"); /* handle 5 is process 20 in grp */

	const struct cpg_aliases *aliases = &cpg_at(1)->compact.speakers[1].aliases;

	ck_assert_uint_eq(aliases->count, 6);
	ck_assert_uint_eq(aliases->list[3].name.length, 0);
	memset(&aliases->list[3].name, 0xff, sizeof(struct cpg_wire_name));
	replace(1);
	ck_assert_uint_eq(cpg_at(1)->compact.speakers[1].aliases.list[3].name.length, 0);
	users[0].base.seen = users[0].base.client->events.count;
	DELIVER("\5\0\2\0y");
	expect(users[0], "deliver grp 2:20 y");
}
END_TEST

/* Processes that join later stay behind the others, although some of the first ones have left. */
START_TEST(the_order_of_processes_is_handed_over)
{
	join_all("112");
	cpg_user_close(&users[0]);
	cpg_user_close(&users[1]);
	service_ring_run(&ring);

	uint64_t next = cpg_at(1)->process_seq;

	ck_assert_uint_eq(next, 3);
	replace(1);
	ck_assert_uint_eq(cpg_at(1)->process_seq, next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_successor");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, a_handle_that_is_not_defined_is_handed_over);
	tcase_add_test(tcase, the_order_of_processes_is_handed_over);
	return suite_run(suite);
}
