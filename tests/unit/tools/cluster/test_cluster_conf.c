/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/cluster: the words of the command line that name nodes, and coterie.conf as a text. */
#include "tools/cluster/conf.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- words --- */

static const struct {
	const char *word;
	const char *name; /* NULL: refused */
	uint32_t id;
	size_t addresses;
	const char *last;
} node_words[] = {
	{"a", "a", 0, 0, NULL},
	{"a=10.0.0.1", "a", 0, 1, "10.0.0.1"},
	{"a:7=10.0.0.1", "a", 7, 1, "10.0.0.1"},
	{"a:2147483647", "a", 2147483647, 0, NULL},
	{"db-1.example.org=10.0.0.1,fd00::1", "db-1.example.org", 0, 2, "fd00::1"},
	{"a=1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8", "a", 0, 8, "1.1.1.8"},
	{"a=host-b.example", "a", 0, 1, "host-b.example"},
	{"1a", "1a", 0, 0, NULL},
	/* no name */
	{"", NULL, 0, 0, NULL},
	{"7", NULL, 0, 0, NULL},
	{"-oProxyCommand=x", NULL, 0, 0, NULL},
	{"--force", NULL, 0, 0, NULL},
	{".a", NULL, 0, 0, NULL},
	{"a b", NULL, 0, 0, NULL},
	{"a;reboot", NULL, 0, 0, NULL},
	{"$(reboot)", NULL, 0, 0, NULL},
	{"`x`", NULL, 0, 0, NULL},
	{"a\nb", NULL, 0, 0, NULL},
	{"a'", NULL, 0, 0, NULL},
	{"root@a", NULL, 0, 0, NULL},
	{"\xc3\xa4", NULL, 0, 0, NULL},
	{"=10.0.0.1", NULL, 0, 0, NULL},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, 0, 0, NULL}, /* 64 characters */
	/* no id */
	{"a:", NULL, 0, 0, NULL},
	{"a:0", NULL, 0, 0, NULL},
	{"a:-1", NULL, 0, 0, NULL},
	{"a:x", NULL, 0, 0, NULL},
	{"a:2147483648", NULL, 0, 0, NULL},
	{"a:18446744073709551617", NULL, 0, 0, NULL},
	/* no address */
	{"a=", NULL, 0, 0, NULL},
	{"a=10.0.0.1,", NULL, 0, 0, NULL},
	{"a=10.0.0", NULL, 0, 0, NULL},
	{"a=10.0.0.256", NULL, 0, 0, NULL},
	{"a=-oProxyCommand", NULL, 0, 0, NULL},
	{"a=x;reboot", NULL, 0, 0, NULL},
	{"a=x y", NULL, 0, 0, NULL},
	{"a=fe80::1%eth0", NULL, 0, 0, NULL},
	{"a=1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9", NULL, 0, 0, NULL},
};

START_TEST(node_words_have_a_strict_syntax)
{
	for (size_t i = 0; i < COUNT(node_words); i++) {
		struct words_node node;
		char why[512] = "";
		int rc = words_read_node(node_words[i].word, &node, why, sizeof(why));

		ck_assert_msg((rc == 0) == (node_words[i].name != NULL), "'%s': %d, %s", node_words[i].word, rc, why);
		if (rc < 0) {
			ck_assert_msg(strstr(why, ": ") != NULL, "'%s': '%s' says what to do", node_words[i].word, why);
			continue;
		}
		ck_assert_str_eq(node.name, node_words[i].name);
		ck_assert_uint_eq(node.id, node_words[i].id);
		ck_assert_uint_eq(node.address_count, node_words[i].addresses);
		if (node_words[i].last != NULL)
			ck_assert_str_eq(node.addresses[node.address_count - 1], node_words[i].last);
	}
}
END_TEST

/*
 * Nodes with names a, b, c: ids and addresses in the words, the ids that result (0: refused), and the highest id in use
 * before.
 */
