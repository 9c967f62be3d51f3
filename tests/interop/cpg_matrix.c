#include "tests/interop/cpg_matrix.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PROCESSES_MAX = 26,
	PATIENCE_MS = 10000,
	QUIET_MS = 300,
};

static struct {
	pid_t pid;
	char name;
} processes[PROCESSES_MAX];
static unsigned int process_count;

unsigned int events_seen;
bool is_silent;
void (*deliver_hook)(cpg_handle_t handle);

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout); /* a child must not print it again */
}

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

static char process_letter(uint32_t pid)
{
	for (unsigned int i = 0; i < process_count; i++)
		if ((uint32_t)processes[i].pid == pid)
			return processes[i].name;
	return pid == 0 ? '0' : '?';
}

struct cpg_name name_of(const char *text)
{
	struct cpg_name name = {.length = (uint32_t)strlen(text)};

	memcpy(name.value, text, name.length);
	return name;
}

struct iovec vector_of(const void *bytes, size_t size)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
}

static void print_name(const struct cpg_name *name)
{
	for (uint32_t i = 0; i < name->length && i < sizeof(name->value); i++) {
		unsigned char c = (unsigned char)name->value[i];

		if (c > ' ' && c < 0x7f)
			putchar(c);
		else
			printf("\\%02x", c);
	}
}

static void print_list(const char *title, const struct cpg_address *list, size_t count)
{
	printf(" %s", title);
	if (list == NULL)
		printf("(null)");
	for (size_t i = 0; i < count; i++)
		printf("%s%u/%c:%u", i == 0 ? "" : ",", list[i].nodeid, process_letter(list[i].pid),
			list[i].reason);
	printf(";");
}

static void print_deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid,
	uint32_t pid, void *msg, size_t size)
{
	const uint8_t *bytes = msg;
	uint32_t sum = 2166136261u;

	if (is_silent) {
		events_seen++;
		return;
	}
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	printf("  deliver ");
	print_name(group);
	say(" %u/%c size %zu sum %08x%s%s", nodeid, process_letter(pid), size, sum,
		msg == NULL ? " NULL" : "", (uintptr_t)msg % 8 != 0 ? " unaligned" : "");
	if (size > 0)
		memset(msg, 0xee, size); /* allowed */
	events_seen++;
	if (deliver_hook != NULL)
		deliver_hook(handle);
}

static void print_confchg(cpg_handle_t handle, const struct cpg_name *group,
	const struct cpg_address *members, size_t member_count, const struct cpg_address *left,
	size_t left_count, const struct cpg_address *joined, size_t joined_count)
{
	(void)handle;
	printf("  confchg ");
	print_name(group);
	print_list("members ", members, member_count);
	print_list("left ", left, left_count);
	print_list("joined ", joined, joined_count);
	say("%s", "");
	events_seen++;
}

static void print_totem(cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t member_count,
	const uint32_t *members)
{
	(void)handle;
	printf("  totem ring of %u, seq %s; members", ring_id.nodeid,
		ring_id.seq > 0 ? "set" : "0");
	for (uint32_t i = 0; i < member_count; i++)
		printf(" %u", members[i]);
	say("%s", "");
	events_seen++;
}

cpg_callbacks_t printing = {print_deliver, print_confchg};
cpg_model_v1_data_t printing_v1 = {CPG_MODEL_V1, print_deliver, print_confchg, print_totem,
	CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF};

static void pause_ms(unsigned int ms) { poll(NULL, 0, (int)ms); }

cpg_handle_t connect_printing(void)
{
	cpg_handle_t handle;

	for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
		if (cpg_initialize(&handle, &printing) == CS_OK)
			return handle;
		pause_ms(20);
	}
	say("no daemon");
	exit(2);
}

cs_error_t join_patiently(cpg_handle_t handle, const struct cpg_name *name)
{
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	for (int waited = 0; rc == CS_ERR_TRY_AGAIN && waited < PATIENCE_MS; waited += 5) {
		rc = cpg_join(handle, name);
		if (rc == CS_ERR_TRY_AGAIN)
			pause_ms(5);
	}
	return rc;
}

cs_error_t leave_patiently(cpg_handle_t handle, const struct cpg_name *name)
{
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	for (int waited = 0; rc == CS_ERR_TRY_AGAIN && waited < PATIENCE_MS; waited += 5) {
		rc = cpg_leave(handle, name);
		if (rc == CS_ERR_TRY_AGAIN)
			pause_ms(5);
	}
	return rc;
}

cs_error_t send_patiently(cpg_handle_t handle, const void *message, size_t size)
{
	struct iovec iov = vector_of(message, size);
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	for (int waited = 0; rc == CS_ERR_TRY_AGAIN && waited < PATIENCE_MS; waited += 5) {
		rc = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
		if (rc == CS_ERR_TRY_AGAIN)
			pause_ms(5);
	}
	return rc;
}

/* Callbacks called by one dispatch, or -1 when nothing came in that time. */
static int dispatch_within(cpg_handle_t handle, int limit_ms)
{
	struct pollfd pollfd = {.events = POLLIN};
	unsigned int before = events_seen;

	if (cpg_fd_get(handle, &pollfd.fd) != CS_OK)
		return -1;
	if (poll(&pollfd, 1, limit_ms) <= 0)
		return -1;
	cs_error_t rc = cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING);
	if (rc != CS_OK && rc != CS_ERR_TRY_AGAIN) {
		say("  dispatch = %d", (int)rc);
		return -1;
	}
	return (int)(events_seen - before);
}

void expect_events(cpg_handle_t handle, unsigned int count)
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

void expect_quiet(cpg_handle_t handle)
{
	while (dispatch_within(handle, QUIET_MS) >= 0)
		;
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

struct waiting_child child_start(int (*run)(cpg_handle_t handle))
{
	struct waiting_child child;
	int go[2], ready[2];
	char byte;

	if (pipe(go) < 0 || pipe(ready) < 0)
		abort();
	child.pid = fork();
	if (child.pid == 0) {
		cpg_handle_t handle = connect_printing();

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

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";
	pid_t daemon_pid = argc > 2 ? (pid_t)atoi(argv[2]) : 0;

	/* In a ring everybody is a stranger, so that all print the same. */
	if (strcmp(part, "ring") != 0)
		process_name(getpid(), 'P');
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(part, "absent") == 0)
		part_absent();
	else if (strcmp(part, "starting") == 0)
		part_starting();
	else if (strcmp(part, "live") == 0)
		part_live();
	else if (strcmp(part, "messages") == 0)
		part_messages();
	else if (strcmp(part, "defects") == 0)
		part_defects();
	else if (strcmp(part, "ring") == 0)
		part_ring();
	else if (strcmp(part, "paused") == 0 && daemon_pid > 1)
		part_paused(daemon_pid);
	else if (strcmp(part, "killed") == 0 && daemon_pid > 1)
		part_dying(daemon_pid, SIGKILL);
	else if (strcmp(part, "stopped") == 0 && daemon_pid > 1)
		part_dying(daemon_pid, SIGTERM);
	else {
		fprintf(stderr,
			"usage: cpg_matrix absent | starting | live | messages | defects | ring | "
			"paused PID | killed PID | stopped PID\n");
		return 64;
	}
	return 0;
}
