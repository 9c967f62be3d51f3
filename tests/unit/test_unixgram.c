/* The template for transports between mock hosts, over real sockets in a folder of its own. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "plugins/template-transport/unixgram.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin unixgram_LTX_coterie_plugin;

#define MS UINT64_C(1000000)
#define NODES 3
#define PROBE_MS 25

static const struct coterie_transport *ops;
static struct coterie_ctx *hosts[NODES];
static void *nodes[NODES];
static char root[32], folder[48];
static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

static void node_open(uint32_t node)
{
	hosts[node] = mock_host_create(&unixgram_LTX_coterie_plugin);
	hosts[node]->nodeid = node + 1;
	mock_host_option(hosts[node], "directory", folder);
	ck_assert_int_eq(ops->open(&hosts[node]->table, hosts[node], &nodes[node]), 0);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(ops->peer_add(nodes[node], 0, i + 1, &nowhere), 0);
}

static void node_close(uint32_t node)
{
	if (nodes[node] == NULL)
		return;
	ops->close(nodes[node]);
	nodes[node] = NULL;
	ck_assert_uint_eq(mock_host_destroy(hosts[node]), 0);
}

static void start(uint32_t node)
{
	node_open(node);
	ck_assert_int_eq(ops->link_up(nodes[node], 0, &nowhere), 0);
	ck_assert_uint_eq(hosts[node]->link_is_up, 1);
}

static void advance_ms(uint32_t node, uint64_t ms) { mock_host_advance(hosts[node], ms * MS); }

static void set_up(void)
{
	ops = unixgram_LTX_coterie_plugin.ops;
	snprintf(root, sizeof(root), "/tmp/unixgram.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/sockets", root);
}

static void set_up_ring(void)
{
	set_up();
	for (uint32_t i = 0; i < NODES; i++)
		start(i);
	for (uint32_t i = 0; i < NODES; i++)
		advance_ms(i, PROBE_MS); /* those that came later are found */
}

static void tear_down(void)
{
	char command[64];

	for (uint32_t i = 0; i < NODES; i++)
		node_close(i);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static bool exists(const char *name) { return access(path_of(name), F_OK) == 0; }

/* A socket that is not a node's. name NULL: without one */
static int stranger(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	if (name == NULL)
		return fd;
	ck_assert_uint_lt(strlen(name), sizeof(address.sun_path));
	strcpy(address.sun_path, name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static struct sockaddr_un address_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

static struct sockaddr_un address_of(const char *name) { return address_at(path_of(name)); }

static ssize_t send_to(int fd, const char *name, const void *bytes, size_t size)
{
	struct sockaddr_un to = address_of(name);

	return sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof(to));
}

/* Serves all nodes until this one has heard so many frames. */
static void receive(uint32_t node, uint32_t count)
{
	for (int idle = 0; hosts[node]->frames.count < count; idle++) {
		for (uint32_t i = 0; i < NODES; i++) {
			if (nodes[i] != NULL && mock_host_poll(hosts[i], 0) > 0)
				idle = 0;
		}
		ck_assert_msg(idle < 1000, "node %u: %u of %u frames came", node + 1,
			hosts[node]->frames.count, count);
	}
}

static void receive_nothing(uint32_t node)
{
	uint32_t count = hosts[node]->frames.count;

	while (mock_host_poll(hosts[node], 0) > 0)
		;
	ck_assert_uint_eq(hosts[node]->frames.count, count);
}

static uint32_t number_of(const struct mock_message *message)
{
	uint32_t number;

	ck_assert_uint_ge(message->size, sizeof(number));
	memcpy(&number, message->data, sizeof(number));
	return number;
}

/* Frames that begin with their number. */
static void multicast(uint32_t node, uint32_t size, uint32_t first, uint32_t count)
{
	static uint8_t bytes[UNIXGRAM_FRAME_MAX];

	for (uint32_t i = 0; i < count;) {
		struct coterie_frame *frames[40];
		uint32_t batch = 0;

		for (; batch < 40 && i < count; batch++, i++) {
			uint32_t number = first + i;

			memcpy(bytes, &number, sizeof(number));
			frames[batch] = mock_frame(hosts[node], bytes, size);
		}
		ck_assert_int_eq(ops->multicast(nodes[node], frames, batch), (int)batch);
		while (batch > 0)
			hosts[node]->table.frame_unref(frames[--batch]);
	}
}

static struct coterie_transport_stats stats_of(uint32_t node)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	ops->stats(nodes[node], &stats);
	return stats;
}

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
	receive_nothing(0); /* its own come back another way */
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

/* Batches save system calls on both sides. */
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
	ck_assert_uint_eq(hosts[0]->frames_live, UNIXGRAM_BATCH); /* given back */
	/* Nothing waits, so the loop is not woken for room. */
	ck_assert_uint_eq(mock_host_poll(hosts[0], 0), 0);
}
END_TEST

