/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that clients set, without a reload: book configuration, "Reload". */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "exec/loop/loop.h"
#include "exec/reload/reload.h"
#include "tests/suite.h"
#include "tests/unit/exec/reload/reload_case.h"

START_TEST(a_client_sets_a_timeout)
{
	map_set_u32(node.map, "quorum.expected_votes", 5);
	map_set_u32(node.map, "totem.token", 5000);
	map_set_u32(node.map, "totem.join", 60);
	ck_assert_uint_eq(seen.reconfigured, 0);
	turn();
	ck_assert_uint_eq(seen.reconfigured, 1); /* one call for all changes */
	ck_assert_uint_eq(seen.token_ns, 5650 * UINT64_C(1000000));
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
	ck_assert_uint_eq(number_of("runtime.config.totem.join"), 60);
	ck_assert_uint_eq(number_of("totem.token"), 5000);
	/* Another part uses this key, so the reload does not change it. */
	ck_assert_uint_eq(number_of("quorum.expected_votes"), 5);
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	ck_assert_str_eq(seen.peers, "");
	ck_assert_ptr_null(strstr(seen.changes, "config.reload"));
	turn();
	ck_assert_uint_eq(seen.reconfigured, 1); /* keys that the executive itself sets cause no second change */
	map_delete(node.map, "totem.token");
	pause_and_turn();
	ck_assert_uint_eq(seen.token_ns, 3650 * UINT64_C(1000000));
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(number_of("totem.token"), 3000); /* the key has the value of the file again */
	turn();
	ck_assert_uint_eq(seen.reconfigured, 3);
}
END_TEST

static void set_text(void) { map_set_string(node.map, "totem.token", "abc"); }
static void set_small(void) { map_set_u32(node.map, "totem.consensus", 1); }
static void set_negative(void) { map_set_i32(node.map, "totem.token", -1); }
static void set_word(void) { map_set_string(node.map, "logging.debug", "maybe"); }

static const struct {
	const char *name;
	void (*set)(void);
} wrong[] = {{"a word", set_text}, {"too small", set_small}, {"negative", set_negative},
	{"an odd word for the log", set_word}};

START_TEST(wrong_values_have_no_effect)
{
	struct config *before = node.config;

	wrong[_i].set();
	turn();
	ck_assert_msg(has_logged("CFG 3 Changed keys have no effect: "), "%s", wrong[_i].name);
	ck_assert_ptr_eq(node.config, before);
	ck_assert_uint_eq(seen.reconfigured + seen.logs_configured, 0);
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 3650);
	ck_assert_int_eq(reload().rc, 0);
}
END_TEST

START_TEST(keys_of_a_wrong_type_keep_their_values)
{
	map_set(node.map, "totem.token", COTERIE_MAP_BINARY, "abc", 3);
	map_set(node.map, "totem.merge", COTERIE_MAP_BINARY, "abc", 3);
	turn();
	ck_assert(has_logged("CFG 4 Key 'totem.token' has no effect: "));
	ck_assert_uint_eq(seen.reconfigured, 0);
	map_set_u32(node.map, "totem.join", 60);
	turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.join"), 60);
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 3650);
	ck_assert_uint_eq(number_of("runtime.config.totem.merge"), 200);
	map_set_u32(node.map, "totem.token", 5000);
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
	ck_assert(!has_logged("Changed keys"));
}
END_TEST

static const struct {
	const char *before, *after; /* parts of the key before and after a number */
} crowds[] = {{"totem.mine", ""}, {"totem.interface.", ".ttl"}, {"logging.mine", ""},
	{"logging.logger_subsys.m", ".subsys"}, {"logging.logger_subsys.m", ".mine"}};

