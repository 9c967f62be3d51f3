#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Each public call has a manual page, each library an overview, and each option of a program is described in
# the program's page. An alias leads to a page that names it. (tests/unit/tree/check_man.sh has the formatters
# read them all.)
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

# Print the options that a program's source passes to getopt: letters and long names.
options() {
	sed -n 's/.*getopt\(_long\)\?(.*, "\([^"]*\)".*/\2/p' "$1" | tr -d ':+' | grep -o .
	sed -n 's/^[[:space:]]*{"\([a-z-]*\)", *\(no\|required\|optional\)_argument,.*/\1/p' "$1"
}

# undescribed SOURCE PAGE: options without a place of their own in the page.
undescribed() {
	local option

	for option in $(options "$1"); do
		tr -d '\\' <"$2" | grep -Eq "^\.It .*(Fl (Fl |-+)?| -+)$option( |$)" || echo "$option"
	done
}

while read -r source page; do
	tap_check "$page tells of every option in $source" \
		test -n "$(options "../$source")" -a -z "$(undescribed "../$source" "../$page")" ||
		tap_note "missing:" "$(undescribed "../$source" "../$page")"
done <<'EOT'
exec/daemon/options.c conf/man/coterie.8
services/cfg/tool/cfgtool.c services/cfg/man/corosync-cfgtool.8
services/cmap/tool/cmapctl.c services/cmap/man/corosync-cmapctl.8
services/cpg/tool/cpgtool.c services/cpg/man/corosync-cpgtool.8
services/quorum/tool/quorumtool.c services/quorum/man/corosync-quorumtool.8
tools/keygen.c tools/man/corosync-keygen.8
tools/notifyd/main.c tools/notifyd/man/corosync-notifyd.8
tools/vqsim/vqsim.c tools/man/corosync-vqsim.8
tools/ctl/ctl.c tools/man/coterie-ctl.8
EOT
# Each command of coterie-ctl, and what its usage says it takes.
while IFS='|' read -r command words; do
	tap_check "coterie-ctl.8 tells of $command" grep -Eq "^\.(It )?Cm $command( |\$)" ../tools/man/coterie-ctl.8
	for option in $(grep -o -- '--[a-z-]*' <<<"$words"); do
		tap_check "and of $option" grep -Eq "Fl Fl ${option#--}( |\$)" ../tools/man/coterie-ctl.8
	done
done < <(sed -n 's/^\t{"\([a-z -]*\)", "\([^"]*\)", "..*/\1|\2/p' ../tools/ctl/ctl.c)
for name in $(sed -n '/^tool_names = /,/[^\\]$/p' ../tools/local.mk | grep -o 'corosync-[a-z]*'); do
	tap_check "$name has a page" test -n "$(find .. -name "$name.8" -not -path '*/build*')"
done
tap_end
