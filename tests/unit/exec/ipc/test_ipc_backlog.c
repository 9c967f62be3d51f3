/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/ipc_backlog.c: events that clients have not read yet. The test uses no libqb, and has a loop of its own. */
#include <check.h>
#include <string.h>

#include <coterie/channel.h>

#include "exec/ipc/ipc_private.h"
#include "tests/suite.h"

#define CLIENTS 4

/* ---- A loop with one timer ------------------------------------------------ */

static struct {
	void (*run)(void *arg); /* NULL: the timer does not run */
	void *arg;
	uint32_t runs;
} timer;

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return 1;
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *arg), void *arg)
{
	(void)loop;
	ck_assert_uint_gt(at_ns, 1);
	ck_assert_ptr_null(timer.run);
	timer.run = run;
	timer.arg = arg;
	return (struct loop_timer *)&timer;
}

void loop_timer_del(struct loop *loop, struct loop_timer *one)
{
	(void)loop;
	if (one != NULL)
		timer.run = NULL;
}

static void run_timer(void)
{
	void (*run)(void *arg) = timer.run;

	timer.run = NULL;
	timer.runs++;
	run(timer.arg);
}

/* ---- Clients --------------------------------------------------------------- */

static struct {
	struct ipc ipc;
	struct ipc_server server;
	struct coterie_client clients[CLIENTS];
} f;

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	memset(&timer, 0, sizeof(timer));
	f.ipc.lagging_last = &f.ipc.lagging;
	f.ipc.servers = &f.server;
	f.server.ipc = &f.ipc;
	for (int i = CLIENTS - 1; i >= 0; i--) {
		f.clients[i].server = &f.server;
		f.clients[i].backlog_last = &f.clients[i].backlog;
		f.clients[i].next = f.server.clients;
		f.server.clients = &f.clients[i];
	}
}

static void tear_down(void)
{
	for (int i = 0; i < CLIENTS; i++)
		ipc_backlog_drop(&f.clients[i]);
	ipc_backlog_fini(&f.ipc);
	ck_assert_ptr_null(timer.run);
	ck_assert_uint_eq(f.ipc.backlog_size, 0);
	ck_assert_uint_eq(f.ipc.lagging_count, 0);
	for (int i = 0; i < IPC_SHARED_KINDS; i++)
		ck_assert_ptr_null(f.ipc.shared[i].body);
	ipc_fan_fini(&f.ipc);
}

/* Add an event in two parts, with an empty part between them. */
static void add(int client, const char *text)
{
	size_t half = strlen(text) / 2;
	const struct iovec iov[] = {
		{(void *)(uintptr_t)text, half}, {NULL, 0}, {(void *)(uintptr_t)(text + half), strlen(text) - half}};
	const struct ipc_event head = {.nodeid = 7, .size = (uint32_t)strlen(text)};

	ck_assert_int_eq(ipc_backlog_add(&f.clients[client], &head, iov, 3), 0);
}

static void take(int client, const char *text)
{
	const struct ipc_event *event = f.clients[client].backlog;

	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->nodeid, 7);
	ck_assert_uint_eq(event->size, strlen(text));
	ck_assert_int_eq(memcmp(event->body->bytes, text, strlen(text)), 0);
	ipc_backlog_pop(&f.clients[client]);
}

/* Return a text of this byte alone. It lasts until the next call. */
static const char *text_of(int byte, size_t length)
{
	static char text[1000001];

	ck_assert_uint_lt(length, sizeof(text));
	memset(text, byte, length);
	text[length] = '\0';
	return text;
}

START_TEST(events_wait_in_their_order)
{
	add(0, "first");
	add(0, "second");
	add(0, "");
	ck_assert_uint_eq(f.clients[0].backlog_size, 11 + 3 * ipc_backlog_cost(0));
	take(0, "first");
	add(0, "third");
	take(0, "second");
	take(0, "");
	take(0, "third");
	ck_assert_ptr_null(f.clients[0].backlog);
	ck_assert_uint_eq(f.clients[0].backlog_size, 0);
	add(0, "again");
	take(0, "again");
}
END_TEST

