/*
 * The report of a reload that all nodes make or none. No call of the public client libraries gives it: it comes
 * through a request of the configuration service that Corosync's daemon does not have.
 */
#ifndef TOOLS_CTL_RELOAD_H
#define TOOLS_CTL_RELOAD_H

#include "tools/ctl/ctl.h"

#define RELOAD_LIMIT_S 120 /* the nodes may take their time: the daemon sets the limit */
#define RELOAD_UNKNOWN (-1) /* the daemon is not ours */

/**
 * Ask for a reload, or a check of all files, and put nodes, applied, refused, needs_restart and outcome into data.
 *
 * @param is_each  out: nodes of Corosync's are in the ring; the report is of this node alone
 * @return enum ctl_exit; with ctl->error set when there is no answer; RELOAD_UNKNOWN
 */
int reload_ask(struct ctl *ctl, bool is_check, struct json_object *data, bool *is_each);

/** The same of this node alone, where the service cfg is not loaded. */
int reload_ask_alone(struct ctl *ctl, bool is_check, struct json_object *data);

#endif
