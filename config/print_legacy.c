/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints a configuration as corosync.conf, with sections in the usual order. Options that only Coterie
 * has go to a section `coterie`. Corosync keeps this section and does not use it. So reading the file
 * again makes the same keys. A value that the format cannot express is left as a comment.
 */
#include "config/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LENGTH_MAX 500

static void tabs(FILE *out, uint32_t count)
{
	while (count-- > 0)
		fputc('\t', out);
}

/* Return whether the line `key: value` can express the value. */
static bool can_say(const char *name, const char *value)
{
	size_t length = strlen(value);

	if (strlen(name) + length > LINE_LENGTH_MAX || strpbrk(name, ":{}#\n\r") != NULL || *name == '\0')
		return false;
	if (length > 0 && (strchr(" \t", value[0]) != NULL || strchr(" \t", value[length - 1]) != NULL))
		return false;
	return strpbrk(value, "{\n\r") == NULL;
}

static void put(struct print *print, uint32_t depth, const char *name, const char *value)
{
	bool is_possible = can_say(name, value);

	tabs(print->out, depth);
	if (!is_possible)
		fputs("# coterie: ", print->out);
	fprintf(print->out, "%s: ", name);
	for (; *value != '\0'; value++)
		fputc((unsigned char)*value < ' ' && *value != '\t' ? '?' : *value, print->out);
	fputc('\n', print->out);
}

static void open_section(struct print *print, uint32_t depth, const char *name)
{
	tabs(print->out, depth);
	fprintf(print->out, "%s {\n", name);
}

static void close_section(struct print *print, uint32_t depth)
{
	tabs(print->out, depth);
	fputs("}\n", print->out);
}

/*
 * Return whether this is an entry below the prefix that a file has set and that is not written yet.
 */
static bool is_below(const struct print *print, uint32_t i, const char *prefix)
{
	return print_is_open(print, i) && strncmp(print->config->entries[i].key, prefix, strlen(prefix)) == 0;
}

static bool has_any(const struct print *print, const char *prefix)
{
	for (uint32_t i = 0; i < print->config->entry_count; i++)
		if (is_below(print, i, prefix))
			return true;
	return false;
}

/* Print the items directly below a prefix ("totem."), then its sections, each by its next part. */
static void put_below(struct print *print, const char *prefix, uint32_t depth)
{
	const struct config *config = print->config;
	size_t length = strlen(prefix);

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (!is_below(print, i, prefix) || strchr(entry->key + length, '.') != NULL)
			continue;
		put(print, depth, entry->key + length, entry->text);
		print_done(print, entry);
	}
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const char *rest = config->entries[i].key + length;
		char name[CONFIG_KEY_LENGTH_MAX + 1], inner[CONFIG_KEY_LENGTH_MAX + 2];

		if (!is_below(print, i, prefix))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "."), rest);
		snprintf(inner, sizeof(inner), "%.*s.", (int)(length + strcspn(rest, ".")), config->entries[i].key);
		if (strpbrk(name, ":{}#") != NULL || *name == '\0') {
			tabs(print->out, depth);
			fprintf(print->out, "# coterie: %s\n", config->entries[i].key);
			print_done(print, &config->entries[i]);
			continue;
		}
		open_section(print, depth, name);
		put_below(print, inner, depth + 1);
		close_section(print, depth);
	}
}

static void put_links(struct print *print)
{
	for (uint32_t link = 0; link < 256; link++) {
		char prefix[64], number[8], member[80];

		snprintf(prefix, sizeof(prefix), "totem.interface.%u.", link);
		if (!has_any(print, prefix))
			continue;
		snprintf(number, sizeof(number), "%u", link);
		open_section(print, 1, "interface");
		put(print, 2, "linknumber", number);
		for (uint32_t i = 0; i < print->config->entry_count; i++) {
			const struct config_entry *entry = &print->config->entries[i];

			snprintf(member, sizeof(member), "%smember.", prefix);
			if (!is_below(print, i, member))
				continue;
			open_section(print, 2, "member");
			put(print, 3, "memberaddr", entry->text);
			close_section(print, 2);
			print_done(print, entry);
		}
		put_below(print, prefix, 2);
		close_section(print, 1);
	}
}

/* Print the defaults of coterie.conf that corosync.conf does not have. */
static void put_defaults(struct print *print)
{
	static const char *const keys[] = {"totem.encryption", "totem.crypto_cipher", "totem.crypto_hash"};
	const struct config *config = print->config;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && config->is_encrypted_by_default; i++) {
		const struct config_entry *entry = print_find_any(print, keys[i]);

		if (entry != NULL && entry->line == 0)
			put(print, 1, strrchr(keys[i], '.') + 1, entry->text);
	}
	if (config->key_path != NULL && print_find(print, "totem.keyfile") == NULL &&
		config->format == CONFIG_FORMAT_COTERIE)
		put(print, 1, "keyfile", config->key_path);
}

static void put_totem(struct print *print)
{
	const struct config *config = print->config;
	static const char prefix[] = "totem.";

	open_section(print, 0, "totem");
	put(print, 1, "version", "2");
	print_done(print, print_find(print, "totem.version"));
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		const char *name = entry->key + strlen(prefix);

		if (!is_below(print, i, prefix) || strchr(name, '.') != NULL)
			continue;
		if (print_is_secret(entry->key))
			fputs("\t# key: <hidden>: write it into a file and name that as 'keyfile'\n", print->out);
		else
			put(print, 1, name, entry->text);
		print_done(print, entry);
	}
	put_defaults(print);
	put_links(print);
	put_below(print, prefix, 1);
	close_section(print, 0);
}

