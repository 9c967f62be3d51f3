/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload that either all nodes apply or none, in a ring of Coterie nodes.
 *
 * 1. A client requests the reload, and its node sends RELOAD_ASK. When this message is delivered, a round begins, with
 *    the members of the ring. Each member confirms at once that it takes part (HEARD). Only one round is active at a
 *    time. Other rounds wait in the order of their messages.
 * 2. The executive of each member reads and checks its file and keeps the result. Nothing changes yet. The member sends
 *    READY with the changes that it would make, or REFUSED with the reason.
 * 3. When the last READY or REFUSED is delivered, all members have the same answers. If all are ready, each member
 *    applies its kept file on the next turn of its loop, outside the ring's engine. If a member has refused, each
 *    member drops its kept file.
 * 4. A member that has applied its file reports this to the node of the client, which collects the report.
 *
 * If the ring changes between steps 1 and 3, the round is void, at the same place of the order for all members that
 * stay together. Each member drops its result, and the node of the client sends the request again in the new ring.
 * After the decision of step 3 members carry it out, even if the ring changes. Only a partition at the moment of the
 * decision can make members differ: one side may have received the last message and the other side not. The messages
 * are sent with safe delivery. So if a member has delivered a message, all members have received it, unless the ring is
 * already changing.
 *
 * Some members may make the others wait. A member that does not confirm that it takes part has not loaded the service,
 * or has an older version of it. After some time the node of the client sends the order WITHOUT three times, since the
 * ring may only have stopped for a while. Each WITHOUT is sent after the one before was delivered. The round goes on
 * without members that sent no HEARD before the third WITHOUT. If a member does not send READY or REFUSED in time, the
 * node of the client sends the order DROP. It also does so for its undecided rounds before the service is unloaded. If
 * the node of the client does not end its round in twice that time, another member sends EXPIRE, which has the same effect.
 *
 * The nodes agree on a new key of the ring in the same way: rotate.c.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define CS_ERR_TRY_AGAIN 6
#define CS_ERR_INVALID_PARAM 7

#define ROUNDS_MAX 256
#define WARNINGS 3
#define REASON_SIZE 512

static uint64_t now(const struct cfg *cfg) { return cfg->host->now_ns(cfg->ctx); }

static void complain(struct cfg *cfg, uint32_t nodeid, const char *what)
{
	cfg->host->log(cfg->ctx, LOG_WARNING, "Node %u: %s of a reload makes no sense: ignored", nodeid, what);
}

/* End a round: answer its client, if this node has the client, and free the round. */
static void tell_asker(struct cfg *cfg, struct cfg_round *round, enum cfg_outcome outcome)
{
	bool is_ours = round->is_alone || round->asker == cfg->host->local_nodeid(cfg->ctx);
	struct cfg_ask *ask = is_ours ? cfg_ask_find(cfg, round->number) : NULL;

	if (ask != NULL)
		cfg_ask_report(cfg, ask, round, round->is_alone ? CFG_OUTCOME_EACH : outcome);
	cfg_round_destroy(round);
}

void cfg_agreement_report(struct cfg *cfg)
{
	struct cfg_round **place = &cfg->agreement.decided;

	while (*place != NULL) {
		struct cfg_round *round = *place;

		if (!cfg_round_has_all(round, CFG_STAGE_APPLIED)) {
			place = &round->next;
			continue;
		}
		*place = round->next;
		tell_asker(cfg, round, CFG_OUTCOME_APPLIED);
	}
}

/* ---- This node's own file ------------------------------------------------ */

static void drop_kept(struct cfg *cfg)
{
	if (cfg->agreement.is_kept && cfg->agreement.is_key)
		cfg->host->key_drop(cfg->ctx);
	else if (cfg->agreement.is_kept)
		cfg->host->reload_drop(cfg->ctx);
	cfg->agreement.is_kept = false;
}

/*
 * Drop the file that is kept for this round. If the round has not begun, the kept file belongs to the round before. That
 * one was decided and is applied in the next turn of the loop.
 */
