/* SPDX-License-Identifier: BSD-3-Clause */
/* The knet plugin: frames, peers, links, and how it starts and ends. */
#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/knet/knet_nodes.h"

static struct knet_nodes nodes;

/* Number of messages that the socket to libknet accepts before it is full; -1: not limited. */
static int send_room = -1;
static bool are_buffers_refused; /* the system refuses the large socket buffers, even to a privileged handle */

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	if (send_room == 0 && fd == nodes.list[0].mesh->data_fd) {
		errno = EAGAIN;
		return -1;
	}
	if (send_room > 0 && (int)count > send_room)
		count = (unsigned int)send_room;

	int sent = (int)syscall(SYS_sendmmsg, fd, messages, count, flags);

	if (sent > 0 && send_room > 0)
		send_room -= sent;
	return sent;
}

static int paths_refused; /* so many paths are refused */

int knet_link_set_config(knet_handle_t handle, knet_node_id_t host, uint8_t link, uint8_t transport,
	struct sockaddr_storage *from, struct sockaddr_storage *to, uint64_t flags)
{
	int (*real)(knet_handle_t, knet_node_id_t, uint8_t, uint8_t, struct sockaddr_storage *,
		struct sockaddr_storage *, uint64_t) = NULL;

	if (paths_refused > 0) {
		paths_refused--;
		errno = ENOMEM;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "knet_link_set_config");
	return real(handle, host, link, transport, from, to, flags);
}

knet_handle_t knet_handle_new(knet_node_id_t id, int log_fd, uint8_t level)
{
	knet_handle_t (*real)(knet_node_id_t, int, uint8_t) = NULL;

	if (are_buffers_refused) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "knet_handle_new");
	return real(id, log_fd, level);
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
	send_room = -1;
	knet_nodes_fini(&nodes);
}

static const struct sockaddr *address_of(uint32_t link, uint32_t node)
{
	return (const struct sockaddr *)&nodes.addresses[link][node];
}

static const struct mock_message *frame_of(uint32_t node, uint32_t number)
{
	return &nodes.list[node].host->frames.list[number];
}

/* ---- Frames -------------------------------------------------------------- */

START_TEST(a_multicast_reaches_every_other_node_in_order)
{
	static const uint32_t sizes[] = {14, 29, 1446, 4096, 4097, 65536};
	uint32_t at = 0;

	start(3, 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t count = sizes[i] > 4097 ? 5 : 200;

		ck_assert_int_eq(knet_multicast(&nodes, 0, sizes[i], count, 0), (int)count);
		for (uint32_t node = 1; node < 3; node++) {
			knet_receive(&nodes, node, at + count);
			for (uint32_t k = 0; k < count; k++) {
				ck_assert_uint_eq(frame_of(node, at + k)->size, sizes[i]);
				ck_assert_uint_eq(frame_of(node, at + k)->data[sizes[i] - 1], k);
			}
		}
		at += count;
	}
	/* The transport does not return a node's own frames: the executive does. */
	ck_assert_uint_eq(nodes.list[0].host->frames.count, 0);
	/* Frames that arrive together are passed on in one call. */
	ck_assert_uint_lt(nodes.list[1].host->batches, at / 2);
}
END_TEST

START_TEST(the_token_goes_to_one_node_behind_the_frames)
{
	start(3, 1);
	knet_multicast(&nodes, 0, 1400, 40, 0);
	ck_assert_int_eq(knet_token(&nodes, 0, 2), 0);
	knet_receive(&nodes, 1, 41);
	ck_assert_uint_eq(frame_of(1, 40)->data[20], 'T');
	knet_receive(&nodes, 2, 40);
	knet_multicast(&nodes, 0, 1400, 1, 7);
	knet_receive(&nodes, 2, 41);
	ck_assert_uint_eq(frame_of(2, 40)->data[20], 7);
	ck_assert_int_eq(knet_token(&nodes, 0, 1), -ENOENT); /* the node itself */
	ck_assert_int_eq(knet_token(&nodes, 0, 9), -ENOENT);
}
END_TEST

