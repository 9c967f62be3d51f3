#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The client headers: strict C99 and C++, alone; the names and numbers of Debian's. A new library is a line
# in libraries.txt.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$PWD}
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

strict=(-fsyntax-only -Wall -Wextra -pedantic -Werror)
mapfile -t rows < <(grep -v '^#' "$top/tests/abi/libraries.txt")
for header in corodefs hdb $(printf '%s\n' "${rows[@]}" | awk '{print $3}'); do
	echo "#include <corosync/$header.h>" >"$work/alone.c"
	# shellcheck disable=SC2086 # CC may hold flags
	tap_check "$header.h alone, C99" $cc -std=c99 "${strict[@]}" -I"$top/include" "$work/alone.c"
	if command -v g++ >/dev/null; then
		tap_check "$header.h alone, C++11" \
			g++ -std=c++11 "${strict[@]}" -I"$top/include" -x c++ "$work/alone.c"
	fi
done

cat >"$work/old.c" <<'EOT'
#include <corosync/cpg.h>
/* As programs for the 1.x series spell it. */
cpg_error_t f(cpg_handle_t h);
evs_error_t g(void);
cpg_error_t f(cpg_handle_t h)
{
	struct iovec v = {0, 0};
	cpg_error_t rc = cpg_mcast_joined(h, CPG_TYPE_AGREED, &v, 1);

	if (rc == CPG_ERR_TRY_AGAIN || rc == EVS_ERR_TRY_AGAIN || rc == QUORUM_ERR_EXIST ||
		rc == CONFDB_ERR_ACCESS || rc == CPG_ERR_BUSY || rc == EVS_ERR_TOO_MANY_GROUPS)
		return rc;
	return rc == CPG_OK ? cpg_dispatch(h, CPG_DISPATCH_ALL) : cpg_dispatch(h, QUORUM_DISPATCH_ONE);
}
EOT
# shellcheck disable=SC2086
tap_check "older spellings" $cc -std=c99 "${strict[@]}" -I"$top/include" "$work/old.c"

# layout HEADER FOLDER OUT LIBRARY: what layout_HEADER.c prints when compiled with the headers in FOLDER. It is
# linked with our libraries in either case, which costs nothing: it calls almost nothing.
layout() {
	# shellcheck disable=SC2086
	$cc -std=gnu11 -Wall -Wextra -Werror -I"$2" -I"$top" -o "$work/layout" "$top/tests/abi/layout_$1.c" \
		-L"$build/.libs" "-l$4" -lcorosync_common &&
		LD_LIBRARY_PATH=$build/.libs "$work/layout" >"$3"
}

# macros HEADER FOLDER: those that the header defines and the C library does not.
macros() {
	printf '#include <%s>\n' netinet/in.h sys/socket.h sys/uio.h sys/time.h errno.h >"$work/base.c"
	{
		cat "$work/base.c"
		echo "#include <corosync/corodefs.h>"
		echo "#include <corosync/$1.h>"
	} >"$work/with.c"
	# shellcheck disable=SC2086
	comm -13 <($cc -I"$2" -dM -E "$work/base.c" | awk '{print $2}' | sed 's/(.*//' | sort -u) \
		<($cc -I"$2" -dM -E "$work/with.c" | awk '{print $2}' | sed 's/(.*//' | sort -u)
}

# compare HEADER LIBRARY: ours and Debian's.
compare() {
	local aliases extra newer

	tap_check "$1.h: layouts and types of the specification" \
		layout "$1" "$top/include" "$work/ours" "$2" || return
	if ! [ -e "/usr/include/corosync/$1.h" ]; then
		tap_note "no $1.h of Debian here: not compared with it"
		return
	fi
	tap_check "$1.h: Debian's compiles the same program" layout "$1" /usr/include "$work/debian" "$2"
	tap_check "$1.h: layouts and numbers are Debian's" diff "$work/debian" "$work/ours"
	macros "$1" /usr/include >"$work/macros-debian"
	macros "$1" "$top/include" >"$work/macros-ours"
	tap_check "$1.h: no macro of Debian's is missing" \
		test -z "$(comm -23 "$work/macros-debian" "$work/macros-ours")"
	aliases='^(CPG|EVS|CONFDB|QUORUM)_(OK$|DISPATCH_|ERR_)|^(cpg|evs|confdb|quorum)_error_t$'
	newer='^VOTEQUORUM_(INFO_QDEVICE_HAS_EXTRA_INFO|QDEVICE_EXTRA_NODEINFO_MAXSIZE)$' # after 3.1.10
	extra=$(comm -13 "$work/macros-debian" "$work/macros-ours" | grep -Ev -e "$aliases" -e "$newer")
	tap_check "$1.h: no names but the older spellings are added" test -z "$extra" || tap_note "$extra"
}

if nm -D "$build/.libs/libcpg.so.4" 2>/dev/null | grep -q '__asan'; then
	tap_note "sanitized libraries: layouts not compared"
else
	for row in "${rows[@]}"; do
		read -r soname _ header _ <<<"$row"
		library=${soname%%.so*}
		compare "$header" "${library#lib}"
	done
fi
tap_end
