/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service: the cost of a change with many trackers, and the order of notifications. */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <corosync/corotypes.h>

#include "services/cmap/cmap.h"
#include "services/cmap/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_ring.h"

extern const struct coterie_plugin cmap_LTX_coterie_plugin;

#define ALL (COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED)
#define MS UINT64_C(1000000)

static struct service_ring ring;
static struct service_user many, few;

static struct coterie_ctx *host(void) { return ring.nodes[1].host; }

static void set_up(void)
{
	service_ring_init(&ring, &cmap_LTX_coterie_plugin);
	service_ring_start(&ring, 1);
	many = service_user_create(&ring, 1, 100);
	few = service_user_create(&ring, 1, 200);
}

static void tear_down(void)
{
	service_user_close(&many);
	service_user_close(&few);
	service_ring_fini(&ring); /* fails the test if the service has leaked memory */
}

static int32_t track(struct service_user *user, const char *key, uint64_t instance)
{
	struct cmap_req_track_add request = {.track_type = ALL, .instance = instance};

	request.name.length = (uint16_t)strlen(key);
	memcpy(request.name.value, key, strlen(key));
	return service_user_request(user, CMAP_REQ_TRACK_ADD, &request, sizeof(request));
}

static int32_t choose_statistics(struct service_user *user)
{
	struct cmap_req_set_map request = {.map = COTERIE_MAP_STATS};

	return service_user_request(user, CMAP_REQ_SET_MAP, &request, sizeof(request));
}

static int32_t track_prefix(struct service_user *user, const char *prefix)
{
	struct cmap_req_track_add request = {.track_type = ALL | COTERIE_MAP_PREFIX};

	request.name.length = (uint16_t)strlen(prefix);
	memcpy(request.name.value, prefix, strlen(prefix));
	return service_user_request(user, CMAP_REQ_TRACK_ADD, &request, sizeof(request));
}

static int32_t untrack(struct service_user *user, uint64_t tracker)
{
	struct cmap_req_track_delete request = {.tracker = tracker};

	return service_user_request(user, CMAP_REQ_TRACK_DELETE, &request, sizeof(request));
}

static void change(uint8_t value)
{
	ck_assert_int_eq(host()->table.map_set(host(), "test.k", COTERIE_MAP_U8, &value, 1), 0);
}

/* Return the number of the user's events. */
static uint32_t events(const struct service_user *user) { return user->client->events.count; }

static struct cmap_event_notify event_at(const struct service_user *user, uint32_t i, uint8_t *value)
{
	const struct mock_message *message = &user->client->events.list[i];
	struct cmap_event_notify notify;
	size_t fixed = sizeof(notify) - sizeof(notify.header);

	memset(&notify, 0, sizeof(notify));
	ck_assert_uint_gt(message->size, fixed);
	memcpy((uint8_t *)&notify + sizeof(notify.header), message->data, fixed);
	*value = message->data[fixed];
	return notify;
}

static void start_many(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(track(&many, "test.k", i), CS_OK);
	ck_assert_int_eq(track(&few, "test.k", 1), CS_OK);
}

/* Without late notifications 80,000 trackers of one change delayed the loop for seconds. */
START_TEST(a_change_tells_a_few_trackers_and_the_others_later)
{
	uint32_t told;

	start_many(4000);
	change(1);
	told = events(&many) + events(&few);
	ck_assert_uint_gt(told, 0);
	ck_assert_uint_le(told, 64);
	for (int i = 0; i < 200; i++) {
		mock_host_advance(host(), 2 * MS);
		ck_assert_uint_le(events(&many) + events(&few) - told, 64);
		told = events(&many) + events(&few);
	}
	ck_assert_uint_eq(events(&many), 4000);
	ck_assert_uint_eq(events(&few), 1);
	ck_assert_uint_eq(mock_host_timers(host()), 0);
}
END_TEST

START_TEST(a_client_with_one_tracker_does_not_wait_for_one_with_thousands)
{
	start_many(4000);
	change(1);
	mock_host_advance(host(), 2 * MS);
	ck_assert_uint_eq(events(&few), 1);
	change(2);
	mock_host_advance(host(), 2 * MS);
	ck_assert_uint_eq(events(&few), 2);
	ck_assert_uint_lt(events(&many), 1000);
}
END_TEST

