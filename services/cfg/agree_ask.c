/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of this node's clients for a reload, and the time limits of their rounds. After a change of the ring the
 * requests are sent again. If Corosync nodes are in the ring, RELOAD_CONFIG is sent instead. agree.c describes the
 * rounds.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#define CS_ERR_TRY_AGAIN 6

#define MS UINT64_C(1000000)
#define TICK_NS (100 * MS)
#define LETTER_NS (20 * MS)
#define SILENCE_NS (5000 * MS) /* a node that runs makes many turns of its loop in this time */
#define WARNING_NS (1000 * MS)
#define PATIENCE_NS (60000 * MS) /* the resolver of names in a file may need that long */
#define ASKER_NS (2 * PATIENCE_NS)
#define APPLY_NS (20000 * MS)
#define TRIES_MAX 10

static void on_tick(void *arg);

static uint64_t now(const struct cfg *cfg) { return cfg->host->now_ns(cfg->ctx); }

bool cfg_agreement_is_possible(const struct cfg *cfg)
{
	return COTERIE_HAS(cfg->host, reload_prepare) && cfg->host->is_safe_kept(cfg->ctx) != 0;
}

uint32_t cfg_agreement_count(const struct cfg *cfg)
{
	uint32_t count = 0;

	for (const struct cfg_ask *ask = cfg->agreement.asks; ask != NULL; ask = ask->next)
		count++;
	return count;
}

void cfg_agreement_arm(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;
	uint64_t at_ns = now(cfg);

	if (agreement->is_commit_due) {
		cfg->host->timer_del(cfg->ctx, agreement->timer);
		agreement->timer = NULL;
	}
	if (!agreement->is_commit_due)
		at_ns += agreement->letters != NULL ? LETTER_NS : TICK_NS;
	if (agreement->timer == NULL &&
		(agreement->is_commit_due || agreement->is_voided || agreement->letters != NULL ||
			agreement->asks != NULL || agreement->rounds != NULL))
		cfg->host->timer_add(cfg->ctx, at_ns, on_tick, cfg, &agreement->timer);
}

/* ---- Requests ------------------------------------------------------------ */

struct cfg_ask *cfg_ask_find(const struct cfg *cfg, uint64_t number)
{
	for (struct cfg_ask *ask = cfg->agreement.asks; ask != NULL; ask = ask->next)
		if (!ask->is_owed && ask->number == number)
			return ask;
	return NULL;
}

void cfg_ask_destroy(struct cfg *cfg, struct cfg_ask *ask)
{
	struct cfg_ask **place = &cfg->agreement.asks;

	while (*place != ask)
		place = &(*place)->next;
	*place = ask->next;
	free(ask);
}

void cfg_ask_answer(struct cfg *cfg, struct cfg_ask *ask, int32_t error)
{
	if (ask->client != NULL)
		cfg->host->reply(ask->client, ask->response, error, NULL, 0);
	cfg_ask_destroy(cfg, ask);
}

void cfg_ask_report(struct cfg *cfg, struct cfg_ask *ask, const struct cfg_round *round, enum cfg_outcome outcome)
{
	if (ask->client != NULL)
		cfg_round_report(cfg, round, ask->client, (enum cfg_response_id)ask->response, outcome);
	cfg_ask_destroy(cfg, ask);
}

void cfg_ask_otherwise(struct cfg *cfg, struct cfg_ask *ask)
{
	bool is_check = (ask->flags & CFG_RELOAD_CHECK) != 0;
	int rc;

	ask->is_owed = false;
	if (is_check)
		rc = cfg_agreement_check_alone(cfg, ask->number, ask->flags);
	else
		rc = cfg_reload_send(cfg, ask->client, ask->response == CFG_RES_RELOAD_REPORT);
	if (rc < 0)
		cfg_ask_answer(cfg, ask, CS_ERR_TRY_AGAIN);
	else if (!is_check)
		cfg_ask_destroy(cfg, ask); /* its client now waits for the reload that cfg_reload_send() has started */
}

static int send_ask(struct cfg *cfg, struct cfg_ask *ask)
{
	struct cfg_ring_reload_ask message = {.number = cfg->agreement.next_number++, .flags = ask->flags};
	struct iovec iov = {(uint8_t *)&message + sizeof(message.header), sizeof(message) - sizeof(message.header)};

	ask->number = message.number;
	return cfg->host->ring_send(cfg->ctx, CFG_RING_RELOAD_ASK, COTERIE_SAFE, &iov, 1);
}

struct cfg_ask *cfg_ask_create(
	struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags, uint64_t number)
{
	struct cfg_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->client = client;
	ask->response = response;
	ask->flags = flags;
	ask->number = number;
	ask->next = cfg->agreement.asks;
	cfg->agreement.asks = ask;
	return ask;
}

