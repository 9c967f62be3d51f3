/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_log.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/ring/eviction.h"
#include "exec/ring/ring_packet.h"

#define MS(ns) ((ns) / 1000000u)

/* Return the cause of entering gather in the words of operators: book membership, "Gather". */
static const char *gather_cause(uint32_t cause)
{
	static const char *const texts[] = {
		[0] = "consensus timeout",
		[1] = "gather state",
		[2] = "The token was lost in the OPERATIONAL state.",
		[3] = "The consensus timeout expired.",
		[4] = "The token was lost in the COMMIT state.",
		[5] = "The token was lost in the RECOVERY state.",
		[6] = "failed to receive",
		[7] = "foreign message in operational state",
		[8] = "foreign message in gather state",
		[9] = "merge during operational state",
		[10] = "merge during gather state",
		[11] = "merge during join",
		[12] = "join during operational state",
		[13] = "join during commit state",
		[14] = "join during recovery",
		[15] = "interface change",
		[16] = "The commit token told of a change that this node had missed.",
	};

	return cause < sizeof(texts) / sizeof(texts[0]) ? texts[cause] : "a sign of a dead member";
}

static const char *state_name(uint64_t state)
{
	static const char *const names[] = {"OPERATIONAL", "GATHER", "COMMIT", "RECOVERY"};

	return state < 4 ? names[state] : "?";
}

static const char *refusal_text(uint64_t reason)
{
	const char *text = ring_packet_refusal(reason);

	if (text != NULL)
		return text;
	switch (reason) {
	case TOTEM_REFUSED_TOKEN:
		return "a token out of any window";
	case TOTEM_REFUSED_FRAME:
		return "a frame that cannot belong to this ring";
	case TOTEM_REFUSED_JOIN:
		return "a join of an unknown node";
	case TOTEM_REFUSED_COMMIT:
		return "a commit token that does not fit";
	case TOTEM_REFUSED_PACKET:
		return "a frame with malformed messages";
	case TOTEM_REFUSED_STALE: /* logged by log_refused() */
	case TOTEM_REFUSED_SEQ:
		return "a join with a ring sequence number beyond reason (if it is not forged: coterie(8), "
		       "--repair-ring-seq)";
	default:
		return "malformed";
	}
}

void ring_log_fini(struct ring_log *log)
{
	free(log->left);
	log->left = NULL;
}

static void log_state(const struct totem_trace *trace)
{
	if (trace->value == TOTEM_GATHER)
		log_line("TOTEM", LOG_DEBUG, "entering GATHER state from %u(%s).", trace->cause,
			gather_cause(trace->cause));
	else
		log_line("TOTEM", LOG_DEBUG, "entering %s state, ring %u.%" PRIx64 ".", state_name(trace->value),
			trace->ring.rep, trace->ring.seq);
}

/* Log what was decided about a single node: it is not heard, suspected, no longer suspected, or removed. */
static void log_verdict(const struct ring_log *log, const struct totem_trace *trace)
{
	switch (trace->kind) {
	case TOTEM_TRACE_UNHEARD:
		if (trace->seq == log->options->nodeid)
			log_line("TOTEM", LOG_NOTICE,
				"node %u cannot be in one ring with this node, though it is heard: it did not agree "
				"in time, or it had given this node up, or its daemon had ended",
				trace->node);
		else
			log_line(
				"TOTEM", LOG_NOTICE, "nodes %u and %u do not hear each other", trace->seq, trace->node);
		break;
	case TOTEM_TRACE_SUSPECTED:
		log_line("TOTEM", LOG_DEBUG,
			"a sign that no daemon runs on node %u any more: the ring asks node %u, and removes it only if it "
			"is silent as well",
			trace->node, trace->node);
		break;
	case TOTEM_TRACE_CLEARED:
		log_line("TOTEM", LOG_DEBUG, "node %u lives: a false sign, %" PRIu64 " us ago", trace->node,
			trace->value);
		break;
	case TOTEM_TRACE_CONVICTED:
		log_line("TOTEM", LOG_NOTICE,
			"no daemon runs on node %u any more: its kernel closed its connection and refuses datagrams, and "
			"it was silent for %" PRIu64 " ms",
			trace->node, trace->value / 1000);
		break;
	default:
		break;
	}
}

static void log_eviction(const struct totem_eviction *eviction)
{
	char text[1024];

	if (eviction->evidence == TOTEM_EVIDENCE_LEFT)
		return;
	eviction_text(eviction, text, sizeof(text));
	log_line("TOTEM", LOG_NOTICE, "%s", text);
}

