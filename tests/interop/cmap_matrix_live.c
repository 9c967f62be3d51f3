/*
 * Handles, arguments that no call takes, iteration, and keys that clients cannot change.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cmap_matrix.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char long_key[400];

/* Print the code of each call with each argument that is checked. */
static void all_calls_with(cmap_handle_t handle)
{
	uint8_t u8 = 7;
	char *text = NULL;
	char key[CMAP_KEYNAME_MAXLEN + 1] = "untouched";
	size_t size = 7;
	const void *context = &size;
	int fd = 7;
	cmap_value_types_t type = (cmap_value_types_t)7;
	cmap_iter_handle_t iterator = 7;
	cmap_track_handle_t tracker = 7;

	CALL(cmap_finalize(handle));
	CALL(cmap_fd_get(handle, &fd));
	CALL(cmap_context_get(handle, &context));
	CALL(cmap_context_set(handle, NULL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cmap_set(handle, "matrix.a", &u8, 1, CMAP_VALUETYPE_UINT8));
	CALL(cmap_set(handle, NULL, &u8, 1, CMAP_VALUETYPE_UINT8));
	CALL(cmap_set(handle, "matrix.a", NULL, 1, CMAP_VALUETYPE_UINT8));
	CALL(cmap_set(handle, long_key, &u8, 1, CMAP_VALUETYPE_UINT8));
	CALL(cmap_set_uint8(handle, "matrix.a", 1));
	CALL(cmap_set_uint8(handle, NULL, 1));
	CALL(cmap_set_uint8(handle, long_key, 1));
	CALL(cmap_set_string(handle, "matrix.a", "text"));
	CALL(cmap_set_string(handle, "matrix.a", NULL));
	CALL(cmap_set_string(handle, NULL, "text"));
	CALL(cmap_delete(handle, "matrix.a"));
	CALL(cmap_delete(handle, NULL));
	CALL(cmap_delete(handle, long_key));
	CALL(cmap_get(handle, "matrix.a", NULL, &size, &type));
	CALL(cmap_get(handle, NULL, NULL, &size, &type));
	CALL(cmap_get(handle, "matrix.a", &u8, NULL, &type));
	CALL(cmap_get(handle, long_key, NULL, &size, &type));
	CALL(cmap_get_uint8(handle, "matrix.a", &u8));
	CALL(cmap_get_uint8(handle, NULL, &u8));
	CALL(cmap_get_uint8(handle, long_key, &u8));
	CALL(cmap_get_string(handle, "matrix.a", &text));
	CALL(cmap_get_string(handle, NULL, &text));
	CALL(cmap_get_string(handle, long_key, &text));
	CALL(cmap_inc(handle, "matrix.a"));
	CALL(cmap_inc(handle, NULL));
	CALL(cmap_inc(handle, long_key));
	CALL(cmap_dec(handle, "matrix.a"));
	CALL(cmap_dec(handle, NULL));
	CALL(cmap_dec(handle, long_key));
	CALL(cmap_iter_init(handle, "matrix.", &iterator));
	CALL(cmap_iter_init(handle, long_key, &iterator));
	CALL(cmap_iter_init(handle, NULL, NULL));
	CALL(cmap_iter_next(handle, 7, key, &size, &type));
	CALL(cmap_iter_next(handle, 7, NULL, &size, &type));
	CALL(cmap_iter_finalize(handle, 7));
	CALL(cmap_track_add(handle, "matrix.a", 7, print_change, NULL, &tracker));
	CALL(cmap_track_add(handle, "matrix.a", 16, print_change, NULL, &tracker));
	CALL(cmap_track_add(handle, "matrix.a", 7, NULL, NULL, &tracker));
	CALL(cmap_track_add(handle, "matrix.a", 7, print_change, NULL, NULL));
	CALL(cmap_track_add(handle, long_key, 7, print_change, NULL, &tracker));
	CALL(cmap_track_delete(handle, 7));
	say("outputs untouched: %s", u8 == 7 && text == NULL && strcmp(key, "untouched") == 0 && size == 7 &&
						     context == &size && fd == 7 && type == (cmap_value_types_t)7 &&
						     iterator == 7 && tracker == 7
					     ? "yes"
					     : "no");
}

static int initialize_denied(void *argument)
{
	cmap_handle_t handle;

	(void)argument;
	if (!become_nobody())
		return 100;
	return (int)cmap_initialize(&handle);
}

static int initialize_without_descriptors(void *argument)
{
	cmap_handle_t handle;

	(void)argument;
	forbid_descriptors();
	return (int)cmap_initialize(&handle);
}

static void initialize_all_ways(void)
{
	static const int maps[] = {0, 1, 2, -1, 77};
	cmap_handle_t handle = 0, other = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		say("map %d", maps[i]);
		CALL(cmap_initialize_map(&handle, (cmap_map_t)maps[i]));
		show(handle, "totem.version");
		CALL(cmap_finalize(handle));
		CALL(cmap_finalize(handle));
	}
	CALL(cmap_initialize(&handle));
	CALL(cmap_initialize(&other));
	say("handles differ: %s", handle != other && handle != 0 && other != 0 ? "yes" : "no");
	CALL(cmap_finalize(other));
	show(handle, "totem.version");
	CALL(cmap_finalize(handle));
	say("initialize as nobody: %s", in_child(initialize_denied, NULL, 5000));
	say("initialize without descriptors: %s", in_child(initialize_without_descriptors, NULL, 5000));
}

