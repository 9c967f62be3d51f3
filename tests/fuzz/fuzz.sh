#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every fuzz target: its corpus as it is, then mutations of it.
#
#	FUZZ_SEED     chooses the mutations; default 1
#	FUZZ_SECONDS  goes on with the next seeds for so long, for each target; default 0: one seed
srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
. "$srcdir/tests/tap.sh"
tap_behind "$@"

seed=${FUZZ_SEED:-1}

# fuzz TARGET RUNS SIZE_MAX
fuzz() {
	local output status next=$seed end=$((SECONDS + ${FUZZ_SECONDS:-0}))

	while :; do
		output=$("$builddir/tests/fuzz/fuzz_$1" --seed "$next" --runs "$2" \
			--size-max "$3" "$srcdir/tests/fuzz/corpus/$1" 2>&1)
		status=$?
		if [ $status -ne 0 ] || [ "$SECONDS" -ge "$end" ]; then
			break
		fi
		next=$((next + 1))
	done
	tap $status "$1, seeds $seed to $next"
	tap_note "$output"
}

# More than 100,000 packets, in inputs of about a dozen.
fuzz packets 6500 16384
fuzz groups 25000 16384
fuzz config 10000 4096
fuzz native 8000 4096
fuzz cpg 10000 8192
fuzz evs 30000 8192
fuzz requests 4000 2048
fuzz channel 10000 2048
fuzz qb_ring 5000 4096
fuzz qb_handshake 1000 1024
fuzz votes 8000 4096
fuzz secure 2000 4096
for service in cfg cmap control kv quorum votequorum; do
	fuzz "$service" 5000 8192
done
tap_end
