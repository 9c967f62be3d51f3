/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ring/eviction.c, and the log lines of exec/ring/ring_log.c about evictions and the lease. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/ring/eviction.h"
#include "exec/ring/ring_log.h"
#include "exec/stats/stats.h"
#include "tests/suite.h"

#define MS UINT64_C(1000000)

static struct loop *loop;
static struct stats *stats;
static struct evictions *evictions;
static struct ring_log ring_log;
static const struct totem_options options = {.nodeid = 1};
static char logged[1024];

/* ---- Stand-in for the log ------------------------------------------------- */

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(logged, sizeof(logged), "%s %d ", subsystem, prio);

	va_start(arguments, format);
	vsnprintf(logged + length, sizeof(logged) - (size_t)length, format, arguments);
	va_end(arguments);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(logged, sizeof(logged), "%s %d limited ", subsystem, prio);

	(void)now_ns;
	limit->count++;
	va_start(arguments, format);
	vsnprintf(logged + length, sizeof(logged) - (size_t)length, format, arguments);
	va_end(arguments);
}

/* ---- Fixture -------------------------------------------------------------- */

static void set_up(void)
{
	loop = loop_create();
	stats = stats_create(loop);
	evictions = eviction_list_create(stats);
	ck_assert_ptr_nonnull(evictions);
	ring_log = (struct ring_log){.options = &options};
	logged[0] = '\0';
}

static void tear_down(void)
{
	eviction_list_destroy(evictions);
	eviction_list_destroy(NULL);
	stats_destroy(stats);
	loop_destroy(loop);
}

static const char *text_of(const char *key)
{
	struct coterie_map_value value;

	if (stats_read(stats, key, &value) < 0)
		return "";
	ck_assert_uint_eq(value.type, COTERIE_MAP_STRING);
	ck_assert_uint_eq(value.size, strlen(value.bytes) + 1);
	return value.bytes;
}

static uint64_t count_of(const char *evidence)
{
	struct coterie_map_value value;
	uint64_t count;
	char key[64];

	snprintf(key, sizeof(key), "stats.coterie.ring.evictions.%s", evidence);
	ck_assert_msg(stats_read(stats, key, &value) == 0, "no %s", key);
	memcpy(&count, value.bytes, sizeof(count));
	return count;
}

/* ---- Texts ---------------------------------------------------------------- */

static const uint32_t agreed[] = {1, 3};

static const struct {
	const char *name;
	struct totem_eviction eviction;
	const char *text;
} texts[] = {
	{"closed",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_CLOSED,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 2,
			.silent_ns = 12 * MS},
		"node 2 is out of the ring: its kernel closed its connection and refused datagrams; silent for 12 ms; "
		"agreed: 1 3"},
	{"voted",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_VOTED,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 2,
			.silent_ns = 512 * MS,
			.budget_ns = 500 * MS},
		"node 2 is out of the ring: a majority did not hear it: silent for 512 ms (budget 500 ms); agreed: 1 3"},
	{"silent",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_SILENT,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 2,
			.silent_ns = 8031 * MS,
			.budget_ns = 8030 * MS},
		"node 2 is out of the ring: silent for 8031 ms (patience 8030 ms); agreed: 1 3"},
	{"disagreed",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_DISAGREED,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 1,
			.silent_ns = 20 * MS,
			.budget_ns = 8030 * MS},
		"node 2 is out of the ring: it agreed to no membership in time (patience 8030 ms); silent for 20 ms; "
		"agreed: 1"},
	{"answers",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_VOTED,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 2,
			.silent_ns = 512 * MS,
			.budget_ns = 500 * MS,
			.witness = TOTEM_WITNESS_ANSWERS},
		"node 2 is out of the ring: a majority did not hear it: silent for 512 ms (budget 500 ms); its host "
		"answers: its daemon is stopped or starves; agreed: 1 3"},
	{"does not answer",
		{.nodeid = 2,
			.evidence = TOTEM_EVIDENCE_SILENT,
			.accuser = 1,
			.agreed = agreed,
			.agreed_count = 2,
			.silent_ns = 8031 * MS,
			.budget_ns = 8030 * MS,
			.witness = TOTEM_WITNESS_SILENT},
		"node 2 is out of the ring: silent for 8031 ms (patience 8030 ms); its host does not answer either; "
		"agreed: 1 3"},
	{"named", {.nodeid = 2, .evidence = TOTEM_EVIDENCE_NAMED, .accuser = 3, .silent_ns = 20 * MS},
		"node 2 is out of the ring: node 3 named it failed; silent for 20 ms"},
};

START_TEST(a_line_says_why)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_EVICTED, .eviction = &texts[_i].eviction};
	char line[512];

	snprintf(line, sizeof(line), "TOTEM %d %s", LOG_NOTICE, texts[_i].text);
	ring_log_trace(&ring_log, 0, &trace);
	ck_assert_str_eq(logged, line);
}
END_TEST

