/*
 * Bytes of any kind as text for a terminal.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_BYTES_H
#define TOOLS_COMMON_BYTES_H

#include <stddef.h>
#include <stdio.h>

/**
 * Write bytes in a readable and unambiguous form: printable ASCII as it is, a backslash doubled, all other bytes as
 * \xHH. A zero byte does not end the text.
 * @param bytes borrowed, `size` bytes
 */
void bytes_print(FILE *out, const void *bytes, size_t size);

#endif
