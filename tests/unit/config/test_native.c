/* SPDX-License-Identifier: BSD-3-Clause */
/* config/native*.c: coterie.conf, and the exact text of each message (book configuration, "Messages"). */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <coterie/plugin.h>

#include "tests/suite.h"
#include "tests/unit/config/native_case.h"

#define C "node c { id = 3  address = 10.77.0.3 }\n"
#define KNET2 "node a { id = 1  address = {10.77.0.1, 10.78.0.1} }\n"

/* The plugin tally has two options. No other plugin can be described. */
static void describe(void *arg, uint32_t kind, const char *name, const char *folders,
	void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg)
{
	static const struct coterie_option options[] = {
		{.name = "step_max", .type = COTERIE_OPT_U32, .min = 1, .max = 9},
		{.name = "pause", .type = COTERIE_OPT_MS},
	};
	const struct coterie_plugin tally = {
		.size = sizeof(tally), .kind = COTERIE_KIND_SERVICE, .name = "tally", COTERIE_OPTIONS(options)};

	if (kind == COTERIE_KIND_SERVICE && strcmp(name, "tally") == 0)
		see(see_arg, &tally);
	else
		config_case_describe(arg, kind, name, folders, see, see_arg);
}

static void list_addresses(void *arg, char *text, size_t size)
{
	(void)arg;
	snprintf(text, size, "10.77.0.1, 10.78.0.1");
}

static void setup(void)
{
	native_case_setup();
	one.environment.describe = describe;
	one.environment.list_addresses = list_addresses;
}

/* --- the plain case --- */

START_TEST(a_ring_needs_a_transport_and_nodes)
{
	static const struct {
		const char *key, *text;
	} keys[] = {{"totem.version", "2"}, {"totem.transport", "udpu"}, {"totem.token", "1500"},
		{"totem.interface.0.mcastport", "5000"}, {"nodelist.node.0.name", "a"},
		{"nodelist.node.1.ring0_addr", "10.77.0.2"}, {"nodelist.node.1.nodeid", "2"},
		{"quorum.provider", "corosync_votequorum"}, {"runtime.config.totem.token", "1500"}};

	ck_assert_msg(config_case_load(&one, "transport udpu { port = 5000 }\n" A B "totem { token = 1.5s }\n") == 0,
		"%s", config_case_error(&one));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = config_case_entry(&one, keys[i].key);

		ck_assert_msg(text != NULL && strcmp(text, keys[i].text) == 0, "%s is %s", keys[i].key, text);
	}
	ck_assert_uint_eq(one.config->node_count, 2);
	ck_assert_uint_eq(one.messages.warning_count, 0);
}
END_TEST

/* --- each message --- */

