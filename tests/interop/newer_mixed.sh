#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Corosync 3.1.9 in one ring with coterie and 3.1.7: every start order at all message sizes, and loss, kill, pause, cut
# and stop of each node. NEWER_KINDS says of which daemons, NEWER_TRANSPORT on what (udp, udpu, knet, knet+crypto),
# NEWER_PLAY which play (order, faults). What is not said is played in all its values, one after the other.
# NEWER_LOGS=FOLDER keeps the results of each.
if [ -z "${NEWER_PLAY:-}" ]; then
	# shellcheck source=tests/tap.sh
	. "$(dirname "$0")/../tap.sh"
	# shellcheck source=tests/root13.sh
	. "$(dirname "$0")/../root13.sh"
	! root13_missing >/dev/null || tap_skip "$(root13_missing)"
	logs=${NEWER_LOGS:-$(mktemp -d)}
	mkdir -p "$logs"
	while IFS= read -r kinds; do
		for transport in ${NEWER_TRANSPORT:-udp udpu knet knet+crypto}; do
			for play in order faults; do
				log="$logs/${kinds// /.}.$transport.$play.tap"
				NEWER_KINDS=$kinds NEWER_TRANSPORT=$transport NEWER_PLAY=$play bash "$0" >"$log" 2>&1 &&
					grep -q '^1\.\.[1-9]' "$log"
				tap $? "$kinds, $transport, $play ($(grep -c '^ok' "$log") checks)" ||
					tap_note "$(grep -v '^ok' "$log")"
				grep 'issue 371' "$log"
			done
		done
	done <<<"${NEWER_KINDS:-coterie corosync13 corosync13
coterie coterie corosync13
coterie corosync corosync13}"
	[ -n "${NEWER_LOGS:-}" ] || rm -rf "$logs"
	tap_end
fi
case $NEWER_TRANSPORT in
knet+crypto)
	LAB_TRANSPORT=knet
	# shellcheck disable=SC2034 # lab.sh reads it
	LAB_ENCRYPTION=aes256-sha256
	;;
*) LAB_TRANSPORT=$NEWER_TRANSPORT ;;
esac
# A node that a busy machine holds up for a moment must not look like one that fails.
[ "$NEWER_PLAY" = faults ] || LAB_TOKEN=${LAB_TOKEN:-3000}
[ "$LAB_TRANSPORT" != knet ] || LAB_TOKEN=${LAB_TOKEN:-2000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/../cluster/faults.sh"

read -ra kinds <<<"$NEWER_KINDS"
"play_$NEWER_PLAY" "${kinds[@]}"
