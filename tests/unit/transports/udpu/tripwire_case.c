/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/transports/udpu/tripwire_case.h"

#include <check.h>

extern const struct coterie_plugin udpu_LTX_coterie_plugin;

struct tripwire *wire_of(uint32_t node) { return &((struct udp_link *)nodes[node])->wire; }

void serve(void)
{
	for (int quiet = 0; quiet < 3; quiet++) {
		for (uint32_t i = 0; i < NODES; i++) {
			if (nodes[i] != NULL && mock_host_poll(hosts[i], 2) > 0)
				quiet = 0;
		}
	}
}

void check_told(uint32_t node, uint32_t count, uint32_t nodeid, uint32_t state)
{
	const struct mock_queue *told = &hosts[node]->watches;

	for (int i = 0; i < 40 && told->count < count; i++)
		serve();
	serve();
	mock_host_advance(hosts[node], 0); /* run a report that waits for the loop's next turn */
	ck_assert_uint_eq(told->count, count);
	if (count == 0)
		return;
	ck_assert_uint_eq(told->list[count - 1].id, nodeid);
	ck_assert_mem_eq(told->list[count - 1].data, &state, sizeof(state));
}

void pass_time(uint32_t node, uint64_t ns)
{
	mock_host_advance(hosts[node], ns);
	serve();
}

void watch(uint32_t node, uint32_t nodeid)
{
	uint32_t count = hosts[node]->watches.count;

	ops->watch(nodes[node], nodeid);
	ck_assert_uint_eq(hosts[node]->watches.count, count); /* watch() itself must not report */
	pass_time(node, 0);
	check_told(node, count + 1, nodeid, COTERIE_WATCH_ON);
}

void tripwire_set_up(void)
{
	nodes_set_up(&udpu_LTX_coterie_plugin);
	watch(0, 2);
}

uint32_t guests_of(uint32_t node, bool are_named)
{
	uint32_t count = 0;

	for (const struct tripwire_guest *guest = wire_of(node)->guests; guest != NULL; guest = guest->next)
		count += (guest->nodeid != 0) == are_named;
	return count;
}

struct tripwire_guest *guest_of(uint32_t node) { return wire_of(node)->guests; }
