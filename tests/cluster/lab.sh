# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Clusters of real daemons on one machine: source it, call lab_open, then the rest.
#
#	lab_open KIND...         one node per KIND (coterie, corosync or corosync13), 10.0.0.1 and so on, no daemon yet
#	lab_start NODE...        start daemons; lab_stop (clean), lab_kill -9, lab_pause, lab_resume NODE...
#	lab_cut / lab_heal NODE  take the node's cable out and put it back
#	lab_loss PERCENT NODE... random loss of what the nodes receive; 0: none
#	lab_ring COUNT NODE...   true once every NODE's ring has COUNT members (within LAB_PATIENCE seconds)
#	lab_await COMMAND...     true once the command succeeds (within LAB_PATIENCE seconds)
#	lab_move NODE HOST       have a node run on the host of another, as instances; before either starts
#	lab_in NODE [-t SECONDS] COMMAND...  run a client on a node, with the client libraries of the node's kind; -t: SIGALRM
#	                         then ends it. Not for coterie-ctl, which sets its own alarm: use timeout
#	lab_alive NODE...        true when none of the daemons has exited
#	lab_traffic NAME SIZE NODE...  one TAP result: all send, one order everywhere, nothing lost
#	lab_enough               ends a lab_traffic in the background: nobody sends any more
#	lab_watch NODE...        record what a group member on each node sees, until
#	lab_compare NAME NODE... one TAP result: these nodes saw the same events and messages
#	lab_close                end of the script: prints logs if something failed, and the TAP plan
#
# The script is started again inside namespaces of its own (network, mounts, processes), without root in
# a user namespace. Whatever happens to it, the kernel then ends every daemon and removes every
# interface with it, and nothing on the machine can collide. A node is one more network and mount
# namespace, held by a sleeping process. Timing matters to these tests, so locks let only LAB_LANES of them
# (one, if not said) run at a time. Environment:
# LAB_TOKEN and LAB_MS (of traffic: 150), LAB_CLIENT=KIND forces one kind of library, LAB_KIND=KIND makes
# every node of that kind, LAB_KEEP=FOLDER keeps logs and records, LAB_LOCK names other lock files,
# LAB_PRELOAD=FILE is a library that the daemons load before their own.
# LAB_USER=NAME-OR-NUMBER: daemons of coterie start as root and become this user (--user).
# The ring: LAB_TRANSPORT (udpu, udp, …), LAB_FAMILY (ipv4 or ipv6), LAB_ENCRYPTION (with a key for all nodes: on udp
# and udpu aes256-gcm or chacha20-poly1305, of kind coterie; on knet CIPHER-HASH), more lines for the totem section
# in LAB_TOTEM and for link 0 in LAB_INTERFACE ("broadcast: yes"). After a change of these, lab_configure.

# Kind corosync13 is Corosync 3.1.9: its daemons, and clients with its libraries, run in a Debian 13 (tests/root13.sh).

# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/root13.sh
. "$(dirname "${BASH_SOURCE[0]}")/../root13.sh"

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_BUILD=${abs_top_builddir:-$(cd "$LAB_HERE/../../build" 2>/dev/null && pwd)}
LAB_TOKEN=${LAB_TOKEN:-1000}
LAB_PATIENCE=${LAB_PATIENCE:-30}
LAB_TOTEM=${LAB_TOTEM:-}
LAB_INTERFACE=${LAB_INTERFACE:-}
LAB_TRANSPORT=${LAB_TRANSPORT:-udpu}
LAB_FAMILY=${LAB_FAMILY:-ipv4}
LAB_ENTER=$LAB_BUILD/tests/cluster/lab_enter
LAB_NODES=() # of all nodes; kinds, holders and daemons have the same indices, from 1
LAB_KINDS=()
LAB_HOLDERS=()
LAB_DAEMONS=()
LAB_PLUGINS=()  # of a node that does not take those of the build: its folder
LAB_FILES=()    # of a node that reads another than corosync.conf: its name
LAB_INSTANCE=() # of a node that shares its host with another: its name there

