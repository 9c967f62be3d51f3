/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of CPG join, send, leave, end and pause reading. All their events are recorded. Some clients have a fast
 * channel, which then carries all their messages and events.
 */
#include "tests/histories/client_cpg.h"

#include <stdlib.h>
#include <string.h>

#include "testkit/kit.h"

#define MESSAGE_MAX 65536u
#define OUTSTANDING_MAX 600u
#define CS_OK 1

/* The head of a message. The bytes behind the head are a pattern that depends on sender and number. */
struct letter {
	uint32_t life, number, size, is_safe;
};

/* ---- Lives --------------------------------------------------------------- */

static bool is_behind(struct cpg_clients *clients, uint32_t slot)
{
	return testkit_is_behind(clients->connections[slot]) != 0 || fast_is_behind(&clients->fast[slot]);
}

static struct cpg_life *life_begin(struct cpg_clients *clients, uint32_t slot)
{
	struct cpg_life *life = calloc(1, sizeof(*life));

	if (clients->life_count == 0)
		clients->life_count = 1;
	if (clients->life_count >= clients->life_capacity) {
		clients->life_capacity = clients->life_capacity * 2 + 32;
		clients->lives = realloc(clients->lives, clients->life_capacity * sizeof(*clients->lives));
	}
	if (life == NULL || clients->lives == NULL)
		abort();
	life->number = clients->life_count++;
	life->slot = slot;
	life->node = play_client_node(clients->play, slot);
	life->group = slot % 3 == 2;
	clients->lives[0] = NULL;
	clients->lives[life->number] = life;
	clients->current[slot] = life;
	life->is_late = is_behind(clients, slot);
	return life;
}

static void life_end(struct cpg_clients *clients, uint32_t slot)
{
	if (clients->current[slot] != NULL)
		clients->current[slot]->is_over = true;
	clients->current[slot] = NULL;
}

static struct cpg_seen *see(struct cpg_clients *clients, struct cpg_life *life)
{
	const struct play_view *view = &clients->play->views[life->node];

	if (life->seen_count == life->seen_capacity) {
		life->seen_capacity = life->seen_capacity * 2 + 64;
		life->seen = realloc(life->seen, life->seen_capacity * sizeof(*life->seen));
		if (life->seen == NULL)
			abort();
	}
	life->seen[life->seen_count] = (struct cpg_seen){
		.kind = CPG_SEEN_MESSAGE, .is_regular = view->is_known && !life->is_late && !view->is_transitional};
	if (view->is_known && !life->is_late)
		life->seen[life->seen_count].ring = view->ring;
	return &life->seen[life->seen_count++];
}

/* ---- Events -------------------------------------------------------------- */

static uint8_t pattern(const struct letter *letter, uint32_t at)
{
	return (uint8_t)(letter->life * 31 + letter->number * 7 + at);
}

static bool is_whole(const struct letter *letter, const uint8_t *bytes, uint32_t size)
{
	if (size != sizeof(*letter) + letter->size)
		return false;
	for (uint32_t i = 0; i < letter->size; i++)
		if (bytes[sizeof(*letter) + i] != pattern(letter, i))
			return false;
	return true;
}

static void note_safe(struct cpg_clients *clients, const struct cpg_life *life, struct cpg_seen *seen)
{
	const struct play_view *view = &clients->play->views[life->node];

	seen->members = malloc((life->member_count + 1) * sizeof(*seen->members));
	if (seen->members == NULL)
		abort();
	/*
	 * Only members on nodes of the configuration are expected to get the message: the configuration promises
	 * nothing about others.
	 */
	for (uint32_t i = 0; seen->ring.seq != 0 && view->is_safe_kept && i < life->member_count; i++) {
		uint32_t id = play_nodeid(clients->play, clients->lives[life->members[i].life]->node);

		for (uint32_t k = 0; k < view->member_count; k++)
			if (view->members[k] == id)
				seen->members[seen->member_count++] = life->members[i].life;
	}
}

