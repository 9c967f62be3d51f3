/* SPDX-License-Identifier: BSD-3-Clause */
/* The knet plugin's keys: which nodes receive each other's frames, and changes of keys while frames are sent. */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/knet/knet_nodes.h"

static struct knet_nodes nodes;

/* The last value that libknet got. */
static uint8_t clear_allowed;

int knet_handle_crypto_rx_clear_traffic(knet_handle_t handle, uint8_t value)
{
	int (*real)(knet_handle_t, uint8_t) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "knet_handle_crypto_rx_clear_traffic");
	clear_allowed = value;
	return real(handle, value);
}

static bool is_connected(struct knet_nodes *all, uint32_t links) { return knet_is_connected(all, links); }

static void set_up(void) { knet_nodes_init(&nodes); }

static void tear_down(void) { knet_nodes_fini(&nodes); }

static void start(void)
{
	knet_nodes_start(&nodes, 1, 2);
	ck_assert(knet_wait(&nodes, is_connected, 1));
}

/* Send frames in both directions, and count those that arrive. */
static void talk(uint32_t count)
{
	for (uint32_t node = 0; node < 2; node++) {
		uint32_t had = nodes.list[1 - node].host->frames.count;

		ck_assert_int_eq(knet_multicast(&nodes, node, 1400, count, 0), (int)count);
		knet_receive(&nodes, 1 - node, had + count);
	}
}

static int reload(uint32_t node) { return nodes.ops->reload(nodes.list[node].mesh); }

static int rekey(uint32_t node, uint32_t phase) { return nodes.ops->rekey(nodes.list[node].mesh, phase); }

static void set_clear(uint32_t node)
{
	knet_set_text(&nodes, node, "totem.crypto_cipher", "none");
	knet_set_text(&nodes, node, "totem.crypto_hash", "none");
	nodes.list[node].key_size = 0;
}

START_TEST(nodes_with_one_key_talk_whatever_their_modules)
{
	knet_set_key(&nodes, 0, "openssl", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	talk(50);
	ck_assert(mock_host_has_logged(nodes.list[0].host, "openssl/aes256/sha256"));
}
END_TEST

START_TEST(secauth_alone_means_aes256_and_sha256)
{
	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_text(&nodes, 1, "totem.secauth", "on");
	nodes.list[1].key_size = 200;
	memset(nodes.list[1].key, 7, 200);
	start();
	talk(5);
}
END_TEST

static bool has_refused(struct knet_nodes *all, uint32_t node)
{
	return mock_host_has_logged(all->list[node].host, "packet refused");
}

/* Node 1 has a key of its own, and node 2 has another key or none. */
static const struct {
	const char *name;
	int value; /* value of node 2's key, or 0 for none */
	uint32_t size;
} others[] = {
	{"another key", 8, 200},
	{"a truncated key", 7, 199},
	{"a longer key", 7, 201},
	{"no key", 0, 0},
};

START_TEST(a_node_with_another_key_is_refused_with_one_line)
{
	struct coterie_ctx *host = nodes.list[0].host;
	uint32_t lines = 0;

	knet_set_key(&nodes, 0, "openssl", 7);
	if (others[_i].value != 0) {
		knet_set_key(&nodes, 1, "openssl", others[_i].value);
		memset(nodes.list[1].key, others[_i].value, sizeof(nodes.list[1].key));
		nodes.list[1].key_size = others[_i].size;
	}
	knet_nodes_start(&nodes, 1, 2);
	ck_assert_msg(knet_wait(&nodes, has_refused, 0), "%s: node 1 does not say", others[_i].name);
	ck_assert_msg(knet_wait(&nodes, has_refused, 1), "%s: node 2 does not say", others[_i].name);
	ck_assert(!knet_is_connected(&nodes, 1));
	/* More than a minute of the host's time may pass here, so there may be several lines, but only a few. */
	for (uint32_t i = 0; i < host->logs.count; i++)
		lines += strstr((const char *)host->logs.list[i].data, "packet refused") != NULL;
	ck_assert_uint_eq(lines, 1);
}
END_TEST

/* On a busy machine a node at first explains another node's silence with its own lateness, but not for ever. */
START_TEST(a_node_without_a_key_that_is_always_late_says_so)
{
	knet_set_key(&nodes, 0, "openssl", 7);
	knet_nodes_start(&nodes, 1, 2);
	for (int i = 0; i < 8 && !has_refused(&nodes, 1); i++) {
		usleep(1100000);
		knet_serve(&nodes, 5);
	}
	ck_assert(has_refused(&nodes, 1));
}
END_TEST

START_TEST(keys_that_cannot_be_used_are_refused_at_start)
{
	struct coterie_ctx *host = nodes.list[0].host;
	void *self;

	knet_set_key(&nodes, 0, "openssl", 7);
	nodes.list[0].key_size = 127;
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -EINVAL);
	nodes.list[0].key_size = 0;
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -ENODATA);
	nodes.list[0].key_size = 200;
	knet_set_text(&nodes, 0, "totem.crypto_model", "nonesuch");
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -EINVAL);
	ck_assert(mock_host_has_logged(host, "encryption cannot be set up"));
	host->table.size = offsetof(struct coterie_host, key_get);
	ck_assert_int_eq(nodes.ops->open(&host->table, host, &self), -ENOTSUP);
	ck_assert(mock_host_has_logged(host, "this executive gives no keys"));
}
END_TEST

