# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# One of the rings of vote.sh, which sources this: it plays one scenario after the other, step by step, and
# looks at what the nodes say.
VOTE_PATIENCE=15 # seconds that a step may take
VOTE_QUIET_MS=1300 # for which nothing may change before it is recorded

VOTE_COUNT=0           # nodes of the scenario
declare -A VOTE_GROUP  # of each node: the number of the bridge that it is connected to
declare -A VOTE_UP     # 1 for each node whose daemon runs
declare -A VOTE_AGENTS # process of each node's agent
declare -A VOTE_INPUTS # descriptor for its commands
declare -A VOTE_SAID   # how many answers it has given
declare -A VOTE_SEEN   # its last state

# Nothing else is to happen for so many milliseconds.
vote_sleep() {
	local seconds

	printf -v seconds '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
	read -r -t "$seconds" -u "$VOTE_CLOCK"
}

vote_now_ms() { VOTE_NOW=$((${EPOCHREALTIME/./} / 1000)); }

# vote_kinds KIND INDEX: which nodes are ours. The index of the scenario shifts the places.
vote_kinds() {
	local node ours place

	for ((node = 1; node <= VOTE_COUNT; node++)); do
		place=$(((node - 1 + $2) % VOTE_COUNT))
		ours=$((place == 0 || place == 2 && VOTE_COUNT > 3))
		case $1 in
		coterie) ours=1 ;;
		corosync) ours=0 ;;
		many)
			# Of two nodes the other one; of three two; of five three.
			ours=$((!ours))
			;;
		esac
		LAB_KINDS[node]=corosync
		[ $ours -eq 0 ] || LAB_KINDS[node]=coterie
	done
}

