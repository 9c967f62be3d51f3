/* SPDX-License-Identifier: BSD-3-Clause */
/* libcfg with a daemon whose answers the test chooses. */
#include <corosync/cfg.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cfg/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/scripted_daemon.h"

static pid_t server;
static struct script *script;
static corosync_cfg_handle_t handle;

static struct {
	unsigned int count;
	corosync_cfg_shutdown_flags_t flags;
	void (*then)(void);
} asked;

static void on_shutdown(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags)
{
	ck_assert_uint_eq(cfg_handle, handle);
	asked.count++;
	asked.flags = flags;
	if (asked.then != NULL)
		asked.then();
}

static const corosync_cfg_callbacks_t callbacks = {on_shutdown};

static void set_up(void)
{
	server = scripted_daemon_start("cfg", &script);
	memset(&asked, 0, sizeof(asked));
	ck_assert_int_eq(corosync_cfg_initialize(&handle, &callbacks), CS_OK);
}

static void tear_down(void)
{
	corosync_cfg_finalize(handle);
	scripted_daemon_stop(server);
}

/* Set the next response to a header with this error and nothing else. */
static void respond(cs_error_t error)
{
	struct cfg_res_plain response = {.header = {.size = sizeof(response), .error = (int32_t)error}};

	script_response(script, &response, sizeof(response));
}

#define REQUEST(type) (*(const struct type *)script->request.bytes)

/* ---- Requests ------------------------------------------------------------ */

static cs_error_t try_regardless(void)
{
	return corosync_cfg_try_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS);
}
static cs_error_t track_start(void) { return corosync_cfg_trackstart(handle, 3); }
static cs_error_t track_stop(void) { return corosync_cfg_trackstop(handle); }
static cs_error_t kill_node(void) { return corosync_cfg_kill_node(handle, 5, "tired"); }
static cs_error_t reload(void) { return corosync_cfg_reload_config(handle); }
static cs_error_t reopen(void) { return corosync_cfg_reopen_log_files(handle); }

/* Requests whose answer has only an error code. */
static const struct {
	const char *name;
	cs_error_t (*call)(void);
	int32_t id, size;
	uint32_t first; /* number behind the header, or 0 */
} plain[] = {
	{"try_shutdown", try_regardless, 3, 24, 1},
	{"trackstart", track_start, 10, 24, 3},
	{"trackstop", track_stop, 11, 16, 0},
	{"kill_node", kill_node, 2, 288, 5},
	{"reload_config", reload, 7, 16, 0},
	{"reopen_log_files", reopen, 8, 16, 0},
};

START_TEST(a_request_and_its_result)
{
	static const cs_error_t codes[] = {
		CS_OK, CS_ERR_TRY_AGAIN, CS_ERR_BUSY, CS_ERR_EXIST, CS_ERR_NOT_EXIST, CS_ERR_INVALID_PARAM};
	struct cfg_request_header header;
	uint32_t first = 0;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		respond(codes[i]);
		cs_error_t rc = plain[_i].call();
		ck_assert_msg(rc == codes[i], "%s: %d", plain[_i].name, (int)rc);
	}
	memcpy(&header, script->request.bytes, sizeof(header));
	ck_assert_int_eq(header.id, plain[_i].id);
	ck_assert_int_eq(header.size, plain[_i].size);
	ck_assert_uint_eq(script->request.size, (size_t)plain[_i].size);
	if (plain[_i].size > 16)
		memcpy(&first, script->request.bytes + 16, sizeof(first));
	ck_assert_uint_eq(first, plain[_i].first);
	respond((cs_error_t)0); /* 0 is no valid code */
	ck_assert_int_eq(plain[_i].call(), CS_ERR_LIBRARY);
}
END_TEST

