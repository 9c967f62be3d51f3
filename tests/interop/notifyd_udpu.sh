#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One node of ours, which both follow, and two of Debian's.
# shellcheck source=tests/interop/notifyd_lab.sh
. "$(dirname "$0")/notifyd_lab.sh"
lab_open coterie corosync corosync
notifyd_begin
lab_kill 3
tap_check "a node that is lost" notifyd_await "10.0.0.3\[3\] ip:10.0.0.3 left"
lab_stop 2
tap_check "quorum lost" notifyd_await "$(hostname)\[1\] has lost quorum"
lab_start 2
tap_check "a node that comes" notifyd_await "10.0.0.2\[2\] ip:10.0.0.2 joined"
tap_check "quorum again" notifyd_await "$(hostname)\[1\] is now quorate" 2
lab_start 3
tap_check "the other one" notifyd_await "10.0.0.3\[3\] ip:10.0.0.3 joined"
notifyd_same notifyd.txt
notifyd_end
