/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin mon on a mock host, with fixed values instead of the kernel's. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/common/keys.h"
#include "plugins/mon/mon.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin mon_LTX_coterie_plugin;

#define MS UINT64_C(1000000)
#define MEMORY "resources.system.memory_used."
#define LOAD "resources.system.load_15min."

static const struct coterie_service *ops;
static struct coterie_ctx *host;
static void *mon;
static char folder[64];

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void memory(unsigned int used)
{
	char text[256];

	snprintf(text, sizeof(text),
		"MemTotal: 1000 kB\nMemFree: %u kB\nMemAvailable: 1 kB\nBuffers: 0 kB\n"
		"Cached: 100 kB\nSwapCached: 5 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		900 - 10 * used);
	write_file("meminfo", text);
}

static void set_text(const char *key, const char *text)
{
	ck_assert_int_eq(keys_set_text(&host->table, host, key, text), 0);
}

static double load_now(void)
{
	double value;

	ck_assert_int_eq(keys_number(&host->table, host, LOAD "current", &value), 0);
	return value;
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_mon.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	memory(20);
	write_file("loadavg", "9.00 8.00 0.50 1/200 4711\n");
	ops = mon_LTX_coterie_plugin.ops;
	host = mock_host_create(&mon_LTX_coterie_plugin);
	mock_host_option(host, "proc", folder);
	ck_assert_int_eq(ops->init(&host->table, host, &mon), 0);
}

static void tear_down(void)
{
	char path[128];

	ops->fini(mon);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
	snprintf(path, sizeof(path), "%s/meminfo", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/loadavg", folder);
	unlink(path);
	rmdir(folder);
}

START_TEST(nothing_is_read_unasked)
{
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "stopped");
	ck_assert_str_eq(mock_map_string(host, LOAD "state"), "stopped");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 0);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "poll_period"), 3000);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "last_updated"), 0);
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

START_TEST(max_starts_it_and_its_end_stops_it)
{
	set_text(MEMORY "max", "50");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 20);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "last_updated"), host->now_ns);
	memory(30);
	mock_host_advance(host, 2999 * MS);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 20);
	mock_host_advance(host, MS);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 30);
	host->table.map_delete(host, MEMORY "max");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "stopped");
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

/* A reload allocates the plugin's options again, and frees the old texts, which the plugin must not use any more. */
START_TEST(options_of_before_a_reload_are_not_looked_at)
{
	set_text(MEMORY "max", "50");
	mock_host_option(host, "proc", "/nowhere");
	memory(30);
	mock_host_advance(host, 3000 * MS);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 30);
}
END_TEST

START_TEST(above_max_it_has_failed_until_it_is_changed)
{
	set_text(MEMORY "max", "20");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
	memory(21);
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "failed");
	ck_assert(mock_host_has_logged(host, "memory_used: failed"));
	memory(10);
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "failed");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 10);
	set_text(MEMORY "poll_period", "700");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
	memory(11);
	mock_host_advance(host, 700 * MS);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 11);
}
END_TEST

START_TEST(a_successor_goes_on_from_the_map)
{
	set_text(MEMORY "max", "20");
	memory(21);
	mock_host_advance(host, 3000 * MS);
	memory(10);
	ops->fini(mon);
	ck_assert_int_eq(ops->init(&host->table, host, &mon), 0);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "failed");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 10);
	ck_assert_str_eq(mock_map_string(host, LOAD "state"), "stopped");
	set_text(MEMORY "poll_period", "700");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
}
END_TEST

/* A successor sees the failure first, before it may write keys. */
START_TEST(a_failure_during_a_replacement_is_told)
{
	set_text(MEMORY "max", "20");
	memory(21);
	ck_assert_int_eq(mock_replace(host, ops, &mon, false), 0);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "failed");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 21);
	ck_assert_str_eq(mock_map_string(host, LOAD "state"), "stopped");
	ck_assert_uint_eq(mock_host_timers(host), 1);
	memory(10);
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "failed");
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 10);
}
END_TEST

START_TEST(the_load_is_the_third_number)
{
	double limit = 0.5;

	host->table.map_set(host, LOAD "max", COTERIE_MAP_DOUBLE, &limit, sizeof(limit));
	ck_assert_str_eq(mock_map_string(host, LOAD "state"), "running");
	ck_assert(load_now() == 0.5);
	write_file("loadavg", "0 0 0.51 x");
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(mock_map_string(host, LOAD "state"), "failed");
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "stopped");
}
END_TEST