/* Keys that no part knows cost almost nothing, even if there are many. */
START_TEST(a_crowd_of_keys_costs_little)
{
	char key[64], name[16];

	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_uint_eq(seen.reconfigured, 1);
	map_untrack(node.map, tracker); /* the record of the test's tracker has no room for so many keys */
	tracker = NULL;
	uint32_t entries = node.config->entry_count;

	/* Each new key is sorted before the earlier ones. */
	for (uint32_t i = 10099; i >= 100; i--) {
		snprintf(key, sizeof(key), "%s%05u%s", crowds[_i].before, i, crowds[_i].after);
		snprintf(name, sizeof(name), "m%05u", i);
		map_set_string(node.map, key, name);
		if (i % 3000 == 0)
			pause_and_turn();
	}
	map_set_u32(node.map, "totem.join", 60);
	uint64_t before = loop_now_ns(node.loop);
	pause_and_turn();
	/* The pause is an eighth of a second. The limit is longer, since machines may be slow. */
	ck_assert_uint_le(loop_now_ns(node.loop) - before, SECOND);
	ck_assert_uint_eq(number_of("runtime.config.totem.join"), 60);
	ck_assert_uint_le(node.config->entry_count, entries + 1 + 1000);
	ck_assert_uint_le(node.config->log.subsystem_count, 1001);
	ck_assert(!has_logged("Changed keys"));
}
END_TEST

START_TEST(keys_are_taken_ten_times_a_second)
{
	uint64_t start = loop_now_ns(node.loop);
	uint32_t count = 0;

	while (loop_now_ns(node.loop) - start < SECOND / 4) {
		map_set_u32(node.map, "totem.token", 5000 + ++count);
		turn();
	}
	uint64_t passed = loop_now_ns(node.loop) - start;

	ck_assert_uint_ge(seen.reconfigured, 1);
	ck_assert_uint_le(seen.reconfigured, 1 + passed / (SECOND / 10));
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650 + count); /* from the last value */
	ck_assert_uint_gt(count, 10);
}
END_TEST

static uint32_t lines_with(const char *text)
{
	uint32_t count = 0;

	for (const char *at = seen.log; (at = strstr(at, text)) != NULL; at += strlen(text))
		count++;
	return count;
}

START_TEST(keys_without_effect_are_told_a_few_times)
{
	for (uint32_t i = 0; i < 20; i++) {
		char bytes[] = {(char)i};

		map_set(node.map, "totem.mine", COTERIE_MAP_BINARY, bytes, 1);
	}
	ck_assert_uint_eq(lines_with("totem.mine"), 5);
	for (uint32_t i = 0; i < 7; i++) {
		map_set_u32(node.map, "totem.consensus", 1 + i);
		pause_and_turn();
	}
	ck_assert_uint_eq(lines_with("Changed keys"), 5);
}
END_TEST

/*
 * Ping times that a client sets, or that follow from a client's token timeout, are used from the next reload on, as in
 * Corosync.
 */
START_TEST(ping_times_of_keys_wait_for_the_next_reload)
{
	const char *const name = "runtime.config.totem.interface.0.knet_ping_timeout";
	uint32_t before = number_of(name);

	map_set_u32(node.map, "totem.interface.0.knet_ping_timeout", 700);
	map_set_u32(node.map, "totem.interface.7.knet_ping_timeout", 800); /* the file has no such link */
	for (uint32_t i = 0; i < 3; i++) {
		pause_and_turn();
		ck_assert_uint_eq(number_of(name), before);
		ck_assert_uint_eq(number_of("totem.interface.0.knet_ping_timeout"), 700);
		map_set_u32(node.map, "totem.token", 5000 + i);
	}
	map_delete(node.map, "totem.interface.0.knet_ping_timeout");
	pause_and_turn();
	ck_assert_uint_eq(number_of(name), before);
	ck_assert_uint_eq(seen.reconfigured, 4);
	ck_assert(!has_logged("Changed keys"));
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(number_of(name), 2325);
}
END_TEST

START_TEST(keys_that_are_due_at_the_end)
{
	map_set_u32(node.map, "totem.token", 5000);
	reload_destroy(node.reload);
	node.reload = NULL;
	turn();
	ck_assert_uint_eq(seen.reconfigured, 0);
}
END_TEST

START_TEST(numbers_of_any_width_and_texts)
{
	map_set_u64(node.map, "totem.token", 4000);
	turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 4650);
	map_set_string(node.map, "totem.token", "4001");
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 4651);
	map_set_u16(node.map, "totem.token", 4002);
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 4652);
}
END_TEST

START_TEST(keys_set_while_a_file_is_read_outlive_its_refusal)
{
	struct result result = {.rc = 1};
	FILE *writer = write_endless_file();

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &result), 0);
	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_uint_eq(seen.reconfigured, 0);
	fclose(writer);
	run_loop();
	ck_assert_int_eq(result.rc, -EINVAL);
	turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
}
END_TEST

