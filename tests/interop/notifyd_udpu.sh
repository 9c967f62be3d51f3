#!/bin/bash
# One node of ours, which both follow, and two of Debian's.
# shellcheck source=tests/interop/notifyd_lab.sh
. "$(dirname "$0")/notifyd_lab.sh"
notifyd_compare coterie corosync corosync
