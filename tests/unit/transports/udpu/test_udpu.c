/* SPDX-License-Identifier: BSD-3-Clause */
/* The udpu plugin between mock hosts, with real sockets on loopback addresses that only this test uses. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/udp_nodes.h"
#include "transports/common/udp_link.h"

extern const struct coterie_plugin udpu_LTX_coterie_plugin;

static void set_up(void) { nodes_set_up(&udpu_LTX_coterie_plugin); }

START_TEST(a_multicast_reaches_every_other_node_in_order)
{
	static const uint32_t sizes[] = {1, 29, 1455, 1500, 9000, 65507};

	every_other_node_gets(0, sizes[_i]);
}
END_TEST

START_TEST(ipv6_carries_the_same)
{
	nodes_tear_down();
	choose_addresses(true);
	for (uint32_t i = 0; i < NODES; i++) {
		node_open(i);
		if (ops->link_up(nodes[i], 0, address_of(i)) != 0 || hosts[i]->link_is_up == 0)
			return; /* this host has no IPv6 */
	}
	multicast(2, 1455, 90);
	receive(0, 90);
	receive(1, 90);
	receive_nothing(2);
	token(2, 1, 0);
	receive(0, 91);
	receive_nothing(1);
}
END_TEST

START_TEST(the_token_goes_to_one_node_behind_the_frames)
{
	multicast(0, 1455, 40);
	token(0, 2, 0);
	receive(1, 41);
	ck_assert_mem_eq(hosts[1]->frames.list[40].data, "token", 5);
	receive(2, 40);
	receive_nothing(2);
	token(0, 1, -ENOENT); /* the transport never sends a node's token to the node itself */
	token(0, 9, -ENOENT);
}
END_TEST

START_TEST(packets_of_strangers_are_dropped_unless_the_config_wants_them)
{
	struct sockaddr_in in;
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + 100);

	int fd = stranger_open((struct sockaddr *)&in);

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(in)), 5);
	receive_nothing(0);
	ops->stats(nodes[0], &stats);
	ck_assert_uint_eq(stats.rejected, 100);
	ck_assert(mock_host_has_logged(hosts[0], "Packet rejected from 127."));
	ck_assert_uint_le(hosts[0]->logs.count, 3);

	mock_host_option(hosts[0], "block_unlisted_ips", "no");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(in)), 5);
	receive(0, 1);
	close(fd);
}
END_TEST

START_TEST(a_listed_address_is_heard_from_any_port)
{
	int fd = stranger_open(address_of(1));

	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(struct sockaddr_in)), 5);
	receive(0, 1);
	close(fd);
}
END_TEST

START_TEST(what_a_node_hears_of_itself_is_dropped)
{
	int fd = stranger_open(address_of(0));

	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(struct sockaddr_in)), 5);
	receive_nothing(0);
	close(fd);
}
END_TEST

START_TEST(a_removed_peer_gets_nothing_and_is_not_heard)
{
	ops->peer_del(nodes[0], 0, 2);
	multicast(0, 100, 1);
	receive(2, 1);
	receive_nothing(1);
	multicast(1, 100, 1);
	receive_nothing(0);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), 0);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), -EEXIST);
	multicast(1, 100, 1);
	receive(0, 1);
}
END_TEST

/*
 * The kernel reports a closed port at the next send: at first six reports at once, later one in a second. The plugin
 * reports each one to the host, with the quoted part of the frame.
 */
START_TEST(a_dead_daemon_is_noticed_and_costs_the_others_nothing)
{
	hosts[0]->members[hosts[0]->member_count++] = 2;
	node_close(1);
	for (uint32_t i = 0; i < 20; i++) {
		multicast(0, 100, 3);
		token(0, 3, 0);
		mock_host_poll(hosts[0], 0);
		mock_host_advance(hosts[0], 2 * MS);
	}
	receive(2, 80);
	ck_assert_uint_ge(hosts[0]->refused.count, 6);
	for (uint32_t i = 0; i < hosts[0]->refused.count; i++) {
		const struct mock_message *refused = &hosts[0]->refused.list[i];

		ck_assert_uint_eq(refused->id, 2);
		ck_assert_uint_ge(refused->size, 100);
		ck_assert_mem_eq(refused->data, hosts[2]->frames.list[0].data, 1);
	}
}
END_TEST

/*
 * A peer that is not a member gets only a few frames. Its host can refuse only so many datagrams in a second, and these
 * refusals are needed as signs of a member's end.
 */
