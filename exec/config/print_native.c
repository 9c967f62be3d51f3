/*
 * A configuration as coterie.conf: blocks in a fixed order, one option a line, each with the place it is
 * from; what is not set stands there as a comment with its default or what it comes out as. Whatever no
 * option can say goes to the list `keys`, so that reading this again makes the same keys.
 */
#include "exec/config/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/config/option_value.h"

/* One block on its way out: its lines are collected, since a block without any is not written. */
struct block {
	struct print *print;
	FILE *lines;
	char *text;
	size_t size;
	uint32_t set_count; /* lines that are no comments */
	uint32_t depth;
};

static int begin(struct block *block, struct print *print, uint32_t depth)
{
	*block = (struct block){.print = print, .depth = depth};
	block->lines = open_memstream(&block->text, &block->size);
	return block->lines == NULL ? -ENOMEM : 0;
}

static void tabs(FILE *out, uint32_t count)
{
	while (count-- > 0)
		fputc('\t', out);
}

/* Write it, with or without a title, if it has lines at all, or must stand there. */
static int end(struct block *block, const char *name, const char *title, bool is_needed, FILE *out)
{
	if (fclose(block->lines) != 0) {
		free(block->text);
		return -ENOMEM;
	}
	if (is_needed || block->set_count > 0 || (block->size > 0 && title == NULL)) {
		tabs(out, block->depth);
		fputs(name, out);
		if (title != NULL) {
			fputc(' ', out);
			print_text(out, title);
		}
		fputs(" {\n", out);
		fwrite(block->text, 1, block->size, out);
		tabs(out, block->depth);
		fputs("}\n", out);
	}
	free(block->text);
	return 0;
}

static void origin_of(struct block *block, const char *file, uint32_t line)
{
	char origin[600];

	print_origin(block->print, file, line, origin, sizeof(origin));
	fprintf(block->lines, "\t# %s\n", origin);
}

static void put(struct block *block, const char *name, const char *value, const struct config_entry *entry)
{
	tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "%s = ", name);
	print_text(block->lines, value);
	origin_of(block, entry->file, entry->line);
	block->set_count++;
}

static void put_default(struct block *block, const char *name, const char *value, const char *why)
{
	tabs(block->lines, block->depth + 1);
	fprintf(block->lines, "# %s = ", name);
	print_text(block->lines, value);
	fprintf(block->lines, "\t# %s\n", why);
}

/* What an option comes out as where its value is calculated. */
static void put_calculated(struct block *block, const struct native_row *row)
{
	char key[CONFIG_KEY_LENGTH_MAX + 32], text[64];
	const struct config_entry *entry;

	if (row->path == NULL || strncmp(row->path, "totem.", 6) != 0)
		return;
	snprintf(key, sizeof(key), "runtime.config.%s", row->path);
	entry = print_find_any(block->print, key);
	if (entry != NULL && native_from_key(row, entry->text, text, sizeof(text)) == 0)
		put_default(block, row->option.name, text, "calculated");
}

/* The key of a row in the block with this index. */
static void key_of(const struct native_row *row, const char *prefix, const char *index, char *key, size_t size)
{
	size_t length = strlen(prefix);

	if (length > 0 && strncmp(row->path, prefix, length) == 0)
		snprintf(key, size, "%s%s.%s", prefix, index, row->path + length);
	else
		snprintf(key, size, "%s", row->path);
}

/* The rows of a block whose key is theirs alone. prefix and index: of its keys, "" for none. */
static void put_rows(struct block *block, const char *path, const char *prefix, const char *index, bool defaults)
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
			put(block, row->option.name, text, entry);
			print_done(block->print, entry);
		} else if (entry == NULL && defaults && row->option.initial != NULL) {
			put_default(block, row->option.name, row->option.initial, "default");
		} else if (entry == NULL && defaults) {
			put_calculated(block, row);
		}
	}
}

/* An option that is the text of one key. */
static void put_key(struct block *block, const char *name, const char *key)
{
	const struct config_entry *entry = print_find(block->print, key);

	if (entry == NULL || *entry->text == '\0')
		return;
	put(block, name, entry->text, entry);
	print_done(block->print, entry);
}

static void put_plugin_options(struct block *block, const char *plugin)
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
			continue; /* the last one counts */
		tabs(block->lines, block->depth + 1);
		for (const char *at = option->name; *at != '\0'; at++)
			fputc(*at == '_' ? '-' : *at, block->lines);
		fputs(" = ", block->lines);
		print_text(block->lines, option->value);
		origin_of(block, option->file, option->line);
		block->set_count++;
		snprintf(key, sizeof(key), "service.%.100s.%.100s", plugin, option->name);
		print_done(block->print, print_find(block->print, key));
	}
}

