/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP connections (wires) of udpu between mock hosts, over real sockets on loopback addresses of this test's own.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/udp_nodes.h"
#include "transports/common/udp_link.h"

extern const struct coterie_plugin udpu_LTX_coterie_plugin;

static void set_up(void) { nodes_set_up(&udpu_LTX_coterie_plugin); }

static struct tripwire *wire_of(uint32_t node) { return &((struct udp_link *)nodes[node])->wire; }

/* Serve all nodes until nothing has happened for a moment. */
static void serve(void)
{
	for (int quiet = 0; quiet < 3; quiet++) {
		for (uint32_t i = 0; i < NODES; i++) {
			if (nodes[i] != NULL && mock_host_poll(hosts[i], 2) > 0)
				quiet = 0;
		}
	}
}

/* Check the reports of a node about its watches so far. */
static void check_told(uint32_t node, uint32_t count, uint32_t nodeid, uint32_t state)
{
	const struct mock_queue *told = &hosts[node]->watches;

	for (int i = 0; i < 40 && told->count < count; i++)
		serve();
	serve();
	mock_host_advance(hosts[node], 0); /* run a report that waits for the loop's next turn */
	ck_assert_uint_eq(told->count, count);
	if (count == 0)
		return;
	ck_assert_uint_eq(told->list[count - 1].id, nodeid);
	ck_assert_mem_eq(told->list[count - 1].data, &state, sizeof(state));
}

static void pass_time(uint32_t node, uint64_t ns)
{
	mock_host_advance(hosts[node], ns);
	serve();
}

/* Let `count` seconds pass. A connection takes some turns, so serve all nodes after each second. */
static void pass_seconds(uint32_t count)
{
	for (uint32_t i = 0; i < 4 * count; i++)
		pass_time(0, 250 * MS);
}

/* Start a watch, and check that the next report of `node` says that it is on. */
static void watch(uint32_t node, uint32_t nodeid)
{
	uint32_t count = hosts[node]->watches.count;

	ops->watch(nodes[node], nodeid);
	ck_assert_uint_eq(hosts[node]->watches.count, count); /* watch() itself must not report */
	pass_time(node, 0);
	check_told(node, count + 1, nodeid, COTERIE_WATCH_ON);
}

/* Let node 1 watch node 2. */
static void set_up_watch(void)
{
	set_up();
	watch(0, 2);
}

static uint32_t guests_of(uint32_t node, bool are_named)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < TRIPWIRE_GUESTS_MAX; i++) {
		const struct tripwire_guest *guest = &wire_of(node)->guests[i];

		count += guest->fd >= 0 && (guest->nodeid != 0) == are_named;
	}
	return count;
}

static struct tripwire_guest *guest_of(uint32_t node)
{
	struct tripwire_guest *guest = wire_of(node)->guests;

	while (guest->fd < 0)
		guest++;
	return guest;
}

