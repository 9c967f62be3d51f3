/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libconfuse reads the values. The table for libconfuse is made for each file, of the names that the
 * scanner found there: they include options of plugins, and an unknown name would end the parse. Every
 * value is a string, and native_value.c converts it to its type. libconfuse keeps its lexer in global
 * variables, so files are parsed one after the other. The start does that on the main thread, a
 * reload on the helper thread.
 */
#include "config/native.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX \
	250 /* names in all blocks of one kind. The scanner and the table stay below
			 * this limit */

/*
 * Every section has one option that a file cannot name. Its value leads from libconfuse's section back to struct parse.
 */
#define HOOK " hook"

struct parse {
	char *hook; /* first member: libconfuse stores this pointer, and its address is the address of the struct */
	struct native *native;
	const struct native_file *file;
};

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	cfg_opt_t *hook = cfg_getopt(cfg, HOOK);
	char text[256];

	if (hook == NULL)
		return;
	const struct parse *parse = (const void *)hook->simple_value.string;

	vsnprintf(text, sizeof(text), format, arguments);
	tree_error(parse->native->tree, (struct place){parse->file->path, cfg->line > 0 ? (uint32_t)cfg->line : 0},
		"%s: correct this line", text);
}

/* The scanner has already noted the included file. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)cfg, (void)opt, (void)argc, (void)argv;
	return 0;
}

static bool is_list(const struct native_setting *setting)
{
	return setting->is_list || setting->is_append ||
	       (setting->row != NULL && setting->row->option.type == COTERIE_OPT_LIST);
}

static cfg_opt_t *find_option(cfg_opt_t *options, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/*
 * Make the option table for all blocks of one kind, which contains the names of each block. NULL:
 * out of memory.
 */
static cfg_opt_t *make_table(struct parse *parse, const struct native_block *const *blocks, uint32_t count);

static int add_sections(
	struct parse *parse, const struct native_block *const *blocks, uint32_t count, cfg_opt_t *table, uint32_t *used)
{
	struct arena *arena = parse->native->tree->arena;
	uint32_t children = 0;

	for (uint32_t i = 0; i < count; i++)
		for (const struct native_block *at = blocks[i]->blocks; at != NULL; at = at->next)
			children++;
	const struct native_block **same = arena_take(arena, (children + 1) * sizeof(*same));

	if (same == NULL)
		return -ENOMEM;
	for (uint32_t k = 0; native_kind_at(k) != NULL; k++) {
		const struct native_kind *kind = native_kind_at(k);
		uint32_t found = 0;

		for (uint32_t i = 0; i < count; i++)
			for (const struct native_block *at = blocks[i]->blocks; at != NULL; at = at->next)
				if (at->kind == kind)
					same[found++] = at;
		if (found == 0 || *used == OPTIONS_MAX)
			continue;
		cfg_opt_t *inner = make_table(parse, same, found);

		if (inner == NULL)
			return -ENOMEM;
		cfg_opt_t section = CFG_SEC(
			kind->name, inner, kind->title != NULL ? CFGF_MULTI | CFGF_TITLE : CFGF_NONE);

		table[(*used)++] = section;
	}
	return 0;
}

static cfg_opt_t *make_table(struct parse *parse, const struct native_block *const *blocks, uint32_t count)
{
	cfg_opt_t *table = arena_take(parse->native->tree->arena, (OPTIONS_MAX + 4) * sizeof(*table));
	cfg_opt_t hook = CFG_SIMPLE_STR(HOOK, &parse->hook), end = CFG_END();
	uint32_t used = 0;

	if (table == NULL)
		return NULL;
	table[used++] = hook;
	for (uint32_t i = 0; i < count; i++) {
		for (const struct native_setting *at = blocks[i]->settings; at != NULL; at = at->next) {
			cfg_opt_t *known = find_option(table, used, at->name);
			cfg_opt_t scalar = CFG_STR(at->name, NULL, CFGF_NODEFAULT);
			cfg_opt_t list = CFG_STR_LIST(at->name, NULL, CFGF_NODEFAULT);

			if (known == NULL && used == OPTIONS_MAX) {
				tree_error(parse->native->tree, at->place, "too many different options: remove some");
				continue;
			}
			if (known == NULL)
				known = &table[used++];
			else if (!is_list(at))
				continue;
			*known = is_list(at) ? list : scalar;
		}
	}
	if (add_sections(parse, blocks, count, table, &used) < 0)
		return NULL;
	if (blocks[0]->kind == NULL) {
		cfg_opt_t include = CFG_FUNC("include", on_include);

		table[used++] = include;
	}
	table[used] = end;
	return table;
}

