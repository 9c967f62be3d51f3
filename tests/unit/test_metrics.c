/* The plugin metrics on a mock host: real sockets on the loopback, virtual time. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/metrics/metrics.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin metrics_LTX_coterie_plugin;

#define MS UINT64_C(1000000)
#define ANSWER_MAX (64u << 10)

static const struct coterie_service *ops;
static struct coterie_ctx *host;
static void *metrics;
static uint16_t port;
static char answer[ANSWER_MAX + 1];
static uint32_t copies; /* each reads this statistic once */

static uint32_t read_copies(void *arg, void *value)
{
	(void)arg;
	copies++;
	memcpy(value, &copies, sizeof(copies));
	return sizeof(copies);
}

static uint32_t read_text(void *arg, void *value)
{
	strcpy(value, arg);
	return (uint32_t)strlen(arg) + 1;
}

/* The daemon as the plugin sees it. */
static void make_host(void)
{
	static char operational[] = "operational", version[] = "test";

	ops = metrics_LTX_coterie_plugin.ops;
	host = mock_host_create(&metrics_LTX_coterie_plugin);
	mock_host_option(host, "port", "0"); /* any that is free */
	host->table.stat_add(host, "stats.coterie.version", COTERIE_MAP_STRING, read_text, version);
	host->table.stat_add(host, "stats.coterie.copies", COTERIE_MAP_U32, read_copies, NULL);
	host->table.stat_add(host, "stats.coterie.state", COTERIE_MAP_STRING, read_text, operational);
	host->is_quorate = true;
	copies = 0;
}

/* "Metrics are served at http://ADDRESS:PORT/metrics" */
static uint16_t port_of(void)
{
	for (uint32_t i = 0; i < host->logs.count; i++) {
		const char *at = strstr((const char *)host->logs.list[i].data, "http://");

		if (at != NULL)
			return (uint16_t)atoi(strrchr(at, ':') + 1);
	}
	return 0;
}

static void start(void)
{
	ck_assert_int_eq(ops->init(&host->table, host, &metrics), 0);
	port = port_of();
}

static void set_up(void)
{
	make_host();
	start();
	ck_assert_uint_ne(port, 0);
}

static void end(void)
{
	ops->fini(metrics);
	ck_assert_uint_eq(mock_host_timers(host), 0);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

static int dial(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *words)
{
	ck_assert_int_eq(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

/* Time passes for what is copied alone. */
static void pass_time(void)
{
	const struct metrics *plugin = metrics;

	mock_host_advance(host, plugin->collect != NULL ? MS : 0);
}

/* Serve until the client has been hung up on; *answer is what it got. false: it was not, in some time. */
static bool listen_to(int fd)
{
	size_t size = 0;

	for (uint32_t turns = 0; turns < 200; turns++) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN)) {
			answer[size] = '\0';
			close(fd);
			return true;
		}
		size += got > 0 ? (size_t)got : 0;
		mock_host_poll(host, 1);
		pass_time();
	}
	answer[size] = '\0';
	return false;
}

static const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	ck_assert_msg(listen_to(fd), "still there after '%s', got '%s'", request, answer);
	return answer;
}

static const char *get(const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	return ask(request);
}

static void has(const char *words) { ck_assert_msg(strstr(answer, words) != NULL, "no '%s' in '%s'", words, answer); }

