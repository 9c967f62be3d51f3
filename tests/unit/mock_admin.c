/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/mock_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copy into *to as many bytes as the caller's struct has. Its first member is its size. */
static void fill(void *to, const void *from, uint32_t size)
{
	uint32_t room;

	memcpy(&room, to, sizeof(room));
	if (room < size)
		size = room;
	memcpy((uint8_t *)to + sizeof(room), (const uint8_t *)from + sizeof(room), size - sizeof(room));
}

/* ---- Quorum -------------------------------------------------------------- */

static void forget_verdict(struct coterie_ctx *host)
{
	free((void *)(uintptr_t)host->quorum.members);
	free((void *)(uintptr_t)host->quorum.provider);
	host->quorum.members = NULL;
	host->quorum.provider = NULL;
}

void mock_quorum(struct coterie_ctx *host, bool is_quorate, const struct coterie_ring_id *ring, const uint32_t *members,
	uint32_t count, const char *provider)
{
	uint32_t *list = mock_need(malloc((count + 1) * sizeof(*list)));
	char *name = provider != NULL ? mock_need(strdup(provider)) : NULL;

	if (count > 0)
		memcpy(list, members, count * sizeof(*list));
	forget_verdict(host);
	host->quorum = (struct coterie_quorum){
		.size = sizeof(host->quorum),
		.is_quorate = is_quorate,
		.members = list,
		.member_count = count,
		.provider = name,
	};
	if (ring != NULL)
		host->quorum.ring = *ring;
	host->is_quorate = is_quorate;
	if (host->quorum_run != NULL)
		host->quorum_run(host->quorum_arg, &host->quorum);
}

static int host_quorum_publish(struct coterie_ctx *host, const struct coterie_quorum *quorum)
{
	if (host->publish_rc != 0)
		return host->publish_rc;
	host->verdicts++;
	host->votes_needed = quorum->needed;
	for (uint32_t i = 0; i < MOCK_VOTES; i++)
		host->votes[i] = quorum->votes != NULL && i < quorum->member_count ? quorum->votes[i] : 0;
	mock_quorum(host, quorum->is_quorate != 0, &quorum->ring, quorum->members, quorum->member_count, "mock");
	host->quorum.needed = quorum->needed;
	if (quorum->votes != NULL && quorum->member_count <= MOCK_VOTES)
		host->quorum.votes = host->votes;
	return 0;
}

static void host_quorum_get(struct coterie_ctx *host, struct coterie_quorum *quorum)
{
	host->quorum.is_quorate = host->is_quorate;
	fill(quorum, &host->quorum, sizeof(host->quorum));
}

static int host_quorum_watch(
	struct coterie_ctx *host, void (*run)(void *arg, const struct coterie_quorum *quorum), void *arg)
{
	if (host->quorum_run != NULL)
		return -EEXIST;
	host->quorum_run = run;
	host->quorum_arg = arg;
	return 0;
}

/* ---- Nodes --------------------------------------------------------------- */

static uint32_t host_is_safe_kept(struct coterie_ctx *host) { return host->is_safe_kept; }

void mock_node_status(struct coterie_ctx *host, const struct coterie_node_status *status)
{
	uint32_t place = 0;

	while (place < host->status_count && host->statuses[place].nodeid != status->nodeid)
		place++;
	if (place == host->status_count)
		host->statuses = mock_need(reallocarray(host->statuses, ++host->status_count, sizeof(*host->statuses)));
	host->statuses[place] = *status;
	host->statuses[place].size = sizeof(*status);
}

static int host_node_status(struct coterie_ctx *host, uint32_t nodeid, struct coterie_node_status *status)
{
	if (host->node_status_rc != 0)
		return host->node_status_rc;
	for (uint32_t i = 0; i < host->status_count; i++) {
		if (host->statuses[i].nodeid == nodeid) {
			fill(status, &host->statuses[i], sizeof(host->statuses[i]));
			return 0;
		}
	}
	return -ENOENT;
}