static const struct message {
	const char *text;  /* text of the file */
	const char *error; /* the first error, with the file's name and line */
	int rc;
} messages[] = {
	{"totem {\n\ttokn = 1s\n}\n", "c.conf:2: unknown option 'tokn' in block 'totem': did you mean 'token'?",
		-EINVAL},
	{"token = 1s\n", "c.conf:1: unknown option 'token' at top level: it belongs in block 'totem'", -EINVAL},
	{"totme { }\n", "c.conf:1: unknown block 'totme': did you mean 'totem'?", -EINVAL},
	{"totem {\ntoken: 3000\n}\n",
		"c.conf:2: ':' after 'token': write 'token = 3s', or use --format corosync for a corosync.conf "
		"file",
		-EINVAL},
	{"totem { token = 3000 }\n", "c.conf:1: 'token' needs a unit: write '3000ms' or '3s'", -EINVAL},
	{"totem { token = 3 s }\n", "c.conf:1: unexpected 's' after '3': write '3s' without a space", -EINVAL},
	{"totem { token = 3sec }\n", "c.conf:1: '3sec' is not a duration: use ms, s, m, h or d", -EINVAL},
	{"totem { silence = 500 }\n", "c.conf:1: 'silence' needs a unit: write '500ms' or '500s'", -EINVAL},
	{"totem { silence = 100ms }\n", "c.conf:1: 'silence' is 100ms: must be between 200ms and 1h", -EINVAL},
	{"totem { silence = 61m }\n", "c.conf:1: 'silence' is 61m: must be between 200ms and 1h", -EINVAL},
	{"totem { silence = slow }\n", "c.conf:1: 'silence' is 'slow': give a duration or a word of: quick cloud",
		-EINVAL},
	{A B "transport udpu {}\ntotem { token = 1s\nsilence = cloud }\n",
		"c.conf:5: 'silence' is 30000 ms, but 'totem.token' is set, and token and consensus together are 2200 ms: "
		"remove 'totem.token', which then follows from 'silence', or lower 'silence'",
		-EINVAL},
	{"totem { token = 10ms }\n", "c.conf:1: 'token' is 10ms: must be between 30ms and 1h", -EINVAL},
	{"totem { token = -1s }\n", "c.conf:1: 'token' is negative: give a duration of at least 30ms", -EINVAL},
	{"transport udpu { port = 70000 }\n", "c.conf:1: 'port' is 70000: must be between 1 and 65535", -EINVAL},
	{"transport udpu { port = 0x1f }\n", "c.conf:1: '0x1f' is not a decimal number: write 31", -EINVAL},
	{"transport udpu { port = 010 }\n", "c.conf:1: '010' has a leading zero: write 10", -EINVAL},
	{"quorum { two-node = maybe }\n", "c.conf:1: 'maybe' is not yes or no: use yes, no, on, off, true or false",
		-EINVAL},
	{"transport udpu { mtu = 9KB }\n", "c.conf:1: '9KB' is not a size: use a number of bytes or K, M, G", -EINVAL},
	{"transport knet { cipher = aes512 }\n",
		"c.conf:1: 'aes512' is not a cipher: choose none, aes128, aes192 or aes256", -EINVAL},
	{"transport knet {\ncipher = aes256\n}\n" A,
		"c.conf:2: cipher 'aes256' needs a hash: add 'hash = sha256' to block 'transport knet'", -EINVAL},
	{"transport knot {}\n" A, "c.conf:1: no plugin 'knot' here", -EINVAL},
	{"transport udpu {}\ntransport udp {}\n",
		"c.conf:2: second transport 'udp': only one transport can be used, the first is at c.conf:1", -EINVAL},
	{"transport udpu { link-mode = rr }\n",
		"c.conf:1: transport udpu has no option 'link-mode' (knet has): remove it or change the "
		"transport",
		-EINVAL},
	{"transport udpu { ttl = 4 }\n",
		"c.conf:1: transport udpu has no option 'ttl' (udp has): remove it or use 'transport udp'", -EINVAL},
	{"transport udpu {}\nlink 1 { }\n", "c.conf:2: transport udpu has one link: remove block 'link 1' or use knet",
		-EINVAL},
	{"link 8 {}\n", "c.conf:1: link number 8: must be between 0 and 7", -EINVAL},
	{"node { id = 1 }\n", "c.conf:1: block 'node' needs a name: write 'node NAME {'", -EINVAL},
	{A A, "c.conf:2: node 'a' is already defined at c.conf:1: give each node one block", -EINVAL},
	{A "node b {\nid = 1  address = 10.77.0.2 }\n",
		"c.conf:3: node 'b' has id 1 like node 'a' (c.conf:1): ids must differ", -EINVAL},
	{"node a { id = 1 }\n", "c.conf:1: node 'a' has no address: add 'address = HOST'", -EINVAL},
	{KNET2 B, "c.conf:2: node 'b' has 1 address, node 'a' has 2: give every node one address per link", -EINVAL},
	{A "node b { id = 2  address = nosuchhost }\n",
		"c.conf:2: cannot resolve 'nosuchhost' (Name or service not known): use an IP address or fix the "
		"resolver",
		-EINVAL},
	{A "node b { id = 2  address = fe80::1 }\n",
		"c.conf:2: link 0 mixes IPv4 (10.77.0.1) and IPv6 (fe80::1 of node 'b'): use one family per link",
		-EINVAL},
	{A "node b { id = 70000  address = 10.77.0.2 }\n", "c.conf:2: node id 70000: knet allows 1 to 65535", -EINVAL},
	{A "node b { id = 0  address = 10.77.0.2 }\n", "c.conf:2: node id 0: must be between 1 and 4294967294",
		-EINVAL},
	{"transport udpu {}\nnode a { address = ::1 }\n",
		"c.conf:2: node 'a' has an IPv6 address and no id: add 'id = N'", -EINVAL},
	{"transport udpu {}\nnode a { address = 10.0.0.1 }\n",
		"c.conf: no node is this host (tried host name 'vm', addresses 10.77.0.1, 10.78.0.1): add a node "
		"block or use --node NAME",
		-EINVAL},
	{"cluster { name = x }\n", "c.conf: no nodes: add a 'node' block for every member", -EINVAL},
	{"", "c.conf: no nodes: add a 'node' block for every member", -EINVAL},
	{"transport knet {\nhash = sha256\nkey-file = /nonexistent/key }\n" A,
		"c.conf:3: cannot read key file '/nonexistent/key' (No such file or directory): create it with "
		"'coterie-ctl key create /nonexistent/key' on one node and copy it",
		-EINVAL},
	{A B "quorum {\nexpected-votes = 3\ndevice net {\nhost = x }\n}\n",
		"c.conf:5: quorum device has no votes but 'expected-votes' is set (c.conf:4): add 'votes = N' to "
		"the device",
		-EINVAL},
	{A B "quorum {\ntwo-node = yes\ndevice net { votes = 1 }\n}\n",
		"c.conf:4: 'two-node' and a quorum device exclude each other: remove one", -EINVAL},
	{A B C "quorum {\nauto-tie-breaker = lowest\nlast-man-standing = yes\n}\n",
		"c.conf:5: 'auto-tie-breaker' and 'last-man-standing' cannot be used together with an odd number "
		"of votes: add 'wait-for-all = yes' or drop one",
		-EINVAL},
	{"\ntotem {\ntoken = 3s\n", "c.conf:2: block 'totem' opened here is not closed: add '}'", -EINVAL},
	{A "}\n", "c.conf:2: '}' without an open block: remove it", -EINVAL},
	{"cluster {\nname = \"demo\n}\n", "c.conf:2: string opened here is not closed: add '\"'", -EINVAL},
	{"totem {\ntoken = 1s\njoin = 50ms\ntoken = 2s\n}\n", "c.conf:4: 'token' is already set at c.conf:2: keep one",
		-EINVAL},
	{"transport udpu { port = {1, 2} }\n", "c.conf:1: 'port' takes one value: remove the braces", -EINVAL},
	{"totem {\ntoken =\n}\n", "c.conf:2: 'token' has no value: write 'token = 3s'", -EINVAL},
	{"cluster { name = \"${NOPE}\" }\n",
		"c.conf:1: environment variable 'NOPE' is not set: set it or write '${NOPE:-default}'", -EINVAL},
	{"log { facility = LOCAL3 }\n", "c.conf:1: 'LOCAL3' is not a syslog facility: did you mean 'local3'?", -EBADF},
	{A "access { users = {nosuch} }\n", "c.conf:2: no user 'nosuch' on this host: create it or use a numeric id",
		-EINVAL},
	{A "access { observers = {\"@nosuch\"} }\n",
		"c.conf:2: no group 'nosuch' on this host: create it or use a numeric id", -EINVAL},
	{A "access { administrators = {4294967295} }\n",
		"c.conf:2: 'uid' is '4294967295': must be from 0 to 4294967294", -EINVAL},
	{A "plugins { standard = no }\nservice votequorum {}\n",
		"c.conf:3: service 'votequorum' needs service 'quorum': add 'service quorum {}'", -EINVAL},
	{A "service quorum { enabled = no }\n",
		"c.conf:2: service 'votequorum' needs service 'quorum': leave both enabled, or none of them", -EINVAL},
	{A "service votequorum { enabled = no }\n",
		"c.conf:2: service 'votequorum' is removed, and service 'quorum' would call each part of the cluster "
		"quorate: remove both, or write 'provider = none' in block 'quorum'",
		-EINVAL},
	{A "quorum { provider = corosync_votequorum }\nservice votequorum { enabled = no }\n",
		"c.conf:3: service 'votequorum' is the quorum provider: leave it enabled, or write 'provider = "
		"none' in block 'quorum'",
		-EINVAL},
	{A "keys = {\"coterie.plugins.without=a/b\"}\n",
		"c.conf:2: 'a/b' are no plugin names: use a-z, 0-9 and '_', with blanks between them", -EINVAL},
	{A "keys = {\"totem.token=40\"}\n",
		"c.conf:2: 'totem.token' has its own option 'token' in block 'totem': use that", -EINVAL},
	/* Errors that are no rows of the option table. */
	{"totem { crypto_cipher = none }\n",
		"c.conf:1: unknown option 'crypto_cipher' in block 'totem': write 'cipher' in block 'transport'",
		-EINVAL},
	{"device net {}\n", "c.conf:1: block 'device' stands in the wrong place: it belongs in block 'quorum'",
		-EINVAL},
	{"totem x {}\n", "c.conf:1: block 'totem' takes no name: write 'totem {'", -EINVAL},
	{"cluster { name = *.conf }\n", "c.conf:1: '*.conf' has a character that needs quotes: write \"…\" around it",
		-EINVAL},
	{"node a { address = {10.77.0.1, } }\n", "c.conf:1: the list ends with ',': remove it", -EINVAL},
	{"node a { address = {10.77.0.1 10.77.0.2} }\n",
		"c.conf:1: '10.77.0.2' in a list without ',' before it: write {a, b}", -EINVAL},
	{"cluster { name = \"a\\qb\" }\n", "c.conf:1: '\\q' means nothing in a string: write '\\\\' for a backslash",
		-EINVAL},
	{"/* never\nclosed\n", "c.conf:1: comment opened here is not closed: add '*/'", -EINVAL},
	{"cluster { name = \"\" }\n", "c.conf:1: 'name' is empty: give a value or remove it", -EINVAL},
	{"include(\"x\")\n", "c.conf:1: no other file is read here: remove 'include'", -EINVAL},
	{"totem { consensus = 40ms join = 50ms }\n" A,
		"c.conf:1: 'consensus' is 40 ms, 'join' is 50 ms: consensus may not be less than join", -EINVAL},
	{"service tally { step-max = 10 }\n" A, "c.conf:1: 'step_max' is 10: must be between 1 and 9", -EINVAL},
	{"service tally { stepmax = 3 }\n" A,
		"c.conf:1: service tally has no option 'stepmax': did you mean 'step_max'?", -EINVAL},
	{"node a { id = 1 address = 10.77.0.1 keys = {x} }\n",
		"c.conf:1: 'x' in 'keys' is no key with a value: write \"key=value\"", -EINVAL},
	{"process { blackbox-size = 1K }\n", "c.conf:1: 'blackbox-size' is 1K: must be 0, or between 64K and 64M",
		-EINVAL},
	{"node a { address = {10.77.0.1, # one\n10.77.0.2} }\n",
		"c.conf:1: comment in a list: move it in front of the list", -EINVAL},
	{"totem # x\n{\n}\n", "c.conf:2: '{' stands apart from 'totem': put it behind it, on the same line", -EINVAL},
	{"process { nice = 20 }\n", "c.conf:1: 'nice' is 20: must be between -20 and 19", -EINVAL},
	{"quorum { auto-tie-breaker = first }\n",
		"c.conf:1: 'first' is not an auto-tie-breaker: choose no, yes, lowest, highest or node ids "
		"separated by blanks",
		-EINVAL},
};

