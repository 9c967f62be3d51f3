/*
 * Descriptors of libqb on our loop. Three things libqb leaves open are closed here: a connection
 * that is stopped is not polled for input (it would spin the loop, spec 09 §3.3); a client that
 * writes a request without its wake-up byte cannot make the server wait for it; and peers that
 * connect and say nothing are few and for a short time only.
 */
#include "exec/ipc_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define HANDSHAKES_MAX 64
#define HANDSHAKE_NS (UINT64_C(10) * 1000000000u)

/*
 * Not an exception of convenience: libqb calls its poll handlers with a descriptor and, for some,
 * with an object of its own that we cannot trace back. Set before each call into libqb, read inside
 * of it.
 */
static _Thread_local struct ipc *current;

void ipc_enter(struct ipc *ipc) { current = ipc; }

static struct ipc_watch *find_watch(const struct ipc *ipc, int fd)
{
	return fd >= 0 && (size_t)fd < ipc->watch_count ? ipc->watches[fd] : NULL;
}

static struct loop *loop_of(const struct ipc *ipc) { return ipc->executive->loop; }

/* --- what is polled for --- */

static bool is_stopped(const struct coterie_client *client)
{
	return client->kept != NULL || client->is_leaving ||
	       client->server->rate >= QB_IPCS_RATE_OFF;
}

static uint32_t wanted_events(const struct ipc_watch *watch)
{
	uint32_t events = watch->events & ~(uint32_t)POLLNVAL;

	if (watch->client != NULL && is_stopped(watch->client))
		events &= ~(uint32_t)(POLLIN | POLLPRI);
	return events;
}

void ipc_client_listen(struct coterie_client *client)
{
	for (size_t i = 0; i < 2; i++) {
		if (client->watches[i] != NULL)
			loop_fd_mod(loop_of(client->server->ipc), client->watches[i]->fd,
				wanted_events(client->watches[i]));
	}
}

/* --- dispatch --- */

/*
 * libqb takes up to 50 requests at a wake-up and then waits, without limit, for as many bytes. So
 * it gets no more requests than there are bytes. None at all: end of file, which it handles without
 * waiting.
 */
static uint32_t count_bytes(const struct ipc_watch *watch)
{
	int bytes = 0;

	if (ioctl(watch->fd, FIONREAD, &bytes) < 0 || bytes <= 0)
		return UINT32_MAX;
	return (uint32_t)bytes;
}

static void remove_watch(struct ipc *ipc, int fd)
{
	struct ipc_watch *watch = find_watch(ipc, fd);

	if (watch == NULL)
		return;
	loop_fd_del(loop_of(ipc), fd);
	ipc->watches[fd] = NULL;
	if (watch->kind == IPC_WATCH_HANDSHAKE)
		ipc->handshakes--;
	for (size_t i = 0; watch->client != NULL && i < 2; i++) {
		if (watch->client->watches[i] == watch)
			watch->client->watches[i] = NULL;
	}
	free(watch);
}

/* Nothing of the watch may be used afterwards: libqb may have removed it. */
static void dispatch(struct ipc_watch *watch, uint32_t revents)
{
	struct ipc *ipc = watch->ipc;
	uint64_t serial = watch->serial;
	int fd = watch->fd;

	ipc_enter(ipc);
	int32_t rc = watch->dispatch(fd, (int32_t)revents, watch->data);
	watch = find_watch(ipc, fd);
	if (rc < 0 && watch != NULL && watch->serial == serial)
		remove_watch(ipc, fd);
}

void ipc_handshakes_end(struct ipc *ipc, const struct ipc_server *server)
{
	for (size_t fd = 0; fd < ipc->watch_count; fd++) {
		struct ipc_watch *watch = ipc->watches[fd];

		if (watch != NULL && watch->kind == IPC_WATCH_HANDSHAKE &&
			(server == NULL || watch->server == server))
			dispatch(watch, POLLHUP);
	}
}

static struct ipc_watch *oldest_handshake(const struct ipc *ipc)
{
	struct ipc_watch *oldest = NULL;

	for (size_t fd = 0; fd < ipc->watch_count; fd++) {
		struct ipc_watch *watch = ipc->watches[fd];

		if (watch != NULL && watch->kind == IPC_WATCH_HANDSHAKE &&
			(oldest == NULL || watch->serial < oldest->serial))
			oldest = watch;
	}
	return oldest;
}

/* Too many that say nothing, or too long: as if they had hung up, the oldest first. */
static void shed_handshakes(struct ipc *ipc)
{
	uint64_t now_ns = loop_now_ns(loop_of(ipc));
	struct ipc_watch *watch;

	while ((watch = oldest_handshake(ipc)) != NULL &&
		(ipc->handshakes > HANDSHAKES_MAX || now_ns - watch->since_ns > HANDSHAKE_NS))
		dispatch(watch, POLLHUP);
}

/*
 * The client has hung up, maybe right behind its last requests, and libqb would drop those: a program that
 * multicasts and exits has been told that its message is on its way. So they are taken first.
 */
static void take_last_requests(struct coterie_client *client, int fd)
{
	struct ipc *ipc = client->server->ipc;
	struct ipc_watch *watch;
	uint32_t bytes, before = UINT32_MAX;

	while ((watch = find_watch(ipc, fd)) != NULL && watch->client == client &&
		!is_stopped(client) && (bytes = count_bytes(watch)) < before) {
		before = bytes;
		client->allowance = bytes;
		dispatch(watch, POLLIN);
	}
}

