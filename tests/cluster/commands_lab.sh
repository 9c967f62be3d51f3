# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Nodes that coterie-ctl reaches over ssh: source it after lab.sh.
#
#	commands_open COUNT      nodes as of knet_open, each with an empty config folder of its own and an sshd
#	ctl NODE WORD...         coterie-ctl on a node; what it prints is in the file said, too
#	said WORDS               whether the last one printed that
#	config_of NODE           path of its coterie.conf, as that node sees it
#	on NODE COMMAND...       a command in the namespaces of a node
#
# An sshd needs the rights of root to become the user. Without them, and with COMMANDS_SSHD=no, a command that enters the
# node's namespaces takes its place.

LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
[ -x "$LAB_CTL" ] || tap_skip "coterie-ctl is not built (no json-c)"

# The folders that the build was configured with.
commands_folder() {
	# shellcheck disable=SC2034 # prefix is what the others are made of
	local prefix sysconfdir localstatedir

	for name in prefix sysconfdir localstatedir; do
		eval "$name=$(sed -n "s/^$name = //p" "$LAB_BUILD/Makefile")"
	done
	case $1 in
	config) echo "$sysconfdir" ;;
	state) echo "$localstatedir/lib/coterie" ;;
	esac
}
COMMANDS_CONFIG=$(commands_folder config)
# shellcheck disable=SC2034 # for the scripts that source this
COMMANDS_STATE=$(commands_folder state)
[ "$COMMANDS_CONFIG" != /etc ] || tap_skip "the build's config folder is /etc"
[ -d "$COMMANDS_CONFIG" ] || tap_skip "there is no folder $COMMANDS_CONFIG to put another over"
COMMANDS_SSHD=${COMMANDS_SSHD:-yes}
[ -x /usr/sbin/sshd ] && command -v ssh ssh-keygen >/dev/null || COMMANDS_SSHD=no
[ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || COMMANDS_SSHD=no

on() { "$LAB_ENTER" "${LAB_HOLDERS[$1]}" "${@:2}"; }
config_of() { echo "$COMMANDS_CONFIG/coterie/coterie.conf"; }

# The programs that an installation has in its PATH.
commands_programs() {
	mkdir "$LAB_DIR/bin"
	lab_environment coterie
	{
		echo '#!/bin/sh'
		printf 'export %s\n' "${LAB_ENVIRONMENT[@]}"
		echo "exec $LAB_CTL \"\$@\""
	} >"$LAB_DIR/bin/coterie-ctl"
	chmod 755 "$LAB_DIR" "$LAB_DIR/bin" "$LAB_DIR/bin/coterie-ctl"
}

# The sessions have an empty home folder: what the start files of root's shell do, takes time and may wait for other sessions.
commands_sshd() {
	local node=$1

	cat >"$LAB_DIR/$node/sshd_config" <<-CONFIG
		ListenAddress 10.0.0.$node
		HostKey $LAB_DIR/hostkey
		AuthorizedKeysFile $LAB_DIR/userkey.pub
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		PermitRootLogin yes
		PidFile none
		SetEnv HOME=$LAB_DIR/home PATH=$LAB_DIR/bin:$PATH
	CONFIG
	on "$node" sh -c "mkdir -p -m 755 /run/sshd && exec /usr/sbin/sshd -D -E $LAB_DIR/$node/sshd.log \
		-f $LAB_DIR/$node/sshd_config" 9>&- &
}

# The stand-in: ssh HOST WORD...
commands_stand_in() {
	{
		echo '#!/bin/bash'
		# shellcheck disable=SC2016 # of that script
		echo 'node=${1##*.}; shift'
		printf 'holders=(0 %s)\n' "${LAB_HOLDERS[*]}"
		echo "exec nsenter -t \"\${holders[node]}\" -n -m env PATH=\"$LAB_DIR/bin:\$PATH\" \"\$@\""
	} >"$LAB_DIR/bin/stand-in"
	chmod 755 "$LAB_DIR/bin/stand-in"
	COMMANDS_SHELL=$LAB_DIR/bin/stand-in
}

commands_open() {
	local node kinds=()

	for ((node = 1; node <= $1; node++)); do
		kinds+=(coterie)
	done
	knet_open "${kinds[@]}"
	commands_programs
	for node in "${LAB_NODES[@]}"; do
		on "$node" mount -t tmpfs -o mode=755 lab "$COMMANDS_CONFIG"
		on "$node" mkdir -p "$COMMANDS_CONFIG/coterie/conf.d"
		# The lab needs short timers and a log of its own.
		on "$node" tee "$COMMANDS_CONFIG/coterie/conf.d/lab.conf" >/dev/null <<-CONFIG
			totem {
				token = ${LAB_TOKEN}ms
				token-per-node = 0
			}
			log {
				syslog = no
				stderr = no
				file = "$LAB_DIR/$node/log"
			}
			process {
				realtime = no
				lock-memory = no
			}
		CONFIG
	done
	if [ "$COMMANDS_SSHD" = yes ]; then
		mkdir "$LAB_DIR/home"
		ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/hostkey"
		ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/userkey"
		for node in "${LAB_NODES[@]}"; do
			commands_sshd "$node"
		done
		COMMANDS_SHELL="ssh -F none -i $LAB_DIR/userkey -o BatchMode=yes -o ConnectTimeout=10 -o LogLevel=ERROR"
		COMMANDS_SHELL+=" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
		# OpenSSH's own choice takes 0.14 s of a processor for each of a hundred connections, this one 0.02 s.
		COMMANDS_SHELL+=" -o KexAlgorithms=curve25519-sha256"
		for node in "${LAB_NODES[@]}"; do
			# shellcheck disable=SC2086 # words
			lab_await on 1 $COMMANDS_SHELL "10.0.0.$node" true 2>/dev/null || tap_note "no sshd on node $node"
		done
	else
		commands_stand_in
	fi
	tap_note "remote shell: ${COMMANDS_SHELL%% *}"
}

# ctl NODE WORD...: the status is the command's.
ctl() {
	local node=$1 status=0

	shift
	COTERIE_SSH=${COMMANDS_USED:-$COMMANDS_SHELL} lab_in "$node" timeout 170 "$LAB_CTL" "$@" >"$LAB_DIR/said" 2>&1 || status=$?
	return $status
}
said() { grep -q -- "$1" "$LAB_DIR/said"; }

# ends STATUS NODE WORD...
ends() {
	local want=$1 status=0

	shift
	ctl "$@" || status=$?
	[ $status -eq "$want" ] || {
		echo "status $status: $(cat "$LAB_DIR/said")"
		return 1
	}
}
