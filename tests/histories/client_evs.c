/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of EVS, which send messages. One on each node is an observer. Its events show in which configuration the node
 * is, and other parts use this. So an observer lives as long as its node, and always reads. Guests come, end and pause
 * reading.
 */
#include "tests/histories/client_evs.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 65536u

struct letter {
	uint32_t life, number, size, is_safe;
};

/* ---- Events -------------------------------------------------------------- */

static struct evs_seen *see(struct evs_life *life)
{
	if (life->seen_count == life->seen_capacity) {
		life->seen_capacity = life->seen_capacity * 2 + 64;
		life->seen = realloc(life->seen, life->seen_capacity * sizeof(*life->seen));
		if (life->seen == NULL)
			abort();
	}
	life->seen[life->seen_count] = (struct evs_seen){.sender = 0};
	return &life->seen[life->seen_count++];
}

static void see_message(struct evs_clients *clients, struct evs_life *life, const struct evs_event_deliver *event)
{
	struct play *play = clients->play;
	struct letter letter = {.life = 0};

	if (event->msglen >= sizeof(letter))
		memcpy(&letter, event->message, sizeof(letter));
	if (event->msglen != sizeof(letter) + letter.size || letter.life == 0 || letter.life >= clients->life_count ||
		play_nodeid(play, clients->lives[letter.life]->node) != event->nodeid) {
		play_break(play, "evs: life %u got a message of node %u that was not sent so", life->number,
			event->nodeid);
		return;
	}
	for (uint32_t i = 0; i < letter.size; i++)
		if (event->message[sizeof(letter) + i] != (uint8_t)(letter.life * 31 + letter.number * 7 + i))
			play_break(play, "evs: life %u got other bytes than sent", life->number);
	struct evs_seen *seen = see(life);
	play_trace(play, "evs: life %u: message %u of %u%s", life->number, letter.number, letter.life,
		letter.is_safe != 0 ? ", safe" : "");
	seen->sender = letter.life;
	seen->number = letter.number;
	seen->is_safe = letter.is_safe != 0;
	play->counts.messages++;
	play->counts.safe += seen->is_safe;
	if (!life->is_late && !play_note_see(play, &clients->lives[letter.life]->notes, letter.number, life->node))
		play_break(play, "evs: life %u got message %u of %u in another configuration than others", life->number,
			letter.number, letter.life);
	if (letter.life == life->number && letter.number != life->own++)
		play_break(play, "evs: life %u got its own message %u in place of %u", life->number, letter.number,
			life->own - 1);
}

static void see_configuration(struct evs_clients *clients, struct evs_life *life, const struct evs_event_confchg *event)
{
	struct play *play = clients->play;
	struct evs_seen *seen;

	if (event->member_count > HISTORY_NODES_MAX) {
		play_break(play, "evs: life %u got a configuration of %u members", life->number, event->member_count);
		return;
	}
	play_trace(play, "evs: life %u on node %u: %s ring %ju, %u members, %u left, %u joined%s, after %u events",
		life->number, life->node, event->type == EVS_WIRE_TRANSITIONAL ? "transitional" : "regular",
		(uintmax_t)event->ring_id.seq, event->member_count, event->left_count, event->joined_count,
		(event->flags & EVS_WIRE_SAFE_KEPT) != 0 ? ", safe kept" : "", life->seen_count);
	evs_check_configuration(clients, life, event);
	seen = see(life);
	seen->is_configuration = true;
	seen->is_transitional = event->type == EVS_WIRE_TRANSITIONAL;
	seen->is_safe_kept = (event->flags & EVS_WIRE_SAFE_KEPT) != 0;
	seen->ring = play_ring_of(play, event->ring_id.nodeid, event->ring_id.seq);
	seen->member_count = event->member_count;
	memcpy(seen->members, event->lists, event->member_count * sizeof(uint32_t));
	if (life->is_guest)
		return;
	play_view_configure(play, life->node, seen->is_transitional, seen->is_safe_kept, seen->ring, event->lists,
		event->member_count);
	play->counts.rings += !seen->is_transitional;
}

