/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/client/channel.h"
#include "services/client/error.h"

/* --- connecting --- */

static int open_channel(struct ctl *ctl, struct channel *channel)
{
	int rc = -EAGAIN;

	for (uint32_t looks = ctl->timeout_s * 10; rc == -EAGAIN && looks > 0; looks--) {
		rc = channel_open(channel, CONTROL_IPC_NAME, getenv("COTERIE_INSTANCE"));
		if (rc == -EAGAIN)
			usleep(100000);
	}
	return rc == 0 ? 0 : ctl_fail_connect(ctl, CONTROL_IPC_NAME, client_error(rc));
}

/*
 * Send a request and wait for the answer. is_slow: the daemon sets the time limit. @return bytes of the answer;
 * negative: minus the exit status
 */
static int call(struct ctl *ctl, bool is_slow, const void *request, size_t size, void *response, size_t response_size)
{
	const struct iovec iov = {(void *)(uintptr_t)request, size};
	const struct control_response_header *header = response;
	struct channel channel;
	int code = open_channel(ctl, &channel);

	if (code != 0)
		return -code;
	unsigned int left_s = is_slow ? alarm(0) : 0;
	ssize_t rc = channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, response, response_size);
	if (is_slow)
		alarm(left_s);
	channel_close(&channel);
	if (rc < (ssize_t)sizeof(*header))
		return -ctl_fail_cs(ctl, "control", rc == -EAGAIN ? CS_ERR_TRY_AGAIN : CS_ERR_LIBRARY);
	if (header->error != CS_OK)
		return -ctl_fail_cs(ctl, "control", (cs_error_t)header->error);
	return (int)rc;
}

/* --- requests --- */

static struct control_req *request_create(const struct control_question *question, size_t *size)
{
	struct control_req *request;
	char *at;

	*size = sizeof(*request);
	for (uint32_t i = 0; i < question->count; i++)
		*size += strlen(question->words[i]) + 1;
	request = calloc(1, *size);
	if (request == NULL)
		return NULL;
	request->header.id = (int32_t)question->id;
	request->header.size = (int32_t)*size;
	request->flags = question->flags;
	request->drain_ms = question->drain_ms;
	request->word_count = question->count;
	at = request->words;
	for (uint32_t i = 0; i < question->count; i++)
		at = stpcpy(at, question->words[i]) + 1;
	return request;
}

int control_ask(struct ctl *ctl, const struct control_question *question, struct control_answer *answer)
{
	struct control_res response;
	size_t size;
	struct control_req *request = request_create(question, &size);

	if (request == NULL)
		return ctl_fail(ctl, CTL_FAILED, "", "out of memory");
	int rc = call(ctl, true, request, size, &response, sizeof(response));
	free(request);
	if (rc < 0)
		return -rc;
	if (rc < (int)sizeof(response))
		return ctl_fail(ctl, CTL_FAILED, "is it of the same release?", "the daemon's answer is cut off");
	answer->rc = response.rc;
	response.text[sizeof(response.text) - 1] = '\0';
	strcpy(answer->text, response.text);
	return 0;
}

/* Read the data behind the header. @return false: the data is malformed */
static bool read_nodes(struct control_nodes *nodes, const uint8_t *at, size_t left)
{
	struct control_node head;

	nodes->count = 0;
	while (left >= sizeof(head) && nodes->count < sizeof(nodes->list) / sizeof(nodes->list[0])) {
		memcpy(&head, at, sizeof(head));
		at += sizeof(head);
		left -= sizeof(head);
		if (head.size > left || (head.size > 0 && at[head.size - 1] != '\0'))
			return false;
		nodes->list[nodes->count].nodeid = head.nodeid;
		nodes->list[nodes->count].size = head.size;
		nodes->list[nodes->count++].text = (const char *)at;
		at += head.size;
		left -= head.size;
	}
	return left == 0;
}

