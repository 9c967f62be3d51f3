/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion: print the possible words for the word that is being typed, one on each line. */
#ifndef TOOLS_CTL_COMPLETION_H
#define TOOLS_CTL_COMPLETION_H

#include "tools/ctl/ctl.h"

struct typing {
	struct ctl *ctl;
	const char *start;  /* typed part of the word */
	const char *prefix; /* text in front of each possible word: "--format=", "1,"; borrowed */
	int prefix_length;
};

/** Print a word if it begins with the typed part. */
void offer(const struct typing *typing, const char *word);
/** Call offer for words that are separated by spaces or '|'. */
void offer_words(const struct typing *typing, const char *words);
/** Call offer for numbers and names of the nodes, for one word or a list. others: further words, or "". */
void offer_nodes(struct typing *typing, const char *others);
void offer_keys(struct typing *typing, enum ctl_service map);

/** Complete the last word of a compatible tool, whose name is the first word. @return false: no such tool */
bool complete_tool(struct typing *typing, int argc, char **argv);

#endif
