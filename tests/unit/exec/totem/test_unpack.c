/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking messages out of frames: chains, the rules after a part that was missed, hostile packets. */
#include "exec/totem/unpack.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/wire.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/vectors.h"
#include "tests/suite.h"

#define POOL_MAX ((size_t)64 << 20)

static struct frame_pool *pool;
static struct unpack *unpack;
static char delivered[8192]; /* all delivered messages as "source:message", separated by blanks */
static uint32_t places[8];   /* places of these messages in their packets */
static uint32_t place_count;
static bool stops; /* the unpacker stops behind each message */

static void set_up(void)
{
	pool = frame_pool_create(1500, POOL_MAX);
	unpack = unpack_create();
	ck_assert_ptr_nonnull(unpack);
	delivered[0] = '\0';
}

static struct frame_pool_usage usage(void)
{
	struct frame_pool_usage now;

	frame_pool_usage(pool, &now);
	return now;
}

static void tear_down(void)
{
	unpack_destroy(unpack);
	ck_assert_uint_eq(usage().frames, 0);
	frame_pool_destroy(pool);
}

static bool deliver(void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	size_t at = strlen(delivered);
	size_t sum = 0;

	(void)arg, (void)is_swapped;
	places[place_count++ % 8] = unpack_place(unpack);
	at += (size_t)snprintf(delivered + at, sizeof(delivered) - at, "%s%u:", at == 0 ? "" : " ", source);
	ck_assert_uint_ge(count, 1);
	ck_assert_uint_le(count, UNPACK_IOV_MAX);
	for (size_t i = 0; i < count; i++) {
		ck_assert(iov[i].iov_len > 0 || (size == 0 && count == 1));
		ck_assert_uint_lt(at + iov[i].iov_len, sizeof(delivered));
		memcpy(delivered + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
		sum += iov[i].iov_len;
	}
	delivered[at] = '\0';
	ck_assert_uint_eq(sum, size);
	return !stops;
}

/* --- scripts --- */

/* Make one packet. Commas separate its parts. */
static struct coterie_frame *make_packet(uint8_t continuation, uint8_t fragmented, const char *parts, bool swap)
{
	size_t length = strlen(parts);
	uint16_t count = 1;

	for (const char *at = strchr(parts, ','); at != NULL; at = strchr(at + 1, ','))
		count++;

	size_t size = WIRE_PACKET_HEADER_SIZE + 2u * count + length - (count - 1u);
	struct coterie_frame *frame = frame_take(pool, size);
	uint8_t *data = frame->data + WIRE_PACKET_HEADER_SIZE + 2 * count;

	frame->size = (uint32_t)size;
	wire_encode_packet_header(fragmented, continuation, count, swap, frame->data);
	for (uint16_t i = 0; i < count; i++) {
		size_t part = strcspn(parts, ",");

		wire_encode_u16((uint16_t)part, swap, frame->data + WIRE_PACKET_HEADER_SIZE + 2 * i);
		memcpy(data, parts, part);
		data += part;
		parts += part + 1;
	}
	return frame;
}

static int take(uint32_t source, struct coterie_frame *frame, bool swap, bool is_syncing, enum unpack_rule rule)
{
	int rc = unpack_frame(unpack, source, frame, frame->data, frame->size, swap, is_syncing, rule, deliver, NULL);

	frame_unref(frame);
	while (rc == 1)
		rc = unpack_resume(unpack);
	return rc;
}

/*
 * Play steps that are separated by blanks. "SOURCE CONTINUATION>FRAGMENTED:PART,PART", with _ in place of the first
 * blank, is a packet. An s behind SOURCE: sent while it synchronises. "xSOURCE": a configuration without that source.
 */
static void play(const char *script, enum unpack_rule rule, bool swap)
{
	char steps[512];
	char *rest = steps;
	char *step;

	snprintf(steps, sizeof(steps), "%s", script);
	while ((step = strsep(&rest, " ")) != NULL) {
		unsigned int source;
		unsigned int continuation;
		unsigned int fragmented;
		char phase;
		char parts[64] = "";

		if (sscanf(step, "x%u", &source) == 1) {
			unpack_forget(unpack, source);
			continue;
		}
		ck_assert_msg(sscanf(step, "%u%c%u>%u:%63s", &source, &phase, &continuation, &fragmented, parts) >= 4,
			"%s", step);
		ck_assert_int_eq(take(source, make_packet((uint8_t)continuation, (uint8_t)fragmented, parts, swap),
					 swap, phase == 's', rule),
			0);
	}
}

static const struct {
	const char *name;
	const char *script;
	const char *reference;
	const char *better; /* result by Coterie's rule, NULL: as by Corosync's */
} scripts[] = {
	{"whole messages", "1_0>0:a,b 1_0>0:c", "1:a 1:b 1:c", NULL},
	{"an empty message", "1_0>0: 1_0>0:a,", "1: 1:a 1:", NULL},
	{"two parts", "1_0>1:ab 1_1>0:cd", "1:abcd", NULL},
	{"three parts", "1_0>1:a 1_1>2:b 1_2>0:c", "1:abc", NULL},
	{"an empty first part", "1_0>1: 1_1>0:a", "1:a", NULL},
	{"an empty last part", "1_0>1:a 1_1>0:", "1:a", NULL},
	{"nothing but empty parts", "1_0>1: 1_1>2: 1_2>0:", "1:", NULL},
	{"packed tails", "1_0>5:a,b 1_5>6:c,d 1_6>0:e,f", "1:a 1:bc 1:de 1:f", NULL},
	{"numbers start again", "1_0>1:a 1_1>1:b,c 1_1>0:d", "1:ab 1:cd", NULL},
	{"numbers wrap", "1_0>255:a 1_255>1:b 1_1>0:c", "1:abc", NULL},
	{"sources", "1_0>1:a 2_0>1:b 3_0>0:c 2_1>0:d 1_1>0:e", "3:c 2:bd 1:ae", NULL},
	{"phases", "1_0>1:a 1s0>1:b 1s1>0:c 1_1>0:d", "1:bc 1:ad", NULL},

	/* Book packing, "Reassembly": the messages that are lost when the first part was missed. */
	{"joined in the middle", "1_3>4:x 1_4>0:y,z 1_0>0:w", "1:w", "1:z 1:w"},
	{"joined at the end", "1_3>0:x,y 1_0>0:w", "1:w", "1:y 1:w"},
	{"joined where the next one starts", "1_3>4:x,y 1_4>0:z,w 1_0>0:v", "1:v", "1:yz 1:w 1:v"},
	{"a mismatch with fragmented 1 skips", "1_3>1:x,y 1_1>0:z 1_0>0:w", "1:w", "1:yz 1:w"},
	{"a mismatch with fragmented 0 does not", "1_3>0:x 1_0>1:a 1_1>0:b", "1:ab", NULL},
	{"skipping ends with fragmented 1, expected value stale and wrong",
		"1_0>2:a 1_4>5:b 1_5>1:c,d 1_1>0:e,f 1_0>0:g", "1:g", "1:de 1:f 1:g"},
	{"skipping ends with fragmented 1, expected value stale and right", "1_0>1:a 1_4>5:b 1_5>1:c,d 1_1>0:e,f",
		"1:de 1:f", NULL},
	{"a new message while skipping, expected value right", "1_0>1:a 1_4>5:b 1_0>1:c 1_1>0:d", "1:cd", NULL},
	{"skipping ends in the middle: a message that lacks a part is not delivered",
		"1_0>1:a 1_4>5:b 1_5>1:c 1_1>0:d,e", "1:e", NULL},
	{"skipping stays with fragmented 2", "1_4>5:b 1_5>2:c,d 1_2>3:e,f 1_3>0:g", "", "1:de 1:fg"},
	{"a message starts before the last ended", "1_0>1:a 1_0>0:b,c 1_0>0:d", "1:d", "1:b 1:c 1:d"},
	{"and goes on", "1_0>1:a 1_0>7:b 1_7>0:c", "", "1:bc"},
	{"a middle part is lost", "1_0>1:a 1_2>3:c 1_3>0:d 1_0>0:e", "1:e", NULL},
	{"the end is lost", "1_0>1:a 1_0>0:b 1_0>0:c", "1:c", "1:b 1:c"},
	{"two parts lost, one message taken for another never", "1_0>1:a 1_2>3:d 1_3>0:e,f", "", "1:f"},
	{"one source skips, the other does not", "1_4>5:x 2_0>0:a 1_5>6:y 2_0>1:b 2_1>0:c", "2:a 2:bc", NULL},
	{"one phase skips, the other does not", "1_4>5:x 1s0>0:a 1_5>0:y 1_0>0:b", "1:a 1:b", NULL},

	/* Configurations. */
	{"a message straddles a change", "1_0>1:a x2 x3 1_1>0:b", "1:ab", NULL},
	{"the source left and came back", "1_0>1:a x1 1_0>0:b", "1:b", NULL},
	{"the source left, its end arrives", "1_0>1:a x1 1_1>0:b,c", "", "1:c"},
	{"both phases are forgotten", "1_0>1:a 1s0>1:b x1 1_0>0:c 1s0>0:d", "1:c 1:d", NULL},
	{"others are not", "1_0>1:a 2_0>1:b 3_0>1:c x2 1_1>0:d 3_1>0:e", "1:ad 3:ce", NULL},
	{"a straddling message around a synchronisation", "1_0>1:a x2 1s0>0:barrier 1_1>0:b", "1:barrier 1:ab", NULL},
};

START_TEST(chains_of_packets)
{
	enum unpack_rule rule = _i & 1 ? UNPACK_BETTER : UNPACK_REFERENCE;

	stops = (_i & 4) != 0;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		const char *want = scripts[i].reference;

		if (rule == UNPACK_BETTER && scripts[i].better != NULL)
			want = scripts[i].better;
		set_up();
		play(scripts[i].script, rule, (_i & 2) != 0);
		ck_assert_msg(
			strcmp(delivered, want) == 0, "%s: '%s' instead of '%s'", scripts[i].name, delivered, want);
		tear_down();
	}
	stops = false;
}
END_TEST

