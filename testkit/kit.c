/* SPDX-License-Identifier: BSD-3-Clause */
/* A simulated cluster: its clock, the handling of its events, and functions by which a test observes it. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exec/loop/loop.h"
#include "exec/ring/ring.h"
#include "exec/sync/sync.h"
#include "testkit/kit.h"

#define ORIGIN_NS SECONDS(1000) /* the simulated clock never starts near 0 */
#define WAKE_NS US(5)
#define REAL_WAIT_NS MS(5)

/* ------------------------------------------------------------------------------------------- tools */

void *kit_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		fputs("testkit: out of memory\n", stderr);
		abort();
	}
	return memory;
}

char *kit_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(kit_alloc(size), text, size);
}

struct kit_node *kit_node(const struct testkit *kit, uint32_t id)
{
	return id >= 1 && id <= kit->node_count ? &kit->nodes[id - 1] : NULL;
}

struct kit_node *kit_node_of(const struct testkit *kit, uint32_t nodeid)
{
	for (uint32_t i = 0; i < kit->node_count; i++)
		if (kit->nodes[i].nodeid == nodeid)
			return &kit->nodes[i];
	return NULL;
}

/* The hash is FNV-1a, over words of eight bytes and the bytes that remain. */
void kit_digest(struct testkit *kit, uint64_t value, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t words[] = {kit->clock.now_ns, value, size};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		kit->digest = (kit->digest ^ words[i]) * 0x100000001B3u;
	for (; size >= sizeof(words[0]); size -= sizeof(words[0]), at += sizeof(words[0])) {
		memcpy(words, at, sizeof(words[0]));
		kit->digest = (kit->digest ^ words[0]) * 0x100000001B3u;
	}
	for (; size > 0; size--)
		kit->digest = (kit->digest ^ *at++) * 0x100000001B3u;
}

uint64_t testkit_digest(const struct testkit *kit) { return kit->digest; }

/* ------------------------------------------------------------------------------------------- steps */

struct kit_node *kit_enter(struct kit_node *node)
{
	node->inside++;
	kit_loop_begin(node->executive.loop);
	return kit_log_node(node);
}

void kit_leave(struct kit_node *node, struct kit_node *outer)
{
	struct loop *loop = node->executive.loop;

	kit_loop_end(loop);
	kit_log_node(outer);
	if (--node->inside > 0)
		return;
	if (node->store_ms > 0 && !node->is_dying)
		node_wait_for_disk(node);
	if (node->is_dying || kit_loop_is_stopped(loop))
		node_down(node);
	else if (kit_loop_is_ready(loop))
		kit_wake(node);
	if (node->is_up)
		settle_note(node);
}

bool kit_effect(struct kit_node *node)
{
	if (node->is_dying)
		return false;
	if (node->crash_at != 0 && node->effects >= node->crash_at - 1) {
		node->is_dying = true;
		return false;
	}
	node->effects++;
	return true;
}

void kit_wake(struct kit_node *node)
{
	uint64_t at_ns = node->kit->clock.now_ns + WAKE_NS;

	if (node->is_woken)
		return;
	node->is_woken = true;
	clock_add(&node->kit->clock, at_ns > node->resume_ns ? at_ns : node->resume_ns, SIM_WAKE, node->index, NULL, 0);
}

static void on_timer(struct testkit *kit, void *what)
{
	struct kit_node *node = kit_loop_timer_take(what);

	if (node == NULL)
		return;
	if (node->resume_ns > kit->clock.now_ns) {
		kit_loop_timer_again(what, node->resume_ns);
		return;
	}
	struct kit_node *outer = kit_enter(node);
	kit_loop_timer(what);
	kit_leave(node, outer);
}

/* Handle events from outside of the simulated time: posts of threads and descriptors of plugins. */
static void look_outside(struct testkit *kit)
{
	bool has_posts = __atomic_exchange_n(&kit->has_posts, false, __ATOMIC_ACQUIRE);
	bool is_poll_due = kit->real_fds > 0 && kit->clock.now_ns >= kit->polled_ns + MS(1);

	if (!has_posts && !is_poll_due)
		return;
	for (uint32_t i = 0; i < kit->node_count; i++) {
		struct kit_node *node = &kit->nodes[i];

		if (!node->is_up)
			continue;
		if (has_posts && kit_loop_has_posts(node->executive.loop))
			kit_wake(node);
		if (is_poll_due)
			kit_loop_poll(node->executive.loop);
	}
	if (is_poll_due)
		kit->polled_ns = kit->clock.now_ns;
}

