/* SPDX-License-Identifier: BSD-3-Clause */
/* Key rotation: all nodes load the new key of the ring, or none does (services/cfg/rotate.c and wrap.c). */
#include "tests/unit/services/cfg/agree_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cfg/cfg.h"

static const char old_key[] = "the key of this ring, which is in use";

static void start_encrypted(void)
{
	begin("");
	for (uint32_t i = 1; i <= 4; i++)
		mock_key(host(i), old_key, sizeof(old_key));
}

static void set_node_list(uint32_t nodeid, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = i + 1;
		char key[64];

		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		host(nodeid)->table.map_set(host(nodeid), key, COTERIE_MAP_U32, &id, sizeof(id));
	}
}

static int send_request(uint32_t nodeid, uint32_t flags)
{
	struct cfg_req_key_rotate req = {.flags = flags};

	return service_user_send(&users[nodeid], CFG_REQ_KEY_ROTATE, &req, sizeof(req));
}

static void rotate(uint32_t nodeid) { ck_assert_int_eq(send_request(nodeid, 0), COTERIE_LATER); }

/* Check that a rotation is refused before any message is sent. */
static void expect_refused(uint32_t nodeid, uint32_t flags, const char *want)
{
	uint32_t sent = host(nodeid)->sent.count;

	ck_assert_int_eq(send_request(nodeid, flags), COTERIE_REPLIED);
	ck_assert_str_eq(report(nodeid), want);
	ck_assert_uint_eq(host(nodeid)->sent.count, sent);
}

/* Return how many new keys each node has loaded: "1 1 0 0". */
static const char *key_commits(void)
{
	static char text[64];

	text[0] = '\0';
	for (uint32_t i = 1; i <= 4; i++)
		sprintf(text + strlen(text), i == 1 ? "%d" : " %d", host(i) != NULL ? (int)host(i)->key_commits : -1);
	return text;
}

static void expect_old_key(const char *nodes)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ') {
			uint32_t nodeid = (uint32_t)(*at - '0');

			ck_assert_uint_eq(host(nodeid)->key_commits, 0);
			ck_assert_uint_eq(host(nodeid)->key_size, sizeof(old_key));
			expect_kept(nodeid, false);
		}
}

static bool has_same_key(uint32_t a, uint32_t b)
{
	return host(a)->key_size == CFG_KEY_SIZE && host(b)->key_size == CFG_KEY_SIZE &&
	       memcmp(host(a)->key, host(b)->key, CFG_KEY_SIZE) == 0;
}

/* ---- The plain case ------------------------------------------------------ */

START_TEST(all_take_the_key_when_the_last_has_stored_it)
{
	form("1 2 3 4");
	rotate(2);
	ck_assert_uint_eq(host(2)->sent.count, 1);
	ck_assert_uint_eq(host(2)->sent.list[0].id, CFG_RING_KEY_ROTATE);
	ck_assert_uint_eq(host(2)->sent.list[0].guarantee, COTERIE_SAFE);
	ck_assert_uint_eq(host(2)->sent.list[0].size, 304);
	run();
	for (uint32_t i = 1; i <= 4; i++) {
		ck_assert(mock_host_has_logged(host(i), "Key rotation requested by node 2"));
		ck_assert_uint_eq(host(i)->prepare_count, 1);
		ck_assert_uint_eq(host(i)->next_key_size, CFG_KEY_SIZE);
		ck_assert_int_eq(memcmp(host(i)->next_key, host(1)->next_key, CFG_KEY_SIZE), 0);
	}
	all_read("3 1 4");
	settle();
	ck_assert_str_eq(key_commits(), "0 0 0 0");
	has_read(2, "");
	ck_assert_str_eq(key_commits(), "0 0 0 0"); /* nodes do not commit inside the delivery of the message */
	ck_assert_int_eq(answer(2), 0);
	settle();
	ck_assert_str_eq(key_commits(), "1 1 1 1");
	ck_assert_str_eq(commits(), "0 0 0 0");
	for (uint32_t i = 1; i <= 4; i++) {
		ck_assert_uint_eq(host(i)->rekey_count, 2); /* the phases "activate" and "clean up" */
		ck_assert(has_same_key(1, i));
	}
	ck_assert_str_eq(report(2), "applied|1:applied |2:applied |3:applied |4:applied ");
	for (uint32_t i = 1; i <= 4; i++)
		ck_assert_uint_eq(mock_host_timers(host(i)), 0);
}
END_TEST

