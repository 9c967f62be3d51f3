/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to the control service, which only coterie-ctl uses: services/control/messages.h. */
#ifndef TOOLS_CTL_CONTROL_H
#define TOOLS_CTL_CONTROL_H

#include "services/control/messages.h"
#include "tools/ctl/ctl.h"

struct control_question {
	enum control_request_id id;
	uint32_t flags, drain_ms;
	uint32_t count;
	const char *words[CONTROL_WORDS_MAX + 1];
};

struct control_answer {
	int32_t rc; /* result of the daemon: 0 or a negative errno */
	char text[CONTROL_TEXT_SIZE];
};

struct control_nodes {
	uint32_t count;
	struct {
		uint32_t nodeid;
		uint32_t size;
		const char *text; /* names of its plugins, each with a NUL */
	} list[4096];
	uint8_t *bytes;
};

/**
 * Send a request and wait for the answer without a limit. @return 0; if there is no answer, the exit status with
 * ctl->error set
 */
int control_ask(struct ctl *ctl, const struct control_question *question, struct control_answer *answer);
/** Get the plugins of all nodes. The list in nodes is valid until control_nodes_fini. @return as control_ask */
int control_ask_nodes(struct ctl *ctl, struct control_nodes *nodes);
void control_nodes_fini(struct control_nodes *nodes);

struct control_keys {
	uint32_t flags; /* CONTROL_KEYS_* */
	size_t size;
	uint8_t *bytes; /* the whole answer, which the caller frees */
	char *text;     /* points into bytes: `size` bytes, the last one a NUL, with three texts for each key */
};

/**
 * Get the keys of another node that begin with a prefix. An error that this node reports is an error of the call as
 * well. @return as control_ask
 */
int control_ask_keys(
	struct ctl *ctl, uint32_t nodeid, enum control_map map, const char *prefix, struct control_keys *keys);

struct control_reload {
	int32_t rc; /* 0; -EINVAL: the file was rejected; another negative errno */
	uint32_t nodeid;
	char *text; /* the caller frees it */
};

/** Reload only this node, or only check its file. @return as control_ask */
int control_ask_reload(struct ctl *ctl, bool is_check, struct control_reload *reload);

#endif