START_TEST(a_client_is_told_in_the_order_of_the_changes)
{
	uint8_t value;

	start_many(300);
	for (uint8_t i = 1; i <= 5; i++)
		change(i);
	mock_host_advance(host(), 200 * MS);
	ck_assert_uint_eq(events(&many), 5 * 300);
	for (uint32_t i = 0; i < 5 * 300; i++) {
		struct cmap_event_notify notify = event_at(&many, i, &value);

		ck_assert_uint_eq(value, 1 + i / 300);
		/* the newest tracker is notified first, as without late notifications */
		ck_assert_uint_eq(notify.instance, 299 - i % 300);
	}
}
END_TEST

START_TEST(a_tracker_that_ends_tells_no_more)
{
	uint8_t value;

	start_many(300);
	change(1);
	ck_assert_int_eq(untrack(&many, 1), CS_OK); /* the oldest tracker, which would be notified last */
	mock_host_advance(host(), 200 * MS);
	ck_assert_uint_eq(events(&many), 299);
	ck_assert_uint_eq(event_at(&many, 298, &value).instance, 1);
	change(2);
	service_user_close(&many); /* a client that ends leaves no late notification behind */
	mock_host_advance(host(), 200 * MS);
	ck_assert_uint_eq(events(&few), 2);
}
END_TEST

static void change_bytes(uint8_t value, uint16_t size)
{
	static uint8_t bytes[16384];

	ck_assert_uint_le(size, sizeof(bytes));
	memset(bytes, value, size);
	ck_assert_int_eq(host()->table.map_set(host(), "test.k", COTERIE_MAP_BINARY, bytes, size), 0);
}

static void change_long(uint8_t value) { change_bytes(value, 16384); }

/* With a copy of both values for each tracker this took 130 MB, and 46 ms of the loop. */
START_TEST(trackers_of_a_change_share_its_values)
{
	struct service_user users[40];
	const struct cmap *cmap = ring.nodes[1].self;

	for (int i = 0; i < 40; i++) {
		users[i] = service_user_create(&ring, 1, 1000 + (uint32_t)i);
		for (uint32_t k = 0; k < 100; k++)
			ck_assert_int_eq(track(&users[i], "test.k", k), CS_OK);
	}
	for (uint8_t n = 1; n <= 2; n++) {
		uint64_t copies = cmap->copies, waits = 0;
		size_t before = mallinfo2().uordblks, events_before = 0;

		for (int i = 0; i < 40; i++)
			events_before += events(&users[i]);
		change_long(n);
		for (int i = 0; i < 40; i++) {
			const struct cmap_connection *one = host()->table.client_data(users[i].client);

			waits += one->late_bytes;
			events_before -= events(&users[i]);
		}
		/*
		 * Memory of the notifications that were sent at once is left out: the mock host holds it, not the
		 * service.
		 */
		size_t grown = mallinfo2().uordblks - before, told = (0 - events_before) * 40000;

		ck_assert_uint_eq(cmap->copies - copies, 1);
		ck_assert_msg(grown < told + 1000000, "%zu bytes", grown);
		/* The values count in the share of each client. */
		ck_assert_uint_lt(waits, 2 * 40 * 33500 + 2 * 4000 * 64);
	}
	mock_host_advance(host(), 1000 * MS);
	for (int i = 0; i < 40; i++) {
		const struct mock_message *last = &users[i].client->events.list[199];
		size_t fixed = sizeof(struct cmap_event_notify) - sizeof(((struct cmap_event_notify *)0)->header);

		ck_assert_uint_eq(events(&users[i]), 200);
		ck_assert_uint_eq(last->size, fixed + 2 * 16384);
		ck_assert_uint_eq(last->data[fixed + 16383], 2);
		ck_assert_uint_eq(last->data[fixed + 16384], 1);
		service_user_close(&users[i]);
	}
}
END_TEST

/*
 * The value of a new change may have the same address as the freed value of an earlier one, and must not be taken for
 * it.
 */
START_TEST(each_change_has_values_of_its_own)
{
	static const char key[] = "test.k";
	struct cmap_event_notify notify = {.event = COTERIE_MAP_ADDED, .now_type = COTERIE_MAP_U8, .now_size = 1};
	uint8_t bytes = 1, value;
	const struct iovec values[2] = {{&bytes, 1}, {NULL, 0}};

	for (uint32_t i = 0; i < 200; i++) {
		if (i == 100) { /* a change of another key ends the sharing of the value before */
			ck_assert_int_eq(host()->table.map_set(host(), "test.other", COTERIE_MAP_U8, &bytes, 1), 0);
			bytes = 2;
		}
		cmap_tell(ring.nodes[1].self, many.client, 1, key, &notify, values);
	}
	mock_host_advance(host(), 100 * MS);
	ck_assert_uint_eq(events(&many), 200);
	for (uint32_t i = 0; i < 200; i++) {
		event_at(&many, i, &value);
		ck_assert_uint_eq(value, i < 100 ? 1 : 2);
	}
}
END_TEST

