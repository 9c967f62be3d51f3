/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: what a new version of the plugin takes over. */
#include "services/cpg/cpg.h"
#include "tests/unit/services/cpg/cpg_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

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

/* A message whose fragments come to both versions is one message, and its length is still checked. */
START_TEST(a_message_in_fragments_goes_on)
{
	cpg_case_plain();
	join_all("12");
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	service_ring_run(&ring);
	replace(1);
	replace(2);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_LAST, 6, "cdef"), OK);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_FIRST, 6, "AB"), OK);
	service_ring_run(&ring);
	expect(users[0], "partial grp 2:20 1 2/6 ab");
	expect(users[0], "partial grp 2:20 3 4/6 cdef");
	expect(users[0], "partial grp 2:20 1 2/6 AB");
	replace(1);
	replace(2);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_CONTINUED, 6, "CDEFG"), INVALID);
	ck_assert_int_eq(cpg_fragment_count(
				 &cpg_process_find(cpg_group_find(ring.nodes[1].self, &users[0].group), 2, 20)->sending,
				 6, CPG_FRAGMENT_CONTINUED, 6, 5),
		-EPROTO);
}
END_TEST

/* Older versions did not count fragments: the rest of a message passes, if it is not longer than the whole one. */
START_TEST(a_message_that_an_older_version_began_goes_on)
{
	static const struct cpg_sending unknown = {.is_open = true, .is_resumed = true};
	struct cpg_sending sending = unknown;

	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_CONTINUED, 6, 2), 0);
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_CONTINUED, 6, 0), 0);
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_LAST, 6, 2), 0);
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_LAST, 6, 2), -ENOENT);
	sending = unknown;
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_CONTINUED, 6, 4), 0);
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_CONTINUED, 6, 4), -EPROTO);
	sending = unknown;
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_CONTINUED, 101, 4), -EMSGSIZE);
	sending = unknown;
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_FIRST, 6, 4), 0);
	ck_assert_int_eq(cpg_fragment_count(&sending, 100, CPG_FRAGMENT_LAST, 6, 1), -EPROTO);
}
END_TEST

/* A state of version 2: one process of node 2 in the group "grp", and no client. */
START_TEST(a_state_of_version_2_is_read)
{
	const struct cpg_wire_name name = cpg_wire_name("grp", 3);
	struct coterie_state_writer writer = {.bytes = NULL};
	void *self, *blob;
	uint32_t size;

	coterie_state_put_u32(&writer, 2);
	for (int i = 0; i < 3; i++)
		coterie_state_put_u64(&writer, 1); /* process_seq, next_token, round */
	coterie_state_put_u32(&writer, 1);
	coterie_state_put_u64(&writer, 1); /* the ring */
	coterie_state_put_u32(&writer, 0); /* its members */
	coterie_state_put_u32(&writer, 1);
	coterie_state_put(&writer, &name, sizeof(name));
	coterie_state_put_u32(&writer, 1);
	coterie_state_put_u32(&writer, 2); /* a process: node id, pid, seq, round */
	coterie_state_put_u32(&writer, 20);
	coterie_state_put_u64(&writer, 0);
	coterie_state_put_u64(&writer, 1);
	coterie_state_put_u32(&writer, 0); /* leaves */
	coterie_state_put_u32(&writer, 0); /* clients */
	for (int i = 0; i < 5; i++)
		coterie_state_put_u64(&writer, 1); /* compact messages: period to refused */
	for (int i = 0; i < 3; i++)
		coterie_state_put_u32(&writer, 0); /* speakers, own handles, messages to send again */
	ck_assert_int_eq(coterie_state_end(&writer, &blob, &size), 0);
	ck_assert_int_eq(ring.ops->init(cpg_at(1)->host, host(1), &self), 0);
	ck_assert_int_eq(ring.ops->state_load(self, blob, size), 0);

	const struct cpg_process *process = cpg_process_find(cpg_group_find(self, &name), 2, 20);

	ck_assert_ptr_nonnull(process);
	ck_assert(process->sending.is_open && process->sending.is_resumed);
	ring.ops->fini(self);
	free(blob);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_successor");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, a_handle_that_is_not_defined_is_handed_over);
	tcase_add_test(tcase, the_order_of_processes_is_handed_over);
	tcase_add_test(tcase, a_message_in_fragments_goes_on);
	tcase_add_test(tcase, a_message_that_an_older_version_began_goes_on);
	tcase_add_test(tcase, a_state_of_version_2_is_read);
	return suite_run(suite);
}