void mock_node_addresses(struct coterie_ctx *host, uint32_t nodeid, const char *const *addresses, uint32_t count)
{
	uint32_t place = 0;

	while (place < host->peer_count && host->peers[place].nodeid != nodeid)
		place++;

	/*
	 * Allocate the list again, as a reload does, so that a sanitizer finds a plugin that uses a borrowed pointer
	 * too long.
	 */
	uint32_t room = place == host->peer_count ? place + 1 : host->peer_count;
	struct mock_peer *list = mock_need(calloc(room, sizeof(*list)));

	if (host->peer_count > 0)
		memcpy(list, host->peers, host->peer_count * sizeof(*list));
	free(host->peers);
	host->peers = list;
	host->peer_count = room;

	struct mock_peer *peer = &host->peers[place];

	memset(peer, 0, sizeof(*peer));
	peer->nodeid = nodeid;
	for (uint32_t i = 0; i < count && i < COTERIE_LINKS_MAX; i++) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&peer->addresses[i];
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer->addresses[i];

		peer->link_count++;
		if (inet_pton(AF_INET, addresses[i], &v4->sin_addr) == 1) {
			v4->sin_family = AF_INET;
			v4->sin_port = htons(5405);
		} else if (inet_pton(AF_INET6, addresses[i], &v6->sin6_addr) == 1) {
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons(5405);
		}
	}
}

static int host_node_addresses(struct coterie_ctx *host, uint32_t nodeid, struct coterie_peer *peer)
{
	for (uint32_t i = 0; i < host->peer_count; i++) {
		const struct mock_peer *known = &host->peers[i];

		if (known->nodeid != nodeid)
			continue;
		struct coterie_peer found = {
			.nodeid = nodeid,
			.is_local = nodeid == host->nodeid,
			.link_count = known->link_count,
			.addresses = known->addresses,
		};
		fill(peer, &found, sizeof(found));
		return 0;
	}
	return -ENOENT;
}

/* ---- The end, reload, logs ----------------------------------------------- */

static void host_stop(struct coterie_ctx *host) { host->stops++; }

static void host_die(struct coterie_ctx *host, int32_t exit_status, const char *reason)
{
	host->deaths++;
	host->exit_status = exit_status;
	snprintf(host->reason, sizeof(host->reason), "%s", reason);
	if (host->on_die != NULL)
		longjmp(*host->on_die, 1);
}

static int host_reload(struct coterie_ctx *host, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	if (host->reload_rc != 0)
		return host->reload_rc;
	if (host->reload_count == sizeof(host->reloads) / sizeof(host->reloads[0]))
		return -ENOMEM;
	host->reloads[host->reload_count++] = (struct mock_reload){done, arg};
	return 0;
}

void mock_reload_done(struct coterie_ctx *host, int rc, const char *text)
{
	struct mock_reload first = host->reloads[0];

	if (host->reload_count == 0)
		abort(); /* an error of the test */
	memmove(host->reloads, host->reloads + 1, --host->reload_count * sizeof(first));
	first.done(first.arg, rc, text);
}

static int host_reload_prepare(struct coterie_ctx *host, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	if (host->prepare_rc != 0)
		return host->prepare_rc;
	if (host->prepare_count == sizeof(host->prepares) / sizeof(host->prepares[0]))
		return -ENOMEM;
	host->prepares[host->prepare_count++] = (struct mock_reload){done, arg};
	host->next_key_size = 0;
	return 0;
}

static int host_reload_with(
	struct coterie_ctx *host, uint32_t flags, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	host->reload_flags = flags;
	if ((flags & COTERIE_RELOAD_PREPARE) != 0)
		return host_reload_prepare(host, done, arg);
	return host_reload(host, done, arg);
}

void mock_prepare_done(struct coterie_ctx *host, int rc, const char *text)
{
	struct mock_reload first = host->prepares[0];

	if (host->prepare_count == 0)
		abort(); /* an error of the test */
	memmove(host->prepares, host->prepares + 1, --host->prepare_count * sizeof(first));
	host->is_kept = rc == 0;
	first.done(first.arg, rc, text);
}

