/*
 * The commands `cluster create`, `node add`, `node remove` and `link add` of coterie-ctl.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_COMMANDS_H
#define TOOLS_CLUSTER_COMMANDS_H

struct ctl;
struct json_object;

/* Functions gather and print of struct ctl_command: */
int cluster_create(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int node_add(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int node_remove(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int link_add(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void cluster_print(const struct ctl *ctl, struct json_object *data);

/** Run the helper of a change on a node: agent.h. @return exit status */
int agent_main(struct ctl *ctl);

#endif
