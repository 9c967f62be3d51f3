/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config/{validate,timers}.c: the effect of values of section totem, and refused values:
 * docs/protocol/configuration.md.
 */
#include "tests/unit/config/validate_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- timers: test vectors of book configuration, "Timers" --- */

static const struct timers {
	uint32_t nodes;
	const char *lines;
	uint32_t token, retransmit, hold, consensus, ping_timeout, ping_interval;
} timers[] = {
	{1, "", 3000, 714, 561, 3600, 1500, 750},
	{2, "", 3000, 714, 561, 3600, 1500, 750},
	{3, "", 3650, 869, 685, 4380, 1825, 912},
	{3, "token: 5000\n", 5650, 1345, 1066, 6780, 2825, 1412},
	{3, "token_coefficient: 0\n", 3000, 714, 561, 3600, 1500, 750},
	{3, "token: 10\n", 660, 157, 115, 792, 330, 165},
	{3, "token: 0\n", 3650, 869, 685, 4380, 1825, 912},
	{2, "token: 1000\nconsensus: 1300\nhold: 100\ntoken_retransmit: 200\n", 1000, 200, 100, 1300, 500, 250},
	{1, "token: 4294967295\n", UINT32_MAX, 1022611260, 818088998, UINT32_MAX, 2147483647, 1073741823},
	{1, "token_retransmits_before_loss_const: 10\n", 3000, 294, 225, 3600, 1500, 750},
	{1, "interface {\nknet_pong_count: 3\n}\n", 3000, 714, 561, 3600, 1000, 500},
	{1, "interface {\nknet_ping_timeout: 77\nknet_ping_interval: 66\n}\n", 3000, 714, 561, 3600, 77, 66},
};

static void check_number(const char *name, uint32_t want)
{
	char key[128];

	snprintf(key, sizeof(key), "runtime.config.totem.%s", name);
	const char *text = config_case_entry(&one, key);

	ck_assert_msg(text != NULL && strtoul(text, NULL, 10) == want, "%s is %s instead of %u", name,
		text == NULL ? "absent" : text, want);
}

START_TEST(timers_are_computed)
{
	const struct timers *row = &timers[_i];
	char text[2048];

	snprintf(text, sizeof(text), "totem {\nversion: 2\ntransport: udpu\n%s}\nnodelist {\n" CF1 "%s%s}\n",
		row->lines, row->nodes > 1 ? CF2 : "", row->nodes > 2 ? CF3 : "");
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	check_number("token", row->token);
	check_number("token_retransmit", row->retransmit);
	check_number("hold", row->hold);
	check_number("consensus", row->consensus);
	check_number("interface.0.knet_ping_timeout", row->ping_timeout);
	check_number("interface.0.knet_ping_interval", row->ping_interval);
	const struct totem_options *totem = &one.config->totem;

	ck_assert_uint_eq(totem->token_ns, row->token * UINT64_C(1000000));
	ck_assert_uint_eq(totem->token_retransmit_ns, row->retransmit * UINT64_C(1000000));
	ck_assert_uint_eq(totem->hold_ns, row->hold * UINT64_C(1000000));
	ck_assert_uint_eq(totem->consensus_ns, row->consensus * UINT64_C(1000000));
	ck_assert_uint_eq(totem->node_count, row->nodes);
	ck_assert_uint_eq(totem->nodeid, 1);
}
END_TEST

/* libknet checks its links every 200 ms, and version 1.31 refuses a shorter timeout. */
START_TEST(ping_timeouts_of_knet_are_at_least_200_ms)
{
	static const struct {
		const char *transport, *lines;
		uint32_t timeout;
	} rows[] = {
		{"knet", "interface {\nknet_ping_timeout: 200\n}\n", 200}, {"knet", "token: 300\n", 200},
		{"knet", "token: 500\n", 250}, {"knet", "interface {\nknet_pong_count: 100\n}\n", 200},
		{"udpu", "token: 300\n", 150}, /* udpu has no link of knet */
	};
	char text[2048];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "totem {\nversion: 2\ntransport: %s\n%s}\nnodelist {\n" CF1 CF2 "}\n",
			rows[i].transport, rows[i].lines);
		ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
		check_number("interface.0.knet_ping_timeout", rows[i].timeout);
	}
}
END_TEST

