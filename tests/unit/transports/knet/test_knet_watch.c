/* SPDX-License-Identifier: BSD-3-Clause */
/* The knet plugin: the state of paths, and which link is reported down. */
#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/knet/knet_nodes.h"

/* The type of a packet is its second byte (book transports, "knet"). */
#define PACKET_PING 0x81
#define PACKET_MTU 0x83 /* libknet measures the MTU of a path with these packets */

static struct knet_nodes nodes;

/* Number of the first node's pings that a firewall will refuse; -1: all. */
static atomic_int refusals;

/* Return whether to refuse this packet. Called in libknet's threads. */
static bool is_refused(int fd, const uint8_t *packet, size_t size)
{
	struct sockaddr_in from = {0};
	socklen_t from_size = sizeof(from);

	if (refusals == 0 || size < 2 || packet[1] != PACKET_PING ||
		getsockname(fd, (struct sockaddr *)&from, &from_size) < 0 ||
		memcmp(&from, &nodes.addresses[0][0], sizeof(from)) != 0)
		return false;
	if (refusals > 0)
		refusals--;
	return true;
}

/* The network loses the larger packets that measure the MTU. */
static atomic_bool are_looks_lost;
/* The network loses all pings. */
static atomic_bool are_pings_lost;

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	if (is_refused(fd, bytes, size)) {
		errno = EPERM;
		return -1;
	}
	if (are_looks_lost && size > 200 && ((const uint8_t *)bytes)[1] == PACKET_MTU)
		return (ssize_t)size;
	if (are_pings_lost && size >= 2 && ((const uint8_t *)bytes)[1] == PACKET_PING)
		return (ssize_t)size;
	return syscall(SYS_sendto, fd, bytes, size, flags, to, to_size);
}

static bool is_connected(struct knet_nodes *all, uint32_t links) { return knet_is_connected(all, links); }

static void start(uint32_t count, uint32_t links)
{
	knet_nodes_start(&nodes, links, count);
	ck_assert(knet_wait(&nodes, is_connected, links));
}

static void set_up(void) { knet_nodes_init(&nodes); }

static void tear_down(void)
{
	refusals = 0;
	are_looks_lost = are_pings_lost = false;
	knet_nodes_fini(&nodes);
}

static bool is_reachable(struct knet_nodes *all, uint32_t wanted)
{
	struct coterie_node_status status = {.size = sizeof(status)};

	all->ops->node_status(all->list[0].mesh, 2, &status);
	return status.is_reachable == wanted;
}

/*
 * A node that still answers must never be reported dead, even if a forged ICMP error takes its link down for a while.
 */
START_TEST(a_live_node_is_never_told)
{
	struct knet_link_status status;

	start(2, 1);
	knet_serve_for(&nodes, 300); /* wait until the node is known to be reachable */
	/* Disable the link and enable it again, which takes it down as a forged error does. */
	knet_link_set_enable(nodes.list[0].mesh->handle, 2, 0, 0);
	knet_link_set_enable(nodes.list[0].mesh->handle, 2, 0, 1);
	ck_assert(knet_wait(&nodes, is_reachable, 1));
	knet_link_get_status(nodes.list[0].mesh->handle, 2, 0, &status, sizeof(status));
	ck_assert_uint_ge(status.stats.down_count, 1);
	knet_serve_for(&nodes, 500);
	ck_assert_uint_eq(nodes.list[0].host->dead_count, 0);
	ck_assert_uint_eq(nodes.list[0].host->link_is_up, 1);
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 1);
}
END_TEST

static bool has_large_mtu(struct knet_nodes *all, uint32_t wanted)
{
	struct knet_link_status status = {0};

	knet_link_get_status(all->list[0].mesh->handle, 2, 0, &status, sizeof(status));
	return (status.mtu > 1280) == (wanted != 0);
}

static bool has_small_packets(struct knet_nodes *all, uint32_t wanted)
{
	return (all->list[0].mesh->mtu_held_ns != 0) == (wanted != 0);
}