static void on_message(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	struct evs_life *life = arg;
	const void *bytes = header;

	(void)connection;
	if (is_event && header->id == EVS_EVENT_DELIVER)
		see_message(life->clients, life, bytes);
	else if (is_event && header->id == EVS_EVENT_CONFCHG)
		see_configuration(life->clients, life, bytes);
	else if (!is_event && header->id == EVS_RES_JOIN)
		life->is_joined = true, life->joined_at = life->seen_count;
	else if (!is_event && header->id == EVS_RES_MCAST_JOINED && header->error == 1)
		life->sent++, life->is_asking = false;
	else if (!is_event)
		life->is_asking = false, life->left = 0; /* refused: the message was not sent */
	if (!is_event && life->left > 0)
		evs_send_next(life);
}

/* ---- Requests ------------------------------------------------------------ */

void evs_send_next(struct evs_life *life)
{
	static struct {
		struct evs_req_mcast_joined fixed;
		uint8_t bytes[MESSAGE_MAX];
	} request;
	struct letter letter = {life->number, life->sent, life->size, life->is_safe};
	uint8_t *at = (uint8_t *)&request + sizeof(request.fixed);

	if (life->is_asking || !life->is_joined || life->connection == NULL)
		return;
	life->left--;
	play_note_send(life->clients->play, &life->notes, life->node, life->sent);
	request.fixed = (struct evs_req_mcast_joined){.header = {.id = EVS_REQ_MCAST_JOINED},
		.guarantee = life->is_safe ? EVS_WIRE_SAFE : EVS_WIRE_AGREED,
		.msglen = (uint32_t)sizeof(letter) + life->size};
	memcpy(at, &letter, sizeof(letter));
	for (uint32_t i = 0; i < life->size; i++)
		at[sizeof(letter) + i] = (uint8_t)(letter.life * 31 + letter.number * 7 + i);
	request.fixed.header.size = (int32_t)(sizeof(request.fixed) + request.fixed.msglen);
	life->is_asking = testkit_send(life->connection, &request, (uint32_t)request.fixed.header.size) == 0;
}

/* Connect a client. *place is its life afterwards, or NULL: the node does not serve it now. */
static void begin(struct evs_clients *clients, uint32_t node, bool is_guest, struct evs_life **place)
{
	struct {
		struct evs_req_groups fixed;
		struct evs_wire_group group;
	} request = {.fixed = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(request)}, .group_count = 1},
		.group = {"histories"}};
	struct evs_life *life = calloc(1, sizeof(*life));

	if (life == NULL)
		abort();
	life->clients = clients;
	life->node = node;
	life->is_guest = is_guest;
	life->joined_at = UINT32_MAX;
	if (clients->life_count == clients->life_capacity) {
		clients->life_capacity = clients->life_capacity * 2 + 32;
		clients->lives = realloc(clients->lives, clients->life_capacity * sizeof(*clients->lives));
		if (clients->lives == NULL)
			abort();
	}
	life->number = clients->life_count;
	/* The client's first event, the present configuration, may arrive before the call returns. */
	if (testkit_connect(clients->play->kit, node, "evs", &life->connection) < 0) {
		free(life);
		return;
	}
	clients->lives[clients->life_count++] = life;
	*place = life;
	testkit_watch(life->connection, on_message, life);
	for (const struct coterie_response_header *event; (event = testkit_event(life->connection)) != NULL;)
		on_message(life, life->connection, 1, event);
	testkit_send(life->connection, &request, sizeof(request));
}

/* End a client, or note that its node has ended. */
static void end(struct evs_life **place)
{
	struct evs_life *life = *place;

	if (life == NULL)
		return;
	testkit_disconnect(life->connection);
	life->connection = NULL;
	life->is_over = true;
	*place = NULL;
}

