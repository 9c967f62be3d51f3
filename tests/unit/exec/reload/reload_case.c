/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/reload/reload_case.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/life/plugin_life.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_options.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/reload/rekey.h"
#include "exec/reload/reload.h"
#include "exec/ring/ring.h"
#include "exec/stats/stats.h"
#include "exec/sync/quorum.h"

/* Replaces the variable of plugin_watch.c. */
const struct plugin_call *plugin_call_now;

struct reload_seen seen;

/* ---- Stand-ins ----------------------------------------------------------- */

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
{
	char line[2048];

	vsnprintf(line, sizeof(line), format, arguments);
	append(seen.log, sizeof(seen.log), "%s %d %s\n", subsystem, prio, line);
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

bool log_is_wanted(const char *subsystem, int prio)
{
	(void)subsystem, (void)prio;
	return true;
}

int log_configure(const struct config_log *settings, char *error, uint32_t error_size)
{
	(void)settings;
	seen.logs_configured++;
	if (seen.log_rc < 0)
		snprintf(error, error_size, "cannot open log file");
	return seen.log_rc;
}

int log_check(const struct config_log *settings, char *error, uint32_t error_size)
{
	(void)settings; /* called in the helper thread, so nothing is recorded */
	if (seen.log_rc < 0)
		snprintf(error, error_size, "cannot open log file");
	return seen.log_rc;
}

void plugin_life_follow(struct plugin_life *life, const struct config *before, const struct config *now)
{
	(void)life;
	append(seen.followed, sizeof(seen.followed), "%u-%u ", before->service_count, now->service_count);
}

bool ring_is_inside(const struct ring *ring)
{
	(void)ring;
	return seen.is_inside;
}

int ring_check_options(const struct ring *ring, const struct totem_options *options, const char **which)
{
	(void)ring, (void)options;
	*which = "token";
	return seen.check_rc;
}

int ring_reconfigure(struct ring *ring, const struct totem_options *options)
{
	(void)ring;
	seen.reconfigured++;
	if (seen.reconfigure_rc < 0)
		return seen.reconfigure_rc;
	seen.ids[0] = '\0';
	for (uint32_t i = 0; i < options->node_count; i++)
		append(seen.ids, sizeof(seen.ids), "%u ", options->nodes[i]);
	seen.token_ns = options->token_ns;
	return 0;
}

void ring_resize_frames(struct ring *ring)
{
	(void)ring;
	append(seen.peers, sizeof(seen.peers), "resize ");
}

bool ring_is_safe_kept(const struct ring *ring)
{
	(void)ring;
	return true;
}

void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids, uint32_t *count)
{
	(void)ring, (void)id;
	*nodeids = seen.members;
	*count = seen.member_count;
}

static void tell_peer(char what, uint32_t link, uint32_t nodeid)
{
	if (link == 0)
		append(seen.peers, sizeof(seen.peers), "%c%u ", what, nodeid);
	else
		append(seen.peers, sizeof(seen.peers), "%c%u/%u ", what, nodeid, link);
}

static int peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	(void)self, (void)address;
	if (seen.peer_add_rc < 0 && nodeid >= 4)
		return seen.peer_add_rc;
	tell_peer('+', link, nodeid);
	return 0;
}

static void peer_del(void *self, uint32_t link, uint32_t nodeid)
{
	(void)self;
	tell_peer('-', link, nodeid);
}

static int link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	(void)self, (void)local;
	if (seen.link_up_rc < 0 && link > 1)
		return seen.link_up_rc;
	append(seen.peers, sizeof(seen.peers), "up%u ", link);
	return 0;
}

static void link_down(void *self, uint32_t link)
{
	(void)self;
	append(seen.peers, sizeof(seen.peers), "down%u ", link);
}

void ring_link_gone(struct ring *ring, uint32_t link)
{
	(void)ring;
	append(seen.peers, sizeof(seen.peers), "gone%u ", link);
}

static int transport_reload(void *self)
{
	(void)self;
	seen.transport_reloads++;
	if (seen.tells_reload)
		append(seen.peers, sizeof(seen.peers), "reload ");
	return seen.reload_rc;
}