START_TEST(older_joins_of_a_node_are_a_notice)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_REFUSED, .value = TOTEM_REFUSED_STALE, .node = 3};
	char line[80];

	ring_log_trace(&ring_log, 0, &trace);
	snprintf(line, sizeof(line), "TOTEM %d limited node 3 sends joins with an older ring id", LOG_NOTICE);
	ck_assert_msg(strncmp(logged, line, strlen(line)) == 0, "%s", logged);
	trace.value = TOTEM_REFUSED_JOIN;
	ring_log_trace(&ring_log, 0, &trace);
	snprintf(line, sizeof(line), "TOTEM %d limited packet dropped, it claims to be from node 3", LOG_WARNING);
	ck_assert_msg(strstr(logged, line) != NULL, "%s", logged);
}
END_TEST

START_TEST(a_member_that_left_gets_no_line_and_no_record)
{
	struct totem_eviction left = {.nodeid = 2, .evidence = TOTEM_EVIDENCE_LEFT};
	struct totem_trace trace = {.kind = TOTEM_TRACE_EVICTED, .eviction = &left};

	ring_log_trace(&ring_log, 0, &trace);
	ck_assert_str_eq(logged, "");
	eviction_list_note(evictions, 0, &left);
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.text"), "");
}
END_TEST

/*
 * Lines about signs and lines about verdicts differ: a sign of the transport removes no member, and a verdict names its
 * evidence.
 */
START_TEST(signs_and_verdicts_are_told_apart)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_SUSPECTED, .node = 2};

	ring_log_trace(&ring_log, 0, &trace);
	ck_assert_ptr_nonnull(strstr(logged, "a sign that no daemon runs on node 2 any more: the ring asks node 2"));
	trace = (struct totem_trace){.kind = TOTEM_TRACE_CONVICTED, .node = 2, .value = 54000};
	ring_log_trace(&ring_log, 0, &trace);
	ck_assert_ptr_nonnull(strstr(logged, "no daemon runs on node 2 any more: its kernel closed its connection and "
					     "refuses datagrams, and it was silent for 54 ms"));
}
END_TEST

START_TEST(the_lease_is_logged)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE, .value = 0};
	char line[512];

	ring_log_trace(&ring_log, 1000 * MS, &trace);
	snprintf(line, sizeof(line),
		"TOTEM %d limited no contact with a majority of the votes: requests that need quorum wait", LOG_NOTICE);
	ck_assert_str_eq(logged, line);
	trace.value = 1;
	ring_log_trace(&ring_log, 3100 * MS, &trace);
	snprintf(line, sizeof(line),
		"TOTEM %d limited contact with a majority of the votes again: requests that need quorum waited for 2100 ms",
		LOG_NOTICE);
	ck_assert_str_eq(logged, line);
}
END_TEST

START_TEST(what_a_witness_says_is_logged)
{
	struct totem_trace trace = {
		.kind = TOTEM_TRACE_WITNESSED, .node = 2, .value = 1300, .cause = TOTEM_WITNESS_ANSWERS};
	char line[512];

	ring_log_trace(&ring_log, 1000 * MS, &trace);
	snprintf(line, sizeof(line),
		"TOTEM %d limited node 2 is silent for 1300 ms; its host answers: its daemon is stopped or starves; the ring "
		"waits for it",
		LOG_NOTICE);
	ck_assert_str_eq(logged, line);
	trace.cause = TOTEM_WITNESS_SILENT;
	ring_log_trace(&ring_log, 1000 * MS, &trace);
	snprintf(line, sizeof(line),
		"TOTEM %d limited node 2 is silent for 1300 ms; its host does not answer either; the ring waits for it",
		LOG_NOTICE);
	ck_assert_str_eq(logged, line);
}
END_TEST

START_TEST(contact_without_a_lapse_is_no_news)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE, .value = 1};

	ring_log_trace(&ring_log, 1000 * MS, &trace);
	ck_assert_str_eq(logged, "");
}
END_TEST

/* ---- Records -------------------------------------------------------------- */

START_TEST(a_record_is_kept)
{
	eviction_list_note(evictions, UINT64_C(1763806548123), &texts[2].eviction);
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.text"), texts[2].text);
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.record"),
		"{\"time\":\"2025-11-22T10:15:48.123Z\",\"node\":2,\"evidence\":\"silent\",\"accuser\":1,"
		"\"silent_ms\":8031,\"budget_ms\":8030,\"agreed\":[1,3]}");
	ck_assert_uint_eq(count_of("silent"), 1);
	ck_assert_uint_eq(count_of("closed"), 0);
	ck_assert_int_eq(stats_clear(stats, "totem"), 0);
	ck_assert_uint_eq(count_of("silent"), 0);
	ck_assert_str_ne(text_of("stats.coterie.eviction.0.text"), "");
}
END_TEST

