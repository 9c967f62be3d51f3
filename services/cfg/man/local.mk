# SPDX-License-Identifier: BSD-3-Clause
# services/cfg/man: libcfg, section 3.
dist_man_MANS += \
	%D%/cfg_overview.3 %D%/corosync_cfg_dispatch.3 %D%/corosync_cfg_fd_get.3 \
	%D%/corosync_cfg_finalize.3 %D%/corosync_cfg_get_node_addrs.3 %D%/corosync_cfg_initialize.3 \
	%D%/corosync_cfg_kill_node.3 %D%/corosync_cfg_local_get.3 %D%/corosync_cfg_node_status_get.3 \
	%D%/corosync_cfg_reload_config.3 %D%/corosync_cfg_reopen_log_files.3 \
	%D%/corosync_cfg_replyto_shutdown.3 %D%/corosync_cfg_ring_status_get.3 \
	%D%/corosync_cfg_trackstart.3 %D%/corosync_cfg_trackstop.3 %D%/corosync_cfg_try_shutdown.3
