/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generated corosync.conf files, with and without an operator's mistakes. The same number always gives the same file.
 * Node 1 has the address 127.0.0.1, so every machine is node 1.
 */
#ifndef TESTS_UNIT_CONFIG_CORPUS_H
#define TESTS_UNIT_CONFIG_CORPUS_H

#include <stdint.h>
#include <stdio.h>

#define CONFIG_CORPUS_COUNT 260

/** Write the file that belongs to a number. About one file in three has a mistake. */
void config_corpus_write(FILE *out, uint32_t number);

#endif
