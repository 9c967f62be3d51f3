/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection to the neighbour, and the reports about all connections of the tripwire. */
#include "transports/common/tripwire_private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/crypto/mac.h"
#include "transports/common/mark.h"
#include "transports/common/socket.h"

#define MS UINT64_C(1000000)
/* Longest time for an attempt. A handshake takes two round trips. */
#define ATTEMPT_NS (1000 * MS)
#define PAUSE_MIN_NS (1000 * MS)
#define PAUSE_MAX_NS (64000 * MS)
/*
 * Keepalive, in seconds. Without it a connection would stay open, and report nothing, after its path has failed or a
 * firewall was set up. If only keepalive ends a connection, that is no sign.
 */
#define KEEP_GAP 5
#define KEEP_COUNT 3
/*
 * Time in milliseconds after which the kernel ends the connection, however many probes it has sent: see
 * tripwire_witness.c.
 */
#define KEEP_MS (1000 * (TRIPWIRE_KEEP_IDLE + KEEP_COUNT * KEEP_GAP))

static const uint8_t word[4] = {'C', 'T', 'W', '1'};
static const uint8_t goodbye = 'B';

/* ---- Used by both ends ---------------------------------------------------- */

void tripwire_tune(int fd)
{
	/* Do not let a goodbye wait for an acknowledgement: it would be lost if the close became a reset. */
	socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TRIPWIRE_KEEP_IDLE);
	socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_GAP);
	socket_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, KEEP_MS);
	socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int tripwire_socket(const struct tripwire *wire, const struct sockaddr *local)
{
	int fd = socket(local->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (local->sa_family == AF_INET6)
		socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	tripwire_tune(fd);
	socket_mark(fd, local->sa_family, wire->dscp);
	return fd;
}

bool tripwire_greet(struct tripwire *wire, int fd, uint32_t nodeid)
{
	struct tripwire_greeting greeting = {
		.from = htonl(wire->host->local_nodeid(wire->ctx)),
		.to = htonl(nodeid),
	};

	memcpy(greeting.word, word, sizeof(word));
	return send(fd, &greeting, sizeof(greeting), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(greeting);
}

bool tripwire_read_greeting(struct tripwire *wire, int fd, uint32_t *from, int *error)
{
	struct tripwire_greeting greeting;
	ssize_t size = recv(fd, &greeting, sizeof(greeting), MSG_DONTWAIT);

	*error = size < 0 ? errno : 0;
	if (size != (ssize_t)sizeof(greeting) || memcmp(greeting.word, word, sizeof(word)) != 0 ||
		ntohl(greeting.to) != wire->host->local_nodeid(wire->ctx))
		return false;
	*from = ntohl(greeting.from);
	return true;
}

void tripwire_say_goodbye(int fd, const struct tripwire_proof *proof)
{
	uint8_t unread[64], proved[1 + TRIPWIRE_PROOF_SIZE] = {goodbye};
	size_t size = sizeof(goodbye);

	if (proof->is_complete) {
		memcpy(proved + 1, proof->goodbye, sizeof(proof->goodbye));
		size = sizeof(proved);
	}
	(void)!send(fd, proved, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	/*
	 * Read what is left, since a close with unread bytes becomes a reset. The reset may arrive although the goodbye
	 * was lost.
	 */
	(void)!recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
}

/*
 * Only the kernel of a process that has ended closes its connection with a FIN and without a goodbye. A reset may come
 * from a firewall as well. Any other end is caused by the path, or was made on purpose.
 */
uint32_t tripwire_read_end(int fd, const struct tripwire_proof *proof)
{
	uint8_t bytes[1 + TRIPWIRE_PROOF_SIZE];
	ssize_t size = recv(fd, bytes, proof->is_complete ? sizeof(bytes) : 1, MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return COTERIE_WATCH_ON;
	if (size == 0)
		return COTERIE_WATCH_CLOSED;
	/* Bytes of an attacker in between end the watch, but they are no goodbye: so the peer is asked. */
	if (size > 0 && proof->is_complete &&
		(size != (ssize_t)sizeof(bytes) || bytes[0] != goodbye ||
			!mac_is_equal(bytes + 1, proof->their_goodbye, TRIPWIRE_PROOF_SIZE)))
		return COTERIE_WATCH_BROKEN;
	return size < 0 && errno == ECONNRESET ? COTERIE_WATCH_BROKEN : COTERIE_WATCH_OFF;
}

void tripwire_drop_fd(struct tripwire *wire, int *fd)
{
	if (*fd < 0)
		return;
	wire->host->fd_del(wire->ctx, *fd);
	close(*fd);
	*fd = -1;
}

/* ---- Reports ----------------------------------------------------------------- */

static void reports_due(void *arg)
{
	struct tripwire *wire = arg;

	wire->report_timer = NULL;
	tripwire_flush(wire);
}

void tripwire_report(struct tripwire *wire, uint32_t nodeid, uint32_t state)
{
	assert(wire->report_count < TRIPWIRE_REPORTS_MAX);
	wire->reports[wire->report_count++] = (struct tripwire_report){nodeid, state};
	/* Without memory for a timer the report is delivered at the next event of a connection. */
	if (wire->report_timer == NULL && wire->host->timer_add(wire->ctx, wire->host->now_ns(wire->ctx), reports_due,
						  wire, &wire->report_timer) < 0)
		wire->report_timer = NULL;
}

/* Deliver the reports. The host may call tripwire_watch meanwhile, which adds a report behind the others. */
void tripwire_flush(struct tripwire *wire)
{
	while (wire->report_count > 0) {
		struct tripwire_report report = wire->reports[0];

		wire->report_count--;
		memmove(&wire->reports[0], &wire->reports[1], wire->report_count * sizeof(report));
		wire->host->peer_watch(wire->ctx, report.nodeid, report.state);
	}
	wire->host->timer_del(wire->ctx, wire->report_timer);
	wire->report_timer = NULL;
}

/* ---- The connection to the neighbour --------------------------------------- */

static void wire_on_timer(void *arg);

static void wire_set_timer(struct tripwire *wire, uint64_t after_ns)
{
	wire->host->timer_del(wire->ctx, wire->timer);
	if (wire->host->timer_add(
		    wire->ctx, wire->host->now_ns(wire->ctx) + after_ns, wire_on_timer, wire, &wire->timer) < 0)
		wire->timer = NULL; /* without a timer there is no watch until the next ring */
}

static void wire_cut(struct tripwire *wire)
{
	wire->host->timer_del(wire->ctx, wire->timer);
	wire->timer = NULL;
	/*
	 * The neighbour may have reported the watch as on as soon as it got this node's greeting. So it needs a
	 * goodbye.
	 */
	if (wire->state == TRIPWIRE_GREETED || wire->state == TRIPWIRE_ON)
		tripwire_say_goodbye(wire->fd, &wire->proof);
	tripwire_drop_fd(wire, &wire->fd);
	wire->state = TRIPWIRE_IDLE;
}

/* Report the end of a watch that was on. Then try to connect again, after longer and longer pauses. */
static void wire_lost(struct tripwire *wire, uint32_t how)
{
	bool was_on = wire->state == TRIPWIRE_ON;

	wire_cut(wire);
	wire_set_timer(wire, wire->pause_ns);
	if (wire->pause_ns < PAUSE_MAX_NS)
		wire->pause_ns *= 2;
	if (!was_on)
		return;
	wire->host->log(wire->ctx, LOG_DEBUG, "the watch over node %u %s", wire->target,
		how == COTERIE_WATCH_OFF ? "has ended" : "broke");
	tripwire_report(wire, wire->target, how);
}

static void wire_connected(struct tripwire *wire)
{
	int error = 0;
	socklen_t size = sizeof(error);

	wire->proof = (struct tripwire_proof){0};
	if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0 ||
		!(tripwire_proves(wire) ? tripwire_proof_begin(wire, wire->fd, wire->target, &wire->proof)
					: tripwire_greet(wire, wire->fd, wire->target))) {
		wire_lost(wire, COTERIE_WATCH_OFF);
		return;
	}
	wire->state = TRIPWIRE_GREETED;
	wire->host->fd_mod(wire->ctx, wire->fd, COTERIE_FD_IN);
}

static void wire_greeted(struct tripwire *wire)
{
	uint32_t from;
	int error;

	bool is_proved = wire->proof.key != 0;
	bool has_answered = is_proved ? tripwire_proof_end(wire, wire->fd, &wire->proof, &error)
				      : tripwire_read_greeting(wire, wire->fd, &from, &error) && from == wire->target;

	if (!has_answered) {
		if (error != EAGAIN)
			wire_lost(wire, COTERIE_WATCH_OFF);
		return;
	}
	wire->host->timer_del(wire->ctx, wire->timer);
	wire->timer = NULL;
	wire->pause_ns = PAUSE_MIN_NS;
	wire->state = TRIPWIRE_ON;
	wire->host->log(wire->ctx, LOG_DEBUG, "the watch over node %u is on", wire->target);
	tripwire_report(wire, wire->target, COTERIE_WATCH_ON);
}

static void wire_ended(struct tripwire *wire)
{
	uint32_t how = tripwire_read_end(wire->fd, &wire->proof);

	if (how != COTERIE_WATCH_ON)
		wire_lost(wire, how);
}

static void wire_ready(void *arg, int fd, uint32_t revents)
{
	struct tripwire *wire = arg;

	(void)fd, (void)revents;
	switch (wire->state) {
	case TRIPWIRE_IDLE:
		break;
	case TRIPWIRE_CONNECTING:
		wire_connected(wire);
		break;
	case TRIPWIRE_GREETED:
		wire_greeted(wire);
		break;
	case TRIPWIRE_ON:
		wire_ended(wire);
		break;
	}
	tripwire_flush(wire);
}

/* Connect from the link's own address, by which the neighbour knows this node, and from any port. */
static int wire_connect(struct tripwire *wire, const struct peer *peer)
{
	struct sockaddr_storage from = wire->local;
	int fd = tripwire_socket(wire, (struct sockaddr *)&from);

	if (fd < 0)
		return fd;
	if (from.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&from)->sin6_port = 0;
	else
		((struct sockaddr_in *)&from)->sin_port = 0;
	socket_set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (bind(fd, (struct sockaddr *)&from, address_size((struct sockaddr *)&from)) < 0 ||
		(connect(fd, (const struct sockaddr *)&peer->address, peer->address_size) < 0 &&
			errno != EINPROGRESS)) {
		int rc = -errno;

		close(fd);
		return rc;
	}

	int rc = wire->host->fd_add(wire->ctx, fd, COTERIE_FD_OUT, 1, wire_ready, wire);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	wire->fd = fd;
	wire->witness = (struct tripwire_witness){0};
	return 0;
}

static void wire_try(struct tripwire *wire)
{
	const struct peer *peer = peers_find(wire->peers, wire->target);

	if (peer == NULL || peer->is_local || wire_connect(wire, peer) < 0) {
		wire_lost(wire, COTERIE_WATCH_OFF);
		return;
	}
	wire->state = TRIPWIRE_CONNECTING;
	wire_set_timer(wire, ATTEMPT_NS);
}

static void wire_on_timer(void *arg)
{
	struct tripwire *wire = arg;

	wire->timer = NULL;
	if (wire->state == TRIPWIRE_IDLE)
		wire_try(wire);
	else
		wire_lost(wire, COTERIE_WATCH_OFF);
	tripwire_flush(wire);
}

static void wire_start(struct tripwire *wire)
{
	wire->pause_ns = PAUSE_MIN_NS;
	if (wire->is_wanted && wire->has_local && wire->target != 0 && wire->state == TRIPWIRE_IDLE)
		wire_set_timer(wire, 0);
}

static void wire_end(struct tripwire *wire)
{
	bool was_on = wire->state == TRIPWIRE_ON;

	wire_cut(wire);
	if (was_on)
		tripwire_report(wire, wire->target, COTERIE_WATCH_OFF);
}

/* ---- For the link ---------------------------------------------------------- */

void tripwire_init(struct tripwire *wire, const struct coterie_host *host, struct coterie_ctx *ctx, struct peers *peers,
	const struct secure *secure)
{
	*wire = (struct tripwire){.host = host,
		.ctx = ctx,
		.peers = peers,
		.secure = secure,
		.dscp = mark_read(host, ctx),
		.fd = -1,
		.listen_fd = -1};
}

void tripwire_fini(struct tripwire *wire)
{
	wire_cut(wire);
	tripwire_dismiss(wire, 0);
	tripwire_witness_fini(wire);
	wire->host->timer_del(wire->ctx, wire->report_timer);
	wire->report_timer = NULL;
	wire->report_count = 0;
}

void tripwire_switch(struct tripwire *wire, bool is_wanted)
{
	if (!COTERIE_HAS(wire->host, peer_watch) || wire->is_wanted == is_wanted)
		return;
	wire->is_wanted = is_wanted;
	wire->has_told = false;
	if (is_wanted) {
		tripwire_listen(wire);
		wire_start(wire);
	} else {
		wire_end(wire);
		tripwire_dismiss(wire, 0);
	}
}

void tripwire_bound(struct tripwire *wire, const struct sockaddr *local)
{
	bool had_local = wire->has_local;

	memcpy(&wire->local, local, address_size(local));
	wire->has_local = true;
	tripwire_listen(wire);
	if (!had_local)
		wire_start(wire);
}

void tripwire_unbound(struct tripwire *wire)
{
	wire_end(wire);
	tripwire_dismiss(wire, 0);
	wire->has_local = false;
	wire->has_told = false;
}

void tripwire_rekeyed(struct tripwire *wire, uint32_t key)
{
	bool has_greeted = wire->state == TRIPWIRE_GREETED || wire->state == TRIPWIRE_ON;

	tripwire_dismiss_unproved(wire, key);
	if (!has_greeted || wire->proof.key == key)
		return;
	wire_end(wire);
	wire_start(wire);
}

void tripwire_watch(struct tripwire *wire, uint32_t nodeid)
{
	if (nodeid != wire->target)
		wire_end(wire);
	wire->target = nodeid;
	tripwire_listen(wire);
	wire_start(wire);
}

void tripwire_forget(struct tripwire *wire, uint32_t nodeid)
{
	if (nodeid == 0)
		return;
	tripwire_dismiss(wire, nodeid);
	if (nodeid != wire->target)
		return;
	wire_end(wire);
	wire_start(wire);
}
