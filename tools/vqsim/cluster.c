/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/vqsim/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/votequorum/messages.h"

enum { DEVICE_POLL_MS = 2000 };

static const char device_name[] = "VQsim_qdevice";

extern const struct coterie_plugin votequorum_LTX_coterie_plugin;

static const struct coterie_service *service(void) { return votequorum_LTX_coterie_plugin.ops; }

void cluster_init(struct cluster *cluster, const struct settings *settings, FILE *log)
{
	*cluster = (struct cluster){.settings = settings, .log = log};
}

struct sim_node *cluster_find(const struct cluster *cluster, uint32_t node_id)
{
	for (size_t i = 0; i < cluster->node_count; i++)
		if (cluster->nodes[i]->id == node_id)
			return cluster->nodes[i];
	return NULL;
}

/* --- one node --- */

static void node_destroy(struct sim_node *node)
{
	if (node->client.data != NULL)
		service()->client_leave(node->self, &node->client);
	if (node->self != NULL)
		service()->fini(node->self);
	free(node->client.data);
	host_destroy(node->host);
	free(node);
}

static int node_open(struct sim_node *node, const struct cluster *cluster)
{
	node->host = host_create(node->id, cluster->settings, cluster->log);
	if (node->host == NULL)
		return -ENOMEM;
	int rc = service()->init(&node->host->table, node->host, &node->self);
	if (rc < 0)
		return rc;
	void *data = calloc(1, service()->client_size);
	if (data == NULL)
		return -ENOMEM;
	node->client.data = data;
	return service()->client_join(node->self, &node->client);
}

int cluster_start(struct cluster *cluster, uint32_t node_id, uint32_t partition)
{
	size_t at = 0;

	if (cluster->node_count == NODES_MAX)
		return -ENOSPC;
	struct sim_node *node = calloc(1, sizeof(*node));
	if (node == NULL)
		return -ENOMEM;
	node->id = node_id;
	node->partition = partition;
	int rc = node_open(node, cluster);
	if (rc < 0) {
		node_destroy(node);
		return rc;
	}
	while (at < cluster->node_count && cluster->nodes[at]->id < node_id)
		at++;
	memmove(&cluster->nodes[at + 1], &cluster->nodes[at], (cluster->node_count - at) * sizeof(cluster->nodes[0]));
	cluster->nodes[at] = node;
	cluster->node_count++;
	cluster->has_changed[partition] = true;
	return 0;
}

void cluster_stop(struct cluster *cluster, struct sim_node *node)
{
	size_t at = 0;

	while (cluster->nodes[at] != node)
		at++;
	cluster->has_changed[node->partition] = true;
	cluster->node_count--;
	memmove(&cluster->nodes[at], &cluster->nodes[at + 1], (cluster->node_count - at) * sizeof(cluster->nodes[0]));
	node_destroy(node);
}

void cluster_fini(struct cluster *cluster)
{
	while (cluster->node_count > 0)
		cluster_stop(cluster, cluster->nodes[0]);
}

void cluster_move(struct cluster *cluster, struct sim_node *node, uint32_t partition)
{
	cluster->has_changed[node->partition] = true;
	cluster->has_changed[partition] = true;
	node->partition = partition;
}

/* --- messages --- */

static bool in_ring(const struct sim_node *node, uint32_t partition)
{
	return node->partition == partition && node->has_formed;
}

static void deliver(struct cluster *cluster, const struct sim_node *from, const struct host_message *message)
{
	const struct coterie_ring_msg *kind = &service()->ring_msgs[message->function];

	for (size_t i = 0; i < cluster->node_count; i++) {
		struct sim_node *to = cluster->nodes[i];

		if (!in_ring(to, from->partition) || message->size < kind->size_min)
			continue;
		/* Deliver a copy, which the receiver may change. */
		void *copy = malloc(message->size);
		if (copy == NULL)
			abort();
		memcpy(copy, message->bytes, message->size);
		if (kind->deliver != NULL) {
			kind->deliver(to->self, from->id, copy, message->size);
		} else {
			struct iovec rest = {.iov_base = (uint8_t *)copy + kind->size_min,
				.iov_len = message->size - kind->size_min};

			kind->deliver_parts(to->self, from->id, copy, &rest, 1, message->size);
		}
		free(copy);
	}
}

/* Deliver messages until no node has one to send. */
static void run_messages(struct cluster *cluster)
{
	bool has_more = true;

	while (has_more) {
		has_more = false;
		for (size_t i = 0; i < cluster->node_count; i++) {
			struct sim_node *node = cluster->nodes[i];
			struct host_message *message;

			if (!node->has_formed)
				continue;
			while ((message = host_take_message(node->host)) != NULL) {
				deliver(cluster, node, message);
				free(message);
				has_more = true;
			}
		}
	}
}

/* --- the quorum device --- */

