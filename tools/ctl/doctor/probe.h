/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes of the network: ICMP echo and time stamps, ARP, and a look at the packets that pass the interfaces. They send
 * nothing to the port of the ring.
 */
#ifndef TOOLS_CTL_DOCTOR_PROBE_H
#define TOOLS_CTL_DOCTOR_PROBE_H

#include "tools/ctl/doctor/facts.h"

#define PROBE_PACKET_MAX 65535
#define PROBE_SAMPLES_MAX 400 /* echo requests of a path */
#define PROBE_SIZES_MAX 16    /* of a search for the path MTU */

/** State of the probes of one path. */
struct probe_path {
	struct doctor_path *path;
	int64_t rtt_us[PROBE_SAMPLES_MAX]; /* DOCTOR_UNKNOWN: not answered */
	int tcp_fd;                        /* -1: none, or done */
	int64_t passed, failed;            /* sizes: the largest and the smallest; 0: none yet */
	int64_t tried[PROBE_SIZES_MAX];    /* sizes of this round */
	bool has_passed[PROBE_SIZES_MAX];
	uint32_t tried_count;
	int64_t clock_rtt_us; /* of the best time stamp */
	int64_t fragment_max; /* largest of the fragments that came; 0: none */
	char macs[4][20];     /* of hosts that answer for the address */
	uint32_t mac_count;
};

/** The probes of one link of this node. */
struct probe_link {
	struct doctor_link *link;
	int family;
	int index;   /* of the interface */
	int icmp_fd; /* -1: not allowed */
	bool is_raw;
	int tap_fd; /* -1: not allowed, or the loopback */
	uint16_t port, id;
	uint8_t mac[6];
	char macs[4][20]; /* of other hosts that answer for the address of this node */
	uint32_t mac_count;
};

struct probe {
	struct doctor_facts *facts;
	struct probe_link links[DOCTOR_LINKS_MAX];
	uint32_t link_count;
	struct probe_path *paths;
	size_t path_count;
};

/** @return the path over this link to this address; NULL */
struct probe_path *probe_find(struct probe *probe, const struct probe_link *link, const char *address);

/* probe_icmp.c */

/** Open the link's ICMP socket. Raw where that is allowed. */
void probe_icmp_open(struct probe_link *link);
/** Send an echo request of size bytes, IP header included, with "do not fragment". @return 0; a negative errno */
int probe_icmp_echo(struct probe_link *link, const struct doctor_path *path, uint16_t number, int64_t size);
/** Ask for the time of the host. IPv4 and raw sockets alone. */
void probe_icmp_time(struct probe_link *link, const struct doctor_path *path);
/** Read all that is there. */
void probe_icmp_read(struct probe *probe, struct probe_link *link);

#define PROBE_SIZE_NUMBER 30000 /* echo requests from this number on belong to a search for the MTU */

/* probe_tap.c */

/** Open the link's view of its interface. */
void probe_tap_open(struct probe_link *link);
void probe_tap_read(struct probe *probe, struct probe_link *link);
/** Ask who has the address of a path, or with NULL that of this node. */
void probe_tap_arp(struct probe_link *link, const struct doctor_path *path);

#endif
