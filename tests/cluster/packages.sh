#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's packages of this tree (make check-long, as root, with a mirror of Debian in reach): they are made and lintian
# has nothing to say; in a bare root three of them are a ring; one more service comes by reload; purge leaves nothing;
# Corosync with what depends on it gives way to them; and with the SDK alone both templates build, and pass their tests,
# before a daemon comes that loads them. PACKAGES=FOLDER takes packages that are there already, BARE_ROOT=TAR
# a root made by mmdebstrap; PACKAGES_KEEP=FOLDER keeps what was made.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$source/build}
[ "$(id -u)" -eq 0 ] || tap_skip "not root"
for program in mmdebstrap dpkg-buildpackage dh lintian unshare; do
	command -v $program >/dev/null || tap_skip "no $program"
done
if [ -z "${PACKAGES_INSIDE:-}" ]; then
	unshare --mount true 2>/dev/null || tap_skip "no mount namespaces"
	PACKAGES_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc bash "$(realpath "$0")"
fi
work=$(mktemp -d)
root=$work/root
debs=${PACKAGES:-$work/debs}
archive=${BARE_ROOT:-$work/bare.tar}
trap 'umount -R "$root/proc" "$root/dev/shm" 2>/dev/null; rm -rf "$work"' EXIT

# --- made ---

# The tree as it is checked in, or as the tarball brought it.
copy_source() {
	mkdir -p "$debs/coterie"
	if git -C "$source" rev-parse 2>/dev/null; then
		git -C "$source" ls-files -z | tar -C "$source" --null -T - -c | tar -C "$debs/coterie" -x
	else
		cp -a "$source/." "$debs/coterie"
	fi
}

if [ -z "${PACKAGES:-}" ]; then
	copy_source
	(cd "$debs/coterie" && DEB_BUILD_OPTIONS="nocheck parallel=1" nice dpkg-buildpackage -us -uc -b) >"$work/log" 2>&1
	tap $? "dpkg-buildpackage" || tap_note "$(tail -n 40 "$work/log")"
fi
compgen -G "$debs/coterie_*.changes" >/dev/null &&
	tap_check "lintian has nothing to say" lintian --suppress-tags initial-upload-closes-no-bugs \
		--fail-on error,warning --allow-root "$debs"/coterie_*.changes
