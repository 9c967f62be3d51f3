/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the block `log`, with its subsystems. */
#include "config/print_block.h"

#include <errno.h>
#include <string.h>

static void put_level(struct print_block *block, const char *prefix)
{
	char key[2 * CONFIG_KEY_LENGTH_MAX];

	snprintf(key, sizeof(key), "%s.debug", prefix);
	const struct config_entry *debug = print_find(block->print, key);

	if (debug == NULL || (strcmp(debug->text, "on") != 0 && strcmp(debug->text, "trace") != 0))
		return;
	print_block_set(block, "level", strcmp(debug->text, "on") == 0 ? "debug" : "trace", debug);
	print_done(block->print, debug);
}

static void put_file(struct print_block *block, const char *prefix)
{
	char key[2 * CONFIG_KEY_LENGTH_MAX];

	snprintf(key, sizeof(key), "%s.to_logfile", prefix);
	const struct config_entry *flag = print_find(block->print, key);

	snprintf(key, sizeof(key), "%s.logfile", prefix);
	const struct config_entry *file = print_find(block->print, key);

	if (flag == NULL || file == NULL || strcmp(flag->text, "yes") != 0 || *file->text != '/')
		return;
	print_block_set(block, "file", file->text, file);
	print_done(block->print, flag);
	print_done(block->print, file);
}

static void put_source(struct print_block *block)
{
	const struct config_entry *line = print_find(block->print, "logging.fileline");
	const struct config_entry *function = print_find(block->print, "logging.function_name");

	if (line == NULL || function == NULL || strcmp(line->text, function->text) != 0 ||
		(strcmp(line->text, "on") != 0 && strcmp(line->text, "off") != 0))
		return;
	print_block_set(block, "source", strcmp(line->text, "on") == 0 ? "yes" : "no", line);
	print_done(block->print, line);
	print_done(block->print, function);
}

static int put_subsystems(struct print *print, FILE *out)
{
	const struct config_log *log = &print->config->log;
	int rc = 0;

	for (uint32_t i = 1; i < log->subsystem_count && rc == 0; i++) {
		const char *name = log->subsystems[i].name;
		char prefix[CONFIG_KEY_LENGTH_MAX + 1], key[2 * CONFIG_KEY_LENGTH_MAX];
		struct print_block block;

		if (strlen(name) > 190 || strchr(name, '\\') != NULL || strstr(name, "${") != NULL)
			continue;
		snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%s", name);
		snprintf(key, sizeof(key), "%s.subsys", prefix);
		if (print_find(print, key) == NULL)
			continue;
		if (print_block_begin(&block, print, 1) < 0)
			return -ENOMEM;
		print_done(print, print_find(print, key));
		put_level(&block, prefix);
		put_file(&block, prefix);
		print_block_rows(&block, "log subsystem", "logging.logger_subsys.", name, false);
		rc = print_block_end(&block, "subsystem", name, true, out);
	}
	return rc;
}

int print_log(struct print *print)
{
	struct print_block block;

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_level(&block, "logging");
	put_file(&block, "logging");
	print_block_rows(&block, "log", "", "", true);
	put_source(&block);
	int rc = put_subsystems(print, block.lines), end_rc = print_block_end(&block, "log", NULL, false, print->out);

	return rc < 0 ? rc : end_rc;
}
