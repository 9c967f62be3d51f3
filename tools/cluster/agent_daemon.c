/*
 * For the helper: check and reload the config, stop and start the daemon.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cluster/agent.h"
#include "tools/ctl/daemon.h"

#define STATE_FOLDER LOCALSTATE_DIR "/lib/coterie"
#define LOOK_MS 100
#define LIMIT_MS 60000 /* milliseconds for the start or the end of a daemon */

extern char **environ;

/*
 * Fill the answer with the reason of a failed command. The reason is in ctl->error, or is that of the first node that
 * has rejected the change.
 */
static bool fail_as_command(struct agent *agent, struct json_object *data, const char *what, struct json_object *answer)
{
	struct ctl_error *error = &agent->ctl->error;
	struct json_object *nodes = get(data, "nodes");

	for (size_t i = 0;
		error->code == 0 && json_object_is_type(nodes, json_type_array) && i < json_object_array_length(nodes);
		i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		const char *result = get_text(node, "result");

		if (strcmp(result, "unchanged") != 0 && strcmp(result, "applied") != 0 &&
			get_text(node, "text")[0] != '\0')
			return agent_fail(answer, "", "%s: node %" PRIi64 ": %s", what, get_number(node, "id"),
				get_text(node, "text"));
	}
	return agent_fail(answer, error->hint, "%s: %s", what, error->code != 0 ? error->text : "refused");
}

bool agent_test(struct agent *agent, struct json_object *answer)
{
	struct json_object *findings = json_object_new_array();
	char path[4096 + 8];
	bool is_good;

	snprintf(path, sizeof(path), "%s.new", agent->config);
	int code = daemon_check(agent->ctl, path, findings);

	if (code == CTL_INVALID && json_object_array_length(findings) > 0) {
		struct json_object *first = json_object_array_get_idx(findings, 0);

		is_good = agent_fail(answer, "", "line %" PRIi64 " of the new file: %s", get_number(first, "line"),
			get_text(first, "text"));
	} else {
		is_good = code == 0 || fail_as_command(agent, NULL, "coterie -t", answer);
	}
	json_object_put(findings);
	return is_good;
}

bool agent_reload(struct agent *agent, bool is_check, bool is_forced, struct json_object *answer)
{
	char check[] = "--check-only", force[] = "--force", *words[2];
	struct json_object *data = json_object_new_object();
	int count = 0;

	if (is_check)
		words[count++] = check;
	if (is_forced)
		words[count++] = force;
	int code = reload_gather(agent->ctl, count, words, data);
	bool is_good = code == 0 ||
		       fail_as_command(agent, data, is_check ? "the ring's check of the files" : "reload", answer);

	alarm(0);
	json_object_put(data);
	return is_good;
}

/* --- stop and start --- */

static bool is_there(struct agent *agent)
{
	ctl_close(agent->ctl);
	bool is_open = ctl_open(agent->ctl, CTL_CONFIG) == 0;

	memset(&agent->ctl->error, 0, sizeof(agent->ctl->error));
	return is_open;
}

