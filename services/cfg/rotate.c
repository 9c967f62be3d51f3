/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A new key of the ring, which either all nodes apply or none: `coterie-ctl key rotate`.
 *
 * 1. A client requests the rotation. Its node makes a random key, encrypts it with the key in use (wrap.c) and sends it
 *    as KEY_ROTATE. When this message is delivered, a round begins, as for a reload (agree.c). The client's node wipes
 *    its copy of the key, and then acts as any other member.
 * 2. Each member decrypts the key, and its executive stores the key beside the key file. The member sends READY, or
 *    REFUSED with the reason. If a member does not confirm that it takes part, the client's node sends DROP: all
 *    members need the key, and older builds do not know KEY_ROTATE.
 * 3. When the last READY or REFUSED is delivered, all members decide the same. If a member has refused, each member
 *    removes the stored key. Otherwise the transport of each member loads the key, and the stored file replaces the key
 *    file.
 * 4. The ring changes to the key as after a reload (rekey.c). A member that has completed this change sends APPLIED. A
 *    member that has waited too long for others sends FAILED.
 *
 * If the ring changes between steps 1 and 3, the round ends without effect on this node. The request is not sent again,
 * since nodes of the node list may be absent now. If a partition happens during step 3, the other part may have applied
 * the key, so each node keeps the stored file.
 */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#define CS_ERR_TRY_AGAIN 6

#define ABSENT_MAX 1024u
#define REASON_SIZE 512

static bool is_possible(const struct cfg *cfg)
{
	return COTERIE_HAS(cfg->host, key_prepare) && cfg->host->is_safe_kept(cfg->ctx) != 0;
}

/* ---- Refusals ------------------------------------------------------------ */

static bool is_member(const uint32_t *members, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++)
		if (members[i] == nodeid)
			return true;
	return false;
}

uint32_t cfg_rotate_absent(struct cfg *cfg, uint32_t *list, uint32_t max)
{
	const uint32_t *members;
	uint32_t member_count, type, size, found = 0, nodeid;
	const void *value;
	char key[64];

	cfg->host->membership(cfg->ctx, NULL, &members, &member_count);
	for (uint32_t i = 0; i < ABSENT_MAX; i++) {
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		if (cfg->host->map_get(cfg->ctx, key, &type, &value, &size) < 0 || type != COTERIE_MAP_U32 ||
			size != sizeof(nodeid))
			break;
		memcpy(&nodeid, value, sizeof(nodeid));
		if (is_member(members, member_count, nodeid))
			continue;
		if (found < max)
			list[found] = nodeid;
		found++;
	}
	return found;
}

/* Return whether nodes of the node list are not in the ring, and write their ids to `text`. */
static bool is_any_absent(struct cfg *cfg, char *text, size_t size)
{
	uint32_t list[16], count = cfg_rotate_absent(cfg, list, 16);
	size_t used = 0;

	for (uint32_t i = 0; i < count && i < 16; i++)
		used += (size_t)snprintf(text + used, size - used, " %u", list[i]);
	if (count > 16)
		snprintf(text + used, size - used, " and %u more", count - 16);
	return count > 0;
}

/* Return whether this node refuses a rotation that its own client requests, and write the reason. */
static bool is_refused(struct cfg *cfg, uint32_t flags, char reason[REASON_SIZE])
{
	const void *key;
	uint32_t size;
	char nodes[256];

	reason[0] = '\0';
	if (cfg->host->key_get(cfg->ctx, &key, &size) < 0)
		snprintf(reason, REASON_SIZE, "the ring is not encrypted: it has no key");
	else if (!is_possible(cfg))
		snprintf(reason, REASON_SIZE,
			"nodes of Corosync's are in the ring: change the key file of each node, then reload");
	else if (cfg->rekey.state != CFG_REKEY_IDLE)
		snprintf(reason, REASON_SIZE,
			"a change of the ring's keys is under way (%s): see key status, and the logs",
			cfg_rekey_text(cfg));
	else if ((flags & CFG_ROTATE_FORCE) == 0 && is_any_absent(cfg, nodes, sizeof(nodes)))
		snprintf(reason, REASON_SIZE, "nodes of the node list are not in the ring:%s; --force leaves them out",
			nodes);
	return reason[0] != '\0';
}

