/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cfg/rekey_case.h"

#include <string.h>

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

struct service_ring ring;
struct service_user users[SERVICE_RING_NODES + 1];

bool has_two_steps;

#define HANGS_MS 6000 /* a change that has not ended after this time is reported as hanging */

static void prepare_host(struct coterie_ctx *context)
{
	if (!has_two_steps)
		context->table.reload_prepare = NULL;
}

void rekey_case_start(void)
{
	service_ring_init(&ring, &cfg_LTX_coterie_plugin);
	ring.prepare = prepare_host;
	for (uint32_t i = 1; i <= 4; i++)
		service_ring_start(&ring, i);
}

void rekey_case_stop(void)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (ring.nodes[i].host != NULL)
			service_user_close(&users[i]);
	service_ring_fini(&ring);
}

void form(const char *rings) { service_ring_form_start(&ring, rings); }

struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

void load(const char *nodes)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			mock_rekey(host((uint32_t)(*at - '0')));
}

void load_told(const char *nodes)
{
	load(nodes);
	service_ring_run(&ring);
}

void hang(const char *nodes)
{
	load_told(nodes);
	pass(HANGS_MS);
}

void pass(uint64_t ms)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (host(i) != NULL)
			mock_host_advance(host(i), ms * MS);
	service_ring_run(&ring);
}

const char *phases(uint32_t nodeid)
{
	static char text[32];

	for (uint32_t i = 0; i < host(nodeid)->rekey_count; i++)
		text[i] = (char)('0' + host(nodeid)->rekeys[i]);
	text[host(nodeid)->rekey_count] = '\0';
	return text;
}

void expect(const char *nodes, const char *want)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			ck_assert_msg(strcmp(phases((uint32_t)(*at - '0')), want) == 0, "node %c: '%s' instead of '%s'",
				*at, phases((uint32_t)(*at - '0')), want);
}

void say(uint32_t nodeid, uint32_t phase, uint32_t repeated)
{
	uint32_t body[2] = {phase, repeated};
	struct iovec iov = {body, sizeof(body)};

	mock_queue_add(&host(nodeid)->sent, CFG_RING_CRYPTO_RECONFIG, &iov, 1);
	service_ring_run(&ring);
}

void ask_for_reload(uint32_t nodeid)
{
	struct cfg_req_plain req;

	if (users[nodeid].client == NULL)
		users[nodeid] = service_user_create(&ring, nodeid, 100 + nodeid);
	ck_assert_int_eq(service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), COTERIE_LATER);
}

void begin_reload(uint32_t nodeid)
{
	ask_for_reload(nodeid);
	service_ring_run(&ring);
}

void end_reload(uint32_t nodeid) { mock_reload_done(host(nodeid), 0, ""); }

bool is_answered(uint32_t nodeid) { return users[nodeid].client->replies.count > 0; }

uint32_t count_logged(uint32_t nodeid, const char *words)
{
	const struct mock_queue *logs = &host(nodeid)->logs;
	uint32_t count = 0;

	for (uint32_t i = 0; i < logs->count; i++)
		count += strstr((const char *)logs->list[i].data, words) != NULL;
	return count;
}

static void start_pair(void)
{
	rekey_case_start();
	form("1 2");
}

static TCase *add(Suite *suite, const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start, rekey_case_stop);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *rekey_case_add(Suite *suite) { return add(suite, "rekey", rekey_case_start); }

TCase *rekey_pair_add(Suite *suite) { return add(suite, "rekey_pair", start_pair); }
