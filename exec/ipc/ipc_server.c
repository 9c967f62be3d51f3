/* SPDX-License-Identifier: BSD-3-Clause */
/* The servers, one per service with clients, and how a connection begins and ends (see struct coterie_client). */
#include "exec/ipc/ipc_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/holder.h"
#include "common/utf8.h"
#include "config/model.h"
#include "exec/plugin/plugin_watch.h"

/* The protocol makes file names of the service's name: "qb-response-NAME-header". */
#define NAME_LENGTH_MAX 60
/* Longer than a ring with default timers needs to form. The request can be answered when the ring has formed. */
#define QUESTION_NS UINT64_C(10000000000)
#define TURN_NS UINT64_C(1000000) /* clients are disconnected for this long in one turn of the loop */

/* --- the end of a connection --- */

/* End a client. Runs once, whichever side has ended the connection. */
static void client_end(struct coterie_client *client)
{
	struct plugin *plugin = client->server->plugin;

	(void)ipc_channel_last(client);
	ipc_request_last(client);
	ipc_stats_go(client);
	ipc_channel_close(client);
	client->is_closed = true;
	client->server->ipc->active--;
	client->server->ipc->closed++;
	ipc_backlog_drop(client);
	ipc_reply_left(client);
	if (client->is_joined && plugin->service.client_leave != NULL)
		PLUGIN_MARKED(plugin, "client_leave", plugin->service.client_leave(plugin->self, client));
	client->is_joined = false;
}

/* --- connections: handlers of exec/qb --- */

static void server_release(struct ipc_server *server)
{
	if (--server->references == 0)
		free(server);
}

/* The name between the first '(' and the last ')' of /proc/PID/stat, cut to 31 bytes. */
static void find_process(struct coterie_client *client)
{
	char path[32], text[256];

	snprintf(path, sizeof(path), "/proc/%u/stat", client->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return;
	text[size] = '\0';
	char *start = strchr(text, '('), *end = strrchr(text, ')');
	if (start == NULL || end == NULL || end <= start)
		return;
	*end = '\0';
	snprintf(client->process, sizeof(client->process), "%.31s", start + 1);
	utf8_make_printable(client->process, '?'); /* the client has chosen the name, and it is logged */
}

/* @return a client of the server, or NULL: out of memory */
static struct coterie_client *client_create(struct ipc_server *server, const struct qbs_peer *peer, uint32_t right)
{
	struct coterie_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->data = calloc(1, server->plugin->service.client_size + 1);
	if (client->data == NULL) {
		free(client);
		return NULL;
	}
	client->id = ++server->ipc->last_id;
	client->server = server;
	client->pid = (uint32_t)peer->pid;
	client->uid = peer->uid;
	client->gid = peer->gid;
	client->right = right;
	client->backlog_last = &client->backlog;
	client->next = server->clients;
	if (client->next != NULL)
		client->next->previous = client;
	server->clients = client;
	server->references++;
	return client;
}

static int on_accept(void *arg, struct qbs_connection *connection, const struct qbs_peer *peer, void **context)
{
	struct ipc_server *server = arg;
	struct ipc *ipc = server->ipc;
	uint32_t right = 0;
	int rc = ipc_access(ipc, peer, &right);

	if (rc == 0)
		rc = ipc_access_share(ipc, peer->uid, right);
	if (rc < 0)
		return rc;
	struct coterie_client *client = client_create(server, peer, right);
	if (client == NULL)
		return -ENOMEM;
	client->connection = connection;
	client->size_max = qbs_size_max(connection);
	*context = client;
	return 0;
}

static void on_created(void *context)
{
	struct coterie_client *client = context;
	struct ipc_server *server = client->server;
	struct plugin *plugin = server->plugin;

	find_process(client);
	server->ipc->active++;
	if (plugin->service.client_join != NULL) {
		int rc;

		PLUGIN_MARKED(plugin, "client_join", rc = plugin->service.client_join(plugin->self, client));

		if (rc < 0) {
			log_line("MAIN", LOG_DEBUG, "Service %s refused process %u (%s): %s", server->name, client->pid,
				client->process, strerror(-rc));
			ipc_client_disconnect(client);
			return;
		}
	}
	client->is_joined = true;
	ipc_stats_come(client);
}

static int on_request(void *context, const void *msg, uint32_t size) { return ipc_request_process(context, msg, size); }

static void on_ready(void *context)
{
	struct coterie_client *client = context;

	if (!client->is_closed)
		ipc_client_flush(client);
}

static bool on_hung_up(void *context) { return ipc_channel_last(context); }

static void on_closed(void *context)
{
	struct coterie_client *client = context;

	assert(!client->is_in_handler);
	if (qbs_is_broken(client->connection))
		log_limited(&client->server->limit, loop_now_ns(client->server->ipc->parts.loop), "MAIN", LOG_WARNING,
			"Disconnecting process %u (%s) from %s: it has damaged the memory that it shares with us",
			client->pid, client->process, client->server->name);
	client_end(client);
}

static void on_destroyed(void *context)
{
	struct coterie_client *client = context;
	struct ipc_server *server = client->server;

	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		server->clients = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	free(client->data);
	free(client);
	server_release(server);
}

/* --- clients without a connection: calls of plugins --- */

static void disconnect(struct coterie_client *client)
{
	if (client->connection != NULL) {
		qbs_disconnect(client->connection);
		return;
	}
	client_end(client);
	client->far_end->end(client);
	on_destroyed(client);
}

int ipc_server_join(struct ipc_server *server, const struct ipc_far_end *far_end, struct coterie_call *call,
	struct coterie_client **out)
{
	const struct qbs_peer peer = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
	struct plugin *plugin = server->plugin;
	struct coterie_client *client = client_create(server, &peer, COTERIE_RIGHT_ADMINISTER);

	if (client == NULL)
		return -ENOMEM;
	client->far_end = far_end;
	client->call = call;
	client->size_max = IPC_SIZE_MAX;
	server->ipc->active++;
	int rc = 0;

	if (plugin->service.client_join != NULL)
		PLUGIN_MARKED(plugin, "client_join", rc = plugin->service.client_join(plugin->self, client));
	client->is_joined = rc >= 0;
	*out = client;
	if (rc >= 0)
		return 0;
	client->call = NULL;
	*out = NULL;
	ipc_client_disconnect(client);
	return rc;
}

/* --- what must wait until no handler runs --- */

static struct coterie_client *find_leaving(const struct ipc *ipc)
{
	for (struct ipc_server *server = ipc->servers; server != NULL; server = server->next) {
		for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
			if (client->is_leaving && !client->is_closed)
				return client;
		}
	}
	return NULL;
}

