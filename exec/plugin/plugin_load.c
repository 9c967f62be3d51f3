/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and unloads plugins.
 *
 * Steps of a plugin:
 *
 * 1. plugin_open.c finds the file and its descriptor.
 * 2. plugin_check.c accepts the descriptor.
 * 3. Options are checked, tables copied, resources made (PLUGIN_CHECKED).
 * 4. init or open (PLUGIN_READY).
 * 5. The caller opens the plugin's IPC name and sets PLUGIN_RUNNING.
 * 6. plugin_unload: IPC closes, drain, fini. Leaked resources are reclaimed.
 * 7. The file is closed one turn of the loop later, when no function call can return into unmapped code.
 */
#include "exec/plugin/plugin_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/plugin/plugin_watch.h"

/* --- load --- */

/* Return the log subsystem of a plugin. Sections logger_subsys name it (book configuration, "Logging"). */
static char *subsystem_of(const struct coterie_plugin *descriptor)
{
	char *subsystem = strdup(COTERIE_HAS(descriptor, log_name) ? descriptor->log_name : descriptor->name);

	for (char *at = subsystem; at != NULL && *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
	return subsystem;
}

static void copy_ops(struct plugin *plugin)
{
	const void *ops = plugin->descriptor->ops;

	if (plugin->descriptor->kind == COTERIE_KIND_SERVICE) {
		const struct coterie_service *theirs = ops;
		size_t size = theirs->size < sizeof(plugin->service) ? theirs->size : sizeof(plugin->service);

		memcpy(&plugin->service, theirs, size);
		plugin->service.size = sizeof(plugin->service);
		if (plugin->service.title == NULL)
			plugin->service.title = plugin->descriptor->name;
	} else {
		const struct coterie_transport *theirs = ops;
		size_t size = theirs->size < sizeof(plugin->transport) ? theirs->size : sizeof(plugin->transport);

		memcpy(&plugin->transport, theirs, size);
		plugin->transport.size = sizeof(plugin->transport);
	}
}

static void plugin_destroy(const struct plugin_registry *registry, struct plugin *plugin)
{
	if (plugin == NULL)
		return;
	registry->parts.host->end(plugin);
	plugin_options_destroy(plugin->options);
	plugin_overrides_destroy(plugin->overrides);
	free(plugin->rx);
	free(plugin->tx);
	free((void *)(uintptr_t)plugin->subsystem);
	free(plugin);
}

/* Create a plugin. overrides: borrowed. */
static struct plugin *plugin_create(struct plugin_registry *registry, struct plugin_file *file,
	const struct plugin_overrides *overrides, struct plugin_error *error)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));

	if (plugin == NULL)
		goto no_memory;
	plugin->descriptor = plugin_file_descriptor(file);
	plugin->name = plugin->descriptor->name;
	plugin->path = plugin_file_path(file);
	plugin->state = PLUGIN_CHECKED;
	plugin->host = registry->parts.host_parts;
	plugin->file = file;
	copy_ops(plugin);
	plugin->options = plugin_options_create_over(*registry->parts.config, plugin->descriptor, overrides, error);
	if (plugin->options == NULL)
		goto destroy;
	plugin->watch = registry->watch;
	plugin->record = plugin_watch_record(registry->watch, plugin->name);
	size_t count = plugin->service.ring_msg_count > 0 ? plugin->service.ring_msg_count : 1;
	plugin->subsystem = subsystem_of(plugin->descriptor);
	plugin->rx = calloc(count, sizeof(uint64_t));
	plugin->tx = calloc(count, sizeof(uint64_t));
	if (plugin->subsystem == NULL || plugin->rx == NULL || plugin->tx == NULL ||
		registry->parts.host->begin(plugin) < 0)
		goto no_memory;
	return plugin;
no_memory:
	plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory for plugin '%s'", plugin_file_descriptor(file)->name);
destroy:
	plugin_destroy(registry, plugin);
	return NULL;
}

