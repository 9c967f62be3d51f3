# SPDX-License-Identifier: BSD-3-Clause
# plugins/kv/man: libcoterie-kv, section 3; the tool.
dist_man_MANS += \
	%D%/coterie-kv.1 \
	%D%/coterie_kv_context_get.3 \
	%D%/coterie_kv_context_set.3 \
	%D%/coterie_kv_delete.3 \
	%D%/coterie_kv_delete_if.3 \
	%D%/coterie_kv_dispatch.3 \
	%D%/coterie_kv_fd_get.3 \
	%D%/coterie_kv_finalize.3 \
	%D%/coterie_kv_get.3 \
	%D%/coterie_kv_initialize.3 \
	%D%/coterie_kv_list.3 \
	%D%/coterie_kv_overview.3 \
	%D%/coterie_kv_put.3 \
	%D%/coterie_kv_put_if.3 \
	%D%/coterie_kv_recover.3 \
	%D%/coterie_kv_status_get.3 \
	%D%/coterie_kv_unwatch.3 \
	%D%/coterie_kv_watch.3
