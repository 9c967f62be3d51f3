/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration service: shutdowns by consent. */
#include "tests/unit/services/cfg/cfg_case.h"

#include <errno.h>

/* ---- Shutdown: book services, "cfg" --------------------------------------- */

START_TEST(nobody_else_tracks_and_the_daemon_stops)
{
	ck_assert_int_eq(track(0), COTERIE_REPLIED);
	mock_queue_clear(&users[0]->replies);
	ck_assert_int_eq(
		/* The client that requests the shutdown is not asked for its consent. */
		shut_down(0, CFG_SHUTDOWN_REQUEST), 0);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), OK);
	ck_assert_uint_eq(questions(0), 0);
	ck_assert_uint_eq(announced(), 1);
	ck_assert_uint_eq(host->sent.list[0].guarantee, COTERIE_SAFE);
	ck_assert_uint_eq(host->stops, 0); /* the daemon stops only after the announcement is delivered */
	deliver_all(2, false);
	ck_assert_uint_eq(host->stops, 1);
	ck_assert(mock_host_has_logged(host, "Node 2 was shut down by sysadmin"));
}
END_TEST

START_TEST(another_nodes_shutdown_is_only_logged)
{
	ck_assert_int_eq(shut_down(0, CFG_SHUTDOWN_IMMEDIATE), 0);
	deliver_all(3, false);
	ck_assert_uint_eq(host->stops, 0);
	ck_assert(mock_host_has_logged(host, "Node 3 was shut down by sysadmin"));
}
END_TEST

START_TEST(immediate_asks_nobody)
{
	track(1);
	ck_assert_int_eq(shut_down(0, CFG_SHUTDOWN_IMMEDIATE), 0);
	ck_assert_uint_eq(questions(1), 0);
	ck_assert_uint_eq(announced(), 1);
}
END_TEST

/* Users 1 and 2 are asked for their consent. Each row has their answers. */
static const struct {
	const char *name;
	uint32_t flags;
	const char *answers; /* "1y 2n": users and their answers, in this order */
	int32_t want;        /* 0: not decided */
} votes[] = {
	{"all agree", CFG_SHUTDOWN_REQUEST, "1y 2y", OK},
	{"one objects", CFG_SHUTDOWN_REQUEST, "1n 2y", BUSY},
	{"one objects, regardless", CFG_SHUTDOWN_REGARDLESS, "1n 2n", OK},
	{"any other number is a request", 77, "1y 2n", BUSY},
	{"not all have answered", CFG_SHUTDOWN_REQUEST, "1y", 0},
	{"an objection waits for the others", CFG_SHUTDOWN_REQUEST, "1n", 0},
	{"one who answers twice is one", CFG_SHUTDOWN_REQUEST, "1y 1y", 0},
	{"the last answer counts", CFG_SHUTDOWN_REQUEST, "1n 1y 2y", OK},
	{"who is gone does not object", CFG_SHUTDOWN_REQUEST, "1y 2x", OK},
	{"his answer goes with him", CFG_SHUTDOWN_REQUEST, "1n 1x 2y", OK},
	{"who stops tracking does not object", CFG_SHUTDOWN_REQUEST, "1s 2y", OK},
	{"nobody is left", CFG_SHUTDOWN_REQUEST, "1s 2x", OK},
	{"one who does not track has no vote", CFG_SHUTDOWN_REQUEST, "1y 3y", 0},
	{"nor has the asker", CFG_SHUTDOWN_REQUEST, "1y 0y", 0},
	{"a newcomer is asked too", CFG_SHUTDOWN_REQUEST, "3t 1y 2y", 0},
	{"and decides with the others", CFG_SHUTDOWN_REQUEST, "3t 1y 2y 3n", BUSY},
};

