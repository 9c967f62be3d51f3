/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/stats/histogram.c and exec/ring/ring_account.c: durations, and the causes of ring changes. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/ring/ring_account.h"
#include "exec/stats/stats.h"
#include "tests/suite.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define TIMES "stats.coterie.times."

static struct loop *loop;
static struct stats *stats;
static struct ring_account account;

static void set_up(void)
{
	memset(&account, 0, sizeof(account));
	loop = loop_create();
	stats = stats_create(loop);
	ck_assert_int_eq(ring_account_offer(&account, stats), 0);
}

static void tear_down(void)
{
	stats_destroy(stats);
	loop_destroy(loop);
}

static uint64_t number_of(const char *key)
{
	struct coterie_map_value value;
	uint64_t number = 0;

	ck_assert_msg(stats_read(stats, key, &value) == 0, "no %s", key);
	ck_assert_uint_eq(value.type, COTERIE_MAP_U64);
	memcpy(&number, value.bytes, value.size);
	return number;
}

static uint64_t count_of(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += histogram->counts[i];
	return count;
}

/* --- histograms --- */

static const struct {
	uint64_t took_ns;
	uint32_t bucket;
} durations[] = {
	{0, 0},
	{100 * US - 1, 0},
	{100 * US, 1},
	{200 * US - 1, 1},
	{200 * US, 2},
	{1 * MS, 4},
	{5000 * MS - 1, HISTOGRAM_BOUNDS - 1},
	{5000 * MS, HISTOGRAM_BOUNDS},
	{UINT64_MAX, HISTOGRAM_BOUNDS},
};

START_TEST(a_duration_has_one_bucket)
{
	struct histogram histogram = {.sum_ns = 0};

	histogram_note(&histogram, durations[_i].took_ns);
	ck_assert_uint_eq(histogram.counts[durations[_i].bucket], 1);
	ck_assert_uint_eq(count_of(&histogram), 1);
	ck_assert_uint_eq(histogram.sum_ns, durations[_i].took_ns);
	ck_assert_uint_eq(histogram.max_ns, durations[_i].took_ns);
}
END_TEST

/* Most durations are a few microseconds or less. So the sum must keep fractions of a microsecond. */
START_TEST(sums_are_exact)
{
	for (int i = 0; i < 1000; i++)
		histogram_note(&account.token_hold, 700);
	histogram_note(&account.token_hold, 3 * US);
	histogram_note(&account.token_hold, 2 * US);
	ck_assert_uint_eq(number_of(TIMES "token_hold.sum_us"), 705);
	ck_assert_uint_eq(number_of(TIMES "token_hold.max_us"), 3);
	ck_assert_uint_eq(number_of(TIMES "token_hold.00.count"), 1002);
}
END_TEST

START_TEST(the_map_has_bounds_and_counts)
{
	static const char *const names[] = {
		"delivery_agreed", "delivery_safe", "ring_formation", "token_hold", "token_rotation"};
	struct coterie_map_value value;
	char key[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(key, sizeof(key), TIMES "%s.00.below_us", names[i]);
		ck_assert_uint_eq(number_of(key), 100);
		snprintf(key, sizeof(key), TIMES "%s.14.below_us", names[i]);
		ck_assert_uint_eq(number_of(key), 5000000);
		snprintf(key, sizeof(key), TIMES "%s.15.count", names[i]);
		ck_assert_uint_eq(number_of(key), 0);
		snprintf(key, sizeof(key), TIMES "%s.15.below_us", names[i]);
		ck_assert_int_lt(stats_read(stats, key, &value), 0);
	}
}
END_TEST

/* --- tokens --- */

START_TEST(tokens_are_timed)
{
	ring_account_token(&account, 0, 50 * MS); /* no earlier token, so no time is counted */
	ring_account_token(&account, 10 * MS, 10 * MS);
	ring_account_token(&account, 10 * MS, 90 * MS); /* the same token a second time */
	ring_account_token(&account, 13 * MS, 13 * MS + 100 * US);
	ring_account_token(&account, 9013 * MS, 9014 * MS);
	ring_account_token(&account, 9000 * MS, 8000 * MS); /* ignored: the time is before that of the last token */
	ck_assert_uint_eq(account.token_hold.counts[0], 1);
	ck_assert_uint_eq(account.token_hold.counts[1], 1);
	ck_assert_uint_eq(account.token_hold.counts[4], 1);
	ck_assert_uint_eq(account.token_hold.sum_ns, 1100 * US);
	ck_assert_uint_eq(account.token_rotation.counts[5], 1);
	ck_assert_uint_eq(account.token_rotation.counts[HISTOGRAM_BOUNDS], 1);
	ck_assert_uint_eq(account.token_rotation.sum_ns, 9003 * MS);
}
END_TEST

