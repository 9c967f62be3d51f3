/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of the ring's keys (book encryption, "Change of the key"), with rules that avoid a race condition of
 * Corosync.
 *
 * 1. A reload makes the transport load new keys beside the keys in use. This node sends phase 1.
 * 2. Every member has sent phase 1, so every member can decrypt packets with the new keys. At the last of these
 *    messages each member begins to send with the new keys, and sends phase 2. The member has now changed over.
 * 3. Every member has sent phase 2, so no member sends with the old keys any more. The old keys are wiped.
 *
 * The last message of a member is valid until its next one, and is dropped when the member leaves. Before a node
 * replaces announced keys by those of a later reload, it withdraws its message with phase 3, and waits until phase 3 is
 * delivered. Messages contain a tag of their keys, so that no node changes over to keys that other nodes do not have.
 *
 * If a member never sends phase 1, all nodes go on using the old keys, and log a warning with the id of this member.
 * From then on reloads, which wait while keys change, are allowed again. When nodes join the ring, each member sends
 * its last message once more.
 *
 * Corosync nodes send no tags and wait for no member. They change over at their own phase 1 and wipe the old keys at
 * their own phase 2. So this node also changes over when any member sends phase 2, if it has loaded the keys: otherwise
 * that member could not decrypt its packets. If Corosync nodes change over before this node has loaded the keys, their
 * messages do not arrive here, and the token does not, either. So in a ring with Corosync nodes, a missing token makes
 * this node change over, too.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MS UINT64_C(1000000)
#define TICK_NS (50 * MS)
/*
 * In a ring with Corosync nodes, this node changes over after this time without a token. Even a slow ring passes the
 * token more often. The pings of links have longer timeouts, so the links are still up then.
 */
#define SILENCE_NS (150 * MS)
#define PATIENCE_NS (5000 * MS)
#define SETTLE_NS (1000 * MS) /* after nodes join, their messages about keys arrive within this time */

_Static_assert(CFG_PHASE_LOADED == COTERIE_REKEY_ACTIVATE, "one number for both");
_Static_assert(CFG_PHASE_GONE_OVER == COTERIE_REKEY_CLEANUP, "one number for both");

static void arm(struct cfg *cfg);

/* --- the states --- */

/* Return the time since the last token. A repeated token is not counted as a token. */
static uint64_t silence_ns(struct cfg *cfg)
{
	struct coterie_map_value value;
	uint64_t ms = 0;

	if (cfg->host->map_read(cfg->ctx, COTERIE_MAP_STATS, "stats.srp.time_since_token_last_received", &value) == 0 &&
		value.size == sizeof(ms))
		memcpy(&ms, value.bytes, sizeof(ms));
	return ms * MS;
}

static void enter(struct cfg *cfg, enum cfg_rekey_state state)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	rekey->state = state;
	rekey->since_ns = cfg->host->now_ns(cfg->ctx);
	rekey->has_warned = false;
	rekey->has_failed = false;
	rekey->is_withdrawing = false;
	rekey->is_withdrawn = false;
	rekey->owed = state == CFG_REKEY_LOADED   ? CFG_PHASE_LOADED
		      : state == CFG_REKEY_ACTIVE ? CFG_PHASE_GONE_OVER
						  : 0;
}

/* End the change. Drop the members' messages about it, and keep those about the next change. */
static void finish(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	for (uint32_t i = 0; i < rekey->member_count; i++) {
		struct cfg_rekey_member *member = &rekey->members[i];

		member->phase = member->next_phase;
		member->tag = member->next_tag;
		member->next_phase = 0;
	}
	enter(cfg, CFG_REKEY_IDLE);
}

static void give_up(struct cfg *cfg)
{
	cfg->host->log(cfg->ctx, LOG_NOTICE, "The change of the ring's keys is void");
	enter(cfg, CFG_REKEY_IDLE);
	cfg_rotate_ends(cfg, "the change of the ring's keys is void");
}

/* Make the transport do the step of a phase. @return true: the step was done */
static bool take_turn(struct cfg *cfg, uint32_t phase)
{
	struct cfg_rekey *rekey = &cfg->rekey;
	int rc = cfg->host->rekey(cfg->ctx, phase);

	if (rc == 0)
		return true;
	if (rc == -EINVAL || rc == -ENOTSUP) {
		give_up(cfg);
	} else if (!rekey->has_failed) {
		cfg->host->log(cfg->ctx, LOG_ERR, "cannot %s (%s): trying again",
			phase == COTERIE_REKEY_ACTIVATE ? "send with the new keys" : "forget the old keys",
			strerror(-rc));
		rekey->has_failed = true;
	}
	return false;
}

