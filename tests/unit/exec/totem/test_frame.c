/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame pool: references, slices, and the limit. */
#include "exec/totem/frame.h"

#include <check.h>
#include <string.h>

#include "tests/unit/fail_alloc.h"
#include "tests/suite.h"

#define COMMON 100u
#define LIMIT 1000u

static struct frame_pool *pool;

static void set_up(void)
{
	pool = frame_pool_create(COMMON, LIMIT);
	ck_assert_ptr_nonnull(pool);
}

static struct frame_pool_usage usage(void)
{
	struct frame_pool_usage now;

	frame_pool_usage(pool, &now);
	return now;
}

static void tear_down(void)
{
	ck_assert_uint_eq(usage().frames, 0);
	ck_assert_uint_eq(usage().bytes, 0);
	frame_pool_destroy(pool);
}

START_TEST(a_frame_comes_and_goes)
{
	struct coterie_frame *frame = frame_take(pool, 40);

	ck_assert_ptr_nonnull(frame);
	ck_assert_uint_eq(frame->size, 0);
	ck_assert_uint_eq(frame->capacity, COMMON);
	memset(frame->data, 1, frame->capacity);
	ck_assert_uint_eq(usage().frames, 1);
	ck_assert_uint_eq(usage().bytes, COMMON);
	frame_unref(frame);
}
END_TEST

START_TEST(a_used_frame_starts_afresh)
{
	struct coterie_frame *frame = frame_take(pool, COMMON);

	struct coterie_frame *used = frame;
	const uint8_t *data = frame->data;

	frame->data += 7;
	frame->size = 9;
	frame_unref(frame);
	frame = frame_take(pool, COMMON);
	ck_assert(frame != used || frame->data == data);
	ck_assert_uint_eq(frame->size, 0);
	ck_assert_uint_eq(frame->capacity, COMMON);
	memset(frame->data, 1, frame->capacity);
	frame_unref(frame);
}
END_TEST

START_TEST(the_last_reference_counts)
{
	struct coterie_frame *frame = frame_take(pool, 1);

	ck_assert_ptr_eq(frame_ref(frame), frame);
	ck_assert_ptr_eq(frame_ref(frame), frame);
	frame_unref(frame);
	frame_unref(frame);
	ck_assert_uint_eq(usage().frames, 1);
	frame_unref(frame);
	ck_assert_uint_eq(usage().frames, 0);
	frame_unref(NULL);
}
END_TEST

