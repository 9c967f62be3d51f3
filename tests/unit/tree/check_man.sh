#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Manual pages: neither mandoc nor groff warns of anything, and aliases lead to a page.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

pages=$(find conf services transports plugins testkit tools -name '*.[1-8]' | sort)
if ! command -v mandoc >/dev/null && ! command -v man >/dev/null; then
	tap_skip "neither mandoc nor man is installed"
fi
for page in $pages; do
	if read -r request target <"$page" && [ "$request" = .so ]; then
		[ -f "$(dirname "$page")/${target##*/}" ]
		tap $? "alias: $page" || tap_note "$target is not beside it"
		continue
	fi
	if command -v mandoc >/dev/null; then
		found=$(mandoc -T lint -W warning "$page" 2>/dev/null)
		[ -z "$found" ]
		tap $? "mandoc: $page" || tap_note "$found"
	fi
	if command -v man >/dev/null; then
		found=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
		[ -z "$found" ]
		tap $? "man: $page" || tap_note "$found"
	fi
done
tap_end