int cfg_agreement_ask(struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags)
{
	bool is_possible = cfg_agreement_is_possible(cfg);

	if (!is_possible && (flags & CFG_RELOAD_CHECK) == 0)
		return cfg_reload_send(cfg, client, response == CFG_RES_RELOAD_REPORT);
	if (!COTERIE_HAS(cfg->host, reload_prepare))
		return -ENOTSUP;
	struct cfg_ask *ask = cfg_ask_create(cfg, client, response, flags, cfg->agreement.next_number);

	if (ask == NULL)
		return -ENOMEM;
	cfg->agreement.next_number++;
	int rc = is_possible ? send_ask(cfg, ask) : cfg_agreement_check_alone(cfg, ask->number, flags);

	if (rc < 0)
		cfg_ask_destroy(cfg, ask);
	cfg_agreement_arm(cfg);
	return rc;
}

/* ---- Time ---------------------------------------------------------------- */

/* Send those requests again that a change of the ring has made void. */
static void ask_again(struct cfg *cfg)
{
	struct cfg_ask *next;

	for (struct cfg_ask *ask = cfg->agreement.asks; ask != NULL; ask = next) {
		next = ask->next;
		if (!ask->is_owed)
			continue;
		if (++ask->tries > TRIES_MAX) {
			cfg->host->log(
				cfg->ctx, LOG_WARNING, "Config reload given up: the ring changes again and again");
			cfg_ask_answer(cfg, ask, CS_ERR_TRY_AGAIN);
		} else if (!cfg_agreement_is_possible(cfg)) {
			cfg_ask_otherwise(cfg, ask);
		} else if (send_ask(cfg, ask) == 0) {
			ask->is_owed = false;
		}
	}
}

/* Send EXPIRE if another node does not end its round in time. */
static void watch_asker(struct cfg *cfg)
{
	struct cfg_round *round = cfg_agreement_active(cfg);

	if (round != NULL && round->asker != cfg->host->local_nodeid(cfg->ctx) && !round->is_ended &&
		now(cfg) - round->since_ns >= ASKER_NS)
		round->is_ended = cfg_expire(cfg, round);
}

/* Send orders for rounds of this node's clients in which a member has not answered in time. */
static void watch_rounds(struct cfg *cfg)
{
	const struct cfg_agreement *agreement = &cfg->agreement;
	uint32_t self = cfg->host->local_nodeid(cfg->ctx);

	watch_asker(cfg);
	for (struct cfg_round *round = agreement->rounds; round != NULL; round = round->next) {
		uint64_t waited_ns = now(cfg) - round->since_ns, silent_ns = now(cfg) - round->silence_ns;

		if (round->is_alone || round->asker != self)
			continue;
		bool is_silent = !cfg_round_has_all(round, CFG_STAGE_HEARD);

		if (silent_ns >= (round->warnings == 0 ? SILENCE_NS : WARNING_NS) && !round->is_ordered && is_silent &&
			round->key == NULL)
			round->is_ordered = cfg_order(cfg, round, CFG_ORDER_WITHOUT, 0);
		/* A round for a new key never goes on without a member, since all members must get the key. */
		if (waited_ns >= (round->key != NULL && is_silent ? SILENCE_NS : PATIENCE_NS) && !round->is_ended &&
			round == agreement->rounds)
			round->is_ended = cfg_order(cfg, round, CFG_ORDER_DROP, 0);
	}
	for (struct cfg_round *round = agreement->decided; round != NULL; round = round->next)
		for (uint32_t i = 0; now(cfg) - round->since_ns >= APPLY_NS && i < round->member_count; i++)
			if (round->members[i].stage < CFG_STAGE_APPLIED)
				round->members[i].is_out = true;
	cfg_agreement_report(cfg);
}

static void on_tick(void *arg)
{
	struct cfg *cfg = arg;

	cfg->agreement.timer = NULL;
	cfg_letters_send(cfg);
	if (cfg->agreement.is_commit_due)
		cfg_agreement_commit(cfg);
	/* If the next reload has begun already, its end counts: until then nothing may be announced. */
	if (cfg->agreement.is_voided && !cfg->is_reading && !cfg_agreement_is_busy(cfg)) {
		cfg->agreement.is_voided = false;
		cfg_rekey_reload_ends(cfg);
	}
	ask_again(cfg);
	watch_rounds(cfg);
	cfg_reload_next(cfg);
	cfg_agreement_arm(cfg);
}

/* ---- The ring ------------------------------------------------------------ */

static bool is_among(const uint32_t *list, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == nodeid)
			return true;
	return false;
}

