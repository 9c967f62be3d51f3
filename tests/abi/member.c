/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A service of a third party that is a member of a CPG group. tests/abi/calls.sh builds it with the installed headers
 * alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/cpg_calls.h>

#include "member.h"

#define CS_OK 1
#define GROUP "members"
#define RETRY_NS UINT64_C(20000000)

struct member {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct coterie_call *call; /* NULL: none */
	struct coterie_timer *retry;
	struct member_state state;
};

static void set_group(struct coterie_cpg_call_group *group)
{
	group->length = sizeof(GROUP) - 1;
	memcpy(group->name, GROUP, sizeof(GROUP) - 1);
}

static int join(struct member *member)
{
	struct coterie_cpg_call_join request = {
		.header = {.id = COTERIE_CPG_CALL_JOIN, .size = sizeof(request)}, .pid = MEMBER_PID};

	set_group(&request.group);
	return member->host->call_send(member->call, &request, sizeof(request));
}

static void answered(void *arg, const struct coterie_response_header *answer);

static void on_event(void *arg, const struct coterie_response_header *event)
{
	struct member *member = arg;

	if (event->id == COTERIE_CPG_CALL_CHANGED) {
		const struct coterie_cpg_call_changed *changed = (const void *)event;

		member->state.members = changed->member_count;
		member->state.left += changed->left_count;
	} else if (event->id == COTERIE_CPG_CALL_MESSAGE) {
		const struct coterie_cpg_call_delivered *message = (const void *)event;

		member->state.messages++;
		member->state.sum = 31 * member->state.sum + message->nodeid +
				    (message->size == 0 ? 0 : message->bytes[0]);
	}
}

static void begin(void *arg);

static void again(struct member *member)
{
	member->host->timer_add(
		member->ctx, member->host->now_ns(member->ctx) + RETRY_NS, begin, member, &member->retry);
}

static void ended(void *arg)
{
	struct member *member = arg;

	member->call = NULL;
	member->state.members = 0;
	again(member);
}

/* Connect to cpg and join, or try again later: before the first synchronisation a service cannot be called. */
static void begin(void *arg)
{
	static const struct coterie_caller functions = {
		.size = sizeof(functions), .answered = answered, .event = on_event, .ended = ended};
	struct member *member = arg;

	member->retry = NULL;
	if (member->call == NULL &&
		member->host->call_open(member->ctx, COTERIE_CPG_CALL_NAME, &functions, member, &member->call) < 0)
		member->call = NULL;
	if (member->call == NULL || join(member) < 0)
		again(member);
}

static void answered(void *arg, const struct coterie_response_header *answer)
{
	struct member *member = arg;

	if (answer->id == COTERIE_CPG_CALL_JOIN && answer->error != CS_OK)
		again(member);
}

static int handle_say(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct member *member = self;
	uint8_t bytes[sizeof(struct coterie_cpg_call_message) + 1] = {0};
	struct coterie_cpg_call_message *message = (void *)bytes;

	(void)client, (void)msg, (void)size;
	if (member->call == NULL)
		return -EAGAIN;
	message->header.id = COTERIE_CPG_CALL_SEND;
	message->header.size = sizeof(bytes);
	message->guarantee = COTERIE_CPG_CALL_AGREED;
	message->size = 1;
	message->bytes[0] = (uint8_t)++member->state.sent;
	return member->host->call_send(member->call, bytes, sizeof(bytes));
}

static int handle_leave(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct member *member = self;
	struct coterie_cpg_call_leave request = {
		.header = {.id = COTERIE_CPG_CALL_LEAVE, .size = sizeof(request)}, .pid = MEMBER_PID};

	(void)client, (void)msg, (void)size;
	if (member->call == NULL)
		return -ENOENT;
	set_group(&request.group);
	return member->host->call_send(member->call, &request, sizeof(request));
}

static int handle_state(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct member *member = self;
	struct iovec iov = {&member->state, sizeof(member->state)};

	(void)msg, (void)size;
	member->host->reply(client, MEMBER_STATE, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int member_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct member *member = calloc(1, sizeof(*member));

	if (member == NULL)
		return -ENOMEM;
	member->host = host;
	member->ctx = ctx;
	*self = member;
	again(member);
	return 0;
}

static void member_fini(void *self)
{
	struct member *member = self;

	member->host->timer_del(member->ctx, member->retry);
	member->host->call_close(member->call);
	free(member);
}

static const struct coterie_request requests[] = {
	{MEMBER_SAY, sizeof(struct coterie_request_header), 0, MEMBER_SAY, handle_say},
	{MEMBER_LEAVE, sizeof(struct coterie_request_header), 0, MEMBER_LEAVE, handle_leave},
	{MEMBER_STATE, sizeof(struct coterie_request_header), 0, MEMBER_STATE, handle_state},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 58,
	.ipc_name = "member",
	.title = "is a member of a group",
	.init = member_init,
	.fini = member_fini,
	COTERIE_REQUESTS(requests),
};

COTERIE_PLUGIN(member, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "is a member of a group",
	.needs = COTERIE_CAP_IPC | COTERIE_CAP_CALLS, .ops = &ops);
