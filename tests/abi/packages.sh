#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Compares the packages of debian/ and conf/coterie.spec.in with the tree. Each installed file is in one of them.
# Plugins and libraries have their own packages, and the symbols files list the exports of the libraries.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$PWD}
debian=$source/debian
spec=$source/conf/coterie.spec.in
[ -e "$build/Makefile" ] || tap_skip "no build folder"

# value VARIABLE: of the build's makefile, one word per line.
value() {
	# shellcheck disable=SC2016 # make expands it
	printf 'include Makefile\nprint-value:\n\t@printf "=%%s\\n" $(%s)\n' "$1" |
		MAKEFLAGS='' make -s -C "$build" -f - print-value 2>/dev/null | sed -n 's/^=//p' | sort -u
}

# The plugins that could be built, whatever this build leaves out.
plugins() { sed -n 's/^m4_define(\[coterie_plugins\], \[\(.*\)\])/\1/p' "$source/configure.ac" | xargs -n 1; }

# listed PATTERN: exactly one package has a file of this name.
listed() {
	local found

	found=$(grep -lxE "(usr|etc)/([^ ]*/)?$1( .*)?" "$debian"/*.install)
	[ "$(grep -c . <<<"$found")" -eq 1 ] || { echo "in: ${found:-none}" && return 1; }
}
# symbols_agree PACKAGE LIBRARY: what Debian's tools are told, and what tests/abi holds.
symbols_agree() {
	diff <(sed -E 's/ .*//; s/@@/@/; /@/!{/^CO(ROSYNC|TERIE)_/s/.*/&@&/}; /@/!s/$/@Base/' \
		"$source/tests/abi/$2.symbols" | sort) <(sed -nE 's/^ (.*) [0-9.]+$/\1/p' "$debian/$1.symbols" | sort)
}
packages() { sed -n 's/^Package: //p' "$debian/control" | sort; }

tap_check "debian/ is in the tarball whole" diff <(value EXTRA_DIST | grep '^debian/') <(cd "$source" && find debian -maxdepth 2 \
	-type f -regextype egrep -regex 'debian/([^/]*\.(dirs|install|lintian-overrides|postinst|postrm|preinst|prerm|symbols)|[a-z-]*|source/.*)' \
	! -name files ! -name debhelper-build-stamp | sort)
tap_check "one version" diff <(sed -n 's/^AC_INIT(\[coterie\], \[\(.*\)\])/\1/p' "$source/configure.ac") \
	<(sed -n '1s/.*(\(.*\)).*/\1/p' "$debian/changelog")
for name in $(plugins); do
	tap_check "plugin $name has a package" listed "plugins/$name\.so"
	tap_check "plugin $name is in the spec" grep -q "plugindir}/$name\.so\$" "$spec"
done
for name in $(value sbin_PROGRAMS) $(value bin_PROGRAMS) $(value tool_names); do
	tap_check "program ${name##*/} has a package" listed "s?bin/${name##*/}"
	tap_check "program ${name##*/} is in the spec" grep -q "/${name##*/}\$" "$spec"
done
for name in $(value dist_man_MANS | grep -v '\.3$'); do
	tap_check "page ${name##*/} has a package" listed "man./${name##*/}"
	tap_check "page ${name##*/} is in the spec" grep -q "/${name##*/}\*\$" "$spec"
done
while read -r soname _; do
	name=${soname%%.so*}
	files=$(grep -lE "^$soname " "$debian"/*.symbols)
	tap_check "$soname has a symbols file" test -n "$files" || continue
	package=$(basename "$files" .symbols)
	tap_check "$soname is in that package" grep -qxF "usr/lib/*/$soname*" "$debian/$package.install"
	tap_check "$soname is in the spec" grep -q "/$soname\*\$" "$spec"
	tap_check "$package names what $name exports" symbols_agree "$package" "$name"
done < <(grep -v '^#' "$source/tests/abi/libraries.txt")
for name in kv client; do
	tap_check "libcoterie-${name}0 names what libcoterie-$name exports" symbols_agree libcoterie-${name}0 libcoterie-$name
done
# with_headers FILE: of the packages that have headers, those that have this library
with_headers() { grep -lE '^usr/include/' "$debian"/*.install | xargs grep -lE "/$1\.so(\.[0-9]+)?\*"; }
# The test kit is for tests, which are built where they run.
for name in $(value lib_LTLIBRARIES | sed 's/\.la$//' | grep -v testkit); do
	tap_check "programs with $name need no package of headers" test -z "$(with_headers "$name")"
done
for name in $(value lib_LTLIBRARIES | sed 's/\.la$//'); do
	grep -q "^$name\.so" "$source/tests/abi/libraries.txt" && continue
	tap_check "$name has a package" listed "lib/\*/$name\.so(\.[0-9]+)?\*"
	tap_check "$name is in the spec" grep -qE "/$name\.so(\.[0-9]+)?\*\$" "$spec"
done
tap_check "the Python package has a package" grep -qx 'usr/lib/python3/dist-packages/coterie' "$debian/python3-coterie.install"
tap_check "the Python package is in the spec" grep -qx '%{python3_sitelib}/coterie/' "$spec"
tap_check "the Python package has the version of the tree" grep -qx "__version__ = \"$(value VERSION)\"" \
	"$source/bindings/python/coterie/__init__.py"
for name in $(basename -a -s .install "$debian"/*.install | sort -u); do
	tap_check "$name.install is a package's" grep -qx "$name" <(packages)
done
# Check files for other programs with those programs, if they are installed.
if command -v systemd-analyze >/dev/null; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	sed 's,^ExecStart=[^ ]*,ExecStart=/bin/true,' "$build/conf/coterie.service" >"$work/coterie.service"
	# systemd only prints a message for settings that it does not know.
	tap_check "systemd takes the unit" test -z "$(systemd-analyze verify --man=no "$work/coterie.service" 2>&1)"
fi
if command -v rpmspec >/dev/null; then
	tap_check "rpm reads the spec: a package for each of Debian's but the libraries'" diff \
		<(packages | sed -E 's/^libcoterie-.*/coterie-libs/; s/^coterie-dev$/coterie-devel/' | sort -u) \
		<(sed "s/@VERSION@/$(value VERSION)/" "$spec" | rpmspec -q --qf '%{name}\n' /dev/stdin | sort)
fi
for name in $(sed -n '/^Build-Depends:/,/^[S]/{s/^Build-Depends://;s/[ ,].*-compat.*//;s/[[<].*//;s/[ ,]//g;p}' "$debian/control" |
	grep -E '^(lib|check|pkg)'); do
	tap_check "conf/install-deps installs $name" grep -qwF "$name" "$source/conf/install-deps"
done
tap_end
