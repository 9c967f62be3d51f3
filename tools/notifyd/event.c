/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/notifyd/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *event_state(const struct event *event)
{
	switch (event->kind) {
	case EVENT_MEMBER:
		return event->is_good ? "joined" : "left";
	case EVENT_QUORUM:
		return event->is_good ? "quorate" : "not quorate";
	case EVENT_CLIENT:
		return event->is_good ? "connected" : "disconnected";
	case EVENT_LINK:
		return event->is_good ? "operational" : "disconnected";
	}
	return "";
}

/* Other programs parse these lines: book configuration, "Programs". */
void event_text(const struct event *event, char *text, size_t size)
{
	switch (event->kind) {
	case EVENT_MEMBER:
		snprintf(text, size, "%s[%" PRIu32 "] ip:%s %s", event->name, event->nodeid, event->address,
			event_state(event));
		break;
	case EVENT_QUORUM:
		snprintf(text, size, "%s[%" PRIu32 "] %s", event->host, event->local_id,
			event->is_good ? "is now quorate" : "has lost quorum");
		break;
	case EVENT_CLIENT:
		snprintf(text, size, "%s[%" PRIu32 "] %s is now %s corosync", event->host, event->local_id, event->name,
			event->is_good ? "connected to" : "disconnected from");
		break;
	case EVENT_LINK:
		snprintf(text, size, "%s[%" PRIu32 "] link %" PRIu32 " to node %" PRIu32 " is now %s", event->host,
			event->local_id, event->link, event->nodeid, event_state(event));
		break;
	}
}

/* Skip an expected word. @return false: the text has another one */
static bool word(const char **at, const char *expected)
{
	size_t length = strlen(expected);

	if (strncmp(*at, expected, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Skip a decimal number of 32 bits. @return false: there is none, or it is too large */
static bool number(const char **at, uint32_t *value)
{
	uint64_t sum = 0;

	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		sum = sum * 10 + (uint64_t)(**at - '0');
		if (sum > UINT32_MAX)
			return false;
	}
	*value = (uint32_t)sum;
	return true;
}

bool parse_member(const char *key, uint32_t *nodeid)
{
	return word(&key, "runtime.members.") && number(&key, nodeid) && strcmp(key, ".status") == 0;
}

void parse_address(const char *value, char address[NI_MAXHOST])
{
	const char *open = strrchr(value, '(');
	size_t length = open == NULL ? 0 : strcspn(open + 1, ")");

	if (open == NULL || open[1 + length] != ')' || length >= NI_MAXHOST)
		length = 0;
	if (length > 0)
		memcpy(address, open + 1, length);
	address[length] = '\0';
}

bool parse_client(const char *key, const char *procname, char *client, size_t size)
{
	uint32_t service, pid;
	size_t length;

	if (!word(&key, "stats.ipcs.service") || !number(&key, &service) || !word(&key, ".") || !number(&key, &pid) ||
		!word(&key, "."))
		return false;
	length = strcspn(key, ".");
	if (length == 0 || strcmp(key + length, ".procname") != 0)
		return false;
	snprintf(client, size, "%.*s.%" PRIu32 ".%s", (int)length, key, pid, procname);
	return true;
}

bool parse_link(const char *key, uint32_t *nodeid, uint32_t *link)
{
	return word(&key, "stats.knet.node") && number(&key, nodeid) && word(&key, ".link") && number(&key, link) &&
	       strcmp(key, ".connected") == 0;
}
