/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Install a new configuration: book membership, "Installation". The deliveries of the old ring may yield. What belongs to
 * the new ring is done in one event, behind the last of them.
 */
#include "exec/totem/configure.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/belief.h"
#include "exec/totem/state.h"

static void tell(struct totem_engine *engine, const struct totem_configuration *configuration)
{
	engine->callbacks.configure(engine->arg, configuration);
}

static void tell_transitional(struct totem_engine *engine)
{
	const struct totem_configuration configuration = {
		.is_regular = false,
		.ring = engine->ring,
		.members = engine->recovery.trans.ids,
		.member_count = engine->recovery.trans.count,
		.left = engine->installed.left.ids,
		.left_count = engine->installed.left.count,
		.is_safe_honoured = deliver_is_safe(engine),
	};

	if (!TOTEM_MUTANT(engine, TRANSITIONAL_SKIPPED))
		tell(engine, &configuration);
}

static void tell_regular(struct totem_engine *engine)
{
	const struct node_set *members = TOTEM_MUTANT(engine, MEMBERS_OLD) ? &engine->lists.proc
									   : &engine->installed.memb;
	const struct totem_configuration configuration = {
		.is_regular = true,
		.ring = engine->ring,
		.members = members->ids,
		.member_count = members->count,
		.joined = engine->installed.joined.ids,
		.joined_count = engine->installed.joined.count,
		.is_safe_honoured = deliver_is_safe(engine),
	};

	tell(engine, &configuration);
}

/* Make the store of the recovery that of the ring. The frames in it count as delivered. */
static void switch_stores(struct totem_engine *engine)
{
	assert(engine->owed.count == 0); /* property I8 */
	store_switch(engine);
	deliver_begin(engine, engine->recovery.install_seq);
}

static void replace_ring(struct totem_engine *engine)
{
	switch_stores(engine);
	set_copy(&engine->installed.memb, &engine->commit.memb);
	engine->installed.ring = engine->ring;
	engine->installed.was_shared |= engine->commit.memb.count > 1;
	engine->installed.features = engine->recovery.features;
}

static void become_operational(struct totem_engine *engine)
{
	claim_installed(engine);
	engine->place = TOKEN_AWAY;
	aru_installed(engine);
	timer_forget_rotations(engine);
	engine->counters.operational_entered++;
	engine->counters.continuous_gather = 0;
	core_set_state(engine, TOTEM_OPERATIONAL, 0);
	/* All members have the frames of the recovery, so free these. */
	if (seq_compare(engine->delivery.high, engine->store.released) > 0)
		store_release(engine, engine->delivery.high);
}

/*
 * Members that joined have missed the start of a message that is partly sent. So it is sent from its start. In a ring
 * with a Corosync node that is not possible: it drops the first packet of the new start. There the message ends in a
 * packet of its own, so that new members do not also lose the messages behind it (book packing, "Reassembly").
 */
static void serve_joined(struct totem_engine *engine)
{
	if (engine->installed.joined.count == 0)
		return;
	if (engine->installed.features != 0)
		queues_restart(engine);
	else
		queues_split(engine);
}

/* Trace a ring of one, unless all other members have sent a leave: this node may be cut off. */
static void tell_alone(struct totem_engine *engine)
{
	struct totem_trace trace = {
		.kind = TOTEM_TRACE_ALONE,
		.node = engine->options.nodeid,
		.value = TOTEM_ALONE_CUT,
		.ring = engine->ring,
	};
	bool is_told = true;

	for (uint32_t i = 0; i < engine->installed.left.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.left.ids[i]);

		is_told = is_told && peer != NULL && peer->left_episode == engine->gather.episode;
	}
	if (engine->commit.memb.count != 1 || is_told)
		return;
	if (!engine->is_cut)
		trace.value = engine->heard_ns < engine->gather.episode_ns ? TOTEM_ALONE_DEAF : TOTEM_ALONE_UNANSWERED;
	core_trace(engine, &trace);
}

/* Note what the commit token has said of member number i. */
static void note_member(struct totem_engine *engine, struct peer *peer, uint32_t i)
{
	peer->lease_ns = extension_lease(engine, i);
	peer->mark_before = extension_mark(&engine->commit.entries[i].ring);
	peer->member_features = extension_features(engine, i, peer->features);
	peer->contact_ns = 0;
	memset(peer->votes, 0, sizeof(peer->votes));
}

/* Return the record of member number i. The joins of a member may all have been lost here. Its lease counts none the less. */
static struct peer *peer_of_member(struct totem_engine *engine, uint32_t i)
{
	uint32_t id = engine->installed.memb.ids[i];

