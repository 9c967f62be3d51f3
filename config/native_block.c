/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of coterie.conf and their settings, for the scanner and for the code that reads the result. */
#include "config/native.h"

#include <string.h>

struct native_block *native_block_add(struct tree *tree, struct native_block *parent, const struct native_block *like)
{
	struct native_block *block = arena_take(tree->arena, sizeof(*block));

	if (block == NULL)
		return NULL;
	*block = (struct native_block){
		.parent = parent, .kind = like->kind, .title = like->title, .place = like->place};
	if (parent->last_block == NULL)
		parent->blocks = block;
	else
		parent->last_block->next = block;
	parent->last_block = block;
	return block;
}

struct native_setting *native_setting_named(struct native_block *block, const char *name)
{
	for (struct native_setting *at = block->settings; at != NULL; at = at->next)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

const struct native_setting *native_setting_find(const struct native_block *block, const char *name)
{
	for (const struct native_setting *at = block->settings; at != NULL; at = at->next)
		if (strcmp(at->name, name) == 0 && at->count > 0)
			return at;
	return NULL;
}