START_TEST(nothing_overtakes_what_waits)
{
	multicast(0, 100, 0, 100);
	mock_host_poll(hosts[1], 0); /* there is room, and the sender has not been told */
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
	ck_assert_uint_eq(hosts[0]->dead_count, 0); /* it is not dead */
	/* What it finds when it goes on has no holes but at the end. */
	receive((uint32_t)deaf, UNIXGRAM_QUEUE_MAX);
	for (uint32_t i = 0; i < UNIXGRAM_QUEUE_MAX; i++)
		ck_assert_uint_eq(number_of(&hosts[deaf]->frames.list[i]), i);
}
END_TEST

/* ---- Whatever arrives --- */

/* Does node 1 take what comes from a socket of this name? size 0: from one without a name */
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
	static const char *const strangers[] = {"other", "1.out", "4.out", "22.out", "2.out.out",
		"2.ou", ".out", "out", "2.out ", "02.out"};
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		ck_assert_msg(!is_heard_from(path_of(strangers[i])), "%s", strangers[i]);
	ck_assert(!is_heard(NULL, 0));
	memcpy(name.sun_path, "\0/2.out", 7);
	ck_assert(!is_heard(&name, offsetof(struct sockaddr_un, sun_path) + 7));
	ck_assert(
		!is_heard(&name, offsetof(struct sockaddr_un, sun_path))); /* the kernel chooses */
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(!is_heard_from("2.out"));
	ck_assert_int_eq(chdir("/"), 0);
	/* One line for all of them. */
	ck_assert_uint_eq(hosts[0]->logs.count, 1);
	advance_ms(0, 10000);
	ck_assert(!is_heard(NULL, 0));
	ck_assert(mock_host_has_logged(hosts[0], "(13 more before this)"));
	advance_ms(0, 10000);
	ck_assert(!is_heard(NULL, 0));
	ck_assert_uint_eq(hosts[0]->logs.count, 3);
	ck_assert_ptr_nonnull(strstr((const char *)hosts[0]->logs.list[2].data, "(0 more"));

	ck_assert(is_heard_from(path_of("2.out")));
	/* A name as long as can be has no NUL. */
	memset(name.sun_path, '/', sizeof(name.sun_path));
	memcpy(name.sun_path, folder, strlen(folder));
	memcpy(name.sun_path + sizeof(name.sun_path) - 5, "3.out", 5);

	uint32_t heard = hosts[0]->frames.count;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	for (int i = 0; i < 3; i++) /* so that another name stands behind it */
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
	int fd = stranger(path_of("2.out")); /* as one of us */
	uint32_t descriptors;

	ck_assert_int_eq(send_to(fd, "1", bytes, 0), 0);
	ck_assert_int_eq(send_to(fd, "1", bytes, UNIXGRAM_FRAME_MAX + 1), UNIXGRAM_FRAME_MAX + 1);
	ck_assert_int_eq(send_to(fd, "1", bytes, UNIXGRAM_FRAME_MAX + 2), UNIXGRAM_FRAME_MAX + 2);
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).receive_errors, 3);
	ck_assert_int_eq(send_to(fd, "1", bytes, 1), 1); /* a frame for the executive to refuse */
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

