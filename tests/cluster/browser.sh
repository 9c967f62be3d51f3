#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The page of the plugin metrics in Debian's Chromium. It shows a lost node within three seconds and outlives the daemon. It is
# readable in dark and light colours and 320 pixels wide, and can be used from the keyboard. The console stays empty.
# BROWSER_PICTURES=FOLDER keeps pictures. It is in check-long (make browser-long).
# shellcheck disable=SC2317 # functions are called through tap_check
LAB_TOKEN=${LAB_TOKEN:-1000}
# shellcheck source=tests/cluster/metrics_lab.sh
. "$(dirname "$0")/metrics_lab.sh"
# A browser keeps connections between two polls: the plugin's own limit for them.
LAB_TOTEM=${LAB_TOTEM/timeout: 2000/}
command -v chromium >/dev/null || tap_skip "no chromium (Debian: chromium)"
command -v chromedriver >/dev/null || tap_skip "no chromedriver (Debian: chromium-driver)"

page() {
	"$LAB_ENTER" "${LAB_HOLDERS[1]}" HOME="$LAB_DIR/browser" python3 "$LAB_HERE/browser.py" "$LAB_DIR/browser" "$@"
}
picture() {
	[ -z "${BROWSER_PICTURES:-}" ] || page picture "$BROWSER_PICTURES/$1.png"
}
text_of() { echo "document.getElementById('$1').textContent"; }
has() { echo "$(text_of "$1").includes('$2')"; }
# The page looks by itself, since a call takes a while on a loaded machine.
looks() { page look "$1"; }
now_ms() { date +%s%3N; }
# shown SINCE LIMIT-MS WHAT: what the page looks for was there in time.
shown() {
	local ms

	ms=$(page looked "$1" "$2" 2>&1)
	tap $? "$3 (limit $2 ms): $ms" || tap_note "$(page value "document.body.innerText" 2>&1)"
}
# shows LIMIT-MS WHAT SCRIPT
shows() {
	local ms

	ms=$(page await "$1" "$3" 2>&1)
	tap $? "$2 (limit $1 ms): ${ms:0:5}" || tap_note "$ms" "$(page value "document.body.innerText" 2>&1)"
}
silent() { # [ALLOWED]
	local lines

	lines=$(page complaints "$@" 2>&1)
	[ -z "$lines" ] || { echo "$lines" && return 1; }
}

readable() {
	local found

	found=$(page value "@$LAB_HERE/browser_contrast.js") || { echo "$found" && return 1; }
	echo "$found"
	python3 -c 'import json, sys
found = json.loads(sys.argv[1])
sys.exit(not (found["count"] >= 40 and found["worst"] >= 4.5))' "$found"
}
readable_both() { # STATE
	local scheme

	for scheme in dark light; do
		page scheme "$scheme"
		tap_check "$1, $scheme: contrast of all texts is at least 4.5" readable
		picture "$1-$scheme"
	done
}
paper="getComputedStyle(document.body).backgroundColor"
has_schemes() {
	local dark light

	page scheme dark && dark=$(page value "$paper") && page scheme light && light=$(page value "$paper")
	echo "dark $dark, light $light"
	[ -n "$dark" ] && [ "$dark" != "$light" ]
}

# At this width nothing but the contents of regions that scroll by themselves is wider than the window.
fits() {
	local wide

	page width "$1"
	wide=$(page value "[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 &&
		!one.parentElement.closest('.scroll')).map(one => one.tagName + ' ' + one.id + ' ' + one.className).slice(0, 5).join(', ')")
	echo "width $(page value "document.documentElement.scrollWidth") $wide"
	[ -z "$wide" ] && [ "$(page value "document.documentElement.scrollWidth")" -le "$1" ]
}

