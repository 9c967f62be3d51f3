/* SPDX-License-Identifier: BSD-3-Clause */
/* A reload in two steps: the first one only checks the file, the second one applies or drops it. */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_options.h"
#include "exec/reload/reload.h"
#include "tests/suite.h"
#include "tests/unit/exec/reload/reload_case.h"

static bool fails_thread; /* the next thread cannot be started */

/* Replaces the C library's function. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	int (*start)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	bool fails = fails_thread;

	fails_thread = false;
	*(void **)&start = dlsym(RTLD_NEXT, "pthread_create");
	return fails ? EAGAIN : start(thread, attributes, run, arg);
}

static bool has_line(const char *text, const char *line)
{
	char around[600];

	snprintf(around, sizeof(around), "\n%s\n", line);
	return strncmp(text, around + 1, strlen(around + 1)) == 0 || strstr(text, around) != NULL;
}

/* ---- The first step ------------------------------------------------------ */

START_TEST(nothing_changes_before_the_second_step)
{
	struct config *before = node.config;

	write_file(" token: 4000\n", "1 2 3 4", "");
	struct result result = prepare();
	ck_assert_int_eq(result.rc, 0);
	ck_assert_str_eq(seen.changes, "");
	ck_assert_str_eq(seen.peers, "");
	ck_assert_ptr_eq(node.config, before);
	ck_assert_uint_eq(seen.logs_configured + seen.reconfigured + seen.transport_reloads, 0);
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_ptr_ne(node.config, before);
	ck_assert_uint_eq(number_of("totem.token"), 4000);
	ck_assert_str_eq(seen.peers, "+4 ");
	ck_assert_str_eq(seen.ids, "1 2 3 4 ");
	ck_assert_ptr_eq(strstr(seen.changes, "config.totemconfig_reload_in_progress=1 config.reload_in_"
					      "progress=1 "),
		seen.changes);
	ck_assert_ptr_nonnull(strstr(seen.changes, "config.reload_status=1 config.totemconfig_reload_in_"
						   "progress=0 config.reload_in_progress=0 "));
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT); /* the reload was committed already */
}
END_TEST

START_TEST(what_would_change)
{
	write_file(" token: 4000\n cluster_name: other\n", "1 2",
		"logging {\n debug: on\n}\nquorum {\n wait_for_all: 1\n}\n"
		"service {\n name: tally\n step_max: 7\n base: 11\n}\nservice {\n name: more\n}\n");
	struct result result = prepare();
	static const char *const lines[] = {
		"change totem.token 3000 -> 4000",
		"restart totem.cluster_name test -> other",
		"change nodelist.node.2.nodeid 3 -> (none)",
		"change nodelist.node.2.ring0_addr 198.51.100.3 -> (none)",
		"change uidgid.config.uid.7 1 -> (none)",
		"change logging.debug (none) -> on",
		"restart quorum.wait_for_all (none) -> 1",
		"change tally.step_max 1000 -> 7",
		"restart tally.base 10 -> 11",
		"change service.more (none) -> loaded",
	};

	ck_assert_int_eq(result.rc, 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(has_line(result.text, lines[i]), "'%s' is not in:\n%s", lines[i], result.text);
	ck_assert_ptr_null(strstr(result.text, "runtime."));
	ck_assert_ptr_null(strstr(result.text, "change totem.cluster_name"));
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_ptr_nonnull(strstr(seen.log, "Modified entry 'totem.cluster_name'"));
	ck_assert_uint_eq(seen.tally_reloads, 1);
	/*
	 * After the commit the file and the running configuration differ in no "change" any more. A value that needs a
	 * restart has not been applied, so it is listed again.
	 */
	result = prepare();
	ck_assert_ptr_null(strstr(result.text, "change"));
	ck_assert(has_line(result.text, "restart totem.cluster_name test -> other"));
}
END_TEST

START_TEST(the_same_file)
{
	struct result result = prepare();

	ck_assert_int_eq(result.rc, 0);
	ck_assert_str_eq(result.text, "");
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
}
END_TEST

START_TEST(values_of_clients_stay_on_their_line)
{
	map_set_string(node.map, "logging.mine", "x\nchange totem.token 1 -> 2");
	struct result result = prepare();

	ck_assert_str_eq(result.text, "change logging.mine x?change totem.token 1 -> 2 -> (none)\n");
}
END_TEST

static const struct {
	const char *name, *totem, *nodes, *more;
	int log_rc, check_rc;
	const char *want;
} refused[] = {
	{"no number", " token: abc\n", "1 2 3", "", 0, 0, "must be an integer"},
	{"an option out of range", "", "1 2 3", "service {\n name: tally\n step_max: 0\n}\n", 0, 0, "must be between"},
	{"a log that cannot be opened", "", "1 2 3", "", -ENOENT, 0, "cannot open log file"},
	{"a ring that refuses", "", "1 2 3", "", 0, -EINVAL, "does not take the value of 'token'"},
};

START_TEST(a_refused_file_is_not_kept)
{
	write_file(refused[_i].totem, refused[_i].nodes, refused[_i].more);
	seen.log_rc = refused[_i].log_rc;
	seen.check_rc = refused[_i].check_rc;
	struct result result = prepare();
	ck_assert_msg(result.rc == -EINVAL, "%s: %d", refused[_i].name, result.rc);
	ck_assert_msg(strstr(result.text, refused[_i].want) != NULL, "%s: %s", refused[_i].name, result.text);
	ck_assert(has_logged("CFG 3 Unable to reload config file: "));
	ck_assert_str_eq(seen.changes, ""); /* the log is left to the plugin that requested this */
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
}
END_TEST

START_TEST(a_refused_file_takes_the_place_of_a_good_one)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	write_file(" token: abc\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, -EINVAL);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
	ck_assert_uint_eq(number_of("totem.token"), 3000);
}
END_TEST

/* ---- The second step ----------------------------------------------------- */

START_TEST(what_is_dropped_is_gone)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	reload_drop(node.reload, &node);
	reload_drop(node.reload, &node);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
	ck_assert_str_eq(seen.changes, "");
}
END_TEST

