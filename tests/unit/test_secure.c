/* SPDX-License-Identifier: BSD-3-Clause */
/* Sealed datagrams between nodes without a network: which ones are accepted, and which are refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "transports/common/secure/secure_private.h"

#define NODES 3u
#define SIZE_MAX_TESTED 65000u

static const uint8_t ring_key[128] = "a key of the ring", other_key[128] = "a key of another ring";

static struct secure *nodes[NODES]; /* node ids are one more than the place */
static uint64_t now_ns;
static uint8_t datagram[SIZE_MAX_TESTED + SECURE_OVERHEAD];
static struct secure_opened opened;
static uint8_t random_next;

static int fill_counting(void *bytes, size_t size)
{
	memset(bytes, ++random_next, size);
	return 0;
}

static void node_start(uint32_t node)
{
	ck_assert_int_eq(secure_create(node + 1, fill_counting, &nodes[node]), 0);
	for (uint32_t peer = 0; peer < NODES; peer++)
		if (peer != node)
			ck_assert_int_eq(secure_peer_add(nodes[node], peer + 1), 0);
	ck_assert_int_eq(secure_load(nodes[node], 1, SECURE_AES256_GCM, ring_key, sizeof(ring_key)), 0);
	ck_assert_int_eq(secure_use(nodes[node], 1), 0);
}

static void node_restart(uint32_t node)
{
	secure_destroy(nodes[node]);
	node_start(node);
}

/* Deliver a datagram and all replies to it. @return the result of the first one */
static enum secure_result deliver(uint32_t from, uint32_t to, uint8_t *bytes, uint32_t size)
{
	enum secure_result result = secure_open(nodes[to], now_ns, from + 1, bytes, size, &opened);
	struct secure_opened next = opened;
	uint8_t reply[SECURE_CONTROL_SIZE];
	int replies = 0;

	while (next.reply_size > 0) {
		uint32_t sender = to;

		ck_assert_int_lt(++replies, 5);
		ck_assert_uint_eq(next.reply_size, SECURE_CONTROL_SIZE);
		memcpy(reply, next.reply, sizeof(reply));
		to = from;
		from = sender;
		ck_assert_int_eq(secure_open(nodes[to], now_ns, from + 1, reply, sizeof(reply), &next), SECURE_HANDLED);
	}
	return result;
}

static void ask(uint32_t from, uint32_t to, uint32_t number)
{
	uint8_t bytes[SECURE_CONTROL_SIZE];

	ck_assert_int_eq(secure_ask(nodes[from], number, to + 1, bytes), 0);
	ck_assert_int_eq(deliver(from, to, bytes, sizeof(bytes)), SECURE_HANDLED);
}

static uint32_t seal_for(uint32_t from, uint32_t to, enum secure_lane lane, uint32_t size, uint8_t *out)
{
	static uint8_t plain[SIZE_MAX_TESTED];

	memset(plain, 0x5a, size);
	ck_assert_int_eq(secure_seal(nodes[from], lane, to + 1, plain, size, out), 0);
	return size + SECURE_OVERHEAD;
}

/* Seal a datagram for nodes[1], which most tests use. */
static uint32_t seal(uint32_t from, enum secure_lane lane, uint32_t size, uint8_t *out)
{
	return seal_for(from, 1, lane, size, out);
}

static enum secure_result send_one(uint32_t from, uint32_t to, uint32_t size)
{
	return deliver(from, to, datagram, seal_for(from, to, SECURE_UNICAST, size, datagram));
}

static void set_up(void)
{
	now_ns = 1000000000;
	random_next = 0;
	for (uint32_t i = 0; i < NODES; i++)
		node_start(i);
	for (uint32_t from = 0; from < NODES; from++)
		for (uint32_t to = 0; to < from; to++)
			ask(from, to, 1);
}

static void tear_down(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		secure_destroy(nodes[i]);
}

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
		now_ns += 1000000000; /* wait until the limit of log lines allows another one */
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

