/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Find why a node is not in the ring. Each path gets one verdict from all facts about it, so that one fault makes one
 * finding. Each check then reports the paths with its verdict.
 */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEARD_MS 2500       /* longest time between two packets from a node that sends */
#define HEARD_SIZE_FULL 230 /* length of stats.coterie.heard from which the list may be incomplete */
#define YOUNG_MS 10000      /* in this time after the start of the daemon rings may still form */

enum verdict {
	FINE,           /* the node is in the ring, or no fault is known */
	UNTOLD,         /* another check reports the cause */
	HOST_SILENT,    /* the host gives no sign of life */
	DAEMON_DOWN,    /* the host is reached, but its daemon does not run */
	STRANGER,       /* the node has another key */
	REJECTED,       /* a firewall rejects packets with ICMP errors */
	NOTHING_LEAVES, /* packets do not reach the interface of this host */
	FILTERED_HERE,  /* packets reach the interface of this host, but not the daemon */
	NOTHING_COMES,  /* the daemon on the other host runs, but none of its packets arrives */
	NOT_HEARD,      /* packets of the node arrive, but the node does not hear this node */
};

static bool is_this_host(const struct doctor_facts *facts, const struct doctor_path *path)
{
	return path->is_loopback || path->nodeid == facts->self;
}

static bool is_joined(const struct doctor_facts *facts, const struct doctor_path *path)
{
	const struct doctor_member *member = doctor_member(facts, path->nodeid);

	return member != NULL && (member->is_joined || member->was_joined);
}

/* Return whether another finding reports the whole link. */
static bool is_link_down(const struct doctor_facts *facts, uint32_t number)
{
	for (uint32_t i = 0; i < facts->link_count; i++)
		if (facts->links[i].number == number)
			return facts->links[i].interface[0] == '\0' || !facts->links[i].is_up ||
			       !facts->links[i].has_carrier;
	return false;
}

/* Return whether the peer of this path sends to a multicast group other than that of this node. */
static bool is_elsewhere(const struct doctor_facts *facts, const struct doctor_path *path)
{
	for (uint32_t i = 0; i < facts->link_count; i++)
		if (facts->links[i].foreign_group[0] != '\0' && facts->links[i].foreign_node == path->nodeid)
			return true;
	return false;
}

/*
 * Return whether it is known if the node is heard: stats.coterie.heard has the node, or is short enough to be complete.
 */
static bool knows_who_is_heard(const struct doctor_facts *facts, const struct doctor_path *path)
{
	const char *heard = doctor_text(&facts->stats, "stats.coterie.heard");

	return path->heard_ms >= 0 || (heard != NULL && strlen(heard) < HEARD_SIZE_FULL);
}

static bool is_heard(const struct doctor_path *path) { return path->heard_ms >= 0 && path->heard_ms <= HEARD_MS; }

static bool host_lives(const struct doctor_path *path)
{
	return path->icmp == DOCTOR_ANSWERS || path->tcp == DOCTOR_ANSWERS || path->tcp == DOCTOR_REFUSES ||
	       path->udp == DOCTOR_REFUSES || path->packets_in > 0 || is_heard(path);
}

/*
 * Return whether the daemon received and dropped packets of unproved sessions. A session cannot be proved while the
 * other node does not hear this one.
 */
static bool gets_unproved(const struct doctor_facts *facts)
{
	return doctor_growth(facts, "stats.coterie.datagrams_unknown") > 0 ||
	       doctor_growth(facts, "stats.coterie.datagrams_limited") > 0;
}

/*
 * Return whether the sockets received at least nine datagrams for ten packets at the interfaces. If so, libknet itself
 * drops the packets of a node that is not heard, and does not report it.
 */
static bool reaches_sockets(const struct doctor_facts *facts)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < facts->path_count; i++)
		sum += facts->paths[i].packets_in;
	return facts->host.datagrams_in > 0 && (uint64_t)facts->host.datagrams_in * 10 >= sum * 9;
}

static bool is_alone(const struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->member_count; i++)
		if (facts->members[i].is_joined && facts->members[i].id != facts->self)
			return false;
	return true;
}

static bool has_tripwire(const struct doctor_facts *facts)
{
	return doctor_is_on(&facts->config, "totem.tripwire", true);
}

