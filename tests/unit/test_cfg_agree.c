/* A reload that all nodes make or none, as the configuration service agrees on it: services/cfg/agree.c. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cfg/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_ring.h"

#define MS UINT64_C(1000000)
#define OK 1
#define TRY_AGAIN 6
#define INVALID 7

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

static struct service_ring ring;
static struct service_user users[SERVICE_RING_NODES + 1];
static const char *deaf; /* nodes that cannot agree on anything */

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void prepare_host(struct coterie_ctx *context)
{
	context->is_safe_kept = 1;
	if (strchr(deaf, (char)('0' + context->nodeid)) != NULL)
		context->table.reload_prepare = NULL;
}

static void start(uint32_t nodeid)
{
	service_ring_start(&ring, nodeid);
	users[nodeid] = service_user_create(&ring, nodeid, 100 + nodeid);
}

static void kill_node(uint32_t nodeid)
{
	service_user_close(&users[nodeid]);
	service_ring_kill(&ring, nodeid);
}

static void begin(const char *deaf_nodes)
{
	deaf = deaf_nodes;
	service_ring_init(&ring, &cfg_LTX_coterie_plugin);
	ring.prepare = prepare_host;
	for (uint32_t i = 1; i <= 4; i++)
		start(i);
}

static void set_up(void) { begin(""); }

static void tear_down(void)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (ring.nodes[i].host != NULL)
			service_user_close(&users[i]);
	service_ring_fini(&ring);
}

static void form(const char *rings) { service_ring_form_start(&ring, rings); }
static void run(void) { service_ring_run(&ring); }

static void pass(uint64_t ms)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (host(i) != NULL)
			mock_host_advance(host(i), ms * MS);
	run();
}

/* Time enough for a commit and its echo, and for a second try. */
static void settle(void)
{
	for (int i = 0; i < 4; i++)
		pass(100);
}

static void ask(uint32_t nodeid)
{
	struct cfg_req_plain req;

	ck_assert_int_eq(
		service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), COTERIE_LATER);
}

static void ask_report(uint32_t nodeid, uint32_t flags)
{
	struct cfg_req_reload_report req = {.flags = flags};

	ck_assert_int_eq(
		service_user_send(&users[nodeid], CFG_REQ_RELOAD_REPORT, &req, sizeof(req)), COTERIE_LATER);
}

/* 0: not yet */
static int32_t answer(uint32_t nodeid)
{
	const struct mock_queue *replies = &users[nodeid].client->replies;

	ck_assert_uint_le(replies->count, 1);
	return replies->count == 0 ? 0 : replies->list[0].error;
}

/* The executive of a node has read its file; "": it is good, and nothing would change. */
static void has_read(uint32_t nodeid, const char *refusal)
{
	mock_prepare_done(host(nodeid), refusal[0] != '\0' ? -EINVAL : 0, refusal);
	run();
}

static void all_read(const char *nodes)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			has_read((uint32_t)(*at - '0'), "");
}

/* Files that have been applied, node by node: "1 1 0 0". */
static const char *commits(void)
{
	static char text[64];

	text[0] = '\0';
	for (uint32_t i = 1; i <= 4; i++)
		sprintf(text + strlen(text), i == 1 ? "%d" : " %d", host(i) != NULL ? (int)host(i)->commits : -1);
	return text;
}

static void expect_kept(uint32_t nodeid, bool is_kept)
{
	ck_assert_msg(host(nodeid)->is_kept == is_kept, "node %u", nodeid);
}

/* "1:ready 2:refused why|…": the report that a client has got. */
static const char *report(uint32_t nodeid)
{
	static const char *const outcomes[] = {"?", "applied", "refused", "checked", "each"};
	static const char *const names[] = {"?", "ready", "applied", "refused", "failed", "no-answer", "left"};
	static char text[4096];
	const struct mock_message *reply = &users[nodeid].client->replies.list[0];
	const uint8_t *at = reply->data;
	uint32_t header[2], used = 8;

	ck_assert_uint_eq(users[nodeid].client->replies.count, 1);
	ck_assert_int_eq(reply->error, OK);
	ck_assert_uint_eq(reply->id, CFG_RES_RELOAD_REPORT);
	memcpy(header, at, sizeof(header));
	sprintf(text, "%s", outcomes[header[0]]);
	for (uint32_t i = 0; i < header[1]; i++) {
		struct cfg_wire_node_report node;

		memcpy(&node, at + used, sizeof(node));
		sprintf(text + strlen(text), "|%u:%s %.*s", node.nodeid, names[node.outcome],
			(int)(node.text_size < 200 ? node.text_size : 200), at + used + sizeof(node));
		used += (uint32_t)sizeof(node) + (node.text_size + 7) / 8 * 8;
	}
	ck_assert_uint_eq(used, reply->size);
	return text;
}

