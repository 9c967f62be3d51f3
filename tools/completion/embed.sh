#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# embed.sh NAME FILE...: each file as a C string, completion_NAME.
echo '/* Made by tools/completion/embed.sh. */'
while [ $# -ge 2 ]; do
	echo "static const char completion_$1[] ="
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/	"&\\n"/' "$2" || exit
	echo '	;'
	shift 2
done
