/*
 * The EVS service on a mock host: requests of clients, messages from the ring, configurations. What
 * a client gets is written as text, one line for each event.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/evs/messages.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin evs_LTX_coterie_plugin;

enum {
	OK = 1,
	TRY_AGAIN = 6,
	INVALID_PARAM = 7,
	NO_MEMORY = 8,
	NOT_EXIST = 12,
	TOO_BIG = 26,
	TOO_MANY_GROUPS = 30
};
enum { UNORDERED, FIFO, AGREED, SAFE };

#define USERS 4

static const struct coterie_service *ops;
static struct coterie_ctx *host;
static void *self;
static struct coterie_client *users[USERS];
static uint32_t read_events[USERS]; /* of each user's events */

/* ---- Fixture ---- */

static struct coterie_client *connect_user(uint32_t i)
{
	users[i] = mock_client_create(host, ops->client_size, 100 + i);
	ck_assert_int_eq(ops->client_join(self, users[i]), 0);
	read_events[i] = 0;
	return users[i];
}

static void disconnect_user(uint32_t i)
{
	ops->client_leave(self, users[i]);
	mock_client_destroy(users[i]);
	users[i] = NULL;
}

static void set_up(void)
{
	ops = evs_LTX_coterie_plugin.ops;
	host = mock_host_create(&evs_LTX_coterie_plugin);
	host->ring = (struct coterie_ring_id){.representative = 1, .seq = 8};
	host->member_count = 2;
	host->members[0] = 1;
	host->members[1] = 2;
	ck_assert_int_eq(ops->init(&host->table, host, &self), 0);
}

