/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of the deliberate bugs, and the function that switches a bug on. Only tests/sim compiles this file. */
#include "exec/totem/hooks.h"

#ifdef TOTEM_HOOKS

#include <errno.h>
#include <string.h>

#include "exec/totem/state.h"

#define TOTEM_MUTANT_ROW(id, seeds, text) {.name = #id, .what = text, .seeds_max = seeds},
static const struct totem_mutant mutants[] = {TOTEM_MUTANTS(TOTEM_MUTANT_ROW)};
#undef TOTEM_MUTANT_ROW

#define MUTANT_COUNT (sizeof(mutants) / sizeof(mutants[0]))

const struct totem_mutant *totem_mutants(size_t *count)
{
	*count = MUTANT_COUNT;
	return mutants;
}

int totem_engine_set_mutant(struct totem_engine *engine, const char *name)
{
	for (size_t i = 0; i < MUTANT_COUNT; i++) {
		if (strcmp(mutants[i].name, name) == 0) {
			engine->mutant = (enum totem_mutant_id)(i + 1);
			return 0;
		}
	}
	return -ENOENT;
}

void totem_engine_set_quirks(struct totem_engine *engine, uint32_t quirks) { engine->quirks = quirks; }

#else

/* A translation unit must not be empty. */
struct totem_engine;

#endif
