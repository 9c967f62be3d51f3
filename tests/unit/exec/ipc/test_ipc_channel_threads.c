/* SPDX-License-Identifier: BSD-3-Clause */
/* A client that receives in several threads, with a fast channel and without one. */
#include "channel_case.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

#define THREADS 2

/* --- callbacks --- */

/* Stay inside the first callback until another thread has received all other messages. */
static struct dispatch_outcome on_slow(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	uint32_t number = got.events++;

	(void)arg, (void)id, (void)bytes, (void)size;
	for (int i = 0; number == 0 && got.messages < 10 && i < 5000; i++)
		poll(NULL, 0, 1);
	return dispatch_done;
}

/* Count each event by its number. */
#define EVENTS 20000

static _Atomic uint32_t seen[EVENTS];

static struct dispatch_outcome on_numbered(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	uint32_t number = EVENTS;

	(void)arg;
	if (id == 20 && size >= 28)
		memcpy(&number, bytes + 24, sizeof(number));
	if (number < EVENTS)
		seen[number]++;
	got.events++;
	return dispatch_done;
}

static struct dispatch_outcome on_counted(void *arg, const struct fast_record *record, uint8_t *bytes)
{
	(void)arg, (void)record, (void)bytes;
	got.messages++;
	return dispatch_done;
}

/* --- threads --- */

static pthread_t threads[THREADS];

static void *dispatch_in_thread(void *arg)
{
	dispatch_run(&dispatcher, &channel, CS_DISPATCH_BLOCKING, *(dispatch_event *)arg, on_counted, NULL);
	return NULL;
}

static int threads_start(dispatch_event *event)
{
	got.events = got.messages = 0;
	dispatch_init(&dispatcher);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, dispatch_in_thread, event) == 0);
	return 0;
}

static void threads_end(void)
{
	channel_interrupt(&channel);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	dispatch_fini(&dispatcher);
}

static bool await(_Atomic uint32_t *count, uint32_t wanted, int limit_ms)
{
	for (int i = 0; *count < wanted && i < limit_ms; i++)
		poll(NULL, 0, 1);
	return *count == wanted;
}

/* --- plays --- */

static int play_slow_callback(void)
{
	dispatch_event event = on_slow;
	struct res res;

	MUST(open_channel() == 0);
	MUST(threads_start(&event) == 0);
	for (uint32_t i = 0; i < 10; i++)
		MUST(ask(REQ_EVENTS, 1, 10, &res) == 24);
	MUST(await(&got.messages, 10, 4000));
	threads_end();
	return 0;
}

START_TEST(a_slow_callback_does_not_hold_up_other_threads) { play(play_slow_callback); }
END_TEST

static int play_plain(void)
{
	dispatch_event event = on_numbered;
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(threads_start(&event) == 0);
	MUST(ask(REQ_EVENTS, EVENTS, 10, &res) == 24);
	MUST(await(&got.events, EVENTS, 10000));
	for (uint32_t i = 0; i < EVENTS; i++)
		MUST(seen[i] == 1);
	MUST(!is_readable(20));
	threads_end();
	return 0;
}

START_TEST(each_event_goes_to_one_thread) { play(play_plain); }
END_TEST

/*
 * Threads wait when the fast channel opens. One of them gets its first doorbell. The other one must not take the next
 * doorbell, for which the first one would wait for seconds.
 */
static int play_begin(void)
{
	dispatch_event event = on_numbered;
	struct res res;

	for (int round = 0; round < 200; round++) {
		int post;

		MUST(channel_open(&channel, "unitfast", f.instance) == 0);
		MUST(threads_start(&event) == 0);
		MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
		MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
		close(post);
		for (uint32_t i = 0; i < 3; i++)
			MUST(ask(REQ_EVENTS, 1, 10, &res) == 24);
		MUST(await(&got.messages, 3, 1000) && await(&got.events, 3, 1000));
		threads_end();
		channel_close(&channel);
	}
	return 0;
}

START_TEST(threads_that_wait_go_over_to_the_channel) { play(play_begin); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_channel_threads");
	TCase *tcase = channel_case_add(suite, "threads");

	tcase_add_test(tcase, a_slow_callback_does_not_hold_up_other_threads);
	tcase_add_test(tcase, each_event_goes_to_one_thread);
	tcase_add_test(tcase, threads_that_wait_go_over_to_the_channel);
	return suite_run(suite);
}
