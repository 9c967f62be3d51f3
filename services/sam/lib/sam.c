/*
 * The public calls. They check that the process is in an allowed state, and send messages to the supervisor.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/sam/lib/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/sam/lib/callback.h"
#include "services/sam/lib/message.h"
#include "services/sam/lib/report.h"
#include "services/sam/lib/supervisor.h"

/*
 * The public calls have no handle, since a process is supervised only once. So this object is a variable of this file.
 * Functions of other files get it as an argument.
 */
static struct process the_process = {
	.call_lock = PTHREAD_MUTEX_INITIALIZER,
	.write_lock = PTHREAD_MUTEX_INITIALIZER,
	.warn_signal = SIGTERM,
	.parent_fd = -1,
	.quorum_fd = -1,
};

#define BIT(state) (1u << (state))
#define CHILD (BIT(PROCESS_REGISTERED) | BIT(PROCESS_STARTED))
#define ALIVE (BIT(PROCESS_INITIALIZED) | CHILD)

/* Take call_lock if the process is in one of these states. @return NULL: the process is in another state */
static struct process *process_enter(unsigned int states)
{
	struct process *process = &the_process;

	pthread_mutex_lock(&process->call_lock);
	if ((states & BIT(atomic_load(&process->state))) != 0)
		return process;
	pthread_mutex_unlock(&process->call_lock);
	return NULL;
}

static cs_error_t process_leave(struct process *process, cs_error_t error)
{
	pthread_mutex_unlock(&process->call_lock);
	return error;
}

static bool process_is(struct process *process, unsigned int states)
{
	return (states & BIT(atomic_load(&process->state))) != 0;
}

int kept_data_store(struct kept_data *data, const void *bytes, size_t size)
{
	struct kept_data kept = {0};

	if (bytes != NULL && size > 0) {
		kept.bytes = malloc(size);
		if (kept.bytes == NULL)
			return -ENOMEM;
		memcpy(kept.bytes, bytes, size);
		kept.size = size;
	}
	free(data->bytes);
	*data = kept;
	return 0;
}

/* --- messages to the supervisor --- */

/*
 * Send a message. If the supervisor has ended, SIGPIPE ends the program, as in Corosync, unless the program ignores or
 * handles SIGPIPE.
 */
static int tell(struct process *process, const struct sam_message *message, const void *body)
{
	int rc;

	pthread_mutex_lock(&process->write_lock);
	rc = message_write(process->parent_fd, message, sizeof(*message), 0);
	if (rc == 0 && message->size > 0)
		rc = message_write(process->parent_fd, body, (size_t)message->size, 0);
	pthread_mutex_unlock(&process->write_lock);
	return rc;
}

static cs_error_t ask(struct process *process, const struct sam_message *message, const void *body)
{
	struct sam_answer answer;

	if (tell(process, message, body) < 0 || message_read(process->parent_fd, &answer, sizeof(answer)) < 0)
		return CS_ERR_LIBRARY;
	return (cs_error_t)answer.error;
}

static cs_error_t ask_plain(struct process *process, enum sam_command command)
{
	struct sam_message message = {.command = command};

	return ask(process, &message, NULL);
}

int process_alive(struct process *process)
{
	struct sam_message message = {.command = SAM_COMMAND_ALIVE};

	return tell(process, &message, NULL);
}

/* --- begin and end --- */

static void quorum_changed(
	quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t view_list_entries, uint32_t *view_list)
{
	(void)handle, (void)ring_seq, (void)view_list_entries, (void)view_list;
	the_process.is_quorate = quorate != 0;
}

cs_error_t process_quorum_open(struct process *process)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = quorum_changed};
	uint32_t type;
	int quorate = 0;
	cs_error_t error = quorum_initialize(&process->quorum, &callbacks, &type);

	if (error != CS_OK)
		return error;
	error = quorum_trackstart(process->quorum, CS_TRACK_CHANGES);
	if (error == CS_OK)
		error = quorum_fd_get(process->quorum, &process->quorum_fd);
	if (error == CS_OK)
		error = quorum_getquorate(process->quorum, &quorate);
	if (error != CS_OK) {
		quorum_finalize(process->quorum);
		process->quorum_fd = -1;
	}
	process->is_quorate = error == CS_OK && quorate != 0;
	return error;
}