static void tear_down(void)
{
	for (uint32_t i = 0; i < USERS; i++) {
		if (users[i] != NULL)
			disconnect_user(i);
	}
	ops->fini(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

/* ---- What a client gets ---- */

static char *append_ids(char *to, const char *what, const uint8_t *ids, uint32_t count)
{
	to += sprintf(to, " %s", what);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id;

		memcpy(&id, ids + i * sizeof(id), sizeof(id));
		to += sprintf(to, " %u", id);
	}
	return to;
}

static void write_event(const struct mock_message *message, char *to)
{
	struct evs_event_deliver deliver;
	struct evs_event_confchg confchg;
	const uint8_t *lists = message->data + sizeof(confchg) - 24;

	if (message->id == EVS_EVENT_DELIVER) {
		ck_assert_uint_ge(message->size, sizeof(deliver) - 24);
		memcpy((uint8_t *)&deliver + 24, message->data, sizeof(deliver) - 24);
		ck_assert_uint_eq(deliver.msglen, message->size - (sizeof(deliver) - 24));
		ck_assert_uint_eq(deliver.pad0 | deliver.pad1, 0);
		sprintf(to, "%u: %.*s", deliver.nodeid, (int)deliver.msglen,
			(const char *)message->data + sizeof(deliver) - 24);
		return;
	}
	ck_assert_uint_eq(message->id, EVS_EVENT_CONFCHG);
	memcpy((uint8_t *)&confchg + 24, message->data, sizeof(confchg) - 24);
	ck_assert_uint_eq(message->size,
		sizeof(confchg) - 24 +
			4 * (confchg.member_count + confchg.left_count + confchg.joined_count));
	ck_assert_uint_eq(confchg.ring_id.pad | confchg.pad0 | confchg.pad1 | confchg.pad2, 0);
	to += sprintf(to, "%s %u.%ju",
		confchg.type == EVS_WIRE_REGULAR ? "regular" : "transitional",
		confchg.ring_id.nodeid, (uintmax_t)confchg.ring_id.seq);
	to = append_ids(to, "members", lists, confchg.member_count);
	to = append_ids(to, "left", lists + 4 * confchg.member_count, confchg.left_count);
	to = append_ids(to, "joined", lists + 4 * (confchg.member_count + confchg.left_count),
		confchg.joined_count);
	sprintf(to, confchg.flags == EVS_WIRE_SAFE_KEPT ? " safe" : " unsafe");
}

/* The next event of a user is this one; "": there is none. */
static void expect(uint32_t i, const char *want)
{
	char text[512] = "";

	if (read_events[i] < users[i]->events.count)
		write_event(&users[i]->events.list[read_events[i]++], text);
	ck_assert_msg(strcmp(text, want) == 0, "user %u: \"%s\", not \"%s\"", i, text, want);
}

/* ---- Requests ---- */

static struct evs_wire_group named(const char *name)
{
	struct evs_wire_group group = {{0}};

	memcpy(group.key, name, strlen(name));
	return group;
}

/* The answer to a request, which must be one. */
static int32_t request(uint32_t i, const void *bytes, size_t size, uint32_t response)
{
	struct mock_queue *replies = &users[i]->replies;
	uint32_t before = replies->count;

	mock_request(users[i], ops, self, bytes, (uint32_t)size);
	ck_assert_uint_eq(replies->count, before + 1);
	ck_assert_uint_eq(replies->list[before].id, response);
	return replies->list[before].error;
}

/* Groups as a word: each letter one group. `claimed` is what the request says of their number. */
static int32_t groups_request(uint32_t i, int32_t id, const char *letters, uint32_t claimed)
{
	size_t count = strlen(letters);
	size_t size = sizeof(struct evs_req_groups) + count * sizeof(struct evs_wire_group);
	struct evs_req_groups *req = calloc(1, size);

	req->header = (struct evs_request_header){.id = id, .size = (int32_t)size};
	req->group_count = claimed;
	for (size_t k = 0; k < count; k++)
		req->groups[k] = named((char[]){letters[k], '\0'});

	int32_t error = request(i, req, size, (uint32_t)id + 2);

	free(req);
	return error;
}

static int32_t join(uint32_t i, const char *letters)
{
	return groups_request(i, EVS_REQ_JOIN, letters, (uint32_t)strlen(letters));
}

static int32_t leave(uint32_t i, const char *letters)
{
	return groups_request(i, EVS_REQ_LEAVE, letters, (uint32_t)strlen(letters));
}

static int32_t mcast_joined(uint32_t i, uint32_t guarantee, const char *text)
{
	size_t length = strlen(text), size = sizeof(struct evs_req_mcast_joined) + length;
	struct evs_req_mcast_joined *req = calloc(1, size);

	req->header =
		(struct evs_request_header){.id = EVS_REQ_MCAST_JOINED, .size = (int32_t)size};
	req->guarantee = guarantee;
	req->msglen = (uint32_t)length;
	memcpy(req->message, text, length);

	int32_t error = request(i, req, size, EVS_RES_MCAST_JOINED);

	free(req);
	return error;
}

static int32_t mcast_groups(
	uint32_t i, uint32_t guarantee, const char *letters, const void *bytes, size_t length)
{
	size_t count = strlen(letters);
	size_t size = sizeof(struct evs_req_mcast_groups) + count * sizeof(struct evs_wire_group) +
		      length;
	struct evs_req_mcast_groups *req = calloc(1, size);

	req->header =
		(struct evs_request_header){.id = EVS_REQ_MCAST_GROUPS, .size = (int32_t)size};
	req->guarantee = guarantee;
	req->msglen = (uint32_t)length;
	req->group_count = (uint32_t)count;
	for (size_t k = 0; k < count; k++)
		req->groups[k] = named((char[]){letters[k], '\0'});
	memcpy(req->groups + count, bytes, length);

	int32_t error = request(i, req, size, EVS_RES_MCAST_GROUPS);

	free(req);
	return error;
}

/* What was sent comes back from the ring. */
static void run_ring(void)
{
	struct mock_queue sent = host->sent;

	memset(&host->sent, 0, sizeof(host->sent));
	for (uint32_t i = 0; i < sent.count; i++)
		ck_assert_int_eq(mock_deliver(ops, self, host->nodeid, false, &sent.list[i]), 0);
	mock_queue_clear(&sent);
}

/* ---- Messages ---- */

START_TEST(a_message_reaches_the_groups_it_names)
{
	for (uint32_t i = 0; i < 4; i++) {
		connect_user(i);
		expect(i, "regular 1.8 members 1 2 left joined safe");
	}
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(join(1, "ab"), OK);
	ck_assert_int_eq(join(2, "b"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "to a"), OK);
	ck_assert_int_eq(mcast_joined(1, AGREED, "to a and b"), OK);
	ck_assert_int_eq(mcast_joined(3, AGREED, "to nobody"), OK);
	ck_assert_int_eq(mcast_groups(3, AGREED, "bc", "to b and c", 10), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "", "to nobody", 9), OK);
	ck_assert_int_eq(mcast_groups(3, AGREED, "a", "", 0), OK);
	ck_assert_uint_eq(host->sent.count, 6);
	run_ring();
	expect(0, "1: to a");
	expect(0, "1: to a and b");
	expect(0, "1: ");
	expect(1, "1: to a");
	expect(1, "1: to a and b");
	expect(1, "1: to b and c");
	expect(1, "1: ");
	expect(2, "1: to a and b");
	expect(2, "1: to b and c");
	for (uint32_t i = 0; i < 4; i++)
		expect(i, "");
}
END_TEST

