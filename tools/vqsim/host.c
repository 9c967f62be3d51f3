/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/vqsim/host.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A key of the map, in ascending order. */
struct host_entry {
	struct host_entry *next;
	char key[64];
	uint32_t type, size;
	uint8_t bytes[256];
};

struct coterie_timer {
	struct coterie_timer *next;
	uint64_t at_ns;
	void (*run)(void *arg);
	void *arg;
};

struct coterie_map_iterator {
	const struct host_entry *next;
	char prefix[64];
};

/* --- time --- */

static uint64_t now_ns(struct coterie_ctx *host)
{
	struct timespec now;

	(void)host;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int timer_add(
	struct coterie_ctx *host, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **timer)
{
	struct coterie_timer *added = malloc(sizeof(*added));

	if (added == NULL)
		return -ENOMEM;
	*added = (struct coterie_timer){.next = host->timers, .at_ns = at_ns, .run = run, .arg = arg};
	host->timers = added;
	if (timer != NULL)
		*timer = added;
	return 0;
}

static void timer_del(struct coterie_ctx *host, struct coterie_timer *timer)
{
	for (struct coterie_timer **at = &host->timers; *at != NULL; at = &(*at)->next)
		if (*at == timer) {
			*at = timer->next;
			free(timer);
			return;
		}
}

void host_run_timers(struct coterie_ctx *host)
{
	uint64_t now = now_ns(host);
	struct coterie_timer *timer = host->timers;

	while (timer != NULL) {
		if (timer->at_ns > now) {
			timer = timer->next;
			continue;
		}
		struct coterie_timer due = *timer;
		timer_del(host, timer);
		due.run(due.arg);
		timer = host->timers; /* the callback may have changed the list */
	}
}

int host_next_timer_ms(const struct coterie_ctx *host)
{
	uint64_t first = UINT64_MAX;
	uint64_t now = now_ns(NULL);

	for (const struct coterie_timer *timer = host->timers; timer != NULL; timer = timer->next)
		if (timer->at_ns < first)
			first = timer->at_ns;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now) / 1000000 % INT_MAX) + 1;
}

/* --- the map --- */

static int map_set(struct coterie_ctx *host, const char *key, uint32_t type, const void *value, uint32_t value_size)
{
	struct host_entry **at = &host->entries;

	while (*at != NULL && strcmp((*at)->key, key) < 0)
		at = &(*at)->next;
	struct host_entry *entry = *at;
	if (strlen(key) >= sizeof(entry->key) || value_size > sizeof(entry->bytes))
		return -EINVAL;
	if (entry == NULL || strcmp(entry->key, key) != 0) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return -ENOMEM;
		strcpy(entry->key, key);
		entry->next = *at;
		*at = entry;
	}
	entry->type = type;
	entry->size = value_size;
	memcpy(entry->bytes, value, value_size);
	return 0;
}

static int map_read(struct coterie_ctx *host, uint32_t which, const char *key, struct coterie_map_value *value)
{
	if (which != COTERIE_MAP_CONFIG)
		return -ENOENT;
	for (const struct host_entry *entry = host->entries; entry != NULL; entry = entry->next)
		if (strcmp(entry->key, key) == 0) {
			*value = (struct coterie_map_value){
				.type = entry->type, .size = entry->size, .bytes = entry->bytes};
			return 0;
		}
	return -ENOENT;
}

static int map_iterate(
	struct coterie_ctx *host, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator)
{
	*iterator = calloc(1, sizeof(**iterator));
	if (*iterator == NULL)
		return -ENOMEM;
	if (which == COTERIE_MAP_CONFIG)
		(*iterator)->next = host->entries;
	snprintf((*iterator)->prefix, sizeof((*iterator)->prefix), "%s", prefix == NULL ? "" : prefix);
	return 0;
}

static const char *map_iterate_next(struct coterie_map_iterator *iterator, struct coterie_map_value *value)
{
	const struct host_entry *entry = iterator->next;

	while (entry != NULL && strncmp(entry->key, iterator->prefix, strlen(iterator->prefix)) != 0)
		entry = entry->next;
	if (entry == NULL)
		return NULL;
	iterator->next = entry->next;
	if (value != NULL)
		*value = (struct coterie_map_value){.type = entry->type, .size = entry->size, .bytes = entry->bytes};
	return entry->key;
}

static void map_iterate_end(struct coterie_map_iterator *iterator) { free(iterator); }

/* Only votequorum changes this map, so tracking and protecting keys need no action. */
static int map_track(struct coterie_ctx *host, uint32_t which, const char *key, uint32_t events,
	coterie_map_notify notify, void *arg, struct coterie_map_tracker **tracker)
{
	(void)host, (void)which, (void)key, (void)events, (void)notify, (void)arg;
	*tracker = NULL;
	return 0;
}

static void map_untrack(struct coterie_ctx *host, struct coterie_map_tracker *tracker) { (void)host, (void)tracker; }

static int map_protect(struct coterie_ctx *host, const char *key, uint32_t is_prefix)
{
	(void)host, (void)key, (void)is_prefix;
	return 0;
}

/* --- ring, client, verdict, other functions --- */

static uint32_t local_nodeid(struct coterie_ctx *host) { return host->node_id; }

static int ring_send(
	struct coterie_ctx *host, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count)
{
	const uint32_t header_size = sizeof(struct coterie_ring_header);
	size_t size = header_size;

