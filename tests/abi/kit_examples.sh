#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The examples of coterie-testkit(7) compile without a warning, run, and end with status 0. Blocks without a main() become
# the body of one.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$source/build}
for file in libcoterie-testkit.so votequorum.so; do
	[ -e "$build/.libs/$file" ] || tap_skip "$file is not built"
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
flags=(-std=gnu11 -O1 -Wall -Wextra -Werror -I"$source/include" "-DPLUGIN_DIR=\"$build/.libs\"")
export LD_LIBRARY_PATH=$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

awk -v work="$work" '
	/^\.Sh/ { is_there = $2 == "EXAMPLES" }
	is_there && /^\.Bd/ { file = work "/" ++count ".c"; next }
	/^\.Ed/ { file = "" }
	file != "" { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); print > file }' "$source/testkit/man/coterie-testkit.7"
"${CC:-cc}" "${flags[@]}" -fPIC -fvisibility=hidden -shared -o "$work/tally.so" "$source/plugins/template-service/tally.c"
tap $? "the plugin of the examples builds"

# example FILE: build and run it.
example() {
	if ! grep -q 'int main' "$1"; then
		{
			printf '#include <coterie/testkit.h>\nint main(void)\n{\n\tunsigned long seed = 1;\n'
			cat "$1"
			echo '}'
		} >"$1.new"
		mv "$1.new" "$1"
	fi
	"${CC:-cc}" "${flags[@]}" -o "${1%.c}" "$1" -L"$build/.libs" -lcoterie-testkit && (cd "$work" && timeout 60 "${1%.c}")
}
for file in "$work"/[0-9].c; do
	tap_check "example $(basename "$file" .c) does what the page says" example "$file"
done
tap_check "there are two" test -e "$work/2.c"
tap_end
