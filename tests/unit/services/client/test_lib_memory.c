/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client libraries without memory: each of their allocations fails once. The call must return the error, leave nothing
 * behind in the process or in the daemon, and work when there is memory again. The libraries are compiled in, so that
 * their allocations can fail.
 */
#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <qb/qbipc_common.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/evs.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "services/cfg/messages.h"
#include "services/cmap/messages.h"
#include "services/cpg/messages.h"
#include "services/evs/messages.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/services/client/scripted_daemon.h"

#define PARTS 64 /* more parts than the libraries pass to libqb without allocating */

static struct script *script;
static uint64_t handle;

/* Script an answer of zeros with CS_OK. size: bytes that the library expects. */
static void answer_well(size_t size)
{
	static _Alignas(8) uint8_t bytes[SCRIPT_MESSAGE_SIZE_MAX];
	struct qb_ipc_response_header header = {.size = (int32_t)size, .error = CS_OK};

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	script_response(script, bytes, size);
}

/* ---- Connections ---- */

static cs_error_t open_cfg(void) { return corosync_cfg_initialize(&handle, NULL); }
static cs_error_t open_cmap(void) { return cmap_initialize(&handle); }
static cs_error_t open_cpg(void) { return cpg_initialize(&handle, NULL); }
static cs_error_t open_evs(void) { return evs_initialize(&handle, NULL); }
static cs_error_t open_votequorum(void) { return votequorum_initialize(&handle, NULL); }
static cs_error_t open_quorum(void)
{
	uint32_t type;

	return quorum_initialize(&handle, NULL, &type);
}

static const struct {
	const char *name;
	cs_error_t (*open)(void);
	cs_error_t (*dispatch)(uint64_t handle, cs_dispatch_flags_t flags);
	cs_error_t (*finalize)(uint64_t handle);
	size_t answer; /* bytes of the answer that initialize() expects, or 0 if it sends no request */
} libraries[] = {
	{"cfg", open_cfg, corosync_cfg_dispatch, corosync_cfg_finalize, 0},
	{"cmap", open_cmap, cmap_dispatch, cmap_finalize, 0},
	{"cpg", open_cpg, cpg_dispatch, cpg_finalize, 0},
	{"evs", open_evs, evs_dispatch, evs_finalize, 0},
	{"quorum", open_quorum, quorum_dispatch, quorum_finalize, 32},
	{"votequorum", open_votequorum, votequorum_dispatch, votequorum_finalize, 0},
};
enum { CFG, CMAP, CPG, EVS, QUORUM, VOTEQUORUM, LIBRARIES };

static unsigned int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

START_TEST(no_memory_for_a_connection)
{
	pid_t daemon = scripted_daemon_start(libraries[_i].name, &script);
	unsigned int open = descriptors(), refused = 0;
	cs_error_t rc;

	if (libraries[_i].answer > 0)
		answer_well(libraries[_i].answer);
	for (unsigned int n = 1;; n++) {
		handle = 77;
		fail_alloc_at(n);
		rc = libraries[_i].open();
		if (!fail_alloc_happened())
			break;
		ck_assert_msg(rc == CS_ERR_NO_MEMORY, "%s, allocation %u: %d", libraries[_i].name, n, (int)rc);
		ck_assert_int_eq(libraries[_i].dispatch(handle, CS_DISPATCH_ALL), CS_ERR_BAD_HANDLE);
		ck_assert_uint_eq(descriptors(), open);
		refused++;
	}
	ck_assert_int_eq(rc, CS_OK);
	ck_assert_uint_gt(refused, 1); /* at least two allocations: the connection and the table of handles */
	libraries[_i].finalize(handle);
	ck_assert_uint_eq(descriptors(), open);
	scripted_daemon_stop(daemon);
}
END_TEST

/* ---- Calls ---- */

static void *buffer;

