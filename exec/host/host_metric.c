/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host table's metrics. A family has kind, help and bounds, and its series have labels and numbers. All of these
 * are in the statistics map (book configuration, "Statistics map"), so that every reader of the map can show them:
 *
 * - stats.coterie.metrics.PLUGIN.FAMILY.kind, .help
 * - stats.coterie.metrics.PLUGIN.FAMILY.NNNN.labels: as OpenMetrics writes them, without braces
 * - stats.coterie.metrics.PLUGIN.FAMILY.NNNN.value
 * - of a histogram instead: .sum, .BB.le and .BB.count, which is not cumulated
 */
#include "exec/host/host_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "exec/stats/stats.h"

#define NAME_MAX_LENGTH 40u
#define HELP_MAX 200u
#define LABELS_SIZE 252u /* bytes of the labels' text, with its NUL: a value of the map has 256 bytes */
#define KEYS_MAX 4096u   /* most keys of one plugin */

struct metric_family {
	struct metric_family *next;
	struct plugin_metrics *metrics;
	struct coterie_series *series; /* ascending by number */
	uint32_t kind, bound_count;
	char name[NAME_MAX_LENGTH + 1];
	char help[HELP_MAX + 1];
	double bounds[];
};

struct coterie_series {
	struct coterie_series *next;
	struct metric_family *family;
	uint32_t number;
	char labels[LABELS_SIZE];
	uint64_t count;     /* number of a counter */
	double value;       /* number of a gauge, or sum of a histogram */
	uint64_t buckets[]; /* counts of a histogram, bound_count + 1 */
};

/** All metrics of a plugin. */
struct plugin_metrics {
	struct plugin *plugin;
	struct metric_family *families;
	uint32_t series, keys;
};

/* --- readers of the statistics --- */

static uint32_t read_u32(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint32_t));
	return sizeof(uint32_t);
}

static uint32_t read_u64(void *arg, void *value) { return stats_put_u64(value, *(const uint64_t *)arg); }

static uint32_t read_double(void *arg, void *value)
{
	memcpy(value, arg, sizeof(double));
	return sizeof(double);
}

static uint32_t read_text(void *arg, void *value)
{
	size_t size = strlen(arg) + 1;

	memcpy(value, arg, size);
	return (uint32_t)size;
}

/* --- checks --- */

static bool is_name(const char *name, const char *first, const char *others)
{
	return name != NULL && name[0] != '\0' && strchr(first, name[0]) != NULL && name[strspn(name, others)] == '\0';
}

static bool is_utf8(const char *text)
{
	size_t size;

	while (*text != '\0' && (size = utf8_size(text)) > 0)
		text += size;
	return *text == '\0';
}

/*
 * Return whether the name may be that of a family. A sample of the family is coterie_service_PLUGIN__NAME with a suffix
 * of OpenMetrics. Samples of two families must have different names. So the last "__" divides plugin and family, and a
 * family's name must not end in such a suffix.
 */
static bool is_family(const char *name)
{
	static const char *const suffixes[] = {"_", "_total", "_bucket", "_sum", "_count", "_info", "_created"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz", others[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	if (!is_name(name, letters, others) || strlen(name) > NAME_MAX_LENGTH || strstr(name, "__") != NULL)
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t length = strlen(name), size = strlen(suffixes[i]);

		if (length >= size && strcmp(name + length - size, suffixes[i]) == 0)
			return false;
	}
	return true;
}

static bool is_metric(const struct coterie_metric *metric)
{
	if (metric->size < offsetof(struct coterie_metric, bound_count) + sizeof(metric->bound_count) ||
		metric->kind < COTERIE_METRIC_COUNTER || metric->kind > COTERIE_METRIC_HISTOGRAM ||
		!is_family(metric->name) || metric->help == NULL || strlen(metric->help) > HELP_MAX ||
		strpbrk(metric->help, "\n\\\"") != NULL || !is_utf8(metric->help) ||
		metric->label_count > COTERIE_METRIC_LABELS_MAX || metric->bound_count > COTERIE_METRIC_BOUNDS_MAX ||
		(metric->kind == COTERIE_METRIC_HISTOGRAM) != (metric->bound_count > 0) ||
		(metric->label_count > 0 && metric->labels == NULL) ||
		(metric->bound_count > 0 && metric->bounds == NULL))
		return false;
	for (uint32_t i = 0; i < metric->bound_count; i++)
		if (!isfinite(metric->bounds[i]) || (i > 0 && metric->bounds[i] <= metric->bounds[i - 1]))
			return false;
	return true;
}

static bool is_label(const struct coterie_metric *metric, uint32_t index)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	const struct coterie_label *label = &metric->labels[index];

	if (!is_name(label->name, letters, others) || strcmp(label->name, "le") == 0 || label->value == NULL ||
		!is_utf8(label->value))
		return false;
	for (uint32_t i = 0; i < index; i++)
		if (strcmp(metric->labels[i].name, label->name) == 0)
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct coterie_label *)a)->name, ((const struct coterie_label *)b)->name);
}

