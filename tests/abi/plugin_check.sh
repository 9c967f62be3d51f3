#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A transport and a quorum provider of a third party in a configuration, outside the tree and with the SDK alone. Their
# options have names in corosync.conf, and the daemon calls their checks.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$PWD}
compiler=${CC:-cc}
coterie=$build/exec/coterie
[ -x "$coterie" ] || tap_skip "no daemon in this build"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/plugins" "$work/far" "$work/bad"
export COTERIE_PLUGIN_PATH=$work/plugins

compile() { # OUT ARGUMENT...
	local out=$1

	shift
	# shellcheck disable=SC2086 # CC may hold flags
	$compiler -g -O0 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fPIC -fvisibility=hidden -shared \
		-Wl,-z,defs -Wl,-z,now -I"$top/include" -o "$out" "$@"
}
tap_check "a transport compiles" compile "$work/plugins/lamp.so" "$top/tests/abi/lamp.c" || tap_end
tap_check "a quorum provider compiles" compile "$work/plugins/jury.so" "$top/tests/abi/jury.c" || tap_end

# --- configurations ---

native() { # FILE TRANSPORT QUORUM [ID]: what stands in these blocks
	printf 'transport lamp {\n%s\n}\nquorum {\n%s\n}\nnode a {\n\tid = %s\n\taddress = 127.0.0.1\n}\n' \
		"$2" "$3" "${4:-1}" >"$work/$1"
}
legacy() { # FILE TOTEM QUORUM
	printf 'totem {\nversion: 2\ntransport: lamp\n%s\n}\nquorum {\n%s\n}\n' "$2" "$3" >"$work/$1"
	printf 'nodelist {\nnode {\nname: a\nnodeid: 1\nring0_addr: 127.0.0.1\n}\n}\n' >>"$work/$1"
}
# says STATUS PATTERN ARGUMENT...: the daemon's exit status and output
says() {
	local status=$1 pattern=$2 output got

	shift 2
	output=$("$coterie" "$@" 2>&1)
	got=$?
	[ $got -eq "$status" ] && grep -q -- "$pattern" <<<"$output" && return
	echo "exit status $got: $output"
	return 1
}

native good.conf 'color = green  blink-time = 20ms  mirror = yes' 'provider = jury'
tap_check "coterie.conf may set its options" says 0 'ok (1 node, transport lamp' -t -c "$work/good.conf"
native value.conf 'color = pink' 'provider = jury'
tap_check "a wrong value is refused at its line" says 8 "value.conf:2: 'pink' is not a color: choose red, green or blue" \
	-t -c "$work/value.conf"
native rule.conf 'color = blue  blink-time = 10ms' 'provider = jury'
tap_check "the transport's own rule is, too" \
	says 8 "rule.conf:2: 'blink-time' is 10 ms, too short for a blue light: use 20ms or more" -t -c "$work/rule.conf"
native quorum.conf 'color = red' $'provider = jury\ntwo-node = yes'
tap_check "and a rule of the quorum provider" \
	says 8 "quorum.conf:6: a jury has no use for 'two-node': remove it" -t -c "$work/quorum.conf"
native far.conf '' 'provider = jury' 500
tap_check "a warning leaves the configuration accepted" says 0 "far.conf:8: node 500 is hard to see" -t -c "$work/far.conf"
tap_check "... and says ok" says 0 'ok (1 node' -t -c "$work/far.conf"

legacy good.corosync $'lamp_color: green\nlamp_blink_time: 20' $'provider: jury\njury_size: 6'
tap_check "corosync.conf has them under their legacy names" says 0 'ok (1 node, transport lamp' -t -c "$work/good.corosync" \
	--format corosync
legacy value.corosync 'lamp_color: pink' 'provider: jury'
tap_check "a wrong value is refused there" says 8 "value.corosync:4: 'pink' is not a lamp_color" -t --format corosync \
	-c "$work/value.corosync"
