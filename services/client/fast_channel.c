#include "services/client/fast_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <coterie/channel.h>
#include <qb/qbipc_common.h>

#include "services/client/channel.h"

enum {
	/* A doorbell that is said to be under way, and how often a first one is tried. */
	DOORBELL_PATIENCE_MS = 2000,
	CONFIRM_TRIES = 1000,
	/* Longest wait for room in a call that may wait. */
	ROOM_WAIT_NS = 1000000,
	/* Sends between two looks whether the executive lives. */
	SENDS_UNSEEN_MAX = 256,
};

struct fast_channel {
	pthread_mutex_t send_lock;
	struct coterie_channel_ring send; /* under send_lock, as what follows */
	uint32_t unseen;                  /* sends since we looked at the connection */
	time_t seen_s;
	long seen_ns; /* by the coarse clock */
	bool is_gone;

	pthread_mutex_t receive_lock;
	struct coterie_channel_ring receive; /* under receive_lock, as what follows */
	uint64_t released;                   /* what the writer was told */
	bool is_armed;                       /* we said so; that it has been taken back means a doorbell */
	fast_note note;
	void *note_arg;

	atomic_bool has_begun;
	atomic_uint in_use; /* records */
};

/* --- opening --- */

bool fast_channel_offer(struct coterie_channel_offer *offer)
{
	const char *text = secure_getenv("COTERIE_CPG_RING");
	unsigned long size = text == NULL ? 0 : strtoul(text, NULL, 10);

	if (size == 0)
		return false;
	if (size > COTERIE_CHANNEL_SIZE_MAX)
		size = COTERIE_CHANNEL_SIZE_MAX;
	*offer = (struct coterie_channel_offer){
		.features = COTERIE_CHANNEL_RINGS,
		.send_size = (uint32_t)size,
		.receive_size = (uint32_t)size,
	};
	memcpy(offer->magic, COTERIE_CHANNEL_MAGIC, sizeof(offer->magic));
	return true;
}

static int ring_open(struct coterie_channel_ring *ring, const char name[96], uint32_t size)
{
	struct stat status;

	if (memchr(name, '\0', 96) == NULL || size != coterie_channel_rounded(size))
		return -EPROTO;
	int fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	int rc = fstat(fd, &status) < 0 ? -errno : 0;
	if (rc == 0 && status.st_size < (off_t)COTERIE_CHANNEL_DATA + size)
		rc = -EPROTO;
	if (rc == 0)
		rc = coterie_channel_map(ring, fd, size);
	close(fd);
	return rc;
}

static int fast_create(const struct coterie_channel_grant *grant, struct fast_channel **out)
{
	struct fast_channel *fast = calloc(1, sizeof(*fast));

	if (fast == NULL)
		return -ENOMEM;
	int rc = ring_open(&fast->send, grant->send_name, grant->send_size);
	if (rc == 0)
		rc = ring_open(&fast->receive, grant->receive_name, grant->receive_size);
	if (rc < 0) {
		coterie_channel_unmap(&fast->send);
		free(fast);
		return rc;
	}
	pthread_mutex_init(&fast->send_lock, NULL);
	pthread_mutex_init(&fast->receive_lock, NULL);
	/* The executive's first event rings. */
	fast->is_armed = true;
	coterie_channel_say(&fast->receive.control->reader_armed);
	*out = fast;
	return 0;
}

void fast_channel_close(struct fast_channel *fast)
{
	if (fast == NULL)
		return;
	coterie_channel_unmap(&fast->send);
	coterie_channel_unmap(&fast->receive);
	pthread_mutex_destroy(&fast->send_lock);
	pthread_mutex_destroy(&fast->receive_lock);
	free(fast);
}

static int ring_doorbell(struct channel *channel)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(request)};
	struct iovec iov = {&request, sizeof(request)};

	return channel_send(channel, CHANNEL_GATE_ALL, &iov, 1);
}

/* The executive waits for this, before it writes into the ring. */
static int confirm(struct channel *channel)
{
	int rc;

	for (int tries = 0; (rc = ring_doorbell(channel)) == -EAGAIN && tries < CONFIRM_TRIES; tries++)
		poll(NULL, 0, 1);
	return rc;
}

