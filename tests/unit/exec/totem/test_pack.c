/* SPDX-License-Identifier: BSD-3-Clause */
/* How messages are cut and packed. test_pack_unpack compares the contents. */
#include "exec/totem/pack.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/wire.h"
#include "tests/unit/fail_alloc.h"
#include "tests/suite.h"

#define FRAMES_MAX 10u
#define PAYLOAD_MAX 30u /* 22 bytes for lengths and data, so one part has at most 20 */
#define PART_MAX 20u

static struct frame_pool *pool;
static struct pack_queue *queue;

static void create(uint32_t payload_max, uint32_t frames_max, bool swap)
{
	struct pack_options options = {.payload_max = payload_max, .frames_max = frames_max, .swap = swap};

	pool = frame_pool_create(WIRE_MCAST_HEADER_SIZE + payload_max, (size_t)16 << 20);
	queue = pack_queue_create(pool, &options);
	ck_assert_ptr_nonnull(queue);
}

static void set_up(void) { create(PAYLOAD_MAX, FRAMES_MAX, false); }

static void tear_down(void)
{
	struct frame_pool_usage usage;

	pack_queue_destroy(queue);
	frame_pool_usage(pool, &usage);
	ck_assert_uint_eq(usage.frames, 0);
	frame_pool_destroy(pool);
}

static uint8_t letter; /* letter of which the next message consists */

static int append(size_t size, uint32_t guarantee)
{
	uint8_t *bytes = malloc(size + 1);
	struct iovec iov = {.iov_base = bytes, .iov_len = size};

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'a' + letter++ % 26, size + 1);

	int rc = pack_queue_append(queue, guarantee, &iov, 1);

	free(bytes);
	return rc;
}

/* Return the next packet as "continuation>fragmented:length,length". "": none waits. */
static const char *next_packet(bool swap)
{
	static char text[4096];
	struct wire_packet packet;
	uint32_t guarantee;
	struct coterie_frame *frame = pack_queue_take(queue, &guarantee);
	size_t at;

	if (frame == NULL)
		return "";
	ck_assert_uint_le(frame->size, frame->capacity);
	ck_assert_int_eq(wire_decode_packet(frame->data + WIRE_MCAST_HEADER_SIZE, frame->size - WIRE_MCAST_HEADER_SIZE,
				 swap, &packet),
		WIRE_OK);
	at = (size_t)snprintf(
		text, sizeof(text), "%u>%u%s:", packet.continuation, packet.fragmented, guarantee != 0 ? "!" : "");
	for (uint32_t i = 0; i < packet.part_count; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "%s%u", i == 0 ? "" : ",", wire_packet_length(&packet, i));
	frame_unref(frame);
	return text;
}

static const char *all_packets(bool swap)
{
	static char text[4096];

	text[0] = '\0';
	for (const char *packet = next_packet(swap); *packet != '\0'; packet = next_packet(swap)) {
		if (text[0] != '\0')
			strcat(text, " ");
		strcat(text, packet);
	}
	return text;
}

/* --- cutting --- */

#define END (-1)
#define SAFE 1000 /* added to a size: a message for safe delivery */

