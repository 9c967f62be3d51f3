#!/bin/bash
# Every fuzz target: its corpus as it is, then mutations of it.
#
#	FUZZ_SEED    chooses the mutations; default 1
#	FUZZ_FACTOR  multiplies their number; default 1, seconds for all
srcdir=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${abs_top_builddir:-$srcdir/build}
. "$srcdir/tests/tap.sh"
renice -n 19 $$ >/dev/null # tests with real daemons may run beside

seed=${FUZZ_SEED:-1}
factor=${FUZZ_FACTOR:-1}

# fuzz TARGET RUNS SIZE_MAX
fuzz() {
	local output status

	output=$("$builddir/tests/fuzz/fuzz_$1" --seed "$seed" --runs $(($2 * factor)) \
		--size-max "$3" "$srcdir/tests/fuzz/corpus/$1" 2>&1)
	status=$?
	tap $status "$1, seed $seed"
	tap_note "$output"
}

# More than 100,000 packets, in inputs of about a dozen.
fuzz packets 9000 16384
fuzz groups 25000 16384
fuzz config 10000 4096
fuzz cpg 10000 8192
fuzz evs 100000 8192
fuzz requests 10000 2048
fuzz votes 20000 4096
for service in cfg cmap quorum votequorum; do
	fuzz "$service" 5000 8192
done
tap_end
