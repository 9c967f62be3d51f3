/*
 * The link: its socket, the state of its interface, and what the network says about peers. All of
 * it is told to the host from the loop, never from inside a call of the host.
 */
#include "transports/udpu/udpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "transports/common/interface.h"
#include "transports/common/socket.h"

#define MS UINT64_C(1000000)

/* An address that is not there is looked for at this pace, besides the news of the system. */
#define RETRY_NS (1000 * MS)
/* Frames still under way may prove a peer alive before it is called dead, and that once a second.
 */
#define REFUSED_SETTLE_NS (1 * MS)
#define REFUSED_PAUSE_NS (1000 * MS)
/* Sends that fail on this host for this long, to whomever: this node is the isolated one. */
#define CUT_OFF_NS (300 * MS)
/* A receive buffer for fewer frames than this drops some under load (spec 09 §3.4). */
#define FRAMES_MIN 400

/* Sets a timer unless it is set. Out of memory costs a hint: the ring's own timers do without. */
static void udpu_arm(
	struct udpu *udpu, struct coterie_timer **timer, uint64_t after_ns, void (*run)(void *arg))
{
	uint64_t at_ns = udpu->host->now_ns(udpu->ctx) + after_ns;

	if (*timer == NULL && udpu->host->timer_add(udpu->ctx, at_ns, run, udpu, timer) < 0)
		*timer = NULL;
}

/* ---- The socket ---------------------------------------------------------- */

static void udpu_tell_buffer(struct udpu *udpu, const struct socket_grant *grant)
{
	if (grant->receive_size / SOCKET_FRAME_COST >= FRAMES_MIN || udpu->has_told_buffer)
		return;
	udpu->has_told_buffer = true;
	udpu->host->log(udpu->ctx, LOG_WARNING,
		"the receive buffer holds only %u frames: bursts may be lost and sent again; raise "
		"net.core.rmem_max to %u",
		grant->receive_size / SOCKET_FRAME_COST, udpu->buffer_size);
}

static int udpu_bind(struct udpu *udpu)
{
	struct socket_grant grant;
	int fd = socket_open(
		(struct sockaddr *)&udpu->local, udpu->buffer_size, udpu->has_offload, &grant);

	if (fd < 0)
		return fd;

	int rc = udpu->host->fd_add(udpu->ctx, fd, COTERIE_FD_IN, 1, udpu_ready, udpu);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	udpu->fd = fd;
	udpu->out.fd = fd;
	udpu->out.has_gso = udpu->has_offload;
	udpu->out.gso_size_max = 0;
	udpu_tell_buffer(udpu, &grant);
	return 0;
}

/* ---- Where the link stands ----------------------------------------------- */

static void udpu_report(struct udpu *udpu, bool is_up, const char *why)
{
	if (udpu->is_reported && udpu->is_up == is_up)
		return;
	udpu->is_reported = true;
	udpu->is_up = is_up;
	udpu->host->link_state(udpu->ctx, udpu->link, is_up ? 1 : 0, why);
}

static void udpu_retry(void *arg);

/*
 * Looks where the link stands. A socket stays bound while its address is away and works again when
 * the address is back, so a healthy one is never rebuilt; and it is never bound to anything else.
 * The first report of a bound socket is always "up", which starts the ring's protocol: a node
 * without a network is a ring of its own, and its clients are served.
 */
static int udpu_check(struct udpu *udpu)
{
	enum interface_state state = interface_state((struct sockaddr *)&udpu->local);
	char text[128];
	int rc = 0;

	if (udpu->fd < 0)
		rc = udpu_bind(udpu);
	snprintf(text, sizeof(text), "%s", interface_state_text(state));
	if (state == INTERFACE_UP && rc < 0)
		snprintf(text, sizeof(text), "%s", strerror(-rc));
	else if (state == INTERFACE_UP && udpu->is_cut_off)
		snprintf(text, sizeof(text), "every send fails: %s", strerror(udpu->cut_off_error));
	if (rc == 0 && !udpu->has_started) {
		udpu->has_started = true;
		udpu_report(udpu, true, "bound to its address");
	}
	udpu_report(udpu, rc == 0 && state == INTERFACE_UP && !udpu->is_cut_off, text);
	if (udpu->fd < 0 || udpu->watch_fd < 0)
		udpu_arm(udpu, &udpu->retry, RETRY_NS, udpu_retry);
	return rc;
}

static void udpu_retry(void *arg)
{
	struct udpu *udpu = arg;

	udpu->retry = NULL;
	udpu_check(udpu);
}

