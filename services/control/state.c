/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state for a new version of the plugin: clients that wait for an answer, and the nodes' lists. A client that has
 * requested the replacement of this plugin is answered by the new version.
 */
#include "services/control/control.h"

#include <errno.h>

#include <coterie/state.h>

#define STATE_VERSION 1u

int control_state_save(void *self, void **blob, uint32_t *size)
{
	const struct control *control = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	uint32_t waiters = 0;

	coterie_state_put_u32(&writer, STATE_VERSION);
	for (const struct control_waiter *one = control->waiters; one != NULL; one = one->next)
		waiters++;
	coterie_state_put_u32(&writer, waiters);
	for (const struct control_waiter *one = control->waiters; one != NULL; one = one->next) {
		coterie_state_put_u64(&writer, one->client);
		coterie_state_put_u32(&writer, one->response_id);
	}
	coterie_state_put_u32(&writer, control->list_count);
	for (uint32_t i = 0; i < control->list_count; i++) {
		coterie_state_put_u32(&writer, control->lists[i].nodeid);
		coterie_state_put_u32(&writer, control->lists[i].size);
		coterie_state_put(&writer, control->lists[i].text, control->lists[i].size);
	}
	return coterie_state_end(&writer, blob, size);
}

static int load(struct control *control, struct coterie_state_reader *reader)
{
	uint32_t waiters = coterie_state_take_count(reader, 12);

	for (uint32_t i = 0; i < waiters; i++) {
		uint64_t client = coterie_state_take_u64(reader);
		uint32_t response_id = coterie_state_take_u32(reader);

		if (control_waiter_add(control, client, response_id) == NULL)
			return -ENOMEM;
	}
	uint32_t lists = coterie_state_take_count(reader, 8);
	for (uint32_t i = 0; i < lists; i++) {
		uint32_t nodeid = coterie_state_take_u32(reader);
		uint32_t size = coterie_state_take_u32(reader);
		const char *text = coterie_state_view(reader, size);
		int rc = text == NULL ? -EINVAL : control_list_set(control, nodeid, text, size);

		if (rc < 0)
			return rc == -EINVAL ? -ENOTSUP : rc;
	}
	return coterie_state_is_whole(reader) ? 0 : -ENOTSUP;
}

/*
 * Answer a waiting client. If it waits for a reload or for another node, it has to repeat its request: the result would
 * be sent to the old version, which has ended.
 */
static void tell(struct control_waiter *waiter)
{
	if (waiter->response_id == CONTROL_RES_RELOAD || waiter->response_id == CONTROL_RES_KEYS)
		control_waiter_end(waiter, -EAGAIN, "the service control was replaced meanwhile: ask again");
	else
		control_waiter_end(waiter, 0, "");
}

/*
 * Read the state, then answer the waiting clients. Only one change of plugins is made at a time, so a client that waits
 * for a change waits for this replacement. Answer only after the whole state was read: if that fails, the old version
 * goes on and reports the error.
 */
int control_state_load(void *self, const void *blob, uint32_t size)
{
	struct control *control = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};

	if (coterie_state_take_u32(&reader) != STATE_VERSION)
		return -ENOTSUP;
	int rc = load(control, &reader);
	while (rc == 0 && control->waiters != NULL)
		tell(control->waiters);
	return rc;
}