START_TEST(what_can_no_longer_be_applied)
{
	struct config *before = node.config;

	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	seen.log_rc = -ENOENT;
	ck_assert_int_eq(reload_commit(node.reload, &node), -EINVAL);
	ck_assert_ptr_eq(node.config, before);
	ck_assert_uint_eq(number_of("totem.token"), 3000);
	ck_assert_str_eq(string_of("config.reload_error_message"), "cannot open log file");
	ck_assert_ptr_nonnull(strstr(seen.changes, "config.reload_status=7 config.totemconfig_reload_in_progress=0 "));
}
END_TEST

START_TEST(not_from_inside_the_engine)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	seen.is_inside = true;
	ck_assert_int_eq(reload_commit(node.reload, &node), -EBUSY);
	seen.is_inside = false;
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
}
END_TEST

/* ---- Several requests at a time ------------------------------------------ */

START_TEST(a_whole_reload_drops_what_is_kept)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	write_file(" token: 5000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
	ck_assert_uint_eq(number_of("totem.token"), 5000);
}
END_TEST

START_TEST(each_gets_what_it_asked_for)
{
	struct result first = {.rc = 1}, whole = {.rc = 1}, second = {.rc = 1}, third = {.rc = 1};

	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &first), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &whole), 0);
	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &second), 0);
	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &third), 0);
	run_loop();
	ck_assert_uint_eq(first.count, 1);
	ck_assert_uint_eq(whole.count, 0);
	ck_assert_uint_eq(number_of("totem.token"), 3000);
	run_loop();
	ck_assert_uint_eq(whole.count, 1);
	ck_assert_uint_eq(number_of("totem.token"), 4000);
	run_loop();
	ck_assert_uint_eq(second.count + third.count, 2); /* one reading has answered both requests */
	ck_assert_str_eq(third.text, "");
}
END_TEST

START_TEST(a_forced_request_shares_no_answer_with_others)
{
	struct result first = {.rc = 1}, plain = {.rc = 1}, forced = {.rc = 1};

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &first), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &plain), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, true, on_done, &forced), 0);
	run_loop();
	ck_assert_uint_eq(first.count, 1);
	run_loop();
	ck_assert_uint_eq(plain.count, 1);
	ck_assert_uint_eq(forced.count, 0);
	run_loop();
	ck_assert_uint_eq(forced.count, 1);
}
END_TEST

/* A client sets a key while a checked file waits for its commit. The key is applied after the file. */
START_TEST(keys_of_clients_wait)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	map_set_u32(node.map, "totem.token", 6000);
	turn();
	ck_assert_uint_eq(seen.reconfigured, 0);
	reload_drop(node.reload, &node);
	turn();
	ck_assert_uint_eq(seen.reconfigured, 1);
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 6650);
	map_set_u32(node.map, "totem.token", 7000);
	ck_assert_int_eq(prepare().rc, 0);
	pause_and_turn();
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	pause_and_turn();
	ck_assert_uint_eq(number_of("totem.token"), 4000);
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 4650);
}
END_TEST

START_TEST(who_ends_leaves_nothing_behind)
{
	struct result result = {.rc = 1};

	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	reload_forget(node.reload, &seen);
	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &result), 0);
	reload_forget(node.reload, &node);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
	/* The owner has ended while its file was read. After that, a reload works. */
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(result.count, 0);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
}
END_TEST

