/* SPDX-License-Identifier: BSD-3-Clause */
/* Encryption of the plugins udp and udpu (one program for each) between mock hosts, with real sockets. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/secure/udp_secure_case.h"

static void restart(uint32_t node)
{
	node_close(node);
	start(node);
	nodes_settle();
}

/* Open a socket on the address of a node that is closed. */
static int impostor(uint32_t node)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(fd, address_of(node), sizeof(struct sockaddr_in)), 0);
	return fd;
}

START_TEST(a_sealed_multicast_reaches_every_other_node_in_order)
{
	static const uint32_t sizes[] = {1, 29, 1407, 1500, 9000, BATCH_DATAGRAM_MAX - SECURE_OVERHEAD};

	every_other_node_gets(0, sizes[_i]);
	ck_assert_uint_eq(ops->overhead(nodes[0]), sealed_overhead());
}
END_TEST

START_TEST(chacha20_does_the_same)
{
	nodes_tear_down();
	encryption = "chacha20-poly1305";
	for (uint32_t i = 0; i < NODES; i++)
		start(i);
	nodes_settle();
	every_other_node_gets(0, 1400);
}
END_TEST

START_TEST(many_frames_are_sealed_in_one_go)
{
	multicast(0, 700, 200);
	receive(1, 200);
	receive(2, 200);
	for (uint32_t i = 0; i < 200; i++)
		ck_assert_uint_eq(hosts[1]->frames.list[i].data[699], i);
}
END_TEST

START_TEST(a_token_goes_to_one_node)
{
	token(0, 2, 0);
	receive(1, 1);
	ck_assert_mem_eq(hosts[1]->frames.list[0].data, "token", 5);
	receive_nothing(2);
}
END_TEST

START_TEST(nothing_of_a_frame_is_on_the_wire)
{
	uint8_t bytes[2000];
	ssize_t size;
	uint32_t found = 0;

	node_close(1);

	int fd = impostor(1);

	token(0, 2, 0);
	while ((size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		ck_assert_ptr_null(memmem(bytes, (size_t)size, "token", 5));
		found += size == 5 + SECURE_OVERHEAD;
	}
	ck_assert_uint_eq(found, 1);
	close(fd);
}
END_TEST

START_TEST(datagrams_in_clear_are_refused_and_named)
{
	int fd = stranger_open(address_of(1));
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(struct sockaddr_in)), 5);
	receive_nothing(0);
	ops->stats(nodes[0], &stats);
	ck_assert_uint_eq(stats.rejected, 50);
	ck_assert_uint_eq(counts(0, 2)->clear, 50);
	ck_assert(mock_host_has_logged(hosts[0], "(node 2): it is not encrypted: compare"));
	mock_host_option(hosts[0], "block_unlisted_ips", "no");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	close(fd);
}
END_TEST

START_TEST(a_stranger_is_refused_whatever_the_option_says)
{
	struct sockaddr_in in;

	mock_host_option(hosts[0], "block_unlisted_ips", "no");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + 100);

	int fd = stranger_open((struct sockaddr *)&in);

	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(in)), 5);
	receive_nothing(0);
	close(fd);
}
END_TEST

START_TEST(a_node_with_another_key_is_not_heard_and_is_named)
{
	mock_host_advance(hosts[0], 70 * MS);
	ring_key = other_key;
	restart(2);
	multicast(2, 100, 5);
	receive_nothing(0);
	multicast(0, 100, 5);
	receive(1, 5);
	receive_nothing(2);
	ck_assert(mock_host_has_logged(hosts[0], "(node 3): it is not encrypted with our key"));
	ck_assert_uint_ge(counts(0, 3)->forged, 5);

	char text[256];

	/* A datagram that is not authentic does not count as received. */
	udp_link_heard(nodes[0], text);
	ck_assert_msg(strstr(text, "3-70") != NULL, "heard '%s'", text);
	ck_assert_uint_eq(udp_link_strangers(nodes[0], text), sizeof("3-key"));
	ck_assert_str_eq(text, "3-key");
	mock_host_advance(hosts[0], 61000 * MS);
	ck_assert_uint_eq(udp_link_strangers(nodes[0], text), 1);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(counts(0, 2)->forged, 0);
	ring_key = key;
	restart(2);
	multicast(2, 100, 5);
	receive(0, 5);
	mock_host_advance(hosts[0], 40 * MS);
	udp_link_heard(nodes[0], text);
	ck_assert_msg(strstr(text, "3-40") != NULL, "heard '%s'", text);
}
END_TEST

