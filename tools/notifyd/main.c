/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * corosync-notifyd: report changes of members, quorum, clients and links of this node, by syslog, on D-Bus and by SNMP.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "common/standard.h"
#include "config.h"
#include "tools/common/terminal.h"
#include "tools/notifyd/follow.h"
#include "tools/notifyd/sink.h"

struct options {
	bool in_foreground, to_log, to_error_output, to_snmp, to_dbus;
	bool keeps_addresses; /* do not find the names of members */
	bool link_as_quorum;
	const char *manager, *community;
};

struct notifyd {
	struct options options;
	struct follow follow;
	struct dbus_sink *dbus;
	struct snmp_sink *snmp;
};

/* Global variables: the destination of the log, and a flag that signal handlers set. */
static bool log_to_error_output;
static volatile sig_atomic_t is_ended;

static const char *priority_name(int priority)
{
	static const char *const names[] = {"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"};

	return names[priority & 7];
}

void notifyd_log(int priority, const char *format, ...)
{
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (log_to_error_output)
		fprintf(stderr, "[%s] %s\n", priority_name(priority), text);
	syslog(priority, "%s", text);
}

static void usage(void)
{
	fputs("usage:\n"
	      "        -c     : SNMP Community name.\n"
	      "        -f     : Start application in foreground.\n"
	      "        -l     : Log all events.\n"
	      "        -o     : Print events to stdout (turns on -l).\n"
	      "        -s     : Send SNMP traps on all events.\n"
	      "        -m     : Set the SNMP Manager IP address (defaults to localhost).\n"
	      "        -n     : No reverse DNS lookup on cmap member change events.\n"
	      "        -d     : Send DBUS signals on all events.\n"
	      "        -h     : Print this help.\n"
	      "        --link-as-quorum : Send changes of links on D-Bus as QuorumStateChange too.\n\n",
		stderr);
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {{"link-as-quorum", no_argument, NULL, 'Q'}, {NULL, 0, NULL, 0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "c:floshdnm:", names, NULL)) != -1) {
		switch (letter) {
		case 'c':
			options->community = optarg;
			break;
		case 'f':
			options->in_foreground = true;
			break;
		case 'l':
			options->to_log = true;
			break;
		case 'm':
			options->manager = optarg;
			options->to_snmp = true;
			break;
		case 'n':
			options->keeps_addresses = true;
			break;
		case 'o':
			options->to_log = options->to_error_output = true;
			break;
		case 's':
			options->to_snmp = true;
			break;
		case 'd':
			options->to_dbus = true;
			break;
		case 'Q':
			options->link_as_quorum = true;
			break;
		default: /* -h, or an unknown option */
			usage();
			return false;
		}
	}
	return true;
}

/* Check the requested outputs, and whether this build has them. */
static bool check_options(struct options *options)
{
#ifndef HAVE_SNMP
	if (options->to_snmp) {
		notifyd_log(LOG_ERR, "Not compiled with SNMP support enabled, exiting.");
		return false;
	}
#endif
#ifndef HAVE_DBUS
	if (options->to_dbus) {
		notifyd_log(LOG_ERR, "Not compiled with DBus support enabled, exiting.");
		return false;
	}
#endif
	if (options->to_error_output && !options->in_foreground) {
		notifyd_log(LOG_ERR, "configured to print to stdout and run in the background, exiting");
		return false;
	}
	if (options->to_snmp && options->to_dbus)
		notifyd_log(LOG_WARNING, "configured to send both snmp traps and dbus signals.");
	if (!options->to_log && !options->to_snmp && !options->to_dbus) {
		notifyd_log(LOG_ERR, "no event type enabled, see corosync-notifyd -h, exiting.");
		return false;
	}
	return true;
}

static void tell(void *arg, const struct event *event)
{
	struct notifyd *notifyd = arg;
	char text[2048];

	if (notifyd->options.to_log) {
		event_text(event, text, sizeof(text));
		notifyd_log(LOG_NOTICE, "%s", text);
	}
#ifdef HAVE_DBUS
	if (notifyd->dbus != NULL)
		dbus_sink_send(notifyd->dbus, event);
#endif
#ifdef HAVE_SNMP
	if (notifyd->snmp != NULL)
		snmp_sink_send(notifyd->snmp, event);
#endif
}

