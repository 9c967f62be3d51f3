/*
 * libqb's server side of IPC, as far as exec/ipc_*.c asks for it, without sockets and shared memory: the
 * other end of a connection is a struct testkit_client. Names and contracts are those of <qb/qbipcs.h>.
 *
 * Life of a connection: 1 the listening descriptor of the service is ready: accept, set up, created;
 * 2 its descriptor is ready while requests wait; 3 the client hangs up, behind its last requests, or the
 * service or node ends it: closed; 4 the last reference goes: destroyed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qb/qbipcs.h>

#include "exec/loop.h"
#include "exec/plugin.h"
#include "testkit/kit.h"

#define SIZE_MAX_OF_ALL 1048576

/* How many requests libqb takes at one wake-up, by rate. */
#define TAKE_FAST 10
#define TAKE_NORMAL 5

struct request {
	struct request *next;
	uint32_t size;
	uint8_t bytes[] __attribute__((aligned(8)));
};

struct qb_ipcs_connection {
	struct qb_ipcs_service *service;
	struct testkit_client *client; /* NULL: it has gone */
	void *context;
	uint32_t references;
	int fd;
	bool is_set_up, is_closed, has_hung_up;
	struct request *first, **last;
	struct qb_ipcs_connection *next;
};

struct qb_ipcs_service {
	struct qb_ipcs_service *next;
	struct kit_node *node;
	char name[64];
	struct qb_ipcs_service_handlers handlers;
	struct qb_ipcs_poll_handlers poll;
	void *context;
	enum qb_ipcs_rate_limit rate;
	int fd;
	bool is_destroyed;             /* freed with its last connection */
	struct testkit_client *caller; /* who waits to be accepted */
	int32_t verdict;               /* of accept */
	struct qb_ipcs_connection *connections;
};

static struct loop *loop_of(const struct qb_ipcs_service *service) { return service->node->executive.loop; }

/* --- a connection --- */

static void set_ready(struct qb_ipcs_connection *connection)
{
	uint32_t revents = connection->first != NULL ? POLLIN : connection->has_hung_up ? POLLHUP : 0;

	/* A request that is not read while the service is stopped does not hide the end. */
	if (connection->has_hung_up && connection->service->rate >= QB_IPCS_RATE_OFF)
		revents |= POLLHUP;
	kit_loop_fd_ready(loop_of(connection->service), connection->fd, revents);
}

void kit_connection_request(struct qb_ipcs_connection *connection, const void *msg, uint32_t size)
{
	struct request *request = kit_alloc(sizeof(*request) + size);

	request->size = size;
	memcpy(request->bytes, msg, size);
	*connection->last = request;
	connection->last = &request->next;
	set_ready(connection);
}

void kit_connection_hang_up(struct qb_ipcs_connection *connection)
{
	connection->client = NULL;
	connection->has_hung_up = true;
	set_ready(connection);
}

static void drop_requests(struct qb_ipcs_connection *connection)
{
	while (connection->first != NULL) {
		struct request *request = connection->first;

		connection->first = request->next;
		free(request);
	}
	connection->last = &connection->first;
}

void qb_ipcs_connection_ref(qb_ipcs_connection_t *connection) { connection->references++; }

void qb_ipcs_connection_unref(qb_ipcs_connection_t *connection)
{
	struct qb_ipcs_service *service = connection->service;
	struct qb_ipcs_connection **place = &service->connections;

	if (--connection->references > 0)
		return;
	service->handlers.connection_destroyed(connection);
	while (*place != connection)
		place = &(*place)->next;
	*place = connection->next;
	drop_requests(connection);
	free(connection);
	if (service->is_destroyed && service->connections == NULL)
		free(service);
}