/* --- how much later than this node's path a path between two other nodes may carry packets again --- */

static const struct {
	const char *transport, *lines;
	uint64_t lag_ms;
} path_lags[] = {
	{"knet", "", 1200}, /* 912 ms, rounded up to libknet's grid of 200 ms, and four joins of 50 ms */
	{"knet", "join: 100\n", 1400},
	/* With three nodes this makes a token timeout of 1000 ms and a ping interval of 250 ms. */
	{"knet", "token: 350\n", 600},
	{"knet", "interface {\nknet_pong_count: 3\n}\n", 1000}, /* 608 ms, rounded up */
	{"knet", "interface {\nknet_ping_timeout: 900\nknet_ping_interval: 400\n}\n", 600},
	{"udpu", "", 0},
};

START_TEST(a_path_lag_is_computed_for_knet)
{
	char text[2048];

	snprintf(text, sizeof(text), "totem {\nversion: 2\ntransport: %s\n%s}\nnodelist {\n" CF1 CF2 CF3 "}\n",
		path_lags[_i].transport, path_lags[_i].lines);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.config->totem.path_lag_ns, path_lags[_i].lag_ms * UINT64_C(1000000));
}
END_TEST

/* --- how long a member may be silent --- */

static const struct {
	uint32_t nodes;
	const char *lines; /* lines of section totem */
	const char *budget;
	uint32_t silence, token, consensus, retransmit, hold; /* silence: the budget that the engine gets */
} silences[] = {
	{2, "", "500", 500, 3000, 3600, 100, 135},
	{3, "", "quick", 500, 3650, 4380, 100, 135},
	{2, "", "200", 200, 3000, 3600, 40, 54},
	/* The budget is longer than these timers need. */
	{2, "", "5000", 5000, 3000, 3600, 714, 561},
	{2, "", "3000", 3000, 3000, 3600, 600, 561},
	/* The budget is exactly the token timeout plus the consensus timeout. */
	{2, "", "6600", 0, 3000, 3600, 714, 561},
	/* The budget is longer than both timeouts together, so both grow. */
	{2, "", "6601", 0, 3000, 3601, 714, 561},
	{3, "", "cloud", 0, 13636, 16364, 3246, 2586},
	{3, "", "30000", 0, 13636, 16364, 3246, 2586},
	{2, "token: 0\nconsensus: 0\n", "cloud", 0, 13636, 16364, 3246, 2586},
	{2, "token_retransmit: 900\nhold: 500\n", "cloud", 0, 13636, 16364, 900, 500},
	/* Configured timers are kept if they fit. */
	{2, "token: 1000\ntoken_retransmit: 90\nhold: 60\n", "500", 500, 1000, 1200, 90, 60},
	/* The word "cloud" never shortens the time after which a silent member is removed. A number does. */
	{2, "token: 20000\n", "cloud", 0, 20000, 24000, 4761, 3798},
	{2, "token: 20000\n", "30000", 30000, 20000, 24000, 4761, 3798},
};

START_TEST(silence_is_budgeted)
{
	char text[2048];

	snprintf(text, sizeof(text),
		"totem {\nversion: 2\ntransport: udpu\n%s}\nnodelist {\n" CF1 "%s%s}\n"
		"coterie {\ntotem {\nsilence: %s\n}\n}\n",
		silences[_i].lines, CF2, silences[_i].nodes > 2 ? CF3 : "", silences[_i].budget);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	check_number("token", silences[_i].token);
	check_number("consensus", silences[_i].consensus);
	check_number("token_retransmit", silences[_i].retransmit);
	check_number("hold", silences[_i].hold);
	check_number("silence", strcmp(silences[_i].budget, "quick") == 0   ? 500
				: strcmp(silences[_i].budget, "cloud") == 0 ? 30000
									    : (uint32_t)atoi(silences[_i].budget));
	ck_assert_uint_eq(one.config->totem.silence_ns, silences[_i].silence * UINT64_C(1000000));
	ck_assert_uint_eq(one.config->totem.hold_ns, silences[_i].hold * UINT64_C(1000000));
	ck_assert_uint_eq(one.messages.warning_count, 0);
}
END_TEST

