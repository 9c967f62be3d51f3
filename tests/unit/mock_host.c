/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/mock_private.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

struct coterie_timer {
	struct coterie_timer *next;
	uint64_t at_ns;
	void (*run)(void *arg);
	void *arg;
};

void *mock_need(void *memory)
{
	if (memory == NULL) {
		perror("mock host");
		abort();
	}
	return memory;
}

/* ---- Queues -------------------------------------------------------------- */

void mock_queue_clear(struct mock_queue *queue)
{
	for (uint32_t i = 0; i < queue->count; i++)
		free(queue->list[i].data);
	free(queue->list);
	memset(queue, 0, sizeof(*queue));
}

struct mock_message *mock_queue_add(struct mock_queue *queue, uint32_t id, const struct iovec *iov, uint32_t count)
{
	size_t size = 0;

	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (queue->count == queue->capacity) {
		queue->capacity = 2 * queue->capacity + 8;
		queue->list = mock_need(reallocarray(queue->list, queue->capacity, sizeof(*queue->list)));
	}

	struct mock_message *message = &queue->list[queue->count++];
	size_t at = 0;

	/* Allocate exactly this size, so that sanitizers find a read beyond it. */
	*message = (struct mock_message){.id = id, .size = (uint32_t)size, .data = mock_need(malloc(size + !size))};
	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(message->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return message;
}

/* ---- Log, time, posts ---------------------------------------------------- */

#define LOG_LINES_MAX 100
#define LOG_WINDOW_NS UINT64_C(10000000000)
#define LOG_BURST_MAX 10
#define LOG_BURST_NS UINT64_C(100000000)

/* Return whether the executive would log a line: exec/log/log_limit.c. */
static bool may_log(struct coterie_ctx *host, int prio, const char *format)
{
	struct mock_log_limit *limit = host->log_limits;

	if (!host->has_log_limit || prio > LOG_INFO)
		return true;
	while (limit < &host->log_limits[MOCK_LOG_FORMATS - 1] && limit->format != NULL && limit->format != format)
		limit++;
	if (limit->count == 0 || host->now_ns - limit->window_ns >= LOG_WINDOW_NS) {
		limit->window_ns = host->now_ns;
		limit->count = 0;
	}
	if (limit->burst == 0 || host->now_ns - limit->burst_ns >= LOG_BURST_NS) {
		limit->burst_ns = host->now_ns;
		limit->burst = 0;
	}
	limit->format = format;
	return ++limit->burst <= LOG_BURST_MAX && ++limit->count <= LOG_LINES_MAX;
}

static void host_log(struct coterie_ctx *host, int prio, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!may_log(host, prio, format))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	struct iovec iov = {.iov_base = text, .iov_len = strlen(text) + 1};

	mock_queue_add(&host->logs, (uint32_t)prio, &iov, 1);
	if (host->is_loud)
		fprintf(stderr, "# %d %s\n", prio, text);
}

static int add_timer(
	struct coterie_timer **list, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **out)
{
	struct coterie_timer *timer = mock_need(calloc(1, sizeof(*timer)));

	*timer = (struct coterie_timer){.at_ns = at_ns, .run = run, .arg = arg};
	while (*list != NULL && (*list)->at_ns <= at_ns)
		list = &(*list)->next;
	timer->next = *list;
	*list = timer;
	if (out != NULL)
		*out = timer;
	return 0;
}

static int host_post(struct coterie_ctx *host, void (*run)(void *arg), void *arg)
{
	return add_timer(&host->posts, 0, run, arg, NULL);
}

static uint64_t host_now_ns(struct coterie_ctx *host)
{
	host->now_ns += host->now_step_ns;
	return host->now_ns;
}

static int host_timer_add(
	struct coterie_ctx *host, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **timer)
{
	return add_timer(&host->timers, at_ns, run, arg, timer);
}

static void host_timer_del(struct coterie_ctx *host, struct coterie_timer *timer)
{
	for (struct coterie_timer **at = &host->timers; *at != NULL && timer != NULL; at = &(*at)->next) {
		if (*at == timer) {
			*at = timer->next;
			free(timer);
			return;
		}
	}
}

/* Run the first timer of a list if it is due. */
static bool run_first(struct coterie_ctx *host, struct coterie_timer **list, uint64_t until_ns)
{
	struct coterie_timer *timer = *list;

	if (timer == NULL || timer->at_ns > until_ns)
		return false;
	*list = timer->next;
	if (timer->at_ns > host->now_ns)
		host->now_ns = timer->at_ns;
	timer->run(timer->arg);
	free(timer);
	return true;
}

