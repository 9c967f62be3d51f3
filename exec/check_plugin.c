#include "exec/check_plugin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/config/model.h"
#include "exec/executive.h"
#include "exec/loop.h"
#include "exec/plugin.h"

#define EXIT_FATAL 15
#define EXIT_NOT_FOUND 30

/* A node to be: no plugin starts without a node list. Nothing of it is used. */
static const char config_text[] = "totem {\n"
				  "	version: 2\n"
				  "	transport: udpu\n"
				  "}\n"
				  "nodelist {\n"
				  "	node {\n"
				  "		ring0_addr: 127.0.0.1\n"
				  "		nodeid: 1\n"
				  "	}\n"
				  "}\n";

static int refuse_name(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	(void)arg, (void)name, (void)family, (void)address;
	return -ENOENT;
}

static bool is_anything(void *arg, const struct sockaddr *address)
{
	(void)arg, (void)address;
	return true;
}

static const char *kind_name(uint32_t kind)
{
	return kind == COTERIE_KIND_TRANSPORT ? "transport" : "service";
}

static void tell(const struct plugin *plugin)
{
	printf("%s: ok (%s '%s' %s, plugin ABI %u.%u", plugin->path, kind_name(plugin->descriptor->kind),
		plugin->name, plugin->descriptor->version != NULL ? plugin->descriptor->version : "",
		plugin->descriptor->abi_major, plugin->descriptor->abi_minor);
	if (plugin->descriptor->kind == COTERIE_KIND_SERVICE)
		printf(", %u requests, %u ring messages", plugin->service.request_count,
			plugin->service.ring_msg_count);
	printf(", %u options)\n", plugin->descriptor->option_count);
}

/* Folder and bare name of the file. */
static int split(const char *file, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
	char path[PATH_MAX];

	if (realpath(file, path) == NULL)
		return -errno;
	char *slash = strrchr(path, '/');
	char *dot = strrchr(slash, '.');
	if (dot != NULL)
		*dot = '\0';
	if (snprintf(name, NAME_MAX + 1, "%s", slash + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	*slash = '\0';
	strcpy(directory, path[0] != '\0' ? path : "/");
	return 0;
}

/* The file by its descriptor, which is what the daemon that tries it out is going to load. */
static struct plugin *load_descriptor(
	struct executive *executive, const char *file, int fd, struct plugin_error *error)
{
	const struct plugin_source source = {.path = (char *)(uintptr_t)file, .fd = fd};

	return plugin_load_anew(executive->plugins, file, &source, NULL, NULL, error);
}

int check_plugin(struct executive *executive, const char *file, int fd)
{
	struct config_environment environment = {
		.resolve = refuse_name, .is_local = is_anything, .host_name = ""};
	struct config_messages messages = {0};
	struct plugin_error error = {0};
	char directory[PATH_MAX], name[NAME_MAX + 1];
	const char *const directories[] = {directory};
	int rc = split(file, directory, name);

	if (rc < 0) {
		fprintf(stderr, "cannot read '%s' (%s)\n", file, strerror(-rc));
		return EXIT_NOT_FOUND;
	}
	unsetenv("COTERIE_PLUGIN_PATH"); /* this file and no other of its name */
	executive->loop = loop_create();
	executive->state_dir = "/nonexistent";
	rc = config_load_bytes(
		"check", config_text, sizeof(config_text) - 1, &environment, &executive->config, &messages);
	config_messages_fini(&messages);
	if (rc < 0 || executive->loop == NULL) {
		fprintf(stderr, "out of memory\n");
		return EXIT_FATAL;
	}
	executive->nodeid = 1;
	int code = executive_create_parts(executive, directories, 1);
	struct plugin *plugin = NULL;
	if (code == 0)
		plugin = fd >= 0 ? load_descriptor(executive, file, fd, &error)
				 : plugin_load(executive->plugins, 0, name, &error);
	if (plugin != NULL) {
		tell(plugin);
	} else if (code == 0) {
		fprintf(stderr, "%s\n", error.text);
		code = error.exit_code;
	}
	executive_destroy_parts(executive);
	config_destroy(executive->config);
	loop_destroy(executive->loop);
	return code;
}