static void on_client_ready(struct ipc_watch *watch, int fd, uint32_t revents)
{
	struct coterie_client *client = watch->client;
	struct ipc *ipc = watch->ipc;
	qb_ipcs_connection_t *connection = client->connection;

	qb_ipcs_connection_ref(connection); /* keeps client as well */
	if ((revents & POLLERR) != 0)
		revents |= POLLHUP; /* libqb looks at the hang-up only */
	if ((revents & POLLHUP) != 0)
		take_last_requests(client, fd);
	else
		client->allowance = count_bytes(watch);
	watch = find_watch(ipc, fd);
	if (watch != NULL && watch->client == client)
		dispatch(watch, revents);
	if (!client->is_closed)
		ipc_client_flush(client);
	qb_ipcs_connection_unref(connection);
}

static void on_ready(void *arg, int fd, uint32_t revents)
{
	struct ipc_watch *watch = arg;
	struct ipc *ipc = watch->ipc;

	switch (watch->kind) {
	case IPC_WATCH_LISTEN:
		ipc->listening = watch->server;
		dispatch(watch, revents);
		ipc->listening = NULL;
		shed_handshakes(ipc);
		break;
	case IPC_WATCH_HANDSHAKE:
		dispatch(watch, (revents & POLLERR) != 0 ? revents | POLLHUP : revents);
		break;
	case IPC_WATCH_CONNECTION:
		if (watch->client != NULL)
			on_client_ready(watch, fd, revents);
		break;
	}
}

/* --- libqb's poll handlers --- */

static int grow(struct ipc *ipc, int fd)
{
	size_t count = (size_t)fd + 16;

	if ((size_t)fd < ipc->watch_count)
		return 0;
	struct ipc_watch **watches = realloc(ipc->watches, count * sizeof(struct ipc_watch *));
	if (watches == NULL)
		return -ENOMEM;
	memset(watches + ipc->watch_count, 0,
		(count - ipc->watch_count) * sizeof(struct ipc_watch *));
	ipc->watches = watches;
	ipc->watch_count = count;
	return 0;
}

/* Whose it is follows from what libqb is doing at the moment: see struct ipc. */
static void assign(struct ipc *ipc, struct ipc_watch *watch)
{
	struct coterie_client *client = ipc->accepting;

	watch->kind = IPC_WATCH_HANDSHAKE;
	watch->server = ipc->listening;
	if (client != NULL && watch->data == client->connection) {
		watch->kind = IPC_WATCH_CONNECTION;
		watch->client = client;
		client->watches[client->watches[0] == NULL ? 0 : 1] = watch;
		return;
	}
	for (struct ipc_server *server = ipc->servers; server != NULL; server = server->next) {
		if (watch->data == server->service) {
			watch->kind = IPC_WATCH_LISTEN;
			watch->server = server;
			return;
		}
	}
	ipc->handshakes++;
}

static int32_t poll_add(enum qb_loop_priority priority, int32_t fd, int32_t events, void *data,
	qb_ipcs_dispatch_fn_t run)
{
	struct ipc *ipc = current;

	(void)priority; /* clients are all served alike; how many requests at once is libqb's part
			   of it */
	if (fd < 0 || grow(ipc, fd) < 0)
		return -ENOMEM;
	remove_watch(ipc, fd);
	struct ipc_watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return -ENOMEM;
	watch->ipc = ipc;
	watch->fd = fd;
	watch->events = (uint32_t)events;
	watch->dispatch = run;
	watch->data = data;
	watch->serial = ++ipc->serial;
	watch->since_ns = loop_now_ns(loop_of(ipc));
	assign(ipc, watch);
	ipc->watches[fd] = watch;
	int rc = loop_fd_add(loop_of(ipc), fd, wanted_events(watch), LOOP_URGENT, on_ready, watch);
	if (rc < 0)
		remove_watch(ipc, fd);
	return rc;
}

static int32_t poll_mod(enum qb_loop_priority priority, int32_t fd, int32_t events, void *data,
	qb_ipcs_dispatch_fn_t run)
{
	struct ipc_watch *watch = find_watch(current, fd);

	(void)priority;
	if (watch == NULL)
		return -ENOENT;
	watch->events = (uint32_t)events;
	watch->dispatch = run;
	watch->data = data;
	return loop_fd_mod(loop_of(current), fd, wanted_events(watch));
}

static int32_t poll_del(int32_t fd)
{
	remove_watch(current, fd);
	return 0;
}

/* Only for a connection_closed that asks to be called again, and ours never does. */
static int32_t job_add(enum qb_loop_priority priority, void *data, qb_loop_job_dispatch_fn run)
{
	(void)priority;
	return loop_defer(loop_of(current), run, data);
}

void ipc_poll_handlers(qb_ipcs_service_t *service)
{
	struct qb_ipcs_poll_handlers handlers = {
		.job_add = job_add,
		.dispatch_add = poll_add,
		.dispatch_mod = poll_mod,
		.dispatch_del = poll_del,
	};

	qb_ipcs_poll_handlers_set(service, &handlers);
}

void ipc_watches_fini(struct ipc *ipc)
{
	ipc_handshakes_end(ipc, NULL);
	for (size_t fd = 0; fd < ipc->watch_count; fd++)
		remove_watch(ipc, (int)fd);
	free(ipc->watches);
	ipc->watches = NULL;
	ipc->watch_count = 0;
}
