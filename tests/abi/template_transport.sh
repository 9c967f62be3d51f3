#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Uses the template for transports as a third party does. It is built outside the tree, in a root that has only the SDK
# and a daemon, and tested with the test kit. Then three installed daemons form a ring with it on this host, without
# root and without IP. The test checks the order, a crash that the others notice at once, a return, and a stop.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"

sdk_open
declare -A daemon client feed
finish() {
	local pid

	for pid in "${client[@]}" "${daemon[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait
	rm -rf "$work"
}
trap finish EXIT

# --- the SDK, and the build ---

sdk_install
sdk_build template-transport unixgram

program=$(find "$root" -path '*/sbin/coterie')
if [ ! -x "$program" ]; then
	tap_note "no daemon in this build: not loaded"
	tap_end
fi
export PATH=${program%/*}:$PATH
sdk_check

# --- the config ---

# Addresses and instance names that only this process uses. No packet is sent to the addresses.
net=127.$((1 + $$ % 250)).$(($$ / 250 % 250))
node_section() {
	printf '\tnode {\n\t\tname: unixgram%s-%s\n\t\tnodeid: %s\n\t\tring0_addr: %s.%s\n\t}\n' \
		$$ "$1" "$1" "$net" "$1"
}
cat >"$work/corosync.conf" <<END
totem {
	version: 2
	cluster_name: template
	transport: unixgram
}
transport {
	name: unixgram
	directory: $work/home/sockets
}
nodelist {
$(node_section 1)
$(node_section 2)
$(node_section 3)
}
system {
	sched_rr: no
}
logging {
	to_stderr: yes
	to_syslog: no
	to_logfile: no
	debug: on
}
END
check_config() { # FILE PLUGIN-PATH WANTED-STATUS PATTERN
	local output status

	output=$(COTERIE_PLUGIN_PATH=$2 coterie -t --node "unixgram$$-1" -c "$work/$1" 2>&1)
	status=$?
	[ $status -eq "$3" ] && grep -q "$4" <<<"$output" && return
	echo "exit code $status: $output"
	return 1
}
# It is named twice, and either is enough.
sed '/^transport {/,/^}/d' "$work/corosync.conf" >"$work/key.conf"
sed '/transport: unixgram/d' "$work/corosync.conf" >"$work/section.conf"
for file in corosync key section; do
	tap_check "it is a transport where it is installed: $file.conf" \
		check_config $file.conf "$there" 0 "ok (3 nodes, transport unixgram, local node unix"
done
tap_check "totem.transport is checked" check_config key.conf "$root$plugin_dir" 8 \
	"key.conf:4: Invalid transport type 'unixgram': no plugin 'unixgram' of kind transport in"
tap_check "section transport is checked" check_config section.conf "$root$plugin_dir" 30 \
	"no plugin 'unixgram' of kind transport in"

# --- three daemons ---

mkdir -m 777 "$work/home"
# Root is not needed, so it is given up, unless another user cannot reach the build: in a clone below a private folder the
# clients would not even start.
as_user=()
if [ "$(id -u)" = 0 ]; then
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${as_user[@]}" test -x "$program" -a -r "$there/unixgram.so" -a -x "$build/conf/demo_client" 2>/dev/null ||
		as_user=()
fi
export HOME=$work/home RUNTIME_DIRECTORY=$work/home/run STATE_DIRECTORY=$work/home/state
export LD_LIBRARY_PATH=$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export COTERIE_PLUGIN_PATH=$there:$root$plugin_dir

start() { # NODE
	"${as_user[@]}" coterie --instance "unixgram$$-$1" -f -c "$work/corosync.conf" \
		>>"$work/$1.log" 2>&1 &
	daemon[$1]=$!
}
# A client prints members and messages. Its input comes from a pipe that is held open here.
join() { # NODE
	local fd=${feed[$1]}

	[ -z "$fd" ] || exec {fd}>&-
	rm -f "$work/$1.say"
	mkfifo -m 666 "$work/$1.say"
	exec {fd}<>"$work/$1.say"
	feed[$1]=$fd
	: >"$work/$1.heard"
	COTERIE_INSTANCE=unixgram$$-$1 "${as_user[@]}" "$build/conf/demo_client" \
		<"$work/$1.say" >"$work/$1.heard" 2>&1 &
	client[$1]=$!
}
# await SECONDS COMMAND...: it becomes true.
await() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			tail -n 20 "$work"/*.log "$work"/*.heard
			return 1
		}
		sleep 0.01
	done
}
last_members() { # NODE MEMBERS
	[ "$(grep '^members' "$work/$1.heard" | tail -n 1)" = "members $2" ]
}
has_messages() { # NODE COUNT
	[ "$(grep -c '^message' "$work/$1.heard")" -ge "$2" ]
}
is_running() { grep -q 'A new membership' "$work/$1.log"; }
say() { # NODE COUNT
	local i

	for ((i = 0; i < $2; i++)); do
		echo "line $i" >&"${feed[$1]}"
	done
}

for node in 1 2 3; do
	start $node
done
for node in 1 2 3; do
	tap_check "daemon $node runs" await 15 is_running $node || tap_end
	join $node
done
for node in 1 2 3; do
	tap_check "node $node sees one ring of three" await 15 last_members $node "1 2 3" || tap_end
done

# Sockets of this process in the kernel's tables of IP.
ip_sockets() { # PID
	local inode

	for inode in $(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n'); do
		awk -v inode="$inode" 'FNR > 1 && $10 == inode { print FILENAME, $0 }' \
			/proc/net/udp /proc/net/udp6 /proc/net/tcp /proc/net/tcp6 /proc/net/raw \
			2>/dev/null
	done
}
tap_check "no daemon has a socket of IP" \
	test -z "$(for node in 1 2 3; do ip_sockets "${daemon[$node]}"; done)"

for node in 1 2 3; do
	say $node 200 &
	speakers+=($!)
done
wait "${speakers[@]}"
for node in 1 2 3; do
	tap_check "node $node hears everybody" await 15 has_messages $node 600
	grep '^message' "$work/$node.heard" >"$work/$node.order"
done
tap_check "in one order" cmp "$work/1.order" "$work/2.order"
tap_check "everywhere" cmp "$work/1.order" "$work/3.order"

# --- a crash ---

# A token is waited for 3 seconds and more.
now_ms() { echo $(($(date +%s%N) / 1000000)); }
kill -KILL "${client[3]}"
wait "${client[3]}" 2>/dev/null
for node in 1 2; do
	await 10 last_members $node "1 2" >/dev/null
done
join 3
tap_check "the third client is back" await 10 last_members 1 "1 2 3"
before=$(now_ms)
kill -KILL "${daemon[3]}"
wait "${daemon[3]}" 2>/dev/null
tap_check "a crash is known to the first" await 10 last_members 1 "1 2"
tap_check "and to the second" await 10 last_members 2 "1 2"
took=$(($(now_ms) - before))
tap_check "at once" test $took -lt 1000 || tap_note "it took $took ms"
tap_note "known after $took ms"
tap_check "by its socket" grep -q 'sign that no daemon runs on node 3' "$work/1.log" "$work/2.log"
tap_check "its socket's file is still there" test -S "$work/home/sockets/3"

# --- its place, and its return ---

: >"$work/3.log"
start 3
tap_check "it starts again" await 15 is_running 3
join 3
for node in 1 2 3; do
	tap_check "node $node sees one ring again" await 15 last_members $node "1 2 3"
done
say 3 1
for node in 1 2 3; do
	tap_check "and node $node hears it" await 10 grep -q '^message 3 line 0$' "$work/$node.heard"
done

sed "s/unixgram$$-1/second$$-1/" "$work/corosync.conf" >"$work/second.conf"
output=$("${as_user[@]}" timeout 10 coterie --instance "second$$-1" -f -c "$work/second.conf" 2>&1)
tap_check "a second daemon of one node is refused" test $? -eq 35 || tap_note "$output"
tap_check "and told why" grep -q 'another daemon is this node' <<<"$output"

# --- the end ---

kill "${client[@]}" 2>/dev/null
wait "${client[@]}" 2>/dev/null
client=()
kill "${daemon[@]}"
stopped=0
for node in 1 2 3; do
	wait "${daemon[$node]}" || stopped=1
done
daemon=()
tap $stopped "they stop cleanly" || tap_note "$(tail -n 5 "$work"/*.log)"
tap_check "and take their sockets with them" \
	test "$(cd "$work/home/sockets" && echo *)" = "1.lock 2.lock 3.lock"
tap_check "nobody complains about the plugin" eval '! grep -i "leak" "$work"/*.log'
tap_end