/* Send a frame that is larger than the small packets. @return whether node 1 has received `count` of them */
static bool is_carried(struct knet_nodes *all, uint32_t count)
{
	knet_multicast(all, 0, 1400, 1, 0);
	return all->list[1].host->frames.count >= count;
}

/*
 * Wait for the end of a search for the MTU: it takes 13 s. On a busy machine a late pong takes the path down for a
 * moment, which makes libknet begin the search again.
 */
static bool wait_for_search(bool (*is_done)(struct knet_nodes *all, uint32_t number), uint32_t number)
{
	for (int i = 0; i < 12; i++)
		if (knet_wait(&nodes, is_done, number))
			return true;
	return false;
}

/*
 * A lossy network loses packets with which libknet measures the MTU. libknet may then find none that it uses, and
 * without an MTU it sends nothing. So frames go in small packets meanwhile. Some time after the loss has ended the
 * large MTU is found.
 */
START_TEST(a_path_whose_mtu_is_not_found_carries_frames)
{
	struct mesh *mesh;

	start(2, 1);
	mesh = nodes.list[0].mesh;
	/* On a busy machine even the first search may take too long, and packets are small for some time. */
	ck_assert(wait_for_search(has_large_mtu, 1));
	ck_assert(wait_for_search(has_small_packets, 0));
	are_looks_lost = true;
	knet_handle_pmtud_set(mesh->handle, 0); /* measure the MTU now */
	/* A late pong makes the node unreachable as well, so that is no sign that the search has failed. */
	ck_assert(wait_for_search(has_small_packets, 1));
	mesh->mtu_held_ns = UINT64_MAX; /* packets stay small until the loss has ended */
	ck_assert(knet_wait(&nodes, is_reachable, 1));
	ck_assert(has_large_mtu(&nodes, 0));
	ck_assert(knet_wait(&nodes, is_carried, 1));
	are_looks_lost = false;
	mesh->mtu_held_ns = mesh_clock_ns();
	knet_age(&nodes, 0);
	ck_assert(wait_for_search(has_large_mtu, 1));
	ck_assert(knet_wait(&nodes, is_reachable, 1));
}
END_TEST

static bool is_link_up(struct knet_nodes *all, uint32_t wanted) { return all->list[0].host->link_is_up == wanted; }

/*
 * The ring begins when a peer is reached, since a ring of one is merged late in a large ring. But a node waits for a
 * peer only for a moment.
 */
START_TEST(the_ring_begins_when_a_peer_is_there_or_after_a_moment)
{
	uint64_t began_ns = mesh_clock_ns();

	knet_nodes_start(&nodes, 1, 2);
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 0);
	ck_assert(knet_wait(&nodes, is_link_up, 1));
	/* Skip the check if the machine was too slow. */
	ck_assert(mesh_clock_ns() - began_ns > 1200 * MS || nodes.list[0].mesh->links[0].connected_ns != 0);
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 1);

	knet_node_start(&nodes, 2, 1, 2); /* the node is neither in its own list nor in those of the others */
	knet_serve_for(&nodes, 500);
	ck_assert_uint_eq(nodes.list[2].host->link_reports, 0);
	knet_age(&nodes, 2);
	ck_assert_uint_eq(nodes.list[2].host->link_is_up, 1);
	ck_assert_uint_eq(nodes.list[2].host->link_reports, 1);
}
END_TEST

/* Add peers to the first node until it has so many, which have addresses that nobody answers at. */
static void add_silent_peers(uint32_t count)
{
	for (uint32_t id = KNET_NODES + 1; nodes.list[0].mesh->peer_count < count; id++) {
		struct sockaddr_in address;

		if (mesh_peer_find(nodes.list[0].mesh, id) != NULL)
			continue;
		memcpy(&address, &nodes.addresses[0][0], sizeof(address));
		address.sin_addr.s_addr ^= htonl(128 + id);
		ck_assert_int_eq(nodes.ops->peer_add(nodes.list[0].mesh, 0, id, (struct sockaddr *)&address), 0);
	}
}

static bool has_connected(struct knet_nodes *all, uint32_t wanted)
{
	return all->list[0].mesh->links[0].connected == wanted;
}