static const struct {
	const char *text;
	uint64_t want_ms;
} periods[] = {{"499", 3000}, {"500", 500}, {"120000", 120000}, {"120001", 3000}, {"", 3000}, {"-1", 3000},
	{"1000 ", 3000}, {"18446744073709551616", 3000}, {"0x400", 3000}};

START_TEST(poll_periods_have_bounds)
{
	set_text(MEMORY "max", "50");
	set_text(MEMORY "poll_period", periods[_i].text);
	ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
	memory(33);
	mock_host_advance(host, (periods[_i].want_ms - 1) * MS);
	ck_assert_msg(mock_map_u64(host, MEMORY "current") == 20, "'%s' too early", periods[_i].text);
	mock_host_advance(host, MS);
	ck_assert_msg(mock_map_u64(host, MEMORY "current") == 33, "'%s' too late", periods[_i].text);
	ck_assert(mock_host_has_logged(host, "must be") == (periods[_i].want_ms == 3000));
}
END_TEST

START_TEST(a_max_that_is_no_number_stops_it)
{
	static const char *const texts[] = {"", "much", "1e999", "nan", "5 apples"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		set_text(MEMORY "max", "50");
		ck_assert_str_eq(mock_map_string(host, MEMORY "state"), "running");
		set_text(MEMORY "max", texts[i]);
		ck_assert_msg(strcmp(mock_map_string(host, MEMORY "state"), "stopped") == 0, "'%s'", texts[i]);
	}
	ck_assert(mock_host_has_logged(host, "max is no number"));
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told_once)
{
	write_file("meminfo", "MemTotal: 1000 kB\n");
	set_text(MEMORY "max", "50");
	ck_assert(mock_host_has_logged(host, "cannot be read"));
	mock_queue_clear(&host->logs);
	mock_host_advance(host, 9000 * MS);
	ck_assert(!mock_host_has_logged(host, "cannot be read"));
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "last_updated"), 0);
	memory(40);
	mock_host_advance(host, 3000 * MS);
	ck_assert_uint_eq(mock_map_u64(host, MEMORY "current"), 40);
}
END_TEST

START_TEST(figures_of_the_kernel)
{
	double value = -1;

	ck_assert_int_eq(mon_parse_memory("MemTotal: 100 kB\nMemFree: 40 kB\nBuffers: 5 kB\n"
					  "Cached: 5 kB\nSwapTotal: 100 kB\nSwapFree: 50 kB\n",
				 &value),
		0);
	ck_assert(value == 50);
	static const char *const bad[] = {"", "MemTotal:", "MemTotal: x\n",
		"MemTotal: 0\nMemFree: 0\nBuffers: 0\nCached: 0\nSwapTotal: 0\nSwapFree: 0\n",
		"MemTotal: -1\nMemFree: 0\nBuffers: 0\nCached: 0\nSwapTotal: 0\nSwapFree: 0\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(mon_parse_memory(bad[i], &value), -EBADMSG);
	ck_assert_int_eq(mon_parse_load("1 2", &value), -EBADMSG);
	ck_assert_int_eq(mon_parse_load("1 2 inf", &value), -EBADMSG);
	ck_assert_int_eq(mon_parse_load("1 2 3", &value), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mon");
	TCase *tests = tcase_create("mon");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, nothing_is_read_unasked);
	tcase_add_test(tests, max_starts_it_and_its_end_stops_it);
	tcase_add_test(tests, options_of_before_a_reload_are_not_looked_at);
	tcase_add_test(tests, above_max_it_has_failed_until_it_is_changed);
	tcase_add_test(tests, a_successor_goes_on_from_the_map);
	tcase_add_test(tests, a_failure_during_a_replacement_is_told);
	tcase_add_test(tests, the_load_is_the_third_number);
	tcase_add_loop_test(tests, poll_periods_have_bounds, 0, sizeof(periods) / sizeof(periods[0]));
	tcase_add_test(tests, a_max_that_is_no_number_stops_it);
	tcase_add_test(tests, files_that_cannot_be_read_are_told_once);
	tcase_add_test(tests, figures_of_the_kernel);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
