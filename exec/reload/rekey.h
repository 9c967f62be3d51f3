/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The change of an encrypted ring's keys, between the transport that has them and the plugin that agrees on them
 * with the other nodes (book encryption, "Change of the key"):
 *
 * 1. A reload of the transport has loaded new keys.
 * 2. The watchers are told.
 * 3. One of them calls for COTERIE_REKEY_ACTIVATE, then for COTERIE_REKEY_CLEANUP.
 */
#ifndef EXEC_REKEY_H
#define EXEC_REKEY_H

#include <stdint.h>

struct config;
struct plugin;
struct plugin_registry;
struct rekey;
struct ring;

/** The parts that it uses. All are borrowed until rekey_destroy. */
struct rekey_parts {
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	struct plugin_registry *plugins;
	struct ring *ring;
};

/** parts: copied. NULL: out of memory */
struct rekey *rekey_create(const struct rekey_parts *parts);
void rekey_destroy(struct rekey *rekey); /* NULL is ignored */

/** Begin a change: the transport holds new keys. A change that was under way is over. */
void rekey_loaded(struct rekey *rekey);
/** Tell the watchers of a change, once after rekey_loaded. */
void rekey_announce(struct rekey *rekey);

/** As host->rekey_watch and host->rekey. */
int rekey_watch(struct rekey *rekey, const struct plugin *plugin, void (*run)(void *arg), void *arg);
int rekey_go_on(struct rekey *rekey, uint32_t phase);
/** Forget a watcher that ends. rekey NULL is ignored. */
void rekey_forget(struct rekey *rekey, const struct plugin *plugin);

#endif
