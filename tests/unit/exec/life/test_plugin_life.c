/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/life/plugin_life.c, plugin_trial.c and plugin_watch.c: plugins are loaded and unloaded while the loop runs. The fixture is in life_case.h.
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

/* --- load and unload --- */

START_TEST(a_plugin_comes_and_goes)
{
	install(f.folder, "good");
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(load("life", NULL) == 0, "%s", f.text);
		ck_assert_str_eq(f.text, "");
		ck_assert_uint_eq(life_now()->step, 1);
		ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
		ck_assert_ptr_nonnull(plugin_now()->ipc);
		ck_assert_uint_eq(exec_stub.joins, (unsigned int)i + 1);
		ck_assert_int_eq(exec_stub.shown, 1);
		ck_assert_msg(unload(&f, "life", 0) == 0, "%s", f.text);
		ck_assert_ptr_null(plugin_now());
		ck_assert_uint_eq(exec_stub.parts, (unsigned int)i + 1);
		ck_assert_int_eq(exec_stub.shown, 0);
	}
	ck_assert_uint_eq(stat_u64("stats.plugins.life.loads"), 3);
	ck_assert_uint_eq(stat_u64("stats.plugins.life.unloads"), 3);
	ck_assert_uint_eq(stat_u64("stats.plugins.life.fails"), 0);
	ck_assert(!exec_stub_has_logged("Leak"));
	ck_assert(exec_stub_has_logged("Service engine loaded: a life [44]"));
	ck_assert(exec_stub_has_logged("Service engine unloaded: a life"));
}
END_TEST

START_TEST(a_file_and_options_can_be_named)
{
	char path[120];

	install(f.other, "good");
	snprintf(path, sizeof(path), "%s/life.so", f.other);
	ck_assert_msg(load(path, "step=7") == 0, "%s", f.text);
	ck_assert_str_eq(plugin_now()->path, path);
	ck_assert_uint_eq(life_now()->step, 7);
	/* options outlive a reload of the configuration */
	struct plugin_error error;
	f.option = (struct config_option){.plugin = "life", .name = "step", .value = "3", .file = "f", .line = 1};
	f.config.options = &f.option;
	f.config.option_count = 1;
	struct plugin_options *options = plugin_options_again(plugin_now(), &f.config, &error);
	uint64_t step = 0;
	ck_assert_int_eq(plugin_option_u64(options, "step", &step), 0);
	ck_assert_uint_eq(step, 7);
	plugin_options_destroy(options);
	/* and a replacement of the plugin */
	install(f.other, "good");
	ck_assert_msg(replace(path, false) == 0, "%s", f.text);
	ck_assert_uint_eq(life_now()->step, 7);
}
END_TEST

static const struct {
	const char *mode, *what, *option;
	int rc;
	const char *text;
} bad_loads[] = {
	{"good", "nobody", NULL, -ENOENT, "no plugin 'nobody'"},
	{"good", "/nonexistent/life.so", NULL, -ENOENT, "cannot read plugin file"},
	{"good", "No Name", NULL, -EINVAL, "is not a plugin name"},
	{"good", "life", "step=11", -EINVAL, "must be between 1 and 10"},
	{"good", "life", "step", -EINVAL, "write KEY=VALUE"},
	{"good", "life", "=1", -EINVAL, "write KEY=VALUE"},
	{"good", "life", "stop=1", -EINVAL, "did you mean 'step'?"},
	{"good", "life", "nothing=1", -EINVAL, "has no option 'nothing'"},
	{"fails", "life", NULL, -ENXIO, "its init failed"},
};

