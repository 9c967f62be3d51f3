/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugin wd on a mock host. A pipe replaces the device, with or without the ioctls of a real one. reboot(2) is
 * replaced as well.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugins/common/keys.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin wd_LTX_coterie_plugin;
int __wrap_reboot(int command);
int __wrap_ioctl(int fd, unsigned long request, ...);

#define MS UINT64_C(1000000)
#define P "resources.process.100."

static const struct coterie_service *ops;
static struct coterie_ctx *host;
static void *wd;
static char folder[64], device[96];
static int reader; /* other end of the pipe that replaces the device */
static int reboots, reboot_errno;

int __wrap_reboot(int command)
{
	(void)command;
	reboots++;
	errno = reboot_errno;
	return reboot_errno == 0 ? 0 : -1;
}

/*
 * The simulated driver: whether it has ioctls, whether its timeout can be set, and the largest timeout. It also counts
 * its calls.
 */
static bool takes_ioctl, takes_timeout;
static int timeout_max, timeout_set, keepalives, keepalive_errno;

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	(void)fd;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	errno = ENOTTY;
	if (!takes_ioctl)
		return -1;
	if (request == WDIOC_GETSUPPORT) {
		*(struct watchdog_info *)argument = (struct watchdog_info){
			.identity = "a driver of the test, quite long"};
		return 0;
	}
	if (request == WDIOC_SETTIMEOUT && takes_timeout) {
		int *timeout = argument;

		if (*timeout > timeout_max)
			*timeout = timeout_max;
		timeout_set = *timeout;
		return 0;
	}
	if (request == WDIOC_KEEPALIVE) {
		keepalives++;
		errno = keepalive_errno;
		return keepalive_errno == 0 ? 0 : -1;
	}
	return -1;
}

static void set_text(const char *key, const char *text)
{
	ck_assert_int_eq(keys_set_text(&host->table, host, key, text), 0);
}

static void set_u64(const char *key, uint64_t value)
{
	host->table.map_set(host, key, COTERIE_MAP_U64, &value, sizeof(value));
}

static void set_u32(const char *key, uint32_t value)
{
	host->table.map_set(host, key, COTERIE_MAP_U32, &value, sizeof(value));
}

/* Return the bytes written to the device since the last call. */
static const char *eaten(void)
{
	static char text[512];
	ssize_t size = read(reader, text, sizeof(text) - 1);

	text[size < 0 ? 0 : size] = '\0';
	return text;
}

static void start(void)
{
	ck_assert_int_eq(ops->init(&host->table, host, &wd), 0);
	mock_host_poll(host, 0); /* the plugin opens the device in the next turn */
}

