# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The ways in which udp sends: source it after lab.sh.
# shellcheck disable=SC2034 # lab.sh reads what is set here

# each_way COMMAND: runs COMMAND NAME with configs for multicast, broadcast and, where there is any, IPv6.
each_way() {
	lab_configure
	"$1" multicast
	LAB_INTERFACE="broadcast: yes"
	lab_configure
	"$1" broadcast
	LAB_INTERFACE=
	LAB_FAMILY=ipv6
	lab_has_ipv6 || return
	lab_configure
	"$1" ipv6
}
