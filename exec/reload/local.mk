# SPDX-License-Identifier: BSD-3-Clause
# exec/reload: changes of the configuration and of the key while the daemon runs.
libcore_la_SOURCES += \
	%D%/reload.c %D%/reload.h %D%/reload_private.h %D%/reload_apply.c %D%/reload_count.c %D%/reload_error.c \
	%D%/reload_hangup.c %D%/reload_key.c %D%/reload_keys.c %D%/reload_list.c %D%/reload_nodes.c \
	%D%/reload_peers.c %D%/reload_quorum.c %D%/rekey.c %D%/rekey.h %D%/rotate.c %D%/rotate.h %D%/key_file.c \
	%D%/key_file.h