START_TEST(what_several_wait_for_is_kept_once)
{
	for (int event = 0; event < 3; event++)
		for (int client = 0; client < CLIENTS; client++)
			add(client, text_of('a' + event, 10000));
	ck_assert_uint_lt(f.ipc.backlog_size, 31000);
	ck_assert_uint_gt(f.ipc.backlog_size, 30000);
	for (int client = 0; client < CLIENTS; client++)
		ck_assert_uint_eq(f.clients[client].backlog_size, 3 * ipc_backlog_cost(10000));
	ipc_backlog_drop(&f.clients[1]);
	take(0, text_of('a', 10000));
	take(2, text_of('a', 10000));
	ck_assert_uint_gt(f.ipc.backlog_size, 30000);
	take(3, text_of('a', 10000));
	ck_assert_uint_lt(f.ipc.backlog_size, 21000);
	take(3, text_of('b', 10000));
	take(3, text_of('c', 10000));
}
END_TEST

START_TEST(other_bytes_are_not_shared)
{
	add(0, "one and one");
	add(1, "one and two");
	add(2, "one and");
	add(3, "two and one");
	take(0, "one and one");
	take(1, "one and two");
	take(2, "one and");
	take(3, "two and one");
	ck_assert_uint_eq(f.ipc.backlog_size, 0);
}
END_TEST

/*
 * Some clients of a group get a message as an event, and others get it through a fast channel, in any order. Its bytes
 * are kept once.
 */
START_TEST(messages_of_channels_are_kept_once_beside_events)
{
	uint8_t bytes[10000] = {0};
	const struct iovec iov = {bytes, sizeof(bytes)};

	for (int client = 0; client < CLIENTS; client++) {
		const struct ipc_event head = {
			.kind = client % 2 == 0 ? COTERIE_CHANNEL_EVENT : COTERIE_CHANNEL_MESSAGE,
			.size = sizeof(bytes) - (client % 2 == 0 ? 0u : 100u)};
		const struct iovec part = {bytes, head.size};

		ck_assert_int_eq(ipc_backlog_add(&f.clients[client], &head, &part, 1), 0);
	}
	ck_assert_uint_lt(f.ipc.backlog_size, 2 * iov.iov_len + 1000);
}
END_TEST

/*
 * The bytes of the message's frames change between two clients. The second client gets the first one's bytes, which
 * proves that they are not compared.
 */
START_TEST(frames_of_the_delivered_message_are_not_compared)
{
	char frames[2][1000], own[] = "own part";
	const struct iovec message[] = {{frames[0], 1000}, {frames[1], 1000}};
	const struct iovec parts[] = {{own, 8}, {frames[0] + 40, 960}, {frames[1], 1000}};
	const struct ipc_event head = {.size = 1968};

	memset(frames, 'a', sizeof(frames));
	ipc_fan_begin(&f.ipc, message, 2);
	ck_assert_int_eq(ipc_backlog_add(&f.clients[0], &head, parts, 3), 0);
	memset(frames, 'b', sizeof(frames));
	ck_assert_int_eq(ipc_backlog_add(&f.clients[1], &head, parts, 3), 0);
	ck_assert_ptr_eq(f.clients[0].backlog->body, f.clients[1].backlog->body);

	/*
	 * All other bytes are compared: the service's own part, other places of the same frames, and everything in the
	 * next delivery.
	 */
	own[0] = 'O';
	ck_assert_int_eq(ipc_backlog_add(&f.clients[2], &head, parts, 3), 0);
	ck_assert_ptr_ne(f.clients[2].backlog->body, f.clients[1].backlog->body);
	ck_assert_int_eq(f.clients[2].backlog->body->bytes[8], 'b');
	memset(frames, 'c', sizeof(frames));
	const struct iovec moved[] = {{own, 8}, {frames[0] + 39, 960}, {frames[1], 1000}};
	ck_assert_int_eq(ipc_backlog_add(&f.clients[3], &head, moved, 3), 0);
	ck_assert_ptr_ne(f.clients[3].backlog->body, f.clients[2].backlog->body);
	ipc_fan_end(&f.ipc);
	memset(frames, 'd', sizeof(frames));
	ipc_fan_begin(&f.ipc, message, 2);
	ck_assert_int_eq(ipc_backlog_add(&f.clients[2], &head, moved, 3), 0);
	ck_assert_int_eq(f.clients[2].backlog->next->body->bytes[8], 'd');
	ipc_fan_end(&f.ipc);
}
END_TEST

