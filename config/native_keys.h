/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of coterie.conf that set several keys, or another key than that of their row. */
#ifndef CONFIG_NATIVE_KEYS_H
#define CONFIG_NATIVE_KEYS_H

#include "config/native.h"

/* native.c */

bool native_is_logging(const struct native_block *block);
/** Report an error in a setting. An error of the logging section has its own exit status. */
void native_refuse(
	struct tree *tree, const struct native_block *block, const struct native_setting *setting, const char *why);
/** Check a text against the setting's row. false: an error was reported. number may be NULL. */
bool native_check(struct tree *tree, const struct native_block *block, const struct native_setting *setting,
	const char *text, uint64_t *number);
void native_set_simple(
	struct tree *tree, const struct native_block *block, const struct native_setting *setting, const char *index);

/* native_keys.c */

void native_set_node(struct tree *tree, const struct native_block *block, const char *index);
/** Set the keys of option `encryption`, for a transport whose cipher and hash are keys of their own. */
void native_set_transport(struct tree *tree, const struct native_block *block);
void native_set_subsystem(struct tree *tree, const struct native_block *block);
void native_set_instance(struct tree *tree, const struct native_block *block);
/** Set the keys of quorum, device, heuristics, plugins, log, access and process that have no row. */
void native_set_special(struct tree *tree, const struct native_block *block);
/** Set the keys of the list `keys` at the top level, after all others. */
void native_set_keys(struct native *native, const struct native_block *top);

#endif
