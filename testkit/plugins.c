/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugins of a node and their options. Plugins can be unloaded and replaced while the node runs. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "exec/life/plugin_life.h"
#include "exec/plugin/plugin.h"
#include "testkit/kit.h"

#define CHANGE_MS 120000u /* in simulated time */

static char *kit_printf(const char *first, const char *second)
{
	char *text = kit_alloc(strlen(first) + strlen(second) + 1);

	strcpy(text, first);
	return strcat(text, second);
}

static char **copy_options(const char *const *options)
{
	size_t count = 0;
	char **copy;

	while (options != NULL && options[count] != NULL)
		count++;
	copy = kit_alloc((count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = kit_strdup(options[i]);
	return copy;
}

void kit_plugin_free(struct kit_plugin *plugin)
{
	if (plugin == NULL)
		return;
	for (char **option = plugin->options; *option != NULL; option++)
		free(*option);
	free(plugin->options);
	free(plugin->name);
	free(plugin->path);
	free(plugin->folder);
	free(plugin->symbol);
	free(plugin->module);
	free(plugin);
}

static void free_list(struct kit_plugin *plugin)
{
	while (plugin != NULL) {
		struct kit_plugin *next = plugin->next;

		kit_plugin_free(plugin);
		plugin = next;
	}
}

void kit_plugins_free(struct kit_node *node)
{
	free_list(node->plugins);
	free_list(node->past_plugins);
	node->plugins = node->past_plugins = NULL;
}

/*
 * Prepare libltdl for a plugin. A linked plugin is found as a builtin: through libltdl's table of preloaded symbols.
 * The table has only the plugin that is loaded next, so that a file is never mistaken for a builtin of the same name.
 */
void kit_plugin_prepare(const struct kit_plugin *plugin)
{
	lt_dlpreload(NULL);
	if (plugin->linked != NULL)
		lt_dlpreload(plugin->table);
}

static struct kit_plugin *plugin_create(const char *name, const char *const *options)
{
	struct kit_plugin *plugin = kit_alloc(sizeof(*plugin));

	plugin->name = kit_strdup(name);
	plugin->options = copy_options(options);
	return plugin;
}

static struct kit_plugin *create_linked(const struct coterie_plugin *linked, const char *const *options)
{
	struct kit_plugin *plugin = plugin_create(linked->name, options);

	plugin->linked = linked;
	plugin->module = kit_printf(linked->name, ".a");
	plugin->symbol = kit_printf(linked->name, "_LTX_coterie_plugin");
	/* The table has the owner, the module and the symbols of the module. */
	plugin->table[0].name = plugin->name;
	plugin->table[1].name = plugin->module;
	plugin->table[2].name = plugin->symbol;
	plugin->table[2].address = (void *)(uintptr_t)linked;
	return plugin;
}

static struct kit_plugin *create_file(const char *path, const char *const *options)
{
	char whole[PATH_MAX];

	if (realpath(path, whole) == NULL)
		return NULL;
	char *file = kit_strdup(whole), *slash = strrchr(whole, '/'), *dot = strrchr(slash, '.');
	if (dot != NULL)
		*dot = '\0';
	struct kit_plugin *plugin = plugin_create(slash + 1, options);
	*slash = '\0';
	plugin->path = file;
	plugin->folder = kit_strdup(whole);
	return plugin;
}

int testkit_transport_file(struct testkit *kit, const char *path, const char *const *options)
{
	struct kit_plugin *plugin = create_file(path, options);

	if (plugin == NULL)
		return -ENOENT;
	for (uint32_t i = 0; i < kit->node_count; i++) {
		if (!kit->nodes[i].is_up)
			continue;
		kit_plugin_free(plugin);
		return -EBUSY;
	}
	kit_plugin_free(kit->transport);
	kit->transport = plugin;
	return 0;
}

/* --- options --- */

static struct kit_plugin *find(const struct kit_node *node, const char *name)
{
	struct kit_plugin *plugin = node->plugins;

	while (plugin != NULL && strcmp(plugin->name, name) != 0)
		plugin = plugin->next;
	return plugin;
}

/* Replace or add an option. @return the old list, with which the caller can undo the change */
static char **set_option(struct kit_plugin *plugin, const char *name, const char *value)
{
	char **before = plugin->options;
	size_t count = 0, length = strlen(name);
	char *key = kit_printf(name, "="), *text = kit_printf(key, value);

	while (before[count] != NULL)
		count++;
	plugin->options = kit_alloc((count + 2) * sizeof(char *));
	for (size_t i = 0, to = 0; i < count; i++)
		if (strncmp(before[i], name, length) != 0 || before[i][length] != '=')
			plugin->options[to++] = kit_strdup(before[i]);
	for (count = 0; plugin->options[count] != NULL;)
		count++;
	plugin->options[count] = text;
	free(key);
	return before;
}

static void free_options(char **options)
{
	for (char **option = options; *option != NULL; option++)
		free(*option);
	free(options);
}

static int option_one(struct kit_node *node, const char *name, const char *key, const char *value)
{
	struct kit_plugin *plugin = find(node, name);
	int rc = 0;

	if (plugin == NULL)
		return -ENOENT;
	char **before = set_option(plugin, key, value);
	if (node->is_up)
		rc = node_reload(node, name);
	if (rc == -EINVAL) {
		free_options(plugin->options);
		plugin->options = before;
	} else {
		free_options(before);
	}
	return rc;
}

int testkit_option(struct testkit *kit, uint32_t id, const char *plugin, const char *name, const char *value)
{
	int rc = kit_node(kit, id) == NULL && id != TESTKIT_ALL ? -EINVAL : 0;

	for (uint32_t i = 0; i < kit->node_count && rc == 0; i++)
		if (id == TESTKIT_ALL || id == kit->nodes[i].id)
			rc = option_one(&kit->nodes[i], plugin, name, value);
	return rc;
}

void testkit_config(struct testkit *kit, const char *text)
{
	char *lines = kit_printf(text, "\n"), *all = kit_printf(kit->config, lines);

	free(lines);
	free(kit->config);
	kit->config = all;
}

/* --- while the node runs --- */

struct change {
	struct kit_node *node;
	uint32_t life;
	bool is_done;
	int rc;
};

static void on_done(void *arg, int rc, const char *text)
{
	struct change *change = arg;

	change->is_done = true;
	change->rc = rc;
	if (rc < 0)
		snprintf(change->node->kit->error, sizeof(change->node->kit->error), "node %u: %s", change->node->id,
			text);
}

/* Keep the reason why a change did not happen, for testkit_error. @return rc */
static int refuse(const struct kit_node *node, int rc, const char *reason)
{
	snprintf(node->kit->error, sizeof(node->kit->error), "node %u: %s", node->id, reason);
	return rc;
}

static int is_over(void *arg)
{
	const struct change *change = arg;

	return change->is_done || !change->node->is_up || change->node->life != change->life;
}

/* Let time pass until a change of plugins is done. @return its result */
static int await(struct change *change)
{
	struct kit_node *node = change->node;
	int rc = testkit_until(node->kit, CHANGE_MS, is_over, change);
	if (change->is_done)
		return change->rc;
	if (rc == 0)
		return refuse(node, -ESRCH, "it ended before the change did");
	plugin_life_forget(node->executive.life, change);
	return refuse(node, rc, "the change of the plugin has not ended yet");
}

/* Append a plugin to the node's list. */
static void append(struct kit_node *node, struct kit_plugin *plugin)
{
	struct kit_plugin **place = &node->plugins;

	while (*place != NULL)
		place = &(*place)->next;
	*place = plugin;
}

/* Replace a plugin in the list for the next start by another one, or remove it (successor NULL). */
static void succeed(struct kit_node *node, struct kit_plugin *old, struct kit_plugin *successor)
{
	struct kit_plugin **place = &node->plugins;

	while (*place != old)
		place = &(*place)->next;
	*place = successor != NULL ? successor : old->next;
	if (successor != NULL)
		successor->next = old->next;
	/* Do not free the old record: libltdl may use its symbol table while another node runs the plugin. */
	old->next = node->past_plugins;
	node->past_plugins = old;
}

/* Append the plugin to the node's list, and load it if the node runs. */
static int add(struct kit_node *node, struct kit_plugin *plugin)
{
	struct change change = {.node = node, .life = node->life};

	append(node, plugin);
	if (!node->is_up)
		return 0;
	int rc = node_load(node, plugin, on_done, &change);
	bool is_refused = rc < 0;

	if (!is_refused)
		rc = await(&change);
	if (is_refused || (change.is_done && rc < 0))
		succeed(node, plugin, NULL);
	return rc;
}

int kit_load(struct kit_node *node, const struct coterie_plugin *linked, const char *const *options)
{
	struct kit_plugin *plugin = create_linked(linked, options);

	append(node, plugin);
	int rc = node_load(node, plugin, NULL, NULL);
	if (rc < 0)
		succeed(node, plugin, NULL);
	return rc;
}

bool kit_is_joining(const struct kit_node *node, const char *name)
{
	const struct plugin *plugin = plugin_by_name(node->executive.plugins, name);

	return plugin != NULL && plugin->state == PLUGIN_READY && plugin->ipc == NULL;
}

static int load(struct testkit *kit, uint32_t id, const struct coterie_plugin *linked, const char *path,
	const char *const *options)
{
	int rc = kit_node(kit, id) == NULL && id != TESTKIT_ALL ? -EINVAL : 0;

	for (uint32_t i = 0; i < kit->node_count && rc == 0; i++) {
		struct kit_plugin *plugin;

		if (id != TESTKIT_ALL && id != kit->nodes[i].id)
			continue;
		plugin = linked != NULL ? create_linked(linked, options) : create_file(path, options);
		rc = plugin == NULL ? -ENOENT : add(&kit->nodes[i], plugin);
	}
	return rc;
}

int testkit_load(struct testkit *kit, uint32_t id, const struct coterie_plugin *plugin, const char *const *options)
{
	return load(kit, id, plugin, NULL, options);
}

int testkit_load_file(struct testkit *kit, uint32_t id, const char *path, const char *const *options)
{
	return load(kit, id, NULL, path, options);
}

/*
 * Unload a plugin, or replace it (path is not NULL), as an operator does.
 *
 * @return 0; -errno: nothing has changed, or the node has ended
 */
static int change_plugin(struct kit_node *node, const char *name, const char *path)
{
	struct change change = {.node = node, .life = node->life};
	struct plugin_life *life = node->executive.life;
	struct kit_node *outer;
	int rc;

	if (!node->is_up)
		return refuse(node, -ESRCH, "it does not run");
	outer = kit_enter(node);
	rc = path != NULL ? plugin_life_replace(life, &change, name, path, false, on_done, &change)
			  : plugin_life_unload(life, &change, name, 0, on_done, &change);
	kit_leave(node, outer);
	return rc < 0 ? rc : await(&change);
}

static int unload_one(struct kit_node *node, const char *name)
{
	struct kit_plugin *plugin = find(node, name);
	int rc = change_plugin(node, name, NULL);

	if (rc == 0 && plugin != NULL)
		succeed(node, plugin, NULL);
	return rc;
}

static int replace_one(struct kit_node *node, const char *path)
{
	struct kit_plugin *successor = create_file(path, NULL), *old;
	int rc;

	if (successor == NULL)
		return refuse(node, -ENOENT, "there is no such file");
	old = find(node, successor->name);
	rc = old == NULL ? refuse(node, -ENOENT, "the plugin is not loaded")
			 : change_plugin(node, successor->name, successor->path);
	if (rc < 0) {
		kit_plugin_free(successor);
		return rc;
	}
	free_options(successor->options);
	successor->options = copy_options((const char *const *)old->options);
	succeed(node, old, successor);
	return 0;
}

int testkit_unload(struct testkit *kit, uint32_t id, const char *plugin)
{
	int rc = kit_node(kit, id) == NULL && id != TESTKIT_ALL ? -EINVAL : 0;

	for (uint32_t i = 0; i < kit->node_count && rc == 0; i++)
		if (id == TESTKIT_ALL || id == kit->nodes[i].id)
			rc = unload_one(&kit->nodes[i], plugin);
	return rc;
}

int testkit_replace_file(struct testkit *kit, uint32_t id, const char *path)
{
	int rc = kit_node(kit, id) == NULL && id != TESTKIT_ALL ? -EINVAL : 0;

	for (uint32_t i = 0; i < kit->node_count && rc == 0; i++)
		if (id == TESTKIT_ALL || id == kit->nodes[i].id)
			rc = replace_one(&kit->nodes[i], path);
	return rc;
}