static bool await(struct agent *agent, bool is_wanted)
{
	for (int waited_ms = 0; waited_ms < LIMIT_MS; waited_ms += LOOK_MS) {
		if (is_there(agent) == is_wanted)
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

bool agent_stop(struct agent *agent, bool is_forced, struct json_object *answer)
{
	char force[] = "--force", *words[1] = {force};
	struct json_object *data = json_object_new_object();

	agent->ctl->is_confirmed = true;
	int code = shutdown_gather(agent->ctl, is_forced ? 1 : 0, words, data);
	bool is_good = code == 0 || fail_as_command(agent, NULL, "the daemon does not stop", answer);

	json_object_put(data);
	if (is_good && !await(agent, false))
		is_good = agent_fail(
			answer, "look into its log", "the daemon does not stop within %d s", LIMIT_MS / 1000);
	return is_good;
}

/*
 * Run a program. Its output is written to a file in memory: a pipe would stay open in a daemon. @return exit status;
 * negative errno
 */
static int run(const char *path, char *const *arguments, char *said, size_t size)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGALRM, SIGINT, SIGTERM, SIGQUIT};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int fd = memfd_create("output", MFD_CLOEXEC), status = 0;
	pid_t pid;

	said[0] = '\0';
	if (fd < 0)
		return -errno;
	/* The helper ignores these signals (agent_main). A program that it runs must not inherit that. */
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaddset(&signals, ignored[i]);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
	int rc = posix_spawnp(&pid, path, &actions, &attributes, arguments, environ);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ssize_t got = rc == 0 ? pread(fd, said, size - 1, 0) : 0;

	said[got > 0 ? got : 0] = '\0';
	close(fd);
	return rc != 0 ? -rc : WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Return the last line of the output, which has the reason. */
static const char *last_line(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	char *feed = strrchr(text, '\n');

	return feed != NULL ? feed + 1 : text;
}

/*
 * Return whether the daemon runs as a user of its own: packages give the state folder to this user. The daemon must be
 * started as the same user, since as root it does not trust a folder of another user.
 */
static bool has_user(void)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(DAEMON_USER) : NULL;
	struct stat folder;

	return user != NULL && stat(STATE_FOLDER, &folder) == 0 && folder.st_uid == user->pw_uid;
}

/* Return whether systemd runs the daemon. */
static bool has_unit(const struct agent *agent)
{
	return access("/run/systemd/system", F_OK) == 0 && agent->ctl->instance == NULL;
}

/* Run systemctl for the daemon's unit. @return its exit status; negative errno */
static int ask_systemd(const char *word, char *said, size_t size)
{
	char systemctl[] = "systemctl", unit[] = "coterie", copy[16], *arguments[] = {systemctl, copy, unit, NULL};

	snprintf(copy, sizeof(copy), "%s", word);
	return run(systemctl, arguments, said, size);
}

bool agent_enable(struct agent *agent, bool is_wanted, struct json_object *answer)
{
	const char *word = is_wanted ? "enable" : "disable";
	char said[4096];

	if (!has_unit(agent) || (ask_systemd("is-enabled", said, sizeof(said)) == 0) == is_wanted)
		return true;
	int status = ask_systemd(word, said, sizeof(said));

	if (status != 0)
		return agent_fail(answer, "", "systemctl %s coterie fails (status %d): %.300s", word, status,
			status < 0 ? strerror(-status) : last_line(said));
	agent->has_enabled = is_wanted;
	agent->has_disabled = !is_wanted;
	return true;
}

bool agent_start(struct agent *agent, struct json_object *answer)
{
	char program[4096], option[] = "-c", as[] = "--user", user[] = DAEMON_USER, *of_program[6] = {program};
	int count = 1;
	bool is_unit = has_unit(agent);
	char said[4096], usual[4096];

	if (agent->ctl->instance == NULL && has_user()) {
		of_program[count++] = as;
		of_program[count++] = user;
	}
	/* conf.d is read only if the daemon uses its default config, so the option -c is left out then. */
	agent_default_config(agent->ctl, usual);
	if (strcmp(agent->config, usual) != 0) {
		of_program[count++] = option;
		of_program[count++] = agent->config;
	}

	daemon_program(program);
	int status = is_unit ? ask_systemd("start", said, sizeof(said)) : run(program, of_program, said, sizeof(said));

	if (status != 0)
		return agent_fail(answer, is_unit ? "journalctl -u coterie -n 50" : "look into its log",
			"the daemon does not start (status %d): %.300s", status,
			status < 0 ? strerror(-status) : last_line(said));
	agent->has_started = true;
	if (await(agent, true))
		return true;
	return agent_fail(answer, "look into its log", "the daemon does not answer within %d s", LIMIT_MS / 1000);
}

static bool has_version(struct agent *agent)
{
	return is_there(agent) &&
	       fact_number(agent->ctl, CTL_CONFIG, "totem.config_version", 0) == (int64_t)agent->version;
}

bool agent_is_applied(struct agent *agent)
{
	if (agent->version == 0)
		return false;
	for (unsigned int waited_ms = 0; agent->is_awaiting && waited_ms < AGENT_AWAIT_MS; waited_ms += LOOK_MS) {
		if (has_version(agent))
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return has_version(agent);
}
