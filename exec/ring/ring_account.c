/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_account.h"

#include <stdio.h>
#include <string.h>

#include "exec/stats/stats.h"

/* Causes of entering gather that are packets of another ring: book membership, "Gather". */
#define CAUSE_FOREIGN_FIRST 7u
#define CAUSE_FOREIGN_LAST 10u

void ring_account_token(struct ring_account *account, uint64_t received_ns, uint64_t now_ns)
{
	uint64_t before_ns = account->token_ns;

	if (received_ns == before_ns || received_ns == 0 || received_ns > now_ns)
		return;
	account->token_ns = received_ns;
	histogram_note(&account->token_hold, now_ns - received_ns);
	if (before_ns != 0 && before_ns < received_ns)
		histogram_note(&account->token_rotation, received_ns - before_ns);
}

/* --- changes of the ring --- */

void ring_account_trace(struct ring_account *account, uint64_t now_ns, const struct totem_trace *trace)
{
	if (trace->kind == TOTEM_TRACE_TOKEN_LOST && trace->state == TOTEM_OPERATIONAL)
		account->has_lost_token = true;
	if (trace->kind == TOTEM_TRACE_LEASE) {
		account->lease_lapses += trace->value == 0 && account->lapsed_ns == 0;
		if (trace->value != 0 || account->lapsed_ns == 0)
			account->lapsed_ns = trace->value == 0 ? now_ns : 0;
	}
	if (trace->kind != TOTEM_TRACE_STATE || trace->value != TOTEM_GATHER)
		return;
	if (account->ended_ns == 0)
		account->ended_ns = now_ns;
	if (trace->cause >= CAUSE_FOREIGN_FIRST && trace->cause <= CAUSE_FOREIGN_LAST)
		account->has_met_others = true;
}

static enum ring_change change_of(const struct ring_account *account, bool has_joined)
{
	if (!account->has_run)
		return RING_CHANGE_START;
	if (account->has_lost_token || (!has_joined && !account->has_left))
		return RING_CHANGE_TOKEN_LOST;
	if (has_joined)
		return account->has_met_others ? RING_CHANGE_MERGE : RING_CHANGE_JOIN;
	return RING_CHANGE_LEAVE;
}

void ring_account_configuration(
	struct ring_account *account, uint64_t now_ns, const struct totem_configuration *configuration)
{
	/* Stop the measurement: messages of the synchronisation are sent before messages that were queued earlier. */
	account->is_settled = false;
	account->awaited = 0;
	if (!configuration->is_regular) {
		account->has_left = configuration->left_count > 0;
		return;
	}
	account->changes[change_of(account, configuration->joined_count > 0)]++;
	if (account->ended_ns != 0)
		histogram_note(&account->formation, now_ns - account->ended_ns);
	account->ended_ns = 0;
	account->has_run = true;
	account->has_lost_token = account->has_met_others = account->has_left = false;
}

void ring_account_synchronized(struct ring_account *account) { account->is_settled = true; }

/* --- messages --- */

void ring_account_sent(struct ring_account *account, uint64_t now_ns, enum totem_guarantee guarantee)
{
	account->sent++;
	if (account->awaited != 0 || !account->is_settled)
		return;
	account->awaited = account->sent;
	account->awaited_ns = now_ns;
	account->awaited_guarantee = guarantee;
}

void ring_account_arrived(struct ring_account *account, uint64_t now_ns)
{
	histogram_note(&account->delivery[account->awaited_guarantee], now_ns - account->awaited_ns);
	account->awaited = 0;
}

/* --- the map --- */

static void clear(void *arg)
{
	struct ring_account *account = arg;

	memset(&account->token_rotation, 0, sizeof(account->token_rotation));
	memset(&account->token_hold, 0, sizeof(account->token_hold));
	memset(&account->formation, 0, sizeof(account->formation));
	memset(account->delivery, 0, sizeof(account->delivery));
	memset(account->changes, 0, sizeof(account->changes));
	account->lease_lapses = 0;
}

int ring_account_offer(struct ring_account *account, struct stats *stats)
{
	static const char *const changes[RING_CHANGES] = {[RING_CHANGE_JOIN] = "join",
		[RING_CHANGE_LEAVE] = "leave",
		[RING_CHANGE_MERGE] = "merge",
		[RING_CHANGE_START] = "start",
		[RING_CHANGE_TOKEN_LOST] = "token_lost"};
	const struct {
		const char *name;
		const struct histogram *histogram;
	} histograms[] = {
		{"delivery_agreed", &account->delivery[TOTEM_AGREED]},
		{"delivery_safe", &account->delivery[TOTEM_SAFE]},
		{"ring_formation", &account->formation},
		{"token_hold", &account->token_hold},
		{"token_rotation", &account->token_rotation},
	};
	char key[64];
	int rc = stats_on_clear(stats, account, "totem", clear, account);

	for (size_t i = 0; rc == 0 && i < sizeof(histograms) / sizeof(histograms[0]); i++)
		rc = histogram_offer(stats, account, histograms[i].name, histograms[i].histogram);
	for (uint32_t i = 0; rc == 0 && i < RING_CHANGES; i++) {
		snprintf(key, sizeof(key), "stats.coterie.ring.changes.%s", changes[i]);
		rc = stats_add_u64(stats, account, key, &account->changes[i]);
	}
	return rc == 0 ? stats_add_u64(stats, account, "stats.coterie.lease.lapses", &account->lease_lapses) : rc;
}
