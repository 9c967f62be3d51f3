#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# mutants.sh [NAME...]: every mutant of the list is caught by one of its tests. Plays on a copy of the tree that lies over this
# one, in a mount namespace of its own: nothing of it is seen outside. Takes a few seconds for each mutant. In
# `make check` check_mutants.sh only checks that each of them can be made.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${abs_top_builddir:-$top/build}

if [ -z "${MUTANTS_INSIDE:-}" ]; then
	MUTANTS_INSIDE=yes exec unshare -m -- "$BASH" "$0" "$@"
fi
work=$(mktemp -d)
trap 'cd /; umount -l "$top" "$work" 2>/dev/null; rmdir "$work"' EXIT
if ! mount -t tmpfs mutants "$work" || ! mkdir "$work/upper" "$work/work" ||
	! mount -t overlay -o "lowerdir=$top,upperdir=$work/upper,workdir=$work/work" mutants "$top" 2>/dev/null; then
	echo "1..0 # SKIP needs to mount an overlay"
	exit 0
fi
cd "$top" || exit 1
export CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-60}
python3 tests/mutants/run.py play tests/mutants/list "$build" "$@"
