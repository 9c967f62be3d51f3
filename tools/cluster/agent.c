/*
 * The requests that the helper of a node serves.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cluster/plan.h"

bool agent_fail(struct json_object *answer, const char *remedy, const char *format, ...)
{
	char text[PLAN_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_text(answer, "text", text);
	put_text(answer, "remedy", remedy);
	return false;
}

static bool fail_files(struct agent *agent, struct json_object *answer)
{
	return agent_fail(answer, "see that its folder can be written and has room", "%s", agent->files.why);
}

/* --- requests: each returns whether it was successful --- */

static bool do_facts(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	const char *instance = get_text(request, "instance");

	if (instance[0] != '\0') {
		if (!words_is_name(instance) || setenv("COTERIE_INSTANCE", instance, 1) < 0)
			return agent_fail(answer, "", "no name of an instance");
		agent->ctl->instance = getenv("COTERIE_INSTANCE");
	}
	agent_facts(agent, get_bool(request, "lock"), answer);
	return true;
}

static bool do_secret(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	char path[4096], *bytes = NULL;

	(void)request;
	uid_t owner = agent_key_file(agent, path);
	ssize_t size = path[0] == '\0' ? -ENOENT : files_read(path, AGENT_KEY_MAX, owner, &bytes);

	if (size <= 0)
		return agent_fail(answer, "use coterie-ctl key create and copy the key to all nodes",
			"cannot read the key '%s': %s", path, size < 0 ? strerror((int)-size) : "it is empty");
	agent->key_out = hex_encode(bytes, (size_t)size);
	explicit_bzero(bytes, (size_t)size);
	free(bytes);
	return agent->key_out != NULL || agent_fail(answer, "", "out of memory");
}

/* Return whether the text is an absolute path without special characters. */
static bool is_path(const char *text)
{
	if (text[0] != '/' || strlen(text) >= 4000 || strstr(text, "/../") != NULL)
		return false;
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return text[strlen(text) - 1] != '/';
}

static bool do_key(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	const char *named = get_text(request, "file"), *of_state = get_text(request, "state");
	char path[4096], state[4096], *bytes = NULL;
	ssize_t size = agent->key_in == NULL ? -EINVAL : hex_decode(agent->key_in, &bytes);
	int rc = 0;

	if (size < 1 || size > (ssize_t)AGENT_KEY_MAX || (named[0] != '\0' && !is_path(named))) {
		if (size > 0)
			explicit_bzero(bytes, (size_t)size);
		free(bytes);
		return agent_fail(answer, "", "no key, or no path for it");
	}
	snprintf(agent->state_dir, sizeof(agent->state_dir), "%s", is_path(of_state) ? of_state : "");
	if (named[0] != '\0')
		snprintf(path, sizeof(path), "%s", named);
	else
		agent_key_place(agent, 1, path);
	/* The daemon would use a key in its state folder before this one, so that key is removed. */
	if (named[0] == '\0' && agent_key_place(agent, 0, state) != NULL)
		rc = files_remove(&agent->files, state);
	if (rc == 0)
		rc = files_write(&agent->files, path, bytes, (size_t)size, true);
	if (rc == 0)
		rc = files_place(&agent->files, path);
	explicit_bzero(bytes, (size_t)size);
	free(bytes);
	put_text(answer, "file", path);
	return rc == 0 || fail_files(agent, answer);
}

static bool do_write(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	struct conf conf;
	char why[PLAN_TEXT_MAX], *text = NULL;
	ssize_t size = hex_decode(get_text(request, "text"), &text);

	if (size < 1 || size > (ssize_t)CONF_SIZE_MAX || agent->config[0] == '\0') {
		free(text);
		return agent_fail(answer, "", "no text of a config, or no facts before it");
	}
	agent->version = conf_read(text, &conf, why, sizeof(why)) == 0 ? conf.version : 0;
	conf_fini(&conf);
	int rc = files_write(&agent->files, agent->config, text, (size_t)size, false);

	free(text);
	return rc == 0 || fail_files(agent, answer);
}

static bool do_test(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	(void)request;
	return agent_test(agent, answer);
}

static bool do_place(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	(void)request;
	return files_place(&agent->files, agent->config) == 0 || fail_files(agent, answer);
}

static bool do_reload(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	return agent_reload(agent, get_bool(request, "check"), get_bool(request, "force"), answer);
}

static bool do_await(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	(void)request, (void)answer;
	agent->is_awaiting = true;
	return true;
}

static bool do_stop(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	agent->has_stopped = agent_stop(agent, get_bool(request, "force"), answer);
	return agent->has_stopped;
}

static bool do_retire(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	const bool is_named = agent->key_named[0] != '\0';
	char path[4096], common[4096];
	int rc = files_remove(&agent->files, agent->config);

	(void)request;
	agent_key_place(agent, 1, common);
	for (size_t rank = 0; rc == 0 && rank < (is_named ? 1 : 2); rank++) {
		if (is_named)
			snprintf(path, sizeof(path), "%s", agent->key_named);
		else
			agent_key_place(agent, rank, path);
		/* The common key stays, since other instances on this host may use it. */
		if (agent->ctl->instance == NULL || strcmp(path, common) != 0)
			rc = files_remove(&agent->files, path);
	}
	return rc == 0 ? agent_enable(agent, false, answer) : fail_files(agent, answer);
}

static bool do_start(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	(void)request;
	return agent_start(agent, answer) && agent_enable(agent, true, answer);
}

/* The change is final, or undone. */
static void forget(struct agent *agent)
{
	agent->has_started = agent->has_stopped = agent->is_awaiting = agent->has_enabled = agent->has_disabled = false;
}

