/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plugins in a configuration (config/describe.c, config/view.c). Here a transport and a quorum provider of a third
 * party have legacy names of options, and checks, as knet and votequorum have.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coterie/plugin.h>

#include "tests/suite.h"
#include "tests/unit/config/config_case.h"

#define NODES "node a { id = 1  address = 10.77.0.1 }\nnode b { id = 2  address = 10.77.0.2 }\n"
#define LEGACY_NODES \
	"nodelist {\nnode {\nname: a\nnodeid: 1\nring0_addr: 10.77.0.1\n}\n" \
	"node {\nname: b\nnodeid: 2\nring0_addr: 10.77.0.2\n}\n}\n"

static struct config_case one;
static uint32_t purpose_seen; /* purpose of the last call of acme's check, or 0 */

/* --- the third party --- */

static const struct coterie_option acme_options[] = {
	{.name = "depth",
		.type = COTERIE_OPT_U32,
		.min = 1,
		.max = 9,
		.initial = "3",
		.help = "how deep",
		.legacy = "totem.acme_depth"},
	{.name = "pause", .type = COTERIE_OPT_MS, .legacy = "totem.acme_pause"},
	{.name = "is_fast", .type = COTERIE_OPT_BOOL, .legacy = "acme.fast"},
	{.name = "color", .type = COTERIE_OPT_ENUM, .choices = "red blue", .initial = "red"},
};

static void acme_check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	const struct coterie_config_key *depth = view->find(view, "totem.acme_depth"), *key = NULL;
	uint32_t count = 0;

	purpose_seen = view->purpose;
	ck_assert_str_eq(view->transport, "acme");
	ck_assert_uint_eq(view->node_count, 2);
	ck_assert_str_eq(view->nodes[1].name, "b");
	ck_assert_uint_eq(view->nodes[1].nodeid, 2);
	ck_assert_uint_eq(view->nodes[1].links, 1);
	ck_assert_uint_eq(view->nodes[0].is_local, 1);
	while ((key = view->next(view, "nodelist.node.", key)) != NULL)
		count += key->line != 0;
	ck_assert_uint_eq(count, 6);
	ck_assert_ptr_null(view->find(view, "totem.acme"));
	ck_assert_ptr_null(view->service(view, "nothing"));
	if (depth != NULL && strcmp(depth->text, "7") == 0)
		report->error(
			report, depth, "'%s' is %s: this hardware has 6", view->name(view, depth->key), depth->text);
	if (depth != NULL && strcmp(depth->text, "6") == 0)
		report->warning(report, depth, "'%s' is %s: use less", view->name(view, depth->key), depth->text);
	if (view->find(view, "acme.fast") != NULL && depth == NULL)
		report->error(report, NULL, "a fast ring needs a depth");
}

static const struct coterie_option arbiter_options[] = {
	{.name = "weight", .type = COTERIE_OPT_U32, .legacy = "quorum.arbiter_weight"},
};

static void arbiter_check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	if (view->provider != NULL && strcmp(view->provider, "arbiter") == 0 &&
		view->find(view, "quorum.two_node") != NULL)
		report->error(report, view->find(view, "quorum.two_node"), "'%s' means nothing to an arbiter",
			view->name(view, "quorum.two_node"));
}

/* The struct of an option in the ABI before 1.9. */
struct old_option {
	const char *name;
	uint32_t type, flags;
	const char *initial;
	uint64_t min, max;
	const char *choices, *help;
};

static const struct old_option old_options[] = {
	{.name = "depth", .type = COTERIE_OPT_U32}, {.name = "pause", .type = COTERIE_OPT_MS}};

static void describe(void *arg, uint32_t kind, const char *name, const char *folders,
	void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg)
{
	static const struct coterie_plugin acme = {.size = sizeof(acme),
		.kind = COTERIE_KIND_TRANSPORT,
		.name = "acme",
		COTERIE_OPTIONS(acme_options),
		.check = acme_check};
	static const struct coterie_plugin arbiter = {.size = sizeof(arbiter),
		.kind = COTERIE_KIND_SERVICE,
		.name = "arbiter",
		COTERIE_OPTIONS(arbiter_options),
		.check = arbiter_check,
		.log_name = "ARB"};
	const struct coterie_plugin old = {.size = offsetof(struct coterie_plugin, check),
		.kind = COTERIE_KIND_TRANSPORT,
		.name = "old",
		.options = (const void *)old_options,
		.option_count = 2,
		.option_size = sizeof(old_options[0]),
		.check = acme_check};
	const struct coterie_plugin far = {.size = sizeof(far),
		.kind = COTERIE_KIND_SERVICE,
		.name = "far",
		COTERIE_OPTIONS(arbiter_options),
		.check = NULL};
	const struct coterie_plugin *const all[] = {&acme, &arbiter, &old};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (kind == all[i]->kind && strcmp(name, all[i]->name) == 0)
			see(see_arg, all[i]);
	if (strcmp(name, "far") == 0 && folders != NULL && strcmp(folders, "/far/away") == 0)
		see(see_arg, &far);
	config_case_describe(arg, kind, name, folders, see, see_arg);
}