START_TEST(a_peer_that_is_away_is_sent_little)
{
	node_close(1);
	multicast(0, 100, 1);
	mock_host_poll(hosts[0], 0);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
	for (uint32_t i = 0; i < 20; i++) {
		multicast(0, 100, 1);
		mock_host_poll(hosts[0], 0);
		mock_host_advance(hosts[0], 10 * MS);
	}
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
	mock_host_advance(hosts[0], 3000 * MS);
	multicast(0, 100, 1);
	mock_host_poll(hosts[0], 0);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 2);

	int fd = stranger_open(address_of(1));

	ck_assert_int_eq(sendto(fd, "here", 4, 0, address_of(0), sizeof(struct sockaddr_in)), 4);
	mock_host_poll(hosts[0], 0);
	close(fd);
	for (uint32_t i = 0; i < 2; i++) {
		multicast(0, 100, 1);
		mock_host_advance(hosts[0], 2 * MS);
	}
	mock_host_poll(hosts[0], 0);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 3);
}
END_TEST

/*
 * Any host can forge an ICMP message. Only one kind of message shows that a daemon has ended, and even that is only a
 * hint. It must quote a datagram that this node has sent to the peer.
 */
static const struct {
	const char *name;
	int32_t error;
	bool is_from_destination;
	uint32_t node;
	uint16_t port;
	uint32_t quote_size;
	uint8_t quote; /* value of each byte of the quote */
	uint32_t want;
} answers[] = {
	{"the peer says it itself", ECONNREFUSED, true, 1, 5405, 100, 1, 1},
	{"an older datagram", ECONNREFUSED, true, 1, 5405, 100, 0, 1},
	{"only its start", ECONNREFUSED, true, 1, 5405, 64, 1, 1},
	{"a run that was not cut", ECONNREFUSED, true, 1, 5405, 192, 1, 1},
	{"a token", ECONNREFUSED, true, 1, 5405, 5, 't', 1},
	{"a token for another peer", ECONNREFUSED, true, 2, 5405, 5, 't', 0},
	{"bytes that were not sent", ECONNREFUSED, true, 1, 5405, 100, 9, 0},
	{"too few bytes", ECONNREFUSED, true, 1, 5405, 8, 1, 0},
	{"no bytes", ECONNREFUSED, true, 1, 5405, 0, 0, 0},
	{"a firewall on the way", ECONNREFUSED, false, 1, 5405, 100, 1, 0},
	{"the path is broken", EHOSTUNREACH, true, 1, 5405, 100, 1, 0},
	{"another port of the peer", ECONNREFUSED, true, 1, 5406, 100, 1, 0},
	{"about this node", ECONNREFUSED, true, 0, 5405, 100, 1, 0},
	{"about a stranger", ECONNREFUSED, true, 100, 5405, 100, 1, 0},
};

/* Report to node 0 that a node's host has refused a datagram. */
static void answer(int i)
{
	struct icmp_report report = {
		.error = answers[i].error,
		.is_remote = true,
		.is_from_destination = answers[i].is_from_destination,
		.quote_size = answers[i].quote_size,
	};
	struct sockaddr_in in;

	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + answers[i].node);
	in.sin_port = htons(answers[i].port);
	memcpy(&report.to, &in, sizeof(in));
	memset(report.quote, answers[i].quote, report.quote_size);
	if (answers[i].quote == 't')
		memcpy(report.quote, "token", 5);
	udp_link_on_icmp(nodes[0], &report);
	mock_host_advance(hosts[0], 2 * MS);
}

START_TEST(answers_of_the_network_are_weighed)
{
	multicast(0, 100, 2);
	token(0, 2, 0);
	answer(_i);
	ck_assert_msg(hosts[0]->refused.count == answers[_i].want, "%s", answers[_i].name);
}
END_TEST

/* Report a quote of the datagrams in answers[0] or, forged, of other bytes of the same size. */
static void report_at_once(bool is_forged)
{
	struct icmp_report report = {
		.error = ECONNREFUSED, .is_remote = true, .is_from_destination = true, .quote_size = 100};

	memcpy(&report.to, address_of(1), sizeof(struct sockaddr_in));
	memset(report.quote, 1, report.quote_size);
	report.quote[SENT_START - 1] = is_forged ? 2 : 1;
	udp_link_on_icmp(nodes[0], &report);
}