START_TEST(a_watch_needs_nothing_once_it_is_on)
{
	for (int i = 0; i < 100; i++)
		pass_time(0, 1000 * MS);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON); /* the other end of the same connection */
	check_told(2, 0, 0, 0);
	ck_assert_ptr_null(wire_of(0)->timer);
	ck_assert_ptr_null(wire_of(0)->report_timer);
	ck_assert_uint_eq(guests_of(1, true), 1);
	ck_assert_int_ne(fcntl(wire_of(0)->fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(wire_of(1)->listen_fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(guest_of(1)->fd, F_GETFD) & FD_CLOEXEC, 0);
	ops->watch(nodes[0], 2); /* called again at the next ring */
	pass_time(0, 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 1);
}
END_TEST

/* Close a connection as a kernel does for a killed process: orderly, or with a reset if bytes are unread. */
static void kernel_closes(uint32_t node, int *fd, bool is_reset)
{
	const struct linger reset = {.l_onoff = 1};

	if (is_reset)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	hosts[node]->table.fd_del(hosts[node], *fd);
	close(*fd);
	*fd = -1;
}

START_TEST(a_close_without_goodbye_breaks_the_watch)
{
	uint32_t how = _i == 1 ? COTERIE_WATCH_BROKEN : COTERIE_WATCH_CLOSED;

	kernel_closes(1, &guest_of(1)->fd, _i == 1);
	check_told(0, 2, 2, how);
	/* The daemon still runs, so the watch is soon on again. */
	pass_time(0, 900 * MS);
	check_told(0, 2, 2, how);
	pass_time(0, 200 * MS);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

/* As before, with the connection that the other node has made. */
START_TEST(a_close_without_goodbye_breaks_the_watch_of_a_guest)
{
	uint32_t how = _i == 1 ? COTERIE_WATCH_BROKEN : COTERIE_WATCH_CLOSED;

	kernel_closes(0, &wire_of(0)->fd, _i == 1);
	wire_of(0)->state = TRIPWIRE_IDLE;
	check_told(1, 2, 1, how);
	ck_assert_uint_eq(guests_of(1, true), 0);
	check_told(1, 2, 1, how); /* once */
	ops->watch(nodes[0], 2);
	pass_time(0, 0);
	check_told(1, 3, 1, COTERIE_WATCH_ON);
}
END_TEST

/* Two nodes watch each other. Each of the two connections is reported separately. */
START_TEST(both_directions_are_reported)
{
	const uint32_t states[] = {COTERIE_WATCH_ON, COTERIE_WATCH_ON, COTERIE_WATCH_OFF, COTERIE_WATCH_CLOSED};
	const struct mock_queue *told = &hosts[0]->watches;

	watch(1, 1);
	check_told(0, 2, 2, COTERIE_WATCH_ON);
	check_told(1, 2, 1, COTERIE_WATCH_ON);
	ops->watch(nodes[0], 0);
	check_told(0, 3, 2, COTERIE_WATCH_OFF);
	check_told(1, 3, 1, COTERIE_WATCH_OFF);
	kernel_closes(1, &wire_of(1)->fd, false);
	wire_of(1)->state = TRIPWIRE_IDLE;
	check_told(0, 4, 2, COTERIE_WATCH_CLOSED);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(told->list[i].id, 2);
		ck_assert_mem_eq(told->list[i].data, &states[i], sizeof(states[i]));
	}
}
END_TEST

/* A daemon that closes a connection sends a goodbye, even if bytes are unread. Only a kernel closes without one. */
START_TEST(whoever_closes_on_purpose_says_goodbye)
{
	switch (_i) {
	case 0:
		ops->watch(nodes[0], 0);
		break;
	case 1:
		ops->watch(nodes[0], 3);
		break;
	case 2:
		mock_host_option(hosts[0], "tripwire", "no");
		ck_assert_int_eq(ops->reload(nodes[0]), 0);
		break;
	case 3:
		ops->peer_del(nodes[0], 0, 2);
		break;
	case 4:
		node_close(0);
		break;
	case 5: /* bytes of the neighbour that the wire does not read */
		ck_assert_int_eq(send(guest_of(1)->fd, "noise", 5, MSG_NOSIGNAL), 5);
		mock_host_poll(hosts[0], 1000);
		break;
	case 6: /* both ends send a goodbye at the same time */
		ck_assert_int_eq(send(guest_of(1)->fd, "B", 1, MSG_NOSIGNAL), 1);
		ops->watch(nodes[0], 0);
		break;
	}
	check_told(1, 2, 1, COTERIE_WATCH_OFF);
}
END_TEST

/*
 * The neighbour reports the connection as soon as it gets a greeting. So the wire must send a goodbye when it gives up.
 */
START_TEST(an_attempt_that_takes_too_long_ends_with_goodbye)
{
	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	mock_host_advance(hosts[0], 0);
	mock_host_poll(hosts[0], 1000);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_GREETED);
	if (_i == 0)
		ops->watch(nodes[0], 0);
	else
		mock_host_advance(hosts[0], 1000 * MS);
	check_told(2, 2, 1, COTERIE_WATCH_OFF);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
}
END_TEST

static uint32_t depth, reports;

static void watch_nobody(struct coterie_ctx *host, uint32_t nodeid, uint32_t state)
{
	(void)host, (void)nodeid, (void)state;
	ck_assert_uint_eq(depth, 0);
	depth++;
	reports++;
	ops->watch(nodes[0], 0);
	depth--;
}