static const struct {
	const char *name;
	int sizes[8];
	const char *before; /* packets that are complete before the flush */
	const char *after;  /* packets that the flush closes */
} rows[] = {
	{"nothing", {END}, "", ""},
	{"one", {5, END}, "", "0>0:5"},
	{"an empty message", {0, END}, "", "0>0:0"},
	{"two", {5, 6, END}, "", "0>0:5,6"},
	{"many", {1, 1, 1, 1, 1, 1, 1, END}, "0>0:1,1,1,1,1,1,1", ""},
	{"room for one byte more", {17, END}, "", "0>0:17"},
	{"room for a length only", {18, END}, "0>0:18", ""},
	{"room for half a length", {19, END}, "0>0:19", ""},
	{"full", {20, END}, "0>0:20", ""},
	{"one byte too many", {21, END}, "0>1:20", "1>0:1"},
	{"two packets, full", {40, END}, "0>1:20 1>0:20", ""},
	{"three packets", {41, END}, "0>1:20 1>2:20", "2>0:1"},
	{"the last byte fits", {17, 1, END}, "0>0:17,1", ""},
	{"the last byte of the room, more to come", {17, 2, END}, "0>1:17,1", "1>0:1"},
	{"a tail is packed with what follows", {21, 4, 5, END}, "0>1:20", "1>0:1,4,5"},
	{"two parts in one packet", {21, 30, END}, "0>1:20 1>2:1,17", "2>0:13"},
	{"numbers go on from message to message", {21, 18, 5, 40, END}, "0>1:20 1>2:1,17 2>3:1,5,10 3>4:20", "4>0:10"},
	{"after a whole message", {40, 18, 21, END}, "0>1:20 1>0:20 0>0:18 0>2:20", "2>0:1"},
	{"safe", {SAFE + 5, END}, "", "0>0!:5"},
	{"safe and agreed", {SAFE + 5, 5, END}, "", "0>0!:5,5"},
	{"agreed and safe", {5, SAFE + 5, END}, "", "0>0!:5,5"},
	{"safe: the last frame is marked, alone", {SAFE + 41, END}, "0>1:20 1>2:20", "2>0!:1"},
	{"safe tail with agreed", {SAFE + 21, 5, 29, END}, "0>1:20 1>2!:1,5,10 2>0:19", ""},
	{"safe that starts behind agreed", {5, SAFE + 30, END}, "0>1:5,13", "1>0!:17"},
};

START_TEST(messages_are_cut_and_packed)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got;

		set_up();
		for (size_t at = 0; rows[i].sizes[at] != END; at++) {
			int size = rows[i].sizes[at];

			ck_assert_msg(append((size_t)size % SAFE, size >= SAFE) == 0, "%s", rows[i].name);
		}
		got = all_packets(false);
		ck_assert_msg(strcmp(got, rows[i].before) == 0, "%s: '%s'", rows[i].name, got);
		ck_assert_msg(pack_queue_count(queue) == (*rows[i].after != '\0'), "%s: count", rows[i].name);
		pack_queue_flush(queue);
		got = all_packets(false);
		ck_assert_msg(strcmp(got, rows[i].after) == 0, "%s: '%s'", rows[i].name, got);
		ck_assert_msg(pack_queue_count(queue) == 0, "%s: count", rows[i].name);
		tear_down();
	}
}
END_TEST

START_TEST(fragment_numbers_wrap_to_one)
{
	uint8_t last = 0;

	create(PAYLOAD_MAX, 1000, false);
	ck_assert_int_eq(append(600 * PART_MAX, 0), 0);
	for (int i = 0; i < 600; i++) {
		unsigned int continuation;
		unsigned int fragmented;

		ck_assert_int_eq(sscanf(next_packet(false), "%u>%u:", &continuation, &fragmented), 2);
		ck_assert_uint_eq(continuation, last);
		ck_assert_uint_eq(fragmented, i == 599 ? 0 : (unsigned int)i % 255 + 1);
		last = (uint8_t)fragmented;
	}
	ck_assert_str_eq(next_packet(false), "");
	tear_down();
}
END_TEST

/*
 * A client's message of 1,400 bytes has 1,591 bytes with all headers, and takes 1.14 frames instead of 2:
 * book packing, "Packing and cutting".
 */
