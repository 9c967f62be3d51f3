/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon: order of start and stop. Exit codes: book configuration, "Exit codes". */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config.h"
#ifndef STATIC_BINARY
#include <ltdl.h>
#endif
#include "exec/daemon/cage.h"
#include "common/crypto/libcrypto.h"
#include "common/lookup.h"
#include "common/standard.h"
#include "config/model.h"
#include "exec/daemon/check_plugin.h"
#include "exec/daemon/crypto_memory.h"
#include "exec/daemon/heap.h"
#include "exec/daemon/instance.h"
#include "exec/daemon/modes.h"
#include "exec/daemon/options.h"
#include "exec/daemon/process.h"
#include "exec/daemon/repair.h"
#include "exec/executive.h"
#include "exec/ipc/ipc_server.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_code.h"
#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/reload/reload.h"
#include "exec/ring/ring.h"
#include "exec/sync/quorum.h"

#define EXIT_CONFIG 8
#define EXIT_LOGGING 7
#define EXIT_FORK 4
#define EXIT_SERVICES 13
#define EXIT_FATAL 15
#define EXIT_SERVICE_INIT 20
#define EXIT_NOT_INSTALLED 30
#define EXIT_INIT_FAILED 33
#define EXIT_ADDRESS 35
#define EXIT_NO_MEMORY 38

/* The state of main besides the executive. */
struct daemon {
	struct options options;
	struct executive executive;
	struct instance_dirs dirs;
	struct config_messages messages;
	struct plugin_folders folders;
	struct cage cage;
	char ident[64];
	int lock_fd;
	int signal_fd;
};

/* --- config --- */

static void tell_messages(const struct config_messages *messages, bool is_test)
{
	for (uint32_t i = 0; i < messages->warning_count; i++)
		log_line("MAIN", LOG_WARNING, "%s", messages->warnings[i]);
	for (uint32_t i = 0; i < messages->error_count; i++) {
		if (is_test)
			fprintf(stderr, "%s\n", messages->errors[i]);
		else
			log_line("MAIN", LOG_ERR, "%s", messages->errors[i]);
	}
}

/* A quorum provider that is only a default is dropped if it is not installed. */
static void drop_default_provider(struct config *config)
{
	struct plugin_folders folders;
	struct plugin_error error;

	if (!config->is_provider_default || modes_folders_init(&folders, config) < 0)
		return;
	if (plugin_probe(folders.list, folders.count, COTERIE_KIND_SERVICE, config->quorum_provider, &error) < 0 &&
		error.exit_code == EXIT_NOT_INSTALLED)
		config_drop_provider(config);
	modes_folders_fini(&folders);
}

/* Let the daemon's user own the configured log files. An earlier daemon of root may have created them. */
static void give_logs(const struct cage *cage, const struct config_log *log)
{
	for (uint32_t i = 0; i < log->subsystem_count; i++) {
		if (log->subsystems[i].to_file && log->subsystems[i].file != NULL)
			cage_give_file(cage, log->subsystems[i].file);
	}
}