START_TEST(without_a_budget_nothing_changes)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1 CF2)), 0);
	ck_assert_uint_eq(one.config->totem.silence_ns, 0);
	ck_assert_ptr_null(config_case_entry(&one, "runtime.config.totem.silence"));
}
END_TEST

static const struct {
	const char *text;
	uint32_t number;
} code_points[] = {
	{"0", 0},
	{"63", 63},
	{"010", 8},
	{"0x2e", 46},
	{"cs0", 0},
	{"cs7", 56},
	{"CS5", 40},
	{"af11", 10},
	{"af13", 14},
	{"af41", 34},
	{"AF43", 38},
	{"ef", 46},
	{"EF", 46},
};

START_TEST(code_points_have_numbers_and_names)
{
	char text[512];

	snprintf(text, sizeof(text), TOTEM("udpu", "ip_dscp: %s\n") NODELIST(CF1 CF2), code_points[_i].text);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	check_number("ip_dscp", code_points[_i].number);
	ck_assert_str_eq(config_case_entry(&one, "totem.ip_dscp"), code_points[_i].text);
}
END_TEST

START_TEST(without_a_code_point_there_is_no_number)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1 CF2)), 0);
	ck_assert_ptr_null(config_case_entry(&one, "runtime.config.totem.ip_dscp"));
}
END_TEST

#define SILENCE(lines, budget) TOTEM("udpu", lines) NODELIST(CF1 CF2) "coterie {\ntotem {\nsilence: " budget "\n}\n}\n"

static const struct {
	const char *text, *error;
} contradictions[] = {
	{SILENCE("", "199"), "'silence' is 199 ms: must be from 200 to 3600000 ms"},
	{SILENCE("", "3600001"), "'silence' is 3600001 ms: must be from 200 to 3600000 ms"},
	{SILENCE("", "0"), "'silence' is 0 ms: must be from 200 to 3600000 ms"},
	{SILENCE("", "500ms"), "'silence' is '500ms': give milliseconds, or a word of: quick cloud"},
	{SILENCE("", "slow"), "'silence' is 'slow': give milliseconds, or a word of: quick cloud"},
	{SILENCE("token: 5000\n", "cloud"),
		"'silence' is 30000 ms, but 'totem.token' is set, and token and consensus together are 11000 ms: remove "
		"'totem.token', which then follows from 'silence', or lower 'silence'"},
	{SILENCE("consensus: 5000\n", "cloud"),
		"but 'totem.consensus' is set, and token and consensus together are 8000"},
	{SILENCE("token_coefficient: 0\n", "cloud"), "but 'totem.token_coefficient' is set"},
	{SILENCE("token_retransmit: 101\n", "quick"),
		"'silence' is 500 ms, but 'token_retransmit' is 101 ms: remove 'token_retransmit', or lower it to 100 ms"},
	{SILENCE("hold: 136\n", "quick"),
		"'silence' is 500 ms, but 'hold' is 136 ms: remove 'hold', or lower it to 135 ms"},
};

START_TEST(contradictions_are_refused)
{
	ck_assert_int_eq(config_case_load(&one, contradictions[_i].text), -EINVAL);
	ck_assert_msg(
		strstr(config_case_error(&one), contradictions[_i].error) != NULL, "got: %s", config_case_error(&one));
	/* The error contains the line of the option. */
	const char *at = strstr(contradictions[_i].text, "silence:");
	char place[32];
	int line = 1;

	for (const char *c = contradictions[_i].text; c < at; c++)
		line += *c == '\n';
	snprintf(place, sizeof(place), "c.conf:%d: ", line);
	ck_assert_msg(strncmp(config_case_error(&one), place, strlen(place)) == 0, "not %s: %s", place,
		config_case_error(&one));
}
END_TEST

