/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/sync/quorum.c: which plugin may publish, the log lines, and the callbacks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/sync/quorum.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

static struct quorum *quorum;
static bool is_quorate; /* value of the last verdict */
static struct coterie_plugin able = {.offers = COTERIE_CAN_QUORUM}, unable;
static struct plugin provider = {.name = "votes", .descriptor = &able};
static struct plugin watcher = {.name = "quorum", .descriptor = &able};
static char told[256];
static uint32_t decided; /* number of verdicts */

/* ---- The loop: a clock and one timer -------------------------------------- */

struct loop {
	uint64_t now_ns, at_ns;
	void (*run)(void *);
	void *arg;
};

static struct loop clock_of_test;

uint64_t loop_now_ns(const struct loop *loop) { return loop->now_ns; }

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	ck_assert_ptr_null(loop->run);
	loop->at_ns = at_ns;
	loop->run = run;
	loop->arg = arg;
	return (struct loop_timer *)loop;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	ck_assert_ptr_eq(timer, loop);
	loop->run = NULL;
}

static void pass(struct loop *loop, uint64_t ns)
{
	void (*run)(void *) = loop->run;

	loop->now_ns += ns;
	if (run == NULL || loop->now_ns < loop->at_ns)
		return;
	loop->run = NULL;
	run(loop->arg);
}

static void on_decided(void *arg, const struct coterie_quorum *verdict)
{
	bool *told_quorate = arg;

	*told_quorate = verdict->is_quorate != 0;
	decided++;
}

static void set_up(void)
{
	exec_stub_reset();
	clock_of_test = (struct loop){.now_ns = 1000000000};
	is_quorate = false;
	quorum = quorum_create("votes", on_decided, &is_quorate);
	ck_assert_ptr_nonnull(quorum);
	told[0] = '\0';
	decided = 0;
}

static void tear_down(void) { quorum_destroy(quorum); }

static int publish(const struct plugin *plugin, bool quorate, uint32_t count)
{
	uint32_t members[100];
	struct coterie_quorum verdict = {.size = sizeof(verdict),
		.is_quorate = quorate,
		.ring = {.representative = 1, .seq = 9},
		.members = members,
		.member_count = count,
		.provider = "liar"};

	for (uint32_t i = 0; i < count; i++)
		members[i] = i + 1;
	return quorum_publish(quorum, plugin, &verdict);
}

START_TEST(votes_are_copied_and_given_to_watchers)
{
	uint32_t members[] = {1, 2, 3}, votes[] = {2, 1, 0};
	struct coterie_quorum verdict = {.size = sizeof(verdict),
		.is_quorate = 1,
		.members = members,
		.member_count = 3,
		.votes = votes,
		.needed = 2};

	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	memset(votes, 0xee, sizeof(votes));
	memset(members, 0xee, sizeof(members));
	verdict = (struct coterie_quorum){.size = sizeof(verdict)};
	quorum_get(quorum, &verdict);
	ck_assert_uint_eq(verdict.needed, 2);
	ck_assert_uint_eq(verdict.votes[0], 2);
	ck_assert_uint_eq(verdict.votes[2], 0);
	ck_assert_uint_eq(verdict.members[2], 3);
	/* A provider of an ABI before 1.10 knows no votes. */
	verdict = (struct coterie_quorum){.size = offsetof(struct coterie_quorum, votes),
		.members = (uint32_t[]){1},
		.member_count = 1,
		.votes = votes,
		.needed = 2};
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	verdict = (struct coterie_quorum){.size = sizeof(verdict)};
	quorum_get(quorum, &verdict);
	ck_assert_ptr_null(verdict.votes);
	ck_assert_uint_eq(verdict.needed, 0);
}
END_TEST

static void note(void *arg, const struct coterie_quorum *verdict)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%s%u/%u ", (const char *)arg, verdict->is_quorate,
		verdict->member_count);
}