START_TEST(a_node_that_starts_again_is_heard_again)
{
	for (uint32_t i = 0; i < 3; i++) {
		restart(i);
		multicast(i, 100, 1);
		nodes_settle();
		multicast((i + 1) % 3, 100, 1);
		nodes_settle();
	}
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_uint_ge(hosts[i]->frames.count, 1);
}
END_TEST

START_TEST(a_replay_is_dropped)
{
	uint8_t bytes[2000];
	ssize_t size;

	node_close(1);

	int fd = impostor(1);

	multicast(0, 100, 1);
	token(0, 2, 0);
	size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	ck_assert_int_gt(size, 0);
	close(fd);
	start(1);
	nodes_settle();

	uint32_t count = hosts[1]->frames.count;

	/* The datagram is sent again from node 1's own address, at another port. */
	fd = stranger_open(address_of(0));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sendto(fd, bytes, (size_t)size, 0, address_of(1), sizeof(struct sockaddr_in)), size);
	nodes_settle();
	ck_assert_uint_eq(hosts[1]->frames.count, count);
	close(fd);
}
END_TEST

/*
 * Node 2 does not run any more. A question that it once asked is recorded and sent again. It is authentic, but does not show
 * that node 2 runs.
 */
START_TEST(a_recorded_question_is_no_sign_of_life)
{
	uint8_t bytes[SECURE_CONTROL_SIZE];
	const struct peer *peer = peers_find(&((struct udp_link *)nodes[0])->peers, 2);
	int fd;

	ck_assert_int_eq(secure_ask(((struct udp_link *)nodes[1])->secure, 1, 1, bytes), 0);
	node_close(1);
	token(0, 2, 0);
	for (int i = 0; i < 3; i++) {
		mock_host_poll(hosts[0], 10);
		mock_host_advance(hosts[0], 2 * MS);
	}
	ck_assert_uint_ne(peer->refused_ns, 0);

	uint64_t heard_ns = peer->heard_ns;

	mock_host_advance(hosts[0], 5000 * MS);
	fd = stranger_open(address_of(1));
	ck_assert_int_eq(sendto(fd, bytes, sizeof(bytes), 0, address_of(0), sizeof(struct sockaddr_in)), sizeof(bytes));
	nodes_settle();
	close(fd);
	ck_assert_uint_eq(peer->heard_ns, heard_ns);
	ck_assert_uint_ne(peer->refused_ns, 0);
	start(1);
	nodes_settle();
	ck_assert_uint_gt(peer->heard_ns, heard_ns);
	ck_assert_uint_eq(peer->refused_ns, 0);
}
END_TEST

