/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network: which nodes are connected, delays, duplicates and losses. The simulator uses it, and so does the test
 * kit of the plugin SDK (testkit/).
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/clock.h"
#include "tests/sim/history.h"

/** A packet on its way. All its receivers share one object. */
struct packet {
	uint32_t references;
	uint32_t size;
	uint32_t from; /* node index */
	uint32_t to;   /* node index; UINT32_MAX: all */
	uint32_t life; /* number of the sender's life; UINT32_MAX: forged */
	uint64_t sent_ns;
	const struct ring_record *ring; /* ring that the packet names, or NULL */
	uint64_t *contact_ns;           /* contact of the sender with each node (contact.h), or NULL; owned */
	uint8_t type;                   /* enum wire_type */
	bool is_altered;                /* the bytes differ from those that an engine sent */
	bool is_forged;                 /* forged in a way that no engine can detect */
	uint8_t bytes[];
};

#define NET_OLD 128u /* number of recent packets that are kept, to be sent again */
#define NET_TYPES 6u

/** The network. The caller sets clock, random and node_count, and what it needs of the others, which begin at zero. */
struct net {
	struct clock *clock;       /* borrowed */
	struct sim_random *random; /* borrowed */
	uint32_t node_count;
	void (*lost)(void *arg, const struct packet *packet, uint32_t to); /* called when a packet is lost; or NULL */
	void *arg;
	uint32_t loss, duplicate, late;      /* chances, per 10,000 */
	bool reorder;                        /* packets of one sender may overtake each other */
	uint64_t delay_min_ns, delay_max_ns; /* delay in one direction */
	uint64_t late_min_ns, late_max_ns;
	uint64_t link_ns[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: added to the other delays */
	uint32_t link_bytes_per_ms;                     /* capacity of each link. 0: unlimited */
	uint64_t link_queue_ns; /* longest wait for a link. Packets that would wait longer are lost */
	uint64_t link_free_ns[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: when the link has sent all packets so far */
	bool cut[SIM_NODES_MAX][SIM_NODES_MAX];              /* [from][to]: the link carries nothing */
	bool rejects[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: a firewall refuses packets and reports that */
	uint64_t frames_lost;                       /* nodes that get no message frames of others, bits by index */
	uint64_t frames_unheard;                    /* nodes whose message frames reach no other node, bits by index */
	uint64_t last_ns[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: arrival of the last packet */
	bool kth_armed; /* the kth_left-th packet of kth_type from now on will be lost */
	uint8_t kth_type;
	uint32_t kth_left;
	/*
	 * Reports of a host without a daemon that a packet was refused, as Linux sends them: at first six at once, then
	 * one in a second.
	 */
	bool is_silent;          /* hosts report nothing */
	bool refuses_multicasts; /* multicasts are sent as unicasts, so they are refused as well */
	/* [from][to]: number of packets that a firewall refuses next */
	uint32_t refuse_next[SIM_NODES_MAX][SIM_NODES_MAX];
	uint32_t lose_next[SIM_NODES_MAX][SIM_NODES_MAX];  /* [from][to]: number of packets that are lost next */
	uint64_t refused_ns[SIM_NODES_MAX][SIM_NODES_MAX]; /* [host][sender]: when its allowance is full again */
	uint64_t refusals;
	struct packet *old[NET_OLD];
	uint32_t old_count;
	uint64_t sent[NET_TYPES]; /* packets given to the network, by type. A multicast counts as
				    * one */
	uint64_t probes;          /* probes, which `sent` does not count */
};

struct packet *packet_create(const void *bytes, uint32_t size, uint32_t from, uint32_t life);
struct packet *packet_ref(struct packet *packet);
void packet_unref(struct packet *packet);

/**
 * Handle a packet that reaches a host without a daemon: the host reports the refusal to the sender, if it sends
 * reports.
 */
void net_refuse(struct net *net, struct packet *packet, uint32_t by);
/** Send a packet to all nodes, the sender included, or to one node. The caller keeps its reference. */
void net_multicast(struct net *net, struct packet *packet);
void net_unicast(struct net *net, struct packet *packet, uint32_t to);
/**
 * End all faults: no packet is cut, lost, duplicated or late any more. Packets that are late
 * already are lost.
 */
void net_calm(struct net *net);
void net_fini(struct net *net);

#endif