legacy rule.corosync $'lamp_color: blue\nlamp_blink_time: 10' 'provider: jury'
tap_check "and a rule has the words of that file" says 8 "rule.corosync:5: 'lamp_blink_time' is 10 ms" -t --format corosync \
	-c "$work/rule.corosync"
legacy slip.corosync 'lamp_colour: red' 'provider: jury'
tap_check "a slip gets a hint" says 0 "slip.corosync:4: nothing uses 'totem.lamp_colour': did you mean 'lamp_color'?" -t \
	--format corosync -c "$work/slip.corosync"

# --- conversion ---

"$coterie" --print-config=corosync -c "$work/good.conf" >"$work/made.corosync"
"$coterie" --print-config=coterie --format corosync -c "$work/good.corosync" >"$work/made.conf"
tap_check "coterie.conf becomes corosync.conf" grep -q '^	lamp_blink_time: 20$' "$work/made.corosync"
tap_check "an option without a legacy name keeps its section" \
	test "$(sed -n '/^transport {/,/^}/p' "$work/made.corosync" | tr -d '\n\t')" = 'transport {name: lampmirror: yes}'
tap_check "corosync.conf becomes coterie.conf" grep -q '^	blink-time = 20ms	' "$work/made.conf"
tap_check "with the provider's block" grep -q '^	size = 6	' "$work/made.conf"
tap_check "and the defaults as comments" grep -q '^	# mirror = no	# default' "$work/made.conf"
same_keys() { # FILE FORMAT FILE FORMAT
	diff <("$coterie" --print-config=cmap --format "$2" -c "$1" | grep -E '^totem.lamp|jury') \
		<("$coterie" --print-config=cmap --format "$4" -c "$3" | grep -E '^totem.lamp|jury')
}
tap_check "the other form has the same keys" same_keys "$work/good.corosync" corosync "$work/made.conf" coterie
tap_check "in both directions" same_keys "$work/good.conf" coterie "$work/made.corosync" corosync
tap_check "help names the key" says 0 'in corosync.conf: totem.lamp_blink_time' --help-config transport lamp

# --- a plugin that is not there ---

tap_check "without the provider its rules are not checked" \
	says 0 'ok (1 node' -t -c <(sed 's/jury/judge/; s/two-node = yes//' "$work/quorum.conf") --format coterie
mv "$work/plugins/lamp.so" "$work/far/"
native path.conf 'color = pink' 'provider = jury'
printf 'plugins { path = {"%s"} }\n' "$work/far" >>"$work/path.conf"
tap_check "a plugin in a folder of the file is asked, too" says 8 "path.conf:2: 'pink' is not a color" -t -c "$work/path.conf"
mv "$work/far/lamp.so" "$work/plugins/"

# --- descriptors that are refused ---

while IFS='|' read -r what legacy flags log_name pattern; do
	compile "$work/bad/lamp.so" "-DLEGACY=\"$legacy\"" "-DFLAGS=$flags" "-DLOG_NAME=\"$log_name\"" "$top/tests/abi/lamp.c"
	tap_check "$what is refused" says 31 "$pattern" --check-plugin "$work/bad/lamp.so"
done <<'END'
a legacy name without a section|lamp|0|LIGHT|has the legacy name 'lamp'
a legacy name with an empty part|totem..lamp|0|LIGHT|has the legacy name 'totem..lamp'
a legacy name of a link|totem.interface.lamp|0|LIGHT|has the legacy name 'totem.interface.lamp'
a legacy name with capitals|totem.Lamp|0|LIGHT|has the legacy name 'totem.Lamp'
a legacy name of the daemon's own keys|runtime.lamp|0|LIGHT|has the legacy name 'runtime.lamp'
a legacy name of a secret|totem.lamp_secret|COTERIE_OPT_SECRET|LIGHT|is secret and has a legacy name
a name in the log with small letters|totem.lamp_color|0|light|its name in the log is 'light'
END
tap_end
