/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: compact messages, from the announcement to the messages that are queued when the ring changes. */
#include "services/cpg/cpg.h"
#include "tests/unit/services/cpg/cpg_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deliver a message of these bytes to node 1. */
static void throw(uint32_t from, const char *bytes, uint32_t size)
{
	struct mock_message message = {.id = CPG_RING_COMPACT, .size = size, .data = (uint8_t *)(uintptr_t)bytes};

	mock_deliver(ring.ops, ring.nodes[1].self, from, false, &message);
}

#define THROW(from, bytes) throw(from, bytes, sizeof(bytes) - 1)

static uint64_t figure(uint32_t nodeid, const char *key)
{
	struct coterie_map_value value;
	uint64_t number = 0;

	ck_assert_int_eq(host(nodeid)->table.map_read(host(nodeid), COTERIE_MAP_STATS, key, &value), 0);
	memcpy(&number, value.bytes, value.size);
	return number;
}

static const struct cpg_compact *compact_of(uint32_t nodeid)
{
	return &((const struct cpg *)ring.nodes[nodeid].self)->compact;
}

static bool is_on(uint32_t nodeid) { return compact_of(nodeid)->is_on; }
static uint64_t refused(uint32_t nodeid) { return compact_of(nodeid)->refused; }

START_TEST(figures_say_so)
{
	if (service_is_replaced())
		return; /* timers start again after a replacement */
	ck_assert_uint_eq(figure(1, "stats.plugins.cpg.compact"), 1);
	ck_assert_uint_eq(figure(1, "stats.plugins.cpg.compact_refused"), 0);
	cpg_case_plain();
	THROW(2, "\0\0\2\0x");
	ck_assert_uint_eq(figure(1, "stats.plugins.cpg.compact"), 0);
	ck_assert_uint_eq(figure(1, "stats.plugins.cpg.compact_refused"), 1);
}
END_TEST

/* ---- What is on the wire ------------------------------------------------- */

static void check_sent(uint32_t nodeid, uint32_t index, const char *bytes, uint32_t size)
{
	const struct mock_message *message = &host(nodeid)->sent.list[index];

	ck_assert_uint_lt(index, host(nodeid)->sent.count);
	ck_assert_uint_eq(message->id, CPG_RING_COMPACT);
	ck_assert_uint_eq(message->size, size);
	ck_assert_mem_eq(message->data, bytes, size);
}

#define CHECK_SENT(nodeid, index, bytes) check_sent(nodeid, index, bytes, sizeof(bytes) - 1)

START_TEST(messages_are_as_written_down)
{
	ring.has_swapped = _i == 1; /* the result is the same with the other byte order */
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "hello"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[0], ""), 0);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 0x123456, "ZZ"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 5, "abc"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 5, "YY"), OK);
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	CHECK_SENT(1, 0, "\0\0\1\0\12\0\0\0grp");
	CHECK_SENT(1, 1, "\0\0\2\0hello");
	CHECK_SENT(1, 2, "\0\0\2\0");
	CHECK_SENT(1, 3, "\0\0\3\0\x56\x34\x12\0ZZ");
	CHECK_SENT(1, 4, "\0\0\3\0\5\0\0\0abc");
	CHECK_SENT(1, 5, "\0\0\5\0\5\0\0\0YY");
	CHECK_SENT(1, 6, "\0\0\6\0\2\0\0\0");
	service_ring_run(&ring);
	expect(users[1], "deliver grp 1:10 hello");
	expect(users[1], "deliver grp 1:10 ");
	expect(users[1], "partial grp 1:10 1 2/1193046 ZZ");
	expect(users[1], "partial grp 1:10 1 3/5 abc");
	expect(users[1], "partial grp 1:10 3 2/5 YY");
	expect(users[1], "confchg grp [2:20] left [1:10/2] joined []");
	ck_assert_uint_eq(refused(2), 0);
}
END_TEST

