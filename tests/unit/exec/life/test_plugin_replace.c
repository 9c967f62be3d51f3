/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/life/plugin_replace.c: plugins are replaced while the loop runs. The fixture is in life_case.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/ipc/ipc_server.h"
#include "exec/life/plugin_life.h"
#include "exec/life/plugin_trial.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_private.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/stats/stats.h"
#include "exec/sync/quorum.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"
#include "tests/unit/exec/life/life_case.h"

START_TEST(a_new_file_takes_over)
{
	start_with_count(17);
	plugin_now()->underway = 4;
	for (uint64_t i = 0; i < 5; i++) {
		const struct plugin *old = plugin_now();
		const struct ipc_server *server = old->ipc;

		ck_assert_uint_eq(stat_u64("stats.life.count"), 17 + i);
		install(f.folder, "good");
		ck_assert_msg(replace(NULL, false) == 0, "%s", f.text);
		ck_assert_ptr_ne(plugin_now(), old);
		ck_assert_ptr_eq(plugin_now()->ipc, server); /* the server stays open under the same name */
		ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
		ck_assert_uint_eq(life_now()->count, 17 + i);
		ck_assert_uint_eq(plugin_now()->underway, 4); /* its unload waits for them */
		ck_assert_uint_eq(stat_u64("stats.life.count"), 17 + i);
		ck_assert_uint_eq(stat_u64("stats.life.loaded"), 17 + i);
		life_now()->count++;
		ck_assert_uint_eq(exec_stub.joins, 1);
		ck_assert_uint_eq(exec_stub.parts, 0);
		ck_assert_int_eq(exec_stub.shown, 1);
	}
	ck_assert(!exec_stub_has_logged("Leak"));
	ck_assert(exec_stub_has_logged("Service engine replaced: a life [44], version 1.0 by 1.0, 8 bytes of state"));
}
END_TEST

/* Changes of statistics are told by a timer. The successor knows the present value only, so it would never tell it. */
START_TEST(a_change_of_a_statistic_is_told_before)
{
	struct map_value told;
	uint64_t number = 0;

	start_with_count(17);
	install(f.folder, "good");
	ck_assert_msg(replace(NULL, false) == 0, "%s", f.text);
	ck_assert_int_eq(map_get(f.others.map, "life.told", &told), 0);
	ck_assert_uint_eq(told.size, sizeof(number));
	memcpy(&number, told.bytes, sizeof(number));
	ck_assert_uint_eq(number, 17);
}
END_TEST

static const struct {
	const char *mode;
	int rc;
	const char *text;
} bad_files[] = {
	{"fails", -ENXIO, "its init failed"},
	{"refuses", -ENOTSUP, "does not take the state"},
};

START_TEST(refused_the_old_one_serves_on)
{
	start_with_count(3);
	const struct plugin *old = plugin_now();
	const struct life *life = life_now();
	char path[120];
	map_delete(f.others.map, "life.good");
	install(f.other, bad_files[_i].mode);
	snprintf(path, sizeof(path), "%s/life.so", f.other);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(replace(path, false), bad_files[_i].rc);
		ck_assert_msg(strstr(f.text, bad_files[_i].text) != NULL, "%s", f.text);
		ck_assert_ptr_eq(plugin_now(), old);
		ck_assert_ptr_eq(life_now(), life);
		ck_assert_ptr_nonnull(old->ipc);
		ck_assert_uint_eq(stat_u64("stats.life.count"), 3);
		/* keys that the new version wrote are removed */
		struct map_value value;
		ck_assert_int_eq(map_get(f.others.map, "life.other", &value), -ENOENT);
	}
	ck_assert(exec_stub_has_logged("is not replaced, the old one serves on"));
	ck_assert_uint_eq(stat_u64("stats.plugins.life.fails"), 3);
	ck_assert_uint_eq(stat_u64("stats.plugins.life.replaces"), 0);
	install(f.folder, "good");
	ck_assert_msg(replace(NULL, false) == 0, "%s", f.text);
	ck_assert_uint_eq(stat_u64("stats.plugins.life.replaces"), 1);
}
END_TEST

