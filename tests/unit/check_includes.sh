#!/bin/bash
# Includes point one way: plugins -> include/coterie <- exec -> exec/totem.
. "$(dirname "$0")/../tap.sh"
cd "$(dirname "$0")/../.." || exit 1

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
none "exec/totem includes nothing of exec/ but its own folder" exec/totem \
	'exec/|services/|transports/|plugins/' "$own"
none "common includes nothing but its own folder" common \
	'exec/|services/|transports/|plugins/|tools/'
none "no tool includes anything of exec/" tools 'exec/'
none "exec includes no plugin and no tool" exec 'services/|transports/|plugins/|tools/'
for folder in services/* transports/* plugins/*; do
	[ -d "$folder" ] || continue
	none "$folder includes nothing of exec/" "$folder" 'exec/'
	case $folder in
	services/*) allowed="$folder/|services/client/|tools/common/" ;;
	transports/*) allowed="$folder/|transports/common/" ;;
	plugins/kv) allowed="$folder/|services/client/" ;; # it has a client library
	*) allowed="$folder/|plugins/common/" ;;
	esac
	none "$folder includes no other plugin" "$folder" 'services/|transports/|plugins/' "$allowed"
done

# Parts of the executive, from the bottom up. Each includes the parts that it calls, which are below it. The way up is
# a function that it was given when it was created.
parts='ring round resync delivery sync route rekey quorum reload rotate'
above='executive|host|ipc_'
all=$(includes exec)
for part in $(tac -s ' ' <<<"$parts "); do
	found=$(grep -E "^exec/$part(_[a-z_]+)?\.[ch]:exec/($above)" <<<"$all")
	[ -z "$found" ]
	tap $? "exec/$part includes no part above it" || tap_note "$found"
	above+="|${part}[_.]"
done

# The struct of all parts belongs to the files that compose them.
found=$(grep -rlE '"exec/executive\.h"|struct executive\>' exec testkit tests services plugins transports --include='*.[ch]' |
	grep -vxE 'exec/(executive\.[ch]|main\.c)|testkit/kit\.h')
[ -z "$found" ]
tap $? "no other file knows struct executive" || tap_note "$found: give it the parts that it uses"
tap_end