/* Mark members that have left the ring, or left and returned, before they reported their result. */
static void mark_left(struct cfg_round *round, const struct coterie_configuration *configuration)
{
	for (uint32_t i = 0; i < round->member_count; i++) {
		struct cfg_member *member = &round->members[i];
		bool is_there = is_among(configuration->members, configuration->member_count, member->nodeid) &&
				!is_among(configuration->joined, configuration->joined_count, member->nodeid);

		if (!is_there && member->stage < CFG_STAGE_APPLIED)
			member->is_out = member->has_left = true;
	}
}

static bool is_same(const struct cfg_round *round, const struct coterie_configuration *configuration)
{
	if (configuration->joined_count > 0 || round->member_count != configuration->member_count)
		return false;
	for (uint32_t i = 0; i < round->member_count; i++)
		if (!is_among(configuration->members, configuration->member_count, round->members[i].nodeid))
			return false;
	return true;
}

void cfg_agreement_configuration(struct cfg *cfg, const struct coterie_configuration *configuration)
{
	const struct cfg_round *first = cfg->agreement.rounds;

	while (first != NULL && first->is_alone)
		first = first->next;
	for (struct cfg_round *round = cfg->agreement.decided; round != NULL; round = round->next)
		mark_left(round, configuration);
	cfg_agreement_report(cfg);
	if (first != NULL && !is_same(first, configuration))
		cfg_agreement_void(cfg);
	cfg_agreement_arm(cfg);
}

/* ---- Life ---------------------------------------------------------------- */

void cfg_agreement_init(struct cfg *cfg)
{
	cfg->agreement.last_letter = &cfg->agreement.letters;
	cfg->agreement.next_number = 1;
}

static void free_rounds(struct cfg_round *list)
{
	while (list != NULL) {
		struct cfg_round *next = list->next;

		cfg_round_destroy(list);
		list = next;
	}
}

/* Destroy the requests that are not on the ring. They must not begin rounds that this node then leaves. */
static void destroy_owed(struct cfg *cfg)
{
	struct cfg_ask *next;

	for (struct cfg_ask *ask = cfg->agreement.asks; ask != NULL; ask = next) {
		next = ask->next;
		if (ask->is_owed)
			cfg_ask_destroy(cfg, ask); /* its client has disconnected */
	}
}

/*
 * Return whether this node has said that it can apply the file of another node's round, which is not decided yet. If it
 * left now, the others would apply their files, and this node would not.
 */
static bool has_promised(const struct cfg *cfg)
{
	const struct cfg_round *round = cfg->agreement.rounds;

	return cfg->agreement.is_kept && round != NULL && round->is_begun && !round->is_alone &&
	       round->asker != cfg->host->local_nodeid(cfg->ctx);
}

/*
 * Refuse a round of another node, unless this node has answered already. Without an answer the other members would wait
 * until the time limit.
 */
static void refuse(struct cfg *cfg, struct cfg_round *round)
{
	if (round->is_begun && !cfg->agreement.is_reading)
		return;
	round->is_ended = true;
	cfg_say(cfg, round->asker, round->number, CFG_STAGE_REFUSED, "this node unloads service cfg");
}

int cfg_agreement_drain(struct cfg *cfg)
{
	const struct cfg_agreement *agreement = &cfg->agreement;
	uint32_t self = cfg->host->local_nodeid(cfg->ctx);
	bool is_told = true;

	/* Only this node watches the time limits of its rounds. Without it they would never end if a member hangs. */
	for (struct cfg_round *round = agreement->rounds; round != NULL; round = round->next) {
		if (round->is_alone || round->is_ended)
			continue;
		if (round->asker != self) {
			refuse(cfg, round);
			continue;
		}
		round->is_ended = cfg_order(cfg, round, CFG_ORDER_DROP, CFG_ORDER_UNLOADS);
		is_told = is_told && round->is_ended;
	}
	destroy_owed(cfg);
	return !is_told || agreement->is_commit_due || agreement->letters != NULL || has_promised(cfg) ? -EAGAIN : 0;
}

void cfg_agreement_fini(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;

	cfg->host->timer_del(cfg->ctx, agreement->timer);
	cfg_letters_free(cfg);
	free_rounds(agreement->rounds);
	free_rounds(agreement->decided);
	while (agreement->asks != NULL)
		cfg_ask_destroy(cfg, agreement->asks);
	if (agreement->is_kept)
		cfg->host->reload_drop(cfg->ctx);
}

void cfg_agreement_forget(struct cfg *cfg, const struct coterie_client *client)
{
	for (struct cfg_ask *ask = cfg->agreement.asks; ask != NULL; ask = ask->next)
		if (ask->client == client)
			ask->client = NULL;
}