START_TEST(a_client_gets_the_text)
{
	get("/metrics");
	has("HTTP/1.1 200 OK\r\n");
	has("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
	has("\ncoterie_build_info{version=\"test\",compat=\"3.1\",features=\"\"} 1\n");
	ck_assert_str_eq(answer + strlen(answer) - 6, "# EOF\n");
	end();
}
END_TEST

static const struct {
	const char *name, *request;
	const char *status; /* NULL: no answer */
	const char *words;
} requests[] = {
	{"health", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\nok\n"},
	{"the page for people", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\n<!DOCTYPE html>\n"},
	{"its type", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Type: text/html; charset=utf-8\r\n"},
	{"what it may load", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200",
		"Content-Security-Policy: default-src 'self'; script-src 'sha256-"},
	{"no such page", "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "404", "no such page"},
	{"arguments", "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "200", "# EOF\n"},
	{"older protocol", "GET /metrics HTTP/1.0\r\n\r\n", "200", "# EOF\n"},
	{"a head", "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200", "Content-Length: "},
	{"a post", "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405", "Allow: GET, HEAD\r\n"},
	{"a body to come", "PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "405", ""},
	{"openmetrics",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain;q=0.5,application/openmetrics-text\r\n\r\n", "200",
		"Content-Type: application/openmetrics-text"},
	{"the older format", "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n", "200",
		"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
	{"no HTTP", "\x16\x03\x01\x02\r\n\r\n", NULL, ""},
	{"no host", "GET /metrics HTTP/1.1\r\n\r\n", "200", ""},
};

START_TEST(requests_of_all_kinds)
{
	char line[32];

	ask(requests[_i].request);
	if (requests[_i].status == NULL) {
		ck_assert_str_eq(answer, "");
		end();
		return;
	}
	snprintf(line, sizeof(line), "HTTP/1.1 %s ", requests[_i].status);
	if (strncmp(answer, "HTTP/1.0", 8) == 0)
		line[7] = '0';
	ck_assert_msg(strncmp(answer, line, strlen(line)) == 0 && strstr(answer, requests[_i].words) != NULL,
		"%s: '%s'", requests[_i].name, answer);
	end();
}
END_TEST

START_TEST(health_needs_ring_and_quorum)
{
	static char gather[] = "gather";

	host->is_quorate = false;
	get("/healthz");
	has("HTTP/1.1 503 ");
	has("not quorate\n");
	host->is_quorate = true;
	host->table.stat_del(host, "stats.coterie.state");
	host->table.stat_add(host, "stats.coterie.state", COTERIE_MAP_STRING, read_text, gather);
	get("/healthz");
	has("HTTP/1.1 503 ");
	has("not operational\n");
	end();
}
END_TEST

START_TEST(a_copy_serves_for_a_second)
{
	get("/metrics");
	get("/metrics");
	ck_assert_uint_eq(copies, 1);
	mock_host_advance(host, 950 * MS); /* to copy takes some time, too */
	get("/metrics");
	get("/api/v1/status");
	ck_assert_uint_eq(copies, 1);
	mock_host_advance(host, 50 * MS);
	get("/metrics");
	ck_assert_uint_eq(copies, 2);
	end();
}
END_TEST

/* Whoever says nothing, half of it, or goes on for ever. */
static const char *const slow[] = {"", "GET /met", "GET /metrics HTTP/1.1\r\nHost: x\r\nA: "};

START_TEST(slow_clients_are_cut_off)
{
	int fd = dial();

	say(fd, slow[_i]);
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 4999 * MS);
	say(fd, "a");
	ck_assert(!listen_to(fd));
	mock_host_advance(host, MS);
	ck_assert(listen_to(fd));
	ck_assert_str_eq(answer, "");
	end();
}
END_TEST

START_TEST(a_request_has_a_size)
{
	static char request[32768] = "GET /metrics HTTP/1.1\r\nHost: x\r\nA: ";

	memset(request + strlen(request), 'a', sizeof(request) - 1 - strlen(request));
	int fd = dial();
	send(fd, request, sizeof(request), MSG_NOSIGNAL);
	ck_assert(listen_to(fd));
	ck_assert(strncmp(answer, "HTTP/1.1 4", 10) == 0 || *answer == '\0');
	get("/metrics");
	has("# EOF\n");
	end();
}
END_TEST

/* Twelve of sixteen for one address: the others are hung up on, and room comes back. */
START_TEST(connections_have_a_number)
{
	int fds[14];

	for (uint32_t i = 0; i < 14; i++) {
		fds[i] = dial();
		mock_host_poll(host, 10);
	}
	ck_assert(listen_to(fds[12]));
	ck_assert(listen_to(fds[13]));
	for (uint32_t i = 0; i < 12; i++) {
		if (i > 0)
			ck_assert(recv(fds[i], answer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
		close(fds[i]);
	}
	for (uint32_t i = 0; i < 20; i++)
		mock_host_poll(host, 1);
	get("/metrics");
	has("# EOF\n");
	end();
}
END_TEST

/* A flood costs the loop only so many turns; it goes on in the next second. */
START_TEST(turns_are_rationed)
{
	uint32_t turns = 0;
	int fd;

	for (;;) {
		fd = dial();
		if (mock_host_poll(host, 50) == 0)
			break;
		ck_assert_uint_le(++turns, 401); /* the last one only pauses it */
		close(fd);
	}
	ck_assert_uint_ge(turns, 50);
	say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 1000 * MS);
	ck_assert(listen_to(fd));
	end();
}
END_TEST

/* Old documents are kept for those who read them, and so are bounded: then the last one is sent again. */
START_TEST(documents_take_so_much_room)
{
	struct metrics *plugin = metrics;

	plugin->held = 16u << 20;
	get("/metrics");
	has("HTTP/1.1 503 ");
	plugin->held -= 16u << 20;
	get("/metrics");
	has("# EOF\n");
	plugin->held += 16u << 20;
	mock_host_advance(host, 2000 * MS);
	get("/metrics");
	has("# EOF\n");
	ck_assert_uint_eq(copies, 1);
	plugin->held -= 16u << 20;
	end();
}
END_TEST

/* --- copying, a slice at a time --- */

static uint32_t reads;

static uint32_t read_one(void *arg, void *value)
{
	uint32_t one = 1;

	(void)arg;
	reads++;
	memcpy(value, &one, sizeof(one));
	return sizeof(one);
}

START_TEST(the_loop_is_held_up_for_a_slice_only)
{
	const struct metrics *plugin = metrics;
	char key[64];
	int fd;

	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "stats.many.%04u", i);
		ck_assert_int_eq(host->table.stat_add(host, key, COTERIE_MAP_U32, read_one, NULL), 0);
	}
	reads = 0;
	fd = dial();
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	while (plugin->collect == NULL)
		mock_host_poll(host, 1);
	for (uint32_t slices = 0; plugin->collect != NULL; slices++) {
		uint32_t before = reads;

		mock_host_advance(host, MS / 2);
		ck_assert_uint_le(reads - before, 32);
		ck_assert_uint_le(slices, 100);
	}
	ck_assert_uint_eq(reads, 2000);
	ck_assert(listen_to(fd));
	has("# EOF\n");
	end();
}
END_TEST

/* Who waited for a copy gets what is made of it, however short it is to serve. */
START_TEST(a_slow_copy_serves_who_waits)
{
	char key[64];
	int fd;

	for (uint32_t i = 0; i < 3200; i++) {
		snprintf(key, sizeof(key), "stats.many.%04u", i);
		host->table.stat_add(host, key, COTERIE_MAP_U32, read_one, NULL);
	}
	mock_host_option(host, "interval", "0");
	ck_assert_int_eq(ops->reload(metrics), 0);
	fd = dial();
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(listen_to(fd));
	has("# EOF\n");
	ck_assert_uint_eq(copies, 1);
	end();
}
END_TEST

/* For half of its time; what is made then serves the next. */
START_TEST(a_client_does_not_wait_for_ever)
{
	struct metrics *plugin = metrics;
	struct job *nobody = (struct job *)plugin;
	int fd = dial();

	plugin->job = nobody; /* one that does not end */
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 2499 * MS);
	ck_assert(!listen_to(fd));
	mock_host_advance(host, MS);
	ck_assert(listen_to(fd));
	has("HTTP/1.1 503 ");
	plugin->job = NULL;
	get("/metrics");
	has("# EOF\n");
	end();
}
END_TEST

/* In each of its states. */
START_TEST(it_ends_while_somebody_waits)
{
	const struct metrics *plugin = metrics;
	int fd = dial();

	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	while (plugin->collect == NULL)
		mock_host_poll(host, 1);
	for (int i = 0; i < _i && plugin->collect != NULL; i++)
		mock_host_advance(host, MS);
	end();
	ck_assert_int_eq(recv(fd, answer, 1, 0), 0);
	close(fd);
}
END_TEST

START_TEST(many_wait_for_one_copy)
{
	int fds[8];

	for (uint32_t i = 0; i < 8; i++) {
		fds[i] = dial();
		say(fds[i], i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
				       : "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert(listen_to(fds[i]));
		has("HTTP/1.1 200 ");
		has(i % 2 == 0 ? "# EOF\n" : "\"command\":\"status\"");
	}
	ck_assert_uint_eq(copies, 1);
	end();
}
END_TEST

struct walk {
	uint32_t count;
	char last[64];
};

static bool see_key(void *arg, const char *key)
{
	struct walk *walk = arg;

	walk->count++;
	snprintf(walk->last, sizeof(walk->last), "%s", key);
	return strcmp(key, "b.2") != 0;
}

/* What is too long for a value is left out; the rest is found by its key and by how it begins. */
START_TEST(a_copy_is_read)
{
	static const char *const keys[] = {"a.1", "b.1", "b.2", "b.3", "b.long", "c.1"};
	static const uint8_t bytes[METRICS_VALUE_MAX + 1] = {7};
	struct snapshot *snapshot = snapshot_create();
	const struct metrics_source source = snapshot_source(snapshot);
	struct walk walk = {.count = 0};
	uint32_t type;
	uint8_t value[METRICS_VALUE_MAX];

	for (uint32_t i = 0; i < 6; i++) {
		struct coterie_map_value one = {.type = COTERIE_MAP_BINARY,
			.size = i == 4 ? METRICS_VALUE_MAX + 1 : METRICS_VALUE_MAX,
			.bytes = bytes};
		ck_assert_int_eq(snapshot_add(snapshot, COTERIE_MAP_STATS, keys[i], &one), 0);
	}
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_int_eq(source.read(source.arg, COTERIE_MAP_STATS, keys[i], &type, value), i != 4);
	ck_assert(!source.read(source.arg, COTERIE_MAP_STATS, "b.", &type, value));
	ck_assert(!source.read(source.arg, COTERIE_MAP_STATS, "d", &type, value));
	ck_assert(!source.read(source.arg, COTERIE_MAP_CONFIG, "b.1", &type, value));
	ck_assert_uint_eq(value[0], 7);
	source.each(source.arg, COTERIE_MAP_STATS, "b.", see_key, &walk);
	ck_assert_uint_eq(walk.count, 2); /* it wanted no more */
	walk.count = 0;
	source.each(source.arg, COTERIE_MAP_STATS, "a", see_key, &walk);
	ck_assert_uint_eq(walk.count, 1);
	ck_assert_str_eq(walk.last, "a.1");
	snapshot_destroy(snapshot);
}
END_TEST

START_TEST(a_copy_has_a_size)
{
	static const uint8_t bytes[METRICS_VALUE_MAX];
	const struct coterie_map_value value = {.type = COTERIE_MAP_BINARY, .size = sizeof(bytes), .bytes = bytes};
	struct snapshot *snapshot = snapshot_create();
	uint32_t count = 0;
	char key[32];
	int rc;

	do {
		snprintf(key, sizeof(key), "key.%08u", count++);
		rc = snapshot_add(snapshot, COTERIE_MAP_STATS, key, &value);
	} while (rc == 0);
	ck_assert_int_eq(rc, -EMSGSIZE);
	ck_assert_uint_le(snapshot->size, SNAPSHOT_SIZE_MAX);
	ck_assert_uint_ge(count, 40000);
	snapshot_destroy(snapshot);
}
END_TEST

/* --- answers --- */

static void set_u32(const char *key, uint32_t value) { host->table.map_set(host, key, COTERIE_MAP_U32, &value, 4); }

static void set_text(const char *key, const char *value)
{
	host->table.map_set(host, key, COTERIE_MAP_STRING, value, (uint32_t)strlen(value) + 1);
}

/* Two nodes, of which this one is alone in the ring. */
static void make_cluster(void)
{
	struct coterie_node_status status = {.size = sizeof(status), .nodeid = 2};

	host->nodeid = 1;
	host->members[0] = 1;
	host->member_count = 1;
	host->ring = (struct coterie_ring_id){.representative = 1, .seq = 26};
	set_text("totem.cluster_name", "lab");
	set_text("totem.transport", "udpu");
	set_u32("nodelist.node.0.nodeid", 1);
	set_text("nodelist.node.0.name", "one");
	set_text("nodelist.node.0.ring0_addr", "192.0.2.1");
	set_u32("nodelist.node.1.nodeid", 2);
	set_text("nodelist.node.1.name", "t\"w\xffo");
	set_text("runtime.members.1.status", "joined");
	set_text("runtime.members.2.status", "left");
	status.links[0] = (struct coterie_link_status){.is_enabled = 1, .mtu = 1410};
	mock_node_status(host, &status);
}

static const struct {
	const char *path, *status;
	const char *words[6];
} answers[] = {
	{"status", "200",
		{"{\"schema\":\"coterie-ctl/1\",\"command\":\"status\",\"node\":1,\"time\":\"",
			"\"cluster\":\"lab\",\"node\":{\"id\":1,\"name\":\"one\",\"local\":true}",
			"\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"},\"members\":1,\"expected_members\":2,\"quorate\":null",
			"\"text\":\"node 2 (t\\\"w\xef\xbf\xbdo) has left\"", "Content-Type: application/json\r\n"}},
	{"members", "200",
		{"\"id\":1,\"name\":\"one\",\"local\":true,\"addresses\":[\"192.0.2.1\"],\"state\":\"joined\"",
			"\"hears\":[1]", "\"state\":\"left\""}},
	{"quorum", "200", {"\"provider\":null,\"quorate\":true", "\"missing\":[2]"}},
	{"rings", "200",
		{"\"transport\":\"udpu\"", "\"reachable\":false",
			"\"links\":[{\"link\":0,\"enabled\":true,\"connected\":false,\"transport\":\"udp\",\"mtu\":1410}]"}},
	{"plugin/list", "200", {"\"command\":\"plugin list\"", "\"plugins\":[]"}},
	{"plugin%20list", "200", {"\"plugins\":[]"}},
	{"plugin+list", "200", {"\"plugins\":[]"}},
	{"clients", "200", {"\"clients\":[]"}},
	{"status/", "404", {"no such answer"}},
	{"statu", "404", {"no such answer"}},
	{"", "404", {"no such answer"}},
	{"shutdown", "404", {"no such answer"}},
};

START_TEST(answers_are_those_of_coterie_ctl)
{
	char path[64], line[32];

	make_cluster();
	snprintf(path, sizeof(path), "/api/v1/%s", answers[_i].path);
	snprintf(line, sizeof(line), "HTTP/1.1 %s ", answers[_i].status);
	get(path);
	has(line);
	has("\r\nCache-Control: no-store\r\n");
	for (uint32_t i = 0; i < 6 && answers[_i].words[i] != NULL; i++)
		has(answers[_i].words[i]);
	end();
}
END_TEST

/* The schema wants a ring, which there is none of while it changes. */
START_TEST(an_answer_that_there_is_not)
{
	host->member_count = 0;
	get("/api/v1/members");
	has("HTTP/1.1 503 ");
	has("\"error\":{\"code\":1,\"name\":\"FAILED\",\"text\":\"the ring is just changing\",");
	has("\"hint\":\"try again\"}}\n");
	end();
}
END_TEST

/* --- events --- */

static uint64_t number; /* of the event read last */

/* Serve until there is this much behind what a stream has sent, in some time. */
static bool hear(int fd, const char *words)
{
	static size_t size;

	if (words == NULL) { /* a new one */
		size = 0;
		answer[0] = '\0';
		return true;
	}
	for (uint32_t turns = 0; turns < 100; turns++) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, MSG_DONTWAIT);

		size += got > 0 ? (size_t)got : 0;
		answer[size] = '\0';
		if (strstr(answer, words) != NULL)
			return true;
		mock_host_poll(host, 1);
		mock_host_advance(host, 0);
	}
	return false;
}

static int follow(const char *headers)
{
	char request[256];
	int fd = dial();

	snprintf(request, sizeof(request), "GET /events HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
	say(fd, request);
	hear(fd, NULL);
	ck_assert_msg(hear(fd, "\r\n\r\n"), "%s", answer);
	has("HTTP/1.1 200 OK\r\n");
	has("Content-Type: text/event-stream\r\n");
	return fd;
}

static void hears(int fd, const char *words)
{
	ck_assert_msg(hear(fd, words), "no '%s' in '%s'", words, answer);
	number = strstr(answer, "id: ") != NULL ? strtoull(strstr(answer, "id: ") + 4, NULL, 10) : 0;
}

static void configure(
	bool is_regular, const uint32_t *members, uint32_t count, const uint32_t *left, uint32_t left_count)
{
	const struct coterie_configuration told = {.size = sizeof(told),
		.is_regular = is_regular,
		.ring = {.representative = 1, .seq = 26},
		.members = members,
		.member_count = count,
		.left = left,
		.left_count = left_count};

	ops->configuration(metrics, &told);
}

START_TEST(what_happens_is_told)
{
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1, 2};
	int fd = follow("");

	set_text("runtime.members.2.status", "left");
	hears(fd, "\"event\":\"membership\",\"data\":{\"id\":2,\"state\":\"left\"}}\n\n");
	mock_quorum(host, true, &ring, members, 2, "votequorum");
	hears(fd, "\"event\":\"quorum\",\"data\":{\"quorate\":true,\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"}}}\n\n");
	configure(false, members, 1, members + 1, 1);
	configure(true, members, 1, NULL, 0);
	hears(fd, "\"event\":\"ring-state\",\"data\":{\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"},\"members\":[1],"
		  "\"joined\":[],\"left\":[2]}}\n\n");
	host->table.map_set(host, "config.reload_status", COTERIE_MAP_I32, &(int32_t){1}, 4);
	host->table.map_set(host, "config.totemconfig_reload_in_progress", COTERIE_MAP_U8, &(uint8_t){1}, 1);
	host->table.map_set(host, "config.totemconfig_reload_in_progress", COTERIE_MAP_U8, &(uint8_t){0}, 1);
	hears(fd, "\"event\":\"reload\",\"data\":{\"result\":\"applied\"}}\n\n");
	close(fd);
	end();
}
END_TEST