lab_open() {
	local node kind

	[ -z "${LAB_USER:-}" ] || lab_is_root || tap_skip "not root, so no daemon can become $LAB_USER"
	[ -n "${LAB_INSIDE:-}" ] || lab_enter "$@"
	[ -z "${LAB_KEEP:-}" ] || mkdir -p "$LAB_KEEP"
	cd / || exit 1
	LAB_DIR=$(mktemp -d)
	trap lab_clean EXIT
	mount -t tmpfs lab "$LAB_DIR" && mount -t tmpfs -o mode=755 lab /run && mount -t tmpfs lab /dev/shm ||
		exit 1
	mkfifo "$LAB_DIR/nothing" || exit 1
	# Without a name server the reference's reverse look-ups stall its start.
	: >"$LAB_DIR/resolv.conf"
	echo 'hosts: files' >"$LAB_DIR/nsswitch.conf"
	[ ! -e /etc/resolv.conf ] || mount --bind "$LAB_DIR/resolv.conf" /etc/resolv.conf
	[ ! -e /etc/nsswitch.conf ] || mount --bind "$LAB_DIR/nsswitch.conf" /etc/nsswitch.conf
	lab_folders
	case " ${LAB_KIND:-$*} ${LAB_CLIENT:-} " in *" corosync13 "*)
		root13_open "$LAB_DIR/debian13" "$LAB_DIR" "$LAB_BUILD" || exit 1
		LAB_FOLDERS+=("$LAB_DIR/debian13/run" "$LAB_DIR/debian13/var/lib/corosync")
		;;
	esac
	ip link set lo up
	ip link add bridge type bridge mcast_snooping 0
	ip link set bridge up
	node=0
	for kind in "$@"; do
		node=$((node + 1))
		LAB_NODES+=("$node")
		LAB_KINDS[node]=${LAB_KIND:-$kind}
		lab_node "$node"
	done
	lab_configure
}

# True for root of the machine. In a user namespace root cannot become another user.
lab_is_root() { [ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ]; }

# Writes the config of every node.
lab_configure() {
	local node

	for node in "${LAB_NODES[@]}"; do
		lab_config "$node" >"$LAB_DIR/$node/corosync.conf"
	done
}

# Waits for a lane, which the script then has until it ends: file 9.
lab_turn() {
	local lane

	while true; do
		for ((lane = 1; lane <= ${LAB_LANES:-1}; lane++)); do
			exec 9>>"${LAB_LOCK:-${TMPDIR:-/tmp}/coterie-cluster-tests.$UID.lock}.$lane"
			! flock -n 9 || return
		done
		sleep 0.2
	done
}

# Skips the script where it cannot run, else starts it again inside its own namespaces.
lab_enter() {
	local user=()

	[ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
	command -v ip nsenter unshare >/dev/null || tap_skip "no iproute2 or util-linux"
	unshare "${user[@]}" --net --mount --pid --fork --mount-proc \
		ip link add probe type veth peer name eborp 2>/dev/null ||
		tap_skip "no network namespaces (not root, and user namespaces are not allowed)"
	[ -n "$LAB_LOAD" ] || tap_skip "cpg_load is not built (no libcpg)"
	case " ${LAB_KIND:-$*} " in *" corosync "*)
		command -v corosync >/dev/null || tap_skip "no corosync"
		;;
	esac
	case " ${LAB_KIND:-$*} ${LAB_CLIENT:-} " in *" corosync13 "*)
		! root13_missing >/dev/null || tap_skip "$(root13_missing)"
		;;
	esac
	case " ${LAB_KIND:-$*} " in *" coterie "*)
		[ -x "$LAB_BUILD/exec/coterie" ] || tap_skip "exec/coterie is not built"
		;;
	esac
	lab_turn
	LAB_INSIDE=1 exec unshare "${user[@]}" --net --mount --pid --fork --kill-child --mount-proc \
		bash "$(realpath "$0")"
}

