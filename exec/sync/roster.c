/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/roster.h"

#include <errno.h>
#include <stdlib.h>

static bool has(const struct roster_entry *entry, uint32_t service) { return (entry->services >> service & 1) != 0; }

int roster_note(struct roster *roster, const uint32_t *members, uint32_t count)
{
	struct roster_entry *entries = calloc(count + 1, sizeof(*entries));

	node_set_clear(&roster->members);
	if (entries == NULL || node_set_assign(&roster->members, members, count) < 0) {
		free(entries);
		return -ENOMEM;
	}
	free(roster->entries);
	roster->entries = entries;
	for (uint32_t i = 0; i < roster->members.count; i++)
		entries[i].nodeid = roster->members.ids[i];
	return 0;
}

void roster_clear(struct roster *roster) { node_set_clear(&roster->members); }

void roster_fini(struct roster *roster)
{
	node_set_fini(&roster->members);
	free(roster->entries);
}

struct roster_entry *roster_find(const struct roster *roster, uint32_t nodeid)
{
	for (uint32_t i = 0; i < roster->members.count; i++)
		if (roster->entries[i].nodeid == nodeid)
			return &roster->entries[i];
	return NULL;
}

int roster_partners(const struct roster *roster, uint32_t service, struct node_set *partners)
{
	int rc = 0;

	for (uint32_t i = 0; i < roster->members.count && rc == 0; i++)
		if (roster->entries[i].is_able && has(&roster->entries[i], service))
			rc = node_set_add(partners, roster->entries[i].nodeid);
	return rc;
}

bool roster_has_unable(const struct roster *roster, uint32_t service)
{
	for (uint32_t i = 0; i < roster->members.count; i++)
		if (!roster->entries[i].is_able && has(&roster->entries[i], service))
			return true;
	return false;
}

int roster_list(const struct roster *roster, uint32_t service, uint32_t *nodeids, uint32_t room)
{
	uint32_t count = 0;

	if (roster->members.count == 0)
		return -EAGAIN; /* the lists of the next configuration are still to come */
	for (uint32_t i = 0; i < roster->members.count; i++) {
		if (!roster->entries[i].has_told)
			return -EAGAIN;
		if (!has(&roster->entries[i], service))
			continue;
		if (count < room)
			nodeids[count] = roster->entries[i].nodeid;
		count++;
	}
	return (int)count;
}
