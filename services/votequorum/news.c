/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A limit for what messages of a member make this node tell others. One frame has room for 1,679 messages, and each of
 * them can change the verdict, the votes of the lease, the expected votes and keys of the map.
 *
 * 1. The first changes of each kind within NEWS_PAUSE_NS are told at once.
 * 2. Later ones wait for a timer, which tells the last state only.
 * 3. The loss of quorum never waits (votequorum.c). It can follow only a verdict with quorum, and those wait.
 */
#include "services/votequorum/votequorum.h"

#include <syslog.h>

#define NEWS_PAUSE_NS UINT64_C(100000000)

static void on_news(void *arg)
{
	struct votequorum *vq = arg;

	vq->news_timer = NULL;
	votequorum_news_flush(vq);
}

bool votequorum_news_may_go(struct votequorum *vq, enum votequorum_news kind)
{
	static const uint32_t counts[VOTEQUORUM_NEWS] = {
		[VOTEQUORUM_NEWS_VERDICT] = 4,
		[VOTEQUORUM_NEWS_VOTES] = 4,
		[VOTEQUORUM_NEWS_EXPECTED] = 16,
		[VOTEQUORUM_NEWS_WAITING] = 4,
		[VOTEQUORUM_NEWS_CANCELLED] = 4,
		[VOTEQUORUM_NEWS_KEYS] = 64,
	};
	uint64_t now_ns = vq->host->now_ns(vq->ctx);

	if (now_ns - vq->news[kind].start_ns >= NEWS_PAUSE_NS) {
		vq->news[kind].start_ns = now_ns;
		vq->news[kind].count = 0;
	}
	if (vq->news[kind].count < counts[kind]) {
		vq->news[kind].count++;
		return true;
	}
	/* Out of memory: without the timer it would wait without end, so it is told now. */
	return vq->news_timer == NULL &&
	       vq->host->timer_add(vq->ctx, now_ns + NEWS_PAUSE_NS, on_news, vq, &vq->news_timer) < 0;
}

void votequorum_news_expected(struct votequorum *vq, uint32_t expected)
{
	vq->late_expected = expected;
	vq->has_late_expected = !votequorum_news_may_go(vq, VOTEQUORUM_NEWS_EXPECTED);
	if (!vq->has_late_expected)
		votequorum_tell_expected(vq, expected);
}

void votequorum_news_waiting(struct votequorum *vq)
{
	vq->has_late_waiting = !votequorum_news_may_go(vq, VOTEQUORUM_NEWS_WAITING);
	if (!vq->has_late_waiting)
		vq->host->log(vq->ctx, LOG_NOTICE,
			"Waiting for all cluster members. Current votes: %u expected_votes: %u", vq->calc.waiting_votes,
			vote_local(&vq->calc)->expected_votes);
}

void votequorum_news_tell_expected(struct votequorum *vq)
{
	if (!vq->has_late_expected)
		return;
	vq->has_late_expected = false;
	votequorum_tell_expected(vq, vq->late_expected);
}

void votequorum_news_flush(struct votequorum *vq)
{
	vq->host->timer_del(vq->ctx, vq->news_timer);
	vq->news_timer = NULL;
	for (size_t i = 0; i < VOTEQUORUM_NEWS; i++)
		vq->news[i].count = 0;
	votequorum_news_tell_expected(vq);
	if (vq->has_late_waiting && vq->calc.is_waiting)
		votequorum_news_waiting(vq);
	vq->has_late_waiting = false;
	votequorum_settle(vq, 0);
}
