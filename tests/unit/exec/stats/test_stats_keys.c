/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of the statistics map: names, types and order are those of Corosync. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "config/model.h"
#include "exec/daemon/stats_daemon.h"
#include "exec/ipc/ipc_private.h"
#include "exec/qb/private.h"
#include "exec/ring/ring_account.h"
#include "exec/ring/stats_totem.h"
#include "exec/stats/histogram.h"
#include "exec/stats/stats.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

/* The parts of the executive under test, and the parts that they use. */
static struct others {
	struct config *config;
	const char *instance;
	uint32_t nodeid;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	bool is_quorate;
	struct ipc *ipc;
	struct ring *ring;
} others;
static struct totem_stats *totem_stats;
static struct stats_daemon *stats_daemon; /* NULL: not created */
static struct ring_account account;
static struct histogram timers_late;
static const char *phase;
static struct config config;

/* Replaces the function of plugin_table.c: no service has a request. */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id)
{
	(void)plugin, (void)id;
	return NULL;
}

enum totem_state totem_engine_state(const struct totem_engine *engine)
{
	(void)engine;
	return TOTEM_OPERATIONAL;
}

/* Replaces the engine's function: there are two pairs of nodes that do not hear each other. */
bool totem_engine_unheard(const struct totem_engine *engine, uint32_t i, uint32_t *member, uint32_t *node)
{
	(void)engine;
	*member = i + 1;
	*node = i + 2;
	return i < 2;
}

static bool has_lease;

bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns)
{
	(void)engine, (void)now_ns;
	return has_lease;
}

uint64_t totem_engine_lease(const struct totem_engine *engine)
{
	(void)engine;
	return UINT64_C(1825000000);
}

static enum totem_witness witness;

/* Replaces the engine's function: node 2 is silent. */
bool totem_engine_silent(const struct totem_engine *engine, uint64_t now_ns, uint32_t i, struct totem_silence *silence)
{
	(void)engine, (void)now_ns;
	*silence = (struct totem_silence){i + 2, UINT64_C(1300000000) + i, UINT64_C(8030000000), witness};
	return i < 1;
}

static void set_up(void)
{
	exec_stub_reset();
	config.totem.token_ns = UINT64_C(1000000000);
	others = (struct others){.loop = loop_create(), .config = &config};
	others.ring = (struct ring *)&others;
	others.stats = stats_create(others.loop);
	totem_stats = stats_totem_create(&(struct totem_stats_parts){
		.loop = others.loop, .stats = others.stats, .ring = others.ring, .config = &others.config});
	ck_assert_ptr_nonnull(totem_stats);
	others.ipc = ipc_create(&(struct ipc_parts){.loop = others.loop,
		.map = others.map,
		.stats = others.stats,
		.is_quorate = &others.is_quorate,
		.config = &others.config,
		.instance = others.instance});
	ck_assert_ptr_nonnull(others.ipc);
}

static const char *phase_of(void *arg)
{
	(void)arg;
	return phase;
}

static void add_daemon(void)
{
	stats_daemon = stats_daemon_create(&(struct stats_daemon_parts){.loop = others.loop,
		.stats = others.stats,
		.ring = others.ring,
		.account = &account,
		.timers_late = &timers_late,
		.config = &others.config,
		.instance = others.instance,
		.nodeid = others.nodeid,
		.phase = phase_of});
	ck_assert_ptr_nonnull(stats_daemon);
}

static void tear_down(void)
{
	ipc_destroy(others.ipc);
	stats_totem_destroy(totem_stats);
	stats_totem_destroy(NULL);
	stats_destroy(others.stats);
	stats_daemon_destroy(stats_daemon);
	stats_daemon = NULL;
	loop_destroy(others.loop);
}

