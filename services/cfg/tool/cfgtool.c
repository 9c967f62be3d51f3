/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/tool/cfgtool.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>

#include "services/cfg/tool/status.h"
#include "tools/common/address.h"
#include "tools/common/number.h"
#include "tools/common/reach.h"

enum {
	SHUTDOWN_TRIES = 31, /* the tries are one second apart */
	OPTION_FORCE = UCHAR_MAX + 1,
};

static void print_usage(void)
{
	fputs("corosync-cfgtool [[-i <interface ip>] [-b] -s] [-R] [-L] [-k nodeid] [-a nodeid] "
	      "[-h] [-H]\n"
	      "\n"
	      "A tool for displaying and configuring active parameters within corosync.\n"
	      "options:\n"
	      "\t-i\tFinds only information about the specified interface IP address or link id "
	      "when "
	      "used with -s..\n"
	      "\t-s\tDisplays the status of the current links on this node.\n"
	      "\t-n\tDisplays the status of the connected nodes and their links.\n"
	      "\t-b\tDisplays the brief status of the current links on this node when used with "
	      "-s.\n"
	      "\t-R\tTell all instances of corosync in this cluster to reload corosync.conf.\n"
	      "\t-L\tTell corosync to reopen all logging files.\n"
	      "\t-k\tKill a node identified by node id.\n"
	      "\t-a\tDisplay the IP address(es) of a node\n"
	      "\t-h\tPrint basic usage.\n"
	      "\t-H\tShutdown corosync cleanly on this node.\n"
	      "\t\t--force will shut down corosync regardless of daemon vetos\n",
		stdout);
}

/* Connect. Some actions print the name of the error, others its number. */
static bool connect_cfg(corosync_cfg_handle_t *cfg, bool by_name)
{
	cs_error_t rc = corosync_cfg_initialize(cfg, NULL);

	if (rc == CS_OK)
		return true;
	if (by_name)
		fprintf(stderr, "Could not initialize corosync configuration API error %s\n", cs_strerror(rc));
	else
		fprintf(stderr, "Could not initialize corosync configuration API error %d\n", rc);
	reach_warn("cfg", rc);
	return false;
}

/* Print errors in a new configuration that the daemon uses in spite of them. */
static int reload_complaint(void)
{
	cmap_handle_t map;
	char *text = NULL;

	if (cmap_initialize(&map) != CS_OK)
		return EXIT_SUCCESS;
	cs_error_t rc = cmap_get_string(map, "config.reload_error_message", &text);
	cmap_finalize(map);
	if (rc != CS_OK)
		return EXIT_SUCCESS;
	printf("ERROR from reload: %s - see syslog for more information\n", text);
	fprintf(stderr, "Errors in applying config, corosync.conf might not match the running system\n");
	free(text);
	return EXIT_FAILURE;
}

static int reload(void)
{
	corosync_cfg_handle_t cfg;

	printf("Reloading corosync.conf...\n");
	fflush(stdout);
	if (!connect_cfg(&cfg, true))
		return EXIT_FAILURE;
	cs_error_t rc = corosync_cfg_reload_config(cfg);
	corosync_cfg_finalize(cfg);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not reload configuration. Error %s\n", cs_strerror(rc));
		return (int)rc;
	}
	int status = reload_complaint();
	if (status == EXIT_SUCCESS)
		printf("Done\n");
	return status;
}

static int reopen_log_files(void)
{
	corosync_cfg_handle_t cfg;

	if (!connect_cfg(&cfg, true))
		return EXIT_FAILURE;
	cs_error_t rc = corosync_cfg_reopen_log_files(cfg);
	corosync_cfg_finalize(cfg);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not reopen corosync logging files. Error %s\n", cs_strerror(rc));
		return (int)rc;
	}
	return EXIT_SUCCESS;
}

