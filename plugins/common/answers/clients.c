/* SPDX-License-Identifier: BSD-3-Clause */
/* `clients`: programs that use the daemon. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Add the daemon's own name of a service, without the prefix of Corosync's names. If there is no name, add its number.
 */
static void put_service(const struct metrics_source *source, struct json_object *client, uint32_t service)
{
	static const char prefix[] = "corosync_";
	char key[64], number[12];

	snprintf(key, sizeof(key), "internal_configuration.service.%" PRIu32 ".name", service);
	snprintf(number, sizeof(number), "%" PRIu32, service);
	char *name = answers_key_text(source, COTERIE_MAP_CONFIG, key);
	if (name != NULL && strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		put_text(client, "service", name + sizeof(prefix) - 1);
	else
		put_text(client, "service", name != NULL ? name : number);
	free(name);
}

/* --- clients --- */

struct walk {
	const struct metrics_source *source;
	struct json_object *clients;
};

static int64_t client_stat(const struct metrics_source *source, const char *prefix, const char *name)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "%.200s%s", prefix, name);
	return answers_key_number(source, COTERIE_MAP_STATS, key, 0);
}

/* Add the client of a key stats.ipcs.serviceS.PID.0xID.procname. */
static bool see_client(void *arg, const char *key)
{
	struct walk *walk = arg;
	uint32_t service, pid;
	int end = 0;
	char prefix[COTERIE_MAP_NAME_MAX + 1];

	if (sscanf(key, "stats.ipcs.service%" SCNu32 ".%" SCNu32 ".%*[^.].procname%n", &service, &pid, &end) != 2 ||
		end == 0 || key[end] != '\0')
		return true;
	struct json_object *client = json_object_new_object();
	char *program = answers_key_text(walk->source, COTERIE_MAP_STATS, key);
	snprintf(prefix, sizeof(prefix), "%.*s", (int)(strlen(key) - strlen("procname")), key);
	put_number(client, "pid", pid);
	answers_put_bytes(client, "program", program != NULL ? program : "", program != NULL ? strlen(program) : 0);
	json_object_object_del(client, "program_hex");
	put_service(walk->source, client, service);
	put_number(client, "requests", client_stat(walk->source, prefix, "requests"));
	put_number(client, "responses", client_stat(walk->source, prefix, "responses"));
	put_number(client, "events", client_stat(walk->source, prefix, "dispatched"));
	put_number(client, "queued", client_stat(walk->source, prefix, "queued"));
	put_number(client, "overload", client_stat(walk->source, prefix, "overload"));
	put_bool(client, "flow_control", client_stat(walk->source, prefix, "flow_control") != 0);
	json_object_array_add(walk->clients, client);
	free(program);
	return true;
}

void answers_clients(const struct metrics_source *source, struct json_object *data)
{
	struct walk walk = {.source = source, .clients = json_object_new_array()};

	source->each(source->arg, COTERIE_MAP_STATS, "stats.ipcs.service", see_client, &walk);
	json_object_object_add(data, "clients", walk.clients);
}