static void local_calls(cmap_handle_t handle)
{
	const void *context = &handle;
	int fd = -1, again = -1, mark;

	CALL(cmap_context_get(handle, &context));
	say("context NULL: %s", context == NULL ? "yes" : "no");
	CALL(cmap_context_set(handle, &mark));
	CALL(cmap_context_get(handle, &context));
	say("context as set: %s", context == &mark ? "yes" : "no");
	CALL(cmap_context_set(handle, NULL));
	CALL(cmap_fd_get(handle, &fd));
	CALL(cmap_fd_get(handle, &again));
	say("one descriptor: %s, revents %d", fd == again && fd >= 0 ? "yes" : "no", revents_of(handle));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
}

static void iteration(cmap_handle_t handle)
{
	static const char *const keys[] = {"matrix.it.b", "matrix.it.a", "matrix.it.a.x", "matrix.it.a-x",
		"matrix.it.aa", "matrix.it.A", "matrix.it.a/x", "matrix.it.a:x", "matrix.it.a_x", "matrix.it.1",
		"matrix.itx"};
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t first, second;
	cmap_handle_t other = connect_cmap();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cmap_set_uint32(handle, keys[i], (uint32_t)i);
	CALL(cmap_set_string(handle, "matrix.it.string", "four"));
	CALL(cmap_set(handle, "matrix.it.binary", "", 0, CMAP_VALUETYPE_BINARY));
	walk(handle, "matrix.it.");
	walk(handle, "matrix.it");
	walk(handle, "matrix.it.a");
	walk(handle, "matrix.it.a.x");
	walk(handle, "matrix.it.a.xy");
	walk(handle, "no such thing!");

	say("two at once, and a map that changes");
	CALL(cmap_iter_init(handle, "matrix.it.", &first));
	CALL(cmap_iter_init(handle, "matrix.it.a", &second));
	CALL(cmap_iter_next(handle, first, key, NULL, NULL));
	say("  %s", key);
	CALL(cmap_delete(handle, key)); /* the key that the iterator returned last */
	CALL(cmap_delete(handle, "matrix.it.A"));
	CALL(cmap_set_uint8(handle, "matrix.it.0", 1));
	CALL(cmap_set_uint8(handle, "matrix.it.9", 1));
	while (cmap_iter_next(handle, first, key, NULL, NULL) == CS_OK)
		say("  %s", key);
	CALL(cmap_set_uint8(handle, "matrix.it.z", 1));
	CALL(cmap_iter_next(handle, first, key, NULL, NULL));
	CALL(cmap_iter_next(handle, second, key, NULL, NULL));
	say("  %s", key);
	CALL(cmap_iter_next(other, second, key, NULL, NULL));
	CALL(cmap_iter_finalize(other, second));
	CALL(cmap_iter_finalize(handle, first));
	CALL(cmap_iter_finalize(handle, first));
	CALL(cmap_iter_next(handle, first, key, NULL, NULL));
	CALL(cmap_iter_finalize(handle, 0));
	/* The second iterator, and a hundred more, end with the handle. */
	for (int i = 0; i < 100; i++)
		if (cmap_iter_init(handle, NULL, &first) != CS_OK)
			say("iterator %d failed", i);
	CALL(cmap_finalize(other));
	wipe(handle, "matrix.");
}

/* Read-only keys, whether they exist or not, and similar keys that are not read-only. */
static void protected_keys(cmap_handle_t handle)
{
	static const char *const keys[] = {"internal_configuration.", "internal_configuration.x", "runtime.services.",
		"runtime.services.cmap.0.tx", "runtime.config.x", "runtime.config.totem.token", "runtime.totem.x",
		"uidgid.config.uid.0", "system.qb_ipc_type", "system.x", "nodelist.node.0.nodeid",
		"nodelist.local_node_pos", "nodelist.x", "totem.crypto_cipher", "totem.crypto_hash",
		"totem.crypto_model", "totem.keyfile", "totem.key", "totem.secauth", "totem.ip_version",
		"totem.rrp_mode", "totem.transport", "totem.cluster_name", "totem.netmtu", "totem.threads",
		"totem.version", "totem.nodeid", "totem.clear_node_high_bit", "config.reload_in_progress",
		"config.totemconfig_reload_in_progress", "totem.versionx", "totem.keyx", "totem.cluster_namex",
		"internal_configuration", "systemx", "nodelist", "runtime.service", "config.reload_in_progressx",
		"runtime.matrix", "uidgid.uid.77", "logging.matrix", "quorum.matrix"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		say("%s: set %d, inc %d, dec %d, delete %d", keys[i], (int)cmap_set_uint64(handle, keys[i], 77),
			(int)cmap_inc(handle, keys[i]), (int)cmap_dec(handle, keys[i]),
			(int)cmap_delete(handle, keys[i]));
}

static void configured_keys(cmap_handle_t handle)
{
	static const char *const keys[] = {"totem.version", "totem.cluster_name", "totem.transport", "system.sched_rr",
		"nodelist.node.0.nodeid", "nodelist.node.0.ring0_addr", "nodelist.node.0.name",
		"nodelist.local_node_pos", "runtime.members.1.status", "runtime.members.1.join_count",
		"runtime.members.1.ip", "runtime.members.1.config_version", "internal_configuration.service.0.name",
		"internal_configuration.service.0.ver", "runtime.services.cmap.service_id", "totem.config_version",
		"logging.to_stderr"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		show(handle, keys[i]);
}

void part_live(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();

	(void)daemon;
	memset(long_key, 'k', 256);
	CALL(cmap_finalize(handle));
	say("with a dead handle");
	all_calls_with(handle);
	say("with no handle");
	all_calls_with(0);
	initialize_all_ways();
	handle = connect_cmap();
	local_calls(handle);
	iteration(handle);
	protected_keys(handle);
	configured_keys(handle);
	CALL(cmap_finalize(handle));
}
