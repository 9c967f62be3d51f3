/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TIMER_IDLE UINT64_MAX
#define LOOP_FDS_OF_QB 3 /* descriptors that qb_loop_create() opens */

struct loop_timer {
	uint64_t at_ns;
	uint64_t order; /* timers of one instant run in the order they were set */
	size_t place;   /* index in the heap */
	void (*run)(void *arg);
	void *arg;
};

struct loop_fd {
	struct loop *loop;
	loop_fd_run run;
	void *arg;
	enum loop_priority priority;
	bool is_used;
};

struct loop_call {
	void (*run)(void *arg);
	void *arg;
	struct loop_call *next;
};

struct loop_calls {
	struct loop_call *first;
	struct loop_call **last;
};

struct loop {
	qb_loop_t *qb;
	int timer_fd;
	int wake_fd;
	struct loop_fd **fds; /* indexed by descriptor. Pointers, since libqb keeps the address of each */
	size_t fd_count;
	struct loop_timer **heap; /* earliest first */
	size_t timer_count, timer_capacity;
	uint64_t timer_order;
	loop_late_run late_run; /* or NULL: late timers are not reported */
	void *late_arg;
	/*
	 * time to which timer_fd is set. It may be before the earliest timer, but not after it, unless a timer is due
	 * and wake_fd is set
	 */
	uint64_t armed_ns;
	struct loop_calls deferred;
	unsigned int depth;   /* callbacks that are running inside each other */
	pthread_mutex_t lock; /* guards posted, and all members below */
	struct loop_calls posted;
};

/* --- lists of calls --- */

static void calls_init(struct loop_calls *calls)
{
	calls->first = NULL;
	calls->last = &calls->first;
}