static int transport_rekey(void *self, uint32_t phase)
{
	(void)self, (void)phase;
	return 0;
}

static int tally_reload(void *self)
{
	(void)self;
	seen.tally_reloads++;
	return seen.tally_rc;
}

static const struct coterie_option tally_options[] = {
	{.name = "step_max",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "1000",
		.min = 1,
		.max = 5000,
		.help = "may change"},
	{.name = "base", .type = COTERIE_OPT_U32, .initial = "10", .help = "may not"},
	{.name = "word", .type = COTERIE_OPT_STRING, .help = "may not, and has no default"},
};
static const struct coterie_plugin udpu_descriptor = {.kind = COTERIE_KIND_TRANSPORT, .name = "udpu"};
static const struct coterie_plugin tally_descriptor = {
	.kind = COTERIE_KIND_SERVICE, .name = "tally", COTERIE_OPTIONS(tally_options)};

struct plugin transport = {.descriptor = &udpu_descriptor,
	.name = "udpu",
	.transport = {.links_max = 8,
		.peer_add = peer_add,
		.peer_del = peer_del,
		.link_up = link_up,
		.link_down = link_down,
		.reload = transport_reload,
		.rekey = transport_rekey}};
struct plugin tally = {
	.descriptor = &tally_descriptor, .name = "tally", .service = {.reload = tally_reload}, .next = &transport};

struct plugin *plugin_first(const struct plugin_registry *registry)
{
	(void)registry;
	return &tally;
}

struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name)
{
	(void)registry;
	return strcmp(name, transport.name) == 0 ? &transport : NULL;
}

bool quorum_has_provider(const struct quorum *quorum)
{
	(void)quorum;
	return seen.has_provider;
}

int plugin_look(const struct plugin_registry *registry, uint32_t kind, const char *name, uint64_t *offers,
	struct plugin_error *error)
{
	(void)registry, (void)kind;
	*offers = seen.look_offers;
	error->exit_code = seen.look_exit;
	snprintf(error->text, sizeof(error->text), "no plugin '%s'", name);
	return seen.look_exit == 0 ? 0 : -EINVAL;
}

int plugin_fail(struct plugin_error *error, int exit_code, const char *format, ...);
int plugin_fail(struct plugin_error *error, int exit_code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	error->exit_code = exit_code;
	return -EINVAL;
}

const char *plugin_kind_name(uint32_t kind);
const char *plugin_kind_name(uint32_t kind) { return kind == COTERIE_KIND_SERVICE ? "service" : "transport"; }

/* ---- The parts ----------------------------------------------------------- */

struct reload_node node;
char folder[32], path[64];
struct map_tracker *tracker;

static void on_change(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	uint64_t number = 0;

	(void)arg, (void)before;
	if (event == MAP_DELETED)
		append(seen.changes, sizeof(seen.changes), "-%s ", key);
	else if (now->type == COTERIE_MAP_STRING)
		append(seen.changes, sizeof(seen.changes), "%s=%s ", key, (const char *)now->bytes);
	else {
		memcpy(&number, now->bytes, now->size);
		append(seen.changes, sizeof(seen.changes), "%s=%ju ", key, (uintmax_t)number);
	}
}

void write_file(const char *totem, const char *nodes, const char *more)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "totem {\n version: 2\n cluster_name: test\n transport: udpu\n%s}\n", totem);
	fprintf(file, "nodelist {\n");
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			fprintf(file, " node {\n  ring0_addr: %s%c\n  nodeid: %c\n  name: n%c\n }\n",
				*at == '1' ? "127.0.0." : "198.51.100.", *at, *at, *at);
	fprintf(file, "}\n%s", more);
	fclose(file);
}

FILE *write_endless_file(void)
{
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	FILE *writer = fopen(path, "r+");

	ck_assert_ptr_nonnull(writer);
	return writer;
}

void make_folder(void)
{
	strcpy(folder, "/tmp/test_reload.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/coterie.conf", folder);
}

