/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config/legacy.c: the grammar of corosync.conf, book configuration, "Legacy syntax". The first test compares with
 * Corosync's own verdicts on 165 files (vectors/corosync-t.txt). The tables show the effect of each rule.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/config/config_case.h"

#define NODES "nodelist {\nnode {\nring0_addr: 10.77.0.1\nnodeid: 1\nname: cf1\n}\n}\n"
#define TOTEM(lines) "totem {\nversion: 2\ntransport: udpu\n" lines "}\n"

static struct config_case one;

static void setup(void) { config_case_init(&one); }

static void teardown(void) { config_case_fini(&one); }

/* --- the reference's table --- */

/* Deliberate differences from `corosync -t`. A difference applies to each file that has `line`. */
static const struct difference {
	const char *line; /* a line of the case's file */
	int want;         /* our verdict */
	const char *why;
} differences[] = {
	{": 5", -EINVAL, "an empty key makes a key without a name; 3.1.10 refuses it too"},
	{"config_version: -5", -EINVAL, "taken modulo 2^64; 3.1.10 refuses it too"},
	{"netmtu: 1", -EINVAL, "would wrap around and send nothing"},
	{"netmtu: 100000000", -EINVAL, "every full frame would fail with EMSGSIZE"},
	{"knet_compression_model: none", 0, "the default may be written down"},
	{"knet_ping_interval: 3000000000", -EINVAL, "dropped in silence there"},
	{"nodeid: 4294967295", -EINVAL, "not a usable id"},
	{"logfile: /nonexist/x", 0, "opened when it is used, not because it is named"},
	{"state_dir: /nonexist", 0, "main.c looks at the folder, with exit code 16"},
	{"priority: high", -EINVAL, "-t overlooks it there, the start does not"},
};

/* Differences that are selected by the title of the case. */
static const struct difference titled[] = {
	{"dupname", -EINVAL, "two nodes of one name cannot be told apart"},
	{"dupaddr", -EINVAL, "one of two nodes with one address is never reached"},
};

struct vector {
	char title[64];
	char text[8192];
	size_t size;
	int exit_status;
	int number;
};

/*
 * Append a line of a file to the text. The vectors show a long line as "key: xxx… (N bytes)", where N is the line's
 * length.
 */
static size_t append_line(char *text, const char *line)
{
	const char *cut = strstr(line, "… (");
	size_t length = cut != NULL ? (size_t)atoi(cut + strlen("… (")) : strlen(line);
	size_t shown = cut != NULL ? (size_t)(cut - line) : length;

	memcpy(text, line, shown);
	memset(text + shown, shown > 0 ? line[shown - 1] : 'x', length - shown);
	text[length] = '\n';
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '^')
			text[i] = '\r'; /* the vectors show a carriage return this way */
		if (text[i] == '@')
			text[i] = '\0';
	}
	return length + 1;
}

static bool vector_next(FILE *file, struct vector *vector)
{
	char line[1024];
	bool is_begun = false;

	vector->size = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "### ", 4) == 0) {
			snprintf(vector->title, sizeof(vector->title), "%.60s", line + 4);
			vector->number++;
			is_begun = true;
		} else if (strncmp(line, "  | ", 4) == 0) {
			vector->size += append_line(vector->text + vector->size, line + 4);
		} else if (is_begun && strncmp(line, "exit ", 5) == 0) {
			vector->exit_status = atoi(line + 5);
			return true;
		}
	}
	return false;
}

static bool has_line(const struct vector *vector, const char *line)
{
	char wanted[128];
	int size = snprintf(wanted, sizeof(wanted), "\n%s\n", line);

	return memmem(vector->text, vector->size, wanted, (size_t)size) != NULL;
}

static int verdict_of_reference(const struct vector *vector)
{
	if (vector->exit_status == 0)
		return 0;
	return vector->exit_status == 7 ? -EBADF : -EINVAL; /* exit status 8 and 16: refused; 134: Corosync aborted */
}

static int verdict_wanted(const struct vector *vector)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
		if (has_line(vector, differences[i].line))
			return differences[i].want;
	for (size_t i = 0; i < sizeof(titled) / sizeof(titled[0]); i++)
		if (strcmp(vector->title, titled[i].line) == 0)
			return titled[i].want;
	return verdict_of_reference(vector);
}

