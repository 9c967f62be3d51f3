/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of every service that connect, work and end again and again. Most of them are killed while they work.
 *
 *	stress [-j PROCESSES] [-s SEED] [-k MS] [-g] COUNT
 *
 * PROCESSES children use the services in turn until they have connected COUNT times in all. Each is killed after a
 * random time of at most MS milliseconds, and replaced by another; 0: none is killed. -g: the daemon may end at any
 * moment; the clients then wait for the next one. Prints how many connected, finalized and were killed. Exit status 1
 * if a call returned a code that it must not return.
 */
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/evs.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "client.h"

#define PROCESSES_MAX 32
#define MESSAGE_SIZE 3000

/* Counters shared by all processes. */
struct counts {
	atomic_ulong connected, finalized, wrong;
	atomic_int wrong_code;
	char wrong_call[64]; /* a call of some child that returned a wrong code */
};

static struct stress {
	struct counts *counts;
	bool may_be_gone;
} stress;

static uint8_t message[MESSAGE_SIZE];

/* Return whether the call has succeeded. A code that no daemon may return here is counted. */
static bool is_done(cs_error_t code, const char *call)
{
	if (code == CS_OK)
		return true;
	if (code == CS_ERR_TRY_AGAIN || (code == CS_ERR_LIBRARY && stress.may_be_gone))
		return false;
	if (atomic_fetch_add(&stress.counts->wrong, 1) == 0) {
		snprintf(stress.counts->wrong_call, sizeof(stress.counts->wrong_call), "%s", call);
		atomic_store(&stress.counts->wrong_code, (int)code);
	}
	return false;
}
#define DONE(call) is_done((call), #call)

static bool is_connected(cs_error_t code, const char *call)
{
	if (is_done(code, call)) {
		atomic_fetch_add(&stress.counts->connected, 1);
		return true;
	}
	client_sleep_ms(stress.may_be_gone ? 10 : 2);
	return false;
}
#define CONNECTED(call) is_connected((call), #call)

static void finalized(cs_error_t code)
{
	if (is_done(code, "finalize"))
		atomic_fetch_add(&stress.counts->finalized, 1);
}

/* ---- One client of each service ------------------------------------------ */

static void on_message(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *bytes, size_t size)
{
	(void)handle, (void)group, (void)nodeid, (void)pid, (void)bytes, (void)size;
}

static void on_group(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)member_count, (void)left, (void)left_count;
	(void)joined, (void)joined_count;
}

static void cpg_zero_copy(cpg_handle_t handle)
{
	void *buffer;

	if (!DONE(cpg_zcb_alloc(handle, MESSAGE_SIZE, &buffer)))
		return;
	memset(buffer, 1, MESSAGE_SIZE);
	DONE(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, MESSAGE_SIZE));
	DONE(cpg_zcb_free(handle, buffer));
}

static void cpg_live(void)
{
	static const struct cpg_name group = {.length = 6, .value = "stress"};
	cpg_callbacks_t callbacks = {.cpg_deliver_fn = on_message, .cpg_confchg_fn = on_group};
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};
	struct cpg_iteration_description_t found;
	cpg_iteration_handle_t iteration;
	cpg_handle_t handle;

	if (!CONNECTED(cpg_initialize(&handle, &callbacks)))
		return;
	if (DONE(cpg_join(handle, &group))) {
		for (int i = 0; i < 3; i++)
			DONE(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
		cpg_zero_copy(handle);
		DONE(cpg_dispatch(handle, CS_DISPATCH_ALL));
	}
	if (DONE(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &iteration))) {
		cpg_iteration_next(iteration, &found);
		if (random() % 2)
			DONE(cpg_iteration_finalize(iteration));
	}
	cpg_finalize(handle); /* the first call sends a request, which may return "try again" */
	atomic_fetch_add(&stress.counts->finalized, 1);
}

static void on_evs_message(evs_handle_t handle, unsigned int nodeid, const void *bytes, size_t size)
{
	(void)handle, (void)nodeid, (void)bytes, (void)size;
}

static void evs_live(void)
{
	struct evs_group groups[] = {{.key = "stress"}, {.key = "other"}};
	evs_callbacks_t callbacks = {.evs_deliver_fn = on_evs_message};
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};
	evs_handle_t handle;

	if (!CONNECTED(evs_initialize(&handle, &callbacks)))
		return;
	DONE(evs_join(handle, groups, 2));
	DONE(evs_mcast_joined(handle, EVS_TYPE_AGREED, &iov, 1));
	DONE(evs_mcast_groups(handle, EVS_TYPE_SAFE, groups, 1, &iov, 1));
	DONE(evs_dispatch(handle, CS_DISPATCH_ALL));
	if (random() % 2)
		DONE(evs_leave(handle, groups, 1));
	finalized(evs_finalize(handle));
}

static void on_key(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *context)
{
	(void)handle, (void)track, (void)event, (void)key, (void)now, (void)before, (void)context;
}

