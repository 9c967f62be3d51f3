/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/tool/cmapctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/cmap/tool/follow.h"
#include "services/cmap/tool/keys.h"
#include "tools/common/reach.h"

enum {
	CONNECT_TRIES = 11, /* the tries are one second apart */
};

/* The options of the command line. */
struct request {
	int action; /* option letter; 0: list keys */
	const char *settings;
	const char *clear;
	cmap_map_t map;
	struct key_format format;
};

static const char usage[] = "\n"
			    "usage:  corosync-cmapctl [-b] [-DdghsqTCt] [-p filename] [-m map] [params...]\n"
			    "\n"
			    "    -b show binary values\n"
			    "\n"
			    "    -m select map to use\n"
			    "          The  default  map is 'icmap' which contains configuration information and some "
			    "runtime "
			    "variables used by corosync. \n"
			    "          A 'stats' map is also available which displays network statistics - in great "
			    "detail when "
			    "knet is used as the transport.\n"
			    "Set key:\n"
			    "    corosync-cmapctl -s key_name type value\n"
			    "\n"
			    "    where type is one of ([i|u][8|16|32|64] | flt | dbl | str | bin)\n"
			    "    for bin, value is file name (or - for stdin)\n"
			    "\n"
			    "    map can be either 'icmap' (the default) which contains corosync\n"
			    "    configuration information, or 'stats' which contains statistics\n"
			    "    about the networking and IPC traffic in some detail.\n"
			    "\n"
			    "Clear stats:\n"
			    "    corosync-cmapctl -C [knet|ipc|totem|schedmiss|all]\n"
			    "    The 'stats' map is implied\n"
			    "\n"
			    "Load settings from a file:\n"
			    "    corosync-cmapctl -p filename\n"
			    "\n"
			    "    the format of the file is:\n"
			    "    [^[^]]<key_name>[ <type> <value>]\n"
			    "    Keys prefixed with single caret ('^') are deleted (see -d).\n"
			    "    Keys (actually prefixes) prefixed with double caret ('^^') are deleted by prefix (see "
			    "-D).\n"
			    "    <type> and <value> are optional (not checked) in above cases.\n"
			    "    Other keys are set (see -s) so both <type> and <value> are required.\n"
			    "\n"
			    "Delete key:\n"
			    "    corosync-cmapctl -d key_name...\n"
			    "\n"
			    "Delete multiple keys with prefix:\n"
			    "    corosync-cmapctl -D key_prefix...\n"
			    "\n"
			    "Get key:\n"
			    "    corosync-cmapctl [-b] -g key_name...\n"
			    "\n"
			    "Quiet mode:\n"
			    "    corosync-cmapctl [-b] -q -g key_name...\n"
			    "\n"
			    "Display all keys:\n"
			    "    corosync-cmapctl [-b]\n"
			    "\n"
			    "Display keys with prefix key_name:\n"
			    "    corosync-cmapctl [-b] key_name...\n"
			    "\n"
			    "Track changes on keys with key_name:\n"
			    "    corosync-cmapctl [-b] -t key_name\n"
			    "\n"
			    "Track changes on keys with key prefix:\n"
			    "    corosync-cmapctl [-b] -T key_prefix\n"
			    "\n";

static bool choose_map(struct request *request, const char *name)
{
	if (strcmp(name, "icmap") == 0 || strcmp(name, "default") == 0) {
		request->map = CMAP_MAP_ICMAP;
		return true;
	}
	if (strcmp(name, "stats") == 0) {
		request->map = CMAP_MAP_STATS;
		return true;
	}
	fprintf(stderr, "invalid map name, must be 'default', 'icmap' or 'stats'\n");
	return false;
}

static bool choose_clear(struct request *request, const char *word)
{
	static const char *const words[] = {"knet", "totem", "ipc", "schedmiss", "all"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			request->clear = words[i];
			request->map = CMAP_MAP_STATS;
			return true;
		}
	fprintf(stderr, "argument to -C should be 'knet', 'totem', 'ipc', 'schedmiss' or 'all'\n");
	return false;
}

/* Parse the command line. @return false: the tool ends with *status, which is a failure or, after -h, success */
static bool parse(int argc, char **argv, struct request *request, int *status)
{
	int option;

	*status = EXIT_FAILURE;
	while ((option = getopt(argc, argv, "m:hqgsdDtTbp:C:")) != -1)
		switch (option) {
		case 'm':
			if (!choose_map(request, optarg))
				return false;
			break;
		case 'C':
			if (!choose_clear(request, optarg))
				return false;
			request->action = option;
			break;
		case 'h':
			fputs(usage, stdout);
			*status = EXIT_SUCCESS;
			return false;
		case 'b':
			request->format.with_binary = true;
			break;
		case 'q':
			request->format.is_quiet = true;
			break;
		case 'p':
			request->settings = optarg;
			request->action = option;
			break;
		case '?':
			return false;
		default:
			request->action = option;
			break;
		}
	if (request->action != 0 && strchr("gsdDtT", request->action) != NULL && optind == argc) {
		fprintf(stderr, "Expected key after options\n");
		return false;
	}
	return true;
}

/* Connect. Try again for some seconds, since the daemon refuses all connections while it starts. */
static bool connect_map(cmap_handle_t *map, cmap_map_t which)
{
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	for (int i = 0; i < CONNECT_TRIES && rc == CS_ERR_TRY_AGAIN; i++) {
		if (i > 0)
			sleep(1);
		rc = cmap_initialize_map(map, which);
	}
	if (rc == CS_OK)
		return true;
	fprintf(stderr, "Failed to initialize the cmap API. Error %s\n", cs_strerror(rc));
	reach_warn("cmap", rc);
	return false;
}

static bool clear_statistics(cmap_handle_t map, const char *word)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(key, sizeof(key), "stats.clear.%s", word);
	cs_error_t rc = cmap_set_uint32(map, key, 1);
	if (rc == CS_OK)
		return true;
	fprintf(stderr, "Can't set cmap stats clear key %s. Error %s\n", key, cs_strerror(rc));
	return false;
}

static bool act(cmap_handle_t map, const struct request *request, char *const *words, int count)
{
	bool is_done = true;

	switch (request->action) {
	case 'g':
		return keys_get(map, &request->format, words, count);
	case 's':
		if (count < 3) {
			fprintf(stderr, "At least 3 parameters are expected for set\n");
			return false;
		}
		return key_set(map, words[0], words[1], words[2]);
	case 'd':
		return keys_delete(map, words, count);
	case 'D':
		for (int i = 0; i < count && is_done; i++)
			is_done = keys_delete_prefix(map, words[i]);
		return is_done;
	case 't':
	case 'T':
		return keys_follow(map, &request->format, words, count, request->action == 'T');
	case 'p':
		return keys_load(map, request->settings);
	case 'C':
		return clear_statistics(map, request->clear);
	default:
		return keys_list(map, &request->format, words, count);
	}
}

int cmapctl_main(int argc, char **argv)
{
	struct request request = {.map = CMAP_MAP_DEFAULT};
	cmap_handle_t map;
	int status;

	if (!parse(argc, argv, &request, &status))
		return status;
	if (!connect_map(&map, request.map))
		return EXIT_FAILURE;
	bool is_done = act(map, &request, argv + optind, argc - optind);
	cmap_finalize(map);
	return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
