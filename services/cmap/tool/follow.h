/*
 * The command of corosync-cmapctl that prints changes of keys.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_TOOL_FOLLOW_H
#define SERVICES_CMAP_TOOL_FOLLOW_H

#include "services/cmap/tool/keys.h"

/**
 * Print each change of the keys, until standard input ends or has a line that starts with q, or the daemon is lost.
 *
 * @param by_prefix the keys are prefixes
 * @return false: tracking could not start, and the reason was written to stderr
 */
bool keys_follow(cmap_handle_t map, const struct key_format *format, char *const *keys, int count, bool by_prefix);

#endif
