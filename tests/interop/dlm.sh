#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's dlm_controld on three nodes, on daemons of root and on daemons that run as a user of their own. Its kernel module is
# not needed: the daemon gets files in the place of the module's devices and settings. With these it joins its group, and
# agrees with the others on the version of the protocol. It reads the cluster's name and the addresses of its nodes, and
# sees a node leave. No lockspace is made. Environment:
#
# DLM_KINDS  kinds of the nodes: coterie coterie coterie
# DLM_USER   user of the daemons of coterie in the second play: 61999
# shellcheck disable=SC2317 # functions are called through lab_await and tap_check
export DLM_USER=${DLM_USER:-${LAB_USER:-61999}} # for the second run of this script
LAB_USER=
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"

PATH=$PATH:/usr/sbin
for program in dlm_controld dlm_tool; do
	command -v $program >/dev/null || tap_skip "no $program (Debian: dlm-controld)"
done
# In a user namespace no device can be made.
if [ "$(id -u)" -ne 0 ] || [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 1 ]; then
	tap_skip "not root"
fi
read -ra kinds <<<"${DLM_KINDS:-coterie coterie coterie}"
lab_open "${kinds[@]}"
chmod 755 "$LAB_DIR"
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

# on NODE COMMAND...: with Debian's libraries.
on() { LAB_CLIENT=corosync lab_in "$@"; }

# The module's devices, its folders in configfs, and what the kernel says of them.
fake_module() {
	# shellcheck disable=SC2016 # of the inner shell
	"$LAB_ENTER" "${LAB_HOLDERS[$1]}" sh -c '
		mkdir "$1/dev" && mount -t tmpfs dev "$1/dev" && cd "$1/dev" && mkdir shm misc || exit 1
		for name in null zero urandom random full tty; do
			: >$name && mount --bind /dev/$name $name || exit 1
		done
		mount --bind /dev/shm shm || exit 1
		# A pseudo-terminal that nobody writes to is a device without requests.
		mkdir misc/pts && mount -t devpts pts misc/pts || exit 1
		mknod misc/dlm-control c 1 3 && mknod misc/dlm-monitor c 5 2 && mknod misc/dlm_plock c 5 2 || exit 1
		mount --rbind "$1/dev" /dev && mount -t tmpfs sys /sys/kernel && mkdir -p /sys/kernel/dlm \
			/sys/kernel/config/dlm/cluster/comms /sys/kernel/config/dlm/cluster/spaces || exit 1
		printf "  3 dlm-control\n  2 dlm-monitor\n  2 dlm_plock\n" >"$1/misc" && mount --bind "$1/misc" /proc/misc
		mkdir -p /run/dlm_controld' - "$LAB_DIR/$1"
}

dlm_start() {
	local node

	DLM=()
	for node in "$@"; do
		(LAB_CLIENT=corosync lab_exec "$node" setsid dlm_controld -D -q 0 -f 0 >"$LAB_DIR/$node/dlm" 2>&1) &
		DLM[node]=$!
	done
}
# The nodes of the cluster, as one of its members has them.
members() { on "$1" dlm_tool status 2>/dev/null | grep -c '^node [0-9]* M '; }
have_all() {
	local node

	for node in "$@"; do
		[ "$(members "$node")" -eq $# ] || return 1
	done
}
# From the map, from the group and from the configuration service.
have_read() {
	local node

	for node in 1 2 3; do
		grep -q "cmap totem.cluster_name = 'lab'" "$LAB_DIR/$node/dlm" &&
			grep -q "our_nodeid $node" "$LAB_DIR/$node/dlm" &&
			grep -q "daemon run 3.1.1" "$LAB_DIR/$node/dlm" &&
			[ "$(grep -c "set_configfs_node [123] 10.0.0.[123] " "$LAB_DIR/$node/dlm")" -eq 3 ] || return 1
	done
}

play() {
	local name=${LAB_USER:-root}

	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "one ring of ${kinds[*]}, of user $name"
	dlm_start 1 2 3
	tap_check "$name: the three of dlm_controld are members" lab_await have_all 1 2 3
	tap_check "$name: they have name, version and addresses" have_read
	lab_kill 3
	tap_check "$name: the others see node 3 leave" lab_await have_all 1 2
	on 1 dlm_tool status | sed 's/^/# /'
	kill "${DLM[@]}" 2>/dev/null
	wait "${DLM[@]}"
	lab_alive 1 2
	tap $? "$name: no daemon has exited"
	lab_stop 1 2
	tap $? "$name: all stop with status 0"
}

for node in "${LAB_NODES[@]}"; do
	fake_module "$node" || tap_skip "no files in place of the module's"
done
play
rm -f "$LAB_DIR"/[123]/log
LAB_USER=$DLM_USER play
lab_close
