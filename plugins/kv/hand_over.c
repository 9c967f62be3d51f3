/*
 * The state for a new version of this plugin: a head, then members, entries in the order of their changes, clients with
 * their watches, and running requests. It is in the byte order of the machine. A new layout gets a new magic number.
 *
 * Each behaviour that all members of a ring have agreed on has a magic number of its own, and head.level is its place among
 * them. A version that does not know the behaviour refuses the state, since it would decide otherwise than the others. In a
 * ring with an older version this does not happen.
 *
 * Level 1: all can forget a member that unloads the service. Level 2: all tell the others that their markers are stored, too.
 *
 * A hand-over waits until the ring does not change and no state is being sent.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

struct head {
	char magic[8];
	struct kv_state_id state;
	struct kv_progress progress;
	struct kv_ring ring;
	uint64_t bytes_max, told_bytes_max, last_serial, entry_count;
	uint32_t member_count, pending_count, client_count;
	uint8_t has_state, is_keeping, is_serving, has_formed, is_waiting, has_told, told_quorate, level;
};

/* Level 2: behind the head. */
struct saved_storing {
	uint8_t is_fresh, has_survived, is_storing, pad[5];
};

#define SAVED_HAS_LEFT 1u
#define SAVED_HAS_STORED 2u

struct saved_member {
	uint32_t nodeid, marker_count;
	uint8_t has_announced, has_state, is_quorate, has_marker;
	uint32_t flags;
	struct kv_state_id state;
	struct kv_progress progress;
	uint64_t bytes_max;
	struct kv_ring marker;
};

struct saved_entry {
	uint64_t created, modified;
	uint32_t key_size, value_size;
	uint64_t is_deleted;
};

struct saved_pending {
	uint64_t client, serial, revision;
	uint32_t request, size;
	int32_t error;
	uint32_t is_held;
};

struct saved_client {
	uint64_t client, unread;
	uint32_t last_watch, watch_count;
};

struct saved_watch {
	uint32_t number, prefix_size, has_missed, pad;
};

static const char magics[3][8] = {"kvstate1", "kvstate2", "kvstate3"}; /* by level */

/* ---- Writing ------------------------------------------------------------- */

static void put_members(struct coterie_state_writer *writer, const struct kv *kv)
{
	for (uint32_t i = 0; i < kv->member_count; i++) {
		const struct kv_member *member = &kv->members[i];
		struct saved_member saved = {
			.nodeid = member->nodeid,
			.marker_count = member->marker.count,
			.has_announced = member->has_announced,
			.has_state = member->has_state,
			.is_quorate = member->is_quorate,
			.has_marker = member->has_marker,
			.flags = (member->has_left ? SAVED_HAS_LEFT : 0) | (member->has_stored ? SAVED_HAS_STORED : 0),
			.state = member->state,
			.progress = member->progress,
			.bytes_max = member->bytes_max,
			.marker = member->marker.ring,
		};

		coterie_state_put(writer, &saved, sizeof(saved));
		coterie_state_put(writer, member->marker.members, member->marker.count * sizeof(uint32_t));
	}
}

static void put_entries(struct coterie_state_writer *writer, const struct kv *kv)
{
	for (const struct kv_entry *entry = kv->store.oldest; entry != NULL; entry = entry->newer) {
		struct saved_entry saved = {.created = entry->created,
			.modified = entry->modified,
			.key_size = entry->key_size,
			.value_size = entry->value_size,
			.is_deleted = entry->is_deleted};

		coterie_state_put(writer, &saved, sizeof(saved));
		coterie_state_put(writer, entry->key, entry->key_size);
		coterie_state_put(writer, entry->value, entry->value_size);
	}
}

/* Return the number of a request's client, or UINT64_MAX if the client has disconnected. */
static uint64_t id_of(const struct kv *kv, struct coterie_client *client)
{
	return client == NULL ? UINT64_MAX : kv->host->client_id(client);
}

static uint32_t put_pending(struct coterie_state_writer *writer, const struct kv *kv)
{
	uint32_t count = 0;

	for (const struct kv_pending *pending = kv->pending; pending != NULL; pending = pending->next) {
		struct saved_pending saved = {.client = id_of(kv, pending->client),
			.serial = pending->serial,
			.revision = pending->revision,
			.request = pending->request,
			.size = pending->size,
			.error = pending->error,
			.is_held = pending->is_held};

		coterie_state_put(writer, &saved, sizeof(saved));
		coterie_state_put(writer, pending->msg, pending->size);
		count++;
	}
	return count;
}

static uint32_t put_clients(struct coterie_state_writer *writer, const struct kv *kv)
{
	uint32_t count = 0;

	for (const struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		struct saved_client saved = {.client = id_of(kv, client->client),
			.unread = client->unread,
			.last_watch = client->last_watch,
			.watch_count = client->watch_count};

		coterie_state_put(writer, &saved, sizeof(saved));
		for (const struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next) {
			struct saved_watch one = {.number = watch->number,
				.prefix_size = watch->prefix_size,
				.has_missed = watch->has_missed};

			coterie_state_put(writer, &one, sizeof(one));
			coterie_state_put(writer, watch->prefix, watch->prefix_size);
		}
		count++;
	}
	return count;
}

