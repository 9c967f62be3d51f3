#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# bench.sh [page | plan]: coterie and rings of Debian's corosync side by side on one machine, and the page about it.
# Rounds are interleaved: each kind of measurement is made of one ring after the other, each with fresh daemons, before
# the next kind's turn. Figures go to a file of lines as soon as they are taken, from which page.py makes the page and
# the plots; "page" makes them once more of the figures that are there, "plan" tells what would be measured, with
# the seconds that it takes. An interrupted run keeps what it has, and its daemons end with it.
#
# Environment:
#	BENCH_WHAT     kinds of measurement (all, as below: throughput udp knet …)
#	BENCH_RINGS    some of default window tuned coterie library reverse plain aes chacha knet knet-corosync
#	BENCH_ROUNDS   of those kinds that a target is about (5); BENCH_FEW of the others and of encrypted_udp (2)
#	BENCH_SECONDS  of each flood (2), after BENCH_WARM_SECONDS (1)
#	BENCH_SIZES    of messages (64 1400 8000 100000)
#	BENCH_COUNTS   of nodes (2 4 8 32); 3 is what all other kinds have
#	BENCH_DATA     the file of figures (docs/performance/figures.tsv); BENCH_ADD=yes adds rounds to it
#	BENCH_PAGE     the page (docs/performance.md), its plots beside the figures
here=$(cd "$(dirname "$0")" && pwd)
top=${abs_top_srcdir:-$(cd "$here/../.." && pwd)}
export abs_top_builddir=${abs_top_builddir:-$top/build}
BENCH_WHAT=${BENCH_WHAT:-throughput udp knet encrypted encrypted_udp loss latency idle crash segmented wire realtime clients nodes silence}
BENCH_RINGS=${BENCH_RINGS:-default window tuned library reverse coterie plain aes chacha knet knet-corosync}
BENCH_ROUNDS=${BENCH_ROUNDS:-5}
BENCH_FEW=${BENCH_FEW:-2}
BENCH_COUNTS=${BENCH_COUNTS:-2 4 8 32}
export BENCH_DATA=${BENCH_DATA:-$top/docs/performance/figures.tsv}
export BENCH_PAGE=${BENCH_PAGE:-$top/docs/performance.md}
export BENCH_MS BENCH_WARM_MS BENCH_LOAD=
BENCH_MS=$(awk "BEGIN { print ${BENCH_SECONDS:-2} * 1000 }")
BENCH_WARM_MS=$(awk "BEGIN { print ${BENCH_WARM_SECONDS:-1} * 1000 }")

# rings_of KIND ROUND: those that are compared.
rings_of() {
	case $1 in
	throughput)
		echo default window tuned library coterie
		[ "$2" -gt "$BENCH_FEW" ] || echo reverse
		;;
	loss | latency) echo default tuned coterie ;;
	encrypted) echo plain aes chacha knet knet-corosync ;;
	encrypted_udp) echo plain aes chacha ;;
	*) echo default coterie ;;
	esac
}

rounds_of() {
	case $1 in
	throughput | udp | knet | encrypted | loss | latency | realtime | idle | crash) echo "$BENCH_ROUNDS" ;;
	*) echo "$BENCH_FEW" ;;
	esac
}

# seconds_of KIND RING NODES: about how long it takes, for what is left to be told from the start.
seconds_of() {
	awk -v kind="$1" -v ring="$2" -v nodes="$3" -v flood="$((BENCH_MS + BENCH_WARM_MS))" '
	BEGIN {
		flood = flood / 1000 + 0.4
		lab = 3
		if (kind == "throughput") floods = ring == "window" || ring == "library" || ring == "reverse" ? 4 : 8
		else if (kind == "realtime") floods = 3.5
		else if (kind == "wire" || kind == "udp" || kind == "segmented") floods = 4
		else if (kind == "knet") floods = 6
		else if (kind == "encrypted") floods = ring == "knet-corosync" ? 6 : 4
		else if (kind == "encrypted_udp") floods = 3
		else if (kind == "latency") floods = 4.5
		else floods = kind == "loss" || kind == "clients" ? 2 : 1
		if (kind == "idle") lab += 8
		if (kind == "crash") lab += ring == "coterie" ? 16 : 14
		if (kind == "silence") lab += 26
		if (kind == "nodes") lab += nodes / 2
		print floods * flood + lab
	}'
}