	return id == engine->options.nodeid ? peer_find(engine, id) : peer_get(engine, id);
}

static void note_members(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_of_member(engine, i);

		if (peer != NULL)
			note_member(engine, peer, i);
	}
}

static void note_leases(struct totem_engine *engine)
{
	belief_forget_recovery(engine);
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_of_member(engine, i);

		if (engine->installed.memb.ids[i] == engine->options.nodeid)
			lease_begin(engine, extension_lease(engine, i));
		if (peer != NULL)
			peer->alive_ns = engine->now_ns;
	}
	note_members(engine);
}

/* End the regular configuration of the old ring. */
static void change(struct totem_engine *engine)
{
	int rc = node_set_subtract(&engine->installed.left, &engine->installed.memb, &engine->recovery.trans);

	assert(rc == 0);
	tell_alone(engine);
	evict_installed(engine);
	rc = node_set_subtract(&engine->installed.joined, &engine->commit.memb, &engine->recovery.trans);
	assert(rc == 0);

	/*
	 * Corosync drops unfinished messages before the transitional configuration. With safe delivery they are dropped
	 * after it (book membership, "Safe delivery across a change"). The reason is that members that are not in the
	 * new ring may have delivered the last parts of such a message.
	 */
	if (!deliver_is_safe(engine))
		deliver_forget_left(engine);
	tell_transitional(engine);
}

/* End the transitional configuration. */
static void leave_old_ring(struct totem_engine *engine)
{
	deliver_forget_left(engine);
	/*
	 * Not earlier: messages that a service sends when it gets the last messages of the ring stay behind those that
	 * it sent before.
	 */
	queues_wait(engine);
}

static void trace_installed(struct totem_engine *engine)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_INSTALLED,
		.value = engine->recovery.install_seq,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

static void install(struct totem_engine *engine)
{
	leave_old_ring(engine);
	replace_ring(engine);
	become_operational(engine);
	announce_installed(engine);
	note_leases(engine);
	lease_installed(engine);
	serve_joined(engine);
	trace_installed(engine);
	backoff_installed(engine); /* needs proc and failed of the gather that led to this ring */
	tell_regular(engine);
	lists_installed(engine);
	suspect_installed(engine);
}

static void install_late(struct totem_engine *engine)
{
	leave_old_ring(engine);
	replace_ring(engine);
	note_members(engine);
	lease_doubt(engine);
	serve_joined(engine);
	trace_installed(engine);
	tell_regular(engine);
}

bool configure_is_unfinished(const struct totem_engine *engine) { return engine->installed.next.phase != INSTALL_NONE; }

/* Deliver up to the next yield. Install the ring behind the last message. */
static void go_on(struct totem_engine *engine)
{
	struct installation *installation = &engine->installed.next;

	if (installation->phase == INSTALL_REGULAR) {
		if (!deliver_regular(engine))
			return;
		change(engine);
		installation->phase = INSTALL_TRANSITIONAL;
	}
	if (!deliver_transitional(engine))
		return;
	installation->phase = INSTALL_NONE;
	if (installation->exchange != NULL)
		install_late(engine);
	else
		install(engine);
}

void configure_resume(struct totem_engine *engine)
{
	struct installation *installation = &engine->installed.next;

	if (installation->exchange != NULL)
		installation->exchange(engine);
	go_on(engine);
	if (installation->exchange != NULL)
		installation->exchange(engine);
	if (!configure_is_unfinished(engine))
		installation->then(engine);
}

void configure_finish(struct totem_engine *engine)
{
	while (configure_is_unfinished(engine))
		configure_resume(engine);
}

static void begin(struct totem_engine *engine, void (*exchange)(struct totem_engine *engine),
	void (*then)(struct totem_engine *engine))
{
	assert(!configure_is_unfinished(engine) && !engine->delivery.has_yielded);
	engine->installed.next = (struct installation){INSTALL_REGULAR, exchange, then};
	configure_resume(engine);
}

void configure_install(struct totem_engine *engine, void (*then)(struct totem_engine *engine))
{
	assert(seq_compare(engine->recovery.install_seq, engine->rstore.aru) <= 0 ||
		TOTEM_MUTANT(engine, RECOVERY_EARLY)); /* property I8 */
	begin(engine, NULL, then);
}

void configure_install_late(struct totem_engine *engine, void (*exchange)(struct totem_engine *engine),
	void (*then)(struct totem_engine *engine))
{
	begin(engine, exchange, then);
}