static bool open_sinks(struct notifyd *notifyd)
{
	const struct options *options = &notifyd->options;
	bool is_made = true;

#ifdef HAVE_DBUS
	if (options->to_dbus) {
		notifyd->dbus = dbus_sink_create(options->link_as_quorum);
		is_made = is_made && notifyd->dbus != NULL;
	}
#endif
#ifdef HAVE_SNMP
	if (options->to_snmp) {
		notifyd->snmp = snmp_sink_create(options->manager, options->community);
		is_made = is_made && notifyd->snmp != NULL;
	}
#endif
	(void)options;
	if (!is_made)
		notifyd_log(LOG_ERR, "out of memory, exiting");
	return is_made;
}

static void close_sinks(struct notifyd *notifyd)
{
	(void)notifyd;
#ifdef HAVE_DBUS
	dbus_sink_destroy(notifyd->dbus);
#endif
#ifdef HAVE_SNMP
	snmp_sink_destroy(notifyd->snmp);
#endif
}

/* Notify systemd that the start is complete, if systemd has requested that. */
static void say_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static const char ready[] = "READY=1";
	size_t length;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	length = strlen(path);
	if (length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		notifyd_log(LOG_WARNING, "systemd is not told that the start is over: %s", strerror(errno));
	close(fd);
}

static void end(int signal_number)
{
	(void)signal_number;
	is_ended = 1;
}

/* Handle events until the end. Signals are allowed only during the wait, so that none is missed. */
static int run(struct notifyd *notifyd, const sigset_t *while_waiting)
{
	struct pollfd fds[FOLLOW_FDS];
	cs_error_t error = follow_fds(&notifyd->follow, fds);

	while (error == CS_OK && !is_ended) {
		int ready = ppoll(fds, FOLLOW_FDS, NULL, while_waiting);

		if (ready > 0)
			error = follow_serve(&notifyd->follow, fds);
		else if (ready < 0 && errno != EINTR)
			error = CS_ERR_LIBRARY;
	}
	if (error == CS_OK)
		return EXIT_SUCCESS;
	notifyd_log(LOG_ERR, "the connection to the daemon is lost (%s), exiting", cs_strerror(error));
	return EXIT_FAILURE;
}

static void catch_signals(sigset_t *while_waiting)
{
	static const int ending[] = {SIGTERM, SIGINT, SIGQUIT};
	struct sigaction action = {.sa_handler = end};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		sigaddset(&blocked, ending[i]);
		sigaction(ending[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct notifyd notifyd = {.options = {.manager = "localhost", .community = "public"}};
	const char *failed;
	sigset_t while_waiting;
	cs_error_t error;
	int status;

	standard_open();
	terminal_guard();
	if (!parse_options(argc, argv, &notifyd.options))
		return EXIT_FAILURE;
	log_to_error_output = notifyd.options.to_error_output;
	openlog("notifyd", LOG_PID, LOG_DAEMON);
	if (!check_options(&notifyd.options))
		return EXIT_FAILURE;
	if (!notifyd.options.in_foreground && daemon(0, 0) < 0) {
		notifyd_log(LOG_ERR, "cannot go into the background: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	catch_signals(&while_waiting);
	notifyd.follow.tell = tell;
	notifyd.follow.arg = &notifyd;
	notifyd.follow.looks_names_up = !notifyd.options.keeps_addresses;
	error = follow_open(&notifyd.follow, &failed);
	status = EXIT_FAILURE;
	if (error != CS_OK) {
		notifyd_log(LOG_ERR, "%s Error %d", failed, (int)error);
	} else if (open_sinks(&notifyd)) {
		say_ready();
		status = run(&notifyd, &while_waiting);
	}
	close_sinks(&notifyd);
	follow_close(&notifyd.follow);
	closelog();
	return status;
}
