/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: answers to clients. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"
#include "tests/unit/service_rights.h"

extern const struct coterie_plugin kv_LTX_coterie_plugin;

START_TEST(a_write_comes_to_all_nodes)
{
	ck_assert_int_eq(kv_case_put("key", "value"), KV_OK);
	ck_assert_uint_eq(kv_case_revision(), 1);
	for (uint32_t i = 1; i <= 3; i++)
		kv_case_check(i, "key", "value");
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET, "key"), KV_OK);
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET, "other"), KV_NOT_EXIST);
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET_ORDERED, "key"), KV_OK);

	const struct mock_message *reply = &kv_user.client->replies.list[0];

	ck_assert_mem_eq(reply->data + reply->size - 5, "value", 5);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_DELETE, "key", "", -1), KV_OK);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_DELETE, "key", "", -1), KV_NOT_EXIST);
	kv_case_check(3, "key", NULL);
}
END_TEST

/* Send an ordered list, which is answered after its delivery. */
static void send_list(struct service_user *user)
{
	struct kv_case_request request = {.list = {.flags = KV_KEYS_ONLY}};

	ck_assert_int_eq(service_user_send(user, KV_REQ_LIST_ORDERED, &request, sizeof(request.list)), COTERIE_LATER);
}

/* Each look at the clock takes 300 us here. Many reads are delivered together: a turn answers those of a millisecond. */
START_TEST(ordered_reads_are_answered_in_turns)
{
	struct coterie_ctx *host = kv_ring.nodes[1].host;
	struct service_user other = service_user_create(&kv_ring, 1, 200);
	uint32_t answered = 0, turns = 0;

	if (service_is_replaced())
		return; /* a replacement ends the turns */
	ck_assert_int_eq(kv_case_put("key", "value"), KV_OK);
	for (int i = 0; i < 8; i++) {
		send_list(&kv_user);
		send_list(&other);
	}
	host->now_step_ns = 300000;
	service_ring_run(&kv_ring);
	answered = kv_user.client->replies.count + other.client->replies.count;
	ck_assert_uint_ge(answered, 1);
	ck_assert_uint_le(answered, 5);
	service_user_close(&other); /* its reads go with it */
	for (; kv_at(1)->due != NULL; turns++) {
		uint32_t before = kv_user.client->replies.count;

		ck_assert_uint_lt(turns, 16);
		mock_host_advance(host, 0);
		ck_assert_uint_le(kv_user.client->replies.count, before + 5);
	}
	ck_assert_uint_ge(turns, 2);
	ck_assert_uint_eq(kv_user.client->replies.count, 8);
	for (uint32_t i = 0; i < 8; i++)
		ck_assert_int_eq(kv_user.client->replies.list[i].error, KV_OK);
	host->now_step_ns = 0;
	mock_host_advance(host, 1000000000);
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET_ORDERED, "key"), KV_OK);
}
END_TEST

/* Reads that wait are refused when a new version of the plugin takes over, and in a synchronisation. */
START_TEST(ordered_reads_that_wait_are_refused_at_the_end)
{
	struct coterie_ctx *host = kv_ring.nodes[1].host;
	void *blob;
	uint32_t size;

	if (service_is_replaced())
		return; /* they are refused then */
	host->now_step_ns = 300000;
	for (int i = 0; i < 12; i++)
		send_list(&kv_user);
	service_ring_run(&kv_ring);
	ck_assert_ptr_nonnull(kv_at(1)->due);
	ck_assert_int_eq(kv_ops.state_save(kv_at(1), &blob, &size), 0);
	free(blob);
	ck_assert_ptr_null(kv_at(1)->due);
	ck_assert_uint_eq(kv_user.client->replies.count, 12);
	ck_assert_int_eq(kv_user.client->replies.list[11].error, KV_TRY_AGAIN);
	mock_host_advance(host, 1000000);
	for (int i = 0; i < 12; i++)
		send_list(&kv_user);
	service_ring_run(&kv_ring);
	ck_assert_ptr_nonnull(kv_at(1)->due);
	service_ring_form_start(&kv_ring, "1 2 3");
	while (kv_at(1)->due != NULL)
		mock_host_advance(host, 0);
	ck_assert_int_eq(kv_user.client->replies.list[11].error, KV_TRY_AGAIN);
	host->now_step_ns = 0;
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
}
END_TEST

