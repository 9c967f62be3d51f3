# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # read by lab.sh
# Nodes that serve metrics: source it in place of lab.sh.
#
#	fetch NODE PATH [ACCEPT]    the page goes to NODE/page, status and type to NODE/said
#	said NODE WORDS             it was this line
#	check NODE FILE             NODE/FILE is OpenMetrics
#	value NODE SAMPLE           of the page that was fetched last
#	is NODE VALUE SAMPLE        it is that
#	await_is NODE VALUE SAMPLE  until it is, in pages that are fetched anew
#	await_more NODE THAN SAMPLE...  until the sum of these samples is larger
#	await_sum NODE SAMPLE...    that sum, of a page that is fetched anew
#	follow NODE                 what /events says goes to NODE/events from now on, until the node is stopped
#	heard NODE WORDS            until an event has them
#	events_fit NODE             all of them are as the schema wants
#	page_fits NODE              the page for people loads nothing from elsewhere, runs nothing but its own, finds its paths
#	answers NODE COMMAND...     /api/v1 has what coterie-ctl says of it, and the schema accepts it
#
# $checker is openmetrics.py, $ctl coterie-ctl.

# The section totem ends here. The brace that follows in the file ends service.
LAB_TOTEM="config_version: 3
	}
		quorum {
			provider: corosync_votequorum
		}
		service {
			name: metrics
			listen: 127.0.0.1
			port: 9890
			timeout: 2000
			interval: 100"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

checker=$LAB_HERE/../openmetrics.py
schemas=$LAB_HERE/../interop/schema
ctl=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$LAB_BUILD/tools/coterie-ctl
command -v python3 >/dev/null || tap_skip "no python3"
[ -e "$LAB_BUILD/metrics.la" ] || tap_skip "the plugin metrics is not built (no libmicrohttpd)"

fetch() {
	lab_in "$1" python3 - "$2" "$LAB_DIR/$1/page" "${3-}" >"$LAB_DIR/$1/said" <<-'PYTHON'
		import sys, urllib.error, urllib.request
		request = urllib.request.Request("http://127.0.0.1:9890" + sys.argv[1])
		if sys.argv[3]:
		    request.add_header("Accept", sys.argv[3])
		try:
		    answer = urllib.request.urlopen(request, timeout=10)
		except urllib.error.HTTPError as error:
		    answer = error
		print(answer.status, answer.headers["Content-Type"])
		open(sys.argv[2], "wb").write(answer.read())
	PYTHON
}
said() { grep -qx -- "$2" "$LAB_DIR/$1/said" || { cat "$LAB_DIR/$1/said" && return 1; }; }
check() { python3 "$checker" check "$LAB_DIR/$1/$2"; }

value() { python3 "$checker" value "$LAB_DIR/$1/page" "$2"; }
is() { [ "$(value "$1" "$3")" = "$2" ]; }
await_is() {
	local end=$((SECONDS + LAB_PATIENCE))

	until fetch "$1" /metrics && is "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}
total() {
	local node=$1 sample

	for sample in "${@:2}"; do
		value "$node" "$sample"
	done | awk '{ sum += $1 } END { printf "%d\n", sum }'
}
await_sum() { fetch "$1" /metrics && total "$@"; }
await_more() {
	local node=$1 than=$2 end=$((SECONDS + LAB_PATIENCE)) now

	shift 2
	until now=$(await_sum "$node" "$@") && [ "$now" -gt "$than" ]; do
		if [ $SECONDS -ge $end ]; then
			tap_note "node $node: $* stays at ${now:-nothing}"
			return 1
		fi
		sleep 0.5
	done
}

answers() {
	local node=$1 path

	shift
	path=$(echo "$*" | tr ' ' /)
	fetch "$node" "/api/v1/$path" && said "$node" '200 application/json' || return
	lab_in "$node" "$ctl" --json "$@" >"$LAB_DIR/$node/answer"
	python3 - "$LAB_DIR/$node/page" "$LAB_DIR/$node/answer" "$schemas/coterie-ctl-1.schema.json" <<-'PYTHON'
		import json, sys
		served, told, schema = (json.load(open(name)) for name in sys.argv[1:4])
		try:
		    import jsonschema
		    jsonschema.Draft202012Validator(schema).validate(served)
		except ImportError:
		    pass
		# Leave out values that change, the version of this coterie-ctl, and answers of
		# other nodes.
		def is_this(value):
		    return isinstance(value, dict) and value.get("program", "").startswith("coterie")
		def plain(value):
		    if isinstance(value, list):
		        return [plain(one) for one in value if not is_this(one)]
		    if not isinstance(value, dict):
		        return value
		    return {key: plain(one) for key, one in value.items() if key not in
		            ("time", "uptime_s", "rotation_us", "retransmits", "latency_us", "peers_without", "hears") and
		            not (key == "clients" and isinstance(one, int))}
		if plain(served) != plain(told):
		    print(json.dumps(plain(served), sort_keys=True))
		    print(json.dumps(plain(told), sort_keys=True))
		    sys.exit(1)
	PYTHON
}

follow() {
	lab_in "$1" python3 -u - >"$LAB_DIR/$1/events" <<-'PYTHON' &
		import urllib.request
		for line in urllib.request.urlopen("http://127.0.0.1:9890/events", timeout=60):
		    if line.startswith(b"data: "):
		        print(line[6:].decode(), end="")
	PYTHON
}
heard() {
	lab_await grep -qF -- "$2" "$LAB_DIR/$1/events" || { tap_note "$(cat "$LAB_DIR/$1/events")" && return 1; }
}
events_fit() {
	python3 - "$schemas/coterie-events-1.schema.json" "$LAB_DIR/$1/events" <<-'PYTHON'
		import json, sys
		schema, events = json.load(open(sys.argv[1])), [json.loads(line) for line in open(sys.argv[2])]
		assert len(events) > 5
		try:
		    import jsonschema
		    for event in events:
		        jsonschema.Draft202012Validator(schema).validate(event)
		except ImportError:
		    pass
	PYTHON
}

page_fits() {
	lab_in "$1" python3 - <<-'PYTHON'
		import base64, hashlib, re, urllib.request
		base = "http://127.0.0.1:9890"
		answer = urllib.request.urlopen(base + "/", timeout=10)
		page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
		assert policy.startswith("default-src 'self'; ") and "unsafe" not in policy, policy
		for tag in "script", "style":
		    parts = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", page, re.S)
		    hashed = base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode()
		    assert len(parts) == 1 and f"{tag}-src 'sha256-{hashed}';" in policy, tag
		assert set(re.findall("https?://[^\"/]*", page)) <= {"http://www.w3.org"}
		assert not re.search(" (style|on[a-z]+)=|innerHTML|eval\\(", page)
		paths = set(re.findall("\"(/[a-z0-9/]+)\"", page)) - {"/api/"}
		assert {"/metrics", "/healthz", "/events", "/api/v1/status"} <= paths, paths
		for path in paths:
		    assert urllib.request.urlopen(base + path, timeout=10).status == 200, path
	PYTHON
}
