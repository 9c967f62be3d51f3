/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The disk of a node in simulated time: the interface of exec/host/state_disk.h. A store ends after some time. It is one of
 * the effects after which a node may crash. If the node ends before the store has ended, the file is not stored.
 */
#include "exec/host/state_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "exec/loop/loop.h"
#include "exec/ring/state_dir.h"
#include "testkit/kit.h"

#define STORE_NS_MIN US(200)
#define STORE_NS_MAX MS(2)

struct state_disk {
	struct kit_node *node;
	struct loop *loop;
	struct loop_timer *timer; /* ends the store, or NULL: no store is under way */
	const char *name;
	const void *bytes;
	uint32_t size;
	void (*finished)(void *arg, int rc);
	void *arg;
};

struct state_disk *state_disk_create(struct loop *loop, const char *dir)
{
	struct state_disk *disk = kit_alloc(sizeof(*disk));

	(void)dir; /* not used: a crashed node has another folder */
	disk->node = kit_loop_node(loop);
	disk->loop = loop;
	return disk;
}

void state_disk_destroy(struct state_disk *disk)
{
	if (disk == NULL)
		return;
	loop_timer_del(disk->loop, disk->timer);
	free(disk);
}

static int try_replace(const struct kit_node *node, const char *name, const void *bytes, uint32_t size)
{
	if (node->disk_rc < 0)
		return node->disk_rc;
	int dir = open(node->executive.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	int rc = state_file_replace(dir, name, bytes, size);
	close(dir);
	return rc;
}

static int replace(const struct state_disk *disk, const char *name, const void *bytes, uint32_t size)
{
	int rc = try_replace(disk->node, name, bytes, size);

	disk->node->failed_stores += rc < 0;
	return rc;
}

/* Store a file, and stop the node until the store has ended. */
int state_disk_write(struct state_disk *disk, const char *name, const void *bytes, uint32_t size)
{
	uint64_t until_ns = loop_now_ns(disk->loop) + disk->node->disk_ns;

	if (disk->node->disk_ns > 0 && disk->node->resume_ns < until_ns)
		disk->node->resume_ns = until_ns;
	return replace(disk, name, bytes, size);
}

static void on_end(void *arg)
{
	struct state_disk *disk = arg;

	disk->timer = NULL;
	if (kit_effect(disk->node))
		disk->finished(disk->arg, replace(disk, disk->name, disk->bytes, disk->size));
}

int state_disk_begin(struct state_disk *disk, const char *name, const void *bytes, uint32_t size,
	void (*finished)(void *arg, int rc), void *arg)
{
	uint64_t took_ns = random_between(&disk->node->kit->random, STORE_NS_MIN, STORE_NS_MAX);

	if (disk->node->disk_ns > took_ns)
		took_ns = disk->node->disk_ns;
	disk->name = name;
	disk->bytes = bytes;
	disk->size = size;
	disk->finished = finished;
	disk->arg = arg;
	disk->timer = loop_timer_add(disk->loop, loop_now_ns(disk->loop) + took_ns, on_end, disk);
	return 0;
}

/* Wait for the disk: called when a node ends without a crash. */
int state_disk_finish(struct state_disk *disk)
{
	if (disk->timer == NULL)
		return 0;
	loop_timer_del(disk->loop, disk->timer);
	disk->timer = NULL;
	return replace(disk, disk->name, disk->bytes, disk->size);
}