START_TEST(votes_are_counted)
{
	const char *at = votes[_i].answers;

	track(1);
	track(2);
	ck_assert_int_eq(shut_down(0, votes[_i].flags), COTERIE_LATER);
	ck_assert_uint_eq(questions(1), 1);
	ck_assert_uint_eq(questions(2), 1);
	ck_assert_uint_eq(questions(0), 0);
	ck_assert_mem_eq(users[1]->events.list[0].data, &votes[_i].flags, 4);
	for (; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
		uint32_t i = (uint32_t)(at[0] - '0');

		if (at[1] == 'x')
			leave(i);
		else if (at[1] == 's')
			ck_assert_int_eq(ask(i, CFG_REQ_TRACKSTOP), 0);
		else if (at[1] == 't')
			track(i);
		else
			answer(i, at[1] == 'y');
	}
	for (uint32_t i = 0; i < users[0]->replies.count; i++)
		if (users[0]->replies.list[i].id == CFG_RES_TRY_SHUTDOWN)
			ck_assert_msg(users[0]->replies.list[i].error == votes[_i].want, "%s: answered %d",
				votes[_i].name, users[0]->replies.list[i].error);
	ck_assert_msg(has_answer(0) || votes[_i].want == 0, "%s: no answer", votes[_i].name);
	ck_assert_msg(announced() == (votes[_i].want == OK), "%s: announced", votes[_i].name);
	ck_assert_msg(mock_host_timers(host) == (votes[_i].want == 0), "%s: timer", votes[_i].name);
}
END_TEST

START_TEST(newcomers_are_asked_at_once)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REGARDLESS);
	ck_assert_int_eq(track(3), COTERIE_REPLIED);
	ck_assert_int_eq(error_of(3, CFG_RES_TRACKSTART), OK);
	ck_assert_uint_eq(questions(3), 1);
	ck_assert_uint_eq(questions(1), 1); /* the first client is asked only once */
	track(3);
	ck_assert_uint_eq(questions(3), 1);
}
END_TEST

START_TEST(silence_is_no_after_a_while)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	mock_host_advance(host, 5 * SECOND - 1);
	ck_assert(!has_answer(0));
	mock_host_advance(host, 1);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), BUSY);
	ck_assert_uint_eq(announced(), 0);
	ck_assert_uint_eq(questions(1), 1); /* clients do not get the result of the vote */
	ck_assert_int_eq(answer(1, 1), -EACCES);
	/* The next vote starts over. */
	ck_assert_int_eq(shut_down(0, CFG_SHUTDOWN_REQUEST), COTERIE_LATER);
	ck_assert_uint_eq(questions(1), 2);
}
END_TEST

START_TEST(silence_does_not_hinder_regardless)
{
	uint32_t ms = 100;

	host->table.map_set(host, "cfg.shutdown_timeout", COTERIE_MAP_U32, &ms, sizeof(ms));
	track(1);
	shut_down(0, CFG_SHUTDOWN_REGARDLESS);
	mock_host_advance(host, SECOND / 10);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), OK);
	ck_assert_uint_eq(announced(), 1);
}
END_TEST

START_TEST(a_timeout_of_another_type_is_not_taken)
{
	uint64_t ms = 1;

	host->table.map_set(host, "cfg.shutdown_timeout", COTERIE_MAP_U64, &ms, sizeof(ms));
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	mock_host_advance(host, SECOND);
	ck_assert(!has_answer(0));
}
END_TEST

START_TEST(one_vote_at_a_time)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	ck_assert_int_eq(shut_down(2, CFG_SHUTDOWN_REQUEST), -EEXIST);
	ck_assert_int_eq(shut_down(1, CFG_SHUTDOWN_REGARDLESS), -EEXIST);
	ck_assert_int_eq(shut_down(2, CFG_SHUTDOWN_IMMEDIATE), 0);
}
END_TEST

START_TEST(without_its_asker_a_vote_is_void)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	leave(0);
	ck_assert_uint_eq(mock_host_timers(host), 0);
	ck_assert_int_eq(answer(1, 1), -EACCES);
	ck_assert_uint_eq(announced(), 0);
	ck_assert_int_eq(shut_down(2, CFG_SHUTDOWN_REQUEST), COTERIE_LATER);
	ck_assert_uint_eq(questions(1), 2);
}
END_TEST

START_TEST(a_tracking_asker_that_leaves_decides_nothing)
{
	track(0);
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	leave(0);
	ck_assert_uint_eq(announced(), 0);
}
END_TEST

