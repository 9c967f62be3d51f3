/*
 * Protect a terminal from texts of other programs and nodes: a control character could change the screen, or make the
 * terminal send input to the tool.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_TERMINAL_H
#define TOOLS_COMMON_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

/**
 * From this call on, control characters that the process writes to a terminal as standard output or standard error
 * appear as \xHH. Line feeds and tabs stay. Files and pipes receive every byte unchanged. Call it once, first in main.
 * If neither the locale's variables nor the terminal's settings name UTF-8, the bytes 0x80 to 0x9f count as control
 * characters. If a terminal has disappeared, ferror(3) is true.
 */
void terminal_guard(void);
/**
 * Return the escape sequence of a colour (SGR number), which this filter lets pass. It has at most 64 bytes, NUL
 * included.
 */
const char *terminal_color(char buffer[64], int color);
/** Clear the screen if standard output is a terminal. */
void terminal_clear(void);
/**
 * Write a value on one line. On a terminal line feeds and tabs are escaped as well.
 * @param text  borrowed; `size` bytes, or less if a NUL comes before
 */
void terminal_value(FILE *out, const char *text, size_t size);

#endif