START_TEST(joining_and_leaving_take_effect_at_once)
{
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined safe");
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "in time"), OK);
	run_ring();
	expect(0, "1: in time");
	/* The groups of a message are those when it was sent, its receivers those when it comes. */
	ck_assert_int_eq(mcast_joined(0, AGREED, "too late"), OK);
	ck_assert_int_eq(leave(0, "a"), OK);
	run_ring();
	expect(0, "");
	ck_assert_int_eq(mcast_groups(0, AGREED, "b", "just in time", 12), OK);
	ck_assert_int_eq(join(0, "b"), OK);
	run_ring();
	expect(0, "1: just in time");
	ck_assert_uint_eq(host->sent.count, 0);
}
END_TEST

START_TEST(a_group_joined_twice_is_left_twice)
{
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined safe");
	ck_assert_int_eq(join(0, "xax"), OK);
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(leave(0, "a"), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "once", 4), OK);
	run_ring();
	expect(0, "1: once");
	expect(0, "");
	ck_assert_int_eq(leave(0, "a"), OK);
	ck_assert_int_eq(leave(0, "a"), NOT_EXIST);
	ck_assert_int_eq(leave(0, "xax"), NOT_EXIST); /* one x is left, the other stays */
	ck_assert_int_eq(leave(0, "x"), OK);
	ck_assert_int_eq(leave(0, "x"), NOT_EXIST);
	ck_assert_int_eq(leave(0, ""), OK);
	ck_assert_int_eq(join(0, ""), OK);
}
END_TEST

START_TEST(all_bytes_of_a_group_count)
{
	struct evs_wire_group groups[2];
	struct {
		struct evs_req_groups req;
		struct evs_wire_group group;
	} joining = {
		.req = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(joining)}, .group_count = 1}};

	memset(groups, 0, sizeof(groups));
	groups[1].key[31] = 1;
	connect_user(0);
	read_events[0] = 1;
	joining.group = groups[0];
	ck_assert_int_eq(request(0, &joining, sizeof(joining), EVS_RES_JOIN), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "no", 2), OK);
	memcpy(host->sent.list[0].data + 16, &groups[1], sizeof(groups[1]));
	run_ring();
	expect(0, "");
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "yes", 3), OK);
	memcpy(host->sent.list[0].data + 16, &groups[0], sizeof(groups[0]));
	run_ring();
	expect(0, "1: yes");
}
END_TEST

