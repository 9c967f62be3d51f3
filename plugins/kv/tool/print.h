/*
 * Output of the tool: for people, or as one JSON object on each line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_TOOL_PRINT_H
#define PLUGINS_KV_TOOL_PRINT_H

#include <stdbool.h>

#include <coterie/kv.h>

/**
 * Print an entry: key and value with a tab between them. Unprintable bytes are printed as \xNN, and a backslash is
 * doubled.
 */
void print_entry(const struct coterie_kv_entry *entry, bool is_json);

/** Print an event of a watch: the revision, then "put KEY VALUE", "delete KEY" or "missed". */
void print_event(enum coterie_kv_change change, const struct coterie_kv_entry *entry, bool is_json);

void print_status(const struct coterie_kv_status *status, bool is_json);

#endif