static int shut_down(bool is_forced)
{
	corosync_cfg_handle_t cfg;
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	if (!connect_cfg(&cfg, false))
		return EXIT_FAILURE;
	printf("Shutting down corosync\n");
	fflush(stdout);
	for (int i = 0; i < SHUTDOWN_TRIES && rc == CS_ERR_TRY_AGAIN; i++) {
		if (i > 0)
			sleep(1);
		rc = corosync_cfg_try_shutdown(
			cfg, is_forced ? COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS : COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);
	}
	corosync_cfg_finalize(cfg);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not shutdown (error = %d)\n", rc);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int kill_node(unsigned int node_id)
{
	corosync_cfg_handle_t cfg;

	printf("Killing node %u\n", node_id);
	fflush(stdout);
	if (!connect_cfg(&cfg, false))
		return EXIT_FAILURE;
	cs_error_t rc = corosync_cfg_kill_node(cfg, node_id, "Killed by corosync-cfgtool");
	corosync_cfg_finalize(cfg);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not kill node (error = %s)\n", cs_strerror(rc));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int show_addresses(unsigned int node_id)
{
	corosync_cfg_handle_t cfg;
	struct node_addresses addresses;
	char text[ADDRESS_TEXT_MAX];
	const char *separator = "";

	if (!connect_cfg(&cfg, false))
		return EXIT_FAILURE;
	cs_error_t rc = node_addresses_get(cfg, node_id, &addresses);
	corosync_cfg_finalize(cfg);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not get node address for nodeid %u\n", node_id);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < addresses.count; i++) {
		if (!address_text(&addresses.links[i], text))
			continue;
		printf("%s%s", separator, text);
		separator = " ";
	}
	putchar('\n');
	return EXIT_SUCCESS;
}

/* The options of the command line. */
struct request {
	int action; /* option letter; 0: none */
	bool is_brief;
	bool is_forced;
	unsigned int node_id;
};

static bool parse(int argc, char **argv, struct request *request)
{
	static const struct option long_options[] = {
		{"if", required_argument, NULL, 'i'},
		{"status", no_argument, NULL, 's'},
		{"nodes", no_argument, NULL, 'n'},
		{"brief", no_argument, NULL, 'b'},
		{"reload", no_argument, NULL, 'R'},
		{"reopen", no_argument, NULL, 'L'},
		{"kill", required_argument, NULL, 'k'},
		{"address", required_argument, NULL, 'a'},
		{"shutdown", no_argument, NULL, 'H'},
		{"force", no_argument, NULL, OPTION_FORCE},
		{NULL, 0, NULL, 0},
	};
	long long number;
	int option;

	while ((option = getopt_long(argc, argv, "i:snbrRLk:a:hH", long_options, NULL)) != -1)
		switch (option) {
		case 'i': /* accepted, without effect */
		case 'r':
		case 'h': /* the usage is printed if there is no action */
			break;
		case 'b':
			request->is_brief = true;
			break;
		case OPTION_FORCE:
			request->is_forced = true;
			break;
		case 'k':
		case 'a':
			if (!number_parse(optarg, 1, UINT_MAX, &number)) {
				fprintf(stderr, "The nodeid was not valid, try a positive number\n");
				return false;
			}
			request->node_id = (unsigned int)number;
			request->action = option;
			break;
		case '?':
			return false;
		default:
			request->action = option;
			break;
		}
	return true;
}

int cfgtool_main(int argc, char **argv)
{
	struct request request = {0};

	if (!parse(argc, argv, &request))
		return EXIT_FAILURE;
	switch (request.action) {
	case 's':
		return status_links(request.is_brief);
	case 'n':
		return status_nodes();
	case 'R':
		return reload();
	case 'L':
		return reopen_log_files();
	case 'H':
		return shut_down(request.is_forced);
	case 'k':
		return kill_node(request.node_id);
	case 'a':
		return show_addresses(request.node_id);
	default:
		print_usage();
		return EXIT_SUCCESS;
	}
}
