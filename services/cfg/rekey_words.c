/* What the members of the ring have said of a change of its keys, and of which keys: rekey.c. */
#include "services/cfg/cfg.h"

#include <stdio.h>
#include <string.h>

#define TAG_MARK 0xc7000000u
#define TAG_MARK_MASK 0xff000000u

/* --- what the new keys are --- */

static uint64_t add_bytes(uint64_t sum, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return sum;
}

static const char *text_of(struct cfg *cfg, const char *key, const char *otherwise)
{
	const void *value;
	uint32_t type;

	if (cfg->host->map_get(cfg->ctx, key, &type, &value, NULL) < 0 || type != COTERIE_MAP_STRING)
		return otherwise;
	return value;
}

uint32_t cfg_words_tag(struct cfg *cfg)
{
	bool is_secure = strcmp(text_of(cfg, "totem.secauth", "off"), "on") == 0;
	const char *cipher = text_of(cfg, "totem.crypto_cipher", is_secure ? "aes256" : "none");
	const char *hash = text_of(cfg, "totem.crypto_hash", is_secure ? "sha256" : "none");
	const char *encryption = text_of(cfg, "totem.encryption", "none"); /* of udp and udpu */
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	const void *key;
	uint32_t size;

	sum = add_bytes(sum, cipher, strlen(cipher) + 1);
	sum = add_bytes(sum, hash, strlen(hash) + 1);
	if (strcmp(encryption, "none") != 0)
		sum = add_bytes(sum, encryption, strlen(encryption) + 1);
	if (cfg->host->key_get(cfg->ctx, &key, &size) == 0)
		sum = add_bytes(sum, key, size);
	return TAG_MARK | ((uint32_t)(sum ^ sum >> 32) & ~TAG_MARK_MASK);
}

/* --- members --- */

struct cfg_rekey_member *cfg_words_member(struct cfg_rekey *rekey, uint32_t nodeid)
{
	for (uint32_t i = 0; i < rekey->member_count; i++)
		if (rekey->members[i].nodeid == nodeid)
			return &rekey->members[i];
	return NULL;
}

bool cfg_words_are_tagged(const struct cfg_rekey_member *member)
{
	return (member->tag & TAG_MARK_MASK) == TAG_MARK;
}

uint32_t cfg_words_phase(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member)
{
	return cfg_words_are_tagged(member) && member->tag != rekey->tag ? 0 : member->phase;
}

/* Who joined since we went over has the new keys, or could not have joined. */
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
	for (uint32_t i = 0; i < rekey->member_count; i++)
		if (rekey->members[i].phase == 0)
			return false;
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
