#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A plugin that cannot be used stops the daemon at start: one line that names the file and the reason,
# and its exit code (book configuration, "Exit codes").
. "$(dirname "$0")/../../../tap.sh"

build=${abs_top_builddir:-$PWD}
daemon=$build/exec/coterie
variants=$build/tests/unit/sample-plugins
[ -x "$daemon" ] || tap_skip "no daemon at $daemon"
work=$(mktemp -d)
chmod 755 "$work"
mkdir -m 755 "$work/files"
mkdir -m 777 "$work/home" "$work/open"
trap 'rm -rf "$work"' EXIT

# Without root its folders are below XDG_*, so that nothing is left behind elsewhere.
as_user=()
if [ "$(id -u)" = 0 ]; then
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${as_user[@]}" test -x "$daemon" -a -r "$variants" 2>/dev/null || as_user=()
fi
export COTERIE_PLUGIN_PATH=$work/files:$variants:$build
export HOME=$work/home XDG_STATE_HOME=$work/home XDG_RUNTIME_DIR=$work/home

write_config() { # SERVICE-SECTION
	cat >"$work/corosync.conf" <<-END
	totem {
		version: 2
		cluster_name: plugins
		transport: udpu
	}
	nodelist {
		node {
			name: n1
			nodeid: 1
			ring0_addr: 127.0.0.1
		}
	}
	system {
		sched_rr: no
	}
	logging {
		to_stderr: yes
		to_syslog: no
	}
	$1
	END
}

# refused CODE PATTERN WHAT: with the config as it is
refused() {
	local output status

	output=$("${as_user[@]}" timeout 20 "$daemon" -f --instance "plugins$$" --node n1 \
		-c "$work/corosync.conf" 2>&1)
	status=$?
	[ $status -eq "$1" ] && [ "$(grep -c -E "$2" <<<"$output")" -eq 1 ]
	tap $? "$3: exit code $1" || tap_note "exit code $status" "$output"
}

# service CODE PATTERN NAME
service() {
	write_config "service {
		name: $3
	}"
	refused "$1" "$2" "$3"
}

service 30 "no plugin 'nowhere' of kind service in $work/files:" nowhere
service 31 "wrong_magic\.la' is not a Coterie plugin \(symbol coterie_plugin starts with" wrong_magic
# Files and descriptors that are refused.
service 31 "'$variants/no_symbol\.la' is not a Coterie plugin \(no symbol coterie_plugin\): remove it from the plugin path$" no_symbol
service 31 "'misnamed' \(.*misnamed\.la\) is refused: its descriptor says 'other'" misnamed
service 31 "'short_table' \(.*\) is refused: its table of operations has [0-9]+ bytes" short_table
service 31 "cannot open plugin file '.*undefined\.la' \(.*nobody_defines_this" undefined
service 32 "plugin 'newer_major' \($variants/newer_major\.la\) needs plugin ABI 2\.[0-9]+, this is 1\.[0-9]+: upgrade coterie or install an older plugin$" \
	newer_major
service 33 "'init_fails' \(.*\) cannot start: its init failed \(No such device or address\)" init_fails
echo "no plugin" >"$work/files/text.so"
service 31 "cannot open plugin file '$work/files/text\.so' \(" text

# Two that want the same place on the ring: in ascending order of loading, the second is named.
write_config "service {
		name: good
	}
	service {
		name: same_ring_id
	}"
refused 31 "'same_ring_id' \(.*\) is refused: ring id 40 is in use by plugin 'good' \(.*good\.la\)" \
	"duplicate ring id"

# A quorum provider that is asked for is no option.
write_config "quorum {
		provider: nowhere
	}"
refused 20 "'nowhere' failed to load: quorum.provider asks for it and it is not installed" "no provider"
write_config "quorum {
		provider: good
	}"
refused 20 "plugin 'good' \(.*good\.la\), which is no quorum provider" "a plugin that is no provider"

