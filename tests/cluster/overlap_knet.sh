#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# No two halves are quorate on knet, where a dropped packet takes a link down.
export LAB_TRANSPORT=knet
export OVERLAP_PLAYS=${OVERLAP_PLAYS:-drop.output.all drop.both.one}
exec bash "$(dirname "$0")/overlap.sh"
