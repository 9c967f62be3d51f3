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

# Files that know all parts at once. The list only shrinks.
known='exec/check_plugin.c exec/executive.c exec/host_private.h exec/ipc_private.h exec/main.c exec/map_options.c
	exec/plugin.c exec/plugin_life.c exec/plugin_replace.c exec/plugin_watch.c testkit/kit.h tests/unit/exec_stub.c
	tests/unit/test_host.c tests/unit/test_plugin.c tests/unit/test_plugin_life.c'
known=$(tr -s '[:space:]' '\n' <<<"$known" | sort)
found=$(grep -rl '"exec/executive\.h"' exec testkit tests --include='*.[ch]' | sort)
more=$(comm -13 <(echo "$known") <(echo "$found"))
[ -z "$more" ]
tap $? "no other file includes exec/executive.h" || tap_note "$more: give it the parts that it uses"
fewer=$(comm -23 <(echo "$known") <(echo "$found"))
[ -z "$fewer" ]
tap $? "the list of these files has shrunk with them" || tap_note "$fewer: take it out of $0"
tap_end
