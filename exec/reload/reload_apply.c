/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replaces the running configuration by a new one. Steps that can fail are done first and can be undone. The later
 * steps can fail only if memory is missing.
 */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/life/map_options.h"
#include "exec/life/plugin_life.h"
#include "exec/log/log.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_options.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/reload/rekey.h"
#include "exec/ring/ring.h"

/* The changes for a plugin. */
struct plugin_plan {
	struct plugin *plugin;
	struct plugin_options *options; /* or NULL: passed to the plugin already, or not checked yet */
	bool has_changed;
};

struct plan {
	struct plugin_plan *plugins;
	uint32_t plugin_count;
};

static int fail_memory(struct reload_error *error) { return reload_fail(error, -ENOMEM, "out of memory"); }

/* --- checks --- */

static int check_identity(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	const struct config_node *local = &config->nodes[config->local];
	const struct config *running = reload_running(reload);

	if (local->nodeid != reload->parts.nodeid)
		return reload_fail(error, -EINVAL,
			"this node would become node %u, it is node %u: an id can only change at "
			"start",
			local->nodeid, reload->parts.nodeid);
	if (strcmp(config->transport, running->transport) != 0)
		return reload_fail(error, -EINVAL, "transport '%s' instead of '%s': it can only change at start",
			config->transport, running->transport);
	return 0;
}

static int check_totem(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	struct totem_options options = config->totem;
	struct reload_ids ids;
	const char *which = "";

	if (reload_ids_build(reload, config, reload_running(reload), &ids) < 0)
		return fail_memory(error);
	options.nodes = ids.ids;
	options.node_count = ids.count;
	int rc = ring_check_options(reload->parts.ring, &options, &which);
	free(ids.ids);
	if (rc < 0)
		return reload_fail(error, -EINVAL, "the ring does not take the value of '%s'", which);
	return 0;
}

/* --- plugins --- */

static void tell_warnings(const struct config_messages *messages)
{
	for (uint32_t i = 0; i < messages->warning_count; i++)
		log_line("CFG", LOG_WARNING, "%s", messages->warnings[i]);
}

/*
 * Check the rules of plugins that run. The first error becomes the reason of the refusal, further errors are logged.
 * is_end: this is the last check.
 */
static int check_plugins(const struct reload *reload, struct config *config, bool is_end, struct reload_error *error)
{
	struct config_messages messages = {0};
	int rc = 0;

	for (const struct plugin *one = plugin_first(reload->parts.plugins); one != NULL && rc != -ENOMEM;
		one = one->next) {
		int one_rc = config_check(config, one->descriptor, &messages);

		rc = one_rc < 0 ? one_rc : rc;
	}
	for (uint32_t i = 1; i < messages.error_count; i++)
		log_line("CFG", LOG_ERR, "Unable to reload config file: %s", messages.errors[i]);
	if (rc == 0 && is_end)
		tell_warnings(&messages);
	if (rc == -ENOMEM)
		fail_memory(error);
	else if (rc < 0)
		reload_fail(error, -EINVAL, "%s", messages.errors[0]);
	config_messages_fini(&messages);
	return rc;
}

static void tell_kept(void *arg, const char *name)
{
	const struct plugin *plugin = arg;

	log_line("CFG", LOG_NOTICE, "Option '%s' of %s %s takes effect at the next start", name,
		plugin->descriptor->kind == COTERIE_KIND_TRANSPORT ? "transport" : "service", plugin->name);
}

static void plan_fini(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->plugin_count; i++)
		plugin_options_destroy(plan->plugins[i].options);
	free(plan->plugins);
}