static int refuse(struct channel *channel)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_REFUSED, .size = sizeof(request)};
	struct qb_ipc_response_header response;
	struct iovec iov = {&request, sizeof(request)};
	ssize_t rc = channel_call(channel, CHANNEL_GATE_ALL, &iov, 1, &response, sizeof(response));

	return rc < 0 ? (int)rc : 0;
}

int fast_channel_open(struct channel *channel, const void *answer, size_t size, size_t plain, fast_note note,
	void *arg)
{
	struct coterie_channel_grant grant;
	struct fast_channel *fast;

	if (size < plain + sizeof(grant) || atomic_load(&channel->fast) != NULL)
		return 0;
	memcpy(&grant, (const uint8_t *)answer + plain, sizeof(grant));
	if (memcmp(grant.magic, COTERIE_CHANNEL_MAGIC, sizeof(grant.magic)) != 0 ||
		(grant.features & COTERIE_CHANNEL_RINGS) == 0)
		return 0;
	if (fast_create(&grant, &fast) < 0)
		return refuse(channel);
	fast->note = note;
	fast->note_arg = arg;
	atomic_store(&channel->fast, fast);
	return confirm(channel);
}

/* --- sending --- */

size_t fast_size_max(const struct fast_channel *fast)
{
	return fast->send.size - sizeof(struct coterie_channel_message);
}

/* Nothing that a sender does by itself would ever tell it that the executive has gone. */
static bool has_gone(struct channel *channel, struct fast_channel *fast)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (++fast->unseen < SENDS_UNSEEN_MAX && now.tv_nsec == fast->seen_ns && now.tv_sec == fast->seen_s)
		return fast->is_gone;
	fast->unseen = 0;
	fast->seen_s = now.tv_sec;
	fast->seen_ns = now.tv_nsec;
	fast->is_gone = channel_is_hung_up(channel);
	return fast->is_gone;
}

static bool has_room(struct fast_channel *fast, uint32_t need)
{
	return coterie_channel_room(&fast->send) >= (int64_t)need;
}

/* Says that we wait; whoever makes room wakes us. */
static bool find_room(struct fast_channel *fast, uint32_t need)
{
	uint32_t *waits = &fast->send.control->writer_waits;
	const struct timespec limit = {.tv_nsec = ROOM_WAIT_NS};

	if (has_room(fast, need))
		return true;
	coterie_channel_say(waits);
	if (has_room(fast, need))
		return true;
	if (atomic_load(&fast->in_use) > 0)
		return false; /* a callback does not wait */
	syscall(SYS_futex, waits, FUTEX_WAIT, 1, &limit, NULL, 0);
	return has_room(fast, need);
}

static void write_message(struct fast_channel *fast, const struct coterie_channel_message *head,
	const struct iovec *iov, unsigned int count, uint32_t need)
{
	uint8_t *here = coterie_channel_here(&fast->send);

	memcpy(here, head, sizeof(*head));
	coterie_channel_gather(here + sizeof(*head), iov, count);
	fast->send.at += need;
	coterie_channel_publish(&fast->send);
}

int fast_send(struct channel *channel, uint32_t guarantee, const struct iovec *iov, unsigned int count,
	uint32_t size)
{
	struct fast_channel *fast = atomic_load(&channel->fast);
	const struct coterie_channel_message head = {.length = size, .guarantee = guarantee};
	uint32_t need = coterie_channel_padded(sizeof(head), size);
	uint32_t *armed = &fast->send.control->reader_armed;
	int rc = 0;

	pthread_mutex_lock(&fast->send_lock);
	if (channel_is_interrupted(channel)) {
		rc = -EBADF;
	} else if (has_gone(channel, fast)) {
		rc = -ENOTCONN;
	} else if (find_room(fast, need)) {
		write_message(fast, &head, iov, count, need);
		/* Not rung: the executive is not reading, and looks into the ring when it does. */
		if (coterie_channel_heard(armed) && ring_doorbell(channel) == -EAGAIN)
			__atomic_store_n(armed, 1, __ATOMIC_SEQ_CST);
	} else {
		rc = channel_is_hung_up(channel) ? -ENOTCONN : -EAGAIN;
	}
	pthread_mutex_unlock(&fast->send_lock);
	return rc;
}

