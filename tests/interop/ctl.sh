#!/bin/bash
# coterie-ctl with our daemon and with Debian's: exit statuses, and every JSON answer against the schema.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libcmap4 # any of them: the oracle is installed
matrix_name=ctl
matrix_sections="quorum {
	provider: corosync_votequorum
	wait_for_all: 1
}"

ctl=$matrix_build/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$matrix_build/tools/coterie-ctl
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built"
"$ctl" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
command -v corosync >/dev/null || tap_skip "no corosync to compare with"
if [ -z "$MATRIX_INSIDE" ]; then
	flags=(--net --mount)
	[ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
	unshare "${flags[@]}" true 2>/dev/null || tap_skip "no namespaces (not root)"
	MATRIX_INSIDE=1 exec unshare "${flags[@]}" bash "$0"
fi
matrix_open
has_schema=
python3 -c 'import jsonschema' 2>/dev/null && has_schema=1

# run STATUS WORD...: as text.
run() {
	local want=$1
	shift
	LD_LIBRARY_PATH=$matrix_build/.libs timeout 20 "$ctl" "$@" >"$matrix_work/text" 2>"$matrix_work/said"
	local status=$?
	[ "$status" -eq "$want" ] || { echo "exit status $status, not $want" && cat "$matrix_work/said" && return 1; }
}

# json STATUS WORD...: as JSON, which the schema accepts, and nothing on the other output.
json() {
	run "$1" --json "${@:2}" || return
	[ ! -s "$matrix_work/said" ] || { cat "$matrix_work/said" && return 1; }
	[ -n "$has_schema" ] || return 0
	python3 - "$matrix_here/schema/coterie-ctl-1.schema.json" "$matrix_work/text" <<-'PYTHON'
		import json, jsonschema, sys
		schema, answer = (json.load(open(name)) for name in sys.argv[1:3])
		errors = list(jsonschema.Draft202012Validator(schema).iter_errors(answer))
		for error in errors:
		    print(list(error.path), error.message)
		sys.exit(len(errors) > 0)
	PYTHON
}

# says WORD...: the last text has this line.
says() { grep -q -- "$1" "$matrix_work/text" || { cat "$matrix_work/text" && return 1; }; }
complains() { grep -q -- "$1" "$matrix_work/said" || { cat "$matrix_work/said" && return 1; }; }

# Every command that looks, in both forms.
looks() {
	local command

	while read -r status command; do
		# shellcheck disable=SC2086 # words
		tap_check "$1: $command" run "$status" $command
		# shellcheck disable=SC2086
		tap_check "$1: $command, JSON" json "$status" $command
	done <<-EOT
		0 status
		0 members
		0 quorum
		0 rings
		0 config show
		0 config show totem.
		0 config get totem.cluster_name
		0 log show
		0 log show --level notice --subsys TOTEM --since 1h --lines 5
		0 log level
		0 plugin list
		0 cpg list
		0 clients
	EOT
}

# Where keys are from.
files() {
	tap_check "nothing differs from the file" json 0 config diff
	tap_check "what the file sets" json 0 config show --file totem.
	tap_check "the token is among it" run 0 config show totem. --file
	tap_check "as it is" says '^totem.cluster_name (str) = '
	tap_check "what is calculated is not" bash -c "! grep runtime '$matrix_work/text'"
	tap_check "a key has another value" run 0 config set totem.token_warning u32 50
	tap_check "which shows" run 0 config show --changed
	tap_check "by its value" says '^totem.token_warning (u32) = 50$'
	tap_check "without what the file makes" bash -c "! grep cluster_name '$matrix_work/text'"
	tap_check "as JSON" json 0 config show --changed
	tap_check "one of all keys" json 0 config show --effective totem.
}

changes() {
	tap_check "$1: set a key" json 0 config set test.key u32 17
	tap_check "$1: and read it" run 0 config get test.key
	tap_check "$1: it has its value" says '^test.key (u32) = 17$'
	tap_check "$1: a read-only key is refused" json 7 config set totem.netmtu u32 1000
	tap_check "$1: no such type" json 64 config set test.key u33 1
	tap_check "$1: no such number" json 64 config set test.key u8 256
	tap_check "$1: no such key" json 1 config get no.such.key
	tap_check "$1: votes" json 0 quorum set-votes 3
	tap_check "$1: expected votes" json 0 quorum set-expected 3
	tap_check "$1: expected votes that end the quorum" json 7 quorum set-expected 50
	tap_check "$1: votes of a stranger" json 1 quorum set-votes 1 --node 77
	tap_check "$1: no device to drop" json 0 quorum drop-qdevice
	tap_check "$1: unblock wants a yes" json 7 quorum unblock
	tap_check "$1: unblock" json 0 quorum unblock --yes
	tap_check "$1: log level" json 0 log level TOTEM=on CPG=off
	tap_check "$1: it is told" run 0 log level
	tap_check "$1: as debug" says '^TOTEM  *debug$'
	tap_check "$1: no such level" json 64 log level TOTEM=loud
	tap_check "$1: reopen the log" json 0 log reopen
	tap_check "$1: reload" json 0 reload
	tap_check "$1: metrics" run 0 metrics
	tap_check "$1: metrics end" says '^# EOF$'
	tap_check "$1: quorate in the metrics" says '^coterie_quorate 1$'
}

events() {
	LD_LIBRARY_PATH=$matrix_build/.libs timeout 3 "$ctl" watch >"$matrix_work/events" 2>/dev/null &
	sleep 1
	run 0 members
	wait $!
	tap_check "$1: watch tells the ring" grep -q '"event":"ring-state"' "$matrix_work/events"
	tap_check "$1: watch tells a client" grep -q '"event":"client"' "$matrix_work/events"
	[ -n "$has_schema" ] || return 0
	tap_check "$1: events as in the schema" python3 - "$matrix_here/schema/coterie-events-1.schema.json" \
		"$matrix_work/events" <<-'PYTHON'
			import json, jsonschema, sys
			schema = json.load(open(sys.argv[1]))
			for line in open(sys.argv[2]):
			    jsonschema.Draft202012Validator(schema).validate(json.loads(line))
		PYTHON
}

ready() {
	for _ in $(seq 100); do
		run 0 status --quiet >/dev/null && return
		sleep 0.1
	done
	echo "no daemon after 10 s; it says:" && cat "$matrix_work/out/daemon"
	return 1
}

tap_check "no daemon" json 3 status
tap_check "no daemon: said" run 3 status
tap_check "no daemon: what to do" complains '; systemctl status'
tap_check "no command" run 64 bogus
tap_check "no command: where to look" complains 'coterie-ctl --help'
tap_check "help" run 0 --help
tap_check "no such format" run 64 --format=xml status
tap_check "watching what changes things" run 64 --watch reload
matrix_config >"$matrix_work/good.conf"
tap_check "a good file is valid" json 0 config check "$matrix_work/good.conf"
sed 's/version: 2/version: 3/' "$matrix_work/good.conf" >"$matrix_work/bad.conf"
tap_check "a bad one is not" json 8 config check "$matrix_work/bad.conf"
for shell in bash zsh fish; do
	tap_check "completion for $shell" run 0 completion $shell
done
run 0 completion bash
tap_check "the script for bash is one" bash -n "$matrix_work/text"
run 0 __complete quorum set
tap_check "words are completed" says '^set-expected$'

for kind in debian ours; do
	[ "$kind" = debian ] || [ -x "$matrix_build/exec/coterie" ] || continue
	matrix_start $kind
	tap_check "$kind: the daemon is up" ready
	looks $kind
	changes $kind
	events $kind
	tap_check "$kind: keys are completed" run 0 __complete config get totem.cl
	tap_check "$kind: to the one there is" says '^totem.cluster_name$'
	[ "$kind" = debian ] || files
	[ "$kind" = debian ] || tap_check "$kind: the daemon tells its version" bash -c \
		"LD_LIBRARY_PATH=$matrix_build/.libs $ctl --json status | grep -q '\"compat\": *\"coterie\"'"
	tap_check "$kind: shut down" json 0 shutdown --yes
	matrix_end TERM
done

# A service that is not there.
matrix_sections=
matrix_start ours
tap_check "without a provider: the daemon is up" ready
tap_check "without a provider: votes cannot be set" json 5 quorum set-expected 1
tap_check "without a provider: quorum" json 0 quorum
matrix_end TERM
tap_end
