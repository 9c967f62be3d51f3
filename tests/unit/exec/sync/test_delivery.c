/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/sync/delivery.c: the place in the order that a service can request, and the verdict on which the members agree.
 */
#include "exec/sync/delivery.h"

#include <errno.h>
#include <string.h>

#include <check.h>

#include <coterie/service.h>

#include "exec/log/log.h"
#include "exec/ring/ring.h"
#include "exec/sync/round_message.h"
#include "tests/suite.h"

#define VERDICT_SIZE 40u

static struct delivery *delivery;
static uint8_t sent[VERDICT_SIZE]; /* the last verdict that this node announced */
static int sent_count, refusals;

int ring_send(
	struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	(void)ring;
	ck_assert_str_eq(group, "a");
	ck_assert_int_eq(guarantee, TOTEM_AGREED);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(iov->iov_len, VERDICT_SIZE);
	if (refusals > 0) {
		refusals--;
		return -EAGAIN;
	}
	memcpy(sent, iov->iov_base, VERDICT_SIZE);
	sent_count++;
	return 0;
}

void log_line(const char *subsystem, int prio, const char *format, ...) { (void)subsystem, (void)prio, (void)format; }

static void configure(bool is_regular, uint64_t seq, const char *members, const char *left)
{
	uint32_t ids[2][8];
	uint32_t counts[2] = {0, 0};
	const char *lists[] = {members, left};

	for (int i = 0; i < 2; i++)
		for (const char *at = lists[i]; *at != '\0'; at++)
			ids[i][counts[i]++] = (uint32_t)(*at - '0');
	struct totem_configuration configuration = {.is_regular = is_regular,
		.ring = {ids[0][0], seq},
		.members = ids[0],
		.member_count = counts[0],
		.left = ids[1],
		.left_count = counts[1]};
	delivery_configure(delivery, &configuration);
}

/* Deliver the service lists of these members, all of which announce verdicts. */
static void build(const char *members)
{
	for (const char *at = members; *at != '\0'; at++)
		delivery_build(delivery, (uint32_t)(*at - '0'), true);
}

static void verdict(uint32_t source, bool is_quorate, uint32_t representative, uint64_t seq)
{
	uint32_t words[VERDICT_SIZE / 4] = {
		ROUND_SERVICE_ID << 16 | DELIVERY_VERDICT, 0, VERDICT_SIZE, 0, is_quorate, 0, representative, 0};

	memcpy(words + 8, &seq, sizeof(seq));
	delivery_receive(delivery, source, (const uint8_t *)words, sizeof(words), false);
}

static struct coterie_delivery place(uint32_t source, uint32_t seq, uint32_t in_frame)
{
	struct totem_message message = {.source = source, .seq = seq, .place = in_frame};
	struct coterie_delivery place = {.size = sizeof(place)};

	delivery_begin(delivery, &message);
	ck_assert_int_eq(delivery_get(delivery, &place), 0);
	delivery_end(delivery);
	ck_assert_uint_eq(place.size, sizeof(place));
	return place;
}

static bool is_quorate(void) { return place(1, 10, 0).is_quorate; }

/* Make a ring of nodes 1, 2 and 3 in which all have announced that they are quorate. */
static void make_quorate_ring(uint64_t seq)
{
	configure(true, seq, "123", "");
	build("123");
	for (uint32_t i = 1; i <= 3; i++)
		verdict(i, true, 1, seq);
	ck_assert(is_quorate());
}

static void set_up(void)
{
	sent_count = refusals = 0;
	delivery = delivery_create(NULL);
	ck_assert_ptr_nonnull(delivery);
}

static void tear_down(void) { delivery_destroy(delivery); }

START_TEST(only_a_delivery_has_a_place)
{
	struct coterie_delivery unset = {.size = sizeof(unset)};

	ck_assert_int_eq(delivery_get(delivery, &unset), -ENODATA);
	configure(true, 4, "1", "");
	ck_assert_int_eq(delivery_get(delivery, &unset), -ENODATA);
	place(1, 1, 0);
	ck_assert_int_eq(delivery_get(delivery, &unset), -ENODATA);
}
END_TEST

