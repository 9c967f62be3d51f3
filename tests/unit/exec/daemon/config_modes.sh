#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Options with which the daemon's program handles a config without running: -t, --print-config,
# --help-config.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"

build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../../../build" && pwd)}
[ -x "$build/exec/coterie" ] || tap_skip "exec/coterie is not built"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export COTERIE_PLUGIN_PATH=$build
unset COTERIE_CONFIG COTERIE_INSTANCE

cat >"$dir/good" <<'EOF'
cluster { name = "demo" }
transport udpu { port = 15405  offload = no }
node n1 { id = 1  address = 127.0.0.1 }
totem { token = 300ms }
log { syslog = no }
EOF
printf 'transport knot {}\nnode n1 { id = 1  address = 127.0.0.1 }\n' >"$dir/knot"
printf 'log { facility = LOCAL3 }\nnode n1 { id = 1  address = 127.0.0.1 }\n' >"$dir/log"
printf 'totem { token = 3 }\n' >"$dir/bad"
printf 'totem {\nversion: 2\ntransport: udpu\n}\nnodelist {\nnode {\nring0_addr: 127.0.0.1\n}\n}\n' >"$dir/old"
printf 'quorum {\nprovider: corosync_votequorum\ntwo_node: 1\ndevice {\nmodel: net\n}\n}\n' |
	cat "$dir/old" - >"$dir/votes"

# ends STATUS TEXT OPTION...: the status, and the text somewhere in what is printed.
ends() {
	local want=$1 text=$2 output status

	shift 2
	output=$("$build/exec/coterie" "$@" 2>&1)
	status=$?
	[ $status -eq "$want" ] && [[ $output == *"$text"* ]]
	tap $? "$* ends with $want" || tap_note "status $status: $output"
}

ends 0 "$dir/good: ok (1 node, transport udpu, local node n1)" -t -c "$dir/good"
ends 0 "$dir/old: ok (1 node, transport udpu" -t -c "$dir/old"
ends 8 "$dir/bad:1: 'token' needs a unit" -t -c "$dir/bad"
ends 7 "did you mean 'local3'?" -t -c "$dir/log"
ends 30 "$dir/knot:1: no plugin 'knot' of kind transport in $build:" -t -c "$dir/knot"
mkdir "$dir/empty"
COTERIE_PLUGIN_PATH=$dir/empty ends 0 "$dir/good: the rules of plugin 'udpu' were not checked: no plugin 'udpu'" -t -c "$dir/good"
# Those of that kind, and nothing else that is there.
installed=$("$build/exec/coterie" -t -c "$dir/knot" 2>&1 | sed -n 's/.*: installed are //p')
for name in knet udp udpu; do
	[ ! -e "$build/$name.la" ] || expected+="${expected:+, }$name"
done
tap_check "and it says which are" test "$installed" = "$expected"
ends 8 "exclude each other" -t -c "$dir/votes"
ends 8 "':' after 'version'" -t --format coterie -c "$dir/old"
ends 1 "no format 'toml'" -t --format toml -c "$dir/old"
chmod 0 "$dir/good" && chmod 755 "$dir"
if setpriv --reuid 65534 --regid 65534 --clear-groups test ! -r "$dir/good" 2>/dev/null; then
	tap_check "a file that may not be read" grep -qx "cannot read '$dir/good' (Permission denied): check its owner and mode" \
		<(setpriv --reuid 65534 --regid 65534 --clear-groups "$build/exec/coterie" -t -c "$dir/good" 2>&1)
else
	tap_note "this user cannot become another: every file can be read"
fi
chmod 644 "$dir/good"
ends 8 "cannot read '$dir/none' (No such file or directory)" -t -c "$dir/none"
ends 0 "port = 15405	# good:2" --print-config -c "$dir/good"
ends 0 "	offload: no" --print-config=corosync -c "$dir/good"
ends 0 "totem.token (u32) = 300" --print-config=cmap -c "$dir/good"
ends 0 '"key": "totem.token", "type": "u32", "value": 300, "origin": "file"' --print-config=json -c "$dir/good"
ends 1 "no form 'yaml'" --print-config=yaml -c "$dir/good"
ends 0 "token  (duration, 30ms to 1h; default 3s; reload)" --help-config
ends 0 "socket-buffer" --help-config transport udpu
ends 1 "no block 'nothing'" --help-config nothing

"$build/exec/coterie" --print-config -c "$dir/votes" >"$dir/votes.conf" &&
	"$build/exec/coterie" --print-config=corosync -c "$dir/good" >"$dir/good.corosync"
tap_check "what is printed is read again" "$build/exec/coterie" --print-config=cmap -c "$dir/good.corosync"

if command -v python3 >/dev/null; then
	tap_check "the JSON is JSON" bash -c \
		"'$build/exec/coterie' --print-config=json -c '$dir/good' | python3 -m json.tool >/dev/null"
fi
tap_end
