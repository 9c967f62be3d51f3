/* The template for transports: daemons that die, and the place in the folder. */
#include "tests/unit/unixgram_case.h"

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

int main(void)
{
	Suite *suite = suite_create("unixgram_folder");
	TCase *ring = unixgram_case_add_ring(suite);
	TCase *alone = unixgram_case_add_alone(suite);

	tcase_add_test(ring, a_new_daemon_takes_over_at_once);
	tcase_add_test(ring, files_are_for_one_user);
	tcase_add_test(ring, a_removed_socket_is_made_again);
	tcase_add_test(alone, the_dead_are_told_of);
	tcase_add_test(alone, a_send_finds_the_dead);
	tcase_add_test(alone, what_waited_for_the_dead_is_given_up);
	tcase_add_test(alone, a_dead_daemons_socket_is_replaced);
	tcase_add_test(alone, a_living_daemon_keeps_its_place);
	tcase_add_test(alone, what_is_no_socket_is_left_alone);
	tcase_add_test(alone, a_folder_of_others_is_refused);
	tcase_add_test(alone, a_directory_is_a_full_path);
	tcase_add_test(alone, the_period_of_probes_can_change);
	return suite_run(suite);
}
