/*
 * Statistics of the daemon itself, stats.coterie.*, and of each loaded plugin, stats.plugins.NAME.*. Corosync
 * has none of these.
 */
#ifndef EXEC_STATS_DAEMON_H
#define EXEC_STATS_DAEMON_H

struct executive;
struct plugin;

/** Add statistics of the executive, whose parts may be created later. They end with the statistics map. 0; -ENOMEM */
int stats_daemon_add(struct executive *executive);
/** Add statistics of its process and its transport. Called by stats_daemon_add. 0; -ENOMEM */
int stats_process_add(struct executive *executive);
/** Add statistics of a plugin that was loaded. Without memory they are missing. */
void stats_plugin_add(struct executive *executive, struct plugin *plugin);
/** Remove them before the plugin is unloaded. */
void stats_plugin_del(struct executive *executive, struct plugin *plugin);

#endif
