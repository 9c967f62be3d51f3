/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Install a ring late. In the last rotation of a recovery each member installs the ring when the token comes. If a
 * member crashes in that rotation, those before it have installed the ring, and those behind it have not, though all
 * were prepared. The next commit token tells these that the ring was installed. If they did not install it as well,
 * both sides would come from different rings, and each would see the other leave: book membership, "Crash at the end".
 */
#include "exec/totem/late.h"

#include <assert.h>

#include "exec/totem/state.h"

static bool is_kept(const struct totem_engine *engine)
{
	return engine->recovery.is_prepared && ring_id_equal(&engine->late.commit.ring, &engine->recovery.prepared);
}

void late_keep(struct totem_engine *engine)
{
	struct late *late = &engine->late;
	struct node_set memb = late->commit.memb;

	if (!engine->recovery.is_prepared || !ring_id_equal(&engine->commit.ring, &engine->recovery.prepared))
		return;
	set_copy(&memb, &engine->commit.memb);
	late->commit = engine->commit;
	late->commit.memb = memb;
	set_copy(&late->trans, &engine->recovery.trans);
	late->install_seq = engine->recovery.install_seq;
	late->features = engine->recovery.features;
}

/* Exchange the attempt that goes on and the one whose ring is being installed. */
static void exchange(struct totem_engine *engine)
{
	struct commit commit = engine->commit;
	struct ring_id ring = engine->ring;

	engine->commit = engine->late.commit;
	engine->late.commit = commit;
	engine->ring = engine->late.ring;
	engine->late.ring = ring;
}

static void installed(struct totem_engine *engine)
{
	recovery_end(engine);
	engine->late.then(engine);
}

static void install(struct totem_engine *engine, void (*then)(struct totem_engine *engine))
{
	engine->late.ring = engine->late.commit.ring;
	engine->late.then = then;
	recovery_resume(engine, &engine->late.trans, engine->late.install_seq, engine->late.features);
	configure_install_late(engine, exchange, installed);
}

/*
 * Return whether the member took part in the recovery for which this node has promised, and has not promised itself: it
 * still names the old ring. A ring is installed only after all have promised, and this member will not do so any more.
 */
static bool is_unpromised(const struct totem_engine *engine, uint32_t id, const struct wire_commit_entry *entry)
{
	return engine->recovery.is_promised && engine->recovery.promise.seq == recovery_promise_seq(engine) &&
	       node_set_has(&engine->late.trans, id) && !TOTEM_MUTANT(engine, PROMISE_STANDS) &&
	       ring_id_equal(&entry->ring, &engine->installed.ring);
}

bool late_settle(struct totem_engine *engine, uint32_t count, void (*then)(struct totem_engine *engine))
{
	const struct commit *commit = &engine->commit;

	assert(count <= commit->memb.count);
	if (!is_kept(engine) || TOTEM_QUIRK(engine, NEVER_LATE) || TOTEM_MUTANT(engine, LATE_NEVER))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (ring_id_equal(&commit->entries[i].ring, &engine->recovery.prepared) &&
			node_set_has(&engine->late.commit.memb, commit->memb.ids[i])) {
			install(engine, then);
			return true;
		}
		if (is_unpromised(engine, commit->memb.ids[i], &commit->entries[i])) {
			recovery_withdraw(engine);
			then(engine);
			return true;
		}
	}
	return false;
}
