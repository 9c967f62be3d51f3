/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of the configuration that a reload does not change (book configuration, "Reload"). The daemon keeps their old
 * values, and tools report that.
 */
#ifndef COMMON_FIXED_KEYS_H
#define COMMON_FIXED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct fixed_names {
	const char *const *list; /* in the order in which messages name them */
	size_t count;
};

/** Whole keys. */
extern const struct fixed_names fixed_keys;
/** Whole keys that are fixed if the transport cannot change its keys for encryption while it runs. */
extern const struct fixed_names fixed_crypto_keys;
/**
 * Last parts (NAME) of totem.interface.N.NAME that are fixed for a link that stays. If a link is added or removed, its
 * keys are added or removed, too.
 */
extern const struct fixed_names fixed_link_keys;
/**
 * As fixed_link_keys, but a file that changes such a key is refused: its other values would not fit the running ones.
 * Some of these keys are refused here, others where the addresses are compared.
 */
extern const struct fixed_names fixed_refused_link_keys;

bool fixed_names_have(const struct fixed_names *names, const char *name);
/** Return NAME, borrowed from the key, if the key is totem.interface.N.NAME, otherwise NULL. */
const char *fixed_link_name(const char *key);
/**
 * Return whether the key is in one of the lists above. can_rekey: the transport changes the ring's
 * keys while it runs
 */
bool fixed_is_key(const char *key, bool can_rekey);

#endif
