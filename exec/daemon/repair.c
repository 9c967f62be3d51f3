/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exec/daemon/instance.h"
#include "exec/ring/state_dir.h"
#include "exec/totem/engine.h"

#define EXIT_RING_ID 21
#define SEQS_PER_SECOND 256u /* 64 rings */

/* Store the number, and keep the owner of the file: a daemon with its own user could not read a file of root. */
static int store_as_owner(const char *dir, uint32_t nodeid, uint64_t seq)
{
	struct stat status;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool is_other = uid == 0 && lstat(dir, &status) == 0 && status.st_uid != 0;

	if (is_other && (setegid(status.st_gid) < 0 || seteuid(status.st_uid) < 0))
		return -errno;
	int rc = state_ring_seq_store(dir, nodeid, seq);
	if (is_other && (seteuid(uid) < 0 || setegid(gid) < 0))
		return -errno;
	return rc;
}

static int repair(const char *dir, uint32_t nodeid)
{
	uint64_t seq;
	uint64_t repaired = (uint64_t)time(NULL) * SEQS_PER_SECOND;
	int rc = state_ring_seq_load(dir, nodeid, &seq);

	if (rc == 0 && seq <= TOTEM_RING_SEQ_JUMP_MAX) {
		printf("%s/ringid_%u: %" PRIx64 ", needs no repair\n", dir, nodeid, seq);
		return 0;
	}
	if (rc < 0 && rc != -EBADMSG) {
		fprintf(stderr, "Cannot read the stored ring id '%s/ringid_%u' (%s)\n", dir, nodeid, strerror(-rc));
		return EXIT_RING_ID;
	}
	int stored = store_as_owner(dir, nodeid, repaired);
	if (stored < 0) {
		fprintf(stderr, "Cannot store the ring id '%s/ringid_%u' (%s): check the folder and its file system\n",
			dir, nodeid, strerror(-stored));
		return EXIT_RING_ID;
	}
	if (rc < 0)
		printf("%s/ringid_%u: was damaged, is %" PRIx64 "\n", dir, nodeid, repaired);
	else
		printf("%s/ringid_%u: was %" PRIx64 ", is %" PRIx64 "; repair all nodes before you start one\n", dir,
			nodeid, seq, repaired);
	return 0;
}

int repair_ring_seq(const char *instance, const char *lock_file, const struct config *config)
{
	struct instance_dirs dirs;
	char error[5000];
	int code = instance_dirs_prepare(instance, config->state_dir, config->run_dir, &dirs, error, sizeof(error));

	dirs.lock_file = lock_file;
	int lock = code != 0 ? -code : instance_lock(&dirs, error, sizeof(error));
	if (lock < 0) {
		fprintf(stderr, "%s\n", error);
		return -lock;
	}
	code = repair(dirs.state, config->nodes[config->local].nodeid);
	instance_unlock(&dirs, lock);
	return code;
}