cs_error_t sam_initialize(int time_interval, sam_recovery_policy_t recovery_policy)
{
	const unsigned int added = SAM_RECOVERY_POLICY_QUORUM | SAM_RECOVERY_POLICY_CMAP;
	unsigned int policy = (unsigned int)recovery_policy & ~added;
	struct process *process = process_enter(BIT(PROCESS_NONE));
	cs_error_t error = CS_OK;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (policy != SAM_RECOVERY_POLICY_QUIT && policy != SAM_RECOVERY_POLICY_RESTART)
		return process_leave(process, CS_ERR_INVALID_PARAM);
	process->policy = (sam_recovery_policy_t)policy;
	process->follows_quorum = (recovery_policy & SAM_RECOVERY_POLICY_QUORUM) != 0;
	process->keeps_keys = (recovery_policy & SAM_RECOVERY_POLICY_CMAP) != 0;
	process->interval_ms = time_interval;
	if (process->follows_quorum)
		error = process_quorum_open(process);
	if (error == CS_OK)
		atomic_store(&process->state, PROCESS_INITIALIZED);
	return process_leave(process, error);
}

cs_error_t sam_finalize(void)
{
	struct process *process = process_enter(ALIVE);

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (process_is(process, BIT(PROCESS_STARTED)))
		ask_plain(process, SAM_COMMAND_STOP);
	if (process_is(process, BIT(PROCESS_INITIALIZED)) && process->follows_quorum)
		quorum_finalize(process->quorum);
	/* Do not close the socket: the supervisor would conclude that this process has ended. */
	atomic_store(&process->state, PROCESS_FINALIZED);
	callback_wake();
	kept_data_store(&process->data, NULL, 0);
	return process_leave(process, CS_OK);
}

/* --- two processes --- */

static int wait_for(pid_t child)
{
	int status = 0;

	/* If the program ignores SIGCHLD, waitpid() fails with ECHILD, and the status is 0. */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Handle the end of a child. Return only if another child has to be started. */
static void child_ended(struct process *process, pid_t child, enum supervisor_outcome outcome)
{
	int status;

	if (outcome == SUPERVISOR_QUIT)
		report_remove(process);
	else if (outcome == SUPERVISOR_GIVE_UP || process->policy == SAM_RECOVERY_POLICY_QUIT)
		report_state(process, REPORT_FAILED);
	status = wait_for(child);
	if (outcome == SUPERVISOR_RECOVER && process->policy == SAM_RECOVERY_POLICY_RESTART)
		return;
	/* Exit with the child's exit status. For a child that was killed by a signal it is 0. */
	exit(WEXITSTATUS(status));
}

/*
 * Fork once, and set *fd in the parent. Both ends of the socket pair are closed on exec. So programs that the child
 * starts do not keep the connection open.
 * @return 0 in the child; the child's process id in the parent; or a negative errno
 */
static pid_t fork_child(struct process *process, int *fd)
{
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	process->instance++;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		process->parent_fd = ends[1];
		atomic_store(&process->state, PROCESS_REGISTERED);
		return 0;
	}
	if (child < 0) {
		child = -errno;
		process->instance--;
		close(ends[0]);
	}
	close(ends[1]);
	*fd = ends[0];
	return child;
}

/* Supervise a child without call_lock, so that calls of other threads of the parent fail and do not wait. */
static enum supervisor_outcome supervise_unlocked(struct process *process, pid_t child, int fd)
{
	enum supervisor_outcome outcome;

	atomic_store(&process->state, PROCESS_SUPERVISING);
	pthread_mutex_unlock(&process->call_lock);
	outcome = supervise(process, child, fd);
	close(fd);
	if (outcome != SUPERVISOR_ERROR)
		child_ended(process, child, outcome);
	pthread_mutex_lock(&process->call_lock);
	atomic_store(&process->state, PROCESS_INITIALIZED);
	return outcome;
}

cs_error_t sam_register(unsigned int *instance_id)
{
	struct process *process = process_enter(BIT(PROCESS_INITIALIZED));
	cs_error_t error;
	pid_t child;
	int fd = -1;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	error = report_open(process);
	if (error != CS_OK)
		return process_leave(process, error);
	for (;;) {
		child = fork_child(process, &fd);
		if (child <= 0 || supervise_unlocked(process, child, fd) == SUPERVISOR_ERROR)
			break;
		report_state(process, REPORT_STOPPED);
	}
	if (child == 0) {
		if (instance_id != NULL)
			*instance_id = process->instance;
		return process_leave(process, CS_OK);
	}
	if (child < 0)
		errno = -child;
	report_close(process);
	return process_leave(process, CS_ERR_LIBRARY);
}

