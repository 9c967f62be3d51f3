/* What may stand in place of a word that is being typed: offers, one a line. */
#ifndef TOOLS_CTL_COMPLETION_H
#define TOOLS_CTL_COMPLETION_H

#include "tools/ctl/ctl.h"

struct typing {
	struct ctl *ctl;
	const char *start;  /* what there is of the word */
	const char *prefix; /* stands in front of each offer: "--format=", "1,"; borrowed */
	int prefix_length;
};

/** Offer a word if it begins as typed. */
void offer(const struct typing *typing, const char *word);
/** Words, separated by spaces or '|'. */
void offer_words(const struct typing *typing, const char *words);
/** Numbers and names of the nodes, one or a list of them; others: words beside them, "" for none. */
void offer_nodes(struct typing *typing, const char *others);
void offer_keys(struct typing *typing, enum ctl_service map);

/** The last of the words of a compatible tool, which is the first. @return false: no such tool */
bool complete_tool(struct typing *typing, int argc, char **argv);

#endif