/* A transport does not call the host from inside the host's calls. The host may call it from inside a report. */
START_TEST(reports_wait_for_the_loop)
{
	uint32_t count;

	watch(1, 1);
	check_told(0, 2, 2, COTERIE_WATCH_ON);
	count = hosts[0]->watches.count;
	if (_i == 0) {
		ops->watch(nodes[0], 3);
	} else if (_i == 1) {
		ops->peer_del(nodes[0], 0, 2);
	} else if (_i == 2) {
		mock_host_option(hosts[0], "tripwire", "no");
		ops->reload(nodes[0]);
	} else {
		hosts[0]->table.peer_watch = watch_nobody;
		kernel_closes(1, &wire_of(1)->fd, false);
		wire_of(1)->state = TRIPWIRE_IDLE;
		serve();
		ck_assert_uint_eq(reports, 2); /* the end of the guest's connection, and the end of the wire */
	}
	ck_assert_uint_eq(hosts[0]->watches.count, count);
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->watches.count, _i == 0 ? count + 1 : _i == 3 ? count : count + 2);
}
END_TEST

START_TEST(a_node_that_stops_says_goodbye)
{
	node_close(1);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	for (int i = 0; i < 100; i++) /* no process listens there */
		pass_time(0, 1000 * MS);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_uint_ge(wire_of(0)->pause_ns, 64000 * MS);
	start(1);
	watch(0, 2); /* the node is in the ring again: the pauses end */
}
END_TEST

START_TEST(another_neighbour_is_watched_instead)
{
	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 0);
	check_told(0, 3, 3, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 0);
	ops->watch(nodes[0], 0);
	check_told(0, 4, 3, COTERIE_WATCH_OFF);
	pass_seconds(2);
	ck_assert_uint_eq(guests_of(2, true), 0);
}
END_TEST

START_TEST(a_reload_switches_it_off_and_on)
{
	uint32_t who = (uint32_t)_i;

	mock_host_option(hosts[who], "tripwire", "no");
	ck_assert_int_eq(ops->reload(nodes[who]), 0);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_seconds(5);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_int_eq(wire_of(who)->listen_fd, -1);
	mock_host_option(hosts[who], "tripwire", "yes");
	ck_assert_int_eq(ops->reload(nodes[who]), 0);
	pass_seconds(5);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

START_TEST(a_node_that_leaves_the_list_is_watched_no_more)
{
	ops->peer_del(nodes[0], 0, 2);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 1000 * MS);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), 0);
	pass_seconds(3);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
	ops->peer_del(nodes[1], 0, 1); /* the node watches no other node there */
	check_told(0, 4, 2, COTERIE_WATCH_OFF);
	pass_seconds(3);
	check_told(0, 4, 2, COTERIE_WATCH_OFF);
	ck_assert_uint_eq(guests_of(1, true) + guests_of(1, false), 0);
}
END_TEST

/* --- the kernel of a silent neighbour --- */

#define QUESTION_GAP_NS (150 * MS)

/* Act as a cut cable: packets for this connection are dropped before the kernel handles them. */
static void lose_all(int fd, bool is_lost)
{
	struct sock_filter none[] = {{.code = BPF_RET | BPF_K, .k = 0}};
	struct sock_fprog program = {.len = 1, .filter = none};
	int unused = 0;

	if (is_lost)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	else
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)), 0);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

/* Wait in real time, since the kernel's timers decide here. */
static void rest_ms(long ms)
{
	const struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&rest, NULL);
}

static bool is_silence_known;

static uint32_t ask(uint32_t node, uint32_t nodeid)
{
	bool is_first = !is_silence_known;

	is_silence_known = true;
	return ops->witness(nodes[node], nodeid, is_first);
}

static void begin_silence(void) { is_silence_known = false; }

/*
 * Ask about a node until the result is `wanted`. No mock host serves that node meanwhile, as if it were stopped. The
 * kernel sends a probe within a second.
 */
static uint32_t ask_until(uint32_t node, uint32_t nodeid, uint32_t want)
{
	uint32_t state = COTERIE_WITNESS_UNKNOWN;

	for (int i = 0; i < 150; i++) {
		state = ask(node, nodeid);
		if (state == want)
			break;
		rest_ms(20);
		mock_host_advance(hosts[node], QUESTION_GAP_NS);
	}
	return state;
}

/* Node 1 made the connection, node 2 accepted it. */
static int witness_fd(uint32_t node) { return node == 0 ? wire_of(0)->fd : guest_of(1)->fd; }

START_TEST(the_host_of_a_stopped_daemon_answers)
{
	uint32_t node = (uint32_t)_i, other = 1 - node;

	ck_assert_uint_eq(ask(node, other + 1), COTERIE_WITNESS_UNKNOWN); /* nothing was asked yet */
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	/* The probes do not disturb the daemon when it continues. */
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_ON);
}
END_TEST

