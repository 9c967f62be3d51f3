/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cpg/cpg_case.h"

#include <stdlib.h>
#include <string.h>

struct service_ring ring;
struct cpg_user users[8];

/* Start nodes 1 to 3 in one ring. */
static void set_up(void)
{
	cpg_ring_init(&ring);
	memset(users, 0, sizeof(users));
	for (uint32_t i = 1; i <= 3; i++)
		service_ring_start(&ring, i);
	service_ring_form(&ring, "1 2 3");
}

static void tear_down(void)
{
	for (size_t i = 0; i < 8; i++)
		cpg_user_close(&users[i]);
	service_ring_fini(&ring);
}

struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

void cpg_case_plain(void)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (host(i) != NULL)
			host(i)->is_safe_kept = false;
	service_ring_form(&ring, "1 2 3");
}

void join_all(const char *nodes)
{
	for (size_t i = 0; nodes[i] != '\0'; i++) {
		users[i] = cpg_user_create(&ring, (uint32_t)(nodes[i] - '0'), 10 * ((uint32_t)i + 1));
		ck_assert_int_eq(cpg_user_join(&users[i], "grp", 0), OK);
		service_ring_run(&ring);
	}
	for (size_t i = 0; nodes[i] != '\0'; i++)
		users[i].base.seen = users[i].base.client->events.count;
}

int32_t send_part(struct cpg_user *user, uint32_t type, uint32_t total, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	struct cpg_req_partial_mcast *req = calloc(1, sizeof(*req) + length);

	req->msglen = total;
	req->fraglen = length;
	req->type = type;
	memcpy(req->fragment, text, length);

	int32_t error = cpg_user_request(user, CPG_REQ_PARTIAL_MCAST, req, (uint32_t)sizeof(*req) + length);

	free(req);
	return error;
}

TCase *cpg_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("cpg");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}