static void put_nodelist(struct print *print)
{
	const struct config *config = print->config;

	fputs("nodelist {\n", print->out);
	for (uint32_t i = 0; i < config->node_count; i++) {
		char prefix[64];

		snprintf(prefix, sizeof(prefix), "nodelist.node.%u.", config->nodes[i].position);
		open_section(print, 1, "node");
		put_below(print, prefix, 2);
		close_section(print, 1);
	}
	put_below(print, "nodelist.", 1);
	fputs("}\n", print->out);
}

/*
 * Print sections whose keys have a name in the middle, which may contain dots. The key of the name
 * ends in ".NAME_KEY".
 */
static void put_named(struct print *print, const char *section, const char *prefix, const char *name_key)
{
	const struct config *config = print->config;

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		size_t length = strlen(entry->key), tail = strlen(name_key);
		char inner[CONFIG_KEY_LENGTH_MAX + 2];

		if (!is_below(print, i, prefix) || length <= strlen(prefix) + tail ||
			strcmp(entry->key + length - tail, name_key) != 0)
			continue;
		snprintf(inner, sizeof(inner), "%.*s.", (int)(length - tail), entry->key);
		open_section(print, 1, section);
		put_below(print, inner, 2);
		close_section(print, 1);
	}
}

static void put_logging(struct print *print)
{
	if (!has_any(print, "logging."))
		return;
	open_section(print, 0, "logging");
	for (uint32_t i = 0; i < print->config->entry_count; i++) {
		const struct config_entry *entry = &print->config->entries[i];

		if (!is_below(print, i, "logging.") || strchr(entry->key + strlen("logging."), '.') != NULL)
			continue;
		put(print, 1, entry->key + strlen("logging."), entry->text);
		print_done(print, entry);
	}
	put_named(print, "logger_subsys", "logging.logger_subsys.", ".subsys");
	put_named(print, "logging_daemon", "logging.logging_daemon.", ".name");
	put_below(print, "logging.", 1);
	close_section(print, 0);
}

static void put_access(struct print *print)
{
	static const char *const prefixes[][2] = {{"uidgid.config.uid.", "uid"}, {"uidgid.config.gid.", "gid"}};

	if (!has_any(print, "uidgid.config."))
		return;
	open_section(print, 0, "uidgid");
	for (size_t k = 0; k < 2; k++)
		for (uint32_t i = 0; i < print->config->entry_count; i++) {
			const struct config_entry *entry = &print->config->entries[i];

			if (!is_below(print, i, prefixes[k][0]) || entry->type != COTERIE_MAP_U8)
				continue;
			put(print, 1, prefixes[k][1], entry->key + strlen(prefixes[k][0]));
			print_done(print, entry);
		}
	close_section(print, 0);
}

/* Return whether the option is a key of its own, which has been printed already. */
static bool is_key(const struct print *print, uint32_t kind, const struct config_option *written)
{
	const struct described *plugin = described_find(print->config->plugins, kind, written->plugin);
	const struct coterie_option *option = plugin == NULL ? NULL : described_option(plugin, written->name);

	return option != NULL && option->legacy != NULL && print_find(print, option->legacy) != NULL;
}

static bool is_option_of(
	const struct print *print, uint32_t kind, const char *plugin, const struct config_option *option)
{
	return strcmp(option->plugin, plugin) == 0 && !is_key(print, kind, option);
}

static void put_options(struct print *print, uint32_t kind, const char *plugin)
{
	const struct config *config = print->config;

	for (uint32_t i = 0; i < config->option_count; i++)
		if (is_option_of(print, kind, plugin, &config->options[i]))
			put(print, 1, config->options[i].name, config->options[i].value);
}

/*
 * Print the plugins to load and their options. When these sections are read, they make the keys below
 * `service` again.
 */
static void put_plugins(struct print *print)
{
	const struct config *config = print->config;
	bool has_options = false;

	for (uint32_t i = 0; i < config->entry_count; i++)
		if (is_below(print, i, "service.") || is_below(print, i, "transport."))
			print_done(print, &config->entries[i]);
	for (uint32_t i = 0; i < config->option_count; i++)
		has_options = has_options ||
			      is_option_of(print, COTERIE_KIND_TRANSPORT, config->transport, &config->options[i]);
	if (has_options) {
		open_section(print, 0, "transport");
		put(print, 1, "name", config->transport);
		put_options(print, COTERIE_KIND_TRANSPORT, config->transport);
		close_section(print, 0);
	}
	for (uint32_t i = 0; i < config->service_count; i++) {
		if (!config->services[i].is_required)
			continue;
		open_section(print, 0, "service");
		put(print, 1, "name", config->services[i].name);
		put_options(print, COTERIE_KIND_SERVICE, config->services[i].name);
		close_section(print, 0);
	}
}

int print_legacy(struct print *print)
{
	const struct config_entry *provider = print_find(print, "quorum.provider");
	const struct config *config = print->config;

	fprintf(print->out, "# %s\n", config->file);
	put_totem(print);
	put_nodelist(print);
	if (config->is_provider_default || has_any(print, "quorum.")) {
		open_section(print, 0, "quorum");
		if (provider == NULL && config->is_provider_default)
			put(print, 1, "provider", config_provider_name(NULL));
		put_below(print, "quorum.", 1);
		close_section(print, 0);
	}
	put_logging(print);
	put_access(print);
	put_plugins(print);
	put_below(print, "", 0);
	return 0;
}
