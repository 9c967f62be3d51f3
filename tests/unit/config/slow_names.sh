#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A name server that does not answer hangs no command that only looks at a config file: coterie -t, with --doctor, and
# --print-config. They name the hosts that could not be looked up within ten seconds. One that answers late is waited for.
#
# shellcheck disable=SC2317 # functions are called through tap_check
. "$(dirname "$0")/../../tap.sh"
build=${abs_top_builddir:-$PWD/build}
# The programs themselves, not libtool's wrappers.
coterie=$build/exec/coterie
ctl=$build/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$build/tools/coterie-ctl
[ -x "$coterie" ] || tap_skip "exec/coterie is not built"
command -v ip python3 unshare >/dev/null || tap_skip "no iproute2, python3 or util-linux"

if [ -z "${SLOW_NAMES_INSIDE:-}" ]; then
	user=()
	[ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
	unshare "${user[@]}" --net --mount --pid --fork --mount-proc true 2>/dev/null || tap_skip "no namespaces"
	if [ ! -e /etc/resolv.conf ] || [ ! -e /etc/nsswitch.conf ]; then
		tap_skip "no /etc/resolv.conf or /etc/nsswitch.conf to put another over"
	fi
	SLOW_NAMES_INSIDE=1 exec unshare "${user[@]}" --net --mount --pid --fork --kill-child --mount-proc bash "$(realpath "$0")"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ip link set lo up
# The resolver's own patience is 10 s by default, too. It must not end first.
printf '%s\n' 'nameserver 127.0.0.1' 'options timeout:20' >"$folder/resolv.conf"
echo 'hosts: files dns' >"$folder/nsswitch.conf"
mount --bind "$folder/resolv.conf" /etc/resolv.conf && mount --bind "$folder/nsswitch.conf" /etc/nsswitch.conf || exit
# Under the names of another name service cache would be asked.
[ ! -d /run/nscd ] || mount -t tmpfs none /run/nscd

# serve SECONDS: a name server that gives each name an address so late; without SECONDS it never answers.
serve() {
	python3 - "$@" <<-'PYTHON' &
		import socket, struct, sys, time
		server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		server.bind(("127.0.0.1", 53))
		while True:
		    question, asker = server.recvfrom(512)
		    if len(sys.argv) < 2:
		        continue
		    time.sleep(float(sys.argv[1]))
		    end = question.index(b"\0", 12) + 5
		    is_a = question[end - 4:end - 2] == b"\0\1"
		    answer = question[:2] + struct.pack("!HHHHH", 0x8180, 1, int(is_a), 0, 0) + question[12:end]
		    if is_a:
		        number = sum(question[13:13 + question[12]]) % 200 + 1
		        answer += struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, 10, 0, 0, number)
		    server.sendto(answer, asker)
	PYTHON
	server=$!
	until grep -q ':0035 ' /proc/self/net/udp; do sleep 0.05; done
}

file=$folder/coterie.conf
{
	echo 'transport udpu { encryption = none }'
	echo 'process { realtime = no lock-memory = no }'
	for ((i = 1; i <= 8; i++)); do
		echo "node n$i { id = $i address = node$i.example }"
	done
} >"$file"

# answers STATUS LIMIT-S COMMAND...: it ends with this status, within the limit. Its output is $folder/said.
answers() {
	local want=$1 limit=$2 begin=$SECONDS status=0

	shift 2
	timeout -k 1 120 "$@" >"$folder/said" 2>&1 || status=$?
	echo "status $status after $((SECONDS - begin)) s: $(cat "$folder/said")"
	[ $status -eq "$want" ] && [ $((SECONDS - begin)) -le "$limit" ]
}
said() { grep -q -- "$1" "$folder/said" || { cat "$folder/said" && return 1; }; }

serve
tap_check "no answer: coterie -t ends with 8" answers 8 20 "$coterie" -t -c "$file" --node n1
tap_check "the resolver is named" said "cannot resolve 'node1.example' (the resolver did not answer in time)"
tap_check "each name is" said "cannot resolve 'node8.example' (the resolver did not answer in time)"
tap_check "no answer: coterie --print-config" answers 8 20 "$coterie" --print-config -c "$file" --node n1
if "$ctl" --version >/dev/null 2>&1; then
	tap_check "no answer: coterie -t --doctor" answers 11 45 "$coterie" -t --doctor -c "$file" --node n1
	tap_check "it names the line" said "config.valid: .*"
	tap_check "no answer: cluster create" answers 64 20 "$ctl" cluster create prod node1.example --dry-run
	tap_check "it says what to write" said "the resolver does not answer): write node1.example=ADDRESS"
fi
sed 's/address = node\([0-9]\).example/address = 10.0.0.\1/' "$file" >"$folder/numbers.conf"
tap_check "numbers need no resolver" answers 0 5 "$coterie" -t -c "$folder/numbers.conf" --node n1
kill $server && wait $server 2>/dev/null
serve 0.3
tap_check "late answers: coterie -t waits for them" answers 0 20 "$coterie" -t -c "$file" --node n1
tap_end