void qb_ipcs_disconnect(qb_ipcs_connection_t *connection)
{
	if (connection->is_closed)
		return;
	connection->is_closed = true;
	if (connection->is_set_up)
		connection->service->poll.dispatch_del(connection->fd);
	if (connection->client != NULL)
		client_ended(connection->client);
	connection->client = NULL;
	connection->service->handlers.connection_closed(connection);
	qb_ipcs_connection_unref(connection);
}

/* Does this request want no answer? */
static bool is_silent(const struct qb_ipcs_service *service, const struct request *request)
{
	const struct plugin *plugin = plugin_first(service->node->executive.plugins);
	int32_t id;

	memcpy(&id, request->bytes, sizeof(id));
	for (; plugin != NULL; plugin = plugin->next) {
		if (plugin->service.ipc_name == NULL || strcmp(plugin->service.ipc_name, service->name) != 0)
			continue;
		const struct coterie_request *found = plugin_request(plugin, id);
		return found != NULL && (found->flags & COTERIE_NO_REPLY) != 0;
	}
	return false;
}

static uint32_t take_at_once(const struct qb_ipcs_connection *connection)
{
	if (connection->has_hung_up)
		return UINT32_MAX;
	switch (connection->service->rate) {
	case QB_IPCS_RATE_FAST:
		return TAKE_FAST;
	case QB_IPCS_RATE_NORMAL:
		return TAKE_NORMAL;
	case QB_IPCS_RATE_SLOW:
		return 1;
	case QB_IPCS_RATE_OFF:
	case QB_IPCS_RATE_OFF_2:
		return 0;
	}
	return 0;
}

static int32_t on_ready(int32_t fd, int32_t revents, void *data)
{
	struct qb_ipcs_connection *connection = data;
	struct qb_ipcs_service *service = connection->service;
	uint32_t left = take_at_once(connection);

	(void)fd;
	qb_ipcs_connection_ref(connection);
	while (!connection->is_closed && connection->first != NULL && left-- > 0 &&
		service->rate < QB_IPCS_RATE_OFF) {
		struct request *request = connection->first;

		connection->first = request->next;
		if (connection->first == NULL)
			connection->last = &connection->first;
		if (connection->client != NULL && is_silent(service, request))
			client_was_read(connection->client);
		int32_t rc = service->handlers.msg_process(connection, request->bytes, request->size);
		free(request);
		if (rc < 0)
			break;
	}
	if (!connection->is_closed && ((uint32_t)revents & POLLHUP) != 0)
		qb_ipcs_disconnect(connection);
	if (!connection->is_closed)
		set_ready(connection);
	qb_ipcs_connection_unref(connection);
	return 0;
}

/* --- accepting --- */

static int32_t on_caller(int32_t fd, int32_t revents, void *data)
{
	struct qb_ipcs_service *service = data;
	struct qb_ipcs_connection *connection = kit_alloc(sizeof(*connection));

	(void)fd, (void)revents;
	connection->service = service;
	connection->client = service->caller;
	connection->references = 1;
	connection->last = &connection->first;
	service->caller = NULL;
	kit_loop_fd_ready(loop_of(service), service->fd, 0);
	service->verdict = service->handlers.connection_accept(connection, geteuid(), getegid());
	if (service->verdict < 0) {
		free(connection); /* never accepted: its handlers do not hear of it */
		return 0;
	}
	connection->next = service->connections;
	service->connections = connection;
	connection->fd = kit_loop_fd_number(loop_of(service));
	connection->is_set_up = true;
	service->poll.dispatch_add(QB_LOOP_MED, connection->fd, POLLIN, connection, on_ready);
	client_accepted(connection->client, connection);
	service->handlers.connection_created(connection);
	return 0;
}

