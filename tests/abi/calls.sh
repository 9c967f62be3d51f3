#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A plugin that calls cpg, built with installed headers alone, as a stranger does.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"
here=$(cd "$(dirname "$0")" && pwd)

sdk_open
trap 'rm -rf "$work"' EXIT
sdk_install
sdk_copy=$work/member
mkdir "$sdk_copy"
cp "$here"/member.[ch] "$here/member_test.c" "$sdk_copy"
cat >"$sdk_copy/Makefile" <<'END'
PC = $(shell pkg-config $(1) coterie-plugin)
KIT = $(shell pkg-config $(1) coterie-testkit)
member.so: member.c member.h
	$(CC) $(CFLAGS) -std=gnu11 -fPIC -fvisibility=hidden $(call PC,--cflags) -shared -Wl,-z,defs -o $@ $<
member_test: member_test.c member.h
	$(CC) $(CFLAGS) -std=gnu11 $(call KIT,--cflags) -o $@ $< $(call KIT,--libs)
check: member.so member_test
	./member_test ./member.so $(CPG)
END
include=$(find "$root" -path '*/include/coterie')
include=${include%/coterie}
for header in cpg_calls kv_calls; do
	echo "#include <coterie/$header.h>" >"$sdk_copy/alone.c"
	tap_check "$header.h alone, C" "$compiler" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I"$include" "$sdk_copy/alone.c"
	! command -v g++ >/dev/null || tap_check "$header.h alone, C++17" \
		g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I"$include" -x c++ "$sdk_copy/alone.c"
done
tap_check "the plugin builds without a warning" sdk_make member.so || tap_end
if [ $sdk_has_kit = no ]; then
	tap_note "the test kit has sanitizers, which the plugin's test has not: not run"
	tap_end
fi
cpg=$(find "$root" -name cpg.so)
sdk_make check "CPG=$cpg" >"$work/output" 2>&1
tap $? "its test passes" || tap_note "$(cat "$work/output")"
while IFS= read -r line; do
	[[ $line = ok:* ]] && tap 0 "${line#ok: }"
done <"$work/output"
tap_end