static int start(const struct coterie_host *host, struct plugin *plugin, struct plugin_error *error)
{
	struct coterie_ctx *ctx = (struct coterie_ctx *)plugin;
	bool is_service = plugin->descriptor->kind == COTERIE_KIND_SERVICE;
	struct plugin_call call;

	plugin_enter(&call, plugin, is_service ? "init" : "open");
	int rc = is_service ? plugin->service.init(host, ctx, &plugin->self)
			    : plugin->transport.open(host, ctx, &plugin->self);

	plugin_leave(&call);
	if (rc >= 0)
		return 0;
	error->rc = rc;
	return plugin_fail(error, PLUGIN_EXIT_INIT,
		"plugin '%s' (%s) cannot start: its %s failed (%s): the log lines above say why", plugin->name,
		plugin->path, is_service ? "init" : "open", strerror(-rc));
}

static void report(const struct plugin *plugin)
{
	const struct coterie_plugin *descriptor = plugin->descriptor;

	if (plugin_file_shadowed(plugin->file) != NULL)
		log_line("MAIN", LOG_NOTICE, "Plugin '%s' is built in: the file %s is not used", plugin->name,
			plugin_file_shadowed(plugin->file));
	if (descriptor->abi_minor > COTERIE_ABI_MINOR || descriptor->size > sizeof(*descriptor))
		log_line("MAIN", LOG_INFO,
			"Plugin '%s' (%s) was made for plugin ABI %u.%u, this is %d.%d: what is "
			"newer is not used",
			plugin->name, plugin->path, descriptor->abi_major, descriptor->abi_minor, COTERIE_ABI_MAJOR,
			COTERIE_ABI_MINOR);
	log_line("MAIN", LOG_DEBUG, "Plugin '%s' %s loaded from %s", plugin->name,
		descriptor->version != NULL ? descriptor->version : "", plugin->path);
}

/*
 * Make a plugin of a checked file and call its init. The file is closed if that fails. is_beside, is_deaf: members of
 * the plugin, set before init.
 */
static struct plugin *make(struct plugin_registry *registry, struct plugin_file *file,
	const struct plugin_overrides *overrides, bool is_beside, bool is_deaf, struct plugin_error *error)
{
	struct plugin *plugin = NULL;

	if (plugin_file_descriptor(file)->kind == COTERIE_KIND_EXTENSION) {
		plugin_fail(error, PLUGIN_EXIT_ABI,
			"plugin '%s' (%s) is an extension, which this executive does not take yet",
			plugin_file_descriptor(file)->name, plugin_file_path(file));
		goto close;
	}
	plugin = plugin_create(registry, file, overrides, error);
	if (plugin == NULL)
		goto close;
	plugin->is_beside = is_beside;
	plugin->is_deaf = is_deaf;
	if (start(registry->parts.host->table, plugin, error) < 0)
		goto destroy;
	plugin->state = PLUGIN_READY;
	return plugin;
destroy:
	__atomic_store_n(&plugin->state, PLUGIN_STOPPED, __ATOMIC_RELEASE);
	plugin_destroy(registry, plugin);
close:
	/* No code of the file is running: init has returned. */
	plugin_file_close(file);
	return NULL;
}

struct plugin *plugin_load(
	struct plugin_registry *registry, uint32_t kind, const char *name, struct plugin_error *error)
{
	const struct plugin *owner = plugin_by_name(registry, name);

	if (owner != NULL) {
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR, "plugin '%s' is already loaded from %s: name it once", name,
			owner->path);
		return NULL;
	}
	if (!plugin_name_is_valid(name)) {
		plugin_fail(error, PLUGIN_EXIT_NOT_FOUND,
			"'%.64s' is not a plugin name: use lower-case letters, digits and '_'", name);
		return NULL;
	}
	struct plugin_file *file = plugin_file_open(&registry->search, kind, name, error);
	if (file == NULL)
		return NULL;
	if (plugin_check(registry, plugin_file_descriptor(file), kind, name, plugin_file_path(file), error) < 0) {
		plugin_file_close(file);
		return NULL;
	}
	struct plugin *plugin = make(registry, file, NULL, false, false, error);
	if (plugin == NULL)
		return NULL;
	plugin_enlist(registry, plugin);
	report(plugin);
	plugin_watch_event(registry->watch, plugin->name, PLUGIN_EVENT_LOAD);
	return plugin;
}

