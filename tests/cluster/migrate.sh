#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A whole cluster moves to Coterie and back, by the procedure of README.md, "Moving a cluster": migrate.sh SUITE. Three
# nodes of Debian run Corosync over encrypted knet, and Pacemaker. apt changes the packages of one node after the other.
# Quorum is never lost, no action fails, no node is fenced, and a resource moves only with its node. In the last round, where
# all nodes have Coterie, apt brings its next version under the running daemons, which start with it one after the other.
# Environment:
#
# MIGRATE_ROUNDS   round trips of the cluster: 1
# LAB_TRANSPORT    knet or udpu: knet; knet is encrypted
# and what tests/packages/roots.sh reads.
LAB_PATIENCE=${LAB_PATIENCE:-90}
LAB_TRANSPORT=${LAB_TRANSPORT:-knet}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/../packages/roots.sh"
rounds=${MIGRATE_ROUNDS:-1}
back=(corosync libcorosync-common4 libcfg7 libcmap4 libcpg4 libquorum5 libvotequorum8)

# The nodes of the lab reach no mirror, so all that they are going to install is fetched before.
download() {
	local recommended=(pacemaker-cli-utils)

	apt node update || return
	# The fencing agent of Pacemaker 3 needs it.
	! quietly inside node apt-cache show python3-pacemaker || recommended+=(python3-pacemaker)
	apt node install --no-install-recommends "${recommended[@]}" && apt node install --download-only coterie-compat-corosync &&
		apt node install --download-only --reinstall "${back[@]}"
}
if [ -z "${LAB_INSIDE:-}" ]; then
	roots_open "${MIGRATE_SUITE:-${1:-bookworm}}"
	tap_check "a node of $suite, and what it needs to change" layer_open node && tap_check "it has all" download || tap_end
	umount -R "$work/node"
	version=$(sed -n 's/^Version: //p' "$debs/Packages" | sort -u)
	tap_check "packages of the next version" newer "$version" "$work/next" || tap_end
	export MIGRATE_VERSION=$version+next MIGRATE_NEXT=$work/next
	export MIGRATE_LOWER=$work/.node/upper:$root MIGRATE_SUITE=$suite MIGRATE_DEBS=$debs MIGRATE_WORK=$work
	export MIGRATE_COUNT=$tap_count
fi
debs=${MIGRATE_DEBS:-}
tap_count=${MIGRATE_COUNT:-$tap_count}
lab_open corosync corosync corosync
trap 'lab_clean; umount -l "$MIGRATE_WORK"; rmdir "$MIGRATE_WORK"' EXIT
chmod 755 "$LAB_DIR"

# --- a node: its root, its daemons ---

on() {
	local node=$1

	shift
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" -r "$LAB_DIR/$node/root" "$@" </dev/null
}
node_config() {
	local peer

	printf '%s\n' 'totem {' 'version: 2' 'cluster_name: lab' "transport: $LAB_TRANSPORT"
	[ "$LAB_TRANSPORT" != knet ] || printf '%s\n' 'crypto_cipher: aes256' 'crypto_hash: sha256'
	printf '%s\n' '}' 'system {' 'sched_rr: no' '}' 'quorum {' 'provider: corosync_votequorum' '}' 'logging {' \
		'to_stderr: no' 'to_syslog: no' 'to_logfile: yes' 'logfile: /var/log/corosync/corosync.log' 'timestamp: hires' '}' \
		'nodelist {'
	for peer in "${LAB_NODES[@]}"; do
		printf '%s\n' 'node {' "ring0_addr: $(lab_address "$peer")" "nodeid: $peer" "name: node$peer" '}'
	done
	echo '}'
}
# node_open NODE: in the mount namespace of the node.
node_open() {
	local node=$1 top=$LAB_DIR/$1/root

	mkdir -p "$top" "$LAB_DIR/$node/upper" "$LAB_DIR/$node/work"
	export -f layer_devices
	export debs
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" bash -c 'mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" \
		overlay "$2/root" && layer_devices "$2/root" && mount -t tmpfs -o mode=755 run "$2/root/run" && mkdir -p "$2/root/run/lock"' \
		- "$MIGRATE_LOWER" "$LAB_DIR/$node" 9>&- || return
	node_config "$node" | on_write "$node" /etc/corosync/corosync.conf
	on_write "$node" /etc/corosync/authkey <"$LAB_DIR/key"
	on "$node" sh -c 'chmod 400 /etc/corosync/authkey; mkdir -p /run/crm /run/resource-agents
		chown hacluster:haclient /run/crm; chmod 750 /run/crm'
}
# on_write NODE PATH: standard input into a file of the node.
on_write() { "$LAB_ENTER" "${LAB_HOLDERS[$1]}" tee "$LAB_DIR/$1/root$2" >/dev/null; }

