/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send one request to the daemon of this node through the public API of libcfg or libcmap, for scripts:
 *
 *	cfg_ask reload | reopen | kill NODE | shutdown FLAGS | addresses NODE | reachable NODE
 *	cfg_ask track yes|no|silent     print a request for a shutdown, answer it, and wait until the daemon has
 * 	ended
 *	cfg_ask get KEY                 print the value of a key of the map
 *	cfg_ask keys [PREFIX]           print all keys (with this prefix) and their values, without keys that change
 * 	by
 *	                                themselves
 *
 * Exit status: the code of the call, 0 for CS_OK.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>

static const char *tracker_answer;

static int status_of(cs_error_t rc)
{
	if (rc != CS_OK)
		printf("%s\n", cs_strerror(rc));
	return rc == CS_OK ? 0 : (int)rc;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void on_shutdown(corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	printf("asked %d\n", (int)flags);
	fflush(stdout);
	if (strcmp(tracker_answer, "silent") != 0)
		corosync_cfg_replyto_shutdown(handle, strcmp(tracker_answer, "yes") == 0);
}

/* Repeat the call on "try again", which a daemon returns while it synchronises. */
static cs_error_t patiently(cs_error_t (*call)(corosync_cfg_handle_t), corosync_cfg_handle_t handle)
{
	cs_error_t rc;

	while ((rc = call(handle)) == CS_ERR_TRY_AGAIN)
		pause_ms(10);
	return rc;
}

static int track(corosync_cfg_handle_t handle, const char *answer)
{
	cs_error_t rc;

	tracker_answer = answer;
	while ((rc = corosync_cfg_trackstart(handle, 0)) == CS_ERR_TRY_AGAIN)
		pause_ms(10);
	printf("tracking\n");
	fflush(stdout);
	if (rc == CS_OK)
		rc = corosync_cfg_dispatch(handle, CS_DISPATCH_BLOCKING);
	return status_of(rc);
}

static int addresses(corosync_cfg_handle_t handle, unsigned int nodeid)
{
	corosync_cfg_node_address_t list[8];
	char text[INET_ADDRSTRLEN];
	struct sockaddr_in address;
	int count;
	cs_error_t rc = corosync_cfg_get_node_addrs(handle, nodeid, 8, &count, list);

	for (int i = 0; rc == CS_OK && i < count && i < 8; i++) {
		memcpy(&address, list[i].address, sizeof(address));
		printf("%s\n", inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)));
	}
	return status_of(rc);
}

static int reachable(corosync_cfg_handle_t handle, unsigned int nodeid)
{
	struct corosync_cfg_node_status_v1 status;
	cs_error_t rc = corosync_cfg_node_status_get(handle, nodeid, CFG_NODE_STATUS_V1, &status);

	if (rc == CS_OK)
		printf("%u\n", status.reachable);
	return status_of(rc);
}

/* ---- The map ------------------------------------------------------------- */

static void print_value(const uint8_t *bytes, size_t size, cmap_value_types_t type)
{
	uint64_t number = 0;

	if (type == CMAP_VALUETYPE_STRING) {
		printf("%s\n", (const char *)bytes);
		return;
	}
	memcpy(&number, bytes, size <= sizeof(number) ? size : 0); /* in the byte order of this machine */
	printf("%" PRIu64 "\n", number);
}

static cs_error_t print_key(cmap_handle_t handle, const char *key)
{
	static uint8_t bytes[65536];
	size_t size = sizeof(bytes);
	cmap_value_types_t type;
	cs_error_t rc = cmap_get(handle, key, bytes, &size, &type);

	if (rc == CS_OK)
		print_value(bytes, size, type);
	return rc;
}

static bool changes_by_itself(const char *key)
{
	return strncmp(key, "config.reload", 13) == 0 || strncmp(key, "config.totem", 12) == 0 ||
	       (strncmp(key, "runtime.services.", 17) == 0);
}

/* Print a key, or all keys that begin with the prefix if key is NULL. */
static int map(const char *key, const char *prefix)
{
	char name[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t iterator;
	cmap_handle_t handle;
	cs_error_t rc = cmap_initialize(&handle);

	if (rc == CS_OK && key != NULL)
		return status_of(print_key(handle, key));
	if (rc == CS_OK)
		rc = cmap_iter_init(handle, prefix, &iterator);
	while (rc == CS_OK && cmap_iter_next(handle, iterator, name, NULL, NULL) == CS_OK) {
		if (changes_by_itself(name))
			continue;
		printf("%s ", name);
		rc = print_key(handle, name);
	}
	return status_of(rc);
}

int main(int argc, char **argv)
{
	corosync_cfg_callbacks_t callbacks = {on_shutdown};
	const char *what = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
	unsigned int number = (unsigned int)strtoul(argument, NULL, 10);
	corosync_cfg_handle_t handle;
	cs_error_t rc;

	if (strcmp(what, "get") == 0 || strcmp(what, "keys") == 0)
		return map(*what == 'g' ? argument : NULL, *argument != '\0' ? argument : NULL);
	while ((rc = corosync_cfg_initialize(&handle, &callbacks)) == CS_ERR_TRY_AGAIN)
		pause_ms(10);
	if (rc != CS_OK)
		return status_of(rc);
	if (strcmp(what, "reload") == 0)
		return status_of(patiently(corosync_cfg_reload_config, handle));
	if (strcmp(what, "reopen") == 0)
		return status_of(patiently(corosync_cfg_reopen_log_files, handle));
	if (strcmp(what, "kill") == 0)
		return status_of(corosync_cfg_kill_node(handle, number, "the test says so"));
	if (strcmp(what, "shutdown") == 0)
		return status_of(corosync_cfg_try_shutdown(handle, (corosync_cfg_shutdown_flags_t)number));
	if (strcmp(what, "track") == 0)
		return track(handle, argument);
	if (strcmp(what, "addresses") == 0)
		return addresses(handle, number);
	if (strcmp(what, "reachable") == 0)
		return reachable(handle, number);
	fprintf(stderr, "usage: cfg_ask reload|reopen|kill|shutdown|track|addresses|reachable|get|keys\n");
	return 64;
}
