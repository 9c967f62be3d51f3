/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry, with real plugin files (sample-plugins/variant.c, built once for each row), and with descriptors of this file
 * that must be refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_private.h"
#include "exec/stats/stats.h"
#include "exec/sync/quorum.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

/* The plugin ABI of this executive, as a text. */
#define TEXT(macro) TEXT_OF(macro)
#define TEXT_OF(value) #value
#define MINOR TEXT(COTERIE_ABI_MINOR)
#define ABI TEXT(COTERIE_ABI_MAJOR) "." MINOR

/* A copy of the struct in sample-plugins/variant.c. */
struct variant {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t period_ms;
	const char *color;
	unsigned int ticks, posts;
	int fds[2];
};

/* The parts of the executive under test, and the parts that they use. */
struct others {
	struct config *config;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct quorum *quorum;
	bool is_quorate;
	struct plugin_registry *plugins;
	struct host_parts host;
};

struct fixture {
	struct others others;
	struct config config;
	struct config_option options[4];
	struct plugin_parts parts;
	struct plugin_registry *registry;
	char folder[64]; /* folder that is empty at first, and searched before that of the built plugins */
};

static struct fixture f;

static void set_up(void)
{
	const char *directories[] = {f.folder, TEST_PLUGIN_DIR};

	memset(&f, 0, sizeof(f));
	exec_stub_reset();
	unsetenv("COTERIE_PLUGIN_PATH");
	snprintf(f.folder, sizeof(f.folder), "/tmp/coterie-test-plugin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	f.config.options = f.options;
	f.others.config = &f.config;
	f.others.loop = loop_create();
	f.others.map = map_create();
	f.others.stats = stats_create(f.others.loop);
	f.others.quorum = quorum_create(NULL, NULL, NULL);
	f.others.host = (struct host_parts){.loop = f.others.loop,
		.map = f.others.map,
		.stats = f.others.stats,
		.config = &f.others.config,
		.is_quorate = &f.others.is_quorate,
		.quorum = f.others.quorum};
	f.parts = (struct plugin_parts){.loop = f.others.loop,
		.stats = f.others.stats,
		.config = &f.others.config,
		.host = host_for_plugins(),
		.host_parts = &f.others.host};
	f.registry = plugin_registry_create(&f.parts, directories, 2);
	f.others.plugins = f.registry;
	ck_assert_ptr_nonnull(f.registry);
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", f.folder);
	ck_assert_int_eq(system(command), 0);
}

static void tear_down(void)
{
	while (plugin_first(f.registry) != NULL)
		plugin_unload(f.registry, plugin_first(f.registry));
	plugin_registry_destroy(f.registry);
	quorum_destroy(f.others.quorum);
	stats_destroy(f.others.stats);
	map_destroy(f.others.map);
	loop_destroy(f.others.loop);
	remove_folder();
}

static struct plugin *load(const char *name)
{
	struct plugin_error error = {0};
	struct plugin *plugin = plugin_load(f.registry, COTERIE_KIND_SERVICE, name, &error);

	ck_assert_msg(plugin != NULL, "%s: %s", name, error.text);
	return plugin;
}

static void expect_refusal(const char *name, int exit_code, const char *const *texts)
{
	struct plugin_error error = {0};

	ck_assert_ptr_null(plugin_load(f.registry, COTERIE_KIND_SERVICE, name, &error));
	ck_assert_msg(error.exit_code == exit_code, "%s: exit code %d: %s", name, error.exit_code, error.text);
	for (; *texts != NULL; texts++)
		ck_assert_msg(strstr(error.text, *texts) != NULL, "%s: no '%s' in: %s", name, *texts, error.text);
	ck_assert_msg(strchr(error.text, '\n') == NULL, "%s: more than one line", error.text);
	ck_assert_ptr_null(plugin_by_name(f.registry, name));
}

static void turn(void)
{
	loop_timer_add(f.others.loop, loop_now_ns(f.others.loop) + 1000000, (void (*)(void *))loop_stop, f.others.loop);
	loop_run(f.others.loop);
}

/* --- loading --- */

START_TEST(a_plugin_is_loaded_and_unloaded)
{
	struct plugin *plugin = load("good");

	ck_assert_str_eq(plugin->name, "good");
	ck_assert_str_eq(plugin->subsystem, "GOOD");
	ck_assert_str_eq(plugin->service.title, "good");
	ck_assert_int_eq(plugin->path[0], '/');
	ck_assert_int_eq(plugin->state, PLUGIN_READY);
	ck_assert_ptr_eq(plugin_by_ring_id(f.registry, 40), plugin);
	ck_assert_ptr_null(plugin_by_ring_id(f.registry, 41));
	ck_assert_ptr_eq(plugin_by_name(f.registry, "good"), plugin);
	struct variant *variant = plugin->self;
	ck_assert_uint_eq(variant->period_ms, 2000);
	ck_assert_str_eq(variant->color, "red");
	plugin_unload(f.registry, plugin);
	ck_assert_ptr_null(plugin_first(f.registry));
	ck_assert(!exec_stub_has_logged("Leak"));
	turn();
	/* Loading the plugin again works. */
	load("good");
}
END_TEST

START_TEST(tables_are_walked_by_the_plugins_stride)
{
	struct plugin *plugin = load(_i == 0 ? "good" : "newer_minor");
	char newer[64];

	snprintf(newer, sizeof(newer), "made for plugin ABI %d.%d, this is %s", COTERIE_ABI_MAJOR,
		COTERIE_ABI_MINOR + 7, ABI);
	ck_assert_uint_eq(plugin->service.size, sizeof(struct coterie_service));
	ck_assert_uint_eq(plugin_table_request(plugin, 0)->size_min, 16);
	ck_assert_uint_eq(plugin_table_request(plugin, 1)->size_min, 24);
	ck_assert_uint_eq(plugin_table_request(plugin, 5)->size_min, 32);
	const int32_t absent[] = {-1, 2, 3, 4, 6, 7, INT32_MAX, INT32_MIN};
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert_ptr_null(plugin_table_request(plugin, absent[i]));
	ck_assert_uint_eq(plugin_table_ring_msg(plugin, 0)->size_min, 16);
	ck_assert_uint_eq(plugin_table_ring_msg(plugin, 1)->size_min, 24);
	ck_assert_ptr_null(plugin_table_ring_msg(plugin, 2));
	ck_assert_str_eq(((struct variant *)plugin->self)->color, "red");
	ck_assert_int_eq(exec_stub_has_logged(newer), _i == 1);
}
END_TEST

START_TEST(plugins_stand_in_the_order_of_their_ring_ids)
{
	struct plugin *good = load("good");         /* ring id 40 */
	struct plugin *newer = load("newer_minor"); /* ring id 39 */

	ck_assert_ptr_eq(plugin_first(f.registry), newer);
	ck_assert_ptr_eq(newer->next, good);
	ck_assert_ptr_null(good->next);
	plugin_unload(f.registry, newer);
	ck_assert_ptr_eq(plugin_first(f.registry), good);
}
END_TEST

START_TEST(plugin_path_comes_first_in_order)
{
	const char *directories[] = {"/nonexistent"};

	setenv("COTERIE_PLUGIN_PATH", "/nonexistent::" TEST_PLUGIN_DIR, 1);
	struct plugin_registry *registry = plugin_registry_create(&f.parts, directories, 1);
	struct plugin *plugin = plugin_load(registry, COTERIE_KIND_SERVICE, "good", NULL);
	ck_assert_ptr_nonnull(plugin);
	plugin_unload(registry, plugin);
	plugin_registry_destroy(registry);
}
END_TEST

/* --- refusals: files --- */

static const struct {
	const char *name;
	int exit_code;
	const char *texts[5];
} file_rows[] = {
	{"absent", 30,
		{"no plugin 'absent' of kind service in /tmp/coterie-test-plugin-", "aborts, good, ", "newer_minor"}},
	{"../good", 30, {"'../good' is not a plugin name"}},
	{"", 30, {"'' is not a plugin name"}},
	{"no_symbol", 31, {"no_symbol.la", "is not a Coterie plugin (no symbol coterie_plugin)"}},
	{"wrong_magic", 31, {"wrong_magic.la", "0x12345678", "is not a Coterie plugin"}},
	{"newer_major", 32, {"newer_major.la", "plugin ABI 2." MINOR ", this is " ABI, "upgrade coterie"}},
	{"older_major", 32, {"older_major.la", "plugin ABI 0." MINOR ", this is " ABI, "install a newer plugin"}},
	{"short_table", 31, {"short_table.la", "table of operations", "truncated"}},
	{"misnamed", 31, {"misnamed.la", "its descriptor says 'other'"}},
	{"init_fails", 33, {"init_fails.la", "init failed (No such device or address)"}},
	{"undefined", 31, {"undefined.la", "nobody_defines_this"}},
};

START_TEST(a_bad_file_is_refused) { expect_refusal(file_rows[_i].name, file_rows[_i].exit_code, file_rows[_i].texts); }
END_TEST

static void write_file(const char *name, const char *bytes, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

START_TEST(what_is_no_elf_file_is_refused)
{
	const char *texts[] = {f.folder, "text.so", "rebuild or reinstall", NULL};

	write_file("text.so", "this is no plugin\n", 18);
	expect_refusal("text", 31, texts);
	texts[1] = "empty.so";
	write_file("empty.so", "", 0);
	expect_refusal("empty", 31, texts);
	texts[1] = "script.la";
	write_file("script.la", "dlname='script.so'\n", 19);
	expect_refusal("script", 31, texts);
	char path[128];
	snprintf(path, sizeof(path), "%s/directory.so", f.folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	texts[1] = "directory.so";
	expect_refusal("directory", 31, texts);
}
END_TEST

/* A plugin file that ends within its ELF header must be refused. */
START_TEST(a_truncated_file_is_refused)
{
	static char bytes[262144];
	const char *texts[] = {"cannot open plugin file", NULL};
	FILE *file = fopen(TEST_PLUGIN_DIR "/.libs/good.so", "r");

	ck_assert_ptr_nonnull(file);
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	ck_assert_uint_gt(size, 1000);
	/*
	 * Try only lengths that the dynamic loader itself detects. It trusts the program headers even if the file ends
	 * before the end of what they describe.
	 */
	for (size_t length = 0; length < 64; length += 7) {
		write_file("good.so", bytes, length);
		expect_refusal("good", 31, texts);
	}
}
END_TEST

START_TEST(a_second_owner_is_refused)
{
	const char *names[] = {"already loaded", "good.la", NULL};
	const char *ring_ids[] = {"ring id 40 is in use by plugin 'good'", "same_ring_id.la", "good.la", NULL};
	struct plugin_error error;
	struct plugin *good = load("good");

	ck_assert_ptr_null(plugin_load(f.registry, COTERIE_KIND_SERVICE, "good", &error));
	ck_assert_int_eq(error.exit_code, 31);
	for (size_t i = 0; names[i] != NULL; i++)
		ck_assert_ptr_nonnull(strstr(error.text, names[i]));
	expect_refusal("same_ring_id", 31, ring_ids);
	ck_assert_ptr_eq(plugin_first(f.registry), good);
	ck_assert_ptr_null(good->next);
}
END_TEST

START_TEST(the_wrong_kind_is_refused)
{
	struct plugin_error error;

	ck_assert_ptr_null(plugin_load(f.registry, COTERIE_KIND_TRANSPORT, "good", &error));
	ck_assert_int_eq(error.exit_code, 31);
	ck_assert_ptr_nonnull(strstr(error.text, "it is of kind service, not transport"));
	ck_assert_ptr_null(plugin_load(f.registry, COTERIE_KIND_TRANSPORT, "absent", &error));
	ck_assert_ptr_nonnull(strstr(error.text, "of kind transport in"));
}
END_TEST

START_TEST(a_plugin_is_probed_without_being_loaded)
{
	const char *directories[] = {TEST_PLUGIN_DIR};
	struct plugin_error error;

	ck_assert_int_eq(plugin_probe(directories, 1, COTERIE_KIND_SERVICE, "good", &error), 0);
	ck_assert_ptr_null(plugin_by_name(f.registry, "good"));
	ck_assert_int_eq(plugin_probe(directories, 1, COTERIE_KIND_TRANSPORT, "good", &error), -EINVAL);
	ck_assert_int_eq(error.exit_code, 31);
	ck_assert_ptr_nonnull(strstr(error.text, "it is of kind service, not transport"));
	ck_assert_int_eq(plugin_probe(directories, 1, COTERIE_KIND_TRANSPORT, "absent", &error), -EINVAL);
	ck_assert_int_eq(error.exit_code, 30);
	/* The plugin's init() would fail, but plugin_probe() does not call it. */
	ck_assert_int_eq(plugin_probe(directories, 1, COTERIE_KIND_SERVICE, "init_fails", &error), 0);
	load("good"); /* the registry has not changed */
}
END_TEST

/* --- refusals: descriptors --- */

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	(void)host, (void)ctx, (void)self;
	return 0;
}

static int handle(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	return 0;
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self, (void)nodeid, (void)msg, (void)size;
}

struct candidate {
	struct coterie_plugin descriptor;
	struct coterie_service ops;
	struct coterie_request requests[3];
	struct coterie_ring_msg ring_msgs[2];
	struct coterie_option options[2];
};

static void candidate_init(struct candidate *c)
{
	*c = (struct candidate){
		.descriptor = {.magic = COTERIE_PLUGIN_MAGIC,
			.abi_major = COTERIE_ABI_MAJOR,
			.abi_minor = COTERIE_ABI_MINOR,
			.size = sizeof(struct coterie_plugin),
			.kind = COTERIE_KIND_SERVICE,
			.name = "tally",
			.version = "1",
			.description = "x",
			.needs = COTERIE_CAP_RING,
			.options = c->options,
			.option_count = 2,
			.option_size = sizeof(struct coterie_option),
			.ops = &c->ops},
		.ops = {.size = sizeof(struct coterie_service),
			.ring_id = 50,
			.ipc_name = "tally",
			.init = init,
			.fini = free,
			.requests = c->requests,
			.request_count = 3,
			.request_size = sizeof(struct coterie_request),
			.ring_msgs = c->ring_msgs,
			.ring_msg_count = 2,
			.ring_msg_size = sizeof(struct coterie_ring_msg)},
		.requests = {{0, 16, 0, 0, handle}, {1, 16, 0, 0, handle}, {7, 16, 0, 0, handle}},
		.ring_msgs = {{0, 16, NULL, deliver, NULL}, {1, 16, NULL, deliver, NULL}},
		.options = {{.name = "a", .type = COTERIE_OPT_BOOL}, {.name = "b", .type = COTERIE_OPT_LIST}},
	};
}

static int check(struct candidate *c, struct plugin_error *error)
{
	*error = (struct plugin_error){0};
	return plugin_check(f.registry, &c->descriptor, COTERIE_KIND_SERVICE, "tally", "/x/tally.so", error);
}

#define LONG_NAME "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" /* 65 characters */

#define REFUSED(change, code, part) \
	do { \
		candidate_init(&c); \
		change; \
		ck_assert_msg(check(&c, &error) == -EINVAL, "accepted: %s", #change); \
		ck_assert_msg(error.exit_code == (code), "%s: %s", #change, error.text); \
		ck_assert_msg(strstr(error.text, part) != NULL, "%s: %s", #change, error.text); \
		ck_assert_msg(strstr(error.text, "/x/tally.so") != NULL, "%s", error.text); \
	} while (0)

START_TEST(the_table_of_refusals)
{
	struct candidate c;
	struct plugin_error error;

	candidate_init(&c);
	ck_assert_msg(check(&c, &error) == 0, "%s", error.text);
	REFUSED(c.descriptor.magic++, 31, "0x43744c71");
	REFUSED(c.descriptor.abi_major = 0, 32, "plugin ABI 0." MINOR ", this is " ABI);
	REFUSED(c.descriptor.abi_major = 2, 32, "plugin ABI 2." MINOR ", this is " ABI);
	REFUSED(c.descriptor.size = 79, 31, "descriptor has 79 bytes");
	REFUSED(c.descriptor.size = 0, 31, "descriptor has 0 bytes");
	REFUSED(c.descriptor.kind = 0, 31, "kind 0 is unknown");
	REFUSED(c.descriptor.kind = 4, 31, "kind 4 is unknown");
	REFUSED(c.descriptor.kind = COTERIE_KIND_EXTENSION, 31, "it is of kind extension");
	REFUSED(c.descriptor.name = NULL, 31, "'(none)'");
	REFUSED(c.descriptor.name = "tall", 31, "'tall'");
	REFUSED(c.descriptor.needs |= UINT64_C(1) << 40, 32, "capability bit 40");
	REFUSED(c.descriptor.ops = NULL, 31, "no table of operations");
	REFUSED(c.descriptor.options = NULL, 31, "table of options");
	REFUSED(c.descriptor.option_size = 55, 31, "table of options have 55 bytes");
	REFUSED(c.descriptor.option_count = 100000, 31, "table of options");
	REFUSED(c.options[0].name = NULL, 31, "option 0 has no valid name");
	REFUSED(c.options[1].name = "B C", 31, "option 1 has no valid name");
	REFUSED(c.options[1].type = 0, 31, "unknown type 0");
	REFUSED(c.options[1].type = 10, 31, "unknown type 10");
	REFUSED(c.options[1].type = COTERIE_OPT_ENUM, 31, "has no choices");
	REFUSED(c.options[1].name = "a", 31, "option 'a' is there twice");
	REFUSED(c.options[1].name = "enabled", 31, "'enabled' has a name that the config file uses");
	REFUSED(c.ops.size = offsetof(struct coterie_service, dump) - 1, 31, "table of operations has");
	REFUSED(c.ops.init = NULL, 31, "no init");
	REFUSED(c.ops.fini = NULL, 31, "no fini");
	REFUSED(c.ops.ring_id = 63, 31, "ring id 63: must be between 0 and 62");
	REFUSED(c.ops.ring_id = 64, 31, "ring id 64");
	REFUSED(c.ops.ring_id = 31, 31,
		"ring id 31: below 32 are Corosync's services: choose one from 38 to 53, as ring-ids.md says");
	REFUSED(c.ops.ring_id = 2, 31, "ring id 2: below 32");
	REFUSED(c.ops.ipc_name = "../x", 31, "IPC name '../x'");
	REFUSED(c.ops.ipc_name = ".x", 31, "IPC name '.x'");
	REFUSED(c.ops.ipc_name = "", 31, "IPC name ''");
	REFUSED(c.ops.ipc_name = LONG_NAME, 31, "IPC name 'xxxx");
	REFUSED(c.ops.requests = NULL, 31, "table of requests");
	REFUSED(c.ops.request_size -= 8, 31, "table of requests");
	REFUSED(c.ops.request_size += 1, 31, "table of requests");
	REFUSED(c.requests[1].handle = NULL, 31, "request 1 has no handler");
	REFUSED(c.requests[2].id = 1, 31, "request id 1 does not follow 1");
	REFUSED(c.requests[0].id = 3, 31, "request id 1 does not follow 3");
	REFUSED(c.requests[2].id = UINT32_MAX, 31, "request id 4294967295");
	REFUSED(c.ops.ring_msg_size = 0, 31, "table of ring messages");
	REFUSED(c.ring_msgs[1].function = 2, 31, "ring message 2 stands at place 1");
	REFUSED(c.ring_msgs[0].deliver = NULL, 31, "ring message 0 needs one of");
	load("good");
	REFUSED(c.ops.ring_id = 40, 31, "ring id 40 is in use by plugin 'good'");
}
END_TEST

static int check_successor(const struct plugin *old, const struct candidate *c, struct plugin_error *error)
{
	return plugin_check_successor(f.registry, old, &c->descriptor, "tally", "/x/tally.so", error);
}

START_TEST(a_successor_does_what_the_old_one_does)
{
	struct candidate was, c;
	struct plugin_error error;

	candidate_init(&was);
	candidate_init(&c);
	was.descriptor.offers = c.descriptor.offers = COTERIE_CAN_QUORUM;
	struct plugin old = {.name = "tally", .descriptor = &was.descriptor, .service = was.ops};

	ck_assert_msg(check_successor(&old, &c, &error) == 0, "%s", error.text);
	c.ops.ring_id++;
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "instead of"));
	c.ops.ring_id--;
	c.ops.ipc_name = "other";
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "IPC name 'other' instead of"));
	c.ops.ipc_name = was.ops.ipc_name;
	old.service.request_count = 0;
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "it has requests of clients, the old one has none"));
	old.service.request_count = was.ops.request_count;
	c.descriptor.offers = 0;
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "cannot provide quorum"));
	was.descriptor.offers = 0;
	ck_assert_msg(check_successor(&old, &c, &error) == 0, "%s", error.text);
}
END_TEST

