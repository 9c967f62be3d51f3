#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
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

# The process that checks documents against the schema. One process checks all of them, since its start takes a quarter
# of a second. On "document" or "lines" it checks the last text and prints whether it is valid.
mkfifo "$matrix_work/asked" "$matrix_work/judged"
exec {asked}<>"$matrix_work/asked" {judged}<>"$matrix_work/judged"
judge=
[ -z "$has_schema" ] || {
	python3 -c '
import json, jsonschema, sys
schema, text, complaint = sys.argv[1:]
validator = jsonschema.Draft202012Validator(json.load(open(schema)))
for form in sys.stdin:
    try:
        with open(text) as answer:
            documents = [json.load(answer)] if form == "document\n" else [json.loads(line) for line in answer]
        wrong = [f"{list(error.path)} {error.message}" for one in documents for error in validator.iter_errors(one)]
    except ValueError as error:
        wrong = [str(error)]
    with open(complaint, "w") as said:
        print(*wrong, sep="\n", file=said)
    print("bad" if wrong else "good", flush=True)
' "$matrix_here/schema/coterie-ctl-1.schema.json" "$matrix_work/text" "$matrix_work/complaint" \
		<"$matrix_work/asked" >"$matrix_work/judged" &
	judge=$!
	trap 'kill "$judge"; matrix_end KILL; rm -rf "$matrix_work"' EXIT
}

# is_valid FORM: the schema accepts the last text.
is_valid() {
	local verdict=none

	[ -n "$has_schema" ] || return 0
	echo "$1" >&"$asked"
	read -r -t 20 verdict <&"$judged"
	[ "$verdict" = good ] || { echo "judged $verdict:" && cat "$matrix_work/complaint" && return 1; }
}

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
	is_valid document
}

# lines STATUS WORD...: as documents, one a line, each of which the schema accepts.
lines() {
	run "$1" --format=jsonl "${@:2}" || return
	is_valid lines
}

# tool STATUS NAME WORD...: a compatible tool, with the document of a command.
tool() {
	local want=$1

	shift
	LD_LIBRARY_PATH=$matrix_build/.libs timeout 20 "$ctl" "$@" >"$matrix_work/text" 2>"$matrix_work/said"
	local status=$?
	[ "$status" -eq "$want" ] || { echo "exit status $status, not $want" && cat "$matrix_work/said" && return 1; }
}
# same COMMAND TOOL WORD...: the tool's document is that of the command, but for the time and counters.
same() {
	local words=$1

	shift
	# shellcheck disable=SC2086 # words
	run 0 --format=jsonl $words && cp "$matrix_work/text" "$matrix_work/wanted" && tool 0 "$@" --format=jsonl || return
	python3 - "$matrix_work/wanted" "$matrix_work/text" <<-'PYTHON'
		import json, sys
		def plain(value):
		    if isinstance(value, dict):
		        return {k: plain(v) for k, v in value.items() if k not in ("time", "pid", "latency_us", "retransmits", "rotation_us")}
		    return [plain(v) for v in value] if isinstance(value, list) else value
		wanted, told = (plain(json.load(open(name))) for name in sys.argv[1:3])
		if wanted != told:
		    sys.exit(f"{told}\nis not {wanted}")
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
		0 key status
		0 log show
		0 log show --level notice --subsys TOTEM --since 1h --lines 5
		0 log level
		0 plugin list
		0 cpg list
		0 clients
		0 members --matrix
		0 config show --effective totem.
		0 config get totem.cluster_name totem.version
		0 config show --stats stats.srp.
		1 config get no.such.key
		1 config show no.such
		64 status now
		64 doctor no.such
		0 doctor quorum.expected config.node_ids
		64 members all
		64 quorum now
		64 rings all
		64 config get
		64 config set totem.token
		64 config show --nothing
		64 config diff a b
		64 log show --level loud
		64 log show --since never
		64 log show --lines none
		64 log level TOTEM
		64 log reopen now
		64 log dump now
		64 plugin list all
		64 plugin load
		64 plugin unload
		64 plugin replace
		64 cpg list a b
		64 clients all
		64 reload now
		64 shutdown now
		64 quorum set-expected none
		64 quorum set-votes
		64 quorum set-votes 1 --node nobody
		64 quorum drop-qdevice now
		64 quorum unblock now
		64 key create a b
		64 key rotate now
		64 cluster create alone
		64 cluster create c a;b=10.0.0.1
		64 cluster create c a=10.0.0.1 a=10.0.0.2
		64 node add
		64 node remove a b
		64 link add
		64 link add --start
		64 metrics now
		64 watch now
		64 status --timeout never
		64 --format=xml status --json
		64 cpg list --nodes all
		64 shutdown --nodes all
		64 members --nodes nobody
	EOT
}

