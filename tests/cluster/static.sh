#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./configure --with-builtin="udpu cpg" --enable-static-binary: a daemon in one file. It names no dlopen(), is small, says
# what it has, and runs the demo. STATIC=no (make check-long): builtins alone, which libltdl finds.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
[ -x "$source/configure" ] || tap_skip "no configure (autogen.sh makes it)"
[ ! -e "$source/config.status" ] || tap_skip "the source folder is configured itself"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Built once: what depends on what is nobody's concern.
options=(--with-builtin="udpu cpg" --disable-dbus --disable-snmp --disable-dependency-tracking --disable-warnings
	CFLAGS=-Os)
[ "${STATIC:-}" = no ] || options+=(--enable-static-binary)

# build TARGET...: one after another, below everything else on this machine.
build() { MAKEFLAGS='' nice make -s -C "$folder" "$@" >"$folder/built" 2>&1; }

needed() { readelf -d "$folder/exec/coterie" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

# Bytes of the program, stripped, and of the shared libraries it needs, the C library's apart.
size() {
	local files=("$folder/stripped") name

	strip -o "$folder/stripped" "$folder/exec/coterie"
	for name in $(needed | grep -vE '^(libc|ld-linux.*|libm|libpthread|libcrypto)\.so'); do
		files+=("$(ldconfig -p | sed -n "s/^\s*$name .*=> //p" | head -n 1)")
	done
	cat "${files[@]}" | wc -c
}

command -v readelf >/dev/null || tap_skip "no readelf"
cd "$folder" || exit
nice "$source/configure" --quiet "${options[@]}" >"$folder/configured" 2>&1
tap $? "configure" || sed 's/^/# /' "$folder/configured"
# Files that belong only to the daemon are not compiled for shared libraries as well.
build LIBTOOLFLAGS=--tag=disable-shared libexecutive.la && build exec/coterie libcpg.la conf/demo_client
tap $? "make" || {
	sed 's/^/# /' "$folder/built"
	tap_end # nothing that is not there has a size, or calls dlopen()
}
tap_note "shared libraries: $(needed | paste -sd' ')"
tap_check "its plugins are within" test -z "$(needed | grep -E 'cpg|udpu')"
if [ "${STATIC:-}" != no ]; then
	tap_check "nor is libltdl a library of its own" test -z "$(needed | grep ltdl)"
	tap_check "dlopen() is not called" test -z "$(nm -D "$folder/exec/coterie" | grep -wE 'U dl(m?open|v?sym)')"
	bytes=$(size)
	# Encryption of the ring uses libcrypto, as other programs of the system do. It has 4.7 MB.
	tap_note "$bytes bytes, stripped, with the libraries it brings but libc and libcrypto"
	[ "$bytes" -lt 1000000 ]
	tap $? "it is smaller than 1 MB, beside what the system has"
	cat >"$folder/udp.conf" <<-CONFIG
		totem {
			version: 2
			cluster_name: static
			transport: udp
		}
		nodelist {
			node {
				nodeid: 1
				ring0_addr: 127.0.0.1
			}
		}
		system {
			state_dir: $folder
		}
	CONFIG
	RUNTIME_DIRECTORY=$folder timeout 10 "$folder/exec/coterie" --instance static -f -c "$folder/udp.conf" \
		>"$folder/said" 2>&1
	tap_check "a plugin that is not in it is refused" test $? -eq 30
	tap_check "and it says which are" grep -q "its builtins are .*cpg.*udpu\|its builtins are .*udpu.*cpg" "$folder/said"
fi

# On a network of its own, if that can be had.
alone() {
	local own=(unshare --user --map-root-user --net)

	"${own[@]}" true 2>/dev/null || own=(env)
	timeout 60 "${own[@]}" bash -c 'ip link set lo up 2>/dev/null; "$@"' alone "$@"
}
tap_check "it runs the demo" alone "$source/conf/demo" "$folder"

# Combinations that are not possible.
refused() {
	mkdir -p "$folder/refused" && cd "$folder/refused" || return
	! "$source/configure" --quiet "${@:2}" >said 2>&1 && grep -qe "$1" said
}
tap_check "no plugins: refused" refused "needs --with-builtin" --enable-static-binary
tap_check "without archives: refused" refused "exclude each other" --with-builtin=cpg --disable-static
tap_end
