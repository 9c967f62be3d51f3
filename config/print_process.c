/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the blocks `access`, `process` and `instance`. */
#include "config/print_block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"

/*
 * Return whether the text is a number as the option writes it. Other forms cannot be a value of the
 * option.
 */
static bool is_id(const char *text)
{
	uint64_t id;
	char again[32];

	if (config_parse_unsigned(text, &id) < 0 || id >= UINT32_MAX)
		return false;
	snprintf(again, sizeof(again), "%" PRIu64, id);
	return strcmp(again, text) == 0;
}

/* Print the ids of users or groups that may connect, as a list. */
static void put_ids(struct print_block *block, const char *name, const char *prefix)
{
	const struct config *config = block->print->config;
	bool is_first = true;

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (!print_is_open(block->print, i) || strncmp(entry->key, prefix, strlen(prefix)) != 0 ||
			entry->type != COTERIE_MAP_U8)
			continue;
		if (is_first)
			fprintf(block->lines, "\t%s = {", name);
		fprintf(block->lines, "%s%s", is_first ? "" : ", ", entry->key + strlen(prefix));
		print_done(block->print, entry);
		is_first = false;
		block->set_count++;
	}
	if (!is_first)
		fputs("}\n", block->lines);
}

/* Print the list of users and groups with this access right. Groups are written with an @. */
static void put_right(struct print_block *block, const char *list)
{
	const struct config *config = block->print->config;
	char prefix[64];
	bool is_first = true;

	snprintf(prefix, sizeof(prefix), "coterie.access.%s.", list);
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		const char *rest = entry->key + strlen(prefix);

		if (!print_is_open(block->print, i) || strncmp(entry->key, prefix, strlen(prefix)) != 0 ||
			entry->type != COTERIE_MAP_STRING || strcmp(entry->text, "yes") != 0 ||
			(strncmp(rest, "uid.", 4) != 0 && strncmp(rest, "gid.", 4) != 0) || !is_id(rest + 4))
			continue;
		if (is_first)
			fprintf(block->lines, "\t%s = {", list);
		fprintf(block->lines, *rest == 'g' ? "%s\"@%s\"" : "%s%s", is_first ? "" : ", ", rest + 4);
		print_done(block->print, entry);
		is_first = false;
		block->set_count++;
	}
	if (!is_first)
		fputs("}\n", block->lines);
}

int print_access(struct print *print)
{
	struct print_block block;

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_right(&block, "administrators");
	put_ids(&block, "users", "uidgid.config.uid.");
	put_ids(&block, "groups", "uidgid.config.gid.");
	put_right(&block, "observers");
	return print_block_end(&block, "access", NULL, false, print->out);
}

int print_process(struct print *print)
{
	const struct config_entry *blackbox = print_find(print, "logging.blackbox");
	const struct config_entry *size = print_find(print, "coterie.process.blackbox_size");
	struct print_block block;
	char text[32];

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_block_key(&block, "state-dir", "system.state_dir");
	print_block_key(&block, "run-dir", "coterie.process.run_dir");
	if (blackbox != NULL && strcmp(blackbox->text, "off") == 0 && size == NULL) {
		print_block_set(&block, "blackbox-size", "0", blackbox);
		print_done(print, blackbox);
	} else if (size != NULL && blackbox == NULL) {
		option_size(strtoull(size->text, NULL, 10), text, sizeof(text));
		print_block_set(&block, "blackbox-size", text, size);
		print_done(print, size);
	}
	print_block_rows(&block, "process", "", "", true);
	return print_block_end(&block, "process", NULL, false, print->out);
}

int print_instances(struct print *print)
{
	static const char prefix[] = "coterie.instance.";
	const struct config *config = print->config;
	int rc = 0;

	for (uint32_t i = 0; i < config->entry_count && rc == 0; i++) {
		const char *name = config->entries[i].key + strlen(prefix);
		char title[64], key[CONFIG_KEY_LENGTH_MAX + 1];
		struct print_block block;

		if (!print_is_open(print, i) || strncmp(config->entries[i].key, prefix, strlen(prefix)) != 0 ||
			strcspn(name, ".") > 31 || strchr(name, '.') == NULL)
			continue;
		snprintf(title, sizeof(title), "%.*s", (int)strcspn(name, "."), name);
		if (print_block_begin(&block, print, 0) < 0)
			return -ENOMEM;
		snprintf(key, sizeof(key), "%s%s.state_dir", prefix, title);
		print_block_key(&block, "state-dir", key);
		snprintf(key, sizeof(key), "%s%s.run_dir", prefix, title);
		print_block_key(&block, "run-dir", key);
		snprintf(key, sizeof(key), "%s%s.node", prefix, title);
		print_block_key(&block, "node", key);
		rc = print_block_end(&block, "instance", title, false, print->out);
	}
	return rc;
}
