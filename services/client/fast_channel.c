/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/fast_channel.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <coterie/channel.h>
#include <qb/qbipc_common.h>

#include "common/thread.h"
#include "services/client/channel.h"

enum {
	/*
	 * Limits: the wait for a doorbell that should arrive, and the attempts to confirm a grant, one millisecond
	 * apart. The attempts take about as long as cpg_join repeats its request.
	 */
	DOORBELL_PATIENCE_MS = 2000,
	CONFIRM_TRIES = 15000,
	/*
	 * Backlog of the socket of an offer. The executive needs only one connection, but other processes may connect,
	 * too.
	 */
	PARCELS_MAX = 8,
	CLOSE_STACK_SIZE = 65536,
	/* Longest wait of fast_send for room. */
	ROOM_WAIT_NS = 1000000,
	/* Most sends between two checks whether the executive still runs. */
	SENDS_UNSEEN_MAX = 256,
};

struct fast_channel {
	pthread_mutex_t send_lock;
	struct coterie_channel_ring send; /* protected by send_lock, as are the members below */
	uint32_t unseen;                  /* sends since the last check of the connection */
	time_t seen_s;
	long seen_ns; /* time of the last check, by the coarse clock */
	bool is_gone;

	pthread_mutex_t receive_lock;
	struct coterie_channel_ring receive; /* protected by receive_lock, as are the members below */
	uint64_t released;                   /* read position that was reported to the writer */
	bool is_armed;                       /* this side has set reader_armed, since it sleeps. When the writer clears
					      * reader_armed, it sends a doorbell */
	fast_note note;
	uint8_t context[FAST_CONTEXT_SIZE];

	atomic_bool has_begun;
	atomic_uint callbacks; /* number of running callbacks */
};

/* --- other processes at the socket of an offer --- */

/*
 * Return whether the executive has connected. It is the process at the other end of the libqb connection. Its user may have
 * changed since it opened its sockets. Without a process id, it runs in a pid namespace that this process does not see.
 */
static bool is_executive(const struct channel *channel, int fd)
{
	struct ucred peer, executive;
	socklen_t size = sizeof(peer), executive_size = sizeof(executive);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       getsockopt(channel->fd, SOL_SOCKET, SO_PEERCRED, &executive, &executive_size) == 0 &&
	       peer.pid == executive.pid && (peer.pid != 0 || peer.uid == executive.uid);
}

static void *close_on_thread(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/*
 * Close a connection of another process on a thread. The process may have sent a descriptor whose last close takes as
 * long as it wants, and closing the connection closes this descriptor.
 */
static void close_later(int fd)
{
	pthread_t thread;

	(void)shutdown(fd, SHUT_RDWR);
	if (thread_start(&thread, CLOSE_STACK_SIZE, close_on_thread, (void *)(intptr_t)fd) == 0)
		pthread_detach(thread);
	else
		close(fd);
}

void fast_channel_close_offer(int socket)
{
	int fd;

	(void)shutdown(socket, SHUT_RDWR); /* no process can connect from here on */
	while ((fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close_later(fd);
	close(socket);
}

/* --- opening --- */

/* Return the bytes of a ring as the environment requests them. 0: use no channel. */
static uint32_t wanted_size(void)
{
	const char *text = secure_getenv("COTERIE_CPG_RING");
	char *end;

	if (text == NULL || text[0] == '\0')
		return COTERIE_CHANNEL_SIZE_MIN;
	unsigned long size = strtoul(text, &end, 10);
	if (*end != '\0')
		return COTERIE_CHANNEL_SIZE_MIN;
	return size < COTERIE_CHANNEL_SIZE_MAX ? (uint32_t)size : COTERIE_CHANNEL_SIZE_MAX;
}

/* Make a socket that listens under an abstract name that the kernel chooses. */
static int listen_anywhere(char address[8])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&name, sizeof(name.sun_family)) < 0 || listen(fd, PARCELS_MAX) < 0 ||
		getsockname(fd, (struct sockaddr *)&name, &size) < 0)
		goto close_socket;
	size -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
	if (size == 0 || size > 8)
		goto close_socket;
	memset(address, 0, 8);
	memcpy(address, name.sun_path + 1, size);
	return fd;

close_socket:
	close(fd);
	return -EADDRNOTAVAIL;
}

int fast_channel_offer(struct channel *channel, struct coterie_channel_offer *offer)
{
	uint32_t size = wanted_size();

	if (size == 0 || atomic_load(&channel->fast) != NULL)
		return -ENOTSUP;
	*offer = (struct coterie_channel_offer){
		.features = COTERIE_CHANNEL_RINGS,
		.send_size = size,
		.receive_size = size,
	};
	memcpy(offer->magic, COTERIE_CHANNEL_MAGIC, sizeof(offer->magic));
	return listen_anywhere(offer->address);
}