static void make_key(const char *name, size_t size)
{
	FILE *file = fopen(name, "w");

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < size; i++)
		fputc('k', file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(verdicts_are_those_of_the_reference)
{
	const char *top = getenv("abs_top_srcdir");
	char path[4096], folder[] = "/tmp/test_legacy.XXXXXX";
	static struct vector vector;

	snprintf(path, sizeof(path), "%s/tests/unit/vectors/corosync-t.txt", top != NULL ? top : ".");
	FILE *file = fopen(path, "r");

	ck_assert_msg(file != NULL, "cannot open %s", path);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0); /* the files have relative paths of keys */
	make_key("k0", 0);
	make_key("k32", 32);
	make_key("k128", 128);
	make_key("k5000", 5000);
	uint32_t differing = 0;

	vector.number = 0;
	while (vector_next(file, &vector)) {
		int want = verdict_wanted(&vector);

		differing += want != verdict_of_reference(&vector);

		config_case_fini(&one);
		one.rc = config_load_bytes(
			"c.conf", vector.text, vector.size, &one.environment, &one.config, &one.messages);
		ck_assert_msg(one.rc == want, "case %d (%s): %d instead of %d: %s\n%s", vector.number, vector.title,
			one.rc, want, config_case_error(&one), vector.text);
		ck_assert_msg(want == 0 || one.messages.error_count > 0, "case %d says nothing", vector.number);
	}
	ck_assert_int_eq(vector.number, 165);
	/* Each row of the two lists must have been needed. */
	ck_assert_uint_eq(differing, (sizeof(differences) + sizeof(titled)) / sizeof(struct difference));
	fclose(file);
	ck_assert_int_eq(chdir("/"), 0);
	const char *const names[] = {"k0", "k32", "k128", "k5000"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* --- where things end up --- */

static const struct kept {
	const char *name, *text, *key, *value; /* value NULL: the key does not exist */
} kept[] = {
	{"string", TOTEM("cluster_name: lab\n"), "totem.cluster_name", "lab"},
	{"colon and brace in a value", TOTEM("foo: a:b}c\n"), "totem.foo", "a:b}c"},
	{"comment sign in a value", TOTEM("foo: lab # x\n"), "totem.foo", "lab # x"},
	{"comment", TOTEM(" \t# foo: 1 {\n"), "totem.foo", NULL},
	{"quotes are data", TOTEM("foo: \"lab\"\n"), "totem.foo", "\"lab\""},
	{"blanks around", TOTEM(" \tfoo \t: \t a b \t \n"), "totem.foo", "a b"},
	{"a byte 0xA0 is a blank",
		TOTEM("\xa0"
		      "foo\xa0:\xa0 a\xa0"
		      "b \xa0\n"),
		"totem.foo",
		"a\xa0"
		"b"},
	{"a no-break space is a blank",
		TOTEM("\xc2\xa0"
		      "foo\xc2\xa0:\xc2\xa0 x\xc2\xa0\n"),
		"totem.foo", "x"},
	{"a letter of UTF-8 stays whole", TOTEM("foo: voil\xc3\xa0\n"), "totem.foo", "voil\xc3\xa0"},
	{"no blank of three bytes", TOTEM("foo: \xe2\x82\xa0\n"), "totem.foo", "\xe2\x82\xa0"},
	{"a byte 0xA0 before a comment", TOTEM("\xa0# foo: 1 {\n"), "totem.foo", NULL},
	{"a section with 0xA0", "logging\xa0{\xa0\ndebug: on\n\xa0}\xa0\n" TOTEM(""), "logging.debug", "on"},
	{"colons behind a key", TOTEM("foo :: x\n"), "totem.foo", ": x"},
	{"empty value", TOTEM("cluster_name:\n"), "totem.cluster_name", ""},
	{"carriage return", TOTEM("foo: x\r\n"), "totem.foo", "x"},
	{"last one wins", TOTEM("token: 1000\ntoken: 2000\n"), "totem.token", "2000"},
	{"plain decimal", TOTEM("token: +03000\n"), "totem.token", "3000"},
	{"section name with colon", "logging: {\ndebug: on\n}\n" TOTEM(""), "logging.debug", "on"},
	{"unknown section", TOTEM("") "a {\nb {\ncc: 1\n}\n}\n", "a.b.cc", "1"},
	{"top level item", "some: 1\n" TOTEM(""), "some", "1"},
	{"last line without line feed", TOTEM("") "some: 1", "some", "1"},
	{"link number", TOTEM("interface {\nmcastport: 6000\nlinknumber: 0\n}\n"), "totem.interface.0.mcastport",
		"6000"},
	{"link number is not kept", TOTEM("interface {\nlinknumber: 0\n}\n"), "totem.interface.0.linknumber", NULL},
	{"members", TOTEM("interface {\nmember {\nmemberaddr: a\n}\nmember {\nmemberaddr: b\n}\n}\n"),
		"totem.interface.0.member.1", "b"},
	{"subsection of an interface", TOTEM("interface {\nsub {\nttl: 5\n}\nttl: 1\n}\n"), "totem.interface.0.sub.ttl",
		"5"},
	{"subsection of a node", TOTEM("") "nodelist {\nnode {\nsub {\nnodeid: x\n}\nname: n\n}\n}\n",
		"nodelist.node.0.sub.nodeid", "x"},
	{"second nodelist overlays", TOTEM("") "nodelist {\nnode {\nfoo: 1\n}\n}\n", "nodelist.node.0.foo", "1"},
	{"subsystem", TOTEM("") "logging {\nlogger_subsys {\ndebug: on\nsubsys: CPG\n}\n}\n",
		"logging.logger_subsys.CPG.debug", "on"},
	{"daemon corosync", TOTEM("") "logging {\nlogging_daemon {\nname: corosync\ndebug: on\n}\n}\n", "logging.debug",
		"on"},
	{"daemon corosync, subsystem",
		TOTEM("") "logging {\nlogging_daemon {\nname: corosync\nsubsys: CPG\ndebug: "
			  "on\n}\n}\n",
		"logging.logger_subsys.CPG.debug", "on"},
	{"another daemon", TOTEM("") "logging {\nlogging_daemon {\nname: qnetd\ndebug: on\n}\n}\n",
		"logging.logging_daemon.qnetd.debug", "on"},
	{"access", TOTEM("") "uidgid {\nuid: 0\ngid: 12\n}\n", "uidgid.config.gid.12", "1"},
	{"access by name", TOTEM("") "uidgid {\nuid: root\n}\n", "uidgid.config.uid.0", "1"},
	{"service keys", TOTEM("") "service {\nname: x\nver: 0\nfoo: 1\n}\n", "service.foo", "1"},
};

START_TEST(items_become_keys)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", NODES, kept[_i].text);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s: %s", kept[_i].name, config_case_error(&one));
	const char *value = config_case_entry(&one, kept[_i].key);

	if (kept[_i].value == NULL)
		ck_assert_msg(value == NULL, "%s: %s is there", kept[_i].name, kept[_i].key);
	else
		ck_assert_msg(value != NULL && strcmp(value, kept[_i].value) == 0, "%s: %s is '%s'", kept[_i].name,
			kept[_i].key, value == NULL ? "absent" : value);
}
END_TEST