/* ---- Death --- */

/* Node 2 as a socket that ends as one does whose daemon is killed: its file stays. */
static int start_mortal(void)
{
	int fd = stranger(path_of("2"));

	advance_ms(0, PROBE_MS);
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	return fd;
}

/* Let time pass until there is a sign. @return milliseconds */
static uint32_t await_sign(void)
{
	uint32_t count = hosts[0]->dead_count;
	uint32_t ms = 0;

	while (hosts[0]->dead_count == count) {
		advance_ms(0, 1);
		ck_assert_uint_lt(ms++, 100000);
	}
	ck_assert_uint_eq(hosts[0]->dead_count, count + 1);
	ck_assert_uint_eq(hosts[0]->dead[count], 2);
	return ms;
}

START_TEST(the_dead_are_told_of)
{
	start(0);
	advance_ms(0, 10 * PROBE_MS);
	ck_assert_uint_eq(hosts[0]->dead_count, 0); /* who was never there has not died */
	for (int i = 0; i < 3; i++) {
		int fd = start_mortal();

		close(fd);
		ck_assert_uint_le(await_sign(), PROBE_MS);
		for (uint32_t ms = 2; ms < 10000; ms *= 2)
			ck_assert_uint_eq(await_sign(), ms);
		/* That it is told of seldom by now is nothing to others. */
		fd = stranger(path_of("3"));
		advance_ms(0, PROBE_MS);
		close(fd);
		unlink(path_of("3"));
		hosts[0]->dead_count = 0;
		advance_ms(0, PROBE_MS);
		ck_assert_uint_gt(hosts[0]->dead_count, 0);
		ck_assert_uint_eq(hosts[0]->dead[0], 3);
		advance_ms(0, 100000); /* and told of seldom, too */

		unlink(path_of("2"));
		hosts[0]->dead_count = 0;
		fd = start_mortal(); /* back */
		advance_ms(0, 1000);
		for (uint32_t sign = 0; sign < hosts[0]->dead_count; sign++)
			ck_assert_uint_ne(hosts[0]->dead[sign], 2);
		hosts[0]->dead_count = 0;
		unlink(path_of("2")); /* a clean stop */
		close(fd);
		ck_assert_uint_le(await_sign(), PROBE_MS);
		hosts[0]->dead_count = 0;
	}
}
END_TEST

/* Who sends need not wait for the probe, but the host is not called from inside its own call. */
START_TEST(a_send_finds_the_dead)
{
	start(0);
	close(start_mortal());
	multicast(0, 100, 0, 3);
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	advance_ms(0, 0);
	ck_assert_uint_eq(hosts[0]->dead_count, 1);
	ck_assert_uint_eq(stats_of(0).send_errors, 0);
}
END_TEST

START_TEST(what_waited_for_the_dead_is_given_up)
{
	int fd;

	start(0);
	fd = start_mortal();
	multicast(0, 100, 0, 100);
	ck_assert_uint_gt(hosts[0]->frames_live, UNIXGRAM_BATCH);
	close(fd);
	advance_ms(0, PROBE_MS);
	ck_assert_uint_eq(hosts[0]->frames_live, UNIXGRAM_BATCH);
	/* The loop may see the end first. */
	unlink(path_of("2"));
	hosts[0]->dead_count = 0;
	fd = start_mortal();
	multicast(0, 100, 0, 100);
	close(fd);
	while (mock_host_poll(hosts[0], 0) > 0)
		;
	ck_assert_uint_eq(hosts[0]->frames_live, UNIXGRAM_BATCH);
}
END_TEST

START_TEST(a_new_daemon_takes_over_at_once)
{
	node_close(1);
	start(1);
	multicast(0, 100, 0, 1); /* to the old one: this finds out */
	advance_ms(0, 0);
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	multicast(0, 100, 1, 1);
	receive(1, 1);
	ck_assert_uint_eq(number_of(&hosts[1]->frames.list[0]), 1);
}
END_TEST

/* ---- The place in the folder --- */

