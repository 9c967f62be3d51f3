/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/metrics/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/answers/answers.h"

static const char *const commands[DOCUMENTS] = {
	[DOCUMENT_STATUS] = "status",
	[DOCUMENT_MEMBERS] = "members",
	[DOCUMENT_QUORUM] = "quorum",
	[DOCUMENT_RINGS] = "rings",
	[DOCUMENT_PLUGINS] = "plugin list",
	[DOCUMENT_CLIENTS] = "clients",
};

static bool is_blank(char c) { return c == ' ' || c == '+' || c == '/'; }

enum document document_of_command(const char *command)
{
	for (uint32_t document = DOCUMENT_STATUS; document < DOCUMENTS; document++) {
		const char *word = commands[document], *at = command;

		while (*word != '\0' && (*word == *at || (*word == ' ' && is_blank(*at))))
			word++, at++;
		if (*word == '\0' && *at == '\0')
			return (enum document)document;
	}
	return DOCUMENTS;
}

const char *document_content_type(enum document document)
{
	if (document == DOCUMENT_OPENMETRICS)
		return metrics_content_type(METRICS_OPENMETRICS);
	if (document == DOCUMENT_PROMETHEUS)
		return metrics_content_type(METRICS_PROMETHEUS);
	return "application/json";
}

/* Add this node's row of the matrix: the nodes that its transport reaches. */
static void put_hears(const struct metrics_source *source, struct json_object *members)
{
	uint32_t local = source->local(source->arg);
	struct json_object *list = json_object_new_array(), *self = NULL;

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		uint32_t id = (uint32_t)get_number(member, "id");
		struct coterie_node_status status;

		if (id == local)
			self = member;
		if (id == local || (answers_links(source, id, &status) && status.is_reachable != 0))
			json_object_array_add(list, json_object_new_int64(id));
	}
	if (self != NULL)
		json_object_object_add(self, "hears", list);
	else
		json_object_put(list);
}

/* Fill in the answer. @return false: there is no such answer at the moment */
static bool fill(enum document document, const struct metrics_source *source, struct json_object *data)
{
	switch (document) {
	case DOCUMENT_STATUS:
		answers_status(source, "", data);
		return true;
	case DOCUMENT_MEMBERS:
		if (!answers_members(source, data))
			return false;
		put_hears(source, get(data, "members"));
		return true;
	case DOCUMENT_QUORUM:
		answers_quorum(source, source->quorate(source->arg), data);
		return true;
	case DOCUMENT_RINGS:
		answers_rings(source, data);
		return true;
	case DOCUMENT_PLUGINS:
		json_object_object_add(data, "plugins", answers_plugins(source, "stats.plugins."));
		return true;
	case DOCUMENT_CLIENTS:
		answers_clients(source, data);
		return true;
	case DOCUMENT_OPENMETRICS:
	case DOCUMENT_PROMETHEUS:
	case DOCUMENTS:
		break;
	}
	return false;
}

static int copy_text(struct json_object *answer, struct metrics_text *text)
{
	size_t size;
	const char *bytes = json_object_to_json_string_length(
		answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (bytes == NULL)
		return -ENOMEM;
	if (text->size_max > 0 && size >= text->size_max)
		return -EMSGSIZE;
	text->bytes = malloc(size + 2);
	if (text->bytes == NULL)
		return -ENOMEM;
	memcpy(text->bytes, bytes, size);
	memcpy(text->bytes + size, "\n", 2);
	text->size = size + 1;
	return 0;
}

static int make_answer(
	enum document document, const struct metrics_source *source, struct metrics_text *text, unsigned int *status)
{
	struct json_object *data = json_object_new_object(), *error = NULL;

	if (data == NULL)
		return -ENOMEM;
	if (!fill(document, source, data)) {
		json_object_put(data);
		data = NULL;
		error = answers_error(1, "the ring is just changing", "try again");
		*status = 503;
	}
	struct json_object *answer = answers_envelope(commands[document], source->local(source->arg), data, error);
	int rc = copy_text(answer, text);
	json_object_put(answer);
	return rc;
}

int document_make(enum document document, const struct snapshot *snapshot, const struct metrics_options *options,
	struct metrics_text *text, unsigned int *status)
{
	const struct metrics_source source = snapshot_source(snapshot);
	struct metrics_options own = *options;

	*status = 200;
	if (document >= DOCUMENT_STATUS)
		return make_answer(document, &source, text, status);
	own.format = document == DOCUMENT_OPENMETRICS ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
	return metrics_render(&source, &own, text);
}