static void drop_kept_for(struct cfg *cfg, const struct cfg_round *round)
{
	if (round->is_begun)
		drop_kept(cfg);
}

/*
 * Drop a kept file, but leave a new key stored: after a partition at the moment of the decision, nodes of the other
 * part may use this key. The text for the client names the file of the key.
 */
static void leave_kept(struct cfg *cfg)
{
	if (!cfg->agreement.is_kept || !cfg->agreement.is_key || !COTERIE_HAS(cfg->host, key_leave)) {
		drop_kept(cfg);
		return;
	}
	cfg->host->key_leave(cfg->ctx);
	cfg->agreement.is_kept = false;
}

/* Copy a text as one line: line breaks become spaces. */
static void put_reason(char reason[REASON_SIZE], const char *text)
{
	snprintf(reason, REASON_SIZE, "%s", text);
	for (char *at = reason; *at != '\0'; at++)
		if (*at == '\n')
			*at = at[1] == '\0' ? '\0' : ' ';
}

static void set_u8(struct cfg *cfg, const char *key, uint8_t value)
{
	cfg->host->map_set(cfg->ctx, key, COTERIE_MAP_U8, &value, sizeof(value));
}

/* Log the reason and store it in the map, as the executive does when it refuses a file without a round. */
static void tell_refused(struct cfg *cfg, const char *reason)
{
	static const char key[] = "config.totemconfig_reload_in_progress";
	const int32_t status = CS_ERR_INVALID_PARAM;

	cfg->host->log(cfg->ctx, LOG_ERR, "Config reload refused, nothing has changed: %s", reason);
	set_u8(cfg, key, 1);
	cfg->host->map_set(
		cfg->ctx, "config.reload_error_message", COTERIE_MAP_STRING, reason, (uint32_t)strlen(reason) + 1);
	cfg->host->map_set(cfg->ctx, "config.reload_status", COTERIE_MAP_I32, &status, sizeof(status));
	set_u8(cfg, key, 0);
}

void cfg_agreement_commit(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;

	agreement->is_commit_due = false;
	agreement->is_kept = false;
	if (agreement->is_key) {
		cfg_rotate_commit(cfg);
		cfg_reload_next(cfg);
		return;
	}
	int rc = cfg->host->reload_commit(cfg->ctx);
	const char *error = cfg_reload_error(cfg);

	if (rc == 0 && error != NULL) {
		cfg->host->log(
			cfg->ctx, LOG_ERR, "Config reloaded, but a part of it has no effect on this node: %s", error);
		cfg_say_partly(cfg, agreement->commit_asker, agreement->commit_number, error);
	} else if (rc == 0) {
		cfg->host->log(cfg->ctx, LOG_NOTICE, "Config reloaded, as on all nodes");
		cfg_say(cfg, agreement->commit_asker, agreement->commit_number, CFG_STAGE_APPLIED, "");
	} else {
		const char *text = rc == -EINVAL && error != NULL ? error : strerror(-rc);

		cfg->host->log(cfg->ctx, LOG_ERR,
			"This node does not have the config that the other nodes have now (%s): reload again", text);
		cfg_say(cfg, agreement->commit_asker, agreement->commit_number, CFG_STAGE_FAILED, text);
	}
	cfg_rekey_reload_ends(cfg);
	cfg_reload_next(cfg);
}

/* ---- Decisions ----------------------------------------------------------- */

/* Take a round out of the list. */
static void take(struct cfg *cfg, struct cfg_round *round)
{
	struct cfg_round **place = &cfg->agreement.rounds;

	while (*place != round)
		place = &(*place)->next;
	*place = round->next;
	if (place == &cfg->agreement.rounds && round->next != NULL)
		round->next->since_ns = now(cfg); /* the time limit of the next round starts now */
	round->next = NULL;
}

struct cfg_round *cfg_agreement_active(const struct cfg *cfg)
{
	struct cfg_round *round = cfg->agreement.rounds;