is_ours() { [ "$(on "$1" readlink -f /usr/sbin/corosync)" = /usr/sbin/coterie ]; }
# launch NODE NAME COMMAND...: as the unit of that name would; its process is in the node's folder.
launch() {
	local node=$1 name=$2

	shift 2
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" -r "$LAB_DIR/$node/root" -s "$@" >>"$LAB_DIR/$node/$name.out" 2>&1 </dev/null &
	echo $! >"$LAB_DIR/$node/$name.pid"
}
# As systemctl start corosync pacemaker.
node_start() {
	if is_ours "$1"; then
		on "$1" sh -c 'for folder in /run/coterie /var/log/corosync; do
			mkdir -p $folder && chown -R coterie:coterie $folder
		done'
		launch "$1" cluster /usr/sbin/coterie -f --user coterie
	else
		launch "$1" cluster /usr/sbin/corosync -f
	fi
	lab_await on "$1" corosync-quorumtool -s >/dev/null 2>&1
	launch "$1" pacemaker env PCMK_logfacility=none pacemakerd
}
# As systemctl stop pacemaker corosync.
node_stop() {
	local name pid status

	for name in pacemaker cluster; do
		pid=$(cat "$LAB_DIR/$1/$name.pid")
		kill -TERM "$pid" && timeout 120 tail --pid="$pid" -f /dev/null
		wait "$pid"
		status=$?
		[ $status -eq 0 ] || { echo "$name of node $1 stops with status $status" && return 1; }
	done
}

# --- the cluster ---

# crm NODE: what Pacemaker knows.
crm() { on "$1" crm_mon -1 --exclude=all --include=nodes,resources,failures,fencing-failed,fencing-pending 2>&1; }
all_online() {
	local node

	for node in "${LAB_NODES[@]}"; do
		crm "$node" | grep -q 'Online: \[ node1 node2 node3 \]' || return
	done
}
all_started() { [ "$(crm 1 | grep -c 'Started node')" -eq "$resources" ]; }
configure_cib() {
	local id xml='' fencing=false

	for id in 1 2 3; do
		xml+="<primitive id='dummy$id' class='ocf' provider='pacemaker' type='Dummy'><operations>
			<op id='dummy$id-monitor' name='monitor' interval='5s' timeout='60s'/></operations></primitive>"
	done
	resources=3
	if on 1 stonith_admin --list-installed 2>/dev/null | grep -qx ' *null'; then
		fencing=true
		resources=4
		xml+="<primitive id='fence' class='stonith' type='null'><instance_attributes id='fence-options'>
			<nvpair id='fence-hosts' name='hostlist' value='node1 node2 node3'/></instance_attributes></primitive>"
	fi
	echo "fencing: $fencing"
	on 1 crm_attribute --type crm_config --name stonith-enabled --update $fencing &&
		on 1 crm_attribute --type rsc_defaults --name resource-stickiness --update 1000 &&
		on 1 cibadmin --replace -o resources -X "<resources>$xml</resources>"
}

