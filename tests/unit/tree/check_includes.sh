#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Includes point one way: plugins -> include/coterie <- exec -> config -> exec/map, exec/totem.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

# Includes of the C files below $1, as "file:path", paths resolved against the file's folder where
# such a file exists, as the compiler does.
includes() {
	find "$1" -name '*.[ch]' -exec grep -Ho '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*"' {} + |
		sed 's/^\([^:]*\):.*"\(.*\)"$/\1 \2/' |
		while read -r file path; do
			if [ -e "${file%/*}/$path" ]; then
				path=$(realpath --relative-to=. "${file%/*}/$path")
			fi
			echo "$file:$path"
		done
}

# none NAME FOLDER PATTERN [ALLOWED]: no include below the folder matches, but for the allowed.
none() {
	local found

	found=$(includes "$2" | grep -E ":($3)" | grep -vE ":(${4:-^$})")
	[ -z "$found" ]
	tap $? "$1" || tap_note "$found"
}

own='exec/totem/'
found=$(includes exec | grep -E ':exec/totem/(wire|cursor|pack|unpack)\.h$' | grep -vE '^exec/(totem/|ring/ring_packet\.c:)')
[ -z "$found" ]
tap $? "only ring_packet.c of the executive knows bytes of the wire" || tap_note "$found"
none "exec/totem includes nothing of exec/ but its own folder" exec/totem \
	'exec/|config/|services/|transports/|plugins/' "$own"
none "config includes of exec/ only the map and the engine's options" config \
	'exec/|services/|transports/|plugins/|tools/' 'exec/map/map\.h|exec/totem/engine\.h'
none "common includes nothing but its own folder" common \
	'exec/|config/|services/|transports/|plugins/|tools/'
none "no tool includes anything of exec/" tools 'exec/'
none "exec includes no plugin and no tool" exec 'services/|transports/|plugins/|tools/'
for folder in exec testkit tools; do
	none "$folder includes of config/ only its public header" "$folder" 'config/' 'config/model\.h'
done
# Rules of a plugin are in its check. config/ has tables of what Corosync's files have. The other two are a fact about
# libraries of others, and the title of a chapter.
found=$(grep -rilE 'knet|votequorum' exec config |
	grep -vxE 'config/(compat\.[ch]|native_table\.c|schema\.c)|exec/totem/late_path\.c|exec/sync/quorum\.h')
[ -z "$found" ]
tap $? "exec and config name a plugin in tables only" || tap_note "$found"
for folder in services/* transports/* plugins/*; do
	[ -d "$folder" ] || continue
	none "$folder includes nothing of exec/ and config/" "$folder" 'exec/|config/'
	case $folder in
	services/*) allowed="$folder/|services/client/|tools/common/" ;;
	transports/*) allowed="$folder/|transports/common/" ;;
	plugins/kv) allowed="$folder/|services/client/" ;; # it has a client library
	*) allowed="$folder/|plugins/common/" ;;
	esac
	none "$folder includes no other plugin" "$folder" 'services/|transports/|plugins/' "$allowed"
done

# The folders of the executive, from the bottom up, each with the folders that it may include. These stand above it here, so
# that folders form no circle. The way up is a function that a part was given when it was created.
read -r -d '' table <<'EOF'
totem:
map:
config: totem map
log: config
loop:
qb:
stats: loop map
plugin: config log loop stats
ring: totem config log loop stats plugin
sync: totem map config log loop plugin ring
ipc: map config log loop qb stats plugin ring sync
life: map config log loop plugin ring sync ipc
reload: map config log loop stats plugin ring sync life
host: map config log loop stats plugin ring sync ipc life reload
daemon: totem map config log loop stats plugin ring life host
EOF
all=$({ includes exec; includes config; } | sed -E 's#(^|:)config/#\1exec/config/#g')
below=
while IFS=: read -r folder allowed; do
	for one in $allowed; do
		[[ " $below " == *" $one "* ]] || tap 1 "exec/$one is below exec/$folder in the table"
	done
	below+=" $folder"
	found=$(grep -E "^exec/$folder/[^:]*:exec/" <<<"$all" | grep -vE ":exec/(${allowed// /|}|$folder)/")
	[ -z "$found" ]
	tap $? "exec/$folder includes only folders below it that the table allows" || tap_note "$found"
done <<<"$table"
tap_check "the table has config and every folder of exec" \
	diff <(cut -d: -f1 <<<"$table" | sort) <(find config exec/* -maxdepth 0 -type d -printf '%f\n' | sort)
tap_check "no other file stands beside the folders" \
	diff <(printf '%s\n' executive.c executive.h local.mk main.c) <(find exec -maxdepth 1 -type f -printf '%f\n' | sort)

# Files of one folder that are parts of their own, from the bottom up.
for parts in 'roster round together delivery sync route quorum' 'rekey reload rotate'; do
	above=
	for part in $(tac -s ' ' <<<"$parts "); do
		found=$(grep -E "^exec/[a-z]+/$part(_[a-z_]+)?\.[ch]:exec/[a-z]+/(${above:-^$})" <<<"$all")
		[ -z "$found" ]
		tap $? "the part $part includes none of its folder above it" || tap_note "$found"
		above+="${above:+|}${part}[_.]"
	done
done

# The struct of all parts belongs to the files that compose them.
found=$(grep -rlE '"exec/executive\.h"|struct executive\>' exec testkit tests services plugins transports --include='*.[ch]' |
	grep -vxE 'exec/(executive\.[ch]|main\.c)|testkit/kit\.h')
[ -z "$found" ]
tap $? "no other file knows struct executive" || tap_note "$found: give it the parts that it uses"
tap_end