static void cmap_live(void)
{
	const int32_t events = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_PREFIX;
	char key[CMAP_KEYNAME_MAXLEN + 1], found[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t iterator;
	cmap_track_handle_t track;
	cmap_handle_t handle;
	size_t size;

	bool is_stats = random() % 4 == 0;
	if (!CONNECTED(cmap_initialize_map(&handle, is_stats ? CMAP_MAP_STATS : CMAP_MAP_ICMAP)))
		return;
	snprintf(key, sizeof(key), "stress.p%d", (int)(random() % 8));
	DONE(cmap_track_add(handle, is_stats ? "stats.ipcs." : "stress.", events, on_key, NULL, &track));
	if (DONE(cmap_iter_init(handle, NULL, &iterator))) {
		for (int i = 0; i < 20; i++)
			cmap_iter_next(handle, iterator, found, &size, NULL);
		if (random() % 2)
			DONE(cmap_iter_finalize(handle, iterator));
	}
	if (cmap_set(handle, key, message, 1 + (size_t)(random() % 2000), CMAP_VALUETYPE_BINARY) == CS_OK)
		/* Another process may have deleted the key, and the map of statistics refuses both calls. */
		cmap_delete(handle, key);
	DONE(cmap_dispatch(handle, CS_DISPATCH_ALL));
	finalized(cmap_finalize(handle));
}

static void on_shutdown(corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	(void)flags;
	corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_YES);
}

static void cfg_live(void)
{
	corosync_cfg_callbacks_t callbacks = {.corosync_cfg_shutdown_callback = on_shutdown};
	corosync_cfg_handle_t handle;
	unsigned int nodeid;

	if (!CONNECTED(corosync_cfg_initialize(&handle, &callbacks)))
		return;
	DONE(corosync_cfg_trackstart(handle, 0));
	DONE(corosync_cfg_local_get(handle, &nodeid));
	DONE(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL));
	if (random() % 2)
		DONE(corosync_cfg_trackstop(handle));
	finalized(corosync_cfg_finalize(handle));
}

static void on_quorum(quorum_handle_t handle, uint32_t is_quorate, uint64_t ring_seq, uint32_t count, uint32_t *members)
{
	(void)handle, (void)is_quorate, (void)ring_seq, (void)count, (void)members;
}

static void quorum_live(void)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = on_quorum};
	quorum_handle_t handle;
	uint32_t type;
	int is_quorate;

	if (!CONNECTED(quorum_initialize(&handle, &callbacks, &type)))
		return;
	DONE(quorum_trackstart(handle, CS_TRACK_CHANGES | CS_TRACK_CURRENT));
	DONE(quorum_getquorate(handle, &is_quorate));
	DONE(quorum_dispatch(handle, CS_DISPATCH_ALL));
	finalized(quorum_finalize(handle));
}

static void votequorum_live(void)
{
	struct votequorum_info info;
	votequorum_callbacks_t callbacks = {0};
	votequorum_handle_t handle;

	if (!CONNECTED(votequorum_initialize(&handle, &callbacks)))
		return;
	DONE(votequorum_trackstart(handle, 1, CS_TRACK_CHANGES | CS_TRACK_CURRENT));
	DONE(votequorum_getinfo(handle, 0, &info));
	DONE(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	finalized(votequorum_finalize(handle));
}

/* ---- Start and end of children ------------------------------------------ */

static pid_t child_start(unsigned long number, unsigned int seed, unsigned long count)
{
	static void (*const lives[])(void) = {cpg_live, evs_live, cmap_live, cfg_live, quorum_live, votequorum_live};
	pid_t child = fork();

	if (child != 0)
		return child;
	srandom(seed);
	while (atomic_load(&stress.counts->connected) < count)
		lives[number++ % (sizeof(lives) / sizeof(lives[0]))]();
	_exit(0);
}

static unsigned long run(unsigned long count, unsigned int processes, unsigned int kill_ms)
{
	pid_t children[PROCESSES_MAX] = {0};
	unsigned long killed = 0, number = 0;

	for (unsigned int i = 0; kill_ms == 0 && i < processes; i++)
		children[i] = child_start(number++, (unsigned int)random(), count);
	while (kill_ms > 0 && atomic_load(&stress.counts->connected) < count) {
		for (unsigned int i = 0; i < processes; i++) {
			if (children[i] == 0)
				children[i] = child_start(number++, (unsigned int)random(), count);
		}
		unsigned int victim = (unsigned int)random() % processes;
		uint64_t wait_us = (uint64_t)random() % (kill_ms * 1000 / processes + 1);
		nanosleep(&(struct timespec){.tv_sec = (time_t)(wait_us / 1000000),
				  .tv_nsec = (long)(wait_us % 1000000) * 1000},
			NULL);
		if (children[victim] > 0) {
			kill(children[victim], SIGKILL);
			waitpid(children[victim], NULL, 0);
			killed++;
		}
		children[victim] = 0;
	}
	for (unsigned int i = 0; i < processes; i++) {
		if (children[i] > 0)
			waitpid(children[i], NULL, 0);
	}
	return killed;
}

int main(int argc, char **argv)
{
	unsigned int processes = 6, seed = 1, kill_ms = 200;
	int option;

	while ((option = getopt(argc, argv, "gj:k:s:")) != -1) {
		switch (option) {
		case 'g':
			stress.may_be_gone = true;
			break;
		case 'j':
			processes = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			kill_ms = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind >= argc || processes == 0 || processes > PROCESSES_MAX)
		return 2;
	srandom(seed);
	stress.counts = mmap(NULL, sizeof(*stress.counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stress.counts == MAP_FAILED)
		return 2;
	unsigned long killed = run(strtoul(argv[optind], NULL, 10), processes, kill_ms);
	unsigned long wrong = atomic_load(&stress.counts->wrong);
	printf("connected %lu, finalized %lu, killed %lu", atomic_load(&stress.counts->connected),
		atomic_load(&stress.counts->finalized), killed);
	if (wrong > 0)
		printf(", wrong %lu: %s = %d", wrong, stress.counts->wrong_call,
			atomic_load(&stress.counts->wrong_code));
	printf("\n");
	return wrong > 0;
}
