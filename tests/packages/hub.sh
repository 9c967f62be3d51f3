# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A network for hosts of a test, apart from the script's own, which has a mirror of Debian: source it after roots.sh.
#
#	hub_open            (not in a subshell) a network namespace with a bridge
#	hub_join NODE PID   give the network namespace of a process a port of the bridge, as 10.0.0.NODE
#	await COMMAND...    until the command succeeds, for HUB_PATIENCE seconds at most

HUB_PATIENCE=${HUB_PATIENCE:-60}

hub_open() {
	unshare --net sleep infinity >/dev/null 2>&1 </dev/null &
	hub=$!
	until [ "$(readlink "/proc/$hub/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do
		sleep 0.05
	done
	nsenter -t "$hub" -n sh -c "ip link set lo up; ip link add bridge type bridge mcast_snooping 0 && ip link set bridge up"
}

hub_join() {
	nsenter -t "$hub" -n ip link add "port$1" type veth peer name eth0 netns "$2" &&
		nsenter -t "$hub" -n ip link set "port$1" master bridge up &&
		nsenter -t "$2" -n sh -c "ip link set lo up; ip addr add 10.0.0.$1/24 dev eth0; ip link set eth0 up"
}

await() {
	local end=$((SECONDS + HUB_PATIENCE))

	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			"$@"
			return
		fi
		sleep 0.1
	done
}
