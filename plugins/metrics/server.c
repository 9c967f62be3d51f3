/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP by libmicrohttpd without a thread of its own. The host's loop watches the library's epoll descriptor at a lower
 * priority than all its other work. The library's time-outs are timers of the host.
 *
 * A connection has these steps: 1. It is accepted, if its address is allowed. 2. One request is read, no larger than
 * the buffer. 3. The connection is suspended until the document is ready, at most for half of its time. 4. One response
 * is sent. 5. The server closes the connection. The time for all steps together is limited. The number of runs of the
 * library is limited as well, so that a flood of requests has a bounded cost.
 *
 * A stream of events is a response without an end. It is suspended while there is no event. For each event the client
 * has the whole time again to read it. At most half of the connections are streams.
 */
#include "plugins/metrics/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define BUFFER_SIZE 8192u /* bytes for a request with its headers, and for the headers of the response */
#define BACKLOG 16u
#define RUNS_MAX 400u /* runs of the library in a second. One scrape takes six */
#define STREAM_BLOCK 4096u
#define API "/api/v1/"

/* One connection. */
struct visitor {
	struct server *server;
	struct MHD_Connection *connection;
	int fd; /* -1: shut down, the library ends the connection */
	uint64_t end_ns;
	uint64_t since_ns; /* start of the wait for a document, or 0 */
	uint64_t wait_ns;  /* end of the wait for a document or an event */
	bool is_suspended;
	bool is_stream;
	struct events_reader reader;     /* position of a stream */
	struct visitor *next, *previous; /* list of all connections, the oldest first */
};

struct server {
	struct metrics *metrics; /* the plugin, which owns the server */
	struct MHD_Daemon *http;
	int epoll_fd; /* descriptor of the library; -1: not watched */
	struct coterie_timer *timer;
	struct visitor *first, *last;
	uint32_t streams;
	uint64_t second_ns; /* start of the second in which runs are counted */
	uint32_t runs;
	bool is_paused; /* the library does not run until the end of that second */
};

/* --- requests --- */

static bool wants(struct MHD_Connection *connection, const char *type)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept == NULL || strcasestr(accept, type) != NULL;
}

static void suspend(struct visitor *visitor)
{
	struct metrics *metrics = visitor->server->metrics;

	if (visitor->since_ns == 0) {
		visitor->since_ns = metrics->host->now_ns(metrics->ctx);
		visitor->wait_ns = visitor->since_ns + metrics->timeout_ns / 2;
	}
	visitor->is_suspended = true;
	MHD_suspend_connection(visitor->connection);
}

/* Resume a connection: the library calls handle or read_events again. */
static void resume(struct visitor *visitor)
{
	struct metrics *metrics = visitor->server->metrics;

	if (visitor->is_stream)
		visitor->end_ns = metrics->host->now_ns(metrics->ctx) + metrics->timeout_ns;
	visitor->is_suspended = false;
	MHD_resume_connection(visitor->connection);
}

