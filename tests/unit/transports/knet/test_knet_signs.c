/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The knet plugin: certain signs that a node's daemon has ended, which are the end of its TCP connection, and refused
 * pokes.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/knet/knet_nodes.h"

static struct knet_nodes nodes;

static void set_up(void) { knet_nodes_init(&nodes); }

static void tear_down(void) { knet_nodes_fini(&nodes); }

static struct tripwire *wire_of(uint32_t node) { return &nodes.list[node].mesh->signs.wire; }

static struct tripwire_guest *guest_of(uint32_t node)
{
	struct tripwire_guest *guest = wire_of(node)->guests;

	ck_assert_ptr_nonnull(guest);
	return guest;
}

/* Check the number of a node's reports about its connections so far, and the last one. */
static void check_told(uint32_t node, uint32_t count, uint32_t nodeid, uint32_t state)
{
	const struct mock_queue *told = &nodes.list[node].host->watches;

	for (int i = 0; i < 200 && told->count < count; i++)
		knet_serve(&nodes, 5);
	knet_serve_for(&nodes, 50);
	ck_assert_uint_eq(told->count, count);
	ck_assert_uint_eq(told->list[count - 1].id, nodeid);
	ck_assert_mem_eq(told->list[count - 1].data, &state, sizeof(state));
}

/* Start two nodes. The first one watches the second one. */
static void start_watch(uint32_t links)
{
	knet_nodes_start(&nodes, links, 2);
	nodes.ops->watch(nodes.list[0].mesh, 2);
	ck_assert_uint_eq(nodes.list[0].host->watches.count, 0); /* nothing is reported inside watch() */
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t size = sizeof(in);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	return ntohs(in.sin_port);
}

/* Close the connection without a goodbye, as a kernel does for a killed process. */
START_TEST(a_close_without_goodbye_breaks_the_watch)
{
	struct tripwire_guest *guest;

	start_watch(1);
	guest = guest_of(1);
	nodes.list[1].host->table.fd_del(nodes.list[1].host, guest->fd);
	close(guest->fd);
	guest->fd = -1;
	check_told(0, 2, 2, COTERIE_WATCH_CLOSED);
	ck_assert_uint_eq(nodes.list[0].host->dead_count, 0);
}
END_TEST

START_TEST(a_node_that_stops_says_goodbye)
{
	start_watch(1);
	knet_node_stop(&nodes, 1);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
}
END_TEST