/* A verdict that says the same again is none. */
START_TEST(verdicts_are_told_once)
{
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1};
	int fd = follow("");

	mock_quorum(host, true, &ring, members, 1, "votequorum");
	mock_quorum(host, true, &ring, members, 1, "votequorum");
	mock_quorum(host, false, &ring, members, 1, "votequorum");
	hears(fd, "\"quorate\":false");
	const char *first = strstr(answer, "\"quorate\":true");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "\"quorate\":true"));
	close(fd);
	end();
}
END_TEST

static void set_link(uint32_t link, bool is_enabled, bool is_up)
{
	static struct coterie_node_status status;

	status.size = sizeof(status);
	status.nodeid = 2;
	status.links[link] = (struct coterie_link_status){.is_enabled = is_enabled, .is_connected = is_up};
	mock_node_status(host, &status);
}

/* Once a second: and what was so from the start is no news. */
START_TEST(links_are_looked_at)
{
	int fd = follow("");

	set_text("runtime.members.2.status", "joined");
	set_link(0, true, true);
	set_link(3, true, true);
	mock_host_advance(host, 2000 * MS);
	set_link(3, true, false);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"event\":\"link\",\"data\":{\"id\":2,\"link\":3,\"state\":\"down\"}}\n\n");
	set_link(3, true, true);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"link\":3,\"state\":\"up\"");
	set_link(0, false, false);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"link\":0,\"state\":\"gone\"");
	ck_assert_ptr_null(strstr(answer, "\"link\":0,\"state\":\"up\""));
	close(fd);
	end();
}
END_TEST