/* ---- The plain case ------------------------------------------------------ */

START_TEST(all_apply_when_the_last_is_ready)
{
	form("1 2 3 4");
	ask(2);
	ck_assert_uint_eq(host(2)->sent.count, 1);
	ck_assert_uint_eq(host(2)->sent.list[0].id, CFG_RING_RELOAD_ASK);
	ck_assert_uint_eq(host(2)->sent.list[0].guarantee, COTERIE_SAFE);
	run();
	for (uint32_t i = 1; i <= 4; i++) {
		ck_assert(mock_host_has_logged(host(i), "Config reload requested by node 2"));
		ck_assert_uint_eq(host(i)->prepare_count, 1);
		ck_assert_uint_eq(host(i)->reload_count, 0);
	}
	all_read("3 1 4");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	ck_assert_int_eq(answer(2), 0);
	has_read(2, "");
	ck_assert_str_eq(commits(), "0 0 0 0"); /* not inside the ring's engine */
	settle();
	ck_assert_str_eq(commits(), "1 1 1 1");
	ck_assert_int_eq(answer(2), OK);
	for (uint32_t i = 1; i <= 4; i++)
		ck_assert_uint_eq(mock_host_timers(host(i)), 0);
}
END_TEST

/* Every verdict of every node, in every order. */
START_TEST(all_or_none)
{
	uint32_t order[4] = {1, 2, 3, 4}, asker = (uint32_t)_i % 4 + 1, refusing = (uint32_t)_i / 24, place;

	place = (uint32_t)_i % 24; /* of the 24 orders */
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t from = i + place % (4 - i), moved = order[from];

		place /= 4 - i;
		memmove(order + i + 1, order + i, (from - i) * sizeof(order[0]));
		order[i] = moved;
	}
	form("1 2 3 4");
	ask(asker);
	run();
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_str_eq(commits(), "0 0 0 0");
		has_read(order[i], (refusing & 1u << i) != 0 ? "line 3" : "");
		settle();
	}
	ck_assert_str_eq(commits(), refusing == 0 ? "1 1 1 1" : "0 0 0 0");
	ck_assert_int_eq(answer(asker), refusing == 0 ? OK : INVALID);
	for (uint32_t i = 1; i <= 4; i++) {
		expect_kept(i, false);
		if (refusing != 0)
			ck_assert_uint_eq(mock_map_u64(host(i), "config.reload_status"), INVALID);
	}
}
END_TEST

START_TEST(everybody_knows_who_refused_and_why)
{
	form("1 2 3");
	ask(1);
	run();
	all_read("1 2");
	has_read(3, "/etc/x.conf:3: 'token' is 10ms:\nmust be\tmore\n");
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_str_eq(mock_map_string(host(i), "config.reload_error_message"),
			"node 3: /etc/x.conf:3: 'token' is 10ms: must be?more");
		ck_assert_uint_eq(mock_map_u64(host(i), "config.totemconfig_reload_in_progress"), 0);
		ck_assert(mock_host_has_logged(host(i),
			"Config reload refused, nothing has changed: node 3: /etc/x.conf:3: 'token' is 10ms"));
	}
}
END_TEST

START_TEST(a_node_alone)
{
	form("1");
	ask(1);
	run();
	all_read("1");
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_uint_eq(host(1)->commits, 1);
}
END_TEST

START_TEST(nodes_of_either_byte_order)
{
	ring.has_swapped = true;
	form("1 2 3");
	ask_report(3, 0);
	run();
	mock_prepare_done(host(1), 0, "change a 1 -> 2\n");
	run();
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(3), "applied|1:applied change a 1 -> 2\n|2:applied |3:applied ");
}
END_TEST

