#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Circles of calls between files. The limit of a folder only falls: lower it when a circle becomes smaller.
. "$(dirname "$0")/../tap.sh"
cd "$(dirname "$0")/../.." || exit 1

while read -r folder limit; do
	found=$(python3 tests/unit/circles.py --max "$limit" "$folder")
	tap $? "the largest circle of calls in $folder has at most $limit files" || tap_note "$found"
done <<'EOT'
config 7
exec/daemon 0
exec/host 0
exec/ipc 13
exec/life 0
exec/log 0
exec/loop 0
exec/map 0
exec/plugin 0
exec/qb 0
exec/reload 0
exec/ring 0
exec/stats 0
exec/sync 0
exec/totem 0
EOT
tap_end