static const char *type_name(uint32_t type)
{
	static const char *const names[] = {
		"?", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "flt", "dbl", "str", "bin"};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

static uint64_t read_number(const char *key)
{
	struct coterie_map_value value;
	uint64_t number = 0;

	ck_assert_msg(stats_read(others.stats, key, &value) == 0, "%s", key);
	memcpy(&number, value.bytes, value.size);
	return number;
}

/* A client of service 0, with only the members that statistics use. */
struct fake {
	struct qbs_connection connection;
	struct plugin plugin;
	struct ipc_server server;
	struct coterie_client client;
};

static void fake_come(struct fake *fake)
{
	*fake = (struct fake){.plugin = {.name = "fake"},
		.server = {.ipc = others.ipc, .plugin = &fake->plugin},
		.client = {.connection = &fake->connection,
			.server = &fake->server,
			.pid = 10800,
			.id = 0xabcd,
			.process = "corosync-cmapct"}};
	ipc_stats_come(&fake->client);
}

/* Shorten "stats.ipcs.service0.10800.0x55a4922e50b0.sent (u32) = 0" to "stats.ipcs.service0.10800.P.sent (u32)". */
static void shorten(char *line)
{
	char *pointer = strstr(line, ".0x");
	char *end = strstr(line, " = ");

	if (end != NULL)
		*end = '\0';
	if (pointer != NULL) {
		char *rest = strchr(pointer + 1, '.');

		pointer[1] = 'P';
		memmove(pointer + 2, rest, strlen(rest) + 1);
	}
}

START_TEST(the_list_is_that_of_the_reference)
{
	const char *top = getenv("abs_top_srcdir");
	struct coterie_map_value value;
	struct fake fake;
	char path[4096], line[512], shown[512];

	fake_come(&fake);
	snprintf(path, sizeof(path), "%s/tests/unit/vectors/stats-udpu3.txt", top != NULL ? top : ".");
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	struct stats_iterator *iterator = stats_iterator_create(others.stats, NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *key;

		/* Skip Coterie's own keys. */
		do
			key = stats_iterator_next(iterator, &value);
		while (key != NULL && strncmp(key, "stats.coterie.", 14) == 0);
		line[strcspn(line, "\n")] = '\0';
		shorten(line);
		ck_assert_msg(key != NULL, "missing: %s", line);
		snprintf(shown, sizeof(shown), "%s (%s)", key, type_name(value.type));
		shorten(shown);
		ck_assert_str_eq(shown, line);
	}
	ck_assert_ptr_null(stats_iterator_next(iterator, &value));
	stats_iterator_destroy(iterator);
	fclose(file);
	ipc_stats_go(&fake.client);
	ck_assert_ptr_null(fake.client.stats);
}
END_TEST

START_TEST(sizes_are_those_of_the_types)
{
	static const uint32_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
	struct stats_iterator *iterator = stats_iterator_create(others.stats, NULL);
	struct coterie_map_value value;
	const char *key;

	stats_totem_paused(totem_stats, 900);
	while ((key = stats_iterator_next(iterator, &value)) != NULL)
		ck_assert_msg(value.size == sizes[value.type], "%s", key);
	stats_iterator_destroy(iterator);
}
END_TEST

START_TEST(counters_of_the_ring)
{
	exec_stub.counters.token_rx = 12;
	exec_stub.counters.rx_msg_dropped = 3;
	exec_stub.counters.token_retx = 5;
	exec_stub.counters.token_late = 6;
	exec_stub.counters.continuous_gather = 2;
	exec_stub.queue = (struct totem_queue){.used = 4, .total = 100};
	ck_assert_uint_eq(read_number("stats.srp.orf_token_rx"), 12);
	ck_assert_uint_eq(read_number("stats.srp.rx_msg_dropped"), 3);
	ck_assert_uint_eq(read_number("stats.coterie.ring.token_retransmits"), 5);
	ck_assert_uint_eq(read_number("stats.coterie.ring.token_warnings"), 6);
	ck_assert_uint_eq(read_number("stats.srp.continuous_gather"), 2);
	ck_assert_uint_eq(read_number("stats.srp.firewall_enabled_or_nic_failure"), 0);
	ck_assert_uint_eq(read_number("stats.srp.time_since_token_last_received"), 0);
	ck_assert_uint_eq(read_number("stats.pg.msg_queue_avail"), 96);
	ck_assert_uint_eq(read_number("stats.srp.avg_backlog_calc"), 4);
	exec_stub.counters.continuous_gather = 4;
	ck_assert_uint_eq(read_number("stats.srp.firewall_enabled_or_nic_failure"), 1);
	exec_stub.counters.token_last_ns = loop_now_ns(others.loop) - UINT64_C(5000000000);
	ck_assert_uint_ge(read_number("stats.srp.time_since_token_last_received"), 5000);
	/* As a u32 the value wraps after 49.7 days, as before Corosync 3.1.9. */
	exec_stub.counters.token_last_ns = loop_now_ns(others.loop) - UINT64_C(60) * 86400 * 1000000000;
	ck_assert_uint_ge(read_number("stats.srp.time_since_token_last_received"), UINT64_C(60) * 86400 * 1000);
	ck_assert_int_eq(stats_clear(others.stats, "totem"), 0);
	exec_stub.counters.token_rx++;
	ck_assert_uint_eq(read_number("stats.srp.orf_token_rx"), 1);
	ck_assert_uint_eq(read_number("stats.srp.continuous_gather"), 4); /* not cleared, since it is no counter */
	exec_stub.has_no_engine = true;                                   /* the engine has not started yet */
	ck_assert_uint_eq(read_number("stats.srp.continuous_gather"), 0);
	ck_assert_uint_eq(read_number("stats.pg.msg_queue_avail"), 0);
}
END_TEST

START_TEST(failures_to_send_are_counted_until_a_success)
{
	exec_stub.transport = (struct coterie_transport_stats){.frames_out = 5, .send_errors = 7};
	ck_assert_uint_eq(read_number("stats.srp.continuous_sendmsg_failures"), 0);
	exec_stub.transport.send_errors = 47;
	ck_assert_uint_eq(read_number("stats.srp.continuous_sendmsg_failures"), 40);
	ck_assert_uint_eq(read_number("stats.srp.firewall_enabled_or_nic_failure"), 1);
	exec_stub.transport.frames_out++;
	ck_assert_uint_eq(read_number("stats.srp.continuous_sendmsg_failures"), 0);
	ck_assert_uint_eq(read_number("stats.srp.firewall_enabled_or_nic_failure"), 0);
}
END_TEST

START_TEST(who_does_not_hear_whom)
{
	struct coterie_map_value value;

	add_daemon();
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.unheard", &value), 0);
	ck_assert_str_eq(value.bytes, "1-2 2-3");
	exec_stub.has_no_engine = true;
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.unheard", &value), 0);
	ck_assert_str_eq(value.bytes, "");
}
END_TEST

START_TEST(who_is_waited_for)
{
	struct coterie_map_value value;

	add_daemon();
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.silent", &value), 0);
	ck_assert_str_eq(value.bytes, "2-1300-8030");
	witness = TOTEM_WITNESS_ANSWERS;
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.silent", &value), 0);
	ck_assert_str_eq(value.bytes, "2-1300-8030-answers");
	witness = TOTEM_WITNESS_SILENT;
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.silent", &value), 0);
	ck_assert_str_eq(value.bytes, "2-1300-8030-silent");
	exec_stub.has_no_engine = true;
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.silent", &value), 0);
	ck_assert_str_eq(value.bytes, "");
}
END_TEST

START_TEST(the_lease_is_told)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE, .value = 0};

	add_daemon();
	has_lease = true;
	ck_assert_uint_eq(read_number("stats.coterie.lease.held"), 1);
	ck_assert_uint_eq(read_number("stats.coterie.lease.length_ms"), 1825);
	ck_assert_uint_eq(read_number("stats.coterie.lease.lapsed_ms"), 0);
	has_lease = false;
	ring_account_trace(&account, loop_now_ns(others.loop) - UINT64_C(2100000000), &trace);
	ck_assert_uint_eq(read_number("stats.coterie.lease.held"), 0);
	ck_assert_uint_ge(read_number("stats.coterie.lease.lapsed_ms"), 2100);
	ck_assert_uint_eq(read_number("stats.coterie.lease.lapses"), 1);
	exec_stub.has_no_engine = true;
	ck_assert_uint_eq(read_number("stats.coterie.lease.held"), 1);
	ck_assert_uint_eq(read_number("stats.coterie.lease.length_ms"), 0);
}
END_TEST