static enum MHD_Result send_once(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response)
{
	if (response == NULL)
		return MHD_NO; /* the library closes the connection */
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_document(struct visitor *visitor, enum document document)
{
	struct metrics *metrics = visitor->server->metrics;
	bool is_last = visitor->since_ns != 0 && visitor->wait_ns <= metrics->host->now_ns(metrics->ctx);
	bool is_refused;
	unsigned int status;
	struct MHD_Response *page = page_get(metrics, document, visitor->since_ns, is_last, &status, &is_refused);

	if (page != NULL)
		return MHD_queue_response(visitor->connection, status, page);
	if (is_refused)
		return send_once(visitor->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			page_note("too busy, out of memory, or too many slow readers\n"));
	suspend(visitor);
	return MHD_YES;
}

/* Copy the next bytes of a stream. The library calls this when the socket has accepted all earlier bytes. */
static ssize_t read_events(void *arg, uint64_t position, char *bytes, size_t size_max)
{
	struct visitor *visitor = arg;
	struct metrics *metrics = visitor->server->metrics;
	uint64_t now_ns = metrics->host->now_ns(metrics->ctx);

	if (visitor->fd < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR; /* a suspended connection would not end */
	ssize_t size = events_read(metrics->events, &visitor->reader, now_ns, bytes, size_max);

	(void)position;
	if (size < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (size > 0) {
		visitor->end_ns = now_ns + metrics->timeout_ns;
		return size;
	}
	visitor->end_ns = UINT64_MAX;
	visitor->wait_ns = visitor->reader.beat_ns + EVENTS_BEAT_NS;
	visitor->is_suspended = true;
	MHD_suspend_connection(visitor->connection);
	return 0;
}

/* The library has no call to end a connection, but it closes a connection whose socket is shut down. */
static void end_visitor(struct visitor *visitor)
{
	shutdown(visitor->fd, SHUT_RDWR);
	visitor->fd = -1;
}

static void run_later(struct server *server);

/*
 * End the streams whose clients have left. The library does not look at a suspended connection, so a stream would keep
 * its place until the next event or beat. @return number of streams that go on
 */
static uint32_t live_streams(struct server *server)
{
	uint32_t live = 0;
	bool is_any = false;

	for (struct visitor *visitor = server->first; visitor != NULL; visitor = visitor->next) {
		char byte;

		if (!visitor->is_stream || visitor->fd < 0)
			continue;
		ssize_t got = visitor->is_suspended ? recv(visitor->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) : 1;

		if (got > 0 || (got < 0 && errno == EAGAIN)) {
			live++;
			continue;
		}
		end_visitor(visitor);
		resume(visitor);
		is_any = true;
	}
	if (is_any)
		run_later(server);
	return live;
}

static enum MHD_Result send_events(struct visitor *visitor)
{
	struct server *server = visitor->server;
	struct metrics *metrics = server->metrics;
	const uint32_t most = (metrics->connections_max + 1) / 2;
	const char *had = MHD_lookup_connection_value(visitor->connection, MHD_HEADER_KIND, "Last-Event-ID");
	struct MHD_Response *response;

	if (server->streams >= most && live_streams(server) >= most)
		return send_once(visitor->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			page_note("as many follow the events as may\n"));
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_events, visitor, NULL);
	if (response == NULL || !page_add_headers(response, "text/event-stream")) {
		if (response != NULL)
			MHD_destroy_response(response);
		return MHD_NO;
	}
	visitor->is_stream = true;
	visitor->reader = (struct events_reader){
		.next = had != NULL ? events_after(metrics->events, had) : events_first(metrics->events),
		.beat_ns = metrics->host->now_ns(metrics->ctx)};
	server->streams++;
	return send_once(visitor->connection, MHD_HTTP_OK, response);
}

static enum document document_of(struct MHD_Connection *connection, const char *url)
{
	if (strcmp(url, "/metrics") == 0)
		return wants(connection, "application/openmetrics-text") ? DOCUMENT_OPENMETRICS : DOCUMENT_PROMETHEUS;
	if (strncmp(url, API, strlen(API)) == 0)
		return document_of_command(url + strlen(API));
	return DOCUMENTS;
}

static enum MHD_Result answer(struct visitor *visitor, const char *url)
{
	struct metrics *metrics = visitor->server->metrics;
	enum document document = document_of(visitor->connection, url);
	unsigned int status;

	if (document != DOCUMENTS)
		return send_document(visitor, document);
	if (strcmp(url, "/events") == 0)
		return send_events(visitor);
	if (strcmp(url, "/healthz") == 0) {
		struct MHD_Response *health = page_health(metrics, &status);

		return send_once(visitor->connection, status, health);
	}
	if (strcmp(url, "/") == 0)
		return send_once(visitor->connection, MHD_HTTP_OK, page_dashboard());
	return send_once(visitor->connection, MHD_HTTP_NOT_FOUND,
		page_note(strncmp(url, API, strlen(API)) == 0
				  ? "no such answer: status members quorum rings clients plugin/list\n"
				  : "no such page\n"));
}

/*
 * Return whether a request's header Host names this host. A request without the header is accepted: only HTTP/1.0 lacks
 * it, and no browser uses HTTP/1.0.
 */
static bool is_for_us(const struct metrics *metrics, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	return host == NULL || names_have(metrics->names, host);
}

static struct visitor *visitor_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/*
 * Handle a request. The library calls this after the headers, for each piece of a body, and after the body. The
 * connection may be suspended only in the last call.
 */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **request)
{
	struct visitor *visitor = visitor_of(connection);

	(void)version, (void)upload;
	if (visitor == NULL || visitor->fd < 0)
		return MHD_NO; /* out of memory: see come(). Or the connection ends */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		struct MHD_Response *note = page_note("GET and HEAD alone\n");

		if (note != NULL)
			MHD_add_response_header(note, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		return send_once(connection, MHD_HTTP_METHOD_NOT_ALLOWED, note);
	}
	if (*request == NULL || *upload_size > 0) {
		*request = arg;
		*upload_size = 0;
		return MHD_YES;
	}
	if (!is_for_us(visitor->server->metrics, connection))
		return send_once(connection, MHD_HTTP_MISDIRECTED_REQUEST,
			page_note("ask by address, or put this name into the option names of the plugin metrics\n"));
	return answer(visitor, url);
}

/* --- connections --- */

static enum MHD_Result admit(void *arg, const struct sockaddr *address, socklen_t size)
{
	const struct server *server = arg;

