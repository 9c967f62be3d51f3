/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first pass over a file of coterie.conf. libconfuse stops at the first error, accepts an unclosed block, and lets
 * a repeated option win. It prints unknown names to stdout (book configuration, "Native syntax"). So this scanner reads
 * the text first, knows all names, and reports every error with its line. The scanner is the stricter of the two:
 * libconfuse reads everything that passes it without an error.
 */
#include "config/native_token.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "config/compat.h"

#define BLOCKS_MAX 1000  /* most blocks in one file */
#define SETTINGS_MAX 200 /* most settings in one block */
#define TITLE_LENGTH_MAX 200

/* Skip the rest of the line, and blocks that begin on it. */
static void skip_line(struct scanner *scanner)
{
	uint32_t line = scanner->token.line, depth = 0;

	while (scanner->ahead.kind != TOKEN_END && (scanner->ahead.line == line || depth > 0)) {
		if (scanner->ahead.kind == TOKEN_CLOSE && depth == 0)
			return;
		depth += scanner->ahead.kind == TOKEN_OPEN;
		depth -= scanner->ahead.kind == TOKEN_CLOSE;
		token_step(scanner);
	}
}

/* --- settings --- */

static uint32_t count_settings(const struct native_block *block)
{
	uint32_t count = 0;

	for (const struct native_setting *at = block->settings; at != NULL; at = at->next)
		count++;
	return count;
}

/*
 * Find the row of an option. *row is NULL for an option of a plugin. false: the option is not
 * known, and an error was reported.
 */
static bool find_row(
	struct scanner *scanner, const struct native_block *block, const char *name, const struct native_row **row)
{
	struct native *native = scanner->native;
	const char *path = block->kind == NULL ? "" : block->kind->path;
	bool is_transport = strcmp(path, "transport") == 0;
	const char *transport = is_transport && strcmp(block->title, "default") == 0 ? COMPAT_TRANSPORT : block->title;
	const struct place place = token_place(scanner, scanner->token.line);
	bool is_standard = is_transport && config_transport_is_standard(transport);

	*row = native_row_find(path, name, is_transport ? transport : NULL);
	if (*row != NULL && is_transport && !native_row_is_for(*row, transport)) {
		const char *only = (*row)->only;
		bool is_udp = strcmp(only, "udp") == 0;

		if (is_standard) {
			tree_error(native->tree, place, "transport %s has no option '%s' (%s has): remove it or %s",
				transport, name,
				is_udp                      ? "udp"
				: strchr(only, ' ') != NULL ? "udpu"
							    : only,
				is_udp ? "use 'transport udp'" : "change the transport");
			return false;
		}
		*row = NULL; /* it may be an option of another transport */
		return true;
	}
	if (*row != NULL)
		return true;
	if (block->kind != NULL && block->kind->is_open)
		return native_is_plugin_option(native, block, name, place);
	native_unknown_option(native, block, name, place);
	return false;
}

/* Store the current token as a value. */
static void note_value(struct scanner *scanner, struct native_setting *setting)
{
	struct tree *tree = scanner->native->tree;
	const struct token *token = &scanner->token;
	struct native_plain *plain = arena_take(tree->arena, sizeof(*plain));
	bool is_quoted = token->kind == TOKEN_STRING;
	size_t length = token->length - (is_quoted ? 2 : 0);
	bool is_closed = !is_quoted || (token->length >= 2 && token->at[token->length - 1] == *token->at);

	if (plain == NULL) {
		tree->is_out_of_memory = true;
		return;
	}
	if (is_closed && memchr(token->at, '\\', token->length) == NULL &&
		memmem(token->at, token->length, "${", 2) == NULL) {
		plain->text = arena_copy(tree->arena, token->at + is_quoted, length);
		tree->is_out_of_memory = tree->is_out_of_memory || plain->text == NULL;
	}
	if (setting->last_plain == NULL)
		setting->plain = plain;
	else
		setting->last_plain->next = plain;
	setting->last_plain = plain;
}