START_TEST(each_message_has_its_place_in_the_packet_in_which_it_ends)
{
	static const uint32_t want[] = {0, 1, 0, 1, 2};

	place_count = 0;
	play("1_0>1:a,b,c 1_1>0:d,e,f", UNPACK_REFERENCE, false);
	ck_assert_str_eq(delivered, "1:a 1:b 1:cd 1:e 1:f");
	ck_assert_mem_eq(places, want, sizeof(want));
}
END_TEST

/*
 * A stopped unpacker keeps the frame, and goes on behind the message at which it stopped, in the same context. If it is
 * not asked to go on, it releases the frame at its end.
 */
START_TEST(it_stops_behind_a_message)
{
	struct coterie_frame *frame = make_packet(0, 1, "a,b,c", false);

	stops = true;
	place_count = 0;
	ck_assert_int_eq(
		unpack_frame(unpack, 1, frame, frame->data, frame->size, false, true, UNPACK_BETTER, deliver, NULL), 1);
	frame_unref(frame);
	ck_assert_str_eq(delivered, "1:a");
	ck_assert_int_eq(unpack_resume(unpack), 0); /* the last message of the frame: nothing is left */
	ck_assert_str_eq(delivered, "1:a 1:b");
	ck_assert_uint_eq(places[1], 1);
	stops = false;
	play("1_0>0:x 1s1>0:d", UNPACK_BETTER, false);
	ck_assert_str_eq(delivered, "1:a 1:b 1:x 1:cd");

	stops = true;
	frame = make_packet(0, 0, "e,f", false);
	ck_assert_int_eq(
		unpack_frame(unpack, 1, frame, frame->data, frame->size, false, false, UNPACK_BETTER, deliver, NULL),
		1);
	frame_unref(frame);
	ck_assert_uint_eq(usage().frames, 1);
	stops = false;
}
END_TEST