static uint32_t read_count(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

START_TEST(plugins_are_looked_at)
{
	static uint64_t old[4] = {1, 0, 0, 0}, new[4] = {1, 0, 0, 0};
	static const char *const names[] = {"loads", "unloads", "replaces", "fails"};
	static const char *const states[] = {"loaded", "unloaded", "replaced", "failed"};
	char key[64];
	int fd = follow("");

	for (uint32_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "stats.plugins.old.%s", names[i]);
		host->table.stat_add(host, key, COTERIE_MAP_U64, read_count, &old[i]);
	}
	mock_host_advance(host, 2000 * MS);
	for (uint32_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "stats.plugins.new.%s", names[i]);
		host->table.stat_add(host, key, COTERIE_MAP_U64, read_count, &new[i]);
	}
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"event\":\"plugin\",\"data\":{\"name\":\"new\",\"state\":\"loaded\"}}\n\n");
	for (uint32_t i = 1; i < 4; i++) {
		old[i]++;
		mock_host_advance(host, 1100 * MS);
		snprintf(key, sizeof(key), "\"name\":\"old\",\"state\":\"%s\"", states[i]);
		hears(fd, key);
	}
	ck_assert_ptr_null(strstr(answer, "\"name\":\"old\",\"state\":\"loaded\""));
	close(fd);
	end();
}
END_TEST

