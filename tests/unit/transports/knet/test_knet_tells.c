/* SPDX-License-Identifier: BSD-3-Clause */
/* Status of nodes, statistics, and the lines of libknet, as the knet plugin tells them. */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/knet/knet_nodes.h"

static struct knet_nodes nodes;

static bool is_connected(struct knet_nodes *all, uint32_t links) { return knet_is_connected(all, links); }

static void start(uint32_t count, uint32_t links)
{
	knet_nodes_start(&nodes, links, count);
	ck_assert(knet_wait(&nodes, is_connected, links));
}

static void set_up(void) { knet_nodes_init(&nodes); }

static void tear_down(void) { knet_nodes_fini(&nodes); }

START_TEST(status_tells_of_every_link)
{
	struct coterie_node_status status = {.size = sizeof(status)};

	start(2, 2);
	ck_assert_int_eq(nodes.ops->node_status(nodes.list[0].mesh, 2, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 1);
	ck_assert_uint_eq(status.links[1].is_enabled, 1);
	ck_assert_uint_eq(status.links[1].is_connected, 1);
	ck_assert_uint_eq(status.links[2].is_enabled, 0);
	ck_assert_uint_gt(status.links[0].mtu, 400);
	ck_assert_int_eq(strncmp(status.links[1].source, "127.", 4), 0);
	ck_assert_str_ne(status.links[1].source, status.links[1].destination);
	memset(&status, 0, sizeof(status));
	ck_assert_int_eq(nodes.ops->node_status(nodes.list[0].mesh, 1, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 1);
	ck_assert_uint_eq(status.links[0].is_connected, 1);
	ck_assert_int_eq(nodes.ops->node_status(nodes.list[0].mesh, 3, &status), -ENOENT);
}
END_TEST

static uint64_t stat_of(const char *key, uint32_t type)
{
	struct coterie_ctx *host = nodes.list[0].host;
	struct coterie_map_value value;
	uint64_t number = 0;
	int rc = host->table.map_read(host, COTERIE_MAP_STATS, key, &value);

	ck_assert_msg(rc == 0, "%s: %d", key, rc);
	ck_assert_msg(value.type == type, "%s: type %u", key, value.type);
	memcpy(&number, value.bytes, value.size); /* correct on a little-endian host, on which this test runs */
	return number;
}

START_TEST(statistics_have_the_names_of_the_field)
{
	struct coterie_ctx *host = nodes.list[0].host;
	struct coterie_map_value value;

	start(2, 1);
	knet_multicast(&nodes, 0, 100, 10, 0);
	knet_receive(&nodes, 1, 10);
	host->now_ns += 10 * MS;
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.enabled", COTERIE_MAP_U8), 1);
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.connected", COTERIE_MAP_U8), 1);
	ck_assert_uint_gt(stat_of("stats.knet.node2.link0.mtu", COTERIE_MAP_U32), 400);
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.tx_data_packets", COTERIE_MAP_U64), 10);
	ck_assert_uint_gt(stat_of("stats.knet.node2.link0.tx_total_bytes", COTERIE_MAP_U64), 1000);
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.rx_total_retries", COTERIE_MAP_U64), 0);
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.up_count", COTERIE_MAP_U32), 1);
	ck_assert_uint_eq(stat_of("stats.knet.node1.link0.tx_data_packets", COTERIE_MAP_U64), 10);
	ck_assert_uint_eq(stat_of("stats.knet.handle.tx_crypt_packets", COTERIE_MAP_U64), 0);
	ck_assert_int_eq(host->table.stats_clear(host, "knet"), 0);
	host->now_ns += 10 * MS;
	ck_assert_uint_eq(stat_of("stats.knet.node2.link0.tx_data_packets", COTERIE_MAP_U64), 0);
	nodes.ops->peer_del(nodes.list[0].mesh, 0, 2);
	ck_assert_int_eq(
		host->table.map_read(host, COTERIE_MAP_STATS, "stats.knet.node2.link0.connected", &value), -ENOENT);
}
END_TEST

/*
 * At level debug libknet writes a line for each packet to a node that is not up yet. So the plugin sets level debug
 * only if a node has been silent for long.
 */
START_TEST(libknet_tells_of_packets_only_when_somebody_is_silent)
{
	uint8_t level;

	knet_node_start(&nodes, 0, 1, 2);
	knet_handle_t handle = nodes.list[0].mesh->handle;

	mock_host_advance(nodes.list[0].host, 1000 * MS);
	knet_log_get_loglevel(handle, KNET_SUB_RX, &level);
	ck_assert_uint_eq(level, KNET_LOG_INFO);
	knet_age(&nodes, 0);
	knet_log_get_loglevel(handle, KNET_SUB_RX, &level);
	ck_assert_uint_eq(level, KNET_LOG_DEBUG);
	knet_set_text(&nodes, 0, "logging.debug", "on");
	knet_set_text(&nodes, 0, "logging.debug", "off");
	knet_log_get_loglevel(handle, KNET_SUB_RX, &level);
	ck_assert_uint_eq(level, KNET_LOG_DEBUG);
	knet_node_start(&nodes, 1, 1, 2);
	ck_assert(knet_wait(&nodes, is_connected, 1));
	mock_host_advance(nodes.list[0].host, 1000 * MS);
	knet_log_get_loglevel(handle, KNET_SUB_RX, &level);
	ck_assert_uint_eq(level, KNET_LOG_INFO);
}
END_TEST

START_TEST(libknet_debugs_when_the_config_wants_it)
{
	uint8_t level;

	knet_node_start(&nodes, 0, 1, 2);
	knet_handle_t handle = nodes.list[0].mesh->handle;

	knet_log_get_loglevel(handle, KNET_SUB_LINK, &level);
	ck_assert_uint_eq(level, KNET_LOG_INFO);
	knet_set_text(&nodes, 0, "logging.logger_subsys.KNET.debug", "on");
	knet_log_get_loglevel(handle, KNET_SUB_LINK, &level);
	ck_assert_uint_eq(level, KNET_LOG_DEBUG);
	knet_set_text(&nodes, 0, "logging.logger_subsys.KNET.debug", "off");
	knet_set_text(&nodes, 0, "logging.debug", "on");
	knet_log_get_loglevel(handle, KNET_SUB_LINK, &level);
	ck_assert_uint_eq(level, KNET_LOG_INFO); /* the level of the subsystem decides */
	knet_serve(&nodes, 0);
	ck_assert(mock_host_has_logged(nodes.list[0].host, "host: "));
}
END_TEST

/* Put a line into the pipe as libknet does, and read it. */
static void write_line(uint8_t level, const char *text)
{
	struct knet_log_msg record = {.subsystem = KNET_SUB_LINK, .msglevel = level};

	snprintf(record.msg, sizeof(record.msg), "%s", text);
	ck_assert_int_eq(write(nodes.list[0].mesh->log_fds[1], &record, sizeof(record)), sizeof(record));
	knet_serve(&nodes, 0);
}

static int priority_of(const char *words)
{
	const struct mock_queue *logs = &nodes.list[0].host->logs;

	for (uint32_t i = 0; i < logs->count; i++)
		if (strstr((const char *)logs->list[i].data, words) != NULL)
			return (int)logs->list[i].id;
	return -1;
}

/* As in Corosync since 3.1.8: the level of libknet for single packets, which is below debug. */
START_TEST(libknet_traces_when_the_config_wants_it)
{
	const uint8_t trace = KNET_LOG_DEBUG + 1;
	uint8_t level;

	knet_node_start(&nodes, 0, 1, 2);
	knet_handle_t handle = nodes.list[0].mesh->handle;

	write_line(trace, "trace of nobody");
	knet_set_text(&nodes, 0, "logging.debug", "on");
	write_line(trace, "trace of debug");
	knet_set_text(&nodes, 0, "logging.debug", "trace");
	write_line(trace, "trace of trace");
	write_line(KNET_LOG_DEBUG, "debug of trace");
	ck_assert_int_eq(priority_of("trace of nobody"), -1);
	ck_assert_int_eq(priority_of("trace of debug"), -1);
	ck_assert_int_eq(priority_of("trace of trace"), LOG_DEBUG + 1);
	ck_assert_int_eq(priority_of("debug of trace"), LOG_DEBUG);
	knet_log_get_loglevel(handle, KNET_SUB_RX, &level);
#ifdef KNET_LOG_TRACE
	ck_assert_uint_eq(level, KNET_LOG_TRACE);
#else
	ck_assert_uint_eq(level, KNET_LOG_DEBUG);
#endif
	knet_set_text(&nodes, 0, "logging.debug", "off");
	knet_log_get_loglevel(handle, KNET_SUB_LINK, &level);
	ck_assert_uint_eq(level, KNET_LOG_INFO);
}
END_TEST

static bool tell_link(uint8_t subsystem, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put a line about links into the pipe, and read it. @return whether it was logged, perhaps among lines of libknet */
static bool tell_link(uint8_t subsystem, const char *format, ...)
{
	struct knet_log_msg record = {.subsystem = subsystem, .msglevel = KNET_LOG_INFO};
	const struct mock_queue *logs = &nodes.list[0].host->logs;
	uint32_t count = logs->count;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(record.msg, sizeof(record.msg), format, arguments);
	va_end(arguments);
	ck_assert_int_eq(write(nodes.list[0].mesh->log_fds[1], &record, sizeof(record)), sizeof(record));
	mesh_log_read(nodes.list[0].mesh);
	while (count < logs->count && strstr((const char *)logs->list[count].data, record.msg) == NULL)
		count++;
	return count < logs->count;
}

static bool tell_down(uint32_t node, uint32_t link)
{
	return tell_link(KNET_SUB_LINK, "host: %u link: %u is down", node, link);
}

static bool tell_mtu(uint32_t node, uint32_t mtu)
{
	return tell_link(KNET_SUB_PMTUD, "PMTUD link change for host: %u link: 0 from %d to %u", node, 1397, mtu);
}

/* Forged ICMP messages make a link go down and up. Each line about it is written three times in ten seconds. */
START_TEST(lines_about_a_flapping_link_are_limited)
{
	knet_node_start(&nodes, 0, 1, 2);
	struct coterie_ctx *host = nodes.list[0].host;
	uint32_t lines = 0;

	for (int i = 0; i < 900; i++) {
		lines += tell_down(5, 1);
		host->now_ns += 10 * MS;
	}
	ck_assert_uint_eq(lines, 3);
	ck_assert(mock_host_has_logged(host, "host: 5 link: 1 is down (lines like it are left out"));
	/* Lines about other links, and other lines about this one, are not hidden. */
	ck_assert(tell_down(5, 0));
	ck_assert(tell_down(51, 1));
	ck_assert(tell_link(KNET_SUB_RX, "host: %u link: %u is up", 5, 1));
	host->now_ns += 1000 * MS;
	ck_assert(tell_down(5, 1));
	ck_assert(mock_host_has_logged(host, "host: 5 link: 1 is down (897 like it before this)"));
}
END_TEST

/* An attacker chooses the MTU, so a line with another MTU is the same line. */
START_TEST(lines_that_differ_in_an_mtu_are_limited_together)
{
	uint32_t lines = 0;

	knet_node_start(&nodes, 0, 1, 2);
	for (uint32_t mtu = 0; mtu < 1500; mtu++)
		lines += tell_mtu(5, mtu);
	ck_assert_uint_eq(lines, 3);
	ck_assert(tell_mtu(6, 1000));
}
END_TEST

/* A ring of 384 nodes with eight links forms: every line is written. */
START_TEST(lines_of_a_large_ring_are_all_written)
{
	uint32_t missing = 0;

	knet_node_start(&nodes, 0, 1, 2);
	for (uint32_t node = 1001; node < 1384; node++) {
		for (uint32_t link = 0; link < 8; link++) {
			missing += !tell_link(
				KNET_SUB_LINK, "Resetting MTU for link %u because host %u joined", link, node);
			missing += !tell_link(KNET_SUB_RX, "host: %u link: %u is up", node, link);
			missing += !tell_link(KNET_SUB_HOST, "host: %u (passive) best link: %u (pri: 1)", node, link);
			missing += !tell_link(
				KNET_SUB_PMTUD, "PMTUD link change for host: %u link: %u from 469 to 1397", node, link);
		}
	}
	ck_assert_uint_eq(missing, 0);
}
END_TEST

/* Where very many links flap, the lines of all together are limited, and the log has the number of those left out. */
START_TEST(lines_of_all_links_have_a_budget)
{
	knet_node_start(&nodes, 0, 1, 2);
	struct coterie_ctx *host = nodes.list[0].host;
	uint32_t lines = 0;

	for (uint32_t i = 0; i < 60000; i++)
		lines += tell_down(i, 0);
	ck_assert_uint_ge(lines, 30000);
	ck_assert_uint_le(lines, 33000);
	ck_assert(mock_host_has_logged(host, "too many lines of libknet"));
	host->now_ns += 11000 * MS;
	lines = 0;
	for (uint32_t i = 0; i < 1000; i++)
		lines += tell_down(70000 + i, 0);
	ck_assert_uint_ge(lines, 100);
	ck_assert_uint_le(lines, 130);
}
END_TEST

START_TEST(old_versions_of_libknet_are_named)
{
	ck_assert(mesh_version_is_old("1.25"));
	ck_assert(mesh_version_is_old("1.34"));
	ck_assert(mesh_version_is_old("1.34.1"));
	ck_assert(!mesh_version_is_old("1.35"));
	ck_assert(!mesh_version_is_old("2.0"));
	ck_assert(!mesh_version_is_old("unknown"));
	/* The line is logged once, at the start of a node. */
	uint32_t lines = 0;
	knet_nodes_start(&nodes, 1, 2);
	for (uint32_t i = 0; i < nodes.list[0].host->logs.count; i++)
		lines += strstr((const char *)nodes.list[0].host->logs.list[i].data, "built with libknet") != NULL;
	ck_assert_uint_eq(lines, mesh_version_is_old(LIBKNET_VERSION) ? 1 : 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("knet_tells");
	TCase *tcase = tcase_create("knet_tells");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, status_tells_of_every_link);
	tcase_add_test(tcase, statistics_have_the_names_of_the_field);
	tcase_add_test(tcase, libknet_tells_of_packets_only_when_somebody_is_silent);
	tcase_add_test(tcase, libknet_debugs_when_the_config_wants_it);
	tcase_add_test(tcase, libknet_traces_when_the_config_wants_it);
	tcase_add_test(tcase, lines_about_a_flapping_link_are_limited);
	tcase_add_test(tcase, lines_that_differ_in_an_mtu_are_limited_together);
	tcase_add_test(tcase, lines_of_a_large_ring_are_all_written);
	tcase_add_test(tcase, lines_of_all_links_have_a_budget);
	tcase_add_test(tcase, old_versions_of_libknet_are_named);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
