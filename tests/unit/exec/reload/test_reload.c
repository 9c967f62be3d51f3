/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the configuration again: keys, options and nodes. Links and encryption: test_reload_links.c; keys that
 * clients set: test_reload_keys.c. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_options.h"
#include "exec/reload/reload.h"
#include "tests/suite.h"
#include "tests/unit/exec/reload/reload_case.h"

/* ---- The keys: book configuration, "Reload" ------------------------------- */

START_TEST(keys_change_between_the_keys_that_say_so)
{
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.changes, "config.totemconfig_reload_in_progress=1 config.reload_in_progress=1 "
				       "-uidgid.config.uid.7 "
				       "totem.token=4000 runtime.config.totem.token=4650 "
				       "runtime.config.totem.token_retransmit=1107 runtime.config.totem.hold=875 "
				       "runtime.config.totem.consensus=5580 "
				       "runtime.config.totem.interface.0.knet_ping_timeout=2325 "
				       "runtime.config.totem.interface.0.knet_ping_interval=1162 "
				       "config.reload_status=1 config.totemconfig_reload_in_progress=0 "
				       "config.reload_in_progress=0 ");
	ck_assert_uint_eq(seen.token_ns, 4650 * UINT64_C(1000000));
	ck_assert_uint_eq(seen.logs_configured, 1);
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	ck_assert_str_eq(seen.peers, "");
}
END_TEST

START_TEST(results_are_counted)
{
	ck_assert_uint_eq(reloads("taken_ms"), 0);
	write_file(" token: abc\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_uint_eq(reloads("refused"), 1);
	ck_assert_uint_eq(reloads("taken_ms"), 0);
	write_file(" token: 4000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(reloads("applied"), 1);
	ck_assert_uint_gt(reloads("taken_ms"), UINT64_C(1600000000000));
	ck_assert_int_eq(reload().rc, 0);
	write_file(" token: 4000\n cluster_name: other\n", "1 2 3", ""); /* this key only changes at a restart */
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(reloads("unchanged"), 2);
	ck_assert_uint_eq(reloads("applied"), 1);
	ck_assert_uint_eq(reloads("refused"), 1);
	ck_assert_uint_eq(reloads("error"), 0);
}
END_TEST

START_TEST(the_same_file_changes_nothing)
{
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.changes, "config.totemconfig_reload_in_progress=1 config.reload_in_progress=1 "
				       "config.reload_status=1 config.totemconfig_reload_in_progress=0 "
				       "config.reload_in_progress=0 ");
	ck_assert_str_eq(seen.peers, "");
	ck_assert_uint_eq(seen.tally_reloads, 0);
}
END_TEST

START_TEST(keys_of_clients_go_where_the_file_alone_decides)
{
	map_set_u32(node.map, "totem.token_coefficient", 1);
	map_set_string(node.map, "logging.mine", "x");
	map_set_string(node.map, "mine.own", "x");
	map_set_string(node.map, "resources.mine", "x");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(number_of("totem.token_coefficient"), UINT32_MAX);
	ck_assert_str_eq(string_of("logging.mine"), "(none)");
	ck_assert_str_eq(string_of("mine.own"), "x");
	ck_assert_str_eq(string_of("resources.mine"), "x");
}
END_TEST

#define SILENCE(budget) "coterie {\n totem {\n silence: " budget "\n }\n}\n"

/* The ring gets the silence budget, and the map shows it. Without the option the keys are removed. */
START_TEST(a_silence_budget_comes_and_goes)
{
	write_file("", "1 2 3", SILENCE("quick"));
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.reconfigured, 1);
	ck_assert_uint_eq(node.config->totem.silence_ns, UINT64_C(500000000));
	ck_assert_uint_eq(number_of("runtime.config.totem.silence"), 500);
	ck_assert_str_eq(string_of("coterie.totem.silence"), "quick");
	write_file("", "1 2 3", SILENCE("cloud"));
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.token_ns, 13636 * UINT64_C(1000000));
	ck_assert_uint_eq(number_of("runtime.config.totem.silence"), 30000);
	write_file("", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.token_ns, 3650 * UINT64_C(1000000));
	ck_assert_uint_eq(number_of("runtime.config.totem.silence"), UINT32_MAX);
	ck_assert_str_eq(string_of("coterie.totem.silence"), "(none)");
}
END_TEST

