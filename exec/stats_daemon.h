/*
 * What the statistics map says of the daemon itself: stats.coterie.* and, for each loaded plugin,
 * stats.plugins.NAME.*. The reference has nothing of the kind.
 */
#ifndef EXEC_STATS_DAEMON_H
#define EXEC_STATS_DAEMON_H

struct executive;
struct plugin;

/** Of the executive, whose parts may come later. 0; -ENOMEM. They end with the statistics map. */
int stats_daemon_add(struct executive *executive);
/** Of its process and its transport, by stats_daemon_add. 0; -ENOMEM */
int stats_process_add(struct executive *executive);
/** A plugin has been loaded. Without memory it is not told, which is all. */
void stats_plugin_add(struct executive *executive, struct plugin *plugin);
/** It is about to be unloaded. */
void stats_plugin_del(struct executive *executive, struct plugin *plugin);

#endif