static void happen(uint32_t times)
{
	char key[64];

	for (uint32_t i = 0; i < times; i++) {
		snprintf(key, sizeof(key), "runtime.members.%u.status", i + 1);
		set_text(key, "joined");
	}
}

/* A late one gets what is kept; one that was there before only what is new to it. */
START_TEST(events_are_kept_for_those_who_come_late)
{
	char header[64];
	int fd;

	happen(EVENTS_KEPT + 3);
	fd = follow("");
	hears(fd, "\"id\":67,");
	ck_assert_ptr_null(strstr(answer, "\"id\":3,"));
	has("\"id\":4,\"state\":\"joined\"}}\n\n");
	close(fd);
	snprintf(header, sizeof(header), "Last-Event-ID: %llu\r\n", (unsigned long long)number + EVENTS_KEPT - 2);
	fd = follow(header);
	hears(fd, "\"id\":67,");
	ck_assert_ptr_null(strstr(answer, "\"id\":66,"));
	close(fd);
	/* Numbers that were never told. */
	static const char *const numbers[] = {"0", "", "-1", "x", "18446744073709551616", "99999999999999999"};
	for (uint32_t i = 0; i < 6; i++) {
		snprintf(header, sizeof(header), "Last-Event-ID: %s\r\n", numbers[i]);
		fd = follow(header);
		hears(fd, "\"id\":4,");
		close(fd);
	}
	end();
}
END_TEST

