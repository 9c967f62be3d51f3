/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/knet/lines.h"

#include <string.h>

#define PERIOD_NS (LINES_PERIOD_S * UINT64_C(1000000000))

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Return whether the number at this place of a text is the id of a node or of a link: "host: 2 link: 1", "link 1". */
static bool is_id(const char *text, const char *at)
{
	if (at > text && at[-1] == ' ')
		at--;
	if (at > text && at[-1] == ':')
		at--;
	return at - text >= 4 && (memcmp(at - 4, "host", 4) == 0 || memcmp(at - 4, "link", 4) == 0);
}

/* Return the hash of a line's kind. Numbers that are no ids count as one digit: an attacker can choose an MTU. */
static uint64_t hash_of(uint8_t subsystem, const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ subsystem; /* FNV-1a */
	bool is_hidden = false;

	for (const char *at = text; *at != '\0'; at++) {
		bool is_first = is_digit(*at) && (at == text || !is_digit(at[-1]));

		if (is_first)
			is_hidden = !is_id(text, at);
		if (is_digit(*at) && is_hidden && !is_first)
			continue;
		hash ^= is_digit(*at) && is_hidden ? '0' : (uint8_t)*at;
		hash *= UINT64_C(1099511628211);
	}
	return hash;
}

/* Take a line from the budget. @return whether there was one left */
static bool spend(struct lines *lines, uint64_t now_ns)
{
	if (lines->spent_ns < now_ns)
		lines->spent_ns = now_ns;
	if (lines->spent_ns - now_ns > (LINES_BURST - 1) * LINES_PAUSE_NS)
		return false;
	lines->spent_ns += LINES_PAUSE_NS;
	return true;
}

enum lines_result lines_ask(struct lines *lines, uint64_t now_ns, uint8_t subsystem, const char *text, uint32_t *hidden)
{
	uint64_t hash = hash_of(subsystem, text);
	struct line_kind *kind = &lines->kinds[(hash ^ hash >> 32) % LINES_KINDS];

	if (kind->hash != hash)
		*kind = (struct line_kind){.hash = hash};
	if (kind->count == 0 || now_ns - kind->period_ns >= PERIOD_NS) {
		kind->period_ns = now_ns;
		kind->count = 0;
	}

	bool is_repeated = kind->count == LINES_EACH;

	if (is_repeated || !spend(lines, now_ns)) {
		kind->hidden++;
		return is_repeated ? LINES_REPEATED : LINES_SPENT;
	}
	*hidden = kind->hidden;
	kind->hidden = 0;
	return ++kind->count == LINES_EACH ? LINES_WRITE_LAST : LINES_WRITE;
}
