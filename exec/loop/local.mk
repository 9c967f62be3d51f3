# SPDX-License-Identifier: BSD-3-Clause
# exec/loop: the one loop of the daemon. The test kit has its own.
libexecutive_la_SOURCES += \
	%D%/loop.c %D%/loop.h