START_TEST(the_client_waits_until_the_old_key_is_forgotten)
{
	form("1 2");
	host(2)->rekey_rc = -EIO;
	rotate(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(key_commits(), "1 1 0 0");
	ck_assert_int_eq(answer(1), 0);
	host(2)->rekey_rc = 0;
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied ");
}
END_TEST

START_TEST(one_rotation_after_another)
{
	form("1 2 3");
	rotate(1);
	rotate(2);
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(key_commits(), "1 1 1 0");
	ck_assert_int_eq(answer(1), OK);
	/*
	 * No node could decrypt the new key of the second rotation: it was encrypted with a key that the first rotation
	 * has replaced.
	 */
	settle();
	ck_assert_str_eq(key_commits(), "1 1 1 0");
	ck_assert_str_eq(report(2), "refused|1:refused the ring's key has changed meanwhile: rotate again"
				    "|2:refused the ring's key has changed meanwhile: rotate again"
				    "|3:refused the ring's key has changed meanwhile: rotate again");
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert(has_same_key(1, i));
}
END_TEST

START_TEST(a_node_alone)
{
	form("1");
	rotate(1);
	run();
	all_read("1");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied ");
	ck_assert_uint_eq(host(1)->key_size, CFG_KEY_SIZE);
}
END_TEST

START_TEST(nodes_of_either_byte_order)
{
	ring.has_swapped = true;
	form("1 2 3");
	rotate(3);
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(report(3), "applied|1:applied |2:applied |3:applied ");
	ck_assert(has_same_key(1, 3));
}
END_TEST

START_TEST(a_reload_waits_for_the_rotation)
{
	form("1 2");
	rotate(1);
	ask(2);
	run();
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	all_read("1 2");
	ck_assert_uint_eq(host(1)->prepare_count, 0);
	settle();
	ck_assert_str_eq(key_commits(), "1 1 0 0");
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_int_eq(answer(2), OK);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------ */

/* Try all combinations of ready and refused. */
START_TEST(all_or_none)
{
	uint32_t refusing = (uint32_t)_i;

	form("1 2 3");
	rotate(1);
	run();
	for (uint32_t i = 1; i <= 3; i++)
		has_read(i, (refusing & 1u << i) != 0 ? "disk full" : "");
	settle();
	if ((refusing & 14) == 0) {
		ck_assert_str_eq(key_commits(), "1 1 1 0");
		return;
	}
	expect_old_key("1 2 3");
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(host(i)->key_drops, (refusing & 1u << i) == 0);
		ck_assert(mock_host_has_logged(host(i), "Key rotation refused, the ring keeps its key: node "));
		ck_assert_ptr_null(mock_map_string(host(i), "config.reload_error_message"));
	}
	ck_assert_ptr_nonnull(strstr(report(1), "refused disk full"));
}
END_TEST

START_TEST(a_ring_in_clear)
{
	mock_key(host(1), NULL, 0);
	form("1 2");
	expect_refused(1, 0, "refused|1:refused the ring is not encrypted: it has no key");
}
END_TEST

START_TEST(nodes_of_corosyncs)
{
	form("1 2");
	host(1)->is_safe_kept = 0;
	expect_refused(1, 0,
		"refused|1:refused nodes of Corosync's are in the ring: change the key file of each node, "
		"then reload");
}
END_TEST

/* A node of Corosync joins before the request is delivered. */
START_TEST(nodes_of_corosyncs_that_join)
{
	form("1 2");
	rotate(1);
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	run();
	ck_assert_ptr_nonnull(strstr(report(1), "refused|1:refused nodes of Corosync's are in the ring"));
	settle();
	expect_old_key("1 2");
}
END_TEST

START_TEST(absent_nodes_are_named)
{
	set_node_list(1, 4);
	form("1 3");
	expect_refused(1, 0,
		"refused|1:refused nodes of the node list are not in the ring: 2 4; --force leaves them "
		"out|2:absent |4:absent ");
}
END_TEST

START_TEST(absent_nodes_are_left_out_by_force)
{
	set_node_list(1, 3);
	form("1 2");
	ck_assert_int_eq(send_request(1, CFG_ROTATE_FORCE), COTERIE_LATER);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:absent ");
}
END_TEST

/* A node leaves between the request and its delivery. */
START_TEST(nodes_that_leave_meanwhile_are_absent)
{
	set_node_list(1, 3);
	form("1 2 3");
	rotate(1);
	struct mock_queue sent = host(1)->sent; /* messages that the ring has not delivered are sent in the
						 * next ring */

	ck_assert_uint_eq(sent.count, 1);
	form("1 2");
	run();
	if (answer(1) == 0) {
		all_read("2");
		settle();
	}
	ck_assert_ptr_nonnull(strstr(report(1), "refused|1:refused "));
	ck_assert_ptr_nonnull(strstr(report(1), "|3:absent "));
	expect_old_key("1 2");
}
END_TEST

START_TEST(a_change_of_keys_that_is_under_way)
{
	form("1 2");
	mock_rekey(host(1));
	run();
	ck_assert_int_eq(send_request(1, 0), COTERIE_REPLIED);
	ck_assert_ptr_nonnull(strstr(report(1), "a change of the ring's keys is under way (new keys are loaded)"));
}
END_TEST

START_TEST(a_change_that_is_stuck_on_another_node)
{
	form("1 2");
	mock_rekey(host(2));
	run();
	pass(6000);
	rotate(1);
	run();
	has_read(1, "");
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:refused a change of the ring's keys is under way (new keys are "
				    "loaded)");
	expect_old_key("1 2");
}
END_TEST