START_TEST(a_client_sets_the_log)
{
	map_set_string(node.map, "logging.debug", "on");
	turn();
	ck_assert_uint_eq(seen.logs_configured, 1);
	ck_assert_int_eq(node.config->log.subsystems[0].debug, 1);
}
END_TEST

START_TEST(a_client_sets_what_cannot_change)
{
	map_set_string(node.map, "totem.link_mode", "active");
	turn();
	ck_assert(has_logged("Modified entry 'totem.link_mode'"));
}
END_TEST

START_TEST(services_and_their_options_outlive_a_change)
{
	write_file("", "1 2 3", "service {\n name: tally\n step_max: 5\n}\n");
	ck_assert_int_eq(reload().rc, 0);
	for (uint32_t i = 0; i < 3; i++) {
		map_set_u32(node.map, "totem.token", 5000 + i);
		pause_and_turn();
	}
	ck_assert_uint_eq(seen.token_ns, 5652 * UINT64_C(1000000));
	ck_assert_uint_eq(option_of("step_max"), 5);
	ck_assert_uint_eq(seen.tally_reloads, 1);
	seen.log[0] = '\0';
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(!has_logged("Service tally"));
}
END_TEST

#define NATIVE \
	"transport udpu { encryption = none }\nnode n1 {\nid = 1\naddress = 127.0.0.1\n}\nnode n2 {\nid = 2\n" \
	"address = 198.51.100.2\n}\n"

static void write_native(const char *more)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, NATIVE "%s", more);
	fclose(file);
}

/* Start again with a file in the syntax of coterie.conf. */
static void start_native(void)
{
	tear_down();
	make_folder();
	write_native("");
	set_up_with("udpu");
	seen.look_offers = COTERIE_CAN_QUORUM;
}

/* After a client has set a key, the unchanged file changes only this key. */
START_TEST(defaults_outlive_a_change)
{
	start_native();
	ck_assert(node.config->is_provider_default);
	ck_assert_str_eq(prepare().text, "");
	reload_drop(node.reload, &node);
	map_set_u32(node.map, "totem.token", 5000);
	pause_and_turn();
	ck_assert_uint_eq(node.config->totem.token_ns, UINT64_C(5000000000));
	ck_assert_str_eq(prepare().text, "change totem.token 5000 -> (none)\n");
}
END_TEST

/* The reading of the file knows the subsystems of plugins, and makes errors of warnings. A change of keys does not. */
START_TEST(keys_change_in_spite_of_strict)
{
	start_native();
	write_native("process { strict = yes }\nlog {\nsubsystem TALLY { level = debug }\n}\n");
	struct result result = reload();
	ck_assert_msg(result.rc == 0, "%s", result.text);
	map_set_u32(node.map, "totem.token", 5000);
	pause_and_turn();
	ck_assert_msg(!has_logged("Changed keys have no effect"), "%s", seen.log);
	ck_assert(!has_logged("nothing logs as 'TALLY'"));
	ck_assert_uint_eq(node.config->totem.token_ns, UINT64_C(5000000000));
	write_native("process { strict = yes }\nlog {\nsubsystem TILLY { level = debug }\n}\n");
	result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "nothing logs as 'TILLY'"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload_keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_client_sets_a_timeout);
	tcase_add_loop_test(tcase, wrong_values_have_no_effect, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, keys_of_a_wrong_type_keep_their_values);
	tcase_add_loop_test(tcase, a_crowd_of_keys_costs_little, 0, sizeof(crowds) / sizeof(crowds[0]));
	tcase_add_test(tcase, keys_are_taken_ten_times_a_second);
	tcase_add_test(tcase, keys_without_effect_are_told_a_few_times);
	tcase_add_test(tcase, ping_times_of_keys_wait_for_the_next_reload);
	tcase_add_test(tcase, keys_that_are_due_at_the_end);
	tcase_add_test(tcase, numbers_of_any_width_and_texts);
	tcase_add_test(tcase, keys_set_while_a_file_is_read_outlive_its_refusal);
	tcase_add_test(tcase, a_client_sets_the_log);
	tcase_add_test(tcase, a_client_sets_what_cannot_change);
	tcase_add_test(tcase, services_and_their_options_outlive_a_change);
	tcase_add_test(tcase, defaults_outlive_a_change);
	tcase_add_test(tcase, keys_change_in_spite_of_strict);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
