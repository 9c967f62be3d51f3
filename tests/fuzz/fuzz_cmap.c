/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz the service cmap: requests for a few keys, iterators and trackers, and maps that change by themselves. */
#include <string.h>

#include "services/cmap/messages.h"
#include "tests/fuzz/service.h"

extern const struct coterie_plugin cmap_LTX_coterie_plugin;

static const char *const keys[] = {
	"totem.config_version", "test.a", "test.b", "test.", "system.a", "stats.a", "stats.clear.all", ""};

static uint64_t number;

static uint32_t read_number(void *arg, void *value)
{
	(void)arg;
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

static void prepare(struct coterie_ctx *host) { host->table.map_protect(host, "system.", 1); }

static void name_set(struct cmap_wire_name *name, uint8_t choice)
{
	const char *key = keys[choice % 8];

	*name = (struct cmap_wire_name){.length = (uint16_t)strlen(key)};
	memcpy(name->value, key, name->length);
}

/* Send a valid request. Its numbers may name existing objects. */
static void ask(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	static const size_t sizes[] = {sizeof(struct cmap_req_set), sizeof(struct cmap_req_delete),
		sizeof(struct cmap_req_get), sizeof(struct cmap_req_adjust), sizeof(struct cmap_req_iter_init),
		sizeof(struct cmap_req_iter_next), sizeof(struct cmap_req_iter_finalize),
		sizeof(struct cmap_req_track_add), sizeof(struct cmap_req_track_delete),
		sizeof(struct cmap_req_set_map)};
	union {
		struct cmap_request_header header;
		struct cmap_req_set set;
		struct cmap_req_get get;
		struct cmap_req_adjust adjust;
		struct cmap_req_iter_next next;
		struct cmap_req_track_add track;
		struct cmap_req_set_map map;
		uint8_t bytes[sizeof(struct cmap_req_set) + 8];
	} request = {.bytes = {0}};
	uint8_t id = choice / FUZZ_CLIENTS % 10, value = script_u8(script);
	size_t size = sizes[id];

	if (id <= CMAP_REQ_ITER_INIT || id == CMAP_REQ_TRACK_ADD)
		name_set(&request.set.name, value);
	else if (id == CMAP_REQ_SET_MAP)
		request.map.map = value % 3;
	else
		request.next.iterator = value % 16;
	if (id == CMAP_REQ_SET) {
		request.set.type = script_u8(script) % 14;
		request.set.value_size = script_u8(script) % 10;
		for (size_t i = 0; i < 8; i++)
			request.bytes[sizeof(request.set) + i] = script_u8(script);
		size += request.set.value_size % 9;
	} else if (id == CMAP_REQ_GET) {
		request.get.room = script_u8(script) % 20;
	} else if (id == CMAP_REQ_ADJUST) {
		request.adjust.step = (int8_t)script_u8(script);
	} else if (id == CMAP_REQ_TRACK_ADD) {
		request.track.track_type = script_u8(script) % 17;
		request.track.instance = script_u8(script);
	}
	request.header.id = id;
	request.header.size = (int32_t)size;
	fuzz_request(world, choice, request.bytes, size);
}

static void change(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	const struct coterie_host *table = &world->host->table;
	uint64_t value = script_u8(script);

	switch (choice % 6) {
	case 0:
		table->map_set(world->host, keys[0], COTERIE_MAP_U64, &value, sizeof(value));
		break;
	case 1:
		table->map_delete(world->host, keys[choice / 8u % 5]);
		break;
	case 2:
		table->map_set(world->host, "system.a", COTERIE_MAP_U8, &value, 1);
		break;
	case 3:
		table->stat_add(world->host, "stats.a", COTERIE_MAP_U64, read_number, NULL);
		break;
	case 4:
		table->stat_del(world->host, "stats.a");
		break;
	default:
		number = value;
		mock_stats_refresh(world->host);
		break;
	}
}

const struct fuzz_service fuzz_service = {
	.plugin = &cmap_LTX_coterie_plugin,
	.prepare = prepare,
	.own = ask,
	.own_too = change,
};
