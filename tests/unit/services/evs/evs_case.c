/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/evs/evs_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct coterie_service *ops;
struct coterie_ctx *host;
void *self;
struct coterie_client *users[USERS];
uint32_t read_events[USERS]; /* number of each user's events that expect() has checked */

/* ---- Fixture ---- */

struct coterie_client *connect_user(uint32_t i)
{
	users[i] = mock_client_create(host, ops->client_size, 100 + i);
	ck_assert_int_eq(ops->client_join(self, users[i]), 0);
	read_events[i] = 0;
	return users[i];
}

void disconnect_user(uint32_t i)
{
	ops->client_leave(self, users[i]);
	mock_client_destroy(users[i]);
	users[i] = NULL;
}

static void set_up(void)
{
	ops = evs_LTX_coterie_plugin.ops;
	host = mock_host_create(&evs_LTX_coterie_plugin);
	host->ring = (struct coterie_ring_id){.representative = 1, .seq = 8};
	host->member_count = 2;
	host->members[0] = 1;
	host->members[1] = 2;
	ck_assert_int_eq(ops->init(&host->table, host, &self), 0);
}

static void tear_down(void)
{
	for (uint32_t i = 0; i < USERS; i++) {
		if (users[i] != NULL)
			disconnect_user(i);
	}
	ops->fini(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

/* ---- What a client gets ---- */

static char *append_ids(char *to, const char *what, const uint8_t *ids, uint32_t count)
{
	to += sprintf(to, " %s", what);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id;

		memcpy(&id, ids + i * sizeof(id), sizeof(id));
		to += sprintf(to, " %u", id);
	}
	return to;
}

static void write_event(const struct mock_message *message, char *to)
{
	struct evs_event_deliver deliver;
	struct evs_event_confchg confchg;
	const uint8_t *lists = message->data + sizeof(confchg) - 24;

	if (message->id == EVS_EVENT_DELIVER) {
		ck_assert_uint_ge(message->size, sizeof(deliver) - 24);
		memcpy((uint8_t *)&deliver + 24, message->data, sizeof(deliver) - 24);
		ck_assert_uint_eq(deliver.msglen, message->size - (sizeof(deliver) - 24));
		ck_assert_uint_eq(deliver.pad0 | deliver.pad1, 0);
		sprintf(to, "%u: %.*s", deliver.nodeid, (int)deliver.msglen,
			(const char *)message->data + sizeof(deliver) - 24);
		return;
	}
	ck_assert_uint_eq(message->id, EVS_EVENT_CONFCHG);
	memcpy((uint8_t *)&confchg + 24, message->data, sizeof(confchg) - 24);
	ck_assert_uint_eq(message->size,
		sizeof(confchg) - 24 + 4 * (confchg.member_count + confchg.left_count + confchg.joined_count));
	ck_assert_uint_eq(confchg.ring_id.pad | confchg.pad0 | confchg.pad1 | confchg.pad2, 0);
	to += sprintf(to, "%s %u.%ju", confchg.type == EVS_WIRE_REGULAR ? "regular" : "transitional",
		confchg.ring_id.nodeid, (uintmax_t)confchg.ring_id.seq);
	to = append_ids(to, "members", lists, confchg.member_count);
	to = append_ids(to, "left", lists + 4 * confchg.member_count, confchg.left_count);
	to = append_ids(to, "joined", lists + 4 * (confchg.member_count + confchg.left_count), confchg.joined_count);
	sprintf(to, confchg.flags == EVS_WIRE_SAFE_KEPT ? " safe" : " unsafe");
}

void expect(uint32_t i, const char *want)
{
	char text[512] = "";

	if (read_events[i] < users[i]->events.count)
		write_event(&users[i]->events.list[read_events[i]++], text);
	ck_assert_msg(strcmp(text, want) == 0, "user %u: \"%s\", not \"%s\"", i, text, want);
}

/* ---- Requests ---- */

struct evs_wire_group named(const char *name)
{
	struct evs_wire_group group = {{0}};

	memcpy(group.key, name, strlen(name));
	return group;
}

int32_t request(uint32_t i, const void *bytes, size_t size, uint32_t response)
{
	struct mock_queue *replies = &users[i]->replies;
	uint32_t before = replies->count;

	mock_request(users[i], ops, self, bytes, (uint32_t)size);
	ck_assert_uint_eq(replies->count, before + 1);
	ck_assert_uint_eq(replies->list[before].id, response);
	return replies->list[before].error;
}

int32_t groups_request(uint32_t i, int32_t id, const char *letters, uint32_t claimed)
{
	size_t count = strlen(letters);
	size_t size = sizeof(struct evs_req_groups) + count * sizeof(struct evs_wire_group);
	struct evs_req_groups *req = calloc(1, size);

	req->header = (struct evs_request_header){.id = id, .size = (int32_t)size};
	req->group_count = claimed;
	for (size_t k = 0; k < count; k++)
		req->groups[k] = named((char[]){letters[k], '\0'});

	int32_t error = request(i, req, size, (uint32_t)id + 2);

	free(req);
	return error;
}

int32_t join(uint32_t i, const char *letters)
{
	return groups_request(i, EVS_REQ_JOIN, letters, (uint32_t)strlen(letters));
}

int32_t leave(uint32_t i, const char *letters)
{
	return groups_request(i, EVS_REQ_LEAVE, letters, (uint32_t)strlen(letters));
}

int32_t mcast_joined(uint32_t i, uint32_t guarantee, const char *text)
{
	size_t length = strlen(text), size = sizeof(struct evs_req_mcast_joined) + length;
	struct evs_req_mcast_joined *req = calloc(1, size);

	req->header = (struct evs_request_header){.id = EVS_REQ_MCAST_JOINED, .size = (int32_t)size};
	req->guarantee = guarantee;
	req->msglen = (uint32_t)length;
	memcpy(req->message, text, length);

	int32_t error = request(i, req, size, EVS_RES_MCAST_JOINED);

	free(req);
	return error;
}

int32_t mcast_groups(uint32_t i, uint32_t guarantee, const char *letters, const void *bytes, size_t length)
{
	size_t count = strlen(letters);
	size_t size = sizeof(struct evs_req_mcast_groups) + count * sizeof(struct evs_wire_group) + length;
	struct evs_req_mcast_groups *req = calloc(1, size);

	req->header = (struct evs_request_header){.id = EVS_REQ_MCAST_GROUPS, .size = (int32_t)size};
	req->guarantee = guarantee;
	req->msglen = (uint32_t)length;
	req->group_count = (uint32_t)count;
	for (size_t k = 0; k < count; k++)
		req->groups[k] = named((char[]){letters[k], '\0'});
	memcpy(req->groups + count, bytes, length);

	int32_t error = request(i, req, size, EVS_RES_MCAST_GROUPS);

	free(req);
	return error;
}

void run_ring(void)
{
	struct mock_queue sent = host->sent;

	memset(&host->sent, 0, sizeof(host->sent));
	for (uint32_t i = 0; i < sent.count; i++)
		ck_assert_int_eq(mock_deliver(ops, self, host->nodeid, false, &sent.list[i]), 0);
	mock_queue_clear(&sent);
}

TCase *evs_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("service");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}
