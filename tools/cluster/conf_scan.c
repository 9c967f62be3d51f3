/*
 * Find blocks and options of a coterie.conf. The tokens are read as the daemon reads them. The daemon's check of the
 * new file finds any mistake of this scanner.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_END, KIND_WORD, KIND_STRING, KIND_SIGN, KIND_BAD };

struct token {
	enum kind kind;
	struct conf_range range;
};

struct scanner {
	struct conf_text *scanned;
	size_t at;
	struct token token, ahead; /* the current token and the next one */
	char *why;
	size_t why_size;
};

/* --- tokens --- */

static bool is_word_byte(unsigned char byte)
{
	return byte > ' ' && byte != 0x7f && strchr("\"'(){}=,+#*\\", byte) == NULL;
}

/* Return the offset behind blanks and comments. */
static size_t skip_blank(const char *text, size_t at)
{
	for (;;) {
		at += strspn(text + at, " \t\r\n");
		if (text[at] == '#' || (text[at] == '/' && text[at + 1] == '/')) {
			at += strcspn(text + at, "\n");
		} else if (text[at] == '/' && text[at + 1] == '*') {
			const char *end = strstr(text + at + 2, "*/");

			at = end == NULL ? at + strlen(text + at) : (size_t)(end - text) + 2;
		} else {
			return at;
		}
	}
}

static size_t string_end(const char *text, size_t at)
{
	char quote = text[at++];

	while (text[at] != quote && text[at] != '\n' && text[at] != '\0')
		at += text[at] == '\\' && text[at + 1] != '\0' && text[at + 1] != '\n' ? 2 : 1;
	return text[at] == quote ? at + 1 : SIZE_MAX;
}

/* Return the offset behind a word. SIZE_MAX: a variable is not closed. */
static size_t word_end(const char *text, size_t at)
{
	for (;;) {
		if (text[at] == '$' && text[at + 1] == '{') {
			at += strcspn(text + at, "}\n");
			if (text[at] != '}')
				return SIZE_MAX;
			at++;
		} else if (is_word_byte((unsigned char)text[at])) {
			at++;
		} else {
			return at;
		}
	}
}

static void step(struct scanner *scanner)
{
	const char *text = scanner->scanned->text;
	size_t at = skip_blank(text, scanner->at), end = at + 1;
	enum kind kind = KIND_SIGN;

	if (text[at] == '\0') {
		kind = KIND_END;
		end = at;
	} else if (text[at] == '"' || text[at] == '\'') {
		kind = KIND_STRING;
		end = string_end(text, at);
	} else if (is_word_byte((unsigned char)text[at])) {
		kind = KIND_WORD;
		end = word_end(text, at);
	} else if (strchr("{}=,()+", text[at]) == NULL) {
		kind = KIND_BAD;
	} else if (text[at] == '+') {
		kind = text[at + 1] == '=' ? KIND_SIGN : KIND_BAD;
		end = at + 2;
	}
	if (end == SIZE_MAX || kind == KIND_BAD) {
		kind = KIND_BAD;
		end = at;
	}
	scanner->token = scanner->ahead;
	scanner->ahead = (struct token){kind, {at, end}};
	scanner->at = end;
}

static bool is_sign(const struct scanner *scanner, const struct token *token, char sign)
{
	return token->kind == KIND_SIGN && scanner->scanned->text[token->range.from] == sign;
}

static bool is_value(const struct token *token) { return token->kind == KIND_WORD || token->kind == KIND_STRING; }

static int fail(struct scanner *scanner, const char *what)
{
	const char *text = scanner->scanned->text;
	size_t line = 1;

	for (size_t i = 0; i < scanner->token.range.from; i++)
		line += text[i] == '\n';
	snprintf(scanner->why, scanner->why_size, "line %zu: %s: 'coterie -t' says more", line, what);
	return -EINVAL;
}

/* --- settings and blocks --- */

