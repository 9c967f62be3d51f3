/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"

void trace_init(struct trace *trace, const uint32_t *ids, FILE *file)
{
	*trace = (struct trace){.ids = ids, .file = file, .hash = 0xCBF29CE484222325u};
	trace->entries = calloc(TRACE_KEPT, sizeof(*trace->entries));
	if (trace->entries == NULL)
		abort();
}

void trace_fini(struct trace *trace)
{
	free(trace->entries);
	trace->entries = NULL;
}

static const char *const type_names[] = {"token", "frame", "merge detect", "join", "commit token", "hold cancel"};
static const char *const state_names[] = {"OPERATIONAL", "GATHER", "COMMIT", "RECOVERY"};

static void print_engine(const struct trace_entry *entry, const uint32_t *ids, FILE *out)
{
	static const char *const names[] = {"gave a frame its place", "stored a frame", "freed a frame",
		"accepted the token", "enters", "stored ring id", "installed", "refused a packet", "FAILED TO RECEIVE",
		"lost the token", "misses the token", "cannot gather", "noticed a pause", "backs off",
		"sent a frame again", "requested a frame", "suspects", "suspects no longer", "gives up the suspected",
		"is alone", "cannot be in one ring with", "evicted", "lease", "witnessed"};
	const char *name = entry->detail < sizeof(names) / sizeof(*names) ? names[entry->detail] : "?";

	(void)ids;
	switch ((enum totem_trace_kind)entry->detail) {
	case TOTEM_TRACE_STATE:
		fprintf(out, "enters %s (cause %u) ring %x.%" PRIx64,
			entry->value < 4 ? state_names[entry->value] : "?", entry->extra & 0xFFu, entry->ring.rep,
			entry->ring.seq);
		return;
	case TOTEM_TRACE_TOKEN:
		fprintf(out, "accepted the token %x.%" PRIx64 " token_seq %u aru %u", entry->ring.rep, entry->ring.seq,
			entry->seq, (uint32_t)entry->value);
		return;
	case TOTEM_TRACE_ORDERED:
	case TOTEM_TRACE_RECEIVED:
	case TOTEM_TRACE_FREED:
	case TOTEM_TRACE_STORED:
	case TOTEM_TRACE_INSTALLED:
	case TOTEM_TRACE_REFUSED:
	case TOTEM_TRACE_FAILED_TO_RECEIVE:
	case TOTEM_TRACE_TOKEN_LOST:
	case TOTEM_TRACE_TOKEN_LATE:
	case TOTEM_TRACE_CANNOT_GATHER:
	case TOTEM_TRACE_PAUSED:
	case TOTEM_TRACE_BACKOFF:
	case TOTEM_TRACE_RETRANSMITTED:
	case TOTEM_TRACE_REQUESTED:
	case TOTEM_TRACE_SUSPECTED:
	case TOTEM_TRACE_CLEARED:
	case TOTEM_TRACE_CONVICTED:
	case TOTEM_TRACE_ALONE:
	case TOTEM_TRACE_UNHEARD:
	case TOTEM_TRACE_EVICTED:
	case TOTEM_TRACE_RING_SEQ_LOWERED:
	case TOTEM_TRACE_RING_SEQ_END:
	case TOTEM_TRACE_LEASE:
	case TOTEM_TRACE_WITNESSED:
		break;
	}
	fprintf(out, "%s %x.%" PRIx64 " seq %u value %" PRIu64 " node %u", name, entry->ring.rep, entry->ring.seq,
		entry->seq, entry->value, entry->peer);
}

static void print_ids(uint64_t nodes, const uint32_t *ids, FILE *out)
{
	fputc('{', out);
	for (unsigned i = 0; i < 64; i++)
		if (nodes >> i & 1)
			fprintf(out, " %u", ids[i]);
	fputs(" }", out);
}

