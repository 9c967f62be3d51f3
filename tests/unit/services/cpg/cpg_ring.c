/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cpg/cpg_ring.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

void cpg_ring_init(struct service_ring *ring) { service_ring_init(ring, &cpg_LTX_coterie_plugin); }

/* ---- Clients ------------------------------------------------------------- */

struct cpg_user cpg_user_create(struct service_ring *ring, uint32_t nodeid, uint32_t pid)
{
	return (struct cpg_user){.base = service_user_create(ring, nodeid, pid)};
}

void cpg_user_close(struct cpg_user *user) { service_user_close(&user->base); }

int32_t cpg_user_request(struct cpg_user *user, int32_t id, void *msg, uint32_t size)
{
	return service_user_request(&user->base, id, msg, size);
}

struct cpg_wire_name cpg_wire_name(const void *bytes, uint32_t length)
{
	struct cpg_wire_name name = {.length = length};

	memcpy(name.value, bytes, length < sizeof(name.value) ? length : sizeof(name.value));
	return name;
}

int32_t cpg_user_join(struct cpg_user *user, const char *group, uint32_t flags)
{
	struct cpg_req_join req = {
		.group = cpg_wire_name(group, (uint32_t)strlen(group)),
		.pid = user->base.client->pid,
		.flags = flags,
	};

	user->group = req.group;
	return cpg_user_request(user, CPG_REQ_JOIN, &req, sizeof(req));
}

int32_t cpg_user_leave(struct cpg_user *user)
{
	struct cpg_req_leave req = {.group = user->group, .pid = user->base.client->pid};

	return cpg_user_request(user, CPG_REQ_LEAVE, &req, sizeof(req));
}

int cpg_user_mcast(struct cpg_user *user, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	struct cpg_req_mcast *req = calloc(1, sizeof(*req) + length);

	req->guarantee = 2;
	req->msglen = length;
	memcpy(req->message, text, length);

	int rc = service_user_send(&user->base, CPG_REQ_MCAST, req, (uint32_t)sizeof(*req) + length);

	ck_assert_uint_eq(user->base.client->replies.count, 0);
	free(req);
	return rc;
}

/* ---- Events as text ------------------------------------------------------ */

static char *write_list(
	char *at, const char *word, const struct cpg_wire_address *list, uint32_t count, bool has_reason)
{
	at += sprintf(at, " %s[", word);
	for (uint32_t i = 0; i < count; i++) {
		at += sprintf(at, "%s%u:%u", i == 0 ? "" : " ", list[i].nodeid, list[i].pid);
		if (has_reason)
			at += sprintf(at, "/%u", list[i].reason);
		else
			ck_assert_uint_eq(list[i].reason, 0);
	}
	return at + sprintf(at, "]");
}

/* Write an event as text. size includes the header of 24 bytes with which the event begins. */
static void write_event(char *at, uint32_t id, const void *event, uint32_t size)
{
	const struct cpg_event_confchg *change = event;
	const struct cpg_event_deliver *message = event;
	const struct cpg_event_partial_deliver *part = event;
	const struct cpg_event_totem_confchg *totem = event;
	const struct cpg_wire_address *list;

	switch (id) {
	case CPG_EVENT_CONFCHG:
		ck_assert_uint_eq(size,
			sizeof(*change) + 24 * (change->member_count + change->left_count + change->joined_count));
		at += sprintf(at, "confchg %.*s", (int)change->group.length, change->group.value);
		list = change->lists;
		at = write_list(at, "", list, change->member_count, false);
		list += change->member_count;
		at = write_list(at, "left ", list, change->left_count, true);
		list += change->left_count;
		write_list(at, "joined ", list, change->joined_count, true);
		return;
	case CPG_EVENT_DELIVER:
		ck_assert_uint_eq(size, sizeof(*message) + message->msglen);
		sprintf(at, "deliver %.*s %u:%u %.*s", (int)message->group.length, message->group.value,
			message->nodeid, message->pid, (int)(message->msglen < 200 ? message->msglen : 200),
			message->message);
		return;
	case CPG_EVENT_PARTIAL_DELIVER:
		ck_assert_uint_eq(size, sizeof(*part) + part->fraglen);
		sprintf(at, "partial %.*s %u:%u %u %u/%u %.*s", (int)part->group.length, part->group.value,
			part->nodeid, part->pid, part->type, part->fraglen, part->msglen, (int)part->fraglen,
			part->fragment);
		return;
	case CPG_EVENT_TOTEM_CONFCHG:
		ck_assert_uint_eq(size, sizeof(*totem) + 4 * totem->member_count);
		at += sprintf(at, "totem %u.%jx [", totem->ring_id.nodeid, (uintmax_t)totem->ring_id.seq);
		for (uint32_t i = 0; i < totem->member_count; i++)
			at += sprintf(at, "%s%u", i == 0 ? "" : " ", totem->members[i]);
		sprintf(at, "]");
		return;
	default:
		ck_abort_msg("event %u", id);
	}
}

const char *cpg_user_event(struct cpg_user *user)
{
	static char text[65536];

	return service_user_event(&user->base, text, write_event);
}
