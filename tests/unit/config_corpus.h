/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * corosync.conf files by number: what an operator writes, and slips. The same number is always the same
 * file. Node 1 is 127.0.0.1, so that it is this host on every machine.
 */
#ifndef TESTS_UNIT_CONFIG_CORPUS_H
#define TESTS_UNIT_CONFIG_CORPUS_H

#include <stdint.h>
#include <stdio.h>

#define CONFIG_CORPUS_COUNT 260

/** Write the file of a number. About one in three has one slip. */
void config_corpus_write(FILE *out, uint32_t number);

#endif
