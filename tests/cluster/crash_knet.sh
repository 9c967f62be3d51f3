#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# How fast a killed daemon is missed on knet. The limit is for a busy machine, too.
export LAB_TRANSPORT=knet
export CRASH_LIMIT=${CRASH_LIMIT:-300}
exec bash "$(dirname "$0")/crash.sh"
