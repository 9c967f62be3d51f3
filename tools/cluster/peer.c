/*
 * Sessions with the helpers of nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/lookup.h"
#include "tools/cluster/agent.h"

#define END_MS 3000         /* milliseconds for the remote shell to end by itself */
#define LOCAL_END_MS 150000 /* milliseconds for the helper of this host, which may undo a change */
#define LAST_MS 200         /* milliseconds for its last error output */
#define LOOK_MS 20

extern char **environ;

/* --- start --- */

struct command {
	char *words[PEER_WORDS_MAX + 4];
	size_t count;
	char *copy;
	char self[4096];
};

static char agent_word[] = AGENT_COMMAND, tool_word[] = "coterie-ctl";

static int make_command(struct command *command, const char *shell, char *host)
{
	char *rest = NULL;

	*command = (struct command){.count = 0};
	if (shell == NULL) {
		ssize_t length = readlink("/proc/self/exe", command->self, sizeof(command->self) - 1);

		command->self[length > 0 ? length : 0] = '\0';
		command->words[command->count++] = command->self;
		command->words[command->count++] = agent_word;
		return length > 0 ? 0 : -errno;
	}
	if (!words_is_harmless(host))
		return -EINVAL; /* otherwise ssh would run a program for a host such as "-oProxyCommand=..." */
	command->copy = strdup(shell);
	for (char *word = command->copy == NULL ? NULL : strtok_r(command->copy, " \t", &rest);
		word != NULL && command->count < PEER_WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
		command->words[command->count++] = word;
	if (command->count == 0)
		return command->copy == NULL ? -ENOMEM : -EINVAL;
	command->words[command->count++] = host;
	command->words[command->count++] = tool_word;
	command->words[command->count++] = agent_word;
	return 0;
}

static void close_all(int fds[6])
{
	for (int i = 0; i < 6; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Start a program. This process ignores SIGPIPE, and the program must not inherit that. @return 0; negative errno */
static int spawn(struct peer *peer, char *const *words, const int fds[6])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fds[3], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fds[5], STDERR_FILENO);
	int rc = posix_spawnp(&peer->pid, words[0], &actions, &attributes, words, environ);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (rc != 0)
		peer->pid = 0;
	return -rc;
}

int peer_open(struct peer *peer, const char *shell, const char *host, char *why, size_t size)
{
	int fds[6] = {
		-1, -1, -1, -1, -1, -1}; /* read end and write end of the pipe for its input, then of the pipes for
					        * its output and its error output */
	char *copy = strdup(host);
	struct command command;

	*peer = (struct peer){.in = -1, .out = -1, .errors = -1, .is_local = shell == NULL};
	int rc = copy == NULL ? -ENOMEM : make_command(&command, shell, copy);

	if (rc == 0 && (pipe2(fds, O_CLOEXEC) < 0 || pipe2(fds + 2, O_CLOEXEC) < 0 || pipe2(fds + 4, O_CLOEXEC) < 0))
		rc = -errno;
	if (rc == 0)
		rc = spawn(peer, command.words, fds);
	if (rc == 0) {
		peer->in = fds[1];
		peer->out = fds[2];
		peer->errors = fds[4];
		fds[1] = fds[2] = fds[4] = -1;
		fcntl(peer->in, F_SETFL, O_NONBLOCK);
		fcntl(peer->errors, F_SETFL, O_NONBLOCK);
	} else {
		snprintf(why, size, "cannot run '%.200s': %s", shell != NULL ? shell : tool_word, strerror(-rc));
		peer->is_failed = true;
	}
	close_all(fds);
	if (copy != NULL)
		free(command.copy);
	free(copy);
	return rc;
}

/* --- requests --- */

/* Read from the error output, and keep the end of it. */
static void hear(struct peer *peer)
{
	const size_t room = sizeof(peer->said) - 1;
	char bytes[sizeof(peer->said) - 1];
	ssize_t got = read(peer->errors, bytes, room);

	if (got > 0) {
		size_t size = (size_t)got, kept = peer->said_size < room - size ? peer->said_size : room - size;

		memmove(peer->said, peer->said + peer->said_size - kept, kept);
		memcpy(peer->said + kept, bytes, size);
		peer->said_size = kept + size;
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		close(peer->errors);
		peer->errors = -1;
	}
}

/* Wait until fd is ready, and read the error output meanwhile. @return 0; -ETIMEDOUT */
static int await(struct peer *peer, int fd, short events, int64_t end_ms)
{
	for (;;) {
		struct pollfd wanted[2] = {{.fd = fd, .events = events}, {.fd = peer->errors, .events = POLLIN}};
		int64_t left = end_ms - lookup_now_ms();
		int rc = left <= 0 ? 0 : poll(wanted, 2, (int)left);

		if (rc == 0)
			return -ETIMEDOUT;
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc > 0 && wanted[1].revents != 0)
			hear(peer);
		if (rc > 0 && wanted[0].revents != 0)
			return 0;
	}
}