static cs_error_t cfg_ring_status(void)
{
	char **names = NULL, **texts = NULL;
	unsigned int count = 0;
	cs_error_t rc = corosync_cfg_ring_status_get(handle, &names, &texts, &count);

	for (unsigned int i = 0; i < count; i++) {
		free(names[i]);
		free(texts[i]);
	}
	free(names);
	free(texts);
	return rc;
}

static cs_error_t cmap_value(void)
{
	char value[16];
	size_t size = sizeof(value);

	return cmap_get(handle, "a.key", value, &size, NULL);
}

static void notified(cmap_handle_t h, cmap_track_handle_t track, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *arg)
{
	(void)h, (void)track, (void)event, (void)key, (void)now, (void)before, (void)arg;
}

static cs_error_t cmap_tracker(void)
{
	cmap_track_handle_t track;

	return cmap_track_add(handle, "a.key", CMAP_TRACK_ADD, notified, NULL, &track);
}

static cs_error_t cpg_members(void)
{
	struct cpg_name group = {.length = 1, .value = "g"};
	struct cpg_address members[CPG_MEMBERS_MAX];
	int count = 0;

	return cpg_membership_get(handle, &group, members, &count);
}

static cs_error_t cpg_iterate(void)
{
	cpg_iteration_handle_t iteration;
	cs_error_t rc = cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &iteration);

	if (rc == CS_OK)
		cpg_iteration_finalize(iteration);
	return rc;
}

static void make_parts(struct iovec *iov)
{
	static char part[] = "part";

	for (unsigned int i = 0; i < PARTS; i++)
		iov[i] = (struct iovec){.iov_base = part, .iov_len = sizeof(part)};
}

static cs_error_t cpg_many_parts(void)
{
	struct iovec iov[PARTS];

	make_parts(iov);
	return cpg_mcast_joined(handle, CPG_TYPE_AGREED, iov, PARTS);
}

static cs_error_t cpg_buffer(void)
{
	cs_error_t rc = cpg_zcb_alloc(handle, 100, &buffer);

	if (rc == CS_OK)
		cpg_zcb_free(handle, buffer);
	return rc;
}

static cs_error_t evs_members(void)
{
	unsigned int members[4];
	size_t count = 4;

	return evs_membership_get(handle, NULL, members, &count);
}

static cs_error_t evs_many_parts(void)
{
	struct iovec iov[PARTS];

	make_parts(iov);
	return evs_mcast_joined(handle, EVS_TYPE_AGREED, iov, PARTS);
}

/* Let an event wait to be dispatched that no library knows. */
static void wait_for_event(unsigned int library)
{
	struct qb_ipc_response_header event = {.id = 99, .size = sizeof(event)};
	unsigned int nodeid;

	script_event(script, &event, sizeof(event));
	switch (library) {
	case CFG:
		corosync_cfg_trackstop(handle);
		break;
	case CMAP:
		cmap_delete(handle, "a.key");
		break;
	case CPG:
		cpg_local_get(handle, &nodeid);
		break;
	case EVS:
		evs_members();
		break;
	case QUORUM:
		quorum_trackstop(handle);
		break;
	case VOTEQUORUM:
		votequorum_trackstop(handle);
		break;
	}
}

static cs_error_t cfg_event(void) { return corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }
static cs_error_t cmap_event(void) { return cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }
static cs_error_t cpg_event(void) { return cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }
static cs_error_t evs_event(void) { return evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }
static cs_error_t quorum_event(void) { return quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }
static cs_error_t votequorum_event(void) { return votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING); }

