/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server half of IPC (exec/qb/qb.h), without sockets and shared memory: the other end of a connection is a struct
 * testkit_client.
 *
 * Life of a connection: 1 the listening descriptor of the service is ready: the handlers accept and created are called.
 * 2 The descriptor of the connection is ready while requests wait. 3 The client hangs up behind its last requests, or
 * the service or node ends the connection: closed is called. 4 When no callback of the connection runs any more,
 * destroyed is called.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coterie/channel.h>

#include "exec/ipc/ipc_private.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/qb/qb.h"
#include "testkit/kit.h"

/* How many requests are read at one wake-up of the loop, by rate. */
#define TAKE_FAST 10
#define TAKE_NORMAL 5

struct request {
	struct request *next;
	uint32_t size;
	uint8_t bytes[] __attribute__((aligned(8)));
};

struct qbs_host {
	const struct qbs_loop *loop;
};

struct qbs_connection {
	struct qbs_server *service;
	struct testkit_client *client; /* NULL: the client has disconnected */
	void *context;
	uint32_t busy; /* number of callbacks that are running */
	int fd;
	bool is_closed, is_paused, has_hung_up;
	struct request *first, **last;
	struct qbs_stats stats;
	struct qbs_connection *next;
};

struct qbs_server {
	struct qbs_server *next;
	struct qbs_host *host;
	struct kit_node *node;
	char name[64];
	const struct qbs_handlers *handlers;
	void *arg;
	enum qbs_rate rate;
	int fd;
	bool is_closed;                /* the struct is freed together with its last connection */
	struct testkit_client *caller; /* a client that waits to be accepted */
	int verdict;                   /* result of the handler accept */
	struct qbs_connection *connections;
};

static struct loop *loop_of(const struct qbs_server *service) { return service->node->executive.loop; }

/* --- a connection --- */

static void set_ready(struct qbs_connection *connection)
{
	uint32_t revents = connection->first != NULL ? POLLIN : connection->has_hung_up ? POLLHUP : 0;

	/* A request that is not read, because the service is stopped, must not hide the end of the connection. */
	if (connection->has_hung_up && connection->service->rate >= QBS_RATE_OFF)
		revents |= POLLHUP;
	kit_loop_fd_ready(loop_of(connection->service), connection->fd, revents);
}

void kit_connection_request(struct qbs_connection *connection, const void *msg, uint32_t size)
{
	struct request *request = kit_alloc(sizeof(*request) + size);

	request->size = size;
	memcpy(request->bytes, msg, size);
	*connection->last = request;
	connection->last = &request->next;
	set_ready(connection);
}

void kit_connection_hang_up(struct qbs_connection *connection)
{
	connection->client = NULL;
	connection->has_hung_up = true;
	set_ready(connection);
}

bool kit_connection_is_behind(const struct qbs_connection *connection)
{
	const struct coterie_client *client = connection->context;

	return client->backlog != NULL;
}

static void drop_requests(struct qbs_connection *connection)
{
	while (connection->first != NULL) {
		struct request *request = connection->first;

		connection->first = request->next;
		free(request);
	}
	connection->last = &connection->first;
}

static void destroy(struct qbs_connection *connection)
{
	struct qbs_server *service = connection->service;
	struct qbs_connection **place = &service->connections;

	service->handlers->destroyed(connection->context);
	while (*place != connection)
		place = &(*place)->next;
	*place = connection->next;
	drop_requests(connection);
	free(connection);
	if (service->is_closed && service->connections == NULL)
		free(service);
}

static void leave(struct qbs_connection *connection)
{
	if (--connection->busy == 0 && connection->is_closed)
		destroy(connection);
}

void qbs_disconnect(struct qbs_connection *connection)
{
	if (connection->is_closed)
		return;
	connection->is_closed = true;
	connection->busy++;
	loop_fd_del(loop_of(connection->service), connection->fd);
	if (connection->client != NULL)
		client_ended(connection->client);
	connection->client = NULL;
	connection->service->handlers->closed(connection->context);
	leave(connection);
}