static void log_lease(struct ring_log *log, uint64_t now_ns, bool is_held)
{
	if (!is_held) {
		log->lapsed_ns = now_ns;
		log_limited(&log->lapse, now_ns, "TOTEM", LOG_NOTICE,
			"no contact with a majority of the votes: requests that need quorum wait");
		return;
	}
	if (log->lapsed_ns == 0)
		return; /* the end of the lease was not logged, since no request waited then */
	log_limited(&log->contact, now_ns, "TOTEM", LOG_NOTICE,
		"contact with a majority of the votes again: requests that need quorum waited for %" PRIu64 " ms",
		MS(now_ns - log->lapsed_ns));
	log->lapsed_ns = 0;
}

static void log_witness(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace)
{
	log_limited(&log->witnessed, now_ns, "TOTEM", LOG_NOTICE,
		"node %u is silent for %" PRIu64 " ms%s; the ring waits for it", trace->node, trace->value,
		eviction_witness_text((enum totem_witness)trace->cause));
}

/*
 * Log a refused packet. Stale joins are no reason for a warning. After each restart of a node with another state
 * folder, as from Corosync to Coterie, its first joins are stale.
 */
static void log_refused(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace)
{
	if (trace->value == TOTEM_REFUSED_STALE)
		log_limited(&log->refused, now_ns, "TOTEM", LOG_NOTICE,
			"node %u sends joins with an older ring id than before: the first are dropped (it has "
			"restarted with another state folder, or they are late)",
			trace->node);
	else
		log_limited(&log->refused, now_ns, "TOTEM", LOG_WARNING,
			"packet dropped, it claims to be from node %u: %s", trace->node, refusal_text(trace->value));
}

/* Log problems that an operator has to solve. */
static void log_trouble(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace)
{
	switch (trace->kind) {
	case TOTEM_TRACE_CANNOT_GATHER:
		log_limited(&log->cannot_gather, now_ns, "TOTEM", LOG_ERR,
			"Totem is unable to form a cluster because of an operating system or network fault "
			"(reason: no agreement in %" PRIu64 " tries). The most common cause of this message "
			"is that the local firewall is configured improperly.",
			trace->value);
		break;
	case TOTEM_TRACE_RING_SEQ_LOWERED:
		log_limited(&log->seq_end, now_ns, "TOTEM", LOG_WARNING,
			"The ring sequence number %" PRIx64
			" is far above that of other nodes, which refuse it: a packet may "
			"have been forged or damaged. The next ring has a new number",
			trace->ring.seq);
		break;
	case TOTEM_TRACE_RING_SEQ_END:
		log_limited(&log->seq_end, now_ns, "TOTEM", LOG_ERR,
			"The ring sequence numbers are used up (%" PRIx64
			"), no ring can be formed: stop all nodes, run "
			"'coterie --repair-ring-seq' on each, and start them again",
			trace->ring.seq);
		break;
	case TOTEM_TRACE_FAILED_TO_RECEIVE:
		log_line("TOTEM", LOG_ERR,
			"FAILED TO RECEIVE: frames of the ring do not reach this node, it leaves the ring");
		break;
	default:
		break;
	}
}

