#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The script that Debian's package runs after it has installed its files. Before the service is restarted, files of an
# earlier daemon of root are given to the user of the unit. They stay root's if a drop-in file makes the daemon run as
# root.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir -p "$work/bin" "$work/var/lib/coterie" "$work/var/log/coterie" "$work/etc/systemd/system/coterie.service.d" "$work/etc/coterie"
sed -e "s,/var/,$work/var/,g" -e "s,/etc/,$work/etc/,g" -e "s,^#DEBHELPER#,echo restart >>$work/did," \
	-e "s,-user root,-user $(id -un),g" "$source/debian/coterie.postinst" >"$work/postinst"
stub() { # NAME TEXT...: a program in place of the system's
	printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
stub chown "echo chown \"\$@\" >>$work/did"
stub getent "test -e $work/user"
stub systemd-sysusers "echo \"sysusers \$*\" >>$work/did; touch $work/user"
run() {
	: >"$work/did"
	rm -f "$work/user"
	PATH=$work/bin:$PATH sh "$work/postinst" "${1:-configure}"
}
did() { sed "s,$work,,g" "$work/did" | paste -sd'|'; }
dropin() { printf '[Service]\n%s\n' "$1" >"$work/etc/systemd/system/coterie.service.d/root.conf"; }

echo key >"$work/etc/coterie/authkey" && chmod 400 "$work/etc/coterie/authkey"
echo 1 >"$work/var/lib/coterie/ringid_1"
echo 1 >"$work/var/log/coterie/log"
ln -s log "$work/var/log/coterie/link"
ln "$work/etc/coterie/authkey" "$work/var/lib/coterie/linked"
gives="sysusers coterie.conf|chown -h coterie:coterie /var/lib/coterie/ringid_1|chown -h coterie:coterie /var/log/coterie/log|restart"

run
tap_check "files are the user's before the service is restarted" test "$(did)" = "$gives" || tap_note "$(did)"
dropin User=root
run
tap_check "files of a daemon of root stay root's" test "$(did)" = restart || tap_note "$(did)"
dropin Nice=1
run
tap_check "other drop-in files change nothing" test "$(did)" = "$gives" || tap_note "$(did)"
run abort-upgrade
tap_check "only the package's own steps otherwise" test "$(did)" = restart || tap_note "$(did)"
tap_end
