/* SPDX-License-Identifier: BSD-3-Clause */
/* New keys and ciphers of the plugins udp and udpu (one program for each) between mock hosts, with real sockets. */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/secure/udp_secure_case.h"

static void all_talk(void)
{
	nodes_settle();
	for (uint32_t from = 0; from < NODES; from++) {
		uint32_t had[NODES];

		for (uint32_t i = 0; i < NODES; i++)
			had[i] = hosts[i]->frames.count;
		multicast(from, 100, 3);
		for (uint32_t i = 0; i < NODES; i++)
			if (i != from)
				receive(i, had[i] + 3);
	}
}

/* Let the first `count` nodes load a key that they do not send with yet. */
static void offer_key(const char *bytes, uint32_t count)
{
	ring_key = bytes;
	for (uint32_t i = 0; i < count; i++) {
		node_encrypt(i);
		ck_assert_int_eq(ops->reload(nodes[i]), COTERIE_RELOAD_REKEY);
	}
	nodes_settle();
}

/* Change the keys on one node after the other. All nodes still receive each other's frames in between. */
static void change(const char *word, const char *bytes)
{
	uint32_t before = ops->overhead(nodes[0]), after = word == NULL ? 0 : sealed_overhead();
	uint32_t most = before > after ? before : after;

	encryption = word;
	ring_key = bytes;
	for (uint32_t i = 0; i < NODES; i++) {
		node_encrypt(i);
		ck_assert_int_eq(ops->reload(nodes[i]), COTERIE_RELOAD_REKEY);
		ck_assert_uint_eq(ops->overhead(nodes[i]), most);
		all_talk();
	}
	for (uint32_t phase = COTERIE_REKEY_ACTIVATE; phase <= COTERIE_REKEY_CLEANUP; phase++) {
		for (uint32_t i = 0; i < NODES; i++) {
			ck_assert_int_eq(ops->rekey(nodes[i], phase), 0);
			ck_assert_uint_eq(ops->overhead(nodes[i]), phase == COTERIE_REKEY_CLEANUP ? after : most);
			all_talk();
		}
	}
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), -EINVAL);
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
}

START_TEST(keys_change_and_no_frame_is_lost)
{
	change("aes256-gcm", other_key);
	change("aes256-gcm", key);
	change("chacha20-poly1305", key);
	change("aes256-gcm", key);
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t peer = 1; peer <= NODES; peer++)
			if (peer != i + 1)
				ck_assert_uint_eq(counts(i, peer)->forged, 0);
}
END_TEST

/* These are the texts that coterie-ctl key status prints. */
START_TEST(a_statistic_names_cipher_and_key)
{
	char text[256], first[64], want[160];
	struct udp_link *link = nodes[0];

	ck_assert_uint_eq(udp_link_encryption(link, text), strlen("aes256-gcm 1a2b") + 1);
	snprintf(first, sizeof(first), "aes256-gcm %04x", secure_key_id(link->secure, 1));
	ck_assert_str_eq(text, first);
	udp_link_encryption(nodes[1], text);
	ck_assert_str_eq(text, first);
	encryption = "chacha20-poly1305";
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	udp_link_encryption(link, text);
	snprintf(want, sizeof(want), "%s -> chacha20-poly1305 %04x", first, secure_key_id(link->secure, 2));
	ck_assert_str_eq(text, want);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), 0);
	udp_link_encryption(link, text);
	ck_assert_str_eq(text, strstr(want, "chacha"));
	encryption = NULL;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	udp_link_encryption(link, text);
	ck_assert_str_eq(text, "none 0000 -> none 0000");
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), 0);
	udp_link_encryption(link, text);
	ck_assert_str_eq(text, "none 0000");
}
END_TEST

/*
 * Nodes exchange questions and answers about new sessions while frames wait in sockets. No frame behind an answer may
 * be lost.
 */
START_TEST(keys_change_while_frames_are_on_their_way)
{
	uint32_t sent = hosts[1]->frames.count;

	for (int round = 0; round < 6; round++) {
		ring_key = round % 2 == 0 ? other_key : key;
		for (uint32_t phase = 0; phase <= COTERIE_REKEY_CLEANUP; phase++) {
			for (uint32_t i = 0; i < NODES; i++) {
				multicast(0, 100, 20);
				sent += 20;
				if (phase > 0) {
					ck_assert_int_eq(ops->rekey(nodes[i], phase), 0);
					continue;
				}
				node_encrypt(i);
				ck_assert_int_eq(ops->reload(nodes[i]), COTERIE_RELOAD_REKEY);
			}
			nodes_settle();
		}
	}
	ck_assert_uint_eq(hosts[1]->frames.count, sent);
}
END_TEST

