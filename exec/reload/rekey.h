/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The change of an encrypted ring's keys. The transport has the keys. A plugin agrees on them with the other nodes
 * (book encryption, "Change of the key"):
 *
 * 1. A reload of the transport has loaded new keys.
 * 2. The watchers are called.
 * 3. A watcher calls rekey_go_on with COTERIE_REKEY_ACTIVATE, then with COTERIE_REKEY_CLEANUP.
 */
#ifndef EXEC_REKEY_H
#define EXEC_REKEY_H

#include <stdint.h>

struct config;
struct plugin;
struct plugin_registry;
struct rekey;
struct ring;

/** The parts that a rekey uses. All are borrowed until rekey_destroy. */
struct rekey_parts {
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	struct plugin_registry *plugins;
	struct ring *ring;
};

/** Create the object. parts: copied. NULL: out of memory */
struct rekey *rekey_create(const struct rekey_parts *parts);
void rekey_destroy(struct rekey *rekey); /* NULL is ignored */

/** Begin a change: the transport has loaded new keys. An earlier change that is under way ends. */
void rekey_loaded(struct rekey *rekey);
/** Call the watchers, once after each rekey_loaded. */
void rekey_announce(struct rekey *rekey);

/** As host->rekey_watch and host->rekey. */
int rekey_watch(struct rekey *rekey, const struct plugin *plugin, void (*run)(void *arg), void *arg);
int rekey_go_on(struct rekey *rekey, uint32_t phase);
/** Forget a watcher that ends. rekey NULL is ignored. */
void rekey_forget(struct rekey *rekey, const struct plugin *plugin);

#endif
