/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/check_plugin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/life/plugin_trial.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_private.h"
#include "exec/plugin/plugin_watch.h"

#define EXIT_FATAL 15
#define EXIT_NOT_FOUND 30
#define CODE_SLOW 256 /* internal code, no exit code: see check_in_child */
#define LOOK_NS 10000000
#define THREAD_LOOKS 50
#define AGAIN_NS_MAX UINT64_C(1000000000) /* a plugin that starts faster is started twice */

/* Configuration of a node, since no plugin starts without a node list. Its addresses are not used. */
static const char config_text[] = "totem {\n"
				  "	version: 2\n"
				  "	transport: udpu\n"
				  "}\n"
				  "nodelist {\n"
				  "	node {\n"
				  "		ring0_addr: 127.0.0.1\n"
				  "		nodeid: 1\n"
				  "	}\n"
				  "}\n";

static int refuse_name(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	(void)arg, (void)name, (void)family, (void)address;
	return -ENOENT;
}

static bool is_anything(void *arg, const struct sockaddr *address)
{
	(void)arg, (void)address;
	return true;
}

static const char *kind_name(uint32_t kind) { return kind == COTERIE_KIND_TRANSPORT ? "transport" : "service"; }

static void describe(const struct plugin *plugin, char *text, size_t size)
{
	const struct coterie_plugin *descriptor = plugin->descriptor;
	char tables[64] = "";

	if (descriptor->kind == COTERIE_KIND_SERVICE)
		snprintf(tables, sizeof(tables), ", %u requests, %u ring messages, ring id %u",
			plugin->service.request_count, plugin->service.ring_msg_count, plugin->service.ring_id);
	snprintf(text, size, "%s: ok (%s '%s' %s, plugin ABI %u.%u%s, %u options)", plugin->path,
		kind_name(descriptor->kind), plugin->name, descriptor->version != NULL ? descriptor->version : "",
		descriptor->abi_major, descriptor->abi_minor, tables, descriptor->option_count);
}