/* If the parts have other lengths, the bytes of a frame are at another place of the event, so they are compared. */
START_TEST(parts_at_other_places_are_compared)
{
	char frame[1000], own[] = "0123456789";
	const struct iovec message = {frame, 1000};
	const struct iovec first[] = {{own, 8}, {frame, 992}}, second[] = {{own, 10}, {frame, 990}};
	const struct ipc_event head = {.size = 1000};

	for (int i = 0; i < 1000; i++)
		frame[i] = (char)i;
	ipc_fan_begin(&f.ipc, &message, 1);
	ck_assert_int_eq(ipc_backlog_add(&f.clients[0], &head, first, 2), 0);
	ck_assert_int_eq(ipc_backlog_add(&f.clients[1], &head, second, 2), 0);
	ck_assert_int_eq(memcmp(f.clients[1].backlog->body->bytes + 10, frame, 990), 0);
	ipc_fan_end(&f.ipc);
}
END_TEST

START_TEST(the_largest_backlog_is_found)
{
	ck_assert_ptr_null(ipc_backlog_most(&f.ipc));
	add(1, "one");
	add(2, "three");
	add(3, "two");
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[2]);
	ipc_backlog_drop(&f.clients[2]);
	add(3, "two");
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[3]);
}
END_TEST

/* A client can send messages without bytes through a fast channel. */
START_TEST(events_without_bytes_count)
{
	for (int i = 0; i < 1000; i++)
		add(0, "");
	add(1, "some bytes");
	ck_assert_uint_ge(f.clients[0].backlog_size, 1000 * sizeof(struct ipc_event));
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[0]);
}
END_TEST

/* The user with most backlog loses a client, although a client of another user has more than each of its clients. */
START_TEST(the_user_with_most_is_found)
{
	static const char *const two[] = {"two hundred bytes", "2 hundred bytes..", "200 bytes........"};
	static const char three[] = "three hundred bytes and some more";

	for (int client = 0; client < 3; client++)
		f.clients[client].uid = 1000;
	f.clients[3].uid = 1000 + 256; /* the same place in a table of users */
	add(0, two[0]);
	add(1, two[1]);
	add(1, "");
	add(2, two[2]);
	add(3, three);
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[1]);
	ipc_backlog_drop(&f.clients[0]);
	ipc_backlog_drop(&f.clients[1]);
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[3]);
}
END_TEST

static void add_many(int client, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		add(client, "thirty bytes, with the number.");
}

/* A client has left many events. They are freed in turns, and those of a second client, which leaves meanwhile, too. */
START_TEST(many_events_are_freed_in_turns)
{
	uint64_t before;

	add_many(0, 20000);
	add_many(1, 10000);
	add(2, "a last one");
	before = f.ipc.backlog_size;
	ipc_backlog_drop(&f.clients[0]);
	ck_assert_ptr_null(f.clients[0].backlog);
	ck_assert_uint_eq(f.clients[0].backlog_size, 0);
	ck_assert_uint_gt(f.ipc.backlog_size, before - before / 10);
	ipc_backlog_drop(&f.clients[1]);
	while (timer.run != NULL) {
		before = f.ipc.backlog_size;
		run_timer();
		ck_assert_uint_lt(f.ipc.backlog_size, before);
		ck_assert_uint_ge(f.ipc.backlog_size + 2048 * ipc_backlog_cost(30), before);
	}
	ck_assert_uint_ge(timer.runs, 14);
	ck_assert_uint_eq(f.ipc.backlog_size, ipc_backlog_cost(10));
	take(2, "a last one");
}
END_TEST

/* Events of one client may be large, so their bytes end a turn as well. */
START_TEST(large_events_are_freed_in_turns)
{
	for (int i = 0; i < 10; i++)
		add(0, text_of('a' + i, 1000000));
	ipc_backlog_drop(&f.clients[0]);
	while (timer.run != NULL)
		run_timer();
	ck_assert_uint_ge(timer.runs, 4);
}
END_TEST

