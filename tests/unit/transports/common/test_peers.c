/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer table: the node that has an address, and the order in which a batch is sent. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "transports/common/peers.h"

static struct sockaddr_storage at(const char *text, uint16_t port)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(&storage, &in, sizeof(in));
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		memcpy(&storage, &in6, sizeof(in6));
	}
	return storage;
}

static int add(struct peers *peers, uint32_t nodeid, bool is_local, const char *text, uint16_t port)
{
	struct sockaddr_storage address = at(text, port);

	return peers_add(peers, nodeid, is_local, (struct sockaddr *)&address);
}

static uint32_t find(struct peers *peers, const char *text, uint16_t port)
{
	struct sockaddr_storage address = at(text, port);
	struct peer *peer = peers_find_address(peers, (struct sockaddr *)&address);

	return peer == NULL ? 0 : peer->nodeid;
}

START_TEST(an_address_leads_to_its_node_whatever_the_port)
{
	struct peers peers;

	peers_init(&peers);
	ck_assert_int_eq(add(&peers, 3, false, "10.0.0.3", 5405), 0);
	ck_assert_int_eq(add(&peers, 1, true, "10.0.0.1", 5405), 0);
	ck_assert_int_eq(add(&peers, 2, false, "fd00::2", 5405), 0);
	ck_assert_uint_eq(find(&peers, "10.0.0.3", 40000), 3);
	ck_assert_uint_eq(find(&peers, "10.0.0.1", 5405), 1);
	ck_assert_uint_eq(find(&peers, "fd00::2", 1), 2);
	ck_assert_uint_eq(find(&peers, "10.0.0.4", 5405), 0);
	ck_assert_uint_eq(find(&peers, "fd00::3", 5405), 0);
	/* The bytes of 10.0.0.3 in an IPv6 address are another address. */
	ck_assert_uint_eq(find(&peers, "::ffff:10.0.0.3", 5405), 0);
	peers_fini(&peers);
}
END_TEST

START_TEST(nodes_on_one_address_are_told_apart_by_port_and_the_local_one_comes_last)
{
	struct peers peers;

	peers_init(&peers);
	ck_assert_int_eq(add(&peers, 1, true, "::1", 5405), 0);
	ck_assert_int_eq(add(&peers, 2, false, "::1", 5406), 0);
	ck_assert_int_eq(add(&peers, 3, false, "::1", 5407), 0);
	ck_assert_uint_ne(find(&peers, "::1", 9), 1);
	ck_assert_uint_eq(find(&peers, "::1", 5405), 1);
	ck_assert_uint_eq(find(&peers, "::1", 5407), 3);
	ck_assert_uint_eq(find(&peers, "::1", 5406), 2);
	ck_assert_uint_ne(find(&peers, "::1", 9), 1);
	peers_fini(&peers);
}
END_TEST

START_TEST(the_table_refuses_what_it_cannot_hold)
{
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct peers peers;

	peers_init(&peers);
	ck_assert_int_eq(peers_add(&peers, 1, false, &local), -EAFNOSUPPORT);
	ck_assert_int_eq(add(&peers, 1, false, "10.0.0.1", 1), 0);
	ck_assert_int_eq(add(&peers, 1, false, "10.0.0.2", 1), -EEXIST);
	ck_assert_int_eq(peers_del(&peers, 2), -ENOENT);
	ck_assert_int_eq(peers_del(&peers, 1), 0);
	ck_assert_ptr_null(peers_find(&peers, 1));
	ck_assert_uint_eq(find(&peers, "10.0.0.1", 1), 0);
	peers_fini(&peers);
}
END_TEST

START_TEST(a_batch_goes_to_the_successor_first)
{
	static const uint32_t ids[] = {40, 10, 30, 20, 50};
	static const uint32_t want[] = {40, 50, 10, 20, 30};
	struct peers peers;

	peers_init(&peers);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(add(&peers, ids[i], ids[i] == 30, "10.0.0.1", 1), 0);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(peers_in_ring_order(&peers, i)->nodeid, want[i]);
	peers_fini(&peers);
}
END_TEST

START_TEST(hundreds_of_nodes_come_and_go)
{
	struct peers peers;

	peers_init(&peers);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_int_eq(add(&peers, (i * 7919) % 1000 + 1, false, "10.0.0.1", 1), 0);
	for (uint32_t i = 1; i <= 1000; i++)
		ck_assert_uint_eq(peers_find(&peers, i)->nodeid, i);
	for (uint32_t i = 1; i <= 1000; i += 2)
		ck_assert_int_eq(peers_del(&peers, i), 0);
	ck_assert_uint_eq(peers.count, 500);
	for (uint32_t i = 0; i < 500; i++)
		ck_assert_uint_eq(peers.list[i].nodeid, 2 * (i + 1));
	peers_fini(&peers);
}
END_TEST

START_TEST(addresses_are_written_with_their_port)
{
	static const struct {
		const char *address, *want;
	} rows[] = {{"10.0.0.1", "10.0.0.1:5405"}, {"fd00::1", "[fd00::1]:5405"}};
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage address = at(rows[i].address, 5405);

		ck_assert_str_eq(address_text((struct sockaddr *)&address, text), rows[i].want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peers");
	TCase *tcase = tcase_create("peers");

	tcase_add_test(tcase, an_address_leads_to_its_node_whatever_the_port);
	tcase_add_test(tcase, nodes_on_one_address_are_told_apart_by_port_and_the_local_one_comes_last);
	tcase_add_test(tcase, the_table_refuses_what_it_cannot_hold);
	tcase_add_test(tcase, a_batch_goes_to_the_successor_first);
	tcase_add_test(tcase, hundreds_of_nodes_come_and_go);
	tcase_add_test(tcase, addresses_are_written_with_their_port);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
