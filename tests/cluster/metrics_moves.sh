#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The documents and events of the plugin metrics follow changes of rings, messages, groups, reloads, plugins and
# pauses.
# shellcheck source=tests/cluster/metrics_lab.sh
. "$(dirname "$0")/metrics_lab.sh"

changes() { echo "coterie_ring_changes_total{reason=\"$1\"}"; }
reloads() { echo "coterie_config_reload_total{result=\"$1\"}"; }
plugins() { echo "coterie_plugin_events_total{name=\"$1\",event=\"$2\"}"; }
received() { echo "coterie_messages_received_total{source=\"$1\"}"; }
agreed='coterie_delivery_latency_seconds_count{guarantee="agreed"}'
formed=coterie_ring_formation_seconds_count

# Somebody whom no key permits.
denied_client() {
	lab_in 2 setpriv --reuid 65534 --regid 65534 --clear-groups "$ctl" status >/dev/null 2>&1
	await_more 2 0 coterie_ipc_denied_total
}

shows_rotation() { lab_in 2 "$ctl" rings | grep -Eqx 'Rotation  p50 [0-9]+ us, p99 [0-9]+ us, max [0-9]+ us, of [1-9][0-9]*'; }
# p50 <= p99 <= max, and the buckets are cumulated.
rotation_fits() {
	lab_in 2 "$ctl" rings --json | python3 -c '
import json, sys
rotation = json.load(sys.stdin)["data"]["rotation_us"]
counts = [bucket["count"] for bucket in rotation["buckets"]]
assert counts == sorted(counts) and counts[-1] == rotation["count"] > 0, rotation
assert rotation["buckets"][-1]["le"] == "+Inf" and rotation["sum"] >= rotation["max"] > 0, rotation'
}
# By nodes 2 and 3: who misses it first tells the other, who then only sees somebody leave.
tokens_lost() { echo $(($(await_sum 2 "$(changes token_lost)") + $(await_sum 3 "$(changes token_lost)"))); }
# Of node 2.
refused() { ! lab_in 2 "$ctl" "$@" >/dev/null 2>&1; }

lab_open coterie coterie coterie
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
if ! lab_in 1 "$ctl" --version >/dev/null 2>&1; then
	tap_note "coterie-ctl is built without json-c"
	lab_close
fi

follow 2
tap_check "the first ring had a start" await_is 2 1 "$(changes start)"
tap_check "rings were timed" await_more 2 0 $formed
tap_check "so was the token" await_more 2 0 coterie_token_rotation_seconds_count
tap_check "and how long it was kept" await_more 2 0 coterie_token_hold_seconds_count
tap_check "and what was due" await_more 2 0 coterie_scheduler_delay_seconds_count
tap_check "rings tells how long the token takes" shows_rotation
tap_check "JSON as well" rotation_fits

before=$(await_sum 2 "$agreed")
first=$(await_sum 2 "$(received 1)")
third=$(await_sum 2 "$(received 3)")
lab_traffic "messages" 1000 1 2 3
tap_check "messages were timed" await_more 2 "$before" "$agreed"
tap_check "frames of node 1 arrived" await_more 2 "$first" "$(received 1)"
tap_check "and of node 3" await_more 2 "$third" "$(received 3)"
tap_check "no group" await_is 2 0 coterie_cpg_groups
lab_watch 1 2 3
tap_check "a group" await_is 2 1 coterie_cpg_groups
tap_check "its members" is 2 3 coterie_cpg_members
lab_compare "the group" 1 2 3

