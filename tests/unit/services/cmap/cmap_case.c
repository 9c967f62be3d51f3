/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/cmap/cmap_case.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/corotypes.h>

struct service_ring cmap_ring;
struct service_user cmap_user, cmap_other;

struct coterie_ctx *cmap_case_host(uint32_t nodeid) { return cmap_ring.nodes[nodeid].host; }

void cmap_case_set_up(void)
{
	service_ring_init(&cmap_ring, &cmap_LTX_coterie_plugin);
	service_ring_start(&cmap_ring, 1);
	cmap_case_host(1)->table.map_protect(cmap_case_host(1), "system.", 1);
	cmap_case_host(1)->table.map_protect(cmap_case_host(1), "totem.version", 0);
	cmap_user = service_user_create(&cmap_ring, 1, 100);
	cmap_other = service_user_create(&cmap_ring, 1, 200);
}

void cmap_case_tear_down(void)
{
	service_user_close(&cmap_user);
	service_user_close(&cmap_other);
	service_ring_fini(&cmap_ring); /* fails if the service leaks anything */
}

void cmap_case_name_set(struct cmap_wire_name *name, const char *key)
{
	size_t length = strlen(key);

	memset(name, 0, sizeof(*name));
	name->length = (uint16_t)length;
	memcpy(name->value, key, length);
}

int32_t cmap_case_set(struct service_user *who, const char *key, uint32_t type, const void *value, size_t size)
{
	struct cmap_req_set *request = calloc(1, sizeof(*request) + size);
	int32_t error;

	cmap_case_name_set(&request->name, key);
	request->value_size = size;
	request->type = (uint8_t)type;
	memcpy(request->value, value, size);
	error = service_user_request(who, CMAP_REQ_SET, request, (uint32_t)(sizeof(*request) + size));
	free(request);
	return error;
}

int32_t cmap_case_set_u8(struct service_user *who, const char *key, uint8_t value)
{
	return cmap_case_set(who, key, COTERIE_MAP_U8, &value, 1);
}

int32_t cmap_case_delete_key(struct service_user *who, const char *key)
{
	struct cmap_req_delete request = {0};

	cmap_case_name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_DELETE, &request, sizeof(request));
}

int32_t cmap_case_adjust(struct service_user *who, const char *key, int32_t step)
{
	struct cmap_req_adjust request = {.step = step};

	cmap_case_name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_ADJUST, &request, sizeof(request));
}

/* Return the answer to the last request, with its header. */
const void *cmap_case_answer(struct service_user *who, size_t size)
{
	static uint8_t whole[sizeof(struct cmap_res_get) + COTERIE_MAP_VALUE_MAX + 1];
	const struct mock_queue *replies = &who->client->replies;
	const struct mock_message *last = &replies->list[replies->count - 1];

	ck_assert_uint_eq(last->size + sizeof(struct cmap_response_header), size);
	memset(whole, 0, sizeof(struct cmap_response_header));
	memcpy(whole + sizeof(struct cmap_response_header), last->data, last->size);
	return whole;
}

int32_t cmap_case_get(struct service_user *who, const char *key, uint64_t room)
{
	struct cmap_req_get request = {.room = room};

	cmap_case_name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_GET, &request, sizeof(request));
}

uint64_t cmap_case_iterate(struct service_user *who, const char *prefix)
{
	struct cmap_req_iter_init request = {0};
	const struct cmap_res_iter_init *response;

	cmap_case_name_set(&request.prefix, prefix);
	if (service_user_request(who, CMAP_REQ_ITER_INIT, &request, sizeof(request)) != CS_OK)
		return 0;
	response = cmap_case_answer(who, sizeof(*response));
	return response->iterator;
}

/* Return the iterator's next key as "key/type/size", or the error as a number. */
const char *cmap_case_next(struct service_user *who, uint64_t iterator)
{
	static char text[300];
	struct cmap_req_iter_next request = {.iterator = iterator};
	int32_t error = service_user_request(who, CMAP_REQ_ITER_NEXT, &request, sizeof(request));
	const struct cmap_res_iter_next *response = cmap_case_answer(who, sizeof(*response));

	if (error != CS_OK) {
		ck_assert_uint_eq(response->name.length, 0);
		snprintf(text, sizeof(text), "%d", error);
		return text;
	}
	ck_assert_uint_eq(response->name.length, strlen(response->name.value));
	snprintf(text, sizeof(text), "%s/%u/%u", response->name.value, response->type,
		(unsigned int)response->value_size);
	return text;
}

int32_t cmap_case_iterate_end(struct service_user *who, uint64_t iterator)
{
	struct cmap_req_iter_finalize request = {.iterator = iterator};

	return service_user_request(who, CMAP_REQ_ITER_FINALIZE, &request, sizeof(request));
}

int32_t cmap_case_track(
	struct service_user *who, const char *key, uint32_t events, uint64_t instance, uint64_t *tracker)
{
	struct cmap_req_track_add request = {.track_type = (int32_t)events, .instance = instance};
	const struct cmap_res_track_add *response;
	int32_t error;

	cmap_case_name_set(&request.name, key);
	error = service_user_request(who, CMAP_REQ_TRACK_ADD, &request, sizeof(request));
	response = cmap_case_answer(who, sizeof(*response));
	if (error == CS_OK && tracker != NULL)
		*tracker = response->tracker;
	return error;
}

int32_t cmap_case_untrack(struct service_user *who, uint64_t tracker, uint64_t *instance)
{
	struct cmap_req_track_delete request = {.tracker = tracker};
	const struct cmap_res_track_delete *response;
	int32_t error = service_user_request(who, CMAP_REQ_TRACK_DELETE, &request, sizeof(request));

	response = cmap_case_answer(who, sizeof(*response));
	*instance = response->instance;
	return error;
}

/* Return the next event as "instance event key now before", with values as type:bytes. "": there is none. */
const char *cmap_case_event(struct service_user *who)
{
	static char text[600];
	const struct mock_queue *events = &who->client->events;
	struct cmap_event_notify notify;
	const uint8_t *values;
	int at;

	if (who->seen == events->count)
		return "";

	const struct mock_message *message = &events->list[who->seen++];

	ck_assert_uint_eq(message->id, CMAP_EVENT_NOTIFY);
	ck_assert_uint_ge(message->size, sizeof(notify) - sizeof(notify.header));
	memcpy((uint8_t *)&notify + sizeof(notify.header), message->data, sizeof(notify) - sizeof(notify.header));
	values = message->data + sizeof(notify) - sizeof(notify.header);
	ck_assert_uint_eq(message->size, sizeof(notify) - sizeof(notify.header) + notify.now_size + notify.before_size);
	at = snprintf(text, sizeof(text), "%u %d %s %u:", (unsigned int)notify.instance, notify.event,
		notify.name.value, notify.now_type);
	for (uint64_t i = 0; i < notify.now_size; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", values[i]);
	at += snprintf(text + at, sizeof(text) - (size_t)at, " %u:", notify.before_type);
	for (uint64_t i = 0; i < notify.before_size; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", values[notify.now_size + i]);
	return text;
}

int32_t cmap_case_set_map(struct service_user *who, int32_t map)
{
	struct cmap_req_set_map request = {.map = map};

	return service_user_request(who, CMAP_REQ_SET_MAP, &request, sizeof(request));
}