START_TEST(safe_delivery_is_asked_for)
{
	struct cpg_req_mcast req = {.guarantee = 3};

	join_all("1");
	cpg_user_request(&users[0], CPG_REQ_MCAST, &req, sizeof(req));
	ck_assert_uint_eq(host(1)->sent.list[1].guarantee, COTERIE_SAFE);
	CHECK_SENT(1, 1, "\0\0\2\1");
}
END_TEST

/* A handle belongs to one process in one group. A process that has left releases it. */
START_TEST(handles_are_used_again)
{
	join_all("11");
	for (size_t i = 0; i < 2; i++)
		cpg_user_mcast(&users[i], "x");
	service_ring_run(&ring);
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	users[2] = cpg_user_create(&ring, 1, 30);
	ck_assert_int_eq(cpg_user_join(&users[2], "other", 0), OK);
	users[3] = cpg_user_create(&ring, 2, 40);
	ck_assert_int_eq(cpg_user_join(&users[3], "other", 0), OK);
	service_ring_run(&ring);
	users[3].base.seen = users[3].base.client->events.count;
	cpg_user_mcast(&users[2], "y");
	cpg_user_mcast(&users[1], "z");
	CHECK_SENT(1, 0, "\0\0\1\0\36\0\0\0other");
	CHECK_SENT(1, 2, "\1\0\2\0z");
	service_ring_run(&ring);
	expect(users[3], "deliver other 1:30 y");
	expect(users[3], "");
}
END_TEST

START_TEST(a_process_that_joins_again_gets_a_new_handle)
{
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "x"), 0);
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	service_ring_run(&ring);
	users[1].base.seen = users[1].base.client->events.count;
	ck_assert_int_eq(cpg_user_mcast(&users[0], "y"), 0);
	service_ring_run(&ring);
	expect(users[1], "deliver grp 1:10 y");
}
END_TEST

START_TEST(processes_beyond_the_last_handle_do_without)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	static struct cpg_user many[CPG_COMPACT_HANDLES + 1];
	char name[16];

	users[0] = cpg_user_create(&ring, 2, 7);
	ck_assert_int_eq(cpg_user_join(&users[0], "g4096", 0), OK);
	for (uint32_t i = 0; i <= CPG_COMPACT_HANDLES; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		many[i] = cpg_user_create(&ring, 1, i + 1);
		ck_assert_int_eq(cpg_user_join(&many[i], name, 0), OK);
	}
	service_ring_run(&ring);
	users[0].base.seen = users[0].base.client->events.count;
	for (uint32_t i = 0; i <= CPG_COMPACT_HANDLES; i++)
		ck_assert_int_eq(cpg_user_mcast(&many[i], "x"), 0);
	ck_assert_uint_eq(host(1)->sent.list[host(1)->sent.count - 1].id, CPG_RING_MCAST);
	service_ring_run(&ring);
	expect(users[0], "deliver g4096 1:4097 x");
	for (uint32_t i = 0; i <= CPG_COMPACT_HANDLES; i++)
		cpg_user_close(&many[i]);
}
END_TEST

/* ---- Agreement ----------------------------------------------------------- */

static void turn_off(struct coterie_ctx *context) { mock_host_option(context, "compact", "no"); }

START_TEST(all_members_are_needed)
{
	ck_assert(is_on(1) && is_on(2) && is_on(3));
	ring.prepare = turn_off;
	service_ring_start(&ring, 4);
	join_all("1");
	service_ring_form_start(&ring, "1 2 3 4");
	ck_assert(!is_on(1)); /* compact messages are off at once */
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	ck_assert(!is_on(1) && !is_on(4));
	cpg_user_mcast(&users[0], "x");
	ck_assert_uint_eq(host(1)->sent.list[0].id, CPG_RING_MCAST);
	service_ring_run(&ring);
	service_ring_kill(&ring, 4);
	service_ring_form(&ring, "1 2 3");
	ck_assert(is_on(1) && is_on(2) && is_on(3));
}
END_TEST

