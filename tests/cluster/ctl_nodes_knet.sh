#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same over knet, whose links tell who hears whom.
# shellcheck disable=SC2034 # lab.sh reads it
LAB_TRANSPORT=knet
# shellcheck source=tests/cluster/ctl_nodes.sh
. "$(dirname "$0")/ctl_nodes.sh"
