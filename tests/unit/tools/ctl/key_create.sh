#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# coterie-ctl key create: the file, its mode and owner, and what it does not overwrite.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"

build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../../../build" && pwd)}
ctl=$build/tools/coterie-ctl
"$ctl" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# ends STATUS TEXT ARGUMENT...: the status, and the text somewhere in what is printed.
ends() {
	local want=$1 text=$2 output status

	shift 2
	output=$("$ctl" key create "$@" 2>&1)
	status=$?
	[ $status -eq "$want" ] && [[ $output == *"$text"* ]]
	tap $? "key create $* ends with $want" || tap_note "status $status: $output"
}

owner=$(id -un)
[ "$owner" != root ] || ! getent passwd coterie >/dev/null || owner=coterie
ends 0 "a new key is in $dir/key" "$dir/key"
tap_check "256 bytes, for its owner alone" test "$(stat -c '%s %a %U' "$dir/key")" = "256 400 $owner"
cp -p "$dir/key" "$dir/kept"
ends 7 "'$dir/key' is there already" "$dir/key"
tap_check "it is as it was" cmp -s "$dir/key" "$dir/kept"
ends 0 "a new key" --force "$dir/key"
tap_check "it is another, with the same mode" test "$(stat -c '%s %a %U' "$dir/key")" = "256 400 $owner"
tap_check "which differs" bash -c "! cmp -s '$dir/key' '$dir/kept'"
(umask 0 && "$ctl" key create "$dir/open" >/dev/null)
tap_check "the umask does not matter" test "$(stat -c %a "$dir/open")" = 400
ln -s nowhere "$dir/link"
ends 7 "is there already" "$dir/link"
ends 7 "is no regular file" --force "$dir/link"
tap_check "a link leads nowhere still" test "$(readlink "$dir/link")" = nowhere -a ! -e "$dir/nowhere"
mkdir "$dir/folder"
ends 7 "is there already" "$dir/folder"
ends 7 "is no regular file" "$dir/folder" --force
ends 1 "make the folder first" "$dir/none/key"
ends 64 "key create [FILE] [--force]" "$dir/a" "$dir/b"
ends 64 "key create [FILE] [--force]" --farce
ends 64 "key create [FILE] [--force]" ""
tap_check "no other file is left" test "$(ls "$dir" | paste -sd' ')" = "folder kept key link open"
if [ "$(id -u)" -eq 0 ]; then
	# As root without rights over others: another user may not reach the program in a folder of root's.
	chown 65534 "$dir/folder"
	setpriv --bounding-set=-all --inh-caps=-all "$ctl" key create "$dir/folder/key" >/dev/null 2>"$dir/said"
	tap_check "a folder of another user" test $? -eq 4
fi
tap_end
