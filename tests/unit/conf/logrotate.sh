#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The commands of the logrotate file, which root runs, signal daemons and nothing else, whatever the pid files say.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}

work=$(mktemp -d)
trap 'kill "${others[@]}" 2>/dev/null; rm -r "$work"' EXIT
mkdir -p "$work/sbin" "$work/run/coterie/"{a,b,c,d,e}
cp "$(command -v sleep)" "$work/sbin/coterie"
sed -e "s,[@]sbindir[@],$work/sbin,g" -e "s,[@]runstatedir[@],$work/run,g" -e "s,[@]localstatedir[@],$work/var,g" \
	"$source/conf/coterie.logrotate.in" | sed -n '/postrotate/,/endscript/{/postrotate\|endscript/!p}' >"$work/script"

# start: a daemon in the background, which has begun to run its program when this returns. The pid is in $!.
start() {
	local i

	"$work/sbin/coterie" 100 &
	disown
	for ((i = 0; i < 500; i++)); do
		[ "$(readlink "/proc/$!/exe")" != "$work/sbin/coterie" ] || return 0
		sleep 0.01
	done
}

daemons=()
others=()
for place in . a; do
	start
	daemons+=($!)
	echo $! >"$work/run/coterie/$place/coterie.pid"
done
sleep 100 &
others+=($!)
disown
echo $! >"$work/run/coterie/b/coterie.pid"
echo -1 >"$work/run/coterie/c/coterie.pid"
echo 0 >"$work/run/coterie/d/coterie.pid"
echo "1 $!" >"$work/run/coterie/e/coterie.pid"
cat >"$work/kill" <<'END'
kill() { printf '%s ' "$@"; command kill "$@"; }
END
cat "$work/kill" "$work/script" >"$work/play"
tap_check "it signals the two daemons" test "$(sh "$work/play" | tr -d '\n')" = "-HUP ${daemons[0]} -HUP ${daemons[1]} "
tap_check "another process with a pid in a file goes on" kill -0 "${others[0]}"
rm "$work/sbin/coterie"
cp "$(command -v sleep)" "$work/sbin/coterie"
start
daemons=($!)
rm "$work/sbin/coterie" # an upgrade replaces the program of a running daemon
echo $! >"$work/run/coterie/coterie.pid"
rm "$work/run/coterie/a/coterie.pid"
tap_check "and a daemon whose package was upgraded" test "$(sh "$work/play" | tr -d '\n')" = "-HUP ${daemons[0]} "
tap_end