START_TEST(a_ring_becomes_clear_and_sealed_again)
{
	change(NULL, NULL);
	ck_assert_uint_eq(ops->overhead(nodes[0]), 0);
	change("aes256-gcm", key);
	ck_assert_uint_eq(ops->overhead(nodes[0]), sealed_overhead());

	int fd = stranger_open(address_of(1));

	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(struct sockaddr_in)), 5);
	receive_nothing(0);
	close(fd);
}
END_TEST

/*
 * After a change of the key all connections end with a goodbye, and are made again with the new key: another key, no
 * key, and a key again.
 */
START_TEST(wires_are_proved_again_after_a_change)
{
	static const char *const words[] = {"aes256-gcm", NULL, "chacha20-poly1305"};

	ops->watch(nodes[0], 2);
	serve();
	for (int i = 0; i < 3; i++) {
		uint32_t had = hosts[0]->watches.count, guests_had = hosts[1]->watches.count;

		change(words[i], words[i] == NULL ? NULL : i == 0 ? other_key : key);
		serve();

		uint32_t target = ((struct udp_link *)nodes[0])->rekey.target;

		ck_assert_uint_eq(target == 0, words[i] == NULL);
		ck_assert_uint_gt(hosts[0]->watches.count, had);
		ck_assert_uint_eq(last_watch(0), COTERIE_WATCH_ON);
		ck_assert_uint_eq(last_watch(1), COTERIE_WATCH_ON);
		ck_assert_uint_eq(wire_of(0)->proof.key, target);
		ck_assert_uint_eq(guest_of(1)->proof.key, target);
		for (; had < hosts[0]->watches.count; had++)
			ck_assert_mem_ne(hosts[0]->watches.list[had].data, &(uint32_t){COTERIE_WATCH_BROKEN}, 4);
		for (; guests_had < hosts[1]->watches.count; guests_had++)
			ck_assert_mem_ne(hosts[1]->watches.list[guests_had].data, &(uint32_t){COTERIE_WATCH_BROKEN}, 4);
	}
}
END_TEST

START_TEST(the_old_key_is_good_for_nothing_after_the_change)
{
	offer_key(other_key, 2);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_int_eq(ops->rekey(nodes[i], COTERIE_REKEY_ACTIVATE), 0);
		ck_assert_int_eq(ops->rekey(nodes[i], COTERIE_REKEY_CLEANUP), 0);
	}
	multicast(2, 100, 3); /* sent with the old key */
	receive_nothing(0);
	ck_assert_uint_ge(counts(0, 3)->forged, 3);
}
END_TEST

START_TEST(a_change_that_is_taken_back_ends_as_it_began)
{
	ring_key = other_key;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	ring_key = key;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	all_talk();
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), -EINVAL);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), 0);
	all_talk();
}
END_TEST

/* Send a datagram in clear to node 1, from the address of node 2. @return whether it was handed up */
static bool is_clear_heard(void)
{
	uint32_t had = hosts[0]->frames.count;
	int fd = stranger_open(address_of(1));

	ck_assert_int_eq(sendto(fd, "hello", 5, 0, address_of(0), sizeof(struct sockaddr_in)), 5);
	nodes_settle();
	close(fd);
	return hosts[0]->frames.count > had;
}

/* Reload node 1 with this word, and with the present key. */
static void begin(const char *word)
{
	encryption = word;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
}

/* No node sends in clear yet. So the reload that takes the change back ends it, and not the steps that follow. */
START_TEST(a_change_to_clear_that_is_taken_back_ends_at_once)
{
	ck_assert(!is_clear_heard());
	begin(NULL);
	ck_assert(is_clear_heard());
	begin("aes256-gcm");
	ck_assert(!is_clear_heard());
	all_talk();
}
END_TEST

/* The same behind ACTIVATE of another key, with which other nodes do not send yet. */
START_TEST(a_change_to_clear_that_is_taken_back_leaves_the_old_key)
{
	offer_key(other_key, NODES);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	begin(NULL);
	ck_assert(is_clear_heard());
	begin("aes256-gcm");
	ck_assert(!is_clear_heard());
	all_talk();
}
END_TEST

/* Node 1 has gone over to a key, and others still send in clear. They are heard until CLEANUP, whatever is reloaded. */
START_TEST(nodes_in_clear_are_heard_until_all_have_gone_over)
{
	change(NULL, NULL);
	ring_key = key;
	begin("aes256-gcm");
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	begin(NULL);
	begin("aes256-gcm");
	ck_assert(is_clear_heard());
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	begin(NULL);
	begin("aes256-gcm");
	ck_assert(is_clear_heard());
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), 0);
	ck_assert(!is_clear_heard());
	begin(NULL);
	begin("aes256-gcm");
	ck_assert(!is_clear_heard());
}
END_TEST