/* In a ring with nodes of Corosync the DOWNLIST ends with zeros, as Corosync's does. */
START_TEST(nothing_is_announced_beside_others)
{
	static const uint8_t zero[16];

	for (uint32_t i = 1; i <= 3; i++)
		host(i)->is_safe_kept = _i != 0;
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[1].self);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CPG_RING_DOWNLIST);
	ck_assert_int_eq(memcmp(host(1)->sent.list[0].data + 1536, zero, 16) == 0, _i == 0);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	ck_assert_int_eq(is_on(1), _i);
}
END_TEST

/*
 * Compact messages begin at the delivery of the last announcement, which is the same message on all nodes, even if some
 * still synchronise.
 */
START_TEST(nodes_switch_at_the_same_message)
{
	service_ring_form_start(&ring, "1 2 3");
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert(!is_on(1) && !is_on(2) && !is_on(3));
		ring.ops->sync_step(ring.nodes[i].self);
		ck_assert(service_ring_deliver_next(&ring, i));
	}
	ck_assert(is_on(1) && is_on(2) && is_on(3));
	ring.ops->sync_abort(ring.nodes[2].self);
	ck_assert(is_on(2));
	service_ring_form(&ring, "1 2 3");
}
END_TEST

START_TEST(a_second_announcement_of_a_node_does_not_count)
{
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[2].self);
	for (uint32_t i = 0; i < 3; i++)
		mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &host(2)->sent.list[0]);
	ck_assert(!is_on(1));
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	ck_assert(is_on(1));
}
END_TEST

/* ---- What is queued when the ring changes -------------------------------- */

/*
 * Take the messages that a node has queued before a change. The engine holds such messages back until the services have
 * synchronised.
 */
static struct mock_queue freeze(uint32_t nodeid)
{
	struct mock_queue queue = host(nodeid)->sent;

	memset(&host(nodeid)->sent, 0, sizeof(queue));
	return queue;
}

static void thaw(uint32_t nodeid, struct mock_queue queue)
{
	ck_assert_uint_eq(host(nodeid)->sent.count, 0);
	host(nodeid)->sent = queue;
}

static void expect_all(const char *nodes, const char *want)
{
	for (size_t i = 0; nodes[i] != '\0'; i++)
		expect(users[i], want);
}

static void skip_events(void)
{
	for (size_t i = 0; i < 8; i++)
		if (users[i].base.client != NULL)
			users[i].base.seen = users[i].base.client->events.count;
}

/* Send the first message of each node's user, which defines its handle. */
static void speak(const char *nodes)
{
	for (size_t i = 0; nodes[i] != '\0'; i++)
		ck_assert_int_eq(cpg_user_mcast(&users[i], "first"), 0);
	service_ring_run(&ring);
	skip_events();
}

/* Node 3 joins. Its service supports compact messages (_i 0) or does not (_i 1). */
START_TEST(queued_messages_reach_who_joins)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("12");
	host(3)->is_safe_kept = _i == 0;
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 4, "bb"), OK);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "c"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[1], "A"), 0);
	ck_assert_uint_eq(host(1)->sent.list[2].id, CPG_RING_COMPACT);

	struct mock_queue one = freeze(1), two = freeze(2);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	ck_assert_int_eq(is_on(1), _i == 0);
	/* A new message must not overtake the waiting ones: the client gets "try again". */
	ck_assert_int_eq(cpg_user_mcast(&users[0], "d"), -EAGAIN);
	ck_assert_int_eq(cpg_user_leave(&users[0]), TRY_AGAIN);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 4, "bb"), TRY_AGAIN);
	thaw(1, one);
	thaw(2, two);
	for (uint32_t i = 0; i < 3; i++)
		service_ring_deliver_next(&ring, 1);
	expect_all("123", ""); /* not delivered on any node yet */
	ck_assert_uint_eq(refused(1), 3);
	ck_assert_uint_eq(refused(3), 3);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "d"), 0);
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
	expect_all("123", "partial grp 1:10 1 2/4 bb");
	expect_all("123", "deliver grp 1:10 c");
	expect_all("123", "deliver grp 1:10 d");
	expect_all("123", "deliver grp 2:20 A");
	expect_all("123", "");
}
END_TEST