static int calls_append(struct loop_calls *calls, void (*run)(void *), void *arg)
{
	struct loop_call *call = malloc(sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	*call = (struct loop_call){.run = run, .arg = arg};
	*calls->last = call;
	calls->last = &call->next;
	return 0;
}

static struct loop_call *calls_take(struct loop_calls *calls)
{
	struct loop_call *first = calls->first;

	calls_init(calls);
	return first;
}

static void calls_run(struct loop_call *call)
{
	while (call != NULL) {
		struct loop_call *next = call->next;

		call->run(call->arg);
		free(call);
		call = next;
	}
}

static void calls_drop(struct loop_calls *calls)
{
	struct loop_call *call = calls_take(calls);

	while (call != NULL) {
		struct loop_call *next = call->next;

		free(call);
		call = next;
	}
}

static void wake(struct loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so a wake-up is pending anyway. */
	while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * Run the deferred calls when the outermost callback has returned, and the calls that these have deferred. Calls
 * deferred after that run on the next turn. So a ring of one node that causes its own work cannot starve the
 * descriptors.
 */
static void run_deferred(struct loop *loop)
{
	calls_run(calls_take(&loop->deferred));
	calls_run(calls_take(&loop->deferred)); /* the calls that these have deferred */
	if (loop->deferred.first != NULL)
		wake(loop);
}

static void enter(struct loop *loop) { loop->depth++; }

static void leave(struct loop *loop)
{
	if (loop->depth == 1 && loop->deferred.first != NULL)
		run_deferred(loop);
	loop->depth--;
}

/* --- timers: a binary heap --- */

static bool is_earlier(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void heap_put(struct loop *loop, size_t place, struct loop_timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void heap_up(struct loop *loop, struct loop_timer *timer)
{
	size_t place = timer->place;

	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (!is_earlier(timer, loop->heap[parent]))
			break;
		heap_put(loop, place, loop->heap[parent]);
		place = parent;
	}
	heap_put(loop, place, timer);
}

static void heap_down(struct loop *loop, struct loop_timer *timer)
{
	size_t place = timer->place;

	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= loop->timer_count)
			break;
		if (child + 1 < loop->timer_count && is_earlier(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!is_earlier(loop->heap[child], timer))
			break;
		heap_put(loop, place, loop->heap[child]);
		place = child;
	}
	heap_put(loop, place, timer);
}

static void heap_remove(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *moved = loop->heap[--loop->timer_count];

	assert(loop->heap[timer->place] == timer || moved == timer);
	if (moved == timer)
		return;
	heap_put(loop, timer->place, moved);
	heap_up(loop, moved);
	heap_down(loop, moved);
}

/*
 * Set the timerfd, unless it expires early enough. If a deadline moves later, the timerfd stays as it is: it expires
 * too early then, and is set again.
 */
static void arm(struct loop *loop)
{
	uint64_t at_ns = loop->timer_count > 0 ? loop->heap[0]->at_ns : TIMER_IDLE;

	if (at_ns >= loop->armed_ns)
		return;
	loop->armed_ns = at_ns;
	/*
	 * Do not set the timerfd to a time that is over: its interrupt would cost tens of microseconds on a virtual
	 * machine.
	 */
	if (at_ns <= loop_now_ns(loop)) {
		wake(loop);
		return;
	}
	const struct itimerspec when = {.it_value = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)}};
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_timers_settle(struct loop *loop)
{
	if (loop->timer_count == 0 || loop->heap[0]->at_ns <= loop->armed_ns)
		return;
	loop->armed_ns = TIMER_IDLE;
	arm(loop);
}

static void run_timers(struct loop *loop)
{
	loop->armed_ns = TIMER_IDLE;
	uint64_t now_ns = loop_now_ns(loop);
	if (loop->late_run != NULL && loop->timer_count > 0 && loop->heap[0]->at_ns != 0 &&
		loop->heap[0]->at_ns <= now_ns)
		loop->late_run(loop->late_arg, now_ns - loop->heap[0]->at_ns);
	uint64_t order = loop->timer_order; /* timers set from here on wait for the next turn */
	while (loop->timer_count > 0 && loop->heap[0]->at_ns <= now_ns && loop->heap[0]->order < order) {
		struct loop_timer *timer = loop->heap[0];
		void (*run)(void *) = timer->run;
		void *run_arg = timer->arg;

		heap_remove(loop, timer);
		free(timer);
		run(run_arg);
	}
	arm(loop);
}

static void on_timer(void *arg, int fd, uint32_t revents)
{
	uint64_t expirations;

	(void)revents;
	if (read(fd, &expirations, sizeof(expirations)) >= 0)
		run_timers(arg);
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	if (loop->timer_count == loop->timer_capacity) {
		size_t capacity = loop->timer_capacity == 0 ? 32 : 2 * loop->timer_capacity;
		struct loop_timer **heap = realloc(loop->heap, capacity * sizeof(struct loop_timer *));

		if (heap == NULL)
			return NULL;
		loop->heap = heap;
		loop->timer_capacity = capacity;
	}
	struct loop_timer *timer = malloc(sizeof(*timer));

	if (timer == NULL)
		return NULL;
	*timer = (struct loop_timer){
		.at_ns = at_ns, .order = loop->timer_order++, .place = loop->timer_count, .run = run, .arg = arg};
	loop->heap[loop->timer_count++] = timer;
	heap_up(loop, timer);
	arm(loop);
	return timer;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	if (timer == NULL)
		return;
	heap_remove(loop, timer);
	free(timer);
}

void loop_watch_timers(struct loop *loop, loop_late_run run, void *arg)
{
	loop->late_run = run;
	loop->late_arg = arg;
}

/* --- descriptors --- */

static enum qb_loop_priority qb_priority(enum loop_priority priority)
{
	switch (priority) {
	case LOOP_URGENT:
		return QB_LOOP_HIGH;
	case LOOP_NORMAL:
		return QB_LOOP_MED;
	case LOOP_SLOW:
		return QB_LOOP_LOW;
	}
	return QB_LOOP_LOW;
}

static struct loop_fd *find_fd(const struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->fd_count || loop->fds[fd] == NULL || !loop->fds[fd]->is_used)
		return NULL;
	return loop->fds[fd];
}

static int32_t on_fd(int32_t fd, int32_t revents, void *data)
{
	struct loop_fd *entry = data;
	struct loop *loop = entry->loop;

	if (!entry->is_used)
		return 0;
	enter(loop);
	entry->run(entry->arg, fd, (uint32_t)revents);
	leave(loop);
	return 0;
}

int loop_fd_add(struct loop *loop, int fd, uint32_t events, enum loop_priority priority, loop_fd_run run, void *arg)
{
	if (fd < 0)
		return -EBADF;
	if (find_fd(loop, fd) != NULL)
		return -EEXIST;
	if ((size_t)fd >= loop->fd_count) {
		size_t count = (size_t)fd + 16;
		struct loop_fd **fds = realloc(loop->fds, count * sizeof(struct loop_fd *));

		if (fds == NULL)
			return -ENOMEM;
		memset(fds + loop->fd_count, 0, (count - loop->fd_count) * sizeof(struct loop_fd *));
		loop->fds = fds;
		loop->fd_count = count;
	}
	if (loop->fds[fd] == NULL) {
		loop->fds[fd] = calloc(1, sizeof(struct loop_fd));
		if (loop->fds[fd] == NULL)
			return -ENOMEM;
	}
	struct loop_fd *entry = loop->fds[fd];

	*entry = (struct loop_fd){loop, run, arg, priority, true};
	int32_t rc = qb_loop_poll_add(loop->qb, qb_priority(priority), fd, (int32_t)events, entry, on_fd);
	if (rc < 0)
		entry->is_used = false;
	return rc < 0 ? rc : 0;
}

