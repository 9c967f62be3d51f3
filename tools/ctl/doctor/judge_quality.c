/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge the quality of the paths for the timers of the token, the statistics of the ring, and the clocks. */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROBES_LEAST 50 /* echo requests from which a share has a meaning */
#define LOSS_WARNING 1  /* percent */
#define LOSS_ERROR 5
#define TOKEN_MS 1000
#define ROTATION_WARNING 10 /* the token timeout must be at least this many times a rotation over the path */
#define ROTATION_ERROR 3
#define ROTATIONS_LEAST 100
#define TOKEN_FACTOR 10 /* rotations that a token timeout should last */
#define WARNINGS_LEAST 3
#define RETRANSMITS_LEAST 100
#define HOUR_MS 3600000
#define CHANGES_MOST 3 /* lost tokens in an hour */
#define CLOCK_WARNING_MS 1000
#define CLOCK_ERROR_MS 60000

static int64_t token_ms(const struct doctor_facts *facts)
{
	return doctor_number(
		&facts->config, "runtime.config.totem.token", doctor_number(&facts->config, "totem.token", TOKEN_MS));
}

/* Round up to a multiple of 100 ms. */
static int64_t round_up(int64_t ms) { return (ms + 99) / 100 * 100; }

static struct doctor_finding *find_path(const struct doctor_path *path, struct doctor_finding *finding)
{
	finding->peer = path->nodeid;
	finding->link = (int)path->link;
	return finding;
}

/* --- paths --- */

static int64_t interface_mtu(const struct doctor_facts *facts, uint32_t number)
{
	for (uint32_t i = 0; i < facts->link_count; i++)
		if (facts->links[i].number == number)
			return facts->links[i].mtu;
	return DOCTOR_UNKNOWN;
}

static void judge_path_mtu(
	const struct doctor_facts *facts, const struct doctor_path *path, struct doctor_report *report)
{
	const bool is_knet = strcmp(doctor_transport(facts), "knet") == 0;
	const int64_t own = interface_mtu(facts, path->link);
	char more[80] = "";

	if (own > 0 && own < path->mtu_wanted)
		snprintf(more, sizeof(more), "; the interface of this host has %" PRIi64, own);
	else if (path->mtu_reported > 0)
		snprintf(more, sizeof(more), "; a router reports %" PRIi64, path->mtu_reported);
	/*
	 * This is only a warning with libknet, which measures the MTU and cuts its packets, and if a router reports the
	 * MTU, since the kernel then cuts them.
	 */
	struct doctor_finding *finding = find_path(
		path, doctor_find(report, is_knet || more[0] != '\0' ? DOCTOR_WARNING : DOCTOR_ERROR,
			      "packets of %" PRIi64 " bytes do not get to node %" PRIu32 " (%s) and back",
			      path->mtu_wanted, path->nodeid, path->name));

	doctor_evidence(finding, "with \"do not fragment\", %" PRIi64 " bytes come back, %" PRIi64 " do not%s",
		path->mtu_passed, path->mtu_failed, more);
	if (is_knet)
		doctor_remedy(finding, "repair the path, or set the MTU of the interfaces to %" PRIi64 " on all nodes",
			path->mtu_passed);
	else
		doctor_remedy(finding, "set netmtu = %" PRIi64 " in block transport on all nodes, or repair the path",
			path->mtu_passed);
}

void judge_mtu(const struct doctor_facts *facts, struct doctor_report *report)
{
	uint32_t unknown = 0;

	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (path->nodeid == facts->self || path->is_loopback)
			continue;
		if (path->mtu_wanted < 0 || path->mtu_passed < 0) {
			unknown++;
			continue;
		}
		if (path->mtu_passed < path->mtu_wanted)
			judge_path_mtu(facts, path, report);
		if (path->mtu_back < 0 || path->mtu_back >= path->mtu_wanted)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, DOCTOR_WARNING,
				      "packets of %" PRIi64 " bytes come from node %" PRIu32 " (%s) in fragments",
				      path->mtu_wanted, path->nodeid, path->name));

		doctor_evidence(finding, "the largest fragment of an answer has %" PRIi64 " bytes", path->mtu_back);
		doctor_remedy(finding,
			"set the MTU of its interface to %" PRIi64 ", or netmtu = %" PRIi64 " on all nodes",
			path->mtu_wanted, path->mtu_back);
	}
	if (unknown > 0)
		doctor_unchecked(
			report, "%" PRIu32 " path%s: no ICMP echo came back", unknown, unknown == 1 ? "" : "s");
}

