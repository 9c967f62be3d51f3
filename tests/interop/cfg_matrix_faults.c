/*
 * Configuration files, logs, and a daemon that is not there, is stopped, goes away; defects of
 * Corosync.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cfg_matrix.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void part_absent(pid_t daemon)
{
	corosync_cfg_handle_t handle = 7;

	(void)daemon;
	CALL(corosync_cfg_initialize(&handle, &printing));
	CALL(corosync_cfg_initialize(&handle, NULL));
}

/* Connect while no daemon runs, and while it starts. */
void part_starting(pid_t daemon)
{
	corosync_cfg_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = corosync_cfg_initialize(&handle, &printing);
		if (rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN)
			others++;
		if (rc != CS_OK)
			pause_ms(1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(corosync_cfg_finalize(handle));
}

/* ---- Reload and logs ----------------------------------------------------- */

/* Return the file that follows -c on the daemon's command line. */
static const char *config_path(pid_t daemon)
{
	static char line[4096];
	char path[64];
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)daemon);
	FILE *file = fopen(path, "r");

	if (file == NULL)
		give_up("no command line");
	size = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	for (char *at = line; at < line + size; at += strlen(at) + 1)
		if (strcmp(at, "-c") == 0)
			return at + 3;
	give_up("no -c");
}

static char *read_text(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		give_up("no config file");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void write_text(const char *path, const char *text, const char *more)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fputs(more, file) < 0 || fclose(file) != 0)
		give_up("cannot write the config file");
}

void part_reload(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing(), other = connect_printing();
	const char *path = config_path(daemon);
	char *text = strdup(read_text(path));
	unsigned int nodeid;

	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	write_text(path, text, "totem {\n\ttoken: 5000\n}\n");
	say("another timeout");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	write_text(path, text, "totem {\n\ttoken: abc\n}\n");
	say("no number");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	CALL(PATIENTLY(corosync_cfg_reload_config(other)));
	write_text(path, text, "totem {\n\ttoken: 10\n}\n");
	say("too small");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	write_text(path, text, "totem {\n\ttransport: knet\n\tnetmtu: 9000\n}\n");
	say("what cannot change");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	write_text(path, text, "totem {\n");
	say("an open section");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	unlink(path);
	say("no file");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	write_text(path, text, "");
	say("as it was");
	CALL(PATIENTLY(corosync_cfg_reload_config(handle)));
	CALL(corosync_cfg_local_get(other, &nodeid));
	CALL(corosync_cfg_finalize(handle));
	CALL(corosync_cfg_finalize(other));
	free(text);
}

void part_logs(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing();
	const char *at = strstr(read_text(config_path(daemon)), "\nlogfile: ");
	char path[256], old[300];

	if (at == NULL || sscanf(at, " logfile: %255s", path) != 1)
		give_up("no log file");
	snprintf(old, sizeof(old), "%s.old", path);
	rename(path, old);
	CALL(corosync_cfg_reopen_log_files(handle));
	say("there again: %s", access(path, F_OK) == 0 ? "yes" : "no");
	CALL(corosync_cfg_finalize(handle));
}

/* ---- Stopped and gone ---------------------------------------------------- */

static int local_get(uint64_t handle)
{
	unsigned int nodeid;

	return (int)corosync_cfg_local_get(handle, &nodeid);
}

void part_paused(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing();
	struct waiting_child request = child_start(connect_printing, local_get);
	int32_t fd;

	kill(daemon, SIGSTOP);
	say("a request: %s", child_go(request, 1000));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(corosync_cfg_fd_get(handle, &fd));
	kill(daemon, SIGCONT);
	CALL(local_get(handle));
	CALL(corosync_cfg_finalize(handle));
}

static void calls_on_broken(corosync_cfg_handle_t handle)
{
	struct corosync_cfg_node_status_v1 status;
	corosync_cfg_node_address_t addresses[2];
	char **names, **texts;
	unsigned int number;
	int32_t fd;
	int count;

	CALL(corosync_cfg_fd_get(handle, &fd));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(corosync_cfg_ring_status_get(handle, &names, &texts, &number));
	CALL(corosync_cfg_node_status_get(handle, 1, CFG_NODE_STATUS_V1, &status));
	CALL(corosync_cfg_trackstart(handle, 0));
	CALL(corosync_cfg_trackstop(handle));
	CALL(corosync_cfg_try_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE));
	CALL(corosync_cfg_get_node_addrs(handle, 1, 2, &count, addresses));
	CALL(corosync_cfg_local_get(handle, &number));
	CALL(corosync_cfg_reload_config(handle));
	CALL(corosync_cfg_reopen_log_files(handle));
	CALL(corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_YES));
	/* With Corosync's library this result is random, so it is not printed. */
	int code = (int)corosync_cfg_kill_node(handle, 1, "broken");

	if (!is_careful())
		say("7.3 kill_node, broken: undefined");
	else
		say("7.3 kill_node, broken: %d", code);
	CALL(corosync_cfg_finalize(handle));
	CALL(corosync_cfg_finalize(handle));
}