START_TEST(frames_are_full)
{
	create(1410, 3000, false);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(append(1591, 0), 0);
	pack_queue_flush(queue);

	uint32_t count = pack_queue_count(queue);
	uint32_t full = 0;
	uint32_t guarantee;
	struct coterie_frame *frame;

	ck_assert_uint_le(count, (1000 * (1591 + 2) + 2 * count) / 1402 + 1);
	ck_assert_uint_eq(pack_queue_messages(queue), 1000);
	while ((frame = pack_queue_take(queue, &guarantee)) != NULL) {
		full += frame->size == WIRE_MCAST_HEADER_SIZE + 1410;
		frame_unref(frame);
	}
	/* All packets are full but the last one, and two in which the room was too small for another part. */
	ck_assert_uint_ge(full, count - 3);
	tear_down();
}
END_TEST

START_TEST(packets_in_the_other_byte_order)
{
	create(PAYLOAD_MAX, FRAMES_MAX, true);
	ck_assert_int_eq(append(21, 0), 0);
	ck_assert_int_eq(append(4, 0), 0);
	pack_queue_flush(queue);
	ck_assert_str_eq(next_packet(true), "0>1:20");
	ck_assert_str_eq(next_packet(true), "1>0:1,4");
	tear_down();
}
END_TEST

START_TEST(parts_of_a_message_are_gathered)
{
	uint8_t bytes[] = "abcdefghijklmnopqrstuvwxyz";
	struct iovec iov[] = {{bytes, 0}, {bytes, 3}, {NULL, 0}, {bytes + 3, 18}, {bytes + 21, 5}, {NULL, 0}};
	uint32_t guarantee;
	struct coterie_frame *frame;

	ck_assert_int_eq(pack_queue_append(queue, 0, iov, 6), 0);
	memset(bytes, 0, sizeof(bytes)); /* the queue must have copied the bytes */
	pack_queue_flush(queue);
	frame = pack_queue_take(queue, &guarantee);
	ck_assert_mem_eq(frame->data + 45 + 10, "abcdefghijklmnopqrst", 20);
	frame_unref(frame);
	frame = pack_queue_take(queue, &guarantee);
	ck_assert_mem_eq(frame->data + 45 + 10, "uvwxyz", 6);
	frame_unref(frame);
	ck_assert_int_eq(pack_queue_append(queue, 0, NULL, 0), 0);
	pack_queue_flush(queue);
	ck_assert_str_eq(next_packet(false), "0>0:0");
}
END_TEST

/* --- new members --- */

static const struct {
	const char *name;
	int sizes[8];
	int taken; /* number of packets that were already taken out */
	const char *after;
} splits[] = {
	{"nothing waits", {END}, 0, ""},
	{"nothing is under way", {21, 5, END}, 0, "0>1:20 1>0:1,5"},
	{"the last message is under way", {21, END}, 1, "1>0:1"},
	{"whole messages behind it", {21, 5, SAFE + 6, END}, 1, "1>0!:1 0>0!:5,6"},
	{"one that goes on behind it", {21, 30, END}, 1, "1>0:1 0>2:17 2>0:13"},
	{"in the middle of a long one", {61, 5, 40, END}, 1, "1>2:20 2>3:20 3>0:1 0>4:5,10 4>5:20 5>0:10"},
	{"a break between", {21, 18, END}, 2, "2>0:1"},
	{"between two", {20, 5, 6, END}, 1, "0>0:5,6"},
};

START_TEST(a_message_under_way_ends_alone)
{
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		const char *got;

		create(PAYLOAD_MAX, FRAMES_MAX, _i == 1);
		for (size_t at = 0; splits[i].sizes[at] != END; at++)
			append((size_t)splits[i].sizes[at] % SAFE, splits[i].sizes[at] >= SAFE);
		for (int packet = 0; packet < splits[i].taken; packet++)
			ck_assert_str_ne(next_packet(_i == 1), "");
		ck_assert_int_eq(pack_queue_split(queue), 0);
		ck_assert_int_eq(pack_queue_split(queue), 0); /* the second call finds nothing to split */
		got = all_packets(_i == 1);
		ck_assert_msg(strcmp(got, splits[i].after) == 0, "%s: '%s'", splits[i].name, got);
		tear_down();
	}
}
END_TEST