START_TEST(guarantees)
{
	static const struct {
		uint32_t asked;
		int32_t answer;
		uint32_t sent;
	} rows[] = {
		{UNORDERED, OK, COTERIE_AGREED},
		{FIFO, OK, COTERIE_AGREED},
		{AGREED, OK, COTERIE_AGREED},
		{SAFE, OK, COTERIE_SAFE},
		{SAFE + 1, INVALID_PARAM, 0},
		{UINT32_MAX, INVALID_PARAM, 0},
	};

	connect_user(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int how = 0; how < 2; how++) {
			ck_assert_int_eq(how == 0 ? mcast_joined(0, rows[i].asked, "x")
						  : mcast_groups(0, rows[i].asked, "a", "x", 1),
				rows[i].answer);
			ck_assert_uint_eq(host->sent.count, rows[i].answer == OK);
			if (rows[i].answer == OK)
				ck_assert_uint_eq(host->sent.list[0].guarantee, rows[i].sent);
			mock_queue_clear(&host->sent);
		}
	}
	/* It goes out as safe whatever the ring can now; another ring may carry it. */
	host->is_safe_kept = false;
	ck_assert_int_eq(mcast_joined(0, SAFE, "x"), OK);
	ck_assert_uint_eq(host->sent.list[0].guarantee, COTERIE_SAFE);
}
END_TEST

START_TEST(what_is_sent_is_what_the_ring_defines)
{
	struct evs_ring_mcast mcast;
	const struct mock_message *sent;

	connect_user(0);
	ck_assert_int_eq(mcast_groups(0, AGREED, "xy", "hello", 5), OK);
	sent = &host->sent.list[0];
	ck_assert_uint_eq(sent->id, EVS_RING_MCAST);
	ck_assert_uint_eq(sent->size, 16 + 64 + 5);
	memcpy((uint8_t *)&mcast + 16, sent->data, 16);
	ck_assert_uint_eq(mcast.group_count, 2);
	ck_assert_uint_eq(mcast.msglen, 5);
	ck_assert_mem_eq(sent->data + 16, "x\0\0", 3);
	ck_assert_mem_eq(sent->data + 48, "y\0\0", 3);
	ck_assert_mem_eq(sent->data + 80, "hello", 5);
	ck_assert_uint_eq(ops->ring_id, 32);
}
END_TEST

START_TEST(a_full_ring)
{
	connect_user(0);
	host->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), TRY_AGAIN);
	ck_assert_int_eq(mcast_groups(0, SAFE, "a", "x", 1), TRY_AGAIN);
	host->ring_send_rc = -EMSGSIZE;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), TOO_BIG);
	for (uint32_t i = 0; i < ops->request_count; i++)
		ck_assert_uint_eq(ops->requests[i].flags,
			ops->requests[i].id == EVS_REQ_MCAST_JOINED ||
					ops->requests[i].id == EVS_REQ_MCAST_GROUPS
				? COTERIE_NEEDS_FLOW
				: 0);
}
END_TEST

/* ---- Requests that are wrong ---- */

START_TEST(limits)
{
	static const struct {
		size_t groups, size;
		int32_t answer;
	} rows[] = {
		{0, EVS_MESSAGE_SIZE_MAX, OK},
		{0, EVS_MESSAGE_SIZE_MAX + 1, TOO_BIG},
		{30, EVS_MESSAGE_SIZE_MAX, OK},
		{31, EVS_MESSAGE_SIZE_MAX, TOO_BIG},
		{50, EVS_TOTAL_SIZE_MAX - 50 * 32, OK},
		{50, EVS_TOTAL_SIZE_MAX - 50 * 32 + 1, TOO_BIG},
		{51, 0, TOO_MANY_GROUPS},
	};
	char letters[64];
	uint8_t *bytes = calloc(1, EVS_IPC_SIZE_MAX);

	connect_user(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(letters, 0, sizeof(letters));
		memset(letters, 'g', rows[i].groups);
		ck_assert_msg(
			mcast_groups(0, AGREED, letters, bytes, rows[i].size) == rows[i].answer,
			"row %zu", i);
	}
	free(bytes);
	memset(letters, 'g', 51);
	letters[51] = '\0';
	ck_assert_int_eq(join(0, letters), TOO_MANY_GROUPS);
	ck_assert_int_eq(leave(0, letters), TOO_MANY_GROUPS);
	ck_assert_int_eq(join(0, letters + 1), OK);
	ck_assert_int_eq(leave(0, letters + 1), OK);
}
END_TEST