void mock_host_advance(struct coterie_ctx *host, uint64_t ns)
{
	uint64_t until_ns = host->now_ns + ns;

	while (run_first(host, &host->posts, 0) || mock_store_run(host) || run_first(host, &host->timers, until_ns))
		;
	if (host->now_ns < until_ns) /* callbacks may have taken longer: now_step_ns */
		host->now_ns = until_ns;
}

uint32_t mock_host_timers(const struct coterie_ctx *host)
{
	uint32_t count = 0;

	for (const struct coterie_timer *timer = host->timers; timer != NULL; timer = timer->next)
		count++;
	return count;
}

bool mock_host_has_logged(const struct coterie_ctx *host, const char *words)
{
	for (uint32_t i = 0; i < host->logs.count; i++) {
		if (strstr((const char *)host->logs.list[i].data, words) != NULL)
			return true;
	}
	return false;
}

/* ---- Descriptors --------------------------------------------------------- */

static struct mock_fd *find_fd(struct coterie_ctx *host, int fd)
{
	for (uint32_t i = 0; i < host->fd_count; i++) {
		if (host->fds[i].fd == fd)
			return &host->fds[i];
	}
	return NULL;
}

static int host_fd_add(struct coterie_ctx *host, int fd, uint32_t events, uint32_t is_urgent,
	void (*run)(void *arg, int fd, uint32_t revents), void *arg)
{
	(void)is_urgent;
	if (find_fd(host, fd) != NULL)
		return -EEXIST;
	if (host->fd_count == sizeof(host->fds) / sizeof(host->fds[0]))
		return -ENOMEM;
	host->fds[host->fd_count++] = (struct mock_fd){fd, events, run, arg};
	return 0;
}

static int host_fd_mod(struct coterie_ctx *host, int fd, uint32_t events)
{
	struct mock_fd *entry = find_fd(host, fd);

	if (entry == NULL)
		return -ENOENT;
	entry->events = events;
	return 0;
}

static void host_fd_del(struct coterie_ctx *host, int fd)
{
	struct mock_fd *entry = find_fd(host, fd);

	if (entry != NULL)
		*entry = host->fds[--host->fd_count];
}

uint32_t mock_host_poll(struct coterie_ctx *host, int timeout_ms)
{
	struct pollfd polled[32];
	uint32_t count = host->fd_count;
	uint32_t served = 0;

	while (run_first(host, &host->posts, 0))
		served++;
	for (uint32_t i = 0; i < count; i++)
		polled[i] = (struct pollfd){.fd = host->fds[i].fd, .events = (short)host->fds[i].events};
	if (poll(polled, count, timeout_ms) <= 0)
		return served;
	for (uint32_t i = 0; i < count; i++) {
		struct mock_fd *entry = find_fd(host, polled[i].fd);

		if (polled[i].revents == 0 || entry == NULL)
			continue;
		entry->run(entry->arg, entry->fd, (uint32_t)polled[i].revents);
		served++;
	}
	return served;
}

/* ---- Options --------------------------------------------------------- */

static struct mock_value *find_value(struct mock_value *list, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	}
	return NULL;
}

static struct mock_value *add_value(struct mock_value **list, uint32_t *count, const char *name)
{
	*list = mock_need(reallocarray(*list, *count + 1, sizeof(**list)));

	struct mock_value *value = &(*list)[(*count)++];

	memset(value, 0, sizeof(*value));
	snprintf(value->name, sizeof(value->name), "%s", name);
	return value;
}

/* Allocate all texts again, as a reload does, so that a sanitizer finds a plugin that uses a borrowed text too long. */
static void renew_options(struct coterie_ctx *host)
{
	for (uint32_t i = 0; i < host->option_count; i++) {
		char *text = host->options[i].text;

		host->options[i].text = mock_need(strdup(text));
		free(text);
	}
}

void mock_host_option(struct coterie_ctx *host, const char *name, const char *text)
{
	struct mock_value *value = find_value(host->options, host->option_count, name);

	if (value == NULL)
		value = add_value(&host->options, &host->option_count, name);
	free(value->text);
	value->text = mock_need(strdup(text != NULL ? text : ""));
	renew_options(host);
}

static int host_option_string(struct coterie_ctx *host, const char *name, const char **text)
{
	const struct mock_value *value = find_value(host->options, host->option_count, name);

	if (value == NULL)
		return -ENOENT;
	if (value->text[0] == '\0')
		return -ENODATA;
	*text = value->text;
	return 0;
}

static int host_option_u64(struct coterie_ctx *host, const char *name, uint64_t *value)
{
	const char *text;
	int rc = host_option_string(host, name, &text);

	if (rc == 0)
		*value = strcmp(text, "yes") == 0 ? 1 : strtoull(text, NULL, 10);
	return rc;
}

