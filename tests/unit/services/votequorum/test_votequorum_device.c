/* SPDX-License-Identifier: BSD-3-Clause */
/* The quorum device of votequorum: registration through the ring, polls, timers. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_rights.h"
#include "tests/unit/services/votequorum/vote_ring.h"

extern const struct coterie_plugin votequorum_LTX_coterie_plugin;

#define SECOND_NS UINT64_C(1000000000)

static struct service_ring ring;
static struct service_user users[3]; /* clients on nodes 1 to 3 */

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void start(const char *config, uint32_t last)
{
	vote_ring_config(config);
	for (uint32_t i = 1; i <= last; i++) {
		service_ring_start(&ring, i);
		users[i - 1] = service_user_create(&ring, i, 10 + i);
	}
}

/* Start two nodes, and one vote for the device: the configuration of the recorded session in svc-votequorum.txt. */
static void set_up(void)
{
	vote_ring_init(&ring);
	memset(users, 0, sizeof(users));
	start("nodes=2 device.model=net device.votes=1 device.timeout=2000 "
	      "device.sync_timeout=5000",
		2);
	service_ring_form(&ring, "1 2");
}

static void tear_down(void)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		service_user_close(&users[i]);
	service_ring_fini(&ring);
}

static void expect(uint32_t nodeid, const char *event) { ck_assert_str_eq(vote_event(&users[nodeid - 1]), event); }

static void info_is(uint32_t nodeid, const char *want) { ck_assert_str_eq(vote_node_info(&ring, nodeid), want); }

/* Register a device. The answer comes when the message is delivered. */
static void register_device(uint32_t nodeid, const char *name)
{
	struct service_user *user = &users[nodeid - 1];

	ck_assert_int_eq(vote_register(user, name), 0);
	service_ring_run(&ring);
	ck_assert_uint_eq(user->client->replies.count, 1);
	ck_assert_int_eq(user->client->replies.list[0].error, 1);
}

static void poll(uint32_t nodeid, uint32_t cast)
{
	ck_assert_int_eq(vote_poll(&users[nodeid - 1], "qdtest", cast, 0), 1);
	service_ring_run(&ring);
}

/* ---- The session of a real ring ------------------------------------------ */

START_TEST(a_session_is_that_of_a_real_ring)
{
	ck_assert_int_eq(vote_track(&users[0], 0, 2), 1);
	expect(1, "nodes 1.4 [1 2]");
	expect(1, "quorum 1 [1:1 2:1]");
	register_device(1, "qdtest");
	ck_assert_int_eq(vote_register(&users[0], "other"), 14);
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 77), 22);
	ck_assert_int_eq(vote_poll(&users[0], "other", 1, 0), 7);
	for (uint32_t i = 0; i < 6; i++) {
		poll(1, 1);
		info_is(1, "3 of 3, need 2, flags 1c2, device 1 'qdtest'");
		mock_host_advance(host(1), SECOND_NS);
	}
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 7), 1);
	ck_assert_int_eq(vote_update(&users[0], "qdtest", "qdnew"), 1);
	service_ring_run(&ring);
	mock_host_advance(host(1), 4 * SECOND_NS);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 242, device 1 'qdnew'");
	info_is(2, "2 of 3, need 2, flags 2, device 1 'qdnew'");
	ck_assert_int_eq(vote_unregister(&users[0], "qdnew"), 1);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 2, device 1 ''");
	info_is(2, "2 of 3, need 2, flags 2, device 1 ''");
	expect(1, "");
}
END_TEST