static int host_reload_commit(struct coterie_ctx *host)
{
	if (host->is_delivering)
		return -EBUSY;
	if (!host->is_kept || host->next_key_size > 0)
		return -ENOENT;
	host->is_kept = false;
	host->table.map_delete(host, "config.reload_error_message"); /* the executive does the same */
	if (host->commit_rc == 0)
		host->commits++;
	if (host->commit_rc == 0 && host->on_commit != NULL)
		host->on_commit(host);
	return host->commit_rc;
}

static void host_reload_drop(struct coterie_ctx *host)
{
	if (host->next_key_size > 0)
		return;
	host->drops += host->is_kept;
	host->is_kept = false;
}

static int host_log_reopen(struct coterie_ctx *host)
{
	host->reopens++;
	return host->reopen_rc;
}

/* ---- State files --------------------------------------------------------- */

static struct mock_file *find_file(struct coterie_ctx *host, const char *name)
{
	for (size_t i = 0; i < sizeof(host->files) / sizeof(host->files[0]); i++) {
		if (strcmp(host->files[i].name, name) == 0)
			return &host->files[i];
	}
	return NULL;
}

static int host_state_file_read(struct coterie_ctx *host, const char *name, void *bytes, uint32_t size)
{
	const struct mock_file *file = find_file(host, name);

	if (host->state_file_rc != 0)
		return host->state_file_rc;
	if (file == NULL)
		return -ENOENT;
	memcpy(bytes, file->bytes, size < file->size ? size : file->size);
	return (int)file->size;
}

static int host_state_file_write(struct coterie_ctx *host, const char *name, const void *bytes, uint32_t size)
{
	struct mock_file *file = find_file(host, name);

	if (host->state_file_rc != 0)
		return host->state_file_rc;
	if (file == NULL)
		file = find_file(host, "");
	if (file == NULL || strlen(name) >= sizeof(file->name) || size > sizeof(file->bytes))
		return -ENOSPC;
	strcpy(file->name, name);
	file->size = size;
	memcpy(file->bytes, bytes, size);
	return 0;
}

static int host_state_file_write_once(struct coterie_ctx *host, const char *name, const void *bytes, uint32_t size)
{
	host->file_writes++;
	return host->store.name[0] != '\0' ? -EBUSY : host_state_file_write(host, name, bytes, size);
}

static int host_state_file_store(struct coterie_ctx *host, const char *name, const void *bytes, uint32_t size,
	void (*done)(void *arg, int rc), void *arg)
{
	host->file_stores++;
	if (host->store.name[0] != '\0')
		return -EAGAIN;
	if (strlen(name) >= sizeof(host->store.name) || size > sizeof(host->store.bytes))
		return -EMSGSIZE;
	strcpy(host->store.name, name);
	host->store.size = size;
	memcpy(host->store.bytes, bytes, size);
	host->store_done = done;
	host->store_arg = arg;
	return 0;
}

bool mock_store_run(struct coterie_ctx *host)
{
	struct mock_file store = host->store;

	if (store.name[0] == '\0')
		return false;
	host->store.name[0] = '\0';
	int rc = host_state_file_write(host, store.name, store.bytes, store.size);
	if (host->store_done != NULL)
		host->store_done(host->store_arg, rc);
	return true;
}

/* ---- Keys of an encrypted ring ------------------------------------------- */

void mock_key(struct coterie_ctx *host, const void *bytes, uint32_t size)
{
	free(host->key);
	host->key = bytes != NULL ? mock_need(malloc(size + 1)) : NULL;
	host->key_size = size;
	if (bytes != NULL)
		memcpy(host->key, bytes, size);
}

void mock_rekey(struct coterie_ctx *host)
{
	host->next_phase = COTERIE_REKEY_ACTIVATE;
	if (host->rekey_run != NULL)
		host->rekey_run(host->rekey_arg);
}

