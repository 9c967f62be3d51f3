/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/interop/matrix.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES_MAX = 26,
	NOBODY = 65534,
};

static struct {
	pid_t pid;
	char name;
} processes[PROCESSES_MAX];
static unsigned int process_count;

unsigned int events_seen;

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout); /* otherwise a child would print the buffered lines again */
}

void give_up(const char *text)
{
	say("%s", text);
	exit(2);
}

bool is_careful(void) { return getenv("MATRIX_CAREFUL") != NULL; }

void process_name(pid_t pid, char name)
{
	for (unsigned int i = 0; i < process_count; i++)
		if (processes[i].name == name) {
			processes[i].pid = pid;
			return;
		}
	if (process_count == PROCESSES_MAX)
		abort();
	processes[process_count].pid = pid;
	processes[process_count++].name = name;
}

char process_letter(uint32_t pid)
{
	for (unsigned int i = 0; i < process_count; i++)
		if ((uint32_t)processes[i].pid == pid)
			return processes[i].name;
	return pid == 0 ? '0' : '?';
}

void pause_ms(unsigned int ms) { poll(NULL, 0, (int)ms); }

struct iovec vector_of(const void *bytes, size_t size)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
}

uint8_t *pattern(size_t size, uint32_t seed)
{
	uint8_t *bytes = malloc(size + 1);

	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	return bytes;
}

int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	if (folder == NULL)
		return -1;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

short revents_of(uint64_t handle)
{
	struct pollfd pollfd = {.events = POLLIN};

	if (matrix_library.fd_get(handle, &pollfd.fd) != CS_OK)
		return -1;
	poll(&pollfd, 1, 0);
	return pollfd.revents;
}

/* Dispatch once. @return the number of callbacks that were called; -1: no event came within the limit */
static int dispatch_within(uint64_t handle, int limit_ms)
{
	struct pollfd pollfd = {.events = POLLIN};
	unsigned int before = events_seen;

	if (matrix_library.fd_get(handle, &pollfd.fd) != CS_OK)
		return -1;
	if (poll(&pollfd, 1, limit_ms) <= 0)
		return -1;
	cs_error_t rc = matrix_library.dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING);
	if (rc != CS_OK && rc != CS_ERR_TRY_AGAIN) {
		say("  dispatch = %d", (int)rc);
		return -1;
	}
	return (int)(events_seen - before);
}

void expect_events(uint64_t handle, unsigned int count)
{
	while (count > 0) {
		int called = dispatch_within(handle, PATIENCE_MS);

		if (called < 0) {
			say("  %u events are missing", count);
			return;
		}
		count -= (unsigned int)called;
	}
}

void expect_quiet(uint64_t handle)
{
	while (dispatch_within(handle, QUIET_MS) >= 0)
		;
}

static void *blocked_run(void *argument)
{
	struct blocked *blocked = argument;

	blocked->code = matrix_library.dispatch(blocked->handle, blocked->type);
	return NULL;
}

void blocked_start(struct blocked *blocked, uint64_t handle, cs_dispatch_flags_t type)
{
	blocked->handle = handle;
	blocked->type = type;
	if (pthread_create(&blocked->thread, NULL, blocked_run, blocked) != 0)
		abort();
}

cs_error_t blocked_join(struct blocked *blocked)
{
	pthread_join(blocked->thread, NULL);
	return blocked->code;
}

struct observed {
	struct blocked blocked;
	atomic_bool is_started, has_ended;
};

static void *observed_run(void *argument)
{
	struct observed *observed = argument;

	atomic_store(&observed->is_started, true);
	blocked_run(&observed->blocked);
	atomic_store(&observed->has_ended, true);
	return NULL;
}

int finalize_blocked(void *handle)
{
	static struct observed observed;

	observed.blocked = (struct blocked){.handle = *(uint64_t *)handle, .type = CS_DISPATCH_BLOCKING};
	if (pthread_create(&observed.blocked.thread, NULL, observed_run, &observed) != 0)
		abort();
	while (!atomic_load(&observed.is_started))
		pause_ms(1);
	pause_ms(100); /* the thread probably waits by now. The call must end in both cases */
	if (matrix_library.finalize(*(uint64_t *)handle) != CS_OK)
		return 100;
	for (int i = 0; i < 100 && !atomic_load(&observed.has_ended); i++)
		pause_ms(10);
	return atomic_load(&observed.has_ended) ? (int)observed.blocked.code : 101;
}

int dispatch_on_small_stack(void *handle)
{
	struct blocked blocked = {.handle = *(uint64_t *)handle, .type = CS_DISPATCH_ALL};
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * 1024);
	if (pthread_create(&blocked.thread, &attributes, blocked_run, &blocked) != 0)
		return 100;
	return (int)blocked_join(&blocked);
}

bool become_nobody(void) { return setgid(NOBODY) == 0 && setuid(NOBODY) == 0; }

void forbid_descriptors(void)
{
	struct rlimit none = {.rlim_cur = 3, .rlim_max = 3};

	setrlimit(RLIMIT_NOFILE, &none);
}

static const char *child_result(pid_t child, unsigned int limit_ms)
{
	static char text[40];
	int status = 0;

	for (unsigned int waited = 0;; waited += 10) {
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		if (waited >= limit_ms) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return "no return";
		}
		pause_ms(10);
	}
	if (WIFSIGNALED(status))
		return "signal";
	snprintf(text, sizeof(text), "returned %d", WEXITSTATUS(status));
	return text;
}

const char *in_child(int (*run)(void *), void *argument, unsigned int limit_ms)
{
	pid_t child = fork();

	if (child == 0)
		_exit(run(argument));
	return child_result(child, limit_ms);
}

struct waiting_child child_start(uint64_t (*connect)(void), int (*run)(uint64_t handle))
{
	struct waiting_child child;
	int go[2], ready[2];
	char byte;

	if (pipe(go) < 0 || pipe(ready) < 0)
		abort();
	child.pid = fork();
	if (child.pid == 0) {
		uint64_t handle = connect();

		(void)!write(ready[1], "r", 1);
		(void)!read(go[0], &byte, 1);
		_exit(run(handle));
	}
	close(ready[1]);
	close(go[0]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	child.go = go[1];
	return child;
}

const char *child_go(struct waiting_child child, unsigned int limit_ms)
{
	(void)!write(child.go, "g", 1);
	close(child.go);
	return child_result(child.pid, limit_ms);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	pid_t daemon = argc > 2 ? (pid_t)atoi(argv[2]) : 0;

	process_name(getpid(), 'P');
	signal(SIGPIPE, SIG_IGN);
	for (const struct matrix_part *part = matrix_parts; part->name != NULL; part++)
		if (strcmp(part->name, name) == 0) {
			part->run(daemon);
			return 0;
		}
	fprintf(stderr, "usage: %s PART [PID of the daemon]\n", argv[0]);
	return 64;
}
