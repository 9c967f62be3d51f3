/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service: the share of the map that the keys of one user can use. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/corotypes.h>

#include "tests/suite.h"
#include "tests/unit/services/cmap/cmap_case.h"

#define USER 1001
#define OTHER 1002
#define SHARE (4u << 20) /* a quarter of the map */
#define ENTRY 128u       /* counted for a key besides name and value */

static struct service_user again, administrator; /* `again` is a second client of cmap_user's user */
static uint8_t bytes[COTERIE_MAP_VALUE_MAX];

static void set_up(void)
{
	cmap_case_set_up();
	again = service_user_create(&cmap_ring, 1, 300);
	administrator = service_user_create(&cmap_ring, 1, 400);
	cmap_user.client->uid = USER;
	again.client->uid = USER;
	cmap_other.client->uid = OTHER;
	cmap_user.client->right = COTERIE_RIGHT_USE;
	again.client->right = COTERIE_RIGHT_USE;
	cmap_other.client->right = COTERIE_RIGHT_USE;
	administrator.client->right = COTERIE_RIGHT_ADMINISTER;
	memset(bytes, 'v', sizeof(bytes));
}

static void tear_down(void)
{
	service_user_close(&again);
	service_user_close(&administrator);
	cmap_case_tear_down();
}

static int32_t set(struct service_user *who, const char *key, uint32_t size)
{
	return cmap_case_set(who, key, COTERIE_MAP_BINARY, bytes, size);
}

/* Set the largest values, PREFIX.0 and so on, until one is refused. @return how many were set */
static uint32_t fill(struct service_user *who, const char *prefix)
{
	uint32_t count = 0;

	for (int32_t error = CS_OK; count < 2000; count++) {
		char key[32];

		snprintf(key, sizeof(key), "%s.%u", prefix, count);
		error = set(who, key, sizeof(bytes));
		if (error == CS_ERR_NO_RESOURCES)
			break;
		ck_assert_int_eq(error, CS_OK);
	}
	return count;
}

static uint32_t has_room(struct service_user *who)
{
	int32_t error = set(who, "has.room", sizeof(bytes));

	if (error == CS_OK)
		ck_assert_int_eq(cmap_case_delete_key(who, "has.room"), CS_OK);
	else
		ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	return error == CS_OK;
}