START_TEST(a_shorter_struct_is_not_overrun)
{
	struct coterie_delivery short_one = {.size = 8, .is_sender_member = 77, .position = 77};
	struct totem_message message = {.source = 1};

	configure(true, 4, "1", "");
	delivery_begin(delivery, &message);
	ck_assert_int_eq(delivery_get(delivery, &short_one), 0);
	ck_assert_uint_eq(short_one.is_regular, 1);
	ck_assert_uint_eq(short_one.is_sender_member, 77);
	ck_assert_uint_eq(short_one.position, 77);
}
END_TEST

START_TEST(positions_ascend)
{
	static const uint32_t frames[][2] = {{1, 0}, {1, 1}, {2, 0}, {700, 65535}, {0x7fffffff, 3}, {0xfffffff0, 2},
		{0xffffffff, 9}, {0, 0}, {5, 1}};
	uint64_t last = 0;

	configure(true, 4, "12", "");
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uint64_t position = place(1, frames[i][0], frames[i][1]).position;

		ck_assert_uint_gt(position, last);
		last = position;
	}
	configure(false, 8, "1", "2");
	ck_assert_uint_eq(place(1, 6, 0).ring.seq, 4);
	ck_assert_uint_gt(place(1, 6, 1).position, last);
	configure(true, 8, "1", "");
	ck_assert_uint_eq(place(1, 6, 1).ring.seq, 8);
	ck_assert_uint_eq(place(1, 6, 1).position, UINT64_C(6) << 16 | 1);
}
END_TEST

START_TEST(senders_are_members_or_not)
{
	configure(true, 4, "123", "");
	ck_assert_uint_eq(place(3, 1, 0).is_sender_member, 1);
	ck_assert_uint_eq(place(3, 1, 0).is_regular, 1);
	configure(false, 8, "12", "3");
	ck_assert_uint_eq(place(3, 2, 0).is_sender_member, 0);
	ck_assert_uint_eq(place(2, 2, 1).is_sender_member, 1);
	ck_assert_uint_eq(place(2, 2, 1).is_regular, 0);
	configure(true, 8, "124", "");
	ck_assert_uint_eq(place(4, 1, 0).is_sender_member, 1);
	ck_assert_uint_eq(place(3, 1, 0).is_sender_member, 0);
}
END_TEST

START_TEST(all_must_have_announced)
{
	configure(true, 4, "123", "");
	verdict(2, true, 1, 4); /* a member's verdict may come before its list */
	build("12");
	verdict(1, true, 1, 4);
	ck_assert(!is_quorate());
	build("3");
	ck_assert(!is_quorate());
	verdict(3, false, 1, 4);
	ck_assert(!is_quorate());
	verdict(3, true, 1, 4);
	ck_assert(is_quorate());
	verdict(2, false, 1, 4);
	ck_assert(!is_quorate());
	verdict(2, true, 1, 4);
	ck_assert(is_quorate());
}
END_TEST

START_TEST(members_that_cannot_announce_are_not_asked)
{
	configure(true, 4, "123", "");
	delivery_build(delivery, 3, false);
	build("12");
	verdict(1, true, 1, 4);
	ck_assert(!is_quorate());
	verdict(2, true, 1, 4);
	ck_assert(is_quorate());
	verdict(3, false, 1, 4);
	ck_assert(is_quorate());
	/* One member does not announce verdicts, so the ring is not quorate. */
	configure(true, 8, "12", "");
	delivery_build(delivery, 1, false);
	delivery_build(delivery, 2, false);
	ck_assert(!is_quorate());
}
END_TEST

