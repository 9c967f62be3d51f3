/*
 * UDP unicast: every frame goes to each peer in a datagram of its own, from one socket bound to
 * this node's address and port, which also receives everything. Frames and token of one node are
 * thus one flow, and the network hardly ever reorders them (spec 05 §4, §10.4).
 */
#include "transports/udpu/udpu.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* One line per cause and this time. */
#define LOG_PAUSE_NS UINT64_C(10000000000)
/* Batches read in one go before the loop looks after others. */
#define READ_ROUNDS 4
#define NETMTU 1500u
#define FRAME_HEADERS 90u

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

void udpu_ready(void *arg, int fd, uint32_t revents)
{
	struct udpu *udpu = arg;

	if ((revents & (COTERIE_FD_ERROR | COTERIE_FD_HANGUP)) != 0)
		icmp_drain(fd, udpu_on_icmp, udpu);
	if ((revents & COTERIE_FD_OUT) != 0)
		udpu_flush(udpu);
	udpu_read(udpu);
}

/* ---- The node list ------------------------------------------------------- */

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
	udpu_link_close(udpu);
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

/* ---- Status -------------------------------------------------------------- */

/* What a frame may carry (spec 05 §7): the operator's netmtu, or ours, without two frame headers. */
static uint32_t udpu_mtu(const struct udpu *udpu)
{
	uint32_t type, size, netmtu = NETMTU;
	const void *value;

	if (udpu->host->map_get(udpu->ctx, "totem.netmtu", &type, &value, &size) == 0 &&
		type == COTERIE_MAP_U32)
		memcpy(&netmtu, value, sizeof(netmtu));
	return netmtu - FRAME_HEADERS;
}

static bool udpu_is_member(const struct udpu *udpu, uint32_t nodeid)
{
	struct coterie_ring_id ring;
	const uint32_t *members;
	uint32_t count;

	udpu->host->membership(udpu->ctx, &ring, &members, &count);
	for (uint32_t i = 0; i < count; i++) {
		if (members[i] == nodeid)
			return true;
	}
	return false;
}

/*
 * There is no sign of life but the ring's: who is a member can be reached. As in the reference the
 * node's own address stands as the source, and a node that is not listed is no error but all zero.
 */
static int udpu_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status)
{
	struct udpu *udpu = self;
	const struct peer *peer = peers_find(&udpu->peers, nodeid);
	struct coterie_link_status *link = &status->links[0];

	if (peer == NULL)
		return 0;
	status->is_reachable = udpu_is_member(udpu, nodeid);
	link->is_enabled = 1;
	link->is_connected = status->is_reachable;
	link->mtu = udpu_mtu(udpu);
	getnameinfo((const struct sockaddr *)&peer->address, peer->address_size, link->source,
		sizeof(link->source), NULL, 0, NI_NUMERICHOST);
	return 0;
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
	.netmtu = NETMTU,
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
	.node_status = udpu_node_status,
};

COTERIE_PLUGIN(udpu, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "UDP unicast to every node of the node list", .needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED, COTERIE_OPTIONS(udpu_option_list),
	.ops = &udpu_ops);
