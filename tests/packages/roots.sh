# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Tests in roots of Debian: source it, call roots_open, then the rest.
#
#	roots_open SUITE          skip where there is no root of that suite; namespaces; packages of this tree
#	layer_open NAME [FOLDER]  a root to write to, over FOLDER or the suite's root: $work/NAME
#	layer_close NAME          remove it
#	inside NAME COMMAND...    run a command in it; quietly COMMAND... shows its output only when it fails
#	installed NAME            its installed packages
#	apt NAME ARGUMENT...      apt-get in it, which has the packages of this tree and asks no questions
#	repository FOLDER         make the index of a folder of packages
#	newer VERSION FOLDER      make the packages of this tree once more, in FOLDER, as of the version VERSION+next
#
# Environment: LAB_12 and LAB_13 are the roots (/var/tmp/debian12, /var/tmp/debian13). root.sh makes them. PACKAGES_12 and
# PACKAGES_13 are folders of packages, instead of those that make.sh makes.

# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
ROOTS_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# root_folder SUITE
root_folder() {
	case $1 in
	bookworm) echo "${LAB_12:-/var/tmp/debian12}" ;;
	trixie) echo "${LAB_13:-/var/tmp/debian13}" ;;
	esac
}

# packages_folder SUITE
packages_folder() {
	case $1 in
	bookworm) echo "${PACKAGES_12:-$(root_folder "$1").packages}" ;;
	trixie) echo "${PACKAGES_13:-$(root_folder "$1").packages}" ;;
	esac
}

roots_open() {
	local reason

	suite=$1
	root=$(root_folder "$suite")
	debs=$(packages_folder "$suite")
	if [ -z "${ROOTS_INSIDE:-}" ]; then
		[ "$(id -u)" -eq 0 ] || tap_skip "not root"
		unshare --mount true 2>/dev/null || tap_skip "no mount namespaces"
		reason=$(bash "$ROOTS_HERE/root.sh" "$suite" "$root" 2>&1) || tap_skip "no root of $suite: $reason"
		ROOTS_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc bash "$(realpath "$0")" "$suite"
	fi
	work=$(mktemp -d)
	trap 'umount -l "$work" && rmdir "$work"' EXIT
	mount -t tmpfs -o mode=755 packages "$work" || exit
	tap_check "packages of this tree for $suite" bash "$ROOTS_HERE/make.sh" "$suite" || tap_end
}

layer_open() {
	local name=$1 lower=${2:-$root} top=$work/$1

	mkdir -p "$top" "$work/.$name/upper" "$work/.$name/work" &&
		mount -t overlay -o "lowerdir=$lower,upperdir=$work/.$name/upper,workdir=$work/.$name/work" overlay "$top" || return
	layer_devices "$top"
}

# layer_devices FOLDER: what a root needs beside its files. Packages start and stop no daemons in it.
layer_devices() {
	local top=$1

	mkdir -p "$top/dev/pts" "$top/dev/shm" "$top/packages"
	rm -f "$top/dev/null" "$top/dev/urandom" "$top/dev/ptmx"
	mknod -m 666 "$top/dev/null" c 1 3 && mknod -m 666 "$top/dev/urandom" c 1 9 && ln -s pts/ptmx "$top/dev/ptmx" &&
		ln -sfT /proc/self/fd "$top/dev/fd" && mount -t proc proc "$top/proc" && mount -t tmpfs shm "$top/dev/shm" &&
		mount -t devpts -o newinstance,ptmxmode=666 devpts "$top/dev/pts" || return
	[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$top/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$top/usr/sbin/policy-rc.d"
	chmod 755 "$top/usr/sbin/policy-rc.d"
	echo 'force-unsafe-io' >"$top/etc/dpkg/dpkg.cfg.d/test"
	[ ! -e "$debs/Packages" ] || {
		mount --bind "$debs" "$top/packages"
		echo 'deb [trusted=yes] file:/packages ./' >"$top/etc/apt/sources.list.d/packages.list"
	}
}

layer_close() {
	umount -R "$work/$1" && rm -rf --one-file-system "${work:?}/$1" "$work/.$1"
}

inside() {
	local name=$1

	shift
	chroot "$work/$name" "$@"
}

quietly() { "$@" >"$work/said" 2>&1 </dev/null || { tail -n 30 "$work/said" && return 1; }; }
apt() {
	local name=$1

	shift
	quietly inside "$name" apt-get -y -q -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root "$@"
}
installed() { inside "$1" dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p' | sort; }

# repository FOLDER: the index that apt reads.
repository() {
	local deb

	for deb in "$1"/*.deb; do
		dpkg-deb -f "$deb"
		printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$deb")" "$(stat -c %s "$deb")" \
			"$(sha256sum <"$deb" | cut -d ' ' -f 1)"
	done >"$1/Packages"
}

newer() {
	local version=$1 folder=$2 deb package=$work/package

	mkdir -p "$folder"
	for deb in "$debs"/*.deb; do
		case $deb in *-dbgsym_*) continue ;; esac
		rm -rf "$package" && dpkg-deb -R "$deb" "$package" && sed -i "s/$version/$version+next/g" "$package/DEBIAN/control" &&
			dpkg-deb -Znone -b "$package" "$folder/$(basename "$deb")" >/dev/null || return
	done
	rm -rf "$package"
	repository "$folder"
}
