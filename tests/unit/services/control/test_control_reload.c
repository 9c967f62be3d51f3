/* SPDX-License-Identifier: BSD-3-Clause */
/* The service control: a reload of one node alone, and what the client is told of it. */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "services/control/messages.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

static const char error_key[] = "config.reload_error_message";

extern const struct coterie_plugin control_LTX_coterie_plugin;

static struct coterie_ctx *host;
static const struct coterie_service *ops;
static struct coterie_client *client;
static void *self;

static void setup(void)
{
	host = mock_host_create(&control_LTX_coterie_plugin);
	ops = control_LTX_coterie_plugin.ops;
	ck_assert_int_eq(ops->init(&host->table, host, &self), 0);
	client = mock_client_create(host, 0, 1);
}

static void teardown(void)
{
	mock_client_destroy(client);
	ops->fini(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

/* Ask for a reload, or for a check, of a file that can be applied. @return the answer's result; *text is its text */
static int32_t ask(uint32_t flags, char text[256])
{
	const struct control_req req = {.header = {.id = CONTROL_REQ_RELOAD, .size = sizeof(req)}, .flags = flags};
	struct control_res_reload res;
	const uint32_t head = sizeof(res) - offsetof(struct control_res_reload, rc); /* without libqb's header */

	mock_queue_clear(&client->replies);
	ck_assert_int_eq(mock_request(client, ops, self, &req, sizeof(req)), COTERIE_LATER);
	mock_prepare_done(host, 0, "change totem.token 1000 -> 2000");
	ck_assert_uint_eq(client->replies.count, 1);

	const struct mock_message *reply = &client->replies.list[0];

	memcpy(&res.rc, reply->data, head);
	memset(text, 0, 256);
	memcpy(text, reply->data + head, reply->size - head);
	return res.rc;
}

START_TEST(an_applied_file)
{
	char text[256];

	ck_assert_int_eq(ask(0, text), 0);
	ck_assert_str_eq(text, "change totem.token 1000 -> 2000");
	ck_assert_uint_eq(host->commits, 1);
	ck_assert_int_eq(ask(CONTROL_CHECK, text), 0);
	ck_assert_uint_eq(host->commits, 1);
	ck_assert_uint_eq(host->drops, 1);
}
END_TEST

static void fail_partly(struct coterie_ctx *context)
{
	static const char text[] = "transport knet keeps its old settings: Input/output error";

	context->table.map_set(context, error_key, COTERIE_MAP_STRING, text, sizeof(text));
}

START_TEST(a_part_without_effect_is_an_error)
{
	char text[256];

	host->on_commit = fail_partly;
	ck_assert_int_eq(ask(0, text), -EIO);
	ck_assert_str_eq(text, "transport knet keeps its old settings: Input/output error");
	ck_assert_uint_eq(host->commits, 1);
	ck_assert_int_eq(ask(CONTROL_CHECK, text), 0); /* the file itself is good */
}
END_TEST

START_TEST(a_file_that_is_refused_at_last)
{
	char text[256];

	host->commit_rc = -ENOMEM;
	ck_assert_int_eq(ask(0, text), -ENOMEM);
	ck_assert_str_eq(text, strerror(ENOMEM));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_reload");
	TCase *tcase = tcase_create("control_reload");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_applied_file);
	tcase_add_test(tcase, a_part_without_effect_is_an_error);
	tcase_add_test(tcase, a_file_that_is_refused_at_last);
	return suite_run(suite);
}
