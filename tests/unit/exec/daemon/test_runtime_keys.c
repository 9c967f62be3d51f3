/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/daemon/runtime_keys.c, exec/daemon/map_publish.c and exec/daemon/departed.c: keys that the executive sets in the
 * map while it runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "config/model.h"
#include "exec/daemon/departed.h"
#include "exec/daemon/map_publish.h"
#include "exec/daemon/runtime_keys.h"
#include "exec/log/log.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

static struct map *map;
static struct runtime_keys *keys;
static struct config config;
static struct config_node nodes[3];
static uint32_t dumps, gathers, flights;
static int flight_rc;
static uint32_t uncounted; /* nodes of whose frames the ring has deleted the count */
static uint32_t uncounted_last;

/* --- stand-ins --- */

static void on_dump(void *arg)
{
	ck_assert_ptr_eq(arg, &dumps);
	dumps++;
}

void ring_force_gather(struct ring *ring)
{
	(void)ring;
	gathers++;
}

void ring_forget_node(struct ring *ring, uint32_t nodeid)
{
	(void)ring;
	uncounted++;
	uncounted_last = nodeid;
}

int log_flight_write(const char *dir)
{
	ck_assert_str_eq(dir, "/state");
	flights++;
	return flight_rc;
}

static void set_up(void)
{
	exec_stub_reset();
	dumps = gathers = flights = uncounted = uncounted_last = 0;
	flight_rc = 0;
	for (uint32_t i = 0; i < 3; i++) {
		struct sockaddr_in *address = (struct sockaddr_in *)&nodes[i].addresses[0];

		nodes[i].nodeid = i + 1;
		nodes[i].link_count = 1;
		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(0x0a4d0001 + i);
	}
	config = (struct config){.nodes = nodes, .node_count = 3};
	map = map_create();
	keys = runtime_keys_create(
		&(struct runtime_keys_parts){.map = map, .state_dir = "/state", .dump = on_dump, .arg = &dumps});
	ck_assert_ptr_nonnull(keys);
}

static void tear_down(void)
{
	runtime_keys_destroy(keys);
	runtime_keys_destroy(NULL);
	map_destroy(map);
}

static const char *string_of(const char *key)
{
	const char *text = NULL;

	ck_assert_int_eq(map_get_string(map, key, &text), 0);
	return text;
}

/* --- keys that operators set --- */

START_TEST(a_gather_is_forced)
{
	const char *key = "runtime.force_gather";

	ck_assert_str_eq(string_of(key), "no");
	map_set_string(map, key, "yes");
	ck_assert_uint_eq(gathers, 1);
	ck_assert_str_eq(string_of(key), "no");
	ck_assert(exec_stub_has_logged("MAIN 3 Forcing into GATHER state"));
	map_set_string(map, key, "no");
	map_delete(map, key);
	ck_assert_uint_eq(gathers, 1);
	map_set_u32(map, key, 7); /* any type and any value will do */
	ck_assert_uint_eq(gathers, 2);
	ck_assert_str_eq(string_of(key), "no");
}
END_TEST

START_TEST(the_recorder_is_written)
{
	const char *key = "runtime.blackbox.dump_flight_data", *error = "runtime.blackbox.dump_error", *text;

	ck_assert_str_eq(string_of(key), "no");
	ck_assert_int_lt(map_get_string(map, error, &text), 0);
	map_set_string(map, key, "1779999999");
	ck_assert_str_eq(string_of(key), "1779999999");
	map_set_string(map, key, "1779999999"); /* no change */
	ck_assert_uint_eq(flights, 1);
	flight_rc = -ENOENT;
	map_set_string(map, key, "yes");
	ck_assert(exec_stub_has_logged("The flight recorder is off"));
	ck_assert_str_eq(string_of(error), "the flight recorder is off");
	ck_assert(map_is_protected(map, error));
	flight_rc = -ENOSPC;
	map_set_string(map, key, "no");
	ck_assert(exec_stub_has_logged("MAIN 3 Cannot write the flight recorder to '/state' (No space"));
	ck_assert_str_eq(string_of(error), "No space left on device");
	flight_rc = 0;
	map_set_string(map, key, "again");
	ck_assert_int_lt(map_get_string(map, error, &text), 0);
	map_delete(map, key);
	ck_assert_uint_eq(flights, 4);
}
END_TEST

START_TEST(services_are_asked_for_their_state)
{
	const char *key = "runtime.blackbox.dump_state";

	ck_assert_str_eq(string_of(key), "no");
	map_set_string(map, key, "yes");
	map_delete(map, key);
	ck_assert_uint_eq(dumps, 1);
}
END_TEST

/* --- services and members, against the reference's list --- */