int kv_state_save(void *self, void **blob, uint32_t *size)
{
	struct kv *kv = self;
	struct coterie_state_writer writer = {.bytes = NULL};
	struct head head = {
		.state = kv->state,
		.progress = kv->progress,
		.ring = kv->ring,
		.bytes_max = kv->bytes_max,
		.told_bytes_max = kv->told_bytes_max,
		.last_serial = kv->last_serial,
		.entry_count = kv->store.keys + kv->store.tombs,
		.member_count = kv->member_count,
		.has_state = kv->has_state,
		.is_keeping = kv->is_keeping,
		.is_serving = kv->is_serving,
		.has_formed = kv->has_formed,
		.is_waiting = kv->is_waiting,
		.has_told = kv->has_told,
		.told_quorate = kv->told_quorate,
		.level = !kv->can_forget    ? 0
			 : !kv->tells_store ? 1
					    : 2,
	};

	const struct saved_storing storing = {
		.is_fresh = kv->is_fresh, .has_survived = kv->has_survived, .is_storing = kv->is_storing};

	if (kv->is_syncing || kv->is_transitional || kv->donor != 0 || kv->needs_standing || kv->needs_stored ||
		kv->stores > 0 || (kv->is_fresh && head.level < 2) || (!kv->has_state && head.entry_count > 0))
		return -EAGAIN;
	if (!COTERIE_HAS(kv->host, client_find))
		return -ENOTSUP;
	kv_due_end(kv, KV_TRY_AGAIN);
	memcpy(head.magic, magics[head.level], sizeof(head.magic));
	coterie_state_put(&writer, &head, sizeof(head));
	if (head.level >= 2)
		coterie_state_put(&writer, &storing, sizeof(storing));
	put_members(&writer, kv);
	put_entries(&writer, kv);
	head.client_count = put_clients(&writer, kv);
	head.pending_count = put_pending(&writer, kv);
	if (!writer.has_failed)
		memcpy(writer.bytes, &head, sizeof(head)); /* write the head again, with the final counts */
	return coterie_state_end(&writer, blob, size);
}

/* ---- Reading ------------------------------------------------------------- */

static bool get(struct coterie_state_reader *reader, void *value, uint32_t size)
{
	coterie_state_take(reader, value, size);
	return !reader->has_failed;
}

static int get_members(struct coterie_state_reader *reader, struct kv *kv, uint32_t count)
{
	kv->members = count <= KV_MEMBERS_MAX ? calloc(count + 1, sizeof(*kv->members)) : NULL;
	if (kv->members == NULL)
		return count <= KV_MEMBERS_MAX ? -ENOMEM : -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		struct kv_member *member = &kv->members[i];
		struct saved_member saved;

		if (!get(reader, &saved, sizeof(saved)) || saved.marker_count > KV_MEMBERS_MAX)
			return -EINVAL;

		const uint8_t *list = coterie_state_view(reader, saved.marker_count * (uint32_t)sizeof(uint32_t));
		uint32_t *members = calloc(saved.marker_count + 1, sizeof(uint32_t));

		if (list == NULL || members == NULL) {
			free(members);
			return list == NULL ? -EINVAL : -ENOMEM;
		}
		memcpy(members, list, saved.marker_count * sizeof(uint32_t));
		*member = (struct kv_member){
			.nodeid = saved.nodeid,
			.has_announced = saved.has_announced != 0,
			.has_state = saved.has_state != 0,
			.is_quorate = saved.is_quorate != 0,
			.has_marker = saved.has_marker != 0,
			.has_left = (saved.flags & SAVED_HAS_LEFT) != 0,
			.has_stored = (saved.flags & SAVED_HAS_STORED) != 0,
			.state = saved.state,
			.progress = saved.progress,
			.bytes_max = saved.bytes_max,
			.marker = {saved.marker, members, saved.marker_count},
		};
		kv->member_count++;
	}
	return 0;
}