static int send_all(struct peer *peer, const char *bytes, size_t size, int64_t end_ms)
{
	while (size > 0) {
		ssize_t written = write(peer->in, bytes, size);

		if (written < 0 && errno == EAGAIN) {
			int rc = await(peer, peer->in, POLLOUT, end_ms);

			if (rc < 0)
				return rc;
		} else if (written < 0 && errno != EINTR) {
			return -errno;
		} else if (written > 0) {
			bytes += written;
			size -= (size_t)written;
		}
	}
	return 0;
}

static int grow(struct peer *peer)
{
	size_t room = peer->room == 0 ? 65536 : peer->room * 2;

	if (peer->size > AGENT_LINE_MAX)
		return -EMSGSIZE;
	if (peer->size + 1 < peer->room)
		return 0;
	char *more = realloc(peer->buffer, room);

	if (more == NULL)
		return -ENOMEM;
	peer->buffer = more;
	peer->room = room;
	return 0;
}

/* Read a line into the buffer. *length: out: its length, including the line feed. */
static int read_line(struct peer *peer, int64_t end_ms, size_t *length)
{
	for (;;) {
		const char *feed = peer->size == 0 ? NULL : memchr(peer->buffer, '\n', peer->size);

		if (feed != NULL) {
			*length = (size_t)(feed - peer->buffer) + 1;
			return 0;
		}
		int rc = grow(peer);

		if (rc == 0)
			rc = await(peer, peer->out, POLLIN, end_ms);
		if (rc < 0)
			return rc;
		ssize_t got = read(peer->out, peer->buffer + peer->size, peer->room - 1 - peer->size);

		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EINTR)
			return -errno;
		peer->size += got > 0 ? (size_t)got : 0;
	}
}

/* Get the last line of the error output that is not empty. Control characters are removed. */
static void complaint(const struct peer *peer, char *text, size_t size)
{
	char bytes[sizeof(peer->said)];

	memcpy(bytes, peer->said, peer->said_size);
	bytes[peer->said_size] = '\0';
	for (char *at = bytes; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' && *at != '\n')
			*at = ' ';
	size_t length = strlen(bytes);

	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == ' '))
		bytes[--length] = '\0';
	char *feed = strrchr(bytes, '\n');

	snprintf(text, size, "%.*s", (int)(size - 1), feed != NULL ? feed + 1 : bytes);
}

static void explain(struct peer *peer, int rc, char *why, size_t size)
{
	char said[300];

	/* Wait for the last output of the remote shell, and read what is there. */
	for (int64_t end_ms = lookup_now_ms() + (rc == -EPIPE && peer->pid > 0 ? LAST_MS : 1); peer->errors >= 0;) {
		struct pollfd wanted = {.fd = peer->errors, .events = POLLIN};
		int64_t left = end_ms - lookup_now_ms();

		if (left <= 0 || poll(&wanted, 1, (int)left) <= 0)
			break;
		hear(peer);
	}
	complaint(peer, said, sizeof(said));
	const char *what = rc == -EPIPE       ? "the session has ended"
			   : rc == -ETIMEDOUT ? "no answer in time"
			   : rc == -EPROTO    ? "it sends no answer of coterie-ctl"
			   : rc == -EMSGSIZE  ? "its answer is too long"
					      : strerror(-rc);

	if (said[0] != '\0')
		snprintf(why, size, "%s (%s)", said, what);
	else
		snprintf(why, size, "%s", what);
}

