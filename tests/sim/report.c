/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *id, *text;
	bool is_certain; /* an engine guarantees it whatever packets come: it is checked in a tainted run, too */
} properties[] = {
	{"C1", "configurations alternate, transitional then regular, with one ring id", true},
	{"C2", "a regular configuration has us in it, ascending, its lowest member as representative", true},
	{"C3", "one ring id means one membership at every node", false},
	{"C4", "a node's ring sequence grows with every configuration it installs", true},
	{"C5", "the transitional set is part of both memberships; left and joined are the rest", true},
	{"C6", "members of a transitional set agree on it and come from one configuration", false},
	{"C7", "different transitional sets into one configuration are disjoint", false},
	{"C8", "no configuration without a cause", true},
	{"C9", "a ring id is stored before anybody hears of it", true},
	{"C10", "no ring id is used again while a member of the first such ring runs", false},
	{"C11", "no member leaves a transitional set that was in every attempt", false},
	{"D1", "what is delivered was sent, by that source, with these bytes", false},
	{"D2", "a message is delivered once", false},
	{"D3", "messages of one source keep their order", false},
	{"D4", "all nodes deliver in one order, in the configuration a message was ordered in", false},
	{"D5", "a message comes after those that its sender had seen", false},
	{"D6", "nothing is skipped in a regular configuration", false},
	{"D7", "a node delivers what it sent itself, or a companion sent", false},
	{"D8", "nodes that go through two configurations together deliver the same between them", false},
	{"D9", "behind a hole only messages of companions are delivered", false},
	{"D10", "safe in a regular configuration: every member has it, and delivers it unless it crashes", false},
	{"D11", "safe in a transitional one: its whole set has it, and delivers it unless it crashes", false},
	{"D12", "a large message arrives whole or, where a part was missed, not at all", false},
	{"I1", "released <= high_delivered <= aru <= high_seq", true},
	{"I2", "a frame is freed only when every member has it", false},
	{"I3", "one frame for one place of the order; one live token", false},
	{"I4", "two arus in a row at one node prove that all members have the frames", false},
	{"I5", "released <= the token's aru <= its seq", false},
	{"I6", "the token's fcc and backlog are the sums over the members", false},
	{"I7", "no more frames at a visit and in a rotation than flow control allows", false},
	{"I8", "nobody is in recovery, or misses a recovery frame, when the new ring carries messages", false},
	{"I9", "a retransmitted token is the token", false},
	{"I10", "the commit token only fills up; recovery waits until it is full", false},
	{"I11", "ring sequences never fall", true},
	{"I12", "memory is bounded, and all of it comes back", true},
	{"I13", "armed timers fit the state", true},
	{"L1", "a quiet network reaches one ring in bounded time", true},
	{"L2", "messages on a quiet ring are delivered in a few rotations", true},
	{"L3", "an idle ring is nearly silent", true},
	{"L4", "a leave is followed by a new ring at once", true},
	{"S1", "no node serves in a majority that another majority, without it, has followed", false},
	{"S2", "gates are closed while no majority is in contact", false},
	{"S3", "a node that is cut off is alone before the others are a majority without it", true},
	{"L5", "silence is answered within 1.5 times the budget", true},
	{"W1", "whatever an engine sends is well-formed", true},
	{"W2", "frames on the wire carry the messages that users handed over, in their order", false},
	{"W3", "a frame that has its place leaves before the token or right behind it, and soon", true},
};

const char *report_property(const char *property)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (strcmp(properties[i].id, property) == 0)
			return properties[i].text;
	return "";
}

static bool is_certain(const char *property)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (strcmp(properties[i].id, property) == 0)
			return properties[i].is_certain;
	return true;
}

void report_violation(struct report *report, const char *property, uint64_t nodes, const struct ring_id *ring,
	const char *format, ...)
{
	va_list arguments;

	if (report->is_broken || (report->is_tainted && !is_certain(property)))
		return;
	report->is_broken = true;
	report->nodes = nodes;
	if (ring != NULL)
		report->ring = *ring;
	snprintf(report->property, sizeof(report->property), "%s", property);
	va_start(arguments, format);
	vsnprintf(report->text, sizeof(report->text), format, arguments);
	va_end(arguments);
}