/* The new version sends in state_load, when it is the service already. So its unload waits for that message, too. */
START_TEST(an_unload_waits_for_a_message_that_state_load_sent)
{
	start_with_count(3);
	plugin_now()->underway = 1;
	plugin_now()->tx[0] = 7;
	install(f.folder, "sends");
	ck_assert_msg(replace(NULL, false) == 0, "%s", f.text);
	ck_assert_uint_eq(exec_stub.sent, 1);
	ck_assert_uint_eq(plugin_now()->underway, 2);
	ck_assert_uint_eq(plugin_now()->tx[0], 8);
	f.rc = 1;
	ck_assert_int_eq(plugin_life_unload(f.life, &f, "life", 1, on_done, &f), 0);
	plugin_now()->underway = 1; /* the ring has delivered the message of the old version */
	turn_for(20000000);
	ck_assert_int_eq(f.rc, 1);
	ck_assert_uint_eq(exec_stub.parts, 0);
	plugin_now()->underway = 0;
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* The old version receives what the refused one has sent, and waits for it. */
START_TEST(a_message_of_a_refused_successor_is_counted)
{
	start_with_count(3);
	const struct plugin *old = plugin_now();
	plugin_now()->underway = 1;
	install(f.folder, "regrets");
	ck_assert_int_eq(replace(NULL, false), -ENOTSUP);
	ck_assert_uint_eq(exec_stub.sent, 1);
	ck_assert_ptr_eq(plugin_now(), old);
	ck_assert_uint_eq(old->underway, 2);
}
END_TEST

START_TEST(what_cannot_be_replaced)
{
	install(f.folder, "good");
	ck_assert_int_eq(replace(NULL, false), -ENOENT);
	start_with_count(3);
	ck_assert_int_eq(replace(NULL, false), -EALREADY); /* the file of the running plugin */
	ck_assert_msg(strstr(f.text, "runs already") != NULL, "%s", f.text);
	ck_assert_int_eq(replace("relative/life.so", false), -EINVAL);
	ck_assert_int_eq(replace("/nonexistent/life.so", false), -ENOENT);
	ck_assert_uint_eq(life_now()->count, 3);
}
END_TEST

/* Return whether the log has this text as a notice, and no line of higher priority. */
static bool has_notice_alone(const char *text)
{
	char error[16], warning[16];

	snprintf(error, sizeof(error), "SERV %d ", LOG_ERR);
	snprintf(warning, sizeof(warning), "SERV %d ", LOG_WARNING);
	return exec_stub_has_logged(text) && !exec_stub_has_logged(error) && !exec_stub_has_logged(warning);
}

START_TEST(a_plugin_that_is_busy_is_not_replaced)
{
	install(f.folder, "nosave");
	ck_assert_int_eq(load("life", NULL), 0);
	install(f.folder, "good");
	ck_assert_int_eq(replace(NULL, false), -EAGAIN);
	ck_assert_ptr_nonnull(plugin_now());
	ck_assert(has_notice_alone("is not replaced, the old one serves on"));
}
END_TEST

START_TEST(a_request_that_cannot_be_is_no_error_of_the_daemon)
{
	ck_assert_int_eq(replace(NULL, false), -ENOENT);
	ck_assert(has_notice_alone("Plugin 'life' is not replaced, the old one serves on: it is not loaded"));
	start_with_count(3);
	install(f.folder, "refuses");
	ck_assert_int_eq(replace(NULL, false), -ENOTSUP);
	ck_assert(has_notice_alone("does not take the state"));
	ck_assert_uint_eq(stat_u64("stats.plugins.life.fails"), 0);
}
END_TEST

START_TEST(with_force_it_starts_cold)
{
	struct map_value value;

	start_with_count(3);
	ck_assert_int_eq(map_get(f.others.map, "life.other", &value), -ENOENT);
	install(f.folder, "refuses");
	ck_assert_msg(replace(NULL, true) == 0, "%s", f.text);
	ck_assert_uint_eq(life_now()->count, 0);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
	ck_assert_ptr_nonnull(plugin_now()->ipc);
	ck_assert_uint_eq(exec_stub.joins, 2);
	ck_assert_uint_eq(exec_stub.parts, 1);
	ck_assert_uint_eq(stat_u64("stats.life.count"), 0);
	ck_assert_int_eq(map_get(f.others.map, "life.other", &value), 0); /* a key that init has written */
	ck_assert(exec_stub_has_logged("Plugin 'life' starts cold"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plugin_replace");
	TCase *tc = tcase_create("life");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_new_file_takes_over);
	tcase_add_test(tc, a_change_of_a_statistic_is_told_before);
	tcase_add_loop_test(tc, refused_the_old_one_serves_on, 0, sizeof(bad_files) / sizeof(bad_files[0]));
	tcase_add_test(tc, an_unload_waits_for_a_message_that_state_load_sent);
	tcase_add_test(tc, a_message_of_a_refused_successor_is_counted);
	tcase_add_test(tc, what_cannot_be_replaced);
	tcase_add_test(tc, a_plugin_that_is_busy_is_not_replaced);
	tcase_add_test(tc, a_request_that_cannot_be_is_no_error_of_the_daemon);
	tcase_add_test(tc, with_force_it_starts_cold);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