START_TEST(what_waits_for_the_clients_of_a_user_is_bounded)
{
	struct service_user users[6], other = service_user_create(&ring, 1, 300);
	const struct cmap_connection *connections[6];
	uint64_t most = 0;

	other.client->uid = 7;
	ck_assert_int_eq(track(&other, "test.k", 1), CS_OK);
	for (int i = 0; i < 6; i++) {
		users[i] = service_user_create(&ring, 1, 1000 + (uint32_t)i);
		connections[i] = host()->table.client_data(users[i].client);
		for (uint32_t k = 0; k < 650; k++)
			ck_assert_int_eq(track(&users[i], "test.k", k), CS_OK);
	}
	for (uint8_t n = 1; n <= 90; n++) {
		uint64_t bytes = 0;

		change_bytes(n, 1024);
		for (int i = 0; i < 6; i++)
			bytes += connections[i]->late_bytes;
		most = bytes > most ? bytes : most;
	}
	ck_assert_uint_gt(most, 8000000);
	ck_assert_uint_le(most, 16777216);
	ck_assert(!other.client->is_disconnected);
	mock_host_advance(host(), 10000 * MS);
	ck_assert_uint_eq(events(&other), 90);
	for (int i = 0; i < 6; i++) {
		ck_assert(users[i].client->is_disconnected || events(&users[i]) == 90 * 650);
		service_user_close(&users[i]);
	}
	service_user_close(&other);
}
END_TEST

START_TEST(what_waits_for_a_client_is_bounded)
{
	start_many(4000);
	for (uint32_t i = 1; i < 20; i++)
		change((uint8_t)i);
	ck_assert(many.client->is_disconnected);
	ck_assert(!few.client->is_disconnected);
	mock_host_advance(host(), 2 * MS);
	ck_assert_uint_eq(events(&few), 19);
}
END_TEST

START_TEST(the_trackers_of_a_user_are_bounded)
{
	uint32_t count = 0;

	while (count < 10000 && track(count % 2 == 0 ? &many : &few, "test.k", count) == CS_OK)
		count++;
	ck_assert_uint_eq(count, 4096);

	struct service_user other = service_user_create(&ring, 1, 300);

	ck_assert_int_eq(track(&other, "test.k", 1), CS_ERR_NO_RESOURCES);
	other.client->uid = 7; /* a client of another user has a share of its own */
	ck_assert_int_eq(track(&other, "test.k", 1), CS_OK);
	service_user_close(&other);
	service_user_close(&many);
	ck_assert_int_eq(track(&few, "test.k", 1), CS_OK);
}
END_TEST

/* 4,000 such trackers made each connection of another client take 4 ms. */
START_TEST(trackers_of_prefixes_of_statistics_are_bounded)
{
	struct service_user other = service_user_create(&ring, 1, 300);
	uint32_t count = 0;

	ck_assert_int_eq(choose_statistics(&many), CS_OK);
	ck_assert_int_eq(choose_statistics(&few), CS_OK);
	while (count < 10000 && track_prefix(count % 2 == 0 ? &many : &few, "stats.") == CS_OK)
		count++;
	ck_assert_uint_eq(count, 64);
	ck_assert_int_eq(track_prefix(&many, "stats."), CS_ERR_NO_RESOURCES);
	ck_assert_int_eq(track(&many, "stats.n", 1), CS_OK); /* a single key has a share of its own */
	ck_assert_int_eq(track_prefix(&other, ""), CS_OK);   /* and so has the configuration map */
	service_user_close(&other);
	other = service_user_create(&ring, 1, 300);
	other.client->uid = 7;
	ck_assert_int_eq(choose_statistics(&other), CS_OK);
	ck_assert_int_eq(track_prefix(&other, "stats."), CS_OK);
	service_user_close(&other);
	service_user_close(&many);
	ck_assert_int_eq(track_prefix(&few, "stats."), CS_OK);
}
END_TEST