void set_up_with(const char *transport_name)
{
	struct config_environment environment;
	struct config_messages messages;
	struct plugin_error error;

	memset(&seen, 0, sizeof(seen));
	transport.name = transport_name;
	config_environment_system(&environment);
	node = (struct reload_node){.loop = loop_create(), .map = map_create()};
	ck_assert_msg(config_load(path, &environment, &node.config, &messages) == 0, "%s",
		messages.error_count > 0 ? messages.errors[0] : "no memory");
	config_messages_fini(&messages);
	ck_assert_int_eq(config_publish(node.config, node.map), 0);
	tally.options = plugin_options_create(node.config, &tally_descriptor, &error);
	transport.options = plugin_options_create(node.config, &udpu_descriptor, &error);
	node.stats = stats_create(node.loop);
	node.rekey = rekey_create(&(struct rekey_parts){.config = &node.config});
	node.reload = reload_create(&(struct reload_parts){.config = &node.config,
		.state_dir = folder,
		.nodeid = 1,
		.loop = node.loop,
		.map = node.map,
		.stats = node.stats,
		.rekey = node.rekey});
	for (uint32_t i = 0; i < 3; i++)
		seen.members[seen.member_count++] = i + 1;
	tracker = map_track(node.map, NULL, true, on_change, NULL);
}

void set_up(void)
{
	make_folder();
	write_file(" token: 3000\n", "1 2 3", "uidgid {\n uid: 7\n}\n");
	set_up_with("udpu");
}

void tear_down(void)
{
	reload_destroy(node.reload);
	rekey_destroy(node.rekey);
	if (tracker != NULL)
		map_untrack(node.map, tracker);
	plugin_options_destroy(tally.options);
	plugin_options_destroy(transport.options);
	stats_destroy(node.stats);
	map_destroy(node.map);
	loop_destroy(node.loop);
	config_destroy(node.config);
	unlink(path);
	rmdir(folder);
}

void on_done(void *arg, int rc, const char *text)
{
	struct result *result = arg;

	result->rc = rc;
	result->count++;
	snprintf(result->text, sizeof(result->text), "%s", text);
	loop_stop(node.loop);
}

static void too_late(void *arg)
{
	(void)arg;
	ck_abort_msg("no answer");
}

void run_loop(void)
{
	struct loop_timer *limit = loop_timer_add(node.loop, loop_now_ns(node.loop) + 20 * SECOND, too_late, NULL);

	loop_run(node.loop);
	loop_timer_del(node.loop, limit);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(node.loop);
}

void turn(void)
{
	loop_timer_add(node.loop, loop_now_ns(node.loop), stop, NULL);
	loop_run(node.loop);
}

void pause_and_turn(void)
{
	loop_timer_add(node.loop, loop_now_ns(node.loop) + SECOND / 8, stop, NULL);
	loop_run(node.loop);
}

struct result reload(void)
{
	struct result result = {.rc = 1};

	ck_assert_int_eq(reload_request(node.reload, &node, false, on_done, &result), 0);
	ck_assert_uint_eq(result.count, 0); /* on_done is never called before reload_request returns */
	run_loop();
	ck_assert_uint_eq(result.count, 1);
	return result;
}

struct result prepare(void)
{
	struct result result = {.rc = 1};

	ck_assert_int_eq(reload_prepare(node.reload, &node, false, on_done, &result), 0);
	run_loop();
	ck_assert_uint_eq(result.count, 1);
	return result;
}

bool has_logged(const char *text) { return strstr(seen.log, text) != NULL; }

const char *string_of(const char *key)
{
	const char *value;

	return map_get_string(node.map, key, &value) == 0 ? value : "(none)";
}

uint32_t number_of(const char *key)
{
	uint32_t value;

	return map_get_u32(node.map, key, &value) == 0 ? value : UINT32_MAX;
}

uint64_t reloads(const char *name)
{
	struct coterie_map_value value;
	uint64_t number;
	char key[64];

	snprintf(key, sizeof(key), "stats.coterie.reload.%s", name);
	ck_assert_int_eq(stats_read(node.stats, key, &value), 0);
	memcpy(&number, value.bytes, sizeof(number));
	return number;
}

uint64_t option_of(const char *name)
{
	uint64_t value = 0;

	ck_assert_int_eq(plugin_option_u64(tally.options, name, &value), 0);
	return value;
}