/* Send the same datagram three times: only the first one counts as a frame. */
START_TEST(dropped_datagrams_are_counted)
{
	const struct udp_link_dropped *dropped = &((struct udp_link *)nodes[0])->dropped;
	struct coterie_transport_stats before = {.size = sizeof(before)}, after = before;
	uint8_t bytes[200], plain[10] = {0}, copy[200];
	struct secure *secure = ((struct udp_link *)nodes[1])->secure;
	uint64_t replayed = dropped->replayed;
	int fd = stranger_open(address_of(1));

	ops->stats(nodes[0], &before);
	ck_assert_int_eq(secure_seal(secure, SECURE_UNICAST, 1, plain, sizeof(plain), bytes), 0);
	for (int i = 0; i < 3; i++) {
		memcpy(copy, bytes, sizeof(copy));
		ck_assert_int_eq(
			sendto(fd, copy, sizeof(plain) + SECURE_OVERHEAD, 0, address_of(0), sizeof(struct sockaddr_in)),
			sizeof(plain) + SECURE_OVERHEAD);
	}
	nodes_settle();
	ops->stats(nodes[0], &after);
	ck_assert_uint_eq(dropped->replayed - replayed, 2);
	ck_assert_uint_eq(after.rejected - before.rejected, 2);
	ck_assert(mock_host_has_logged(hosts[0], "packet dropped from"));
	close(fd);
}
END_TEST

START_TEST(the_host_is_told_which_frame_was_refused)
{
	node_close(1);
	mock_queue_clear(&hosts[0]->refused);
	token(0, 2, 0);
	for (int i = 0; i < 3; i++) {
		mock_host_poll(hosts[0], 10);
		mock_host_advance(hosts[0], 2 * MS);
	}
	ck_assert_uint_ge(hosts[0]->refused.count, 1);

	const struct mock_message *last = &hosts[0]->refused.list[hosts[0]->refused.count - 1];

	ck_assert_uint_eq(last->id, 2);
	ck_assert_uint_ge(last->size, 5);
	ck_assert_mem_eq(last->data, "token", 5);
}
END_TEST

/*
 * A forger may know which bytes a datagram begins with, but not a whole datagram that this node has sent. Such a report
 * has no effect: it is not reported to the host, and the peer still gets frames.
 */
static const struct {
	const char *name;
	uint32_t size;    /* of the quote */
	uint32_t altered; /* index of the byte that differs from the datagram; UINT32_MAX: none */
	uint32_t node;    /* the report is about this node */
	uint32_t want;
} quotes[] = {
	{"a datagram of this node", 100, UINT32_MAX, 1, 1},
	{"its start", 64, UINT32_MAX, 1, 1},
	{"its header alone", 32, UINT32_MAX, 1, 0},
	{"no byte of it", 0, UINT32_MAX, 1, 0},
	{"for another node", 100, UINT32_MAX, 2, 0},
	{"a frame in clear", 100, 0, 1, 0},
	{"of another key", 100, 2, 1, 0},
	{"of another session", 100, 10, 1, 0},
	{"with another number", 100, 31, 1, 0},
	{"with another sealed byte", 100, 32, 1, 0},
};

START_TEST(a_refusal_counts_if_it_quotes_a_sealed_datagram)
{
	struct udp_link *link = nodes[0];
	struct icmp_report report = {.error = ECONNREFUSED, .is_remote = true, .is_from_destination = true};
	struct coterie_frame *frame = mock_frame(hosts[0], (const uint8_t[100]){"sealed"}, 100);
	int fd;

	node_close(1);
	fd = impostor(1);
	ck_assert_int_eq(ops->token(nodes[0], 2, frame), 0);
	hosts[0]->table.frame_unref(frame);
	ck_assert_int_eq(recv(fd, report.quote, sizeof(report.quote), MSG_DONTWAIT), 100 + SECURE_OVERHEAD);
	close(fd);
	memcpy(&report.to, address_of(quotes[_i].node), sizeof(struct sockaddr_in));
	report.quote_size = quotes[_i].size;
	if (quotes[_i].altered != UINT32_MAX)
		report.quote[quotes[_i].altered] ^= 1;
	mock_host_advance(hosts[0], 2 * MS);
	mock_queue_clear(&hosts[0]->refused);
	udp_link_on_icmp(link, &report);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_msg(hosts[0]->refused.count == quotes[_i].want, "%s", quotes[_i].name);
	ck_assert_msg((peers_find(&link->peers, quotes[_i].node + 1)->refused_ns != 0) == (quotes[_i].want != 0), "%s",
		quotes[_i].name);
}
END_TEST