START_TEST(every_message_is_said)
{
	const struct message *row = &messages[_i];

	config_case_load(&one, row->text);
	ck_assert_msg(one.messages.error_count > 0, "nothing wrong with '%s'", row->text);
	ck_assert_str_eq(one.messages.errors[0], row->error);
	ck_assert_int_eq(one.rc, row->rc);
}
END_TEST

START_TEST(a_missing_plugin_has_an_exit_status)
{
	config_case_load(&one, "transport knot {}\n" A);
	ck_assert_int_eq(one.messages.exit_code, 30);
}
END_TEST

static const struct {
	const char *text, *warning;
} warnings[] = {
	{A B C "quorum {\ntwo-node = yes\n}\n",
		"c.conf:5: 'two-node' makes each part of one or two nodes quorate, although there are 3 votes: remove it"},
	{A "quorum {\ntwo-node = yes\n}\n", "c.conf:3: 'two-node' has no effect with one vote: remove it"},
	{A "log {\nsubsystem NOPE { level = debug }\n}\n",
		"c.conf:3: nothing logs as 'NOPE': known subsystems are APIDEF, CFG, CMAP, CPG,"},
};

START_TEST(warnings_do_not_end_the_start)
{
	ck_assert_msg(config_case_load(&one, warnings[_i].text) == 0, "%s", config_case_error(&one));
	ck_assert_msg(config_case_has_warning(&one, warnings[_i].warning), "%s",
		one.messages.warning_count > 0 ? one.messages.warnings[0] : "none");
}
END_TEST

