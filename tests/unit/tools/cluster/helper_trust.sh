#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The helper of a node runs as root, and the daemon as a user of its own. What this user can change must not make the helper
# read or write files for it.
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$here/../../../../build}
ctl=$build/tools/coterie-ctl
"$ctl" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
[ "$(id -u)" -eq 0 ] || tap_skip "not root: the helper has no rights to abuse"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset COTERIE_INSTANCE
chmod 755 "$work"
user=65534
secret=$work/secret
printf 'a secret of root' >"$secret"
hex=$(od -An -tx1 "$secret" | tr -d ' \n')

# says CONFIG TEXT REQUEST...: an answer of the helper has the text.
helper() {
	local config=$1

	shift
	printf '%s\n' "$@" | COTERIE_CONFIG=$config "$ctl" __node >"$work/said"
}
says() {
	local text=$2

	helper "$1" "${@:3}"
	grep -qF -- "$text" "$work/said" || { cat "$work/said" && return 1; }
}
# keeps CONFIG: the helper answers both requests, and the secret is in no answer.
keeps() {
	says "$1" '"ok":false' "$facts" "$ask_secret" && [ "$(wc -l <"$work/said")" -eq 2 ] && ! grep -qF "$hex" "$work/said"
}
facts='{"do": "facts"}'
ask_secret='{"do": "secret"}'

# config FOLDER KEY-FILE: write a config there.
config() {
	mkdir -p "$1"
	cat >"$1/coterie.conf" <<-CONFIG
		cluster { name = prod }
		transport udpu { key-file = "$2" }
		node a { id = 1  address = 192.0.2.1 }
	CONFIG
}

# 1. Folders.
config "$work/ours" "$secret"
tap_check "a folder of root's" says "$work/ours/coterie.conf" '"is_open":false' "$facts"
tap_check "its config names the key" says "$work/ours/coterie.conf" "$hex" "$facts" "$ask_secret"
config "$work/theirs" "$secret"
chown $user "$work/theirs"
tap_check "a folder of the daemon's user" says "$work/theirs/coterie.conf" '"is_open":true' "$facts"
tap_check "its config names no key" keeps "$work/theirs/coterie.conf"
tap_check "and the answer says why" says "$work/theirs/coterie.conf" "other users can change the folder" "$facts" "$ask_secret"
tap_check "nothing is written there" says "$work/theirs/coterie.conf" "other users can change the folder" "$facts" \
	'{"do": "write", "config": "00"}'
config "$work/all" "$secret"
chmod 1777 "$work/all"
tap_check "a folder of all users" says "$work/all/coterie.conf" '"is_open":true' "$facts"
mkdir "$work/theirs/below"
config "$work/theirs/below" "$secret"
tap_check "a folder of root's in one of the daemon's user" says "$work/theirs/below/coterie.conf" '"is_open":true' "$facts"
tap_check "a folder that has to be made" says "$work/ours/new/coterie.conf" '"is_open":false' "$facts"
tap_check "one that has to be made in a folder of theirs" says "$work/theirs/new/coterie.conf" '"is_open":true' "$facts"

# 2. Links.
mkdir "$work/state"
chown $user "$work/state"
ln -s "$secret" "$work/state/authkey"
chown -h $user "$work/state/authkey"
config "$work/linked" "$work/state/authkey"
tap_check "a link of the daemon's user is not followed" keeps "$work/linked/coterie.conf"
rm "$work/state/authkey"
cp "$secret" "$work/state/authkey"
chown $user "$work/state/authkey"
tap_check "a file of theirs is read" says "$work/linked/coterie.conf" "$hex" "$facts" "$ask_secret"
tap_end
