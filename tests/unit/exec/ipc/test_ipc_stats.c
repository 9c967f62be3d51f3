/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/ipc_stats.c: the statistics of a connection. */
#include "ipc_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "exec/stats/stats.h"

static int play_and_stay(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 7);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) > 24);
	MUST(call(c, &req, &res) > 24);
	wait_for_go();
	qb_ipcc_disconnect(c);
	return 0;
}

static uint64_t read_stat(const char *name)
{
	struct coterie_map_value value;
	uint64_t number = 0;
	char key[128];

	snprintf(key, sizeof(key), "stats.ipcs.service40.%u.0x%012" PRIx64 ".%s", f.last->pid, f.last->id, name);
	ck_assert_msg(stats_read(f.node.stats, key, &value) == 0, "%s", key);
	memcpy(&number, value.bytes, value.size <= 8 ? value.size : 8);
	return number;
}

static uint32_t count_stats(void)
{
	struct stats_iterator *iterator = stats_iterator_create(f.node.stats, "stats.ipcs.service");
	uint32_t count = 0;

	while (stats_iterator_next(iterator, NULL) != NULL)
		count++;
	stats_iterator_destroy(iterator);
	return count;
}

START_TEST(a_connection_has_statistics)
{
	pid_t pid = start_client(play_and_stay);

	RUN_UNTIL(f.joins == 1 && read_stat("responses") == 2);
	ck_assert_uint_eq(count_stats(), 13);
	ck_assert_uint_eq(read_stat("requests"), 2);
	ck_assert_uint_eq(read_stat("responses"), 2);
	ck_assert_uint_eq(read_stat("invalid_request"), 0);
	ck_assert_uint_eq(read_stat("flow_control"), 0);
	ck_assert_int_eq(stats_clear(f.node.stats, "ipc"), 0);
	ck_assert_uint_eq(read_stat("requests"), 0);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(count_stats(), 0);
}
END_TEST

static int play_with_a_name(void)
{
	qb_ipcc_connection_t *c = NULL;

	MUST(prctl(PR_SET_NAME, "a\x1b"
				"b\xc2\x9b"
				"c\x9b\xc3\xbc") == 0);
	c = connect_client();
	MUST(c != NULL);
	wait_for_go();
	qb_ipcc_disconnect(c);
	return 0;
}

START_TEST(a_name_of_a_process_has_no_control_characters)
{
	pid_t pid = start_client(play_with_a_name);

	RUN_UNTIL(f.joins == 1);
	ck_assert_str_eq(f.last->process, "a?b??c?\xc3\xbc");
	let_go();
	ck_assert_int_eq(serve(pid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_stats");
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(open, a_connection_has_statistics);
	tcase_add_test(open, a_name_of_a_process_has_no_control_characters);
	return suite_run(suite);
}
