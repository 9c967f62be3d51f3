#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion, manual pages and --help agree: each command and each option that one of the three has is in the others.
#
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
build=${abs_top_builddir:-$source/build}
ctl=$build/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$build/tools/coterie-ctl
export COTERIE_INSTANCE=nobody$$
export LD_LIBRARY_PATH=$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
"$ctl" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is not built"
command -v python3 >/dev/null || tap_skip "no python3"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
page=$source/tools/man/coterie-ctl.8

# of_help, of_page, of_completion: lines "COMMAND --OPTION" and "COMMAND", and "* --OPTION" for options of all commands.
"$ctl" --help >"$work/help"
of_help() {
	python3 - "$work/help" <<-'PYTHON'
		import re, sys
		commands, options = open(sys.argv[1]).read().split("\nOptions:\n")
		for line in commands.split("Commands:\n")[1].splitlines():
		    if not re.match("  [a-z]", line):
		        continue
		    # Words up to the first that is an argument. What helps a reader stands behind many blanks.
		    usage = re.split(" {3,}", line[2:])[0] if len(line) < 200 else line
		    command = re.match(r"[a-z-]+(?: (?:[a-z]+(?:-[a-z]+)?)(?=$| ))?", usage.split(" [")[0].split(" <")[0]).group()
		    print(command)
		    for option in re.findall(r"--([a-z-]+)", usage):
		        print(command, "--" + option)
		for option in re.findall(r"--([a-z-]+)", options.split("Exit status")[0]):
		    print("*", "--" + option)
	PYTHON
}
of_page() {
	python3 - "$page" <<-'PYTHON'
		import re, sys
		text = open(sys.argv[1]).read()
		common, rest = text.split(".Sh DESCRIPTION")[1].split(".El", 1)
		for option in re.findall(r"Fl Fl ([a-z-]+)", "\n".join(re.findall(r"^\.It .*", common, re.M))):
		    print("*", "--" + option)
		for item in re.findall(r"^\.It (?:Xo\n(?:.*\n)*?\.Xc|Cm .*)", rest, re.M):
		    words = re.search(r"Cm ([a-z][a-z -]*?)(?= [A-Z]|$)", item, re.M)
		    print(words.group(1))
		    for option in re.findall(r"Fl Fl ([a-z-]+)", item):
		        print(words.group(1), "--" + option)
		# The commands of clusters have their options in a list of their own.
		for option in re.findall(r"^\.It Fl Fl ([a-z-]+)", rest.split("The options:")[1], re.M):
		    print("+", "--" + option)
	PYTHON
}
# Words that are offered for the last one. They come within 0.3 s or not at all, so a busy machine may get a part.
offers() {
	local i

	for ((i = 0; i < 3; i++)); do
		"$ctl" __complete "$@"
	done | sort -u
}
of_completion() {
	local command first words

	offers -- | sed -n 's/^\(--[a-z-]*\)=\{0,1\}$/* \1/p'
	for first in $(offers ''); do
		words=$(offers "$first" '' | grep '^[a-z][a-z-]*$')
		# Words that are arguments are in no command's name.
		! grep -q "^$first\$" "$work/of_help" || echo "$first"
		for command in $words; do
			! grep -q "^$first $command\$" "$work/of_help" || echo "$first $command"
		done
	done | while read -r command; do
		echo "$command"
		# shellcheck disable=SC2086 # words
		offers $command -- | sed 's/=$//' | grep -vxFf <(sed -n 's/^\* //p' "$work/of_help") | sed "s/^/$command /"
	done
}
of_help | sort -u >"$work/of_help"
of_page | sort -u >"$work/of_page"
of_completion | sort -u >"$work/of_completion"

tap_check "there is something to compare" test "$(grep -vc ' --' "$work/of_help")" -ge 35 -a "$(grep -c ' --' "$work/of_help")" -ge 45
tap_check "help and completion agree" diff "$work/of_help" "$work/of_completion"
# Options of the commands of clusters are in their list. An option that the page gives to a single command may be one of all.
grep '^+' "$work/of_page" | sed 's/^+ //' >"$work/shared"
grep -v '^+' "$work/of_page" >"$work/page"
tap_check "each command and option of the help is in the page" test -z "$(comm -23 "$work/of_help" "$work/page" |
	grep -vE "^(cluster|node|link) [a-z]+ ($(paste -sd'|' "$work/shared"))\$" | tee "$work/missing")" || tap_note "$(cat "$work/missing")"
tap_check "each command and option of the page is in the help" test -z "$(comm -13 "$work/of_help" "$work/page" |
	grep -vE " ($(sed -n 's/^\* //p' "$work/of_help" | paste -sd'|'))\$" | tee "$work/missing")" || tap_note "$(cat "$work/missing")"
tap_check "each option of the page's list belongs to one of the commands" test -z "$(grep -vxFf \
	<(sed -nE 's/^(cluster|node|link) [a-z]+ (--)/\2/p' "$work/of_help") "$work/shared")"
status_of_page() { sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /s/^\.It \([0-9]*\).*/\1/p' "$page" | sort -n | paste -sd' '; }
status_of_help() { sed -n '/^Exit status:/,$p' "$work/help" | grep -oE '\b[0-9]+ [a-z]' | grep -oE '[0-9]+' | sort -n | paste -sd' '; }
tap_check "help and page have the same exit statuses" test "$(status_of_page)" = "$(status_of_help)" ||
	tap_note "page: $(status_of_page)" "help: $(status_of_help)"

# The daemon: options of its help and of its page.
daemon_options() { grep -oE '(^|[ ,[])--?[a-z][a-z-]*' | tr -d ' ,[' | sort -u; }
"$build/exec/coterie" --help 2>&1 | sed -n 's/^  \(-.*\)/\1/p' | sed 's/  .*//' | daemon_options >"$work/daemon_help"
grep '^\.It Fl ' "$source/conf/man/coterie.8" | tr -d '\\' | sed 's/^\.It Fl /-/; s/, -/, --/' | daemon_options >"$work/daemon_page"
tap_check "coterie: help and page have the same options" diff "$work/daemon_help" "$work/daemon_page"
tap_end
