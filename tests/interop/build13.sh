#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The tree builds in a Debian 13 without a warning, with gcc and with clang, and passes its unit tests there:
# gcc 14, libqb 2.0.8, libknet 1.31, libmicrohttpd 1.0. BUILD_13=FOLDER keeps the build there for the next run.
# BUILD_13_WITH=COMPILER takes that one alone.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/root13.sh
. "$(dirname "$0")/../root13.sh"
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
jobs=${JOBS:-$(nproc)}

[ "$(id -u)" -eq 0 ] || tap_skip "not root"
reason=$(bash "$here/debian13.sh" --build 2>&1 >/dev/null) || tap_skip "$reason"
# Namespaces of its own: /proc, terminals and shared memory of others are not seen, and all mounts end with it.
[ -n "${BUILD13_INSIDE:-}" ] || BUILD13_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc \
	bash "$(realpath "$0")"
root=$(mktemp -d)
build=${BUILD_13:-$(mktemp -d)}
# The overlay stands on a folder in memory: two mounts at one place.
trap 'umount -l "$root"; umount -l "$root"; rmdir "$root"; [ -n "${BUILD_13:-}" ] || rm -rf "$build"' EXIT
ip link set lo up
mkdir -p "$build/tree"
mount -t tmpfs -o mode=1777 shm /dev/shm && mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts &&
	root13_open "$root" && mount -t tmpfs -o mode=1777 tmp "$root/tmp" && mkdir -p "$root/build" &&
	mount --bind "$build" "$root/build" || exit 1

# Copy the files of the repository or of the archive, without those that were made from them.
(cd "$source" && { git ls-files -z 2>/dev/null || find . -type d -name 'build*' -prune -o -type f -print0; } |
	tar -c --null -T -) | tar -x -C "$build/tree"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }

# in_tree LOG COMMAND: its status; the log's end becomes comments when it fails.
in_tree() {
	local log=$build/$1.log

	inside sh -c "cd /build/tree && $2" >"$log" 2>&1 || {
		tail -n 40 "$log"
		return 1
	}
}

# configure and make tell what is wrong with words of their own, which are not warnings of the compiler.
warnings() { ! grep -E '(warning|error): |: warning' "$build/$1.make.log"; }

# results FOLDER: of the test harness, "N passed, N failed, N skipped".
results() {
	find "$build/tree/$1" -name '*.trs' -exec cat {} + | awk '
		/^:test-result: (PASS|XFAIL)/ { passed++ } /^:test-result: (FAIL|XPASS|ERROR)/ { failed++ }
		/^:test-result: SKIP/ { skipped++ } END { print passed + 0, "passed,", failed + 0, "failed,", skipped + 0, "skipped" }'
}

failures() { find "$build/tree/$1" -name '*.trs' -exec grep -l '^:test-result: \(FAIL\|XPASS\|ERROR\)' {} +; }

tap_check "autogen" in_tree autogen "./autogen.sh"
for compiler in ${BUILD_13_WITH:-gcc clang}; do
	folder=build-$compiler
	tap_check "$compiler: configure" in_tree "$compiler.configure" \
		"mkdir -p $folder && cd $folder && CONFIG_SHELL=/bin/sh ../configure --quiet CC=$compiler" || continue
	tap_check "$compiler: make" in_tree "$compiler.make" \
		"nice -n 10 make -k -j$jobs -C $folder all && nice -n 10 make -k -j$jobs -C $folder check-programs"
	tap_check "$compiler: no warning" warnings "$compiler"
	tap_check "$compiler: unit tests" in_tree "$compiler.check" "nice -n 10 make -k -j$jobs -C $folder check-unit"
	tap_note "$(inside "$compiler" --version | head -n 1): $(results "$folder")"
	[ -z "$(failures "$folder")" ] || tap_note "$(failures "$folder" | sed 's/trs$/log/' | xargs grep -h -A 9 '^not ok')"
done
tap_end