START_TEST(a_full_socket_delays_and_loses_nothing)
{
	start(2, 1);
	send_room = 3;
	ck_assert_int_eq(knet_multicast(&nodes, 0, 100, 10, 0), 10);
	ck_assert_int_eq(knet_token(&nodes, 0, 2), 0);
	/* Frames that are refused must be sent again by the caller. */
	ck_assert_int_eq(knet_multicast(&nodes, 0, 100, 10, 50), 0);
	knet_receive(&nodes, 1, 3);
	ck_assert_uint_eq(nodes.list[0].host->writable_count, 0);
	send_room = -1;
	knet_receive(&nodes, 1, 11);
	ck_assert_uint_eq(nodes.list[0].host->writable_count, 1);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_uint_eq(frame_of(1, i)->data[99], i);
	ck_assert_uint_eq(frame_of(1, 10)->data[20], 'T');
	knet_serve_for(&nodes, 20);
	ck_assert_uint_eq(nodes.list[0].host->writable_count, 1);
}
END_TEST

START_TEST(frames_that_cannot_be_carried_are_lost_alone)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	start(2, 1);
	knet_multicast(&nodes, 0, 0, 1, 0); /* an empty frame is not sent: it would look like the end of the socket */
	knet_multicast(&nodes, 0, 12, 1, 0);
	knet_multicast(&nodes, 0, 65537, 1, 0);
	knet_multicast(&nodes, 0, 13, 1, 0);
	knet_receive(&nodes, 1, 1);
	nodes.ops->stats(nodes.list[0].mesh, &stats);
	ck_assert_uint_eq(stats.send_errors, 3);
	ck_assert_uint_eq(stats.frames_out, 1);
	ck_assert_uint_eq(stats.bytes_out, 13);
	nodes.ops->stats(nodes.list[1].mesh, &stats);
	ck_assert_uint_eq(stats.frames_in, 1);
}
END_TEST

START_TEST(without_memory_frames_are_lost_and_the_socket_is_not_left_full)
{
	start(2, 1);
	nodes.list[1].host->frames_max = nodes.list[1].host->frames_live;
	knet_multicast(&nodes, 0, 100, 50, 0);
	knet_multicast(&nodes, 0, 30000, 50, 0);
	knet_serve_for(&nodes, 100);
	nodes.list[1].host->frames_max = 0;

	uint32_t count = nodes.list[1].host->frames.count;

	knet_multicast(&nodes, 0, 100, 1, 0);
	knet_receive(&nodes, 1, count + 1);
}
END_TEST

START_TEST(a_broken_socket_is_made_again)
{
	start(2, 1);
	ck_assert_int_eq((int)send(nodes.list[0].mesh->data_fd, "", 0, 0), 0);
	while (!mock_host_has_logged(nodes.list[0].host, "was made again"))
		knet_serve(&nodes, 5);
	knet_multicast(&nodes, 0, 100, 1, 0);
	knet_receive(&nodes, 1, 1);
	knet_multicast(&nodes, 1, 100, 1, 0);
	knet_receive(&nodes, 0, 1);
}
END_TEST

/* Stored frames have used up the memory for large ones, and only tokens can free them. */
START_TEST(a_token_is_read_without_memory_for_large_frames)
{
	start(2, 1);
	nodes.list[1].host->frame_size_max = 16384;
	knet_multicast(&nodes, 0, 22000, 20, 0);
	knet_token(&nodes, 0, 2);
	knet_receive(&nodes, 1, 1);
	ck_assert_uint_eq(frame_of(1, 0)->data[20], 'T');
}
END_TEST

