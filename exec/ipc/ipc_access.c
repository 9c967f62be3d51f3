/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule by which a process may connect, and with which right (book ipc, "Connecting"). It is the same for every
 * service. Corosync gives every client full control of the node. Here a client has one of three rights
 * (COTERIE_RIGHT_*). The right is found when the client connects, and stays until the connection ends. Only the
 * effective group of a process counts, as for Corosync.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/map/map.h"

/*
 * Descriptors that are reserved for the daemon. A new connection briefly needs about half of them.
 */
#define RESERVED_FDS 8

/*
 * Return whether the daemon can open RESERVED_FDS more descriptors. Ask the kernel, since other parts of the process
 * hold descriptors too.
 */
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

/* Return whether the map has the key PREFIX.ID with the type and value that allow a connection. */
static bool is_permitted(const struct map *map, const char *prefix, uint32_t id)
{
	char key[64];
	uint8_t value = 0;

	snprintf(key, sizeof(key), "uidgid.%s.%u", prefix, id);
	return map_get_u8(map, key, &value) == 0 && value == 1;
}

/* Return whether the block access of the config file lists the user or the group. */
static bool is_listed(const struct map *map, const char *list, uint32_t uid, uint32_t gid)
{
	const struct {
		const char *kind;
		uint32_t id;
	} ids[] = {{"uid", uid}, {"gid", gid}};
	struct map_value value;
	char key[96];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(key, sizeof(key), "coterie.access.%s.%s.%u", list, ids[i].kind, ids[i].id);
		if (map_get(map, key, &value) == 0 && value.type == COTERIE_MAP_STRING &&
			strcmp(value.bytes, "yes") == 0)
			return true;
	}
	return false;
}

/* Return the right of a user with this group, or 0: none. */
static uint32_t right_of(const struct map *map, uint32_t uid, uint32_t gid)
{
	/*
	 * The user that runs the daemon has full access anyway, as root has with a daemon of root.
	 */
	if (uid == 0 || uid == geteuid() || is_listed(map, "administrators", uid, gid))
		return COTERIE_RIGHT_ADMINISTER;
	if (gid == 0 || is_permitted(map, "uid", uid) || is_permitted(map, "config.uid", uid) ||
		is_permitted(map, "gid", gid) || is_permitted(map, "config.gid", gid))
		return COTERIE_RIGHT_USE;
	return is_listed(map, "observers", uid, gid) ? COTERIE_RIGHT_OBSERVE : 0;
}

/*
 * The connection may be in the hands of a program with more rights than the user that connected. For example, a user
 * connects, and then starts a program of root that writes text of the user to the connection. So the process that
 * connected needs the right too. Root may connect for any user.
 */
static uint32_t right_of_peer(const struct map *map, const struct qbs_peer *peer)
{
	uint32_t right = right_of(map, peer->uid, peer->gid);

	if (peer->opener_uid == 0 || (peer->opener_uid == peer->uid && peer->opener_gid == peer->gid))
		return right;
	uint32_t of_opener = right_of(map, peer->opener_uid, peer->opener_gid);
	return of_opener < right ? of_opener : right;
}

int ipc_access(struct ipc *ipc, const struct qbs_peer *peer, uint32_t *right)
{
	if (!ipc->is_ready)
		return -EAGAIN;
	if (!has_descriptors()) {
		ipc->denied++;
		log_limited(&ipc->denied_limit, loop_now_ns(ipc->parts.loop), "MAIN", LOG_ERR,
			"Denied connection attempt from %u:%u: too few file descriptors are left: "
			"raise the limit "
			"(ulimit -n)",
			peer->uid, peer->gid);
		return -EMFILE;
	}
	*right = right_of_peer(ipc->parts.map, peer);
	if (*right != 0)
		return 0;
	ipc->denied++;
	log_limited(&ipc->denied_limit, loop_now_ns(ipc->parts.loop), "MAIN", LOG_ERR,
		"Denied connection attempt from %u:%u", peer->uid, peer->gid);
	return -EACCES;
}

/* --- shares --- */

static uint32_t count_connections(const struct ipc *ipc, uint32_t uid)
{
	uint32_t count = 0;

	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (const struct coterie_client *client = server->clients; client != NULL; client = client->next)
			count += client->uid == uid && client->connection != NULL && !client->is_closed;
	return count;
}

int ipc_access_share(struct ipc *ipc, uint32_t uid, uint32_t right)
{
	uint32_t share = right == COTERIE_RIGHT_OBSERVE ? IPC_CONNECTIONS_OF_OBSERVER : IPC_CONNECTIONS_OF_USER;

	if (right == COTERIE_RIGHT_ADMINISTER || count_connections(ipc, uid) < share)
		return 0;
	ipc->denied++;
	log_limited(&ipc->denied_limit, loop_now_ns(ipc->parts.loop), "MAIN", LOG_ERR,
		"Denied connection attempt from user %u: it has %u connections already, as many as one user may have",
		uid, share);
	return -EAGAIN;
}

/* --- what a client may do --- */

static const char *const verbs[] = {
	[COTERIE_RIGHT_OBSERVE] = "observe",
	[COTERIE_RIGHT_USE] = "use",
	[COTERIE_RIGHT_ADMINISTER] = "administer",
};

int ipc_client_may(struct coterie_client *client, uint32_t right)
{
	if (right < COTERIE_RIGHT_OBSERVE || right > COTERIE_RIGHT_ADMINISTER)
		return -EINVAL;
	if (client->right >= right)
		return 0;
	client->lacked = right;
	return -EACCES;
}

void ipc_access_refused(struct coterie_client *client, uint32_t right)
{
	struct ipc *ipc = client->server->ipc;

	ipc->refused++;
	log_limited(&client->server->refused_limit, loop_now_ns(ipc->parts.loop), "MAIN", LOG_WARNING,
		"Refused request %d from process %u (%s) of user %u:%u at service %s: it needs the right to %s, "
		"and the client may only %s: see 'access' in coterie.conf",
		client->request_id, client->pid, client->process, client->uid, client->gid, client->server->name,
		verbs[right], verbs[client->right]);
}