START_TEST(reasons)
{
	static const uint8_t zeros[256];
	char reason[300];

	memset(reason, 'x', sizeof(reason));
	reason[256] = '\0';
	ck_assert_int_eq(corosync_cfg_kill_node(handle, 1, reason), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(corosync_cfg_kill_node(0, 1, reason), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(corosync_cfg_kill_node(0, 1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_uint_eq(script->request_count, 0);
	reason[255] = '\0';
	ck_assert_int_eq(corosync_cfg_kill_node(handle, 1, reason), CS_OK);
	ck_assert_uint_eq(REQUEST(cfg_req_kill_node).reason.length, 256);
	ck_assert_str_eq(REQUEST(cfg_req_kill_node).reason.text, reason);
	ck_assert_int_eq(corosync_cfg_kill_node(handle, 1, ""), CS_OK);
	ck_assert_uint_eq(REQUEST(cfg_req_kill_node).reason.length, 1);
	ck_assert_mem_eq(REQUEST(cfg_req_kill_node).reason.text, zeros, 256); /* nothing of `reason` */
}
END_TEST

START_TEST(an_answer_is_taken_whatever_the_daemon_thinks_of_it)
{
	respond(CS_ERR_ACCESS);
	ck_assert_int_eq(corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_YES), CS_OK);
	ck_assert_int_eq(REQUEST(cfg_req_reply_to_shutdown).header.id, 4);
	ck_assert_uint_eq(REQUEST(cfg_req_reply_to_shutdown).response, 1);
	/* The handle can be finalized after the failed call. */
	int32_t fd;
	ck_assert_int_eq(corosync_cfg_fd_get(handle, &fd), CS_OK);
	ck_assert_int_eq(corosync_cfg_finalize(handle), CS_OK);
	struct pollfd pollfd = {.fd = fd};
	poll(&pollfd, 1, 0);
	ck_assert_int_ne(pollfd.revents & POLLNVAL, 0);
}
END_TEST

START_TEST(own_id)
{
	struct cfg_res_local_get response = {
		.header = {.id = 12, .size = sizeof(response), .error = CS_OK}, .nodeid = 42};
	unsigned int nodeid = 7;

	script_response(script, &response, sizeof(response));
	ck_assert_int_eq(corosync_cfg_local_get(handle, &nodeid), CS_OK);
	ck_assert_uint_eq(nodeid, 42);
	script_response(script, &response, sizeof(response) - 8);
	nodeid = 7;
	ck_assert_int_eq(corosync_cfg_local_get(handle, &nodeid), CS_ERR_LIBRARY);
	ck_assert_uint_eq(nodeid, 7);
}
END_TEST

START_TEST(dead_handles)
{
	corosync_cfg_handle_t dead = handle;
	unsigned int nodeid;
	int32_t fd;
	int count = 7;

	ck_assert_int_eq(corosync_cfg_finalize(handle), CS_OK);
	ck_assert_int_eq(corosync_cfg_finalize(dead), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(corosync_cfg_fd_get(dead, &fd), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(corosync_cfg_dispatch(dead, CS_DISPATCH_ALL), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(corosync_cfg_local_get(dead, &nodeid), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(dead, 1, 0, &count, NULL), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(count, 7);
	ck_assert_int_eq(corosync_cfg_replyto_shutdown(dead, COROSYNC_CFG_SHUTDOWN_FLAG_NO), CS_ERR_BAD_HANDLE);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		ck_assert_int_eq(plain[i].call(), CS_ERR_BAD_HANDLE);
}
END_TEST

/* ---- Status -------------------------------------------------------------- */

static struct cfg_res_ring_status_get *ring_response(uint32_t count, cs_error_t error)
{
	static struct cfg_res_ring_status_get response;

	memset(&response, 0, sizeof(response));
	response.header.size = sizeof(response);
	response.header.error = (int32_t)error;
	response.count = count;
	for (uint32_t i = 0; i < CFG_RING_STATUS_MAX; i++) {
		snprintf(response.names[i], CFG_RING_NAME_SIZE, "%u 10.0.0.1", i);
		snprintf(response.status[i], CFG_RING_STATUS_SIZE, "n3%u", i);
	}
	return &response;
}

static void check_ring_status(uint32_t count)
{
	char **names, **texts;
	char want[32];
	unsigned int got;

	ck_assert_int_eq(corosync_cfg_ring_status_get(handle, &names, &texts, &got), CS_OK);
	ck_assert_uint_eq(got, count);
	for (unsigned int i = 0; i < got; i++) {
		snprintf(want, sizeof(want), "%u 10.0.0.1", i);
		ck_assert_str_eq(names[i], want);
		free(names[i]);
		free(texts[i]);
	}
	free(names);
	free(texts);
}

START_TEST(links)
{
	char **names, **texts;
	unsigned int got = 7;

	script_response(script, ring_response(2, CS_OK), sizeof(struct cfg_res_ring_status_get));
	check_ring_status(2);
	script_response(script, ring_response(0, CS_OK), sizeof(struct cfg_res_ring_status_get));
	check_ring_status(0);
	/* The response claims more bytes than the buffer has, and a text that was too long for the daemon. */
	script_response(
		script, ring_response(UINT32_MAX, CS_ERR_NAME_TOO_LONG), sizeof(struct cfg_res_ring_status_get));
	check_ring_status(CFG_RING_STATUS_MAX);
	respond(CS_ERR_TRY_AGAIN);
	ck_assert_int_eq(corosync_cfg_ring_status_get(handle, &names, &texts, &got), CS_ERR_TRY_AGAIN);
	respond(CS_OK); /* the response is too short for a ring status */
	ck_assert_int_eq(corosync_cfg_ring_status_get(handle, &names, &texts, &got), CS_ERR_LIBRARY);
	ck_assert_uint_eq(got, 7);
}
END_TEST

START_TEST(texts_without_an_end)
{
	struct cfg_res_ring_status_get *response = ring_response(1, CS_OK);
	char **names, **texts;
	unsigned int got;

	memset(response->names, 'n', sizeof(response->names));
	memset(response->status, 's', sizeof(response->status));
	script_response(script, response, sizeof(*response));
	ck_assert_int_eq(corosync_cfg_ring_status_get(handle, &names, &texts, &got), CS_OK);
	ck_assert_uint_eq(strlen(names[0]), CFG_RING_NAME_SIZE);
	ck_assert_uint_eq(strlen(texts[0]), CFG_RING_STATUS_SIZE);
	free(names[0]);
	free(texts[0]);
	free(names);
	free(texts);
}
END_TEST

START_TEST(status_of_a_node)
{
	struct corosync_cfg_node_status_v1 status;
	struct cfg_res_node_status_get response = {.header = {.size = sizeof(response), .error = CS_OK},
		.status = {.version = 1, .nodeid = 3, .reachable = 1}};

	response.status.links[7].mtu = 1410;
	ck_assert_int_eq(corosync_cfg_node_status_get(0, 1, CFG_NODE_STATUS_V1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(corosync_cfg_node_status_get(0, 1, (corosync_cfg_node_status_version_t)2, &status),
		CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(corosync_cfg_node_status_get(0, 1, CFG_NODE_STATUS_V1, &status), CS_ERR_BAD_HANDLE);
	script_response(script, &response, sizeof(response));
	ck_assert_int_eq(corosync_cfg_node_status_get(handle, 3, CFG_NODE_STATUS_V1, &status), CS_OK);
	ck_assert_uint_eq(REQUEST(cfg_req_node_status_get).nodeid, 3);
	ck_assert_uint_eq(REQUEST(cfg_req_node_status_get).version, 1);
	ck_assert_int_eq(status.version, 1);
	ck_assert_uint_eq(status.nodeid, 3);
	ck_assert_uint_eq(status.reachable, 1);
	ck_assert_uint_eq(status.link_status[7].mtu, 1410);
	memset(&status, 0xee, sizeof(status));
	struct cfg_res_node_status_error failure = {
		.header = {.size = sizeof(failure), .error = CS_ERR_FAILED_OPERATION}, .version = 1};
	script_response(script, &failure, sizeof(failure));
	ck_assert_int_eq(corosync_cfg_node_status_get(handle, 3, CFG_NODE_STATUS_V1, &status), CS_ERR_FAILED_OPERATION);
	ck_assert_uint_eq(status.nodeid, 0xeeeeeeee); /* the caller's struct is unchanged */
}
END_TEST

/* ---- Addresses ----------------------------------------------------------- */

static struct {
	struct cfg_res_get_node_addrs head;
	uint8_t addresses[4][16];
} addresses;

static void respond_addresses(uint32_t family, uint32_t count, size_t room)
{
	memset(&addresses, 0, sizeof(addresses));
	addresses.head.header.error = CS_OK;
	addresses.head.family = family;
	addresses.head.count = count;
	memcpy(addresses.addresses[0], "\x0a\x00\x00\x01", 4);
	memcpy(addresses.addresses[2], "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03", 16);
	script_response(script, &addresses, sizeof(addresses.head) + room * 16);
}

START_TEST(addresses_of_a_node)
{
	corosync_cfg_node_address_t got[4];
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	int count;

	memset(got, 0xee, sizeof(got));
	respond_addresses(AF_INET, 2, 4);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 4, &count, got), CS_OK);
	ck_assert_uint_eq(REQUEST(cfg_req_get_node_addrs).nodeid, 3);
	ck_assert_int_eq(count, 2);
	ck_assert_int_eq(got[0].address_length, 16);
	memcpy(&ipv4, got[0].address, sizeof(ipv4));
	ck_assert_int_eq(ipv4.sin_family, AF_INET);
	ck_assert_uint_eq(ntohl(ipv4.sin_addr.s_addr), 0x0a000001);
	ck_assert_uint_eq(ipv4.sin_port, 0);
	memcpy(&ipv4, got[1].address, sizeof(ipv4));
	ck_assert_int_eq(ipv4.sin_family, 0); /* all zero, since there is no address */
	ck_assert_int_eq((unsigned char)got[2].address[0], 0xee);
	respond_addresses(AF_INET6, 3, 4);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 4, &count, got), CS_OK);
	ck_assert_int_eq(got[2].address_length, 28);
	memcpy(&ipv6, got[2].address, sizeof(ipv6));
	ck_assert_int_eq(ipv6.sin6_family, AF_INET6);
	ck_assert_mem_eq(&ipv6.sin6_addr, addresses.addresses[2], 16);
}
END_TEST

START_TEST(more_addresses_than_asked_for)
{
	corosync_cfg_node_address_t got[2];
	int count;

	memset(got, 0xee, sizeof(got));
	respond_addresses(AF_INET, 3, 4);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 1, &count, got), CS_OK);
	ck_assert_int_eq(count, 3);
	ck_assert_int_eq((unsigned char)got[1].address[0], 0xee);
	respond_addresses(AF_INET, 3, 4);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 0, &count, NULL), CS_OK);
	ck_assert_int_eq(count, 3);
	respond_addresses(AF_INET, 5, 4); /* more addresses than the answer has */
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 2, &count, got), CS_ERR_LIBRARY);
	respond_addresses(AF_INET, UINT32_MAX, 0);
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 2, &count, got), CS_ERR_LIBRARY);
	ck_assert_int_eq(count, 0);
}
END_TEST