static int32_t request(struct sim_node *node, int32_t id, void *bytes, uint32_t size)
{
	struct votequorum_request_header header = {.id = id, .size = (int32_t)size};

	memcpy(bytes, &header, sizeof(header));
	node->client.error = 0;
	for (uint32_t i = 0; i < service()->request_count; i++)
		if (service()->requests[i].id == (uint32_t)id)
			return service()->requests[i].handle(node->self, &node->client, bytes, size);
	return -ENOSYS;
}

static void device_poll(struct sim_node *node)
{
	struct votequorum_req_qdevice_poll poll = {
		.cast_vote = 1,
		.ring_id = {.nodeid = node->ring_rep, .seq = node->ring_seq},
	};

	if (!node->has_device || !node->has_formed)
		return;
	strcpy(poll.name, device_name);
	request(node, VOTEQUORUM_REQ_QDEVICE_POLL, &poll, sizeof(poll));
}

void cluster_set_device(struct cluster *cluster, struct sim_node *node, bool has_device)
{
	struct votequorum_req_qdevice registration = {.header = {0}};

	strcpy(registration.name, device_name);
	request(node, has_device ? VOTEQUORUM_REQ_QDEVICE_REGISTER : VOTEQUORUM_REQ_QDEVICE_UNREGISTER, &registration,
		sizeof(registration));
	node->has_device = has_device;
	run_messages(cluster);
	device_poll(node);
	run_messages(cluster);
}

/* --- rings --- */

/* List the nodes that have joined this ring from the same former ring as this node, this node included. */
static uint32_t transitional(
	const struct sim_node *const *before, uint32_t count, const struct sim_node *node, uint32_t *ids)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++)
		if (node->has_formed && before[i]->has_formed && before[i]->ring_seq == node->ring_seq &&
			before[i]->ring_rep == node->ring_rep)
			ids[found++] = before[i]->id;
	return found;
}

static void start_ring(struct sim_node **nodes, uint32_t count, uint64_t seq)
{
	uint32_t members[NODES_MAX], together[NODES_MAX];
	struct coterie_configuration regular = {
		.size = sizeof(regular),
		.is_regular = 1,
		.ring = {.representative = nodes[0]->id, .seq = seq},
		.members = members,
		.member_count = count,
	};

	for (uint32_t i = 0; i < count; i++)
		members[i] = nodes[i]->id;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t found = transitional((const struct sim_node *const *)nodes, count, nodes[i], together);

		service()->sync_start(nodes[i]->self, together, found, &regular);
	}
	for (uint32_t i = 0; i < count; i++) {
		nodes[i]->has_formed = true;
		nodes[i]->ring_rep = regular.ring.representative;
		nodes[i]->ring_seq = seq;
	}
}

static void form_ring(struct cluster *cluster, uint32_t partition)
{
	struct sim_node *nodes[NODES_MAX];
	uint32_t count = 0;
	bool has_more = true;

	cluster->seqs[partition] += 4;
	for (size_t i = 0; i < cluster->node_count; i++)
		if (cluster->nodes[i]->partition == partition)
			nodes[count++] = cluster->nodes[i];
	if (count == 0)
		return;
	start_ring(nodes, count, cluster->seqs[partition]);
	/*
	 * Repeat the synchronisation steps, since votequorum waits for a device that votes. A device that cannot vote
	 * was removed before.
	 */
	for (unsigned int round = 0; has_more && round < 100; round++) {
		has_more = false;
		for (uint32_t i = 0; i < count; i++)
			has_more = service()->sync_step(nodes[i]->self) != 0 || has_more;
		for (uint32_t i = 0; i < count; i++)
			device_poll(nodes[i]);
	}
	run_messages(cluster);
	for (uint32_t i = 0; i < count; i++)
		service()->sync_done(nodes[i]->self);
	run_messages(cluster);
	for (uint32_t i = 0; i < count; i++)
		device_poll(nodes[i]);
	run_messages(cluster);
}

void cluster_settle(struct cluster *cluster)
{
	for (uint32_t partition = 0; partition < PARTITIONS_MAX; partition++)
		if (cluster->has_changed[partition]) {
			cluster->has_changed[partition] = false;
			form_ring(cluster, partition);
		}
}

/* --- time --- */

void cluster_run_timers(struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->node_count; i++) {
		device_poll(cluster->nodes[i]);
		host_run_timers(cluster->nodes[i]->host);
	}
	run_messages(cluster);
}

int cluster_next_timer_ms(const struct cluster *cluster)
{
	int first = -1;

	for (size_t i = 0; i < cluster->node_count; i++) {
		int next = host_next_timer_ms(cluster->nodes[i]->host);

		if (cluster->nodes[i]->has_device && (next < 0 || next > DEVICE_POLL_MS))
			next = DEVICE_POLL_MS;
		if (next >= 0 && (first < 0 || next < first))
			first = next;
	}
	return first;
}