/*
 * A host off the path does not know the session. However many reports it forges, they keep no report of the peer's own host
 * out.
 */
START_TEST(a_flood_of_forged_refusals_keeps_none_out)
{
	struct udp_link *link = nodes[0];
	struct icmp_report report = {.error = ECONNREFUSED, .is_remote = true, .is_from_destination = true}, forged;
	struct coterie_frame *frame = mock_frame(hosts[0], (const uint8_t[100]){"sealed"}, 100);
	uint64_t rejected;
	int fd;

	node_close(1);
	fd = impostor(1);
	ck_assert_int_eq(ops->token(nodes[0], 2, frame), 0);
	hosts[0]->table.frame_unref(frame);
	report.quote_size = 100 + SECURE_OVERHEAD;
	ck_assert_int_eq(recv(fd, report.quote, sizeof(report.quote), MSG_DONTWAIT), report.quote_size);
	close(fd);
	memcpy(&report.to, address_of(1), sizeof(struct sockaddr_in));
	forged = report;
	forged.quote[23] ^= 1; /* the last byte of the session */
	mock_host_advance(hosts[0], 2 * MS);
	mock_queue_clear(&hosts[0]->refused);
	rejected = link->rejected;
	for (uint32_t i = 0; i < 10 * SENT_SEARCHES; i++)
		udp_link_on_icmp(link, &forged);
	udp_link_on_icmp(link, &report);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
	ck_assert_uint_eq(link->rejected - rejected, 10 * SENT_SEARCHES);
}
END_TEST

/* ---- Wires ----------------------------------------------------------------------- */

START_TEST(both_ends_of_a_wire_prove_the_key)
{
	ops->watch(nodes[0], 2);
	serve();
	ck_assert_uint_eq(last_watch(0), COTERIE_WATCH_ON);
	ck_assert_uint_eq(last_watch(1), COTERIE_WATCH_ON);
	ck_assert(wire_of(0)->proof.is_complete);
	ck_assert(guest_of(1)->proof.is_complete);
	ck_assert_mem_eq(wire_of(0)->proof.goodbye, guest_of(1)->proof.their_goodbye, TRIPWIRE_PROOF_SIZE);
	ck_assert_mem_ne(wire_of(0)->proof.goodbye, wire_of(0)->proof.their_goodbye, TRIPWIRE_PROOF_SIZE);
	ops->watch(nodes[0], 0);
	serve();
	ck_assert_uint_eq(last_watch(0), COTERIE_WATCH_OFF);
	ck_assert_uint_eq(last_watch(1), COTERIE_WATCH_OFF);
}
END_TEST

START_TEST(a_wire_with_another_key_is_never_on)
{
	ring_key = other_key;
	restart(1);
	ops->watch(nodes[0], 2);
	ops->watch(nodes[1], 1);
	serve();
	ck_assert_uint_eq(hosts[0]->watches.count, 0);
	ck_assert_uint_eq(hosts[1]->watches.count, 0);
}
END_TEST