/* --- receiving; all of it under receive_lock --- */

bool fast_has_begun(struct fast_channel *fast) { return fast != NULL && atomic_load(&fast->has_begun); }

void fast_begin(struct fast_channel *fast)
{
	pthread_mutex_lock(&fast->receive_lock);
	fast->is_armed = false;
	atomic_store(&fast->has_begun, true);
	pthread_mutex_unlock(&fast->receive_lock);
}

/* Room for the writer: in big steps, unless it waits or there is nothing more to read. */
static void give_back(struct channel *channel, struct fast_channel *fast, bool is_empty)
{
	struct coterie_channel_ring *ring = &fast->receive;
	uint32_t *waits = &ring->control->writer_waits;

	if (atomic_load(&fast->in_use) > 0 || ring->at == fast->released)
		return;
	if (!is_empty && ring->at - fast->released < ring->size / 8 &&
		__atomic_load_n(waits, __ATOMIC_RELAXED) == 0)
		return;
	fast->released = ring->at;
	coterie_channel_release(ring, ring->at);
	if ((is_empty || ring->other - ring->at <= ring->size / 2) && coterie_channel_heard(waits) &&
		ring_doorbell(channel) == -EAGAIN)
		__atomic_store_n(waits, 1, __ATOMIC_SEQ_CST);
}

/* @return 0; -EAGAIN: there is none; -EPROTO */
static int read_record(struct fast_channel *fast, struct fast_record *record)
{
	struct coterie_channel_ring *ring = &fast->receive;
	struct coterie_channel_record head;
	int64_t filled = coterie_channel_filled(ring);

	if (filled <= 0)
		return filled == 0 ? -EAGAIN : -EPROTO;
	uint8_t *here = coterie_channel_here(ring);
	memcpy(&head, here, sizeof(head));
	if (filled < (int64_t)sizeof(head) || head.length > ring->size ||
		coterie_channel_padded(sizeof(head), head.length) > filled ||
		(head.kind != COTERIE_CHANNEL_MESSAGE && head.kind != COTERIE_CHANNEL_EVENT))
		return -EPROTO;
	*record = (struct fast_record){
		.is_message = head.kind == COTERIE_CHANNEL_MESSAGE,
		.nodeid = head.nodeid,
		.pid = head.pid,
		.size = head.length,
		.bytes = here + sizeof(head),
	};
	ring->at += coterie_channel_padded(sizeof(head), head.length);
	atomic_fetch_add(&fast->in_use, 1);
	if (!record->is_message && fast->note != NULL)
		fast->note(fast->note_arg, record->bytes, record->size);
	return 0;
}

static bool is_rung(const struct fast_channel *fast)
{
	return fast->is_armed &&
	       __atomic_load_n(&fast->receive.control->reader_armed, __ATOMIC_ACQUIRE) == 0;
}

/* The executive has taken back that we sleep: its doorbell is there, or will be in a moment. */
static int take_doorbell(struct channel *channel, struct fast_channel *fast)
{
	struct pollfd pollfd = {.fd = channel->fd, .events = POLLIN};
	struct qb_ipc_response_header event;
	ssize_t rc = channel_receive_into(channel, &event, sizeof(event));

	if (rc == -EAGAIN) {
		(void)poll(&pollfd, 1, DOORBELL_PATIENCE_MS);
		rc = channel_receive_into(channel, &event, sizeof(event));
	}
	if (rc < 0 && rc != -EAGAIN)
		return (int)rc;
	if (rc >= 0 && event.id != COTERIE_CHANNEL_DOORBELL)
		return -ENOTCONN;
	fast->is_armed = false;
	return 0;
}