static int put_plain(struct print *print, const char *path, bool defaults)
{
	struct block block;

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_rows(&block, path, "", "", defaults);
	return end(&block, path, NULL, false, print->out);
}

/* --- transport, links, nodes --- */

static int put_transport(struct print *print)
{
	const struct config_entry *entry = print_find(print, "totem.transport");
	struct block block;

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_done(print, entry);
	put_rows(&block, "transport", "totem.interface.", "0", true);
	put_plugin_options(&block, print->config->transport);
	bool is_needed = entry != NULL || block.set_count > 0;

	return end(&block, "transport", entry == NULL && config_transport_is_standard(print->config->transport)
						? "default"
						: print->config->transport,
		is_needed, print->out);
}

static int put_links(struct print *print)
{
	int rc = 0;

	for (uint32_t link = 0; link < CONFIG_LINKS_MAX && rc == 0; link++) {
		struct block block;
		char index[8];

		snprintf(index, sizeof(index), "%u", link);
		if (begin(&block, print, 0) < 0)
			return -ENOMEM;
		if (link == 0 || !is_ip_transport(print->config->transport))
			put_rows(&block, "link", "totem.interface.", index, false);
		rc = end(&block, "link", index, false, print->out);
	}
	return rc;
}

/* All that a node's keys have left, as a list of `keys`. */
static void put_rest(struct block *block, const char *prefix)
{
	const struct config *config = block->print->config;
	bool is_first = true;

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (!print_is_open(block->print, i) || strncmp(entry->key, prefix, strlen(prefix)) != 0)
			continue;
		if (is_first) {
			tabs(block->lines, block->depth + 1);
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

static void put_addresses(struct block *block, const struct config_node *node, const char *prefix)
{
	const struct config_entry *first = NULL;

	tabs(block->lines, block->depth + 1);
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
		origin_of(block, first->file, first->line);
	block->set_count++;
}

/* A title for a node that has no name. */
static void make_title(const struct config *config, const struct config_node *node, char *title, size_t size)
{
	bool is_taken = true;

	snprintf(title, size, "node%u", node->position + 1);
	while (is_taken && strlen(title) + 1 < size) {
		is_taken = false;
		for (uint32_t i = 0; i < config->node_count; i++)
			is_taken = is_taken || (config->nodes[i].name != NULL &&
						       strcmp(config->nodes[i].name, title) == 0);
		if (is_taken)
			strcat(title, "_");
	}
}

static int put_node(struct print *print, const struct config_node *node)
{
	char prefix[64], index[16], title[64];
	struct block block;

	snprintf(prefix, sizeof(prefix), "nodelist.node.%u.", node->position);
	snprintf(index, sizeof(index), "%u", node->position);
	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_rows(&block, "node", "nodelist.node.", index, false);
	put_addresses(&block, node, prefix);
	make_title(print->config, node, title, sizeof(title));
	if (node->name == NULL) {
		tabs(block.lines, 1);
		fputs("named = no\n", block.lines);
	} else {
		char key[80];

		snprintf(key, sizeof(key), "%sname", prefix);
		print_done(print, print_find(print, key));
	}
	put_rest(&block, prefix);
	return end(&block, "node", node->name != NULL ? node->name : title, true, print->out);
}

/* --- quorum --- */

static void put_provider(struct block *block)
{
	const struct config *config = block->print->config;
	const struct config_entry *entry = print_find(block->print, "quorum.provider");

	if (entry != NULL && strcmp(entry->text, "corosync_votequorum") == 0) {
		put(block, "provider", "votequorum", entry);
		print_done(block->print, entry);
	} else if (entry != NULL && strcmp(entry->text, "votequorum") != 0 && strcmp(entry->text, "none") != 0) {
		put_key(block, "provider", "quorum.provider");
	} else if (entry == NULL && config->is_provider_default) {
		put_default(block, "provider", "votequorum", "default");
	} else if (entry == NULL) {
		tabs(block->lines, 1);
		fputs("provider = none\n", block->lines);
		block->set_count++;
	}
}

static void put_tie_breaker(struct block *block)
{
	const struct config_entry *flag = print_find(block->print, "quorum.auto_tie_breaker");
	const struct config_entry *node = print_find(block->print, "quorum.auto_tie_breaker_node");
	bool is_on = flag != NULL && strcmp(flag->text, "1") == 0;

	if (flag == NULL || (!is_on && strcmp(flag->text, "0") != 0))
		return;
	print_done(block->print, flag);
	if (!is_on) {
		put(block, "auto-tie-breaker", "no", flag);
		return;
	}
	bool is_usual = node != NULL && *node->text != '\0' &&
			(strcmp(node->text, "lowest") == 0 || strcmp(node->text, "highest") == 0 ||
				strspn(node->text, "0123456789 ") == strlen(node->text));

	put(block, "auto-tie-breaker", is_usual ? node->text : "yes", flag);
	if (is_usual)
		print_done(block->print, node);
}

static int put_heuristics(struct print *print, FILE *out)
{
	static const char prefix[] = "quorum.device.heuristics.exec_";
	const struct config *config = print->config;
	struct block block;
	bool is_first = true;

	if (begin(&block, print, 2) < 0)
		return -ENOMEM;
	put_rows(&block, "quorum device heuristics", "", "", false);
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		char pair[4200];

		if (!print_is_open(print, i) || strncmp(entry->key, prefix, strlen(prefix)) != 0 ||
			entry->key[strlen(prefix)] == '\0')
			continue;
		snprintf(pair, sizeof(pair), "%s=%s", entry->key + strlen(prefix), entry->text);
		if (is_first)
			fputs("\t\t\texec = {", block.lines);
		fputs(is_first ? "" : ", ", block.lines);
		print_text(block.lines, pair);
		print_done(print, entry);
		is_first = false;
		block.set_count++;
	}
	if (!is_first)
		fputs("}\n", block.lines);
	return end(&block, "heuristics", NULL, false, out);
}

static int put_device(struct print *print, FILE *out)
{
	const struct config_entry *model = print_find(print, "quorum.device.model");
	struct block block;

	if (model == NULL || *model->text == '\0')
		return 0;
	if (begin(&block, print, 1) < 0)
		return -ENOMEM;
	print_done(print, model);
	put_rows(&block, "quorum device", "", "", false);
	int rc = put_heuristics(print, block.lines), end_rc = end(&block, "device", model->text, true, out);

	return rc < 0 ? rc : end_rc;
}

static int put_quorum(struct print *print)
{
	struct block block;

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_provider(&block);
	put_tie_breaker(&block);
	put_rows(&block, "quorum", "", "", print->config->quorum_provider != NULL);
	int rc = put_device(print, block.lines), end_rc = end(&block, "quorum", NULL, false, print->out);

	return rc < 0 ? rc : end_rc;
}

/* --- services and plugins --- */

static int put_services(struct print *print)
{
	const struct config *config = print->config;
	const struct config_entry *standard = print_find(print, "coterie.plugins.standard");
	const struct config_entry *path = print_find(print, "coterie.plugins.path");
	uint32_t count = 0;
	struct block block;
	int rc = 0;

	for (uint32_t i = 0; i < config->service_count && rc == 0; i++) {
		if (!config->services[i].is_required)
			continue;
		count++;
		if (begin(&block, print, 0) < 0)
			return -ENOMEM;
		put_plugin_options(&block, config->services[i].name);
		rc = end(&block, "service", config->services[i].name, true, print->out);
	}
	if (rc < 0 || begin(&block, print, 0) < 0)
		return -ENOMEM;
	print_done(print, standard);
	if ((standard == NULL) != (count == 0)) {
		tabs(block.lines, 1);
		fprintf(block.lines, "standard = %s\n", standard == NULL ? "yes" : "no");
	}
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
		origin_of(&block, path->file, path->line);
		print_done(print, path);
	}
	put_rows(&block, "plugins", "", "", false);
	return end(&block, "plugins", NULL, false, print->out);
}