static enum verdict judge_running_node(const struct doctor_facts *facts, const struct doctor_path *path)
{
	const bool knows_heard = knows_who_is_heard(facts, path);
	char word[16];

	if (doctor_word_of(doctor_text(&facts->stats, "stats.coterie.strangers"), path->nodeid, word))
		return STRANGER;
	if (strcmp(doctor_transport(facts), "knet") == 0 && path->packets_in > 0 && !is_heard(path) &&
		reaches_sockets(facts))
		return STRANGER;
	if (path->udp == DOCTOR_FORBIDS || (path->udp == DOCTOR_REFUSES && path->tcp == DOCTOR_ANSWERS))
		return REJECTED;
	if (facts->mode != DOCTOR_OF_DAEMON)
		return FINE; /* no daemon of this node sends packets, so nothing more is known */
	if (path->has_tap && path->packets_out == 0 && is_alone(facts))
		return NOTHING_LEAVES;
	if (is_heard(path) || (path->packets_in > 0 && gets_unproved(facts)))
		return NOT_HEARD;
	if (path->has_tap && path->packets_in > 0 && knows_heard)
		return FILTERED_HERE;
	if (path->packets_in == 0 && (path->tcp == DOCTOR_ANSWERS ||
					     (!has_tripwire(facts) && path->has_tap && path->icmp == DOCTOR_ANSWERS)))
		return NOTHING_COMES;
	return FINE;
}

static enum verdict verdict_of(const struct doctor_facts *facts, const struct doctor_path *path)
{
	const bool is_young = doctor_number(&facts->stats, "stats.coterie.uptime_ms", YOUNG_MS) < YOUNG_MS;

	if (is_this_host(facts, path) || path->duplicate_macs > 1 || is_link_down(facts, path->link) ||
		is_elsewhere(facts, path))
		return UNTOLD;
	if (is_joined(facts, path) && facts->link_count <= 1)
		return FINE;
	if (!host_lives(path))
		return path->icmp == DOCTOR_UNTRIED ? FINE : HOST_SILENT;
	if (is_joined(facts, path))
		return FINE;
	/* Only the tripwire has a TCP port. */
	if (((path->tcp == DOCTOR_REFUSES && has_tripwire(facts)) ||
		    (path->udp == DOCTOR_REFUSES && path->tcp != DOCTOR_ANSWERS)) &&
		path->packets_in == 0 && !is_heard(path))
		return DAEMON_DOWN;
	return is_young && facts->mode == DOCTOR_OF_DAEMON ? UNTOLD : judge_running_node(facts, path);
}

/* Return whether any path has this verdict. */
static bool has_verdict(const struct doctor_facts *facts, enum verdict verdict)
{
	for (size_t i = 0; i < facts->path_count; i++)
		if (verdict_of(facts, &facts->paths[i]) == verdict)
			return true;
	return false;
}

static const char *answer_name(enum doctor_answer answer)
{
	switch (answer) {
	case DOCTOR_UNTRIED:
		return "was not tried";
	case DOCTOR_ANSWERS:
		return "is answered";
	case DOCTOR_REFUSES:
		return "is refused";
	case DOCTOR_FORBIDS:
		return "is forbidden by a firewall";
	case DOCTOR_NO_ROUTE:
		return "has no route";
	case DOCTOR_SILENT:
		return "is not answered";
	}
	return "";
}

static struct doctor_finding *find_path(const struct doctor_path *path, struct doctor_finding *finding)
{
	finding->peer = path->nodeid;
	finding->link = (int)path->link;
	return finding;
}

/* --- the checks of verdicts --- */

void judge_host_reached(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->why_no_network[0] != '\0')
		doctor_unchecked(report, "%s", facts->why_no_network);
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (verdict_of(facts, path) != HOST_SILENT)
			continue;
		struct doctor_finding *finding = find_path(path,
			doctor_find(report, DOCTOR_ERROR, "the host of node %" PRIu32 " (%s) does not answer at %s",
				path->nodeid, path->name, path->address));

		doctor_evidence(finding, "ICMP echo %s, TCP %s%s", answer_name(path->icmp), answer_name(path->tcp),
			path->has_tap ? ", and no packet of it comes in" : "");
		doctor_remedy(finding,
			"see whether the host runs; look at its interface, and at cables and switches between");
	}
}