START_TEST(a_safe_message_is_sent_again_as_a_safe_one)
{
	struct cpg_req_mcast req = {.guarantee = 3};

	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("1");
	cpg_user_request(&users[0], CPG_REQ_MCAST, &req, sizeof(req));

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2 3");
	thaw(1, one);
	while (host(1)->sent.list[0].id == CPG_RING_COMPACT)
		service_ring_deliver_next(&ring, 1);
	ck_assert_uint_eq(host(1)->sent.count, 1);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CPG_RING_MCAST);
	ck_assert_uint_eq(host(1)->sent.list[0].guarantee, COTERIE_SAFE);
}
END_TEST

/* The message that defines a handle waits as well. So a node that joins can decode all messages after it. */
START_TEST(queued_definitions_reach_who_joins)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	skip_events();
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	thaw(1, one);
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
	expect_all("123", "deliver grp 1:10 b");
	ck_assert_uint_eq(refused(3), 0);
}
END_TEST

START_TEST(a_leave_stays_behind_what_was_sent_before_it)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	if (_i == 0)
		ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	else
		cpg_user_close(&users[0]);

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	thaw(1, one);
	service_ring_run(&ring);
	for (size_t i = 1; i < 3; i++) {
		expect(users[i], "deliver grp 1:10 a");
		expect(users[i], _i == 0 ? "confchg grp [2:20 3:30] left [1:10/2] joined []"
					 : "confchg grp [2:20 3:30] left [1:10/5] joined []");
	}
}
END_TEST

/* A process ends while its messages wait. Its leave waits behind them. */
START_TEST(a_leave_waits_for_what_is_sent_again)
{
	if (service_is_replaced())
		return; /* a new instance of the service has no messages that wait */
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	cpg_user_close(&users[0]);
	thaw(1, one);
	service_ring_run(&ring); /* no timer has to run: the service may end when all its messages are delivered */
	expect(users[1], "deliver grp 1:10 a");
	expect(users[1], "confchg grp [2:20 3:30] left [1:10/5] joined []");
}
END_TEST

/* Both halves of a partition have messages that wait, and the ring changes twice before they are sent. */
START_TEST(a_second_change_finds_the_same_messages)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("123");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[2], "C"), 0);

	struct mock_queue one = freeze(1), three = freeze(3);

	service_ring_form(&ring, "1 2 3");
	service_ring_form(&ring, "1 | 2 3");
	service_ring_form(&ring, "1 2 3");
	skip_events();
	thaw(1, one);
	thaw(3, three);
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
	expect_all("123", "deliver grp 3:30 C");
	expect_all("123", "deliver grp 1:10 b");
	expect_all("123", "");
}
END_TEST

/*
 * Messages that were already in the node's frame are sent during the synchronisation. No node acts on them before its
 * end.
 */
START_TEST(what_is_delivered_during_synchronisation_is_sent_again_afterwards)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	service_ring_form(&ring, "1 2 3");
	skip_events();
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
}
END_TEST

/* The ring changes again. The messages that the service sends again wait until the other services have synchronised. */
START_TEST(what_is_sent_again_waits_for_what_was_sent_again_before)
{
	if (service_is_replaced())
		return; /* a new instance of the service has no messages that wait */
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	thaw(1, one);
	service_ring_deliver_next(&ring, 1);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CPG_RING_COMPACT); /* message b */
	ck_assert_uint_eq(host(1)->sent.list[1].id, CPG_RING_MCAST);   /* message a, sent again */
	one = freeze(1);
	service_ring_form(&ring, "1 2 3");
	skip_events();
	thaw(1, one);
	service_ring_deliver_next(&ring, 1);
	ck_assert_uint_eq(host(1)->sent.count, 2);
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
	expect_all("123", "deliver grp 1:10 b");
}
END_TEST