START_TEST(conditions_are_decided_in_the_order)
{
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_PUT, "k", "a", 0), KV_OK); /* revision 1 */
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_PUT, "k", "b", 0), KV_EXIST);
	ck_assert_uint_eq(kv_case_revision(), 1);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_PUT, "k", "b", 2), KV_FAILED_OPERATION);
	/* Revision 4: the writes that failed have counted, too. */
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_PUT, "k", "b", 1), KV_OK);
	ck_assert_uint_eq(kv_case_revision(), 4);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_PUT, "none", "b", 4), KV_NOT_EXIST);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_DELETE, "k", "", 1), KV_FAILED_OPERATION);
	kv_case_check(2, "k", "b");
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_DELETE, "k", "", 4), KV_OK);
	kv_case_check(2, "k", NULL);
	ck_assert_uint_eq(kv_at(2)->state.hash, kv_at(1)->state.hash);
}
END_TEST

START_TEST(lengths_of_requests_are_checked)
{
	static const struct {
		const char *name;
		int32_t id;
		uint32_t words[5]; /* words of the request behind the header */
		uint32_t size;     /* bytes behind the fixed part */
		int want;
	} rows[] = {
		{"empty key", KV_REQ_PUT, {0, 0, 0, 0, 0}, 0, -EINVAL},
		{"key of 256", KV_REQ_PUT, {0, 0, 0, 256, 0}, 256, -EMSGSIZE},
		{"key of 4 GiB", KV_REQ_PUT, {0, 0, 0, UINT32_MAX, 2}, 8, -EMSGSIZE},
		{"value too long", KV_REQ_PUT, {0, 0, 0, 1, KV_VALUE_MAX + 1}, 8, -EMSGSIZE},
		{"value not there", KV_REQ_PUT, {0, 0, 0, 1, 8}, 8, -EINVAL},
		{"all there", KV_REQ_PUT, {0, 0, 0, 1, 7}, 8, COTERIE_LATER},
		{"unknown flag", KV_REQ_PUT, {0, 0, 2, 1, 7}, 8, -EINVAL},
		{"deletion with a value", KV_REQ_DELETE, {0, 0, 0, 1, 7}, 8, -EINVAL},
		{"get an empty key", KV_REQ_GET, {0, 0}, 0, -EINVAL},
		{"get a long key", KV_REQ_GET, {256, 0}, 256, -EMSGSIZE},
		{"get a key not there", KV_REQ_GET, {2, 0}, 1, -EINVAL},
		{"list all", KV_REQ_LIST, {0, 0, 0, 0}, 0, COTERIE_REPLIED},
		{"list with a flag", KV_REQ_LIST, {4, 0, 0, 0}, 0, -EINVAL},
		{"list a long prefix", KV_REQ_LIST, {0, 256, 0, 0}, 256, -EMSGSIZE},
		{"list after a long key", KV_REQ_LIST, {0, 0, 256, 0}, 256, -EMSGSIZE},
		{"list after what is not there", KV_REQ_LIST, {0, 1, 1, 0}, 1, -EINVAL},
		{"watch a long prefix", KV_REQ_WATCH, {256, 0}, 256, -EMSGSIZE},
		{"watch what is not there", KV_REQ_WATCH, {1, 0}, 0, -EINVAL},
		{"end no watch", KV_REQ_UNWATCH, {1, 0}, 0, -ENOENT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kv_case_request request = {0};
		uint32_t fixed = rows[i].id == KV_REQ_PUT || rows[i].id == KV_REQ_DELETE ? 40
				 : rows[i].id == KV_REQ_LIST                             ? 32
											 : 24;
		int rc;

		memcpy((uint8_t *)&request + 16, rows[i].words, sizeof(rows[i].words));
		if (rows[i].id == KV_REQ_PUT || rows[i].id == KV_REQ_DELETE) {
			request.write.flags = rows[i].words[2];
			request.write.key_size = rows[i].words[3];
			request.write.value_size = rows[i].words[4];
		}
		rc = service_user_send(&kv_user, rows[i].id, &request, fixed + rows[i].size);
		ck_assert_msg(rc == rows[i].want, "%s: %d", rows[i].name, rc);
		service_ring_run(&kv_ring);
	}
}
END_TEST

/* With small entries a page is limited by the number of keys, since each key takes time. */
START_TEST(a_page_has_so_many_keys)
{
	char key[8];
	struct kv_case_request request = {.list = {.prefix_size = 1}};
	struct kv_res_list page;

	if (service_is_replaced())
		return; /* thousands of replacements */
	for (uint32_t i = 0; i < 600; i++) {
		snprintf(key, sizeof(key), "k%03u", i);
		ck_assert_int_eq(kv_case_put(key, "1"), KV_OK);
	}
	((uint8_t *)&request)[sizeof(struct kv_req_list)] = 'k';
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_LIST, &request, (uint32_t)sizeof(struct kv_req_list) + 1), KV_OK);
	memcpy((uint8_t *)&page + 24, kv_user.client->replies.list[0].data, sizeof(page) - 24);
	ck_assert_uint_eq(page.count, 512);
	ck_assert_uint_eq(page.has_more, 1);
}
END_TEST

