/* SPDX-License-Identifier: BSD-3-Clause */
/* Print the options of coterie.conf from their tables: `coterie --help-config`. */
#include "config/native.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config/model.h"

static const char *type_of(const struct coterie_option *option, enum native_form form)
{
	if (form == FORM_PERCENT)
		return "percentage";
	if (form == FORM_SIGNED)
		return "number";
	if (form == FORM_BUDGET)
		return "duration or word";
	switch (option->type) {
	case COTERIE_OPT_BOOL:
		return "yes or no";
	case COTERIE_OPT_U32:
	case COTERIE_OPT_U64:
		return "number";
	case COTERIE_OPT_MS:
		return "duration";
	case COTERIE_OPT_SIZE:
		return "size";
	case COTERIE_OPT_ENUM:
		return "word";
	case COTERIE_OPT_ADDRESS:
		return "address";
	case COTERIE_OPT_LIST:
		return "list";
	default:
		return "text";
	}
}

static void print_option(const struct coterie_option *option, enum native_form form, FILE *out)
{
	bool is_number = form != FORM_SIGNED && (option->min != 0 || option->max != 0) &&
			 (option->type == COTERIE_OPT_U32 || option->type == COTERIE_OPT_U64 ||
				 option->type == COTERIE_OPT_MS || option->type == COTERIE_OPT_SIZE);
	char min[32], max[32];

	fputc('\t', out);
	for (const char *at = option->name; *at != '\0'; at++)
		fputc(*at == '_' ? '-' : *at, out);
	fprintf(out, "  (%s", type_of(option, form));
	if (form == FORM_SIGNED)
		fprintf(out, ", %" PRId64 " to %" PRId64, (int64_t)option->min, (int64_t)option->max);
	if (is_number) {
		option_limit(option, option->min, min);
		option_limit(option, option->max, max);
		if (option->max >= INT32_MAX)
			fprintf(out, ", at least %s", min);
		else
			fprintf(out, ", %s to %s", min, max);
	}
	if ((option->type == COTERIE_OPT_ENUM || form == FORM_BUDGET) && option->choices != NULL)
		fprintf(out, ": %s", option->choices);
	if (option->initial != NULL)
		fprintf(out, "; default %s", option->initial);
	fprintf(out, "; %s)\n", (option->flags & COTERIE_OPT_RELOAD) != 0 ? "reload" : "restart");
	if (option->help != NULL)
		fprintf(out, "\t\t%s\n", option->help);
	if (option->legacy != NULL)
		fprintf(out, "\t\tin corosync.conf: %s\n", option->legacy);
}

static void print_head(const struct native_kind *kind, const char *title, FILE *out)
{
	fputs(kind->path, out);
	if (kind->title != NULL)
		fprintf(out, " %s", title != NULL ? title : kind->title);
	fprintf(out, " { }\n\t%s\n", kind->help);
}

/* transport: print only the rows of this transport. NULL: print every row. */
static void print_rows(const struct native_kind *kind, const char *transport, FILE *out)
{
	const struct native_row *row;

	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++)
		if (strcmp(row->block, kind->path) == 0 && (transport == NULL || native_row_is_for(row, transport)))
			print_option(&row->option, row->form, out);
}

struct seen {
	FILE *out;
	bool is_found;
};

static void see(void *arg, const struct coterie_plugin *descriptor)
{
	struct seen *seen = arg;

	seen->is_found = true;
	for (uint32_t i = 0; i < descriptor->option_count; i++) {
		struct coterie_option option = option_copy(descriptor->options, descriptor->option_size, i);

		print_option(&option, FORM_TEXT, seen->out);
	}
}

static int print_plugin(
	const struct config_environment *environment, const struct native_kind *kind, const char *name, FILE *out)
{
	bool is_transport = strcmp(kind->path, "transport") == 0;
	struct seen seen = {.out = out};

	print_head(kind, name, out);
	print_rows(kind, is_transport ? name : NULL, out);
	if (environment->describe != NULL)
		environment->describe(environment->arg, is_transport ? COTERIE_KIND_TRANSPORT : COTERIE_KIND_SERVICE,
			name, NULL, see, &seen);
	if (seen.is_found)
		return 0;
	fprintf(stderr, "no plugin '%s' of kind %s is installed: its own options are not known\n", name, kind->name);
	return -ENOENT;
}

int config_help(const struct config_environment *environment, const char *block, const char *name, FILE *out)
{
	const struct native_kind *kind;
	bool is_found = false;

	if (block != NULL && name != NULL && (kind = native_kind_find(block)) != NULL && kind->is_open)
		return print_plugin(environment, kind, name, out);
	for (uint32_t i = 0; (kind = native_kind_at(i)) != NULL; i++) {
		if (block != NULL && strcmp(kind->path, block) != 0 && strcmp(kind->name, block) != 0)
			continue;
		is_found = true;
		print_head(kind, NULL, out);
		print_rows(kind, NULL, out);
	}
	if (block == NULL) {
		const struct native_kind top = {.path = ""};

		fputs("at the top level\n", out);
		print_rows(&top, NULL, out);
		fputs("include(\"FILE\")  read that file, or all that match a pattern, after this one\n", out);
	}
	if (is_found)
		return 0;
	fprintf(stderr, "no block '%s': --help-config without a name lists all\n", block);
	return -ENOENT;
}