static void on_turn(void *arg)
{
	struct ipc *ipc = arg;
	uint64_t end_ns = loop_now_ns(ipc->parts.loop) + TURN_NS;
	struct coterie_client *client;

	ipc->turn_timer = NULL;
	ipc->drain_room = IPC_DRAIN_SIZE;
	/* The end of a client takes a tenth of a millisecond, and one message can end a hundred clients. */
	do {
		client = find_leaving(ipc);
		if (client != NULL)
			disconnect(client);
	} while (client != NULL && loop_now_ns(ipc->parts.loop) < end_ns);
	if (client != NULL)
		ipc_turn_later(ipc);
	ipc_requests_resume(ipc);
	ipc_hold_tell(ipc);
	ipc_gate_check_later(ipc);
}

/* --- all servers --- */

struct ipc *ipc_create(const struct ipc_parts *parts)
{
	struct ipc *ipc = calloc(1, sizeof(*ipc));

	if (ipc == NULL)
		return NULL;
	ipc->parts = *parts;
	ipc->turn = on_turn;
	ipc->resume = ipc_requests_resume;
	ipc->level = IPC_LEVEL_GOOD;
	ipc->is_quorate = *parts->is_quorate;
	ipc->question_ns = QUESTION_NS;
	ipc->kept_last = &ipc->kept;
	ipc->lagging_last = &ipc->lagging;
	ipc->backlog_size_max = IPC_BACKLOG_ALL;
	ipc->hold_size = IPC_HOLD_SIZE;
	ipc->drain_room = IPC_DRAIN_SIZE;
	ipc_fan_renew(ipc);
	ipc_poll_init(ipc);
	ipc->host = qbs_host_create(&ipc->loop);
	if (ipc->host == NULL || ipc_stats_init(ipc) < 0) {
		ipc_stats_fini(ipc);
		qbs_host_destroy(ipc->host);
		free(ipc);
		return NULL;
	}
	return ipc;
}