int loop_fd_mod(struct loop *loop, int fd, uint32_t events)
{
	struct loop_fd *entry = find_fd(loop, fd);

	if (entry == NULL)
		return -ENOENT;
	return qb_loop_poll_mod(loop->qb, qb_priority(entry->priority), fd, (int32_t)events, entry, on_fd);
}

void loop_fd_del(struct loop *loop, int fd)
{
	struct loop_fd *entry = find_fd(loop, fd);

	if (entry == NULL)
		return;
	entry->is_used = false; /* an event already collected for it is dropped in on_fd */
	qb_loop_poll_del(loop->qb, fd);
}

/* --- calls from other threads and later turns --- */

static void on_wake(void *arg, int fd, uint32_t revents)
{
	struct loop *loop = arg;
	uint64_t value;

	(void)revents;
	if (read(fd, &value, sizeof(value)) < 0)
		return;
	pthread_mutex_lock(&loop->lock);
	struct loop_call *posted = calls_take(&loop->posted);
	pthread_mutex_unlock(&loop->lock);
	calls_run(posted);
	if (loop->armed_ns <= loop_now_ns(loop))
		run_timers(loop);
}

int loop_post(struct loop *loop, void (*run)(void *), void *arg)
{
	pthread_mutex_lock(&loop->lock);
	int rc = calls_append(&loop->posted, run, arg);
	pthread_mutex_unlock(&loop->lock);
	if (rc == 0)
		wake(loop);
	return rc;
}

int loop_defer(struct loop *loop, void (*run)(void *), void *arg)
{
	int rc = calls_append(&loop->deferred, run, arg);

	if (rc == 0 && loop->depth == 0)
		wake(loop);
	return rc;
}

/* --- creating and destroying --- */

/*
 * Return whether the descriptors can be opened that a loop of libqb needs: a pipe for signals and one of epoll(7). Without them
 * qb_loop_create() returns a loop that crashes when it is destroyed.
 */
static bool has_descriptors(void)
{
	int fds[LOOP_FDS_OF_QB], count = 0;

	while (count < LOOP_FDS_OF_QB && (fds[count] = eventfd(0, EFD_CLOEXEC)) >= 0)
		count++;
	int saved = errno;

	for (int i = 0; i < count; i++)
		close(fds[i]);
	errno = saved;
	return count == LOOP_FDS_OF_QB;
}

struct loop *loop_create(void)
{
	if (!has_descriptors())
		return NULL;

	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->timer_fd = loop->wake_fd = -1;
	loop->armed_ns = TIMER_IDLE;
	calls_init(&loop->deferred);
	calls_init(&loop->posted);
	pthread_mutex_init(&loop->lock, NULL);
	loop->qb = qb_loop_create();
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->qb == NULL || loop->timer_fd < 0 || loop->wake_fd < 0 ||
		loop_fd_add(loop, loop->timer_fd, POLLIN, LOOP_URGENT, on_timer, loop) < 0 ||
		loop_fd_add(loop, loop->wake_fd, POLLIN, LOOP_URGENT, on_wake, loop) < 0) {
		int saved = errno;

		loop_destroy(loop);
		errno = saved;
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->timer_count > 0)
		free(loop->heap[--loop->timer_count]);
	free(loop->heap);
	calls_drop(&loop->deferred);
	calls_drop(&loop->posted);
	if (loop->qb != NULL) {
		loop_fd_del(loop, loop->timer_fd);
		loop_fd_del(loop, loop->wake_fd);
		qb_loop_destroy(loop->qb);
	}
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	for (size_t i = 0; i < loop->fd_count; i++)
		free(loop->fds[i]);
	free(loop->fds);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void loop_run(struct loop *loop) { qb_loop_run(loop->qb); }

void loop_stop(struct loop *loop) { qb_loop_stop(loop->qb); }

uint64_t loop_now_ns(const struct loop *loop)
{
	struct timespec now;

	(void)loop;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool loop_may_wait(const struct loop *loop)
{
	int policy = sched_getscheduler(0);

	(void)loop;
	return policy != SCHED_RR && policy != SCHED_FIFO;
}

uint64_t loop_suspended_ns(const struct loop *loop)
{
	struct timespec now;

	/* Read this clock first, so that a pause between both reads makes the result smaller, never larger. */
	clock_gettime(CLOCK_BOOTTIME, &now);
	uint64_t boot_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	uint64_t now_ns = loop_now_ns(loop);

	return boot_ns > now_ns ? boot_ns - now_ns : 0;
}

qb_loop_t *loop_qb(struct loop *loop) { return loop->qb; }