START_TEST(a_bad_load_changes_nothing)
{
	install(f.folder, bad_loads[_i].mode);
	ck_assert_int_eq(load(bad_loads[_i].what, bad_loads[_i].option), bad_loads[_i].rc);
	ck_assert_msg(strstr(f.text, bad_loads[_i].text) != NULL, "%s", f.text);
	struct coterie_map_value fails;
	if (strcmp(bad_loads[_i].what, "life") == 0)
		ck_assert_uint_eq(stat_u64("stats.plugins.life.fails"), bad_loads[_i].rc != -ENOENT);
	else /* a name without a plugin leaves no statistics */
		ck_assert_int_eq(stats_read(f.others.stats, "stats.plugins.life.fails", &fails), -ENOENT);
	ck_assert(exec_stub_has_logged("is not loaded: "));
	ck_assert_ptr_null(plugin_now());
	ck_assert_int_eq(exec_stub.shown, 0);
	install(f.folder, "good");
	ck_assert_msg(load("life", NULL) == 0, "%s", f.text);
	ck_assert_int_eq(load("life", NULL), -EEXIST);
}
END_TEST

START_TEST(some_cannot_be_unloaded)
{
	install(f.folder, "good");
	ck_assert_int_eq(unload(&f, "life", 0), -ENOENT);
	ck_assert_int_eq(load("life", NULL), 0);
	ck_assert_int_eq(unload(plugin_now(), "life", 0), -EBUSY);
	quorum_destroy(f.others.quorum);
	f.others.host.quorum = f.others.quorum = quorum_create("life", NULL, NULL);
	start_life(NULL);
	ck_assert_int_eq(unload(&f, "life", 0), -EBUSY);
	ck_assert_msg(strstr(f.text, "quorum") != NULL, "%s", f.text);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
}
END_TEST

START_TEST(a_drain_has_an_end)
{
	install(f.folder, "endless");
	ck_assert_int_eq(load("life", NULL), 0);
	uint64_t began_ns = loop_now_ns(f.others.loop);
	ck_assert_int_eq(unload(&f, "life", 30), 0);
	uint64_t took_ns = loop_now_ns(f.others.loop) - began_ns;
	ck_assert_uint_ge(took_ns, 30000000);
}
END_TEST

/* In a synchronisation a service cannot tell the others that it ends. It may have told them its state. */
START_TEST(no_service_ends_in_a_synchronisation)
{
	install(f.folder, "endless");
	ck_assert_int_eq(load("life", NULL), 0);
	f.rc = 1;
	ck_assert_int_eq(plugin_life_unload(f.life, &f, "life", 30, on_done, &f), 0);
	turn_for(10000000);
	exec_stub.is_synchronizing = true;
	turn_for(200000000);
	ck_assert_int_eq(f.rc, 1);
	ck_assert_uint_eq(exec_stub.parts, 0);
	exec_stub.is_synchronizing = false;
	ck_assert_int_eq(finish(), 0);
	ck_assert_uint_eq(exec_stub.parts, 1);
}
END_TEST

START_TEST(an_unload_waits_until_the_messages_are_delivered)
{
	install(f.folder, "good");
	ck_assert_int_eq(load("life", NULL), 0);
	plugin_now()->underway = 2;
	f.rc = 1;
	ck_assert_int_eq(plugin_life_unload(f.life, &f, "life", 1, on_done, &f), 0);
	turn_for(200000000);
	ck_assert_int_eq(f.rc, 1);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_DRAINING);
	ck_assert_ptr_null(plugin_now()->ipc);
	ck_assert_uint_eq(exec_stub.parts, 0);
	/* The ring accepts PART only later, and the service has sent again meanwhile. */
	exec_stub.part_rc = -EAGAIN;
	plugin_now()->underway = 0;
	turn_for(20000000);
	ck_assert_uint_gt(exec_stub.parts, 0);
	plugin_now()->underway = 1;
	turn_for(20000000);
	uint32_t parts = exec_stub.parts;
	turn_for(20000000);
	ck_assert_uint_eq(exec_stub.parts, parts);
	exec_stub.part_rc = 0;
	plugin_now()->underway = 0;
	ck_assert_int_eq(finish(), 0);
	ck_assert(!exec_stub_has_logged("ends when the ring"));
}
END_TEST

