/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/reach.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/holder.h"

#define INSTANCE_LENGTH_MAX 31
#define INSTANCES_MAX 12        /* instances that are listed */
#define FLAG_ACCEPTS "00010000" /* flag __SO_ACCEPTCON of the kernel: the socket listens */
#define FILE_SYSTEM_SWITCH "/etc/libqb/force-filesystem-sockets"

/* The sockets of daemons that listen on this host. */
struct listeners {
	bool has_daemon;  /* a daemon of any instance listens */
	bool has_default; /* a daemon without an instance name listens */
	bool has_wanted;  /* the wanted instance listens */
	bool has_service; /* the wanted service of the wanted instance listens */
	char instances[INSTANCES_MAX][INSTANCE_LENGTH_MAX + 1];
	size_t count;
};

static const char *const known[] = {"coterie-control", "cmap", "cfg", "cpg", "quorum", "votequorum", "evs", "kv"};

/*
 * Return the instance in the name of a socket of this service, "" for the default instance. NULL: the socket is another
 * one.
 */
static const char *instance_of(const char *name, const char *service)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(service);

	if (strncmp(name, service, length) != 0)
		return NULL;
	if (name[length] == '\0')
		return name + length;
	const char *instance = name + length + 1;
	size_t size = strlen(instance);

	if (name[length] != '-' || size == 0 || size > INSTANCE_LENGTH_MAX || strspn(instance, letters) != size)
		return NULL;
	return instance;
}

static void add_instance(struct listeners *found, const char *instance)
{
	if (*instance == '\0') {
		found->has_default = true;
		return;
	}
	for (size_t i = 0; i < found->count; i++)
		if (strcmp(found->instances[i], instance) == 0)
			return;
	if (found->count < INSTANCES_MAX)
		snprintf(found->instances[found->count++], sizeof(found->instances[0]), "%s", instance);
}

static void add_name(struct listeners *found, const char *name, const char *service, const char *wanted)
{
	const char *instance = instance_of(name, service);

	if (instance != NULL && strcmp(instance, wanted) == 0)
		found->has_service = true;
	for (size_t i = 0; instance == NULL && i < sizeof(known) / sizeof(known[0]); i++)
		instance = instance_of(name, known[i]);
	if (instance == NULL)
		return;
	found->has_daemon = true;
	found->has_wanted = found->has_wanted || strcmp(instance, wanted) == 0;
	add_instance(found, instance);
}

/* Read the list of sockets. An abstract name begins with '@'. The zeros behind it are also shown as '@'. */
static void read_listeners(struct listeners *found, const char *service, const char *wanted, FILE *sockets)
{
	bool is_in_files = access(FILE_SYSTEM_SWITCH, F_OK) == 0;
	char line[512], flags[16], path[256];

	while (fgets(line, sizeof(line), sockets) != NULL) {
		if (sscanf(line, "%*s %*s %*s %15s %*s %*s %*s %255s", flags, path) != 2 ||
			strcmp(flags, FLAG_ACCEPTS) != 0)
			continue;
		const char *slash = strrchr(path, '/');

		if (path[0] == '@') {
			path[1 + strcspn(path + 1, "@")] = '\0';
			add_name(found, path + 1, service, wanted);
		} else if (is_in_files && slash != NULL) {
			add_name(found, slash + 1, service, wanted);
		}
	}
}

static void join_instances(const struct listeners *found, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "%s", found->has_default ? "the one without a name" : "");

	for (size_t i = 0; i < found->count && used < size; i++)
		used += (size_t)snprintf(
			text + used, size - used, "%s'%s'", used == 0 ? "" : ", ", found->instances[i]);
}

static void no_daemon(struct reach *reach, const char *wanted)
{
	reach->cause = REACH_NO_DAEMON;
	if (*wanted == '\0') {
		snprintf(reach->text, sizeof(reach->text), "no daemon runs on this host");
		snprintf(reach->hint, sizeof(reach->hint),
			"start it: systemctl start coterie; if it has ended: journalctl -u coterie -n 50");
	} else {
		snprintf(reach->text, sizeof(reach->text), "no daemon runs on this host, so none of instance '%.40s'",
			wanted);
		snprintf(reach->hint, sizeof(reach->hint), "start it: coterie --instance %.40s -c FILE", wanted);
	}
}

