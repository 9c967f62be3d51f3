/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a node: the interface of exec/loop/loop.h in simulated time. A turn of the node takes at least a
 * microsecond, so that time passes even if a node wakes itself again and again.
 */
#include "exec/loop/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "testkit/kit.h"

#define FD_BASE (1 << 14)
#define TURN_NS 1000u

struct loop_timer {
	struct loop *loop; /* NULL: the timer was deleted, and its event is still queued */
	uint64_t at_ns;    /* by the clock of its node */
	uint32_t queued;   /* number of queued events. A jump of the clock queues one more */
	void (*run)(void *arg);
	void *arg;
	struct loop_timer *previous, *next;
};

struct loop_fd {
	int fd;
	uint32_t events, ready;
	loop_fd_run run;
	void *arg;
	uint64_t served; /* last round in which its callback was called */
};

struct loop_call {
	void (*run)(void *arg);
	void *arg;
	struct loop_call *next;
};

struct loop_calls {
	struct loop_call *first, **last;
};

struct loop {
	struct kit_node *node;
	struct loop_timer *timers;
	struct loop_fd *fds; /* in the order in which they were added */
	size_t fd_count, fd_capacity;
	int next_fd;
	uint64_t round;
	unsigned int depth;
	bool is_stopped;
	struct loop_calls deferred;
	pthread_mutex_t lock; /* protects posted */
	struct loop_calls posted;
};

/* --- lists of calls --- */

static void calls_init(struct loop_calls *calls)
{
	calls->first = NULL;
	calls->last = &calls->first;
}

static void calls_append(struct loop_calls *calls, void (*run)(void *), void *arg)
{
	struct loop_call *call = kit_alloc(sizeof(*call));

	*call = (struct loop_call){.run = run, .arg = arg};
	*calls->last = call;
	calls->last = &call->next;
}

static struct loop_call *calls_take(struct loop_calls *calls)
{
	struct loop_call *first = calls->first;

	calls_init(calls);
	return first;
}

/*
 * Free the calls of a list.
 *
 * @param is_run  true: run each call before it is freed
 */
static void calls_end(struct loop_call *call, bool is_run)
{
	while (call != NULL) {
		struct loop_call *next = call->next;

		if (is_run)
			call->run(call->arg);
		free(call);
		call = next;
	}
}

/* --- life --- */

struct loop *kit_loop_create(struct kit_node *node)
{
	struct loop *loop = kit_alloc(sizeof(*loop));

	loop->node = node;
	loop->next_fd = FD_BASE;
	calls_init(&loop->deferred);
	calls_init(&loop->posted);
	pthread_mutex_init(&loop->lock, NULL);
	return loop;
}

/* The start of the daemon and --check-plugin use these functions. The kit does not call them. */
struct loop *loop_create(void)
{
	errno = ENOSYS;
	return NULL;
}

void loop_run(struct loop *loop) { (void)loop; }

qb_loop_t *loop_qb(struct loop *loop)
{
	(void)loop;
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->timers != NULL)
		loop_timer_del(loop, loop->timers);
	while (loop->fd_count > 0)
		loop_fd_del(loop, loop->fds[loop->fd_count - 1].fd);
	free(loop->fds);
	calls_end(calls_take(&loop->deferred), false);
	calls_end(calls_take(&loop->posted), false);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

struct kit_node *kit_loop_node(const struct loop *loop) { return loop->node; }

void loop_stop(struct loop *loop) { loop->is_stopped = true; }

bool kit_loop_is_stopped(const struct loop *loop) { return loop->is_stopped; }

/* --- the clock of a node --- */

uint64_t kit_loop_now_ns(const struct kit_node *node) { return host_clock_now(&node->clock, node->kit->clock.now_ns); }

bool kit_loop_is_suspended(const struct kit_node *node)
{
	return host_clock_is_suspended(&node->clock, node->kit->clock.now_ns);
}

uint64_t loop_now_ns(const struct loop *loop) { return kit_loop_now_ns(loop->node); }

uint64_t loop_suspended_ns(const struct loop *loop) { return loop->node->clock.suspended_ns; }

/*
 * Return whether a callback may wait. It may not: simulated time does not pass in a callback, so the wait would never
 * end.
 */