START_TEST(a_full_queue_keeps_the_order)
{
	join_all("12");
	service_ring_form(&ring, "1 | 2");
	speak("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);

	struct mock_queue one = freeze(1);

	service_ring_form(&ring, "1 2");
	skip_events();
	thaw(1, one);
	host(1)->ring_send_rc = -EAGAIN;
	service_ring_run(&ring);
	/* The service still has to send messages that it has accepted. */
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), -EAGAIN);
	host(1)->ring_send_rc = 0;
	ck_assert_int_eq(cpg_user_mcast(&users[0], "c"), -EAGAIN);
	mock_host_advance(host(1), UINT64_C(2000000));
	ck_assert_int_eq(cpg_user_mcast(&users[0], "c"), 0);
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0);
	service_ring_run(&ring);
	expect_all("12", "deliver grp 1:10 a");
	expect_all("12", "deliver grp 1:10 b");
	expect_all("12", "deliver grp 1:10 c");
}
END_TEST

START_TEST(a_successor_sends_what_waits_for_room)
{
	join_all("12");
	service_ring_form(&ring, "1 | 2");
	speak("1");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);
	service_ring_form_start(&ring, "1 2");
	service_ring_form_steps(&ring);
	host(1)->ring_send_rc = -EAGAIN;
	service_ring_form_done(&ring);
	skip_events();
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	host(1)->ring_send_rc = 0;
	mock_host_advance(host(1), UINT64_C(2000000));
	service_ring_run(&ring);
	expect_all("12", "deliver grp 1:10 a");
}
END_TEST

START_TEST(nobody_waits_for_ever_for_what_is_lost)
{
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);

	struct mock_queue lost = freeze(1);

	service_ring_form(&ring, "1 2 3");
	mock_host_advance(host(1), UINT64_C(599900000000));
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), -EAGAIN);
	mock_host_advance(host(1), UINT64_C(200000000));
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);
	mock_queue_clear(&lost);
}
END_TEST

START_TEST(each_message_that_comes_back_renews_the_patience)
{
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);

	struct mock_queue late = freeze(1); /* the definition of the handle, and the message */

	service_ring_form(&ring, "1 2 3");
	mock_host_advance(host(1), UINT64_C(599900000000));
	thaw(1, late);
	service_ring_deliver_next(&ring, 1);
	mock_host_advance(host(1), UINT64_C(200000000));
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), -EAGAIN);
}
END_TEST

/*
 * A message arrives very late: the token of the ring was lost right behind the ring's start, which takes 8 s and more
 * with the defaults.
 */
START_TEST(a_message_that_comes_late_is_not_lost)
{
	join_all("123");
	service_ring_form(&ring, "1 2 | 3");
	speak("123");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "a"), 0);

	struct mock_queue late = freeze(1);

	service_ring_form(&ring, "1 2 3");
	skip_events();
	mock_host_advance(host(1), UINT64_C(300000000000));
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), -EAGAIN);
	thaw(1, late);
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "b"), 0);
	service_ring_run(&ring);
	expect_all("123", "deliver grp 1:10 a");
	expect_all("123", "deliver grp 1:10 b");
	expect_all("123", "");
}
END_TEST

/* ---- Hostile and out of place -------------------------------------------- */

START_TEST(what_makes_no_sense_is_refused_and_counted)
{
	char long_name[8 + CPG_GROUP_NAME_MAX + 1] = "\1\0\1\0\12\0\0";
	uint64_t count = 0;

	join_all("12");
	cpg_user_mcast(&users[1], "x"); /* the next message defines handle 0 of node 2 */
	service_ring_run(&ring);
	skip_events();
	THROW(2, "\0\0\0\0"); /* an unknown kind of message */
	THROW(2, "\0\0\7\0\1\0\0\0");
	THROW(2, "\0\0\xff\0\1\0\0\0");
	THROW(2, "\1\0\2\0x"); /* a handle that was not defined */
	THROW(2, "\xff\xff\2\0x");
	THROW(2, "\0\x10\1\0\1\0\0\0grp"); /* a handle out of range */
	THROW(2, "\0\0\1\0");              /* a definition without its pid */
	THROW(2, "\0\0\1\0\1\0\0");
	THROW(2, "\0\0\3\0\1\0\0\0ab"); /* a fragment longer than its whole message */
	THROW(2, "\0\0\6\0\2\0\0\0x");  /* a leave with bytes behind it */
	throw(2, long_name, sizeof(long_name));
	THROW(4, "\0\0\1\0\1\0\0\0grp"); /* from a node that is no member */
	THROW(4, "\0\0\2\0x");
	THROW(1, "\0\0\2\0x"); /* a message of this node that it never sent */
	count = 14;
	expect(users[0], "");
	ck_assert_uint_eq(refused(1), count);
	ck_assert_uint_eq(host(1)->sent.count, 0);
	/* The handle still stands for the same process. */
	cpg_user_mcast(&users[1], "y");
	service_ring_run(&ring);
	expect(users[0], "deliver grp 2:20 y");
	/* In a ring with nodes like Corosync's all compact messages are dropped. */
	host(3)->is_safe_kept = false;
	service_ring_form(&ring, "1 2 3");
	skip_events();
	THROW(2, "\0\0\1\0\12\0\0\0grp");
	THROW(2, "\0\0\2\0x");
	expect(users[0], "");
	ck_assert_uint_eq(refused(1), count + 2);
}
END_TEST

