#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# coterie-ctl --nodes and members --matrix: three of our nodes and one of Corosync's, which cannot be asked, as cannot one
# that is down or has no service control. What one node tells of another is what that one tells of itself.
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
[ -x "$LAB_CTL" ] && "$LAB_CTL" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
schema=$LAB_HERE/../interop/schema/coterie-ctl-1.schema.json
lab_open coterie coterie coterie corosync
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n\texpected_votes: 4\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

# ask STATUS NODE WORD...: what the tool says there, in $LAB_DIR/told, and complains of.
ask() {
	local want=$1 node=$2

	shift 2
	lab_in "$node" timeout 20 "$LAB_CTL" "$@" >"$LAB_DIR/told" 2>"$LAB_DIR/complained"
	local status=$?
	[ $status -eq "$want" ] && return
	echo "exit status $status, not $want" && cat "$LAB_DIR/told" "$LAB_DIR/complained" && return 1
}
# documents STATUS NODE EXPRESSION WORD...: they are as the schema has it, and the expression over the list d holds.
documents() {
	local want=$1 node=$2 expression=$3

	shift 3
	ask "$want" "$node" --format=jsonl "$@" || return
	python3 - "$schema" "$LAB_DIR/told" "$expression" <<-'PYTHON'
		import json, sys
		d = [json.loads(line) for line in open(sys.argv[2])]
		try:
		    import jsonschema
		    for one in d:
		        jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(one)
		except ImportError:
		    pass
		if not eval(f"({sys.argv[3]})"):
		    sys.exit(json.dumps(d, indent=1))
	PYTHON
}
says() { grep -q -- "$1" "$LAB_DIR/told" || { cat "$LAB_DIR/told" && return 1; }; }
complains() { grep -q -- "$1" "$LAB_DIR/complained" || { cat "$LAB_DIR/complained" && return 1; }; }
until_true() {
	lab_await "$@" >"$LAB_DIR/tried" 2>&1 || { cat "$LAB_DIR/tried" && return 1; }
}
# same COMMAND...: node 2 of itself, and node 1 of node 2, but for what changes by the asking and what only here is known.
same() {
	ask 0 2 --format=jsonl "$@" && cp "$LAB_DIR/told" "$LAB_DIR/wanted" && ask 0 1 --format=jsonl "$@" --nodes 2 || return
	python3 - "$LAB_DIR/wanted" "$LAB_DIR/told" <<-'PYTHON'
		import json, sys
		moving = ("time", "uptime_s", "latency_us", "retransmits", "sha256", "line", "source", "votes", "clients", "file", "rotation_us")
		def plain(value):
		    if isinstance(value, dict):
		        return {k: plain(v) for k, v in value.items() if k not in moving}
		    return [plain(v) for v in value] if isinstance(value, list) else value
		wanted, told = (plain(json.load(open(name))) for name in sys.argv[1:3])
		if wanted != told:
		    sys.exit(f"{told}\nis not {wanted}")
	PYTHON
}

lab_start 1 2 3 4
lab_ring 4 1 2 3 4
tap $? "a ring of three and a Corosync"
tap_check "all have told their plugins" until_true documents 5 1 'sum("data" in one for one in d) == 3' config get totem.token --nodes all

# --- one of the others ---

for command in status members "config get totem.token" "config show totem." "config show --stats stats.plugins.cpg." rings \
	"key status" "plugin list"; do
	# shellcheck disable=SC2086 # words
	tap_check "$command: as there" same $command
done
tap_check "quorum" documents 0 1 \
	'd[0]["node"] == 2 and d[0]["data"]["quorate"] and d[0]["data"]["provider"] == "corosync_votequorum"' quorum --nodes 2
lab_exec 2 "$LAB_LOAD" -g asked -m 2 -s 64 -t 20000 -w 20 >/dev/null 2>&1 &
client=$!
tap_check "clients, by a node's name" until_true documents 0 1 \
	'any(c["program"] == "cpg_load" for c in d[0]["data"]["clients"])' clients --nodes node2
