/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cfg/agree_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct service_ring ring;
struct service_user users[SERVICE_RING_NODES + 1];
static const char *deaf; /* ids of the nodes that do not support agreed reloads, as a text */

struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void prepare_host(struct coterie_ctx *context)
{
	context->is_safe_kept = 1;
	if (strchr(deaf, (char)('0' + context->nodeid)) != NULL)
		context->table.reload_prepare = NULL;
}

static void start(uint32_t nodeid)
{
	service_ring_start(&ring, nodeid);
	users[nodeid] = service_user_create(&ring, nodeid, 100 + nodeid);
}

void kill_node(uint32_t nodeid)
{
	service_user_close(&users[nodeid]);
	service_ring_kill(&ring, nodeid);
}

void begin(const char *deaf_nodes)
{
	deaf = deaf_nodes;
	service_ring_init(&ring, &cfg_LTX_coterie_plugin);
	ring.prepare = prepare_host;
	for (uint32_t i = 1; i <= 4; i++)
		start(i);
}

static void set_up(void) { begin(""); }

void end(void)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (ring.nodes[i].host != NULL)
			service_user_close(&users[i]);
	service_ring_fini(&ring);
}

void form(const char *rings) { service_ring_form_start(&ring, rings); }
void run(void) { service_ring_run(&ring); }

void pass(uint64_t ms)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (host(i) != NULL)
			mock_host_advance(host(i), ms * MS);
	run();
}

void settle(void)
{
	for (int i = 0; i < 4; i++)
		pass(100);
}

void ask(uint32_t nodeid)
{
	struct cfg_req_plain req;

	ck_assert_int_eq(service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), COTERIE_LATER);
}

void ask_report(uint32_t nodeid, uint32_t flags)
{
	struct cfg_req_reload_report req = {.flags = flags};

	ck_assert_int_eq(service_user_send(&users[nodeid], CFG_REQ_RELOAD_REPORT, &req, sizeof(req)), COTERIE_LATER);
}

int32_t answer(uint32_t nodeid)
{
	const struct mock_queue *replies = &users[nodeid].client->replies;

	ck_assert_uint_le(replies->count, 1);
	return replies->count == 0 ? 0 : replies->list[0].error;
}

void has_read(uint32_t nodeid, const char *refusal)
{
	mock_prepare_done(host(nodeid), refusal[0] != '\0' ? -EINVAL : 0, refusal);
	run();
}

void all_read(const char *nodes)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			has_read((uint32_t)(*at - '0'), "");
}

const char *commits(void)
{
	static char text[64];

	text[0] = '\0';
	for (uint32_t i = 1; i <= 4; i++)
		sprintf(text + strlen(text), i == 1 ? "%d" : " %d", host(i) != NULL ? (int)host(i)->commits : -1);
	return text;
}

void expect_kept(uint32_t nodeid, bool is_kept) { ck_assert_msg(host(nodeid)->is_kept == is_kept, "node %u", nodeid); }

const char *report(uint32_t nodeid)
{
	static const char *const outcomes[] = {"?", "applied", "refused", "checked", "each"};
	static const char *const names[] = {
		"?", "ready", "applied", "refused", "failed", "no-answer", "left", "absent"};
	static char text[4096];
	const struct mock_message *reply = &users[nodeid].client->replies.list[0];
	const uint8_t *at = reply->data;
	uint32_t header[2], used = 8;

	ck_assert_uint_eq(users[nodeid].client->replies.count, 1);
	ck_assert_int_eq(reply->error, OK);
	ck_assert(reply->id == CFG_RES_RELOAD_REPORT || reply->id == CFG_RES_KEY_ROTATE);
	memcpy(header, at, sizeof(header));
	sprintf(text, "%s", outcomes[header[0]]);
	for (uint32_t i = 0; i < header[1]; i++) {
		struct cfg_wire_node_report node;

		memcpy(&node, at + used, sizeof(node));
		sprintf(text + strlen(text), "|%u:%s %.*s", node.nodeid, names[node.outcome],
			(int)(node.text_size < 200 ? node.text_size : 200), at + used + sizeof(node));
		used += (uint32_t)sizeof(node) + (node.text_size + 7) / 8 * 8;
	}
	ck_assert_uint_eq(used, reply->size);
	return text;
}

TCase *agree_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("agree");

	tcase_add_checked_fixture(tcase, set_up, end);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}
