/*
 * Guards a terminal against texts from other programs and nodes: a control character could change the screen, or make
 * the terminal type an answer.
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
 * If the locale's variables and the terminal's settings show no UTF-8, the bytes 0x80 to 0x9f count as control
 * characters. ferror(3) reports a terminal that has disappeared.
 */
void terminal_guard(void);
/**
 * Return the text of a colour (SGR number) that passes the guard. It has at most 64 bytes, with its
 * NUL.
 */
const char *terminal_color(char buffer[64], int color);
/** Clear the screen if standard output is a terminal. */
void terminal_clear(void);
/**
 * Write a value on one line. On a terminal line feeds and tabs are escaped as well.
 * @param text  borrowed, size bytes, or up to a NUL
 */
void terminal_value(FILE *out, const char *text, size_t size);

#endif