START_TEST(each_owner_has_its_own)
{
	struct result result = {.rc = 1};

	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(reload_prepare(node.reload, &seen, false, on_done, &result), 0);
	run_loop();
	ck_assert_int_eq(result.rc, 0);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
	reload_drop(node.reload, &node);
	ck_assert_int_eq(reload_commit(node.reload, &seen), 0);
	ck_assert_uint_eq(number_of("totem.token"), 4000);
	/* The three requests cause two readings, and the file of the last one is kept. */
	ck_assert_int_eq(reload_prepare(node.reload, &seen, false, on_done, &result), 0);
	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &result), 0);
	ck_assert_int_eq(reload_prepare(node.reload, &seen, false, on_done, &result), 0);
	run_loop();
	run_loop();
	ck_assert_int_eq(reload_commit(node.reload, &seen), -ENOENT);
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	run_loop();
	ck_assert_int_eq(reload_commit(node.reload, &seen), 0);
}
END_TEST

/* ---- A quorum provider --------------------------------------------------- */

#define VOTES "quorum {\n provider: corosync_votequorum\n}\n"

START_TEST(a_provider_comes)
{
	write_file("", "1 2 3", VOTES);
	seen.look_offers = COTERIE_CAN_QUORUM;
	struct result result = prepare();
	ck_assert(has_line(result.text, "change quorum.provider (none) -> corosync_votequorum"));
	ck_assert(has_line(result.text, "change service.votequorum (none) -> loaded"));
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_str_eq(string_of("quorum.provider"), "corosync_votequorum");
	ck_assert_str_eq(node.config->quorum_provider, "votequorum");
	ck_assert_ptr_null(strstr(seen.log, "Modified entry"));
}
END_TEST

static const struct {
	int look_exit;
	uint64_t look_offers;
	const char *want;
} providers[] = {
	{30, 0, "quorum.provider asks for it: no plugin 'votequorum'"},
	{31, 0, "quorum.provider asks for it: no plugin 'votequorum'"},
	{0, COTERIE_CAN_RELOAD, "quorum.provider names plugin 'votequorum', which is no quorum provider"},
};

START_TEST(a_provider_that_cannot_come)
{
	write_file("", "1 2 3", VOTES);
	seen.look_exit = providers[_i].look_exit;
	seen.look_offers = providers[_i].look_offers;
	struct result result = prepare();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_msg(strstr(result.text, providers[_i].want) != NULL, "%s", result.text);
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_str_eq(string_of("quorum.provider"), "(none)");
}
END_TEST

START_TEST(a_provider_stays)
{
	write_file("", "1 2 3", VOTES);
	seen.look_offers = COTERIE_CAN_QUORUM;
	ck_assert_int_eq(reload().rc, 0);
	seen.has_provider = true;
	write_file("", "1 2 3", "");
	struct result result = prepare();
	ck_assert(has_line(result.text, "restart quorum.provider corosync_votequorum -> (none)"));
	write_file("", "1 2 3", "quorum {\n provider: other\n}\n");
	result = prepare();
	ck_assert(has_line(result.text, "restart quorum.provider corosync_votequorum -> other"));
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_str_eq(node.config->quorum_provider, "votequorum");
}
END_TEST

/* ---- SIGHUP -------------------------------------------------------------- */

/* Check the file without applying it, and run the loop until the result is there. */
static struct result examine(void)
{
	struct result result = {.rc = 1};

	ck_assert_int_eq(reload_examine(node.reload, &node, on_done, &result), 0);
	run_loop();
	return result;
}