START_TEST(one_after_the_other)
{
	form("1 2 3");
	ask(1);
	ask(2);
	run();
	ask(3);
	run();
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(host(i)->prepare_count, 1);
	all_read("1 2 3");
	ck_assert_uint_eq(host(1)->prepare_count, 0); /* what is kept has to be applied first */
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	all_read("1 3");
	has_read(2, "wrong");
	settle();
	ck_assert_int_eq(answer(2), INVALID);
	all_read("1 2 3");
	settle();
	ck_assert_int_eq(answer(3), OK);
	ck_assert_uint_eq(host(1)->commits, 2);
	ck_assert_uint_eq(host(2)->commits, 2);
	ck_assert_uint_eq(host(3)->commits, 2);
}
END_TEST

START_TEST(what_cannot_be_sent_is_sent_later)
{
	form("1 2");
	host(1)->ring_send_rc = -EAGAIN;
	struct cfg_req_plain req;
	ck_assert_int_eq(service_user_send(&users[1], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), -EAGAIN);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0); /* nothing is left behind */
	host(1)->ring_send_rc = 0;
	ask(1);
	host(2)->ring_send_rc = -EAGAIN;
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	host(2)->ring_send_rc = 0;
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_int_eq(answer(1), OK);
}
END_TEST

START_TEST(a_client_that_goes)
{
	form("1 2");
	ask(1);
	run();
	service_user_close(&users[1]);
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

START_TEST(the_executive_cannot_read)
{
	form("1 2");
	host(2)->prepare_rc = -ENOMEM;
	ask(1);
	run();
	all_read("1");
	settle();
	ck_assert_int_eq(answer(1), INVALID);
	ck_assert_str_eq(mock_map_string(host(1), "config.reload_error_message"),
		"node 2: Cannot allocate memory");
}
END_TEST

/* ---- Reports ------------------------------------------------------------- */

START_TEST(a_report_of_all_nodes)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	mock_prepare_done(host(1), 0, "change totem.token 1 -> 2\nrestart totem.netmtu 3 -> 4\n");
	has_read(2, "x.conf:1: what: do");
	has_read(3, "");
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready change totem.token 1 -> 2\nrestart totem.netmtu 3 -> 4\n"
				    "|2:refused x.conf:1: what: do|3:ready ");
}
END_TEST

START_TEST(a_check_changes_nothing)
{
	form("1 2 3");
	ask_report(2, CFG_RELOAD_CHECK);
	run();
	ck_assert(mock_host_has_logged(host(1), "Config check requested by node 2"));
	mock_prepare_done(host(1), 0, "change a 1 -> 2\n");
	expect_kept(1, false);
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(2), "checked|1:ready change a 1 -> 2\n|2:ready |3:ready ");
	ask_report(2, CFG_RELOAD_CHECK);
	run();
	has_read(1, "no");
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(2), "refused|1:refused no|2:ready |3:ready ");
	ck_assert_str_eq(commits(), "0 0 0 0");
	ck_assert(mock_map_string(host(2), "config.reload_error_message") == NULL);
}
END_TEST

