/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes of the network: ICMP echo and time stamps, ARP, and capturing the packets that pass the interfaces. No probe
 * is sent to the port of the ring.
 */
#ifndef TOOLS_CTL_DOCTOR_PROBE_H
#define TOOLS_CTL_DOCTOR_PROBE_H

#include "tools/ctl/doctor/facts.h"

#define PROBE_PACKET_MAX 65535
#define PROBE_SAMPLES_MAX 400 /* echo requests on one path */
#define PROBE_SIZES_MAX 16    /* sizes in one round of a search for the path MTU */

/** State of the probes of one path. */
struct probe_path {
	struct doctor_path *path;
	int64_t rtt_us[PROBE_SAMPLES_MAX]; /* DOCTOR_UNKNOWN: not answered */
	int tcp_fd;                        /* -1: not connecting, or the result is known */
	int64_t passed, failed;            /* the largest size that has passed, and the smallest that has failed; 0:
					    * none yet */
	int64_t tried[PROBE_SIZES_MAX];    /* sizes that are sent in this round */
	bool has_passed[PROBE_SIZES_MAX];
	uint32_t tried_count;
	int64_t clock_rtt_us; /* round trip time of the best time stamp */
	int64_t fragment_max; /* size of the largest received fragment; 0: none */
	char macs[4][20];     /* MAC addresses of hosts that answer for the address */
	uint32_t mac_count;
};

/** The probes of one link of this node. */
struct probe_link {
	struct doctor_link *link;
	int family;
	int index;   /* index of the interface */
	int icmp_fd; /* -1: not allowed */
	bool is_raw;
	int tap_fd; /* -1: not allowed, or the loopback */
	uint16_t port, id;
	uint8_t mac[6];
	char macs[4][20]; /* MAC addresses of other hosts that answer for the address of this node */
	uint32_t mac_count;
};

struct probe {
	struct doctor_facts *facts;
	struct probe_link links[DOCTOR_LINKS_MAX];
	uint32_t link_count;
	struct probe_path *paths;
	size_t path_count;
};

/** Return the path over this link to this address. NULL: none. */
struct probe_path *probe_find(struct probe *probe, const struct probe_link *link, const char *address);

/* --- probe_icmp.c --- */

/** Open the link's ICMP socket: a raw socket if that is allowed. */
void probe_icmp_open(struct probe_link *link);
/** Send an echo request of `size` bytes, IP header included, with "do not fragment". @return 0; a negative errno */
int probe_icmp_echo(struct probe_link *link, const struct doctor_path *path, uint16_t number, int64_t size);
/** Request the time of the host. Only done with IPv4 and a raw socket. */
void probe_icmp_time(struct probe_link *link, const struct doctor_path *path);
/** Read all answers that have arrived. */
void probe_icmp_read(struct probe *probe, struct probe_link *link);

#define PROBE_SIZE_NUMBER 30000 /* echo requests with this number or a higher one belong to a search for the MTU */

/* --- probe_tap.c --- */

/** Open a socket that captures the packets of the link's interface. */
void probe_tap_open(struct probe_link *link);
void probe_tap_read(struct probe *probe, struct probe_link *link);
/** Send an ARP request for the address of a path. path NULL: for the address of this node. */
void probe_tap_arp(struct probe_link *link, const struct doctor_path *path);

#endif
