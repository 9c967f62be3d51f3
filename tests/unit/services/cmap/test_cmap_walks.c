/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service: statistics, walks and trackers of clients. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <corosync/corotypes.h>

#include "tests/suite.h"
#include "tests/unit/services/cmap/cmap_case.h"

/* ---- Statistics ---------------------------------------------------------- */

static uint32_t read_number(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

static uint32_t read_text(void *arg, void *value)
{
	(void)arg;
	strcpy(value, "text");
	return 5;
}

static void note_clear(void *arg) { (void)arg; }

START_TEST(statistics_are_read_and_cleared_and_nothing_else)
{
	static uint64_t number = 7;
	static const struct {
		const char *key;
		int32_t set, change;
		const char *cleared;
	} rows[] = {
		{"stats.number", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.absent", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.clear", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.clear.all", CS_OK, CS_ERR_NOT_SUPPORTED, "all"},
		{"stats.clear.allx", CS_OK, CS_ERR_NOT_SUPPORTED, "all"},
		{"stats.clear.knet.x", CS_OK, CS_ERR_NOT_SUPPORTED, ""}, /* there is no statistic of this kind */
		{"stats.clear.", CS_ERR_NOT_SUPPORTED, CS_ERR_NOT_SUPPORTED, ""},
	};
	const struct cmap_res_get *response;

	cmap_case_host(1)->table.stat_add(cmap_case_host(1), "stats.number", COTERIE_MAP_U64, read_number, &number);
	cmap_case_host(1)->table.stat_add(cmap_case_host(1), "stats.text", COTERIE_MAP_STRING, read_text, NULL);
	cmap_case_set_u8(&cmap_other, "test.config", 1);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "test.config", 0), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "stats.number", 8), CS_OK);
	response = cmap_case_answer(&cmap_user, sizeof(*response) + 8);
	ck_assert_uint_eq(response->value[0], 7);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "stats.text", 0), CS_OK);
	response = cmap_case_answer(&cmap_user, sizeof(*response));
	ck_assert_uint_eq(response->value_size, 5);

	uint64_t iterator = cmap_case_iterate(&cmap_user, "stats.");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "stats.number/8/8");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "stats.text/11/0");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "27");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mock_queue_clear(&cmap_case_host(1)->cleared);
		ck_assert_int_eq(cmap_case_set_u8(&cmap_user, rows[i].key, 1), rows[i].set);
		if (rows[i].cleared[0] != '\0')
			ck_assert_str_eq((char *)cmap_case_host(1)->cleared.list[0].data, rows[i].cleared);
		ck_assert_int_eq(cmap_case_delete_key(&cmap_user, rows[i].key), rows[i].change);
		ck_assert_int_eq(cmap_case_adjust(&cmap_user, rows[i].key, 1), rows[i].change);
	}
	ck_assert_int_eq(cmap_case_get(&cmap_other, "stats.number", 0), CS_ERR_NOT_EXIST);
}
END_TEST

/* The statistics may show an attack, so other users must not clear them. */
START_TEST(only_administrators_clear_statistics)
{
	static const struct {
		const char *key, *cleared;
		int32_t user;
	} rows[] = {
		{"stats.clear.ipc", "ipc", CS_ERR_ACCESS},
		{"stats.clear.all", "all", CS_ERR_ACCESS},
		{"stats.clear.totem", "totem", CS_ERR_ACCESS},
		{"stats.clear.knet", "knet", CS_ERR_ACCESS},
		{"stats.clear.tally", "tally", CS_ERR_ACCESS},
		{"stats.clear.schedmiss", "schedmiss", CS_OK},
	};

	cmap_user.client->right = COTERIE_RIGHT_USE;
	cmap_other.client->right = COTERIE_RIGHT_ADMINISTER;
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(cmap_case_set_map(&cmap_other, COTERIE_MAP_STATS), CS_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cmap_case_host(1)->table.stats_on_clear(cmap_case_host(1), rows[i].cleared, note_clear, NULL);
		mock_queue_clear(&cmap_case_host(1)->cleared);
		ck_assert_int_eq(cmap_case_set_u8(&cmap_user, rows[i].key, 1), rows[i].user);
		ck_assert_uint_eq(cmap_case_host(1)->cleared.count, rows[i].user == CS_OK ? 1 : 0);
		ck_assert_int_eq(cmap_case_set_u8(&cmap_other, rows[i].key, 1), CS_OK);
		ck_assert_str_eq((char *)cmap_case_host(1)->cleared.list[0].data, rows[i].cleared);
	}
}
END_TEST