static int add_setting(struct scanner *scanner, const struct conf_setting *setting)
{
	struct conf_text *scanned = scanner->scanned;
	struct conf_setting *more = realloc(scanned->settings, (scanned->setting_count + 1) * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	scanned->settings = more;
	more[scanned->setting_count++] = *setting;
	return 0;
}

/* Scan a setting. At the beginning the current token is its name, at the end the last token of its value. */
static int scan_setting(struct scanner *scanner, size_t block, bool is_kept)
{
	struct conf_setting setting = {.block = block, .name = scanner->token.range};

	step(scanner); /* the sign is = or += */
	setting.is_append = is_sign(scanner, &scanner->token, '+');
	step(scanner);
	setting.value = scanner->token.range;
	if (is_sign(scanner, &scanner->token, '{')) {
		while (!is_sign(scanner, &scanner->token, '}')) {
			if (!is_value(&scanner->ahead) && !is_sign(scanner, &scanner->ahead, ',') &&
				!is_sign(scanner, &scanner->ahead, '}'))
				return fail(scanner, "a list that is not closed");
			step(scanner);
		}
		setting.value.to = scanner->token.range.to;
	} else if (!is_value(&scanner->token)) {
		return fail(scanner, "an option without a value");
	}
	return is_kept ? add_setting(scanner, &setting) : 0;
}

/* Return the text of a title, without quotes. */
static struct conf_range title_of(const struct token *token)
{
	bool is_quoted = token->kind == KIND_STRING;

	return (struct conf_range){token->range.from + is_quoted, token->range.to - is_quoted};
}

static int add_block(struct scanner *scanner, const struct conf_block *block)
{
	struct conf_text *scanned = scanner->scanned;
	struct conf_block *more = realloc(scanned->blocks, (scanned->block_count + 1) * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	scanned->blocks = more;
	more[scanned->block_count++] = *block;
	return 0;
}

/* Scan the contents of a block. At the beginning the current token is '{', at the end the matching '}'. */
static int scan_items(struct scanner *scanner, size_t block, bool is_quorum)
{
	size_t depth = 1;
	int rc = 0;

	while (depth > 0 && rc == 0) {
		step(scanner);
		if (is_sign(scanner, &scanner->token, '}'))
			depth--;
		else if (!is_value(&scanner->token))
			return fail(scanner, "a block that is not closed, or a character that cannot stand here");
		else if (is_sign(scanner, &scanner->ahead, '=') || is_sign(scanner, &scanner->ahead, '+'))
			rc = scan_setting(scanner, block, depth == 1);
		else {
			scanner->scanned->has_device =
				scanner->scanned->has_device ||
				(is_quorum && depth == 1 && conf_is(scanner->scanned, scanner->token.range, "device"));
			while (is_value(&scanner->ahead))
				step(scanner);
			step(scanner);
			if (!is_sign(scanner, &scanner->token, '{'))
				return fail(scanner, "a word that is neither an option nor a block");
			depth++;
		}
	}
	return rc;
}

static int scan_block(struct scanner *scanner)
{
	struct conf_block block = {.kind = scanner->token.range, .whole = scanner->token.range};

	if (is_value(&scanner->ahead)) {
		step(scanner);
		block.title = title_of(&scanner->token);
	}
	step(scanner);
	if (!is_sign(scanner, &scanner->token, '{'))
		return fail(scanner, "a word that is neither an option nor a block");
	block.open = scanner->token.range.to;
	int rc = add_block(scanner, &block);

	if (rc == 0)
		rc = scan_items(
			scanner, scanner->scanned->block_count - 1, conf_is(scanner->scanned, block.kind, "quorum"));
	if (rc == 0)
		scanner->scanned->blocks[scanner->scanned->block_count - 1].whole.to = scanner->token.range.to;
	return rc;
}

static int scan_include(struct scanner *scanner)
{
	scanner->scanned->has_includes = true;
	while (!is_sign(scanner, &scanner->token, ')')) {
		if (scanner->ahead.kind == KIND_END || scanner->ahead.kind == KIND_BAD)
			return fail(scanner, "an include that is not closed");
		step(scanner);
	}
	return 0;
}

int conf_scan(const char *text, struct conf_text *scanned, char *why, size_t size)
{
	struct scanner scanner = {.scanned = scanned, .why = why, .why_size = size};
	int rc = 0;

	*scanned = (struct conf_text){.text = text};
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		scanner.at = 3;
	step(&scanner);
	while (rc == 0 && scanner.ahead.kind != KIND_END) {
		step(&scanner);
		if (scanner.token.kind != KIND_WORD)
			rc = fail(&scanner, "a character that cannot stand here");
		else if (is_sign(&scanner, &scanner.ahead, '=') || is_sign(&scanner, &scanner.ahead, '+'))
			rc = scan_setting(&scanner, SIZE_MAX, true);
		else if (is_sign(&scanner, &scanner.ahead, '('))
			rc = scan_include(&scanner);
		else
			rc = scan_block(&scanner);
	}
	if (rc == -ENOMEM)
		snprintf(why, size, "out of memory");
	return rc;
}

void conf_text_fini(struct conf_text *scanned)
{
	free(scanned->blocks);
	free(scanned->settings);
	scanned->blocks = NULL;
	scanned->settings = NULL;
}

/* --- finding blocks and settings --- */

bool conf_is(const struct conf_text *scanned, struct conf_range range, const char *word)
{
	size_t length = strlen(word);

	return range.to - range.from == length && memcmp(scanned->text + range.from, word, length) == 0;
}

size_t conf_find_block(const struct conf_text *scanned, const char *kind, const char *title)
{
	for (size_t i = 0; i < scanned->block_count; i++)
		if (conf_is(scanned, scanned->blocks[i].kind, kind) &&
			(title == NULL || conf_is(scanned, scanned->blocks[i].title, title)))
			return i;
	return SIZE_MAX;
}

const struct conf_setting *conf_find_setting(const struct conf_text *scanned, size_t block, const char *name)
{
	for (size_t i = 0; i < scanned->setting_count; i++)
		if (scanned->settings[i].block == block && conf_is(scanned, scanned->settings[i].name, name))
			return &scanned->settings[i];
	return NULL;
}

int conf_plain_value(const struct conf_text *scanned, struct conf_range value, char *text, size_t size)
{
	const char *at = scanned->text + value.from;
	size_t length = value.to - value.from;

	if (length > 0 && (*at == '"' || *at == '\'')) {
		at++;
		length -= 2;
	}
	if (length >= size || memchr(at, '\\', length) != NULL || memchr(at, '$', length) != NULL ||
		(length > 0 && *at == '{'))
		return -EINVAL;
	memcpy(text, at, length);
	text[length] = '\0';
	return 0;
}