START_TEST(strict_makes_them_errors)
{
	config_case_load(&one, A "quorum { two-node = yes }\nprocess { strict = yes }\n");
	ck_assert_int_eq(one.rc, -EINVAL);
	ck_assert(config_case_has_error(&one, "'two-node' has no effect"));
}
END_TEST

START_TEST(all_errors_of_a_file_are_said_at_once)
{
	static const char *const lines[] = {"c.conf:1: unknown option 'tokn'", "c.conf:2: 'join' needs a unit",
		"c.conf:4: 'port' is 70000", "c.conf:6: '}' without", "c.conf:7: string opened here"};

	config_case_load(&one, "totem { tokn = 1s\njoin = 50\n}\ntransport udpu { port = 70000\n}\n}\n"
			       "cluster { name = \"x\n}\n");
	ck_assert_uint_eq(one.messages.error_count, sizeof(lines) / sizeof(lines[0]));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(
			strncmp(one.messages.errors[i], lines[i], strlen(lines[i])) == 0, "%s", one.messages.errors[i]);
}
END_TEST

/* --- values --- */

static const struct {
	const char *text, *key, *want;
} values[] = {
	{"cluster { name = demo # x\n}\n", "totem.cluster_name", "demo"},
	{"cluster { name = \"de mo # x\" }\n", "totem.cluster_name", "de mo # x"},
	{"cluster { name = 'de${mo}' }\n", "totem.cluster_name", "de${mo}"},
	{"cluster { name = ${THERE} }\n", "totem.cluster_name", "demo"},
	{"cluster { name = \"x-${THERE}-${NOPE:-y}\" }\n", "totem.cluster_name", "x-demo-y"},
	{"cluster { name = \"a\\\"b\\x41\\\\\\$\" }\n", "totem.cluster_name", "a\"bA\\$"},
	{"cluster { config-version = 18446744073709551615 }\n", "totem.config_version", "18446744073709551615"},
	{"totem { token = 1h }\n", "totem.token", "3600000"},
	{"totem { silence = quick }\n", "coterie.totem.silence", "quick"},
	{"totem { silence = quick }\n", "runtime.config.totem.silence", "500"},
	{"totem { silence = 1.5s }\n", "coterie.totem.silence", "1500"},
	{"totem { token = 0.5s token-warning = 50% }\n", "totem.token_warning", "50"},
	{"totem { hold-on-retransmit = no }\n", "totem.cancel_token_hold_on_retransmit", "yes"},
	{"transport knet { pmtud-interval = 1m }\n", "totem.knet_pmtud_interval", "60"},
	{"transport knet { compression-level = -3 }\n", "totem.knet_compression_level", "-3"},
	{"transport knet { compression-threshold = 4K }\n", "totem.knet_compression_threshold", "4096"},
	{"transport udpu { mtu = 9000 }\n", "totem.netmtu", "9000"},
	{"link 0 { ping-interval = 500ms }\n", "totem.interface.0.knet_ping_interval", "500"},
	{"quorum { two-node = on }\n", "quorum.two_node", "1"},
	{"quorum { auto-tie-breaker = \"1 2\" }\n", "quorum.auto_tie_breaker_node", "1 2"},
	{"quorum { device net { votes = 1 heuristics { exec = {\"a=/bin/a x=y\"} } } }\n",
		"quorum.device.heuristics.exec_a", "/bin/a x=y"},
	{"cluster { uuid = abc }\n", "totem.cluster_uuid", "abc"},
	{"quorum { device net { votes = 1 host = q1 } }\n", "quorum.device.net.host", "q1"},
	{"quorum { device net { votes = 1 host = q port = 5000 } }\n", "quorum.device.net.port", "5000"},
	{"quorum { device net { votes = 1 host = q algorithm = ffsplit } }\n", "quorum.device.net.algorithm",
		"ffsplit"},
	{"quorum { device net { votes = 1 host = q tie-breaker = lowest } }\n", "quorum.device.net.tie_breaker",
		"lowest"},
	{"quorum { device net { votes = 1 host = q tls = required } }\n", "quorum.device.net.tls", "required"},
	{"quorum { device net { votes = 1 host = q connect-timeout = 9s } }\n", "quorum.device.net.connect_timeout",
		"9000"},
	{"quorum { device net { votes = 1 host = q force-ip-version = 6 } }\n", "quorum.device.net.force_ip_version",
		"6"},
	{"quorum { device net { votes = 1 host = q keep-active-partition-tie-breaker = on } }\n",
		"quorum.device.net.keep_active_partition_tie_breaker", "on"},
	{"quorum { device net { votes = 1 heuristics { mode = sync } } }\n", "quorum.device.heuristics.mode", "sync"},
	{"quorum { device net { votes = 1 heuristics { interval = 9s } } }\n", "quorum.device.heuristics.interval",
		"9000"},
	{"quorum { device net { votes = 1 heuristics { timeout = 4s } } }\n", "quorum.device.heuristics.timeout",
		"4000"},
	{"quorum { device net { votes = 1 heuristics { sync-timeout = 8s } } }\n",
		"quorum.device.heuristics.sync_timeout", "8000"},
	{"log { level = notice }\n", "logging.syslog_priority", "notice"},
	{"log { level = trace }\n", "logging.debug", "trace"},
	{"log { file = /var/log/x }\n", "logging.to_logfile", "yes"},
	{"log { timestamp = ms }\n", "logging.timestamp", "hires"},
	{"log { subsystem TOTEM { level = debug } }\n", "logging.logger_subsys.TOTEM.debug", "on"},
	{"access { groups = {7, 0} }\n", "uidgid.config.gid.7", "1"},
	{"access { users = {5, \"@7\"} }\n", "uidgid.config.gid.7", "1"},
	{"access { administrators = {root, \"@7\"} }\n", "coterie.access.administrators.uid.0", "yes"},
	{"access { administrators = {root, \"@7\"} }\n", "coterie.access.administrators.gid.7", "yes"},
	{"access { observers = {\"@root\", 12} }\n", "coterie.access.observers.gid.0", "yes"},
	{"access { observers = {\"@root\", 12} }\n", "coterie.access.observers.uid.12", "yes"},
	{"process { cgroup = keep }\n", "system.move_to_root_cgroup", "no"},
	{"process { nice = -5 }\n", "system.priority", "-5"},
	{"process { watchdog-timeout = 1m }\n", "resources.watchdog_timeout", "60"},
	{"process { blackbox-size = 0 }\n", "logging.blackbox", "off"},
	{"keys = {\"totem.secauth=off\", \"a.b.c=1=2\"}\n", "a.b.c", "1=2"},
	{"keys = {\"x.y=1\"}\nkeys += {\"x.z=2\"}\n", "x.z", "2"},
	{"service tally { step-max = 3 pause = 1.5s }\n", "service.tally.pause", "1500ms"},
	{"totem {\ntoken = 1s }\ntotem { join = 60ms }\n", "totem.join", "60"},
	{"\xef\xbb\xbf# x\r\ncluster {\r\n name = demo\r\n}\r\n", "totem.cluster_name", "demo"},
};

