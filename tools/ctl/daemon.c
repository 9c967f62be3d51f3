/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

char *daemon_config_file(struct ctl *ctl) { return fact_text(ctl, CTL_STATS, "stats.coterie.config_file"); }

/* --- checksum --- */

/* Compute the checksum of the file fd by running sha256sum(1), so that no further library is needed. */
static void checksum(int fd, char sum[65])
{
	char program[] = "sha256sum", *arguments[] = {program, NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2], status;
	pid_t pid;

	sum[0] = '\0';
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	int rc = posix_spawnp(&pid, program, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (rc == 0) {
		ssize_t size = read(pipes[0], sum, 64);

		sum[size == 64 ? 64 : 0] = '\0';
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(pipes[0]);
}

void daemon_file_sha256(const char *file, char sum[65])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	sum[0] = '\0';
	if (fd < 0)
		return;
	checksum(fd, sum);
	close(fd);
}

void daemon_text_sha256(const char *text, char sum[65])
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	sum[0] = '\0';
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text) && lseek(fd, 0, SEEK_SET) == 0)
		checksum(fd, sum);
	close(fd);
}

/* --- running the daemon's program --- */

void daemon_program(char path[4096])
{
	static const char *const near[] = {"../exec/coterie", "../sbin/coterie", "../../exec/coterie"};
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(self, '/');
	for (size_t i = 0; slash != NULL && i < sizeof(near) / sizeof(near[0]); i++) {
		*slash = '\0';
		if (snprintf(path, 4096, "%s/%s", self, near[i]) < 4096 && access(path, X_OK) == 0)
			return;
	}
	snprintf(path, 4096, "%s", SBIN_DIR "/coterie");
}

/*
 * Return the name of this node in the running daemon, which may have been given on its command line. @return the caller
 * frees it; NULL: no daemon runs
 */
static char *local_name(struct ctl *ctl)
{
	char buffer[12], *name = NULL;

	if (ctl->node_name != NULL)
		return strdup(ctl->node_name);
	struct json_object *nodes = fact_nodes(ctl);

	if (json_object_array_length(nodes) > 0)
		name = strdup(answers_node_name(nodes, fact_local(ctl), buffer));
	json_object_put(nodes);
	return name;
}

/*
 * Run the daemon's program, and get its output as text. with_errors: also get its standard error. @return the exit
 * status; -errno
 */
static int run_daemon(struct ctl *ctl, const char *mode, const char *file, bool with_errors, char **text)
{
	char path[4096], config[] = "-c", node[] = "--node", program[] = "coterie";
	char *arguments[7] = {program, strdup(mode)}, *name = local_name(ctl),
	     *named = file != NULL ? strdup(file) : NULL;
	uint32_t count = 2;
	posix_spawn_file_actions_t actions;
	size_t size = 0, room = 65536;
	int pipes[2], status;
	ssize_t got;
	pid_t pid;

	daemon_program(path);
	*text = malloc(room);
	if (*text == NULL || pipe2(pipes, O_CLOEXEC) < 0) {
		int error = errno;

		free(arguments[1]);
		free(named);
		free(name);
		return -error;
	}
	if (named != NULL) {
		arguments[count++] = config;
		arguments[count++] = named;
	}
	if (name != NULL) {
		arguments[count++] = node;
		arguments[count++] = name;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	if (with_errors)
		posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawn(&pid, path, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	free(arguments[1]);
	free(named);
	free(name);
	if (rc != 0) {
		close(pipes[0]);
		return -rc;
	}
	while ((got = read(pipes[0], *text + size, room - 1 - size)) > 0) {
		size += (size_t)got;
		char *more = room - 1 - size == 0 ? realloc(*text, room * 2) : *text;

		if (more == NULL)
			break;
		room = room - 1 - size == 0 ? room * 2 : room;
		*text = more;
	}
	(*text)[size] = '\0';
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Add a finding from a line `FILE:LINE: text`, or from a line without a place. */
static void add_finding(struct json_object *findings, const char *line, const char *level)
{
	struct json_object *finding = json_object_new_object();
	const char *at = strchr(line, ':');
	long number = 0;

	while (at != NULL) {
		char *end;

		number = strtol(at + 1, &end, 10);
		if (end != at + 1 && *end == ':' && number > 0)
			break;
		number = 0;
		at = strchr(at + 1, ':');
	}
	put_number(finding, "line", number);
	put_text(finding, "level", level);
	put_text(finding, "text", at != NULL ? strchr(at + 1, ':') + 1 + strspn(strchr(at + 1, ':') + 1, " ") : line);
	json_object_array_add(findings, finding);
}

int daemon_check(struct ctl *ctl, const char *file, struct json_object *findings)
{
	char *text = NULL, *rest = NULL;
	int status = run_daemon(ctl, "-t", file, true, &text);

	if (status < 0) {
		free(text);
		return ctl_fail(ctl, CTL_FAILED, "install the daemon on this host", "cannot run the daemon's check: %s",
			strerror(-status));
	}
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		if (status != 0 || strstr(line, ": ok (") == NULL)
			add_finding(findings, line, status != 0 ? "error" : "warning");
	free(text);
	return status == 0 ? 0 : CTL_INVALID;
}

/* --- keys --- */

static char *copy_text(struct json_object *object, const char *name)
{
	struct json_object *value = get(object, name);

	return value != NULL ? strdup(json_object_get_string(value)) : NULL;
}

static int add_key(struct daemon_keys *keys, struct json_object *row)
{
	struct daemon_key *more = realloc(keys->list, (keys->count + 1) * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	keys->list = more;
	struct daemon_key *key = &more[keys->count++];
	*key = (struct daemon_key){.key = copy_text(row, "key"),
		.type = copy_text(row, "type"),
		.value = copy_text(row, "value"),
		.file = copy_text(row, "file"),
		.line = (uint32_t)get_number(row, "line")};
	return key->key == NULL || key->type == NULL || key->value == NULL ? -ENOMEM : 0;
}

int daemon_read_keys(struct ctl *ctl, const char *file, struct daemon_keys *keys)
{
	char *text = NULL;
	int status = run_daemon(ctl, "--print-config=json", file, false, &text);
	struct json_object *rows = status == 0 ? json_tokener_parse(text) : NULL;
	int rc = 0;

	*keys = (struct daemon_keys){0};
	free(text);
	if (!json_object_is_type(rows, json_type_array)) {
		json_object_put(rows);
		return ctl_fail(ctl, status <= 0 ? CTL_FAILED : CTL_INVALID,
			"coterie-ctl config check says what is wrong", "the file %s cannot be used",
			file != NULL ? file : "of this node");
	}
	for (size_t i = 0; i < json_object_array_length(rows) && rc == 0; i++)
		rc = add_key(keys, json_object_array_get_idx(rows, i));
	json_object_put(rows);
	return rc == 0 ? 0 : ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
}

void daemon_keys_fini(struct daemon_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free(keys->list[i].key);
		free(keys->list[i].type);
		free(keys->list[i].value);
		free(keys->list[i].file);
	}
	free(keys->list);
}
