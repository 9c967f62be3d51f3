/*
 * Another node in the place of this one: while a remote is set, facts come from that node's maps. They are asked for
 * when something of them is wanted, a section at a time, and kept until the answer is made.
 */
#ifndef TOOLS_CTL_REMOTE_H
#define TOOLS_CTL_REMOTE_H

#include "services/control/messages.h"
#include "tools/ctl/ctl.h"

struct remote_key {
	const char *name, *type, *value; /* type as in cmapctl(8); numbers in decimal */
};

/** Ask that node from now on. @return 0; the exit status with ctl->error set: it cannot be asked */
int remote_open(struct ctl *ctl, uint32_t nodeid);
/** Ask this node again; nothing to do when none is set. */
void remote_close(struct ctl *ctl);
/** What went wrong since remote_open, put into ctl->error. @return exit status, or 0 */
int remote_error(struct ctl *ctl);
uint32_t remote_nodeid(const struct remote *remote);
bool remote_is_quorate(const struct remote *remote);

/** One key, or NULL; borrowed until remote_close. */
const struct remote_key *remote_find(struct ctl *ctl, enum control_map map, const char *name);
/** Call each for all keys that begin so, until it returns false. */
void remote_each(struct ctl *ctl, enum control_map map, const char *prefix, bool (*each)(void *arg, const char *key),
	void *arg);
/** The value as JSON, by its type; caller frees. */
struct json_object *remote_value(const struct remote_key *key);
/** What that node's transport tells of a node. @return false: nothing */
bool remote_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status);

#endif
