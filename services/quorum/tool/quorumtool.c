/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/tool/quorumtool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/quorum/tool/report.h"
#include "services/quorum/tool/view.h"
#include "services/quorum/tool/watch.h"
#include "tools/common/compatible.h"
#include "tools/common/number.h"

enum {
	EXIT_NOT_QUORATE = 2,
};

/* The options of the command line. */
struct request {
	int action; /* letter of the action's option */
	unsigned int votes;
	unsigned int node_id;      /* 0: this node */
	struct quorum_watch watch; /* used with -W */
	struct report_format format;
};

static void print_usage(void)
{
	fputs("usage: \n"
	      "corosync-quorumtool <options>\n"
	      "\n"
	      "  options:\n"
	      "\n"
	      "  -s             show quorum status\n"
	      "  -m             constantly monitor quorum status\n"
	      "  -l             list nodes\n"
	      "  -a             show all names or addresses for each node\n"
	      "  -p             when used with -s or -l, generates machine parsable output\n"
	      "  -v <votes>     change the number of votes for a node (*)\n"
	      "  -n <nodeid>    optional nodeid of node for -v\n"
	      "  -e <expected>  change expected votes for the cluster (*)\n"
	      "  -H             show nodeids in hexadecimal rather than decimal\n"
	      "  -i             show node IP addresses instead of the resolved name\n"
	      "  -o <a|n|i>     order by [a] IP address (default), [n] name, [i] nodeid\n"
	      "  -f             forcefully unregister a quorum device *DANGEROUS* (*)\n"
	      "  -h             show this help text\n"
	      "  -V             show version and exit\n"
	      "\n"
	      "  (*) Starred items only work if votequorum is the quorum provider for corosync\n"
	      "\n",
		stdout);
}

static bool parse_votes(struct request *request, int option, const char *text)
{
	long long number;

	if (!number_parse(text, option == 'e' ? 1 : 0, INT_MAX, &number)) {
		if (option == 'e')
			fprintf(stderr, "New expected votes value was not valid, try a positive number\n");
		else
			fprintf(stderr, "New votes value was not valid, try a positive number or zero\n");
		return false;
	}
	request->votes = (unsigned int)number;
	request->action = option;
	return true;
}

static bool parse_node_id(struct request *request, const char *text)
{
	long long number;

	if (!number_parse(text, 1, UINT_MAX, &number)) {
		fprintf(stderr, "The nodeid was not valid, try a positive number\n");
		return false;
	}
	request->node_id = (unsigned int)number;
	return true;
}

static bool parse_order(struct request *request, const char *text)
{
	switch (text[0] == '\0' || text[1] != '\0' ? '\0' : text[0]) {
	case 'a':
		request->format.order = REPORT_ORDER_ADDRESS;
		return true;
	case 'n':
		request->format.order = REPORT_ORDER_NAME;
		return true;
	case 'i':
		request->format.order = REPORT_ORDER_ID;
		return true;
	default:
		fprintf(stderr, "Invalid ordering option. valid orders are a(address), i(node ID) "
				"or n(name)\n");
		return false;
	}
}

/* Parse the command line. @return false: the tool ends with *status */
static bool parse(int argc, char **argv, struct request *request, int *status)
{
	bool is_right = true;
	int option;

	*status = EXIT_FAILURE;
	while (is_right && (option = getopt(argc, argv, "VHaslpmfe:v:hin:o:W:")) != -1)
		switch (option) {
		case 'V':
			printf("corosync-quorumtool version: %s\n", COMPATIBLE_VERSION);
			*status = EXIT_SUCCESS;
			return false;
		case 'h':
			*status = EXIT_SUCCESS;
			__attribute__((fallthrough));
		case '?':
			print_usage();
			return false;
		case 'H':
			request->format.in_hex = true;
			break;
		case 'a':
			request->format.with_all = true;
			break;
		case 'i':
			request->format.with_addresses = true;
			break;
		case 'p':
			request->format.with_device = true;
			break;
		case 'o':
			is_right = parse_order(request, optarg);
			break;
		case 'W':
			request->action = option;
			is_right = quorum_watch_parse(&request->watch, optarg);
			break;
		case 'n':
			is_right = parse_node_id(request, optarg);
			break;
		case 'e':
		case 'v':
			is_right = parse_votes(request, option, optarg);
			break;
		default:
			request->action = option;
			break;
		}
	return is_right;
}