static const struct {
	const char *name, *totem, *nodes, *more, *want;
} refused[] = {
	{"no number", " token: abc\n", "1 2 3", "", "must be an integer"},
	{"too small", " token: 10\n token_coefficient: 0\n", "1 2 3", "", "must be at least"},
	{"a budget against the token", " token: 1000\n", "1 2 3", SILENCE("cloud"), "remove 'totem.token'"},
	{"an open section", "", "1 2 3", "totem {\n", "not closed"},
	{"an odd word for the log", "", "1 2 3", "logging {\n debug: maybe\n}\n", "maybe"},
	{"an option out of range", "", "1 2 3", "service {\n name: tally\n step_max: 0\n}\n", "must be between"},
	{"no such option", "", "1 2 3", "service {\n name: tally\n stop_max: 1\n}\n", "did you mean 'step_max'"},
};

static void write_native(const char *nodes)
{
	FILE *file = fopen(path, "w");

	fprintf(file, "transport udpu { encryption = none }\n");
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			fprintf(file, "node n%c { id = %c  address = %s%c }\n", *at, *at,
				*at == '1' ? "127.0.0." : "198.51.100.", *at);
	fclose(file);
}

/* The operator has removed this node by force. It stays in the ring until it is stopped. */
START_TEST(a_removed_node_hinders_no_later_reload)
{
	struct result forced = {.rc = 1};

	tear_down();
	make_folder();
	write_native("1 2 3");
	set_up_with("udpu");
	seen.has_provider = true;
	write_native("2 3");
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_int_eq(reload_request(node.reload, &node, true, on_done, &forced), 0);
	run_loop();
	ck_assert_int_eq(forced.rc, 0);
	ck_assert_int_eq(reload().rc, 0);
	map_set_u32(node.map, "totem.join", 60); /* this is no new file: it still lacks the node */
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.join"), 60);
	ck_assert_int_eq(reload().rc, 0);
	/* The file has the node again, and then lacks it once more. */
	write_native("1 2 3");
	ck_assert_int_eq(reload().rc, 0);
	write_native("2 3");
	ck_assert_int_eq(reload().rc, -EINVAL);
}
END_TEST

/* A file without this node is accepted, as Corosync accepts it. */
START_TEST(a_file_without_this_node_is_accepted)
{
	const struct config *before = node.config;

	write_file(" token: 5000\n", "2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(has_logged("CFG 5 This node is not in the nodelist any more"));
	ck_assert_ptr_eq(node.config, before);
	ck_assert_uint_eq(number_of("totem.token"), 3000);
	ck_assert_uint_eq(seen.logs_configured + seen.reconfigured + seen.tally_reloads, 0);
	/* Now the file has the node again. */
	write_file(" token: 5000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(number_of("totem.token"), 5000);
}
END_TEST

START_TEST(a_refused_file_changes_nothing)
{
	struct config *before = node.config;

	write_file(refused[_i].totem, refused[_i].nodes, refused[_i].more);
	struct result result = reload();
	ck_assert_msg(result.rc == -EINVAL, "%s: %d", refused[_i].name, result.rc);
	ck_assert_msg(strstr(result.text, refused[_i].want) != NULL, "%s: %s", refused[_i].name, result.text);
	ck_assert(has_logged("CFG 3 Unable to reload config file: "));
	ck_assert_str_eq(string_of("config.reload_error_message"), result.text);
	char *at = strstr(seen.changes, "config.reload_error_message=");
	ck_assert_ptr_nonnull(at);
	*at = '\0';
	ck_assert_str_eq(seen.changes, "config.totemconfig_reload_in_progress=1 ");
	ck_assert_ptr_nonnull(strstr(at + 1, "config.reload_status=7 "
					     "config.totemconfig_reload_in_progress=0 "));
	ck_assert_ptr_eq(node.config, before);
	ck_assert_uint_eq(seen.logs_configured + seen.reconfigured + seen.tally_reloads, 0);
	/* The next valid file removes the error keys. */
	write_file(" token: 5000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(string_of("config.reload_error_message"), "(none)");
	ck_assert_uint_eq(number_of("config.reload_status"), UINT32_MAX); /* config.reload_status has another type */
}
END_TEST

START_TEST(no_file)
{
	unlink(path);
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "cannot read '"));
}
END_TEST

/* ---- What cannot change -------------------------------------------------- */

START_TEST(fixed_keys_keep_their_values)
{
	FILE *file;

	write_file(" token: 3000\n cluster_name: other\n transport: knet\n netmtu: 9000\n "
		   "ip_version: ipv4\n",
		"1 2 3", "system {\n sched_rr: no\n}\n");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(has_logged("CFG 5 Modified entry 'totem.cluster_name' in corosync.conf cannot be "
			     "changed at run-time"));
	ck_assert(has_logged("'totem.transport'"));
	ck_assert(has_logged("'totem.netmtu'"));
	ck_assert(has_logged("'totem.ip_version'"));
	ck_assert(has_logged("'system.sched_rr'"));
	ck_assert(!has_logged("'totem.version'"));
	ck_assert_str_eq(string_of("totem.cluster_name"), "test");
	ck_assert_str_eq(string_of("totem.transport"), "udpu");
	ck_assert_uint_eq(number_of("totem.netmtu"), UINT32_MAX);
	ck_assert_str_eq(string_of("system.sched_rr"), "(none)");
	ck_assert_str_eq(node.config->transport, "udpu");
	/* Fixed values stay even if they are removed from the file and it is read again. */
	for (int i = 0; i < 2; i++) {
		seen.log[0] = '\0';
		file = fopen(path, "w");
		fprintf(file, "totem {\n version: 2\n}\nnodelist {\n node {\n  ring0_addr: 127.0.0.1\n"
			      "  nodeid: 1\n }\n}\n");
		fclose(file);
		ck_assert_int_eq(reload().rc, 0);
		ck_assert(has_logged("'totem.transport'"));
		ck_assert_str_eq(string_of("totem.transport"), "udpu");
		ck_assert_str_eq(string_of("totem.cluster_name"), "test");
	}
}
END_TEST

START_TEST(this_node_stays_who_it_is)
{
	FILE *file = fopen(path, "w");

	fprintf(file, "totem {\n version: 2\n transport: udpu\n}\nnodelist {\n node {\n"
		      "  ring0_addr: 127.0.0.1\n  nodeid: 9\n }\n}\n");
	fclose(file);
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "would become node 9"));
}
END_TEST