void part_dying(pid_t daemon, int signal_number)
{
	corosync_cfg_handle_t handle = connect_printing(), asker_handle = connect_printing();
	struct blocked blocked[2];
	struct asker asker;

	CALL(PATIENTLY(corosync_cfg_trackstart(handle, 0)));
	asker_start(&asker, asker_handle, COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);
	expect_events(handle, 1);
	blocked_start(&blocked[0], connect_printing(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_printing(), CS_DISPATCH_BLOCKING);
	kill(daemon, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(corosync_cfg_finalize(blocked[i].handle));
	}
	say("asked = %d", (int)asker_join(&asker));
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	calls_on_broken(handle);
	CALL(corosync_cfg_initialize(&handle, &printing));
}

void part_suicide(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing();

	(void)daemon;
	CALL(PATIENTLY(corosync_cfg_kill_node(handle, 1, "because")));
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	CALL(local_get(handle));
	CALL(corosync_cfg_finalize(handle));
}

/* ---- Defects ------------------------------------------------------------- */

static void twice(void)
{
	corosync_cfg_handle_t one = connect_printing(), two = connect_printing();
	struct asker asker;

	corosync_cfg_trackstart(one, 0);
	corosync_cfg_trackstart(two, 0);
	asker_start(&asker, connect_printing(), COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);
	expect_events(one, 1);
	expect_events(two, 1);
	asker.code = (cs_error_t)0;
	corosync_cfg_replyto_shutdown(one, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	corosync_cfg_replyto_shutdown(one, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	pause_ms(500);
	say("17.1 one who answers twice decides for two: %s", asker.code != 0 ? "yes" : "no");
	corosync_cfg_replyto_shutdown(two, COROSYNC_CFG_SHUTDOWN_FLAG_YES);
	say("asked = %d", (int)asker_join(&asker));
}

static void stranger(void)
{
	corosync_cfg_handle_t one = connect_printing(), two = connect_printing();
	struct asker asker;

	corosync_cfg_trackstart(one, 0);
	asker_start(&asker, connect_printing(), COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);
	expect_events(one, 1);
	asker.code = (cs_error_t)0;
	corosync_cfg_replyto_shutdown(two, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	pause_ms(500);
	say("17.1 one who does not track decides: %s", asker.code != 0 ? "yes" : "no");
	corosync_cfg_replyto_shutdown(one, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	say("asked = %d", (int)asker_join(&asker));
}

/* Check a client that has answered once and finalized its handle, and gets another request. */
static void leak(void)
{
	corosync_cfg_handle_t one = connect_printing(), two = connect_printing();
	struct asker asker;
	int before = descriptors();

	corosync_cfg_trackstart(one, 0);
	corosync_cfg_trackstart(two, 0);
	asker_start(&asker, connect_printing(), COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);
	expect_events(one, 1);
	expect_events(two, 1);
	corosync_cfg_replyto_shutdown(one, COROSYNC_CFG_SHUTDOWN_FLAG_YES);
	corosync_cfg_replyto_shutdown(two, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	say("asked = %d", (int)asker_join(&asker));
	corosync_cfg_finalize(asker.handle);
	CALL(corosync_cfg_finalize(one));
	say("7.1 finalize after an answer closes the connection: %s", descriptors() < before ? "yes" : "no");
}

static int null_reason(void *handle) { return (int)corosync_cfg_kill_node(*(uint64_t *)handle, 9, NULL); }

void part_defects(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing();
	corosync_cfg_node_address_t address;
	int count = 77;

	(void)daemon;
	scene("one answers twice", twice);
	scene("a stranger answers", stranger);
	scene("finalize after an answer", leak);
	say("4.1 kill_node without a reason: %s", in_child(null_reason, &handle, 5000));
	CALL(corosync_cfg_get_node_addrs(handle, 9, 1, &count, &address));
	/* With Corosync the result is undefined, in its library and in its daemon. */
	say("4.2 addresses of a stranger: %s", is_careful() && count == 0 ? "0" : "undefined");
	say("7.9 dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	corosync_cfg_handle_t blocked = connect_printing();

	say("7.10 dispatch of a handle that is finalized: %s", in_child(finalize_blocked, &blocked, 5000));
	CALL(corosync_cfg_finalize(blocked));
	CALL(corosync_cfg_finalize(handle));
}
