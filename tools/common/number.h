/*
 * Parse numbers of a command line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_NUMBER_H
#define TOOLS_COMMON_NUMBER_H

#include <stdbool.h>

/**
 * Parse a whole word as a decimal number. Blanks and a sign may be in front of the number. Nothing may follow it.
 * @param text  borrowed
 * @param min   smallest valid value
 * @param max   largest valid value
 * @param value out, only on success
 * @return false: the word is no number, or out of range
 */
bool number_parse(const char *text, long long min, long long max, long long *value);

#endif