# Lines of round, kind, ring, number of nodes and seconds: all that is to be done, in order.
plan() {
	local round kind ring nodes

	for ((round = 1; round <= (BENCH_ROUNDS > BENCH_FEW ? BENCH_ROUNDS : BENCH_FEW); round++)); do
		for kind in $BENCH_WHAT; do
			[ "$round" -le "$(rounds_of "$kind")" ] || continue
			for nodes in $([ "$kind" = nodes ] && echo "$BENCH_COUNTS" || echo 3); do
				for ring in $(rings_of "$kind" "$round"); do
					[[ " $BENCH_RINGS " == *" $ring "* ]] || continue
					echo "$round $kind $ring $nodes $(seconds_of "$kind" "$ring" "$nodes")"
				done
			done
		done
	done
}

# Describe this machine, one line with a name and a value for each fact.
machine() {
	local memory

	memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
	printf '# %s\t%s\n' \
		processor "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		cores "$(nproc)" memory "$memory" kernel "Linux $(uname -r)" \
		rmem_max "$(cat /proc/sys/net/core/rmem_max 2>/dev/null || echo unknown)" \
		corosync "$(corosync -v 2>/dev/null | sed -n "s/.*version '\(.*\)'.*/\1/p")" \
		coterie "$("$abs_top_builddir/exec/coterie" --version 2>/dev/null | head -n 1)" \
		commit "$(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)" \
		measured_ms "$BENCH_MS" warm_ms "$BENCH_WARM_MS"
}

# progress STEP: what is measured now, and how long all of it takes yet: by the plan, corrected by what it took so far.
progress() {
	local left minutes

	left=$(awk -v step="$1" -v took=$((SECONDS - since)) '
		{ if (NR < step) done += $5; else left += $5 }
		END { printf "%.0f\n", left * (done > 0 && took > 0 ? took / done : 1) }' "$work/plan")
	minutes="$((left / 60)) min $((left % 60)) s left"
	printf '[%d/%d] round %s, %s, %s%s; %s\n' "$1" "${#steps[@]}" "$BENCH_ROUND" "$BENCH_KIND" "$BENCH_RING" \
		"$([ "$BENCH_NODES" = 3 ] || echo ", $BENCH_NODES nodes")" "$minutes" >&2
}

make_page() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$here/page.py" "$BENCH_DATA" "$BENCH_PAGE" && echo "$BENCH_PAGE" >&2
}

# The lab and all of its daemons end with the process that holds its namespaces.
interrupted() {
	[ -z "${running:-}" ] || kill -KILL "$running" 2>/dev/null
	rm -rf "$work"
	echo "interrupted: figures so far are in $BENCH_DATA; make bench-page makes the page of them" >&2
	trap - EXIT
	exit 130
}

case ${1:-} in
page)
	make_page
	exit
	;;
plan)
	plan
	exit
	;;
esac
for path in "$abs_top_builddir"/tests/bench/{.libs/,}bench_load; do
	[ -n "$BENCH_LOAD" ] || [ ! -x "$path" ] || BENCH_LOAD=$path
done
if [ -z "$BENCH_LOAD" ] || ! command -v corosync python3 ip >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo "bench: needs root, corosync, iproute2, python3, and libcpg as it was built" >&2
	exit 1
fi
work=$(mktemp -d)
export TMPDIR=$work
trap 'rm -rf "$work"' EXIT
trap interrupted INT TERM HUP
mkdir -p "$(dirname "$BENCH_DATA")"
first=0
if [ "${BENCH_ADD:-}" = yes ] && [ -s "$BENCH_DATA" ]; then
	first=$(awk -F '\t' '!/^#/ && $5 > most { most = $5 } END { print most + 0 }' "$BENCH_DATA")
	diff <(grep '^#' "$BENCH_DATA") <(machine) >&2 || echo "bench: the figures there are of something else" >&2
else
	machine >"$BENCH_DATA"
fi
plan >"$work/plan"
mapfile -t steps <"$work/plan"
since=$SECONDS
exec 8</proc # sample.sh
for ((step = 1; step <= ${#steps[@]}; step++)); do
	read -r round BENCH_KIND BENCH_RING BENCH_NODES _ <<<"${steps[step - 1]}"
	BENCH_ROUND=$((first + round))
	export BENCH_KIND BENCH_RING BENCH_NODES BENCH_ROUND
	progress "$step"
	bash "$here/measure.sh" &
	running=$!
	wait $running || echo "bench: $BENCH_KIND of $BENCH_RING ended early" >&2
	running=
done
make_page
