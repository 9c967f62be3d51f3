/*
 * What other programs and nodes have named, on a terminal: a control character could change what is on the screen, or
 * have the terminal type an answer.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_TERMINAL_H
#define TOOLS_COMMON_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

/**
 * From here on control characters that the process writes to a standard output or standard error that is a terminal
 * appear as \xHH. Line feeds and tabs stay. Files and pipes receive every byte as it is. Call once, first in main. On a
 * terminal that is not for UTF-8, as far as the locale's variables and the terminal's settings tell, the bytes 0x80 to
 * 0x9f are control characters. ferror(3) reports a terminal that is gone.
 */
void terminal_guard(void);
/** Return the text of a colour (SGR number) that passes the guard; 64 bytes at most, with its NUL. */
const char *terminal_color(char buffer[64], int color);
/** Clear the screen of a standard output that is a terminal. */
void terminal_clear(void);
/**
 * Write a value that should be on one line. On a terminal line feeds and tabs are escaped as well.
 * @param text  borrowed, size bytes; a NUL ends it sooner
 */
void terminal_value(FILE *out, const char *text, size_t size);

#endif