/* Other nodes have received PART, which is the last message of the service. */
START_TEST(a_service_sends_nothing_behind_its_part)
{
	install(f.folder, "lastword");
	ck_assert_int_eq(load("life", NULL), 0);
	ck_assert_int_eq(unload(&f, "life", 0), 0);
	ck_assert_uint_eq(exec_stub.parts, 1);
	ck_assert_uint_eq(exec_stub.sent, 0);
}
END_TEST

START_TEST(a_ring_that_delivers_nothing_does_not_let_the_operator_wait)
{
	f.config.totem.token_ns = 10000000;
	install(f.folder, "good");
	ck_assert_int_eq(load("life", NULL), 0);
	plugin_now()->underway = 3;
	uint64_t began_ns = loop_now_ns(f.others.loop);
	ck_assert_int_eq(unload(&f, "life", 30), 0);
	ck_assert_uint_ge(loop_now_ns(f.others.loop) - began_ns, 230000000); /* 30 ms, and 20 token timeouts */
	ck_assert(exec_stub_has_logged("SERV 4 Plugin 'life' ends when the ring has delivered its last messages"));
	/* It is still there, and other changes wait. */
	turn_for(300000000);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_DRAINING);
	ck_assert_uint_eq(exec_stub.parts, 0);
	ck_assert_int_eq(load("life", NULL), -EALREADY);
	plugin_now()->underway = 0;
	turn_for(20000000);
	ck_assert_ptr_null(plugin_now());
	ck_assert_uint_eq(exec_stub_count_logged("ends when the ring"), 1);
	ck_assert_int_eq(load("life", NULL), 0);
}
END_TEST

START_TEST(one_change_at_a_time)
{
	const char *none = NULL;

	install(f.folder, "good");
	f.rc = 1;
	ck_assert_int_eq(plugin_life_load(f.life, &f, "life", &none, 0, on_done, &f), 0);
	ck_assert_int_eq(f.rc, 1); /* the work is done in later turns */
	ck_assert_int_eq(plugin_life_unload(f.life, &f, "life", 0, on_done, &f), 0);
	ck_assert_int_eq(f.rc, -EALREADY);
	f.rc = 1;
	ck_assert_int_eq(finish(), 0);
	/* the service is not informed after its end */
	f.rc = 1;
	ck_assert_int_eq(plugin_life_unload(f.life, &f, "life", 0, on_done, &f), 0);
	plugin_life_forget(f.life, &f);
	turn_for(50000000);
	ck_assert_int_eq(f.rc, 1);
	ck_assert_ptr_null(plugin_now());
}
END_TEST

START_TEST(a_synchronisation_is_waited_for)
{
	const char *none = NULL;

	install(f.folder, "good");
	exec_stub.is_synchronizing = true;
	f.rc = 1;
	ck_assert_int_eq(plugin_life_load(f.life, &f, "life", &none, 0, on_done, &f), 0);
	turn_for(20000000);
	ck_assert_ptr_null(plugin_now());
	exec_stub.is_synchronizing = false;
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* Another server has the IPC name. The service may have sent in its synchronisation, so it ends as in an unload. */
START_TEST(a_service_without_its_name_waits_until_its_messages_are_delivered)
{
	const struct coterie_request request = {.id = 0};
	const char *none = NULL;
	struct plugin other = {.name = "other", .service = {.ipc_name = "life", .requests = &request}};

	other.service.request_count = 1;
	other.service.request_size = sizeof(request);
	ck_assert_int_eq(ipc_server_open(f.others.ipc, &other), 0);
	install(f.folder, "good");
	exec_stub.is_joining = true;
	f.rc = 1;
	ck_assert_int_eq(plugin_life_load(f.life, &f, "life", &none, 0, on_done, &f), 0);
	turn_for(20000000);
	plugin_now()->underway = 1;
	plugin_now()->is_deaf = false;
	turn_for(20000000);
	ck_assert_int_eq(f.rc, 1);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_DRAINING);
	ck_assert_uint_eq(exec_stub.parts, 0);
	plugin_now()->underway = 0;
	ck_assert_int_eq(finish(), -EADDRINUSE);
	ck_assert_msg(strstr(f.text, "its IPC name 'life' cannot be opened") != NULL, "%s", f.text);
	ck_assert_ptr_null(plugin_now());
	ck_assert_uint_eq(exec_stub.parts, 1);
	ck_assert_int_eq(exec_stub.shown, 0);
	ipc_server_close(other.ipc);
}
END_TEST

