/* SPDX-License-Identifier: BSD-3-Clause */
/* The quorum service: events for clients of both models, and their order. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/quorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_rights.h"
#include "tests/unit/service_ring.h"

extern const struct coterie_plugin quorum_LTX_coterie_plugin;

static struct service_ring ring;
static struct service_user old_one, new_one; /* clients on node 1, with model 0 and model 1 */

static void set_up(void)
{
	service_ring_init(&ring, &quorum_LTX_coterie_plugin);
	for (uint32_t i = 1; i <= 4; i++)
		service_ring_start(&ring, i);
	service_ring_form(&ring, "1 2 3 4");
}

static void tear_down(void)
{
	service_user_close(&old_one);
	service_user_close(&new_one);
	service_ring_fini(&ring);
}

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

/* ---- Requests ------------------------------------------------------------ */

/* Send a plain request. @return the number in its answer */
static uint32_t ask(struct service_user *user, int32_t id, uint32_t response_id)
{
	struct quorum_req_plain req;
	uint32_t value;

	ck_assert_int_eq(service_user_request(user, id, &req, sizeof(req)), 1);
	ck_assert_uint_eq(user->client->replies.list[0].id, response_id);
	ck_assert_uint_eq(user->client->replies.list[0].size, 8);
	memcpy(&value, user->client->replies.list[0].data, sizeof(value));
	return value;
}

static int32_t model(struct service_user *user, uint32_t number)
{
	struct quorum_req_model_gettype req = {.model = number};

	return service_user_request(user, QUORUM_REQ_MODEL_GETTYPE, &req, sizeof(req));
}

static int32_t track(struct service_user *user, uint32_t flags)
{
	struct quorum_req_trackstart req = {.track_flags = flags};

	return service_user_request(user, QUORUM_REQ_TRACKSTART, &req, sizeof(req));
}

static int32_t track_stop(struct service_user *user)
{
	struct quorum_req_plain req;

	return service_user_request(user, QUORUM_REQ_TRACKSTOP, &req, sizeof(req));
}

static void connect_both(uint32_t flags)
{
	old_one = service_user_create(&ring, 1, 1);
	new_one = service_user_create(&ring, 1, 2);
	ck_assert_int_eq(model(&new_one, QUORUM_WIRE_MODEL_V1), 1);
	if (flags == 0)
		return;
	ck_assert_int_eq(track(&old_one, flags), 1);
	ck_assert_int_eq(track(&new_one, flags), 1);
}

/* ---- Events in words ----------------------------------------------------- */

static char *write_list(char *at, const char *word, const uint32_t *list, uint32_t count)
{
	at += sprintf(at, " %s[", word);
	for (uint32_t i = 0; i < count; i++)
		at += sprintf(at, "%s%u", i == 0 ? "" : " ", list[i]);
	return at + sprintf(at, "]");
}

/* Write an event as text. size includes the header of 24 bytes with which the event begins. */
static void write_event(char *at, uint32_t id, const void *event, uint32_t size)
{
	const struct quorum_event_notification *old = event;
	const struct quorum_event_v1_quorum *verdict = event;
	const struct quorum_event_v1_nodelist *nodes = event;
	uint32_t tail;

	memcpy(&tail, (const uint8_t *)event + size - sizeof(tail), sizeof(tail));
	ck_assert_uint_eq(tail, 0); /* the size of an event includes padding behind the lists, which must be zero */
	switch (id) {
	case QUORUM_EVENT_NOTIFICATION:
		ck_assert_uint_eq(size, sizeof(*old) + 4 * old->view_count);
		at += sprintf(at, "v0 %d %jx", old->quorate, (uintmax_t)old->ring_seq);
		write_list(at, "", old->view, old->view_count);
		return;
	case QUORUM_EVENT_V1_QUORUM:
		ck_assert_uint_eq(size, sizeof(*verdict) + 4 * verdict->view_count);
		at += sprintf(
			at, "v1 %d %u.%jx", verdict->quorate, verdict->ring_id.nodeid, (uintmax_t)verdict->ring_id.seq);
		write_list(at, "", verdict->view, verdict->view_count);
		return;
	case QUORUM_EVENT_V1_NODELIST:
		ck_assert_uint_eq(
			size, sizeof(*nodes) + 4 * (nodes->member_count + nodes->joined_count + nodes->left_count));
		at += sprintf(at, "nodes %u.%jx", nodes->ring_id.nodeid, (uintmax_t)nodes->ring_id.seq);
		at = write_list(at, "", nodes->lists, nodes->member_count);
		at = write_list(at, "joined ", nodes->lists + nodes->member_count, nodes->joined_count);
		write_list(at, "left ", nodes->lists + nodes->member_count + nodes->joined_count, nodes->left_count);
		return;
	default:
		ck_abort_msg("event %u", id);
	}
}

