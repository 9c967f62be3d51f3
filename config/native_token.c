/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tokens of coterie.conf: words, strings, signs and comments. Also finds out which of the two syntaxes
 * a text has. Text that libconfuse would read differently, or print, is refused here.
 */
#include "config/native_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place token_place(const struct scanner *scanner, uint32_t line)
{
	return (struct place){scanner->file->path, line};
}

static bool is_word_byte(unsigned char byte)
{
	return byte > ' ' && byte != 0x7f && strchr("\"'(){}=,+#*\\", byte) == NULL;
}

static void check_variable(struct scanner *scanner, const char *name, size_t length)
{
	char text[SHOWN_MAX + 1];
	const char *otherwise = memchr(name, ':', length);
	size_t size = otherwise != NULL && otherwise[1] == '-' ? (size_t)(otherwise - name) : length;

	snprintf(text, sizeof(text), "%.*s", (int)(size < SHOWN_MAX ? size : SHOWN_MAX), name);
	if (size > SHOWN_MAX || size == 0)
		tree_error(scanner->native->tree, token_place(scanner, scanner->line),
			"'%s' is not the name of an environment variable: correct it", text);
	else if (size == length && getenv(text) == NULL)
		tree_error(scanner->native->tree, token_place(scanner, scanner->line),
			"environment variable '%s' is not set: set it or write '${%s:-default}'", text, text);
}

/* Return the length of ${NAME} or ${NAME:-default}, or 0 if it is not closed on its line. */
static size_t variable_length(const char *at)
{
	size_t length = strcspn(at, "}\n\"'\\");

	return at[length] == '}' ? length + 1 : 0;
}

/* Scan a quoted string. It must end on its line, and its escapes must be known ones. */
static void scan_string(struct scanner *scanner)
{
	struct tree *tree = scanner->native->tree;
	const char *at = scanner->at + 1;
	char quote = *scanner->at;

	while (*at != quote && *at != '\n' && *at != '\0') {
		size_t size = 1;

		if (*at == '\\' && quote == '"' && at[1] == 'x') {
			bool is_hex = strspn(at + 2, "0123456789abcdefABCDEF") >= 2 && (at[2] != '0' || at[3] != '0');

			if (!is_hex)
				tree_error(tree, token_place(scanner, scanner->line),
					"'\\x' needs two hexadecimal digits, not 00: correct it");
			size = is_hex ? 4 : 2;
		} else if (*at == '\\' && at[1] != '\0' && at[1] != '\n') {
			if (strchr(quote == '"' ? "nt\"\\$'" : "'\\", at[1]) == NULL)
				tree_error(tree, token_place(scanner, scanner->line),
					"'\\%c' means nothing in a string: write '\\\\' for a backslash", at[1]);
			size = 2;
		} else if (quote == '"' && at[0] == '$' && at[1] == '{') {
			size = variable_length(at);
			if (size == 0)
				tree_error(tree, token_place(scanner, scanner->line),
					"'${' is not closed in this string: write '${NAME}', or '\\$' for a "
					"dollar sign");
			else
				check_variable(scanner, at + 2, size - 3);
			size = size == 0 ? 2 : size;
		} else if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
			tree_error(tree, token_place(scanner, scanner->line), "byte 0x%02x in a string: remove it",
				(unsigned)(unsigned char)*at);
		}
		at += size;
	}
	if (*at == quote)
		at++;
	else
		tree_error(
			tree, token_place(scanner, scanner->line), "string opened here is not closed: add '%c'", quote);
	scanner->ahead.kind = TOKEN_STRING;
	scanner->ahead.length = (size_t)(at - scanner->at);
}

static void scan_word(struct scanner *scanner)
{
	struct tree *tree = scanner->native->tree;
	const char *at = scanner->at;
	bool is_variable = at[0] == '$' && at[1] == '{';

	scanner->ahead.kind = TOKEN_WORD;
	if (is_variable) {
		size_t size = variable_length(at);

		if (size > 0)
			check_variable(scanner, at + 2, size - 3);
		at += size > 0 ? size : 2;
	}
	while (is_word_byte((unsigned char)*at) && (at[0] != '$' || at[1] != '{'))
		at++;
	size_t plain = is_variable ? variable_length(scanner->at) : (size_t)(at - scanner->at);

	/*
	 * Show the word up to here. The error is the character that follows it directly and cannot
	 * be part of it.
	 */
	bool is_whole = plain > 0 && plain == (size_t)(at - scanner->at) &&
			strchr("*\\", *at == '\0' ? ' ' : *at) == NULL && (at[0] != '$' || at[1] != '{') &&
			*at != '"' && *at != '\'' && (*at != '+' || at[1] == '=');

	if (!is_whole) {
		at += strcspn(at, " \t\r\n#");
		tree_error(tree, token_place(scanner, scanner->line),
			"'%.*s' has a character that needs quotes: write \"…\" around it",
			(int)(at - scanner->at < SHOWN_MAX ? at - scanner->at : SHOWN_MAX), scanner->at);
	}
	scanner->ahead.length = (size_t)(at - scanner->at);
}