START_TEST(windows_are_bounded)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "window_size: 1000000\nmax_messages: "
							      "4097\n") NODELIST(CF1)),
		0);
	ck_assert_uint_eq(one.config->totem.window_size, 4096);
	ck_assert_uint_eq(one.config->totem.max_messages, 4096);
	ck_assert(config_case_has_warning(&one, "c.conf:4: 'window_size' is 1000000: 4096 is taken"));
}
END_TEST

START_TEST(the_engine_gets_the_rest)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "send_join: 80\njoin: 60\nmerge: 100\nwindow_size: "
							      "300\nmax_messages: 20\nnetmtu: 9000\n"
							      "miss_count_const: 7\nfail_recv_const: "
							      "9\nseqno_unchanged_const: 8\ntoken_warning: 0\n"
							      "heartbeat_failures_allowed: 3\nmax_network_delay: "
							      "40\nblock_unlisted_ips: no\n"
							      "cancel_token_hold_on_retransmit: yes\n") NODELIST(CF1)),
		0);
	const struct totem_options *totem = &one.config->totem;

	ck_assert_uint_eq(totem->send_join_ns, 80000000);
	ck_assert_uint_eq(totem->join_ns, 60000000);
	ck_assert_uint_eq(totem->merge_ns, 100000000);
	ck_assert_uint_eq(totem->max_network_delay_ns, 40000000);
	ck_assert_uint_eq(totem->window_size, 300);
	ck_assert_uint_eq(totem->max_messages, 20);
	ck_assert_uint_eq(totem->miss_count_const, 7);
	ck_assert_uint_eq(totem->fail_recv_const, 9);
	ck_assert_uint_eq(totem->seqno_unchanged_const, 8);
	ck_assert_uint_eq(totem->token_warning_percent, 0);
	ck_assert_uint_eq(totem->heartbeat_failures_allowed, 3);
	ck_assert(totem->cancel_token_hold_on_retransmit);
	ck_assert_uint_eq(totem->node_count, 0); /* without a nodelist any node may join */
	ck_assert(one.config->has_payload_max);
	ck_assert_uint_eq(totem->payload_max, 8910);
	ck_assert_uint_eq(one.config->netmtu, 9000);
}
END_TEST

/* --- what is refused --- */

