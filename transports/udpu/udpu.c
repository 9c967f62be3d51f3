/*
 * UDP unicast: every frame goes to each peer in a datagram of its own, from one socket bound to
 * this node's address and port, which also receives everything. Frames and token of one node are
 * thus one flow, and the network hardly ever reorders them (spec 05 §4, §10.4).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <coterie/transport.h>

#include "transports/common/batch.h"
#include "transports/common/icmp.h"
#include "transports/common/interface.h"
#include "transports/common/peers.h"
#include "transports/common/pending.h"
#include "transports/common/socket.h"

#define MS UINT64_C(1000000)

/* An address that is not there is looked for at this pace, besides the news of the system. */
#define RETRY_NS (1000 * MS)
/* Frames still under way may prove a peer alive before it is called dead, and that once a second.
 */
#define REFUSED_SETTLE_NS (1 * MS)
#define REFUSED_PAUSE_NS (1000 * MS)
/* Sends that fail on this host for this long, to whomever, mean that this node is the isolated one.
 */
#define CUT_OFF_NS (300 * MS)
/* One line per cause and this time. */
#define LOG_PAUSE_NS (10000 * MS)
/* Batches read in one go before the loop looks after others. */
#define READ_ROUNDS 4
/* A receive buffer for fewer frames than this drops some under load (spec 09 §3.4). */
#define FRAMES_MIN 400

/** When a line may be written again. */
struct limiter {
	uint64_t next_ns;
	uint64_t hidden;
};

struct udpu {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct peers peers;
	struct sockaddr_storage local; /* set by link_up */
	bool is_open;                  /* link_up was called */
	bool is_up;                    /* as last reported */
	bool is_reported;              /* anything was */
	bool blocks_unlisted;
	bool has_offload;
	bool has_told_buffer;
	uint32_t buffer_size;
	uint32_t link;
	int fd;       /* -1: the address is not there */
	int watch_fd; /* news about interfaces; -1: not to be had */
	struct coterie_timer *retry;
	struct coterie_timer *refused;
	struct coterie_timer *recheck;
	uint64_t failing_ns; /* since when no send to anybody works; 0: the last one did */
	int cut_off_error;
	bool is_cut_off; /* that has lasted too long */
	bool has_started;
	struct batch_out out;
	struct batch_in *in;
	struct pending pending;
	uint64_t rejected, receive_errors;
	struct limiter reject_log, send_log;
};

static bool limiter_pass(struct limiter *limiter, uint64_t now_ns, uint64_t *hidden)
{
	if (now_ns < limiter->next_ns) {
		limiter->hidden++;
		return false;
	}
	*hidden = limiter->hidden;
	limiter->hidden = 0;
	limiter->next_ns = now_ns + LOG_PAUSE_NS;
	return true;
}

/* Sets a timer unless it is set. Out of memory costs a hint: the ring's own timers do without. */
static void udpu_arm(
	struct udpu *udpu, struct coterie_timer **timer, uint64_t after_ns, void (*run)(void *arg))
{
	uint64_t at_ns = udpu->host->now_ns(udpu->ctx) + after_ns;

	if (*timer == NULL && udpu->host->timer_add(udpu->ctx, at_ns, run, udpu, timer) < 0)
		*timer = NULL;
}

/* ---- What the network says ----------------------------------------------- */

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
static void udpu_on_icmp(void *arg, const struct icmp_report *report)
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

/* ---- Receiving ----------------------------------------------------------- */

static bool udpu_accept(void *arg, const struct sockaddr *from, uint32_t count)
{
	struct udpu *udpu = arg;
	struct peer *peer = peers_find_address(&udpu->peers, from);
	uint64_t now_ns = udpu->host->now_ns(udpu->ctx);
	uint64_t hidden;

	if (peer != NULL) {
		peer->heard_ns = now_ns;
		peer->is_refused = false;
		return !peer->is_local;
	}
	if (!udpu->blocks_unlisted)
		return true;
	udpu->rejected += count;
	if (limiter_pass(&udpu->reject_log, now_ns, &hidden)) {
		char text[ADDRESS_TEXT_SIZE];

		udpu->host->log(udpu->ctx, LOG_DEBUG,
			"Packet rejected from %s: not in the node list (%ju more before this)",
			address_text(from, text), (uintmax_t)hidden);
	}
	return false;
}

