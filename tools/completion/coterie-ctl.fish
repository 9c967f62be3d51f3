# SPDX-License-Identifier: BSD-3-Clause
# Completion of coterie-ctl and the corosync-* tools for fish. The tool itself knows what may come next.

function __coterie_ctl
    set -l words (commandline -opc)
    set -l asked $words[2..-1] (commandline -ct)
    set -l tool (string replace -r '.*/' '' -- $words[1])
    test "$tool" = coterie-ctl; or set asked $tool $asked
    set -l found (coterie-ctl __complete $asked 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end

for tool in coterie-ctl corosync-blackbox corosync-cfgtool corosync-cmapctl corosync-cpgtool corosync-keygen \
        corosync-notifyd corosync-quorumtool corosync-vqsim
    complete -c $tool -f -a '(__coterie_ctl)'
end
