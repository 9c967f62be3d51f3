/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints a configuration as coterie.conf. The blocks have a fixed order, each option has a line with its
 * origin. Options that are not set are comments with their default or calculated value. Keys that no
 * option can express go to the list `keys`, so that reading the output makes the same keys.
 */
#include "config/print_block.h"

#include <errno.h>
#include <string.h>

static int put_plain(struct print *print, const char *path, bool defaults)
{
	struct print_block block;

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_block_rows(&block, path, "", "", defaults);
	return print_block_end(&block, path, NULL, false, print->out);
}

/* --- transport, links, nodes --- */

static int put_transport(struct print *print)
{
	const struct config_entry *entry = print_find(print, "totem.transport");
	struct print_block block;

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_done(print, entry);
	print_block_rows(&block, "transport", "totem.interface.", "0", true);
	print_block_plugin(&block, COTERIE_KIND_TRANSPORT, print->config->transport, true);
	bool is_needed = entry != NULL || block.set_count > 0;

	return print_block_end(&block, "transport",
		entry == NULL && config_transport_is_standard(print->config->transport) ? "default"
											: print->config->transport,
		is_needed, print->out);
}

static int put_links(struct print *print)
{
	int rc = 0;

	for (uint32_t link = 0; link < CONFIG_LINKS_MAX && rc == 0; link++) {
		struct print_block block;
		char index[8];

		snprintf(index, sizeof(index), "%u", link);
		if (print_block_begin(&block, print, 0) < 0)
			return -ENOMEM;
		if (link == 0 || !is_ip_transport(print->config->transport))
			print_block_rows(&block, "link", "totem.interface.", index, false);
		rc = print_block_end(&block, "link", index, false, print->out);
	}
	return rc;
}

/* Print the remaining keys of a node as a list of `keys`. */
static void put_rest(struct print_block *block, const char *prefix)
{
	const struct config *config = block->print->config;
	bool is_first = true;

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (!print_is_open(block->print, i) || strncmp(entry->key, prefix, strlen(prefix)) != 0)
			continue;
		if (is_first) {
			print_tabs(block->lines, block->depth + 1);
			fputs("keys = {", block->lines);
		}
		char pair[CONFIG_KEY_LENGTH_MAX + 4200];

		snprintf(pair, sizeof(pair), "%s=%s", entry->key + strlen(prefix), entry->text);
		fputs(is_first ? "" : ", ", block->lines);
		print_text(block->lines, pair);
		is_first = false;
		print_done(block->print, entry);
	}
	if (!is_first)
		fputs("}\n", block->lines);
	block->set_count += !is_first;
}

static void put_addresses(struct print_block *block, const struct config_node *node, const char *prefix)
{
	const struct config_entry *first = NULL;

	print_tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "address = {");
	for (uint32_t link = 0; link < node->link_count; link++) {
		char key[CONFIG_KEY_LENGTH_MAX + 1];

		snprintf(key, sizeof(key), "%sring%u_addr", prefix, link);
		const struct config_entry *entry = print_find(block->print, key);

		fputs(link == 0 ? "" : ", ", block->lines);
		print_text(block->lines, entry == NULL ? "" : entry->text);
		print_done(block->print, entry);
		first = first == NULL ? entry : first;
	}
	fputc('}', block->lines);
	if (first != NULL)
		print_block_origin(block, first->file, first->line);
	block->set_count++;
}

/* Make a title for a node without a name. */
static void make_title(const struct config *config, const struct config_node *node, char *title, size_t size)
{
	bool is_taken = true;

	snprintf(title, size, "node%u", node->position + 1);
	while (is_taken && strlen(title) + 1 < size) {
		is_taken = false;
		for (uint32_t i = 0; i < config->node_count; i++)
			is_taken = is_taken ||
				   (config->nodes[i].name != NULL && strcmp(config->nodes[i].name, title) == 0);
		if (is_taken)
			strcat(title, "_");
	}
}

