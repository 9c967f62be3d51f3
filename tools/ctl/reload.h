/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report of a reload that all nodes make or none. No call of the public client libraries gives it: it comes
 * through a request of the configuration service that Corosync's daemon does not have.
 */
#ifndef TOOLS_CTL_RELOAD_H
#define TOOLS_CTL_RELOAD_H

#include <sys/types.h>

#include "services/cfg/messages.h"
#include "tools/ctl/ctl.h"

#define RELOAD_LIMIT_S 120  /* the nodes may take their time: the daemon sets the limit */
#define RELOAD_UNKNOWN (-1) /* the daemon is not ours */

/**
 * Ask for a reload, or a check of all files, and put nodes, applied, refused, needs_restart and outcome into data.
 *
 * @param is_forced  running nodes may be missing in the files
 * @param is_each  out: nodes of Corosync's are in the ring; the report is of this node alone
 * @return enum ctl_exit; with ctl->error set when there is no answer; RELOAD_UNKNOWN
 */
int reload_ask(struct ctl *ctl, bool is_check, bool is_forced, struct json_object *data, bool *is_each);

/**
 * Send a request of the configuration service, again while the daemon answers CS_ERR_TRY_AGAIN.
 *
 * @param bytes  out: the answer, which caller frees; NULL: none. It has at least struct cfg_res_reload_report
 * @return its size; an error: enum cs_error_t, negative
 */
ssize_t reload_call(struct ctl *ctl, void *request, size_t request_size, uint8_t **bytes);
/**
 * Call put for each node of such an answer. text: NUL-terminated, which put may change.
 *
 * @param what  for ctl->error: the name of the command
 * @return the worst that put returned (CTL_INVALID first); CTL_FAILED with ctl->error set: the answer is cut off
 */
int reload_walk(struct ctl *ctl, const char *what, const uint8_t *bytes, size_t size,
	int (*put)(struct json_object *data, const struct cfg_wire_node_report *report, char *text),
	struct json_object *data);

/** The same as reload_ask of this node alone, where the service cfg is not loaded. */
int reload_ask_alone(struct ctl *ctl, bool is_check, struct json_object *data);

#endif