struct plugin *plugin_load_anew(struct plugin_registry *registry, const char *what, const struct plugin_source *source,
	struct plugin_overrides *overrides, struct plugin *predecessor, struct plugin_error *error)
{
	char name[64];

	error->rc = -EINVAL;
	plugin_name_of_path(what, name);
	if (what[0] != '/' && !plugin_name_is_valid(what)) {
		plugin_fail(error, PLUGIN_EXIT_NOT_FOUND,
			"'%.64s' is not a plugin name: use lower-case letters, digits and '_', or an "
			"absolute path",
			what);
		return NULL;
	}
	struct plugin_file *file = plugin_file_open_anew(&registry->search, what, source, ++registry->serial, error);
	if (file == NULL) {
		if (error->exit_code == PLUGIN_EXIT_NOT_FOUND)
			error->rc = -ENOENT;
		return NULL;
	}
	const struct coterie_plugin *descriptor = plugin_file_descriptor(file);
	const char *path = plugin_file_path(file);
	int rc = 0;
	if (predecessor != NULL && descriptor == predecessor->descriptor) {
		rc = plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR,
			"'%s' is the file that runs already: install the new one in its place first", path);
		error->rc = -EALREADY;
	} else if (predecessor != NULL) {
		rc = plugin_check_successor(registry, predecessor, descriptor, name, path, error);
	} else {
		rc = plugin_check(registry, descriptor, COTERIE_KIND_SERVICE, name, path, error);
	}
	if (rc < 0) {
		plugin_file_close(file);
		return NULL;
	}
	struct plugin *plugin = make(registry, file, overrides, predecessor != NULL, predecessor == NULL, error);
	if (plugin == NULL)
		return NULL;
	plugin->overrides = overrides;
	if (predecessor == NULL)
		plugin_enlist(registry, plugin);
	report(plugin);
	return plugin;
}

int plugin_find_source(const struct plugin_registry *registry, const char *what, struct plugin_source *source,
	struct plugin_error *error)
{
	return plugin_source_open(source, &registry->search, what, error);
}

/* --- unload --- */

void plugin_unload(struct plugin_registry *registry, struct plugin *plugin)
{
	struct plugin_file *file = plugin->file;
	bool is_service = plugin->descriptor->kind == COTERIE_KIND_SERVICE;

	plugin->state = PLUGIN_DRAINING;
	registry->parts.host->disconnect(plugin);
	plugin_remove(registry, plugin);
	/*
	 * From now on the executive sends no ring messages of this plugin. It would be gone at their delivery.
	 * host->post reads the state on the plugin's own threads.
	 */
	__atomic_store_n(&plugin->state, PLUGIN_STOPPED, __ATOMIC_RELEASE);
	int rc = 0;
	if (is_service && plugin->service.drain != NULL)
		PLUGIN_MARKED(plugin, "drain", rc = plugin->service.drain(plugin->self));
	if (rc < 0)
		log_line(plugin->subsystem, LOG_INFO, "Unloaded with work under way");
	struct plugin_call call;

	plugin_enter(&call, plugin, is_service ? "fini" : "close");
	if (is_service)
		plugin->service.fini(plugin->self);
	else
		plugin->transport.close(plugin->self);
	plugin_leave(&call);
	plugin_destroy(registry, plugin);
	plugin_close_later(registry, file);
}

void plugin_retire(struct plugin_registry *registry, struct plugin *plugin)
{
	struct plugin_file *file = plugin->file;

	__atomic_store_n(&plugin->state, PLUGIN_STOPPED, __ATOMIC_RELEASE);
	struct plugin_call call;

	plugin_enter(&call, plugin, "fini");
	plugin->service.fini(plugin->self);
	plugin_leave(&call);
	plugin_destroy(registry, plugin);
	plugin_close_later(registry, file);
}