static int host_key_get(struct coterie_ctx *host, const void **bytes, uint32_t *size)
{
	if (host->key == NULL)
		return -ENODATA;
	*bytes = host->key;
	*size = host->key_size;
	return 0;
}

static int host_rekey_watch(struct coterie_ctx *host, void (*run)(void *arg), void *arg)
{
	if (host->rekey_run != NULL)
		return -EEXIST;
	host->rekey_run = run;
	host->rekey_arg = arg;
	return 0;
}

static int host_rekey(struct coterie_ctx *host, uint32_t phase)
{
	if (phase == 0 || phase != host->next_phase)
		return -EINVAL;
	if (host->rekey_rc != 0)
		return host->rekey_rc;
	if (host->rekey_count < sizeof(host->rekeys) / sizeof(host->rekeys[0]))
		host->rekeys[host->rekey_count++] = phase;
	host->next_phase = phase == COTERIE_REKEY_ACTIVATE ? COTERIE_REKEY_CLEANUP : 0;
	return 0;
}

/* ---- A new key ----------------------------------------------------------- */

static int host_key_prepare(struct coterie_ctx *host, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	int rc = host->key == NULL ? -ENODATA : host_reload_prepare(host, done, arg);

	if (rc == 0) {
		memcpy(host->next_key, key, size);
		host->next_key_size = size;
	}
	return rc;
}

static int host_key_commit(struct coterie_ctx *host, char *text, uint32_t size)
{
	snprintf(text, size, "%s", host->key_commit_rc != 0 ? "no room" : "");
	if (host->is_delivering)
		return -EBUSY;
	if (!host->is_kept || host->next_key_size == 0)
		return -ENOENT;
	host->is_kept = false;
	if (host->key_commit_rc != 0 && host->key_commit_rc != -EIO)
		return host->key_commit_rc;
	host->key_commits++;
	if (!host->is_key_ignored) {
		mock_key(host, host->next_key, host->next_key_size);
		mock_rekey(host);
	}
	return host->key_commit_rc;
}

static void host_key_drop(struct coterie_ctx *host)
{
	if (host->next_key_size == 0)
		return;
	host->key_drops += host->is_kept;
	host->is_kept = false;
}

static void host_key_leave(struct coterie_ctx *host)
{
	if (host->next_key_size == 0)
		return;
	host->key_leaves += host->is_kept;
	host->is_kept = false;
}

/* ---- Members that run the service ---------------------------------------- */

static int host_service_members(struct coterie_ctx *host, uint32_t *nodeids, uint32_t room)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < host->member_count; i++) {
		if (host->members[i] == host->without_service)
			continue;
		if (count < room)
			nodeids[count] = host->members[i];
		count++;
	}
	return (int)count;
}

/* ---- Life ---------------------------------------------------------------- */

void mock_admin_table(struct coterie_host *table)
{
	table->quorum_publish = host_quorum_publish;
	table->quorum_get = host_quorum_get;
	table->quorum_watch = host_quorum_watch;
	table->service_members = host_service_members;
	table->is_safe_kept = host_is_safe_kept;
	table->node_status = host_node_status;
	table->node_addresses = host_node_addresses;
	table->stop = host_stop;
	table->die = host_die;
	table->reload = host_reload;
	table->reload_prepare = host_reload_prepare;
	table->reload_with = host_reload_with;
	table->reload_commit = host_reload_commit;
	table->reload_drop = host_reload_drop;
	table->log_reopen = host_log_reopen;
	table->state_file_read = host_state_file_read;
	table->state_file_write = host_state_file_write_once;
	table->state_file_store = host_state_file_store;
	table->key_get = host_key_get;
	table->rekey_watch = host_rekey_watch;
	table->rekey = host_rekey;
	table->key_prepare = host_key_prepare;
	table->key_commit = host_key_commit;
	table->key_drop = host_key_drop;
	table->key_leave = host_key_leave;
}

void mock_admin_fini(struct coterie_ctx *host)
{
	forget_verdict(host);
	free(host->statuses);
	free(host->peers);
	free(host->key);
}
