#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An encrypted cluster of three from Debian's packages of this tree, by commands alone: cluster.sh SUITE. Each node is a root
# of its own with sshd. Under load a fourth node is added, the key rotated and a node removed. No message is lost. The page
# of the plugin metrics shows it all, in Chromium where that is installed here.
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
# shellcheck source=tests/packages/hub.sh
. "$(dirname "$0")/hub.sh"
build=${abs_top_builddir:-$ROOTS_HERE/../../build}
cluster=$ROOTS_HERE/../cluster
[ -x "$build/tests/cluster/.libs/cpg_load" ] || tap_skip "cpg_load is not built"
roots_open "${1:-bookworm}"

names=(- a b c d)
holders=()

# --- nodes ---

# A root with the packages that an operator installs. Debian's Corosync, which the suite's root has, is not there.
base_open() {
	layer_open base && apt base update && apt base purge '^corosync' '^pacemaker' '^libcrm' \
		'^lib(corosync-common|cfg|cmap|cpg|quorum|sam|votequorum)[0-9-]' && apt base install --no-install-recommends systemd \
		iproute2 openssh-server coterie coterie-tools coterie-transport-knet coterie-transport-udpu coterie-service-cpg \
		coterie-service-quorum coterie-service-votequorum coterie-service-cfg coterie-service-cmap coterie-service-metrics &&
		inside base install -d -m 700 /root/.ssh || return
	quietly inside base ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 &&
		cp "$work/base/root/.ssh/id_ed25519.pub" "$work/base/root/.ssh/authorized_keys" || return
	printf 'Host *\n\tStrictHostKeyChecking accept-new\n\tLogLevel ERROR\n\tConnectTimeout 10\n' >"$work/base/root/.ssh/config"
	cp "$build/tests/cluster/.libs/cpg_load" "$build/tests/cluster/.libs/cpg_watch" "$work/base/usr/local/bin/"
	# The test wants to read a log and to share a processor with others.
	printf '%s\n' 'log {' '	file = "/var/log/coterie/log"' '}' 'process {' '	realtime = no' '	lock-memory = no' '}' \
		>"$work/base/etc/coterie/conf.d/local.conf"
	echo 'service metrics {}' >"$work/base/etc/coterie/conf.d/metrics.conf"
}

# node_open NODE: a root, a network with one address, and an sshd.
node_open() {
	local node=$1 top=node$1

	layer_open "$top" "$work/.base/upper:$root" && mkdir -p "$work/$top/run/sshd" && echo "${names[node]}" >"$work/$top/etc/hostname" || return
	unshare --net --mount --uts bash -c "hostname ${names[node]} && mount -t tmpfs -o mode=755 run $work/$top/run &&
		mkdir -m 755 $work/$top/run/sshd && chroot $work/$top systemd-tmpfiles --create coterie.conf &&
		touch $work/$top/ready && exec sleep infinity" >/dev/null 2>&1 </dev/null &
	holders[node]=$!
	until [ -e "$work/$top/ready" ]; do
		kill -0 "${holders[node]}" || return
		sleep 0.05
	done
	hub_join "$node" "${holders[node]}" || return
	on "$node" /usr/sbin/sshd -D -o UsePAM=no -o PermitRootLogin=prohibit-password -o PidFile=none >/dev/null 2>&1 </dev/null &
}
enter() { nsenter -t "${holders[$1]}" -n -m -u "${@:2}"; }
on() { enter "$1" chroot "$work/node$1" "${@:2}"; }

# --- commands ---