START_TEST(what_waits_is_sent_when_a_broken_socket_is_made_again)
{
	start(2, 1);
	send_room = 3;
	knet_multicast(&nodes, 0, 100, 10, 0);
	knet_receive(&nodes, 1, 3);
	ck_assert_int_eq((int)send(nodes.list[0].mesh->data_fd, "", 0, 0), 0);
	while (!mock_host_has_logged(nodes.list[0].host, "was made again"))
		knet_serve(&nodes, 5);
	send_room = -1;
	knet_receive(&nodes, 1, 10);
	ck_assert_uint_eq(nodes.list[0].host->writable_count, 1);
}
END_TEST

START_TEST(what_was_sent_before_the_end_arrives)
{
	start(2, 1);
	nodes.is_flushed = true;
	knet_multicast(&nodes, 0, 65536, 20, 0);
	knet_node_stop(&nodes, 0);
	knet_receive(&nodes, 1, 20);
}
END_TEST

/* ---- Peers and links ----------------------------------------------------- */

START_TEST(what_cannot_be_is_refused)
{
	struct sockaddr_storage other = {.ss_family = AF_UNIX};
	struct sockaddr_storage v6 = {.ss_family = AF_INET6};
	struct mesh *mesh;

	knet_node_start(&nodes, 0, 1, 2);
	mesh = nodes.list[0].mesh;
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 8, 3, address_of(0, 2)), -EINVAL);
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 0, address_of(0, 2)), -EINVAL);
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 65536, address_of(0, 2)), -EINVAL);
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 2, address_of(0, 2)), -EEXIST);
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 3, (struct sockaddr *)&other), -EAFNOSUPPORT);
	ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 3, (struct sockaddr *)&v6), -EAFNOSUPPORT);
	ck_assert_int_eq(nodes.ops->link_up(mesh, 0, address_of(0, 0)), -EEXIST);
	ck_assert_int_eq(nodes.ops->link_up(mesh, 8, address_of(0, 0)), -EINVAL);
	ck_assert_int_eq(nodes.ops->link_up(mesh, 1, (struct sockaddr *)&other), -EAFNOSUPPORT);
	nodes.ops->peer_del(mesh, 0, 77);
	nodes.ops->peer_del(mesh, 9, 2);
	nodes.ops->link_down(mesh, 9);
}
END_TEST

START_TEST(an_address_in_use_is_refused_as_a_whole)
{
	void *second;
	struct coterie_ctx *host = nodes.list[2].host;

	knet_node_start(&nodes, 0, 1, 2);
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &second), 0);
	nodes.list[2].mesh = second;
	ck_assert_int_eq(nodes.ops->peer_add(second, 0, 2, address_of(0, 1)), 0);
	ck_assert_int_eq(nodes.ops->link_up(second, 0, address_of(0, 0)), -EADDRINUSE);
	ck_assert_uint_eq(host->link_reports, 0);
	ck_assert_int_eq(nodes.ops->link_up(second, 0, address_of(0, 2)), 0);
	knet_age(&nodes, 2);
	ck_assert_uint_eq(host->link_is_up, 1);
}
END_TEST

/* Send until frames arrive, since a path that has just changed may lose a few. */
static void reach(uint32_t from, uint32_t to)
{
	uint32_t before = nodes.list[to].host->frames.count;

	for (int i = 0; i < 100 && nodes.list[to].host->frames.count == before; i++) {
		knet_multicast(&nodes, from, 1400, 1, 0);
		knet_serve_for(&nodes, 100);
	}
	ck_assert_uint_gt(nodes.list[to].host->frames.count, before);
}

