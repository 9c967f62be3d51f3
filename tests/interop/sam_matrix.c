/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/interop/sam_matrix.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corosync/quorum.h>

const struct matrix_library matrix_library = {cmap_fd_get, cmap_dispatch, cmap_finalize};

const struct matrix_part matrix_parts[] = {
	{"absent", part_calls},
	{"supervision", part_supervision},
	{"calls", part_calls_answered},
	{"keys", part_keys},
	{"quorum", part_quorum},
	{"killed", part_killed},
	{"gone", part_gone},
	{NULL, NULL},
};

struct scenario scenario_start(const char *title, int (*run)(void))
{
	struct scenario scenario;

	say("%s:", title);
	scenario.pid = fork();
	if (scenario.pid == 0) {
		int result = run();

		fflush(stdout);
		_exit(result);
	}
	return scenario;
}

void scenario_end(const char *title, struct scenario scenario)
{
	int status = 0;

	for (unsigned int waited = 0; waitpid(scenario.pid, &status, WNOHANG) == 0; waited += 10) {
		if (waited >= LIMIT_MS) {
			kill(scenario.pid, SIGKILL);
			waitpid(scenario.pid, &status, 0);
			say("%s: still there", title);
			return;
		}
		pause_ms(10);
	}
	if (WIFSIGNALED(status))
		say("%s: signal %d", title, WTERMSIG(status));
	else
		say("%s: exit %d", title, WEXITSTATUS(status));
}

void scenario(const char *title, int (*run)(void)) { scenario_end(title, scenario_start(title, run)); }

unsigned int registered(void)
{
	unsigned int instance = 77;
	cs_error_t error = sam_register(&instance);

	alarm(2 * LIMIT_MS / 1000);
	if (error != CS_OK)
		say("  sam_register = %d", (int)error);
	return instance;
}

static volatile sig_atomic_t signals_noticed;

static void print_signal(int number)
{
	char text[] = "  signal 00\n";

	text[9] = (char)('0' + number / 10);
	text[10] = (char)('0' + number % 10);
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	signals_noticed++;
}

void notice_signal(int number) { signal(number, print_signal); }

void await_signals(int count)
{
	for (int waited = 0; signals_noticed < count; waited += 5) {
		if (waited >= LIMIT_MS) {
			say("  no signal");
			return;
		}
		pause_ms(5);
	}
}

struct lifeline lifeline_make(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		give_up("no pipe");
	return (struct lifeline){.held = ends[1], .seen = ends[0]};
}

void lifeline_await(struct lifeline *line)
{
	struct pollfd pollfd = {.fd = line->seen};

	close(line->held);
	poll(&pollfd, 1, LIMIT_MS);
	close(line->seen);
}

int hang_on(void)
{
	for (;;)
		pause();
}

cmap_handle_t map_open(void)
{
	quorum_callbacks_t none = {NULL};
	quorum_handle_t quorum;
	cmap_handle_t map;
	uint32_t type;

	CONNECT(cmap_initialize(&map));
	/* Wait until the services that libsam needs are ready as well. */
	CONNECT(quorum_initialize(&quorum, &none, &type));
	quorum_finalize(quorum);
	return map;
}

static void show_key(cmap_handle_t map, pid_t supervisor, const char *what)
{
	char name[CMAP_KEYNAME_MAXLEN + 1];
	uint64_t value[32] = {0};
	size_t size = sizeof(value);
	cmap_value_types_t type;
	cs_error_t error;

	snprintf(name, sizeof(name), "resources.process.%d.%s", (int)supervisor, what);
	error = cmap_get(map, name, value, &size, &type);
	if (error != CS_OK)
		say("  %s: %d", what, (int)error);
	else if (type == CMAP_VALUETYPE_STRING)
		say("  %s: %s", what, (const char *)value);
	else if (strcmp(what, "last_updated") == 0)
		say("  %s: type %d%s", what, (int)type, value[0] > 0 ? "" : ", 0");
	else
		say("  %s: type %d, %lld", what, (int)type, (long long)value[0]);
}

void map_show(cmap_handle_t map, pid_t supervisor)
{
	show_key(map, supervisor, "recovery");
	show_key(map, supervisor, "poll_period");
	show_key(map, supervisor, "last_updated");
	show_key(map, supervisor, "state");
}

void map_await(cmap_handle_t map, pid_t supervisor, const char *state)
{
	char name[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(name, sizeof(name), "resources.process.%d.state", (int)supervisor);
	for (int waited = 0; waited < LIMIT_MS; waited += 10) {
		char *value;

		/*
		 * libcmap 3.1.7 leaves a pointer to freed memory when the call fails half-way, so `value` is freed only
		 * on success.
		 */
		if (cmap_get_string(map, name, &value) == CS_OK) {
			bool is_it = strcmp(value, state) == 0;

			free(value);
			if (is_it)
				return;
		}
		pause_ms(10);
	}
	say("  it is never %s", state);
}

void quorum_set(cmap_handle_t map, bool is_quorate)
{
	quorum_callbacks_t none = {NULL};
	quorum_handle_t quorum;
	uint32_t type;
	int now = -1;

	if (cmap_set_uint32(map, "quorum.expected_votes", is_quorate ? 1 : 3) != CS_OK)
		say("  expected votes: not set");
	CONNECT(quorum_initialize(&quorum, &none, &type));
	for (int waited = 0; waited < LIMIT_MS && now != is_quorate; waited += 10) {
		if (quorum_getquorate(quorum, &now) != CS_OK)
			break;
		pause_ms(10);
	}
	quorum_finalize(quorum);
	pause_ms(200); /* wait until other processes have noticed the change */
}