static int plan_options(
	const struct reload *reload, const struct config *config, struct plan *plan, struct reload_error *error)
{
	uint32_t count = 0;

	for (struct plugin *one = plugin_first(reload->parts.plugins); one != NULL; one = one->next)
		count++;
	plan->plugins = calloc(count + 1, sizeof(*plan->plugins));
	if (plan->plugins == NULL)
		return fail_memory(error);
	for (struct plugin *one = plugin_first(reload->parts.plugins); one != NULL; one = one->next) {
		struct plugin_plan *next = &plan->plugins[plan->plugin_count];
		struct plugin_error why;

		next->options = plugin_options_again(one, config, &why);
		if (next->options == NULL)
			return reload_fail(error, -EINVAL, "%s", why.text);
		next->plugin = one;
		plan->plugin_count++;
	}
	return 0;
}

/*
 * Pass the new options to the plugins. Options that keep their values are logged only now, when the file is accepted.
 */
static void take_options(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->plugin_count; i++) {
		struct plugin_plan *next = &plan->plugins[i];
		struct plugin *plugin = next->plugin;

		if (plugin_options_succeed(next->options, plugin->options, plugin->descriptor, &next->has_changed,
			    tell_kept, plugin) < 0) {
			log_line("CFG", LOG_ERR, "plugin %s keeps its options: out of memory", plugin->name);
			next->has_changed = false;
			continue;
		}
		plugin_options_destroy(plugin->options);
		plugin->options = next->options;
		next->options = NULL;
	}
}

/*
 * Report that a part of an accepted file has no effect. The reload still succeeds. corosync-cfgtool -R shows the key,
 * as since 3.1.9. The log has each error, the key only the first one.
 */
static void report_part(struct reload *reload, enum reload_source source, const char *text)
{
	static const char key[] = "config.reload_error_message";
	const char *before;

	log_line("CFG", LOG_ERR, "%s", text);
	if (source != RELOAD_FILE || map_get_string(reload->parts.map, key, &before) == 0)
		return;
	snprintf(reload->part_error, sizeof(reload->part_error), "%s", text);
	map_set_string(reload->parts.map, key, reload->part_error);
}

/* Call the reload function of the transport. It finds changed keys itself, since not all of its keys are options. */
static void tell_transport(struct reload *reload, const struct plugin *plugin, enum reload_source source)
{
	int rc = 0;

	if (plugin->transport.reload != NULL)
		PLUGIN_MARKED(plugin, "reload", rc = plugin->transport.reload(plugin->self));
	char text[256];

	reload->transport_rc = rc < 0 ? rc : 0;
	if (rc == COTERIE_RELOAD_REKEY)
		rekey_loaded(reload->parts.rekey);
	if (rc >= 0)
		return;
	snprintf(text, sizeof(text), "transport %s keeps its old settings: %s", plugin->name, strerror(-rc));
	report_part(reload, source, text);
}

static void tell_plugins(struct reload *reload, const struct plan *plan, enum reload_source source)
{
	for (uint32_t i = 0; i < plan->plugin_count; i++) {
		struct plugin *plugin = plan->plugins[i].plugin;

		if (plugin->descriptor->kind == COTERIE_KIND_TRANSPORT) {
			tell_transport(reload, plugin, source);
			continue;
		}
		bool is_owed = plugin->owes_reload && source == RELOAD_FILE; /* the error of a part ends with a file */

		if ((!plan->plugins[i].has_changed && !is_owed) || plugin->service.reload == NULL)
			continue;
		int rc;

		PLUGIN_MARKED(plugin, "reload", rc = plugin->service.reload(plugin->self));
		char text[256];

		plugin->owes_reload = rc < 0;
		if (rc >= 0)
			continue;
		snprintf(
			text, sizeof(text), "plugin %s does not take its new options: %s", plugin->name, strerror(-rc));
		report_part(reload, source, text);
	}
}

/* --- from the running configuration to the new one --- */