/* Send the text of a request, and behind its members the key. */
static int send_request(struct peer *peer, const char *text, int64_t end_ms)
{
	static const char name[] = ",\"key\":\"", end[] = "\"}\n";
	const char *key = peer->key_out;
	size_t size = strlen(text);
	int rc = send_all(peer, text, key != NULL ? size - 1 : size, end_ms);

	if (key == NULL)
		return rc < 0 ? rc : send_all(peer, "\n", 1, end_ms);
	if (rc == 0)
		rc = send_all(peer, name, sizeof(name) - 1, end_ms);
	if (rc == 0)
		rc = send_all(peer, key, strlen(key), end_ms);
	return rc < 0 ? rc : send_all(peer, end, sizeof(end) - 1, end_ms);
}

int peer_ask(struct peer *peer, struct json_object *request, int limit_ms, struct json_object **answer, char *why,
	size_t size)
{
	const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	int64_t end_ms = lookup_now_ms() + limit_ms;
	size_t length = 0;

	*answer = NULL;
	secret_free(peer->key_in);
	peer->key_in = NULL;
	int rc = peer->is_failed ? -EPIPE : send_request(peer, text, end_ms);

	if (rc == 0)
		rc = read_line(peer, end_ms, &length);
	if (rc == 0) {
		peer->buffer[length - 1] = '\0';
		peer->key_in = secret_take(peer->buffer);
		*answer = json_tokener_parse(peer->buffer);
		memmove(peer->buffer, peer->buffer + length, peer->size - length);
		peer->size -= length;
		explicit_bzero(peer->buffer + peer->size, length);
		if (!json_object_is_type(*answer, json_type_object)) {
			json_object_put(*answer);
			*answer = NULL;
			rc = -EPROTO;
		}
	}
	peer->key_out = NULL;
	if (rc < 0) {
		explain(peer, rc, why, size);
		peer->is_failed = true;
	}
	return rc;
}

/* --- end --- */

/*
 * Wait for the end of the child process, and send SIGTERM to a remote shell that does not end. The helper of this host
 * gets no signal, since it may be undoing a change.
 */
static void reap(const struct peer *peer, bool is_late)
{
	int64_t end_ms = lookup_now_ms() + END_MS;

	if (is_late && !peer->is_local)
		kill(peer->pid, SIGTERM);
	while (lookup_now_ms() < end_ms) {
		pid_t ended = waitpid(peer->pid, NULL, WNOHANG);

		if (ended > 0 || (ended < 0 && errno != EINTR))
			return;
		poll(NULL, 0, LOOK_MS);
	}
}

void peer_close(struct peer *peer)
{
	int64_t end_ms = lookup_now_ms() + (peer->is_local ? LOCAL_END_MS : END_MS);
	char rest[4096];

	if (peer->in >= 0)
		close(peer->in);
	/* When the output ends, the session has ended. */
	while (peer->out >= 0 && await(peer, peer->out, POLLIN, end_ms) == 0) {
		ssize_t got = read(peer->out, rest, sizeof(rest));

		if (got == 0 || (got < 0 && errno != EINTR))
			break;
	}
	if (peer->out >= 0)
		close(peer->out);
	if (peer->pid > 0)
		reap(peer, lookup_now_ms() >= end_ms);
	if (peer->errors >= 0)
		close(peer->errors);
	if (peer->buffer != NULL)
		explicit_bzero(peer->buffer, peer->room);
	free(peer->buffer);
	secret_free(peer->key_in);
	*peer = (struct peer){.in = -1, .out = -1, .errors = -1, .is_failed = true};
}

/* --- this host --- */

bool peer_is_local(const struct words_node *node)
{
	struct ifaddrs *interfaces = NULL;
	bool is_local = false;

	if (getifaddrs(&interfaces) < 0)
		return false;
	for (const struct ifaddrs *at = interfaces; at != NULL && !is_local; at = at->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";

		if (at->ifa_addr == NULL)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, text,
				sizeof(text));
		else if (at->ifa_addr->sa_family == AF_INET6)
			inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr, text,
				sizeof(text));
		for (size_t i = 0; i < node->address_count && text[0] != '\0'; i++)
			is_local = is_local || (strcmp(node->addresses[i], text) == 0 && !words_is_loopback(text));
	}
	freeifaddrs(interfaces);
	return is_local;
}