START_TEST(services_follow_the_file)
{
	struct config_plugin with[] = {{.name = "life"}, {.name = "absent"}};
	struct config before = {.services = with, .service_count = 0};
	struct config now = {.services = with, .service_count = 2};

	install(f.folder, "good");
	plugin_life_follow(f.life, &before, &now);
	turn_for(50000000);
	ck_assert_ptr_nonnull(plugin_now());
	ck_assert(exec_stub_has_logged("service absent is not installed"));
	plugin_life_follow(f.life, &now, &now); /* nothing to do */
	plugin_now()->underway = 1;
	plugin_life_follow(f.life, &now, &before);
	turn_for(50000000);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_DRAINING);
	/* The file names it again, and again does not, while its end waits for the ring. */
	plugin_life_follow(f.life, &before, &now);
	plugin_now()->underway = 0;
	turn_for(50000000);
	ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
	plugin_now()->underway = 1;
	plugin_life_follow(f.life, &now, &before);
	turn_for(50000000);
	plugin_life_follow(f.life, &before, &before);
	plugin_now()->underway = 0;
	turn_for(50000000);
	ck_assert_ptr_null(plugin_now());
	ck_assert(!exec_stub_has_logged("is not unloaded"));
}
END_TEST

/* A reload comes while the changes of the one before it wait. */
/* Trials and unloads in a row: with sanitizers on a busy machine they took more than 50 ms. */
#define SETTLE_NS 500000000

START_TEST(reloads_close_together_end_as_the_last_file_says)
{
	struct config_plugin with[] = {{.name = "life"}};
	struct config without = {.services = with, .service_count = 0};
	struct config named = {.services = with, .service_count = 1};

	install(f.folder, "good");
	plugin_life_follow(f.life, &without, &named);
	plugin_life_follow(f.life, &named, &named);
	plugin_life_follow(f.life, &named, &without);
	turn_for(SETTLE_NS);
	ck_assert_ptr_null(plugin_now());
	ck_assert(!exec_stub_has_logged("it is already loaded"));
	plugin_life_follow(f.life, &without, &named);
	turn_for(SETTLE_NS);
	ck_assert_ptr_nonnull(plugin_now());
	plugin_life_follow(f.life, &named, &without);
	plugin_life_follow(f.life, &without, &without);
	plugin_life_follow(f.life, &without, &named);
	turn_for(SETTLE_NS);
	ck_assert_ptr_nonnull(plugin_now());
	ck_assert_int_eq(plugin_now()->state, PLUGIN_RUNNING);
	ck_assert(!exec_stub_has_logged("is not unloaded"));
}
END_TEST

/* Other nodes do not know the service before its join. If init failed later, the message would have no service. */
START_TEST(a_service_sends_nothing_before_its_join)
{
	install(f.folder, "eager");
	ck_assert_msg(load("life", NULL) == 0, "%s", f.text);
	ck_assert_uint_eq(exec_stub.sent, 0);
	ck_assert_uint_eq(plugin_now()->underway, 0);
	ck_assert(!plugin_now()->is_deaf);
}
END_TEST

/* --- trial in another process --- */

static void write_program(const char *script)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/program", f.folder);
	FILE *file = fopen(path, "w");
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	chmod(path, 0755);
	start_life(path);
}

