#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The RPM packages of this tree, made and installed with Debian's rpm: rpm.sh. The tarball of make dist is built as README.md
# says. What the packages require of a distribution stands in fedora.txt, under Fedora's names. A root that has exactly those
# names and what Fedora's Pacemaker and qdevice need takes the packages, upgrades and removes them.
# RPM_KEEP=FOLDER has the packages and the log of the build afterwards, which are taken from there the next time.
# shellcheck source=tests/packages/roots.sh
. "$(dirname "$0")/roots.sh"
roots_open bookworm

names=$ROOTS_HERE/fedora.txt
source=${abs_top_srcdir:-$(cd "$ROOTS_HERE/../.." && pwd)}
version=$(sed -n 's/^AC_INIT(\[coterie\], \[\(.*\)\])/\1/p' "$source/configure.ac")
keep=${RPM_KEEP:-}

# Write the macros that Fedora's packages systemd-rpm-macros and python-rpm-macros define. Debian's rpm has none of them.
macros() {
	cat <<-'EOF'
		%_libdir /usr/lib64
		%_unitdir /usr/lib/systemd/system
		%_sysusersdir /usr/lib/sysusers.d
		%_tmpfilesdir /usr/lib/tmpfiles.d
		%_udevrulesdir /usr/lib/udev/rules.d
		%_topdir /rpm
		%__python3 /usr/bin/python3
		%python3_sitelib /usr/lib/python3.11/site-packages
		%debug_package %{nil}
		%systemd_post :
		%systemd_preun :
		%systemd_postun :
	EOF
}
build_open() {
	layer_open build "$root.build/upper:$root" || return
	apt build update && apt build install --no-install-recommends rpm xz-utils || return
	macros >"$work/build/root/.rpmmacros"
	mkdir -p "$work/build/rpm" "$work/build/tree" "$work/build/src" "$work/build/ccache"
	if git -C "$source" rev-parse 2>/dev/null; then
		git -C "$source" ls-files -z
	else
		(cd "$source" && find . -type f ! -path './build*' -print0)
	fi | tar -C "$source" --null -T - -c | tar -C "$work/build/tree" -x
}
tarball() {
	quietly inside build sh -c 'cd /tree && ./autogen.sh && mkdir -p build && cd build &&
		CONFIG_SHELL=/bin/sh ../configure --quiet && make dist-xz && mv coterie-*.tar.xz /src/'
}
# The names of what builds it are Fedora's, so rpm finds none of them here.
build() {
	inside build sh -c "cd /src && HOME=/root PATH=/usr/lib/ccache:\$PATH CCACHE_DIR=/ccache RPM_BUILD_NCPUS=$(nproc) \
		nice -n 10 rpmbuild -tb --nodeps --nocheck --target $(uname -m)-redhat-linux coterie-$version.tar.xz" \
		>"$work/build.log" 2>&1 </dev/null || { tail -n 30 "$work/build.log" && return 1; }
	mkdir -p "$work/build/made" && find "$work/build/rpm/RPMS" -name '*.rpm' -exec cp -t "$work/build/made" {} +
	[ -z "$keep" ] || { mkdir -p "$keep" && cp "$work/build/made"/*.rpm "$work/build.log" "$keep/"; }
}

# rpm_files ARGUMENT...: a question to all packages.
rpm_files() { inside build sh -c 'exec rpm -qp "$@" /made/*.rpm' - "$@"; }
packages() { rpm_files --qf '%{NAME}\n' | sort; }
# The packages of debian/control, with one for all libraries, and coterie-dev under Fedora's way of naming it.
expected() { sed -nE 's/^Package: //p' "$source/debian/control" | sed -E 's/^libcoterie-.*/coterie-libs/; s/^coterie-dev$/coterie-devel/' | sort -u; }
# required: names that the packages require of others, without versions. Choices are left to rpm.
unversioned() { sed -E 's/ (=|<=|>=|<|>) .*//' | sort -u; }
required() { comm -23 <(rpm_files --requires | grep -vE '^rpmlib\(|^\(' | unversioned) <(rpm_files --provides | unversioned); }
libc='^(lib[cm]|ld-linux-[^.]*)\.so\.|^rtld\(|^python\(abi\)$'
listed() { sed -nE 's/^run \| ([^|]*) \|.*/\1/p' "$names" | sed 's/ *$//' | sort; }
builders() { sed -nE 's/^build \| ([^|]*) \|.*/\1/p' "$names" | sed 's/ *$//' | sort; }

# stub NAME LINE...: a package of that name without files, in /made/stubs.
stub() {
	local name=$1

	shift
	{
		printf '%s\n' "Name: $name" 'Version: 3.1.9' 'Release: 1' 'Summary: -' 'License: -' 'BuildArch: noarch' 'AutoReqProv: no' "$@" \
			'%description' '-' '%files'
	} >"$work/build/src/$name.spec"
	quietly inside build rpmbuild -bb --define '_rpmdir /stubs' "/src/$name.spec"
}
# fedora ARGUMENT...: rpm with the root's own list of packages; patterns name files. The scripts of packages would run in that
# root, which has no shell, so they do not run.
fedora() { quietly inside build sh -c "cd / && rpm --root /fedora --noscripts $*"; }
in_list() { inside build rpm --root /fedora -qa --qf '%{NAME}\n' | sort; }

tap_check "Debian's rpm, and the tree" build_open || tap_end
if [ -n "$keep" ] && ls "$keep"/*.rpm >/dev/null 2>&1; then
	mkdir -p "$work/build/made" && cp "$keep"/*.rpm "$work/build/made/"
else
	tap_check "make dist" tarball || tap_end
	tap_check "rpmbuild -tb" build || tap_end
fi
tap_check "a package for each of Debian's but the libraries'" diff <(expected) <(packages)
tap_check "no file is in two packages" test -z "$(rpm_files --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' | grep -v '^d' | sort | uniq -d)"
tap_check "what is required of others stands in fedora.txt" diff <(listed) <(required | grep -vE "$libc")
tap_check "what is required for the build stands in fedora.txt" diff <(builders) \
	<(sed -nE 's/^BuildRequires: *([^ ]*).*/\1/p' "$source/conf/coterie.spec.in" | sort)

# A cluster's other programs find symbols by their version nodes: those of the Corosync of the suite are provided.
theirs=$(find "$root/usr/lib" -name 'lib*.so.*' -type l -regextype egrep \
	-regex '.*/lib(corosync_common\.so\.4|(cmap|cpg|sam)\.so\.4|cfg\.so\.7|quorum\.so\.5|votequorum\.so\.8)' | sed "s,^$root,,")
[ "$(wc -w <<<"$theirs")" -ge 6 ]
tap $? "the libraries of Corosync are there" || tap_note "$theirs"
old=$(comm -13 <(rpm_files --provides | sort -u) <(inside build sh -c "printf '%s\n' $(paste -sd' ' <<<"$theirs") |
	xargs readlink -f | /usr/lib/rpm/elfdeps --provides" | grep '^lib.*(64bit)$' | sort -u))
test -z "$old"
tap $? "whatever Corosync's libraries provide is provided" || tap_note "$old"

mapfile -t lines < <({ listed && required | grep -E "$libc" | grep -v '^python'; } | sed 's/^/Provides: /')
inside build mkdir -p /fedora
tap_check "a root with Fedora's names" stub fedora-names "${lines[@]}" "Provides: python(abi) = 3.11"
tap_check "Corosync" stub corosync 'Requires: corosynclib = 3.1.9'
tap_check "its libraries" stub corosynclib "Provides: corosynclib($(uname -m | tr _ -)) = 3.1.9"
tap_check "Pacemaker" stub pacemaker 'Requires: corosync >= 3.1.1' 'Requires: corosynclib >= 3.1.1' 'Requires: libcpg.so.4()(64bit)' \
	'Requires: libcpg.so.4(COROSYNC_CPG_1.0)(64bit)' 'Requires: libcmap.so.4()(64bit)' 'Requires: libcmap.so.4(COROSYNC_CMAP_1.0)(64bit)' \
	'Requires: libquorum.so.5()(64bit)' 'Requires: libquorum.so.5(COROSYNC_QUORUM_1.0)(64bit)' 'Requires: libcfg.so.7()(64bit)'
tap_check "qdevice" stub corosync-qdevice 'Requires: corosync >= 2.4.0' 'Requires: corosynclib >= 2.4.0'
tap_check "Fedora's names are installed" fedora -i '/stubs/noarch/fedora-names-*.rpm'
tap_check "all of Coterie" fedora -i '/made/*.rpm'
tap_check "it is there" diff <(packages) <(in_list | grep -v '^fedora-names$')
tap_check "Pacemaker and qdevice on it" fedora -i '/stubs/noarch/pacemaker-*.rpm /stubs/noarch/corosync-qdevice-*.rpm'
! fedora --test -i '/stubs/noarch/corosync-3*.rpm' >/dev/null
tap $? "Corosync beside it is refused"
! fedora --test -e coterie-libs >/dev/null
tap $? "its libraries stay while Pacemaker needs them"
tap_check "the same again" fedora -U --replacepkgs '/made/*.rpm'
mapfile -t all < <(packages)
tap_check "Pacemaker goes" fedora -e pacemaker corosync-qdevice
tap_check "all of Coterie goes" fedora -e "${all[*]}"
left=$(cd "$work/build/fedora" && find . -name '*cot*' -o -name '*coro*' | grep -v '/var/lib/rpm')
test -z "$left"
tap $? "no file is left" || tap_note "$left"
tap_end