START_TEST(peers_and_links_come_and_go)
{
	struct coterie_node_status status = {.size = sizeof(status)};

	start(2, 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct mesh *mesh = nodes.list[i].mesh;

		ck_assert_int_eq(nodes.ops->peer_add(mesh, 1, 1, address_of(1, 0)), 0);
		ck_assert_int_eq(nodes.ops->peer_add(mesh, 1, 2, address_of(1, 1)), 0);
		ck_assert_int_eq(nodes.ops->link_up(mesh, 1, address_of(1, i)), 0);
		ck_assert_int_eq(nodes.ops->reload(mesh), 0);
	}
	ck_assert(knet_wait(&nodes, is_connected, 2));
	for (uint32_t i = 0; i < 2; i++) {
		nodes.ops->peer_del(nodes.list[i].mesh, 0, 1);
		nodes.ops->peer_del(nodes.list[i].mesh, 0, 2);
		nodes.ops->link_down(nodes.list[i].mesh, 0);
	}
	reach(0, 1);
	nodes.ops->peer_del(nodes.list[0].mesh, 1, 2);
	ck_assert_int_eq(nodes.ops->node_status(nodes.list[0].mesh, 2, &status), -ENOENT);
	ck_assert_int_eq(knet_token(&nodes, 0, 2), -ENOENT);
	ck_assert_int_eq(nodes.ops->peer_add(nodes.list[0].mesh, 1, 2, address_of(1, 1)), 0);
	ck_assert(knet_wait(&nodes, is_connected, 1));
	reach(0, 1);
}
END_TEST

static uint32_t runtime_interval(void)
{
	return (uint32_t)mesh_map_number(nodes.list[0].mesh, "runtime.config.totem.interface.0.knet_ping_interval", 0);
}

START_TEST(a_path_that_does_not_open_again_is_tried_again)
{
	start(2, 1);
	paths_refused = 2;
	ck_assert_int_eq(mesh_path_renew(nodes.list[0].mesh, mesh_peer_find(nodes.list[0].mesh, 2), 0), -ENOMEM);
	ck_assert(knet_wait(&nodes, is_connected, 1));
	ck_assert_int_eq(paths_refused, 0);
	knet_multicast(&nodes, 0, 100, 1, 0);
	knet_receive(&nodes, 1, 1);
}
END_TEST

START_TEST(settings_of_links_follow_the_map)
{
	time_t interval, timeout;
	unsigned int precision;
	uint8_t priority, pongs, policy;

	knet_set_text(&nodes, 0, "totem.link_mode", "rr");
	knet_node_start(&nodes, 0, 1, 2);
	knet_handle_t handle = nodes.list[0].mesh->handle;

	knet_age(&nodes, 0); /* a new path is pinged more often for a while */
	knet_host_get_policy(handle, 2, &policy);
	ck_assert_uint_eq(policy, KNET_LINK_POLICY_RR);
	knet_link_get_ping_timers(handle, 2, 0, &interval, &timeout, &precision);
	ck_assert_int_eq(interval, 200);
	ck_assert_int_eq(timeout, 600);
	ck_assert_uint_eq(precision, 2048);
	knet_link_get_pong_count(handle, 2, 0, &pongs);
	ck_assert_uint_eq(pongs, 2);
	ck_assert_uint_eq(runtime_interval(), 200);

	/*
	 * With this timeout the configured pings would be so rare that one lost packet takes the link down. So the
	 * plugin sends them more often.
	 */
	knet_set_number(&nodes, 0, "runtime.config.totem.interface.0.knet_ping_interval", 1400);
	knet_set_number(&nodes, 0, "runtime.config.totem.interface.0.knet_ping_timeout", 2700);
	ck_assert_int_eq(nodes.ops->reload(nodes.list[0].mesh), 0);
	knet_link_get_ping_timers(handle, 2, 0, &interval, &timeout, &precision);
	ck_assert_int_eq(interval, 300);
	ck_assert_int_eq(timeout, 2700);
	ck_assert_uint_eq(runtime_interval(), 300); /* the runtime key has the value in use */
	/* The executive's key keeps the configured value. */
	knet_set_number(&nodes, 0, "totem.interface.0.knet_ping_interval", 1400);
	knet_set_number(&nodes, 0, "runtime.config.totem.interface.0.knet_ping_interval", 1400);
	knet_set_number(&nodes, 0, "totem.interface.0.knet_ping_precision", 100);
	knet_set_number(&nodes, 0, "totem.interface.0.knet_link_priority", 200);
	knet_set_number(&nodes, 0, "totem.interface.0.knet_pong_count", 1000);
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_pmtud_interval", 7);
	knet_set_text(&nodes, 0, "totem.link_mode", "active"); /* has an effect at the next start */
	ck_assert_int_eq(nodes.ops->reload(nodes.list[0].mesh), 0);
	knet_link_get_ping_timers(handle, 2, 0, &interval, &timeout, &precision);
	ck_assert_int_eq(interval, 1400);
	ck_assert_int_eq(timeout, 2700);
	ck_assert_uint_eq(precision, 100);
	knet_link_get_priority(handle, 2, 0, &priority);
	ck_assert_uint_eq(priority, 200);
	knet_set_number(&nodes, 0, "totem.interface.0.knet_link_priority", 0);
	ck_assert_int_eq(nodes.ops->reload(nodes.list[0].mesh), 0);
	knet_link_get_priority(handle, 2, 0, &priority);
	ck_assert_uint_eq(priority, 1); /* the default priority is that of Corosync 3.1.9 and later */
	knet_set_number(&nodes, 0, "totem.interface.0.knet_link_priority", 200);
	knet_link_get_pong_count(handle, 2, 0, &pongs);
	ck_assert_uint_eq(pongs, 255);
	knet_handle_pmtud_getfreq(handle, &precision);
	ck_assert_uint_eq(precision, 7);
	knet_host_get_policy(handle, 2, &policy);
	ck_assert_uint_eq(policy, KNET_LINK_POLICY_RR);
}
END_TEST