/*
 * Read the descriptors that a peer has sent, and check the peer's token against the grant. @return 0; -EPROTO; in both
 * cases the caller owns fds
 */
static int read_parcel(int fd, const uint8_t token[16], int fds[2])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	uint8_t bytes[17];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};
	ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = size < 0 ? NULL : CMSG_FIRSTHDR(&message);

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), (count < 2 ? count : 2) * sizeof(int));
	if (count == 2 && size == 16 && memcmp(bytes, token, 16) == 0)
		return 0;
	for (size_t i = 0; i < count && i < 2; i++)
		close(fds[i]);
	return -EPROTO;
}

/*
 * Accept connections until one has the right token. Any process may connect to the socket. The executive has connected
 * before it answered. What other processes have sent is not read.
 */
static int take_parcel(const struct channel *channel, int socket, const uint8_t token[16], int fds[2])
{
	int fd, rc = -ENOENT;

	(void)shutdown(socket, SHUT_RDWR);
	while (rc < 0 && (fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (!is_executive(channel, fd)) {
			close_later(fd);
			continue;
		}
		rc = read_parcel(fd, token, fds);
		close(fd);
	}
	return rc;
}

static int ring_open(struct coterie_channel_ring *ring, int fd, uint32_t size)
{
	struct stat status;

	if (size != coterie_channel_rounded(size))
		return -EPROTO;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size < (off_t)COTERIE_CHANNEL_DATA + size)
		return -EPROTO;
	return coterie_channel_map(ring, fd, size);
}

static int rings_open(
	const struct channel *channel, struct fast_channel *fast, const struct coterie_channel_grant *grant, int socket)
{
	int fds[2];
	int rc = take_parcel(channel, socket, grant->token, fds);

	if (rc < 0)
		return rc;
	rc = ring_open(&fast->send, fds[0], grant->send_size);
	if (rc == 0)
		rc = ring_open(&fast->receive, fds[1], grant->receive_size);
	if (rc < 0)
		coterie_channel_unmap(&fast->send);
	close(fds[0]);
	close(fds[1]);
	return rc;
}

static int fast_create(
	const struct channel *channel, const struct coterie_channel_grant *grant, int socket, struct fast_channel **out)
{
	struct fast_channel *fast = calloc(1, sizeof(*fast));

	if (fast == NULL)
		return -ENOMEM;
	int rc = rings_open(channel, fast, grant, socket);
	if (rc < 0) {
		free(fast);
		return rc;
	}
	pthread_mutex_init(&fast->send_lock, NULL);
	pthread_mutex_init(&fast->receive_lock, NULL);
	/* Set reader_armed, so that the executive sends a doorbell with its first event. */
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

/* Confirm that the channel is open. The executive writes into the ring only after this message. */
static int confirm(struct channel *channel)
{
	int rc;

	for (int tries = 0; (rc = ring_doorbell(channel)) == -EAGAIN && tries < CONFIRM_TRIES; tries++)
		poll(NULL, 0, 1);
	return rc == -EAGAIN ? -ENOTCONN : rc; /* not -EAGAIN: the caller must not repeat the request, which was carried
					        * out */
}

static int refuse(struct channel *channel)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_REFUSED, .size = sizeof(request)};
	struct qb_ipc_response_header response;
	struct iovec iov = {&request, sizeof(request)};
	ssize_t rc;

	for (int tries = 0; tries < CONFIRM_TRIES; tries++) {
		rc = channel_call(channel, CHANNEL_GATE_ALL, &iov, 1, &response, sizeof(response));
		if (rc != -EAGAIN)
			return rc < 0 ? (int)rc : 0;
		poll(NULL, 0, 1);
	}
	return -ENOTCONN;
}

int fast_channel_open(
	struct channel *channel, int socket, const void *answer, size_t size, size_t plain, fast_note note)
{
	struct coterie_channel_grant grant;
	struct fast_channel *fast;

	if (size < plain + sizeof(grant))
		return 0;
	memcpy(&grant, (const uint8_t *)answer + plain, sizeof(grant));
	if (memcmp(grant.magic, COTERIE_CHANNEL_MAGIC, sizeof(grant.magic)) != 0 ||
		(grant.features & COTERIE_CHANNEL_RINGS) == 0)
		return 0;
	if (fast_create(channel, &grant, socket, &fast) < 0)
		return refuse(channel);
	fast->note = note;
	atomic_store(&channel->fast, fast);
	return confirm(channel);
}

