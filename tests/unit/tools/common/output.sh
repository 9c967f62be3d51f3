#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A program whose output is lost fails, and says so. A program that starts without standard output writes into no file
# of its own instead.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"

build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../../../build" && pwd)}
[ -c /dev/full ] || tap_skip "no /dev/full"
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cat >"$dir/conf" <<-CONFIG
	cluster { name = "output" }
	transport udpu {}
	node a { id = 1  address = 127.0.0.1 }
	process { state-dir = "$dir/state" }
CONFIG
cat >"$dir/corosync.conf" <<-CONFIG
	totem {
	version: 2
	cluster_name: output
	}
	quorum {
	provider: corosync_votequorum
	}
	nodelist {
	node {
	nodeid: 1
	ring0_addr: 127.0.0.1
	}
	}
CONFIG

# loses PROGRAM ARGUMENT...: it succeeds with an output, and fails without.
loses() {
	local errors status

	"$build/$1" "${@:2}" >/dev/null 2>"$dir/errors" </dev/null
	status=$?
	[ $status -eq 0 ]
	tap $? "$* succeeds" || tap_note "status $status: $(<"$dir/errors")"
	"$build/$1" "${@:2}" >/dev/full 2>"$dir/errors" </dev/null
	status=$?
	errors=$(<"$dir/errors")
	[ $status -eq 1 ] && [[ $errors == *"cannot write the output"* ]]
	tap $? "$* fails on a full disk" || tap_note "status $status: $errors"
}

for tool in cmapctl cfgtool quorumtool cpgtool keygen; do
	loses tools/corosync-$tool -h
done
loses tools/vqsim/corosync-vqsim -h
"$build/tools/vqsim/corosync-vqsim" -c "$dir/corosync.conf" -o /dev/full </dev/null >/dev/null 2>"$dir/errors"
tap $(($? != 1)) "corosync-vqsim fails when its file is on a full disk" || tap_note "$(<"$dir/errors")"
loses exec/coterie --version
loses exec/coterie -t --print cmap -c "$dir/conf"
if "$build/tools/coterie-ctl" --version >/dev/null 2>&1; then
	loses tools/coterie-ctl --help
	loses tools/coterie-ctl completion bash
	loses tools/coterie-ctl --json config check "$dir/conf"
fi
[ ! -x "$build/plugins/kv/tool/coterie-kv" ] || loses plugins/kv/tool/coterie-kv --help

# closed KEY DESCRIPTOR...: make a key without these.
closed() {
	local key=$1 status

	(
		shift
		for descriptor; do
			eval "exec $descriptor>&-"
		done
		exec "$build/tools/corosync-keygen" -k "$key"
	)
	status=$?
	[ $status -eq 0 ] && [ "$(stat -c %s "$key")" -eq 256 ] && ! grep -qa Corosync "$key"
	tap $? "the key holds nothing but the key without descriptors ${*:2}" ||
		tap_note "status $status, $(stat -c %s "$key") bytes"
}
closed "$dir/key1" 1
closed "$dir/key2" 0 1
closed "$dir/key3" 0 1 2
tap_end