START_TEST(keys_change_without_a_gap)
{
	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	ck_assert_int_eq(reload(0), 0); /* the configuration has no new key */
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_ACTIVATE), -EINVAL);
	for (int value = 8; value < 13; value++) {
		const char *model = value % 2 == 0 ? "openssl" : "nss";

		for (uint32_t node = 0; node < 2; node++) {
			knet_set_key(&nodes, node, model, value);
			ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
			ck_assert_int_eq(reload(node), 0); /* loads the same key again */
			ck_assert_int_eq(rekey(node, COTERIE_REKEY_CLEANUP), -EINVAL);
			talk(3);
		}
		for (uint32_t node = 0; node < 2; node++) {
			ck_assert_int_eq(rekey(node, COTERIE_REKEY_ACTIVATE), 0);
			ck_assert_int_eq(rekey(node, COTERIE_REKEY_ACTIVATE), -EINVAL);
			talk(3);
		}
		for (uint32_t node = 0; node < 2; node++) {
			ck_assert_int_eq(rekey(node, COTERIE_REKEY_CLEANUP), 0);
			ck_assert_int_eq(rekey(node, COTERIE_REKEY_CLEANUP), -EINVAL);
			talk(3);
		}
	}
	ck_assert(!has_refused(&nodes, 0));
	ck_assert(!has_refused(&nodes, 1));
	ck_assert(mock_host_has_logged(nodes.list[0].host, "reconfigured on index 2: openssl"));
}
END_TEST

static void turn(uint32_t phase)
{
	for (uint32_t node = 0; node < 2; node++) {
		ck_assert_int_eq(rekey(node, phase), 0);
		talk(3);
	}
}

START_TEST(encryption_comes_and_goes)
{
	struct knet_handle_stats stats;

	start();
	talk(3);
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 7);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
		talk(3);
	}
	turn(COTERIE_REKEY_ACTIVATE);
	turn(COTERIE_REKEY_CLEANUP);
	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	ck_assert_uint_gt(stats.tx_crypt_packets, 3);

	for (uint32_t node = 0; node < 2; node++) {
		set_clear(node);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
		talk(3);
	}
	turn(COTERIE_REKEY_ACTIVATE);
	turn(COTERIE_REKEY_CLEANUP);
	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	uint64_t before = stats.tx_crypt_packets;

	talk(3);
	knet_handle_get_stats(nodes.list[0].mesh->handle, &stats, sizeof(stats));
	ck_assert_uint_eq(stats.tx_crypt_packets, before);
}
END_TEST

