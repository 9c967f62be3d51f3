/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/modes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "exec/plugin/plugin_load.h"

#define EXIT_USAGE 1
#define EXIT_NO_MEMORY 38

static const char *const built_in[] = {PLUGIN_DIR};

/* Fill in the folders. path: folders separated by ':', or NULL: the default. */
static int folders_init(struct plugin_folders *folders, const char *path)
{
	char *rest, *folder;

	*folders = (struct plugin_folders){.list = {built_in[0]}, .count = 1};
	if (path == NULL)
		return 0;
	folders->count = 0;
	folders->text = strdup(path);
	if (folders->text == NULL)
		return -ENOMEM;
	rest = folders->text;
	while ((folder = strsep(&rest, ":")) != NULL && folders->count < MODES_FOLDERS_MAX)
		if (*folder != '\0')
			folders->list[folders->count++] = folder;
	return 0;
}

int modes_folders_init(struct plugin_folders *folders, const struct config *config)
{
	if (config == NULL || !config->is_builtin_only)
		return folders_init(folders, config == NULL ? NULL : config->plugin_path);
	*folders = (struct plugin_folders){.count = 0};
	unsetenv("COTERIE_PLUGIN_PATH");
	return 0;
}

void modes_folders_fini(struct plugin_folders *folders) { free(folders->text); }

static int find_transport(void *arg, const char *name, char *text, size_t size)
{
	struct plugin_error error;

	(void)arg;
	if (plugin_probe(built_in, 1, COTERIE_KIND_TRANSPORT, name, &error) == 0)
		return 0;
	snprintf(text, size, "%s", error.text);
	return -ENOENT;
}

static void describe(void *arg, uint32_t kind, const char *name, const char *path,
	void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg)
{
	struct plugin_folders folders;
	struct plugin_error error;

	(void)arg;
	if (folders_init(&folders, path) == 0)
		plugin_describe(folders.list, folders.count, kind, name, see, see_arg, &error);
	modes_folders_fini(&folders);
}

void modes_environment(struct config_environment *environment)
{
	environment->find_transport = find_transport;
	environment->describe = describe;
}

int modes_help_config(const struct options *options)
{
	struct config_environment environment;

	config_environment_system(&environment);
	modes_environment(&environment);
	int rc = config_help(&environment, options->help_block, options->help_name, stdout);

	return rc == 0 ? 0 : rc == -ENOMEM ? EXIT_NO_MEMORY : EXIT_USAGE;
}

/*
 * Print which of Corosync's own plugins are missing, if a file is only checked. Findings of a missing plugin are
 * missing, too.
 */
static void tell_absent(
	const struct config *config, const struct plugin_folders *folders, uint32_t kind, const char *name)
{
	struct plugin_error error;

	if (name != NULL && plugin_probe(folders->list, folders->count, kind, name, &error) < 0)
		printf("%s: the rules of plugin '%s' were not checked: %s\n", config->file, name, error.text);
}

int modes_tell_test(const struct config *config)
{
	const struct config_node *local = &config->nodes[config->local];
	struct plugin_folders folders;
	struct plugin_error error;
	int rc = modes_folders_init(&folders, config);

	if (rc < 0)
		return EXIT_NO_MEMORY;
	/*
	 * A section 'transport' may name any plugin, so look for that plugin. Corosync's transports may be missing if a
	 * file is only checked.
	 */
	if (!config_transport_is_standard(config->transport))
		rc = plugin_probe(folders.list, folders.count, COTERIE_KIND_TRANSPORT, config->transport, &error);
	if (rc < 0) {
		modes_folders_fini(&folders);
		fprintf(stderr, "%s: %s\n", config->file, error.text);
		return error.exit_code;
	}
	printf("%s: ok (%u node%s, transport %s, local node %s)\n", config->file, config->node_count,
		config->node_count == 1 ? "" : "s", config->transport,
		local->name != NULL ? local->name : local->texts[config->link_count - 1]);
	tell_absent(config, &folders, COTERIE_KIND_TRANSPORT, config->transport);
	tell_absent(config, &folders, COTERIE_KIND_SERVICE, config->quorum_provider);
	modes_folders_fini(&folders);
	return 0;
}

int modes_print_config(const struct options *options, const struct config *config)
{
	return config_print(config, options->form, stdout) == 0 ? 0 : EXIT_NO_MEMORY;
}

/* Run coterie-ctl. It is searched near this program, as installed or in a build tree. */
static void run_tool(char *const *arguments)
{
	static const char *const near[] = {"../bin/coterie-ctl", "../tools/coterie-ctl", "../../tools/coterie-ctl"};
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	for (size_t i = 0; length > 0 && i < sizeof(near) / sizeof(near[0]); i++) {
		self[length] = '\0';
		char *slash = strrchr(self, '/');

		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self), self, near[i]);
		execv(path, arguments);
	}
	execvp("coterie-ctl", arguments);
}

int modes_run_command(int argc, char **argv)
{
	char tool[] = "coterie-ctl";
	char **arguments = calloc((size_t)argc + 1, sizeof(*arguments));

	if (arguments == NULL)
		return EXIT_NO_MEMORY;
	arguments[0] = tool;
	for (int i = 1; i < argc; i++)
		arguments[i] = argv[i];
	run_tool(arguments);
	fprintf(stderr, "cannot run coterie-ctl (%s): install it; %s --help tells of the daemon's own options\n",
		strerror(errno), argv[0]);
	free(arguments);
	return EXIT_USAGE;
}

int modes_doctor(const struct options *options)
{
	char tool[] = "coterie-ctl", doctor[] = "doctor", before[] = "--before-start", config[] = "--config",
	     node[] = "--node";
	char *file = options->config != NULL ? strdup(options->config) : NULL;
	char *name = options->node != NULL ? strdup(options->node) : NULL;
	char *arguments[8] = {tool, doctor, before};
	int count = 3;

	if (file != NULL) {
		arguments[count++] = config;
		arguments[count++] = file;
	}
	if (name != NULL) {
		arguments[count++] = node;
		arguments[count++] = name;
	}
	if (options->instance != NULL)
		setenv("COTERIE_INSTANCE", options->instance, 1);
	run_tool(arguments);
	fprintf(stderr, "cannot run coterie-ctl (%s): install it\n", strerror(errno));
	free(file);
	free(name);
	return EXIT_USAGE;
}

int modes_check_reload(const struct options *options, const struct config *config)
{
	char tool[] = "coterie-ctl", reload[] = "reload", check[] = "--check-only";
	char keys[] = "config", diff[] = "diff", *file = config == NULL ? NULL : strdup(config->file);
	char *const of_daemon[] = {tool, reload, check, NULL};
	char *const of_file[] = {tool, keys, diff, file, NULL};

	if (options->instance != NULL)
		setenv("COTERIE_INSTANCE", options->instance, 1);
	run_tool(file != NULL ? of_file : of_daemon);
	fprintf(stderr, "cannot run coterie-ctl (%s): install it\n", strerror(errno));
	free(file);
	return EXIT_USAGE;
}
