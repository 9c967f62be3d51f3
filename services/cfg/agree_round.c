/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of one reload that either all nodes apply or none, and the answer to its client. agree.c has the rules. */
#include "services/cfg/cfg.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CS_OK 1
#define CS_ERR_NO_MEMORY 8
#define CS_ERR_INVALID_PARAM 7

#define REPORT_TEXT_MAX 600000u /* greatest size of all texts in one answer together, in bytes */
#define MORE "more\n"
#define ABSENT_MAX 256u /* greatest number of absent nodes in a report */

/* ---- Members ------------------------------------------------------------- */

struct cfg_round *cfg_round_create(struct cfg *cfg, uint32_t asker, uint64_t number, bool is_alone)
{
	const uint32_t self = cfg->host->local_nodeid(cfg->ctx), *members = &self;
	struct cfg_round *round = calloc(1, sizeof(*round));
	uint32_t count = 1;

	if (round == NULL)
		return NULL;
	if (!is_alone)
		cfg->host->membership(cfg->ctx, NULL, &members, &count);
	round->members = calloc(count + 1, sizeof(*round->members));
	if (round->members == NULL) {
		free(round);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		round->members[i].nodeid = members[i];
	round->member_count = count;
	round->asker = asker;
	round->number = number;
	round->is_alone = is_alone;
	round->since_ns = round->silence_ns = cfg->host->now_ns(cfg->ctx);
	return round;
}

void cfg_round_destroy(struct cfg_round *round)
{
	if (round == NULL)
		return;
	for (uint32_t i = 0; i < round->member_count; i++)
		free(round->members[i].text);
	free(round->members);
	free(round->key);
	free(round);
}

struct cfg_round *cfg_round_find(struct cfg_round *list, uint32_t asker, uint64_t number)
{
	while (list != NULL && (list->is_alone || list->asker != asker || list->number != number))
		list = list->next;
	return list;
}

struct cfg_member *cfg_round_member(const struct cfg_round *round, uint32_t nodeid)
{
	for (uint32_t i = 0; i < round->member_count; i++)
		if (round->members[i].nodeid == nodeid)
			return &round->members[i];
	return NULL;
}

/* ---- Messages of members ------------------------------------------------- */

/* Return whether a member may send `stage` when its last stage was `before`. */
static bool follows(uint32_t before, uint32_t stage)
{
	switch (stage) {
	case CFG_STAGE_HEARD:
		return before == 0;
	case CFG_STAGE_READY:
	case CFG_STAGE_REFUSED:
		return before == CFG_STAGE_HEARD;
	case CFG_STAGE_APPLIED:
	case CFG_STAGE_FAILED:
		return before == CFG_STAGE_READY;
	}
	return false;
}

bool cfg_round_take(struct cfg_member *member, uint32_t stage, const char *text, uint32_t text_size)
{
	if (!follows(member->stage, stage))
		return false;
	member->stage = stage;
	if (stage == CFG_STAGE_APPLIED)
		return true; /* keep the text of READY, which lists the changes */
	free(member->text);
	member->text = text_size > 0 ? malloc((size_t)text_size + 1) : NULL;
	if (member->text == NULL)
		return true; /* out of memory: the round goes on without the text, which is only printed */
	for (uint32_t i = 0; i < text_size; i++) {
		unsigned char c = (unsigned char)text[i];

		member->text[i] = c != '\n' && iscntrl(c) ? '?' : text[i];
	}
	member->text[text_size] = '\0';
	return true;
}

static bool has_reached(const struct cfg_member *member, enum cfg_stage stage)
{
	return member->is_out || member->stage >= (uint32_t)stage;
}

bool cfg_round_has_all(const struct cfg_round *round, enum cfg_stage stage)
{
	for (uint32_t i = 0; i < round->member_count; i++)
		if (!has_reached(&round->members[i], stage))
			return false;
	return true;
}

const struct cfg_member *cfg_round_first(const struct cfg_round *round, enum cfg_stage stage)
{
	for (uint32_t i = 0; i < round->member_count; i++)
		if (!round->members[i].is_out && round->members[i].stage == (uint32_t)stage)
			return &round->members[i];
	return NULL;
}

void cfg_round_name_missing(const struct cfg_round *round, enum cfg_stage stage, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < round->member_count && used < size; i++)
		if (!has_reached(&round->members[i], stage))
			used += (size_t)snprintf(text + used, size - used, " %u", round->members[i].nodeid);
}

/* ---- The answer ---------------------------------------------------------- */