START_TEST(sizes_that_do_not_add_up)
{
	struct evs_req_mcast_joined joined = {
		.header = {.id = EVS_REQ_MCAST_JOINED, .size = sizeof(joined)},
		.guarantee = AGREED,
		.msglen = 1};
	struct {
		struct evs_req_mcast_groups req;
		struct evs_wire_group group;
		uint8_t message[8];
	} groups = {.req = {.header = {.id = EVS_REQ_MCAST_GROUPS, .size = sizeof(groups)},
			    .guarantee = AGREED}};
	static const struct {
		uint32_t groups, msglen;
		int32_t answer;
	} rows[] = {
		{1, 8, OK},
		{1, 9, INVALID_PARAM},
		{0, 40, OK},
		{0, 41, INVALID_PARAM},
		{2, 0, INVALID_PARAM},
		{50, 0, INVALID_PARAM},
		{UINT32_MAX, 0, TOO_MANY_GROUPS},
		{1, UINT32_MAX, INVALID_PARAM},
	};

	connect_user(0);
	ck_assert_int_eq(groups_request(0, EVS_REQ_JOIN, "ab", 3), INVALID_PARAM);
	ck_assert_int_eq(groups_request(0, EVS_REQ_JOIN, "ab", 1), OK);
	ck_assert_int_eq(groups_request(0, EVS_REQ_LEAVE, "a", 2), INVALID_PARAM);
	ck_assert_int_eq(groups_request(0, EVS_REQ_LEAVE, "a", UINT32_MAX), TOO_MANY_GROUPS);
	ck_assert_int_eq(request(0, &joined, sizeof(joined), EVS_RES_MCAST_JOINED), INVALID_PARAM);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		groups.req.group_count = rows[i].groups;
		groups.req.msglen = rows[i].msglen;
		ck_assert_msg(
			request(0, &groups, sizeof(groups), EVS_RES_MCAST_GROUPS) == rows[i].answer,
			"row %zu", i);
	}
	/* Every size below the fixed part of each request is the table's matter. */
	for (uint32_t i = 0; i < ops->request_count; i++) {
		static const uint32_t fixed[EVS_REQ_MEMBERSHIP_GET + 1] = {24, 24, 32, 40, 16};

		ck_assert_uint_eq(ops->requests[i].id, i);
		ck_assert_uint_eq(ops->requests[i].size_min, fixed[i]);
		ck_assert_uint_eq(ops->requests[i].response_id, i + 2);
	}
}
END_TEST

START_TEST(groups_of_one_client_are_bounded)
{
	char letters[51] = {0};
	uint32_t joined = 0;

	memset(letters, 'g', 50);
	connect_user(0);
	while (joined + 50 <= EVS_CONNECTION_GROUPS_MAX) {
		letters[0] = (char)('a' + joined % 26);
		ck_assert_int_eq(join(0, letters), OK);
		joined += 50;
	}
	ck_assert_int_eq(join(0, letters), NO_MEMORY); /* all or none */
	letters[EVS_CONNECTION_GROUPS_MAX - joined] = '\0';
	ck_assert_int_eq(join(0, letters), OK);
	ck_assert_int_eq(join(0, "g"), NO_MEMORY);
	ck_assert_int_eq(leave(0, "g"), OK);
	ck_assert_int_eq(join(0, "g"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "to all of them"), OK);
	run_ring();
	read_events[0] = 1;
	expect(0, "1: to all of them");
	expect(0, "");
}
END_TEST