void ring_log_trace(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace)
{
	switch (trace->kind) {
	case TOTEM_TRACE_STATE:
		log_state(trace);
		break;
	case TOTEM_TRACE_TOKEN_LOST:
		if (trace->state == TOTEM_OPERATIONAL)
			log_line("TOTEM", LOG_NOTICE,
				"A processor failed, forming new configuration: token timed out (%" PRIu64
				"ms), waiting %" PRIu64 "ms for consensus.",
				MS(log->options->token_ns), MS(log->options->consensus_ns));
		else
			log_line("TOTEM", LOG_DEBUG, "The token was lost in the %s state.", state_name(trace->state));
		break;
	case TOTEM_TRACE_TOKEN_LATE:
		log_limited(&log->late, now_ns, "TOTEM", LOG_WARNING, "Token has not been received in %" PRIu64 " ms",
			trace->value);
		break;
	case TOTEM_TRACE_CANNOT_GATHER:
	case TOTEM_TRACE_RING_SEQ_LOWERED:
	case TOTEM_TRACE_RING_SEQ_END:
	case TOTEM_TRACE_FAILED_TO_RECEIVE:
		log_trouble(log, now_ns, trace);
		break;
	case TOTEM_TRACE_BACKOFF:
		log_limited(&log->backoff, now_ns, "TOTEM", LOG_WARNING,
			"node %u is not heard by all members: not listened to for %" PRIu64 " ms", trace->node,
			trace->value);
		break;
	case TOTEM_TRACE_ALONE:
		log_line("TOTEM", LOG_WARNING, "no other node %s: this node goes on alone",
			trace->value == TOTEM_ALONE_CUT    ? "can be reached"
			: trace->value == TOTEM_ALONE_DEAF ? "is heard any more"
							   : "answers");
		break;
	case TOTEM_TRACE_UNHEARD:
	case TOTEM_TRACE_SUSPECTED:
	case TOTEM_TRACE_CLEARED:
	case TOTEM_TRACE_CONVICTED:
		log_verdict(log, trace);
		break;
	case TOTEM_TRACE_EVICTED:
		log_eviction(trace->eviction);
		break;
	case TOTEM_TRACE_LEASE:
		log_lease(log, now_ns, trace->value != 0);
		break;
	case TOTEM_TRACE_WITNESSED:
		log_witness(log, now_ns, trace);
		break;
	case TOTEM_TRACE_REFUSED:
		log_refused(log, now_ns, trace);
		break;
	case TOTEM_TRACE_RETRANSMITTED:
		log_line("TOTEM", LOG_DEBUG, "Retransmit List: %x", trace->seq);
		break;
	case TOTEM_TRACE_ORDERED:
	case TOTEM_TRACE_RECEIVED:
	case TOTEM_TRACE_FREED:
	case TOTEM_TRACE_TOKEN:
	case TOTEM_TRACE_STORED:
	case TOTEM_TRACE_INSTALLED:
	case TOTEM_TRACE_REQUESTED:
	case TOTEM_TRACE_PAUSED: /* logged by stats_totem.c */
		break;
	}
}

/* Write " 1 2 3", cut if it does not fit. */
static void list_text(char *text, size_t size, const uint32_t *ids, uint32_t count)
{
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < count && length + 12 < size; i++)
		length += (size_t)snprintf(text + length, size - length, " %u", ids[i]);
}

static void keep_left(struct ring_log *log, const struct totem_configuration *configuration)
{
	free(log->left);
	log->left = NULL;
	log->left_count = 0;
	if (configuration->left_count == 0)
		return;
	log->left = malloc(configuration->left_count * sizeof(uint32_t));
	if (log->left == NULL)
		return;
	memcpy(log->left, configuration->left, configuration->left_count * sizeof(uint32_t));
	log->left_count = configuration->left_count;
}

void ring_log_configuration(struct ring_log *log, const struct totem_configuration *configuration)
{
	char joined[512], left[512], members[1024];

	if (!configuration->is_regular) {
		keep_left(log, configuration);
		return;
	}
	list_text(joined, sizeof(joined), configuration->joined, configuration->joined_count);
	list_text(left, sizeof(left), log->left, log->left_count);
	list_text(members, sizeof(members), configuration->members, configuration->member_count);
	log_line("TOTEM", LOG_NOTICE, "A new membership (%u.%" PRIx64 ") was formed. Members%s%s%s%s",
		configuration->ring.rep, configuration->ring.seq, configuration->joined_count > 0 ? " joined:" : "",
		joined, log->left_count > 0 ? " left:" : "", left);
	log_line("TOTEM", LOG_DEBUG, "Members[%u]:%s", configuration->member_count, members);
}

void ring_log_bad_packet(
	struct ring_log *log, uint64_t now_ns, const struct coterie_frame *frame, const struct sockaddr *from)
{
	char address[64] = "this node";
	char fault[128];

	if (!ring_packet_fault(frame, fault, sizeof(fault)))
		return;
	if (from != NULL &&
		getnameinfo(from,
			from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), address,
			sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
		snprintf(address, sizeof(address), "an unknown address");
	log_limited(&log->source, now_ns, "TOTEM", LOG_WARNING, "Message received from %s %s", address, fault);
}

void ring_log_dump(const struct totem_engine *engine, const struct totem_queue *queue, const struct totem_probe *probe)
{
	const struct ring_id *ring = totem_engine_ring(engine);
	const uint32_t *members;
	uint32_t count = totem_engine_members(engine, &members);
	char text[512];

	list_text(text, sizeof(text), members, count);
	log_line("TOTEM", LOG_NOTICE, "ring %u.%" PRIx64 ", state %s, members[%u]:%s", ring->rep, ring->seq,
		state_name(totem_engine_state(engine)), count, text);
	log_line("TOTEM", LOG_NOTICE,
		"aru %x, high seq %x, delivered %x, released %x, frames kept %u, queue %u of %u, safe "
		"delivery %s",
		probe->aru, probe->high_seq, probe->high_delivered, probe->released, probe->store_count, queue->used,
		queue->total, totem_engine_is_safe_honoured(engine) ? "kept" : "not kept");
}