START_TEST(a_crash_shows_in_the_trial)
{
	start_with_count(3);
	write_program("[ \"$1\" = --check-plugin ] && kill -ABRT $$");
	install(f.folder, "crashes");
	ck_assert_int_eq(replace(NULL, false), -EFAULT);
	ck_assert_uint_eq(life_now()->count, 3);
	ck_assert(exec_stub_has_logged("crashes when it starts"));
	write_program("exit 0");
	ck_assert_int_eq(replace(NULL, false), -ECHILD);
	ck_assert(exec_stub_has_logged("calls exit() when it starts"));
	/*
	 * The trial gets the longest time that a start may take in this ring: half of the token timeout, at most 2 s.
	 */
	write_program("[ \"$4\" = 50 ] || exit 64\nexit 65");
	ck_assert_int_eq(replace(NULL, false), -ETIME);
	ck_assert(exec_stub_has_logged("its start takes more than 50 ms"));
	f.config.totem.token_ns = UINT64_C(10000000000);
	write_program("[ \"$4\" = 2000 ] || exit 64\nexit 65");
	ck_assert_int_eq(replace(NULL, false), -ETIME);
	ck_assert(exec_stub_has_logged("its start takes more than 2000 ms"));
	ck_assert_uint_eq(life_now()->count, 3);
	/* an error in the trial does not refuse the real load */
	write_program("exit 64");
	install(f.folder, "good");
	ck_assert_msg(replace(NULL, false) == 0, "%s", f.text);
}
END_TEST

START_TEST(a_hang_shows_in_the_trial)
{
	uint64_t now_ns = 1000;

	write_program("exec sleep 1000");
	struct plugin_trial *trial = plugin_trial_start(f.program, "x", STDIN_FILENO, 50, now_ns);
	ck_assert_ptr_nonnull(trial);
	ck_assert_int_eq(plugin_trial_look(trial, now_ns + PLUGIN_TRIAL_NS - 1), -EAGAIN);
	ck_assert_int_eq(plugin_trial_look(trial, now_ns + PLUGIN_TRIAL_NS), -ETIMEDOUT);
	ck_assert_int_eq(plugin_trial_look(trial, now_ns), -ETIMEDOUT);
	plugin_trial_destroy(trial);
	/* a trial that is dropped ends, too */
	plugin_trial_destroy(plugin_trial_start(f.program, "x", STDIN_FILENO, 50, now_ns));
	ck_assert_ptr_null(plugin_trial_start("/nonexistent", "x", STDIN_FILENO, 50, now_ns));
}
END_TEST

/* --- files that others can change --- */

static const struct {
	const char *name;
	mode_t folder, file;
	bool is_foreign; /* the file belongs to another user */
} unsafe_rows[] = {
	{"a folder that all can write", 0777, 0755, false},
	{"a sticky one, too", 01777, 0755, false},
	{"a folder that its group can write", 0775, 0755, false},
	{"a file that all can write", 0755, 0777, false},
	{"a file that its group can write", 0755, 0775, false},
	{"a file of another user", 0755, 0755, true},
};

