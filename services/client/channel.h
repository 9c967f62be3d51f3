/*
 * A connection to one service of the executive, for requests and a stream of events. No other file of the client
 * libraries calls libqb.
 *
 * Any thread may send and receive. Requests that have an answer are made one after the other. A thread that receives
 * events, or sends a request without an answer, does not wait for an answer to another thread. A callback may make
 * requests.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_CHANNEL_H
#define SERVICES_CLIENT_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <corosync/corotypes.h>

struct fast_channel;
struct qb_ipcc_connection;

enum {
	/* Most bytes of a request or an event, as client and executive agree. */
	CHANNEL_MESSAGE_SIZE_MAX = 1048576,
	/*
	 * Bytes of a buffer for an event. libqb's buffer has a little more room than was agreed. An event that uses
	 * this room must not block the events behind it.
	 */
	CHANNEL_EVENT_SIZE_MAX = CHANNEL_MESSAGE_SIZE_MAX + 8192,
};

/** The stops of the executive (flow control) that a request obeys. */
enum channel_gate {
	CHANNEL_GATE_ALL = 1,   /* obey a stop of all requests (1) */
	CHANNEL_GATE_MCAST = 2, /* obey a stop of all requests (1) and a stop of multicasts (2) */
};

struct channel {
	struct qb_ipcc_connection *connection;
	int fd;
	pthread_mutex_t call_lock;    /* held from the send of a request to the end of its response, locked before
				       * send_lock */
	pthread_mutex_t send_lock;    /* held while a request is sent */
	pthread_mutex_t receive_lock; /* held while an event is taken: libqb lets two threads take the same one */
	atomic_bool is_out_of_step;   /* a response could not be read, so no request is allowed any more */
	uint32_t wakeup_credit;       /* protected by send_lock: number of requests that may be sent without a new check
				       * of the socket's room */
	int32_t wakeup_room_max;      /* bytes of the socket's send buffer */
	atomic_bool is_interrupted;
	_Atomic(struct fast_channel *) fast; /* or NULL: see fast_channel.h */
};

/**
 * Connect, waiting for the executive's answer without limit.
 *
 * @param channel filled in
 * @param service IPC name, as of the default instance; copied
 * @param instance borrowed; NULL or "": the default instance
 * @return 0; -EINVAL: instance is no valid name; -ECONNREFUSED: no process listens; -EPERM: the process that listens is
 *     of a user that is not trusted as the daemon: see daemon_user.h; -EAGAIN, -EACCES, -ENOSYS, -EMFILE: refused by the
 *     executive; -ENOMEM, or another errno of a system call
 */
int channel_open(struct channel *channel, const char *service, const char *instance);

/** Disconnect. No other thread may be in a call. The channel cannot be used afterwards. */
void channel_close(struct channel *channel);

/**
 * Shut the connection down while other threads may be in calls. Threads that wait for events return. The executive is
 * notified of the disconnect at once. The caller must still call channel_close.
 */
void channel_interrupt(struct channel *channel);

bool channel_is_interrupted(const struct channel *channel);

/** Return whether the executive has ended. */
bool channel_is_hung_up(const struct channel *channel);

/**
 * Send a request that has no answer.
 *
 * @param iov borrowed; at most 64 elements
 * @return 0: queued for the executive; -EAGAIN: nothing was queued; -EMSGSIZE; -EBADF: the channel was interrupted; any
 *     other errno: the connection is broken
 */
int channel_send(struct channel *channel, enum channel_gate gate, const struct iovec *iov, unsigned int count);

/**
 * Send a request and wait for the answer, without a time limit while the connection exists.
 *
 * @param response filled in
 * @return bytes of the response; -EAGAIN: nothing was sent; otherwise as channel_send
 */
ssize_t channel_call(struct channel *channel, enum channel_gate gate, const struct iovec *iov, unsigned int count,
	void *response, size_t response_size);

/**
 * Send a request of one buffer, with CHANNEL_GATE_ALL and an answer of known size.
 *
 * @return client_error of the result of sending, or client_response_error of the answer
 */
cs_error_t channel_request(
	struct channel *channel, const void *request, size_t request_size, void *response, size_t response_size);

/**
 * Take the next event.
 *
 * @param event filled in; CHANNEL_EVENT_SIZE_MAX bytes
 * @param is_waiting wait for an event without a time limit; signals do not end the wait
 * @return bytes of the event; -EAGAIN: there is none; -EALREADY: events are in the ring of the fast channel now, where
 *     fast_take gets them; -EBADF: the channel was interrupted; -ENOTCONN
 */
ssize_t channel_receive(struct channel *channel, void *event, bool is_waiting);

/**
 * Take the next event from libqb's ring, without waiting, also after the start of the fast channel, whose doorbells
 * arrive there. At most `size` bytes. -ENOTCONN: the event is longer. Otherwise as channel_receive.
 */
ssize_t channel_receive_into(struct channel *channel, void *event, size_t size);

#endif