/* Return whether the machine was too slow: the link begins 3.6 s after it was opened at the latest, whatever comes up. */
static bool is_late(const struct mesh_link *link) { return link->connected_ns > link->opened_ns + 3000 * MS; }

/* In a large ring pings are further apart, so it takes longer until all peers are up. */
START_TEST(the_ring_begins_when_no_more_peers_come_up)
{
	knet_nodes_start(&nodes, 1, 2);
	add_silent_peers(60);

	struct mesh_link *link = &nodes.list[0].mesh->links[0];

	ck_assert(knet_wait(&nodes, has_connected, 1));
	if (nodes.list[0].host->link_reports >
		0) { /* a slow machine: the pause is over before the test sees the peer */
		ck_assert(mesh_clock_ns() >= link->connected_ns + 600 * MS || is_late(link));
		return;
	}
	/* As if this peer were the second one, and came up a good deal later than the first. */
	knet_serve_for(&nodes, 300);

	uint64_t first_ns = link->connected_ns;

	link->connected = 0;
	ck_assert(knet_wait(&nodes, is_link_up, 1));
	ck_assert(link->connected_ns > first_ns);
	/* It waits for six intervals at most, and by a step more. */
	ck_assert(mesh_clock_ns() >= link->connected_ns + 600 * MS || is_late(link));
	ck_assert(mesh_clock_ns() < link->opened_ns + 3600 * MS + 200 * MS || is_late(link));
}
END_TEST

/* A node that is the only one in the list does not wait. */
START_TEST(the_ring_of_one_begins_at_once)
{
	knet_node_start(&nodes, 0, 1, 1);
	ck_assert_uint_eq(nodes.list[0].host->link_is_up, 1);
}
END_TEST

/* Silence, even of all peers at once, must be reported neither as a daemon's end nor as a link that is down. */
START_TEST(silence_is_not_reported)
{
	start(2, 1);
	knet_serve_for(&nodes, 300);
	knet_node_stop(&nodes, 1);
	knet_multicast(&nodes, 0, 100, 1, 0);
	ck_assert(knet_wait(&nodes, is_reachable, 0));
	knet_serve_for(&nodes, 4 * 600); /* longer than the timeout and the patience of libknet */
	ck_assert(!nodes.list[0].mesh->peers[1]->paths[0].is_connected);
	ck_assert_uint_eq(nodes.list[0].host->dead_count, 0);
	ck_assert_uint_eq(nodes.list[0].host->link_is_up, 1);
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 1);
	knet_node_start(&nodes, 1, 1, 2);
	ck_assert(knet_wait(&nodes, is_connected, 1));
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 1);
}
END_TEST

static uint32_t timeout_of(uint32_t link)
{
	time_t interval, timeout = 0;
	unsigned int precision;

	knet_link_get_ping_timers(nodes.list[0].mesh->handle, 2, (uint8_t)link, &interval, &timeout, &precision);
	return (uint32_t)timeout;
}

static bool is_path_down(struct knet_nodes *all, uint32_t link)
{
	return !all->list[0].mesh->peers[1]->paths[link].is_connected;
}

/* Until libknet uses a path again that was down, more time passes than the budget allows. */
START_TEST(with_a_budget_for_silence_the_only_path_carries_frames_without_pongs)
{
	for (uint32_t node = 0; node < 2; node++)
		knet_set_number(&nodes, node, "runtime.config.totem.silence", 500);
	start(2, 1);
	knet_serve_for(&nodes, 1000);
	are_pings_lost = true;
	ck_assert(knet_wait(&nodes, is_path_down, 0));
	ck_assert(is_reachable(&nodes, 0)); /* status and statistics have the timeout of the operator */
	knet_serve_for(&nodes, 10 * 600);   /* longer than libknet's own patience */
	knet_multicast(&nodes, 0, 100, 1, 0);
	knet_receive(&nodes, 1, 1);
	are_pings_lost = false;
	ck_assert(knet_wait(&nodes, is_reachable, 1));
}
END_TEST