static int no_step(void *self)
{
	(void)self;
	return 0;
}

/*
 * The other nodes know from BUILD, JOIN and PART which members synchronise a service. A replacement sends none of them, so
 * it must not change that.
 */
START_TEST(a_successor_synchronises_like_the_old_one)
{
	struct candidate was, c;
	struct plugin_error error;

	candidate_init(&was);
	candidate_init(&c);
	c.ops.sync_step = no_step;
	struct plugin old = {.name = "tally", .descriptor = &was.descriptor, .service = was.ops};
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "it has a sync_step, the old one has none: unload the old one first"));
	old.service.sync_step = no_step;
	ck_assert_msg(check_successor(&old, &c, &error) == 0, "%s", error.text);
	c.ops.sync_step = NULL;
	ck_assert_int_eq(check_successor(&old, &c, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "it has no sync_step, the old one has one: unload the old one first"));
}
END_TEST

/* --- options --- */

static const struct {
	const char *name, *value;
	uint64_t period_ms; /* 0: refused with text */
	const char *text;
} option_rows[] = {
	{"period", "10", 10, NULL},
	{"period", "10ms", 10, NULL},
	{"period", "3s", 3000, NULL},
	{"period", "1m", 60000, NULL},
	{"period", "60000", 60000, NULL},
	{"color", "green", 2000, NULL},
	{"period", "9", 0, "/etc/x.conf:7: 'period' is 9: must be between 10ms and 1m"},
	{"period", "60001", 0, "'period' is 60001"},
	{"period", "2m", 0, "'period' is 2m"},
	{"period", "99999999999999999999999", 0, "must be between"},
	{"period", "18446744073709551615d", 0, "must be between"},
	{"period", "", 0, "'' is not a duration"},
	{"period", "-1", 0, "'period' is negative: give a duration of at least 10ms"},
	{"period", "3sec", 0, "'3sec' is not a duration"},
	{"period", "ms", 0, "'ms' is not a duration"},
	{"period", "1 s", 0, "'1 s' is not a duration"},
	{"color", "gree", 0, "'gree' is not a color: choose red or green"},
	{"color", "", 0, "'' is not a color"},
	{"color", "red green", 0, "'red green' is not a color"},
	{"color", "Green", 0, "'Green' is not a color: did you mean 'green'?"},
	{"colour", "red", 0, "service good has no option 'colour': did you mean 'color'?"},
	{"preiod", "1s", 0, "has no option 'preiod': did you mean 'period'?"},
	{"elephant", "1", 0, "service good has no option 'elephant': remove it"},
};