static void set_verdict(struct cfg_round *round, uint32_t nodeid, const char *reason)
{
	struct cfg_member *member = cfg_round_member(round, nodeid);

	if (member == NULL)
		return;
	member->stage = CFG_STAGE_HEARD; /* so that REFUSED can replace any earlier message of this member */
	cfg_round_take(member, CFG_STAGE_REFUSED, reason, (uint32_t)strlen(reason));
}

/* Send a report that contains only this node, which has refused. @return 0; -ENOMEM */
static int reply_refused(struct cfg *cfg, struct coterie_client *client, const char *reason)
{
	struct cfg_round *round = cfg_round_create(cfg, 0, 0, true);

	if (round == NULL)
		return -ENOMEM;
	set_verdict(round, cfg->host->local_nodeid(cfg->ctx), reason);
	cfg_round_report(cfg, round, client, CFG_RES_KEY_ROTATE, CFG_OUTCOME_REFUSED);
	cfg_round_destroy(round);
	return 0;
}

/* ---- The request --------------------------------------------------------- */

static int send_key(struct cfg *cfg, uint32_t flags, uint64_t number)
{
	struct cfg_ring_key_rotate message = {.number = number, .flags = flags};
	struct iovec iov = {(uint8_t *)&message + sizeof(message.header), sizeof(message) - sizeof(message.header)};
	uint8_t key[CFG_KEY_SIZE];

	/* One call suffices: getrandom() never returns less than the requested size up to 256 bytes. */
	int rc = getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) ? 0 : -EIO;

	if (rc == 0)
		rc = cfg_wrap_seal(cfg, key, &message.key);
	explicit_bzero(key, sizeof(key));
	return rc < 0 ? rc : cfg->host->ring_send(cfg->ctx, CFG_RING_KEY_ROTATE, COTERIE_SAFE, &iov, 1);
}

int cfg_handle_key_rotate(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct cfg_req_key_rotate req;
	char reason[REASON_SIZE];

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));
	if (!COTERIE_HAS(cfg->host, key_prepare))
		return -ENOTSUP;
	if (is_refused(cfg, req.flags, reason)) {
		int rc = reply_refused(cfg, client, reason);

		return rc < 0 ? rc : COTERIE_REPLIED;
	}
	uint64_t number = cfg->agreement.next_number++;
	struct cfg_ask *ask = cfg_ask_create(
		cfg, client, CFG_RES_KEY_ROTATE, req.flags & (uint32_t)CFG_ROTATE_FORCE, number);

	if (ask == NULL)
		return -ENOMEM;
	int rc = send_key(cfg, ask->flags, number);

	if (rc < 0)
		cfg_ask_destroy(cfg, ask);
	cfg_agreement_arm(cfg);
	return rc < 0 ? rc : COTERIE_LATER;
}

void cfg_deliver_key_rotate(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	const struct cfg_ring_key_rotate *message = msg;
	bool is_ours = nodeid == cfg->host->local_nodeid(cfg->ctx);
	struct cfg_ask *ask = is_ours ? cfg_ask_find(cfg, message->number) : NULL;
	char reason[REASON_SIZE];

	(void)size;
	cfg->host->log(cfg->ctx, LOG_NOTICE, "Key rotation requested by node %u", nodeid);
	if (is_possible(cfg)) {
		cfg_agreement_begin_round(cfg, nodeid, message->number, 0, &message->key);
	} else if (ask != NULL) {
		(void)is_refused(cfg, ask->flags, reason);
		if (ask->client != NULL && reply_refused(cfg, ask->client, reason) < 0)
			cfg_ask_answer(cfg, ask, CS_ERR_TRY_AGAIN);
		else
			cfg_ask_destroy(cfg, ask);
	}
}

void cfg_swap_key_rotate(void *msg, uint32_t size)
{
	struct cfg_ring_key_rotate *message = msg;

	(void)size;
	message->number = __builtin_bswap64(message->number);
	message->flags = __builtin_bswap32(message->flags);
}

void cfg_rotate_void(struct cfg *cfg, struct cfg_ask *ask, struct cfg_round *round)
{
	set_verdict(round, cfg->host->local_nodeid(cfg->ctx),
		"the ring has changed: this node keeps its key, and nodes outside of this ring may have the new one "
		"(NAME.next). See coterie-ctl members and key status, then rotate again");
	cfg_ask_report(cfg, ask, round, CFG_OUTCOME_REFUSED);
}

