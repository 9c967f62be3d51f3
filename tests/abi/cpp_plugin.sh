#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The example of a plugin in C++17 builds without a warning, is accepted, and works in a simulated cluster.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$source/build}
[ -e "$build/.libs/libcoterie-testkit.so" ] || tap_skip "libcoterie-testkit is not built"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
flags=(-std=c++17 -g -O1 -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$source/include")

# plugin COMPILER, test COMPILER
plugin() {
	"$1" "${flags[@]}" -fPIC -fvisibility=hidden -shared -Wl,-z,defs -Wl,-z,now -o "$work/motto.so" \
		"$source/plugins/example-cpp/motto.cpp"
}
program() {
	"$1" "${flags[@]}" -o "$work/test_motto" "$source/plugins/example-cpp/test_motto.cpp" -L"$build/.libs" -lcoterie-testkit
}
exports() { nm -D --defined-only "$work/motto.so" | awk '$2 !~ /[uVW]/ { print $3 }' | paste -sd' '; }
export LD_LIBRARY_PATH=$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

command -v g++ >/dev/null || tap_skip "no C++ compiler"
# alone COMPILER OPTION...: every header by itself
alone() {
	local header

	for header in "$source"/include/coterie/*.h; do
		echo "#include <coterie/${header##*/}>" >"$work/alone"
		"$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -I"$source/include" -fsyntax-only "$work/alone" || return
	done
}
for way in "gcc -std=gnu11 -x c" "clang -std=gnu11 -x c" "g++ -std=c++17 -x c++" "clang++ -std=c++17 -x c++" "g++ -std=c++20 -x c++"; do
	command -v "${way%% *}" >/dev/null || continue
	# shellcheck disable=SC2086 # words of a command
	tap_check "each header alone: ${way% -x*}" alone $way
done
for compiler in clang++ g++; do
	command -v $compiler >/dev/null || continue
	tap_check "$compiler builds the plugin without a warning" plugin $compiler || tap_end
	tap_check "$compiler: the descriptor is the one symbol of its own" test "$(exports)" = motto_LTX_coterie_plugin ||
		tap_note "$(exports)"
done
[ ! -x "$build/exec/coterie" ] ||
	tap_check "coterie --check-plugin accepts it" "$build/exec/coterie" --check-plugin "$work/motto.so"
tap_check "its test builds without a warning" program g++ || tap_end
tap_check "20 seeds in a simulated cluster" timeout 300 "$work/test_motto" "$work/motto.so"

# As its reader does it: with the Makefile, outside the tree.
rm -rf "$work"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"
sdk_open
sdk_install
sdk_copy=$work/motto
cp -r "$(find "$root" -type d -name example-cpp)" "$sdk_copy"
chmod -R u+w "$sdk_copy"
tap_check "the installed Makefile builds it" sdk_make motto.so CXX=g++ "CXXFLAGS=-O1 -Wall -Wextra -Werror" || tap_end
sdk_needs libqb
tap_check "and its client" sdk_make mottoctl CXX=g++ "CXXFLAGS=-O1 -Wall -Wextra -Werror"
[ $sdk_has_kit = no ] || tap_check "and make check passes" sdk_make check CXX=g++ "CXXFLAGS=-O1 -Wall -Wextra -Werror"
tap_end