START_TEST(events_are_read_in_pieces)
{
	const struct events *events = ((const struct metrics *)metrics)->events;
	struct events_reader reader = {.next = events_first(events)};
	char text[1024];
	size_t size = 0;

	happen(2);
	while (events_read(events, &reader, 0, text + size, 7) == 7)
		size += 7;
	ck_assert_int_eq(events_read(events, &reader, 0, text + size, 7), 0);
	ck_assert_int_eq(strncmp(text, "id: ", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"id\":1,\"state\":\"joined\"}}\n\nid: "));
	/* Nobody has the other half of it. */
	happen(3);
	ck_assert_int_eq(events_read(events, &reader, 0, text, 7), 7);
	for (uint32_t i = 0; i < EVENTS_KEPT; i++)
		set_text("runtime.members.1.status", i % 2 == 0 ? "left" : "joined");
	ck_assert_int_eq(events_read(events, &reader, 0, text, 7), -1);
	end();
}
END_TEST

/* So that both sides see whether the other is there; and it is not cut off meanwhile. */
START_TEST(a_quiet_stream_has_a_heart_beat)
{
	int fd = follow("");

	mock_host_advance(host, 14000 * MS);
	ck_assert(!hear(fd, "heartbeat"));
	mock_host_advance(host, 1000 * MS);
	hears(fd, "\"event\":\"heartbeat\",\"data\":{}}\n\n");
	mock_host_advance(host, 10000 * MS);
	happen(1);
	hears(fd, "\"id\":1,");
	close(fd);
	end();
}
END_TEST