# Where keys are from.
files() {
	tap_check "the daemon's file is valid" json 0 config check
	tap_check "coterie COMMAND is coterie-ctl's" bash -c \
		"LD_LIBRARY_PATH=$matrix_build/.libs '$matrix_build/exec/coterie' quorum | grep -q '^Quorum  *quorate$'"
	tap_check "where a key is from" run 0 config show --effective totem.
	tap_check "a line of the file" says '^totem.cluster_name (str) = matrix  \[corosync.conf:3, change: restart\]$'
	tap_check "what udpu cannot change under way" says '^totem.crypto_cipher (str) = none  \[corosync.conf:[0-9]*, change: restart\]$'
	tap_check "what comes of it" run 0 config show --effective runtime.config.totem.
	tap_check "a default" says '^runtime.config.totem.join (u32) = 50  \[default, change: reload\]$'
	tap_check "what is calculated" says '^runtime.config.totem.consensus (u32) = [0-9]*  \[computed, change: reload\]$'
	tap_check "nothing differs from the file" json 0 config diff
	tap_check "a ring in clear has no key to rotate" json 7 key rotate
	tap_check "what the file sets" json 0 config show --file totem.
	tap_check "the token is among it" run 0 config show totem. --file
	tap_check "as it is" says '^totem.cluster_name (str) = '
	tap_check "what is calculated is not" bash -c "! grep runtime '$matrix_work/text'"
	tap_check "a key has another value" run 0 config set totem.token_warning u32 50
	tap_check "which shows" run 0 config show --changed
	tap_check "not from the file" bash -c "LD_LIBRARY_PATH=$matrix_build/.libs $ctl -v config get totem.token_warning |
		grep -Fx 'totem.token_warning (u32) = 50  [runtime, change: reload]'"
	run 0 config show --changed
	tap_check "by its value" says '^totem.token_warning (u32) = 50$'
	tap_check "without what the file makes" bash -c "! grep cluster_name '$matrix_work/text'"
	tap_check "as JSON" json 0 config show --changed
	tap_check "one of all keys" json 0 config show --effective totem.
}

