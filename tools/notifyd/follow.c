/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three connections to the daemon: to the map (members), to the statistics (clients, links), and to quorum. A link that
 * appears is tracked by its own tracker, since only trackers of single keys report that a statistic has changed.
 */
#include "tools/notifyd/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <corosync/cfg.h>

struct followed_link {
	struct followed_link *next;
	struct follow *follow;
	uint32_t nodeid, link;
	cmap_track_handle_t tracker;
};

/* --- members --- */

static void name_of(const struct follow *follow, const char *address, char name[NI_MAXHOST])
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found;

	snprintf(name, NI_MAXHOST, "%s", address);
	if (!follow->looks_names_up || getaddrinfo(address, NULL, &hints, &found) != 0)
		return;
	if (getnameinfo(found->ai_addr, found->ai_addrlen, name, NI_MAXHOST, NULL, 0, 0) != 0)
		snprintf(name, NI_MAXHOST, "%s", address);
	freeaddrinfo(found);
}

/* Copy the text of a notification, which may lack the NUL. */
static void text_of(const struct cmap_notify_value *value, char *text, size_t size)
{
	size_t length = 0;

	if (value->type == CMAP_VALUETYPE_STRING && value->data != NULL)
		length = strnlen(value->data, value->len < size ? value->len : size - 1);
	if (length > 0)
		memcpy(text, value->data, length);
	text[length] = '\0';
}

static void member_changed(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t change, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	struct follow *follow = arg;
	struct event event = {.kind = EVENT_MEMBER, .host = follow->host, .local_id = follow->local_id};
	char status[16], address[NI_MAXHOST] = "", name[NI_MAXHOST], ip_key[64];
	char *ip;

	(void)tracker, (void)change, (void)before;
	if (!parse_member(key, &event.nodeid))
		return;
	text_of(&now, status, sizeof(status));
	event.is_good = strcmp(status, "joined") == 0;
	if (!event.is_good && strcmp(status, "left") != 0)
		return;
	snprintf(ip_key, sizeof(ip_key), "runtime.members.%u.ip", event.nodeid);
	if (cmap_get_string(handle, ip_key, &ip) == CS_OK) {
		parse_address(ip, address);
		free(ip);
	}
	name_of(follow, address, name);
	event.name = name;
	event.address = address;
	follow->tell(follow->arg, &event);
}

/* --- clients --- */

static void client_changed(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t change, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	struct follow *follow = arg;
	char procname[64], client[128];
	struct event event = {.kind = EVENT_CLIENT,
		.is_good = change == CMAP_TRACK_ADD,
		.host = follow->host,
		.local_id = follow->local_id,
		.name = client};

	(void)handle, (void)tracker;
	/* Corosync sends the name in both values. Other daemons may send only the old value of a deleted key. */
	text_of(&now, procname, sizeof(procname));
	if (*procname == '\0')
		text_of(&before, procname, sizeof(procname));
	if (parse_client(key, procname, client, sizeof(client)))
		follow->tell(follow->arg, &event);
}

/* --- links --- */

static void link_changed(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t change, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	struct followed_link *link = arg;
	struct follow *follow = link->follow;
	struct event event = {.kind = EVENT_LINK,
		.host = follow->host,
		.local_id = follow->local_id,
		.nodeid = link->nodeid,
		.link = link->link};
	uint8_t is_up;

	(void)tracker, (void)change, (void)now, (void)before;
	if (cmap_get_uint8(handle, key, &is_up) != CS_OK)
		return;
	event.is_good = is_up != 0;
	follow->tell(follow->arg, &event);
}

static struct followed_link **find_link(struct follow *follow, uint32_t nodeid, uint32_t number)
{
	struct followed_link **place = &follow->first_link;

	while (*place != NULL && ((*place)->nodeid != nodeid || (*place)->link != number))
		place = &(*place)->next;
	return place;
}

static cs_error_t add_link(struct follow *follow, const char *key, uint32_t nodeid, uint32_t number)
{
	struct followed_link *link;
	cs_error_t error;

	if (*find_link(follow, nodeid, number) != NULL)
		return CS_OK;
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		return CS_ERR_NO_MEMORY;
	link->follow = follow;
	link->nodeid = nodeid;
	link->link = number;
	error = cmap_track_add(follow->stats, key, CMAP_TRACK_MODIFY, link_changed, link, &link->tracker);
	if (error != CS_OK) {
		free(link);
		return error;
	}
	link->next = follow->first_link;
	follow->first_link = link;
	return CS_OK;
}

static void remove_link(struct follow *follow, uint32_t nodeid, uint32_t number)
{
	struct followed_link **place = find_link(follow, nodeid, number), *link = *place;

	if (link == NULL)
		return;
	*place = link->next;
	cmap_track_delete(follow->stats, link->tracker);
	free(link);
}

static void link_comes_or_goes(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t change, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	struct follow *follow = arg;
	uint32_t nodeid, number;

	(void)handle, (void)tracker, (void)now, (void)before;
	if (!parse_link(key, &nodeid, &number))
		return;
	if (change == CMAP_TRACK_ADD)
		add_link(follow, key, nodeid, number);
	else if (change == CMAP_TRACK_DELETE)
		remove_link(follow, nodeid, number);
}

