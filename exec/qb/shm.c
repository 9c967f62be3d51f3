/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages in three rings of shared memory. The client's library sends one byte on the stream behind each request, and
 * gets one behind each event.
 *
 * The file system allocates memory as pages are used. The client's library allocates all of it when it opens the
 * files, so the daemon's loop does not wait for that.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec/qb/private.h"

#define RINGS 3u
#define HEADER_SIZE (offsetof(struct qbs_ring_header, zero) + 8)
#define FILE_NAME_SIZE (QBS_NAME_SIZE + 32)

static const char *const kinds[RINGS] = {"request", "response", "event"};

static struct qbs_ring *ring_of(struct qbs_connection *connection, uint32_t i)
{
	return i == 0 ? &connection->request : i == 1 ? &connection->response : &connection->event;
}

static void name_file(const struct qbs_connection *connection, uint32_t i, const char *part, char *name)
{
	snprintf(name, FILE_NAME_SIZE, "qb-%s-%s-%s", kinds[i], connection->server->name, part);
}

static size_t header_room(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (HEADER_SIZE + page - 1) / page * page;
}

/* --- making the rings --- */

/* Write the header with pwrite, not through the mapping, so that a full file system is an error here. */
static int write_header(const struct qbs_connection *connection, int fd, uint32_t i, uint32_t words)
{
	struct qbs_ring_header header = {.words = words, .references = 1};
	char name[FILE_NAME_SIZE];

	name_file(connection, i, "header", name);
	snprintf(header.header_path, sizeof(header.header_path), "%s/%s", connection->folder, name);
	name_file(connection, i, "data", name);
	snprintf(header.data_path, sizeof(header.data_path), "%s/%s", connection->folder, name);
	sem_init(&header.semaphore, 1, 0);
	ssize_t written = pwrite(fd, &header, HEADER_SIZE, 0);
	if (written < 0)
		return -errno;
	return (size_t)written == HEADER_SIZE ? 0 : -ENOSPC;
}

static int map(void *at, size_t size, int fd)
{
	return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ? -errno : 0;
}

static int make_header(struct qbs_connection *connection, int folder, uint32_t i, uint8_t *at, uint32_t words)
{
	char name[FILE_NAME_SIZE];

	name_file(connection, i, "header", name);
	int fd = qbs_folder_file(connection, folder, name, HEADER_SIZE);
	if (fd < 0)
		return fd;
	int rc = write_header(connection, fd, i, words);
	if (rc == 0)
		rc = map(at, HEADER_SIZE, fd);
	close(fd);
	return rc;
}

static int make_data(struct qbs_connection *connection, int folder, uint32_t i, uint8_t *at, size_t size)
{
	char name[FILE_NAME_SIZE];

	name_file(connection, i, "data", name);
	int fd = qbs_folder_file(connection, folder, name, size);
	if (fd < 0)
		return fd;
	int rc = map(at, size, fd);
	if (rc == 0)
		rc = map(at + size, size, fd);
	close(fd);
	return rc;
}

/* Map all rings in one region, with one guard. */
static int make_rings(struct qbs_connection *connection, int folder)
{
	size_t size = qbs_ring_data_size(connection->size_max), header = header_room(), ring = header + 2 * size;
	int rc = 0;

	connection->region_size = RINGS * ring;
	connection->region = mmap(
		NULL, connection->region_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (connection->region == MAP_FAILED) {
		connection->region = NULL;
		return -errno;
	}
	connection->guard = qbs_guard_add(connection->region, connection->region_size);
	if (connection->guard == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < RINGS && rc == 0; i++) {
		uint8_t *at = (uint8_t *)connection->region + i * ring;

		*ring_of(connection, i) = (struct qbs_ring){
			.header = (void *)at, .data = at + header, .words = (uint32_t)(size / sizeof(uint32_t))};
		rc = make_header(connection, folder, i, at, (uint32_t)(size / sizeof(uint32_t)));
		if (rc == 0)
			rc = make_data(connection, folder, i, at + header, size);
	}
	return rc;
}

static void shm_close(struct qbs_connection *connection)
{
	char names[2 * RINGS][FILE_NAME_SIZE];
	const char *list[2 * RINGS + 1] = {NULL};

	for (uint32_t i = 0; i < RINGS; i++) {
		name_file(connection, i, "data", names[2 * i]);
		name_file(connection, i, "header", names[2 * i + 1]);
		list[2 * i] = names[2 * i];
		list[2 * i + 1] = names[2 * i + 1];
	}
	qbs_folder_remove(connection, list);
	qbs_guard_del(connection->guard);
	connection->guard = NULL;
	if (connection->region != NULL)
		munmap(connection->region, connection->region_size);
	connection->region = NULL;
}

static void name_ring(const struct qbs_connection *connection, uint32_t i, char path[QBS_PATH_SIZE])
{
	snprintf(path, QBS_PATH_SIZE, "%s/qb-%s-%s", connection->folder, kinds[i], connection->server->name);
}

static int shm_open_rings(struct qbs_connection *connection, struct qbs_answer *answer)
{
	int folder;
	int rc = qbs_folder_make(connection, &folder);

	if (rc < 0)
		return rc;
	rc = make_rings(connection, folder);
	if (rc == 0)
		rc = qbs_folder_give(connection, folder);
	close(folder);
	if (rc < 0) {
		shm_close(connection);
		return rc;
	}
	name_ring(connection, 0, answer->request);
	name_ring(connection, 1, answer->response);
	name_ring(connection, 2, answer->event);
	return 0;
}

/* --- messages --- */

static int64_t shm_receive(struct qbs_connection *connection)
{
	int64_t size = qbs_ring_read(&connection->request, connection->server->host->buffer, connection->size_max);

	return qbs_guard_is_broken(connection->guard) ? -EPROTO : size;
}

static int put(struct qbs_connection *connection, struct qbs_ring *ring, const struct iovec *iov, uint32_t count,
	uint32_t size)
{
	int rc = qbs_ring_write(ring, iov, count, size);

	return qbs_guard_is_broken(connection->guard) ? -EPROTO : rc;
}

static int shm_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size)
{
	return put(connection, &connection->response, iov, count, size);
}

static int shm_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size)
{
	int rc = put(connection, &connection->event, iov, count, size);

	return rc < 0 ? rc : qbs_ring_bell(connection);
}

static void shm_flow(struct qbs_connection *connection, uint32_t word)
{
	__atomic_store_n(&connection->request.header->flow, word, __ATOMIC_RELEASE);
}

const struct qbs_transport qbs_shm = {
	.type = QBS_TYPE_SHM,
	.open = shm_open_rings,
	.close = shm_close,
	.listen = qbs_stream_listen,
	.receive = shm_receive,
	.reply = shm_reply,
	.event = shm_event,
	.flow = shm_flow,
};