static int load_config(struct daemon *daemon)
{
	struct executive *executive = &daemon->executive;
	struct config_environment environment;
	char path[4096], state_dir[4096], error[512];
	const char *drop_ins;
	int64_t lookup_left_ms = LOOKUP_LIMIT_MS;
	int rc = options_config_path(&daemon->options, path, &drop_ins);

	if (rc < 0) {
		log_line("MAIN", LOG_ERR,
			"no config file (looked for " SYSCONF_DIR "/coterie/coterie.conf and " SYSCONF_DIR
			"/corosync/corosync.conf): give one with -c FILE");
		return EXIT_CONFIG;
	}
	config_environment_system(&environment);
	environment.local_name = daemon->options.node;
	environment.instance = daemon->options.instance;
	if (instance_state_dir(environment.instance, state_dir) == 0)
		environment.state_dir = state_dir;
	modes_environment(&environment);
	environment.format = daemon->options.format;
	environment.drop_ins = drop_ins;
	/* A configuration may be printed even if a start would refuse it. */
	environment.is_test = daemon->options.is_test && !daemon->options.is_print && !daemon->options.is_repair;
	environment.needs_no_key = daemon->options.is_print || daemon->options.is_repair;
	/* A start waits as long as the resolver takes. A test or a printout does not. */
	if (daemon->options.is_test)
		config_environment_limit(&environment, &lookup_left_ms);
	rc = config_load(path, &environment, &executive->config, &daemon->messages);
	if (rc < 0)
		tell_messages(&daemon->messages, daemon->options.is_test);
	if (rc == -EBADF)
		return EXIT_LOGGING;
	if (rc == -ENOMEM)
		return EXIT_NO_MEMORY;
	if (rc < 0)
		return daemon->messages.exit_code != 0 ? daemon->messages.exit_code : EXIT_CONFIG;
	if (!daemon->options.is_test)
		drop_default_provider(executive->config);
	executive->nodeid = executive->config->nodes[executive->config->local].nodeid;
	if (!daemon->options.is_test)
		give_logs(&daemon->cage, &executive->config->log);
	if (!daemon->options.is_test && log_configure(&executive->config->log, error, sizeof(error)) < 0) {
		log_line("MAIN", LOG_ERR, "%s", error);
		return EXIT_LOGGING;
	}
	if (!daemon->options.is_test && log_take_libqb() < 0)
		log_line("MAIN", LOG_WARNING, "lines of libqb are not logged: out of memory");
	/* Log warnings only now, when the log is set up as the configuration says. */
	tell_messages(&daemon->messages, daemon->options.is_test);
	return 0;
}

/* --- signals --- */

/*
 * Set the actions that the daemon needs, and may not have inherited. If its parent ignored SIGCHLD, the kernel would drop
 * the exit statuses of child processes, and a plugin that crashes in its trial would pass. SIGXFSZ ends a process that
 * writes beyond RLIMIT_FSIZE. If it is ignored, write(2) and ftruncate(2) return EFBIG.
 */
static void reset_signals(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
}

static void on_signal(void *arg, int fd, uint32_t revents)
{
	struct executive *executive = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
		case SIGQUIT:
			log_line("MAIN", LOG_NOTICE, "Node was shut down by a signal");
			executive_stop(executive, 0);
			break;
		case SIGHUP:
			if (log_reopen() < 0)
				log_line("MAIN", LOG_WARNING, "Unable to reopen a log file");
			reload_hangup(executive->reload);
			break;
		case SIGUSR2:
			executive_dump(executive);
			break;
		default:
			break;
		}
	}
}

/* Fill in the signals that the loop handles. */
static void fill_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGQUIT);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR2);
}

/*
 * Keep signals for the loop. The pid file names the process from now on, and its readers send signals: a SIGHUP, with which
 * log files are rotated, would end the start.
 */
static int hold_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	fill_signals(&signals);
	return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? -errno : 0;
}

static int open_signals(struct daemon *daemon)
{
	sigset_t signals;

	fill_signals(&signals);
	daemon->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (daemon->signal_fd < 0)
		return -errno;
	return loop_fd_add(
		daemon->executive.loop, daemon->signal_fd, POLLIN, LOOP_NORMAL, on_signal, &daemon->executive);
}

/* --- plugins --- */