START_TEST(a_host_that_is_cut_off_does_not_answer)
{
	uint32_t node = (uint32_t)_i, other = 1 - node;

	lose_all(witness_fd(other), true);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_SILENT), COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(other), false);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	lose_all(witness_fd(other), true);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_SILENT), COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(other), false);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON);
}
END_TEST

/* Answers and unanswered probes of an earlier silence do not count. */
START_TEST(what_came_before_a_silence_is_no_sign)
{
	uint32_t state = COTERIE_WITNESS_UNKNOWN;

	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	lose_all(witness_fd(1), true);
	begin_silence();
	for (int i = 0; i < 150 && state == COTERIE_WITNESS_UNKNOWN; i++) {
		state = ask(0, 2);
		rest_ms(20);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
	}
	ck_assert_uint_eq(state, COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(1), false);
	begin_silence();
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
}
END_TEST

/* Between a probe and its answer the last result stays. */
START_TEST(an_answer_does_not_flap)
{
	const uint32_t want = _i == 1 ? COTERIE_WITNESS_SILENT : COTERIE_WITNESS_ANSWERS;

	if (_i == 1)
		lose_all(witness_fd(1), true);
	ck_assert_uint_eq(ask_until(0, 2, want), want);
	for (int i = 0; i < 60; i++) {
		rest_ms(20);
		mock_host_advance(hosts[0], 20 * MS);
		ck_assert_uint_eq(ask(0, 2), want);
	}
}
END_TEST

/* A lost packet is no cut cable. */
START_TEST(one_lost_probe_says_nothing)
{
	rest_ms(1100); /* the first probe leaves at once */
	lose_all(witness_fd(1), true);
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	rest_ms(50);
	lose_all(witness_fd(1), false);
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_ne(ask(0, 2), COTERIE_WITNESS_SILENT);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
		rest_ms(20);
	}
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_ANSWERS);
}
END_TEST

/* A budget of half a second leaves no time for TCP's own timers. */
START_TEST(an_idle_connection_tells_in_less_than_a_second)
{
	bool is_cut = _i == 1;
	uint32_t want = is_cut ? COTERIE_WITNESS_SILENT : COTERIE_WITNESS_ANSWERS;

	rest_ms(1100);
	if (is_cut)
		lose_all(witness_fd(1), true);
	ask(0, 2);
	for (int i = 0; i < 2; i++) {
		rest_ms(100);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
		ask(0, 2);
	}
	ck_assert_uint_eq(ask(0, 2), want);
}
END_TEST

/*
 * The number of probes does not depend on the number of questions: 8 in a second at first, and 4 after probes went
 * unanswered.
 */
START_TEST(questions_send_few_probes)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	rest_ms(1100);
	lose_all(witness_fd(1), true);
	for (int i = 0; i < 1000; i++) { /* in one second */
		ask(0, 2);
		if (i % 25 == 0)
			rest_ms(5);
		mock_host_advance(hosts[0], MS);
	}
	rest_ms(20);
	ck_assert_int_eq(getsockopt(wire_of(0)->fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	ck_assert_uint_ge(info.tcpi_probes, 3);
	ck_assert_uint_le(info.tcpi_probes, 8);
}
END_TEST

START_TEST(probes_end_with_the_questions)
{
	uint32_t node = (uint32_t)_i;
	int fd = witness_fd(node);

	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	ask(node, 2 - node);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	mock_host_advance(hosts[node], 1900 * MS);
	ask(node, 2 - node);
	mock_host_advance(hosts[node], 1900 * MS);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	mock_host_advance(hosts[node], 2200 * MS);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	ck_assert_ptr_null(wire_of(node)->witness_timer);
	/* More probes than before do not end a connection earlier. */
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 25000);
}
END_TEST

START_TEST(without_a_connection_nothing_is_known)
{
	ck_assert_uint_eq(ask_until(0, 3, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 0), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 1), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 9), COTERIE_WITNESS_UNKNOWN);
	ck_assert_ptr_null(wire_of(0)->witness_timer);
	/* A connection that has not answered the greeting gives no result either. */
	ck_assert_uint_eq(ask(2, 1), COTERIE_WITNESS_UNKNOWN);
	/* Knowledge about a connection ends with it. */
	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	ops->watch(nodes[0], 0);
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	watch(0, 2);
	begin_silence();
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
}
END_TEST

