# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Programs of a Debian 13 on this machine, with Corosync 3.1.9. Source it in a mount namespace of its own.
# tests/interop/debian13.sh makes the root in the folder LAB_13. No test changes it there.
#
#	root13_missing         true where its programs cannot run; says why
#	root13_open FOLDER PATH...  mounts the root at FOLDER, with what a test writes to it in memory, and with this
#	                       machine's /dev, /proc and PATHs at the same places
#	root13_libraries       its folder of libraries, as seen inside
ROOT13=${LAB_13:-/var/tmp/debian13}

root13_missing() {
	if [ ! -x "$ROOT13/usr/sbin/corosync" ]; then
		echo "no Debian 13 in $ROOT13: see tests/interop/debian13.sh"
	elif [ "$(id -u)" -ne 0 ]; then
		# In a user namespace the owner of the files has no number, so that an overlay cannot change them.
		echo "only root can run programs of the Debian 13 in $ROOT13"
	else
		return 1
	fi
}

root13_libraries() {
	local path

	path=$(echo "$ROOT13"/usr/lib/*/libcpg.so.4)
	path=${path#"$ROOT13"}
	echo "${path%/*}"
}

root13_open() {
	local folder=$1 path lower

	shift
	lower=$(realpath "$ROOT13")
	mkdir -p "$folder" && mount -t tmpfs -o mode=755 root13 "$folder" &&
		mkdir "$folder/upper" "$folder/work" &&
		mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" root13 "$folder" || return
	# Without a name server the reference's reverse look-ups stall its start.
	: >"$folder/etc/resolv.conf"
	echo 'hosts: files' >"$folder/etc/nsswitch.conf"
	mount --rbind /dev "$folder/dev" && mount --rbind /proc "$folder/proc" || return
	for path in "$@"; do
		mkdir -p "$folder$path" && mount --bind "$path" "$folder$path" || return
	done
}
