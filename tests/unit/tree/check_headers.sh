#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every public header compiles alone, as C and as C++.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

flags=(-fsyntax-only -Wall -Wextra -Werror -Iinclude)
for header in include/*/*.h; do
	[ -e "$header" ] || continue
	name=${header#include/}
	tap_check "$name alone, C" ${CC:-cc} "${flags[@]}" -Wstrict-prototypes -x c - <<<"#include <$name>"
	if command -v g++ >/dev/null; then
		tap_check "$name alone, C++" g++ "${flags[@]}" -x c++ - <<<"#include <$name>"
	fi
done
[ $tap_count -gt 0 ] || tap_skip "no public headers"
tap_end
