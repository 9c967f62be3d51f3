/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The template for transports between mock hosts: frames, peers that do not read, invalid datagrams, and the functions
 * of its table.
 */
#include "tests/unit/plugins/template-transport/unixgram_case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Frames --- */

START_TEST(frames_arrive_as_they_were_sent)
{
	static const uint32_t sizes[] = {4, 5, 1455, 4096, 4097, 65535, 65536};
	const uint32_t count = sizeof(sizes) / sizeof(sizes[0]);

	for (uint32_t i = 0; i < count; i++)
		multicast(0, sizes[i], i, 1);
	for (uint32_t node = 1; node < NODES; node++) {
		receive(node, count);
		for (uint32_t i = 0; i < count; i++) {
			ck_assert_uint_eq(hosts[node]->frames.list[i].size, sizes[i]);
			ck_assert_uint_eq(number_of(&hosts[node]->frames.list[i]), i);
		}
	}
	receive_nothing(0); /* a node's own frames are returned by the executive, not by the transport */
	ck_assert_uint_eq(stats_of(0).frames_out, 2 * count);
	ck_assert_uint_eq(stats_of(0).bytes_out, 2 * (4 + 5 + 1455 + 4096 + 4097 + 65535 + 65536));
	ck_assert_uint_eq(stats_of(1).frames_in, count);
	ck_assert_uint_eq(stats_of(1).bytes_in, stats_of(0).bytes_out / 2);
}
END_TEST

START_TEST(a_token_goes_to_one_behind_the_frames)
{
	uint32_t number = 1000;
	struct coterie_frame *token = mock_frame(hosts[0], &number, sizeof(number));

	multicast(0, 100, 0, 30);
	ck_assert_int_eq(ops->token(nodes[0], 2, token), 0);
	ck_assert_int_eq(ops->token(nodes[0], 4, token), -ENOENT);
	ck_assert_int_eq(ops->token(nodes[0], 1, token), -ENOENT);
	hosts[0]->table.frame_unref(token);
	receive(1, 31);
	ck_assert_uint_eq(number_of(&hosts[1]->frames.list[30]), 1000);
	receive(2, 30);
	receive_nothing(2);
}
END_TEST

/* Many frames go in one system call on both sides. */
START_TEST(many_go_in_one_call)
{
	uint64_t before = stats_of(0).send_calls;

	multicast(0, 100, 0, 8);
	ck_assert_uint_eq(stats_of(0).send_calls - before, NODES - 1);
	before = stats_of(1).receive_calls;
	receive(1, 8);
	ck_assert_uint_eq(stats_of(1).receive_calls - before, 1);
	ck_assert_uint_eq(hosts[1]->batches, 1);
}
END_TEST

/* ---- A peer that does not read --- */

START_TEST(what_finds_no_room_waits_in_order)
{
	const uint32_t count = 600;

	multicast(0, 3000, 0, count);
	ck_assert_uint_lt(stats_of(0).frames_out, 2 * count);
	ck_assert_uint_gt(hosts[0]->frames_live, UNIXGRAM_BATCH);
	receive(1, count);
	receive(2, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(number_of(&hosts[1]->frames.list[i]), i);
		ck_assert_uint_eq(number_of(&hosts[2]->frames.list[i]), i);
	}
	ck_assert_uint_eq(stats_of(0).frames_out, 2 * count);
	ck_assert_uint_eq(stats_of(0).send_errors, 0);
	ck_assert_uint_eq(hosts[0]->frames_live, UNIXGRAM_BATCH); /* others are given back */
	/* No frame waits any more, so the loop is not woken when there is room. */
	ck_assert_uint_eq(mock_host_poll(hosts[0], 0), 0);
}
END_TEST

START_TEST(nothing_overtakes_what_waits)
{
	multicast(0, 100, 0, 100);
	mock_host_poll(hosts[1], 0); /* there is room again, but the sender has not noticed yet */
	multicast(0, 100, 100, 50);
	receive(1, 150);
	for (uint32_t i = 0; i < 150; i++)
		ck_assert_uint_eq(number_of(&hosts[1]->frames.list[i]), i);
}
END_TEST

START_TEST(a_stopped_peer_holds_up_nobody)
{
	const uint32_t count = 3000;
	int deaf = 2;

	for (uint32_t i = 0; i < count; i += 100) {
		multicast(0, 100, i, 100);
		while (hosts[1]->frames.count < i + 100) {
			mock_host_poll(hosts[0], 0);
			ck_assert_uint_gt(mock_host_poll(hosts[1], 0), 0);
		}
	}
	ck_assert_uint_le(hosts[0]->frames_live, UNIXGRAM_QUEUE_MAX + UNIXGRAM_BATCH);
	ck_assert_uint_gt(stats_of(0).send_errors, 0);
	advance_ms(0, 1000);
	ck_assert_uint_eq(hosts[0]->watches.count, NODES - 1); /* both connections exist and stay */
	/* When the node reads again, only the last frames are missing. */
	receive((uint32_t)deaf, UNIXGRAM_QUEUE_MAX);
	for (uint32_t i = 0; i < UNIXGRAM_QUEUE_MAX; i++)
		ck_assert_uint_eq(number_of(&hosts[deaf]->frames.list[i]), i);
}
END_TEST

