#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The plugin metrics on three nodes. Checks its documents, that coterie-ctl prints the same, and that hostile
# clients do not disturb the ring.
# shellcheck source=tests/cluster/metrics_lab.sh
. "$(dirname "$0")/metrics_lab.sh"

prints_the_same() {
	lab_in 2 "$ctl" metrics >"$LAB_DIR/2/printed" && check 2 printed &&
		python3 "$checker" same "$LAB_DIR/2/page" "$LAB_DIR/2/printed" 'coterie_ipc_|coterie_flow_'
}

# Each metric of the alert rules is a sample of the page.
rules_fit() {
	local name missing=() names

	mapfile -t names < <(grep -v annotations "$LAB_HERE/../../plugins/metrics/alerts.yml" |
		grep -o 'coterie_[a-z_]*' | sort -u)
	for name in "${names[@]}"; do
		grep -q "^${name}[{ ]" "$LAB_DIR/2/page" || missing+=("$name")
	done
	[ ${#names[@]} -gt 5 ] && [ ${#missing[@]} -eq 0 ] && return
	echo "of ${#names[@]} not there: ${missing[*]}"
	return 1
}

# Each path of an answer that the man page names is served.
manual_fits() {
	local path paths

	mapfile -t paths < <(grep -o '/api/v1/[a-z][a-z/]*' "$LAB_HERE/../../plugins/metrics/man/coterie-metrics.7" | sort -u)
	for path in "${paths[@]}"; do
		fetch 2 "$path" && said 2 '200 application/json' || return
	done
	[ ${#paths[@]} -gt 1 ]
}

# Two hundred at a time: some silent, some that read nothing, some that talk rubbish.
besiege() {
	lab_in 1 -t 20 python3 - <<-'PYTHON'
		import os, socket, time
		end = time.monotonic() + 4
		words = [b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
		         b"GET /api/v1/rings HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(4000),
		         b"GET /metrics HTTP/1.1\r\nA: " + b"a" * 20000, b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"]
		held = []
		while time.monotonic() < end:
		    try:
		        client = socket.create_connection(("127.0.0.1", 9890), timeout=0.2)
		        client.setblocking(False)
		        client.send(words[len(held) % len(words)])
		    except OSError:
		        pass
		    held.append(client)
		    if len(held) > 200:
		        held.pop(0).close()
	PYTHON
}
gathers() {
	lab_in 2 "$ctl" metrics >"$LAB_DIR/2/printed"
	python3 "$checker" value "$LAB_DIR/2/printed" 'coterie_ring_state_entered_total{state="gather"}'
}

lab_open coterie coterie coterie
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
if ! lab_in 1 "$ctl" --version >/dev/null 2>&1; then
	tap_note "coterie-ctl is built without json-c"
	lab_close
fi

tap_check "a page" fetch 2 /metrics
tap_check "its type" said 2 '200 application/openmetrics-text; version=1.0.0; charset=utf-8'
tap_check "it is OpenMetrics" check 2 page
tap_check "coterie-ctl prints the same" prints_the_same
tap_check "a reload" lab_in 2 "$ctl" reload
tap_check "changed nothing" await_is 2 1 'coterie_config_reload_total{result="unchanged"}'
tap_check "all families, but for those of knet and of quorum devices" python3 "$checker" whole "$LAB_DIR/2/page" \
	'coterie_(qdevice_|link_(latency|transitions|packets|bytes|errors|retries)|crypto_|compress_)'
tap_check "three members" is 2 3 coterie_ring_members
tap_check "three votes" is 2 3 'coterie_quorum_votes{type="total"}'
tap_check "one to spare" is 2 1 coterie_quorum_votes_spare
tap_check "a link to each" is 2 1 'coterie_link_up{node_id="3",node="node3",link="0"}'
tap_check "the version of the config" is 2 3 coterie_config_version
tap_check "the alert rules are about what there is" rules_fit
tap_check "the older format" fetch 2 /metrics text/plain
tap_check "its type" said 2 '200 text/plain; version=0.0.4; charset=utf-8'
tap_check "health" fetch 2 /healthz
tap_check "it is well" said 2 '200 .*'
for command in status members quorum rings "plugin list" clients; do
	# shellcheck disable=SC2086 # words
	tap_check "answers of $command" answers 2 $command
done

tap_check "the paths of the man page" manual_fits
tap_check "the page for people" page_fits 2

before=$(gathers)
besiege &
lab_traffic "hostile clients" 1000 1 2 3
wait $!
tap_check "the ring has not noticed" [ "$before" = "$(gathers)" ]
tap_check "they are gone after their time" await_is 1 3 coterie_ring_members

lab_kill 3
tap_check "a ring of two" lab_ring 2 1 2
tap_check "one is missing" await_is 2 0 'coterie_member{node_id="3",node="node3"}'
tap_check "no vote to spare" is 2 0 coterie_quorum_votes_spare
tap_check "quorate" is 2 1 coterie_quorate
lab_kill 1
tap_check "not quorate" await_is 2 0 coterie_quorate
tap_check "health" fetch 2 /healthz
tap_check "it is not well" said 2 '503 .*'
for command in status members quorum rings; do
	# shellcheck disable=SC2086 # words
	tap_check "answers of $command, alone" answers 2 $command
done
lab_stop 2
tap $? "a clean end"
if [ -e "$LAB_BUILD/knet.la" ]; then
	LAB_TRANSPORT=knet
	lab_configure
	lab_start 1 2 3
	tap_check "a ring of three on knet" lab_ring 3 1 2 3
	tap_check "a reload" lab_in 2 "$ctl" reload
	tap_check "changed nothing" await_is 2 1 'coterie_config_reload_total{result="unchanged"}'
	tap_check "all families, but for those of quorum devices" python3 "$checker" whole "$LAB_DIR/2/page" \
		'coterie_qdevice_'
	lab_stop 1 2 3
	tap $? "a clean end"
fi
tap_check "without leaks" eval "! grep Leak '$LAB_DIR/2/log'"
lab_close