/* Events that arrive before the join is answered do not count (joined_at). So a guest that joins reads. */
static void hold(struct evs_life *guest, bool is_held)
{
	if (guest == NULL || !guest->is_joined)
		return;
	guest->is_late |= is_held;
	testkit_hold(guest->connection, is_held);
}

static void tick_guest(struct evs_clients *clients, uint32_t slot)
{
	struct evs_life *guest = clients->guests[slot];

	if (guest == NULL)
		return;
	if (!testkit_is_connected(guest->connection)) {
		end(&clients->guests[slot]);
		return;
	}
	/* The guest has read all waiting events, so its next events are not late. */
	if (guest->is_late && !testkit_is_behind(guest->connection))
		guest->is_late = false;
	if (clients->play->is_quiet)
		hold(guest, false);
}

static void tick(void *self)
{
	struct evs_clients *clients = self;

	for (uint32_t slot = 0; slot < HISTORY_CLIENTS; slot++)
		tick_guest(clients, slot);
	for (uint32_t node = 1; node <= clients->play->script->nodes; node++) {
		struct evs_life *life = clients->current[node];

		if (life != NULL && !testkit_is_connected(life->connection)) {
			end(&clients->current[node]);
			play_view_forget(&clients->play->views[node]);
		}
		if (clients->current[node] == NULL)
			begin(clients, node, false, &clients->current[node]);
	}
}

static void send_burst(struct evs_life *life, const struct step *step)
{
	if (life == NULL || life->left > 0)
		return;
	life->left = step->count;
	life->size = step->size;
	life->is_safe = step->value != 0;
	if (!life->is_asking)
		evs_send_next(life);
}

static void act(void *self, const struct step *step)
{
	struct evs_clients *clients = self;
	struct evs_life **guest = &clients->guests[step->client];

	switch ((int)step->kind) {
	case STEP_EVS_SEND:
		send_burst(clients->current[step->node], step);
		break;
	case STEP_EVS_GUEST:
		if (*guest == NULL)
			begin(clients, play_client_node(clients->play, step->client), true, guest);
		else
			send_burst(*guest, step);
		break;
	case STEP_EVS_HOLD:
		hold(*guest, step->count > 0);
		break;
	case STEP_EVS_END:
		end(guest);
		break;
	}
}

static bool is_settled(void *self)
{
	const struct evs_clients *clients = self;

	for (uint32_t node = 1; node <= clients->play->script->nodes; node++) {
		const struct evs_life *life = clients->current[node];

		if (life == NULL || life->is_asking || life->own != life->sent)
			return false;
	}
	for (uint32_t slot = 0; slot < HISTORY_CLIENTS; slot++) {
		const struct evs_life *guest = clients->guests[slot];

		if (guest != NULL &&
			(!guest->is_joined || guest->is_asking || guest->is_late || guest->own != guest->sent))
			return false;
	}
	return true;
}

/* ---- Life of the part ---------------------------------------------------- */

static void *create(struct play *play)
{
	struct evs_clients *clients = calloc(1, sizeof(*clients));

	if (clients == NULL || (clients->lives = calloc(32, sizeof(*clients->lives))) == NULL)
		abort();
	clients->play = play;
	clients->life_capacity = 32;
	clients->life_count = 1;
	return clients;
}

static void check(void *self) { evs_check_end(self); }

static void destroy(void *self)
{
	struct evs_clients *clients = self;

	for (uint32_t i = 1; i < clients->life_count; i++) {
		free(clients->lives[i]->seen);
		free(clients->lives[i]->notes.list);
		free(clients->lives[i]);
	}
	free(clients->lives);
	free(clients);
}

const struct play_part play_evs = {.name = "evs",
	.create = create,
	.tick = tick,
	.act = act,
	.is_settled = is_settled,
	.check = check,
	.destroy = destroy};