/* Empty: say that we sleep, and look once more. */
static void arm(struct fast_channel *fast)
{
	struct coterie_channel_ring *ring = &fast->receive;

	coterie_channel_say(&ring->control->reader_armed);
	fast->is_armed = true;
	if (coterie_channel_filled(ring) != 0 && coterie_channel_heard(&ring->control->reader_armed))
		fast->is_armed = false;
}

/* Something is left that the caller does not want now: ask for a doorbell if none is under way. */
static void ask_for_doorbell(struct channel *channel, struct fast_channel *fast)
{
	uint32_t *armed = &fast->receive.control->reader_armed;

	if (!fast->is_armed)
		__atomic_store_n(armed, COTERIE_CHANNEL_ASKING, __ATOMIC_SEQ_CST);
	else if (!coterie_channel_turn(armed, COTERIE_CHANNEL_ARMED, COTERIE_CHANNEL_ASKING))
		return;
	fast->is_armed = true;
	(void)ring_doorbell(channel);
}

/* What was left has been read meanwhile: the executive is not to ring for it. */
static void withdraw(struct fast_channel *fast)
{
	if (fast->is_armed && coterie_channel_turn(&fast->receive.control->reader_armed,
				      COTERIE_CHANNEL_ASKING, COTERIE_CHANNEL_AWAKE))
		fast->is_armed = false;
}

/* With the lock released meanwhile. @return 0: look again; -EAGAIN; -EBADF; -ENOTCONN */
static int wait_for_doorbell(struct channel *channel, struct fast_channel *fast, bool is_waiting)
{
	struct pollfd pollfd = {.fd = channel->fd, .events = POLLIN};

	pthread_mutex_unlock(&fast->receive_lock);
	int ready = poll(&pollfd, 1, is_waiting ? -1 : 0);
	pthread_mutex_lock(&fast->receive_lock);
	if (channel_is_interrupted(channel))
		return -EBADF;
	if (ready > 0 && (pollfd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		return coterie_channel_filled(&fast->receive) > 0 ? 0 : -ENOTCONN;
	return is_waiting || is_rung(fast) ? 0 : -EAGAIN;
}

static int take_locked(
	struct channel *channel, struct fast_channel *fast, bool is_waiting, struct fast_record *record)
{
	for (;;) {
		if (channel_is_interrupted(channel))
			return -EBADF;
		int rc = read_record(fast, record);
		if (rc == 0)
			return 0;
		if (rc == -EPROTO)
			return -ENOTCONN;
		give_back(channel, fast, true);
		withdraw(fast);
		if (is_rung(fast))
			rc = take_doorbell(channel, fast);
		else if (fast->is_armed)
			rc = wait_for_doorbell(channel, fast, is_waiting);
		else
			arm(fast), rc = 0;
		if (rc < 0)
			return rc;
	}
}

int fast_take(struct channel *channel, bool is_waiting, bool has_record, struct fast_record *record)
{
	struct fast_channel *fast = atomic_load(&channel->fast);

	pthread_mutex_lock(&fast->receive_lock);
	if (has_record) {
		atomic_fetch_sub(&fast->in_use, 1);
		give_back(channel, fast, false);
	}
	int rc = take_locked(channel, fast, is_waiting, record);
	pthread_mutex_unlock(&fast->receive_lock);
	return rc;
}

void fast_settle(struct channel *channel, bool has_record)
{
	struct fast_channel *fast = atomic_load(&channel->fast);
	int rc = 0;

	pthread_mutex_lock(&fast->receive_lock);
	if (has_record) {
		atomic_fetch_sub(&fast->in_use, 1);
		give_back(channel, fast, coterie_channel_filled(&fast->receive) == 0);
	}
	while (rc == 0 && coterie_channel_filled(&fast->receive) == 0) {
		withdraw(fast);
		if (is_rung(fast))
			rc = take_doorbell(channel, fast);
		else if (fast->is_armed)
			break;
		else
			arm(fast);
	}
	if (rc == 0 && coterie_channel_filled(&fast->receive) > 0)
		ask_for_doorbell(channel, fast);
	pthread_mutex_unlock(&fast->receive_lock);
}