/* --- values --- */

static int take_values(struct tree *tree, cfg_t *section, struct native_setting *setting)
{
	cfg_opt_t *option = cfg_getopt(section, setting->name);
	uint32_t count = option == NULL ? 0 : cfg_opt_size(option);

	setting->values = arena_take(tree->arena, (count + 1) * sizeof(*setting->values));
	if (setting->values == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const char *text = cfg_opt_getnstr(option, i);
		const char *copy = text == NULL ? "" : arena_copy(tree->arena, text, strlen(text));

		if (copy == NULL)
			return -ENOMEM;
		setting->values[i] = copy;
	}
	setting->count = count;
	return 0;
}

static int take_block(struct tree *tree, cfg_t *section, struct native_block *block)
{
	int rc = 0;

	for (struct native_setting *at = block->settings; at != NULL && rc == 0; at = at->next) {
		bool is_first = true;

		/*
		 * The first setting of an option already contains the values that `+=` adds in the
		 * same file.
		 */
		for (const struct native_setting *before = block->settings; before != at; before = before->next)
			is_first = is_first && strcmp(before->name, at->name) != 0;
		if (is_first)
			rc = take_values(tree, section, at);
	}
	for (struct native_block *at = block->blocks; at != NULL && rc == 0; at = at->next) {
		cfg_t *inner = NULL;
		uint32_t index = 0;

		for (const struct native_block *before = block->blocks; before != at; before = before->next)
			index += before->kind == at->kind;
		inner = cfg_getnsec(section, at->kind->name, at->kind->title != NULL ? index : 0);
		if (inner == NULL)
			tree_error(tree, at->place, "block '%s' was not understood: simplify it", at->kind->name);
		else
			rc = take_block(tree, inner, at);
	}
	return rc;
}

/* Read the plain values. A setting with a value that is not plain is left out. */
static int take_plain(struct tree *tree, struct native_block *block)
{
	int rc = 0;

	for (struct native_setting *at = block->settings; at != NULL; at = at->next) {
		uint32_t count = 0;
		bool is_plain = true;

		for (const struct native_plain *plain = at->plain; plain != NULL; plain = plain->next) {
			is_plain = is_plain && plain->text != NULL;
			count++;
		}
		if (!is_plain || count == 0)
			continue;
		at->values = arena_take(tree->arena, count * sizeof(*at->values));
		if (at->values == NULL)
			return -ENOMEM;
		for (const struct native_plain *plain = at->plain; plain != NULL; plain = plain->next)
			at->values[at->count++] = plain->text;
	}
	for (struct native_block *at = block->blocks; at != NULL && rc == 0; at = at->next)
		rc = take_plain(tree, at);
	return rc;
}

int native_parse(struct native *native, struct native_file *file)
{
	if (native->tree->is_partial)
		return take_plain(native->tree, &file->top);

	struct parse parse = {.native = native, .file = file};
	const struct native_block *const blocks[] = {&file->top};
	cfg_opt_t *table = make_table(&parse, blocks, 1);
	cfg_t *cfg = table == NULL ? NULL : cfg_init(table, CFGF_NONE);

	if (cfg == NULL)
		return -ENOMEM;
	cfg_set_error_function(cfg, on_error);
	int rc = cfg_parse_buf(cfg, file->bytes);

	if (rc != CFG_SUCCESS && !native->tree->has_error)
		tree_error(native->tree, (struct place){.file = file->path},
			"libconfuse does not understand this file: simplify it");
	rc = rc == CFG_SUCCESS ? take_block(native->tree, cfg, &file->top) : 0;
	cfg_free(cfg);
	return rc;
}