START_TEST(a_node_with_another_key_file)
{
	form("1 2");
	mock_key(host(2), "another", 8);
	rotate(1);
	run();
	ck_assert_uint_eq(host(2)->prepare_count, 0);
	has_read(1, "");
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:refused the key file of this node is not that of node 1");
	expect_kept(1, false);
}
END_TEST

/* Older builds do not know rotations and drop the message. */
START_TEST(a_node_that_does_not_know_rotations)
{
	form("1 2 3");
	host(2)->table.key_prepare = NULL;
	rotate(1);
	run();
	all_read("1 3");
	pass(4000);
	ck_assert_int_eq(answer(1), 0);
	pass(2000);
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:no-answer |3:ready ");
	ck_assert(mock_host_has_logged(
		host(3), "the ring keeps its key: nodes do not answer, or run a build that cannot rotate keys: 2"));
	/* Node 1 sent no order to continue without node 2. */
	ck_assert(!mock_host_has_logged(host(1), "an order about a key"));
	expect_old_key("1 2 3");
	host(1)->table.key_prepare = NULL;
	ck_assert_int_eq(send_request(1, 0), -ENOTSUP);
}
END_TEST

START_TEST(a_node_that_never_stores_the_key)
{
	form("1 2");
	rotate(1);
	run();
	has_read(1, "");
	pass(59000);
	ck_assert_int_eq(answer(1), 0);
	pass(2000);
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:no-answer ");
	ck_assert(mock_host_has_logged(host(2), "nodes have not stored the key in time: 2"));
	has_read(2, ""); /* too late */
	expect_old_key("1 2");
}
END_TEST

START_TEST(an_order_to_leave_silent_nodes_out_is_ignored)
{
	struct cfg_ring_reload_order order = {.number = 1, .order = CFG_ORDER_WITHOUT};
	struct iovec iov = {(uint8_t *)&order + sizeof(order.header), sizeof(order) - sizeof(order.header)};

	form("1 2");
	host(2)->table.key_prepare = NULL;
	rotate(1);
	run();
	for (int i = 0; i < 4; i++)
		mock_queue_add(&host(1)->sent, CFG_RING_RELOAD_ORDER, &iov, 1);
	run();
	has_read(1, "");
	settle();
	expect_kept(1, true);
	ck_assert_str_eq(key_commits(), "0 0 0 0");
	ck_assert(mock_host_has_logged(host(1), "an order about a key of a reload makes no sense"));
	pass(6000);
	settle();
	expect_old_key("1 2");
}
END_TEST

/* ---- After the decision -------------------------------------------------- */