void judge_member_down(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->mode == DOCTOR_OF_FILE)
		return;
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (verdict_of(facts, path) != DAEMON_DOWN || path->link != facts->paths[0].link)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, DOCTOR_WARNING, "no daemon runs on node %" PRIu32 " (%s)",
				      path->nodeid, path->name));

		doctor_evidence(finding, "its host refuses the port of the ring: TCP %s, UDP %s",
			answer_name(path->tcp), answer_name(path->udp));
		doctor_remedy(finding, "start it on that node: systemctl start coterie");
	}
}

void judge_key(const struct doctor_facts *facts, struct doctor_report *report)
{
	static const struct {
		const char *word, *evidence, *remedy;
	} kinds[] = {
		{"key", "its packets do not authenticate",
			"copy the key file of one node to the others, and compare encryption in their config files"},
		{"clear", "its packets are not encrypted", "give it the key file and the encryption of this node"},
		{"sealed", "its packets are encrypted, and this node has no key",
			"give this node the key file and the encryption of that node"},
	};
	const char *strangers = doctor_text(&facts->stats, "stats.coterie.strangers");

	for (size_t i = 0; i < facts->member_count; i++) {
		const struct doctor_member *member = &facts->members[i];
		char word[16];

		if (member->is_joined || !doctor_word_of(strangers, member->id, word))
			continue;
		struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR,
			"node %" PRIu32 " (%s) has another key or cipher than this node", member->id, member->name);

		finding->peer = member->id;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (strcmp(kinds[k].word, word) != 0)
				continue;
			doctor_evidence(finding, "%s", kinds[k].evidence);
			doctor_remedy(finding, "%s", kinds[k].remedy);
		}
	}
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (strangers != NULL || verdict_of(facts, path) != STRANGER)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, DOCTOR_ERROR,
				      "node %" PRIu32 " (%s) has another key or cipher than this node", path->nodeid,
				      path->name));

		doctor_evidence(finding, "%" PRIu64 " packets of it came within %.0f s, and the daemon could use none",
			path->packets_in, facts->window_s);
		doctor_remedy(finding, "%s", kinds[0].remedy);
	}
}

void judge_udp(const struct doctor_facts *facts, struct doctor_report *report)
{
	const bool is_filtered_here = has_verdict(facts, FILTERED_HERE);
	uint32_t told = 0;

	if (facts->mode != DOCTOR_OF_DAEMON)
		doctor_unchecked(report, "the daemon does not run");
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];
		const enum verdict verdict = verdict_of(facts, path);
		const uint16_t port = doctor_port(facts, path->link);
		struct doctor_finding *finding = NULL;

		if (verdict == REJECTED) {
			finding = doctor_find(report, DOCTOR_ERROR, "a firewall rejects UDP to node %" PRIu32 " (%s)",
				path->nodeid, path->name);
			doctor_evidence(finding,
				"ICMP says that UDP port %u of %s is not reachable, although the daemon there may run",
				port, path->address);
			doctor_remedy(
				finding, "allow UDP port %u in the firewall of node %" PRIu32, port, path->nodeid);
		} else if (verdict == FILTERED_HERE) {
			finding = doctor_find(report, DOCTOR_ERROR, "this host filters UDP of node %" PRIu32 " (%s)",
				path->nodeid, path->name);
			doctor_evidence(finding, "%" PRIu64 " packets of it came in within %.0f s, the daemon got none",
				path->packets_in, facts->window_s);
			doctor_remedy(
				finding, "allow UDP port %u from %s in the firewall of this host", port, path->address);
		} else if (verdict == NOTHING_LEAVES && told++ == 0) {
			finding = doctor_find(report, DOCTOR_ERROR, "this host lets no packet of the ring out");
			doctor_evidence(finding, "none went to node %" PRIu32 " (%s) within %.0f s", path->nodeid,
				path->name, facts->window_s);
			doctor_remedy(finding, "allow outgoing UDP to port %u in the firewall of this host", port);
		} else if (verdict == NOTHING_COMES && !is_filtered_here) {
			finding = doctor_find(report, DOCTOR_ERROR, "no UDP packet of node %" PRIu32 " (%s) arrives",
				path->nodeid, path->name);
			doctor_evidence(finding,
				"its daemon takes TCP connections, and none of its packets came in within %.0f s",
				facts->window_s);
			doctor_remedy(finding,
				"allow UDP port %u to this node in the firewall of node %" PRIu32 " and between", port,
				path->nodeid);
		}
		if (finding != NULL)
			find_path(path, finding);
	}
}

