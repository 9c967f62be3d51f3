#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Options that `coterie-ctl plugin load` gives to a service. They are spelled as in coterie.conf or with '_'. They come before
# those of the file, also after a reload, and are shown with their origin as long as the service is loaded.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

ctl=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$LAB_BUILD/tools/coterie-ctl
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"
[ -e "$LAB_BUILD/kv.la" ] || tap_skip "no plugin kv"

lab_open coterie
# shellcheck disable=SC2034 # read by lab.sh
LAB_FILES[1]=coterie.conf
write_config() { # LINE...
	cat >"$LAB_DIR/1/coterie.conf" <<-CONFIG
		transport udpu { encryption = none }
		node node1 { id = 1  address = 10.0.0.1 }
		process { realtime = no  lock-memory = no  state-dir = "$LAB_DIR/1/state" }
		log { stderr = no  syslog = no  file = "$LAB_DIR/1/log" }
		$(printf '%s\n' "$@")
	CONFIG
}
run() { lab_in 1 "$ctl" "$@" 2>&1; }
# shows TEXT: of all options of kv; "" for none.
shows() {
	local output

	output=$(run config show --effective service.kv | sed -n 's/^service.kv.\([a-z_]*\) (str) = \(.*\), change.*/\1 \2/p')
	[ "$output" = "$1" ] || {
		echo "'$output' instead of '$1'"
		return 1
	}
}
load() { # OPTION...
	run plugin unload kv
	run plugin load kv "$@"
}
refused() {
	! run plugin load kv "$1" && run plugin load kv "$1" | grep -q "$2"
}
not_replaced() { run plugin replace kv | grep -q "is the file that runs already"; }
no_error() {
	grep -q "notice .*Plugin 'kv' is not replaced" "$LAB_DIR/1/log" && ! grep 'error .*SERV' "$LAB_DIR/1/log"
}

write_config
lab_start 1
tap_check "a ring" lab_ring 1 1 || lab_close
tap_check "no option is shown" shows ""
tap_check "an option in the spelling of the file" load bytes-max=2M
tap_check "it is shown with its origin" shows "bytes_max 2M  [plugin load"
tap_check "--json has it, too" grep -q '"source":"plugin load"' <(run --format=jsonl config get service.kv.bytes_max)
tap_check "the other spelling" load bytes_max=3M
tap_check "it is shown, too" shows "bytes_max 3M  [plugin load"
write_config 'service kv { bytes-max = 4194304 }'
tap_check "a reload of a file with another value" run reload
tap_check "shows what is in effect" shows "bytes_max 3M  [plugin load"
# The operator's mistake is no error of the daemon.
tap_check "a replacement without a new file is refused" not_replaced
tap_check "which is no error in the log" no_error
tap_check "loaded without options" load
tap_check "it has the file's" shows "bytes_max 4194304  [coterie.conf:5"
tap_check "without kv" run plugin unload kv
tap_check "an unknown option is refused" refused bytes-mx=5 "did you mean 'bytes_max'"
tap_check "the file's stay" shows "bytes_max 4194304  [coterie.conf:5"
lab_stop 1
tap $? "it stops with status 0"
lab_close