START_TEST(prefixes_of_statistics_come_and_go)
{
	static uint64_t number = 7;

	ck_assert_int_eq(cmap_case_set_map(&cmap_user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "stats.", ALL & ~COTERIE_MAP_DELETED, 1, NULL), CS_OK);
	ck_assert_int_eq(
		cmap_case_track(&cmap_user, "stats.", PREFIX | COTERIE_MAP_ADDED, 1, NULL), CS_ERR_NOT_SUPPORTED);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "stats.", PREFIX | ALL, 2, NULL), CS_OK);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "stats.", ALL | 16, 3, NULL), CS_OK); /* as in Corosync */
	cmap_case_host(1)->table.stat_add(cmap_case_host(1), "stats.number", COTERIE_MAP_U64, read_number, &number);
	ck_assert_str_eq(cmap_case_event(&cmap_user), "2 4 stats.number 8:0700000000000000 8:0700000000000000");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "");
}
END_TEST

START_TEST(the_map_is_chosen_before_anything_is_open)
{
	uint64_t tracker, instance, iterator;

	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 2), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, -1), CS_ERR_NOT_EXIST);
	iterator = cmap_case_iterate(&cmap_user, "");
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 1), CS_ERR_BUSY);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 7), CS_ERR_BUSY);
	ck_assert_int_eq(cmap_case_iterate_end(&cmap_user, iterator), CS_OK);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "test.x", ALL, 1, &tracker), CS_OK);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 1), CS_ERR_BUSY);
	ck_assert_int_eq(cmap_case_untrack(&cmap_user, tracker, &instance), CS_OK);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 1), CS_OK);
	ck_assert_int_eq(cmap_case_set_map(&cmap_user, 0), CS_OK);
}
END_TEST

/* ---- Walks --------------------------------------------------------------- */

START_TEST(a_walk_shows_the_keys_that_begin_so)
{
	uint64_t iterator, second;

	cmap_case_set_u8(&cmap_user, "test.b", 1);
	cmap_case_set_u8(&cmap_user, "test.a", 1);
	cmap_case_set(&cmap_user, "test.ab", COTERIE_MAP_STRING, "xyz", 3);
	cmap_case_set_u8(&cmap_user, "tesz", 1);
	iterator = cmap_case_iterate(&cmap_user, "test.");
	second = cmap_case_iterate(&cmap_user, "no such");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "test.a/2/1");
	cmap_case_delete_key(&cmap_user, "test.a");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "test.ab/11/4");
	ck_assert_str_eq(cmap_case_next(&cmap_user, second), "27");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "test.b/2/1");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "27");
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "27");
	ck_assert_str_eq(cmap_case_next(&cmap_other, iterator), "9"); /* another client's iterator */
	ck_assert_int_eq(cmap_case_iterate_end(&cmap_other, iterator), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(cmap_case_iterate_end(&cmap_user, iterator), CS_OK);
	ck_assert_int_eq(cmap_case_iterate_end(&cmap_user, iterator), CS_ERR_BAD_HANDLE);
	ck_assert_str_eq(cmap_case_next(&cmap_user, iterator), "9");
	ck_assert_str_eq(cmap_case_next(&cmap_user, 0), "9");
}
END_TEST

START_TEST(what_a_client_may_keep_open_is_bounded_and_ends_with_it)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	unsigned int iterators = 0, trackers = 0;
	uint64_t tracker, instance;

	for (int i = 0; i < 5000; i++) { /* ended trackers do not count */
		ck_assert_int_eq(cmap_case_iterate_end(&cmap_user, cmap_case_iterate(&cmap_user, "")), CS_OK);
		ck_assert_int_eq(cmap_case_track(&cmap_user, "test.", ALL, 1, &tracker), CS_OK);
		ck_assert_int_eq(cmap_case_untrack(&cmap_user, tracker, &instance), CS_OK);
	}
	while (iterators < 10000 && cmap_case_iterate(&cmap_user, "test.") != 0)
		iterators++;
	while (trackers < 10000 && cmap_case_track(&cmap_user, "test.", ALL | PREFIX, 1, NULL) == CS_OK)
		trackers++;
	ck_assert_uint_eq(iterators, 256);
	ck_assert_uint_eq(trackers, 4096);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "test.", ALL, 1, NULL), CS_ERR_NO_RESOURCES);
	ck_assert_uint_ne(cmap_case_iterate(&cmap_other, ""), 0); /* other clients are not affected */
	service_user_close(&cmap_user);
	cmap_case_set_u8(&cmap_other, "test.x", 1); /* no client is notified */
}
END_TEST

