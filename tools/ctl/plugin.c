/* `plugin`. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	struct ctl *ctl;
	struct json_object *plugins;
	bool is_told; /* the daemon lists its plugins itself */
};

static uint32_t count_clients(struct ctl *ctl, int64_t service);

static void put_fact(struct ctl *ctl, struct json_object *plugin, const char *name, const char *field,
	const char *otherwise)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(key, sizeof(key), "stats.plugins.%.63s.%s", name, field);
	char *text = fact_text(ctl, CTL_STATS, key);
	if (text != NULL || otherwise != NULL)
		put_text(plugin, field, text != NULL ? text : otherwise);
	free(text);
}

/* stats.plugins.NAME.kind: a Coterie daemon tells what it has loaded. */
static bool see_plugin(void *arg, const char *key)
{
	struct walk *walk = arg;
	char name[64], sibling[CMAP_KEYNAME_MAXLEN + 1];
	int end = 0;

	if (sscanf(key, "stats.plugins.%63[^.].kind%n", name, &end) != 1 || end == 0 || key[end] != '\0')
		return true;
	struct json_object *plugin = json_object_new_object();
	put_text(plugin, "name", name);
	put_fact(walk->ctl, plugin, name, "kind", "service");
	put_fact(walk->ctl, plugin, name, "version", "");
	put_fact(walk->ctl, plugin, name, "abi", "0.0");
	put_fact(walk->ctl, plugin, name, "state", "active");
	put_fact(walk->ctl, plugin, name, "file", NULL);
	put_fact(walk->ctl, plugin, name, "description", NULL);
	put_bool(plugin, "builtin", strcmp(get_text(plugin, "file"), "builtin") == 0);
	snprintf(sibling, sizeof(sibling), "stats.plugins.%s.service_id", name);
	int64_t service = fact_number(walk->ctl, CTL_STATS, sibling, -1);
	if (service >= 0) {
		put_number(plugin, "service_id", service);
		put_number(plugin, "clients", count_clients(walk->ctl, service));
	}
	json_object_array_add(walk->plugins, plugin);
	walk->is_told = true;
	return true;
}

/* internal_configuration.service.ID.name = corosync_NAME: all that a Corosync daemon tells. */
static bool see_service(void *arg, const char *key)
{
	struct walk *walk = arg;
	int64_t service;
	int end = 0;

	if (sscanf(key, "internal_configuration.service.%" SCNi64 ".name%n", &service, &end) != 1 || end == 0 ||
		key[end] != '\0')
		return true;
	char *name = fact_text(walk->ctl, CTL_CONFIG, key);
	if (name == NULL)
		return true;
	struct json_object *plugin = json_object_new_object();
	put_text(plugin, "name", strncmp(name, "corosync_", 9) == 0 ? name + 9 : name);
	put_text(plugin, "kind", "service");
	put_text(plugin, "version", "");
	put_text(plugin, "abi", "0.0");
	put_text(plugin, "state", "active");
	put_bool(plugin, "builtin", true);
	put_number(plugin, "service_id", service);
	put_number(plugin, "clients", count_clients(walk->ctl, service));
	json_object_array_add(walk->plugins, plugin);
	free(name);
	return true;
}

struct count {
	uint32_t count;
};

static bool see_client(void *arg, const char *key)
{
	static const char end[] = ".procname";
	size_t length = strlen(key);

	if (length > sizeof(end) && strcmp(key + length - (sizeof(end) - 1), end) == 0)
		((struct count *)arg)->count++;
	return true;
}

static uint32_t count_clients(struct ctl *ctl, int64_t service)
{
	struct count count = {0};
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "stats.ipcs.service%" PRIi64 ".", service);
	fact_each(ctl, CTL_STATS, prefix, see_client, &count);
	return count.count;
}

int plugin_list(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)argv;
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "plugin list takes no argument")
			    : ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	struct walk walk = {.ctl = ctl, .plugins = json_object_new_array()};
	fact_each(ctl, CTL_STATS, "stats.plugins.", see_plugin, &walk);
	if (!walk.is_told)
		fact_each(ctl, CTL_CONFIG, "internal_configuration.service.", see_service, &walk);
	json_object_object_add(data, "plugins", walk.plugins);
	return CTL_GOOD;
}

void plugin_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *plugins = get(data, "plugins");

	fprintf(ctl->out, "%-12s %-10s %-8s %-5s %-9s %3s %7s  %s\n", "Name", "Kind", "Version", "ABI", "State", "Id",
		"Clients", "File");
	for (size_t i = 0; i < json_object_array_length(plugins); i++) {
		struct json_object *plugin = json_object_array_get_idx(plugins, i);
		char id[24] = "", clients[24] = "";

		if (get(plugin, "service_id") != NULL) {
			snprintf(id, sizeof(id), "%" PRIi64, get_number(plugin, "service_id"));
			snprintf(clients, sizeof(clients), "%" PRIi64, get_number(plugin, "clients"));
		}
		fprintf(ctl->out, "%-12s %-10s %-8s %-5s %-9s %3s %7s  %s\n", get_text(plugin, "name"),
			get_text(plugin, "kind"), get_text(plugin, "version"), get_text(plugin, "abi"),
			get_text(plugin, "state"), id, clients, get_text(plugin, "file"));
	}
}

/* The daemon takes plugins at its start only, as yet. */
int plugin_change(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)data;
	if (argc < 1)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "which plugin?");
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	return ctl_fail(ctl, CTL_REFUSED, "change the config file and restart the daemon",
		"%s: this daemon loads and unloads plugins at its start and end only", argv[0]);
}