/* The other node ends while the device polls: the second recorded session. */
START_TEST(a_lost_node_is_outvoted)
{
	register_device(1, "qdtest");
	ck_assert_int_eq(vote_track(&users[0], 0, 4), 1);
	poll(1, 1);
	service_user_close(&users[1]);
	service_ring_kill(&ring, 2);
	service_ring_form_start(&ring, "1");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN); /* the step waits for the device's poll */
	service_ring_run(&ring);
	expect(1, "nodes 1.8 [1]");
	expect(1, "");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	poll(1, 1);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);
	service_ring_form_done(&ring);
	expect(1, "quorum 1 [1:1 2:2 0:0]");
	info_is(1, "2 of 3, need 2, flags 1c2, device 1 'qdtest'");
	mock_host_advance(host(1), 2 * SECOND_NS);
	service_ring_run(&ring);
	expect(1, "quorum 0 [1:1 2:2 0:0]");
	info_is(1, "1 of 3, need 2, flags 40, device 1 'qdtest'");
}
END_TEST

/* After a split each half has a device. The vote of a device decides which half is quorate. */
START_TEST(the_device_decides_a_split)
{
	register_device(1, "qdtest");
	register_device(2, "qdtest");
	poll(1, 1);
	poll(2, 1);
	service_ring_form_start(&ring, "1 | 2");
	for (uint32_t i = 1; i <= 2; i++)
		ck_assert_int_eq(ring.ops->sync_step(ring.nodes[i].self), -EAGAIN);
	service_ring_run(&ring);
	poll(1, 1);
	poll(2, 0);
	for (uint32_t i = 1; i <= 2; i++)
		ck_assert_int_eq(ring.ops->sync_step(ring.nodes[i].self), 0);
	service_ring_form_done(&ring);
	info_is(1, "2 of 3, need 2, flags 1c2, device 1 'qdtest'");
	info_is(2, "1 of 3, need 2, flags c0, device 1 'qdtest'");
}
END_TEST

/* Until a device has voted in the new ring, its vote is that of the last ring. Each half could show quorum with it. */
START_TEST(a_half_shows_quorum_when_its_device_has_voted)
{
	register_device(1, "qdtest");
	register_device(2, "qdtest");
	poll(1, 1);
	poll(2, 1);
	service_ring_form_start(&ring, "1 | 2");
	for (uint32_t i = 1; i <= 2; i++)
		info_is(i, "2 of 3, need 2, flags 1c0, device 1 'qdtest'");
	poll(1, 1);
	poll(2, 0);
	info_is(1, "2 of 3, need 2, flags 1c2, device 1 'qdtest'");
	info_is(2, "1 of 3, need 2, flags c0, device 1 'qdtest'");
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	info_is(1, "2 of 3, need 2, flags 1c2, device 1 'qdtest'");
}
END_TEST

START_TEST(a_silent_device_holds_nobody_for_ever)
{
	register_device(1, "qdtest");
	poll(1, 1);
	service_ring_form_start(&ring, "1 | 2");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[2].self), 0);
	mock_host_advance(host(1), 5 * SECOND_NS - 1);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	mock_host_advance(host(1), 1);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);
	service_ring_run(&ring);
	service_ring_form_done(&ring);
	info_is(1, "1 of 3, need 2, flags 40, device 1 'qdtest'");
}
END_TEST

START_TEST(a_device_that_never_polled_holds_nobody)
{
	register_device(1, "qdtest");
	service_ring_form(&ring, "1 | 2");
	info_is(1, "1 of 3, need 2, flags 40, device 1 'qdtest'");
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

START_TEST(a_revived_device_votes_again)
{
	register_device(1, "qdtest");
	poll(1, 255);
	mock_host_advance(host(1), 2 * SECOND_NS);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 42, device 1 'qdtest'");
	poll(1, 0);
	info_is(1, "2 of 3, need 2, flags c2, device 1 'qdtest'");
	poll(1, 1);
	info_is(1, "3 of 3, need 2, flags 1c2, device 1 'qdtest'");
}
END_TEST

START_TEST(only_changes_are_told)
{
	register_device(1, "qdtest");
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 0), 1);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 3 flags 71");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "");
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 0), 1);
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 0), 1);
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "");
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 1), 1);
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 1 votes 1 of 3 flags f1");
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.votequorum.qdevice_master_wins"), 1);
}
END_TEST