	while (round != NULL && round->is_alone)
		round = round->next;
	return round;
}

static void apply_first(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;
	uint32_t self = cfg->host->local_nodeid(cfg->ctx);
	struct cfg_round *round = agreement->rounds;
	const struct cfg_member *own = cfg_round_member(round, self);

	take(cfg, round);

	if (own != NULL && !own->is_out && agreement->is_kept) {
		agreement->is_commit_due = true;
		agreement->commit_asker = round->asker;
		agreement->commit_number = round->number;
	} else {
		drop_kept_for(cfg, round); /* this node was left out */
		cfg_rekey_reload_ends(cfg);
	}
	if (round->asker != self) {
		cfg_round_destroy(round);
	} else {
		round->since_ns = now(cfg);
		round->next = agreement->decided;
		agreement->decided = round;
		cfg_agreement_report(cfg);
	}
	cfg_agreement_arm(cfg);
}

/* Drop a round. reason: NULL: it was a check without errors. */
static void drop(struct cfg *cfg, struct cfg_round *round, const char *reason)
{
	take(cfg, round);
	drop_kept_for(cfg, round);
	if (reason != NULL && round->key != NULL)
		cfg->host->log(cfg->ctx, LOG_ERR, "Key rotation refused, the ring keeps its key: %s", reason);
	else if (reason != NULL && !round->is_check)
		tell_refused(cfg, reason);
	if (!round->is_check && round->key == NULL)
		cfg_rekey_reload_ends(cfg);
	tell_asker(cfg, round, reason != NULL ? CFG_OUTCOME_REFUSED : CFG_OUTCOME_CHECKED);
}

/* Make all decisions that are possible now. */
static void decide(struct cfg *cfg)
{
	struct cfg_round *round;

	while ((round = cfg->agreement.rounds) != NULL && cfg_round_has_all(round, CFG_STAGE_READY)) {
		const struct cfg_member *refused = cfg_round_first(round, CFG_STAGE_REFUSED);
		char text[REASON_SIZE], reason[REASON_SIZE];

		if (refused != NULL) {
			snprintf(text, sizeof(text), "node %u: %.400s", refused->nodeid,
				refused->text != NULL ? refused->text : "no reason was given");
			put_reason(reason, text);
			drop(cfg, round, reason);
		} else if (round->is_check) {
			drop(cfg, round, NULL);
		} else {
			apply_first(cfg);
		}
	}
	cfg_reload_next(cfg);
}

static void say(struct cfg *cfg, struct cfg_round *round, enum cfg_stage stage, const char *text)
{
	if (!round->is_alone) {
		cfg_say(cfg, round->asker, round->number, stage, text);
		return;
	}
	cfg_round_take(round->members, stage, text, (uint32_t)strlen(text));
	decide(cfg);
}

/* ---- Reading the file ---------------------------------------------------- */

void cfg_agreement_prepared(void *self, int rc, const char *text)
{
	struct cfg *cfg = self;
	struct cfg_agreement *agreement = &cfg->agreement;
	struct cfg_round *round = agreement->rounds;

	agreement->is_reading = false;
	agreement->is_kept = rc == 0;
	bool is_wanted = round != NULL && round->is_begun && !round->is_ended;

	if (!is_wanted || round->is_check)
		drop_kept(cfg); /* the round for which the file was read ends or has ended, or is only a check */
	if (!is_wanted)
		cfg_reload_next(cfg);
	else if (rc == 0)
		say(cfg, round, CFG_STAGE_READY, text);
	else
		say(cfg, round, CFG_STAGE_REFUSED, text[0] != '\0' ? text : strerror(-rc));
}

bool cfg_agreement_is_busy(const struct cfg *cfg) { return cfg->agreement.is_reading || cfg->agreement.is_kept; }

