#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's packages of this tree are installed, upgraded, removed and purged with apt: cycle.sh SUITE. In the end the root
# has the files, users and packages that it had before, whether all of them came together or one alone.
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
roots_open "${1:-bookworm}"

mapfile -t ours < <(sed -n 's/^Package: //p' "$debs/Packages" | grep -v -- -dbgsym | sort)
scripted=(coterie coterie-compat-corosync coterie-notifyd)

# A root without Corosync, which has the helper programs of the packages' scripts.
bare_open() {
	layer_open "$1" && apt "$1" update && apt "$1" install --no-install-recommends systemd || return
	apt "$1" purge '^corosync' '^pacemaker' '^libcrm' '^lib(corosync-common|cfg|cmap|cpg|quorum|sam|votequorum)[0-9-]' &&
		apt "$1" autoremove --purge
}
# files NAME: everything in the root but what package management itself writes.
files() {
	(cd "$work/$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./packages -o -path './var/cache/*' -o \
		-path './var/lib/apt/*' -o -path './var/lib/dpkg/*' -o -path './var/log/apt/*' -o -path './var/lib/systemd/*' -o \
		-name '*.log' -o -path './etc/*-' -o -name ld.so.cache -o -name supercatalog.old \) -prune -o -print | sort && cat etc/group etc/passwd)
}
versions() { inside "$1" dpkg-query -W -f '${Version}\n' "${ours[@]}" | sort -u; }
nothing_left() {
	diff "$work/before" <(files "$1") >"$work/difference" &&
		diff "$work/installed" <(installed "$1") >"$work/difference" ||
		{ head -n 30 "$work/difference" && return 1; }
}
# purge NAME: purge what is there of ours.
purge() {
	apt "$1" purge '^coterie' '^libcoterie' && apt "$1" autoremove --purge \
		-o APT::AutoRemove::SuggestsImportant=false -o APT::AutoRemove::RecommendsImportant=false
}

if ! tap_check "a bare root" bare_open bare; then
	tap_end
fi
files bare >"$work/before"
installed bare >"$work/installed"
version=$(sed -n 's/^Version: //p' "$debs/Packages" | sort -u)
umount -R "$work/bare"
over() { layer_open "$1" "$work/.bare/upper:$root"; }

tap_check "all: a root" over all
tap_check "all: ${#ours[@]} packages are installed" apt all install --no-install-recommends "${ours[@]}"
tap_check "all: of version $version" test "$(versions all)" = "$version"
tap_check "all: packages of the next version" newer "$version" "$work/all/next"
echo 'deb [trusted=yes] file:/next ./' >"$work/all/etc/apt/sources.list.d/next.list"
tap_check "all: upgrade" apt all update && tap_check "all: it is done" apt all dist-upgrade
tap_check "all: of version $version+next" test "$(versions all)" = "$version+next"
tap_check "all: the package system is sound" test -z "$(inside all dpkg --audit)"
tap_check "all: remove" apt all remove "${ours[@]}"
tap_check "all: no program is left" test -z "$(inside all find /usr -name '*coterie*' ! -path '*/doc/*')"
rm -rf "$work/all/next" "$work/all/etc/apt/sources.list.d/next.list"
tap_check "all: purge" purge all
tap_check "all: nothing is left" nothing_left all
layer_close all
for name in "${scripted[@]}"; do
	tap_check "$name: a root" over alone
	tap_check "$name: it is installed alone" apt alone install --no-install-recommends "$name"
	tap_check "$name: purge" purge alone
	tap_check "$name: nothing is left" nothing_left alone
	layer_close alone
done
tap_end