static void process(struct testkit *kit, const struct sim_event *event)
{
	struct kit_node *node = &kit->nodes[event->node];

	switch (event->kind) {
	case SIM_ARRIVAL:
		if (event->what != NULL)
			node_packet(node, event->what);
		break;
	case SIM_REFUSAL:
		node_refused(node, event->what, (uint32_t)event->value);
		break;
	case SIM_CLOSED:
		node_closed(node, (uint32_t)event->value);
		break;
	case SIM_WAKE:
		node_turn(node);
		break;
	case SIM_TIMER:
		on_timer(kit, event->what);
		break;
	case SIM_FAULT:
		chaos_strike(kit, (uint32_t)event->value);
		break;
	case SIM_RESTART:
		chaos_restart(node);
		break;
	case SIM_TRAFFIC:
	case SIM_RESUME:
	case SIM_RELIEF:
	case SIM_LINK_UP:
	case SIM_CONNECT:
	case SIM_CALM:
		break; /* the simulator's own kinds, which the kit never queues */
	}
}

/* ---------------------------------------------------------------- real time, for transports under test */

static uint64_t real_now_ns(struct testkit *kit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t now_ns = SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec;
	if (kit->started_ns == 0)
		kit->started_ns = now_ns - (kit->clock.now_ns - ORIGIN_NS);
	return ORIGIN_NS + now_ns - kit->started_ns;
}

/* Wait until a descriptor is ready, or until at_ns. Posts of threads are checked every few milliseconds. */
static void wait_until(struct testkit *kit, uint64_t at_ns)
{
	struct pollfd *entries = kit_alloc((kit->real_fds + 1) * sizeof(*entries));
	uint64_t now_ns = real_now_ns(kit), left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < kit->node_count; i++)
		if (kit->nodes[i].is_up && kit->nodes[i].resume_ns <= now_ns)
			count += kit_loop_real_fds(kit->nodes[i].executive.loop, entries + count);
	if (left_ns > REAL_WAIT_NS)
		left_ns = REAL_WAIT_NS;
	ppoll(entries, count, &(struct timespec){.tv_nsec = (long)left_ns}, NULL);
	free(entries);
	kit->polled_ns = 0; /* so that the next step checks all descriptors */
}

static bool step_real(struct testkit *kit, uint64_t end_ns)
{
	struct sim_event event;
	uint64_t next_ns = kit->clock.count > 0 ? kit->clock.heap[0].at_ns : UINT64_MAX;

	if (next_ns > real_now_ns(kit))
		wait_until(kit, next_ns < end_ns ? next_ns : end_ns);
	kit->clock.now_ns = real_now_ns(kit);
	look_outside(kit);
	uint64_t now_ns = kit->clock.now_ns;
	if (clock_next(&kit->clock, now_ns, &event)) {
		kit->clock.now_ns = now_ns; /* it may be later than the time of the event */
		process(kit, &event);
	}
	return now_ns < end_ns;
}

bool kit_step(struct testkit *kit, uint64_t end_ns)
{
	struct sim_event event;

	if (kit->transport != NULL)
		return step_real(kit, end_ns);
	look_outside(kit);
	if (!clock_next(&kit->clock, end_ns, &event)) {
		kit->clock.now_ns = end_ns;
		return false;
	}
	process(kit, &event);
	return true;
}

/* -------------------------------------------------------------------------------------------- time */

uint64_t testkit_now_ns(const struct testkit *kit) { return kit->clock.now_ns - ORIGIN_NS; }

void testkit_run(struct testkit *kit, uint32_t ms)
{
	uint64_t end_ns = kit->clock.now_ns + MS(ms);

	while (kit_step(kit, end_ns))
		;
}

int testkit_until(struct testkit *kit, uint32_t ms, int (*holds)(void *arg), void *arg)
{
	uint64_t end_ns = kit->clock.now_ns + MS(ms);

	while (!holds(arg))
		if (!kit_step(kit, end_ns))
			return holds(arg) ? 0 : -ETIMEDOUT;
	return 0;
}

uint64_t testkit_random(struct testkit *kit, uint64_t end) { return random_below(&kit->test_random, end); }

/* ------------------------------------------------------------------------------- facts about nodes */

uint32_t testkit_members(const struct testkit *kit, uint32_t id, uint32_t *ids, uint32_t room)
{
	const struct kit_node *node = kit_node(kit, id);
	struct coterie_ring_id ring;
	const uint32_t *members;
	uint32_t count;

	if (node == NULL || !node->is_up)
		return 0;
	ring_membership(node->executive.ring, &ring, &members, &count);
	for (uint32_t i = 0; ids != NULL && i < count && i < room; i++)
		ids[i] = members[i];
	return count;
}

int testkit_is_synchronized(const struct testkit *kit, uint32_t id)
{
	const struct kit_node *node = kit_node(kit, id);

	return node != NULL && node->is_up && node->executive.has_synchronized &&
	       !sync_is_running(node->executive.sync);
}

/* -------------------------------------------------------------------------------------- complaints */

