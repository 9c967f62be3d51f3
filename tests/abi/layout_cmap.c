/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/cmap.h>

static cs_error_t (*const call_initialize)(cmap_handle_t *) = cmap_initialize;
static cs_error_t (*const call_map)(cmap_handle_t *, cmap_map_t) = cmap_initialize_map;
static cs_error_t (*const call_finalize)(cmap_handle_t) = cmap_finalize;
static cs_error_t (*const call_fd)(cmap_handle_t, int *) = cmap_fd_get;
static cs_error_t (*const call_dispatch)(cmap_handle_t, cs_dispatch_flags_t) = cmap_dispatch;
static cs_error_t (*const call_context)(cmap_handle_t, const void **) = cmap_context_get;
static cs_error_t (*const call_keep)(cmap_handle_t, const void *) = cmap_context_set;
static cs_error_t (*const call_set)(cmap_handle_t, const char *, const void *, size_t, cmap_value_types_t) = cmap_set;
static cs_error_t (*const call_delete)(cmap_handle_t, const char *) = cmap_delete;
static cs_error_t (*const call_get)(cmap_handle_t, const char *, void *, size_t *, cmap_value_types_t *) = cmap_get;
static cs_error_t (*const call_inc)(cmap_handle_t, const char *) = cmap_inc;
static cs_error_t (*const call_dec)(cmap_handle_t, const char *) = cmap_dec;
static cs_error_t (*const call_walk)(cmap_handle_t, const char *, cmap_iter_handle_t *) = cmap_iter_init;
static cs_error_t (*const call_next)(
	cmap_handle_t, cmap_iter_handle_t, char *, size_t *, cmap_value_types_t *) = cmap_iter_next;
static cs_error_t (*const call_end)(cmap_handle_t, cmap_iter_handle_t) = cmap_iter_finalize;
static cs_error_t (*const call_track)(
	cmap_handle_t, const char *, int32_t, cmap_notify_fn_t, void *, cmap_track_handle_t *) = cmap_track_add;
static cs_error_t (*const call_untrack)(cmap_handle_t, cmap_track_handle_t) = cmap_track_delete;

#define TYPED(name, type) \
	static cs_error_t (*const set_##name)(cmap_handle_t, const char *, type) = cmap_set_##name; \
	static cs_error_t (*const get_##name)(cmap_handle_t, const char *, type *) = cmap_get_##name
TYPED(int8, int8_t);
TYPED(uint8, uint8_t);
TYPED(int16, int16_t);
TYPED(uint16, uint16_t);
TYPED(int32, int32_t);
TYPED(uint32, uint32_t);
TYPED(int64, int64_t);
TYPED(uint64, uint64_t);
TYPED(float, float);
TYPED(double, double);
static cs_error_t (*const set_string)(cmap_handle_t, const char *, const char *) = cmap_set_string;
static cs_error_t (*const get_string)(cmap_handle_t, const char *, char **) = cmap_get_string;

IS(struct cmap_notify_value, 24);
AT(struct cmap_notify_value, len, 8);
AT(struct cmap_notify_value, data, 16);

static void notify(cmap_handle_t handle, cmap_track_handle_t tracker, int32_t event, const char *key_name,
	struct cmap_notify_value new_value, struct cmap_notify_value old_value, void *user_data)
{
	(void)handle, (void)tracker, (void)event, (void)key_name, (void)new_value;
	(void)old_value, (void)user_data;
}

static const cmap_notify_fn_t call_notify = notify;

static void cmap(void)
{
	NUMBER(CMAP_KEYNAME_MAXLEN), NUMBER(CMAP_KEYNAME_MINLEN), NUMBER(CMAP_TRACK_ADD);
	NUMBER(CMAP_TRACK_DELETE), NUMBER(CMAP_TRACK_MODIFY), NUMBER(CMAP_TRACK_PREFIX);
	NUMBER(CMAP_VALUETYPE_INT8), NUMBER(CMAP_VALUETYPE_UINT8), NUMBER(CMAP_VALUETYPE_INT16);
	NUMBER(CMAP_VALUETYPE_UINT16), NUMBER(CMAP_VALUETYPE_INT32), NUMBER(CMAP_VALUETYPE_UINT32);
	NUMBER(CMAP_VALUETYPE_INT64), NUMBER(CMAP_VALUETYPE_UINT64), NUMBER(CMAP_VALUETYPE_FLOAT);
	NUMBER(CMAP_VALUETYPE_DOUBLE), NUMBER(CMAP_VALUETYPE_STRING);
	NUMBER(CMAP_VALUETYPE_BINARY), NUMBER(CMAP_MAP_DEFAULT), NUMBER(CMAP_MAP_ICMAP);
	NUMBER(CMAP_MAP_STATS), SIZE(cmap_handle_t), SIZE(cmap_iter_handle_t);
	SIZE(cmap_track_handle_t), SIZE(cmap_value_types_t), SIZE(cmap_map_t);
	SIZE(cmap_notify_fn_t), SIZE(struct cmap_notify_value);
	PLACE(struct cmap_notify_value, type), PLACE(struct cmap_notify_value, len);
	PLACE(struct cmap_notify_value, data);
}

int main(void)
{
	cmap();
	NUMBER(call_initialize && call_map && call_finalize && call_fd && call_dispatch && call_context && call_keep &&
		call_set && call_delete && call_get && call_inc && call_dec && call_walk && call_next && call_end &&
		call_track && call_untrack);
	NUMBER(set_int8 && set_uint8 && set_int16 && set_uint16 && set_int32 && set_uint32 && set_int64 && set_uint64 &&
		set_float && set_double && set_string);
	NUMBER(get_int8 && get_uint8 && get_int16 && get_uint16 && get_int32 && get_uint32 && get_int64 && get_uint64 &&
		get_float && get_double && get_string && call_notify);
	return 0;
}