START_TEST(a_list_comes_in_pages)
{
	char key[8], value[3001];
	struct kv_case_request request = {.list = {.prefix_size = 1}};
	uint32_t seen = 0;
	struct kv_res_list page;

	memset(value, 'v', sizeof(value) - 1);
	value[3000] = '\0';
	ck_assert_int_eq(kv_case_put("j", "1"), KV_OK);
	ck_assert_int_eq(kv_case_put("l", "1"), KV_OK);
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%03u", i);
		ck_assert_int_eq(kv_case_put(key, value), KV_OK);
	}
	((uint8_t *)&request)[sizeof(struct kv_req_list)] = 'k';
	do {
		ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_LIST, &request,
					 (uint32_t)sizeof(struct kv_req_list) + 1 + request.list.after_size),
			KV_OK);

		const struct mock_message *reply = &kv_user.client->replies.list[0];

		memcpy((uint8_t *)&page + 24, reply->data, sizeof(page) - 24);
		seen += page.count;
		ck_assert_uint_gt(page.count, 0);
		snprintf(key, sizeof(key), "k%03u", seen - 1);
		request.list.after_size = 4;
		memcpy((uint8_t *)&request + sizeof(struct kv_req_list) + 1, key, 4);
	} while (page.has_more != 0);
	ck_assert_uint_eq(seen, 200);
}
END_TEST

START_TEST(what_is_full_takes_no_more)
{
	static char value[600001];

	memset(value, 'v', 600000);

	struct {
		struct kv_req_write write;
		uint8_t bytes[600001];
	} *request = calloc(1, sizeof(*request));

	request->write.key_size = 1;
	request->write.value_size = 600000;
	memset((uint8_t *)request + sizeof(struct kv_req_write), 'a', 600001);
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_PUT, (struct kv_case_request *)request, 40 + 600001), KV_OK);
	((uint8_t *)request)[40] = 'b';
	ck_assert_int_eq(
		kv_case_ask(&kv_user, KV_REQ_PUT, (struct kv_case_request *)request, 40 + 600001), KV_NO_SPACE);
	((uint8_t *)request)[40] = 'a';
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_PUT, (struct kv_case_request *)request, 40 + 600001), KV_OK);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(kv_at(i)->store.keys, 1);
	free(request);
}
END_TEST