START_TEST(a_reload_switches_it_off_and_on)
{
	start_watch(1);
	mock_host_option(nodes.list[1].host, "tripwire", "no");
	ck_assert_int_eq(nodes.ops->reload(nodes.list[1].mesh), 0);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_int_eq(wire_of(1)->listen_fd, -1);
	mock_host_option(nodes.list[1].host, "tripwire", "yes");
	ck_assert_int_eq(nodes.ops->reload(nodes.list[1].mesh), 0);
	nodes.ops->watch(nodes.list[0].mesh, 2);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

START_TEST(it_moves_to_the_lowest_open_link)
{
	start_watch(2);
	ck_assert_uint_eq(port_of(wire_of(1)->listen_fd), 5405);
	/* Changes of another link have no effect. */
	nodes.ops->link_down(nodes.list[0].mesh, 1);
	ck_assert_int_eq(nodes.ops->link_up(nodes.list[0].mesh, 1, (struct sockaddr *)&nodes.addresses[1][0]), 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	for (uint32_t node = 0; node < 2; node++)
		nodes.ops->link_down(nodes.list[node].mesh, 0);
	ck_assert_uint_eq(nodes.list[0].host->watches.count, 1); /* nothing is reported inside watch() */
	check_told(1, 3, 1, COTERIE_WATCH_ON);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(port_of(wire_of(1)->listen_fd), 5406);
	nodes.ops->link_down(nodes.list[0].mesh, 1); /* close the last link */
	check_told(0, 4, 2, COTERIE_WATCH_OFF);
	check_told(1, 4, 1, COTERIE_WATCH_OFF);
}
END_TEST

START_TEST(a_node_that_leaves_the_list_is_watched_no_more)
{
	start_watch(2);
	nodes.ops->peer_del(nodes.list[0].mesh, 1, 2);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	nodes.ops->peer_del(nodes.list[0].mesh, 0, 2);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_uint_eq(nodes.list[0].mesh->signs.peers.count, 1);
	ck_assert_int_eq(nodes.ops->peer_add(nodes.list[0].mesh, 0, 2, (struct sockaddr *)&nodes.addresses[0][1]), 0);
	nodes.ops->watch(nodes.list[0].mesh, 2);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

/* Another program uses the TCP port. So the other nodes cannot watch this node, but all else works. */
START_TEST(a_port_that_is_taken_is_no_failure)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&nodes.addresses[0][0], sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	knet_node_start(&nodes, 0, 1, 2);
	ck_assert(mock_host_has_logged(nodes.list[0].host, "cannot listen on TCP"));
	close(fd);
}
END_TEST

/* ---- Pokes ------------------------------------------------------------------- */

static const char question[] = "a frame that only the prober knows, which is quoted as it was sent";

static int poke(uint32_t node, uint32_t nodeid)
{
	struct coterie_ctx *host = nodes.list[node].host;
	struct coterie_frame *frame = mock_frame(host, question, sizeof(question));
	uint32_t refused = host->refused.count;
	int rc = nodes.ops->poke(nodes.list[node].mesh, nodeid, frame);

	host->table.frame_unref(frame);
	ck_assert_uint_eq(host->refused.count, refused); /* nothing is reported inside poke() */
	return rc;
}

static bool is_refused(struct knet_nodes *all, uint32_t count) { return all->list[0].host->refused.count >= count; }

static void check_refused(uint32_t count)
{
	const struct mock_queue *refused = &nodes.list[0].host->refused;

	ck_assert(knet_wait(&nodes, is_refused, count));
	ck_assert_uint_eq(refused->count, count);
	ck_assert_uint_eq(refused->list[count - 1].id, 2);
	ck_assert_uint_eq(refused->list[count - 1].size, sizeof(question));
	ck_assert_mem_eq(refused->list[count - 1].data, question, sizeof(question));
}

START_TEST(a_poke_of_a_dead_daemon_is_refused)
{
	knet_node_start(&nodes, 0, 2, 2); /* node 2 never starts */
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(poke(0, 2), 0);
		check_refused(i);
	}
	/* A send may return the error of the send before, if that was not read yet. */
	ck_assert_int_eq(poke(0, 2), 0);
	ck_assert_int_eq(poke(0, 2), 0);
	check_refused(5);
	ck_assert_int_eq(poke(0, 1), -ENOENT);
	ck_assert_int_eq(poke(0, 9), -ENOENT);
	ck_assert_int_eq(nodes.list[0].mesh->signs.poke_fds[1], -1); /* no second link was tried */
	nodes.ops->link_down(nodes.list[0].mesh, 0);
	ck_assert_int_eq(nodes.list[0].mesh->signs.poke_fds[0], -1);
	ck_assert_int_eq(poke(0, 2), 0); /* the poke is sent over the other link */
	check_refused(6);
}
END_TEST

static uint32_t told[8], told_count;

/* The executive asks node 2 when it is told of the first refusal, and these pokes are refused, too. */
static void note_told(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size)
{
	(void)ctx, (void)quote, (void)size;
	ck_assert_uint_lt(told_count, 8);
	told[told_count++] = nodeid;
	for (int i = 0; told_count == 1 && i < 3; i++)
		ck_assert_int_eq(poke(0, 2), 0);
}

static bool are_told(struct knet_nodes *all, uint32_t count)
{
	(void)all;
	return told_count >= count;
}

START_TEST(refusals_while_others_are_told_take_no_place_of_these)
{
	static const uint32_t want[] = {2, 3, 2, 2, 2};

	told_count = 0;
	knet_node_start(&nodes, 0, 1, 3); /* the others never start */
	nodes.list[0].host->table.peer_refused = note_told;
	ck_assert_int_eq(poke(0, 2), 0);
	ck_assert_int_eq(poke(0, 3), 0);
	ck_assert(knet_wait(&nodes, are_told, 5));
	ck_assert_mem_eq(told, want, sizeof(want));
}
END_TEST

static bool is_connected(struct knet_nodes *all, uint32_t links) { return knet_is_connected(all, links); }

START_TEST(a_poke_of_a_live_daemon_does_nothing)
{
	if (_i == 1) {
		knet_set_key(&nodes, 0, "openssl", 1);
		knet_set_key(&nodes, 1, "openssl", 1);
	}
	knet_nodes_start(&nodes, 1, 2);
	ck_assert(knet_wait(&nodes, is_connected, 1));
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(poke(0, 2), 0);
	knet_serve_for(&nodes, 300);
	ck_assert_uint_eq(nodes.list[0].host->refused.count, 0);
	ck_assert_uint_eq(nodes.list[1].host->frames.count, 0);
	ck_assert(knet_is_connected(&nodes, 1));
}
END_TEST

/* A daemon that runs has no UDP socket on such a link, so its kernel would refuse a poke. */
START_TEST(a_link_over_sctp_is_not_poked)
{
	knet_node_start(&nodes, 0, 2, 2);
	nodes.list[0].mesh->links[0].transport = KNET_TRANSPORT_SCTP;
	ck_assert_int_eq(poke(0, 2), 0);
	check_refused(1);
	ck_assert_int_eq(nodes.list[0].mesh->signs.poke_fds[0], -1);
	nodes.list[0].mesh->links[1].transport = KNET_TRANSPORT_SCTP;
	ck_assert_int_eq(poke(0, 2), -EPROTONOSUPPORT);
	knet_serve_for(&nodes, 50);
	ck_assert_uint_eq(nodes.list[0].host->refused.count, 1);
}
END_TEST

/* A refusal by another port, or about a node that was removed from the list, may come from another program. */
START_TEST(a_refusal_by_another_port_is_not_told)
{
	struct sockaddr_in *in;

	knet_node_start(&nodes, 0, 1, 2);
	ck_assert_int_eq(poke(0, 2), 0);
	in = (struct sockaddr_in *)&nodes.list[0].mesh->peers[1]->paths[0].address;
	in->sin_port = htons(1);
	knet_serve_for(&nodes, 50);
	ck_assert_uint_eq(nodes.list[0].host->refused.count, 0);
}
END_TEST

/* Datagrams of strangers to the socket for pokes must neither keep the loop busy nor hide errors. */
START_TEST(strangers_do_not_fill_the_socket)
{
	static const uint8_t noise[1000];
	struct sockaddr_storage to;
	socklen_t size = sizeof(to);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	knet_node_start(&nodes, 0, 1, 2);
	ck_assert_int_eq(poke(0, 2), 0);
	check_refused(1);
	ck_assert_int_eq(getsockname(nodes.list[0].mesh->signs.poke_fds[0], (struct sockaddr *)&to, &size), 0);
	for (int i = 0; i < 1000; i++)
		(void)!sendto(fd, noise, sizeof(noise), MSG_DONTWAIT, (struct sockaddr *)&to, size);
	close(fd);
	knet_serve_for(&nodes, 50);
	ck_assert_int_lt(recv(nodes.list[0].mesh->signs.poke_fds[0], &to, 1, MSG_DONTWAIT | MSG_PEEK), 0);
	ck_assert_int_eq(poke(0, 2), 0);
	check_refused(2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("knet_signs");
	TCase *tcase = tcase_create("knet_signs");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_close_without_goodbye_breaks_the_watch);
	tcase_add_test(tcase, a_node_that_stops_says_goodbye);
	tcase_add_test(tcase, a_reload_switches_it_off_and_on);
	tcase_add_test(tcase, it_moves_to_the_lowest_open_link);
	tcase_add_test(tcase, a_node_that_leaves_the_list_is_watched_no_more);
	tcase_add_test(tcase, a_port_that_is_taken_is_no_failure);
	tcase_add_test(tcase, a_poke_of_a_dead_daemon_is_refused);
	tcase_add_test(tcase, refusals_while_others_are_told_take_no_place_of_these);
	tcase_add_loop_test(tcase, a_poke_of_a_live_daemon_does_nothing, 0, 2);
	tcase_add_test(tcase, a_link_over_sctp_is_not_poked);
	tcase_add_test(tcase, a_refusal_by_another_port_is_not_told);
	tcase_add_test(tcase, strangers_do_not_fill_the_socket);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
