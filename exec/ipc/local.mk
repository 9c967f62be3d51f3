# SPDX-License-Identifier: BSD-3-Clause
# exec/ipc: connections of clients, their requests and answers.
libcore_la_SOURCES += \
	%D%/ipc_server.c %D%/ipc_server.h %D%/ipc_private.h %D%/ipc_access.c %D%/ipc_backlog.c %D%/ipc_channel.c \
	%D%/ipc_channel.h %D%/ipc_channel_await.c %D%/ipc_channel_memory.c %D%/ipc_channel_receive.c \
	%D%/ipc_channel_send.c %D%/ipc_channel_state.c %D%/ipc_client.c %D%/ipc_client_end.c %D%/ipc_fan.c %D%/ipc_gate.c \
	%D%/ipc_handover.c %D%/ipc_hold.c %D%/ipc_poll.c %D%/ipc_request.c %D%/ipc_call.c %D%/ipc_reply.c %D%/ipc_stats.c \
	$(holder_sources)