/* Node 1 sends with the new key, while the others still send with the old one. */
START_TEST(a_third_key_waits_until_the_old_one_is_not_used)
{
	offer_key(other_key, NODES);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ring_key = "a third key";
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), -EBUSY);
	ck_assert(mock_host_has_logged(hosts[0], "reload again when the change is over"));
	all_talk();
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_CLEANUP), 0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
}
END_TEST

/* The old key is clear traffic: some nodes still send in clear. */
START_TEST(a_second_key_waits_until_nobody_sends_in_clear)
{
	change(NULL, NULL);
	encryption = "aes256-gcm";
	offer_key(key, NODES);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ring_key = other_key;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), -EBUSY);
	all_talk();
}
END_TEST

/* A second key replaces one that was not used, and then the file has one that cannot be loaded. */
START_TEST(a_ring_in_clear_that_gives_a_change_up_goes_on)
{
	change(NULL, NULL);
	encryption = "aes256-gcm";
	ring_key = key;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	ring_key = other_key;
	node_encrypt(0);
	ck_assert_int_eq(ops->reload(nodes[0]), COTERIE_RELOAD_REKEY);
	encryption = "rot13";
	node_encrypt(0);
	ck_assert_int_lt(ops->reload(nodes[0]), 0);
	ck_assert_uint_eq(ops->overhead(nodes[0]), 0);
	all_talk();
}
END_TEST

START_TEST(a_change_goes_back_to_the_old_key_that_is_still_held)
{
	offer_key(other_key, NODES);
	ck_assert_int_eq(ops->rekey(nodes[0], COTERIE_REKEY_ACTIVATE), 0);
	ring_key = key;
	for (uint32_t i = 0; i < NODES; i++) {
		node_encrypt(i);
		ck_assert_int_eq(ops->reload(nodes[i]), COTERIE_RELOAD_REKEY);
		all_talk();
	}
	for (uint32_t phase = COTERIE_REKEY_ACTIVATE; phase <= COTERIE_REKEY_CLEANUP; phase++)
		for (uint32_t i = 0; i < NODES; i++) {
			ck_assert_int_eq(ops->rekey(nodes[i], phase), 0);
			all_talk();
		}
}
END_TEST

START_TEST(without_a_key_the_transport_does_not_open)
{
	void *self;

	node_close(0);
	hosts[0] = mock_host_create(&UNDER_TEST);
	ring_key = NULL;
	node_encrypt(0);
	ck_assert_int_eq(ops->open(&hosts[0]->table, hosts[0], &self), -ENODATA);
	ck_assert(mock_host_has_logged(hosts[0], "encryption cannot be set up"));
	hosts[0]->table.map_set(hosts[0], "totem.encryption", COTERIE_MAP_STRING, "rot13", 6);
	ck_assert_int_eq(ops->open(&hosts[0]->table, hosts[0], &self), -EINVAL);
	ck_assert_uint_eq(mock_host_destroy(hosts[0]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp_secure_keys");
	TCase *changes = tcase_create("changes");

	tcase_add_checked_fixture(changes, udp_secure_set_up, udp_secure_tear_down);
	tcase_add_test(changes, keys_change_and_no_frame_is_lost);
	tcase_add_test(changes, a_statistic_names_cipher_and_key);
	tcase_add_test(changes, keys_change_while_frames_are_on_their_way);
	tcase_add_test(changes, a_ring_becomes_clear_and_sealed_again);
	tcase_add_test(changes, wires_are_proved_again_after_a_change);
	tcase_add_test(changes, the_old_key_is_good_for_nothing_after_the_change);
	tcase_add_test(changes, a_change_that_is_taken_back_ends_as_it_began);
	tcase_add_test(changes, a_change_to_clear_that_is_taken_back_ends_at_once);
	tcase_add_test(changes, a_change_to_clear_that_is_taken_back_leaves_the_old_key);
	tcase_add_test(changes, nodes_in_clear_are_heard_until_all_have_gone_over);
	tcase_add_test(changes, a_third_key_waits_until_the_old_one_is_not_used);
	tcase_add_test(changes, a_second_key_waits_until_nobody_sends_in_clear);
	tcase_add_test(changes, a_ring_in_clear_that_gives_a_change_up_goes_on);
	tcase_add_test(changes, a_change_goes_back_to_the_old_key_that_is_still_held);
	tcase_add_test(changes, without_a_key_the_transport_does_not_open);
	suite_add_tcase(suite, changes);
	return suite_run(suite);
}