tap_check "a reload of the same file" lab_in 1 "$ctl" reload
tap_check "changes nothing" await_is 2 1 "$(reloads unchanged)"
sed -i 's/token_coefficient: 0/&\n token_warning: 60/' "$LAB_DIR"/[123]/corosync.conf
tap_check "a reload of another" lab_in 1 "$ctl" reload
tap_check "is applied" await_is 2 1 "$(reloads applied)"
tap_check "and an event" heard 2 '"event":"reload","data":{"result":"applied"}'
sed -i 's/token: [0-9]*/token: many/' "$LAB_DIR/2/corosync.conf"
tap_check "one bad file" refused reload
tap_check "is refused where it is" await_is 2 1 "$(reloads refused)"
tap_check "and not elsewhere" await_is 3 0 "$(reloads refused)"
sed -i "s/token: many/token: $LAB_TOKEN/" "$LAB_DIR/2/corosync.conf"

tap_check "a plugin is loaded" lab_in 2 "$ctl" plugin load mon
tap_check "that counts" await_is 2 1 "$(plugins mon load)"
tap_check "it is unloaded" lab_in 2 "$ctl" plugin unload mon
tap_check "that, too" await_is 2 1 "$(plugins mon unload)"
tap_check "an option that it does not have" refused plugin load mon nothing=1
tap_check "makes it fail" await_is 2 1 "$(plugins mon fail)"
for state in loaded unloaded failed; do
	tap_check "events of plugins: $state" heard 2 "\"event\":\"plugin\",\"data\":{\"name\":\"mon\",\"state\":\"$state\"}"
done
if setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	tap_check "a client that may not come in" denied_client
else
	tap_note "this user cannot become another: nobody is kept out"
fi

before=$(tokens_lost)
warned=$(await_sum 2 coterie_token_warnings_total)
again=$(await_sum 3 coterie_token_retransmits_total)
lab_pause 1
tap_check "a node that is paused: a ring of two" lab_ring 2 2 3
lab_resume 1
tap_check "it comes back" lab_ring 3 1 2 3
tap_check "the token was lost" [ "$(tokens_lost)" -gt "$before" ]
tap_check "of which there was a warning" await_more 2 "$warned" coterie_token_warnings_total
tap_check "it was sent again" await_more 3 "$again" coterie_token_retransmits_total
tap_check "who was paused was late" await_more 1 0 coterie_scheduler_late_total
tap_check "and says so" await_more 1 0 'coterie_log_lines_total{level="warning"}'

before=$(await_sum 2 "$(changes leave)" "$(changes token_lost)")
rings=$(await_sum 2 $formed)
lab_kill 3
tap_check "a ring of two" lab_ring 2 1 2
tap_check "events: a member left" heard 2 '"event":"membership","data":{"id":3,"state":"left"}'
tap_check "events: the ring is another" heard 2 '"members":[1,2],"joined":[],"left":[3]'
tap_check "events: what that is for the quorum" heard 2 '"event":"quorum","data":{"quorate":true,'
tap_check "events: its link is down" heard 2 '"event":"link","data":{"id":3,"link":0,"state":"down"}'
tap_check "a member left" await_more 2 "$before" "$(changes leave)" "$(changes token_lost)"
tap_check "the new ring was timed" await_more 2 "$rings" $formed
before=$(await_sum 2 "$(changes join)" "$(changes merge)")
lab_start 3
tap_check "a ring of three" lab_ring 3 1 2 3
tap_check "a member joined" await_more 2 "$before" "$(changes join)" "$(changes merge)"
tap_check "events: a member is back" heard 2 '"event":"membership","data":{"id":3,"state":"joined"}'
tap_check "events: its link is up" heard 2 '"event":"link","data":{"id":3,"link":0,"state":"up"}'
tap_check "it is new itself" await_is 3 1 "$(changes start)"
before=$(await_sum 2 "$(changes leave)")
lab_stop 3
tap_check "a member says that it goes" await_more 2 "$before" "$(changes leave)"
tap_check "it is still OpenMetrics" check 2 page
tap_check "events are as the schema wants" events_fit 2
lab_stop 1 2
tap $? "a clean end"
tap_check "without leaks" eval "! grep Leak '$LAB_DIR'/[123]/log"
lab_close