static const struct {
	const char *words[3];
	uint32_t ids[3], highest;
} numbered[] = {
	{{"a=1.0.0.1", "b=1.0.0.2", "c=1.0.0.3"}, {1, 2, 3}, 0},
	{{"a=1.0.0.1", "b:1=1.0.0.2", "c=1.0.0.3"}, {2, 1, 3}, 0},
	{{"a:3=1.0.0.1", "b=1.0.0.2", "c:1=1.0.0.3"}, {3, 4, 1}, 0},
	{{"a:1=1.0.0.1", "b:3=1.0.0.2", "c=1.0.0.3"}, {1, 3, 10}, 9},
	{{"a:1=1.0.0.1", "b:2147483647=1.0.0.2", "c=1.0.0.3"}, {1, INT32_MAX, 2}, 0},
	{{"a:2147483646=1.0.0.1", "b=1.0.0.2", "c=1.0.0.3"}, {INT32_MAX - 1, INT32_MAX, 1}, 0},
	{{"a:3=1.0.0.1", "b:3=1.0.0.2", "c=1.0.0.3"}, {0, 0, 0}, 0},
	{{"a=1.0.0.1", "a=1.0.0.2", "c=1.0.0.3"}, {0, 0, 0}, 0},
	{{"a=1.0.0.1", "b=1.0.0.1", "c=1.0.0.3"}, {0, 0, 0}, 0},
	{{"a=1.0.0.1,2.0.0.1", "b=1.0.0.2,2.0.0.2", "c=2.0.0.1,1.0.0.3"}, {0, 0, 0}, 0},
};

START_TEST(nodes_get_ids_above_all_others)
{
	for (size_t i = 0; i < COUNT(numbered); i++) {
		struct words_node nodes[3];
		char why[512] = "";

		for (size_t k = 0; k < 3; k++)
			ck_assert_int_eq(words_read_node(numbered[i].words[k], &nodes[k], why, sizeof(why)), 0);
		int rc = words_number(nodes, 3, numbered[i].highest, why, sizeof(why));

		ck_assert_msg((rc == 0) == (numbered[i].ids[0] != 0), "row %zu: %s", i, why);
		for (size_t k = 0; k < 3 && rc == 0; k++)
			ck_assert_msg(nodes[k].id == numbered[i].ids[k], "row %zu, node %zu: %u", i, k, nodes[k].id);
	}
}
END_TEST

START_TEST(loopback_addresses_are_known)
{
	static const char *const own[] = {"127.0.0.1", "127.0.1.1", "127.255.0.1", "0.0.0.0", "::1", "::"};
	static const char *const others[] = {"10.0.0.1", "126.0.0.1", "128.0.0.1", "fd00::1", "localhost"};

	for (size_t i = 0; i < COUNT(own); i++)
		ck_assert_msg(words_is_loopback(own[i]), "%s", own[i]);
	for (size_t i = 0; i < COUNT(others); i++)
		ck_assert_msg(!words_is_loopback(others[i]), "%s", others[i]);
}
END_TEST

/* --- reading --- */

static const char example[] = "# A cluster.\n"
			      "cluster { name = \"prod\"  config-version = 4 }\n"
			      "transport knet {\n"
			      "\tkey-file = \"/etc/coterie/authkey\" # of all\n"
			      "}\n"
			      "node a { id = 1  address = 10.0.0.1 }\n"
			      "node \"b\" { // the second\n"
			      "\tid = 2\n"
			      "\taddress = {10.0.0.2, \"10.1.0.2\"}\n"
			      "\tvotes = 2\n"
			      "}\n"
			      "/* node x { id = 9 } */\n"
			      "quorum {\n"
			      "\ttwo-node = yes\n"
			      "\tdevice net { host = q  votes = 1 }\n"
			      "}\n"
			      "log { file = \"/var/log/{x}\" }\n";

START_TEST(facts_are_read)
{
	struct conf conf;
	char why[512];

	ck_assert_msg(conf_read(example, &conf, why, sizeof(why)) == 0, "%s", why);
	ck_assert_str_eq(conf.cluster, "prod");
	ck_assert_uint_eq(conf.version, 4);
	ck_assert_str_eq(conf.transport, "knet");
	ck_assert_str_eq(conf.key_file, "/etc/coterie/authkey");
	ck_assert(conf.is_encrypted);
	ck_assert(conf.is_two_node);
	ck_assert(conf.has_device);
	ck_assert(!conf.has_expected_votes);
	ck_assert(!conf.has_tie_breaker);
	ck_assert_uint_eq(conf.node_count, 2);
	ck_assert_str_eq(conf.nodes[0].node.name, "a");
	ck_assert_uint_eq(conf.nodes[1].node.id, 2);
	ck_assert_uint_eq(conf.nodes[1].votes, 2);
	ck_assert_uint_eq(conf.nodes[1].node.address_count, 2);
	ck_assert_str_eq(conf.nodes[1].node.addresses[1], "10.1.0.2");
	conf_fini(&conf);
}
END_TEST

