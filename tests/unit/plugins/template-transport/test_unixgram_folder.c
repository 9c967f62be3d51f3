/* SPDX-License-Identifier: BSD-3-Clause */
/* The template for transports: daemons that end, and the files in the folder. */
#include "tests/unit/plugins/template-transport/unixgram_case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Death --- */

/* Check the number of reports to node 1 about its peers so far, and the last one. */
static void check_told(uint32_t count, uint32_t nodeid, uint32_t state)
{
	const struct mock_queue *told = &hosts[0]->watches;

	ck_assert_uint_eq(told->count, count);
	if (count == 0)
		return;
	ck_assert_uint_eq(told->list[count - 1].id, nodeid);
	ck_assert_mem_eq(told->list[count - 1].data, &state, sizeof(state));
}

/* Open a socket as node 2 does. When it is closed its file stays, as after the kill of a daemon. */
static int start_mortal(void)
{
	uint32_t count = hosts[0]->watches.count;
	int fd = stranger(path_of("2"));

	advance_ms(0, PROBE_MS);
	check_told(count + 1, 2, COTERIE_WATCH_ON);
	return fd;
}

START_TEST(the_end_of_a_daemon_is_told_once)
{
	uint32_t count = 0;

	start(0);
	advance_ms(0, 10 * PROBE_MS);
	check_told(0, 0, 0); /* no end is reported of a node that has never run */
	for (int i = 0; i < 3; i++) {
		int fd = start_mortal();

		count++;
		advance_ms(0, 10 * PROBE_MS);
		check_told(count, 2, COTERIE_WATCH_ON);
		if (i == 1)
			unlink(path_of("2")); /* as a daemon does when it stops without a crash */
		close(fd);
		advance_ms(0, PROBE_MS);
		check_told(++count, 2, COTERIE_WATCH_CLOSED);
		advance_ms(0, 10000);
		multicast(0, 100, 0, 1);
		advance_ms(0, 10000);
		check_told(count, 2, COTERIE_WATCH_CLOSED);
		unlink(path_of("2"));
	}
	ck_assert_uint_eq(hosts[0]->refused.count, 0); /* nothing was sent to node 2 alone, so nothing was refused */
	ck_assert_uint_eq(hosts[0]->dead_count, 0);
}
END_TEST

/*
 * A send detects the end of a daemon before the probe does. It is reported later, since the host must not be called
 * inside its own call.
 */
