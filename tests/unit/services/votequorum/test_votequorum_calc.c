/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counting votes. Each row is a run of one node: its options, the events as words, and the result. The words:
 *
 *	ring=1,2,3       these nodes form a ring and send their NODEINFO; all votes are counted at the end
 *	here=1,2         these nodes form a ring, without NODEINFO and count
 *	info=2/v3/e5/f1  NODEINFO of node 2: votes, expected votes, flags. Defaults: 1, those of node 1, the last ones
 *	expect=5         all nodes change the expected votes
 *	votes=2:3        all nodes change the votes of node 2 (0: of the device)
 *	device=2:1       node 2 reports that its device has one vote
 *	count            all votes are counted again
 *	window           last man standing counts the members
 *	cast, uncast     this node's device votes for it, or does not
 *	master           this node's device reports that its side wins
 *	own=5:3          expected votes and votes of this node, from the configuration
 *	cancel           wait-for-all ends
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/votequorum/calc.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"

#define LOCAL 2u
#define NODES_MAX 32u

struct life {
	struct vote_calc calc;
	uint32_t list[4]; /* node ids of the tie-breaker */
	uint32_t bits;
};

/* ---- Options ------------------------------------------------------------- */

static uint32_t read_list(const char *text, uint32_t *list)
{
	uint32_t count = 0;

	for (char *end; *text >= '0' && *text <= '9'; text = *end == ',' ? end + 1 : end)
		list[count++] = (uint32_t)strtoul(text, &end, 10);
	return count;
}

static void set_option(struct life *life, const char *word)
{
	struct vote_options *options = &life->calc.options;

	if (strcmp(word, "two") == 0) {
		options->has_two_node = true;
	} else if (strcmp(word, "wait") == 0) {
		options->has_wait_for_all = true;
		vote_set_waiting(&life->calc, true);
	} else if (strcmp(word, "standing") == 0) {
		options->has_last_man_standing = true;
	} else if (strcmp(word, "downscale") == 0) {
		options->has_downscale = true;
	} else if (strcmp(word, "tracking") == 0) {
		options->has_tracking = true;
	} else if (strcmp(word, "lowest") == 0) {
		options->tie_breaker = VOTE_TIE_LOWEST;
	} else if (strcmp(word, "highest") == 0) {
		options->tie_breaker = VOTE_TIE_HIGHEST;
	} else if (strncmp(word, "list=", 5) == 0) {
		options->tie_breaker = VOTE_TIE_LIST;
		options->tie_list.nodeids = life->list;
		options->tie_list.count = read_list(word + 5, life->list);
	} else if (sscanf(word, "device=%u", &life->calc.device_votes) == 1) {
		;
	} else if (sscanf(word, "barrier=%u", &life->calc.tracking_barrier) == 1) {
		;
	} else {
		ck_abort_msg("option %s", word);
	}
}

/* ---- Events -------------------------------------------------------------- */

static void info(struct life *life, uint32_t nodeid, uint32_t votes, uint32_t expected, uint32_t flags)
{
	uint32_t bits;

	ck_assert_int_eq(vote_nodeinfo(&life->calc, nodeid, votes, expected, flags, &bits), 0);
	life->bits |= bits;
}

static void tell(struct life *life, const char *word)
{
	uint32_t nodeid = (uint32_t)strtoul(word, NULL, 10);
	const struct vote_node *node = vote_find(&life->calc, nodeid);
	uint32_t votes = node != NULL ? node->votes : 1;
	uint32_t expected = node != NULL ? node->expected_votes : vote_local(&life->calc)->expected_votes;
	uint32_t flags = node != NULL ? node->flags : 0;

	for (const char *at = strchr(word, '/'); at != NULL; at = strchr(at + 1, '/')) {
		uint32_t value = (uint32_t)strtoul(at + 2, NULL, 10);

		switch (at[1]) {
		case 'v':
			votes = value;
			break;
		case 'e':
			expected = value;
			break;
		case 'f':
			flags = value;
			break;
		default:
			ck_abort_msg("%s", word);
		}
	}
	info(life, nodeid, votes, expected, flags);
}

static void ring(struct life *life, const char *word, bool all_tell)
{
	uint32_t members[NODES_MAX];
	uint32_t count = read_list(word, members);

	ck_assert_int_ge(vote_configure(&life->calc, members, count), 0);
	if (!all_tell)
		return;
	for (uint32_t i = 0; i < count; i++) {
		char one[16];

		sprintf(one, "%u", members[i]);
		tell(life, one);
	}
	life->bits |= vote_recalculate(&life->calc, false, false);
}

