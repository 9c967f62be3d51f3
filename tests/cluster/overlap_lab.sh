# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests of two quorate parts share: source it after lab.sh.
#
# The overlap is the time during which there are two nodes A and B such that
#   - A is quorate in a membership without B,
#   - B is quorate too. The membership of B always contains B, so that each acts without the other.
# "Quorate" is what quorum_getquorate or votequorum_getinfo answers. A node counts as quorate from the arrival of the
# first such answer until the question before the first other answer. Both lie within the true interval. So no overlap
# is invented, and one of 20 ms is always found.

# Start to ask every node each 10 ms. polls_end stops it.
polls_record() {
	local node

	pollers=()
	for node in "${LAB_NODES[@]}"; do
		: >"$LAB_DIR/$node/polls"
		lab_exec "$node" "$(lab_program quorum_poll)" >"$LAB_DIR/$node/polls" 2>&1 &
		pollers+=($!)
	done
}

polls_end() {
	kill -TERM "${pollers[@]}"
	wait "${pollers[@]}"
}

# Print the milliseconds of overlap in what the nodes have recorded, and when the first ring without all nodes was
# quorate, in microseconds, or 0.
overlap() {
	awk -v all=${#LAB_NODES[@]} '
	{
		node = FILENAME
		sub(/\/[^\/]*$/, "", node)
		sub(/.*\//, "", node)
		if (node in from && $1 > from[node] && says[node]) {
			n++
			who[n] = node
			begin[n] = from[node]
			end[n] = $1
			list[n] = members[node] " "
		}
		from[node] = $2
		says[node] = $3 == "1" || $4 == "1"
		members[node] = ""
		for (i = 7; i <= NF; i++)
			members[node] = members[node] " " $i
		if (says[node] && NF < 6 + all && (formed == 0 || $2 < formed))
			formed = $2
	}
	END {
		# Every pair that excludes each other as edges of an interval, then the union of these.
		for (i = 1; i <= n; i++)
			for (j = 1; j <= n; j++) {
				if (who[i] == who[j] || index(list[i], " " who[j] " ") > 0)
					continue
				low = begin[i] > begin[j] ? begin[i] : begin[j]
				high = end[i] < end[j] ? end[i] : end[j]
				if (low < high) {
					edges++
					edge[edges] = low
					until[edges] = high
				}
			}
		for (i = 1; i <= edges; i++)
			for (j = i + 1; j <= edges; j++)
				if (edge[j] < edge[i]) {
					swap = edge[i]; edge[i] = edge[j]; edge[j] = swap
					swap = until[i]; until[i] = until[j]; until[j] = swap
				}
		for (i = 1; i <= edges; i++) {
			if (edge[i] < reached)
				edge[i] = reached
			if (until[i] > edge[i]) {
				total += until[i] - edge[i]
				reached = until[i]
			}
		}
		printf "%.1f %.0f\n", total / 1000, formed
	}' "$LAB_DIR"/[0-9]*/polls
}