static int load_service(struct executive *executive, const struct cage *cage, const struct config_plugin *wanted)
{
	struct plugin_error error;
	bool is_provider = executive->config->quorum_provider != NULL &&
			   strcmp(executive->config->quorum_provider, wanted->name) == 0;

	if (is_provider)
		quorum_tell_provider(wanted->name);
	struct plugin *plugin = plugin_load(executive->plugins, COTERIE_KIND_SERVICE, wanted->name, &error);

	if (plugin == NULL && is_provider && error.exit_code == EXIT_NOT_INSTALLED) {
		log_line("SERV", LOG_ERR,
			"Service engine '%s' failed to load: quorum.provider asks for it and it is not "
			"installed: install plugin '%s', or take the provider out of the config",
			wanted->name, wanted->name);
		return EXIT_SERVICE_INIT;
	}
	if (plugin == NULL && error.exit_code == EXIT_NOT_INSTALLED && !wanted->is_required) {
		log_line("SERV", LOG_INFO, "service %s is not installed", wanted->name);
		return 0;
	}
	if (plugin == NULL) {
		log_line("SERV", LOG_ERR, "%s", error.text);
		/*
		 * systemd units know this exit code of the reference for a quorum provider that refuses its
		 * configuration.
		 */
		return is_provider && error.exit_code == EXIT_INIT_FAILED ? EXIT_SERVICE_INIT : error.exit_code;
	}
	if (is_provider && (plugin->descriptor->offers & COTERIE_CAN_QUORUM) == 0) {
		log_line("SERV", LOG_ERR,
			"quorum.provider names plugin '%s' (%s), which is no quorum provider: use %s, or take the provider "
			"out of the config",
			wanted->name, plugin->path, config_provider_name(NULL));
		return EXIT_SERVICE_INIT;
	}
	executive_show(executive, plugin);
	log_line("SERV", LOG_NOTICE, "Service engine loaded: %s [%u]", plugin->service.title, plugin->service.ring_id);
	if (plugin->service.ipc_name == NULL)
		return 0;
	cage_root_begin(cage);
	int rc = ipc_server_open(executive->ipc, plugin);
	cage_root_end(cage);
	if (rc < 0) {
		char reason[128];

		ipc_server_error(executive->ipc, plugin, rc, reason, sizeof(reason));
		log_line("SERV", LOG_ERR,
			"cannot open the IPC name of service %s (%s): is another daemon running on this host? "
			"Use --instance NAME for a second one",
			wanted->name, reason);
		return EXIT_SERVICES;
	}
	return 0;
}

static int load_plugins(struct executive *executive, const struct cage *cage)
{
	const struct config *config = executive->config;
	struct plugin_error error;

	for (uint32_t i = 0; i < config->service_count; i++) {
		int rc = load_service(executive, cage, &config->services[i]);

		if (rc != 0)
			return rc;
	}
	struct plugin *transport = plugin_load(executive->plugins, COTERIE_KIND_TRANSPORT, config->transport, &error);
	if (transport == NULL) {
		log_line("TOTEM", LOG_ERR, "%s", error.text);
		return error.exit_code;
	}
	executive_show(executive, transport);
	int rc = ring_start(executive->ring, config, transport);
	return rc == 0 ? 0 : rc == -EADDRINUSE || rc == -EADDRNOTAVAIL ? EXIT_ADDRESS : EXIT_FATAL;
}

/* --- start, run, stop --- */

/*
 * Enter the cage before the config is read: a reload reads its files as the daemon's user, so the start does the same.
 */
static int enter_cage(const struct options *options, struct cage *cage)
{
	char error[5000];
	int code = options->user == NULL ? 0 : cage_enter(cage, options->user, options->instance, error, sizeof(error));

	if (code != 0)
		log_line("MAIN", LOG_ERR, "%s", error);
	cage_shed_ambient();
	return code;
}

static int close_cage(struct cage *cage)
{
	int rc = cage_close(cage);

	if (rc == 0)
		return 0;
	log_line("MAIN", LOG_ERR, "cannot give up the rights of root: %s", strerror(-rc));
	return EXIT_FATAL;
}

