/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Printing a configuration: the functions that all forms share, and the two forms that list keys.
 */
#include "config/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct config_entry *print_find_any(const struct print *print, const char *key)
{
	for (uint32_t i = 0; i < print->config->entry_count; i++)
		if (strcmp(print->config->entries[i].key, key) == 0)
			return &print->config->entries[i];
	return NULL;
}

const struct config_entry *print_find(const struct print *print, const char *key)
{
	const struct config_entry *entry = print_find_any(print, key);

	return entry == NULL || entry->line == 0 ? NULL : entry;
}

void print_done(struct print *print, const struct config_entry *entry)
{
	if (entry != NULL)
		print->is_done[entry - print->config->entries] = true;
}

bool print_is_open(const struct print *print, uint32_t index)
{
	return !print->is_done[index] && print->config->entries[index].line != 0;
}

bool print_is_secret(const char *key) { return strcmp(key, "totem.key") == 0; }

void print_origin(const struct print *print, const char *file, uint32_t line, char *text, size_t size)
{
	const char *slash = file == NULL ? NULL : strrchr(file, '/');

	if (file != NULL && slash != NULL && strcmp(file, print->config->file) == 0)
		file = slash + 1;
	snprintf(text, size, "%s:%u", file == NULL ? "?" : file, line);
}

static bool is_word(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-%";

	return *text != '\0' && strspn(text, plain) == strlen(text) && strncmp(text, "//", 2) != 0 &&
	       text[strlen(text) - 1] != ':';
}

void print_text(FILE *out, const char *text)
{
	if (is_word(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || (*text == '$' && text[1] == '{'))
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case COTERIE_MAP_U8:
		return "u8";
	case COTERIE_MAP_U16:
		return "u16";
	case COTERIE_MAP_I32:
		return "i32";
	case COTERIE_MAP_U32:
		return "u32";
	case COTERIE_MAP_U64:
		return "u64";
	default:
		return "str";
	}
}

static void print_keys(const struct print *print)
{
	for (uint32_t i = 0; i < print->config->entry_count; i++) {
		const struct config_entry *entry = &print->config->entries[i];

		if (!print_is_secret(entry->key))
			fprintf(print->out, "%s (%s) = %s\n", entry->key, type_name(entry->type), entry->text);
	}
}

/* Bytes that are not UTF-8 are rare. They are printed unchanged. */
static void print_json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void print_json(const struct print *print)
{
	bool is_first = true;

	fputs("[", print->out);
	for (uint32_t i = 0; i < print->config->entry_count; i++) {
		const struct config_entry *entry = &print->config->entries[i];

		if (print_is_secret(entry->key))
			continue;
		fprintf(print->out, "%s\n  {\"key\": ", is_first ? "" : ",");
		is_first = false;
		print_json_text(print->out, entry->key);
		fprintf(print->out, ", \"type\": \"%s\", \"value\": ", type_name(entry->type));
		if (entry->type == COTERIE_MAP_STRING)
			print_json_text(print->out, entry->text);
		else
			fputs(entry->text, print->out);
		if (entry->line == 0) {
			fputs(", \"origin\": \"calculated\"}", print->out);
		} else {
			fputs(", \"origin\": \"file\", \"file\": ", print->out);
			print_json_text(print->out, entry->file);
			fprintf(print->out, ", \"line\": %u}", entry->line);
		}
	}
	fputs("\n]\n", print->out);
}

int config_print(const struct config *config, enum config_form form, FILE *out)
{
	struct print print = {.config = config, .out = out, .is_done = calloc(config->entry_count + 1, sizeof(bool))};
	int rc = 0;

	if (print.is_done == NULL)
		return -ENOMEM;
	switch (form) {
	case CONFIG_FORM_COTERIE:
		rc = print_native(&print);
		break;
	case CONFIG_FORM_COROSYNC:
		rc = print_legacy(&print);
		break;
	case CONFIG_FORM_CMAP:
		print_keys(&print);
		break;
	case CONFIG_FORM_JSON:
		print_json(&print);
		break;
	}
	free(print.is_done);
	return rc;
}