void cfg_agreement_next(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;
	struct cfg_round *round = agreement->rounds;

	if (round == NULL || round->is_begun || round->is_ended || cfg_agreement_is_busy(cfg) || cfg->is_reading)
		return;
	const struct cfg_member *own = cfg_round_member(round, cfg->host->local_nodeid(cfg->ctx));

	if (own == NULL || own->is_out)
		return;
	if (round->key != NULL ? !cfg_rotate_is_time(cfg) : !round->is_check && !cfg_rekey_allows_reload(cfg))
		return;
	round->is_begun = true;
	round->since_ns = now(cfg);
	agreement->is_reading = true;
	agreement->is_key = round->key != NULL;
	if (round->key != NULL) {
		cfg_rotate_prepare(cfg, round);
		return;
	}
	int rc = cfg_reload_start(
		cfg, COTERIE_RELOAD_PREPARE | (round->is_forced ? COTERIE_RELOAD_FORCED : 0), cfg_agreement_prepared);

	if (rc < 0)
		cfg_agreement_prepared(cfg, rc, "");
}

/* ---- Rounds and their messages ------------------------------------------- */

static struct cfg_round **end_of(struct cfg_round **list, uint32_t *count)
{
	*count = 0;
	for (; *list != NULL; list = &(*list)->next)
		++*count;
	return list;
}

int cfg_agreement_check_alone(struct cfg *cfg, uint64_t number, uint32_t flags)
{
	struct cfg_round *round = cfg_round_create(cfg, 0, number, true);
	uint32_t count;

	if (round == NULL)
		return -ENOMEM;
	round->is_check = true;
	round->is_forced = (flags & CFG_RELOAD_FORCE) != 0;
	*end_of(&cfg->agreement.rounds, &count) = round;
	say(cfg, round, CFG_STAGE_HEARD, "");
	return 0;
}

void cfg_agreement_void(struct cfg *cfg)
{
	struct cfg_round **place = &cfg->agreement.rounds;

	while (*place != NULL) {
		struct cfg_round *round = *place;

		if (round->is_alone) {
			place = &round->next;
			continue;
		}
		cfg->host->log(cfg->ctx, LOG_NOTICE, "The %s of node %u has ended without effect: the ring has changed",
			round->key != NULL ? "key rotation"
			: round->is_check  ? "config check"
					   : "config reload",
			round->asker);
		if (round->is_begun)
			leave_kept(cfg);
		struct cfg_ask *ask = round->asker == cfg->host->local_nodeid(cfg->ctx)
					      ? cfg_ask_find(cfg, round->number)
					      : NULL;

		if (ask != NULL && round->key != NULL)
			cfg_rotate_void(cfg, ask, round);
		else if (ask != NULL)
			ask->is_owed = true;
		*place = round->next;
		cfg_round_destroy(round);
	}
	cfg->agreement.is_voided = true; /* a timer does the rest later: the ring has to send other messages first */
}

void cfg_agreement_begin_round(
	struct cfg *cfg, uint32_t asker, uint64_t number, uint32_t flags, const struct cfg_sealed_key *key)
{
	bool is_ours = asker == cfg->host->local_nodeid(cfg->ctx);
	struct cfg_ask *ask = is_ours ? cfg_ask_find(cfg, number) : NULL;
	struct cfg_round *round = NULL;
	uint32_t count;
	struct cfg_round **end = end_of(&cfg->agreement.rounds, &count);

	if (cfg_round_find(cfg->agreement.rounds, asker, number) != NULL) {
		complain(cfg, asker, "a second request");
		return;
	}
	if (count < ROUNDS_MAX)
		round = cfg_round_create(cfg, asker, number, false);
	if (round != NULL && key != NULL) {
		round->key = malloc(sizeof(*key));
		if (round->key == NULL) {
			cfg_round_destroy(round);
			round = NULL;
		} else {
			*round->key = *key;
			if (cfg->rekey.state == CFG_REKEY_IDLE && !cfg->agreement.is_commit_due)
				cfg_wrap_tag(cfg, round->key_tag);
		}
	}
	if (round == NULL && is_ours) {
		/* The other members have begun the round, and only this node watches its time limits. So refuse it. */
		cfg_say(cfg, asker, number, CFG_STAGE_HEARD, "");
		cfg_say(cfg, asker, number, CFG_STAGE_REFUSED, "no memory for a round, or too many wait: try again");
	}
	if (round == NULL) {
		if (ask != NULL)
			cfg_ask_answer(cfg, ask, CS_ERR_TRY_AGAIN);
		return;
	}
	round->is_check = (flags & CFG_RELOAD_CHECK) != 0;
	round->is_forced = (flags & CFG_RELOAD_FORCE) != 0;
	*end = round;
	say(cfg, round, CFG_STAGE_HEARD, "");
	cfg_reload_next(cfg);
}

