# exec/loop: the one loop of the daemon. The test kit has its own.
libexecutive_la_SOURCES += \
	%D%/loop.c %D%/loop.h