static int get_entries(struct coterie_state_reader *reader, struct kv *kv, uint64_t count)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct saved_entry saved;

		if (!get(reader, &saved, sizeof(saved)) || saved.key_size < 1 || saved.key_size > KV_KEY_MAX ||
			saved.value_size > KV_VALUE_MAX || saved.modified <= last ||
			saved.modified > kv->state.revision)
			return -EINVAL;
		last = saved.modified;

		const uint8_t *bytes = coterie_state_view(reader, saved.key_size + saved.value_size);

		if (bytes == NULL)
			return -EINVAL;

		int rc = saved.is_deleted != 0 ? kv_store_delete(&kv->store, bytes, saved.key_size, last, true)
					       : kv_store_put(&kv->store, bytes, saved.key_size, bytes + saved.key_size,
							 saved.value_size, last, saved.created);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int get_pending(struct coterie_state_reader *reader, struct kv *kv, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct saved_pending saved;
		const uint8_t *msg;

		if (!get(reader, &saved, sizeof(saved)))
			return -EINVAL;
		msg = coterie_state_view(reader, saved.size);
		if (msg == NULL || saved.request > KV_REQ_RECOVER)
			return -EINVAL;

		struct kv_pending *pending = calloc(1, sizeof(*pending) + saved.size);

		if (pending == NULL)
			return -ENOMEM;
		pending->client = kv->host->client_find(kv->ctx, saved.client);
		pending->serial = saved.serial;
		pending->revision = saved.revision;
		pending->request = saved.request;
		pending->size = saved.size;
		pending->error = saved.error;
		pending->is_held = saved.is_held != 0;
		if (saved.size > 0)
			memcpy(pending->msg, msg, saved.size);
		if (pending->client != NULL) {
			kv_client_of(kv, pending->client)->pending++;
		}
		*kv->pending_end = pending;
		kv->pending_end = &pending->next;
	}
	return 0;
}

static int get_watches(
	struct coterie_state_reader *reader, struct kv *kv, struct coterie_client *client, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct saved_watch saved;
		const uint8_t *prefix;
		uint32_t number;

		if (!get(reader, &saved, sizeof(saved)) || saved.prefix_size > KV_KEY_MAX)
			return -EINVAL;
		prefix = coterie_state_view(reader, saved.prefix_size);
		if (prefix == NULL)
			return -EINVAL;
		if (client == NULL)
			continue;

		int rc = kv_watch_add(kv, client, prefix, saved.prefix_size, &number);

		if (rc < 0)
			return rc;

		struct kv_client *data = kv_client_of(kv, client);

		data->watches->number = saved.number;
		data->watches->has_missed = saved.has_missed != 0;
	}
	return 0;
}

static int get_clients(struct coterie_state_reader *reader, struct kv *kv, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct saved_client saved;

		if (!get(reader, &saved, sizeof(saved)))
			return -EINVAL;

		struct coterie_client *client = kv->host->client_find(kv->ctx, saved.client);
		int rc = client == NULL ? 0 : kv_client_join(kv, client);

		if (rc == 0)
			rc = get_watches(reader, kv, client, saved.watch_count);

		if (rc < 0)
			return rc;
		if (client != NULL) {
			struct kv_client *data = kv_client_of(kv, client);

			data->unread = saved.unread;
			data->last_watch = saved.last_watch;
		}
	}
	return 0;
}

int kv_state_load(void *self, const void *blob, uint32_t size)
{
	struct kv *kv = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};
	struct head head;

	if (!get(&reader, &head, sizeof(head)) || head.level >= sizeof(magics) / sizeof(magics[0]) ||
		memcmp(head.magic, magics[head.level], sizeof(head.magic)) != 0 || !COTERIE_HAS(kv->host, client_find))
		return -ENOTSUP;
	kv->state = head.state;
	kv->progress = head.progress;
	kv->ring = head.ring;
	kv->bytes_max = head.bytes_max;
	kv->told_bytes_max = head.told_bytes_max;
	kv->last_serial = head.last_serial;
	kv->has_state = head.has_state != 0;
	kv->is_keeping = head.is_keeping != 0;
	kv->is_serving = head.is_serving != 0;
	kv->has_formed = head.has_formed != 0;
	kv->is_waiting = head.is_waiting != 0;
	kv->has_told = head.has_told != 0;
	kv->told_quorate = head.told_quorate != 0;
	kv->can_forget = head.level >= 1;
	kv->tells_store = head.level >= 2;

	struct saved_storing storing = {0};
	int rc = head.level >= 2 && !get(&reader, &storing, sizeof(storing)) ? -EINVAL : 0;

	kv->is_fresh = storing.is_fresh != 0;
	kv->has_survived = storing.has_survived != 0;
	kv->is_storing = storing.is_storing != 0;
	if (rc == 0)
		rc = get_members(&reader, kv, head.member_count);
	if (rc == 0)
		rc = get_entries(&reader, kv, head.entry_count);
	if (rc == 0)
		rc = get_clients(&reader, kv, head.client_count);
	if (rc == 0)
		rc = get_pending(&reader, kv, head.pending_count);
	if (rc == 0 && !coterie_state_is_whole(&reader))
		rc = -EINVAL;
	if (rc == 0 && !kv->is_keeping) { /* the old version may have freed only some of the deletions, so free the
					   * others */
		kv_store_purge(&kv->store, UINT64_MAX);
		kv_sweep(kv);
	}
	if (rc == 0) {
		kv_notice(kv); /* send a notice if the options of the new version differ */
		kv_watch_resume(kv);
	}
	return rc;
}
