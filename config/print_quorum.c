/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the block `quorum`: provider, tie breaker, device and its heuristics. */
#include "config/print_block.h"

#include <errno.h>
#include <string.h>

#include "config/compat.h"

static void put_provider(struct print_block *block)
{
	const struct config *config = block->print->config;
	const struct config_entry *entry = print_find(block->print, "quorum.provider");

	if (entry != NULL && strcmp(compat_provider_plugin(entry->text), entry->text) != 0) {
		print_block_set(block, "provider", compat_provider_plugin(entry->text), entry);
		print_done(block->print, entry);
	} else if (entry != NULL && strcmp(config_provider_name(entry->text), entry->text) == 0 &&
		   strcmp(entry->text, "none") != 0) {
		print_block_key(block, "provider", "quorum.provider");
	} else if (entry == NULL && config->is_provider_default) {
		print_block_default(block, "provider", COMPAT_PROVIDER, "default");
	} else if (entry == NULL) {
		print_tabs(block->lines, 1);
		fputs("provider = none\n", block->lines);
		block->set_count++;
	}
}

static void put_tie_breaker(struct print_block *block)
{
	const struct config_entry *flag = print_find(block->print, "quorum.auto_tie_breaker");
	const struct config_entry *node = print_find(block->print, "quorum.auto_tie_breaker_node");
	bool is_on = flag != NULL && strcmp(flag->text, "1") == 0;

	if (flag == NULL || (!is_on && strcmp(flag->text, "0") != 0))
		return;
	print_done(block->print, flag);
	if (!is_on) {
		print_block_set(block, "auto-tie-breaker", "no", flag);
		return;
	}
	bool is_usual = node != NULL && *node->text != '\0' &&
			(strcmp(node->text, "lowest") == 0 || strcmp(node->text, "highest") == 0 ||
				strspn(node->text, "0123456789 ") == strlen(node->text));

	print_block_set(block, "auto-tie-breaker", is_usual ? node->text : "yes", flag);
	if (is_usual)
		print_done(block->print, node);
}

static int put_heuristics(struct print *print, FILE *out)
{
	static const char prefix[] = "quorum.device.heuristics.exec_";
	const struct config *config = print->config;
	struct print_block block;
	bool is_first = true;

	if (print_block_begin(&block, print, 2) < 0)
		return -ENOMEM;
	print_block_rows(&block, "quorum device heuristics", "", "", false);
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
	return print_block_end(&block, "heuristics", NULL, false, out);
}

static int put_device(struct print *print, FILE *out)
{
	const struct config_entry *model = print_find(print, "quorum.device.model");
	struct print_block block;

	if (model == NULL || *model->text == '\0')
		return 0;
	if (print_block_begin(&block, print, 1) < 0)
		return -ENOMEM;
	print_done(print, model);
	print_block_rows(&block, "quorum device", "", "", false);
	int rc = put_heuristics(print, block.lines), end_rc = print_block_end(&block, "device", model->text, true, out);

	return rc < 0 ? rc : end_rc;
}

int print_quorum(struct print *print)
{
	struct print_block block;

	if (print_block_begin(&block, print, 0) < 0)
		return -ENOMEM;
	put_provider(&block);
	put_tie_breaker(&block);
	print_block_rows(&block, "quorum", "", "", print->config->quorum_provider != NULL);
	int rc = put_device(print, block.lines), end_rc = print_block_end(&block, "quorum", NULL, false, print->out);

	return rc < 0 ? rc : end_rc;
}
