/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/checks_case.h"

#include <string.h>

#include "tests/sim/check_ring.h"

const uint32_t ids[NODES] = {1, 2, 3};
struct report report;
struct history history;
struct life *lives[NODES];

static void set_up(void)
{
	report = (struct report){0};
	history_init(&history, &report, ids, NODES, 0);
	for (uint32_t i = 0; i < NODES; i++)
		lives[i] = history_start(&history, i, false, true, 0);
}

static void tear_down(void) { history_fini(&history); }

void expect(const char *property)
{
	ck_assert_msg(report.is_broken, "nothing was noticed; %s should be broken", property);
	ck_assert_msg(strcmp(report.property, property) == 0, "%s was noticed instead of %s: %s", report.property,
		property, report.text);
}

void expect_nothing(void) { ck_assert_msg(!report.is_broken, "%s was noticed: %s", report.property, report.text); }

static uint32_t list(uint64_t mask, uint32_t out[NODES])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NODES; i++)
		if ((mask & BIT(i)) != 0)
			out[count++] = ids[i];
	return count;
}

static struct ring_id ring_of(uint64_t members, uint64_t seq)
{
	return (struct ring_id){.rep = (uint32_t)__builtin_ctzll(members) + 1, .seq = seq};
}

struct ring_record *ring(uint64_t members, uint64_t seq)
{
	struct ring_id id = ring_of(members, seq);
	struct ring_record *found = history_find_ring(&history, &id);

	return found != NULL ? found : history_create_ring(&history, &id, lives[id.rep - 1], members, 0);
}

void transitional(uint32_t node, uint64_t members, uint64_t seq, uint64_t with, uint64_t left)
{
	uint32_t lists[2][NODES];
	struct totem_configuration configuration = {
		.ring = ring_of(members, seq), .members = lists[0], .left = lists[1], .is_safe_honoured = true};

	ring(members, seq);
	configuration.member_count = list(with, lists[0]);
	configuration.left_count = list(left, lists[1]);
	evs_configured(&history, lives[node], &configuration);
}

void regular(uint32_t node, uint64_t members, uint64_t seq, uint64_t joined)
{
	uint32_t lists[2][NODES];
	struct totem_configuration configuration = {.is_regular = true,
		.ring = ring_of(members, seq),
		.members = lists[0],
		.joined = lists[1],
		.is_safe_honoured = true};

	ring(members, seq);
	configuration.member_count = list(members, lists[0]);
	configuration.joined_count = list(joined, lists[1]);
	evs_configured(&history, lives[node], &configuration);
}

void install(uint32_t node, uint64_t members, uint64_t seq, uint64_t with)
{
	transitional(node, members, seq, with, lives[node]->members & ~with);
	regular(node, members, seq, members & ~with);
}

void install_all(uint64_t seq)
{
	for (uint32_t i = 0; i < NODES; i++)
		install(i, ALL, seq, lives[i]->period_count == 0 ? 0 : ALL);
}

struct message *send_only(uint32_t node, uint32_t guarantee)
{
	struct message *message = history_message(&history, lives[node], guarantee, 100, false);

	history_sent(&history, message);
	return message;
}

void receive(struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	uint32_t at;

	ck_assert(history_frame(&history, on, seq, &at));
	for (uint32_t i = 0; i < NODES; i++)
		if ((nodes & BIT(i)) != 0)
			history_received(&history, on, at, i);
}

void order(struct message *message, struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	receive(on, seq, nodes);
	message->start_ring = on;
	message->is_marked_safe = message->guarantee == TOTEM_SAFE;
	history_ended(&history, message, on, seq - 1);
}

struct message *send_ordered(uint32_t node, struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	struct message *message = send_only(node, TOTEM_AGREED);

	order(message, on, seq, nodes);
	return message;
}

void deliver(uint64_t nodes, struct message *message)
{
	for (uint32_t i = 0; i < NODES; i++)
		if ((nodes & BIT(i)) != 0)
			evs_delivered(&history, lives[i], message);
}

void trace(uint32_t node, enum totem_trace_kind kind, enum totem_state state, const struct ring_record *on,
	uint32_t seq, uint64_t value)
{
	struct totem_trace event = {
		.kind = kind, .state = state, .ring = on->id, .seq = seq, .value = value, .node = ids[node]};

	rings_traced(&history, lives[node], &event);
}

TCase *checks_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("checks");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}