	(void)size;
	return allow_has(&server->metrics->allow, address) ? MHD_YES : MHD_NO;
}

static void come(struct server *server, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct metrics *metrics = server->metrics;
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	/* Without memory the connection gets no answer. Only the library's own limit for silent connections ends it. */
	if (visitor == NULL || info == NULL) {
		free(visitor);
		return;
	}
	visitor->server = server;
	visitor->connection = connection;
	visitor->fd = info->connect_fd;
	visitor->end_ns = metrics->host->now_ns(metrics->ctx) + metrics->timeout_ns;
	visitor->previous = server->last;
	if (server->last != NULL)
		server->last->next = visitor;
	else
		server->first = visitor;
	server->last = visitor;
	*context = visitor;
}

static void go(struct visitor *visitor)
{
	struct server *server = visitor->server;

	if (visitor->previous != NULL)
		visitor->previous->next = visitor->next;
	else
		server->first = visitor->next;
	if (visitor->next != NULL)
		visitor->next->previous = visitor->previous;
	else
		server->last = visitor->previous;
	server->streams -= visitor->is_stream;
	free(visitor);
}

static void notify(
	void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		come(arg, connection, context);
	else if (*context != NULL)
		go(*context);
}

/* End connections whose time is over. */
static void end_late(struct server *server, uint64_t now_ns)
{
	for (struct visitor *visitor = server->first; visitor != NULL; visitor = visitor->next) {
		bool is_over = visitor->fd >= 0 && visitor->end_ns <= now_ns;

		if (is_over)
			end_visitor(visitor);
		if (visitor->is_suspended && (is_over || visitor->wait_ns <= now_ns))
			resume(visitor);
	}
}

/* --- the loop --- */

static void on_timer(void *arg);

static void arm(struct server *server, uint64_t now_ns)
{
	struct metrics *metrics = server->metrics;
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	uint64_t at_ns = UINT64_MAX;

	if (server->is_paused)
		at_ns = server->second_ns + NS_PER_S;
	else if (MHD_get_timeout(server->http, &timeout_ms) == MHD_YES)
		at_ns = now_ns + timeout_ms * NS_PER_MS;
	for (const struct visitor *visitor = server->first; visitor != NULL && !server->is_paused;
		visitor = visitor->next) {
		if (visitor->fd >= 0 && visitor->end_ns < at_ns)
			at_ns = visitor->end_ns;
		if (visitor->is_suspended && visitor->wait_ns < at_ns)
			at_ns = visitor->wait_ns;
	}
	metrics->host->timer_del(metrics->ctx, server->timer);
	server->timer = NULL;
	/* Without memory for a timer, the library still runs at events of its sockets. */
	if (at_ns != UINT64_MAX)
		metrics->host->timer_add(metrics->ctx, at_ns, on_timer, server, &server->timer);
}

static void set_paused(struct server *server, bool is_paused)
{
	struct metrics *metrics = server->metrics;

	if (server->is_paused != is_paused)
		metrics->host->fd_mod(metrics->ctx, server->epoll_fd, is_paused ? 0 : COTERIE_FD_IN);
	server->is_paused = is_paused;
}

static void run(struct server *server)
{
	struct metrics *metrics = server->metrics;
	uint64_t now_ns = metrics->host->now_ns(metrics->ctx);

	if (now_ns - server->second_ns >= NS_PER_S) {
		server->second_ns = now_ns;
		server->runs = 0;
	}
	set_paused(server, server->runs >= RUNS_MAX);
	if (!server->is_paused) {
		server->runs++;
		end_late(server, now_ns);
		MHD_run(server->http);
	}
	arm(server, now_ns);
}

static void on_timer(void *arg)
{
	struct server *server = arg;

	server->timer = NULL;
	run(server);
}

static void on_fd(void *arg, int fd, uint32_t revents)
{
	(void)fd, (void)revents;
	run(arg);
}

/* Let the library run on the next turn of the loop. */
static void run_later(struct server *server)
{
	struct metrics *metrics = server->metrics;

	if (server->is_paused)
		return; /* it runs at the end of the pause */
	metrics->host->timer_del(metrics->ctx, server->timer);
	server->timer = NULL;
	metrics->host->timer_add(metrics->ctx, metrics->host->now_ns(metrics->ctx), on_timer, server, &server->timer);
}

/* Resume the waiting connections. This may be called from inside a run of the library. */
static void wake(struct server *server, bool is_stream)
{
	bool is_any = false;

	for (struct visitor *visitor = server->first; visitor != NULL; visitor = visitor->next)
		if (visitor->is_suspended && visitor->is_stream == is_stream) {
			resume(visitor);
			is_any = true;
		}
	if (is_any)
		run_later(server);
}

void server_wake(struct server *server)
{
	if (server != NULL)
		wake(server, false);
}

void server_tell(struct server *server)
{
	if (server != NULL)
		wake(server, true);
}

/* Return whether the list of now allows the client of a connection. A client that has left counts as not allowed. */
static bool is_allowed(const struct visitor *visitor)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	return getpeername(visitor->fd, (struct sockaddr *)&address, &size) == 0 &&
	       allow_has(&visitor->server->metrics->allow, (const struct sockaddr *)&address);
}