# The daemon's own folders for state and run-time files exist only on machines where it is installed.
# Each node has to mount something over them, so they are created here in an overlay.
lab_folders() {
	# shellcheck disable=SC2034 # prefix is what the others are made of
	local name folder ancestor prefix localstatedir runstatedir

	LAB_FOLDERS=()
	for name in prefix localstatedir runstatedir; do
		eval "$name=$(sed -n "s/^$name = //p" "$LAB_BUILD/Makefile" 2>/dev/null)"
	done
	for folder in "$localstatedir/lib/coterie" "$runstatedir/coterie"; do
		ancestor=$folder
		until [ -d "$ancestor" ]; do
			ancestor=${ancestor%/*}
		done
		if [ "$ancestor" != "$folder" ] && [ -n "$ancestor" ]; then
			mkdir "$LAB_DIR/upper${#LAB_FOLDERS[@]}" "$LAB_DIR/work${#LAB_FOLDERS[@]}"
			mount -t overlay -o "lowerdir=$ancestor,upperdir=$LAB_DIR/upper${#LAB_FOLDERS[@]}" \
				-o "workdir=$LAB_DIR/work${#LAB_FOLDERS[@]}" overlay "$ancestor" || exit 1
			mkdir -p "$folder"
		fi
		LAB_FOLDERS+=("$folder")
	done
}

# Under libtool the program itself, not its wrapper, since the wrapper would choose the library.
lab_program() {
	local path

	for path in "$LAB_BUILD/tests/cluster/.libs/$1" "$LAB_BUILD/tests/cluster/$1"; do
		[ ! -x "$path" ] || {
			echo "$path"
			return
		}
	done
}

LAB_LOAD=$(lab_program cpg_load)
LAB_WATCHER=$(lab_program cpg_watch)

# Make a namespace with one end of a veth pair. The other end is port NODE of the bridge.
lab_node() {
	local node=$1 holder

	mkdir -p "$LAB_DIR/$node/state"
	# A mount namespace of its own keeps run-time files of the daemons apart.
	unshare --net --mount bash -c "mount -t tmpfs -o mode=755 lab /run && mkdir /run/lock && ip link set lo up &&
		for folder in ${LAB_FOLDERS[*]}; do
			mkdir -p \$folder && mount -t tmpfs -o mode=755 lab \$folder || exit
		done
		touch $LAB_DIR/$node/ready && exec sleep infinity" 9>&- &
	holder=$!
	LAB_HOLDERS[node]=$holder
	until [ -e "$LAB_DIR/$node/ready" ]; do
		kill -0 $holder || exit 1
		lab_nap 0.02
	done
	ip -batch - <<-LINKS
		link add port$node type veth peer name eth0 netns $holder
		link set port$node master bridge up
	LINKS
	lab_addresses "$node" "$node" || [ "$LAB_FAMILY" = ipv4 ] || tap_skip "no IPv6"
}

# lab_addresses HOST NODE: the node's addresses on a host's interface. It goes on after a failure, and then fails.
lab_addresses() {
	"$LAB_ENTER" "${LAB_HOLDERS[$1]}" ip -force -batch - <<-ADDRESSES
		addr add 10.0.0.$2/24 dev eth0
		link set eth0 up
		route replace default dev eth0
		addr add fd00::$2/64 dev eth0 nodad
	ADDRESSES
}

# A host with its cable goes, the node becomes one more instance on the host of another. Instances find
# their place in the node list by their names.
lab_move() {
	local node=$1 host=$2

	ip link del "port$node"
	LAB_HOLDERS[node]=${LAB_HOLDERS[host]}
	LAB_INSTANCE[node]=node$node
	LAB_INSTANCE[host]=node$host
	lab_addresses "$host" "$node"
}

# True where LAB_FAMILY=ipv6 works.
lab_has_ipv6() { [ -e /proc/net/if_inet6 ]; }

# lab_address NODE [FAMILY]
lab_address() {
	case ${2:-$LAB_FAMILY} in
	ipv4) echo "10.0.0.$1" ;;
	ipv6) echo "fd00::$1" ;;
	esac
}

# The lines of the totem section, and the key.
lab_encryption() {
	[ -n "${LAB_ENCRYPTION:-}" ] || return 0
	[ -e "$LAB_DIR/key" ] || (umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key")
	case $LAB_TRANSPORT in
	knet) printf 'crypto_cipher: %s\n\t\t\tcrypto_hash: %s' "${LAB_ENCRYPTION%-*}" "${LAB_ENCRYPTION#*-}" ;;
	*) printf 'encryption: %s' "$LAB_ENCRYPTION" ;;
	esac
	printf '\n\t\t\tkeyfile: %s' "$LAB_DIR/key"
}

lab_config() {
	local node=$1 peer

	cat <<-CONFIG
		totem {
			version: 2
			cluster_name: lab
			transport: $LAB_TRANSPORT
			$([ "$LAB_FAMILY" = ipv4 ] || echo "ip_version: $LAB_FAMILY")
			token: $LAB_TOKEN
			token_coefficient: 0
			$(lab_encryption)
			$LAB_TOTEM
			$([ -z "$LAB_INTERFACE" ] || printf 'interface {\n\t\tlinknumber: 0\n\t\t%s\n\t}' "$LAB_INTERFACE")
		}
		system {
			sched_rr: no
			state_dir: $LAB_DIR/$node/state
		}
		logging {
			to_stderr: no
			to_syslog: no
			to_logfile: yes
			logfile: $LAB_DIR/$node/log
			timestamp: hires
			debug: ${LAB_DEBUG:-off}
		}
		nodelist {
	CONFIG
	for peer in "${LAB_NODES[@]}"; do
		printf '\tnode {\n\t\tring0_addr: %s\n\t\tnodeid: %s\n\t\tname: node%s\n\t}\n' \
			"$(lab_address "$peer")" "$peer" "$peer"
	done
	echo '}'
}

# Where Debian's libraries are.
LAB_SYSTEM_LIBS=$(ldconfig -p 2>/dev/null | sed -n 's/.*libcpg.so.4 .*=> \(.*\)\/.*/\1/p' | head -n 1)
LAB_SYSTEM_LIBS=${LAB_SYSTEM_LIBS:-/usr/lib}

# lab_environment KIND [NODE]: set LAB_ENVIRONMENT, the variables under which a daemon or client of that kind runs.
lab_environment() {
	LAB_ENVIRONMENT=()
	[ -z "${2:-}" ] || [ -z "${LAB_INSTANCE[$2]:-}" ] || LAB_ENVIRONMENT+=("COTERIE_INSTANCE=${LAB_INSTANCE[$2]}")
	# The sockets of services that are loaded later belong to this user.
	[ -z "${LAB_USER:-}" ] || LAB_ENVIRONMENT+=("COTERIE_USER=$LAB_USER")
	case $1 in
	coterie)
		LAB_ENVIRONMENT+=("LD_LIBRARY_PATH=$LAB_BUILD/.libs:$LAB_BUILD/services/cpg/.libs"
			"COTERIE_PLUGIN_PATH=$LAB_BUILD:$LAB_BUILD/services/cpg:$LAB_BUILD/transports/udpu")
		;;
	corosync13) LAB_ENVIRONMENT+=("LD_LIBRARY_PATH=$(root13_libraries)") ;;
	*) LAB_ENVIRONMENT+=("LD_LIBRARY_PATH=$LAB_SYSTEM_LIBS") ;;
	esac
}

