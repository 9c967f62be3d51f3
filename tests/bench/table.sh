# shellcheck shell=bash
# The figures of compare.sh as a page of Markdown: source it.

# table_page FIGURES OTHERS: lines of ring, figure, round and value with tabs between; and how many percent of
# the machine others had during each measurement.
table_page() {
	local library="each ring's own" least most

	[ -z "${LAB_CLIENT:-}" ] || library="$LAB_CLIENT's"
	least=$(sort -n "$2" | head -n 1)
	most=$(sort -n "$2" | tail -n 1)
	cat <<-PAGE
		# Performance

		Measured with \`make bench\`, which writes this page: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1),
		$(nproc) cores, Linux $(uname -r); $ROUNDS rounds of $LAB_SECONDS s per figure; ${LAB_TRANSPORT}, MTU 1500,
		sched_rr no, net.core.rmem_max $(cat /proc/sys/net/core/rmem_max 2>/dev/null || echo unknown); three nodes in
		network namespaces on one bridge, their clients on the same cores, with $library library.
		$(corosync -v 2>/dev/null | head -n 1). Others had $least to $most % of the machine; what was measured
		while they had more than $BENCH_OTHERS % is left out.

		- *default*: Corosync as it comes.
		- *window*: Corosync with window_size 300, max_messages 100.
		- *tuned*: Corosync with netmtu 60000, window_size 200, max_messages 100.

		Medians over the rounds, the extremes in brackets. A ratio is coterie's figure by the opponent's in the
		same round.

	PAGE
	table_rows "$1"
}

table_rows() {
	awk -F '\t' -v rings="$BENCH_RINGS" '
	function sorted(list, count, i, j, t) {
		for (i = 2; i <= count; i++)
			for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
	}
	function short(v) {
		return sprintf(v >= 1000 ? "%.0f" : "%.3g", v)
	}
	function spread(list, n, v) {
		if (n == 0)
			return "-"
		sorted(list, n)
		v = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		return short(v) " [" short(list[1]) ".." short(list[n]) "]"
	}
	function values(ring, figure, i, n, list) {
		n = 0
		for (i = 1; i <= rounds; i++)
			if ((ring, figure, i) in value)
				list[++n] = value[ring, figure, i]
		return spread(list, n)
	}
	function ratios(ring, figure, i, n, list) {
		n = 0
		for (i = 1; i <= rounds; i++)
			if (("coterie", figure, i) in value && value[ring, figure, i] > 0)
				list[++n] = value["coterie", figure, i] / value[ring, figure, i]
		return spread(list, n)
	}
	{
		if (!($2 in seen)) { seen[$2] = 1; figures[++count] = $2 }
		value[$1, $2, $3] = $4 + 0
		if ($3 > rounds) rounds = $3
	}
	END {
		many = split(rings, ring, " ")
		head = "| |"; rule = "|---|"
		for (k = 1; k <= many; k++) {
			head = head " " ring[k] " |"
			rule = rule "---|"
		}
		for (k = 1; k <= many; k++)
			if (ring[k] != "coterie") {
				head = head " by " ring[k] " |"
				rule = rule "---|"
			}
		print head; print rule
		for (i = 1; i <= count; i++) {
			line = "| " figures[i] " |"
			for (k = 1; k <= many; k++)
				line = line " " values(ring[k], figures[i]) " |"
			for (k = 1; k <= many; k++)
				if (ring[k] != "coterie")
					line = line " " ratios(ring[k], figures[i]) " |"
			print line
		}
	}' "$1"
}