START_TEST(files_are_for_one_user)
{
	struct stat status;
	DIR *dir;
	uint32_t count = 0;

	ck_assert_int_eq(stat(folder, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0700);
	ck_assert_int_eq(stat(path_of("1"), &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	ck_assert_uint_eq(count, 2 + 2 * NODES); /* ., .., and per node socket and lock */
	node_close(0);
	ck_assert(!exists("1") && exists("1.lock"));
}
END_TEST

/* Opens node 1's link, which must be refused. */
static void expect_refusal(int rc, const char *words)
{
	node_open(0);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, &nowhere), rc);
	ck_assert_msg(mock_host_has_logged(hosts[0], words), "'%s' is not told", words);
	ck_assert_uint_eq(hosts[0]->link_reports, 0);
	node_close(0);
}

START_TEST(a_dead_daemons_socket_is_replaced)
{
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	close(stranger(path_of("1")));
	close(stranger(path_of("1.out")));
	ck_assert(exists("1"));
	start(0);
	start(1);
	multicast(1, 100, 7, 1);
	receive(0, 1);
	ck_assert_uint_eq(number_of(&hosts[0]->frames.list[0]), 7);
}
END_TEST

START_TEST(a_living_daemon_keeps_its_place)
{
	void *second;
	struct coterie_ctx *host = mock_host_create(&unixgram_LTX_coterie_plugin);

	start(0);
	start(1);
	host->nodeid = 1;
	mock_host_option(host, "directory", folder);
	ck_assert_int_eq(ops->open(&host->table, host, &second), 0);
	ck_assert_int_eq(ops->link_up(second, 0, &nowhere), -EADDRINUSE);
	ck_assert(mock_host_has_logged(host, "another daemon is this node"));
	ops->close(second);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
	multicast(1, 100, 7, 1);
	receive(0, 1);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	fclose(fopen(path_of("1"), "w"));
	expect_refusal(-EADDRINUSE, "cannot make socket");
	ck_assert(exists("1"));
	unlink(path_of("1"));
	unlink(path_of("1.lock"));
	ck_assert_int_eq(symlink("/etc/passwd", path_of("1.lock")), 0);
	expect_refusal(-ELOOP, "cannot lock");
}
END_TEST

START_TEST(a_folder_of_others_is_refused)
{
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert_int_eq(chmod(folder, 0770), 0);
	expect_refusal(-EPERM, "others can write to it");
	ck_assert_int_eq(chmod(folder, 0702), 0);
	expect_refusal(-EPERM, "others can write to it");
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(folder, 0700), 0);
		ck_assert_int_eq(chown(folder, 65534, 65534), 0);
		expect_refusal(-EPERM, "belongs to another user");
	}
	rmdir(folder);
	fclose(fopen(folder, "w"));
	expect_refusal(-EPERM, "it is no folder");
	snprintf(folder, sizeof(folder), "%s/none/x", root);
	expect_refusal(-ENOENT, "No such file or directory");
}
END_TEST

START_TEST(a_directory_is_a_full_path)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {{"sockets", -EINVAL}, {"./x", -EINVAL}, {"", -ENODATA},
		{"/a23456789b23456789c23456789d23456789e23456789f23456789g2345678", 0},
		{"/a23456789b23456789c23456789d23456789e23456789f23456789g23456789", -EINVAL},
		{"/a23456789b23456789c23456789d23456789e23456789f23456789g2345678//", 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct coterie_ctx *host = mock_host_create(&unixgram_LTX_coterie_plugin);
		void *self = NULL;

		mock_host_option(host, "directory", rows[i].text);
		ck_assert_msg(
			ops->open(&host->table, host, &self) == rows[i].want, "%s", rows[i].text);
		if (rows[i].want == 0)
			ops->close(self);
		ck_assert_uint_eq(mock_host_destroy(host), 0);
	}
}
END_TEST

