/*
 * Keys of the configuration that a running daemon does not take from a file that is read again
 * (book configuration, "Reload"): the daemon keeps their values, and tools say so.
 */
#ifndef COMMON_FIXED_KEYS_H
#define COMMON_FIXED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct fixed_names {
	const char *const *list; /* in the order in which they are told */
	size_t count;
};

/** Whole keys. */
extern const struct fixed_names fixed_keys;
/** Whole keys, where the transport cannot change its keys under way. */
extern const struct fixed_names fixed_crypto_keys;
/** NAMEs of totem.interface.N.NAME, of a link that stays; those of a link that comes or goes come and go with it. */
extern const struct fixed_names fixed_link_keys;
/**
 * The same, but a file that changes them is refused, since its other values would not fit: here, or where the
 * addresses are compared.
 */
extern const struct fixed_names fixed_refused_link_keys;

bool fixed_names_have(const struct fixed_names *names, const char *name);
/** NAME, borrowed from the key, when that is totem.interface.N.NAME; NULL. */
const char *fixed_link_name(const char *key);
/** Any of the above. can_rekey: the transport changes the ring's keys under way */
bool fixed_is_key(const char *key, bool can_rekey);

#endif
