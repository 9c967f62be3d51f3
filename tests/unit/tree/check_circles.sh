#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Circles of calls between files. The limit of a folder only falls: lower it when a circle becomes smaller.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

while read -r folder limit; do
	found=$(python3 tests/unit/tree/circles.py --max "$limit" "$folder")
	tap $? "the largest circle of calls in $folder has at most $limit files" || tap_note "$found"
done <<'EOT'
config 7
exec 0
EOT
tap_end
