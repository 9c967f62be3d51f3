# shellcheck shell=bash
# What a stranger does with a template: source it after tests/tap.sh.
#
#	sdk_open             checks that it can be done here; sets work, a folder for all (the caller removes it)
#	sdk_install GOAL...  installs these goals of the build into $root, finds the SDK, sets plugin_dir
#	sdk_build TEMPLATE NAME  builds plugin NAME from a copy of the installed TEMPLATE in $work/NAME and
#	                     installs it below $there; checks what it exports and needs
#	sdk_make ARGUMENT... make in that copy, as strict as can be
export LC_ALL=C
build=${abs_top_builddir:-$PWD}
make=${MAKE:-make}
compiler=${CC:-cc}
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR

sdk_open() {
	command -v pkg-config >/dev/null || tap_skip "no pkg-config"
	[ -f "$build/Makefile" ] || tap_skip "no build folder"
	work=$(mktemp -d)
	chmod 755 "$work"
	root=$work/root
}

sdk_install() {
	local pc

	tap_check "the SDK installs into a DESTDIR" "$make" -s -C "$build" "$@" DESTDIR="$root" || tap_end
	pc=$(find "$root" -name coterie-plugin.pc)
	tap_check "the SDK has a coterie-plugin.pc" test -n "$pc" || tap_end
	export PKG_CONFIG_PATH=${pc%/*}
	plugin_dir=$(pkg-config --variable=plugindir coterie-plugin)
	there=$work/there$plugin_dir
}

# Sanitizers of this build do not concern the stranger's.
sdk_make() {
	env PKG_CONFIG_SYSROOT_DIR="$root" "$make" -s -C "$sdk_copy" CC="$compiler" \
		CFLAGS='-O2 -Wall -Wextra -Werror -Wconversion -Wno-sign-conversion' "$@"
}

sdk_build() {
	local name=$2 installed exported libraries

	installed=$(find "$root" -type d -name "$1")
	sdk_copy=$work/$name
	tap_check "the template is installed" test -e "$installed/$name.c" || tap_end
	cp -r "$installed" "$sdk_copy"
	chmod -R u+w "$sdk_copy"
	tap_check "$name.so builds without a warning" sdk_make "$name.so" || tap_end
	exported=$(nm -D --defined-only "$sdk_copy/$name.so" | awk '{ print $3 }')
	tap_check "it exports its descriptor and nothing else" \
		test "$exported" = "${name}_LTX_coterie_plugin"
	libraries=$(readelf -d "$sdk_copy/$name.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	tap_check "it needs the C library alone" test "$libraries" = libc.so.6
	tap_check "it installs into the plugin folder" \
		env PKG_CONFIG_SYSROOT_DIR= "$make" -s -C "$sdk_copy" install CC="$compiler" \
		DESTDIR="$work/there"
	tap_check "under its name" test -e "$there/$name.so"
}