/* A datagram for one node must not be accepted by another one. Otherwise a token could be accepted twice. */
START_TEST(a_datagram_for_one_node_is_opened_by_no_other)
{
	uint8_t copy[200];
	uint32_t size = seal_for(0, 2, SECURE_UNICAST, 100, datagram);

	memcpy(copy, datagram, size);
	ck_assert_int_eq(deliver(0, 1, datagram, size), SECURE_FORGED);
	ck_assert_int_eq(deliver(0, 2, copy, size), SECURE_FRAME);
	node_restart(0); /* no question is sent to the sender */
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
	ask(1, 0, 1); /* the answer tells that numbers up to 5 are used */
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

/* ---- Sessions --------------------------------------------------------------------- */

START_TEST(a_node_that_has_restarted_is_believed_after_one_question)
{
	node_restart(0);
	ck_assert(!secure_is_believed(nodes[0], 1, 2));
	ask(0, 1, 1); /* its hello */
	ck_assert(secure_is_believed(nodes[0], 1, 2));
	ck_assert(secure_is_believed(nodes[1], 1, 1));
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
}
END_TEST

START_TEST(a_frame_of_a_new_session_asks_by_itself)
{
	node_restart(0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	/* the question proved the sender's session to us as well */
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
}
END_TEST

START_TEST(a_lost_question_is_asked_again)
{
	node_restart(0);

	uint32_t size = seal(0, SECURE_UNICAST, 10, datagram);

	secure_open(nodes[1], now_ns, 1, datagram, size, &opened);
	ck_assert_uint_ne(opened.reply_size, 0); /* and lost */
	size = seal(0, SECURE_UNICAST, 10, datagram);
	secure_open(nodes[1], now_ns, 1, datagram, size, &opened);
	ck_assert_uint_eq(opened.reply_size, 0);
	now_ns += 5000000;
	ck_assert_int_eq(send_one(0, 1, 10), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 10), SECURE_FRAME);
}
END_TEST

START_TEST(no_two_starts_use_one_nonce)
{
	uint8_t first[SECURE_OVERHEAD + 10], second[SECURE_OVERHEAD + 10], clone[SECURE_OVERHEAD + 10];

	node_restart(0);
	seal(0, SECURE_UNICAST, 10, first);
	node_restart(0);
	seal(0, SECURE_UNICAST, 10, second);
	secure_destroy(nodes[0]);
	node_start(0); /* the same disk in another machine, or a restart */
	seal(0, SECURE_UNICAST, 10, clone);
	ck_assert_mem_eq(first + 24, second + 24, 8); /* the numbers are the same */
	ck_assert_mem_ne(first + 8, second + 8, 16);  /* the sessions are not, and so the keys */
	ck_assert_mem_ne(first + 8, clone + 8, 16);
	ck_assert_mem_ne(first + SECURE_HEADER_SIZE, second + SECURE_HEADER_SIZE, 10);
	ck_assert_mem_ne(second + SECURE_HEADER_SIZE, clone + SECURE_HEADER_SIZE, 10);
}
END_TEST

static int fill_failing(void *bytes, size_t size)
{
	(void)bytes, (void)size;
	return -EIO;
}

START_TEST(without_random_bytes_there_is_no_session)
{
	nodes[0]->fill_random = fill_failing;
	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), -EIO);
	ck_assert_uint_eq(secure_key_id(nodes[0], 2), 0);
	ck_assert_int_eq(secure_use(nodes[0], 2), -EINVAL);
	nodes[0]->fill_random = fill_counting;
}
END_TEST

/* ---- Generations -------------------------------------------------------------------- */

START_TEST(a_generation_ends_after_its_bytes)
{
	nodes[0]->generation_bytes_max = 1000;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
		ck_assert_uint_eq(nodes[0]->own[0].lanes[0].number >> 32, (uint64_t)i / 10);
	}
}
END_TEST

START_TEST(a_generation_ends_after_its_numbers)
{
	nodes[0]->own[0].lanes[0].number = UINT32_MAX - 3;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_uint_eq(nodes[0]->own[0].lanes[0].number >> 32, 1);
}
END_TEST

START_TEST(a_frame_of_the_generation_before_may_come_late)
{
	uint8_t late[200];

	nodes[0]->own[0].lanes[0].number = UINT32_MAX - 3;

	uint32_t size = seal(0, SECURE_UNICAST, 100, late);

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, late, size), SECURE_FRAME);
}
END_TEST

