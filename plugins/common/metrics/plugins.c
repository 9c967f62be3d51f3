/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of plugins: stats.coterie.metrics.PLUGIN.FAMILY.* (host->metric_add). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

#define PREFIX "stats.coterie.metrics."
#define BUCKETS_MAX 33u

struct walk {
	struct writer *writer;
	char name[160]; /* name of the family's samples */
	char help[METRICS_VALUE_MAX];
	bool is_known;                        /* the family has a kind and help */
	uint32_t last;                        /* number of the series that was written last, or UINT32_MAX */
	char place[COTERIE_MAP_NAME_MAX + 1]; /* beginning of all keys of the family */
};

static void write_buckets(const struct walk *walk, const char *labels, uint32_t number)
{
	double count, total = 0, bound, sum;

	for (uint32_t i = 0; i < BUCKETS_MAX; i++) {
		char text[METRICS_VALUE_MAX + 64], le[40] = "+Inf";

		if (!source_number_f(walk->writer, COTERIE_MAP_STATS, &count, "%s%04" PRIu32 ".%02" PRIu32 ".count",
			    walk->place, number, i))
			break;
		if (source_number_f(walk->writer, COTERIE_MAP_STATS, &bound, "%s%04" PRIu32 ".%02" PRIu32 ".le",
			    walk->place, number, i))
			snprintf(le, sizeof(le), bound == floor(bound) && fabs(bound) < 1e15 ? "%.1f" : "%.15g", bound);
		total += count;
		snprintf(text, sizeof(text), "le=\"%s\"%s%s", le, *labels != '\0' ? "," : "", labels);
		writer_sample_as(walk->writer, "_bucket", text, total);
	}
	writer_sample_as(walk->writer, "_count", labels, total);
	if (source_number_f(walk->writer, COTERIE_MAP_STATS, &sum, "%s%04" PRIu32 ".sum", walk->place, number))
		writer_sample_as(walk->writer, "_sum", labels, sum);
}

/* Begin another family, whose keys start with PREFIX PLUGIN.FAMILY. The keys of one family follow each other. */
static void begin(struct walk *walk, const char *plugin, const char *family)
{
	static const enum metric_type types[] = {METRIC_GAUGE, METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM};
	double kind = 0;

	snprintf(walk->place, sizeof(walk->place), PREFIX "%s.%s.", plugin, family);
	snprintf(walk->name, sizeof(walk->name), "coterie_service_%s__%s", plugin, family);
	walk->last = UINT32_MAX;
	walk->is_known = source_number_f(walk->writer, COTERIE_MAP_STATS, &kind, "%skind", walk->place) && kind >= 1 &&
			 kind <= 3 && source_text(walk->writer, COTERIE_MAP_STATS, walk->help, "%shelp", walk->place);
	if (walk->is_known)
		writer_family(walk->writer, types[(uint32_t)kind], walk->name, walk->help);
}

static bool see(void *arg, const char *key)
{
	struct walk *walk = arg;
	char plugin[64], family[64], labels[METRICS_VALUE_MAX];
	uint32_t number;
	double value;
	int end = 0;

	if (sscanf(key, PREFIX "%63[a-z0-9_].%63[a-z0-9_].%n", plugin, family, &end) != 2 || end == 0)
		return true;
	if (strncmp(key, walk->place, strlen(walk->place)) != 0 || *walk->place == '\0')
		begin(walk, plugin, family);
	if (!walk->is_known || sscanf(key + end, "%4" SCNu32 ".", &number) != 1 || number == walk->last)
		return true;
	walk->last = number;
	if (!source_text(walk->writer, COTERIE_MAP_STATS, labels, "%s%04" PRIu32 ".labels", walk->place, number))
		return true;
	if (walk->writer->type == METRIC_HISTOGRAM)
		write_buckets(walk, labels, number);
	else if (source_number_f(walk->writer, COTERIE_MAP_STATS, &value, "%s%04" PRIu32 ".value", walk->place, number))
		writer_sample_as(walk->writer, "", labels, value);
	return walk->writer->text->error == 0;
}

void metrics_write_plugins(struct writer *writer)
{
	struct walk walk = {.writer = writer};

	writer->source->each(writer->source->arg, COTERIE_MAP_STATS, PREFIX, see, &walk);
}