# lab_place KIND NODE: set LAB_PLACE, the command that runs another where programs of that kind run on that node. Options
# of lab_enter and variables can follow it.
lab_place() {
	LAB_PLACE=("$LAB_ENTER" "${LAB_HOLDERS[$2]}")
	[ "$1" != corosync13 ] || LAB_PLACE+=(-r "$LAB_DIR/debian13")
}

lab_in() {
	(lab_exec "$@")
}

# Becomes the command: for a subshell in the background, whose process id is then the command's.
lab_exec() {
	local node=$1 kind=${LAB_CLIENT:-${LAB_KINDS[$1]}}

	shift
	lab_environment "$kind" "$node"
	lab_place "$kind" "$node"
	if [ "$1" = -t ]; then
		LAB_PLACE+=(-t "$2")
		shift 2
	fi
	exec "${LAB_PLACE[@]}" "${LAB_ENVIRONMENT[@]}" "$@"
}

# Give the user of the daemon the files that a package or the operator would give it.
lab_give() {
	local node=$1

	chmod go+x "$LAB_DIR" && chown -R "$LAB_USER:" "$LAB_DIR/$node" 2>/dev/null ||
		chown -R "$LAB_USER:$LAB_USER" "$LAB_DIR/$node"
}

lab_start() {
	local node daemon

	for node in "$@"; do
		case ${LAB_KINDS[node]} in
		corosync | corosync13) daemon=(corosync) ;;
		coterie) daemon=("$LAB_BUILD/exec/coterie") ;;
		esac
		if [ -n "${LAB_USER:-}" ] && [ "${LAB_KINDS[node]}" = coterie ]; then
			lab_give "$node"
			daemon+=(--user "$LAB_USER")
		fi
		lab_environment "${LAB_KINDS[node]}" "$node"
		[ -z "${LAB_PLUGINS[node]:-}" ] || LAB_ENVIRONMENT+=("COTERIE_PLUGIN_PATH=${LAB_PLUGINS[node]}")
		[ -z "${LAB_PRELOAD:-}" ] || LAB_ENVIRONMENT+=("LD_PRELOAD=$LAB_PRELOAD")
		lab_place "${LAB_KINDS[node]}" "$node"
		# A session of its own: the kernel continues stopped processes of an orphaned process group,
		# and hangs up the whole of it, whenever a process of the group ends. Before other sessions: a
		# daemon that does not run loses the token.
		"${LAB_PLACE[@]}" -s "${LAB_ENVIRONMENT[@]}" RUNTIME_DIRECTORY=/run \
			"${daemon[@]}" -f -c "$LAB_DIR/$node/${LAB_FILES[node]:-corosync.conf}" \
			>>"$LAB_DIR/$node/out" 2>&1 </dev/null &
		LAB_DAEMONS[node]=$!
	done
}