static void activate(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	if (!take_turn(cfg, COTERIE_REKEY_ACTIVATE))
		return;
	cfg->host->log(cfg->ctx, LOG_INFO, "Sending with the ring's new keys");
	for (uint32_t i = 0; i < rekey->member_count; i++)
		rekey->members[i].is_bound = true;
	enter(cfg, CFG_REKEY_ACTIVE);
}

static void send_owed(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;
	struct cfg_ring_crypto_reconfig message = {.phase = rekey->owed, .tag = rekey->tag};
	struct iovec iov = {(uint8_t *)&message + sizeof(message.header), sizeof(message) - sizeof(message.header)};

	if (cfg->host->ring_send(cfg->ctx, CFG_RING_CRYPTO_RECONFIG, COTERIE_SAFE, &iov, 1) == 0)
		rekey->owed = 0; /* if sending fails, the next tick tries again */
}

/* Log a warning that the change waits for members. From now on reloads are allowed. */
static void warn(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;
	char nodes[512];

	rekey->has_warned = true;
	cfg_rotate_ends(
		cfg, rekey->state == CFG_REKEY_LOADED
			     ? "the new key is loaded, and not all nodes have it: see the log"
			     : "the old key is still accepted, since not all nodes use the new one: see the log");
	/* If only this node's transport has failed, no node is listed: that error was logged before. */
	if (cfg_words_name_missing(rekey, true, nodes, sizeof(nodes)))
		cfg->host->log(cfg->ctx, LOG_WARNING,
			"The ring keeps its old keys, since nodes have loaded other ones than this node:%s; "
			"make the keys the same everywhere, then reload again",
			nodes);
	if (!cfg_words_name_missing(rekey, false, nodes, sizeof(nodes)))
		return;
	if (rekey->state == CFG_REKEY_LOADED)
		cfg->host->log(cfg->ctx, LOG_WARNING,
			"The ring keeps its old keys, since nodes have not loaded the new ones:%s; look "
			"into their logs, then reload again",
			nodes);
	else
		cfg->host->log(cfg->ctx, LOG_WARNING,
			"The ring's old keys are still accepted, since nodes have not gone over to the "
			"new ones:%s",
			nodes);
}

static bool are_complete(const struct cfg_rekey *rekey) { return !rekey->is_blind && cfg_words_are_complete(rekey); }

/* Do all steps of the change that are possible now. */
static void go_on(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	if (rekey->state == CFG_REKEY_LOADED && rekey->member_count > 0 &&
		(are_complete(rekey) || cfg_words_has_anybody_gone_over(rekey)))
		activate(cfg);
	if (rekey->state == CFG_REKEY_ACTIVE && are_complete(rekey) &&
		cfg->host->now_ns(cfg->ctx) >= rekey->settled_ns && take_turn(cfg, COTERIE_REKEY_CLEANUP)) {
		cfg->host->log(cfg->ctx, LOG_NOTICE, "The ring's keys have changed");
		rekey->used_tag = rekey->tag;
		finish(cfg);
		cfg_rotate_ends(cfg, NULL);
	}
	if (rekey->owed != 0)
		send_owed(cfg);
	if (rekey->state == CFG_REKEY_LOADED && !rekey->has_warned && cfg_words_are_hopeless(rekey))
		warn(cfg); /* do not wait for the time limit: the nodes have different keys */
	arm(cfg);
	cfg_reload_next(cfg);
}

/* --- time --- */

static void look_for_silence(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;
	const struct cfg_rekey_member *own = cfg_words_member(rekey, cfg->host->local_nodeid(cfg->ctx));

	if (rekey->state != CFG_REKEY_LOADED || rekey->is_withdrawing || own == NULL ||
		cfg_words_phase(rekey, own) != 0 || cfg->host->is_safe_kept(cfg->ctx) ||
		cfg->host->now_ns(cfg->ctx) < rekey->since_ns + SILENCE_NS || silence_ns(cfg) < SILENCE_NS)
		return;
	cfg->host->log(cfg->ctx, LOG_NOTICE,
		"No token passes since the ring's keys change: others seem to have gone over to the new ones");
	activate(cfg);
}