/* --- calls of the child --- */

cs_error_t sam_start(void)
{
	struct process *process = process_enter(BIT(PROCESS_REGISTERED));
	cs_error_t error;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	error = ask_plain(process, SAM_COMMAND_START);
	if (error == CS_OK) {
		atomic_store(&process->state, PROCESS_STARTED);
		callback_wake();
	}
	return process_leave(process, error);
}

cs_error_t sam_stop(void)
{
	struct process *process = process_enter(BIT(PROCESS_STARTED));
	cs_error_t error;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	error = ask_plain(process, SAM_COMMAND_STOP);
	if (error == CS_OK) {
		atomic_store(&process->state, PROCESS_REGISTERED);
		callback_wake();
	}
	return process_leave(process, error);
}

cs_error_t sam_hc_send(void)
{
	if (!process_is(&the_process, BIT(PROCESS_STARTED)))
		return CS_ERR_BAD_HANDLE;
	return process_alive(&the_process) < 0 ? CS_ERR_LIBRARY : CS_OK;
}

cs_error_t sam_hc_callback_register(sam_hc_callback_t cb)
{
	struct process *process = process_enter(BIT(PROCESS_REGISTERED));
	int rc;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (process->interval_ms == 0)
		return process_leave(process, CS_ERR_INVALID_PARAM);
	rc = callback_set(process, cb);
	if (rc == -EINVAL)
		return process_leave(process, CS_ERR_INVALID_PARAM);
	return process_leave(process, rc < 0 ? CS_ERR_LIBRARY : CS_OK);
}

cs_error_t sam_warn_signal_set(int warn_signal)
{
	struct process *process = process_enter(ALIVE);
	struct sam_message message = {.command = SAM_COMMAND_WARN_SIGNAL, .signal = warn_signal};
	cs_error_t error = CS_OK;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (process_is(process, CHILD))
		error = ask(process, &message, NULL);
	if (error == CS_OK)
		process->warn_signal = warn_signal;
	return process_leave(process, error);
}

cs_error_t sam_mark_failed(void)
{
	struct process *process = process_enter(CHILD);
	cs_error_t error = CS_ERR_INVALID_PARAM;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	/* The supervisor does not answer. It kills this process, which ends the wait. */
	if (process->keeps_keys)
		error = ask_plain(process, SAM_COMMAND_MARK_FAILED);
	return process_leave(process, error);
}

/* --- data --- */

cs_error_t sam_data_store(const void *data, size_t size)
{
	struct process *process = process_enter(ALIVE);
	struct sam_message message = {.command = SAM_COMMAND_DATA_STORE, .size = data == NULL ? 0 : size};
	cs_error_t error = CS_OK;

	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (message.size > SAM_DATA_SIZE_MAX)
		return process_leave(process, CS_ERR_NO_MEMORY);
	/* Store the bytes in the supervisor first, since only the supervisor's copy is used after a restart. */
	if (process_is(process, CHILD))
		error = ask(process, &message, data);
	if (error == CS_OK && kept_data_store(&process->data, data, size) < 0)
		error = CS_ERR_NO_MEMORY;
	return process_leave(process, error);
}

cs_error_t sam_data_getsize(size_t *size)
{
	struct process *process;

	if (size == NULL)
		return CS_ERR_INVALID_PARAM;
	process = process_enter(ALIVE);
	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	*size = process->data.size;
	return process_leave(process, CS_OK);
}

cs_error_t sam_data_restore(void *data, size_t size)
{
	struct process *process;
	cs_error_t error = CS_OK;

	if (data == NULL)
		return CS_ERR_INVALID_PARAM;
	process = process_enter(ALIVE);
	if (process == NULL)
		return CS_ERR_BAD_HANDLE;
	if (size < process->data.size)
		error = CS_ERR_INVALID_PARAM;
	else if (process->data.size > 0)
		memcpy(data, process->data.bytes, process->data.size);
	return process_leave(process, error);
}
