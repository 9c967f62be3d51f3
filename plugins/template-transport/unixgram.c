/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in AF_UNIX datagrams, so that a cluster runs inside one host without IP: a template for your own transports.
 * This file has the operations and the descriptor. unixgram.h describes how nodes find each other. link.c opens this
 * node's socket, peer.c sends, and receive.c receives.
 *
 * A transport has these duties. It may lose, duplicate or reorder frames, since the ring repairs that. It must not
 * change or invent frames. Sending must not wait. A node that does not read must not block the others.
 */
#include "unixgram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MS UINT64_C(1000000)
#define REPAIR_NS (1000 * MS) /* pause between two attempts to open a lost socket again */

/* ---- Options --- */

static const struct coterie_option unixgram_options[] = {
	{.name = "directory",
		.type = COTERIE_OPT_STRING,
		.initial = "/run/coterie-unixgram",
		.help = "folder of the sockets, the same for all nodes of a cluster"},
	{.name = "probe",
		.type = COTERIE_OPT_MS,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "25",
		.min = 5,
		.max = 10000,
		.help = "how often to look whether the other nodes' sockets are open"},
};

/* Read the options. Types and limits have been checked. Options without COTERIE_OPT_RELOAD keep their values. */
static int unixgram_reload(void *self)
{
	struct unixgram *unixgram = self;
	uint64_t probe_ms;
	int rc = unixgram->host->option_u64(unixgram->ctx, "probe", &probe_ms);

	if (rc == 0)
		unixgram->probe_ns = probe_ms * MS;
	return rc;
}

static int set_directory(struct unixgram *unixgram)
{
	const char *text;
	int rc = unixgram->host->option_string(unixgram->ctx, "directory", &text);

	if (rc < 0)
		return rc;

	size_t length = strlen(text);

	while (length > 1 && text[length - 1] == '/')
		length--;
	if (text[0] != '/' || length >= sizeof(unixgram->directory)) {
		unixgram->host->log(unixgram->ctx, LOG_ERR,
			"option 'directory' is '%s': give a full path of at most %zu characters", text,
			sizeof(unixgram->directory) - 1);
		return -EINVAL;
	}
	memcpy(unixgram->directory, text, length);
	return 0;
}

/* ---- The node list --- */

static struct unixgram_peer *peer_find(const struct unixgram *unixgram, uint32_t nodeid)
{
	struct unixgram_peer *peer = unixgram->peers;

	while (peer != NULL && peer->nodeid != nodeid)
		peer = peer->next;
	return peer;
}

/* Add a peer. The address in the node list is only for people, since this transport finds a node by its id. */
static int unixgram_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	struct unixgram *unixgram = self;

	(void)address;
	if (link != 0)
		return -EINVAL;
	if (nodeid == unixgram->host->local_nodeid(unixgram->ctx))
		return 0; /* the host delivers a node's own frames itself */
	if (peer_find(unixgram, nodeid) != NULL)
		return -EEXIST;

	struct unixgram_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return -ENOMEM;
	peer->owner = unixgram;
	peer->nodeid = nodeid;
	peer->fd = -1;
	peer->address = unixgram_name(unixgram, nodeid, "");
	snprintf(peer->sender, sizeof(peer->sender), "%u.out", nodeid);

	int rc = unixgram->fd < 0 ? 0 : unixgram_peer_open(peer); /* the link is open already: this is a reload */

	if (rc < 0) {
		free(peer);
		return rc;
	}
	peer->next = unixgram->peers;
	unixgram->peers = peer;
	return 0;
}

static void unixgram_peer_del(void *self, uint32_t link, uint32_t nodeid)
{
	struct unixgram *unixgram = self;
	struct unixgram_peer **at = &unixgram->peers;

	while (*at != NULL && (*at)->nodeid != nodeid)
		at = &(*at)->next;
	if (link != 0 || *at == NULL)
		return;

	struct unixgram_peer *peer = *at;

	*at = peer->next;
	unixgram_peer_unwatch(peer);
	unixgram_peer_close(peer);
	free(peer);
}