static const struct {
	const char *name;
	int sizes[8];
	int taken;
	const char *after;
} restarts[] = {
	{"nothing waits", {END}, 0, ""},
	{"nothing is under way", {21, 5, END}, 0, "0>1:20 1>0:1,5"},
	{"the end waits in the open packet", {21, END}, 1, "0>1:20 1>0:1"},
	{"the first part is behind another message", {5, 30, END}, 1, "0>1:13 1>0:17"},
	{"the first part is behind the end of another one", {25, 30, 6, END}, 2, "0>2:13 2>3:17,1 3>0:5"},
	{"in the middle of a long one", {61, 5, END}, 2, "0>1:20 1>2:20 2>3:20 3>0:1,5"},
	{"the end is safe", {21, 5, SAFE + 6, END}, 1, "0>1:20 1>0!:1,5,6"},
	{"between two", {20, 5, 6, END}, 1, "0>0:5,6"},
	{"all is sent", {40, END}, 2, ""},
};

START_TEST(a_message_under_way_begins_again)
{
	for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++) {
		const char *got;

		create(PAYLOAD_MAX, FRAMES_MAX, _i == 1);
		for (size_t at = 0; restarts[i].sizes[at] != END; at++)
			append((size_t)restarts[i].sizes[at] % SAFE, restarts[i].sizes[at] >= SAFE);
		for (int packet = 0; packet < restarts[i].taken; packet++)
			ck_assert_str_ne(next_packet(_i == 1), "");
		ck_assert_int_eq(pack_queue_restart(queue), 0);
		ck_assert_int_eq(pack_queue_restart(queue), 0); /* the second call finds nothing to send again */
		pack_queue_flush(queue);
		got = all_packets(_i == 1);
		ck_assert_msg(strcmp(got, restarts[i].after) == 0, "%s: '%s'", restarts[i].name, got);
		tear_down();
	}
}
END_TEST

/* A ring may end before a message begins again in it. Then the message can go on, but not after its first new packet. */
START_TEST(a_restart_is_taken_back)
{
	for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++) {
		char want[256];

		for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
			create(PAYLOAD_MAX, FRAMES_MAX, _i == 1);
			for (size_t at = 0; restarts[i].sizes[at] != END; at++)
				append((size_t)restarts[i].sizes[at] % SAFE, restarts[i].sizes[at] >= SAFE);
			for (int packet = 0; packet < restarts[i].taken; packet++)
				ck_assert_str_ne(next_packet(_i == 1), "");
			if (is_restarted) {
				bool is_begun = pack_queue_is_begun(queue);

				ck_assert_int_eq(pack_queue_restart(queue), 0);
				ck_assert(!pack_queue_is_begun(queue));
				ck_assert_int_eq(pack_queue_split(queue), 0);
				ck_assert(pack_queue_is_begun(queue) == is_begun);
			} else {
				ck_assert_int_eq(pack_queue_split(queue), 0);
				snprintf(want, sizeof(want), "%s", all_packets(_i == 1));
				tear_down();
			}
		}
		ck_assert_str_eq(all_packets(_i == 1), want);
		tear_down();
	}
	create(PAYLOAD_MAX, FRAMES_MAX, _i == 1);
	append(61, false);
	ck_assert_str_eq(next_packet(_i == 1), "0>1:20");
	ck_assert_int_eq(pack_queue_restart(queue), 0);
	ck_assert_str_eq(next_packet(_i == 1), "0>1:20");
	ck_assert_int_eq(pack_queue_split(queue), 0);
	ck_assert_str_eq(all_packets(_i == 1), "1>2:20 2>3:20 3>0:1");
}
END_TEST