static int show_status(struct view *view, const struct report_format *format)
{
	if (!view_read(view))
		return EXIT_FAILURE;
	report_status(view, format);
	return view->is_quorate ? EXIT_SUCCESS : EXIT_NOT_QUORATE;
}

static int show_nodes(struct view *view, const struct report_format *format)
{
	if (!view_read(view))
		return EXIT_FAILURE;
	report_nodes(view, format);
	return EXIT_SUCCESS;
}

static int monitor(struct view *view, const struct report_format *format)
{
	if (!view->has_provider) {
		printf("\nQuorum is not configured - cannot monitor\n");
		return EXIT_FAILURE;
	}
	/* Use line buffering, so that a reader at a pipe gets each line at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!view_follow(view))
		return EXIT_FAILURE;
	while (view_wait(view)) {
		report_status(view, format);
		putchar('\n');
	}
	return EXIT_FAILURE;
}

static int set_votes(const struct view *view, unsigned int node_id, unsigned int votes)
{
	if (node_id == 0)
		node_id = view->local_id;
	cs_error_t rc = votequorum_setvotes(view->votequorum, node_id, votes);
	if (rc == CS_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "Unable to set votes %u for nodeid: %u: %s\n", votes, node_id, cs_strerror(rc));
	return EXIT_FAILURE;
}

static int set_expected(const struct view *view, unsigned int votes)
{
	cs_error_t rc = votequorum_setexpected(view->votequorum, votes);

	if (rc == CS_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "Unable to set expected votes: %s\n", cs_strerror(rc));
	return EXIT_FAILURE;
}

static int unregister_device(const struct view *view)
{
	struct votequorum_info info;
	cs_error_t rc = votequorum_getinfo(view->votequorum, view->local_id, &info);

	if (rc != CS_OK) {
		fprintf(stderr, "Unable to get quorum device info: %s\n", cs_strerror(rc));
		return EXIT_FAILURE;
	}
	if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) == 0)
		return EXIT_SUCCESS;
	rc = votequorum_qdevice_unregister(view->votequorum, info.qdevice_name);
	if (rc == CS_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "Unable to unregister quorum device: %s\n", cs_strerror(rc));
	return EXIT_FAILURE;
}

/* Return whether votes can be changed. If not, print the reason. */
static bool check_votequorum(const struct view *view, const char *what)
{
	if (!view->has_votequorum)
		fprintf(stderr, "You cannot %s, corosync is not using votequorum\n", what);
	return view->has_votequorum;
}

static int act(struct view *view, const struct request *request)
{
	switch (request->action) {
	case 'l':
		return show_nodes(view, &request->format);
	case 'm':
		return monitor(view, &request->format);
	case 'v':
		if (!check_votequorum(view, "change node votes"))
			return EXIT_FAILURE;
		return set_votes(view, request->node_id, request->votes);
	case 'e':
		if (!check_votequorum(view, "change expected votes"))
			return EXIT_FAILURE;
		return set_expected(view, request->votes);
	case 'f':
		if (!check_votequorum(view, "unregister quorum device"))
			return EXIT_FAILURE;
		return unregister_device(view);
	default:
		return show_status(view, &request->format);
	}
}

int quorumtool_main(int argc, char **argv)
{
	struct request request = {.action = 's'};
	struct view view;
	int status;

	if (!parse(argc, argv, &request, &status))
		return status;
	if (request.action == 'W')
		return quorum_watch_run(&request.watch);
	status = EXIT_FAILURE;
	if (view_open(&view))
		status = act(&view, &request);
	view_close(&view);
	return status;
}
