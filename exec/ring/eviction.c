/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/eviction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec/stats/stats.h"

#define MS(ns) ((ns) / 1000000u)
#define EVIDENCES 6u

/* Bytes that a list of nodes leaves free for its end: "] , }", " and 4294967295 more". */
#define LIST_END 24u

static const char *const names[EVIDENCES] = {
	[TOTEM_EVIDENCE_LEFT] = "left",
	[TOTEM_EVIDENCE_CLOSED] = "closed",
	[TOTEM_EVIDENCE_VOTED] = "voted",
	[TOTEM_EVIDENCE_SILENT] = "silent",
	[TOTEM_EVIDENCE_DISAGREED] = "disagreed",
	[TOTEM_EVIDENCE_NAMED] = "named",
};

struct eviction_record {
	uint64_t number;
	char text[EVICTION_TEXT_MAX], json[EVICTION_TEXT_MAX];
};

struct evictions {
	struct stats *stats;
	uint64_t counts[EVIDENCES];
	struct eviction_record records[EVICTIONS_KEPT]; /* by number */
	uint64_t next;                                  /* number of the next record */
};

/* --- texts --- */

const char *eviction_witness_text(enum totem_witness witness)
{
	switch (witness) {
	case TOTEM_WITNESS_UNKNOWN:
		break;
	case TOTEM_WITNESS_ANSWERS:
		return "; its host answers: its daemon is stopped or starves";
	case TOTEM_WITNESS_SILENT:
		return "; its host does not answer either";
	}
	return "";
}

const char *eviction_witness_name(enum totem_witness witness)
{
	switch (witness) {
	case TOTEM_WITNESS_UNKNOWN:
		break;
	case TOTEM_WITNESS_ANSWERS:
		return "answers";
	case TOTEM_WITNESS_SILENT:
		return "silent";
	}
	return "";
}

/*
 * Append the nodes with separator between them, as many as fit before an end of LIST_END bytes. @return how many are
 * left out
 */
static uint32_t put_nodes(char *text, size_t size, const char *separator, const struct totem_eviction *eviction)
{
	size_t length = strlen(text);

	for (uint32_t i = 0; i < eviction->agreed_count; i++) {
		char node[16];
		size_t more = (size_t)snprintf(
			node, sizeof(node), "%s%" PRIu32, i == 0 ? "" : separator, eviction->agreed[i]);

		if (length + more + LIST_END > size)
			return eviction->agreed_count - i;
		memcpy(text + length, node, more + 1);
		length += more;
	}
	return 0;
}

void eviction_text(const struct totem_eviction *eviction, char *text, size_t size)
{
	uint64_t silent_ms = MS(eviction->silent_ns), budget_ms = MS(eviction->budget_ns);
	int head = snprintf(text, size, "node %" PRIu32 " is out of the ring: ", eviction->nodeid);
	char *at = text + head;
	size_t left = size - (size_t)head;

	switch (eviction->evidence) {
	case TOTEM_EVIDENCE_LEFT:
		snprintf(at, left, "it left");
		break;
	case TOTEM_EVIDENCE_CLOSED:
		snprintf(at, left, "its kernel closed its connection and refused datagrams; silent for %" PRIu64 " ms",
			silent_ms);
		break;
	case TOTEM_EVIDENCE_VOTED:
		snprintf(at, left, "a majority did not hear it: silent for %" PRIu64 " ms (budget %" PRIu64 " ms)",
			silent_ms, budget_ms);
		break;
	case TOTEM_EVIDENCE_SILENT:
		snprintf(at, left, "silent for %" PRIu64 " ms (patience %" PRIu64 " ms)", silent_ms, budget_ms);
		break;
	case TOTEM_EVIDENCE_DISAGREED:
		snprintf(at, left,
			"it agreed to no membership in time (patience %" PRIu64 " ms); silent for %" PRIu64 " ms",
			budget_ms, silent_ms);
		break;
	case TOTEM_EVIDENCE_NAMED:
		snprintf(at, left, "node %" PRIu32 " named it failed; silent for %" PRIu64 " ms", eviction->accuser,
			silent_ms);
		break;
	}
	strcat(text, eviction_witness_text(eviction->witness)); /* the longest line leaves room */
	if (eviction->agreed_count == 0)
		return;
	strcat(text, "; agreed: ");
	uint32_t missing = put_nodes(text, size, " ", eviction);
	if (missing > 0)
		snprintf(text + strlen(text), size - strlen(text), " and %" PRIu32 " more", missing);
}