START_TEST(the_master_wins)
{
	register_device(1, "qdtest");
	register_device(2, "qdtest");
	poll(1, 1);
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 1), 1);
	ck_assert_int_eq(vote_master_wins(&users[1], "qdtest", 1), 1);
	service_ring_run(&ring);
	ck_assert_int_eq(vote_expected(&users[0], 3), 1);
	service_ring_run(&ring);
	/* Node 1's device votes and its side wins. So node 2 is quorate with node 1, regardless of the other votes. */
	ck_assert_int_eq(vote_votes(&users[0], 1, 0), 1);
	service_ring_run(&ring);
	ck_assert(host(2)->is_quorate);
}
END_TEST

/* ---- Registration -------------------------------------------------------- */

START_TEST(a_registration_goes_through_the_ring)
{
	ck_assert_int_eq(vote_register(&users[0], "qdtest"), 0);
	ck_assert_int_eq(vote_register(&users[0], "qdtest"), 6); /* the first registration is still under way */
	users[2] = service_user_create(&ring, 1, 20);
	ck_assert_int_eq(vote_register(&users[2], "qdtest"), 6);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "device 1 'qdtest'");
	mock_queue_clear(&users[0].client->replies);
	service_ring_run(&ring);
	ck_assert_int_eq(users[0].client->replies.list[0].error, 1);
	/* The device belongs to the node, so another client may register it again. */
	ck_assert_int_eq(vote_register(&users[2], "qdtest"), 1);
	ck_assert_int_eq(vote_register(&users[2], "other"), 14);
	info_is(2, "2 of 3, need 2, flags 2, device 1 'qdtest'");
}
END_TEST

START_TEST(a_second_name_is_refused_by_the_ring)
{
	register_device(1, "qdtest");
	ck_assert_int_eq(vote_register(&users[1], "other"), 0);
	service_ring_run(&ring);
	ck_assert_int_eq(users[1].client->replies.list[0].error, 14);
	register_device(2, "qdtest");
}
END_TEST

START_TEST(two_registrations_cross)
{
	ck_assert_int_eq(vote_register(&users[0], "one"), 0);
	ck_assert_int_eq(vote_register(&users[1], "two"), 0);
	service_ring_run(&ring);
	ck_assert_int_eq(users[0].client->replies.list[0].error, 1);
	ck_assert_int_eq(users[1].client->replies.list[0].error, 14);
	info_is(2, "2 of 3, need 2, flags 2, device 1 'one'");
}
END_TEST

START_TEST(a_registration_whose_client_is_gone_is_taken_back)
{
	ck_assert_int_eq(vote_register(&users[0], "qdtest"), 0);
	service_user_close(&users[0]);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 2, device 1 ''");
	info_is(2, "2 of 3, need 2, flags 2, device 1 ''");
	users[0] = service_user_create(&ring, 1, 10);
	register_device(1, "other");
}
END_TEST

START_TEST(no_room_for_a_registration)
{
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(vote_register(&users[0], "qdtest"), 6);
	host(1)->ring_send_rc = 0;
	register_device(1, "qdtest");
}
END_TEST

START_TEST(newcomers_learn_the_name)
{
	register_device(1, "qdtest");
	service_user_close(&users[1]);
	service_ring_kill(&ring, 2);
	service_ring_form(&ring, "1");
	service_ring_start(&ring, 2);
	users[1] = service_user_create(&ring, 2, 12);
	info_is(2, "1 of 2, need 2, flags 0, device 1 ''");
	service_ring_form(&ring, "1 2");
	info_is(2, "2 of 3, need 2, flags 2, device 1 'qdtest'");
	ck_assert_int_eq(vote_register(&users[1], "other"), 0);
	service_ring_run(&ring);
	ck_assert_int_eq(users[1].client->replies.list[0].error, 14);
}
END_TEST