START_TEST(the_daemon_tells_of_itself)
{
	static const char *const positive[] = {"stats.coterie.start_time_ms", "stats.coterie.process.open_fds",
		"stats.coterie.process.max_fds", "stats.coterie.process.resident_bytes"};
	struct coterie_map_value value;

	others.nodeid = 7;
	others.instance = "two";
	add_daemon();
	ck_assert_uint_eq(read_number("stats.coterie.node_id"), 7);
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.features", &value), 0);
	ck_assert_ptr_eq(strstr(value.bytes, "channels early linger probe safe"), value.bytes);
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.instance", &value), 0);
	ck_assert_str_eq(value.bytes, "two");
	for (size_t i = 0; i < sizeof(positive) / sizeof(positive[0]); i++)
		ck_assert_msg(read_number(positive[i]) > 0, "%s", positive[i]);
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.state", &value), 0);
	ck_assert_str_eq(value.bytes, "operational");
	phase = "stopping";
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.state", &value), 0);
	ck_assert_str_eq(value.bytes, "stopping");
	phase = NULL;
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.process.cpu_us", &value), 0);
	ck_assert_int_eq(stats_read(others.stats, "stats.coterie.transport.bytes_tx", &value), 0);
}
END_TEST

/* Each reading opened a folder: 4,096 trackers of one client did so in a row. */
START_TEST(values_of_the_process_are_kept_for_a_second)
{
	struct stats_process process = {.loop = others.loop, .ring = others.ring};

	ck_assert_int_eq(stats_process_add(others.stats, &process), 0);

	uint64_t before_ns = loop_now_ns(others.loop), count = read_number("stats.coterie.process.open_fds");
	int fd = dup(STDOUT_FILENO);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_ge(process.open_fds.until_ns, before_ns + UINT64_C(1000000000));
	ck_assert_uint_eq(read_number("stats.coterie.process.open_fds"), count);
	process.open_fds.until_ns = loop_now_ns(others.loop);
	ck_assert_uint_eq(read_number("stats.coterie.process.open_fds"), count + 1);
	close(fd);
	process.resident_bytes = (struct stats_kept){.number = 1, .until_ns = UINT64_MAX};
	ck_assert_uint_eq(read_number("stats.coterie.process.resident_bytes"), 1);
	process.resident_bytes.until_ns = 0;
	ck_assert_uint_gt(read_number("stats.coterie.process.resident_bytes"), 1);
	stats_forget(others.stats, NULL); /* they would be read from this function's memory */
}
END_TEST