void cfg_deliver_reload_ask(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_ask *message = msg;
	bool is_check = (message->flags & CFG_RELOAD_CHECK) != 0;
	bool is_ours = nodeid == cfg->host->local_nodeid(cfg->ctx);
	struct cfg_ask *ask = is_ours ? cfg_ask_find(cfg, message->number) : NULL;

	(void)size;
	cfg->host->log(cfg->ctx, LOG_NOTICE,
		is_check ? "Config check requested by node %u" : "Config reload requested by node %u", nodeid);
	if (cfg_agreement_is_possible(cfg))
		cfg_agreement_begin_round(cfg, nodeid, message->number, message->flags, NULL);
	else if (ask != NULL)
		cfg_ask_otherwise(cfg, ask);
}

void cfg_deliver_reload_word(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_word *word = msg;
	struct cfg_round *round = cfg_round_find(cfg->agreement.rounds, word->asker, word->number);
	bool is_decided = round == NULL;

	if (round == NULL)
		round = cfg_round_find(cfg->agreement.decided, word->asker, word->number);
	struct cfg_member *member = round != NULL ? cfg_round_member(round, nodeid) : NULL;

	if (word->text_size > size - sizeof(*word)) {
		complain(cfg, nodeid, "a cut word");
		return;
	}
	if (member == NULL || member->is_out)
		return; /* the round has ended on this node, or goes on without this member */
	/* Only the node of the client prints the text. The others log the begin of a reason. */
	uint32_t most = word->asker == cfg->host->local_nodeid(cfg->ctx) ? CFG_TEXT_MAX : REASON_SIZE;
	if (is_decided != (word->stage >= CFG_STAGE_APPLIED) ||
		!cfg_round_take(member, word->stage, word->text, word->text_size < most ? word->text_size : most)) {
		complain(cfg, nodeid, "a word");
		return;
	}
	member->has_failed_partly = word->stage == CFG_STAGE_FAILED && (word->flags & CFG_WORD_PARTLY) != 0;
	if (is_decided)
		cfg_agreement_report(cfg);
	else
		decide(cfg);
}

static void leave_out_silent(struct cfg *cfg, struct cfg_round *round)
{
	const struct cfg_member *own = cfg_round_member(round, cfg->host->local_nodeid(cfg->ctx));
	char nodes[REASON_SIZE];

	round->is_ordered = false;
	round->silence_ns = now(cfg);
	if (++round->warnings < WARNINGS)
		return;
	if (own != NULL && own->stage == 0)
		cfg->host->log(cfg->ctx, LOG_ERR,
			"This node was left out of a config reload, since it has not answered in time: reload again");
	cfg_round_name_missing(round, CFG_STAGE_HEARD, nodes, sizeof(nodes));
	if (nodes[0] != '\0')
		cfg->host->log(cfg->ctx, LOG_WARNING,
			"Config reload without nodes that do not answer:%s; is service cfg loaded there?", nodes);
	for (uint32_t i = 0; i < round->member_count; i++)
		if (round->members[i].stage == 0)
			round->members[i].is_out = true;
	decide(cfg);
}

/* Drop the active round. Its report shows the members that have not answered. */
static void drop_active(struct cfg *cfg, struct cfg_round *round, const char *reason)
{
	for (uint32_t i = 0; i < round->member_count; i++)
		if (round->members[i].stage < CFG_STAGE_READY)
			round->members[i].is_out = true;
	drop(cfg, round, reason);
	decide(cfg);
}