START_TEST(values_become_keys)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s" A, values[_i].text);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s: %s", values[_i].text, config_case_error(&one));
	const char *found = config_case_entry(&one, values[_i].key);

	ck_assert_msg(found != NULL && strcmp(found, values[_i].want) == 0, "%s: %s is %s", values[_i].text,
		values[_i].key, found);
}
END_TEST

/*
 * The services of a file, in the order in which they are loaded. Optional ones of the standard set are in parentheses.
 */
static const struct {
	const char *text, *want;
	bool has_provider;
} service_sets[] = {
	{"", "(cmap) (cfg) (cpg) (evs) (control) (votequorum) (quorum)", true},
	{"service metrics {}\n", "(cmap) (cfg) (cpg) (evs) (control) (votequorum) (quorum) metrics", true},
	{"service cpg {}\n", "(cmap) (cfg) cpg (evs) (control) (votequorum) (quorum)", true},
	{"plugins { standard = yes }\nservice metrics {}\n",
		"(cmap) (cfg) (cpg) (evs) (control) (votequorum) (quorum) metrics", true},
	{"service evs { enabled = no }\nservice cpg { enabled = yes }\n",
		"(cmap) (cfg) cpg (control) (votequorum) (quorum)", true},
	{"service metrics { enabled = no }\n", "(cmap) (cfg) (cpg) (evs) (control) (votequorum) (quorum)", true},
	{"quorum { provider = none }\nservice votequorum { enabled = no }\n",
		"(cmap) (cfg) (cpg) (evs) (control) (quorum)", false},
	{"service quorum { enabled = no }\nservice votequorum { enabled = no }\n", "(cmap) (cfg) (cpg) (evs) (control)",
		false},
	{"plugins { load = {kv, pload} }\nservice kv { enabled = no }\n",
		"(cmap) (cfg) (cpg) (evs) (control) (votequorum) (quorum) pload", true},
	{"plugins { standard = no }\n", "", false},
	{"plugins { standard = no }\nservice cpg {}\nservice cmap { enabled = no }\n", "cpg", false},
	{"service cpg {}\nplugins { standard = no load = {kv} }\n", "kv cpg", false},
	{"plugins { standard = no }\nservice quorum {}\nservice votequorum {}\n", "quorum votequorum", true},
};