/* When the next reload comes, node 2 has done more phases than node 1. Both must start the change again. */
START_TEST(a_change_in_the_middle_of_a_change_begins_anew)
{
	static const int next[] = {7, 9}; /* key of the next change: the old one, or a third one */
	int value = next[_i];

	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 8);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
	}
	if (value == 7)
		ck_assert_int_eq(rekey(1, COTERIE_REKEY_ACTIVATE), 0);
	talk(3);
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", value);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
		talk(3);
	}
	turn(COTERIE_REKEY_ACTIVATE);
	turn(COTERIE_REKEY_CLEANUP);
	ck_assert_int_eq(reload(0), 0);
}
END_TEST

START_TEST(keys_that_cannot_be_used_change_nothing)
{
	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	knet_set_text(&nodes, 0, "totem.crypto_cipher", "nonesuch");
	knet_set_number(&nodes, 0, "totem.interface.0.knet_link_priority", 9);
	ck_assert_int_lt(reload(0), 0);
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_ACTIVATE), -EINVAL);
	talk(5);

	uint8_t priority;

	knet_link_get_priority(nodes.list[0].mesh->handle, 2, 0, &priority);
	ck_assert_uint_eq(priority, 1); /* the other settings of the link have not changed */
	knet_set_key(&nodes, 0, "nss", 7);
	ck_assert_int_eq(reload(0), 0);
	talk(5);
}
END_TEST

/* The keys of a change that does not end are replaced by ones that cannot be loaded, and come back. */
START_TEST(a_change_begins_again_after_keys_that_cannot_be_used)
{
	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	knet_set_key(&nodes, 0, "nss", 8);
	ck_assert_int_eq(reload(0), COTERIE_RELOAD_REKEY);
	knet_set_text(&nodes, 0, "totem.crypto_cipher", "nonesuch");
	ck_assert_int_lt(reload(0), 0);
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_ACTIVATE), -EINVAL);
	talk(3);
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 8);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
	}
	turn(COTERIE_REKEY_ACTIVATE);
	turn(COTERIE_REKEY_CLEANUP);
	talk(3);
}
END_TEST

static uint64_t quiet_ns(void)
{
	struct coterie_ctx *host = nodes.list[0].host;
	uint64_t now_ns = host->table.now_ns(host), until_ns = nodes.list[0].mesh->crypto.quiet_ns;

	return until_ns > now_ns ? until_ns - now_ns : 0;
}

/*
 * While keys change, packets with another key are usual. That holds for a while, not for a change that waits for ever or
 * was given up.
 */
START_TEST(a_change_that_does_not_end_hides_no_other_key)
{
	knet_set_key(&nodes, 0, "nss", 7);
	knet_set_key(&nodes, 1, "nss", 7);
	start();
	knet_set_key(&nodes, 0, "nss", 8);
	ck_assert_int_eq(reload(0), COTERIE_RELOAD_REKEY);
	ck_assert_uint_gt(quiet_ns(), 10000 * MS);
	if (_i == 1) {
		knet_set_text(&nodes, 0, "totem.crypto_cipher", "nonesuch");
		ck_assert_int_lt(reload(0), 0);
	}
	knet_node_stop(&nodes, 1);
	knet_set_key(&nodes, 1, "nss", 9);
	mock_host_advance(nodes.list[0].host, 30000 * MS);
	knet_node_start(&nodes, 1, 1, 2);
	ck_assert(knet_wait(&nodes, has_refused, 0));
}
END_TEST

/* Other nodes may do each step a little later. */
START_TEST(each_step_of_a_change_is_quiet)
{
	for (uint32_t node = 0; node < 2; node++)
		knet_set_key(&nodes, node, "nss", 7);
	start();
	ck_assert_uint_eq(quiet_ns(), 0);
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 8);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
	}
	mock_host_advance(nodes.list[0].host, 30000 * MS);
	ck_assert_uint_eq(quiet_ns(), 0);
	turn(COTERIE_REKEY_ACTIVATE);
	ck_assert_uint_gt(quiet_ns(), 10000 * MS);
	turn(COTERIE_REKEY_CLEANUP);
	ck_assert_uint_gt(quiet_ns(), 0);
	ck_assert_uint_lt(quiet_ns(), 10000 * MS);
}
END_TEST