static enum cfg_node_outcome outcome_of(const struct cfg_member *member)
{
	if (member->has_left)
		return CFG_NODE_LEFT;
	if (member->is_out)
		return CFG_NODE_NO_ANSWER;
	switch (member->stage) {
	case CFG_STAGE_READY:
		return CFG_NODE_READY;
	case CFG_STAGE_REFUSED:
		return CFG_NODE_REFUSED;
	case CFG_STAGE_APPLIED:
		return CFG_NODE_APPLIED;
	case CFG_STAGE_FAILED:
		return CFG_NODE_FAILED;
	}
	return CFG_NODE_NO_ANSWER;
}

/* Return how many bytes of a text fit into `room`. A text of several lines is cut after a whole line. */
static uint32_t fitting(const char *text, uint32_t room)
{
	size_t length = strlen(text);

	if (length <= room)
		return (uint32_t)length;
	length = room - strlen(MORE);
	while (length > 0 && text[length - 1] != '\n')
		length--;
	return (uint32_t)length;
}

static uint32_t put_node(uint8_t *at, const struct cfg_member *member, uint32_t room)
{
	const char *text = member->text != NULL ? member->text : "";
	struct cfg_wire_node_report node = {
		.nodeid = member->nodeid, .outcome = outcome_of(member), .text_size = fitting(text, room)};

	memcpy(at + sizeof(node), text, node.text_size);
	if (node.text_size < strlen(text)) {
		memcpy(at + sizeof(node) + node.text_size, MORE, strlen(MORE));
		node.text_size += (uint32_t)strlen(MORE);
	}
	memcpy(at, &node, sizeof(node));
	return (uint32_t)sizeof(node) + (node.text_size + 7) / 8 * 8;
}

static void reply_report(struct cfg *cfg, const struct cfg_round *round, struct coterie_client *client,
	enum cfg_response_id response, enum cfg_outcome outcome)
{
	uint32_t room = REPORT_TEXT_MAX / (round->member_count + 1), size = 8, header[2], absent[ABSENT_MAX];
	uint32_t absent_count = response == CFG_RES_KEY_ROTATE ? cfg_rotate_absent(cfg, absent, ABSENT_MAX) : 0;

	absent_count = absent_count < ABSENT_MAX ? absent_count : ABSENT_MAX;
	size_t most = size + absent_count * sizeof(struct cfg_wire_node_report);

	for (uint32_t i = 0; i < round->member_count; i++) {
		size_t length = round->members[i].text != NULL ? strlen(round->members[i].text) : 0;

		most += sizeof(struct cfg_wire_node_report) + (length < room ? length : room) + 16;
	}
	uint8_t *bytes = calloc(1, most);

	if (bytes == NULL) {
		cfg->host->reply(client, response, CS_ERR_NO_MEMORY, NULL, 0);
		return;
	}
	header[0] = outcome;
	header[1] = round->member_count;
	for (uint32_t i = 0; i < round->member_count; i++)
		size += put_node(bytes + size, &round->members[i], room);
	for (uint32_t i = 0; i < absent_count; i++) {
		struct cfg_wire_node_report node = {.nodeid = absent[i], .outcome = CFG_NODE_ABSENT};

		if (cfg_round_member(round, absent[i]) != NULL)
			continue; /* it was a member, and the report already has it */
		memcpy(bytes + size, &node, sizeof(node));
		header[1]++;
		size += (uint32_t)sizeof(node);
	}
	memcpy(bytes, header, sizeof(header));
	struct iovec iov = {bytes, size};

	cfg->host->reply(client, response, CS_OK, &iov, 1);
	free(bytes);
}

/* Return whether a member has not applied its file. A file of which only a part has no effect is applied. */
static bool has_failed(const struct cfg_round *round)
{
	for (uint32_t i = 0; i < round->member_count; i++) {
		const struct cfg_member *member = &round->members[i];

		if (!member->is_out && member->stage == CFG_STAGE_FAILED && !member->has_failed_partly)
			return true;
	}
	return false;
}

void cfg_round_report(struct cfg *cfg, const struct cfg_round *round, struct coterie_client *client,
	enum cfg_response_id response, enum cfg_outcome outcome)
{
	bool is_good = outcome != CFG_OUTCOME_REFUSED && !has_failed(round);

	if (response == CFG_RES_RELOAD_REPORT || response == CFG_RES_KEY_ROTATE)
		reply_report(cfg, round, client, response, outcome);
	else
		cfg->host->reply(client, response, is_good ? CS_OK : CS_ERR_INVALID_PARAM, NULL, 0);
}
