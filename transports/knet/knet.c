/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport knet: libknet makes all packets of the network (book transports, "knet"). It handles up to eight links
 * to each node, encryption, compression and path MTU discovery. This plugin configures libknet, passes frames through
 * one socket, and reports libknet's state to the executive.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "transports/common/mark.h"
#include "transports/knet/check.h"

/*
 * A frame fills sixteen packets of common Ethernet, with encryption. libknet could carry 65536 bytes, as with Corosync,
 * but a frame is lost if one of its packets is lost. With eight packets it would cost half as much again to pass the
 * frames to libknet's thread. Peers accept any size.
 */
#define NETMTU 22000u
#define MTU_HELD 1280u /* every IP network carries it */
#define MTU_HOLD_NS (UINT64_C(10) * 1000 * 1000 * 1000)
#define MTU_HOLD_MAX_NS (64 * MTU_HOLD_NS)
#define PMTUD_INTERVAL_MAX_S 86400u

int mesh_result(int rc)
{
	if (rc >= 0)
		return 0;
	return errno > 0 ? -errno : -EIO;
}

/* ---- The map ------------------------------------------------------------- */

uint64_t mesh_map_number(const struct mesh *mesh, const char *key, uint64_t otherwise)
{
	uint32_t type, size;
	const void *value;
	uint64_t number = 0;

	/*
	 * Each width is read separately: where a small number is in the bytes of a larger one depends on the byte
	 * order.
	 */
	if (mesh->host->map_get(mesh->ctx, key, &type, &value, &size) < 0 || type > COTERIE_MAP_U64 ||
		size > sizeof(number))
		return otherwise;
	switch (size) {
	case 1:
		return *(const uint8_t *)value;
	case 2: {
		uint16_t half;

		memcpy(&half, value, sizeof(half));
		return half;
	}
	case 4: {
		uint32_t word;

		memcpy(&word, value, sizeof(word));
		return word;
	}
	}
	memcpy(&number, value, size);
	return number;
}

const char *mesh_map_text(const struct mesh *mesh, const char *key, const char *otherwise)
{
	uint32_t type, size;
	const void *value;

	if (mesh->host->map_get(mesh->ctx, key, &type, &value, &size) < 0 || type != COTERIE_MAP_STRING)
		return otherwise;
	return value;
}

/* ---- Settings that may change -------------------------------------------- */

static int apply_compression(struct mesh *mesh)
{
	struct knet_handle_compress_cfg config = {
		.compress_threshold = (uint32_t)mesh_map_number(
			mesh, "runtime.config.totem.knet_compression_threshold", 0),
		.compress_level = (int)mesh_map_number(mesh, "runtime.config.totem.knet_compression_level", 0),
	};
	const char *model = mesh_map_text(mesh, "runtime.config.totem.knet_compression_model", "none");

	snprintf(config.compress_model, sizeof(config.compress_model), "%s", model);

	int rc = mesh_result(knet_handle_compress(mesh->handle, &config));

	if (rc < 0)
		mesh->host->log(mesh->ctx, LOG_ERR,
			"knet_compression_model '%s' at level %d cannot be used (%s): check both, "
			"and "
			"that libknet has the module",
			model, config.compress_level, strerror(-rc));
	return rc;
}

int mesh_mtu_apply(struct mesh *mesh, bool is_held)
{
	uint64_t mtu = mesh_map_number(mesh, "runtime.config.totem.knet_mtu", 0);
	int rc;

	if (mtu > UINT16_MAX)
		mtu = UINT16_MAX;
	if (mtu == 0 && (is_held || mesh->mtu_held_ns != 0))
		mtu = MTU_HELD;
	if (mesh->has_mtu && mesh->mtu == mtu)
		return 0;
	rc = mesh_result(knet_handle_pmtud_set(mesh->handle, (unsigned int)mtu));
	mesh->has_mtu = rc == 0;
	mesh->mtu = mtu;
	return rc;
}

void mesh_mtu_hold(struct mesh *mesh, struct mesh_peer *peer)
{
	uint64_t clock_ns = mesh_clock_ns();

	if (mesh->mtu_held_ns == 0) {
		bool is_again = mesh->mtu_hold_ns != 0 && clock_ns - mesh->mtu_free_ns < mesh->mtu_hold_ns;
		uint64_t hold_ns = is_again ? 2 * mesh->mtu_hold_ns : MTU_HOLD_NS;

		mesh->mtu_hold_ns = hold_ns < MTU_HOLD_MAX_NS ? hold_ns : MTU_HOLD_MAX_NS;
		mesh->mtu_held_ns = clock_ns + mesh->mtu_hold_ns;
		mesh_mtu_apply(mesh, true);
	}
	/*
	 * With a configured MTU libknet leaves a path that has no MTU without one. So open the paths again: a new path
	 * has the smallest MTU.
	 */
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		if (peer->paths[link].is_connected && mesh_path_renew(mesh, peer, link) < 0)
			return;
}

