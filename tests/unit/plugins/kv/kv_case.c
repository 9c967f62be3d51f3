/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/plugins/kv/kv_case.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"

#define MS UINT64_C(1000000)

extern const struct coterie_plugin kv_LTX_coterie_plugin;

struct service_ring kv_ring;
struct service_user kv_user;
const struct mock_file *kv_kept;

static void prepare(struct coterie_ctx *host)
{
	mock_host_option(host, "bytes_max", "1048576");
	/* An older executive: no table is formed before the end of a synchronisation. test_kv_marker has the newer one. */
	host->table.state_file_store = NULL;
	if (kv_kept != NULL)
		memcpy(host->files, kv_kept, sizeof(host->files));
}

void kv_case_set_up(void)
{
	service_ring_init(&kv_ring, &kv_LTX_coterie_plugin);
	kv_ring.prepare = prepare;
	for (uint32_t i = 1; i <= 3; i++)
		service_ring_start(&kv_ring, i);
	service_ring_form(&kv_ring, "1 2 3");
	service_ring_run(&kv_ring);
	kv_user = service_user_create(&kv_ring, 1, 100);
}

void kv_case_tear_down(void)
{
	service_user_close(&kv_user);
	service_ring_fini(&kv_ring);
}

void kv_case_restart(uint32_t nodeid)
{
	service_ring_kill(&kv_ring, nodeid);
	service_ring_start(&kv_ring, nodeid);
}

struct kv *kv_at(uint32_t nodeid) { return kv_ring.nodes[nodeid].self; }

void kv_case_run(void)
{
	for (uint32_t turn = 0; turn < 200; turn++) {
		for (uint32_t i = 1; i <= 3; i++) {
			if (kv_ring.nodes[i].host != NULL)
				mock_host_advance(kv_ring.nodes[i].host, 20 * MS);
		}
		service_ring_run(&kv_ring);
	}
}

int32_t kv_case_ask(struct service_user *who, int32_t id, struct kv_case_request *request, uint32_t size)
{
	int rc = service_user_send(who, id, request, size);

	if (rc == COTERIE_LATER)
		service_ring_run(&kv_ring);
	return who->client->replies.count > 0 ? who->client->replies.list[0].error : rc;
}

int32_t kv_case_write(struct service_user *who, int32_t id, const char *key, const char *value, int64_t expected)
{
	struct kv_case_request request = {.write = {.flags = expected >= 0 ? KV_CONDITIONAL : 0,
						  .expected = expected >= 0 ? (uint64_t)expected : 0,
						  .key_size = (uint32_t)strlen(key),
						  .value_size = (uint32_t)strlen(value)}};
	uint8_t *bytes = (uint8_t *)&request + sizeof(struct kv_req_write);

	memcpy(bytes, key, request.write.key_size);
	memcpy(bytes + request.write.key_size, value, request.write.value_size);
	return kv_case_ask(who, id, &request,
		(uint32_t)sizeof(struct kv_req_write) + request.write.key_size + request.write.value_size);
}

int32_t kv_case_put(const char *key, const char *value) { return kv_case_write(&kv_user, KV_REQ_PUT, key, value, -1); }

uint64_t kv_case_revision(void)
{
	uint64_t revision;

	ck_assert_uint_ge(kv_user.client->replies.list[0].size, sizeof(revision));
	memcpy(&revision, kv_user.client->replies.list[0].data, sizeof(revision));
	return revision;
}

int32_t kv_case_get(struct service_user *who, int32_t id, const char *key)
{
	struct kv_case_request request = {.get = {.key_size = (uint32_t)strlen(key)}};

	memcpy((uint8_t *)&request + sizeof(struct kv_req_get), key, strlen(key));
	return kv_case_ask(who, id, &request, (uint32_t)(sizeof(struct kv_req_get) + strlen(key)));
}

void kv_case_check(uint32_t nodeid, const char *key, const char *value)
{
	const struct kv_entry *entry = kv_store_find(&kv_at(nodeid)->store, key, (uint32_t)strlen(key));

	if (value == NULL) {
		ck_assert_msg(entry == NULL, "%s at node %u", key, nodeid);
		return;
	}
	ck_assert_msg(entry != NULL, "%s at node %u", key, nodeid);
	ck_assert_uint_eq(entry->value_size, strlen(value));
	ck_assert_mem_eq(entry->value, value, strlen(value));
}