START_TEST(services_come_and_go)
{
	uint32_t counts[4];

	write_file(" token: 3000\n", "1 2 3", "service {\n name: extra\n}\n");
	ck_assert_int_eq(reload().rc, 0);
	write_file(" token: 3000\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_int_eq(sscanf(seen.followed, "%u-%u %u-%u", &counts[0], &counts[1], &counts[2], &counts[3]), 4);
	ck_assert_uint_eq(counts[1], counts[0] + 1);
	ck_assert_uint_eq(counts[2], counts[0] + 1);
	ck_assert_uint_eq(counts[3], counts[0]);
	map_set_u32(node.map, "totem.token", 5000); /* a client sets the key, while the file does not change */
	seen.followed[0] = '\0';
	pause_and_turn();
	ck_assert_str_eq(seen.followed, "");
}
END_TEST

START_TEST(the_rings_own_limits)
{
	seen.check_rc = -EINVAL;
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "'token'"));
}
END_TEST

START_TEST(a_log_file_that_cannot_be_opened)
{
	write_file("", "1 2 3 4", "");
	seen.log_rc = -EACCES;
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_str_eq(result.text, "cannot open log file");
	ck_assert_str_eq(seen.peers, "+4 -4 "); /* the new peer was removed again */
	ck_assert_uint_eq(seen.reconfigured, 0);
}
END_TEST

/* ---- Options of plugins -------------------------------------------------- */

START_TEST(options_change_where_they_may)
{
	const char *word;

	write_file("", "1 2 3", "service {\n name: tally\n step_max: 5\n base: 11\n word: new\n}\n");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(option_of("step_max"), 5);
	ck_assert_uint_eq(option_of("base"), 10);
	ck_assert_int_eq(plugin_option_string(tally.options, "word", &word), -ENODATA);
	ck_assert(has_logged("Option 'base' of service tally takes effect at the next start"));
	ck_assert(has_logged("Option 'word'"));
	ck_assert(!has_logged("Option 'step_max'"));
	ck_assert_uint_eq(seen.tally_reloads, 1);
	write_file("", "1 2 3", "service {\n name: tally\n step_max: 5\n}\n");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.tally_reloads, 1); /* this file has changed no option of the plugin */
	write_file("", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(option_of("step_max"), 1000); /* the option has its default again */
	ck_assert_uint_eq(seen.tally_reloads, 2);
}
END_TEST

/* The second reload of the same file must not say that all of it has effect. */
START_TEST(a_plugin_that_failed_is_told_again)
{
	seen.tally_rc = -EIO;
	write_file("", "1 2 3", "service {\n name: tally\n step_max: 5\n}\n");
	for (uint32_t i = 1; i <= 2; i++) {
		ck_assert_int_eq(reload().rc, 0);
		ck_assert_uint_eq(seen.tally_reloads, i);
		ck_assert_str_eq(string_of("config.reload_error_message"),
			"plugin tally does not take its new options: Input/output error");
	}
	seen.tally_rc = 0;
	map_set_u32(
		node.map, "totem.token", 5000); /* a key of a client: the error is still there, and the plugin waits */
	turn();
	ck_assert_uint_eq(seen.tally_reloads, 2);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.tally_reloads, 3);
	ck_assert_str_eq(string_of("config.reload_error_message"), "(none)");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.tally_reloads, 3);
}
END_TEST