int control_ask_nodes(struct ctl *ctl, struct control_nodes *nodes)
{
	const struct control_req request = {.header = {.id = CONTROL_REQ_PLUGIN_NODES, .size = sizeof(request)}};

	nodes->bytes = malloc(CHANNEL_MESSAGE_SIZE_MAX);
	if (nodes->bytes == NULL)
		return ctl_fail(ctl, CTL_FAILED, "", "out of memory");
	int rc = call(ctl, false, &request, sizeof(request), nodes->bytes, CHANNEL_MESSAGE_SIZE_MAX);
	if (rc >= 0 && read_nodes(nodes, nodes->bytes + sizeof(struct control_response_header),
			       (size_t)rc - sizeof(struct control_response_header)))
		return 0;
	control_nodes_fini(nodes);
	return rc < 0 ? -rc : ctl_fail(ctl, CTL_FAILED, "", "the daemon's answer is malformed");
}

void control_nodes_fini(struct control_nodes *nodes) { free(nodes->bytes); }

static int fail_keys(struct ctl *ctl, uint32_t nodeid, int32_t rc)
{
	switch (rc) {
	case -ENOENT:
		return ctl_fail(ctl, CTL_FAILED, "start its daemon, or look at the network between the nodes",
			"node %" PRIu32 " is not in the ring", nodeid);
	case -ENOTSUP:
		return ctl_fail(ctl, CTL_NOT_LOADED, "ask on that node; or load it there: service { name: control }",
			"node %" PRIu32 " cannot be asked: it runs Corosync, or no service control", nodeid);
	case -ETIMEDOUT:
		return ctl_fail(ctl, CTL_TIMED_OUT, "look into its log", "node %" PRIu32 " does not answer", nodeid);
	default:
		return ctl_fail(
			ctl, CTL_FAILED, "try again", "no answer of node %" PRIu32 ": %s", nodeid, strerror(-rc));
	}
}

int control_ask_keys(
	struct ctl *ctl, uint32_t nodeid, enum control_map map, const char *prefix, struct control_keys *keys)
{
	struct control_req_keys request = {
		.header = {.id = CONTROL_REQ_KEYS, .size = sizeof(request)}, .nodeid = nodeid, .map = map};
	struct control_res_keys head = {.rc = 0};

	snprintf(request.prefix, sizeof(request.prefix), "%s", prefix);
	keys->bytes = malloc(CHANNEL_MESSAGE_SIZE_MAX);
	if (keys->bytes == NULL)
		return ctl_fail(ctl, CTL_FAILED, "", "out of memory");
	int rc = call(ctl, false, &request, sizeof(request), keys->bytes, CHANNEL_MESSAGE_SIZE_MAX);
	if (rc >= (int)sizeof(head)) {
		memcpy(&head, keys->bytes, sizeof(head));
		keys->flags = head.flags;
		keys->text = (char *)keys->bytes + sizeof(head);
		keys->size = (size_t)rc - sizeof(head);
		rc = head.rc < 0 ? -fail_keys(ctl, nodeid, head.rc) : 0;
		if (rc == 0 && (keys->size == 0 || keys->text[keys->size - 1] == '\0'))
			return 0;
	}
	free(keys->bytes);
	keys->bytes = NULL;
	return rc < 0 ? -rc : ctl_fail(ctl, CTL_FAILED, "is it of the same release?", "the daemon's answer is cut off");
}

int control_ask_reload(struct ctl *ctl, bool is_check, struct control_reload *reload)
{
	const struct control_req request = {
		.header = {.id = CONTROL_REQ_RELOAD, .size = sizeof(request)}, .flags = is_check ? CONTROL_CHECK : 0};
	uint8_t *bytes = malloc(CHANNEL_MESSAGE_SIZE_MAX);
	struct control_res_reload head;

	if (bytes == NULL)
		return ctl_fail(ctl, CTL_FAILED, "", "out of memory");
	int rc = call(ctl, true, &request, sizeof(request), bytes, CHANNEL_MESSAGE_SIZE_MAX);
	if (rc >= (int)sizeof(head)) {
		memcpy(&head, bytes, sizeof(head));
		*reload = (struct control_reload){.rc = head.rc, .nodeid = head.nodeid};
		reload->text = strndup((const char *)bytes + sizeof(head), (size_t)rc - sizeof(head));
	}
	free(bytes);
	if (rc < 0)
		return -rc;
	if (rc < (int)sizeof(head))
		return ctl_fail(ctl, CTL_FAILED, "is it of the same release?", "the daemon's answer is cut off");
	return reload->text != NULL ? 0 : ctl_fail(ctl, CTL_FAILED, "", "out of memory");
}
