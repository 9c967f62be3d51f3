#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Coterie takes the place of Corosync on a node with Pacemaker, and gives it back, by apt and nothing else: swap.sh SUITE.
# What Debian has for Corosync stays installed: Pacemaker, DLM, qdevice, SBD, fence-virt, OCFS2. The operator's files and
# the start with the node survive, also where the package that went is purged.
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
roots_open "${1:-bookworm}"

replaced='corosync|lib(corosync-common4|cfg7|cmap4|cpg4|quorum5|sam4|votequorum8)'
dependent=(pacemaker dlm-controld corosync-qdevice sbd fence-virtd ocfs2-tools)
back=(corosync libcorosync-common4 libcfg7 libcmap4 libcpg4 libquorum5 libvotequorum8)
operator=(/etc/corosync/corosync.conf /etc/corosync/authkey /etc/default/corosync /etc/logrotate.d/corosync)
confold=(-o Dpkg::Options::=--force-confold)

# A node as its operator left it.
node_open() {
	layer_open "$1" "$2" && apt "$1" update || return
	# These need the exact version of their library. coterie-dev takes their place.
	mapfile -t extra < <(installed "$1" | grep -E '^lib(corosync-common|cfg|cmap|cpg|quorum|sam|votequorum)-dev$')
	[ ${#extra[@]} -eq 0 ] || apt "$1" purge "${extra[@]}" || return
	apt "$1" install --no-install-recommends systemd "${dependent[@]}"
}
operator_files() {
	local top=$work/$1

	printf '%s\n' 'totem {' 'version: 2' 'cluster_name: here' 'transport: udpu' '}' 'nodelist {' 'node {' 'name: one' \
		'nodeid: 1' 'ring0_addr: 127.0.0.1' '}' '}' 'quorum {' 'provider: corosync_votequorum' '}' 'logging {' \
		'to_logfile: yes' 'logfile: /var/log/corosync/corosync.log' '}' >"$top/etc/corosync/corosync.conf"
	echo key >"$top/etc/corosync/authkey"
	echo '# of the operator' | tee -a "$top/etc/default/corosync" >>"$top/etc/logrotate.d/corosync"
	echo line >"$top/var/log/corosync/corosync.log"
}
# files NAME: what must be as the operator left it.
files() { (cd "$work/$1" && sha256sum "${operator[@]/#/.}"); }
# boots NAME [ENDING]: the daemons that the node starts, by the units that multi-user.target wants.
boots() {
	local link unit

	for link in "$work/$1"/etc/systemd/system/multi-user.target.wants/{corosync,coterie}"${2:-}.service"; do
		[ -L "$link" ] || continue
		unit=$(inside "$1" readlink -f "${link#"$work/$1"}")
		[ -f "$work/$1$unit" ] && sed -nE 's/^ExecStart=!?([^ ]*).*/\1/p' "$work/$1$unit"
	done | sort -u | paste -sd' '
}
is_sound() { quietly inside "$1" apt-get check && test -z "$(inside "$1" dpkg --audit)"; }
# unresolved NAME: symbols that programs and libraries of the dependent packages do not find. Plugins have theirs from
# their programs, so there are some in any case.
unresolved() {
	# shellcheck disable=SC2016 # of the inner shell
	inside "$1" sh -c 'for file in $(dpkg -L "$@" | grep -E "^(/usr)?/(s?bin|lib)/"); do
		[ ! -f "$file" ] || ldd -r "$file" 2>&1 | grep -E "undefined|not found" | sed "s,^,$file: ,"
	done' sh "${dependent[@]}"
}

# with_ours NAME: what holds while Coterie is there.
with_ours() {
	tap_check "$1: the operator's files are as they were" diff "$work/files" <(files "$1")
	mkdir -p "$work/$1/var/log/corosync" # as the unit does
	tap_check "$1: Coterie takes the config" quietly inside "$1" corosync -t
	test "$(boots "$1")" = /usr/sbin/coterie
	tap $? "$1: Coterie starts with the node" || tap_note "starts: $(boots "$1")"
	tap_check "$1: the unit makes the folder of Corosync's log" inside "$1" \
		grep -rqx LogsDirectory=corosync /lib/systemd/system/coterie.service.d
	tap_check "$1: packages are sound" is_sound "$1"
}
# with_theirs NAME: what holds once Corosync is back.
with_theirs() {
	gone=$(comm -23 "$work/before" <(installed "$1"))
	test -z "$gone"
	tap $? "$1: every package of before is there" || tap_note "gone: $gone"
	tap_check "$1: the operator's files are as they were" diff "$work/files" <(files "$1")
	test "$(boots "$1")" = /usr/sbin/corosync
	tap $? "$1: Corosync starts with the node" || tap_note "starts: $(boots "$1")"
	tap_check "$1: no file is diverted" test -z "$(inside "$1" dpkg-divert --list '*coro*')"
	tap_check "$1: packages are sound" is_sound "$1"
}
# over NAME: one more node, from the first.
over() { layer_open "$1" "$work/.node/upper:$root" && files "$1" | diff "$work/files" -; }

test "$(tail -n 1 "$debs/lintian")" = "lintian: status 0" && ! grep -qE '^[EW]:' "$debs/lintian"
tap $? "lintian has nothing to say" || tap_note "$(cat "$debs/lintian")"
depends=$(dpkg-deb -f "$debs"/coterie_*.deb Depends)
tap_check "the daemon's package brings what it loads for a key" grep -q libssl3 <<<"$depends" || tap_note "$depends"
if ! tap_check "a node with Pacemaker and its like" node_open node "$root"; then
	tap_end
fi
operator_files node
installed node >"$work/before"
files node >"$work/files"
unresolved node >"$work/unresolved"
tap_note "$(inside node dpkg-query -W -f '${Package} ${Version}\n' corosync libcpg4 "${dependent[@]}" | paste -sd,)"
tap_check "Corosync starts with it" test "$(boots node)" = /usr/sbin/corosync
umount -R "$work/node" # later nodes are over it

# --- to Coterie, and the purge of what went ---

tap_check "purged: a node" over purged
# The packages that apt would remove, by its own words.
removed=$(inside purged apt-get --simulate -q install coterie-compat-corosync | sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort | paste -sd' ')
test -n "$removed" && ! tr ' ' '\n' <<<"$removed" | grep -qvE '^(corosync|lib(corosync-common|cfg|cmap|cpg|quorum|sam|votequorum)[0-9]+)$'
tap $? "purged: apt-get --simulate removes packages of Corosync alone ($removed)"
tap_check "purged: Coterie by apt" apt purged install coterie-compat-corosync
tap_note "installed: $(installed purged | grep coterie | paste -sd' ')"
gone=$(comm -23 "$work/before" <(installed purged))
test -z "$(grep -vxE "$replaced" <<<"$gone")"
tap $? "purged: nothing is removed but Corosync" || tap_note "gone: $gone"
tap_check "purged: what depends on it finds its symbols" diff "$work/unresolved" <(unresolved purged)
with_ours purged
tap_check "purged: apt purge corosync" apt purged purge corosync
with_ours purged
tap_check "purged: an upgrade of Coterie" apt purged install --reinstall coterie-compat-corosync
with_ours purged
# Its config files are new to apt, so it would ask.
tap_check "purged: Corosync again" apt purged "${confold[@]}" install "${back[@]}"
with_theirs purged
layer_close purged

# --- to Coterie and back, three times ---

tap_check "back: a node" over back
for turn in first second third; do
	tap_check "back: Coterie by apt, the $turn time" apt back install coterie-compat-corosync
	with_ours back
	[ $turn != third ] || break
	tap_check "back: Corosync again, without a question" apt back install "${back[@]}"
	with_theirs back
done
# The start with the node does not depend on a link of corosync.
tap_check "back: apt purge corosync" apt back purge corosync
with_ours back
tap_check "back: Corosync again" apt back "${confold[@]}" install "${back[@]}"
with_theirs back
tap_check "back: purge of ours" apt back purge '^coterie' '^libcoterie'
tap_check "back: and of what came with it" apt back autoremove --purge
with_theirs back
tap_check "back: no other package is left" diff "$work/before" <(installed back)
layer_close back

# --- the notifier, which is a package of its own ---

# notifies NAME UNIT: it starts with the node by a unit of that name, with the operator's options.
notifies() {
	tap_check "$1: the operator's options are as they were" grep -qx 'OPTIONS="-l"' "$work/$1/etc/default/corosync-notifyd"
	test "$(boots "$1" -notifyd)" = /usr/sbin/corosync-notifyd
	tap $? "$1: the notifier starts with the node" || tap_note "starts: $(boots "$1" -notifyd)"
	tap_check "$1: it is the unit $2" test "$(inside "$1" readlink -f /lib/systemd/system/corosync-notifyd.service | sed 's,.*/,,')" = \
		"$2.service"
	tap_check "$1: packages are sound" is_sound "$1"
}
tap_check "notified: a node" over notified
tap_check "notified: Corosync's notifier" apt notified install --no-install-recommends corosync-notifyd
echo 'OPTIONS="-l"' >"$work/notified/etc/default/corosync-notifyd"
notifies notified corosync-notifyd
tap_check "notified: Coterie by apt" apt notified install coterie-compat-corosync
tap_check "notified: Corosync's notifier stays" grep -qx corosync-notifyd <(installed notified)
notifies notified corosync-notifyd
tap_check "notified: ours by apt" apt notified install --no-install-recommends coterie-notifyd
notifies notified coterie-notifyd
tap_check "notified: apt purge corosync-notifyd" apt notified purge corosync-notifyd
notifies notified coterie-notifyd
tap_check "notified: an upgrade of ours" apt notified install --reinstall coterie-notifyd
notifies notified coterie-notifyd
tap_check "notified: Corosync's again" apt notified "${confold[@]}" install corosync-notifyd
notifies notified corosync-notifyd
tap_check "notified: ours once more" apt notified install --no-install-recommends coterie-notifyd
tap_check "notified: Corosync's again, without a question" apt notified install corosync-notifyd
notifies notified corosync-notifyd
tap_check "notified: no file is diverted" test -z "$(inside notified dpkg-divert --list '*notifyd*')"
tap_check "notified: ours for the last time" apt notified install --no-install-recommends coterie-notifyd
tap_check "notified: purge of both" apt notified purge corosync-notifyd coterie-notifyd
tap_check "notified: nothing is left of it" test -z "$(cd "$work/notified" && find etc var/lib/coterie* -name '*notifyd*')"
layer_close notified

# --- what the operator decides stays decided ---

tap_check "chosen: a node" over chosen
tap_check "chosen: Coterie by apt" apt chosen install coterie-compat-corosync
tap_check "chosen: it is disabled by Corosync's name" quietly inside chosen systemctl disable corosync
tap_check "chosen: nothing starts with the node" test -z "$(boots chosen)"
tap_check "chosen: an upgrade of Coterie" apt chosen install --reinstall coterie-compat-corosync coterie
tap_check "chosen: nothing starts with the node" test -z "$(boots chosen)"
tap_check "chosen: it is enabled by Corosync's name" quietly inside chosen systemctl enable corosync
tap_check "chosen: Coterie starts with the node" test "$(boots chosen)" = /usr/sbin/coterie
tap_check "chosen: Corosync again" apt chosen install "${back[@]}"
with_theirs chosen
tap_check "chosen: Corosync is disabled" quietly inside chosen systemctl disable corosync
tap_check "chosen: Coterie by apt" apt chosen install coterie-compat-corosync
tap_check "chosen: nothing starts with the node" test -z "$(boots chosen)"
tap_check "chosen: purge of both" apt chosen purge corosync '^coterie' '^libcoterie'
tap_check "chosen: of the operator's files the key is left" test "$(cd "$work/chosen" && ls -d "${operator[@]/#/.}" 2>/dev/null)" = \
	./etc/corosync/authkey
tap_check "chosen: and no log" test ! -e "$work/chosen/var/log/corosync"
tap_check "chosen: no file is diverted" test -z "$(inside chosen dpkg-divert --list '*coro*')"
layer_close chosen
tap_end
