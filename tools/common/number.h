/*
 * Numbers on a command line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_NUMBER_H
#define TOOLS_COMMON_NUMBER_H

#include <stdbool.h>

/**
 * Read a whole word as a decimal number. Blanks and a sign may come first, nothing may follow.
 *
 * @param text  borrowed
 * @param min   smallest valid value
 * @param max   largest valid value
 * @param value out, on success only
 * @return false when it is no number or out of range
 */
bool number_parse(const char *text, long long min, long long max, long long *value);

#endif
