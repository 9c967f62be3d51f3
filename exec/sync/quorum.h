/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict of the quorum provider. It is used by the gate of requests, by plugins that watch it, and in the log
 * (book services, "quorum and votequorum"). Without a provider a node is quorate, and no plugin may publish.
 */
#ifndef EXEC_QUORUM_H
#define EXEC_QUORUM_H

#include <stdbool.h>

#include <coterie/plugin.h>

struct loop;
struct plugin;
struct quorum;

/**
 * Create the quorum state. Without a provider the node is quorate.
 * @param provider  plugin that may publish, copied; NULL: none
 * @param decided   called with arg and each verdict (borrowed), before the watchers, and when its votes change; or NULL
 * @return NULL: out of memory
 */
struct quorum *quorum_create(
	const char *provider, void (*decided)(void *arg, const struct coterie_quorum *verdict), void *arg);
/**
 * Log few verdicts in a time, by this loop's clock, and then the last of them.
 * @param loop  borrowed, must outlive quorum
 */
void quorum_limit_log(struct quorum *quorum, struct loop *loop);
void quorum_destroy(struct quorum *quorum);  /* NULL is ignored */
void quorum_tell_provider(const char *name); /* log which provider is used */
bool quorum_has_provider(const struct quorum *quorum);
/** Note that the daemon ends: from now on quorum_forget does not change the verdict. */
void quorum_stop(struct quorum *quorum);
bool quorum_is_provider(const struct quorum *quorum, const struct plugin *plugin);
/**
 * Let this plugin publish from now on, if there was no provider. The node stays quorate until the plugin publishes.
 * @return 0; -EEXIST: there is a provider; -EPERM: the plugin offers no verdicts; -ENOMEM
 */
int quorum_appoint(struct quorum *quorum, const struct plugin *plugin);

/** As the functions of struct coterie_host with these names. */
int quorum_publish(struct quorum *quorum, const struct plugin *plugin, const struct coterie_quorum *verdict);
void quorum_get(const struct quorum *quorum, struct coterie_quorum *verdict);
int quorum_watch(struct quorum *quorum, const struct plugin *plugin,
	void (*run)(void *arg, const struct coterie_quorum *verdict), void *arg);
/**
 * Forget a plugin that ends. If it is the provider, and the daemon continues, the node is no longer quorate, and the
 * watchers are called.
 */
void quorum_forget(struct quorum *quorum, const struct plugin *plugin);

#endif