/* --- sending --- */

/* Return whether the executive has ended. Check only from time to time, since the check is a system call. */
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

/*
 * Return whether a record can be received. If so, a sender does not wait for room, since events would accumulate in the
 * executive during the wait.
 */
static bool has_news(const struct fast_channel *fast)
{
	const struct coterie_channel_control *control = fast->receive.control;

	return __atomic_load_n(&control->written, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&control->consumed, __ATOMIC_RELAXED);
}

/*
 * Return whether there is room. If not, set writer_waits, so that the reader wakes this thread, and wait for a short
 * time.
 */
static bool find_room(struct fast_channel *fast, uint32_t need)
{
	uint32_t *waits = &fast->send.control->writer_waits;
	const struct timespec limit = {.tv_nsec = ROOM_WAIT_NS};

	if (has_room(fast, need))
		return true;
	coterie_channel_say(waits);
	if (has_room(fast, need))
		return true;
	if (atomic_load(&fast->callbacks) > 0 || has_news(fast))
		return false; /* do not wait in a callback, or while there are records to read */
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

/*
 * Send a doorbell to the executive, which sleeps. -EAGAIN: the socket is full of doorbells that it has not read. When it
 * reads these, it also reads the ring. So set reader_armed again, for later messages.
 *
 * @return 0; -ENOTCONN: the executive has ended since the last check, so it will not read the message
 */
static int wake_executive(struct channel *channel, struct fast_channel *fast)
{
	int rc = ring_doorbell(channel);

	if (rc == -EAGAIN)
		__atomic_store_n(&fast->send.control->reader_armed, 1, __ATOMIC_SEQ_CST);
	else if (rc < 0)
		fast->is_gone = channel_is_hung_up(channel);
	return fast->is_gone ? -ENOTCONN : 0;
}

int fast_send(struct channel *channel, uint32_t guarantee, const struct iovec *iov, unsigned int count, uint32_t size)
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
		if (coterie_channel_heard(armed))
			rc = wake_executive(channel, fast);
	} else {
		rc = channel_is_hung_up(channel) ? -ENOTCONN : -EAGAIN;
	}
	pthread_mutex_unlock(&fast->send_lock);
	return rc;
}

/* --- receiving, always with receive_lock held --- */

bool fast_has_begun(struct fast_channel *fast) { return fast != NULL && atomic_load(&fast->has_begun); }

bool fast_begins(struct fast_channel *fast, const uint8_t *event, size_t size)
{
	struct qb_ipc_response_header header;

	if (fast == NULL || size < sizeof(header))
		return false;
	memcpy(&header, event, sizeof(header));
	if (header.id != COTERIE_CHANNEL_DOORBELL)
		return false;
	fast->is_armed = false; /* no thread receives from the ring yet */
	atomic_store(&fast->has_begun, true);
	return true;
}

void fast_callback(struct fast_channel *fast, bool is_beginning)
{
	if (fast == NULL)
		return;
	if (is_beginning)
		atomic_fetch_add(&fast->callbacks, 1);
	else
		atomic_fetch_sub(&fast->callbacks, 1);
}

static bool is_empty(struct fast_channel *fast) { return coterie_channel_filled(&fast->receive) == 0; }

/* Report the read position to the writer after each large part, or at once if the writer waits or the ring is empty. */
static void give_back(struct channel *channel, struct fast_channel *fast)
{
	struct coterie_channel_ring *ring = &fast->receive;
	uint32_t *waits = &ring->control->writer_waits;
	bool is_drained = ring->at == ring->other;

	if (ring->at == fast->released || (!is_drained && ring->at - fast->released < ring->size / 8 &&
						  __atomic_load_n(waits, __ATOMIC_RELAXED) == 0))
		return;
	fast->released = ring->at;
	coterie_channel_release(ring, ring->at);
	if ((is_drained || ring->other - ring->at <= ring->size / 2) && coterie_channel_heard(waits) &&
		ring_doorbell(channel) == -EAGAIN)
		__atomic_store_n(waits, 1, __ATOMIC_SEQ_CST);
}

/*
 * Copy a record from the ring, so that the ring can be used during a callback, which may take long or dispatch again.
 *
 * @return 0; -EAGAIN: there is no record; -EPROTO
 */
