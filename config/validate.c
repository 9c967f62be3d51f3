/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Converts the tree to the model: fixed words, the system section and plugins. Other files handle
 * the other parts.
 */
#include "config/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <qb/qbipc_common.h>

#include <coterie/plugin.h>

#include "config/compat.h"
#include "config/words.h"

#define SERVICES_MAX 256
#define EXIT_NO_PLUGIN 30 /* book configuration, "Exit codes" */

static void check_words(struct tree *tree)
{
	const struct compat_words *choice;

	for (uint32_t i = 0; (choice = compat_words_at(i)) != NULL; i++) {
		const char *text = tree_text(tree, choice->key);

		if (text != NULL && !config_has_word(choice->words, text))
			tree_error(tree, tree_place(tree, choice->key),
				"'%s' is not a value of '%s': choose one of: %s", text, choice->key, choice->words);
	}
}

static bool is_text(const struct tree *tree, const char *key, const char *text)
{
	const char *value = tree_text(tree, key);

	return value != NULL && strcmp(value, text) == 0;
}

static bool is_plugin_name(const char *name)
{
	return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/*
 * A section `transport { name: X }` selects a plugin, and loading it shows whether it exists. The key
 * totem.transport must be one of Corosync's transports or an installed one, since a typing error in it
 * is found only here.
 */
static void set_transport(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	const char *text = tree_text(tree, "totem.transport");

	if (tree->transport_plugin != NULL) {
		config->transport = tree->transport_plugin;
		if (text != NULL && strcmp(text, config->transport) != 0)
			tree_warning(tree, tree_place(tree, "totem.transport"),
				"'transport: %s' is not used: section 'transport' names plugin "
				"'%s'",
				text, config->transport);
		return;
	}
	config->transport = text == NULL ? COMPAT_TRANSPORT : text;
	if (config_transport_is_standard(config->transport))
		return;

	char why[400] = "choose udpu, udp, " COMPAT_TRANSPORT " or the name of another transport plugin";
	int rc = -ENOENT;

	/*
	 * If the file names the plugin folder, this check cannot find the plugin. It is found, or not, when it is
	 * loaded.
	 */
	if (is_plugin_name(config->transport) && tree_find(tree, "coterie.plugins.path") != NULL)
		rc = 0;
	else if (is_plugin_name(config->transport))
		rc = environment->find_transport == NULL
			     ? 0
			     : environment->find_transport(environment->arg, config->transport, why, sizeof(why));
	if (rc == 0)
		return;
	if (tree->is_native) {
		tree_error(tree, tree_place(tree, "totem.transport"), "%s", why);
		tree->messages->exit_code = EXIT_NO_PLUGIN;
	} else {
		tree_error(tree, tree_place(tree, "totem.transport"), "Invalid transport type '%s': %s",
			config->transport, why);
	}
	config->transport = "udpu"; /* continue with udpu, which has the fewest requirements */
}

static void check_totem(struct tree *tree)
{
	const struct tree_item *version = tree_find(tree, "totem.version");

	if (version == NULL || version->type != COTERIE_MAP_U32 || version->number != 2)
		tree_error(tree, tree_place(tree, "totem.version"),
			"This totem parser can only parse version 2 configurations: write "
			"'version: 2' in "
			"section 'totem'");
	if (tree_find(tree, "totem.nodeid") != NULL)
		tree_warning(tree, tree_place(tree, "totem.nodeid"),
			"'nodeid' in section 'totem' is ignored: write it into the node's section "
			"of the nodelist");
	if (tree_find(tree, "totem.interface.ringnumber") != NULL)
		tree_warning(tree, tree_place(tree, "totem.interface.ringnumber"),
			"'ringnumber' is not known: the section is taken for link 0; write "
			"'linknumber'");
}

static bool is_standard_set(const struct tree *tree) { return !is_text(tree, "coterie.plugins.standard", "no"); }

/* Return whether the file removes this service. */
static bool is_removed(const struct tree *tree, const char *name)
{
	const char *names = tree_text(tree, "coterie.plugins.without");

	return names != NULL && config_has_word(names, name);
}

/* Return whether the default provider will be loaded. */
static bool has_default_provider(const struct tree *tree)
{
	if (is_removed(tree, COMPAT_PROVIDER))
		return false;
	for (uint32_t i = 0; i < tree->service_count; i++)
		if (strcmp(tree->services[i].name, COMPAT_PROVIDER) == 0)
			return true;
	return is_standard_set(tree);
}

/* Set the quorum provider. Loading the plugin shows whether it exists and can be a provider. */
static void set_quorum(struct tree *tree, struct config *config)
{
	const char *provider = tree_text(tree, "quorum.provider");

	if (provider == NULL && tree->is_native && !tree->has_no_provider && has_default_provider(tree)) {
		provider = config_provider_name(NULL);
		config->is_provider_default = true;
		tree_set_string(tree, "quorum.provider", provider, (struct place){.file = tree->file});
	}
	if (provider == NULL)
		return;
	config->quorum_provider = compat_provider_plugin(provider);
	if (!is_plugin_name(config->quorum_provider))
		tree_error(tree, tree_place(tree, "quorum.provider"),
			"no quorum provider '%s': use %s, the name of a plugin, or remove the line for none", provider,
			config_provider_name(NULL));
}

static bool has_section(const struct tree *tree, const char *prefix)
{
	for (uint32_t i = 0; i < tree->count; i++)
		if (strncmp(tree->items[i].key, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* Set values that an instance of this name has instead of the default one. */
static void set_instance(struct tree *tree, struct config *config, const char *instance)
{
	char key[CONFIG_KEY_LENGTH_MAX + 1];

	snprintf(key, sizeof(key), "coterie.instance.%.31s.state_dir", instance);
	if (tree_text(tree, key) != NULL)
		config->state_dir = tree_text(tree, key);
	snprintf(key, sizeof(key), "coterie.instance.%.31s.run_dir", instance);
	if (tree_text(tree, key) != NULL)
		config->run_dir = tree_text(tree, key);
}

static void set_system(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	const char *ipc = tree_text(tree, "system.qb_ipc_type");
	const char *cgroup = tree_text(tree, "system.move_to_root_cgroup");
	const char *priority = tree_text(tree, "system.priority");
	int64_t number;

	config->ipc_type = QB_IPC_NATIVE;
	if (ipc != NULL && strcmp(ipc, "shm") == 0)
		config->ipc_type = QB_IPC_SHM;
	if (ipc != NULL && strcmp(ipc, "socket") == 0)
		config->ipc_type = QB_IPC_SOCKET;
	config->sched_rr = !is_text(tree, "system.sched_rr", "no");
	config->move_to_root_cgroup = cgroup == NULL || strcmp(cgroup, "auto") == 0 ? 2 : strcmp(cgroup, "yes") == 0;
	config->state_dir = tree_text(tree, "system.state_dir");
	config->run_dir = tree_text(tree, "coterie.process.run_dir");
	config->plugin_path = tree_text(tree, "coterie.plugins.path");
	config->is_builtin_only = is_text(tree, "coterie.plugins.builtin_only", "yes");
	config->locks_memory = !is_text(tree, "coterie.process.lock_memory", "no");
	if (environment->instance != NULL)
		set_instance(tree, config, environment->instance);
	if (config->state_dir != NULL && *config->state_dir == '\0')
		config->state_dir = NULL;
	if (config->state_dir != NULL && *config->state_dir != '/')
		tree_error(tree, tree_place(tree, "system.state_dir"),
			"state directory '%s' is relative: give its full path", config->state_dir);
	if (priority == NULL)
		return;
	config->has_priority = true;
	if (strcmp(priority, "max") == 0)
		config->priority = INT_MIN;
	else if (strcmp(priority, "min") == 0)
		config->priority = INT_MAX;
	else if (config_parse_integer(priority, INT_MIN, INT_MAX, &number) == 0)
		config->priority = (int)number;
	else
		tree_error(tree, tree_place(tree, "system.priority"),
			"'%s' is no priority: use max, min or a number as for nice(1)", priority);
}

/* Check the names in `without`: the key can be written by hand. */
static void check_removed(struct tree *tree)
{
	static const char key[] = "coterie.plugins.without";
	const char *names = tree_text(tree, key);

	if (names != NULL && strspn(names, "abcdefghijklmnopqrstuvwxyz0123456789_ ") != strlen(names))
		tree_error(tree, tree_place(tree, key),
			"'%s' are no plugin names: use a-z, 0-9 and '_', with blanks between them", names);
}

/* List the standard services, then those of `service` sections, each once. Removed services are left out. */
int plugins_build(struct tree *tree, struct config *config)
{
	/* The order is that of the reference: events of the quorum provider come before those of quorum. */
	const char *const standard[] = {"cmap", "cfg", "cpg", "evs", "control",
		has_section(tree, "resources.") ? "mon" : NULL, has_section(tree, "resources.") ? "wd" : NULL,
		config->quorum_provider, "quorum"};
	uint32_t count = sizeof(standard) / sizeof(standard[0]);
	struct config_plugin *services = arena_take(tree->arena, (count + tree->service_count) * sizeof(*services));

	if (services == NULL)
		return -ENOMEM;
	config->services = services;
	check_removed(tree);
	if (tree->service_count > SERVICES_MAX) {
		tree_error(tree, (struct place){tree->services[SERVICES_MAX].file, tree->services[SERVICES_MAX].line},
			"more than %d services: remove some", SERVICES_MAX);
		return 0;
	}
	for (uint32_t i = 0; i < count && is_standard_set(tree); i++) {
		if (standard[i] == NULL || is_removed(tree, standard[i]))
			continue;
		services[config->service_count++] = (struct config_plugin){.name = standard[i], .file = tree->file};
	}
	for (uint32_t i = 0; i < tree->service_count; i++) {
		const struct config_plugin *asked = &tree->services[i];
		uint32_t j = 0;

		if (is_removed(tree, asked->name))
			continue;
		while (j < config->service_count && strcmp(services[j].name, asked->name) != 0)
			j++;
		if (j == config->service_count)
			config->service_count++;
		else if (services[j].is_required)
			tree_warning(tree, (struct place){asked->file, asked->line},
				"service '%s' is named twice: keep one section", asked->name);
		services[j] = *asked;
	}
	config->options = tree->options;
	config->option_count = tree->option_count;
	return 0;
}

/* Report removed services that other services need. */
static void check_removed_provider(struct tree *tree, const struct config *config)
{
	if (config->quorum_provider != NULL && is_removed(tree, config->quorum_provider))
		tree_error(tree, tree_place(tree, "coterie.plugins.without"),
			"service '%s' is the quorum provider: leave it enabled, or write 'provider = none' in "
			"block 'quorum'",
			config->quorum_provider);

	/* Without a provider every part of the cluster is quorate. The file has to request that explicitly. */
	if (config->quorum_provider == NULL && tree->is_native && !tree->has_no_provider &&
		is_removed(tree, COMPAT_PROVIDER) && !is_removed(tree, "quorum") && is_standard_set(tree))
		tree_error(tree, tree_place(tree, "coterie.plugins.without"),
			"service '%s' is removed, and service 'quorum' would call each part of the cluster quorate: "
			"remove both, or write 'provider = none' in block 'quorum'",
			COMPAT_PROVIDER);
}

/* With the option `strict`, turn all warnings into errors. */
void check_strict(struct tree *tree)
{
	struct config_messages *messages = tree->messages;

	if (!is_text(tree, "coterie.process.strict", "yes"))
		return;
	for (uint32_t i = 0; i < messages->warning_count; i++)
		tree_error(tree, (struct place){0}, "%s", messages->warnings[i]);
}

int config_validate(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	int rc = logging_build(tree, config);

	if (rc < 0)
		return rc;
	check_words(tree);
	set_transport(tree, config, environment);
	check_totem(tree);
	set_quorum(tree, config);
	set_system(tree, config, environment);
	if ((rc = plugins_build(tree, config)) < 0)
		return rc;
	if ((rc = nodes_build(tree, config, environment)) < 0)
		return rc;
	if ((rc = links_build(tree, config)) < 0)
		return rc;
	if ((rc = crypto_build(tree, config, environment)) < 0)
		return rc;
	dscp_build(tree);
	rc = timers_build(tree, config);
	if (rc < 0)
		return rc;
	check_removed_provider(tree, config);
	if (environment->is_test)
		logging_check_files(tree, config);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}