/* While events are freed, they make room for new ones, and no other client has to end. */
START_TEST(new_events_make_others_go)
{
	uint64_t before;

	add_many(0, 10000);
	ck_assert(!ipc_backlog_make_room(&f.ipc, 1));
	ipc_backlog_drop(&f.clients[0]);
	before = f.ipc.backlog_size;
	ck_assert(ipc_backlog_make_room(&f.ipc, 10000));
	ck_assert_uint_le(f.ipc.backlog_size, before - 10000);
	before = f.ipc.backlog_size;
	ck_assert(!ipc_backlog_make_room(&f.ipc, 10000000)); /* too many events for one turn */
	ck_assert_uint_ge(f.ipc.backlog_size + 256 * ipc_backlog_cost(30), before);
	while (timer.run != NULL)
		run_timer();
	ck_assert_uint_eq(f.ipc.backlog_size, 0);
}
END_TEST

/* The bytes of a dropped event stay while another client waits for them. They make no room. */
START_TEST(bytes_that_others_wait_for_make_no_room)
{
	for (int event = 0; event < 10; event++)
		for (int client = 0; client < 2; client++)
			add(client, text_of('a' + event, 100000));
	add_many(0, 3000); /* freed first, in the turn of the drop */
	ipc_backlog_drop(&f.clients[0]);
	ck_assert(!ipc_backlog_make_room(&f.ipc, 100000));
	ck_assert_uint_gt(f.ipc.backlog_size, 1000000);
	ipc_backlog_drop(&f.clients[1]);
	ck_assert(ipc_backlog_make_room(&f.ipc, 100000));
	while (timer.run != NULL)
		run_timer();
}
END_TEST

/* Three clients of one user wait for the same bytes, and one of another user for as many as they have together. */
START_TEST(a_group_of_one_user_is_no_crowd)
{
	f.clients[3].uid = 1000;
	add(3, text_of('l', 3000));
	for (int client = 0; client < 3; client++)
		add(client, text_of('o', 1000));
	ck_assert_uint_eq(f.clients[2].backlog_share, sizeof(struct ipc_event) + (sizeof(struct ipc_body) + 1000) / 3);
	ck_assert_ptr_eq(ipc_backlog_most(&f.ipc), &f.clients[3]);
}
END_TEST

START_TEST(those_that_lag_have_their_turns)
{
	for (int i = 0; i < CLIENTS; i++) {
		ipc_lagging_add(&f.clients[i]);
		ipc_lagging_add(&f.clients[i]);
	}
	ck_assert_uint_eq(f.ipc.lagging_count, CLIENTS);
	ck_assert_ptr_eq(ipc_lagging_take(&f.ipc), &f.clients[0]);
	ipc_lagging_add(&f.clients[0]);
	ipc_lagging_del(&f.clients[2]);
	ipc_lagging_del(&f.clients[2]);
	ck_assert_ptr_eq(ipc_lagging_take(&f.ipc), &f.clients[1]);
	ipc_lagging_del(&f.clients[0]); /* the client at the end of the list */
	ipc_lagging_add(&f.clients[1]);
	ck_assert_ptr_eq(ipc_lagging_take(&f.ipc), &f.clients[3]);
	ck_assert_ptr_eq(ipc_lagging_take(&f.ipc), &f.clients[1]);
	ck_assert_ptr_null(ipc_lagging_take(&f.ipc));
	ipc_lagging_add(&f.clients[3]);
	ipc_backlog_drop(&f.clients[3]);
	ck_assert_ptr_null(ipc_lagging_take(&f.ipc));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_backlog");
	TCase *tcase = tcase_create("backlog");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, events_wait_in_their_order);
	tcase_add_test(tcase, what_several_wait_for_is_kept_once);
	tcase_add_test(tcase, other_bytes_are_not_shared);
	tcase_add_test(tcase, messages_of_channels_are_kept_once_beside_events);
	tcase_add_test(tcase, frames_of_the_delivered_message_are_not_compared);
	tcase_add_test(tcase, parts_at_other_places_are_compared);
	tcase_add_test(tcase, the_largest_backlog_is_found);
	tcase_add_test(tcase, events_without_bytes_count);
	tcase_add_test(tcase, the_user_with_most_is_found);
	tcase_add_test(tcase, many_events_are_freed_in_turns);
	tcase_add_test(tcase, large_events_are_freed_in_turns);
	tcase_add_test(tcase, new_events_make_others_go);
	tcase_add_test(tcase, bytes_that_others_wait_for_make_no_room);
	tcase_add_test(tcase, a_group_of_one_user_is_no_crowd);
	tcase_add_test(tcase, those_that_lag_have_their_turns);
	return suite_run(suite);
}