static int read_record(struct fast_channel *fast, uint8_t *buffer, struct fast_record *record)
{
	struct coterie_channel_ring *ring = &fast->receive;
	struct coterie_channel_record head;
	int64_t filled = coterie_channel_filled(ring);

	if (filled <= 0)
		return filled == 0 ? -EAGAIN : -EPROTO;
	const uint8_t *here = coterie_channel_here(ring);
	memcpy(&head, here, sizeof(head));
	if (filled < (int64_t)sizeof(head) || head.length > CHANNEL_EVENT_SIZE_MAX ||
		coterie_channel_padded(sizeof(head), head.length) > filled ||
		(head.kind != COTERIE_CHANNEL_MESSAGE && head.kind != COTERIE_CHANNEL_EVENT))
		return -EPROTO;
	memcpy(buffer, here + sizeof(head), head.length);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->control->written, __ATOMIC_RELAXED) == 0)
		return -EPROTO; /* the executive has closed the channel during the read, so the copy may be wrong */
	*record = (struct fast_record){
		.is_message = head.kind == COTERIE_CHANNEL_MESSAGE,
		.nodeid = head.nodeid,
		.pid = head.pid,
		.size = head.length,
	};
	memcpy(record->context, fast->context, sizeof(record->context));
	ring->at += coterie_channel_padded(sizeof(head), head.length);
	if (!record->is_message && fast->note != NULL)
		fast->note(fast->context, buffer, record->size);
	return 0;
}

static bool is_rung(const struct fast_channel *fast)
{
	return fast->is_armed &&
	       __atomic_load_n(&fast->receive.control->reader_armed, __ATOMIC_ACQUIRE) == COTERIE_CHANNEL_AWAKE;
}

/*
 * Take the executive's doorbell. The executive has cleared reader_armed, so the doorbell has arrived or arrives soon.
 */
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

/* Set reader_armed when the ring is empty. Then check the ring again: a record may have been written in between. */
static void arm(struct fast_channel *fast)
{
	uint32_t *armed = &fast->receive.control->reader_armed;

	coterie_channel_say(armed);
	fast->is_armed = true;
	if (!is_empty(fast) && coterie_channel_heard(armed))
		fast->is_armed = false;
}

/*
 * Request a doorbell for a record that is already in the ring. If the request fails, the executive sends a doorbell
 * with the next record.
 */
static void ask_for_doorbell(struct channel *channel, struct fast_channel *fast)
{
	uint32_t *armed = &fast->receive.control->reader_armed;

	fast->is_armed = true;
	__atomic_store_n(armed, COTERIE_CHANNEL_ASKING, __ATOMIC_SEQ_CST);
	if (ring_doorbell(channel) == -EAGAIN)
		(void)coterie_channel_turn(armed, COTERIE_CHANNEL_ASKING, COTERIE_CHANNEL_ARMED);
}

/* Cancel the request for a doorbell, since the records have been read. */
static void withdraw(struct fast_channel *fast)
{
	if (fast->is_armed && coterie_channel_turn(&fast->receive.control->reader_armed, COTERIE_CHANNEL_ASKING,
				      COTERIE_CHANNEL_AWAKE))
		fast->is_armed = false;
}

/*
 * Make the descriptor show other threads, and callbacks that poll it, whether there are records. While there is a
 * record, the descriptor has a doorbell. Without a record it has none, and the executive sends a doorbell with the next
 * record.
 */
static int settle(struct channel *channel, struct fast_channel *fast)
{
	int rc = 0;

	while (rc == 0) {
		if (!is_empty(fast)) {
			if (!fast->is_armed)
				ask_for_doorbell(channel, fast);
			return 0;
		}
		withdraw(fast);
		if (is_rung(fast))
			rc = take_doorbell(channel, fast);
		else if (fast->is_armed)
			return 0;
		else
			arm(fast);
	}
	return rc;
}

/* Wait with the lock released. @return 0: check the ring again; -EAGAIN; -EBADF; -ENOTCONN */
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

static int take_locked(struct channel *channel, struct fast_channel *fast, bool is_waiting, uint8_t *buffer,
	struct fast_record *record)
{
	for (;;) {
		if (channel_is_interrupted(channel))
			return -EBADF;
		int rc = read_record(fast, buffer, record);
		if (rc == -EPROTO)
			return -ENOTCONN;
		give_back(channel, fast);
		if (rc == 0) {
			(void)settle(channel, fast);
			return 0;
		}
		rc = settle(channel, fast);
		if (rc == 0 && is_empty(fast))
			rc = wait_for_doorbell(channel, fast, is_waiting);
		if (rc < 0)
			return rc;
	}
}

int fast_take(struct channel *channel, bool is_waiting, uint8_t *buffer, struct fast_record *record)
{
	struct fast_channel *fast = atomic_load(&channel->fast);

	pthread_mutex_lock(&fast->receive_lock);
	int rc = take_locked(channel, fast, is_waiting, buffer, record);
	pthread_mutex_unlock(&fast->receive_lock);
	return rc;
}
