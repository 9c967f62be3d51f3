#!/bin/sh
# embed.sh FILE: the page as a C string, dashboard_page, and what its own script and style are known by to a browser that
# is told to run nothing else: dashboard_policy (Content-Security-Policy). In the page <script>, <style> and their ends are
# lines of their own.
set -e

# What is between the tags, with the line ends at both sides, as browsers see it.
inner() {
	sed -n "/^<$2>\$/,/^<\\/$2>\$/p" "$1" | sed "1s/.*//; \$d"
}
# base64 of the SHA-256. printf of coreutils: that of some shells knows no \x.
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