static const struct refused {
	const char *text, *error;
	int rc;
} refused[] = {
	{TOTEM("iba", "") NODELIST(CF1), "c.conf:3: Invalid transport type 'iba': no plugin 'iba' here", -EINVAL},
	{TOTEM("KNET", "") NODELIST(CF1), "c.conf:3: Invalid transport type 'KNET': choose udpu, udp, knet or the name",
		-EINVAL},
	{TOTEM("", "") NODELIST(CF1), "c.conf:3: Invalid transport type '': choose", -EINVAL},
	{TOTEM("../acme", "") NODELIST(CF1), "c.conf:3: Invalid transport type '../acme': choose", -EINVAL},
	{"totem {\ntransport: udpu\n}\n" NODELIST(CF1), "version 2 configurations", -EINVAL},
	{TOTEM("udpu", ""), "c.conf: no nodes: add 'nodelist {'", -EINVAL},
	{TOTEM("udpu", "token: 29\n") NODELIST(CF1), "c.conf:4: 'token' is 29 ms: must be at least 30 ms", -EINVAL},
	{TOTEM("udpu", "token: 100\n") NODELIST(CF1), "'token_retransmit' comes out as 23 ms", -EINVAL},
	{TOTEM("udpu", "hold: 13\n") NODELIST(CF1), "c.conf:4: 'hold' is 13 ms", -EINVAL},
	{TOTEM("udpu", "join: 5000\nconsensus: 4000\n") NODELIST(CF1), "c.conf:5: 'consensus' is 4000 ms", -EINVAL},
	{TOTEM("udpu", "token_warning: 101\n") NODELIST(CF1), "c.conf:4: 'token_warning' is 101", -EINVAL},
	{TOTEM("udpu", "netmtu: 299\n") NODELIST(CF1), "c.conf:4: 'netmtu' is 299: must be from 300 to 65536", -EINVAL},
	{TOTEM("udpu", "netmtu: 65537\n") NODELIST(CF1), "'netmtu' is 65537", -EINVAL},
	{TOTEM("udpu", "ip_dscp: 64\n") NODELIST(CF1), "c.conf:4: '64' is no code point", -EINVAL},
	{TOTEM("knet", "ip_dscp: af44\n") NODELIST(CF1), "c.conf:4: 'af44' is no code point", -EINVAL},
	{TOTEM("udp", "ip_dscp: cs8\n") NODELIST(CF1), "'cs8' is no code point", -EINVAL},
	{TOTEM("udp", "ip_dscp: af50\n") NODELIST(CF1), "'af50' is no code point", -EINVAL},
	{TOTEM("udp", "ip_dscp: ef1\n") NODELIST(CF1), "'ef1' is no code point", -EINVAL},
	{TOTEM("udp", "ip_dscp: 0x40\n") NODELIST(CF1), "'0x40' is no code point", -EINVAL},
	{TOTEM("udp", "ip_dscp: -1\n") NODELIST(CF1), "'-1' is no code point", -EINVAL},
	{TOTEM("udpu", "link_mode: x\n") NODELIST(CF1), "c.conf:4: 'x' is not a value of 'totem.link_mode'", -EINVAL},
	{TOTEM("udpu", "crypto_hash: sha256\n") NODELIST(CF1), "only valid for the Knet transport", -EINVAL},
	{TOTEM("udpu", "interface {\nttl: 5\n}\n") NODELIST(CF1), "c.conf:5: Can only set ttl", -EINVAL},
	{TOTEM("knet", "interface {\nknet_ping_timeout: 199\n}\n") NODELIST(CF1),
		"c.conf:5: 'knet_ping_timeout' is 199 ms: must be at least 200 ms", -EINVAL},
	{TOTEM("knet", "interface {\nlinknumber: 0\nknet_ping_interval: 5000\nknet_ping_timeout: 1\n}\n") NODELIST(CF1),
		"c.conf:7: 'knet_ping_timeout' is 1 ms", -EINVAL},
	{TOTEM("udpu", "interface {\nknet_link_priority: 5\n}\n") NODELIST(CF1), "c.conf:5: Can only set link priority",
		-EINVAL},
	{TOTEM("udpu", "interface {\nknet_link_priority: 2\n}\n") NODELIST(CF1), "c.conf:5: Can only set link priority",
		-EINVAL},
	{TOTEM("udpu", "interface {\nlinknumber: 1\nmcastport: 9\n}\n") NODELIST(CF1),
		"Not all nodes have the same number of links", -EINVAL},
	{TOTEM("knet", "interface {\nlinknumber: 8\nmcastport: 9\n}\n") NODELIST(CF1), "c.conf:6: link number 8",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nring8_addr: 10.77.0.1\n")), "c.conf:8: link number 8",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring1_addr: 10.77.0.1\nnodeid: 1\n")), "transport udpu uses link 0", -EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: 10.78.0.1\nname: a\n")),
		"2 is too many configured interfaces", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: 10.78.0.1\nnodeid: 1\n")),
		"must have a 'name' attribute", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("ring0_addr: 10.77.0.1\n")), "c.conf:7: node '10.77.0.1' has no id", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nnodeid: 65536\n")), "knet allows 1 to 65535", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("name: vm\nnodeid: 1\n")), "No interfaces defined", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: fe80::1\nnodeid: 2\n")),
		"Nodes for link 0 have different IP families (compared fe80::1 with 10.77.0.1)", -EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: ::1\n")), "add 'nodeid: N'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.9\nnodeid: 1\n")),
		"c.conf:13: Nodeid 1 appears twice", -EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nnodeid: 1\n") NODE("ring0_addr: 0.0.0.1\n")),
		"Nodeid 1 appears twice", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.9\nname: cf1\n")),
		"c.conf:13: two nodes have the name 'cf1'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.1\nnodeid: 7\n")),
		"c.conf:12: two nodes have the address '10.77.0.1'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: nosuchhost\nnodeid: 7\n")),
		"c.conf:12: cannot resolve 'nosuchhost' (no such host)", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: down.example\nnodeid: 7\n")),
		"cannot resolve 'down.example' (the resolver failed)", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 0.0.0.0\n")), "c.conf:12: node '0.0.0.0' has no id", -EINVAL},
	{TOTEM("udpu", "clear_node_high_bit: yes\n") NODELIST(CF1 NODE("ring0_addr: 128.0.0.0\n")),
		"node '128.0.0.0' has no id", -EINVAL},
	{TOTEM("acme", "") "transport {\nname: acme\n}\n" NODELIST(NODE("ring1_addr: 10.77.0.1\nname: x\n")),
		"node 'x' has no id", -EINVAL},
	{TOTEM("udp", "") NODELIST(CF1), "No multicast address specified for interface 0", -EINVAL},
	{TOTEM("udp", "interface {\nmcastaddr: 10.0.0.1\n}\n") NODELIST(CF1),
		"c.conf:5: mcastaddr '10.0.0.1' is not a multicast address", -EINVAL},
	{TOTEM("udp", "interface {\nbroadcast: yes\nmcastaddr: x\n}\n") NODELIST(CF1),
		"c.conf:6: 'x' is not an IP address", -EINVAL},
	{TOTEM("udp", "ip_version: ipv6\ninterface {\nbroadcast: yes\n}\n")
			NODELIST(NODE("ring0_addr: ::1\nnodeid: 1\n")),
		"c.conf:6: IPv6 has no broadcast", -EINVAL},
	{TOTEM("udp", "interface {\nmcastaddr: ff15::1\n}\n") NODELIST(CF1), "c.conf:5: mcastaddr 'ff15::1' is IPv6",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "quorum {\nprovider: Foo/x\n}\n", "no quorum provider 'Foo/x'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\npriority: high\n}\n", "'high' is no priority", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\nqb_ipc_type: tcp\n}\n",
		"'tcp' is not a value of 'system.qb_ipc_type'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\nstate_dir: x\n}\n", "state directory 'x' is relative", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "logging {\nto_stderr: maybe\n}\n",
		"'maybe' is not a value of 'to_stderr': choose one of yes, on, no, off", -EBADF},
	{TOTEM("udpu", "") NODELIST(CF1) "logging {\nsyslog_facility: LOCAL3\n}\n", "did you mean 'local3'?", -EBADF},
	{TOTEM("iba", "") NODELIST(CF1) "logging {\ndebug: yes\n}\n", "'yes' is not a value of 'debug'", -EBADF},
	{TOTEM("knet", "secauth: on\nkeyfile: /nonexistent/key\n") NODELIST(CF1),
		"c.conf:5: Could not open /nonexistent/key: No such file or directory", -EINVAL},
	{TOTEM("knet", "secauth: on\nkeyfile: /\n") NODELIST(CF1), "c.conf:5: Could not read /: Is a dir", -EINVAL},
	{TOTEM("knet", "crypto_hash: sha1\nkeyfile: /dev/null\n") NODELIST(CF1),
		"c.conf:5: Could only read 0 bits of minimum 1024 bits from /dev/null", -EINVAL},
	{TOTEM("udpu", "encryption: aes128\n") NODELIST(CF1),
		"c.conf:4: 'aes128' is not a value of 'totem.encryption': choose one of: none aes256-gcm", -EINVAL},
	{TOTEM("udpu", "encryption: aes256-gcm\nkeyfile: /nonesuch\n") NODELIST(CF1),
		"c.conf:5: Could not open /nonesuch", -EINVAL},
	{TOTEM("knet", "crypto_cipher: aes128\n") NODELIST(CF1),
		"c.conf:4: crypto_cipher requires crypto_hash with value other than none", -EINVAL},
	{TOTEM("udp", "secauth: on\n") NODELIST(CF1),
		"c.conf:4: crypto_cipher & crypto_hash are only valid for the Knet transport", -EINVAL},
	{TOTEM("knet", "secauth: on\nkey: short\n") NODELIST(CF1), "c.conf:5: key is too short (6 bytes", -EINVAL},
};

