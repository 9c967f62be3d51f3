/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs for events in addition to the log. */
#ifndef TOOLS_NOTIFYD_SINK_H
#define TOOLS_NOTIFYD_SINK_H

#include "tools/notifyd/event.h"

/** Write a line to the chosen destination. The priority is one of syslog(3). */
void notifyd_log(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- D-Bus, if it was built in --- */

struct dbus_sink;

/**
 * Create a sink that sends signals on the system bus. If there is no bus, the sink is created all the same, and tries
 * to connect at each event.
 * @param link_as_quorum  a change of a link is also sent under the name that Corosync 3.1 uses, which is that of quorum
 * @return the caller frees it with dbus_sink_destroy; NULL: out of memory
 */
struct dbus_sink *dbus_sink_create(bool link_as_quorum);
void dbus_sink_send(struct dbus_sink *sink, const struct event *event);
void dbus_sink_destroy(struct dbus_sink *sink); /* NULL is ignored */

/* --- SNMP, if it was built in --- */

struct snmp_sink;

/**
 * Create a sink that sends traps of version 2c. An event is not sent while the manager's name cannot be resolved.
 * @param manager    NAME[:PORT] or another form that net-snmp supports; borrowed until the sink is destroyed
 * @param community  borrowed until the sink is destroyed
 * @return the caller frees it with snmp_sink_destroy; NULL: out of memory
 */
struct snmp_sink *snmp_sink_create(const char *manager, const char *community);
void snmp_sink_send(struct snmp_sink *sink, const struct event *event);
void snmp_sink_destroy(struct snmp_sink *sink); /* NULL is ignored */

#endif
