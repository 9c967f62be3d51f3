#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./configure --enable-plugins, --enable-NAME, --disable-NAME: exactly those that are named are built as plugins, and all
# libraries and tools whatever is left out. PLUGINS_OPTION=each (make check-long) leaves out each one alone, and builds
# one such set.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
[ -x "$source/configure" ] || tap_skip "no configure (autogen.sh makes it)"
[ ! -e "$source/config.status" ] || tap_skip "the source folder is configured itself"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# configure FOLDER OPTION...: use one cache for all, so that not each of them checks the compiler again. The
# dependencies of a thousand files take longer than all the rest.
configure() {
	mkdir -p "$work/$1" && cd "$work/$1" || return
	"$source/configure" --quiet --cache-file="$work/cache" --disable-dependency-tracking \
		"${@:2}" >"$work/said" 2>&1
}

# value FOLDER VARIABLE: of its makefile, one word per line.
value() {
	printf 'include Makefile\nprint-value:\n\t@printf "=%%s\\n" $(%s)\n' "$2" |
		MAKEFLAGS='' make -s -C "$work/$1" -f - print-value 2>/dev/null | sed -n 's/^=//p' | sort
}

plugins() { value "$1" plugin_LTLIBRARIES | sed 's/\.la$//'; }

# without NAME...: all but these.
without() {
	local left=$all name folder=without

	for name in "$@"; do
		folder+=-$name
		left=$(grep -vx "$name" <<<"$left")
	done
	tap_check "configure without $*" configure "$folder" --enable-plugins="$(paste -sd' ' <<<"$left")"
	tap_check "all plugins but $*" diff <(echo "$left") <(plugins "$folder")
	for name in lib_LTLIBRARIES sbin_PROGRAMS bin_PROGRAMS corosyncinclude_HEADERS; do
		tap_check "without $*: $name is the same" diff <(value all $name) <(value "$folder" $name)
	done
}

tap_check "configure with all" configure all
all=$(plugins all)
tap_note "plugins: $(paste -sd' ' <<<"$all")"
for name in cfg cmap cpg evs knet quorum udp udpu votequorum; do
	tap_check "$name is one" grep -qx "$name" <<<"$all"
done
if [ "${PLUGINS_OPTION:-}" = each ]; then
	for name in $all; do
		without "$name"
	done
	tap_check "a build without cpg" env MAKEFLAGS='' make -s -j2 -C "$work/without-cpg"
	tap_check "has no cpg" test ! -e "$work/without-cpg/cpg.la"
	tap_check "has libcpg" test -e "$work/without-cpg/libcpg.la"
else
	without cpg votequorum
fi
tap_check "configure with a set, more and less" \
	configure some --enable-plugins="cmap cpg udpu" --disable-cmap --enable-evs --disable-wd
tap_check "those are built" diff <(printf '%s\n' cpg evs udpu) <(plugins some)
configure unknown --enable-plugins="udpu nonesuch"
tap_check "a name that is no plugin is refused" grep -q "no plugin 'nonesuch'" "$work/said"
configure unbuilt --disable-udpu --with-builtin="cpg udpu"
tap_check "a builtin that is left out is refused" grep -q "'udpu' is none of the plugins that are built" "$work/said"
tap_end
