/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/print_block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int print_block_begin(struct print_block *block, struct print *print, uint32_t depth)
{
	*block = (struct print_block){.print = print, .depth = depth};
	block->lines = open_memstream(&block->text, &block->size);
	return block->lines == NULL ? -ENOMEM : 0;
}

void print_tabs(FILE *out, uint32_t count)
{
	while (count-- > 0)
		fputc('\t', out);
}

int print_block_end(struct print_block *block, const char *name, const char *title, bool is_needed, FILE *out)
{
	if (fclose(block->lines) != 0) {
		free(block->text);
		return -ENOMEM;
	}
	if (is_needed || block->set_count > 0 || (block->size > 0 && title == NULL)) {
		print_tabs(out, block->depth);
		fputs(name, out);
		if (title != NULL) {
			fputc(' ', out);
			print_text(out, title);
		}
		fputs(" {\n", out);
		fwrite(block->text, 1, block->size, out);
		print_tabs(out, block->depth);
		fputs("}\n", out);
	}
	free(block->text);
	return 0;
}

void print_block_origin(struct print_block *block, const char *file, uint32_t line)
{
	char origin[600];

	print_origin(block->print, file, line, origin, sizeof(origin));
	fprintf(block->lines, "\t# %s\n", origin);
}

void print_block_set(struct print_block *block, const char *name, const char *value, const struct config_entry *entry)
{
	print_tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "%s = ", name);
	print_text(block->lines, value);
	print_block_origin(block, entry->file, entry->line);
	block->set_count++;
}

void print_block_default(struct print_block *block, const char *name, const char *value, const char *why)
{
	print_tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "# %s = ", name);
	print_text(block->lines, value);
	fprintf(block->lines, "\t# %s\n", why);
}

/* Print an option without a value in the file as the value that was calculated for it. */
static void put_calculated(struct print_block *block, const struct native_row *row)
{
	char key[CONFIG_KEY_LENGTH_MAX + 32], text[64];
	const struct config_entry *entry;

	if (row->path == NULL || strncmp(row->path, "totem.", 6) != 0)
		return;
	snprintf(key, sizeof(key), "runtime.config.%s", row->path);
	entry = print_find_any(block->print, key);
	if (entry != NULL && native_from_key(row, entry->text, text, sizeof(text)) == 0)
		print_block_default(block, row->option.name, text, "calculated");
}

/*
 * Return whether the value is calculated. A silence budget beyond token and consensus also decides the token timeout.
 */
static bool is_calculated(const struct print_block *block, const struct native_row *row)
{
	const struct config_entry *silence = print_find_any(block->print, "runtime.config.totem.silence");
	const struct totem_options *totem = &block->print->config->totem;

	return silence != NULL && row->path != NULL && strcmp(row->path, "totem.token") == 0 &&
	       totem->token_ns + totem->consensus_ns == strtoull(silence->text, NULL, 10) * 1000000;
}

static void put_made(struct print_block *block, const char *name, const char *value, const char *why)
{
	print_tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "%s = ", name);
	print_text(block->lines, value);
	fprintf(block->lines, "\t# %s\n", why);
	block->set_count++;
}

/*
 * Print whether the ring is encrypted, if the file does not decide it. With corosync.conf the default is no encryption.
 * With coterie.conf the ring is encrypted by default, unless all its addresses are loopback addresses. false: the row
 * is no such option.
 */
static bool put_encryption(struct print_block *block, const struct native_row *row)
{
	const struct config *config = block->print->config;
	const struct config_entry *entry = print_find_any(block->print, row->path);
	const char *value = NULL;

	if (strcmp(row->path, "totem.encryption") == 0)
		value = entry == NULL ? "none" : entry->text;
	else if (strcmp(row->path, "totem.crypto_cipher") == 0)
		value = config->cipher; /* may follow from secauth */
	else if (strcmp(row->path, "totem.crypto_hash") == 0)
		value = config->hash;
	if (value == NULL)
		return false;
	if (entry == NULL && config->format == CONFIG_FORMAT_COROSYNC && strcmp(value, "none") == 0 &&
		!config_is_loopback(config))
		put_made(block, row->option.name, "none", "corosync.conf: not encrypted unless it says so");
	else
		print_block_default(block, row->option.name, value, "default");
	return true;
}

/*
 * Print the path of the key file that was found, since a corosync.conf and a coterie.conf have different default paths
 * of the key file.
 */
static bool put_key_file(struct print_block *block, const struct native_row *row)
{
	const struct config *config = block->print->config;

	if (strcmp(row->path, "totem.keyfile") != 0 || config->key_path == NULL)
		return false;
	if (config->format == CONFIG_FORMAT_COROSYNC)
		put_made(block, row->option.name, config->key_path, "default of corosync.conf");
	else
		print_block_default(block, row->option.name, config->key_path, "found");
	return true;
}

/* Get the key of a row in the block with this index. */
static void key_of(const struct native_row *row, const char *prefix, const char *index, char *key, size_t size)
{
	size_t length = strlen(prefix);

	if (length > 0 && strncmp(row->path, prefix, length) == 0)
		snprintf(key, size, "%s%s.%s", prefix, index, row->path + length);
	else
		snprintf(key, size, "%s", row->path);
}

