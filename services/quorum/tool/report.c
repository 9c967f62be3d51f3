/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/tool/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/common/address.h"
#include "tools/common/nodelist.h"

/* A line of the table of members. */
struct row {
	uint32_t id;
	char *name; /* NULL: out of memory */
	bool has_info;
	struct votequorum_info info;
};

struct table {
	struct row *rows;
	size_t count;
	bool has_device; /* a node of the table has a registered quorum device */
};

/* Append the names or addresses of the links from `first` up to `end`, separated by commas. */
static void append_links(FILE *name, const struct report_format *format, const struct node_addresses *addresses,
	size_t first, size_t end)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t link = first; link < end && link < addresses->count; link++) {
		if (format->with_addresses)
			address_text(&addresses->links[link], text);
		else
			address_name(&addresses->links[link], text);
		fprintf(name, "%s%s", link == 0 ? "" : ", ", text);
	}
}

static void compose_name(FILE *name, const struct view *view, const struct report_format *format,
	const struct nodelist *list, uint32_t id)
{
	const struct node *node = format->with_addresses ? NULL : nodelist_find(list, id);
	bool is_named = node != NULL && node->name != NULL;
	struct node_addresses addresses;

	if (is_named) {
		fputs(node->name, name);
		if (!format->with_all)
			return;
	}
	cs_error_t rc = node_addresses_get(view->cfg, id, &addresses);
	if (rc != CS_OK) {
		fprintf(stderr, "Unable to get node address for nodeid %u: %s\n", id, cs_strerror(rc));
		return;
	}
	append_links(name, format, &addresses, is_named ? 1 : 0, format->with_all ? CFG_MAX_LINKS : 1);
}

static char *node_name(
	const struct view *view, const struct report_format *format, const struct nodelist *list, uint32_t id)
{
	char *name = NULL;
	size_t size;
	FILE *out = open_memstream(&name, &size);

	if (out == NULL)
		return NULL;
	compose_name(out, view, format, list, id);
	fclose(out);
	return name;
}

static int row_compare_id(const void *a, const void *b)
{
	uint32_t id_a = ((const struct row *)a)->id;
	uint32_t id_b = ((const struct row *)b)->id;

	return id_a < id_b ? -1 : id_a > id_b;
}

static int row_compare_name(const void *a, const void *b)
{
	const char *name_a = ((const struct row *)a)->name;
	const char *name_b = ((const struct row *)b)->name;
	int order = strcmp(name_a == NULL ? "" : name_a, name_b == NULL ? "" : name_b);

	return order != 0 ? order : row_compare_id(a, b);
}

static void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].name);
	free(table->rows);
}