/* Texts that are refused, with a part of the reason. */
static const struct {
	const char *text, *why;
} refused[] = {
	{"", "no block 'node'"},
	{"totem {\n version: 2\n}\n", "line 3"},
	{"include(\"x.conf\")\n", "includes others"},
	{"node a { id = 1", "line 1"},
	{"node a { address = \"10.0.0.1 }\n", "line 1"},
	{"node a { id = 1  address = {1.0.0.1", "line 1"},
	{"node a { address = 10.0.0.1 }", "no id"},
	{"node a { id = x }", "no number"},
	{"node a { id = 4294967296 }", "no id"},
	{"node a { id = 1  votes = 65536 }", "no sensible one"},
	{"node a { id = ${ID} }", "not a plain value"},
	{"node a { id = 1  address = ${A} }", "not plain"},
	{"node \"a b\" { id = 1 }", "name that this command does not take"},
	{"node a { id = 1 address = {1,2,3,4,5,6,7,8,9} }", "not plain"},
	{"node a { id = 1 } }", "line 1"},
	{"node a { id = 1 } x", "line 1"},
	{"node a { id = 1 } x = ", "line 1"},
	{"node a { id = 1 } \x01", "line 1"},
	{"node a { id = 1 } include(", "line 1"},
	{"node a { id = ${", "line 1"},
	{"cluster { name = \"a\\x41\" } node a { id = 1 }", "not a plain value"},
	/* ssh would take such an address for an option, and some options run a program. */
	{"node a { id = 1 address = \"-oProxyCommand=reboot\" }", "no address"},
	{"node a { id = 1 address = {10.0.0.1, '-oProxyCommand=reboot'} }", "no address"},
	{"node a { id = 1 address = \"a b\" }", "no address"},
	{"node a { id = 1 address = \"a\x1b[2J\" }", "no address"},
	{"node a { id = 1 address = \"\" }", "no address"},
};

START_TEST(texts_that_cannot_be_changed_are_refused)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct conf conf;
		char why[512] = "";
		int rc = conf_read(refused[i].text, &conf, why, sizeof(why));

		ck_assert_msg(rc == -EINVAL, "row %zu, '%s': %d", i, refused[i].text, rc);
		ck_assert_msg(strstr(why, refused[i].why) != NULL, "row %zu, '%s': '%s'", i, refused[i].text, why);
		conf_fini(&conf);
	}
}
END_TEST

/*
 * Cut the text at every length. Each shortened text is read or refused, and a sanitizer finds no read beyond its end.
 */
START_TEST(every_part_of_a_text_is_read_safely)
{
	for (size_t length = 0; length < sizeof(example); length++) {
		char *text = strndup(example, length), why[512];
		struct conf conf;

		conf_read(text, &conf, why, sizeof(why));
		conf_fini(&conf);
		free(text);
	}
}
END_TEST

