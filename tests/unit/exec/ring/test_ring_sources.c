/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ring/ring_sources.c: counts of arrived frames by sender. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/ring/ring_sources.h"
#include "exec/stats/stats.h"
#include "exec/totem/frame.h"
#include "exec/totem/wire.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"

#define PREFIX "stats.coterie.ring.received."

static struct loop *loop;
static struct stats *stats;
static struct frame_pool *pool;
static struct ring_sources sources;

static void set_up(void)
{
	loop = loop_create();
	stats = stats_create(loop);
	pool = frame_pool_create(2048, 1 << 20);
	ck_assert_int_eq(ring_sources_init(&sources, stats), 0);
}

/* Remove the counts. @return number of their keys before */
static uint32_t end(void)
{
	struct stats_iterator *iterator = stats_iterator_create(stats, PREFIX);
	struct coterie_map_value value;
	uint32_t count = 0;

	while (stats_iterator_next(iterator, &value) != NULL)
		count++;
	stats_iterator_destroy(iterator);
	ring_sources_fini(&sources);
	iterator = stats_iterator_create(stats, PREFIX);
	ck_assert_ptr_null(stats_iterator_next(iterator, &value));
	stats_iterator_destroy(iterator);
	stats_destroy(stats);
	frame_pool_destroy(pool);
	loop_destroy(loop);
	return count;
}

static uint64_t number_of(uint32_t nodeid)
{
	struct coterie_map_value value;
	uint64_t number;
	char key[64];

	snprintf(key, sizeof(key), PREFIX "%u", nodeid);
	if (stats_read(stats, key, &value) < 0)
		return UINT64_MAX;
	memcpy(&number, value.bytes, sizeof(number));
	return number;
}

/* Make a frame of this node, in this host's byte order or in the other one. */
static struct coterie_frame *frame_of(uint32_t nodeid)
{
	const struct wire_mcast mcast = {.nodeid = nodeid, .system_from = nodeid, .encapsulated = 2};
	struct coterie_frame *frame = frame_take(pool, 256);

	memset(frame->data, 0, 256);
	wire_encode_mcast_header(&mcast, nodeid % 2 == 0, frame->data, 256);
	frame->size = 256;
	return frame;
}

static void arrive(struct coterie_frame *frame)
{
	ring_sources_note(&sources, &frame, 1);
	frame_unref(frame);
}

START_TEST(frames_are_counted_by_their_maker)
{
	static const uint32_t first[] = {7, 3}, then[] = {3, 5, 4000000000, 7};

	ring_sources_members(&sources, first, 2);
	ck_assert_uint_eq(number_of(7), 0);
	arrive(frame_of(7));
	arrive(frame_of(5)); /* the frame of a node that is not known */
	arrive(frame_of(7));
	arrive(frame_of(3));
	ring_sources_members(&sources, then, 4);
	arrive(frame_of(5));
	arrive(frame_of(4000000000));
	arrive(frame_of(3));
	arrive(frame_of(3));
	ck_assert_uint_eq(number_of(3), 3);
	ck_assert_uint_eq(number_of(5), 1);
	ck_assert_uint_eq(number_of(7), 2);
	ck_assert_uint_eq(number_of(4000000000), 1);
	ck_assert_uint_eq(end(), 4);
}
END_TEST

START_TEST(they_come_in_batches)
{
	static const uint32_t members[] = {1, 2};
	struct coterie_frame *frames[4] = {frame_of(1), frame_of(1), frame_of(2), frame_of(1)};

	ring_sources_members(&sources, members, 2);
	ring_sources_note(&sources, frames, 4);
	for (uint32_t i = 0; i < 4; i++)
		frame_unref(frames[i]);
	ck_assert_uint_eq(number_of(1), 3);
	ck_assert_uint_eq(number_of(2), 1);
	end();
}
END_TEST

START_TEST(other_packets_do_not_count)
{
	static const uint32_t members[] = {1};
	const struct wire_hold_cancel cancel = {.nodeid = 1};
	struct coterie_frame *frame = frame_of(1);

	ring_sources_members(&sources, members, 1);
	frame->size = 3; /* no header */
	arrive(frame);
	frame = frame_of(1);
	frame->data[0] ^= 0xff; /* a frame with another magic */
	arrive(frame);
	frame = frame_take(pool, 256);
	frame->size = (uint32_t)wire_encode_hold_cancel(&cancel, false, frame->data, 256);
	ck_assert_uint_gt(frame->size, 0);
	arrive(frame);
	ck_assert_uint_eq(number_of(1), 0);
	end();
}
END_TEST

START_TEST(they_are_cleared)
{
	static const uint32_t members[] = {1};

	ring_sources_members(&sources, members, 1);
	arrive(frame_of(1));
	ck_assert_int_eq(stats_clear(stats, "totem"), 0);
	ck_assert_uint_eq(number_of(1), 0);
	arrive(frame_of(1));
	ck_assert_uint_eq(number_of(1), 1);
	end();
}
END_TEST

START_TEST(a_node_is_forgotten)
{
	static const uint32_t members[] = {9, 4, 6}, again[] = {6};

	ring_sources_members(&sources, members, 3);
	arrive(frame_of(4));
	arrive(frame_of(6));
	ring_sources_forget(&sources, 5); /* it has no count */
	ring_sources_forget(&sources, 6); /* the last frame was its */
	arrive(frame_of(6));
	arrive(frame_of(9));
	arrive(frame_of(4));
	ck_assert_uint_eq(number_of(4), 2);
	ck_assert_uint_eq(number_of(6), UINT64_MAX);
	ck_assert_uint_eq(number_of(9), 1);
	ring_sources_members(&sources, again, 1);
	arrive(frame_of(6));
	ck_assert_uint_eq(number_of(6), 1);
	ck_assert_uint_eq(end(), 3);
}
END_TEST

/* If there is no memory for its key, a node has none until the next ring. */
START_TEST(memory_may_be_short)
{
	static const uint32_t members[] = {1, 2};
	bool has_happened = true;

	for (unsigned int n = 1; has_happened; n++) {
		ring_sources_fini(&sources);
		ck_assert_int_eq(ring_sources_init(&sources, stats), 0);
		fail_alloc_at(n);
		ring_sources_members(&sources, members, 2);
		has_happened = fail_alloc_happened();
		arrive(frame_of(1));
		arrive(frame_of(2));
		ck_assert_uint_eq(sources.count, has_happened ? 1 : 2);
		ring_sources_members(&sources, members, 2);
		ck_assert_uint_eq(sources.count, 2);
	}
	ck_assert_uint_eq(end(), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_sources");
	TCase *tcase = tcase_create("sources");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, frames_are_counted_by_their_maker);
	tcase_add_test(tcase, they_come_in_batches);
	tcase_add_test(tcase, other_packets_do_not_count);
	tcase_add_test(tcase, they_are_cleared);
	tcase_add_test(tcase, a_node_is_forgotten);
	tcase_add_test(tcase, memory_may_be_short);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
