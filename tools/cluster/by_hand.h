/*
 * A change without a remote shell: its files, and the commands that a person enters on each node.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_BY_HAND_H
#define TOOLS_CLUSTER_BY_HAND_H

#include "tools/cluster/change.h"

/**
 * Plan without facts, and put the instructions into the answer as "text". No key is made or shown.
 * @return enum ctl_exit; CTL_REFUSED: the words of the command contradict each other
 */
int by_hand(struct change *change, struct json_object *data);

#endif
