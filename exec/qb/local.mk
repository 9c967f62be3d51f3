# SPDX-License-Identifier: BSD-3-Clause
# exec/qb: the server half of libqb's IPC protocol. The test kit has its own, without sockets.
qb_sources = \
	%D%/qb.h %D%/private.h %D%/connection.c %D%/descriptors.c %D%/folder.c %D%/handshake.c %D%/members.c \
	%D%/ring.c %D%/ring.h %D%/semaphore.c %D%/semaphore.h %D%/server.c %D%/shm.c %D%/socket.c \
	$(closer_sources)
# Memory shared with clients: channels have it in the test kit, too.
qb_fault_sources = %D%/fault.c %D%/fault.h
libexecutive_la_SOURCES += $(qb_sources)
libcore_la_SOURCES += $(qb_fault_sources)
