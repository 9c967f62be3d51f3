#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The unit of systemd confines the daemon. Checks the rating of systemd-analyze(1), also with the drop-in file of
# the plugin wd, and the settings that coterie(8) promises.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
exposure_max=25 # tenths

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
unit=$work/coterie.service
sed -e 's,[@]sbindir[@],/usr/sbin,g' -e 's,[@]sysconfdir[@],/etc,g' -e 's,[@]localstatedir[@],/var,g' \
	"$source/conf/coterie.service.in" >"$unit"
has() { grep -qx "$1" "$unit"; }

tap_check "all paths are filled in" test -z "$(grep -n '@[a-z]*@' "$unit")"
for line in User=coterie UMask=0027 ProtectSystem=strict NoNewPrivileges=yes DevicePolicy=closed \
	SystemCallFilter=@system-service StateDirectory=coterie LogsDirectory=coterie RuntimeDirectory=coterie; do
	tap_check "it says $line" has "$line"
done
# cage.c keeps all but those that it takes to become the user.
tap_check "it has the capabilities that the daemon keeps, and three to become the user" \
	test "$({ grep '^static const unsigned int kept' "$source/exec/daemon/cage.c" | grep -o 'CAP_[A-Z_]*'
		printf '%s\n' CAP_SETUID CAP_SETGID CAP_SETPCAP; } | sort | paste -sd' ')" = \
	"$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | sort | paste -sd' ')"

# A crashed node stays down until somebody has looked at it.
starters=$(grep -E '^(Requires|Wants|BindsTo|Upholds|PartOf)=.*coterie' "$source"/tools/*/*.service.in)
tap_check "no other unit starts it" test -z "$starters"
tap_check "it starts the notifier" grep -qx 'WantedBy=coterie.service' "$source/tools/notifyd/corosync-notifyd.service.in"

# A device whose driver is loaded later belongs to root until udev gives it away.
user=$(sed -n 's/^u \([^ ]*\) .*/\1/p' "$source/conf/coterie.sysusers")
tap_check "udev gives watchdogs to the user of the unit" \
	grep -qx "KERNEL==\"watchdog|watchdog\[0-9\]\*\", OWNER=\"$user\"" "$source/conf/60-coterie-wd.rules"

if ! systemd-analyze security --help 2>/dev/null | grep -q -- --offline; then
	tap_without "the exposure is at most 2.5" "no systemd-analyze, or one before systemd 250"
	tap_end
fi
exposure() {
	systemd-analyze security --offline=yes --threshold="$1" --no-pager "$unit" | grep -v '✓'
	return "${PIPESTATUS[0]}"
}
tap_check "the exposure is at most 2.5" exposure $exposure_max
mkdir "$unit.d"
cp "$source/conf/coterie-wd.conf" "$unit.d/"
cat "$unit.d/coterie-wd.conf" >>"$unit"
tap_check "and 3.0 with the watchdog" exposure 30
tap_end