/* Split a path into the folder and the bare name of the file. */
static int split(const char *file, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
	char path[PATH_MAX];

	if (realpath(file, path) == NULL)
		return -errno;
	char *slash = strrchr(path, '/');
	char *dot = strrchr(slash, '.');
	if (dot != NULL)
		*dot = '\0';
	if (snprintf(name, NAME_MAX + 1, "%s", slash + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	*slash = '\0';
	strcpy(directory, path[0] != '\0' ? path : "/");
	return 0;
}

/* Load the file by its descriptor. The daemon that runs this trial will load the same file. */
static struct plugin *load_descriptor(
	struct plugin_registry *plugins, const char *file, int fd, struct plugin_error *error)
{
	const struct plugin_source source = {.path = (char *)(uintptr_t)file, .fd = fd};

	return plugin_load_anew(plugins, file, &source, NULL, NULL, error);
}

/*
 * Return how long this thread was ready to run, but did not get the processor. The trial has ordinary priority on a
 * machine that may be busy, while a daemon at real-time priority does not wait. 0: the kernel does not report it.
 */
static uint64_t queued_ns(void)
{
	uint64_t ran, waited = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		waited = 0;
	fclose(file);
	return waited;
}

/* --- what a plugin leaves behind --- */

/* Return the number of entries of a folder of /proc. 0: it cannot be read. */
static uint32_t count_entries(const char *path)
{
	DIR *folder = opendir(path);
	uint32_t count = 0;

	if (folder == NULL)
		return 0;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

/*
 * Return how many threads there are more than before. A thread that was joined stays in the list for a moment, so look
 * several times.
 */
static uint32_t count_threads_above(uint32_t before)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	uint32_t count = count_entries("/proc/self/task");

	for (uint32_t i = 0; i < THREAD_LOOKS && count > before; i++) {
		nanosleep(&nap, NULL);
		count = count_entries("/proc/self/task");
	}
	return count > before ? count - before : 0;
}

/*
 * Start and end the plugin once more. Resources that its first start has opened for the whole process, as a library
 * may, exist already. So each further thread and descriptor is a leak. @return exit code
 */
static int check_again(struct plugin_registry *plugins, const char *name)
{
	struct plugin_error error = {0};
	uint32_t threads = count_entries("/proc/self/task"), fds = count_entries("/proc/self/fd");
	struct plugin *plugin = plugin_load(plugins, 0, name, &error);

	if (plugin == NULL) {
		fprintf(stderr, "plugin '%s' starts only once in a process: %s\n", name, error.text);
		return PLUGIN_EXIT_INIT;
	}
	host_drop_posts(plugin);
	plugin_unload(plugins, plugin);
	threads = count_threads_above(threads);
	uint32_t fds_after = count_entries("/proc/self/fd");
	if (threads > 0)
		fprintf(stderr, "plugin '%s' leaves %u threads running: fini must join them\n", name, threads);
	if (fds_after > fds)
		fprintf(stderr, "plugin '%s' leaves %u descriptors open: fini must close them\n", name,
			fds_after - fds);
	return threads > 0 || fds_after > fds ? PLUGIN_EXIT_INIT : 0;
}

/*
 * End the plugin as a daemon does, and report leaks and slow starts.
 * @param took_ns  how long its start took, without the time for which others had the processor
 * @return exit code
 */
static int end(struct plugin_registry *plugins, struct plugin *plugin, uint64_t took_ns, uint32_t bound_ms)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", plugin->name);
	/* The loop does not run here, and a plugin cannot cancel a post. */
	host_drop_posts(plugin);
	plugin_unload(plugins, plugin);

	const struct plugin_record *record = plugin_watch_record(plugin_registry_watch(plugins), name);

	if (took_ns >= bound_ms * UINT64_C(1000000)) {
		fprintf(stderr, "plugin '%s' takes %u ms to start, and holds up the ring as long: do it on a thread\n",
			name, (unsigned int)(took_ns / 1000000));
		return CODE_SLOW;
	}
	if (record != NULL && record->leaks > 0) {
		fprintf(stderr, "plugin '%s' leaves %ju resources behind (see the lines above): fini must end them\n",
			name, (uintmax_t)record->leaks);
		return PLUGIN_EXIT_INIT;
	}
	return 0;
}

/* Load the plugin in the prepared environment, and end it. */
static int try_plugin(struct plugin_registry *plugins, struct loop *loop, const char *file, const char *name, int fd,
	uint32_t bound_ms)
{
	char text[PATH_MAX + 256];
	struct plugin_error error = {0};
	uint64_t began_ns = loop_now_ns(loop), queued_before_ns = queued_ns();
	struct plugin *plugin = fd >= 0 ? load_descriptor(plugins, file, fd, &error)
					: plugin_load(plugins, 0, name, &error);

	if (plugin == NULL) {
		fprintf(stderr, "%s\n", error.text);
		return error.exit_code;
	}

	uint64_t took_ns = loop_now_ns(loop) - began_ns, queued = queued_ns() - queued_before_ns;

	took_ns -= queued < took_ns ? queued : took_ns;
	describe(plugin, text, sizeof(text));
	int code = end(plugins, plugin, took_ns, bound_ms);
	/* Starting a slow plugin again could exceed the time limit of this process. */
	if (code == 0 && fd < 0 && took_ns < AGAIN_NS_MAX)
		code = check_again(plugins, name);
	if (code == 0)
		puts(text);
	return code;
}

/* Run the check in this process. bound_ms: the longest start that is allowed. */
static int check_here(const struct check_stage *stage, const char *file, int fd, uint32_t bound_ms)
{
	struct config_environment environment = {.resolve = refuse_name, .is_local = is_anything, .host_name = ""};
	struct config_messages messages = {0};
	struct plugin_registry *plugins = NULL;
	struct config *config = NULL;
	char directory[PATH_MAX], name[NAME_MAX + 1];
	const char *const directories[] = {directory};
	int rc = split(file, directory, name);

	if (rc < 0) {
		fprintf(stderr, "cannot read '%s' (%s)\n", file, strerror(-rc));
		return EXIT_NOT_FOUND;
	}
	unsetenv("COTERIE_PLUGIN_PATH"); /* so that no other file of the same name is found */
	struct loop *loop = loop_create();
	rc = config_load_bytes("check", config_text, sizeof(config_text) - 1, &environment, &config, &messages);
	config_messages_fini(&messages);
	if (rc < 0 || loop == NULL) {
		fprintf(stderr, "out of memory\n");
		return EXIT_FATAL;
	}
	int code = stage->set_up(stage->arg, config, loop, directories, 1, &plugins);
	if (code == 0)
		code = try_plugin(plugins, loop, file, name, fd, bound_ms);
	stage->tear_down(stage->arg);
	config_destroy(config);
	loop_destroy(loop);
	return code;
}

/* --- in a process of its own --- */

/*
 * Run the check in a child process, since the plugin may crash, hang, or end the process. A byte in the pipe shows that
 * the check was completed.
 */
static int check_in_child(const struct check_stage *stage, const char *file, int pipe_fd)
{
	plugin_call_watch();

	int result = check_here(stage, file, -1, PLUGIN_START_MS_MAX);
	unsigned char code = (unsigned char)(result == CODE_SLOW ? PLUGIN_EXIT_INIT : result);

	fflush(stdout);
	fflush(stderr);
	if (write(pipe_fd, &code, 1) != 1)
		return EXIT_FATAL;
	return code;
}

static int tell_end(const char *file, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "plugin file '%s' crashes when it is loaded, started or ended: signal %d (%s)%s\n",
			file, WTERMSIG(status), strsignal(WTERMSIG(status)),
			WTERMSIG(status) == SIGBUS ? ": is the file complete?" : "");
	else
		fprintf(stderr,
			"plugin file '%s' ended the process with status %d: a plugin returns an error and never calls exit()\n",
			file, WEXITSTATUS(status));
	return PLUGIN_EXIT_INIT;
}

