/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/stats_totem.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/ring/ring.h"
#include "exec/stats/stats.h"

#define MISSES_MAX 10u
#define GATHER_MAX 3u /* consecutive gathers. If there are more, something keeps this node apart from others */
#define SEND_FAILURES_MAX 30u
#define MILLISECOND_NS UINT64_C(1000000)
#define MISS_PREFIX "stats.schedmiss."

/* A time during which the process did not run. */
struct miss {
	uint64_t at_ms; /* since the epoch */
	float delay_ms;
};

/* Where a number of the table is read from. */
struct source {
	struct totem_stats *totem_stats;
	uint32_t index;
};

struct totem_stats {
	struct totem_stats_parts parts;
	struct totem_counters base; /* counters when they were last cleared */
	struct source *sources;
	struct miss misses[MISSES_MAX]; /* newest first */
	uint32_t miss_count;
	uint64_t miss_total;
	uint64_t sample_ns, sample_tokens; /* start of the span over which the mean is computed */
	uint32_t token_mean_ms;
	uint64_t sent, send_errors; /* frames sent and send errors of the transport, when a frame was last sent */
};

/* Plain counters of the engine, all u64. */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(name, member) \
	{ \
		"stats.srp." name, offsetof(struct totem_counters, member) \
	}
#define OWN_COUNTER(name, member) \
	{ \
		"stats.coterie.ring." name, offsetof(struct totem_counters, member) \
	}
	COUNTER("orf_token_tx", token_tx),
	COUNTER("orf_token_rx", token_rx),
	COUNTER("memb_merge_detect_tx", merge_detect_tx),
	COUNTER("memb_merge_detect_rx", merge_detect_rx),
	COUNTER("memb_join_tx", join_tx),
	COUNTER("memb_join_rx", join_rx),
	COUNTER("mcast_tx", mcast_tx),
	COUNTER("mcast_retx", mcast_retx),
	COUNTER("mcast_rx", mcast_rx),
	COUNTER("memb_commit_token_tx", commit_token_tx),
	COUNTER("memb_commit_token_rx", commit_token_rx),
	COUNTER("token_hold_cancel_tx", hold_cancel_tx),
	COUNTER("token_hold_cancel_rx", hold_cancel_rx),
	COUNTER("operational_entered", operational_entered),
	COUNTER("operational_token_lost", operational_token_lost),
	COUNTER("gather_entered", gather_entered),
	COUNTER("gather_token_lost", gather_token_lost),
	COUNTER("commit_entered", commit_entered),
	COUNTER("commit_token_lost", commit_token_lost),
	COUNTER("recovery_entered", recovery_entered),
	COUNTER("recovery_token_lost", recovery_token_lost),
	COUNTER("consensus_timeouts", consensus_timeouts),
	COUNTER("rx_msg_dropped", rx_msg_dropped),
	OWN_COUNTER("token_retransmits", token_retx),
	OWN_COUNTER("token_warnings", token_late),
#undef COUNTER
#undef OWN_COUNTER
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static uint64_t counter_of(const struct totem_counters *from, size_t offset)
{
	uint64_t number;

	memcpy(&number, (const uint8_t *)from + offset, sizeof(number));
	return number;
}

/* Return the engine's counters, all zero before the ring exists. */
static struct totem_counters present(const struct totem_stats *totem_stats)
{
	const struct totem_engine *engine = ring_engine(totem_stats->parts.ring);

	return engine != NULL ? *totem_engine_counters(engine) : (struct totem_counters){0};
}

static uint32_t put_u32(void *value, uint64_t number)
{
	uint32_t cut = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;

	memcpy(value, &cut, sizeof(cut));
	return sizeof(cut);
}

static uint32_t read_counter(void *arg, void *value)
{
	const struct source *source = arg;
	size_t offset = counters[source->index].offset;
	struct totem_counters now = present(source->totem_stats);

	return stats_put_u64(value, counter_of(&now, offset) - counter_of(&source->totem_stats->base, offset));
}

/* --- derived numbers --- */

static uint64_t now_ns(const struct totem_stats *totem_stats) { return loop_now_ns(totem_stats->parts.loop); }

static uint32_t read_silence(void *arg, void *value)
{
	const struct totem_stats *totem_stats = ((const struct source *)arg)->totem_stats;
	struct totem_counters now = present(totem_stats);

	return stats_put_u64(
		value, now.token_last_ns == 0 ? 0 : (now_ns(totem_stats) - now.token_last_ns) / MILLISECOND_NS);
}

static uint32_t read_gathers(void *arg, void *value)
{
	return put_u32(value, present(((const struct source *)arg)->totem_stats).continuous_gather);
}

