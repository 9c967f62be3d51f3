/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/tool/print.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/common/bytes.h"

/* Print a member of a JSON object. Each byte becomes one character of the string. */
static void print_json(const char *name, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	printf("\"%s\":\"", name);
	for (size_t i = 0; i < size; i++) {
		if (at[i] < ' ' || at[i] >= 127)
			printf("\\u%04x", at[i]);
		else if (at[i] == '"' || at[i] == '\\')
			printf("\\%c", at[i]);
		else
			putchar(at[i]);
	}
	putchar('"');
}

void print_entry(const struct coterie_kv_entry *entry, bool is_json)
{
	if (is_json) {
		putchar('{');
		print_json("key", entry->key, entry->key_size);
		if (entry->value != NULL) {
			putchar(',');
			print_json("value", entry->value, entry->value_size);
		}
		printf(",\"created\":%" PRIu64 ",\"modified\":%" PRIu64 "}\n", entry->created, entry->modified);
		return;
	}
	bytes_print(stdout, entry->key, entry->key_size);
	if (entry->value != NULL) {
		putchar('\t');
		bytes_print(stdout, entry->value, entry->value_size);
	}
	putchar('\n');
}

static const char *change_name(enum coterie_kv_change change)
{
	switch (change) {
	case COTERIE_KV_PUT:
		return "put";
	case COTERIE_KV_DELETED:
		return "delete";
	case COTERIE_KV_MISSED:
		break;
	}
	return "missed";
}

void print_event(enum coterie_kv_change change, const struct coterie_kv_entry *entry, bool is_json)
{
	if (is_json) {
		printf("{\"event\":\"%s\",\"revision\":%" PRIu64, change_name(change), entry->modified);
		if (change != COTERIE_KV_MISSED) {
			putchar(',');
			print_json("key", entry->key, entry->key_size);
		}
		if (change == COTERIE_KV_PUT) {
			putchar(',');
			print_json("value", entry->value, entry->value_size);
		}
		puts("}");
	} else {
		printf("%" PRIu64 " %s", entry->modified, change_name(change));
		if (change != COTERIE_KV_MISSED) {
			putchar(' ');
			bytes_print(stdout, entry->key, entry->key_size);
		}
		if (change == COTERIE_KV_PUT) {
			putchar('\t');
			bytes_print(stdout, entry->value, entry->value_size);
		}
		putchar('\n');
	}
	fflush(stdout);
}

void print_status(const struct coterie_kv_status *status, bool is_json)
{
	static const char *const states[] = {"no-quorum", "ready", "catching-up", "waiting"};
	const char *state = status->state < 4 ? states[status->state] : "unknown";

	if (is_json) {
		printf("{\"state\":\"%s\",\"revision\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\",\"keys\":%" PRIu64
		       ",\"bytes\":%" PRIu64 ",\"bytes_max\":%" PRIu64 ",\"donor\":%u,\"waiting\":[",
			state, status->revision, status->hash, status->keys, status->bytes, status->bytes_max,
			status->donor);
		for (uint32_t i = 0; i < status->waiting_count; i++)
			printf("%s%u", i > 0 ? "," : "", status->waiting[i]);
		puts("]}");
		return;
	}
	printf("state     %s\nrevision  %" PRIu64 "\nhash      %016" PRIx64 "\nkeys      %" PRIu64
	       "\nbytes     %" PRIu64 " of %" PRIu64 "\n",
		state, status->revision, status->hash, status->keys, status->bytes, status->bytes_max);
	if (status->donor != 0)
		printf("donor     node %u\n", status->donor);
	for (uint32_t i = 0; i < status->waiting_count; i++)
		printf("waiting   node %u\n", status->waiting[i]);
}
