/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state for a new version of the plugin: the clients that track shutdowns, and the last messages of the members
 * about keys. While a vote or a reload runs or keys change, the state is not handed over. The new version waits for
 * their end.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <stdlib.h>

#include <coterie/state.h>

#define STATE_VERSION 1u

static bool is_busy(const struct cfg *cfg)
{
	const struct cfg_agreement *agreement = &cfg->agreement;

	return cfg->vote.asker != NULL || cfg->shutdown_retry != NULL || cfg->reloads != NULL || cfg->is_reading ||
	       cfg->rekey.state != CFG_REKEY_IDLE || agreement->rounds != NULL || agreement->decided != NULL ||
	       agreement->asks != NULL || agreement->letters != NULL || agreement->is_commit_due ||
	       agreement->is_voided || agreement->is_rotating || cfg_agreement_is_busy(cfg);
}

int cfg_state_save(void *self, void **blob, uint32_t *size)
{
	const struct cfg *cfg = self;
	const struct cfg_rekey *rekey = &cfg->rekey;
	struct coterie_state_writer writer = {.bytes = NULL};
	const struct cfg_connection *last = NULL;
	uint32_t count = 0;

	if (is_busy(cfg))
		return -EAGAIN;
	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put_u64(&writer, cfg->next_cookie);
	coterie_state_put_u64(&writer, cfg->agreement.next_number);
	coterie_state_put_u32(&writer, rekey->tag);
	coterie_state_put_u32(&writer, rekey->used_tag);
	coterie_state_put_u32(&writer, rekey->member_count);
	for (uint32_t i = 0; i < rekey->member_count; i++) {
		const struct cfg_rekey_member *member = &rekey->members[i];

		coterie_state_put_u32(&writer, member->nodeid);
		coterie_state_put_u32(&writer, member->phase);
		coterie_state_put_u32(&writer, member->tag);
		coterie_state_put_u32(&writer, member->next_phase);
		coterie_state_put_u32(&writer, member->next_tag);
		coterie_state_put_u32(&writer, member->is_bound);
	}
	for (const struct cfg_connection *one = cfg->connections; one != NULL; one = one->next) {
		last = one;
		count++;
	}
	coterie_state_put_u32(&writer, count); /* the connections follow, oldest first */
	for (; last != NULL; last = last->previous) {
		coterie_state_put_u64(&writer, cfg->host->client_id(last->client));
		coterie_state_put_u32(&writer, last->is_tracking);
	}
	return coterie_state_end(&writer, blob, size);
}

static int take_members(struct cfg_rekey *rekey, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 24);

	free(rekey->members);
	rekey->member_count = 0;
	rekey->members = calloc(count + 1u, sizeof(*rekey->members));
	if (rekey->members == NULL)
		return -ENOMEM;
	for (; rekey->member_count < count; rekey->member_count++) {
		struct cfg_rekey_member *member = &rekey->members[rekey->member_count];

		member->nodeid = coterie_state_take_u32(reader);
		member->phase = coterie_state_take_u32(reader);
		member->tag = coterie_state_take_u32(reader);
		member->next_phase = coterie_state_take_u32(reader);
		member->next_tag = coterie_state_take_u32(reader);
		member->is_bound = coterie_state_take_u32(reader) != 0;
	}
	return 0;
}

static void take_connections(struct cfg *cfg, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 12);

	for (uint32_t i = 0; i < count; i++) {
		struct coterie_client *client = cfg->host->client_find(cfg->ctx, coterie_state_take_u64(reader));
		bool is_tracking = coterie_state_take_u32(reader) != 0;

		if (client == NULL)
			continue;
		struct cfg_connection *connection = cfg_connection_of(cfg, client);
		*connection = (struct cfg_connection){
			.client = client, .next = cfg->connections, .is_tracking = is_tracking};
		if (cfg->connections != NULL)
			cfg->connections->previous = connection;
		cfg->connections = connection;
	}
}

int cfg_state_load(void *self, const void *blob, uint32_t size)
{
	struct cfg *cfg = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};

	if (coterie_state_take_u32(&reader) != STATE_VERSION)
		return -ENOTSUP;
	cfg->next_cookie = coterie_state_take_u64(&reader);
	cfg->agreement.next_number = coterie_state_take_u64(&reader);
	cfg->rekey.tag = coterie_state_take_u32(&reader);
	cfg->rekey.used_tag = coterie_state_take_u32(&reader);
	int rc = take_members(&cfg->rekey, &reader);
	if (rc < 0)
		return rc;
	take_connections(cfg, &reader);
	return coterie_state_is_whole(&reader) ? 0 : -ENOTSUP;
}
