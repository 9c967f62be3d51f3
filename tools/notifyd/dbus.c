/* SPDX-License-Identifier: BSD-3-Clause */
/* Send events as signals on the system bus: path /org/corosync, interface org.corosync. */
#include "tools/notifyd/sink.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <dbus/dbus.h>

#define PATH "/org/corosync"
#define INTERFACE "org.corosync"

struct dbus_sink {
	DBusConnection *bus; /* NULL: not connected */
	bool link_as_quorum;
	bool is_lost; /* it was logged that there is no bus */
};

static void connect_to_bus(struct dbus_sink *sink)
{
	DBusError error = DBUS_ERROR_INIT;

	if (sink->bus != NULL && dbus_connection_get_is_connected(sink->bus))
		return;
	if (sink->bus != NULL)
		dbus_connection_unref(sink->bus);
	sink->bus = dbus_bus_get(DBUS_BUS_SYSTEM, &error);
	if (sink->bus != NULL) {
		/* Without this the library would end the process when the bus ends. */
		dbus_connection_set_exit_on_disconnect(sink->bus, FALSE);
		if (sink->is_lost)
			notifyd_log(LOG_NOTICE, "the system bus is there again");
	} else if (!sink->is_lost) {
		notifyd_log(LOG_WARNING, "no system bus, no signals: %s", error.message);
	}
	sink->is_lost = sink->bus == NULL;
	dbus_error_free(&error);
}

struct dbus_sink *dbus_sink_create(bool link_as_quorum)
{
	struct dbus_sink *sink = calloc(1, sizeof(*sink));

	if (sink == NULL)
		return NULL;
	sink->link_as_quorum = link_as_quorum;
	connect_to_bus(sink);
	return sink;
}

/* Return a text that may be sent. If a text is not UTF-8, the bus rejects it, and libdbus ends the process. */
static const char *utf8(const char *text) { return dbus_validate_utf8(text, NULL) ? text : "?"; }

static bool append(DBusMessage *message, const struct event *event)
{
	const char *host = utf8(event->host), *name = NULL, *address = NULL;
	const char *state = event_state(event);

	switch (event->kind) {
	case EVENT_MEMBER:
		name = utf8(event->name);
		address = utf8(event->address);
		return dbus_message_append_args(message, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &event->nodeid,
			DBUS_TYPE_STRING, &address, DBUS_TYPE_STRING, &state, DBUS_TYPE_INVALID);
	case EVENT_QUORUM:
		return dbus_message_append_args(message, DBUS_TYPE_STRING, &host, DBUS_TYPE_UINT32, &event->local_id,
			DBUS_TYPE_STRING, &state, DBUS_TYPE_INVALID);
	case EVENT_CLIENT:
		name = utf8(event->name);
		return dbus_message_append_args(message, DBUS_TYPE_STRING, &host, DBUS_TYPE_UINT32, &event->local_id,
			DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &state, DBUS_TYPE_INVALID);
	case EVENT_LINK:
		return dbus_message_append_args(message, DBUS_TYPE_STRING, &host, DBUS_TYPE_UINT32, &event->local_id,
			DBUS_TYPE_UINT32, &event->nodeid, DBUS_TYPE_UINT32, &event->link, DBUS_TYPE_STRING, &state,
			DBUS_TYPE_INVALID);
	}
	return false;
}

static void send_as(struct dbus_sink *sink, const char *member, const struct event *event)
{
	DBusMessage *message = dbus_message_new_signal(PATH, INTERFACE, member);

	if (message == NULL || !append(message, event) || !dbus_connection_send(sink->bus, message, NULL))
		notifyd_log(LOG_ERR, "signal %s: out of memory, not sent", member);
	else
		dbus_connection_flush(sink->bus);
	if (message != NULL)
		dbus_message_unref(message);
}

void dbus_sink_send(struct dbus_sink *sink, const struct event *event)
{
	/* Read messages from the bus, such as the message about its end. No other function reads them. */
	if (sink->bus != NULL)
		while (dbus_connection_read_write_dispatch(sink->bus, 0) &&
			dbus_connection_get_dispatch_status(sink->bus) == DBUS_DISPATCH_DATA_REMAINS)
			;
	connect_to_bus(sink);
	if (sink->bus == NULL)
		return;
	switch (event->kind) {
	case EVENT_MEMBER:
		send_as(sink, "NodeStateChange", event);
		break;
	case EVENT_QUORUM:
		send_as(sink, "QuorumStateChange", event);
		break;
	case EVENT_CLIENT:
		send_as(sink, "ConnectionStateChange", event);
		break;
	case EVENT_LINK:
		send_as(sink, "LinkStateChange", event);
		if (sink->link_as_quorum)
			send_as(sink, "QuorumStateChange", event);
		break;
	}
}

void dbus_sink_destroy(struct dbus_sink *sink)
{
	if (sink == NULL)
		return;
	if (sink->bus != NULL)
		dbus_connection_unref(sink->bus);
	free(sink);
}