void qbs_pause(struct qbs_connection *connection, bool is_paused)
{
	connection->is_paused = is_paused;
	if (!connection->is_closed)
		(void)loop_fd_mod(loop_of(connection->service), connection->fd, is_paused ? 0 : POLLIN);
}

/* Do nothing: clients of the kit have no word for flow control. */
void qbs_hold(struct qbs_connection *connection, bool is_held) { (void)connection, (void)is_held; }

/* Return whether this request has no answer. */
static bool is_silent(const struct qbs_server *service, const struct request *request)
{
	const struct plugin *plugin = plugin_first(service->node->executive.plugins);
	int32_t id;

	memcpy(&id, request->bytes, sizeof(id));
	if (id == COTERIE_CHANNEL_DOORBELL)
		return true;
	for (; plugin != NULL; plugin = plugin->next) {
		if (plugin->service.ipc_name == NULL || strcmp(plugin->service.ipc_name, service->name) != 0)
			continue;
		const struct coterie_request *found = plugin_table_request(plugin, id);
		return found != NULL && (found->flags & COTERIE_NO_REPLY) != 0;
	}
	return false;
}

static uint32_t take_at_once(const struct qbs_connection *connection)
{
	if (connection->has_hung_up)
		return UINT32_MAX;
	switch (connection->service->rate) {
	case QBS_RATE_FAST:
		return TAKE_FAST;
	case QBS_RATE_NORMAL:
		return TAKE_NORMAL;
	case QBS_RATE_SLOW:
		return 1;
	case QBS_RATE_OFF:
	case QBS_RATE_OFF_2:
		return 0;
	}
	return 0;
}

static void on_ready(void *arg, int fd, uint32_t revents)
{
	struct qbs_connection *connection = arg;
	struct qbs_server *service = connection->service;
	uint32_t left = take_at_once(connection);

	(void)fd;
	connection->busy++;
	while (!connection->is_closed && !connection->is_paused && connection->first != NULL && left-- > 0 &&
		service->rate < QBS_RATE_OFF) {
		struct request *request = connection->first;

		connection->first = request->next;
		if (connection->first == NULL)
			connection->last = &connection->first;
		if (connection->client != NULL && is_silent(service, request))
			client_was_read(connection->client);
		int rc = service->handlers->request(connection->context, request->bytes, request->size);
		free(request);
		if (rc < 0)
			break;
	}
	if (!connection->is_closed && (revents & POLLHUP) != 0)
		qbs_disconnect(connection);
	if (!connection->is_closed) {
		set_ready(connection);
		service->handlers->ready(connection->context);
	}
	leave(connection);
}

/* --- accepting --- */

static void on_caller(void *arg, int fd, uint32_t revents)
{
	struct qbs_server *service = arg;
	struct qbs_connection *connection = kit_alloc(sizeof(*connection));
	const struct qbs_peer peer = {
		.pid = getpid(), .uid = geteuid(), .gid = getegid(), .opener_uid = geteuid(), .opener_gid = getegid()};

	(void)fd, (void)revents;
	connection->service = service;
	connection->client = service->caller;
	connection->last = &connection->first;
	service->caller = NULL;
	kit_loop_fd_ready(loop_of(service), service->fd, 0);
	service->verdict = service->handlers->accept(service->arg, connection, &peer, &connection->context);
	if (service->verdict < 0) {
		free(connection); /* it was not accepted, so no handler is called for its end */
		return;
	}
	connection->next = service->connections;
	service->connections = connection;
	connection->fd = kit_loop_fd_number(loop_of(service));
	(void)loop_fd_add(loop_of(service), connection->fd, POLLIN, LOOP_URGENT, on_ready, connection);
	client_accepted(connection->client, connection);
	connection->busy++;
	service->handlers->created(connection->context);
	leave(connection);
}

