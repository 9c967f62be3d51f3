#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The name of a function that other files call begins with the name of its file, of its folder, or with the first word of
# its file's name. A reader finds its definition without a search.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

# Names that the C files below $1 define for other files, as "file name".
functions() {
	find "$1" -name '*.c' -exec awk '
		/^[a-z]/ && !/^(static|typedef|extern) / && !/;$/ && match($0, /[a-z_0-9]+\(/) {
			print FILENAME, substr($0, RSTART, RLENGTH - 1)
		}' {} +
}

# strays FOLDER [PREFIX]: functions below the folder with none of these names. PREFIX is the folder's own word.
strays() {
	local file name base parent

	functions "$1" | while read -r file name; do
		base=${file##*/}
		base=${base%.c}
		parent=${file%/*}
		parent=${parent##*/}
		case $name in
		main | "$base" | "$base"_* | "$parent"_* | "${base%%_*}"_*) ;;
		*) [[ -n "${2-}" && "$name" == "$2"_* ]] || echo "$file: $name" ;;
		esac
	done
}

tap_check "the names of functions are found at all" test "$(functions exec/ring | wc -l)" -ge 50
for folder in exec/*/; do
	folder=${folder%/}
	case $folder in
	exec/totem | exec/config) continue ;; # they have public headers of their own
	exec/qb) word=qbs ;; # qb belongs to libqb
	*) word= ;;
	esac
	found=$(strays "$folder" "$word")
	[ -z "$found" ]
	tap $? "$folder: a prefix names the file" || tap_note "$found"
done
tap_end