START_TEST(skipped_packets_are_counted)
{
	play("1_4>5:a 1_5>6:b 1_6>0:c 1_0>0:d", UNPACK_REFERENCE, false);
	ck_assert_uint_eq(unpack_counters(unpack)->skipped, 3);
	ck_assert_str_eq(delivered, "1:d");
}
END_TEST

/* The rule changes while messages are incomplete, as it does when nodes like Corosync join or leave. */
START_TEST(the_rule_changes_while_skipping)
{
	play("1_0>2:a 1_4>5:b", UNPACK_REFERENCE, false);
	play("1_5>6:c,d 1_6>0:e,f", UNPACK_BETTER, false);
	ck_assert_str_eq(delivered, "1:de 1:f");
	delivered[0] = '\0';
	play("1_0>5:a 1_3>7:b,c", UNPACK_REFERENCE, false);
	/* Continuation 5 was expected before the mismatch. So this packet does not continue "c", and "x" is dropped. */
	play("1_5>0:x,y", UNPACK_BETTER, false);
	ck_assert_str_eq(delivered, "1:y");
}
END_TEST

static const struct {
	const char *name;
	size_t size;
	uint8_t bytes[16];
} malformed[] = {
	{"nothing", 0, {0}},
	{"7 bytes", 7, {0, 0, 0, 0, 0, 0, 1}},
	{"no part", 8, {0}},
	{"no part, in a chain", 8, {0, 0, 0, 0, 2, 1}},
	{"lengths cut", 9, {0, 0, 0, 0, 0, 0, 1, 0, 1}},
	{"longer than it is", 11, {0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 'a'}},
	{"65535 bytes", 12, {0, 0, 0, 0, 0, 0, 1, 1, 255, 255}},
	{"65535 parts", 12, {0, 0, 0, 0, 0, 0, 255, 255}},
	{"bytes left over", 12, {0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 'a', 'b'}},
};

