#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# debian13.sh [--build]
# Makes the Debian 13 that tests of kind corosync13 need, in the folder LAB_13 (/var/tmp/debian13 unless told), and
# prints that folder. It stays there: a second call changes nothing. With --build it also has compilers and
# what a build of this tree needs. The mirror is DEBIAN_MIRROR, otherwise that of this machine's apt, otherwise debootstrap's
# own. Where no root can be made the last line says why, and the status is 1. About 420 MB, 1.3 GB with --build.
set -u
here=$(cd "$(dirname "$0")" && pwd)
folder=${LAB_13:-/var/tmp/debian13}
work=$folder.new
packages=(corosync pacemaker libcpg-dev libquorum-dev libvotequorum-dev libcfg-dev libcmap-dev libsam-dev libknet-dev)

fail() {
	echo "debian13.sh: $*" >&2
	exit 1
}

mirror() {
	[ -z "${DEBIAN_MIRROR:-}" ] || {
		echo "$DEBIAN_MIRROR"
		return
	}
	# shellcheck disable=SC2016 # of apt
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' 2>/dev/null |
		grep -v security | head -n 1
}

# inside FOLDER COMMAND...: with /proc and shared memory, in namespaces of its own: nothing stays mounted or running.
inside() {
	local root=$1

	shift
	# shellcheck disable=SC2016 # of the inner shell
	unshare --mount --pid --fork --kill-child bash -c '
		root=$1 && shift
		mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/dev/shm" &&
			{ [ ! -e /etc/resolv.conf ] || mount --bind /etc/resolv.conf "$root/etc/resolv.conf"; } &&
			exec chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"' - "$root" "$@"
}

make_root() {
	local from

	command -v debootstrap >/dev/null || fail "no debootstrap"
	from=$(mirror)
	rm -rf --one-file-system "$work"
	# shellcheck disable=SC2086 # none: debootstrap's own
	debootstrap --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" trixie "$work" $from \
		>"$folder.log" 2>&1 || fail "debootstrap failed: $(tail -n 1 "$folder.log")"
	# Packages must not start daemons: there is no init.
	printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d"
	chmod 755 "$work/usr/sbin/policy-rc.d"
	[ -e "$work/etc/resolv.conf" ] || : >"$work/etc/resolv.conf"
	chroot "$work" corosync -v | grep -q "version '3\.1\.9'" || fail "this mirror's Corosync is not 3.1.9"
	mv "$work" "$folder"
}

# List the packages that conf/install-deps installs to build with, and both compilers.
build_packages() {
	sed -n '/^build=(/,/)/{s/^build=(//; s/)//; p}' "$here/../../conf/install-deps"
	[ "$(dpkg --print-architecture)" != amd64 ] || echo libipsec-mb-dev
	echo clang procps iproute2 python3
}

add_build() {
	local names

	read -rd '' -a names < <(build_packages)
	# shellcheck disable=SC2016 # of the inner shell
	inside "$folder" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' - "${names[@]}" \
		>>"$folder.log" 2>&1 || fail "the packages to build with cannot be installed: $(tail -n 1 "$folder.log")"
	: >"$folder/.builds"
}

# Without the lock, which a build of packages in this root holds for many minutes.
if [ -x "$folder/usr/sbin/corosync" ] && { [ "${1:-}" != --build ] || [ -e "$folder/.builds" ]; }; then
	echo "$folder"
	exit
fi
[ "$(id -u)" -eq 0 ] || fail "only root can make a Debian 13"
exec 8>"$folder.lock" || fail "$folder.lock cannot be written"
flock 8
[ -x "$folder/usr/sbin/corosync" ] || make_root
[ "${1:-}" != --build ] || [ -e "$folder/.builds" ] || add_build
echo "$folder"