# vote_config NODE LINES: its corosync.conf, with these lines in the section quorum. It starts no process, since there are
# hundreds of rings.
vote_config() {
	local node=$1 peer=0 votes lines=$2

	lines=${lines//'{'/$'{\n'}
	lines=${lines//';'/$'\n'}
	lines=${lines//'}'/$'\n}\n'}
	printf '%s\n' 'totem {' 'version: 2' 'cluster_name: vote' 'transport: udpu' "token: $VOTE_TOKEN" \
		'token_coefficient: 0' '}' \
		'system {' 'sched_rr: no' "state_dir: $LAB_DIR/$node/state" '}' \
		'logging {' 'to_stderr: no' 'to_syslog: no' 'to_logfile: yes' "logfile: $LAB_DIR/$node/log" \
		'timestamp: hires' "debug: ${LAB_DEBUG:-off}" '}' \
		'quorum {' 'provider: corosync_votequorum' "$lines" '}' 'nodelist {'
	for votes in ${VOTE_VOTES[$VOTE_NAME]}; do
		peer=$((peer + 1))
		printf '%s\n' 'node {' "ring0_addr: 10.0.0.$peer" "nodeid: $peer" "name: node$peer"
		[ "$votes" -eq 1 ] || echo "quorum_votes: $votes"
		echo '}'
	done
	echo '}'
}

vote_agent_start() {
	local node=$1 input

	exec {input}<>"$LAB_DIR/$node/input"
	lab_exec "$node" "$(vote_program)" "$LAB_DIR/$node/agent" "$VOTE_COUNT" <&"$input" \
		>"$LAB_DIR/$node/agent/out" 2>&1 &
	VOTE_AGENTS[$node]=$!
	VOTE_INPUTS[$node]=$input
	VOTE_SAID[$node]=0
	VOTE_UP[$node]=0
}

vote_agent_end() {
	local input=${VOTE_INPUTS[$1]}

	kill -KILL "${VOTE_AGENTS[$1]}"
	wait "${VOTE_AGENTS[$1]}" 2>/dev/null
	exec {input}>&-
}

# vote_tell NODE COMMAND: what the agent answers goes to VOTE_ANSWERS.
vote_tell() {
	local node=$1 end lines

	echo "$2" >&"${VOTE_INPUTS[$node]}"
	VOTE_SAID[$node]=$((VOTE_SAID[$node] + 1))
	vote_now_ms
	end=$((VOTE_NOW + VOTE_PATIENCE * 1000))
	for (( ; VOTE_NOW < end; )); do
		lines=()
		[ ! -e "$LAB_DIR/$node/agent/answers" ] || mapfile -t lines <"$LAB_DIR/$node/agent/answers"
		if [ ${#lines[@]} -ge "${VOTE_SAID[$node]}" ]; then
			VOTE_ANSWERS+="$node: ${lines[-1]}"$'\n'
			return
		fi
		vote_sleep 10
		vote_now_ms
	done
	VOTE_ANSWERS+="$node: $2 = no answer"$'\n'
}

# vote_part GROUPS: "1 2 / 3".
vote_part() {
	local group=1 word

	for word in $1; do
		if [ "$word" = / ]; then
			group=$((group + 1))
		elif [ "${VOTE_GROUP[$word]}" -ne $group ]; then
			ip link set "port$word" master "bridge$group"
			VOTE_GROUP[$word]=$group
		fi
	done
}

# vote_ring NODE: the nodes that it should hear, itself included.
vote_ring() {
	local node

	VOTE_RING=
	for ((node = 1; node <= VOTE_COUNT; node++)); do
		[ "${VOTE_UP[$node]}" -eq 0 ] || [ "${VOTE_GROUP[$node]}" -ne "${VOTE_GROUP[$1]}" ] ||
			VOTE_RING+=" $node"
	done
}

# Reads what all agents say. True when each node whose daemon runs is in one ring with all that it
# hears, and the others know that their daemon does not run.
vote_look() {
	local node id state status=0
	local -A ids=()

	for ((node = 1; node <= VOTE_COUNT; node++)); do
		id='' state=''
		[ ! -e "$LAB_DIR/$node/agent/state" ] ||
			{ read -r id && read -r state; } <"$LAB_DIR/$node/agent/state"
		VOTE_SEEN[$node]=${state:-down}
		if [ "${VOTE_UP[$node]}" -eq 0 ]; then
			[ "$id" = down ] || status=1
			continue
		fi
		vote_ring "$node"
		[[ $state == "ring$VOTE_RING;"* ]] || status=1
		: "${ids[$VOTE_RING]:=$id}"
		[ "${ids[$VOTE_RING]}" = "$id" ] || status=1
	done
	return $status
}

# Puts what was seen into VOTE_TEXT: nodes that say the same share a line.
vote_describe() {
	local node other said=' '

	VOTE_TEXT=
	for ((node = 1; node <= VOTE_COUNT; node++)); do
		[ "${VOTE_SEEN[$node]}" != down ] && [[ $said != *" $node "* ]] || continue
		VOTE_TEXT+=$node
		for ((other = node + 1; other <= VOTE_COUNT; other++)); do
			[ "${VOTE_SEEN[$other]}" = "${VOTE_SEEN[$node]}" ] || continue
			VOTE_TEXT+=" $other"
			said+="$other "
		done
		VOTE_TEXT+=": ${VOTE_SEEN[$node]}"$'\n'
	done
}

# True when what vote_look has read is an outcome that was recorded.
vote_matches() {
	local number

	vote_describe
	for ((number = 0; number < VOTE_OUTCOMES["$VOTE_NAME $1"]; number++)); do
		[ "${VOTE_OUTCOME["$VOTE_NAME $1 $number"]}" != "$VOTE_TEXT" ] || return 0
	done
	return 1
}

# vote_await STEP: until all is as recorded, twice in a row.
vote_await() {
	local seen=0 end

	vote_now_ms
	end=$((VOTE_NOW + VOTE_PATIENCE * 1000))
	for (( ; VOTE_NOW < end; )); do
		if vote_look && vote_matches "$1"; then
			[ $seen -eq 0 ] || return 0
			seen=1
			vote_sleep 70
		else
			seen=0
			vote_sleep 30
		fi
		vote_now_ms
	done
	return 1
}

# vote_settle STEP: until all is as recorded, or is something else and has been that for a while.
vote_settle() {
	local before='' matching=0 quiet_ms end

	vote_now_ms
	end=$((VOTE_NOW + VOTE_PATIENCE * 1000))
	quiet_ms=$VOTE_NOW
	for (( ; VOTE_NOW < end; )); do
		if ! vote_look; then
			before='' matching=0
		elif vote_matches "$1"; then
			before=
			matching=$((matching + 1))
			[ $matching -lt 2 ] || return 0
		else
			matching=0
			[ "$VOTE_TEXT" = "$before" ] || quiet_ms=$VOTE_NOW
			before=$VOTE_TEXT
			[ $((VOTE_NOW - quiet_ms)) -lt $VOTE_QUIET_MS ] || return 0
		fi
		vote_sleep 70
		vote_now_ms
	done
	return 1
}

# The tools are Debian's, whatever the daemon.
vote_tool() {
	local node=$1

	shift
	(LAB_CLIENT=corosync lab_exec "$node" -t 10 "$@") >"$LAB_DIR/$node/tool" 2>&1 ||
		VOTE_ANSWERS+="$node: $1 failed"$'\n'
}

vote_reload() {
	local node=$1 text=${*:2} other

	for ((other = 1; other <= VOTE_COUNT; other++)); do
		vote_config "$other" "${text//|/$'\n'}" >"$LAB_DIR/$other/corosync.conf"
	done
	vote_tool "$node" corosync-cfgtool -R
}

# vote_device COMMAND NODES
vote_device() {
	local node

	for node in $2; do
		vote_tell "$node" "$1"
	done
}

vote_do() {
	local verb words node

	read -r verb words <<<"$1"
	# shellcheck disable=SC2086 # words
	case $verb in
	up)
		lab_start $words
		for node in $words; do VOTE_UP[$node]=1; done
		;;
	crash | stop)
		[ $verb = stop ] && lab_stop $words || lab_kill $words
		for node in $words; do VOTE_UP[$node]=0; done
		;;
	part) vote_part "$words" ;;
	heal) vote_part "1 2 3 4 5" ;;
	votes | expected) vote_tell "${words%% *}" "$verb ${words#* }" ;;
	cancel) vote_tool "$words" corosync-cmapctl -s quorum.cancel_wait_for_all u8 1 ;;
	reload) vote_reload $words ;;
	register | unregister) vote_device "$verb device" "$words" ;;
	rename) vote_tell "${words%% *}" "rename device ${words#* }" ;;
	pass) vote_sleep "$words" ;;
	mute) vote_device mute "$words" ;;
	cast | master)
		case $words in
		yes*) vote_device "$verb 1" "${words#yes}" ;;
		no*) vote_device "$verb 0" "${words#no}" ;;
		esac
		;;
	*) VOTE_ANSWERS+="no such step"$'\n' ;;
	esac
	# Messages of the ring need some time to arrive.
	[ -z "$VOTE_ANSWERS" ] || vote_sleep 150
}