/* Wait until the child has ended, and kill it at the deadline. @return 0; -ETIMEDOUT */
static int await_end(pid_t child, int *status)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};

	for (uint64_t waited_ns = 0; waited_ns < PLUGIN_TRIAL_NS; waited_ns += LOOK_NS) {
		if (waitpid(child, status, WNOHANG) == child)
			return 0;
		nanosleep(&nap, NULL);
	}
	kill(child, SIGKILL);
	while (waitpid(child, status, 0) < 0 && errno == EINTR)
		;
	return -ETIMEDOUT;
}

int check_plugin(const struct check_stage *stage, const char *file, int fd, uint32_t bound_ms)
{
	int ends[2], status;

	if (fd >= 0) { /* A daemon has started this process to try the plugin. It reads the exit code. */
		int code = check_here(stage, file, fd, bound_ms > 0 ? bound_ms : PLUGIN_START_MS_MAX);

		/* without exit handlers of the plugin */
		_exit(code == CODE_SLOW ? PLUGIN_TRIAL_SLOW : PLUGIN_TRIAL_OVER);
	}
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		fprintf(stderr, "cannot make a pipe (%s)\n", strerror(errno));
		return EXIT_FATAL;
	}

	pid_t child = fork();

	if (child < 0) {
		fprintf(stderr, "cannot start a process (%s)\n", strerror(errno));
		return EXIT_FATAL;
	}
	if (child == 0) {
		close(ends[0]);
		_exit(check_in_child(stage, file, ends[1]));
	}
	close(ends[1]);

	unsigned char code;
	int rc = await_end(child, &status);
	bool is_over = read(ends[0], &code, 1) == 1;

	close(ends[0]);
	if (rc < 0 && !is_over) {
		fprintf(stderr, "plugin file '%s' hangs: it is not loaded, started and ended within %u s\n", file,
			(unsigned int)(PLUGIN_TRIAL_NS / 1000000000));
		return PLUGIN_EXIT_INIT;
	}
	return is_over ? code : tell_end(file, status);
}
