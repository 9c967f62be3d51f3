#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Make a root of Debian with Corosync and Pacemaker, for the tests of packages: root.sh SUITE FOLDER. It needs root,
# debootstrap and the mirror that apt uses here, takes 350 MB and some minutes, and leaves a root alone that is there.
set -u
suite=$1
folder=$2
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
[ ! -x "$folder/usr/sbin/pacemakerd" ] || exit 0
command -v debootstrap >/dev/null || { echo "no debootstrap" >&2 && exit 1; }
mirror=$(apt-cache policy 2>/dev/null | sed -n 's/^ *[0-9]* \([a-z]*:[^ ]*\) [a-z]*\/main .*/\1/p' | head -n 1)
[ -n "$mirror" ] || { echo "apt has no mirror" >&2 && exit 1; }
mkdir -p "$(dirname "$folder")" && made=$(mktemp -d "$folder.XXXXXX") || exit 1
chmod 755 "$made"
debootstrap --variant=minbase --include=corosync,pacemaker,pacemaker-cli-utils "$suite" "$made" "$mirror" >"$folder.log" 2>&1 || {
	tail -n 3 "$folder.log" >&2
	rm -rf --one-file-system "$made"
	exit 1
}
# Under its name only when it is whole.
mv -T "$made" "$folder"