/* ---- Messages of other nodes ---- */

START_TEST(messages_of_the_other_byte_order)
{
	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "y"), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "xy", "hello", 5), OK);
	for (int i = 0; i < 2; i++) {
		uint64_t *field = (uint64_t *)(void *)host->sent.list[0].data + i;

		*field = __builtin_bswap64(*field);
	}
	ck_assert_int_eq(mock_deliver(ops, self, 2, true, &host->sent.list[0]), 0);
	expect(0, "2: hello");
}
END_TEST

START_TEST(malformed_messages_are_dropped)
{
	static const struct {
		uint64_t groups, msglen;
		uint32_t size; /* behind the fixed part */
		bool is_delivered;
	} rows[] = {
		{1, 4, 36, true},
		{1, 4, 35, false},
		{1, 4, 37, false},
		{0, 36, 36, false}, /* well-formed, to nobody */
		{2, 0, 36, false},
		{1, UINT64_C(0x100000004), 36, false},
		{UINT64_C(0x800000000000001), 4, 36, false}, /* its bytes wrap to those of one */
		{UINT64_MAX, 36, 36, false},
		{1, UINT64_MAX, 36, false},
		{1, 0, 32, true},
	};

	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "a"), OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[16 + 64] = {0};
		struct mock_message message = {
			.id = EVS_RING_MCAST, .size = 16 + rows[i].size, .data = bytes};

		memcpy(bytes, &rows[i].groups, 8);
		memcpy(bytes + 8, &rows[i].msglen, 8);
		bytes[16] = 'a';
		memcpy(bytes + 48, "word", 4);
		ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
		if (rows[i].is_delivered)
			expect(0, rows[i].msglen == 4 ? "2: word" : "2: ");
		else
			expect(0, "");
	}
	ck_assert(mock_host_has_logged(host, "message of node 2 dropped"));
	ck_assert_uint_eq(host->logs.count, 1); /* the others within ten seconds are counted */
}
END_TEST

START_TEST(a_message_longer_than_clients_can_read)
{
	struct mock_message message = {
		.id = EVS_RING_MCAST, .size = 16 + 32 + EVS_MESSAGE_SIZE_MAX + 1};
	uint64_t head[2] = {1, EVS_MESSAGE_SIZE_MAX + 1};

	message.data = calloc(1, message.size);
	memcpy(message.data, head, sizeof(head));
	message.data[16] = 'a';
	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
	expect(0, "");
	head[1]--;
	message.size--;
	memcpy(message.data, head, sizeof(head));
	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
	ck_assert_uint_eq(users[0]->events.list[1].size, EVS_MESSAGE_SIZE_MAX + 16);
	free(message.data);
}
END_TEST

/* ---- Configurations ---- */

static void configure(
	bool is_regular, uint64_t seq, const char *members, const char *left, const char *joined)
{
	const char *texts[3] = {members, left, joined};
	uint32_t lists[3][16], counts[3] = {0};

	for (int i = 0; i < 3; i++) {
		for (const char *at = texts[i]; *at != '\0'; at++)
			lists[i][counts[i]++] = (uint32_t)(*at - '0');
	}

	struct coterie_configuration configuration = {
		.size = sizeof(configuration),
		.is_regular = is_regular,
		.ring = {.representative = 1, .seq = seq},
		.members = lists[0],
		.left = lists[1],
		.joined = lists[2],
		.member_count = counts[0],
		.left_count = counts[1],
		.joined_count = counts[2],
	};

	if (is_regular) {
		host->ring = configuration.ring;
		host->member_count = counts[0];
		memcpy(host->members, lists[0], sizeof(lists[0]));
	}
	ops->configuration(self, &configuration);
}