/* A packet that is refused changes nothing: the next packet continues the chain. */
START_TEST(malformed_packets_are_ignored)
{
	size_t count = sizeof(malformed) / sizeof(malformed[0]);

	play("1_0>1:a", UNPACK_REFERENCE, false);
	for (size_t i = 0; i < count; i++) {
		struct coterie_frame *buffer = frame_take(pool, malformed[i].size);

		memcpy(buffer->data, malformed[i].bytes, malformed[i].size);
		buffer->size = (uint32_t)malformed[i].size;
		ck_assert_msg(take(1, buffer, false, false, UNPACK_REFERENCE) == 0, "%s", malformed[i].name);
		ck_assert_msg(delivered[0] == '\0', "%s", malformed[i].name);
	}
	ck_assert_uint_eq(unpack_counters(unpack)->malformed, count);
	play("1_1>0:b", UNPACK_REFERENCE, false);
	ck_assert_str_eq(delivered, "1:ab");
	ck_assert_uint_eq(unpack_counters(unpack)->skipped, 0);
}
END_TEST

/* --- long messages --- */

/* Make part n of a long message: `size` bytes with the value n, in a frame with this capacity that has nothing else. */
static struct coterie_frame *make_part(uint32_t n, bool is_last, uint16_t size, size_t capacity)
{
	struct coterie_frame *frame = frame_take(pool, capacity);
	uint8_t *data;

	ck_assert_ptr_nonnull(frame);
	data = frame->data;
	wire_encode_packet_header(
		is_last ? 0 : (uint8_t)(n % 255 + 1), n == 0 ? 0 : (uint8_t)((n - 1) % 255 + 1), 1, false, data);
	wire_encode_u16(size, false, data + 8);
	memset(data + 10, (int)n, size);
	frame->size = 10u + size;
	return frame;
}

struct expected {
	uint16_t part_size;
	size_t size;      /* size of a whole message */
	uint32_t count;   /* number of deliveries */
	size_t iov_count; /* number of pieces of the last message */
};

static bool deliver_long(
	void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	struct expected *expected = arg;
	size_t at = 0;
	size_t wrong = 0;

	(void)source, (void)is_swapped;
	ck_assert_uint_eq(size, expected->size);
	ck_assert_uint_le(count, UNPACK_IOV_MAX);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *bytes = iov[i].iov_base;

		for (size_t j = 0; j < iov[i].iov_len; j++, at++)
			wrong += bytes[j] != (uint8_t)(at / expected->part_size);
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(at, size);
	expected->count++;
	expected->iov_count = count;
	return true;
}