/* Read one token of a list. libconfuse allows no comment in a list. */
static void step_list(struct scanner *scanner)
{
	token_step(scanner);
	const char *at = scanner->token.at + scanner->token.length;

	if (scanner->ahead.kind != TOKEN_END && at + strspn(at, " \t\r\n") != scanner->ahead.at)
		tree_error(scanner->native->tree, token_place(scanner, scanner->token.line),
			"comment in a list: move it in front of the list");
}

/* Scan the values after '='. */
static void scan_values(struct scanner *scanner, struct native_setting *setting, const char *name)
{
	struct tree *tree = scanner->native->tree;
	const struct native_row *row = setting->row;
	char text[SHOWN_MAX + 4], example[160];

	if (scanner->ahead.kind == TOKEN_OPEN && token_is_next(scanner)) {
		struct token open;

		step_list(scanner);
		open = scanner->token;
		setting->is_list = true;
		if (row != NULL && row->option.type != COTERIE_OPT_LIST)
			tree_error(
				tree, token_place(scanner, open.line), "'%s' takes one value: remove the braces", name);
		while (scanner->ahead.kind != TOKEN_CLOSE) {
			if (!token_is_value(&scanner->ahead)) {
				if (scanner->ahead.kind == TOKEN_END)
					tree_error(tree, token_place(scanner, open.line),
						"list opened here is not closed: add '}'");
				else
					tree_error(tree, token_place(scanner, scanner->ahead.line),
						"unexpected '%s' in a list: write {a, b}",
						token_shown(&scanner->ahead, text));
				skip_line(scanner);
				return;
			}
			step_list(scanner);
			note_value(scanner, setting);
			if (scanner->ahead.kind == TOKEN_COMMA) {
				step_list(scanner);
				if (scanner->ahead.kind == TOKEN_CLOSE)
					tree_error(tree, token_place(scanner, scanner->token.line),
						"the list ends with ',': remove it");
			} else if (token_is_value(&scanner->ahead)) {
				tree_error(tree, token_place(scanner, scanner->ahead.line),
					"'%s' in a list without ',' before it: write {a, b}",
					token_shown(&scanner->ahead, text));
			}
		}
		token_step(scanner);
	} else if (token_is_value(&scanner->ahead) && token_is_next(scanner)) {
		token_step(scanner);
		note_value(scanner, setting);
	} else {
		native_example(row, name, example, sizeof(example));
		tree_error(tree, token_place(scanner, scanner->token.line), "'%s' has no value: write '%s'", name,
			example);
		if (scanner->ahead.line == scanner->token.line)
			skip_line(scanner);
	}
}

/* Scan NAME = VALUE. The current token is the name. */
static void scan_setting(struct scanner *scanner, struct native_block *block)
{
	struct native *native = scanner->native;
	struct tree *tree = native->tree;
	struct native_setting *setting = arena_take(tree->arena, sizeof(*setting));
	const char *written = arena_copy(tree->arena, scanner->token.at, scanner->token.length);

	if (setting == NULL || written == NULL) {
		tree->is_out_of_memory = true;
		return;
	}
	setting->place = token_place(scanner, scanner->token.line);
	setting->name = written;
	bool is_known = find_row(scanner, block, written, &setting->row);

	token_step(scanner); /* skip = or += */
	setting->is_append = scanner->token.kind == TOKEN_APPEND;
	if (setting->is_append && setting->row != NULL && setting->row->option.type != COTERIE_OPT_LIST)
		tree_error(tree, setting->place, "'%s' takes one value: write '=' for '+='", written);
	scan_values(scanner, setting, written);
	if (!is_known)
		return;
	const struct native_setting *earlier = native_setting_named(block, written);

	if (earlier != NULL && !setting->is_append) {
		tree_error(tree, setting->place, "'%s' is already set at %s:%u: keep one", written, earlier->place.file,
			earlier->place.line);
		return;
	}
	if (count_settings(block) == SETTINGS_MAX) {
		tree_error(tree, setting->place, "more than %d options in one block: remove some", SETTINGS_MAX);
		return;
	}
	if (block->last_setting == NULL)
		block->settings = setting;
	else
		block->last_setting->next = setting;
	block->last_setting = setting;
}

