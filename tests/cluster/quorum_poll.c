/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Record when the daemon of a node reports that its partition is quorate, and in which ring.
 *
 *	quorum_poll [MILLISECONDS]
 *
 * Every 10 ms, or MILLISECONDS, it asks the quorum service and votequorum. It prints one line for each change of an
 * answer:
 *
 *	LAST NOW QUORUM VOTE NOTIFIED SEQ MEMBERS...
 *
 * NOW is when the first answer of the new state arrived. LAST is when the last question of the old state was sent. Both
 * are microseconds of CLOCK_MONOTONIC, which all namespaces of a machine share. So the old state certainly held from
 * its own NOW to this LAST. QUORUM is the answer of quorum_getquorate, VOTE that of votequorum_getinfo, NOTIFIED the
 * flag of the last notification: 1, 0, or - for no answer. SEQ and MEMBERS are those of the last notification. SIGTERM
 * prints a last line "LAST NOW end".
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#define MEMBERS_MAX 64

struct state {
	char quorum, vote, notified;
	uint64_t seq;
	uint32_t member_count;
	uint32_t members[MEMBERS_MAX];
};

/*
 * Global, since the callback of libquorum cannot get a pointer of this program, and a signal handler has no argument
 * for one.
 */
static struct state state;
static volatile sig_atomic_t stopped;

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&wait, NULL);
}

static void notify(quorum_handle_t handle, uint32_t quorate, uint64_t seq, uint32_t count, uint32_t *members)
{
	(void)handle;
	if (count > MEMBERS_MAX)
		count = MEMBERS_MAX;
	state.notified = quorate ? '1' : '0';
	state.seq = seq;
	state.member_count = count;
	memset(state.members, 0, sizeof(state.members));
	memcpy(state.members, members, count * sizeof(*members));
}

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/** Connect to both services. Repeat this while the daemon starts. */
static bool connect_both(quorum_handle_t *quorum, votequorum_handle_t *vote)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = notify};
	uint64_t until = now_us() + 60000000;
	uint32_t type;

	while (now_us() < until && !stopped) {
		if (quorum_initialize(quorum, &callbacks, &type) == CS_OK) {
			if (votequorum_initialize(vote, NULL) == CS_OK) {
				if (quorum_trackstart(*quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES) == CS_OK)
					return true;
				votequorum_finalize(*vote);
			}
			quorum_finalize(*quorum);
		}
		sleep_ms(50);
	}
	return false;
}

static void print(uint64_t last, uint64_t now)
{
	printf("%ju %ju %c %c %c %jx", (uintmax_t)last, (uintmax_t)now, state.quorum, state.vote, state.notified,
		(uintmax_t)state.seq);
	for (uint32_t i = 0; i < state.member_count; i++)
		printf(" %u", state.members[i]);
	printf("\n");
	fflush(stdout);
}

static char answer(cs_error_t error, bool quorate)
{
	if (error != CS_OK)
		return '-';
	return quorate ? '1' : '0';
}

int main(int argc, char **argv)
{
	unsigned int period = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10;
	struct sigaction action = {.sa_handler = stop};
	struct votequorum_info info;
	quorum_handle_t quorum;
	votequorum_handle_t vote;
	struct state before;
	uint64_t last = 0;
	int quorate;

	sigaction(SIGTERM, &action, NULL);
	memset(&state, 0, sizeof(state));
	state.notified = '-';
	if (!connect_both(&quorum, &vote))
		return 1;
	memset(&before, 0, sizeof(before)); /* different from every later state */
	while (!stopped) {
		uint64_t asked = now_us();

		/* Read the notifications before the flag, so that the members are never older than the flag. */
		if (quorum_dispatch(quorum, CS_DISPATCH_ALL) != CS_OK)
			break;
		cs_error_t error = quorum_getquorate(quorum, &quorate);
		state.quorum = answer(error, quorate != 0);
		if (error == CS_ERR_LIBRARY || error == CS_ERR_BAD_HANDLE)
			break;
		error = votequorum_getinfo(vote, 0, &info);
		state.vote = answer(error, error == CS_OK && (info.flags & VOTEQUORUM_INFO_QUORATE) != 0);
		if (memcmp(&before, &state, sizeof(state)) != 0) {
			print(last == 0 ? asked : last, now_us());
			before = state;
		}
		last = asked;
		sleep_ms(period);
	}
	printf("%ju %ju end\n", (uintmax_t)last, (uintmax_t)now_us());
	return stopped ? 0 : 1;
}