START_TEST(a_block_adds_to_the_standard_services)
{
	char text[400], found[400] = "";

	snprintf(text, sizeof(text), A "%s", service_sets[_i].text);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s: %s", text, config_case_error(&one));
	for (uint32_t i = 0; i < one.config->service_count; i++) {
		const struct config_plugin *service = &one.config->services[i];
		size_t used = strlen(found);

		snprintf(found + used, sizeof(found) - used, service->is_required ? "%s%s" : "%s(%s)",
			i == 0 ? "" : " ", service->name);
	}
	ck_assert_str_eq(found, service_sets[_i].want);
	ck_assert_int_eq(one.config->quorum_provider != NULL, service_sets[_i].has_provider);
}
END_TEST

START_TEST(a_block_gives_options_to_a_service)
{
	ck_assert_int_eq(config_case_load(&one, A "service tally { step-max = 2 }\n"), 0);
	ck_assert_str_eq(config_option_text(one.config, "tally", "step_max", NULL, NULL), "2");
}
END_TEST

START_TEST(an_instance_has_its_own_node_and_folders)
{
	one.environment.instance = "test";
	ck_assert_msg(config_case_load(&one, "transport knet { encryption = none }\n" A B
					     "instance test { state-dir = /s/t  node = b }\n"
					     "process { state-dir = /s }\n") == 0,
		"%s", config_case_error(&one));
	ck_assert_uint_eq(one.config->local, 1);
	ck_assert_str_eq(one.config->state_dir, "/s/t");
}
END_TEST

