/* SPDX-License-Identifier: BSD-3-Clause */
/* `watch`: print events as they happen, one JSON document on each line (schema coterie-events-1). */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define END_MS 1000 /* time for a daemon to stop after its first service */

static void tell(const char *event, struct json_object *data)
{
	struct json_object *document = json_object_new_object();
	char now[48];

	answers_time(now);
	put_text(document, "time", now);
	put_text(document, "event", event);
	json_object_object_add(document, "data", data);
	printf("%s\n",
		json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(document);
}

/* --- maps --- */

static void see_member(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	uint32_t id;
	int end = 0;

	(void)handle, (void)tracker, (void)event, (void)before, (void)arg;
	if (sscanf(key, "runtime.members.%" SCNu32 ".status%n", &id, &end) != 1 || end == 0 || key[end] != '\0' ||
		now.type != CMAP_VALUETYPE_STRING)
		return;
	struct json_object *data = json_object_new_object();
	put_number(data, "id", id);
	put_text(data, "state", now.data);
	tell("membership", data);
}

static void see_client(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	uint32_t service, pid;
	int end = 0;

	(void)handle, (void)tracker, (void)before, (void)arg;
	if (sscanf(key, "stats.ipcs.service%" SCNu32 ".%" SCNu32 ".%*[^.].procname%n", &service, &pid, &end) != 2 ||
		end == 0 || key[end] != '\0')
		return;
	struct json_object *data = json_object_new_object();
	put_number(data, "pid", pid);
	if (now.type == CMAP_VALUETYPE_STRING && now.len > 0) {
		answers_put_bytes(data, "program", now.data, strnlen(now.data, now.len));
		json_object_object_del(data, "program_hex");
	}
	put_number(data, "service_id", service);
	put_text(data, "state", event == CMAP_TRACK_DELETE ? "gone" : "connected");
	tell("client", data);
}

static void see_eviction(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	char text_key[COTERIE_MAP_NAME_MAX + 1], *text = NULL;

	(void)tracker, (void)before, (void)arg;
	if (event != CMAP_TRACK_ADD || now.type != CMAP_VALUETYPE_STRING || now.len == 0 ||
		((const char *)now.data)[now.len - 1] != '\0' || !answers_is_eviction(key, text_key))
		return;
	cmap_get_string(handle, text_key, &text);
	struct json_object *data = answers_eviction(now.data, text);
	if (data != NULL)
		tell("eviction", data);
	free(text);
}

static void see_reload(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	(void)tracker, (void)event, (void)key, (void)before, (void)arg;
	int32_t status = 0;
	uint8_t is_running = 1;

	if (now.type == CMAP_VALUETYPE_UINT8 && now.len == 1)
		memcpy(&is_running, now.data, 1);
	if (is_running != 0)
		return;
	struct json_object *data = json_object_new_object();
	cmap_get_int32(handle, "config.reload_status", &status);
	put_text(data, "result", status == CS_OK ? "applied" : "refused");
	tell("reload", data);
}

/* --- quorum --- */

static void see_quorum(
	quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring, uint32_t count, const uint32_t *members)
{
	struct json_object *data = json_object_new_object();

	(void)handle, (void)count, (void)members;
	put_bool(data, "quorate", quorate != 0);
	json_object_object_add(data, "ring", answers_ring_object(ring.nodeid, ring.seq));
	tell("quorum", data);
}

static void put_list(struct json_object *data, const char *name, uint32_t count, const uint32_t *nodes)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_int64(nodes[i]));
	json_object_object_add(data, name, list);
}

static void see_ring(quorum_handle_t handle, struct quorum_ring_id ring, uint32_t member_count, const uint32_t *members,
	uint32_t joined_count, const uint32_t *joined, uint32_t left_count, const uint32_t *left)
{
	struct json_object *data = json_object_new_object();

	(void)handle;
	json_object_object_add(data, "ring", answers_ring_object(ring.nodeid, ring.seq));
	put_list(data, "members", member_count, members);
	put_list(data, "joined", joined_count, joined);
	put_list(data, "left", left_count, left);
	tell("ring-state", data);
}