/*
 * Write the labels, ascending by name, with escapes. So the same labels in another order are the same series.
 * @return false: a label is wrong, or all are too long together
 */
static bool write_labels(const struct coterie_metric *metric, char text[LABELS_SIZE])
{
	struct coterie_label labels[COTERIE_METRIC_LABELS_MAX];
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < metric->label_count; i++) {
		if (!is_label(metric, i))
			return false;
		labels[i] = metric->labels[i];
	}
	qsort(labels, metric->label_count, sizeof(labels[0]), by_name);
	for (uint32_t i = 0; i < metric->label_count; i++) {
		length += (size_t)snprintf(
			text + length, LABELS_SIZE - length, "%s%s=\"", i > 0 ? "," : "", labels[i].name);
		for (const char *at = labels[i].value; *at != '\0' && length + 4 < LABELS_SIZE; at++) {
			if (*at == '\n' || *at == '"' || *at == '\\')
				text[length++] = '\\';
			text[length++] = *at == '\n' ? 'n' : *at;
		}
		if (length + 4 >= LABELS_SIZE)
			return false;
		text[length++] = '"';
		text[length] = '\0';
	}
	return true;
}

/* --- keys --- */

static uint32_t key_count(const struct metric_family *family)
{
	return family->kind == COTERIE_METRIC_HISTOGRAM ? 2 * family->bound_count + 3 : 2;
}

struct offer {
	struct plugin *plugin;
	bool is_withdrawn; /* delete the keys of the family */
	char prefix[COTERIE_MAP_NAME_MAX + 1];
	int rc;
};

static void offer(struct offer *offer, const char *what, uint32_t type, coterie_stat_read read, void *arg)
{
	struct coterie_ctx *ctx = (struct coterie_ctx *)offer->plugin;
	char key[sizeof(offer->prefix) + 16];

	snprintf(key, sizeof(key), "%s.%s", offer->prefix, what);
	if (offer->is_withdrawn)
		host_stat_del(ctx, key);
	else if (offer->rc == 0)
		offer->rc = host_stat_add(ctx, key, type, read, arg);
}

static void name_family(struct offer *offer, const struct metric_family *family)
{
	snprintf(
		offer->prefix, sizeof(offer->prefix), "stats.coterie.metrics.%s.%s", offer->plugin->name, family->name);
}

static int show_family(struct metric_family *family, bool is_withdrawn)
{
	struct offer all = {.plugin = family->metrics->plugin, .is_withdrawn = is_withdrawn};

	name_family(&all, family);
	offer(&all, "kind", COTERIE_MAP_U32, read_u32, &family->kind);
	offer(&all, "help", COTERIE_MAP_STRING, read_text, family->help);
	return all.rc;
}

static int show_series(struct coterie_series *series, bool is_withdrawn)
{
	struct metric_family *family = series->family;
	struct offer all = {.plugin = family->metrics->plugin, .is_withdrawn = is_withdrawn};
	char what[16];

	name_family(&all, family);
	snprintf(all.prefix + strlen(all.prefix), sizeof(all.prefix) - strlen(all.prefix), ".%04u", series->number);
	offer(&all, "labels", COTERIE_MAP_STRING, read_text, series->labels);
	if (family->kind == COTERIE_METRIC_COUNTER)
		offer(&all, "value", COTERIE_MAP_U64, read_u64, &series->count);
	else
		offer(&all, family->kind == COTERIE_METRIC_GAUGE ? "value" : "sum", COTERIE_MAP_DOUBLE, read_double,
			&series->value);
	for (uint32_t i = 0; family->kind == COTERIE_METRIC_HISTOGRAM && i <= family->bound_count; i++) {
		snprintf(what, sizeof(what), "%02u.count", i);
		offer(&all, what, COTERIE_MAP_U64, read_u64, &series->buckets[i]);
		if (i == family->bound_count)
			break;
		snprintf(what, sizeof(what), "%02u.le", i);
		offer(&all, what, COTERIE_MAP_DOUBLE, read_double, &family->bounds[i]);
	}
	return all.rc;
}

/* --- families --- */

static bool is_same_family(const struct metric_family *family, const struct coterie_metric *metric)
{
	return family->kind == metric->kind && strcmp(family->help, metric->help) == 0 &&
	       family->bound_count == metric->bound_count &&
	       (metric->bound_count == 0 ||
		       memcmp(family->bounds, metric->bounds, metric->bound_count * sizeof(double)) == 0);
}

static void drop_family(struct metric_family *family)
{
	struct metric_family **place = &family->metrics->families;

	while (*place != family)
		place = &(*place)->next;
	*place = family->next;
	show_family(family, true);
	free(family);
}

