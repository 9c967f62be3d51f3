#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Keys of an encrypted ring change repeatedly while all nodes send. One of the nodes (or KNET_KINDS) is Debian's
# corosync. The membership does not change, and no message is lost.
# On a loaded machine each reload of corosync may take most of a second, also in a ring of corosync alone.
LAB_TOKEN=${LAB_TOKEN:-3000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/../cluster/faults.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/../cluster/knet_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/../cluster/reloads.sh"
# shellcheck source=tests/cluster/rekeys.sh
. "$(dirname "$0")/../cluster/rekeys.sh"

# shellcheck disable=SC2086 # one word for each kind
knet_open ${KNET_KINDS:-coterie coterie corosync}
rekey_configure 0 1 1 2 3
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 2
tap $? "one ring of ${LAB_KINDS[*]}, encrypted"
rekey_play "${CHANGES:-15}"
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
