/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/life/life_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/ipc/ipc_server.h"
#include "exec/life/plugin_life.h"
#include "exec/life/plugin_trial.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_private.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/stats/stats.h"
#include "exec/sync/quorum.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

struct fixture f;

void install(const char *folder, const char *mode)
{
	char path[256], new[256], *bytes;
	struct stat info;
	int in = open(TEST_PLUGIN_DIR "/.libs/life.so", O_RDONLY);

	ck_assert_msg(in >= 0, "%s", strerror(errno));
	ck_assert_int_eq(fstat(in, &info), 0);
	bytes = malloc((size_t)info.st_size);
	ck_assert_int_eq(read(in, bytes, (size_t)info.st_size), info.st_size);
	close(in);
	char *word = memmem(bytes, (size_t)info.st_size, "LIFE:good....", 13);
	ck_assert_ptr_nonnull(word);
	memcpy(word + 5, mode, strlen(mode));
	snprintf(path, sizeof(path), "%s/life.so", folder);
	snprintf(new, sizeof(new), "%s/new", folder);
	int out = open(new, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ck_assert_int_eq(write(out, bytes, (size_t)info.st_size), info.st_size);
	close(out);
	ck_assert_int_eq(rename(new, path), 0);
	free(bytes);
}

void start_life(const char *program)
{
	plugin_life_destroy(f.life);
	f.life = plugin_life_create(&(struct plugin_life_parts){.loop = f.others.loop,
		.plugins = f.others.plugins,
		.ipc = f.others.ipc,
		.quorum = f.others.quorum,
		.config = &f.others.config,
		.program = program,
		.is_stopping = &f.others.is_stopping,
		.show = exec_stub_show,
		.conceal = exec_stub_conceal});
	ck_assert_ptr_nonnull(f.life);
	f.others.host.life = f.life;
	f.program = program;
}

void set_up(void)
{
	const char *directories[] = {f.folder};

	memset(&f, 0, sizeof(f));
	exec_stub_reset();
	unsetenv("COTERIE_PLUGIN_PATH");
	snprintf(f.folder, sizeof(f.folder), "/tmp/coterie-test-life-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.other, sizeof(f.other), "%s/other", f.folder);
	ck_assert_int_eq(mkdir(f.other, 0755), 0);
	f.config.totem.token_ns = 100000000;
	f.config.ipc_type = 0;
	f.others.config = &f.config;
	f.others.instance = f.folder + strlen("/tmp/coterie-");
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
	f.others.plugins = plugin_registry_create(&(struct plugin_parts){.loop = f.others.loop,
							  .stats = f.others.stats,
							  .config = &f.others.config,
							  .host = host_for_plugins(),
							  .host_parts = &f.others.host},
		directories, 1);
	f.others.ipc = ipc_create(&(struct ipc_parts){.loop = f.others.loop,
		.map = f.others.map,
		.stats = f.others.stats,
		.is_quorate = &f.others.is_quorate,
		.config = &f.others.config,
		.instance = f.others.instance});
	start_life(NULL);
}

void tear_down(void)
{
	char command[160];

	plugin_life_destroy(f.life);
	f.others.host.life = NULL;
	while (plugin_first(f.others.plugins) != NULL)
		plugin_unload(f.others.plugins, plugin_first(f.others.plugins));
	plugin_registry_destroy(f.others.plugins);
	ipc_destroy(f.others.ipc);
	quorum_destroy(f.others.quorum);
	stats_destroy(f.others.stats);
	map_destroy(f.others.map);
	loop_destroy(f.others.loop);
	snprintf(command, sizeof(command), "rm -rf %s", f.folder);
	ck_assert_int_eq(system(command), 0);
}

void on_done(void *arg, int rc, const char *text)
{
	ck_assert_ptr_eq(arg, &f);
	f.rc = rc;
	snprintf(f.text, sizeof(f.text), "%s", text);
	loop_stop(f.others.loop);
}

static void give_up(void *arg)
{
	(void)arg;
	ck_abort_msg("it takes too long; %s", exec_stub.log);
}

int finish(void)
{
	struct loop_timer *limit = loop_timer_add(
		f.others.loop, loop_now_ns(f.others.loop) + 2 * PLUGIN_TRIAL_NS, give_up, NULL);

	while (f.rc == 1)
		loop_run(f.others.loop);
	loop_timer_del(f.others.loop, limit);
	return f.rc;
}

void turn_for(uint64_t ns)
{
	loop_timer_add(f.others.loop, loop_now_ns(f.others.loop) + ns, (void (*)(void *))loop_stop, f.others.loop);
	loop_run(f.others.loop);
}

int load(const char *what, const char *option)
{
	f.rc = 1;
	ck_assert_int_eq(plugin_life_load(f.life, &f, what, &option, option != NULL, on_done, &f), 0);
	return finish();
}

int unload(const void *owner, const char *name, uint32_t drain_ms)
{
	f.rc = 1;
	ck_assert_int_eq(plugin_life_unload(f.life, owner, name, drain_ms, on_done, &f), 0);
	return finish();
}

int replace(const char *path, bool is_forced)
{
	f.rc = 1;
	ck_assert_int_eq(plugin_life_replace(f.life, &f, "life", path, is_forced, on_done, &f), 0);
	return finish();
}

struct plugin *plugin_now(void) { return plugin_by_name(f.others.plugins, "life"); }

struct life *life_now(void) { return plugin_now()->self; }

uint64_t stat_u64(const char *key)
{
	struct coterie_map_value value;
	uint64_t number = 0;

	ck_assert_msg(stats_read(f.others.stats, key, &value) == 0, "no %s", key);
	memcpy(&number, value.bytes, value.size);
	return number;
}

void start_with_count(uint64_t count)
{
	install(f.folder, "good");
	ck_assert_msg(load("life", NULL) == 0, "%s", f.text);
	life_now()->count = count;
}
