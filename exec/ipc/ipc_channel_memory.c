/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that a client shares with the daemon, and how the client gets it. The memory cannot shrink, and it has no
 * name: it is freed when both sides have ended. Its pages are allocated at their first use, since allocating 128 MB at
 * once stalls the loop for 60 ms. They are freed in pieces, since that takes 15 to 32 ms. If the system has no page
 * left, a guard catches the access (exec/qb/fault.h).
 */
#include "exec/ipc/ipc_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "exec/qb/fault.h"

#define PIECE (1u << 20) /* bytes of data that are freed in one step: 0.1 to 0.3 ms */
#define PAGE_MIN 4096u   /* size of the smallest page */

static int make_file(uint32_t size)
{
	int fd = memfd_create("coterie-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	int rc = ftruncate(fd, (off_t)COTERIE_CHANNEL_DATA + size) < 0 ? -errno : 0;
	if (rc == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* Check the page of control first. If it is intact after a read, the read bytes were those in the memory. */
bool ipc_channel_memory_is_broken(const struct ipc_channel_memory *memory)
{
	return qbs_guard_is_broken(memory->control) || qbs_guard_is_broken(memory->data);
}

static void unmap(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory)
{
	qbs_guard_del(memory->control);
	qbs_guard_del(memory->data);
	*memory = (struct ipc_channel_memory){.control = NULL};
	coterie_channel_unmap(ring);
}

void ipc_channel_memory_withdraw(const struct coterie_channel_ring *ring)
{
	(void)madvise(ring->control, COTERIE_CHANNEL_DATA, MADV_REMOVE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void ipc_channel_memory_free(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory)
{
	if (ring->control == NULL)
		return;
	ipc_channel_memory_withdraw(ring);
	(void)madvise(ring->data, ring->size, MADV_REMOVE);
	unmap(ring, memory);
}

/* Return how many bytes of data have a page. */
static uint32_t resident(const struct coterie_channel_ring *ring)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char has_page[PIECE / PAGE_MIN];
	size_t bytes = 0;

	for (uint32_t at = 0; at < ring->size; at += PIECE) {
		size_t size = ring->size - at < PIECE ? ring->size - at : PIECE;

		if (mincore(ring->data + at, size, has_page) < 0)
			continue;
		for (size_t i = 0; i < size / page; i++)
			bytes += (has_page[i] & 1) != 0 ? page : 0;
	}
	return (uint32_t)bytes;
}

/*
 * A client can use its mapping after the pages were removed, and so get new ones. If it then exits, unmapping frees
 * these at once. So begin again if there are many.
 */
bool ipc_channel_memory_free_piece(struct coterie_channel_ring *ring, struct ipc_channel_memory *memory)
{
	uint32_t left = ring->size - memory->freed;

	if (ring->control == NULL)
		return true;
	if (left > 0) {
		uint32_t size = left < PIECE ? left : PIECE;

		(void)madvise(ring->data + memory->freed, size, MADV_REMOVE);
		memory->freed += size;
		return false;
	}
	if (resident(ring) > PIECE) {
		memory->freed = 0;
		return false;
	}
	unmap(ring, memory);
	return true;
}

static int add_guards(const struct coterie_channel_ring *ring, struct ipc_channel_memory *memory)
{
	memory->control = qbs_guard_add(ring->control, COTERIE_CHANNEL_DATA);
	memory->data = qbs_guard_add(ring->data, 2 * (size_t)ring->size);
	return memory->control == NULL || memory->data == NULL ? -ENOMEM : 0;
}

int ipc_channel_memory_make(
	struct coterie_channel_ring *ring, struct ipc_channel_memory *memory, uint32_t size, int *fd)
{
	int file = make_file(size);

	if (file < 0)
		return file;
	int rc = coterie_channel_map(ring, file, size);
	if (rc == 0)
		rc = add_guards(ring, memory);
	if (rc < 0) {
		ipc_channel_memory_free(ring, memory);
		close(file);
		return rc;
	}
	*fd = file;
	return 0;
}

/* --- handing it over --- */

/*
 * Accept only names of the form that the kernel assigns, so that the client cannot make the daemon connect to another
 * service.
 */
static int name_of(const char address[8], struct sockaddr_un *name, socklen_t *size)
{
	size_t length = strnlen(address, 8);

	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(name->sun_path + 1, address, length);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
	return length > 0 && strspn(name->sun_path + 1, "0123456789abcdef") == length ? 0 : -EINVAL;
}

/* Check that the process that listens on this socket is the client itself. */
static int check_peer(const struct coterie_client *client, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return (uint32_t)peer.pid == client->pid && peer.uid == client->uid ? 0 : -EPERM;
}

static int send_parcel(int fd, const uint8_t token[16], const int fds[2])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {
		.header = {.cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	uint8_t copy[16];
	struct iovec iov = {memcpy(copy, token, sizeof(copy)), sizeof(copy)};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};

	memcpy(CMSG_DATA(&control.header), fds, 2 * sizeof(int));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Connect and send without waiting: the client listens already, and the message waits in its socket. */
int ipc_channel_hand_over(
	const struct coterie_client *client, const char address[8], const uint8_t token[16], const int fds[2])
{
	struct sockaddr_un name;
	socklen_t size;
	int rc = name_of(address, &name, &size);

	if (rc < 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)qbs_refuse_descriptors(fd);
	rc = connect(fd, (const struct sockaddr *)&name, size) < 0 ? -errno : 0;
	if (rc == 0)
		rc = check_peer(client, fd);
	if (rc == 0)
		rc = send_parcel(fd, token, fds);
	if (rc == 0)
		return fd;
	qbs_close(client->server->ipc->host, fd);
	return rc;
}

bool ipc_channel_parcel_waits(int parcel)
{
	int waiting = 0;

	return parcel >= 0 && ioctl(parcel, SIOCOUTQ, &waiting) == 0 && waiting > 0;
}