# lab_ended PID: a child of this shell has ended.
lab_ended() { ! kill -0 "$1" 2>/dev/null; }

# Clean stop, which must end with status 0 within 10 s.
lab_stop() {
	local node status=0

	for node in "$@"; do
		kill -TERM "${LAB_DAEMONS[node]}" 2>/dev/null || lab_died_by_itself "$node" || status=1
	done
	for node in "$@"; do
		LAB_PATIENCE=10 lab_await lab_ended "${LAB_DAEMONS[node]}" || {
			tap_note "node $node does not stop"
			kill -KILL "${LAB_DAEMONS[node]}"
			status=1
		}
		wait "${LAB_DAEMONS[node]}" || {
			tap_note "node $node stopped with status $?"
			if lab_died_by_itself "$node"; then
				: >"$LAB_DIR/$node/out"
			else
				tap_note "$(cat "$LAB_DIR/$node/out")"
				status=1
			fi
		}
	done
	return $status
}

# The reference has a known defect with multicast (its issue 371). Messages that it reads from the sockets
# before a token can end it with an assertion, while a ring forms or the last other nodes leave. It also
# happens with three of its own nodes, of 3.1.7 and of 3.1.9, and shows nothing about our nodes.
lab_died_by_itself() {
	[[ ${LAB_KINDS[$1]} = corosync* ]] && [ "$LAB_TRANSPORT" = udp ] &&
		! kill -0 "${LAB_DAEMONS[$1]}" 2>/dev/null &&
		grep -q "orf_token_rtr: Assertion" "$LAB_DIR/$1/out"
}

