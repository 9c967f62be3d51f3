/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A short wait for a client that answers at once, since a sleep and a wake-up cost both sides more time. The times of
 * the last answers show whether the wait saves time. At real-time priority there is no wait: clients could not run
 * during it.
 */
#include "exec/ipc/ipc_channel.h"

#include <sched.h>

#define AWAIT_NS UINT64_C(40000) /* about what two wake-ups cost */
#define CREDIT_MAX 8
#define CREDIT_MIN (-64)
#define MISS_COST 4 /* cost of a failed wait, counted in successful ones */

static void add_credit(struct ipc_await *await, int credit)
{
	credit += await->credit;
	await->credit = credit > CREDIT_MAX ? CREDIT_MAX : credit < CREDIT_MIN ? CREDIT_MIN : credit;
}

void ipc_await_left(struct ipc *ipc, uint64_t now_ns) { ipc->await.left_ns = now_ns; }

void ipc_await_rung(struct ipc *ipc, uint64_t now_ns)
{
	struct ipc_await *await = &ipc->await;

	if (await->left_ns == 0)
		return;
	if (now_ns - await->left_ns <= AWAIT_NS)
		add_credit(await, 1);
	else if (await->credit > 0)
		add_credit(await, -1);
	await->left_ns = 0;
}

bool ipc_await_pays(const struct ipc *ipc) { return ipc->await.credit > 0; }

static bool has_any_written(struct ipc *ipc)
{
	for (struct ipc_channel *one = ipc->awake; one != NULL; one = one->awake_next)
		if (coterie_channel_filled(&one->send) != 0)
			return true;
	return false;
}

bool ipc_await(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;
	uint64_t until_ns = loop_now_ns(loop) + AWAIT_NS;
	bool has_written;

	if (!loop_may_wait(loop)) {
		ipc->await.credit = CREDIT_MIN;
		return false;
	}
	while (!(has_written = has_any_written(ipc)) && loop_now_ns(loop) < until_ns)
		sched_yield();
	add_credit(&ipc->await, has_written ? 1 : -MISS_COST);
	return has_written;
}
