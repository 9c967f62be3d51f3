#!/bin/bash
# An encrypted cluster of three from empty folders by commands alone: cluster create, then under load a fourth node, one
# removed, the key rotated, a link added. A failure at any step leaves all nodes as they were.
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"
# shellcheck source=tests/cluster/commands_lab.sh
. "$(dirname "$0")/commands_lab.sh"

creates() {
	tap_check "a dry run" ends 0 1 cluster create prod a=10.0.0.1 b=10.0.0.2 c=10.0.0.3 --dry-run --start
	cat "$LAB_DIR/said" | sed 's/^/# /'
	tap_check "cluster create" ends 0 1 cluster create prod a=10.0.0.1 b=10.0.0.2 c=10.0.0.3 --start
	cat "$LAB_DIR/said" | sed 's/^/# /'
	lab_ring 3 1 2 3
	tap $? "one ring of three"
}

commands_open 4
creates
for node in 1 2 3 4; do
	tap_note "$(on $node find $COMMANDS_CONFIG $COMMANDS_STATE -ls)"
done
ctl 1 status; tap_note "$(cat $LAB_DIR/said)"
ctl 1 key status; tap_note "$(cat $LAB_DIR/said)"
lab_close