/* --- log, access, process, instances --- */

static void put_level(struct block *block, const char *prefix)
{
	char key[2 * CONFIG_KEY_LENGTH_MAX];

	snprintf(key, sizeof(key), "%s.debug", prefix);
	const struct config_entry *debug = print_find(block->print, key);

	if (debug == NULL || (strcmp(debug->text, "on") != 0 && strcmp(debug->text, "trace") != 0))
		return;
	put(block, "level", strcmp(debug->text, "on") == 0 ? "debug" : "trace", debug);
	print_done(block->print, debug);
}

static void put_file(struct block *block, const char *prefix)
{
	char key[2 * CONFIG_KEY_LENGTH_MAX];

	snprintf(key, sizeof(key), "%s.to_logfile", prefix);
	const struct config_entry *flag = print_find(block->print, key);

	snprintf(key, sizeof(key), "%s.logfile", prefix);
	const struct config_entry *file = print_find(block->print, key);

	if (flag == NULL || file == NULL || strcmp(flag->text, "yes") != 0 || *file->text != '/')
		return;
	put(block, "file", file->text, file);
	print_done(block->print, flag);
	print_done(block->print, file);
}

static void put_source(struct block *block)
{
	const struct config_entry *line = print_find(block->print, "logging.fileline");
	const struct config_entry *function = print_find(block->print, "logging.function_name");

	if (line == NULL || function == NULL || strcmp(line->text, function->text) != 0 ||
		(strcmp(line->text, "on") != 0 && strcmp(line->text, "off") != 0))
		return;
	put(block, "source", strcmp(line->text, "on") == 0 ? "yes" : "no", line);
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
		struct block block;

		if (strlen(name) > 190 || strchr(name, '\\') != NULL || strstr(name, "${") != NULL)
			continue;
		snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%s", name);
		snprintf(key, sizeof(key), "%s.subsys", prefix);
		if (print_find(print, key) == NULL)
			continue;
		if (begin(&block, print, 1) < 0)
			return -ENOMEM;
		print_done(print, print_find(print, key));
		put_level(&block, prefix);
		put_file(&block, prefix);
		put_rows(&block, "log subsystem", "logging.logger_subsys.", name, false);
		rc = end(&block, "subsystem", name, true, out);
	}
	return rc;
}

