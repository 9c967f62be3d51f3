/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between clients and the service of member.c. */
#ifndef ABI_MEMBER_H
#define ABI_MEMBER_H

#include <coterie/service.h>

#define MEMBER_PID 7u

enum {
	MEMBER_SAY,   /* sends a message to the group */
	MEMBER_LEAVE, /* leaves the group */
	MEMBER_STATE, /* answered with struct member_res_state */
};

struct member_state {
	uint32_t members, left; /* number of the group's members, and of those that have left */
	uint32_t messages, sent;
	uint64_t sum; /* digest of the messages in their order */
};

struct member_res_state {
	struct coterie_response_header header;
	struct member_state state;
};

#endif