/* ---- Nodes --------------------------------------------------------------- */

START_TEST(a_new_node)
{
	write_file("", "1 2 3 4 5", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+4 +5 ");
	ck_assert_str_eq(seen.ids, "1 2 3 4 5 ");
	ck_assert(has_logged("Node 4 (n4) is in the nodelist now"));
	seen.peers[0] = '\0';
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "");
}
END_TEST

START_TEST(a_transport_that_does_not_take_a_node)
{
	write_file("", "1 2 3 4 5", "");
	seen.peer_add_rc = -EEXIST;
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "does not take node 4"));
	ck_assert_str_eq(seen.ids, "");
	ck_assert_uint_eq(number_of("nodelist.node.3.nodeid"), UINT32_MAX);
}
END_TEST

START_TEST(a_node_that_is_no_member_goes_at_once)
{
	seen.member_count = 2;
	write_file("", "1 2", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-3 ");
	ck_assert_str_eq(seen.ids, "1 2 ");
}
END_TEST

START_TEST(a_member_goes_when_it_has_left)
{
	static const uint32_t still[] = {1, 2, 3}, gone[] = {1, 2};

	write_file("", "1 2", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "");
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	ck_assert(has_logged("stays in the ring until it leaves"));
	reload_membership(node.reload, still, 3);
	turn();
	ck_assert_str_eq(seen.peers, "");
	ck_assert_int_eq(reload().rc, 0); /* another reload does not change that either */
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	seen.member_count = 2;
	reload_membership(node.reload, gone, 2);
	ck_assert_str_eq(seen.peers, ""); /* the transport is not called inside the engine */
	turn();
	ck_assert_str_eq(seen.peers, "-3 ");
	ck_assert_str_eq(seen.ids, "1 2 ");
	ck_assert(has_logged("Node 3 has left, and is not in the nodelist"));
	reload_membership(node.reload, gone, 2);
	turn();
	ck_assert_str_eq(seen.peers, "-3 ");
}
END_TEST

START_TEST(a_departing_member_comes_back)
{
	static const uint32_t gone[] = {1, 2};

	write_file("", "1 2", "");
	ck_assert_int_eq(reload().rc, 0);
	write_file("", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "");
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	seen.member_count = 2;
	reload_membership(node.reload, gone, 2);
	turn();
	ck_assert_str_eq(seen.peers, ""); /* the node is not running, but still in the file */
}
END_TEST

static void move_node_3(const char *address)
{
	char command[256];

	snprintf(command, sizeof(command), "sed -i 's/198.51.100.3/%s/' %s", address, path);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(another_address_is_refused)
{
	move_node_3("198.51.100.33");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "different address for link 0 of node 3 (addr "
						  "changed from 198.51.100.3 port 5405 to "
						  "198.51.100.33 port 5405)"));
	/* Node 3 is being removed, and the file has it again with another address. */
	write_file("", "1 2", "");
	ck_assert_int_eq(reload().rc, 0);
	write_file("", "1 2 3", "");
	move_node_3("198.51.100.33");
	ck_assert_int_eq(reload().rc, -EINVAL);
	seen.member_count = 2;
	reload_membership(node.reload, seen.members, 2);
	turn();
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-3 +3 ");
}
END_TEST

START_TEST(another_port_is_refused)
{
	write_file(" interface {\n  linknumber: 0\n  mcastport: 6000\n }\n", "1 2 3", "");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "port 6000"));
}
END_TEST

START_TEST(everybody_is_welcome)
{
	write_file(" block_unlisted_ips: no\n", "1 2 3", "");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(seen.reconfigured, 1);
	ck_assert_str_eq(seen.ids, "");
}
END_TEST

static const char *file_of(const char *key)
{
	for (uint32_t i = 0; i < node.config->entry_count; i++)
		if (strcmp(node.config->entries[i].key, key) == 0)
			return node.config->entries[i].file;
	return NULL;
}

/* The places of keys in files are copied, since the configuration that they are from is freed. */
START_TEST(places_are_copied)
{
	const char *before = file_of("nodelist.node.0.nodeid"), *after;

	map_set_u32(node.map, "totem.token", 5000);
	turn();
	after = file_of("nodelist.node.0.nodeid");
	ck_assert_ptr_ne(after, before);
	ck_assert_str_eq(after, path);
}
END_TEST

