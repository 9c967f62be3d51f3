/* SPDX-License-Identifier: BSD-3-Clause */
/* Sealed datagrams between nodes without a network: which ones are accepted, and which are refused. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/secure/secure_case.h"

/* ---- The plain case ------------------------------------------------------------ */

START_TEST(a_sealed_frame_is_opened)
{
	static const uint32_t sizes[] = {0, 1, 15, 16, 17, 64, 1410, 8000, SIZE_MAX_TESTED};

	for (enum secure_lane lane = SECURE_UNICAST; lane <= SECURE_GROUP; lane++) {
		uint32_t size = seal(0, lane, sizes[_i], datagram);

		ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FRAME);
		ck_assert_uint_eq(opened.offset, SECURE_HEADER_SIZE);
		ck_assert_uint_eq(opened.size, sizes[_i]);
		for (uint32_t i = 0; i < sizes[_i]; i++)
			ck_assert_uint_eq(datagram[opened.offset + i], 0x5a);
	}
}
END_TEST

START_TEST(the_other_cipher_does_the_same)
{
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_int_eq(secure_load(nodes[i], 2, SECURE_CHACHA20_POLY1305, ring_key, sizeof(ring_key)), 0);
		ck_assert_int_eq(secure_use(nodes[i], 2), 0);
	}
	ask(0, 1, 2);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
	ck_assert_uint_eq(datagram[SECURE_HEADER_SIZE + 99], 0x5a);
}
END_TEST

START_TEST(one_datagram_is_for_every_peer)
{
	uint8_t copy[200];
	uint32_t size = seal(0, SECURE_GROUP, 100, datagram);

	memcpy(copy, datagram, size);
	ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 2, copy, size), SECURE_FRAME);
}
END_TEST

START_TEST(nothing_of_a_frame_is_readable)
{
	uint32_t size = seal(0, SECURE_UNICAST, 4000, datagram);
	uint32_t same = 0;

	for (uint32_t i = SECURE_HEADER_SIZE; i < size; i++)
		same += datagram[i] == 0x5a;
	ck_assert_uint_lt(same, 64);
}
END_TEST

/* ---- Alterations ---------------------------------------------------------------- */

START_TEST(every_altered_bit_is_noticed)
{
	uint8_t sealed[40 + SECURE_OVERHEAD];
	uint32_t size = seal(0, SECURE_UNICAST, 40, sealed);

	for (uint32_t bit = 0; bit < 8 * size; bit++) {
		memcpy(datagram, sealed, size);
		datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
		now_ns += 1000000000; /* so that the rate of key derivations is not limited */
		ck_assert_int_ne(deliver(0, 1, datagram, size), SECURE_FRAME);
	}
	ck_assert_int_eq(deliver(0, 1, sealed, size), SECURE_FRAME);
}
END_TEST

START_TEST(every_truncation_is_noticed)
{
	uint8_t sealed[40 + SECURE_OVERHEAD + 1] = {0};
	uint32_t size = seal(0, SECURE_UNICAST, 40, sealed);

	for (uint32_t cut = 0; cut <= size + 1; cut++) {
		memcpy(datagram, sealed, size + 1);
		if (cut != size)
			ck_assert_int_ne(deliver(0, 1, datagram, cut), SECURE_FRAME);
	}
	ck_assert_int_eq(deliver(0, 1, sealed, size), SECURE_FRAME);
}
END_TEST

START_TEST(another_node_cannot_lend_its_name)
{
	uint32_t size = seal(0, SECURE_UNICAST, 40, datagram);

	ck_assert_int_eq(deliver(2, 1, datagram, size), SECURE_FORGED); /* from node 3's address */
	ck_assert_int_eq(secure_open(nodes[1], now_ns, 77, datagram, size, &opened), SECURE_FORGED);
	ck_assert_uint_eq(secure_peer_counts(nodes[1], 3)->forged, 1);
}
END_TEST

