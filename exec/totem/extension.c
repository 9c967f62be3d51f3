/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The features that all members of a ring have. The commit token collects them. In its first rotation each member fills
 * in its entry of the trailer. In the second rotation all members take the AND of the complete trailer. A member
 * without extensions drops the trailer, in the first rotation at the latest. So either all members get the same
 * complete trailer, or no member gets one.
 */
#include "exec/totem/extension.h"

#include <string.h>

#include "exec/totem/state.h"

static uint64_t lease_units(const struct totem_engine *engine)
{
	uint64_t units = (lease_configured(engine) + WIRE_LEASE_UNIT_NS - 1) / WIRE_LEASE_UNIT_NS;

	return units < WIRE_LEASE_MAX ? units : WIRE_LEASE_MAX;
}

uint64_t extension_own(const struct totem_engine *engine)
{
	uint64_t features = engine->options.features;

	if (features == 0)
		return 0;
	features |= (uint64_t)engine->options.capacity << WIRE_CAPACITY_SHIFT;
	features |= lease_units(engine) << WIRE_LEASE_SHIFT;
	return features | WIRE_FEATURE_FILLED;
}

uint32_t extension_mark(const struct ring_id *ring)
{
	uint64_t hash = (ring->seq ^ (uint64_t)ring->rep << 32) * UINT64_C(0x9E3779B97F4A7C15);

	return WIRE_MARK_STARTED + 1 + (uint32_t)((hash >> 32) % (WIRE_MARK_MAX - WIRE_MARK_STARTED));
}

uint64_t extension_of_join(const struct totem_engine *engine)
{
	uint64_t mark = engine->installed.was_shared ? extension_mark(&engine->installed.ring) : WIRE_MARK_STARTED;
	uint64_t own = extension_own(engine);

	return own == 0 ? 0 : own | mark << WIRE_MARK_SHIFT;
}

void extension_begin(struct totem_engine *engine)
{
	struct commit *commit = &engine->commit;

	memset(commit->features, 0, engine->commit.memb.count * sizeof(commit->features[0]));
	commit->has_features = extension_own(engine) != 0;
	/* Write no trailer if one of the members would drop it. */
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		uint32_t id = engine->commit.memb.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (id != engine->options.nodeid && (peer == NULL || peer->features == 0))
			commit->has_features = false;
	}
}

void extension_copy(struct totem_engine *engine, const struct wire_commit_token *token)
{
	struct commit *commit = &engine->commit;

	commit->has_features = token->has_features && extension_own(engine) != 0;
	for (uint32_t i = 0; commit->has_features && i < token->count; i++)
		commit->features[i] = wire_commit_features(token, i);
}

void extension_fill(struct totem_engine *engine, uint32_t index)
{
	if (engine->commit.has_features)
		engine->commit.features[index] = extension_own(engine);
}

uint64_t extension_agreed(const struct totem_engine *engine)
{
	uint64_t features = UINT64_MAX;

	if (TOTEM_MUTANT(engine, SAFE_ASSUMED))
		return extension_own(engine) & ~(WIRE_CAPACITY_MASK | WIRE_LEASE_MASK);
	if (!engine->commit.has_features)
		return 0;
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		if ((engine->commit.features[i] & WIRE_FEATURE_FILLED) == 0)
			return 0;
		features &= engine->commit.features[i];
	}
	return features & ~(WIRE_CAPACITY_MASK | WIRE_LEASE_MASK);
}

uint64_t extension_lease(const struct totem_engine *engine, uint32_t index)
{
	if (!engine->commit.has_features)
		return 0;
	return ((engine->commit.features[index] & WIRE_LEASE_MASK) >> WIRE_LEASE_SHIFT) * WIRE_LEASE_UNIT_NS;
}

uint64_t extension_features(const struct totem_engine *engine, uint32_t index, uint64_t announced)
{
	return engine->commit.has_features ? engine->commit.features[index] : announced;
}

uint32_t extension_capacity(const struct totem_engine *engine)
{
	uint64_t least = WIRE_CAPACITY_MAX;

	if (extension_agreed(engine) == 0)
		return 0;
	if (TOTEM_MUTANT(engine, WINDOW_OWN))
		return engine->options.capacity;
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		uint64_t features = engine->commit.features[i];
		uint64_t capacity = (features & WIRE_CAPACITY_MASK) >> WIRE_CAPACITY_SHIFT;

		if (capacity == 0 && TOTEM_MUTANT(engine, WINDOW_UNTOLD))
			continue;
		if (capacity < least)
			least = capacity;
	}
	return (uint32_t)least;
}