static void reconfigure_ring(struct reload *reload)
{
	struct totem_options options = reload_running(reload)->totem;
	struct reload_ids ids;
	int rc = reload_ids_build(reload, reload_running(reload), NULL, &ids);

	options.nodes = ids.ids;
	options.node_count = ids.count;
	if (rc == 0)
		rc = ring_reconfigure(reload->parts.ring, &options);
	free(ids.ids);
	if (rc < 0)
		log_line("CFG", LOG_ERR, "the ring keeps its timers and nodes: %s", strerror(-rc));
}

static int commit(struct reload *reload, struct config *config, enum reload_source source, struct plan *plan)
{
	struct config *before = reload_running(reload);
	int rc;

	if (source == RELOAD_FILE) {
		map_set_u8(reload->parts.map, "config.reload_in_progress", 1);
		reload->part_error[0] = '\0';
	}
	/*
	 * Replace configuration and options before the keys, since code that tracks the keys may read options and
	 * addresses.
	 */
	*reload->parts.config = config;
	take_options(plan);
	rc = source == RELOAD_FILE ? config_publish_changes(config, reload->parts.map)
				   : config_publish_runtime(config, reload->parts.map);
	if (rc < 0)
		log_line("CFG", LOG_ERR, "some keys keep their values: %s", strerror(-rc));
	for (struct plugin *one = plugin_first(reload->parts.plugins); one != NULL; one = one->next)
		map_publish_options(reload->parts.map, one);
	tell_plugins(reload, plan, source);
	if (source == RELOAD_FILE)
		plugin_life_follow(reload->parts.life, before, config);
	reload_nodes_remove(reload, before);
	reload_links_remove(reload, before);
	reconfigure_ring(reload);
	config_destroy(before);
	return rc;
}

static int check(const struct reload *reload, struct config *config, struct reload_error *error)
{
	int rc = reload_departure_check(reload, config, error);

	if (rc < 0 || config->is_absent)
		return rc;
	rc = check_identity(reload, config, error);

	if (rc == 0)
		rc = reload_nodes_check(reload, config, error);
	if (rc == 0)
		rc = check_totem(reload, config, error);
	if (rc == 0)
		rc = reload_quorum_check(reload, config, error);
	if (rc == 0 && config->key != NULL && reload->parts.prepare_crypto != NULL)
		rc = reload->parts.prepare_crypto(error->text, sizeof(error->text));
	return rc;
}

int reload_check(const struct reload *reload, struct config *config, struct reload_error *error)
{
	struct plan plan = {0};
	int rc = check(reload, config, error);

	if (rc == 0 && config->is_absent)
		return 0;
	if (rc == 0)
		rc = check_plugins(reload, config, false, error);
	if (rc == 0)
		rc = plan_options(reload, config, &plan, error);
	if (rc == 0)
		rc = reload_links_check(reload, config, error);
	plan_fini(&plan);
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

int reload_apply(struct reload *reload, struct config *config, enum reload_source source, struct reload_error *error)
{
	struct plan plan = {0};
	int rc = check(reload, config, error);

	if (rc == 0 && config->is_absent) {
		log_line("CFG", LOG_NOTICE,
			"This node is not in the nodelist any more; it keeps its configuration, and stays in the "
			"ring until it is stopped");
		reload->is_removed = true;
		config_destroy(config);
		return 0;
	}
	if (rc == 0 && source == RELOAD_FILE)
		reload->is_removed = false; /* the file has this node again */
	if (rc == 0)
		rc = check_plugins(reload, config, true, error);
	if (rc == 0)
		rc = plan_options(reload, config, &plan, error);
	if (rc == 0)
		rc = reload_nodes_add(reload, config, error);
	/*
	 * A new key changes nothing of the log. If its files were opened again, one that cannot be opened any more would
	 * refuse the key, which all other nodes take.
	 */
	if (rc == 0 && source != RELOAD_KEY) {
		rc = log_configure(&config->log, error->text, sizeof(error->text));
		if (rc < 0)
			reload_nodes_undo(reload, config);
	}
	if (rc == 0)
		commit(reload, config, source, &plan);
	plan_fini(&plan);
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}
