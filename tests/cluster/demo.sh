#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# make demo does what it promises, in less than 20 s.
. "$(dirname "$0")/lab.sh"

demo=$(realpath "$(dirname "$0")/../../conf/demo")
lab_open coterie
began=$SECONDS
tap_check "the demo runs to its end" timeout 60 "$demo" "$LAB_BUILD"
[ $((SECONDS - began)) -lt 20 ]
tap $? "in less than 20 s"
lab_close