static const struct {
	const char *name;
	unsigned int library;
	size_t answer;
	cs_error_t (*run)(void);
	cs_error_t well; /* result if there is memory */
	/*
	 * Number of requests that a call without memory sends, unless it sends none. With fewer the daemon would keep a
	 * part of a state.
	 */
	unsigned int requests;
	bool is_event; /* an event waits, which must stay queued if there is no memory */
} rows[] = {
	{"corosync_cfg_ring_status_get", CFG, sizeof(struct cfg_res_ring_status_get), cfg_ring_status, CS_OK, 1, false},
	{"cmap_get", CMAP, sizeof(struct cmap_res_get), cmap_value, CS_OK, 0, false},
	{"cmap_track_add", CMAP, sizeof(struct cmap_res_track_add), cmap_tracker, CS_OK, 0, false},
	{"cpg_membership_get", CPG, sizeof(struct cpg_res_membership_get), cpg_members, CS_OK, 0, false},
	/* These calls send a second request, which destroys the object that the daemon has created. */
	{"cpg_iteration_initialize", CPG, sizeof(struct cpg_res_iteration_initialize), cpg_iterate, CS_OK, 2, false},
	{"cpg_mcast_joined", CPG, 0, cpg_many_parts, CS_OK, 0, false},
	{"cpg_zcb_alloc", CPG, 0, cpg_buffer, CS_ERR_LIBRARY, 0, false},
	{"evs_membership_get", EVS, sizeof(struct evs_res_membership_get), evs_members, CS_OK, 0, false},
	{"evs_mcast_joined", EVS, 0, evs_many_parts, CS_OK, 0, false},
	{"corosync_cfg_dispatch", CFG, 0, cfg_event, CS_ERR_LIBRARY, 0, true},
	{"cmap_dispatch", CMAP, 0, cmap_event, CS_ERR_LIBRARY, 0, true},
	{"cpg_dispatch", CPG, 0, cpg_event, CS_ERR_LIBRARY, 0, true},
	{"evs_dispatch", EVS, 0, evs_event, CS_ERR_LIBRARY, 0, true},
	{"quorum_dispatch", QUORUM, 32, quorum_event, CS_ERR_LIBRARY, 0, true},
	{"votequorum_dispatch", VOTEQUORUM, 0, votequorum_event, CS_ERR_LIBRARY, 0, true},
};

START_TEST(no_memory_for_a_call)
{
	unsigned int library = rows[_i].library, refused = 0;
	pid_t daemon = scripted_daemon_start(libraries[library].name, &script);
	unsigned int before = descriptors();
	cs_error_t rc;

	answer_well(libraries[library].answer);
	ck_assert_int_eq(libraries[library].open(), CS_OK);
	answer_well(rows[_i].answer);
	if (rows[_i].is_event)
		wait_for_event(library);
	for (unsigned int n = 1;; n++) {
		unsigned int open = descriptors(), asked = script->request_count;

		fail_alloc_at(n);
		rc = rows[_i].run();
		if (!fail_alloc_happened())
			break;
		ck_assert_msg(rc == CS_ERR_NO_MEMORY, "%s, allocation %u: %d", rows[_i].name, n, (int)rc);
		ck_assert_uint_eq(descriptors(), open);
		/*
		 * The library does not wait for the answer to the second request, so wait until the daemon has got that
		 * request.
		 */
		for (int ms = 0; rows[_i].requests == 2 && script->request_count - asked < 2 && ms < 5000; ms++)
			poll(NULL, 0, 1);
		asked = script->request_count - asked;
		ck_assert_msg(asked == 0 || asked == rows[_i].requests, "%s: %u requests", rows[_i].name, asked);
		refused++;
	}
	ck_assert_msg(rc == rows[_i].well, "%s: %d", rows[_i].name, (int)rc);
	ck_assert_msg(refused > 0, "%s allocates nothing", rows[_i].name);
	libraries[library].finalize(handle);
	ck_assert_uint_eq(descriptors(), before); /* nothing holds the connection any more */
	scripted_daemon_stop(daemon);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lib_memory");
	TCase *connections = tcase_create("connections"), *calls = tcase_create("calls");

	suite_add_tcase(suite, connections);
	suite_add_tcase(suite, calls);
	tcase_add_loop_test(connections, no_memory_for_a_connection, 0, LIBRARIES);
	tcase_add_loop_test(calls, no_memory_for_a_call, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	return suite_run(suite);
}