/* --- rings --- */

static void gather(uint64_t now_ns, uint32_t cause)
{
	const struct totem_trace trace = {.kind = TOTEM_TRACE_STATE, .value = TOTEM_GATHER, .cause = cause};

	ring_account_trace(&account, now_ns, &trace);
}

static void lose_token(enum totem_state state)
{
	const struct totem_trace trace = {.kind = TOTEM_TRACE_TOKEN_LOST, .state = state};

	ring_account_trace(&account, 0, &trace);
}

static void install(uint64_t now_ns, uint32_t left_count, uint32_t joined_count)
{
	const struct totem_configuration transitional = {.left_count = left_count};
	const struct totem_configuration regular = {.is_regular = true, .joined_count = joined_count};

	ring_account_configuration(&account, now_ns, &transitional);
	ring_account_configuration(&account, now_ns, &regular);
}

static const struct {
	const char *key;
	uint32_t cause;
	bool is_lost;           /* the token was lost */
	enum totem_state state; /* state of the engine at that time */
	uint32_t left, joined;
} changes[] = {
	{"join", 12, false, TOTEM_OPERATIONAL, 0, 1}, {"join", 11, false, TOTEM_OPERATIONAL, 1, 1},
	{"leave", 12, false, TOTEM_OPERATIONAL, 1, 0}, {"leave", 2, false, TOTEM_OPERATIONAL, 2, 0}, /* found dead */
	{"leave", 12, true, TOTEM_COMMIT, 1, 0}, /* a lost commit token does not count as a lost token */
	{"merge", 7, false, TOTEM_OPERATIONAL, 0, 2}, {"merge", 10, false, TOTEM_OPERATIONAL, 0, 2},
	{"leave", 10, false, TOTEM_OPERATIONAL, 1, 0}, /* another ring was found, and then a token was lost */
	{"token_lost", 2, true, TOTEM_OPERATIONAL, 1, 0}, {"token_lost", 2, true, TOTEM_OPERATIONAL, 0, 0},
	{"token_lost", 12, false, TOTEM_OPERATIONAL, 0, 0}, /* another node has lost the token */
};

START_TEST(a_ring_has_a_reason)
{
	char key[80];

	gather(1 * MS, 15);
	install(2 * MS, 0, 3);
	ck_assert_uint_eq(number_of("stats.coterie.ring.changes.start"), 1);
	for (uint64_t round = 1; round <= 2; round++) {
		if (changes[_i].is_lost)
			lose_token(changes[_i].state);
		gather(10 * MS, changes[_i].cause);
		gather(11 * MS, 3);
		install(12 * MS, changes[_i].left, changes[_i].joined);
		snprintf(key, sizeof(key), "stats.coterie.ring.changes.%s", changes[_i].key);
		ck_assert_msg(number_of(key) == round, "%d: %s", _i, key);
		ck_assert_uint_eq(number_of("stats.coterie.ring.changes.start"), 1);
	}
}
END_TEST

START_TEST(a_ring_is_timed_from_the_end_of_the_last)
{
	gather(100 * MS, 15);
	gather(130 * MS, 0); /* a second attempt to form the ring */
	install(101 * MS + 500 * MS, 0, 1);
	ck_assert_uint_eq(count_of(&account.formation), 1);
	ck_assert_uint_eq(account.formation.max_ns, 501 * MS);
	gather(2000 * MS, 12);
	install(2003 * MS, 0, 1);
	ck_assert_uint_eq(account.formation.sum_ns, 504 * MS);
}
END_TEST

/* --- messages --- */

static bool deliver(uint64_t now_ns)
{
	bool is_timed = ring_account_delivered(&account);

	if (is_timed)
		ring_account_arrived(&account, now_ns);
	return is_timed;
}