/* Return the user's next event as text. "": there is none. */
static const char *next_event(struct service_user *user)
{
	static char text[4096];

	return service_user_event(user, text, write_event);
}

static void expect(struct service_user *user, const char *event) { ck_assert_str_eq(next_event(user), event); }

/* Act as the provider at the end of its turn. */
static void decide(uint32_t nodeid, bool is_quorate, const uint32_t *members, uint32_t count)
{
	const struct coterie_ring_id id = {
		.representative = ring.nodes[nodeid].ring_rep, .seq = ring.nodes[nodeid].ring_seq};

	mock_quorum(host(nodeid), is_quorate, &id, members, count, "votequorum");
}

static const uint32_t all[] = {1, 2, 3, 4};

/* ---- Verdicts ------------------------------------------------------------ */

START_TEST(a_verdict_is_the_executives)
{
	connect_both(0);
	host(1)->is_quorate = true;
	ck_assert_uint_eq(ask(&old_one, QUORUM_REQ_GETQUORATE, QUORUM_RES_GETQUORATE), 1);
	ck_assert_uint_eq(ask(&old_one, QUORUM_REQ_GETTYPE, QUORUM_RES_GETTYPE), 0);
	decide(1, false, all, 4);
	ck_assert_uint_eq(ask(&old_one, QUORUM_REQ_GETQUORATE, QUORUM_RES_GETQUORATE), 0);
	ck_assert_uint_eq(ask(&old_one, QUORUM_REQ_GETTYPE, QUORUM_RES_GETTYPE), 1);
	decide(1, true, all, 4);
	ck_assert_uint_eq(ask(&new_one, QUORUM_REQ_GETQUORATE, QUORUM_RES_GETQUORATE), 1);
	expect(&new_one, "");
}
END_TEST

START_TEST(every_verdict_is_told)
{
	connect_both(4);
	for (uint32_t i = 0; i < 2; i++) { /* a second time with no change */
		decide(1, true, all, 4);
		expect(&old_one, "v0 1 4 [1 2 3 4]");
		expect(&new_one, "v1 1 1.4 [1 2 3 4]");
	}
	ck_assert_int_eq(track_stop(&old_one), 1);
	decide(1, false, all, 2);
	expect(&old_one, "");
	expect(&new_one, "v1 0 1.4 [1 2]");
}
END_TEST

START_TEST(without_a_provider_there_is_an_empty_view)
{
	mock_quorum(host(1), true, NULL, NULL, 0, NULL);
	connect_both(1);
	expect(&old_one, "v0 1 0 []");
	expect(&new_one, "nodes 1.4 [1 2 3 4] joined [] left []");
	expect(&new_one, "v1 1 0.0 []");
}
END_TEST

/* ---- Tracking ------------------------------------------------------------ */

static const struct {
	uint32_t flags;
	bool has_now, has_later;
} trackings[] = {{0, false, false}, {1, true, false}, {2, true, true}, {3, true, true}, {4, false, true},
	{5, true, true}, {6, true, true}, {8, false, false}, {~0u, true, true}};

START_TEST(tracking_starts_and_stops)
{
	connect_both(0);
	decide(1, true, all, 4);
	for (int i = 0; i < 2; i++) {
		/* A second request for tracking is refused, and the client's events stay the same. */
		bool is_second = i == 1 && trackings[_i].has_later;

		ck_assert_int_eq(track(&new_one, trackings[_i].flags), is_second ? 14 : 1);
		if (trackings[_i].has_now) {
			expect(&new_one, "nodes 1.4 [1 2 3 4] joined [] left []");
			expect(&new_one, "v1 1 1.4 [1 2 3 4]");
		}
		expect(&new_one, "");
	}
	decide(1, false, all, 4);
	expect(&new_one, trackings[_i].has_later ? "v1 0 1.4 [1 2 3 4]" : "");
	ck_assert_int_eq(track_stop(&new_one), 1);
	ck_assert_int_eq(track_stop(&new_one), 1);
	decide(1, false, all, 4);
	expect(&new_one, "");
}
END_TEST

