# SPDX-License-Identifier: BSD-3-Clause
# exec/log: log lines, their targets, and the flight recorder. The test kit has its own but for the limiter.
libexecutive_la_SOURCES += \
	%D%/log.c %D%/log.h %D%/log_format.c %D%/log_format.h %D%/log_qb.c %D%/log_sink.c %D%/log_sink.h \
	%D%/flight.c %D%/flight.h
libcore_la_SOURCES += %D%/log_limit.c