START_TEST(addresses_of_a_stranger)
{
	int count = 7;

	respond(CS_ERR_NOT_EXIST);
	errno = 0;
	ck_assert_int_eq(corosync_cfg_get_node_addrs(handle, 3, 0, &count, NULL), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(errno, CS_ERR_NOT_EXIST);
}
END_TEST

/* ---- Questions ----------------------------------------------------------- */

static void ask_at_next_request(int32_t id, uint32_t flags, size_t size)
{
	struct cfg_event_test_shutdown event = {.header = {.id = id, .size = (int32_t)size}, .flags = flags};

	script_event(script, &event, size);
}

/* Send a request, so that the scripted events arrive. */
static void fetch(void) { ck_assert_int_eq(corosync_cfg_trackstop(handle), CS_OK); }

START_TEST(questions)
{
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ask_at_next_request(CFG_EVENT_TEST_SHUTDOWN, 1, 32);
	ask_at_next_request(CFG_EVENT_TEST_SHUTDOWN, 77, 32);
	fetch();
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(asked.count, 1);
	ck_assert_int_eq((int)asked.flags, 1);
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(asked.count, 2);
	ck_assert_int_eq((int)asked.flags, 77);
}
END_TEST

START_TEST(questions_that_nobody_hears)
{
	ck_assert_int_eq(corosync_cfg_finalize(handle), CS_OK);
	ck_assert_int_eq(corosync_cfg_initialize(&handle, NULL), CS_OK);
	ask_at_next_request(CFG_EVENT_TEST_SHUTDOWN, 0, 32);
	fetch();
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
}
END_TEST

static void finalize(void) { ck_assert_int_eq(corosync_cfg_finalize(handle), CS_OK); }

START_TEST(finalized_in_the_callback)
{
	asked.then = finalize;
	ask_at_next_request(CFG_EVENT_TEST_SHUTDOWN, 0, 32);
	fetch();
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL), CS_ERR_BAD_HANDLE);
}
END_TEST