static bool do_undo(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	bool is_stopped = true;

	(void)request;
	if (agent->has_started)
		is_stopped = agent_stop(agent, true, answer);
	agent->has_started = false;
	bool is_back = (files_undo(&agent->files) == 0 || fail_files(agent, answer)) && is_stopped;

	if (is_back && agent->has_stopped) {
		is_back = agent_start(agent, answer);
		agent->has_started = false;
	}
	if (agent->has_enabled || agent->has_disabled)
		is_back = agent_enable(agent, agent->has_disabled, answer) && is_back;
	forget(agent);
	return is_back;
}

static bool do_keep(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	(void)request, (void)answer;
	files_keep(&agent->files);
	forget(agent);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct agent *agent, struct json_object *request, struct json_object *answer);
} requests[] = {
	{"facts", do_facts},
	{"secret", do_secret},
	{"key", do_key},
	{"write", do_write},
	{"test", do_test},
	{"place", do_place},
	{"reload", do_reload},
	{"await", do_await},
	{"stop", do_stop},
	{"retire", do_retire},
	{"start", do_start},
	{"undo", do_undo},
	{"keep", do_keep},
};

/* --- lines --- */

static bool serve(struct agent *agent, struct json_object *request, struct json_object *answer)
{
	const char *name = get_text(request, "do");

	memset(&agent->ctl->error, 0, sizeof(agent->ctl->error));
	if (agent->is_open && strcmp(name, "facts") != 0)
		return agent_fail(answer, OPEN_REMEDY, "other users can change the folder of '%s'", agent->config);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (strcmp(requests[i].name, name) == 0)
			return requests[i].run(agent, request, answer);
	return agent_fail(answer, "install the same version on all nodes", "no such request");
}

/*
 * Read a request line from standard input. Other lines may stand behind it.
 *
 * @param line  AGENT_LINE_MAX bytes
 * @param used  bytes in it, before and after the call
 * @return bytes of the first line, which ends in NUL; 0: the input has ended, or the line is too long
 */
static size_t read_request(char *line, size_t *used)
{
	for (size_t searched = 0;;) {
		char *feed = memchr(line + searched, '\n', *used - searched);

		if (feed != NULL) {
			*feed = '\0';
			return (size_t)(feed - line) + 1;
		}
		searched = *used;
		ssize_t got = *used == AGENT_LINE_MAX ? 0 : read(STDIN_FILENO, line + *used, AGENT_LINE_MAX - *used);

		if (got == 0 || (got < 0 && errno != EINTR))
			return 0;
		*used += got > 0 ? (size_t)got : 0;
	}
}

/* Overwrite a line that was served, and move those behind it to the front. */
static void drop_request(char *line, size_t *used, size_t size)
{
	explicit_bzero(line, size);
	*used -= size;
	memmove(line, line + size, *used);
	explicit_bzero(line + *used, size);
}

/* Write without stdio, whose buffer would keep the key. @return false: the caller has disconnected */
static bool write_all(const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, size);

		if (written < 0 && errno != EINTR)
			return false;
		bytes += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

static void forget_keys(struct agent *agent)
{
	secret_free(agent->key_in);
	secret_free(agent->key_out);
	agent->key_in = agent->key_out = NULL;
}

/*
 * Write an answer, and behind its members the key. The JSON text has no control characters, so it need not pass the output
 * filter (terminal_guard). When the caller has the whole line, no key is left in memory here.
 */
static bool write_answer(struct agent *agent, const char *text)
{
	static const char name[] = ",\"key\":\"", end[] = "\"}\n";
	size_t size = strlen(text);

	if (agent->key_out == NULL) {
		forget_keys(agent);
		return write_all(text, size) && write_all("\n", 1);
	}
	bool is_written = write_all(text, size - 1) && write_all(name, sizeof(name) - 1) &&
			  write_all(agent->key_out, strlen(agent->key_out));

	forget_keys(agent);
	return is_written && write_all(end, sizeof(end) - 1);
}

/* Serve one request line and write the answer. @return false: the caller has disconnected */
static bool answer_line(struct agent *agent, char *line)
{
	agent->key_in = secret_take(line);
	struct json_object *request = json_tokener_parse(line), *answer = json_object_new_object();
	bool is_good = json_object_is_type(request, json_type_object) ? serve(agent, request, answer)
								      : agent_fail(answer, "", "no request");

	put_bool(answer, "ok", is_good);
	bool is_written = write_answer(agent, json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));

	json_object_put(answer);
	json_object_put(request);
	return is_written;
}

int agent_main(struct ctl *ctl)
{
	struct agent agent = {.ctl = ctl, .lock = -1};
	char *line = malloc(AGENT_LINE_MAX);
	size_t used = 0, size;

	if (line == NULL)
		return CTL_FAILED;
	secret_process();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);  /* the signal is sent when a session ends, which the helper notices at the end of
				   * its input */
	signal(SIGALRM, SIG_IGN); /* the alarm is set by commands of coterie-ctl, but here the caller has its own
				   * limit */
	/*
	 * Ctrl-C at the caller must not end the helper: it runs until the end of its input, and then may have to undo
	 * its change.
	 */
	setpgid(0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while ((size = read_request(line, &used)) > 0 && answer_line(&agent, line))
		drop_request(line, &used, size);
	explicit_bzero(line, AGENT_LINE_MAX);
	free(line);
	if (agent.files.count > 0 || agent.has_started || agent.has_stopped) {
		struct json_object *answer = json_object_new_object();

		/*
		 * If the helper itself has started the daemon, the config of that daemon does not show whether the
		 * other nodes use the change.
		 */
		if (!agent.has_started && agent_is_applied(&agent))
			files_keep(&agent.files);
		else
			do_undo(&agent, NULL, answer);
		json_object_put(answer);
	}
	ctl_close(ctl);
	return CTL_GOOD;
}
