/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests that load, unload and replace plugins while the loop runs. The plugin is a real file,
 * sample-plugins/life.c, copied with a word in it changed.
 */
#ifndef TESTS_LIFE_CASE_H
#define TESTS_LIFE_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/plugin/plugin.h"

/* Copy of the struct in sample-plugins/life.c */
struct life {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t step;
	uint64_t count;
};

/* The tested parts of the executive, and the parts that these use. */
struct others {
	struct config *config;
	const char *instance;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct quorum *quorum;
	bool is_quorate;
	bool is_stopping;
	struct plugin_registry *plugins;
	struct host_parts host;
	struct ipc *ipc;
};

struct fixture {
	struct others others;
	struct config config;
	struct config_option option;
	struct plugin_life *life;
	const char *program; /* program that tries plugins */
	char folder[64], other[80];
	int rc; /* result of the last change; 1: not finished */
	char text[600];
};

/** Made by set_up(), freed by tear_down(). */
extern struct fixture f;

/**
 * Write a copy of the plugin's file with another word in it into a folder. It is a new file each time, as install(1)
 * would make it.
 */
void install(const char *folder, const char *mode);
/** Create the part plugin_life. program: as in struct plugin_life_parts */
void start_life(const char *program);
/** The fixture of every test case. */
void set_up(void);
void tear_down(void);
/** Let the loop run for this time. */
void turn_for(uint64_t ns);
/** Load, unload or replace, and run the loop until the change has ended. Return its result. */
int load(const char *what, const char *option);
int unload(const void *owner, const char *name, uint32_t drain_ms);
int replace(const char *path, bool is_forced);
/** Return the loaded plugin, or NULL. */
struct plugin *plugin_now(void);
/** Return the state of the loaded plugin. */
struct life *life_now(void);
/** Return a statistic. */
uint64_t stat_u64(const char *key);
/** Load the plugin, and set its count. */
void start_with_count(uint64_t count);
/** Run the loop until the change has ended. Return its result. */
int finish(void);
/** The end of a change, for plugin_life.h. arg: &f */
void on_done(void *arg, int rc, const char *text);

#endif
