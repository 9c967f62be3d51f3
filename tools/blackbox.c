/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/blackbox.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/cmap.h>
#include <qb/qblog.h>

#include "tools/common/reach.h"

/*
 * Request the daemon to write the file. The daemon acts on a change of the key, so the value is the present time.
 * @return false: the request failed
 */
static bool request_dump(cmap_handle_t map, const char *key)
{
	char now[32];

	snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	cs_error_t rc = cmap_set_string(map, key, now);
	if (rc != CS_OK)
		fprintf(stderr, "Failed to set key %s. Error %s\n", key, cs_strerror(rc));
	return rc == CS_OK;
}

/* Return whether FOLDER/SUB/fdata can be read. path: out: its path. */
static bool has_dump(const char *folder, const char *sub, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s%s%s/fdata", folder, sub[0] == '\0' ? "" : "/", sub);

	return length < PATH_MAX && access(path, R_OK) == 0;
}

/* Search the configured state folder of the daemon, or the usual state folders. */
static bool find_dump(const char *configured, char path[PATH_MAX])
{
	const char *instance = getenv("COTERIE_INSTANCE");

	if (instance == NULL)
		instance = "";
	if (configured != NULL)
		return has_dump(configured, instance, path);
	if (has_dump(LOCALSTATE_DIR "/lib/coterie", instance, path))
		return true;
	return instance[0] == '\0' && has_dump("/var/lib/corosync", "", path);
}

/*
 * Print the file. The result of libqb is ignored: libqb 2.0 returns an error even at the end of a good file, and success
 * for an empty one. But it prints nothing of a file that is no ring buffer, and this line where an entry is damaged. Other
 * lines begin with a severity in small letters. So its text is first written to memory.
 * @return whether the file was printed as a whole
 */
static bool print_dump(const char *path)
{
	static const char damage[] = "\nERROR Corrupt file";
	FILE *out = stdout;
	char *text = NULL;
	size_t size = 0;

	stdout = open_memstream(&text, &size);
	if (stdout == NULL) {
		stdout = out;
		return false;
	}
	(void)qb_log_blackbox_print_from_file(path);
	bool is_written = fclose(stdout) == 0;
	stdout = out;
	bool is_whole = is_written && size > 0 && strstr(text, damage) == NULL;

	if (text != NULL)
		fwrite(text, 1, size, stdout);
	free(text);
	return is_whole;
}

int blackbox_main(int argc, char **argv)
{
	char path[PATH_MAX];
	char *configured = NULL, *reason = NULL;
	bool is_old = false;
	cmap_handle_t map;

	(void)argc;
	(void)argv;
	cs_error_t rc = cmap_initialize(&map);
	if (rc == CS_OK) {
		if (cmap_get_string(map, "system.state_dir", &configured) != CS_OK)
			configured = NULL;
		request_dump(map, "runtime.blackbox.dump_state");
		bool is_requested = request_dump(map, "runtime.blackbox.dump_flight_data");
		is_old = cmap_get_string(map, "runtime.blackbox.dump_error", &reason) == CS_OK || !is_requested;
		if (is_old)
			fprintf(stderr, "The daemon has written no new flight recorder: %s\n",
				reason != NULL ? reason : "it was not requested");
		free(reason);
		cmap_finalize(map);
	} else {
		/* Continue, since there may be a file of an earlier daemon. */
		fprintf(stderr, "Failed to initialize the cmap API. Error %s\n", cs_strerror(rc));
		reach_warn("cmap", rc);
	}
	bool is_found = find_dump(configured, path);
	if (!is_found)
		fprintf(stderr, "corosync-blackbox: cannot read %s: %s; no flight recorder was written\n", path,
			strerror(errno));
	free(configured);
	if (!is_found)
		return EXIT_FAILURE;
	printf("Dumping the contents of %s\n", path);
	fflush(stdout);
	bool is_whole = print_dump(path);
	if (!is_whole)
		fprintf(stderr, "corosync-blackbox: %s is damaged, or no file of a flight recorder\n", path);
	return is_old || !is_whole ? EXIT_FAILURE : EXIT_SUCCESS;
}