START_TEST(results_are_counted_at_the_end)
{
	write_file(" token: abc\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, -EINVAL);
	ck_assert_uint_eq(reloads("refused"), 1);
	reload_hangup(node.reload); /* a signal only checks the file, and is not counted */
	examine();
	ck_assert_uint_eq(reloads("refused"), 1);
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	reload_drop(node.reload, &node);
	ck_assert_int_eq(prepare().rc, 0);
	ck_assert_uint_eq(reloads("applied"), 0);
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_uint_eq(reloads("applied"), 1);
	ck_assert_uint_eq(reloads("refused"), 1);
}
END_TEST

START_TEST(a_signal_says_what_a_reload_would_do)
{
	struct config *before = node.config;

	reload_hangup(node.reload);
	examine();
	ck_assert(has_logged("CFG 5 Config file checked: a reload changes nothing"));
	write_file(" token: 4000\n cluster_name: other\n", "1 2 3 4", "");
	reload_hangup(node.reload);
	ck_assert(has_line(examine().text, "change totem.token 3000 -> 4000"));
	ck_assert(has_logged("CFG 5 Config file checked: a reload changes totem.token 3000 -> 4000"));
	ck_assert(has_logged("CFG 5 Config file checked: only a restart changes totem.cluster_name test -> other"));
	ck_assert_str_eq(seen.changes, "");
	ck_assert_str_eq(seen.peers, "");
	ck_assert_ptr_eq(node.config, before);
	ck_assert_int_eq(reload_commit(node.reload, &node), -ENOENT);
}
END_TEST

START_TEST(a_signal_finds_what_a_reload_would)
{
	write_file(refused[_i].totem, refused[_i].nodes, refused[_i].more);
	seen.log_rc = refused[_i].log_rc;
	seen.check_rc = refused[_i].check_rc;
	reload_hangup(node.reload);
	struct result result = examine();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert(has_logged("CFG 3 Unable to reload config file: "));
	ck_assert_str_eq(string_of("config.reload_error_message"), result.text);
	ck_assert_msg(strstr(result.text, refused[_i].want) != NULL, "%s", result.text);
	ck_assert_uint_eq(number_of("totem.token"), 3000);
	/* The file is corrected. */
	seen.log_rc = seen.check_rc = 0;
	write_file("", "1 2 3", "");
	reload_hangup(node.reload);
	ck_assert_int_eq(examine().rc, 0);
	ck_assert_str_eq(string_of("config.reload_error_message"), "(none)");
}
END_TEST

START_TEST(signals_while_the_file_is_read)
{
	reload_hangup(node.reload);
	write_file(" token: 4000\n", "1 2 3", "");
	for (int i = 0; i < 100; i++)
		reload_hangup(node.reload);
	examine();
	examine();
	/*
	 * The last signal came after the file was written, so its reading sees the change. There were two readings, or
	 * the first one has seen the change, too.
	 */
	const char *line = strstr(seen.log, "a reload changes totem.token 3000 -> 4000");
	ck_assert_ptr_nonnull(line);
	line = strstr(line + 1, "a reload changes totem.token");
	ck_assert(line == NULL || strstr(line + 1, "a reload changes totem.token") == NULL);
}
END_TEST

START_TEST(a_signal_drops_nothing)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(prepare().rc, 0);
	write_file(" token: abc\n", "1 2 3", "");
	reload_hangup(node.reload);
	ck_assert_int_eq(examine().rc, -EINVAL);
	ck_assert_int_eq(reload_commit(node.reload, &node), 0);
	ck_assert_uint_eq(number_of("totem.token"), 4000);
}
END_TEST

START_TEST(a_limit_of_threads_is_named)
{
	struct result result = {.rc = 1};

	fails_thread = true;
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &result), -ENOMEM);
	ck_assert(has_logged(
		"No thread can be started to read the config file (Resource temporarily unavailable): raise the limit"));
	fails_thread = true;
	reload_hangup(node.reload);
	ck_assert(has_logged("The config file is not checked: there is no memory or no thread for it"));
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(result.count, 0);
}
END_TEST

START_TEST(a_signal_before_there_is_anything) { reload_hangup(NULL); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload_steps");
	TCase *tcase = tcase_create("first");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nothing_changes_before_the_second_step);
	tcase_add_test(tcase, what_would_change);
	tcase_add_test(tcase, the_same_file);
	tcase_add_test(tcase, values_of_clients_stay_on_their_line);
	tcase_add_loop_test(tcase, a_refused_file_is_not_kept, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, a_refused_file_takes_the_place_of_a_good_one);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("second");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_is_dropped_is_gone);
	tcase_add_test(tcase, results_are_counted_at_the_end);
	tcase_add_test(tcase, what_can_no_longer_be_applied);
	tcase_add_test(tcase, not_from_inside_the_engine);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("together");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_whole_reload_drops_what_is_kept);
	tcase_add_test(tcase, each_gets_what_it_asked_for);
	tcase_add_test(tcase, a_forced_request_shares_no_answer_with_others);
	tcase_add_test(tcase, keys_of_clients_wait);
	tcase_add_test(tcase, who_ends_leaves_nothing_behind);
	tcase_add_test(tcase, each_owner_has_its_own);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("provider");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_provider_comes);
	tcase_add_loop_test(tcase, a_provider_that_cannot_come, 0, sizeof(providers) / sizeof(providers[0]));
	tcase_add_test(tcase, a_provider_stays);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("signal");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_signal_says_what_a_reload_would_do);
	tcase_add_loop_test(tcase, a_signal_finds_what_a_reload_would, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, signals_while_the_file_is_read);
	tcase_add_test(tcase, a_signal_drops_nothing);
	tcase_add_test(tcase, a_signal_before_there_is_anything);
	tcase_add_test(tcase, a_limit_of_threads_is_named);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
