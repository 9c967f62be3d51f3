/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *id, *text;
} properties[] = {
	{"C1", "configurations alternate, transitional then regular, with one ring id"},
	{"C2", "a regular configuration has us in it, ascending, its lowest member as representative"},
	{"C3", "one ring id means one membership at every node"},
	{"C4", "a node's ring sequence grows with every configuration it installs"},
	{"C5", "the transitional set is part of both memberships; left and joined are the rest"},
	{"C6", "members of a transitional set agree on it and come from one configuration"},
	{"C7", "different transitional sets into one configuration are disjoint"},
	{"C8", "no configuration without a cause"},
	{"C9", "a ring id is stored before anybody hears of it"},
	{"C10", "no ring id is used again while a member of the first such ring runs"},
	{"D1", "what is delivered was sent, by that source, with these bytes"},
	{"D2", "a message is delivered once"},
	{"D3", "messages of one source keep their order"},
	{"D4", "all nodes deliver in one order, in the configuration a message was ordered in"},
	{"D5", "a message comes after those that its sender had seen"},
	{"D6", "nothing is skipped in a regular configuration"},
	{"D7", "a node delivers what it sent itself, or a companion sent"},
	{"D8", "nodes that go through two configurations together deliver the same between them"},
	{"D9", "behind a hole only messages of companions are delivered"},
	{"D10", "safe in a regular configuration: every member has it, and delivers it unless it crashes"},
	{"D11", "safe in a transitional one: its whole set has it, and delivers it unless it crashes"},
	{"D12", "a large message arrives whole or, where a part was missed, not at all"},
	{"I1", "released <= high_delivered <= aru <= high_seq"},
	{"I2", "a frame is freed only when every member has it"},
	{"I3", "one frame for one place of the order; one live token"},
	{"I4", "two arus in a row at one node prove that all members have the frames"},
	{"I5", "released <= the token's aru <= its seq"},
	{"I6", "the token's fcc and backlog are the sums over the members"},
	{"I7", "no more frames at a visit and in a rotation than flow control allows"},
	{"I8", "nobody is in recovery, or misses a recovery frame, when the new ring carries messages"},
	{"I9", "a retransmitted token is the token"},
	{"I10", "the commit token only fills up; recovery waits until it is full"},
	{"I11", "ring sequences never fall"},
	{"I12", "memory is bounded, and all of it comes back"},
	{"I13", "armed timers fit the state"},
	{"L1", "a quiet network reaches one ring in bounded time"},
	{"L2", "messages on a quiet ring are delivered in a few rotations"},
	{"L3", "an idle ring is nearly silent"},
	{"L4", "a leave is followed by a new ring at once"},
	{"S1", "no node serves in a majority that another majority, without it, has followed"},
	{"S2", "gates are closed while no majority is in contact"},
	{"S3", "a node that is cut off is alone before the others are a majority without it"},
	{"L5", "silence is answered within 1.5 times the budget"},
	{"W1", "whatever an engine sends is well-formed"},
	{"W2", "frames on the wire carry the messages that users handed over, in their order"},
	{"W3", "a frame that has its place leaves before the token or right behind it, and soon"},
};

const char *report_property(const char *property)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (strcmp(properties[i].id, property) == 0)
			return properties[i].text;
	return "";
}

static void fill(struct report *report, const char *property, uint64_t nodes, const struct ring_id *ring,
	const char *format, va_list arguments)
{
	if (report->is_broken)
		return;
	report->is_broken = true;
	report->nodes = nodes;
	if (ring != NULL)
		report->ring = *ring;
	snprintf(report->property, sizeof(report->property), "%s", property);
	vsnprintf(report->text, sizeof(report->text), format, arguments);
}

void report_violation(struct report *report, const char *property, uint64_t nodes, const struct ring_id *ring,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(report, property, nodes, ring, format, arguments);
	va_end(arguments);
}

void report_unsafe(struct report *report, const char *property, uint64_t nodes, const struct ring_id *ring,
	const char *format, ...)
{
	va_list arguments;

	if (report->is_tainted)
		return;
	va_start(arguments, format);
	fill(report, property, nodes, ring, format, arguments);
	va_end(arguments);
}
