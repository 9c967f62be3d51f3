/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layout of the text: families with their heads, samples and labels. There are also small functions that read a
 * source.
 */
#ifndef PLUGINS_COMMON_METRICS_WRITER_H
#define PLUGINS_COMMON_METRICS_WRITER_H

#include "plugins/common/metrics/metrics.h"

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,     /* a sample with value 1. Its labels have the information */
	METRIC_STATESET, /* one sample for each state. The label is named like the family */
	METRIC_HISTOGRAM,
};

/** The state of one call of metrics_render. */
struct writer {
	const struct metrics_source *source;
	const struct metrics_options *options;
	struct metrics_text *text;
	const char *family, *help;
	enum metric_type type;
	bool is_open; /* the family's head was written */
	struct metrics_nodes *nodes;
};

struct metrics_node {
	uint32_t id;
	char id_text[12];
	char name[256]; /* "": the node has no name */
};

/** All nodes, in ascending order of their ids. */
struct metrics_nodes {
	struct metrics_node *list;
	uint32_t count;
};

/** A list of label names and values for writer_sample. */
#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

/**
 * Begin a family. Its head is written with its first sample, so a family without samples is not written. All samples of
 * a family follow each other, and a family begins once.
 * @param name  without the suffixes _total and _info. It must stay valid until the next family begins
 */
void writer_family(struct writer *writer, enum metric_type type, const char *name, const char *help);
/** Write a sample. labels: name, value, …, NULL; or NULL: none. Values may be any bytes. */
void writer_sample(struct writer *writer, const char *const *labels, double value);
/**
 * Write a histogram.
 * @param label   name and value of its label; NULL: it has none
 * @param bounds  bounds of bucket_count buckets, ascending, in seconds. Larger values are counted in
 *   buckets[bucket_count]
 * @param buckets bucket_count + 1 counts, not cumulated
 */
void writer_histogram(struct writer *writer, const char *const label[2], const double *bounds, const uint64_t *buckets,
	uint32_t bucket_count, double sum);
/**
 * Write a sample whose labels are already formatted.
 * @param suffix  suffix of the sample's name, or ""
 * @param labels  NAME="VALUE",… with escapes, or ""
 */
void writer_sample_as(struct writer *writer, const char *suffix, const char *labels, double value);
void writer_end(struct writer *writer);

/** Read a number of any type, or decimal text. @return false: no such key, or its value is not a number */
bool source_number(const struct writer *writer, uint32_t map, const char *key, double *number);
/** Read a number whose key is formatted from the arguments. */
bool source_number_f(const struct writer *writer, uint32_t map, double *number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool source_text(const struct writer *writer, uint32_t map, char text[METRICS_VALUE_MAX], const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Write the parts of the text, in this order. */
void metrics_write_daemon(struct writer *writer);
void metrics_write_quorum(struct writer *writer);
void metrics_write_members(struct writer *writer);
void metrics_write_ring(struct writer *writer);
void metrics_write_times(struct writer *writer);
void metrics_write_links(struct writer *writer);
void metrics_write_clients(struct writer *writer);
void metrics_write_services(struct writer *writer);
void metrics_write_events(struct writer *writer);
void metrics_write_plugins(struct writer *writer);
void metrics_write_legacy(struct writer *writer);

#endif
