#!/bin/bash
# The client headers: strict C99 and C++, alone; the names and numbers of Debian's.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$PWD}
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

strict=(-fsyntax-only -Wall -Wextra -pedantic -Werror)
for header in corotypes corodefs hdb cpg; do
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

# layout FOLDER OUT: what layout.c prints when compiled with the headers there. It is linked with our
# libraries in either case, which costs nothing: it calls almost nothing.
layout() {
	# shellcheck disable=SC2086
	$cc -std=gnu11 -Wall -Wextra -Werror -I"$1" -o "$work/layout" "$top/tests/abi/layout.c" \
		-L"$build/.libs" -lcpg -lcorosync_common &&
		LD_LIBRARY_PATH=$build/.libs "$work/layout" >"$2"
}

# Macros that a header defines and the C library does not.
macros() {
	{
		echo "#include <netinet/in.h>"
		echo "#include <sys/socket.h>"
		echo "#include <sys/uio.h>"
		echo "#include <sys/time.h>"
		echo "#include <errno.h>"
	} >"$work/base.c"
	cp "$work/base.c" "$work/with.c"
	{
		echo "#include <corosync/corodefs.h>"
		echo "#include <corosync/cpg.h>"
	} >>"$work/with.c"
	# shellcheck disable=SC2086
	comm -13 <($cc -I"$1" -dM -E "$work/base.c" | awk '{print $2}' | sed 's/(.*//' | sort -u) \
		<($cc -I"$1" -dM -E "$work/with.c" | awk '{print $2}' | sed 's/(.*//' | sort -u)
}

if nm -D "$build/.libs/libcpg.so.4" 2>/dev/null | grep -q '__asan'; then
	tap_note "sanitized libraries: layouts not compared"
elif tap_check "layouts and types of spec 01" layout "$top/include" "$work/ours"; then
	if [ -e /usr/include/corosync/cpg.h ]; then
		tap_check "Debian's headers compile the same program" layout /usr/include "$work/debian"
		tap_check "layouts and numbers are Debian's" diff "$work/debian" "$work/ours"
		macros /usr/include >"$work/macros-debian"
		macros "$top/include" >"$work/macros-ours"
		tap_check "no macro of Debian's is missing" \
			test -z "$(comm -23 "$work/macros-debian" "$work/macros-ours")"
		aliases='^(CPG|EVS|CONFDB|QUORUM)_(OK$|DISPATCH_|ERR_)|^(cpg|evs|confdb|quorum)_error_t$'
		extra=$(comm -13 "$work/macros-debian" "$work/macros-ours" | grep -Ev "$aliases")
		tap_check "no names but the older spellings are added" test -z "$extra" ||
			tap_note "$extra"
	else
		tap_note "libcpg-dev of Debian is not installed: not compared with its headers"
	fi
fi
tap_end