START_TEST(a_flood_of_forged_answers_costs_little)
{
	multicast(0, 100, 2);
	for (uint32_t i = 0; i < SENT_SEARCHES; i++)
		report_at_once(true);
	report_at_once(false); /* is not looked for */
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
	for (uint32_t i = 1; i < SENT_SEARCHES; i++)
		report_at_once(true);
	report_at_once(false);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
}
END_TEST

static uint32_t told[8], told_count;

/* Report that a node's host has refused the multicast of 100 bytes. */
static void report_of(uint32_t node)
{
	struct icmp_report report = {
		.error = ECONNREFUSED, .is_remote = true, .is_from_destination = true, .quote_size = 100};

	memcpy(&report.to, address_of(node), sizeof(struct sockaddr_in));
	udp_link_on_icmp(nodes[0], &report);
}

/* The executive sends packets to node 2 when it is told of the first refusal, and these are refused, too. */
static void note_told(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size)
{
	(void)ctx, (void)quote, (void)size;
	ck_assert_uint_lt(told_count, 8);
	told[told_count++] = nodeid;
	if (told_count == 1) {
		report_of(1);
		report_of(1);
	}
}

START_TEST(refusals_while_others_are_told_take_no_place_of_these)
{
	static const uint32_t want[] = {2, 3, 2, 2};

	told_count = 0;
	hosts[0]->table.peer_refused = note_told;
	multicast(0, 100, 1); /* bytes with the value 0 */
	report_of(1);
	report_of(2);
	for (int i = 0; i < 3; i++)
		mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(told_count, 4);
	ck_assert_mem_eq(told, want, sizeof(want));
}
END_TEST

/* A peer whose host has refused a datagram gets only a few frames. A forged report has no such effect. */
START_TEST(an_answer_that_does_not_count_keeps_no_frame_from_a_peer)
{
	struct coterie_transport_stats before = {.size = sizeof(before)}, after = before;
	bool quotes_nothing = answers[_i].node == 1 && answers[_i].port == 5405 && answers[_i].is_from_destination &&
			      answers[_i].error == ECONNREFUSED;

	if (answers[_i].want > 0)
		return;
	multicast(0, 100, 2);
	token(0, 2, 0);
	ops->stats(nodes[0], &before);
	answer(_i);
	multicast(0, 100, 1);
	receive(1, 4);
	ops->stats(nodes[0], &after);
	ck_assert_msg(
		after.rejected - before.rejected == (quotes_nothing || answers[_i].node == 2), "%s", answers[_i].name);
}
END_TEST

/* A quote counts only while its datagram is recent. */
START_TEST(an_answer_about_an_old_datagram_is_dropped)
{
	token(0, 2, 0);
	for (uint32_t i = 0; i < 16; i++) {
		multicast(0, 100, 64);
		receive(1, 64 * (i + 1) + 1);
	}
	answer(4);
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
}
END_TEST

/* The path to node 2 takes no runs of 1,000 bytes. Node 3 still gets them. */
START_TEST(a_path_that_refuses_the_offload_is_alone)
{
	refuses_runs = 1;
	runs_sent = 0;
	for (uint32_t i = 1; i <= 2; i++) {
		multicast(0, 1000, 10);
		receive(1, 10 * i);
		receive(2, 10 * i);
		ck_assert_uint_eq(runs_sent, i);
	}
	refuses_runs = NODES;
}
END_TEST

START_TEST(a_link_is_reported_once)
{
	ck_assert_uint_eq(hosts[0]->link_reports, 1);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	mock_host_advance(hosts[0], 5000 * MS);
	ck_assert_uint_eq(hosts[0]->link_reports, 1);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, address_of(0)), -EEXIST);
	ck_assert_int_eq(ops->link_up(nodes[0], 1, address_of(0)), -EINVAL);
}
END_TEST

/* A firewall or a missing route shows only by failing sends: if all fail for a while, the link is reported down. */
START_TEST(a_node_that_cannot_send_to_anybody_knows_it)
{
	send_error = EPERM;
	multicast(0, 100, 3);
	mock_host_advance(hosts[0], 200 * MS);
	send_error = 0;
	token(0, 3, 0); /* a send that succeeds, so the time of failures starts over */
	send_error = EPERM;
	mock_host_advance(hosts[0], 200 * MS);
	multicast(0, 100, 3);
	mock_host_advance(hosts[0], 200 * MS);
	multicast(0, 100, 3);
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 1); /* nothing is reported yet, since the failure may end soon */
	mock_host_advance(hosts[0], 200 * MS);
	multicast(0, 100, 3);
	ck_assert_uint_eq(hosts[0]->link_reports, 1); /* nothing is reported inside a send */
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 2);
	ck_assert_uint_eq(hosts[0]->link_is_up, 0);
	ck_assert_str_eq(hosts[0]->link_text, "every send fails: Operation not permitted");
	ck_assert(mock_host_has_logged(hosts[0], "cannot send to node 2"));

	send_error = 0;
	token(0, 3, 0); /* one peer that is reached is enough for the link to be up */
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 3);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	receive(2, 2);
}
END_TEST

