/* SPDX-License-Identifier: BSD-3-Clause */
/* Long lists of processes: lists.h. */
#include "tests/unit/services/cpg/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MAX 7000u

uint64_t lists_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void lists_check_cost(const char *what, uint64_t spent_ns, uint64_t most_ns)
{
	printf("# %s: %" PRIu64 " us\n", what, spent_ns / 1000);
	ck_assert_msg(spent_ns <= most_ns, "%s: %" PRIu64 " us", what, spent_ns / 1000);
}

struct cpg_wire_name lists_name(uint32_t number)
{
	char text[128];

	memset(text, 'x', sizeof(text)); /* names with a long common prefix take longest to compare */
	for (size_t i = 0; i < 8; i++)
		text[120 + i] = (char)('a' + (number >> 4 * i & 15));
	return cpg_wire_name(text, sizeof(text));
}

void lists_message(uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message mock = {.id = function, .size = size - 16, .data = (uint8_t *)(uintptr_t)message + 16};

	ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, from, false, &mock), 0);
}

void lists_process(uint32_t from, uint32_t function, const struct cpg_wire_name *name, uint32_t pid)
{
	const struct cpg_ring_process process = {.group = *name, .pid = pid, .reason = 1};

	lists_message(from, function, &process, sizeof(process));
}

void lists_deliver(uint32_t from, uint32_t first, uint32_t count, bool is_one_group)
{
	size_t size = sizeof(struct cpg_ring_joinlist) + LIST_MAX * sizeof(struct cpg_ring_joinlist_entry);
	struct cpg_ring_joinlist *list = calloc(1, size);

	ck_assert_ptr_nonnull(list);
	for (uint32_t done = 0; done < count;) {
		uint32_t size_now = count - done < LIST_MAX ? count - done : LIST_MAX;
		uint64_t from_ns;

		for (uint32_t i = 0; i < size_now; i++, done++) {
			/* The names are in an order that is neither ascending nor descending. */
			uint32_t number = (first + done) * 2654435761u >> 8;

			list->entries[i] = (struct cpg_ring_joinlist_entry){
				.pid = is_one_group ? number : 5, .group = lists_name(is_one_group ? 7 : number)};
		}
		from_ns = lists_cpu_ns();
		cpg_deliver_joinlist(ring.nodes[1].self, from, list,
			(uint32_t)(sizeof(*list) + size_now * sizeof(list->entries[0])));
		lists_check_cost("a list of processes", lists_cpu_ns() - from_ns, TURN_MAX_NS);
	}
	free(list);
}

uint32_t lists_count(void)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpg->group_count; i++)
		count += cpg->groups[i]->count;
	return count;
}

uint64_t lists_settle(void)
{
	uint64_t worst_ns = 0;

	while (mock_host_timers(host(1)) > 0) {
		uint64_t from_ns = lists_cpu_ns();

		mock_host_advance(host(1), TURN_NS);
		if (lists_cpu_ns() - from_ns > worst_ns)
			worst_ns = lists_cpu_ns() - from_ns;
	}
	return worst_ns;
}

uint32_t lists_walk(struct cpg_user *user, uint32_t reply)
{
	struct cpg_req_iteration_next next;
	uint32_t count = 0;

	memcpy(&next.iteration, user->base.client->replies.list[reply].data, sizeof(next.iteration));
	while (cpg_user_request(user, CPG_REQ_ITERATION_NEXT, &next, sizeof(next)) == OK)
		count++;
	return count;
}
