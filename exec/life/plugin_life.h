/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load, unload and replace plugins while the daemon runs: functions plugin_load, plugin_unload and plugin_replace of
 * struct coterie_host, and changes by a reload of the config file. There is one change at a time. Its steps run in
 * turns of the loop of their own, when no code of a plugin is running.
 */
#ifndef EXEC_PLUGIN_LIFE_H
#define EXEC_PLUGIN_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct ipc;
struct loop;
struct plugin;
struct plugin_life;
struct plugin_registry;
struct quorum;
struct sync;

typedef void (*plugin_life_done)(void *arg, int rc, const char *text);

/** The parts that a change of plugins uses. All of them live longer. */
struct plugin_life_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	struct ipc *ipc;
	struct quorum *quorum;
	struct sync *sync;
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	const char *program;          /* program for the trials of plugins, or NULL: no trials */
	const bool *is_stopping;      /* the daemon ends: no further step runs */
	/** Add or remove the keys of a loaded plugin in the maps. */
	void (*show)(void *arg, struct plugin *plugin);
	void (*conceal)(void *arg, struct plugin *plugin);
	void *arg; /* argument of show and conceal */
};

/** Create the object, with no change under way. parts is copied. NULL: out of memory. */
struct plugin_life *plugin_life_create(const struct plugin_life_parts *parts);
/** Drop changes that are under way, without a call of `done`. NULL is ignored. */
void plugin_life_destroy(struct plugin_life *life);

/**
 * As the functions of struct coterie_host with these names.
 * @param owner  the plugin that calls. Only its address is used
 */
int plugin_life_load(struct plugin_life *life, const void *owner, const char *what, const char *const *options,
	uint32_t count, plugin_life_done done, void *arg);
/**
 * Let a service take part that is loaded and is_deaf: the rest of a load, from its announcement to the other nodes to
 * the opening of its IPC name. The steps follow changes that are under way.
 * @return 0; -ENOMEM: nothing happens
 */
int plugin_life_join(
	struct plugin_life *life, const void *owner, struct plugin *plugin, plugin_life_done done, void *arg);
int plugin_life_unload(struct plugin_life *life, const void *owner, const char *name, uint32_t drain_ms,
	plugin_life_done done, void *arg);
int plugin_life_replace(struct plugin_life *life, const void *owner, const char *name, const char *path, bool is_forced,
	plugin_life_done done, void *arg);
/** Forget an owner that ends. Its changes go on without a call of `done`. life may be NULL. */
void plugin_life_forget(struct plugin_life *life, const void *owner);

/**
 * Follow a new config file, on later turns of the loop: load services that only the new one names, and unload
 * those that only the old one names. The results are in the log.
 */
void plugin_life_follow(struct plugin_life *life, const struct config *before, const struct config *now);

#endif