/* Fill the table. If memory runs out, the table stays empty. */
static void table_fill(struct table *table, const struct view *view, const struct report_format *format)
{
	const struct node_ids *nodes = view_nodes(view);
	struct nodelist list;

	*table = (struct table){.rows = calloc(nodes->count + 1, sizeof(*table->rows))};
	if (table->rows == NULL)
		return;
	if (nodelist_read(view->map, &list) != CS_OK)
		list = (struct nodelist){0};
	table->count = nodes->count;
	for (size_t i = 0; i < table->count; i++) {
		struct row *row = &table->rows[i];

		row->id = nodes->ids[i];
		row->name = node_name(view, format, &list, row->id);
		row->has_info = view->has_votequorum &&
				votequorum_getinfo(view->votequorum, row->id, &row->info) == CS_OK;
		if (row->has_info && (row->info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0)
			table->has_device = true;
	}
	nodelist_free(&list);
	if (format->order == REPORT_ORDER_NAME)
		qsort(table->rows, table->count, sizeof(*table->rows), row_compare_name);
	else if (format->order == REPORT_ORDER_ID)
		qsort(table->rows, table->count, sizeof(*table->rows), row_compare_id);
}

static void print_device_state(unsigned int flags)
{
	char state[16] = "NR";

	if ((flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0)
		snprintf(state, sizeof(state), "%s,%s,%s", (flags & VOTEQUORUM_INFO_QDEVICE_ALIVE) != 0 ? "A" : "NA",
			(flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0 ? "V" : "NV",
			(flags & VOTEQUORUM_INFO_QDEVICE_MASTER_WINS) != 0 ? "MW" : "NMW");
	printf("%10s ", state);
}

static void print_id(const struct report_format *format, uint32_t id)
{
	printf(format->in_hex ? "0x%08" PRIx32 " " : "%10" PRIu32 " ", id);
}

static void print_row(
	const struct row *row, const struct view *view, const struct report_format *format, bool with_device)
{
	if (view->has_votequorum && !row->has_info) {
		printf("Unable to get node %u info\n", row->id);
		return;
	}
	print_id(format, row->id);
	if (view->has_votequorum) {
		printf("%10u ", row->info.node_votes);
		if (with_device)
			print_device_state(row->info.flags);
	}
	printf("%s%s\n", row->name == NULL ? "" : row->name, row->id == view->local_id ? " (local)" : "");
}

/* Print the row of the quorum device. Its votes count if the device of this node casts its vote. */
static void print_device(const struct table *table, const struct view *view, const struct report_format *format)
{
	const struct votequorum_info *info = &table->rows[0].info;
	bool is_cast = false;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].id == view->local_id)
			is_cast = (table->rows[i].info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
	print_id(format, VOTEQUORUM_QDEVICE_NODEID);
	printf("%10u %10s %s", is_cast ? info->qdevice_votes : 0, "", info->qdevice_name);
	if (!is_cast)
		printf(" (votes %u)", info->qdevice_votes);
	putchar('\n');
}

static void print_members(const struct view *view, const struct report_format *format)
{
	struct table table;

	table_fill(&table, view, format);
	bool with_device = view->has_votequorum && (format->with_device || table.has_device);
	printf("\nMembership information\n----------------------\n    Nodeid%s%s Name\n",
		view->has_votequorum ? "      Votes" : "", with_device ? "    Qdevice" : "");
	for (size_t i = 0; i < table.count; i++)
		print_row(&table.rows[i], view, format, with_device);
	if (table.has_device)
		print_device(&table, view, format);
	table_free(&table);
}

void report_nodes(const struct view *view, const struct report_format *format) { print_members(view, format); }

static void print_quorum(const struct view *view, const struct report_format *format)
{
	time_t now = time(NULL);

	printf("Quorum information\n------------------\n");
	printf("Date:             %s", ctime(&now));
	printf("Quorum provider:  %s\n", view->provider == NULL ? "Not configured" : view->provider);
	printf("Nodes:            %zu\n", view->members.count);
	printf(format->in_hex ? "Node ID:          0x%08x\n" : "Node ID:          %u\n", view->local_id);
	printf("Ring ID:          ");
	if (view->has_votequorum)
		printf("%" PRIu32 ".", view->list_ring.nodeid);
	printf("%" PRIx64 "\n", view->ring_seq);
	printf("Quorate:          %s\n", view->is_quorate ? "Yes" : "No");
}

static void print_votes(const struct votequorum_info *info)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} flags[] = {
		{VOTEQUORUM_INFO_TWONODE, "2Node"},
		{VOTEQUORUM_INFO_QUORATE, "Quorate"},
		{VOTEQUORUM_INFO_WAIT_FOR_ALL, "WaitForAll"},
		{VOTEQUORUM_INFO_LAST_MAN_STANDING, "LastManStanding"},
		{VOTEQUORUM_INFO_AUTO_TIE_BREAKER, "AutoTieBreaker"},
		{VOTEQUORUM_INFO_ALLOW_DOWNSCALE, "AllowDownscale"},
		{VOTEQUORUM_INFO_QDEVICE_REGISTERED, "Qdevice"},
	};

	printf("\nVotequorum information\n----------------------\n");
	printf("Expected votes:   %u\n", info->node_expected_votes);
	printf("Highest expected: %u\n", info->highest_expected);
	printf("Total votes:      %u\n", info->total_votes);
	printf("Quorum:           %u %s\n", info->quorum,
		(info->flags & VOTEQUORUM_INFO_QUORATE) != 0 ? " " : "Activity blocked");
	printf("Flags:            ");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((info->flags & flags[i].flag) != 0)
			printf("%s ", flags[i].name);
	putchar('\n');
}

void report_status(const struct view *view, const struct report_format *format)
{
	struct votequorum_info info;

	print_quorum(view, format);
	if (!view->has_provider)
		return;
	if (view->has_votequorum) {
		cs_error_t rc = votequorum_getinfo(view->votequorum, view->local_id, &info);

		if (rc == CS_OK)
			print_votes(&info);
		else
			fprintf(stderr, "Unable to get node %u info: %s\n", view->local_id, cs_strerror(rc));
	}
	print_members(view, format);
}
