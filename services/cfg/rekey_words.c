/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of the ring's members about a change of keys, and the tags of these keys. rekey.c describes the rules.
 */
#include "services/cfg/cfg.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/mac.h"

/*
 * The highest byte of a tag shows its kind. Builds before 0.1.0 sent 0xc7 and an unkeyed hash. Their messages are
 * handled like those of Corosync nodes, which have no tags.
 */
#define TAG_MARK 0xc8000000u
#define TAG_MARK_MASK 0xff000000u
/*
 * The words of a ring in clear, and their tag. It is known, so that a daemon in such a ring calls no function of
 * libcrypto. At its first call the library fills tables of megabytes.
 */
#define CLEAR_WORDS "none\nnone\nnone\n"
#define CLEAR_TAG 0x880f35u

/* --- the tag of the new keys --- */

static const char *text_of(struct cfg *cfg, const char *key, const char *otherwise)
{
	const void *value;
	uint32_t type;

	if (cfg->host->map_get(cfg->ctx, key, &type, &value, NULL) < 0 || type != COTERIE_MAP_STRING)
		return otherwise;
	return value;
}

/*
 * Apply HKDF-Extract (RFC 5869) to the ring's key, so that the HMAC uses another key than libknet. A ring without
 * encryption has no key. In that case the tag covers only the configured options, which are not secret.
 */
uint32_t cfg_words_tag(struct cfg *cfg)
{
	static const char salt[] = "coterie change of keys 1";
	bool is_secure = strcmp(text_of(cfg, "totem.secauth", "off"), "on") == 0;
	uint8_t root[MAC_SIZE], tag[MAC_SIZE];
	uint32_t size = 0;
	const void *key = NULL;
	char words[256];

	int length = snprintf(words, sizeof(words), "%.63s\n%.63s\n%.63s\n",
		text_of(cfg, "totem.crypto_cipher", is_secure ? "aes256" : "none"),
		text_of(cfg, "totem.crypto_hash", is_secure ? "sha256" : "none"),
		text_of(cfg, "totem.encryption", "none")); /* an option of udp and udpu */

	if (cfg->host->key_get(cfg->ctx, &key, &size) < 0)
		size = 0;
	if (size == 0 && strcmp(words, CLEAR_WORDS) == 0)
		return TAG_MARK | CLEAR_TAG;

	bool is_made = mac_compute(salt, sizeof(salt) - 1, size > 0 ? key : "", size, root) == 0 &&
		       mac_compute(root, sizeof(root), words, (size_t)length, tag) == 0;

	explicit_bzero(root, sizeof(root));
	/*
	 * If libcrypto failed, the tag has no hash bits and differs from other nodes' tags, so the ring keeps its keys.
	 */
	return is_made ? TAG_MARK | (uint32_t)tag[0] << 16 | (uint32_t)tag[1] << 8 | tag[2] : TAG_MARK;
}

/* --- members --- */

struct cfg_rekey_member *cfg_words_member(struct cfg_rekey *rekey, uint32_t nodeid)
{
	for (uint32_t i = 0; i < rekey->member_count; i++)
		if (rekey->members[i].nodeid == nodeid)
			return &rekey->members[i];
	return NULL;
}

bool cfg_words_are_tagged(const struct cfg_rekey_member *member) { return (member->tag & TAG_MARK_MASK) == TAG_MARK; }

uint32_t cfg_words_phase(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member)
{
	return cfg_words_are_tagged(member) && member->tag != rekey->tag ? 0 : member->phase;
}

/*
 * Return whether the change waits for a message of this member. A member that joined after this node changed over has
 * the new keys, since it could not have joined without them.
 */
static bool is_waited_for(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member)
{
	if (rekey->state == CFG_REKEY_LOADED)
		return cfg_words_phase(rekey, member) < CFG_PHASE_LOADED;
	return member->is_bound && cfg_words_phase(rekey, member) < CFG_PHASE_GONE_OVER;
}

bool cfg_words_are_complete(const struct cfg_rekey *rekey)
{
	for (uint32_t i = 0; i < rekey->member_count; i++)
		if (is_waited_for(rekey, &rekey->members[i]))
			return false;
	return true;
}

bool cfg_words_has_anybody_gone_over(const struct cfg_rekey *rekey)
{
	for (uint32_t i = 0; i < rekey->member_count; i++)
		if (cfg_words_phase(rekey, &rekey->members[i]) == CFG_PHASE_GONE_OVER)
			return true;
	return false;
}

bool cfg_words_are_hopeless(const struct cfg_rekey *rekey)
{
	for (uint32_t i = 0; i < rekey->member_count; i++) {
		const struct cfg_rekey_member *member = &rekey->members[i];

		/* A message about the keys in use is older than this change: this node may have joined in the last one. */
		if (member->phase == 0 || (cfg_words_are_tagged(member) && member->tag == rekey->used_tag))
			return false;
	}
	return rekey->member_count > 0 && !cfg_words_are_complete(rekey);
}

bool cfg_words_name_missing(const struct cfg_rekey *rekey, bool has_others, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < rekey->member_count && used < size; i++) {
		const struct cfg_rekey_member *member = &rekey->members[i];
		bool is_other = member->phase != cfg_words_phase(rekey, member);

		if (is_waited_for(rekey, member) && is_other == has_others)
			used += (size_t)snprintf(text + used, size - used, " %u", member->nodeid);
	}
	return used > 0;
}