# lab_revive NODE...: true when any of the nodes had died like that, and was started again.
lab_revive() {
	local node status=1

	for node in "$@"; do
		lab_died_by_itself "$node" || continue
		tap_note "node $node died of the reference's issue 371 and is started again"
		: >"$LAB_DIR/$node/out"
		lab_start "$node"
		status=0
	done
	return $status
}

lab_signal() {
	local signal=$1 node

	shift
	for node in "$@"; do
		kill "-$signal" "${LAB_DAEMONS[node]}"
	done
}

lab_pause() { lab_signal STOP "$@"; }
lab_resume() { lab_signal CONT "$@"; }
lab_cut() { ip link set "port$1" down; }
lab_heal() { ip link set "port$1" up; }

lab_kill() {
	local node

	lab_signal KILL "$@"
	for node in "$@"; do
		wait "${LAB_DAEMONS[node]}" 2>/dev/null
	done
}

lab_loss() {
	local percent=$1 node rule iptables=iptables

	[ "$LAB_FAMILY" = ipv4 ] || iptables=ip6tables
	shift
	for node in "$@"; do
		rule=(-i eth0 -p udp -m statistic --mode random --probability "0.$(printf %02d "$percent")")
		"$LAB_ENTER" "${LAB_HOLDERS[node]}" $iptables -F INPUT
		[ "$percent" -eq 0 ] || "$LAB_ENTER" "${LAB_HOLDERS[node]}" \
			$iptables -A INPUT "${rule[@]}" -j DROP || return
	done
}

lab_ring() {
	lab_ring_once "$@" || { lab_revive "${LAB_NODES[@]}" && lab_ring_once "$@"; }
}

lab_ring_once() {
	local count=$1 node status=0 waiting=()

	shift
	for node in "$@"; do
		lab_exec "$node" -t $((LAB_PATIENCE + 5)) "$LAB_WATCHER" -n "$count" -w "$LAB_PATIENCE" \
			>"$LAB_DIR/$node/ring" 2>&1 &
		waiting+=($!)
	done
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	[ $status -eq 0 ] || for node in "$@"; do
		tap_note "node $node waited for a ring of $count: $(cat "$LAB_DIR/$node/ring")"
	done
	return $status
}

# Sleep for some seconds without a process: nothing is ever written into this pipe.
lab_nap() {
	read -rt "$1" <>"$LAB_DIR/nothing"
	true
}

# lab_await COMMAND...: until it succeeds, for LAB_PATIENCE seconds at most. The gaps grow from 20 to 150 ms.
lab_await() {
	local end=$((SECONDS + LAB_PATIENCE)) gap_ms=20 gap

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		printf -v gap '0.%03d' $gap_ms
		lab_nap "$gap"
		gap_ms=$((gap_ms > 100 ? 150 : gap_ms * 3 / 2))
	done
}

lab_alive() {
	local node status=0

	for node in "$@"; do
		kill -0 "${LAB_DAEMONS[node]}" 2>/dev/null || {
			wait "${LAB_DAEMONS[node]}"
			tap_note "node $node (${LAB_KINDS[node]}) has exited with status $?"
			status=1
		}
	done
	return $status
}