START_TEST(a_key_file_that_cannot_be_renamed)
{
	form("1 2");
	host(2)->key_commit_rc = -EIO;
	rotate(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:failed no room");
	ck_assert(has_same_key(1, 2)); /* node 2 changes the key like the others */
}
END_TEST

START_TEST(a_node_that_cannot_load_the_key)
{
	form("1 2");
	host(2)->key_commit_rc = -EINVAL;
	rotate(1);
	run();
	all_read("1 2");
	settle();
	ck_assert(mock_host_has_logged(host(2),
		"This node does not use the key that the other nodes have now: copy the key file of another node"));
	pass(6000);
	settle();
	ck_assert_str_eq(report(1), "applied|1:failed the new key is loaded, and not all nodes have it: see the log"
				    "|2:failed no room");
}
END_TEST

START_TEST(a_transport_that_does_not_load_the_key)
{
	form("1");
	host(1)->is_key_ignored = true;
	rotate(1);
	run();
	all_read("1");
	settle();
	ck_assert_str_eq(report(1), "applied|1:failed the transport has not loaded the new key");
}
END_TEST

/* ---- Rings that change --------------------------------------------------- */

START_TEST(a_ring_that_changes_keeps_its_key)
{
	form("1 2 3");
	rotate(1);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	has_read(2, "");
	settle();
	expect_old_key("1 2");
	ck_assert_ptr_nonnull(strstr(report(1), "refused|1:refused the ring has changed: this node keeps its key, and "
						"nodes outside of this ring may have the new one (NAME.next)"));
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	ck_assert_uint_eq(host(1)->key_leaves, 1);
	ck_assert_uint_eq(host(1)->key_drops, 0);
	/* Node 2 had not answered, so no node can have decided to load the key. */
	ck_assert_uint_eq(host(2)->key_drops, 1);
	rotate(1); /* the next rotation works */
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(key_commits(), "1 1 -1 0");
}
END_TEST

START_TEST(a_refused_key_is_removed)
{
	form("1 2");
	rotate(1);
	run();
	has_read(1, "");
	has_read(2, "no");
	settle();
	ck_assert_uint_eq(host(1)->key_drops, 1);
	ck_assert_uint_eq(host(1)->key_leaves, 0);
}
END_TEST

START_TEST(the_asker_leaves)
{
	form("1 2 3");
	rotate(3);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	has_read(2, "");
	settle();
	expect_old_key("1 2");
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

START_TEST(a_decision_stands)
{
	set_node_list(1, 3);
	form("1 2 3");
	rotate(1);
	run();
	all_read("1 2 3");
	form("1 2 | 3"); /* before any node has loaded the key */
	settle();
	settle();
	ck_assert_str_eq(key_commits(), "1 1 1 0");
	ck_assert(has_same_key(1, 3));
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:left ");
}
END_TEST

START_TEST(a_client_that_goes)
{
	form("1 2");
	rotate(1);
	run();
	service_user_close(&users[1]);
	all_read("1 2");
	settle();
	ck_assert_str_eq(key_commits(), "1 1 0 0");
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

START_TEST(a_full_ring)
{
	form("1 2");
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(send_request(1, 0), -EAGAIN);
	host(1)->ring_send_rc = 0;
	settle();
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	expect_old_key("1 2");
}
END_TEST

/* ---- The key on its way -------------------------------------------------- */

static struct cfg wrapper(uint32_t nodeid) { return (struct cfg){.host = &host(nodeid)->table, .ctx = host(nodeid)}; }

START_TEST(a_key_is_opened_by_those_who_have_the_old_one)
{
	struct cfg one = wrapper(1), two = wrapper(2);
	uint8_t key[CFG_KEY_SIZE], found[CFG_KEY_SIZE];
	struct cfg_sealed_key sealed, other;

	memset(key, 'k', sizeof(key));
	ck_assert_int_eq(cfg_wrap_seal(&one, key, &sealed), 0);
	ck_assert_int_eq(cfg_wrap_seal(&one, key, &other), 0);
	ck_assert_int_ne(memcmp(sealed.bytes, other.bytes, sizeof(sealed.bytes)), 0);
	ck_assert_ptr_null(memmem(&sealed, sizeof(sealed), "kkkk", 4));
	ck_assert_int_eq(cfg_wrap_open(&two, 1, &sealed, found), 0);
	ck_assert_int_eq(memcmp(found, key, sizeof(key)), 0);
	ck_assert_int_eq(cfg_wrap_open(&two, 2, &sealed, found), -EBADMSG); /* another sender */
	mock_key(host(2), "another", 8);
	ck_assert_int_eq(cfg_wrap_open(&two, 1, &sealed, found), -EBADMSG);
	mock_key(host(2), NULL, 0);
	ck_assert_int_eq(cfg_wrap_open(&two, 1, &sealed, found), -ENODATA);
	ck_assert_int_eq(cfg_wrap_seal(&two, key, &sealed), -ENODATA);
}
END_TEST

/*
 * Computed with Python's cryptography and hmac: root = HMAC-SHA256(label, ring's key), key = HMAC-SHA256(root, info
 * 0x01), AES-256-GCM with a zero nonce. The label is "coterie rotation of the key 1". The info is the sender
 * 0x01020304, then the round 00 .. 0f. Label and info are authenticated. The encrypted key is 00 .. ff, and the last 16
 * bytes are the tag.
 */
static const uint8_t vector[CFG_KEY_SIZE + CFG_KEY_TAG_SIZE] = {0x3b, 0x75, 0xa3, 0xa3, 0x13, 0x01, 0x8d, 0xde, 0x8d,
	0x82, 0x07, 0x7b, 0x84, 0xe7, 0x81, 0x9d, 0x56, 0x77, 0xaf, 0x6a, 0x77, 0xd3, 0x3e, 0x3f, 0xf8, 0x55, 0x23,
	0x5e, 0xbb, 0xe7, 0x26, 0x7c, 0x72, 0x2b, 0x12, 0x2c, 0x93, 0x20, 0x7d, 0x0b, 0x10, 0x4d, 0xb6, 0xa3, 0x15,
	0x84, 0xd3, 0xd6, 0xf4, 0x8c, 0x5a, 0xda, 0x66, 0xda, 0x30, 0x93, 0x07, 0xb1, 0x92, 0x5d, 0xd8, 0xf9, 0xe4,
	0xf5, 0xc0, 0xa4, 0xb7, 0x5a, 0x0c, 0x40, 0x61, 0xe8, 0x55, 0x5d, 0x53, 0x7c, 0x75, 0xca, 0xa8, 0x91, 0x2e,
	0x04, 0x6a, 0x39, 0x01, 0xdd, 0xfe, 0xdc, 0xbe, 0x3b, 0x5d, 0x16, 0x40, 0xc9, 0x97, 0xfb, 0x0e, 0xfd, 0xf2,
	0xc6, 0xc5, 0x0d, 0x77, 0x4c, 0xc1, 0xe8, 0x01, 0xd3, 0x7d, 0x19, 0xd1, 0x4b, 0xb7, 0x80, 0x6c, 0x9c, 0x24,
	0xed, 0x4a, 0x12, 0x59, 0xb1, 0xf3, 0x45, 0x65, 0xe3, 0xb4, 0x61, 0x97, 0x10, 0x60, 0x68, 0x34, 0x46, 0x60,
	0x79, 0xa8, 0x77, 0xfe, 0x99, 0x61, 0xbb, 0xb4, 0xad, 0x47, 0xf4, 0x1d, 0x4e, 0xa7, 0x1c, 0x3d, 0xa0, 0x0e,
	0xa8, 0x3c, 0x18, 0xe3, 0xbb, 0x34, 0x4d, 0x49, 0xf7, 0x68, 0x4c, 0x00, 0x0b, 0xdd, 0x0c, 0xca, 0x1f, 0xfe,
	0x29, 0xd5, 0xfc, 0x28, 0x3f, 0xbf, 0x93, 0x0e, 0x2e, 0xc5, 0xa6, 0x02, 0x92, 0x42, 0xf0, 0x92, 0xc4, 0x81,
	0xad, 0xd4, 0x58, 0xd8, 0xbb, 0x11, 0x19, 0x36, 0x6b, 0xdb, 0x6a, 0xaf, 0xda, 0x57, 0xf1, 0x70, 0xee, 0x5d,
	0x61, 0xc9, 0x51, 0x5c, 0xb8, 0x32, 0x19, 0x6f, 0xbd, 0xd4, 0x8f, 0x1d, 0x4a, 0xa0, 0x7b, 0x87, 0x89, 0x55,
	0xb2, 0x88, 0x5c, 0x49, 0x04, 0x93, 0x46, 0x52, 0xa9, 0x91, 0x64, 0xde, 0x5e, 0x49, 0xbd, 0xfe, 0x72, 0x33,
	0xd5, 0x24, 0x87, 0xb1, 0x70, 0x6d, 0x8d, 0xa4, 0x19, 0x7e, 0xfe, 0x54, 0xa5, 0x1a, 0xa4, 0x3a, 0x87, 0xde,
	0xeb, 0x50, 0xda, 0x04, 0x9a, 0x13, 0x91, 0xcd, 0xf8, 0xdc, 0xce};

START_TEST(the_format_on_the_ring)
{
	struct cfg one = wrapper(1);
	uint8_t found[CFG_KEY_SIZE];
	struct cfg_sealed_key sealed;

	for (uint8_t i = 0; i < CFG_ROUND_SIZE; i++)
		sealed.round[i] = i;
	memcpy(sealed.bytes, vector, sizeof(sealed.bytes));
	memcpy(sealed.tag, vector + CFG_KEY_SIZE, sizeof(sealed.tag));
	ck_assert_int_eq(cfg_wrap_open(&one, 0x01020304, &sealed, found), 0);
	for (uint32_t i = 0; i < CFG_KEY_SIZE; i++)
		ck_assert_uint_eq(found[i], i);
}
END_TEST

START_TEST(every_altered_bit_is_noticed)
{
	struct cfg one = wrapper(1);
	uint8_t key[CFG_KEY_SIZE], found[CFG_KEY_SIZE], none[CFG_KEY_SIZE] = {0};
	struct cfg_sealed_key sealed;

	memset(key, 'k', sizeof(key));
	ck_assert_int_eq(cfg_wrap_seal(&one, key, &sealed), 0);
	for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
		((uint8_t *)&sealed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(cfg_wrap_open(&one, 1, &sealed, found), -EBADMSG);
		ck_assert_int_eq(memcmp(found, none, sizeof(none)), 0);
		((uint8_t *)&sealed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(cfg_wrap_open(&one, 1, &sealed, found), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_rotate");
	TCase *tcase = tcase_create("rotate");

	tcase_add_checked_fixture(tcase, start_encrypted, end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_take_the_key_when_the_last_has_stored_it);
	tcase_add_test(tcase, the_client_waits_until_the_old_key_is_forgotten);
	tcase_add_test(tcase, one_rotation_after_another);
	tcase_add_test(tcase, a_node_alone);
	tcase_add_test(tcase, nodes_of_either_byte_order);
	tcase_add_test(tcase, a_reload_waits_for_the_rotation);
	tcase_add_loop_test(tcase, all_or_none, 0, 16);
	tcase_add_test(tcase, a_ring_in_clear);
	tcase_add_test(tcase, nodes_of_corosyncs);
	tcase_add_test(tcase, nodes_of_corosyncs_that_join);
	tcase_add_test(tcase, absent_nodes_are_named);
	tcase_add_test(tcase, absent_nodes_are_left_out_by_force);
	tcase_add_test(tcase, nodes_that_leave_meanwhile_are_absent);
	tcase_add_test(tcase, a_change_of_keys_that_is_under_way);
	tcase_add_test(tcase, a_change_that_is_stuck_on_another_node);
	tcase_add_test(tcase, a_node_with_another_key_file);
	tcase_add_test(tcase, a_node_that_does_not_know_rotations);
	tcase_add_test(tcase, a_node_that_never_stores_the_key);
	tcase_add_test(tcase, an_order_to_leave_silent_nodes_out_is_ignored);
	tcase_add_test(tcase, a_key_file_that_cannot_be_renamed);
	tcase_add_test(tcase, a_node_that_cannot_load_the_key);
	tcase_add_test(tcase, a_transport_that_does_not_load_the_key);
	tcase_add_test(tcase, a_ring_that_changes_keeps_its_key);
	tcase_add_test(tcase, a_refused_key_is_removed);
	tcase_add_test(tcase, the_asker_leaves);
	tcase_add_test(tcase, a_decision_stands);
	tcase_add_test(tcase, a_client_that_goes);
	tcase_add_test(tcase, a_full_ring);
	tcase_add_test(tcase, a_key_is_opened_by_those_who_have_the_old_one);
	tcase_add_test(tcase, the_format_on_the_ring);
	tcase_add_test(tcase, every_altered_bit_is_noticed);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
