/* SPDX-License-Identifier: BSD-3-Clause */
/* The events that corosync-notifyd reports, and their texts. */
#ifndef TOOLS_NOTIFYD_EVENT_H
#define TOOLS_NOTIFYD_EVENT_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_MEMBER, /* a node has joined or left the ring */
	EVENT_QUORUM, /* this node has become quorate, or is no longer quorate */
	EVENT_CLIENT, /* a program has connected to this node's daemon or disconnected */
	EVENT_LINK,   /* a link of this node to another node is up or down */
};

/** One event. Texts are borrowed. */
struct event {
	enum event_kind kind;
	bool is_good;        /* the node has joined, is quorate, the client is connected, the link is up */
	const char *host;    /* name of this node */
	uint32_t local_id;   /* node id of this node */
	uint32_t nodeid;     /* member, link: id of the other node */
	const char *name;    /* member: name of the node, or its address. Client: CONNECTION.PID.PROGRAM */
	const char *address; /* member: address of the node */
	uint32_t link;       /* link: number of the link */
};

/** Return the word for the state that D-Bus and SNMP use: joined, not quorate, operational, … */
const char *event_state(const struct event *event);

/** Write the line for the log. If it is too long, it is cut. */
void event_text(const struct event *event, char *text, size_t size);

/* Parsers for keys of the map. The texts come from outside. @return false: the text has another form */

/** Parse runtime.members.ID.status. */
bool parse_member(const char *key, uint32_t *nodeid);

/**
 * Get the address of the highest link from the value of runtime.members.ID.ip, for example `r(0) ip(10.0.0.1) `.
 * @param address  empty if there is none
 */
void parse_address(const char *value, char address[NI_MAXHOST]);

/**
 * Parse stats.ipcs.serviceN.PID.CONNECTION.procname.
 * @param client  out: "CONNECTION.PID." and `procname`
 */
bool parse_client(const char *key, const char *procname, char *client, size_t size);

/** Parse stats.knet.nodeID.linkN.connected. */
bool parse_link(const char *key, uint32_t *nodeid, uint32_t *link);

#endif