START_TEST(models)
{
	static const uint32_t wrong[] = {2, 3, 255, 0x80000001u, UINT32_MAX};

	connect_both(0);
	ck_assert_uint_eq(new_one.client->replies.list[0].id, QUORUM_RES_MODEL_GETTYPE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(model(&new_one, wrong[i]), 7);
	decide(1, true, all, 4);
	ck_assert_int_eq(track(&new_one, 1), 1); /* the client still has its model */
	expect(&new_one, "nodes 1.4 [1 2 3 4] joined [] left []");
	expect(&new_one, "v1 1 1.4 [1 2 3 4]");
	ck_assert_int_eq(model(&new_one, QUORUM_WIRE_MODEL_V0), 1);
	ck_assert_int_eq(track(&new_one, 1), 1);
	expect(&new_one, "v0 1 4 [1 2 3 4]");
}
END_TEST

/* ---- Rings: the lines of a real one (svc-callbacks.txt) ------------------ */

START_TEST(a_partition_and_a_merge)
{
	connect_both(4);
	service_ring_form(&ring, "1 2 | 3 4");
	expect(&new_one, "nodes 1.8 [1 2] joined [] left [3 4]");
	expect(&old_one, "");
	decide(1, false, all, 2);
	expect(&new_one, "v1 0 1.8 [1 2]");
	service_ring_form(&ring, "1 2 3 4");
	expect(&new_one, "nodes 1.10 [1 2 3 4] joined [3 4] left []");
	decide(1, true, all, 4);
	expect(&new_one, "v1 1 1.10 [1 2 3 4]");
	service_ring_form(&ring, "1 2 3 4");
	expect(&new_one, "nodes 1.14 [1 2 3 4] joined [] left []");
	expect(&new_one, "");
}
END_TEST

/* Another node has loaded the service, so the members of the present ring synchronise again. */
START_TEST(clients_get_no_event_for_the_same_ring)
{
	connect_both(4);
	ring.seq -= 4; /* the ring that is formed next is the present one */
	service_ring_form(&ring, "1 2 3 4");
	expect(&new_one, "");
	service_ring_form(&ring, "1 2 | 3 4");
	expect(&new_one, "nodes 1.8 [1 2] joined [] left [3 4]");
}
END_TEST

/* Node 3 was in this ring, restarted in a ring of its own, and is here again: it has left and joined. */
START_TEST(a_node_that_came_from_another_ring_left_and_joined)
{
	connect_both(4);
	service_ring_kill(&ring, 3);
	service_ring_start(&ring, 3);
	service_ring_form(&ring, "1 2 3 4");
	expect(&new_one, "nodes 1.8 [1 2 3 4] joined [3] left [3]");
	ck_assert(mock_host_has_logged(host(1), "Sync members[4]: 1 2 3 4"));
	ck_assert(mock_host_has_logged(host(1), "Sync joined[1]: 3"));
	ck_assert(mock_host_has_logged(host(1), "Sync left[1]: 3"));
}
END_TEST

/* The lists show changes since the last round of synchronisation that was completed. */
START_TEST(an_aborted_round_shows_nothing)
{
	connect_both(4);
	service_ring_form_start(&ring, "1 2 | 3 4");
	expect(&new_one, "");
	ck_assert_int_eq(track(&old_one, 1), 14);
	old_one.seen = old_one.client->events.count;
	service_ring_form(&ring, "1 2 3");
	/* Nodes 1 and 2 stayed together. Node 3 comes from a ring of its own. */
	expect(&new_one, "nodes 1.10 [1 2 3] joined [3] left [3 4]");
	expect(&new_one, "");
}
END_TEST

START_TEST(a_list_of_the_present_is_that_of_the_newest_ring)
{
	connect_both(0);
	decide(1, true, all, 4);
	service_ring_form_start(&ring, "1 2 | 3 4");
	ck_assert_int_eq(track(&new_one, 1), 1);
	expect(&new_one, "nodes 1.8 [1 2] joined [] left []");
	expect(&new_one, "v1 1 1.4 [1 2 3 4]");
	service_ring_form_done(&ring);
}
END_TEST

START_TEST(the_first_ring_has_joined_nodes)
{
	service_ring_start(&ring, 5);
	service_ring_form(&ring, "5");
	ck_assert(mock_host_has_logged(host(5), "Sync joined[1]: 5"));
	ck_assert(!mock_host_has_logged(host(5), "Sync left"));
}
END_TEST

START_TEST(long_lists_go_over_several_lines)
{
	uint32_t members[40];
	struct coterie_configuration regular = {.size = sizeof(regular),
		.is_regular = 1,
		.ring = {.representative = 1, .seq = 99},
		.members = members,
		.member_count = 40};

	for (uint32_t i = 0; i < 40; i++)
		members[i] = i + 1;
	mock_queue_clear(&host(1)->logs);
	ring.ops->sync_start(ring.nodes[1].self, members, 4, &regular);
	for (uint32_t i = 0; i < host(1)->logs.count; i++) {
		const struct mock_message *line = &host(1)->logs.list[i];

		ck_assert_uint_lt(line->size, 17 + 64 + 2);
		ck_assert_ptr_nonnull(strstr((const char *)line->data, "Sync "));
	}
	ck_assert(mock_host_has_logged(host(1), "\\"));
	ck_assert(mock_host_has_logged(host(1), " 40"));
}
END_TEST

START_TEST(short_requests_are_refused)
{
	uint8_t request[32];

	connect_both(0);
	for (int32_t id = -1; id <= 6; id++) {
		uint32_t least = id < 0 || id >= (int32_t)ring.ops->request_count ? sizeof(request)
										  : ring.ops->requests[id].size_min;

		for (uint32_t size = 16; size < least; size++) {
			memset(request, 'x', sizeof(request));
			ck_assert_int_eq(service_user_request(&new_one, id, request, size), 7);
		}
	}
}
END_TEST

START_TEST(clients_come_and_go)
{
	struct service_user users[5];

	for (size_t i = 0; i < 5; i++) {
		users[i] = service_user_create(&ring, 1, (uint32_t)i);
		ck_assert_int_eq(track(&users[i], 4), 1);
	}
	service_user_close(&users[2]);
	service_user_close(&users[4]);
	service_user_close(&users[0]);
	decide(1, true, all, 4);
	expect(&users[1], "v0 1 4 [1 2 3 4]");
	expect(&users[3], "v0 1 4 [1 2 3 4]");
	service_user_close(&users[1]);
	service_user_close(&users[3]);
	decide(1, true, all, 4);
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{QUORUM_REQ_GETQUORATE, COTERIE_RIGHT_OBSERVE},
	{QUORUM_REQ_TRACKSTART, COTERIE_RIGHT_OBSERVE},
	{QUORUM_REQ_TRACKSTOP, COTERIE_RIGHT_OBSERVE},
	{QUORUM_REQ_GETTYPE, COTERIE_RIGHT_OBSERVE},
	{QUORUM_REQ_MODEL_GETTYPE, COTERIE_RIGHT_OBSERVE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&quorum_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("quorum");
	TCase *tcase = tcase_create("clients");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_verdict_is_the_executives);
	tcase_add_test(tcase, every_verdict_is_told);
	tcase_add_test(tcase, without_a_provider_there_is_an_empty_view);
	tcase_add_loop_test(tcase, tracking_starts_and_stops, 0, (int)(sizeof(trackings) / sizeof(trackings[0])));
	tcase_add_test(tcase, models);
	tcase_add_test(tcase, a_partition_and_a_merge);
	tcase_add_test(tcase, clients_get_no_event_for_the_same_ring);
	tcase_add_test(tcase, a_node_that_came_from_another_ring_left_and_joined);
	tcase_add_test(tcase, an_aborted_round_shows_nothing);
	tcase_add_test(tcase, a_list_of_the_present_is_that_of_the_newest_ring);
	tcase_add_test(tcase, the_first_ring_has_joined_nodes);
	tcase_add_test(tcase, long_lists_go_over_several_lines);
	tcase_add_test(tcase, short_requests_are_refused);
	tcase_add_test(tcase, clients_come_and_go);
	tcase_add_test(tcase, each_request_needs_its_right);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