/* The limit was lowered since the value was written. */
START_TEST(a_table_beyond_its_limit_may_shrink)
{
	ck_assert_int_eq(kv_case_put("k", "four"), KV_OK);
	for (uint32_t i = 1; i <= 3; i++)
		kv_at(i)->bytes_max = 1;
	ck_assert_int_eq(kv_case_put("k", "a longer one"), KV_NO_SPACE);
	ck_assert_int_eq(kv_case_put("k", "two"), KV_OK);
	kv_case_check(3, "k", "two");
}
END_TEST

START_TEST(the_smallest_limit_counts)
{
	mock_host_option(kv_ring.nodes[3].host, "bytes_max", "2097152");
	ck_assert_int_eq(kv_ring.ops->reload(kv_at(3)), 0);
	service_ring_run(&kv_ring);
	ck_assert_uint_eq(kv_at(1)->bytes_max, 1u << 20);
	for (uint32_t i = 1; i <= 2; i++) {
		mock_host_option(kv_ring.nodes[i].host, "bytes_max", "4194304");
		ck_assert_int_eq(kv_ring.ops->reload(kv_at(i)), 0);
	}
	service_ring_run(&kv_ring);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(kv_at(i)->bytes_max, 2u << 20);
}
END_TEST

/* ---- Watches -------------------------------------------------------------- */

static uint32_t watch(const char *prefix)
{
	struct kv_case_request request = {.watch = {.prefix_size = (uint32_t)strlen(prefix)}};
	uint32_t number;

	memcpy((uint8_t *)&request + sizeof(struct kv_req_watch), prefix, strlen(prefix));
	ck_assert_int_eq(
		kv_case_ask(&kv_user, KV_REQ_WATCH, &request, (uint32_t)(sizeof(struct kv_req_watch) + strlen(prefix))),
		KV_OK);
	memcpy(&number, kv_user.client->replies.list[0].data + 8, sizeof(number));
	return number;
}

START_TEST(watchers_hear_of_their_prefix)
{
	ck_assert_uint_eq(watch("a/"), 1);
	kv_case_put("b", "1");
	kv_case_put("a/x", "1");
	kv_case_write(&kv_user, KV_REQ_DELETE, "a/x", "", -1);
	kv_case_write(&kv_user, KV_REQ_DELETE, "a/x", "", -1); /* changes nothing */
	ck_assert_uint_eq(kv_user.client->events.count, 2);
	ck_assert_uint_eq(kv_user.client->events.list[0].id, KV_EVENT_CHANGE);

	struct kv_event_change event;

	memcpy((uint8_t *)&event + 24, kv_user.client->events.list[1].data, sizeof(event) - 24);
	ck_assert_uint_eq(event.op, KV_OP_DELETE);
	ck_assert_uint_eq(event.revision, 3);
	ck_assert_uint_eq(event.key_size, 3);
}
END_TEST

START_TEST(who_does_not_read_is_told_so)
{
	char value[3001];
	struct {
		struct kv_req_ack ack;
		uint8_t room[4080];
	} request = {0};

	memset(value, 'v', sizeof(value) - 1);
	value[3000] = '\0';
	watch("");
	for (uint32_t i = 0; i < 400; i++)
		ck_assert_int_eq(kv_case_put("key", value), KV_OK);

	uint32_t count = kv_user.client->events.count;

	ck_assert_uint_lt(count, 200); /* half a megabyte of keys */
	request.ack.bytes = UINT64_MAX;
	service_user_send(&kv_user, KV_REQ_ACK, &request, sizeof(request.ack));
	ck_assert_uint_eq(kv_user.client->events.count, count + 1);
	ck_assert_uint_eq(kv_user.client->events.list[count].id, KV_EVENT_MISSED);
	kv_case_put("key", "1");
	ck_assert_uint_eq(kv_user.client->events.count, count + 2);
	ck_assert_uint_eq(kv_user.client->events.list[count + 1].id, KV_EVENT_CHANGE);
}
END_TEST