lab_traffic() {
	local name=$1 size=$2 node status=0 waiting=() line hash='' rates='' ms=${LAB_MS:-150}
	local patience=$((LAB_PATIENCE + ms / 1000))

	shift 2
	for node in "$@"; do
		lab_exec "$node" -t $((patience + 10)) "$LAB_LOAD" -g "load" -m $# -s "$size" \
			-t "$ms" -w "$patience" ${LAB_RATE:+-o "$LAB_RATE"} \
			>"$LAB_DIR/$node/load" 2>&1 &
		waiting+=($!)
	done
	echo "${waiting[@]}" >"$LAB_DIR/loads"
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	# Each node prints one line with these. No programs: this runs five hundred times in make check.
	for node in "$@"; do
		while read -r line; do
			[[ $line =~ mb_per_s=([0-9.]+).*hash=(.*) ]] || continue
			rates+=" ${BASH_REMATCH[1]}"
			[ "${hash:=${BASH_REMATCH[2]}}" = "${BASH_REMATCH[2]}" ] || status=1
		done <"$LAB_DIR/$node/load"
	done
	[ -n "$hash" ] || status=1
	tap $status "$name: $size bytes from each of nodes $* (MB/s:$rates)" || {
		for node in "$@"; do
			tap_note "$(cat "$LAB_DIR/$node/load")"
		done
		return 1
	}
}

lab_enough() {
	local loads

	read -ra loads <"$LAB_DIR/loads"
	kill -TERM "${loads[@]}" 2>/dev/null
}

lab_watch() {
	local node

	LAB_WATCHERS=()
	LAB_WATCH=$((${LAB_WATCH:-0} + 1))
	for node in "$@"; do
		: >"$LAB_DIR/$node/seen" # now, since the watcher empties it only when it begins
		lab_exec "$node" "$LAB_WATCHER" -g "watch$LAB_WATCH" -m $# -p "${LAB_PERIOD:-20}" -w 120 \
			>"$LAB_DIR/$node/seen" 2>&1 &
		LAB_WATCHERS[node]=$!
	done
	for node in "$@"; do
		lab_await test -s "$LAB_DIR/$node/seen" || {
			tap_note "the watcher on node $node does not start"
			return 1
		}
	done
}

# The first of the nodes says where in the order the recording ends.
lab_compare() {
	local name=$1 first=$2 node status=0

	shift
	kill -TERM "${LAB_WATCHERS[first]}"
	for node in "$@"; do
		LAB_PATIENCE=15 lab_await lab_ended "${LAB_WATCHERS[node]}"
		cmp -s "$LAB_DIR/$first/seen" "$LAB_DIR/$node/seen" || status=1
		[ -z "${LAB_KEEP:-}" ] || cp "$LAB_DIR/$node/seen" "$LAB_KEEP/$name.$node.seen"
	done
	grep -q '^end ' "$LAB_DIR/$first/seen" || status=1
	kill -KILL "${LAB_WATCHERS[@]}" 2>/dev/null
	wait "${LAB_WATCHERS[@]}" 2>/dev/null
	tap $status "$name: nodes $* saw the same" || for node in "$@"; do
		tap_note "node $node saw" "$(cat "$LAB_DIR/$node/seen")"
		tap_note "rings of node $node (${LAB_KINDS[node]})" "$(grep -h 'TOTEM' "$LAB_DIR/$node/log" | tail -n 40)"
	done
	return $status
}

lab_close() {
	local node

	if [ "$tap_failed" -gt 0 ]; then
		for node in "${LAB_NODES[@]}"; do
			tap_note "log of node $node (${LAB_KINDS[node]})" \
				"$(tail -n 25 "$LAB_DIR/$node/log" "$LAB_DIR/$node/out" 2>/dev/null)"
		done
	fi
	tap_end
}

lab_clean() {
	local node

	if [ -n "${LAB_KEEP:-}" ]; then
		for node in "${LAB_NODES[@]}"; do
			mkdir -p "$LAB_KEEP/$node"
			cp "$LAB_DIR/$node"/* "$LAB_KEEP/$node" 2>/dev/null
		done
	fi
	umount -l "$LAB_DIR" && rmdir "$LAB_DIR"
}
