/* SPDX-License-Identifier: BSD-3-Clause */
/* Make a script that fails smaller: fewer nodes, fewer faults of the whole run, fewer steps. */
#include <stdlib.h>

#include "tests/histories/play.h"

struct shrinker {
	struct script *script;
	uint32_t tries;
};

/* Keep the smaller script if it fails, too. Any violation counts, even if it is another one. */
static bool keep_if_broken(struct shrinker *shrinker, struct script *smaller)
{
	struct play *play = malloc(sizeof(*play));
	bool is_broken = false;

	if (play == NULL)
		abort();
	if (shrinker->tries > 0) {
		shrinker->tries--;
		is_broken = play_script(play, smaller, NULL) != 0;
	}
	free(play);
	if (is_broken) {
		script_free(shrinker->script);
		*shrinker->script = *smaller;
	} else {
		script_free(smaller);
	}
	return is_broken;
}

static void drop_steps(struct shrinker *shrinker)
{
	struct script smaller;

	for (uint32_t size = shrinker->script->count / 2; size > 0; size /= 2) {
		for (uint32_t at = 0; at < shrinker->script->count && shrinker->tries > 0;) {
			script_copy(&smaller, shrinker->script, at, size);
			if (!keep_if_broken(shrinker, &smaller))
				at += size;
		}
	}
}

static void drop_nodes(struct shrinker *shrinker)
{
	struct script smaller;

	while (shrinker->script->nodes > 1 && shrinker->tries > 0) {
		script_copy(&smaller, shrinker->script, 0, 0);
		smaller.nodes--;
		if (!keep_if_broken(shrinker, &smaller))
			break;
	}
}

static void drop_settings(struct shrinker *shrinker)
{
	for (uint32_t which = 0; which < 8 && shrinker->tries > 0; which++) {
		struct script smaller;

		script_copy(&smaller, shrinker->script, 0, 0);
		struct setting *setting = &smaller.setting;
		if (which == 0)
			setting->link_us_max = 0, setting->delay_max_us = 200;
		if (which == 1)
			setting->link_bytes_per_ms = 0;
		if (which == 2)
			setting->socket_bytes = 0;
		if (which == 3)
			setting->has_wide_ids = false;
		if (which == 4)
			setting->frames_to_wrap = 0;
		if (which == 5)
			setting->mix &= UINT64_C(0x1111111111111111);
		if (which == 6)
			setting->mix = 0;
		if (which == 7)
			setting->channels = 0;
		keep_if_broken(shrinker, &smaller);
	}
}

void play_shrink(struct script *script, uint32_t tries)
{
	struct shrinker shrinker = {.script = script, .tries = tries};
	uint32_t before;

	do {
		before = script->count + script->nodes;
		drop_nodes(&shrinker);
		drop_steps(&shrinker);
	} while (script->count + script->nodes < before && shrinker.tries > 0);
	drop_settings(&shrinker);
}