static int put_log(struct print *print)
{
	struct block block;

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_level(&block, "logging");
	put_file(&block, "logging");
	put_rows(&block, "log", "", "", true);
	put_source(&block);
	int rc = put_subsystems(print, block.lines), end_rc = end(&block, "log", NULL, false, print->out);

	return rc < 0 ? rc : end_rc;
}

/* Ids that may connect, as a list. */
static void put_ids(struct block *block, const char *name, const char *prefix)
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

static int put_access(struct print *print)
{
	struct block block;

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_ids(&block, "users", "uidgid.config.uid.");
	put_ids(&block, "groups", "uidgid.config.gid.");
	return end(&block, "access", NULL, false, print->out);
}

static int put_process(struct print *print)
{
	const struct config_entry *blackbox = print_find(print, "logging.blackbox");
	const struct config_entry *size = print_find(print, "coterie.process.blackbox_size");
	struct block block;
	char text[32];

	if (begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_key(&block, "state-dir", "system.state_dir");
	put_key(&block, "run-dir", "coterie.process.run_dir");
	if (blackbox != NULL && strcmp(blackbox->text, "off") == 0 && size == NULL) {
		put(&block, "blackbox-size", "0", blackbox);
		print_done(print, blackbox);
	} else if (size != NULL && blackbox == NULL) {
		option_size(strtoull(size->text, NULL, 10), text, sizeof(text));
		put(&block, "blackbox-size", text, size);
		print_done(print, size);
	}
	put_rows(&block, "process", "", "", true);
	return end(&block, "process", NULL, false, print->out);
}

static int put_instances(struct print *print)
{
	static const char prefix[] = "coterie.instance.";
	const struct config *config = print->config;
	int rc = 0;

	for (uint32_t i = 0; i < config->entry_count && rc == 0; i++) {
		const char *name = config->entries[i].key + strlen(prefix);
		char title[64], key[CONFIG_KEY_LENGTH_MAX + 1];
		struct block block;

		if (!print_is_open(print, i) || strncmp(config->entries[i].key, prefix, strlen(prefix)) != 0 ||
			strcspn(name, ".") > 31 || strchr(name, '.') == NULL)
			continue;
		snprintf(title, sizeof(title), "%.*s", (int)strcspn(name, "."), name);
		if (begin(&block, print, 0) < 0)
			return -ENOMEM;
		snprintf(key, sizeof(key), "%s%s.state_dir", prefix, title);
		put_key(&block, "state-dir", key);
		snprintf(key, sizeof(key), "%s%s.run_dir", prefix, title);
		put_key(&block, "run-dir", key);
		snprintf(key, sizeof(key), "%s%s.node", prefix, title);
		put_key(&block, "node", key);
		rc = end(&block, "instance", title, false, print->out);
	}
	return rc;
}

/* What has no option of its own, or a value that none can say. */
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
	if ((rc = put_quorum(print)) < 0 || (rc = put_services(print)) < 0 || (rc = put_log(print)) < 0 ||
		(rc = put_access(print)) < 0 || (rc = put_process(print)) < 0 ||
		(rc = put_instances(print)) < 0)
		return rc;
	put_keys(print);
	return 0;
}
