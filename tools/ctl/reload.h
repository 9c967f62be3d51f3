/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report of a reload, which all nodes carry out or none. No call of the public client libraries returns this
 * report. It is the answer to a request of the configuration service that Corosync's daemon does not have.
 */
#ifndef TOOLS_CTL_RELOAD_H
#define TOOLS_CTL_RELOAD_H

#include <sys/types.h>

#include "services/cfg/messages.h"
#include "tools/ctl/ctl.h"

#define RELOAD_LIMIT_S 120  /* more than the limit of the daemon for all nodes */
#define RELOAD_UNKNOWN (-1) /* the daemon does not have this request, for example Corosync's */

/**
 * Request a reload, or a check of all files, and put nodes, applied, refused, needs_restart and outcome into data.
 * @param is_forced  running nodes may be missing in the files
 * @param is_each  out: Corosync nodes are in the ring, so the report is only about this node
 * @return enum ctl_exit, with ctl->error set if there is no answer; RELOAD_UNKNOWN
 */
int reload_ask(struct ctl *ctl, bool is_check, bool is_forced, struct json_object *data, bool *is_each);

/**
 * Send a request of the configuration service, again while the daemon answers CS_ERR_TRY_AGAIN.
 * @param bytes  out: the answer, which the caller frees, or NULL. It has at least a struct cfg_res_reload_report
 * @return size of the answer; negative: enum cs_error_t
 */
ssize_t reload_call(struct ctl *ctl, void *request, size_t request_size, uint8_t **bytes);
/**
 * Call put for each node of an answer of reload_call. text: NUL-terminated, put may change it.
 * @param what  for ctl->error: the name of the command
 * @return the worst result of put (CTL_INVALID is the worst); CTL_FAILED with ctl->error set: the answer is cut off
 */
int reload_walk(struct ctl *ctl, const char *what, const uint8_t *bytes, size_t size,
	int (*put)(struct json_object *data, const struct cfg_wire_node_report *report, char *text),
	struct json_object *data);

/** Do the same as reload_ask, but only on this node: for a daemon that has not loaded the service cfg. */
int reload_ask_alone(struct ctl *ctl, bool is_check, struct json_object *data);

#endif