START_TEST(lines_of_the_log_are_counted)
{
	exec_stub.log_counts[LOG_EMERG] = 1;
	exec_stub.log_counts[LOG_ERR] = 2;
	exec_stub.log_counts[LOG_WARNING] = 4;
	exec_stub.log_counts[LOG_TRACE] = 8;
	add_daemon();
	ck_assert_uint_eq(read_number("stats.coterie.log.error"), 3);
	ck_assert_uint_eq(read_number("stats.coterie.log.warning"), 4);
	ck_assert_uint_eq(read_number("stats.coterie.log.notice"), 0);
	ck_assert_uint_eq(read_number("stats.coterie.log.trace"), 8);
}
END_TEST

START_TEST(late_timers_are_counted)
{
	add_daemon();
	histogram_note(&timers_late, 150000);
	ck_assert_uint_eq(read_number("stats.coterie.times.timers_late.01.count"), 1);
	ck_assert_uint_eq(read_number("stats.coterie.times.timers_late.sum_us"), 150);
}
END_TEST

START_TEST(connections_are_counted)
{
	struct coterie_map_value value;
	static const char key[] = "stats.ipcs.service0.10800.0x00000000abcd.procname";
	struct fake fake;

	fake_come(&fake);
	fake.client.invalid_requests = 2;
	fake.client.overloads = 3;
	fake.client.queued = 4;
	others.ipc->active = 1;
	others.ipc->closed = 9;
	others.ipc->denied = 7;
	others.ipc->refused = 5;
	ck_assert_uint_eq(read_number("stats.ipcs.service0.10800.0x00000000abcd.invalid_request"), 2);
	ck_assert_uint_eq(read_number("stats.ipcs.service0.10800.0x00000000abcd.overload"), 3);
	ck_assert_uint_eq(read_number("stats.ipcs.service0.10800.0x00000000abcd.queued"), 4);
	ck_assert_int_eq(stats_read(others.stats, key, &value), 0);
	ck_assert_str_eq(value.bytes, "corosync-cmapct");
	ck_assert_uint_eq(value.size, 16);
	ck_assert_uint_eq(read_number("stats.ipcs.global.active"), 1);
	ck_assert_uint_eq(read_number("stats.ipcs.global.closed"), 9);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.denied"), 7);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.refused"), 5);
	ck_assert_int_eq(stats_clear(others.stats, "ipc"), 0);
	ck_assert_uint_eq(read_number("stats.ipcs.global.active"), 1);
	ck_assert_uint_eq(read_number("stats.ipcs.global.closed"), 0);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.denied"), 0);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.refused"), 0);
	fake.client.invalid_requests = 2;
	ipc_stats_go(&fake.client);
	ck_assert_int_lt(stats_read(others.stats, key, &value), 0);
	/* The counts of a connection that was closed stay in the sum. */
	ck_assert_uint_eq(read_number("stats.coterie.ipc.fake.invalid_request"), 2);
	fake_come(&fake);
	fake.client.invalid_requests = 5;
	ck_assert_uint_eq(read_number("stats.coterie.ipc.fake.invalid_request"), 2);
	ipc_stats_go(&fake.client);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.fake.invalid_request"), 7);
	ck_assert_int_eq(stats_clear(others.stats, "ipc"), 0);
	ck_assert_uint_eq(read_number("stats.coterie.ipc.fake.invalid_request"), 0);
}
END_TEST

