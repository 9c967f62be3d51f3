# SPDX-License-Identifier: BSD-3-Clause
# exec/stats: the statistics map.
libcore_la_SOURCES += \
	%D%/stats.c %D%/stats.h %D%/stats_track.c %D%/stats_track.h %D%/histogram.c %D%/histogram.h