START_TEST(one_message_at_a_time_is_timed)
{
	ring_account_sent(&account, 1 * MS, TOTEM_AGREED); /* the message is not timed, since there is no ring yet */
	ck_assert(!deliver(2 * MS));
	ring_account_synchronized(&account);
	ring_account_sent(&account, 10 * MS, TOTEM_AGREED);
	ring_account_sent(&account, 11 * MS, TOTEM_SAFE);
	ck_assert(deliver(13 * MS));
	ck_assert(!deliver(14 * MS));
	ring_account_sent(&account, 20 * MS, TOTEM_SAFE);
	ck_assert(deliver(27 * MS));
	ck_assert_uint_eq(account.delivery[TOTEM_AGREED].sum_ns, 3 * MS);
	ck_assert_uint_eq(account.delivery[TOTEM_SAFE].sum_ns, 7 * MS);
}
END_TEST

/* Messages of the synchronisation overtake messages that were queued before it. */
START_TEST(a_message_that_meets_a_new_ring_is_not_timed)
{
	ring_account_synchronized(&account);
	ring_account_sent(&account, 10 * MS, TOTEM_AGREED);
	install(11 * MS, 1, 0);
	ring_account_sent(&account, 12 * MS, TOTEM_AGREED);
	ck_assert(!deliver(13 * MS));
	ring_account_synchronized(&account);
	ring_account_sent(&account, 20 * MS, TOTEM_AGREED); /* sent after the message that is timed */
	ck_assert(!deliver(21 * MS));
	ck_assert(deliver(24 * MS));
	ck_assert_uint_eq(account.delivery[TOTEM_AGREED].sum_ns, 4 * MS);
	ck_assert_uint_eq(count_of(&account.delivery[TOTEM_AGREED]), 1);
}
END_TEST

START_TEST(forged_messages_do_not_end_it)
{
	ring_account_synchronized(&account);
	for (int i = 0; i < 10; i++)
		ck_assert(!deliver(1 * MS));
	ring_account_sent(&account, 10 * MS, TOTEM_AGREED);
	ck_assert(deliver(11 * MS));
}
END_TEST

START_TEST(lapses_of_the_lease_are_counted)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE, .value = 0};

	ring_account_trace(&account, 10 * MS, &trace);
	ck_assert_uint_eq(account.lapsed_ns, 10 * MS);
	ring_account_trace(&account, 20 * MS, &trace); /* a repeated trace event belongs to the same lapse */
	ck_assert_uint_eq(number_of("stats.coterie.lease.lapses"), 1);
	ck_assert_uint_eq(account.lapsed_ns, 10 * MS);
	trace.value = 1;
	ring_account_trace(&account, 30 * MS, &trace);
	ck_assert_uint_eq(account.lapsed_ns, 0);
	trace.value = 0;
	ring_account_trace(&account, 40 * MS, &trace);
	ck_assert_uint_eq(number_of("stats.coterie.lease.lapses"), 2);
	ck_assert_int_eq(stats_clear(stats, "totem"), 0);
	ck_assert_uint_eq(number_of("stats.coterie.lease.lapses"), 0);
	ck_assert_uint_eq(account.lapsed_ns, 40 * MS); /* the lapse goes on */
}
END_TEST

START_TEST(an_operator_clears)
{
	gather(1 * MS, 15);
	install(2 * MS, 0, 1);
	ring_account_token(&account, 10 * MS, 11 * MS);
	ck_assert_int_eq(stats_clear(stats, "totem"), 0);
	ck_assert_uint_eq(number_of("stats.coterie.ring.changes.start"), 0);
	ck_assert_uint_eq(number_of(TIMES "ring_formation.sum_us"), 0);
	ck_assert_uint_eq(number_of(TIMES "token_hold.max_us"), 0);
	gather(20 * MS, 12);
	install(21 * MS, 0, 1);
	/* The first ring was counted before the clear. */
	ck_assert_uint_eq(number_of("stats.coterie.ring.changes.start"), 0);
	ck_assert_uint_eq(number_of("stats.coterie.ring.changes.join"), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_account");
	TCase *tcase = tcase_create("ring_account");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_duration_has_one_bucket, 0, sizeof(durations) / sizeof(durations[0]));
	tcase_add_test(tcase, sums_are_exact);
	tcase_add_test(tcase, the_map_has_bounds_and_counts);
	tcase_add_test(tcase, tokens_are_timed);
	tcase_add_loop_test(tcase, a_ring_has_a_reason, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tcase, a_ring_is_timed_from_the_end_of_the_last);
	tcase_add_test(tcase, one_message_at_a_time_is_timed);
	tcase_add_test(tcase, a_message_that_meets_a_new_ring_is_not_timed);
	tcase_add_test(tcase, forged_messages_do_not_end_it);
	tcase_add_test(tcase, lapses_of_the_lease_are_counted);
	tcase_add_test(tcase, an_operator_clears);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