START_TEST(capacities_and_the_limit)
{
	static const struct {
		const char *name;
		size_t capacity, got; /* got 0: the pool refuses the frame */
	} rows[] = {
		{"nothing", 0, COMMON},
		{"common - 1", COMMON - 1, COMMON},
		{"common", COMMON, COMMON},
		{"common + 1", COMMON + 1, COMMON + 1},
		{"limit", LIMIT, LIMIT},
		{"limit + 1", LIMIT + 1, 0},
		{"4 GiB", (size_t)UINT32_MAX + 1, 0},
		{"everything", SIZE_MAX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t refused = usage().refused;
		struct coterie_frame *frame = frame_take(pool, rows[i].capacity);

		ck_assert_msg((frame != NULL) == (rows[i].got != 0), "%s", rows[i].name);
		ck_assert_msg(usage().refused == refused + (frame == NULL), "%s", rows[i].name);
		if (frame == NULL)
			continue;
		ck_assert_msg(frame->capacity == rows[i].got, "%s", rows[i].name);
		ck_assert_msg(usage().bytes == rows[i].got, "%s", rows[i].name);
		frame_unref(frame);
	}
}
END_TEST

START_TEST(large_frames_leave_room_for_small_ones)
{
	enum { LARGE = FRAME_SMALL_MAX + 1, COUNT = 4 };
	struct frame_pool *other = frame_pool_create(COMMON, (size_t)2 * COUNT * LARGE);
	struct coterie_frame *frames[2 * COUNT];

	ck_assert_ptr_nonnull(other);
	for (int i = 0; i < COUNT; i++)
		ck_assert_ptr_nonnull(frames[i] = frame_take(other, LARGE));
	ck_assert_ptr_null(frame_take(other, LARGE));
	for (int i = COUNT; i < 2 * COUNT; i++)
		ck_assert_ptr_nonnull(frames[i] = frame_take(other, FRAME_SMALL_MAX));
	/* A large frame is refused while the pool is more than half full, even if small frames fill it. */
	frame_unref(frames[0]);
	ck_assert_ptr_null(frames[0] = frame_take(other, LARGE));
	for (int i = 1; i < 2 * COUNT; i++)
		frame_unref(frames[i]);
	frame_pool_destroy(other);
}
END_TEST

/* Frames of the common size are large ones, too, when they are made for large packets. */
START_TEST(large_common_frames_leave_room_for_small_ones)
{
	enum { LARGE = 60000, COUNT = 4 };
	struct frame_pool *other = frame_pool_create(LARGE, (size_t)2 * COUNT * LARGE);
	struct coterie_frame *frames[2 * COUNT];

	ck_assert_ptr_nonnull(other);
	for (int i = 0; i < COUNT; i++)
		ck_assert_ptr_nonnull(frames[i] = frame_take(other, LARGE));
	ck_assert_ptr_null(frame_take(other, FRAME_SMALL_MAX + 1));
	for (int i = COUNT; i < 2 * COUNT; i++)
		ck_assert_ptr_nonnull(frames[i] = frame_take(other, 100));
	for (int i = 0; i < 2 * COUNT; i++)
		frame_unref(frames[i]);
	frame_pool_destroy(other);
}
END_TEST

START_TEST(the_limit_is_of_all_together)
{
	struct coterie_frame *frames[LIMIT / COMMON];

	for (size_t i = 0; i < LIMIT / COMMON; i++) {
		frames[i] = frame_take(pool, 1);
		ck_assert_ptr_nonnull(frames[i]);
	}
	ck_assert_ptr_null(frame_take(pool, 1));
	/* Slices need no buffer of their own. */
	struct coterie_frame *slice = frame_slice(frames[0], 0, 10);

	ck_assert_ptr_nonnull(slice);
	ck_assert_uint_eq(usage().bytes, LIMIT);
	frame_unref(slice);
	frame_unref(frames[3]);
	frames[3] = frame_take(pool, 1);
	ck_assert_ptr_nonnull(frames[3]);
	for (size_t i = 0; i < LIMIT / COMMON; i++)
		frame_unref(frames[i]);
}
END_TEST

static void use(struct frame_pool *of, size_t count)
{
	struct coterie_frame **frames = calloc(count, sizeof(*frames));

	ck_assert_ptr_nonnull(frames);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(frames[i] = frame_take(of, 100));
	for (size_t i = 0; i < count; i++)
		frame_unref(frames[i]);
	free(frames);
}

START_TEST(the_most_in_use_is_counted)
{
	struct coterie_frame *frame = frame_take(pool, 100);

	use(pool, 3);
	frame_unref(frame_slice(frame, 0, 10));
	ck_assert_uint_eq(usage().most, 4);
	ck_assert_uint_eq(frame_pool_rest(pool), 0);
	ck_assert_uint_eq(usage().most, 1);
	frame_unref(frame);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
static struct frame_pool_usage usage_of(const struct frame_pool *of)
{
	struct frame_pool_usage now;

	frame_pool_usage(of, &now);
	return now;
}

/*
 * The pool keeps as many buffers as the peak of a load needs, plus a quarter, even if the load is small between its
 * peaks.
 */
START_TEST(what_a_load_has_needed_is_kept_for_a_while)
{
	struct frame_pool *load = frame_pool_create(COMMON, COMMON * 4000);

	use(load, 1000);
	ck_assert_uint_eq(frame_pool_rest(load), 0);
	for (int i = 1; i < 10; i++) {
		use(load, 125);
		ck_assert_uint_eq(frame_pool_rest(load), 0);
		ck_assert_uint_eq(usage_of(load).kept, 1000);
	}
	use(load, 800);
	ck_assert_uint_eq(frame_pool_rest(load), 0); /* the pool keeps the peak of 800 plus a quarter */
	for (int i = 1; i < 10; i++) {
		use(load, 500);
		ck_assert_uint_eq(frame_pool_rest(load), 0);
	}
	ck_assert_uint_eq(frame_pool_rest(load), 1000 - 625);
	ck_assert_uint_eq(usage_of(load).kept, 625);
	frame_pool_destroy(load);
}
END_TEST

START_TEST(the_end_of_a_load_is_seen_at_once)
{
	struct frame_pool *load = frame_pool_create(COMMON, COMMON * 4000);
	struct coterie_frame *held = frame_take(load, 100);

	use(load, 999);
	ck_assert_uint_eq(frame_pool_rest(load), 0);
	use(load, 99);
	ck_assert_uint_eq(frame_pool_rest(load), 0);
	use(load, 79);
	/* The pool keeps 125 for the peak of 100, less the one that is in use. */
	ck_assert_uint_eq(frame_pool_rest(load), 999 - 124);
	ck_assert_uint_eq(usage_of(load).kept, 124);
	use(load, 9);
	ck_assert_uint_eq(frame_pool_rest(load), 0);
	/* The pool keeps 12 for the peak of 10, less the one in use. */
	ck_assert_uint_eq(frame_pool_rest(load), 124 - 11);
	frame_unref(held);
	ck_assert_uint_eq(frame_pool_rest(load), 0); /* 12 frames are few enough to be kept */
	ck_assert_uint_eq(usage_of(load).kept, 12);
	frame_pool_destroy(load);
}
END_TEST

START_TEST(slices_go_last)
{
	struct frame_pool *load = frame_pool_create(COMMON, COMMON * 4000);
	struct coterie_frame *buffer = frame_take(load, 100);
	struct coterie_frame *slices[20];

	for (int i = 0; i < 20; i++)
		slices[i] = frame_slice(buffer, 0, 10);
	use(load, 979);
	for (int i = 0; i < 20; i++)
		frame_unref(slices[i]);
	ck_assert_uint_eq(usage_of(load).kept, 999);
	frame_pool_rest(load);
	use(load, 20);
	frame_pool_rest(load);
	use(load, 20);
	ck_assert_uint_gt(frame_pool_rest(load), 0);
	ck_assert_uint_eq(usage_of(load).kept, 25);
	for (int i = 0; i < 20; i++)
		slices[i] = frame_slice(buffer, 0, 10);
	ck_assert_uint_eq(usage_of(load).kept, 5);
	for (int i = 0; i < 20; i++)
		frame_unref(slices[i]);
	frame_unref(buffer);
	frame_pool_destroy(load);
}
END_TEST
#endif

START_TEST(a_slice_keeps_its_buffer)
{
	struct coterie_frame *buffer = frame_take(pool, 300);

	memcpy(buffer->data, "abcdefghij", 10);

	struct coterie_frame *slice = frame_slice(buffer, 2, 5);
	struct coterie_frame *inner = frame_slice(slice, 1, 3);
	struct coterie_frame *none = frame_slice(buffer, 300, 0);

	frame_unref(buffer);
	frame_unref(slice);
	ck_assert_uint_eq(usage().frames, 3); /* the two slices, and the buffer, which only its slices reference */
	ck_assert_uint_eq(usage().bytes, 300);
	ck_assert_uint_eq(inner->size, 3);
	ck_assert_uint_eq(inner->capacity, 3);
	ck_assert_mem_eq(inner->data, "def", 3);
	ck_assert_ptr_eq(frame_buffer(inner), frame_buffer(none));
	ck_assert_uint_eq(frame_buffer(inner)->capacity, 300);
	frame_unref(inner);
	frame_unref(none);
}
END_TEST

START_TEST(a_frame_is_its_own_buffer)
{
	struct coterie_frame *frame = frame_take(pool, 1);

	ck_assert_ptr_eq(frame_buffer(frame), frame);
	frame_unref(frame);
}
END_TEST

START_TEST(frames_outlive_the_pool)
{
	struct frame_pool *other = frame_pool_create(COMMON, LIMIT);
	struct coterie_frame *buffer = frame_take(other, 1);
	struct coterie_frame *slice = frame_slice(buffer, 0, 1);
	struct coterie_frame *spare = frame_take(other, 1);

	frame_unref(spare); /* now on the free list */
	frame_pool_destroy(other);
	frame_unref(buffer);
	slice->data[0] = 1;
	frame_unref(slice); /* a sanitizer would report a leak, or a use after the free */
	frame_pool_destroy(NULL);
}
END_TEST

START_TEST(memory_runs_out)
{
	fail_alloc_at(1);

	struct frame_pool *other = frame_pool_create(COMMON, LIMIT);

	ck_assert(fail_alloc_happened());
	ck_assert_ptr_null(other);
	fail_alloc_at(1);

	struct coterie_frame *frame = frame_take(pool, 1);

	ck_assert(fail_alloc_happened());
	ck_assert_ptr_null(frame);
	ck_assert_uint_eq(usage().frames, 0);
	ck_assert_uint_eq(usage().bytes, 0);
	frame = frame_take(pool, 1);
	fail_alloc_at(1);

	struct coterie_frame *slice = frame_slice(frame, 0, 1);

	ck_assert(fail_alloc_happened());
	ck_assert_ptr_null(slice);
	ck_assert_uint_eq(usage().frames, 1);
	frame_unref(frame);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *frames = tcase_create("frames");

	suite_add_tcase(suite, frames);
	tcase_add_checked_fixture(frames, set_up, tear_down);
	tcase_add_test(frames, a_frame_comes_and_goes);
	tcase_add_test(frames, a_used_frame_starts_afresh);
	tcase_add_test(frames, the_last_reference_counts);
	tcase_add_test(frames, capacities_and_the_limit);
	tcase_add_test(frames, the_limit_is_of_all_together);
	tcase_add_test(frames, large_frames_leave_room_for_small_ones);
	tcase_add_test(frames, large_common_frames_leave_room_for_small_ones);
	tcase_add_test(frames, the_most_in_use_is_counted);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(frames, what_a_load_has_needed_is_kept_for_a_while);
	tcase_add_test(frames, the_end_of_a_load_is_seen_at_once);
	tcase_add_test(frames, slices_go_last);
#endif
	tcase_add_test(frames, a_slice_keeps_its_buffer);
	tcase_add_test(frames, a_frame_is_its_own_buffer);
	tcase_add_test(frames, frames_outlive_the_pool);
	tcase_add_test(frames, memory_runs_out);

	return suite_run(suite);
}