START_TEST(missed_generations_are_made_up_by_a_question)
{
	nodes[0]->own[0].lanes[0].number = UINT64_C(7) << 32;
	/* act as if the key's byte limit were reached, so that a new key is derived */
	nodes[0]->own[0].lanes[0].bytes = nodes[0]->generation_bytes_max;
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* ---- Keys change ---------------------------------------------------------------------- */

START_TEST(keys_change_while_frames_flow)
{
	uint8_t early[200];
	uint32_t size;

	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(secure_load(nodes[i], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ask(0, 1, 2);
	size = seal(0, SECURE_UNICAST, 100, early);
	ck_assert_int_eq(secure_use(nodes[0], 2), 0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME); /* the new key */
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME); /* the old one */
	ck_assert_int_eq(deliver(0, 1, early, size), SECURE_FRAME);
	ck_assert_int_eq(secure_use(nodes[1], 2), 0);
	size = seal(2, SECURE_UNICAST, 100, early);
	secure_forget(nodes[1], 1);
	ck_assert_int_eq(deliver(2, 1, early, size), SECURE_FORGED); /* a datagram with a key that was dropped */
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* A node that has restarted has the new key only. Its datagrams are accepted later. */
START_TEST(a_node_that_starts_in_a_change_waits_until_it_is_over)
{
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(secure_load(nodes[i], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ask(0, 1, 2);
	node_restart(0);
	ck_assert_int_eq(secure_load(nodes[0], 1, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ck_assert_int_eq(secure_use(nodes[0], 1), 0);
	for (int i = 0; i < 5; i++) {
		now_ns += 100000000;
		secure_open(nodes[1], now_ns, 1, datagram, seal(0, SECURE_UNICAST, 10, datagram), &opened);
		ck_assert_uint_eq(opened.size, 0);
		if (opened.reply_size == 0)
			continue;

		uint8_t bytes[SECURE_CONTROL_SIZE];

		memcpy(bytes, opened.reply, sizeof(bytes));
		secure_open(nodes[0], now_ns, 2, bytes, sizeof(bytes), &opened);
		if (opened.reply_size > 0) {
			memcpy(bytes, opened.reply, sizeof(bytes));
			secure_open(nodes[1], now_ns, 1, bytes, sizeof(bytes), &opened);
		}
	}
	ck_assert(secure_is_believed(nodes[1], 2, 1));
	ck_assert(!secure_is_believed(nodes[1], 1, 1)); /* that session was of the node's former run */
	ck_assert_int_eq(secure_use(nodes[1], 2), 0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(the_same_key_twice_is_refused)
{
	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, ring_key, sizeof(ring_key)), -EEXIST);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(keys_are_wiped)
{
	static const uint8_t zeros[sizeof(struct keys_root)];

	secure_forget(nodes[0], 1);
	ck_assert_mem_eq(&nodes[0]->roots[0], zeros, sizeof(zeros));
	ck_assert_uint_eq(secure_used(nodes[0]), 0);
	ck_assert_int_eq(secure_seal(nodes[0], SECURE_UNICAST, 2, datagram, 1, datagram + 100), -EINVAL);
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
		memset(forged + SECURE_HEADER_SIZE, 0, 16); /* as a question */
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

/* ---- Peers ---------------------------------------------------------------------------------- */

START_TEST(peers_come_and_go)
{
	ck_assert_int_eq(secure_peer_add(nodes[0], 2), -EEXIST);
	secure_peer_del(nodes[0], 2);
	secure_peer_del(nodes[0], 2);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FORGED);
	for (uint32_t nodeid = 1000; nodeid > 10; nodeid -= 3)
		ck_assert_int_eq(secure_peer_add(nodes[0], nodeid), 0);
	ck_assert_int_eq(secure_peer_add(nodes[0], 2), 0);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
	ck_assert_ptr_nonnull(secure_peer_counts(nodes[0], 1000));
	ck_assert_ptr_null(secure_peer_counts(nodes[0], 999));
}
END_TEST

START_TEST(proofs_differ_by_key_label_and_contents)
{
	uint8_t proofs[4][32];

	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "a", "x", 1, proofs[0]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 2, "a", "x", 1, proofs[1]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "b", "x", 1, proofs[2]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "a", "y", 1, proofs[3]), 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			ck_assert_mem_ne(proofs[i], proofs[k], 32);
	ck_assert_int_eq(secure_proof(nodes[1], 1, "a", "x", 1, proofs[1]), 0);
	ck_assert_mem_eq(proofs[0], proofs[1], 32);
	ck_assert_int_eq(secure_proof(nodes[1], 2, "a", "x", 1, proofs[1]), -EINVAL);
}
END_TEST

static void add_frames(TCase *tests)
{
	tcase_add_loop_test(tests, a_sealed_frame_is_opened, 0, 9);
	tcase_add_test(tests, the_other_cipher_does_the_same);
	tcase_add_test(tests, one_datagram_is_for_every_peer);
	tcase_add_test(tests, nothing_of_a_frame_is_readable);
	tcase_add_test(tests, every_altered_bit_is_noticed);
	tcase_add_test(tests, every_truncation_is_noticed);
	tcase_add_test(tests, another_node_cannot_lend_its_name);
	tcase_add_test(tests, a_datagram_for_one_node_is_opened_by_no_other);
	tcase_add_test(tests, clear_datagrams_are_refused_unless_allowed);
	tcase_add_test(tests, another_key_opens_nothing);
	tcase_add_test(tests, a_datagram_is_opened_once);
	tcase_add_test(tests, lanes_may_overtake_each_other);
	tcase_add_test(tests, a_recording_means_nothing_to_a_node_that_has_restarted);
	tcase_add_test(tests, a_recorded_answer_means_nothing);
	tcase_add_test(tests, frames_before_the_answer_are_not_opened_after_it);
	tcase_add_test(tests, an_answer_of_a_believed_session_drops_no_frame_on_its_way);
	tcase_add_test(tests, an_answer_from_the_next_generation_drops_no_frame_on_its_way);
	tcase_add_test(tests, an_answer_that_was_overtaken_opens_no_frame_twice);
}

START_TEST(frames_are_whole_blocks_with_libcrypto_alone)
{
	static const enum aead_kind kinds[] = {AEAD_LIBCRYPTO, AEAD_IPSEC_MB};
	const uint32_t block = kinds[_i] == AEAD_LIBCRYPTO ? 64 : 1;
	struct secure *secure;

	int rc = secure_create_with(1, fill_counting, kinds[_i], &secure);

	if (kinds[_i] == AEAD_IPSEC_MB && rc == -ENOTSUP)
		return; /* test_aead checks whether this library may be missing */
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

static void add_sessions(TCase *tests)
{
	tcase_add_test(tests, a_node_that_has_restarted_is_believed_after_one_question);
	tcase_add_test(tests, a_frame_of_a_new_session_asks_by_itself);
	tcase_add_test(tests, a_lost_question_is_asked_again);
	tcase_add_test(tests, no_two_starts_use_one_nonce);
	tcase_add_test(tests, without_random_bytes_there_is_no_session);
	tcase_add_test(tests, a_generation_ends_after_its_bytes);
	tcase_add_test(tests, a_generation_ends_after_its_numbers);
	tcase_add_test(tests, a_frame_of_the_generation_before_may_come_late);
	tcase_add_test(tests, missed_generations_are_made_up_by_a_question);
	tcase_add_test(tests, keys_change_while_frames_flow);
	tcase_add_test(tests, a_node_that_starts_in_a_change_waits_until_it_is_over);
	tcase_add_test(tests, the_same_key_twice_is_refused);
	tcase_add_test(tests, keys_are_wiped);
	tcase_add_test(tests, a_flood_of_forged_sessions_is_bounded);
	tcase_add_test(tests, a_flood_of_forged_control_keeps_no_answer_out);
	tcase_add_test(tests, replayed_frames_of_an_old_session_cause_few_questions);
	tcase_add_loop_test(tests, a_quote_shows_the_frame_it_is_of, 0, 9);
	tcase_add_test(tests, a_quote_of_another_start_shows_nothing);
	tcase_add_test(tests, peers_come_and_go);
	tcase_add_loop_test(tests, frames_are_whole_blocks_with_libcrypto_alone, 0, 2);
	tcase_add_test(tests, proofs_differ_by_key_label_and_contents);
}

int main(void)
{
	Suite *suite = suite_create("secure");
	TCase *frames = tcase_create("frames");
	TCase *sessions = tcase_create("sessions");

	tcase_add_checked_fixture(frames, set_up, tear_down);
	tcase_add_checked_fixture(sessions, set_up, tear_down);
	add_frames(frames);
	add_sessions(sessions);
	suite_add_tcase(suite, frames);
	suite_add_tcase(suite, sessions);
	return suite_run(suite);
}