static void put_json(char *text, uint64_t at_ms, const struct totem_eviction *eviction)
{
	const time_t seconds = (time_t)(at_ms / 1000);
	struct tm parts;
	char at[32];

	gmtime_r(&seconds, &parts);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &parts);
	bool is_known = eviction->witness != TOTEM_WITNESS_UNKNOWN;
	snprintf(text, EVICTION_TEXT_MAX,
		"{\"time\":\"%s.%03uZ\",\"node\":%" PRIu32 ",\"evidence\":\"%s\",\"accuser\":%" PRIu32
		",\"silent_ms\":%" PRIu64 ",\"budget_ms\":%" PRIu64 "%s%s%s,\"agreed\":[",
		at, (unsigned int)(at_ms % 1000), eviction->nodeid, names[eviction->evidence], eviction->accuser,
		MS(eviction->silent_ns), MS(eviction->budget_ns), is_known ? ",\"host\":\"" : "",
		eviction_witness_name(eviction->witness), is_known ? "\"" : "");
	(void)put_nodes(text, EVICTION_TEXT_MAX, ",", eviction);
	strcat(text, "]}");
}

/* --- keys --- */

static uint32_t put_value(const char *text, void *value)
{
	size_t size = strlen(text) + 1;

	memcpy(value, text, size);
	return (uint32_t)size;
}

static uint32_t read_text(void *arg, void *value)
{
	return put_value(((const struct eviction_record *)arg)->text, value);
}

static uint32_t read_json(void *arg, void *value)
{
	return put_value(((const struct eviction_record *)arg)->json, value);
}

static const char *key_of(const struct eviction_record *record, const char *name, char key[64])
{
	snprintf(key, 64, "stats.coterie.eviction.%" PRIu64 ".%s", record->number, name);
	return key;
}

static void show(struct evictions *evictions, struct eviction_record *record)
{
	char key[64];

	if (stats_add(evictions->stats, evictions, key_of(record, "text", key), COTERIE_MAP_STRING, read_text,
		    record) == 0)
		stats_add(evictions->stats, evictions, key_of(record, "record", key), COTERIE_MAP_STRING, read_json,
			record);
}

static void conceal(struct evictions *evictions, struct eviction_record *record)
{
	char key[64];

	stats_del(evictions->stats, evictions, key_of(record, "record", key));
	stats_del(evictions->stats, evictions, key_of(record, "text", key));
}

void eviction_list_note(struct evictions *evictions, uint64_t at_ms, const struct totem_eviction *eviction)
{
	struct eviction_record *record = &evictions->records[evictions->next % EVICTIONS_KEPT];

	if (eviction->evidence == TOTEM_EVIDENCE_LEFT)
		return;
	evictions->counts[eviction->evidence]++;
	if (evictions->next >= EVICTIONS_KEPT)
		conceal(evictions, record);
	record->number = evictions->next++;
	eviction_text(eviction, record->text, sizeof(record->text));
	put_json(record->json, at_ms, eviction);
	show(evictions, record);
}

/* --- creating, noting and destroying --- */

static void clear(void *arg)
{
	struct evictions *evictions = arg;

	memset(evictions->counts, 0, sizeof(evictions->counts));
}

static int offer(struct evictions *evictions)
{
	char key[64];
	int rc = stats_on_clear(evictions->stats, evictions, "totem", clear, evictions);

	for (uint32_t i = TOTEM_EVIDENCE_LEFT + 1; rc == 0 && i < EVIDENCES; i++) {
		snprintf(key, sizeof(key), "stats.coterie.ring.evictions.%s", names[i]);
		rc = stats_add_u64(evictions->stats, evictions, key, &evictions->counts[i]);
	}
	return rc;
}

struct evictions *eviction_list_create(struct stats *stats)
{
	struct evictions *evictions = calloc(1, sizeof(*evictions));

	if (evictions == NULL)
		return NULL;
	evictions->stats = stats;
	if (offer(evictions) < 0) {
		eviction_list_destroy(evictions);
		return NULL;
	}
	return evictions;
}

void eviction_list_destroy(struct evictions *evictions)
{
	if (evictions == NULL)
		return;
	stats_forget(evictions->stats, evictions);
	free(evictions);
}