START_TEST(a_provider_can_come_later)
{
	bool is_other_quorate = true;
	struct quorum *other = quorum_create(NULL, on_decided, &is_other_quorate);
	struct coterie_quorum verdict = {.size = sizeof(verdict)};

	ck_assert(!quorum_has_provider(other));
	provider.descriptor = &unable;
	ck_assert_int_eq(quorum_appoint(other, &provider), -EPERM);
	provider.descriptor = &able;
	ck_assert_int_eq(quorum_appoint(other, &provider), 0);
	ck_assert_int_eq(quorum_appoint(other, &provider), -EEXIST);
	ck_assert(quorum_is_provider(other, &provider));
	ck_assert(is_other_quorate); /* the other plugin's verdict is valid until the provider publishes one */
	quorum_get(other, &verdict);
	ck_assert_str_eq(verdict.provider, provider.name);
	verdict = (struct coterie_quorum){.size = sizeof(verdict)};
	ck_assert_int_eq(quorum_publish(other, &provider, &verdict), 0);
	ck_assert(!is_other_quorate);
	quorum_destroy(other);
}
END_TEST

START_TEST(a_node_without_provider_is_quorate)
{
	bool is_other_quorate = true;
	struct quorum *other = quorum_create(NULL, on_decided, &is_other_quorate);
	struct coterie_quorum verdict = {.size = sizeof(verdict)};

	ck_assert(is_other_quorate);
	quorum_get(other, &verdict);
	ck_assert_uint_eq(verdict.is_quorate, 1);
	ck_assert_ptr_null(verdict.provider);
	ck_assert_uint_eq(verdict.member_count, 0);
	ck_assert_int_eq(quorum_publish(other, &provider, &verdict), -EPERM);
	quorum_forget(other, &provider);
	ck_assert(is_other_quorate);
	quorum_destroy(other);
	quorum_destroy(NULL);
}
END_TEST

START_TEST(a_node_with_provider_starts_without_quorum)
{
	struct coterie_quorum verdict = {.size = sizeof(verdict)};

	ck_assert(!is_quorate);
	quorum_get(quorum, &verdict);
	ck_assert_uint_eq(verdict.is_quorate, 0);
	ck_assert_str_eq(verdict.provider, "votes");
}
END_TEST

START_TEST(only_the_provider_publishes)
{
	ck_assert_int_eq(publish(&watcher, true, 1), -EPERM);
	provider.descriptor = &unable;
	ck_assert_int_eq(publish(&provider, true, 1), -EPERM);
	provider.descriptor = &able;
	ck_assert(!is_quorate);
	ck_assert_int_eq(publish(&provider, true, 1), 0);
	ck_assert(is_quorate);

	struct coterie_quorum bad = {.size = sizeof(bad), .member_count = 3};
	ck_assert_int_eq(quorum_publish(quorum, &provider, &bad), -EINVAL);
	bad.size = 0; /* with size 0 no member of the struct is set */
	ck_assert_int_eq(quorum_publish(quorum, &provider, &bad), 0);
	ck_assert(!is_quorate);
}
END_TEST

START_TEST(changes_and_lists_are_logged)
{
	publish(&provider, false, 1);
	ck_assert_str_eq(exec_stub.log, "QUORUM 5 Members[1]: 1\n");
	exec_stub.log[0] = '\0';
	publish(&provider, true, 2);
	ck_assert_str_eq(exec_stub.log, "QUORUM 5 This node is within the primary component and will provide service.\n"
					"QUORUM 5 Members[2]: 1 2\n");
	exec_stub.log[0] = '\0';
	publish(&provider, true, 3);
	ck_assert_str_eq(exec_stub.log, "QUORUM 5 Members[3]: 1 2 3\n");
	exec_stub.log[0] = '\0';
	publish(&provider, false, 0);
	ck_assert_str_eq(exec_stub.log,
		"QUORUM 5 This node is within the non-primary component and will NOT provide any services.\n"
		"QUORUM 5 Members[0]:\n");
	ck_assert_uint_eq(decided, 4);
}
END_TEST