static void on_tick(void *arg)
{
	struct cfg *cfg = arg;
	struct cfg_rekey *rekey = &cfg->rekey;

	rekey->timer = NULL;
	look_for_silence(cfg);
	if (rekey->state != CFG_REKEY_IDLE && !rekey->has_warned &&
		cfg->host->now_ns(cfg->ctx) >= rekey->since_ns + PATIENCE_NS)
		warn(cfg);
	go_on(cfg);
}

static void arm(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	if (rekey->state == CFG_REKEY_IDLE) {
		cfg->host->timer_del(cfg->ctx, rekey->timer);
		rekey->timer = NULL;
	} else if (rekey->timer == NULL) {
		cfg->host->timer_add(cfg->ctx, cfg->host->now_ns(cfg->ctx) + TICK_NS, on_tick, cfg, &rekey->timer);
	}
}

/* --- events --- */

/* End a change without effect: the transport has loaded the keys in use again, and no member has changed over. */
static void go_back(struct cfg *cfg)
{
	if (take_turn(cfg, COTERIE_REKEY_ACTIVATE) && take_turn(cfg, COTERIE_REKEY_CLEANUP))
		give_up(cfg);
	go_on(cfg);
}

/* The transport has loaded new keys. */
static void on_loaded(void *arg)
{
	struct cfg *cfg = arg;
	bool is_back = cfg->rekey.state == CFG_REKEY_LOADED && cfg_words_tag(cfg) == cfg->rekey.used_tag;

	if (is_back) {
		go_back(cfg);
		return;
	}
	cfg->host->log(
		cfg->ctx, LOG_NOTICE, "The ring's keys change: waiting until all nodes have loaded the new ones");
	/*
	 * A new change begins before the last one has ended only if a member made the last one wait too long. If this
	 * node had changed over, it now starts with the first step again.
	 */
	if (cfg->rekey.state == CFG_REKEY_ACTIVE)
		finish(cfg);
	cfg->rekey.tag = cfg_words_tag(cfg);
	enter(cfg, CFG_REKEY_LOADED);
	go_on(cfg);
}

/*
 * Record that a member has withdrawn its last message. This is its message about the next change, if it has begun one.
 * A member that already sends with the new key keeps its phase.
 */
static void take_back(struct cfg *cfg, struct cfg_rekey_member *member)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	if (member->next_phase != 0)
		member->next_phase = 0;
	else if (member->phase == CFG_PHASE_LOADED)
		member->phase = 0;
	if (member->nodeid == cfg->host->local_nodeid(cfg->ctx) && rekey->is_withdrawing)
		rekey->is_withdrawn = true;
}

/*
 * Record the phase of a member. If a member has changed over, and sends phase 1 before this change is complete, it has
 * begun the next change.
 */
static void take_phase(const struct cfg_rekey *rekey, struct cfg_rekey_member *member, uint32_t phase, uint32_t tag)
{
	bool is_ours = !cfg_words_are_tagged(member) || (rekey->state != CFG_REKEY_IDLE && member->tag == rekey->tag);

	member->is_bound = true;
	if (member->next_phase != 0 || (member->phase == CFG_PHASE_GONE_OVER && phase == CFG_PHASE_LOADED && is_ours)) {
		member->next_phase = phase;
		member->next_tag = tag;
	} else {
		member->phase = phase;
		member->tag = tag;
	}
}

void cfg_deliver_crypto_reconfig(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_rekey *rekey = &cfg->rekey;
	const struct cfg_ring_crypto_reconfig *message = msg;
	struct cfg_rekey_member *member = cfg_words_member(rekey, nodeid);
	uint32_t phase = message->phase;

	(void)size;
	if (member != NULL && (phase == CFG_PHASE_LOADED || phase == CFG_PHASE_GONE_OVER)) {
		take_phase(rekey, member, phase, message->tag);
	} else if (member != NULL && phase == CFG_PHASE_WITHDRAWN) {
		take_back(cfg, member);
	} else {
		cfg->host->log(cfg->ctx, LOG_WARNING,
			"Node %u told a phase %u of a change of keys, which makes no sense: ignored", nodeid, phase);
		return;
	}
	if (rekey->state != CFG_REKEY_IDLE)
		go_on(cfg);
}

void cfg_swap_crypto_reconfig(void *msg, uint32_t size)
{
	struct cfg_ring_crypto_reconfig *message = msg;

	(void)size;
	message->phase = __builtin_bswap32(message->phase);
	message->tag = __builtin_bswap32(message->tag);
}