bool loop_may_wait(const struct loop *loop)
{
	(void)loop;
	return false;
}

/* --- turns --- */

void kit_loop_begin(struct loop *loop) { loop->depth++; }

void kit_loop_end(struct loop *loop)
{
	if (loop->depth == 1) {
		calls_end(calls_take(&loop->deferred), true);
		if (loop->deferred.first != NULL)
			kit_wake(loop->node);
	}
	loop->depth--;
}

int loop_defer(struct loop *loop, void (*run)(void *), void *arg)
{
	calls_append(&loop->deferred, run, arg);
	if (loop->depth == 0)
		kit_wake(loop->node);
	return 0;
}

int loop_post(struct loop *loop, void (*run)(void *), void *arg)
{
	pthread_mutex_lock(&loop->lock);
	calls_append(&loop->posted, run, arg);
	pthread_mutex_unlock(&loop->lock);
	__atomic_store_n(&loop->node->kit->has_posts, true, __ATOMIC_RELEASE);
	return 0;
}

bool kit_loop_has_posts(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	bool has_posts = loop->posted.first != NULL;

	pthread_mutex_unlock(&loop->lock);
	return has_posts;
}

void kit_loop_posts(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct loop_call *posted = calls_take(&loop->posted);

	pthread_mutex_unlock(&loop->lock);
	calls_end(posted, true);
}

/* --- timers --- */

static void unlink_timer(struct loop_timer *timer)
{
	if (timer->previous != NULL)
		timer->previous->next = timer->next;
	else
		timer->loop->timers = timer->next;
	if (timer->next != NULL)
		timer->next->previous = timer->previous;
	timer->loop = NULL;
}

static void queue_timer(struct loop_timer *timer)
{
	const struct kit_node *node = timer->loop->node;
	struct clock *clock = &node->kit->clock;
	uint64_t at_ns = host_clock_when(&node->clock, timer->at_ns);

	if (at_ns < clock->now_ns + TURN_NS)
		at_ns = clock->now_ns + TURN_NS;
	timer->queued++;
	clock_add(clock, at_ns, SIM_TIMER, node->index, timer, 0);
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	struct loop_timer *timer = kit_alloc(sizeof(*timer));

	*timer = (struct loop_timer){.loop = loop, .at_ns = at_ns, .run = run, .arg = arg, .next = loop->timers};
	if (timer->next != NULL)
		timer->next->previous = timer;
	loop->timers = timer;
	queue_timer(timer);
	return timer;
}

void loop_timers_settle(struct loop *loop) { (void)loop; }

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	if (timer != NULL)
		unlink_timer(timer); /* the timer is freed when its event is handled */
}

void kit_loop_clock(struct kit_node *node, uint64_t jump_ns, int32_t drift_ppm)
{
	host_clock_change(&node->clock, node->kit->clock.now_ns, jump_ns, drift_ppm);
	if (node->executive.loop == NULL)
		return;
	for (struct loop_timer *timer = node->executive.loop->timers; timer != NULL; timer = timer->next)
		queue_timer(timer);
}

static void free_timer(struct loop_timer *timer)
{
	if (timer->queued == 0)
		free(timer);
}

struct kit_node *kit_loop_timer_take(void *what)
{
	struct loop_timer *timer = what;

	timer->queued--;
	if (timer->loop == NULL) {
		free_timer(timer);
		return NULL;
	}
	if (timer->at_ns <= kit_loop_now_ns(timer->loop->node))
		return timer->loop->node;
	if (timer->queued == 0) /* the node's clock has become slower, so the timer is not due yet */
		queue_timer(timer);
	return NULL;
}

void kit_loop_timer_again(void *what, uint64_t at_ns)
{
	struct loop_timer *timer = what;
	const struct kit_node *node = timer->loop->node;

	timer->queued++;
	clock_add(&node->kit->clock, at_ns, SIM_TIMER, node->index, timer, 0);
}

void kit_loop_timer_end(void *what)
{
	struct loop_timer *timer = what;

	timer->queued--;
	free_timer(timer);
}

void kit_loop_timer(void *what)
{
	struct loop_timer *timer = what;

	unlink_timer(timer);
	timer->run(timer->arg);
	free_timer(timer);
}

/* --- descriptors --- */

