/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services that are replaced while the ring runs, by the files of the build. A file does not replace itself, so there are
 * two of each: that of the build, and a copy.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/histories/play.h"

/* Not cfg, since client_cfg.c has put functions of its own into the host of that one. */
static const char *const names[HISTORY_REPLACED] = {"cpg", "evs", "quorum", "votequorum", "kv"};

static char folder[PATH_MAX - 32]; /* of the copies */

static void path_of(char *path, uint32_t which, bool is_copy)
{
	snprintf(path, PATH_MAX, "%s/%s.so", is_copy ? folder : PLUGIN_FOLDER, names[which]);
}

static void remove_copies(void)
{
	char path[PATH_MAX];

	for (uint32_t i = 0; i < HISTORY_REPLACED; i++) {
		path_of(path, i, true);
		unlink(path);
	}
	rmdir(folder);
}

static bool copy(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	bool is_good = in != NULL && out != NULL;

	for (size_t size; is_good && (size = fread(bytes, 1, sizeof(bytes), in)) > 0;)
		is_good = fwrite(bytes, 1, size, out) == size;
	is_good = is_good && ferror(in) == 0;
	if (in != NULL)
		fclose(in);
	if (out != NULL && fclose(out) != 0)
		is_good = false;
	return is_good;
}

int play_replace_begin(void)
{
	const char *above = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char from[PATH_MAX], to[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s/coterie-histories-XXXXXX", above) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	if (mkdtemp(folder) == NULL)
		return -errno;
	atexit(remove_copies);
	for (uint32_t i = 0; i < HISTORY_REPLACED; i++) {
		path_of(from, i, false);
		path_of(to, i, true);
		if (!copy(from, to))
			return -EIO;
	}
	return 0;
}

void play_replace(struct play *play, uint32_t node, uint32_t which)
{
	uint32_t bit = 1u << which;
	char path[PATH_MAX];

	if (which >= HISTORY_REPLACED || !testkit_is_up(play->kit, node) || play->is_stopping[node] ||
		testkit_self(play->kit, node, names[which]) == NULL)
		return;
	path_of(path, which, (play->copies[node] & bit) == 0);
	int rc = testkit_replace_file(play->kit, node, path);
	if (rc == 0) {
		play->copies[node] ^= bit;
		play->counts.replaced++;
	} else if (rc != -EAGAIN && rc != -EALREADY && rc != -ESRCH) {
		/* It does not hand its state over now, another change of a plugin is under way, or the node has ended. */
		play_break(play, "node %u does not replace %s: %s", node, names[which], testkit_error(play->kit));
	}
}