static void no_instance(struct reach *reach, const char *wanted, const struct listeners *found)
{
	char list[450];

	reach->cause = REACH_NO_INSTANCE;
	join_instances(found, list, sizeof(list));
	if (*wanted == '\0') {
		snprintf(reach->text, sizeof(reach->text), "no daemon without an instance name; running: %s", list);
		snprintf(reach->hint, sizeof(reach->hint), "name one with --instance or COTERIE_INSTANCE");
	} else {
		snprintf(reach->text, sizeof(reach->text), "no instance '%.40s'; running: %s", wanted, list);
		snprintf(reach->hint, sizeof(reach->hint), "%s",
			found->has_default && found->count == 0
				? "leave out --instance and COTERIE_INSTANCE, or start it: coterie --instance NAME -c FILE"
				: "name one of these with --instance or COTERIE_INSTANCE, or start it: coterie --instance NAME -c FILE");
	}
}

static void no_service(struct reach *reach, const char *service)
{
	const char *name = strcmp(service, "coterie-control") == 0 ? "control" : service;
	bool is_control = name != service;

	reach->cause = REACH_NO_SERVICE;
	snprintf(reach->text, sizeof(reach->text), "service %s is not loaded in the daemon", name);
	if (strcmp(name, "votequorum") == 0)
		snprintf(reach->hint, sizeof(reach->hint),
			"name it as quorum provider (corosync_votequorum), and restart the daemon");
	else
		snprintf(reach->hint, sizeof(reach->hint),
			"load it: %s%s%s'service %s {}' in coterie.conf ('service { name: %s }' in corosync.conf)%s",
			is_control ? "" : "coterie-ctl plugin load ", is_control ? "" : name,
			is_control ? "" : ", and for the next start ", name, name,
			is_control ? ", then corosync-cfgtool -R" : "");
}

static void busy(struct reach *reach, cs_error_t error)
{
	reach->cause = REACH_BUSY;
	if (error == CS_ERR_TIMEOUT) {
		snprintf(reach->text, sizeof(reach->text),
			"the daemon runs, but does not answer in time: it is busy or stopped");
		snprintf(reach->hint, sizeof(reach->hint),
			"ps -C coterie -o pid,stat (stat T: stopped; kill -CONT PID); otherwise look into its log, or "
			"raise --timeout");
	} else {
		snprintf(reach->text, sizeof(reach->text), "the daemon is busy: it is starting, or has no ring yet");
		snprintf(reach->hint, sizeof(reach->hint), "look into its log; raise --timeout");
	}
}

static void not_trusted(struct reach *reach, const char *service, const char *wanted)
{
	char name[64], holder[64] = "";

	snprintf(name, sizeof(name), "%s%s%s", service, wanted[0] != '\0' ? "-" : "", wanted);
	if (access(FILE_SYSTEM_SWITCH, F_OK) < 0)
		holder_describe(name, holder, sizeof(holder));
	reach->cause = REACH_NOT_TRUSTED;
	snprintf(reach->text, sizeof(reach->text),
		"%s listens at the socket of service %s, and is not trusted as the daemon: it is neither of root nor of "
		"this user",
		holder[0] != '\0' ? holder : "a process of another user", service);
	snprintf(reach->hint, sizeof(reach->hint),
		"end that process and start the daemon; if it is the daemon, set COTERIE_USER to its user");
}

void reach_explain(struct reach *reach, const char *service, const char *instance, cs_error_t error)
{
	const char *wanted = instance == NULL ? "" : instance;
	struct listeners found = {.has_daemon = false};

	if (error == CS_ERR_TRY_AGAIN || error == CS_ERR_TIMEOUT) {
		busy(reach, error);
		return;
	}
	if (error == CS_ERR_ACCESS) {
		reach->cause = REACH_DENIED;
		snprintf(reach->text, sizeof(reach->text),
			"the daemon runs, but user %u is not allowed to use service %s", (unsigned int)geteuid(),
			service);
		snprintf(reach->hint, sizeof(reach->hint), "be root, or be named in block access of coterie.conf");
		return;
	}
	if (error == CS_ERR_SECURITY) {
		not_trusted(reach, service, wanted);
		return;
	}
	FILE *sockets = fopen("/proc/net/unix", "re");

	if (sockets != NULL) {
		read_listeners(&found, service, wanted, sockets);
		fclose(sockets);
	}
	if (!found.has_daemon)
		no_daemon(reach, wanted);
	else if (!found.has_wanted)
		no_instance(reach, wanted, &found);
	else if (!found.has_service)
		no_service(reach, service);
	else
		busy(reach, CS_ERR_TRY_AGAIN); /* the daemon has just begun to listen, or is ending */
}

void reach_warn(const char *service, cs_error_t error)
{
	struct reach reach;

	if (error != CS_ERR_SECURITY)
		return;
	reach_explain(&reach, service, getenv("COTERIE_INSTANCE"), error);
	fprintf(stderr, "%s; %s\n", reach.text, reach.hint);
}
