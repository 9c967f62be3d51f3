/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Functions of all parts ----------------------------------------------- */

int kv_ring_compare(const struct kv_ring *a, const struct kv_ring *b)
{
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return (a->rep > b->rep) - (a->rep < b->rep);
}

bool kv_ring_equals(const struct kv_ring *a, const struct kv_ring *b) { return kv_ring_compare(a, b) == 0; }

bool kv_state_equals(const struct kv_state_id *a, const struct kv_state_id *b)
{
	return kv_ring_equals(&a->epoch, &b->epoch) && a->revision == b->revision && a->hash == b->hash;
}

struct kv_wire_ring kv_ring_to_wire(const struct kv_ring *ring)
{
	return (struct kv_wire_ring){.seq = htole64(ring->seq), .rep = htole32(ring->rep)};
}

struct kv_ring kv_ring_from_wire(const struct kv_wire_ring *wire)
{
	return (struct kv_ring){.seq = le64toh(wire->seq), .rep = le32toh(wire->rep)};
}

bool kv_is_readable(const struct kv *kv) { return kv->has_state; }

/* ---- Options ------------------------------------------------------------- */

static const struct coterie_option kv_options[] = {
	{.name = "bytes_max",
		.type = COTERIE_OPT_SIZE,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "268435456",
		.min = 1u << 20,
		.max = UINT64_C(3) << 30,
		.help = "bytes of all keys and values, with 64 for each; the smallest of the ring's counts"},
	{.name = "transfer_rate",
		.type = COTERIE_OPT_SIZE,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "33554432",
		.min = 1u << 16,
		.max = UINT64_C(1) << 32,
		.help = "bytes a second that a node sends of its state to members that have none"},
	{.name = "any_quorum",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "no",
		.help = "serve in each ring with quorum, even without a majority of the nodes; writes can be lost"},
};

static int options_read(struct kv *kv)
{
	int rc = kv->host->option_u64(kv->ctx, "bytes_max", &kv->option_bytes_max);

	if (rc == 0)
		rc = kv->host->option_u64(kv->ctx, "transfer_rate", &kv->option_rate);
	return rc < 0 ? rc : kv->host->option_u64(kv->ctx, "any_quorum", &kv->option_any_quorum);
}

static int kv_reload(void *self)
{
	struct kv *kv = self;
	int rc = options_read(kv);

	if (rc == 0)
		kv_notice(kv);
	return rc;
}

/* ---- Life ---------------------------------------------------------------- */

static void on_verdict(void *arg, const struct coterie_quorum *quorum)
{
	(void)quorum;
	kv_notice(arg);
}

static void pendings_free(struct kv_pending *pending)
{
	while (pending != NULL) {
		struct kv_pending *next = pending->next;

		free(pending);
		pending = next;
	}
}

static void kv_fini(void *self)
{
	struct kv *kv = self;

	kv_transfer_stop(kv);
	kv->host->timer_del(kv->ctx, kv->notice_timer);
	kv->host->timer_del(kv->ctx, kv->sweep_timer);
	kv->host->timer_del(kv->ctx, kv->due_timer);
	kv->host->timer_del(kv->ctx, kv->store_timer);
	kv_watch_stop(kv);
	kv_clients_free(kv);
	free(kv->holders);
	kv_members_free(kv);
	kv_store_clear(&kv->store);
	kv_takeover_free(kv);
	pendings_free(kv->pending);
	pendings_free(kv->due);
	free(kv->marker.members);
	free(kv);
}

static int kv_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct kv *kv = calloc(1, sizeof(*kv));

	if (kv == NULL)
		return -ENOMEM;
	kv->host = host;
	kv->ctx = ctx;
	kv->pending_end = &kv->pending;
	kv->due_end = &kv->due;
	kv_store_init(&kv->store);

	int rc = options_read(kv);

	if (rc == 0)
		rc = host->quorum_watch(ctx, on_verdict, kv);
	if (rc < 0) {
		kv_fini(kv);
		return rc;
	}
	kv_marker_load(kv);
	*self = kv;
	return 0;
}

/*
 * Return 0 when the other members are informed, the last requests of clients are answered, and the marker is stored: the
 * service may be loaded again at once.
 */
static int kv_drain(void *self)
{
	struct kv *kv = self;
	int rc = kv_leave(kv);

	return rc == 0 && (kv->pending != NULL || kv->due != NULL || kv->stores > 0) ? -EAGAIN : rc;
}

static void kv_dump(void *self)
{
	struct kv *kv = self;

	kv->host->log(kv->ctx, LOG_INFO,
		"epoch %u.%llu, revision %llu, hash %016llx, %llu keys, %llu bytes of %llu; %s%s%s%s; donor %u",
		kv->state.epoch.rep, (unsigned long long)kv->state.epoch.seq, (unsigned long long)kv->state.revision,
		(unsigned long long)kv->state.hash, (unsigned long long)kv->store.keys,
		(unsigned long long)kv->store.bytes, (unsigned long long)kv->bytes_max,
		kv->has_state ? "whole" : "not whole", kv->is_serving ? ", serving" : "",
		kv->is_syncing ? ", synchronising" : "", kv->is_waiting ? ", waiting" : "", kv->donor);
}

static const struct coterie_ring_msg kv_ring_msgs[] = {
	/* function, size of the shortest message, byte order (NULL: always little-endian), delivery */
	{KV_RING_WRITE, sizeof(struct kv_ring_write), NULL, kv_deliver_write, NULL},
	{KV_RING_READ, sizeof(struct kv_ring_read), NULL, kv_deliver_read, NULL},
	{KV_RING_ANNOUNCE, sizeof(struct kv_ring_announce), NULL, kv_deliver_announce, NULL},
	{KV_RING_NOTICE, sizeof(struct kv_ring_notice), NULL, kv_deliver_notice, NULL},
	{KV_RING_CHUNK, sizeof(struct kv_ring_chunk), NULL, kv_deliver_chunk, NULL},
	{KV_RING_STANDING, sizeof(struct kv_ring_standing), NULL, kv_deliver_standing, NULL},
	{KV_RING_RECOVER, sizeof(struct kv_ring_recover), NULL, kv_deliver_recover, NULL},
};

const struct coterie_service kv_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = KV_SERVICE_ID,
	.ipc_name = "kv",
	.title = "replicated table of keys and values",
	.client_size = sizeof(struct kv_client *),
	.priority = 1,
	.init = kv_init,
	.fini = kv_fini,
	.client_join = kv_client_join,
	.client_leave = kv_client_leave,
	.configuration = kv_configuration,
	.sync_start = kv_sync_start,
	.sync_step = kv_sync_step,
	.sync_done = kv_sync_done,
	.reload = kv_reload,
	.drain = kv_drain,
	.state_save = kv_state_save,
	.state_load = kv_state_load,
	.dump = kv_dump,
	.requests = kv_requests,
	.request_count = KV_REQUEST_COUNT,
	.request_size = sizeof(struct coterie_request),
	COTERIE_RING_MSGS(kv_ring_msgs),
};

COTERIE_PLUGIN(kv, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "replicated table of keys and values",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_QUORUM | COTERIE_CAP_ADMIN |
		 COTERIE_CAP_RIGHTS | COTERIE_CAP_STATS | COTERIE_CAP_DELIVERY,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, COTERIE_OPTIONS(kv_options),
	.ops = &kv_ops);