int kit_connect(struct kit_node *node, const char *name, struct testkit_client *client)
{
	struct qbs_server *service = node->services;

	while (service != NULL && strcmp(service->name, name) != 0)
		service = service->next;
	if (service == NULL)
		return -ECONNREFUSED;
	struct kit_node *outer = kit_enter(node);
	service->caller = client;
	service->verdict = 0;
	kit_loop_fd_ready(loop_of(service), service->fd, POLLIN);
	kit_loop_serve(loop_of(service));
	int rc = service->verdict;
	kit_leave(node, outer);
	return rc;
}

/* --- services --- */

struct qbs_host *qbs_host_create(const struct qbs_loop *loop)
{
	struct qbs_host *host = kit_alloc(sizeof(*host));

	host->loop = loop;
	return host;
}

void qbs_host_destroy(struct qbs_host *host) { free(host); }

uint32_t qbs_host_handshakes(const struct qbs_host *host)
{
	(void)host;
	return 0;
}

int qbs_server_open(struct qbs_server **result, struct qbs_host *host, const char *name, enum qbs_type type,
	const struct qbs_handlers *handlers, void *arg)
{
	struct qbs_server *service = kit_alloc(sizeof(*service));
	struct kit_node *node = kit_log_node(NULL); /* the node whose code calls this function */

	(void)type;
	kit_log_node(node);
	service->host = host;
	service->node = node;
	service->handlers = handlers;
	service->arg = arg;
	service->rate = QBS_RATE_NORMAL;
	snprintf(service->name, sizeof(service->name), "%s", name);
	service->fd = kit_loop_fd_number(loop_of(service));
	service->next = node->services;
	node->services = service;
	*result = service;
	return loop_fd_add(loop_of(service), service->fd, POLLIN, LOOP_URGENT, on_caller, service);
}

static struct qbs_connection *first_open(const struct qbs_server *service)
{
	struct qbs_connection *connection = service->connections;

	while (connection != NULL && connection->is_closed)
		connection = connection->next;
	return connection;
}

void qbs_server_close(struct qbs_server *service)
{
	struct qbs_server **place = &service->node->services;
	struct qbs_connection *connection;

	loop_fd_del(loop_of(service), service->fd);
	while ((connection = first_open(service)) != NULL)
		qbs_disconnect(connection);
	while (*place != service)
		place = &(*place)->next;
	*place = service->next;
	service->is_closed = true;
	if (service->connections == NULL)
		free(service);
}

bool qbs_server_rate(struct qbs_server *service, enum qbs_rate rate)
{
	service->rate = rate;
	for (struct qbs_connection *at = service->connections; at != NULL; at = at->next)
		if (!at->is_closed)
			set_ready(at);
	return false;
}

bool qbs_server_rate_step(struct qbs_server *service)
{
	(void)service;
	return false;
}

/* --- sockets: only those of fast channels --- */

bool qbs_refuse_descriptors(int fd)
{
	(void)fd;
	return false;
}

void qbs_close(struct qbs_host *host, int fd)
{
	(void)host;
	close(fd);
}

/* --- questions of the executive about a connection --- */

bool qbs_is_broken(const struct qbs_connection *connection)
{
	(void)connection;
	return false;
}

uint32_t qbs_size_max(const struct qbs_connection *connection)
{
	(void)connection;
	return QBS_SIZE_MAX;
}

const struct qbs_stats *qbs_stats(const struct qbs_connection *connection) { return &connection->stats; }

void qbs_stats_clear(struct qbs_connection *connection) { (void)connection; }

static int send_parts(struct qbs_connection *connection, bool is_event, const struct iovec *iov, uint32_t count)
{
	if (connection->is_closed || connection->client == NULL)
		return -ENOTCONN;
	if (is_event && client_is_full(connection->client))
		return -EAGAIN;
	if (kit_effect(connection->service->node))
		client_take(connection->client, is_event, iov, count);
	return 0;
}

int qbs_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	return send_parts(connection, false, iov, count);
}

int qbs_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	return send_parts(connection, true, iov, count);
}
