/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of the ring: their state as the engine gets it, and the frame size and capacity that they allow. */
#include <check.h>
#include <netinet/in.h>

#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

/* ---- State ---------------------------------------------------------------- */

START_TEST(links_that_there_are) { expect("+1/0 +1/3 +2/0 +2/3 up0 up3 "); }
END_TEST

START_TEST(the_first_link_up_and_the_last_one_down)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 3, true, "");
	expect("UP ");
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 3, false, "");
	expect("");
	ring_link_state(seen.ring, 0, false, "");
	expect("DOWN ");
	ring_link_state(seen.ring, 0, true, "");
	expect("UP ");
}
END_TEST

/* If the only link is reported up again, the engine gets that as well: the sockets may be new ones. */
START_TEST(a_single_link_that_is_told_again)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, false, "");
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 0, true, "");
	expect("DOWN UP UP ");
}
END_TEST

START_TEST(a_link_that_is_closed)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 3, true, "");
	expect("UP ");
	ring_link_gone(seen.ring, 0);
	expect("");
	ring_link_gone(seen.ring, 0);
	expect("");
	ring_link_gone(seen.ring, 3);
	expect("DOWN ");
	ring_link_gone(seen.ring, 3);
	expect("");
}
END_TEST

START_TEST(a_link_that_cannot_be)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, COTERIE_LINKS_MAX, true, "");
	ring_link_state(seen.ring, UINT32_MAX, true, "");
	ring_link_gone(seen.ring, COTERIE_LINKS_MAX);
	expect("");
}
END_TEST

static uint32_t say_witness(void *self, uint32_t nodeid, uint32_t is_first)
{
	(void)self;
	tell_story("witness:%u:%u ", nodeid, is_first);
	return seen.witness;
}

/* A transport without a witness function, or an invalid result of that function, counts as unknown. */
START_TEST(a_witness_is_asked_of_the_transport)
{
	static const struct {
		uint32_t says;
		enum totem_witness want;
	} rows[] = {
		{COTERIE_WITNESS_UNKNOWN, TOTEM_WITNESS_UNKNOWN},
		{COTERIE_WITNESS_ANSWERS, TOTEM_WITNESS_ANSWERS},
		{COTERIE_WITNESS_SILENT, TOTEM_WITNESS_SILENT},
		{COTERIE_WITNESS_SILENT + 1, TOTEM_WITNESS_UNKNOWN},
	};

	ck_assert_int_eq(seen.callbacks.witness(seen.arg, 3, true), TOTEM_WITNESS_UNKNOWN);
	transport.transport.witness = say_witness;
	seen.story[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seen.witness = rows[i].says;
		ck_assert_int_eq(seen.callbacks.witness(seen.arg, 3, i == 0), rows[i].want);
	}
	expect("witness:3:1 witness:3:0 witness:3:0 witness:3:0 ");
}
END_TEST

/* ---- Sizes ---------------------------------------------------------------- */

static uint32_t capacity(void *self, uint32_t frame_size)
{
	(void)self;
	return frame_size == 1500 ? 184 : 0;
}

/*
 * The ring asks the transport for its capacity each time the first link comes up. The sockets are open then, and may be
 * new ones.
 */
START_TEST(what_arrivals_have_room_for)
{
	transport.transport.capacity = capacity;
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 0, false, "");
	expect("capacity:184 UP DOWN ");
}
END_TEST

START_TEST(frames_leave_room_for_the_longer_header)
{
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&nodes[0].addresses[3];

	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
	ring_case_tear_down();
	transport.transport.header_size = 28;
	transport.transport.peer_add = NULL; /* no node is listed, so the ring adds no peer */
	address->sin6_family = AF_INET6;
	config.node_count = 0;
	ring_case_start();
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 28 - 20);
}
END_TEST

static uint32_t overhead_now;

static uint32_t overhead(void *self)
{
	(void)self;
	return overhead_now;
}

START_TEST(frames_leave_room_for_what_a_reload_adds)
{
	transport.transport.overhead = overhead;
	overhead_now = 48;
	ck_assert_int_eq(ring_reconfigure(seen.ring, &config.totem), 0);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 48);
	ring_resize_frames(seen.ring);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 48);
	overhead_now = 0;
	ring_resize_frames(seen.ring);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
	ck_assert_int_eq(ring_reconfigure(seen.ring, &config.totem), 0);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("links");

	tcase_add_checked_fixture(tcase, ring_case_set_up, ring_case_tear_down);
	tcase_add_test(tcase, links_that_there_are);
	tcase_add_test(tcase, the_first_link_up_and_the_last_one_down);
	tcase_add_test(tcase, a_single_link_that_is_told_again);
	tcase_add_test(tcase, what_arrivals_have_room_for);
	tcase_add_test(tcase, a_link_that_is_closed);
	tcase_add_test(tcase, a_link_that_cannot_be);
	tcase_add_test(tcase, frames_leave_room_for_the_longer_header);
	tcase_add_test(tcase, frames_leave_room_for_what_a_reload_adds);
	tcase_add_test(tcase, a_witness_is_asked_of_the_transport);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