START_TEST(a_goodbye_without_proof_is_none)
{
	ops->watch(nodes[0], 2);
	serve();
	if (_i == 0)
		ck_assert_int_eq(send(guest_of(1)->fd, "B", 1, 0), 1);
	else
		ck_assert_int_eq(send(guest_of(1)->fd, "Bxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 33, 0), 33);
	serve();
	ck_assert_uint_eq(last_watch(0), COTERIE_WATCH_BROKEN);
}
END_TEST

/* Greetings of a ring without encryption, of a ring with an old key, and of no ring: none is accepted. */
START_TEST(a_greeting_without_proof_is_none)
{
	static const char *const greetings[] = {
		"CTW1\0\0\0\1\0\0\0\2", "CTS1\1\2\0\0\0\0\0\1\0\0\0\2................", "GET / HTTP/1.1\r\n"};
	static const size_t sizes[] = {12, 32, 16};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in from;

	memcpy(&from, address_of(0), sizeof(from));
	from.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	ck_assert_int_eq(connect(fd, address_of(1), sizeof(from)), 0);
	ck_assert_int_eq(send(fd, greetings[_i], sizes[_i], 0), (ssize_t)sizes[_i]);
	serve();
	ck_assert_uint_eq(hosts[1]->watches.count, 0);
	ck_assert_ptr_null(guest_of(1)); /* the connection has been closed */
	close(fd);
}
END_TEST

/* A guest without the key may receive the answer to its greeting, but cannot make the proof that must follow. */
START_TEST(a_guest_that_does_not_prove_itself_is_closed)
{
	uint8_t hello[32] = "CTS1\0\0\0\0\0\0\0\1\0\0\0\2", answer[64];
	uint16_t id = htons(secure_key_id(((struct udp_link *)nodes[1])->secure, 1));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in from;

	memcpy(hello + 4, &id, sizeof(id));
	memcpy(&from, address_of(0), sizeof(from));
	from.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	ck_assert_int_eq(connect(fd, address_of(1), sizeof(from)), 0);
	ck_assert_int_eq(send(fd, hello, sizeof(hello), 0), sizeof(hello));
	serve();
	ck_assert_int_eq(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), sizeof(answer));
	ck_assert_uint_eq(hosts[1]->watches.count, 0);
	ck_assert_int_eq(send(fd, answer + 32, 32, 0), 32); /* sends the node its own proof back */
	serve();
	ck_assert_uint_eq(hosts[1]->watches.count, 0);
	ck_assert_ptr_null(guest_of(1));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp_secure");
	TCase *frames = tcase_create("frames");
	TCase *wires = tcase_create("wires");

	tcase_add_checked_fixture(frames, udp_secure_set_up, udp_secure_tear_down);
	tcase_add_loop_test(frames, a_sealed_multicast_reaches_every_other_node_in_order, 0, 6);
	tcase_add_test(frames, chacha20_does_the_same);
	tcase_add_test(frames, many_frames_are_sealed_in_one_go);
	tcase_add_test(frames, a_token_goes_to_one_node);
	tcase_add_test(frames, nothing_of_a_frame_is_on_the_wire);
	tcase_add_test(frames, datagrams_in_clear_are_refused_and_named);
	tcase_add_test(frames, a_stranger_is_refused_whatever_the_option_says);
	tcase_add_test(frames, a_node_with_another_key_is_not_heard_and_is_named);
	tcase_add_test(frames, a_node_that_starts_again_is_heard_again);
	tcase_add_test(frames, a_replay_is_dropped);
	tcase_add_test(frames, a_recorded_question_is_no_sign_of_life);
	tcase_add_test(frames, dropped_datagrams_are_counted);
	tcase_add_test(frames, the_host_is_told_which_frame_was_refused);
	tcase_add_loop_test(
		frames, a_refusal_counts_if_it_quotes_a_sealed_datagram, 0, (int)(sizeof(quotes) / sizeof(quotes[0])));
	tcase_add_test(frames, a_flood_of_forged_refusals_keeps_none_out);
	suite_add_tcase(suite, frames);
	tcase_add_checked_fixture(wires, udp_secure_set_up, udp_secure_tear_down);
	tcase_add_test(wires, both_ends_of_a_wire_prove_the_key);
	tcase_add_test(wires, a_wire_with_another_key_is_never_on);
	tcase_add_loop_test(wires, a_goodbye_without_proof_is_none, 0, 2);
	tcase_add_loop_test(wires, a_greeting_without_proof_is_none, 0, 3);
	tcase_add_test(wires, a_guest_that_does_not_prove_itself_is_closed);
	suite_add_tcase(suite, wires);
	return suite_run(suite);
}