static void play_long(struct expected *expected, uint32_t source, uint32_t parts, size_t capacity, size_t pinned_max)
{
	for (uint32_t n = 0; n < parts; n++) {
		size_t left = expected->size - (size_t)n * expected->part_size;
		uint16_t size = left < expected->part_size ? (uint16_t)left : expected->part_size;
		struct coterie_frame *frame = make_part(n, n + 1 == parts, size, capacity);

		int rc = unpack_frame(unpack, source, frame, frame->data, frame->size, false, false, UNPACK_REFERENCE,
			deliver_long, expected);

		frame_unref(frame);
		if (rc != 0 || usage().bytes > pinned_max)
			ck_abort_msg("part %u: %d, %zu bytes pinned", n, rc, usage().bytes);
	}
}

/* The parts of an ordinary long message are delivered from their frames, without a copy. */
START_TEST(a_long_message_stays_in_its_frames)
{
	struct expected expected = {.part_size = 1400, .size = 1000000};

	play_long(&expected, 1, 715, 1500, POOL_MAX);
	ck_assert_uint_eq(expected.count, 1);
	ck_assert_uint_eq(expected.iov_count, 715);
	ck_assert_uint_eq(usage().frames, 0);
}
END_TEST

START_TEST(messages_up_to_the_limit)
{
	static const struct {
		const char *name;
		size_t size;
		uint16_t part_size;
		uint32_t delivered, oversized;
	} rows_long[] = {
		{"at the limit", UNPACK_MESSAGE_SIZE_MAX, 1400, 1, 0},
		{"a byte more", UNPACK_MESSAGE_SIZE_MAX + 1, 1400, 0, 1},
		{"a part more", UNPACK_MESSAGE_SIZE_MAX + 1400, 1400, 0, 1},
		{"twice the limit", 2 * UNPACK_MESSAGE_SIZE_MAX, 1400, 0, 1},
		{"at the limit, in large frames", UNPACK_MESSAGE_SIZE_MAX, 65000, 1, 0},
		{"more, in large frames", UNPACK_MESSAGE_SIZE_MAX + 1, 65000, 0, 1},
	};

	for (size_t i = 0; i < sizeof(rows_long) / sizeof(rows_long[0]); i++) {
		struct expected expected = {.part_size = rows_long[i].part_size, .size = rows_long[i].size};
		uint64_t oversized = unpack_counters(unpack)->oversized;
		uint32_t parts = (uint32_t)((expected.size - 1) / expected.part_size + 1);

		play_long(&expected, 1, parts, expected.part_size + 10u, POOL_MAX);
		ck_assert_msg(expected.count == rows_long[i].delivered, "%s", rows_long[i].name);
		ck_assert_msg(unpack_counters(unpack)->oversized == oversized + rows_long[i].oversized, "%s",
			rows_long[i].name);
		ck_assert_uint_eq(usage().frames, 0);
		/* The next message is delivered, so the chain is not broken. */
		play("1_0>0:next", UNPACK_REFERENCE, false);
	}
	ck_assert_uint_eq(unpack_counters(unpack)->skipped, 0);
}
END_TEST

/* Small parts in large buffers are copied before they keep too much memory in use. */
START_TEST(sparse_parts_do_not_pin_the_pool)
{
	static const struct {
		const char *name;
		size_t capacity;
		uint16_t part_size;
		uint32_t parts;
	} sparse[] = {
		{"1 byte in 64 KiB", 65536, 1, 20000},
		{"1 byte in 1500", 1500, 1, 100000},
		{"100 bytes in 64 KiB", 65536, 100, 5000},
		{"1400 bytes in 64 KiB", 65536, 1400, 700},
		{"30000 bytes in 64 KiB", 65536, 30000, 37},
	};

	for (size_t i = 0; i < sizeof(sparse) / sizeof(sparse[0]); i++) {
		struct expected expected = {
			.part_size = sparse[i].part_size, .size = (size_t)sparse[i].part_size * sparse[i].parts};

		play_long(&expected, 1, sparse[i].parts, sparse[i].capacity, 2 * expected.size + ((size_t)512 << 10));
		ck_assert_msg(expected.count == 1, "%s", sparse[i].name);
	}
}
END_TEST