/* A member of the ring can change the verdict by each of its messages. */
START_TEST(few_of_many_verdicts_are_logged)
{
	static char long_log[sizeof(exec_stub.log)];
	struct loop *loop = &clock_of_test;

	quorum_limit_log(quorum, loop);
	for (uint32_t i = 0; i < 1000; i++) {
		publish(&provider, i % 2 == 0, 3);
		ck_assert(is_quorate == (i % 2 == 0)); /* each of them counts */
	}
	ck_assert_uint_eq(decided, 1000);
	ck_assert_uint_ge(exec_stub_count_logged("Members[3]"), 10);
	ck_assert_uint_le(exec_stub_count_logged("Members[3]"), 32);
	memcpy(long_log, exec_stub.log, sizeof(long_log));
	publish(&provider, true, 2);
	ck_assert_str_eq(exec_stub.log, long_log);
	ck_assert_ptr_nonnull(loop->run);
	quorum_destroy(quorum);
	quorum = NULL;
	ck_assert_ptr_null(loop->run);
}
END_TEST

START_TEST(the_last_of_many_verdicts_is_logged)
{
	struct loop *loop = &clock_of_test;

	quorum_limit_log(quorum, loop);
	for (uint32_t i = 0; i < 32; i++)
		publish(&provider, false, 3);
	exec_stub.log[0] = '\0';
	publish(&provider, false, 1);
	publish(&provider, true, 2);
	ck_assert_str_eq(exec_stub.log, "");
	pass(loop, UINT64_C(9999999999));
	ck_assert_str_eq(exec_stub.log, "");
	pass(loop, 1);
	ck_assert_str_eq(exec_stub.log, "QUORUM 5 2 verdicts were not logged: the last one follows\n"
					"QUORUM 5 This node is within the primary component and will provide service.\n"
					"QUORUM 5 Members[2]: 1 2\n");
	exec_stub.log[0] = '\0';
	publish(&provider, true, 1);
	ck_assert_str_eq(exec_stub.log, "QUORUM 5 Members[1]: 1\n");
}
END_TEST

START_TEST(long_lists_are_broken)
{
	publish(&provider, false, 30);
	ck_assert_str_eq(exec_stub.log,
		"QUORUM 5 Members[30]: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24\\\n"
		"QUORUM 5 Members[30]: 25 26 27 28 29 30\n");

	/* A line shows 63 characters of the list, not 64. */
	static const uint32_t members[] = {1000001, 1000002, 1000003, 1000004, 1000005, 1000006, 1000007, 1000008};
	struct coterie_quorum verdict = {.size = sizeof(verdict), .members = members, .member_count = 8};
	exec_stub.log[0] = '\0';
	quorum_publish(quorum, &provider, &verdict);
	ck_assert_str_eq(exec_stub.log,
		"QUORUM 5 Members[8]: 1000001 1000002 1000003 1000004 1000005 1000006 1000007\\\n"
		"QUORUM 5 Members[8]: 1000008\n");
}
END_TEST

START_TEST(watchers_hear_every_verdict)
{
	static char a[] = "a", b[] = "b";
	struct coterie_quorum verdict = {.size = sizeof(verdict)};

	ck_assert_int_eq(quorum_watch(quorum, &provider, note, a), 0);
	ck_assert_int_eq(quorum_watch(quorum, &watcher, note, b), 0);
	ck_assert_int_eq(quorum_watch(quorum, &watcher, note, b), -EEXIST);
	publish(&provider, true, 2);
	publish(&provider, true, 2);
	quorum_forget(quorum, &watcher);
	publish(&provider, false, 1);
	ck_assert_str_eq(told, "a1/2 b1/2 a1/2 b1/2 a0/1 ");
	ck_assert_int_eq(quorum_watch(quorum, &watcher, note, b), 0);
	publish(&provider, true, 2);
	ck_assert_str_eq(told, "a1/2 b1/2 a1/2 b1/2 a0/1 a1/2 b1/2 ");
	quorum_get(quorum, &verdict);
	ck_assert_uint_eq(verdict.members[1], 2);
	ck_assert_uint_eq(verdict.ring.seq, 9);
	ck_assert_str_eq(verdict.provider, "votes");
	told[0] = '\0';
	quorum_forget(quorum, &provider);
	ck_assert(!is_quorate);
	ck_assert_str_eq(told, "b0/2 ");
	quorum_forget(quorum, &provider);
	ck_assert_str_eq(told, "b0/2 ");
}
END_TEST