/* --- which syntax --- */

static const struct {
	const char *text;
	enum config_format format;
} formats[] = {
	{"totem {\n\tversion: 2\n}\n", CONFIG_FORMAT_COROSYNC},
	{"# x = 1\ntotem { version: 2 }\n", CONFIG_FORMAT_COROSYNC},
	{"totem {\n\ttoken = 3s\n}\n", CONFIG_FORMAT_COTERIE},
	{"transport udpu {}\n", CONFIG_FORMAT_COTERIE},
	{"node a {\n}\n", CONFIG_FORMAT_COTERIE},
	{"include(\"x\")\n", CONFIG_FORMAT_COTERIE},
	{"totem {\n}\n", CONFIG_FORMAT_COROSYNC},
	{"", CONFIG_FORMAT_COROSYNC},
};

START_TEST(the_first_line_that_tells_decides)
{
	bool is_coterie = formats[_i].format == CONFIG_FORMAT_COTERIE;

	one.environment.format = CONFIG_FORMAT_AUTO;
	config_case_load(&one, formats[_i].text);
	bool says_native = config_case_has_error(&one, "'node' block") ||
			   config_case_has_error(&one, "has no address") ||
			   config_case_has_error(&one, "no other file");

	ck_assert_msg(says_native == is_coterie, "%s: %s", formats[_i].text, config_case_error(&one));
}
END_TEST