/* ---- Frames --- */

/*
 * All frames are accepted. A transport with one socket for all peers accepts fewer when that socket is full, and calls
 * host->writable() when there is room again. Here a socket is full because one peer does not read. The frames for that
 * peer wait (peer.c). The other peers continue, perhaps in a ring without that peer.
 */
static int unixgram_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	struct unixgram *unixgram = self;

	for (struct unixgram_peer *peer = unixgram->peers; peer != NULL; peer = peer->next)
		unixgram_peer_put(peer, frames, count);
	return (int)count;
}

static int unixgram_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct unixgram_peer *peer = peer_find(self, nodeid);

	if (peer == NULL)
		return -ENOENT;
	unixgram_peer_put_one(peer, frame);
	return 0;
}

/* ---- State that has to be polled --- */

/*
 * Report the state of the link. The ring starts at the first report that the link is up. This is needed for a single
 * node too, which is a ring of one.
 */
static void report(struct unixgram *unixgram, bool is_up, const char *why)
{
	unixgram->is_up = is_up;
	unixgram->host->link_state(unixgram->ctx, 0, is_up, why);
}

/*
 * Check this node's own socket. If its file was removed, no peer can reach this node, so the link is reported as down.
 */
static void check_link(struct unixgram *unixgram, uint64_t now_ns)
{
	if (unixgram_link_is_whole(unixgram))
		return;
	if (unixgram->is_up) {
		unixgram_link_close(unixgram);
		for (struct unixgram_peer *peer = unixgram->peers; peer != NULL; peer = peer->next)
			unixgram_peer_unwatch(peer);
		report(unixgram, false, "its socket was removed");
	}
	if (now_ns < unixgram->repair_ns)
		return;
	unixgram->repair_ns = now_ns + REPAIR_NS;
	if (unixgram_link_open(unixgram) == 0)
		report(unixgram, true, "its socket is there again");
}

/*
 * Check the link and the peers. If the ring has nothing to send, or has lost its token with a node, only this timer
 * finds a peer that has ended.
 */
static void probe(void *arg)
{
	struct unixgram *unixgram = arg;
	uint64_t now_ns = unixgram->host->now_ns(unixgram->ctx);

	unixgram->probe = NULL; /* the host frees a timer when it runs */
	check_link(unixgram, now_ns);
	unixgram_probe_at(unixgram, now_ns + unixgram->probe_ns);
	for (struct unixgram_peer *peer = unixgram->peers; peer != NULL; peer = peer->next) {
		if (peer->fd >= 0)
			unixgram_peer_check(peer);
	}
}

/*
 * Have the peers checked at this time. Without memory for a timer only a hint is lost: the ring then waits for its own
 * timeouts.
 */
void unixgram_probe_at(struct unixgram *unixgram, uint64_t at_ns)
{
	const struct coterie_host *host = unixgram->host;

	if (unixgram->probe != NULL && unixgram->probe_at_ns <= at_ns)
		return;
	host->timer_del(unixgram->ctx, unixgram->probe);
	unixgram->probe_at_ns = at_ns;
	if (host->timer_add(unixgram->ctx, at_ns, probe, unixgram, &unixgram->probe) < 0)
		unixgram->probe = NULL;
}

/* ---- Status --- */

static int unixgram_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status)
{
	struct unixgram *unixgram = self;
	struct coterie_link_status *link = &status->links[0];
	uint32_t local = unixgram->host->local_nodeid(unixgram->ctx);
	const struct unixgram_peer *peer = peer_find(unixgram, nodeid);

	if (peer == NULL && nodeid != local)
		return -ENOENT;
	status->is_reachable = peer == NULL ? unixgram->is_up : peer->is_there;
	link->is_enabled = 1;
	link->is_connected = status->is_reachable;
	link->mtu = UNIXGRAM_FRAME_MAX;
	snprintf(link->source, sizeof(link->source), "%s/%u", unixgram->directory, local);
	snprintf(link->destination, sizeof(link->destination), "%s/%u", unixgram->directory, nodeid);
	return 0;
}

