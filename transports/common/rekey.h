/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The change of a ring's key (docs/encryption.md, "Change of the key"). A transport has two keys, numbered 1 and 2, and
 * clear traffic counts as key 0. It accepts packets of all keys that it has, and sends with one. A change has three steps:
 * 1. rekey_begin loads the new key, and keeps the one in use.
 * 2. When every member of the ring has loaded it, ACTIVATE sends with the new key.
 * 3. When every member sends with the new key, CLEANUP forgets the old one.
 * This part decides the steps. The transport's functions do them.
 */
#ifndef COMMON_REKEY_H
#define COMMON_REKEY_H

#include <stdbool.h>
#include <stdint.h>

#define REKEY_KEYS 2u

/**
 * The functions of a transport for its keys. `wanted` is a key of the configuration in the transport's own form, borrowed for
 * the call. Functions that return int return 0 or -errno.
 */
struct rekey_ops {
	/** Return whether this is the key of that number. Number 0: whether clear traffic is wanted. */
	bool (*holds)(void *self, uint32_t number, const void *wanted);
	/** Return whether number 1 or 2 has a key. */
	bool (*is_loaded)(void *self, uint32_t number);
	/** Load the key under number 1 or 2, in place of the key that the number has. */
	int (*load)(void *self, uint32_t number, const void *wanted);
	/** Forget the key of number 1 or 2, if it has one. */
	int (*forget)(void *self, uint32_t number);
	/** Send with this key from now on. */
	int (*use)(void *self, uint32_t number);
	/** Set whether clear traffic is accepted beside that of the keys. */
	int (*allow_clear)(void *self, bool is_allowed);
};

/** The state of one transport. Zeroed at first, with `ops` and `self` set. */
struct rekey {
	const struct rekey_ops *ops;
	void *self;        /* first argument of all functions */
	uint32_t used;     /* number of the key for sending */
	uint32_t target;   /* number of the newest key */
	bool is_changing;  /* a change is under way: more calls of rekey_step will come */
	bool is_activated; /* COTERIE_REKEY_ACTIVATE was done: packets are sent with the new key */
	bool has_old;      /* since an ACTIVATE, and until CLEANUP, peers may send with either key */
	bool is_old_clear; /* has_old, and peers may still send in clear */
};

/** Load and use the first key, as number 1, or allow clear traffic if that is wanted. @return 0; errors of the functions */
int rekey_open(struct rekey *rekey, const void *wanted);

/** Return whether the newest key is this one already. */
bool rekey_is_target(const struct rekey *rekey, const void *wanted);

/**
 * Begin a change to this key. Clear traffic is accepted from now on if it is the old or the new key, and only then. An
 * earlier change that was not finished may have been one to clear, and this one may take it back.
 *
 * @return COTERIE_RELOAD_REKEY; -EBUSY: a change was activated and not cleaned up, so neither key can be replaced;
 *     errors of the functions. After an error call rekey_abandon.
 */
int rekey_begin(struct rekey *rekey, const void *wanted);

/**
 * Forget a change that has not been activated, since the files have other keys now that cannot be loaded. Otherwise a
 * later reload of the keys of that change would find them loaded, and begin nothing. A change that goes back to the old
 * key stays: peers may still send with it.
 */
void rekey_abandon(struct rekey *rekey);

/**
 * Do the next step of the change.
 *
 * @param phase  COTERIE_REKEY_ACTIVATE or COTERIE_REKEY_CLEANUP
 * @return 0; -EINVAL: it is not the turn of this step; errors of the functions: the step can be repeated
 */
int rekey_step(struct rekey *rekey, uint32_t phase);

#endif