/* Return the number of send errors since a frame was last sent. */
static uint32_t send_failures(struct totem_stats *totem_stats)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	ring_transport_stats(totem_stats->parts.ring, &stats);
	if (stats.frames_out != totem_stats->sent || stats.send_errors < totem_stats->send_errors) {
		totem_stats->sent = stats.frames_out;
		totem_stats->send_errors = stats.send_errors;
	}
	return (uint32_t)(stats.send_errors - totem_stats->send_errors);
}

static uint32_t read_send_failures(void *arg, void *value)
{
	return put_u32(value, send_failures(((const struct source *)arg)->totem_stats));
}

static uint32_t read_fault(void *arg, void *value)
{
	struct totem_stats *totem_stats = ((const struct source *)arg)->totem_stats;

	*(uint8_t *)value = present(totem_stats).continuous_gather > GATHER_MAX ||
			    send_failures(totem_stats) > SEND_FAILURES_MAX;
	return sizeof(uint8_t);
}

/* Read the mean time between two tokens, over a span of at least one refresh. */
static uint32_t read_token_mean(void *arg, void *value)
{
	struct totem_stats *totem_stats = ((const struct source *)arg)->totem_stats;
	uint64_t tokens = present(totem_stats).token_rx, at_ns = now_ns(totem_stats);
	uint64_t span_ns = at_ns - totem_stats->sample_ns;

	if (span_ns >= STATS_REFRESH_NS) {
		uint64_t count = tokens - totem_stats->sample_tokens;

		totem_stats->token_mean_ms = count == 0 ? 0 : (uint32_t)(span_ns / count / MILLISECOND_NS);
		totem_stats->sample_ns = at_ns;
		totem_stats->sample_tokens = tokens;
	}
	return put_u32(value, totem_stats->token_mean_ms);
}

/* Read how long this node keeps a token, in milliseconds. It is well below 1 ms, so the value is 0. */
static uint32_t read_workload(void *arg, void *value)
{
	(void)arg;
	return put_u32(value, 0);
}

static bool queue_of(const struct totem_stats *totem_stats, struct totem_queue *queue)
{
	const struct totem_engine *engine = ring_engine(totem_stats->parts.ring);

	if (engine == NULL)
		return false;
	totem_engine_queue(engine, queue);
	return true;
}

static uint32_t read_backlog(void *arg, void *value)
{
	struct totem_queue queue = {0};

	queue_of(((const struct source *)arg)->totem_stats, &queue);
	return put_u32(value, queue.used);
}

static uint32_t read_available(void *arg, void *value)
{
	struct totem_queue queue = {0};

	queue_of(((const struct source *)arg)->totem_stats, &queue);
	return put_u32(value, queue.total - queue.used);
}

static uint32_t read_reserved(void *arg, void *value)
{
	(void)arg;
	return put_u32(value, 0); /* always 0: this engine queues a message at once, without reserving room first */
}

static uint32_t read_misses(void *arg, void *value)
{
	return stats_put_u64(value, ((const struct source *)arg)->totem_stats->miss_total);
}

static const struct {
	const char *key;
	uint32_t type;
	coterie_stat_read read;
} derived[] = {
	{"stats.coterie.scheduler.late", COTERIE_MAP_U64, read_misses},
	{"stats.srp.time_since_token_last_received", COTERIE_MAP_U64, read_silence},
	{"stats.srp.continuous_gather", COTERIE_MAP_U32, read_gathers},
	{"stats.srp.continuous_sendmsg_failures", COTERIE_MAP_U32, read_send_failures},
	{"stats.srp.firewall_enabled_or_nic_failure", COTERIE_MAP_U8, read_fault},
	{"stats.srp.mtt_rx_token", COTERIE_MAP_U32, read_token_mean},
	{"stats.srp.avg_token_workload", COTERIE_MAP_U32, read_workload},
	{"stats.srp.avg_backlog_calc", COTERIE_MAP_U32, read_backlog},
	{"stats.pg.msg_queue_avail", COTERIE_MAP_U32, read_available},
	{"stats.pg.msg_reserved", COTERIE_MAP_U32, read_reserved},
};
#define DERIVED (sizeof(derived) / sizeof(derived[0]))

static void clear(void *arg)
{
	struct totem_stats *totem_stats = arg;

	totem_stats->base = present(totem_stats);
}

/* --- times when the process did not run --- */

static uint32_t read_miss_time(void *arg, void *value)
{
	const struct source *source = arg;

	return stats_put_u64(value, source->totem_stats->misses[source->index].at_ms);
}

static uint32_t read_miss_delay(void *arg, void *value)
{
	const struct source *source = arg;

	memcpy(value, &source->totem_stats->misses[source->index].delay_ms, sizeof(float));
	return sizeof(float);
}