static const struct {
	const char *name;
	uint32_t ring_id, messages;
} services[] = {{"cmap", 0, 1}, {"cfg", 1, 5}, {"cpg", 2, 7}, {"quorum", 3, 0}, {"pload", 4, 2}, {"votequorum", 5, 4},
	{"mon", 6, 0}, {"wd", 7, 0}};
#define SERVICES (sizeof(services) / sizeof(services[0]))

static bool is_of_executive(const char *key)
{
	static const char *const prefixes[] = {"internal_configuration.", "runtime.blackbox.", "runtime.force_gather",
		"runtime.members.", "runtime.services."};

	if (strstr(key, ".config_version") != NULL) /* a key of the service cmap */
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Print a key as corosync-cmapctl does, but counters without their values. */
static void show(const char *key, const struct map_value *value, char *text, size_t size)
{
	uint32_t number = 0;

	if (value->type == COTERIE_MAP_STRING) {
		snprintf(text, size, "%s (str) = %s", key, (const char *)value->bytes);
		return;
	}
	memcpy(&number, value->bytes, value->size < 4 ? value->size : 4);
	if (value->type == COTERIE_MAP_U64)
		snprintf(text, size, "%s (u64)", key);
	else
		snprintf(text, size, "%s (%s) = %u", key, value->type == COTERIE_MAP_U16 ? "u16" : "u32", number);
}

static void publish_members(void)
{
	static const uint32_t all[] = {1, 2, 3};
	struct totem_configuration configuration = {
		.is_regular = true, .members = all, .member_count = 3, .joined = all, .joined_count = 3};

	map_publish_members(map, &config, &configuration);
}

START_TEST(the_keys_are_those_of_the_reference)
{
	const char *top = getenv("abs_top_srcdir");
	struct plugin plugins[SERVICES] = {0};
	char path[4096], line[512], shown[512];
	uint64_t counters[8] = {0};
	struct map_value value;
	const char *key;

	for (size_t i = 0; i < SERVICES; i++) {
		plugins[i].name = services[i].name;
		plugins[i].service.ring_id = services[i].ring_id;
		plugins[i].service.ring_msg_count = services[i].messages;
		plugins[i].rx = plugins[i].tx = counters;
		map_publish_service(map, &plugins[i]);
	}
	publish_members();
	snprintf(path, sizeof(path), "%s/tests/unit/vectors/cmap-udpu3.txt", top != NULL ? top : ".");
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	struct map_iterator *iterator = map_iterator_create(map, NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!is_of_executive(line))
			continue;
		char *counter = strstr(line, "(u64) = ");
		if (counter != NULL)
			counter[5] = '\0';
		key = map_iterator_next(iterator, &value);
		ck_assert_msg(key != NULL, "missing: %s", line);
		show(key, &value, shown, sizeof(shown));
		ck_assert_str_eq(shown, line);
	}
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	map_iterator_destroy(iterator);
	fclose(file);

	/* The map reads a counter at each access. */
	counters[3] = 77;
	ck_assert_int_eq(map_get(map, "runtime.services.cpg.3.rx", &value), 0);
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, 77);
	for (size_t i = 0; i < SERVICES; i++)
		map_unpublish_service(map, NULL, &plugins[i]);
	iterator = map_iterator_create(map, "runtime.services.");
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	map_iterator_destroy(iterator);
	iterator = map_iterator_create(map, "internal_configuration.");
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	map_iterator_destroy(iterator);
}
END_TEST

static char told[256];

static void note(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	size_t used = strlen(told);

	(void)arg, (void)now, (void)before;
	snprintf(told + used, sizeof(told) - used, "%d%s ", event, strrchr(key, '.'));
}