/* The clients of one user could make the daemon grow by 180 MB. */
START_TEST(the_walks_of_a_user_are_bounded)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	struct service_user users[8];
	unsigned int walks = 0;
	uint64_t iterator = 0, last = 1;

	for (uint32_t i = 0; i < 8; i++) {
		users[i] = service_user_create(&cmap_ring, 1, 1000 + i);
		while (walks < 10000 && (last = cmap_case_iterate(&users[i], "test.")) != 0) {
			iterator = last;
			walks++;
		}
	}
	ck_assert_uint_eq(walks, 1024);
	ck_assert_uint_eq(cmap_case_iterate(&cmap_user, ""), 0);
	cmap_user.client->uid = 7; /* a client of another user has a share of its own */
	ck_assert_uint_ne(cmap_case_iterate(&cmap_user, ""), 0);
	ck_assert_int_eq(cmap_case_iterate_end(&users[3], iterator), CS_OK);
	ck_assert_uint_ne(cmap_case_iterate(&users[7], ""), 0);
	for (uint32_t i = 0; i < 8; i++)
		service_user_close(&users[i]);
}
END_TEST

/* ---- Trackers ------------------------------------------------------------ */

START_TEST(trackers_tell_of_changes_before_the_answer)
{
	uint64_t tracker, instance;

	ck_assert_int_eq(cmap_case_track(&cmap_user, "test.k", ALL, 77, &tracker), CS_OK);
	ck_assert_int_eq(cmap_case_track(&cmap_other, "", ALL | PREFIX, 88, NULL), CS_OK);
	cmap_case_set_u8(&cmap_user, "test.k", 1);
	cmap_case_set_u8(&cmap_user, "test.k", 1);
	cmap_case_set_u8(&cmap_user, "test.k", 2);
	cmap_case_set(&cmap_other, "test.k", COTERIE_MAP_STRING, "str", 3);
	cmap_case_delete_key(&cmap_user, "test.k");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "77 4 test.k 2:01 0:");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "77 2 test.k 2:02 2:01");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "77 2 test.k 11:73747200 2:02");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "77 1 test.k 0: 11:73747200");
	ck_assert_str_eq(cmap_case_event(&cmap_user), "");
	ck_assert_str_eq(cmap_case_event(&cmap_other), "88 4 test.k 2:01 0:");
	ck_assert_int_eq(cmap_case_untrack(&cmap_other, tracker + 100, &instance), CS_ERR_BAD_HANDLE);
	ck_assert_uint_eq(instance, 0);
	ck_assert_int_eq(cmap_case_untrack(&cmap_user, tracker, &instance), CS_OK);
	ck_assert_uint_eq(instance, 77);
	ck_assert_int_eq(cmap_case_untrack(&cmap_user, tracker, &instance), CS_ERR_BAD_HANDLE);
	cmap_case_set_u8(&cmap_user, "test.k", 1);
	ck_assert_str_eq(cmap_case_event(&cmap_user), "");
}
END_TEST

START_TEST(trackers_take_known_bits)
{
	for (uint32_t events = 0; events < 16; events++)
		ck_assert_int_eq(cmap_case_track(&cmap_user, "test.k", events, events, NULL), CS_OK);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "test.k", 16, 1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "test.k", UINT32_MAX, 1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_case_track(&cmap_user, "not a key", ALL, 1, NULL), CS_OK);
}
END_TEST

START_TEST(a_client_that_is_given_up_disturbs_nobody)
{
	cmap_case_track(&cmap_user, "test.k", ALL, 1, NULL);
	cmap_case_track(&cmap_other, "test.k", ALL, 2, NULL);
	cmap_user.client->event_rc = -ENOTCONN;
	ck_assert_int_eq(cmap_case_set_u8(&cmap_other, "test.k", 1), CS_OK);
	ck_assert_str_eq(cmap_case_event(&cmap_other), "2 4 test.k 2:01 0:");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmap_walks");
	TCase *tcase = tcase_create("cmap_walks");

	tcase_add_checked_fixture(tcase, cmap_case_set_up, cmap_case_tear_down);
	tcase_add_test(tcase, statistics_are_read_and_cleared_and_nothing_else);
	tcase_add_test(tcase, only_administrators_clear_statistics);
	tcase_add_test(tcase, prefixes_of_statistics_come_and_go);
	tcase_add_test(tcase, the_map_is_chosen_before_anything_is_open);
	tcase_add_test(tcase, a_walk_shows_the_keys_that_begin_so);
	tcase_add_test(tcase, what_a_client_may_keep_open_is_bounded_and_ends_with_it);
	tcase_add_test(tcase, the_walks_of_a_user_are_bounded);
	tcase_add_test(tcase, trackers_tell_of_changes_before_the_answer);
	tcase_add_test(tcase, trackers_take_known_bits);
	tcase_add_test(tcase, a_client_that_is_given_up_disturbs_nobody);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