/* Who does not read is cut off when the socket holds no more, and holds no memory of ours before. */
START_TEST(a_stream_that_is_not_read_ends)
{
	static char name[200];
	int fd, small = 4096;
	uint32_t rounds = 0;
	struct metrics *plugin = metrics;

	memset(name, 'x', sizeof(name) - 1);
	fd = dial();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	for (; server_streams(plugin->server) == 0 && rounds < 100; rounds++)
		mock_host_poll(host, 1);
	for (rounds = 0; server_streams(plugin->server) == 1 && rounds < 3000; rounds++) {
		for (uint32_t i = 0; i < EVENTS_KEPT; i++) {
			name[0] = (char)('a' + rounds % 26);
			name[1] = (char)('a' + i % 26);
			set_text("runtime.members.1.status", name);
		}
		mock_host_poll(host, 0);
		mock_host_advance(host, 10 * MS);
	}
	ck_assert_uint_eq(server_streams(plugin->server), 0);
	close(fd);
	end();
}
END_TEST

START_TEST(streams_are_half_of_the_connections)
{
	int fds[8];

	for (uint32_t i = 0; i < 8; i++)
		fds[i] = follow("");
	get("/events");
	has("HTTP/1.1 503 ");
	get("/metrics");
	has("# EOF\n");
	close(fds[0]);
	for (uint32_t i = 0; i < 20; i++)
		mock_host_poll(host, 1);
	happen(1); /* so it is noticed */
	for (uint32_t i = 0; i < 20; i++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, MS);
	}
	happen(2);
	for (uint32_t i = 0; i < 20; i++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, MS);
	}
	fds[0] = follow("");
	for (uint32_t i = 0; i < 8; i++)
		close(fds[i]);
	end();
}
END_TEST

START_TEST(it_ends_with_streams)
{
	int fd = follow("");

	happen(_i == 0 ? 0 : 1);
	end();
	close(fd);
}
END_TEST

START_TEST(it_ends_with_clients_connected)
{
	int fd = dial();

	say(fd, "GET /met");
	mock_host_poll(host, 10);
	end();
	ck_assert_int_eq(recv(fd, answer, 1, 0), 0);
	close(fd);
}
END_TEST

static const struct {
	const char *allow, *want;
} allows[] = {
	{"127.0.0.1", "HTTP/1.1 200 "},
	{"10.0.0.0/8, 127.0.0.0/8", "HTTP/1.1 200 "},
	{"0.0.0.0/0", "HTTP/1.1 200 "},
	{"::ffff:127.0.0.1", "HTTP/1.1 200 "},
	{"127.0.0.2/31", ""},
	{"::1", ""},
	{"128.0.0.0/1", ""},
};

START_TEST(only_the_allowed_are_served)
{
	mock_host_option(host, "allow", allows[_i].allow);
	ck_assert_int_eq(ops->reload(metrics), 0);
	int fd = dial();
	send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
	ck_assert(listen_to(fd));
	if (strncmp(answer, "HTTP/1.0", 8) == 0)
		answer[7] = '1';
	ck_assert_msg(strncmp(answer, allows[_i].want, 13) == 0, "%s: '%s'", allows[_i].allow, answer);
	end();
}
END_TEST

/* A reload that is refused leaves everything as it was; and the list's end comes with a new one. */
START_TEST(a_bad_list_changes_nothing)
{
	mock_host_option(host, "allow", "127.0.0.1, 10.0.0.0/33");
	ck_assert_int_eq(ops->reload(metrics), -EINVAL);
	ck_assert(mock_host_has_logged(host, "allow: '127.0.0.1, 10.0.0.0/33' is no list of addresses"));
	get("/healthz");
	has("ok\n");
	end();
}
END_TEST

START_TEST(a_reload_takes_the_options)
{
	get("/metrics");
	ck_assert(strstr(answer, "ha_cluster") == NULL);
	mock_host_option(host, "legacy_names", "1");
	mock_host_option(host, "timeout", "300");
	ck_assert_int_eq(ops->reload(metrics), 0);
	get("/metrics");
	has("\nha_cluster_corosync_ring_errors 0\n");
	int fd = dial();
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 300 * MS);
	ck_assert(listen_to(fd));
	end();
}
END_TEST

/* The node joins its ring all the same, and a port that becomes free is taken. */
START_TEST(a_port_in_use_is_waited_for)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[8];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(other, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(other, 1), 0);
	getsockname(other, (struct sockaddr *)&address, &size);
	snprintf(text, sizeof(text), "%u", ntohs(address.sin_port));
	make_host();
	mock_host_option(host, "port", text);
	start();
	ck_assert_uint_eq(port, 0);
	ck_assert(mock_host_has_logged(host, "Address already in use; it is tried again"));
	uint32_t lines = host->logs.count;
	mock_host_advance(host, 2000 * MS);
	ck_assert_uint_eq(host->logs.count, lines);
	close(other);
	mock_host_advance(host, 2000 * MS);
	port = port_of();
	ck_assert_uint_eq(port, ntohs(address.sin_port));
	get("/healthz");
	has("ok\n");
	end();
}
END_TEST