void judge_one_way(const struct doctor_facts *facts, struct doctor_report *report)
{
	const char *pairs = doctor_text(&facts->stats, "stats.coterie.unheard");
	/* Another node may keep this node out of its ring because this node does not hear a third node. */
	const bool is_kept_out = has_verdict(facts, FILTERED_HERE) || has_verdict(facts, NOTHING_COMES);
	uint32_t member, node;
	int length;

	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (is_kept_out || verdict_of(facts, path) != NOT_HEARD)
			continue;
		struct doctor_finding *finding = find_path(path,
			doctor_find(report, DOCTOR_ERROR, "node %" PRIu32 " (%s) is heard, and does not hear this node",
				path->nodeid, path->name));

		if (path->has_tap)
			doctor_evidence(finding,
				"%" PRIu64 " packets of it came in, %" PRIu64 " went to it within %.0f s",
				path->packets_in, path->packets_out, facts->window_s);
		else
			doctor_evidence(finding, "its last packet came %" PRIi64 " ms ago", path->heard_ms);
		doctor_remedy(finding,
			"allow UDP port %u from this node in the firewall of node %" PRIu32 " and between",
			doctor_port(facts, path->link), path->nodeid);
	}
	for (const char *at = pairs;
		at != NULL && sscanf(at, "%" SCNu32 "-%" SCNu32 "%n", &member, &node, &length) == 2; at += length) {
		if (member == facts->self || node == facts->self)
			continue; /* the verdicts of the paths report this */
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "nodes %" PRIu32 " and %" PRIu32 " do not hear each other", member, node);

		finding->peer = node;
		doctor_evidence(
			finding, "node %" PRIu32 " is in the ring, and keeps node %" PRIu32 " out", member, node);
		doctor_remedy(
			finding, "look at the firewalls of these two, and at the path between: run doctor on both");
	}
}

void judge_tcp(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (!has_tripwire(facts))
		return;
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (is_this_host(facts, path) || (path->icmp != DOCTOR_ANSWERS && !is_joined(facts, path)))
			continue;
		if (path->tcp != DOCTOR_SILENT && path->tcp != DOCTOR_FORBIDS)
			continue;
		const uint16_t port = doctor_port(facts, path->link);
		struct doctor_finding *finding = find_path(path,
			doctor_find(report, DOCTOR_WARNING,
				"TCP to node %" PRIu32 " (%s) is filtered, so that the end of a daemon is noticed late",
				path->nodeid, path->name));

		doctor_evidence(
			finding, "a connection to %s, port %u, %s", path->address, port, answer_name(path->tcp));
		doctor_remedy(
			finding, "allow TCP port %u between the nodes, or set tripwire = no in block transport", port);
	}
}

void judge_icmp(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];
		const bool is_alive = is_joined(facts, path) || path->tcp == DOCTOR_ANSWERS ||
				      path->tcp == DOCTOR_REFUSES || path->packets_in > 0;

		if (is_this_host(facts, path) || !is_alive || is_link_down(facts, path->link))
			continue;
		if (path->icmp == DOCTOR_UNTRIED || path->icmp == DOCTOR_ANSWERS ||
			verdict_of(facts, path) == HOST_SILENT)
			continue;
		struct doctor_finding *finding = find_path(
			path, doctor_find(report, DOCTOR_WARNING,
				      "ICMP of node %" PRIu32
				      " (%s) is filtered, so that its end and small packet sizes are noticed late",
				      path->nodeid, path->name));

		doctor_evidence(
			finding, "ICMP echo to %s %s, and its host is alive", path->address, answer_name(path->icmp));
		doctor_remedy(
			finding, "allow ICMP between the nodes: echo, destination unreachable, fragmentation needed");
	}
}