START_TEST(the_keys_of_a_user_have_a_share_of_the_map)
{
	uint32_t count = fill(&cmap_user, "user");

	ck_assert_uint_eq(count, SHARE / (ENTRY + strlen("user.100") + sizeof(bytes)));
	ck_assert(mock_host_has_logged(cmap_case_host(1), "User 1001 has its share of the configuration map"));
	ck_assert(!mock_host_has_logged(cmap_case_host(1), "map is full"));
	/* The share is the user's: a new connection of it has no other one. */
	ck_assert(!has_room(&again));
	ck_assert(has_room(&cmap_other));
	ck_assert(has_room(&administrator));
	/* Values that do not become larger can change. */
	bytes[0] = 'w';
	ck_assert_int_eq(set(&again, "user.0", sizeof(bytes)), CS_OK);
	ck_assert_int_eq(set(&cmap_user, "user.1", 100), CS_OK);
	ck_assert_int_eq(set(&cmap_user, "user.1", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
	ck_assert_int_eq(cmap_case_delete_key(&again, "user.2"), CS_OK);
	ck_assert(has_room(&cmap_user));
	service_user_close(&again);
	ck_assert_int_eq(set(&cmap_user, "user.2", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
}
END_TEST

/* The limit to the byte, of names and values. */
START_TEST(a_share_is_used_to_its_last_byte)
{
	uint32_t left = SHARE, count = fill(&cmap_user, "user");
	char key[32];

	for (uint32_t i = 0; i < count; i++)
		left -= ENTRY + (uint32_t)snprintf(key, sizeof(key), "user.%u", i) + (uint32_t)sizeof(bytes);
	ck_assert_uint_gt(left, ENTRY + 5);
	ck_assert_int_eq(set(&cmap_user, "rest", left - ENTRY - 4 + 1), CS_ERR_NO_RESOURCES);
	ck_assert_int_eq(set(&cmap_user, "rest", left - ENTRY - 4), CS_OK);
	ck_assert_int_eq(set(&cmap_user, "rest", left - ENTRY - 4 + 1), CS_ERR_NO_RESOURCES);
	ck_assert_int_eq(set(&cmap_user, "abc", 0), CS_ERR_NO_RESOURCES);
}
END_TEST

START_TEST(a_key_counts_for_the_user_that_set_it_last)
{
	fill(&cmap_user, "user");
	ck_assert_int_eq(set(&cmap_other, "user.0", sizeof(bytes)), CS_OK);
	ck_assert(has_room(&cmap_user));
	ck_assert_int_eq(set(&cmap_user, "user.new", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
	/* A full user can take no key of another user, even if the key becomes smaller. */
	ck_assert_int_eq(set(&cmap_user, "user.0", sizeof(bytes) - 384), CS_ERR_NO_RESOURCES);
	/* The other user has all of its share but this key. */
	ck_assert_uint_eq(fill(&cmap_other, "other"), SHARE / (ENTRY + strlen("user.100") + sizeof(bytes)) - 1);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, "user.0"), CS_OK);
	ck_assert(has_room(&cmap_other));
	ck_assert(!has_room(&cmap_user));
}
END_TEST

/* The executive changes keys of users too, for example at a reload. */
START_TEST(keys_of_administrators_and_of_the_executive_count_for_no_user)
{
	struct coterie_ctx *host = cmap_case_host(1);

	ck_assert_uint_gt(fill(&administrator, "admin"), 900);
	for (uint32_t i = 0; i < 900; i++) {
		char key[32];

		snprintf(key, sizeof(key), "admin.%u", i);
		ck_assert_int_eq(cmap_case_delete_key(&cmap_user, key), CS_OK);
	}
	fill(&cmap_user, "user");
	ck_assert_int_eq(set(&administrator, "user.0", 100), CS_OK);
	ck_assert_int_eq(set(&cmap_user, "user.new0", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
	/* The same value again is no change of the map, but the key is the administrator's. */
	ck_assert_int_eq(set(&administrator, "user.1", sizeof(bytes)), CS_OK);
	ck_assert_int_eq(set(&cmap_user, "user.new1", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
	ck_assert_int_eq(host->table.map_set(host, "user.2", COTERIE_MAP_BINARY, bytes, 100), 0);
	ck_assert_int_eq(set(&cmap_user, "user.new2", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
	ck_assert_int_eq(host->table.map_delete(host, "user.3"), 0);
	ck_assert_int_eq(set(&cmap_user, "user.3", sizeof(bytes)), CS_OK);
	ck_assert(!has_room(&cmap_user));
}
END_TEST

/* Otherwise a user could fill the map with numbers. */
START_TEST(a_number_keeps_its_owner_when_a_client_adds_to_it)
{
	uint64_t number = 7;

	ck_assert_int_eq(cmap_case_set(&cmap_user, "user.number", COTERIE_MAP_U64, &number, sizeof(number)), CS_OK);
	fill(&cmap_user, "user");
	for (uint32_t size = sizeof(bytes); size > 0; size /= 2) {
		char key[32];

		snprintf(key, sizeof(key), "rest.%u", size);
		(void)set(&cmap_user, key, size - 1);
	}
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "user.number", 1), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&administrator, "user.number", 1), CS_OK);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "user.another", COTERIE_MAP_U64, &number, sizeof(number)),
		CS_ERR_NO_RESOURCES);
	/* The executive takes the key over. */
	struct coterie_ctx *host = cmap_case_host(1);

	ck_assert_int_eq(host->table.map_adjust(host, "user.number", 1), 0);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "user.another", COTERIE_MAP_U64, &number, sizeof(number)), CS_OK);
}
END_TEST

static void *replaced(struct service_node *node, const void *blob, uint32_t size, int want)
{
	void *beside = NULL;

	ck_assert_int_eq(cmap_ring.ops->init(&node->host->table, node->host, &beside), 0);
	ck_assert_int_eq(cmap_ring.ops->state_load(beside, blob, size), want);
	cmap_ring.ops->fini(want == 0 ? node->self : beside);
	return want == 0 ? beside : node->self;
}

START_TEST(shares_survive_a_replacement_of_the_plugin)
{
	struct service_node *node = &cmap_ring.nodes[1];
	void *blob;
	uint32_t size;

	fill(&cmap_user, "user");
	ck_assert_int_eq(set(&cmap_other, "other.key", 100), CS_OK);
	ck_assert_int_eq(cmap_ring.ops->state_save(node->self, &blob, &size), 0);
	node->self = replaced(node, blob, size - 1, -ENOTSUP); /* refused: the old instance stays */
	ck_assert(!has_room(&cmap_user));
	free(blob);
	ck_assert_int_eq(cmap_ring.ops->state_save(node->self, &blob, &size), 0);
	node->self = replaced(node, blob, size, 0);
	free(blob);
	ck_assert(!has_room(&cmap_user));
	ck_assert(has_room(&cmap_other));
	ck_assert_int_eq(set(&cmap_other, "user.0", sizeof(bytes)), CS_OK);
	ck_assert(has_room(&cmap_user));
	ck_assert_uint_eq(fill(&cmap_other, "other"), SHARE / (ENTRY + strlen("user.100") + sizeof(bytes)) - 1);
}
END_TEST

/* A plugin that is older than the shares hands over no owners. */
START_TEST(keys_of_an_older_plugin_count_for_no_user)
{
	struct service_node *node = &cmap_ring.nodes[1];
	const uint32_t version = 1;
	uint32_t size, count;
	void *blob;

	ck_assert_int_eq(cmap_ring.ops->state_save(node->self, &blob, &size), 0);
	memcpy(&count, (uint8_t *)blob + size - sizeof(count), sizeof(count));
	ck_assert_uint_eq(count, 0); /* no key has an owner yet */
	memcpy(blob, &version, sizeof(version));
	fill(&cmap_user, "user");
	node->self = replaced(node, blob, size - (uint32_t)sizeof(count), 0);
	free(blob);
	ck_assert_uint_eq(fill(&cmap_user, "new"), SHARE / (ENTRY + strlen("new.100") + sizeof(bytes)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmap_shares");
	TCase *tcase = tcase_create("cmap_shares");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_keys_of_a_user_have_a_share_of_the_map);
	tcase_add_test(tcase, a_share_is_used_to_its_last_byte);
	tcase_add_test(tcase, a_key_counts_for_the_user_that_set_it_last);
	tcase_add_test(tcase, keys_of_administrators_and_of_the_executive_count_for_no_user);
	tcase_add_test(tcase, a_number_keeps_its_owner_when_a_client_adds_to_it);
	tcase_add_test(tcase, shares_survive_a_replacement_of_the_plugin);
	tcase_add_test(tcase, keys_of_an_older_plugin_count_for_no_user);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