# Writes one line for each look at the cluster from a node that is not being moved. The fields are the node that is being
# moved (0: none), the node that looks, whether it is quorate, the number of failures, and the place of each resource.
watch_cluster() {
	local node moved view

	while true; do
		for node in "${LAB_NODES[@]}"; do
			moved=$(cat "$LAB_DIR/moved")
			[ "$node" != "$moved" ] || continue
			view=$(crm "$node")
			# A node that began to move meanwhile says nothing.
			[ "$moved" = "$(cat "$LAB_DIR/moved")" ] || continue
			printf '%s %s %s %s %s\n' "$moved" "$node" \
				"$(on "$node" corosync-quorumtool -s 2>&1 | sed -n 's/^Quorate: *//p')" \
				"$(grep -cE 'Failed (Resource|Fencing)|Pending Fencing|FAILED|UNCLEAN|BLOCKED|blocked' <<<"$view")" \
				"$(sed -nE 's/.*[[:space:]](dummy[0-9]|fence)[[:space:]].*:[[:space:]]*([A-Z][a-z]+ ?(node[0-9])?).*/\1=\2/p' \
					<<<"$view" | sed 's/ //' | paste -sd' ')"
		done
		sleep 0.5
	done >>"$LAB_DIR/looks"
}
# Lines of all logs that tell of fencing, lost quorum or failed actions.
troubles() {
	local node

	for node in "${LAB_NODES[@]}"; do
		on "$node" grep -rhE 'targeting node|[Rr]equesting .*fencing|is unclean|Quorum lost|Result of .* (error|failed|Timed Out)|non-primary|Lost connection' \
			/var/log/pacemaker /var/log/corosync | grep -v 'is unclean because it is partially and/or un-expectedly down.*shutdown'
	done
}
# Places that changed although the node there was not the one that moved.
strays() {
	awk '{
		for (i = 5; i <= NF; i++) {
			split($i, part, "=")
			if (part[2] !~ /^Startednode[0-9]$/)
				continue
			if ((part[1] in place) && place[part[1]] != part[2] && place[part[1]] != "Startednode" $1)
				print "line " NR ": " part[1] " from " place[part[1]] " to " part[2] " while node " $1 " moves"
			place[part[1]] = part[2]
		}
	}' "$LAB_DIR/looks"
}

# restart NODE [COMMAND...]: it leaves the cluster, the command runs, and it comes back.
restart() {
	local node=$1

	shift
	echo "$node" >"$LAB_DIR/moved"
	node_stop "$node" || return
	[ $# -eq 0 ] || on "$node" "$@" >"$LAB_DIR/$node/apt" 2>&1 || {
		tail -n 30 "$LAB_DIR/$node/apt"
		return 1
	}
	node_start "$node"
	lab_await all_online || { crm "$node" && return 1; }
	lab_await all_started || { crm "$node" && return 1; }
	sleep 1
	echo 0 >"$LAB_DIR/moved"
}
# move NODE PACKAGE...: the procedure for one node.
move() {
	local node=$1

	shift
	restart "$node" apt-get -y -q -o APT::Sandbox::User=root install "$@"
}

daemons() { cat "$LAB_DIR/$1/cluster.pid" "$LAB_DIR/$1/pacemaker.pid"; }
# upgrade NODE: by apt, while Coterie and Pacemaker run.
upgrade() {
	local node=$1 names

	on "$node" mkdir -p /next
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" mount --bind "$MIGRATE_NEXT" "$LAB_DIR/$node/root/next" || return
	mapfile -t names < <(on "$node" dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' '*coterie*' | sed -n 's/^ii *//p')
	# shellcheck disable=SC2016 # of the inner shell
	on "$node" sh -c 'for name; do set -- "$@" /next/"$name"_*.deb; shift; done
		exec apt-get -y -q -o APT::Sandbox::User=root install "$@"' sh "${names[@]}" >"$LAB_DIR/$node/apt" 2>&1 || {
		tail -n 30 "$LAB_DIR/$node/apt"
		return 1
	}
	[ "$(on "$node" dpkg-query -W -f '${Version}\n' "${names[@]}" | sort -u)" = "$MIGRATE_VERSION" ]
}
# runs_on NODE: neither daemon has ended, and the cluster is whole.
runs_on() { daemons "$1" | xargs kill -0 && all_online && all_started; }
# upgrade_all: the new version comes to all nodes while each goes on, then each starts with it.
upgrade_all() {
	local node

	for node in "${LAB_NODES[@]}"; do
		upgrade "$node" >"$LAB_DIR/said" 2>&1
		tap $? "node $node has the next version" || { tap_note "$(cat "$LAB_DIR/said")" && return; }
		runs_on "$node" >"$LAB_DIR/said" 2>&1
		tap $? "node $node goes on" || { tap_note "$(cat "$LAB_DIR/said")" && return; }
	done
	for node in "${LAB_NODES[@]}"; do
		restart "$node" >"$LAB_DIR/said" 2>&1
		tap $? "node $node starts with the next version" || { tap_note "$(cat "$LAB_DIR/said")" && return; }
	done
}