START_TEST(the_name_goes_with_the_last_node)
{
	register_device(1, "qdtest");
	register_device(2, "qdtest");
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 1);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 2, device 1 'qdtest'");
	ck_assert_int_eq(vote_unregister(&users[1], "qdtest"), 1);
	service_ring_run(&ring);
	info_is(1, "2 of 3, need 2, flags 2, device 1 ''");
}
END_TEST

START_TEST(errors_have_their_order)
{
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 12);
	ck_assert_int_eq(vote_update(&users[0], "qdtest", "x"), 12);
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 77), 12);
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 1), 12);
	register_device(1, "qdtest");
	ck_assert_int_eq(vote_unregister(&users[0], "other"), 7);
	ck_assert_int_eq(vote_update(&users[0], "other", "x"), 7);
	ck_assert_int_eq(vote_master_wins(&users[0], "other", 1), 7);
	ck_assert_int_eq(vote_poll(&users[0], "other", 1, 77), 22);
	ck_assert_int_eq(vote_register(&users[0], ""), 7);
	ck_assert_int_eq(vote_update(&users[0], "qdtest", ""), 7);
	vote_set_key(host(1), "quorum.two_node", "1"); /* no effect: a registered device turns two_node off */
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 0), 1);
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 1);
	vote_set_key(host(1), "quorum.votes", "1");
	ck_assert_int_eq(vote_register(&users[0], "qdtest"), 11);
	ck_assert_int_eq(vote_poll(&users[0], "qdtest", 1, 0), 11);
	ck_assert_int_eq(vote_master_wins(&users[0], "qdtest", 1), 11);
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 12);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.votequorum.qdevice_can_operate"), 0);
}
END_TEST

/* ---- Hostile ------------------------------------------------------------- */

START_TEST(names_without_an_end_are_refused)
{
	struct votequorum_req_qdevice plain = {.pad = 0};
	struct votequorum_req_qdevice_update update = {.old_name = "qdtest"};
	struct votequorum_req_qdevice_poll poll_it = {.ring_id = {.nodeid = 1, .seq = 4}};
	struct votequorum_req_qdevice_master_wins master = {.allow = 1};

	memset(plain.name, 'x', sizeof(plain.name));
	memset(update.new_name, 'x', sizeof(update.new_name));
	memset(poll_it.name, 'x', sizeof(poll_it.name));
	memset(master.name, 'x', sizeof(master.name));
	ck_assert_int_eq(service_user_request(&users[0], 5, &plain, sizeof(plain)), 7);
	register_device(1, "qdtest");
	ck_assert_int_eq(service_user_request(&users[0], 5, &plain, sizeof(plain)), 7);
	ck_assert_int_eq(service_user_request(&users[0], 6, &plain, sizeof(plain)), 7);
	ck_assert_int_eq(service_user_request(&users[0], 7, &update, sizeof(update)), 7);
	ck_assert_int_eq(service_user_request(&users[0], 8, &poll_it, sizeof(poll_it)), 7);
	ck_assert_int_eq(service_user_request(&users[0], 9, &master, sizeof(master)), 7);
}
END_TEST

static void deliver(uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message sent = {.id = function, .size = size - 16};

	sent.data = (uint8_t *)(uintptr_t)message + 16;
	mock_deliver(ring.ops, ring.nodes[1].self, from, false, &sent);
}

