# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of coterie-ctl and the corosync-* tools for bash. The tool itself knows what may come next.

_coterie_ctl() {
	local line=${COMP_LINE:0:COMP_POINT} words current found kept i
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	current=${words[-1]}
	words[0]=${words[0]##*/}
	[[ ${words[0]} != coterie-ctl ]] || words=("${words[@]:1}")
	mapfile -t found < <(coterie-ctl __complete "${words[@]}" 2>/dev/null)
	# The shell replaces what stands behind the last of its own separators alone.
	kept=${current%"${current##*[=:]}"}
	COMPREPLY=()
	for i in "${found[@]}"; do
		COMPREPLY+=("${i#"$kept"}")
	done
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o default -F _coterie_ctl coterie-ctl corosync-blackbox corosync-cfgtool corosync-cmapctl \
	corosync-cpgtool corosync-keygen corosync-notifyd corosync-quorumtool corosync-vqsim