/* ---- The ring ------------------------------------------------------------ */

static uint32_t host_local_nodeid(struct coterie_ctx *host) { return host->nodeid; }

static int host_ring_send(
	struct coterie_ctx *host, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count)
{
	if (host->ring_send_rc != 0)
		return host->ring_send_rc;
	mock_queue_add(&host->sent, function, iov, count)->guarantee = guarantee;
	return 0;
}

static void host_membership(
	struct coterie_ctx *host, struct coterie_ring_id *ring, const uint32_t **nodeids, uint32_t *count)
{
	if (ring != NULL)
		*ring = host->ring;
	/* The executive takes no NULL here either. */
	*nodeids = host->members;
	*count = host->member_count;
}

static uint32_t host_is_quorate(struct coterie_ctx *host) { return host->is_quorate ? 1 : 0; }

/* ---- Clients ------------------------------------------------------------- */

static void *host_client_data(struct coterie_client *client) { return client->data; }

static void host_client_peer(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid)
{
	if (pid != NULL)
		*pid = client->pid;
	if (uid != NULL)
		*uid = client->uid;
	if (gid != NULL)
		*gid = client->gid;
}

static int host_client_may(struct coterie_client *client, uint32_t right)
{
	return client->right == 0 || client->right >= right ? 0 : -EACCES;
}

static int host_client_may_send(struct coterie_client *client) { return client->is_held ? -EAGAIN : 0; }

static uint32_t right_of(const struct coterie_request *request)
{
	if ((request->flags & COTERIE_ADMINISTERS) != 0)
		return COTERIE_RIGHT_ADMINISTER;
	return (request->flags & COTERIE_OBSERVES) != 0 ? COTERIE_RIGHT_OBSERVE : COTERIE_RIGHT_USE;
}

static int host_reply(
	struct coterie_client *client, uint32_t response_id, int32_t error, const struct iovec *iov, uint32_t count)
{
	mock_queue_add(&client->replies, response_id, iov, count)->error = error;
	return 0;
}

static int host_event(struct coterie_client *client, uint32_t event_id, const struct iovec *iov, uint32_t count)
{
	if (client->event_rc != 0)
		return client->event_rc;
	mock_queue_add(&client->events, event_id, iov, count);
	return 0;
}

static void host_client_disconnect(struct coterie_client *client) { client->is_disconnected = true; }

struct coterie_client *mock_client_create(struct coterie_ctx *host, uint32_t size, uint32_t pid)
{
	struct coterie_client *client = mock_need(calloc(1, sizeof(*client)));

	client->host = host;
	client->data = mock_need(calloc(1, size + 1));
	client->pid = pid;
	client->number = ++host->client_number;
	client->next = host->clients;
	host->clients = client;
	return client;
}

void mock_client_destroy(struct coterie_client *client)
{
	if (client == NULL)
		return;
	struct coterie_client **place = &client->host->clients;
	while (*place != client)
		place = &(*place)->next;
	*place = client->next;
	mock_queue_clear(&client->replies);
	mock_queue_clear(&client->events);
	free(client->data);
	free(client);
}

/* Return the cs_error_t for a handler's result, as service.h defines it. */
static int32_t error_of(int rc)
{
	static const int32_t map[][2] = {{0, 1}, {-EAGAIN, 6}, {-EEXIST, 14}, {-ENOENT, 12}, {-EBUSY, 10}, {-EINVAL, 7},
		{-EINTR, 16}, {-EOVERFLOW, 13}, {-ENOTSUP, 19}, {-ENOMEM, 8}, {-EACCES, 11}, {-EMSGSIZE, 26}};

	for (uint32_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i][0] == rc)
			return map[i][1];
	}
	return 2;
}

int mock_request(
	struct coterie_client *client, const struct coterie_service *ops, void *self, const void *msg, uint32_t size)
{
	const struct coterie_request *request = NULL;
	struct coterie_request_header header;

	if (size < sizeof(header))
		return -EINVAL;
	memcpy(&header, msg, sizeof(header));
	for (uint32_t i = 0; i < ops->request_count; i++) {
		const void *at = (const uint8_t *)ops->requests + (size_t)i * ops->request_size;
		const struct coterie_request *one = at;

		if (header.id >= 0 && one->id == (uint32_t)header.id)
			request = one;
	}
	if (request == NULL || size < request->size_min || (uint32_t)header.size != size)
		return -EINVAL;

	void *copy = mock_need(malloc(size));

	memcpy(copy, msg, size);

	int rc = host_client_may(client, right_of(request));
	if (rc == 0)
		rc = request->handle(self, client, copy, size);