START_TEST(errors_say_what_to_do)
{
	const struct refused *row = &refused[_i];

	ck_assert_int_eq(config_case_load(&one, row->text), row->rc);
	ck_assert_msg(
		config_case_has_error(&one, row->error), "'%s' instead of '%s'", config_case_error(&one), row->error);
}
END_TEST

/* Corosync refuses larger ones only. */
START_TEST(link_priorities_without_effect_are_accepted)
{
	static const char *const texts[] = {TOTEM("udpu", "interface {\nknet_link_priority: 0\n}\n") NODELIST(CF1),
		TOTEM("udpu", "interface {\nknet_link_priority: 1\n}\n") NODELIST(CF1)};

	for (size_t i = 0; i < COUNT(texts); i++)
		ck_assert_msg(config_case_load(&one, texts[i]) == 0, "%s", config_case_error(&one));
}
END_TEST

START_TEST(a_list_has_at_most_384_nodes)
{
	static char text[65536];

	for (int count = 384; count <= 385; count++) {
		size_t used = (size_t)sprintf(text, TOTEM("udpu", "") "nodelist {\n");

		for (int i = 0; i < count; i++)
			used += (size_t)sprintf(
				text + used, "node {\nring0_addr: 10.77.%d.%d\n}\n", i / 250, i % 250 + 1);
		strcpy(text + used, "}\n");
		ck_assert_int_eq(config_case_load(&one, text), count <= 384 ? 0 : -EINVAL);
	}
	ck_assert(config_case_has_error(&one, "more than 384 nodes"));
	/*
	 * In a section the position of a node comes from the file's order, but a key in dotted form may contain any
	 * position.
	 */
	ck_assert_int_eq(
		config_case_load(&one, "nodelist.node.4000000000.name: x\n" TOTEM("udpu", "") NODELIST(CF1)), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate");
	TCase *tc = validate_case_add(suite);

	tcase_add_loop_test(tc, timers_are_computed, 0, COUNT(timers));
	tcase_add_test(tc, ping_timeouts_of_knet_are_at_least_200_ms);
	tcase_add_loop_test(tc, a_path_lag_is_computed_for_knet, 0, COUNT(path_lags));
	tcase_add_loop_test(tc, silence_is_budgeted, 0, COUNT(silences));
	tcase_add_test(tc, without_a_budget_nothing_changes);
	tcase_add_loop_test(tc, code_points_have_numbers_and_names, 0, COUNT(code_points));
	tcase_add_test(tc, without_a_code_point_there_is_no_number);
	tcase_add_loop_test(tc, code_points_have_numbers_and_names, 0, sizeof(code_points) / sizeof(code_points[0]));
	tcase_add_test(tc, without_a_code_point_there_is_no_number);
	tcase_add_loop_test(tc, contradictions_are_refused, 0, COUNT(contradictions));
	tcase_add_test(tc, windows_are_bounded);
	tcase_add_test(tc, the_engine_gets_the_rest);
	tcase_add_loop_test(tc, errors_say_what_to_do, 0, COUNT(refused));
	tcase_add_test(tc, link_priorities_without_effect_are_accepted);
	tcase_add_test(tc, a_list_has_at_most_384_nodes);
	return suite_run_together(suite);
}
