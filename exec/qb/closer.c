/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any process can send descriptors to a socket of the daemon. A message that is read without room for them, or a socket
 * that is closed with unread messages, closes these descriptors in the daemon. The last close of a file can take as long
 * as its sender wants. Examples are a TCP connection with SO_LINGER whose peer does not read, and a large file in
 * memory. The loop must not wait for that.
 *
 * Linux 6.16 and later can refuse such messages (SO_PASSRIGHTS). With an earlier kernel, the daemon looks at messages
 * before it reads them, does not read those with descriptors, and closes its sockets on a thread. A signal in short
 * intervals ends the waits of that thread.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/thread.h"
#include "exec/qb/private.h"

#if !defined(SO_PASSRIGHTS) && !defined(__sparc__) && !defined(__hppa__)
#define SO_PASSRIGHTS 83 /* the C library is older than the kernel */
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define STACK_SIZE (128u << 10)
#define SIGNAL SIGURG /* nothing else in the daemon uses it */
#define SIGNAL_NS 1000000

struct closing {
	struct closing *next;
	int fd;
};

struct qbs_closer {
	pthread_t thread;
	pthread_mutex_t lock; /* of the members below */
	pthread_cond_t changed;
	struct closing *sockets, **last;
	bool is_ending;
};

/* --- the thread --- */

static void on_signal(int signal) { (void)signal; }

/* Make a timer that sends the signal to this thread. @return whether there is one */
static bool make_timer(timer_t *timer)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL};
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (sigaction(SIGNAL, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, timer) < 0)
		return false;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

/* Close without a long wait: the signal interrupts it, and all further ones of the same call. */
static void close_briefly(int fd, timer_t timer, bool has_timer)
{
	static const struct itimerspec on = {.it_value = {.tv_nsec = SIGNAL_NS}, .it_interval = {.tv_nsec = SIGNAL_NS}};
	static const struct itimerspec off = {.it_value = {.tv_nsec = 0}};

	if (has_timer)
		timer_settime(timer, 0, &on, NULL);
	close(fd);
	if (has_timer)
		timer_settime(timer, 0, &off, NULL);
}

static void *run(void *arg)
{
	struct qbs_closer *closer = arg;
	timer_t timer = NULL;
	bool has_timer = make_timer(&timer);

	pthread_mutex_lock(&closer->lock);
	while (closer->sockets != NULL || !closer->is_ending) {
		struct closing *one = closer->sockets;

		if (one == NULL) {
			pthread_cond_wait(&closer->changed, &closer->lock);
			continue;
		}
		closer->sockets = one->next;
		if (closer->sockets == NULL)
			closer->last = &closer->sockets;
		pthread_mutex_unlock(&closer->lock);
		close_briefly(one->fd, timer, has_timer);
		free(one);
		pthread_mutex_lock(&closer->lock);
	}
	pthread_mutex_unlock(&closer->lock);
	if (has_timer)
		timer_delete(timer);
	return NULL;
}

static struct qbs_closer *closer_create(void)
{
	struct qbs_closer *closer = calloc(1, sizeof(*closer));

	if (closer == NULL)
		return NULL;
	closer->last = &closer->sockets;
	pthread_mutex_init(&closer->lock, NULL);
	pthread_cond_init(&closer->changed, NULL);
	if (thread_start(&closer->thread, STACK_SIZE, run, closer) == 0)
		return closer;
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
	return NULL;
}

void qbs_closer_destroy(struct qbs_closer *closer)
{
	if (closer == NULL)
		return;
	pthread_mutex_lock(&closer->lock);
	closer->is_ending = true;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
	pthread_join(closer->thread, NULL);
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
}

/* --- sockets --- */

bool qbs_refuse_descriptors(int fd)
{
#ifdef SO_PASSRIGHTS
	int off = 0;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
#else
	(void)fd;
	return false;
#endif
}

bool qbs_can_refuse(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = fd >= 0 && qbs_refuse_descriptors(fd);

	if (fd >= 0)
		close(fd);
	return can;
}

ssize_t qbs_receive(const struct qbs_host *host, int fd, struct msghdr *message)
{
	if (host->refuses_descriptors)
		return recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	struct msghdr look = *message;
	ssize_t size = recvmsg(fd, &look, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK);

	if (size < 0)
		return -1;
	if ((look.msg_flags & MSG_CTRUNC) != 0) {
		errno = EPROTO;
		return -1;
	}
	/* Bytes that have arrived since may have descriptors. A read of size 0 takes an empty datagram. */
	message->msg_iov[0].iov_len = (size_t)size;
	return recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

void qbs_close(struct qbs_host *host, int fd)
{
	struct closing *one = NULL;

	(void)shutdown(fd, SHUT_RDWR);
	if (!host->refuses_descriptors && host->closer == NULL)
		host->closer = closer_create();
	if (host->closer != NULL)
		one = malloc(sizeof(*one));
	if (one == NULL) {
		close(fd);
		return;
	}
	*one = (struct closing){.fd = fd};
	pthread_mutex_lock(&host->closer->lock);
	*host->closer->last = one;
	host->closer->last = &one->next;
	pthread_cond_signal(&host->closer->changed);
	pthread_mutex_unlock(&host->closer->lock);
}
