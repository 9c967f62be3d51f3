/* The control service, which only coterie-ctl talks to: services/control/messages.h. */
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
	int32_t rc; /* of the daemon's side: 0 or a negative errno */
	char text[CONTROL_TEXT_SIZE];
};

struct control_nodes {
	uint32_t count;
	struct {
		uint32_t nodeid;
		uint32_t size;
		const char *text; /* names, each with a NUL */
	} list[4096];
	uint8_t *bytes;
};

/** Ask and wait, however long it takes. @return 0; the exit status with ctl->error set: there is no answer */
int control_ask(struct ctl *ctl, const struct control_question *question, struct control_answer *answer);
/** Who runs what. As control_ask; nodes->list is good until control_nodes_fini. */
int control_ask_nodes(struct ctl *ctl, struct control_nodes *nodes);
void control_nodes_fini(struct control_nodes *nodes);

struct control_keys {
	uint32_t flags; /* CONTROL_KEYS_* */
	size_t size;
	uint8_t *bytes; /* of the whole answer; caller frees */
	char *text;     /* in bytes: size bytes, the last of them a NUL; three texts for each key */
};

/** Keys of another node that begin so. As control_ask; an error of that node is one as well. */
int control_ask_keys(struct ctl *ctl, uint32_t nodeid, enum control_map map, const char *prefix,
	struct control_keys *keys);

struct control_reload {
	int32_t rc; /* 0; -EINVAL: refused; another negative errno */
	uint32_t nodeid;
	char *text; /* caller frees */
};

/** A reload of this node alone, or its check. As control_ask. */
int control_ask_reload(struct ctl *ctl, bool is_check, struct control_reload *reload);

#endif
