#include "exec_stub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "exec/config/model.h"
#include "exec/log.h"
#include "exec/map.h"
#include "exec/ring.h"
#include "exec/route.h"
#include "exec/sync.h"

struct exec_stub exec_stub;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void exec_stub_reset(void)
{
	memset(&exec_stub, 0, sizeof(exec_stub));
	exec_stub.queue =
		(struct totem_queue){.used = 0, .total = 2974, .message_size_max = 4117806};
}

unsigned int exec_stub_count_logged(const char *text)
{
	unsigned int count = 0;

	for (const char *at = exec_stub.log; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

bool exec_stub_has_logged(const char *text) { return exec_stub_count_logged(text) > 0; }

/* --- log.c --- */

void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	pthread_mutex_lock(&log_lock);
	size_t used = strlen(exec_stub.log);
	snprintf(exec_stub.log + used, sizeof(exec_stub.log) - used, "%s %d %s\n", subsystem, prio,
		line);
	pthread_mutex_unlock(&log_lock);
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio,
	const char *format, ...)
{
	va_list arguments;

	(void)now_ns;
	if (limit->count++ >= 5)
		return;
	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

/* --- map.c --- */

int map_set(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size)
{
	(void)map;
	if (size > sizeof(exec_stub.key_value))
		return -EINVAL;
	snprintf(exec_stub.key, sizeof(exec_stub.key), "%s", key);
	exec_stub.key_type = type;
	exec_stub.key_size = size;
	memcpy(exec_stub.key_value, bytes, size);
	return 0;
}

int map_get(const struct map *map, const char *key, struct map_value *value)
{
	(void)map;
	if (strcmp(key, exec_stub.key) != 0)
		return -ENOENT;
	*value = (struct map_value){.type = exec_stub.key_type,
		.size = exec_stub.key_size,
		.bytes = exec_stub.key_value};
	return 0;
}

int map_get_u8(const struct map *map, const char *key, uint8_t *value)
{
	struct map_value found;

	if (map_get(map, key, &found) < 0)
		return -ENOENT;
	if (found.type != COTERIE_MAP_U8)
		return -EINVAL;
	*value = *(const uint8_t *)found.bytes;
	return 0;
}

int map_delete(struct map *map, const char *key)
{
	(void)map;
	if (strcmp(key, exec_stub.key) != 0)
		return -ENOENT;
	exec_stub.key[0] = '\0';
	return 0;
}

/* --- config/model.c --- */

const char *config_option(const struct config *config, const char *plugin, const char *name,
	const char **file, uint32_t *line)
{
	for (uint32_t i = 0; i < config->option_count; i++) {
		const struct config_option *option = &config->options[i];

		if (strcmp(option->plugin, plugin) != 0 || strcmp(option->name, name) != 0)
			continue;
		*file = option->file;
		*line = option->line;
		return option->value;
	}
	return NULL;
}

/* --- ring.c, route.c, sync.c, the engine --- */

struct totem_engine *ring_engine(struct ring *ring) { return (struct totem_engine *)ring; }

void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue)
{
	(void)engine;
	*queue = exec_stub.queue;
}

bool sync_is_running(const struct sync *sync)
{
	(void)sync;
	return exec_stub.is_synchronizing;
}

int route_send(struct route *route, struct plugin *plugin, uint32_t function, uint32_t guarantee,
	const struct iovec *iov, uint32_t count)
{
	(void)route, (void)plugin, (void)function, (void)guarantee, (void)iov, (void)count;
	exec_stub.sent++;
	return exec_stub.send_rc;
}

void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids,
	uint32_t *count)
{
	static const uint32_t members[] = {1, 2, 3};

	(void)ring;
	*id = (struct coterie_ring_id){.representative = 1, .seq = 8};
	*nodeids = members;
	*count = 3;
}

struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity)
{
	(void)ring, (void)capacity;
	return NULL;
}

void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	(void)ring, (void)arrivals, (void)count;
}

void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text)
{
	(void)ring, (void)link, (void)is_up, (void)text;
}

void ring_peer_dead(struct ring *ring, uint32_t nodeid) { (void)ring, (void)nodeid; }

void ring_writable(struct ring *ring) { (void)ring; }