/* --- what is refused, and how --- */

static const struct refused {
	const char *text, *error;
} refused[] = {
	{"totem { version: 2 }\n",
		"c.conf:1: Extra characters after opening bracket '{': put each item on its own line; a value "
		"cannot contain '{'"},
	{"totem\n{\nversion: 2\n}\n",
		"c.conf:1: Line is not opening or closing section or key value: put '{' at the end of the section's "
		"own line"},
	{"totem {\nversion\n}\n", "c.conf:2: Line is not opening or closing section or key value: write 'key: value'"},
	{" {\n}\n",
		"c.conf:1: Missing section name before opening bracket '{': put '{' at the end of the section's own "
		"line"},
	{"totem {\n} x\n",
		"c.conf:2: Extra characters before or after closing bracket '}': put '}' on a line of its own"},
	{"totem {\n}\n}\n", "c.conf:3: Unexpected closing brace"},
	{"totem {\nversion: 2\n", "c.conf:2: Missing closing brace: section 'totem' opened in line 1"},
	{"totem {\nfoo: {x\n}\n",
		"c.conf:2: Extra characters after opening bracket '{': put each item on its own line; a value "
		"cannot contain '{'"},
	{"totem {\n: 5\n}\n", "c.conf:2: Key name can't be empty"},
	{"totem {\ntoken: 1s\n}\n", "c.conf:2: 'totem.token' is '1s': must be an integer from 0 to 4294967295"},
	{"totem {\ntoken:\n}\n", "c.conf:2: 'totem.token' is ''"},
	{"totem {\ntoken: 4294967296\n}\n", "c.conf:2: 'totem.token' is '4294967296'"},
	{"totem {\ntoken: 99999999999999999999999\n}\n", "c.conf:2: 'totem.token' is"},
	{"totem {\nconfig_version: abc\n}\n", "c.conf:2: 'totem.config_version' is 'abc'"},
	{"totem {\nfoo bar: 1\n}\n", "c.conf:2: 'totem.foo bar' cannot be a key"},
	{"ab: 1\n", "c.conf:1: 'ab' cannot be a key"},
	{"totem {\ninterface {\nttl: 256\n}\n}\n",
		"c.conf:3: 'totem.interface.ttl' is '256': must be an integer from 0 to 255"},
	{"totem {\ninterface {\nlinknumber: x\n}\n}\n", "c.conf:3: 'totem.interface.linknumber' is 'x'"},
	{"totem {\ninterface {\nmember {\nfoo: 1\n}\n}\n}\n", "c.conf:4: Only memberaddr is allowed in member section"},
	{"logging {\nlogger_subsys {\ndebug: on\n}\n}\n", "c.conf:4: No subsys key in logger_subsys directive"},
	{"logging {\nlogging_daemon {\nsubsys: a\n}\n}\n", "c.conf:4: No name key in logging_daemon directive"},
	{"uidgid {\nfoo: 1\n}\n", "c.conf:2: uidgid: Only uid and gid are allowed items"},
	{"uidgid {\nuid: nosuch-user\n}\n", "c.conf:2: no user 'nosuch-user' on this host"},
	{"uidgid {\ngid: nosuch-group\n}\n", "c.conf:2: no group 'nosuch-group' on this host"},
	{"uidgid {\nuid: 4294967295\n}\n", "c.conf:2: 'uid' is '4294967295'"},
	{"uidgid {\nuid:\n}\n", "c.conf:2: no user ''"},
	{"service {\nver: 0\n}\n", "c.conf:3: section 'service' names no plugin: add 'name: PLUGIN'"},
	{"service {\nname: ../x\n}\n", "c.conf:2: '../x' is no plugin name"},
};