START_TEST(messages_with_bad_names_are_dropped)
{
	struct votequorum_ring_qdevice_reg reg = {.operation = 1};
	struct votequorum_ring_qdevice_reconfigure rename = {.old_name = "qdtest"};

	memset(reg.name, 'x', sizeof(reg.name));
	memset(rename.new_name, 'x', sizeof(rename.new_name));
	deliver(2, VOTEQUORUM_RING_QDEVICE_REG, &reg, sizeof(reg));
	reg.name[0] = '\0';
	deliver(2, VOTEQUORUM_RING_QDEVICE_REG, &reg, sizeof(reg));
	info_is(1, "2 of 3, need 2, flags 2, device 1 ''");
	register_device(1, "qdtest");
	deliver(2, VOTEQUORUM_RING_QDEVICE_RECONFIGURE, &rename, sizeof(rename));
	info_is(1, "2 of 3, need 2, flags 42, device 1 'qdtest'");
	reg = (struct votequorum_ring_qdevice_reg){.operation = 5, .name = "other"};
	deliver(2, VOTEQUORUM_RING_QDEVICE_REG, &reg, sizeof(reg));
	info_is(1, "2 of 3, need 2, flags 42, device 1 'qdtest'");
}
END_TEST

/*
 * A registration in this node's name without a request: from a daemon with the same node id, or sent before this daemon
 * restarted.
 */
START_TEST(an_own_message_without_a_request_registers_nothing)
{
	struct votequorum_ring_qdevice_reg reg = {.operation = 1, .name = "qdtest"};

	deliver(1, VOTEQUORUM_RING_QDEVICE_REG, &reg, sizeof(reg));
	info_is(1, "2 of 3, need 2, flags 2, device 1 ''");
	ck_assert_int_eq(vote_register(&users[0], "mine"), 0);
	deliver(1, VOTEQUORUM_RING_QDEVICE_REG, &reg, sizeof(reg)); /* the message has another name than the request */
	ck_assert_uint_eq(users[0].client->replies.count, 0);
	service_ring_run(&ring);
	ck_assert_int_eq(users[0].client->replies.list[0].error, 1);
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{VOTEQUORUM_REQ_GETINFO, COTERIE_RIGHT_OBSERVE},
	{VOTEQUORUM_REQ_SETEXPECTED, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_SETVOTES, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_TRACKSTART, COTERIE_RIGHT_OBSERVE},
	{VOTEQUORUM_REQ_TRACKSTOP, COTERIE_RIGHT_OBSERVE},
	{VOTEQUORUM_REQ_QDEVICE_REGISTER, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_QDEVICE_UNREGISTER, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_QDEVICE_UPDATE, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_QDEVICE_POLL, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_QDEVICE_MASTER_WINS, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_SET_EXTRA, COTERIE_RIGHT_ADMINISTER},
	{VOTEQUORUM_REQ_GET_EXTRA, COTERIE_RIGHT_OBSERVE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&votequorum_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_device");
	TCase *tcase = tcase_create("device");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_session_is_that_of_a_real_ring);
	tcase_add_test(tcase, a_lost_node_is_outvoted);
	tcase_add_test(tcase, the_device_decides_a_split);
	tcase_add_test(tcase, a_half_shows_quorum_when_its_device_has_voted);
	tcase_add_test(tcase, a_silent_device_holds_nobody_for_ever);
	tcase_add_test(tcase, a_device_that_never_polled_holds_nobody);
	tcase_add_test(tcase, a_revived_device_votes_again);
	tcase_add_test(tcase, only_changes_are_told);
	tcase_add_test(tcase, the_master_wins);
	tcase_add_test(tcase, a_registration_goes_through_the_ring);
	tcase_add_test(tcase, a_second_name_is_refused_by_the_ring);
	tcase_add_test(tcase, two_registrations_cross);
	tcase_add_test(tcase, a_registration_whose_client_is_gone_is_taken_back);
	tcase_add_test(tcase, no_room_for_a_registration);
	tcase_add_test(tcase, newcomers_learn_the_name);
	tcase_add_test(tcase, the_name_goes_with_the_last_node);
	tcase_add_test(tcase, errors_have_their_order);
	tcase_add_test(tcase, names_without_an_end_are_refused);
	tcase_add_test(tcase, messages_with_bad_names_are_dropped);
	tcase_add_test(tcase, an_own_message_without_a_request_registers_nothing);
	tcase_add_test(tcase, each_request_needs_its_right);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
