/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts from outside. They should be UTF-8, and may have any bytes. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/**
 * Return the size of the character at the start of a text that ends in a NUL, in bytes. 0: it is not UTF-8 (RFC 3629:
 * shortest form, no surrogates).
 */
size_t utf8_size(const char *text);
/**
 * Replace each byte of control characters by `with`, and also each byte that is not UTF-8. Control characters are U+0001
 * to U+001F and U+007F to U+009F. A terminal may run them as commands, even if they are not in their shortest form.
 */
void utf8_make_printable(char *text, char with);

#endif
