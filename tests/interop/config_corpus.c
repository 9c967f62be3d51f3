/* SPDX-License-Identifier: BSD-3-Clause */
/* config_corpus FOLDER: write the generated corosync.conf files as FOLDER/NUMBER/corosync.conf. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/config/config_corpus.h"

static int write_one(const char *folder, uint32_t number)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%u", folder, number);
	if (mkdir(path, 0700) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/%u/corosync.conf", folder, number);
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return -errno;
	config_corpus_write(out, number);
	return fclose(out) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (uint32_t number = 0; number < CONFIG_CORPUS_COUNT; number++) {
		int rc = write_one(argv[1], number);

		if (rc < 0) {
			fprintf(stderr, "%s: %s\n", argv[1], strerror(-rc));
			return 1;
		}
	}
	return 0;
}
