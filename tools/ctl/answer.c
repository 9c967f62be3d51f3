/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions for all answers: the outer JSON object, the time limit, and --watch. */
#include "tools/ctl/ctl.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/reach.h"
#include "tools/common/terminal.h"

#define WATCH_LOOK_S 0.5 /* interval at which --watch without SECONDS checks for changes */

/* --- the outer object --- */

/* Make the outer object, which takes ownership of data. data NULL: the object has the error. */
static struct json_object *envelope(
	const struct ctl_command *command, uint32_t node, struct json_object *data, const struct ctl_error *error)
{
	return answers_envelope(
		command->name, node, data, data == NULL ? answers_error(error->code, error->text, error->hint) : NULL);
}

static void put_warnings(struct ctl *ctl, struct json_object *document)
{
	if (ctl->warnings != NULL)
		json_object_object_add(document, "warnings", ctl->warnings);
	ctl->warnings = NULL;
}

static void print_warnings(struct ctl *ctl)
{
	for (size_t i = 0; ctl->warnings != NULL && i < json_object_array_length(ctl->warnings); i++)
		fprintf(stderr, "coterie-ctl: %s\n",
			json_object_get_string(json_object_array_get_idx(ctl->warnings, i)));
	json_object_put(ctl->warnings);
	ctl->warnings = NULL;
}

static void print_json(const struct ctl *ctl, struct json_object *document)
{
	bool is_line = ctl->format == CTL_JSONL || ctl->is_watching || ctl->follow != NULL;
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
		    (is_line ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);

	fprintf(ctl->out, "%s\n", json_object_to_json_string_ext(document, flags));
	json_object_put(document);
}

static void print_text(struct ctl *ctl, const struct ctl_command *command, struct json_object *data)
{
	const struct ctl_error *error = &ctl->error;

	if (error->code != 0)
		fprintf(stderr, "coterie-ctl: %s%s%s\n", error->text, error->hint[0] != '\0' ? "; " : "", error->hint);
	else if (!ctl->is_quiet && command->print != NULL)
		command->print(ctl, data);
	else if (!ctl->is_quiet)
		fprintf(ctl->out, "%s\n", get_text(data, "text"));
	json_object_put(data);
}

static uint32_t node_of_answer(struct ctl *ctl)
{
	if (ctl->asked != 0)
		return ctl->asked;
	return ctl->error.code == CTL_NOT_RUNNING || ctl->error.code == CTL_USAGE ? 0 : fact_local(ctl);
}

void answer_print(struct ctl *ctl, const struct ctl_command *command, struct json_object *data)
{
	bool is_error = ctl->error.code != 0;

	if (ctl->format == CTL_TEXT) {
		print_text(ctl, command, data);
		print_warnings(ctl);
	} else {
		struct json_object *document = envelope(
			command, node_of_answer(ctl), is_error ? NULL : data, &ctl->error);

		if (is_error)
			json_object_put(data);
		put_warnings(ctl, document);
		print_json(ctl, document);
	}
	fflush(ctl->out);
}

/* --- time limit --- */

/* The message for the end of the time limit. It is formatted before, since printf is not safe in a signal handler. */
static char limit_text[1024];
static int limit_fd;

/* Library calls wait as long as the daemon runs, so the limit ends the process. */
static void on_alarm(int signal_number)
{
	(void)signal_number;
	ssize_t written = write(limit_fd, limit_text, strlen(limit_text));
	(void)written;
	_exit(CTL_TIMED_OUT);
}

void answer_limit(const struct ctl *ctl, const struct ctl_command *command)
{
	struct ctl_error error = {.code = CTL_TIMED_OUT};
	struct reach reach;

	reach_explain(&reach, "", ctl->instance, CS_ERR_TIMEOUT);
	snprintf(error.text, sizeof(error.text), "%s", reach.text);
	snprintf(error.hint, sizeof(error.hint), "%s", reach.hint);

	if (ctl->format == CTL_TEXT) {
		limit_fd = STDERR_FILENO;
		snprintf(limit_text, sizeof(limit_text), "coterie-ctl: %s; %s\n", error.text, error.hint);
	} else {
		struct json_object *document = envelope(command, ctl->asked, NULL, &error);

		limit_fd = STDOUT_FILENO;
		snprintf(limit_text, sizeof(limit_text), "%s\n",
			json_object_to_json_string_ext(
				document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(document);
	}
	signal(SIGALRM, on_alarm);
	alarm(ctl->timeout_s);
}

/* --- one answer --- */

int answer_gather(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv, struct json_object *data)
{
	char **words = calloc((size_t)argc + 1, sizeof(*words));

	if (words == NULL)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	int code = command->gather(ctl, argc, words, data);
	free(words);
	int broken = (command->flags & CTL_REPEATABLE) != 0 ? ctl_check(ctl, command->name) : 0;
	return broken != 0 ? broken : code;
}

int answer_once(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	struct json_object *data = json_object_new_object();

	memset(&ctl->error, 0, sizeof(ctl->error));
	answer_limit(ctl, command);
	int code = answer_gather(ctl, command, argc, argv, data);
	answer_print(ctl, command, data);
	alarm(0);
	return code;
}

/* --- watching --- */

/* Make the answer again, in memory. The screen is drawn only if the answer differs from the last one. */
static int answer_to_text(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv, char **text)
{
	size_t size;

	ctl->out = open_memstream(text, &size);
	if (ctl->out == NULL) {
		ctl->out = stdout;
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	}
	int code = ctl->nodes != NULL && (command->flags & CTL_ASKS_NODES) == 0 ? nodes_answer(ctl, command, argc, argv)
										: answer_once(ctl, command, argc, argv);
	fclose(ctl->out);
	ctl->out = stdout;
	return code;
}

/* Compare two answers without the time at which each was made. */
static bool is_alike(const char *a, const char *b)
{
	static const char time_key[] = "\"time\":\"";

	for (;;) {
		const char *a_time = strstr(a, time_key), *b_time = strstr(b, time_key);

		if (a_time == NULL || b_time == NULL)
			return strcmp(a, b) == 0;
		if (a_time - a != b_time - b || strncmp(a, b, (size_t)(a_time - a)) != 0)
			return false;
		a = a_time + strlen(time_key) + strcspn(a_time + strlen(time_key), "\"");
		b = b_time + strlen(time_key) + strcspn(b_time + strlen(time_key), "\"");
	}
}

int answer_watch(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	char *last = NULL;
	double pause_s = ctl->watch_s > 0 ? ctl->watch_s : WATCH_LOOK_S;

	for (;;) {
		char *text = NULL;
		int code = answer_to_text(ctl, command, argc, argv, &text);
		bool is_new = last == NULL || text == NULL || !is_alike(last, text);

		if (text != NULL && (is_new || ctl->watch_s > 0)) {
			if (ctl->format == CTL_TEXT && isatty(STDOUT_FILENO))
				terminal_clear();
			fputs(text, stdout);
			fflush(stdout);
		}
		free(last);
		last = text;
		if (code == CTL_NOT_RUNNING || code == CTL_DENIED || code == CTL_USAGE || ferror(stdout)) {
			free(last);
			return code;
		}
		poll(NULL, 0, (int)lround(pause_s * 1000));
	}
}