# All that can be used is reached by the tab key, in the order of the page, and it is shown which one has the focus.
walk() { page walk >"$LAB_DIR/walk" || { cat "$LAB_DIR/walk" && return 1; }; }
reaches_all() {
	page value "['#main', ...[...document.querySelectorAll('main [tabindex=\"0\"], main a, footer a')].map(one =>
		one.id || one.getAttribute('href') || one.getAttribute('aria-labelledby'))].join('\n')" | diff - <(sed '/^end$/d; s/^[a-z]* //' "$LAB_DIR/walk")
}
focus_is_seen() { ! grep '^unseen ' "$LAB_DIR/walk"; }
skips_to_contents() {
	page walk >/dev/null && [ "$(page tab)" = "seen #main" ] && page key Enter && page await 2000 "document.activeElement.id === 'main'"
}
scrolls_by_key() {
	page width 320
	page value "(() => { document.getElementById('members').focus(); return ''; })()" >/dev/null
	page key ArrowRight
	page key ArrowRight
	page await 2000 "document.getElementById('members').scrollLeft > 0"
}

lab_open coterie coterie coterie
mkdir "$LAB_DIR/browser"
[ -z "${BROWSER_PICTURES:-}" ] || mkdir -p "$BROWSER_PICTURES"
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
if ! tap_check "a browser opens the page" page open http://127.0.0.1:9890/; then
	tap_note "$(tail -n 5 "$LAB_DIR/browser/driver.log")"
	lab_close
fi
shows 10000 "the page shows the ring" "$(has ring '3') && $(has members 'node3') && $(has state operational)"
tap_check "the title is the cluster's" test "$(page value document.title)" = "lab: node1"
tap_check "the console is empty" silent

tap_check "dark and light colours are two" has_schemes
readable_both well
tap_check "320 pixels: nothing scrolls sideways" fits 320
picture well-320
tap_check "a table scrolls by the arrow keys" scrolls_by_key
page width 1280
tap_check "the tab key walks through the page and out of it" walk
tap_check "it reaches all regions and links" reaches_all
tap_check "the focus is seen at each of them" focus_is_seen
tap_check "the first link leads to the contents" skips_to_contents
tap_check "the console is still empty" silent

# --- a node is lost ---

gone="document.querySelectorAll('#ring .node.gone').length === 1 && $(has members '✕')"
looks "$gone && $(has events 'node3 left') && $(has issues node3)"
since=$(now_ms)
lab_kill 3
shown "$since" 3000 "a killed node is shown as lost: in the ring, in the table, in the events, in the issues"
readable_both lost
tap_check "320 pixels with a lost node: nothing scrolls sideways" fits 320
page width 1280
lab_start 3
lab_ring 3 1 2 3
shows 3000 "it is shown as back" "!($gone) && !($(has issues node3))"
looks "$gone"
since=$(now_ms)
lab_cut 3
# The token timeout, consensus, and what the page needs.
shown "$since" $((LAB_TOKEN * 11 / 5 + 3000)) "a node without its cable is shown as lost"
lab_heal 3
lab_ring 3 1 2 3
shows 3000 "it is shown as back" "!($gone)"
tap_check "the console is still empty" silent

# --- the daemon that serves the page ---

page value "(() => { window.isTheSamePage = true; return ''; })()" >/dev/null
lab_stop 1
shows 6000 "the page tells that its daemon does not answer" "$(has live 'no answer')"
tap_check "and how that looks is readable" readable
picture no-answer
lab_start 1
lab_ring 3 1 2 3
shows 8000 "after the restart of its daemon it goes on" "$(has live '●') && $(has state operational)"
tap_check "without being loaded again" page await 10 "window.isTheSamePage === true"
# The browser itself notes connections that nothing accepts. That is all.
tap_check "the console has but the connections that failed" silent 'SEVERE network: .*(ERR_CONNECTION_REFUSED|ERR_SOCKET_NOT_CONNECTED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING)'
sleep 6 # the browser opens its stream of events again
looks "$(has events 'node2 left') && $(has quorate 'not quorate')"
since=$(now_ms)
lab_kill 2 3
shown "$since" 3000 "events come as before, and without a quorum it says so"
readable_both alone
tap_check "320 pixels without a quorum: nothing scrolls sideways" fits 320
picture alone-320
tap_check "the console is still empty" silent
page close
lab_close