# ends STATUS NODE WORD...: of coterie-ctl, without any variable. What it printed is $work/told.
ends() {
	local want=$1 node=$2 status=0

	shift 2
	on "$node" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root timeout 300 coterie-ctl "$@" >"$work/told" 2>&1 </dev/null || status=$?
	[ "$status" -eq "$want" ] || { echo "status $status: $(cat "$work/told")" && return 1; }
}
told() { grep -q -- "$1" "$work/told" || { cat "$work/told" && return 1; }; }
ring_of() { # COUNT NODE...
	local count=$1 node

	shift
	for node in "$@"; do
		await members_are "$count" "$node" || { tap_note "$(tail -n 15 "$work/node$node/var/log/coterie/log")" && return 1; }
	done
}
members_are() { on "$2" coterie-ctl --json members | python3 -c '
import json, sys
members = json.load(sys.stdin)["data"]["members"]
sys.exit(sum(one["state"] == "joined" for one in members) != int(sys.argv[1]))' "$1"; }
# shellcheck disable=SC2016 # of the inner shell
key_of() { on "$1" sh -c 'for file in /var/lib/coterie/authkey /etc/coterie/authkey; do [ ! -e $file ] || exec sha256sum <$file; done'; }
have_one_key() {
	local node

	[ "$(for node in "$@"; do key_of "$node"; done | sort -u | wc -l)" = 1 ]
}
is_encrypted() { ends 0 "$1" key status && told '^Cipher *aes256'; }

# Findings about this machine, its load and its libraries are not theirs.
doctor_finds_nothing() {
	on "$1" coterie-ctl --json doctor | python3 -c '
import json, sys
found = [one for one in json.load(sys.stdin)["data"]["checks"] if one["level"] in ("warning", "error") and
         one["id"].split(".")[0] in ("config", "key", "member", "quorum")]
sys.exit(json.dumps(found) if found else 0)'
}

# --- the page ---

page() { HOME=$work/browser enter 1 python3 "$cluster/browser.py" "$work/browser" "$@"; }
has_browser() { [ -e "$work/browser/session" ]; }
shows_in_api() {
	enter 1 python3 - "$@" <<-'PYTHON'
		import json, sys, urllib.request
		base = "http://127.0.0.1:9890"
		assert b"<title>Coterie</title>" in urllib.request.urlopen(base + "/", timeout=10).read()
		members = json.load(urllib.request.urlopen(base + "/api/v1/members", timeout=10))["data"]["members"]
		names = sorted(one["name"] for one in members if one["state"] == "joined")
		sys.exit(0 if names == sorted(sys.argv[1:]) else f"joined: {names}")
	PYTHON
}
shows_in_browser() {
	local name script="document.querySelectorAll('#ring .node').length === $#"

	for name in "$@"; do
		script+=" && [...document.querySelectorAll('#members tr')].some(row => row.cells[1].textContent.startsWith('$name') && row.textContent.includes('✓ joined'))"
	done
	page await 20000 "$script && document.getElementById('state').textContent.includes('operational')" ||
		{ page value "document.body.innerText" && return 1; }
}
page_shows() { # NAME...
	tap_check "the page has nodes $*" await shows_in_api "$@"
	if has_browser; then
		tap_check "in a browser, too" shows_in_browser "$@"
	else
		tap_without "in a browser, too" "no chromium or chromium-driver here"
	fi
}

# --- load ---

load_begins() {
	local node

	loads=()
	for node in "$@"; do
		# No function, so that the process is the program's.
		nsenter -t "${holders[node]}" -n -m -u chroot "$work/node$node" cpg_load -g load -m $# -s 1400 -t 1200000 -w 1300 -o 200 >"$work/load$node" 2>&1 </dev/null &
		loads+=($!)
	done
	sleep 2
}
load_ends() {
	local pid node status=0

	for pid in "${loads[@]}"; do
		kill -TERM "$pid" || status=1
	done
	for pid in "${loads[@]}"; do
		wait "$pid" || status=1
	done
	[ "$status" -eq 0 ] && [ "$(sed -n 's/.*hash=//p' "$work"/load[1-4] | sort -u | wc -l)" = 1 ]
}

tap_check "packages are installed in a root" base_open || tap_end
umount -R "$work/base"
hub_open
tap $? "a network"
for node in 1 2 3 4; do
	node_open $node
	tap $? "a host for node ${names[node]}" || tap_end
done
for node in 1 2 3 4; do
	await on 1 ssh -o BatchMode=yes "10.0.0.$node" true || tap_note "no sshd on node $node"
	tap_check "node ${names[node]} has no config" on $node test ! -e /etc/coterie/coterie.conf
done
on 1 ssh -o BatchMode=yes 10.0.0.2 ssh -o BatchMode=yes 10.0.0.4 true >/dev/null 2>&1

tap_check "cluster create" ends 0 1 cluster create prod a=10.0.0.1 b=10.0.0.2 c=10.0.0.3 --start || tap_end
tap_check "a ring of three" ring_of 3 1 2 3
tap_check "it is encrypted" is_encrypted 1
tap_check "with one key" have_one_key 1 2 3
tap_check "all is well" ends 0 1 status
mkdir "$work/browser"
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
	tap_check "a browser opens the page" page open http://127.0.0.1:9890/
fi
page_shows a b c

load_begins 1 2
tap_check "node add" ends 0 2 node add d=10.0.0.4 --start
tap_check "a ring of four" ring_of 4 1 2 3 4
tap_check "with one key" have_one_key 1 2 3 4
page_shows a b c d
before=$(key_of 1)
tap_check "key rotate" ends 0 4 key rotate
tap_check "the key is another" test "$before" != "$(key_of 1)"
tap_check "the ring is encrypted with it" is_encrypted 4
tap_check "node remove" ends 0 1 node remove c
tap_check "a ring of three again" ring_of 3 1 2 4
page_shows a b d
load_ends
tap $? "no message is lost, and both senders saw one order" || tap_note "$(cat "$work"/load[1-4])"
tap_note "$(tail -n 1 "$work/load1")"
tap_check "all is well" ends 0 4 status
tap_check "the doctor finds nothing that these commands did" doctor_finds_nothing 4
if has_browser; then
	tap_check "the browser's console is empty" test -z "$(page complaints 'ERR_CONNECTION')"
	page close
fi
for node in 1 2 4; do
	tap_check "node ${names[node]} stops" ends 0 $node shutdown --yes
done
tap_end
