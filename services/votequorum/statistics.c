/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The values of GETINFO as keys of the statistics map, for plugins and programs that do not connect to votequorum. The
 * keys are stats.plugins.votequorum.NAME and stats.plugins.votequorum.node.ID.NAME.
 */
#include "services/votequorum/votequorum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum figure {
	FIGURE_DEVICE,
	FIGURE_DEVICE_VOTES,
	FIGURE_HIGHEST_EXPECTED,
	FIGURE_QUORUM,
	FIGURE_TOTAL,
	FIGURES_OF_ALL, /* number of the figures above, which do not belong to a node */
	FIGURE_EXPECTED = FIGURES_OF_ALL,
	FIGURE_FLAGS,
	FIGURE_VOTES,
	FIGURES,
};

static const char *const names[FIGURES] = {
	[FIGURE_DEVICE] = "device",
	[FIGURE_DEVICE_VOTES] = "device_votes",
	[FIGURE_HIGHEST_EXPECTED] = "highest_expected",
	[FIGURE_QUORUM] = "quorum",
	[FIGURE_TOTAL] = "total_votes",
	[FIGURE_EXPECTED] = "expected_votes",
	[FIGURE_FLAGS] = "flags",
	[FIGURE_VOTES] = "votes",
};

/* One key of the statistics map. */
struct votequorum_statistic {
	const struct votequorum *vq;
	uint32_t nodeid; /* 0: the figure belongs to no node */
	enum figure figure;
	bool is_offered;
	struct votequorum_statistic *next;
};

static uint32_t figure_of(const struct votequorum *vq, const struct vote_node *node, enum figure figure)
{
	const struct vote_node *local = vote_local(&vq->calc);

	switch (figure) {
	case FIGURE_DEVICE_VOTES:
		return vq->calc.device_votes;
	case FIGURE_HIGHEST_EXPECTED:
		return vote_highest_expected(&vq->calc);
	case FIGURE_QUORUM:
		return vq->calc.quorum;
	case FIGURE_TOTAL:
		return vote_total(&vq->calc, (local->flags & VOTEQUORUM_RING_QDEVICE_CAST_VOTE) != 0);
	case FIGURE_EXPECTED:
		return node->expected_votes;
	case FIGURE_FLAGS:
		return votequorum_info_flags(vq, node->flags);
	case FIGURE_VOTES:
		return node->votes;
	case FIGURE_DEVICE: /* its value is a text */
	case FIGURES:
		break;
	}
	return 0;
}

static uint32_t read_figure(void *arg, void *value)
{
	const struct votequorum_statistic *statistic = arg;
	const struct votequorum *vq = statistic->vq;
	const struct vote_node *node = vote_find(&vq->calc, statistic->nodeid);
	uint32_t number = 0;

	if (statistic->figure == FIGURE_DEVICE) {
		size_t length = strnlen(vq->device.name, sizeof(vq->device.name) - 1);

		memcpy(value, vq->device.name, length);
		((char *)value)[length] = '\0';
		return (uint32_t)length + 1;
	}
	/* The key of a node that was removed is read once more when it is deleted. */
	if (statistic->nodeid == 0 || node != NULL)
		number = figure_of(vq, node, statistic->figure);
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

struct key {
	char text[COTERIE_MAP_NAME_MAX + 1];
};

static struct key key_of(const struct votequorum_statistic *statistic)
{
	const char *name = names[statistic->figure];
	struct key key;

	if (statistic->nodeid == 0)
		snprintf(key.text, sizeof(key.text), "stats.plugins.votequorum.%s", name);
	else
		snprintf(key.text, sizeof(key.text), "stats.plugins.votequorum.node.%u.%s", statistic->nodeid, name);
	return key;
}

static void offer(struct votequorum *vq, struct votequorum_statistic *statistic)
{
	uint32_t type = statistic->figure == FIGURE_DEVICE ? COTERIE_MAP_STRING : COTERIE_MAP_U32;

	if (!statistic->is_offered)
		statistic->is_offered = vq->host->stat_add(
						vq->ctx, key_of(statistic).text, type, read_figure, statistic) == 0;
	if (!statistic->is_offered)
		vq->lacks_statistics = true;
}

static void take_out(struct votequorum *vq, struct votequorum_statistic **at)
{
	struct votequorum_statistic *statistic = *at;

	*at = statistic->next;
	if (statistic->is_offered)
		vq->host->stat_del(vq->ctx, key_of(statistic).text);
	free(statistic);
}

/* Offer a statistic whose place in the list is *at. @return the place of the next one */
static struct votequorum_statistic **add(
	struct votequorum *vq, struct votequorum_statistic **at, uint32_t nodeid, enum figure figure)
{
	while (*at != NULL && (*at)->nodeid < nodeid) /* nodes that were removed */
		take_out(vq, at);
	if (*at == NULL || (*at)->nodeid != nodeid || (*at)->figure != figure) {
		struct votequorum_statistic *statistic = calloc(1, sizeof(*statistic));

		if (statistic == NULL) { /* this key is missing */
			vq->lacks_statistics = true;
			return at;
		}
		*statistic = (struct votequorum_statistic){.vq = vq, .nodeid = nodeid, .figure = figure, .next = *at};
		*at = statistic;
	}
	offer(vq, *at);
	return &(*at)->next;
}

void votequorum_offer_statistics(struct votequorum *vq)
{
	struct votequorum_statistic **at = &vq->statistics;

	if (!COTERIE_HAS(vq->host, stat_add) || vq->offered_changes == vq->calc.node_changes)
		return;
	vq->offered_changes = vq->calc.node_changes;
	vq->lacks_statistics = false;
	for (enum figure figure = 0; figure < FIGURES_OF_ALL; figure++)
		at = add(vq, at, 0, figure);
	for (uint32_t i = 0; i < vq->calc.node_count; i++)
		for (enum figure figure = FIGURES_OF_ALL; figure < FIGURES; figure++)
			at = add(vq, at, vq->calc.nodes[i].nodeid, figure);
	while (*at != NULL)
		take_out(vq, at);
}

void votequorum_statistics_fini(struct votequorum *vq)
{
	while (vq->statistics != NULL)
		take_out(vq, &vq->statistics);
}
