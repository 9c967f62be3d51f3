# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # measures.sh reads what is set here
# What the daemons of a lab use, and what others use of the machine: source it after lab.sh.

# Of the daemons that run: what each FILE of /proc/PID says, tasks and all.
of_daemons() {
	local node

	for node in "${LAB_NODES[@]}"; do
		cat "/proc/${LAB_DAEMONS[node]}"/$1 2>/dev/null
	done
}

# Processor time of all daemons together, in microseconds.
daemons_us() { of_daemons 'task/*/schedstat' | awk '{ sum += $1 } END { printf "%.0f\n", sum / 1000 }'; }

# How often they were put to sleep, that is, woken again.
daemons_woken() { of_daemons 'task/*/status' | awk '/^voluntary/ { sum += $2 } END { print sum }'; }

# Resident memory of a daemon on average, in MB.
daemon_mb() { of_daemons status | awk '/^VmRSS/ { sum += $2; n++ } END { if (n > 0) print sum / 1024 / n }'; }

# Processor time of all processes of this machine, in ticks. The kernel's threads for network packets work for
# the processes that send. File 8 is the /proc of all, if it exists.
machine_ticks() {
	{
		cat /proc/stat
		cat /proc/self/fd/8/[0-9]*/stat 2>/dev/null | grep -F '(ksoftirqd/'
	} | awk '/^cpu / { sum += $2 + $3 + $4 } /ksoftirqd/ { sub(/.*\) /, ""); sum -= $12 + $13 } END { print sum }'
}

# And of what runs, or has run, in this lab: the first process here inherits the times of those that ended.
lab_ticks() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk '{ sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15 } END { print sum }'
}

others_begin() {
	others_then="$(machine_ticks) $(lab_ticks) $(date +%s%N)"
}

# Sets `others`: how many percent of the machine were used by what is not of this lab, since others_begin.
others_end() {
	others=$(echo "$others_then $(machine_ticks) $(lab_ticks) $(date +%s%N)" |
		awk -v hz="$(getconf CLK_TCK)" -v cores="$(nproc)" '{
			share = (($4 - $1) - ($5 - $2)) / hz / (($6 - $3) / 1e9) / cores * 100
			printf "%.0f\n", (share > 0 ? share : 0) }')
}