/*
 * Make libknet write far more lines than a pipe usually holds. If the plugin did not read them, libknet would wait at
 * each line.
 */
START_TEST(libknets_lines_are_read_while_peers_are_added)
{
	struct mesh *mesh;

	knet_node_start(&nodes, 0, 1, 1);
	mesh = nodes.list[0].mesh;
	ck_assert_int_ge(fcntl(mesh->log_fds[0], F_GETPIPE_SZ), 1 << 20);
	for (uint32_t i = 0; i < 40; i++) {
		struct sockaddr_in address;

		memcpy(&address, &nodes.addresses[0][1], sizeof(address));
		address.sin_port = htons((uint16_t)(6000 + i));
		ck_assert_int_eq(nodes.ops->peer_add(mesh, 0, 100 + i, (struct sockaddr *)&address), 0);
	}
	ck_assert(mock_host_has_logged(nodes.list[0].host, "host: 139 has no active links"));
}
END_TEST

START_TEST(compression_that_is_not_there_is_told_and_done_without)
{
	knet_set_text(&nodes, 0, "runtime.config.totem.knet_compression_model", "nonesuch");
	start(2, 1);
	ck_assert(mock_host_has_logged(nodes.list[0].host, "knet_compression_model 'nonesuch'"));
	knet_multicast(&nodes, 0, 1400, 1, 0);
	knet_receive(&nodes, 1, 1);
	knet_set_text(&nodes, 0, "runtime.config.totem.knet_compression_model", "zlib");
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_compression_level", 6);
	ck_assert_int_eq(nodes.ops->reload(nodes.list[0].mesh), 0);
	knet_multicast(&nodes, 0, 60000, 1, 0);
	knet_receive(&nodes, 1, 2);
	ck_assert_uint_eq(frame_of(1, 1)->size, 60000);

	struct knet_handle_stats stats;

	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.tx_compressed_packets, 1);
}
END_TEST