START_TEST(who_could_and_then_cannot)
{
	form("1 2");
	ask_report(1, 0);
	run();
	host(2)->commit_rc = -EINVAL;
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:failed Invalid argument");
	ck_assert(mock_host_has_logged(host(2), "This node does not have the config that the other nodes"));
	ask(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_int_eq(answer(1), INVALID);
}
END_TEST

START_TEST(long_lists_are_cut)
{
	char *text = malloc(210001);

	form("1 2");
	for (uint32_t i = 0; i < 10000; i++)
		sprintf(text + 21 * i, "change k%05u 1 -> 2\n", i);
	ask_report(1, 0);
	run();
	mock_prepare_done(host(2), 0, text);
	has_read(1, "");
	settle();
	free(text);
	const struct mock_message *reply = &users[1].client->replies.list[0];
	struct cfg_wire_node_report node;
	memcpy(&node, reply->data + 8 + sizeof(node), sizeof(node));
	ck_assert_uint_eq(node.nodeid, 2);
	ck_assert_uint_gt(node.text_size, 59000);
	ck_assert_uint_le(node.text_size, 60000);
	ck_assert_int_eq(memcmp(reply->data + 8 + 2 * sizeof(node) + node.text_size - 12, "1 -> 2\nmore\n", 12), 0);
}
END_TEST

/* ---- Rings that change --------------------------------------------------- */

START_TEST(who_leaves_makes_it_void_and_it_is_asked_anew)
{
	form("1 2 3");
	ask(1);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	expect_kept(1, false);
	has_read(2, ""); /* of the round that is over */
	expect_kept(2, false);
	ck_assert_int_eq(answer(1), 0);
	settle();
	all_read("1 2");
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_str_eq(commits(), "1 1 -1 0");
}
END_TEST

START_TEST(the_asker_leaves)
{
	form("1 2 3");
	ask(3);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	has_read(2, "");
	settle();
	expect_kept(1, false);
	expect_kept(2, false);
	ck_assert_uint_eq(host(1)->prepare_count + host(2)->prepare_count, 0);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	ask(1); /* the next one works */
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 -1 0");
}
END_TEST

START_TEST(who_joins_takes_part)
{
	form("1 2 | 3");
	ask(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ask(2);
	run();
	all_read("1");
	form("1 2 3");
	settle();
	ck_assert_uint_eq(host(3)->prepare_count, 1);
	all_read("3 2 1");
	has_read(2, "wrong"); /* the first was of the round before */
	settle();
	ck_assert_int_eq(answer(2), INVALID);
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

START_TEST(a_partition)
{
	form("1 2 3 4");
	ask(1);
	ask(3);
	run();
	all_read("1 2 3");
	form("1 2 | 3 4");
	all_read("4");
	settle();
	all_read("1 2");
	all_read("3");
	has_read(4, "wrong");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_int_eq(answer(1), OK);
	ck_assert_int_eq(answer(3), INVALID);
}
END_TEST

START_TEST(a_decision_stands)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2 3");
	form("1 2 | 3"); /* before anybody could apply it */
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:left ");
}
END_TEST

START_TEST(the_same_ring_again)
{
	form("1 2");
	ask(1);
	run();
	all_read("1");
	form("1 2"); /* a lost token: all have what all had */
	all_read("2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

START_TEST(a_ring_that_never_settles)
{
	form("1 2");
	ask(1);
	run();
	for (int i = 0; i < 12 && answer(1) == 0; i++) {
		form("1 | 2");
		settle();
		form("1 2");
		settle();
	}
	ck_assert_int_eq(answer(1), TRY_AGAIN);
	while (host(1)->prepare_count > 0)
		has_read(1, "");
	settle();
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

/* ---- Those who keep all waiting ------------------------------------------ */

START_TEST(without_those_who_do_not_answer)
{
	tear_down();
	begin("3");
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2");
	for (int i = 0; i < 67; i++) { /* 5 s and twice one, and no less */
		pass(100);
		ck_assert_str_eq(commits(), "0 0 0 0");
	}
	for (int i = 0; i < 8; i++)
		pass(100);
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:no-answer ");
	ck_assert(mock_host_has_logged(host(2), "Config reload without nodes that do not answer: 3;"));
}
END_TEST

/* Not of the others: of the asker's messages, too, none came through. */
START_TEST(a_ring_that_stands_still)
{
	form("1 2 3");
	ask(1);
	service_ring_deliver_next(&ring, 1);
	for (int i = 0; i < 80; i++)
		mock_host_advance(host(1), 100 * MS);
	ck_assert_uint_gt(host(1)->sent.count, 1); /* it wants to go on without them */
	ring.first = 1;
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
}
END_TEST

/* It hangs, and comes to itself too late. */
START_TEST(who_is_left_out_drops_its_file)
{
	form("1 2");
	ask(1);
	host(2)->ring_send_rc = -EAGAIN;
	run();
	all_read("1 2");
	for (int i = 0; i < 80; i++)
		pass(100);
	host(2)->ring_send_rc = 0;
	settle();
	ck_assert_str_eq(commits(), "1 0 0 0");
	expect_kept(2, false);
	ck_assert(mock_host_has_logged(host(2), "This node was left out of a config reload"));
	ask(2);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "2 1 0 0");
}
END_TEST

START_TEST(no_verdict_in_time)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2");
	pass(59000);
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	pass(2000);
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:ready |3:no-answer ");
	ck_assert_str_eq(mock_map_string(host(2), "config.reload_error_message"),
		"nodes have not read their files in time: 3");
	has_read(3, "");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	expect_kept(3, false);
}
END_TEST

START_TEST(applied_is_never_said)
{
	form("1 2");
	ask_report(1, 0);
	run();
	all_read("1 2");
	host(2)->ring_send_rc = -EAGAIN;
	settle();
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	pass(21000);
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:no-answer ");
}
END_TEST

/* ---- Nodes of Corosync's ------------------------------------------------- */

START_TEST(in_a_mixed_ring_each_is_on_its_own)
{
	form("1 2 3");
	for (uint32_t i = 1; i <= 3; i++)
		host(i)->is_safe_kept = 0;
	ask_report(1, 0);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CFG_RING_RELOAD_CONFIG);
	run();
	mock_reload_done(host(1), 0, "");
	ck_assert_str_eq(report(1), "each|1:applied ");
	ask_report(2, 0);
	run();
	mock_reload_done(host(2), 0, "");
	mock_reload_done(host(2), -EINVAL, "wrong");
	ck_assert_str_eq(report(2), "each|2:refused wrong");
	ck_assert(mock_host_has_logged(host(3), "each node takes its own file, whatever the others do"));
	ask_report(3, CFG_RELOAD_CHECK);
	ck_assert_uint_eq(host(3)->sent.count, 0);
	mock_reload_done(host(3), 0, ""); /* of the first */
	mock_prepare_done(host(3), 0, "change a 1 -> 2\n");
	mock_reload_done(host(3), 0, "");
	ck_assert_str_eq(report(3), "each|3:ready change a 1 -> 2\n");
	expect_kept(3, false);
}
END_TEST

/* Between the request and its place in the order. */
START_TEST(the_ring_has_become_a_mixed_one)
{
	form("1 2");
	ask(1);
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	run();
	ck_assert_uint_eq(host(1)->reload_count, 1);
	ck_assert_uint_eq(host(2)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
	ck_assert_int_eq(answer(1), OK);
	/* And under a round. */
	mock_reload_done(host(2), 0, "");
	host(1)->is_safe_kept = host(2)->is_safe_kept = 1;
	ask(1);
	run();
	all_read("1");
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	form("1 2 3");
	has_read(2, "");
	settle();
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), -EINVAL, "");
	ck_assert_int_eq(answer(1), INVALID);
	ck_assert_str_eq(commits(), "0 0 0 0");
}
END_TEST

/* ---- Senseless messages -------------------------------------------------- */

static void say(uint32_t nodeid, uint32_t function, const void *message, uint32_t size)
{
	struct iovec iov = {(uint8_t *)(uintptr_t)message + 16, size - 16};

	mock_queue_add(&host(nodeid)->sent, function, &iov, 1);
	run();
}

START_TEST(senseless_messages_have_no_effect)
{
	form("1 2 3");
	ask(1);
	run();
	for (uint32_t stage = 0; stage < 8; stage++)
		for (uint64_t number = 0; number < 3; number++) {
			struct cfg_ring_reload_word word = {.number = number, .asker = 1, .stage = stage};

			if (stage == CFG_STAGE_READY || stage == CFG_STAGE_REFUSED)
				continue; /* makes sense: who says so has decided for itself */
			say(2, CFG_RING_RELOAD_WORD, &word, sizeof(word));
			word.asker = 2;
			say(2, CFG_RING_RELOAD_WORD, &word, sizeof(word));
			word.text_size = UINT32_MAX;
			say(3, CFG_RING_RELOAD_WORD, &word, sizeof(word));
		}
	for (uint32_t what = 0; what < 5; what++) {
		struct cfg_ring_reload_order order = {.number = 1, .order = what};

		say(2, CFG_RING_RELOAD_ORDER, &order, sizeof(order)); /* it has not asked */
	}
	struct cfg_ring_reload_ask again = {.number = 1, .flags = UINT32_MAX - 1};
	say(1, CFG_RING_RELOAD_ASK, &again, sizeof(again));
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_int_eq(answer(1), OK);
	for (uint64_t i = 0; i < 1000; i++) { /* somebody asks and asks */
		struct cfg_ring_reload_ask one = {.number = 100 + i};

		say(2, CFG_RING_RELOAD_ASK, &one, sizeof(one));
	}
	ask(3);
	run();
	ck_assert_int_eq(answer(3), TRY_AGAIN);
}
END_TEST

/* ---- Any order, any ring ------------------------------------------------- */

static unsigned int seed, first_seed;

static uint32_t chance(uint32_t of) { return (uint32_t)rand_r(&seed) % of; }

static bool is_pending[5];

static void random_step(uint32_t nodeid)
{
	struct cfg_req_plain req;

	switch (chance(8)) {
	case 0:
		if (is_pending[nodeid] && users[nodeid].client->replies.count == 0)
			break;
		is_pending[nodeid] = service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req,
					     sizeof(req)) == COTERIE_LATER;
		break;
	case 1:
	case 2:
		if (host(nodeid)->prepare_count > 0)
			mock_prepare_done(host(nodeid), chance(6) == 0 ? -EINVAL : 0, "");
		break;
	case 3:
		mock_host_advance(host(nodeid), chance(60) * MS);
		break;
	case 4:
		host(nodeid)->ring_send_rc = chance(3) == 0 ? -EAGAIN : 0;
		break;
	default:
		service_ring_deliver_next(&ring, nodeid);
	}
}

