/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics: libknet's own numbers under the names that are usual (book configuration, "Statistics map"). Each key is
 * a member of the struct that one call of libknet fills in. One call is made for all keys that are read together.
 */
#include "transports/knet/knet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 80
/* Numbers that are older than this are read again. */
#define FRESH_NS UINT64_C(1000000)

struct field {
	const char *name;
	uint32_t type; /* COTERIE_MAP_* */
	uint32_t offset;
};

#define STATUS(name, type) \
	{ \
#name, COTERIE_MAP_##type, offsetof(struct knet_link_status, name) \
	}
#define LINK(name, type) LINK_AS(#name, name, type)
#define LINK_AS(text, name, type) \
	{ \
		text, COTERIE_MAP_##type, offsetof(struct knet_link_status, stats.name) \
	}
#define HANDLE(name) \
	{ \
#name, COTERIE_MAP_U64, offsetof(struct knet_handle_stats, name) \
	}
#define TRAFFIC(what) \
	LINK(tx_##what##_packets, U64), LINK(rx_##what##_packets, U64), LINK(tx_##what##_bytes, U64), \
		LINK(rx_##what##_bytes, U64)
#define TROUBLE(what) LINK(tx_##what##_errors, U32), LINK(tx_##what##_retries, U32)

static const struct field link_fields[] = {
	STATUS(enabled, U8),
	STATUS(connected, U8),
	STATUS(mtu, U32),
	TRAFFIC(data),
	TRAFFIC(ping),
	TRAFFIC(pong),
	TRAFFIC(pmtu),
	TRAFFIC(total),
	LINK(tx_total_errors, U64),
	LINK_AS("rx_total_retries", tx_total_retries, U64), /* the usual name, though it counts sent packets */
	TROUBLE(pmtu),
	TROUBLE(ping),
	TROUBLE(pong),
	TROUBLE(data),
	LINK(latency_min, U32),
	LINK(latency_max, U32),
	LINK(latency_ave, U32),
	LINK(latency_samples, U32),
	LINK(down_count, U32),
	LINK(up_count, U32),
};

static const struct field handle_fields[] = {
	HANDLE(tx_uncompressed_packets),
	HANDLE(tx_compressed_packets),
	HANDLE(tx_compressed_original_bytes),
	HANDLE(tx_compressed_size_bytes),
	HANDLE(tx_compress_time_min),
	HANDLE(tx_compress_time_max),
	HANDLE(tx_compress_time_ave),
	HANDLE(rx_compressed_packets),
	HANDLE(rx_compressed_original_bytes),
	HANDLE(rx_compressed_size_bytes),
	HANDLE(rx_compress_time_min),
	HANDLE(rx_compress_time_max),
	HANDLE(rx_compress_time_ave),
	HANDLE(tx_crypt_time_min),
	HANDLE(tx_crypt_time_max),
	HANDLE(tx_crypt_time_ave),
	HANDLE(tx_crypt_byte_overhead),
	HANDLE(tx_crypt_packets),
	HANDLE(rx_crypt_time_min),
	HANDLE(rx_crypt_time_max),
	HANDLE(rx_crypt_time_ave),
	HANDLE(rx_crypt_packets),
};

#define LINK_FIELDS (sizeof(link_fields) / sizeof(link_fields[0]))
#define HANDLE_FIELDS (sizeof(handle_fields) / sizeof(handle_fields[0]))

struct mesh_stat {
	struct mesh_stats *of;
	const struct field *field;
};

/* The keys of one link to one node, or those of the handle. */
struct mesh_stats {
	struct mesh *mesh;
	const struct mesh_peer *peer; /* NULL: the handle */
	uint32_t link;
	uint64_t read_ns;
	union {
		struct knet_link_status link_status;
		struct knet_handle_stats handle_stats;
	};
	uint32_t count;
	struct mesh_stat list[];
};

/*
 * Corosync has a loopback link to its own node, with counters. Here frames to this node go through the executive's
 * memory, so fill in the counters of the transport.
 */
static void fill_local(struct mesh_stats *stats)
{
	struct knet_link_status *status = &stats->link_status;
	const struct coterie_transport_stats *counts = &stats->mesh->counts;

	memset(status, 0, sizeof(*status));
	status->enabled = status->connected = 1;
	status->mtu = UINT16_MAX;
	status->stats.latency_min = UINT32_MAX;
	status->stats.up_count = 1;
	status->stats.tx_data_packets = status->stats.tx_total_packets = counts->frames_out;
	status->stats.tx_data_bytes = status->stats.tx_total_bytes = counts->bytes_out;
}

static void refresh(struct mesh_stats *stats)
{
	struct mesh *mesh = stats->mesh;
	uint64_t now_ns = mesh->host->now_ns(mesh->ctx);

	if (stats->read_ns != 0 && now_ns - stats->read_ns < FRESH_NS)
		return;
	stats->read_ns = now_ns;
	if (stats->peer == NULL) {
		stats->handle_stats.size = sizeof(stats->handle_stats);
		knet_handle_get_stats(mesh->handle, &stats->handle_stats, sizeof(stats->handle_stats));
	} else if (stats->peer->is_local) {
		fill_local(stats);
	} else {
		stats->link_status.size = sizeof(stats->link_status);
		knet_link_get_status(mesh->handle, (knet_node_id_t)stats->peer->nodeid, (uint8_t)stats->link,
			&stats->link_status, sizeof(stats->link_status));
		if (mesh_path_is_overdue(mesh, stats->peer, stats->link))
			stats->link_status.connected = 0;
	}
}

static uint32_t read_stat(void *arg, void *value)
{
	const struct mesh_stat *stat = arg;
	uint32_t size = stat->field->type == COTERIE_MAP_U8 ? 1 : stat->field->type == COTERIE_MAP_U32 ? 4 : 8;
	const void *from = stat->of->peer == NULL ? (const void *)&stat->of->handle_stats
						  : (const void *)&stat->of->link_status;

	refresh(stat->of);
	memcpy(value, (const char *)from + stat->field->offset, size);
	return size;
}

static void key_of(const struct mesh_stats *stats, const struct field *field, char key[KEY_SIZE])
{
	if (stats->peer == NULL)
		snprintf(key, KEY_SIZE, "stats.knet.handle.%s", field->name);
	else
		snprintf(key, KEY_SIZE, "stats.knet.node%u.link%u.%s", stats->peer->nodeid, stats->link, field->name);
}

static struct mesh_stats *offer(
	struct mesh *mesh, const struct mesh_peer *peer, uint32_t link, const struct field *fields, size_t count)
{
	struct mesh_stats *stats = NULL;
	char key[KEY_SIZE];

	if (COTERIE_HAS(mesh->host, stat_add))
		stats = calloc(1, sizeof(*stats) + count * sizeof(stats->list[0]));
	if (stats == NULL)
		return NULL;
	stats->mesh = mesh;
	stats->peer = peer;
	stats->link = link;
	stats->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		stats->list[i] = (struct mesh_stat){stats, &fields[i]};
		key_of(stats, &fields[i], key);
		mesh->host->stat_add(mesh->ctx, key, fields[i].type, read_stat, &stats->list[i]);
	}
	return stats;
}

static void withdraw(struct mesh *mesh, struct mesh_stats *stats)
{
	char key[KEY_SIZE];

	for (uint32_t i = 0; stats != NULL && i < stats->count; i++) {
		key_of(stats, stats->list[i].field, key);
		mesh->host->stat_del(mesh->ctx, key);
	}
	free(stats);
}

void mesh_stats_add(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	if (peer->paths[link].stats == NULL)
		peer->paths[link].stats = offer(mesh, peer, link, link_fields, LINK_FIELDS);
}

void mesh_stats_del(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	withdraw(mesh, peer->paths[link].stats);
	peer->paths[link].stats = NULL;
}

static void clear(void *arg)
{
	struct mesh *mesh = arg;

	knet_handle_clear_stats(mesh->handle, KNET_CLEARSTATS_HANDLE_AND_LINK);
}

void mesh_stats_open(struct mesh *mesh)
{
	mesh->handle_stats = offer(mesh, NULL, 0, handle_fields, HANDLE_FIELDS);
	if (mesh->handle_stats != NULL && COTERIE_HAS(mesh->host, stats_on_clear))
		mesh->host->stats_on_clear(mesh->ctx, "knet", clear, mesh);
}

void mesh_stats_close(struct mesh *mesh)
{
	withdraw(mesh, mesh->handle_stats);
	mesh->handle_stats = NULL;
}
