/* A script that fails is made smaller: fewer nodes, fewer faults of the whole run, fewer steps. */
#include <stdlib.h>

#include "tests/histories/play.h"

struct shrinker {
	struct script *script;
	uint32_t tries;
};

/* Keep the smaller script if it fails, too. Any violation counts: the first one is often the plainest. */
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
	const struct setting plain[] = {
		{.link_us_max = 1}, {.link_bytes_per_ms = 1}, {.has_wide_ids = true}, {.has_high_seqs = true},
		{.plain_node = 1},
	};

	for (uint32_t i = 0; i < sizeof(plain) / sizeof(plain[0]) && shrinker->tries > 0; i++) {
		struct script smaller;

		script_copy(&smaller, shrinker->script, 0, 0);
		if (plain[i].link_us_max != 0)
			smaller.setting.link_us_max = 0;
		if (plain[i].link_bytes_per_ms != 0)
			smaller.setting.link_bytes_per_ms = 0;
		if (plain[i].has_wide_ids)
			smaller.setting.has_wide_ids = false;
		if (plain[i].has_high_seqs)
			smaller.setting.has_high_seqs = false;
		if (plain[i].plain_node != 0)
			smaller.setting.plain_node = 0;
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