static void udpu_recheck(void *arg)
{
	struct udpu *udpu = arg;

	udpu->recheck = NULL;
	udpu_check(udpu);
}

static void udpu_news(void *arg, int fd, uint32_t revents)
{
	struct udpu *udpu = arg;

	(void)revents;
	if (!interface_watch_read(fd))
		return;
	/* What a path or device refused before may work now. */
	udpu->out.has_gso = udpu->has_offload;
	udpu->out.gso_size_max = 0;
	udpu_check(udpu);
}

/* ---- What sends and answers tell ----------------------------------------- */

/*
 * Notes whether anything leaves this host: a firewall or a missing route is seen by nothing else
 * (spec 05 §11.3). The host hears of it from the loop, since this runs inside its own calls.
 */
void udpu_note_result(struct udpu *udpu, bool is_sent, int error)
{
	uint64_t now_ns = udpu->host->now_ns(udpu->ctx);

	if (is_sent) {
		udpu->failing_ns = 0;
		if (!udpu->is_cut_off)
			return;
		udpu->is_cut_off = false;
	} else {
		if (udpu->failing_ns == 0)
			udpu->failing_ns = now_ns;
		if (udpu->is_cut_off || now_ns - udpu->failing_ns < CUT_OFF_NS ||
			error == EMSGSIZE || error == ENOBUFS)
			return;
		udpu->is_cut_off = true;
		udpu->cut_off_error = error;
	}
	udpu_arm(udpu, &udpu->recheck, 0, udpu_recheck);
}

static void udpu_tell_refused(void *arg)
{
	struct udpu *udpu = arg;
	uint64_t now_ns = udpu->host->now_ns(udpu->ctx);

	udpu->refused = NULL;
	for (uint32_t i = 0; i < udpu->peers.count; i++) {
		struct peer *peer = &udpu->peers.list[i];

		if (!peer->is_refused)
			continue;
		peer->is_refused = false;
		if (peer->told_ns != 0 && now_ns - peer->told_ns < REFUSED_PAUSE_NS)
			continue;
		peer->told_ns = now_ns;
		udpu->host->peer_dead(udpu->ctx, peer->nodeid);
	}
}

/*
 * Only the peer's own word that nothing listens on its port counts. The host is told later, from
 * the loop: this runs inside sends too, and a frame of the peer that comes meanwhile takes it back.
 */
void udpu_on_icmp(void *arg, const struct icmp_report *report)
{
	struct udpu *udpu = arg;
	const struct sockaddr *to = (const struct sockaddr *)&report->to;

	if (report->error != ECONNREFUSED || !report->is_from_destination)
		return;

	struct peer *peer = peers_find_address(&udpu->peers, to);

	if (peer == NULL || peer->is_local ||
		address_port((const struct sockaddr *)&peer->address) != address_port(to))
		return;
	peer->is_refused = true;
	udpu_arm(udpu, &udpu->refused, REFUSED_SETTLE_NS, udpu_tell_refused);
}

/* ---- Life ---------------------------------------------------------------- */

int udpu_link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	struct udpu *udpu = self;
	socklen_t size = address_size(local);

	if (link != 0)
		return -EINVAL;
	if (size == 0)
		return -EAFNOSUPPORT;
	if (udpu->is_open)
		return -EEXIST;
	memcpy(&udpu->local, local, size);
	udpu->link = link;
	udpu->is_open = true;
	udpu->watch_fd = interface_watch_open();
	if (udpu->watch_fd >= 0 && udpu->host->fd_add(udpu->ctx, udpu->watch_fd, COTERIE_FD_IN, 0,
					   udpu_news, udpu) < 0) {
		close(udpu->watch_fd);
		udpu->watch_fd = -1;
	}

	int rc = udpu_check(udpu);

	/* An address that may still come is waited for; the rest is for a person to put right. */
	return rc == -EADDRNOTAVAIL ? 0 : rc;
}

void udpu_link_close(struct udpu *udpu)
{
	udpu->host->timer_del(udpu->ctx, udpu->retry);
	udpu->host->timer_del(udpu->ctx, udpu->refused);
	udpu->host->timer_del(udpu->ctx, udpu->recheck);
	if (udpu->watch_fd >= 0) {
		udpu->host->fd_del(udpu->ctx, udpu->watch_fd);
		close(udpu->watch_fd);
	}
	if (udpu->fd >= 0) {
		udpu->host->fd_del(udpu->ctx, udpu->fd);
		close(udpu->fd);
	}
}
