/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/tool/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>

#include "tools/common/nodelist.h"
#include "tools/common/reach.h"

/* The data for both reports: of links and of nodes. */
struct status {
	corosync_cfg_handle_t cfg;
	cmap_handle_t map;
	unsigned int local_id;
	char *transport;
	struct nodelist list;
	struct corosync_cfg_node_status_v1 *nodes; /* in the order of list. An unknown node is all zero */
};

static void status_close(struct status *status)
{
	free(status->nodes);
	nodelist_free(&status->list);
	free(status->transport);
	cmap_finalize(status->map);
	corosync_cfg_finalize(status->cfg);
}

static int status_connect(struct status *status)
{
	cs_error_t rc = corosync_cfg_initialize(&status->cfg, NULL);

	if (rc != CS_OK) {
		fprintf(stderr, "Could not initialize corosync configuration API error %d\n", rc);
		reach_warn("cfg", rc);
		return EXIT_FAILURE;
	}
	rc = cmap_initialize(&status->map);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not initialize corosync cmap API error %d\n", rc);
		reach_warn("cmap", rc);
		corosync_cfg_finalize(status->cfg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int status_read_nodes(struct status *status)
{
	status->nodes = calloc(status->list.count, sizeof(*status->nodes));
	if (status->nodes == NULL) {
		fprintf(stderr, "Out of memory\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < status->list.count; i++) {
		cs_error_t rc = corosync_cfg_node_status_get(
			status->cfg, status->list.nodes[i].id, CFG_NODE_STATUS_V1, &status->nodes[i]);

		if (rc == CS_OK)
			continue;
		fprintf(stderr, "Could not get the node status for nodeid %u, the error is: %d\n",
			status->list.nodes[i].id, rc);
		memset(&status->nodes[i], 0, sizeof(status->nodes[i]));
	}
	return EXIT_SUCCESS;
}

/* Connect and print the first line. On success the caller must call status_close. */
static int status_open(struct status *status)
{
	*status = (struct status){0};
	if (status_connect(status) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	cs_error_t rc = corosync_cfg_local_get(status->cfg, &status->local_id);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not get the local node id, the error is: %d\n", rc);
		goto close;
	}
	rc = nodelist_read(status->map, &status->list);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not get nodelist, the error is: %d\n", rc);
		goto close;
	}
	if (status->list.count == 0) {
		fprintf(stderr, "No nodes found in nodelist\n");
		goto close;
	}
	if (cmap_get_string(status->map, "totem.transport", &status->transport) != CS_OK)
		status->transport = strdup("knet");
	if (status->transport == NULL || status_read_nodes(status) != EXIT_SUCCESS)
		goto close;
	printf("Local node ID %u, transport %s\n", status->local_id, status->transport);
	return EXIT_SUCCESS;
close:
	status_close(status);
	return EXIT_FAILURE;
}

/* Return the protocol of a link. Only links of knet have one. The caller frees the text. NULL: out of memory. */
static char *link_transport(const struct status *status, int link)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	char *protocol;

	if (strcmp(status->transport, "knet") != 0)
		return strdup("");
	snprintf(key, sizeof(key), "totem.interface.%d.knet_transport", link);
	if (cmap_get_string(status->map, key, &protocol) == CS_OK)
		return protocol;
	return strdup("udp");
}

/* Return the node whose status has the list of links: the last node that is not this one. */
static const struct corosync_cfg_node_status_v1 *reference_node(const struct status *status)
{
	for (size_t i = status->list.count; i-- > 0;)
		if (status->list.nodes[i].id != status->local_id)
			return &status->nodes[i];
	return &status->nodes[0];
}

static void print_link_states(const struct status *status, int link)
{
	printf("\tstatus:\n");
	for (size_t i = 0; i < status->list.count; i++) {
		const struct corosync_cfg_node_status_v1 *node = &status->nodes[i];
		const char *state = "disconnected";

		if (status->list.nodes[i].id == status->local_id)
			state = "localhost";
		else if (node->link_status[link].connected)
			state = "connected";
		printf("\t\tnodeid: %10u:\t%s\n", node->nodeid, state);
	}
}

static void print_link_digits(const struct status *status, int link)
{
	printf("\tstatus\t= ");
	for (size_t i = 0; i < status->list.count; i++) {
		const struct corosync_knet_link_status_v1 *state = &status->nodes[i].link_status[link];

		if (status->list.nodes[i].id == status->local_id)
			putchar('n');
		else
			putchar('0' + (state->enabled ? 1 : 0) + (state->connected ? 2 : 0));
	}
	putchar('\n');
}

int status_links(bool is_brief)
{
	struct status status;

	if (status_open(&status) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	for (int link = 0; link < CFG_MAX_LINKS; link++) {
		const struct corosync_knet_link_status_v1 *state = &reference_node(&status)->link_status[link];

		if (!state->enabled)
			continue;
		char *transport = link_transport(&status, link);
		printf("LINK ID %d %s\n", link, transport == NULL ? "" : transport);
		printf("\taddr\t= %s\n", state->src_ipaddr);
		if (is_brief)
			print_link_digits(&status, link);
		else
			print_link_states(&status, link);
		free(transport);
	}
	status_close(&status);
	return EXIT_SUCCESS;
}

static void print_node_links(const struct status *status, const struct corosync_cfg_node_status_v1 *node)
{
	for (int link = 0; link < CFG_MAX_LINKS; link++) {
		const struct corosync_knet_link_status_v1 *state = &node->link_status[link];

		if (!state->enabled)
			continue;
		char *transport = link_transport(status, link);
		printf("   LINK: %d %s (%s%s%s) enabled%s%s mtu: %u\n", link, transport == NULL ? "" : transport,
			state->src_ipaddr, state->dst_ipaddr[0] == '\0' ? "" : "->", state->dst_ipaddr,
			state->connected ? " connected" : "", state->dynconnected ? " dynconnected" : "", state->mtu);
		free(transport);
	}
}

int status_nodes(void)
{
	struct status status;

	if (status_open(&status) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	for (size_t i = 0; i < status.list.count; i++) {
		const struct corosync_cfg_node_status_v1 *node = &status.nodes[i];

		if (!node->reachable || node->nodeid == status.local_id)
			continue;
		printf("nodeid: %u reachable%s%s", node->nodeid, node->remote ? " remote" : "",
			node->external ? " external" : "");
		if (node->onwire_ver != 0)
			printf("   onwire (min/max/cur): %d, %d, %d", node->onwire_min, node->onwire_max,
				node->onwire_ver);
		putchar('\n');
		print_node_links(&status, node);
		putchar('\n');
	}
	status_close(&status);
	return EXIT_SUCCESS;
}
