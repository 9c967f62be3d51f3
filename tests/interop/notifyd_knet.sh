#!/bin/bash
# Three nodes of Debian's over knet, whose links there are events of.
LAB_TOTEM="transport: knet
			crypto_cipher: none
			crypto_hash: none"
# shellcheck source=tests/interop/notifyd_lab.sh
. "$(dirname "$0")/notifyd_lab.sh"
notifyd_compare corosync corosync corosync