static int put_node(struct print *print, const struct config_node *node)
{
	char prefix[64], index[16], title[64];
	struct print_block block;

	snprintf(prefix, sizeof(prefix), "nodelist.node.%u.", node->position);
	snprintf(index, sizeof(index), "%u", node->position);
	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_block_rows(&block, "node", "nodelist.node.", index, false);
	put_addresses(&block, node, prefix);
	make_title(print->config, node, title, sizeof(title));
	if (node->name == NULL) {
		print_tabs(block.lines, 1);
		fputs("named = no\n", block.lines);
	} else {
		char key[80];

		snprintf(key, sizeof(key), "%sname", prefix);
		print_done(print, print_find(print, key));
	}
	put_rest(&block, prefix);
	return print_block_end(&block, "node", node->name != NULL ? node->name : title, true, print->out);
}

/* --- services and plugins --- */

/* Print a block for each service that the file removes. */
static int put_removed(struct print *print)
{
	const struct config_entry *without = print_find(print, "coterie.plugins.without");
	const char *at = without == NULL ? "" : without->text;
	struct print_block block;
	int rc = 0;

	while (*at != '\0' && rc == 0) {
		char name[64];
		size_t length = strcspn(at, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		if (print_block_begin(&block, print, 0) < 0)
			return -ENOMEM;
		print_block_set(&block, "enabled", "no", without);
		rc = print_block_end(&block, "service", name, true, print->out);
		at += length;
		at += strspn(at, " ");
	}
	return rc;
}

static int put_services(struct print *print)
{
	const struct config *config = print->config;
	const struct config_entry *standard = print_find(print, "coterie.plugins.standard");
	const struct config_entry *path = print_find(print, "coterie.plugins.path");
	struct print_block block;
	int rc = put_removed(print);

	for (uint32_t i = 0; i < config->service_count && rc == 0; i++) {
		bool is_required = config->services[i].is_required;

		if (print_block_begin(&block, print, 0) < 0)
			return -ENOMEM;
		print_block_plugin(&block, COTERIE_KIND_SERVICE, config->services[i].name, is_required);
		rc = print_block_end(&block, "service", config->services[i].name, is_required, print->out);
	}
	if (rc < 0 || print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	if (standard != NULL && strcmp(standard->text, "no") == 0)
		print_block_set(&block, "standard", "no", standard);
	else
		print_done(print, standard);
	if (path != NULL) {
		const char *at = path->text;

		fputs("\tpath = {", block.lines);
		while (*at != '\0') {
			char folder[4096];
			size_t length = strcspn(at, ":");

			snprintf(folder, sizeof(folder), "%.*s", (int)length, at);
			print_text(block.lines, folder);
			at += length;
			if (*at == ':') {
				fputs(", ", block.lines);
				at++;
			}
		}
		fputs("}", block.lines);
		print_block_origin(&block, path->file, path->line);
		print_done(print, path);
	}
	print_block_rows(&block, "plugins", "", "", false);
	return print_block_end(&block, "plugins", NULL, false, print->out);
}

/* Print keys that have no option, or a value that no option can have. */
static void put_keys(struct print *print)
{
	const struct config *config = print->config;
	const struct config_entry *key = print_find(print, "totem.key");
	bool is_first = true;

	if (key != NULL) {
		fputs("# totem.key = <hidden>: write it into a file and name that as 'key-file'\n", print->out);
		print_done(print, key);
	}
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		char pair[CONFIG_KEY_LENGTH_MAX + 4200];

		if (!print_is_open(print, i))
			continue;
		snprintf(pair, sizeof(pair), "%s=%s", entry->key, entry->text);
		fputs(is_first ? "keys = {\n\t" : ",\n\t", print->out);
		print_text(print->out, pair);
		is_first = false;
	}
	if (!is_first)
		fputs("\n}\n", print->out);
}

int print_native(struct print *print)
{
	const struct config *config = print->config;
	int rc;

	fprintf(print->out, "# %s\n", config->file);
	print_done(print, print_find(print, "totem.version")); /* always 2 */
	if ((rc = put_plain(print, "cluster", false)) < 0 || (rc = put_plain(print, "totem", true)) < 0 ||
		(rc = put_transport(print)) < 0 || (rc = put_links(print)) < 0)
		return rc;
	for (uint32_t i = 0; i < config->node_count; i++)
		if ((rc = put_node(print, &config->nodes[i])) < 0)
			return rc;
	if ((rc = print_quorum(print)) < 0 || (rc = put_services(print)) < 0 || (rc = print_log(print)) < 0 ||
		(rc = print_access(print)) < 0 || (rc = print_process(print)) < 0 || (rc = print_instances(print)) < 0)
		return rc;
	put_keys(print);
	return 0;
}