void print_block_rows(struct print_block *block, const char *path, const char *prefix, const char *index, bool defaults)
{
	const char *transport = block->print->config->transport;
	const struct native_row *row;

	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++) {
		char key[2 * CONFIG_KEY_LENGTH_MAX], text[4200];

		if (strcmp(row->block, path) != 0 || !native_row_is_for(row, transport) || row->path == NULL)
			continue;
		key_of(row, prefix, index, key, sizeof(key));
		const struct config_entry *entry = print_find(block->print, key);

		if (entry != NULL && block->print->is_done[entry - block->print->config->entries])
			continue;
		if (entry != NULL && native_from_key(row, entry->text, text, sizeof(text)) == 0) {
			print_block_set(block, row->option.name, text, entry);
			print_done(block->print, entry);
		} else if (entry == NULL && defaults && (put_encryption(block, row) || put_key_file(block, row))) {
			continue;
		} else if (entry == NULL && defaults && row->option.initial != NULL && !is_calculated(block, row)) {
			print_block_default(block, row->option.name, row->option.initial, "default");
		} else if (entry == NULL && defaults) {
			put_calculated(block, row);
		}
	}
}

void print_block_key(struct print_block *block, const char *name, const char *key)
{
	const struct config_entry *entry = print_find(block->print, key);

	if (entry == NULL || *entry->text == '\0')
		return;
	print_block_set(block, name, entry->text, entry);
	print_done(block->print, entry);
}

static void put_name(FILE *out, const char *name)
{
	for (; *name != '\0'; name++)
		fputc(*name == '_' ? '-' : *name, out);
}

static bool has_written(const struct config *config, const char *plugin, const char *option)
{
	for (uint32_t i = 0; i < config->option_count; i++)
		if (strcmp(config->options[i].plugin, plugin) == 0 && strcmp(config->options[i].name, option) == 0)
			return true;
	return false;
}

/* Print the value of an option with a legacy name in the form of coterie.conf. */
static void put_legacy(struct print_block *block, const struct coterie_option *option, const struct config_entry *entry)
{
	char text[64], why[64];
	const char *value = entry->text;
	uint64_t number;

	if (option_value(option, OPTION_PLAIN, value, &number, why, sizeof(why)) < 0)
		return; /* not a valid value: it is printed as a key */
	if (option->type == COTERIE_OPT_MS)
		option_duration(number, text, sizeof(text));
	else if (option->type == COTERIE_OPT_BOOL)
		snprintf(text, sizeof(text), "%s", number != 0 ? "yes" : "no");
	else if (option->type != COTERIE_OPT_ENUM && option_is_number(option))
		snprintf(text, sizeof(text), "%" PRIu64, number);
	else
		text[0] = '\0';
	print_tabs(block->lines, block->depth + 1);
	put_name(block->lines, option->name);
	fputs(" = ", block->lines);
	print_text(block->lines, text[0] != '\0' ? text : value);
	print_block_origin(block, entry->file, entry->line);
	block->set_count++;
	print_done(block->print, entry);
}

/* Print options that corosync.conf has under legacy names, and defaults of those that are not set. */
static void put_described(struct print_block *block, const struct described *plugin, bool defaults)
{
	const struct config *config = block->print->config;

	for (uint32_t i = 0; plugin != NULL && i < plugin->option_count; i++) {
		const struct coterie_option *option = &plugin->options[i];
		const struct config_entry *entry = option->legacy == NULL ? NULL
									  : print_find(block->print, option->legacy);

		if (entry != NULL && has_written(config, plugin->name, option->name)) {
			print_done(block->print, entry);
		} else if (entry != NULL && !block->print->is_done[entry - config->entries]) {
			put_legacy(block, option, entry);
		} else if (defaults && entry == NULL && option->initial != NULL &&
			   !has_written(config, plugin->name, option->name)) {
			print_tabs(block->lines, block->depth + 1);
			fputs("# ", block->lines);
			put_name(block->lines, option->name);
			fputs(" = ", block->lines);
			print_text(block->lines, option->initial);
			fputs("\t# default\n", block->lines);
		}
	}
}

void print_block_plugin(struct print_block *block, uint32_t kind, const char *plugin, bool defaults)
{
	const struct config *config = block->print->config;

	for (uint32_t i = 0; i < config->option_count; i++) {
		const struct config_option *option = &config->options[i];
		char key[CONFIG_KEY_LENGTH_MAX + 1];
		bool is_last = true;

		if (strcmp(option->plugin, plugin) != 0)
			continue;
		for (uint32_t j = i + 1; j < config->option_count; j++)
			is_last = is_last && (strcmp(config->options[j].plugin, plugin) != 0 ||
						     strcmp(config->options[j].name, option->name) != 0);
		if (!is_last)
			continue; /* the last value counts */
		print_tabs(block->lines, block->depth + 1);
		put_name(block->lines, option->name);
		fputs(" = ", block->lines);
		print_text(block->lines, option->value);
		print_block_origin(block, option->file, option->line);
		block->set_count++;
		snprintf(key, sizeof(key), "service.%.100s.%.100s", plugin, option->name);
		print_done(block->print, print_find(block->print, key));
	}
	put_described(block, described_find(config->plugins, kind, plugin), defaults);
}