static void answer(void)
{
	ck_assert_int_eq(corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_YES), CS_OK);
}

START_TEST(answered_in_the_callback)
{
	asked.then = answer;
	ask_at_next_request(CFG_EVENT_TEST_SHUTDOWN, 0, 32);
	fetch();
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_int_eq(REQUEST(cfg_req_reply_to_shutdown).header.id, 4);
}
END_TEST

static const struct {
	int32_t id;
	size_t size;
} malformed[] = {{CFG_EVENT_TEST_SHUTDOWN, 24}, {CFG_EVENT_TEST_SHUTDOWN, 31}, {11, 32}, {-1, 32}};

START_TEST(events_that_make_no_sense)
{
	ask_at_next_request(malformed[_i].id, 0, malformed[_i].size);
	fetch();
	ck_assert_int_eq(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL), CS_ERR_LIBRARY);
	ck_assert_uint_eq(asked.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcfg");
	TCase *tcase = tcase_create("calls");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, a_request_and_its_result, 0, sizeof(plain) / sizeof(plain[0]));
	tcase_add_test(tcase, reasons);
	tcase_add_test(tcase, an_answer_is_taken_whatever_the_daemon_thinks_of_it);
	tcase_add_test(tcase, own_id);
	tcase_add_test(tcase, dead_handles);
	tcase_add_test(tcase, links);
	tcase_add_test(tcase, texts_without_an_end);
	tcase_add_test(tcase, status_of_a_node);
	tcase_add_test(tcase, addresses_of_a_node);
	tcase_add_test(tcase, more_addresses_than_asked_for);
	tcase_add_test(tcase, addresses_of_a_stranger);
	tcase_add_test(tcase, questions);
	tcase_add_test(tcase, questions_that_nobody_hears);
	tcase_add_test(tcase, finalized_in_the_callback);
	tcase_add_test(tcase, answered_in_the_callback);
	tcase_add_loop_test(tcase, events_that_make_no_sense, 0, sizeof(malformed) / sizeof(malformed[0]));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