/* Return whether a path was measured. If no echo request was answered, another check reports the path. */
static bool is_measured(const struct doctor_facts *facts, const struct doctor_path *path)
{
	return path->nodeid != facts->self && !path->is_loopback && path->sent >= PROBES_LEAST && path->received > 0;
}

void judge_loss(const struct doctor_facts *facts, struct doctor_report *report)
{
	uint32_t measured = 0;

	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];
		const uint32_t lost = path->sent > path->received ? path->sent - path->received : 0;

		if (!is_measured(facts, path))
			continue;
		measured++;
		if (lost < 2 || lost * 100 < path->sent * LOSS_WARNING)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, lost * 100 >= path->sent * LOSS_ERROR ? DOCTOR_ERROR : DOCTOR_WARNING,
				      "the path to node %" PRIu32 " (%s) loses packets", path->nodeid, path->name));

		doctor_evidence(
			finding, "%" PRIu32 " of %" PRIu32 " ICMP echo requests were not answered", lost, path->sent);
		doctor_remedy(finding,
			"look at error counters of interfaces and switch ports (ip -s link), duplex and full queues between the two");
	}
	if (measured == 0 && facts->path_count > 0)
		doctor_unchecked(report, "no path answers ICMP echo");
}

void judge_latency(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t token = token_ms(facts), nodes = (int64_t)facts->member_count;

	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];
		/* The token takes half a round trip to each node of the ring. */
		const int64_t rotation_ms = path->rtt_p99_us * nodes / 2000;

		if (!is_measured(facts, path) || rotation_ms * ROTATION_WARNING < token)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, rotation_ms * ROTATION_ERROR >= token ? DOCTOR_ERROR : DOCTOR_WARNING,
				      "the path to node %" PRIu32
				      " (%s) is slow or unsteady for a token timeout of %" PRIi64 " ms",
				      path->nodeid, path->name, token));

		doctor_evidence(finding,
			"round trips take %.1f ms, 1 of 100 takes more than %.1f ms, the longest took %.1f ms",
			(double)path->rtt_p50_us / 1000, (double)path->rtt_p99_us / 1000,
			(double)path->rtt_max_us / 1000);
		doctor_remedy(finding, "repair the path, or set token = %" PRIi64 "ms in block totem",
			round_up(rotation_ms * TOKEN_FACTOR));
	}
}

/* --- the ring --- */

/* Find the bounds of the bucket in which 99.9 % of the rotations are reached. @return number of rotations */
static int64_t find_rotation(const struct doctor_keys *stats, int64_t *least_us, int64_t *most_us)
{
	const int64_t longest_us = doctor_number(stats, "stats.coterie.times.token_rotation.max_us", 0);
	int64_t counts[64], bounds[64], total = 0, sum = 0;
	int buckets = 0;

	for (; buckets < 64; buckets++) {
		char key[80];

		snprintf(key, sizeof(key), "stats.coterie.times.token_rotation.%02d.count", buckets);
		counts[buckets] = doctor_number(stats, key, DOCTOR_UNKNOWN);
		if (counts[buckets] < 0)
			break;
		snprintf(key, sizeof(key), "stats.coterie.times.token_rotation.%02d.below_us", buckets);
		bounds[buckets] = doctor_number(stats, key, longest_us);
		total += counts[buckets];
	}
	*least_us = *most_us = 0;
	for (int i = 0; i < buckets && sum * 1000 < total * 999; i++) {
		sum += counts[i];
		*least_us = i > 0 ? bounds[i - 1] : 0;
		*most_us = bounds[i] < longest_us ? bounds[i] : longest_us;
	}
	return total;
}

