#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# embed.sh FILE: prints the page as a C string, dashboard_page. Also prints dashboard_policy (Content-Security-Policy),
# which has the hashes of the page's own script and style. With it a browser runs no other script. In the page <script>,
# <style> and their end tags have lines of their own.
set -e

# Print the text between the tags, with the line ends at both sides, as browsers hash it.
inner() {
	sed -n "/^<$2>\$/,/^<\\/$2>\$/p" "$1" | sed "1s/.*//; \$d"
}
# base64 of the SHA-256. Uses printf of coreutils, since that of some shells does not support \x.
hash() {
	env printf "$(inner "$1" "$2" | sha256sum | cut -c 1-64 | sed 's/../\\x&/g')" | base64
}

echo '/* Made by plugins/metrics/embed.sh. */'
echo 'static const char dashboard_page[] ='
sed 's/\\/\\\\/g; s/"/\\"/g; s/?/\\?/g; s/.*/	"&\\n"/' "$1"
echo '	;'
echo 'static const char dashboard_policy[] ='
echo "	\"default-src 'self'; script-src 'sha256-$(hash "$1" script)'; style-src 'sha256-$(hash "$1" style)'; img-src data:; \""
echo "	\"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\";"