START_TEST(options_are_checked)
{
	struct plugin_error error = {0};

	f.options[0] = (struct config_option){"other", "unknown", "1", "/etc/x.conf", 3};
	f.options[1] = (struct config_option){"good", option_rows[_i].name, option_rows[_i].value, "/etc/x.conf", 7};
	f.config.option_count = 2;
	struct plugin *plugin = plugin_load(f.registry, COTERIE_KIND_SERVICE, "good", &error);
	if (option_rows[_i].period_ms == 0) {
		ck_assert_ptr_null(plugin);
		ck_assert_int_eq(error.exit_code, 8);
		ck_assert_msg(strstr(error.text, option_rows[_i].text) != NULL, "%s", error.text);
		ck_assert_msg(strncmp(error.text, "/etc/x.conf:7: ", 15) == 0, "%s", error.text);
		return;
	}
	ck_assert_msg(plugin != NULL, "%s", error.text);
	ck_assert_uint_eq(((struct variant *)plugin->self)->period_ms, option_rows[_i].period_ms);
}
END_TEST

/* --- leaks --- */

START_TEST(leaks_are_reclaimed_and_reported)
{
	struct plugin *plugin = load("leaky");
	struct variant *variant = plugin->self;
	int fds[2] = {variant->fds[0], variant->fds[1]};
	char text[64];

	plugin_unload(f.registry, plugin);
	ck_assert(exec_stub_has_logged("LEAKY 4 Leak: a timer due in "));
	snprintf(text, sizeof(text), "LEAKY 4 Leak: descriptor %d was still watched", fds[0]);
	ck_assert(exec_stub_has_logged(text));
	ck_assert(exec_stub_has_logged("LEAKY 4 Leak: a post was still queued"));
	ck_assert_int_eq(loop_fd_mod(f.others.loop, fds[0], 0), -ENOENT);
	turn(); /* when no code of the plugin runs any more, the file is unmapped */
	turn();
	close(fds[0]);
	close(fds[1]);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("plugin");
	TCase *tcase = tcase_create("registry");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_plugin_is_loaded_and_unloaded);
	tcase_add_loop_test(tcase, tables_are_walked_by_the_plugins_stride, 0, 2);
	tcase_add_test(tcase, plugins_stand_in_the_order_of_their_ring_ids);
	tcase_add_test(tcase, plugin_path_comes_first_in_order);
	tcase_add_loop_test(tcase, a_bad_file_is_refused, 0, ROWS(file_rows));
	tcase_add_test(tcase, what_is_no_elf_file_is_refused);
	tcase_add_test(tcase, a_truncated_file_is_refused);
	tcase_add_test(tcase, a_second_owner_is_refused);
	tcase_add_test(tcase, the_wrong_kind_is_refused);
	tcase_add_test(tcase, a_plugin_is_probed_without_being_loaded);
	tcase_add_test(tcase, the_table_of_refusals);
	tcase_add_test(tcase, a_successor_does_what_the_old_one_does);
	tcase_add_test(tcase, a_successor_synchronises_like_the_old_one);
	tcase_add_loop_test(tcase, options_are_checked, 0, ROWS(option_rows));
	tcase_add_test(tcase, leaks_are_reclaimed_and_reported);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