/* Sending an event takes up to 30 us. The count began again after a millisecond, so that it never reached its limit. */
START_TEST(events_that_take_long_are_bounded_as_well)
{
	static struct service_user users[120];
	struct cmap_event_notify notify = {.event = COTERIE_MAP_ADDED};
	const struct iovec values[2] = {{NULL, 0}, {NULL, 0}};
	uint32_t told = 0;

	for (uint32_t i = 0; i < 120; i++)
		users[i] = service_user_create(&ring, 1, 1000 + i);
	for (uint32_t i = 0; i < 120; i++) {
		cmap_tell(ring.nodes[1].self, users[i].client, 1, "stats.k", &notify, values);
		host()->now_ns += 30000;
	}
	for (uint32_t i = 0; i < 120; i++)
		told += events(&users[i]);
	ck_assert_uint_le(told, 64);
	mock_host_advance(host(), 10 * MS);
	for (uint32_t i = 0; i < 120; i++) {
		ck_assert_uint_eq(events(&users[i]), 1);
		service_user_close(&users[i]);
	}
}
END_TEST

static void change_u32(const char *key, uint32_t value)
{
	ck_assert_int_eq(host()->table.map_set(host(), key, COTERIE_MAP_U32, &value, sizeof(value)), 0);
}

static uint32_t value_at(const struct service_user *user, uint32_t i)
{
	const struct mock_message *message = &user->client->events.list[i];
	uint32_t value;

	memcpy(&value, message->data + sizeof(struct cmap_event_notify) - sizeof(struct cmap_response_header),
		sizeof(value));
	return value;
}

/* Each change could send 48 events at once, so a turn with many changes sent any number of them. */
START_TEST(many_changes_in_a_turn_send_few_events_at_once)
{
	uint32_t told;

	for (uint32_t i = 0; i < 39; i++)
		ck_assert_int_eq(track_prefix(&many, "test."), CS_OK);
	ck_assert_int_eq(track_prefix(&few, "test."), CS_OK);
	for (uint32_t n = 1; n <= 1000; n++)
		change_u32("test.k", n);
	told = events(&many) + events(&few);
	ck_assert_uint_gt(told, 0);
	ck_assert_uint_le(told, 64);
	for (uint32_t i = 0; i < 1000; i++) {
		mock_host_advance(host(), 2 * MS);
		ck_assert_uint_le(events(&many) + events(&few) - told, 128);
		told = events(&many) + events(&few);
	}
	ck_assert(!many.client->is_disconnected);
	ck_assert_uint_eq(events(&many), 39 * 1000);
	ck_assert_uint_eq(events(&few), 1000);
	for (uint32_t n = 1; n <= 1000; n++) {
		ck_assert_uint_eq(value_at(&few, n - 1), n);
		for (uint32_t i = 0; i < 39; i++)
			ck_assert_uint_eq(value_at(&many, (n - 1) * 39 + i), n);
	}
	ck_assert_uint_eq(mock_host_timers(host()), 0);
}
END_TEST

/* The next turn sends at once again, although the drain timer has not run. */
START_TEST(each_turn_sends_events_at_once)
{
	ck_assert_int_eq(track(&few, "test.k", 1), CS_OK);
	for (uint32_t n = 1; n <= 50; n++)
		change_u32("test.k", n);
	ck_assert_uint_lt(events(&few), 50);
	mock_host_advance(host(), 0);
	ck_assert_uint_lt(events(&few), 50);
	change_u32("test.k", 51);
	ck_assert_uint_eq(events(&few), 51);
	for (uint32_t n = 52; n <= 1000; n++) {
		mock_host_advance(host(), 0);
		change_u32("test.k", n);
		ck_assert_uint_eq(events(&few), n);
	}
	for (uint32_t n = 1; n <= 1000; n++)
		ck_assert_uint_eq(value_at(&few, n - 1), n);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmap_late");
	TCase *tcase = tcase_create("late");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_change_tells_a_few_trackers_and_the_others_later);
	tcase_add_test(tcase, a_client_with_one_tracker_does_not_wait_for_one_with_thousands);
	tcase_add_test(tcase, a_client_is_told_in_the_order_of_the_changes);
	tcase_add_test(tcase, a_tracker_that_ends_tells_no_more);
	tcase_add_test(tcase, trackers_of_a_change_share_its_values);
	tcase_add_test(tcase, each_change_has_values_of_its_own);
	tcase_add_test(tcase, what_waits_for_the_clients_of_a_user_is_bounded);
	tcase_add_test(tcase, what_waits_for_a_client_is_bounded);
	tcase_add_test(tcase, the_trackers_of_a_user_are_bounded);
	tcase_add_test(tcase, trackers_of_prefixes_of_statistics_are_bounded);
	tcase_add_test(tcase, events_that_take_long_are_bounded_as_well);
	tcase_add_test(tcase, many_changes_in_a_turn_send_few_events_at_once);
	tcase_add_test(tcase, each_turn_sends_events_at_once);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