static void calm_down(void)
{
	for (int i = 0; i < 400; i++) {
		for (uint32_t k = 1; k <= 4; k++) {
			host(k)->ring_send_rc = 0;
			while (host(k)->prepare_count > 0)
				mock_prepare_done(host(k), 0, "");
		}
		pass(100);
	}
}

/* Nodes 1 and 2 are always together, as are 3 and 4. */
START_TEST(who_goes_on_together_agrees)
{
	static const char *const rings[] = {"1 2 3 4", "1 2 | 3 4", "1 2 3 4", "3 4 | 1 2"};
	bool has_parted = false;

	seed = first_seed = (unsigned int)_i + 1;
	memset(is_pending, 0, sizeof(is_pending));
	form("1 2 3 4");
	for (uint32_t i = 0; i < 4000; i++) {
		if (_i % 2 == 0 && chance(300) == 0) {
			has_parted = true;
			form(rings[chance(4)]);
		}
		random_step(chance(4) + 1);
	}
	if (has_parted)
		form("1 2 3 4");
	calm_down();
	for (uint32_t i = 1; i <= 4; i++) /* nobody was so slow that it was left out */
		ck_assert_msg(!mock_host_has_logged(host(i), "that do not answer"), "seed %u", first_seed);
	ck_assert_msg(host(1)->commits == host(2)->commits && host(3)->commits == host(4)->commits,
		"seed %u: %s", first_seed, commits());
	ck_assert_msg(has_parted || host(1)->commits == host(3)->commits, "seed %u: %s", first_seed, commits());
	ck_assert_uint_gt(host(1)->commits, 0);
	for (uint32_t i = 1; i <= 4; i++) {
		expect_kept(i, false);
		ck_assert_msg(!is_pending[i] || answer(i) != 0, "seed %u: node %u is not answered", first_seed, i);
		ck_assert_msg(mock_host_timers(host(i)) == 0, "seed %u: node %u", first_seed, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_agree");
	TCase *tcase = tcase_create("agree");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_apply_when_the_last_is_ready);
	tcase_add_loop_test(tcase, all_or_none, 0, 24 * 16);
	tcase_add_test(tcase, everybody_knows_who_refused_and_why);
	tcase_add_test(tcase, a_node_alone);
	tcase_add_test(tcase, nodes_of_either_byte_order);
	tcase_add_test(tcase, one_after_the_other);
	tcase_add_test(tcase, what_cannot_be_sent_is_sent_later);
	tcase_add_test(tcase, a_client_that_goes);
	tcase_add_test(tcase, the_executive_cannot_read);
	tcase_add_test(tcase, a_report_of_all_nodes);
	tcase_add_test(tcase, a_check_changes_nothing);
	tcase_add_test(tcase, who_could_and_then_cannot);
	tcase_add_test(tcase, long_lists_are_cut);
	tcase_add_test(tcase, who_leaves_makes_it_void_and_it_is_asked_anew);
	tcase_add_test(tcase, the_asker_leaves);
	tcase_add_test(tcase, who_joins_takes_part);
	tcase_add_test(tcase, a_partition);
	tcase_add_test(tcase, a_decision_stands);
	tcase_add_test(tcase, the_same_ring_again);
	tcase_add_test(tcase, a_ring_that_never_settles);
	tcase_add_test(tcase, without_those_who_do_not_answer);
	tcase_add_test(tcase, a_ring_that_stands_still);
	tcase_add_test(tcase, who_is_left_out_drops_its_file);
	tcase_add_test(tcase, no_verdict_in_time);
	tcase_add_test(tcase, applied_is_never_said);
	tcase_add_test(tcase, in_a_mixed_ring_each_is_on_its_own);
	tcase_add_test(tcase, the_ring_has_become_a_mixed_one);
	tcase_add_test(tcase, senseless_messages_have_no_effect);
	tcase_add_loop_test(tcase, who_goes_on_together_agrees, 0, 100);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