static void print_entry(const struct trace_entry *entry, const uint32_t *ids, FILE *out)
{
	fprintf(out, "%12.6f ", (double)entry->at_ns / 1e9);
	if (entry->node == TRACE_NOBODY)
		fprintf(out, "%-11s", "");
	else
		fprintf(out, "%-10u ", ids[entry->node]);
	switch ((enum trace_subject)entry->subject) {
	case TRACE_PACKET:
		fprintf(out, "sends %s", entry->detail < 6 ? type_names[entry->detail] : "?");
		if (entry->peer != TRACE_NOBODY)
			fprintf(out, " to %u", ids[entry->peer]);
		fprintf(out, " %x.%" PRIx64 " seq %u %s", entry->ring.rep, entry->ring.seq, entry->seq, entry->note);
		break;
	case TRACE_LOST:
		fprintf(out, "its %s to %u is lost", entry->detail < 6 ? type_names[entry->detail] : "?",
			ids[entry->peer]);
		break;
	case TRACE_ENGINE:
		print_engine(entry, ids, out);
		break;
	case TRACE_SENT:
		fprintf(out, "user sends message %u, %" PRIu64 " bytes, %s", entry->seq, entry->value,
			entry->detail ? "safe" : "agreed");
		break;
	case TRACE_DELIVERED:
		fprintf(out, "delivers message %u of %u", entry->seq, ids[entry->peer]);
		break;
	case TRACE_CONFIGURED:
		fprintf(out, "%s configuration %x.%" PRIx64 " ", entry->detail ? "regular" : "transitional",
			entry->ring.rep, entry->ring.seq);
		print_ids(entry->value, ids, out);
		break;
	case TRACE_SYNCHRONIZED:
		fprintf(out, "services synchronised on %x.%" PRIx64, entry->ring.rep, entry->ring.seq);
		break;
	case TRACE_LIFE:
	case TRACE_FAULT:
		fputs(entry->note, out);
		break;
	}
	fputc('\n', out);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x100000001B3u;
	return hash ^ hash >> 29;
}

void trace_add(struct trace *trace, const struct trace_entry *entry)
{
	trace->entries[trace->count++ % TRACE_KEPT] = *entry;
	trace->hash = mix(trace->hash, entry->at_ns);
	trace->hash = mix(trace->hash, entry->value);
	trace->hash = mix(trace->hash, entry->ring.seq << 16 ^ entry->ring.rep);
	trace->hash = mix(trace->hash, (uint64_t)entry->seq << 32 | entry->extra);
	trace->hash = mix(trace->hash, (uint64_t)entry->peer << 32 ^ (uint64_t)entry->node << 16 ^
					       (uint64_t)entry->subject << 8 ^ entry->detail);
	if (trace->file != NULL)
		print_entry(entry, trace->ids, trace->file);
}

static bool is_relevant(const struct trace_entry *entry, uint64_t nodes, const struct ring_id *ring)
{
	bool is_ours = entry->node == TRACE_NOBODY || entry->node >= 64 || (nodes >> entry->node & 1) != 0;
	bool is_ring = ring != NULL && ring->rep != 0 && ring_id_equal(ring, &entry->ring);

	switch ((enum trace_subject)entry->subject) {
	case TRACE_CONFIGURED:
	case TRACE_LIFE:
	case TRACE_FAULT:
		return true;
	case TRACE_ENGINE:
		return is_ours || entry->detail == TOTEM_TRACE_STATE ||
		       (is_ring && entry->detail == TOTEM_TRACE_ORDERED);
	case TRACE_PACKET:
		return is_ours || (is_ring && entry->detail != WIRE_TOKEN);
	case TRACE_LOST:
		return entry->peer < 64 && (nodes >> entry->peer & 1) != 0;
	case TRACE_SENT:
	case TRACE_DELIVERED:
	case TRACE_SYNCHRONIZED:
		return is_ours;
	}
	return true;
}

void trace_print(const struct trace *trace, FILE *out, unsigned lines, uint64_t nodes, const struct ring_id *ring)
{
	uint64_t at = trace->count, oldest = trace->count > TRACE_KEPT ? trace->count - TRACE_KEPT : 0;

	for (unsigned found = 0; at > oldest && found < lines;)
		found += is_relevant(&trace->entries[--at % TRACE_KEPT], nodes, ring);
	for (; at < trace->count; at++)
		if (is_relevant(&trace->entries[at % TRACE_KEPT], nodes, ring))
			print_entry(&trace->entries[at % TRACE_KEPT], trace->ids, out);
}