void server_sift(struct server *server)
{
	if (server == NULL)
		return;
	for (struct visitor *visitor = server->first; visitor != NULL; visitor = visitor->next) {
		if (visitor->fd < 0 || is_allowed(visitor))
			continue;
		end_visitor(visitor);
		if (visitor->is_suspended)
			resume(visitor);
	}
	run_later(server);
}

uint32_t server_streams(const struct server *server) { return server->streams; }

/* --- opening and closing --- */

static int listen_on(const struct sockaddr_storage *address)
{
	const int on = 1, off = 0;
	socklen_t size = address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A socket for [::] accepts both address families. */
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BACKLOG) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int start(struct server *server, int fd)
{
	struct metrics *metrics = server->metrics;
	uint32_t count = metrics->connections_max;

	/*
	 * end_late() ends connections in time. The library's own limit for silent connections is for those without
	 * memory. It cannot change when the option timeout does, so it is the largest value of the option.
	 */
	server->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, admit, server, handle, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, count, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		count > 3 ? count - count / 4 : count, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)BUFFER_SIZE,
		MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_MAX_MS / 1000, MHD_OPTION_NOTIFY_CONNECTION, notify, server,
		MHD_OPTION_END);
	if (server->http == NULL)
		return -ENOMEM;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0)
		return -ENOTSUP;
	int rc = metrics->host->fd_add(metrics->ctx, info->epoll_fd, COTERIE_FD_IN, 0, on_fd, server);
	if (rc == 0)
		server->epoll_fd = info->epoll_fd;
	return rc;
}

static void say_where(const struct metrics *metrics, int fd)
{
	struct sockaddr_storage address = metrics->address;
	socklen_t size = sizeof(address);
	char text[64];

	getsockname(fd, (struct sockaddr *)&address, &size);
	address_text(&address, text);
	metrics->host->log(metrics->ctx, LOG_NOTICE, "Metrics are served at http://%s/metrics", text);
}

int server_open(struct metrics *metrics, struct server **out)
{
	struct server *server = calloc(1, sizeof(*server));
	int fd, rc;

	if (server == NULL)
		return -ENOMEM;
	*server = (struct server){.metrics = metrics, .epoll_fd = -1};
	fd = listen_on(&metrics->address);
	if (fd < 0) {
		free(server);
		return fd;
	}
	rc = start(server, fd);
	if (rc < 0) {
		if (server->http == NULL)
			close(fd); /* otherwise the library closes it */
		server_close(server);
		return rc;
	}
	say_where(metrics, fd);
	*out = server;
	return 0;
}

void server_close(struct server *server)
{
	if (server == NULL)
		return;
	struct metrics *metrics = server->metrics;
	wake(server, false); /* the library cannot stop while connections are suspended */
	wake(server, true);
	metrics->host->timer_del(metrics->ctx, server->timer);
	if (server->epoll_fd >= 0)
		metrics->host->fd_del(metrics->ctx, server->epoll_fd);
	if (server->http != NULL)
		MHD_stop_daemon(server->http); /* closes all sockets, calls notify, and frees responses */
	free(server);
}