	(void)guarantee;
	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	struct host_message *message = calloc(1, sizeof(*message) + size);
	if (message == NULL)
		return -EAGAIN;
	message->function = function;
	message->size = header_size;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(message->bytes + message->size, iov[i].iov_base, iov[i].iov_len);
		message->size += (uint32_t)iov[i].iov_len;
	}
	*host->sent_end = message;
	host->sent_end = &message->next;
	return 0;
}

struct host_message *host_take_message(struct coterie_ctx *host)
{
	struct host_message *message = host->sent;

	if (message == NULL)
		return NULL;
	host->sent = message->next;
	if (host->sent == NULL)
		host->sent_end = &host->sent;
	return message;
}

static void *client_data(struct coterie_client *client) { return client->data; }

static int reply(
	struct coterie_client *client, uint32_t response_id, int32_t error, const struct iovec *iov, uint32_t count)
{
	(void)response_id, (void)iov, (void)count;
	client->error = error;
	return 0;
}

static int event(struct coterie_client *client, uint32_t event_id, const struct iovec *iov, uint32_t count)
{
	(void)client, (void)event_id, (void)iov, (void)count;
	return 0;
}

static int quorum_publish(struct coterie_ctx *host, const struct coterie_quorum *quorum)
{
	uint32_t *members = calloc(quorum->member_count + 1, sizeof(*members));

	if (members == NULL)
		return -ENOMEM;
	if (quorum->member_count > 0)
		memcpy(members, quorum->members, quorum->member_count * sizeof(*members));
	free(host->members);
	host->members = members;
	host->member_count = quorum->member_count;
	host->ring = quorum->ring;
	host->is_quorate = quorum->is_quorate != 0;
	host->has_verdict = true;
	return 0;
}

/* Report no verdict about any ring: the simulation has no lease that counts votes. */
static void quorum_get(struct coterie_ctx *host, struct coterie_quorum *quorum)
{
	(void)host;
	*quorum = (struct coterie_quorum){.size = quorum->size};
}

/* A node of the simulation stores no data between two starts, so it has no state file. */
static int state_file_read(struct coterie_ctx *host, const char *name, void *bytes, uint32_t size)
{
	(void)host, (void)name, (void)bytes, (void)size;
	return -ENOENT;
}

static int state_file_write(struct coterie_ctx *host, const char *name, const void *bytes, uint32_t size)
{
	(void)host, (void)name, (void)bytes, (void)size;
	return 0;
}

__attribute__((format(printf, 3, 4))) static void log_line(struct coterie_ctx *host, int prio, const char *format, ...)
{
	va_list arguments;

	(void)prio;
	if (host->log == NULL)
		return;
	fprintf(host->log, "# node %u: ", host->node_id);
	va_start(arguments, format);
	vfprintf(host->log, format, arguments);
	va_end(arguments);
	fputc('\n', host->log);
}

static const struct coterie_host table = {
	.size = sizeof(table),
	.abi_major = COTERIE_ABI_MAJOR,
	.abi_minor = COTERIE_ABI_MINOR,
	.caps = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP | COTERIE_CAP_STATS |
		COTERIE_CAP_QUORUM,
	.log = log_line,
	.now_ns = now_ns,
	.timer_add = timer_add,
	.timer_del = timer_del,
	.map_set = map_set,
	.local_nodeid = local_nodeid,
	.ring_send = ring_send,
	.client_data = client_data,
	.reply = reply,
	.event = event,
	.map_read = map_read,
	.map_iterate = map_iterate,
	.map_iterate_next = map_iterate_next,
	.map_iterate_end = map_iterate_end,
	.map_track = map_track,
	.map_untrack = map_untrack,
	.map_protect = map_protect,
	.quorum_publish = quorum_publish,
	.quorum_get = quorum_get,
	.state_file_read = state_file_read,
	.state_file_write = state_file_write,
};

static int take_setting(struct coterie_ctx *host, const struct setting *setting)
{
	uint8_t byte = setting->number != 0 || strcmp(setting->text, "yes") == 0;

	switch (setting->type) {
	case COTERIE_MAP_U8:
		return map_set(host, setting->key, COTERIE_MAP_U8, &byte, sizeof(byte));
	case COTERIE_MAP_U32:
		return map_set(host, setting->key, COTERIE_MAP_U32, &setting->number, sizeof(setting->number));
	default:
		return map_set(
			host, setting->key, COTERIE_MAP_STRING, setting->text, (uint32_t)strlen(setting->text) + 1);
	}
}

struct coterie_ctx *host_create(uint32_t node_id, const struct settings *settings, FILE *log)
{
	struct coterie_ctx *host = calloc(1, sizeof(*host));
	int rc = 0;

	if (host == NULL)
		return NULL;
	host->table = table;
	host->node_id = node_id;
	host->log = log;
	host->sent_end = &host->sent;
	for (size_t i = 0; i < settings->count && rc != -ENOMEM; i++)
		rc = take_setting(host, &settings->list[i]);
	for (uint32_t i = 0; i < settings->node_count && rc != -ENOMEM; i++)
		if (settings->node_ids[i] == node_id)
			rc = map_set(host, "nodelist.local_node_pos", COTERIE_MAP_U32, &i, sizeof(i));
	if (rc != -ENOMEM)
		return host;
	host_destroy(host);
	return NULL;
}

void host_destroy(struct coterie_ctx *host)
{
	struct host_message *message;

	if (host == NULL)
		return;
	while ((message = host_take_message(host)) != NULL)
		free(message);
	while (host->timers != NULL)
		timer_del(host, host->timers);
	while (host->entries != NULL) {
		struct host_entry *entry = host->entries;

		host->entries = entry->next;
		free(entry);
	}
	free(host->members);
	free(host);
}
