/*
 * The change of an encrypted ring's keys, between the transport that has them and the plugin that agrees
 * on them with the other nodes (book encryption, "Change of the key"): 1 the transport's reload has loaded
 * new keys; 2 the watchers are told; 3 one of them asks for COTERIE_REKEY_ACTIVATE, then for
 * COTERIE_REKEY_CLEANUP.
 */
#ifndef EXEC_REKEY_H
#define EXEC_REKEY_H

#include <stdint.h>

struct executive;
struct plugin;
struct rekey;

struct rekey *rekey_create(struct executive *executive); /* NULL: out of memory */
void rekey_destroy(struct rekey *rekey);                 /* NULL is ignored */

/** The transport holds new keys: whatever had been reached with the ones before is over. */
void rekey_loaded(struct rekey *rekey);
/** Tell the watchers what rekey_loaded said, once; nothing when it was not called since. */
void rekey_announce(struct rekey *rekey);

/** As host->rekey_watch and host->rekey. */
int rekey_watch(struct rekey *rekey, const struct plugin *plugin, void (*run)(void *arg), void *arg);
int rekey_go_on(struct rekey *rekey, uint32_t phase);
/** This plugin is not told any more. rekey NULL is ignored. */
void rekey_forget(struct rekey *rekey, const struct plugin *plugin);

#endif