START_TEST(configurations_are_in_the_stream)
{
	connect_user(0);
	ck_assert_int_eq(join(0, "a"), OK);
	connect_user(1); /* in no group: hears them all the same */
	ck_assert_int_eq(mcast_joined(0, SAFE, "before"), OK);
	run_ring();
	configure(false, 12, "1", "2", "");
	ck_assert_int_eq(mcast_joined(0, SAFE, "of the old ring"), OK);
	run_ring();
	configure(true, 12, "134", "", "34");
	ck_assert_int_eq(mcast_joined(0, SAFE, "after"), OK);
	run_ring();
	expect(0, "regular 1.8 members 1 2 left joined safe");
	expect(0, "1: before");
	expect(0, "transitional 1.12 members 1 left 2 joined safe");
	expect(0, "1: of the old ring");
	expect(0, "regular 1.12 members 1 3 4 left joined 3 4 safe");
	expect(0, "1: after");
	expect(0, "");
	expect(1, "regular 1.8 members 1 2 left joined safe");
	expect(1, "transitional 1.12 members 1 left 2 joined safe");
	expect(1, "regular 1.12 members 1 3 4 left joined 3 4 safe");
	expect(1, "");
	/* Whoever comes now learns of the present alone. */
	connect_user(2);
	expect(2, "regular 1.12 members 1 3 4 left joined safe");
	expect(2, "");
}
END_TEST

START_TEST(the_flag_is_that_of_the_messages_that_follow)
{
	connect_user(0);
	read_events[0] = 1;
	configure(false, 12, "12", "", "");
	expect(0, "transitional 1.12 members 1 2 left joined safe");
	host->is_safe_kept = false; /* a plain node has joined */
	configure(true, 12, "123", "", "3");
	expect(0, "regular 1.12 members 1 2 3 left joined 3 unsafe");
	connect_user(1);
	expect(1, "regular 1.12 members 1 2 3 left joined unsafe");
	configure(false, 16, "12", "3", "");
	expect(0, "transitional 1.16 members 1 2 left 3 joined unsafe");
	host->is_safe_kept = true;
	configure(true, 16, "12", "", "");
	expect(0, "regular 1.16 members 1 2 left joined safe");
}
END_TEST

START_TEST(an_executive_that_cannot_tell)
{
	host->table.is_safe_kept = NULL;
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined unsafe");
	host->table.size = offsetof(struct coterie_host, is_safe_kept);
	connect_user(1);
	expect(1, "regular 1.8 members 1 2 left joined unsafe");
}
END_TEST

START_TEST(membership_get)
{
	struct evs_req_membership_get req = {
		.header = {.id = EVS_REQ_MEMBERSHIP_GET, .size = sizeof(req)}};
	static const uint32_t want[] = {1, 0, 2, 0, 1, 2};

	connect_user(0);
	ck_assert_int_eq(request(0, &req, sizeof(req), EVS_RES_MEMBERSHIP_GET), OK);
	ck_assert_uint_eq(users[0]->replies.list[0].size, sizeof(want));
	ck_assert_mem_eq(users[0]->replies.list[0].data, want, sizeof(want));
	host->member_count = 0;
	ck_assert_int_eq(request(0, &req, sizeof(req), EVS_RES_MEMBERSHIP_GET), OK);
	ck_assert_uint_eq(users[0]->replies.list[1].size, 16);
}
END_TEST

/* ---- Ends ---- */

START_TEST(clients_come_and_go)
{
	static const uint32_t order[] = {1, 3, 0, 2};

	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < USERS; i++) {
			connect_user(i);
			ck_assert_int_eq(join(i, "ab"), OK);
			read_events[i] = 1;
		}
		for (uint32_t i = 0; i < USERS; i++) {
			ck_assert_int_eq(
				mcast_groups(order[(i + round) % 4], AGREED, "b", "x", 1), OK);
			disconnect_user(order[(i + round) % 4]);
			run_ring();
			for (uint32_t k = 0; k < USERS; k++) {
				if (users[k] != NULL) {
					expect(k, "1: x");
					expect(k, "");
				}
			}
		}
	}
}
END_TEST