void mesh_mtu_release(struct mesh *mesh)
{
	uint64_t clock_ns = mesh_clock_ns();

	if (mesh->mtu_held_ns == 0 || clock_ns < mesh->mtu_held_ns)
		return;
	mesh->mtu_held_ns = 0;
	mesh->mtu_free_ns = clock_ns;
	mesh_mtu_apply(mesh, mesh->crypto.rekey.is_changing);
}

static int apply_handle(struct mesh *mesh)
{
	uint64_t blocks = mesh_map_number(mesh, "runtime.config.totem.block_unlisted_ips", 1);
	uint64_t interval = mesh_map_number(mesh, "runtime.config.totem.knet_pmtud_interval", 30);
	int rc = mesh_result(knet_handle_enable_access_lists(mesh->handle, blocks != 0));

	if (interval > PMTUD_INTERVAL_MAX_S)
		interval = PMTUD_INTERVAL_MAX_S;
	if (rc == 0)
		rc = mesh_result(knet_handle_pmtud_setfreq(mesh->handle, (unsigned int)interval));
	if (rc == 0)
		rc = mesh_mtu_apply(mesh, mesh->crypto.rekey.is_changing);
	if (rc < 0)
		mesh->host->log(mesh->ctx, LOG_WARNING,
			"libknet does not take block_unlisted_ips, knet_pmtud_interval or "
			"knet_mtu: "
			"%s",
			strerror(-rc));
	return rc;
}

/* Apply the mark. Call this before links are opened: libknet marks only sockets that it opens afterwards. */
static void apply_mark(struct mesh *mesh)
{
	uint32_t dscp = mark_read(mesh->host, mesh->ctx);

	if (dscp == 0)
		return;
#ifdef HAVE_KNET_HANDLE_SETPRIO_DSCP
	if (knet_handle_setprio_dscp(mesh->handle, (uint8_t)dscp) < 0)
		mesh->host->log(mesh->ctx, LOG_WARNING, "libknet does not take ip_dscp: %s", strerror(errno));
#else
	mesh->host->log(mesh->ctx, LOG_WARNING,
		"built with libknet " LIBKNET_VERSION
		", which marks packets as it likes: ip_dscp has effect from 1.32 on; udp and udpu take it");
#endif
}

/*
 * Read the configuration again. Change the keys first: if they are refused, nothing else has changed. Other failures
 * are only logged.
 */
static int mesh_reload(void *self)
{
	struct mesh *mesh = self;
	int rc = mesh_crypto_reload(mesh);

	if (rc < 0)
		return rc;
	apply_handle(mesh);
	apply_compression(mesh);
	mesh_links_apply(mesh);
	mesh_signs_reload(mesh); /* if the option cannot be read, the tripwire stays as it is */
	mesh_log_levels(mesh);
	return rc;
}

/* ---- Life ---------------------------------------------------------------- */

static bool may_raise_buffers(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {{0}};

	if (syscall(SYS_capget, &header, sets) < 0)
		return geteuid() == 0;
	return (sets[0].effective & 1u << CAP_NET_ADMIN) != 0;
}

/*
 * Create the handle. libknet requires 8 MiB of socket buffer, which needs a privilege unless net.core.rmem_max allows
 * it. Without the privilege smaller buffers are accepted. With the privilege the operator decides.
 */
static int create_handle(struct mesh *mesh)
{
	knet_node_id_t id = (knet_node_id_t)mesh->nodeid;
	const char *fallback = mesh_map_text(mesh, "system.allow_knet_handle_fallback", "no");

	mesh->handle = knet_handle_new(id, mesh->log_fds[1], KNET_LOG_INFO);
	if (mesh->handle != NULL)
		return 0;
	if (errno != ENAMETOOLONG)
		return mesh_result(-1);
	if (may_raise_buffers() && strcmp(fallback, "yes") != 0) {
		mesh->host->log(mesh->ctx, LOG_ERR,
			"the socket buffers that libknet needs are refused: raise "
			"net.core.rmem_max and "
			"net.core.wmem_max to 8388608, or set system.allow_knet_handle_fallback to "
			"yes");
		return -EPERM;
	}
	mesh->host->log(mesh->ctx, LOG_WARNING,
		"knet_handle_new failed, trying unprivileged: small socket buffers may lose "
		"frames; "
		"raise net.core.rmem_max and net.core.wmem_max to 8388608");
	mesh->handle = knet_handle_new_ex(id, mesh->log_fds[1], KNET_LOG_INFO, 0);
	return mesh->handle == NULL ? mesh_result(-1) : 0;
}

/* Create the handle with blocked signals: libknet's threads inherit the mask, and the loop gets all signals. */
static int create_handle_masked(struct mesh *mesh)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
	sigset_t most, before;

	sigfillset(&most);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&most, faults[i]);
	pthread_sigmask(SIG_SETMASK, &most, &before);

	int rc = create_handle(mesh);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		mesh->host->log(mesh->ctx, LOG_ERR, "libknet does not start: %s", strerror(-rc));
	return rc;
}

