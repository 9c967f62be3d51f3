/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of a link: its socket, its interface, and ICMP errors about peers. Changes are reported to the host from
 * the loop, never inside a call of a host function.
 */
#include "transports/common/udp_link_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "transports/common/interface.h"
#include "transports/common/socket.h"

#define MS UINT64_C(1000000)

/* Interval at which a missing address is searched. It is also searched when the system reports a change. */
#define RETRY_NS (1000 * MS)
/* If all sends on this host fail for this long, to any address, this node is cut off. */
#define CUT_OFF_NS (300 * MS)
/* A receive buffer for fewer frames than this loses some under load. */
#define FRAMES_MIN 400

/* Set a timer unless it is set. Without memory for it only a hint is lost: the ring's own timers work without that. */
static void link_arm(struct udp_link *link, struct coterie_timer **timer, uint64_t after_ns, void (*run)(void *arg))
{
	uint64_t at_ns = link->host->now_ns(link->ctx) + after_ns;

	if (*timer == NULL && link->host->timer_add(link->ctx, at_ns, run, link, timer) < 0)
		*timer = NULL;
}

/* ---- The socket ---------------------------------------------------------- */

void udp_link_note_buffer(struct udp_link *link, const struct socket_grant *grant)
{
	link->receive_size = grant->receive_size;
	if (grant->receive_size / SOCKET_FRAME_COST >= FRAMES_MIN || link->has_told_buffer)
		return;
	link->has_told_buffer = true;
	link->host->log(link->ctx, LOG_WARNING,
		"the receive buffer holds only %u frames, so the ring sends few at a time, or some are "
		"lost; raise net.core.rmem_max to %u",
		grant->receive_size / SOCKET_FRAME_COST, link->buffer_size);
}

/* Forget the limits of the offload, on all paths. */
static void link_try_offload(struct udp_link *link)
{
	link->out.has_gso = link->has_offload;
	link->group.offload = (struct batch_offload){0};
	for (uint32_t i = 0; i < link->peers.count; i++)
		link->peers.list[i].offload = (struct batch_offload){0};
}

static int link_bind(struct udp_link *link)
{
	struct socket_grant grant;
	int fd = socket_open(
		(struct sockaddr *)&link->local, link->wire.dscp, link->buffer_size, link->has_offload, &grant);

	if (fd < 0)
		return fd;

	int rc = link->host->fd_add(link->ctx, fd, COTERIE_FD_IN, 1, udp_link_ready, link);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	link->fd = fd;
	link->out.fd = fd;
	link_try_offload(link);
	udp_link_note_buffer(link, &grant);
	return 0;
}

/* Ask all peers to prove their sessions, once, as soon as the link can send. */
static void link_greet(struct udp_link *link)
{
	if (!link->has_greeted && link->fd >= 0 && !link->is_absent) {
		link->has_greeted = true;
		udp_link_greet_all(link);
	}
}

/* ---- State of the link --------------------------------------------------- */

static void link_report(struct udp_link *link, bool is_up, const char *why)
{
	if (link->is_reported && link->is_up == is_up)
		return;
	link->is_reported = true;
	link->is_up = is_up;
	link->host->link_state(link->ctx, 0, is_up ? 1 : 0, why);
}

static void link_retry(void *arg);

/*
 * Check the state of the link. A socket stays bound while its address is missing, and works again with the address. So
 * a working socket is never opened again, and never bound to another address. The first report of a bound socket is
 * always "up", which starts the ring's protocol. A node without a network forms a ring of its own, which serves its
 * clients.
 */
static int link_check(struct udp_link *link)
{
	enum interface_state state = interface_state((struct sockaddr *)&link->local);
	char text[128];
	int rc = 0;

	link->is_absent = state == INTERFACE_NO_ADDRESS;
	if (link->fd < 0)
		rc = link_bind(link);
	if (rc == 0)
		tripwire_bound(&link->wire, (struct sockaddr *)&link->local);
	if (rc == 0 && link->hooks->attach != NULL)
		rc = link->hooks->attach(link);
	link_greet(link);
	snprintf(text, sizeof(text), "%s", interface_state_text(state));
	if (state == INTERFACE_UP && rc < 0)
		snprintf(text, sizeof(text), "%s", strerror(-rc));
	else if (state == INTERFACE_UP && link->is_cut_off)
		snprintf(text, sizeof(text), "every send fails: %s", strerror(link->cut_off_error));
	if (rc == 0 && !link->has_started) {
		link->has_started = true;
		link_report(link, true, "bound to its address");
	}
	link_report(link, rc == 0 && state == INTERFACE_UP && !link->is_cut_off, text);
	if (rc < 0 || link->watch_fd < 0)
		link_arm(link, &link->retry, RETRY_NS, link_retry);
	return rc;
}

static void link_retry(void *arg)
{
	struct udp_link *link = arg;

	link->retry = NULL;
	link_check(link);
}

static void link_recheck(void *arg)
{
	struct udp_link *link = arg;

	link->recheck = NULL;
	link_check(link);
}

static void link_news(void *arg, int fd, uint32_t revents)
{
	struct udp_link *link = arg;

	(void)revents;
	if (!interface_watch_read(fd))
		return;
	/* Offload that a path or device has refused before may work now. */
	link_try_offload(link);
	link_check(link);
}