START_TEST(a_client_has_64_watches)
{
	struct kv_case_request request = {0};

	for (uint32_t i = 1; i <= 64; i++)
		ck_assert_uint_eq(watch("x"), i);
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_WATCH, &request, sizeof(struct kv_req_watch)), KV_NO_RESOURCES);
}
END_TEST

START_TEST(a_watch_that_has_ended_makes_room)
{
	struct kv_case_request request = {0};
	struct kv_req_unwatch *unwatch = (struct kv_req_unwatch *)&request;

	for (uint32_t i = 1; i <= 64; i++)
		ck_assert_uint_eq(watch("x"), i);
	unwatch->watch = 7;
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_UNWATCH, &request, sizeof(*unwatch)), KV_OK);
	ck_assert_uint_eq(watch("x"), 65);
}
END_TEST

/* Create a client without the right to administer, which has 64 watches of all keys. */
static struct service_user watcher(uint32_t pid, uint32_t uid)
{
	struct service_user user = service_user_create(&kv_ring, 1, pid);
	struct kv *kv = kv_at(1);

	kv_ring.ops->client_leave(kv, user.client);
	user.client->uid = uid;
	user.client->right = COTERIE_RIGHT_USE;
	ck_assert_int_eq(kv_ring.ops->client_join(kv, user.client), 0);
	for (uint32_t i = 1; i <= 64; i++) {
		struct kv_case_request request = {0};

		ck_assert_int_eq(kv_case_ask(&user, KV_REQ_WATCH, &request, sizeof(struct kv_req_watch)), KV_OK);
	}
	return user;
}

static uint32_t count_events(const struct service_user *user, uint32_t id)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < user->client->events.count; i++)
		count += user->client->events.list[i].id == id;
	return count;
}

/*
 * 128 watches of one user are notified of a change at once. The others are notified in turns that they have missed it.
 */
START_TEST(a_change_tells_some_watches_of_a_user_and_the_others_later)
{
	struct service_user users[] = {watcher(201, 1000), watcher(202, 1000), watcher(203, 1000), watcher(204, 1001)};

	if (service_is_replaced())
		return; /* a replacement tells all */
	watch("");
	ck_assert_int_eq(kv_case_put("key", "1"), KV_OK);
	ck_assert_uint_eq(count_events(&kv_user, KV_EVENT_CHANGE), 1);
	ck_assert_uint_eq(count_events(&users[3], KV_EVENT_CHANGE), 64); /* another user has a share of its own */
	ck_assert_uint_eq(count_events(&users[0], KV_EVENT_CHANGE) + count_events(&users[1], KV_EVENT_CHANGE) +
				  count_events(&users[2], KV_EVENT_CHANGE),
		128);
	/* Its watches are the oldest ones, so they come last. */
	ck_assert_uint_eq(count_events(&users[0], KV_EVENT_CHANGE), 0);
	ck_assert_uint_eq(count_events(&users[0], KV_EVENT_MISSED), 0);
	mock_host_advance(kv_ring.nodes[1].host, 1000000);
	ck_assert_uint_eq(count_events(&users[0], KV_EVENT_MISSED), 32);
	/* Half of this client's watches have not been notified of the first change yet. */
	ck_assert_int_eq(kv_case_put("key", "2"), KV_OK);
	mock_host_advance(kv_ring.nodes[1].host, 4000000);
	ck_assert_uint_eq(count_events(&users[0], KV_EVENT_CHANGE), 0);
	ck_assert_uint_ge(count_events(&users[0], KV_EVENT_MISSED), 64);
	for (uint32_t i = 0; i < 4; i++)
		service_user_close(&users[i]);
}
END_TEST

