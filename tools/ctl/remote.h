/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts of another node. While ctl->remote is set, facts are read from the maps of that node. Sections of keys are
 * requested when they are first needed, and kept until the answer is made.
 */
#ifndef TOOLS_CTL_REMOTE_H
#define TOOLS_CTL_REMOTE_H

#include "services/control/messages.h"
#include "tools/ctl/ctl.h"

struct remote_key {
	const char *name, *type, *value; /* the type is named as in cmapctl(8). Numbers are decimal */
};

/** Read facts from that node from now on. @return 0; the exit status with ctl->error set: the node cannot be queried */
int remote_open(struct ctl *ctl, uint32_t nodeid);
/** Read facts from this node again. If ctl->remote is not set, do nothing. */
void remote_close(struct ctl *ctl);
/** Store the first error since remote_open in ctl->error. @return exit status; 0: no error */
int remote_error(struct ctl *ctl);
uint32_t remote_nodeid(const struct remote *remote);
bool remote_is_quorate(const struct remote *remote);

/** Return one key, borrowed until remote_close, or NULL. */
const struct remote_key *remote_find(struct ctl *ctl, enum control_map map, const char *name);
/** Call each() for all keys with this prefix, until it returns false. */
void remote_each(
	struct ctl *ctl, enum control_map map, const char *prefix, bool (*each)(void *arg, const char *key), void *arg);
/** Return the value as JSON, by its type. The caller frees it. */
struct json_object *remote_value(const struct remote_key *key);
/** Get the status of a node from the transport of the queried node. @return false: there is no status */
bool remote_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status);

#endif
