/* SPDX-License-Identifier: BSD-3-Clause */
/* The tokens of coterie.conf, as far as native_scan.c needs them. */
#ifndef CONFIG_NATIVE_TOKEN_H
#define CONFIG_NATIVE_TOKEN_H

#include "config/native.h"

#define SHOWN_MAX 60 /* most characters of the file's text that a message shows */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* a bare word, or a bare ${VARIABLE} */
	TOKEN_STRING, /* with its quotes */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUALS,
	TOKEN_APPEND,
	TOKEN_COMMA,
	TOKEN_LEFT, /* left parenthesis */
	TOKEN_RIGHT,
};

struct token {
	enum token_kind kind;
	const char *at;
	size_t length;
	uint32_t line;
};

/** State of scanning a file. */
struct scanner {
	struct native *native;
	struct native_file *file;
	const char *at;
	uint32_t line;
	struct token token, ahead;
	uint32_t block_count;
};

struct place token_place(const struct scanner *scanner, uint32_t line);
/** Read the token after the next one, and report errors in it. */
void token_ahead(struct scanner *scanner);
/** Make the next token the current one. */
void token_step(struct scanner *scanner);
bool token_is_value(const struct token *token);
/**
 * Return whether only blanks are between the current token and the next one. libconfuse takes no comment inside an
 * item.
 */
bool token_is_next(const struct scanner *scanner);
/** Return a token as a message shows it. */
const char *token_shown(const struct token *token, char text[SHOWN_MAX + 4]);

#endif
