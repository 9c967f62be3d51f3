/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test kit (coterie/testkit.h): plugins that are loaded, unloaded and replaced while nodes run, and complaints about
 * plugins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <check.h>

#include "plugins/template-service/tally.h"
#include "tests/suite.h"
#include "tests/unit/testkit/kit_case.h"

START_TEST(loaded_while_the_node_runs)
{
	static const char *const none[] = {NULL};

	kit = testkit_create(8, 2);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(kit_case_call(kit_case_connect(1), NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(kit_case_count(2).delivered, 1);
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(threads_and_descriptors_work)
{
	kit_case_start(1, "5", 9);
	ck_assert_uint_eq(kit_case_count(1).posted, 101);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- who runs a service --- */

static void check_members(uint32_t node, uint32_t first, uint32_t second)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, node, "naughty", &ctx);
	uint32_t ids[3] = {0};

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->service_members(ctx, ids, 2), second == 0 ? 1 : 2);
	ck_assert_uint_eq(ids[0], first);
	ck_assert_uint_eq(ids[1], second);
}

/* Each node knows which members have loaded the service, also when it is loaded while the ring runs. */
START_TEST(members_of_a_service)
{
	static const char *const none[] = {NULL};
	struct coterie_delivery place = {.size = sizeof(place)};
	struct coterie_ctx *ctx;
	char *text;
	size_t size;
	FILE *log;

	kit = testkit_create(12, 3);
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	check_members(1, 1, 0);
	log = open_memstream(&text, &size);
	testkit_log(kit, log, LOG_DEBUG);
	ck_assert_int_eq(testkit_load(kit, 3, &naughty_LTX_coterie_plugin, none), 0);
	testkit_log(kit, NULL, LOG_DEBUG);
	fclose(log);
	ck_assert_ptr_null(strstr(text, "A new membership"));
	ck_assert_ptr_nonnull(strstr(text, "synchronises: node 3 has loaded it"));
	free(text);
	check_members(1, 1, 3);
	check_members(3, 1, 3);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), 0);
	testkit_run(kit, 100);
	check_members(3, 3, 0);
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	check_members(3, 3, 0);
	ck_assert_int_eq(testkit_host(kit, 3, "naughty", &ctx)->delivery(ctx, &place), -ENODATA);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_provider_must_be_loaded)
{
	kit = testkit_create(12, 1);
	testkit_config(kit, "quorum {\n provider: corosync_votequorum\n expected_votes: 1\n}");
	ck_assert_int_eq(testkit_start(kit, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "quorum provider 'votequorum': load it first"));
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- plugins that go and are replaced --- */

START_TEST(unloaded_and_loaded_again)
{
	static const char *const none[] = {NULL};

	kit_case_start(3, "0", 12);
	struct testkit_client *client = kit_case_connect(1), *other;
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(testkit_unload(kit, 1, "nothing"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "node 1: "));
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), 0);
	ck_assert_int_eq(testkit_is_connected(client), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_connect(kit, 1, "naughty", &other), -ECONNREFUSED);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ENOENT);
	ck_assert_int_eq(kit_case_call(kit_case_connect(2), NAUGHTY_LATER, 16), OK);

	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ESRCH);
	ck_assert_str_eq(testkit_error(kit), "node 1: it does not run");
	testkit_start(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(kit_case_call(kit_case_connect(1), NAUGHTY_LATER, 16), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* The time of testkit_unload is over before the service has ended. The unload goes on. */
START_TEST(an_unload_that_takes_too_long)
{
	kit_case_start(1, "0", 12);
	testkit_pause(kit, 1, 150000);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ETIMEDOUT);
	ck_assert_str_eq(testkit_error(kit), "node 1: the change of the plugin has not ended yet");
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	testkit_run(kit, 40000);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	/* For the kit it was not unloaded: the next start has it. */
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

#define TALLY TEST_PLUGIN_DIR "/.libs/tally.so"
#define LIFE TEST_PLUGIN_DIR "/.libs/life.so"

/* Copy the file of a plugin to a folder of its own. mode: seven characters, the mode of the plugin life */
static void copy_plugin(const char *file, const char *mode, char *path, size_t size)
{
	const char *folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char command[1000];

	snprintf(path, size, "%s/coterie-kit-XXXXXX", folder);
	ck_assert_ptr_nonnull(mkdtemp(path));
	strcat(path, strrchr(file, '/'));
	snprintf(command, sizeof(command), "LC_ALL=C sed 's/LIFE:good[.][.][.]/LIFE:%s/' %s >%s", mode, file, path);
	ck_assert_int_eq(system(command), 0);
}

static void remove_plugin(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static int32_t tally_add(struct testkit_client *client, uint32_t amount)
{
	struct tally_req_add req = {.header = {.id = TALLY_REQ_ADD, .size = sizeof(req)}, .amount = amount};
	const struct coterie_response_header *reply = testkit_call(client, &req, sizeof(req));

	return reply == NULL ? 0 : reply->error;
}

static uint64_t tally_get(struct testkit_client *client)
{
	struct tally_req_get req = {.header = {.id = TALLY_REQ_GET, .size = sizeof(req)}};
	const struct tally_res_get *reply = (const void *)testkit_call(client, &req, sizeof(req));

	ck_assert_ptr_nonnull(reply);
	return reply->total;
}

START_TEST(replaced_under_its_clients)
{
	static const char *const options[] = {"step_max=7", NULL};
	struct testkit_client *client;
	char path[200];

	copy_plugin(TALLY, "", path, sizeof(path));
	kit = testkit_create(13, 3);
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, TALLY, options), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(testkit_connect(kit, 1, "tally", &client), 0);
	ck_assert_int_eq(tally_add(client, 5), OK);
	void *before = testkit_self(kit, 1, "tally");
	ck_assert_int_eq(testkit_replace_file(kit, 1, "/nonexistent/tally.so"), -ENOENT);
	ck_assert_str_eq(testkit_error(kit), "node 1: there is no such file");
	ck_assert_int_eq(testkit_replace_file(kit, 1, TALLY), -EALREADY);
	ck_assert_ptr_eq(testkit_self(kit, 1, "tally"), before);
	ck_assert_int_eq(testkit_replace_file(kit, TESTKIT_ALL, path), 0);
	ck_assert_ptr_ne(testkit_self(kit, 1, "tally"), before);
	testkit_run(kit, 100); /* answered when the message is queued */
	ck_assert_uint_eq(tally_get(client), 5);
	ck_assert_int_eq(tally_add(client, 6), OK);
	ck_assert_int_ne(tally_add(client, 8), OK); /* the option has not changed */
	ck_assert_int_eq(testkit_replace_file(kit, 1, path), -EALREADY);
	ck_assert_int_eq(testkit_has_logged(kit, TESTKIT_ALL, "Leak"), 0);

	/* A node that has not loaded the plugin. */
	ck_assert_int_eq(testkit_unload(kit, 2, "tally"), 0);
	testkit_crash(kit, 2);
	testkit_start(kit, 2);
	ck_assert_int_eq(testkit_load_file(kit, 2, path, options), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);

	/* The node starts with the replaced file. */
	testkit_crash(kit, 1);
	testkit_start(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(testkit_replace_file(kit, 1, path), -EALREADY);
	ck_assert_int_eq(testkit_connect(kit, 1, "tally", &client), 0);
	ck_assert_uint_eq(tally_get(client), 11);
	ck_assert_int_ne(tally_add(client, 8), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
	remove_plugin(path);
}
END_TEST

static void check_served(struct testkit_client *client)
{
	struct coterie_request_header request = {.id = 0, .size = sizeof(request)};
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));

	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, OK);
}

/* A new version that has the clients already, and then refuses the state. It may use its data of them until it has ended. */
START_TEST(refused_under_its_clients)
{
	struct testkit_client *client;
	char refuses[200], good[200];

	copy_plugin(LIFE, "refuses", refuses, sizeof(refuses));
	copy_plugin(LIFE, "good...", good, sizeof(good));
	kit = testkit_create(14, 1);
	ck_assert_int_eq(testkit_load_file(kit, 1, LIFE, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(testkit_connect(kit, 1, "life", &client), 0);

	void *before = testkit_self(kit, 1, "life");

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(testkit_replace_file(kit, 1, refuses), -ENOTSUP);
	ck_assert_ptr_eq(testkit_self(kit, 1, "life"), before);
	check_served(client);
	ck_assert_int_eq(testkit_replace_file(kit, 1, good), 0);
	check_served(client);
	ck_assert_ptr_ne(testkit_self(kit, 1, "life"), before);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
	remove_plugin(refuses);
	remove_plugin(good);
}
END_TEST

/* --- complaints --- */

static const struct {
	const char *habit, *words;
} complaints[] = {
	{"1", "Leak: a timer due in"},
	{"2", "frames with"},
	{"3", "sends in sync_start"},
	{"4", "answered twice"},
};

START_TEST(what_is_wrong_is_told)
{
	kit_case_start(1, complaints[_i].habit, 10);
	struct testkit_client *client = kit_case_connect(1);
	testkit_send(client, kit_case_request(NAUGHTY_SEND, 16), 16);
	testkit_run(kit, 100);
	testkit_crash(kit, 1);
	ck_assert_uint_ge(testkit_complaints(kit), 1);
	ck_assert_ptr_nonnull(strstr(testkit_complaint(kit, 0), complaints[_i].words));
	ck_assert_ptr_nonnull(strstr(testkit_complaint(kit, 0), "seed 10, "));
	ck_assert_ptr_null(testkit_complaint(kit, testkit_complaints(kit)));
	ck_assert_uint_ge(testkit_destroy(kit), 1);
}
END_TEST

START_TEST(a_failing_init_refuses_the_start)
{
	static const char *const options[] = {"habit=6", NULL};

	kit = testkit_create(1, 1);
	testkit_load(kit, 1, &naughty_LTX_coterie_plugin, options);
	ck_assert_int_eq(testkit_start(kit, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "its init failed (Input/output error)"));
	testkit_complain(kit, 1, "by the test %d", 1);
	ck_assert_uint_eq(testkit_destroy(kit), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testkit_plugins");
	TCase *tc = tcase_create("testkit_plugins");

	tcase_add_test(tc, loaded_while_the_node_runs);
	tcase_add_test(tc, threads_and_descriptors_work);
	tcase_add_test(tc, members_of_a_service);
	tcase_add_test(tc, a_provider_must_be_loaded);
	tcase_add_test(tc, unloaded_and_loaded_again);
	tcase_add_test(tc, an_unload_that_takes_too_long);
	tcase_add_test(tc, replaced_under_its_clients);
	tcase_add_test(tc, refused_under_its_clients);
	tcase_add_loop_test(tc, what_is_wrong_is_told, 0, 4);
	tcase_add_test(tc, a_failing_init_refuses_the_start);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
