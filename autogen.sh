#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes configure and the files that it needs. Run it once after cloning, and do not commit its
# output.
cd "$(dirname "$0")" || exit
mkdir -p conf/build-aux conf/m4
# A configure without its Makefile.in would look finished to the GNUmakefile.
autoreconf --install --force --warnings=all,no-obsolete || { rm -f configure; exit 1; }