static Suite *native_suite(void)
{
	Suite *suite = suite_create("native");
	TCase *cases = tcase_create("native");

	tcase_add_checked_fixture(cases, setup, native_case_teardown);
	tcase_add_test(cases, a_ring_needs_a_transport_and_nodes);
	tcase_add_loop_test(cases, every_message_is_said, 0, sizeof(messages) / sizeof(messages[0]));
	tcase_add_test(cases, a_missing_plugin_has_an_exit_status);
	tcase_add_loop_test(cases, warnings_do_not_end_the_start, 0, sizeof(warnings) / sizeof(warnings[0]));
	tcase_add_test(cases, strict_makes_them_errors);
	tcase_add_test(cases, all_errors_of_a_file_are_said_at_once);
	tcase_add_loop_test(cases, values_become_keys, 0, sizeof(values) / sizeof(values[0]));
	tcase_add_loop_test(
		cases, a_block_adds_to_the_standard_services, 0, sizeof(service_sets) / sizeof(service_sets[0]));
	tcase_add_test(cases, a_block_gives_options_to_a_service);
	tcase_add_test(cases, an_instance_has_its_own_node_and_folders);
	tcase_add_loop_test(cases, the_first_line_that_tells_decides, 0, sizeof(formats) / sizeof(formats[0]));
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void) { return suite_run_together(native_suite()); }