static int find_transport(void *arg, const char *name, char *text, size_t size)
{
	(void)arg;
	snprintf(text, size, "no plugin '%s' here", name);
	return strcmp(name, "acme") == 0 || strcmp(name, "old") == 0 ? 0 : -ENOENT;
}

static void setup(void)
{
	config_case_init(&one);
	one.environment.describe = describe;
	one.environment.find_transport = find_transport;
	one.environment.format = CONFIG_FORMAT_COTERIE;
	purpose_seen = 0;
}

static void teardown(void) { config_case_fini(&one); }

static void load(const char *text)
{
	one.environment.format = strncmp(text, "totem {\nversion", 15) == 0 ? CONFIG_FORMAT_COROSYNC
									    : CONFIG_FORMAT_COTERIE;
	config_case_load(&one, text);
}

static void assert_key(const char *key, const char *text)
{
	const char *found = config_case_entry(&one, key);

	ck_assert_msg(found != NULL && strcmp(found, text) == 0, "%s is %s, not %s", key, found, text);
}

static char *print(enum config_form form)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(config_print(one.config, form, out), 0);
	fclose(out);
	return text;
}

/* --- legacy names --- */

START_TEST(an_option_makes_its_legacy_key)
{
	load("transport acme { depth = 4  pause = 2s  is-fast = on  color = blue }\nquorum { "
	     "provider = none }\n" NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	assert_key("totem.acme_depth", "4");
	assert_key("totem.acme_pause", "2000");
	assert_key("acme.fast", "yes");
	ck_assert_ptr_null(config_case_entry(&one, "totem.color"));
	ck_assert_str_eq(config_option_text(one.config, "acme", "pause", NULL, NULL), "2000ms");
}
END_TEST

START_TEST(corosync_conf_has_an_option_under_its_legacy_name)
{
	const char *file;
	uint32_t line;

	load("totem {\nversion: 2\ntransport: acme\nacme_depth: 4\nacme_pause: 1500\n}\nacme "
	     "{\nfast: yes\n}\n" LEGACY_NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_msg(one.messages.warning_count == 0, "%s", one.messages.warnings[0]);
	assert_key("totem.acme_depth", "4");
	ck_assert_str_eq(config_key(one.config, "totem.acme_depth", &file, &line), "4");
	ck_assert_uint_eq(line, 4);
}
END_TEST

START_TEST(a_legacy_name_that_is_misspelt_gets_a_hint)
{
	load("totem {\nversion: 2\ntransport: acme\nacme_dept: 4\n}\n" LEGACY_NODES);
	ck_assert_int_eq(one.rc, 0);
	ck_assert_uint_eq(one.messages.warning_count, 1);
	ck_assert_str_eq(
		one.messages.warnings[0], "c.conf:4: nothing uses 'totem.acme_dept': did you mean 'acme_depth'?");
}
END_TEST

START_TEST(without_the_plugin_its_legacy_names_are_unknown)
{
	load("totem {\nversion: 2\ntransport: udpu\nacme_depth: 4\n}\n" LEGACY_NODES);
	ck_assert_int_eq(one.rc, 0);
	ck_assert_uint_eq(one.messages.warning_count, 1);
	ck_assert(config_case_has_warning(&one, "nothing uses 'totem.acme_depth': it is only kept in the map"));
}
END_TEST

static const struct {
	const char *text, *error;
} refusals[] = {
	{"totem {\nversion: 2\ntransport: acme\nacme_depth: 70\n}\n" LEGACY_NODES,
		"c.conf:4: 'acme_depth' is 70: must be between 1 and 9"},
	{"totem {\nversion: 2\ntransport: acme\nacme_depth: 7\n}\n" LEGACY_NODES,
		"c.conf:4: 'acme_depth' is 7: this hardware has 6"},
	{"transport acme {\ndepth = 70\n}\n" NODES, "c.conf:2: 'depth' is 70: must be between 1 and 9"},
	{"transport acme {\ndepth = 7\n}\n" NODES, "c.conf:2: 'depth' is 7: this hardware has 6"},
	{"transport acme {\nis-fast = yes\n}\n" NODES, "c.conf: a fast ring needs a depth"},
	{"transport acme {\ndeph = 7\n}\n" NODES,
		"c.conf:2: transport acme has no option 'deph': did you mean 'depth'?"},
	{"transport udpu { encryption = none }\nquorum { provider = arbiter\ntwo-node = yes "
	 "}\n" NODES,
		"c.conf:3: 'two-node' means nothing to an arbiter"},
	{"totem {\nversion: 2\ntransport: udpu\n}\nquorum {\nprovider: arbiter\ntwo_node: "
	 "1\n}\n" LEGACY_NODES,
		"c.conf:7: 'two_node' means nothing to an arbiter"},
	{"plugins { path = {\"/far/away\"} }\ntransport udpu {}\nservice far {\nwight = "
	 "1\n}\n" NODES,
		"c.conf:4: service far has no option 'wight': remove it"},
	{"plugins { path = {\"/far/away\"} }\ntransport udpu {}\nservice far {\nweight = "
	 "one\n}\n" NODES,
		"c.conf:4: 'one' is not a number: use decimal digits"},
};

START_TEST(a_plugin_refuses_a_configuration_at_its_line)
{
	load(refusals[_i].text);
	ck_assert_int_eq(one.rc, -EINVAL);
	ck_assert_str_eq(config_case_error(&one), refusals[_i].error);
	ck_assert_uint_eq(one.messages.error_count, 1);
}
END_TEST

START_TEST(a_plugin_warns_at_its_line)
{
	load("transport acme {\ndepth = 6\n}\n" NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.messages.warning_count, 1);
	ck_assert_str_eq(one.messages.warnings[0], "c.conf:2: 'depth' is 6: use less");
}
END_TEST

START_TEST(strict_makes_errors_of_a_plugins_warnings)
{
	load("transport acme {\ndepth = 6\n}\nprocess { strict = yes }\n" NODES);
	ck_assert_int_eq(one.rc, -EINVAL);
	ck_assert_str_eq(config_case_error(&one), "c.conf:2: 'depth' is 6: use less");
}
END_TEST

START_TEST(a_check_sees_why_it_is_called)
{
	load("transport acme {}\n" NODES);
	ck_assert_uint_eq(purpose_seen, COTERIE_CHECK_START);
	one.environment.is_test = true;
	load("transport acme {}\n" NODES);
	ck_assert_uint_eq(purpose_seen, COTERIE_CHECK_TEST);
}
END_TEST

START_TEST(a_plugin_of_an_older_abi_has_options_and_no_check)
{
	load("transport old { depth = 70  pause = 1s }\n" NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(purpose_seen, 0);
	ck_assert_str_eq(config_option_text(one.config, "old", "pause", NULL, NULL), "1000ms");
	load("transport old { weight = 1 }\n" NODES);
	ck_assert(config_case_has_error(&one, "transport old has no option 'weight'"));
}
END_TEST

START_TEST(a_subsystem_of_a_plugin_is_known)
{
	load("totem {\nversion: 2\ntransport: acme\n}\nquorum {\nprovider: arbiter\n}\n"
	     "logging {\nlogger_subsys {\nsubsys: ARB\n}\nlogger_subsys {\nsubsys: ACME\n}\n"
	     "logger_subsys {\nsubsys: ACM\n}\nlogger_subsys {\nsubsys: "
	     "ARBITER\n}\n}\n" LEGACY_NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.messages.warning_count, 2);
	ck_assert(config_case_has_warning(&one, "logs as 'ACM'"));
	ck_assert(config_case_has_warning(&one, "logs as 'ARBITER'"));
}
END_TEST

/* --- conversion --- */

START_TEST(corosync_conf_becomes_options_of_the_plugin)
{
	load("totem {\nversion: 2\ntransport: acme\nacme_depth: 4\nacme_pause: 1500\n}\nacme "
	     "{\nfast: 1\n}\n"
	     "quorum {\nprovider: arbiter\narbiter_weight: 2\n}\n" LEGACY_NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	char *text = print(CONFIG_FORM_COTERIE);

	ck_assert_ptr_nonnull(strstr(text, "\tdepth = 4\t# c.conf:4\n"));
	ck_assert_ptr_nonnull(strstr(text, "\tpause = 1500ms\t# c.conf:5\n"));
	ck_assert_ptr_nonnull(strstr(text, "\tis-fast = yes\t# c.conf:8\n"));
	ck_assert_ptr_nonnull(strstr(text, "\t# color = red\t# default\n"));
	ck_assert_ptr_nonnull(strstr(text, "service arbiter {\n\tweight = 2\t# c.conf:12\n}\n"));
	ck_assert_ptr_null(strstr(text, "keys ="));
	load(text);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	assert_key("totem.acme_depth", "4");
	assert_key("totem.acme_pause", "1500");
	assert_key("acme.fast", "yes");
	assert_key("quorum.arbiter_weight", "2");
	free(text);
}
END_TEST

START_TEST(options_of_the_plugin_become_corosync_conf)
{
	load("transport acme { depth = 4  pause = 2s  is-fast = no  color = blue }\n"
	     "quorum { provider = arbiter }\nservice arbiter { weight = 2 }\n" NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	char *text = print(CONFIG_FORM_COROSYNC);

	ck_assert_ptr_nonnull(strstr(text, "\tacme_depth: 4\n\tacme_pause: 2000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nacme {\n\tfast: no\n}\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nquorum {\n\tprovider: arbiter\n\tarbiter_weight: 2\n}\n"));
	ck_assert_ptr_nonnull(strstr(text, "\ntransport {\n\tname: acme\n\tcolor: blue\n}\n"));
	one.environment.format = CONFIG_FORMAT_COROSYNC;
	config_case_load(&one, text);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	assert_key("totem.acme_depth", "4");
	assert_key("totem.acme_pause", "2000");
	free(text);
}
END_TEST

START_TEST(help_names_the_legacy_key)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(config_help(&one.environment, "transport", "acme", out), 0);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\tdepth  (number, 1 to 9; default 3; restart)\n\t\thow deep\n"
					   "\t\tin corosync.conf: totem.acme_depth\n"));
	free(text);
}
END_TEST

/* --- reload --- */

static struct config_fixed *fix(const struct config *config)
{
	static const struct coterie_plugin acme = {
		.size = sizeof(acme), .kind = COTERIE_KIND_TRANSPORT, .name = "acme", COTERIE_OPTIONS(acme_options)};
	struct config_fixed *fixed = config_fixed_create(config, false);

	ck_assert_ptr_nonnull(fixed);
	ck_assert_int_eq(config_fixed_describe(fixed, &acme), 0);
	return fixed;
}

START_TEST(a_reload_reads_options_without_opening_a_file)
{
	char path[] = "/tmp/coterie-XXXXXX";
	struct config_case again;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, "totem {\nversion: 2\ntransport: acme\nacme_depth: 8\n}\n" LEGACY_NODES), 0);
	load("totem {\nversion: 2\ntransport: acme\n}\n" LEGACY_NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	struct config_fixed *fixed = fix(one.config);

	config_case_init(&again);
	again.environment.describe = NULL;
	again.rc = config_load_again(path, &again.environment, fixed, &again.config, &again.messages);
	ck_assert_msg(again.rc == 0, "%s", config_case_error(&again));
	ck_assert_msg(again.messages.warning_count == 0, "%s", again.messages.warnings[0]);
	ck_assert_str_eq(config_case_entry(&again, "totem.acme_depth"), "8");
	config_case_fini(&again);
	config_fixed_destroy(fixed);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_running_plugin_checks_what_was_read_again)
{
	static const struct coterie_plugin acme = {
		.size = sizeof(acme), .kind = COTERIE_KIND_TRANSPORT, .name = "acme", .check = acme_check};
	const struct coterie_plugin old = {.size = offsetof(struct coterie_plugin, check), .check = acme_check};
	struct config_messages messages = {0};

	one.environment.describe = NULL;
	load("totem {\nversion: 2\ntransport: acme\nacme_depth: 7\n}\n" LEGACY_NODES);
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_int_eq(config_check(one.config, &old, &messages), 0);
	ck_assert_uint_eq(purpose_seen, 0);
	ck_assert_int_eq(config_check(one.config, &acme, &messages), -EINVAL);
	ck_assert_uint_eq(purpose_seen, COTERIE_CHECK_RELOAD);
	ck_assert_uint_eq(messages.error_count, 1);
	ck_assert_str_eq(messages.errors[0], "c.conf:4: 'acme_depth' is 7: this hardware has 6");
	config_messages_fini(&messages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_plugins");
	TCase *tcase = tcase_create("third party");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_option_makes_its_legacy_key);
	tcase_add_test(tcase, corosync_conf_has_an_option_under_its_legacy_name);
	tcase_add_test(tcase, a_legacy_name_that_is_misspelt_gets_a_hint);
	tcase_add_test(tcase, without_the_plugin_its_legacy_names_are_unknown);
	tcase_add_loop_test(
		tcase, a_plugin_refuses_a_configuration_at_its_line, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, a_plugin_warns_at_its_line);
	tcase_add_test(tcase, strict_makes_errors_of_a_plugins_warnings);
	tcase_add_test(tcase, a_check_sees_why_it_is_called);
	tcase_add_test(tcase, a_plugin_of_an_older_abi_has_options_and_no_check);
	tcase_add_test(tcase, a_subsystem_of_a_plugin_is_known);
	tcase_add_test(tcase, corosync_conf_becomes_options_of_the_plugin);
	tcase_add_test(tcase, options_of_the_plugin_become_corosync_conf);
	tcase_add_test(tcase, help_names_the_legacy_key);
	tcase_add_test(tcase, a_reload_reads_options_without_opening_a_file);
	tcase_add_test(tcase, a_running_plugin_checks_what_was_read_again);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