/* No node accepts a datagram for another node. Otherwise a token could be accepted twice. */
START_TEST(a_datagram_for_one_node_is_opened_by_no_other)
{
	uint8_t copy[200];
	uint32_t size = seal_for(0, 2, SECURE_UNICAST, 100, datagram);

	memcpy(copy, datagram, size);
	ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FORGED);
	ck_assert_int_eq(deliver(0, 2, copy, size), SECURE_FRAME);
	node_restart(0); /* the session is unknown now, but the datagram causes no question */
	size = seal_for(0, 2, SECURE_UNICAST, 100, datagram);
	ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FORGED);
	ck_assert_uint_eq(opened.reply_size, 0);
}
END_TEST

START_TEST(clear_datagrams_are_refused_unless_allowed)
{
	uint8_t clear[100] = {0xc0, 0x70};

	ck_assert_int_eq(deliver(0, 1, clear, sizeof(clear)), SECURE_REFUSED_CLEAR);
	ck_assert_uint_eq(secure_peer_counts(nodes[1], 1)->clear, 1);
	secure_allow_clear(nodes[1], true);
	ck_assert_int_eq(deliver(0, 1, clear, sizeof(clear)), SECURE_CLEAR);
	ck_assert_uint_eq(opened.offset, 0);
	ck_assert_uint_eq(opened.size, sizeof(clear));
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(another_key_opens_nothing)
{
	ck_assert_int_eq(secure_load(nodes[0], 1, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ck_assert_int_eq(secure_use(nodes[0], 1), 0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FORGED);
	ck_assert_uint_eq(opened.reply_size, 0);

	uint8_t bytes[SECURE_CONTROL_SIZE];

	ck_assert_int_eq(secure_ask(nodes[0], 1, 2, bytes), 0);
	ck_assert_int_eq(deliver(0, 1, bytes, sizeof(bytes)), SECURE_UNKNOWN);
	ck_assert_uint_eq(opened.reply_size, 0);
	ck_assert_uint_eq(secure_peer_counts(nodes[1], 1)->forged, 1);
}
END_TEST

/* ---- Replays --------------------------------------------------------------------- */

START_TEST(a_datagram_is_opened_once)
{
	uint8_t copy[200];
	uint32_t size = seal(0, SECURE_UNICAST, 100, datagram);

	memcpy(copy, datagram, size);
	ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, copy, size), SECURE_REPLAYED);
	ck_assert_uint_eq(secure_peer_counts(nodes[1], 1)->replayed, 1);
}
END_TEST

START_TEST(lanes_may_overtake_each_other)
{
	uint8_t early[200];
	uint32_t size = seal(0, SECURE_GROUP, 100, early);

	for (uint32_t i = 0; i < 2 * WINDOW_SIZE; i++)
		ck_assert_int_eq(send_one(0, 1, 10), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, early, size), SECURE_FRAME);
}
END_TEST

