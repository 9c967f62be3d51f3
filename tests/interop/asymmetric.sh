#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two coteries that do not hear each other, and one of Debian's corosync between them that hears both.
ASYMMETRIC_KINDS="coterie corosync coterie" exec bash "$(dirname "$0")/../cluster/asymmetric.sh"
