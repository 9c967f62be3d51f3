# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the dynamic linker sees of a file.

# Print the exports of a library: name@version and kind, sorted, with the version node itself.
exported() {
	readelf --dyn-syms -W "$1" |
		awk 'NF >= 8 && $1 ~ /^[0-9]+:$/ && $7 != "UND" && $5 != "LOCAL" { print $8, $4 }' |
		grep -Ev '^(__asan|__ubsan|__odr_asan|__gcov|_init|_fini|_edata|_end|__bss_start)' | sort
}
dynamic() { readelf -d "$1" | sed -n "s/.*($2).*\[\(.*\)\]/\1/p" | sort; }
