/* A lone sender keeps the token: exec/totem/linger.c, in rings of three engines. */
#include <check.h>
#include <stdlib.h>

#include "exec/totem/wire.h"
#include "tests/suite.h"
#include "tests/unit/engine_net.h"

#define LINGER_MS 10u

static const struct totem_counters *counters_of(uint32_t id)
{
	return totem_engine_counters(node_of(id)->engine);
}

/* A ring of three that agrees on it, whose node 2 alone has sent something just now. */
static void start_lone(uint64_t features)
{
	options.capacity = 1000;
	options.features = features;
	options.linger_ns = LINGER_MS * MS;
	options.rotation_target_ns = 100 * MS;
	net->visit_frames_max = 4096;
	start_ring(3);
	for (int i = 0; i < 12; i++) {
		send_text(2, TOTEM_AGREED, "before");
		run_until_received((uint32_t)i + 1, 1000);
	}
	clear_logs();
}

static bool holds(uint32_t id)
{
	struct totem_probe probe;

	totem_engine_probe(node_of(id)->engine, &probe);
	return probe.is_held;
}

static void run_until_kept(void)
{
	for (int i = 0; i < 100000 && !holds(2); i++)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert(holds(2));
}

#define ALL_FEATURES (WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER)

/* What it sends meanwhile is there after one hop, and at itself at once. */
START_TEST(what_it_sends_goes_out_at_once)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t tokens = counters_of(2)->token_tx, began_ns = net->now_ns;

	for (uint32_t i = 0; i < 5; i++) {
		send_text(2, TOTEM_AGREED, "now");
		while (node_of(2)->received <= i)
			ck_assert(net_step(net, began_ns + LINGER_MS * MS / 2));
	}
	ck_assert_uint_eq(net->now_ns, began_ns); /* at itself */
	run_until_received(5, 2);
	ck_assert_uint_eq(counters_of(2)->token_tx, tokens);
	ck_assert_uint_ge(counters_of(2)->linger_tx, 5);
	ck_assert(holds(2));
}
END_TEST

/* It ends by itself, and begins again, and then the ring becomes idle. */
START_TEST(it_ends)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t tokens = counters_of(2)->token_tx;

	run_for(LINGER_MS + 1);
	ck_assert_uint_gt(counters_of(2)->token_tx, tokens);
	run_for(10 * LINGER_MS);
	ck_assert_uint_le(counters_of(2)->lingers, 20);
	ck_assert(holds(1)); /* the representative */
	tokens = counters_of(2)->lingers;
	run_for(1000);
	ck_assert_uint_eq(counters_of(2)->lingers, tokens);
	ck_assert_uint_eq(counters_of(2)->gather_entered, counters_of(1)->gather_entered);
}
END_TEST

/* Another has something to send: it says so, and has the token long before the time is over. */
START_TEST(others_get_it_when_they_need_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t began_ns = net->now_ns, cancels = counters_of(3)->hold_cancel_tx;

	send_text(3, TOTEM_AGREED, "mine");
	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, LINGER_MS * MS / 2);
	ck_assert_uint_eq(counters_of(3)->hold_cancel_tx, cancels + 1);
	/* With two senders nobody keeps it. */
	uint64_t lingers = counters_of(2)->lingers;

	for (uint32_t i = 0; i < 20; i++) {
		send_text(2 + i % 2, TOTEM_AGREED, "both");
		run_until_received(i + 2, 1000);
	}
	ck_assert_uint_eq(counters_of(2)->lingers + counters_of(3)->lingers, lingers);
}
END_TEST

/* A SAFE message is delivered after rotations; it is let go for them. */
START_TEST(safe_messages_do_not_wait_for_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t began_ns = net->now_ns;

	send_text(2, TOTEM_SAFE, "safe");
	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, LINGER_MS * MS / 2);
}
END_TEST

/* No more than the window, however much there is. */
START_TEST(the_window_bounds_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t sent = counters_of(2)->mcast_tx, tokens = counters_of(2)->token_tx;
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	while (counters_of(2)->token_tx == tokens)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_uint_gt(counters_of(2)->mcast_tx, sent);
	ck_assert_uint_le(counters_of(2)->mcast_tx - sent, 200);
	run_until_received(1000, 1000);
}
END_TEST

/* While the outside has more, a visit ends as ever: nobody would come to fetch it. */
START_TEST(not_while_more_waits_outside)
{
	start_lone(ALL_FEATURES);
	run_until_kept();
	node_of(2)->has_more = true;

	uint64_t lingers = counters_of(2)->lingers;

	for (uint32_t i = 0; i < 20; i++) {
		send_text(2, TOTEM_AGREED, "now");
		run_for(1);
	}
	ck_assert_uint_eq(counters_of(2)->lingers, lingers);
}
END_TEST

/* One who has not heard of it would not say that it needs the token. */
START_TEST(all_have_to_agree)
{
	start_lone(ALL_FEATURES & ~WIRE_FEATURE_LINGER);
	run_for(50);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(counters_of(id)->lingers, 0);
}
END_TEST

/* The others know why the token is late, and send it again only later; nor do they take this for its time. */
START_TEST(the_others_are_patient)
{
	start_lone(ALL_FEATURES);
	for (uint32_t i = 0; i < 30; i++) {
		send_text(2, TOTEM_AGREED, "now");
		run_for(LINGER_MS);
	}
	ck_assert_uint_ge(counters_of(2)->lingers, 20);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_le(counters_of(id)->token_retx, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linger");
	TCase *ring = tcase_create("ring");

	tcase_add_checked_fixture(ring, net_setup, net_teardown);
	tcase_add_test(ring, what_it_sends_goes_out_at_once);
	tcase_add_test(ring, it_ends);
	tcase_add_test(ring, others_get_it_when_they_need_it);
	tcase_add_test(ring, safe_messages_do_not_wait_for_it);
	tcase_add_test(ring, the_window_bounds_it);
	tcase_add_test(ring, not_while_more_waits_outside);
	tcase_add_test(ring, all_have_to_agree);
	tcase_add_test(ring, the_others_are_patient);
	suite_add_tcase(suite, ring);
	return suite_run(suite);
}