START_TEST(small_packets_are_not_compressed)
{
	struct knet_handle_stats stats;

	knet_set_text(&nodes, 0, "runtime.config.totem.knet_compression_model", "zlib");
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_compression_level", 6);
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_compression_threshold", 50000);
	start(2, 1);
	knet_multicast(&nodes, 0, 40000, 1, 0);
	knet_receive(&nodes, 1, 1);
	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.tx_compressed_packets, 0);
	knet_multicast(&nodes, 0, 60000, 1, 0);
	knet_receive(&nodes, 1, 2);
	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.tx_compressed_packets, 1);
}
END_TEST

static bool has_told_mtu(struct knet_nodes *all, uint32_t node)
{
	unsigned int mtu;

	return knet_handle_pmtud_get(all->list[node].mesh->handle, &mtu) == 0 && mtu > 1000 && mtu <= 1200;
}

/* libknet uses a configured MTU, less headers. Without one it measures the MTU. */
START_TEST(the_mtu_of_links_is_that_of_the_config)
{
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_mtu", 1200);
	start(2, 1);
	ck_assert(knet_wait(&nodes, has_told_mtu, 0));
	knet_set_number(&nodes, 0, "runtime.config.totem.knet_mtu", 0);
	ck_assert_int_eq(nodes.ops->reload(nodes.list[0].mesh), 0);
	ck_assert_uint_eq(nodes.list[0].mesh->mtu, 0);
}
END_TEST

/* ---- Start --------------------------------------------------------------- */

START_TEST(small_buffers_are_refused_or_put_up_with)
{
	struct coterie_ctx *host = nodes.list[0].host;
	void *self = NULL;

	are_buffers_refused = true;
	if (geteuid() == 0) {
		ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -EPERM);
		ck_assert(mock_host_has_logged(host, "net.core.rmem_max"));
	}
	knet_set_text(&nodes, 0, "system.allow_knet_handle_fallback", "yes");
	knet_node_start(&nodes, 0, 1, 2);
	ck_assert(mock_host_has_logged(host, "trying unprivileged"));
	are_buffers_refused = false;
	knet_node_start(&nodes, 1, 1, 2);
	ck_assert(knet_wait(&nodes, is_connected, 1));
}
END_TEST

START_TEST(an_id_beyond_16_bits_is_refused)
{
	struct coterie_ctx *host = nodes.list[0].host;
	void *self = NULL;

	host->nodeid = 65536;
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("knet");
	TCase *tcase = tcase_create("knet");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_multicast_reaches_every_other_node_in_order);
	tcase_add_test(tcase, the_token_goes_to_one_node_behind_the_frames);
	tcase_add_test(tcase, a_full_socket_delays_and_loses_nothing);
	tcase_add_test(tcase, frames_that_cannot_be_carried_are_lost_alone);
	tcase_add_test(tcase, without_memory_frames_are_lost_and_the_socket_is_not_left_full);
	tcase_add_test(tcase, a_token_is_read_without_memory_for_large_frames);
	tcase_add_test(tcase, a_broken_socket_is_made_again);
	tcase_add_test(tcase, what_waits_is_sent_when_a_broken_socket_is_made_again);
	tcase_add_test(tcase, what_was_sent_before_the_end_arrives);
	tcase_add_test(tcase, what_cannot_be_is_refused);
	tcase_add_test(tcase, an_address_in_use_is_refused_as_a_whole);
	tcase_add_test(tcase, peers_and_links_come_and_go);
	tcase_add_test(tcase, a_path_that_does_not_open_again_is_tried_again);
	tcase_add_test(tcase, settings_of_links_follow_the_map);
	tcase_add_test(tcase, libknets_lines_are_read_while_peers_are_added);
	tcase_add_test(tcase, compression_that_is_not_there_is_told_and_done_without);
	tcase_add_test(tcase, small_packets_are_not_compressed);
	tcase_add_test(tcase, the_mtu_of_links_is_that_of_the_config);
	tcase_add_test(tcase, small_buffers_are_refused_or_put_up_with);
	tcase_add_test(tcase, an_id_beyond_16_bits_is_refused);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