/* The data of a message arrives in pieces of any length. */
START_TEST(pieces_of_any_length_are_one_message)
{
	struct cpg_ring_compact head = {.kind = CPG_COMPACT_FIRST};
	static uint8_t body[] = "\10\0\0\0abcd";

	join_all("12");
	cpg_user_mcast(&users[1], "x");
	service_ring_run(&ring);
	skip_events();
	for (size_t cut = 0; cut <= 8; cut++) {
		struct iovec parts[] = {{body, cut / 2}, {body + cut / 2, cut - cut / 2}, {body + cut, 8 - cut}};

		ring.ops->ring_msgs[CPG_RING_COMPACT].deliver_parts(
			ring.nodes[1].self, 2, &head, parts, 3, sizeof(head) + 8);
		expect(users[0], "partial grp 2:20 1 4/8 abcd");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_compact");
	TCase *tcase = cpg_case_add(suite);

	tcase_set_timeout(tcase, 60); /* long enough for thousands of clients under sanitizers */
	tcase_add_test(tcase, figures_say_so);
	tcase_add_loop_test(tcase, messages_are_as_written_down, 0, 2);
	tcase_add_test(tcase, safe_delivery_is_asked_for);
	tcase_add_test(tcase, handles_are_used_again);
	tcase_add_test(tcase, a_process_that_joins_again_gets_a_new_handle);
	tcase_add_test(tcase, processes_beyond_the_last_handle_do_without);
	tcase_add_test(tcase, all_members_are_needed);
	tcase_add_loop_test(tcase, nothing_is_announced_beside_others, 0, 2);
	tcase_add_test(tcase, nodes_switch_at_the_same_message);
	tcase_add_test(tcase, a_second_announcement_of_a_node_does_not_count);
	tcase_add_loop_test(tcase, queued_messages_reach_who_joins, 0, 2);
	tcase_add_test(tcase, queued_definitions_reach_who_joins);
	tcase_add_loop_test(tcase, a_leave_stays_behind_what_was_sent_before_it, 0, 2);
	tcase_add_test(tcase, a_leave_waits_for_what_is_sent_again);
	tcase_add_test(tcase, a_second_change_finds_the_same_messages);
	tcase_add_test(tcase, a_message_that_comes_late_is_not_lost);
	tcase_add_test(tcase, what_is_delivered_during_synchronisation_is_sent_again_afterwards);
	tcase_add_test(tcase, what_is_sent_again_waits_for_what_was_sent_again_before);
	tcase_add_test(tcase, a_safe_message_is_sent_again_as_a_safe_one);
	tcase_add_test(tcase, a_full_queue_keeps_the_order);
	tcase_add_test(tcase, a_successor_sends_what_waits_for_room);
	tcase_add_test(tcase, nobody_waits_for_ever_for_what_is_lost);
	tcase_add_test(tcase, each_message_that_comes_back_renews_the_patience);
	tcase_add_test(tcase, what_makes_no_sense_is_refused_and_counted);
	tcase_add_test(tcase, pieces_of_any_length_are_one_message);
	return suite_run(suite);
}