static bool is_real(const struct loop_fd *fd) { return fd->fd < FD_BASE; }

static struct loop_fd *find_fd(const struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->fd_count; i++)
		if (loop->fds[i].fd == fd)
			return &loop->fds[i];
	return NULL;
}

static uint32_t due(const struct loop_fd *fd) { return fd->ready & (fd->events | POLLERR | POLLHUP); }

int kit_loop_fd_number(struct loop *loop) { return loop->next_fd++; }

int loop_fd_add(struct loop *loop, int fd, uint32_t events, enum loop_priority priority, loop_fd_run run, void *arg)
{
	struct loop_fd entry = {.fd = fd, .events = events, .run = run, .arg = arg};

	(void)priority;
	if (fd < 0)
		return -EBADF;
	if (find_fd(loop, fd) != NULL)
		return -EEXIST;
	if (loop->fd_count == loop->fd_capacity) {
		struct loop_fd *larger = kit_alloc((2 * loop->fd_capacity + 16) * sizeof(*larger));

		if (loop->fd_count > 0)
			memcpy(larger, loop->fds, loop->fd_count * sizeof(*larger));
		free(loop->fds);
		loop->fds = larger;
		loop->fd_capacity = 2 * loop->fd_capacity + 16;
	}
	loop->fds[loop->fd_count++] = entry;
	if (is_real(&entry))
		loop->node->kit->real_fds++;
	return 0;
}

int loop_fd_mod(struct loop *loop, int fd, uint32_t events)
{
	struct loop_fd *entry = find_fd(loop, fd);

	if (entry == NULL)
		return -ENOENT;
	entry->events = events;
	if (due(entry) != 0)
		kit_wake(loop->node);
	return 0;
}

void loop_fd_del(struct loop *loop, int fd)
{
	struct loop_fd *entry = find_fd(loop, fd);

	if (entry == NULL)
		return;
	if (is_real(entry))
		loop->node->kit->real_fds--;
	loop->fd_count--;
	memmove(entry, entry + 1, (size_t)(loop->fds + loop->fd_count - entry) * sizeof(*entry));
}

void kit_loop_fd_ready(struct loop *loop, int fd, uint32_t revents)
{
	struct loop_fd *entry = find_fd(loop, fd);

	if (entry == NULL)
		return;
	entry->ready = revents;
	if (due(entry) != 0)
		kit_wake(loop->node);
}

/* Return the first descriptor that is due and was not served in this round, or NULL. */
static struct loop_fd *next_due(const struct loop *loop, uint64_t round)
{
	for (size_t i = 0; i < loop->fd_count; i++)
		if (due(&loop->fds[i]) != 0 && loop->fds[i].served != round)
			return &loop->fds[i];
	return NULL;
}

/* Callbacks add and delete descriptors, so start again after each callback. */
void kit_loop_serve(struct loop *loop)
{
	uint64_t round = ++loop->round; /* a callback may serve the descriptors, too */
	struct loop_fd *entry;

	while ((entry = next_due(loop, round)) != NULL) {
		uint32_t revents = due(entry);

		entry->served = round;
		if (is_real(entry))
			entry->ready = 0;
		entry->run(entry->arg, entry->fd, revents);
	}
}

bool kit_loop_is_ready(const struct loop *loop)
{
	for (size_t i = 0; i < loop->fd_count; i++)
		if (due(&loop->fds[i]) != 0)
			return true;
	return false;
}

void kit_loop_poll(struct loop *loop)
{
	for (struct loop_fd *entry = loop->fds; entry < loop->fds + loop->fd_count; entry++) {
		struct pollfd look = {.fd = entry->fd, .events = (short)entry->events};

		if (!is_real(entry))
			continue;
		entry->ready = poll(&look, 1, 0) == 1 ? (uint32_t)look.revents : 0;
		if (due(entry) != 0)
			kit_wake(loop->node);
	}
}

uint32_t kit_loop_real_fds(const struct loop *loop, struct pollfd *entries)
{
	uint32_t count = 0;

	for (const struct loop_fd *entry = loop->fds; entry < loop->fds + loop->fd_count; entry++)
		if (is_real(entry))
			entries[count++] = (struct pollfd){.fd = entry->fd, .events = (short)entry->events};
	return count;
}