static struct source *miss_source(struct totem_stats *totem_stats, uint32_t index)
{
	return &totem_stats->sources[COUNTERS + DERIVED + index];
}

static void forget_misses(void *arg)
{
	struct totem_stats *totem_stats = arg;
	char key[64];

	totem_stats->miss_total = 0;
	while (totem_stats->miss_count > 0) {
		uint32_t index = --totem_stats->miss_count;

		snprintf(key, sizeof(key), MISS_PREFIX "%u.timestamp", index);
		stats_del(totem_stats->parts.stats, totem_stats, key);
		snprintf(key, sizeof(key), MISS_PREFIX "%u.delay", index);
		stats_del(totem_stats->parts.stats, totem_stats, key);
	}
}

static void add_miss(struct totem_stats *totem_stats, uint64_t at_ms, uint64_t delay_ms)
{
	struct stats *stats = totem_stats->parts.stats;
	uint32_t index = totem_stats->miss_count;
	char key[64];

	totem_stats->miss_total++;
	memmove(&totem_stats->misses[1], &totem_stats->misses[0], (MISSES_MAX - 1) * sizeof(totem_stats->misses[0]));
	totem_stats->misses[0] = (struct miss){.at_ms = at_ms, .delay_ms = (float)delay_ms};
	if (index == MISSES_MAX)
		return;
	totem_stats->miss_count++;
	snprintf(key, sizeof(key), MISS_PREFIX "%u.timestamp", index);
	stats_add(stats, totem_stats, key, COTERIE_MAP_U64, read_miss_time, miss_source(totem_stats, index));
	snprintf(key, sizeof(key), MISS_PREFIX "%u.delay", index);
	stats_add(stats, totem_stats, key, COTERIE_MAP_FLOAT, read_miss_delay, miss_source(totem_stats, index));
}

void stats_totem_paused(struct totem_stats *totem_stats, uint64_t pause_ms)
{
	uint64_t token_ms = (*totem_stats->parts.config)->totem.token_ns / MILLISECOND_NS;
	double threshold_ms = (double)token_ms * 0.8;
	struct timespec at;

	if ((double)pause_ms <= threshold_ms) {
		log_line("MAIN", LOG_WARNING,
			"This process did not run for %" PRIu64
			" ms: consider a longer token timeout, or look for what stopped it",
			pause_ms);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &at);
	uint64_t at_ms = (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / MILLISECOND_NS;
	log_line("MAIN", LOG_WARNING,
		"Corosync main process was not scheduled (@%" PRIu64 ") for %.4f ms (threshold is %.4f ms). "
		"Consider token timeout increase.",
		at_ms, (double)pause_ms, threshold_ms);
	add_miss(totem_stats, at_ms, pause_ms);
}

/* --- creating and destroying --- */

static int add_keys(struct totem_stats *totem_stats)
{
	struct stats *stats = totem_stats->parts.stats;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < COUNTERS; i++) {
		totem_stats->sources[i] = (struct source){totem_stats, i};
		rc = stats_add(
			stats, totem_stats, counters[i].name, COTERIE_MAP_U64, read_counter, &totem_stats->sources[i]);
	}
	for (uint32_t i = 0; rc == 0 && i < DERIVED; i++) {
		totem_stats->sources[COUNTERS + i] = (struct source){totem_stats, i};
		rc = stats_add(stats, totem_stats, derived[i].key, derived[i].type, derived[i].read,
			&totem_stats->sources[COUNTERS + i]);
	}
	for (uint32_t i = 0; i < MISSES_MAX; i++)
		*miss_source(totem_stats, i) = (struct source){totem_stats, i};
	if (rc == 0)
		rc = stats_on_clear(stats, totem_stats, "totem", clear, totem_stats);
	if (rc == 0)
		rc = stats_on_clear(stats, totem_stats, "schedmiss", forget_misses, totem_stats);
	stats_hush(stats, MISS_PREFIX);
	return rc;
}

struct totem_stats *stats_totem_create(const struct totem_stats_parts *parts)
{
	struct totem_stats *totem_stats = calloc(1, sizeof(*totem_stats));

	if (totem_stats == NULL)
		return NULL;
	totem_stats->parts = *parts;
	totem_stats->sample_ns = loop_now_ns(parts->loop);
	totem_stats->sources = calloc(COUNTERS + DERIVED + MISSES_MAX, sizeof(*totem_stats->sources));
	if (totem_stats->sources == NULL || add_keys(totem_stats) < 0) {
		stats_totem_destroy(totem_stats);
		return NULL;
	}
	return totem_stats;
}

void stats_totem_destroy(struct totem_stats *totem_stats)
{
	if (totem_stats == NULL)
		return;
	stats_forget(totem_stats->parts.stats, totem_stats);
	free(totem_stats->sources);
	free(totem_stats);
}