START_TEST(a_path_with_another_one_beside_it_keeps_its_timeout)
{
	struct mesh *mesh;

	knet_set_number(&nodes, 0, "runtime.config.totem.silence", 500);
	start(2, 2);
	mesh = nodes.list[0].mesh;
	ck_assert_uint_eq(timeout_of(0), 600);
	ck_assert_uint_eq(timeout_of(1), 600);
	nodes.ops->link_down(mesh, 1);
	ck_assert_uint_eq(timeout_of(0), 60000);
	ck_assert_int_eq(nodes.ops->link_up(mesh, 1, (const struct sockaddr *)&nodes.addresses[1][0]), 0);
	ck_assert_uint_eq(timeout_of(0), 600);
	nodes.ops->link_down(mesh, 0);
	ck_assert_uint_eq(timeout_of(1), 60000);
	knet_set_number(&nodes, 0, "runtime.config.totem.silence", 0);
	ck_assert_int_eq(nodes.ops->reload(mesh), 0);
	ck_assert_uint_eq(timeout_of(1), 600);
}
END_TEST

/* Packets still arrive on this link. Only the refusal of the node's own pings shows that it cannot send. */
START_TEST(a_link_that_pings_are_refused_on_is_down)
{
	/* Ping slowly, so that three refused pings take the link down about a second before knet's timeout does. */
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_number(&nodes, node, "runtime.config.totem.interface.0.knet_ping_interval", 400);
		knet_set_number(&nodes, node, "runtime.config.totem.interface.0.knet_ping_timeout", 2000);
	}
	if (_i == 1) { /* with a third node that does not run, so pings to it are sent and not answered */
		knet_node_start(&nodes, 0, 1, 3);
		knet_node_start(&nodes, 1, 1, 3);
		ck_assert(knet_wait(&nodes, is_connected, 1));
	} else {
		start(2, 1);
	}
	knet_serve_for(&nodes, 1000);
	refusals = -1;
	ck_assert(knet_wait(&nodes, is_link_up, 0));
	ck_assert_str_eq(nodes.list[0].host->link_text, "pings on it are refused");
	ck_assert_uint_eq(nodes.list[0].host->dead_count, 0); /* no peer is reported dead */
	if (_i == 2)
		knet_node_stop(&nodes, 1); /* pings are sent again, but no node answers */
	refusals = 0;
	ck_assert(knet_wait(&nodes, is_link_up, 1));
	knet_serve_for(&nodes, 1000);
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 3);
}
END_TEST

static bool has_pongs(struct knet_nodes *all, uint32_t count)
{
	return all->list[0].mesh->peers[1]->paths[0].pongs >= count;
}

/* Single refusals may come from forged ICMP errors, so they take no link down. */
START_TEST(a_ping_that_fails_now_and_then_is_no_sign)
{
	start(2, 1);
	for (int i = 0; i < 4; i++) {
		refusals = 2;
		while (refusals > 0)
			knet_serve(&nodes, 5);
		ck_assert(knet_wait(&nodes, has_pongs, (uint32_t)nodes.list[0].mesh->peers[1]->paths[0].pongs + 1));
	}
	ck_assert_uint_eq(nodes.list[0].host->link_reports, 1);
}
END_TEST

static bool has_interval(struct knet_nodes *all, uint32_t wanted) { return knet_interval(all, 0, 2) == wanted; }

