# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What a stranger does with a template: source it after tests/tap.sh.
#
#	sdk_open             checks that it can be done here; sets work, a folder for all (the caller removes it)
#	sdk_install          puts what the build installs of it into $root, finds the SDK, sets plugin_dir
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

# Of what the build installs, the SDK, the daemon and its plugins go into a root of their own: nothing else
# of Coterie can be found there.
sdk_install() {
	local whole=$build/tests/abi/stage file

	[ -e "$whole.stamp" ] || tap_skip "nothing is staged (make check does it before the tests)"
	(cd "$whole" && find . -path '*/include/coterie/*' -o -name 'coterie-plugin.pc' -o -name 'coterie-testkit.pc' \
		-o -name 'libcoterie-testkit.so*' -o -name 'coterie-client.pc' -o -name 'libcoterie-client.so*' \
		-o -path '*/doc/coterie/lock/*' -o -path '*/doc/coterie/example-cpp/*' -o -path '*/template-*/*' -o -path '*/sbin/coterie' \
		-o -path '*/coterie/plugins/*.so') >"$work/list"
	while read -r file; do
		mkdir -p "$root/${file%/*}"
		cp -a "$whole/$file" "$root/$file"
	done <"$work/list"
	rm "$work/list"
	sdk_pc=$(find "$root" -name coterie-plugin.pc)
	tap_check "the SDK has a coterie-plugin.pc" test -n "$sdk_pc" || tap_end
	sdk_pc=${sdk_pc%/*}
	plugin_dir=$(PKG_CONFIG_LIBDIR=$sdk_pc pkg-config --variable=plugindir coterie-plugin)
	there=$work/there$plugin_dir
}

# A build of a stranger: no variable of ours, no package but the SDK's and, after sdk_needs libqb, that.
# Sanitizers of this build do not concern him, so he cannot link a test kit that has them.
sdk_has_kit=yes
[ "${COTERIE_KEEP_PLUGINS:-}" != 1 ] || sdk_has_kit=no
sdk_packages=
sdk_needs() {
	sdk_packages=:$(pkg-config --variable=pcfiledir "$1")
}
sdk_make() {
	local sbin

	sbin=$(find "$root" -path '*/sbin/coterie')
	env -i PATH="${sbin:+${sbin%/*}:}$build/exec:/usr/local/bin:/usr/bin:/bin" LC_ALL=C HOME="$work" \
		PKG_CONFIG_LIBDIR="$sdk_pc$sdk_packages" PKG_CONFIG_SYSROOT_DIR="${sdk_sysroot-$root}" \
		LD_LIBRARY_PATH="$root$(PKG_CONFIG_LIBDIR=$sdk_pc pkg-config --variable=libdir coterie-plugin)" \
		"$make" -s -C "$sdk_copy" CC="$compiler" \
		CFLAGS='-O2 -Wall -Wextra -Werror -Wconversion -Wno-sign-conversion' "$@"
}

# Its tests, as far as they can run here.
sdk_check() {
	if [ $sdk_has_kit = no ]; then
		tap_note "the test kit has sanitizers, which the template's tests have not: not run"
		return
	fi
	tap_check "make check of the template passes" sdk_make check ${sdk_seeds:+"SEEDS=$sdk_seeds"}
}

sdk_install_plugin() {
	sdk_sysroot='' sdk_make install DESTDIR="$work/there"
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
		sdk_install_plugin
	tap_check "under its name" test -e "$there/$name.so"
}
