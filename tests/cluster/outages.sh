#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An outage that is shorter than the token timeout plus the consensus timeout changes no membership and
# costs no quorum, whatever its cause. Several rings run at the same time, and the same outage hits one
# node of each ring at the same moment. Environment:
#
# OUTAGE_TRANSPORTS  udpu, udp, knet, and knet+crypto for an encrypted ring
# OUTAGE_KINDS   the rings on each transport, separated by commas: the kind of each node
# OUTAGE_WAYS    stop (SIGSTOP of the daemon), cut (the cable), drop (the carrier stays, no packet passes)
# OUTAGE_MS      lengths of the outages in milliseconds
# OUTAGE_ROUNDS  how often each way and length is played
# OUTAGE_KNET_MAX  the longest outage that rings on knet take part in
# OUTAGE_VICTIM  place of the node in its ring: 2
# OUTAGE_SETTLE  seconds between two outages (1.4); at default timers libknet needs more than 3 to use a link again
# OUTAGE_TABLE   a file that receives the table of results
# LAB_TOKEN      token timeout (2000); "default" leaves the timers of the configuration out
#
# A ring is compared with the ring of Corosync's daemons alone that has as many nodes and the same transport. It may lose
# a member as often, and in no case more often than chance explains. Without such a ring, or with LAB_KIND, it may never
# lose one. The same kinds named twice are two rings whose results are added: on knet the phase of its pings decides for
# one ring at a time, and several rings average it out.
#
# A cable that is back carries packets up to a second later, and libknet wants pongs before it uses a link again: these
# delays count as outage. Shorter timers than these leave no room for them, with Corosync either.
LAB_TOKEN=${LAB_TOKEN:-2000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

read -ra used <<<"${OUTAGE_TRANSPORTS:-udpu udp knet knet+crypto}"
IFS=, read -ra kinds_of <<<"${OUTAGE_KINDS:-coterie coterie,coterie coterie coterie}"
read -ra ways <<<"${OUTAGE_WAYS:-stop cut drop}"
read -ra lengths <<<"${OUTAGE_MS:-1700 2500}"
rounds=${OUTAGE_ROUNDS:-1}
place=${OUTAGE_VICTIM:-2}
settle=${OUTAGE_SETTLE:-1.4}
knet_max=${OUTAGE_KNET_MAX:-1700}

# Number the nodes of all rings. Sets transports[RING], kinds[RING], names[RING] (as the results have it), members[RING]
# and victims[RING].
transports=()
kinds=()
names=()
members=()
victims=()
all=()
for transport in "${used[@]}"; do
	for together in "${kinds_of[@]}"; do
		[ -z "${LAB_KIND:-}" ] || together=${together//coterie/$LAB_KIND}
		read -ra words <<<"$together"
		ring=${#transports[@]}
		transports[ring]=$transport
		kinds[ring]=${words[*]}
		names[ring]="$transport, ${words[*]}"
		victims[ring]=$((${#all[@]} + place))
		for kind in "${words[@]}"; do
			all+=("$kind")
			members[ring]+="${members[ring]:+ }${#all[@]}"
		done
	done
done
case "${transports[*]}" in
*knet*) [ -e "$LAB_BUILD/knet.la" ] || tap_skip "the plugin knet is not built" ;;
esac

lab_open "${all[@]}"
every_node=("${LAB_NODES[@]}")
(umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key")

# configure RING: write the configs of its nodes, which list the nodes of this ring only.
configure() {
	local node nodes

	read -ra nodes <<<"${members[$1]}"
	LAB_NODES=("${nodes[@]}")
	LAB_TRANSPORT=${transports[$1]%+crypto}
	LAB_TOTEM=
	[ "$LAB_TRANSPORT" = "${transports[$1]}" ] ||
		LAB_TOTEM="crypto_cipher: aes256
			crypto_hash: sha256
			keyfile: $LAB_DIR/key"
	for node in "${nodes[@]}"; do
		{
			lab_config "$node" | sed "s/cluster_name: lab/&$1/
				$([ "$LAB_TOKEN" != default ] || echo '/^token/d')"
			printf 'quorum {\n\tprovider: corosync_votequorum\n}\n'
		} >"$LAB_DIR/$node/corosync.conf"
	done
	LAB_NODES=("${every_node[@]}")
}

# whole RING: true if the last record of each member has all members. Called often, so it starts no process.
whole() {
	local node records

	for node in ${members[$1]}; do
		mapfile -t records <"$LAB_DIR/$node/times"
		[ ${#records[@]} -gt 0 ] && [ "${records[-1]#* * }" = "${members[$1]}" ] || return
	done
}
all_whole() {
	local ring

	for ring in "${!transports[@]}"; do
		whole "$ring" || return
	done
}

stop_begin() { lab_pause "$1"; }
stop_end() { lab_resume "$1"; }
cut_begin() { lab_cut "$1"; }
cut_end() { lab_heal "$1"; }
# The switch forwards nothing. Not DROP on OUTPUT: it fails the sender's system call, which no network does.
drop_begin() { ip link set "port$1" nomaster; }
drop_end() { ip link set "port$1" master bridge; }

# takes_part RING MILLISECONDS
takes_part() { [ "${transports[$1]#knet}" = "${transports[$1]}" ] || [ "$2" -le "$knet_max" ]; }

# outage WAY MILLISECONDS: play one outage on every ring, and add its results to evicted, unquorate and renewed.
outage() {
	local way=$1 ms=$2 ring node case lost quorum record records times=() polls=() hit=()

	for ring in "${!transports[@]}"; do
		! takes_part "$ring" "$ms" || hit+=("$ring")
	done
	for node in "${every_node[@]}"; do
		mapfile -t records <"$LAB_DIR/$node/times"
		times[node]=${#records[@]}
		mapfile -t records <"$LAB_DIR/$node/polls"
		polls[node]=${#records[@]}
	done
	for ring in "${hit[@]}"; do
		"${way}_begin" "${victims[ring]}"
	done
	sleep "$(awk "BEGIN { print $ms / 1000 }")"
	for ring in "${hit[@]}"; do
		"${way}_end" "${victims[ring]}"
	done
	sleep "$(awk "BEGIN { srand($RANDOM); print $settle + rand() / 4 }")" # any phase of an idle ring
	LAB_PATIENCE=60 lab_await all_whole || tap_note "after $way of $ms ms a ring is not whole again"
	for ring in "${hit[@]}"; do
		case=$ring.$way.$ms
		lost=0
		quorum=0
		for node in ${members[ring]}; do
			mapfile -t -s "${polls[node]}" records <"$LAB_DIR/$node/polls"
			for record in "${records[@]}"; do
				[[ ! ${record#* * } =~ ^.?.?.?.?0 ]] || quorum=1 # three answers of one character
			done
			mapfile -t -s "${times[node]}" records <"$LAB_DIR/$node/times"
			for record in "${records[@]}"; do
				[ "${record#* * }" = "${members[ring]}" ] || lost=1
			done
		done
		evicted[$case]=$((${evicted[$case]:-0} + lost))
		unquorate[$case]=$((${unquorate[$case]:-0} + quorum))
		renewed[$case]=$((${renewed[$case]:-0} + ${#records[@]}))
	done
}
declare -A evicted unquorate renewed

# The results have thousands of sums. So these functions set a variable and start no process.

# find_alike RING: set alike to the rings of its transport and kinds, which count as one.
find_alike() {
	local ring

	alike=()
	for ring in "${!transports[@]}"; do
		[ "${names[ring]}" != "${names[$1]}" ] || alike+=("$ring")
	done
}

# find_beside RING: set beside to the first ring of Corosync's daemons to compare it with, or to nothing.
find_beside() {
	local ring

	beside=
	[ -z "${LAB_KIND:-}" ] || return
	for ring in "${!transports[@]}"; do
		case " ${kinds[ring]} " in
		*" coterie "*) ;;
		*)
			[ "${transports[ring]} ${members[ring]//[0-9]/}" = "${transports[$1]} ${members[$1]//[0-9]/}" ] ||
				continue
			beside=$ring
			return
			;;
		esac
	done
}

# add_up RING CASE: set lost, quorum and renewal to the sums of all rings of this kind, and count to their outages of one
# way and length.
add_up() {
	local ring

	find_alike "$1"
	count=$((${#alike[@]} * rounds))
	lost=0
	quorum=0
	renewal=0
	for ring in "${alike[@]}"; do
		lost=$((lost + ${evicted[$ring.$2]:-0}))
		quorum=$((quorum + ${unquorate[$ring.$2]:-0}))
		renewal=$((renewal + ${renewed[$ring.$2]:-0}))
	done
}

# is_more_often LOST COUNT LIMIT OTHERS: LOST of COUNT is more than LIMIT of OTHERS. Where Corosync loses none, one is more.
# Where it loses some, chance decides each time. Then it must be so much more that chance alone shows that in less than one
# of twenty comparisons (Fisher's exact test, one side).
is_more_often() {
	[ $(($1 * $4)) -gt $(($3 * $2)) ] || return
	[ "$3" -gt 0 ] || return 0
	awk -v a="$1" -v m="$2" -v c="$3" -v n="$4" '
		function choose(n, k,   i, log_sum) {
			for (i = 1; i <= k; i++)
				log_sum += log(n - k + i) - log(i)
			return log_sum
		}
		BEGIN {
			for (k = a + c; a <= m && a <= k; a++)
				if (k - a <= n)
					p += exp(choose(m, a) + choose(n, k - a) - choose(m + n, k))
			exit !(p < 0.05)
		}'
}

for ring in "${!transports[@]}"; do
	configure "$ring"
done
lab_start "${every_node[@]}"
# Not lab_ring, which waits for one ring at a time.
for node in "${every_node[@]}"; do
	lab_exec "$node" "$(lab_program quorum_poll)" 50 >"$LAB_DIR/$node/polls" 2>&1 &
	pollers+=($!)
done
rings_record "${every_node[@]}"
all_quorate() {
	local node

	for node in "${every_node[@]}"; do
		tail -n 1 "$LAB_DIR/$node/polls" | grep -q ' 1 1 1 ' || return
	done
}
lab_await all_whole && lab_await all_quorate
tap $? "${#transports[@]} rings, all of them quorate" || lab_close
for ((round = 1; round <= rounds; round++)); do
	for way in "${ways[@]}"; do
		for ms in "${lengths[@]}"; do
			outage "$way" "$ms"
		done
	done
done

recorders+=("${pollers[@]}")
rings_end

table=${OUTAGE_TABLE:-$LAB_DIR/table}
printf '%-40s %-5s %6s %8s %9s %11s %9s %s\n' ring way ms outages evictions 'lost quorum' 'new rings' \
	"Corosync's evictions" >"$table"
for ring in "${!transports[@]}"; do
	find_alike "$ring"
	[ "${alike[0]}" = "$ring" ] || continue
	find_beside "$ring"
	for way in "${ways[@]}"; do
		status=0
		for ms in "${lengths[@]}"; do
			takes_part "$ring" "$ms" || continue
			others=1
			limit=0
			limit_quorum=0
			measure=
			if [ -n "$beside" ]; then
				# Kinds may have different numbers of rings: compare shares.
				add_up "$beside" "$way.$ms"
				others=$count
				limit=$lost
				limit_quorum=$quorum
				measure="$limit of $others"
			fi
			add_up "$ring" "$way.$ms"
			if is_more_often "$lost" "$count" "$limit" "$others" ||
				is_more_often "$quorum" "$count" "$limit_quorum" "$others"; then
				status=1
			fi
			printf '%-40s %-5s %6s %8s %9s %11s %9s %s\n' "${names[ring]}" "$way" "$ms" "$count" \
				"$lost" "$quorum" "$renewal" "$measure" >>"$table"
		done
		tap $status "${names[ring]}: outages by $way change no membership"
	done
done
tap_note "$(cat "$table")"
lab_alive "${every_node[@]}"
tap $? "every daemon still runs"
lab_stop "${every_node[@]}"
tap $? "all stop with status 0"
# lab_close would print the ends of all logs.
[ "$tap_failed" -eq 0 ] || for node in "${every_node[@]}"; do
	tap_note "node $node (${LAB_KINDS[node]})" "$(grep -h '\[TOTEM \]' "$LAB_DIR/$node/log" | tail -n 8)"
done
tap_end