static void happen(struct life *life, const char *word)
{
	struct vote_calc *calc = &life->calc;
	const char *value = strchr(word, '=');
	uint32_t a = 0, b = 0;

	if (value != NULL)
		sscanf(value + 1, "%u:%u", &a, &b);
	if (strncmp(word, "ring=", 5) == 0) {
		ring(life, value + 1, true);
	} else if (strncmp(word, "here=", 5) == 0) {
		ring(life, value + 1, false);
	} else if (strncmp(word, "info=", 5) == 0) {
		tell(life, value + 1);
	} else if (strncmp(word, "expect=", 7) == 0) {
		life->bits |= vote_reconfigure_expected(calc, a);
	} else if (strncmp(word, "votes=", 6) == 0) {
		life->bits |= vote_reconfigure_votes(calc, a, b);
	} else if (strncmp(word, "device=", 7) == 0) {
		life->bits |= vote_deviceinfo(calc, a, b);
	} else if (strncmp(word, "own=", 4) == 0) {
		vote_local(calc)->expected_votes = a;
		vote_local(calc)->votes = b;
		calc->ev_barrier = a;
	} else if (strcmp(word, "count") == 0) {
		life->bits |= vote_recalculate(calc, false, false);
	} else if (strcmp(word, "window") == 0) {
		life->bits |= vote_recalculate(calc, true, true);
	} else if (strcmp(word, "cast") == 0) {
		vote_local(calc)->flags |= VOTEQUORUM_RING_QDEVICE_CAST_VOTE;
	} else if (strcmp(word, "uncast") == 0) {
		vote_local(calc)->flags &= ~(uint32_t)VOTEQUORUM_RING_QDEVICE_CAST_VOTE;
	} else if (strcmp(word, "master") == 0) {
		calc->is_master = true;
	} else if (strcmp(word, "cancel") == 0) {
		life->bits |= vote_cancel_waiting(calc);
	} else {
		ck_abort_msg("event %s", word);
	}
}

/* ---- The whole ----------------------------------------------------------- */

static void each_word(struct life *life, const char *text, void (*run)(struct life *life, const char *word))
{
	char copy[512];

	ck_assert_uint_lt(strlen(text), sizeof(copy));
	strcpy(copy, text);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		run(life, word);
}

/* Play a row: a node with one vote, whose expected votes are `expected`. */
static void live(struct life *life, const char *options, uint32_t expected, const char *events)
{
	memset(life, 0, sizeof(*life));
	ck_assert_int_eq(vote_init(&life->calc, LOCAL), 0);
	each_word(life, options, set_option);
	vote_local(&life->calc)->expected_votes = expected;
	life->calc.ev_barrier = expected;
	if (life->calc.options.has_tracking && life->calc.tracking_barrier != 0)
		vote_local(&life->calc)->expected_votes = life->calc.tracking_barrier;
	vote_recalculate(&life->calc, false, false);
	each_word(life, events, happen);
}

static const char *standing(const struct life *life)
{
	static char text[96];
	bool has_device = (vote_local(&life->calc)->flags & VOTEQUORUM_RING_QDEVICE_CAST_VOTE) != 0;

	snprintf(text, sizeof(text), "%u of %u, need %u: %s%s", vote_total(&life->calc, has_device),
		vote_local(&life->calc)->expected_votes, life->calc.quorum, life->calc.is_quorate ? "yes" : "no",
		life->calc.is_waiting ? ", waits" : "");
	return text;
}

