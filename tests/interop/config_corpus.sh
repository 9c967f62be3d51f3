#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Generated corosync.conf files: each accepted or refused as Debian's `corosync -t` does; of some that are
# accepted Debian's daemon is started, and the keys it makes of them are ours. CORPUS_KEYS=all (make check-long): of all.
# CORPUS_13=1 puts Corosync 3.1.9 in the place of Debian's (tests/root13.sh).
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/root13.sh
. "$(dirname "$0")/../root13.sh"
if [ -n "${CORPUS_13:-}" ] && [ -z "${CORPUS_INSIDE:-}" ]; then
	! root13_missing >/dev/null || tap_skip "$(root13_missing)"
	CORPUS_INSIDE=1 exec unshare --mount bash "$0"
fi

build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}
command -v corosync corosync-cmapctl >/dev/null || tap_skip "no corosync"
[ -x "$build/exec/coterie" ] && [ -x "$build/tests/interop/config_corpus" ] || tap_skip "not built"
# Root needs them only for the folders of the reference's daemon. -t needs only its state folder.
[ -d /var/lib/corosync ] || tap_skip "no /var/lib/corosync"

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
root= # of the reference, and the command that goes there
place=
if [ -n "${CORPUS_13:-}" ]; then
	root=/run/debian13
	place="chroot $root"
	mount -t tmpfs run /run && root13_open $root "$dir" || exit 1
fi
export dir build root place
"$build/tests/interop/config_corpus" "$dir" || exit 1

# One file: what the reference says, what we say.
judge() {
	local at=$dir/$1

	timeout 20 $place corosync -t -c "$at/corosync.conf" >"$at/theirs.out" 2>&1
	echo $? >"$at/theirs"
	"$build/exec/coterie" --print-config=cmap -c "$at/corosync.conf" >"$at/ours.out" 2>"$at/ours.err"
	echo $? >"$at/ours"
}
export -f judge
(cd "$dir" && ls) | sort -n | xargs -P 16 -I N bash -c 'judge N'

accepted=() refused=0 wrong=()
for number in $(cd "$dir" && ls | sort -n); do
	theirs=$(cat "$dir/$number/theirs") ours=$(cat "$dir/$number/ours")
	if [ "$theirs" -eq 0 ] && [ "$ours" -eq 0 ]; then
		accepted+=("$number")
	elif [ "$theirs" -ne 0 ] && [ "$ours" -ne 0 ]; then
		refused=$((refused + 1))
	else
		wrong+=("$number")
		tap_note "file $number: they say $theirs, we say $ours"
		tap_note "$(cat "$dir/$number/theirs.out" "$dir/$number/ours.err" "$dir/$number/corosync.conf")"
	fi
done
[ ${#wrong[@]} -eq 0 ]
tap $? "${#accepted[@]} files accepted by both, $refused refused by both, ${#wrong[@]} by one"
[ $((${#accepted[@]} + refused)) -ge 200 ] && [ $refused -ge 40 ] && [ ${#accepted[@]} -ge 100 ]
tap $? "at least 200 files, enough of each"

# Keys that a file makes, as cmapctl prints them. What the daemon adds while it runs is left out.
keys() {
	grep -vE '^(internal_configuration|runtime|config|resources\.(system|watchdog_timeout)|stats)\.?|^nodelist\.local_node_pos' |
		sort
}
export -f keys

# Start the reference's daemon on a file, in namespaces of its own, and print its keys.
run_theirs() {
	mount -t tmpfs run "$root/run" && mount -t tmpfs lib "$root/var/lib/corosync" &&
		mount -t tmpfs shm "$root/dev/shm" || exit 1
	mkdir -p "$root/run/lock" /var/run 2>/dev/null
	ip link set lo up
	ip address add 10.91.0.1/24 dev lo 2>/dev/null
	$place corosync -f -c "$1" >"${1%/*}/daemon.log" 2>&1 &
	for _ in $(seq 100); do
		$place corosync-cmapctl >"${1%/*}/dump" 2>/dev/null && break
		kill -0 %1 2>/dev/null || break
		sleep 0.05
	done
	keys <"${1%/*}/dump"
	kill -9 %1
}
export -f run_theirs

compare() {
	local at=$dir/$1

	unshare --net --mount --pid --fork --kill-child --mount-proc bash -c "run_theirs $at/corosync.conf" \
		>"$at/their.keys" 2>/dev/null
	keys <"$at/ours.out" >"$at/our.keys"
	[ -s "$at/their.keys" ] || {
		echo skipped >"$at/verdict"
		return
	}
	diff "$at/their.keys" "$at/our.keys" >"$at/diff" && echo same >"$at/verdict"
}
export -f compare

unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || {
	tap_note "no namespaces: keys are not compared"
	tap_end
	exit
}
sample=()
for ((i = 0; i < ${#accepted[@]} && ${#sample[@]} < 16; i += 9)); do
	sample+=("${accepted[i]}")
done
[ "${CORPUS_KEYS:-}" != all ] || sample=("${accepted[@]}")
printf '%s\n' "${sample[@]}" | xargs -P 4 -I N bash -c 'compare N'
same=0 skipped=0
for number in "${sample[@]}"; do
	case $(cat "$dir/$number/verdict" 2>/dev/null) in
	same) same=$((same + 1)) ;;
	skipped)
		# It passes its own test and does not start: the rules of votequorum, an address.
		skipped=$((skipped + 1))
		;;
	*) tap_note "file $number: $(cat "$dir/$number/diff" "$dir/$number/corosync.conf")" ;;
	esac
done
[ $((same + skipped)) -eq ${#sample[@]} ] && [ $((same * 8)) -ge $((${#sample[@]} * 5)) ]
tap $? "of ${#sample[@]} files $same make the same keys, $skipped do not start there"
tap_end
