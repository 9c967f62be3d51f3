# SPDX-License-Identifier: BSD-3-Clause
# exec/log/
check_PROGRAMS += %D%/test_flight %D%/test_log
TESTS += %D%/test_flight %D%/test_log

%C%_test_flight_SOURCES = %D%/test_flight.c exec/log/flight.c common/trust.c common/trust_open.c
%C%_test_flight_LDADD = $(CHECK_LIBS)
%C%_test_log_SOURCES = %D%/test_log.c exec/log/flight.c exec/log/log.c exec/log/log_format.c exec/log/log_limit.c \
	exec/log/log_sink.c common/trust.c common/trust_open.c common/utf8.c
%C%_test_log_LDADD = $(CHECK_LIBS)