/* --- others than the neighbour --- */

static int connect_from(const struct sockaddr *local, uint32_t to)
{
	struct sockaddr_in in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memcpy(&in, local, sizeof(in));
	in.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(connect(fd, address_of(to), sizeof(in)), 0);
	return fd;
}

static bool is_closed(int fd)
{
	uint8_t byte;
	ssize_t size;

	serve();
	size = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);
	return size == 0 || (size < 0 && errno == ECONNRESET);
}

/* Open a node's port, as another program or a stopped daemon would. @return the socket */
static int take_port(uint32_t node)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	node_close(node);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, address_of(node), sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static void greet_partly(int fd, uint32_t from, uint32_t to, size_t size)
{
	struct tripwire_greeting greeting = {{'C', 'T', 'W', '1'}, htonl(from), htonl(to)};

	ck_assert_int_eq(send(fd, &greeting, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void greet(int fd, uint32_t from, uint32_t to) { greet_partly(fd, from, to, sizeof(struct tripwire_greeting)); }

START_TEST(strangers_are_shown_out)
{
	struct sockaddr_in in;
	int fd;

	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + 100);
	fd = connect_from((struct sockaddr *)&in, 1);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, true), 1);
	ck_assert_uint_eq(guests_of(1, false), 0);
}
END_TEST

/* Invalid greetings from the address of a node. */
START_TEST(bad_greetings_end_a_connection)
{
	static const struct {
		uint32_t from, to;
		size_t size;
	} rows[] = {{3, 2, 1}, {3, 2, 11}, {1, 2, 12}, {2, 2, 12}, {3, 1, 12}, {9, 2, 12}, {0, 2, 12}};
	int fd = connect_from(address_of(2), 1);

	greet_partly(fd, rows[_i].from, rows[_i].to, rows[_i].size);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, false), 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON); /* no other node has connected, so none has ended */
}
END_TEST

START_TEST(who_says_more_than_a_greeting_is_shown_out)
{
	static const uint8_t noise[65536];
	size_t size = _i == 0 ? 20 : sizeof(noise);
	struct tripwire_greeting answer;
	uint8_t goodbye;
	int fd = connect_from(address_of(2), 1);

	greet(fd, 3, 2);
	serve();
	ck_assert_uint_eq(guests_of(1, true), 2);
	ck_assert_int_eq(recv(fd, &answer, sizeof(answer), MSG_DONTWAIT), sizeof(answer));
	ck_assert_uint_eq(ntohl(answer.from), 2);
	check_told(1, 2, 3, COTERIE_WATCH_ON);
	(void)!send(fd, noise, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	serve();
	ck_assert_int_eq(recv(fd, &goodbye, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(goodbye, 'B');
	/* Without a flood the close must not be a reset, which could arrive before a lost goodbye. */
	if (_i == 0)
		ck_assert_int_eq(recv(fd, &goodbye, 1, MSG_DONTWAIT), 0);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, true), 1);
	check_told(1, 3, 3, COTERIE_WATCH_OFF);
}
END_TEST

START_TEST(many_connections_take_no_more_than_a_few_places)
{
	int fds[100];

	for (int i = 0; i < 100; i++) {
		fds[i] = connect_from(address_of(2), 1);
		serve();
	}
	ck_assert_uint_le(guests_of(1, false), 4);
	ck_assert_uint_eq(guests_of(1, true), 1);
	/* A node that sends a greeting is still accepted. */
	greet(fds[99], 3, 2);
	serve();
	ck_assert_uint_eq(guests_of(1, true), 2);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	serve();
	ck_assert_uint_eq(guests_of(1, false), 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
}
END_TEST

/*
 * A process with the address of a node can take its place. That is reported as a goodbye, so no node is
 * suspected.
 */
START_TEST(one_connection_of_each_node)
{
	const uint32_t off = COTERIE_WATCH_OFF;
	int fd = connect_from(address_of(0), 1);

	greet(fd, 1, 2);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	check_told(1, 3, 1, COTERIE_WATCH_ON);
	ck_assert_mem_eq(hosts[1]->watches.list[1].data, &off, sizeof(off)); /* the report about the older connection */
	ck_assert_uint_eq(guests_of(1, true), 1);
	pass_time(0, 1100 * MS);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 1);
	close(fd);
}
END_TEST

/*
 * The kernel accepts the connection, but no greeting arrives: another program has the port, or the daemon is stopped.
 */
START_TEST(an_answer_is_waited_for_a_second)
{
	int fd = take_port(2);

	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 0);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_GREETED);
	if (_i == 1) {
		int guest = accept(fd, NULL, NULL);

		greet(guest, 2, 1); /* a greeting of the wrong node */
		serve();
		close(guest);
	} else {
		pass_time(0, 1000 * MS);
	}
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_IDLE);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	close(fd);
}
END_TEST