static int prepare_process(struct daemon *daemon)
{
	struct executive *executive = &daemon->executive;
	char error[5000];
	int code = instance_dirs_prepare(daemon->options.instance, executive->config->state_dir,
		executive->config->run_dir, &daemon->dirs, error, sizeof(error));

	if (code != 0) {
		log_line("MAIN", LOG_ERR, "%s", error);
		return code;
	}
	daemon->dirs.lock_file = daemon->options.lock_file;
	executive->state_dir = daemon->dirs.state;
	if (daemon->dirs.is_fallback)
		log_line("MAIN", LOG_WARNING, "not allowed to use the system's folders: state is kept in '%s'",
			daemon->dirs.state);
	if (!daemon->options.is_foreground) {
		int fd = process_background();

		if (fd < 0) {
			log_line("MAIN", LOG_ERR, "cannot go to the background: %s", strerror(-fd));
			return EXIT_FORK;
		}
		executive->report_fd = fd;
	}
	if (hold_signals() < 0) {
		log_line("MAIN", LOG_ERR, "cannot block signals: %s", strerror(errno));
		return EXIT_FATAL;
	}
	daemon->lock_fd = instance_lock(&daemon->dirs, error, sizeof(error));
	if (daemon->lock_fd < 0) {
		log_line("MAIN", LOG_ERR, "%s", error);
		return -daemon->lock_fd;
	}
	process_privileges(executive->config);
	log_flight_arm(executive->state_dir);
	return 0;
}

static void note_late(void *arg, uint64_t late_ns)
{
	struct executive *executive = arg;

	histogram_note(&executive->timers_late, late_ns);
}

/* As prepare_crypto of struct executive. */
static int prepare_crypto(char *error, size_t size)
{
	static bool is_prepared; /* for the process, as the memory of libcrypto is */
	int rc = is_prepared ? 0 : crypto_memory_init();

	if (rc == -ELIBACC) {
		snprintf(error, size, "the ring has a key, but libcrypto cannot be loaded: %s", libcrypto_error());
		return rc;
	}
	if (rc < 0)
		log_line("MAIN", LOG_WARNING, "Core dumps of this daemon hold keys: libcrypto was in use before");
	is_prepared = true;
	return 0;
}

/* coterie -t. The file may be of another host, so this is no error. */
static int tell_test(const struct config *config)
{
	int code = modes_tell_test(config);

	if (code == 0 && config->key != NULL && libcrypto_get() == NULL)
		printf("%s: this host cannot encrypt the ring, libcrypto cannot be loaded: %s\n", config->file,
			libcrypto_error());
	return code;
}

static int run(struct daemon *daemon)
{
	struct executive *executive = &daemon->executive;

	log_line("MAIN", LOG_NOTICE, "Coterie %s starting up, compatible with Corosync Cluster Engine 3.1.7",
		PACKAGE_VERSION);
	int code = prepare_process(daemon);

	plugin_call_watch();
	if (code != 0)
		return code;
	executive->loop = loop_create();
	if (executive->loop == NULL || open_signals(daemon) < 0) {
		log_line("MAIN", LOG_ERR, "cannot create the event loop: %s", strerror(errno));
		return EXIT_FATAL;
	}
	loop_watch_timers(executive->loop, note_late, executive);
	executive->prepare_crypto = prepare_crypto;
	code = executive_create_parts(executive, daemon->folders.list, daemon->folders.count);
	if (code == 0)
		code = load_plugins(executive, &daemon->cage);
	if (code == 0)
		code = close_cage(&daemon->cage);
	heap_serve();
	if (code == 0 && !executive->is_stopping) {
		loop_run(executive->loop);
		code = executive->exit_code;
	}
	executive_destroy_parts(executive);
	return code;
}

/* --- coterie --check-plugin --- */

static int set_up_check(void *arg, struct config *config, struct loop *loop, const char *const *directories,
	uint32_t count, struct plugin_registry **plugins)
{
	struct executive *executive = arg;

	executive->config = config;
	executive->loop = loop;
	executive->state_dir = "/nonexistent";
	executive->nodeid = 1;
	int code = executive_create_parts(executive, directories, count);
	*plugins = executive->plugins;
	return code;
}