static void set_up(void)
{
	reboots = reboot_errno = 0;
	takes_ioctl = false;
	takes_timeout = true;
	timeout_max = 1000;
	timeout_set = keepalives = keepalive_errno = 0;
	snprintf(folder, sizeof(folder), "/tmp/test_wd.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(device, sizeof(device), "%s/watchdog", folder);
	ck_assert_int_eq(mkfifo(device, 0600), 0);
	reader = open(device, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(reader, 0);
	ops = wd_LTX_coterie_plugin.ops;
	host = mock_host_create(&wd_LTX_coterie_plugin);
	host->now_ns = UINT64_C(1000000) * 1000 * MS; /* the machine has been running for a while */
}

static void set_up_running(void)
{
	set_up();
	set_text("resources.watchdog_device", device);
	start();
}

static void tear_down(void)
{
	ops->fini(wd);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
	close(reader);
	unlink(device);
	rmdir(folder);
}

/* Make a resource whose last_updated is the present time. */
static void resource(const char *recovery)
{
	set_u64(P "poll_period", 1000);
	set_u64(P "last_updated", host->now_ns);
	set_text(P "recovery", recovery);
	set_text(P "state", "running");
}

/* The device is opened a turn later, since the plugin that is replaced has it open until the end of the turn. */
START_TEST(the_device_is_opened_a_turn_later)
{
	set_text("resources.watchdog_device", device);
	ck_assert_int_eq(ops->init(&host->table, host, &wd), 0);
	ck_assert_str_eq(eaten(), "");
	mock_host_poll(host, 0);
	ck_assert_str_eq(eaten(), "\n");
}
END_TEST

START_TEST(no_device_is_no_error)
{
	static const char *const names[] = {NULL, "", "off"};

	if (names[_i] != NULL)
		set_text("resources.watchdog_device", names[_i]);
	start();
	ck_assert(mock_host_has_logged(host, "Watchdog not enabled by configuration"));
	ck_assert_uint_eq(mock_map_u64(host, "resources.watchdog_timeout"), 6);
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

START_TEST(a_device_that_cannot_be_opened_is_said)
{
	set_text("resources.watchdog_device", "/nonexistent/watchdog");
	start();
	ck_assert(mock_host_has_logged(host, "/nonexistent/watchdog cannot be opened"));
	close(reader);
	set_text("resources.watchdog_device", device);
	ck_assert(mock_host_has_logged(host, "nothing restarts this machine"));
	reader = open(device, O_RDONLY | O_NONBLOCK);
	resource("quit");
	mock_host_advance(host, 20000 * MS);
	ck_assert(mock_host_has_logged(host, "failed!"));
}
END_TEST

/* The driver of the device is loaded only later. */
START_TEST(a_device_that_comes_later_is_fed)
{
	char path[sizeof(device) + 8];

	snprintf(path, sizeof(path), "%s.later", device);
	set_text("resources.watchdog_device", path);
	start();
	mock_host_advance(host, 60000 * MS);
	ck_assert(mock_host_has_logged(host, "cannot be opened"));
	ck_assert_int_eq(rename(device, path), 0);
	mock_host_advance(host, 4999 * MS);
	ck_assert_str_eq(eaten(), "");
	mock_host_advance(host, MS);
	ck_assert_str_eq(eaten(), "\n");
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(eaten(), "\n");
	ck_assert_int_eq(rename(path, device), 0);
	/* When the path changes, no other device is opened. */
	set_text("resources.watchdog_device", "/nonexistent/watchdog");
	eaten();
	set_text("resources.watchdog_device", "off");
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

static const struct {
	uint32_t timeout, want;
} timeouts[] = {{1, 6}, {2, 2}, {120, 120}, {121, 6}, {0, 6}};

START_TEST(it_is_fed_twice_in_its_time)
{
	uint32_t want = timeouts[_i].want;

	set_text("resources.watchdog_device", device);
	set_u32("resources.watchdog_timeout", timeouts[_i].timeout);
	start();
	ck_assert(mock_host_has_logged(host, "takes no ioctl"));
	ck_assert_uint_eq(mock_map_u64(host, "resources.watchdog_timeout"), want);
	ck_assert(mock_host_has_logged(host, "out of range (2..120)") == (want != timeouts[_i].timeout));
	ck_assert_str_eq(eaten(), "\n");
	mock_host_advance(host, want * 500 * MS - MS);
	ck_assert_str_eq(eaten(), "");
	mock_host_advance(host, MS);
	ck_assert_str_eq(eaten(), "\n");
	mock_host_advance(host, want * 1000 * MS);
	ck_assert_str_eq(eaten(), "\n\n");
}
END_TEST

START_TEST(a_device_with_ioctls_is_fed_by_them)
{
	takes_ioctl = true;
	set_text("resources.watchdog_device", device);
	set_u32("resources.watchdog_timeout", 10);
	start();
	ck_assert(mock_host_has_logged(host, "a driver of the test, quite long"));
	ck_assert(!mock_host_has_logged(host, "takes no ioctl"));
	ck_assert_int_eq(timeout_set, 10);
	ck_assert_int_eq(keepalives, 1);
	mock_host_advance(host, 5000 * MS);
	ck_assert_int_eq(keepalives, 2);
	keepalive_errno = EIO;
	mock_host_advance(host, 20000 * MS);
	ck_assert_int_eq(keepalives, 6);
	ck_assert(mock_host_has_logged(host, "cannot be fed"));
	ck_assert_str_eq(eaten(), "");
	ops->fini(wd);
	ck_assert_str_eq(eaten(), "V");
	start();
}
END_TEST

/* A device with a short timeout must be fed in time. */
START_TEST(the_timeout_of_the_device_counts)
{
	takes_ioctl = true;
	timeout_max = 4;
	set_text("resources.watchdog_device", device);
	set_u32("resources.watchdog_timeout", 60);
	start();
	mock_host_advance(host, 20000 * MS);
	ck_assert_int_eq(keepalives, 11);
}
END_TEST

START_TEST(a_device_that_takes_no_timeout_is_fed_all_the_same)
{
	takes_ioctl = true;
	takes_timeout = false;
	set_text("resources.watchdog_device", device);
	start();
	ck_assert(mock_host_has_logged(host, "does not take a timeout of 6 s"));
	mock_host_advance(host, 6000 * MS);
	ck_assert_int_eq(keepalives, 3);
}
END_TEST

START_TEST(it_is_told_of_the_end)
{
	ck_assert_str_eq(eaten(), "\n");
	set_text("resources.watchdog_device", "off");
	ck_assert_str_eq(eaten(), "V");
	mock_host_advance(host, 60000 * MS);
	ck_assert_str_eq(eaten(), "");
	set_text("resources.watchdog_device", device);
	ck_assert_str_eq(eaten(), "\n");
	ops->fini(wd);
	ck_assert_str_eq(eaten(), "V");
	start();
}
END_TEST

START_TEST(the_timeout_may_change)
{
	eaten();
	set_u32("resources.watchdog_timeout", 20);
	ck_assert_str_eq(eaten(), "\n");
	mock_host_advance(host, 9999 * MS);
	ck_assert_str_eq(eaten(), "");
	mock_host_advance(host, MS);
	ck_assert_str_eq(eaten(), "\n");
	set_u32("resources.watchdog_timeout", 500);
	ck_assert_uint_eq(mock_map_u64(host, "resources.watchdog_timeout"), 6);
}
END_TEST

/* Effects of a recovery: the device is fed, the daemon stops, the machine restarts. */
static const struct {
	const char *recovery;
	bool is_fed, stops, reboots;
} recoveries[] = {{"watchdog", false, false, false}, {"quit", false, false, false}, {"restart", true, false, false},
	{"", true, false, false}, {"shutdown", true, true, false}, {"reboot", true, false, true}};

START_TEST(a_resource_that_is_late_has_failed)
{
	resource(recoveries[_i].recovery);
	mock_host_advance(host, 5999 * MS);
	ck_assert(!mock_host_has_logged(host, "failed!"));
	mock_host_advance(host, MS);
	ck_assert(mock_host_has_logged(host, "resource \"resources.process.100\" failed!"));
	eaten();
	mock_host_advance(host, 60000 * MS);
	ck_assert_msg((*eaten() != '\0') == recoveries[_i].is_fed, "%s: fed", recoveries[_i].recovery);
	ck_assert(mock_host_has_logged(host, "NOT fed") == !recoveries[_i].is_fed);
	ck_assert_uint_eq(host->stops, recoveries[_i].stops ? 1 : 0);
	ck_assert_int_eq(reboots, recoveries[_i].reboots ? 1 : 0);
}
END_TEST

START_TEST(a_reboot_that_fails_is_left_to_the_device)
{
	reboot_errno = EPERM;
	resource("reboot");
	mock_host_advance(host, 7000 * MS);
	ck_assert_int_eq(reboots, 1);
	mock_host_advance(host, 6000 * MS);
	eaten();
	mock_host_advance(host, 60000 * MS);
	ck_assert_str_eq(eaten(), "");
}
END_TEST

START_TEST(one_that_is_heard_of_is_well)
{
	resource("quit");
	for (int i = 0; i < 100; i++) {
		mock_host_advance(host, 1000 * MS);
		set_u64(P "last_updated", host->now_ns);
	}
	ck_assert(!mock_host_has_logged(host, "failed!"));
	/* The update is late, but by less than one and a half periods. */
	mock_host_advance(host, 1500 * MS);
	ck_assert(!mock_host_has_logged(host, "failed!"));
	mock_host_advance(host, 500 * MS); /* now the check after two periods has run */
	ck_assert(mock_host_has_logged(host, "failed!"));
}
END_TEST

START_TEST(its_clock_may_be_the_time_of_day)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	resource("quit");
	set_u64(P "last_updated", (uint64_t)now.tv_sec * 1000000000);
	set_u64(P "poll_period", 60000);
	mock_host_advance(host, 300000 * MS);
	ck_assert(!mock_host_has_logged(host, "failed!"));
	set_u64(P "last_updated", (uint64_t)(now.tv_sec - 120) * 1000000000);
	mock_host_advance(host, 60000 * MS);
	ck_assert(mock_host_has_logged(host, "failed!"));
}
END_TEST

/*
 * Resources, and whether they count as failed. late_ms: age of last_updated, -1: no such key, -2: its value is 0.
 * period_ms: poll_period, -1: no such key.
 */
static const struct {
	const char *state;
	int64_t late_ms, period_ms;
	bool fails;
} states[] = {{"failed", 0, 1000, true}, {"disabled", 0, 1000, true}, {"running", -1, 1000, true},
	{"running", -2, 1000, false}, {"stopped", 500000, 1000, false}, {"running", 500000, 0, false},
	{"failed", 500000, 0, true}, {"running", 9000, -1, true}, {"running", -500000, 1000, false},
	{"waiting for quorum", 500000, 1000, false}, {"busy", 500000, 1000, true}};

START_TEST(states_at_the_first_check)
{
	set_text(P "recovery", "quit");
	if (states[_i].period_ms >= 0)
		set_u64(P "poll_period", (uint64_t)states[_i].period_ms);
	if (states[_i].late_ms == -2)
		set_u64(P "last_updated", 0);
	else if (states[_i].late_ms != -1)
		set_u64(P "last_updated", host->now_ns - (uint64_t)states[_i].late_ms * MS);
	set_text(P "state", states[_i].state);
	mock_host_advance(host, 12000 * MS);
	ck_assert_msg(mock_host_has_logged(host, "failed!") == states[_i].fails, "row %d", _i);
}
END_TEST

/* A process that has waited has given no sign of life for long, and gives the first one a while after its start. */
START_TEST(who_begins_to_work_has_time_for_its_first_sign)
{
	static const char *const resting[] = {"stopped", "waiting for quorum"};

	resource("quit");
	set_text(P "state", resting[_i]);
	mock_host_advance(host, 60000 * MS);
	set_text(P "state", "running");
	mock_host_advance(host, 1500 * MS);
	ck_assert(!mock_host_has_logged(host, "failed!"));
	mock_host_advance(host, 12000 * MS);
	ck_assert(mock_host_has_logged(host, "failed!")); /* it has never given one */
}
END_TEST

/* A bad state counts at the check that is due, also if the process had not begun to work. */
START_TEST(a_bad_state_after_a_rest_is_not_late)
{
	resource("quit");
	set_text(P "state", "stopped");
	mock_host_advance(host, 60000 * MS);
	set_text(P "state", "failed");
	mock_host_advance(host, 1100 * MS);
	ck_assert(mock_host_has_logged(host, "failed!"));
}
END_TEST

START_TEST(a_change_leads_back)
{
	resource("quit");
	set_text(P "state", "failed");
	mock_host_advance(host, 9000 * MS);
	ck_assert(mock_host_has_logged(host, "NOT fed"));
	set_text(P "recovery", "watchdog");
	eaten();
	mock_host_advance(host, 9000 * MS);
	ck_assert_str_eq(eaten(), ""); /* the device is not fed, since the state is still bad */
	set_text(P "state", "running");
	ck_assert(mock_host_has_logged(host, "watched again"));
	set_u64(P "last_updated", 0);
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(eaten(), "\n");
	ck_assert(mock_host_has_logged(host, "fed again"));
}
END_TEST

START_TEST(a_change_of_state_does_not_put_off_the_check)
{
	resource("quit");
	for (int i = 0; i < 8; i++) {
		mock_host_advance(host, 1000 * MS);
		set_text(P "state", i % 2 == 0 ? "running" : "busy");
	}
	ck_assert(mock_host_has_logged(host, "failed!"));
}
END_TEST

START_TEST(keys_that_go_end_it)
{
	resource("quit");
	set_text("resources.process.101.recovery", "quit"); /* without a state this resource is not watched */
	ck_assert_uint_eq(mock_host_timers(host), 2);
	ck_assert(!mock_host_has_logged(host, "not watched any more"));
	host->table.map_delete(host, P "state");
	ck_assert_uint_eq(mock_host_timers(host), 1);
	ck_assert(mock_host_has_logged(host, "not watched any more"));
	set_text("resources.process..state", "failed");
	set_text("resources.process..recovery", "quit");
	set_text("resources.other.x.state", "failed");
	set_text("resources.other.x.recovery", "quit");
	ck_assert_uint_eq(mock_host_timers(host), 1);
}
END_TEST

START_TEST(what_was_there_before_is_watched)
{
	resource("quit");
	set_text("resources.system.memory_used.recovery", "shutdown");
	set_text("resources.system.memory_used.state", "failed");
	start();
	mock_host_advance(host, 13000 * MS);
	ck_assert(mock_host_has_logged(host, "resources.process.100"));
	ck_assert_uint_eq(host->stops, 1);
}
END_TEST

/* A machine that is about to restart does so, whoever replaces the plugin. */
START_TEST(what_has_failed_stays_so_for_a_successor)
{
	resource("quit");
	mock_host_advance(host, 20000 * MS);
	ck_assert(mock_host_has_logged(host, "NOT fed any more"));
	eaten();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mock_replace(host, ops, &wd, false), 0);
		mock_host_poll(host, 0);
		mock_host_advance(host, 3000 * MS);
		ck_assert_str_eq(eaten(), "V");
	}
	mock_host_advance(host, 20000 * MS);
	ck_assert_str_eq(eaten(), "");
	set_u64(P "last_updated", host->now_ns);
	set_text(P "state", "well");
	mock_host_advance(host, 3000 * MS);
	ck_assert_str_eq(eaten(), "\n");
}
END_TEST

START_TEST(too_many_are_refused)
{
	char key[64];

	for (int i = 0; i < 1030; i++) {
		snprintf(key, sizeof(key), "resources.process.%d.recovery", i);
		set_text(key, "none");
		snprintf(key, sizeof(key), "resources.process.%d.state", i);
		set_text(key, "stopped");
	}
	ck_assert_uint_eq(mock_host_timers(host), 1 + 1024);
	ck_assert(mock_host_has_logged(host, "there are 1024"));
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("wd");
	TCase *start_tests = tcase_create("start"), *tests = tcase_create("wd");

	tcase_add_checked_fixture(start_tests, set_up, tear_down);
	tcase_add_test(start_tests, the_device_is_opened_a_turn_later);
	tcase_add_loop_test(start_tests, no_device_is_no_error, 0, 3);
	tcase_add_test(start_tests, a_device_that_cannot_be_opened_is_said);
	tcase_add_test(start_tests, a_device_that_comes_later_is_fed);
	tcase_add_loop_test(start_tests, it_is_fed_twice_in_its_time, 0, COUNT(timeouts));
	tcase_add_test(start_tests, what_was_there_before_is_watched);
	tcase_add_test(start_tests, a_device_with_ioctls_is_fed_by_them);
	tcase_add_test(start_tests, the_timeout_of_the_device_counts);
	tcase_add_test(start_tests, a_device_that_takes_no_timeout_is_fed_all_the_same);
	suite_add_tcase(suite, start_tests);
	tcase_add_checked_fixture(tests, set_up_running, tear_down);
	tcase_add_test(tests, it_is_told_of_the_end);
	tcase_add_test(tests, the_timeout_may_change);
	tcase_add_loop_test(tests, a_resource_that_is_late_has_failed, 0, COUNT(recoveries));
	tcase_add_test(tests, a_reboot_that_fails_is_left_to_the_device);
	tcase_add_test(tests, one_that_is_heard_of_is_well);
	tcase_add_test(tests, its_clock_may_be_the_time_of_day);
	tcase_add_loop_test(tests, states_at_the_first_check, 0, COUNT(states));
	tcase_add_test(tests, a_bad_state_after_a_rest_is_not_late);
	tcase_add_loop_test(tests, who_begins_to_work_has_time_for_its_first_sign, 0, 2);
	tcase_add_test(tests, a_change_leads_back);
	tcase_add_test(tests, a_change_of_state_does_not_put_off_the_check);
	tcase_add_test(tests, keys_that_go_end_it);
	tcase_add_test(tests, what_has_failed_stays_so_for_a_successor);
	tcase_add_test(tests, too_many_are_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