static void drop_slow(struct cfg *cfg, struct cfg_round *round)
{
	char nodes[256], reason[REASON_SIZE];

	if (round != cfg_agreement_active(cfg))
		return;
	bool is_deaf = round->key != NULL && !cfg_round_has_all(round, CFG_STAGE_HEARD);

	cfg_round_name_missing(round, is_deaf ? CFG_STAGE_HEARD : CFG_STAGE_READY, nodes, sizeof(nodes));
	snprintf(reason, sizeof(reason), "%s:%s",
		is_deaf              ? "nodes do not answer, or run a build that cannot rotate keys"
		: round->key != NULL ? "nodes have not stored the key in time"
				     : "nodes have not read their files in time",
		nodes);
	drop_active(cfg, round, reason);
}

/* The node that requested a round unloads the service. */
static void drop_left(struct cfg *cfg, struct cfg_round *round)
{
	char reason[REASON_SIZE];

	if (round == cfg_agreement_active(cfg)) {
		snprintf(reason, sizeof(reason), "node %u unloads service cfg", round->asker);
		drop(cfg, round, reason);
		decide(cfg);
		return;
	}
	take(cfg, round); /* it has not begun, so this node keeps nothing for it */
	tell_asker(cfg, round, CFG_OUTCOME_REFUSED);
}

void cfg_deliver_reload_order(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_order *message = msg;
	struct cfg_round *round = cfg_round_find(cfg->agreement.rounds, nodeid, message->number);

	(void)size;
	if (message->order != CFG_ORDER_WITHOUT && message->order != CFG_ORDER_DROP)
		complain(cfg, nodeid, "an order");
	else if (round != NULL && message->order == CFG_ORDER_WITHOUT && round->key != NULL)
		complain(cfg, nodeid, "an order about a key");
	else if (round != NULL && message->order == CFG_ORDER_WITHOUT)
		leave_out_silent(cfg, round);
	else if (round != NULL && (message->flags & CFG_ORDER_UNLOADS) != 0)
		drop_left(cfg, round);
	else if (round != NULL)
		drop_slow(cfg, round);
}

void cfg_deliver_reload_expire(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_reload_expire *message = msg;
	struct cfg_round *round = cfg_round_find(cfg->agreement.rounds, message->asker, message->number);
	char reason[REASON_SIZE];

	(void)nodeid, (void)size;
	if (round == NULL || round != cfg_agreement_active(cfg))
		return; /* another member has sent this message, too, or the round was decided before it */
	snprintf(reason, sizeof(reason), "node %u has not ended its round in time", round->asker);
	drop_active(cfg, round, reason);
}

void cfg_swap_reload_ask(void *msg, uint32_t size)
{
	struct cfg_ring_reload_ask *message = msg;

	(void)size;
	message->number = __builtin_bswap64(message->number);
	message->flags = __builtin_bswap32(message->flags);
}

void cfg_swap_reload_word(void *msg, uint32_t size)
{
	struct cfg_ring_reload_word *message = msg;

	(void)size;
	message->number = __builtin_bswap64(message->number);
	message->asker = __builtin_bswap32(message->asker);
	message->stage = __builtin_bswap32(message->stage);
	message->text_size = __builtin_bswap32(message->text_size);
	message->flags = __builtin_bswap32(message->flags);
}

void cfg_swap_reload_order(void *msg, uint32_t size)
{
	struct cfg_ring_reload_order *message = msg;

	(void)size;
	message->number = __builtin_bswap64(message->number);
	message->order = __builtin_bswap32(message->order);
	message->flags = __builtin_bswap32(message->flags);
}

void cfg_swap_reload_expire(void *msg, uint32_t size)
{
	struct cfg_ring_reload_expire *message = msg;

	(void)size;
	message->number = __builtin_bswap64(message->number);
	message->asker = __builtin_bswap32(message->asker);
}
