/* SPDX-License-Identifier: BSD-3-Clause */
/* Send events as SNMP traps of version 2c. COROSYNC-MIB.txt describes them. */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "tools/notifyd/sink.h"

#define ENTERPRISE 1, 3, 6, 1, 4, 1, 35488
#define LENGTH(oid_array) (sizeof(oid_array) / sizeof((oid_array)[0]))

/* Numbers of objects below ENTERPRISE.1 and ENTERPRISE.0. */
enum object {
	OBJECT_NODE_NAME = 1,
	OBJECT_NODE_ID = 2,
	OBJECT_NODE_STATUS = 3,
	OBJECT_NODE_ADDRESS = 4,
	OBJECT_LOCAL_NODE_ID = 5,
	OBJECT_QUORUM_STATUS = 21,
	OBJECT_APP_NAME = 40,
	OBJECT_APP_STATUS = 41,
	OBJECT_LINK_NUMBER = 60,
	OBJECT_LINK_STATUS = 61,
};

struct snmp_sink {
	netsnmp_session *session; /* NULL: not open */
	const char *manager, *community;
	bool is_unreachable; /* it was logged that there is no session */
	struct timespec started;
};

static void open_session(struct snmp_sink *sink)
{
	netsnmp_session wanted;
	char *text = NULL;
	int system_code, snmp_code;

	snmp_sess_init(&wanted);
	wanted.version = SNMP_VERSION_2c;
	wanted.peername = strdup(sink->manager);
	wanted.community = (u_char *)strdup(sink->community);
	wanted.community_len = strlen(sink->community);
	if (wanted.peername != NULL && wanted.community != NULL)
		/* "snmptrap" selects the port for traps, unless the manager's name has a port. */
		sink->session = snmp_add(
			&wanted, netsnmp_transport_open_client("snmptrap", wanted.peername), NULL, NULL);
	if (sink->session == NULL && !sink->is_unreachable) {
		snmp_error(&wanted, &system_code, &snmp_code, &text);
		notifyd_log(LOG_ERR, "Failed to init SNMP session: manager %s: %s", sink->manager,
			text == NULL ? "" : text);
		free(text);
	}
	sink->is_unreachable = sink->session == NULL;
	free(wanted.peername);
	free(wanted.community);
}

struct snmp_sink *snmp_sink_create(const char *manager, const char *community)
{
	struct snmp_sink *sink = calloc(1, sizeof(*sink));

	if (sink == NULL)
		return NULL;
	/* Read no files of other agents, and translate no names, since only numeric names are used here. */
	snmp_disable_log();
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	setenv("MIBS", "", 1);
	init_snmp("corosync-notifyd");
	sink->manager = manager;
	sink->community = community;
	clock_gettime(CLOCK_MONOTONIC, &sink->started);
	open_session(sink);
	return sink;
}

static bool add(netsnmp_pdu *pdu, enum object object, u_char type, const void *value, size_t size)
{
	oid name[] = {ENTERPRISE, 1, (oid)object};

	return snmp_pdu_add_variable(pdu, name, LENGTH(name), type, value, size) != NULL;
}

static bool add_text(netsnmp_pdu *pdu, enum object object, const char *text)
{
	return add(pdu, object, ASN_OCTET_STR, text, strlen(text));
}

/* Add an unsigned 32-bit number. net-snmp accepts it as u_long or u_int, and finds out which from the size. */
static bool add_number(netsnmp_pdu *pdu, enum object object, uint32_t number)
{
	u_long value = number;

	return add(pdu, object, ASN_UNSIGNED, &value, sizeof(value));
}

static bool add_link(netsnmp_pdu *pdu, uint32_t link)
{
	long value = (long)link;

	return add(pdu, OBJECT_LINK_NUMBER, ASN_INTEGER, &value, sizeof(value));
}

/*
 * Return the time since this program started, in hundredths of a second. (Corosync 3.1 sends the time
 * of day.)
 */
static u_long up_time(const struct snmp_sink *sink)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u_long)((now.tv_sec - sink->started.tv_sec) * 100 + (now.tv_nsec - sink->started.tv_nsec) / 10000000);
}

static bool add_trap(netsnmp_pdu *pdu, const struct snmp_sink *sink, oid notice)
{
	static const oid up_time_name[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
	static const oid trap_name[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
	oid trap[] = {ENTERPRISE, 0, notice};
	u_long ticks = up_time(sink);

	return snmp_pdu_add_variable(pdu, up_time_name, LENGTH(up_time_name), ASN_TIMETICKS, &ticks, sizeof(ticks)) !=
		       NULL &&
	       snmp_pdu_add_variable(pdu, trap_name, LENGTH(trap_name), ASN_OBJECT_ID, trap, sizeof(trap)) != NULL;
}

static bool fill(netsnmp_pdu *pdu, const struct snmp_sink *sink, const struct event *event)
{
	const char *state = event_state(event);

	switch (event->kind) {
	case EVENT_MEMBER:
		return add_trap(pdu, sink, 1) && add_text(pdu, OBJECT_NODE_NAME, event->name) &&
		       add_number(pdu, OBJECT_NODE_ID, event->nodeid) &&
		       add_text(pdu, OBJECT_NODE_ADDRESS, event->address) && add_text(pdu, OBJECT_NODE_STATUS, state);
	case EVENT_QUORUM:
		return add_trap(pdu, sink, 2) && add_text(pdu, OBJECT_NODE_NAME, event->host) &&
		       add_number(pdu, OBJECT_NODE_ID, event->local_id) && add_text(pdu, OBJECT_QUORUM_STATUS, state);
	case EVENT_CLIENT:
		return add_trap(pdu, sink, 3) && add_text(pdu, OBJECT_NODE_NAME, event->host) &&
		       add_number(pdu, OBJECT_NODE_ID, event->local_id) &&
		       add_text(pdu, OBJECT_APP_NAME, event->name) && add_text(pdu, OBJECT_APP_STATUS, state);
	case EVENT_LINK:
		return add_trap(pdu, sink, 4) && add_text(pdu, OBJECT_NODE_NAME, event->host) &&
		       add_number(pdu, OBJECT_LOCAL_NODE_ID, event->local_id) &&
		       add_number(pdu, OBJECT_NODE_ID, event->nodeid) && add_link(pdu, event->link) &&
		       add_text(pdu, OBJECT_LINK_STATUS, state);
	}
	return false;
}

void snmp_sink_send(struct snmp_sink *sink, const struct event *event)
{
	netsnmp_pdu *pdu;

	if (sink->session == NULL)
		open_session(sink);
	if (sink->session == NULL)
		return;
	pdu = snmp_pdu_create(SNMP_MSG_TRAP2);
	if (pdu == NULL || !fill(pdu, sink, event)) {
		notifyd_log(LOG_ERR, "trap: out of memory, not sent");
		snmp_free_pdu(pdu);
		return;
	}
	if (snmp_send(sink->session, pdu) != 0)
		return;
	/*
	 * The packet was not sent, so it must be freed here. The next event opens a new session, and resolves the name
	 * again.
	 */
	snmp_free_pdu(pdu);
	snmp_close(sink->session);
	sink->session = NULL;
	notifyd_log(LOG_ERR, "trap to %s: %s", sink->manager, snmp_api_errstring(snmp_errno));
}

void snmp_sink_destroy(struct snmp_sink *sink)
{
	if (sink == NULL)
		return;
	if (sink->session != NULL)
		snmp_close(sink->session);
	snmp_shutdown("corosync-notifyd");
	free(sink);
}
