/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics that a plugin offers: host->metric_add(), the statistics map, and the text and the JSON that are made from
 * it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#ifdef HAVE_JSON
#include "plugins/common/answers/answers.h"
#endif
#include "plugins/common/metrics/metrics.h"
#include "tests/suite.h"
#include "tests/unit/sample-plugins/patient.h"

static struct testkit *kit;
static const struct coterie_host *host;
static struct coterie_ctx *ctx;

static void set_up(void)
{
	kit = testkit_create(1, 1);
	ck_assert_int_eq(testkit_load(kit, 1, &patient_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	host = testkit_host(kit, 1, "patient", &ctx);
}

static void tear_down(void) { ck_assert_uint_eq(testkit_destroy(kit), 0); }

/* --- the map as a source --- */

static bool read_key(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	struct coterie_map_value value;

	(void)arg;
	if (host->map_read(ctx, map, key, &value) < 0 || value.size > METRICS_VALUE_MAX)
		return false;
	memcpy(bytes, value.bytes, value.size);
	*type = value.type;
	return true;
}

static void each_key(
	void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key), void *see_arg)
{
	struct coterie_map_iterator *iterator;
	const char *key;

	(void)arg;
	ck_assert_int_eq(host->map_iterate(ctx, map, prefix, &iterator), 0);
	while ((key = host->map_iterate_next(iterator, NULL)) != NULL && see(see_arg, key))
		;
	host->map_iterate_end(iterator);
}

static bool no_ring(void *arg, struct coterie_ring_id *ring) { return (void)arg, (void)ring, false; }
static int no_quorum(void *arg) { return (void)arg, -1; }
static bool no_votes(void *arg, uint32_t id, struct metrics_votes *votes)
{
	return (void)arg, (void)id, (void)votes, false;
}
static bool no_links(void *arg, uint32_t id, struct coterie_node_status *status)
{
	return (void)arg, (void)id, (void)status, false;
}
static uint32_t local(void *arg) { return (void)arg, 1; }

static const struct metrics_source source = {.read = read_key,
	.each = each_key,
	.ring = no_ring,
	.quorate = no_quorum,
	.votes = no_votes,
	.links = no_links,
	.local = local};

/* Return the lines of the text that contain the plugin's name, malloc'd. */
static char *render(void)
{
	const struct metrics_options options = {.format = METRICS_OPENMETRICS};
	struct metrics_text text = {0};
	char *lines = calloc(1, 65536), *rest = NULL;

	ck_assert_int_eq(metrics_render(&source, &options, &text), 0);
	for (char *line = strtok_r(text.bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, "coterie_service_patient__") != NULL)
			strcat(strcat(lines, line), "\n");
	metrics_text_fini(&text);
	return lines;
}

static void renders(const char *want)
{
	char *text = render();

	ck_assert_str_eq(text, want);
	free(text);
}

/* --- tests --- */

static struct coterie_metric metric(uint32_t kind, const char *name)
{
	return (struct coterie_metric){
		.size = sizeof(struct coterie_metric), .kind = kind, .name = name, .help = "Help."};
}

static struct coterie_series *add(const struct coterie_metric *wanted)
{
	struct coterie_series *series = NULL;

	ck_assert_int_eq(host->metric_add(ctx, wanted, &series), 0);
	ck_assert_ptr_nonnull(series);
	return series;
}

START_TEST(counters_and_gauges_are_shown)
{
	struct coterie_metric counter = metric(COTERIE_METRIC_COUNTER, "grants"),
			      gauge = metric(COTERIE_METRIC_GAUGE, "load");
	struct coterie_series *grants = add(&counter), *load = add(&gauge);

	host->metric_count(grants, 3);
	host->metric_count(grants, 4);
	host->metric_set(load, 0.5);
	host->metric_set(load, NAN); /* not a number: ignored */
	host->metric_set(grants, 9); /* no effect: the metric is of another kind */
	host->metric_count(NULL, 1);
	renders("# TYPE coterie_service_patient__grants counter\n# HELP coterie_service_patient__grants Help.\n"
		"coterie_service_patient__grants_total 7\n"
		"# TYPE coterie_service_patient__load gauge\n# HELP coterie_service_patient__load Help.\n"
		"coterie_service_patient__load 0.5\n");
	host->metric_del(ctx, grants);
	host->metric_del(ctx, load);
	renders("");
}
END_TEST

START_TEST(series_of_a_family_have_labels)
{
	const struct coterie_label one[] = {{"lock", "a\"b\\\n"}, {"node", "1"}},
				   two[] = {{"lock", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92"}, {"node", "2"}};
	const struct coterie_label turned[] = {one[1], one[0]};
	struct coterie_metric counter = metric(COTERIE_METRIC_COUNTER, "waits");
	struct coterie_series *first, *again;

	counter.labels = one;
	counter.label_count = 2;
	first = add(&counter);
	ck_assert_int_eq(host->metric_add(ctx, &counter, &again), -EEXIST);
	counter.labels = turned;
	ck_assert_int_eq(host->metric_add(ctx, &counter, &again), -EEXIST);
	counter.labels = two;
	host->metric_count(add(&counter), 2);
	renders("# TYPE coterie_service_patient__waits counter\n# HELP coterie_service_patient__waits Help.\n"
		"coterie_service_patient__waits_total{lock=\"a\\\"b\\\\\\n\",node=\"1\"} 0\n"
		"coterie_service_patient__waits_total{lock=\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92\",node=\"2\"} 2\n");
	host->metric_del(ctx, first);
	counter.labels = one;
	add(&counter); /* takes the slot that has become free */
}
END_TEST

START_TEST(a_histogram_has_cumulated_buckets)
{
	static const double bounds[] = {0.1, 1, 10};
	const struct coterie_label label[] = {{"lock", "a"}};
	struct coterie_metric histogram = metric(COTERIE_METRIC_HISTOGRAM, "wait_seconds");

	histogram.bounds = bounds;
	histogram.bound_count = 3;
	histogram.labels = label;
	histogram.label_count = 1;
	struct coterie_series *wait = add(&histogram);
	host->metric_observe(wait, 0.1); /* a value equal to a bound belongs to that bound's bucket */
	host->metric_observe(wait, 0.5);
	host->metric_observe(wait, 100);
	renders("# TYPE coterie_service_patient__wait_seconds histogram\n# UNIT coterie_service_patient__wait_seconds seconds\n"
		"# HELP coterie_service_patient__wait_seconds Help.\n"
		"coterie_service_patient__wait_seconds_bucket{le=\"0.1\",lock=\"a\"} 1\n"
		"coterie_service_patient__wait_seconds_bucket{le=\"1.0\",lock=\"a\"} 2\n"
		"coterie_service_patient__wait_seconds_bucket{le=\"10.0\",lock=\"a\"} 2\n"
		"coterie_service_patient__wait_seconds_bucket{le=\"+Inf\",lock=\"a\"} 3\n"
		"coterie_service_patient__wait_seconds_count{lock=\"a\"} 3\n"
		"coterie_service_patient__wait_seconds_sum{lock=\"a\"} 100.6\n");
}
END_TEST

START_TEST(wrong_metrics_are_refused)
{
	static const double bounds[] = {1, 1}, other[] = {1, 2};
	const struct coterie_label twice[] = {{"a", "1"}, {"a", "2"}}, le[] = {{"le", "1"}}, none[] = {{"", "1"}};
	const struct coterie_label latin[] = {{"a", "\xe4"}}, cut[] = {{"a", "\xe2\x82"}},
				   surrogate[] = {{"a", "\xed\xa0\x80"}}, long_form[] = {{"a", "\xc0\x80"}};
	char longest[300];
	struct coterie_series *series;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	const struct coterie_label wide[] = {{"a", longest}};
	struct {
		const char *what;
		struct coterie_metric metric;
	} rows[] = {
		{"size", {.size = 8, .kind = 1, .name = "a", .help = "h"}},
		{"kind", {.kind = 4, .name = "a", .help = "h"}},
		{"no name", {.kind = 1, .help = "h"}},
		{"name", {.kind = 1, .name = "A", .help = "h"}},
		{"two underscores", {.kind = 1, .name = "a__b", .help = "h"}},
		{"underscore at the end", {.kind = 1, .name = "a_", .help = "h"}},
		{"suffix of a counter", {.kind = 1, .name = "a_total", .help = "h"}},
		{"suffix of a bucket", {.kind = 2, .name = "a_bucket", .help = "h"}},
		{"suffix of a sum", {.kind = 2, .name = "a_sum", .help = "h"}},
		{"suffix of a count", {.kind = 2, .name = "a_count", .help = "h"}},
		{"suffix of facts", {.kind = 2, .name = "a_info", .help = "h"}},
		{"suffix of a time", {.kind = 2, .name = "a_created", .help = "h"}},
		{"long name", {.kind = 1, .name = longest, .help = "h"}},
		{"no help", {.kind = 1, .name = "a"}},
		{"quoted help", {.kind = 1, .name = "a", .help = "h\"h"}},
		{"help of no UTF-8", {.kind = 1, .name = "a", .help = "h\xff"}},
		{"label of Latin 1", {.kind = 1, .name = "a", .help = "h", .labels = latin, .label_count = 1}},
		{"label that is cut off", {.kind = 1, .name = "a", .help = "h", .labels = cut, .label_count = 1}},
		{"label with a surrogate",
			{.kind = 1, .name = "a", .help = "h", .labels = surrogate, .label_count = 1}},
		{"label with a long form",
			{.kind = 1, .name = "a", .help = "h", .labels = long_form, .label_count = 1}},
		{"two lines", {.kind = 1, .name = "a", .help = "h\nh"}},
		{"label twice", {.kind = 1, .name = "a", .help = "h", .labels = twice, .label_count = 2}},
		{"label le", {.kind = 1, .name = "a", .help = "h", .labels = le, .label_count = 1}},
		{"label without a name", {.kind = 1, .name = "a", .help = "h", .labels = none, .label_count = 1}},
		{"long label", {.kind = 1, .name = "a", .help = "h", .labels = wide, .label_count = 1}},
		{"too many labels", {.kind = 1, .name = "a", .help = "h", .labels = twice, .label_count = 9}},
		{"no bounds", {.kind = 3, .name = "a", .help = "h"}},
		{"bounds of a counter", {.kind = 1, .name = "a", .help = "h", .bounds = other, .bound_count = 2}},
		{"bounds", {.kind = 3, .name = "a", .help = "h", .bounds = bounds, .bound_count = 2}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].metric.size == 0)
			rows[i].metric.size = sizeof(rows[i].metric);
		ck_assert_msg(host->metric_add(ctx, &rows[i].metric, &series) == -EINVAL, "%s", rows[i].what);
	}
	struct coterie_metric counter = metric(COTERIE_METRIC_COUNTER, "a"), gauge = metric(COTERIE_METRIC_GAUGE, "a");
	add(&counter);
	ck_assert_int_eq(host->metric_add(ctx, &gauge, &series), -EINVAL);
}
END_TEST

START_TEST(their_number_is_bounded)
{
	struct coterie_metric counter = metric(COTERIE_METRIC_COUNTER, "many");
	struct coterie_label label = {.name = "i"};
	struct coterie_series *series;
	char text[16];

	counter.labels = &label;
	counter.label_count = 1;
	label.value = text;
	for (uint32_t i = 0; i < COTERIE_METRIC_SERIES_MAX; i++) {
		snprintf(text, sizeof(text), "%u", i);
		add(&counter);
	}
	strcpy(text, "more");
	ck_assert_int_eq(host->metric_add(ctx, &counter, &series), -ENOSPC);
}
END_TEST

#ifdef HAVE_JSON
START_TEST(the_answer_about_plugins_lists_them)
{
	static const double bounds[] = {1};
	const struct coterie_label label[] = {{"lock", "a\\n\n"}};
	struct coterie_metric counter = metric(COTERIE_METRIC_COUNTER, "grants"),
			      histogram = metric(COTERIE_METRIC_HISTOGRAM, "wait_seconds");
	struct json_object *plugin = json_object_new_object();

	counter.labels = label;
	counter.label_count = 1;
	host->metric_count(add(&counter), 5);
	histogram.bounds = bounds;
	histogram.bound_count = 1;
	host->metric_observe(add(&histogram), 2);
	answers_put_metrics(&source, plugin, "patient");
	ck_assert_str_eq(json_object_to_json_string_ext(plugin, JSON_C_TO_STRING_PLAIN),
		"{\"metrics\":[{\"name\":\"grants\",\"kind\":\"counter\",\"labels\":{\"lock\":\"a\\\\n\\n\"},\"value\":5},"
		"{\"name\":\"wait_seconds\",\"kind\":\"histogram\",\"labels\":{},"
		"\"buckets\":[{\"le\":1.0,\"count\":0},{\"count\":1}],\"sum\":2.0}]}");
	json_object_put(plugin);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("plugin metrics");
	TCase *tcase = tcase_create("metrics");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, counters_and_gauges_are_shown);
	tcase_add_test(tcase, series_of_a_family_have_labels);
	tcase_add_test(tcase, a_histogram_has_cumulated_buckets);
	tcase_add_test(tcase, wrong_metrics_are_refused);
	tcase_add_test(tcase, their_number_is_bounded);
#ifdef HAVE_JSON
	tcase_add_test(tcase, the_answer_about_plugins_lists_them);
#endif
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
