# SPDX-License-Identifier: BSD-3-Clause
# exec/map/
check_PROGRAMS += %D%/test_map %D%/test_map_trackers
TESTS += %D%/test_map %D%/test_map_trackers

%C%_test_map_SOURCES = %D%/test_map.c $(map_sources) $(fail_alloc_sources)
%C%_test_map_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_map_LDADD = $(CHECK_LIBS)
%C%_test_map_trackers_SOURCES = %D%/test_map_trackers.c $(map_sources)
%C%_test_map_trackers_LDADD = $(CHECK_LIBS)
