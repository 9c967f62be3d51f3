# SPDX-License-Identifier: BSD-3-Clause
# exec/map/
check_PROGRAMS += %D%/test_map
TESTS += %D%/test_map

%C%_test_map_SOURCES = %D%/test_map.c $(map_sources) $(fail_alloc_sources)
%C%_test_map_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_map_LDADD = $(CHECK_LIBS)