/* ---- Whatever arrives --- */

/* Return whether node 1 accepts a frame from a socket with this name. size 0: from a socket without a name. */
static bool is_heard(const struct sockaddr_un *name, size_t size)
{
	uint64_t rejected = stats_of(0).rejected;
	uint32_t heard = hosts[0]->frames.count;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (size > 0)
		ck_assert_int_eq(bind(fd, (const struct sockaddr *)name, (socklen_t)size), 0);
	ck_assert_int_eq(send_to(fd, "1", "abc", 3), 3);
	close(fd);
	while (mock_host_poll(hosts[0], 0) > 0)
		;
	ck_assert_uint_eq(hosts[0]->frames.count - heard + stats_of(0).rejected - rejected, 1);
	return hosts[0]->frames.count > heard;
}

static bool is_heard_from(const char *path)
{
	struct sockaddr_un name = address_at(path);
	bool result = is_heard(&name, sizeof(name));

	unlink(name.sun_path);
	return result;
}

START_TEST(only_peers_are_heard)
{
	static const char *const strangers[] = {
		"other", "1.out", "4.out", "22.out", "2.out.out", "2.ou", ".out", "out", "2.out ", "02.out"};
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		ck_assert_msg(!is_heard_from(path_of(strangers[i])), "%s", strangers[i]);
	ck_assert(!is_heard(NULL, 0));
	memcpy(name.sun_path, "\0/2.out", 7);
	ck_assert(!is_heard(&name, offsetof(struct sockaddr_un, sun_path) + 7));
	ck_assert(!is_heard(&name, offsetof(struct sockaddr_un, sun_path))); /* a name that the kernel chooses */
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(!is_heard_from("2.out"));
	ck_assert_int_eq(chdir("/"), 0);
	/* There is one log line for all of them. */
	ck_assert_uint_eq(hosts[0]->logs.count, 1);
	advance_ms(0, 10000);
	ck_assert(!is_heard(NULL, 0));
	ck_assert(mock_host_has_logged(hosts[0], "(13 more before this)"));
	advance_ms(0, 10000);
	ck_assert(!is_heard(NULL, 0));
	ck_assert_uint_eq(hosts[0]->logs.count, 3);
	ck_assert_ptr_nonnull(strstr((const char *)hosts[0]->logs.list[2].data, "(0 more"));

	ck_assert(is_heard_from(path_of("2.out")));
	/* The longest name has no NUL. */
	memset(name.sun_path, '/', sizeof(name.sun_path));
	memcpy(name.sun_path, folder, strlen(folder));
	memcpy(name.sun_path + sizeof(name.sun_path) - 5, "3.out", 5);

	uint32_t heard = hosts[0]->frames.count;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	for (int i = 0; i < 3; i++) /* several times, so that the bytes of another name are behind this one */
		ck_assert_int_eq(send_to(fd, "1", "abc", 3), 3);
	close(fd);
	receive(0, heard + 3);
}
END_TEST

static uint32_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint32_t count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void send_descriptors(int fd)
{
	struct sockaddr_un to = address_of("1");
	char text[] = "abc";
	struct iovec part = {.iov_base = text, .iov_len = 3};
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(20 * sizeof(int))];
	} control = {.bytes = {0}};
	struct msghdr message = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fds[20];

	for (size_t i = 0; i < 20; i++)
		fds[i] = STDERR_FILENO;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	ck_assert_int_eq(sendmsg(fd, &message, 0), 3);
}

START_TEST(hostile_datagrams_do_no_harm)
{
	static const uint8_t bytes[UNIXGRAM_FRAME_MAX + 2];
	int fd = stranger(path_of("2.out")); /* a socket with the name of another node */
	uint32_t descriptors;

	ck_assert_int_eq(send_to(fd, "1", bytes, 0), 0);
	ck_assert_int_eq(send_to(fd, "1", bytes, UNIXGRAM_FRAME_MAX + 1), UNIXGRAM_FRAME_MAX + 1);
	ck_assert_int_eq(send_to(fd, "1", bytes, UNIXGRAM_FRAME_MAX + 2), UNIXGRAM_FRAME_MAX + 2);
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).receive_errors, 3);
	/* The transport accepts this frame, and the executive will refuse it. */
	ck_assert_int_eq(send_to(fd, "1", bytes, 1), 1);
	receive(0, 1);
	descriptors = count_descriptors();
	for (int i = 0; i < 5; i++)
		send_descriptors(fd);
	receive(0, 6);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	ck_assert_uint_eq(stats_of(0).rejected, 0);
	close(fd);
}
END_TEST

START_TEST(without_memory_frames_are_lost)
{
	multicast(1, 100, 0, 1);
	multicast(1, 60000, 1, 1);
	hosts[0]->frames_max = hosts[0]->frames_live;
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).receive_errors, 2);
	hosts[0]->frames_max = 0;
	multicast(1, 60000, 2, 1);
	receive(0, 1);
	ck_assert_uint_eq(number_of(&hosts[0]->frames.list[0]), 2);
}
END_TEST