# Play one step and print its errors.
vote_step() {
	local number=$1 step=$2 key="$VOTE_NAME $1" node

	VOTE_ANSWERS=
	if [ -n "${VOTE_RECORD:-}" ]; then
		vote_do "$step"
		[ "${VOTE_STEP[$key]}" = "$step" ] || VOTE_OUTCOMES[$key]=0
		vote_settle "$number" || echo "step $number, $step: no stable ring"
		vote_describe
		{
			echo "$step"
			[ -z "$VOTE_TEXT" ] || sed 's/^/\t/' <<<"${VOTE_TEXT%$'\n'}"
			[ -z "$VOTE_ANSWERS" ] || sed 's/^/\t= /' <<<"${VOTE_ANSWERS%$'\n'}"
		} >>"$VOTE_WORK/recorded/$VOTE_NAME"
		return
	fi
	[ "${VOTE_STEP[$key]}" = "$step" ] || {
		echo "step $number, $step: was never recorded"
		return
	}
	vote_do "$step"
	[ "$VOTE_ANSWERS" = "${VOTE_ANSWERED[$key]}" ] ||
		printf 'step %s, %s: answers\n%sbut should be\n%s' "$number" "$step" "$VOTE_ANSWERS" \
			"${VOTE_ANSWERED[$key]}"
	vote_await "$number" && return
	for ((node = 1; node <= VOTE_COUNT; node++)); do
		[ "${VOTE_UP[$node]}" -eq 0 ] || lab_alive "$node"
	done
	vote_describe
	printf 'step %s, %s: seen\n%s' "$number" "$step" "$VOTE_TEXT"
	for ((node = 0; node < VOTE_OUTCOMES[$key]; node++)); do
		printf 'but should be\n%s' "${VOTE_OUTCOME["$key $node"]}"
	done
}