/* With large values fewer watches are notified at once: up to 2 MiB of notifications. */
START_TEST(a_large_value_goes_to_some_clients_of_a_user)
{
	static uint8_t value[1000000];
	struct service_user users[8];
	uint32_t told = 0, late = 0;

	for (uint32_t i = 0; i < 8; i++)
		users[i] = watcher(201 + i, 1000);
	kv_watch_change(kv_at(1), KV_OP_PUT, "key", 3, value, sizeof(value));
	for (uint32_t i = 0; i < 8; i++)
		told += count_events(&users[i], KV_EVENT_CHANGE);
	ck_assert_uint_eq(told, 3);
	mock_host_advance(kv_ring.nodes[1].host, 10000000);
	for (uint32_t i = 0; i < 8; i++)
		late += count_events(&users[i], KV_EVENT_MISSED);
	ck_assert_uint_eq(late, 5 * 64); /* the other watches were notified when a megabyte was read */
	for (uint32_t i = 0; i < 8; i++)
		service_user_close(&users[i]);
}
END_TEST

/* Watches that miss changes all the time must not delay the notifications of other watches. */
START_TEST(clients_with_late_watches_take_turns)
{
	struct service_user users[] = {watcher(201, 1000), watcher(202, 1001), watcher(203, 1002)};
	struct kv *kv = kv_at(1);

	for (uint32_t i = 0; i < 3; i++)
		kv_watch_replaced(kv);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(count_events(&users[i], KV_EVENT_MISSED), 32);
	service_user_close(&kv_user); /* this client would have the next turn */
	mock_host_advance(kv_ring.nodes[1].host, 10000000);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_ge(count_events(&users[i], KV_EVENT_MISSED), 64);
		service_user_close(&users[i]);
	}
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{KV_REQ_PUT, COTERIE_RIGHT_USE},
	{KV_REQ_DELETE, COTERIE_RIGHT_USE},
	{KV_REQ_GET, COTERIE_RIGHT_USE},
	{KV_REQ_LIST, COTERIE_RIGHT_USE},
	{KV_REQ_GET_ORDERED, COTERIE_RIGHT_USE},
	{KV_REQ_LIST_ORDERED, COTERIE_RIGHT_USE},
	{KV_REQ_WATCH, COTERIE_RIGHT_USE},
	{KV_REQ_UNWATCH, COTERIE_RIGHT_USE},
	{KV_REQ_ACK, COTERIE_RIGHT_USE},
	{KV_REQ_STATUS, COTERIE_RIGHT_OBSERVE},
	{KV_REQ_RECOVER, COTERIE_RIGHT_ADMINISTER},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&kv_LTX_coterie_plugin, rights); }
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("kv");
	TCase *tcase = tcase_create("kv");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_write_comes_to_all_nodes);
	tcase_add_test(tcase, ordered_reads_are_answered_in_turns);
	tcase_add_test(tcase, ordered_reads_that_wait_are_refused_at_the_end);
	tcase_add_test(tcase, conditions_are_decided_in_the_order);
	tcase_add_test(tcase, lengths_of_requests_are_checked);
	tcase_add_test(tcase, a_list_comes_in_pages);
	tcase_add_test(tcase, a_page_has_so_many_keys);
	tcase_add_test(tcase, what_is_full_takes_no_more);
	tcase_add_test(tcase, a_table_beyond_its_limit_may_shrink);
	tcase_add_test(tcase, the_smallest_limit_counts);
	tcase_add_test(tcase, watchers_hear_of_their_prefix);
	tcase_add_test(tcase, who_does_not_read_is_told_so);
	tcase_add_test(tcase, a_client_has_64_watches);
	tcase_add_test(tcase, a_watch_that_has_ended_makes_room);
	tcase_add_test(tcase, a_change_tells_some_watches_of_a_user_and_the_others_later);
	tcase_add_test(tcase, a_large_value_goes_to_some_clients_of_a_user);
	tcase_add_test(tcase, clients_with_late_watches_take_turns);
	tcase_add_test(tcase, each_request_needs_its_right);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void) { return suite_run(suite()); }