/* Node 1 sends with the new key, while node 2 still sends with the old one. */
START_TEST(a_third_key_waits_until_the_old_one_is_not_used)
{
	for (uint32_t node = 0; node < 2; node++)
		knet_set_key(&nodes, node, "nss", 7);
	start();
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 8);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
	}
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_ACTIVATE), 0);
	knet_set_key(&nodes, 0, "nss", 9);
	ck_assert_int_eq(reload(0), -EBUSY);
	ck_assert(mock_host_has_logged(nodes.list[0].host, "reload again when the change is over"));
	talk(3);
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_CLEANUP), 0);
	ck_assert_int_eq(reload(0), COTERIE_RELOAD_REKEY);
}
END_TEST

/* Node 1 sends with the first key, while node 2 still sends in clear. */
START_TEST(a_second_key_waits_until_nobody_sends_in_clear)
{
	start();
	for (uint32_t node = 0; node < 2; node++) {
		knet_set_key(&nodes, node, "nss", 7);
		ck_assert_int_eq(reload(node), COTERIE_RELOAD_REKEY);
	}
	ck_assert_int_eq(rekey(0, COTERIE_REKEY_ACTIVATE), 0);
	knet_set_key(&nodes, 0, "nss", 8);
	ck_assert_int_eq(reload(0), -EBUSY);
	ck_assert_uint_eq(clear_allowed, KNET_CRYPTO_RX_ALLOW_CLEAR_TRAFFIC);
	talk(3);
}
END_TEST

/* A change to clear that does not end is followed by one to another key: clear packets are not accepted any more. */
START_TEST(clear_packets_are_refused_again_by_the_next_change)
{
	for (uint32_t node = 0; node < 2; node++)
		knet_set_key(&nodes, node, "nss", 7);
	start();
	set_clear(0);
	ck_assert_int_eq(reload(0), COTERIE_RELOAD_REKEY);
	ck_assert_uint_eq(clear_allowed, KNET_CRYPTO_RX_ALLOW_CLEAR_TRAFFIC);
	knet_set_key(&nodes, 0, "nss", 8);
	ck_assert_int_eq(reload(0), COTERIE_RELOAD_REKEY);
	ck_assert_uint_eq(clear_allowed, KNET_CRYPTO_RX_DISALLOW_CLEAR_TRAFFIC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("knet_keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nodes_with_one_key_talk_whatever_their_modules);
	tcase_add_test(tcase, secauth_alone_means_aes256_and_sha256);
	tcase_add_loop_test(tcase, a_node_with_another_key_is_refused_with_one_line, 0, 4);
	tcase_add_test(tcase, a_node_without_a_key_that_is_always_late_says_so);
	tcase_add_test(tcase, keys_that_cannot_be_used_are_refused_at_start);
	tcase_add_test(tcase, keys_change_without_a_gap);
	tcase_add_test(tcase, encryption_comes_and_goes);
	tcase_add_loop_test(tcase, a_change_in_the_middle_of_a_change_begins_anew, 0, 2);
	tcase_add_test(tcase, keys_that_cannot_be_used_change_nothing);
	tcase_add_test(tcase, a_change_begins_again_after_keys_that_cannot_be_used);
	tcase_add_loop_test(tcase, a_change_that_does_not_end_hides_no_other_key, 0, 2);
	tcase_add_test(tcase, each_step_of_a_change_is_quiet);
	tcase_add_test(tcase, a_third_key_waits_until_the_old_one_is_not_used);
	tcase_add_test(tcase, a_second_key_waits_until_nobody_sends_in_clear);
	tcase_add_test(tcase, clear_packets_are_refused_again_by_the_next_change);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