START_TEST(encryption_is_the_default)
{
	static const struct {
		const char *text;
		bool is_encrypted, has_tie_breaker, has_expected_votes;
	} rows[] = {
		{"node a { id = 1 }", true, false, false},
		{"transport udpu {} node a { id = 1 }", true, false, false},
		{"transport udpu { encryption = none } node a { id = 1 }", false, false, false},
		{"transport knet { cipher = none hash = none } node a { id = 1 }", false, false, false},
		{"node a { id = 1 } quorum { auto-tie-breaker = lowest }", true, true, false},
		{"node a { id = 1 } quorum { auto-tie-breaker = no }", true, false, false},
		{"node a { id = 1 } quorum { last-man-standing = on expected-votes = 3 }", true, true, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		char why[512] = "";

		ck_assert_msg(conf_read(rows[i].text, &conf, why, sizeof(why)) == 0, "row %zu: %s", i, why);
		ck_assert_msg(conf.is_encrypted == rows[i].is_encrypted, "row %zu", i);
		ck_assert_msg(conf.has_tie_breaker == rows[i].has_tie_breaker, "row %zu", i);
		ck_assert_msg(conf.has_expected_votes == rows[i].has_expected_votes, "row %zu", i);
		conf_fini(&conf);
	}
}
END_TEST

/* --- making and changing --- */

START_TEST(a_new_file_is_read_as_it_was_wanted)
{
	struct words_node nodes[2];
	struct conf conf;
	char why[512];

	ck_assert_int_eq(words_read_node("a:5=10.0.0.1,fd00::1", &nodes[0], why, sizeof(why)), 0);
	ck_assert_int_eq(words_read_node("b:6=10.0.0.2,fd00::2", &nodes[1], why, sizeof(why)), 0);
	for (int encrypted = 0; encrypted < 2; encrypted++) {
		const struct conf_wanted wanted = {"prod", "knet", encrypted != 0, nodes, 2};
		char *text = conf_make(&wanted);

		ck_assert_msg(conf_read(text, &conf, why, sizeof(why)) == 0, "%s", why);
		ck_assert_str_eq(conf.cluster, "prod");
		ck_assert_uint_eq(conf.version, 1);
		ck_assert(conf.is_encrypted == (encrypted != 0));
		ck_assert(conf.is_two_node);
		ck_assert_uint_eq(conf.node_count, 2);
		ck_assert_str_eq(conf.nodes[1].node.addresses[1], "fd00::2");
		conf_fini(&conf);
		free(text);
	}
	const struct conf_wanted one = {"prod", "udpu", true, nodes, 1};
	char *text = conf_make(&one);

	ck_assert_ptr_eq(strstr(text, "two-node"), NULL);
	free(text);
}
END_TEST

enum edit { ADD, REMOVE, ADDRESS, VERSION, TWO, HIGHEST };

static const struct {
	const char *name;
	enum edit edit;
	const char *before, *after; /* after NULL: the change is refused */
} edits[] = {
	{"add behind the last node", ADD, "node a { id = 1 }\nlog {}\n",
		"node a { id = 1 }\nnode n { id = 9  address = 10.0.0.9 }\nlog {}\n"},
	{"add behind its comment", ADD, "node a { id = 1 } # first\n",
		"node a { id = 1 } # first\nnode n { id = 9  address = 10.0.0.9 }\n"},
	{"add at the end without a line feed", ADD, "node a { id = 1 }",
		"node a { id = 1 }\nnode n { id = 9  address = 10.0.0.9 }\n"},
	{"add between two on a line", ADD, "node a { id = 1 } log {}\n",
		"node a { id = 1 }\nnode n { id = 9  address = 10.0.0.9 }\n log {}\n"},
	{"add without any", ADD, "log {}\n", NULL},
	{"remove a line", REMOVE, "node a { id = 1 }\nnode n { id = 9 }\nlog {}\n", "node a { id = 1 }\nlog {}\n"},
	{"remove several lines", REMOVE, "node n {\n\tid = 9\n}\nnode a { id = 1 }\n", "node a { id = 1 }\n"},
	{"remove a part of a line", REMOVE, "node a { id = 1 } node n { id = 9 }\n", "node a { id = 1 } \n"},
	{"remove the first part of a line", REMOVE, "node n { id = 9 } node a { id = 1 }\n", " node a { id = 1 }\n"},
	{"remove a quoted one", REMOVE, "node \"n\" { id = 9 }\n", ""},
	{"remove none in a comment", REMOVE, "# node n { id = 9 }\n", NULL},
	{"remove none in a string", REMOVE, "log { file = \"node n { id = 9 }\" }\n", NULL},
	{"highest id behind the last node", HIGHEST, "node a { id = 1 } # first\nlog {}\n",
		"node a { id = 1 } # first\n" CONF_HIGHEST_ID "9\nlog {}\n"},
	{"highest id at the end without a line feed", HIGHEST, "node a { id = 1 }",
		"node a { id = 1 }\n" CONF_HIGHEST_ID "9\n"},
	{"highest id once more", HIGHEST, "node a { id = 1 }\n" CONF_HIGHEST_ID "4\nnode b { id = 5 }\n",
		"node a { id = 1 }\n" CONF_HIGHEST_ID "9\nnode b { id = 5 }\n"},
	{"address to one", ADDRESS, "node n { address = 10.0.0.9 }\n", "node n { address = {10.0.0.9, 10.1.0.9} }\n"},
	{"address to a list", ADDRESS, "node n { address = {10.0.0.9, 10.2.0.9} }\n",
		"node n { address = {10.0.0.9, 10.2.0.9, 10.1.0.9} }\n"},
	{"address to a string", ADDRESS, "node n { address = \"10.0.0.9\" }\n",
		"node n { address = {\"10.0.0.9\", 10.1.0.9} }\n"},
	{"address to none", ADDRESS, "node n { id = 9 }\n", NULL},
	{"version in its place", VERSION, "cluster { name = x config-version = 4 }\n",
		"cluster { name = x config-version = 5 }\n"},
	{"version into a block", VERSION, "cluster {\n\tname = x\n}\n",
		"cluster {\n\tconfig-version = 5\n\tname = x\n}\n"},
	{"version into a line", VERSION, "cluster { name = x }\n", "cluster { config-version = 5  name = x }\n"},
	{"version without a block", VERSION, "node a { id = 1 }",
		"node a { id = 1 }\ncluster { config-version = 5 }\n"},
	{"two-node, not that of a block in it", TWO, "quorum { device x { two-node = a } two-node = yes }\n",
		"quorum { device x { two-node = a } two-node = no }\n"},
	{"not what is broken", VERSION, "cluster { name = \"x }\n", NULL},
};

static int apply(enum edit edit, const char *text, char **result, char *why, size_t size)
{
	struct words_node node;

	ck_assert_int_eq(words_read_node("n:9=10.0.0.9", &node, why, size), 0);
	switch (edit) {
	case ADD:
		return conf_add_node(text, &node, result, why, size);
	case REMOVE:
		return conf_remove_node(text, "n", result, why, size);
	case ADDRESS:
		return conf_add_address(text, "n", "10.1.0.9", result, why, size);
	case VERSION:
		return conf_set(text, "cluster", NULL, "config-version", "5", result, why, size);
	case HIGHEST:
		return conf_note_id(text, 9, result, why, size);
	case TWO:
		return conf_set(text, "quorum", NULL, "two-node", "no", result, why, size);
	}
	return -EINVAL;
}

START_TEST(the_places_of_the_key_are_read)
{
	static const struct {
		const char *text, *instance, *key_file, *state_dir;
	} rows[] = {
		{"node a { id = 1 }\n", NULL, "", ""},
		{"transport knet { key-file = /k }\nprocess { state-dir = \"/s\" }\n", NULL, "/k", "/s"},
		{"process { state-dir = /s }\ninstance x { state-dir = /x }\n", NULL, "", "/s"},
		{"process { state-dir = /s }\ninstance x { state-dir = /x }\n", "x", "", "/x"},
		{"process { state-dir = /s }\ninstance x { state-dir = /x }\n", "y", "", "/s"},
		{"transport knet { key-file = k }\nprocess { state-dir = $(s) }\n", NULL, "", ""},
		{"transport knet { key-file = /k\n", NULL, "", ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char key_file[4096], state_dir[4096];

		conf_key_places(rows[i].text, rows[i].instance, key_file, state_dir);
		ck_assert_msg(strcmp(key_file, rows[i].key_file) == 0, "row %zu: '%s'", i, key_file);
		ck_assert_msg(strcmp(state_dir, rows[i].state_dir) == 0, "row %zu: '%s'", i, state_dir);
	}
}
END_TEST

START_TEST(the_highest_id_outlives_its_node)
{
	static const struct {
		const char *text;
		uint32_t highest;
	} rows[] = {
		{"node a { id = 3 } node b { id = 7 }\n", 7},
		{"node a { id = 3 }\n" CONF_HIGHEST_ID "9\n", 9},
		{"node a { id = 12 }\n" CONF_HIGHEST_ID "9\n", 12},
		{"node a { id = 3 } " CONF_HIGHEST_ID "9\n", 3},
		{"node a { id = 3 }\n" CONF_HIGHEST_ID "99999999999999999999\n", 3},
		{"node a { id = 3 }\n" CONF_HIGHEST_ID "-1\n", 3},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf conf;
		char why[512] = "";

		ck_assert_msg(conf_read(rows[i].text, &conf, why, sizeof(why)) == 0, "row %zu: %s", i, why);
		ck_assert_msg(conf.highest_id == rows[i].highest, "row %zu: %u", i, conf.highest_id);
		conf_fini(&conf);
	}
}
END_TEST

START_TEST(edits_change_nothing_else)
{
	for (size_t i = 0; i < COUNT(edits); i++) {
		char *result = NULL, why[512] = "";
		int rc = apply(edits[i].edit, edits[i].before, &result, why, sizeof(why));

		ck_assert_msg((rc == 0) == (edits[i].after != NULL), "%s: %d, %s", edits[i].name, rc, why);
		if (rc == 0)
			ck_assert_msg(strcmp(result, edits[i].after) == 0, "%s: '%s'", edits[i].name, result);
		else
			ck_assert_msg(why[0] != '\0', "%s", edits[i].name);
		free(result);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tools/cluster/conf");
	TCase *tcase = tcase_create("conf");

	tcase_add_test(tcase, node_words_have_a_strict_syntax);
	tcase_add_test(tcase, nodes_get_ids_above_all_others);
	tcase_add_test(tcase, loopback_addresses_are_known);
	tcase_add_test(tcase, facts_are_read);
	tcase_add_test(tcase, texts_that_cannot_be_changed_are_refused);
	tcase_add_test(tcase, every_part_of_a_text_is_read_safely);
	tcase_add_test(tcase, encryption_is_the_default);
	tcase_add_test(tcase, a_new_file_is_read_as_it_was_wanted);
	tcase_add_test(tcase, the_places_of_the_key_are_read);
	tcase_add_test(tcase, the_highest_id_outlives_its_node);
	tcase_add_test(tcase, edits_change_nothing_else);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
