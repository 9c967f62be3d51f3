/*
 * The supervisor, in the parent process. It handles the child's messages, checks their times, and tracks whether this
 * node is quorate.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/sam/lib/supervisor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "services/sam/lib/message.h"
#include "services/sam/lib/report.h"

#define NS_PER_MS UINT64_C(1000000)

/*
 * The received part of a message. Messages are read in parts: a child that stops in the middle of a message must not
 * block the supervisor.
 */
struct inbox {
	struct sam_message head;
	uint8_t *body; /* head.size bytes. NULL: out of memory, so the bytes are dropped */
	uint64_t got;  /* received bytes of head and body */
};

struct supervisor {
	struct process *process; /* borrowed */
	pid_t child;
	int fd;
	bool is_started;
	bool waits_for_quorum; /* the child waits in sam_start for quorum */
	bool is_warned;        /* the child was warned once. The next failure kills it */
	bool is_condemned;     /* the child was warned since the connection to quorum is lost, so its signs of life no
			        * longer count */
	uint64_t heard_ns;     /* time of the child's last sign, or of the warning */
	struct inbox inbox;
};

/* Result of functions below: continue. Their other results are values of enum supervisor_outcome. */
enum { GO_ON = -1 };

static void answer(struct supervisor *supervisor, cs_error_t error)
{
	struct sam_answer message = {.error = error};

	/*
	 * Ignore an error: if the child has ended, the next read shows this. MSG_NOSIGNAL prevents a SIGPIPE, which
	 * would end the supervisor.
	 */
	message_write(supervisor->fd, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Handle a failure of the child. After the first failure the child gets a signal and one more interval. After the
 * second failure it is killed.
 */
static int child_failed(struct supervisor *supervisor)
{
	if (supervisor->is_warned) {
		kill(supervisor->child, SIGKILL);
		return SUPERVISOR_RECOVER;
	}
	kill(supervisor->child, supervisor->process->warn_signal);
	supervisor->is_warned = true;
	supervisor->heard_ns = cs_timestamp_get();
	return GO_ON;
}

/*
 * The connection to quorum is lost, so the supervisor does not know whether this node is quorate. Warn the child, and
 * wait for one interval before it is killed. Without an interval kill the child at once.
 */
static int quorum_failed(struct supervisor *supervisor)
{
	int rc = child_failed(supervisor);

	supervisor->is_condemned = true;
	if (rc == GO_ON && supervisor->process->interval_ms <= 0)
		rc = child_failed(supervisor);
	return rc;
}

static void start_now(struct supervisor *supervisor)
{
	/* A start that waited for quorum is no silence: the plugin wd would take it for one. */
	report_alive(supervisor->process);

	cs_error_t error = report_state(supervisor->process, REPORT_RUNNING);

	supervisor->waits_for_quorum = false;
	supervisor->is_started = error == CS_OK;
	supervisor->heard_ns = cs_timestamp_get();
	answer(supervisor, error);
}

static void handle_start(struct supervisor *supervisor)
{
	struct process *process = supervisor->process;
	cs_error_t error = CS_OK;

	/* Connect again if the connection was lost, since the daemon may have restarted. */
	if (process->follows_quorum && process->quorum_fd < 0)
		error = process_quorum_open(process);
	if (error == CS_OK && (!process->follows_quorum || process->is_quorate)) {
		start_now(supervisor);
		return;
	}
	if (error == CS_OK)
		error = report_state(process, REPORT_WAITING);
	if (error == CS_OK)
		supervisor->waits_for_quorum = true;
	else
		answer(supervisor, error);
}

static void handle_stop(struct supervisor *supervisor)
{
	cs_error_t error = report_state(supervisor->process, REPORT_STOPPED);

	/* If the key could not be set, stay started, and answer with the error. */
	if (error == CS_OK)
		supervisor->is_started = false;
	answer(supervisor, error);
}

static void handle_store(struct supervisor *supervisor)
{
	struct inbox *inbox = &supervisor->inbox;
	struct kept_data *kept = &supervisor->process->data;

	if (inbox->body == NULL && inbox->head.size > 0) {
		answer(supervisor, CS_ERR_NO_MEMORY);
		return;
	}
	free(kept->bytes);
	*kept = (struct kept_data){.bytes = inbox->body, .size = (size_t)inbox->head.size};
	inbox->body = NULL;
	answer(supervisor, CS_OK);
}

/* Handle the complete message in the inbox. */
static int handle_message(struct supervisor *supervisor)
{
	if (!supervisor->is_condemned)
		supervisor->heard_ns = cs_timestamp_get();
	report_alive(supervisor->process);
	switch (supervisor->inbox.head.command) {
	case SAM_COMMAND_ALIVE:
		return GO_ON;
	case SAM_COMMAND_START:
		handle_start(supervisor);
		return GO_ON;
	case SAM_COMMAND_STOP:
		handle_stop(supervisor);
		return GO_ON;
	case SAM_COMMAND_WARN_SIGNAL:
		supervisor->process->warn_signal = supervisor->inbox.head.signal;
		answer(supervisor, CS_OK);
		return GO_ON;
	case SAM_COMMAND_DATA_STORE:
		handle_store(supervisor);
		return GO_ON;
	case SAM_COMMAND_MARK_FAILED:
		kill(supervisor->child, SIGKILL);
		return SUPERVISOR_GIVE_UP;
	}
	/* The message is not valid, so another process may be writing into the socket. Kill the child. */
	kill(supervisor->child, SIGKILL);
	return SUPERVISOR_RECOVER;
}

/*
 * Return where to store the next bytes, and how many. Without a buffer for the body the bytes are written to `dropped`.
 */
static struct iovec inbox_room(struct inbox *inbox, uint8_t *dropped, size_t dropped_size)
{
	struct iovec room;
	uint64_t body_got;

	if (inbox->got < sizeof(inbox->head)) {
		room.iov_base = (uint8_t *)&inbox->head + inbox->got;
		room.iov_len = sizeof(inbox->head) - (size_t)inbox->got;
		return room;
	}
	body_got = inbox->got - sizeof(inbox->head);
	room.iov_base = inbox->body != NULL ? inbox->body + body_got : dropped;
	room.iov_len = (size_t)(inbox->head.size - body_got);
	if (inbox->body == NULL && room.iov_len > dropped_size)
		room.iov_len = dropped_size;
	return room;
}

static int read_child(struct supervisor *supervisor)
{
	struct inbox *inbox = &supervisor->inbox;
	uint8_t dropped[4096];
	struct iovec room = inbox_room(inbox, dropped, sizeof(dropped));
	ssize_t got = recv(supervisor->fd, room.iov_base, room.iov_len, MSG_DONTWAIT);
	int rc;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return GO_ON;
	if (got <= 0) /* the socket was closed, or was reset since the child ended with unread answers */
		return supervisor->is_started ? SUPERVISOR_RECOVER : SUPERVISOR_QUIT;
	inbox->got += (uint64_t)got;
	if (inbox->got < sizeof(inbox->head))
		return GO_ON;
	if (inbox->got == sizeof(inbox->head) && inbox->head.size > 0 && inbox->head.size <= SAM_DATA_SIZE_MAX)
		inbox->body = malloc((size_t)inbox->head.size);
	if (inbox->got - sizeof(inbox->head) < inbox->head.size)
		return GO_ON;
	rc = handle_message(supervisor);
	free(inbox->body);
	memset(inbox, 0, sizeof(*inbox));
	return rc;
}

/*
 * Handle events of quorum. The callback sets is_quorate. A loss of quorum is a failure only while the child is started.
 */
static int read_quorum(struct supervisor *supervisor)
{
	struct process *process = supervisor->process;
	cs_error_t error = quorum_dispatch(process->quorum, CS_DISPATCH_ALL);

	if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
		process->is_quorate = false;
		process->quorum_fd = -1;
		quorum_finalize(process->quorum);
	}
	if (supervisor->waits_for_quorum) {
		if (process->is_quorate) {
			start_now(supervisor);
		} else if (process->quorum_fd < 0) {
			supervisor->waits_for_quorum = false;
			answer(supervisor, error);
		}
		return GO_ON;
	}
	if (!supervisor->is_started || process->is_quorate)
		return GO_ON;
	return process->quorum_fd < 0 ? quorum_failed(supervisor) : child_failed(supervisor);
}

/* Return the time limit for poll(): the time until the child's next sign of life is overdue. */
static int patience_ms(const struct supervisor *supervisor)
{
	int interval_ms = supervisor->process->interval_ms;
	uint64_t due_ns, now_ns, left_ms;

	if (!supervisor->is_started || interval_ms <= 0)
		return -1;
	due_ns = supervisor->heard_ns + (uint64_t)interval_ms * NS_PER_MS;
	now_ns = cs_timestamp_get();
	if (now_ns >= due_ns)
		return 0;
	left_ms = (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static int watch_once(struct supervisor *supervisor)
{
	struct pollfd fds[] = {
		{.fd = supervisor->fd, .events = POLLIN},
		/* poll() ignores a negative descriptor. */
		{.fd = supervisor->process->quorum_fd, .events = POLLIN},
	};
	int ready = poll(fds, 2, patience_ms(supervisor));
	int rc = GO_ON;

	if (ready < 0)
		return errno == EINTR || errno == EAGAIN ? GO_ON : SUPERVISOR_ERROR;
	if (fds[0].revents != 0)
		rc = read_child(supervisor);
	if (rc == GO_ON && fds[1].revents != 0)
		rc = read_quorum(supervisor);
	/* Handle a missing sign of life only if poll() found no events: a sign may be waiting in the socket. */
	if (rc == GO_ON && ready == 0 && patience_ms(supervisor) == 0)
		rc = child_failed(supervisor);
	return rc;
}

enum supervisor_outcome supervise(struct process *process, pid_t child, int fd)
{
	struct supervisor supervisor = {
		.process = process,
		.child = child,
		.fd = fd,
	};
	int rc;

	do
		rc = watch_once(&supervisor);
	while (rc == GO_ON);
	free(supervisor.inbox.body);
	return (enum supervisor_outcome)rc;
}