kill $client
wait $client 2>/dev/null
tap_check "two of them" documents 0 1 '[one["node"] for one in d] == [3, 1]' status --nodes 3,node1
tap_check "text names them" ask 0 1 config get totem.cluster_name --nodes 2,3
tap_check "each" says '^Node node3 (3):$'
tap_check "no such key there" documents 1 1 'd[0]["error"]["code"] == 1 and d[0]["node"] == 2' config get no.such --nodes 2
tap_check "no such node" documents 64 1 'd[0]["error"]["code"] == 64' config get totem.token --nodes 2,7
tap_check "the file of another is not read" documents 64 1 'd[0]["error"]["code"] == 64' config show --file --nodes 2

# --- who cannot be asked ---

tap_check "a Corosync is named" documents 5 1 \
	'[one["node"] for one in d] == [1, 2, 3, 4] and d[3]["error"]["name"] == "NOT_LOADED"' members --nodes all
tap_check "also as text" ask 5 1 config get totem.token --nodes 4
tap_check "with what to do" complains '^coterie-ctl: node 4 cannot be asked: it runs Corosync, .*; ask on that node'
tap_check "Corosync's own node asks nobody" documents 5 4 '"error" in d[0]' config get totem.token --nodes 2
tap_check "in its file's comparison, too" documents 5 1 'any("node 4" in w for w in d[0]["warnings"])' config diff --nodes all
tap_check "who hears whom" documents 0 1 \
	'[sorted(m.get("hears", [])) for m in d[0]["data"]["members"]] == [[1, 2, 3, 4]] * 3 + [[]] and
	 d[0]["data"]["members"][3]["heard_by"] == [1, 2, 3]' members --matrix
tap_check "as text" ask 0 1 members --matrix
tap_check "one row for each" says '^  *2  *+  *\.  *+  *+$'
tap_check "the unknown unknown" says '^  *4  *?  *?  *?  *\.$'
lab_stop 4
lab_ring 3 1 2 3
tap $? "without the Corosync"
tap_check "who is down is named" documents 1 1 'd[0]["node"] == 4 and "not in the ring" in d[0]["error"]["text"]' \
	status --nodes 4
tap_check "the files of who is there" documents 1 1 'any("node 4" in w for w in d[0]["warnings"])' config diff --nodes all
tap_check "of some" documents 0 1 '"warnings" not in d[0]' config diff --nodes 2,3
mkdir "$LAB_DIR/few"
for plugin in "$LAB_BUILD"/.libs/*.so; do
	case $plugin in
	*/lib*.so | */control.so) ;;
	*) ln -s "$plugin" "$LAB_DIR/few" ;;
	esac
done
lab_kill 3
LAB_PLUGINS[3]=$LAB_DIR/few
lab_start 3
lab_ring 3 1 2 3
tap $? "node 3 without the service"
tap_check "which cannot be asked then" until_true documents 5 1 'd[0]["error"]["name"] == "NOT_LOADED"' status --nodes 3
tap_check "nor ask" documents 5 3 'd[0]["error"]["name"] == "NOT_LOADED"' status --nodes 1
lab_kill 3
unset "LAB_PLUGINS[3]"
lab_start 3
lab_ring 3 1 2 3
tap $? "node 3 with it again"

# --- two that do not hear each other ---

in_net 1 iptables -A INPUT -s 10.0.0.3 -p udp -j DROP
in_net 3 iptables -A INPUT -s 10.0.0.1 -p udp -j DROP
tap_check "node 2 knows who does not hear whom" until_true documents 0 2 \
	'all(not (m["id"] == a and b in m.get("hears", [])) for m in d[0]["data"]["members"] for a, b in ((1, 3), (3, 1))) and
	 any(m["id"] in (1, 3) and 2 in m.get("hears", []) for m in d[0]["data"]["members"])' members --matrix
in_net 1 iptables -F INPUT
in_net 3 iptables -F INPUT
lab_ring 3 1 2 3
tap $? "healed: one ring"
tap_check "and all hear each other" until_true documents 0 1 \
	'all(m["hears"] == [1, 2, 3] for m in d[0]["data"]["members"] if m["id"] < 4)' members --matrix
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