int kit_connect(struct kit_node *node, const char *name, struct testkit_client *client)
{
	struct qb_ipcs_service *service = node->services;

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

qb_ipcs_service_t *qb_ipcs_create(const char *name, int32_t service_id, enum qb_ipc_type type,
	struct qb_ipcs_service_handlers *handlers)
{
	struct qb_ipcs_service *service = kit_alloc(sizeof(*service));

	(void)service_id, (void)type;
	service->handlers = *handlers;
	service->fd = -1;
	service->rate = QB_IPCS_RATE_NORMAL;
	snprintf(service->name, sizeof(service->name), "%s", name);
	return service;
}

void qb_ipcs_service_context_set(qb_ipcs_service_t *service, void *context) { service->context = context; }

void qb_ipcs_poll_handlers_set(qb_ipcs_service_t *service, struct qb_ipcs_poll_handlers *handlers)
{
	service->poll = *handlers;
}

int32_t qb_ipcs_run(qb_ipcs_service_t *service)
{
	struct kit_node *node = kit_log_node(NULL); /* whose code this is */

	kit_log_node(node);
	service->node = node;
	service->fd = kit_loop_fd_number(loop_of(service));
	service->next = node->services;
	node->services = service;
	return service->poll.dispatch_add(QB_LOOP_MED, service->fd, POLLIN, service, on_caller);
}

void qb_ipcs_destroy(qb_ipcs_service_t *service)
{
	struct qb_ipcs_service **place = &service->node->services;
	struct qb_ipcs_connection *connection = service->connections;

	service->poll.dispatch_del(service->fd);
	while (connection != NULL) {
		qb_ipcs_connection_ref(connection);
		qb_ipcs_disconnect(connection);
		struct qb_ipcs_connection *next = connection->next;
		qb_ipcs_connection_unref(connection);
		connection = next;
	}
	while (*place != service)
		place = &(*place)->next;
	*place = service->next;
	service->is_destroyed = true;
	if (service->connections == NULL)
		free(service);
}

void qb_ipcs_request_rate_limit(qb_ipcs_service_t *service, enum qb_ipcs_rate_limit rate)
{
	service->rate = rate;
	if (service->node == NULL)
		return;
	for (struct qb_ipcs_connection *at = service->connections; at != NULL; at = at->next)
		if (!at->is_closed)
			set_ready(at);
}

/* --- what the executive asks of a connection --- */

void qb_ipcs_context_set(qb_ipcs_connection_t *connection, void *context) { connection->context = context; }

void *qb_ipcs_context_get(qb_ipcs_connection_t *connection) { return connection->context; }

void *qb_ipcs_connection_service_context_get(qb_ipcs_connection_t *connection)
{
	return connection->service->context;
}

int32_t qb_ipcs_connection_get_buffer_size(qb_ipcs_connection_t *connection)
{
	(void)connection;
	return SIZE_MAX_OF_ALL;
}

int32_t qb_ipcs_connection_stats_get(qb_ipcs_connection_t *connection,
	struct qb_ipcs_connection_stats *stats, int32_t clear_after_read)
{
	(void)connection, (void)clear_after_read;
	*stats = (struct qb_ipcs_connection_stats){.client_pid = getpid()};
	return 0;
}

static ssize_t send_parts(struct qb_ipcs_connection *connection, bool is_event, const struct iovec *iov,
	size_t count)
{
	size_t size = 0;

	if (connection->is_closed || connection->client == NULL)
		return -ENOTCONN;
	for (size_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (is_event && client_is_full(connection->client))
		return -EAGAIN;
	if (kit_effect(connection->service->node))
		client_take(connection->client, is_event, iov, count);
	return (ssize_t)size;
}

ssize_t qb_ipcs_response_sendv(qb_ipcs_connection_t *connection, const struct iovec *iov, size_t count)
{
	return send_parts(connection, false, iov, count);
}

ssize_t qb_ipcs_event_sendv(qb_ipcs_connection_t *connection, const struct iovec *iov, size_t count)
{
	return send_parts(connection, true, iov, count);
}

ssize_t qb_ipcs_event_send(qb_ipcs_connection_t *connection, const void *data, size_t size)
{
	return send_parts(
		connection, true, &(struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size}, 1);
}