START_TEST(an_address_that_is_not_there_is_waited_for)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5405)};

	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.77", &in.sin_addr), 1); /* an address of no host: RFC 5737 */
	node_close(0);
	node_open(0);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, (struct sockaddr *)&in), 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 1);
	ck_assert_uint_eq(hosts[0]->link_is_up, 0);
	ck_assert_str_eq(hosts[0]->link_text, "the address is not on this host");
	multicast(0, 100, 2);
	token(0, 2, 0);
	mock_host_advance(hosts[0], 5000 * MS);
	ck_assert_uint_eq(hosts[0]->link_reports, 1);
	ck_assert_uint_ge(mock_host_timers(hosts[0]), 1); /* the node still looks for its address */
	receive_nothing(1);                               /* and nothing is sent from another address */
}
END_TEST

START_TEST(an_address_in_use_is_refused_at_start)
{
	struct coterie_ctx *host = mock_host_create(&udpu_LTX_coterie_plugin);
	void *node;

	ck_assert_int_eq(ops->open(&host->table, host, &node), 0);
	ck_assert_int_eq(ops->link_up(node, 0, address_of(0)), -EADDRINUSE);
	ops->close(node);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

START_TEST(open_passes_on_what_the_host_refuses)
{
	struct coterie_ctx *host = mock_host_create(NULL); /* a host without any option of the plugin */
	void *node;

	ck_assert_int_eq(ops->open(&host->table, host, &node), -ENOENT);
	ck_assert_uint_eq(mock_host_destroy(host), 0);

	host = mock_host_create(&udpu_LTX_coterie_plugin);
	host->frames_max = 3;
	ck_assert_int_eq(ops->open(&host->table, host, &node), -ENOMEM);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

START_TEST(statistics_fill_no_more_than_the_executive_knows)
{
	struct coterie_transport_stats stats;

	memset(&stats, 0xee, sizeof(stats));
	multicast(0, 100, 5);
	receive(1, 5);
	stats.size = offsetof(struct coterie_transport_stats, bytes_in);
	ops->stats(nodes[0], &stats);
	ck_assert_uint_eq(stats.frames_out, 10);
	ck_assert_uint_eq(stats.bytes_in, UINT64_C(0xeeeeeeeeeeeeeeee));
	stats.size = sizeof(stats);
	ops->stats(nodes[1], &stats);
	ck_assert_uint_eq(stats.size, sizeof(stats));
	ck_assert_uint_eq(stats.frames_in, 5);
	ck_assert_uint_eq(stats.bytes_in, 500);
}
END_TEST

/* The queue behind a full socket: all frames arrive in order, and the token last, wherever the socket got full. */
START_TEST(members_are_reachable)
{
	struct coterie_node_status status = {.nodeid = 2};
	uint32_t netmtu = 8000;
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &((const struct sockaddr_in *)address_of(1))->sin_addr, text, sizeof(text));
	hosts[0]->member_count = 1;
	hosts[0]->members[0] = 1;
	ck_assert_int_eq(ops->node_status(nodes[0], 2, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 0);
	ck_assert_uint_eq(status.links[0].is_enabled, 1);
	ck_assert_uint_eq(status.links[0].is_connected, 0);
	ck_assert_uint_eq(status.links[0].mtu, 1410);
	ck_assert_str_eq(status.links[0].source, text);
	ck_assert_str_eq(status.links[0].destination, "");
	ck_assert_uint_eq(status.links[1].is_enabled, 0);
	hosts[0]->members[hosts[0]->member_count++] = 2;
	hosts[0]->table.map_set(hosts[0], "totem.netmtu", COTERIE_MAP_U32, &netmtu, sizeof(netmtu));
	ck_assert_int_eq(ops->node_status(nodes[0], 2, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 1);
	ck_assert_uint_eq(status.links[0].is_connected, 1);
	ck_assert_uint_eq(status.links[0].mtu, 7910);
	status = (struct coterie_node_status){0};
	ck_assert_int_eq(ops->node_status(nodes[0], 77, &status), 0);
	ck_assert_uint_eq(status.links[0].is_enabled, 0);
}
END_TEST

START_TEST(a_full_socket_delays_and_loses_nothing)
{
	struct coterie_frame *frame = mock_frame(hosts[0], "late", 4);
	struct coterie_frame *frames[8];

	send_room = _i;
	frames[0] = mock_frame(hosts[0], "first", 5);
	for (uint32_t i = 1; i < 8; i++)
		frames[i] = mock_frame(hosts[0], &(uint8_t[100]){(uint8_t)(i - 1)}, 99 + i / 7);
	ck_assert_int_eq(ops->multicast(nodes[0], frames, 8), 8);
	for (uint32_t i = 0; i < 8; i++)
		hosts[0]->table.frame_unref(frames[i]);
	if (send_room == 0)
		send_room = 1; /* there is room again, but the token must not overtake the frames that wait */
	token(0, 2, 0);

	bool was_full = false;

	while (ops->multicast(nodes[0], &frame, 1) == 0) {
		was_full = true;
		ck_assert_uint_eq(hosts[0]->writable_count, 0);
		send_room = 1;
		mock_host_poll(hosts[0], 2000);
	}
	ck_assert_uint_eq(hosts[0]->writable_count, was_full ? 1 : 0);
	send_room = -1;
	mock_host_poll(hosts[0], 0);
	hosts[0]->table.frame_unref(frame);
	receive(1, 10);
	receive(2, 9);
	for (uint32_t i = 0; i < 7; i++) {
		ck_assert_uint_eq(hosts[1]->frames.list[1 + i].data[0], i);
		ck_assert_uint_eq(hosts[2]->frames.list[1 + i].data[0], i);
	}
	ck_assert_mem_eq(hosts[1]->frames.list[8].data, "token", 5);
	ck_assert_mem_eq(hosts[2]->frames.list[8].data, "late", 4);
	receive_nothing(1);
	receive_nothing(2);
}
END_TEST

START_TEST(closing_gives_back_what_still_waits)
{
	send_room = 1;
	multicast(0, 1000, 7);
	token(0, 3, 0);
	ck_assert_uint_gt(hosts[0]->frames_live, 0);
	node_close(0); /* closing checks that no frame is left */
	send_room = -1;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udpu");
	TCase *tcase = tcase_create("udpu");

	tcase_add_checked_fixture(tcase, set_up, nodes_tear_down);
	tcase_add_loop_test(tcase, a_multicast_reaches_every_other_node_in_order, 0, 6);
	tcase_add_test(tcase, ipv6_carries_the_same);
	tcase_add_test(tcase, the_token_goes_to_one_node_behind_the_frames);
	tcase_add_test(tcase, packets_of_strangers_are_dropped_unless_the_config_wants_them);
	tcase_add_test(tcase, a_listed_address_is_heard_from_any_port);
	tcase_add_test(tcase, what_a_node_hears_of_itself_is_dropped);
	tcase_add_test(tcase, a_removed_peer_gets_nothing_and_is_not_heard);
	tcase_add_test(tcase, a_dead_daemon_is_noticed_and_costs_the_others_nothing);
	tcase_add_loop_test(tcase, answers_of_the_network_are_weighed, 0, (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(tcase, a_flood_of_forged_answers_costs_little);
	tcase_add_test(tcase, refusals_while_others_are_told_take_no_place_of_these);
	tcase_add_loop_test(tcase, an_answer_that_does_not_count_keeps_no_frame_from_a_peer, 0,
		(int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(tcase, a_path_that_refuses_the_offload_is_alone);
	tcase_add_test(tcase, an_answer_about_an_old_datagram_is_dropped);
	tcase_add_test(tcase, a_peer_that_is_away_is_sent_little);
	tcase_add_test(tcase, a_link_is_reported_once);
	tcase_add_test(tcase, a_node_that_cannot_send_to_anybody_knows_it);
	tcase_add_test(tcase, an_address_that_is_not_there_is_waited_for);
	tcase_add_test(tcase, an_address_in_use_is_refused_at_start);
	tcase_add_test(tcase, open_passes_on_what_the_host_refuses);
	tcase_add_test(tcase, members_are_reachable);
	tcase_add_test(tcase, statistics_fill_no_more_than_the_executive_knows);
	tcase_add_loop_test(tcase, a_full_socket_delays_and_loses_nothing, 0, 6);
	tcase_add_test(tcase, closing_gives_back_what_still_waits);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
