/* SPDX-License-Identifier: BSD-3-Clause */
/* Guests: connections of nodes whose neighbour is this node. Accept them, check who they are, and report their ends. */
#include "transports/common/tripwire_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "transports/common/socket.h"

/* Connections that the kernel keeps until they are accepted. Any host can open some, so there must be room for more. */
#define BACKLOG 512
#define ACCEPTS_MAX 8 /* connections accepted at a time, before the loop handles other events */
/*
 * Most guests without a node id from one address: a connection that its node has given up, and the next one. Each
 * address has places of its own. Otherwise a user of one node's host could throw out the connections of all other nodes.
 */
#define NAMELESS_MAX 2u

/* Close a connection and free the guest. */
static void guest_close(struct tripwire_guest *guest)
{
	struct tripwire_guest **place = &guest->wire->guests;

	while (*place != guest)
		place = &(*place)->next;
	*place = guest->next;
	tripwire_drop_fd(guest->wire, &guest->fd);
	free(guest);
}

/* Report the end of a guest, if it has a node id, and close it. */
static void guest_end(struct tripwire_guest *guest, uint32_t how)
{
	struct tripwire *wire = guest->wire;
	uint32_t nodeid = guest->nodeid;

	if (how == COTERIE_WATCH_OFF)
		tripwire_say_goodbye(guest->fd, &guest->proof);
	guest_close(guest); /* frees the guest */
	wire->host->log(wire->ctx, LOG_DEBUG, "the watch of node %u %s", nodeid,
		how == COTERIE_WATCH_OFF ? "has ended" : "broke");
	tripwire_report(wire, nodeid, how);
}

static void guest_dismiss(struct tripwire_guest *guest)
{
	if (guest->nodeid != 0)
		guest_end(guest, COTERIE_WATCH_OFF);
	else
		guest_close(guest);
}

/*
 * Give a guest its node id. Of several connections of a node only the newest counts: the node has lost the other ones,
 * or its host has ended without closing them.
 */
static void guest_named(struct tripwire_guest *guest, uint32_t nodeid)
{
	struct tripwire *wire = guest->wire;
	struct tripwire_guest *other, *next;
	uint32_t named = 0;

	for (other = wire->guests; other != NULL; other = next) {
		next = other->next;
		if (other->nodeid == nodeid)
			guest_end(other, COTERIE_WATCH_OFF);
		else
			named += other->nodeid != 0;
	}
	if (named >= TRIPWIRE_GUESTS_MAX) {
		guest_close(guest);
		return;
	}
	if (!guest->proof.is_complete && !tripwire_greet(wire, guest->fd, nodeid)) {
		guest_close(guest);
		return;
	}
	guest->nodeid = nodeid;
	wire->host->log(wire->ctx, LOG_DEBUG, "the watch of node %u is on", nodeid);
	tripwire_report(wire, nodeid, COTERIE_WATCH_ON);
}

static bool guest_is_at_home(const struct tripwire_guest *guest, uint32_t nodeid)
{
	const struct peer *peer = peers_find(guest->wire->peers, nodeid);
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);

	return peer != NULL && !peer->is_local && getpeername(guest->fd, (struct sockaddr *)&from, &size) == 0 &&
	       address_equal((struct sockaddr *)&from, (const struct sockaddr *)&peer->address);
}

/* Read a guest's claim, and then its proof. The guest gets its node id only after the proof. */
static void guest_proves(struct tripwire_guest *guest)
{
	bool has_claimed = guest->proof.nodeid != 0;
	int error;

	/* The node may have got another address meanwhile, or none. */
	if (has_claimed && tripwire_proof_check(guest->wire, guest->fd, &guest->proof, &error) &&
		guest_is_at_home(guest, guest->proof.nodeid))
		guest_named(guest, guest->proof.nodeid);
	else if (!has_claimed && tripwire_proof_answer(guest->wire, guest->fd, &guest->proof, &error) &&
		 guest_is_at_home(guest, guest->proof.nodeid))
		return;
	else if (error != EAGAIN)
		guest_close(guest);
}

static void guest_greets(struct tripwire_guest *guest)
{
	uint32_t nodeid;
	int error;

	if (tripwire_proves(guest->wire) || guest->proof.nodeid != 0)
		guest_proves(guest);
	else if (tripwire_read_greeting(guest->wire, guest->fd, &nodeid, &error) && guest_is_at_home(guest, nodeid))
		guest_named(guest, nodeid);
	else if (error != EAGAIN)
		guest_close(guest);
}