START_TEST(members_come_and_go)
{
	static const uint32_t gone[] = {3};
	const struct totem_configuration leaving = {.left = gone, .left_count = 1};
	const struct totem_configuration joining = {.is_regular = true, .joined = gone, .joined_count = 1};
	uint32_t count;

	publish_members();
	told[0] = '\0';
	map_track(map, "runtime.members.3.", true, note, NULL);
	map_publish_members(map, &config, &leaving);
	ck_assert_str_eq(string_of("runtime.members.3.status"), "left");
	map_publish_members(map, &config, &joining);
	ck_assert_str_eq(string_of("runtime.members.3.status"), "joined");
	ck_assert_int_eq(map_get_u32(map, "runtime.members.3.join_count", &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(told, "2.status 2.join_count 2.status ");
}
END_TEST

#define FIRST_ID 1000000u

static struct departed departed;

/* Form a ring with some nodes, and another one without them. Service cmap adds a key for each. */
static void visit(const uint32_t *nodeids, uint32_t count)
{
	const struct totem_configuration joining = {.is_regular = true, .joined = nodeids, .joined_count = count};
	const struct totem_configuration leaving = {.left = nodeids, .left_count = count};

	map_publish_members(map, &config, &joining);
	departed_note(&departed, &joining, &config, map, NULL);
	for (uint32_t i = 0; i < count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "runtime.members.%u.config_version", nodeids[i]);
		map_set_u64(map, key, 1);
	}
	map_publish_members(map, &config, &leaving);
	departed_note(&departed, &leaving, &config, map, NULL);
}

static void visit_by_new_ids(uint32_t first, uint32_t count)
{
	uint32_t nodeids[384];

	for (uint32_t i = 0; i < count; i += 384) {
		uint32_t some = count - i < 384 ? count - i : 384;

		for (uint32_t k = 0; k < some; k++)
			nodeids[k] = first + i + k;
		visit(nodeids, some);
	}
}

/* Return the number of nodes with keys. */
static uint32_t count_nodes(void)
{
	struct map_iterator *iterator = map_iterator_create(map, "runtime.members.");
	uint32_t count = 0;
	const char *key;

	while ((key = map_iterator_next(iterator, NULL)) != NULL)
		count++;
	map_iterator_destroy(iterator);
	ck_assert_uint_eq(count % 4, 0);
	return count / 4;
}

static bool has_node(uint32_t nodeid)
{
	struct map_value value;
	char key[64];

	snprintf(key, sizeof(key), "runtime.members.%u.status", nodeid);
	return map_get(map, key, &value) == 0;
}

static void depart_fixture(void)
{
	departed = (struct departed){.count = 0};
	set_up();
}

START_TEST(nodes_that_left_are_forgotten_when_there_are_too_many)
{
	static const uint32_t listed[] = {2, 3}, old[] = {FIRST_ID};

	visit(listed, 2);
	visit_by_new_ids(FIRST_ID, DEPARTED_MAX - 2);
	ck_assert_uint_eq(count_nodes(), DEPARTED_MAX);
	ck_assert_uint_eq(uncounted, 0);
	visit(old, 1); /* now another node is the oldest */
	visit_by_new_ids(FIRST_ID + 10000, 3);
	ck_assert_uint_eq(count_nodes(), DEPARTED_MAX + 2);
	ck_assert_uint_eq(uncounted, 1);
	ck_assert_uint_eq(uncounted_last, FIRST_ID + 1);
	ck_assert(has_node(FIRST_ID));
	ck_assert(!has_node(FIRST_ID + 1));
	ck_assert(has_node(FIRST_ID + 2));
	visit_by_new_ids(2 * FIRST_ID, 20 * DEPARTED_MAX);
	ck_assert_uint_eq(count_nodes(), DEPARTED_MAX + 2);
	ck_assert(!has_node(FIRST_ID));
	ck_assert(has_node(2));
	ck_assert_str_eq(string_of("runtime.members.3.status"), "left");
	ck_assert(has_node(2 * FIRST_ID + 20 * DEPARTED_MAX - 1));
	ck_assert(!has_node(2 * FIRST_ID + 19 * DEPARTED_MAX - 1));
}
END_TEST

/* A reload changes the node list while nodes are away. */
START_TEST(a_node_that_is_listed_meanwhile_is_not_forgotten)
{
	static const uint32_t strangers[] = {7, 8};

	visit(strangers, 2);
	nodes[1].nodeid = 8;
	visit_by_new_ids(FIRST_ID, 2 * DEPARTED_MAX);
	ck_assert(!has_node(7));
	ck_assert(has_node(8));
}
END_TEST

START_TEST(members_are_not_forgotten)
{
	static const uint32_t back[] = {7};
	const struct totem_configuration joining = {.is_regular = true, .joined = back, .joined_count = 1};

	visit(back, 1);
	map_publish_members(map, &config, &joining);
	departed_note(&departed, &joining, &config, map, NULL);
	visit_by_new_ids(FIRST_ID, 2 * DEPARTED_MAX);
	ck_assert_str_eq(string_of("runtime.members.7.status"), "joined");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_gather_is_forced);
	tcase_add_test(tcase, the_recorder_is_written);
	tcase_add_test(tcase, services_are_asked_for_their_state);
	tcase_add_test(tcase, the_keys_are_those_of_the_reference);
	tcase_add_test(tcase, members_come_and_go);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("departed");
	tcase_add_checked_fixture(tcase, depart_fixture, tear_down);
	tcase_add_test(tcase, nodes_that_left_are_forgotten_when_there_are_too_many);
	tcase_add_test(tcase, a_node_that_is_listed_meanwhile_is_not_forgotten);
	tcase_add_test(tcase, members_are_not_forgotten);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
