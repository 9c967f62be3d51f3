#!/bin/bash
# Each public call has a manual page, and each library an overview; a page that only leads to another leads
# to one that names it. (tests/unit/check_man.sh has the formatters read them all.)
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../services" || exit 1

while read -r soname _ header pages; do
	[ "$pages" != - ] || continue
	while read -r symbol kind; do
		[ "$kind" = FUNC ] || continue
		name=${symbol%%@*}
		tap_check "$name has a page" test -s "$pages/man/$name.3"
	done <"$here/${soname%%.so*}.symbols"
	tap_check "${header}_overview has a page" \
		test -n "$(find "$pages/man" -name "${header}_overview.[0-9]")"
done < <(grep -v '^#' "$here/libraries.txt")

for page in */man/*.[0-9]; do
	target=$(sed -n 's,^\.so man[0-9]/,,p' "$page")
	[ -z "$target" ] || tap_check "$page leads to a page that names it" \
		grep -q "^\.Nm $(basename "${page%.*}")" "${page%/*}/$target"
done
tap_end