START_TEST(a_configuration_ends_the_verdict)
{
	make_quorate_ring(4);
	configure(false, 8, "12", "3"); /* node 3 is missing, and may not have delivered these messages */
	ck_assert(!is_quorate());
	configure(true, 8, "12", "");
	build("12");
	ck_assert(!is_quorate());

	make_quorate_ring(12);
	configure(false, 16, "123", ""); /* all former members are still there */
	ck_assert(is_quorate());
	verdict(3, false, 1, 12);
	ck_assert(!is_quorate());
	configure(true, 16, "1234", "");
	build("1234");
	ck_assert(!is_quorate());
}
END_TEST

START_TEST(verdicts_of_others_do_not_count)
{
	make_quorate_ring(4);
	verdict(9, false, 1, 4); /* a verdict of a node that is no member */
	verdict(3, false, 1, 3); /* a verdict about another ring */
	verdict(3, false, 2, 4);
	delivery_receive(delivery, 3, (const uint8_t *)"short", 5, false);
	ck_assert(is_quorate());
}
END_TEST

START_TEST(the_other_byte_order_is_read)
{
	uint32_t words[VERDICT_SIZE / 4] = {[4] = __builtin_bswap32(1), [6] = __builtin_bswap32(1)};
	uint64_t seq = __builtin_bswap64(4);

	memcpy(words + 8, &seq, sizeof(seq));
	configure(true, 4, "1", "");
	build("1");
	delivery_receive(delivery, 1, (const uint8_t *)words, sizeof(words), true);
	ck_assert(is_quorate());
}
END_TEST

START_TEST(a_verdict_is_announced_once_in_each_ring)
{
	uint32_t words[VERDICT_SIZE / 4];
	struct coterie_quorum about = {.size = sizeof(about), .is_quorate = 1, .ring = {.representative = 1, .seq = 4}};

	delivery_announce(delivery, true);
	ck_assert_int_eq(sent_count, 0); /* no verdict is sent, since there is no ring yet */
	configure(true, 4, "12", "");
	delivery_passed(delivery);
	ck_assert_int_eq(sent_count, 0); /* the earlier verdict was about another ring */
	refusals = 1;
	delivery_decide(delivery, &about);
	ck_assert_int_eq(sent_count, 0);
	delivery_passed(delivery);
	delivery_passed(delivery);
	delivery_decide(delivery, &about);
	ck_assert_int_eq(sent_count, 1);
	memcpy(words, sent, sizeof(words));
	ck_assert_uint_eq(words[0], ROUND_SERVICE_ID << 16 | DELIVERY_VERDICT);
	ck_assert_uint_eq(words[2], VERDICT_SIZE);
	ck_assert_uint_eq(words[4], 1);
	ck_assert_uint_eq(words[6], 1);
	ck_assert_uint_eq(words[8], 4);
	about.is_quorate = 0;
	delivery_decide(delivery, &about);
	ck_assert_int_eq(sent_count, 2);
	ck_assert_uint_eq(sent[16], 0);
	configure(false, 8, "1", "2");
	about.is_quorate = 1;
	delivery_decide(delivery, &about); /* no frame of the old ring waits at this node any more */
	ck_assert_int_eq(sent_count, 2);
	configure(true, 8, "1", "");
	delivery_decide(delivery, &about); /* the provider's verdict was about the ring before */
	ck_assert_int_eq(sent_count, 2);
	about.ring.seq = 8;
	delivery_decide(delivery, &about);
	ck_assert_int_eq(sent_count, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery");
	TCase *tcase = tcase_create("delivery");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, only_a_delivery_has_a_place);
	tcase_add_test(tcase, a_shorter_struct_is_not_overrun);
	tcase_add_test(tcase, positions_ascend);
	tcase_add_test(tcase, senders_are_members_or_not);
	tcase_add_test(tcase, all_must_have_announced);
	tcase_add_test(tcase, members_that_cannot_announce_are_not_asked);
	tcase_add_test(tcase, a_configuration_ends_the_verdict);
	tcase_add_test(tcase, verdicts_of_others_do_not_count);
	tcase_add_test(tcase, the_other_byte_order_is_read);
	tcase_add_test(tcase, a_verdict_is_announced_once_in_each_ring);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