START_TEST(a_removed_socket_is_made_again)
{
	char command[128];

	unlink(path_of("1"));
	advance_ms(0, PROBE_MS);
	ck_assert_uint_eq(hosts[0]->link_reports, 3); /* down, and up again */
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	advance_ms(1, PROBE_MS);
	advance_ms(0, PROBE_MS);
	multicast(1, 100, 7, 1);
	receive(0, 1);
	multicast(0, 100, 8, 1);
	receive(1, 1);
	ck_assert_uint_eq(hosts[1]->dead_count, 0);

	/* Nor is it ours when there is another of that name; and the lock says who may have it. */
	int fd;

	unlink(path_of("1"));
	fd = stranger(path_of("1"));
	advance_ms(0, 1000);
	ck_assert_uint_eq(hosts[0]->link_reports, 5);
	ck_assert_int_eq(send_to(fd, "1", "abc", 3), 3);
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).rejected, 1);
	close(fd);

	/* As long as it cannot be, the node knows, and tries in peace. */
	snprintf(command, sizeof(command), "rm -rf %s && touch %s", folder, folder);
	ck_assert_int_eq(system(command), 0);
	mock_queue_clear(&hosts[0]->logs);
	advance_ms(0, 10000);
	ck_assert_uint_eq(hosts[0]->link_is_up, 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 6);
	ck_assert_uint_le(hosts[0]->logs.count, 11);
	multicast(0, 100, 9, 10); /* to nobody */
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	unlink(folder);
	advance_ms(0, 1000);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
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
	multicast(0, 100, 0, 100); /* some wait */
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

START_TEST(the_period_of_probes_can_change)
{
	start(0);
	mock_host_option(hosts[0], "probe", "200");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	advance_ms(0, PROBE_MS); /* the one that was set */
	close(start_mortal());
	unlink(path_of("2"));
	advance_ms(0, 200 - PROBE_MS - 1);
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	int fd = stranger(path_of("2"));
	advance_ms(0, 1);
	close(fd);
	advance_ms(0, 199);
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
	advance_ms(0, 1);
	ck_assert_uint_eq(hosts[0]->dead_count, 1);
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
	/* An older executive has no such member. */
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
	TCase *ring = tcase_create("ring");
	TCase *alone = tcase_create("alone");

	tcase_add_checked_fixture(ring, set_up_ring, tear_down);
	tcase_add_test(ring, frames_arrive_as_they_were_sent);
	tcase_add_test(ring, a_token_goes_to_one_behind_the_frames);
	tcase_add_test(ring, many_go_in_one_call);
	tcase_add_test(ring, what_finds_no_room_waits_in_order);
	tcase_add_test(ring, nothing_overtakes_what_waits);
	tcase_add_test(ring, a_stopped_peer_holds_up_nobody);
	tcase_add_test(ring, only_peers_are_heard);
	tcase_add_test(ring, hostile_datagrams_do_no_harm);
	tcase_add_test(ring, without_memory_frames_are_lost);
	tcase_add_test(ring, a_new_daemon_takes_over_at_once);
	tcase_add_test(ring, files_are_for_one_user);
	tcase_add_test(ring, a_removed_socket_is_made_again);
	tcase_add_test(ring, peers_come_and_go);
	tcase_add_test(ring, status_says_who_is_there);
	tcase_add_checked_fixture(alone, set_up, tear_down);
	tcase_add_test(alone, the_dead_are_told_of);
	tcase_add_test(alone, a_send_finds_the_dead);
	tcase_add_test(alone, what_waited_for_the_dead_is_given_up);
	tcase_add_test(alone, a_dead_daemons_socket_is_replaced);
	tcase_add_test(alone, a_living_daemon_keeps_its_place);
	tcase_add_test(alone, what_is_no_socket_is_left_alone);
	tcase_add_test(alone, a_folder_of_others_is_refused);
	tcase_add_test(alone, a_directory_is_a_full_path);
	tcase_add_test(alone, the_period_of_probes_can_change);
	tcase_add_test(alone, encryption_is_not_promised);
	tcase_add_test(alone, it_opens_with_memory_only);
	suite_add_tcase(suite, ring);
	suite_add_tcase(suite, alone);

	return suite_run(suite);
}
