/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of a plugin as JSON: stats.coterie.metrics.PLUGIN.FAMILY.* (host->metric_add). */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "stats.coterie.metrics."
#define BUCKETS_MAX 33u

struct walk {
	const struct metrics_source *source;
	struct json_object *metrics;
};

static bool read_double(const struct metrics_source *source, const char *key, double *number)
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	uint32_t type;

	if (!source->read(source->arg, COTERIE_MAP_STATS, key, &type, bytes) || type != COTERIE_MAP_DOUBLE)
		return false;
	memcpy(number, bytes, sizeof(*number));
	return isfinite(*number) != 0;
}

/* Add one label, NAME="VALUE" with escapes. @return the text behind the label and its comma; NULL: there is no label */
static const char *put_label(struct json_object *labels, const char *text)
{
	char name[METRICS_VALUE_MAX], value[METRICS_VALUE_MAX];
	size_t length = 0;
	int end = 0;

	if (sscanf(text, "%255[a-zA-Z0-9_]=\"%n", name, &end) != 1 || end == 0)
		return NULL;
	for (text += end; *text != '"'; text++) {
		bool is_escaped = *text == '\\';

		text += is_escaped;
		if (*text == '\0' || length + 1 == sizeof(value))
			return NULL;
		value[length++] = is_escaped && *text == 'n' ? '\n' : *text;
	}
	value[length] = '\0';
	put_text(labels, name, value);
	return text[1] == ',' ? text + 2 : text + 1;
}

static void put_labels(struct json_object *metric, const char *text)
{
	struct json_object *labels = json_object_new_object();

	while (text != NULL && *text != '\0')
		text = put_label(labels, text);
	json_object_object_add(metric, "labels", labels);
}

/* Add the buckets of a histogram. The counts are not cumulated, and the last bucket has no bound. */
static void put_buckets(const struct walk *walk, struct json_object *metric, const char *place)
{
	struct json_object *buckets = json_object_new_array();
	char key[COTERIE_MAP_NAME_MAX + 1];
	double number;

	for (uint32_t i = 0; i < BUCKETS_MAX; i++) {
		struct json_object *bucket;

		snprintf(key, sizeof(key), "%.200s.%02" PRIu32 ".count", place, i);
		int64_t count = answers_key_number(walk->source, COTERIE_MAP_STATS, key, -1);
		if (count < 0)
			break;
		bucket = json_object_new_object();
		snprintf(key, sizeof(key), "%.200s.%02" PRIu32 ".le", place, i);
		if (read_double(walk->source, key, &number))
			json_object_object_add(bucket, "le", json_object_new_double(number));
		put_number(bucket, "count", count);
		json_object_array_add(buckets, bucket);
	}
	json_object_object_add(metric, "buckets", buckets);
	snprintf(key, sizeof(key), "%.200s.sum", place);
	if (read_double(walk->source, key, &number))
		json_object_object_add(metric, "sum", json_object_new_double(number));
}

static void put_value(const struct walk *walk, struct json_object *metric, const char *place, int64_t kind)
{
	char key[COTERIE_MAP_NAME_MAX + 1];
	double number;

	snprintf(key, sizeof(key), "%.200s.value", place);
	if (kind == COTERIE_METRIC_COUNTER)
		put_number(metric, "value", answers_key_number(walk->source, COTERIE_MAP_STATS, key, 0));
	else if (kind == COTERIE_METRIC_GAUGE && read_double(walk->source, key, &number))
		json_object_object_add(metric, "value", json_object_new_double(number));
	else if (kind == COTERIE_METRIC_HISTOGRAM)
		put_buckets(walk, metric, place);
}

/* Add the series of a key PREFIX PLUGIN.FAMILY.NNNN.labels. Each series has one such key. */
static bool see(void *arg, const char *key)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	struct walk *walk = arg;
	char family[64], other[COTERIE_MAP_NAME_MAX + 1], place[COTERIE_MAP_NAME_MAX + 1];
	int family_end = 0, number_end = 0, end = 0;

	if (sscanf(key, PREFIX "%*[a-z0-9_].%63[a-z0-9_]%n.%*4[0-9]%n.labels%n", family, &family_end, &number_end,
		    &end) != 1 ||
		end == 0 || key[end] != '\0')
		return true;
	snprintf(other, sizeof(other), "%.*s.kind", family_end, key);
	int64_t kind = answers_key_number(walk->source, COTERIE_MAP_STATS, other, 0);
	char *labels = answers_key_text(walk->source, COTERIE_MAP_STATS, key);
	if (kind >= 1 && kind <= 3 && labels != NULL) {
		struct json_object *metric = json_object_new_object();

		put_text(metric, "name", family);
		put_text(metric, "kind", kinds[kind - 1]);
		put_labels(metric, labels);
		snprintf(place, sizeof(place), "%.*s", number_end, key);
		put_value(walk, metric, place, kind);
		json_object_array_add(walk->metrics, metric);
	}
	free(labels);
	return true;
}

void answers_put_metrics(const struct metrics_source *source, struct json_object *plugin, const char *name)
{
	struct walk walk = {.source = source, .metrics = json_object_new_array()};
	char prefix[sizeof(PREFIX) + 66];

	snprintf(prefix, sizeof(prefix), PREFIX "%.63s.", name);
	source->each(source->arg, COTERIE_MAP_STATS, prefix, see, &walk);
	if (json_object_array_length(walk.metrics) > 0)
		json_object_object_add(plugin, "metrics", walk.metrics);
	else
		json_object_put(walk.metrics);
}