START_TEST(errors_name_the_line)
{
	ck_assert_int_eq(config_case_load(&one, refused[_i].text), -EINVAL);
	ck_assert_msg(config_case_has_error(&one, refused[_i].error), "'%s' instead of '%s'", config_case_error(&one),
		refused[_i].error);
}
END_TEST

START_TEST(several_errors_are_told_at_once)
{
	char text[8192] = "totem {\n";

	for (int i = 0; i < 30; i++)
		strcat(text, "token: x\n");
	strcat(text, "}\n");
	ck_assert_int_eq(config_case_load(&one, text), -EINVAL);
	ck_assert_uint_eq(one.messages.error_count, 21);
	ck_assert(config_case_has_error(&one, "c.conf:21: "));
	ck_assert(config_case_has_error(&one, "10 more errors"));
}
END_TEST

/* Load a line of `length` bytes before its line feed. */
static int load_line(size_t length, bool has_feed)
{
	static char text[4096];
	size_t used = (size_t)sprintf(text, "%s%s", NODES, TOTEM(""));

	used += (size_t)sprintf(text + used, "foo: ");
	memset(text + used, 'x', length - 5);
	text[used + length - 5] = '\0';
	if (has_feed)
		strcat(text, "\n");
	return config_case_load(&one, text);
}

START_TEST(lines_have_510_bytes)
{
	ck_assert_int_eq(load_line(510, true), 0);
	ck_assert_int_eq(load_line(511, true), -EINVAL);
	ck_assert(config_case_has_error(&one, "Line too long"));
	ck_assert_int_eq(load_line(511, false), 0);
	ck_assert_int_eq(load_line(512, false), -EINVAL);
}
END_TEST

