/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Generated corosync.conf files, with and without an operator's mistakes. A number always gives the same file. Node 1
 * is 127.0.0.1, so that it is this host on every machine.
 */
#ifndef TESTS_UNIT_CONFIG_CORPUS_H
#define TESTS_UNIT_CONFIG_CORPUS_H

#include <stdint.h>
#include <stdio.h>

#define CONFIG_CORPUS_COUNT 260

/** Write the file of a number. About one file in three has one mistake. */
void config_corpus_write(FILE *out, uint32_t number);

#endif