START_TEST(what_others_can_write_is_not_loaded)
{
	char path[256];

	if (unsafe_rows[_i].is_foreign && geteuid() != 0)
		return;
	write_program("touch $(dirname $0)/tried; exit 64");
	start_with_count(3);
	ck_assert_int_eq(access("/proc/self/fd", F_OK), 0);
	install(f.other, "good");
	snprintf(path, sizeof(path), "%s/tried", f.folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/life.so", f.other);
	ck_assert_int_eq(chmod(path, unsafe_rows[_i].file), 0);
	ck_assert_int_eq(chmod(f.other, unsafe_rows[_i].folder), 0);
	if (unsafe_rows[_i].is_foreign)
		ck_assert_int_eq(chown(path, 1234, 1234), 0);
	ck_assert_msg(replace(path, false) == -EPERM, "%s: %d %s", unsafe_rows[_i].name, f.rc, f.text);
	ck_assert_ptr_nonnull(strstr(f.text, "use a file and folders that only root can write"));
	ck_assert_uint_eq(life_now()->count, 3);
	ck_assert_int_eq(unload(&f, "life", 0), 0);
	ck_assert_int_eq(load(path, NULL), -EPERM);
	snprintf(path, sizeof(path), "%s/tried", f.folder);
	ck_assert_int_eq(access(path, F_OK), -1); /* its constructors did not run */
}
END_TEST

START_TEST(a_file_that_is_exchanged_after_its_check_is_not_loaded)
{
	char script[1024], path[256];

	install(f.other, "fails");
	install(f.folder, "good");
	snprintf(path, sizeof(path), "%s/life.so", f.folder);
	snprintf(script, sizeof(script),
		"cmp /proc/self/fd/$3 %s || exit 1\ncp -p %s/life.so %s/new && mv %s/new %s && exit 64", path, f.other,
		f.folder, f.folder, path);
	write_program(script);
	ck_assert_msg(load(path, NULL) == 0, "%s", f.text);
	ck_assert_str_eq(plugin_now()->path, path);
	ck_assert_int_eq(unload(&f, "life", 0), 0);
	/* The file was really exchanged. */
	start_life(NULL);
	ck_assert_int_ne(load(path, NULL), 0);
}
END_TEST

/* --- who holds up and leaves behind --- */

START_TEST(leaks_are_named_and_counted)
{
	install(f.folder, "leaks");
	ck_assert_int_eq(load("life", NULL), 0);
	ck_assert_int_eq(unload(&f, "life", 0), 0);
	ck_assert(exec_stub_has_logged("LIFE 4 Leak: a timer"));
	ck_assert(exec_stub_has_logged("LIFE 4 Leak: descriptor"));
	ck_assert_uint_eq(stat_u64("stats.plugins.life.leaks"), 2); /* the record outlives the plugin */
}
END_TEST

START_TEST(who_holds_the_loop_up_is_named)
{
	install(f.folder, "slow");
	ck_assert_int_eq(load("life", NULL), 0);
	turn_for(100000000);
	ck_assert_uint_eq(stat_u64("stats.plugins.life.overruns"), 2);
	ck_assert_uint_ge(stat_u64("stats.plugins.life.overrun_ms_max"), 40);
	ck_assert(exec_stub_has_logged("Plugin 'life' held the daemon up for"));
	ck_assert(exec_stub_has_logged("in its init (more than 25 ms may cost the token)"));
	ck_assert(exec_stub_has_logged("in its timers (more than"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plugin_life");
	TCase *tc = tcase_create("life");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_plugin_comes_and_goes);
	tcase_add_test(tc, a_file_and_options_can_be_named);
	tcase_add_loop_test(tc, a_bad_load_changes_nothing, 0, sizeof(bad_loads) / sizeof(bad_loads[0]));
	tcase_add_test(tc, some_cannot_be_unloaded);
	tcase_add_test(tc, a_drain_has_an_end);
	tcase_add_test(tc, no_service_ends_in_a_synchronisation);
	tcase_add_test(tc, an_unload_waits_until_the_messages_are_delivered);
	tcase_add_test(tc, a_service_sends_nothing_behind_its_part);
	tcase_add_test(tc, a_ring_that_delivers_nothing_does_not_let_the_operator_wait);
	tcase_add_test(tc, one_change_at_a_time);
	tcase_add_test(tc, a_synchronisation_is_waited_for);
	tcase_add_test(tc, a_service_without_its_name_waits_until_its_messages_are_delivered);
	tcase_add_test(tc, services_follow_the_file);
	tcase_add_test(tc, reloads_close_together_end_as_the_last_file_says);
	tcase_add_test(tc, a_service_sends_nothing_before_its_join);
	tcase_add_test(tc, a_crash_shows_in_the_trial);
	tcase_add_test(tc, a_hang_shows_in_the_trial);
	tcase_add_loop_test(tc, what_others_can_write_is_not_loaded, 0, sizeof(unsafe_rows) / sizeof(unsafe_rows[0]));
	tcase_add_test(tc, a_file_that_is_exchanged_after_its_check_is_not_loaded);
	tcase_add_test(tc, leaks_are_named_and_counted);
	tcase_add_test(tc, who_holds_the_loop_up_is_named);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