[ -z "${PACKAGES_KEEP:-}" ] || cp "$debs"/*.deb "$debs"/*.changes "$PACKAGES_KEEP"

# --- a bare root ---

unset CC CFLAGS MAKEFLAGS # its compiler is its own
inside() { chroot "$root" "$@"; }
quietly() { "$@" >"$work/said" 2>&1 || { tail -n 20 "$work/said" && return 1; }; }
# bare FOLDER: one as Debian's installer would leave it, less everything that can be missing.
bare() {
	mkdir -p "$1"
	[ -e "$archive" ] || quietly mmdebstrap --variant=minbase \
		--include=systemd-standalone-sysusers,systemd-standalone-tmpfiles bookworm "$archive" || return
	tar -C "$1" -xf "$archive" --exclude='./dev/*' || return
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod +x "$1/usr/sbin/policy-rc.d"
	mknod -m 666 "$1/dev/null" c 1 3 && mknod -m 666 "$1/dev/urandom" c 1 9 && mkdir -p "$1/dev/shm" "$1/proc" &&
		ln -sf /proc/self/fd "$1/dev/fd" || return
	mount -t proc proc "$1/proc" && mount -t tmpfs shm "$1/dev/shm"
}

# install NAME...: ours by file, the others by name; nothing that is only recommended.
install() {
	local names=() name

	for name in "$@"; do
		if compgen -G "$debs/${name}_*.deb" >/dev/null; then
			cp "$debs/${name}"_*.deb "$root/tmp/"
			names+=("/tmp/$(basename "$debs/${name}"_*.deb)")
		else
			names+=("$name")
		fi
	done
	quietly inside apt-get install -y -q --no-install-recommends "${names[@]}"
}
installed() { inside dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p' | sort; }
ours() { installed | grep -E 'coterie' | paste -sd' '; }

# Everything in the root but what package management itself writes.
files() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path './var/cache/*' -o \
		-path './var/lib/apt/*' -o -path './var/lib/dpkg/*' -o -path './var/log/apt/*' -o -name '*.log' -o \
		-path './etc/*-' \) -prune -o -print | sort && cat etc/group etc/passwd)
}

if ! tap_check "a bare root" bare "$root" || ! tap_check "with a mirror" quietly inside apt-get update; then
	tap_end
fi
files >"$work/before"
tap_check "the daemon, udpu and cpg are installed" install coterie coterie-transport-udpu coterie-service-cpg
tap_check "and nothing else of ours" test "$(ours)" = "coterie coterie-service-cpg coterie-transport-udpu"
tap_note "with $(comm -13 <(tar -xOf "$archive" ./var/lib/dpkg/status | sed -n 's/^Package: //p' | sort) \
	<(installed) | paste -sd' ')"
tap_check "it has a user" grep -q '^coterie:' "$root/etc/passwd"
tap_check "whose folder is its own" \
	test "$(chroot "$root" stat -c %a:%U:%G /var/lib/coterie)" = 700:coterie:coterie
tap_check "and whose log folder the group reads" \
	test "$(chroot "$root" stat -c %a:%U:%G /var/log/coterie)" = 750:coterie:coterie
tap_check "the unit runs as the user" grep -qx User=coterie "$root/lib/systemd/system/coterie.service"
# An upgrade from a version whose daemon ran as root.
install -m 600 /dev/null "$root/var/lib/coterie/ringid_1"
ln -s /etc/passwd "$root/var/lib/coterie/link"
chroot "$root" dpkg-reconfigure coterie >"$work/said" 2>&1 ||
	chroot "$root" sh /var/lib/dpkg/info/coterie.postinst configure 0 >"$work/said" 2>&1
tap_check "an upgrade gives the state to the user" \
	test "$(chroot "$root" stat -c %a:%U /var/lib/coterie/ringid_1)" = 600:coterie
tap_check "and no file behind a link" test "$(chroot "$root" stat -c %U /etc/passwd)" = root
rm "$root/var/lib/coterie/ringid_1" "$root/var/lib/coterie/link"

# A client from the build, with its library. The demo finds them in a copy of the layout of a build
# folder.
stage() {
	mkdir -p "$root/tmp/build/exec" "$root/tmp/build/conf/.libs" "$root/tmp/build/.libs" "$root/tmp/conf"
	cp "$build/conf/.libs/demo_client" "$root/tmp/build/conf/.libs/" &&
		cp "$build"/.libs/lib{cpg,corosync_common}.so.4 "$root/tmp/build/.libs/" &&
		ln -s /usr/sbin/coterie "$root/tmp/build/exec/coterie" &&
		cp "$source"/conf/demo "$source"/conf/corosync.conf.example-demo "$root/tmp/conf/"
}
alone() { unshare --net sh -c 'ip link set lo up; exec chroot "$@"' sh "$root" "$@"; }
tap_check "a client from the build" stage
tap_check "they are a ring of three: the demo" alone timeout 60 bash /tmp/conf/demo /tmp/build

# --- one more service, while the daemon runs ---

config() {
	mkdir -p "$root/etc/corosync"
	printf '%s\n' 'totem {' 'version: 2' 'transport: udpu' '}' 'nodelist {' 'node {' 'name: one' 'nodeid: 1' \
		'ring0_addr: 127.0.0.1' '}' '}' 'logging {' 'to_stderr: yes' 'to_syslog: no' '}' "$@" \
		>"$root/etc/corosync/corosync.conf"
}
# until COMMAND...: within 10 s.
until_true() {
	local end=$((SECONDS + 10))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}
# The tool works without its services: a reload is of this node then, and votequorum needs the service quorum alone.
tap_check "the tool is installed" install coterie-tools libcoterie-{cfg7,cmap4,common4,cpg4,quorum5,votequorum8}
config
chroot "$root" /usr/sbin/coterie -f >"$work/daemon" 2>&1 &
daemon=$!
tap_check "a daemon of one node runs" until_true grep -q "ready to provide service" "$work/daemon"
tap_check "without votequorum" test -z "$(grep 'vote quorum service' "$work/daemon")"
tap_check "votequorum is installed" install coterie-service-quorum coterie-service-votequorum
config 'quorum {' 'provider: corosync_votequorum' '}'
for file in bash-completion/completions/coterie-ctl bash-completion/completions/corosync-cfgtool \
	fish/vendor_completions.d/corosync-vqsim.fish zsh/vendor-completions/_coterie-ctl; do
	tap_check "completion is there: $file" inside test -s /usr/share/$file
done
tap_check "reload" inside coterie-ctl reload
tap_check "votequorum is there" until_true grep -q "Service engine loaded: corosync vote quorum service" "$work/daemon" || tap_note "$(tail -n 20 "$work/daemon")"
tap_check "and decides" until_true grep -q "Using quorum provider corosync_votequorum" "$work/daemon"
tap_check "this node is quorate by it" until_true inside coterie-ctl quorum
kill $daemon && wait $daemon
rm -r "$root/etc/corosync"

# --- purge ---

tap_check "purge" quietly inside apt-get purge -y -q '*coterie*'
tap_check "and what came with them" quietly inside apt-get autoremove --purge -y -q
files >"$work/after"
tap_check "nothing is left" diff "$work/before" "$work/after"

# --- in the place of Corosync ---

tap_check "Corosync and a program that needs it" install corosync dlm-controld libcpg-dev
all=(coterie coterie-compat-corosync coterie-dev coterie-tools)
for name in "$debs"/{libcoterie,coterie-service,coterie-transport}-*.deb; do
	name=$(basename "$name")
	case $name in *-dbgsym_*) ;; *) all+=("${name%%_*}") ;; esac
done
tap_check "gives way to ours" install "${all[@]}"
tap_check "the program stays" grep -qx dlm-controld <(installed)
tap_check "Corosync has gone" test -z "$(installed | grep -xE 'corosync|libcpg.*|libcfg.*|libcmap.*')"
tap_check "its name is ours" test "$(inside readlink -f /usr/sbin/corosync)" = /usr/sbin/coterie
tap_check "its config is good for ours" inside corosync -t
tap_check "its unit's name is not masked" test ! -e "$root/etc/systemd/system/corosync.service"
tap_check "and back again, with our libraries" quietly inside apt-get install -y -q --no-install-recommends \
	corosync coterie-compat-corosync- coterie-dev-
tap_check "Corosync is there" grep -qx corosync <(installed)
tap_check "on our libraries" grep -qx libcoterie-cpg4 <(installed)

# --- the SDK alone, and then a daemon ---

anew() {
	umount -R "$root/proc" "$root/dev/shm" && rm -rf --one-file-system "$root" && bare "$root" &&
		quietly inside apt-get update
}
template() { # TARGET NAME: in its copy
	quietly inside make -s -C "/tmp/$2" "$1"
}
test_alone() { # NAME
	template "test_$1" "$1" && quietly inside sh -c "cd /tmp/$1 && ./test_$1 ./$1.so"
}
tap_check "another bare root" anew
tap_check "the SDK and a compiler are installed" install coterie-sdk gcc libc6-dev libqb-dev make pkg-config
tap_check "and nothing else of ours" test "$(ours)" = coterie-sdk
for pair in service:tally transport:unixgram; do
	name=${pair#*:}
	tap_check "the template for a ${pair%:*} is there" \
		cp -r "$root/usr/share/doc/coterie-sdk/examples/template-${pair%:*}" "$root/tmp/$name"
	tap_check "it builds" template "$name.so" "$name"
	tap_check "it passes its tests with the test kit" test_alone "$name"
done
tap_check "with its client" template tallyctl tally
tap_check "the daemon is installed" install coterie
for name in tally unixgram; do
	tap_check "$name is good for the daemon" template check "$name"
	tap_check "and is installed" template install "$name"
done
config 'service {' 'name: tally' '}'
sed -i 's/^transport: udpu/transport: unixgram/' "$root/etc/corosync/corosync.conf"
chroot "$root" /usr/sbin/coterie -f >"$work/daemon" 2>&1 &
daemon=$!
tap_check "a daemon runs on the one" until_true grep -q "ready to provide service" "$work/daemon"
tap_check "and with the other" grep -q "Service engine loaded: a number that every node agrees on" "$work/daemon" || tap_note "$(tail -n 20 "$work/daemon")"
tap_check "whose client adds" quietly inside /tmp/tally/tallyctl add 5
kill $daemon && wait $daemon
tap_end
