#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The plugin ABI's promise (coterie-plugin(7)): within a major number, members are appended to structs that carry
# their size, and nothing else changes. tests/abi/sdk/ has the last headers of every minor number. A folder is
# added when the next minor number begins.
#
# 1 Compare the interface of then and now with abidiff. 2 Load a plugin of each generation in this daemon, and
# all of them in one ring. 3 Load a plugin of this SDK in a daemon whose tables have grown, and one of the grown
# SDK in this daemon.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$PWD}
compiler=${CC:-cc}
[ -f "$build/Makefile" ] || tap_skip "no build folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset COTERIE_PLUGIN_PATH
generations=$(cd "$top/tests/abi/sdk" && echo [0-9]*)

# compile OUT INCLUDE ARGUMENT...: a shared object against the headers in a folder
compile() {
	local out=$1 include=$2

	shift 2
	# shellcheck disable=SC2086 # CC may hold flags
	$compiler -g -O0 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fPIC -fvisibility=hidden -shared \
		-Wl,-z,defs -Wl,-z,now -I"$include" -o "$out" "$@"
}

# --- 1: what plugins see ---

types() { # OUT INCLUDE
	compile "$1" "$2" -fvisibility=default "$top/tests/abi/plugin_types.c"
}

# breaks OLD NEW: lines of abidiff's report that are no appended member of a struct that carries its size.
breaks() {
	abidiff --no-default-suppression --leaf-changes-only --harmless "$1" "$2" | awk '
		BEGIN { sized = "host|service|transport|plugin|option|request|ring_msg|configuration|peer|" \
			"quorum|node_status|transport_stats|metric|caller|config_view|config_report|config_key|config_node" }
		/^$/ || /summary: / { next }
		/^.struct coterie_[a-z_]+ at .* changed:$/ {
			name = $2; sub("coterie_", "", name)
			if (name ~ "^(" sized ")$") next
		}
		/^  type size changed from [0-9]+ to [0-9]+ \(in bits\)$/ && $7 > $5 { end = $5; next }
		/^  [0-9]+ data member insertions?:$/ { next }
		/^    .*, at offset [0-9]+ \(in bits\)/ {
			offset = $0; sub(/.*, at offset /, "", offset); sub(/ .*/, "", offset)
			if (offset + 0 >= end) next
		}
		{ print }'
}
is_kept() {
	[ -z "$(breaks "$1" "$2")" ] && return
	breaks "$1" "$2"
	return 1
}

if command -v abidiff >/dev/null; then
	tap_check "what plugins see now compiles" types "$work/now.so" "$top/include" || tap_end
	for old in $generations; do
		types "$work/$old.so" "$top/tests/abi/sdk/$old" || tap_end
		tap_check "since $old, members were appended and nothing else" \
			is_kept "$work/$old.so" "$work/now.so"
	done
	# This very check must see what would break plugins.
	while IFS='|' read -r what file edit; do
		mkdir -p "$work/mutant"
		cp -r "$top/include/coterie" "$work/mutant/"
		sed -i "$edit" "$work/mutant/coterie/$file"
		types "$work/mutant.so" "$work/mutant" 2>/dev/null
		! cmp -s "$top/include/coterie/$file" "$work/mutant/coterie/$file" &&
			[ -n "$(breaks "$work/1.2.so" "$work/mutant.so")" ]
		tap $? "it notices $what"
		rm -rf "$work/mutant" "$work/mutant.so"
	done <<'EOT'