/* A path needs three pongs to come up, which takes seconds at the ping interval of a large ring. */
START_TEST(a_path_is_pinged_more_often_until_it_is_up)
{
	const char *key = "runtime.config.totem.interface.0.knet_ping_interval";

	for (uint32_t node = 0; node < 2; node++) {
		knet_set_number(&nodes, node, "totem.interface.0.knet_ping_interval", 1400);
		knet_set_number(&nodes, node, key, 1400);
		knet_set_number(&nodes, node, "runtime.config.totem.interface.0.knet_ping_timeout", 9000);
	}
	start(2, 1);
	ck_assert(knet_wait(&nodes, has_interval, 1400));
	knet_node_stop(&nodes, 1);
	knet_multicast(&nodes, 0, 100, 1, 0);
	ck_assert(knet_wait(&nodes, is_reachable, 0));
	ck_assert(knet_wait(&nodes, has_interval, 200));
	/* A link that is not up after a while is pinged at the configured interval again. */
	knet_age(&nodes, 0);
	ck_assert_uint_eq(knet_interval(&nodes, 0, 2), 1400);
	knet_serve_for(&nodes, 300);
	ck_assert_uint_eq(knet_interval(&nodes, 0, 2), 1400);
	/* When node 1 runs again, the path is pinged more often until it is up. */
	knet_set_number(&nodes, 1, "totem.interface.0.knet_ping_interval", 1400);
	knet_set_number(&nodes, 1, key, 1400);
	knet_node_start(&nodes, 1, 1, 2);
	ck_assert_uint_eq(knet_interval(&nodes, 1, 1), 200);
	ck_assert(knet_wait(&nodes, has_interval, 200));
	ck_assert(knet_wait(&nodes, is_connected, 1));
	ck_assert(knet_wait(&nodes, has_interval, 1400));
	/* The map keeps the configured interval: only libknet has the shorter one. */
	ck_assert_uint_eq(mesh_map_number(nodes.list[0].mesh, key, 0), 1400);
	ck_assert_uint_eq(mesh_map_number(nodes.list[1].mesh, key, 0), 1400);
}
END_TEST

/* Start node 0, which pings its peers at this interval. */
static void start_alone(uint32_t interval_ms)
{
	knet_set_number(&nodes, 0, "totem.interface.0.knet_ping_interval", interval_ms);
	knet_set_number(&nodes, 0, "runtime.config.totem.interface.0.knet_ping_interval", interval_ms);
	knet_set_number(&nodes, 0, "runtime.config.totem.interface.0.knet_ping_timeout", 9000);
	knet_nodes_start(&nodes, 1, 1);
}

/* Many nodes that start at the same time would otherwise have no time for anything but each other's pings. */
START_TEST(many_peers_are_pinged_less_often)
{
	start_alone(1400);
	add_silent_peers(20);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 19), 200);
	add_silent_peers(60);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 59), 600);
	add_silent_peers(120);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 119), 1200);
	add_silent_peers(150);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 149), 1400);
}
END_TEST

/* Nodes that are added to the list may make quick pings slower than those of a path that is pinged quickly. */
START_TEST(quick_pings_end_although_more_peers_were_added)
{
	start_alone(500);
	add_silent_peers(2);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 1), 200);
	add_silent_peers(60);
	knet_age(&nodes, 0);
	ck_assert_uint_eq(knet_interval(&nodes, 0, KNET_NODES + 1), 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("knet_watch");
	TCase *tcase = tcase_create("knet_watch");
	TCase *search = tcase_create("search");

	tcase_add_checked_fixture(search, set_up, tear_down);
	tcase_set_timeout(search, 600); /* the sum of its waits */
	tcase_add_test(search, a_path_whose_mtu_is_not_found_carries_frames);
	suite_add_tcase(suite, search);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_live_node_is_never_told);
	tcase_add_test(tcase, the_ring_begins_when_a_peer_is_there_or_after_a_moment);
	tcase_add_test(tcase, the_ring_begins_when_no_more_peers_come_up);
	tcase_add_test(tcase, the_ring_of_one_begins_at_once);
	tcase_add_test(tcase, silence_is_not_reported);
	tcase_add_test(tcase, with_a_budget_for_silence_the_only_path_carries_frames_without_pongs);
	tcase_add_test(tcase, a_path_with_another_one_beside_it_keeps_its_timeout);
	tcase_add_loop_test(tcase, a_link_that_pings_are_refused_on_is_down, 0, 3);
	tcase_add_test(tcase, a_ping_that_fails_now_and_then_is_no_sign);
	tcase_add_test(tcase, a_path_is_pinged_more_often_until_it_is_up);
	tcase_add_test(tcase, many_peers_are_pinged_less_often);
	tcase_add_test(tcase, quick_pings_end_although_more_peers_were_added);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