/* The executive's struct may be longer or shorter than the one of this plugin. Its size is in stats->size. */
static void unixgram_stats(void *self, struct coterie_transport_stats *stats)
{
	struct coterie_transport_stats ours = ((const struct unixgram *)self)->stats;

	ours.size = stats->size;
	memcpy(stats, &ours, stats->size < sizeof(ours) ? stats->size : sizeof(ours));
}

/* ---- Start and end --- */

static void unixgram_close(void *self)
{
	struct unixgram *unixgram = self;

	unixgram->host->timer_del(unixgram->ctx, unixgram->probe);
	unixgram_link_close(unixgram);
	while (unixgram->peers != NULL)
		unixgram_peer_del(unixgram, 0, unixgram->peers->nodeid);
	for (uint32_t i = 0; i < UNIXGRAM_BATCH; i++) {
		if (unixgram->buffers[i] != NULL)
			unixgram->host->frame_unref(unixgram->buffers[i]);
	}
	free(unixgram);
}

/*
 * If the configuration requires encryption, return an error: this transport has none. Members of the host table that
 * are newer than 1.0 need a check with COTERIE_HAS first.
 */
static int refuse_crypto(const struct unixgram *unixgram)
{
	const struct coterie_host *host = unixgram->host;
	const void *key;
	uint32_t size;

	if (!COTERIE_HAS(host, key_get) || host->key_get(unixgram->ctx, &key, &size) == -ENODATA)
		return 0;
	host->log(unixgram->ctx, LOG_ERR,
		"this transport does not encrypt: remove crypto_cipher, crypto_hash and secauth");
	return -ENOTSUP;
}

static int unixgram_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct unixgram *unixgram = calloc(1, sizeof(*unixgram));

	if (unixgram == NULL)
		return -ENOMEM;
	unixgram->host = host;
	unixgram->ctx = ctx;
	unixgram->fd = unixgram->lock_fd = -1;

	int rc = refuse_crypto(unixgram);

	if (rc == 0)
		rc = unixgram_reload(unixgram);
	if (rc == 0)
		rc = set_directory(unixgram);
	for (uint32_t i = 0; i < UNIXGRAM_BATCH && rc == 0; i++) {
		unixgram->buffers[i] = host->frame_take(ctx, UNIXGRAM_FRAME_MAX);
		rc = unixgram->buffers[i] == NULL ? -ENOMEM : 0;
	}
	if (rc < 0) {
		unixgram_close(unixgram);
		return rc;
	}
	*self = unixgram;
	return 0;
}

static int unixgram_link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	struct unixgram *unixgram = self;

	(void)local;
	if (link != 0)
		return -EINVAL;
	if (unixgram->fd >= 0)
		return -EEXIST;

	int rc = unixgram_link_open(unixgram);

	if (rc < 0)
		return rc;
	unixgram_probe_at(unixgram, unixgram->host->now_ns(unixgram->ctx) + unixgram->probe_ns);
	report(unixgram, true, "its socket is open");
	return 0;
}

static const struct coterie_transport unixgram_ops = {
	.size = sizeof(struct coterie_transport),
	.links_max = 1,
	.frame_size_max = UNIXGRAM_FRAME_MAX,
	.netmtu = UNIXGRAM_FRAME_MAX,
	.header_size = 0, /* a datagram has no other header */
	.open = unixgram_open,
	.close = unixgram_close,
	.link_up = unixgram_link_up,
	.peer_add = unixgram_peer_add,
	.peer_del = unixgram_peer_del,
	.multicast = unixgram_multicast,
	.token = unixgram_token,
	/*
	 * There is no `drain`: all frames arrive at one socket, so frames of a node are read in their order. There is
	 * no `link_down`: the transport has one link, which every node has.
	 */
	.reload = unixgram_reload,
	.stats = unixgram_stats,
	.node_status = unixgram_node_status,
};

COTERIE_PLUGIN(unixgram, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "AF_UNIX datagrams between the daemons of one host", .needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED, COTERIE_OPTIONS(unixgram_options),
	.ops = &unixgram_ops);
