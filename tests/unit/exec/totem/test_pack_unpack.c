/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that exec/totem/pack.c has put into frames are the same when exec/totem/unpack.c has taken them out. */
#include "exec/totem/pack.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/unpack.h"
#include "tests/suite.h"

#define LETTERS 31u
#define POOL_MAX ((size_t)64 << 20)

static struct frame_pool *pool;
static struct unpack *unpack;

static void set_up(void)
{
	pool = frame_pool_create(1500, POOL_MAX);
	unpack = unpack_create();
	ck_assert_ptr_nonnull(unpack);
}

static void tear_down(void)
{
	struct frame_pool_usage usage;

	unpack_destroy(unpack);
	frame_pool_usage(pool, &usage);
	ck_assert_uint_eq(usage.frames, 0);
	frame_pool_destroy(pool);
}

struct message {
	uint8_t *bytes;
	size_t size;
};

struct journey {
	struct message *sent; /* messages of each source, in order */
	size_t sent_count, received_count;
	bool is_swapped;
};

static bool arrive(void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	struct journey *journey = (struct journey *)arg + source;
	size_t at = 0;

	ck_assert_uint_lt(journey->received_count, journey->sent_count);

	struct message *message = &journey->sent[journey->received_count++];

	ck_assert_int_eq(is_swapped, journey->is_swapped);
	ck_assert_uint_eq(size, message->size);
	for (size_t i = 0; i < count; at += iov[i++].iov_len)
		ck_assert(iov[i].iov_len == 0 || memcmp(message->bytes + at, iov[i].iov_base, iov[i].iov_len) == 0);
	ck_assert_uint_eq(at, size);
	free(message->bytes);
	message->bytes = NULL;
	return rand() % 4 != 0;
}

#define SOURCES 3

static size_t random_size(void)
{
	switch (rand() % 50) {
	case 0:
		return 0;
	case 1:
		return (size_t)rand() % 200000;
	case 2:
	case 3:
	case 4:
	case 5:
		return (size_t)rand() % 5000;
	default:
		return (size_t)rand() % 300;
	}
}

static void send_random(struct pack_queue *queue, struct journey *journey)
{
	size_t size = random_size();
	uint8_t *bytes = malloc(size + 1);
	size_t cut = size == 0 ? 0 : (size_t)rand() % size;
	struct iovec iov[] = {{bytes, cut}, {NULL, 0}, {bytes + cut, size - cut}};
	int rc;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)rand();
	rc = pack_queue_append(queue, 0, iov, 3);
	if (rc < 0) {
		ck_assert(rc == -EAGAIN || rc == -EMSGSIZE);
		free(bytes);
		return;
	}
	journey->sent[journey->sent_count++] = (struct message){.bytes = bytes, .size = size};
}

static void travel(struct pack_queue *queue, uint32_t source, struct journey *journeys, uint32_t frames_max)
{
	enum unpack_rule rule = rand() % 2 != 0 ? UNPACK_BETTER : UNPACK_REFERENCE;

	for (uint32_t i = 0; i < frames_max; i++) {
		uint32_t guarantee;
		struct coterie_frame *frame = pack_queue_take(queue, &guarantee);

		if (frame == NULL)
			return;
		ck_assert_uint_le(frame->size, frame->capacity);

		int rc = unpack_frame(unpack, source, frame, frame->data + 45, frame->size - 45,
			journeys[source].is_swapped, false, rule, arrive, journeys);

		frame_unref(frame);
		while (rc == 1)
			rc = unpack_resume(unpack);
		ck_assert_int_eq(rc, 0);
	}
}

static const uint32_t payload_sizes[] = {11, 12, 13, 50, 255, 1362, 1382, 1410, 9000, 65446, 65491};

START_TEST(what_is_packed_comes_out)
{
	enum { MESSAGES = 1500 };
	struct journey journeys[SOURCES] = {{0}};
	struct pack_queue *queues[SOURCES];
	struct pack_options options = {.payload_max = payload_sizes[_i], .frames_max = 2974};

	srand((unsigned int)_i);
	for (uint32_t i = 0; i < SOURCES; i++) {
		options.swap = i == 1;
		journeys[i].is_swapped = options.swap;
		journeys[i].sent = calloc(MESSAGES, sizeof(struct message));
		queues[i] = pack_queue_create(pool, &options);
	}
	for (int step = 0; step < MESSAGES; step++) {
		uint32_t source = (uint32_t)rand() % SOURCES;

		send_random(queues[source], &journeys[source]);
		if (rand() % 5 == 0)
			pack_queue_flush(queues[source]);
		travel(queues[source], source, journeys, (uint32_t)rand() % 100);
	}
	for (uint32_t i = 0; i < SOURCES; i++) {
		pack_queue_flush(queues[i]);
		travel(queues[i], i, journeys, UINT32_MAX);
		ck_assert_uint_eq(journeys[i].sent_count, journeys[i].received_count);
		ck_assert_uint_gt(journeys[i].sent_count, MESSAGES / SOURCES / 2);
		pack_queue_destroy(queues[i]);
		free(journeys[i].sent);
	}
}
END_TEST

static char heard[8]; /* the first letter of each message */

static bool hear(void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	(void)arg, (void)is_swapped, (void)count;
	ck_assert_uint_eq(source, 1);
	ck_assert_uint_eq(size, LETTERS);
	ck_assert_uint_lt(strlen(heard) + 1, sizeof(heard));
	strncat(heard, iov->iov_base, 1);
	return true;
}