vote_open_ring() {
	local node folder old=() folders=() inputs=()

	for ((node = 1; node <= VOTE_COUNT; node++)); do
		old+=("$LAB_DIR/$node"/{state,log,out,agent,input})
		folders+=("$LAB_DIR/$node"/{state,agent})
		inputs+=("$LAB_DIR/$node/input")
		for folder in "${LAB_FOLDERS[@]}"; do
			old+=("/proc/${LAB_HOLDERS[node]}/root$folder"/*)
		done
	done
	rm -rf "${old[@]}"
	mkdir "${folders[@]}"
	mkfifo "${inputs[@]}"
	for ((node = 1; node <= VOTE_COUNT; node++)); do
		vote_config "$node" "${VOTE_QUORUM[$VOTE_NAME]}" >"$LAB_DIR/$node/corosync.conf"
		vote_agent_start "$node"
	done
}

vote_close_ring() {
	local node

	for ((node = 1; node <= VOTE_COUNT; node++)); do
		[ "${VOTE_UP[$node]}" -eq 0 ] || lab_kill "$node" 2>/dev/null
		vote_agent_end "$node"
	done
	vote_part "1 2 3 4 5"
}

# vote_play KIND NAME INDEX: prints what is wrong, and nothing if all is well.
vote_play() {
	local number=0 step wrong='' votes

	VOTE_NAME=$2
	read -r -a votes <<<"${VOTE_VOTES[$VOTE_NAME]}"
	VOTE_COUNT=${#votes[@]}
	vote_kinds "$1" "$3"
	vote_open_ring
	[ -z "${VOTE_RECORD:-}" ] || echo "scenario $VOTE_NAME" >"$VOTE_WORK/recorded/$VOTE_NAME"
	while IFS= read -r -u 8 step; do
		[ -n "$step" ] || continue
		vote_step $number "$step" >"$LAB_DIR/wrong"
		wrong=$(<"$LAB_DIR/wrong")
		[ -z "$wrong" ] || break
		number=$((number + 1))
	done 8<<<"${VOTE_STEPS[$VOTE_NAME]}"
	vote_close_ring
	[ -z "$wrong" ] || echo "$wrong"
	[ -z "${VOTE_KEEP:-}" ] || for ((number = 1; number <= VOTE_COUNT; number++)); do
		mkdir -p "$VOTE_KEEP/$1.$2"
		cat "$LAB_DIR/$number/log" "$LAB_DIR/$number/out" 2>/dev/null \
			>"$VOTE_KEEP/$1.$2/$number.${LAB_KINDS[number]}.log"
	done
}

vote_lane() {
	local number kind name index node start times

	lab_open coterie corosync coterie corosync coterie
	mkfifo "$LAB_DIR/clock"
	exec {VOTE_CLOCK}<>"$LAB_DIR/clock"
	for number in 1 2 3; do
		ip link add "bridge$number" type bridge mcast_snooping 0
		ip link set "bridge$number" up
	done
	for node in 1 2 3 4 5; do
		ip link set "port$node" master bridge1
		VOTE_GROUP[$node]=1
	done
	for number in "${!VOTE_JOBS[@]}"; do
		mkdir "$VOTE_WORK/taken/$number" 2>/dev/null || continue
		read -r kind name index <<<"${VOTE_JOBS[number]}"
		start=$SECONDS
		# Outcomes may depend on the order of messages, in the reference too, and not all of them have been
		# seen there: what is wrong is wrong each time.
		for ((times = 1; times <= 3; times++)); do
			vote_play "$kind" "$name" "$index" >"$LAB_DIR/result"
			[ -s "$LAB_DIR/result" ] && [ -z "${VOTE_RECORD:-}" ] || break
		done
		{
			echo "$name, $kind: ${LAB_KINDS[*]:1:VOTE_COUNT} ($((SECONDS - start)) s$([ "$times" -eq 1 ] || echo ", not the first time"))"
			cat "$LAB_DIR/result"
		} >"$VOTE_WORK/done/$number.new"
		mv "$VOTE_WORK/done/$number.new" "$VOTE_WORK/done/$number"
	done
}