static const struct {
	const char *listen, *want; /* NULL: it is refused */
} addresses[] = {
	{"127.0.0.1", "127.0.0.1:9"},
	{"127.0.0.1:80", "127.0.0.1:80"},
	{"127.0.0.1:65535", "127.0.0.1:65535"},
	{"[::1]:80", "[::1]:80"},
	{"[::1]", "[::1]:9"},
	{"::1", "[::1]:9"},
	{"0.0.0.0", "0.0.0.0:9"},
	{"", NULL},
	{"localhost", NULL},
	{"127.0.0.1:", NULL},
	{"127.0.0.1:65536", NULL},
	{"127.0.0.1:-1", NULL},
	{"127.0.0.1:80x", NULL},
	{"127.0.0", NULL},
	{"[::1", NULL},
	{"[::1]80", NULL},
	{"[127.0.0.1]:80", NULL},
	{"[]:80", NULL},
	{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
};

START_TEST(addresses_of_all_kinds)
{
	struct sockaddr_storage address;
	char text[64];
	int rc = address_parse(addresses[_i].listen, 9, &address);

	if (addresses[_i].want == NULL) {
		ck_assert_msg(rc == -EINVAL, "%s: %d", addresses[_i].listen, rc);
		make_host();
		mock_host_option(host, "listen", addresses[_i].listen);
		ck_assert_int_lt(ops->init(&host->table, host, &metrics), 0);
		ck_assert_uint_eq(mock_host_destroy(host), 0);
		return;
	}
	ck_assert_int_eq(rc, 0);
	address_text(&address, text);
	ck_assert_str_eq(text, addresses[_i].want);
}
END_TEST

static const char *const bad_lists[] = {"x", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+1", "1.2.3.4/8/8",
	"1.2.3", "127.0.0.1 y", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/128"};

START_TEST(bad_lists_are_refused)
{
	struct allow allow;

	ck_assert_msg(allow_parse(bad_lists[_i], &allow) == -EINVAL, "%s", bad_lists[_i]);
	ck_assert_ptr_null(allow.list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *served = tcase_create("served"), *other = tcase_create("other");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(served, set_up, NULL);
	tcase_add_test(served, a_client_gets_the_text);
	tcase_add_loop_test(served, requests_of_all_kinds, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_test(served, health_needs_ring_and_quorum);
	tcase_add_test(served, a_copy_serves_for_a_second);
	tcase_add_loop_test(served, slow_clients_are_cut_off, 0, sizeof(slow) / sizeof(slow[0]));
	tcase_add_test(served, a_request_has_a_size);
	tcase_add_test(served, connections_have_a_number);
	tcase_add_test(served, turns_are_rationed);
	tcase_add_test(served, documents_take_so_much_room);
	tcase_add_test(served, the_loop_is_held_up_for_a_slice_only);
	tcase_add_test(served, a_slow_copy_serves_who_waits);
	tcase_add_test(served, a_client_does_not_wait_for_ever);
	tcase_add_loop_test(served, it_ends_while_somebody_waits, 0, 20);
	tcase_add_test(served, many_wait_for_one_copy);
	tcase_add_loop_test(served, answers_are_those_of_coterie_ctl, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(served, an_answer_that_there_is_not);
	tcase_add_test(served, what_happens_is_told);
	tcase_add_test(served, verdicts_are_told_once);
	tcase_add_test(served, links_are_looked_at);
	tcase_add_test(served, plugins_are_looked_at);
	tcase_add_test(served, events_are_kept_for_those_who_come_late);
	tcase_add_test(served, events_are_read_in_pieces);
	tcase_add_test(served, a_quiet_stream_has_a_heart_beat);
	tcase_add_test(served, a_stream_that_is_not_read_ends);
	tcase_add_test(served, streams_are_half_of_the_connections);
	tcase_add_loop_test(served, it_ends_with_streams, 0, 2);
	tcase_add_test(served, it_ends_with_clients_connected);
	tcase_add_loop_test(served, only_the_allowed_are_served, 0, sizeof(allows) / sizeof(allows[0]));
	tcase_add_test(served, a_bad_list_changes_nothing);
	tcase_add_test(served, a_reload_takes_the_options);
	tcase_add_test(other, a_copy_is_read);
	tcase_add_test(other, a_copy_has_a_size);
	tcase_add_test(other, a_port_in_use_is_waited_for);
	tcase_add_loop_test(other, addresses_of_all_kinds, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_loop_test(other, bad_lists_are_refused, 0, sizeof(bad_lists) / sizeof(bad_lists[0]));
	suite_add_tcase(suite, served);
	suite_add_tcase(suite, other);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