/* A member that missed the start of the first message gets all others, by Corosync's rule and by Coterie's. */
START_TEST(a_joiner_gets_what_is_behind_a_split)
{
	enum unpack_rule rule = _i == 1 ? UNPACK_BETTER : UNPACK_REFERENCE;
	struct pack_options options = {.payload_max = 30, .frames_max = 100};
	struct pack_queue *queue = pack_queue_create(pool, &options);
	struct coterie_frame *frame;
	uint32_t guarantee;

	for (char letter = 'a'; letter < 'e'; letter++) {
		char message[LETTERS];
		struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};

		memset(message, letter, sizeof(message));
		ck_assert_int_eq(pack_queue_append(queue, 0, &iov, 1), 0);
	}
	frame_unref(pack_queue_take(queue, &guarantee));
	ck_assert_int_eq(pack_queue_split(queue), 0);
	while ((frame = pack_queue_take(queue, &guarantee)) != NULL) {
		ck_assert_int_eq(unpack_frame(unpack, 1, frame, frame->data + 45, frame->size - 45, false, false, rule,
					 hear, NULL),
			0);
		frame_unref(frame);
	}
	ck_assert_str_eq(heard, "bcd");
	pack_queue_destroy(queue);
}
END_TEST

/* Two members and the messages that they got, each named by its number. */
struct member {
	struct unpack *unpack;
	uint32_t next; /* number of the message that it must get next */
};

static bool count_message(
	void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	struct member *member = arg;
	uint8_t bytes[4096];
	size_t at = 0, wrong = 0;
	uint32_t number;

	(void)is_swapped;
	ck_assert_uint_eq(source, 1);
	ck_assert_uint_le(size, sizeof(bytes));
	for (size_t i = 0; i < count; at += iov[i++].iov_len)
		memcpy(bytes + at, iov[i].iov_base, iov[i].iov_len);
	ck_assert_uint_ge(size, sizeof(number));
	memcpy(&number, bytes, sizeof(number));
	ck_assert_uint_eq(number, member->next);
	for (size_t i = sizeof(number); i < size; i++)
		wrong += bytes[i] != (uint8_t)(number + i);
	ck_assert_uint_eq(wrong, 0);
	member->next++;
	return true;
}

static void send_numbered(struct pack_queue *queue, uint32_t *number)
{
	uint8_t bytes[4096];
	size_t size = sizeof(*number) + (size_t)rand() % (rand() % 4 == 0 ? sizeof(bytes) - sizeof(*number) : 60);
	struct iovec iov = {.iov_base = bytes, .iov_len = size};

	memcpy(bytes, number, sizeof(*number));
	for (size_t i = sizeof(*number); i < size; i++)
		bytes[i] = (uint8_t)(*number + i);
	if (pack_queue_append(queue, 0, &iov, 1) == 0)
		++*number;
}

static void take_frames(struct pack_queue *queue, struct member members[2], uint32_t frames_max)
{
	struct coterie_frame *frame;
	uint32_t guarantee;

	while (frames_max-- > 0 && (frame = pack_queue_take(queue, &guarantee)) != NULL) {
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(unpack_frame(members[i].unpack, 1, frame, frame->data + 45, frame->size - 45,
						 false, false, UNPACK_BETTER, count_message, &members[i]),
				0);
		frame_unref(frame);
	}
}

/*
 * A node joins again and again, at any time, with no parts of earlier messages. It gets all messages that the other
 * member gets from then on. The other member gets each message once.
 */
START_TEST(a_joiner_gets_all_behind_a_restart)
{
	struct pack_options options = {.payload_max = 100, .frames_max = 200};
	struct pack_queue *queue = pack_queue_create(pool, &options);
	struct member members[2] = {{.unpack = unpack}, {.unpack = unpack_create()}};
	uint32_t number = 0;

	srand((unsigned int)_i);
	for (int step = 0; step < 1500; step++) {
		for (int more = rand() % 4; more > 0; more--)
			send_numbered(queue, &number);
		take_frames(queue, members, (uint32_t)rand() % 30);
		if (rand() % 10 == 0)
			pack_queue_flush(queue);
		if (rand() % 5 == 0) {
			unpack_destroy(members[1].unpack);
			members[1] = (struct member){.unpack = unpack_create(), .next = members[0].next};
			ck_assert_int_eq(pack_queue_restart(queue), 0);
		}
		ck_assert_uint_eq(members[0].next, members[1].next);
	}
	pack_queue_flush(queue);
	take_frames(queue, members, UINT32_MAX);
	ck_assert_uint_eq(members[0].next, number);
	ck_assert_uint_eq(members[1].next, number);
	ck_assert_uint_gt(number, 500);
	unpack_destroy(members[1].unpack);
	pack_queue_destroy(queue);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack_unpack");
	TCase *tcase = tcase_create("pack and unpack");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_joiner_gets_what_is_behind_a_split, 0, 2);
	tcase_add_loop_test(tcase, a_joiner_gets_all_behind_a_restart, 0, 3);
	tcase_add_loop_test(
		tcase, what_is_packed_comes_out, 0, (int)(sizeof(payload_sizes) / sizeof(payload_sizes[0])));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
