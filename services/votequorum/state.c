/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state for a new version of the plugin: all votes, the verdict, the options in force, the device and the clients.
 * A reload may have changed the keys of options that are read at the start only, and other nodes go on with the old
 * ones. Running timers start again with their full time.
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

#define STATE_VERSION 3u
#define STATE_WITHOUT_TIES 2u
#define STATE_WITHOUT_EXTRA 1u

/* Flags of a saved connection. */
#define IS_TRACKING 1u
#define TAKES_EXTRA 2u

/* A node as it is saved. */
struct saved_node {
	uint32_t nodeid, state, votes, expected_votes, flags;
};

/* The numbers and flags of the state. Save and load use the same struct. */
struct numbers {
	uint32_t device_votes, quorum, is_quorate, is_waiting, is_master;
	uint32_t ev_barrier, tracking_barrier, lowest, highest;
	uint32_t has_two_node, has_wait_for_all, has_last_man_standing, has_downscale, has_tracking;
	uint32_t has_reread, told_quorate, owed, stored_barrier, has_window, has_device_timer;
};

static struct numbers numbers_of(const struct votequorum *vq)
{
	const struct vote_calc *calc = &vq->calc;

	return (struct numbers){
		.device_votes = calc->device_votes,
		.quorum = calc->quorum,
		.is_quorate = calc->is_quorate,
		.is_waiting = calc->is_waiting,
		.is_master = calc->is_master,
		.ev_barrier = calc->ev_barrier,
		.tracking_barrier = calc->tracking_barrier,
		.lowest = calc->lowest,
		.highest = calc->highest,
		.has_two_node = calc->options.has_two_node,
		.has_wait_for_all = calc->options.has_wait_for_all,
		.has_last_man_standing = calc->options.has_last_man_standing,
		.has_downscale = calc->options.has_downscale,
		.has_tracking = calc->options.has_tracking,
		.has_reread = vq->has_reread,
		.told_quorate = vq->told_quorate,
		.owed = vq->owed,
		.stored_barrier = vq->stored_barrier,
		.has_window = vq->window != NULL,
		.has_device_timer = vq->device.timer != NULL,
	};
}

static void set_numbers(struct votequorum *vq, const struct numbers *numbers)
{
	struct vote_calc *calc = &vq->calc;

	calc->device_votes = numbers->device_votes;
	calc->quorum = numbers->quorum;
	calc->is_quorate = numbers->is_quorate != 0;
	calc->is_waiting = numbers->is_waiting != 0;
	calc->is_master = numbers->is_master != 0;
	calc->ev_barrier = numbers->ev_barrier;
	calc->tracking_barrier = numbers->tracking_barrier;
	calc->lowest = numbers->lowest;
	calc->highest = numbers->highest;
	calc->options.has_two_node = numbers->has_two_node != 0;
	calc->options.has_wait_for_all = numbers->has_wait_for_all != 0;
	calc->options.has_last_man_standing = numbers->has_last_man_standing != 0;
	calc->options.has_downscale = numbers->has_downscale != 0;
	calc->options.has_tracking = numbers->has_tracking != 0;
	vq->has_reread = numbers->has_reread != 0;
	vq->told_quorate = numbers->told_quorate != 0;
	vq->stored_barrier = numbers->stored_barrier;
	vq->owed = numbers->owed; /* drop the messages that init has queued: the old version has sent them */
}

/* ---- Saving -------------------------------------------------------------- */

static void put_list(struct coterie_state_writer *writer, const struct vote_list *list)
{
	coterie_state_put_u32(writer, list->count);
	coterie_state_put(writer, list->nodeids, list->count * sizeof(uint32_t));
}

static void put_device(struct coterie_state_writer *writer, const struct votequorum *vq)
{
	const struct votequorum_device *device = &vq->device;

	coterie_state_put(writer, device->name, sizeof(device->name));
	coterie_state_put(writer, device->pending_name, sizeof(device->pending_name));
	coterie_state_put(writer, device->unregistered, sizeof(device->unregistered));
	coterie_state_put_u32(writer, device->pending);
	coterie_state_put_u64(writer, device->pending_client == NULL ? 0 : vq->host->client_id(device->pending_client));
	coterie_state_put_u32(writer, device->has_master_wins);
}

static void put_extras(struct coterie_state_writer *writer, const struct votequorum *vq)
{
	uint32_t count = 0;

	for (const struct votequorum_extra *one = vq->extras; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct votequorum_extra *one = vq->extras; one != NULL; one = one->next) {
		coterie_state_put_u32(writer, one->nodeid);
		coterie_state_put_u32(writer, one->size);
		coterie_state_put(writer, one->bytes, one->size);
	}
}