/* Read a guest's greeting, or the end of its connection. A guest that sends anything else is disconnected. */
static void guest_ready(void *arg, int fd, uint32_t revents)
{
	struct tripwire_guest *guest = arg;
	struct tripwire *wire = guest->wire; /* the guest may be freed meanwhile */

	(void)revents;
	if (guest->nodeid == 0) {
		guest_greets(guest);
	} else {
		uint32_t how = tripwire_read_end(fd, &guest->proof);

		if (how != COTERIE_WATCH_ON)
			guest_end(guest, how);
	}
	tripwire_flush(wire);
}

/* If this address has too many guests that have no node id yet, close the oldest of these, and no guest of another one. */
static void guest_make_room(struct tripwire *wire, const struct sockaddr *from)
{
	struct tripwire_guest *oldest = NULL;
	uint32_t nameless = 0;

	/* The newest guests are first in the list. */
	for (struct tripwire_guest *guest = wire->guests; guest != NULL; guest = guest->next) {
		if (guest->nodeid == 0 && address_equal((struct sockaddr *)&guest->from, from)) {
			nameless++;
			oldest = guest;
		}
	}
	if (nameless >= NAMELESS_MAX)
		guest_close(oldest);
}

/* Add a guest. A connection from an address that no other node has is closed at once, and takes no place. */
static void guest_take(struct tripwire *wire, int fd, const struct sockaddr *from)
{
	const struct peer *peer = peers_find_address(wire->peers, from);
	struct tripwire_guest *guest = peer == NULL || peer->is_local ? NULL : calloc(1, sizeof(*guest));

	if (guest == NULL || wire->host->fd_add(wire->ctx, fd, COTERIE_FD_IN, 0, guest_ready, guest) < 0) {
		free(guest);
		close(fd);
		return;
	}
	guest_make_room(wire, from);
	tripwire_tune(fd);
	socket_mark(fd, wire->local.ss_family, wire->dscp);
	guest->wire = wire;
	guest->fd = fd;
	memcpy(&guest->from, from, address_size(from));
	guest->next = wire->guests;
	wire->guests = guest;
}

static void on_connection(void *arg, int fd, uint32_t revents)
{
	struct tripwire *wire = arg;

	(void)revents;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		int guest = accept4(fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (guest >= 0) {
			guest_take(wire, guest, (struct sockaddr *)&from);
			continue;
		}
		/*
		 * A connection that cannot be accepted would stay in the queue and wake the loop again and again. So
		 * stop listening until the next ring.
		 */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			tripwire_drop_fd(wire, &wire->listen_fd);
		return;
	}
}

static int open_listener(struct tripwire *wire)
{
	const struct sockaddr *local = (const struct sockaddr *)&wire->local;
	int fd = tripwire_socket(wire, local);
	int rc;

	if (fd < 0)
		return fd;
	/* Connections of an earlier run of the daemon may be in TIME_WAIT. */
	socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, local, address_size(local)) < 0 || listen(fd, BACKLOG) < 0)
		rc = -errno;
	else
		rc = wire->host->fd_add(wire->ctx, fd, COTERIE_FD_IN, 0, on_connection, wire);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	wire->listen_fd = fd;
	return 0;
}

void tripwire_listen(struct tripwire *wire)
{
	char text[ADDRESS_TEXT_SIZE];
	int rc = wire->is_wanted && wire->has_local && wire->listen_fd < 0 ? open_listener(wire) : 0;

	if (rc == 0 || rc == -EADDRNOTAVAIL || wire->has_told)
		return;
	wire->has_told = true;
	wire->host->log(wire->ctx, LOG_INFO,
		"cannot listen on TCP %s: %s; other nodes notice by packets alone when this one dies",
		address_text((const struct sockaddr *)&wire->local, text), strerror(-rc));
}

/* Guests that have sent no greeting yet stay: they can still prove that they have the key. */
void tripwire_dismiss_unproved(struct tripwire *wire, uint32_t key)
{
	struct tripwire_guest *guest, *next;

	for (guest = wire->guests; guest != NULL; guest = next) {
		bool has_greeted = guest->nodeid != 0 || guest->proof.nodeid != 0;

		next = guest->next;
		if (has_greeted && guest->proof.key != key)
			guest_dismiss(guest);
	}
}

void tripwire_dismiss(struct tripwire *wire, uint32_t nodeid)
{
	const struct peer *peer = peers_find(wire->peers, nodeid);
	struct tripwire_guest *guest, *next;

	for (guest = wire->guests; guest != NULL; guest = next) {
		bool is_from_there = peer != NULL && address_equal((struct sockaddr *)&guest->from,
							     (const struct sockaddr *)&peer->address);

		next = guest->next;
		if (nodeid == 0 || guest->nodeid == nodeid || (guest->nodeid == 0 && is_from_there))
			guest_dismiss(guest);
	}
	if (nodeid == 0)
		tripwire_drop_fd(wire, &wire->listen_fd);
}
