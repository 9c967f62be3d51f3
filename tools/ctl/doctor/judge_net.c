/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge this host's interfaces, and other hosts that they show. */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHARED_PERCENT 30 /* percent of the speed of the interface */
#define BITS_PER_BYTE 8

void judge_interface(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];
		struct doctor_finding *finding;

		if (link->address[0] == '\0')
			continue; /* the check config.names reports this */
		if (link->interface[0] == '\0') {
			finding = doctor_find(
				report, DOCTOR_ERROR, "no interface of this host has the address %s", link->address);
			doctor_evidence(finding, "it is the address of this node on link %" PRIu32, link->number);
			doctor_remedy(finding, "ip address add %s/PREFIX dev INTERFACE, or correct the config file",
				link->address);
		} else if (!link->is_up || !link->has_carrier) {
			finding = doctor_find(report, DOCTOR_ERROR, "the interface of link %" PRIu32 " %s",
				link->number, link->is_up ? "has no carrier" : "is down");
			doctor_evidence(finding, "%s has %s", link->interface, link->address);
			doctor_remedy(finding,
				link->is_up ? "look at the cable and the switch of %s" : "ip link set %s up",
				link->interface);
		} else {
			continue;
		}
		finding->link = (int)link->number;
	}
}

void judge_port(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->is_running && facts->mode != DOCTOR_OF_DAEMON) {
		doctor_unchecked(report, "the daemon runs, and may have the ports itself");
		return;
	}
	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];

		if (!link->is_port_taken || facts->mode == DOCTOR_OF_DAEMON)
			continue;
		const uint16_t port = doctor_port(facts, link->number);
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "another process has UDP port %u of %s", port, link->address);

		finding->link = (int)link->number;
		doctor_evidence(finding, "the port cannot be bound");
		doctor_remedy(
			finding, "end that process (ss -lunp 'sport = :%u'), or set another port on all nodes", port);
	}
}

void judge_duplicate(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];

		if (link->duplicate_macs <= 0)
			continue;
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "another host has the address of this node, %s", link->address);

		finding->link = (int)link->number;
		doctor_evidence(finding, "%s answers for it on %s", link->other_mac, link->interface);
		doctor_remedy(
			finding, "give that host another address; a cloned machine needs a node id of its own as well");
	}
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (path->duplicate_macs < 2)
			continue;
		/* The node may have two interfaces in one segment. */
		struct doctor_finding *finding = doctor_find(report, DOCTOR_WARNING,
			"%" PRIi64 " interfaces have the address of node %" PRIu32 ", %s", path->duplicate_macs,
			path->nodeid, path->address);

		finding->peer = path->nodeid;
		finding->link = (int)path->link;
		doctor_evidence(finding, "%s and %s answer for it", path->macs[0], path->macs[1]);
		doctor_remedy(finding,
			"if they are of two hosts, give one of them another address, and a cloned machine a node id of its own; "
			"if both are of node %" PRIu32 ", set net.ipv4.conf.all.arp_ignore = 1 there",
			path->nodeid);
	}
	if (facts->why_no_tap[0] != '\0')
		doctor_unchecked(report, "%s", facts->why_no_tap);
}

void judge_unlisted(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];

		if (link->unlisted[0] == '\0')
			continue;
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_WARNING, "a host that is in no node list sends to the ring: %s", link->unlisted);

		finding->link = (int)link->number;
		doctor_evidence(finding, "its packets to UDP port %u come in on %s", doctor_port(facts, link->number),
			link->interface);
		doctor_remedy(finding,
			"add it to the node list of all nodes, correct its address there, or give its cluster another port");
	}
	if (facts->why_no_tap[0] != '\0')
		doctor_unchecked(report, "%s", facts->why_no_tap);
}

void judge_shared(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t ring = doctor_growth(facts, "stats.coterie.transport.bytes_rx") > 0
				     ? doctor_growth(facts, "stats.coterie.transport.bytes_rx")
				     : 0;
	const int64_t ring_out = doctor_growth(facts, "stats.coterie.transport.bytes_tx") > 0
					 ? doctor_growth(facts, "stats.coterie.transport.bytes_tx")
					 : 0;

	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];
		const bool is_in = link->rx_bytes - ring >= link->tx_bytes - ring_out;
		const int64_t other = is_in ? link->rx_bytes - ring : link->tx_bytes - ring_out;

		if (link->interface[0] == '\0' || strcmp(link->interface, "lo") == 0)
			continue;
		if (link->speed_mbit <= 0) {
			doctor_unchecked(report, "the driver of %s does not tell its speed", link->interface);
			continue;
		}
		if (facts->window_s <= 0 || other <= 0)
			continue;
		const double mbit = (double)other * BITS_PER_BYTE / facts->window_s / 1e6;
		if (mbit * 100 < (double)link->speed_mbit * SHARED_PERCENT)
			continue;
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_WARNING, "%s carries bulk traffic beside the ring", link->interface);

		finding->link = (int)link->number;
		doctor_evidence(finding, "%.0f of %" PRIi64 " Mbit/s %s were not the ring's", mbit, link->speed_mbit,
			is_in ? "that came in" : "that went out");
		doctor_remedy(
			finding, "give the ring a network of its own, or mark its packets (dscp) and limit the others");
	}
}