START_TEST(pauses_are_kept_the_newest_first)
{
	struct coterie_map_value value;

	stats_totem_paused(totem_stats, 700);
	ck_assert(exec_stub_has_logged("This process did not run for 700 ms"));
	ck_assert_int_lt(stats_read(others.stats, "stats.schedmiss.0.delay", &value), 0);
	for (uint64_t i = 1; i <= 12; i++)
		stats_totem_paused(totem_stats, 1000 * i);
	ck_assert(exec_stub_has_logged(") for 12000.0000 ms (threshold is 800.0000 ms). Consider token "
				       "timeout increase."));
	ck_assert_int_eq(stats_read(others.stats, "stats.schedmiss.0.delay", &value), 0);
	ck_assert_uint_eq(value.type, COTERIE_MAP_FLOAT);
	ck_assert(*(const float *)value.bytes > 11999.0f);
	ck_assert_int_eq(stats_read(others.stats, "stats.schedmiss.9.delay", &value), 0);
	ck_assert(*(const float *)value.bytes < 3001.0f);
	ck_assert_int_lt(stats_read(others.stats, "stats.schedmiss.10.delay", &value), 0);
	ck_assert_uint_gt(read_number("stats.schedmiss.9.timestamp"), UINT64_C(1600000000000));
	ck_assert_uint_eq(read_number("stats.coterie.scheduler.late"), 12);
	ck_assert_int_eq(stats_clear(others.stats, "schedmiss"), 0);
	ck_assert_uint_eq(read_number("stats.coterie.scheduler.late"), 0);
	ck_assert_int_lt(stats_read(others.stats, "stats.schedmiss.0.delay", &value), 0);
	stats_totem_paused(totem_stats, 900);
	ck_assert_int_eq(stats_read(others.stats, "stats.schedmiss.0.delay", &value), 0);
	ck_assert_int_eq(stats_clear(others.stats, "all"), 0);
}
END_TEST

/* The descriptor has no more than a kind and a name. */
START_TEST(plugins_of_few_words)
{
	static const struct coterie_plugin descriptor = {.kind = COTERIE_KIND_SERVICE, .name = "terse"};
	struct plugin plugin = {.descriptor = &descriptor, .name = "terse"};
	static const char *const names[] = {"description", "file", "version"};
	struct coterie_map_value value;
	char key[64];

	stats_plugin_add(others.stats, &plugin);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(key, sizeof(key), "stats.plugins.terse.%s", names[i]);
		ck_assert_int_eq(stats_read(others.stats, key, &value), 0);
		ck_assert_uint_eq(value.size, 1);
		ck_assert_str_eq(value.bytes, "");
	}
	stats_plugin_del(others.stats, &plugin);
	ck_assert_int_lt(stats_read(others.stats, key, &value), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_list_is_that_of_the_reference);
	tcase_add_test(tcase, sizes_are_those_of_the_types);
	tcase_add_test(tcase, counters_of_the_ring);
	tcase_add_test(tcase, failures_to_send_are_counted_until_a_success);
	tcase_add_test(tcase, who_does_not_hear_whom);
	tcase_add_test(tcase, who_is_waited_for);
	tcase_add_test(tcase, the_lease_is_told);
	tcase_add_test(tcase, the_daemon_tells_of_itself);
	tcase_add_test(tcase, values_of_the_process_are_kept_for_a_second);
	tcase_add_test(tcase, lines_of_the_log_are_counted);
	tcase_add_test(tcase, late_timers_are_counted);
	tcase_add_test(tcase, connections_are_counted);
	tcase_add_test(tcase, pauses_are_kept_the_newest_first);
	tcase_add_test(tcase, plugins_of_few_words);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