START_TEST(a_client_that_is_going_away_is_passed_over)
{
	for (uint32_t i = 0; i < 3; i++) {
		connect_user(i);
		ck_assert_int_eq(join(i, "a"), OK);
		read_events[i] = 1;
	}
	users[1]->event_rc = -ENOTCONN;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), OK);
	run_ring();
	configure(false, 12, "12", "", "");
	for (uint32_t i = 0; i < 3; i += 2) {
		expect(i, "1: x");
		expect(i, "transitional 1.12 members 1 2 left joined safe");
	}
	expect(1, "");
}
END_TEST

START_TEST(out_of_memory)
{
	uint8_t data[16 + 32 + 1] = {[0] = 1, [8] = 1, [16] = 'a', [48] = 'x'};
	struct evs_ring_mcast head = {.group_count = 1, .msglen = 1};
	struct {
		struct evs_req_groups req;
		struct evs_wire_group group;
	} joining = {
		.req = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(joining)}, .group_count = 1},
		.group = named("a")};
	void *other = NULL;
	int rc;

	connect_user(0);
	read_events[0] = 1;
	fail_alloc_at(1);
	rc = ops->init(&host->table, host, &other);
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);

	fail_alloc_at(1);
	rc = ops->requests[EVS_REQ_JOIN].handle(self, users[0], &joining, sizeof(joining));
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	rc = ops->requests[EVS_REQ_JOIN].handle(self, users[0], &joining, sizeof(joining));
	ck_assert_int_eq(rc, 0);

	for (unsigned int n = 1; n <= 2; n++) {
		struct iovec parts[1] = {{data + 16, sizeof(data) - 16}};

		fail_alloc_at(n);
		ops->ring_msgs[0].deliver_parts(self, 2, &head, parts, 1, 32 + 33);
		ck_assert(fail_alloc_happened());
		expect(0, "");
	}
	struct iovec parts[1] = {{data + 16, sizeof(data) - 16}};

	ops->ring_msgs[0].deliver_parts(self, 2, &head, parts, 1, 32 + 33);
	expect(0, "2: x");
}
END_TEST

START_TEST(dump)
{
	connect_user(0);
	connect_user(1);
	ck_assert_int_eq(join(0, "abc"), OK);
	ops->dump(self);
	ck_assert(mock_host_has_logged(host, "2 clients in 3 groups"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evs");
	TCase *tcase = tcase_create("evs");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_message_reaches_the_groups_it_names);
	tcase_add_test(tcase, joining_and_leaving_take_effect_at_once);
	tcase_add_test(tcase, a_group_joined_twice_is_left_twice);
	tcase_add_test(tcase, all_bytes_of_a_group_count);
	tcase_add_test(tcase, guarantees);
	tcase_add_test(tcase, what_is_sent_is_what_the_ring_defines);
	tcase_add_test(tcase, a_full_ring);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, sizes_that_do_not_add_up);
	tcase_add_test(tcase, groups_of_one_client_are_bounded);
	tcase_add_test(tcase, messages_of_the_other_byte_order);
	tcase_add_test(tcase, malformed_messages_are_dropped);
	tcase_add_test(tcase, a_message_longer_than_clients_can_read);
	tcase_add_test(tcase, configurations_are_in_the_stream);
	tcase_add_test(tcase, the_flag_is_that_of_the_messages_that_follow);
	tcase_add_test(tcase, an_executive_that_cannot_tell);
	tcase_add_test(tcase, membership_get);
	tcase_add_test(tcase, clients_come_and_go);
	tcase_add_test(tcase, a_client_that_is_going_away_is_passed_over);
	tcase_add_test(tcase, out_of_memory);
	tcase_add_test(tcase, dump);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