a new signature|host.h|s/int (\*map_delete)(struct coterie_ctx \*ctx, const char \*key)/int (*map_delete)(struct coterie_ctx *ctx, char **key)/
a member in the middle|host.h|s/int (\*rekey)(struct coterie_ctx/int (*early)(void); int (*rekey)(struct coterie_ctx/
a member gone|host.h|/uint32_t (\*map_is_protected)/d
a member renamed|service.h|s/int (\*drain)(void \*self)/int (*other)(void *self)/
a member of another width|service.h|s/uint32_t client_size;/uint64_t client_size;/
members that change places|service.h|s/uint32_t id;  /uint32_t flags_too, id;  /
growth of a struct without a size|frame.h|s/uint32_t capacity;/uint32_t capacity, more;/
EOT
else
	tap_note "no abidiff here"
fi

# --- 2: plugins of every generation ---

[ -x "$build/exec/coterie" ] || {
	tap_note "no daemon in this build"
	tap_end
}
check_plugin() { # DAEMON FOLDER
	"$1" --check-plugin "$2/sum.so"
}
files=()
for old in $generations now; do
	include=$top/tests/abi/sdk/$old
	[ "$old" != now ] || include=$top/include
	mkdir "$work/$old"
	tap_check "a plugin compiles with the SDK of $old" \
		compile "$work/$old/sum.so" "$include" "$top/tests/abi/released.c"
	tap_check "and loads" check_plugin "$build/exec/coterie" "$work/$old"
	files+=("$work/$old/sum.so")
done
if [ "${COTERIE_KEEP_PLUGINS:-}" = 1 ]; then
	tap_note "the test kit has sanitizers: no ring of generations"
else
	# shellcheck disable=SC2086
	tap_check "a test with the kit compiles" $compiler -std=gnu11 -Wall -Wextra -I"$top/include" \
		-o "$work/kit" "$top/tests/abi/released_kit.c" -L"$build/.libs" -lcoterie-testkit
	tap_check "all generations agree in one ring" \
		env LD_LIBRARY_PATH="$build/.libs" "$work/kit" "${files[@]}"
fi

# --- 3: tables that have grown ---

grown=$work/grown
mkdir -p "$grown"
cp -r "$top/include/coterie" "$grown/"
grow() { # FILE STRUCT MEMBER
	sed -i "/^struct $2 {/,/^};/s/^};/	$3;\n};/" "$grown/coterie/$1.h"
}
sed -i 's/^#define COTERIE_ABI_MINOR .*/#define COTERIE_ABI_MINOR 99/' "$grown/coterie/plugin.h"
grow plugin coterie_plugin 'const void *grown'
grow plugin coterie_option 'const char *grown'
grow host coterie_host 'void (*grown)(struct coterie_ctx *ctx)'
grow service coterie_service 'void (*grown)(void *self)'
grow service coterie_request 'uint64_t grown'
grow service coterie_ring_msg 'uint64_t grown'
tap_check "the tables grow" test "$(cat "$grown/coterie/plugin.h" "$grown/coterie/host.h" "$grown/coterie/service.h" | grep -c grown)" = 6
mkdir "$work/99" "$work/needs" "$work/major"
tap_check "a plugin compiles with the grown SDK" compile "$work/99/sum.so" "$grown" -DGROWN "$top/tests/abi/released.c"
tap_check "and is accepted here: what is newer is not used" check_plugin "$build/exec/coterie" "$work/99"

refused() { # FOLDER STATUS WORDS
	local output status

	output=$("$build/exec/coterie" --check-plugin "$1/sum.so" 2>&1)
	status=$?
	[ $status -eq "$2" ] && grep -q "$3" <<<"$output" && return
	echo "exit status $status: $output"
	return 1
}
compile "$work/needs/sum.so" "$grown" -DGROWN '-DNEEDS=(UINT64_C(1) << 40)' "$top/tests/abi/released.c"
tap_check "one that cannot live without a new ability is refused, and told which" \
	refused "$work/needs" 32 'needs what this executive does not offer (capability bit 40)'
sed -i 's/^#define COTERIE_ABI_MAJOR .*/#define COTERIE_ABI_MAJOR 2/' "$grown/coterie/plugin.h"
compile "$work/major/sum.so" "$grown" "$top/tests/abi/released.c"
tap_check "one of another major number is refused" refused "$work/major" 32 'needs plugin ABI 2.99, this is 1'
sed -i 's/^#define COTERIE_ABI_MAJOR .*/#define COTERIE_ABI_MAJOR 1/' "$grown/coterie/plugin.h"

# The daemon once more, from the same sources with the grown headers.
grown_daemon() {
	local sources log=$work/log.txt

	# The sources of the libraries of this daemon. Objects of other libraries have other names.
	sources=$(cd "$build" && find exec common config -name '*.lo' |
		sed -E 's,/lib(core|executive|config|totem)_la-,/,; /_la-/d; s/lo$/c/' | sort -u && echo exec/main.c)
	mkdir -p "$work/objects"
	(cd "$top" && printf '%s\n' $sources | xargs -P 2 -I{} sh -c '
		out='"$work/objects"'/$(echo {} | tr / _).o
		'"$compiler"' -O0 -std=gnu11 -D_GNU_SOURCE -I'"$grown"' -I. -Iinclude -I'"$build"' \
			-DPLUGIN_DIR=\"/nonexistent\" -DSBIN_DIR=\"/nonexistent\" -DSYSCONF_DIR=\"/nonexistent\" \
			-DLOCALSTATE_DIR=\"/nonexistent\" -DRUNSTATE_DIR=\"/nonexistent\" \
			-Dlt__PROGRAM__LTX_preloaded_symbols=no_builtins '"$(pkg-config --cflags libqb)"' \
			-c -o "$out" {}') >"$log" 2>&1 || {
		cat "$log"
		return 1
	}
	echo 'const struct { const char *name; void *address; } no_builtins[] = {{"coterie", 0}, {0, 0}};' \
		>"$work/none.c"
	# shellcheck disable=SC2046,SC2086
	$compiler -o "$work/coterie" "$work/objects"/*.o "$work/none.c" $(pkg-config --libs libqb) -lltdl \
		$(sed -n -e 's/^CONFUSE_LIBS = //p' -e 's/^CRYPTO_LIBS = //p' "$build/Makefile") -ldl -lpthread
}
if tap_check "a daemon with grown tables builds" grown_daemon; then
	for old in $generations now; do
		tap_check "a plugin of $old loads into it" check_plugin "$work/coterie" "$work/$old"
	done
	tap_check "and one of its own SDK" check_plugin "$work/coterie" "$work/99"
	for name in cpg udpu; do
		[ -e "$build/.libs/$name.so" ] || continue
		tap_check "$name of this build, too" "$work/coterie" --check-plugin "$build/.libs/$name.so"
	done
fi
tap_end