head -c 256 /dev/urandom >"$LAB_DIR/key"
for node in "${LAB_NODES[@]}"; do
	tap_check "node $node is there" node_open "$node" || tap_end
done
tap_note "$(on 1 dpkg-query -W -f '${Package} ${Version}\n' corosync pacemaker | paste -sd,)"
export DEBIAN_FRONTEND=noninteractive
for node in "${LAB_NODES[@]}"; do
	node_start "$node"
done
lab_await all_online
tap $? "Corosync and Pacemaker run on three nodes over $LAB_TRANSPORT" || tap_note "$(crm 1)"
configure_cib >"$LAB_DIR/said" 2>&1
tap $? "three resources"
tap_note "$(cat "$LAB_DIR/said")"
lab_await all_started
tap $? "they are started" || tap_note "$(crm 1)"
echo 0 >"$LAB_DIR/moved"
watch_cluster &
watcher=$!
for ((round = 1; round <= rounds && tap_failed == 0; round++)); do
	began=$SECONDS
	for node in "${LAB_NODES[@]}"; do
		move "$node" coterie-compat-corosync >"$LAB_DIR/said" 2>&1
		tap $? "round $round: node $node moves to Coterie" || { tap_note "$(cat "$LAB_DIR/said")" && break; }
		is_ours "$node" || tap 1 "it is Coterie"
	done
	[ "$round" -ne "$rounds" ] || [ "$tap_failed" -ne 0 ] || upgrade_all
	[ "$tap_failed" -eq 0 ] || break
	for node in "${LAB_NODES[@]}"; do
		move "$node" "${back[@]}" >"$LAB_DIR/said" 2>&1
		tap $? "round $round: node $node moves to Corosync" || { tap_note "$(cat "$LAB_DIR/said")" && break; }
		! is_ours "$node" || tap 1 "it is Corosync"
	done
	tap_note "round $round: $((SECONDS - began)) s"
done
kill $watcher
wait $watcher 2>/dev/null
tap_note "$(wc -l <"$LAB_DIR/looks") looks at the cluster, $(strays | wc -l) strays," \
	"$(cut -d ' ' -f 5- "$LAB_DIR/looks" | uniq | wc -l) changes of places"
test -z "$(awk '$3 != "Yes"' "$LAB_DIR/looks")"
tap $? "quorum is never lost" || tap_note "$(awk '$3 != "Yes"' "$LAB_DIR/looks" | head -n 20)"
test -z "$(awk '$4 != 0' "$LAB_DIR/looks")"
tap $? "no action fails, no fencing" || tap_note "$(awk '$4 != 0' "$LAB_DIR/looks" | head -n 20)"
test -z "$(strays)"
tap $? "a resource moves only with its node" || tap_note "$(strays | head -n 20)"
test -z "$(troubles)"
tap $? "the logs tell of no trouble" || tap_note "$(troubles | head -n 20)"
test -z "$(on 1 stonith_admin --history '*' 2>&1 | grep -iE 'reboot|off')"
tap $? "the fencing history is empty" || tap_note "$(on 1 stonith_admin --history '*')"
[ "$tap_failed" -eq 0 ] || for node in "${LAB_NODES[@]}"; do
	tap_note "node $node" "$(tail -n 20 "$LAB_DIR/$node/cluster.out" "$LAB_DIR/$node/pacemaker.out")" \
		"$(on "$node" tail -n 30 /var/log/corosync/corosync.log /var/log/pacemaker/pacemaker.log)"
done
for node in "${LAB_NODES[@]}"; do
	node_stop "$node" >/dev/null
done
tap_end