/* --- blocks --- */

static void scan_items(struct scanner *scanner, struct native_block *block, uint32_t depth);

/* Skip a block of an unknown kind up to its end, without a look at its content. */
static void skip_block(struct scanner *scanner, const char *name, uint32_t line)
{
	uint32_t depth = 1;

	while (depth > 0 && scanner->ahead.kind != TOKEN_END) {
		token_step(scanner);
		depth += scanner->token.kind == TOKEN_OPEN;
		depth -= scanner->token.kind == TOKEN_CLOSE;
	}
	if (depth > 0)
		tree_error(scanner->native->tree, token_place(scanner, line),
			"block '%s' opened here is not closed: add '}'", name);
}

/*
 * Return the text of a title or pattern without escapes and variables. NULL: it has some, and an
 * error was reported.
 */
static const char *plain_text(struct scanner *scanner, const struct token *token)
{
	bool is_quoted = token->kind == TOKEN_STRING;
	const char *at = token->at + is_quoted;
	size_t length = token->length - (is_quoted ? 2 : 0);
	struct tree *tree = scanner->native->tree;
	char text[SHOWN_MAX + 4];

	if (is_quoted && (token->length < 2 || token->at[token->length - 1] != token->at[0]))
		return NULL; /* the string is not closed, which was reported */
	if (memchr(at, '\\', length) != NULL || memmem(at, length, "${", 2) != NULL || length > TITLE_LENGTH_MAX) {
		tree_error(tree, token_place(scanner, token->line),
			"%s cannot stand here: write plain text of at most %d characters", token_shown(token, text),
			TITLE_LENGTH_MAX);
		return NULL;
	}
	const char *copy = arena_copy(tree->arena, at, length);

	tree->is_out_of_memory = tree->is_out_of_memory || copy == NULL;
	return copy;
}

static struct native_block *find_block(
	const struct native_block *parent, const struct native_kind *kind, const char *title)
{
	for (struct native_block *at = parent->blocks; at != NULL; at = at->next)
		if (at->kind == kind && (title == NULL || strcmp(at->title, title) == 0))
			return at;
	return NULL;
}

/*
 * Open a block. A block of a kind without titles may be opened again, others may not. NULL: an
 * error was reported.
 */
static struct native_block *take_block(struct scanner *scanner, struct native_block *parent,
	const struct native_kind *kind, const char *title, uint32_t line)
{
	struct tree *tree = scanner->native->tree;
	struct native_block *block = find_block(parent, kind, title);

	if (block != NULL && title == NULL)
		return block;
	if (block != NULL) {
		tree_error(tree, token_place(scanner, line),
			"%s '%s' is already defined at %s:%u: give each %s one block", kind->name, title,
			block->place.file, block->place.line, kind->name);
		return NULL;
	}
	if (scanner->block_count++ == BLOCKS_MAX) {
		tree_error(
			tree, token_place(scanner, line), "more than %d blocks in one file: remove some", BLOCKS_MAX);
		return NULL;
	}
	block = native_block_add(tree, parent,
		&(struct native_block){.kind = kind, .title = title, .place = token_place(scanner, line)});
	tree->is_out_of_memory = tree->is_out_of_memory || block == NULL;
	return block;
}