/* Another program has the port. So this node cannot be watched, but everything else works. */
START_TEST(a_port_that_is_taken_is_told_once)
{
	int fd = take_port(2);

	start(2);
	ck_assert_uint_eq(hosts[2]->link_is_up, 1);
	ck_assert(mock_host_has_logged(hosts[2], "cannot listen on TCP 127."));
	uint32_t logs = hosts[2]->logs.count;
	watch(2, 1);
	close(fd);
	ops->watch(nodes[2], 1);
	ck_assert_int_ge(wire_of(2)->listen_fd, 0);
	ck_assert_uint_eq(hosts[2]->logs.count, logs + 1); /* only the line about the watch */
}
END_TEST

START_TEST(ipv6_has_wires_as_well)
{
	nodes_tear_down();
	choose_addresses(true);
	for (uint32_t i = 0; i < NODES; i++) {
		node_open(i);
		if (ops->link_up(nodes[i], 0, address_of(i)) != 0 || hosts[i]->link_is_up == 0)
			return; /* this host has no IPv6 */
	}
	watch(2, 1);
	node_close(0);
	check_told(2, 2, 1, COTERIE_WATCH_OFF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tripwire");
	TCase *tcase = tcase_create("wires");

	tcase_add_checked_fixture(tcase, set_up_watch, nodes_tear_down);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, a_watch_needs_nothing_once_it_is_on);
	tcase_add_loop_test(tcase, a_close_without_goodbye_breaks_the_watch, 0, 2);
	tcase_add_loop_test(tcase, a_close_without_goodbye_breaks_the_watch_of_a_guest, 0, 2);
	tcase_add_test(tcase, both_directions_are_reported);
	tcase_add_loop_test(tcase, whoever_closes_on_purpose_says_goodbye, 0, 7);
	tcase_add_loop_test(tcase, an_attempt_that_takes_too_long_ends_with_goodbye, 0, 2);
	tcase_add_loop_test(tcase, reports_wait_for_the_loop, 0, 4);
	tcase_add_test(tcase, a_node_that_stops_says_goodbye);
	tcase_add_test(tcase, another_neighbour_is_watched_instead);
	tcase_add_loop_test(tcase, a_reload_switches_it_off_and_on, 0, 2);
	tcase_add_test(tcase, a_node_that_leaves_the_list_is_watched_no_more);
	tcase_add_test(tcase, strangers_are_shown_out);
	tcase_add_loop_test(tcase, bad_greetings_end_a_connection, 0, 7);
	tcase_add_loop_test(tcase, who_says_more_than_a_greeting_is_shown_out, 0, 2);
	tcase_add_test(tcase, many_connections_take_no_more_than_a_few_places);
	tcase_add_test(tcase, one_connection_of_each_node);
	tcase_add_loop_test(tcase, an_answer_is_waited_for_a_second, 0, 2);
	tcase_add_test(tcase, a_port_that_is_taken_is_told_once);
	tcase_add_test(tcase, ipv6_has_wires_as_well);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("witness");
	tcase_add_checked_fixture(tcase, set_up_watch, nodes_tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, the_host_of_a_stopped_daemon_answers, 0, 2);
	tcase_add_loop_test(tcase, a_host_that_is_cut_off_does_not_answer, 0, 2);
	tcase_add_test(tcase, what_came_before_a_silence_is_no_sign);
	tcase_add_loop_test(tcase, an_answer_does_not_flap, 0, 2);
	tcase_add_test(tcase, one_lost_probe_says_nothing);
	tcase_add_loop_test(tcase, an_idle_connection_tells_in_less_than_a_second, 0, 2);
	tcase_add_test(tcase, questions_send_few_probes);
	tcase_add_loop_test(tcase, probes_end_with_the_questions, 0, 2);
	tcase_add_test(tcase, without_a_connection_nothing_is_known);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