void ipc_destroy(struct ipc *ipc)
{
	if (ipc == NULL)
		return;
	assert(ipc->servers == NULL);
	struct loop *loop = ipc->parts.loop;
	loop_timer_del(loop, ipc->turn_timer);
	loop_timer_del(loop, ipc->rate_timer);
	loop_timer_del(loop, ipc->flush_timer);
	loop_timer_del(loop, ipc->gate_timer);
	loop_timer_del(loop, ipc->pull_timer);
	loop_timer_del(loop, ipc->doorbell_timer);
	ipc_channels_free(ipc);
	ipc_backlog_fini(ipc);
	qbs_host_destroy(ipc->host);
	ipc_stats_fini(ipc);
	ipc_fan_fini(ipc);
	free(ipc);
}

void ipc_attach(struct ipc *ipc, struct ring *ring) { ipc->ring = ring; }

void ipc_ready(struct ipc *ipc) { ipc->is_ready = true; }

/* --- a single server --- */

static int server_name(const char *instance, const char *name, char *text, size_t size)
{
	int length = instance != NULL && instance[0] != '\0' ? snprintf(text, size, "%s-%s", name, instance)
							     : snprintf(text, size, "%s", name);

	return length < 0 || length > NAME_LENGTH_MAX ? -ENAMETOOLONG : 0;
}

bool ipc_needs_quorum(const struct coterie_service *service)
{
	for (uint32_t i = 0; i < service->request_count; i++) {
		const struct coterie_request *request = (const void *)((const char *)service->requests +
								       (size_t)service->request_size * i);

		if ((request->flags & COTERIE_NEEDS_QUORUM) == 0)
			return false;
	}
	return true;
}

int ipc_server_open(struct ipc *ipc, struct plugin *plugin)
{
	static const struct qbs_handlers handlers = {
		.accept = on_accept,
		.created = on_created,
		.request = on_request,
		.ready = on_ready,
		.hung_up = on_hung_up,
		.closed = on_closed,
		.destroyed = on_destroyed,
	};
	const struct coterie_service *service = &plugin->service;
	const struct config *config = ipc->parts.config != NULL ? *ipc->parts.config : NULL;

	if (service->ipc_name == NULL || service->request_count == 0)
		return 0;
	struct ipc_server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		return -ENOMEM;
	server->ipc = ipc;
	server->plugin = plugin;
	server->references = 1;
	server->needs_quorum = ipc_needs_quorum(service);
	int rc = server_name(ipc->parts.instance, service->ipc_name, server->name, sizeof(server->name));
	if (rc < 0)
		goto free_server;
	rc = qbs_server_open(&server->service, ipc->host, server->name,
		config != NULL ? (enum qbs_type)config->ipc_type : QBS_TYPE_NATIVE, &handlers, server);
	if (rc < 0)
		goto free_server;
	server->next = ipc->servers;
	ipc->servers = server;
	plugin->ipc = server;
	ipc_gate(ipc);
	ipc_gate_apply(server);
	return 0;
free_server:
	free(server);
	return rc;
}

void ipc_server_error(const struct ipc *ipc, const struct plugin *plugin, int rc, char *text, size_t size)
{
	char name[NAME_LENGTH_MAX + 1], holder[64] = "";

	if (rc == -EADDRINUSE && server_name(ipc->parts.instance, plugin->service.ipc_name, name, sizeof(name)) == 0)
		holder_describe(name, holder, sizeof(holder));
	snprintf(text, size, "%s%s%s", strerror(-rc), holder[0] != '\0' ? ": it is held by " : "", holder);
}

void ipc_server_close(struct ipc_server *server)
{
	if (server == NULL)
		return;
	struct ipc *ipc = server->ipc;
	struct ipc_server **place = &ipc->servers;

	struct coterie_client *next;

	for (struct coterie_client *client = server->clients; client != NULL; client = next) {
		next = client->next;
		if (client->connection == NULL)
			disconnect(client);
	}
	/* There is no later turn for the messages of its channels: read as many as the queue may hold. */
	ipc->drain_room = IPC_QUEUE_BYTES;
	qbs_server_close(server->service);
	server->service = NULL;
	while (*place != server)
		place = &(*place)->next;
	*place = server->next;
	server->plugin->ipc = NULL;
	server_release(server);
}