static bool is_among(const uint32_t *list, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == nodeid)
			return true;
	return false;
}

/* Keep the messages of members that stay in the ring. Members that join have sent no message in this ring yet. */
void cfg_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct cfg *cfg = self;
	struct cfg_rekey *rekey = &cfg->rekey;

	if (!configuration->is_regular)
		return;
	cfg_agreement_configuration(cfg, configuration);
	struct cfg_rekey_member *members = calloc(configuration->member_count + 1, sizeof(*members));

	rekey->is_blind = members == NULL;
	if (members == NULL)
		return; /* the old list stays. Until the next configuration this node goes over only after another one */
	for (uint32_t i = 0; i < configuration->member_count; i++) {
		uint32_t nodeid = configuration->members[i];
		const struct cfg_rekey_member *before = cfg_words_member(rekey, nodeid);

		members[i] = (struct cfg_rekey_member){.nodeid = nodeid};
		if (before != NULL && !is_among(configuration->joined, configuration->joined_count, nodeid))
			members[i] = *before;
	}
	free(rekey->members);
	rekey->members = members;
	rekey->member_count = configuration->member_count;
	if (rekey->state == CFG_REKEY_IDLE)
		return;
	if (configuration->joined_count > 0) {
		if (!rekey->is_withdrawing && rekey->owed == 0)
			rekey->owed = rekey->state == CFG_REKEY_LOADED ? CFG_PHASE_LOADED : CFG_PHASE_GONE_OVER;
		rekey->settled_ns = cfg->host->now_ns(cfg->ctx) + SETTLE_NS;
	}
	arm(cfg); /* continue at the next tick, since the ring has to send other messages first */
}

/* --- reloads --- */

/* Drop the earlier messages of Corosync nodes: they have no tag, and their later messages are about this reload. */
void cfg_rekey_reload_asked(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	for (uint32_t i = 0; i < rekey->member_count; i++) {
		struct cfg_rekey_member *member = &rekey->members[i];

		if (rekey->state == CFG_REKEY_IDLE && !cfg->is_reading && !cfg_words_are_tagged(member))
			member->phase = member->next_phase = 0;
	}
}

bool cfg_rekey_allows_reload(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	if (rekey->state == CFG_REKEY_IDLE)
		return true;
	if (!rekey->has_warned)
		return false;
	if (rekey->state == CFG_REKEY_ACTIVE || rekey->is_withdrawn)
		return true;
	/* The reload may replace the keys that this node has announced, so withdraw its message first. */
	if (!rekey->is_withdrawing) {
		rekey->is_withdrawing = true;
		rekey->owed = CFG_PHASE_WITHDRAWN;
		send_owed(cfg);
	}
	return false;
}

void cfg_rekey_reload_ends(struct cfg *cfg)
{
	struct cfg_rekey *rekey = &cfg->rekey;

	/* If the reload has ended early, the withdrawal may not be delivered yet. The next message then follows it. */
	if (rekey->state != CFG_REKEY_LOADED || !rekey->is_withdrawing)
		return;
	rekey->is_withdrawing = false;
	rekey->is_withdrawn = false;
	if (rekey->tag == cfg_words_tag(cfg))
		rekey->owed = CFG_PHASE_LOADED;
	else
		give_up(cfg); /* the reload has loaded other keys than those of this change */
	go_on(cfg);
}

/* --- life --- */

int cfg_rekey_init(struct cfg *cfg)
{
	if (!COTERIE_HAS(cfg->host, rekey_watch))
		return 0;
	cfg->rekey.used_tag = cfg_words_tag(cfg);
	return cfg->host->rekey_watch(cfg->ctx, on_loaded, cfg);
}

void cfg_rekey_fini(struct cfg *cfg)
{
	cfg->host->timer_del(cfg->ctx, cfg->rekey.timer);
	free(cfg->rekey.members);
}

int cfg_rekey_drain(const struct cfg *cfg)
{
	return cfg->rekey.state != CFG_REKEY_IDLE && !cfg->rekey.has_warned ? -EAGAIN : 0;
}

const char *cfg_rekey_text(const struct cfg *cfg)
{
	switch (cfg->rekey.state) {
	case CFG_REKEY_IDLE:
		return "keys do not change";
	case CFG_REKEY_LOADED:
		return "new keys are loaded";
	case CFG_REKEY_ACTIVE:
		return "new keys are in use";
	}
	return "?";
}