/* A buffer that holds several parts counts only once. */
START_TEST(slices_of_one_buffer)
{
	struct coterie_frame *buffer = frame_take(pool, 65000);
	struct expected expected = {.part_size = 1440, .size = 44 * 1440};

	for (uint32_t n = 0; n < 44; n++) {
		struct coterie_frame *part = make_part(n, n == 43, 1440, 1500);
		struct coterie_frame *slice = frame_slice(buffer, n * 1450, 1450);

		memcpy(slice->data, part->data, 1450);
		frame_unref(part);
		ck_assert_int_eq(unpack_frame(unpack, 1, slice, slice->data, slice->size, false, false, UNPACK_BETTER,
					 deliver_long, &expected),
			0);
		frame_unref(slice);
	}
	ck_assert_uint_eq(expected.count, 1);
	ck_assert_uint_eq(expected.iov_count, 44);
	frame_unref(buffer);
}
END_TEST

/* A message has at most UNPACK_IOV_MAX parts, even if their buffers are small. */
START_TEST(thousands_of_parts_in_one_buffer)
{
	struct coterie_frame *buffer = frame_take(pool, 65000);
	struct expected expected = {.part_size = 1, .size = 5000};

	for (uint32_t n = 0; n < 5000; n++) {
		struct coterie_frame *part = make_part(n, n == 4999, 1, 1500);
		struct coterie_frame *slice = frame_slice(buffer, n * 11, 11);

		memcpy(slice->data, part->data, 11);
		frame_unref(part);

		int rc = unpack_frame(unpack, 1, slice, slice->data, slice->size, false, false, UNPACK_BETTER,
			deliver_long, &expected);

		frame_unref(slice);
		if (rc != 0 || usage().frames > 1 + UNPACK_IOV_MAX)
			ck_abort_msg("part %u: %d, %zu frames", n, rc, usage().frames);
	}
	ck_assert_uint_eq(expected.count, 1);
	frame_unref(buffer);
}
END_TEST

/*
 * Many sources never complete their messages. The memory that all these keep in use is limited, and no other message is
 * lost.
 */
START_TEST(many_unfinished_messages)
{
	struct expected expected = {.part_size = 1400, .size = 700 * 1400};

	for (uint32_t n = 0; n < 700; n++) {
		for (uint32_t source = 1; source <= 40; source++) {
			struct coterie_frame *frame = make_part(n, n == 699, 1400, 1500);

			int rc = unpack_frame(unpack, source, frame, frame->data, frame->size, false, false,
				UNPACK_REFERENCE, deliver_long, &expected);

			frame_unref(frame);
			if (rc != 0 || usage().bytes > (size_t)17 << 20)
				ck_abort_msg("source %u, part %u: %d, %zu bytes pinned", source, n, rc, usage().bytes);
		}
	}
	ck_assert_uint_eq(expected.count, 40);
	ck_assert_uint_eq(usage().frames, 0);
}
END_TEST

START_TEST(a_captured_message)
{
	size_t count;
	struct vector *vectors = vectors_load("04-mcast-fragments.hex", &count);
	size_t sizes[2] = {0};
	size_t messages = 0;

	/* Frames 1 to 4 and frames 5 to 8 are two messages of 5,000 bytes with their headers. */
	for (size_t i = 1; i < count; i++) {
		struct wire_mcast mcast;
		struct wire_packet packet;

		ck_assert_int_eq(wire_decode_mcast(vectors[i].bytes, vectors[i].size, &mcast), WIRE_OK);
		ck_assert_int_eq(
			wire_decode_packet(mcast.payload, mcast.payload_size, mcast.is_swapped, &packet), WIRE_OK);
		ck_assert_uint_lt(messages, 2);
		sizes[messages] += packet.data_size;
		messages += packet.fragmented == 0;

		struct coterie_frame *frame = frame_take(pool, vectors[i].size);

		memcpy(frame->data, vectors[i].bytes, vectors[i].size);
		frame->size = (uint32_t)vectors[i].size;
		ck_assert_int_eq(unpack_frame(unpack, mcast.nodeid, frame, frame->data + 45, frame->size - 45,
					 mcast.is_swapped, false, UNPACK_REFERENCE, deliver, NULL),
			0);
		frame_unref(frame);
	}
	ck_assert_uint_eq(messages, 2);
	ck_assert_uint_eq(sizes[0], sizes[1]);
	/* `delivered` does not show the messages, since they contain 0 bytes. But none was skipped. */
	ck_assert_uint_eq(unpack_counters(unpack)->skipped, 0);
	free(vectors);
}
END_TEST