/* ---- The rest of the table --- */

START_TEST(peers_come_and_go)
{
	uint32_t number = 1;
	struct coterie_frame *token = mock_frame(hosts[0], &number, sizeof(number));

	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, &nowhere), -EEXIST);
	ck_assert_int_eq(ops->peer_add(nodes[0], 1, 4, &nowhere), -EINVAL);
	ck_assert_int_eq(ops->link_up(nodes[0], 1, &nowhere), -EINVAL);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, &nowhere), -EEXIST);
	ops->peer_del(nodes[0], 1, 2);
	ck_assert_int_eq(ops->token(nodes[0], 2, token), 0);
	multicast(0, 100, 0, 100); /* some frames wait in the queue */
	ops->peer_del(nodes[0], 0, 2);
	ops->peer_del(nodes[0], 0, 2);
	ck_assert_int_eq(ops->token(nodes[0], 2, token), -ENOENT);
	multicast(1, 100, 0, 1);
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).rejected, 1);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, &nowhere), 0);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, UINT32_MAX - 1, &nowhere), 0);
	multicast(1, 100, 0, 1);
	receive(0, 1);
	mock_queue_clear(&hosts[1]->frames);
	multicast(0, 100, 5000, 1);
	while (mock_host_poll(hosts[1], 0) > 0)
		;
	ck_assert_uint_eq(number_of(&hosts[1]->frames.list[hosts[1]->frames.count - 1]), 5000);
	hosts[0]->table.frame_unref(token);
}
END_TEST

START_TEST(status_says_who_is_there)
{
	struct coterie_node_status status = {.size = sizeof(status)};
	char want[80];

	node_close(2);
	advance_ms(0, PROBE_MS);
	for (uint32_t nodeid = 1; nodeid <= NODES; nodeid++) {
		memset(&status, 0, sizeof(status));
		ck_assert_int_eq(ops->node_status(nodes[0], nodeid, &status), 0);
		ck_assert_uint_eq(status.is_reachable, nodeid != 3);
		ck_assert_uint_eq(status.links[0].is_enabled, 1);
		ck_assert_uint_eq(status.links[0].is_connected, nodeid != 3);
		ck_assert_uint_eq(status.links[0].mtu, UNIXGRAM_FRAME_MAX);
		ck_assert_str_eq(status.links[0].source, path_of("1"));
		snprintf(want, sizeof(want), "%s/%u", folder, nodeid);
		ck_assert_str_eq(status.links[0].destination, want);
	}
	ck_assert_int_eq(ops->node_status(nodes[0], 9, &status), -ENOENT);
}
END_TEST

static int key_get(struct coterie_ctx *host, const void **bytes, uint32_t *size)
{
	*bytes = "key";
	*size = 3;
	return host->nodeid == 1 ? 0 : -ENODATA;
}

START_TEST(encryption_is_not_promised)
{
	struct coterie_ctx *host = mock_host_create(&unixgram_LTX_coterie_plugin);
	void *self;

	host->table.key_get = key_get;
	host->nodeid = 1;
	ck_assert_int_eq(ops->open(&host->table, host, &self), -ENOTSUP);
	ck_assert(mock_host_has_logged(host, "does not encrypt"));
	host->nodeid = 2;
	ck_assert_int_eq(ops->open(&host->table, host, &self), 0);
	ops->close(self);
	/* An older executive does not have this member. */
	host->nodeid = 1;
	host->table.size = offsetof(struct coterie_host, key_get);
	ck_assert_int_eq(ops->open(&host->table, host, &self), 0);
	ops->close(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

START_TEST(it_opens_with_memory_only)
{
	struct coterie_ctx *host = mock_host_create(&unixgram_LTX_coterie_plugin);
	void *self;

	for (host->frames_max = 1; host->frames_max < UNIXGRAM_BATCH; host->frames_max++) {
		ck_assert_int_eq(ops->open(&host->table, host, &self), -ENOMEM);
		ck_assert_uint_eq(host->frames_live, 0);
	}
	ck_assert_int_eq(ops->open(&host->table, host, &self), 0);
	ops->close(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unixgram");
	TCase *ring = unixgram_case_add_ring(suite);
	TCase *alone = unixgram_case_add_alone(suite);

	tcase_add_test(ring, frames_arrive_as_they_were_sent);
	tcase_add_test(ring, a_token_goes_to_one_behind_the_frames);
	tcase_add_test(ring, many_go_in_one_call);
	tcase_add_test(ring, what_finds_no_room_waits_in_order);
	tcase_add_test(ring, nothing_overtakes_what_waits);
	tcase_add_test(ring, a_stopped_peer_holds_up_nobody);
	tcase_add_test(ring, only_peers_are_heard);
	tcase_add_test(ring, hostile_datagrams_do_no_harm);
	tcase_add_test(ring, without_memory_frames_are_lost);
	tcase_add_test(ring, peers_come_and_go);
	tcase_add_test(ring, status_says_who_is_there);
	tcase_add_test(alone, encryption_is_not_promised);
	tcase_add_test(alone, it_opens_with_memory_only);
	return suite_run(suite);
}
