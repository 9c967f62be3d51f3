/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin metrics: which clients it serves, on which addresses, and which requests. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/plugins/metrics/metrics_case.h"

static const struct {
	const char *name, *request;
	const char *status; /* expected status; NULL: no answer */
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
		"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain;q=0.5,application/openmetrics-text\r\n\r\n",
		"200", "Content-Type: application/openmetrics-text"},
	{"the older format", "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n", "200",
		"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
	{"no HTTP", "\x16\x03\x01\x02\r\n\r\n", NULL, ""},
	{"a strange name", "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", "names"},
	{"a strange name with our port", "GET / HTTP/1.1\r\nHost: evil.example:9890\r\n\r\n", "421", ""},
	{"a name that begins with an address", "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", "421", ""},
	{"a name for events", "GET /events HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421", ""},
	{"an empty name", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "421", ""},
	{"half an address", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "421", ""},
	{"an address", "GET / HTTP/1.1\r\nHost: 127.0.0.1:9890\r\n\r\n", "200", ""},
	{"an address of IPv6", "GET / HTTP/1.1\r\nHost: [::1]:9890\r\n\r\n", "200", ""},
	{"this machine", "GET / HTTP/1.1\r\nHost: LocalHost:80\r\n\r\n", "200", ""},
	{"a name of the option, and a last dot", "GET / HTTP/1.1\r\nHost: X.\r\n\r\n", "200", ""},
	/* libmicrohttpd 1.0 refuses a request without a host, as RFC 9112 requires. */
	{"no host", "GET /metrics HTTP/1.1\r\n\r\n", "200 or 400", ""},
};

/* Return whether the answer has one of the row's statuses. */
static bool has_status(const char *statuses)
{
	char line[32];

	for (const char *at = statuses; at != NULL; at = strstr(at, " or "), at = at == NULL ? NULL : at + 4) {
		snprintf(line, sizeof(line), "HTTP/1.1 %.3s ", at);
		if (strncmp(answer, "HTTP/1.0", 8) == 0)
			line[7] = '0';
		if (strncmp(answer, line, strlen(line)) == 0)
			return true;
	}
	return false;
}

START_TEST(requests_of_all_kinds)
{
	ask(requests[_i].request);
	if (requests[_i].status == NULL) {
		ck_assert_str_eq(answer, "");
		finish();
		return;
	}
	ck_assert_msg(has_status(requests[_i].status) && strstr(answer, requests[_i].words) != NULL, "%s: '%s'",
		requests[_i].name, answer);
	finish();
}
END_TEST

/* Clients that send nothing, half a request, or a request without an end. */
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
	finish();
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
	finish();
}
END_TEST

/*
 * One address may have twelve of the sixteen connections. More are closed. When a connection ends, another one may be
 * made.
 */
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
	finish();
}
END_TEST

/* Begin a stream. @return its descriptor */
static int follow(void)
{
	int fd = dial();

	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	for (uint32_t turns = 0; turns < 20; turns++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, 0);
	}
	ssize_t got = recv(fd, answer, 100, MSG_DONTWAIT);

	answer[got > 0 ? got : 0] = '\0';
	return fd;
}

/* Streams whose clients have left, as with a page that is reloaded, keep no place. Those of clients that stay do. */
START_TEST(streams_of_clients_that_left)
{
	for (uint32_t i = 0; i < 20; i++) {
		close(follow());
		has("HTTP/1.1 200 ");
	}
	for (uint32_t i = 0; i < 8; i++) {
		follow();
		has("HTTP/1.1 200 ");
	}
	close(follow());
	has("HTTP/1.1 503 ");
	finish();
}
END_TEST

/* A flood of requests gets a limited number of turns in each second. */
START_TEST(turns_are_rationed)
{
	uint32_t turns = 0;
	int fd;

	for (;;) {
		fd = dial();
		if (mock_host_poll(host, 50) == 0)
			break;
		ck_assert_uint_le(++turns, 401); /* in the last turn the server only pauses */
		close(fd);
	}
	ck_assert_uint_ge(turns, 50);
	say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 1000 * MS);
	ck_assert(listen_to(fd));
	finish();
}
END_TEST

START_TEST(it_ends_with_clients_connected)
{
	int fd = dial();

	say(fd, "GET /met");
	mock_host_poll(host, 10);
	finish();
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
	finish();
}
END_TEST

/* Connections of each kind: a stream of events, a request that waits for its document, half a request. */
static const struct {
	const char *name, *request;
	bool is_waiting; /* the document is never ready */
} open_ones[] = {
	{"a stream", "GET /events HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"a request that waits", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", true},
	{"half a request", "GET /ev", false},
};

