/* SPDX-License-Identifier: BSD-3-Clause */
/* Compare sequences of two clients: sequence.c. Each letter is a message. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/histories/play.h"
#include "tests/suite.h"

enum { SEES_END = 1, IS_LATE = 2 };

struct side {
	const char *messages;
	uint32_t flags;
	const char *may_lack; /* messages that this client may never get */
};

struct row {
	const char *name;
	struct side one, two;
	bool fits;
};

static const struct row rows[] = {
	{"equal sequences fit", {"abc", SEES_END, ""}, {"abc", SEES_END, ""}, true},
	{"another order does not fit", {"abc", SEES_END, "abc"}, {"acb", SEES_END, "abc"}, false},
	{"a missing message does not fit", {"abc", SEES_END, ""}, {"ac", SEES_END, "a"}, false},
	{"a missing message that may be missing fits", {"abc", SEES_END, ""}, {"ac", SEES_END, "b"}, true},
	{"a client that ends early fits", {"abc", SEES_END, ""}, {"ab", 0, ""}, true},
	{"a late client misses the messages before", {"xyab", SEES_END, ""}, {"ab", SEES_END | IS_LATE, ""}, true},
	{"a client that is not late does not", {"xyab", SEES_END, ""}, {"ab", SEES_END, ""}, false},
	{"a late client misses no message later", {"xabc", SEES_END, ""}, {"ac", SEES_END | IS_LATE, ""}, false},
	{"a late client without messages missed all", {"xy", SEES_END, ""}, {"", SEES_END | IS_LATE, ""}, true},
	{"the first message of a late client may be missing", {"bc", SEES_END, "a"}, {"abc", SEES_END | IS_LATE, ""},
		true},
	{"the first two may be missing", {"xcd", SEES_END, "ab"}, {"abcd", SEES_END | IS_LATE, ""}, true},
	{"the only one may be missing", {"xy", SEES_END, "a"}, {"a", SEES_END | IS_LATE, ""}, true},
	{"the first message of a late client is missing", {"bc", SEES_END, ""}, {"abc", SEES_END | IS_LATE, ""}, false},
	{"it is missing though both clients end early", {"xbc", 0, ""}, {"abcd", IS_LATE, ""}, false},
	{"a message that is ignored is not missing", {"xab", SEES_END, "x"}, {"axb", SEES_END | IS_LATE, ""}, false},
	{"one of two late clients begins later", {"xab", SEES_END | IS_LATE, ""}, {"ab", SEES_END | IS_LATE, ""}, true},
	{"it begins with a message that may be missing", {"xbc", SEES_END | IS_LATE, "a"},
		{"abc", SEES_END | IS_LATE, ""}, true},
	{"both late clients miss a message", {"xbc", SEES_END | IS_LATE, ""}, {"abc", SEES_END | IS_LATE, ""}, false},
	{"two late clients miss a message later", {"xabc", SEES_END | IS_LATE, ""}, {"ac", SEES_END | IS_LATE, ""},
		false},
};

static bool may_lack(void *arg, uint32_t node, uint64_t what)
{
	const struct side *sides = arg;

	return strchr(sides[node].may_lack, (int)(what & 0xff)) != NULL;
}

static struct play_sequence sequence_of(struct side *sides, uint32_t node)
{
	struct play_sequence sequence = {
		.node = node, .is_late = (sides[node].flags & IS_LATE) != 0, .may_lack = may_lack, .arg = sides};

	for (const char *at = sides[node].messages; *at != '\0'; at++)
		play_sequence_add(&sequence, UINT64_C(1) << 32 | (uint8_t)*at);
	return sequence;
}

static bool fits(struct side one, struct side two)
{
	struct side sides[] = {one, two};
	struct play_sequence a = sequence_of(sides, 0), b = sequence_of(sides, 1);
	uint32_t at;
	bool fit = play_sequence_fits(&a, &b, (one.flags & SEES_END) == 0, (two.flags & SEES_END) == 0, &at);

	free(a.list);
	free(b.list);
	return fit;
}

START_TEST(sequences)
{
	const struct row *row = &rows[_i];

	ck_assert_msg(fits(row->one, row->two) == row->fits, "%s", row->name);
	ck_assert_msg(fits(row->two, row->one) == row->fits, "%s, the other way round", row->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sequence");
	TCase *tcase = tcase_create("sequence");

	tcase_add_loop_test(tcase, sequences, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
