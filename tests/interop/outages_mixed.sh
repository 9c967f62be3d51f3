#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Outages in rings of coteries and of Debian's corosync, beside a ring of corosync alone, which is the measure.
export OUTAGE_TRANSPORTS=${OUTAGE_TRANSPORTS:-udpu knet}
export OUTAGE_KINDS=${OUTAGE_KINDS:-corosync corosync corosync,coterie corosync corosync,coterie coterie corosync}
export OUTAGE_WAYS=${OUTAGE_WAYS:-stop cut}
exec bash "$(dirname "$0")/../cluster/outages.sh"
