/*
 * What the tool prints: for people, or one JSON object a line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_TOOL_PRINT_H
#define PLUGINS_KV_TOOL_PRINT_H

#include <stdbool.h>

#include <coterie/kv.h>

/** An entry: key and value with a tab between; unprintable bytes as \xNN, a backslash doubled. */
void print_entry(const struct coterie_kv_entry *entry, bool is_json);

/** An event of a watch: "put KEY VALUE", "delete KEY", "missed", with the revision in front. */
void print_event(enum coterie_kv_change change, const struct coterie_kv_entry *entry, bool is_json);

void print_status(const struct coterie_kv_status *status, bool is_json);

#endif