START_TEST(the_oldest_record_goes)
{
	char key[64];

	for (uint32_t i = 0; i < EVICTIONS_KEPT + 2; i++) {
		struct totem_eviction eviction = {.nodeid = 100 + i, .evidence = TOTEM_EVIDENCE_NAMED, .accuser = 3};

		eviction_list_note(evictions, 0, &eviction);
	}
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.text"), "");
	ck_assert_str_eq(text_of("stats.coterie.eviction.1.record"), "");
	for (uint32_t i = 2; i < EVICTIONS_KEPT + 2; i++) {
		char begin[64];

		snprintf(key, sizeof(key), "stats.coterie.eviction.%u.text", i);
		snprintf(begin, sizeof(begin), "node %u is", 100 + i);
		ck_assert_msg(strncmp(text_of(key), begin, strlen(begin)) == 0, "%s: %s", key, text_of(key));
	}
	ck_assert_uint_eq(count_of("named"), EVICTIONS_KEPT + 2);
}
END_TEST

START_TEST(a_record_has_the_witness)
{
	eviction_list_note(evictions, UINT64_C(1763806548123), &texts[4].eviction);
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.text"), texts[4].text);
	ck_assert_str_eq(text_of("stats.coterie.eviction.0.record"),
		"{\"time\":\"2025-11-22T10:15:48.123Z\",\"node\":2,\"evidence\":\"voted\",\"accuser\":1,"
		"\"silent_ms\":512,\"budget_ms\":500,\"host\":\"answers\",\"agreed\":[1,3]}");
}
END_TEST

/* Try all kinds of evidence and witness, and each length of the list. The value and its JSON must be complete. */
START_TEST(a_long_list_is_cut_between_two_nodes)
{
	uint32_t many[64];
	struct totem_eviction eviction = {.nodeid = UINT32_MAX,
		.accuser = UINT32_MAX,
		.agreed = many,
		.silent_ns = UINT64_MAX,
		.budget_ns = UINT64_MAX,
		.evidence = TOTEM_EVIDENCE_CLOSED + (enum totem_evidence)(_i / 3),
		.witness = (enum totem_witness)(_i % 3)};

	for (uint32_t i = 0; i < 64; i++)
		many[i] = UINT32_MAX - 64 + i;
	for (uint32_t count = 0; count <= 64; count++) {
		char key[64];

		eviction.agreed_count = count;
		eviction_list_note(evictions, 0, &eviction);
		snprintf(key, sizeof(key), "stats.coterie.eviction.%u.record", count);
		const char *json = text_of(key);
		ck_assert_uint_lt(strlen(json), EVICTION_TEXT_MAX);
		ck_assert_str_eq(json + strlen(json) - 2, "]}");
		snprintf(key, sizeof(key), "stats.coterie.eviction.%u.text", count);
		const char *text = text_of(key);
		ck_assert_uint_lt(strlen(text), EVICTION_TEXT_MAX);
		ck_assert(count < 64 || strstr(text, " more") != NULL);
	}
}
END_TEST

static struct {
	char keys[256];
} seen;

static void see(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	(void)arg, (void)now, (void)before;
	strcat(seen.keys, event == COTERIE_MAP_ADDED ? "+" : "-");
	strcat(seen.keys, key + strlen("stats.coterie.eviction."));
	strcat(seen.keys, " ");
	/* When a tracker is called for a record, the record's text must exist already. */
	if (event == COTERIE_MAP_ADDED && strstr(key, ".record") != NULL)
		ck_assert_str_ne(text_of("stats.coterie.eviction.0.text"), "");
}

START_TEST(trackers_hear_of_a_record)
{
	struct stats_tracker *tracker;

	ck_assert_int_eq(stats_track(stats, "stats.coterie.eviction.",
				 COTERIE_MAP_ADDED | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX, see, NULL, &tracker),
		0);
	eviction_list_note(evictions, 0, &texts[0].eviction);
	ck_assert_str_eq(seen.keys, "+0.text +0.record ");
	stats_untrack(stats, tracker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eviction");
	TCase *tcase = tcase_create("eviction");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_line_says_why, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, older_joins_of_a_node_are_a_notice);
	tcase_add_test(tcase, a_member_that_left_gets_no_line_and_no_record);
	tcase_add_test(tcase, signs_and_verdicts_are_told_apart);
	tcase_add_test(tcase, the_lease_is_logged);
	tcase_add_test(tcase, what_a_witness_says_is_logged);
	tcase_add_test(tcase, contact_without_a_lapse_is_no_news);
	tcase_add_test(tcase, a_record_is_kept);
	tcase_add_test(tcase, the_oldest_record_goes);
	tcase_add_test(tcase, a_record_has_the_witness);
	tcase_add_loop_test(tcase, a_long_list_is_cut_between_two_nodes, 0, 15);
	tcase_add_test(tcase, trackers_hear_of_a_record);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