static void udpu_read(struct udpu *udpu)
{
	const struct batch_filter filter = {.accept = udpu_accept, .arg = udpu};

	for (int i = 0; i < READ_ROUNDS && udpu->fd >= 0; i++) {
		int rc = batch_in_read(udpu->in, udpu->fd, &filter);

		if (rc == 0)
			return;
		if (rc < 0) {
			udpu->receive_errors++;
			icmp_drain(udpu->fd, udpu_on_icmp, udpu);
		}
	}
}

/* ---- Sending ------------------------------------------------------------- */

static void udpu_count_lost(struct udpu *udpu, struct peer *peer, uint32_t lost, int error)
{
	uint64_t hidden;

	if (lost == 0)
		return;
	peer->send_errors += lost;
	if (!limiter_pass(&udpu->send_log, udpu->host->now_ns(udpu->ctx), &hidden))
		return;

	char text[ADDRESS_TEXT_SIZE];

	udpu->host->log(udpu->ctx, LOG_INFO,
		"cannot send to node %u at %s: %s; still trying (%ju more failures before this)",
		peer->nodeid, address_text((struct sockaddr *)&peer->address, text),
		strerror(error), (uintmax_t)hidden);
}

static void udpu_recheck(void *arg);

/*
 * Notes whether anything leaves this host: a firewall or a missing route is seen by nothing else
 * (spec 05 §11.3). The host hears of it from the loop, since this runs inside its own calls.
 */
static void udpu_note_result(struct udpu *udpu, bool is_sent, int error)
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

/* Sends what the socket takes. @return frames done with */
static uint32_t udpu_send(
	struct udpu *udpu, struct peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	uint32_t lost;
	int error;
	uint32_t done = batch_send(&udpu->out, (struct sockaddr *)&peer->address,
		peer->address_size, frames, count, &lost, &error);

	if (done > 0)
		udpu_note_result(udpu, done > lost, error);
	udpu_count_lost(udpu, peer, lost, error);
	return done;
}

/* Keeps for later what the socket has no room for now. */
static void udpu_keep(
	struct udpu *udpu, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count)
{
	if (count == 0)
		return;
	udpu->out.errors += count - pending_add(&udpu->pending, nodeid, frames, count);
	udpu->host->fd_mod(udpu->ctx, udpu->fd, COTERIE_FD_IN | COTERIE_FD_OUT);
}

/* The socket has room again: runs of frames to one node go as before. */
static void udpu_flush(struct udpu *udpu)
{
	struct coterie_frame *frames[BATCH_SEGMENTS_MAX];
	uint32_t nodeid;
	uint32_t count;

	while ((count = pending_front(&udpu->pending, &nodeid, frames, BATCH_SEGMENTS_MAX)) > 0) {
		struct peer *peer = peers_find(&udpu->peers, nodeid);
		uint32_t done = peer == NULL ? count : udpu_send(udpu, peer, frames, count);

		pending_drop(&udpu->pending, done);
		if (done < count)
			return;
	}
	udpu->host->fd_mod(udpu->ctx, udpu->fd, COTERIE_FD_IN);
	udpu->host->writable(udpu->ctx);
}

static int udpu_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	struct udpu *udpu = self;

	if (udpu->fd < 0) {
		udpu->out.errors += count;
		return (int)count; /* lost: there is no network */
	}
	if (!pending_is_empty(&udpu->pending))
		return 0;
	for (uint32_t i = 0; i < udpu->peers.count; i++) {
		struct peer *peer = peers_in_ring_order(&udpu->peers, i);

		if (peer->is_local)
			continue;

		uint32_t done = udpu_send(udpu, peer, frames, count);

		udpu_keep(udpu, peer->nodeid, frames + done, count - done);
	}
	return (int)count;
}

static int udpu_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct udpu *udpu = self;
	struct peer *peer = peers_find(&udpu->peers, nodeid);

	if (peer == NULL || peer->is_local)
		return -ENOENT;
	if (udpu->fd < 0)
		udpu->out.errors++;
	else if (!pending_is_empty(&udpu->pending) || udpu_send(udpu, peer, &frame, 1) == 0)
		udpu_keep(udpu, nodeid, &frame, 1);
	return 0;
}

static void udpu_ready(void *arg, int fd, uint32_t revents)
{
	struct udpu *udpu = arg;

	if ((revents & (COTERIE_FD_ERROR | COTERIE_FD_HANGUP)) != 0)
		icmp_drain(fd, udpu_on_icmp, udpu);
	if ((revents & COTERIE_FD_OUT) != 0)
		udpu_flush(udpu);
	udpu_read(udpu);
}

/* ---- The link ------------------------------------------------------------ */

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

static int udpu_link_up(void *self, uint32_t link, const struct sockaddr *local)
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

