/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read the logging section (book configuration, "Logging") into struct config_log. Errors have exit
 * code 7.
 */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "config/compat.h"
#include "config/words.h"

struct word {
	const char *name;
	int value;
};

static const struct word switches[] = {{"yes", 1}, {"on", 1}, {"no", 0}, {"off", 0}, {NULL, 0}};
static const struct word on_off[] = {{"on", 1}, {"off", 0}, {NULL, 0}};
static const struct word debug_words[] = {{"off", 0}, {"on", 1}, {"trace", 2}, {NULL, 0}};
static const struct word timestamp_words[] = {{"off", 0}, {"on", 1}, {"hires", 2}, {NULL, 0}};
static const struct word priorities[] = {{"alert", LOG_ALERT}, {"crit", LOG_CRIT}, {"debug", LOG_DEBUG},
	{"emerg", LOG_EMERG}, {"err", LOG_ERR}, {"error", LOG_ERR}, {"info", LOG_INFO}, {"notice", LOG_NOTICE},
	{"warning", LOG_WARNING}, {NULL, 0}};
static const struct word facilities[] = {{"auth", LOG_AUTH}, {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
	{"daemon", LOG_DAEMON}, {"ftp", LOG_FTP}, {"kern", LOG_KERN}, {"lpr", LOG_LPR}, {"mail", LOG_MAIL},
	{"news", LOG_NEWS}, {"syslog", LOG_SYSLOG}, {"user", LOG_USER}, {"uucp", LOG_UUCP}, {"local0", LOG_LOCAL0},
	{"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
	{"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}, {NULL, 0}};

/*
 * Read a key that takes fixed words. If the key is absent, *value does not change. ignore_case: compare without case.
 */
static void read_word(
	struct tree *tree, const char *prefix, const char *name, const struct word *words, bool ignore_case, int *value)
{
	char key[CONFIG_KEY_LENGTH_MAX + 1], choices[256] = "";

	snprintf(key, sizeof(key), "%s.%s", prefix, name);
	const char *text = tree_text(tree, key);

	if (text == NULL)
		return;
	for (const struct word *word = words; word->name != NULL; word++) {
		if (strcmp(text, word->name) == 0 || (ignore_case && strcasecmp(text, word->name) == 0)) {
			*value = word->value;
			return;
		}
		if (strcasecmp(text, word->name) == 0) {
			tree_log_error(tree, tree_place(tree, key), "'%s' is not a value of '%s': did you mean '%s'?",
				text, name, word->name);
			return;
		}
		size_t used = strlen(choices);

		snprintf(choices + used, sizeof(choices) - used, "%s%s", used == 0 ? "" : ", ", word->name);
	}
	tree_log_error(
		tree, tree_place(tree, key), "'%s' is not a value of '%s': choose one of %s", text, name, choices);
}

static void read_switch(struct tree *tree, const char *prefix, const char *name, bool *value)
{
	int number = *value;

	read_word(tree, prefix, name, switches, false, &number);
	*value = number != 0;
}

/* Read the keys that the top level and a subsystem have in common. */
static void read_target(struct tree *tree, const char *prefix, struct config_log_subsystem *target, int *facility)
{
	char key[CONFIG_KEY_LENGTH_MAX + 1];

	read_switch(tree, prefix, "to_stderr", &target->to_stderr);
	read_switch(tree, prefix, "to_syslog", &target->to_syslog);
	read_switch(tree, prefix, "to_file", &target->to_file);
	snprintf(key, sizeof(key), "%s.to_file", prefix);
	if (tree_find(tree, key) != NULL)
		tree_warning(tree, tree_place(tree, key), "'to_file' is an old name: write 'to_logfile'");
	read_switch(tree, prefix, "to_logfile", &target->to_file);
	read_word(tree, prefix, "logfile_priority", priorities, true, &target->file_priority);
	read_word(tree, prefix, "syslog_level", priorities, true, &target->syslog_priority);
	read_word(tree, prefix, "syslog_priority", priorities, true, &target->syslog_priority);
	read_word(tree, prefix, "syslog_facility", facilities, false, facility);
	read_word(tree, prefix, "debug", debug_words, false, &target->debug);
	snprintf(key, sizeof(key), "%s.logfile", prefix);
	const char *file = tree_text(tree, key);

	if (file == NULL)
		return;
	if (*file != '/')
		tree_warning(tree, tree_place(tree, key),
			"log file '%s' is relative to the folder the daemon runs in: give its full "
			"path",
			file);
	target->file = *file == '\0' ? NULL : file;
}

/* Return NAME if this is the key logging.logger_subsys.NAME.subsys, otherwise NULL. */
static const char *subsystem_of(const struct tree_item *item)
{
	static const char prefix[] = "logging.logger_subsys.";
	size_t length = strlen(item->text);

	if (strncmp(item->key, prefix, strlen(prefix)) != 0 ||
		strncmp(item->key + strlen(prefix), item->text, length) != 0 ||
		strcmp(item->key + strlen(prefix) + length, ".subsys") != 0)
		return NULL;
	return item->text;
}

static void warn_unknown_subsystem(struct tree *tree, const struct tree_item *item)
{
	char list[512];
	size_t used = 0;

	if (config_has_word(compat_subsystems, item->text) || described_logs_as(tree->plugins, item->text))
		return;
	for (const char *at = compat_subsystems; *at != '\0' && used < sizeof(list) - 3; at++) {
		if (*at == ' ' && tree->is_native)
			list[used++] = ',';
		list[used++] = *at;
	}
	list[used] = '\0';
	if (tree->is_native)
		tree_warning(tree, item->place, "nothing logs as '%s': known subsystems are %s", item->text, list);
	else
		tree_warning(
			tree, item->place, "nothing of Coterie's own logs as '%s': known are %s", item->text, list);
}

/*
 * Return whether the log file can be opened. Missing rights are no error: the user that tests the file may be another
 * one than the daemon's.
 */
static bool can_open(const char *file)
{
	char folder[4096];
	const char *slash = strrchr(file, '/');

	if (access(file, F_OK) == 0 || slash == NULL)
		return true;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash == file ? 1 : slash - file), file);
	return access(folder, X_OK) == 0 || errno == EACCES || errno == EPERM;
}

void logging_check_files(struct tree *tree, const struct config *config)
{
	for (uint32_t i = 0; i < config->log.subsystem_count; i++) {
		const struct config_log_subsystem *one = &config->log.subsystems[i];
		char key[CONFIG_KEY_LENGTH_MAX + 1] = "logging.logfile";

		if (one->file == NULL || !one->to_file || can_open(one->file))
			continue;
		if (one->name != NULL)
			snprintf(key, sizeof(key), "logging.logger_subsys.%s.logfile", one->name);
		if (one->name != NULL && tree_find(tree, key) == NULL)
			continue; /* the top level uses the same file */
		tree_log_error(tree, tree_place(tree, key),
			"cannot open log file '%s' (%s): create the folder or change '%s'", one->file, strerror(ENOENT),
			tree->is_native ? "file" : "logfile");
	}
}

int logging_build(struct tree *tree, struct config *config)
{
	struct config_log *log = &config->log;
	uint32_t count = 1;
	int facility = LOG_DAEMON, fileline = 0, function_name = 0, blackbox = 1;

	for (uint32_t i = 0; i < tree->count; i++)
		count += subsystem_of(&tree->items[i]) != NULL;
	log->subsystems = arena_take(tree->arena, count * sizeof(*log->subsystems));
	if (log->subsystems == NULL)
		return -ENOMEM;
	log->subsystem_count = 1;
	log->timestamp = 2;

	struct config_log_subsystem *top = &log->subsystems[0];

	*top = (struct config_log_subsystem){
		.to_stderr = true, .to_syslog = true, .file_priority = LOG_INFO, .syslog_priority = LOG_INFO};
	read_target(tree, "logging", top, &facility);
	read_word(tree, "logging", "timestamp", timestamp_words, false, &log->timestamp);
	read_word(tree, "logging", "fileline", on_off, false, &fileline);
	read_word(tree, "logging", "function_name", on_off, false, &function_name);
	read_word(tree, "logging", "blackbox", on_off, false, &blackbox);

	for (uint32_t i = 0; i < tree->count; i++) {
		const char *name = subsystem_of(&tree->items[i]);
		char prefix[CONFIG_KEY_LENGTH_MAX + 1];

		if (name == NULL)
			continue;
		struct config_log_subsystem *subsystem = &log->subsystems[log->subsystem_count++];

		*subsystem = *top;
		subsystem->name = name;
		snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%s", name);
		read_target(tree, prefix, subsystem, &facility);
		warn_unknown_subsystem(tree, &tree->items[i]);
	}
	log->facility = facility;
	log->fileline = fileline != 0;
	log->function_name = function_name != 0;
	log->blackbox = blackbox != 0;
	const char *format = tree_text(tree, "coterie.log.format");
	const char *size = tree_text(tree, "coterie.process.blackbox_size");
	int64_t number;

	log->is_json = format != NULL && strcmp(format, "json") == 0;
	if (size != NULL && config_parse_integer(size, 65536, 64 << 20, &number) == 0)
		log->blackbox_size = (uint32_t)number;
	if (log->fileline || log->function_name)
		tree_warning(tree, tree_place(tree, log->fileline ? "logging.fileline" : "logging.function_name"),
			"log lines carry no places in the source: 'fileline' and 'function_name' "
			"have no "
			"effect");
	return 0;
}
