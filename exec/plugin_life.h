/*
 * Plugins that come, go and are replaced while the daemon runs: members plugin_load, plugin_unload and
 * plugin_replace of struct coterie_host, and what a reload of the config file wants of them. One change at
 * a time, in steps over turns of the loop, none of which has code of a plugin beneath it on the stack.
 */
#ifndef EXEC_PLUGIN_LIFE_H
#define EXEC_PLUGIN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct executive;
struct plugin_life;

typedef void (*plugin_life_done)(void *arg, int rc, const char *text);

struct plugin_life *plugin_life_create(struct executive *executive); /* NULL: out of memory */
/** Changes under way stop where they are; nobody is told. NULL is ignored. */
void plugin_life_destroy(struct plugin_life *life);

/**
 * As the members of struct coterie_host.
 * @param owner  who asks: told apart by address; the plugin itself
 */
int plugin_life_load(struct plugin_life *life, const void *owner, const char *what,
	const char *const *options, uint32_t count, plugin_life_done done, void *arg);
int plugin_life_unload(struct plugin_life *life, const void *owner, const char *name, uint32_t drain_ms,
	plugin_life_done done, void *arg);
int plugin_life_replace(struct plugin_life *life, const void *owner, const char *name, const char *path,
	bool is_forced, plugin_life_done done, void *arg);
/** The owner ends: what it asked for goes on, it is not told. life may be NULL. */
void plugin_life_forget(struct plugin_life *life, const void *owner);

/**
 * A new config file is in force: services that it names and that are not loaded come, those that only the
 * old one names go, on later turns of the loop. What becomes of them is in the log.
 */
void plugin_life_follow(
	struct plugin_life *life, const struct config *before, const struct config *now);

#endif