/* Save what decides a tie, and the options of the start that numbers_of() leaves out. */
static void put_ties(struct coterie_state_writer *writer, const struct votequorum *vq)
{
	for (uint32_t i = 0; i < vq->calc.node_count; i++)
		coterie_state_put_u32(writer, vq->calc.nodes[i].was_here);
	coterie_state_put_u32(writer, vq->calc.options.tie_breaker);
	coterie_state_put_u32(writer, vq->config.tie_breaker);
	coterie_state_put_u32(writer, vq->config.is_tie_breaker_set);
	put_list(writer, &vq->config.tie_list);
	coterie_state_put_u32(writer, vq->config.window_ms);
	coterie_state_put_u32(writer, vq->config.is_wait_for_all_set);
}

int votequorum_state_save(void *self, void **blob, uint32_t *size)
{
	struct votequorum *vq = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	const struct votequorum_connection *last = NULL;
	uint32_t count = 0;

	if (vq->is_syncing || vq->calc.undecided_count > 0)
		return -EAGAIN;
	if (vq->news_timer != NULL)
		votequorum_news_flush(vq);

	const struct numbers numbers = numbers_of(vq);

	coterie_state_put_u32(&writer, STATE_VERSION);
	coterie_state_put(&writer, &numbers, sizeof(numbers));
	coterie_state_put_u32(&writer, vq->ring.representative);
	coterie_state_put_u64(&writer, vq->ring.seq);
	coterie_state_put(&writer, vq->published, sizeof(vq->published));
	coterie_state_put_u32(&writer, vq->calc.node_count);
	for (uint32_t i = 0; i < vq->calc.node_count; i++) {
		const struct vote_node *node = &vq->calc.nodes[i];
		const struct saved_node saved = {
			node->nodeid, node->state, node->votes, node->expected_votes, node->flags};

		coterie_state_put(&writer, &saved, sizeof(saved));
	}
	put_list(&writer, &vq->calc.members);
	put_list(&writer, &vq->calc.previous);
	put_device(&writer, vq);
	for (const struct votequorum_connection *one = vq->connections; one != NULL; one = one->next) {
		last = one;
		count++;
	}
	coterie_state_put_u32(&writer, count); /* the connections follow, oldest first */
	for (; last != NULL; last = last->previous) {
		coterie_state_put_u64(&writer, vq->host->client_id(last->client));
		coterie_state_put_u32(
			&writer, (last->is_tracking ? IS_TRACKING : 0) | (last->takes_extra ? TAKES_EXTRA : 0));
		coterie_state_put_u64(&writer, last->context);
	}
	put_extras(&writer, vq);
	put_ties(&writer, vq);
	return coterie_state_end(&writer, blob, size);
}

/* ---- Loading ------------------------------------------------------------- */

static int take_nodes(struct votequorum *vq, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, sizeof(struct saved_node));
	struct vote_node *nodes = calloc(count + 1u, sizeof(*nodes));
	bool has_local = false;

	if (nodes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct saved_node saved = {0};

		coterie_state_take(reader, &saved, sizeof(saved));
		nodes[i] = (struct vote_node){.nodeid = saved.nodeid,
			.state = saved.state,
			.votes = saved.votes,
			.expected_votes = saved.expected_votes,
			.flags = saved.flags};
		has_local = has_local || saved.nodeid == vq->calc.local;
	}
	if (!has_local) {
		free(nodes);
		return -ENOTSUP;
	}
	free(vq->calc.nodes);
	vq->calc.nodes = nodes;
	vq->calc.node_count = count;
	vq->calc.node_capacity = count + 1;
	vq->calc.node_changes++;
	return 0;
}

static int take_list(struct coterie_state_reader *reader, struct vote_list *list)
{
	uint32_t count = coterie_state_take_count(reader, sizeof(uint32_t));
	uint32_t *nodeids = calloc(count + 1u, sizeof(*nodeids));

	if (nodeids == NULL)
		return -ENOMEM;
	coterie_state_take(reader, nodeids, count * (uint32_t)sizeof(*nodeids));
	free(list->nodeids);
	*list = (struct vote_list){.nodeids = nodeids, .count = count};
	return 0;
}

static void take_device(struct votequorum *vq, struct coterie_state_reader *reader)
{
	struct votequorum_device *device = &vq->device;

	coterie_state_take(reader, device->name, sizeof(device->name));
	coterie_state_take(reader, device->pending_name, sizeof(device->pending_name));
	coterie_state_take(reader, device->unregistered, sizeof(device->unregistered));
	uint32_t pending = coterie_state_take_u32(reader);
	device->pending_client = vq->host->client_find(vq->ctx, coterie_state_take_u64(reader));
	device->has_master_wins = coterie_state_take_u32(reader) != 0;
	device->name[sizeof(device->name) - 1] = device->pending_name[sizeof(device->pending_name) - 1] =
		device->unregistered[sizeof(device->unregistered) - 1] = '\0';
	if (pending != VOTEQUORUM_PENDING_NONE)
		device->pending = device->pending_client != NULL ? VOTEQUORUM_PENDING_CLIENT
								 : VOTEQUORUM_PENDING_ABANDONED;
}