/* --- loop --- */

struct watched {
	struct pollfd fds[3];
	quorum_handle_t quorum;
	bool has_stats, has_quorum;
};

static void start(struct ctl *ctl, struct watched *watched)
{
	quorum_model_v1_data_t model = {
		.model = QUORUM_MODEL_V1, .quorum_notify_fn = see_quorum, .nodelist_notify_fn = see_ring};
	cmap_track_handle_t tracker;
	uint32_t type;

	for (int i = 0; i < 3; i++)
		watched->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	cmap_track_add(ctl->config, "runtime.members.", CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_PREFIX,
		see_member, NULL, &tracker);
	cmap_track_add(ctl->config, "config.totemconfig_reload_in_progress", CMAP_TRACK_ADD | CMAP_TRACK_MODIFY,
		see_reload, NULL, &tracker);
	cmap_fd_get(ctl->config, &watched->fds[0].fd);
	watched->has_stats = ctl_try(ctl, CTL_STATS) && cmap_track_add(ctl->stats, "stats.ipcs.",
								CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_PREFIX,
								see_client, NULL, &tracker) == CS_OK;
	if (watched->has_stats)
		cmap_track_add(ctl->stats, "stats.coterie.eviction.",
			CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_PREFIX, see_eviction, NULL, &tracker);
	if (watched->has_stats)
		cmap_fd_get(ctl->stats, &watched->fds[1].fd);
	watched->has_quorum = quorum_model_initialize(&watched->quorum, QUORUM_MODEL_V1, (quorum_model_data_t *)&model,
				      &type, NULL) == CS_OK;
	if (watched->has_quorum && quorum_trackstart(watched->quorum, CS_TRACK_CHANGES) == CS_OK)
		quorum_fd_get(watched->quorum, &watched->fds[2].fd);
}

/*
 * Say why a connection has ended. A daemon that stops ends one service after the other, so first it gets the time to
 * stop.
 */
static int fail_ended(struct ctl *ctl, enum ctl_service service)
{
	poll(NULL, 0, END_MS);
	ctl_close(ctl);
	int code = ctl_open(ctl, service);

	if (code == CTL_NOT_LOADED)
		return code;
	if (code == 0)
		return ctl_fail_cs(ctl, "watch", CS_ERR_LIBRARY);
	return ctl_fail(
		ctl, CTL_NOT_RUNNING, "systemctl status coterie; journalctl -u coterie -n 50", "the daemon has gone");
}

int watch_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	struct watched watched;
	enum ctl_service ended = CTL_CONFIG;
	cs_error_t error = CS_OK;
	int heartbeat_ms = 60000;

	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "watch takes no '%s'", argv[0]);
	answer_limit(ctl, command);
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	start(ctl, &watched);
	alarm(0);
	while (error == CS_OK && !ferror(stdout)) {
		int ready = poll(watched.fds, 3, heartbeat_ms);

		if (ready < 0 && errno != EINTR)
			break;
		if (ready == 0)
			tell("heartbeat", json_object_new_object());
		ended = CTL_CONFIG;
		error = cmap_dispatch(ctl->config, CS_DISPATCH_ALL);
		if (error == CS_OK && watched.has_stats)
			error = cmap_dispatch(ctl->stats, CS_DISPATCH_ALL);
		if (error == CS_OK && watched.has_quorum) {
			ended = CTL_QUORUM;
			error = quorum_dispatch(watched.quorum, CS_DISPATCH_ALL);
		}
	}
	if (watched.has_quorum)
		quorum_finalize(watched.quorum);
	if (ferror(stdout))
		return CTL_FAILED; /* main reports the lost output */
	return fail_ended(ctl, ended);
}