START_TEST(paths_have_254_bytes)
{
	char text[2048], name[300];

	for (size_t length = 245; length <= 252; length++) {
		memset(name, 'n', length);
		name[length] = '\0';
		snprintf(text, sizeof(text), "%s%stop {\n%s: 1\n}\n", NODES, TOTEM(""), name);
		/* The full name is "top.KEY": 3 + 1 + length must be below 255. */
		ck_assert_int_eq(config_case_load(&one, text), length + 4 < 255 ? 0 : -EINVAL);
		snprintf(text, sizeof(text), "%s%stop {\n%s {\n}\n}\n", NODES, TOTEM(""), name);
		ck_assert_int_eq(config_case_load(&one, text), length + 4 < 255 ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(nul_bytes_and_other_files_are_refused)
{
	static const char nul[] = "totem {\nver\0sion: 2\n}\n";
	static char big[1024 * 1024 + 1];

	one.rc = config_load_bytes("c.conf", nul, sizeof(nul) - 1, &one.environment, &one.config, &one.messages);
	ck_assert_int_eq(one.rc, -EINVAL);
	ck_assert(config_case_has_error(&one, "c.conf:2: not a text file: NUL byte"));
	config_case_fini(&one);

	memset(big, '\n', sizeof(big));
	one.rc = config_load_bytes("c.conf", big, sizeof(big), &one.environment, &one.config, &one.messages);
	ck_assert_int_eq(one.rc, -EINVAL);
	ck_assert(config_case_has_error(&one, "c.conf: larger than 1 MiB"));

	ck_assert_int_eq(config_case_load(&one, ""), -EINVAL);
	ck_assert(config_case_has_error(&one, "c.conf: the file is empty"));
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped)
{
	ck_assert_int_eq(config_case_load(&one, "\xef\xbb\xbf" TOTEM("") NODES), 0);
	ck_assert(config_case_has_warning(&one, "c.conf:1: byte order mark"));
}
END_TEST

static const struct warned {
	const char *text, *warning; /* warning NULL: no warning */
} warned[] = {
	{TOTEM("tokn: 5\n"), "c.conf:4: nothing uses 'totem.tokn': did you mean 'token'?"},
	{TOTEM("frobnicate: 5\n"), "c.conf:4: nothing uses 'totem.frobnicate'"},
	{"totme {\n}\n" TOTEM(""), "c.conf:1: nothing uses section 'totme': did you mean 'totem'?"},
	{TOTEM("nodeid: 5\n"), "c.conf:4: 'nodeid' in section 'totem' is ignored"},
	{TOTEM("block_unlisted_ips: maybe\n"), "c.conf:4: 'maybe' is neither yes nor no"},
	{TOTEM("interface {\nringnumber: 0\n}\n"), "'ringnumber' is not known"},
	{TOTEM("interface {\nbindnetaddr: 10.0.0.0\n}\n"), "'bindnetaddr' is ignored"},
	{TOTEM("interface {\nmember {\nmemberaddr: 1\n}\n}\n"), "Members ignored"},
	{TOTEM("") "logging {\nto_file: no\n}\n", "'to_file' is an old name"},
	{TOTEM("") "logging {\nlogger_subsys {\nsubsys: NOPE\n}\n}\n", "logs as 'NOPE'"},
	{TOTEM("") "service {\nname: pacemaker\nver: 1\n}\n", "'pacemaker' is a daemon of its own"},
	{TOTEM("cluster_uuid: 1\n") "quorum {\ndevice {\nnet {\nhost: a\n}\n}\n}\n", NULL},
	{TOTEM("") "some {\nkey: 1\n}\n", NULL},
};

START_TEST(slips_are_warned_about)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", warned[_i].text, NODES);
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	if (warned[_i].warning == NULL)
		ck_assert_msg(one.messages.warning_count == 0, "%s", one.messages.warnings[0]);
	else
		ck_assert_msg(config_case_has_warning(&one, warned[_i].warning), "no '%s'", warned[_i].warning);
}
END_TEST

/* --- files --- */

static char folder[] = "/tmp/test_legacy_files.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static int load_file(const char *name)
{
	char path[256];

	config_case_fini(&one);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	one.rc = config_load(path, &one.environment, &one.config, &one.messages);
	return one.rc;
}

START_TEST(files_of_uidgid_d_are_read)
{
	char command[512];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(command, sizeof(command), "%s/uidgid.d", folder);
	ck_assert_int_eq(mkdir(command, 0700), 0);
	write_file("c.conf", TOTEM("") NODES);
	write_file("uidgid.d/.dot", "uidgid {\nuid: 7\n}\n");
	write_file("uidgid.d/pcs~", "uidgid {\nuid: 8\ngid:\n}\n");
	ck_assert_msg(load_file("c.conf") == 0, "%s", config_case_error(&one));
	ck_assert_ptr_nonnull(config_case_entry(&one, "uidgid.config.uid.7"));
	ck_assert_ptr_nonnull(config_case_entry(&one, "uidgid.config.uid.8"));
	ck_assert(config_case_has_warning(&one, "pcs~:3: 'gid' is empty"));
	ck_assert_str_eq(one.config->file + strlen(one.config->file) - 7, "/c.conf");

	write_file("uidgid.d/bad", "totem {\nversion: 2\n}\nuid: 5\n");
	ck_assert_int_eq(load_file("c.conf"), -EINVAL);
	ck_assert(config_case_has_error(&one, "uidgid.d/bad:1: uidgid: Can't add subsection"));
	ck_assert(config_case_has_error(&one, "uidgid.d/bad:4: 'uid' is outside a section"));

	ck_assert_int_eq(load_file("uidgid.d"), -EINVAL);
	ck_assert(config_case_has_error(&one, "/uidgid.d' is a directory: give a file"));
	ck_assert_int_eq(load_file("none.conf"), -EINVAL);
	ck_assert(config_case_has_error(&one, "/none.conf' (No such file or directory)"));

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Let the process open only so many more files. */
static void limit_files(uint32_t count)
{
	int lowest = dup(STDIN_FILENO);
	struct rlimit limit;

	ck_assert_int_ge(lowest, 0);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)lowest + count;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Without a descriptor a reload must not take access from the users of uidgid.d. */
START_TEST(uidgid_d_is_not_left_out_without_descriptors)
{
	char command[512];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(command, sizeof(command), "%s/uidgid.d", folder);
	ck_assert_int_eq(mkdir(command, 0700), 0);
	write_file("c.conf", TOTEM("") NODES);
	write_file("uidgid.d/a", "uidgid {\nuid: 7\n}\n");
	limit_files(2);
	ck_assert_msg(load_file("c.conf") == 0, "%s", config_case_error(&one));
	ck_assert_ptr_nonnull(config_case_entry(&one, "uidgid.config.uid.7"));
	limit_files(1);
	ck_assert_int_eq(load_file("c.conf"), -EINVAL);
	ck_assert(config_case_has_error(&one, "/uidgid.d: cannot be read (Too many open files): raise the limit"));
	limit_files(16);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Random bytes must be read, or refused with a text, and must do nothing else. The seed is always the same. */
START_TEST(noise_is_survived)
{
	static const char *const pieces[] = {"totem", "{", "}", "\n", ":", " ", "interface", "linknumber", "8", "-1",
		"nodelist", "node", "ring0_addr", "::1", "uidgid", "uid", "\xff", "#", "service", "name", "logging",
		"logger_subsys", "subsys", "member", "memberaddr", "\r", ".", "99999999999999999999"};
	uint32_t random = 1;
	char text[8192];

	for (int run = 0; run < 1000; run++) {
		text[0] = '\0';
		for (int i = 0; i < 200; i++) {
			random = random * 1664525 + 1013904223;
			strcat(text, pieces[(random >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
			if (random >> 30 == 0)
				strcat(text, "\n");
		}
		if (config_case_load(&one, text) < 0)
			ck_assert_uint_gt(one.messages.error_count, 0);
	}
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("legacy");
	TCase *tc = tcase_create("legacy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, verdicts_are_those_of_the_reference);
	tcase_add_loop_test(tc, items_become_keys, 0, COUNT(kept));
	tcase_add_loop_test(tc, errors_name_the_line, 0, COUNT(refused));
	tcase_add_test(tc, several_errors_are_told_at_once);
	tcase_add_test(tc, lines_have_510_bytes);
	tcase_add_test(tc, paths_have_254_bytes);
	tcase_add_test(tc, nul_bytes_and_other_files_are_refused);
	tcase_add_test(tc, a_byte_order_mark_is_skipped);
	tcase_add_loop_test(tc, slips_are_warned_about, 0, COUNT(warned));
	tcase_add_test(tc, files_of_uidgid_d_are_read);
	tcase_add_test(tc, uidgid_d_is_not_left_out_without_descriptors);
	tcase_add_test(tc, noise_is_survived);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