START_TEST(a_recording_means_nothing_to_a_node_that_has_restarted)
{
	uint8_t record[20][200];
	uint32_t size = 0;

	for (int i = 0; i < 20; i++)
		size = seal(0, SECURE_UNICAST, 100, record[i]);
	node_restart(0); /* the session of the recording is over */
	node_restart(1);
	for (int i = 0; i < 20; i++) {
		now_ns += 100000000;
		ck_assert_int_eq(deliver(0, 1, record[i], size), SECURE_UNKNOWN);
	}
	ck_assert(secure_is_believed(nodes[1], 1, 1)); /* the question was sent to the live node */
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(a_recorded_answer_means_nothing)
{
	uint8_t question[SECURE_CONTROL_SIZE], answer[SECURE_CONTROL_SIZE], copy[SECURE_CONTROL_SIZE], frame[200];
	uint32_t size;

	node_restart(0);
	ck_assert_int_eq(secure_ask(nodes[1], 1, 1, question), 0);
	ck_assert_int_eq(secure_open(nodes[0], now_ns, 2, question, sizeof(question), &opened), SECURE_HANDLED);
	memcpy(answer, opened.reply, sizeof(answer));
	memcpy(copy, answer, sizeof(copy));
	size = seal(0, SECURE_UNICAST, 100, frame);
	node_restart(0);
	ask(0, 1, 1); /* the live session is believed */
	ck_assert_int_eq(deliver(0, 1, answer, sizeof(answer)), SECURE_REPLAYED);
	ck_assert_int_eq(deliver(0, 1, frame, size), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	node_restart(1); /* an answer is not accepted by a node that has not asked */
	ck_assert_int_eq(secure_open(nodes[1], now_ns, 1, copy, sizeof(copy), &opened), SECURE_REPLAYED);
	ck_assert(!secure_is_believed(nodes[1], 1, 1));
}
END_TEST

START_TEST(frames_before_the_answer_are_not_opened_after_it)
{
	uint8_t early[200], copy[200];
	uint32_t size;

	node_restart(0);
	size = seal(0, SECURE_UNICAST, 100, early);
	memcpy(copy, early, size);
	ck_assert_int_eq(deliver(0, 1, early, size), SECURE_UNKNOWN);
	ck_assert(secure_is_believed(nodes[1], 1, 1));
	ck_assert_int_eq(deliver(0, 1, copy, size), SECURE_REPLAYED);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(an_answer_that_was_overtaken_opens_no_frame_twice)
{
	uint8_t question[SECURE_CONTROL_SIZE], answer[SECURE_CONTROL_SIZE], frame[200], copy[200];
	uint32_t size;

	ck_assert_int_eq(secure_ask(nodes[1], 1, 1, question), 0);
	ck_assert_int_eq(secure_open(nodes[0], now_ns, 2, question, sizeof(question), &opened), SECURE_HANDLED);
	memcpy(answer, opened.reply, sizeof(answer));
	size = seal(0, SECURE_UNICAST, 100, frame);
	memcpy(copy, frame, size);
	ck_assert_int_eq(deliver(0, 1, frame, size), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, answer, sizeof(answer)), SECURE_HANDLED);
	ck_assert_int_eq(deliver(0, 1, copy, size), SECURE_REPLAYED);
}
END_TEST

START_TEST(an_answer_of_a_believed_session_drops_no_frame_on_its_way)
{
	uint8_t frames[10][200], copy[200];
	uint32_t size = 0;

	for (int i = 0; i < 10; i++)
		size = seal(0, i % 2 == 0 ? SECURE_UNICAST : SECURE_GROUP, 100, frames[i]);
	ask(1, 0, 1); /* node 0 answers that it has used numbers up to 5 */
	for (int i = 9; i >= 0; i--) {
		memcpy(copy, frames[i], size);
		ck_assert_int_eq(deliver(0, 1, frames[i], size), SECURE_FRAME);
		ck_assert_int_eq(deliver(0, 1, copy, size), SECURE_REPLAYED);
	}
}
END_TEST

START_TEST(an_answer_from_the_next_generation_drops_no_frame_on_its_way)
{
	uint8_t early[200], late[200];
	uint32_t size = seal(0, SECURE_UNICAST, 100, early);

	nodes[0]->own[0].lanes[0].number = UINT32_MAX;
	size = seal(0, SECURE_UNICAST, 100, late);
	ask(1, 0, 1);
	ck_assert_int_eq(deliver(0, 1, early, size), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, late, size), SECURE_FRAME);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* ---- Floods ------------------------------------------------------------------------------ */

START_TEST(a_flood_of_forged_sessions_is_bounded)
{
	uint32_t tried = 0;

	for (int i = 0; i < 100000; i++) {
		struct secure_header header = {
			.magic = SECURE_MAGIC,
			.version_lane = (uint8_t)(SECURE_VERSION << 4 | (i % 2 == 0 ? SECURE_UNICAST : SECURE_CONTROL)),
			.key_id = __builtin_bswap16(secure_key_id(nodes[1], 1)),
			.nodeid = __builtin_bswap32(1),
			.number = __builtin_bswap64(1),
		};
		uint8_t bytes[SECURE_CONTROL_SIZE] = {0};

		memset(header.session, i, sizeof(header.session));
		header.session[0] ^= 1; /* a session that is not the accepted one */
		memcpy(bytes, &header, sizeof(header));
		now_ns += 10000; /* a second in total */
		tried += secure_open(nodes[1], now_ns, 1, bytes, sizeof(bytes), &opened) == SECURE_FORGED;
		ck_assert_uint_eq(opened.reply_size, 0);
	}
	ck_assert_uint_le(tried, 2 * (2000 + 64));
	ck_assert_uint_ge(tried, 2 * 2000);
	ck_assert_uint_eq(secure_peer_counts(nodes[1], 1)->limited, 100000 - tried);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME); /* the accepted session still works */
}
END_TEST

/*
 * The rate of checked questions is limited. But an answer to our own question is checked, whatever an attacker sends.
 */
START_TEST(a_flood_of_forged_control_keeps_no_answer_out)
{
	uint8_t question[SECURE_CONTROL_SIZE], answer[SECURE_CONTROL_SIZE], forged[SECURE_CONTROL_SIZE];
	struct secure_counts before;

	node_restart(0);
	ck_assert_int_eq(secure_ask(nodes[1], 1, 1, question), 0);
	ck_assert_int_eq(secure_open(nodes[0], now_ns, 2, question, sizeof(question), &opened), SECURE_HANDLED);
	memcpy(answer, opened.reply, sizeof(answer));
	for (int i = 0; i < 1000; i++) {
		memcpy(forged, answer, sizeof(forged));
		/* the attacker does not know the question's random bytes */
		forged[SECURE_HEADER_SIZE + i % 16] ^= (uint8_t)(1 + i % 255);
		before = *secure_peer_counts(nodes[1], 1);
		ck_assert_int_eq(secure_open(nodes[1], now_ns, 1, forged, sizeof(forged), &opened), SECURE_REPLAYED);
		ck_assert_uint_eq(secure_peer_counts(nodes[1], 1)->limited, before.limited);
		memset(forged + SECURE_HEADER_SIZE, 0, 16); /* with zeros here it is a question */
		secure_open(nodes[1], now_ns, 1, forged, sizeof(forged), &opened);
	}
	ck_assert_uint_gt(secure_peer_counts(nodes[1], 1)->limited, 900);
	ck_assert_int_eq(secure_open(nodes[1], now_ns, 1, answer, sizeof(answer), &opened), SECURE_HANDLED);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(replayed_frames_of_an_old_session_cause_few_questions)
{
	uint8_t record[200], copy[200];
	uint32_t asked = 0, size = seal(0, SECURE_UNICAST, 100, record);

	node_restart(0);
	ask(0, 1, 1);
	for (int i = 0; i < 100000; i++) {
		now_ns += 10000;
		memcpy(copy, record, size);
		secure_open(nodes[1], now_ns, 1, copy, size, &opened);
		asked += opened.reply_size > 0;
	}
	ck_assert_uint_le(asked, 201);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* ---- Quotes ------------------------------------------------------------------------------- */

START_TEST(a_quote_shows_the_frame_it_is_of)
{
	static const uint32_t sizes[] = {28, 32, 33, 47, 48, 64, 100, 147, 148};
	uint8_t plain[200];
	uint32_t size = seal(0, SECURE_UNICAST, 100, datagram);
	uint32_t cut = sizes[_i], found;

	ck_assert_uint_eq(size, 148);
	found = secure_quote(nodes[0], 2, datagram, cut, plain);
	ck_assert_uint_eq(found, cut == 148 ? 100 : cut <= 32 ? 0 : cut - 32);
	for (uint32_t i = 0; i < found && i < 100; i++)
		ck_assert_uint_eq(plain[i], 0x5a);
	ck_assert_uint_eq(secure_quote(nodes[1], 2, datagram, cut, plain), 0); /* the node has not sent this datagram */
}
END_TEST

START_TEST(a_quote_of_another_start_shows_nothing)
{
	uint8_t plain[200];
	uint32_t size = seal(0, SECURE_UNICAST, 100, datagram);

	node_restart(0);
	ck_assert_uint_eq(secure_quote(nodes[0], 2, datagram, size, plain), 0);
}
END_TEST

/* ---- The library ----------------------------------------------------------------------------- */

START_TEST(a_link_without_a_key_opens_no_library)
{
	uint8_t bytes[SECURE_CONTROL_SIZE] = {SECURE_MAGIC, SECURE_VERSION << 4 | SECURE_CONTROL};
	struct secure *secure;

	ck_assert_int_eq(secure_create(1, fill_counting, &secure), 0);
	ck_assert_int_eq(secure_peer_add(secure, 2), 0);
	ck_assert_int_eq(secure_ask(secure, 1, 2, bytes), -EINVAL);
	ck_assert_int_ne(secure_open(secure, 1, 2, bytes, sizeof(bytes), &opened), SECURE_FRAME);
	secure_forget(secure, 1);
	ck_assert_ptr_null(secure->library);
	ck_assert_int_eq(secure_load(secure, 1, SECURE_NONE, ring_key, sizeof(ring_key)), -EINVAL);
	ck_assert_int_eq(secure_load(secure, 1, SECURE_AES256_GCM, ring_key, sizeof(ring_key)), 0);
	ck_assert_ptr_nonnull(secure->library);
	secure_destroy(secure);
}
END_TEST

/* ---- Sizes -------------------------------------------------------------------------------- */

START_TEST(frames_are_whole_blocks_with_libcrypto_alone)
{
	static const enum aead_kind kinds[] = {AEAD_LIBCRYPTO, AEAD_IPSEC_MB};
	const uint32_t block = kinds[_i] == AEAD_LIBCRYPTO ? 64 : 1;
	struct secure *secure;

	ck_assert_int_eq(secure_create_with(1, fill_counting, kinds[_i], &secure), 0);

	int rc = secure_load(secure, 1, SECURE_AES256_GCM, ring_key, sizeof(ring_key));

	if (kinds[_i] == AEAD_IPSEC_MB && rc == -ENOTSUP) {
		secure_destroy(secure);
		return; /* test_aead checks whether this library may be missing */
	}
	ck_assert_int_eq(rc, 0);
	for (uint32_t size = SECURE_OVERHEAD; size < 3000; size++) {
		uint32_t overhead = secure_overhead(secure, size);

		ck_assert_uint_ge(overhead, SECURE_OVERHEAD);
		ck_assert_uint_lt(overhead, SECURE_OVERHEAD + block);
		ck_assert_uint_eq((size - overhead) % block, 0);
	}
	ck_assert_uint_eq(secure_overhead(secure, 0), SECURE_OVERHEAD);
	secure_destroy(secure);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secure");
	TCase *tcase = tcase_create("frames");

	tcase_add_checked_fixture(tcase, secure_case_set_up, secure_case_tear_down);
	tcase_add_loop_test(tcase, a_sealed_frame_is_opened, 0, 9);
	tcase_add_test(tcase, the_other_cipher_does_the_same);
	tcase_add_test(tcase, one_datagram_is_for_every_peer);
	tcase_add_test(tcase, nothing_of_a_frame_is_readable);
	tcase_add_test(tcase, every_altered_bit_is_noticed);
	tcase_add_test(tcase, every_truncation_is_noticed);
	tcase_add_test(tcase, another_node_cannot_lend_its_name);
	tcase_add_test(tcase, a_datagram_for_one_node_is_opened_by_no_other);
	tcase_add_test(tcase, clear_datagrams_are_refused_unless_allowed);
	tcase_add_test(tcase, another_key_opens_nothing);
	tcase_add_test(tcase, a_datagram_is_opened_once);
	tcase_add_test(tcase, lanes_may_overtake_each_other);
	tcase_add_test(tcase, a_recording_means_nothing_to_a_node_that_has_restarted);
	tcase_add_test(tcase, a_recorded_answer_means_nothing);
	tcase_add_test(tcase, frames_before_the_answer_are_not_opened_after_it);
	tcase_add_test(tcase, an_answer_of_a_believed_session_drops_no_frame_on_its_way);
	tcase_add_test(tcase, an_answer_from_the_next_generation_drops_no_frame_on_its_way);
	tcase_add_test(tcase, an_answer_that_was_overtaken_opens_no_frame_twice);
	tcase_add_test(tcase, a_flood_of_forged_sessions_is_bounded);
	tcase_add_test(tcase, a_flood_of_forged_control_keeps_no_answer_out);
	tcase_add_test(tcase, replayed_frames_of_an_old_session_cause_few_questions);
	tcase_add_loop_test(tcase, a_quote_shows_the_frame_it_is_of, 0, 9);
	tcase_add_test(tcase, a_quote_of_another_start_shows_nothing);
	tcase_add_test(tcase, a_link_without_a_key_opens_no_library);
	tcase_add_loop_test(tcase, frames_are_whole_blocks_with_libcrypto_alone, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