static void see_message(struct cpg_clients *clients, struct cpg_life *life, uint32_t nodeid, uint32_t pid,
	const void *bytes, uint32_t size)
{
	struct play *play = clients->play;
	struct letter letter = {.life = 0};

	if (size >= sizeof(letter))
		memcpy(&letter, bytes, sizeof(letter));
	if (size < sizeof(letter) || letter.life != pid || !is_whole(&letter, bytes, size)) {
		play_break(play, "cpg: life %u got a message of node %u, pid %u, with other bytes than sent",
			life->number, nodeid, pid);
		return;
	}
	cpg_check_message(clients, life, nodeid, pid);
	if (!life->is_late && play->views[life->node].is_known && pid < clients->life_count &&
		!play_note_see(play, &clients->lives[pid]->notes, letter.number, life->node))
		play_break(play, "cpg: life %u got message %u of %u in another configuration than others", life->number,
			letter.number, pid);
	struct cpg_seen *seen = see(clients, life);
	seen->sender = pid;
	seen->number = letter.number;
	seen->is_safe = letter.is_safe != 0;
	play_trace(play, "cpg: life %u: message %u of %u%s", life->number, letter.number, pid,
		seen->is_safe ? ", safe" : "");
	if (seen->is_safe)
		note_safe(clients, life, seen);
	play->counts.messages++;
	play->counts.safe += seen->is_safe;
	if (pid == life->number && letter.number != life->own++)
		play_break(play, "cpg: life %u got its own message %u in place of %u", life->number, letter.number,
			life->own - 1);
}

static void trace_change(const struct play *play, const struct cpg_life *life, const struct cpg_event_confchg *event)
{
	char text[400];
	int length = 0;

	for (uint32_t i = 0; i < event->member_count + event->left_count + event->joined_count && length < 360; i++) {
		const char *list = i == event->member_count ? " left" : "";

		if (i == event->member_count + event->left_count)
			list = " joined";
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%s %u/%u", list, event->lists[i].pid,
			event->lists[i].reason);
	}
	play_trace(play, "cpg: life %u on node %u: members%s", life->number, life->node, text);
}

static void see_change(struct cpg_clients *clients, struct cpg_life *life, const struct cpg_event_confchg *event)
{
	const struct cpg_wire_address *changed = event->lists + event->member_count;
	uint32_t count = event->left_count + event->joined_count;
	struct cpg_seen *seen;

	for (uint32_t i = event->left_count; i < count; i++)
		life->is_joined |= changed[i].pid == life->number;
	trace_change(clients->play, life, event);
	cpg_check_change(clients, life, event);
	clients->play->counts.changes++;
	seen = see(clients, life);
	seen->kind = CPG_SEEN_CHANGE;
	seen->change = malloc((size_t)event->header.size);
	if (seen->change == NULL)
		abort();
	memcpy(seen->change, event, (size_t)event->header.size);
	for (uint32_t i = 0; i < event->left_count; i++)
		if (changed[i].pid == life->number)
			life->has_left = true;
}

static void see_ring(struct cpg_clients *clients, struct cpg_life *life, struct play_ring ring)
{
	struct cpg_seen *seen;

	play_trace(clients->play, "cpg: life %u: ring %ju", life->number, (uintmax_t)ring.seq);
	/* A node that goes on raises the sequence. So the same id is the same ring, though files were lost since then. */
	for (uint32_t i = life->seen_count; i > 0; i--) {
		const struct cpg_seen *before = &life->seen[i - 1];

		if (before->kind == CPG_SEEN_RING && before->ring.seq == ring.seq &&
			before->ring.representative == ring.representative)
			return;
	}
	cpg_check_ring(clients, life, ring);
	seen = see(clients, life);
	seen->kind = CPG_SEEN_RING;
	seen->ring = ring;
}

static void on_event(struct cpg_clients *clients, struct cpg_life *life, const struct coterie_response_header *header)
{
	const void *bytes = header;

	if (header->id == CPG_EVENT_DELIVER) {
		const struct cpg_event_deliver *event = bytes;

		see_message(clients, life, event->nodeid, event->pid, event->message, event->msglen);
	} else if (header->id == CPG_EVENT_CONFCHG) {
		see_change(clients, life, bytes);
		/* A new connection is told the present ring once, possibly before its first change. */
		if (life->seen_count == 1 && clients->rings[life->slot].seq != 0)
			see_ring(clients, life, clients->rings[life->slot]);
	}
}

static void take_event(
	struct cpg_clients *clients, uint32_t slot, bool is_event, const struct coterie_response_header *header)
{
	struct cpg_life *life = clients->current[slot];
	bool is_ring = is_event && header->id == CPG_EVENT_TOTEM_CONFCHG;

