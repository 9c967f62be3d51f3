/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of quorum and of votequorum, one of each on every node. They track changes. */
#include "tests/histories/client_quorum.h"

#include <stdlib.h>
#include <string.h>

#define TRACK_CURRENT_AND_CHANGES 3u
#define CS_OK 1

static void note_votes(struct quorum_watch *watch, const struct votequorum_event_quorum *event)
{
	watch->votes_are_quorate = event->quorate != 0;
	memset(watch->votes_states, 0, sizeof(watch->votes_states));
	for (uint32_t i = 0; i < event->node_count; i++)
		watch->votes_states[play_node(watch->clients->play, event->nodes[i].nodeid)] = event->nodes[i].state;
}

static void on_quorum(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	struct quorum_watch *watch = arg;

	(void)connection;
	if (is_event && header->id == QUORUM_EVENT_V1_NODELIST)
		quorum_check_list(watch, (const void *)header);
	else if (is_event && header->id == QUORUM_EVENT_V1_QUORUM)
		quorum_check_verdict(watch, (const void *)header);
}

static void on_votes(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	struct quorum_watch *watch = arg;
	const void *bytes = header;

	(void)connection;
	if (is_event && header->id == VOTEQUORUM_EVENT_QUORUM)
		note_votes(watch, bytes);
	if (!is_event && header->id == VOTEQUORUM_RES_GETINFO && header->error == CS_OK) {
		const struct votequorum_res_getinfo *info = bytes;

		watch->votes_total = info->total_votes;
		watch->votes_quorum = info->quorum;
	}
}

static void begin_quorum(struct quorum_watch *watch)
{
	struct quorum_req_model_gettype model = {
		.header = {.id = QUORUM_REQ_MODEL_GETTYPE, .size = sizeof(model)}, .model = QUORUM_WIRE_MODEL_V1};
	struct quorum_req_trackstart track = {.header = {.id = QUORUM_REQ_TRACKSTART, .size = sizeof(track)},
		.track_flags = TRACK_CURRENT_AND_CHANGES};

	watch->has_list = false;
	watch->verdict.ring.seq = 0;
	if (testkit_connect(watch->clients->play->kit, watch->node, "quorum", &watch->quorum) < 0) {
		watch->quorum = NULL;
		return;
	}
	testkit_watch(watch->quorum, on_quorum, watch);
	testkit_send(watch->quorum, &model, sizeof(model));
	testkit_send(watch->quorum, &track, sizeof(track));
}

static void begin_votes(struct quorum_watch *watch)
{
	struct votequorum_req_trackstart track = {.header = {.id = VOTEQUORUM_REQ_TRACKSTART, .size = sizeof(track)},
		.track_flags = TRACK_CURRENT_AND_CHANGES};

	if (testkit_connect(watch->clients->play->kit, watch->node, "votequorum", &watch->votes) < 0) {
		watch->votes = NULL;
		return;
	}
	testkit_watch(watch->votes, on_votes, watch);
	testkit_send(watch->votes, &track, sizeof(track));
}

static void tick(void *self)
{
	struct quorum_clients *clients = self;
	struct votequorum_req_getinfo info = {.header = {.id = VOTEQUORUM_REQ_GETINFO, .size = sizeof(info)}};

	for (uint32_t node = 1; node <= clients->play->script->nodes; node++) {
		struct quorum_watch *watch = &clients->watches[node];

		if (watch->quorum != NULL && !testkit_is_connected(watch->quorum)) {
			testkit_disconnect(watch->quorum);
			watch->quorum = NULL;
		}
		if (watch->votes != NULL && !testkit_is_connected(watch->votes)) {
			testkit_disconnect(watch->votes);
			watch->votes = NULL;
		}
		if (watch->quorum == NULL)
			begin_quorum(watch);
		if (watch->votes == NULL)
			begin_votes(watch);
		else if (clients->play->is_quiet && testkit_pending(watch->votes) == 0)
			testkit_send(watch->votes, &info, sizeof(info));
	}
}

static bool is_settled(void *self)
{
	const struct quorum_clients *clients = self;

	for (uint32_t node = 1; node <= clients->play->script->nodes; node++)
		if (clients->watches[node].quorum == NULL || clients->watches[node].votes == NULL ||
			!clients->watches[node].has_list || clients->watches[node].verdict.ring.seq == 0)
			return false;
	return true;
}

static void *create(struct play *play)
{
	struct quorum_clients *clients = calloc(1, sizeof(*clients));

	if (clients == NULL)
		abort();
	clients->play = play;
	for (uint32_t node = 0; node <= HISTORY_NODES_MAX; node++) {
		clients->watches[node].clients = clients;
		clients->watches[node].node = node;
	}
	return clients;
}

static void check(void *self) { quorum_check_end(self); }

static void destroy(void *self)
{
	struct quorum_clients *clients = self;

	free(clients->verdicts);
	free(clients);
}

const struct play_part play_quorum = {
	.name = "quorum", .create = create, .tick = tick, .is_settled = is_settled, .check = check, .destroy = destroy};