static void tear_down_check(void *arg) { executive_destroy_parts(arg); }

/* --- the program --- */

static void tell_end(int code)
{
	if (code == 0)
		log_line("MAIN", LOG_NOTICE, "Corosync Cluster Engine exiting normally");
	else
		log_line("MAIN", LOG_ERR, "Corosync Cluster Engine exiting with status %d", code);
}

/*
 * Describe what ran when the process died: the plugin call on the loop thread, or, on a thread that a plugin has
 * started, the plugin's file.
 */
static const char *describe_death(char *text, size_t size, const void *context)
{
	const char *call = plugin_call_describe(text, size);

	return call != NULL ? call : plugin_code_describe(text, size, context);
}

static int run_program(int argc, char **argv)
{
	struct daemon daemon = {.lock_fd = -1, .signal_fd = -1};
	struct executive *executive = &daemon.executive;

#ifndef STATIC_BINARY
	LTDL_SET_PRELOADED_SYMBOLS(); /* builtins, to be set before libltdl is first used */
#endif
	heap_start();
	reset_signals();
	executive_init(executive);
	executive->program = "/proc/self/exe";
	if (argc > 1 && argv[1][0] != '-')
		return modes_run_command(argc, argv);
	int code = options_parse(argc, argv, &daemon.options);
	if (code >= 0)
		return code;
	executive->instance = daemon.options.instance;
	executive->local_name = daemon.options.node;
	if (executive->instance != NULL)
		snprintf(daemon.ident, sizeof(daemon.ident), "coterie-%s", executive->instance);
	else
		snprintf(daemon.ident, sizeof(daemon.ident), "coterie");
	log_open(daemon.ident);
	log_on_death(describe_death);
	/*
	 * Watch calls of plugins already now: reading the config opens plugins. The process that becomes the daemon
	 * calls this again.
	 */
	plugin_call_watch();
	if (daemon.options.check_plugin != NULL)
		return check_plugin(&(struct check_stage){set_up_check, tear_down_check, executive},
			daemon.options.check_plugin, daemon.options.check_fd, daemon.options.check_bound_ms);
	if (daemon.options.is_help_config)
		return modes_help_config(&daemon.options);
	/* A config file that cannot be read is a finding of the doctor, so do not read it here. */
	if (daemon.options.is_doctor)
		return modes_doctor(&daemon.options);
	/* Without a file to check, the running daemon reads its own file. */
	if (daemon.options.is_check_reload && daemon.options.config == NULL)
		return modes_check_reload(&daemon.options, NULL);
	code = enter_cage(&daemon.options, &daemon.cage);
	if (code == 0)
		code = load_config(&daemon);
	if (code == 0 && modes_folders_init(&daemon.folders, executive->config) < 0)
		code = EXIT_NO_MEMORY;
	if (code == 0 && daemon.options.is_test) {
		code = daemon.options.is_print ? modes_print_config(&daemon.options, executive->config)
		       : daemon.options.is_repair
			       ? repair_ring_seq(daemon.options.instance, daemon.options.lock_file, executive->config)
		       : daemon.options.is_check_reload ? modes_check_reload(&daemon.options, executive->config)
							: tell_test(executive->config);
	} else if (code == 0) {
		code = run(&daemon);
		tell_end(code);
		process_report(executive->report_fd, code);
		instance_unlock(&daemon.dirs, daemon.lock_fd);
	} else if (!daemon.options.is_test) {
		tell_end(code);
	}
	loop_destroy(executive->loop);
	if (daemon.signal_fd >= 0)
		close(daemon.signal_fd);
	modes_folders_fini(&daemon.folders);
	config_messages_fini(&daemon.messages);
	config_destroy(executive->config);
	log_close();
	return code;
}

int main(int argc, char **argv)
{
	standard_open();
	int code = run_program(argc, argv);

	return standard_end("coterie", stdout, code);
}