void judge_token(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t token = token_ms(facts);
	const int64_t warnings = doctor_number(&facts->stats, "stats.coterie.ring.token_warnings", 0);
	const int64_t longest = doctor_number(&facts->stats, "stats.coterie.times.token_rotation.max_us", 0) / 1000;
	int64_t least_us, most_us;

	if (facts->mode != DOCTOR_OF_DAEMON)
		return;
	const int64_t count = find_rotation(&facts->stats, &least_us, &most_us);
	if (count < ROTATIONS_LEAST) {
		doctor_unchecked(report,
			"the daemon has measured %" PRIi64 " rotations of the token, too few for advice", count);
		return;
	}
	if (least_us / 1000 * 2 <= token && warnings < WARNINGS_LEAST)
		return;
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "the token timeout of %" PRIi64 " ms is short for this ring", token);

	doctor_evidence(finding,
		"of %" PRIi64 " rotations 999 of 1000 took at most %" PRIi64 " ms, the longest took %" PRIi64
		" ms; %" PRIi64 " came late",
		count, most_us / 1000, longest, warnings);
	const int64_t advice = round_up(2 * longest);
	doctor_remedy(finding, "set token = %" PRIi64 "ms in block totem, then coterie-ctl reload",
		advice > token ? advice : round_up(token * 3 / 2));
}

void judge_retransmits(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t again = doctor_number(&facts->stats, "stats.srp.mcast_retx", 0);
	const int64_t sent = doctor_number(&facts->stats, "stats.srp.mcast_tx", 0);

	if (again < RETRANSMITS_LEAST || again * 100 < sent)
		return;
	struct doctor_finding *finding = doctor_find(report, DOCTOR_WARNING, "this node sends many packets again");

	doctor_evidence(finding, "%" PRIi64 " of %" PRIi64 " since the start of the daemon", again, sent);
	doctor_remedy(finding,
		"look at findings of loss and buffers on all nodes; a node that cannot keep up loses packets as well");
}

void judge_ring(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t lost = doctor_number(&facts->stats, "stats.coterie.ring.changes.token_lost", 0);
	const int64_t uptime_ms = doctor_number(&facts->stats, "stats.coterie.uptime_ms", HOUR_MS);
	const int64_t growth = doctor_growth(facts, "stats.srp.gather_entered");
	struct doctor_finding *finding;

	if (facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (growth >= CHANGES_MOST) {
		finding = doctor_find(report, DOCTOR_ERROR, "the ring does not settle");
		doctor_evidence(finding, "it began to form again %" PRIi64 " times in %.0f s", growth, facts->window_s);
		doctor_remedy(finding,
			"look at findings of paths first; a pair of nodes that do not hear each other keeps a ring from forming");
		return;
	}
	if (lost <= CHANGES_MOST * (1 + uptime_ms / HOUR_MS))
		return;
	finding = doctor_find(report, DOCTOR_WARNING, "the ring loses its token often");
	doctor_evidence(finding, "%" PRIi64 " times in %" PRIi64 " minutes", lost, uptime_ms / 60000);
	doctor_remedy(finding,
		"look at findings of loss, latency and late scheduling; coterie-ctl status shows the evictions");
}

void judge_clock(const struct doctor_facts *facts, struct doctor_report *report)
{
	uint32_t unknown = 0;

	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];
		const int64_t off = path->clock_ms < 0 ? -path->clock_ms : path->clock_ms;

		if (path->nodeid == facts->self || path->is_loopback || path->link != facts->paths[0].link)
			continue;
		if (!path->has_clock) {
			unknown++;
			continue;
		}
		if (off < CLOCK_WARNING_MS)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, off >= CLOCK_ERROR_MS ? DOCTOR_ERROR : DOCTOR_WARNING,
				      "the clocks of node %" PRIu32 " (%s) and of this node differ", path->nodeid,
				      path->name));

		doctor_evidence(
			finding, "its clock is %.1f s %s", (double)off / 1000, path->clock_ms < 0 ? "behind" : "ahead");
		doctor_remedy(finding,
			"let both follow one time server: systemctl enable --now systemd-timesyncd; the ring itself needs no clocks");
	}
	if (unknown > 0)
		doctor_unchecked(report, "%" PRIu32 " node%s: ICMP timestamps are not answered", unknown,
			unknown == 1 ? "" : "s");
}