static cs_error_t add_links(struct follow *follow)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t walk;
	uint32_t nodeid, number;
	cs_error_t error = cmap_iter_init(follow->stats, "stats.knet.", &walk);

	if (error != CS_OK)
		return error;
	while (error == CS_OK && cmap_iter_next(follow->stats, walk, key, NULL, NULL) == CS_OK)
		if (parse_link(key, &nodeid, &number))
			error = add_link(follow, key, nodeid, number);
	cmap_iter_finalize(follow->stats, walk);
	return error;
}

/* --- quorum --- */

static void quorum_changed(
	quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t view_list_entries, uint32_t *view_list)
{
	const void *context = NULL;
	struct follow *follow;
	struct event event = {.kind = EVENT_QUORUM, .is_good = quorate != 0};

	(void)ring_seq, (void)view_list_entries, (void)view_list;
	if (quorum_context_get(handle, &context) != CS_OK)
		return;
	follow = (struct follow *)(uintptr_t)context;
	if (follow->is_quorate == event.is_good)
		return;
	follow->is_quorate = event.is_good;
	event.host = follow->host;
	event.local_id = follow->local_id;
	follow->tell(follow->arg, &event);
}

static cs_error_t open_quorum(struct follow *follow)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = quorum_changed};
	uint32_t type;
	cs_error_t error = quorum_initialize(&follow->quorum, &callbacks, &type);

	if (error != CS_OK)
		return error;
	error = quorum_context_set(follow->quorum, follow);
	if (error == CS_OK)
		error = quorum_trackstart(follow->quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES);
	return error;
}

/* --- begin and end --- */

static cs_error_t find_local_id(struct follow *follow)
{
	corosync_cfg_handle_t cfg;
	unsigned int nodeid;
	cs_error_t error = corosync_cfg_initialize(&cfg, NULL);

	if (error != CS_OK)
		return error;
	error = corosync_cfg_local_get(cfg, &nodeid);
	corosync_cfg_finalize(cfg);
	if (error == CS_OK)
		follow->local_id = nodeid;
	return error;
}

static cs_error_t track(struct follow *follow)
{
	const int32_t come_and_go = CMAP_TRACK_PREFIX | CMAP_TRACK_ADD | CMAP_TRACK_DELETE;
	cs_error_t error = cmap_track_add(follow->config, "runtime.members.",
		CMAP_TRACK_PREFIX | CMAP_TRACK_ADD | CMAP_TRACK_MODIFY, member_changed, follow, &follow->members);

	if (error == CS_OK)
		error = cmap_track_add(
			follow->stats, "stats.ipcs.", come_and_go, client_changed, follow, &follow->clients);
	if (error == CS_OK)
		error = cmap_track_add(
			follow->stats, "stats.knet.", come_and_go, link_comes_or_goes, follow, &follow->links);
	if (error == CS_OK)
		error = add_links(follow);
	return error;
}

cs_error_t follow_open(struct follow *follow, const char **what)
{
	cs_error_t error;

	if (gethostname(follow->host, sizeof(follow->host) - 1) < 0)
		strcpy(follow->host, "localhost");
	*what = "Failed to initialize the cmap API.";
	error = cmap_initialize_map(&follow->config, CMAP_MAP_ICMAP);
	if (error != CS_OK)
		return error;
	error = cmap_initialize_map(&follow->stats, CMAP_MAP_STATS);
	if (error == CS_OK) {
		*what = "Failed to track changes of the map.";
		error = track(follow);
	}
	if (error == CS_OK) {
		*what = "Failed to initialize the quorum API.";
		error = open_quorum(follow);
	}
	if (error == CS_OK) {
		*what = "Failed to get the node id from the cfg API.";
		error = find_local_id(follow);
	}
	return error;
}

/*
 * The order is members, quorum, clients. Quorum follows from the members. If several events wait, they are reported in
 * this order.
 */
cs_error_t follow_fds(struct follow *follow, struct pollfd fds[FOLLOW_FDS])
{
	cs_error_t error = cmap_fd_get(follow->config, &fds[0].fd);

	if (error == CS_OK)
		error = quorum_fd_get(follow->quorum, &fds[1].fd);
	if (error == CS_OK)
		error = cmap_fd_get(follow->stats, &fds[2].fd);
	for (unsigned int i = 0; i < FOLLOW_FDS; i++)
		fds[i].events = POLLIN;
	return error;
}

static bool is_passing(cs_error_t error)
{
	return error == CS_OK || error == CS_ERR_TRY_AGAIN || error == CS_ERR_TIMEOUT || error == CS_ERR_QUEUE_FULL;
}

cs_error_t follow_serve(struct follow *follow, const struct pollfd fds[FOLLOW_FDS])
{
	cs_error_t error = CS_OK;

	if (fds[0].revents != 0)
		error = cmap_dispatch(follow->config, CS_DISPATCH_ALL);
	if (is_passing(error) && fds[1].revents != 0)
		error = quorum_dispatch(follow->quorum, CS_DISPATCH_ALL);
	if (is_passing(error) && fds[2].revents != 0)
		error = cmap_dispatch(follow->stats, CS_DISPATCH_ALL);
	return is_passing(error) ? CS_OK : error;
}

void follow_close(struct follow *follow)
{
	while (follow->first_link != NULL) {
		struct followed_link *link = follow->first_link;

		follow->first_link = link->next;
		free(link);
	}
	/* Finalizing a handle that was not opened only returns an error. Trackers end with their handles. */
	quorum_finalize(follow->quorum);
	cmap_finalize(follow->stats);
	cmap_finalize(follow->config);
}