START_TEST(a_tracking_asker_is_not_asked)
{
	track(0);
	track(1);
	ck_assert_int_eq(shut_down(0, CFG_SHUTDOWN_REQUEST), COTERIE_LATER);
	ck_assert_uint_eq(questions(0), 0);
	ck_assert_int_eq(answer(0, 0), -EACCES);
	ck_assert_int_eq(answer(2, 0), -EACCES); /* a client that does not track shutdowns has no vote */
	ck_assert_int_eq(answer(1, 1), 0);
	ck_assert_uint_eq(announced(), 1);
}
END_TEST

START_TEST(each_vote_begins_anew)
{
	track(1);
	track(2);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	answer(1, 1);
	mock_host_advance(host, 5 * SECOND);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), BUSY);
	shut_down(3, CFG_SHUTDOWN_REQUEST);
	answer(2, 1);
	ck_assert(!has_answer(3)); /* the answer of user 1 belonged to the vote before */
	answer(1, 0);
	ck_assert_int_eq(error_of(3, CFG_RES_TRY_SHUTDOWN), BUSY);
}
END_TEST

START_TEST(what_is_decided_is_told_when_there_is_room)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	host->ring_send_rc = -EAGAIN;
	answer(1, 1);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), OK);
	mock_host_advance(host, SECOND);
	ck_assert_uint_eq(announced(), 0);
	host->ring_send_rc = 0;
	mock_host_advance(host, SECOND);
	ck_assert_uint_eq(announced(), 1);
	mock_host_advance(host, SECOND);
	ck_assert_uint_eq(announced(), 1);
}
END_TEST

/* A client whose events cannot be sent is disconnected at once, inside the call that asks it. */
static void vanish(struct coterie_client *client)
{
	for (uint32_t i = 0; i < USERS; i++)
		if (users[i] == client)
			leave(i);
}

static int vanishing_event(struct coterie_client *client, uint32_t id, const struct iovec *iov, uint32_t count)
{
	(void)id, (void)iov, (void)count;
	vanish(client);
	return -ENOTCONN;
}

START_TEST(trackers_that_vanish_when_asked)
{
	track(1);
	track(2);
	track(3);
	host->table.event = vanishing_event;
	ck_assert_int_eq(shut_down(0, CFG_SHUTDOWN_REQUEST), COTERIE_LATER);
	ck_assert_ptr_null(users[1]);
	ck_assert_ptr_null(users[2]);
	ck_assert_ptr_null(users[3]);
	ck_assert_int_eq(error_of(0, CFG_RES_TRY_SHUTDOWN), OK);
	ck_assert_uint_eq(announced(), 1);
}
END_TEST

START_TEST(without_a_vote_there_is_no_answer)
{
	track(1);
	ck_assert_int_eq(answer(1, 1), -EACCES); /* no vote is running */
	ck_assert_int_eq(ask(1, CFG_REQ_TRACKSTOP), 0);
	ck_assert_int_eq(ask(1, CFG_REQ_TRACKSTOP), 0);
	ck_assert_int_eq(error_of(1, CFG_RES_TRACKSTOP), OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_shutdown");
	TCase *tcase = cfg_case_add(suite);

	tcase_add_test(tcase, nobody_else_tracks_and_the_daemon_stops);
	tcase_add_test(tcase, another_nodes_shutdown_is_only_logged);
	tcase_add_test(tcase, immediate_asks_nobody);
	tcase_add_loop_test(tcase, votes_are_counted, 0, sizeof(votes) / sizeof(votes[0]));
	tcase_add_test(tcase, newcomers_are_asked_at_once);
	tcase_add_test(tcase, silence_is_no_after_a_while);
	tcase_add_test(tcase, silence_does_not_hinder_regardless);
	tcase_add_test(tcase, a_timeout_of_another_type_is_not_taken);
	tcase_add_test(tcase, one_vote_at_a_time);
	tcase_add_test(tcase, without_its_asker_a_vote_is_void);
	tcase_add_test(tcase, a_tracking_asker_that_leaves_decides_nothing);
	tcase_add_test(tcase, a_tracking_asker_is_not_asked);
	tcase_add_test(tcase, each_vote_begins_anew);
	tcase_add_test(tcase, what_is_decided_is_told_when_there_is_room);
	tcase_add_test(tcase, trackers_that_vanish_when_asked);
	tcase_add_test(tcase, without_a_vote_there_is_no_answer);
	return suite_run(suite);
}
