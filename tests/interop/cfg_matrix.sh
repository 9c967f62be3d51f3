#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libcfg and the service cfg, ours and Debian's in all pairs.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libcfg7
# Some parts end the daemon by themselves.
matrix_plan="absent + starting calls status votes reload logs defects paused - + killed - + stopped -"
matrix_plan+=" + alone - + agree - + regardless - + silence - + immediate - + suicide -"
matrix_run
