/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts and servers: sockets that listen for clients. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/closer.h"
#include "exec/qb/private.h"

#define NAME_LENGTH_MAX 60
#define CALLERS_WAITING 128
/*
 * If this file exists, libqb's clients look for sockets in the file system. The folder is chosen when libqb is
 * built.
 */
#define FILE_SYSTEM_SWITCH "/etc/libqb/force-filesystem-sockets"
#ifndef QBS_SOCKET_FOLDER
#define QBS_SOCKET_FOLDER "/tmp"
#endif

/* --- all servers --- */

struct qbs_host *qbs_host_create(const struct qbs_loop *loop)
{
	struct qbs_host *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return NULL;
	int rc = qbs_fault_init();
	host->loop = loop;
	host->buffer = rc == 0 ? malloc(QBS_SIZE_MAX) : NULL;
	if (host->buffer == NULL) {
		free(host);
		errno = rc < 0 ? -rc : ENOMEM;
		return NULL;
	}
	host->spare_fd = qbs_spare_open();
	host->refuses_descriptors = qbs_can_refuse();
	return host;
}

void qbs_host_destroy(struct qbs_host *host)
{
	if (host == NULL)
		return;
	assert(host->handshakes == NULL);
	closer_destroy(host->closer);
	if (host->spare_fd >= 0)
		close(host->spare_fd);
	free(host->buffer);
	free(host);
}

uint32_t qbs_host_handshakes(const struct qbs_host *host) { return host->handshake_count; }

/* --- one server --- */

/* Fill in the address of the server's socket. @return its length; 0: too long */
static socklen_t make_address(struct qbs_server *server, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (access(FILE_SYSTEM_SWITCH, F_OK) == 0) {
		int length = snprintf(
			address->sun_path, sizeof(address->sun_path), "%s/%s", QBS_SOCKET_FOLDER, server->name);

		memcpy(server->path, address->sun_path, sizeof(server->path));
		return length < 0 || (size_t)length >= sizeof(address->sun_path) ? 0 : sizeof(*address);
	}
	/* An abstract name, padded with zeros to the whole size, as libqb's clients ask for it. */
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", server->name);
	return sizeof(*address);
}

static int listen_at(struct qbs_server *server)
{
	struct sockaddr_un address;
	socklen_t size = make_address(server, &address);
	int on = 1;

	if (size == 0)
		return -ENAMETOOLONG;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return -errno;
	if (server->path[0] != '\0')
		(void)unlink(server->path); /* remove the socket of an earlier daemon */
	(void)qbs_refuse_descriptors(server->fd);

	if (bind(server->fd, (struct sockaddr *)&address, size) < 0 ||
		(server->path[0] != '\0' && chmod(server->path, 0777) < 0) ||
		setsockopt(server->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
		listen(server->fd, CALLERS_WAITING) < 0)
		return -errno;
	return server->host->loop->add(server->host->loop->arg, server->fd, POLLIN, qbs_on_caller, server);
}

int qbs_server_open(struct qbs_server **result, struct qbs_host *host, const char *name, enum qbs_type type,
	const struct qbs_handlers *handlers, void *arg)
{
	struct qbs_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return -ENOMEM;
	server->host = host;
	server->transport = type == QBS_TYPE_SOCKET ? &qbs_socket : &qbs_shm;
	server->handlers = handlers;
	server->arg = arg;
	server->rate = QBS_RATE_NORMAL;
	server->references = 1;
	server->fd = -1;
	snprintf(server->name, sizeof(server->name), "%s", name);
	int rc = strlen(name) > NAME_LENGTH_MAX ? -ENAMETOOLONG : listen_at(server);
	if (rc < 0) {
		if (server->fd >= 0)
			close(server->fd);
		free(server);
		return rc;
	}
	*result = server;
	return 0;
}

void qbs_server_close(struct qbs_server *server)
{
	int caller;

	server->host->loop->del(server->host->loop->arg, server->fd);
	(void)shutdown(server->fd, SHUT_RDWR); /* end listening also if a forked process has inherited the socket */
	while ((caller = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		qbs_close(server->host, caller); /* peers that nobody has accepted may have sent descriptors */
	close(server->fd);
	if (server->path[0] != '\0')
		(void)unlink(server->path);
	qbs_handshakes_end(server);
	while (server->connections != NULL)
		qbs_disconnect(server->connections);
	qbs_server_release(server);
}

/*
 * Change the rate of further connections. The walk continues where the last one ended, so that a rate that changes
 * often reaches all connections. At QBS_RATE_OFF a connection is polled until its client sends a request: qbs_mute.
 * Polling is resumed for few connections in a turn: each time libqb searches its list of all descriptors.
 */
bool qbs_server_rate_step(struct qbs_server *server)
{
	for (uint32_t i = 0; i < QBS_RATE_STEP && server->rate_left > 0; i++) {
		struct qbs_connection *one = server->rate_next != NULL ? server->rate_next : server->connections;

		server->rate_left--;
		if (one == NULL)
			break;
		server->rate_next = one->next;
		qbs_flow_apply(one);
		if (one->is_muted && server->rate < QBS_RATE_OFF) {
			qbs_listen(one);
			i += QBS_RATE_STEP / QBS_LISTEN_STEP - 1;
		}
	}
	return server->rate_left > 0;
}

bool qbs_server_rate(struct qbs_server *server, enum qbs_rate rate)
{
	server->rate = rate;
	server->rate_left = server->connection_count;
	return qbs_server_rate_step(server);
}