START_TEST(a_restart_in_a_full_queue)
{
	ck_assert_int_eq(append(FRAMES_MAX * PART_MAX, 0), 0);
	for (uint32_t i = 1; i < FRAMES_MAX; i++)
		ck_assert_str_ne(next_packet(false), "");
	ck_assert_int_eq(append(PART_MAX * (FRAMES_MAX - 1), 0), 0);
	ck_assert_uint_eq(pack_queue_free(queue), 0);
	for (int again = 0; again < 3; again++) {
		ck_assert_int_eq(pack_queue_restart(queue), 0);
		ck_assert_uint_eq(pack_queue_count(queue), 2 * FRAMES_MAX - 1);
		ck_assert_uint_eq(pack_queue_free(queue), 0);
		ck_assert_int_eq(append(0, 0), -EAGAIN);
		for (uint32_t i = 1; i < FRAMES_MAX; i++)
			ck_assert_str_ne(next_packet(false), "");
	}
}
END_TEST

START_TEST(a_split_in_a_full_queue)
{
	ck_assert_int_eq(append(21, 0), 0);
	next_packet(false);
	ck_assert_int_eq(append(19 + PART_MAX * (FRAMES_MAX - 1) - 3, 0), 0);
	ck_assert_uint_eq(pack_queue_free(queue), 0);
	ck_assert_int_eq(pack_queue_split(queue), 0);
	ck_assert_uint_eq(pack_queue_count(queue), FRAMES_MAX + 1);
	ck_assert_uint_eq(pack_queue_free(queue), 0);
	ck_assert_int_eq(append(0, 0), -EAGAIN);
	ck_assert_str_eq(next_packet(false), "1>0:1");
	ck_assert_str_eq(next_packet(false), "0>2:17");
	ck_assert_uint_eq(pack_queue_free(queue), 1);
	ck_assert_int_eq(append(20, 0), 0);
	ck_assert_uint_eq(pack_queue_count(queue), FRAMES_MAX);
}
END_TEST

/* --- limits --- */

START_TEST(a_full_queue)
{
	ck_assert_uint_eq(pack_queue_free(queue), FRAMES_MAX);
	ck_assert_int_eq(append(FRAMES_MAX * PART_MAX + 1, 0), -EMSGSIZE);
	ck_assert_int_eq(append(FRAMES_MAX * PART_MAX, 0), 0);
	ck_assert_uint_eq(pack_queue_free(queue), 0);
	ck_assert_uint_eq(pack_queue_count(queue), FRAMES_MAX);
	ck_assert_int_eq(append(0, 0), -EAGAIN);
	ck_assert_int_eq(append(1, 0), -EAGAIN);
	ck_assert_uint_eq(pack_queue_messages(queue), 1);
	next_packet(false);
	ck_assert_uint_eq(pack_queue_free(queue), 1);
	ck_assert_int_eq(append(21, 0), -EAGAIN);
	ck_assert_int_eq(append(5, 0), 0);
	/* The open packet counts as used, but it still accepts messages that fit. */
	ck_assert_uint_eq(pack_queue_free(queue), 0);
	ck_assert_int_eq(append(14, 0), -EAGAIN);
	ck_assert_int_eq(append(13, 0), 0);
	ck_assert_int_eq(append(0, 0), -EAGAIN);
	ck_assert_uint_eq(pack_queue_count(queue), FRAMES_MAX);
	ck_assert_str_eq(all_packets(false), "1>2:20 2>3:20 3>4:20 4>5:20 5>6:20 6>7:20 7>8:20 8>9:20 "
					     "9>0:20 0>0:5,13");
	ck_assert_uint_eq(pack_queue_free(queue), FRAMES_MAX);
}
END_TEST

START_TEST(sizes_that_overflow)
{
	uint8_t byte = 0;
	struct iovec iov[] = {{&byte, SIZE_MAX}, {&byte, 2}};

	ck_assert_int_eq(pack_queue_append(queue, 0, iov, 1), -EMSGSIZE);
	ck_assert_int_eq(pack_queue_append(queue, 0, iov, 2), -EMSGSIZE);
	ck_assert_uint_eq(pack_queue_count(queue), 0);
}
END_TEST