changes() {
	tap_check "$1: set a key" json 0 config set test.key u32 17
	tap_check "$1: and read it" run 0 config get test.key
	tap_check "$1: it has its value" says '^test.key (u32) = 17$'
	while read -r type value; do
		run 0 config set test.type "$type" -- "$value" && json 0 config get test.type &&
			grep -qE '"value": ?"?'"$value"'"?[,} ]*$' "$matrix_work/text"
		tap $? "$1: $type $value" || tap_note "$(cat "$matrix_work/text" "$matrix_work/said")"
	done <<-'END'
		i8 -128
		u8 255
		i16 -32768
		u16 65535
		i32 -2147483648
		u32 4294967295
		i64 -9223372036854775808
		u64 18446744073709551615
		flt -1.5
		dbl 2.25
		str some
	END
	tap_check "$1: bytes that are no text" run 0 config set test.bytes str $'a\xffb'
	tap_check "$1: make no document unreadable" json 0 config get test.bytes
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

# The compatible tools with JSON output, and their unchanged output without it.
tools() {
	tap_check "$1: quorumtool, JSON" same quorum corosync-quorumtool -s
	tap_check "$1: quorumtool without an action" same quorum corosync-quorumtool -l -i
	tap_check "$1: cfgtool -s, JSON" same rings corosync-cfgtool -s
	tap_check "$1: cfgtool -n, JSON" same rings corosync-cfgtool --nodes
	tap_check "$1: cmapctl, JSON" same "config show totem." corosync-cmapctl totem.
	tap_check "$1: cmapctl -g, JSON" same "config get totem.version" corosync-cmapctl -g totem.version
	tap_check "$1: cpgtool, JSON" same "cpg list" corosync-cpgtool -n
	tap_check "$1: two words" tool 0 corosync-cfgtool --format json -s
	tap_check "$1: text stays text" tool 0 corosync-cfgtool --format=text -s
	tap_check "$1: as it was" says '^Local node ID 1, transport udpu$'
	tap_check "$1: nothing to show" tool 1 corosync-cfgtool --format=json
	tap_check "$1: not what changes things" tool 1 corosync-quorumtool --format=json -e 3
	tap_check "$1: which is said" complains '^corosync-quorumtool: --format goes with'
	for word in --f --fo --for; do
		tap_check "$1: $word is force" tool 0 corosync-cfgtool $word -s
	done
	tap_check "$1: --form is nothing" tool 1 corosync-cfgtool --form -s
}

# Lines as they come, also over both kinds of rotation.
follows() {
	local pid

	LD_LIBRARY_PATH=$matrix_build/.libs timeout 60 "$ctl" --json log show --follow --lines 1 --subsys CTLTEST \
		>"$matrix_work/followed" 2>&1 &
	pid=$!
	sleep 1
	log_line first && log_line second
	printf '%s' "$(log_text half)" >>"$matrix_work/log"
	sleep 0.5
	log_line " whole" raw
	tap_check "$1: lines as they come" until_true has_followed first second 'half whole'
	mv "$matrix_work/log" "$matrix_work/log.1"
	sleep 0.5
	log_line "to the old one" "" log.1
	run 0 log reopen
	log_line rotated
	tap_check "$1: over a rotation" until_true has_followed 'half whole' 'to the old one' rotated
	: >"$matrix_work/log"
	sleep 1
	log_line emptied
	tap_check "$1: over a file that is emptied" until_true has_followed rotated emptied
	kill $pid
	wait $pid
	cp "$matrix_work/followed" "$matrix_work/text"
	tap_check "$1: each a document" is_valid lines
	tap_check "$1: not together with --watch" json 64 --watch log show --follow
}
log_text() { LC_ALL=C date "+%b %d %H:%M:%S.000 [1] here coterie notice  [CTLTEST] $1"; }
# log_line TEXT [raw [FILE]]
log_line() {
	if [ -n "${2:-}" ]; then echo "$1"; else log_text "$1"; fi >>"$matrix_work/${3:-log}"
}
# has_followed TEXT...: just these are the last ones.
has_followed() {
	[ "$(tail -n $# "$matrix_work/followed" | grep -o '"text":"[^"]*"' | sed 's/"text":"\(.*\)"/\1/')" = \
		"$(printf '%s\n' "$@")" ] || { cat "$matrix_work/followed" && return 1; }
}
until_true() {
	for _ in $(seq 50); do
		"$@" >"$matrix_work/tried" 2>&1 && return
		sleep 0.1
	done
	cat "$matrix_work/tried" && return 1
}

# A daemon that hangs: an error in time, in both forms, and completion that does not wait.
hangs() {
	local begin_ms

	kill -STOP "$matrix_daemon"
	until grep -q '^State:.T' "/proc/$matrix_daemon/status"; do
		sleep 0.02
	done
	tap_check "$1: it hangs" run 6 --timeout 1 status
	tap_check "$1: which is said" complains '^coterie-ctl: the daemon runs, but does not answer in time: .* raise --timeout'
	tap_check "$1: it hangs, JSON" json 6 --timeout 1 status
	tap_check "$1: it hangs, metrics" json 6 --timeout 1 metrics
	begin_ms=$(date +%s%3N)
	run 0 __complete config get totem.
	begin_ms=$(($(date +%s%3N) - begin_ms))
	tap_check "$1: completion gives up ($begin_ms ms)" test $begin_ms -lt 1000
	kill -CONT "$matrix_daemon"
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
tap_check "no daemon: what to do" complains '; start it: systemctl start '
tap_check "no command" run 64 bogus
tap_check "no command: where to look" complains 'coterie-ctl --help'
tap_check "help" run 0 --help
tap_check "no such format" run 64 --format=xml status
tap_check "watching what changes things" run 64 --watch reload
matrix_config >"$matrix_work/good.conf"
tap_check "a good file is valid" json 0 config check "$matrix_work/good.conf"
sed 's/version: 2/version: 3/' "$matrix_work/good.conf" >"$matrix_work/bad.conf"
tap_check "a bad one is not" json 8 config check "$matrix_work/bad.conf"
tap_check "a new key" json 0 key create "$matrix_work/key"
tap_check "it stays" json 7 key create "$matrix_work/key"
tap_check "a cluster by hand" json 0 cluster create c a=10.0.0.1 b=10.0.0.2 --print
tap_check "one of two families is refused" json 7 cluster create c a=10.0.0.1 b=fd00::2 --print
for shell in bash zsh fish; do
	tap_check "completion for $shell" run 0 completion $shell
	! type -p $shell >/dev/null || tap_check "the script for $shell is one" $shell -n "$matrix_work/text"
done
tap_check "no completion for another" run 64 completion csh
run 0 __complete quorum set
tap_check "words are completed" says '^set-expected$'
# complete WANTED WORD...: what is offered for the last word, in one line.
complete() {
	run 0 __complete "${@:2}" && test "$(paste -sd' ' "$matrix_work/text")" = "$1" || { cat "$matrix_work/text" && return 1; }
}
tap_check "options of a command" complete "--effective" config show --eff
tap_check "values of options" complete "--format=json --format=jsonl" status --format=j
tap_check "in a word of their own" complete "json jsonl" status --format j
tap_check "behind options with values" complete "set-expected set-votes" --timeout 3 quorum set
tap_check "types" complete "u8 u16 u32 u64" config set test.key u
tap_check "a subsystem's setting" complete "TOTEM=off TOTEM=on" log level TOTEM=o
tap_check "shells" complete "bash" completion b
tap_check "a tool's options" complete "--status --shutdown" corosync-cfgtool --s
tap_check "a tool's value" complete "stats" corosync-cmapctl -m s
tap_check "nothing where nobody can know" complete "" corosync-quorumtool -v ""
# Every option that a tool's source gives to getopt.
all_options() {
	local letter name

	run 0 __complete "$1" -
	while read -r letter; do
		grep -qx -- "-$letter" "$matrix_work/text" || { echo "no -$letter" && return 1; }
	done < <(sed -n 's/.*getopt\(_long\)\?(.*, "\([^"]*\)".*/\2/p' "$matrix_here/../../$2" | tr -d ':+' | grep -o .)
	while read -r name; do
		grep -qx -- "--$name=\?" "$matrix_work/text" || { echo "no --$name" && return 1; }
	done < <(sed -n 's/^[[:space:]]*{"\([a-z-]*\)", *\(no\|required\|optional\)_argument,.*/\1/p' "$matrix_here/../../$2")
	[ -s "$matrix_work/text" ]
}
while read -r name source; do
	tap_check "all options of $name" all_options "$name" "$source"
done <<-EOT
	corosync-cfgtool services/cfg/tool/cfgtool.c
	corosync-cmapctl services/cmap/tool/cmapctl.c
	corosync-cpgtool services/cpg/tool/cpgtool.c
	corosync-quorumtool services/quorum/tool/quorumtool.c
	corosync-keygen tools/keygen.c
	corosync-notifyd tools/notifyd/main.c
	corosync-vqsim tools/vqsim/vqsim.c
EOT
run 0 __complete --
while read -r name; do
	tap_check "completion knows --$name" grep -qx -- "--$name=\?" "$matrix_work/text"
done < <(sed -n 's/^[[:space:]]*{"\([a-z-]*\)", *\(no\|required\|optional\)_argument,.*/\1/p' "$matrix_here/../../tools/ctl/ctl.c")
# As a shell does it: NAME LINE, the words that are offered.
in_bash() {
	LD_LIBRARY_PATH=$matrix_build/.libs PATH="$matrix_work/bin:$PATH" bash -c '
		compopt() { :; }
		. "$0"; COMP_LINE=$1 COMP_POINT=${#1}; _coterie_ctl; echo "${COMPREPLY[*]}"' \
		"$matrix_here/../../tools/completion/coterie-ctl.bash" "$1"
}
mkdir "$matrix_work/bin" && ln -s "$ctl" "$matrix_work/bin/coterie-ctl"
tap_check "bash: a word" test "$(in_bash "coterie-ctl quorum set-e")" = set-expected
tap_check "bash: behind what it takes for a separator" test "$(in_bash "coterie-ctl status --format=te")" = text
tap_check "bash: a tool" test "$(in_bash "/usr/sbin/corosync-cmapctl -C kn")" = knet

for kind in debian ours; do
	[ "$kind" = debian ] || [ -x "$matrix_build/exec/coterie" ] || continue
	matrix_start $kind
	tap_check "$kind: the daemon is up" ready
	looks $kind
	changes $kind
	events $kind
	tap_check "$kind: keys are completed" run 0 __complete config get totem.cl
	tap_check "$kind: to the one there is" says '^totem.cluster_name$'
	tools $kind
	follows $kind
	hangs $kind
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
# A user without the right gets no answer.
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" --version >/dev/null 2>&1; then
	allowed=$ctl
	cat >"$matrix_work/bin/as_nobody" <<-EOT
		#!/bin/sh
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$allowed" "\$@"
	EOT
	chmod +x "$matrix_work/bin/as_nobody"
	ctl=$matrix_work/bin/as_nobody
	for command in status members quorum rings "config show" "config get totem.version" "config set a.b.c u8 1" "log show" \
		"log level" "log reopen" "log dump" "plugin list" "plugin unload cpg" "cpg list" clients metrics "shutdown --yes" \
		"config diff" reload; do
		# shellcheck disable=SC2086 # words
		tap_check "not allowed: $command" json 4 $command
	done
	tap_check "not allowed: watch" json 4 watch
	tap_check "not allowed, as text" run 4 status
	tap_check "not allowed: what to do" complains '; be root, or be named in block access of coterie.conf$'
	ctl=$allowed
fi
matrix_end TERM

# One that has no quorum.
matrix_sections="quorum {
	provider: corosync_votequorum
	expected_votes: 3
}"
matrix_start ours
tap_check "without quorum: the daemon is up" until_true run 2 status
tap_check "without quorum: status" json 2 status
tap_check "without quorum: quorum" json 2 quorum
tap_check "without quorum: of nodes" json 2 quorum --nodes all
tap_check "without quorum: quorumtool" tool 2 corosync-quorumtool --format=json
matrix_sections=
matrix_end TERM

# A daemon without anything but groups.
matrix_plugins=$matrix_work/few
mkdir "$matrix_plugins" && ln -s "$matrix_build"/.libs/{cpg,udpu}.so "$matrix_plugins"
matrix_start ours
tap_check "few services: the daemon is up" until_true run 0 cpg list
for command in status members quorum "quorum set-votes 1" rings "config show" "config get totem.version" "config set a.b.c u8 1" \
	"log show" "log level" "log reopen" "log dump" "plugin list" "plugin unload cpg" "plugin load cpg" clients metrics \
	"shutdown --yes" "config diff" "quorum drop-qdevice" "status --nodes all" reload; do
	# shellcheck disable=SC2086 # words
	tap_check "few services: $command" json 5 $command
done
tap_check "few services: groups" json 0 cpg list
matrix_end TERM
tap_end