static void take_connections(struct votequorum *vq, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 20);

	for (uint32_t i = 0; i < count; i++) {
		struct coterie_client *client = vq->host->client_find(vq->ctx, coterie_state_take_u64(reader));
		uint32_t flags = coterie_state_take_u32(reader);
		uint64_t context = coterie_state_take_u64(reader);

		if (client == NULL)
			continue;
		struct votequorum_connection *connection = vq->host->client_data(client);
		*connection = (struct votequorum_connection){.client = client,
			.next = vq->connections,
			.is_tracking = (flags & IS_TRACKING) != 0,
			.takes_extra = (flags & TAKES_EXTRA) != 0,
			.context = context};
		if (vq->connections != NULL)
			vq->connections->previous = connection;
		vq->connections = connection;
	}
}

static int take_extras(struct votequorum *vq, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 8);
	uint8_t bytes[VOTEQUORUM_EXTRA_MAX];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t nodeid = coterie_state_take_u32(reader), size = coterie_state_take_u32(reader);

		if (size > sizeof(bytes))
			return -ENOTSUP;
		coterie_state_take(reader, bytes, size);
		if (votequorum_extra_put(vq, nodeid, bytes, size) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool is_tie_breaker(uint32_t value) { return value <= VOTE_TIE_LIST; }

static int take_ties(struct votequorum *vq, struct coterie_state_reader *reader)
{
	struct votequorum_config *config = &vq->config;

	for (uint32_t i = 0; i < vq->calc.node_count; i++)
		vq->calc.nodes[i].was_here = coterie_state_take_u32(reader) != 0;

	uint32_t in_force = coterie_state_take_u32(reader), configured = coterie_state_take_u32(reader);

	if (!is_tie_breaker(in_force) || !is_tie_breaker(configured))
		return -ENOTSUP;
	config->is_tie_breaker_set = coterie_state_take_u32(reader) != 0;
	int rc = take_list(reader, &config->tie_list);
	if (rc < 0)
		return rc;
	config->tie_breaker = (enum vote_tie_breaker)configured;
	config->window_ms = coterie_state_take_u32(reader);
	config->is_wait_for_all_set = coterie_state_take_u32(reader) != 0;
	vq->calc.options.tie_breaker = (enum vote_tie_breaker)in_force;
	vq->calc.options.tie_list = config->tie_list;
	return 0;
}

/* An older version has not saved who was in the last majority. Any node of the last two rings may have been. */
static void assume_majority(struct vote_calc *calc)
{
	for (uint32_t i = 0; i < calc->node_count; i++) {
		uint32_t nodeid = calc->nodes[i].nodeid;

		calc->nodes[i].was_here = vote_list_has(&calc->members, nodeid) ||
					  vote_list_has(&calc->previous, nodeid);
	}
}

int votequorum_state_load(void *self, const void *blob, uint32_t size)
{
	struct votequorum *vq = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};
	struct numbers numbers;

	uint32_t version = coterie_state_take_u32(&reader);

	if (version < STATE_WITHOUT_EXTRA || version > STATE_VERSION)
		return -ENOTSUP;
	coterie_state_take(&reader, &numbers, sizeof(numbers));
	vq->ring.representative = coterie_state_take_u32(&reader);
	vq->ring.seq = coterie_state_take_u64(&reader);
	coterie_state_take(&reader, vq->published, sizeof(vq->published));
	int rc = take_nodes(vq, &reader);
	if (rc == 0)
		rc = take_list(&reader, &vq->calc.members);
	if (rc == 0)
		rc = take_list(&reader, &vq->calc.previous);
	if (rc < 0)
		return rc;
	take_device(vq, &reader);
	take_connections(vq, &reader);
	if (version > STATE_WITHOUT_EXTRA)
		rc = take_extras(vq, &reader);
	if (version <= STATE_WITHOUT_TIES)
		assume_majority(&vq->calc);
	else if (rc == 0)
		rc = take_ties(vq, &reader);
	if (rc < 0)
		return rc;
	if (!coterie_state_is_whole(&reader))
		return -ENOTSUP;
	set_numbers(vq, &numbers);
	vq->host->timer_del(vq->ctx, vq->retry);
	vq->retry = NULL;
	if (vq->owed != 0)
		votequorum_send(vq, 0);
	if (numbers.has_window != 0)
		votequorum_window_open(vq);
	if (numbers.has_device_timer != 0)
		votequorum_device_arm(vq);
	votequorum_config_store(vq);
	votequorum_publish_keys(vq);
	return 0;
}