/* A provider publishes votes that have changed. The verdict is the same, so it is no news for watchers. */
START_TEST(other_votes_are_no_other_verdict)
{
	static char a[] = "a";
	uint32_t members[] = {1, 2, 3}, votes[] = {1, 1, 1};
	struct coterie_quorum known = {.size = sizeof(known)}, verdict = {.size = sizeof(verdict),
								       .is_quorate = 1,
								       .ring = {.representative = 1, .seq = 9},
								       .members = members,
								       .member_count = 3,
								       .votes = votes,
								       .needed = 2};

	ck_assert_int_eq(quorum_watch(quorum, &watcher, note, a), 0);
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	ck_assert_str_eq(told, "a1/3 ");
	told[0] = exec_stub.log[0] = '\0';
	verdict.needed = 3;
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	votes[2] = 4;
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	ck_assert_uint_eq(decided, 3); /* the executive gets them */
	ck_assert_str_eq(told, "");
	ck_assert_str_eq(exec_stub.log, "");
	quorum_get(quorum, &known);
	ck_assert_uint_eq(known.needed, 3);
	ck_assert_uint_eq(known.votes[2], 4);
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0); /* nothing is new: the provider repeats it */
	ck_assert_str_eq(told, "a1/3 ");
	verdict.ring.seq = 13;
	votes[2] = 1;
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	ck_assert_str_eq(told, "a1/3 a1/3 ");
	members[2] = 4;
	votes[2] = 2;
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	ck_assert_str_eq(told, "a1/3 a1/3 a1/3 ");
	verdict.is_quorate = 0;
	votes[2] = 1;
	ck_assert_int_eq(quorum_publish(quorum, &provider, &verdict), 0);
	ck_assert_str_eq(told, "a1/3 a1/3 a1/3 a0/3 ");
}
END_TEST

static void publish_again(void *arg, const struct coterie_quorum *verdict)
{
	note(arg, verdict);
	if (verdict->is_quorate == 0)
		publish(&provider, true, 3);
}

START_TEST(a_verdict_inside_a_verdict_is_told_to_all)
{
	static char a[] = "a", b[] = "b";

	quorum_watch(quorum, &provider, publish_again, a);
	quorum_watch(quorum, &watcher, note, b);
	publish(&provider, false, 1);
	ck_assert_str_eq(told, "a0/1 a1/3 b1/3 ");
}
END_TEST

START_TEST(a_provider_beside_its_predecessor_does_not_end_the_verdict)
{
	struct plugin beside = provider;

	beside.is_beside = true;
	publish(&provider, true, 2);
	quorum_forget(quorum, &beside);
	ck_assert(is_quorate);
	ck_assert_uint_eq(decided, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quorum verdict");
	TCase *tcase = tcase_create("verdict");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_node_without_provider_is_quorate);
	tcase_add_test(tcase, a_provider_can_come_later);
	tcase_add_test(tcase, a_node_with_provider_starts_without_quorum);
	tcase_add_test(tcase, only_the_provider_publishes);
	tcase_add_test(tcase, changes_and_lists_are_logged);
	tcase_add_test(tcase, few_of_many_verdicts_are_logged);
	tcase_add_test(tcase, the_last_of_many_verdicts_is_logged);
	tcase_add_test(tcase, long_lists_are_broken);
	tcase_add_test(tcase, watchers_hear_every_verdict);
	tcase_add_test(tcase, other_votes_are_no_other_verdict);
	tcase_add_test(tcase, votes_are_copied_and_given_to_watchers);
	tcase_add_test(tcase, a_verdict_inside_a_verdict_is_told_to_all);
	tcase_add_test(tcase, a_provider_beside_its_predecessor_does_not_end_the_verdict);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
