# SPDX-License-Identifier: BSD-3-Clause
# services/cmap/man: libcmap, section 3, and the keys of the maps, section 7.
dist_man_MANS += \
	%D%/cmap_context_get.3 %D%/cmap_context_set.3 %D%/cmap_dec.3 %D%/cmap_delete.3 %D%/cmap_dispatch.3 \
	%D%/cmap_fd_get.3 %D%/cmap_finalize.3 %D%/cmap_get.3 %D%/cmap_get_double.3 %D%/cmap_get_float.3 \
	%D%/cmap_get_int16.3 %D%/cmap_get_int32.3 %D%/cmap_get_int64.3 %D%/cmap_get_int8.3 \
	%D%/cmap_get_string.3 %D%/cmap_get_uint16.3 %D%/cmap_get_uint32.3 %D%/cmap_get_uint64.3 \
	%D%/cmap_get_uint8.3 %D%/cmap_inc.3 %D%/cmap_initialize.3 %D%/cmap_initialize_map.3 \
	%D%/cmap_iter_finalize.3 %D%/cmap_iter_init.3 %D%/cmap_iter_next.3 %D%/cmap_keys.7 \
	%D%/cmap_overview.3 %D%/cmap_set.3 %D%/cmap_set_double.3 %D%/cmap_set_float.3 %D%/cmap_set_int16.3 \
	%D%/cmap_set_int32.3 %D%/cmap_set_int64.3 %D%/cmap_set_int8.3 %D%/cmap_set_string.3 \
	%D%/cmap_set_uint16.3 %D%/cmap_set_uint32.3 %D%/cmap_set_uint64.3 %D%/cmap_set_uint8.3 \
	%D%/cmap_track_add.3 %D%/cmap_track_delete.3
