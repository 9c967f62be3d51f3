/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/limiter.h"

#define PAUSE_NS UINT64_C(10000000000)

bool limiter_pass(struct limiter *limiter, uint64_t now_ns, uint64_t *hidden)
{
	if (now_ns < limiter->next_ns) {
		limiter->hidden++;
		return false;
	}
	*hidden = limiter->hidden;
	limiter->hidden = 0;
	limiter->next_ns = now_ns + PAUSE_NS;
	return true;
}
