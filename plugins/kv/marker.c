/*
 * The marker: a small file from which a node reads, after a restart, the last epoch that it was in, and the members of
 * that epoch. Little-endian: "kv1\n", 4 bytes of zero, the ring (16 bytes), the number of members, 4 bytes of zero, and
 * the node ids of the members.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARKER_NAME "kv"

struct marker_file {
	char magic[8];
	struct kv_wire_ring ring;
	uint32_t count, pad;
	uint32_t members[];
};
KV_SIZE(marker_file, 32);

static const char magic[8] = "kv1\n";

static bool marker_parse(struct kv *kv, const struct marker_file *file, int size)
{
	uint32_t count = le32toh(file->count);

	if (size < (int)sizeof(*file) || memcmp(file->magic, magic, sizeof(magic)) != 0 || count == 0 ||
		count > KV_MEMBERS_MAX || (size_t)size != sizeof(*file) + count * sizeof(uint32_t))
		return false;
	kv->marker.members = calloc(count, sizeof(uint32_t));
	if (kv->marker.members == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++)
		kv->marker.members[i] = le32toh(file->members[i]);
	kv->marker.count = count;
	kv->marker.ring = kv_ring_from_wire(&file->ring);
	return true;
}

void kv_marker_load(struct kv *kv)
{
	uint32_t room = sizeof(struct marker_file) + KV_MEMBERS_MAX * sizeof(uint32_t);
	struct marker_file *file = calloc(1, room);
	int size = file == NULL ? -ENOMEM : kv->host->state_file_read(kv->ctx, MARKER_NAME, file, room);

	if (size != -ENOENT && (size < 0 || !marker_parse(kv, file, size)))
		kv->host->log(kv->ctx, LOG_ERR,
			"the file %s in the state folder cannot be read (%s): this node counts as one "
			"that never had a part of the table",
			MARKER_NAME, size < 0 ? strerror(-size) : "damaged");
	free(file);
}

static void complain(const struct kv *kv, int rc)
{
	kv->host->log(kv->ctx, LOG_ERR,
		"cannot write the file %s in the state folder (%s): if this node restarts, "
		"acknowledged writes may be forgotten",
		MARKER_NAME, strerror(-rc));
}

static void on_stored(void *arg, int rc);

/* Store the marker. is_behind: the store goes on behind this call, and on_stored is called. */
static int marker_write(struct kv *kv, bool is_behind)
{
	uint32_t size = sizeof(struct marker_file) + kv->marker.count * (uint32_t)sizeof(uint32_t);
	struct marker_file *file = calloc(1, size);

	if (file == NULL)
		return -ENOMEM;
	memcpy(file->magic, magic, sizeof(magic));
	file->ring = kv_ring_to_wire(&kv->marker.ring);
	file->count = htole32(kv->marker.count);
	for (uint32_t i = 0; i < kv->marker.count; i++)
		file->members[i] = htole32(kv->marker.members[i]);

	int rc = is_behind ? kv->host->state_file_store(kv->ctx, MARKER_NAME, file, size, on_stored, kv)
			   : kv->host->state_file_write(kv->ctx, MARKER_NAME, file, size);

	free(file);
	return rc;
}

/* Stores are done in their order, so the newest marker is the last one. */
static void store_behind(struct kv *kv)
{
	int rc = marker_write(kv, true);

	if (rc < 0)
		complain(kv, rc);
	else
		kv->stores++;
}

/* Let the other members serve, since the marker is stored, or will not be in time. */
static void tell_stored(struct kv *kv)
{
	kv_marker_forget(kv);
	kv->needs_stored = true;
	kv_notice(kv);
}

static void on_stored(void *arg, int rc)
{
	struct kv *kv = arg;

	kv->stores--;
	if (rc < 0)
		complain(kv, rc);
	if (kv->stores == 0 && kv->awaits_store)
		tell_stored(kv);
}

static void on_late(void *arg)
{
	struct kv *kv = arg;

	kv->store_timer = NULL;
	kv_marker_late(kv);
	tell_stored(kv);
}

/* Store the marker, and tell the other members when it is stored. */
static void store_and_tell(struct kv *kv)
{
	uint64_t late_ns = kv->host->now_ns(kv->ctx) + KV_STORE_NS;

	kv_marker_forget(kv); /* of the same ring */
	store_behind(kv);
	kv->awaits_store = true;
	if (kv->stores == 0)
		tell_stored(kv);
	else if (kv->host->timer_add(kv->ctx, late_ns, on_late, kv, &kv->store_timer) < 0)
		on_late(kv); /* the other members must not wait for a disk that may hang */
}

void kv_marker_forget(struct kv *kv)
{
	kv->host->timer_del(kv->ctx, kv->store_timer);
	kv->store_timer = NULL;
	kv->awaits_store = kv->needs_stored = false;
}

/* Let the marker name this ring and its members. @return false: out of memory */
static bool marker_set(struct kv *kv)
{
	uint32_t *members = calloc(kv->member_count + 1, sizeof(uint32_t));

	if (members == NULL)
		return false;
	free(kv->marker.members);
	kv->marker.members = members;
	kv->marker.count = 0;
	kv->marker.ring = kv->ring;
	for (uint32_t i = 0; i < kv->member_count; i++) {
		if (kv_member_counts(&kv->members[i]))
			members[kv->marker.count++] = kv->members[i].nodeid;
	}
	return true;
}

void kv_marker_store(struct kv *kv)
{
	if (!marker_set(kv)) {
		complain(kv, -ENOMEM);
		if (kv->is_storing)
			tell_stored(kv);
	} else if (kv->is_storing) {
		store_and_tell(kv);
	} else if (COTERIE_HAS(kv->host, state_file_store) && (kv->is_syncing || kv->stores > 0)) {
		store_behind(kv);
		if (!kv->is_syncing)
			kv_marker_late(kv);
	} else {
		int rc = marker_write(kv, false);

		if (rc < 0)
			complain(kv, rc);
	}
}

void kv_marker_late(struct kv *kv)
{
	kv->host->log(kv->ctx, LOG_WARNING,
		"the disk is slow: the file %s in the state folder is not stored yet; if this node ends before it is, "
		"acknowledged writes may be forgotten",
		MARKER_NAME);
}