/* Scan NAME [TITLE] {. The current token is the name. */
static void scan_block(struct scanner *scanner, struct native_block *parent, uint32_t depth)
{
	struct native *native = scanner->native;
	struct tree *tree = native->tree;
	struct token name = scanner->token, title = {.kind = TOKEN_END};
	char text[SHOWN_MAX + 4], path[256];
	const char *parent_path = parent->kind == NULL ? "" : parent->kind->path;

	if (token_is_value(&scanner->ahead)) {
		token_step(scanner);
		title = scanner->token;
	}
	token_step(scanner); /* skip { */
	token_shown(&name, text);
	snprintf(path, sizeof(path), "%s%s%s", parent_path, *parent_path == '\0' ? "" : " ", text);
	const struct native_kind *kind = native_kind_find(path);

	if (kind == NULL || depth == NATIVE_DEPTH_MAX) {
		native_unknown_block(native, parent, text, token_place(scanner, name.line));
		skip_block(scanner, text, name.line);
		return;
	}
	const char *plain = title.kind == TOKEN_END ? NULL : plain_text(scanner, &title);
	bool is_wrong = title.kind != TOKEN_END && plain == NULL;

	if (kind->title == NULL && title.kind != TOKEN_END) {
		tree_error(tree, token_place(scanner, name.line), "block '%s' takes no name: write '%s {'", kind->name,
			kind->name);
		is_wrong = true;
	} else if (kind->title != NULL && title.kind == TOKEN_END) {
		tree_error(tree, token_place(scanner, name.line), "block '%s' needs a name: write '%s %s {'",
			kind->name, kind->name, kind->title);
		is_wrong = true;
	}
	struct native_block *block = is_wrong ? NULL : take_block(scanner, parent, kind, plain, name.line);
	struct native_block unused = {.parent = parent, .kind = kind, .title = kind->title == NULL ? NULL : "?"};

	/* Scan the items of a misplaced block as well, to report the errors in them. */
	scan_items(scanner, block == NULL ? &unused : block, depth + 1);
	if (scanner->token.kind != TOKEN_CLOSE)
		tree_error(tree, token_place(scanner, name.line), "block '%s' opened here is not closed: add '}'",
			kind->name);
}

/* Scan include("PATTERN"). The current token is `include`. */
static void scan_include(struct scanner *scanner, const struct native_block *block)
{
	struct tree *tree = scanner->native->tree;
	uint32_t line = scanner->token.line;
	struct native_include *include = arena_take(tree->arena, sizeof(*include));

	token_step(scanner); /* skip ( */
	if (include == NULL) {
		tree->is_out_of_memory = true;
		return;
	}
	include->place = token_place(scanner, line);
	if (token_is_value(&scanner->ahead)) {
		token_step(scanner);
		include->pattern = plain_text(scanner, &scanner->token);
		if (scanner->ahead.kind == TOKEN_RIGHT) {
			token_step(scanner);
			if (block->kind != NULL) {
				tree_error(tree, include->place, "'include' in block '%s': move it to the top level",
					block->kind->name);
				return;
			}
			if (include->pattern == NULL)
				return;
			if (scanner->file->last_include == NULL)
				scanner->file->includes = include;
			else
				scanner->file->last_include->next = include;
			scanner->file->last_include = include;
			return;
		}
	}
	tree_error(tree, include->place, "'include' without a file: write include(\"FILE\")");
	skip_line(scanner);
}

/* Report a word that is not followed by '=' or '{'. */
static void refuse_word(struct scanner *scanner, const struct native_block *block, const struct token *previous)
{
	struct tree *tree = scanner->native->tree;
	const struct token *word = &scanner->token;
	const struct place place = token_place(scanner, word->line);
	char text[SHOWN_MAX + 4], before[SHOWN_MAX + 4], name[SHOWN_MAX + 4], example[160];

	token_shown(word, text);
	if (previous->kind == TOKEN_WORD && previous->line == word->line) {
		token_shown(previous, before);
		if (strspn(before, "0123456789.") == strlen(before) && strspn(text, "smhdKMGB%") > 0)
			tree_error(tree, place, "unexpected '%s' after '%s': write '%s%s' without a space", text,
				before, before, text);
		else
			tree_error(tree, place, "unexpected '%s' after '%s': put a value with blanks into quotes", text,
				before);
		return;
	}
	if (word->kind == TOKEN_WORD && word->length > 1 && word->at[word->length - 1] == ':') {
		snprintf(name, sizeof(name), "%.*s", (int)strlen(text) - 1, text);
		native_example(native_row_find(block->kind == NULL ? "" : block->kind->path, name, NULL), name, example,
			sizeof(example));
		tree_error(tree, place, "':' after '%s': write '%s', or use --format corosync for a corosync.conf file",
			name, example);
	} else {
		tree_error(tree, place, "'%s' is neither an option nor a block: write 'OPTION = VALUE'", text);
	}
	skip_line(scanner);
}