	if (is_ring) {
		const struct cpg_event_totem_confchg *event = (const void *)header;

		clients->rings[slot] = play_ring_of(clients->play, event->ring_id.nodeid, event->ring_id.seq);
	}
	if (life == NULL || life->is_over)
		return;
	if (is_ring && life->is_joined)
		see_ring(clients, life, clients->rings[slot]);
	if (is_event)
		on_event(clients, life, header);
	else if (header->error != CS_OK && header->id == CPG_RES_JOIN)
		life_end(clients, slot);
	else if (header->error != CS_OK && header->id == CPG_RES_LEAVE)
		life->is_leaving = false; /* refused: tick() leaves again */
	if (life->has_left) {
		if (life->own != life->sent)
			play_break(clients->play, "cpg: life %u left, and %u of its %u messages did not come before",
				life->number, life->sent - life->own, life->sent);
		life_end(clients, slot);
	}
}

struct reader {
	struct cpg_clients *clients;
	uint32_t slot;
};

static void take_record(void *arg, const struct fast_record *record)
{
	const struct reader *reader = arg;
	struct cpg_clients *clients = reader->clients;
	struct cpg_life *life = clients->current[reader->slot];

	if (!record->is_message)
		take_event(clients, reader->slot, true, record->bytes);
	else if (life != NULL && !life->is_over)
		see_message(clients, life, record->nodeid, record->pid, record->bytes, record->size);
}

static void read_ring(struct cpg_clients *clients, uint32_t slot)
{
	struct reader reader = {clients, slot};

	if (!fast_read(&clients->fast[slot], take_record, &reader))
		play_break(clients->play, "cpg: the channel of client %u makes no sense", slot);
}

/* Handle a doorbell of the channel. Events that arrived before the first doorbell count as late. */
static void on_doorbell(struct cpg_clients *clients, uint32_t slot)
{
	struct fast *fast = &clients->fast[slot];
	bool is_first = !fast->has_begun;

	fast->has_begun = true;
	read_ring(clients, slot);
	if (is_first && clients->current[slot] != NULL)
		clients->current[slot]->is_late = is_behind(clients, slot);
}

static void on_message(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	struct cpg_clients *clients = arg;
	uint32_t slot = 0;

	while (slot < HISTORY_CLIENTS && clients->connections[slot] != connection)
		slot++;
	if (slot == HISTORY_CLIENTS)
		return;
	if (is_event && header->id == COTERIE_CHANNEL_DOORBELL) {
		on_doorbell(clients, slot);
		return;
	}
	if (!is_event && header->id == CPG_RES_JOIN &&
		!fast_answer(
			&clients->fast[slot], connection, header, (uint32_t)header->size, sizeof(struct cpg_res_plain)))
		play_break(clients->play, "cpg: client %u is granted a channel and does not get it", slot);
	take_event(clients, slot, is_event != 0, header);
}

/* ---- Requests ------------------------------------------------------------ */

static void fill_group(struct cpg_wire_name *name, uint32_t group)
{
	*name = (struct cpg_wire_name){.length = 2};
	name->value[0] = 'g';
	name->value[1] = (uint8_t)('0' + group);
}

static void join(struct cpg_clients *clients, uint32_t slot)
{
	struct play *play = clients->play;
	uint32_t node = play_client_node(play, slot);

	if (!play->views[node].is_known || clients->current[slot] != NULL)
		return;
	if (clients->connections[slot] == NULL) {
		if (testkit_connect(play->kit, node, "cpg", &clients->connections[slot]) < 0) {
			clients->connections[slot] = NULL;
			return;
		}
		testkit_watch(clients->connections[slot], on_message, clients);
	}
	struct {
		struct cpg_req_join join;
		struct coterie_channel_offer offer;
	} request = {.join = {.header = {.id = CPG_REQ_JOIN, .size = sizeof(request.join)}, .flags = 1}};
	struct fast *fast = &clients->fast[slot];

	if ((play->script->setting.channels & 1u << slot) != 0 && !fast->is_open && fast_offer(fast, &request.offer))
		request.join.header.size = sizeof(request);
	struct cpg_life *life = life_begin(clients, slot);
	request.join.pid = life->number;
	fill_group(&request.join.group, life->group);
	testkit_send(clients->connections[slot], &request, (uint32_t)request.join.header.size);
}

static void leave(struct cpg_clients *clients, uint32_t slot)
{
	struct cpg_life *life = clients->current[slot];

	if (life == NULL || !life->is_joined || life->is_leaving)
		return;
	life->wants_leave = true;
	struct cpg_req_leave request = {.header = {.id = CPG_REQ_LEAVE, .size = sizeof(request)}, .pid = life->number};
	fill_group(&request.group, life->group);
	life->is_leaving = testkit_send(clients->connections[slot], &request, sizeof(request)) == 0;
}

static void end(struct cpg_clients *clients, uint32_t slot)
{
	testkit_disconnect(clients->connections[slot]);
	clients->connections[slot] = NULL;
	fast_close(&clients->fast[slot]);
	clients->rings[slot].seq = 0;
	life_end(clients, slot);
}

