#!/bin/bash
# Each public call has a manual page, and the pages have no faults that the formatters know.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../services" || exit 1

# quiet COMMAND...: succeeds and says nothing on either output.
quiet() {
	local said

	said=$("$@" 2>&1)
	[ -z "$said" ] || { echo "$said" && return 1; }
}

# Errors that man finds, and not the page itself.
formats() {
	local said

	said=$(man --warnings -E UTF-8 -l "$1" 2>&1 >/dev/null)
	[ -z "$said" ] || { echo "$said" && return 1; }
}

while read -r symbol _; do
	name=${symbol%%@*}
	case $name in cpg_*) tap_check "$name has a page" test -s cpg/man/"$name".3 ;; esac
done <"$here/libcpg.symbols"
tap_check "cpg_overview has a page" test -s cpg/man/cpg_overview.3

for page in */man/*.[0-9]; do
	target=$(sed -n 's,^\.so man[0-9]/,,p' "$page")
	if [ -n "$target" ]; then
		tap_check "$page leads to a page that names it" \
			grep -q "^\.Nm $(basename "${page%.*}")" "${page%/*}/$target"
		continue
	fi
	if command -v mandoc >/dev/null; then
		tap_check "$page: mandoc" quiet mandoc -T lint -W warning "$page"
	fi
	if man --version 2>/dev/null | grep -q '^man [0-9]'; then
		tap_check "$page: man" formats "$page"
	fi
done
tap_end