static const struct {
	const char *name;
	const char *options;
	uint32_t expected;
	const char *events;
	const char *want; /* votes in this ring, expected votes, quorum, verdict */
} rows[] = {
	/* Majorities. */
	{"alone of one", "", 1, "", "1 of 1, need 1: yes"},
	{"alone of two", "", 2, "", "1 of 2, need 2: no"},
	{"alone of three", "", 3, "", "1 of 3, need 2: no"},
	{"two of two", "", 2, "ring=1,2", "2 of 2, need 2: yes"},
	{"two of three", "", 3, "ring=1,2", "2 of 3, need 2: yes"},
	{"two of four", "", 4, "ring=1,2", "2 of 4, need 3: no"},
	{"three of four", "", 4, "ring=1,2,3", "3 of 4, need 3: yes"},
	{"two of five", "", 5, "ring=1,2", "2 of 5, need 3: no"},
	{"one lost of three", "", 3, "ring=1,2,3 ring=1,2", "2 of 3, need 2: yes"},
	{"two lost of three", "", 3, "ring=1,2,3 ring=2", "1 of 3, need 2: no"},
	{"half lost of four", "", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: no"},
	{"both halves again", "", 4, "ring=1,2,3,4 ring=1,2 ring=1,2,3,4", "4 of 4, need 3: yes"},
	{"more nodes than expected", "", 2, "ring=1,2,3", "3 of 3, need 2: yes"},
	{"quorum stays when nodes go", "", 2, "ring=1,2,3,4,5 ring=1,2", "2 of 5, need 3: no"},
	{"nothing expected", "", 0, "", "1 of 1, need 1: yes"},

	/* Votes. */
	{"a heavy node alone", "", 5, "own=5:3 count", "3 of 5, need 3: yes"},
	{"a heavy node lost", "", 5, "info=1/v3 ring=1,2,3 ring=2,3", "2 of 5, need 3: no"},
	{"a node without votes", "", 3, "own=3:0 ring=1,2,3", "2 of 3, need 2: yes"},
	{"nobody has votes", "", 2, "own=2:0 ring=1,2 votes=1:0", "0 of 2, need 2: no"},
	{"votes that rise", "", 3, "ring=1,2,3 votes=1:4", "6 of 6, need 4: yes"},
	{"votes that fall", "", 5, "ring=1,2,3 votes=1:3 votes=1:1", "3 of 5, need 3: yes"},
	{"own votes", "", 3, "ring=1,2,3 votes=2:2", "4 of 4, need 3: yes"},
	{"votes of a stranger", "", 3, "ring=1,2,3 votes=9:4", "3 of 3, need 2: yes"},
	{"votes of the gone", "", 3, "ring=1,2,3 ring=1,2 votes=3:9", "2 of 3, need 2: yes"},

	/* Expected votes. */
	{"expect more", "", 3, "ring=1,2,3 expect=5", "3 of 5, need 3: yes"},
	{"expect too many", "", 3, "ring=1,2,3 expect=9", "3 of 9, need 5: no"},
	{"expect fewer", "", 5, "ring=1,2,3 expect=3", "3 of 3, need 2: yes"},
	{"expect fewer than there are", "", 5, "ring=1,2,3 expect=1", "3 of 3, need 2: yes"},
	{"expect nothing", "", 5, "ring=1,2,3 expect=0", "3 of 5, need 3: yes"},
	{"the greatest expectation counts", "", 3, "ring=1,2,3 info=1/e9/f1", "3 of 3, need 5: no"},
	{"quorum does not fall by a death", "", 3, "ring=1,2,3 info=1/e9/f1 ring=2,3", "2 of 3, need 5: no"},
	{"what the dead expect does not count", "", 3, "ring=1,2,3 info=1/e9/f1 ring=2,3 expect=3",
		"2 of 3, need 2: yes"},
	{"blocked, told by one with quorum", "", 9, "info=3/e3/f1", "2 of 3, need 2: yes"},
	{"blocked, one of two told", "", 9, "ring=1,2 info=3/e3/f1", "3 of 3, need 5: no"},
	{"blocked, both told", "", 9, "ring=1,2 info=3/e3/f1 info=1/e3/f1", "3 of 3, need 2: yes"},
	{"blocked, told by one without", "", 9, "ring=1,2 info=3/e3/f0", "3 of 9, need 5: no"},
	{"with quorum, told by a blocked one", "", 3, "ring=1,2 info=3/e9/f0", "3 of 3, need 2: yes"},
	{"with quorum, told by another with it", "", 3, "ring=1,2 info=3/e5/f1", "3 of 3, need 3: yes"},

	/* Two nodes. */
	{"two nodes, alone", "two", 2, "", "1 of 2, need 1: yes"},
	{"two nodes, both", "two", 2, "ring=1,2", "2 of 2, need 1: yes"},
	{"two nodes, one lost", "two", 2, "ring=1,2 ring=2", "1 of 2, need 1: yes"},
	{"two nodes, a third", "two", 2, "ring=1,2,3", "3 of 3, need 2: yes"},
	{"two nodes, a third gone", "two", 2, "ring=1,2,3 ring=1,2", "2 of 3, need 1: yes"},
	{"two nodes that wait, alone", "two wait", 2, "", "1 of 2, need 1: no, waits"},
	{"two nodes that wait, both", "two wait", 2, "ring=1,2", "2 of 2, need 1: yes"},
	{"two nodes that waited, one lost", "two wait", 2, "ring=1,2 ring=2", "1 of 2, need 1: yes"},

	/* Wait for all. */
	{"waits at the start", "wait", 3, "ring=1,2", "2 of 3, need 2: no, waits"},
	{"all are here", "wait", 3, "ring=1,2 ring=1,2,3", "3 of 3, need 2: yes"},
	{"one lost after it", "wait", 3, "ring=1,2,3 ring=1,2", "2 of 3, need 2: yes"},
	{"quorum lost arms it", "wait", 3, "ring=1,2,3 ring=2", "1 of 3, need 2: no, waits"},
	{"and a majority is not enough then", "wait", 3, "ring=1,2,3 ring=2 ring=2,3", "2 of 3, need 2: no, waits"},
	{"all again", "wait", 3, "ring=1,2,3 ring=2 ring=1,2,3", "3 of 3, need 2: yes"},
	{"another one is through", "wait", 3, "here=1,2 info=1/f1 info=2 count", "2 of 3, need 2: yes"},
	{"another one is not through", "wait", 3, "here=1,2 info=1/f5 info=2 count", "2 of 3, need 2: no, waits"},
	{"another one is blocked", "wait", 3, "here=1,2 info=1/f0 info=2 count", "2 of 3, need 2: no, waits"},
	{"cancelled with a majority", "wait", 3, "ring=1,2 cancel", "2 of 3, need 2: yes"},
	{"cancelled without one", "wait", 3, "cancel", "1 of 3, need 2: no, waits"},
	{"more than all", "wait", 3, "ring=1,2,3,4", "4 of 4, need 3: yes"},

	/* The tie-breaker. Node 2 is this node. */
	{"half with the lowest", "lowest", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: yes"},
	{"half without the lowest", "lowest", 4, "ring=1,2,3,4 ring=2,3", "2 of 4, need 3: no"},
	{"half with the highest", "highest", 4, "ring=1,2,3,4 ring=2,4", "2 of 4, need 3: yes"},
	{"half without the highest", "highest", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: no"},
	{"half with the first of the list", "list=3,1", 4, "ring=1,2,3,4 ring=2,3", "2 of 4, need 3: yes"},
	{"half with the second, the first lost", "list=3,1", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: no"},
	{"half with the second, the first long gone", "list=9,1", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: yes"},
	{"it stays the second", "list=3,1", 4, "ring=1,2,3,4 ring=1,2 ring=1,2", "2 of 4, need 3: no"},
	{"also after it was alone", "list=3,1", 4, "ring=1,2,3,4 ring=1,2 ring=2 ring=1,2", "2 of 4, need 3: no"},
	{"the second after the first was lost", "list=3,1", 4, "ring=1,2,3,4 ring=1,2,4 ring=1,2",
		"2 of 4, need 3: yes"},
	{"the first comes back to the other half", "list=3,1", 4, "ring=1,2,3,4 ring=1,2,4 ring=2 ring=2,3",
		"2 of 4, need 3: no"},
	{"half with the second at the start", "list=3,1", 4, "ring=1,2", "2 of 4, need 3: no"},
	{"half with the first at the start", "list=1,3", 4, "ring=1,2", "2 of 4, need 3: yes"},
	{"half with none of the list", "list=3,4", 4, "ring=1,2,3,4 ring=1,2", "2 of 4, need 3: no"},
	{"less than half", "lowest", 4, "ring=1,2,3,4 ring=2", "1 of 4, need 3: no"},
	{"half at the start", "lowest", 4, "ring=1,2", "2 of 4, need 3: no"},
	{"too many lost at once", "list=2", 4, "ring=1,2,3,4,5,6 expect=6 votes=2:3 ring=2", "3 of 8, need 5: no"},
	{"three lost of six", "lowest", 6, "ring=1,2,3,4,5,6 ring=1,2,3", "3 of 6, need 4: yes"},
	{"a member without the service was in the majority", "lowest", 4,
		"ring=1,2,3,4 ring=2,3,4 here=1,2,3,4 count ring=2,3", "2 of 4, need 3: no"},
	{"one by one to half", "lowest", 4, "ring=1,2,3,4 ring=1,2,3 ring=1,2", "2 of 4, need 3: yes"},
	{"the lesser part of five", "lowest", 5, "ring=1,2,3,4,5 ring=1,2", "2 of 5, need 3: no"},
	{"the lesser part of five in two steps", "lowest", 5, "ring=1,2,3,4,5 ring=1,2,3 ring=1,2",
		"2 of 5, need 3: yes"},

	/* Last man standing. */
	{"the window lowers", "standing", 5, "ring=1,2,3,4,5 ring=1,2,3 window", "3 of 3, need 2: yes"},
	{"down to two", "standing", 5, "ring=1,2,3,4,5 ring=1,2,3 window ring=1,2 window", "2 of 2, need 2: yes"},
	{"not down to one", "standing", 5, "ring=1,2,3,4,5 ring=1,2,3 window ring=1,2 window ring=2",
		"1 of 2, need 2: no"},
	{"down to one with a tie-breaker", "standing lowest", 4,
		"ring=2,3,4,5 ring=2,3,4 window ring=2,3 window ring=2 window", "1 of 1, need 1: yes"},
	{"before the window", "standing", 5, "ring=1,2,3,4,5 ring=1,2,3", "3 of 5, need 3: yes"},
	{"one comes back", "standing", 5, "ring=1,2,3,4,5 ring=1,2,3 window ring=1,2,3,4", "4 of 4, need 3: yes"},

	/* Leaving. */
	{"a clean leave", "downscale tracking", 3, "ring=1,2,3,4,5 info=5/f2", "4 of 4, need 3: yes"},
	{"not under the barrier", "downscale tracking", 3, "ring=1,2,3 info=3/f2", "2 of 2, need 2: yes"},
	{"two leaves, not under the barrier", "downscale tracking", 5, "ring=1,2,3,4,5 info=5/f2 info=4/f2",
		"3 of 3, need 3: yes"},
	{"two leaves without the option", "", 5, "ring=1,2,3,4,5 info=5/f2 info=4/f2", "3 of 3, need 2: yes"},
	{"a leave, heavy nodes stay", "", 9, "own=9:5 ring=1,2,3 info=3/f2", "6 of 2, need 4: yes"},
	{"a leave without the option", "", 5, "ring=1,2,3,4,5 info=5/f2", "4 of 4, need 3: yes"},
	{"a crash", "downscale tracking", 3, "ring=1,2,3,4,5 ring=1,2,3,4", "4 of 5, need 3: yes"},

	/* Tracking. */
	{"the barrier of an earlier life", "tracking barrier=5", 3, "ring=1,2", "2 of 5, need 3: no"},
	{"the barrier rises", "tracking", 3, "ring=1,2,3,4", "4 of 4, need 3: yes"},
	{"each keeps what it expects", "tracking", 3, "ring=1,2,3 info=1/e7/f0", "3 of 3, need 4: no"},
	{"expect below the barrier", "tracking", 5, "ring=1,2,3 expect=3", "3 of 5, need 3: yes"},

	/* The quorum device. */
	{"a device that does not vote", "device=1", 2, "", "1 of 2, need 2: no"},
	{"a device that votes", "device=1", 2, "cast count", "2 of 2, need 2: yes"},
	{"two and a silent device", "device=1", 2, "ring=1,2", "2 of 3, need 2: yes"},
	{"two and a device", "device=1", 2, "cast ring=1,2", "3 of 3, need 2: yes"},
	{"one and a device", "device=1", 2, "cast ring=1,2 ring=2", "2 of 3, need 2: yes"},
	{"one without its device", "device=1", 2, "cast ring=1,2 uncast ring=2", "1 of 3, need 2: no"},
	{"last man with a device", "device=2", 3, "cast ring=1,2,3 ring=2", "3 of 5, need 3: yes"},
	{"a device of another node", "", 2, "ring=1,2 device=1:1", "2 of 3, need 2: yes"},
	{"fewer votes do not count", "device=3", 2, "ring=1,2 device=1:1", "2 of 5, need 3: no"},
	{"fewer votes of one with quorum", "device=3", 2, "ring=1,2 info=1/e2/f1 device=1:1", "2 of 5, need 3: no"},
	{"fewer votes while blocked", "device=3", 12, "cast ring=1,2 info=1/e12/f1 device=1:1", "3 of 12, need 7: no"},
	{"a window with a device", "standing device=1", 5, "ring=1,2,3,4,5 ring=1,2,3 window", "3 of 4, need 3: yes"},
	{"two nodes and a device", "two device=1", 2, "cast ring=1,2", "3 of 3, need 2: yes"},
	{"a device of a stranger", "", 2, "ring=1,2 device=9:1", "2 of 2, need 2: yes"},
	{"votes of the device", "", 3, "own=3:3 count votes=0:1", "3 of 4, need 3: yes"},
	{"its master wins", "device=1", 3, "ring=1,2,3 master ring=2 info=2/f192 count", "1 of 4, need 3: no"},
	{"another master wins", "device=1", 5, "ring=1,2,3 info=1/f192 master ring=1,2", "2 of 5, need 3: yes"},
	{"another master without a vote", "device=1", 5, "ring=1,2,3 info=1/f128 master ring=1,2",
		"2 of 5, need 3: no"},
	{"another master that we do not follow", "device=1", 5, "ring=1,2,3 info=1/f192 ring=1,2",
		"2 of 5, need 3: no"},

	/* Numbers. */
	{"beyond eight bits", "", 600, "own=600:300 ring=1,2", "301 of 600, need 301: yes"},
	{"just below", "", 600, "own=600:299 ring=1,2", "300 of 600, need 301: no"},
	{"the greatest expectation", "", UINT32_MAX, "", "1 of 4294967295, need 2147483648: no"},
	{"sums stop at the end", "", 3, "own=3:4294967295 ring=1,2", "4294967295 of 4294967295, need 2147483648: yes"},
	{"more than the end", "", 3, "own=3:4294967295 ring=1,2 votes=1:4294967295",
		"4294967295 of 4294967295, need 2147483648: yes"},
	{"the greatest device", "device=4294967295", 3, "cast count", "4294967295 of 4294967295, need 2147483648: yes"},
};

START_TEST(row)
{
	struct life life;

	live(&life, rows[_i].options, rows[_i].expected, rows[_i].events);
	ck_assert_msg(strcmp(standing(&life), rows[_i].want) == 0, "%s: %s, not %s", rows[_i].name, standing(&life),
		rows[_i].want);
	vote_fini(&life.calc);
}
END_TEST

/* ---- Values that clients may set ----------------------------------------- */

static const struct {
	const char *options;
	uint32_t expected;
	const char *events;
	uint32_t wanted;
	bool may;
} expectations[] = {
	{"", 1, "", 0, false}, /* these rows: which expected votes a client may set */
	{"", 1, "", 1, true},
	{"", 1, "", 2, false},
	{"", 1, "", 3, false},
	{"", 1, "", 99, false},
	{"", 3, "", 1, true},
	{"", 3, "", 99, true}, /* allowed, since the node is not quorate anyway */
	{"", 3, "ring=1,2,3", 2, false},
	{"", 3, "ring=1,2,3", 5, true},
	{"", 3, "ring=1,2,3", 6, false},
	{"two", 2, "ring=1,2", 99, true},
	{"downscale tracking", 5, "ring=1,2,3,4,5 ring=1,2,3", 3, true}, /* lower than the barrier, which is allowed */
	{"", 3, "ring=1,2,3", UINT32_MAX, false},
	{"", 3, "own=3:0 ring=2", 0, true},
	/* Lower than the barrier as well, after the NODEINFO of another node. */
	{"downscale", 9, "info=3/e3/f1", 3, true},
};

START_TEST(expected_votes_a_client_may_set)
{
	struct life life;

	live(&life, expectations[_i].options, expectations[_i].expected, expectations[_i].events);
	ck_assert_int_eq(vote_may_expect(&life.calc, expectations[_i].wanted), expectations[_i].may);
	vote_fini(&life.calc);
}
END_TEST

static const struct {
	const char *options;
	uint32_t expected;
	const char *events;
	uint32_t nodeid, votes;
	int want;
} settings[] = {
	{"", 1, "", LOCAL, 3, 0}, {"", 3, "own=3:3 count", LOCAL, 1, -EINVAL},
	{"", 3, "own=3:3 count", LOCAL, 0, -EINVAL}, {"", 3, "own=3:3 count", LOCAL, 2, 0},
	{"", 3, "ring=1,2,3", 3, 0, 0}, {"", 3, "ring=1,2,3", 9, 1, -ENOENT}, {"", 3, "ring=1,2,3", 0, 1, 0},
	{"", 3, "ring=1,2", 3, 1, -ENOENT}, {"", 3, "", LOCAL, UINT32_MAX, 0}, {"two", 2, "ring=1,2", 1, 0, 0},
	{"two", 4, "ring=1,2", 1, 5, -EINVAL}, /* quorum would be 1, which is less than half of 6 */
};

START_TEST(votes_a_client_may_set)
{
	struct life life;
	char before[96];

	live(&life, settings[_i].options, settings[_i].expected, settings[_i].events);
	strcpy(before, standing(&life));
	ck_assert_int_eq(vote_may_set(&life.calc, settings[_i].nodeid, settings[_i].votes), settings[_i].want);
	ck_assert_str_eq(standing(&life), before); /* the check has changed nothing */
	vote_fini(&life.calc);
}
END_TEST

static const struct {
	const char *options;
	uint32_t expected;
	const char *events;
	bool has_left;
	bool opens;
} windows[] = {
	{"", 3, "ring=1,2,3 here=1,2", true, false},
	{"standing", 3, "ring=1,2,3 here=1,2", true, true},
	{"standing", 3, "ring=1,2,3 here=1,2", false, false},
	{"standing", 4, "ring=1,2,3,4 here=1,2", true, false},
	{"standing lowest", 4, "ring=1,2,3,4 here=1,2", true, true},
	{"standing lowest", 4, "ring=1,2,3,4 here=1,2", false, true},
	{"standing lowest", 4, "ring=1,2,3,4 here=2,3", true, false},
	{"standing lowest", 4, "ring=1,2,3,4 here=1,2,3,4", false, false},
};

START_TEST(the_window_of_last_man_standing)
{
	struct life life;

	live(&life, windows[_i].options, windows[_i].expected, windows[_i].events);
	ck_assert_int_eq(vote_window_opens(&life.calc, windows[_i].has_left), windows[_i].opens);
	vote_fini(&life.calc);
}
END_TEST

/* ---- What else comes back ------------------------------------------------ */

START_TEST(raised_expected_votes_are_told)
{
	struct life life;

	live(&life, "", 2, "ring=1,2");
	ck_assert_uint_eq(life.bits & VOTE_EXPECTED, 0);
	happen(&life, "info=3");
	ck_assert_uint_ne(life.bits & VOTE_EXPECTED, 0);
	ck_assert_uint_eq(life.calc.told_expected, 3);
	vote_fini(&life.calc);
}
END_TEST

START_TEST(waiting_is_told)
{
	struct life life;

	live(&life, "wait", 3, "ring=1,2");
	ck_assert_uint_ne(life.bits & VOTE_WAITING, 0);
	ck_assert_uint_eq(life.calc.waiting_votes, 2);
	ck_assert_uint_ne(vote_local(&life.calc)->flags & VOTEQUORUM_RING_WFASTATUS, 0);
	life.bits = 0;
	happen(&life, "ring=1,2,3");
	ck_assert_uint_eq(vote_local(&life.calc)->flags & VOTEQUORUM_RING_WFASTATUS, 0);
	vote_fini(&life.calc);
}
END_TEST

START_TEST(last_man_standing_ends_with_a_second_vote)
{
	struct life life;

	live(&life, "standing", 3, "ring=1,2,3");
	ck_assert_uint_eq(life.bits & VOTE_STANDING_OFF, 0);
	happen(&life, "info=3/v2");
	ck_assert_uint_ne(life.bits & VOTE_STANDING_OFF, 0);
	ck_assert(!life.calc.options.has_last_man_standing);
	vote_fini(&life.calc);
}
END_TEST

START_TEST(an_own_older_message_changes_no_flags)
{
	struct life life;

	live(&life, "", 3, "ring=1,2,3");
	ck_assert_uint_eq(vote_local(&life.calc)->flags, VOTEQUORUM_RING_QUORATE);
	happen(&life, "info=2/f8"); /* flags that a node has at its start */
	ck_assert_uint_eq(vote_local(&life.calc)->flags, VOTEQUORUM_RING_QUORATE);
	happen(&life, "info=3/f264"); /* unknown bits of other nodes' flags are kept */
	ck_assert_uint_eq(vote_find(&life.calc, 3)->flags, 264);
	vote_fini(&life.calc);
}
END_TEST

START_TEST(states_of_a_node)
{
	struct life life;

	live(&life, "", 3, "ring=1,2,3");
	ck_assert_ptr_null(vote_find(&life.calc, 4));
	ck_assert_uint_eq(vote_find(&life.calc, 3)->state, VOTEQUORUM_WIRE_STATE_MEMBER);
	happen(&life, "info=3/f2");
	ck_assert_uint_eq(vote_find(&life.calc, 3)->state, VOTEQUORUM_WIRE_STATE_LEAVING);
	happen(&life, "here=1,2");
	ck_assert_uint_eq(vote_find(&life.calc, 3)->state, VOTEQUORUM_WIRE_STATE_DEAD);
	happen(&life, "here=1,2,3"); /* node 3 counts as dead until it sends its NODEINFO */
	ck_assert_uint_eq(vote_find(&life.calc, 3)->state, VOTEQUORUM_WIRE_STATE_DEAD);
	happen(&life, "info=3/f8");
	ck_assert_uint_eq(vote_find(&life.calc, 3)->state, VOTEQUORUM_WIRE_STATE_MEMBER);
	vote_fini(&life.calc);
}
END_TEST

START_TEST(lowest_and_highest_are_those_of_the_last_quorum)
{
	struct life life;

	live(&life, "", 4, "");
	ck_assert_uint_eq(life.calc.lowest, 0);
	happen(&life, "ring=1,2,3,4");
	happen(&life, "ring=2,3");
	ck_assert_uint_eq(life.calc.lowest, 1);
	ck_assert_uint_eq(life.calc.highest, 4);
	vote_fini(&life.calc);
}
END_TEST

/* Each ring that breaks has another deciding node. The last ring has those of 16 rings, not that of a 17th one. */
START_TEST(no_tie_is_won_after_too_many_broken_rings)
{
	struct life life;
	char word[24];

	live(&life, "highest", 34, "info=1/v17 ring=1,2");
	vote_sync_begin(&life.calc);
	for (uint32_t i = 0; i < VOTE_UNDECIDED_MAX + (uint32_t)_i; i++) {
		sprintf(word, "here=2,%u", 10 + i);
		happen(&life, word);
	}
	happen(&life, "ring=2,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25");
	vote_sync_end(&life.calc);
	ck_assert_str_eq(standing(&life), _i == 0 ? "17 of 34, need 18: yes" : "17 of 34, need 18: no");
	vote_fini(&life.calc);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
	struct life life;
	const uint32_t members[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	uint32_t bits;

	live(&life, "", 9, "ring=1,2,3,4,5,6,7,8");
	fail_alloc_at(1);
	int rc = vote_nodeinfo(&life.calc, 9, 1, 9, 0, &bits);
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	fail_alloc_at(1);
	rc = vote_configure(&life.calc, members, 9);
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_str_eq(standing(&life), "8 of 9, need 5: yes");
	ck_assert_uint_eq(life.calc.members.count, 8);
	vote_fini(&life.calc);
	fail_alloc_at(1);
	rc = vote_init(&life.calc, LOCAL);
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	vote_fini(&life.calc);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("votequorum_calc");
	TCase *tcase = tcase_create("rows");

	tcase_add_loop_test(tcase, row, 0, COUNT(rows));
	tcase_add_loop_test(tcase, expected_votes_a_client_may_set, 0, COUNT(expectations));
	tcase_add_loop_test(tcase, votes_a_client_may_set, 0, COUNT(settings));
	tcase_add_loop_test(tcase, the_window_of_last_man_standing, 0, COUNT(windows));
	tcase_add_test(tcase, raised_expected_votes_are_told);
	tcase_add_test(tcase, waiting_is_told);
	tcase_add_test(tcase, last_man_standing_ends_with_a_second_vote);
	tcase_add_test(tcase, an_own_older_message_changes_no_flags);
	tcase_add_test(tcase, states_of_a_node);
	tcase_add_test(tcase, lowest_and_highest_are_those_of_the_last_quorum);
	tcase_add_loop_test(tcase, no_tie_is_won_after_too_many_broken_rings, 0, 2);
	tcase_add_test(tcase, without_memory_nothing_changes);
	suite_add_tcase(suite, tcase);

	return suite_run_together(suite);
}