static int udpu_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	struct udpu *udpu = self;

	if (link != 0)
		return -EINVAL;
	if (udpu->is_open && address->sa_family != udpu->local.ss_family)
		return -EAFNOSUPPORT;
	return peers_add(
		&udpu->peers, nodeid, nodeid == udpu->host->local_nodeid(udpu->ctx), address);
}

static void udpu_peer_del(void *self, uint32_t link, uint32_t nodeid)
{
	struct udpu *udpu = self;

	if (link == 0)
		peers_del(&udpu->peers, nodeid);
}

/* ---- Life ---------------------------------------------------------------- */

static int udpu_options(struct udpu *udpu)
{
	uint64_t blocks = 1;
	uint64_t offload = 1;
	uint64_t size = 0;
	int rc = udpu->host->option_u64(udpu->ctx, "block_unlisted_ips", &blocks);

	if (rc == 0)
		rc = udpu->host->option_u64(udpu->ctx, "offload", &offload);
	if (rc == 0)
		rc = udpu->host->option_u64(udpu->ctx, "socket_buffer", &size);
	if (rc < 0)
		return rc;
	udpu->blocks_unlisted = blocks != 0;
	udpu->has_offload = offload != 0;
	udpu->buffer_size = (uint32_t)size;
	return 0;
}

static int udpu_reload(void *self)
{
	return udpu_options(self); /* the other two show at the next start */
}

static void udpu_close(void *self)
{
	struct udpu *udpu = self;

	pending_fini(&udpu->pending);
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
	batch_in_destroy(udpu->in);
	peers_fini(&udpu->peers);
	free(udpu);
}

static int udpu_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct udpu *udpu = calloc(1, sizeof(*udpu));

	if (udpu == NULL)
		return -ENOMEM;
	udpu->host = host;
	udpu->ctx = ctx;
	udpu->pending.host = host;
	udpu->fd = -1;
	udpu->watch_fd = -1;
	udpu->out.fd = -1;
	udpu->out.on_icmp = udpu_on_icmp;
	udpu->out.arg = udpu;
	peers_init(&udpu->peers);

	int rc = udpu_options(udpu);

	if (rc == 0) {
		udpu->in = batch_in_create(host, ctx);
		rc = udpu->in == NULL ? -ENOMEM : 0;
	}
	if (rc < 0) {
		udpu_close(udpu);
		return rc;
	}
	*self = udpu;
	return 0;
}

static void udpu_stats(void *self, struct coterie_transport_stats *stats)
{
	const struct udpu *udpu = self;
	const struct batch_in_counts *in = batch_in_counts(udpu->in);
	struct coterie_transport_stats ours = {
		.size = stats->size,
		.frames_in = in->datagrams,
		.frames_out = udpu->out.datagrams,
		.bytes_in = in->bytes,
		.bytes_out = udpu->out.bytes,
		.send_calls = udpu->out.calls,
		.receive_calls = in->calls,
		.send_errors = udpu->out.errors,
		.receive_errors = udpu->receive_errors + in->errors,
		.rejected = udpu->rejected,
	};

	memcpy(stats, &ours, stats->size < sizeof(ours) ? stats->size : sizeof(ours));
}

static const struct coterie_option udpu_option_list[] = {
	{.name = "block_unlisted_ips",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "yes",
		.help = "drop packets from addresses that are not in the node list"},
	{.name = "offload",
		.type = COTERIE_OPT_BOOL,
		.initial = "yes",
		.help = "hand many datagrams to the kernel at once (segmentation offload)"},
	{.name = "socket_buffer",
		.type = COTERIE_OPT_SIZE,
		.initial = "8388608",
		.min = 65536,
		.max = 1 << 30,
		.help = "buffer to ask the kernel for, in each direction"},
};

static const struct coterie_transport udpu_ops = {
	.size = sizeof(struct coterie_transport),
	.links_max = 1,
	.frame_size_max = BATCH_DATAGRAM_MAX,
	.netmtu = 1500,
	.header_size = 28, /* IPv4 and UDP */
	.open = udpu_open,
	.close = udpu_close,
	.link_up = udpu_link_up,
	.peer_add = udpu_peer_add,
	.peer_del = udpu_peer_del,
	.multicast = udpu_multicast,
	.token = udpu_token,
	.reload = udpu_reload,
	.stats = udpu_stats,
};

COTERIE_PLUGIN(udpu, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "UDP unicast to every node of the node list", .needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED, COTERIE_OPTIONS(udpu_option_list),
	.ops = &udpu_ops);
