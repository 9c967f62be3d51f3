/* SPDX-License-Identifier: BSD-3-Clause */
/* The members of the ring, and the nodes that have joined or left (book services, "quorum and votequorum"). */
#include "services/quorum/quorum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define LINE_MAX_LENGTH 64u

static bool has_node(const uint32_t *list, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i] == nodeid)
			return true;
	}
	return false;
}

/*
 * Log a list as "Sync joined[2]: 3 4". A list of 64 characters or more is split into several lines. All lines except
 * the last end with a backslash.
 */
static void log_list(const struct quorum *quorum, const char *what, const struct quorum_list *list)
{
	char line[LINE_MAX_LENGTH + 16] = "", name[16];
	size_t length = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		size_t more = (size_t)snprintf(name, sizeof(name), " %u", list->nodeids[i]);

		if (length > 0 && length + more >= LINE_MAX_LENGTH) {
			quorum->host->log(quorum->ctx, LOG_NOTICE, "Sync %s[%u]:%s\\", what, list->count, line);
			length = 0;
		}
		memcpy(line + length, name, more + 1);
		length += more;
	}
	quorum->host->log(quorum->ctx, LOG_NOTICE, "Sync %s[%u]:%s", what, list->count, line);
}

void quorum_sync_fini(struct quorum *quorum)
{
	free(quorum->members.nodeids);
	free(quorum->joined.nodeids);
	free(quorum->left.nodeids);
	quorum->members = quorum->joined = quorum->left = (struct quorum_list){.count = 0};
}

/* Allocate the lists. @return false: out of memory */
static bool make_room(struct quorum *quorum, uint32_t member_count)
{
	quorum->members.nodeids = calloc(member_count + 1, sizeof(uint32_t));
	quorum->joined.nodeids = calloc(member_count + 1, sizeof(uint32_t));
	quorum->left.nodeids = calloc(quorum->before.count + 1, sizeof(uint32_t));
	return quorum->members.nodeids != NULL && quorum->joined.nodeids != NULL && quorum->left.nodeids != NULL;
}

/*
 * Compute which nodes have joined or left. A member that comes from another old ring has left and joined, even if it
 * was a member before.
 */
void quorum_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct quorum *quorum = self;
	const struct quorum_list *before = &quorum->before;

	/*
	 * If the ring is the same, another node has loaded this service. Clients have received this ring's members
	 * before.
	 */
	quorum->is_same = before->count > 0 && quorum->is_known &&
			  quorum->ring.representative == regular->ring.representative &&
			  quorum->ring.seq == regular->ring.seq;
	if (quorum->is_same)
		return;
	quorum_sync_fini(quorum);
	quorum->ring = regular->ring;
	quorum->is_known = make_room(quorum, regular->member_count);
	if (!quorum->is_known) {
		quorum_sync_fini(quorum);
		quorum->host->log(quorum->ctx, LOG_ERR, "out of memory: clients are not told of the ring's members");
		return;
	}
	for (uint32_t i = 0; i < before->count; i++) {
		uint32_t nodeid = before->nodeids[i];

		if (!has_node(transitional, transitional_count, nodeid) ||
			!has_node(regular->members, regular->member_count, nodeid))
			quorum->left.nodeids[quorum->left.count++] = nodeid;
	}
	for (uint32_t i = 0; i < regular->member_count; i++) {
		uint32_t nodeid = regular->members[i];

		quorum->members.nodeids[quorum->members.count++] = nodeid;
		if (!has_node(before->nodeids, before->count, nodeid) ||
			has_node(quorum->left.nodeids, quorum->left.count, nodeid))
			quorum->joined.nodeids[quorum->joined.count++] = nodeid;
	}
	log_list(quorum, "members", &quorum->members);
	if (quorum->joined.count > 0)
		log_list(quorum, "joined", &quorum->joined);
	if (quorum->left.count > 0)
		log_list(quorum, "left", &quorum->left);
}

/* The service sends nothing during a synchronisation. */
int quorum_sync_step(void *self)
{
	(void)self;
	return 0;
}

void quorum_sync_done(void *self)
{
	struct quorum *quorum = self;
	uint32_t *copy;

	if (!quorum->is_known || quorum->is_same)
		return;
	copy = calloc(quorum->members.count + 1, sizeof(*copy));
	if (copy != NULL) {
		memcpy(copy, quorum->members.nodeids, quorum->members.count * sizeof(*copy));
		free(quorum->before.nodeids);
		quorum->before = (struct quorum_list){.nodeids = copy, .count = quorum->members.count};
	}
	quorum_tell_nodelist(quorum, NULL);
}