/* Skip blanks and comments. */
static void skip_blank(struct scanner *scanner)
{
	for (;;) {
		const char *at = scanner->at;

		if (*at == ' ' || *at == '\t' || (at[0] == '\r' && at[1] == '\n')) {
			scanner->at++;
		} else if (*at == '\n') {
			scanner->line++;
			scanner->at++;
		} else if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
			scanner->at += strcspn(at, "\n");
		} else if (at[0] == '/' && at[1] == '*') {
			uint32_t line = scanner->line;
			const char *end = strstr(at + 2, "*/");

			for (; *at != '\0' && at != end; at++)
				scanner->line += *at == '\n';
			if (end == NULL)
				tree_error(scanner->native->tree, token_place(scanner, line),
					"comment opened here is not closed: add '*/'");
			scanner->at = end == NULL ? at : at + 2;
		} else {
			return;
		}
	}
}

void token_ahead(struct scanner *scanner)
{
	static const char signs[] = "{}=,()";
	static const enum token_kind kinds[] = {
		TOKEN_OPEN, TOKEN_CLOSE, TOKEN_EQUALS, TOKEN_COMMA, TOKEN_LEFT, TOKEN_RIGHT};
	const char *sign;

	skip_blank(scanner);
	for (;;) {
		scanner->ahead = (struct token){
			.kind = TOKEN_END, .at = scanner->at, .length = 1, .line = scanner->line};
		unsigned char byte = (unsigned char)*scanner->at;

		if (byte == '\0') {
			scanner->ahead.length = 0;
			return;
		}
		if ((sign = strchr(signs, byte)) != NULL) {
			scanner->ahead.kind = kinds[sign - signs];
		} else if (byte == '+' && scanner->at[1] == '=') {
			scanner->ahead.kind = TOKEN_APPEND;
			scanner->ahead.length = 2;
		} else if (byte == '"' || byte == '\'') {
			scan_string(scanner);
		} else if (byte < ' ' || byte == 0x7f) {
			tree_error(scanner->native->tree, token_place(scanner, scanner->line), "byte 0x%02x: remove it",
				(unsigned)byte);
			scanner->at++;
			skip_blank(scanner);
			continue;
		} else {
			scan_word(scanner);
		}
		scanner->at += scanner->ahead.length;
		return;
	}
}

void token_step(struct scanner *scanner)
{
	scanner->token = scanner->ahead;
	if (scanner->token.kind != TOKEN_END)
		token_ahead(scanner);
}

bool token_is_value(const struct token *token) { return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING; }

bool token_is_next(const struct scanner *scanner)
{
	const char *at = scanner->token.at + scanner->token.length;

	return at + strspn(at, " \t") == scanner->ahead.at;
}

const char *token_shown(const struct token *token, char text[SHOWN_MAX + 4])
{
	snprintf(text, SHOWN_MAX + 4, "%.*s%s", (int)(token->length < SHOWN_MAX ? token->length : SHOWN_MAX), token->at,
		token->length > SHOWN_MAX ? "…" : "");
	return text;
}

/* --- which syntax? --- */

/* Return 1: the line looks like coterie.conf; -1: like corosync.conf; 0: either. */
static int line_looks_like(const char *line, size_t length)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *end = line + length, *at = line;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	const char *word = at;

	while (at < end && strchr(name, *at) != NULL && *at != '\0')
		at++;
	if (at == word)
		return 0;
	size_t word_length = (size_t)(at - word);

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (at == end)
		return 0;
	if (*at == ':')
		return -1;
	if (*at == '=' || (*at == '(' && word_length == 7 && memcmp(word, "include", 7) == 0))
		return 1;
	if (*at == '{') {
		return line_looks_like(at + 1, (size_t)(end - at - 1)); /* text behind the brace on the same line */
	}
	/* A title, or a word without a meaning. */
	return memchr(at, '{', (size_t)(end - at)) != NULL && memchr(at, ':', (size_t)(end - at)) == NULL ? 1 : 0;
}

int native_looks_like(const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = feed == NULL ? end : feed;
		int guess = line_looks_like(at, (size_t)(line_end - at));

		if (guess != 0)
			return guess;
		at = line_end + 1;
	}
	return 0;
}