START_TEST(a_send_finds_the_dead)
{
	start(0);
	close(start_mortal());
	multicast(0, 100, 7, 3);
	check_told(1, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
	advance_ms(0, 0);
	check_told(2, 2, COTERIE_WATCH_CLOSED);
	ck_assert_uint_eq(stats_of(0).send_errors, 0);
	/* The report quotes the frame that the kernel has refused. */
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
	ck_assert_uint_eq(hosts[0]->refused.list[0].id, 2);
	ck_assert_uint_eq(hosts[0]->refused.list[0].size, 100);
	ck_assert_uint_eq(number_of(&hosts[0]->refused.list[0]), 7);
}
END_TEST

static void ask(uint32_t number, uint32_t size)
{
	uint8_t bytes[4096] = {0};

	memcpy(bytes, &number, sizeof(number));

	struct coterie_frame *frame = mock_frame(hosts[0], bytes, size);

	ck_assert_int_eq(ops->token(nodes[0], 2, frame), 0);
	hosts[0]->table.frame_unref(frame);
}

/* Check that a question to a daemon that has ended is refused, so that the ring learns of the end at once. */
START_TEST(a_question_to_the_dead_is_refused)
{
	const struct mock_queue *refused;
	int fd;

	start(0);
	ask(1, 40);
	advance_ms(0, 0);
	ck_assert_uint_eq(hosts[0]->refused.count, 1); /* a node that has never run refuses the question as well */
	check_told(0, 0, 0);
	fd = start_mortal();
	ask(2, 40);
	close(fd);
	advance_ms(0, PROBE_MS);
	check_told(2, 2, COTERIE_WATCH_CLOSED);
	refused = &hosts[0]->refused;
	for (uint32_t i = 3; i < 6; i++) {
		uint32_t count = refused->count;

		ask(i, i == 5 ? 4096 : 40);
		ck_assert_uint_eq(refused->count, count);
		advance_ms(0, 0);
		ck_assert_uint_eq(refused->count, count + 1);
		ck_assert_uint_eq(number_of(&refused->list[count]), i);
		ck_assert_uint_eq(refused->list[count].size, i == 5 ? UNIXGRAM_QUOTE_MAX : 40);
	}
	for (uint32_t i = 0; i < 100; i++) /* more frames than the transport keeps */
		ask(i, 40);
	advance_ms(0, 0);
	ck_assert_uint_eq(refused->count, 4 + UNIXGRAM_QUOTES_MAX);
	check_told(2, 2, COTERIE_WATCH_CLOSED);
	/* A new daemon opens a socket with that name. */
	unlink(path_of("2"));
	start(1);
	ask(201, 40);
	receive(1, 1);
	ck_assert_uint_eq(number_of(&hosts[1]->frames.list[0]), 201);
	advance_ms(0, 0);
	check_told(3, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(refused->count, 4 + UNIXGRAM_QUOTES_MAX);
}
END_TEST

static uint32_t asked;
static bool is_told;

static void ask_again(struct coterie_ctx *host, uint32_t nodeid, const void *quote, uint32_t size)
{
	uint32_t number;

	(void)host, (void)nodeid, (void)size;
	memcpy(&number, quote, sizeof(number));
	ck_assert_uint_eq(number, asked);
	ck_assert(!is_told);
	is_told = true;
	if (++asked < 3)
		ask(asked, 40);
	is_told = false;
}

/* The ring sends more questions inside the report of a refusal. */
START_TEST(the_host_may_send_from_inside_a_report)
{
	start(0);
	close(start_mortal());
	hosts[0]->table.peer_refused = ask_again;
	ask(0, 40);
	advance_ms(0, 0);
	ck_assert_uint_eq(asked, 3);
}
END_TEST

START_TEST(a_peer_that_is_deleted_is_watched_no_more)
{
	int fd;

	start(0);
	fd = start_mortal();
	ops->peer_del(nodes[0], 0, 2);
	check_told(2, 2, COTERIE_WATCH_OFF);
	close(fd);
	advance_ms(0, 10 * PROBE_MS);
	check_told(2, 2, COTERIE_WATCH_OFF);
}
END_TEST

/*
 * A host older than ABI 1.2 or 1.4 lacks the members for such reports. Then only the ring's own timers detect the end
 * of a daemon.
 */
START_TEST(an_older_host_is_told_nothing)
{
	start(0);
	hosts[0]->table.size = offsetof(struct coterie_host, peer_refused);
	int fd = stranger(path_of("2"));

	advance_ms(0, PROBE_MS);
	close(fd);
	ask(1, 40);
	advance_ms(0, PROBE_MS);
	check_told(0, 0, 0);
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
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
	/* The loop may notice the end before the probe does. */
	unlink(path_of("2"));
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
	uint32_t told;

	advance_ms(0, PROBE_MS);
	told = hosts[0]->watches.count;
	ck_assert_uint_eq(told, NODES - 1);
	node_close(1);
	start(1);
	multicast(0, 100, 0, 1); /* sent to the old socket: the failure shows that this one is closed */
	advance_ms(0, 0);
	check_told(told + 2, 2, COTERIE_WATCH_ON); /* this connection is reported after the end of the old one */
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
	multicast(0, 100, 1, 1);
	receive(1, 1);
	ck_assert_uint_eq(number_of(&hosts[1]->frames.list[0]), 1);
}
END_TEST

START_TEST(the_period_of_probes_can_change)
{
	start(0);
	mock_host_option(hosts[0], "probe", "200");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	advance_ms(0, PROBE_MS); /* the timer with the old period expires */

	int fd = stranger(path_of("2"));

	advance_ms(0, 199);
	check_told(0, 0, 0);
	advance_ms(0, 1);
	check_told(1, 2, COTERIE_WATCH_ON);
	close(fd);
	advance_ms(0, 199);
	check_told(1, 2, COTERIE_WATCH_ON);
	advance_ms(0, 1);
	check_told(2, 2, COTERIE_WATCH_CLOSED);
}
END_TEST

/* ---- A node's files in the folder --- */

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
	ck_assert_uint_eq(count, 2 + 2 * NODES); /* ".", "..", and a socket and a lock for each node */
	node_close(0);
	ck_assert(!exists("1") && exists("1.lock"));
}
END_TEST

/* Open node 1's link, and check that it is refused. */
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
		ck_assert_msg(ops->open(&host->table, host, &self) == rows[i].want, "%s", rows[i].text);
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
	ck_assert_uint_eq(hosts[0]->link_reports, 3); /* one report that it is down, one that it is up again */
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	advance_ms(1, PROBE_MS);
	advance_ms(0, PROBE_MS);
	multicast(1, 100, 7, 1);
	receive(0, 1);
	multicast(0, 100, 8, 1);
	receive(1, 1);

	/*
	 * If a stranger's socket takes over the name, node 1's own socket is no longer reached. The lock decides that
	 * node 1 may have the name.
	 */
	int fd;

	unlink(path_of("1"));
	fd = stranger(path_of("1"));
	advance_ms(0, 1000);
	ck_assert_uint_eq(hosts[0]->link_reports, 5);
	ck_assert_int_eq(send_to(fd, "1", "abc", 3), 3);
	receive_nothing(0);
	ck_assert_uint_eq(stats_of(0).rejected, 1);
	close(fd);

	/* While the folder cannot be used, the node reports its link as down, and tries again at intervals. */
	snprintf(command, sizeof(command), "rm -rf %s && touch %s", folder, folder);
	ck_assert_int_eq(system(command), 0);
	mock_queue_clear(&hosts[0]->logs);
	advance_ms(0, 10000);
	ck_assert_uint_eq(hosts[0]->link_is_up, 0);
	ck_assert_uint_eq(hosts[0]->link_reports, 6);
	ck_assert_uint_le(hosts[0]->logs.count, 11);
	multicast(0, 100, 9, 10); /* reaches nobody */
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
	/* The state of this node's link says nothing about other nodes, so no end is reported. */
	check_told(hosts[0]->watches.count, 2, COTERIE_WATCH_OFF);
	unlink(folder);
	advance_ms(0, 1000);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unixgram_folder");
	TCase *ring = unixgram_case_add_ring(suite);
	TCase *alone = unixgram_case_add_alone(suite);

	tcase_add_test(ring, a_new_daemon_takes_over_at_once);
	tcase_add_test(ring, files_are_for_one_user);
	tcase_add_test(ring, a_removed_socket_is_made_again);
	tcase_add_test(alone, the_end_of_a_daemon_is_told_once);
	tcase_add_test(alone, a_send_finds_the_dead);
	tcase_add_test(alone, a_question_to_the_dead_is_refused);
	tcase_add_test(alone, the_host_may_send_from_inside_a_report);
	tcase_add_test(alone, a_peer_that_is_deleted_is_watched_no_more);
	tcase_add_test(alone, an_older_host_is_told_nothing);
	tcase_add_test(alone, what_waited_for_the_dead_is_given_up);
	tcase_add_test(alone, a_dead_daemons_socket_is_replaced);
	tcase_add_test(alone, a_living_daemon_keeps_its_place);
	tcase_add_test(alone, what_is_no_socket_is_left_alone);
	tcase_add_test(alone, a_folder_of_others_is_refused);
	tcase_add_test(alone, a_directory_is_a_full_path);
	tcase_add_test(alone, the_period_of_probes_can_change);
	return suite_run(suite);
}