if [ -e "$build/votequorum.la" ]; then
	write_config "quorum {
		provider: corosync_votequorum
		two_node: 1
		device {
			model: net
		}
	}"
	refused 20 "two_node and quorum device cannot be configured at the same time!" \
		"a provider that refuses its configuration"
fi

# The standard set is optional, but a broken member of it is not passed over.
echo "no plugin" >"$work/files/cpg.so"
write_config ""
refused 31 "cannot open plugin file '$work/files/cpg\.so'" "broken cpg"

rm "$work/files/cpg.so"
mv "$work/files/text.so" "$work/files/udpu.so"
refused 31 "cannot open plugin file '$work/files/udpu\.so'" "broken transport"
# As while it runs: a daemon with rights loads no code that others can exchange. One that has only those of the user who
# started it does.
if [ "$(id -u)" = 0 ]; then
	export STATE_DIRECTORY=$work/home RUNTIME_DIRECTORY=$work/home
	caged=("${as_user[@]}")
	as_user=()
	echo "no plugin" >"$work/open/exposed.so"
	COTERIE_PLUGIN_PATH=$work/open:$COTERIE_PLUGIN_PATH
	service 31 "'$work/open/exposed\.so' is not loaded, since '$work/open' belongs to another user or others can write it" exposed
	install -m 666 "$work/open/exposed.so" "$work/files/exposed2.so"
	service 31 "'$work/files/exposed2\.so' is not loaded, since '$work/files/exposed2\.so' belongs" exposed2
	if [ ${#caged[@]} -gt 0 ]; then
		as_user=("${caged[@]}")
		service 31 "cannot open plugin file '$work/open/exposed\.so'" exposed
	fi
fi
ctl=$build/tools/coterie-ctl
# A running daemon lists the plugins that are there, if a name is none of them. One of them aborts the process in which
# it is opened.
if [ "$(id -u)" = 0 ] && [ -x "$ctl" ] && unshare --net true 2>/dev/null; then
	rm -f "$work/files/udpu.so"
	write_config ""
	# shellcheck disable=SC2016 # for the other shell
	said=$(unshare --net sh -c 'ip link set lo up || exit
		"$1" -f --instance typo --node n1 -c "$2/corosync.conf" >"$2/home/log" 2>&1 & daemon=$!
		for try in $(seq 100); do
			COTERIE_INSTANCE=typo "$3" status >/dev/null 2>&1 && break
			sleep 0.1
		done
		COTERIE_INSTANCE=typo "$3" plugin load abort 2>&1
		kill -TERM $daemon && wait $daemon && echo "ended well"' - "$daemon" "$work" "$ctl")
	tap_check "a mistyped name: the error lists plugins" grep -q "no plugin 'abort' .*: installed are aborts, " <<<"$said" ||
		tap_note "$said" "$(cat "$work/home/log")"
	tap_check "and none of them was opened" grep -q "^ended well" <<<"$said" || tap_note "$(cat "$work/home/log")"
fi
# A running daemon loads a file by its descriptor, which only procfs has a name for.
if [ "$(id -u)" = 0 ] && [ -x "$ctl" ] && unshare --mount --net true 2>/dev/null; then
	rm -f "$work/files/udpu.so"
	write_config ""
	cp "$variants/.libs/good.so" "$work/files/late.so"
	said=$(unshare --mount --net sh -c 'ip link set lo up && mount -t tmpfs none /proc || exit
		"$1" -f --instance noproc --node n1 -c "$2/corosync.conf" >"$2/home/log" 2>&1 & daemon=$!
		for try in $(seq 100); do
			COTERIE_INSTANCE=noproc "$3" status >/dev/null 2>&1 && break
			sleep 0.1
		done
		COTERIE_INSTANCE=noproc "$3" plugin load "$2/files/late.so" 2>&1
		kill $daemon; wait' - "$daemon" "$work" "$ctl")
	tap_check "without /proc the reason is given" grep -q "since /proc is not mounted: mount it" <<<"$said" ||
		tap_note "$said" "$(cat "$work/home/log")"
fi
tap_end