static void logging_changed(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	(void)event, (void)key, (void)now, (void)before;
	mesh_log_levels(arg);
}

static void mesh_close(void *self)
{
	struct mesh *mesh = self;

	if (mesh->tracker != NULL)
		mesh->host->map_untrack(mesh->ctx, mesh->tracker);
	mesh_signs_close(mesh);
	if (mesh->handle != NULL) {
		mesh_data_close(mesh);
		mesh_mtu_apply(mesh, true); /* the other nodes may stop as well, so do not search for an MTU */
		knet_host_enable_status_change_notify(mesh->handle, NULL, NULL);
		/* libknet waits until all frames are sent, so that the leave is sent, too. */
		knet_handle_setfwd(mesh->handle, 0);
		mesh_links_close(mesh);
		mesh_stats_close(mesh);
	}
	mesh_watch_close(mesh);
	if (mesh->handle != NULL && knet_handle_free(mesh->handle) < 0)
		mesh->host->log(mesh->ctx, LOG_WARNING, "libknet does not end: %s", strerror(errno));
	mesh_log_close(mesh);
	mesh_crypto_close(mesh);
	free(mesh);
}

static int mesh_start(struct mesh *mesh)
{
	int rc = mesh_log_open(mesh);

	if (rc == 0)
		rc = create_handle_masked(mesh);
	if (rc == 0)
		mesh_log_version(mesh);
	if (rc < 0)
		return rc;
	mesh_log_levels(mesh);
	apply_mark(mesh);
	apply_handle(mesh); /* if libknet refuses a value, its own default is good enough */
	rc = mesh_data_open(mesh);
	if (rc == 0)
		rc = mesh_watch_open(mesh);
	if (rc == 0)
		rc = mesh_crypto_open(mesh);
	if (rc == 0)
		rc = mesh_signs_reload(mesh);
	if (rc < 0)
		return rc;
	apply_compression(mesh); /* if it fails, packets are only larger */
	mesh_stats_open(mesh);
	if (COTERIE_HAS(mesh->host, map_track) &&
		mesh->host->map_track(mesh->ctx, COTERIE_MAP_CONFIG, "logging.",
			COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX,
			logging_changed, mesh, &mesh->tracker) < 0)
		mesh->tracker = NULL;
	return mesh_result(knet_handle_setfwd(mesh->handle, 1));
}

static int mesh_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct mesh *mesh = calloc(1, sizeof(*mesh));
	const char *mode;
	int rc;

	if (mesh == NULL)
		return -ENOMEM;
	mesh->host = host;
	mesh->ctx = ctx;
	mesh->nodeid = host->local_nodeid(ctx);
	mesh->data_fd = mesh->event_fd = mesh->watch_fd = mesh->log_fds[0] = mesh->log_fds[1] = -1;
	mesh_signs_init(mesh);
	mode = mesh_map_text(mesh, "totem.link_mode", "passive");
	mesh->policy = strcmp(mode, "active") == 0 ? KNET_LINK_POLICY_ACTIVE
		       : strcmp(mode, "rr") == 0   ? KNET_LINK_POLICY_RR
						   : KNET_LINK_POLICY_PASSIVE;
	rc = mesh->nodeid == 0 || mesh->nodeid > UINT16_MAX ? -EINVAL : mesh_start(mesh);
	if (rc < 0) {
		mesh_close(mesh);
		return rc;
	}
	*self = mesh;
	return 0;
}

static void mesh_stats(void *self, struct coterie_transport_stats *stats)
{
	const struct mesh *mesh = self;
	uint32_t size = stats->size < sizeof(*stats) ? stats->size : (uint32_t)sizeof(*stats);

	memcpy(stats, &mesh->counts, size);
	stats->size = size;
}

static const struct coterie_transport knet_ops = {
	.size = sizeof(struct coterie_transport),
	.links_max = KNET_MAX_LINK,
	.frame_size_max = KNET_MAX_PACKET_SIZE,
	.netmtu = NETMTU,
	.header_size = 0,
	.open = mesh_open,
	.close = mesh_close,
	.link_up = mesh_link_up,
	.peer_add = mesh_peer_add,
	.peer_del = mesh_peer_del,
	.multicast = mesh_multicast,
	.token = mesh_token,
	.reload = mesh_reload,
	.stats = mesh_stats,
	.node_status = mesh_node_status,
	.link_down = mesh_link_down,
	.rekey = mesh_rekey,
	.watch = mesh_watch,
	.witness = mesh_witness,
	.poke = mesh_poke,
};

COTERIE_PLUGIN(knet, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "libknet: several links, encryption and compression",
	.needs = COTERIE_CAP_TRANSPORT | COTERIE_CAP_MAP, .offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED,
	COTERIE_OPTIONS(mesh_options), .ops = &knet_ops, .check = mesh_check);