static void send_one(struct cpg_clients *clients, struct cpg_life *life, uint32_t size, bool is_safe)
{
	static struct {
		struct cpg_req_mcast fixed;
		uint8_t bytes[MESSAGE_MAX];
	} request;
	struct letter letter = {life->number, life->sent, size, is_safe};
	uint8_t *at = (uint8_t *)&request + sizeof(request.fixed);

	request.fixed = (struct cpg_req_mcast){.header = {.id = CPG_REQ_MCAST},
		.guarantee = is_safe ? 3 : 2,
		.msglen = (uint32_t)sizeof(letter) + size};
	memcpy(at, &letter, sizeof(letter));
	for (uint32_t i = 0; i < size; i++)
		at[sizeof(letter) + i] = pattern(&letter, i);
	request.fixed.header.size = (int32_t)(sizeof(request.fixed) + request.fixed.msglen);
	play_note_send(clients->play, &life->notes, life->node, life->sent);
	if (clients->fast[life->slot].is_open
			? fast_send(&clients->fast[life->slot], request.fixed.guarantee, at, request.fixed.msglen)
			: testkit_send(
				  clients->connections[life->slot], &request, (uint32_t)request.fixed.header.size) == 0)
		life->sent++;
	clients->messages[is_safe]++;
}

static void hold(struct cpg_clients *clients, uint32_t slot, bool is_held)
{
	if (clients->connections[slot] == NULL)
		return;
	testkit_hold(clients->connections[slot], is_held);
	clients->fast[slot].is_held = is_held;
	if (!is_held)
		read_ring(clients, slot);
	if (is_held && clients->current[slot] != NULL)
		clients->current[slot]->is_late = true;
}

static void act(void *self, const struct step *step)
{
	struct cpg_clients *clients = self;
	struct cpg_life *life = clients->current[step->client];

	switch ((int)step->kind) {
	case STEP_CPG_JOIN:
		join(clients, step->client);
		break;
	case STEP_CPG_LEAVE:
		leave(clients, step->client);
		break;
	case STEP_CPG_END:
		end(clients, step->client);
		break;
	case STEP_CPG_HOLD:
		hold(clients, step->client, step->count > 0);
		break;
	case STEP_CPG_SEND:
		if (life == NULL)
			join(clients, step->client);
		for (uint32_t i = 0; life != NULL && life->is_joined && !life->wants_leave && i < step->count &&
				     life->sent - life->own < OUTSTANDING_MAX;
			i++)
			send_one(clients, life, step->size, step->value != 0);
		break;
	}
}

static void tick(void *self)
{
	struct cpg_clients *clients = self;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		struct cpg_life *life = clients->current[i];

		/* The client has read all waiting events, so its next events are not late. */
		if (life != NULL && life->is_late && !is_behind(clients, i))
			life->is_late = false;
		if (clients->connections[i] != NULL && !testkit_is_connected(clients->connections[i]))
			end(clients, i);
		if (clients->current[i] != NULL && clients->current[i]->wants_leave)
			leave(clients, i);
		if (clients->play->is_quiet)
			hold(clients, i, false);
	}
}

static bool is_settled(void *self)
{
	const struct cpg_clients *clients = self;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++) {
		const struct cpg_life *life = clients->current[i];

		if (life != NULL && (!life->is_joined || life->wants_leave || life->own != life->sent))
			return false;
	}
	return true;
}

/* ---- Life of the part ---------------------------------------------------- */

static void *create(struct play *play)
{
	struct cpg_clients *clients = calloc(1, sizeof(*clients));

	if (clients == NULL)
		abort();
	clients->play = play;
	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		clients->fast[i].socket = -1;
	play->kit->is_in_order = true;
	return clients;
}

static void check(void *self) { cpg_check_end(self); }

static void destroy(void *self)
{
	struct cpg_clients *clients = self;

	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		fast_close(&clients->fast[i]);
	for (uint32_t i = 1; i < clients->life_count; i++) {
		struct cpg_life *life = clients->lives[i];

		for (uint32_t k = 0; k < life->seen_count; k++) {
			free(life->seen[k].members);
			free(life->seen[k].change);
		}
		free(life->seen);
		free(life->members);
		free(life->notes.list);
		free(life);
	}
	free(clients->lives);
	free(clients);
}

const struct play_part play_cpg = {.name = "cpg",
	.create = create,
	.tick = tick,
	.act = act,
	.is_settled = is_settled,
	.check = check,
	.destroy = destroy};