	free(copy);
	if (rc <= 0 && (request->flags & COTERIE_NO_REPLY) == 0)
		host_reply(client, request->response_id, error_of(rc), NULL, 0);
	return rc;
}

int mock_deliver(
	const struct coterie_service *ops, void *self, uint32_t nodeid, bool swap, const struct mock_message *message)
{
	uint32_t size = message->size + (uint32_t)sizeof(struct coterie_ring_header);

	if (message->id >= ops->ring_msg_count)
		return -EINVAL;

	const void *at = (const uint8_t *)ops->ring_msgs + (size_t)message->id * ops->ring_msg_size;
	const struct coterie_ring_msg *entry = at;

	if (size < entry->size_min)
		return -EINVAL;

	uint32_t head_size = entry->deliver != NULL ? size : entry->size_min;
	uint8_t *head = mock_need(malloc(head_size));
	struct coterie_ring_header header = {.id = (int32_t)(ops->ring_id << 16 | message->id), .size = (int32_t)size};

	memcpy(head, &header, sizeof(header));
	memcpy(head + sizeof(header), message->data, head_size - sizeof(header));
	if (swap && entry->swap != NULL)
		entry->swap(head, head_size);
	if (entry->deliver != NULL) {
		entry->deliver(self, nodeid, head, size);
	} else {
		/* Deliver the message in two parts, as if it did not fit into one frame. */
		uint8_t *rest = message->data + (head_size - sizeof(header));
		uint32_t left = size - head_size;
		struct iovec parts[2] = {{rest, left / 3}, {rest + left / 3, left - left / 3}};

		entry->deliver_parts(self, nodeid, head, parts, 2, size);
	}
	free(head);
	return 0;
}

/* ---- Life ---------------------------------------------------------------- */

static const struct coterie_host host_table = {
	.size = sizeof(struct coterie_host),
	.abi_major = COTERIE_ABI_MAJOR,
	.abi_minor = COTERIE_ABI_MINOR,
	.caps = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP | COTERIE_CAP_TRANSPORT |
		COTERIE_CAP_STATS | COTERIE_CAP_QUORUM | COTERIE_CAP_ADMIN | COTERIE_CAP_CRYPTO | COTERIE_CAP_RIGHTS,
	.log = host_log,
	.post = host_post,
	.now_ns = host_now_ns,
	.timer_add = host_timer_add,
	.timer_del = host_timer_del,
	.fd_add = host_fd_add,
	.fd_mod = host_fd_mod,
	.fd_del = host_fd_del,
	.option_u64 = host_option_u64,
	.option_string = host_option_string,
	.local_nodeid = host_local_nodeid,
	.ring_send = host_ring_send,
	.membership = host_membership,
	.is_quorate = host_is_quorate,
	.client_data = host_client_data,
	.client_may = host_client_may,
	.client_may_send = host_client_may_send,
	.client_peer = host_client_peer,
	.reply = host_reply,
	.event = host_event,
	.client_disconnect = host_client_disconnect,
};

struct coterie_ctx *mock_host_create(const struct coterie_plugin *plugin)
{
	struct coterie_ctx *host = mock_need(calloc(1, sizeof(*host)));

	host->table = host_table;
	mock_map_table(&host->table);
	mock_admin_table(&host->table);
	mock_life_table(&host->table);
	mock_transport_table(&host->table);
	host->has_log_limit = plugin != NULL && plugin->kind == COTERIE_KIND_SERVICE;
	host->is_safe_kept = true;
	host->now_ns = UINT64_C(1000000000);
	host->nodeid = 1;
	host->is_quorate = true;
	for (uint32_t i = 0; plugin != NULL && i < plugin->option_count; i++) {
		const void *at = (const uint8_t *)plugin->options + (size_t)i * plugin->option_size;
		const struct coterie_option *option = at;

		mock_host_option(host, option->name, option->initial);
	}
	return host;
}

static uint32_t free_timers(struct coterie_timer *timer)
{
	uint32_t count = 0;

	while (timer != NULL) {
		struct coterie_timer *next = timer->next;

		free(timer);
		timer = next;
		count++;
	}
	return count;
}

uint32_t mock_host_destroy(struct coterie_ctx *host)
{
	uint32_t leaks = host->fd_count + host->frames_live;

	leaks += free_timers(host->timers) + free_timers(host->posts);
	leaks += mock_map_fini(host);
	mock_admin_fini(host);
	mock_queue_clear(&host->sent);
	mock_queue_clear(&host->frames);
	mock_queue_clear(&host->refused);
	mock_queue_clear(&host->watches);
	mock_queue_clear(&host->logs);
	for (uint32_t i = 0; i < host->option_count; i++)
		free(host->options[i].text);
	free(host->options);
	free(host);
	return leaks;
}