/* Find a family, or create it. @return 0; -EINVAL: a family of this name differs; -ENOMEM; errors of stats_add */
static int find_family(
	struct plugin_metrics *metrics, const struct coterie_metric *metric, struct metric_family **found)
{
	for (*found = metrics->families; *found != NULL; *found = (*found)->next)
		if (strcmp((*found)->name, metric->name) == 0)
			return is_same_family(*found, metric) ? 0 : -EINVAL;
	struct metric_family *family = calloc(1, sizeof(*family) + metric->bound_count * sizeof(double));
	if (family == NULL)
		return -ENOMEM;
	family->metrics = metrics;
	family->kind = metric->kind;
	family->bound_count = metric->bound_count;
	if (metric->bound_count > 0)
		memcpy(family->bounds, metric->bounds, metric->bound_count * sizeof(double));
	strcpy(family->name, metric->name); /* checked by is_metric */
	strcpy(family->help, metric->help);
	family->next = metrics->families;
	metrics->families = family;
	*found = family;
	int rc = show_family(family, false);
	if (rc < 0)
		drop_family(family);
	return rc;
}

static struct plugin_metrics *metrics_of(struct plugin *plugin)
{
	struct plugin_resources *resources = plugin->resources;

	if (resources->metrics == NULL) {
		resources->metrics = calloc(1, sizeof(*resources->metrics));
		if (resources->metrics != NULL)
			resources->metrics->plugin = plugin;
	}
	return resources->metrics;
}

/* --- series --- */

static void drop_series(struct coterie_series *series)
{
	struct metric_family *family = series->family;
	struct coterie_series **place = &family->series;

	while (*place != series)
		place = &(*place)->next;
	*place = series->next;
	show_series(series, true);
	family->metrics->series--;
	family->metrics->keys -= key_count(family);
	free(series);
	if (family->series == NULL)
		drop_family(family);
}

/* Add a series. Series ascend by number. The new one takes the first free number. */
static int add_series(struct metric_family *family, const char *labels, struct coterie_series **out)
{
	struct coterie_series **place = &family->series, **free_place = NULL;
	uint32_t number = 0, free_number = 0;

	for (; *place != NULL; place = &(*place)->next, number++) {
		if (strcmp((*place)->labels, labels) == 0)
			return -EEXIST;
		if (free_place != NULL || (*place)->number == number)
			continue;
		free_place = place;
		free_number = number;
	}
	if (free_place == NULL) {
		free_place = place;
		free_number = number;
	}
	struct coterie_series *series = calloc(1, sizeof(*series) + (family->bound_count + 1) * sizeof(uint64_t));
	if (series == NULL)
		return -ENOMEM;
	series->family = family;
	series->number = free_number;
	strcpy(series->labels, labels); /* both have LABELS_SIZE bytes */
	series->next = *free_place;
	*free_place = series;
	family->metrics->series++;
	family->metrics->keys += key_count(family);
	*out = series;
	return show_series(series, false);
}

int host_metric_add(struct coterie_ctx *ctx, const struct coterie_metric *metric, struct coterie_series **out)
{
	struct plugin_metrics *metrics = metrics_of(host_plugin(ctx));
	struct coterie_series *series = NULL;
	struct metric_family *family;
	char labels[LABELS_SIZE];

	if (metrics == NULL)
		return -ENOMEM;
	if (!is_metric(metric) || !write_labels(metric, labels))
		return -EINVAL;
	if (metrics->series == COTERIE_METRIC_SERIES_MAX || metrics->keys + 2 * metric->bound_count + 3 > KEYS_MAX)
		return -ENOSPC;
	int rc = find_family(metrics, metric, &family);
	if (rc < 0)
		return rc;
	rc = add_series(family, labels, &series);
	if (rc == 0)
		*out = series;
	else if (series != NULL)
		drop_series(series);
	else if (family->series == NULL)
		drop_family(family);
	return rc;
}

void host_metric_del(struct coterie_ctx *ctx, struct coterie_series *series)
{
	(void)ctx;
	if (series != NULL)
		drop_series(series);
}

/* --- numbers --- */

void host_metric_count(struct coterie_series *series, uint64_t delta)
{
	if (series != NULL && series->family->kind == COTERIE_METRIC_COUNTER)
		series->count += delta;
}

void host_metric_set(struct coterie_series *series, double value)
{
	if (series != NULL && series->family->kind == COTERIE_METRIC_GAUGE && !isnan(value))
		series->value = value;
}

void host_metric_observe(struct coterie_series *series, double value)
{
	uint32_t i = 0;

	if (series == NULL || series->family->kind != COTERIE_METRIC_HISTOGRAM || isnan(value))
		return;
	while (i < series->family->bound_count && value > series->family->bounds[i])
		i++;
	series->buckets[i]++;
	series->value += value;
}

/* --- the resources of a plugin --- */

void host_metric_reclaim(struct plugin *plugin)
{
	struct plugin_metrics *metrics = plugin->resources->metrics;

	if (metrics == NULL)
		return;
	while (metrics->families != NULL) {
		struct metric_family *family = metrics->families;

		metrics->families = family->next;
		while (family->series != NULL) {
			struct coterie_series *series = family->series;

			family->series = series->next;
			free(series);
		}
		free(family);
	}
	free(metrics);
	plugin->resources->metrics = NULL;
}