/* ---- Results of sends, and answers ---------------------------------------- */

/*
 * Note whether packets leave this host. Only failing sends show a firewall or a missing route
 * (book transports, "Signs of failure"). The report to the host is made later, from the loop, since this runs inside
 * the host's calls.
 */
void udp_link_note_result(struct udp_link *link, bool is_sent, int error)
{
	uint64_t now_ns = link->host->now_ns(link->ctx);

	if (is_sent) {
		link->failing_ns = 0;
		if (!link->is_cut_off)
			return;
		link->is_cut_off = false;
	} else {
		if (link->failing_ns == 0)
			link->failing_ns = now_ns;
		if (link->is_cut_off || now_ns - link->failing_ns < CUT_OFF_NS || error == EMSGSIZE || error == ENOBUFS)
			return;
		link->is_cut_off = true;
		link->cut_off_error = error;
	}
	link_arm(link, &link->recheck, 0, link_recheck);
}

/* Tell the host of the refusals. It may send meanwhile, and note further ones. */
static void link_tell_refused(void *arg)
{
	struct udp_link *link = arg;
	struct udp_link_refusal refusals[UDP_LINK_REFUSALS_MAX];
	uint32_t count = link->refusal_count;

	memcpy(refusals, link->refusals, count * sizeof(refusals[0]));
	link->refused = NULL;
	link->refusal_count = 0;
	for (uint32_t i = 0; i < count; i++)
		link->host->peer_refused(link->ctx, refusals[i].nodeid, refusals[i].quote, refusals[i].size);
}

/*
 * Handle an ICMP error. Only one kind counts: the peer's own host reports that no process listens on its port, and quotes
 * a datagram that this node has sent to it. Before that is certain the error has no effect, since any host can forge it.
 * The report to the host is made later, from the loop, since this also runs inside sends. The host asks the peer before
 * it draws a conclusion.
 */
void udp_link_on_icmp(void *arg, const struct icmp_report *report)
{
	struct udp_link *link = arg;
	const struct sockaddr *to = (const struct sockaddr *)&report->to;

	if (report->error != ECONNREFUSED || !report->is_from_destination)
		return;

	struct peer *peer = peers_find_address(&link->peers, to);

	if (peer == NULL || peer->is_local || address_port((const struct sockaddr *)&peer->address) != address_port(to))
		return;

	uint64_t now_ns = link->host->now_ns(link->ctx);

	/*
	 * The search is limited (SENT_SEARCHES), so a flood of forged errors could keep the true one out. On an encrypted
	 * link the errors of hosts that do not read the wire are found without a search.
	 */
	if (secure_used(link->secure) != 0 && !secure_is_own(link->secure, report->quote, report->quote_size)) {
		link->rejected++;
		return;
	}
	if (!sent_has(&link->sent, now_ns, peer->nodeid, report->quote, report->quote_size)) {
		link->rejected++;
		return;
	}

	peer->refused_ns = now_ns;
	if (peer->away_ns == 0)
		peer->away_ns = peer->refused_ns;

	if (link->refusal_count == UDP_LINK_REFUSALS_MAX || !COTERIE_HAS(link->host, peer_refused))
		return;

	struct udp_link_refusal *refusal = &link->refusals[link->refusal_count++];

	refusal->nodeid = peer->nodeid;
	if (secure_used(link->secure) != 0) {
		refusal->size = secure_quote(
			link->secure, peer->nodeid, report->quote, report->quote_size, refusal->quote);
	} else {
		refusal->size = report->quote_size;
		memcpy(refusal->quote, report->quote, report->quote_size);
	}
	link_arm(link, &link->refused, 0, link_tell_refused);
}

/* ---- Life ---------------------------------------------------------------- */

int udp_link_up(void *self, uint32_t number, const struct sockaddr *local)
{
	struct udp_link *link = self;
	socklen_t size = address_size(local);

	if (number != 0)
		return -EINVAL;
	if (size == 0)
		return -EAFNOSUPPORT;
	if (link->is_open)
		return -EEXIST;
	memcpy(&link->local, local, size);
	link->is_open = true;
	link->watch_fd = interface_watch_open();
	if (link->watch_fd >= 0 &&
		link->host->fd_add(link->ctx, link->watch_fd, COTERIE_FD_IN, 0, link_news, link) < 0) {
		close(link->watch_fd);
		link->watch_fd = -1;
	}

	int rc = link_check(link);

	/* An address may still appear, so wait for it. Other errors need a correction by the operator. */
	return rc == -EADDRNOTAVAIL ? 0 : rc;
}

static void link_close_fd(struct udp_link *link, int fd)
{
	if (fd < 0)
		return;
	link->host->fd_del(link->ctx, fd);
	close(fd);
}

void udp_link_stop(struct udp_link *link)
{
	tripwire_fini(&link->wire);
	link->host->timer_del(link->ctx, link->retry);
	link->host->timer_del(link->ctx, link->refused);
	link->host->timer_del(link->ctx, link->recheck);
	link_close_fd(link, link->watch_fd);
	link_close_fd(link, link->group_fd);
	link_close_fd(link, link->fd);
}
