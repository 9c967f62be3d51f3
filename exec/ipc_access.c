/*
 * Who may connect (spec 03 §4): the same rule for every service. A uid or gid that a key permits
 * has full control of the node.
 */
#include "exec/ipc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/map.h"

/* Descriptors kept back for the daemon; a connection needs about half of them for a moment. */
#define RESERVED_FDS 8

/* Asks the kernel, since other parts of the process hold descriptors too. */
static bool has_descriptors(void)
{
	int fds[RESERVED_FDS];
	size_t count = 0;

	fds[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	while (count < RESERVED_FDS && fds[count] >= 0) {
		count++;
		if (count < RESERVED_FDS)
			fds[count] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return count == RESERVED_FDS;
}

/* Only this type and this value count. */
static bool is_permitted(const struct map *map, const char *prefix, uint32_t id)
{
	char key[64];
	uint8_t value = 0;

	snprintf(key, sizeof(key), "uidgid.%s.%u", prefix, id);
	return map_get_u8(map, key, &value) == 0 && value == 1;
}

int ipc_access(struct ipc *ipc, uint32_t uid, uint32_t gid)
{
	const struct map *map = ipc->executive->map;

	if (!ipc->is_ready)
		return -EAGAIN;
	if (!has_descriptors()) {
		ipc->denied++;
		log_limited(&ipc->denied_limit, loop_now_ns(ipc->executive->loop), "MAIN", LOG_ERR,
			"Denied connection attempt from %u:%u: too few file descriptors are left: "
			"raise the limit "
			"(ulimit -n)",
			uid, gid);
		return -EMFILE;
	}
	/* Whoever runs the daemon owns it anyway: what root is to a daemon of root. */
	if (uid == 0 || gid == 0 || uid == geteuid())
		return 0;
	if (is_permitted(map, "uid", uid) || is_permitted(map, "config.uid", uid) ||
		is_permitted(map, "gid", gid) || is_permitted(map, "config.gid", gid))
		return 0;
	ipc->denied++;
	log_limited(&ipc->denied_limit, loop_now_ns(ipc->executive->loop), "MAIN", LOG_ERR,
		"Denied connection attempt from %u:%u", uid, gid);
	return -EACCES;
}