START_TEST(memory_runs_out)
{
	fail_alloc_at(1);

	struct unpack *none = unpack_create();

	ck_assert(fail_alloc_happened());
	ck_assert_ptr_null(none);
	for (unsigned int n = 1;; n++) {
		tear_down();
		set_up();

		struct coterie_frame *frame = make_packet(0, 1, "a", false);

		fail_alloc_at(n);

		int rc = take(1, frame, false, false, UNPACK_BETTER);
		bool has_failed = fail_alloc_happened();

		ck_assert_int_eq(rc, has_failed ? -ENOMEM : 0);
		ck_assert_uint_eq(unpack_counters(unpack)->skipped, has_failed ? 1 : 0);
		/* The message that ran out of memory is lost, but not the messages behind its end. */
		play("1_1>2:b,c 1_2>0:d,e", UNPACK_BETTER, false);
		ck_assert_str_eq(delivered, has_failed ? "1:cd 1:e" : "1:ab 1:cd 1:e");
		if (!has_failed) {
			ck_assert_uint_gt(n, 3);
			break;
		}
	}
}
END_TEST

START_TEST(memory_runs_out_when_parts_are_moved)
{
	struct expected expected = {.part_size = 1, .size = 10};
	int failures = 0;

	for (uint32_t n = 0; n < 10; n++) {
		struct coterie_frame *frame = make_part(n, n == 9, 1, 65536);

		/* With the fifth part the message keeps too much memory in use, so its parts are moved. */
		fail_alloc_at(n == 4 ? 1 : 0);
		failures += unpack_frame(unpack, 1, frame, frame->data, frame->size, false, false, UNPACK_REFERENCE,
				    deliver_long, &expected) == -ENOMEM;
		ck_assert_int_eq(fail_alloc_happened(), n == 4);
		frame_unref(frame);
	}
	ck_assert_int_eq(failures, 1);
	ck_assert_uint_eq(expected.count, 0);
	ck_assert_uint_eq(usage().frames, 0);
	play("1_0>0:next", UNPACK_REFERENCE, false);
	ck_assert_str_eq(delivered, "1:next");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unpack");
	TCase *chains = tcase_create("chains");
	TCase *bounds = tcase_create("bounds");

	suite_add_tcase(suite, chains);
	tcase_add_loop_test(chains, chains_of_packets, 0, 8);
	suite_add_tcase(suite, bounds);
	tcase_add_checked_fixture(bounds, set_up, tear_down);
	tcase_add_test(bounds, each_message_has_its_place_in_the_packet_in_which_it_ends);
	tcase_add_test(bounds, it_stops_behind_a_message);
	tcase_add_test(bounds, skipped_packets_are_counted);
	tcase_add_test(bounds, the_rule_changes_while_skipping);
	tcase_add_test(bounds, malformed_packets_are_ignored);
	tcase_add_test(bounds, a_long_message_stays_in_its_frames);
	tcase_add_test(bounds, messages_up_to_the_limit);
	tcase_add_test(bounds, sparse_parts_do_not_pin_the_pool);
	tcase_add_test(bounds, slices_of_one_buffer);
	tcase_add_test(bounds, thousands_of_parts_in_one_buffer);
	tcase_add_test(bounds, many_unfinished_messages);
	tcase_add_test(bounds, a_captured_message);
	tcase_add_test(bounds, memory_runs_out);
	tcase_add_test(bounds, memory_runs_out_when_parts_are_moved);
	return suite_run(suite);
}