/* ---- Requests that wait -------------------------------------------------- */

START_TEST(who_asks_meanwhile_gets_the_next_reading)
{
	struct result first = {.rc = 1}, second = {.rc = 1}, third = {.rc = 1};

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &first), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &second), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &third), 0);
	run_loop();
	ck_assert_int_eq(first.rc, 0);
	ck_assert_int_eq(second.rc, 1);
	write_file(" token: abc\n", "1 2 3", "");
	/*
	 * One reading answers the second and the third request. It may have begun before the file changed, so the test
	 * only checks that both have its result.
	 */
	run_loop();
	ck_assert_int_eq(second.rc, third.rc);
	ck_assert_int_ne(second.rc, 1);
	ck_assert_uint_eq(first.count + second.count + third.count, 3);
}
END_TEST

static struct result nested = {.rc = 1};

static void ask_again(void *arg, int rc, const char *text)
{
	(void)arg, (void)text;
	ck_assert_int_eq(rc, 0);
	unlink(path);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &nested), 0);
}

START_TEST(who_is_told_may_ask_again)
{
	ck_assert_int_eq(reload_request(node.reload, &node, false, ask_again, NULL), 0);
	run_loop();
	ck_assert_uint_eq(nested.count, 1);
	ck_assert_int_eq(nested.rc, -EINVAL); /* the nested request causes another reading, which finds no file */
}
END_TEST

START_TEST(who_is_gone_is_not_told)
{
	struct result first = {.rc = 1}, second = {.rc = 1};
	int other = 0;

	ck_assert_int_eq(reload_request(node.reload, &other, false, on_done, &first), 0);
	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &second), 0);
	ck_assert_int_eq(reload_request(node.reload, &other, false, on_done, &first), 0);
	reload_forget(node.reload, &other);
	run_loop();
	ck_assert_uint_eq(first.count, 0);
	ck_assert_int_eq(second.rc, 0);
}
END_TEST

START_TEST(the_end_comes_first)
{
	struct result result = {.rc = 1};
	FILE *writer = write_endless_file();

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &result), 0);
	reload_destroy(node.reload);
	node.reload = NULL;
	fclose(writer);
	turn();
	ck_assert_uint_eq(result.count, 0);
}
END_TEST

START_TEST(the_end_comes_between)
{
	struct result result = {.rc = 1};

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &result), 0);
	usleep(200000); /* probably the file is read by now, and the result posted. The test passes in both cases */
	reload_destroy(node.reload);
	node.reload = NULL;
	ck_assert_uint_eq(result.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tcase = tcase_create("reload");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, keys_change_between_the_keys_that_say_so);
	tcase_add_test(tcase, the_same_file_changes_nothing);
	tcase_add_test(tcase, results_are_counted);
	tcase_add_test(tcase, a_silence_budget_comes_and_goes);
	tcase_add_test(tcase, keys_of_clients_go_where_the_file_alone_decides);
	tcase_add_test(tcase, a_removed_node_hinders_no_later_reload);
	tcase_add_test(tcase, a_file_without_this_node_is_accepted);
	tcase_add_loop_test(tcase, a_refused_file_changes_nothing, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, no_file);
	tcase_add_test(tcase, fixed_keys_keep_their_values);
	tcase_add_test(tcase, this_node_stays_who_it_is);
	tcase_add_test(tcase, services_come_and_go);
	tcase_add_test(tcase, the_rings_own_limits);
	tcase_add_test(tcase, a_log_file_that_cannot_be_opened);
	tcase_add_test(tcase, options_change_where_they_may);
	tcase_add_test(tcase, a_plugin_that_failed_is_told_again);
	tcase_add_test(tcase, a_new_node);
	tcase_add_test(tcase, a_transport_that_does_not_take_a_node);
	tcase_add_test(tcase, a_node_that_is_no_member_goes_at_once);
	tcase_add_test(tcase, a_member_goes_when_it_has_left);
	tcase_add_test(tcase, a_departing_member_comes_back);
	tcase_add_test(tcase, another_address_is_refused);
	tcase_add_test(tcase, another_port_is_refused);
	tcase_add_test(tcase, everybody_is_welcome);
	tcase_add_test(tcase, places_are_copied);
	tcase_add_test(tcase, who_asks_meanwhile_gets_the_next_reading);
	tcase_add_test(tcase, who_is_told_may_ask_again);
	tcase_add_test(tcase, who_is_gone_is_not_told);
	tcase_add_test(tcase, the_end_comes_first);
	tcase_add_test(tcase, the_end_comes_between);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