static void scan_item(struct scanner *scanner, struct native_block *block, uint32_t depth, const struct token *previous)
{
	const struct token *token = &scanner->token;
	char text[SHOWN_MAX + 4];

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING) {
		tree_error(scanner->native->tree, token_place(scanner, token->line), "unexpected '%s': remove it",
			token_shown(token, text));
		return;
	}
	bool is_colon = token->length > 1 && token->at[token->length - 1] == ':';

	if (token->kind == TOKEN_STRING || is_colon) {
		refuse_word(scanner, block, previous);
		return;
	}
	if (!token_is_next(scanner)) {
		if (scanner->ahead.kind == TOKEN_OPEN) {
			tree_error(scanner->native->tree, token_place(scanner, scanner->ahead.line),
				"'{' stands apart from '%s': put it behind it, on the same line",
				token_shown(token, text));
			scan_block(scanner, block, depth);
			return;
		}
		refuse_word(scanner, block, previous);
		return;
	}
	switch (scanner->ahead.kind) {
	case TOKEN_EQUALS:
	case TOKEN_APPEND:
		scan_setting(scanner, block);
		return;
	case TOKEN_OPEN:
		scan_block(scanner, block, depth);
		return;
	case TOKEN_LEFT:
		if (token->length == 7 && memcmp(token->at, "include", 7) == 0) {
			scan_include(scanner, block);
			return;
		}
		break;
	case TOKEN_WORD:
	case TOKEN_STRING: {
		/*
		 * A title, if '{' follows. The scanner does not see that token yet, so look at the
		 * text.
		 */
		const char *next = scanner->at + strspn(scanner->at, " \t");

		if (*next == '{') {
			scan_block(scanner, block, depth);
			return;
		}
		break;
	}
	case TOKEN_END:
	case TOKEN_CLOSE:
	case TOKEN_COMMA:
	case TOKEN_RIGHT:
		break;
	}
	refuse_word(scanner, block, previous);
}

/* Scan items up to the end of the block or of the file. */
static void scan_items(struct scanner *scanner, struct native_block *block, uint32_t depth)
{
	struct tree *tree = scanner->native->tree;
	struct token previous = {.kind = TOKEN_END};

	while (!tree->is_out_of_memory) {
		token_step(scanner);
		if (scanner->token.kind == TOKEN_END)
			return;
		if (scanner->token.kind == TOKEN_CLOSE && depth > 0)
			return;
		if (scanner->token.kind == TOKEN_CLOSE)
			tree_error(tree, token_place(scanner, scanner->token.line),
				"'}' without an open block: remove it");
		else
			scan_item(scanner, block, depth, &previous);
		previous = scanner->token;
	}
}

void native_scan(struct native *native, struct native_file *file)
{
	struct scanner scanner = {.native = native, .file = file, .at = file->bytes, .line = 1};
	const char *zero = memchr(file->bytes, '\0', file->size);

	if (zero != NULL) {
		for (const char *at = file->bytes; at < zero; at++)
			scanner.line += *at == '\n';
		tree_error(native->tree, token_place(&scanner, scanner.line), "not a text file: NUL byte");
		return;
	}
	token_ahead(&scanner);
	scan_items(&scanner, &file->top, 0);
}