/* ---- The key on this node ------------------------------------------------ */

bool cfg_rotate_is_time(const struct cfg *cfg) { return cfg->rekey.state == CFG_REKEY_IDLE || cfg->rekey.has_warned; }

/*
 * Write the reason why the new key of the round cannot be decrypted. Either the ring's key has changed since the
 * request, or the node that requested the round has another key file.
 */
static void explain_closed(struct cfg *cfg, const struct cfg_round *round, char reason[REASON_SIZE])
{
	uint8_t tag[CFG_KEY_TAG_SIZE];

	cfg_wrap_tag(cfg, tag);
	if (round->asker == cfg->host->local_nodeid(cfg->ctx) || memcmp(tag, round->key_tag, sizeof(tag)) != 0)
		snprintf(reason, REASON_SIZE, "the ring's key has changed meanwhile: rotate again");
	else
		snprintf(reason, REASON_SIZE, "the key file of this node is not that of node %u", round->asker);
}

void cfg_rotate_prepare(struct cfg *cfg, const struct cfg_round *round)
{
	const struct cfg_ask *ask = round->asker == cfg->host->local_nodeid(cfg->ctx) ? cfg_ask_find(cfg, round->number)
										      : NULL;
	uint8_t key[CFG_KEY_SIZE];
	char reason[REASON_SIZE];

	int rc = ask != NULL && is_refused(cfg, ask->flags, reason) ? -EINVAL : 0;

	if (rc == 0 && cfg->rekey.state != CFG_REKEY_IDLE) {
		snprintf(reason, sizeof(reason), "a change of the ring's keys is under way (%s)", cfg_rekey_text(cfg));
		rc = -EINVAL;
	}
	if (rc == 0 && cfg_wrap_open(cfg, round->asker, round->key, key) < 0) {
		explain_closed(cfg, round, reason);
		rc = -EINVAL;
	}
	if (rc == 0) {
		rc = cfg->host->key_prepare(cfg->ctx, key, sizeof(key), cfg_agreement_prepared, cfg);
		snprintf(reason, sizeof(reason), "the key cannot be prepared: %s", strerror(-rc));
	}
	explicit_bzero(key, sizeof(key));
	if (rc < 0)
		cfg_agreement_prepared(cfg, rc, reason);
}

void cfg_rotate_commit(struct cfg *cfg)
{
	struct cfg_agreement *agreement = &cfg->agreement;
	char *flaw = agreement->rotation_flaw;

	agreement->is_rotating = true;
	agreement->rotation_asker = agreement->commit_asker;
	agreement->rotation_number = agreement->commit_number;
	int rc = cfg->host->key_commit(cfg->ctx, flaw, sizeof(agreement->rotation_flaw));

	if (rc == 0)
		flaw[0] = '\0';
	else if (flaw[0] == '\0')
		snprintf(flaw, sizeof(agreement->rotation_flaw), "the key cannot be loaded: %s", strerror(-rc));
	if ((rc == 0 || rc == -EIO) && cfg->rekey.state != CFG_REKEY_IDLE)
		return; /* rekey.c calls cfg_rotate_ends */
	if (rc != 0 && rc != -EIO)
		cfg->host->log(cfg->ctx, LOG_ERR,
			"This node does not use the key that the other nodes have now: copy the key file of another node "
			"to this one, then reload (%s)",
			flaw);
	if (agreement->is_rotating)
		cfg_rotate_ends(cfg, rc == 0 || rc == -EIO ? "the transport has not loaded the new key" : flaw);
}

void cfg_rotate_ends(struct cfg *cfg, const char *reason)
{
	struct cfg_agreement *agreement = &cfg->agreement;

	if (!agreement->is_rotating)
		return;
	agreement->is_rotating = false;
	if (reason == NULL && agreement->rotation_flaw[0] != '\0')
		reason = agreement->rotation_flaw;
	cfg_say(cfg, agreement->rotation_asker, agreement->rotation_number,
		reason == NULL ? CFG_STAGE_APPLIED : CFG_STAGE_FAILED, reason == NULL ? "" : reason);
	agreement->rotation_flaw[0] = '\0';
}
