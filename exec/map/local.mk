# SPDX-License-Identifier: BSD-3-Clause
# exec/map: the map of the configuration and of the running daemon.
map_sources = \
	%D%/map.c %D%/map.h %D%/map_private.h %D%/map_track.c %D%/map_places.c %D%/map_shared.c \
	%D%/map_iterate.c
libcore_la_SOURCES += $(map_sources)
