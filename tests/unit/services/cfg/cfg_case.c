/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cfg/cfg_case.h"

const struct coterie_service *ops;
struct coterie_ctx *host;
void *self;
struct coterie_client *users[USERS];

static void join(uint32_t i)
{
	users[i] = mock_client_create(host, ops->client_size, 100 + i);
	ck_assert_int_eq(ops->client_join(self, users[i]), 0);
}

void leave(uint32_t i)
{
	struct coterie_client *client = users[i];

	users[i] = NULL;
	if (client == NULL)
		return;
	ops->client_leave(self, client);
	mock_client_destroy(client);
}

static void set_up(void)
{
	ops = cfg_LTX_coterie_plugin.ops;
	host = mock_host_create(&cfg_LTX_coterie_plugin);
	host->nodeid = 2;
	host->is_safe_kept = 0; /* a ring with nodes of Corosync. test_cfg_agree.c has rings without them */
	host->table.map_set(host, "totem.transport", COTERIE_MAP_STRING, "udpu", 5);
	ck_assert_int_eq(ops->init(&host->table, host, &self), 0);
	for (uint32_t i = 0; i < USERS; i++)
		join(i);
}

static void tear_down(void)
{
	for (uint32_t i = 0; i < USERS; i++)
		leave(i);
	ops->fini(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

/* ---- What clients do ----------------------------------------------------- */

int request(uint32_t i, const void *msg, uint32_t size) { return mock_request(users[i], ops, self, msg, size); }

int ask(uint32_t i, int32_t id)
{
	struct cfg_req_plain req = {.header = {.id = id, .size = sizeof(req)}};

	return request(i, &req, sizeof(req));
}

int track(uint32_t i)
{
	struct cfg_req_trackstart req = {.header = {.id = CFG_REQ_TRACKSTART, .size = sizeof(req)}, .track_flags = 3};

	return request(i, &req, sizeof(req));
}

int shut_down(uint32_t i, uint32_t flags)
{
	struct cfg_req_try_shutdown req = {.header = {.id = CFG_REQ_TRY_SHUTDOWN, .size = sizeof(req)}, .flags = flags};

	return request(i, &req, sizeof(req));
}

int answer(uint32_t i, uint32_t yes)
{
	struct cfg_req_reply_to_shutdown req = {
		.header = {.id = CFG_REQ_REPLY_TO_SHUTDOWN, .size = sizeof(req)}, .response = yes};

	return request(i, &req, sizeof(req));
}

/* Return the error of the client's last reply, or 0 while it waits. */
static int32_t last_error(uint32_t i)
{
	const struct mock_queue *replies = &users[i]->replies;

	return replies->count == 0 ? 0 : replies->list[replies->count - 1].error;
}

int32_t error_of(uint32_t i, uint32_t id)
{
	const struct mock_queue *replies = &users[i]->replies;

	ck_assert_uint_gt(replies->count, 0);
	ck_assert_uint_eq(replies->list[replies->count - 1].id, id);
	return last_error(i);
}

bool has_answer(uint32_t i) { return users[i]->replies.count > 0; }

uint32_t questions(uint32_t i) { return users[i]->events.count; }

uint32_t announced(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < host->sent.count; i++)
		count += host->sent.list[i].id == CFG_RING_SHUTDOWN;
	return count;
}

void deliver_all(uint32_t nodeid, bool swap)
{
	for (uint32_t i = 0; i < host->sent.count; i++)
		ck_assert_int_eq(mock_deliver(ops, self, nodeid, swap, &host->sent.list[i]), 0);
	mock_queue_clear(&host->sent);
}

TCase *cfg_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("service");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}