START_TEST(another_payload_size)
{
	ck_assert_int_eq(append(5, 0), 0);
	pack_queue_set_payload_max(queue, 15); /* now parts have at most 5 bytes */
	ck_assert_int_eq(append(25, 0), 0);
	pack_queue_set_payload_max(queue, 2 * PAYLOAD_MAX);
	ck_assert_int_eq(append(30, 0), 0);
	pack_queue_flush(queue);
	ck_assert_str_eq(all_packets(false), "0>1:5,13 1>2:5 2>3:5 3>4:2,1 4>0:29");
}
END_TEST

START_TEST(the_pool_is_exhausted)
{
	struct frame_pool *small = frame_pool_create(75, 3 * 75);
	struct pack_options options = {.payload_max = PAYLOAD_MAX, .frames_max = FRAMES_MAX};
	struct pack_queue *other = queue;
	struct frame_pool_usage usage;

	queue = pack_queue_create(small, &options);
	ck_assert_int_eq(append(5, 0), 0);
	/* The message needs more frames than are left in the pool, so no part of it is queued. */
	ck_assert_int_eq(append(100, 0), -ENOMEM);
	frame_pool_usage(small, &usage);
	ck_assert_uint_eq(usage.frames, 1);
	ck_assert_int_eq(append(30, 0), 0);
	pack_queue_flush(queue);
	ck_assert_str_eq(all_packets(false), "0>1:5,13 1>0:17");
	pack_queue_destroy(queue);
	frame_pool_destroy(small);
	queue = other;
}
END_TEST

START_TEST(memory_runs_out)
{
	struct pack_options options = {.payload_max = PAYLOAD_MAX, .frames_max = FRAMES_MAX};
	unsigned int n = 1;

	for (;; n++) {
		fail_alloc_at(n);

		struct pack_queue *other = pack_queue_create(pool, &options);

		bool has_failed = fail_alloc_happened();

		ck_assert((other == NULL) == has_failed);
		if (!has_failed) {
			pack_queue_destroy(other);
			break;
		}
	}
	ck_assert_uint_gt(n, 1);
	pack_queue_destroy(NULL);
}
END_TEST

START_TEST(what_is_left_goes_with_the_queue)
{
	ck_assert_int_eq(append(50, 0), 0);
	ck_assert_uint_eq(pack_queue_count(queue), 3);
	/* tear_down() checks that no frame is still in use. */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *cutting = tcase_create("cutting");
	TCase *limits = tcase_create("limits");

	suite_add_tcase(suite, cutting);
	tcase_add_test(cutting, messages_are_cut_and_packed);
	tcase_add_test(cutting, fragment_numbers_wrap_to_one);
	tcase_add_test(cutting, frames_are_full);
	tcase_add_test(cutting, packets_in_the_other_byte_order);
	tcase_add_loop_test(cutting, a_message_under_way_ends_alone, 0, 2);
	tcase_add_loop_test(cutting, a_message_under_way_begins_again, 0, 2);
	tcase_add_loop_test(cutting, a_restart_is_taken_back, 0, 2);
	suite_add_tcase(suite, limits);
	tcase_add_checked_fixture(limits, set_up, tear_down);
	tcase_add_test(limits, parts_of_a_message_are_gathered);
	tcase_add_test(limits, a_full_queue);
	tcase_add_test(limits, a_split_in_a_full_queue);
	tcase_add_test(limits, a_restart_in_a_full_queue);
	tcase_add_test(limits, sizes_that_overflow);
	tcase_add_test(limits, another_payload_size);
	tcase_add_test(limits, the_pool_is_exhausted);
	tcase_add_test(limits, memory_runs_out);
	tcase_add_test(limits, what_is_left_goes_with_the_queue);

	return suite_run(suite);
}
