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
	EVENT_LINK,   /* a link of this node to another is up or down */
};

/** One event. Texts are borrowed. */
struct event {
	enum event_kind kind;
	bool is_good;        /* joined, quorate, connected, up */
	const char *host;    /* name of this node */
	uint32_t local_id;   /* its id */
	uint32_t nodeid;     /* member, link: the other node's */
	const char *name;    /* member: its name, or its address. Client: CONNECTION.PID.PROGRAM */
	const char *address; /* member */
	uint32_t link;       /* link: its number */
};

/** Return the state as D-Bus and SNMP have it: joined, not quorate, operational, … */
const char *event_state(const struct event *event);

/** Write the line for the log. It is cut to fit. */
void event_text(const struct event *event, char *text, size_t size);

/* Parsers for keys of the map. The texts come from outside. false: the text has another form. */

/** runtime.members.ID.status */
bool parse_member(const char *key, uint32_t *nodeid);

/**
 * The address of the highest link in the value of runtime.members.ID.ip, `r(0) ip(10.0.0.1) `.
 *
 * @param address  empty if there is none
 */
void parse_address(const char *value, char address[NI_MAXHOST]);

/**
 * stats.ipcs.serviceN.PID.CONNECTION.procname
 *
 * @param client  "CONNECTION.PID." and `procname`
 */
bool parse_client(const char *key, const char *procname, char *client, size_t size);

/** stats.knet.nodeID.linkN.connected */
bool parse_link(const char *key, uint32_t *nodeid, uint32_t *link);

#endif