/* A new list also holds for clients that the old one has let in. */
START_TEST(a_reload_ends_who_is_not_allowed_any_more)
{
	struct metrics *plugin = metrics;
	int fd = dial();

	if (open_ones[_i].is_waiting)
		plugin->job = (struct job *)plugin; /* this job never ends */
	say(fd, open_ones[_i].request);
	ck_assert_msg(!listen_to(fd), "%s", open_ones[_i].name);
	mock_host_option(host, "allow", "127.0.0.0/8");
	ck_assert_int_eq(ops->reload(metrics), 0);
	ck_assert_msg(!listen_to(fd), "%s", open_ones[_i].name);
	mock_host_option(host, "allow", "192.0.2.1");
	ck_assert_int_eq(ops->reload(metrics), 0);
	ck_assert_msg(listen_to(fd), "%s", open_ones[_i].name);
	ck_assert_str_eq(answer, "");
	for (uint32_t turns = 0; turns < 20; turns++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, 0);
	}
	ck_assert_uint_eq(server_streams(plugin->server), 0);
	plugin->job = NULL;
	finish();
}
END_TEST

/* A reload that is refused changes nothing. A new list replaces the old one. */
START_TEST(a_bad_list_changes_nothing)
{
	mock_host_option(host, "allow", "127.0.0.1, 10.0.0.0/33");
	ck_assert_int_eq(ops->reload(metrics), -EINVAL);
	ck_assert(mock_host_has_logged(host, "allow: '127.0.0.1, 10.0.0.0/33' is no list of addresses"));
	get("/healthz");
	has("ok\n");
	finish();
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
	finish();
}
END_TEST

/* The library has a limit of its own for silent connections, by the real clock. A longer timeout must not stop there. */
START_TEST(a_reload_makes_the_timeout_longer)
{
	make_host();
	mock_host_option(host, "timeout", "100");
	start();
	mock_host_option(host, "timeout", "10000");
	ck_assert_int_eq(ops->reload(metrics), 0);
	int fd = dial();
	say(fd, "GET /healthz HTTP/1.1\r\n");
	ck_assert(!listen_to(fd));
	usleep(2200000);
	mock_host_advance(host, 2200 * MS);
	ck_assert(!listen_to(fd));
	say(fd, "Host: x\r\n\r\n");
	ck_assert(listen_to(fd));
	has("ok\n");
	finish();
}
END_TEST

/* If the port is in use, the node joins its ring without metrics. The plugin listens when the port becomes free. */
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
	mock_host_advance(host, 0);
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
	finish();
}
END_TEST

/* The version that is replaced has the port until the end of the turn. */
START_TEST(a_successor_listens_in_the_next_turn)
{
	char text[8];

	make_host();
	start();
	snprintf(text, sizeof(text), "%u", port);
	mock_host_option(host, "port", text);
	void *before = metrics;
	host->quorum_run = NULL; /* the new plugin registers its own callbacks */
	start();
	ops->fini(before);
	mock_host_advance(host, 0);
	ck_assert(!mock_host_has_logged(host, "cannot listen"));
	get("/healthz");
	has("ok\n");
	finish();
}
END_TEST

static const struct {
	const char *listen, *want; /* want NULL: the address is refused */
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

static const char *const bad_lists[] = {"x", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+1",
	"1.2.3.4/8/8", "1.2.3", "127.0.0.1 y",
	"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/128"};

START_TEST(bad_lists_are_refused)
{
	struct allow allow;

	ck_assert_msg(allow_parse(bad_lists[_i], &allow) == -EINVAL, "%s", bad_lists[_i]);
	ck_assert_ptr_null(allow.list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_server");
	TCase *served = metrics_case_add(suite), *other = tcase_create("other");

	tcase_add_loop_test(served, requests_of_all_kinds, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_loop_test(served, slow_clients_are_cut_off, 0, sizeof(slow) / sizeof(slow[0]));
	tcase_add_test(served, a_request_has_a_size);
	tcase_add_test(served, connections_have_a_number);
	tcase_add_test(served, streams_of_clients_that_left);
	tcase_add_test(served, turns_are_rationed);
	tcase_add_test(served, it_ends_with_clients_connected);
	tcase_add_loop_test(served, only_the_allowed_are_served, 0, sizeof(allows) / sizeof(allows[0]));
	tcase_add_loop_test(
		served, a_reload_ends_who_is_not_allowed_any_more, 0, sizeof(open_ones) / sizeof(open_ones[0]));
	tcase_add_test(served, a_bad_list_changes_nothing);
	tcase_add_test(served, a_reload_takes_the_options);
	tcase_add_test(other, a_reload_makes_the_timeout_longer);
	tcase_add_test(other, a_port_in_use_is_waited_for);
	tcase_add_test(other, a_successor_listens_in_the_next_turn);
	tcase_add_loop_test(other, addresses_of_all_kinds, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_loop_test(other, bad_lists_are_refused, 0, sizeof(bad_lists) / sizeof(bad_lists[0]));
	suite_add_tcase(suite, other);
	return suite_run(suite);
}