void testkit_complain(struct testkit *kit, uint32_t node, const char *format, ...)
{
	char text[1200];
	va_list arguments;
	int length = snprintf(text, sizeof(text), "seed %ju, %ju ms, ", (uintmax_t)kit->seed,
		(uintmax_t)(testkit_now_ns(kit) / 1000000));

	if (node != TESTKIT_ALL)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "node %u: ", node);
	va_start(arguments, format);
	vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
	va_end(arguments);
	fprintf(stderr, "testkit: %s\n", text);

	char **grown = realloc(kit->complaints, (kit->complaint_count + 1) * sizeof(char *));
	if (grown == NULL)
		abort();
	kit->complaints = grown;
	grown[kit->complaint_count++] = kit_strdup(text);
}

uint32_t testkit_complaints(const struct testkit *kit) { return kit->complaint_count; }

const char *testkit_complaint(const struct testkit *kit, uint32_t i)
{
	return i < kit->complaint_count ? kit->complaints[i] : NULL;
}

const char *testkit_error(const struct testkit *kit) { return kit->error; }

int testkit_nodeid(struct testkit *kit, uint32_t id, uint32_t nodeid)
{
	struct kit_node *node = kit_node(kit, id), *other = kit_node_of(kit, nodeid);

	if (node == NULL || nodeid == 0 || (other != NULL && other != node))
		return -EINVAL;
	for (uint32_t i = 0; i < kit->node_count; i++)
		if (kit->nodes[i].is_up)
			return -EBUSY;
	node->nodeid = nodeid;
	return testkit_forget(kit, id); /* new folder: the names of its files have the id */
}

/* -------------------------------------------------------------------------------------------- life */

static char *make_folder(void)
{
	const char *base = getenv("TMPDIR");
	char path[4096];

	if (base == NULL || *base == '\0')
		base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	if (snprintf(path, sizeof(path), "%s/coterie-testkit-XXXXXX", base) >= (int)sizeof(path) ||
		mkdtemp(path) == NULL)
		return NULL;
	return kit_strdup(path);
}

struct testkit *testkit_create(uint64_t seed, uint32_t nodes)
{
	char *folder;

	if (nodes < 1 || nodes > TESTKIT_NODES_MAX || (folder = make_folder()) == NULL)
		return NULL;
	struct testkit *kit = kit_alloc(sizeof(*kit));
	kit->seed = seed;
	kit->folder = folder;
	kit->random.state = seed * 0x9E3779B97F4A7C15u + 1;
	kit->test_random.state = ~kit->random.state;
	kit->clock.now_ns = ORIGIN_NS;
	kit->digest = 0xCBF29CE484222325u;
	kit->config = kit_strdup("");
	kit->net.clock = &kit->clock;
	kit->net.random = &kit->random;
	kit->net.node_count = nodes;
	testkit_delay(kit, 20, 200);
	kit->net.late_min_ns = MS(100);
	kit->net.late_max_ns = MS(2000);
	kit->node_count = nodes;
	kit->nodes = kit_alloc(nodes * sizeof(*kit->nodes));
	for (uint32_t i = 0; i < nodes; i++) {
		struct kit_node *node = &kit->nodes[i];

		node->kit = kit;
		node->index = i;
		node->id = node->nodeid = i + 1;
		node->clock = (struct host_clock){.set_ns = kit->clock.now_ns, .then_ns = kit->clock.now_ns};
		testkit_forget(kit, node->id); /* creates the node's folder */
	}
	return kit;
}

uint32_t testkit_destroy(struct testkit *kit)
{
	if (kit == NULL)
		return 0;
	for (uint32_t i = 0; i < kit->node_count; i++)
		if (kit->nodes[i].is_up)
			testkit_crash(kit, i + 1);
	uint32_t count = kit->complaint_count;
	clients_free(kit);
	for (uint32_t i = 0; i < kit->node_count; i++) {
		kit_plugins_free(&kit->nodes[i]);
		kit_refusals_free(&kit->nodes[i]);
		node_remove_files(&kit->nodes[i]);
		free(kit->nodes[i].state_dir);
	}
	for (size_t i = 0; i < kit->clock.count; i++) {
		struct sim_event *event = &kit->clock.heap[i];

		if (event->kind == SIM_ARRIVAL || event->kind == SIM_REFUSAL)
			packet_unref(event->what);
		else if (event->kind == SIM_TIMER)
			/* Ends the timer, which was cancelled since its node is down. */
			kit_loop_timer_end(event->what);
	}
	clock_fini(&kit->clock);
	net_fini(&kit->net);
	kit_log_fini(kit);
	for (uint32_t i = 0; i < count; i++)
		free(kit->complaints[i]);
	free(kit->complaints);
	rmdir(kit->folder);
	free(kit->folder);
	free(kit->config);
	kit_plugin_free(kit->transport);
	free(kit->nodes);
	free(kit);
	return count;
}
